/* SPDX-License-Identifier: BSD-2-Clause */
/* docs/spec/ssp.md 3: what happens after the bulk is told as it happens. */
#include "suites/ssp/ssp_kit.h"

static bool
two_pairs(void *ctx)
{
	return peer_counters(ctx)->phase2_up >= 2;
}

static bool
no_ike(void *ctx)
{
	return !peer_phase1(ctx);
}

static bool
record_expect(struct world *w, const struct ssp_kit *k, size_t i, const char *what)
{
	return case_expect(w->c, i != SSP_KIT_NONE, "expected a record of %s; saw none", what) &&
	       case_expect(w->c, ssp_kit_ack_of(k, i) != SSP_KIT_NONE,
		       "expected the standby to acknowledge the record of %s", what);
}

/* Nothing of a negotiation that is not complete (SSP-10). */
static bool
after_the_bulk(struct world *w, const struct ssp_kit *k, size_t i, const char *what)
{
	size_t end = ssp_kit_next(k, 0, LAB_A, SSP_KIT_BULK_END);

	return case_expect(w->c, end != SSP_KIT_NONE && i > end,
		"expected the record of %s after the bulk, in which nothing of it existed", what);
}

static void
new_ike(struct case_run *c)
{
	struct world w;
	const struct ssp_kit *k;
	size_t i;

	if (!pair_carry(&w, c, NULL, NULL))
		return;
	lab_run(w.lab, 300 * NS_PER_MS);
	k = ssp_kit_read(&w);
	i = ssp_kit_next_ike(k, 0, SSP_KIT_IKE_SA, peer_phase1(w.peer));
	if (record_expect(&w, k, i, "the new IKE SA") && after_the_bulk(&w, k, i, "the new IKE SA"))
		(void)ssp_kit_expect(&w, k, i, "ssp.remote.address", LAB_OUT_PEER);
}

static void
new_pair(struct case_run *c)
{
	struct world w;
	const struct ssp_kit *k;
	const struct peer_phase2 *p;
	size_t cnt;

	if (!pair_carry(&w, c, NULL, NULL))
		return;
	peer_initiate(w.peer, lab_now(w.lab));
	if (!case_reach(c, "a second SA pair", 5 * NS_PER_S, two_pairs, w.peer))
		return;
	lab_run(w.lab, 300 * NS_PER_MS);
	k = ssp_kit_read(&w);
	p = peer_phase2s(w.peer, &cnt);
	for (size_t n = 0; n < cnt; n++) {
		size_t i = ssp_kit_next_of(k, 0, SSP_KIT_IPSEC_SA, &p[n]);

		if (!record_expect(&w, k, i, "a new SA pair") ||
			!after_the_bulk(&w, k, i, "a new SA pair") ||
			!ssp_kit_expect(&w, k, i, "ssp.window.highest", 0))
			return;
	}
	(void)case_expect_u64(c, 2, cnt, "SA pairs");
}

static void
deleted(struct case_run *c)
{
	struct peer_cfg cfg = world_peer_cfg();
	struct peer_phase1 ike;
	struct peer_phase2 pair;
	struct world w;
	const struct ssp_kit *k;

	cfg.passive = true;
	if (!pair_carry(&w, c, NULL, &cfg))
		return;
	ike = *peer_phase1(w.peer);
	pair = *peer_phase2(w.peer);
	peer_delete_child(w.peer, lab_now(w.lab), false);
	lab_run(w.lab, 300 * NS_PER_MS);
	k = ssp_kit_read(&w);
	if (!record_expect(&w, k, ssp_kit_next_of(k, 0, SSP_KIT_IPSEC_SA_DEL, &pair),
		    "the deleted SA pair") ||
		!case_expect(c, ssp_kit_next_ike(k, 0, SSP_KIT_IKE_SA_DEL, &ike) == SSP_KIT_NONE,
			"expected the IKE SA to stay") ||
		!case_expect_u64(c, 0,
			(uint64_t)pair_show_number(
				w.lab, LAB_B, "show crypto ipsec sa standby", "", 9),
			"dormant SA pairs at the standby"))
		return;
	peer_delete_ike(w.peer, lab_now(w.lab), false);
	if (!case_reach(c, "the peer's IKE SA gone", NS_PER_S, no_ike, w.peer))
		return;
	lab_run(w.lab, 300 * NS_PER_MS);
	k = ssp_kit_read(&w);
	if (record_expect(
		    &w, k, ssp_kit_next_ike(k, 0, SSP_KIT_IKE_SA_DEL, &ike), "the deleted IKE SA"))
		(void)case_expect_u64(c, 0,
			(uint64_t)pair_show_number(w.lab, LAB_B, "show crypto isakmp sa", "", 9),
			"dormant IKE SAs at the standby");
}

/* Inbound interval 10: after n packets the standby knows all but the last 9 of them. */
static void
replay(struct case_run *c)
{
	struct world w;
	const struct ssp_kit *k;
	const struct peer_phase2 *p;
	size_t n = 0;
	uint32_t last = 0, top;

	if (!pair_carry(&w, c, NULL, NULL))
		return;
	(void)peer_stream_start(w.peer, lab_now(w.lab), 2, LAB_IN_HOST, 200, 200, 205);
	lab_run(w.lab, 1500 * NS_PER_MS);
	k = ssp_kit_read(&w);
	p = peer_phase2(w.peer);
	if (p->seq_out < 205) {
		case_inconclusive(c, "only %u packets were sent", p->seq_out);
		return;
	}
	for (size_t i = ssp_kit_next_of(k, 0, SSP_KIT_REPLAY, p); i != SSP_KIT_NONE;
		i = ssp_kit_next_of(k, i + 1, SSP_KIT_REPLAY, p)) {
		top = (uint32_t)ssp_kit_num(k, i, "ssp.window.highest");
		if (!case_expect(c, top > last && top <= last + 19,
			    "expected a window update each 10 packets; saw %u after %u", top,
			    last) ||
			!ssp_kit_expect(&w, k, i, "ssp.window.size", 64))
			return;
		last = top;
		n++;
	}
	case_figure(c, "window updates for 205 packets", (double)n, "messages");
	if (case_expect(c, last + 10 > p->seq_out,
		    "expected the last window update to be at most 9 below %u, saw %u", p->seq_out,
		    last))
		(void)case_expect(
			c, n >= 15 && n <= 21, "expected about 20 window updates, saw %zu", n);
}

/* A limit of 2560 KB: reported in steps of at most 40 KB (a 64th of it). */
static void
volume(struct case_run *c)
{
	const struct lab_text knobs = {
		.add_map = {" set security-association lifetime kilobytes 2560"}};
	struct world w;
	const struct ssp_kit *k;
	const struct peer_phase2 *p;
	uint64_t last = 0, sum, step = 41 * 1024;
	size_t n = 0;

	if (!pair_carry(&w, c, &knobs, NULL))
		return;
	pair_streams_start(&w, 200, 1000);
	lab_run(w.lab, NS_PER_S);
	pair_streams_stop(&w);
	k = ssp_kit_read(&w);
	p = peer_phase2(w.peer);
	for (size_t i = ssp_kit_next_of(k, 0, SSP_KIT_VOLUME, p); i != SSP_KIT_NONE;
		i = ssp_kit_next_of(k, i + 1, SSP_KIT_VOLUME, p), n++) {
		sum = ssp_kit_num(k, i, "ssp.volume.in") + ssp_kit_num(k, i, "ssp.volume.out");
		if (!case_expect(c, sum > last && sum <= last + step + 2048,
			    "expected volume reports in steps of at most 40 KB; saw %llu octets "
			    "after %llu",
			    (unsigned long long)sum, (unsigned long long)last))
			return;
		last = sum;
	}
	sum = (p->packets_in + p->packets_out) *
	      1028; /* inner packets: 1000 octets and their headers */
	case_figure(c, "volume reports", (double)n, "messages");
	if (sum < 300000)
		case_inconclusive(c, "only %llu octets were carried", (unsigned long long)sum);
	else if (case_expect(c, n >= 5, "expected volume reports; saw %zu", n))
		(void)case_expect(c, last + step >= sum,
			"expected the last report within 40 KB of %llu octets, saw %llu",
			(unsigned long long)sum, (unsigned long long)last);
}

/* Numbers of both directions: what the peer asked, what the active asked. */
static void
dpd(struct case_run *c)
{
	const struct lab_text knobs = {.dpd = "msec 500 200 periodic"};
	struct world w;
	const struct ssp_kit *k;
	const struct peer_phase1 *p;
	struct peer_event asked = {0};
	uint32_t ours, sent = 0, got = 0;

	if (!pair_carry(&w, c, &knobs, NULL))
		return;
	lab_run(w.lab, 1300 * NS_PER_MS);
	peer_dpd_probe(w.peer, lab_now(w.lab));
	ours = peer_dpd_next(w.peer) - 1;
	lab_run(w.lab, 300 * NS_PER_MS);
	k = ssp_kit_read(&w);
	p = peer_phase1(w.peer);
	if (!p || !peer_event_cnt(w.peer, PEER_EV_DPD_ASKED, 0, &asked) ||
		!peer_event_cnt(w.peer, PEER_EV_DPD_ACKED, 0, NULL)) {
		case_inconclusive(c, "no DPD exchange in both directions");
		return;
	}
	for (size_t i = ssp_kit_next_ike(k, 0, SSP_KIT_DPD, p); i != SSP_KIT_NONE;
		i = ssp_kit_next_ike(k, i + 1, SSP_KIT_DPD, p)) {
		sent = (uint32_t)ssp_kit_num(k, i, "ssp.dpd.sent");
		got = (uint32_t)ssp_kit_num(k, i, "ssp.dpd.received");
	}
	if (case_expect_u64(c, asked.value, sent,
		    "number of the last R-U-THERE sent, as the standby knows it"))
		(void)case_expect_u64(c, ours, got,
			"number of the last R-U-THERE received, as the standby knows it");
}

static const struct case_def cases[] = {
	{
		.id = "ssp/vpnha-ssp/9a",
		.requirement = "SSP-09, SSP-10",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "A new IKE SA is told to the standby, which acknowledges it.",
		.mutant = "ssp-no-ike",
		.run = new_ike,
	},
	{
		.id = "ssp/vpnha-ssp/9b",
		.requirement = "SSP-09, SSP-10",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "Each new SA pair is told to the standby, which acknowledges it.",
		.mutant = "ssp-no-children",
		.run = new_pair,
	},
	{
		.id = "ssp/vpnha-ssp/9c",
		.requirement = "SSP-09, ESP-06",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "The replay window is told each inbound interval of packets.",
		.mutant = "ssp-no-replay-update",
		.run = replay,
	},
	{
		.id = "ssp/vpnha-ssp/9d",
		.requirement = "SSP-09, ESP-09",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "The kilobytes used are told step by step.",
		.mutant = "ssp-no-volume",
		.run = volume,
	},
	{
		.id = "ssp/vpnha-ssp/9e",
		.requirement = "SSP-09; SSP-02",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "DPD numbers of both directions are told to the standby.",
		.mutant = "dpd-not-mirrored",
		.run = dpd,
	},
	{
		.id = "ssp/vpnha-ssp/11",
		.requirement = "SSP-11",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "An SA that is deleted at the active is deleted at the standby.",
		.mutant = "ssp-no-delete",
		.run = deleted,
	},
};
CASE_SUITE(cases)
