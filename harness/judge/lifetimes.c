/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Law 8, lifetimes: no failover extends one. In seconds: an ESP SA carries nothing of the pair's,
 * and lets nothing in, after the life that its Quick Mode negotiated; under an IKE SA the pair
 * begins and answers no Quick Mode and no DPD after the life that its Main Mode took. In kilobytes:
 * all that the pair protected with an SA, both members together, is not more than was negotiated,
 * but for one reporting step a take-over.
 *
 * Octets are counted as the inner packets that were protected (RFC 2401 4.4.3: the payload).
 * Inbound SAs are judged in seconds only, by what comes out inside: a packet that a member refused
 * is not seen on every device.
 */
#include <string.h>

#include "harness/judge/judge_in.h"
#include "ref/base/cursor.h"

#define KB 1024u
#define STEPS 64u

/* The newest SA of that SPI, with that peer; behind a NAT its address may have changed. */
static const struct scene_sa *
sa_of(const struct scene *s, const struct scene_esp *e, ns_t at)
{
	bool outbound = e->side >= 0;
	ip4_t peer = outbound ? e->dst : e->src;

	for (size_t i = s->sa_cnt; i-- > 0;)
		if (s->sa[i].outbound == outbound && s->sa[i].spi == e->spi && s->sa[i].at <= at &&
			(s->sa[i].peer == peer || e->natt_port))
			return &s->sa[i];
	return NULL;
}

static void
judge_seconds(const struct scene *s, const struct scene_sa *sa, const struct scene_esp *e,
	size_t frame, struct law_result *r)
{
	const struct frame *f = trace_frame(s->t, frame);
	ns_t end = sa->at + ns_from_s(sa->life_s) + s->in->margin;

	if (sa->life_s && f->at > end)
		scene_broken(r, frame,
			"no SA is used beyond its life: expected nothing on SPI 0x%08x later than "
			"%u s after frame %zu, which negotiated that, saw number %u %s in frame "
			"%zu, from %c, %lld ms after it",
			sa->spi, sa->life_s, sa->frame + 1, e->seq,
			e->side >= 0 ? "sent" : "let in", frame + 1,
			scene_letter(scene_sender(s, frame)), (long long)ns_to_ms(f->at - sa->at));
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

		if (e->side < 0 || e->spi != sa->spi || sa_of(s, e, e->at) != sa)
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

struct inbound {
	const struct scene *s;
	struct law_result *r;
};

/* By when it was let in: what was delivered in time may come out a little later. */
static void
take_inbound(void *ctx, const struct scene_esp *e, size_t inside)
{
	struct inbound *in = ctx;
	const struct scene_sa *sa = sa_of(in->s, e, e->at);

	if (!sa || !sa->life_s)
		return;
	in->r->judged++;
	judge_seconds(in->s, sa, e, inside, in->r);
}

/* ---- phase 1 ---- */

#define IKE_LIFE_TYPE 11

/* The life that a Main Mode message in clear takes: its first proposal, its first transform. */
static uint32_t
life_taken(const struct scene_ike *m)
{
	struct scene_payload p;
	uint8_t next = m->first, spi_len;
	size_t at = 0;
	struct scene_life life = {0};
	struct rd r;

	if (m->first != PAY_SA || !scene_payload(m->body, m->body_len, &at, &next, &p))
		return 0;
	rd_init(&r, p.bytes, p.len);
	rd_skip(&r, 8 + 6, "doi, situation, proposal");
	spi_len = rd_u8(&r, "spi size");
	rd_skip(&r, 1u + spi_len + 8, "spi, transform");
	scene_read_life(&r, IKE_LIFE_TYPE, &life);
	return r.bad ? 0 : life.s;
}

/* Does the pair use the IKE SA in it: Quick Mode, or a question of DPD? A Delete may come late. */
static bool
is_use(const struct scene_ike *m)
{
	if (m->side < 0 || !m->opened || m->repeated)
		return false;
	return m->exchange == IKE_QUICK ||
	       (m->exchange == IKE_INFO && scene_notifies(m, NOTIFY_R_U_THERE));
}

/* Message 2 (index i) took a life; it runs from the last message of its Main Mode on. */
static void
judge_phase1(const struct scene *s, size_t i, uint32_t life, struct law_result *r)
{
	const struct scene_ike *two = &s->ike[i];
	ns_t from = two->at;

	for (size_t k = i + 1; k < s->ike_cnt; k++) {
		const struct scene_ike *m = &s->ike[k];

		if (memcmp(m->icookie, two->icookie, 8) || memcmp(m->rcookie, two->rcookie, 8))
			continue;
		if (m->exchange == IKE_MAIN)
			from = m->at;
		if (!is_use(m))
			continue;
		r->judged++;
		if (m->at > from + ns_from_s(life) + s->in->margin)
			scene_broken(r, m->frame,
				"no IKE SA is used beyond its life: expected nothing under that of "
				"frame %zu later than its %u s, saw %c use it in frame %zu, %lld "
				"ms "
				"after its Main Mode",
				two->frame + 1, life, scene_letter(m->side), m->frame + 1,
				(long long)ns_to_ms(m->at - from));
	}
}

static void
judge_ikes(const struct scene *s, struct law_result *r)
{
	static const uint8_t none[8];

	for (size_t i = 0; i < s->ike_cnt; i++) {
		const struct scene_ike *m = &s->ike[i];
		uint32_t life = m->exchange == IKE_MAIN && m->opened && !m->repeated &&
						memcmp(m->rcookie, none, 8)
					? life_taken(m)
					: 0;

		if (life)
			judge_phase1(s, i, life, r);
	}
}

void
lifetimes_judge(const struct scene *s, struct law_result *r)
{
	struct inbound in = {s, r};

	for (size_t i = 0; i < s->esp_cnt; i++) {
		const struct scene_esp *e = &s->esp[i];
		const struct scene_sa *sa = e->side < 0 ? NULL : sa_of(s, e, e->at);

		if (!sa || (!sa->life_s && !sa->life_kb))
			continue;
		r->judged++;
		judge_seconds(s, sa, e, e->frame, r);
	}
	for (size_t i = 0; i < s->sa_cnt; i++)
		judge_volume(s, &s->sa[i], r);
	replay_accepted(s, take_inbound, &in);
	judge_ikes(s, r);
}
