/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bad lines and bad luck: copies and reordering between pair and peer, spoilt packets, a sync
 * channel that is slow, stands, or hears one way only; both members restarted; clocks that differ.
 */
#include <stdio.h>

#include "harness/lab/disturb.h"
#include "harness/run/pair.h"

static bool
is_esp(const struct pkt *p, void *ctx)
{
	(void)ctx;
	return p->is_esp;
}
static struct lab_pkt_match esp = {is_esp, NULL};

static struct lab_disturb
at_peer(enum lab_disturb_kind kind, enum lab_way way)
{
	return (struct lab_disturb){
		.kind = kind, .port = PORT_PEER, .way = way, .match = lab_match_pkt, .ctx = &esp};
}

static struct stream_result
inwards(struct world *w)
{
	struct stream_result r;

	stream_judge(peer_stream_tx(w->peer, 2), host_stream_rx(w->host, 2), 0, NS_NEVER, &r);
	return r;
}

/* -- between pair and peer -- */

/* What comes twice is let in once, before and after the failover; what comes late within the window
 * is let in. */
static void
copies_and_order(struct case_run *c)
{
	struct lab_disturb copy = at_peer(DISTURB_COPY, WAY_BOTH),
			   turn = at_peer(DISTURB_REORDER, WAY_BOTH);
	struct stream_result r;
	struct pair_cost k;
	struct world w;
	int handle;

	copy.ppm = 100000;
	copy.delay = 3 * NS_PER_MS;
	copy.jitter = 10 * NS_PER_MS;
	turn.ppm = 100000;
	turn.behind = 4;
	turn.delay = 100 * NS_PER_MS;
	if (!pair_carry(&w, c, NULL, NULL))
		return;
	handle = lab_disturb(w.lab, &copy);
	(void)lab_disturb(w.lab, &turn);
	pair_streams_start(&w, 200, 200);
	lab_run(w.lab, NS_PER_S);
	lab_power_off(w.lab, LAB_A);
	if (!pair_expect_active(&w, LAB_B, PAIR_HOLD + PAIR_MARGIN))
		return;
	lab_run(w.lab, NS_PER_S);
	pair_streams_stop(&w);
	k = pair_cost(&w);
	pair_cost_figures(c, &k);
	case_figure(c, "copies", (double)lab_disturbed(w.lab, handle), "packets");
	r = inwards(&w);
	if (case_expect_u64(c, 0, r.duplicates, "packets that came out at the host twice") &&
		case_expect(c, r.reordered > 0,
			"expected packets that were overtaken on the line to come out at the host; "
			"saw none") &&
		case_expect_u64(c, 1, k.phase2, "Phase 2 negotiations in all"))
		(void)case_expect_within(c, k.dark_in, PAIR_HOLD + PAIR_MARGIN, "outage inwards");
}

/* One octet of the ciphertext spoilt, outer checksums right: nothing of it comes out anywhere. */
static void
spoilt(struct case_run *c)
{
	struct lab_disturb d = at_peer(DISTURB_CORRUPT, WAY_FROM);
	struct stream_result r;
	struct world w;
	uint32_t cnt;
	int handle;

	d.at = 14 + 20 + 8 + 16 + 64; /* within the inner UDP payload */
	d.flip = 0x10;
	d.sums = true;
	d.ppm = 200000;
	if (!pair_carry(&w, c, NULL, NULL))
		return;
	handle = lab_disturb(w.lab, &d);
	pair_streams_start(&w, 200, 200);
	lab_run(w.lab, NS_PER_S);
	pair_streams_stop(&w);
	cnt = lab_disturbed(w.lab, handle);
	r = inwards(&w);
	case_figure(c, "spoilt", (double)cnt, "packets");
	if (case_expect(c, cnt > 10, "expected more than 10 packets to be spoilt; were %u", cnt) &&
		case_expect_u64(c, 0, host_counters(w.host)->bad_in + host_counters(w.host)->udp_in,
			"packets at the host that nobody sent so"))
		(void)case_expect_u64(c, cnt, r.lost, "packets lost: those that were spoilt");
}

/* -- the sync channel -- */

struct more {
	const struct peer *p;
	uint64_t pairs;
};

static bool
has_more(void *ctx)
{
	const struct more *m = ctx;

	return peer_counters(m->p)->phase2_up >= m->pairs;
}

/* The line stands or is deaf: a new pair is negotiated all the same, in bounded time; when it is
 * well again the standby is filled, and a failover costs nothing but itself. */
static void
well_again(struct world *w, int line)
{
	struct more m = {w->peer, peer_counters(w->peer)->phase2_up + 1};
	uint64_t pairs, came;

	lab_run(w->lab, 300 * NS_PER_MS);
	peer_rekey_child(w->peer, lab_now(w->lab));
	if (!case_await(w->c, "a new pair while the sync channel is of no use", 4 * NS_PER_S,
		    has_more, &m))
		return;
	lab_undisturb(w->lab, line);
	if (!case_expect(w->c,
		    pair_show_until(
			    w->lab, LAB_B, "show ssp redundancy", "ready", "true", PAIR_UP_LIMIT),
		    "expected B to be ready once the line is well again"))
		return;
	pairs = peer_counters(w->peer)->phase2_up;
	pair_streams_start(w, 100, 200);
	lab_run(w->lab, 300 * NS_PER_MS);
	lab_power_off(w->lab, LAB_A);
	if (!pair_expect_active(w, LAB_B, PAIR_HOLD + PAIR_MARGIN))
		return;
	came = peer_counters(w->peer)->stream_in;
	lab_run(w->lab, 500 * NS_PER_MS);
	pair_streams_stop(w);
	if (case_expect(w->c, peer_counters(w->peer)->stream_in > came + 20,
		    "expected traffic outwards to go on under the heir") &&
		case_expect_u64(w->c, pairs, peer_counters(w->peer)->phase2_up,
			"pairs negotiated, before and after the failover"))
		(void)case_expect_u64(w->c, 0,
			peer_counters(w->peer)->esp_replays + peer_counters(w->peer)->esp_late,
			"packets refused by the peer's replay window");
}

static void
stands(struct case_run *c)
{
	const struct lab_disturb d = {.kind = DISTURB_STALL, .port = PORT_A_SYNC};
	struct world w;

	if (pair_carry(&w, c, NULL, NULL))
		well_again(&w, lab_disturb(w.lab, &d));
}

static void
deaf(struct case_run *c)
{
	struct world w;

	if (pair_carry(&w, c, NULL, NULL))
		well_again(&w, lab_half_open(w.lab, LAB_B));
}

/* So few octets a second that what the standby knows is always late: numbers wait for its word. The
 * heir repeats none. (Slower still, and the channel counts as lost; then the lease has to run out.)
 */
static void
slow(struct case_run *c)
{
	const struct lab_disturb d = {
		.kind = DISTURB_SLOW, .port = PORT_A_SYNC, .way = WAY_FROM, .per_s = 12000};
	const struct lab_text knobs = {.replay_out = 50};
	struct pair_cost k;
	struct world w;

	if (!pair_carry(&w, c, &knobs, NULL))
		return;
	(void)lab_disturb(w.lab, &d);
	pair_streams_start(&w, 400, 200);
	lab_run(w.lab, 2 * NS_PER_S);
	lab_power_off(w.lab, LAB_A);
	if (!pair_expect_active(&w, LAB_B, PAIR_HOLD + PAIR_MARGIN))
		return;
	lab_run(w.lab, NS_PER_S);
	pair_streams_stop(&w);
	k = pair_cost(&w);
	pair_cost_figures(c, &k);
	if (case_expect_u64(c, 0, k.replays, "packets refused by the peer's replay window"))
		(void)case_expect_u64(c, 1, k.phase2, "Phase 2 negotiations in all");
}

/* -- both at once, and clocks -- */

static bool
tunnel_again(void *ctx)
{
	const struct more *m = ctx;

	return has_more(ctx) && peer_is_up(m->p);
}

/* Nothing is left of what was negotiated: the peer finds that out, nothing leaks meanwhile. */
static void
both_restarted(struct case_run *c)
{
	struct peer_cfg cfg = world_peer_cfg();
	struct more m;
	struct world w;

	cfg.dpd_every = 400 * NS_PER_MS;
	cfg.dpd_retry = 300 * NS_PER_MS;
	cfg.dpd_tries = 3;
	if (!pair_carry(&w, c, NULL, &cfg))
		return;
	pair_streams_start(&w, 100, 200);
	lab_run(w.lab, 500 * NS_PER_MS);
	m = (struct more){w.peer, peer_counters(w.peer)->phase2_up + 1};
	lab_crash(w.lab, LAB_A);
	lab_crash(w.lab, LAB_B);
	lab_run(w.lab, 100 * NS_PER_MS);
	case_start(c, LAB_A);
	case_start(c, LAB_B);
	if (!case_await(c, "another tunnel of the peer", PAIR_UP_LIMIT, tunnel_again, &m) ||
		!pair_ready(&w, pair_in(w.lab, LAB_A, PAIR_ACTIVE) ? LAB_B : LAB_A))
		return;
	pair_streams_stop(&w);
	if (case_expect_u64(c, 2, peer_counters(w.peer)->phase1_up, "Phase 1 negotiations in all"))
		(void)case_expect_u64(c, 0, peer_counters(w.peer)->clear_in,
			"packets of the host that came in clear");
}

static long long
left(struct world *w, enum lab_member m)
{
	return pair_show_number(w->lab, m, "show crypto ipsec sa", "0.left_s", -1);
}

/* Lifetimes travel as what is left, not as instants of anybody's clock: there and back. */
static void
clocks(struct case_run *c)
{
	long long a, b, again;
	struct world w;

	if (!lab_can_shift(case_lab(c, NULL))) {
		case_inconclusive(c, "this kernel has no time namespaces");
		return;
	}
	lab_set_clock(case_lab(c, NULL), LAB_B, 3 * 86400 * NS_PER_S);
	if (!pair_carry(&w, c, NULL, NULL))
		return;
	lab_run(w.lab, 2500 * NS_PER_MS);
	a = left(&w, LAB_A);
	lab_power_off(w.lab, LAB_A);
	if (!pair_expect_active(&w, LAB_B, PAIR_HOLD + PAIR_MARGIN))
		return;
	b = left(&w, LAB_B);
	case_start(c, LAB_A);
	if (!pair_reach_standby(&w, LAB_A, PAIR_UP_LIMIT) || !pair_ready(&w, LAB_A))
		return;
	lab_power_off(w.lab, LAB_B);
	if (!pair_expect_active(&w, LAB_A, PAIR_HOLD + PAIR_MARGIN))
		return;
	again = left(&w, LAB_A);
	case_figure(c, "seconds left", (double)a, "s");
	case_figure(c, "left at the one 3 days ahead", (double)b, "s");
	case_figure(c, "left at the first again", (double)again, "s");
	if (case_expect(c, a > 20 && b <= a && b > a - 15,
		    "expected a little less than the %lld s that A had left; saw %lld s at B", a,
		    b) &&
		case_expect(c, again <= b && again > b - 20,
			"expected a little less than the %lld s that B had left; saw %lld s at A",
			b, again))
		(void)case_expect_u64(
			c, 1, peer_counters(w.peer)->phase2_up, "Phase 2 negotiations in all");
}

static const struct case_def cases[] = {
	{
		.id = "failover/vpnha-lines/1",
		.requirement = "ESP-05, RFC 4303, 3.4.3",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "On a line that copies and reorders, no packet is let in twice and none "
			"within the window is refused, before and after a failover.",
		.mutant = "esp-no-replay-check",
		.run = copies_and_order,
	},
	{
		.id = "failover/vpnha-lines/2",
		.requirement = "RFC 4303, 3.4.4.1",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "Of ESP packets spoilt on the line, their checksums right, nothing comes "
			"out; all others do.",
		.mutant = "esp-any-icv",
		.run = spoilt,
	},
	{
		.id = "failover/vpnha-lines/3",
		.requirement = "SSP-05, FAILOVER-11",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "A sync channel that stands is given up in bounded time, and filled again "
			"when it runs.",
		.mutant = "ssp-no-bulk",
		.run = stands,
	},
	{
		.id = "failover/vpnha-lines/4",
		.requirement = "SSP-05, FAILOVER-11",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "A sync channel in which only the standby hears is given up in bounded "
			"time, and filled again when both hear.",
		.mutant = "import-no-children",
		.run = deaf,
	},
	{
		.id = "failover/vpnha-lines/5",
		.requirement = "ESP-01, SSP-05",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "On a sync channel that is hardly fast enough for the traffic the heir "
			"repeats no number.",
		.mutant = "resv-heir-repeats",
		.run = slow,
	},
	{
		.id = "failover/vpnha-lines/6",
		.requirement = "FAILOVER-12",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "When both members are restarted at once, the peer finds its way back, and "
			"nothing leaves in clear meanwhile.",
		.mutant = "leak-without-sa",
		.run = both_restarted,
	},
	{
		.id = "failover/vpnha-lines/7",
		.requirement = "ESP-10, FAILOVER-06",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "Between members whose clocks differ by days an SA keeps what it has left, "
			"there and back.",
		.mutant = "import-new-life",
		.run = clocks,
	},
};
CASE_SUITE(cases)
