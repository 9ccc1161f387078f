/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What else is negotiated, or kept for an SA, survives a failover and the rekey after it: who
 * began, the lifetimes in seconds and in kilobytes, DPD in both directions. (Algorithms: s05; NAT:
 * s07.)
 */
#include "suites/dpd/dpd_kit.h"

#define LIFE_S 4u
#define LIMIT_KB 2560u

struct want {
	struct peer *p;
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
await(struct world *w, uint64_t phase1, uint64_t phase2, ns_t limit, const char *what)
{
	struct want want = {w->peer, phase1, phase2};

	return case_await(w->c, what, limit, reached, &want);
}

/* A's power fails, and B is active. False: inconclusive. */
static bool
fail_over(struct world *w)
{
	lab_power_off(w->lab, LAB_A);
	return pair_reach_active(w, LAB_B, PAIR_HOLD + NS_PER_S);
}

static bool
expect_clean(struct world *w)
{
	const struct peer_counters *n = peer_counters(w->peer);

	return case_expect_u64(w->c, 0, n->esp_replays + n->esp_late,
		       "packets refused by the peer's replay window") &&
	       case_expect_u64(w->c, 0, n->esp_bad_icv, "packets at the peer with a bad ICV");
}

/* ---- who began ---- */

static bool
tunnel_up(void *ctx)
{
	return peer_is_up(ctx);
}

/* A begins both phases; the heir goes on as an initiator, and is rekeyed by the other side. */
static void
initiator(struct case_run *c)
{
	const struct lab_text knobs = {.static_map = true};
	struct peer_cfg cfg = world_peer_cfg();
	struct world w;

	cfg.passive = true;
	if (!pair_up(&w, c, &knobs, &cfg))
		return;
	host_send_udp(w.host, lab_now(w.lab), LAB_REMOTE_HOST, 9, 9, "wake", 4);
	if (!case_reach(c, "a tunnel that A began", 5 * NS_PER_S, tunnel_up, w.peer) ||
		!pair_ready(&w, LAB_B))
		return;
	if (peer_phase1(w.peer)->initiator || peer_phase2(w.peer)->initiator) {
		case_inconclusive(c, "the peer began");
		return;
	}
	pair_streams_start(&w, 100, 200);
	lab_run(w.lab, 300 * NS_PER_MS);
	if (!fail_over(&w) || !ike_kit_expect_traffic(&w, "under the mirrored pair") ||
		!case_expect_u64(c, 1, peer_counters(w.peer)->phase2_up, "pairs until then"))
		return;
	peer_rekey_child(w.peer, lab_now(w.lab));
	if (!await(&w, 1, 2, 3 * NS_PER_S, "the pair's rekey under the mirrored IKE SA") ||
		!ike_kit_expect_traffic(&w, "under the new pair"))
		return;
	peer_rekey_phase1(w.peer, lab_now(w.lab));
	if (!await(&w, 2, 2, 3 * NS_PER_S, "the IKE SA's rekey") ||
		!ike_kit_expect_traffic(&w, "under the new IKE SA"))
		return;
	pair_streams_stop(&w);
	(void)expect_clean(&w);
}

/* ---- lifetimes ---- */

/* 4 s, of which the heir gets what is left; it asks for the next pair while it lasts. */
static void
seconds_rekeyed(struct case_run *c)
{
	struct peer_cfg cfg = world_peer_cfg();
	struct world w;
	ns_t up;

	cfg.esp_life_s = LIFE_S;
	if (!pair_carry(&w, c, NULL, &cfg))
		return;
	up = peer_phase2(w.peer)->up;
	pair_streams_start(&w, 100, 200);
	lab_run(w.lab, 200 * NS_PER_MS);
	if (!fail_over(&w))
		return;
	if (peer_counters(w.peer)->phase2_up != 1) {
		case_inconclusive(c, "the pair was rekeyed before B was active");
		return;
	}
	if (!await(&w, 1, 2, up + LIFE_S * NS_PER_S - lab_now(w.lab),
		    "a new pair before the inherited one is over"))
		return;
	case_figure(c, "pair's age at its rekey", (double)(lab_now(w.lab) - up) / 1e6, "ms");
	if (!ike_kit_expect_traffic(&w, "under the new pair") ||
		!case_expect_u64(
			c, 1, peer_counters(w.peer)->phase1_up, "Phase 1 negotiations in all"))
		return;
	pair_streams_stop(&w);
	(void)expect_clean(&w);
}

/* The peer answers no rekey, and would use the pair for ever: the heir ends it when A would have.
 */
static void
seconds_kept(struct case_run *c)
{
	struct peer_cfg cfg = world_peer_cfg();
	struct world w;
	uint32_t spi;
	size_t late, before;
	ns_t end;

	cfg.esp_life_s = LIFE_S;
	if (!pair_carry(&w, c, NULL, &cfg))
		return;
	spi = peer_phase2(w.peer)->spi_in;
	end = peer_phase2(w.peer)->up + LIFE_S * NS_PER_S;
	peer_wrong(w.peer)->ignore = PEER_BIT(PEER_QM1);
	peer_wrong(w.peer)->keep_expired = true;
	pair_streams_start(&w, 100, 200);
	lab_run(w.lab, 200 * NS_PER_MS);
	if (!fail_over(&w))
		return;
	if (lab_now(w.lab) > end - 300 * NS_PER_MS) {
		case_inconclusive(c, "B was active too late for a lifetime of %u s", LIFE_S);
		return;
	}
	lab_run(w.lab, end + 600 * NS_PER_MS - lab_now(w.lab));
	pair_streams_stop(&w);
	before = pair_esp_cnt(w.lab, LAB_B, spi, 0, end);
	late = pair_esp_cnt(w.lab, LAB_B, spi, end + 100 * NS_PER_MS, NS_NEVER);
	if (case_expect(c, before > 0, "expected the heir to use the pair while it lasts"))
		(void)case_expect_u64(
			c, 0, late, "packets of the heir on the pair when its lifetime was over");
}

/* Half of the volume with A, half with its heir: the limit is one. */
static void
kilobytes(struct case_run *c)
{
	static const struct lab_text knobs = {
		.add_map = {" set security-association lifetime kilobytes 2560"}};
	const struct peer_phase2 *p;
	struct world w;
	size_t cnt;

	if (!pair_carry(&w, c, &knobs, NULL))
		return;
	(void)host_stream_start(w.host, lab_now(w.lab), 1, LAB_REMOTE_HOST, 1000, 1372, 0);
	lab_run(w.lab, NS_PER_S);
	if (!fail_over(&w))
		return;
	p = peer_phase2s(w.peer, &cnt);
	case_figure(c, "kilobytes by the old active", (double)p->bytes_in / 1024, "KB");
	if (cnt != 1 || p->bytes_in < 1000u * 1024) {
		case_inconclusive(c, "%zu pairs, and %llu octets before the failover", cnt,
			(unsigned long long)p->bytes_in);
		return;
	}
	lab_run(w.lab, 1500 * NS_PER_MS);
	host_stream_stop(w.host, 1);
	lab_run(w.lab, 300 * NS_PER_MS);
	p = peer_phase2s(w.peer, &cnt);
	case_figure(c, "kilobytes under the first pair", (double)p->bytes_in / 1024, "KB");
	if (!case_expect(c, cnt >= 2,
		    "expected the heir to ask for a second pair before the first has carried %u KB",
		    LIMIT_KB) ||
		!case_expect(c, p->bytes_in <= LIMIT_KB * 1024,
			"expected at most %u KB under one pair, by both members", LIMIT_KB) ||
		!case_expect_u64(
			c, 1, peer_counters(w.peer)->phase1_up, "Phase 1 negotiations in all"))
		return;
	(void)expect_clean(&w);
}

/* ---- DPD ---- */

/* The heir asks twice, one number after the other, and answers when it is asked. */
static bool
both_ask(struct world *w, const char *when)
{
	uint32_t v[32];
	size_t n;
	ns_t since = lab_now(w->lab);

	if (!case_expect(w->c, ike_kit_event(w, PEER_EV_DPD_ASKED, since, 2, 3 * NS_PER_S),
		    "expected two R-U-THEREs of the heir, %s", when))
		return false;
	n = dpd_kit_asked(w, since, v, 32);
	return case_expect(w->c, v[n - 1] - v[0] == 1 || n > 2,
		       "expected its numbers to grow by one, %s; saw %u and %u", when, v[0],
		       v[n - 1]) &&
	       case_expect(w->c, dpd_kit_ask(w, 0, NS_PER_S),
		       "expected the heir to answer R-U-THERE, %s", when);
}

static void
dpd_goes_on(struct case_run *c)
{
	const struct lab_text knobs = {.dpd = DPD_KIT_PERIODIC};
	uint32_t before[64], after[64];
	struct world w;
	size_t n;
	ns_t since;

	if (!pair_carry(&w, c, &knobs, NULL))
		return;
	if (!ike_kit_event(&w, PEER_EV_DPD_ASKED, 0, 1, 3 * NS_PER_S)) {
		case_inconclusive(c, "A never asked");
		return;
	}
	lab_run(w.lab, 100 * NS_PER_MS);
	n = dpd_kit_asked(&w, 0, before, 64);
	since = ike_kit_mark(&w);
	if (!fail_over(&w) || !both_ask(&w, "after the failover"))
		return;
	(void)dpd_kit_asked(&w, since, after, 64);
	if (!case_expect(c, after[0] - before[n - 1] <= 2,
		    "expected the heir to go on after %u, by at most 2; saw %u", before[n - 1],
		    after[0]))
		return;
	peer_rekey_phase1(w.peer, lab_now(w.lab));
	if (!await(&w, 2, 1, 3 * NS_PER_S, "the IKE SA's rekey"))
		return;
	lab_run(w.lab, 1200 * NS_PER_MS); /* the old one is deleted meanwhile */
	(void)both_ask(&w, "under the new IKE SA");
}

static const struct case_def cases[] = {
	{
		.id = "failover/vpnha-feature/1",
		.requirement = "SSP-01, IKE-05",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "A tunnel of which the pair was the initiator survives a failover and the "
			"rekey of both phases after it.",
		.mutant = "import-no-ike",
		.run = initiator,
	},
	{
		.id = "failover/vpnha-feature/2",
		.requirement = "SSP-01, ESP-10",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "The heir rekeys an inherited pair before its lifetime in seconds, counted "
			"from the negotiation, is over.",
		.mutant = "import-no-ike",
		.run = seconds_rekeyed,
	},
	{
		.id = "failover/vpnha-feature/3",
		.requirement = "ESP-10",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "The heir ends an inherited pair when its lifetime in seconds, counted "
			"from "
			"the negotiation, is over.",
		.mutant = "import-new-life",
		.run = seconds_kept,
	},
	{
		.id = "failover/vpnha-feature/4",
		.requirement = "SSP-01, ESP-09",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "The heir rekeys an inherited pair before both members together have "
			"passed its lifetime in kilobytes.",
		.mutant = "import-no-volume",
		.run = kilobytes,
	},
	{
		.id = "failover/vpnha-feature/5",
		.requirement = "SSP-01, DPD-09",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "DPD goes on in both directions after a failover, and after the rekey of "
			"the IKE SA that follows.",
		.mutant = "dpd-from-zero",
		.run = dpd_goes_on,
	},
};
CASE_SUITE(cases)
