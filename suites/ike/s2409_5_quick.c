/* SPDX-License-Identifier: BSD-2-Clause */
/* RFC 2409 5.5 and 5.7: Quick Mode with the router as responder, and Informational exchanges. */
#include "suites/ike/ike_kit.h"

/* The peer tries another Quick Mode; A must not answer it with one. */
static bool
refused(struct world *w, const char *what)
{
	ns_t since = ike_kit_mark(w);

	peer_initiate(w->peer, lab_now(w->lab));
	lab_run(w->lab, 700 * NS_PER_MS);
	return case_expect(w->c, ike_kit_count(w, PORT_A_OUT, IKE_KIT_QUICK, since) == 0,
		"expected no message 2 of Quick Mode to %s; saw one", what);
}

static void
bad_hash_1(struct case_run *c)
{
	struct world w;
	struct peer_wrong *wrong;

	if (!ike_kit_tunnel(&w, c, NULL, NULL))
		return;
	wrong = peer_wrong(w.peer);
	wrong->bad_hash = PEER_BIT(PEER_QM1);
	if (!refused(&w, "a HASH(1) with one bit wrong"))
		return;
	wrong->bad_hash = 0;
	wrong->no_hash = PEER_BIT(PEER_QM1);
	if (!refused(&w, "a message without HASH(1)"))
		return;
	wrong->no_hash = 0;
	(void)ike_kit_expect_traffic(&w, "under the pair that was there");
}

/* What A sends goes out under the SA that is confirmed, not under the one whose HASH(3) was wrong.
 */
static void
bad_hash_3(struct case_run *c)
{
	struct world w;
	uint32_t first, second;
	ns_t since;

	if (!ike_kit_tunnel(&w, c, NULL, NULL))
		return;
	first = peer_phase2(w.peer)->spi_in;
	peer_wrong(w.peer)->bad_hash = PEER_BIT(PEER_QM3);
	peer_initiate(w.peer, lab_now(w.lab));
	lab_run(w.lab, 300 * NS_PER_MS);
	second = peer_phase2(w.peer)->spi_in;
	if (second == first) {
		case_inconclusive(c, "A did not answer a second Quick Mode");
		return;
	}
	since = ike_kit_mark(&w);
	if (!case_expect(c, ike_kit_carries_out(&w, 2 * NS_PER_S),
		    "expected the first pair to carry on"))
		return;
	(void)case_expect_u64(c, 0, pair_esp_cnt(w.lab, LAB_A, second, since, NS_NEVER),
		"packets under an SA whose HASH(3) had one bit wrong");
}

static void
other_proxies(struct case_run *c)
{
	struct world w;

	if (!ike_kit_tunnel(&w, c, NULL, NULL))
		return;
	peer_wrong(w.peer)->bad_id = PEER_BIT(PEER_QM1);
	(void)refused(&w, "client identities outside the access list");
}

/* The transform set is AES-128 with SHA-1; each offer is beside it, and all are known. */
static void
bad_proposal(struct case_run *c)
{
	static const struct peer_esp_prop beside[] = {{KEYESP_AES_SHA256, 128},
		{KEYESP_AES_GCM, 128}, {KEYESP_AES_SHA1, 256}, {KEYESP_NULL_SHA1, 0}};
	struct world w;
	ns_t since;

	if (!ike_kit_tunnel(&w, c, NULL, NULL))
		return;
	since = ike_kit_mark(&w);
	peer_cfg(w.peer)->esp_cnt = 1;
	for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++) {
		peer_cfg(w.peer)->esp[0] = beside[i];
		peer_initiate(w.peer, lab_now(w.lab));
		lab_run(w.lab, 300 * NS_PER_MS);
		if (!case_expect(c, !ike_kit_count(&w, PORT_A_OUT, IKE_KIT_QUICK, since),
			    "expected no message 2 to %s, %u bits", keyesp_name(beside[i].suite),
			    beside[i].key_bits))
			return;
	}
	case_note(c, "NO-PROPOSAL-CHOSEN: %zu times", ike_kit_notified(&w, 14, since));
}

static void
pfs_wanted(struct case_run *c)
{
	const struct lab_text knobs = {.add_map = {" set pfs group2"}};
	struct world w;

	if (!ike_kit_alone(&w, c, &knobs, NULL))
		return;
	if (!refused(&w, "an offer without PFS where the map wants group 2"))
		return;
	if (!peer_counters(w.peer)->phase1_up) {
		case_inconclusive(c, "no IKE SA");
		return;
	}
	peer_reset(w.peer, lab_now(w.lab));
	peer_cfg(w.peer)->pfs_group = 2;
	if (ike_kit_expect_tunnel(&w, "with PFS, group 2") &&
		ike_kit_expect_traffic(&w, "with PFS, group 2"))
		(void)case_expect_u64(c, 2, peer_phase2(w.peer)->pfs_group, "group used");
}

/* ---- Informational ---- */

static void
deleted(struct case_run *c)
{
	static struct ike_kit_tap tap;
	struct world w;
	uint64_t before;
	uint32_t spi;
	ns_t since;

	if (!ike_kit_tunnel(&w, c, NULL, NULL) || !ike_kit_carries_in(&w, 2 * NS_PER_S))
		return;
	tap = (struct ike_kit_tap){.kind = PEER_ESP, .swallow = true};
	ike_kit_tap(&w, &tap);
	peer_send_inner(w.peer, lab_now(w.lab), 0, LAB_IN_HOST, 5001, "late", 4);
	peer_wrong(w.peer)->edit_wire = NULL;
	spi = peer_phase2(w.peer)->spi_in;
	before = host_counters(w.host)->udp_in;
	since = ike_kit_mark(&w);
	peer_delete_child(w.peer, lab_now(w.lab), false);
	lab_run(w.lab, 100 * NS_PER_MS);
	peer_send_esp(w.peer, lab_now(w.lab), tap.bytes, tap.len);
	host_send_udp(w.host, lab_now(w.lab), LAB_REMOTE_HOST, 9, 9, "gone", 4);
	lab_run(w.lab, 300 * NS_PER_MS);
	if (case_expect_u64(c, before, host_counters(w.host)->udp_in,
		    "packets at the host after the Delete") &&
		case_expect_u64(c, 0, pair_esp_cnt(w.lab, LAB_A, spi, since, NS_NEVER),
			"packets to the peer under the SA that it deleted"))
		(void)case_expect_u64(
			c, 1, peer_counters(w.peer)->phase1_up, "Phase 1 negotiations in all");
}

/* The hash of the Delete is wrong: what the peer would have deleted goes on. */
static void
forged_delete(struct case_run *c)
{
	struct world w;
	uint32_t spi;
	ns_t since;

	if (!ike_kit_tunnel(&w, c, NULL, NULL))
		return;
	spi = peer_phase2(w.peer)->spi_in;
	peer_wrong(w.peer)->bad_hash = PEER_BIT(PEER_INFO_DELETE_ESP);
	peer_delete_child(w.peer, lab_now(w.lab), false);
	lab_run(w.lab, 200 * NS_PER_MS);
	since = ike_kit_mark(&w);
	host_send_udp(w.host, lab_now(w.lab), LAB_REMOTE_HOST, 9, 9, "still", 5);
	lab_run(w.lab, 300 * NS_PER_MS);
	(void)case_expect_u64(c, 1, pair_esp_cnt(w.lab, LAB_A, spi, since, NS_NEVER),
		"packets to the peer after a Delete whose HASH(1) has one bit wrong");
}

/* The peer deletes the IKE SA: what comes under its cookies afterwards is met with nothing that it
 * protects. */
static void
ike_deleted(struct case_run *c)
{
	static struct ike_kit_tap tap;
	struct world w;
	ns_t since;

	if (!ike_kit_tunnel(&w, c, NULL, NULL))
		return;
	tap = (struct ike_kit_tap){.kind = PEER_DPD_ASK, .swallow = true};
	ike_kit_tap(&w, &tap);
	peer_dpd_probe(w.peer, lab_now(w.lab));
	peer_wrong(w.peer)->edit_wire = NULL;
	peer_delete_ike(w.peer, lab_now(w.lab), false);
	since = ike_kit_mark(&w);
	peer_send_ike(w.peer, lab_now(w.lab), tap.bytes, tap.len);
	lab_run(w.lab, 300 * NS_PER_MS);
	for (size_t i = 0;; i++) {
		size_t no = ike_kit_nth(&w, PORT_A_OUT, IKE_KIT_ANY, since, i);

		if (no == TRACE_NONE)
			break;
		if (!case_expect(c, !(ike_kit_pkt(&w, no).isakmp[19] & 1),
			    "expected no encrypted answer under an IKE SA that the peer has "
			    "deleted"))
			return;
	}
	(void)ike_kit_expect_tunnel(&w, "anew, afterwards");
}

/* The same bytes again, when their exchange is over: nothing, for the message id has been used. */
static void
message_id_again(struct case_run *c)
{
	static struct ike_kit_tap tap;
	struct world w;
	ns_t since;

	if (!ike_kit_tunnel(&w, c, NULL, NULL))
		return;
	tap = (struct ike_kit_tap){.kind = PEER_DPD_ASK};
	ike_kit_tap(&w, &tap);
	peer_dpd_probe(w.peer, lab_now(w.lab));
	if (!ike_kit_event(&w, PEER_EV_DPD_ACKED, 0, 1, NS_PER_S)) {
		case_inconclusive(c, "A did not answer R-U-THERE");
		return;
	}
	since = ike_kit_mark(&w);
	peer_send_ike(w.peer, lab_now(w.lab), tap.bytes, tap.len);
	lab_run(w.lab, 300 * NS_PER_MS);
	(void)case_expect_u64(c, 0, ike_kit_count(&w, PORT_A_OUT, IKE_KIT_ANY, since),
		"answers to an Informational exchange that was played again");
}

static const struct case_def cases[] = {
	{
		.id = "ike/2409-5.5/1",
		.requirement = "RFC 2409, 5.5",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A first message of Quick Mode whose HASH(1) is wrong or missing is "
			"refused.",
		.mutant = "ike-no-hash-check",
		.run = bad_hash_1,
	},
	{
		.id = "ike/2409-5.5/2",
		.requirement = "RFC 2409, 5.5",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "An SA whose HASH(3) was wrong is not used for sending.",
		.mutant = "ike-no-hash-check",
		.run = bad_hash_3,
	},
	{
		.id = "ike/2409-5.5/3",
		.requirement = "RFC 2409, 5.5",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "Client identities that the local policy does not allow are refused.",
		.mutant = "ike-any-proxy",
		.run = other_proxies,
	},
	{
		.id = "ike/2409-5.5/4",
		.requirement = "RFC 2408, 5.4; RFC 2409, 5.5",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A proposal of Quick Mode that the transform sets do not allow is not "
			"chosen.",
		.mutant = "ike-any-proposal",
		.run = bad_proposal,
	},
	{
		.id = "ike/2409-5.5/5",
		.requirement = "RFC 2409, 5.5",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "Where the map wants PFS, an offer without it is refused, and one with it "
			"is taken.",
		.mutant = "ike-any-pfs",
		.run = pfs_wanted,
	},
	{
		.id = "ike/2408-5.15/2",
		.requirement = "RFC 2408, 5.15; RFC 2409, 5.7",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "When the peer deletes its SA, the pair is used no more: nothing is sent "
			"on it, and nothing accepted.",
		.mutant = "ike-ignore-delete",
		.run = deleted,
	},
	{
		.id = "ike/2408-5.15/3",
		.requirement = "RFC 2408, 5.15; RFC 2409, 5.7",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "When the peer deletes its IKE SA, nothing is answered under it any more.",
		.mutant = "ike-ignore-delete",
		.run = ike_deleted,
	},
	{
		.id = "ike/2409-5.7/1",
		.requirement = "RFC 2409, 5.7",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A Delete whose HASH(1) is wrong deletes nothing.",
		.mutant = "ike-no-hash-check",
		.run = forged_delete,
	},
	{
		.id = "ike/2409-5.7/2",
		.requirement = "RFC 2409, 5.7; IKE-06",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A message id that has been used is not accepted again.",
		.mutant = "ike-msgid-again",
		.run = message_id_again,
	},
};
CASE_SUITE(cases)
