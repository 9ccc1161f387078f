/* SPDX-License-Identifier: BSD-2-Clause */
/* Notes and keys as lines. */
#include <stdio.h>

#include "ref/base/hex.h"
#include "ref/console/console.h"

void
tell_note(const struct node_note *n, char *dst, size_t cap)
{
	char peer[IP4_TEXT], why[160] = "";

	ip4_put(peer, n->peer);
	if (n->why.field)
		(void)snprintf(why, sizeof why, " (%s at octet %zu, %s)", n->why.field,
			n->why.offset, n->why.clause ? n->why.clause : "-");
	if (n->from)
		(void)snprintf(dst, cap, "%s %s -> %s on %s, group %u, %s", n->area, n->from, n->to,
			n->what, n->number, peer);
	else
		(void)snprintf(dst, cap, "%s %s %s 0x%x%s", n->area, n->what, peer, n->number, why);
}

void
tell_route(bool add, struct ip4_net net, char *dst, size_t cap)
{
	char addr[IP4_TEXT];

	(void)snprintf(dst, cap, "rri %s %s/%u", add ? "add" : "delete", ip4_put(addr, net.addr),
		net.len);
}

void
tell_ike_keys(const struct ike_export *x, char *dst, size_t cap)
{
	char i[2 * ISAKMP_COOKIE_LEN + 1], c[2 * ISAKMP_COOKIE_LEN + 1], key[2 * SECRET_MAX + 1];

	(void)snprintf(dst, cap, "IKEV1 %s %s %s %s",
		hex_put(i, sizeof i, x->cookies.i, ISAKMP_COOKIE_LEN),
		hex_put(c, sizeof c, x->cookies.r, ISAKMP_COOKIE_LEN),
		x->cipher == ISAKMP_CIPHER_3DES ? "3des-cbc" : "aes-cbc",
		hex_put(key, sizeof key, x->key.b, x->key.len));
	wipe(key, sizeof key);
}

void
tell_esp_keys(const struct node_pair *p, unsigned way, char *dst, size_t cap)
{
	const struct esp_sa *sa = way ? &p->out : &p->in;
	char from[IP4_TEXT], to[IP4_TEXT], enc[2 * SECRET_MAX + 1], auth[2 * SECRET_MAX + 1];

	(void)snprintf(dst, cap, "ESP %08x %s %s %s %s %s", sa->spi, ip4_put(from, sa->src),
		ip4_put(to, sa->dst), esp_alg(sa->transform)->label,
		hex_put(enc, sizeof enc, sa->enc.b, sa->enc.len),
		sa->auth.len ? hex_put(auth, sizeof auth, sa->auth.b, sa->auth.len) : "-");
	wipe(enc, sizeof enc);
	wipe(auth, sizeof auth);
}
