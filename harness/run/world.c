/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The usual world: it joins the pure objects of harness/peer to ports of the lab, and knows their
 * standard addresses. Used by suites and by `baton lab`.
 */
#include "harness/run/world.h"

#include <stdlib.h>
#include <string.h>

#include "harness/run/case_in.h"

#define PEER_KEY "baton-lab-key" /* as harness/lab/text.c writes it */

struct peer_cfg
world_peer_cfg(void)
{
	struct peer_cfg c = {
		.net = {.mac = lab_mac(PORT_PEER), .addr = LAB_OUT_PEER, .prefix_len = 24},
		.remote = LAB_OUT_VIP,
		.psk_len = sizeof(PEER_KEY) - 1,
		.local = {.net = {LAB_REMOTE_NET, 24}},
		.far = {.net = {IP4(10, 0, 0, 0), 24}},
		.inner = LAB_REMOTE_HOST,
	};

	memcpy(c.psk, PEER_KEY, sizeof(PEER_KEY) - 1);
	return c;
}

struct host_cfg
world_host_cfg(void)
{
	return (struct host_cfg){.net = {.mac = lab_mac(PORT_HOST),
					 .addr = LAB_IN_HOST,
					 .prefix_len = 24,
					 .gateway = LAB_IN_VIP}};
}

static void
peer_sends(void *ctx, ns_t now, const uint8_t *frame, size_t len)
{
	struct world *w = ctx;

	(void)now;
	lab_send(w->lab, PORT_PEER, frame, len);
}

/* -- with a NAT: peer, NAT, port -- */

static void
peer_sends_nat(void *ctx, ns_t now, const uint8_t *frame, size_t len)
{
	struct world *w = ctx;

	natbox_from_inside(w->nat, now, frame, len);
}

static void
nat_sends_peer(void *ctx, ns_t now, const uint8_t *frame, size_t len)
{
	struct world *w = ctx;

	peer_frame(w->peer, now, frame, len);
}

static void
to_nat(void *self, ns_t now, const uint8_t *bytes, size_t len)
{
	struct world *w = self;

	natbox_from_outside(w->nat, now, bytes, len);
}

static void
tick_nat(void *self, ns_t now)
{
	struct world *w = self;

	if (natbox_deadline(w->nat) <= now)
		natbox_tick(w->nat, now);
	if (peer_deadline(w->peer) <= now)
		peer_tick(w->peer, now);
}

static ns_t
nat_due(const void *self)
{
	const struct world *w = self;

	return ns_min(natbox_deadline(w->nat), peer_deadline(w->peer));
}

static void
host_sends(void *ctx, ns_t now, const uint8_t *frame, size_t len)
{
	struct world *w = ctx;

	(void)now;
	lab_send(w->lab, PORT_HOST, frame, len);
}

static void
to_peer(void *self, ns_t now, const uint8_t *bytes, size_t len)
{
	peer_frame(self, now, bytes, len);
}

static void
tick_peer(void *self, ns_t now)
{
	peer_tick(self, now);
}

static ns_t
peer_due(const void *self)
{
	return peer_deadline(self);
}

static void
to_host(void *self, ns_t now, const uint8_t *bytes, size_t len)
{
	host_frame(self, now, bytes, len);
}

static void
tick_host(void *self, ns_t now)
{
	host_tick(self, now);
}

static ns_t
host_due(const void *self)
{
	return host_deadline(self);
}

static void
attach_peer(struct world *w, struct keyring *ring, const struct peer_cfg *cfg, uint64_t seed)
{
	w->peer = peer_new(cfg, seed, ring, peer_sends, w);
	lab_attach(w->lab, PORT_PEER,
		&(struct lab_station){.self = w->peer,
			.frame = to_peer,
			.tick = tick_peer,
			.deadline = peer_due});
}

static void
attach_nat(struct world *w, struct keyring *ring, const struct peer_cfg *cfg,
	const struct natbox_cfg *nat, uint64_t seed)
{
	struct natbox_cfg n = *nat;
	struct peer_cfg p = *cfg;

	n.outside = p.net;
	n.inside = (struct netif_cfg){.mac = {{2, 0xba, 0x71, 0, 0, 1}},
		.addr = WORLD_NAT_INNER - 1,
		.prefix_len = 24};
	p.net = (struct netif_cfg){.mac = {{2, 0xba, 0x71, 0, 0, 2}},
		.addr = WORLD_NAT_INNER,
		.prefix_len = 24,
		.gateway = WORLD_NAT_INNER - 1};
	p.natt.on = true;
	w->peer = peer_new(&p, seed, ring, peer_sends_nat, w);
	w->nat = natbox_new(&n, seed, peer_sends, w, nat_sends_peer, w);
	lab_attach(w->lab, PORT_PEER,
		&(struct lab_station){.self = w,
			.frame = to_nat,
			.tick = tick_nat,
			.deadline = nat_due});
}

static bool
attach(struct world *w, struct lab *lab, struct keyring *ring, const struct peer_cfg *cfg,
	const struct natbox_cfg *nat, uint64_t seed)
{
	struct peer_cfg p = cfg ? *cfg : world_peer_cfg();
	struct host_cfg h = world_host_cfg();

	w->lab = lab;
	w->host = host_new(&h, host_sends, w);
	if (nat)
		attach_nat(w, ring, &p, nat, seed);
	else
		attach_peer(w, ring, &p, seed);
	if (!w->peer || !w->host)
		return false;
	lab_attach(lab, PORT_HOST,
		&(struct lab_station){.self = w->host,
			.frame = to_host,
			.tick = tick_host,
			.deadline = host_due});
	return true;
}

bool
world_attach(struct world *w, struct lab *lab, struct keyring *ring, const struct peer_cfg *cfg,
	uint64_t seed)
{
	return attach(w, lab, ring, cfg, NULL, seed);
}

void
world_detach(struct world *w)
{
	lab_attach(w->lab, PORT_PEER, NULL);
	lab_attach(w->lab, PORT_HOST, NULL);
	if (w->peer)
		peer_free(w->peer);
	if (w->host)
		host_free(w->host);
	natbox_free(w->nat);
	w->nat = NULL;
	w->peer = NULL;
	w->host = NULL;
}

static void
at_end(struct case_run *c, void *ctx)
{
	(void)c;
	world_detach(ctx);
	free(ctx);
}

/*
 * The stations point to a world of their own on the heap, which lives to the end of the case; the
 * caller's is a copy of it, so it may go out of scope.
 */
static void
open_cold(struct world *w, struct case_run *c, const struct lab_text *knobs,
	const struct peer_cfg *cfg, const struct natbox_cfg *nat)
{
	struct world *kept = calloc(1, sizeof(*kept));

	if (!kept)
		abort();
	kept->c = c;
	if (!attach(kept, case_lab(c, knobs), case_ring(c), cfg, nat, c->env->seed))
		abort();
	case_at_end(c, at_end, kept);
	*w = *kept;
}

void
world_open_cold(struct world *w, struct case_run *c, const struct lab_text *knobs,
	const struct peer_cfg *cfg)
{
	open_cold(w, c, knobs, cfg, NULL);
}

void
world_open_nat_cold(struct world *w, struct case_run *c, const struct lab_text *knobs,
	const struct peer_cfg *cfg, const struct natbox_cfg *nat)
{
	open_cold(w, c, knobs, cfg, nat);
}

void
world_open(struct world *w, struct case_run *c, const struct lab_text *knobs,
	const struct peer_cfg *cfg)
{
	world_open_cold(w, c, knobs, cfg);
	case_start(c, LAB_A);
	case_start(c, LAB_B);
}
