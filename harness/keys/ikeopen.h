/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_KEYS_IKEOPEN_H
#define BATON_KEYS_IKEOPEN_H

/*
 * Opening a trace of IKEv1: fed with every ISAKMP message in the order of the trace, it follows
 * the IV chains and yields the payloads in clear. It needs the cipher key (key ring) and finds the
 * rest (hash, KE values) in the messages in clear. Retransmissions are opened again and do not
 * disturb a chain. It judges nothing and checks no hash payload.
 *
 * Allocates a little for each exchange; ikeopen_free.
 */
#include "harness/keys/keyring.h"

struct ikeopen;

struct ikeopen_msg {
	uint8_t icookie[8], rcookie[8];
	uint8_t exchange; /* 2 Main Mode, 5 Informational, 32 Quick Mode */
	uint8_t flags;
	uint8_t first; /* type of the first payload */
	uint32_t msgid;
	bool was_encrypted;
	bool repeated;	     /* the same bytes were fed before */
	uint8_t iv[KEYPRIM_BLOCK_MAX]; /* with which it was opened, if it was encrypted */
	const uint8_t *body; /* payloads in clear: borrowed until the next feed */
	size_t body_len;     /* padding included */
};

struct ikeopen *ikeopen_new(struct keyring *ring); /* ring borrowed; may grow meanwhile */
void ikeopen_free(struct ikeopen *o);
/* One ISAKMP message (from the initiator's cookie on). ERR_UNKNOWN: encrypted and no key (header
 * fields are filled); ERR_SHORT, ERR_LENGTH: malformed; ERR_AUTH: opened to nonsense. */
enum err ikeopen_feed(
	struct ikeopen *o, const uint8_t *msg, size_t len, struct ikeopen_msg *out) MUST_CHECK;

#endif
