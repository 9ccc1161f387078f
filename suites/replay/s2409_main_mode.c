/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RFC 2409 5, by a negotiation that was recorded: who puts the initiator's messages in again later
 * has no key, and gets no further than the first answer; the cookie of then is not the cookie of
 * now (RFC 2408 2.5.3).
 */
#include "suites/replay/replay_kit.h"

#define KE 4 /* payload numbers: RFC 2408 3.1 */

/* ISAKMP messages of A since then that an SA, or half of one, would need. */
static size_t
got_further(struct world *w, ns_t since)
{
	size_t n = 0, no;

	for (size_t i = 0; (no = ike_kit_nth(w, PORT_A_OUT, IKE_KIT_ANY, since, i)) != TRACE_NONE;
		i++) {
		struct pkt p = ike_kit_pkt(w, no);

		n += p.isakmp[16] == KE || (p.isakmp[19] & 1) != 0;
	}
	return n;
}

static void
later(struct case_run *c)
{
	static struct replay_kit k;
	struct world w;
	ns_t since;

	if (!ike_kit_tunnel(&w, c, NULL, NULL) || !esp_kit_flush(&w, 6000))
		return;
	replay_kit_isakmp(&k, &w, PORT_PEER, 0);
	peer_delete_child(w.peer, lab_now(w.lab), false);
	peer_delete_ike(w.peer, lab_now(w.lab), false);
	lab_run(w.lab, 500 * NS_PER_MS);
	peer_cfg(w.peer)->dead_to_ike = true; /* it is not he who speaks now */
	since = ike_kit_mark(&w);
	replay_kit_put(&k, &w, PORT_PEER, k.cnt, 50 * NS_PER_MS);
	lab_run(w.lab, NS_PER_S);
	if (!case_expect(c, k.cnt >= 5,
		    "expected the five messages of an initiator in the recording, "
		    "saw %zu",
		    k.cnt) ||
		!case_expect_u64(c, 0, got_further(&w, since),
			"messages with a public value, or encrypted, in answer to a recording") ||
		!case_expect(c, esp_kit_frame(&w, PORT_A_OUT, since) == TRACE_NONE,
			"expected no ESP under an SA of a recording"))
		return;
	peer_cfg(w.peer)->dead_to_ike = false;
	(void)ike_kit_expect_tunnel(&w, "after a recorded negotiation was put in");
}

/* The first message of A since then that it had not sent before, octet for octet. */
static size_t
news(struct world *w, ns_t since)
{
	size_t no, old;

	for (size_t i = 0; (no = ike_kit_nth(w, PORT_A_OUT, IKE_KIT_ANY, since, i)) != TRACE_NONE;
		i++) {
		size_t k = 0;

		while ((old = ike_kit_nth(w, PORT_A_OUT, IKE_KIT_ANY, 0, k)) < no &&
			!ike_kit_same(w, old, no))
			k++;
		if (old == no)
			return no;
	}
	return TRACE_NONE;
}

/* The same while the SAs of the recording are alive. */
static void
meanwhile(struct case_run *c)
{
	static struct replay_kit k;
	struct world w;
	size_t cnt, no;
	ns_t since;

	if (!ike_kit_tunnel(&w, c, NULL, NULL) || !esp_kit_flush(&w, 6000))
		return;
	replay_kit_isakmp(&k, &w, PORT_PEER, 0);
	since = ike_kit_mark(&w);
	replay_kit_put(&k, &w, PORT_PEER, k.cnt, 20 * NS_PER_MS);
	lab_run(w.lab, NS_PER_S);
	(void)peer_phase2s(w.peer, &cnt);
	no = news(&w, since);
	if (no != TRACE_NONE)
		case_decided_by(c, no, "it is no repetition of an answer");
	if (case_expect(c, no == TRACE_NONE,
		    "expected no answer but those that were given before, octet for octet") &&
		case_expect_u64(
		    c, 1, cnt, "SA pairs of the peer after its own negotiation was put in again") &&
		case_expect(c, peer_is_up(w.peer), "expected the peer's SAs to live on"))
		(void)ike_kit_expect_traffic(&w, "after the whole negotiation was put in again");
}

static const struct case_def cases[] = {
	{
		.id = "replay/2409-5/1",
		.requirement = "RFC 2408, 2.5.3; RFC 2409, 5",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "A recorded negotiation, put in later, gets no answer beyond the first: no "
			"public value, nothing encrypted, no SA; and the peer itself is then served.",
		.mutant = "ike-any-cookie",
		.run = later,
	},
	{
		.id = "replay/2409-5/2",
		.requirement = "RFC 2408, 5.1; RFC 2409, 5",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "A recorded negotiation, put in again while its SAs live, is met with the "
			"answers of then or with none, and changes nothing: traffic passes as "
			"before.",
		.mutant = "ike-redo-duplicates",
		.run = meanwhile,
	},
};
CASE_SUITE(cases)
