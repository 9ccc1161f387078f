/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * docs/spec/ssp.md 5: what lets the peer use an SA, or expect a number, leaves only when the
 * standby has acknowledged the record. The sync segment is cut for a moment, so that a message that
 * does not wait is seen to overtake.
 */
#include "harness/run/pair_farm.h"
#include "suites/ike/ike_kit.h"
#include "suites/ssp/ssp_kit.h"

#define CUT                                                                                        \
	(100 * NS_PER_MS) /* shorter than TCP's first retransmission; with it less than the wait's \
			     bound */

struct message {
	enum lab_port port;
	unsigned exchange;
	bool encrypted;
};

static bool
is_message(const struct frame *f, void *ctx)
{
	const struct message *m = ctx;
	struct pkt p;

	return f->port == m->port && pkt_parse(&p, f->bytes, f->len) && p.is_isakmp &&
	       p.isakmp_len >= 28 && p.isakmp[18] == m->exchange &&
	       (!m->encrypted || (p.isakmp[19] & 1));
}

static size_t
first(struct world *w, struct message *m)
{
	const struct trace_want want = {.fits = is_message, .ctx = m};

	return trace_next(lab_trace(w->lab), 0, &want);
}

/* The record, and its acknowledgement, before the frame with the message. */
static bool
record_first(
	struct world *w, const struct ssp_kit *k, size_t record, size_t frame, const char *what)
{
	ns_t from = record == SSP_KIT_NONE ? 0 : k->v[record].at;
	size_t ack = ssp_kit_ack_of(k, record);

	if (!case_expect(w->c, record != SSP_KIT_NONE && k->v[record].frame < frame,
		    "expected the record of what %s lets the peer use before it (frame %zu); saw "
		    "none",
		    what, frame))
		return false;
	if (ssp_kit_ended(w, SSP_KIT_BOTH, from, trace_frame(lab_trace(w->lab), frame)->at) !=
		TRACE_NONE) {
		case_inconclusive(w->c, "the channel was lost before %s left", what);
		return false;
	}
	if (ack != SSP_KIT_NONE && k->v[ack].frame < frame)
		return case_expect(w->c, true, "%s", what);
	case_decided_by(w->c, frame, "%s, whose record the standby had not acknowledged", what);
	return case_expect(w->c, false,
		"expected %s to leave after the standby's acknowledgement of its record; it left "
		"before",
		what);
}

/* The tunnel comes up while the sync segment is cut after that message of the peer. */
static bool
up_through_cut(struct world *w, struct case_run *c, struct message *after)
{
	if (!pair_up(w, c, NULL, NULL) || !pair_ready(w, LAB_B))
		return false;
	peer_initiate(w->peer, lab_now(w->lab));
	return ssp_kit_cut_after(w, is_message, after, 5 * NS_PER_S, CUT);
}

static bool
tunnel_up(void *ctx)
{
	return peer_is_up(ctx);
}

static void
mm6(struct case_run *c)
{
	struct message mm5 = {PORT_PEER, IKE_KIT_MAIN, true},
		       answer = {PORT_A_OUT, IKE_KIT_MAIN, true};
	struct world w;
	const struct ssp_kit *k;

	if (!up_through_cut(&w, c, &mm5) ||
		!case_await(c, "the tunnel", 3 * NS_PER_S, tunnel_up, w.peer))
		return;
	k = ssp_kit_read(&w);
	(void)record_first(&w, k, ssp_kit_next_ike(k, 0, SSP_KIT_IKE_SA, peer_phase1(w.peer)),
		first(&w, &answer), "Main Mode message 6");
}

static void
qm2(struct case_run *c)
{
	struct message qm1 = {PORT_PEER, IKE_KIT_QUICK, true},
		       answer = {PORT_A_OUT, IKE_KIT_QUICK, true};
	struct world w;
	const struct ssp_kit *k;
	size_t i;

	if (!up_through_cut(&w, c, &qm1) ||
		!case_await(c, "the tunnel", 3 * NS_PER_S, tunnel_up, w.peer))
		return;
	k = ssp_kit_read(&w);
	i = ssp_kit_next_of(k, 0, SSP_KIT_IPSEC_SA, peer_phase2(w.peer));
	if (record_first(&w, k, i, first(&w, &answer), "Quick Mode message 2"))
		(void)ssp_kit_expect(&w, k, i, "ssp.reserve.kind", 1);
}

/* The frame in which the R-U-THERE left that the peer has noted: stamps of frames and of events
 * differ a little, and two of them are 200 ms apart at least. */
static size_t
frame_of(struct world *w, const struct peer_event *e)
{
	struct message info = {PORT_A_OUT, IKE_KIT_INFO, true};
	const struct trace_want want = {
		.fits = is_message, .ctx = &info, .before = e->at + 50 * NS_PER_MS};

	return trace_last(lab_trace(w->lab), &want);
}

static size_t
dpd_record(const struct ssp_kit *k, const struct peer_phase1 *p, uint32_t number)
{
	size_t i = 0;

	while ((i = ssp_kit_next_ike(k, i, SSP_KIT_DPD, p)) != SSP_KIT_NONE) {
		if (ssp_kit_num(k, i, "ssp.dpd.sent") == number &&
			(ssp_kit_num(k, i, "ssp.dpd.flags") & 2))
			return i;
		i++;
	}
	return SSP_KIT_NONE;
}

/* Silence of 500 ms, then a probe: the segment is cut around that moment. */
static void
probe(struct case_run *c)
{
	const struct lab_text knobs = {.dpd = "msec 500 200 periodic"};
	struct world w;
	const struct ssp_kit *k;
	const struct peer_event *e;
	uint32_t last = 0;
	size_t cnt, frame;

	if (!pair_carry(&w, c, &knobs, NULL))
		return;
	lab_run(w.lab, 400 * NS_PER_MS);
	ssp_kit_cut(&w);
	lab_run(w.lab, 2 * CUT);
	ssp_kit_mend(&w);
	lab_run(w.lab, 2 * NS_PER_S);
	k = ssp_kit_read(&w);
	e = peer_events(w.peer, &cnt);
	for (size_t n = 0; n < cnt; n++) {
		if (e[n].kind != PEER_EV_DPD_ASKED || e[n].value == last)
			continue;
		last = e[n].value;
		frame = frame_of(&w, &e[n]);
		if (frame == TRACE_NONE || !peer_phase1(w.peer)) {
			case_inconclusive(c,
				"the frame of R-U-THERE %u was not found, or its SA is gone", last);
			return;
		}
		if (!record_first(
			    &w, k, dpd_record(k, peer_phase1(w.peer), last), frame, "R-U-THERE"))
			return;
	}
	if (!last)
		case_inconclusive(c, "no R-U-THERE was sent");
}

/* ---- many at once ---- */

#define MANY 320
#define AT_ONCE 16		 /* that come up together at first */
#define PARTED (200 * NS_PER_MS) /* less than the wait's bound */

static bool
many_up(void *ctx)
{
	return farm_up(ctx) == MANY;
}

static size_t
quick_cnt(struct world *w, enum lab_port port, ns_t from, ns_t to)
{
	struct message m = {port, IKE_KIT_QUICK, true};
	const struct trace_want want = {
		.fits = is_message, .ctx = &m, .after = from, .before = to};

	return trace_count(lab_trace(w->lab), &want);
}

static void
all_rekey(struct world *w, struct farm *f)
{
	for (size_t n = 0; n < MANY; n++) {
		peer_rekey_child(farm_peer(f, n), lab_now(w->lab));
		farm_touch(f, n);
	}
}

struct answers {
	struct world *w;
	ns_t from;
};

static bool
many_answered(void *ctx)
{
	const struct answers *a = ctx;

	return quick_cnt(a->w, PORT_A_OUT, a->from, NS_NEVER) >= MANY;
}

/* All peers rekey while the sync segment is cut: each gets message 2, and not before it is mended. */
static void
many(struct case_run *c)
{
	struct world w;
	struct answers after;
	struct farm *f;
	ns_t cut, mended;
	size_t asked;

	if (!pair_up(&w, c, &pair_farm_knobs, NULL) || !pair_ready(&w, LAB_B))
		return;
	f = pair_farm(&w, MANY);
	farm_bring_up(f, lab_now(w.lab), AT_ONCE);
	if (!case_reach(c, "320 tunnels", 20 * NS_PER_S, many_up, f))
		return;
	lab_run(w.lab, 300 * NS_PER_MS); /* the last messages 3, and what the standby says to it */
	ssp_kit_cut(&w);
	cut = lab_now(w.lab);
	all_rekey(&w, f);
	lab_run(w.lab, PARTED);
	mended = lab_now(w.lab);
	after = (struct answers){&w, mended};
	ssp_kit_mend(&w);
	asked = quick_cnt(&w, PORT_PEER, cut, mended);
	if (asked < MANY) {
		case_inconclusive(c, "only %zu peers asked while the segment was cut", asked);
		return;
	}
	case_figure(c, "messages held at once", (double)asked, "");
	if (case_expect_u64(c, 0, quick_cnt(&w, PORT_A_OUT, cut, mended),
		    "Quick Mode messages 2 that left while no standby could record"))
		(void)case_await(c, "message 2 to each, once the segment is mended", 5 * NS_PER_S,
			many_answered, &after);
}

static const struct case_def cases[] = {
	{
		.id = "ssp/ssp-5/1",
		.requirement = "docs/spec/ssp.md 5; SSP-10",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "As a responder the active sends Main Mode message 6 only when the standby "
			"has acknowledged "
			"the IKE SA.",
		.mutant = "ssp-no-write-ahead",
		.run = mm6,
	},
	{
		.id = "ssp/ssp-5/2",
		.requirement = "docs/spec/ssp.md 5",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "As a responder the active sends Quick Mode message 2 only when the "
			"standby has acknowledged "
			"the SA pair with its first reservation.",
		.mutant = "ssp-no-write-ahead",
		.run = qm2,
	},
	{
		.id = "ssp/ssp-5/3",
		.requirement = "docs/spec/ssp.md 5; DPD numbers",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "A DPD number leaves only when the standby has acknowledged it as in "
			"flight.",
		.mutant = "ssp-no-write-ahead",
		.run = probe,
	},
	{
		.id = "ssp/ssp-5/4",
		.requirement = "docs/spec/ssp.md 5",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "However many exchanges wait at once, no message leaves before the standby "
			"has acknowledged what it lets the peer use.",
		.mutant = "ssp-few-held",
		.run = many,
	},
};
CASE_SUITE(cases)
