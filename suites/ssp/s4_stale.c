/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * docs/spec/ssp.md 4, stale: the channel is lost, the lease runs out, and only then does the active
 * die. What the heir has is too old to count on: it begins in the upper half of the numbers, and
 * rekeys.
 */
#include "suites/ssp/ssp_kit.h"

#define HALF 0x80000000u

/* A and B cut off from each other on the sync segment until the lease is over at B; HSRP goes on.
 */
static bool
stale(struct world *w, struct case_run *c)
{
	if (!pair_carry(w, c, NULL, NULL))
		return false;
	(void)host_stream_start(w->host, lab_now(w->lab), 1, LAB_REMOTE_HOST, 500, 100, 0);
	lab_run(w->lab, 300 * NS_PER_MS);
	ssp_kit_cut(w);
	lab_run(w->lab, SSP_KIT_LEASE);
	if (!pair_show_until(
		    w->lab, LAB_B, "show ssp redundancy", "in_lease", "false", 2 * NS_PER_S)) {
		case_inconclusive(c, "B's lease did not end");
		return false;
	}
	lab_run(w->lab, 2 * SSP_KIT_KEEPALIVE); /* A goes on: it has given B up, too */
	return true;
}

/* The peer leaves the first messages of Quick Mode unanswered, so that the old pair has to serve.
 */
static void
upper_half(struct case_run *c)
{
	struct world w;
	uint32_t spi, last, first;
	const struct peer_counters *n;

	if (!stale(&w, c))
		return;
	spi = peer_phase2(w.peer)->spi_in;
	peer_wrong(w.peer)->ignore = PEER_BIT(PEER_QM1);
	lab_power_off(w.lab, LAB_A);
	if (!pair_reach_active(&w, LAB_B, PAIR_HOLD + NS_PER_S))
		return;
	lab_run(w.lab, 300 * NS_PER_MS);
	last = pair_esp_last(w.lab, LAB_A, spi);
	first = pair_esp_first(w.lab, LAB_B, spi);
	case_figure(c, "last number of the old active", last, "");
	case_figure(c, "first number of the heir", first, "");
	if (!case_expect(c, first >= HALF,
		    "expected the stale heir to begin at 2^31 or above; saw %u (0: nothing)",
		    first))
		return;
	peer_wrong(w.peer)->ignore = 0;
	host_stream_stop(w.host, 1);
	n = peer_counters(w.peer);
	(void)case_expect_u64(
		c, 0, n->esp_replays + n->esp_late, "packets refused by the peer's replay window");
}

static bool
second_pair(void *ctx)
{
	const struct peer_counters *n = peer_counters(ctx);

	return n->phase2_up >= 2;
}

static void
rekeys(struct case_run *c)
{
	const struct peer_counters *n;
	struct world w;
	uint64_t before;
	ns_t active;

	if (!stale(&w, c))
		return;
	lab_power_off(w.lab, LAB_A);
	if (!pair_reach_active(&w, LAB_B, PAIR_HOLD + NS_PER_S))
		return;
	active = lab_now(w.lab);
	if (!case_await(c, "a new pair, asked for by the stale heir", 2 * NS_PER_S, second_pair,
		    w.peer))
		return;
	case_figure(
		c, "new pair after the promotion", (double)(lab_now(w.lab) - active) / 1e6, "ms");
	before = peer_counters(w.peer)->stream_in;
	lab_run(w.lab, 500 * NS_PER_MS);
	host_stream_stop(w.host, 1);
	n = peer_counters(w.peer);
	if (case_expect(c, n->stream_in > before + 100,
		    "expected traffic on the new pair; saw %llu packets in 500 ms",
		    (unsigned long long)(n->stream_in - before)) &&
		case_expect_u64(c, 1, n->phase1_up, "Phase 1 negotiations in all"))
		(void)case_expect_u64(c, 0, n->esp_replays + n->esp_late,
			"packets refused by the peer's replay window");
}

static const struct case_def cases[] = {
	{
		.id = "ssp/ssp-4/3",
		.requirement = "docs/spec/ssp.md 4, stale; ESP-01",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "A standby that is promoted after its lease has run out begins in the "
			"upper half of the numbers.",
		.mutant = "resv-stale-lower-half",
		.run = upper_half,
	},
	{
		.id = "ssp/ssp-4/4",
		.requirement = "docs/spec/ssp.md 4, stale; ESP-04",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "A standby that is promoted after its lease has run out rekeys its SAs at "
			"once.",
		.mutant = "resv-stale-no-rekey",
		.run = rekeys,
	},
};
CASE_SUITE(cases)
