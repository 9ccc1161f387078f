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

struct cfg_ha
cfg_ha(const struct cfg *c, const char *map)
{
	struct cfg_ha ha = {.inbound = 1000, .outbound = 100000};

	for (unsigned i = 0; i < c->ha_cnt; i++)
		if (!strcmp(c->ha[i].map, map))
			return c->ha[i];
	return ha;
}

void
cfg_init(struct cfg *c)
{
	memset(c, 0, sizeof *c);
	c->lifetime_s = 3600;
	c->lifetime_kb = 4608000;
	c->window = 64;
}
