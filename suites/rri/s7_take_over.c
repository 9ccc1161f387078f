/* SPDX-License-Identifier: BSD-2-Clause */
/* Reverse routes of a pair: on the active alone, whatever happens to it. */
#include "suites/rri/rri_kit.h"

#define OVERLAP PAIR_HELLO /* both at once, at most, while the role moves */

/* The heir routes the prefix once it is active, and not before. */
static bool
heir_expect(struct world *w, ns_t limit)
{
	ns_t promoted;

	if (!pair_expect_active(w, LAB_B, limit))
		return false;
	promoted = lab_now(w->lab);
	return rri_kit_await(w, LAB_B, true, RRI_KIT_SETTLE) &&
	       case_expect_u64(w->c, 0,
		       rri_kit_events(w, LAB_B, EVENT_ROUTE_ADD, 0,
			       promoted - PAIR_HOLD - PAIR_MARGIN, NULL),
		       "routes at B long before its promotion");
}

static void
power_loss(struct case_run *c)
{
	const struct lab_fault off = {.kind = FAULT_POWER_OFF, .member = LAB_A};
	struct world w;

	if (!pair_carry(&w, c, NULL, NULL) || !rri_kit_reach(&w, LAB_A, true, RRI_KIT_SETTLE))
		return;
	lab_run(w.lab, NS_PER_S);
	if (!rri_kit_expect(&w, LAB_B, false, "while it is standby"))
		return;
	(void)pair_fault_at_random(&w, &off);
	if (!heir_expect(&w, PAIR_HOLD + PAIR_MARGIN))
		return;
	case_start(c, LAB_A);
	if (pair_reach_standby(&w, LAB_A, PAIR_UP_LIMIT) && pair_ready(&w, LAB_A) &&
		rri_kit_expect(&w, LAB_B, true, "after the old active has come back") &&
		rri_kit_expect(&w, LAB_A, false, "as a standby that has come back"))
		(void)case_expect_u64(c, 0, (uint64_t)rri_kit_overlap(&w, 0), "ns routed to both");
}

static void
standby_never(struct case_run *c)
{
	const struct lab_text knobs = {.static_map = true};
	struct world w;

	if (!pair_carry(&w, c, &knobs, NULL) || !rri_kit_reach(&w, LAB_A, true, RRI_KIT_SETTLE))
		return;
	lab_run(w.lab, NS_PER_S);
	if (rri_kit_expect(&w, LAB_B, false, "while it is standby"))
		(void)case_expect_u64(c, 0,
			rri_kit_events(&w, LAB_B, EVENT_ROUTE_ADD, 0, NS_NEVER, NULL),
			"routes that the standby ever added");
}

static bool
moved(struct world *w, const struct lab_fault *f, ns_t limit)
{
	ns_t at;

	if (!pair_carry(w, w->c, NULL, NULL) || !rri_kit_reach(w, LAB_A, true, RRI_KIT_SETTLE))
		return false;
	lab_run(w->lab, 500 * NS_PER_MS);
	at = pair_fault_at_random(w, f);
	if (!heir_expect(w, limit) || !rri_kit_await(w, LAB_A, false, RRI_KIT_SETTLE))
		return false;
	case_figure(w->c, "routed to both", (double)rri_kit_overlap(w, at) / 1e6, "ms");
	return case_expect_within(w->c, rri_kit_overlap(w, at), OVERLAP,
		"time for which the prefix was routed to both");
}

static void
resign(struct case_run *c)
{
	const struct lab_fault stop = {.kind = FAULT_STOP, .member = LAB_A};
	struct world w = {.c = c};

	if (moved(&w, &stop, PAIR_HELLO))
		(void)rri_kit_expect(&w, LAB_A, false, "after its planned end");
}

/* A lives on, and is standby: its route has to go. */
static void
tracked_cable(struct case_run *c)
{
	const struct lab_fault pull = {.kind = FAULT_CABLE_OUT, .port = PORT_A_IN};
	struct world w = {.c = c};

	if (!moved(&w, &pull, PAIR_HOLD + PAIR_MARGIN))
		return;
	lab_run(w.lab, NS_PER_S);
	if (rri_kit_expect(&w, LAB_A, false, "after it has lost the active role"))
		(void)rri_kit_expect(&w, LAB_B, true, "as the new active");
}

static const struct case_def cases[] = {
	{
		.id = "rri/vpnha-rri/7a",
		.requirement = "RRI-07",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "A standby has no route, not even a static map's.",
		.mutant = "rri-standby-routes",
		.run = standby_never,
	},
	{
		.id = "rri/vpnha-rri/7b",
		.requirement = "RRI-07, RRI-08",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "After a power loss the heir routes what its inherited SAs protect; the "
			"old active, back as "
			"standby, does not.",
		.mutant = "import-no-children",
		.run = power_loss,
	},
	{
		.id = "rri/vpnha-rri/7c",
		.requirement = "RRI-07",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "A router that resigns takes its route away, and the heir has it at once.",
		.mutant = "hsrp-ignore-resign",
		.run = resign,
	},
	{
		.id = "rri/vpnha-rri/7d",
		.requirement = "RRI-07",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "A router that loses the active role and lives on takes its route away, "
			"and the heir has it.",
		.mutant = "rri-route-stays-on-demotion",
		.run = tracked_cable,
	},
};
CASE_SUITE(cases)
