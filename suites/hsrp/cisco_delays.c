/* SPDX-License-Identifier: BSD-2-Clause */
/* What Cisco's routers add to RFC 2281: delays, tracking, and who preempts his equal. */
#include <stdio.h>
#include <stdlib.h>

#include "suites/hsrp/hsrp_kit.h"

#define NEIGHBOUR IP4(172, 16, 31, 98)
#define SLACK (600 * NS_PER_MS) /* a hello of the neighbour, one of ours, a busy CPU */

static bool
a_is_active_outside(void *ctx)
{
	return pair_port_state(ctx, PORT_A_OUT) == PAIR_ACTIVE;
}

static bool
a_speaks(void *ctx)
{
	return pair_port_state(ctx, PORT_A_OUT) != PAIR_SILENT;
}

/* When the member's log says that it is ready to work, by the trace's start event. */
static ns_t
started_at(struct lab *l)
{
	const struct trace *t = lab_trace(l);
	ns_t at = lab_now(l);

	for (size_t i = 0; i < trace_events(t); i++)
		if (trace_event(t, i)->kind == EVENT_START)
			at = trace_event(t, i)->at;
	return at;
}

static const struct kit_msg lesser_active = {
	.opcode = KIT_HELLO, .state = PAIR_ACTIVE, .priority = 50, .src = NEIGHBOUR};

/*
 * A has 100 and preempts, the active neighbour 50. Not before `delay` from the start, and soon after
 * it: a preemption needs one more Hello of the neighbour.
 */
static void
preempts_after(struct case_run *c, const struct lab_text *knobs, ns_t delay)
{
	static struct kit_talker t;
	struct world w;
	size_t coup;
	ns_t seen;

	kit_beside(&w, c, knobs, &t, &lesser_active);
	if (!case_await(c, "A to take over from a lesser active router", delay + 4 * PAIR_HOLD,
		    a_is_active_outside, w.lab))
		return;
	coup = kit_find(w.lab, PORT_A_OUT, KIT_COUP, -1, 0);
	if (!case_expect(c, coup != TRACE_NONE, "expected a Coup; saw none"))
		return;
	seen = trace_frame(lab_trace(w.lab), coup)->at - started_at(w.lab);
	case_figure(c, "Coup after the start", (double)seen / NS_PER_MS, "ms");
	(void)case_expect(c, seen >= delay, "preempted %lld ms after the start, %lld ms are configured",
		(long long)(seen / NS_PER_MS), (long long)(delay / NS_PER_MS));
}

static void
preempt_minimum(struct case_run *c)
{
	const struct lab_text k = {.no_ssp = true,
		.add_outside = {" standby 1 preempt delay minimum 3"}};

	preempts_after(c, &k, 3 * NS_PER_S);
}

static void
preempt_reload(struct case_run *c)
{
	const struct lab_text k = {.no_ssp = true,
		.add_outside = {" standby 1 preempt delay minimum 1 reload 3"}};

	preempts_after(c, &k, 3 * NS_PER_S);
}

struct since {
	struct lab *lab;
	ns_t at;
};

static bool
coup_since(void *ctx)
{
	const struct since *s = ctx;

	return kit_find(s->lab, PORT_A_OUT, KIT_COUP, -1, s->at) != TRACE_NONE;
}

/* After the link came back it is `minimum` that counts, not `reload`. */
static void
preempt_after_link(struct case_run *c)
{
	const struct lab_text k = {.no_ssp = true,
		.add_outside = {" standby 1 preempt delay minimum 3"}};
	static struct kit_talker t;
	struct world w;
	struct since since;
	ns_t up, took;

	kit_beside(&w, c, &k, &t, &lesser_active);
	if (!case_reach(c, "A active", 8 * NS_PER_S, a_is_active_outside, w.lab))
		return;
	lab_cable(w.lab, PORT_A_OUT, false);
	lab_run(w.lab, NS_PER_S);
	up = lab_now(w.lab);
	lab_cable(w.lab, PORT_A_OUT, true);
	since = (struct since){w.lab, up};
	if (!case_await(c, "A to take over again", 8 * NS_PER_S, coup_since, &since))
		return;
	took = trace_frame(lab_trace(w.lab), kit_find(w.lab, PORT_A_OUT, KIT_COUP, -1, up))->at - up;
	(void)case_expect(c, took >= 3 * NS_PER_S,
		"preempted %lld ms after the cable came back, 3000 ms are configured",
		(long long)(took / NS_PER_MS));
}

/* The sync channel never comes up: `sync 3` bounds the wait for it. */
static void
preempt_sync(struct case_run *c)
{
	/* the outside group alone: a router that is half active does not wait */
	const struct lab_text k = {.drop = {" standby 2", " redundancy PRIVATE"},
		.add_outside = {" standby 1 preempt delay sync 3"}};

	preempts_after(c, &k, 3 * NS_PER_S);
}

/* Inert until then: not one message, whatever others say. */
static void
start_delay(struct case_run *c)
{
	const struct lab_text k = {.no_ssp = true, .add_outside = {" standby delay minimum 1 reload 3"}};
	static struct kit_talker t;
	struct world w;
	ns_t first;

	kit_beside(&w, c, &k, &t, &lesser_active);
	if (!case_await(c, "A to speak at all", 8 * NS_PER_S, a_speaks, w.lab))
		return;
	first = trace_frame(lab_trace(w.lab), kit_find(w.lab, PORT_A_OUT, -1, -1, 0))->at -
		started_at(w.lab);
	case_figure(c, "first message after the start", (double)first / NS_PER_MS, "ms");
	(void)case_expect(c, first >= 3 * NS_PER_S,
		"the first HSRP message came %lld ms after the start, 3000 ms are configured",
		(long long)(first / NS_PER_MS));
}

/* The priority in A's next Hello. */
static int
priority_now(struct world *w)
{
	size_t f;

	lab_run(w->lab, 3 * PAIR_HELLO);
	f = kit_find(w->lab, PORT_A_OUT, KIT_HELLO, -1, lab_now(w->lab) - 2 * PAIR_HELLO);
	return f == TRACE_NONE ? -1 : kit_pkt(w->lab, f).data[5];
}

/* 100 - 20 for eth1 - 15 for eth2, and back in the same steps. */
static void
tracking(struct case_run *c)
{
	const struct lab_text k = {.no_ssp = true, .no_preempt = true,
		.add_outside = {" standby 1 track eth2 15"}};
	struct world w;

	if (!kit_alone(&w, c, &k) ||
		!case_expect_u64(c, 100, (uint64_t)priority_now(&w), "priority, all links up"))
		return;
	lab_cable(w.lab, PORT_A_SYNC, false);
	if (!case_expect_u64(c, 85, (uint64_t)priority_now(&w), "priority without eth2 (track 15)"))
		return;
	lab_cable(w.lab, PORT_A_IN, false);
	if (!case_expect_u64(c, 65, (uint64_t)priority_now(&w),
		    "priority without eth2 and eth1 (15 and 20 add up)"))
		return;
	lab_cable(w.lab, PORT_A_SYNC, true);
	if (!case_expect_u64(c, 80, (uint64_t)priority_now(&w), "priority without eth1 (track 20)"))
		return;
	lab_cable(w.lab, PORT_A_IN, true);
	(void)case_expect_u64(c, 100, (uint64_t)priority_now(&w), "priority, all links up again");
}

/*
 * FAILOVER-07, both readings: the neighbour has A's own priority and a lower address. By default
 * (IOS) A lets it be; with `preempt rfc` the higher address preempts (RFC 2281 5.1).
 */
static void
equals(struct case_run *c, bool rfc)
{
	const struct lab_text k = {
		.no_ssp = true, .add_outside = {rfc ? " standby 1 preempt rfc" : NULL}};
	const struct kit_msg m = {.opcode = KIT_HELLO,
		.state = PAIR_ACTIVE,
		.priority = 100,
		.src = IP4(172, 16, 31, 0) /* below A's .1 */};
	static struct kit_talker t;
	struct world w;

	kit_beside(&w, c, &k, &t, &m);
	if (rfc) {
		(void)case_await(c, "A, of the higher address, to take over from its equal",
			4 * PAIR_HOLD + 2 * NS_PER_S, a_is_active_outside, w.lab);
		return;
	}
	if (!case_reach(c, "A to speak", PAIR_UP_LIMIT, a_speaks, w.lab))
		return;
	lab_run(w.lab, 3 * PAIR_HOLD);
	(void)case_expect(c, kit_find(w.lab, PORT_A_OUT, KIT_COUP, -1, 0) == TRACE_NONE &&
				     !a_is_active_outside(w.lab),
		"expected A to let an active router of its own priority be");
}

static void
equals_ios(struct case_run *c)
{
	equals(c, false);
}

static void
equals_rfc(struct case_run *c)
{
	equals(c, true);
}

static const struct case_def cases[] = {
	{
		.id = "hsrp/vpnha-hsrp/preempt-1a",
		.requirement = "HSRP: preempt delay minimum",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "With `preempt delay minimum` a better router does not preempt before it has been up "
			"for so long.",
		.mutant = "hsrp-no-preempt-delay",
		.run = preempt_minimum,
	},
	{
		.id = "hsrp/vpnha-hsrp/preempt-1b",
		.requirement = "HSRP: preempt delay reload",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "With `preempt delay reload` that holds from the router's own start.",
		.mutant = "hsrp-no-preempt-delay",
		.run = preempt_reload,
	},
	{
		.id = "hsrp/vpnha-hsrp/preempt-1c",
		.requirement = "HSRP: preempt delay minimum",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "`preempt delay minimum` counts again when the interface comes back.",
		.mutant = "hsrp-no-preempt-delay",
		.run = preempt_after_link,
	},
	{
		.id = "hsrp/vpnha-hsrp/preempt-1d",
		.requirement = "HSRP: preempt delay sync",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "A router whose state sync does not come preempts when `preempt delay sync` has run "
			"out, and not before.",
		.mutant = "hsrp-waits-for-ever",
		.run = preempt_sync,
	},
	{
		.id = "hsrp/vpnha-hsrp/delay-1",
		.requirement = "HSRP: standby delay",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "With `standby delay reload` a group says nothing at all before that time has passed.",
		.mutant = "hsrp-no-start-delay",
		.run = start_delay,
	},
	{
		.id = "hsrp/vpnha-hsrp/track-1",
		.requirement = "FAILOVER-03",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "Each tracked interface that is down lowers the priority by its own decrement, and "
			"gives it back.",
		.mutant = "hsrp-tracks-one",
		.run = tracking,
	},
	{
		.id = "hsrp/vpnha-hsrp/equal-1",
		.requirement = "FAILOVER-07",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "By default nobody preempts his equal (IOS practice).",
		.mutant = "hsrp-equals-preempt",
		.run = equals_ios,
	},
	{
		.id = "hsrp/2281-5.1/equal",
		.requirement = "RFC 2281 5.1; FAILOVER-07",
		.level = CASE_MAY,
		.class_ = CASE_VALID,
		.says = "In the rfc profile the higher address preempts an equal priority.",
		.mutant = "hsrp-equals-never",
		.run = equals_rfc,
	},
};
CASE_SUITE(cases)
