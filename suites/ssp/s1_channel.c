/* SPDX-License-Identifier: BSD-2-Clause */
/* docs/spec/ssp.md 1, 3 and 7: the channel is secret, belongs to who has the key, and its silence
 * is noticed. */
#include <stdlib.h>
#include <string.h>

#include "suites/ssp/ssp_kit.h"

/* The lab's key with another second half. */
#define OTHER_KEY " key 6261746f6e2d6c61622d73796e632d6b000102030405060708090a0b0c0d0e0f"

/* ---- silence ---- */

static ns_t
last_heard(const struct ssp_kit *k, enum lab_member from, ns_t before)
{
	ns_t at = 0;

	for (size_t i = 0; i < k->cnt; i++)
		if (k->v[i].from == from && k->v[i].at < before)
			at = k->v[i].at;
	return at;
}

/* After four keepalives without a message, and not before, the member ends the connection. */
static bool
gives_up(struct world *w, const struct ssp_kit *k, enum lab_member m, ns_t cut, ns_t to)
{
	ns_t heard = last_heard(k, m == LAB_A ? LAB_B : LAB_A, to);
	size_t no = ssp_kit_ended(w, m, cut, to);
	const char *who = lab_member_name(m);

	if (!case_expect(w->c, no != TRACE_NONE,
		    "expected %s to end a connection that has been silent for %.1f s", who,
		    (double)(to - heard) / 1e9))
		return false;
	heard = trace_frame(lab_trace(w->lab), no)->at - heard;
	case_figure(w->c, m == LAB_A ? "silence until A gave up" : "silence until B gave up",
		(double)heard / 1e6, "ms");
	return case_expect(w->c, heard >= 4 * SSP_KIT_KEEPALIVE - 20 * NS_PER_MS,
		       "expected %s to wait for four keepalives; it gave up after %.0f ms", who,
		       (double)heard / 1e6) &&
	       case_expect_within(w->c, heard, 4 * SSP_KIT_KEEPALIVE + PAIR_MARGIN,
		       "silence until the channel is lost");
}

struct since {
	struct world *w;
	ns_t at;
};

/* A bulk that began after that moment is acknowledged to its end. */
static bool
bulk_again(void *ctx)
{
	const struct since *s = ctx;
	const struct ssp_kit *k = ssp_kit_read(s->w);

	return ssp_kit_ack_of(k, ssp_kit_after(k, s->at, LAB_A, SSP_KIT_BULK_END)) != SSP_KIT_NONE;
}

/* It comes, and names the pair that exists. */
static bool
filled_again(struct since *s)
{
	const struct ssp_kit *k;
	size_t begin;

	if (!case_await(s->w->c, "another bulk sync, acknowledged to its end", 3 * NS_PER_S,
		    bulk_again, s))
		return false;
	k = ssp_kit_read(s->w);
	begin = ssp_kit_after(k, s->at, LAB_A, SSP_KIT_BULK_BEGIN);
	return case_expect(s->w->c,
		begin != SSP_KIT_NONE && ssp_kit_next_of(k, begin, SSP_KIT_IPSEC_SA,
						 peer_phase2(s->w->peer)) != SSP_KIT_NONE,
		"expected the SA pair in the bulk sync after the channel's return");
}

static void
silence(struct case_run *c)
{
	struct world w;
	struct stream_result out, in;
	struct since healed = {.w = &w};
	ns_t cut;

	if (!pair_carry(&w, c, NULL, NULL))
		return;
	pair_streams_start(&w, 200, 100);
	lab_run(w.lab, 500 * NS_PER_MS);
	cut = lab_now(w.lab);
	ssp_kit_cut(&w);
	lab_run(w.lab, 1500 * NS_PER_MS);
	if (!gives_up(&w, ssp_kit_read(&w), LAB_A, cut, lab_now(w.lab)) ||
		!gives_up(&w, ssp_kit_read(&w), LAB_B, cut, lab_now(w.lab)))
		return;
	healed.at = lab_now(w.lab);
	ssp_kit_mend(&w);
	if (!filled_again(&healed))
		return;
	pair_streams_stop(&w);
	stream_judge(host_stream_tx(w.host, 1), peer_stream_rx(w.peer, 1), 0, NS_NEVER, &out);
	stream_judge(peer_stream_tx(w.peer, 2), host_stream_rx(w.host, 2), 0, NS_NEVER, &in);
	if (case_expect_timely(c, !out.lost && !in.lost,
		    "expected no packet lost while the channel was; saw %u and %u", out.lost,
		    in.lost) &&
		case_expect_timely(c,
			pair_in(w.lab, LAB_A, PAIR_ACTIVE) && pair_in(w.lab, LAB_B, PAIR_STANDBY),
			"expected the roles to stay"))
		(void)case_expect_u64(
			c, 1, peer_counters(w.peer)->phase1_up, "Phase 1 negotiations in all");
}

/* The cable itself: both ends lose their carrier; once it is back, the standby is filled and ready
 * again. */
static void
cable(struct case_run *c)
{
	struct world w;
	struct stream_result out;
	struct since healed = {.w = &w};

	if (!pair_carry(&w, c, NULL, NULL))
		return;
	pair_streams_start(&w, 200, 100);
	lab_run(w.lab, 300 * NS_PER_MS);
	lab_cable(w.lab, PORT_B_SYNC, false);
	if (!case_expect(c,
		    pair_show_until(w.lab, LAB_A, "show ssp redundancy", "standby_ready", "false",
			    2 * NS_PER_S),
		    "expected A to notice within 2 s that its standby is not there"))
		return;
	healed.at = lab_now(w.lab);
	lab_cable(w.lab, PORT_B_SYNC, true);
	if (!filled_again(&healed) || !case_expect(c,
					      pair_show_until(w.lab, LAB_B, "show ssp redundancy",
						      "ready", "true", NS_PER_S),
					      "expected B to say that it is ready again"))
		return;
	pair_streams_stop(&w);
	stream_judge(host_stream_tx(w.host, 1), peer_stream_rx(w.peer, 1), 0, NS_NEVER, &out);
	(void)case_expect_timely(c, !out.lost,
		"expected no packet lost while the sync cable was out; saw %u", out.lost);
}

/* ---- secrecy ---- */

static size_t
frame_with(struct world *w, const struct secret *s)
{
	const struct trace *t = lab_trace(w->lab);

	for (size_t i = 0; s->len >= 8 && i < trace_len(t); i++) {
		const struct frame *f = trace_frame(t, i);

		if (memmem(f->bytes, f->len, s->b, s->len))
			return i;
	}
	return TRACE_NONE;
}

static bool
secret_expect(struct world *w, const struct secret *s, const char *what)
{
	size_t no = frame_with(w, s);

	if (no != TRACE_NONE)
		case_decided_by(w->c, no, "%s in clear", what);
	return case_expect(w->c, no == TRACE_NONE,
		"expected no key on any wire; saw %s in clear in frame %zu", what, no);
}

/* Every key that the peer knows of has crossed (it is in the records), and none can be read. */
static bool
nothing_in_clear(struct world *w)
{
	const struct keyring *r = case_ring(w->c);
	const struct ssp_kit *k = ssp_kit_read(w);

	if (ssp_kit_next_of(k, 0, SSP_KIT_IPSEC_SA, peer_phase2(w->peer)) == SSP_KIT_NONE ||
		!r->esp_cnt || !r->ike_cnt) {
		case_inconclusive(w->c, "no keys have crossed the sync segment");
		return false;
	}
	for (size_t i = 0; i < r->ike_cnt; i++)
		if (!secret_expect(w, &r->ike[i].d, "SKEYID_d") ||
			!secret_expect(w, &r->ike[i].a, "SKEYID_a") ||
			!secret_expect(w, &r->ike[i].e, "SKEYID_e") ||
			!secret_expect(w, &r->ike[i].key, "a cipher key of phase 1"))
			return false;
	for (size_t i = 0; i < r->esp_cnt; i++)
		if (!secret_expect(w, &r->esp[i].enc, "an ESP cipher key") ||
			!secret_expect(w, &r->esp[i].auth, "an ESP integrity key"))
			return false;
	return true;
}

/* B comes back with a key that differs in its second half. */
static void
other_key(struct world *w)
{
	const struct lab_text knobs = {.swap = {{"key", OTHER_KEY}}};
	char *text = lab_text(&knobs, LAB_B);

	lab_power_off(w->lab, LAB_B);
	lab_set_text(w->lab, LAB_B, text);
	free(text);
	case_start(w->c, LAB_B);
}

static void
secrecy(struct case_run *c)
{
	struct world w;
	struct stream_result out;
	const struct ssp_kit *k;
	size_t cnt;
	unsigned conns;

	if (!pair_carry(&w, c, NULL, NULL) || !nothing_in_clear(&w))
		return;
	lab_run(w.lab, 200 * NS_PER_MS);
	k = ssp_kit_read(&w);
	cnt = k->cnt;
	conns = k->conns;
	pair_streams_start(&w, 100, 100);
	lab_run(w.lab, 300 * NS_PER_MS);
	other_key(&w);
	if (!pair_reach_standby(&w, LAB_B, PAIR_UP_LIMIT))
		return;
	lab_run(w.lab, NS_PER_S);
	pair_streams_stop(&w);
	k = ssp_kit_read(&w);
	stream_judge(host_stream_tx(w.host, 1), peer_stream_rx(w.peer, 1), 0, NS_NEVER, &out);
	if (k->conns == conns) {
		case_inconclusive(c, "nobody tried to connect");
		return;
	}
	for (size_t i = cnt; i < k->cnt; i++)
		if (!case_expect(c, k->v[i].conn < conns,
			    "expected no message to a member with another key; saw type %u from %s",
			    k->v[i].type, lab_member_name(k->v[i].from)))
			return;
	if (case_expect_u64(c, 0, k->locked, "records that no key of the members opens") &&
		case_expect_u64(c, 0,
			(uint64_t)pair_show_number(
				w.lab, LAB_B, "show crypto ipsec sa standby", "", 9),
			"dormant SA pairs at the member with another key"))
		(void)case_expect_timely(c, !out.lost,
			"expected no packet of the active lost meanwhile; saw %u", out.lost);
}

static const struct case_def cases[] = {
	{
		.id = "ssp/vpnha-ssp/12a",
		.requirement = "SSP-12; docs/spec/ssp.md 3, 6",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "A channel that is silent for four keepalives counts as lost, at both "
			"ends; traffic goes on, and "
			"a bulk sync follows when it heals.",
		.mutant = "ssp-deaf-to-silence",
		.run = silence,
	},
	{
		.id = "ssp/vpnha-ssp/12b",
		.requirement = "SSP-12, SSP-08",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "When the sync cable is pulled, traffic goes on; plugged in again, the "
			"standby is filled and "
			"ready again.",
		.mutant = "ssp-no-bulk",
		.run = cable,
	},
	{
		.id = "ssp/vpnha-ssp/14",
		.requirement = "SSP-14; docs/spec/ssp.md 1 and 7",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.needs = CASE_TLS,
		.says = "No key crosses in clear, and a member with another key is told nothing; "
			"the active's traffic "
			"goes on.",
		.mutant = "ssp-half-a-key",
		.run = secrecy,
	},
};
CASE_SUITE(cases)
