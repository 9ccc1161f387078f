/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rekeying (RFC 2408 4.3: a new SA is made, then the old one deleted), both phases, by the peer, by
 * the router, by both at once, with streams both ways: no packet is lost for it.
 */
#include <string.h>

#include "suites/ike/ike_kit.h"

#define STREAM_OUT 1
#define STREAM_IN 2
#define STREAM_SLOW 3

static const struct lab_text few_kilobytes = {
	.add_map = {" set security-association lifetime kilobytes 2560"}};

/* Packets of the streams that did not come, both ways together. */
static uint32_t
lost(struct world *w)
{
	struct stream_result out, in;

	stream_judge(host_stream_tx(w->host, STREAM_OUT), peer_stream_rx(w->peer, STREAM_OUT), 0,
		NS_NEVER, &out);
	stream_judge(peer_stream_tx(w->peer, STREAM_IN), host_stream_rx(w->host, STREAM_IN), 0,
		NS_NEVER, &in);
	return (uint32_t)(out.sent - out.received + in.sent - in.received);
}

static bool
expect_none_lost(struct world *w)
{
	pair_streams_stop(w);
	return case_expect_u64(w->c, 0, lost(w), "packets lost across the rekey, both ways");
}

static size_t
live_pairs(struct peer *p)
{
	size_t cnt, n = 0;
	const struct peer_phase2 *v = peer_phase2s(p, &cnt);

	for (size_t i = 0; i < cnt; i++)
		n += v[i].state == PEER_SA_UP;
	return n;
}

static size_t
live_ikes(struct peer *p)
{
	size_t cnt, n = 0;
	const struct peer_phase1 *v = peer_phase1s(p, &cnt);

	for (size_t i = 0; i < cnt; i++)
		n += v[i].state == PEER_SA_UP;
	return n;
}

struct want {
	struct peer *p;
	uint64_t phase1, phase2;
	size_t ikes, pairs; /* live in the end; 0: whatever */
};

static bool
there(void *ctx)
{
	const struct want *w = ctx;

	return peer_counters(w->p)->phase1_up >= w->phase1 &&
	       peer_counters(w->p)->phase2_up >= w->phase2 &&
	       (!w->ikes || live_ikes(w->p) == w->ikes) &&
	       (!w->pairs || live_pairs(w->p) == w->pairs);
}

/* ---- phase 2 ---- */

static void
child_by_peer(struct case_run *c)
{
	const struct peer_phase2 *two;
	struct world w;
	uint64_t before;

	if (!ike_kit_tunnel(&w, c, NULL, NULL))
		return;
	pair_streams_start(&w, 200, 200);
	lab_run(w.lab, 500 * NS_PER_MS);
	peer_rekey_child(w.peer, lab_now(w.lab));
	if (!case_await(c, "a new pair, and the old one gone", 5 * NS_PER_S, there,
		    &(struct want){w.peer, 1, 2, 0, 1}))
		return;
	two = peer_phase2(w.peer);
	before = two->packets_in;
	lab_run(w.lab, 500 * NS_PER_MS);
	if (case_expect(c, two->packets_in > before + 50,
		    "expected the traffic of A on the new pair; saw %llu packets in half a second",
		    (unsigned long long)(two->packets_in - before)))
		(void)expect_none_lost(&w);
}

/* The old one is left to expire: A uses the new one all the same. */
static void
child_by_peer_kept(struct case_run *c)
{
	const struct peer_phase2 *v;
	struct world w;
	uint64_t before;
	size_t cnt;

	if (!ike_kit_tunnel(&w, c, NULL, NULL))
		return;
	pair_streams_start(&w, 200, 200);
	peer_cfg(w.peer)->linger = NS_NEVER;
	peer_rekey_child(w.peer, lab_now(w.lab));
	if (!case_await(c, "a new pair", 5 * NS_PER_S, there, &(struct want){w.peer, 1, 2, 0, 0}))
		return;
	lab_run(w.lab, 300 * NS_PER_MS);
	v = peer_phase2s(w.peer, &cnt);
	before = v[0].packets_in;
	lab_run(w.lab, 500 * NS_PER_MS);
	v = peer_phase2s(w.peer, &cnt);
	if (case_expect_u64(c, before, v[0].packets_in,
		    "packets of A on the old pair after the new one was there") &&
		case_expect_u64(c, 2, live_pairs(w.peer), "pairs that are still there"))
		(void)expect_none_lost(&w);
}

/*
 * By A's lifetime: fast to shortly before its soft limit, then slowly over it. The peer does not
 * heed message 3 at first, and goes on with the old pair.
 */
static void
child_by_router(struct case_run *c)
{
	struct stream_result slow;
	struct world w;

	if (!ike_kit_tunnel(&w, c, &few_kilobytes, NULL))
		return;
	peer_wrong(w.peer)->ignore = PEER_BIT(PEER_QM3);
	peer_wrong(w.peer)->ignore_cnt = 1;
	(void)peer_stream_start(w.peer, lab_now(w.lab), STREAM_IN, LAB_IN_HOST, 1000, 1300, 1650);
	lab_run(w.lab, 2 * NS_PER_S);
	(void)peer_stream_start(w.peer, lab_now(w.lab), STREAM_SLOW, LAB_IN_HOST, 100, 1300, 0);
	if (!case_await(c, "a pair that A has begun", 8 * NS_PER_S, there,
		    &(struct want){w.peer, 1, 2, 0, 0}) ||
		!case_await(c, "the old pair gone", 30 * NS_PER_S, there,
			&(struct want){w.peer, 1, 2, 0, 1}))
		return;
	peer_stream_stop(w.peer, STREAM_SLOW);
	lab_run(w.lab, 300 * NS_PER_MS);
	stream_judge(peer_stream_tx(w.peer, STREAM_SLOW), host_stream_rx(w.host, STREAM_SLOW), 0,
		NS_NEVER, &slow);
	if (case_expect(c, !peer_phase2(w.peer)->initiator, "expected A to have begun the new one"))
		(void)case_expect_u64(
			c, slow.sent, slow.received, "packets that came, of those sent");
}

/* The peer begins when it sees that A begins. */
static void
child_by_both(struct case_run *c)
{
	struct world w;
	uint64_t made;

	if (!ike_kit_tunnel(&w, c, &few_kilobytes, NULL))
		return;
	peer_wrong(w.peer)->collide = PEER_BIT(PEER_QM1);
	(void)peer_stream_start(w.peer, lab_now(w.lab), STREAM_IN, LAB_IN_HOST, 1000, 1300, 2000);
	(void)host_stream_start(w.host, lab_now(w.lab), STREAM_OUT, LAB_REMOTE_HOST, 200, 100, 0);
	if (!case_reach(c, "two new pairs at once", 8 * NS_PER_S, there,
		    &(struct want){w.peer, 1, 3, 0, 0}))
		return;
	made = peer_counters(w.peer)->phase2_up;
	lab_run(w.lab, 12 * NS_PER_S);
	if (case_expect_u64(c, made, peer_counters(w.peer)->phase2_up,
		    "pairs made in all: none after the two") &&
		case_expect(c, live_pairs(w.peer) <= 2,
			"expected the replaced pair to be gone; %zu are there", live_pairs(w.peer)))
		(void)expect_none_lost(&w);
}

/* ---- phase 1 ---- */

static void
ike_by_peer(struct case_run *c)
{
	const struct lab_text knobs = {.dpd = "msec 300 200 periodic"};
	struct world w;
	ns_t since;

	if (!ike_kit_tunnel(&w, c, &knobs, NULL))
		return;
	pair_streams_start(&w, 200, 200);
	lab_run(w.lab, 300 * NS_PER_MS);
	peer_rekey_phase1(w.peer, lab_now(w.lab));
	if (!case_await(c, "a new IKE SA, and the old one gone", 5 * NS_PER_S, there,
		    &(struct want){w.peer, 2, 1, 1, 1}) ||
		!expect_none_lost(&w))
		return;
	lab_run(w.lab, NS_PER_S);
	since = ike_kit_mark(&w);
	if (case_expect(c, ike_kit_event(&w, PEER_EV_DPD_ASKED, since, 3, 3 * NS_PER_S),
		    "expected DPD to go on under the new IKE SA") &&
		case_expect_u64(c, 1, live_pairs(w.peer), "pairs that are still there"))
		(void)ike_kit_expect_traffic(&w, "the IKE SA was replaced");
}

/* By A's lifetime, the shortest that the language has: half of 60 s, and up to 8 s before that. */
static void
ike_by_router(struct case_run *c)
{
	const struct lab_text knobs = {
		.static_map = true, .swap = {{" lifetime 86400", " lifetime 60"}}};
	struct peer_cfg cfg = world_peer_cfg();
	const struct peer_phase1 *one;
	struct world w;
	size_t cnt;

	cfg.passive = true;
	cfg.ike_life_s = 60;
	if (!ike_kit_alone(&w, c, &knobs, &cfg))
		return;
	host_send_udp(w.host, lab_now(w.lab), LAB_REMOTE_HOST, 9, 9, "wake", 4);
	if (!case_reach(c, "a tunnel that A has begun", 5 * NS_PER_S, there,
		    &(struct want){w.peer, 1, 1, 0, 0}))
		return;
	lab_run(w.lab, 300 * NS_PER_MS);
	pair_streams_start(&w, 50, 200);
	if (!case_await(c, "a new IKE SA before the end of the old one", 40 * NS_PER_S, there,
		    &(struct want){w.peer, 2, 1, 0, 0}) ||
		!case_await(c, "the old one gone", 10 * NS_PER_S, there,
			&(struct want){w.peer, 2, 1, 1, 1}))
		return;
	one = peer_phase1s(w.peer, &cnt);
	case_figure(c, "age of the old IKE SA at the new one",
		(double)(one[1].up - one[0].up) / 1e9, "s");
	if (case_expect(c, one[0].end == PEER_END_DELETED,
		    "expected A to delete the old IKE SA; it ended otherwise (%d)", one[0].end))
		(void)expect_none_lost(&w);
}

/* ---- a failover within ---- */

struct quick {
	struct world *w;
	ns_t since;
	unsigned n, seen;
	enum lab_port port;
};

/* The n-th Quick Mode message at that port. */
static bool
is_quick(const struct frame *f, void *ctx)
{
	struct quick *q = ctx;
	struct pkt p;

	if (f->port != q->port || !pkt_parse(&p, f->bytes, f->len) || !p.is_isakmp ||
		p.isakmp[18] != IKE_KIT_QUICK)
		return false;
	return ++q->seen == q->n;
}

/* A dies exactly after its message 2 of the peer's rekey, or as that message 3 arrives. */
static void
failover_within(struct case_run *c, enum lab_port port, unsigned nth)
{
	const struct lab_fault off = {.kind = FAULT_POWER_OFF, .member = LAB_A};
	struct world w;
	struct quick q = {.n = nth, .port = port};
	struct pair_cost k;

	if (!pair_carry(&w, c, NULL, NULL))
		return;
	pair_streams_start(&w, 200, 200);
	lab_run(w.lab, 500 * NS_PER_MS);
	q.w = &w;
	(void)lab_after(w.lab, is_quick, &q, &off);
	peer_rekey_child(w.peer, lab_now(w.lab));
	if (!pair_expect_active(&w, LAB_B, 2 * NS_PER_S))
		return;
	lab_run(w.lab, 8 * NS_PER_S);
	pair_streams_stop(&w);
	k = pair_cost(&w);
	pair_cost_figures(c, &k);
	if (!case_expect_within(c, k.dark_out, PAIR_HOLD + 2 * PAIR_MARGIN, "outage outwards") ||
		!case_expect_within(c, k.dark_in, PAIR_HOLD + 2 * PAIR_MARGIN, "outage inwards") ||
		!case_expect_u64(c, 0, k.replays, "packets that the peer refused as replays"))
		return;
	if (case_await(c, "one pair in the end", 20 * NS_PER_S, there,
		    &(struct want){w.peer, 1, 1, 0, 1}))
		(void)ike_kit_expect_traffic(&w, "in the end");
}

static void
failover_after_2(struct case_run *c)
{
	failover_within(c, PORT_A_OUT, 1);
}

static void
failover_after_3(struct case_run *c)
{
	failover_within(c, PORT_PEER, 2);
}

#define CASE(n, req, text, kill, fn, limit)                                                        \
	{                                                                                          \
		.id = "ike/" n, .requirement = req, .level = CASE_MUST, .class_ = CASE_VALID,      \
		.says = text, .mutant = kill, .run = fn, .limit_s = limit                          \
	}

static const struct case_def cases[] = {
	CASE("2408-4.3/1", "RFC 2408, 4.3",
		"The peer replaces a pair: traffic goes over to the new one, and none is lost.",
		"rekey-stuck-on-old", child_by_peer, 0),
	CASE("2408-4.3/2", "RFC 2408, 4.3",
		"A pair that was replaced and not deleted is not used outbound any more.",
		"rekey-old-outbound", child_by_peer_kept, 0),
	CASE("2408-4.3/3", "RFC 2408, 4.3",
		"The router replaces a pair: the old one is kept until the peer is heard on the "
		"new one.",
		"rekey-drops-old", child_by_router, 90),
	CASE("2408-4.3/4", "RFC 2408, 4.3",
		"If both replace a pair at once nothing is lost, and it does not go on for ever.",
		"rekey-again-and-again", child_by_both, 90),
	CASE("2408-4.3/5", "RFC 2408, 4.3; RFC 3706, 5",
		"The peer replaces the IKE SA: pairs stay, and DPD goes on under the new one.",
		"rekey-pairs-die-with-sa", ike_by_peer, 0),
	CASE("2408-4.3/6", "RFC 2408, 4.3",
		"The router replaces the IKE SA ahead of its end, and deletes the old one.",
		"rekey-no-phase1", ike_by_router, 120),
	CASE("vpnha-rekey/1", "FAILOVER-01",
		"The active router dies after message 2 of a rekey: the tunnel goes on.",
		"rekey-stuck-on-old", failover_after_2, 90),
	CASE("vpnha-rekey/2", "FAILOVER-01",
		"The active router dies with message 3 of a rekey: the tunnel goes on.",
		"rekey-stuck-on-old", failover_after_3, 90),
};
CASE_SUITE(cases)
