/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Another configuration for a router that runs. The order: what is about to go is taken leave of while
 * the old configuration still stands (Deletes, Resigns); then the new one is put in its place; then
 * what stayed is told where it stands now, and what is new begins.
 */
#include <string.h>

#include "ref/node/node_in.h"

#define GONE NODE_MAPS

/* The map entries as they were: node_setup writes over the originals. */
struct before {
	const struct cfg *cfg;
	const struct cfg_map *map[NODE_MAPS];
	unsigned map_cnt;
};

/* ---- comparing ---- */

/* Same interface, same virtual address, same map's name: its SAs can stay. */
static bool
outside_same(const struct cfg *a, const struct cfg *b)
{
	const struct cfg_if *fa = cfg_crypto_if(a), *fb = cfg_crypto_if(b);

	if (!fa || !fb)
		return fa == fb;
	return !strcmp(fa->name, fb->name) && cfg_if_vip(fa) == cfg_if_vip(fb) &&
	       !strcmp(fa->map, fb->map);
}

/* The keepalive and the lease come from the timers of the groups. */
static bool
timers_same(const struct cfg *a, const struct cfg *b)
{
	ns_t hello[2] = {NS_PER_S, NS_PER_S}, hold[2] = {0, 0};
	const struct cfg *c[2] = {a, b};

	for (unsigned s = 0; s < 2; s++)
		for (unsigned i = 0; i < c[s]->if_cnt; i++)
			for (unsigned k = 0; k < c[s]->ifs[i].standby_cnt; k++) {
				const struct hsrp_cfg *h = &c[s]->ifs[i].standby[k].hsrp;

				if (!h->timers_set)
					continue;
				hello[s] = ns_min(hello[s], h->hello);
				hold[s] = h->hold > hold[s] ? h->hold : hold[s];
			}
	return hello[0] == hello[1] && hold[0] == hold[1];
}

static ip4_t
local_address(const struct cfg *c, const struct cfg_ssp *s)
{
	const struct cfg_if *f = cfg_if_towards(c, s->remote);

	return f ? f->addr : 0;
}

bool
node_channel_same(const struct cfg *a, const struct cfg *b)
{
	const struct cfg_ssp *sa = cfg_channel(a), *sb = cfg_channel(b);

	if (!sa || !sb)
		return sa == sb;
	return cfg_ssp_same(sa, sb) && timers_same(a, b) && local_address(a, sa) == local_address(b, sb);
}

/* ---- SAs ---- */

static void
drop_all(struct node *n)
{
	for (unsigned i = 0; i < n->ike_cnt; i++) {
		struct ike_in del = {.kind = IKE_IN_DELETE_SA, .send = n->live, .children = true};

		del.cookies = n->ike[i].cookies;
		if (n->ike[i].used && !n->ike[i].dormant)
			keying_step(n, &del);
	}
	for (unsigned i = n->pair_cnt; i-- > 0;)
		if (i < n->pair_cnt && n->pair[i].used) {
			(void)sync_pair_del(n, &n->pair[i]);
			pairs_drop(n, &n->pair[i]);
		}
	for (unsigned i = 0; i < n->ike_cnt; i++)
		if (n->ike[i].used) {
			(void)sync_ike_del(n, &n->ike[i].cookies);
			keying_drop(n, &n->ike[i]);
		}
}

static void
drop_entry(struct node *n, unsigned map)
{
	for (unsigned i = n->pair_cnt; i-- > 0;) {
		struct node_pair *p = &n->pair[i];

		if (i >= n->pair_cnt || !p->used || p->map != map)
			continue;
		if (!p->dormant && n->live)
			pairs_delete(n, p, "its map entry has changed");
		else
			pairs_drop(n, p);
	}
}

/* Where an entry of the old map stands in the new one; GONE if it is not there, or says something else. */
static unsigned
entry_now(const struct node *n, const struct before *old, unsigned i)
{
	for (unsigned k = 0; k < n->map_cnt; k++)
		if (n->rules->configure_deletes
				? cfg_map_same(old->cfg, old->map[i], n->cfg, n->map[k].cfg)
				: k == i)
			return k;
	return GONE;
}

/* Those that will not be in the next configuration, while this one can still say Delete. */
static void
entries_leave(struct node *n, const struct cfg *next)
{
	for (unsigned i = 0; i < n->map_cnt; i++) {
		bool stays = false;

		for (unsigned k = 0; k < next->map_cnt && !stays; k++)
			stays = cfg_map_same(n->cfg, n->map[i].cfg, next, &next->map[k]);
		if (!stays)
			drop_entry(n, i);
	}
}

static void
entries_move(struct node *n, const struct before *old)
{
	unsigned to[NODE_MAPS];

	for (unsigned i = 0; i < old->map_cnt; i++) {
		to[i] = entry_now(n, old, i);
		if (to[i] == GONE) /* it stands in the text, but not in the map of the interface */
			drop_entry(n, i);
	}
	for (unsigned i = 0; i < n->pair_cnt; i++) {
		struct node_pair *p = &n->pair[i];

		if (!p->used)
			continue;
		p->map = to[p->map];
		p->child.map_id = p->map + 1;
	}
	ike_remap(&n->ike_core, to, old->map_cnt);
}

static bool
still_static(const struct node *n, struct ip4_net net)
{
	for (unsigned i = 0; i < n->map_cnt; i++) {
		const struct node_map *m = &n->map[i];

		for (unsigned k = 0; m->reverse_route && !m->is_dynamic && m->acl && k < m->acl->cnt; k++)
			if (m->acl->v[k].permit && m->acl->v[k].dst.addr == net.addr &&
				m->acl->v[k].dst.len == net.len)
				return true;
	}
	return false;
}

static void
routes_move(struct node *n)
{
	for (unsigned i = n->rri.cnt; i-- > 0;) {
		struct rri_in in = {.kind = RRI_IN_STATIC_GONE};

		if (i >= n->rri.cnt || !n->rri.v[i].is_static || still_static(n, n->rri.v[i].net))
			continue;
		in.net = n->rri.v[i].net;
		rri_step(&n->rri, n->now, &in, &n->rri_acts);
		node_emit_routes(n);
	}
	node_static_routes(n);
}

/* ---- the whole ---- */

static void
interfaces_move(
	struct node *n, const struct cfg *next, const struct mac *macs, unsigned from[CFG_IFS])
{
	bool link[CFG_IFS] = {false};

	for (unsigned i = 0; i < CFG_IFS; i++) {
		const struct cfg_if *f =
			i < next->if_cnt ? cfg_if(n->cfg, next->ifs[i].name) : NULL;

		from[i] = f ? (unsigned)(f - n->cfg->ifs) : CFG_IFS;
		link[i] = f && n->link[from[i]];
	}
	memcpy(n->link, link, sizeof link);
	memcpy(n->mac, macs, next->if_cnt * sizeof n->mac[0]);
}

static void
setup_again(struct node *n, const struct cfg *next)
{
	struct ssp_cfg ssp = {0};

	n->cfg = next;
	wipe(n->ike_psk, sizeof n->ike_psk);
	memset(n->map, 0, sizeof n->map);
	memset(n->ike_map, 0, sizeof n->ike_map);
	n->map_cnt = n->ike_acl_cnt = 0;
	n->vip = 0;
	n->ssp_ike = n->ssp_ipsec = false;
	node_setup(n);
	ssp.group = n->ssp_cfg ? n->ssp_cfg->id : 0;
	ssp.keepalive = node_keepalive(n);
	ssp.lease = node_lease(n);
	ssp_configure(&n->ssp, &ssp);
}

void
node_leave(struct node *n, ns_t now, const struct cfg *next, struct entropy *e)
{
	n->now = now;
	n->entropy = e;
	if (!outside_same(n->cfg, next) || !n->rules->configure_spares)
		drop_all(n);
	if (n->rules->configure_deletes)
		entries_leave(n, next);
	groups_leave(n, next);
}

void
node_configure(struct node *n, ns_t now, const struct cfg *next, const struct mac *macs,
	struct entropy *e)
{
	struct before old = {.cfg = n->cfg};
	unsigned from[CFG_IFS];

	n->now = now;
	n->entropy = e;
	old.map_cnt = n->map_cnt;
	for (unsigned i = 0; i < n->map_cnt; i++)
		old.map[i] = n->map[i].cfg;
	interfaces_move(n, next, macs, from);
	setup_again(n, next);
	entries_move(n, &old);
	groups_configure(n, old.cfg, from);
	routes_move(n);
	role_settle(n);
	nat_wake(n);
	n->keying_at = n->pairs_at = n->copies_at = n->now;
	pairs_changed(n);
	node_note(n, "node", "configured", 0, 0);
	node_trace(n, NODE_DEBUG_SSP_CONFIG, "ssp", "group",
		n->ssp_cfg ? n->ssp_cfg->remote : 0, n->ssp_cfg ? n->ssp_cfg->id : 0);
}
