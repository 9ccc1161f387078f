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

/* Hashes, numbered as IKE does (RFC 2409 Appendix A; SHA-2: IANA's ipsec-registry, RFC 4868 4). */
enum crypto_hash {
	CRYPTO_MD5 = 1,
	CRYPTO_SHA1 = 2,
	CRYPTO_SHA256 = 4,
	CRYPTO_SHA384 = 5,
	CRYPTO_SHA512 = 6,
	CRYPTO_HASH_CNT
};

/* Groups, numbered as IKE does (RFC 2409 6.2; RFC 3526 2 to 5; RFC 5903 3.1, 3.2). */
enum crypto_group {
	CRYPTO_MODP1024 = 2,
	CRYPTO_MODP1536 = 5,
	CRYPTO_MODP2048 = 14,
	CRYPTO_MODP3072 = 15,
	CRYPTO_MODP4096 = 16,
	CRYPTO_ECP256 = 19,
	CRYPTO_ECP384 = 20,
	CRYPTO_GROUP_CNT
};

/* Ciphers: what protocols name by an algorithm and a key length is one number here. */
enum crypto_cipher {
	CRYPTO_CIPHER_NONE = 0,
	CRYPTO_AES128_CBC,
	CRYPTO_AES192_CBC,
	CRYPTO_AES256_CBC,
	CRYPTO_3DES_CBC,
	CRYPTO_AES128_GCM,
	CRYPTO_AES192_GCM,
	CRYPTO_AES256_GCM,
	CRYPTO_CIPHER_CNT
};

#define CRYPTO_HASH_MAX 64   /* bytes of the longest digest */
#define CRYPTO_DH_MAX 512    /* bytes of the longest public value */
#define CRYPTO_DH_PRIVATE 48 /* bytes of a private value: 384 bits (RFC 3526 8: 240 for group 16) */
#define CRYPTO_BLOCK 16	     /* the longest block, AES; 3DES has 8 */
#define CRYPTO_KEY_MAX 32    /* AES-256 */
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
	/*
	 * CBC over whole blocks (len a multiple of crypto_block_len: asserted). key has
	 * crypto_key_len bytes, iv a block. in may equal out.
	 */
	void (*cbc_encrypt)(enum crypto_cipher a, const uint8_t *key, const uint8_t *iv,
		const uint8_t *in, uint8_t *out, size_t len);
	void (*cbc_decrypt)(enum crypto_cipher a, const uint8_t *key, const uint8_t *iv,
		const uint8_t *in, uint8_t *out, size_t len);
	/* GCM with a 16-byte tag. in may equal out. */
	void (*gcm_seal)(enum crypto_cipher a, const uint8_t *key,
		const uint8_t nonce[CRYPTO_GCM_NONCE], const uint8_t *aad, size_t aad_len,
		const uint8_t *in, uint8_t *out, size_t len, uint8_t tag[CRYPTO_GCM_TAG]);
	/* ERR_OK or ERR_AUTH; on ERR_AUTH out holds nothing that may be used. */
	enum err (*gcm_open)(enum crypto_cipher a, const uint8_t *key,
		const uint8_t nonce[CRYPTO_GCM_NONCE], const uint8_t *aad, size_t aad_len,
		const uint8_t *in, uint8_t *out, size_t len,
		const uint8_t tag[CRYPTO_GCM_TAG]) MUST_CHECK;
	/*
	 * The public value, crypto_group_len bytes: g^priv with leading zeros kept (RFC 2409 5), or x | y
	 * of priv times the base point (RFC 5903 7).
	 */
	void (*dh_public)(enum crypto_group g, const uint8_t priv[CRYPTO_DH_PRIVATE], uint8_t *pub);
	/*
	 * The shared secret, crypto_shared_len bytes: peer^priv, or x alone of the product (RFC 5903 7).
	 * ERR_VALUE if the peer's value is not within 2 .. p - 2, or no point of the curve; its
	 * length is crypto_group_len(g), which the caller has checked.
	 */
	enum err (*dh_shared)(enum crypto_group g, const uint8_t priv[CRYPTO_DH_PRIVATE],
		const uint8_t *peer, uint8_t *shared) MUST_CHECK;
};

extern const struct crypto crypto_openssl;
extern const struct crypto crypto_null;

/* Release the calling thread's OpenSSL contexts, and the keys in them. */
void crypto_openssl_wipe(void);
/* Makes what the first use would make: before processes are forked, say. */
void crypto_openssl_ready(void);

/* Bytes of a digest, 0 if we do not have it. */
size_t crypto_hash_len(unsigned hash);
/* Bytes of a public value, 0 if we do not have the group. */
size_t crypto_group_len(unsigned group);
/* Bytes of the shared secret, 0 if we do not have the group. */
size_t crypto_shared_len(unsigned group);
/* Bytes of a key and of a block (of the IV, for CBC); 0 if we do not have the cipher. */
size_t crypto_key_len(unsigned cipher);
size_t crypto_block_len(unsigned cipher);
/* "md5", "sha", "sha256"...; NULL if unknown. */
const char *crypto_hash_name(unsigned hash);

/* Random bytes for one step. used counts from the front; taken bytes are zeroed. */
struct entropy {
	uint8_t b[2048];
	size_t used;
};

/* Copy len fresh bytes to dst; false, and nothing taken, if so many are not left. */
bool entropy_take(struct entropy *e, void *dst, size_t len) MUST_CHECK;

#endif
