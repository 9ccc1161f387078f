/* SPDX-License-Identifier: BSD-2-Clause */
/* docs/spec/ssp.md 3: what a standby may not do: act on its copies, and preempt before it has them.
 */
#include "harness/keys/tlsopen.h"
#include "suites/ike/ike_kit.h"
#include "suites/ssp/ssp_kit.h"

static bool
is_active_hello(const struct frame *f, void *ctx)
{
	struct pkt p;

	(void)ctx;
	return pkt_parse(&p, f->bytes, f->len) && p.is_hsrp && p.data_len >= 20 &&
	       (p.data[1] == 1 || p.data[2] == PAIR_ACTIVE); /* a Coup, or as active */
}

/* The first frame in which B claims a group. */
static size_t
claim(struct world *w)
{
	const struct trace_want want = {
		.ports = 1u << PORT_B_OUT | 1u << PORT_B_IN, .fits = is_active_hello};

	return trace_next(lab_trace(w->lab), 0, &want);
}

/* ---- dormant ---- */

static bool
acts(const struct frame *f, void *ctx)
{
	struct pkt p;

	(void)ctx;
	return pkt_parse(&p, f->bytes, f->len) && (p.is_esp || p.is_isakmp);
}

static bool
is_esp(const struct frame *f, void *ctx)
{
	struct pkt p;

	(void)ctx;
	return pkt_parse(&p, f->bytes, f->len) && p.is_esp;
}

static bool
is_host_udp(const struct frame *f, void *ctx)
{
	struct pkt p;

	(void)ctx;
	return pkt_parse(&p, f->bytes, f->len) && p.is_udp;
}

/* Frames that were meant for the active, given to the standby: a first Main Mode message, ESP of
 * the peer, a packet of the host. Copied first: the trace grows meanwhile. */
static bool
tempt(struct world *w)
{
	const struct trace *t = lab_trace(w->lab);
	const struct trace_want esp = {.ports = 1u << PORT_PEER, .fits = is_esp};
	const struct trace_want udp = {.ports = 1u << PORT_HOST, .fits = is_host_udp};
	size_t no[3] = {ike_kit_find(w, PORT_PEER, IKE_KIT_MAIN, 0), trace_last(t, &esp),
		trace_last(t, &udp)};
	static const enum lab_port to[3] = {PORT_B_OUT, PORT_B_OUT, PORT_B_IN};

	for (size_t i = 0; i < 3; i++) {
		if (no[i] == TRACE_NONE) {
			case_inconclusive(w->c, "no frame to tempt the standby with (%zu)", i);
			return false;
		}
		lab_deliver(
			w->lab, to[i], trace_frame(t, no[i])->bytes, trace_frame(t, no[i])->len);
	}
	return true;
}

static void
dormant(struct case_run *c)
{
	const struct lab_text knobs = {.dpd = "msec 500 200 periodic"};
	const struct trace_want want = {.ports = 1u << PORT_B_OUT | 1u << PORT_B_IN, .fits = acts};
	struct world w;
	size_t no;

	if (!pair_carry(&w, c, &knobs, NULL))
		return;
	pair_streams_start(&w, 100, 100);
	lab_run(w.lab, 300 * NS_PER_MS);
	pair_streams_stop(&w);
	for (int i = 0; i < 3; i++) {
		if (!tempt(&w))
			return;
		lab_run(w.lab, 500 * NS_PER_MS);
	}
	no = trace_next(lab_trace(w.lab), 0, &want);
	if (claim(&w) != TRACE_NONE) {
		case_inconclusive(
			c, "B did not stay standby: it claimed a group in frame %zu", claim(&w));
		return;
	}
	if (no != TRACE_NONE)
		case_decided_by(c, no, "ESP or IKE from a standby");
	if (!case_expect(c, no == TRACE_NONE,
		    "expected neither ESP nor IKE from the standby; saw it in frame %zu", no) ||
		!case_expect_u64(c, 1,
			(uint64_t)pair_show_number(
				w.lab, LAB_B, "show crypto ipsec sa standby", "", 9),
			"dormant SA pairs at the standby"))
		return;
	if (case_expect(c, !lab_routed(w.lab, LAB_B, LAB_REMOTE_NET, 24),
		    "expected no route at the standby"))
		(void)case_expect(c, peer_is_up(w.peer), "expected the peer's SAs to stay");
}

/* ---- ready ---- */

/* A carries a tunnel; B, of higher priority, comes up and finds the sync segment cut. */
static bool
joined_in_vain(struct world *w, struct case_run *c)
{
	const struct lab_text knobs = {.priority = {100, 110}};

	world_open_cold(w, c, &knobs, NULL);
	w->c = c;
	case_start(c, LAB_A);
	if (!pair_reach_active(w, LAB_A, PAIR_UP_LIMIT) || !pair_tunnel(w))
		return false;
	ssp_kit_cut(w);
	case_start(c, LAB_B);
	return true;
}

static bool
is_hello(const struct frame *f, void *ctx)
{
	struct pkt p;

	(void)ctx;
	return pkt_parse(&p, f->bytes, f->len) && p.is_hsrp;
}

/* A claim is a preemption only if the active could be heard: on a busy machine A may have been
 * silent for a hold time, and then any standby takes over. */
static bool
by_silence(struct world *w, size_t no)
{
	const struct frame *f = trace_frame(lab_trace(w->lab), no);
	const struct trace_want want = {
		.ports = (uint16_t)(1u << (f->port == PORT_B_OUT ? PORT_A_OUT : PORT_A_IN)),
		.fits = is_hello,
		.before = f->at};
	size_t last = trace_last(lab_trace(w->lab), &want);
	ns_t gap = last == TRACE_NONE ? NS_NEVER : f->at - trace_frame(lab_trace(w->lab), last)->at;

	if (gap < PAIR_HOLD - PAIR_HELLO)
		return false;
	case_inconclusive(
		w->c, "the active was silent for %.0f ms before B took over", (double)gap / 1e6);
	return true;
}

static bool
no_claim_expect(struct world *w, const char *when)
{
	size_t no = claim(w);

	if (no != TRACE_NONE && by_silence(w, no))
		return false;
	if (no != TRACE_NONE)
		case_decided_by(w->c, no, "B preempts");
	return case_expect(w->c, no == TRACE_NONE,
		"expected B not to preempt %s; it did in frame %zu", when, no);
}

/* It does preempt in the end, with what it was given. */
static bool
takes_over_filled(struct world *w)
{
	const struct ssp_kit *k;
	size_t end;

	ssp_kit_mend(w);
	if (!pair_expect_active(w, LAB_B, 4 * NS_PER_S) || by_silence(w, claim(w)))
		return false;
	k = ssp_kit_read(w);
	end = ssp_kit_next(k, 0, LAB_A, SSP_KIT_BULK_END);
	lab_run(w->lab, 2 * PAIR_HELLO); /* the old active's Resign may come after the heir's first
					    frames */
	return case_expect(w->c, end != SSP_KIT_NONE && k->v[end].frame < claim(w),
		       "expected B to preempt after the end of its bulk sync") &&
	       ike_kit_expect_traffic(w, "once B has preempted") &&
	       case_expect_u64(
		       w->c, 1, peer_counters(w->peer)->phase1_up, "Phase 1 negotiations in all");
}

static void
no_channel(struct case_run *c)
{
	struct world w;

	if (!joined_in_vain(&w, c))
		return;
	lab_run(w.lab, 3 * NS_PER_S);
	if (!no_claim_expect(&w, "without a bulk sync") || !pair_reach_standby(&w, LAB_B, NS_PER_S))
		return;
	(void)takes_over_filled(&w);
}

/* The first record of A that is as large as a HELLO: B has it, and what follows is lost. */
static bool
is_hello_record(const struct frame *f, void *ctx)
{
	struct pkt p;

	(void)ctx;
	return f->port == PORT_A_SYNC && pkt_parse(&p, f->bytes, f->len) && p.is_tcp &&
	       ((p.data_len >= 80 && p.data[0] == 0x17) || /* TLS */
		       (p.data_len >= 2 && p.data[0] == 1 && p.data[1] == SSP_KIT_HELLO));
}

static void
half_a_bulk(struct case_run *c)
{
	const struct lab_fault cut = {
		.kind = FAULT_PARTITION, .segment = SEG_SYNC, .far = 1u << PORT_B_SYNC};
	struct world w;
	const struct ssp_kit *k;
	int handle;

	if (!joined_in_vain(&w, c) || !pair_reach_standby(&w, LAB_B, PAIR_UP_LIMIT))
		return;
	handle = lab_after(w.lab, is_hello_record, NULL, &cut);
	ssp_kit_mend(&w);
	for (int i = 0; i < 150 && lab_fired(w.lab, handle) == TRACE_NONE; i++)
		lab_run(w.lab, 20 * NS_PER_MS);
	lab_run(w.lab, 600 * NS_PER_MS);
	k = ssp_kit_read(&w);
	if (ssp_kit_next(k, 0, LAB_A, SSP_KIT_HELLO) == SSP_KIT_NONE ||
		ssp_kit_next(k, 0, LAB_A, SSP_KIT_BULK_END) != SSP_KIT_NONE) {
		case_inconclusive(
			c, "the channel could not be cut between HELLO and the bulk's end");
		return;
	}
	if (no_claim_expect(&w, "between HELLO and the end of its bulk sync"))
		(void)takes_over_filled(&w);
}

static const struct case_def cases[] = {
	{
		.id = "ssp/vpnha-ssp/7",
		.requirement = "SSP-07; docs/spec/ssp.md 3, dormant",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "A standby does not act on its copies: no ESP, no IKE, no DPD, no route, "
			"whatever reaches it.",
		.mutant = "standby-answers-ike",
		.run = dormant,
	},
	{
		.id = "ssp/ssp-3/4a",
		.requirement = "docs/spec/ssp.md 3, 4",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "A standby of higher priority does not preempt while it cannot be filled, "
			"and does once it is.",
		.mutant = "preempt-unready",
		.run = no_channel,
	},
	{
		.id = "ssp/ssp-3/4b",
		.requirement = "docs/spec/ssp.md 3, 4",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "A standby is ready at the end of its bulk sync, not when it is connected.",
		.mutant = "ssp-ready-at-once",
		.run = half_a_bulk,
	},
};
CASE_SUITE(cases)
