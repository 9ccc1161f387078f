/* SPDX-License-Identifier: BSD-2-Clause */
/* RFC 2281 5.7: cells of the table, by a scripted neighbour. The event's letter stands in each
 * case. */
#include "suites/hsrp/hsrp_kit.h"

#define NEIGHBOUR IP4(172, 16, 31, 98)

static bool
a_left_active(void *ctx)
{
	return pair_port_state(ctx, PORT_A_OUT) == PAIR_SPEAK;
}

static const struct lab_text alone = {.no_preempt = true};

/* j, Active: ABH/4. */
static void
coup(struct case_run *c)
{
	const struct kit_msg m = {
		.opcode = KIT_COUP, .state = PAIR_SPEAK, .priority = 200, .src = NEIGHBOUR};
	struct world w;
	ns_t at;

	if (!kit_alone(&w, c, &alone))
		return;
	at = lab_now(w.lab);
	kit_send(w.lab, &m);
	if (case_await(
		    c, "A to yield to a Coup of a higher priority", NS_PER_S, a_left_active, w.lab))
		(void)case_expect(c, kit_find(w.lab, PORT_A_OUT, KIT_RESIGN, -1, at) != TRACE_NONE,
			"expected a Resign after the Coup (cell j/6: ABH); saw none");
}

/* j is for higher priorities only. */
static void
lesser_coup(struct case_run *c)
{
	const struct kit_msg lesser = {
		.opcode = KIT_COUP, .state = PAIR_SPEAK, .priority = 50, .src = NEIGHBOUR};
	const struct kit_msg better = {
		.opcode = KIT_COUP, .state = PAIR_SPEAK, .priority = 200, .src = NEIGHBOUR};
	struct world w;

	if (!kit_alone(&w, c, &alone))
		return;
	kit_talk(w.lab, &lesser, 500 * NS_PER_MS);
	if (!case_expect(c, pair_port_state(w.lab, PORT_A_OUT) == PAIR_ACTIVE,
		    "expected A to stay active after a Coup of a lower priority"))
		return;
	kit_send(w.lab, &better);
	(void)case_await(
		c, "A to yield to a Coup of a higher priority", NS_PER_S, a_left_active, w.lab);
}

/* g, Active: AB/4; a Resign there is what real routers add (HSRP-22): both are fine. */
static void
better_active(struct case_run *c)
{
	const struct kit_msg m = {
		.opcode = KIT_HELLO, .state = PAIR_ACTIVE, .priority = 200, .src = NEIGHBOUR};
	struct world w;
	ns_t at;

	if (!kit_alone(&w, c, &alone))
		return;
	at = lab_now(w.lab);
	kit_send(w.lab, &m);
	if (case_await(c, "A to yield to an active router of a higher priority", NS_PER_S,
		    a_left_active, w.lab))
		case_note(c, "Resign sent: %s",
			kit_find(w.lab, PORT_A_OUT, KIT_RESIGN, -1, at) == TRACE_NONE
				? "no, as the RFC's cell"
				: "yes, as real routers");
}

/* h, Active: G. */
static void
lesser_active(struct case_run *c)
{
	const struct kit_msg m = {
		.opcode = KIT_HELLO, .state = PAIR_ACTIVE, .priority = 50, .src = NEIGHBOUR};
	struct world w;
	ns_t at;

	if (!kit_alone(&w, c, &alone))
		return;
	at = lab_now(w.lab);
	kit_talk(w.lab, &m, 400 * NS_PER_MS);
	if (case_expect(c, kit_find(w.lab, PORT_A_OUT, KIT_COUP, -1, at) != TRACE_NONE,
		    "expected a Coup to an active router of a lower priority (cell h/6: G)"))
		(void)case_expect(c, pair_port_state(w.lab, PORT_A_OUT) == PAIR_ACTIVE,
			"expected A to stay active");
}

static bool
a_is_standby_outside(void *ctx)
{
	return pair_port_state(ctx, PORT_A_OUT) == PAIR_STANDBY;
}

static bool
a_is_active_outside(void *ctx)
{
	return pair_port_state(ctx, PORT_A_OUT) == PAIR_ACTIVE;
}

static bool
beside(struct world *w, struct case_run *c, const struct lab_text *knobs, struct kit_talker *t,
	uint8_t priority, bool (*reached)(void *))
{
	const struct kit_msg m = {
		.opcode = KIT_HELLO, .state = PAIR_ACTIVE, .priority = priority, .src = NEIGHBOUR};

	kit_beside(w, c, knobs, t, &m);
	return case_reach(c, "A beside an active neighbour", PAIR_UP_LIMIT, reached, w->lab);
}

/* i, Standby: CFI/6, without waiting for the hold time. */
static void
resign(struct case_run *c)
{
	struct world w;
	static struct kit_talker t; /* outlives the function: the lab winds down after it */
	struct kit_msg m;
	ns_t at;

	if (!beside(&w, c, &alone, &t, 200, a_is_standby_outside))
		return;
	lab_attach(w.lab, PORT_PROBE_OUT, NULL);
	m = t.msg;
	m.opcode = KIT_RESIGN;
	kit_send(w.lab, &t.msg);
	at = lab_now(w.lab);
	kit_send(w.lab, &m);
	if (!case_await(
		    c, "A active at once after a Resign", PAIR_HELLO, a_is_active_outside, w.lab))
		return;
	lab_run(w.lab, 100 * NS_PER_MS);
	(void)case_expect(c, kit_garp(w.lab, PORT_A_OUT, LAB_OUT_VIP, at) != TRACE_NONE,
		"expected a gratuitous ARP (cell i/5: CFI)");
}

/* c, Standby: CDFI/6, after one hold time of silence. */
static void
hold_time(struct case_run *c)
{
	struct world w;
	static struct kit_talker t; /* outlives the function: the lab winds down after it */
	ns_t at, took;

	if (!beside(&w, c, &alone, &t, 200, a_is_standby_outside))
		return;
	lab_attach(w.lab, PORT_PROBE_OUT, NULL);
	kit_send(w.lab, &t.msg);
	at = lab_now(w.lab);
	if (!case_await(
		    c, "A active after the hold time", 4 * PAIR_HOLD, a_is_active_outside, w.lab))
		return;
	took = lab_now(w.lab) - at;
	case_figure(c, "from the last Hello to the take-over", (double)took / 1e6, "ms");
	if (case_expect(c, took >= PAIR_HOLD * 97 / 100,
		    "expected A to wait for the hold time of 800 ms (less 3 %%); it took %.1f ms",
		    (double)took / 1e6))
		(void)case_expect_within(
			c, took, PAIR_HOLD + 100 * NS_PER_MS, "take-over after the last Hello");
}

/* h with note *, Listen to Standby: BGFI/6 where preemption is configured. */
static void
preempt(struct case_run *c)
{
	const struct lab_text knobs = {.no_ssp = true};
	struct world w;
	static struct kit_talker t; /* outlives the function: the lab winds down after it */
	size_t no;

	if (!beside(&w, c, &knobs, &t, 50, a_is_active_outside))
		return;
	lab_run(w.lab, 100 * NS_PER_MS);
	no = kit_find(w.lab, PORT_A_OUT, KIT_COUP, -1, 0);
	if (case_expect(c, no != TRACE_NONE,
		    "expected a Coup at the preemption (note *: BGFI); saw none"))
		(void)case_expect(c, kit_garp(w.lab, PORT_A_OUT, LAB_OUT_VIP, 0) != TRACE_NONE,
			"expected a gratuitous ARP at the preemption");
}

/* h, Standby: A alone, where it is not. */
static void
no_preempt(struct case_run *c)
{
	struct world w;
	static struct kit_talker t; /* outlives the function: the lab winds down after it */

	kit_beside(&w, c, &alone, &t,
		&(struct kit_msg){.opcode = KIT_HELLO, .state = PAIR_ACTIVE, .priority = 50,
			.src = NEIGHBOUR});
	lab_run(w.lab, 3 * NS_PER_S);
	(void)case_expect(c, pair_port_state(w.lab, PORT_A_OUT) == PAIR_STANDBY,
		"expected A, without preempt, to be standby beside a lesser active router; saw "
		"state %d",
		pair_port_state(w.lab, PORT_A_OUT));
}

static bool
a_listens(void *ctx)
{
	/* a router in Listen sends nothing: no Hello for more than two hello times */
	struct lab *l = ctx;

	return kit_count(l, PORT_A_OUT, KIT_HELLO, -1, lab_now(l) - 500 * NS_PER_MS) == 0 &&
	       kit_count(l, PORT_A_OUT, KIT_HELLO, -1, 0) > 0;
}

/* k, Standby: B/3. Two standby routers: the better one stays. */
static void
better_standby(struct case_run *c)
{
	const struct kit_msg m = {.opcode = KIT_HELLO,
		.state = PAIR_STANDBY,
		.priority = 150,
		.src = IP4(172, 16, 31, 97)};
	struct world w;
	static struct kit_talker t; /* outlives the function: the lab winds down after it */

	if (!beside(&w, c, &alone, &t, 200, a_is_standby_outside))
		return;
	kit_talk(w.lab, &m, NS_PER_S);
	(void)case_expect(c, a_listens(w.lab),
		"expected A to fall back to Listen beside a better standby router (cell k/5: B/3)");
}

/* f, Speak: B/3. Of two speakers only the better one goes on. */
static void
better_speaker(struct case_run *c)
{
	const struct kit_msg m = {.opcode = KIT_HELLO,
		.state = PAIR_SPEAK,
		.priority = 150,
		.src = IP4(172, 16, 31, 97)};
	struct world w;
	ns_t end;

	world_open_cold(&w, c, &alone, NULL);
	w.c = c;
	case_start(c, LAB_A);
	end = lab_now(w.lab) + 3 * NS_PER_S;
	while (lab_now(w.lab) < end) {
		kit_send(w.lab, &m);
		lab_run(w.lab, 100 * NS_PER_MS);
	}
	(void)case_expect(c,
		kit_count(w.lab, PORT_A_OUT, KIT_HELLO, PAIR_STANDBY, 0) == 0 &&
			kit_count(w.lab, PORT_A_OUT, KIT_HELLO, PAIR_ACTIVE, 0) == 0,
		"expected A never to get past Speak beside a better speaker (cell f/4: B/3); it "
		"did");
}

/* l, Speak: D/5. A lesser standby router, whose Hellos hold for a minute, is not waited for. With
 * times in seconds, for with milliseconds those of others do not count. */
static void
lesser_standby(struct case_run *c)
{
	const struct lab_text knobs = {.no_ssp = true,
		.swap = {{" standby 1 timers", " standby 1 timers 1 3"}}};
	const struct kit_msg m = {.opcode = KIT_HELLO,
		.state = PAIR_STANDBY,
		.priority = 50,
		.hold_s = 60,
		.src = IP4(172, 16, 31, 97)};
	struct world w;
	ns_t from;

	world_open_cold(&w, c, &knobs, NULL);
	w.c = c;
	case_start(c, LAB_A);
	from = lab_now(w.lab);
	while (lab_now(w.lab) < from + 10 * NS_PER_S && !kit_count(w.lab, PORT_A_OUT, KIT_HELLO, PAIR_STANDBY, 0)) {
		kit_send(w.lab, &m);
		lab_run(w.lab, 100 * NS_PER_MS);
	}
	(void)case_expect_within(c, lab_now(w.lab) - from, 5 * NS_PER_S,
		"A's way past Speak beside a lesser standby router (cell l/4: D/5)");
}

/* b, Active: CDH/1. */
static void
shutdown_resigns(struct case_run *c)
{
	struct world w;
	ns_t at;

	if (!pair_up(&w, c, NULL, NULL))
		return;
	at = lab_now(w.lab);
	lab_stop(w.lab, LAB_A);
	lab_run(w.lab, 300 * NS_PER_MS);
	if (case_expect(c, kit_find(w.lab, PORT_A_OUT, KIT_RESIGN, -1, at) != TRACE_NONE,
		    "expected a Resign when HSRP is taken down on the active router (cell b/6: "
		    "CDH)"))
		(void)case_expect(c, pair_port_state(w.lab, PORT_B_OUT) == PAIR_ACTIVE,
			"expected the standby router to be active at once");
}

static const struct case_def cases[] = {
	{.id = "hsrp/2281-5.7/b6",
		.requirement = "RFC 2281 5.7 b; HSRP-18",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "A router that leaves the active role on purpose sends a Resign.",
		.mutant = "hsrp-silent-shutdown",
		.run = shutdown_resigns},
	{.id = "hsrp/2281-5.7/c5",
		.requirement = "RFC 2281 5.7 c; FAILOVER-01",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "A standby router whose Active timer expires becomes active: after the "
			"hold time, not before.",
		.mutant = "hsrp-hold-twice",
		.run = hold_time},
	{.id = "hsrp/2281-5.7/f4",
		.requirement = "RFC 2281 5.7 f",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "A speaking router yields to a better speaker.",
		.mutant = "hsrp-speak-ignores-better",
		.run = better_speaker},
	{.id = "hsrp/2281-5.7/g6",
		.requirement = "RFC 2281 5.7 g; HSRP-22",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "An active router yields to an active one of a higher priority.",
		.mutant = "hsrp-ignore-better-active",
		.run = better_active,
		.skips_laws = 1u << 4},
	{.id = "hsrp/2281-5.7/h6",
		.requirement = "RFC 2281 5.7 h; HSRP-21",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "An active router answers an active one of a lower priority with a Coup.",
		.mutant = "hsrp-no-coup",
		.run = lesser_active,
		.skips_laws = 1u << 4},
	{.id = "hsrp/2281-5.7/h5a",
		.requirement = "RFC 2281 5.7 h, note *; HSRP-20",
		.level = CASE_MAY,
		.class_ = CASE_VALID,
		.says = "A better router that is configured to preempt takes over with Coup, Hello "
			"and gratuitous ARP.",
		.mutant = "hsrp-preempt-without-coup",
		.run = preempt,
		.skips_laws = 1u << 4},
	{.id = "hsrp/2281-5.7/h5b",
		.requirement = "RFC 2281 5.7 h, note *; HSRP-20",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "A better router that is not configured to preempt lets the active one be.",
		.mutant = "hsrp-always-preempt",
		.run = no_preempt},
	{.id = "hsrp/2281-5.7/i5",
		.requirement = "RFC 2281 5.7 i; HSRP-19",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "A standby router that hears a Resign is active at once.",
		.mutant = "hsrp-ignore-resign",
		.run = resign},
	{.id = "hsrp/2281-5.7/j6a",
		.requirement = "RFC 2281 5.7 j; HSRP-23",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "An active router yields to a Coup of a higher priority with a Resign.",
		.mutant = "hsrp-coup-without-resign",
		.run = coup},
	{.id = "hsrp/2281-5.7/j6b",
		.requirement = "RFC 2281 5.7 j",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A Coup counts only if its priority is higher.",
		.mutant = "hsrp-ignore-coup",
		.run = lesser_coup},
	{.id = "hsrp/2281-5.7/k5",
		.requirement = "RFC 2281 5.7 k",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "A standby router yields to a better standby router.",
		.mutant = "hsrp-no-higher-standby",
		.run = better_standby},
	{.id = "hsrp/2281-5.7/l4",
		.requirement = "RFC 2281 5.7 l",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "A speaking router takes the place of a lesser standby router.",
		.mutant = "hsrp-waits-for-lesser",
		.run = lesser_standby},
};
CASE_SUITE(cases)
