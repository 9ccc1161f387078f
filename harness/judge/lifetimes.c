/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Law 8, lifetimes: no failover extends one. In seconds: an SA carries nothing of the pair's after
 * the life that its Quick Mode negotiated. In kilobytes: all that the pair protected with it, both
 * members together, is not more than was negotiated, but for one reporting step a take-over.
 *
 * Octets are counted as the inner packets that were protected (RFC 2401 4.4.3: the payload).
 * Inbound SAs are judged in seconds only: how much a member accepted is not seen on every device.
 */
#include "harness/judge/judge_in.h"

#define KB 1024u
#define STEPS 64u

static const struct scene_sa *
sa_of(const struct scene *s, const struct scene_esp *e)
{
	for (size_t i = s->sa_cnt; i-- > 0;)
		if (s->sa[i].outbound && s->sa[i].spi == e->spi && s->sa[i].at <= e->at)
			return &s->sa[i];
	return NULL;
}

static void
judge_seconds(const struct scene *s, const struct scene_sa *sa, const struct scene_esp *e,
	struct law_result *r)
{
	ns_t end = sa->at + ns_from_s(sa->life_s) + s->in->margin;

	if (sa->life_s && e->at > end)
		scene_broken(r, e->frame,
			"no SA is used beyond its life: expected nothing on SPI "
			"0x%08x later than %u s "
			"after frame %zu, which negotiated that, saw number %u in "
			"frame %zu, from %c, "
			"%lld ms after it",
			sa->spi, sa->life_s, sa->frame + 1, e->seq, e->frame + 1,
			scene_letter(e->side), (long long)ns_to_ms(e->at - sa->at));
}

static uint32_t
take_overs(const struct scene *s, ns_t from, ns_t to)
{
	uint32_t cnt = 0;

	for (size_t i = 0; i < s->take_cnt; i++)
		cnt += s->take[i].at >= from && s->take[i].at <= to;
	return cnt;
}

static void
judge_volume(const struct scene *s, const struct scene_sa *sa, struct law_result *r)
{
	uint32_t steps = s->in->kb_steps ? s->in->kb_steps : STEPS;
	uint64_t limit = (uint64_t)sa->life_kb * KB, step = limit / steps + KB, octets = 0, most;

	if (!sa->life_kb || !sa->outbound)
		return;
	for (size_t i = 0; i < s->esp_cnt; i++) {
		const struct scene_esp *e = &s->esp[i];

		if (e->side < 0 || e->spi != sa->spi || sa_of(s, e) != sa)
			continue;
		octets += e->inner_len;
		most = limit + take_overs(s, sa->at, e->at) * step;
		if (octets <= most)
			continue;
		scene_broken(r, e->frame,
			"no SA protects more than its life in kilobytes: expected at "
			"most %llu octets on "
			"SPI 0x%08x (negotiated in frame %zu), saw %llu with frame %zu, from %c",
			(unsigned long long)most, sa->spi, sa->frame + 1,
			(unsigned long long)octets, e->frame + 1, scene_letter(e->side));
		return;
	}
}

void
lifetimes_judge(const struct scene *s, struct law_result *r)
{
	for (size_t i = 0; i < s->esp_cnt; i++) {
		const struct scene_esp *e = &s->esp[i];
		const struct scene_sa *sa = e->side < 0 ? NULL : sa_of(s, e);

		if (!sa || (!sa->life_s && !sa->life_kb))
			continue;
		r->judged++;
		judge_seconds(s, sa, e, r);
	}
	for (size_t i = 0; i < s->sa_cnt; i++)
		judge_volume(s, &s->sa[i], r);
}
