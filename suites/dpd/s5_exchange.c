/* SPDX-License-Identifier: BSD-2-Clause */
/* RFC 3706 5: who asks, when, and what an answer or its absence means. */
#include <string.h>

#include "suites/dpd/dpd_kit.h"

static void
answers(struct case_run *c)
{
	struct world w;
	uint32_t asked;

	if (!ike_kit_tunnel(&w, c, NULL, NULL))
		return;
	for (int i = 0; i < 3; i++) {
		if (!case_expect(c, dpd_kit_ask(&w, 0, NS_PER_S),
			    "expected an answer to R-U-THERE within 1 s"))
			return;
		asked = peer_dpd_next(w.peer) - 1;
		if (!case_expect_u64(
			    c, 1, dpd_kit_acked(&w, asked, 0), "ACKs that carry the number asked"))
			return;
	}
	(void)case_expect_u64(
		c, 0, peer_counters(w.peer)->dpd_bad, "ACKs that the peer could not accept");
}

static void
must_respond(struct case_run *c)
{
	struct world w;

	/* No keepalive is configured: a router that does not ask still has to answer. */
	if (!ike_kit_tunnel(&w, c, NULL, NULL))
		return;
	if (case_expect(
		    c, dpd_kit_ask(&w, 0, NS_PER_S), "expected an answer to R-U-THERE within 1 s"))
		(void)case_expect(c, peer_is_up(w.peer), "expected the SAs to stay");
}

/* In clear, under the right cookies and with the next number: as a forger could. */
static void
in_clear(struct case_run *c)
{
	const struct peer_phase1 *s;
	struct world w;
	uint8_t cookies[16], number[4] = {0, 0, 1, 0};
	ns_t since;

	if (!ike_kit_tunnel(&w, c, NULL, NULL))
		return;
	s = peer_phase1(w.peer);
	memcpy(cookies, s->icookie, 8);
	memcpy(cookies + 8, s->rcookie, 8);
	since = ike_kit_mark(&w);
	ike_kit_clear_info(&w, "isakmp.notify",
		(const struct field_set[]){SET("isakmp.notify.type", 36136),
			SET_BYTES("isakmp.notify.spi", cookies, 16),
			SET_BYTES("isakmp.notify.data", number, 4)},
		3);
	lab_run(w.lab, 300 * NS_PER_MS);
	if (case_expect_u64(c, 0, ike_kit_count(&w, PORT_A_OUT, IKE_KIT_ANY, since),
		    "messages in answer to an R-U-THERE in clear"))
		(void)case_expect(c, dpd_kit_ask(&w, 0, NS_PER_S),
			"expected an answer to an R-U-THERE that is protected, afterwards");
}

/* Periodic: silence of 500 ms, then a probe; the peer's answer ends it. */
static void
periodic(struct case_run *c)
{
	const struct lab_text knobs = {.dpd = DPD_KIT_PERIODIC};
	struct world w;
	uint32_t v[16];
	size_t n;
	ns_t since;

	if (!ike_kit_tunnel(&w, c, &knobs, NULL))
		return;
	since = ike_kit_mark(&w);
	lab_run(w.lab, 4 * NS_PER_S);
	n = dpd_kit_asked(&w, since, v, 16);
	case_figure(c, "probes in 4 s", (double)n, "messages");
	if (!case_expect_paced(
		    c, n, 5, 9, 500 * NS_PER_MS, "probes in 4 s, one each 500 ms of silence"))
		return;
	for (size_t i = 1; i < n; i++)
		if (!case_expect_u64(c, v[i - 1] + 1, v[i], "number of the next R-U-THERE"))
			return;
}

static bool
from_peer(const struct frame *f, void *ctx)
{
	struct pkt p;

	(void)ctx;
	return pkt_parse(&p, f->bytes, f->len) && p.is_esp;
}

/* The longest time between two ESP packets of the peer since then. */
static ns_t
longest_gap(struct world *w, ns_t since)
{
	struct trace_want t = {.ports = 1u << PORT_PEER, .after = since, .fits = from_peer};
	const struct trace *tr = lab_trace(w->lab);
	ns_t last = since, gap = 0;

	for (size_t no = trace_next(tr, 0, &t); no != TRACE_NONE; no = trace_next(tr, no + 1, &t)) {
		gap = trace_frame(tr, no)->at - last > gap ? trace_frame(tr, no)->at - last : gap;
		last = trace_frame(tr, no)->at;
	}
	return lab_now(w->lab) - last > gap ? lab_now(w->lab) - last : gap;
}

/* 5.4 and 5.5: traffic of the peer proves that it lives. */
static void
traffic_proves(struct case_run *c)
{
	const struct lab_text knobs = {.dpd = DPD_KIT_PERIODIC};
	struct world w;
	uint32_t v[1];
	ns_t since;

	if (!ike_kit_tunnel(&w, c, &knobs, NULL))
		return;
	since = ike_kit_mark(&w);
	pair_streams_start(&w, 20, 100);
	lab_run(w.lab, 3 * NS_PER_S);
	if (longest_gap(&w, since) > DPD_KIT_EVERY / 2) {
		case_inconclusive(c, "the peer's packets came %lld ms apart",
			(long long)(longest_gap(&w, since) / NS_PER_MS));
		return;
	}
	(void)case_expect_u64(c, 0, dpd_kit_asked(&w, since, v, 1),
		"probes while the peer sent a packet each 50 ms");
}

static bool
silent_now(void *ctx)
{
	struct world *w = ctx;

	return !ike_kit_count(w, PORT_A_OUT, IKE_KIT_ANY, lab_now(w->lab) - 2 * DPD_KIT_EVERY);
}

/* The peer is dead: repetitions, then its SAs go, and what was protected stays inside. */
static void
dead_peer(struct case_run *c)
{
	const struct lab_text knobs = {.dpd = DPD_KIT_PERIODIC};
	struct world w;
	ns_t since;

	if (!ike_kit_tunnel(&w, c, &knobs, NULL) || !ike_kit_carries_out(&w, NS_PER_S))
		return;
	peer_cfg(w.peer)->dead_to_ike = true;
	since = ike_kit_mark(&w);
	lab_run(w.lab, 4 * NS_PER_S);
	case_figure(c, "messages to the dead peer",
		(double)ike_kit_count(&w, PORT_A_OUT, IKE_KIT_INFO, since), "messages");
	if (!case_expect(c, ike_kit_count(&w, PORT_A_OUT, IKE_KIT_INFO, since) >= 2,
		    "expected that a probe is repeated before the peer is declared dead") ||
		!case_expect(c, silent_now(&w), "expected no more probes once the peer is dead"))
		return;
	since = ike_kit_mark(&w);
	host_send_udp(w.host, lab_now(w.lab), LAB_REMOTE_HOST, 9, 9, "gone?", 5);
	lab_run(w.lab, 300 * NS_PER_MS);
	(void)case_expect_u64(c, 0, pair_esp_cnt(w.lab, LAB_A, 0, since, NS_NEVER),
		"ESP packets to a peer that is dead");
}

/* An answer with another number proves nothing: it may be an old one, played again. */
static void
wrong_ack(struct case_run *c)
{
	const struct lab_text knobs = {.dpd = DPD_KIT_PERIODIC};
	struct world w;
	uint32_t v[32];
	size_t n;
	ns_t since;

	if (!ike_kit_tunnel(&w, c, &knobs, NULL))
		return;
	peer_wrong(w.peer)->dpd_wrong_number = true;
	since = ike_kit_mark(&w);
	lab_run(w.lab, 4 * NS_PER_S);
	n = dpd_kit_asked(&w, since, v, 32);
	if (!case_expect(c, n >= 2, "expected that R-U-THERE is repeated; saw it %zu times", n))
		return;
	for (size_t i = 1; i < n && i < 32; i++)
		if (!case_expect_u64(c, v[0], v[i],
			    "number of an R-U-THERE after an ACK with a wrong number"))
			return;
	(void)case_expect(c, silent_now(&w), "expected the peer to be declared dead");
}

static const struct case_def cases[] = {
	{
		.id = "dpd/3706-5.3/1",
		.requirement = "RFC 3706, 5.3",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "An R-U-THERE-ACK carries the sequence number of the R-U-THERE that it "
			"answers.",
		.mutant = "dpd-ack-plus-one",
		.run = answers,
	},
	{
		.id = "dpd/3706-5.2/1",
		.requirement = "RFC 3706, 5.2",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "An entity that has sent the vendor id responds to R-U-THERE, whether it "
			"asks or not.",
		.mutant = "dpd-silent",
		.run = must_respond,
	},
	{
		.id = "dpd/3706-5.2/2",
		.requirement = "RFC 3706, 5.2",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "An unencrypted R-U-THERE is rejected.",
		.mutant = "ike-clear-delete-acts",
		.run = in_clear,
	},
	{
		.id = "dpd/3706-6.2/1",
		.requirement = "RFC 3706, 5.4 and 6.2",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "When configured so, an idle peer is asked again and again, with numbers "
			"that grow by one.",
		.mutant = "dpd-step-two",
		.run = periodic,
	},
	{
		.id = "dpd/3706-5.4/1",
		.requirement = "RFC 3706, 5.4",
		.level = CASE_SHOULD,
		.class_ = CASE_VALID,
		.says = "While IPsec traffic comes from the peer, its liveliness needs no other "
			"proof.",
		.mutant = "dpd-probe-despite-traffic",
		.run = traffic_proves,
	},
	{
		.id = "dpd/3706-5.4/2",
		.requirement = "RFC 3706, 5.4 and 5.5",
		.level = CASE_SHOULD,
		.class_ = CASE_INOPPORTUNE,
		.says = "After some repetitions without an answer the SAs to the peer are deleted.",
		.mutant = "dpd-never-dead",
		.run = dead_peer,
	},
	{
		.id = "dpd/3706-6.1/1",
		.requirement = "RFC 3706, 6.1",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "An ACK whose number is not the one asked does not count.",
		.mutant = "dpd-any-ack",
		.run = wrong_ack,
	},
};
CASE_SUITE(cases)
