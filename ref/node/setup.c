/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration struct -> what the cores want to be told. */
#include <string.h>

#include "ref/node/node_in.h"

static enum esp_transform
transform_of(const struct cfg_tset *t)
{
	static const struct {
		enum cfg_esp_cipher cipher;
		uint16_t key_bits;
		enum esp_transform by_auth[CFG_AUTH_CNT];
	} all[] = {
		{CFG_ESP_AES_CBC, 128, {0, ESP_CBC128_MD5, ESP_CBC128_SHA1, ESP_CBC128_SHA256}},
		{CFG_ESP_AES_CBC, 192, {0, ESP_CBC192_MD5, ESP_CBC192_SHA1, ESP_CBC192_SHA256}},
		{CFG_ESP_AES_CBC, 256, {0, ESP_CBC256_MD5, ESP_CBC256_SHA1, ESP_CBC256_SHA256}},
		{CFG_ESP_3DES, 0, {0, ESP_3DES_MD5, ESP_3DES_SHA1, ESP_3DES_SHA256}},
		{CFG_ESP_NULL, 0, {0, ESP_NULL_MD5, ESP_NULL_SHA1, ESP_NULL_SHA256}},
		{CFG_ESP_AES_GCM, 128, {ESP_GCM128}},
		{CFG_ESP_AES_GCM, 192, {ESP_GCM192}},
		{CFG_ESP_AES_GCM, 256, {ESP_GCM256}},
	};

	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].cipher == t->cipher && all[i].key_bits == t->key_bits)
			return all[i].by_auth[t->auth];
	return ESP_TRANSFORM_NONE;
}

static void
acl_add(struct node *n, struct ike_map *m, const struct cfg_acl *acl)
{
	m->acl = &n->ike_acl[n->ike_acl_cnt];
	for (unsigned i = 0; acl && i < acl->cnt && n->ike_acl_cnt < NODE_ACLS; i++) {
		const struct cfg_acl_entry *e = &acl->v[i];
		struct ike_acl *to = &n->ike_acl[n->ike_acl_cnt];

		if (!e->permit)
			continue;
		to->local = (struct ike_proxy){e->src, e->proto, e->sport};
		to->remote = (struct ike_proxy){e->dst, e->proto, e->dport};
		n->ike_acl_cnt++;
		m->acl_cnt++;
	}
}

/* One entry: node.map[k] and ike_map[k] speak of the same one, whose id is k + 1. */
static void
map_add(struct node *n, const struct cfg_map *c, bool is_dynamic)
{
	unsigned k = n->map_cnt;
	struct node_map *to = &n->map[k];
	struct ike_map *ike = &n->ike_map[k];

	if (k == NODE_MAPS)
		return;
	n->map_cnt++;
	to->cfg = c;
	to->acl = c->acl[0] ? cfg_acl(n->cfg, c->acl) : NULL;
	to->is_dynamic = is_dynamic;
	to->reverse_route = c->reverse_route;
	ike->id = k + 1;
	ike->is_dynamic = is_dynamic;
	ike->peer = c->peer;
	for (unsigned i = 0; i < c->tset_cnt && ike->transform_cnt < IKE_TRANSFORMS_MAX; i++) {
		enum esp_transform t = transform_of(cfg_tset(n->cfg, c->tset[i]));

		if (t)
			ike->transform[ike->transform_cnt++] = t;
	}
	ike->pfs_group = c->pfs;
	ike->lifetime_s = c->lifetime_s ? c->lifetime_s : n->cfg->lifetime_s;
	ike->lifetime_kb = c->lifetime_kb ? c->lifetime_kb : n->cfg->lifetime_kb;
	acl_add(n, ike, to->acl);
}

static void
templates_add(struct node *n, const char *name)
{
	for (unsigned i = 0; i < n->cfg->map_cnt; i++) {
		const struct cfg_map *c = &n->cfg->map[i];

		if (c->is_template && !strcmp(c->name, name))
			map_add(n, c, true);
	}
}

/* Entries of the map in order of their sequence number. */
static void
maps(struct node *n, const char *name)
{
	unsigned done = 0;

	for (;;) {
		const struct cfg_map *next = NULL;

		for (unsigned i = 0; i < n->cfg->map_cnt; i++) {
			const struct cfg_map *c = &n->cfg->map[i];

			if (!c->is_template && !strcmp(c->name, name) && c->seq > done &&
				(!next || c->seq < next->seq))
				next = c;
		}
		if (!next)
			return;
		done = next->seq;
		if (next->dynamic[0])
			templates_add(n, next->dynamic);
		else
			map_add(n, next, false);
	}
}

static void
phase1(struct node *n)
{
	const struct cfg *c = n->cfg;

	for (unsigned i = 0; i < c->policy_cnt; i++)
		n->ike_policy[i] = (struct ike_policy){
			.prio = c->policy[i].priority,
			.cipher = c->policy[i].cipher,
			.key_bits = c->policy[i].key_bits,
			.hash = c->policy[i].hash,
			.group = c->policy[i].group,
			.lifetime_s = c->policy[i].lifetime_s,
		};
	for (unsigned i = 0; i < c->key_cnt; i++) {
		n->ike_psk[i].addr = c->key[i].addr;
		n->ike_psk[i].mask = ip4_mask(c->key[i].len);
		n->ike_psk[i].secret = c->key[i].key;
	}
	n->ike_cfg = (struct ike_cfg){
		.local = n->vip,
		.policy = n->ike_policy,
		.policy_cnt = c->policy_cnt,
		.psk = n->ike_psk,
		.psk_cnt = c->key_cnt,
		.map = n->ike_map,
		.map_cnt = n->map_cnt,
		.dpd = true,
		.natt = !c->no_natt,
		.commit = c->commit,
	};
	n->dpd_cfg = (struct dpd_cfg){
		.mode = !c->keepalive_ms	? DPD_OFF
			: c->keepalive_periodic ? DPD_PERIODIC
						: DPD_ON_DEMAND,
		.interval = ns_from_ms(c->keepalive_ms),
		.retry = ns_from_ms(c->keepalive_retry_ms),
		.retries = 5,
	};
}

void
node_setup(struct node *n)
{
	const struct cfg *c = n->cfg;
	const struct cfg_if *f = cfg_crypto_if(c);

	n->out_if = f ? (unsigned)(f - c->ifs) : CFG_IFS;
	n->ssp_cfg = cfg_channel(c);
	if (f) {
		n->vip = cfg_if_vip(f);
		n->ha = cfg_ha(c, f->map);
		n->ssp_ipsec = f->ssp && cfg_ssp(c, f->ssp);
		maps(n, f->map);
	}
	n->ssp_ike = n->ssp_cfg && c->isakmp_ssp == n->ssp_cfg->id;
	phase1(n);
}
