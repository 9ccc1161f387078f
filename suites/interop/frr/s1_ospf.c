/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reverse routes as somebody else's routing sees them: FRR's ospfd takes them from the members'
 * kernels to a core router.
 */
#include "suites/interop/frr/frr_kit.h"

#define WARM NS_PER_S
#define MARGIN                                                                                     \
	(PAIR_MARGIN + 250 * NS_PER_MS) /* over hold: OSPF, too, and three more programs on two    \
					   processors */

static void
by_the_active_alone(struct case_run *c)
{
	struct frr f;
	ip4_t way;
	ns_t up;

	if (!frr_kit_up(&f, c, NULL))
		return;
	lab_run(f.w.lab, WARM);
	if (!case_expect_u64(c, 0, frr_kit_ways(&f, &way), "ways before there is an SA") ||
		!pair_tunnel(&f.w))
		return;
	up = lab_now(f.w.lab);
	if (!frr_kit_await(&f, LAB_IN_A, FRR_KIT_SETTLE))
		return;
	case_figure(c, "SA to route", (double)(frr_kit_when(&f, LAB_IN_A, 0) - up) / 1e6, "ms");
	lab_run(f.w.lab, 2 * WARM);
	if (case_expect(c, frr_kit_ways(&f, &way) == 1 && way == LAB_IN_A,
		    "expected the core to stay with A's one route") &&
		frr_kit_sound(&f))
		(void)case_expect_u64(
			c, 0, (uint64_t)frr_kit_beside(&f, 0), "ns with a second way");
}

static void
gone_with_the_delete(struct case_run *c)
{
	struct frr f;
	ns_t at;

	if (!frr_kit_carry(&f, c))
		return;
	lab_run(f.w.lab, WARM);
	peer_cfg(f.w.peer)->passive = true;
	at = lab_now(f.w.lab);
	peer_delete_child(f.w.peer, at, false);
	if (!frr_kit_await(&f, 0, FRR_KIT_SETTLE))
		return;
	case_figure(c, "Delete to no route", (double)(lab_now(f.w.lab) - at) / 1e6, "ms");
	lab_run(f.w.lab, 2 * WARM);
	if (frr_kit_sound(&f))
		(void)frr_kit_await(&f, 0, 0);
}

/* With traffic: B is active, the core has followed; how long after, and was there ever a second
 * way? */
static bool
moved(struct frr *f, struct case_run *c, const struct lab_fault *fault, ns_t dark_limit,
	ns_t beside_limit)
{
	ns_t at, promoted, route;
	struct pair_cost k;

	if (!frr_kit_carry(f, c))
		return false;
	pair_streams_start(&f->w, 100, 200);
	lab_run(f->w.lab, WARM);
	at = pair_fault_at_random(&f->w, fault);
	if (!pair_expect_active(&f->w, LAB_B, FRR_KIT_HOLD + PAIR_MARGIN))
		return false;
	promoted = lab_now(f->w.lab);
	if (!frr_kit_await(f, LAB_IN_B, FRR_KIT_SETTLE))
		return false;
	route = frr_kit_when(f, LAB_IN_B, at);
	lab_run(f->w.lab, 2 * WARM);
	pair_streams_stop(&f->w);
	k = pair_cost(&f->w);
	case_figure(c, "hold", (double)FRR_KIT_HOLD / 1e6, "ms");
	case_figure(c, "fault to promotion", (double)(promoted - at) / 1e6, "ms");
	case_figure(c, "promotion to route", (double)(route - promoted) / 1e6, "ms");
	case_figure(c, "second way", (double)frr_kit_beside(f, at) / 1e6, "ms");
	case_figure(c, "outage outwards", (double)k.dark_out / 1e6, "ms");
	case_figure(c, "outage inwards", (double)k.dark_in / 1e6, "ms");
	return frr_kit_sound(f) &&
	       case_expect_within(c, route - promoted, 500 * NS_PER_MS,
		       "time from promotion to the core's new route") &&
	       case_expect_within(c, frr_kit_beside(f, at), beside_limit,
		       "time for which the core had a second way") &&
	       case_expect_u64(c, 1, k.phase2, "Phase 2 negotiations in all") &&
	       case_expect_within(c, k.dark_out, dark_limit, "outage outwards") &&
	       case_expect_within(c, k.dark_in, dark_limit, "outage inwards");
}

static void
power_loss(struct case_run *c)
{
	const struct lab_fault off = {.kind = FAULT_POWER_OFF, .member = LAB_A};
	struct frr f;

	(void)moved(&f, c, &off, FRR_KIT_HOLD + MARGIN, 0);
}

static void
crash(struct case_run *c)
{
	const struct lab_fault kill = {.kind = FAULT_CRASH, .member = LAB_A};
	struct frr f;

	(void)moved(&f, c, &kill, FRR_KIT_HOLD + MARGIN, 0);
}

static void
resign(struct case_run *c)
{
	const struct lab_fault stop = {.kind = FAULT_STOP, .member = LAB_A};
	struct frr f;

	(void)moved(&f, c, &stop, FRR_KIT_HELLO + MARGIN, FRR_KIT_HELLO);
}

/* A's outside cable: it is standby from then on, and its OSPF lives on. */
static void
tracked_cable(struct case_run *c)
{
	const struct lab_fault pull = {.kind = FAULT_CABLE_OUT, .port = PORT_A_OUT};
	struct frr f;

	if (!moved(&f, c, &pull, FRR_KIT_HOLD + MARGIN, FRR_KIT_HELLO))
		return;
	(void)case_expect(c, guest_alive(f.member[LAB_A]), "expected A's routing to live on");
}

/* A static map's route is there while its router is active, and the standby has the same map. */
static void
static_map(struct case_run *c)
{
	const struct lab_text knobs = {.static_map = true};
	struct frr f;
	ip4_t way;

	if (!frr_kit_up(&f, c, &knobs) || !frr_kit_await(&f, LAB_IN_A, FRR_KIT_SETTLE))
		return;
	lab_run(f.w.lab, 2 * WARM);
	if (case_expect(c, frr_kit_ways(&f, &way) == 1 && way == LAB_IN_A,
		    "expected the core to stay with A's one route, saw %u ways",
		    frr_kit_ways(&f, &way)) &&
		frr_kit_sound(&f))
		(void)case_expect_u64(
			c, 0, (uint64_t)frr_kit_beside(&f, 0), "ns with a second way");
}

static const struct case_def cases[] = {
	{
		.id = "interop/frr/1",
		.requirement = "RRI-03, RRI-07",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.needs = CASE_GUEST,
		.says = "OSPF brings the core the route to the protected prefix with the SA, by "
			"the active alone.",
		.mutant = "rri-no-dynamic",
		.run = by_the_active_alone,
		.limit_s = 90,
	},
	{
		.id = "interop/frr/2",
		.requirement = "RRI-03",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.needs = CASE_GUEST,
		.says = "After a Delete the route of a dynamic map goes from the core, too.",
		.mutant = "rri-route-stays",
		.run = gone_with_the_delete,
		.limit_s = 90,
	},
	{
		.id = "interop/frr/3",
		.requirement = "RRI-07, RRI-08, FAILOVER-01",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.needs = CASE_GUEST,
		.says = "After a power loss the core's next hop moves to the heir, and never are "
			"there two.",
		.mutant = "import-no-children",
		.run = power_loss,
		.limit_s = 90,
	},
	{
		.id = "interop/frr/4",
		.requirement = "RRI-07",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.needs = CASE_GUEST,
		.says = "A crash of the router alone takes its route from its kernel, and so from "
			"the core.",
		.mutant = "import-no-children",
		.run = crash,
		.limit_s = 90,
	},
	{
		.id = "interop/frr/5",
		.requirement = "RRI-07",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.needs = CASE_GUEST,
		.says = "When the active resigns the core follows at once.",
		.mutant = "hsrp-ignore-resign",
		.run = resign,
		.limit_s = 90,
	},
	{
		.id = "interop/frr/6",
		.requirement = "RRI-07",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.needs = CASE_GUEST,
		.says = "A router that loses the active role and lives on takes its route from the "
			"core.",
		.mutant = "rri-route-stays-on-demotion",
		.run = tracked_cable,
		.limit_s = 90,
	},
	{
		.id = "interop/frr/7",
		.requirement = "RRI-04, RRI-07",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.needs = CASE_GUEST,
		.says = "A static map's route reaches the core by the active alone, without an SA.",
		.mutant = "rri-standby-routes",
		.run = static_map,
		.limit_s = 90,
	},
};
CASE_SUITE(cases)
