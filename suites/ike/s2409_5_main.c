/* SPDX-License-Identifier: BSD-2-Clause */
/* RFC 2409 5.4, RFC 2407: Main Mode with a pre-shared key, the router as responder. */
#include <string.h>

#include "suites/ike/ike_kit.h"

static bool
encrypted(const struct pkt *p)
{
	return p->isakmp[19] & 1;
}

/* Main Mode messages of A since then that are encrypted: message 6 and its kin. */
static size_t
sixth(struct world *w, ns_t since)
{
	size_t n = 0, no;

	for (size_t i = 0; (no = ike_kit_nth(w, PORT_A_OUT, IKE_KIT_MAIN, since, i)) != TRACE_NONE;
		i++) {
		struct pkt p = ike_kit_pkt(w, no);

		n += encrypted(&p);
	}
	return n;
}

/* The peer tries; A has to get as far as message 4, and no further. */
static bool
refused(struct world *w, const char *what)
{
	ns_t since = ike_kit_mark(w);

	peer_initiate(w->peer, lab_now(w->lab));
	lab_run(w->lab, 900 * NS_PER_MS);
	if (ike_kit_count(w, PORT_A_OUT, IKE_KIT_MAIN, since) < 2) {
		case_inconclusive(w->c, "A did not come as far as message 4");
		return false;
	}
	return case_expect(
		       w->c, sixth(w, since) == 0, "expected no message 6 to %s; saw one", what) &&
	       case_expect_u64(w->c, 0, peer_counters(w->peer)->phase1_up, "IKE SAs");
}

static void
bad_hash(struct case_run *c)
{
	struct world w;

	if (!ike_kit_alone(&w, c, NULL, NULL))
		return;
	peer_wrong(w.peer)->bad_hash = PEER_BIT(PEER_MM5);
	if (!refused(&w, "a HASH_I with one bit wrong"))
		return;
	peer_wrong(w.peer)->bad_hash = 0;
	peer_reset(w.peer, lab_now(w.lab));
	peer_wrong(w.peer)->psk_wrong = true;
	if (!refused(&w, "a peer with another secret"))
		return;
	peer_wrong(w.peer)->psk_wrong = false;
	peer_reset(w.peer, lab_now(w.lab));
	(void)ike_kit_expect_tunnel(&w, "with the right secret, afterwards");
}

static void
other_identity(struct case_run *c)
{
	struct world w;

	if (!ike_kit_alone(&w, c, NULL, NULL))
		return;
	peer_wrong(w.peer)->bad_id = PEER_BIT(PEER_MM5);
	(void)refused(&w, "the identity of somebody else");
}

/* The nonce of message 3 cut to so many octets; what follows it moves up. */
static size_t
short_nonce(void *ctx, enum peer_kind kind, uint8_t *bytes, size_t len, size_t cap)
{
	size_t at = (size_t)bytes[2] << 8 | bytes[3], size; /* behind KE */
	const size_t want = 4 + 7;

	(void)ctx;
	(void)cap;
	if (kind != PEER_MM3 || at + 4 > len)
		return len;
	size = (size_t)bytes[at + 2] << 8 | bytes[at + 3];
	if (size <= want || at + size > len)
		return len;
	memmove(bytes + at + want, bytes + at + size, len - at - size);
	bytes[at + 2] = 0;
	bytes[at + 3] = (uint8_t)want;
	return len - (size - want);
}

static void
nonce_too_short(struct case_run *c)
{
	struct world w;

	if (!ike_kit_alone(&w, c, NULL, NULL))
		return;
	peer_wrong(w.peer)->edit_plain = short_nonce;
	peer_initiate(w.peer, lab_now(w.lab));
	lab_run(w.lab, 700 * NS_PER_MS);
	if (!ike_kit_count(&w, PORT_A_OUT, IKE_KIT_MAIN, 0)) {
		case_inconclusive(c, "A did not come as far as message 2");
		return;
	}
	if (!case_expect_u64(c, 1, ike_kit_count(&w, PORT_A_OUT, IKE_KIT_MAIN, 0),
		    "Main Mode messages to a peer whose nonce has 7 octets: message 2 alone"))
		return;
	peer_wrong(w.peer)->edit_plain = NULL;
	peer_reset(w.peer, lab_now(w.lab));
	(void)ike_kit_expect_tunnel(&w, "with a nonce of 16 octets, afterwards");
}

/* ---- proposals ---- */

static void
try_one_proposal(struct world *w, struct peer_ike_prop prop)
{
	peer_cfg(w->peer)->ike[0] = prop;
	peer_cfg(w->peer)->ike_cnt = 1;
	peer_initiate(w->peer, lab_now(w->lab));
	lab_run(w->lab, 300 * NS_PER_MS);
}

/* Each in one attribute beside the policy, AES-128, SHA-1, group 2. */
static void
no_proposal(struct case_run *c)
{
	static const struct peer_ike_prop beside[] = {
		{KEYPRIM_AES, 256, KEYPRIM_SHA1, 2},
		{KEYPRIM_3DES, 0, KEYPRIM_SHA1, 2},
		{KEYPRIM_AES, 128, KEYPRIM_SHA256, 2},
		{KEYPRIM_AES, 128, KEYPRIM_SHA1, 14},
	};
	struct world w;

	if (!ike_kit_alone(&w, c, NULL, NULL))
		return;
	for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++) {
		try_one_proposal(&w, beside[i]);
		if (!case_expect(c, !ike_kit_count(&w, PORT_A_OUT, IKE_KIT_MAIN, 0),
			    "expected no message 2 to proposal %zu, which the policy does not "
			    "allow",
			    i))
			return;
		peer_reset(w.peer, lab_now(w.lab));
	}
	peer_cfg(w.peer)->ike[0] = (struct peer_ike_prop){KEYPRIM_AES, 128, KEYPRIM_SHA1, 2};
	(void)ike_kit_expect_tunnel(&w, "with a proposal that is allowed, afterwards");
}

static void
says_no_proposal(struct case_run *c)
{
	struct world w;

	if (!ike_kit_alone(&w, c, NULL, NULL))
		return;
	try_one_proposal(&w, (struct peer_ike_prop){KEYPRIM_AES, 256, KEYPRIM_SHA1, 2});
	(void)case_expect(c, ike_kit_notified(&w, 14, 0) > 0,
		"expected NO-PROPOSAL-CHOSEN at the peer; saw none");
}

/* Each transform that the peer may offer, and the one that is to be chosen. */
static void
chooses_one(struct case_run *c)
{
	struct peer_cfg cfg = world_peer_cfg();
	const struct peer_phase1 *s;
	struct world w;

	cfg.ike[0] = (struct peer_ike_prop){KEYPRIM_3DES, 0, KEYPRIM_MD5, 2};
	cfg.ike[1] = (struct peer_ike_prop){KEYPRIM_AES, 128, KEYPRIM_SHA256, 14};
	cfg.ike[2] = (struct peer_ike_prop){KEYPRIM_AES, 128, KEYPRIM_SHA1, 2};
	cfg.ike_cnt = 3;
	if (!ike_kit_alone(&w, c, NULL, &cfg) ||
		!ike_kit_expect_tunnel(&w, "three offers, the third is allowed"))
		return;
	s = peer_phase1(w.peer);
	if (case_expect_u64(c, KEYPRIM_SHA1, s->prop.hash, "hash chosen") &&
		case_expect_u64(c, 2, s->prop.group, "group chosen"))
		(void)case_expect_u64(c, KEYPRIM_AES, s->prop.cipher, "cipher chosen");
}

/* ---- what goes along ---- */

static void
vendor_id(struct case_run *c)
{
	struct world w;

	if (!ike_kit_tunnel(&w, c, NULL, NULL))
		return;
	(void)case_expect(c, peer_phase1(w.peer)->dpd,
		"expected the vendor id AFCAD71368A1F1C96B8696FC77570100 in Main Mode; saw none");
}

/* A genuine packet of an SA, sealed and not sent: what an SA accepts as long as it lives. */
static size_t
keep_one(struct world *w, struct ike_kit_tap *tap)
{
	*tap = (struct ike_kit_tap){.kind = PEER_ESP, .swallow = true};
	ike_kit_tap(w, tap);
	peer_send_inner(w->peer, lab_now(w->lab), 0, LAB_IN_HOST, 5001, "old", 3);
	peer_wrong(w->peer)->edit_wire = NULL;
	return tap->len;
}

/* The peer restarts and says so: what it had before is dead, even to a packet that is genuine. */
static void
initial_contact(struct case_run *c)
{
	static struct ike_kit_tap tap;
	struct world w;

	if (!ike_kit_tunnel(&w, c, NULL, NULL) || !keep_one(&w, &tap))
		return;
	peer_reset(w.peer, lab_now(w.lab));
	if (!pair_tunnel(&w))
		return;
	peer_send_esp(w.peer, lab_now(w.lab), tap.bytes, tap.len);
	if (case_expect(c, ike_kit_carries_in(&w, 2 * NS_PER_S),
		    "expected the new tunnel to carry traffic"))
		(void)case_expect_u64(
			c, 0, ike_kit_came(&w, 5001), "packets at the host under the old SA");
}

static const struct case_def cases[] = {
	{
		.id = "ike/2409-5.4/1",
		.requirement = "RFC 2409, 5 and 5.4",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A peer whose HASH_I is wrong, or who has another secret, is not "
			"authenticated.",
		.mutant = "ike-any-psk",
		.run = bad_hash,
	},
	{
		.id = "ike/2409-5/1",
		.requirement = "RFC 2409, 5",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A nonce has 8 to 256 octets; a message with a shorter one is refused.",
		.mutant = "ike-any-nonce",
		.run = nonce_too_short,
	},
	{
		.id = "ike/2407-4.6.2/1",
		.requirement = "RFC 2407, 4.6.2; RFC 2409, 5.4",
		.level = CASE_SHOULD,
		.class_ = CASE_INVALID,
		.says = "With a secret for an address, a peer that names another address is "
			"refused.",
		.mutant = "ike-any-id",
		.run = other_identity,
	},
	{
		.id = "ike/2408-5.4/1",
		.requirement = "RFC 2408, 5.4 to 5.6",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A proposal that the policy does not allow is not chosen.",
		.mutant = "ike-any-proposal",
		.run = no_proposal,
	},
	{
		.id = "ike/2408-5.4/2",
		.requirement = "RFC 2408, 5.4",
		.level = CASE_MAY,
		.class_ = CASE_INVALID,
		.says = "A peer whose proposals are refused is told: NO-PROPOSAL-CHOSEN.",
		.mutant = "ike-silent-refusal",
		.run = says_no_proposal,
	},
	{
		.id = "ike/2408-4.2/1",
		.requirement = "RFC 2408, 4.2; RFC 2409, 5",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "Of several transforms offered the responder chooses one that its policy "
			"allows.",
		.mutant = "ike-any-proposal",
		.run = chooses_one,
	},
	{
		.id = "ike/3706-5.1/1",
		.requirement = "RFC 3706, 5.1",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "A router that does DPD sends its vendor id in Main Mode.",
		.mutant = "ike-no-vendor-id",
		.run = vendor_id,
	},
	{
		.id = "ike/2407-4.6.3/1",
		.requirement = "RFC 2407, 4.6.3.3",
		.level = CASE_SHOULD,
		.class_ = CASE_VALID,
		.says = "After INITIAL-CONTACT the SAs that the peer had before are no longer "
			"used.",
		.mutant = "ike-ignore-initial-contact",
		.run = initial_contact,
	},
};
CASE_SUITE(cases)
