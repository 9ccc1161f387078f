/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_REPLAY_REPLAY_IN_H
#define BATON_REPLAY_REPLAY_IN_H

/* What rewrite.c (headers) and reseal.c (what is encrypted) share. */
#include "harness/replay/rewrite.h"

#define REPLAY_EXCHANGES 64 /* of which the IV is kept; the oldest makes room */

struct replay_exchange {
	uint8_t cookies[16];
	uint32_t msgid;
	uint8_t type;
	uint8_t iv[KEYPRIM_BLOCK_MAX];
};

struct replay {
	struct replay_rules rules;
	struct replay_counters n;
	bool met[REPLAY_MAPS];	     /* an SPI's first packet has come */
	uint32_t first[REPLAY_MAPS]; /* and this was its number */
	struct ikeopen *ike;	     /* with old keys */
	struct replay_exchange exchanges[REPLAY_EXCHANGES];
	size_t exchange_cnt;
	uint8_t inner[REPLAY_FRAME_MAX], sealed[REPLAY_FRAME_MAX + 64];
};

/* The address that takes this one's place. */
ip4_t replay_ip(const struct replay *r, ip4_t a);
/* Map the addresses of an IPv4 packet, in place; checksums follow. True if one changed. */
bool replay_map_packet(const struct replay *r, uint8_t *ip, size_t len);
/* Put `len` octets at `at`, and carry the checksum at `sum` along (NULL: none). at is at an even
 * distance from what the sum begins with. */
void replay_put(uint8_t *at, const void *octets, size_t len, uint8_t *sum);

/* What a payload becomes: `len` octets in r->sealed; 0: nothing is to be done. */
size_t replay_esp(struct replay *r, ip4_t dst, ip4_t new_dst, const uint8_t *esp, size_t len);
size_t replay_isakmp(struct replay *r, const uint8_t *msg, size_t len);

#endif
