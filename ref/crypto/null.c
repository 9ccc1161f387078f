/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A provider that protects nothing, for tests and for the simulated lab.
 *
 * It is quick and deterministic and keeps the shapes: lengths are those of the real algorithms,
 * what is changed on the way is noticed, a wrong key yields other bytes, both ends of a key
 * exchange agree.
 * Nobody who wants to read or to forge anything is kept from it.
 */
#include <assert.h>
#include <string.h>

#include "ref/crypto/crypto.h"

/* The largest prime below 2^32: products of two residues fit in 64 bits. */
#define PRIME 4294967291u

static uint64_t
mix(uint64_t state, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		state ^= p[i];
		state *= 0x100000001b3u;
		state ^= state >> 29;
	}
	return state;
}

static void
spread(uint64_t state, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		state = (state ^ i) * 0x9e3779b97f4a7c15u;
		state ^= state >> 31;
		out[i] = (uint8_t)(state >> 24);
	}
}

static uint64_t
parts(uint64_t state, const struct crypto_part *part, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++)
		state = mix(state, part[i].p, part[i].len);
	return state;
}

static void
hash(enum crypto_hash h, const struct crypto_part *part, size_t cnt, uint8_t *out)
{
	spread(parts(0xcbf29ce484222325u + h, part, cnt), out, crypto_hash_len(h));
}

static void
hmac(enum crypto_hash h, const uint8_t *key, size_t key_len, const struct crypto_part *part,
	size_t cnt, uint8_t *out)
{
	uint64_t state = mix(0x84222325cbf29ce4u + h, key, key_len);

	spread(parts(state, part, cnt), out, crypto_hash_len(h));
}

/* One "block cipher" step: add a pad that hangs on the key alone. */
static void
pad(enum crypto_cipher a, const uint8_t *key, uint8_t out[CRYPTO_BLOCK])
{
	spread(mix(a, key, crypto_key_len(a)), out, CRYPTO_BLOCK);
}

static void
cbc_encrypt(enum crypto_cipher a, const uint8_t *key, const uint8_t *iv, const uint8_t *in, uint8_t *out,
	size_t len)
{
	uint8_t k[CRYPTO_BLOCK], prev[CRYPTO_BLOCK];
	size_t block = crypto_block_len(a);

	assert(len % block == 0);
	pad(a, key, k);
	memcpy(prev, iv, block);
	for (size_t i = 0; i < len; i++) {
		size_t j = i % block;

		out[i] = (uint8_t)((in[i] ^ prev[j]) + k[j]);
		prev[j] = out[i];
	}
}

static void
cbc_decrypt(enum crypto_cipher a, const uint8_t *key, const uint8_t *iv, const uint8_t *in, uint8_t *out,
	size_t len)
{
	uint8_t k[CRYPTO_BLOCK], prev[CRYPTO_BLOCK];
	size_t block = crypto_block_len(a);

	assert(len % block == 0);
	pad(a, key, k);
	memcpy(prev, iv, block);
	for (size_t i = 0; i < len; i++) {
		size_t j = i % block;
		uint8_t c = in[i];

		out[i] = (uint8_t)((uint8_t)(c - k[j]) ^ prev[j]);
		prev[j] = c;
	}
}

static void
stream(enum crypto_cipher a, const uint8_t *key, const uint8_t *nonce, const uint8_t *in, uint8_t *out, size_t len)
{
	uint64_t state = mix(mix(0x20 + a, key, crypto_key_len(a)), nonce, CRYPTO_GCM_NONCE);

	for (size_t i = 0; i < len; i++) {
		state = state * 0x5851f42d4c957f2du + 1;
		out[i] = in[i] ^ (uint8_t)(state >> 56);
	}
}

static void
tag_of(enum crypto_cipher a, const uint8_t *key, const uint8_t *nonce, const uint8_t *aad, size_t aad_len,
	const uint8_t *plain, size_t len, uint8_t *tag)
{
	uint64_t state = mix(mix(0x30 + a, key, crypto_key_len(a)), nonce, CRYPTO_GCM_NONCE);

	spread(mix(mix(state, aad, aad_len), plain, len), tag, CRYPTO_GCM_TAG);
}

static void
gcm_seal(enum crypto_cipher a, const uint8_t *key, const uint8_t nonce[CRYPTO_GCM_NONCE], const uint8_t *aad,
	size_t aad_len, const uint8_t *in, uint8_t *out, size_t len, uint8_t tag[CRYPTO_GCM_TAG])
{
	tag_of(a, key, nonce, aad, aad_len, in, len, tag);
	stream(a, key, nonce, in, out, len);
}

static enum err
gcm_open(enum crypto_cipher a, const uint8_t *key, const uint8_t nonce[CRYPTO_GCM_NONCE], const uint8_t *aad,
	size_t aad_len, const uint8_t *in, uint8_t *out, size_t len,
	const uint8_t tag[CRYPTO_GCM_TAG])
{
	uint8_t want[CRYPTO_GCM_TAG];

	stream(a, key, nonce, in, out, len);
	tag_of(a, key, nonce, aad, aad_len, out, len, want);
	return memcmp(want, tag, sizeof(want)) == 0 ? ERR_OK : ERR_AUTH;
}

static uint64_t
power(uint64_t base, uint64_t x)
{
	uint64_t y = 1;

	for (; x; x >>= 1) {
		if (x & 1)
			y = y * base % PRIME;
		base = base * base % PRIME;
	}
	return y;
}

static void
put(uint64_t v, uint8_t *out, size_t len)
{
	memset(out, 0, len);
	for (size_t i = 0; i < 4; i++)
		out[len - 1 - i] = (uint8_t)(v >> (8 * i));
}

static uint64_t
exponent(const uint8_t *priv)
{
	/* 2 or more, so that no public value is 0 or 1. */
	return mix(4, priv, CRYPTO_DH_PRIVATE) % (PRIME - 3) + 2;
}

static void
dh_public(enum crypto_group g, const uint8_t priv[CRYPTO_DH_PRIVATE], uint8_t *pub)
{
	put(power(2, exponent(priv)), pub, crypto_group_len(g));
}

static enum err
dh_shared(enum crypto_group g, const uint8_t priv[CRYPTO_DH_PRIVATE], const uint8_t *peer,
	uint8_t *shared)
{
	size_t len = crypto_group_len(g);
	uint64_t v = 0;

	for (size_t i = 0; i < len; i++) {
		if (i < len - 4 && peer[i])
			return ERR_VALUE;
		v = v << 8 | peer[i];
	}
	if (v < 2 || v >= PRIME - 1)
		return ERR_VALUE;
	put(power(v, exponent(priv)), shared, crypto_shared_len(g));
	return ERR_OK;
}

const struct crypto crypto_null = {
	.name = "null",
	.hash = hash,
	.hmac = hmac,
	.cbc_encrypt = cbc_encrypt,
	.cbc_decrypt = cbc_decrypt,
	.gcm_seal = gcm_seal,
	.gcm_open = gcm_open,
	.dh_public = dh_public,
	.dh_shared = dh_shared,
};
