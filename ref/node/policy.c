/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which packets the policy protects, and by which SA pair. Entries of the crypto map in order; in
 * an entry the access list's first match decides, and a deny means "not this entry". A dynamic
 * entry without a list protects what its SAs cover.
 */
#include <string.h>

#include "ref/node/node_in.h"

struct policy_flow
policy_flow_of(const uint8_t *ip, size_t len)
{
	struct policy_flow f = {0};
	struct ipv4 h;
	struct rd r, p;

	rd_init(&r, ip, len);
	if (ipv4_decode(&r, &h, &p, NULL) != ERR_OK)
		return f;
	f.src = h.src;
	f.dst = h.dst;
	f.proto = h.proto;
	f.ports_unknown = (h.frag & 0x1fff) != 0;
	if ((h.proto == IPV4_PROTO_UDP || h.proto == IPV4_PROTO_TCP) && !(h.frag & 0x1fff)) {
		f.sport = rd_u16(&p, "sport");
		f.dport = rd_u16(&p, "dport");
	}
	return f;
}

struct policy_flow
policy_reversed(struct policy_flow f)
{
	return (struct policy_flow){f.dst, f.src, f.proto, f.dport, f.sport, f.ports_unknown};
}

static bool
entry_match(const struct cfg_acl_entry *e, const struct policy_flow *f)
{
	bool ports = (!e->sport || e->sport == f->sport) && (!e->dport || e->dport == f->dport);

	/* a fragment whose ports nobody knows is protected where any of its ports would be */
	if (f->ports_unknown && (e->sport || e->dport))
		ports = e->permit;
	return ip4_in(e->src, f->src) && ip4_in(e->dst, f->dst) &&
	       (!e->proto || e->proto == f->proto) && ports;
}

static bool
proxy_match(const struct ike_proxy *p, ip4_t a, uint8_t proto, uint16_t port)
{
	return ip4_in(p->net, a) && (!p->proto || p->proto == proto) &&
	       (!p->port || p->port == port);
}

bool
policy_covers(const struct ike_proxy *local, const struct ike_proxy *remote,
	const struct policy_flow *f)
{
	return proxy_match(local, f->src, f->proto, f->sport) &&
	       proxy_match(remote, f->dst, f->proto, f->dport);
}

static bool
pair_covers(const struct node_pair *p, const struct policy_flow *f)
{
	return policy_covers(&p->child.proxy_local, &p->child.proxy_remote, f);
}

/* The entry of the map that protects this outbound flow; map_cnt if none does. */
static unsigned
entry_for(const struct node *n, const struct policy_flow *f)
{
	for (unsigned i = 0; i < n->map_cnt; i++) {
		const struct cfg_acl *acl = n->map[i].acl;

		for (unsigned k = 0; acl && k < acl->cnt; k++) {
			if (!entry_match(&acl->v[k], f))
				continue;
			if (acl->v[k].permit)
				return i;
			break;
		}
		for (unsigned k = 0; !acl && k < n->pair_cnt; k++)
			if (n->pair[k].used && n->pair[k].map == i && pair_covers(&n->pair[k], f))
				return i;
	}
	return n->map_cnt;
}

static bool
better(const struct node_pair *p, const struct node_pair *than)
{
	if (p->unproven != than->unproven)
		return than->unproven;
	return p->dying != than->dying ? than->dying : replace_newer(p, than);
}

/* The newest pair that may carry this flow; one that an heir is not sure of, or that was replaced,
 * only if there is no other. */
static struct node_pair *
pair_for(struct node *n, unsigned map, const struct policy_flow *f)
{
	struct node_pair *best = NULL;

	for (unsigned i = 0; i < n->pair_cnt; i++) {
		struct node_pair *p = &n->pair[i];

		if (!p->used || p->dormant || !p->use_out || p->map != map || !pair_covers(p, f))
			continue;
		if (!best || (n->rules->outbound_oldest ? p->born < best->born : better(p, best)))
			best = p;
	}
	return best;
}

/* ---- answers that are remembered ---- */

static struct node_flow
question(const struct node *n, const struct policy_flow *f)
{
	struct node_flow q;

	memset(&q, 0, sizeof q); /* it is hashed */
	q.generation = n->generation;
	q.src = f->src;
	q.dst = f->dst;
	q.sport = f->sport;
	q.dport = f->dport;
	q.proto = f->proto;
	q.ports_unknown = f->ports_unknown;
	return q;
}

/* Only a whole answer is remembered: in clear, or this pair. */
unsigned
policy_answer(struct node *n, const struct policy_flow *f, struct node_pair **p)
{
	struct node_flow q = question(n, f);
	struct node_flow *c = &n->flow[index_hash(&n->by_spi, &q, sizeof q) % NODE_FLOWS];
	unsigned map;

	q.map = c->map;
	q.pair = c->pair;
	if (!memcmp(&q, c, sizeof q)) {
		*p = c->map < n->map_cnt ? &n->pair[c->pair] : NULL;
		return c->map;
	}
	map = entry_for(n, f);
	*p = map < n->map_cnt ? pair_for(n, map, f) : NULL;
	if (*p || map == n->map_cnt) {
		q.map = (uint16_t)map;
		q.pair = *p ? (uint16_t)pairs_index(n, *p) : 0;
		memcpy(c, &q, sizeof q);
	}
	return map;
}

bool
policy_wanted(struct node *n, const uint8_t *ip, size_t len)
{
	struct policy_flow f = policy_flow_of(ip, len), back = policy_reversed(f);
	struct node_pair *p;

	return policy_answer(n, &back, &p) < n->map_cnt;
}
