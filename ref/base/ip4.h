/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_BASE_IP4_H
#define BATON_BASE_IP4_H

/* IPv4 addresses in host order, prefixes, and Ethernet addresses. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32_t ip4_t; /* host order */

struct mac {
	uint8_t b[6];
};

struct ip4_net {
	ip4_t addr; /* host order, host bits zero */
	uint8_t len; /* prefix length, 0 to 32 */
};

#define IP4(a, b, c, d) \
	((ip4_t)(a) << 24 | (ip4_t)(b) << 16 | (ip4_t)(c) << 8 | (ip4_t)(d))

static inline ip4_t
ip4_mask(uint8_t len)
{
	return len ? (ip4_t)(0xffffffffu << (32 - len)) : 0;
}

static inline bool
ip4_in(struct ip4_net n, ip4_t a)
{
	return ((a ^ n.addr) & ip4_mask(n.len)) == 0;
}

#define IP4_TEXT 16
/* Dotted quad into dst (IP4_TEXT bytes); returns dst. */
char *ip4_put(char *dst, ip4_t a);
/* Dotted quad, whole string; false if it is not one. */
bool ip4_get(ip4_t *a, const char *text);

#define MAC_TEXT 18
/* xx:xx:xx:xx:xx:xx into dst (MAC_TEXT bytes); returns dst. */
char *mac_put(char *dst, const struct mac *m);
bool mac_equal(const struct mac *a, const struct mac *b);

#endif
