/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Law 2, continuity: what the new active sends on an SA is above all that the old one sent; a
 * member's own numbers only go up, but for what its kernel reorders on the way out (no further than
 * a receiver's smallest window), and never past 2^32.
 *
 * A member takes an SA over when it sends on it for the first time after it became active, and the
 * other one sent before. What the old one still has in hand is not a take-over of its own: law 1
 * looks after that. What the old one sends beside an heir that is active already does not bind it
 * where something kept the two apart (a split, of which the heir cannot know); where nothing did,
 * it binds each packet of the heir, not the first alone. After a split has healed, who stays active
 * goes above both: from a hold time after the other one has left office on, for the two have to
 * find each other first.
 *
 * The jump is told. Where the description states a largest jump, it is held to that, except where
 * the numbers in between may have been used unseen: into a pulled cable of the old one; and beyond
 * it by what the old one had in hand, what an heir that had to find its neighbour gave up, and a
 * block for each channel that was lost meanwhile, but for the one of the heir's copy. If
 * the heir had no copy, or its lease had run out before both its groups had moved, its copy may
 * have been stale (it then starts in the upper half, docs/spec/ssp.md 4), or of a block that the
 * old one had passed over while a line was disturbed or out.
 */
#include "harness/judge/judge_in.h"

#include <stdlib.h>

#define OWN_ORDER 64 /* RFC 4303 3.4.3: the window that every receiver should have */
#define UPPER_HALF 0x80000000u
#define IN_HAND (50 * NS_PER_MS) /* what a member had numbered and not sent when it ended */
#define WRAP_ROOM 0x10000u
#define BLOCK 0x1000000u /* H of docs/spec/ssp.md 4: numbers of an heir, which others step over */

struct line {			    /* one SA, outwards */
	const struct scene_esp *sa; /* a packet of it */
	int owner;		    /* who took it last, or -1 */
	const struct scene_esp *last[SIDES], *top[SIDES];
	bool changed;
};

struct lines {
	struct line *l;
	size_t cnt, cap;
};

static struct line *
line_of(struct lines *all, const struct scene_esp *e)
{
	struct line *l;

	for (size_t i = all->cnt; i-- > 0;) {
		l = &all->l[i];
		if (!scene_compare_sa(l->sa, e))
			return l;
	}
	all->l = scene_more(all->l, all->cnt, &all->cap, sizeof(*all->l));
	l = &all->l[all->cnt++];
	*l = (struct line){.sa = e, .owner = -1};
	return l;
}

/* When the member became active, anywhere, or was started, last; INT64_MIN: never. */
static ns_t
promoted_at(const struct scene *s, int side, ns_t to)
{
	ns_t at = INT64_MIN;

	for (size_t i = 0; i < s->role_cnt; i++) {
		const struct scene_role *role = &s->role[i];

		if (role->side == side && role->state == STATE_ACTIVE && role->at <= to)
			at = role->at;
	}
	for (size_t i = 0; i < trace_events(s->t); i++) {
		const struct trace_event *e = trace_event(s->t, i);

		if (e->kind == EVENT_START && scene_side(e->who) == side && e->at <= to &&
			e->at > at)
			at = e->at;
	}
	return at;
}

/* Did something keep the members from hearing each other in that time, or a hold time before it? */
static bool
apart(const struct scene *s, ns_t from, ns_t to)
{
	ns_t before = s->in->hold + s->in->hello + s->in->margin;

	for (size_t i = 0; i < s->span_cnt; i++) {
		const struct scene_span *p = &s->span[i];

		if ((p->kind != EVENT_CABLE_OUT || p->side >= 0) &&
			scene_overlaps(p, from - before, to))
			return true;
	}
	return false;
}

/* The highest number of the other one that binds the first packet of an heir. */
static const struct scene_esp *
top_before(const struct scene *s, const struct scene_esp *e)
{
	ns_t until = promoted_at(s, e->side, e->at);
	const struct scene_esp *top = NULL;

	for (const struct scene_esp *o = s->esp; o < e; o++)
		if (o->side == !e->side && !scene_compare_sa(o, e) && (!top || o->seq > top->seq) &&
			(until == INT64_MIN || o->at <= until + IN_HAND + s->in->margin ||
				!apart(s, until, o->at)))
			top = o;
	return top;
}

/* The take-over by which that member sends; NULL if none is known. */
static const struct scene_take *
take_of(const struct scene *s, const struct scene_esp *first)
{
	const struct scene_take *t = NULL;

	for (size_t i = 0; i < s->take_cnt; i++)
		if (s->take[i].heir == first->side && s->take[i].at <= first->at)
			t = &s->take[i];
	return t;
}

static bool
into_a_pulled_cable(const struct scene *s, const struct scene_esp *old, ns_t to)
{
	for (size_t i = 0; i < s->span_cnt; i++)
		if (s->span[i].kind == EVENT_CABLE_OUT && s->span[i].side == old->side &&
			s->span[i].segment == SEG_OUTSIDE &&
			scene_overlaps(&s->span[i], old->at, to))
			return true;
	return false;
}

/* Why the jump is not limited; NULL if it is. */
static const char *
unlimited(const struct scene *s, const struct scene_esp *old, const struct scene_esp *first)
{
	const struct scene_take *t = take_of(s, first);

	if (into_a_pulled_cable(s, old, first->at))
		return "numbers may have gone into a pulled cable";
	if (t && t->copy && t->whole < t->fresh_until - s->in->margin)
		return NULL;
	if (first->seq >= UPPER_HALF)
		return "a stale copy: the upper half";
	for (size_t i = 0; i < s->span_cnt; i++) {
		const struct scene_span *p = &s->span[i];

		if (p->from > first->at)
			continue;
		if (p->kind != EVENT_CABLE_OUT)
			return p->kind == EVENT_PARTITION ? "after a split"
							  : "a line was disturbed";
		if (p->segment == SEG_SYNC)
			return "the sync line was out";
	}
	return NULL;
}

/* Numbers that the old one used in its last moments: as many may have been lost with it. */
static uint32_t
in_hand(const struct scene *s, const struct scene_esp *old)
{
	uint32_t cnt = 0;

	for (size_t i = 0; i < s->esp_cnt; i++) {
		const struct scene_esp *e = &s->esp[i];

		cnt += e->side == old->side && !scene_compare_sa(e, old) && e->at <= old->at &&
		       old->at - e->at <= IN_HAND + s->in->margin;
	}
	return cnt;
}

/*
 * How often somebody may have stepped over a block, and what it had reserved below it, between the
 * two, unseen: who lost a channel over which it had copied, once the lease had run out. The loss of
 * the channel of the heir's own copy is the take-over, if it was silent by then, and makes nobody
 * step.
 */
static uint32_t
steps_between(const struct scene *s, const struct scene_esp *old, const struct scene_esp *first)
{
	const struct scene_take *t = take_of(s, first);
	uint32_t cnt = 0;

	for (size_t i = 0; t && i < s->loss_cnt; i++) {
		const struct scene_loss *l = &s->loss[i];

		cnt += (l->opened != t->channel || l->from > t->at) &&
		       l->from + l->lease <= first->at && l->from + 2 * l->lease >= old->at;
	}
	return cnt;
}

/*
 * Numbers that an heir may have used on packets that nobody saw, since it had to ask for its
 * neighbour first: each packet that came in for the tunnel since it became active costs one.
 */
static uint32_t
kept_waiting(const struct scene *s, const struct scene_esp *first)
{
	const struct scene_take *t = take_of(s, first);
	unsigned ports = scene_ports(s, first->side, SEG_INSIDE);
	uint32_t cnt = 0;

	for (size_t i = t ? t->frame : first->frame; i < first->frame; i++)
		cnt += trace_frame(s->t, i)->to & ports && s->pkt[i].is_ip &&
		       ip4_in(s->in->near, s->pkt[i].src) && ip4_in(s->in->far, s->pkt[i].dst);
	return cnt ? cnt - 1 : 0;
}

/* The highest number of the other one below that: what it used beside the heir is not passed over.
 */
static const struct scene_esp *
just_below(const struct scene *s, const struct scene_esp *first)
{
	const struct scene_esp *top = NULL;

	for (const struct scene_esp *o = s->esp; o < first; o++)
		if (o->side == !first->side && !scene_compare_sa(o, first) && o->seq < first->seq &&
			(!top || o->seq > top->seq))
			top = o;
	return top;
}

static void
judge_jump(const struct scene *s, const struct scene_esp *first, struct law_result *r)
{
	const struct scene_esp *old = just_below(s, first);
	uint32_t jump = first->seq - old->seq - 1, max = s->in->max_jump;
	const char *why = unlimited(s, old, first);
	uint32_t steps = why ? 0 : steps_between(s, old, first);

	if (max && !why &&
		(uint64_t)jump > (uint64_t)max + in_hand(s, old) + kept_waiting(s, first) +
					 (uint64_t)steps * (BLOCK + (uint64_t)max))
		scene_broken(r, first->frame,
			"a take-over passes over at most %u numbers: expected up to %u after %u on "
			"SPI "
			"0x%08x (frame %zu, from %c), saw %u in frame %zu, from %c",
			max, old->seq + 1 + max, old->seq, old->spi, old->frame + 1,
			scene_letter(old->side), first->seq, first->frame + 1,
			scene_letter(first->side));
	scene_note(r, "jump of %u on SPI 0x%08x, frame %zu to %zu%s%s", jump, old->spi,
		old->frame + 1, first->frame + 1,
		why	? ", not limited: "
		: steps ? ", with a block that a channel's loss may have cost"
			: "",
		why ? why : "");
}

static void
take_over(const struct scene *s, struct line *l, const struct scene_esp *e, struct law_result *r)
{
	const struct scene_esp *old = top_before(s, e);

	l->changed = true;
	if (!old)
		return;
	if (e->seq <= old->seq)
		scene_broken(r, e->frame,
			"what the new active sends is above all that the old one "
			"sent: expected more "
			"than %u on SPI 0x%08x (frame %zu, from %c), saw %u in frame %zu, from %c",
			old->seq, e->spi, old->frame + 1, scene_letter(old->side), e->seq,
			e->frame + 1, scene_letter(e->side));
	else
		judge_jump(s, e, r);
}

static void
own_order(const struct line *l, const struct scene_esp *e, struct law_result *r)
{
	const struct scene_esp *top = l->top[e->side];

	if (e->seq == 0 || (top && top->seq > UINT32_MAX - WRAP_ROOM && e->seq < WRAP_ROOM))
		scene_broken(r, e->frame,
			"no SA goes past 2^32: expected no number after %u on SPI "
			"0x%08x, saw %u in "
			"frame %zu, from %c",
			top ? top->seq : 0, e->spi, e->seq, e->frame + 1, scene_letter(e->side));
	else if (top && top->seq > e->seq && top->seq - e->seq > OWN_ORDER)
		scene_broken(r, e->frame,
			"a member's numbers only go up: expected more than %u on SPI 0x%08x (frame "
			"%zu), saw %u in frame %zu, from %c",
			top->seq, e->spi, top->frame + 1, e->seq, e->frame + 1,
			scene_letter(e->side));
}

/* When that member left office for good after a split had healed; 0 if it did not. */
static ns_t
left_after_heal(const struct scene *s, int side, ns_t at)
{
	ns_t healed = 0, left = 0;

	for (size_t i = 0; i < trace_events(s->t) && trace_event(s->t, i)->at <= at; i++)
		if (trace_event(s->t, i)->kind == EVENT_HEAL)
			healed = trace_event(s->t, i)->at;
	for (size_t i = 0; healed && i < s->role_cnt && s->role[i].at <= at; i++) {
		const struct scene_role *role = &s->role[i];

		if (role->side != side || role->segment != SEG_OUTSIDE || role->at < healed)
			continue;
		if (role->state == STATE_ACTIVE)
			left = 0;
		else if (role->was_active)
			left = role->at;
	}
	return left;
}

static void
above_both(const struct scene *s, const struct line *l, const struct scene_esp *e,
	struct law_result *r)
{
	const struct scene_esp *other = l->top[!e->side];
	ns_t left;

	if (!other || e->seq > other->seq)
		return;
	left = left_after_heal(s, !e->side, e->at);
	if (left && e->at > left + s->in->hold + s->in->hello + s->in->margin)
		scene_broken(r, e->frame,
			"after a split has healed, who stays active goes above both: expected "
			"more than %u on SPI 0x%08x (frame %zu, from %c), saw %u in frame %zu, "
			"from %c",
			other->seq, e->spi, other->frame + 1, scene_letter(other->side), e->seq,
			e->frame + 1, scene_letter(e->side));
}

/* What the other one sends on beside the owner, though nothing keeps it from hearing that. */
static void
above_other(const struct scene *s, const struct line *l, const struct scene_esp *e,
	struct law_result *r)
{
	const struct scene_esp *other = l->top[!e->side];
	ns_t since;

	if (!other || e->seq > other->seq || other->at + IN_HAND + s->in->margin > e->at)
		return;
	since = promoted_at(s, e->side, e->at);
	if (since == INT64_MIN || apart(s, since, e->at))
		return;
	scene_broken(r, e->frame,
		"what the new active sends is above all that the old one sent: expected more than "
		"%u on SPI 0x%08x (frame %zu, from %c, beside it), saw %u in frame %zu, from %c",
		other->seq, e->spi, other->frame + 1, scene_letter(other->side), e->seq,
		e->frame + 1, scene_letter(e->side));
}

static bool
takes(const struct scene *s, const struct line *l, const struct scene_esp *e)
{
	if (l->owner == e->side)
		return false;
	return !l->last[e->side] || promoted_at(s, e->side, e->at) >= l->last[e->side]->at;
}

static void
look_at(const struct scene *s, struct lines *all, const struct scene_esp *e, struct law_result *r)
{
	struct line *l = line_of(all, e);

	own_order(l, e, r);
	above_both(s, l, e, r);
	if (takes(s, l, e)) {
		if (l->owner >= 0)
			take_over(s, l, e, r);
		l->owner = e->side;
	} else if (l->owner == e->side) {
		above_other(s, l, e, r);
	}
	r->judged += l->changed;
	l->last[e->side] = e;
	if (!l->top[e->side] || e->seq > l->top[e->side]->seq)
		l->top[e->side] = e;
}

void
continuity_judge(const struct scene *s, struct law_result *r)
{
	struct lines all = {.cnt = 0};

	for (size_t i = 0; i < s->esp_cnt; i++)
		if (s->esp[i].side >= 0)
			look_at(s, &all, &s->esp[i], r);
	free(all.l);
}
