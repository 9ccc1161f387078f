/* SPDX-License-Identifier: BSD-2-Clause */
/* Reverse routes of one router: when they come, what they are, when they go. */
#include "suites/rri/rri_kit.h"

static bool
alone(struct world *w, struct case_run *c, const struct lab_text *knobs)
{
	world_open_cold(w, c, knobs, NULL);
	w->c = c;
	case_start(c, LAB_A);
	return pair_reach_active(w, LAB_A, PAIR_UP_LIMIT);
}

static bool
two_pairs(void *ctx)
{
	return peer_counters(ctx)->phase2_up >= 2;
}

static void
with_the_sa(struct case_run *c)
{
	struct world w;

	if (!alone(&w, c, NULL))
		return;
	lab_run(w.lab, RRI_KIT_SETTLE);
	if (!rri_kit_expect(&w, LAB_A, false, "before there is an SA") || !pair_tunnel(&w) ||
		!rri_kit_await(&w, LAB_A, true, RRI_KIT_SETTLE))
		return;
	(void)case_expect_u64(c, 1, rri_kit_events(&w, LAB_A, EVENT_ROUTE_ADD, 0, NS_NEVER, NULL),
		"routes that were added for one SA pair");
}

static void
whole_prefix(struct case_run *c)
{
	struct world w;
	struct trace_event e = {0};

	if (!alone(&w, c, NULL) || !pair_tunnel(&w))
		return;
	lab_run(w.lab, RRI_KIT_SETTLE);
	if (!case_expect_u64(c, 1, rri_kit_events(&w, LAB_A, EVENT_ROUTE_ADD, 0, NS_NEVER, &e),
		    "routes added") ||
		!case_expect_u64(c, LAB_REMOTE_NET, e.value, "network of the route (10.2.0.0)") ||
		!case_expect_u64(c, RRI_KIT_LEN, e.prefix_len, "prefix length of the route"))
		return;
	(void)rri_kit_expect(&w, LAB_A, true, "with the SA up");
}

/* Two pairs need the same prefix: it goes with the last of them. */
static void
with_the_last_sa(struct case_run *c)
{
	struct world w;

	if (!alone(&w, c, NULL) || !pair_tunnel(&w))
		return;
	peer_cfg(w.peer)->passive = true;
	peer_initiate(w.peer, lab_now(w.lab));
	if (!case_reach(c, "a second SA pair", 5 * NS_PER_S, two_pairs, w.peer) ||
		!rri_kit_reach(&w, LAB_A, true, RRI_KIT_SETTLE))
		return;
	peer_delete_child(w.peer, lab_now(w.lab), false);
	lab_run(w.lab, RRI_KIT_SETTLE);
	if (!rri_kit_expect(&w, LAB_A, true, "while one of two SA pairs is left"))
		return;
	peer_delete_child(w.peer, lab_now(w.lab), false);
	if (rri_kit_await(&w, LAB_A, false, RRI_KIT_SETTLE))
		(void)case_expect_u64(c, 1,
			rri_kit_events(&w, LAB_A, EVENT_ROUTE_DEL, 0, NS_NEVER, NULL),
			"routes that were taken away");
}

/* A static entry's route needs no SA, and does not come and go with one. */
static void
static_map(struct case_run *c)
{
	const struct lab_text knobs = {.static_map = true};
	struct world w;

	if (!alone(&w, c, &knobs) || !rri_kit_await(&w, LAB_A, true, RRI_KIT_SETTLE))
		return;
	peer_cfg(w.peer)->passive = true;
	if (!pair_tunnel(&w))
		return;
	lab_run(w.lab, RRI_KIT_SETTLE);
	peer_delete_child(w.peer, lab_now(w.lab), false);
	lab_run(w.lab, RRI_KIT_SETTLE);
	if (rri_kit_expect(&w, LAB_A, true, "after the last SA of a static map is gone"))
		(void)case_expect_u64(c, 1,
			rri_kit_events(&w, LAB_A, EVENT_ROUTE_ADD, 0, NS_NEVER, NULL) +
				rri_kit_events(&w, LAB_A, EVENT_ROUTE_DEL, 0, NS_NEVER, NULL),
			"times that the route came or went");
}

static const struct case_def cases[] = {
	{
		.id = "rri/vpnha-rri/1",
		.requirement = "RRI-01",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "The route is to the remote proxy's whole network.",
		.mutant = "rri-host-route",
		.run = whole_prefix,
	},
	{
		.id = "rri/vpnha-rri/3a",
		.requirement = "RRI-03",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "With a dynamic map the route comes with the SA, and not before.",
		.mutant = "rri-no-dynamic",
		.run = with_the_sa,
	},
	{
		.id = "rri/vpnha-rri/3b",
		.requirement = "RRI-03",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "With a dynamic map the route goes with the last SA of its prefix.",
		.mutant = "rri-route-stays",
		.run = with_the_last_sa,
	},
	{
		.id = "rri/vpnha-rri/4",
		.requirement = "RRI-04",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "With a static map the route is there as soon as the router is active, "
			"with an SA or without.",
		.mutant = "rri-static-needs-sa",
		.run = static_map,
	},
};
CASE_SUITE(cases)
