/* SPDX-License-Identifier: BSD-2-Clause */
/* Reverse routes of several proxies, of an SA that expires, and the two designs of the feature. */
#include "suites/rri/rri_kit.h"

#define SECOND_NET IP4(10, 3, 0, 0)
#define WIDE_NET IP4(10, 2, 0, 0)
#define WIDE_LEN 16

struct prefix {
	struct world *w;
	enum lab_member m;
	ip4_t net;
	uint8_t len;
	bool there;
};

static bool
as_wanted(void *ctx)
{
	const struct prefix *p = ctx;

	return lab_routed(p->w->lab, p->m, p->net, p->len) == p->there;
}

static bool
await_prefix(struct world *w, ip4_t net, uint8_t len, bool there, const char *what)
{
	struct prefix p = {w, LAB_A, net, len, there};

	return case_await(w->c, what, RRI_KIT_SETTLE, as_wanted, &p);
}

static bool
two_pairs(void *ctx)
{
	return peer_counters(ctx)->phase2_up >= 2;
}

/* A alone, a tunnel for 10.2.0.0/24, and a second one for another prefix of the peer. */
static bool
two_proxies(struct world *w, struct case_run *c, const struct lab_text *knobs, ip4_t net, uint8_t len)
{
	world_open_cold(w, c, knobs, NULL);
	w->c = c;
	case_start(c, LAB_A);
	if (!pair_reach_active(w, LAB_A, PAIR_UP_LIMIT) || !pair_tunnel(w))
		return false;
	peer_cfg(w->peer)->passive = true;
	peer_cfg(w->peer)->local.net = (struct ip4_net){net, len};
	peer_initiate(w->peer, lab_now(w->lab));
	return case_reach(c, "a second SA pair", 5 * NS_PER_S, two_pairs, w->peer);
}

static void
several(struct case_run *c)
{
	const struct lab_text k = {.add_global = {
		"access-list 101 permit ip 10.0.0.0 0.0.0.255 10.3.0.0 0.0.0.255"}};
	struct world w;

	if (!two_proxies(&w, c, &k, SECOND_NET, 24) ||
		!await_prefix(&w, SECOND_NET, 24, true, "a route to the second proxy, 10.3.0.0/24") ||
		!rri_kit_expect(&w, LAB_A, true, "beside the second one"))
		return;
	peer_delete_child(w.peer, lab_now(w.lab), false);
	if (await_prefix(&w, SECOND_NET, 24, false, "the route to 10.3.0.0/24 gone with its SA"))
		(void)rri_kit_expect(&w, LAB_A, true, "after the other SA was deleted");
}

static void
overlapping(struct case_run *c)
{
	const struct lab_text k = {.add_global = {
		"access-list 101 permit ip 10.0.0.0 0.0.0.255 10.2.0.0 0.0.255.255"}};
	struct peer_cfg cfg = world_peer_cfg();
	struct world w;

	/* the wide one first, so that the narrow one comes inside it */
	cfg.local.net = (struct ip4_net){WIDE_NET, WIDE_LEN};
	world_open_cold(&w, c, &k, &cfg);
	w.c = c;
	case_start(c, LAB_A);
	if (!pair_reach_active(&w, LAB_A, PAIR_UP_LIMIT) || !pair_tunnel(&w))
		return;
	peer_cfg(w.peer)->passive = true;
	peer_cfg(w.peer)->local.net = (struct ip4_net){LAB_REMOTE_NET, RRI_KIT_LEN};
	peer_initiate(w.peer, lab_now(w.lab));
	if (!case_reach(c, "a second SA pair", 5 * NS_PER_S, two_pairs, w.peer) ||
		!await_prefix(&w, WIDE_NET, WIDE_LEN, true, "a route to 10.2.0.0/16") ||
		!rri_kit_await(&w, LAB_A, true, RRI_KIT_SETTLE))
		return;
	peer_delete_child(w.peer, lab_now(w.lab), false);
	if (rri_kit_await(&w, LAB_A, false, RRI_KIT_SETTLE))
		(void)await_prefix(&w, WIDE_NET, WIDE_LEN, true,
			"the route to 10.2.0.0/16 still there");
}

/* The peer dies without a word: what it left behind expires, and the route with it. */
static void
expiry(struct case_run *c)
{
	struct peer_cfg cfg = world_peer_cfg();
	struct world w;
	ns_t up;

	cfg.esp_life_s = 4;
	world_open_cold(&w, c, NULL, &cfg);
	w.c = c;
	case_start(c, LAB_A);
	if (!pair_reach_active(&w, LAB_A, PAIR_UP_LIMIT) || !pair_tunnel(&w) ||
		!rri_kit_reach(&w, LAB_A, true, RRI_KIT_SETTLE))
		return;
	up = lab_now(w.lab);
	lab_attach(w.lab, PORT_PEER, NULL);
	lab_run(w.lab, 2 * NS_PER_S);
	if (rri_kit_expect(&w, LAB_A, true, "while the SA lives (4 s)") &&
		rri_kit_await(&w, LAB_A, false, 4 * NS_PER_S))
		case_figure(c, "route gone after", (double)(lab_now(w.lab) - up) / NS_PER_MS, "ms");
}

/* RRI-09: without reverse-route the inside group alone brings traffic to the active. */
static void
without_rri(struct case_run *c)
{
	const struct lab_text k = {.drop = {" reverse-route"}};
	const struct lab_fault off = {.kind = FAULT_POWER_OFF, .member = LAB_A};
	struct pair_cost cost;
	struct world w;

	if (!pair_carry(&w, c, &k, NULL))
		return;
	pair_streams_start(&w, 100, 200);
	lab_run(w.lab, NS_PER_S);
	(void)pair_fault_at_random(&w, &off);
	if (!pair_expect_active(&w, LAB_B, PAIR_HOLD + PAIR_MARGIN))
		return;
	lab_run(w.lab, NS_PER_S);
	pair_streams_stop(&w);
	cost = pair_cost(&w);
	if (pair_cost_expect(c, &cost, PAIR_HOLD + PAIR_MARGIN))
		(void)case_expect_u64(c, 0,
			rri_kit_events(&w, LAB_A, EVENT_ROUTE_ADD, 0, NS_NEVER, NULL) +
				rri_kit_events(&w, LAB_B, EVENT_ROUTE_ADD, 0, NS_NEVER, NULL),
			"reverse routes that nobody asked for");
}

static bool
a_active_outside(void *ctx)
{
	return pair_port_state(ctx, PORT_A_OUT) == PAIR_ACTIVE;
}

static bool
b_standby_outside(void *ctx)
{
	return pair_port_state(ctx, PORT_B_OUT) == PAIR_STANDBY;
}

static bool
b_active_outside(void *ctx)
{
	return pair_port_state(ctx, PORT_B_OUT) == PAIR_ACTIVE;
}

/*
 * The other design: HSRP outside only, and inside whoever routes goes by RRI. Here the host is that
 * router: its next hop is the member whose kernel has the route.
 */
static void
outside_only(struct case_run *c)
{
	const struct lab_text k = {.drop = {" standby 2", " redundancy PRIVATE"}};
	const struct lab_fault off = {.kind = FAULT_POWER_OFF, .member = LAB_A};
	struct pair_cost cost;
	struct world w;

	world_open_cold(&w, c, &k, NULL);
	w.c = c;
	case_start(c, LAB_A);
	if (!case_reach(c, "A active outside", PAIR_UP_LIMIT, a_active_outside, w.lab))
		return;
	case_start(c, LAB_B);
	if (!case_reach(c, "B standby outside", PAIR_UP_LIMIT, b_standby_outside, w.lab) ||
		!pair_ready(&w, LAB_B) || !pair_tunnel(&w) ||
		!rri_kit_reach(&w, LAB_A, true, RRI_KIT_SETTLE))
		return;
	host_set_gateway(w.host, LAB_IN_A);
	pair_streams_start(&w, 100, 200);
	lab_run(w.lab, NS_PER_S);
	(void)pair_fault_at_random(&w, &off);
	if (!case_await(c, "B active outside", PAIR_HOLD + PAIR_MARGIN, b_active_outside, w.lab) ||
		!rri_kit_await(&w, LAB_B, true, RRI_KIT_SETTLE))
		return;
	host_set_gateway(w.host, LAB_IN_B);
	lab_run(w.lab, NS_PER_S);
	pair_streams_stop(&w);
	cost = pair_cost(&w);
	(void)pair_cost_expect(c, &cost, PAIR_HOLD + PAIR_MARGIN + RRI_KIT_SETTLE);
}

static const struct case_def cases[] = {
	{
		.id = "rri/vpnha-rri/2a",
		.requirement = "RRI-02",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "Each proxy has its route, and a Delete takes its own alone.",
		.mutant = "rri-one-route",
		.run = several,
	},
	{
		.id = "rri/vpnha-rri/2b",
		.requirement = "RRI-02",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "Overlapping proxies have a route each, of their own length.",
		.mutant = "rri-no-covered",
		.run = overlapping,
	},
	{
		.id = "rri/vpnha-rri/3c",
		.requirement = "RRI-03",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "With a dynamic map the route goes when the SA expires.",
		.mutant = "lifetime-ignored",
		.run = expiry,
	},
	{
		.id = "rri/vpnha-rri/9a",
		.requirement = "RRI-09",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "Without RRI, HSRP on the LAN side carries the traffic over, and there are no reverse "
			"routes.",
		.mutant = "rri-unasked",
		.run = without_rri,
	},
	{
		.id = "rri/vpnha-rri/9b",
		.requirement = "RRI-09, RRI-07",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "With RRI, HSRP outside alone will do: the inside follows the route to the heir.",
		.mutant = "import-no-children",
		.run = outside_only,
	},
};
CASE_SUITE(cases)
