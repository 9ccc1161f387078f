/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness/run/pair_farm.h"

const struct lab_text pair_farm_knobs = {
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

struct farm *
pair_farm(struct world *w, size_t cnt)
{
	const struct netif_cfg router = world_peer_cfg().net;
	struct farm *f = farm_new(cnt, plan, NULL, &router, lab_random(w->lab, UINT64_MAX),
		case_ring(w->c), sends, w->lab);

	lab_attach(w->lab, PORT_PEER,
		&(struct lab_station){.self = f, .frame = hears, .tick = ticks, .deadline = due});
	case_at_end(w->c, at_end, f);
	return f;
}

