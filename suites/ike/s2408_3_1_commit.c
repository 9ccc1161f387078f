/* SPDX-License-Identifier: BSD-2-Clause */
/* The Commit Bit of Quick Mode (RFC 2408 3.1), set by the peer or by the router, in either role. */
#include <string.h>

#include "suites/ike/ike_kit.h"

#define LATE (1500 * NS_PER_MS)

static struct peer_cfg
setting_peer(ns_t connected_after)
{
	struct peer_cfg cfg = world_peer_cfg();

	cfg.commit = true;
	cfg.connected_after = connected_after;
	return cfg;
}

static bool
two_up(void *ctx)
{
	return peer_counters(ctx)->phase2_up >= 2;
}

/* A tunnel that carries, then a second pair in which the bit is set: A has something to send all
 * along. */
static bool
second_pair(struct world *w)
{
	if (!host_stream_start(w->host, lab_now(w->lab), 1, LAB_REMOTE_HOST, 100, 100, 0) ||
		!ike_kit_carries_out(w, 2 * NS_PER_S)) {
		case_inconclusive(w->c, "no traffic before");
		return false;
	}
	peer_initiate(w->peer, lab_now(w->lab));
	return case_reach(w->c, "a second pair", 5 * NS_PER_S, two_up, w->peer);
}

static uint64_t
came_on_newest(const struct world *w)
{
	size_t cnt;
	const struct peer_phase2 *p = peer_phase2s(w->peer, &cnt);

	return p[cnt - 1].packets_in;
}

/* The peer began, and set it: A waits for CONNECTED before it sends on the new pair. */
static void
peer_sets(struct case_run *c)
{
	struct peer_cfg cfg = world_peer_cfg();
	struct world w;

	if (!ike_kit_tunnel(&w, c, NULL, &cfg))
		return;
	peer_cfg(w.peer)->commit = true;
	peer_cfg(w.peer)->connected_after = LATE;
	if (!second_pair(&w))
		return;
	lab_run(w.lab, LATE - 500 * NS_PER_MS);
	if (!case_expect_u64(
		    c, 0, came_on_newest(&w), "packets of A on the new pair before CONNECTED"))
		return;
	lab_run(w.lab, NS_PER_S);
	host_stream_stop(w.host, 1);
	(void)case_expect(c, came_on_newest(&w) > 0,
		"expected the traffic of A on the new pair after CONNECTED; saw none");
}

static bool
up(void *ctx)
{
	return peer_is_up(ctx);
}

static void
wake(struct world *w)
{
	host_send_udp(w->host, lab_now(w->lab), LAB_REMOTE_HOST, 9, 9, "wake", 4);
}

/* A begins, and the peer, which is passive, sets the Commit Bit in message 2. False: inconclusive. */
static bool
begun_by_a(struct world *w, struct case_run *c, ns_t connected_after)
{
	const struct lab_text knobs = {.static_map = true};
	struct peer_cfg cfg = setting_peer(connected_after);

	cfg.passive = true;
	if (!ike_kit_alone(w, c, &knobs, &cfg))
		return false;
	wake(w);
	return case_reach(c, "a pair that A has begun", 5 * NS_PER_S, up, w->peer);
}

static void
peer_sets_as_responder(struct case_run *c)
{
	struct world w;

	if (!begun_by_a(&w, c, LATE))
		return;
	(void)host_stream_start(w.host, lab_now(w.lab), 1, LAB_REMOTE_HOST, 100, 100, 0);
	lab_run(w.lab, LATE - 500 * NS_PER_MS);
	if (!case_expect_u64(c, 0, came_on_newest(&w), "packets of A on the pair before CONNECTED"))
		return;
	lab_run(w.lab, NS_PER_S);
	host_stream_stop(w.host, 1);
	(void)case_expect(c, came_on_newest(&w) > 0,
		"expected the traffic of A on the pair after CONNECTED; saw none");
}

/* CONNECTED never comes; traffic of the peer on the new pair says as much. */
static void
traffic_says_it(struct case_run *c)
{
	struct world w;

	if (!begun_by_a(&w, c, NS_NEVER))
		return;
	wake(&w);
	lab_run(w.lab, 300 * NS_PER_MS);
	if (!case_expect_u64(c, 0, came_on_newest(&w), "packets of A before anything came"))
		return;
	if (case_expect(c, ike_kit_carries_in(&w, 2 * NS_PER_S),
		    "expected A to take the traffic of the peer; it did not"))
		(void)case_expect(c, ike_kit_carries_out(&w, 2 * NS_PER_S),
			"expected A to send once traffic has shown that the peer has the pair");
}

/* A sets it, as responder: the peer waits, and hears CONNECTED under the Quick Mode's id. */
static void
router_sets(struct case_run *c)
{
	const struct lab_text knobs = {.add_global = {"crypto isakmp commit-bit"}};
	struct world w;
	ns_t since;

	if (!ike_kit_alone(&w, c, &knobs, NULL))
		return;
	since = ike_kit_mark(&w);
	peer_initiate(w.peer, lab_now(w.lab));
	if (!case_expect(c, ike_kit_event(&w, PEER_EV_COMMIT, since, 1, 5 * NS_PER_S),
		    "expected the Commit Bit in Quick Mode; saw none") ||
		!case_expect(c, ike_kit_event(&w, PEER_EV_CONNECTED, since, 1, 5 * NS_PER_S),
			"expected CONNECTED with the message id of the Quick Mode; saw none"))
		return;
	(void)ike_kit_expect_traffic(&w, "CONNECTED was said");
}

/* Message 3 is lost, and the peer sends: that finishes the pair as well as message 3 does. */
static void
message3_lost(struct case_run *c)
{
	struct world w;
	ns_t since;

	if (!ike_kit_alone(&w, c, NULL, NULL))
		return;
	since = ike_kit_mark(&w);
	peer_wrong(w.peer)->drop = PEER_BIT(PEER_QM3);
	peer_initiate(w.peer, lab_now(w.lab));
	if (!ike_kit_event(&w, PEER_EV_PHASE2_UP, since, 1, 5 * NS_PER_S)) {
		case_inconclusive(c, "the peer has no pair");
		return;
	}
	if (case_expect(c, ike_kit_carries_in(&w, NS_PER_S),
		    "expected A to take the traffic of the peer; it did not"))
		(void)case_expect(c, ike_kit_carries_out(&w, NS_PER_S),
			"expected A to send once traffic has shown that the peer has the pair");
}

static const struct case_def cases[] = {
	{
		.id = "ike/2408-3.1/1",
		.requirement = "RFC 2408, 3.1",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "As responder the router waits for CONNECTED if the initiator set the "
			"Commit Bit.",
		.mutant = "ike-commit-ignored",
		.run = peer_sets,
	},
	{
		.id = "ike/2408-3.1/2",
		.requirement = "RFC 2408, 3.1",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "As initiator the router waits for CONNECTED if the responder set the "
			"Commit Bit.",
		.mutant = "ike-commit-ignored",
		.run = peer_sets_as_responder,
	},
	{
		.id = "ike/2408-3.1/3",
		.requirement = "RFC 2408, 3.1, note",
		.level = CASE_MAY,
		.class_ = CASE_INOPPORTUNE,
		.says = "Verified traffic on the new pair is taken for a CONNECTED that was lost.",
		.mutant = "ike-traffic-proves-nothing",
		.run = traffic_says_it,
	},
	{
		.id = "ike/2408-3.1/4",
		.requirement = "RFC 2408, 3.1",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "A router that set the Commit Bit says CONNECTED under the Quick Mode's "
			"message id.",
		.mutant = "ike-connected-own-id",
		.run = router_sets,
	},
	{
		.id = "ike/2408-3.1/5",
		.requirement = "RFC 2408, 3.1, note",
		.level = CASE_MAY,
		.class_ = CASE_INOPPORTUNE,
		.says = "Verified traffic on a new pair is taken for a message 3 that was lost.",
		.mutant = "ike-traffic-proves-nothing",
		.run = message3_lost,
	},
};
CASE_SUITE(cases)
