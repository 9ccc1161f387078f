/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration as text: what `show running-config` shows, and what is read back to the same. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ref/base/hex.h"
#include "ref/config/config.h"

struct out {
	char *dst;
	size_t cap, len; /* len: what it has or would have */
	bool keys;
};

__attribute__((format(printf, 2, 3))) static void
put(struct out *o, const char *fmt, ...)
{
	size_t room = o->len < o->cap ? o->cap - o->len : 0;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(room ? o->dst + o->len : NULL, room, fmt, ap);
	va_end(ap);
	o->len += n > 0 ? (size_t)n : 0;
}

static const char *
addr(char text[IP4_TEXT], ip4_t a)
{
	return ip4_put(text, a);
}

/* any | host A.B.C.D | A.B.C.D wildcard */
static void
put_net(struct out *o, struct ip4_net n)
{
	char a[IP4_TEXT], w[IP4_TEXT];

	if (n.len == 0)
		put(o, " any");
	else if (n.len == 32)
		put(o, " host %s", addr(a, n.addr));
	else
		put(o, " %s %s", addr(a, n.addr), addr(w, ~ip4_mask(n.len)));
}

static void
put_port(struct out *o, uint16_t port)
{
	if (port)
		put(o, " eq %u", port);
}

/* ---- sections ---- */

static void
put_policy(struct out *o, const struct cfg_policy *p)
{
	static const char *const hash[] = {
		[1] = "md5", [2] = "sha", [4] = "sha256", [5] = "sha384", [6] = "sha512"};

	put(o, "crypto isakmp policy %u\n", p->priority);
	if (p->cipher == 5)
		put(o, " encryption 3des\n");
	else
		put(o, " encryption aes %u\n", p->key_bits);
	put(o, " hash %s\n authentication pre-share\n group %u\n lifetime %u\n", hash[p->hash],
		p->group, p->lifetime_s);
}

static void
put_isakmp(struct out *o, const struct cfg *c)
{
	char a[IP4_TEXT], m[IP4_TEXT];

	for (unsigned i = 0; i < c->policy_cnt; i++)
		put_policy(o, &c->policy[i]);
	for (unsigned i = 0; i < c->key_cnt; i++) {
		const struct cfg_key *k = &c->key[i];

		if (o->keys)
			put(o, "crypto isakmp key %.*s address %s", (int)k->key.len,
				(const char *)k->key.b, addr(a, k->addr));
		else
			put(o, "crypto isakmp key <removed> address %s", addr(a, k->addr));
		put(o, k->len == 32 ? "\n" : " %s\n", addr(m, ip4_mask(k->len)));
	}
	if (c->keepalive_ms % 1000 || c->keepalive_retry_ms % 1000 ||
		(c->keepalive_ms && c->keepalive_ms < 10000) ||
		(c->keepalive_ms && c->keepalive_retry_ms < 2000))
		put(o, "crypto isakmp keepalive msec %u %u%s\n", c->keepalive_ms,
			c->keepalive_retry_ms, c->keepalive_periodic ? " periodic" : "");
	else if (c->keepalive_ms)
		put(o, "crypto isakmp keepalive %u %u%s\n", c->keepalive_ms / 1000,
			c->keepalive_retry_ms / 1000, c->keepalive_periodic ? " periodic" : "");
}

static void
put_tset(struct out *o, const struct cfg_tset *t)
{
	static const char *const auth[CFG_AUTH_CNT] = {[CFG_AUTH_NONE] = "",
		[CFG_AUTH_MD5] = " esp-md5-hmac",
		[CFG_AUTH_SHA1] = " esp-sha-hmac",
		[CFG_AUTH_SHA256] = " esp-sha256-hmac"};
	static const char *const cipher[] = {[CFG_ESP_NONE] = "",
		[CFG_ESP_AES_CBC] = "esp-aes",
		[CFG_ESP_AES_GCM] = "esp-gcm",
		[CFG_ESP_3DES] = "esp-3des",
		[CFG_ESP_NULL] = "esp-null"};

	put(o, "crypto ipsec transform-set %s %s", t->name, cipher[t->cipher]);
	if (t->key_bits)
		put(o, " %u", t->key_bits);
	put(o, "%s\n", auth[t->auth]);
}

static void
put_acl(struct out *o, const struct cfg_acl *l)
{
	for (unsigned i = 0; i < l->cnt; i++) {
		const struct cfg_acl_entry *e = &l->v[i];

		put(o, "access-list %s %s %s", l->name, e->permit ? "permit" : "deny",
			e->proto == 6    ? "tcp"
			: e->proto == 17 ? "udp"
			: e->proto == 1  ? "icmp"
					 : "ip");
		put_net(o, e->src);
		put_port(o, e->sport);
		put_net(o, e->dst);
		put_port(o, e->dport);
		put(o, "\n");
	}
}

static void
put_map(struct out *o, const struct cfg_map *m)
{
	char a[IP4_TEXT];

	if (m->is_template)
		put(o, "crypto dynamic-map %s %u\n", m->name, m->seq);
	else
		put(o, "crypto map %s %u ipsec-isakmp", m->name, m->seq);
	if (m->dynamic[0])
		put(o, " dynamic %s", m->dynamic);
	if (!m->is_template)
		put(o, "\n");
	if (m->dynamic[0])
		return;
	if (m->peer)
		put(o, " set peer %s\n", addr(a, m->peer));
	put(o, " set transform-set");
	for (unsigned i = 0; i < m->tset_cnt; i++)
		put(o, " %s", m->tset[i]);
	put(o, "\n");
	if (m->pfs)
		put(o, " set pfs group%u\n", m->pfs);
	if (m->lifetime_s)
		put(o, " set security-association lifetime seconds %u\n", m->lifetime_s);
	if (m->lifetime_kb)
		put(o, " set security-association lifetime kilobytes %u\n", m->lifetime_kb);
	if (m->acl[0])
		put(o, " match address %s\n", m->acl);
	if (m->reverse_route)
		put(o, " reverse-route\n");
}

static void
put_ipsec(struct out *o, const struct cfg *c)
{
	struct cfg usual;

	cfg_init(&usual);
	for (unsigned i = 0; i < c->tset_cnt; i++)
		put_tset(o, &c->tset[i]);
	if (c->lifetime_s != usual.lifetime_s)
		put(o, "crypto ipsec security-association lifetime seconds %u\n", c->lifetime_s);
	if (c->lifetime_kb != usual.lifetime_kb)
		put(o, "crypto ipsec security-association lifetime kilobytes %u\n",
			c->lifetime_kb);
	if (c->window != usual.window)
		put(o, "crypto ipsec security-association replay window-size %u\n", c->window);
	for (unsigned i = 0; i < c->acl_cnt; i++)
		put_acl(o, &c->acl[i]);
	for (unsigned i = 0; i < c->map_cnt; i++)
		put_map(o, &c->map[i]);
	for (unsigned i = 0; i < c->ha_cnt; i++)
		put(o, "crypto map %s ha replay-interval inbound %u outbound %u\n", c->ha[i].map,
			c->ha[i].inbound, c->ha[i].outbound);
}

static void
put_ssp(struct out *o, const struct cfg_ssp *s)
{
	char a[IP4_TEXT], key[2 * SECRET_MAX + 1];

	put(o, "ssp group %u\n remote %s\n", s->id, addr(a, s->remote));
	for (unsigned i = 0; i < s->redundancy_cnt; i++)
		put(o, " redundancy %s\n", s->redundancy[i]);
	if (s->port != CFG_SSP_PORT)
		put(o, " port %u\n", s->port);
	put(o, " key %s\n",
		o->keys ? hex_put(key, sizeof key, s->key.b, s->key.len) : "<removed>");
	wipe(key, sizeof key);
}

/* ---- an interface ---- */

/* `standby`, and the number unless it is 0, which IOS does not show either. */
static void
standby(struct out *o, const struct cfg_standby *s)
{
	put(o, " standby");
	if (s->hsrp.group)
		put(o, " %u", s->hsrp.group);
}

static void
put_preempt(struct out *o, const struct cfg_standby *s)
{
	const struct hsrp_cfg *h = &s->hsrp;

	if (!h->preempt)
		return;
	if (h->preempt_equal) {
		standby(o, s);
		put(o, " preempt rfc\n");
	}
	standby(o, s);
	put(o, " preempt");
	if (h->preempt_minimum || h->preempt_reload || h->preempt_sync)
		put(o, " delay minimum %u reload %u sync %u",
			(unsigned)(h->preempt_minimum / NS_PER_S),
			(unsigned)(h->preempt_reload / NS_PER_S),
			(unsigned)(h->preempt_sync / NS_PER_S));
	put(o, "\n");
}

static void
put_timers(struct out *o, const struct cfg_standby *s)
{
	unsigned hello = (unsigned)(s->hsrp.hello / NS_PER_MS);
	unsigned hold = (unsigned)(s->hsrp.hold / NS_PER_MS);

	if (!s->hsrp.timers_set)
		return;
	standby(o, s);
	if (!s->hsrp.timers_msec)
		put(o, " timers %u %u\n", hello / 1000, hold / 1000);
	else if (hold % 1000 || hold <= 3000)
		put(o, " timers msec %u msec %u\n", hello, hold);
	else
		put(o, " timers msec %u %u\n", hello, hold / 1000);
}

static void
put_group(struct out *o, const struct cfg_standby *s)
{
	char a[IP4_TEXT];

	if (s->has_ip) {
		standby(o, s);
		put(o, s->hsrp.vip ? " ip %s\n" : " ip\n", addr(a, s->hsrp.vip));
	}
	if (s->hsrp.priority != 100) {
		standby(o, s);
		put(o, " priority %u\n", s->hsrp.priority);
	}
	put_preempt(o, s);
	put_timers(o, s);
	if (s->name[0]) {
		standby(o, s);
		put(o, " name %s\n", s->name);
	}
	for (unsigned i = 0; i < s->track_cnt; i++) {
		standby(o, s);
		put(o, " track %s %u\n", s->track[i].interface, s->track[i].decrement);
	}
	if (memcmp(s->hsrp.auth, "cisco\0\0\0", HSRP_AUTH_LEN) != 0) {
		standby(o, s);
		put(o, " authentication %.*s\n", HSRP_AUTH_LEN, (const char *)s->hsrp.auth);
	}
}

static void
put_interface(struct out *o, const struct cfg_if *f)
{
	char a[IP4_TEXT], m[IP4_TEXT];

	put(o, "interface %s\n", f->name);
	if (f->addr)
		put(o, " ip address %s %s\n", addr(a, f->addr), addr(m, ip4_mask(f->len)));
	if (f->delay_minimum_s || f->delay_reload_s)
		put(o, " standby delay minimum %u reload %u\n", f->delay_minimum_s,
			f->delay_reload_s);
	for (unsigned i = 0; i < f->standby_cnt; i++)
		put_group(o, &f->standby[i]);
	if (f->map[0])
		put(o, f->ssp ? " crypto map %s ssp %u\n" : " crypto map %s\n", f->map, f->ssp);
	if (f->shutdown)
		put(o, " shutdown\n");
}

size_t
config_print(const struct cfg *c, bool keys, char *dst, size_t cap)
{
	struct out o = {.dst = dst, .cap = cap, .keys = keys};
	char net[IP4_TEXT], mask[IP4_TEXT], gw[IP4_TEXT];

	if (c->hostname[0])
		put(&o, "hostname %s\n", c->hostname);
	put_isakmp(&o, c);
	put_ipsec(&o, c);
	for (unsigned i = 0; i < c->ssp_cnt; i++)
		put_ssp(&o, &c->ssp[i]);
	if (c->df)
		put(&o, "crypto ipsec df-bit %s\n", c->df == CFG_DF_SET ? "set" : "copy");
	if (c->fragment_before)
		put(&o, "crypto ipsec fragmentation before-encryption\n");
	if (c->commit)
		put(&o, "crypto isakmp commit-bit\n");
	if (c->nat_keepalive_s)
		put(&o, "crypto isakmp nat keepalive %u\n", c->nat_keepalive_s);
	if (c->no_natt)
		put(&o, "no crypto ipsec nat-transparency udp-encapsulation\n");
	if (c->isakmp_ssp)
		put(&o, "crypto isakmp ssp %u\n", c->isakmp_ssp);
	for (unsigned i = 0; i < c->if_cnt; i++)
		put_interface(&o, &c->ifs[i]);
	for (unsigned i = 0; i < c->route_cnt; i++)
		put(&o, "ip route %s %s %s\n", addr(net, c->route[i].net.addr),
			addr(mask, ip4_mask(c->route[i].net.len)), addr(gw, c->route[i].gw));
	put(&o, "end\n");
	return o.len;
}
