/* SPDX-License-Identifier: BSD-2-Clause */
/* What every provider shares: lengths and names of the algorithms. */
#include "ref/crypto/crypto.h"

static const struct {
	const char *name;
	uint8_t len;
} hashes[CRYPTO_HASH_CNT] = {
	[CRYPTO_MD5] = {"md5", 16},
	[CRYPTO_SHA1] = {"sha", 20},
	[CRYPTO_SHA256] = {"sha256", 32},
	[CRYPTO_SHA384] = {"sha384", 48},
	[CRYPTO_SHA512] = {"sha512", 64},
};

static const struct {
	uint16_t public_len, shared_len;
} groups[CRYPTO_GROUP_CNT] = {
	[CRYPTO_MODP1024] = {128, 128},
	[CRYPTO_MODP1536] = {192, 192},
	[CRYPTO_MODP2048] = {256, 256},
	[CRYPTO_MODP3072] = {384, 384},
	[CRYPTO_MODP4096] = {512, 512},
	[CRYPTO_ECP256] = {64, 32},
	[CRYPTO_ECP384] = {96, 48},
};

static const struct {
	uint8_t key_len, block_len;
} ciphers[CRYPTO_CIPHER_CNT] = {
	[CRYPTO_AES128_CBC] = {16, 16},
	[CRYPTO_AES192_CBC] = {24, 16},
	[CRYPTO_AES256_CBC] = {32, 16},
	[CRYPTO_3DES_CBC] = {24, 8},
	[CRYPTO_AES128_GCM] = {16, 16},
	[CRYPTO_AES192_GCM] = {24, 16},
	[CRYPTO_AES256_GCM] = {32, 16},
};

size_t
crypto_hash_len(unsigned hash)
{
	return hash < CRYPTO_HASH_CNT ? hashes[hash].len : 0;
}

const char *
crypto_hash_name(unsigned hash)
{
	return hash < CRYPTO_HASH_CNT ? hashes[hash].name : NULL;
}

size_t
crypto_group_len(unsigned group)
{
	return group < CRYPTO_GROUP_CNT ? groups[group].public_len : 0;
}

size_t
crypto_shared_len(unsigned group)
{
	return group < CRYPTO_GROUP_CNT ? groups[group].shared_len : 0;
}

size_t
crypto_key_len(unsigned cipher)
{
	return cipher < CRYPTO_CIPHER_CNT ? ciphers[cipher].key_len : 0;
}

size_t
crypto_block_len(unsigned cipher)
{
	return cipher < CRYPTO_CIPHER_CNT ? ciphers[cipher].block_len : 0;
}
