/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NAT traversal of the peer (RFC 3947, RFC 3948), both roles: is there a NAT, and who is behind it;
 * keepalives; following the other when its mapping changes. The move to port 4500 is in peer_mm.c,
 * where message 5 is; the marker and UDP are in peer_send.c and peer_esp.c.
 *
 * Only who is not behind a NAT follows (7), and only a packet that is authentic and new. All SAs
 * move at once, since there is one other gateway.
 */
#include <string.h>

#include "harness/peer/peer_priv.h"

static const uint8_t natt_vid[16] = {0x4a, 0x13, 0x1c, 0x81, 0x07, 0x03, 0x58, 0x45, 0x5c, 0x57,
	0x28, 0xf2, 0x0e, 0x95, 0x45, 0x2f}; /* 3.1 */

/* The way that was found before, if there is one (4: a rekey starts from the new port). */
struct endpoint
peer_first_endpoint(const struct peer *p)
{
	const struct peer_natt *n = &p->cfg.natt;
	const struct ike *best = NULL;

	for (size_t i = 0; i < p->ike_cnt; i++)
		if (p->ikes[i].used && p->ikes[i].up && p->ikes[i].at.local == PORT_NATT &&
			(!best || p->ikes[i].record > best->record))
			best = &p->ikes[i];
	if (best)
		return best->at;
	for (size_t i = 0; i < p->child_cnt; i++)
		if (p->children[i].used && p->children[i].udp)
			return p->children[i].at;
	if (n->from_4500)
		return (struct endpoint){
			p->cfg.remote, PORT_NATT, n->port_natt ? n->port_natt : PORT_NATT};
	return (struct endpoint){p->cfg.remote, PORT_IKE, n->port ? n->port : PORT_IKE};
}

bool
peer_endpoint_good(const struct peer *p, const struct endpoint *from)
{
	return from->addr == p->cfg.remote || from->addr == peer_first_endpoint(p).addr;
}

void
peer_natt_put_vid(struct peer *p, struct chain_out *o)
{
	if (p->cfg.natt.on)
		peer_chain_put(o, PL_VID, natt_vid, sizeof natt_vid);
}

/* 3.1: in the first two messages, or not at all. */
void
peer_natt_read_vid(const struct peer *p, const struct in *m, struct ike *s)
{
	for (size_t i = 0; i < m->c.cnt; i++)
		if (m->c.item[i].type == PL_VID && m->c.item[i].len == sizeof natt_vid &&
			!memcmp(m->c.item[i].body, natt_vid, sizeof natt_vid))
			s->natt = p->cfg.natt.on;
}

/* 3.2: HASH(CKY-I | CKY-R | IP | Port), with the hash that was negotiated. Its length. */
static size_t
natd_hash(const struct ike *s, ip4_t addr, uint16_t port, uint8_t *out)
{
	uint8_t where[6] = {(uint8_t)(addr >> 24), (uint8_t)(addr >> 16), (uint8_t)(addr >> 8),
		(uint8_t)addr, (uint8_t)(port >> 8), (uint8_t)port};

	keyprim_digest(s->k.hash,
		(struct span[]){SPAN(s->k.icookie, 8), SPAN(s->k.rcookie, 8), SPAN(where, 6)}, 3,
		out);
	return keyprim_hash_len(s->k.hash);
}

static void
put_hash(struct peer *p, const struct ike *s, struct chain_out *o, ip4_t addr, uint16_t port,
	bool wrong)
{
	uint8_t h[KEYPRIM_HASH_MAX];
	size_t len = natd_hash(s, addr, port, h);

	if (wrong)
		peer_random(p, h, len);
	peer_chain_put(o, PL_NATD, h, len - (p->wrong.natd_short ? 1 : 0));
}

/* The other's first, then ours; of several of ours, only the last is the address we send from. */
void
peer_natt_put_natd(struct peer *p, const struct ike *s, struct chain_out *o)
{
	ip4_t own = p->cfg.net.addr;
	unsigned more = p->cfg.natt.locals ? p->cfg.natt.locals - 1u : 0;

	if (p->wrong.natd_none)
		return;
	put_hash(p, s, o, s->at.addr, s->at.remote, p->wrong.natd_there);
	for (unsigned i = 0; i < more; i++)
		put_hash(p, s, o, own ^ (i + 1) << 8, s->at.local, false);
	put_hash(p, s, o, own, s->at.local, p->wrong.natd_here || p->cfg.natt.fake);
}

static bool
is_hash(const struct ike *s, const struct chain_item *i, ip4_t addr, uint16_t port)
{
	uint8_t h[KEYPRIM_HASH_MAX];
	size_t len = natd_hash(s, addr, port, h);

	return i->len == len && !memcmp(i->body, h, len);
}

void
peer_natt_read_natd(const struct peer *p, const struct in *m, struct ike *s)
{
	size_t cnt = peer_chain_count(&m->c, PL_NATD);

	if (!s->natt)
		return;
	if (cnt < 2) { /* one of theirs and one of ours at the least: the probe ends */
		s->natt = false;
		return;
	}
	s->nat_here =
		!is_hash(s, peer_chain_get(&m->c, PL_NATD, 0), p->cfg.net.addr, m->from.local);
	s->nat_there = true;
	for (size_t n = 1; n < cnt; n++)
		if (is_hash(s, peer_chain_get(&m->c, PL_NATD, n), m->from.addr, m->from.remote))
			s->nat_there = false;
	s->encap = s->nat_here || s->nat_there || p->cfg.natt.fake;
}

/* -- following (7) -- */

static void
move(struct peer *p, ns_t now, const struct endpoint *to)
{
	struct peer_event *e = peer_note(p, now, PEER_EV_MAPPING, to->remote, NULL);

	e->addr = to->addr;
	p->n.mappings++;
	for (size_t i = 0; i < p->ike_cnt; i++)
		if (p->ikes[i].used && p->ikes[i].up && p->ikes[i].encap)
			p->ikes[i].at = *to;
	for (size_t i = 0; i < p->child_cnt; i++)
		if (p->children[i].used && p->children[i].udp)
			p->children[i].at = *to;
}

static bool
elsewhere(const struct endpoint *known, const struct endpoint *from)
{
	return from->local == PORT_NATT &&
	       (known->addr != from->addr || known->remote != from->remote);
}

void
peer_natt_heard_ike(struct peer *p, ns_t now, struct ike *s, const struct endpoint *from)
{
	if (!s->nat_there || s->nat_here || !elsewhere(&s->at, from))
		return;
	s->at = *from;
	move(p, now, from);
}

void
peer_natt_heard_esp(struct peer *p, ns_t now, struct child *c, const struct endpoint *from)
{
	if (c->udp && c->nat_there && !c->nat_here && elsewhere(&c->at, from))
		move(p, now, from);
}

/* -- keepalives (RFC 3948 4) -- */

static void
keepalive(struct peer *p, ns_t now, const struct endpoint *to)
{
	static const uint8_t octet = 0xff;

	p->n.keepalives_out++;
	peer_udp_out(p, now, to, &octet, 1, false);
}

void
peer_keepalive(struct peer *p, ns_t now)
{
	struct endpoint to = peer_first_endpoint(p);

	if (to.local == PORT_NATT)
		keepalive(p, now, &to);
}

/* Is there an SA for whose sake the mapping must live? */
static bool
behind(const struct peer *p)
{
	for (size_t i = 0; i < p->ike_cnt; i++)
		if (p->ikes[i].used && p->ikes[i].up && p->ikes[i].nat_here)
			return true;
	for (size_t i = 0; i < p->child_cnt; i++)
		if (p->children[i].used && p->children[i].udp && p->children[i].nat_here)
			return true;
	return false;
}

ns_t
peer_natt_deadline(const struct peer *p)
{
	if (!p->cfg.natt.on || p->cfg.natt.keepalive == NS_NEVER || !behind(p))
		return NS_NEVER;
	return p->natt_sent + p->cfg.natt.keepalive;
}

void
peer_natt_tick(struct peer *p, ns_t now)
{
	if (now >= peer_natt_deadline(p)) {
		peer_keepalive(p, now);
		p->natt_sent = now; /* even if there was no way to send it */
	}
}
