/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NAT traversal, what moves: a mapping that changes (RFC 3947 7), and the pair's failovers through
 * a NAT, with and without such a change.
 */
#include "suites/ike/nat_kit.h"

/* ---- a mapping that changes (7) ---- */

static void
mapping_changes(struct case_run *c)
{
	struct world w;
	ns_t since;

	if (!nat_kit_alone(&w, c, NULL, NULL, &nat_kit_plain) || !pair_tunnel(&w))
		return;
	if (!ike_kit_carries_in(&w, 2 * NS_PER_S)) {
		case_inconclusive(c, "no traffic through the NAT");
		return;
	}
	natbox_remap(w.nat, WORLD_NAT_INNER, 4500, 50123);
	since = ike_kit_mark(&w);
	if (!case_expect(c, ike_kit_carries_in(&w, 2 * NS_PER_S),
		    "expected A to accept the peer from its new port; it did not") ||
		!case_expect(c, ike_kit_carries_out(&w, 2 * NS_PER_S),
			"expected the traffic of A to follow; it did not"))
		return;
	if (!nat_kit_expect_in_udp(&w, since, 50123))
		return;
	since = lab_now(w.lab);
	peer_dpd_probe(w.peer, since);
	(void)case_expect(c, ike_kit_event(&w, PEER_EV_DPD_ACKED, since, 1, 2 * NS_PER_S),
		"expected IKE to follow, too: no answer to R-U-THERE came");
}

/* IKE alone shows it: an idle tunnel, and a question with a new number. */
static void
mapping_changes_idle(struct case_run *c)
{
	struct world w;
	ns_t since;

	if (!nat_kit_alone(&w, c, NULL, NULL, &nat_kit_plain) || !pair_tunnel(&w))
		return;
	natbox_remap(w.nat, WORLD_NAT_INNER, 4500, 50124);
	since = ike_kit_mark(&w);
	peer_dpd_probe(w.peer, lab_now(w.lab));
	if (case_expect(c, ike_kit_event(&w, PEER_EV_DPD_ACKED, since, 1, 2 * NS_PER_S),
		    "expected the answer to R-U-THERE at the new port; it did not come") &&
		case_expect(c, ike_kit_carries_out(&w, 2 * NS_PER_S),
			"expected the traffic of A to follow; it did not"))
		(void)nat_kit_expect_in_udp(&w, since, 50124);
}

/* A packet that A has not nat_kit_seen, held back while later ones pass, then sent from elsewhere.
 */
static void
old_packet_moves_nobody(struct case_run *c)
{
	struct ike_kit_tap tap = {.kind = PEER_ESP, .swallow = true};
	struct mac vmac = {{0, 0, 0x0c, 0x07, 0xac, 1}}, own = lab_mac(PORT_PROBE_OUT);
	struct pkt_ip h = {.src = LAB_OUT_PROBE, .dst = LAB_OUT_VIP, .ttl = 64};
	uint8_t frame[2048];
	struct world w;
	size_t n;
	ns_t since;

	if (!nat_kit_alone(&w, c, NULL, NULL, &nat_kit_plain) || !pair_tunnel(&w))
		return;
	if (!ike_kit_carries_in(&w, 2 * NS_PER_S) || !ike_kit_carries_out(&w, 2 * NS_PER_S)) {
		case_inconclusive(c, "no traffic through the NAT");
		return;
	}
	ike_kit_tap(&w, &tap);
	peer_send_inner(w.peer, lab_now(w.lab), 0, LAB_IN_HOST, 4998, "late", 4);
	peer_wrong(w.peer)->edit_wire = NULL;
	if (!tap.cnt || !ike_kit_carries_in(&w, 2 * NS_PER_S)) {
		case_inconclusive(c, "no packet of the peer was caught, or none passed after it");
		return;
	}
	n = pkt_put_eth(frame, sizeof frame, &vmac, &own, PKT_ETH_IP4);
	n += pkt_put_udp(frame + n, sizeof frame - n, &h, 6000, 4500, tap.bytes, tap.len);
	lab_send(w.lab, PORT_PROBE_OUT, frame, n);
	since = ike_kit_mark(&w);
	lab_run(w.lab, 300 * NS_PER_MS);
	if (case_expect(c, ike_kit_carries_out(&w, 2 * NS_PER_S),
		    "expected A to go on sending to the peer; it did not"))
		(void)nat_kit_expect_in_udp(&w, since, nat_kit_outer_port(&w));
}

/* ---- failovers ---- */

static void
failover_natted(struct case_run *c)
{
	const struct lab_fault off = {.kind = FAULT_POWER_OFF, .member = LAB_A};
	struct world w;
	struct pair_cost k;

	if (!pair_carry_nat(&w, c, NULL, NULL, &nat_kit_plain))
		return;
	pair_streams_start(&w, 200, 200);
	lab_run(w.lab, NS_PER_S);
	(void)pair_fault_at_random(&w, &off);
	if (!pair_expect_active(&w, LAB_B, PAIR_HOLD + PAIR_MARGIN))
		return;
	lab_run(w.lab, NS_PER_S);
	pair_streams_stop(&w);
	k = pair_cost(&w);
	if (pair_cost_expect(c, &k, PAIR_HOLD + PAIR_MARGIN))
		(void)case_expect_u64(c, 0, nat_kit_seen(&w, PORT_B_OUT, 0, nat_kit_is_raw_esp),
			"ESP packets of the heir that are not encapsulated");
}

/* The mapping changes, one packet of the peer shows it to A, and A dies with it. */
static void
failover_after_move(struct case_run *c)
{
	struct world w;

	if (!pair_carry_nat(&w, c, NULL, NULL, &nat_kit_plain))
		return;
	if (!ike_kit_carries_in(&w, 2 * NS_PER_S) || !ike_kit_carries_out(&w, 2 * NS_PER_S)) {
		case_inconclusive(c, "no traffic through the NAT");
		return;
	}
	natbox_remap(w.nat, WORLD_NAT_INNER, 4500, 50125);
	if (!ike_kit_carries_in(&w, 2 * NS_PER_S)) {
		case_inconclusive(c, "A did not accept the peer from its new port");
		return;
	}
	lab_run(w.lab, 50 * NS_PER_MS);
	lab_power_off(w.lab, LAB_A);
	if (!pair_expect_active(&w, LAB_B, PAIR_HOLD + PAIR_MARGIN))
		return;
	if (case_expect(c, ike_kit_carries_out(&w, 2 * NS_PER_S),
		    "expected the heir to send to where the peer is; nothing came there"))
		(void)ike_kit_expect_traffic(&w, "after the failover");
}

/* It changes while nobody is active: the heir finds out. */
static void
failover_then_move(struct case_run *c)
{
	struct world w;

	if (!pair_carry_nat(&w, c, NULL, NULL, &nat_kit_plain))
		return;
	lab_power_off(w.lab, LAB_A);
	lab_run(w.lab, 200 * NS_PER_MS);
	natbox_remap(w.nat, WORLD_NAT_INNER, 4500, 50126);
	if (!pair_expect_active(&w, LAB_B, PAIR_HOLD + PAIR_MARGIN))
		return;
	if (case_expect(c, ike_kit_carries_in(&w, 2 * NS_PER_S),
		    "expected the heir to accept the peer from its new port; it did not") &&
		case_expect(c, ike_kit_carries_out(&w, 2 * NS_PER_S),
			"expected the heir to follow; it did not"))
		(void)case_expect_u64(
			c, 1, peer_counters(w.peer)->phase1_up, "IKE SAs negotiated in all");
}

/* Behind the NAT is the pair: its mapping is kept open by the heir. */
static void
failover_keepalives(struct case_run *c)
{
	const struct peer_cfg cfg = nat_kit_peer_of_natted();
	struct world w;
	size_t n;
	ns_t since;

	if (!pair_carry_nat(&w, c, &nat_kit_keeps_mapping, &cfg, &nat_kit_pair))
		return;
	lab_power_off(w.lab, LAB_A);
	if (!pair_expect_active(&w, LAB_B, PAIR_HOLD + PAIR_MARGIN))
		return;
	since = lab_now(w.lab);
	lab_run(w.lab, 12 * NS_PER_S);
	n = nat_kit_seen(&w, PORT_B_OUT, since - NS_PER_S, nat_kit_is_keepalive);
	case_figure(c, "keepalives of the heir in 12 s", (double)n, "packets");
	if (case_expect(c, n == 2 || n == 3 || n == 4,
		    "expected the heir to keep the mapping open every 5 s; saw %zu keepalives", n))
		(void)ike_kit_expect_traffic(&w, "after a silence");
}

#define CASE(n, req, lvl, cls, text, kill, fn)                                                     \
	{                                                                                          \
		.id = "ike/" n, .requirement = req, .level = lvl, .class_ = cls, .says = text,     \
		.mutant = kill, .run = fn                                                          \
	}

static const struct case_def cases[] = {
	CASE("3947-7/1", "RFC 3947, 7", CASE_SHOULD, CASE_VALID,
		"When the mapping of the peer changes, ESP and IKE follow its newest packet.",
		"natt-no-follow", mapping_changes),
	CASE("3947-7/2", "RFC 3947, 7", CASE_SHOULD, CASE_VALID,
		"When the mapping of an idle peer changes, a new number of DPD shows it.",
		"natt-no-follow", mapping_changes_idle),
	CASE("3947-7/3", "RFC 3947, 7, 8", CASE_MUST, CASE_INOPPORTUNE,
		"A packet that is not the newest moves nobody, though it is authentic.",
		"natt-follow-old", old_packet_moves_nobody),
	CASE("vpnha-natt/1", "RFC 3947; FAILOVER-01", CASE_MUST, CASE_VALID,
		"A tunnel through a NAT survives a power loss of the active router.",
		"natt-not-mirrored", failover_natted),
	CASE("vpnha-natt/2", "RFC 3947, 7; FAILOVER-01", CASE_MUST, CASE_VALID,
		"A mapping that has changed is known to the standby at once.",
		"natt-move-not-mirrored", failover_after_move),
	CASE("vpnha-natt/3", "RFC 3947, 7; FAILOVER-01", CASE_MUST, CASE_VALID,
		"A mapping that changes while nobody is active is followed by the heir.",
		"natt-no-follow", failover_then_move),
	CASE("vpnha-natt/4", "RFC 3948, 4; FAILOVER-01", CASE_MUST, CASE_VALID,
		"The heir goes on keeping the pair's mapping open.", "natt-no-keepalive",
		failover_keepalives),
};
CASE_SUITE(cases)
