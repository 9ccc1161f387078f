/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One handler a command, short; the table at the end is the language. Words of the feature that Baton does not do are in
 * it too, with the reason, so that nobody has to guess whether they were understood.
 */
#include <stdio.h>
#include <string.h>

#include "ref/base/hex.h"
#include "ref/config/commands.h"

static void
name_set(char dst[CFG_NAME], const char *src)
{
	(void)snprintf(dst, CFG_NAME, "%s", src);
}

/* global ------------------------------------------------------------------------------------ */

static void
hostname(struct parse *p, const struct arg *a)
{
	name_set(p->cfg->hostname, a[0].text);
}

static void
interface(struct parse *p, const struct arg *a)
{
	struct cfg *c = p->cfg;

	p->iface = (struct cfg_if *)(uintptr_t)cfg_if(c, a[0].text);
	if (!p->iface && c->if_cnt == CFG_IFS) {
		p->wrong = "too many interfaces";
		return;
	}
	if (!p->iface) {
		p->iface = &c->ifs[c->if_cnt++];
		name_set(p->iface->name, a[0].text);
		p->iface->delay_minimum_s = 0;
	}
	p->mode = MODE_IF;
}

static void
policy(struct parse *p, const struct arg *a)
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

static void
isakmp_key(struct parse *p, const struct arg *a)
{
	struct cfg *c = p->cfg;
	struct cfg_key *k;
	size_t n = strlen(a[0].text);

	if (c->key_cnt == CFG_KEYS || n > SECRET_MAX) {
		p->wrong = "too many keys, or a key of more than 64 characters";
		return;
	}
	k = &c->key[c->key_cnt++];
	k->addr = a[1].ip;
	k->len = a[2].has ? a[2].len : 32;
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

static void
keepalive(struct parse *p, const struct arg *a)
{
	keepalive_set(p, a, 1000);
}

static void
keepalive_msec(struct parse *p, const struct arg *a)
{
	keepalive_set(p, a, 1);
}

static void
isakmp_ssp(struct parse *p, const struct arg *a)
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
	name_set(t->name, name);
	p->tset = t;
	p->mode = MODE_TSET;
	return t;
}

static void
tset(struct parse *p, const struct arg *a, enum cfg_esp_cipher cipher, enum cfg_esp_auth auth)
{
	struct cfg_tset *t = tset_new(p, a[0].text);

	if (!t)
		return;
	t->cipher = cipher;
	t->key_bits = 128;
	t->auth = auth;
}

static void
tset_aes_sha(struct parse *p, const struct arg *a)
{
	tset(p, a, CFG_ESP_AES_CBC, CFG_AUTH_SHA1);
}

static void
tset_aes_sha256(struct parse *p, const struct arg *a)
{
	tset(p, a, CFG_ESP_AES_CBC, CFG_AUTH_SHA256);
}

static void
tset_gcm(struct parse *p, const struct arg *a)
{
	tset(p, a, CFG_ESP_AES_GCM, CFG_AUTH_NONE);
}

static void
sa_seconds(struct parse *p, const struct arg *a)
{
	p->cfg->lifetime_s = a[0].num;
}

static void
sa_kilobytes(struct parse *p, const struct arg *a)
{
	p->cfg->lifetime_kb = a[0].num;
}

static void
window_size(struct parse *p, const struct arg *a)
{
	p->cfg->window = (uint16_t)a[0].num;
	if (a[0].num & (a[0].num - 1))
		p->wrong = "a window of 64, 128, 256, 512 or 1024";
}

static struct cfg_acl_entry *
acl_entry(struct parse *p, const char *name)
{
	struct cfg *c = p->cfg;
	struct cfg_acl *l = (struct cfg_acl *)(uintptr_t)cfg_acl(c, name);

	if (!l && c->acl_cnt < CFG_ACLS) {
		l = &c->acl[c->acl_cnt++];
		name_set(l->name, name);
	}
	if (!l || l->cnt == CFG_ACL_ENTRIES) {
		p->wrong = "too many access-lists or entries";
		return NULL;
	}
	return &l->v[l->cnt++];
}

/* a: list, NET, PORT, NET, PORT */
static void
acl_add(struct parse *p, const struct arg *a, bool permit, uint8_t proto)
{
	struct cfg_acl_entry *e = acl_entry(p, a[0].text);
	bool ports = proto == 6 || proto == 17;

	if (!e)
		return;
	e->permit = permit;
	e->proto = proto;
	e->src = (struct ip4_net){a[1].ip & ip4_mask(a[1].len), a[1].len};
	e->sport = ports ? (uint16_t)a[2].num : 0;
	e->dst = (struct ip4_net){a[ports ? 3 : 2].ip, a[ports ? 3 : 2].len};
	e->dst.addr &= ip4_mask(e->dst.len);
	e->dport = ports ? (uint16_t)a[4].num : 0;
}

#define ACL(word, permit, proto)                                                                   \
	static void acl_##word(struct parse *p, const struct arg *a)                               \
	{                                                                                          \
		acl_add(p, a, permit, proto);                                                      \
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
		name_set(m->name, a[0].text);
		m->seq = (uint16_t)a[1].num;
		m->is_template = is_template;
		m->line = p->line;
	}
	p->map = m;
	return m;
}

static void
map_static(struct parse *p, const struct arg *a)
{
	if (map_entry(p, a, false))
		p->mode = MODE_MAP;
}

static void
map_dynamic(struct parse *p, const struct arg *a)
{
	struct cfg_map *m = map_entry(p, a, false);

	if (m)
		name_set(m->dynamic, a[2].text);
}

static void
dynamic_map(struct parse *p, const struct arg *a)
{
	if (map_entry(p, a, true))
		p->mode = MODE_DYNAMIC;
}

static void
ha_interval(struct parse *p, const struct arg *a)
{
	struct cfg *c = p->cfg;

	if (c->ha_cnt == CFG_DYNS) {
		p->wrong = "too many ha replay-intervals";
		return;
	}
	name_set(c->ha[c->ha_cnt].map, a[0].text);
	c->ha[c->ha_cnt].inbound = a[1].num;
	c->ha[c->ha_cnt++].outbound = a[2].num;
}

static void
ssp_group(struct parse *p, const struct arg *a)
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
		p->ssp->port = 3249;
		p->ssp->line = p->line;
	}
	p->mode = MODE_SSP;
}

static void
ip_route(struct parse *p, const struct arg *a)
{
	struct cfg *c = p->cfg;

	if (c->route_cnt == CFG_ROUTES) {
		p->wrong = "too many routes";
		return;
	}
	c->route[c->route_cnt].net = (struct ip4_net){a[0].ip & ip4_mask(a[1].len), a[1].len};
	c->route[c->route_cnt++].gw = a[2].ip;
}

/* interface --------------------------------------------------------------------------------- */

static void
ip_address(struct parse *p, const struct arg *a)
{
	p->iface->addr = a[0].ip;
	p->iface->len = a[1].len;
}

static void
shutdown(struct parse *p, const struct arg *a)
{
	(void)a;
	p->iface->shutdown = true;
}

static void
no_shutdown(struct parse *p, const struct arg *a)
{
	(void)a;
	p->iface->shutdown = false;
}

static struct cfg_standby *
group(struct parse *p, const struct arg *a)
{
	struct cfg_if *f = p->iface;
	uint8_t number = (uint8_t)(a->has ? a->num : 0);
	struct cfg_standby *s;

	for (unsigned i = 0; i < f->standby_cnt; i++)
		if (f->standby[i].hsrp.group == number)
			return &f->standby[i];
	if (f->standby_cnt == CFG_STANDBYS) {
		p->wrong = "too many standby groups on one interface";
		return &f->standby[0];
	}
	s = &f->standby[f->standby_cnt++];
	s->hsrp.group = number;
	s->hsrp.priority = 100;
	memcpy(s->hsrp.auth, "cisco\0\0\0", HSRP_AUTH_LEN);
	return s;
}

static void
standby_ip(struct parse *p, const struct arg *a)
{
	struct cfg_standby *s = group(p, a);

	s->has_ip = true;
	s->hsrp.vip = a[1].has ? a[1].ip : 0;
}

static void
standby_priority(struct parse *p, const struct arg *a)
{
	group(p, a)->hsrp.priority = (uint8_t)a[1].num;
}

static void
standby_preempt(struct parse *p, const struct arg *a)
{
	group(p, a)->hsrp.preempt = true;
}

static void
preempt_minimum(struct parse *p, const struct arg *a)
{
	struct hsrp_cfg *h = &group(p, a)->hsrp;

	h->preempt = true;
	h->preempt_minimum = ns_from_s(a[1].num);
	h->preempt_reload = ns_from_s(a[2].num);
	h->preempt_sync = ns_from_s(a[3].num);
}

static void
preempt_reload(struct parse *p, const struct arg *a)
{
	struct hsrp_cfg *h = &group(p, a)->hsrp;

	h->preempt = true;
	h->preempt_reload = ns_from_s(a[1].num);
	h->preempt_sync = ns_from_s(a[2].num);
}

static void
preempt_sync(struct parse *p, const struct arg *a)
{
	struct hsrp_cfg *h = &group(p, a)->hsrp;

	h->preempt = true;
	h->preempt_sync = ns_from_s(a[1].num);
}

static void
timers_set(struct parse *p, struct hsrp_cfg *h, ns_t hello, ns_t hold, bool msec)
{
	if (hold <= hello || (msec && hold < 3 * hello)) {
		p->wrong = "a hold time above the hello time, and of at least 3 hellos in milliseconds";
		return;
	}
	h->hello = hello;
	h->hold = hold;
	h->timers_set = true;
	h->timers_msec = msec;
}

static void
timers_s(struct parse *p, const struct arg *a)
{
	timers_set(p, &group(p, a)->hsrp, ns_from_s(a[1].num), ns_from_s(a[2].num), false);
}

static void
timers_ms(struct parse *p, const struct arg *a)
{
	timers_set(p, &group(p, a)->hsrp, ns_from_ms(a[1].num), ns_from_ms(a[2].num), true);
}

static void
timers_ms_s(struct parse *p, const struct arg *a)
{
	timers_set(p, &group(p, a)->hsrp, ns_from_ms(a[1].num), ns_from_s(a[2].num), true);
}

static void
standby_name(struct parse *p, const struct arg *a)
{
	name_set(group(p, a)->name, a[1].text);
}

static void
standby_track(struct parse *p, const struct arg *a)
{
	struct cfg_standby *s = group(p, a);

	if (s->track_cnt == CFG_TRACKS) {
		p->wrong = "too many tracked interfaces";
		return;
	}
	name_set(s->track[s->track_cnt].interface, a[1].text);
	s->track[s->track_cnt++].decrement = (uint8_t)(a[2].has ? a[2].num : 10);
}

static void
standby_auth(struct parse *p, const struct arg *a)
{
	struct hsrp_cfg *h = &group(p, a)->hsrp;
	size_t n = strlen(a[1].text);

	if (n > HSRP_AUTH_LEN) {
		p->wrong = "a string of at most 8 characters (RFC 2281 5.1)";
		return;
	}
	memset(h->auth, 0, sizeof h->auth);
	memcpy(h->auth, a[1].text, n);
}

static void
standby_delay(struct parse *p, const struct arg *a)
{
	p->iface->delay_minimum_s = a[0].num;
	p->iface->delay_reload_s = a[1].num;
}

static void
if_map(struct parse *p, const struct arg *a)
{
	name_set(p->iface->map, a[0].text);
}

static void
if_map_ssp(struct parse *p, const struct arg *a)
{
	name_set(p->iface->map, a[0].text);
	p->iface->ssp = (uint16_t)a[1].num;
}

/* crypto isakmp policy: numbers of RFC 2409 Appendix A and RFC 4109, RFC 3526 ------------------- */

static void
policy_aes(struct parse *p, const struct arg *a)
{
	(void)a;
	p->policy->cipher = 7;
	p->policy->key_bits = 128;
}

static void
policy_sha(struct parse *p, const struct arg *a)
{
	(void)a;
	p->policy->hash = 2;
}

static void
policy_sha256(struct parse *p, const struct arg *a)
{
	(void)a;
	p->policy->hash = 4;
}

static void
policy_psk(struct parse *p, const struct arg *a)
{
	(void)a;
	p->policy->pre_share = true;
}

static void
policy_group2(struct parse *p, const struct arg *a)
{
	(void)a;
	p->policy->group = 2;
}

static void
policy_group14(struct parse *p, const struct arg *a)
{
	(void)a;
	p->policy->group = 14;
}

static void
policy_lifetime(struct parse *p, const struct arg *a)
{
	p->policy->lifetime_s = a[0].num;
}

/* transform-set, crypto map, ssp ------------------------------------------------------------- */

static void
mode_tunnel(struct parse *p, const struct arg *a)
{
	(void)p;
	(void)a;
}

static void
set_peer(struct parse *p, const struct arg *a)
{
	p->map->peer = a[0].ip;
}

static void
set_tsets(struct parse *p, const struct arg *a)
{
	p->map->tset_cnt = 0;
	for (unsigned i = 0; i < CFG_MAP_TSETS && a[i].has; i++)
		name_set(p->map->tset[p->map->tset_cnt++], a[i].text);
}

static void
set_pfs2(struct parse *p, const struct arg *a)
{
	(void)a;
	p->map->pfs = 2;
}

static void
set_pfs14(struct parse *p, const struct arg *a)
{
	(void)a;
	p->map->pfs = 14;
}

static void
set_seconds(struct parse *p, const struct arg *a)
{
	p->map->lifetime_s = a[0].num;
}

static void
set_kilobytes(struct parse *p, const struct arg *a)
{
	p->map->lifetime_kb = a[0].num;
}

static void
match_address(struct parse *p, const struct arg *a)
{
	name_set(p->map->acl, a[0].text);
}

static void
reverse_route(struct parse *p, const struct arg *a)
{
	(void)a;
	p->map->reverse_route = true;
}

static void
ssp_remote(struct parse *p, const struct arg *a)
{
	p->ssp->remote = a[0].ip;
}

static void
ssp_redundancy(struct parse *p, const struct arg *a)
{
	if (p->ssp->redundancy_cnt == CFG_REDUNDANCIES) {
		p->wrong = "too many redundancy names";
		return;
	}
	name_set(p->ssp->redundancy[p->ssp->redundancy_cnt++], a[0].text);
}

static void
ssp_port(struct parse *p, const struct arg *a)
{
	p->ssp->port = (uint16_t)a[0].num;
}

static void
ssp_key(struct parse *p, const struct arg *a)
{
	uint8_t b[SECRET_MAX];
	long n = hex_get(b, sizeof b, a[0].text);

	if (n < 16)
		p->wrong = "16 to 64 octets in hexadecimal (at least 128 random bits)";
	else
		secret_set(&p->ssp->key, b, (size_t)n);
	wipe(b, sizeof b);
}

#define LATER "not in this release"
#define G MODE_GLOBAL
#define I MODE_IF
#define P MODE_POLICY
#define M MODE_MAP
#define D MODE_DYNAMIC
#define S MODE_SSP

/* clang-format off */
const struct command commands[] = {
	{G, "hostname WORD", hostname, NULL},
	{G, "interface WORD", interface, NULL},
	{G, "crypto isakmp policy N1-65534", policy, NULL},
	{G, "crypto isakmp key KEY address A.B.C.D [MASK] [no-xauth]", isakmp_key, NULL},
	{G, "crypto isakmp keepalive N10-3600 [N2-60] [periodic]", keepalive, NULL},
	{G, "crypto isakmp keepalive N10-3600 [N2-60] on-demand", keepalive, NULL},
	{G, "crypto isakmp keepalive msec N100-9999 [N50-9999] [periodic]", keepalive_msec, NULL},
	{G, "crypto isakmp ssp N1-100", isakmp_ssp, NULL},
	{G, "crypto isakmp nat REST", NULL, "NAT traversal: " LATER},
	{G, "crypto isakmp identity REST", NULL, "the identity is the virtual address"},
	{G, "crypto ipsec transform-set WORD esp-aes [128] esp-sha-hmac", tset_aes_sha, NULL},
	{G, "crypto ipsec transform-set WORD esp-aes [128] esp-sha256-hmac", tset_aes_sha256, NULL},
	{G, "crypto ipsec transform-set WORD esp-gcm [128]", tset_gcm, NULL},
	{G, "crypto ipsec transform-set WORD esp-des REST", NULL, "DES is broken (RFC 8221 5)"},
	{G, "crypto ipsec transform-set WORD ah-md5-hmac REST", NULL, "AH is not done: ESP protects all that AH is used for here"},
	{G, "crypto ipsec transform-set WORD ah-sha-hmac REST", NULL, "AH is not done: ESP protects all that AH is used for here"},
	{G, "crypto ipsec transform-set WORD esp-3des REST", NULL, LATER},
	{G, "crypto ipsec transform-set WORD esp-null REST", NULL, LATER},
	{G, "crypto ipsec transform-set WORD esp-aes 192 REST", NULL, LATER},
	{G, "crypto ipsec transform-set WORD esp-aes 256 REST", NULL, LATER},
	{G, "crypto ipsec transform-set WORD esp-aes esp-md5-hmac", NULL, LATER},
	{G, "crypto ipsec security-association lifetime seconds N120-86400", sa_seconds, NULL},
	{G, "crypto ipsec security-association lifetime kilobytes N2560-536870912", sa_kilobytes, NULL},
	{G, "crypto ipsec security-association replay window-size N64-1024", window_size, NULL},
	{G, "access-list N100-199 permit ip NET NET", acl_permit_ip, NULL},
	{G, "access-list N100-199 deny ip NET NET", acl_deny_ip, NULL},
	{G, "access-list N100-199 permit udp NET PORT NET PORT", acl_permit_udp, NULL},
	{G, "access-list N100-199 permit tcp NET PORT NET PORT", acl_permit_tcp, NULL},
	{G, "access-list N100-199 permit icmp NET NET", acl_permit_icmp, NULL},
	{G, "crypto map WORD N1-65535 ipsec-isakmp", map_static, NULL},
	{G, "crypto map WORD N1-65535 ipsec-isakmp dynamic WORD", map_dynamic, NULL},
	{G, "crypto map WORD ha replay-interval inbound N0-100000 outbound N1-1000000", ha_interval, NULL},
	{G, "crypto dynamic-map WORD N1-65535", dynamic_map, NULL},
	{G, "ssp group N1-100", ssp_group, NULL},
	{G, "ip route A.B.C.D MASK A.B.C.D", ip_route, NULL},

	{I, "ip address A.B.C.D MASK", ip_address, NULL},
	{I, "shutdown", shutdown, NULL},
	{I, "no shutdown", no_shutdown, NULL},
	{I, "standby [N0-255] ip [A.B.C.D]", standby_ip, NULL},
	{I, "standby [N0-255] priority N1-255", standby_priority, NULL},
	{I, "standby [N0-255] preempt", standby_preempt, NULL},
	{I, "standby [N0-255] preempt delay minimum N0-3600", preempt_minimum, NULL},
	{I, "standby [N0-255] preempt delay minimum N0-3600 reload N0-3600", preempt_minimum, NULL},
	{I, "standby [N0-255] preempt delay minimum N0-3600 reload N0-3600 sync N0-3600", preempt_minimum, NULL},
	{I, "standby [N0-255] preempt delay reload N0-3600", preempt_reload, NULL},
	{I, "standby [N0-255] preempt delay reload N0-3600 sync N0-3600", preempt_reload, NULL},
	{I, "standby [N0-255] preempt delay sync N0-3600", preempt_sync, NULL},
	{I, "standby [N0-255] timers N1-254 N2-255", timers_s, NULL},
	{I, "standby [N0-255] timers msec N15-999 msec N50-3000", timers_ms, NULL},
	{I, "standby [N0-255] timers msec N15-999 N1-255", timers_ms_s, NULL},
	{I, "standby [N0-255] name WORD", standby_name, NULL},
	{I, "standby [N0-255] track WORD [N1-255]", standby_track, NULL},
	{I, "standby [N0-255] authentication md5 REST", NULL, "MD5 authentication came later than this train (12.3(2)T)"},
	{I, "standby [N0-255] authentication WORD", standby_auth, NULL},
	{I, "standby delay minimum N0-10000 reload N0-10000", standby_delay, NULL},
	{I, "standby version REST", NULL, "HSRP version 2 came later than this train (12.3(4)T)"},
	{I, "standby use-bia REST", NULL, "the virtual MAC address is what moves here"},
	{I, "standby redirects REST", NULL, "ICMP redirects are not sent at all"},
	{I, "standby mac-refresh REST", NULL, "FDDI only"},
	{I, "crypto map WORD", if_map, NULL},
	{I, "crypto map WORD ssp N1-100", if_map_ssp, NULL},
	{I, "crypto map WORD redundancy REST", NULL, "that is the successor's (SSO) or the stateless form: use ssp"},

	{P, "encryption aes [128]", policy_aes, NULL},
	{P, "encryption des", NULL, "DES is broken (RFC 8247 2.1)"},
	{P, "encryption 3des", NULL, LATER},
	{P, "encryption aes REST", NULL, LATER},
	{P, "hash sha", policy_sha, NULL},
	{P, "hash sha256", policy_sha256, NULL},
	{P, "hash WORD", NULL, LATER},
	{P, "authentication pre-share", policy_psk, NULL},
	{P, "authentication rsa-sig", NULL, "the feature is for pre-shared keys alone"},
	{P, "authentication rsa-encr", NULL, "the feature is for pre-shared keys alone"},
	{P, "group 2", policy_group2, NULL},
	{P, "group 14", policy_group14, NULL},
	{P, "group 1", NULL, "768 bits are broken (RFC 8247 2.4)"},
	{P, "group WORD", NULL, LATER},
	{P, "lifetime N60-86400", policy_lifetime, NULL},

	{MODE_TSET, "mode tunnel", mode_tunnel, NULL},
	{MODE_TSET, "mode transport REST", NULL, "a gateway's SAs are tunnels"},

	{M, "set peer A.B.C.D", set_peer, NULL},
	{M, "set transform-set WORD [WORD] [WORD] [WORD] [WORD] [WORD]", set_tsets, NULL},
	{M, "set pfs group2", set_pfs2, NULL},
	{M, "set pfs group14", set_pfs14, NULL},
	{M, "set pfs REST", NULL, LATER ": group2 and group14 are"},
	{M, "set security-association lifetime seconds N120-86400", set_seconds, NULL},
	{M, "set security-association lifetime kilobytes N2560-536870912", set_kilobytes, NULL},
	{M, "match address N100-199", match_address, NULL},
	{M, "reverse-route", reverse_route, NULL},
	{M, "reverse-route REST", NULL, "came later than this train (12.3(14)T)"},

	{D, "set peer A.B.C.D", set_peer, NULL},
	{D, "set transform-set WORD [WORD] [WORD] [WORD] [WORD] [WORD]", set_tsets, NULL},
	{D, "set pfs group2", set_pfs2, NULL},
	{D, "set pfs group14", set_pfs14, NULL},
	{D, "set pfs REST", NULL, LATER ": group2 and group14 are"},
	{D, "set security-association lifetime seconds N120-86400", set_seconds, NULL},
	{D, "set security-association lifetime kilobytes N2560-536870912", set_kilobytes, NULL},
	{D, "match address N100-199", match_address, NULL},
	{D, "reverse-route", reverse_route, NULL},
	{D, "reverse-route REST", NULL, "came later than this train (12.3(14)T)"},

	{S, "remote A.B.C.D", ssp_remote, NULL},
	{S, "redundancy WORD", ssp_redundancy, NULL},
	{S, "port N1-65535", ssp_port, NULL},
	{S, "key KEY", ssp_key, NULL},
};
/* clang-format on */
const unsigned command_cnt = sizeof commands / sizeof commands[0];
