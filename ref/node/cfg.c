/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "ref/node/cfg.h"

const struct cfg_if *
cfg_if(const struct cfg *c, const char *name)
{
	for (unsigned i = 0; i < c->if_cnt; i++)
		if (!strcmp(c->ifs[i].name, name))
			return &c->ifs[i];
	return NULL;
}

const struct cfg_tset *
cfg_tset(const struct cfg *c, const char *name)
{
	for (unsigned i = 0; i < c->tset_cnt; i++)
		if (!strcmp(c->tset[i].name, name))
			return &c->tset[i];
	return NULL;
}

const struct cfg_acl *
cfg_acl(const struct cfg *c, const char *name)
{
	for (unsigned i = 0; i < c->acl_cnt; i++)
		if (!strcmp(c->acl[i].name, name))
			return &c->acl[i];
	return NULL;
}

const struct cfg_ssp *
cfg_ssp(const struct cfg *c, unsigned id)
{
	for (unsigned i = 0; i < c->ssp_cnt; i++)
		if (c->ssp[i].id == id)
			return &c->ssp[i];
	return NULL;
}

const struct cfg_if *
cfg_crypto_if(const struct cfg *c)
{
	for (unsigned i = 0; i < c->if_cnt; i++)
		if (c->ifs[i].map[0])
			return &c->ifs[i];
	return NULL;
}

ip4_t
cfg_if_vip(const struct cfg_if *f)
{
	return f->standby_cnt ? f->standby[0].hsrp.vip : f->addr;
}

const struct cfg_ssp *
cfg_channel(const struct cfg *c)
{
	const struct cfg_if *f = cfg_crypto_if(c);
	const struct cfg_ssp *s = f && f->ssp ? cfg_ssp(c, f->ssp) : NULL;

	return s || !c->isakmp_ssp ? s : cfg_ssp(c, c->isakmp_ssp);
}

const struct cfg_if *
cfg_if_towards(const struct cfg *c, ip4_t remote)
{
	for (unsigned i = 0; i < c->if_cnt; i++)
		if (c->ifs[i].addr &&
			ip4_in((struct ip4_net){c->ifs[i].addr, c->ifs[i].len}, remote))
			return &c->ifs[i];
	return NULL;
}

struct cfg_ha
cfg_ha(const struct cfg *c, const char *map)
{
	struct cfg_ha ha = {.inbound = 1000, .outbound = 100000};

	for (unsigned i = 0; i < c->ha_cnt; i++)
		if (!strcmp(c->ha[i].map, map))
			return c->ha[i];
	return ha;
}

static bool
net_same(struct ip4_net a, struct ip4_net b)
{
	return a.addr == b.addr && a.len == b.len;
}

bool
cfg_acl_entry_same(const struct cfg_acl_entry *a, const struct cfg_acl_entry *b)
{
	return a->permit == b->permit && a->proto == b->proto && net_same(a->src, b->src) &&
	       net_same(a->dst, b->dst) && a->sport == b->sport && a->dport == b->dport;
}

bool
cfg_acl_same(const struct cfg_acl *a, const struct cfg_acl *b)
{
	if (a->cnt != b->cnt)
		return false;
	for (unsigned i = 0; i < a->cnt; i++)
		if (!cfg_acl_entry_same(&a->v[i], &b->v[i]))
			return false;
	return true;
}

bool
cfg_tset_same(const struct cfg_tset *a, const struct cfg_tset *b)
{
	return a->cipher == b->cipher && a->key_bits == b->key_bits && a->auth == b->auth;
}

bool
cfg_route_same(const struct cfg_route *a, const struct cfg_route *b)
{
	return net_same(a->net, b->net) && a->gw == b->gw;
}

static bool
lifetimes_same(const struct cfg *ca, const struct cfg_map *a, const struct cfg *cb,
	const struct cfg_map *b)
{
	return (a->lifetime_s ? a->lifetime_s : ca->lifetime_s) ==
		       (b->lifetime_s ? b->lifetime_s : cb->lifetime_s) &&
	       (a->lifetime_kb ? a->lifetime_kb : ca->lifetime_kb) ==
		       (b->lifetime_kb ? b->lifetime_kb : cb->lifetime_kb);
}

bool
cfg_map_same(const struct cfg *ca, const struct cfg_map *a, const struct cfg *cb,
	const struct cfg_map *b)
{
	const struct cfg_acl *la = cfg_acl(ca, a->acl), *lb = cfg_acl(cb, b->acl);

	if (strcmp(a->name, b->name) != 0 || a->seq != b->seq || a->is_template != b->is_template ||
		strcmp(a->dynamic, b->dynamic) != 0 || a->peer != b->peer ||
		a->tset_cnt != b->tset_cnt || a->pfs != b->pfs ||
		a->reverse_route != b->reverse_route || !la != !lb ||
		(la && !cfg_acl_same(la, lb)) || !lifetimes_same(ca, a, cb, b))
		return false;
	for (unsigned i = 0; i < a->tset_cnt; i++)
		if (!cfg_tset_same(cfg_tset(ca, a->tset[i]), cfg_tset(cb, b->tset[i])))
			return false;
	return true;
}

bool
cfg_ssp_same(const struct cfg_ssp *a, const struct cfg_ssp *b)
{
	return a->id == b->id && a->remote == b->remote && a->port == b->port &&
	       a->key.len == b->key.len && !memcmp(a->key.b, b->key.b, a->key.len);
}

void
cfg_init(struct cfg *c)
{
	memset(c, 0, sizeof *c);
	c->lifetime_s = 3600;
	c->lifetime_kb = 4608000;
	c->window = 64;
}
