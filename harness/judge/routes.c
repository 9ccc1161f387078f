/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Law 7, routes: a protected prefix is never routed to two live members; after a take-over to
 * exactly one, from promotion and margin on; to none once the last SA of a dynamic map is gone.
 *
 * Seen in the kernels of the members: the lab listens there, and writes what comes and goes into
 * the trace. At a take-over the old active may hold its route until it has heard of the new one:
 * one hello and jitter, and the new one has it once both its groups have moved and stayed so for as
 * long. What a dead
 * process left in its kernel routes nothing.
 */
#include "harness/judge/judge_in.h"

#include <stdlib.h>
#include <string.h>

#include "ref/base/cursor.h"

#define PROTO_ESP 3
#define IKE_ENCRYPTED 1 /* RFC 2408 3.1 */

#define PAY_HASH 8
#define HASH_MAX KEYPRIM_HASH_MAX

struct prefix {
	uint32_t net;
	uint8_t len;
	bool in[SIDES];
	bool wanted; /* it was put in, and nobody in office has taken it out */
	ns_t both;   /* since when both have it; 0 not */
	bool aside;  /* that was counted as set aside */
};

struct live_sa {
	uint32_t spi, msgid;
};

struct map {
	const struct scene *s;
	struct law_result *r;
	struct prefix *p;
	size_t cnt, cap;
	struct live_sa *sa;
	size_t sa_cnt, sa_cap;
	ns_t first; /* when one of those SAs was deleted first; 0 not */
	ns_t gone;  /* when the last SA was deleted; 0 not */
	size_t gone_frame;
};

/* What happens, in order of time. */
enum moment_kind { MOMENT_EVENT, MOMENT_SA, MOMENT_IKE, MOMENT_DUE, MOMENT_END };

struct moment {
	ns_t at;
	enum moment_kind kind;
	size_t no; /* index of the event, the SA, the message or the take-over */
};

static ns_t
grace(const struct scene *s)
{
	return s->in->hello + s->in->hello / 10 + s->in->margin + s->in->route_margin;
}

static bool
active_at(const struct scene *s, int side, ns_t at)
{
	bool active = false;

	for (size_t i = 0; i < s->role_cnt && s->role[i].at <= at; i++)
		if (s->role[i].side == side && s->role[i].segment == SEG_OUTSIDE)
			active = s->role[i].state == STATE_ACTIVE;
	return active && scene_live(s, side, at);
}

static struct prefix *
prefix_of(struct map *m, const struct trace_event *e)
{
	for (size_t i = 0; i < m->cnt; i++)
		if (m->p[i].net == e->value && m->p[i].len == e->prefix_len)
			return &m->p[i];
	m->p = scene_more(m->p, m->cnt, &m->cap, sizeof(*m->p));
	m->p[m->cnt] = (struct prefix){.net = e->value, .len = e->prefix_len};
	return &m->p[m->cnt++];
}

/* The last frame that is not later, or TRACE_NONE. */
static size_t
frame_at(const struct map *m, ns_t at)
{
	size_t lo = 0, hi = m->s->cnt;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (trace_frame(m->s->t, mid)->at <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? lo - 1 : TRACE_NONE;
}

static void
drop_member(struct map *m, int side)
{
	for (size_t i = 0; side >= 0 && i < m->cnt; i++) {
		m->p[i].in[side] = false;
		m->p[i].both = 0;
	}
}

static void
take_route(struct map *m, const struct trace_event *e)
{
	int side = scene_side(e->who);
	struct prefix *p = side < 0 ? NULL : prefix_of(m, e);

	if (!p)
		return;
	m->r->judged++;
	p->in[side] = e->kind == EVENT_ROUTE_ADD && scene_live(m->s, side, e->at);
	if (p->in[side])
		p->wanted = true;
	else if (active_at(m->s, side, e->at + grace(m->s)))
		p->wanted = false;
	if (!p->in[SIDE_A] || !p->in[SIDE_B])
		p->both = 0;
	else if (!p->both) {
		p->both = e->at;
		p->aside = false;
	}
}

static void
take_event(struct map *m, const struct trace_event *e)
{
	switch (e->kind) {
	case EVENT_ROUTE_ADD:
	case EVENT_ROUTE_DEL:
		take_route(m, e);
		break;
	case EVENT_STOP:
	case EVENT_EXIT:
	case EVENT_CRASH:
	case EVENT_POWER_OFF:
		drop_member(m, scene_side(e->who));
		break;
	case EVENT_START:
	case EVENT_CABLE_OUT:
	case EVENT_CABLE_IN:
	case EVENT_PARTITION:
	case EVENT_HEAL:
	case EVENT_LOSS:
	case EVENT_DELAY:
	case EVENT_COPY:
	case EVENT_REORDER:
	case EVENT_CORRUPT:
	case EVENT_SLOW:
	case EVENT_STALL:
	case EVENT_MARK:
	case EVENT_CNT:
		break;
	}
}

/* Two routes that a fault excuses have to be one when it is over. */
static ns_t
clear_from(const struct map *m, ns_t at)
{
	return ns_min(judge_clear_from(m->s, LAW_ROUTES, ANYWHERE, at, grace(m->s)), NS_NEVER / 2);
}

static void
judge_both(struct map *m, ns_t at)
{
	for (size_t i = 0; i < m->cnt; i++) {
		struct prefix *p = &m->p[i];
		char net[IP4_TEXT];

		if (!p->both || at <= p->both + grace(m->s))
			continue;
		if (at <= clear_from(m, p->both) + grace(m->s)) {
			if (!p->aside)
				p->aside = judge_sets_aside(m->s, m->r, ANYWHERE, p->both, at);
			continue;
		}
		scene_broken(m->r, frame_at(m, p->both),
			"a protected prefix is never routed to two live members: "
			"expected one route to "
			"%s/%u from %lld ms after the second came (behind frame %zu) on, saw both",
			ip4_put(net, p->net), p->len, (long long)ns_to_ms(grace(m->s)),
			frame_at(m, p->both) + 1);
		p->both = 0;
	}
}

static void
judge_take(struct map *m, const struct scene_take *t, ns_t at)
{
	bool holds = (t->copy && t->pairs && t->whole < t->fresh_until) || !m->s->in->dynamic_map;

	for (size_t i = 0; holds && at < t->until && i < m->cnt; i++) {
		char net[IP4_TEXT];

		if (!m->p[i].wanted || m->p[i].in[t->heir] || m->gone ||
			!active_at(m->s, t->heir, at) ||
			judge_sets_aside(m->s, m->r, ANYWHERE, t->at, at))
			continue;
		scene_broken(m->r, t->frame,
			"after a take-over a protected prefix is routed to exactly one member: "
			"expected %s/%u in %c's kernel %lld ms after both its groups had moved "
			"(it became active in frame %zu), saw none",
			ip4_put(net, m->p[i].net), m->p[i].len, scene_letter(t->heir),
			(long long)ns_to_ms(grace(m->s)), t->frame + 1);
	}
}

/* It took over without a copy, and one was deleted before that: it may hold what it knows of. */
static bool
may_not_know(const struct map *m, int side)
{
	const struct scene_take *t = NULL;

	for (size_t i = 0; i < m->s->take_cnt && m->s->take[i].at <= m->gone; i++)
		if (m->s->take[i].heir == side)
			t = &m->s->take[i];
	return t && !t->copy && m->first <= t->at;
}

static void
judge_gone(struct map *m, ns_t at)
{
	if (!m->gone || !m->s->in->dynamic_map || at <= m->gone + grace(m->s))
		return;
	for (size_t i = 0; i < m->cnt; i++)
		for (int side = 0; side < SIDES; side++) {
			char net[IP4_TEXT];

			m->p[i].wanted = false;
			if (!m->p[i].in[side] || may_not_know(m, side))
				continue;
			scene_broken(m->r, m->gone_frame,
				"no route of a dynamic map outlives its last SA: expected no "
				"route to "
				"%s/%u %lld ms after the Delete in frame %zu, saw it in %c's "
				"kernel",
				ip4_put(net, m->p[i].net), m->p[i].len,
				(long long)ns_to_ms(grace(m->s)), m->gone_frame + 1,
				scene_letter(side));
		}
	m->gone = 0;
}

/* One direction that is deleted takes its twin of the same Quick Mode along. */
static void
forget_spi(struct map *m, uint32_t spi)
{
	for (size_t i = 0; i < m->sa_cnt; i++) {
		uint32_t msgid = m->sa[i].msgid;

		if (m->sa[i].spi != spi)
			continue;
		for (size_t j = m->sa_cnt; j-- > 0;)
			if (m->sa[j].msgid == msgid)
				m->sa[j] = m->sa[--m->sa_cnt];
		return;
	}
}

/* Is HASH(1) right (RFC 2409 5.7)? Without the key of it a message moves nothing. */
static bool
is_authentic(const struct scene *s, const struct scene_ike *ike)
{
	const struct keyike *k = keyring_ike(s->in->keys, ike->icookie, ike->rcookie);
	struct scene_payload hash = {0}, p;
	uint8_t next = ike->first, want[HASH_MAX];
	size_t at = 0, rest;

	if (!k || !k->a.len || next != PAY_HASH ||
		!scene_payload(ike->body, ike->body_len, &at, &next, &hash))
		return false;
	for (rest = at; scene_payload(ike->body, ike->body_len, &at, &next, &p);)
		continue;
	keyike_hash1(k, ike->msgid, SPAN(ike->body + rest, at - rest), want);
	return hash.len <= sizeof(want) && !memcmp(hash.bytes, want, hash.len);
}

/* Deletes of ESP SAs (RFC 2408 3.15). */
static void
read_deletes(struct map *m, const struct scene_ike *ike)
{
	struct scene_payload p;
	uint8_t next = ike->first, size;
	uint16_t cnt;
	size_t at = 0;
	struct rd r;

	while (scene_payload(ike->body, ike->body_len, &at, &next, &p)) {
		if (p.type != PAY_DELETE)
			continue;
		rd_init(&r, p.bytes, p.len);
		rd_skip(&r, 4, "doi");
		if (rd_u8(&r, "protocol") != PROTO_ESP)
			continue;
		size = rd_u8(&r, "spi size");
		cnt = rd_u16(&r, "spis");
		for (; size == 4 && cnt > 0 && !r.bad; cnt--)
			forget_spi(m, rd_u32(&r, "spi"));
	}
}

/* Did the Main Mode of the message's IKE SA begin after that instant? (docs/spec/ssp.md 5) */
static bool
was_begun_after(const struct scene *s, const struct scene_ike *ike, ns_t at)
{
	for (size_t i = 0; i < s->ike_cnt; i++)
		if (!memcmp(s->ike[i].icookie, ike->icookie, 8))
			return s->ike[i].exchange == IKE_MAIN && s->ike[i].at > at;
	return false;
}

/*
 * Does that member hold the IKE SA of the message? It does if it ever spoke under it, other than
 * by a notify in clear, which says the contrary (INVALID-COOKIE, RFC 2408 5.2); or if it had a copy
 * when it took over, and the IKE SA was not made behind its back. What it cannot open tells it
 * nothing.
 */
static bool
holds(const struct scene *s, int side, const struct scene_ike *ike)
{
	bool copy = false, took = false;

	for (size_t i = 0; i < s->ike_cnt; i++)
		if (s->ike[i].side == side && !memcmp(s->ike[i].icookie, ike->icookie, 8) &&
			!memcmp(s->ike[i].rcookie, ike->rcookie, 8) &&
			(s->ike[i].exchange != IKE_INFO || s->ike[i].flags & IKE_ENCRYPTED))
			return true;
	for (size_t i = 0; i < s->take_cnt && s->take[i].at <= ike->at; i++)
		if (s->take[i].heir == side) {
			copy = s->take[i].copy && !was_begun_after(s, ike, s->take[i].heard);
			took = true;
		}
	return copy || !took;
}

/* Did a member that could act on it get the peer's message? One of the pair's own counts as sent.
 */
static bool
was_heard(const struct scene *s, const struct scene_ike *ike)
{
	bool known = false;

	if (ike->side >= 0)
		return ike->to != 0;
	for (size_t i = 0; i < s->role_cnt; i++)
		known = known || s->role[i].state == STATE_ACTIVE;
	for (int side = 0; side < SIDES; side++)
		if (ike->to & scene_ports(s, side, SEG_OUTSIDE) &&
			(!known || scene_serves_since(s, side, ike->at) != NS_NEVER) &&
			scene_live(s, side, ike->at) && holds(s, side, ike))
			return true;
	return false;
}

static void
take_message(struct map *m, const struct scene_ike *ike)
{
	bool had = m->sa_cnt > 0;
	size_t cnt;

	if (ike->exchange != IKE_INFO || !ike->opened || ike->repeated || !was_heard(m->s, ike) ||
		!is_authentic(m->s, ike))
		return;
	cnt = m->sa_cnt;
	read_deletes(m, ike);
	if (m->sa_cnt < cnt && !m->first)
		m->first = ike->at;
	if (!had || m->sa_cnt)
		return;
	m->gone = ike->at;
	m->gone_frame = ike->frame;
}

static void
take_sa(struct map *m, const struct scene_sa *sa)
{
	if (!m->sa_cnt)
		m->first = 0;
	m->sa = scene_more(m->sa, m->sa_cnt, &m->sa_cap, sizeof(*m->sa));
	m->sa[m->sa_cnt++] = (struct live_sa){sa->spi, sa->msgid};
	m->gone = 0;
}

static int
by_time(const void *x, const void *y)
{
	const struct moment *a = x, *b = y;

	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return a->no < b->no ? -1 : a->no > b->no;
}

/* When an heir owes its route: once it has served for the margin. NS_NEVER: it never did. */
static ns_t
due_at(const struct scene *s, const struct scene_take *t)
{
	ns_t from = t->whole;

	for (size_t i = 0; i <= s->role_cnt && from < t->until; i++) {
		ns_t since = scene_serves_since(s, t->heir, from + grace(s));

		if (since <= from)
			return from + grace(s);
		if (since == NS_NEVER) {
			since = from + grace(s);
			for (size_t k = 0; k < s->role_cnt; k++)
				if (s->role[k].at > since && s->role[k].side == t->heir) {
					from = s->role[k].at;
					break;
				}
			if (from <= since)
				return NS_NEVER;
		} else {
			from = since;
		}
	}
	return NS_NEVER;
}

static struct moment *
moments_of(const struct scene *s, size_t *cnt)
{
	size_t all = trace_events(s->t) + s->sa_cnt + s->ike_cnt + s->take_cnt + 1, n = 0;
	struct moment *m = calloc(all, sizeof(*m));
	ns_t end = s->cnt ? trace_frame(s->t, s->cnt - 1)->at : 0;

	if (!m)
		abort();
	for (size_t i = 0; i < trace_events(s->t); i++)
		m[n++] = (struct moment){trace_event(s->t, i)->at, MOMENT_EVENT, i};
	for (size_t i = 0; i < s->sa_cnt; i++)
		m[n++] = (struct moment){s->sa[i].at, MOMENT_SA, i};
	for (size_t i = 0; i < s->ike_cnt; i++)
		m[n++] = (struct moment){s->ike[i].at, MOMENT_IKE, i};
	for (size_t i = 0; i < s->take_cnt; i++)
		if (due_at(s, &s->take[i]) < end)
			m[n++] = (struct moment){due_at(s, &s->take[i]), MOMENT_DUE, i};
	m[n++] = (struct moment){end, MOMENT_END, 0};
	qsort(m, n, sizeof(*m), by_time);
	*cnt = n;
	return m;
}

void
routes_judge(const struct scene *s, struct law_result *r)
{
	struct map map = {.s = s, .r = r};
	size_t cnt;
	struct moment *all = moments_of(s, &cnt);

	for (size_t i = 0; i < cnt; i++) {
		const struct moment *m = &all[i];

		judge_both(&map, m->at);
		judge_gone(&map, m->at);
		switch (m->kind) {
		case MOMENT_EVENT:
			take_event(&map, trace_event(s->t, m->no));
			break;
		case MOMENT_SA:
			take_sa(&map, &s->sa[m->no]);
			break;
		case MOMENT_IKE:
			take_message(&map, &s->ike[m->no]);
			break;
		case MOMENT_DUE:
			judge_take(&map, &s->take[m->no], m->at);
			break;
		case MOMENT_END:
			break;
		}
	}
	free(all);
	free(map.sa);
	free(map.p);
}
