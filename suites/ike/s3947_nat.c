/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NAT traversal (RFC 3947, 3948): a NAT before the peer, one before the router, none at all; either
 * side beginning; keepalives. One router alone. What moves is in s3947_7_moves.c.
 */
#include <string.h>

#include "suites/ike/nat_kit.h"

/* ---- discovery (3.2) ---- */

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

static void
nat_before_peer(struct case_run *c)
{
	struct world w;
	ns_t since;

	if (!nat_kit_alone(&w, c, NULL, NULL, &nat_kit_plain))
		return;
	since = ike_kit_mark(&w);
	if (ike_kit_expect_tunnel(&w, "the peer is behind a NAT") &&
		expect_natted(&w, true, false) &&
		ike_kit_expect_traffic(&w, "the peer is behind a NAT"))
		(void)nat_kit_expect_in_udp(&w, since, nat_kit_outer_port(&w));
}

static void
nat_before_router(struct case_run *c)
{
	const struct peer_cfg cfg = nat_kit_peer_of_natted();
	struct world w;
	ns_t since;
	size_t n;

	if (!nat_kit_alone(&w, c, &nat_kit_keeps_mapping, &cfg, &nat_kit_pair))
		return;
	if (!ike_kit_expect_tunnel(&w, "A is behind a NAT") || !expect_natted(&w, true, true) ||
		!ike_kit_expect_traffic(&w, "A is behind a NAT"))
		return;
	since = ike_kit_mark(&w);
	lab_run(w.lab, 13 * NS_PER_S);
	n = nat_kit_seen(&w, PORT_A_OUT, since, nat_kit_is_keepalive);
	case_figure(c, "keepalives in 13 s of silence", (double)n, "packets");
	if (case_expect(c, n == 2 || n == 3,
		    "expected a keepalive every 5 s of silence: 2 or 3 in 13 s; saw %zu", n))
		(void)ike_kit_expect_traffic(&w, "after a silence");
}

static void
no_nat(struct case_run *c)
{
	const struct lab_text knobs = {.add_global = {"crypto isakmp nat keepalive 5"}};
	struct peer_cfg cfg = nat_kit_knowing_peer();
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
		nat_kit_seen(&w, PORT_A_OUT, since, nat_kit_is_keepalive) +
			nat_kit_seen(&w, PORT_A_OUT, since, nat_kit_is_udp_esp),
		"keepalives and encapsulated packets without a NAT");
}

static void
many_hashes(struct case_run *c)
{
	struct peer_cfg cfg = nat_kit_knowing_peer();
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
	struct peer_cfg cfg = nat_kit_knowing_peer();
	struct world w;
	ns_t since;

	cfg.natt.fake = true;
	if (!ike_kit_alone(&w, c, NULL, &cfg))
		return;
	since = ike_kit_mark(&w);
	if (ike_kit_expect_tunnel(&w, "the peer says falsely that it is behind a NAT") &&
		ike_kit_expect_traffic(&w, "the peer says falsely that it is behind a NAT"))
		(void)nat_kit_expect_in_udp(&w, since, 4500);
}

static void
short_hashes(struct case_run *c)
{
	struct peer_cfg cfg = nat_kit_knowing_peer();
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
	if (!nat_kit_alone(&w, c, &knobs, &cfg, &nat))
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
		(void)nat_kit_expect_in_udp(&w, since, 4500);
}

static void
begun_on_4500(struct case_run *c)
{
	struct peer_cfg cfg = world_peer_cfg();
	struct world w;
	ns_t since;

	cfg.natt.from_4500 = true;
	if (!nat_kit_alone(&w, c, NULL, &cfg, &nat_kit_plain))
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

	if (!nat_kit_alone(&w, c, NULL, NULL, &nat_kit_plain))
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

	if (!nat_kit_alone(&w, c, NULL, NULL, &nat_kit_plain))
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
	struct peer_cfg cfg = nat_kit_knowing_peer();
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
};
CASE_SUITE(cases)
