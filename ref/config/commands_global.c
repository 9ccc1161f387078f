/* SPDX-License-Identifier: BSD-2-Clause */
/* Global commands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ref/base/hex.h"
#include "ref/config/commands_int.h"

void
config_name(char dst[CFG_NAME], const char *src)
{
	(void)snprintf(dst, CFG_NAME, "%s", src);
}

void
command_hostname(struct parse *p, const struct arg *a)
{
	config_name(p->cfg->hostname, a[0].text);
}

void
command_interface(struct parse *p, const struct arg *a)
{
	struct cfg *c = p->cfg;

	p->iface = (struct cfg_if *)(uintptr_t)cfg_if(c, a[0].text);
	if (!p->iface && c->if_cnt == CFG_IFS) {
		p->wrong = "too many interfaces";
		return;
	}
	if (!p->iface) {
		p->iface = &c->ifs[c->if_cnt++];
		config_name(p->iface->name, a[0].text);
		p->iface->delay_minimum_s = 0;
	}
	p->mode = MODE_IF;
}

void
command_policy(struct parse *p, const struct arg *a)
{
	struct cfg *c = p->cfg;
	unsigned at = 0;

	while (at < c->policy_cnt && c->policy[at].priority < a[0].num)
		at++;
	if (at == c->policy_cnt || c->policy[at].priority != a[0].num) {
		if (c->policy_cnt == CFG_POLICIES) {
			p->wrong = "too many policies";
			return;
		}
		memmove(&c->policy[at + 1], &c->policy[at],
			(c->policy_cnt++ - at) * sizeof c->policy[0]);
		memset(&c->policy[at], 0, sizeof c->policy[at]);
		c->policy[at].priority = (uint16_t)a[0].num;
	}
	p->policy = &c->policy[at];
	p->mode = MODE_POLICY;
}

/* The key of this address and mask; written again, it replaces what was there. */
static struct cfg_key *
key_entry(struct parse *p, ip4_t addr, uint8_t len)
{
	struct cfg *c = p->cfg;

	for (unsigned i = 0; i < c->key_cnt; i++)
		if (c->key[i].addr == addr && c->key[i].len == len)
			return &c->key[i];
	if (c->key_cnt == CFG_KEYS) {
		p->wrong = "too many keys";
		return NULL;
	}
	c->key[c->key_cnt].addr = addr;
	c->key[c->key_cnt].len = len;
	return &c->key[c->key_cnt++];
}

void
command_isakmp_key(struct parse *p, const struct arg *a)
{
	struct cfg_key *k;
	size_t n = strlen(a[0].text);

	if (n > SECRET_MAX) {
		p->wrong = "a key of at most 64 characters";
		return;
	}
	k = key_entry(p, a[1].ip, a[2].has ? a[2].len : 32);
	if (!k)
		return;
	secret_set(&k->key, a[0].text, n);
}

static void
keepalive_set(struct parse *p, const struct arg *a, uint32_t unit_ms)
{
	struct cfg *c = p->cfg;

	c->keepalive_ms = a[0].num * unit_ms;
	c->keepalive_retry_ms = a[1].has ? a[1].num * unit_ms : 2 * unit_ms;
	c->keepalive_periodic = a[2].has;
}

void
command_keepalive(struct parse *p, const struct arg *a)
{
	keepalive_set(p, a, 1000);
}

void
command_keepalive_msec(struct parse *p, const struct arg *a)
{
	keepalive_set(p, a, 1);
}

void
command_df_bit(struct parse *p, const struct arg *a)
{
	p->cfg->df = !strcmp(a[0].text, "set")	  ? CFG_DF_SET
		     : !strcmp(a[0].text, "copy") ? CFG_DF_COPY
						  : CFG_DF_CLEAR;
}

void
command_fragmentation(struct parse *p, const struct arg *a)
{
	p->cfg->fragment_before = !strcmp(a[0].text, "before-encryption");
}

void
command_commit(struct parse *p, const struct arg *a)
{
	(void)a;
	p->cfg->commit = true;
}

void
command_nat_keepalive(struct parse *p, const struct arg *a)
{
	p->cfg->nat_keepalive_s = a[0].num;
}

void
command_natt(struct parse *p, const struct arg *a)
{
	(void)a;
	p->cfg->no_natt = false;
}

void
command_isakmp_ssp(struct parse *p, const struct arg *a)
{
	p->cfg->isakmp_ssp = (uint16_t)a[0].num;
}

static struct cfg_tset *
tset_new(struct parse *p, const char *name)
{
	struct cfg *c = p->cfg;
	struct cfg_tset *t = (struct cfg_tset *)(uintptr_t)cfg_tset(c, name);

	if (!t && c->tset_cnt < CFG_TSETS)
		t = &c->tset[c->tset_cnt++];
	if (!t) {
		p->wrong = "too many transform-sets";
		return NULL;
	}
	config_name(t->name, name);
	p->tset = t;
	p->mode = MODE_TSET;
	return t;
}

uint16_t
config_key_bits(const struct arg *a)
{
	return a->has ? (uint16_t)strtoul(a->text, NULL, 10) : 128;
}

static void
tset(struct parse *p, const char *name, enum cfg_esp_cipher cipher, uint16_t key_bits,
	const struct arg *auth)
{
	struct cfg_tset *t = tset_new(p, name);

	if (!t)
		return;
	t->cipher = cipher;
	t->key_bits = key_bits;
	if (!auth)
		t->auth = CFG_AUTH_NONE;
	else if (!strcmp(auth->text, "esp-md5-hmac"))
		t->auth = CFG_AUTH_MD5;
	else
		t->auth = strcmp(auth->text, "esp-sha-hmac") ? CFG_AUTH_SHA256 : CFG_AUTH_SHA1;
}

void
command_tset_aes(struct parse *p, const struct arg *a)
{
	tset(p, a[0].text, CFG_ESP_AES_CBC, config_key_bits(&a[1]), &a[2]);
}

void
command_tset_3des(struct parse *p, const struct arg *a)
{
	tset(p, a[0].text, CFG_ESP_3DES, 0, &a[1]);
}

void
command_tset_null(struct parse *p, const struct arg *a)
{
	tset(p, a[0].text, CFG_ESP_NULL, 0, &a[1]);
}

void
command_tset_gcm(struct parse *p, const struct arg *a)
{
	tset(p, a[0].text, CFG_ESP_AES_GCM, config_key_bits(&a[1]), NULL);
}

void
command_sa_seconds(struct parse *p, const struct arg *a)
{
	p->cfg->lifetime_s = a[0].num;
}

void
command_sa_kilobytes(struct parse *p, const struct arg *a)
{
	p->cfg->lifetime_kb = a[0].num;
}

void
command_window_size(struct parse *p, const struct arg *a)
{
	p->cfg->window = (uint16_t)a[0].num;
	if (a[0].num & (a[0].num - 1))
		p->wrong = "a window of 64, 128, 256, 512 or 1024";
}

/* a: list, NET, PORT, NET, PORT */
static struct cfg_acl_entry
acl_entry(const struct arg *a, bool permit, uint8_t proto)
{
	bool ports = proto == 6 || proto == 17;
	const struct arg *dst = &a[ports ? 3 : 2];

	return (struct cfg_acl_entry){
		.permit = permit,
		.proto = proto,
		.src = {a[1].ip & ip4_mask(a[1].len), a[1].len},
		.sport = ports ? (uint16_t)a[2].num : 0,
		.dst = {dst->ip & ip4_mask(dst->len), dst->len},
		.dport = ports ? (uint16_t)a[4].num : 0,
	};
}

/* The list of this name, made if it is not there; NULL if there is no room. */
static struct cfg_acl *
acl_list(struct parse *p, const char *name)
{
	struct cfg *c = p->cfg;
	struct cfg_acl *l = (struct cfg_acl *)(uintptr_t)cfg_acl(c, name);

	if (!l && c->acl_cnt < CFG_ACLS) {
		l = &c->acl[c->acl_cnt++];
		config_name(l->name, name);
	}
	if (!l)
		p->wrong = "too many access-lists";
	return l;
}

/* An entry that is there already is not written twice. */
static void
acl_add(struct parse *p, const struct arg *a, bool permit, uint8_t proto)
{
	const struct cfg_acl_entry e = acl_entry(a, permit, proto);
	struct cfg_acl *l = acl_list(p, a[0].text);

	for (unsigned i = 0; l && i < l->cnt; i++)
		if (cfg_acl_entry_same(&l->v[i], &e))
			return;
	if (l && l->cnt == CFG_ACL_ENTRIES)
		p->wrong = "too many entries in one access-list";
	else if (l)
		l->v[l->cnt++] = e;
}

static void
acl_remove(struct parse *p, const struct arg *a, bool permit, uint8_t proto)
{
	const struct cfg_acl_entry e = acl_entry(a, permit, proto);
	struct cfg_acl *l = (struct cfg_acl *)(uintptr_t)cfg_acl(p->cfg, a[0].text);

	for (unsigned i = 0; l && i < l->cnt; i++)
		if (cfg_acl_entry_same(&l->v[i], &e)) {
			memmove(&l->v[i], &l->v[i + 1], (--l->cnt - i) * sizeof l->v[0]);
			break;
		}
	if (l && !l->cnt)
		command_no_acl(p, a);
}

#define ACL(word, permit, proto)                                                                   \
	void command_acl_##word(struct parse *p, const struct arg *a)                              \
	{                                                                                          \
		acl_add(p, a, permit, proto);                                                      \
	}                                                                                          \
	void command_no_acl_##word(struct parse *p, const struct arg *a)                           \
	{                                                                                          \
		acl_remove(p, a, permit, proto);                                                   \
	}
ACL(permit_ip, true, 0)
ACL(deny_ip, false, 0)
ACL(permit_udp, true, 17)
ACL(permit_tcp, true, 6)
ACL(permit_icmp, true, 1)

static struct cfg_map *
map_entry(struct parse *p, const struct arg *a, bool is_template)
{
	struct cfg *c = p->cfg;
	struct cfg_map *m = NULL;

	for (unsigned i = 0; i < c->map_cnt; i++)
		if (c->map[i].is_template == is_template && c->map[i].seq == a[1].num &&
			!strcmp(c->map[i].name, a[0].text))
			m = &c->map[i];
	if (!m && c->map_cnt == CFG_MAPS) {
		p->wrong = "too many crypto map entries";
		return NULL;
	}
	if (!m) {
		m = &c->map[c->map_cnt++];
		config_name(m->name, a[0].text);
		m->seq = (uint16_t)a[1].num;
		m->is_template = is_template;
		m->line = p->line;
	}
	p->map = m;
	return m;
}

void
command_map_static(struct parse *p, const struct arg *a)
{
	if (map_entry(p, a, false))
		p->mode = MODE_MAP;
}

void
command_map_dynamic(struct parse *p, const struct arg *a)
{
	struct cfg_map *m = map_entry(p, a, false);

	if (m)
		config_name(m->dynamic, a[2].text);
}

void
command_dynamic_map(struct parse *p, const struct arg *a)
{
	if (map_entry(p, a, true))
		p->mode = MODE_MAP;
}

void
command_ha_interval(struct parse *p, const struct arg *a)
{
	struct cfg *c = p->cfg;
	unsigned i = 0;

	while (i < c->ha_cnt && strcmp(c->ha[i].map, a[0].text) != 0)
		i++;
	if (i == CFG_DYNS) {
		p->wrong = "too many ha replay-intervals";
		return;
	}
	c->ha_cnt += i == c->ha_cnt;
	config_name(c->ha[i].map, a[0].text);
	c->ha[i].inbound = a[1].num;
	c->ha[i].outbound = a[2].num;
}

void
command_ssp_group(struct parse *p, const struct arg *a)
{
	struct cfg *c = p->cfg;

	p->ssp = (struct cfg_ssp *)(uintptr_t)cfg_ssp(c, a[0].num);
	if (!p->ssp && c->ssp_cnt == CFG_SSPS) {
		p->wrong = "too many ssp groups";
		return;
	}
	if (!p->ssp) {
		p->ssp = &c->ssp[c->ssp_cnt++];
		p->ssp->id = (uint16_t)a[0].num;
		p->ssp->port = CFG_SSP_PORT;
		p->ssp->line = p->line;
	}
	p->mode = MODE_SSP;
}

void
command_ip_route(struct parse *p, const struct arg *a)
{
	const struct cfg_route route = {
		.net = {a[0].ip & ip4_mask(a[1].len), a[1].len}, .gw = a[2].ip};
	struct cfg *c = p->cfg;

	for (unsigned i = 0; i < c->route_cnt; i++)
		if (cfg_route_same(&c->route[i], &route))
			return;
	if (c->route_cnt == CFG_ROUTES) {
		p->wrong = "too many routes";
		return;
	}
	c->route[c->route_cnt++] = route;
}
