/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_CRYPTO_CRYPTO_H
#define BATON_CRYPTO_CRYPTO_H

/*
 * The few primitives that IKEv1 and ESP need, as a table of functions.
 *
 * A core reaches cryptography only through a `const struct crypto *`. crypto_openssl is the real
 * one (libcrypto behind it, contexts kept a thread, nothing allocated a packet); crypto_null is
 * deterministic and worthless as protection: it is for tests of everything that is not crypto.
 *
 * Randomness is an input: whoever owns a random source fills a struct entropy before each step,
 * and a core takes from it what it needs, private Diffie-Hellman values included.
 *
 * All memory is borrowed for the call. Nothing here keeps a key after it returns, but for the
 * OpenSSL contexts, which crypto_openssl_wipe releases.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ref/base/err.h"

/* Hashes, numbered as IKE does (RFC 2409 Appendix A; SHA2-256: IANA ipsec-registry). */
enum crypto_hash { CRYPTO_SHA1 = 2, CRYPTO_SHA256 = 4 };

/* Groups, numbered as IKE does (RFC 2409 6.2; RFC 3526 3). */
enum crypto_group { CRYPTO_MODP1024 = 2, CRYPTO_MODP2048 = 14 };

#define CRYPTO_HASH_MAX 32   /* bytes of the longest digest */
#define CRYPTO_DH_MAX 256    /* bytes of the longest public value */
#define CRYPTO_DH_PRIVATE 32 /* bytes of a private value: 256 bits, twice the strength of 14 */
#define CRYPTO_BLOCK 16	     /* AES */
#define CRYPTO_KEY 16	     /* AES-128 */
#define CRYPTO_GCM_NONCE 12
#define CRYPTO_GCM_TAG 16

/* A piece of what is hashed. */
struct crypto_part {
	const void *p;
	size_t len;
};

struct crypto {
	const char *name;
	/* The digest of the parts, one after the other, to out (crypto_hash_len bytes). */
	void (*hash)(enum crypto_hash h, const struct crypto_part *part, size_t cnt, uint8_t *out);
	/* HMAC (RFC 2104). */
	void (*hmac)(enum crypto_hash h, const uint8_t *key, size_t key_len,
		const struct crypto_part *part, size_t cnt, uint8_t *out);
	/* AES-128-CBC over whole blocks (len a multiple of 16: asserted). in may equal out. */
	void (*cbc_encrypt)(const uint8_t key[CRYPTO_KEY], const uint8_t iv[CRYPTO_BLOCK],
		const uint8_t *in, uint8_t *out, size_t len);
	void (*cbc_decrypt)(const uint8_t key[CRYPTO_KEY], const uint8_t iv[CRYPTO_BLOCK],
		const uint8_t *in, uint8_t *out, size_t len);
	/* AES-128-GCM with a 16-byte tag. in may equal out. */
	void (*gcm_seal)(const uint8_t key[CRYPTO_KEY], const uint8_t nonce[CRYPTO_GCM_NONCE],
		const uint8_t *aad, size_t aad_len, const uint8_t *in, uint8_t *out, size_t len,
		uint8_t tag[CRYPTO_GCM_TAG]);
	/* ERR_OK or ERR_AUTH; on ERR_AUTH out holds nothing that may be used. */
	enum err (*gcm_open)(const uint8_t key[CRYPTO_KEY], const uint8_t nonce[CRYPTO_GCM_NONCE],
		const uint8_t *aad, size_t aad_len, const uint8_t *in, uint8_t *out, size_t len,
		const uint8_t tag[CRYPTO_GCM_TAG]) MUST_CHECK;
	/* g^priv, crypto_group_len bytes with leading zeros kept (RFC 2409 5). */
	void (*dh_public)(enum crypto_group g, const uint8_t priv[CRYPTO_DH_PRIVATE], uint8_t *pub);
	/*
	 * peer^priv. ERR_VALUE if the peer's value is not within 2 .. p - 2; its length is
	 * crypto_group_len(g), which the caller has checked.
	 */
	enum err (*dh_shared)(enum crypto_group g, const uint8_t priv[CRYPTO_DH_PRIVATE],
		const uint8_t *peer, uint8_t *shared) MUST_CHECK;
};

extern const struct crypto crypto_openssl;
extern const struct crypto crypto_null;

/* Release the calling thread's OpenSSL contexts, and the keys in them. */
void crypto_openssl_wipe(void);

/* Bytes of a digest, 0 if we do not have it. */
size_t crypto_hash_len(unsigned hash);
/* Bytes of a public value, 0 if we do not have the group. */
size_t crypto_group_len(unsigned group);
/* "sha", "sha256"; "modp1024"...; NULL if unknown. */
const char *crypto_hash_name(unsigned hash);

/* Random bytes for one step. used counts from the front; taken bytes are zeroed. */
struct entropy {
	uint8_t b[2048];
	size_t used;
};

/* Copy len fresh bytes to dst; false, and nothing taken, if so many are not left. */
bool entropy_take(struct entropy *e, void *dst, size_t len) MUST_CHECK;

#endif
