/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NAT traversal (RFC 3947, 3948): a NAT before the peer, one before the router, none at all; either
 * side beginning; keepalives; a mapping that changes. One router alone, except in the failovers.
 */
#include <string.h>

#include "suites/ike/ike_kit.h"

static const struct natbox_cfg plain_nat;

static bool
alone_behind(struct world *w, struct case_run *c, const struct lab_text *knobs,
	const struct peer_cfg *cfg, const struct natbox_cfg *nat)
{
	world_open_nat_cold(w, c, knobs, cfg, nat);
	w->c = c;
	case_start(c, LAB_A);
	return pair_reach_active(w, LAB_A, PAIR_UP_LIMIT);
}

static struct peer_cfg
knowing_peer(void)
{
	struct peer_cfg cfg = world_peer_cfg();

	cfg.natt.on = true;
	return cfg;
}

/* ---- what is seen at A's outside port ---- */

static bool
is_raw_esp(const struct frame *f, void *ctx)
{
	struct pkt p;

	(void)ctx;
	return pkt_parse(&p, f->bytes, f->len) && p.is_ip && p.proto == PKT_ESP;
}

static bool
is_udp_esp(const struct frame *f, void *ctx)
{
	struct pkt p;

	(void)ctx;
	return pkt_parse(&p, f->bytes, f->len) && p.is_esp && p.is_udp;
}

static bool
is_keepalive(const struct frame *f, void *ctx)
{
	struct pkt p;

	(void)ctx;
	return pkt_parse(&p, f->bytes, f->len) && p.is_keepalive;
}

static size_t
seen(struct world *w, enum lab_port port, ns_t after, bool (*fits)(const struct frame *, void *))
{
	const struct trace_want t = {.ports = (uint16_t)(1u << port), .after = after, .fits = fits};

	return trace_count(lab_trace(w->lab), &t);
}

/* All ESP of A since then is in UDP from port 4500 to that port, without a checksum. */
static bool
expect_in_udp(struct world *w, ns_t after, uint16_t to)
{
	const struct trace_want t = {.ports = 1u << PORT_A_OUT, .after = after, .fits = is_udp_esp};
	size_t no = trace_next(lab_trace(w->lab), 0, &t);

	if (!case_expect_u64(w->c, 0, seen(w, PORT_A_OUT, after, is_raw_esp),
		    "ESP packets of A that are not encapsulated") ||
		!case_expect(w->c, no != TRACE_NONE, "expected ESP in UDP from A; saw none"))
		return false;
	for (; no != TRACE_NONE; no = trace_next(lab_trace(w->lab), no + 1, &t)) {
		struct pkt p = ike_kit_pkt(w, no);

		if (p.sport == 4500 && p.dport == to && p.l4[6] == 0 && p.l4[7] == 0)
			continue;
		case_decided_by(w->c, no, "ports %u to %u", p.sport, p.dport);
		return case_expect(w->c, false,
			"expected ports 4500 to %u and no checksum; saw %u to %u, 0x%02x%02x", to,
			p.sport, p.dport, p.l4[6], p.l4[7]);
	}
	return true;
}

static uint16_t
outer_port(const struct world *w)
{
	return natbox_public(w->nat, WORLD_NAT_INNER, 4500);
}

static bool
expect_natted(struct world *w, bool here, bool there)
{
	const struct peer_phase1 *one = peer_phase1(w->peer);
	const struct peer_phase2 *two = peer_phase2(w->peer);

	return case_expect(w->c, one && two && one->natt,
		       "expected A to send the vendor id of RFC 3947") &&
	       case_expect(w->c, one->nat_here == here && one->nat_there == there,
		       "expected the hashes of A to say: NAT before the peer %d, before A %d; they "
		       "say %d, %d",
		       here, there, one->nat_here, one->nat_there) &&
	       case_expect(w->c, two->udp == (here || there),
		       "expected UDP encapsulation exactly with a NAT; saw %d", two->udp);
}

/* ---- discovery (3.2) ---- */

static void
nat_before_peer(struct case_run *c)
{
	struct world w;
	ns_t since;

	if (!alone_behind(&w, c, NULL, NULL, &plain_nat))
		return;
	since = ike_kit_mark(&w);
	if (ike_kit_expect_tunnel(&w, "the peer is behind a NAT") &&
		expect_natted(&w, true, false) &&
		ike_kit_expect_traffic(&w, "the peer is behind a NAT"))
		(void)expect_in_udp(&w, since, outer_port(&w));
}

/* The NAT is the pair's: the peer knows it by the address that the NAT gives. */
static const struct lab_text keeps_mapping = {.add_global = {"crypto isakmp nat keepalive 5"}};
static const struct natbox_cfg pair_nat = {.far = LAB_OUT_VIP,
	.far_seen = IP4(198, 51, 100, 7),
	.keep_ports = true,
	.inner = WORLD_NAT_INNER};

static struct peer_cfg
peer_of_natted(void)
{
	struct peer_cfg cfg = knowing_peer();

	cfg.remote = pair_nat.far_seen;
	cfg.remote_id = LAB_OUT_VIP;
	cfg.natt.keepalive = NS_NEVER;
	return cfg;
}

static void
nat_before_router(struct case_run *c)
{
	const struct peer_cfg cfg = peer_of_natted();
	struct world w;
	ns_t since;
	size_t n;

	if (!alone_behind(&w, c, &keeps_mapping, &cfg, &pair_nat))
		return;
	if (!ike_kit_expect_tunnel(&w, "A is behind a NAT") || !expect_natted(&w, true, true) ||
		!ike_kit_expect_traffic(&w, "A is behind a NAT"))
		return;
	since = ike_kit_mark(&w);
	lab_run(w.lab, 13 * NS_PER_S);
	n = seen(&w, PORT_A_OUT, since, is_keepalive);
	case_figure(c, "keepalives in 13 s of silence", (double)n, "packets");
	if (case_expect(c, n == 2 || n == 3,
		    "expected a keepalive every 5 s of silence: 2 or 3 in 13 s; saw %zu", n))
		(void)ike_kit_expect_traffic(&w, "after a silence");
}

static void
no_nat(struct case_run *c)
{
	const struct lab_text knobs = {.add_global = {"crypto isakmp nat keepalive 5"}};
	struct peer_cfg cfg = knowing_peer();
	struct world w;
	ns_t since;

	if (!ike_kit_alone(&w, c, &knobs, &cfg))
		return;
	since = ike_kit_mark(&w);
	if (!ike_kit_expect_tunnel(&w, "there is no NAT") || !expect_natted(&w, false, false) ||
		!ike_kit_expect_traffic(&w, "there is no NAT"))
		return;
	lab_run(w.lab, 7 * NS_PER_S);
	(void)case_expect_u64(c, 0,
		seen(&w, PORT_A_OUT, since, is_keepalive) + seen(&w, PORT_A_OUT, since, is_udp_esp),
		"keepalives and encapsulated packets without a NAT");
}

static void
many_hashes(struct case_run *c)
{
	struct peer_cfg cfg = knowing_peer();
	struct world w;

	cfg.natt.locals = 3;
	if (ike_kit_alone(&w, c, NULL, &cfg) &&
		ike_kit_expect_tunnel(&w, "the peer has three addresses"))
		(void)expect_natted(&w, false, false);
}

/* What strongSwan's user-space ESP does. */
static void
forced(struct case_run *c)
{
	struct peer_cfg cfg = knowing_peer();
	struct world w;
	ns_t since;

	cfg.natt.fake = true;
	if (!ike_kit_alone(&w, c, NULL, &cfg))
		return;
	since = ike_kit_mark(&w);
	if (ike_kit_expect_tunnel(&w, "the peer says falsely that it is behind a NAT") &&
		ike_kit_expect_traffic(&w, "the peer says falsely that it is behind a NAT"))
		(void)expect_in_udp(&w, since, 4500);
}

static void
short_hashes(struct case_run *c)
{
	struct peer_cfg cfg = knowing_peer();
	struct world w;

	if (!ike_kit_alone(&w, c, NULL, &cfg))
		return;
	peer_wrong(w.peer)->natd_short = true;
	peer_initiate(w.peer, lab_now(w.lab));
	lab_run(w.lab, 2 * NS_PER_S);
	if (!case_expect_u64(c, 0, peer_counters(w.peer)->phase1_up,
		    "IKE SAs after NAT-D hashes of a wrong length"))
		return;
	peer_wrong(w.peer)->natd_short = false;
	peer_reset(w.peer, lab_now(w.lab));
	(void)ike_kit_expect_tunnel(&w, "after the hashes had a wrong length");
}

/* ---- ports (4) ---- */

static bool
up(void *ctx)
{
	return peer_is_up(ctx);
}

static void
router_floats(struct case_run *c)
{
	const struct lab_text knobs = {.static_map = true};
	const struct natbox_cfg nat = {.keep_ports = true, .inner = WORLD_NAT_INNER};
	struct peer_cfg cfg = world_peer_cfg();
	struct world w;
	ns_t since;

	cfg.passive = true;
	if (!alone_behind(&w, c, &knobs, &cfg, &nat))
		return;
	since = ike_kit_mark(&w);
	host_send_udp(w.host, lab_now(w.lab), LAB_REMOTE_HOST, 9, 9, "wake", 4);
	if (!case_await(c, "a tunnel that A has begun, through the NAT", 5 * NS_PER_S, up, w.peer))
		return;
	for (size_t n = 0; n < 3; n++) {
		size_t no = ike_kit_nth(&w, PORT_A_OUT, IKE_KIT_MAIN, since, n);
		struct pkt p = ike_kit_pkt(&w, no);
		uint16_t want = n < 2 ? 500 : 4500;

		if (!case_expect(c, p.sport == want && p.dport == want,
			    "expected Main Mode message %zu between ports %u; saw %u to %u",
			    2 * n + 1, want, p.sport, p.dport))
			return;
	}
	if (ike_kit_expect_traffic(&w, "A was initiator"))
		(void)expect_in_udp(&w, since, 4500);
}

static void
begun_on_4500(struct case_run *c)
{
	struct peer_cfg cfg = world_peer_cfg();
	struct world w;
	ns_t since;

	cfg.natt.from_4500 = true;
	if (!alone_behind(&w, c, NULL, &cfg, &plain_nat))
		return;
	since = ike_kit_mark(&w);
	if (!ike_kit_expect_tunnel(&w, "the peer began on port 4500"))
		return;
	for (size_t n = 0; n < ike_kit_count(&w, PORT_A_OUT, IKE_KIT_ANY, since); n++) {
		struct pkt p = ike_kit_pkt(&w, ike_kit_nth(&w, PORT_A_OUT, IKE_KIT_ANY, since, n));

		if (!case_expect(c, p.sport == 4500, "expected all of it from port 4500; saw %u",
			    p.sport))
			return;
	}
	(void)ike_kit_expect_traffic(&w, "the peer began on port 4500");
}

/* ---- encapsulation (5.1) ---- */

static void
tunnel_mode_refused(struct case_run *c)
{
	struct world w;
	ns_t since;

	if (!alone_behind(&w, c, NULL, NULL, &plain_nat))
		return;
	peer_wrong(w.peer)->mode = 1;
	since = ike_kit_mark(&w);
	peer_initiate(w.peer, lab_now(w.lab));
	if (!ike_kit_event(&w, PEER_EV_PHASE1_UP, since, 1, 5 * NS_PER_S)) {
		case_inconclusive(c, "no IKE SA came up");
		return;
	}
	lab_run(w.lab, 2 * NS_PER_S);
	if (case_expect_u64(c, 0, peer_counters(w.peer)->phase2_up,
		    "pairs in plain tunnel mode through a NAT"))
		(void)case_expect(c, ike_kit_notified(&w, 14, since) >= 1,
			"expected NO-PROPOSAL-CHOSEN; saw none");
}

/* The number that the drafts had used. */
static void
draft_mode_refused(struct case_run *c)
{
	struct world w;
	ns_t since;

	if (!alone_behind(&w, c, NULL, NULL, &plain_nat))
		return;
	peer_wrong(w.peer)->mode = 61443;
	since = ike_kit_mark(&w);
	peer_initiate(w.peer, lab_now(w.lab));
	lab_run(w.lab, 3 * NS_PER_S);
	if (!case_expect_u64(c, 1, peer_counters(w.peer)->phase1_up, "IKE SAs") ||
		!case_expect_u64(c, 0, peer_counters(w.peer)->phase2_up,
			"pairs with a draft's number of the encapsulation mode") ||
		!case_expect(c, ike_kit_notified(&w, 14, since) >= 1,
			"expected NO-PROPOSAL-CHOSEN; saw none"))
		return;
	peer_wrong(w.peer)->mode = 0;
	(void)ike_kit_expect_tunnel(&w, "after a mode that nobody has");
}

/* ---- what comes on port 4500 (RFC 3948) ---- */

static void
plain_esp_refused(struct case_run *c)
{
	struct peer_cfg cfg = knowing_peer();
	struct ike_kit_tap tap = {.kind = PEER_ESP, .swallow = true};
	uint8_t frame[2048];
	struct pkt_ip h = {.src = LAB_OUT_PEER, .dst = LAB_OUT_VIP, .proto = PKT_ESP, .ttl = 64};
	struct mac vmac = {{0, 0, 0x0c, 0x07, 0xac, 1}}, own = lab_mac(PORT_PEER);
	struct world w;
	size_t n;

	cfg.natt.fake = true;
	if (!ike_kit_alone(&w, c, NULL, &cfg) || !pair_tunnel(&w))
		return;
	if (!ike_kit_expect_traffic(&w, "encapsulated"))
		return;
	ike_kit_tap(&w, &tap);
	peer_send_inner(w.peer, lab_now(w.lab), 0, LAB_IN_HOST, 4999, "plain", 5);
	if (!tap.cnt) {
		case_inconclusive(c, "no packet of the peer was caught");
		return;
	}
	n = pkt_put_eth(frame, sizeof frame, &vmac, &own, PKT_ETH_IP4);
	n += pkt_put_ip(frame + n, sizeof frame - n, &h, tap.bytes, tap.len);
	lab_send(w.lab, PORT_PEER, frame, n);
	lab_run(w.lab, 500 * NS_PER_MS);
	(void)case_expect_u64(c, 0, ike_kit_came(&w, 4999),
		"packets that came in without the UDP header that was agreed");
}

/* ---- a mapping that changes (7) ---- */

static void
mapping_changes(struct case_run *c)
{
	struct world w;
	ns_t since;

	if (!alone_behind(&w, c, NULL, NULL, &plain_nat) || !pair_tunnel(&w))
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
	if (!expect_in_udp(&w, since, 50123))
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

	if (!alone_behind(&w, c, NULL, NULL, &plain_nat) || !pair_tunnel(&w))
		return;
	natbox_remap(w.nat, WORLD_NAT_INNER, 4500, 50124);
	since = ike_kit_mark(&w);
	peer_dpd_probe(w.peer, lab_now(w.lab));
	if (case_expect(c, ike_kit_event(&w, PEER_EV_DPD_ACKED, since, 1, 2 * NS_PER_S),
		    "expected the answer to R-U-THERE at the new port; it did not come") &&
		case_expect(c, ike_kit_carries_out(&w, 2 * NS_PER_S),
			"expected the traffic of A to follow; it did not"))
		(void)expect_in_udp(&w, since, 50124);
}

/* A packet that A has not seen, held back while later ones pass, then sent from elsewhere. */
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

	if (!alone_behind(&w, c, NULL, NULL, &plain_nat) || !pair_tunnel(&w))
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
		(void)expect_in_udp(&w, since, outer_port(&w));
}

/* ---- failovers ---- */

static void
failover_natted(struct case_run *c)
{
	const struct lab_fault off = {.kind = FAULT_POWER_OFF, .member = LAB_A};
	struct world w;
	struct pair_cost k;

	if (!pair_carry_nat(&w, c, NULL, NULL, &plain_nat))
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
		(void)case_expect_u64(c, 0, seen(&w, PORT_B_OUT, 0, is_raw_esp),
			"ESP packets of the heir that are not encapsulated");
}

/* The mapping changes, one packet of the peer shows it to A, and A dies with it. */
static void
failover_after_move(struct case_run *c)
{
	struct world w;

	if (!pair_carry_nat(&w, c, NULL, NULL, &plain_nat))
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

	if (!pair_carry_nat(&w, c, NULL, NULL, &plain_nat))
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
	const struct peer_cfg cfg = peer_of_natted();
	struct world w;
	size_t n;
	ns_t since;

	if (!pair_carry_nat(&w, c, &keeps_mapping, &cfg, &pair_nat))
		return;
	lab_power_off(w.lab, LAB_A);
	if (!pair_expect_active(&w, LAB_B, PAIR_HOLD + PAIR_MARGIN))
		return;
	since = lab_now(w.lab);
	lab_run(w.lab, 12 * NS_PER_S);
	n = seen(&w, PORT_B_OUT, since - NS_PER_S, is_keepalive);
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
	CASE("3947-3.2/1", "RFC 3947, 3.2, 4", CASE_MUST, CASE_VALID,
		"A NAT before the peer is found; IKE goes to port 4500, and all ESP in UDP to "
		"where the "
		"NAT has it, without a checksum.",
		"natt-blind", nat_before_peer),
	CASE("3947-3.2/2", "RFC 3947, 3.2; RFC 3948, 4", CASE_MUST, CASE_VALID,
		"A NAT before the router is found, and the router keeps its mapping open.",
		"natt-no-keepalive", nat_before_router),
	CASE("3947-3.2/3", "RFC 3947, 3.2, 5.1", CASE_MUST, CASE_VALID,
		"Where there is no NAT nothing is encapsulated, and no keepalive is sent.",
		"natt-hash-without-port", no_nat),
	CASE("3947-3.2/4", "RFC 3947, 3.2", CASE_MUST, CASE_VALID,
		"If one of several hashes of the sender's own address matches there is no NAT.",
		"natt-one-hash", many_hashes),
	CASE("3947-3.2/5", "RFC 3947, 3.2, 5.1", CASE_MUST, CASE_VALID,
		"A peer that says falsely that it is behind a NAT gets UDP encapsulation.",
		"natt-always-tunnel", forced),
	CASE("3947-3.2/6", "RFC 3947, 3.2", CASE_MUST, CASE_INVALID,
		"NAT-D hashes of a wrong length are refused, and do no harm.", "natt-short-hash",
		short_hashes),
	CASE("3947-4/1", "RFC 3947, 4", CASE_MUST, CASE_VALID,
		"As initiator the router sends message 5 from and to port 4500 once a NAT is "
		"found.",
		"natt-initiator-stays", router_floats),
	CASE("3947-4/2", "RFC 3947, 4; RFC 3948, 2.2", CASE_MUST, CASE_VALID,
		"A negotiation that begins on port 4500 stays there, behind the non-ESP marker.",
		"natt-no-marker", begun_on_4500),
	CASE("3947-5.1/1", "RFC 3947, 5.1", CASE_SHOULD, CASE_INVALID,
		"Through a NAT plain tunnel mode is refused with NO-PROPOSAL-CHOSEN.",
		"natt-any-mode", tunnel_mode_refused),
	CASE("3947-5.1/2", "RFC 3947, 5.1, 9", CASE_MUST, CASE_INVALID,
		"An encapsulation mode that only the drafts had is refused, and does no harm.",
		"natt-draft-mode", draft_mode_refused),
	CASE("3948-2.1/1", "RFC 3948, 2.1", CASE_MUST, CASE_INVALID,
		"On a pair that is to be encapsulated plain ESP is not taken.",
		"natt-any-encapsulation", plain_esp_refused),
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
