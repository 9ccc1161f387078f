/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A NAT between pair and peer, and a failover: the heir goes on encapsulating towards the mapping
 * that was last seen, follows it when it changes, and rekeys. RFC 3947, RFC 3948.
 */
#include "harness/field/pkt.h"
#include "harness/run/pair.h"

static bool
fail_over(struct world *w)
{
	lab_power_off(w->lab, LAB_A);
	return pair_expect_active(w, LAB_B, PAIR_HOLD + PAIR_MARGIN) &&
	       pair_expect_traffic(w, 20, "traffic over UDP under the heir") &&
	       case_expect_u64(
		       w->c, 1, peer_counters(w->peer)->phase2_up, "pairs negotiated until then");
}

static bool
encapsulated(struct world *w)
{
	return case_expect(w->c, peer_phase2(w->peer)->udp,
		"expected the pair to be UDP-encapsulated: there is a NAT");
}

struct want {
	const struct peer *p;
	uint64_t phase1, phase2;
};

static bool
reached(void *ctx)
{
	const struct want *w = ctx;
	const struct peer_counters *n = peer_counters(w->p);

	return n->phase1_up >= w->phase1 && n->phase2_up >= w->phase2;
}

static bool
rekeyed(struct world *w)
{
	struct want want = {w->peer, 1, 2};

	peer_rekey_child(w->peer, lab_now(w->lab));
	if (!case_await(w->c, "the pair's rekey with the heir", 3 * NS_PER_S, reached, &want) ||
		!encapsulated(w) || !pair_expect_traffic(w, 20, "traffic under the new pair"))
		return false;
	want.phase1 = 2;
	peer_rekey_phase1(w->peer, lab_now(w->lab));
	return case_await(
		w->c, "the IKE SA's rekey, begun on port 4500", 3 * NS_PER_S, reached, &want);
}

static void
no_refusals(struct world *w)
{
	const struct peer_counters *n = peer_counters(w->peer);

	pair_streams_stop(w);
	if (case_expect_u64(w->c, 0, n->esp_replays + n->esp_late,
		    "packets refused by the peer's replay window") &&
		case_expect_u64(w->c, 0, n->esp_wrong_encap,
			"packets without the encapsulation that was agreed on"))
		(void)case_expect_u64(
			w->c, 0, n->ike_refused, "IKE messages that the peer refused");
}

static void
behind_nat(struct case_run *c)
{
	const struct natbox_cfg nat = {.timeout = 0};
	struct world w;

	if (!pair_carry_nat(&w, c, NULL, NULL, &nat) || !encapsulated(&w))
		return;
	pair_streams_start(&w, 100, 200);
	if (pair_expect_traffic(&w, 20, "traffic over UDP") && fail_over(&w) && rekeyed(&w))
		no_refusals(&w);
}

static void
faked(struct case_run *c)
{
	struct peer_cfg cfg = world_peer_cfg();
	struct world w;

	cfg.natt.on = cfg.natt.fake = true;
	if (!pair_carry(&w, c, NULL, &cfg) || !encapsulated(&w))
		return;
	pair_streams_start(&w, 100, 200);
	if (pair_expect_traffic(&w, 20, "traffic over UDP") && fail_over(&w) && rekeyed(&w))
		no_refusals(&w);
}

/* The UDP port to which the member sent ESP last. */
static uint16_t
port_of(struct world *w, enum lab_member m)
{
	const struct trace_want want = {.ports = (uint16_t)(1u << lab_member_port(m, SEG_OUTSIDE))};
	struct trace *t = lab_trace(w->lab);
	uint16_t port = 0;
	struct pkt p;

	for (size_t n = 0; (n = trace_next(t, n, &want)) != TRACE_NONE; n++)
		if (pkt_parse(&p, trace_frame(t, n)->bytes, trace_frame(t, n)->len) && p.is_esp)
			port = p.is_udp ? p.dport : 0;
	return port;
}

/* A changes its mind before it dies: the heir knows the newer port. */
static void
changed_before(struct case_run *c)
{
	const struct natbox_cfg nat = {.timeout = 0};
	struct world w;

	if (!pair_carry_nat(&w, c, NULL, NULL, &nat))
		return;
	pair_streams_start(&w, 100, 200);
	if (!pair_expect_traffic(&w, 20, "traffic over UDP"))
		return;
	natbox_remap(w.nat, WORLD_NAT_INNER, 4500, 33333);
	if (!pair_expect_traffic(&w, 20, "traffic to the new port") ||
		!case_expect_u64(c, 33333, port_of(&w, LAB_A), "UDP port that A sends to"))
		return;
	/* Nothing more from the peer: the heir must have been told. */
	peer_stream_stop(w.peer, 2);
	lab_run(w.lab, 200 * NS_PER_MS);
	natbox_block(w.nat, true, false);
	lab_power_off(w.lab, LAB_A);
	if (!pair_expect_active(&w, LAB_B, PAIR_HOLD + PAIR_MARGIN))
		return;
	lab_run(w.lab, 300 * NS_PER_MS);
	natbox_block(w.nat, false, false);
	if (case_expect_u64(c, 33333, port_of(&w, LAB_B), "UDP port that the heir sends to"))
		no_refusals(&w);
}

/* Address and port change under the heir. The key is for the whole segment: a new phase 1 comes
 * from the new address. */
static void
changed_after(struct case_run *c)
{
	const struct lab_text knobs = {
		.swap = {{"crypto isakmp key ",
			"crypto isakmp key baton-lab-key address 172.16.31.0 255.255.255.0"}}};
	const struct natbox_cfg nat = {.timeout = 0};
	struct world w;

	if (!pair_carry_nat(&w, c, &knobs, NULL, &nat))
		return;
	pair_streams_start(&w, 100, 200);
	if (!pair_expect_traffic(&w, 20, "traffic over UDP") || !fail_over(&w))
		return;
	natbox_restart(w.nat);
	natbox_move(w.nat, lab_now(w.lab), IP4(172, 16, 31, 201));
	if (pair_expect_traffic(&w, 20, "traffic to the new address and port") &&
		case_expect_u64(c, natbox_public(w.nat, WORLD_NAT_INNER, 4500), port_of(&w, LAB_B),
			"UDP port that the heir sends to") &&
		rekeyed(&w))
		no_refusals(&w);
}

static const struct case_def cases[] = {
	{
		.id = "failover/vpnha-natt/1",
		.requirement = "RFC 3947, 3 to 5; RFC 3948, 3; SSP-01",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "A tunnel to a peer behind a NAT survives a failover, and the rekey of "
			"both phases after it.",
		.mutant = "import-no-ike",
		.run = behind_nat,
	},
	{
		.id = "failover/vpnha-natt/2",
		.requirement = "RFC 3947, 3.2; SSP-01",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "So does one to a peer that says falsely that it is behind a NAT, so that "
			"ESP goes over UDP.",
		.mutant = "import-no-ike",
		.run = faked,
	},
	{
		.id = "failover/vpnha-natt/3",
		.requirement = "RFC 3947, 7; SSP-01",
		.level = CASE_SHOULD,
		.class_ = CASE_VALID,
		.says = "A mapping that changed before the failover is the heir's, too, though it "
			"has heard nothing from the peer.",
		.mutant = "import-no-children",
		.run = changed_before,
	},
	{
		.id = "failover/vpnha-natt/4",
		.requirement = "RFC 3947, 7",
		.level = CASE_SHOULD,
		.class_ = CASE_VALID,
		.says = "The heir follows a mapping whose address and port change.",
		.mutant = "import-no-children",
		.run = changed_after,
	},
};
CASE_SUITE(cases)
