/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_KEYS_KEYIKE_H
#define BATON_KEYS_KEYIKE_H

/*
 * IKEv1 keys with a pre-shared secret (RFC 2409 5, 5.4, 5.5 and Appendix B). Pure functions over a
 * struct that the caller places and wipes (keyike_wipe).
 *
 * Order of use: fill the public part of struct keyike, then keyike_derive; keyike_hash_i/_r and
 * keyike_crypt for messages 5 and 6; keyike_phase2_iv for every later exchange.
 */
#include "harness/keys/keyprim.h"
#include "ref/base/secret.h"

struct keyike {
	uint8_t icookie[8], rcookie[8];
	enum keyprim_hash hash;
	enum keyprim_cipher cipher;
	uint16_t key_bits; /* AES: 128, 192, 256 */
	/* derived */
	struct secret skeyid, d, a, e;
	struct secret key;	       /* cipher key: SKEYID_e, expanded if too short */
	uint8_t iv[KEYPRIM_BLOCK_MAX]; /* phase 1: the IV of the next message */
	bool have_iv;		       /* false when only the key is known */
};

/* Everything that Main Mode's messages 1 to 4 showed, and the secrets. Borrowed. */
struct keyike_in {
	struct span psk;
	struct span ni, nr;   /* bodies of the nonce payloads */
	struct span gxi, gxr; /* bodies of the KE payloads */
	struct span gxy;
};

/* SKEYID, _d, _a, _e, cipher key, first IV. False on an unknown algorithm. */
bool keyike_derive(struct keyike *k, const struct keyike_in *in);
/* Only the first IV, hash(g^xi | g^xr), for one who has the key by other means. */
void keyike_first_iv(struct keyike *k, struct span gxi, struct span gxr);
/* Cipher key from SKEYID_e (RFC 2409 App. B); part of keyike_derive. */
bool keyike_expand_key(struct keyike *k);
void keyike_wipe(struct keyike *k);

/* HASH_I and HASH_R of phase 1. sa_b: SAi body; id_b: body of that side's ID payload. */
void keyike_hash_i(const struct keyike *k, const struct keyike_in *in, struct span sa_b,
	struct span id_b, uint8_t *out);
void keyike_hash_r(const struct keyike *k, const struct keyike_in *in, struct span sa_b,
	struct span id_b, uint8_t *out);

/* IV of the first message of an exchange with that message id. iv: the last block of phase 1. */
void keyike_phase2_iv(const struct keyike *k, uint32_t msgid, uint8_t *iv);
/* CBC over a message body; *iv (block octets) becomes the IV of the next message. */
bool keyike_crypt(const struct keyike *k, bool encrypt, uint8_t *iv, const uint8_t *in, size_t len,
	uint8_t *out);

/* HASH(1) = prf(a, M-ID | rest); informational the same. HASH(2): with Ni_b in front of rest. */
void keyike_hash1(const struct keyike *k, uint32_t msgid, struct span rest, uint8_t *out);
void keyike_hash2(
	const struct keyike *k, uint32_t msgid, struct span ni_b, struct span rest, uint8_t *out);
void keyike_hash3(
	const struct keyike *k, uint32_t msgid, struct span ni_b, struct span nr_b, uint8_t *out);
/* KEYMAT for one SPI; gxy of length 0 without PFS. need octets are written. */
void keyike_keymat(const struct keyike *k, struct span gxy, uint8_t protocol, uint32_t spi,
	struct span ni_b, struct span nr_b, uint8_t *out, size_t need);

#endif
