/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The `no` forms: each takes back what its command wrote, so that the default holds again. What is
 * not there to be taken back is no error, as in any console of this kind; what others still refer
 * to is found by the check of the whole.
 */
#include <string.h>

#include "ref/config/commands_int.h"

/* Take element i out of an array of cnt elements. */
#define TAKE_OUT(array, cnt, i)                                                                    \
	do {                                                                                       \
		(cnt)--;                                                                           \
		memmove(&(array)[i], &(array)[(i) + 1], ((cnt) - (i)) * sizeof (array)[0]);        \
		wipe(&(array)[cnt], sizeof (array)[0]);                                            \
	} while (0)

#define NO(name) void command_no_##name(struct parse *p, const struct arg *a)
#define UNUSED ((void)p, (void)a)

/* ---- global ---- */

NO(hostname)
{
	(void)a;
	p->cfg->hostname[0] = '\0';
}

NO(interface)
{
	for (unsigned i = 0; i < p->cfg->if_cnt; i++)
		if (!strcmp(p->cfg->ifs[i].name, a[0].text))
			TAKE_OUT(p->cfg->ifs, p->cfg->if_cnt, i);
}

NO(policy)
{
	for (unsigned i = 0; i < p->cfg->policy_cnt; i++)
		if (p->cfg->policy[i].priority == a[0].num)
			TAKE_OUT(p->cfg->policy, p->cfg->policy_cnt, i);
}

/* a: address, mask */
static void
key_out(struct cfg *c, const struct arg *a)
{
	uint8_t len = a[1].has ? a[1].len : 32;

	for (unsigned i = 0; i < c->key_cnt; i++)
		if (c->key[i].addr == a[0].ip && c->key[i].len == len)
			TAKE_OUT(c->key, c->key_cnt, i);
}

NO(isakmp_key)
{
	key_out(p->cfg, a + 1);
}

NO(isakmp_key_of)
{
	key_out(p->cfg, a);
}

NO(keepalive)
{
	(void)a;
	p->cfg->keepalive_ms = p->cfg->keepalive_retry_ms = 0;
	p->cfg->keepalive_periodic = false;
}

NO(df_bit)
{
	(void)a;
	p->cfg->df = CFG_DF_CLEAR;
}

NO(fragmentation)
{
	(void)a;
	p->cfg->fragment_before = false;
}

NO(commit)
{
	(void)a;
	p->cfg->commit = false;
}

NO(nat_keepalive)
{
	(void)a;
	p->cfg->nat_keepalive_s = 0;
}

NO(natt)
{
	(void)a;
	p->cfg->no_natt = true;
}

NO(isakmp_ssp)
{
	if (p->cfg->isakmp_ssp == a[0].num)
		p->cfg->isakmp_ssp = 0;
}

NO(tset)
{
	for (unsigned i = 0; i < p->cfg->tset_cnt; i++)
		if (!strcmp(p->cfg->tset[i].name, a[0].text))
			TAKE_OUT(p->cfg->tset, p->cfg->tset_cnt, i);
}

static const struct cfg *
defaults(void)
{
	static struct cfg c;

	cfg_init(&c);
	return &c;
}

NO(sa_seconds)
{
	(void)a;
	p->cfg->lifetime_s = defaults()->lifetime_s;
}

NO(sa_kilobytes)
{
	(void)a;
	p->cfg->lifetime_kb = defaults()->lifetime_kb;
}

NO(window_size)
{
	(void)a;
	p->cfg->window = defaults()->window;
}

NO(acl)
{
	for (unsigned i = 0; i < p->cfg->acl_cnt; i++)
		if (!strcmp(p->cfg->acl[i].name, a[0].text))
			TAKE_OUT(p->cfg->acl, p->cfg->acl_cnt, i);
}

/* Entries of a map; seq 0: all of them. */
static void
maps_out(struct cfg *c, const char *name, unsigned seq, bool templates)
{
	for (unsigned i = c->map_cnt; i-- > 0;)
		if (c->map[i].is_template == templates && !strcmp(c->map[i].name, name) &&
			(!seq || c->map[i].seq == seq))
			TAKE_OUT(c->map, c->map_cnt, i);
}

NO(map)
{
	maps_out(p->cfg, a[0].text, a[1].has ? a[1].num : 0, false);
}

NO(dynamic_map)
{
	maps_out(p->cfg, a[0].text, a[1].has ? a[1].num : 0, true);
}

NO(ha_interval)
{
	for (unsigned i = 0; i < p->cfg->ha_cnt; i++)
		if (!strcmp(p->cfg->ha[i].map, a[0].text))
			TAKE_OUT(p->cfg->ha, p->cfg->ha_cnt, i);
}

NO(ssp_group)
{
	for (unsigned i = 0; i < p->cfg->ssp_cnt; i++)
		if (p->cfg->ssp[i].id == a[0].num)
			TAKE_OUT(p->cfg->ssp, p->cfg->ssp_cnt, i);
}

NO(ip_route)
{
	const struct cfg_route route = {
		.net = {a[0].ip & ip4_mask(a[1].len), a[1].len}, .gw = a[2].ip};

	for (unsigned i = 0; i < p->cfg->route_cnt; i++)
		if (cfg_route_same(&p->cfg->route[i], &route))
			TAKE_OUT(p->cfg->route, p->cfg->route_cnt, i);
}

/* ---- interface ---- */

NO(ip_address)
{
	(void)a;
	p->iface->addr = 0;
	p->iface->len = 0;
}

/* `no standby 1`, and `no standby` for group 0: all of it. */
NO(standby)
{
	struct cfg_standby *s = config_standby(p->iface, a);

	if (s)
		TAKE_OUT(p->iface->standby, p->iface->standby_cnt,
			(unsigned)(s - p->iface->standby));
}

/* A form that changes the group in place, where there is one. */
#define NO_GROUP(name, what)                                                                       \
	NO(name)                                                                                   \
	{                                                                                          \
		struct cfg_standby *s = config_standby(p->iface, a);                                               \
                                                                                                   \
		if (s) {                                                                           \
			what;                                                                      \
		}                                                                                  \
	}
NO_GROUP(standby_ip, s->has_ip = false; s->hsrp.vip = 0)
NO_GROUP(standby_priority, s->hsrp.priority = 100)
NO_GROUP(standby_preempt, s->hsrp.preempt = s->hsrp.preempt_equal = false; s->hsrp.preempt_minimum = s->hsrp.preempt_reload =
	s->hsrp.preempt_sync = 0)
NO_GROUP(preempt_rfc, s->hsrp.preempt_equal = false)
NO_GROUP(preempt_delay, s->hsrp.preempt_minimum = s->hsrp.preempt_reload = s->hsrp.preempt_sync = 0)
NO_GROUP(timers, s->hsrp.hello = s->hsrp.hold = 0; s->hsrp.timers_set = s->hsrp.timers_msec = false)
NO_GROUP(standby_name, s->name[0] = '\0')
NO_GROUP(standby_auth, memcpy(s->hsrp.auth, "cisco\0\0\0", HSRP_AUTH_LEN))

NO(standby_track)
{
	struct cfg_standby *s = config_standby(p->iface, a);

	for (unsigned i = 0; s && i < s->track_cnt; i++)
		if (!strcmp(s->track[i].interface, a[1].text))
			TAKE_OUT(s->track, s->track_cnt, i);
}

NO(standby_delay)
{
	(void)a;
	p->iface->delay_minimum_s = p->iface->delay_reload_s = 0;
}

NO(if_map)
{
	(void)a;
	p->iface->map[0] = '\0';
	p->iface->ssp = 0;
}

/* ---- policy: what is not written any more is refused by the check ---- */

NO(encryption)
{
	(void)a;
	p->policy->cipher = p->policy->key_bits = 0;
}

NO(hash)
{
	(void)a;
	p->policy->hash = 0;
}

NO(authentication)
{
	(void)a;
	p->policy->pre_share = false;
}

NO(group)
{
	(void)a;
	p->policy->group = 0;
}

NO(lifetime)
{
	(void)a;
	p->policy->lifetime_s = 0;
}

/* ---- transform-set, map, ssp ---- */

NO(mode)
{
	UNUSED; /* a tunnel is the default, and all there is */
}

NO(set_peer)
{
	(void)a;
	p->map->peer = 0;
}

NO(set_tsets)
{
	(void)a;
	p->map->tset_cnt = 0;
}

NO(set_pfs)
{
	(void)a;
	p->map->pfs = 0;
}

NO(set_seconds)
{
	(void)a;
	p->map->lifetime_s = 0;
}

NO(set_kilobytes)
{
	(void)a;
	p->map->lifetime_kb = 0;
}

NO(match_address)
{
	(void)a;
	p->map->acl[0] = '\0';
}

NO(reverse_route)
{
	(void)a;
	p->map->reverse_route = false;
}

NO(ssp_remote)
{
	(void)a;
	p->ssp->remote = 0;
}

NO(ssp_redundancy)
{
	for (unsigned i = 0; i < p->ssp->redundancy_cnt; i++)
		if (!strcmp(p->ssp->redundancy[i], a[0].text))
			TAKE_OUT(p->ssp->redundancy, p->ssp->redundancy_cnt, i);
}

NO(ssp_port)
{
	(void)a;
	p->ssp->port = CFG_SSP_PORT;
}

NO(ssp_key)
{
	(void)a;
	secret_wipe(&p->ssp->key);
}
