/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Primitives for the harness (keyprim.h): thin calls into libcrypto. A failure inside the library
 * (no memory, algorithm not built in) is a fault of the machine, not of a peer: it aborts with a
 * word, since a harness that goes on without cryptography would report nonsense.
 *
 * Algorithms are asked of the library once a process, and a thread keeps its contexts: to look one
 * up by its name, or to make a context, costs more than a digest of a small message does.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/keys/keyprim.h"

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "libcrypto: %s failed\n", what);
	abort();
}

static struct {
	EVP_MD *hash[KEYPRIM_SHA512 + 1];
	EVP_CIPHER *des3, *cbc[5], *gcm[5]; /* by the key's octets, in eights */
} fetched;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static _Thread_local EVP_MD_CTX *digesting;
static _Thread_local EVP_CIPHER_CTX *ciphering;

static EVP_MD_CTX *
digest_begin(const EVP_MD *md)
{
	if (!digesting)
		digesting = EVP_MD_CTX_new();
	must(digesting && EVP_DigestInit_ex2(digesting, md, NULL) == 1, "digest");
	return digesting;
}

/* Nothing of the last use, its key least of all, is left in it. */
static EVP_CIPHER_CTX *
cipher_begin(const EVP_CIPHER *type, const void *key, const uint8_t *iv, bool encrypt)
{
	if (!ciphering)
		ciphering = EVP_CIPHER_CTX_new();
	must(ciphering && EVP_CipherInit_ex2(ciphering, type, key, iv, encrypt, NULL) == 1, "cipher");
	return ciphering;
}

static void
cipher_end(void)
{
	must(EVP_CIPHER_CTX_reset(ciphering) == 1, "cipher");
}

static EVP_MD *
hash_named(const char *name)
{
	EVP_MD *m = EVP_MD_fetch(NULL, name, NULL);

	must(m != NULL, name);
	return m;
}

static EVP_CIPHER *
cipher_named(const char *name)
{
	EVP_CIPHER *c = EVP_CIPHER_fetch(NULL, name, NULL);

	must(c != NULL, name);
	return c;
}

/* What the library holds needs no clean-up at the end of a process, of which many may be forked. */
static void
fetch(void)
{
	must(OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL) == 1, "the library");
	fetched.hash[KEYPRIM_MD5] = hash_named("MD5");
	fetched.hash[KEYPRIM_SHA1] = hash_named("SHA1");
	fetched.hash[KEYPRIM_SHA256] = hash_named("SHA256");
	fetched.hash[KEYPRIM_SHA384] = hash_named("SHA384");
	fetched.hash[KEYPRIM_SHA512] = hash_named("SHA512");
	fetched.des3 = cipher_named("DES-EDE3-CBC");
	fetched.cbc[2] = cipher_named("AES-128-CBC");
	fetched.cbc[3] = cipher_named("AES-192-CBC");
	fetched.cbc[4] = cipher_named("AES-256-CBC");
	fetched.gcm[2] = cipher_named("AES-128-GCM");
	fetched.gcm[3] = cipher_named("AES-192-GCM");
	fetched.gcm[4] = cipher_named("AES-256-GCM");
}

void
keyprim_ready(void)
{
	pthread_once(&once, fetch);
}

static const EVP_MD *
md_of(enum keyprim_hash h)
{
	keyprim_ready();
	return keyprim_hash_len(h) ? fetched.hash[h] : NULL;
}

size_t
keyprim_hash_len(enum keyprim_hash h)
{
	switch (h) {
	case KEYPRIM_MD5:
		return 16;
	case KEYPRIM_SHA1:
		return 20;
	case KEYPRIM_SHA256:
		return 32;
	case KEYPRIM_SHA384:
		return 48;
	case KEYPRIM_SHA512:
		return 64;
	}
	return 0;
}

/* B of RFC 2104: the hash's own block (RFC 4868 2.1 for the larger ones). */
static size_t
hash_block(enum keyprim_hash h)
{
	return h == KEYPRIM_SHA384 || h == KEYPRIM_SHA512 ? 128 : 64;
}

size_t
keyprim_block(enum keyprim_cipher c)
{
	switch (c) {
	case KEYPRIM_3DES:
		return 8;
	case KEYPRIM_AES:
		return 16;
	}
	return 0;
}

void
keyprim_digest(enum keyprim_hash h, const struct span *parts, size_t cnt, uint8_t *out)
{
	EVP_MD_CTX *c = digest_begin(md_of(h));

	for (size_t i = 0; i < cnt; i++)
		must(EVP_DigestUpdate(c, parts[i].p, parts[i].len) == 1, "digest");
	must(EVP_DigestFinal_ex(c, out, NULL) == 1, "digest");
}

/* RFC 2104, over EVP digests: the one-call HMAC of the library takes no list of parts. */
void
keyprim_hmac(enum keyprim_hash h, const void *key, size_t key_len, const struct span *parts,
	size_t cnt, uint8_t *out)
{
	uint8_t k[128] = {0}, pad[128], inner[KEYPRIM_HASH_MAX];
	size_t block = hash_block(h);
	EVP_MD_CTX *c;

	if (key_len > block)
		keyprim_digest(h, &SPAN(key, key_len), 1, k);
	else if (key_len)
		memcpy(k, key, key_len);
	for (size_t i = 0; i < block; i++)
		pad[i] = k[i] ^ 0x36;
	c = digest_begin(md_of(h));
	must(EVP_DigestUpdate(c, pad, block) == 1, "hmac");
	for (size_t i = 0; i < cnt; i++)
		must(EVP_DigestUpdate(c, parts[i].p, parts[i].len) == 1, "hmac");
	must(EVP_DigestFinal_ex(c, inner, NULL) == 1, "hmac");
	for (size_t i = 0; i < block; i++)
		pad[i] = k[i] ^ 0x5c;
	keyprim_digest(
		h, (struct span[]){SPAN(pad, block), SPAN(inner, keyprim_hash_len(h))}, 2, out);
	OPENSSL_cleanse(k, sizeof k);
	OPENSSL_cleanse(pad, sizeof pad);
}

static const EVP_CIPHER *
aes_of(EVP_CIPHER *const by_len[5], size_t key_len)
{
	return key_len % 8 == 0 && key_len <= 32 ? by_len[key_len / 8] : NULL;
}

static const EVP_CIPHER *
cbc_of(enum keyprim_cipher c, size_t key_len)
{
	keyprim_ready();
	switch (c) {
	case KEYPRIM_3DES:
		return key_len == 24 ? fetched.des3 : NULL;
	case KEYPRIM_AES:
		return aes_of(fetched.cbc, key_len);
	}
	return NULL;
}

bool
keyprim_cbc(enum keyprim_cipher c, bool encrypt, const void *key, size_t key_len, const uint8_t *iv,
	const uint8_t *in, size_t len, uint8_t *out)
{
	const EVP_CIPHER *type = cbc_of(c, key_len);
	EVP_CIPHER_CTX *ctx;
	int n = 0;

	if (!type || len % keyprim_block(c) || len > 65536)
		return false;
	if (!len)
		return true;
	ctx = cipher_begin(type, key, iv, encrypt);
	EVP_CIPHER_CTX_set_padding(ctx, 0);
	must(EVP_CipherUpdate(ctx, out, &n, in, (int)len) == 1 && (size_t)n == len, "cbc");
	cipher_end();
	return true;
}

static const EVP_CIPHER *
gcm_of(size_t key_len)
{
	keyprim_ready();
	return aes_of(fetched.gcm, key_len);
}

bool
keyprim_gcm_seal(const void *key, size_t key_len, const uint8_t *nonce, struct span aad,
	const uint8_t *in, size_t len, uint8_t *out, uint8_t *tag)
{
	const EVP_CIPHER *type = gcm_of(key_len);
	EVP_CIPHER_CTX *ctx;
	int n = 0;

	if (!type || len > 65536)
		return false;
	ctx = cipher_begin(type, key, nonce, true);
	must(EVP_EncryptUpdate(ctx, NULL, &n, aad.p, (int)aad.len) == 1, "gcm");
	must(!len || EVP_EncryptUpdate(ctx, out, &n, in, (int)len) == 1, "gcm");
	must(EVP_EncryptFinal_ex(ctx, out + len, &n) == 1, "gcm");
	must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, 16, tag) == 1, "gcm");
	cipher_end();
	return true;
}

bool
keyprim_gcm_open(const void *key, size_t key_len, const uint8_t *nonce, struct span aad,
	const uint8_t *in, size_t len, uint8_t *out, const uint8_t *tag)
{
	const EVP_CIPHER *type = gcm_of(key_len);
	EVP_CIPHER_CTX *ctx;
	uint8_t expected[16];
	int n = 0;
	bool ok;

	if (!type || len > 65536)
		return false;
	memcpy(expected, tag, sizeof expected);
	ctx = cipher_begin(type, key, nonce, false);
	must(EVP_DecryptUpdate(ctx, NULL, &n, aad.p, (int)aad.len) == 1, "gcm");
	must(!len || EVP_DecryptUpdate(ctx, out, &n, in, (int)len) == 1, "gcm");
	must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, 16, expected) == 1, "gcm");
	ok = EVP_DecryptFinal_ex(ctx, out + len, &n) == 1;
	cipher_end();
	return ok;
}

/* RFC 5869 2.3 with the HkdfLabel of RFC 8446 7.1 as info. */
bool
keyprim_hkdf_label(
	const void *secret, size_t secret_len, const char *label, uint8_t *out, size_t out_len)
{
	uint8_t info[64], t[32];
	size_t text = strlen(label), done = 0, have = 0;

	if (text > 40 || out_len > 255 * sizeof t)
		return false;
	info[0] = (uint8_t)(out_len >> 8);
	info[1] = (uint8_t)out_len;
	info[2] = (uint8_t)(6 + text);
	memcpy(info + 3, "tls13 ", 6);
	memcpy(info + 9, label, text);
	info[9 + text] = 0;
	for (uint8_t n = 1; done < out_len; n++) {
		struct span parts[] = {SPAN(t, have), SPAN(info, 10 + text), SPAN(&n, 1)};
		size_t take = out_len - done < sizeof t ? out_len - done : sizeof t;

		keyprim_hmac(KEYPRIM_SHA256, secret, secret_len, parts, 3, t);
		have = sizeof t;
		memcpy(out + done, t, take);
		done += take;
	}
	return true;
}
