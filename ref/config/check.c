/* SPDX-License-Identifier: BSD-2-Clause */
/* What one line cannot tell: names that must exist, words that must have been written. */
#include <stdio.h>
#include <string.h>

#include "ref/config/commands.h"

static bool
wrong(struct config_error *err, unsigned line, const char *found, const char *why)
{
	err->line = line;
	err->col = 1;
	err->refused = true;
	(void)snprintf(err->found, sizeof err->found, "%.60s", found);
	(void)snprintf(err->expected, sizeof err->expected, "%s", why);
	return false;
}

static bool
policies(const struct cfg *c, struct config_error *err)
{
	char name[40];

	for (unsigned i = 0; i < c->policy_cnt; i++) {
		const struct cfg_policy *p = &c->policy[i];

		(void)snprintf(name, sizeof name, "crypto isakmp policy %u", p->priority);
		if (!p->cipher || !p->hash || !p->group || !p->pre_share || !p->lifetime_s)
			return wrong(err, 0, name,
				"encryption, hash, authentication, group and lifetime must each be "
				"written: "
				"the defaults of 2003 are unfit");
	}
	return true;
}

static bool
map_known(const struct cfg *c, const char *name, bool templates)
{
	for (unsigned i = 0; i < c->map_cnt; i++)
		if (c->map[i].is_template == templates && !strcmp(c->map[i].name, name))
			return true;
	return false;
}

static bool
map_entry(const struct cfg *c, const struct cfg_map *m, struct config_error *err)
{
	if (m->dynamic[0])
		return map_known(c, m->dynamic, true) ||
		       wrong(err, m->line, m->dynamic, "no such crypto dynamic-map");
	if (!m->tset_cnt)
		return wrong(err, m->line, m->name, "set transform-set is missing");
	for (unsigned i = 0; i < m->tset_cnt; i++)
		if (!cfg_tset(c, m->tset[i]))
			return wrong(err, m->line, m->tset[i], "no such transform-set");
	if (m->acl[0] && !cfg_acl(c, m->acl))
		return wrong(err, m->line, m->acl, "no such access-list");
	if (!m->is_template && !m->acl[0])
		return wrong(err, m->line, m->name, "match address is missing");
	if (!m->is_template && !m->peer)
		return wrong(err, m->line, m->name, "set peer is missing");
	return true;
}

static bool
interfaces(struct cfg *c, struct config_error *err)
{
	const struct cfg_if *with_map = NULL;

	for (unsigned i = 0; i < c->if_cnt; i++) {
		struct cfg_if *f = &c->ifs[i];

		if (f->map[0] && with_map)
			return wrong(err, 0, f->name, "one interface alone has a crypto map");
		if (f->map[0])
			with_map = f;
		if (f->map[0] && !map_known(c, f->map, false))
			return wrong(err, 0, f->map, "no such crypto map");
		if (f->ssp && !cfg_ssp(c, f->ssp))
			return wrong(err, 0, f->name, "no such ssp group");
		for (unsigned g = 0; g < f->standby_cnt; g++) {
			struct cfg_standby *s = &f->standby[g];

			if (!f->addr)
				return wrong(err, 0, f->name, "standby without an ip address");
			s->hsrp.address = f->addr;
			s->hsrp.delay_minimum = ns_from_s(f->delay_minimum_s);
			s->hsrp.delay_reload = ns_from_s(f->delay_reload_s);
			for (unsigned t = 0; t < s->track_cnt; t++)
				if (!cfg_if(c, s->track[t].interface))
					return wrong(err, 0, s->track[t].interface,
						"no such interface to track");
		}
	}
	return true;
}

static bool
group_named(const struct cfg *c, const char *name)
{
	for (unsigned i = 0; i < c->if_cnt; i++)
		for (unsigned k = 0; k < c->ifs[i].standby_cnt; k++)
			if (!strcmp(c->ifs[i].standby[k].name, name))
				return true;
	return false;
}

static bool
ssps(const struct cfg *c, struct config_error *err)
{
	for (unsigned i = 0; i < c->ssp_cnt; i++) {
		const struct cfg_ssp *s = &c->ssp[i];

		if (!s->remote)
			return wrong(err, s->line, "ssp group", "remote is missing");
		if (!s->redundancy_cnt)
			return wrong(err, s->line, "ssp group", "redundancy is missing");
		for (unsigned k = 0; k < s->redundancy_cnt; k++)
			if (!group_named(c, s->redundancy[k]))
				return wrong(err, s->line, s->redundancy[k],
					"no standby group has this name");
		if (!s->key.len)
			return wrong(err, s->line, "ssp group",
				"key is missing: session keys are never sent in clear");
	}
	if (c->isakmp_ssp && !cfg_ssp(c, c->isakmp_ssp))
		return wrong(err, 0, "crypto isakmp ssp", "no such ssp group");
	return true;
}

bool
config_check(struct cfg *cfg, struct config_error *err)
{
	for (unsigned i = 0; i < cfg->map_cnt; i++)
		if (!map_entry(cfg, &cfg->map[i], err))
			return false;
	return policies(cfg, err) && interfaces(cfg, err) && ssps(cfg, err);
}
