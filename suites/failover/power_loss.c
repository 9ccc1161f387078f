/* SPDX-License-Identifier: BSD-2-Clause */
/* The active router loses its power, at any moment of the hello interval. */
#include "harness/run/pair.h"

static void
power_loss(struct case_run *c)
{
	const struct lab_fault off = {.kind = FAULT_POWER_OFF, .member = LAB_A};
	struct world w;
	struct pair_cost k;

	if (!pair_carry(&w, c, NULL, NULL))
		return;
	pair_streams_start(&w, 200, 200);
	lab_run(w.lab, NS_PER_S);
	(void)pair_fault_at_random(&w, &off);
	if (!pair_expect_active(&w, LAB_B, PAIR_HOLD + PAIR_MARGIN))
		return;
	lab_run(w.lab, NS_PER_S);
	pair_streams_stop(&w);
	k = pair_cost(&w);
	if (!pair_cost_expect(c, &k, PAIR_HOLD + PAIR_MARGIN))
		return;
	(void)case_expect(c, k.jump >= 1 && k.jump <= 2000,
		"expected the numbers to go on at most 2 outbound intervals (2000) further; saw %u after %u",
		k.first, k.last);
}

static const struct case_def cases[] = {
	{
		.id = "failover/vpnha-failover/1",
		.requirement = "FAILOVER-01, FAILOVER-13, ESP-01",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "After a power loss the standby carries the tunnel on within the hold time, with the same "
			"SAs and numbers above all that were used.",
		.mutant = "resv-heir-repeats",
		.run = power_loss,
	},
};
CASE_SUITE(cases)
