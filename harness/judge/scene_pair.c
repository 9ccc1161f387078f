/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pair itself: states as HSRP tells them (RFC 2281 5.1), take-overs, and those that had to
 * come. An heir is ready if it has a copy (scene_sync.c), and was Standby, by its own Hellos, in
 * each group directly before it was Active.
 */
#include "harness/judge/scene.h"

#include <string.h>

#define STATE_STANDBY 8
#define STATE_UNKNOWN 255
#define STATE_LEFT 254 /* resigned */

enum { HSRP_HELLO, HSRP_COUP, HSRP_RESIGN };

static void
add_role(struct scene *s, size_t frame, uint8_t state, bool was_active)
{
	s->role = scene_more(s->role, s->role_cnt, &s->role_cap, sizeof(*s->role));
	s->role[s->role_cnt++] = (struct scene_role){
		.frame = frame,
		.at = trace_frame(s->t, frame)->at,
		.side = scene_sender(s, frame),
		.segment = scene_segment(s, frame),
		.state = state,
		.was_active = was_active,
	};
}

struct states {
	uint8_t is[SIDES][SEG_CNT];
	bool stood[SIDES][SEG_CNT]; /* Active: it was Standby directly before */
	int owner;		    /* last active on the outside */
	bool inside;		    /* there is a group inside */
	size_t event;
};

/* Is that member Standby in each group, or was it directly before it became Active there? */
static bool
was_standby(const struct states *st, int side)
{
	for (int seg = SEG_OUTSIDE; seg <= SEG_INSIDE; seg++) {
		if (seg == SEG_INSIDE && !st->inside)
			continue;
		if (st->is[side][seg] != STATE_STANDBY &&
			!(st->is[side][seg] == STATE_ACTIVE && st->stood[side][seg]))
			return false;
	}
	return true;
}

static void
add_take(struct scene *s, const struct states *st, size_t frame, int heir)
{
	ns_t at = trace_frame(s->t, frame)->at;

	if (s->take_cnt)
		s->take[s->take_cnt - 1].until = ns_min(s->take[s->take_cnt - 1].until, at);
	s->take = scene_more(s->take, s->take_cnt, &s->take_cap, sizeof(*s->take));
	s->take[s->take_cnt++] = (struct scene_take){.frame = frame,
		.at = at,
		.heir = heir,
		.whole = NS_NEVER,
		.until = NS_NEVER,
		.ready = was_standby(st, heir)};
}

/* Both groups have moved, or there is none inside: the SAs and routes of the heir come to life. */
static void
complete_take(struct scene *s, const struct states *st, int side, ns_t at)
{
	struct scene_take *t = s->take_cnt ? &s->take[s->take_cnt - 1] : NULL;

	if (t && t->heir == side && t->whole == NS_NEVER && t->until == NS_NEVER &&
		st->is[side][SEG_OUTSIDE] == STATE_ACTIVE &&
		(!st->inside || st->is[side][SEG_INSIDE] == STATE_ACTIVE))
		t->whole = at;
}

/* The heir's time is over: it has died, or begins anew. */
static void
end_take(struct scene *s, int side, ns_t at)
{
	struct scene_take *t = s->take_cnt ? &s->take[s->take_cnt - 1] : NULL;

	if (t && t->heir == side)
		t->until = ns_min(t->until, at);
}

static void
add_fall(struct scene *s, const struct states *st, const struct trace_event *e, size_t frame)
{
	int side = scene_side(e->who);

	if (st->is[side][SEG_OUTSIDE] != STATE_ACTIVE || st->is[!side][SEG_OUTSIDE] == STATE_ACTIVE)
		return;
	s->fall = scene_more(s->fall, s->fall_cnt, &s->fall_cap, sizeof(*s->fall));
	s->fall[s->fall_cnt++] = (struct scene_fall){.frame = frame,
		.at = e->at,
		.heir = !side,
		.pulled = e->kind == EVENT_CABLE_OUT,
		.ready = was_standby(st, !side),
		.back = NS_NEVER};
}

static void
end_falls(struct scene *s, int side, ns_t at)
{
	for (size_t i = s->fall_cnt; i-- > 0;)
		if (s->fall[i].heir == !side)
			s->fall[i].back = ns_min(s->fall[i].back, at);
}

/* A process that starts again was nothing before, and a group whose line is out is nothing, unsaid.
 */
static void
take_event(struct scene *s, struct states *st, const struct trace_event *e, size_t frame)
{
	int side = scene_side(e->who);

	if (side < 0)
		return;
	if (e->kind == EVENT_START) {
		memset(st->is[side], STATE_UNKNOWN, sizeof(st->is[side]));
		end_take(s, side, e->at);
		end_falls(s, side, e->at);
	} else if (e->kind == EVENT_STOP || e->kind == EVENT_EXIT || e->kind == EVENT_CRASH ||
		   e->kind == EVENT_POWER_OFF) {
		add_fall(s, st, e, frame);
		end_take(s, side, e->at);
	} else if (e->kind == EVENT_CABLE_OUT) {
		if (e->segment != SEG_SYNC)
			add_fall(s, st, e, frame);
		st->is[side][e->segment] = STATE_UNKNOWN;
	} else if (e->kind == EVENT_CABLE_IN && e->segment != SEG_SYNC) {
		end_falls(s, side, e->at);
	}
}

static void
take_events(struct scene *s, struct states *st, size_t frame)
{
	for (; st->event < trace_events(s->t); st->event++) {
		if (trace_event(s->t, st->event)->before > frame)
			break;
		take_event(s, st, trace_event(s->t, st->event), frame);
	}
}

static void
read_role(struct scene *s, struct states *st, size_t frame)
{
	const struct pkt *p = &s->pkt[frame];
	int side = scene_sender(s, frame);
	enum trace_segment seg = scene_segment(s, frame);
	uint8_t was, now;

	if (side < 0 || !p->is_hsrp || p->data_len < 20 || p->data[0] != 0 ||
		(p->data[1] != HSRP_HELLO && p->data[1] != HSRP_RESIGN))
		return;
	was = st->is[side][seg];
	now = p->data[1] == HSRP_RESIGN ? STATE_LEFT : p->data[2];
	if (now == was)
		return;
	st->is[side][seg] = now;
	st->stood[side][seg] = was == STATE_STANDBY;
	st->inside = st->inside || seg == SEG_INSIDE;
	add_role(s, frame, now, was == STATE_ACTIVE);
	if (now == STATE_ACTIVE && seg == SEG_OUTSIDE) {
		if (st->owner >= 0 && st->owner != side)
			add_take(s, st, frame, side);
		st->owner = side;
	}
	complete_take(s, st, side, trace_frame(s->t, frame)->at);
}

void
scene_read_roles(struct scene *s)
{
	struct states st = {.owner = -1};

	memset(st.is, STATE_UNKNOWN, sizeof(st.is));
	for (size_t i = 0; i < s->cnt; i++) {
		take_events(s, &st, i);
		read_role(s, &st, i);
	}
	take_events(s, &st, s->cnt);
}

ns_t
scene_serves_since(const struct scene *s, int side, ns_t at)
{
	ns_t since[SEG_CNT] = {NS_NEVER, NS_NEVER, NS_NEVER};
	bool has[SEG_CNT] = {[SEG_OUTSIDE] = true};

	for (size_t i = 0; i < s->role_cnt && s->role[i].at <= at; i++) {
		const struct scene_role *r = &s->role[i];

		has[r->segment] = true;
		if (r->side == side)
			since[r->segment] = r->state == STATE_ACTIVE ? r->at : NS_NEVER;
	}
	for (size_t i = 0; i < s->span_cnt; i++) {
		const struct scene_span *p = &s->span[i];

		if (p->kind == EVENT_CABLE_OUT && p->side == side && p->from <= at &&
			since[p->segment] != NS_NEVER && since[p->segment] <= p->from)
			since[p->segment] = NS_NEVER;
	}
	if (has[SEG_INSIDE] && since[SEG_INSIDE] > since[SEG_OUTSIDE])
		return since[SEG_INSIDE];
	return since[SEG_OUTSIDE];
}
