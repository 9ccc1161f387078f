/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The NAT (natbox.h). A packet is put together (netif), its addresses and ports changed, its
 * checksums made anew (one that was absent stays absent), and sent on, in fragments if it must.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/field/pkt.h"
#include "harness/peer/natbox.h"

#define FIRST_PORT 20000
#define PORTS 20000

struct mapping {
	bool used;
	ip4_t inner;
	uint16_t inner_port, public_port;
	ns_t last; /* outward packet */
};

struct held { /* a frame on its way inside */
	struct held *next;
	size_t len;
	uint8_t bytes[];
};

struct natbox {
	struct natbox_cfg cfg;
	struct netif out, in;
	netif_send *to_inside;
	void *inside_ctx;
	struct mapping map[NATBOX_MAPPINGS];
	uint64_t rng;
	struct held *head, **tail;
	ns_t now;
	bool block_out, block_in;
	struct natbox_counters n;
};

static void *
must(void *p)
{
	if (!p) {
		fprintf(stderr, "natbox: out of memory\n");
		abort();
	}
	return p;
}

static void
hold(void *ctx, ns_t now, const uint8_t *frame, size_t len)
{
	struct natbox *n = ctx;
	struct held *h = must(malloc(sizeof *h + len));

	n->now = now;
	h->next = NULL;
	h->len = len;
	memcpy(h->bytes, frame, len);
	*n->tail = h;
	n->tail = &h->next;
}

struct natbox *
natbox_new(const struct natbox_cfg *cfg, uint64_t seed, netif_send *to_outside, void *outside_ctx,
	netif_send *to_inside, void *inside_ctx)
{
	struct natbox *n = must(calloc(1, sizeof *n));

	n->cfg = *cfg;
	n->rng = seed;
	n->tail = &n->head;
	n->to_inside = to_inside;
	n->inside_ctx = inside_ctx;
	netif_init(&n->out, &cfg->outside, to_outside, outside_ctx);
	netif_init(&n->in, &cfg->inside, hold, n);
	n->in.cfg.router = true;
	return n;
}

static struct held *
take(struct natbox *n)
{
	struct held *h = n->head;

	if (h)
		n->head = h->next;
	if (!n->head)
		n->tail = &n->head;
	return h;
}

void
natbox_free(struct natbox *n)
{
	struct held *h;

	if (!n)
		return;
	while ((h = take(n)))
		free(h);
	free(n);
}

/* -- mappings -- */

static uint16_t
draw_port(struct natbox *n)
{
	n->rng = n->rng * 6364136223846793005u + 1442695040888963407u;
	return (uint16_t)(FIRST_PORT + (n->rng >> 33) % PORTS);
}

static struct mapping *
by_public(struct natbox *n, uint16_t port)
{
	for (size_t i = 0; i < NATBOX_MAPPINGS; i++)
		if (n->map[i].used && n->map[i].public_port == port)
			return &n->map[i];
	return NULL;
}

static struct mapping *
by_inner(struct natbox *n, ip4_t inner, uint16_t port)
{
	for (size_t i = 0; i < NATBOX_MAPPINGS; i++)
		if (n->map[i].used && n->map[i].inner == inner && n->map[i].inner_port == port)
			return &n->map[i];
	return NULL;
}

static struct mapping *
new_mapping(struct natbox *n, ns_t now, ip4_t inner, uint16_t port, uint16_t public_port)
{
	struct mapping *m = NULL;

	for (size_t i = 0; i < NATBOX_MAPPINGS && !m; i++)
		if (!n->map[i].used)
			m = &n->map[i];
	if (!m)
		return NULL;
	while (!public_port || by_public(n, public_port))
		public_port = draw_port(n);
	*m = (struct mapping){.used = true,
		.inner = inner,
		.inner_port = port,
		.public_port = public_port,
		.last = now};
	n->n.made++;
	return m;
}

static void
expire(struct natbox *n, ns_t now)
{
	for (size_t i = 0; i < NATBOX_MAPPINGS && n->cfg.timeout; i++)
		if (n->map[i].used && now - n->map[i].last >= n->cfg.timeout) {
			n->map[i].used = false;
			n->n.expired++;
		}
}

/* -- translation -- */

static uint16_t
far_port(const struct natbox *n, uint16_t port, bool inwards)
{
	uint16_t p500 = n->cfg.far_500 ? n->cfg.far_500 : 500;
	uint16_t p4500 = n->cfg.far_4500 ? n->cfg.far_4500 : 4500;

	if (!n->cfg.far)
		return port;
	if (inwards)
		return port == 500 ? p500 : port == 4500 ? p4500 : port;
	return port == p500 ? 500 : port == p4500 ? 4500 : port;
}

static void
send_on(struct netif *to, ns_t now, const struct pkt *k, const struct pkt_ip *ends, uint16_t sport,
	uint16_t dport)
{
	uint8_t ip[NETIF_PACKET_MAX];
	struct pkt_ip h = *ends;
	size_t len;

	h.ttl = k->ttl > 1 ? (uint8_t)(k->ttl - 1) : 1;
	h.tos = k->tos;
	h.id = netif_next_id(to);
	h.df = k->df;
	len = pkt_put_udp(ip, sizeof ip, &h, sport, dport, k->data, k->data_len);
	if (!len)
		return;
	if (!(k->l4[6] | k->l4[7])) /* it had no checksum */
		memset(ip + 26, 0, 2);
	netif_ip(to, now, ip, len);
}

/* The IPv4 packet, taken apart, if it may be translated at all. */
static bool
is_ours(struct natbox *n, const uint8_t *ip, size_t len, bool blocked, struct pkt *k)
{
	if (!ip || !pkt_parse_ip(k, ip, len))
		return false;
	n->n.filtered += blocked;
	n->n.not_udp += !blocked && !k->is_udp;
	return !blocked && k->is_udp;
}

void
natbox_from_inside(struct natbox *n, ns_t now, const uint8_t *frame, size_t len)
{
	struct pkt_ip ends = {.src = n->out.cfg.addr};
	struct mapping *m;
	const uint8_t *ip;
	size_t ip_len;
	struct pkt k;

	expire(n, now);
	ip = netif_frame(&n->in, now, frame, len, &ip_len);
	if (!is_ours(n, ip, ip_len, n->block_out, &k))
		return;
	m = by_inner(n, k.src, k.sport);
	if (!m)
		m = new_mapping(n, now, k.src, k.sport, n->cfg.keep_ports ? k.sport : 0);
	if (!m) {
		n->n.full++;
		return;
	}
	m->last = now;
	n->n.out++;
	ends.dst = n->cfg.far && k.dst == n->cfg.far_seen ? n->cfg.far : k.dst;
	send_on(&n->out, now, &k, &ends, m->public_port, far_port(n, k.dport, false));
}

void
natbox_from_outside(struct natbox *n, ns_t now, const uint8_t *frame, size_t len)
{
	struct pkt_ip ends = {.dst = 0};
	const struct mapping *m;
	const uint8_t *ip;
	size_t ip_len;
	struct pkt k;

	expire(n, now);
	ip = netif_frame(&n->out, now, frame, len, &ip_len);
	if (!is_ours(n, ip, ip_len, n->block_in, &k))
		return;
	m = by_public(n, k.dport);
	if (!m && n->cfg.inner && !by_inner(n, n->cfg.inner, k.dport))
		m = new_mapping(n, now, n->cfg.inner, k.dport, k.dport);
	if (!m) {
		n->n.no_mapping++;
		return;
	}
	ends.dst = m->inner;
	ends.src = n->cfg.far && k.src == n->cfg.far ? n->cfg.far_seen : k.src;
	n->n.in++;
	send_on(&n->in, now, &k, &ends, far_port(n, k.sport, true), m->inner_port);
}

void
natbox_tick(struct natbox *n, ns_t now)
{
	struct held *h;

	netif_tick(&n->out, now);
	netif_tick(&n->in, now);
	while ((h = take(n))) {
		n->to_inside(n->inside_ctx, now, h->bytes, h->len);
		free(h);
	}
}

ns_t
natbox_deadline(const struct natbox *n)
{
	ns_t at = ns_min(netif_deadline(&n->out), netif_deadline(&n->in));

	return n->head ? ns_min(at, n->now) : at;
}

/* -- what a case may do -- */

void
natbox_restart(struct natbox *n)
{
	memset(n->map, 0, sizeof n->map);
}

void
natbox_remap(struct natbox *n, ip4_t inner, uint16_t inner_port, uint16_t public_port)
{
	struct mapping *m = by_inner(n, inner, inner_port);

	if (m)
		m->public_port = public_port;
	else
		(void)new_mapping(n, n->now, inner, inner_port, public_port);
}

void
natbox_move(struct natbox *n, ns_t now, ip4_t addr)
{
	static const struct mac all = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
	uint8_t f[64];
	size_t len;

	n->out.cfg.addr = addr;
	len = pkt_put_arp(f, sizeof f, &all, 1, &n->out.cfg.mac, addr, &n->out.cfg.mac, addr);
	netif_raw(&n->out, now, f, len);
}

void
natbox_block(struct natbox *n, bool out, bool in)
{
	n->block_out = out;
	n->block_in = in;
}

uint16_t
natbox_public(const struct natbox *n, ip4_t inner, uint16_t inner_port)
{
	for (size_t i = 0; i < NATBOX_MAPPINGS; i++)
		if (n->map[i].used && n->map[i].inner == inner &&
			n->map[i].inner_port == inner_port)
			return n->map[i].public_port;
	return 0;
}

ip4_t
natbox_addr(const struct natbox *n)
{
	return n->out.cfg.addr;
}

const struct natbox_counters *
natbox_counters(const struct natbox *n)
{
	return &n->n;
}
