/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sync channel of a simulated member: the lower address connects, and tries again every 250 ms;
 * the other takes connections from that address alone, and a newer one replaces the older
 * (docs/spec/ssp.md 1). There is no TLS: the connection is up when TCP says so.
 */
#include "harness/lab/sim_router_in.h"

#define TRY_AGAIN (250 * NS_PER_MS)
#define PATIENCE (500 * NS_PER_MS)

void
sim_channel_begin(struct simr *r)
{
	const struct cfg_ssp *s = r->node->ssp_cfg;
	const struct cfg_if *f = s ? cfg_if_towards(r->cfg, s->remote) : NULL;
	unsigned session = r->channel.session + 1;

	r->channel = (struct simr_channel){.conn = -1, .at = NS_NEVER, .session = session};
	if (!f)
		return;
	r->channel.on = true;
	r->channel.local = f->addr;
	r->channel.remote = s->remote;
	r->channel.port = s->port;
	r->channel.client = f->addr < s->remote;
	if (r->channel.client)
		r->channel.at = r->now;
	else
		simt_listen(r->tcp, f->addr, s->port);
}

/* The connection, if there is one, is reset: nothing of it arrives later, here or there. */
static void
drop(struct simr *r, ns_t next_try)
{
	struct simr_channel *c = &r->channel;

	if (c->conn >= 0)
		simt_reset(r->tcp, r->now, c->conn);
	c->conn = -1;
	c->up = false;
	c->session++;
	c->at = c->client ? next_try : NS_NEVER;
}

void
sim_channel_lose(struct simr *r)
{
	drop(r, r->now + TRY_AGAIN);
}

void
sim_channel_end(struct simr *r)
{
	if (!r->channel.on)
		return;
	drop(r, NS_NEVER);
	simt_listen(r->tcp, 0, 0);
	r->channel.on = false;
}

void
sim_channel_bytes(struct simr *r, const uint8_t *bytes, size_t len)
{
	if (r->channel.up)
		simt_send(r->tcp, r->now, r->channel.conn, bytes, len);
}

void
sim_channel_due(struct simr *r)
{
	struct simr_channel *c = &r->channel;

	if (!c->on || r->now < c->at)
		return;
	if (c->conn >= 0) {
		sim_channel_lose(r);
		return;
	}
	c->conn = simt_connect(r->tcp, r->now, c->local, c->remote, c->port);
	c->at = r->now + (c->conn >= 0 ? PATIENCE : TRY_AGAIN);
}

static void
tell(struct simr *r, enum node_in_kind kind, const uint8_t *bytes, size_t len)
{
	const struct node_in in = {.kind = kind, .bytes = bytes, .len = len};

	simr_put(r, &in, kind == NODE_IN_SSP_DOWN ? 0 : r->channel.session);
}

static void
take(struct simr *r, int conn, ip4_t from)
{
	struct simr_channel *c = &r->channel;
	bool was_up = c->up;

	if (!c->on || (from != c->remote && !r->rules.channel.any_address) ||
		(was_up && r->rules.channel.older_stays)) {
		simt_reset(r->tcp, r->now, conn);
		return;
	}
	drop(r, NS_NEVER);
	if (was_up)
		tell(r, NODE_IN_SSP_DOWN, NULL, 0);
	c->conn = conn;
	c->up = true;
	tell(r, NODE_IN_SSP_UP, NULL, 0);
}

static void
lost(struct simr *r)
{
	bool was_up = r->channel.up;

	r->channel.conn = -1; /* the TCP has forgotten it */
	sim_channel_lose(r);
	if (was_up)
		tell(r, NODE_IN_SSP_DOWN, NULL, 0);
}

void
sim_channel_event(void *ctx, ns_t now, enum simt_event e, int conn, ip4_t from, const uint8_t *bytes,
	size_t len)
{
	struct simr *r = ctx;
	bool ours = conn == r->channel.conn;

	(void)now;
	switch (e) {
	case SIMT_ACCEPTED:
		take(r, conn, from);
		return;
	case SIMT_CONNECTED:
		if (ours) {
			r->channel.up = true;
			r->channel.at = NS_NEVER;
			tell(r, NODE_IN_SSP_UP, NULL, 0);
		}
		return;
	case SIMT_DATA:
		if (ours)
			tell(r, NODE_IN_SSP_BYTES, bytes, len);
		return;
	case SIMT_CLOSED:
		if (ours)
			lost(r);
		return;
	}
}
