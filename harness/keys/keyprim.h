/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_KEYS_KEYPRIM_H
#define BATON_KEYS_KEYPRIM_H

/*
 * The primitives that the harness needs, each one call; libcrypto behind them, in keyprim.c alone.
 * No state is kept but the library's algorithms. Out buffers are the caller's. Functions that return
 * bool say false only if lengths are impossible or (gcm, below) the tag is wrong.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RFC 2409 App. A, and what IANA's registry of IPsec attributes added to it. */
enum keyprim_hash {
	KEYPRIM_MD5 = 1,
	KEYPRIM_SHA1 = 2,
	KEYPRIM_SHA256 = 4,
	KEYPRIM_SHA384 = 5,
	KEYPRIM_SHA512 = 6
};
enum keyprim_cipher { KEYPRIM_3DES = 5, KEYPRIM_AES = 7 }; /* the same; CBC */

#define KEYPRIM_HASH_MAX 64
#define KEYPRIM_SHA256_LEN 32 /* of digests by which messages are told from each other */
#define KEYPRIM_BLOCK_MAX 16
#define KEYPRIM_DH_MAX 512 /* octets of a public value: group 16 */

/* A piece of input; borrowed. */
struct span {
	const void *p;
	size_t len;
};
#define SPAN(ptr, n) ((struct span){.p = (ptr), .len = (n)})

/* Asks the library for its algorithms, as the first use would: before processes are forked, say. */
void keyprim_ready(void);
size_t keyprim_hash_len(enum keyprim_hash h); /* 0 if unknown */
size_t keyprim_block(enum keyprim_cipher c);
void keyprim_digest(enum keyprim_hash h, const struct span *parts, size_t cnt, uint8_t *out);
void keyprim_hmac(enum keyprim_hash h, const void *key, size_t key_len, const struct span *parts,
	size_t cnt, uint8_t *out);
/* CBC without padding, len a multiple of the block; in == out allowed; iv is not changed. */
bool keyprim_cbc(enum keyprim_cipher c, bool encrypt, const void *key, size_t key_len,
	const uint8_t *iv, const uint8_t *in, size_t len, uint8_t *out);
/* AES-GCM with 12-octet nonce and 16-octet tag. Opening: false if the tag is wrong. */
bool keyprim_gcm_seal(const void *key, size_t key_len, const uint8_t *nonce, struct span aad,
	const uint8_t *in, size_t len, uint8_t *out, uint8_t *tag);
bool keyprim_gcm_open(const void *key, size_t key_len, const uint8_t *nonce, struct span aad,
	const uint8_t *in, size_t len, uint8_t *out, const uint8_t *tag);
/* HKDF-Expand-Label of RFC 8446 7.1 with SHA-256 and an empty context. */
bool keyprim_hkdf_label(
	const void *secret, size_t secret_len, const char *label, uint8_t *out, size_t out_len);

/*
 * Groups: MODP 2 (RFC 2409 6.2), 5, 14, 15, 16 (RFC 3526); ECP 19 and 20 (RFC 5903). Octets of a
 * public value, 0 if unknown: a prime's size, or the two coordinates, x first (RFC 5903 7).
 */
size_t keyprim_dh_len(uint16_t group);
/* Octets of the shared secret: a prime's size, or the x coordinate alone (RFC 5903 7). */
size_t keyprim_dh_shared_len(uint16_t group);
/* Makes the curves, as the first use would; see keyprim_ready. */
void keyprim_dh_ready(void);
/* Public value of a private one (any 16 to 64 random octets; ECP: taken modulo the order). */
bool keyprim_dh_public(uint16_t group, const void *priv, size_t priv_len, uint8_t *pub);
/* g^xy, keyprim_dh_shared_len octets; false if the other's value is not within 2 .. p - 2, or not
 * on the curve. */
bool keyprim_dh_shared(uint16_t group, const void *priv, size_t priv_len, const uint8_t *other,
	size_t other_len, uint8_t *shared);

#endif
