/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_KEYS_TLSOPEN_H
#define BATON_KEYS_TLSOPEN_H

/*
 * Opening one TLS 1.3 connection (TLS_AES_128_GCM_SHA256) seen as TCP segments: both directions
 * are put in order by sequence number (retransmissions and overlaps tolerated, gaps waited for),
 * records are opened with the traffic secrets of the key ring (RFC 8446 5.2, 7.3; KeyUpdate 4.6.3),
 * and application data is handed out with the time of the segment that completed its record.
 *
 * Direction 0 is from the TLS client (the TCP side that sent the first SYN). Handshake records are
 * opened if their secrets are there, else passed over.
 */
#include "harness/keys/keyring.h"
#include "ref/base/time.h"

struct tlsopen;

typedef void tlsopen_data(void *ctx, ns_t at, int dir, const uint8_t *bytes, size_t len);

/* ring borrowed. data: called with plaintext in stream order, record by record. */
struct tlsopen *tlsopen_new(const struct keyring *ring, tlsopen_data *data, void *ctx);
void tlsopen_free(struct tlsopen *t);
/* The connection has no TLS at all: octets are handed out as they are. Before the first segment. */
void tlsopen_plain(struct tlsopen *t);

#define TLSOPEN_FIN 0x01
#define TLSOPEN_SYN 0x02
#define TLSOPEN_RST 0x04
/* One TCP segment. flags: as in the TCP header. */
void tlsopen_segment(struct tlsopen *t, ns_t at, int dir, uint32_t seq, uint8_t flags,
	const uint8_t *bytes, size_t len);

struct tlsopen_stat {
	uint32_t records; /* opened records of application data */
	uint32_t failed;  /* records whose tag was wrong */
	uint32_t locked;  /* encrypted records for which no secret was there */
	uint32_t updates; /* KeyUpdates followed */
	uint32_t gaps;	  /* bytes that were never seen, when the stream ended or moved past them */
	bool have_random; /* ClientHello seen */
	uint8_t random[32];
};
const struct tlsopen_stat *tlsopen_stat(const struct tlsopen *t, int dir);

#endif
