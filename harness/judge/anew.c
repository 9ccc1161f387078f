/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Law 5, nothing anew: after a take-over by a ready standby no Phase 1 and no Phase 2 was needed,
 * while it was in office. Needed means: there was something to protect once both its groups had
 * moved, the heir never used an SA that the old active had used, and somebody negotiated anew; or
 * it left an encrypted message of the peer under the IKE SA without an answer, and then came Main
 * Mode. What is renegotiated beside SAs that work (a rekey that was due, a wish of the case) was
 * not needed; after such a one, or one that the heir completed, the inherited SAs may rest, and a
 * second one says nothing about them. Who has spoken under the IKE SA that it inherited needed no
 * Phase 1.
 */
#include <string.h>

#include "harness/judge/judge_in.h"

#define USED_LATELY (2 * NS_PER_S) /* before the old one fell silent: a hold time earlier */
#define ANSWER_IN (2 * NS_PER_S)

enum { PROTO_ISAKMP = 1 };

/* Was there anything for the heir to protect, once both its groups had moved? */
static bool
was_asked(const struct scene *s, const struct scene_take *t, ns_t until)
{
	unsigned ports = scene_ports(s, t->heir, SEG_INSIDE);

	for (size_t i = t->frame; i < s->cnt; i++) {
		const struct frame *f = trace_frame(s->t, i);

		if (f->at >= until)
			break;
		if (f->at >= t->whole && f->to & ports && s->pkt[i].is_ip &&
			ip4_in(s->in->near, s->pkt[i].src) && ip4_in(s->in->far, s->pkt[i].dst))
			return true;
	}
	return false;
}

/* Was that SA, on which the heir sends, there before the take-over: used, or negotiated? */
static bool
is_inherited(const struct scene *s, const struct scene_take *t, const struct scene_esp *e)
{
	for (const struct scene_esp *old = s->esp; old < e && old->at <= t->at; old++)
		if (old->side == !t->heir && !scene_compare_sa(e, old))
			return true;
	for (size_t i = 0; i < s->sa_cnt; i++)
		if (s->sa[i].outbound && s->sa[i].spi == e->spi && s->sa[i].at <= t->at)
			return true;
	return false;
}

/* Did that member send on an SA that it inherited, and was there one in use not long before? */
static bool
used_inherited(const struct scene *s, const struct scene_take *t, bool *there_was)
{
	*there_was = false;
	for (size_t i = 0; i < s->esp_cnt; i++) {
		const struct scene_esp *e = &s->esp[i];

		if (e->side == t->heir && e->at > t->at && is_inherited(s, t, e))
			return true;
		*there_was = *there_was || (e->side == !t->heir && e->at <= t->at &&
						   t->at - e->at <= USED_LATELY + s->in->hold);
	}
	return false;
}

/* The peer's second message of a Quick Mode that it began: nobody answers it (RFC 2409 5.5). */
static bool
is_last(const struct scene *s, const struct scene_ike *m)
{
	const struct scene_ike *first = NULL;
	bool ours = false;

	for (const struct scene_ike *e = s->ike; e < m; e++) {
		if (e->msgid != m->msgid || memcmp(e->icookie, m->icookie, 8) != 0)
			continue;
		first = first ? first : e;
		ours = ours || e->side >= 0;
	}
	return first && first->side < 0 && ours;
}

/* Is its IKE SA of before the take-over, and deleted by nobody since? */
static bool
known_before(const struct scene *s, const struct scene_take *t, const struct scene_ike *m)
{
	bool known = false;

	for (const struct scene_ike *e = s->ike; e < m; e++) {
		struct scene_payload p;
		uint8_t next = e->first;
		size_t at = 0;

		if (memcmp(e->rcookie, m->rcookie, 8) || memcmp(e->icookie, m->icookie, 8))
			continue;
		known = known || (e->at <= t->at && e->side >= 0);
		while (e->opened && e->exchange == IKE_INFO &&
			scene_payload(e->body, e->body_len, &at, &next, &p))
			if (p.type == PAY_DELETE && p.len >= 5 && p.bytes[4] == PROTO_ISAKMP)
				return false;
	}
	return known;
}

/* A question of DPD (RFC 3706 5.4)? It has to be answered, as a Quick Mode has. */
static bool
asks_dpd(const struct scene_ike *m)
{
	return m->exchange == IKE_INFO && scene_notifies(m, NOTIFY_R_U_THERE);
}

/* A message of the peer under a known IKE SA that the heir got, once whole, and did not answer. */
static const struct scene_ike *
unanswered(const struct scene *s, const struct scene_take *t, ns_t until)
{
	unsigned ports = scene_ports(s, t->heir, SEG_OUTSIDE);

	for (size_t i = 0; i < s->ike_cnt; i++) {
		const struct scene_ike *m = &s->ike[i];
		bool answered = false;

		if (m->side >= 0 || m->at <= t->whole || m->at > until || !m->opened ||
			!(m->to & ports) || !known_before(s, t, m) ||
			(m->exchange == IKE_QUICK ? is_last(s, m) : !asks_dpd(m)))
			continue;
		for (size_t j = i + 1; j < s->ike_cnt && !answered; j++)
			answered = s->ike[j].side >= 0 && !memcmp(s->ike[j].icookie, m->icookie, 8);
		if (!answered && trace_frame(s->t, s->cnt - 1)->at - m->at > ANSWER_IN)
			return m;
	}
	return NULL;
}

/* Did the heir speak under an IKE SA of before the take-over? Then no new Phase 1 was needed. */
static bool
used_phase1(const struct scene *s, const struct scene_take *t, ns_t until)
{
	for (size_t i = 0; i < s->ike_cnt && s->ike[i].at <= until; i++) {
		const struct scene_ike *m = &s->ike[i];

		if (m->side != t->heir || m->at <= t->at || m->exchange == IKE_MAIN)
			continue;
		for (size_t j = 0; j < i && s->ike[j].at <= t->at; j++)
			if (!memcmp(s->ike[j].icookie, m->icookie, 8))
				return true;
	}
	return false;
}

/* first: of its phase, since the take-over. */
static void
judge_anew(const struct scene *s, const struct scene_take *t, const struct scene_ike *m, bool first,
	struct law_result *r)
{
	const char *what = m->exchange == IKE_MAIN ? "Phase 1" : "Phase 2";
	const struct scene_ike *mute = unanswered(s, t, m->at);
	bool there_was, used = used_inherited(s, t, &there_was);

	used = used || (m->exchange == IKE_MAIN && used_phase1(s, t, m->at));
	if (first && there_was && !used && was_asked(s, t, m->at))
		scene_broken(r, m->frame,
			"no new %s is needed after a take-over by a ready standby: "
			"expected %c to use the SAs that it holds from frame %zu on, saw none of "
			"them used, and the negotiation in frame %zu",
			what, scene_letter(t->heir), t->frame + 1, m->frame + 1);
	else if (mute && m->exchange == IKE_MAIN)
		scene_broken(r, m->frame,
			"no new %s is needed after a take-over by a ready standby: "
			"expected %c to answer "
			"the peer's message in frame %zu, saw silence and Main Mode in frame %zu",
			what, scene_letter(t->heir), mute->frame + 1, m->frame + 1);
}

/* The first message of an exchange that makes SAs. */
static bool
is_first(const struct scene *s, size_t i)
{
	const struct scene_ike *m = &s->ike[i];
	static const uint8_t none[8];

	if (m->exchange == IKE_MAIN)
		return !memcmp(m->rcookie, none, 8) && !m->repeated;
	if (m->exchange != IKE_QUICK || m->repeated)
		return false;
	for (size_t j = 0; j < i; j++)
		if (s->ike[j].exchange == IKE_QUICK && s->ike[j].msgid == m->msgid)
			return false;
	return true;
}

/* Did the heir complete an exchange of before the take-over, before m? The inherited may rest then.
 */
static bool
completed(const struct scene *s, const struct scene_take *t, const struct scene_ike *m)
{
	for (const struct scene_ike *e = s->ike; e < m; e++) {
		if (e->exchange != IKE_QUICK || e->side != t->heir || e->at <= t->at)
			continue;
		for (const struct scene_ike *o = s->ike; o < e && o->at <= t->at; o++)
			if (o->exchange == IKE_QUICK && o->msgid == e->msgid &&
				!memcmp(o->icookie, e->icookie, 8))
				return true;
	}
	return false;
}

/*
 * Was a line of the heir out since the take-over, and so lately that its group may not have come
 * back (Listen and Speak, RFC 2281 5.7)? It can use nothing then.
 */
static bool
was_cut_off(const struct scene *s, const struct scene_take *t, ns_t at)
{
	for (size_t i = 0; i < s->span_cnt; i++) {
		const struct scene_span *p = &s->span[i];

		if (p->kind == EVENT_CABLE_OUT && p->side == t->heir && p->segment != SEG_SYNC &&
			scene_overlaps(p, t->at, at) &&
			(p->to == NS_NEVER || at <= p->to + 2 * s->in->hold + s->in->hello))
			return true;
	}
	return false;
}

void
anew_judge(const struct scene *s, struct law_result *r)
{
	for (size_t n = 0; n < s->take_cnt; n++) {
		const struct scene_take *t = &s->take[n];
		size_t cnt[2] = {0, 0}; /* of phase 1 and 2 */
		bool begun;

		/* With one group alone it may use nothing, and meanwhile its lease may run out. */
		if (!t->ready || t->whole >= t->fresh_until - s->in->margin ||
			judge_sets_aside(s, r, ANYWHERE, t->at - s->in->hold, t->at))
			continue;
		for (size_t i = 0; i < s->esp_cnt; i++)
			r->judged += s->esp[i].side == t->heir && s->esp[i].at > t->at &&
				     s->esp[i].at < t->until;
		for (size_t i = 0; i < s->ike_cnt; i++) {
			if (s->ike[i].at <= t->at || s->ike[i].at >= t->until || !is_first(s, i) ||
				was_cut_off(s, t, s->ike[i].at) ||
				judge_sets_aside(s, r, ANYWHERE, t->at, s->ike[i].at))
				continue;
			r->judged++;
			begun = cnt[s->ike[i].exchange != IKE_MAIN]++ ||
				completed(s, t, &s->ike[i]);
			judge_anew(s, t, &s->ike[i], !begun, r);
		}
		if (cnt[0] + cnt[1])
			scene_note(r, "%zu negotiations after the take-over by %c", cnt[0] + cnt[1],
				scene_letter(t->heir));
	}
}
