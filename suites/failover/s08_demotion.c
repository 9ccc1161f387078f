/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An active router that loses the role and lives; and groups that disagree. All cables are in: what
 * it does not send it could have sent.
 */
#include <stdlib.h>

#include "harness/field/pkt.h"
#include "harness/run/pair.h"

/* Give the member another text, and have it read it. False: inconclusive. */
static bool
rewrite(struct world *w, enum lab_member m, const struct lab_text *knobs)
{
	char *text = lab_text(knobs, m);
	bool told = lab_reload(w->lab, m, text);

	free(text);
	if (!told)
		case_inconclusive(w->c, "the file could not be given to %s", lab_member_name(m));
	return told;
}

/* A's priority is lowered under traffic; B preempts, and A stands by. When it was over in *since.
 */
static bool
demoted(struct world *w, struct case_run *c, ns_t *since)
{
	const struct lab_text lower = {.priority = {[LAB_A] = 90, [LAB_B] = 100}};

	if (!pair_carry(w, c, NULL, NULL))
		return false;
	pair_streams_start(w, 200, 200);
	lab_run(w->lab, NS_PER_S);
	if (!rewrite(w, LAB_A, &lower) || !pair_reach_active(w, LAB_B, PAIR_HOLD + NS_PER_S))
		return false;
	*since = lab_now(w->lab);
	return pair_reach_standby(w, LAB_A, 3 * PAIR_HOLD);
}

/* What comes to A's own address inside, to be protected; sent by the probe, for A alone. */
static void
tempt(struct world *w)
{
	struct mac me = lab_mac(PORT_PROBE_IN), a = lab_mac(PORT_A_IN);
	struct pkt_ip ip = {.src = LAB_IN_PROBE, .dst = LAB_REMOTE_HOST, .ttl = 64};
	uint8_t out[256], body[64] = "tempt";
	size_t n = pkt_put_eth(out, sizeof out, &a, &me, PKT_ETH_IP4);

	n += pkt_put_udp(out + n, sizeof out - n, &ip, 9, 9, body, sizeof body);
	for (int i = 0; i < 10; i++) {
		lab_deliver(w->lab, PORT_A_IN, out, n);
		lab_run(w->lab, 20 * NS_PER_MS);
	}
}

static void
silent(struct case_run *c)
{
	struct world w;
	ns_t since;

	if (!demoted(&w, c, &since))
		return;
	tempt(&w);
	lab_run(w.lab, 500 * NS_PER_MS);
	pair_streams_stop(&w);
	if (case_expect_u64(c, 0, peer_counters(w.peer)->deletes_in, "Deletes sent to the peer") &&
		case_expect_u64(c, 0,
			pair_esp_cnt(w.lab, LAB_A, 0, since + 50 * NS_PER_MS, NS_NEVER),
			"ESP packets of the router that is active no more") &&
		case_expect_u64(
			c, 1, peer_counters(w.peer)->phase1_up, "Phase 1 negotiations in all"))
		(void)case_expect_u64(
			c, 1, peer_counters(w.peer)->phase2_up, "pairs negotiated in all");
}

/* What A has of the SAs is now the copy of B's: it can be B's heir, above B's numbers. */
static void
takes_copies(struct case_run *c)
{
	struct world w;
	struct pair_cost k;
	ns_t since;

	if (!demoted(&w, c, &since))
		return;
	lab_run(w.lab, NS_PER_S);
	if (!case_expect(c,
		    pair_show_until(
			    w.lab, LAB_A, "show ssp redundancy", "ready", "true", 2 * NS_PER_S),
		    "expected the demoted router to be filled by its heir") ||
		!case_expect_u64(c, 1,
			(uint64_t)pair_show_number(
				w.lab, LAB_A, "show crypto ipsec sa standby", "", 0),
			"dormant pairs of the demoted router"))
		return;
	lab_power_off(w.lab, LAB_B);
	if (!pair_expect_active(&w, LAB_A, PAIR_HOLD + PAIR_MARGIN))
		return;
	lab_run(w.lab, 500 * NS_PER_MS);
	pair_streams_stop(&w);
	k = pair_cost(&w);
	(void)pair_cost_expect(c, &k, PAIR_HOLD + PAIR_MARGIN);
}

/*
 * The same with no channel to get copies by. When B dies A is active again, with nothing: what it
 * had is old, for B has used the pair since.
 */
static void
keeps_nothing(struct case_run *c)
{
	const struct lab_text lower = {.priority = {[LAB_A] = 90, [LAB_B] = 100}};
	struct world w;
	uint32_t spi;
	ns_t since;

	if (!pair_carry(&w, c, NULL, NULL))
		return;
	spi = peer_phase2(w.peer)->spi_in;
	pair_streams_start(&w, 200, 200);
	lab_run(w.lab, 500 * NS_PER_MS);
	lab_part(w.lab, SEG_SYNC, 1u << PORT_B_SYNC);
	if (!rewrite(&w, LAB_A, &lower) || !pair_reach_active(&w, LAB_B, PAIR_HOLD + NS_PER_S))
		return;
	since = lab_now(w.lab) + 50 * NS_PER_MS;
	if (!pair_reach_standby(&w, LAB_A, 3 * PAIR_HOLD) ||
		!case_expect_u64(c, 0,
			(uint64_t)pair_show_number(w.lab, LAB_A, "show crypto ipsec sa", "", -1),
			"pairs of the demoted router"))
		return;
	lab_power_off(w.lab, LAB_B);
	if (!pair_reach_active(&w, LAB_A, PAIR_HOLD + NS_PER_S))
		return;
	tempt(&w);
	lab_run(w.lab, 500 * NS_PER_MS);
	pair_streams_stop(&w);
	(void)case_expect_u64(c, 0, pair_esp_cnt(w.lab, LAB_A, spi, since, NS_NEVER),
		"ESP packets on the pair that the demoted router had");
}

/* ---- groups that disagree ---- */

static const struct lab_text untracked = {.drop = {" standby 1 track", " standby 2 track"}};

static bool
b_has_inside(void *ctx)
{
	struct lab *l = ctx;

	return pair_port_state(l, PORT_B_IN) == PAIR_ACTIVE &&
	       pair_port_state(l, PORT_A_OUT) == PAIR_ACTIVE;
}

/* Without tracking A loses its inside cable: it is active outside, B inside. When, in *since. */
static bool
apart(struct world *w, struct case_run *c, ns_t *since)
{
	if (!pair_carry(w, c, &untracked, NULL))
		return false;
	pair_streams_start(w, 200, 200);
	lab_run(w->lab, 500 * NS_PER_MS);
	lab_cable(w->lab, PORT_A_IN, false);
	if (!case_reach(
		    c, "B active inside, A outside", PAIR_HOLD + NS_PER_S, b_has_inside, w->lab))
		return false;
	lab_run(w->lab, 100 * NS_PER_MS);
	*since = lab_now(w->lab);
	return true;
}

static bool
expect_not_ready(struct world *w, enum lab_member m)
{
	char role[24] = "", ready[8] = "";

	(void)pair_show(w->lab, m, "show ssp redundancy", "role", role, sizeof role);
	(void)pair_show(w->lab, m, "show crypto ipsec ha", "0.ready", ready, sizeof ready);
	return case_expect(w->c, role[0] && role[0] != 'A' && role[0] != 'a',
		       "expected %s not to be active with one group alone; saw %s",
		       lab_member_name(m), role) &&
	       case_expect_text(w->c, "false", ready, "ready, with groups that disagree");
}

static void
nobody(struct case_run *c)
{
	struct world w;
	ns_t since;
	uint64_t came;

	if (!apart(&w, c, &since))
		return;
	came = host_counters(w.host)->stream_in;
	lab_run(w.lab, NS_PER_S);
	if (!case_expect_u64(c, 0, pair_esp_cnt(w.lab, LAB_B, 0, since, NS_NEVER),
		    "ESP packets of the router that is active inside alone") ||
		!case_expect_u64(c, 0, pair_esp_cnt(w.lab, LAB_A, 0, since, NS_NEVER),
			"ESP packets of the router that is active outside alone") ||
		!case_expect_u64(c, came, host_counters(w.host)->stream_in,
			"packets that came in while the groups disagreed") ||
		!case_expect_u64(
			c, 0, peer_counters(w.peer)->deletes_in, "Deletes sent to the peer") ||
		!expect_not_ready(&w, LAB_A) || !expect_not_ready(&w, LAB_B))
		return;
	/* Tracking, and the group outside follows. A has gone on copying what it may not use
	 * (docs/spec/ssp.md 3), so B goes on with it. */
	if (!rewrite(&w, LAB_A, &(struct lab_text){0}) ||
		!pair_expect_active(&w, LAB_B, PAIR_HOLD + NS_PER_S))
		return;
	came = peer_counters(w.peer)->stream_in;
	lab_run(w.lab, 500 * NS_PER_MS);
	pair_streams_stop(&w);
	if (case_expect(c, peer_counters(w.peer)->stream_in > came + 50,
		    "expected traffic again once both groups had moved"))
		(void)case_expect_u64(
			c, 1, peer_counters(w.peer)->phase1_up, "Phase 1 negotiations in all");
}

static bool
b_outside_alone(void *ctx)
{
	struct lab *l = ctx;

	return pair_port_state(l, PORT_A_OUT) == PAIR_ACTIVE &&
	       pair_port_state(l, PORT_B_OUT) != PAIR_ACTIVE;
}

/*
 * B is active, and its inside cable is out for less than the hold time. Outside A preempts, for B
 * counts less without the cable; inside B is back before A's hold time ends, and has the higher
 * address, so A yields in Standby (RFC 2281 5.7, event f) and B is active there again.
 */
static void
together_again(struct case_run *c)
{
	struct world w;
	ns_t since;

	if (!pair_carry(&w, c, NULL, NULL))
		return;
	lab_power_off(w.lab, LAB_A);
	if (!pair_reach_active(&w, LAB_B, PAIR_HOLD + NS_PER_S))
		return;
	case_start(c, LAB_A);
	if (!pair_reach_standby(&w, LAB_A, PAIR_UP_LIMIT) || !pair_ready(&w, LAB_A))
		return;
	pair_streams_start(&w, 200, 200);
	lab_run(w.lab, 500 * NS_PER_MS);
	since = lab_now(w.lab);
	lab_cable(w.lab, PORT_B_IN, false);
	lab_run(w.lab, 300 * NS_PER_MS);
	lab_cable(w.lab, PORT_B_IN, true);
	if (!case_reach(c, "A active outside, B not", PAIR_HOLD + NS_PER_S, b_outside_alone, w.lab) ||
		!pair_expect_active(&w, LAB_A, 2 * PAIR_HOLD + PAIR_MARGIN))
		return;
	case_figure(c, "both groups at one member after", (double)(lab_now(w.lab) - since) / 1e6,
		"ms");
	if (!pair_expect_traffic(&w, 50, "packets each way, by the one router"))
		return;
	pair_streams_stop(&w);
	(void)case_expect_u64(
		c, 1, peer_counters(w.peer)->phase1_up, "Phase 1 negotiations in all");
}

/* The virtual address outside is A's, but A must not negotiate what it could not use. */
static void
no_ike(struct case_run *c)
{
	struct world w;
	uint64_t came;
	ns_t since;

	if (!apart(&w, c, &since))
		return;
	pair_streams_stop(&w);
	came = peer_counters(w.peer)->ike_in;
	peer_initiate_phase1(w.peer, lab_now(w.lab));
	lab_run(w.lab, NS_PER_S);
	(void)case_expect_u64(c, came, peer_counters(w.peer)->ike_in,
		"IKE messages of a router that is active outside alone");
}

static const struct case_def cases[] = {
	{
		.id = "failover/vpnha-failover/8a",
		.requirement = "FAILOVER-08",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "A router that loses the active role and lives sends no Delete and no ESP "
			"packet any more.",
		.mutant = "demoted-deletes-sas",
		.run = silent,
	},
	{
		.id = "failover/vpnha-failover/8b",
		.requirement = "FAILOVER-08, SSP-07, ESP-01",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "A router that loses the active role and lives takes its heir's copies, "
			"and can be the heir's heir.",
		.mutant = "ssp-no-bulk",
		.run = takes_copies,
	},
	{
		.id = "failover/vpnha-failover/8c",
		.requirement = "FAILOVER-08, ESP-01",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "A router that has lost the active role uses none of its old SAs when it "
			"is active again without having "
			"been filled.",
		.mutant = "demoted-keeps-sas",
		.run = keeps_nothing,
	},
	{
		.id = "failover/vpnha-failover/10a",
		.requirement = "FAILOVER-10, RESTRICT-09, SSP-06",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "While one group is active on either router nobody uses the SAs, and "
			"neither says that it is ready; "
			"tracking heals it.",
		.mutant = "groups-apart",
		.run = nobody,
		.skips_laws = 1u << 5, /* dark as long as the case keeps them apart */
	},
	{
		.id = "failover/vpnha-failover/10b",
		.requirement = "FAILOVER-10, IKE-02",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "A router that is active outside alone answers no IKE for the virtual "
			"address.",
		.mutant = "vip-everyone",
		.run = no_ike,
	},
	{
		.id = "failover/vpnha-failover/10c",
		.requirement = "RESTRICT-09, FAILOVER-03, FAILOVER-10",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "After the active router's inside cable was out for less than a hold time "
			"one router is active in both groups again.",
		.mutant = "hsrp-groups-stay-apart",
		.run = together_again,
	},
};
CASE_SUITE(cases)
