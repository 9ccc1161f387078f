/* SPDX-License-Identifier: BSD-2-Clause */
/* IKE and the pair: who answers for the virtual address, and what an heir says to a peer that it
 * has never met. */
#include "suites/ike/ike_kit.h"

/* ISAKMP messages from the virtual address at B's port. What B forwards of others is IP's business.
 */
static size_t
from_standby(struct world *w, ns_t since)
{
	size_t n = 0, no;

	for (size_t i = 0; (no = ike_kit_nth(w, PORT_B_OUT, IKE_KIT_ANY, since, i)) != TRACE_NONE;
		i++)
		n += ike_kit_pkt(w, no).src == LAB_OUT_VIP || ike_kit_pkt(w, no).src == LAB_OUT_B;
	return n;
}

/* A first message straight to the standby, at its own MAC and at the virtual one. */
static void
standby_is_silent(struct case_run *c)
{
	static const struct mac vmac = {{0x00, 0x00, 0x0c, 0x07, 0xac, 0x01}};
	static struct ike_kit_tap tap;
	struct world w;
	uint8_t frame[1024];
	size_t n;
	ns_t since;

	if (!pair_up(&w, c, NULL, NULL) || !pair_ready(&w, LAB_B))
		return;
	tap = (struct ike_kit_tap){.kind = PEER_MM1, .swallow = true};
	ike_kit_tap(&w, &tap);
	since = ike_kit_mark(&w);
	peer_initiate(w.peer, lab_now(w.lab));
	n = ike_kit_frame(frame, sizeof frame, lab_mac(PORT_B_OUT), tap.bytes, tap.len);
	lab_deliver(w.lab, PORT_B_OUT, frame, n);
	n = ike_kit_frame(frame, sizeof frame, vmac, tap.bytes, tap.len);
	lab_deliver(w.lab, PORT_B_OUT, frame, n);
	lab_run(w.lab, 400 * NS_PER_MS);
	if (!case_expect_u64(c, 0, from_standby(&w, since),
		    "ISAKMP messages of the standby for the virtual address"))
		return;
	tap.swallow = false;
	peer_reset(w.peer, lab_now(w.lab));
	if (ike_kit_expect_tunnel(&w, "with the active"))
		(void)case_expect_u64(
			c, 0, from_standby(&w, since), "ISAKMP messages of the standby in all");
}

/* ---- INITIAL-CONTACT ---- */

static bool
another_phase1(void *ctx)
{
	return peer_counters(ctx)->phase1_up >= 2;
}

/*
 * The peer deletes the IKE SA and keeps the pair; A dies; the heir needs an IKE SA for another
 * flow. To say INITIAL-CONTACT now would have the peer throw away the pair that the heir goes on
 * with.
 */
static void
no_initial_contact(struct case_run *c)
{
	const struct lab_text knobs = {.static_map = true,
		.add_global = {"access-list 101 permit ip 10.0.0.0 0.0.0.255 10.3.0.0 0.0.0.255"}};
	struct world w;
	ns_t since;

	if (!pair_carry(&w, c, &knobs, NULL) || !ike_kit_carries_in(&w, 2 * NS_PER_S))
		return;
	peer_delete_ike(w.peer, lab_now(w.lab), false);
	lab_run(w.lab, 300 * NS_PER_MS);
	since = ike_kit_mark(&w); /* at the first contact A may have said it, and rightly */
	lab_power_off(w.lab, LAB_A);
	if (!pair_reach_active(&w, LAB_B, 4 * PAIR_HOLD))
		return;
	host_send_udp(w.host, lab_now(w.lab), IP4(10, 3, 0, 50), 9, 9, "new", 3);
	if (!case_await(c, "a Phase 1 that the heir begins", 4 * NS_PER_S, another_phase1, w.peer))
		return;
	lab_run(w.lab, 300 * NS_PER_MS);
	if (case_expect_u64(c, 0, peer_event_cnt(w.peer, PEER_EV_INITIAL_CONTACT, since, NULL),
		    "INITIAL-CONTACTs of an heir that goes on with the peer's SAs"))
		(void)ike_kit_expect_traffic(&w, "on the inherited pair");
}

/* The peer's messages belong to no exchange of the heir, and the SA that it inherited is good for
 * all of them. */
static void
heir_uses_ike(struct case_run *c)
{
	struct world w;
	uint32_t old;

	if (!pair_carry(&w, c, NULL, NULL))
		return;
	lab_power_off(w.lab, LAB_A);
	if (!pair_reach_active(&w, LAB_B, 4 * PAIR_HOLD))
		return;
	old = peer_phase2(w.peer)->spi_in;
	peer_initiate(w.peer, lab_now(w.lab));
	lab_run(w.lab, 700 * NS_PER_MS);
	if (!case_expect(c, peer_phase2(w.peer) && peer_phase2(w.peer)->spi_in != old,
		    "expected a Quick Mode under the inherited IKE SA") ||
		!ike_kit_expect_traffic(&w, "on the pair that the heir has negotiated"))
		return;
	(void)case_expect_u64(
		c, 1, peer_counters(w.peer)->phase1_up, "Phase 1 negotiations in all");
}

static const struct case_def cases[] = {
	{
		.id = "ike/vpnha-ike/2",
		.requirement = "IKE-02",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "The standby answers no IKE for the virtual address, even if it is "
			"delivered to it.",
		.mutant = "standby-answers-ike",
		.run = standby_is_silent,
	},
	{
		.id = "ike/vpnha-ike/5a",
		.requirement = "IKE-05; RFC 2407, 4.6.3.3",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "An heir that holds SAs of the peer does not say INITIAL-CONTACT to it.",
		.mutant = "ike-initial-contact-always",
		.run = no_initial_contact,
	},
	{
		.id = "ike/vpnha-ike/5b",
		.requirement = "IKE-05",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "After a take-over the inherited IKE SA serves for a new Quick Mode, "
			"without a new Main Mode.",
		.mutant = "import-no-ike",
		.run = heir_uses_ike,
	},
};
CASE_SUITE(cases)
