/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thousand tunnels, one failover. A farm of peers, each with an address, keys and a protected
 * host of its own, stands in the place of the peer, behind a router. An echo request goes through
 * every tunnel before the failover and after it.
 */
#include <stdlib.h>

#include "harness/peer/farm.h"
#include "harness/run/pair.h"

#define TUNNELS 1000
#define WINDOW 8	      /* negotiations at once */
#define APART (2 * NS_PER_MS) /* echo requests: 500 a second */
#define UP_LIMIT (40 * NS_PER_S)

static const struct lab_text knobs = {
	.swap = {{" group 2", " group 19"},
		{"crypto isakmp key ",
			"crypto isakmp key baton-lab-key address 172.20.0.0 255.255.0.0"},
		{"access-list 101 ", "access-list 101 permit ip 10.0.0.0 0.0.0.255 10.64.0.0 "
				     "0.63.255.255"}},
	.add_global = {"ip route 172.20.0.0 255.255.0.0 172.16.31.200"},
};

static void
plan(void *ctx, size_t n, struct peer_cfg *c)
{
	ip4_t at = (ip4_t)(n / 250 << 8 | (n % 250 + 1));

	(void)ctx;
	*c = world_peer_cfg();
	c->net.addr = IP4(172, 20, 0, 0) + at;
	c->net.prefix_len = 8; /* the virtual address is asked for directly */
	c->ike[0] = (struct peer_ike_prop){KEYPRIM_AES, 128, KEYPRIM_SHA1, 19};
	c->ike_cnt = 1;
	c->local.net = (struct ip4_net){IP4(10, 64, 0, 0) + at, 32};
	c->inner = c->local.net.addr;
}

static void
sends(void *ctx, ns_t now, const uint8_t *frame, size_t len)
{
	(void)now;
	lab_send(ctx, PORT_PEER, frame, len);
}

static void
hears(void *self, ns_t now, const uint8_t *bytes, size_t len)
{
	farm_frame(self, now, bytes, len);
}

static void
ticks(void *self, ns_t now)
{
	farm_tick(self, now);
}

static ns_t
due(const void *self)
{
	return farm_deadline(self);
}

static void
at_end(struct case_run *c, void *ctx)
{
	lab_attach(case_lab(c, NULL), PORT_PEER, NULL);
	farm_free(ctx);
}

static struct farm *
settle(struct world *w)
{
	const struct netif_cfg router = world_peer_cfg().net;
	struct farm *f = farm_new(TUNNELS, plan, NULL, &router, lab_random(w->lab, UINT64_MAX),
		case_ring(w->c), sends, w->lab);

	lab_attach(w->lab, PORT_PEER,
		&(struct lab_station){.self = f, .frame = hears, .tick = ticks, .deadline = due});
	case_at_end(w->c, at_end, f);
	return f;
}

static bool
all_up(void *ctx)
{
	return farm_up(ctx) == TUNNELS;
}

static bool
all_answered(void *ctx)
{
	return farm_pinged(ctx) && !farm_silent(ctx);
}

/*
 * Ask through each tunnel, and if one did not answer, once more through all of them: a busy machine
 * may lose a packet of a thousand, but a tunnel that is lost answers no round.
 */
static bool
rounds(struct world *w, struct farm *f)
{
	for (unsigned i = 0; i < 2; i++) {
		farm_ping(f, lab_now(w->lab), LAB_IN_HOST, APART);
		lab_run(w->lab, 10 * NS_PER_MS);
		if (lab_until(w->lab, "an answer through each tunnel", 3 * NS_PER_S, all_answered, f))
			return true;
	}
	farm_ping(f, lab_now(w->lab), LAB_IN_HOST, APART);
	lab_run(w->lab, 10 * NS_PER_MS);
	return false;
}

static bool
both_hold_all(struct world *w)
{
	return pair_show_until(
		       w->lab, LAB_B, "show crypto ipsec sa standby", "", "1000", PAIR_UP_LIMIT) ||
	       (case_inconclusive(w->c, "B never held a copy of all the pairs"), false);
}

/* What the whole cost, and that it cost no tunnel. */
static void
judge(struct world *w, struct farm *f, const struct farm_sum *before)
{
	struct farm_sum s = farm_sum(f);

	case_figure(w->c, "tunnels", (double)s.up, "");
	if (!case_expect_u64(w->c, TUNNELS, s.up, "peers with a tunnel after the failover") ||
		!case_expect_u64(w->c, before->phase1_up, s.phase1_up,
			"Phase 1 negotiations, before and after") ||
		!case_expect_u64(w->c, before->phase2_up, s.phase2_up,
			"Phase 2 negotiations, before and after") ||
		!case_expect_u64(
			w->c, 0, s.replays, "packets refused by the peers' replay windows"))
		return;
	(void)case_expect_u64(w->c, 0, s.bad_icv + s.unknown_spi + s.deletes_in,
		"packets with a bad ICV, on an unknown SPI, or Deletes");
}

static void
thousand(struct case_run *c)
{
	struct farm_sum before;
	struct farm *f;
	struct world w;
	ns_t from;

	if (!pair_up(&w, c, &knobs, NULL) || !pair_ready(&w, LAB_B))
		return;
	f = settle(&w);
	from = lab_now(w.lab);
	farm_bring_up(f, from, WINDOW);
	if (!case_reach(c, "a thousand tunnels", UP_LIMIT, all_up, f))
		return;
	case_figure(c, "negotiated in", (double)(lab_now(w.lab) - from) / 1e9, "s");
	if (!both_hold_all(&w))
		return;
	if (!rounds(&w, f) &&
		!case_reach(c, "an answer through each tunnel", 5 * NS_PER_S, all_answered, f))
		return;
	before = farm_sum(f);
	lab_power_off(w.lab, LAB_A);
	if (!pair_expect_active(&w, LAB_B, PAIR_HOLD + PAIR_MARGIN))
		return;
	(void)rounds(&w, f);
	if (case_await(c, "an answer through each tunnel after the failover", 5 * NS_PER_S,
		    all_answered, f))
		judge(&w, f, &before);
}

static const struct case_def cases[] = {
	{
		.id = "failover/vpnha-scale/1",
		.requirement = "FAILOVER-13, SSP-01",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "A thousand tunnels, one failover: none lost, none negotiated anew.",
		.mutant = "import-no-children",
		.run = thousand,
	},
};
CASE_SUITE(cases)
