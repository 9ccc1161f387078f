/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Law 6, DPD (RFC 3706 5.4, 6): what the pair asks is numbered upwards within an IKE SA, whoever of
 * it asks; after a take-over at most the number in flight is repeated, or one skipped; and each
 * R-U-THERE-ACK carries a number that the peer has asked, of that member, and not had answered: as
 * often as it came there.
 *
 * A number binds the heir if it could know it: the heir had a copy when it took over, and the old
 * active asked before that, not beside it (a split brain).
 */
#include "harness/judge/judge_in.h"

#include <stdlib.h>
#include <string.h>

#include "ref/base/cursor.h"

#define R_U_THERE_ACK 36137
#define SKIP_MAX 2 /* the one in flight may have been lost with the old active */

struct asked {
	const struct scene_ike *m;
	uint16_t type;
	uint32_t number;
	unsigned answers;
};

struct sa {
	uint8_t icookie[8], rcookie[8];
	const struct scene_ike *last; /* the pair's last R-U-THERE */
	uint32_t number;
};

struct book {
	struct law_result *r;
	struct asked *a;
	size_t a_cnt, a_cap;
	struct sa *sa;
	size_t sa_cnt, sa_cap;
	const struct scene *s;
	size_t unknown; /* numbers that did not bind who asked next */
};

/* A DPD notify in the message? */
static bool
read_dpd(const struct scene_ike *m, struct asked *q)
{
	struct scene_payload p;
	uint8_t next = m->first, spi_len;
	size_t at = 0;
	struct rd r;

	while (scene_payload(m->body, m->body_len, &at, &next, &p)) {
		if (p.type != PAY_NOTIFY)
			continue;
		rd_init(&r, p.bytes, p.len);
		rd_skip(&r, 5, "doi, protocol");
		spi_len = rd_u8(&r, "spi size");
		*q = (struct asked){.m = m, .type = rd_u16(&r, "type")};
		rd_skip(&r, spi_len, "spi");
		q->number = rd_u32(&r, "number");
		if (!r.bad && (q->type == NOTIFY_R_U_THERE || q->type == R_U_THERE_ACK))
			return true;
	}
	return false;
}

static struct sa *
sa_of(struct book *k, const struct scene_ike *m)
{
	struct sa *sa;

	for (size_t i = 0; i < k->sa_cnt; i++)
		if (!memcmp(k->sa[i].icookie, m->icookie, 8) &&
			!memcmp(k->sa[i].rcookie, m->rcookie, 8))
			return &k->sa[i];
	k->sa = scene_more(k->sa, k->sa_cnt, &k->sa_cap, sizeof(*k->sa));
	sa = &k->sa[k->sa_cnt++];
	*sa = (struct sa){.last = NULL};
	memcpy(sa->icookie, m->icookie, 8);
	memcpy(sa->rcookie, m->rcookie, 8);
	return sa;
}

/* Could who asks now know what the other member asked last? */
static bool
binds(const struct scene *s, const struct scene_ike *last, const struct scene_ike *m)
{
	const struct scene_take *t = NULL;

	for (size_t i = 0; i < s->take_cnt; i++)
		if (s->take[i].heir == m->side && s->take[i].at <= m->at)
			t = &s->take[i];
	return last->side == m->side || !t || (t->copy && last->at <= t->at);
}

static void
judge_question(struct book *k, const struct asked *q)
{
	struct sa *sa = sa_of(k, q->m);
	const struct scene_ike *last = sa->last;
	uint32_t step = q->number - sa->number;

	sa->last = q->m;
	if (last && !binds(k->s, last, q->m)) {
		k->unknown++;
		sa->number = q->number;
		return;
	}
	k->r->judged++;
	if (last && q->number < sa->number)
		scene_broken(k->r, q->m->frame,
			"no R-U-THERE number is below the last one: expected %u or "
			"more (frame %zu, from "
			"%c), saw %u in frame %zu, from %c",
			sa->number, last->frame + 1, scene_letter(last->side), q->number,
			q->m->frame + 1, scene_letter(q->m->side));
	else if (last && last->side != q->m->side && step > SKIP_MAX)
		scene_broken(k->r, q->m->frame,
			"after a take-over at most the number in flight is repeated "
			"or skipped: expected "
			"%u to %u after %u in frame %zu, from %c, saw %u in frame %zu, from %c",
			sa->number, sa->number + SKIP_MAX, sa->number, last->frame + 1,
			scene_letter(last->side), q->number, q->m->frame + 1,
			scene_letter(q->m->side));
	sa->number = q->number;
}

/* How often that question came to that member: a copy made on the way counts. */
static unsigned
arrivals(const struct book *k, const struct asked *a, int side)
{
	if (!(a->m->to & scene_ports(k->s, side, SEG_OUTSIDE)))
		return 0;
	return trace_frame(k->s->t, a->m->frame)->fate & FATE_COPIED ? 2 : 1;
}

static void
judge_answer(struct book *k, const struct asked *q)
{
	bool asked = false;

	k->r->judged++;
	for (size_t i = k->a_cnt; i-- > 0;) {
		struct asked *a = &k->a[i];

		if (a->m->side >= 0 || a->type != NOTIFY_R_U_THERE || a->number != q->number ||
			memcmp(a->m->icookie, q->m->icookie, 8) ||
			memcmp(a->m->rcookie, q->m->rcookie, 8))
			continue;
		asked = true;
		if (a->answers < arrivals(k, a, q->m->side)) {
			a->answers++;
			return;
		}
	}
	scene_broken(k->r, q->m->frame,
		"each R-U-THERE-ACK carries the number asked: expected one that the peer has asked "
		"on this IKE SA, saw %u in frame %zu, from %c, which %s",
		q->number, q->m->frame + 1, scene_letter(q->m->side),
		asked ? "it has not asked there, or had answered" : "it has not");
}

void
dpd_judge(const struct scene *s, struct law_result *r)
{
	struct book k = {.r = r, .s = s};

	for (size_t i = 0; i < s->ike_cnt; i++) {
		const struct scene_ike *m = &s->ike[i];
		struct asked q;

		if (m->exchange != IKE_INFO || !m->opened || !read_dpd(m, &q))
			continue;
		if (q.m->side >= 0 && q.type == NOTIFY_R_U_THERE)
			judge_question(&k, &q);
		else if (q.m->side >= 0)
			judge_answer(&k, &q);
		k.a = scene_more(k.a, k.a_cnt, &k.a_cap, sizeof(*k.a));
		k.a[k.a_cnt++] = q;
	}
	if (k.unknown)
		scene_note(
			r, "%zu numbers were asked where the heir could not know them", k.unknown);
	free(k.a);
	free(k.sa);
}
