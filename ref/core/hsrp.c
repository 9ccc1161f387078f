/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine: what happened -> event letter -> cell -> letters, in order. Where a cell changes the
 * state, the change is made before F and I are carried out (a Hello tells the state it announces)
 * and after G and H (a Coup or Resign is sent as what we were).
 */
#include <assert.h>
#include <string.h>

#include "ref/core/hsrp.h"

#define ADVERTISE_PERIOD (60 * NS_PER_S)
#define HELLO_DEFAULT (3 * NS_PER_S)
#define HOLD_DEFAULT (10 * NS_PER_S)

/* One call of hsrp_step: what the letters need to know. */
struct turn {
	ns_t now;
	struct hsrp_acts *acts;
	const struct hsrp_msg *msg; /* NULL unless a message caused this */
	char letter;		    /* of the event */
};

static struct hsrp_act *
emit(struct turn *t, enum hsrp_act_kind kind)
{
	struct hsrp_act *a;

	assert(t->acts->cnt < HSRP_ACTS_MAX);
	a = &t->acts->v[t->acts->cnt++];
	memset(a, 0, sizeof *a);
	a->kind = kind;
	return a;
}

static uint8_t
wire_state(enum hsrp_state s)
{
	static const uint8_t wire[HSRP_STATE_CNT] = {
		[HSRP_INITIAL] = HSRP_WIRE_INITIAL,
		[HSRP_LEARN] = HSRP_WIRE_LEARN,
		[HSRP_LISTEN] = HSRP_WIRE_LISTEN,
		[HSRP_SPEAK] = HSRP_WIRE_SPEAK,
		[HSRP_STANDBY] = HSRP_WIRE_STANDBY,
		[HSRP_ACTIVE] = HSRP_WIRE_ACTIVE,
	};

	return wire[s];
}

/* Sub-second timers have no field in version 1: rounded up, and hold kept at least 3 hellos (5.1).
 */
static uint8_t
seconds(ns_t t)
{
	ns_t s = (t + NS_PER_S - 1) / NS_PER_S;

	return (uint8_t)(s > 255 ? 255 : s);
}

static void
send(struct hsrp *h, struct turn *t, enum hsrp_opcode opcode)
{
	static const enum hsrp_count counter[] = {
		[HSRP_HELLO] = HSRP_CNT_HELLO_OUT,
		[HSRP_COUP] = HSRP_CNT_COUP_OUT,
		[HSRP_RESIGN] = HSRP_CNT_RESIGN_OUT,
		[HSRP_ADVERTISE] = HSRP_CNT_ADVERTISE_OUT,
	};
	struct hsrp_act *a = emit(t, HSRP_ACT_SEND);
	struct hsrp_msg *m = &a->msg;

	m->opcode = (uint8_t)opcode;
	m->state = wire_state(h->state);
	m->hello_s = seconds(h->hello);
	m->hold_s = seconds(h->hold);
	if (h->cfg.timers_msec && m->hold_s < 3 * m->hello_s)
		m->hold_s = (uint8_t)(3 * m->hello_s);
	m->priority = h->priority;
	m->group = h->cfg.group;
	memcpy(m->auth, h->cfg.auth, sizeof m->auth);
	m->vip = h->vip;
	m->adv_state = h->state == HSRP_ACTIVE ? 3 : h->state == HSRP_INITIAL ? 1 : 2;
	m->adv_active_cnt = h->state == HSRP_ACTIVE;
	m->adv_passive_cnt = h->state != HSRP_ACTIVE && h->state != HSRP_INITIAL;
	a->from_vmac = h->state == HSRP_ACTIVE && h->rules->active_uses_vmac;
	h->count[counter[opcode]]++;
}

static void
hello_timer_start(struct hsrp *h, ns_t now)
{
	ns_t early;

	h->rnd = h->rnd * 1664525u + 1013904223u;
	early = h->hello / 100 * h->rules->jitter_percent * (ns_t)(h->rnd >> 16) / 65536;
	h->hello_at = now + h->hello - early;
}

/* The time for which a message vouches: its own Holdtime if it is a Hello, else what we use. */
static ns_t
hold_for(const struct hsrp *h, const struct turn *t, uint8_t from_state)
{
	ns_t hold = h->hold;

	if (t->msg && t->msg->opcode == HSRP_HELLO && t->msg->state == from_state &&
		!h->cfg.timers_msec && t->msg->hold_s)
		hold = ns_from_s(t->msg->hold_s);
	return hold / 100 * h->rules->hold_percent;
}

static void
learn(struct hsrp *h, const struct turn *t)
{
	const struct hsrp_msg *m = t->msg;

	if (!m || (h->state == HSRP_ACTIVE && !h->rules->learn_when_active))
		return;
	if (!h->cfg.vip && m->vip && h->rules->learn_vip)
		h->vip = m->vip;
	if (!h->cfg.timers_set && h->rules->learn_timers && m->hello_s && m->hold_s > m->hello_s) {
		h->hello = ns_from_s(m->hello_s);
		h->hold = ns_from_s(m->hold_s);
	}
}

static void
letter(struct hsrp *h, struct turn *t, char c)
{
	switch (c) {
	case 'A':
		h->active_at = t->now + hold_for(h, t, HSRP_WIRE_ACTIVE);
		h->owed_c = false;
		break;
	case 'B':
		h->standby_at = t->now + hold_for(h, t, HSRP_WIRE_STANDBY);
		h->owed_d = false;
		break;
	case 'C':
		h->active_at = NS_NEVER;
		h->owed_c = false;
		break;
	case 'D':
		h->standby_at = NS_NEVER;
		h->owed_d = false;
		break;
	case 'E':
		learn(h, t);
		break;
	case 'F':
		send(h, t, HSRP_HELLO);
		break;
	case 'G':
		send(h, t, HSRP_COUP);
		break;
	case 'H':
		send(h, t, HSRP_RESIGN);
		break;
	case 'I':
		(void)emit(t, HSRP_ACT_GARP);
		break;
	}
}

static bool
speaks(enum hsrp_state s)
{
	return s == HSRP_SPEAK || s == HSRP_STANDBY || s == HSRP_ACTIVE;
}

static void
change(struct hsrp *h, struct turn *t, enum hsrp_state to)
{
	enum hsrp_state from = h->state;
	struct hsrp_act *a;

	if (to == HSRP_NONE || to == from)
		return;
	h->state = to;
	h->since = t->now;
	h->count[HSRP_CNT_CHANGES]++;
	a = emit(t, HSRP_ACT_STATE);
	a->from = from;
	a->to = to;
	a->event = t->letter;
	if (to == HSRP_ACTIVE) {
		h->active_addr = h->cfg.address;
		h->active_priority = h->priority;
		(void)emit(t, HSRP_ACT_OWN_VIP);
	} else if (from == HSRP_ACTIVE) {
		h->active_addr = 0;
		(void)emit(t, HSRP_ACT_DROP_VIP);
	}
	if (to == HSRP_STANDBY)
		h->standby_addr = h->cfg.address;
	else if (h->standby_addr == h->cfg.address)
		h->standby_addr = 0;
	if (speaks(to) && !speaks(from))
		h->hello_at = t->now; /* the first Hello goes at once */
	else if (!speaks(to))
		h->hello_at = NS_NEVER;
}

static void
advertise(struct hsrp *h, struct turn *t)
{
	if (h->rules->advertise)
		send(h, t, HSRP_ADVERTISE);
	h->advertise_at = h->state == HSRP_INITIAL || h->state == HSRP_ACTIVE
				  ? NS_NEVER
				  : t->now + ADVERTISE_PERIOD;
}

/* Carry out one reading of a cell. */
static void
carry_out(struct hsrp *h, struct turn *t, const char *acts, enum hsrp_state to)
{
	enum hsrp_state from = h->state;
	bool changed = false;

	for (; *acts; acts++) {
		if (!changed && (*acts == 'F' || *acts == 'I')) {
			change(h, t, to);
			changed = true;
		}
		letter(h, t, *acts);
		if (*acts == 'F')
			hello_timer_start(h, t->now);
	}
	if (!changed)
		change(h, t, to);
	if (h->state != from && (h->state == HSRP_ACTIVE || from == HSRP_ACTIVE ||
					h->state == HSRP_INITIAL || from == HSRP_INITIAL))
		advertise(h, t);
}

static bool
equals_preempt(const struct hsrp *h)
{
	return h->rules->equals_always || (h->cfg.preempt_equal && h->rules->equals_preempt);
}

/* Note *: may we take over from a running active router of lower standing? */
static bool
may_preempt(const struct hsrp *h, const struct turn *t)
{
	if (!h->cfg.preempt || !h->vip ||
		(t->now < h->preempt_from && h->rules->honour_preempt_delay))
		return false;
	if (t->msg && t->msg->priority == h->priority && !equals_preempt(h))
		return false; /* IOS practice: nobody preempts his equal */
	if (h->synced)
		return true;
	return h->cfg.preempt_sync && !h->rules->wait_for_ever &&
	       t->now >= h->unsynced_since + h->cfg.preempt_sync;
}

static void event(struct hsrp *h, struct turn *t, enum hsrp_event ev);

/* A state was entered: expiries that met no cell before take effect if this one has a cell. */
static void
settle_owed(struct hsrp *h, struct turn *t)
{
	if (h->owed_c && h->rules->cell[HSRP_EV_C][h->state].act) {
		h->owed_c = false;
		event(h, t, HSRP_EV_C);
	}
	if (h->owed_d && h->rules->cell[HSRP_EV_D][h->state].act) {
		h->owed_d = false;
		event(h, t, HSRP_EV_D);
	}
}

static void
event(struct hsrp *h, struct turn *t, enum hsrp_event ev)
{
	const struct hsrp_cell *cell = &h->rules->cell[ev][h->state];
	enum hsrp_state before = h->state;
	bool alt = false;

	t->letter = (char)('a' + (int)ev);
	if (!cell->act) {
		h->count[HSRP_CNT_NO_CELL]++;
		if (h->rules->owe_expiries && ev == HSRP_EV_C)
			h->owed_c = true;
		if (h->rules->owe_expiries && ev == HSRP_EV_D)
			h->owed_d = true;
		return;
	}
	if (cell->alt_act)
		alt = ev == HSRP_EV_A ? h->vip != 0 : may_preempt(h, t);
	carry_out(h, t, alt ? cell->alt_act : cell->act, alt ? cell->alt_to : cell->to);
	if (h->state != before)
		settle_owed(h, t);
}

/* Is the sender of a better standing than we (5.1: priority, then address)? */
static bool
outranks_us(const struct hsrp *h, const struct hsrp_msg *m, ip4_t src)
{
	if (m->priority != h->priority)
		return m->priority > h->priority;
	return h->rules->equal_address_wins && src > h->cfg.address;
}

static void
hello_in(struct hsrp *h, struct turn *t, ip4_t src)
{
	const struct hsrp_msg *m = t->msg;
	bool higher = outranks_us(h, m, src);

	if (m->state == HSRP_WIRE_SPEAK && higher)
		event(h, t, HSRP_EV_F);
	if (m->state == HSRP_WIRE_ACTIVE) {
		h->active_heard = t->now;
		if (h->state != HSRP_ACTIVE) {
			h->active_addr = src;
			h->active_priority = m->priority;
		}
		event(h, t, higher ? HSRP_EV_G : HSRP_EV_H);
	} else if (h->active_addr == src) {
		h->active_addr = 0;
	}
	if (m->state == HSRP_WIRE_STANDBY) {
		h->standby_addr = src;
		h->standby_priority = m->priority;
		event(h, t, higher ? HSRP_EV_K : HSRP_EV_L);
	} else if (h->standby_addr == src) {
		h->standby_addr = 0;
	}
}

static void
message(struct hsrp *h, struct turn *t, ip4_t src)
{
	static const enum hsrp_count counter[] = {
		[HSRP_HELLO] = HSRP_CNT_HELLO_IN,
		[HSRP_COUP] = HSRP_CNT_COUP_IN,
		[HSRP_RESIGN] = HSRP_CNT_RESIGN_IN,
		[HSRP_ADVERTISE] = HSRP_CNT_ADVERTISE_IN,
	};
	const struct hsrp_msg *m = t->msg;

	assert(m->opcode <= HSRP_ADVERTISE);
	h->count[counter[m->opcode]]++;
	if (m->opcode == HSRP_ADVERTISE && h->rules->advertise_counts && h->active_at != NS_NEVER)
		h->active_at = t->now + h->cfg.hold;
	if (m->opcode == HSRP_ADVERTISE || h->state == HSRP_INITIAL)
		return;
	if (h->rules->check_auth && memcmp(m->auth, h->cfg.auth, sizeof m->auth) != 0) {
		h->count[HSRP_CNT_BAD_AUTH]++;
		return;
	}
	if (m->vip && h->vip && m->vip != h->vip)
		h->count[HSRP_CNT_OTHER_VIP]++;
	switch ((enum hsrp_opcode)m->opcode) {
	case HSRP_HELLO:
		hello_in(h, t, src);
		break;
	case HSRP_COUP:
		if (outranks_us(h, m, src))
			event(h, t, HSRP_EV_J);
		break;
	case HSRP_RESIGN:
		if (!h->active_addr || h->active_addr == src)
			event(h, t, HSRP_EV_I);
		if (h->active_addr == src)
			h->active_addr = 0;
		break;
	case HSRP_ADVERTISE:
		break;
	}
}

static void
tick(struct hsrp *h, struct turn *t)
{
	if (t->now >= h->start_at) {
		h->start_at = NS_NEVER;
		event(h, t, HSRP_EV_A);
	}
	if (t->now >= h->active_at) {
		h->active_at = NS_NEVER;
		h->active_addr = 0;
		event(h, t, HSRP_EV_C);
	}
	if (t->now >= h->standby_at) {
		h->standby_at = NS_NEVER;
		if (h->standby_addr != h->cfg.address)
			h->standby_addr = 0;
		event(h, t, HSRP_EV_D);
	}
	if (t->now >= h->hello_at) {
		hello_timer_start(h, t->now);
		event(h, t, HSRP_EV_E);
	}
	if (t->now >= h->advertise_at)
		advertise(h, t);
}

static void
enable(struct hsrp *h, struct turn *t, bool reload)
{
	ns_t delay = reload ? h->cfg.delay_reload : h->cfg.delay_minimum;
	ns_t preempt = reload && h->cfg.preempt_reload > h->cfg.preempt_minimum
			       ? h->cfg.preempt_reload
			       : h->cfg.preempt_minimum;

	h->start_at = t->now + (h->rules->honour_start_delay ? delay : 0);
	h->preempt_from = t->now + preempt;
	tick(h, t);
}

/* The state stays; timers that were not changed run on, and a learned one is kept. */
static void
configure(struct hsrp *h, struct turn *t, const struct hsrp_cfg *cfg)
{
	bool timers = cfg->timers_set != h->cfg.timers_set ||
		      (cfg->timers_set && (cfg->hello != h->cfg.hello || cfg->hold != h->cfg.hold));

	assert(cfg->group == h->cfg.group && cfg->address == h->cfg.address &&
		cfg->vip == h->cfg.vip);
	h->cfg = *cfg;
	if (!timers)
		return;
	h->hello = cfg->timers_set ? cfg->hello : HELLO_DEFAULT;
	h->hold = cfg->timers_set ? cfg->hold : HOLD_DEFAULT;
	if (h->hello_at != NS_NEVER)
		hello_timer_start(h, t->now);
}

void
hsrp_init(struct hsrp *h, const struct hsrp_cfg *cfg, const struct hsrp_rules *rules, uint32_t seed,
	ns_t now)
{
	memset(h, 0, sizeof *h);
	h->cfg = *cfg;
	h->rules = rules;
	h->state = HSRP_INITIAL;
	h->since = now;
	h->active_at = h->standby_at = h->hello_at = NS_NEVER;
	h->start_at = h->advertise_at = NS_NEVER;
	h->priority = cfg->priority;
	h->vip = cfg->vip;
	h->hello = cfg->timers_set ? cfg->hello : HELLO_DEFAULT;
	h->hold = cfg->timers_set ? cfg->hold : HOLD_DEFAULT;
	h->unsynced_since = now;
	h->rnd = seed;
}

void
hsrp_step(struct hsrp *h, ns_t now, const struct hsrp_in *in, struct hsrp_acts *acts)
{
	struct turn t = {.now = now, .acts = acts};

	acts->cnt = 0;
	switch (in->kind) {
	case HSRP_IN_ENABLE:
		enable(h, &t, in->on);
		break;
	case HSRP_IN_DISABLE:
		h->start_at = NS_NEVER;
		if (h->state != HSRP_INITIAL)
			event(h, &t, HSRP_EV_B);
		break;
	case HSRP_IN_MESSAGE:
		t.msg = in->msg;
		message(h, &t, in->src);
		break;
	case HSRP_IN_PRIORITY:
		h->priority = in->priority;
		break;
	case HSRP_IN_CONFIGURE:
		configure(h, &t, in->cfg);
		break;
	case HSRP_IN_SYNCED:
		if (h->synced && !in->on)
			h->unsynced_since = now;
		h->synced = in->on;
		break;
	case HSRP_IN_TICK:
		tick(h, &t);
		break;
	}
}

ns_t
hsrp_deadline(const struct hsrp *h)
{
	ns_t t = ns_min(h->active_at, h->standby_at);

	t = ns_min(t, ns_min(h->hello_at, h->start_at));
	return ns_min(t, h->advertise_at);
}

struct mac
hsrp_vmac(const struct hsrp *h)
{
	struct mac m = h->rules->vmac;

	m.b[5] = h->cfg.group;
	return m;
}
