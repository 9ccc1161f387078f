/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration of a simulated member: text into the router's struct (ref/config), what of it
 * the kernel has to know, and another one in place of that in force (docs/decisions/0009). Whatever
 * can fail is done before anything is changed.
 */
#include "harness/lab/sim_router_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ref/config/config.h"

static char *
text_of(const char *a, const char *b)
{
	char *t;

	return asprintf(&t, "%s%s", a, b) < 0 ? NULL : t;
}

static bool
read_into(struct cfg *next, bool added, const char *text, struct config_error *err)
{
	return added ? config_merge(text, next, err) : config_parse(text, next, err);
}

/* A router that takes halves (a mutant): the lines above the one that is wrong. */
static bool
read_above(struct cfg *next, bool added, const char *text, unsigned line)
{
	struct config_error err;
	const char *end = text;
	char *above;
	bool ok;

	while (line-- > 1 && (end = strchr(end, '\n')))
		end++;
	above = strndup(text, end ? (size_t)(end - text) : strlen(text));
	ok = above && read_into(next, added, above, &err);
	free(above);
	return ok;
}

struct cfg *
sim_config_read(struct simr *r, const struct cfg *on, const char *text, const char *name, char **why)
{
	struct cfg *next = malloc(sizeof(*next));
	struct config_error err;
	char line[700];

	if (!next)
		abort();
	if (on)
		*next = *on;
	if (read_into(next, on, text, &err) ||
		(!r->rules.configure_whole && err.line > 1 && read_above(next, on, text, err.line)))
		return next;
	config_error_text(&err, name, line, sizeof(line));
	*why = text_of(line, "");
	free(next);
	return NULL;
}

bool
sim_config_places(const struct cfg *c, unsigned place[CFG_IFS], char **why)
{
	for (unsigned i = 0; i < c->if_cnt; i++) {
		const char *name = c->ifs[i].name;

		if (strncmp(name, "eth", 3) != 0 || name[3] < '0' || name[3] >= '0' + SIMR_IFS ||
			name[4]) {
			*why = text_of("no such interface: ", name);
			return false;
		}
		place[i] = (unsigned)(name[3] - '0');
	}
	for (unsigned i = 0; i < c->ssp_cnt; i++)
		if (!cfg_if_towards(c, c->ssp[i].remote)) {
			*why = text_of("ssp: no interface reaches the remote address", "");
			return false;
		}
	return true;
}

/* ---- the kernel's part ---- */

static void
policy_add(struct simk_cfg *k, const struct simk_policy *p)
{
	if (k->policy_cnt < SIMK_POLICIES)
		k->policy[k->policy_cnt++] = *p;
}

/* What comes in clear and should not, by file order; then what goes to the tunnel, by nets and
 * protocol alone (the router looks closer). */
static void
policies(const struct simr *r, struct simk_cfg *k, bool inwards)
{
	const struct cfg *c = r->cfg;
	const struct cfg_if *outside = cfg_crypto_if(c);

	for (unsigned m = 0; m < c->map_cnt && outside; m++) {
		const struct cfg_acl *acl = c->map[m].acl[0] ? cfg_acl(c, c->map[m].acl) : NULL;

		for (unsigned i = 0; acl && i < acl->cnt; i++) {
			const struct cfg_acl_entry *e = &acl->v[i];
			struct simk_policy in = {(int)r->place[outside - c->ifs], e->dst, e->src,
				e->proto, e->dport, e->sport, e->permit ? SIMK_DROP : SIMK_MAIN};
			struct simk_policy out = {-1, e->src, e->dst, e->proto, 0, 0, SIMK_TUNNEL};

			if (inwards)
				policy_add(k, &in);
			else if (e->permit)
				policy_add(k, &out);
		}
	}
}

void
sim_config_kernel(struct simr *r)
{
	static struct simk_cfg k;
	const struct cfg *c = r->cfg;

	k = (struct simk_cfg){.addr_cnt = 0};
	for (unsigned i = 0; i < c->if_cnt; i++) {
		unsigned at = r->place[i];

		k.shut[at] = c->ifs[i].shutdown;
		if (!c->ifs[i].shutdown)
			k.addr[k.addr_cnt++] = (struct simk_addr){at, c->ifs[i].addr, c->ifs[i].len};
	}
	for (unsigned i = 0; i < c->route_cnt && i < SIMK_ROUTES; i++)
		k.route[k.route_cnt++] = (struct simk_route){c->route[i].net, c->route[i].gw};
	policies(r, &k, true);
	policies(r, &k, false);
	simk_configure(r->kernel, &k);
}

/* ---- on a router that runs ---- */

static void
obey(struct simr *r, struct cfg *next, const unsigned place[CFG_IFS])
{
	const struct node_in down = {.kind = NODE_IN_SSP_DOWN};
	bool keep_channel = node_channel_same(r->cfg, next);
	struct cfg *before = r->cfg;
	struct mac mac[CFG_IFS];

	for (unsigned i = 0; i < next->if_cnt; i++)
		mac[i] = r->mac[place[i]];
	if (!keep_channel && r->channel.on) {
		sim_channel_end(r);
		simr_put(r, &down, 0);
		simr_pump(r);
	}
	node_leave(r->node, simr_clock(r), next, simr_entropy(r));
	memcpy(r->place, place, sizeof(r->place));
	r->cfg = next;
	node_configure(r->node, simr_clock(r), next, mac, simr_entropy(r));
	sim_config_kernel(r);
	if (!keep_channel)
		sim_channel_begin(r);
	simr_links(r, false);
	simr_pump(r);
	free(before);
}

bool
sim_config_change(struct simr *r, const char *text, const char *name, bool whole, char **why)
{
	unsigned place[CFG_IFS] = {0};
	struct cfg *next = sim_config_read(r, whole ? NULL : r->cfg, text, name, why);

	if (!next)
		return false;
	if (!sim_config_places(next, place, why)) {
		free(next);
		return false;
	}
	obey(r, next, place);
	return true;
}
