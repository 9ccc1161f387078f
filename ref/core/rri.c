/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "ref/core/rri.h"

const struct rri_rules rri_rules_standard = {
	.only_when_active = true,
	.remove_with_last_sa = true,
	.remove_on_demotion = true,
	.install_dynamic = true,
	.static_while_configured = true,
	.each_prefix = true,
	.covered_too = true,
	.whole_prefix = true,
};

static struct rri_route *
find(struct rri *r, struct ip4_net net)
{
	for (unsigned i = 0; i < r->cnt; i++)
		if (r->v[i].net.addr == net.addr && r->v[i].net.len == net.len)
			return &r->v[i];
	return NULL;
}

static struct rri_route *
find_or_add(struct rri *r, struct ip4_net net)
{
	struct rri_route *e = find(r, net);

	if (e)
		return e;
	if (r->cnt == RRI_ROUTES_MAX) {
		r->full++;
		return NULL;
	}
	e = &r->v[r->cnt++];
	memset(e, 0, sizeof *e);
	e->net = net;
	return e;
}

static bool
wanted(const struct rri *r, const struct rri_route *e)
{
	bool by_sa = e->users && r->rules->install_dynamic;
	bool by_map = e->is_static && r->rules->static_while_configured;

	if (!r->rules->remove_with_last_sa && e->installed)
		by_sa = true;
	if (!r->active && r->rules->only_when_active)
		return e->installed && !r->rules->remove_on_demotion;
	return by_sa || by_map;
}

/* What routers that get it wrong leave out. */
static bool
allowed(const struct rri *r, const struct rri_route *e)
{
	for (unsigned i = 0; i < r->cnt; i++) {
		const struct rri_route *o = &r->v[i];

		if (o == e || !o->installed)
			continue;
		if (!r->rules->each_prefix || (!r->rules->covered_too && o->net.len < e->net.len &&
						      ip4_in(o->net, e->net.addr)))
			return false;
	}
	return true;
}

static void
settle(struct rri *r, struct rri_route *e, struct rri_acts *acts)
{
	bool want = wanted(r, e) && (e->installed || allowed(r, e));
	struct rri_act *a;

	if (want == e->installed)
		return;
	e->installed = want;
	a = &acts->v[acts->cnt++];
	a->add = want;
	a->net = e->net;
	if (!r->rules->whole_prefix)
		a->net.len = 32;
}

static void
settle_all(struct rri *r, struct rri_acts *acts)
{
	for (unsigned i = 0; i < r->cnt; i++)
		settle(r, &r->v[i], acts);
	for (unsigned i = r->cnt; i-- > 0;)
		if (!r->v[i].users && !r->v[i].is_static && !r->v[i].installed)
			r->v[i] = r->v[--r->cnt];
}

void
rri_init(struct rri *r, const struct rri_rules *rules)
{
	r->rules = rules;
	r->active = false;
	r->cnt = 0;
	r->full = 0;
}

static void
one(struct rri *r, const struct rri_in *in, struct rri_acts *acts)
{
	struct ip4_net net = {in->net.addr & ip4_mask(in->net.len), in->net.len};
	struct rri_route *e = in->kind == RRI_IN_SA_DOWN || in->kind == RRI_IN_STATIC_GONE
					 ? find(r, net)
					 : find_or_add(r, net);

	if (!e)
		return;
	if (in->kind == RRI_IN_STATIC || in->kind == RRI_IN_STATIC_GONE)
		e->is_static = in->kind == RRI_IN_STATIC;
	else if (in->kind == RRI_IN_SA_UP)
		e->users++;
	else if (e->users)
		e->users--;
	settle(r, e, acts);
	if (!e->users && !e->is_static && !e->installed)
		*e = r->v[--r->cnt];
}

void
rri_step(struct rri *r, ns_t now, const struct rri_in *in, struct rri_acts *acts)
{
	(void)now;
	acts->cnt = 0;
	switch (in->kind) {
	case RRI_IN_STATIC:
	case RRI_IN_STATIC_GONE:
	case RRI_IN_SA_UP:
	case RRI_IN_SA_DOWN:
		one(r, in, acts);
		break;
	case RRI_IN_ROLE:
		r->active = in->on;
		settle_all(r, acts);
		break;
	case RRI_IN_FLUSH:
		for (unsigned i = 0; i < r->cnt; i++)
			r->v[i].users = 0;
		settle_all(r, acts);
		break;
	}
}

ns_t
rri_deadline(const struct rri *r)
{
	(void)r;
	return NS_NEVER;
}
