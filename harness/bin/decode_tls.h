/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_BIN_DECODE_TLS_H
#define BATON_BIN_DECODE_TLS_H

/*
 * SSP inside TLS, for `baton decode`: connections on the port of SSP that are seen from their SYN
 * on, opened with the TLS secrets of a key ring. A message belongs to the frame that completes it.
 */
#include "harness/field/pkt.h"
#include "harness/keys/tlsopen.h"

struct decode_tls;

struct decode_tls *decode_tls_new(const struct keyring *ring); /* borrowed */
void decode_tls_free(struct decode_tls *t);		       /* NULL is allowed */
/* A frame that is TCP. Octets of the whole messages that it completes, one behind the other; what
 * has no room in out (cap octets) is left out. */
size_t decode_tls_feed(
	struct decode_tls *t, const struct pkt *p, ns_t at, uint8_t *out, size_t cap);

#endif
