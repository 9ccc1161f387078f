/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What both providers share: lengths and names of algorithms, and the taking of random bytes.
 * Nothing here is random: the bytes were put into the struct by whoever owns a source.
 */
#include <string.h>

#include "ref/base/secret.h"
#include "ref/crypto/crypto.h"

size_t
crypto_hash_len(unsigned hash)
{
	switch (hash) {
	case CRYPTO_SHA1:
		return 20;
	case CRYPTO_SHA256:
		return 32;
	default:
		return 0;
	}
}

size_t
crypto_group_len(unsigned group)
{
	switch (group) {
	case CRYPTO_MODP1024:
		return 128;
	case CRYPTO_MODP2048:
		return 256;
	default:
		return 0;
	}
}

const char *
crypto_hash_name(unsigned hash)
{
	switch (hash) {
	case CRYPTO_SHA1:
		return "sha";
	case CRYPTO_SHA256:
		return "sha256";
	default:
		return NULL;
	}
}

bool
entropy_take(struct entropy *e, void *dst, size_t len)
{
	if (e->used > sizeof(e->b) || len > sizeof(e->b) - e->used)
		return false;
	memcpy(dst, e->b + e->used, len);
	wipe(e->b + e->used, len);
	e->used += len;
	return true;
}
