/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NAT traversal at the router: what shares UDP port 4500 is told apart (RFC 3948 2), keepalives
 * keep a mapping open if we are the side behind the NAT (4), and a peer that has moved is followed
 * by its pairs, here and at the standby (RFC 3947 7).
 */
#include <string.h>

#include "ref/node/node_in.h"

#define MARKER_LEN 4

static bool
same_end(struct ike_end a, struct ike_end b)
{
	return a.addr == b.addr && a.port == b.port;
}

void
nat_udp_in(struct node *n, struct ike_end from, const uint8_t *b, size_t len)
{
	static const uint8_t marker[MARKER_LEN];

	if (len == 1 && b[0] == 0xff)
		n->count[NODE_CNT_NAT_KEEPALIVE_IN]++; /* proves nothing: anybody can send it */
	else if (len < MARKER_LEN)
		n->count[NODE_CNT_MALFORMED]++;
	else if (memcmp(b, marker, MARKER_LEN) != 0)
		traffic_esp_in(n, from, b, len);
	else
		keying_packet(n, from, ISAKMP_PORT_NATT, b + MARKER_LEN, len - MARKER_LEN);
}

/* ---- keepalives ---- */

/* Those of the two kinds that need the mapping: NULL if this one does not. */
static const struct ike_end *
ike_needs(const struct node_ike *k)
{
	return k->used && !k->dormant && k->copy.natt & IKE_NATT_US ? &k->copy.remote : NULL;
}

static const struct ike_end *
pair_needs(const struct node_pair *p)
{
	return p->used && !p->dormant && p->child.natt & IKE_NATT_US ? &p->child.remote : NULL;
}

/* When did anything leave to this end? */
static ns_t
newest(const struct node *n, struct ike_end to)
{
	const struct ike_end *e;
	ns_t t = 0;

	for (unsigned i = 0; i < n->ike_cnt; i++)
		if ((e = ike_needs(&n->ike[i])) && same_end(*e, to) && n->ike[i].sent_at > t)
			t = n->ike[i].sent_at;
	for (unsigned i = 0; i < n->pair_cnt; i++)
		if ((e = pair_needs(&n->pair[i])) && same_end(*e, to) && n->pair[i].sent_at > t)
			t = n->pair[i].sent_at;
	return t;
}

static void
keepalive_send(struct node *n, struct ike_end to)
{
	static const uint8_t ff = 0xff;
	uint8_t buf[IPV4_HDR_LEN + UDP_HDR_LEN + 1];
	const struct ipv4 ip = {.ttl = 64, .id = n->ip_id++, .src = n->vip, .dst = to.addr};
	struct wr w;

	wr_init(&w, buf, sizeof buf);
	udp_packet_write(&w, &ip, ISAKMP_PORT_NATT, to.port, &ff, 1);
	wr_patch_u16(&w, IPV4_HDR_LEN + 6, 0); /* RFC 3948 2.3: no checksum */
	n->count[NODE_CNT_NAT_KEEPALIVE_OUT]++;
	traffic_ip_out(n, buf, w.len);
}

static ns_t
interval(const struct node *n)
{
	return ns_from_s(n->cfg->nat_keepalive_s);
}

/* The moment of the last packet; now, if a keepalive was due. */
static ns_t
look(struct node *n, ns_t sent, struct ike_end to)
{
	if (sent + interval(n) > n->now)
		return sent;
	sent = newest(n, to);
	if (sent + interval(n) > n->now)
		return sent;
	keepalive_send(n, to);
	return n->now;
}

static bool
on(const struct node *n)
{
	return n->live && n->cfg->nat_keepalive_s && n->rules->natt_keepalive;
}

void
nat_tick(struct node *n)
{
	const struct ike_end *e;

	n->nat_at = NS_NEVER;
	if (!on(n))
		return;
	for (unsigned i = 0; i < n->ike_cnt; i++)
		if ((e = ike_needs(&n->ike[i]))) {
			n->ike[i].sent_at = look(n, n->ike[i].sent_at, *e);
			n->nat_at = ns_min(n->nat_at, n->ike[i].sent_at + interval(n));
		}
	for (unsigned i = 0; i < n->pair_cnt; i++)
		if ((e = pair_needs(&n->pair[i]))) {
			n->pair[i].sent_at = look(n, n->pair[i].sent_at, *e);
			n->nat_at = ns_min(n->nat_at, n->pair[i].sent_at + interval(n));
		}
}

/* Something that may need keepalives is there: look at it at the next tick. */
void
nat_wake(struct node *n)
{
	if (on(n))
		n->nat_at = n->now;
}

ns_t
nat_deadline(const struct node *n)
{
	return n->live ? n->nat_at : NS_NEVER;
}

/* ---- a peer that moves ---- */

void
nat_peer_at(struct node *n, struct ike_end was, struct ike_end from)
{
	struct ike_in in = {.kind = IKE_IN_MOVED, .was = was, .remote = from};

	if (!same_end(was, from))
		keying_step(n, &in);
}

/* The ike core has moved its SAs; the standby is told of them by IKE_CHANGED. */
void
nat_moved(struct node *n, struct ike_end was, struct ike_end to)
{
	n->count[NODE_CNT_NAT_MOVED]++;
	for (unsigned i = 0; i < n->pair_cnt; i++) {
		struct node_pair *p = &n->pair[i];

		if (!p->used || p->dormant || !p->child.natt || !same_end(p->child.remote, was))
			continue;
		if (was.addr != to.addr && n->rules->mirror_moves)
			(void)sync_pair_del(n, p); /* its name has the address in it */
		p->child.remote = to;
		pairs_ends(p);
		if (n->rules->mirror_moves)
			(void)sync_pair(n, p);
	}
}
