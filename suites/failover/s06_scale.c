/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thousand tunnels, one failover. A farm of peers, each with an address, keys and a protected
 * host of its own, stands in the place of the peer, behind a router. An echo request goes through
 * every tunnel before the failover and after it.
 */
#include "harness/run/pair_farm.h"

#define TUNNELS 1000
#define WINDOW 8	      /* negotiations at once */
#define APART (2 * NS_PER_MS) /* echo requests: 500 a second */
#define UP_LIMIT (40 * NS_PER_S)

static bool
all_up(void *ctx)
{
	return farm_up(ctx) == TUNNELS;
}

static bool
all_answered(void *ctx)
{
	return farm_pinged(ctx) && !farm_silent(ctx);
}

/*
 * Ask through each tunnel, and if one did not answer, once more through all of them: a busy machine
 * may lose a packet of a thousand, but a tunnel that is lost answers no round.
 */
static bool
rounds(struct world *w, struct farm *f)
{
	for (unsigned i = 0; i < 2; i++) {
		farm_ping(f, lab_now(w->lab), LAB_IN_HOST, APART);
		lab_run(w->lab, 10 * NS_PER_MS);
		if (lab_until(w->lab, "an answer through each tunnel", 3 * NS_PER_S, all_answered, f))
			return true;
	}
	farm_ping(f, lab_now(w->lab), LAB_IN_HOST, APART);
	lab_run(w->lab, 10 * NS_PER_MS);
	return false;
}

static bool
both_hold_all(struct world *w)
{
	return pair_show_until(
		       w->lab, LAB_B, "show crypto ipsec ha", "0.sa_pairs", "1000", PAIR_UP_LIMIT) ||
	       (case_inconclusive(w->c, "B never held a copy of all the pairs"), false);
}

/* What the whole cost, and that it cost no tunnel. */
static void
judge(struct world *w, struct farm *f, const struct farm_sum *before)
{
	struct farm_sum s = farm_sum(f);

	case_figure(w->c, "tunnels", (double)s.up, "");
	if (!case_expect_u64(w->c, TUNNELS, s.up, "peers with a tunnel after the failover") ||
		!case_expect_u64(w->c, before->phase1_up, s.phase1_up,
			"Phase 1 negotiations, before and after") ||
		!case_expect_u64(w->c, before->phase2_up, s.phase2_up,
			"Phase 2 negotiations, before and after") ||
		!case_expect_u64(
			w->c, 0, s.replays, "packets refused by the peers' replay windows"))
		return;
	(void)case_expect_u64(w->c, 0, s.bad_icv + s.unknown_spi + s.deletes_in,
		"packets with a bad ICV, on an unknown SPI, or Deletes");
}

static void
thousand(struct case_run *c)
{
	struct farm_sum before;
	struct farm *f;
	struct world w;
	ns_t from;

	if (!pair_up(&w, c, &pair_farm_knobs, NULL) || !pair_ready(&w, LAB_B))
		return;
	f = pair_farm(&w, TUNNELS);
	from = lab_now(w.lab);
	farm_bring_up(f, from, WINDOW);
	if (!case_reach(c, "a thousand tunnels", UP_LIMIT, all_up, f))
		return;
	case_figure(c, "negotiated in", (double)(lab_now(w.lab) - from) / 1e9, "s");
	if (!both_hold_all(&w))
		return;
	if (!rounds(&w, f) &&
		!case_reach(c, "an answer through each tunnel", 5 * NS_PER_S, all_answered, f))
		return;
	before = farm_sum(f);
	lab_power_off(w.lab, LAB_A);
	if (!pair_expect_active(&w, LAB_B, PAIR_HOLD + PAIR_MARGIN))
		return;
	(void)rounds(&w, f);
	if (case_await(c, "an answer through each tunnel after the failover", 5 * NS_PER_S,
		    all_answered, f))
		judge(&w, f, &before);
}

static const struct case_def cases[] = {
	{
		.id = "failover/vpnha-scale/1",
		.requirement = "FAILOVER-13, SSP-01",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "A thousand tunnels, one failover: none lost, none negotiated anew.",
		.mutant = "import-no-children",
		.run = thousand,
	},
};
CASE_SUITE(cases)
