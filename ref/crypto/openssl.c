/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The primitives on OpenSSL 3: the one file that knows libcrypto.
 *
 * Ciphers and MACs go through EVP with contexts that each thread keeps: a context made for every
 * packet costs half the throughput. Diffie-Hellman is modular exponentiation in constant time on
 * BIGNUM, because the private value is an input here and group 2 is no named group of OpenSSL's.
 *
 * A failure inside libcrypto (out of memory, a provider without AES) is not a peer's doing and
 * cannot be handled further up: it ends the process.
 */
/* libcrypto has a type of the name of one of our errors. */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#undef ERR_STATE

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ref/crypto/crypto.h"

struct kept {
	bool ready;
	EVP_CIPHER *cbc, *gcm;
	EVP_CIPHER_CTX *cbc_enc, *cbc_dec, *gcm_enc, *gcm_dec;
	EVP_MAC *hmac;
	EVP_MAC_CTX *hmac_sha1, *hmac_sha256;
	EVP_MD *sha1, *sha256;
	EVP_MD_CTX *md;
	BN_CTX *bn;
	BIGNUM *p1024, *p2048;
	BN_MONT_CTX *m1024, *m2048;
};

static _Thread_local struct kept kept;

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "libcrypto: %s failed\n", what);
	abort();
}

static EVP_MAC_CTX *
mac_new(EVP_MAC *mac, char *digest)
{
	OSSL_PARAM p[2];
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);

	must(ctx, "EVP_MAC_CTX_new");
	p[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0);
	p[1] = OSSL_PARAM_construct_end();
	must(EVP_MAC_CTX_set_params(ctx, p) == 1, "EVP_MAC_CTX_set_params");
	return ctx;
}

static EVP_CIPHER_CTX *
cipher_new(const EVP_CIPHER *cipher, bool encrypt, bool padding)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	must(ctx, "EVP_CIPHER_CTX_new");
	must(EVP_CipherInit_ex2(ctx, cipher, NULL, NULL, encrypt, NULL) == 1, "EVP_CipherInit_ex2");
	if (!padding)
		must(EVP_CIPHER_CTX_set_padding(ctx, 0) == 1, "EVP_CIPHER_CTX_set_padding");
	return ctx;
}

static void
groups_new(struct kept *k)
{
	k->bn = BN_CTX_new();
	k->p1024 = BN_get_rfc2409_prime_1024(NULL);
	k->p2048 = BN_get_rfc3526_prime_2048(NULL);
	k->m1024 = BN_MONT_CTX_new();
	k->m2048 = BN_MONT_CTX_new();
	must(k->bn && k->p1024 && k->p2048 && k->m1024 && k->m2048, "BN_new");
	must(BN_MONT_CTX_set(k->m1024, k->p1024, k->bn) == 1, "BN_MONT_CTX_set");
	must(BN_MONT_CTX_set(k->m2048, k->p2048, k->bn) == 1, "BN_MONT_CTX_set");
}

static struct kept *
get(void)
{
	struct kept *k = &kept;
	char sha1[] = "SHA1", sha256[] = "SHA256";

	if (k->ready)
		return k;
	k->cbc = EVP_CIPHER_fetch(NULL, "AES-128-CBC", NULL);
	k->gcm = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
	k->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	k->sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	k->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	k->md = EVP_MD_CTX_new();
	must(k->cbc && k->gcm && k->hmac && k->sha1 && k->sha256 && k->md, "fetch");
	k->cbc_enc = cipher_new(k->cbc, true, false);
	k->cbc_dec = cipher_new(k->cbc, false, false);
	k->gcm_enc = cipher_new(k->gcm, true, true);
	k->gcm_dec = cipher_new(k->gcm, false, true);
	k->hmac_sha1 = mac_new(k->hmac, sha1);
	k->hmac_sha256 = mac_new(k->hmac, sha256);
	groups_new(k);
	k->ready = true;
	return k;
}

void
crypto_openssl_wipe(void)
{
	struct kept *k = &kept;

	EVP_CIPHER_CTX_free(k->cbc_enc);
	EVP_CIPHER_CTX_free(k->cbc_dec);
	EVP_CIPHER_CTX_free(k->gcm_enc);
	EVP_CIPHER_CTX_free(k->gcm_dec);
	EVP_MAC_CTX_free(k->hmac_sha1);
	EVP_MAC_CTX_free(k->hmac_sha256);
	EVP_MD_CTX_free(k->md);
	EVP_CIPHER_free(k->cbc);
	EVP_CIPHER_free(k->gcm);
	EVP_MAC_free(k->hmac);
	EVP_MD_free(k->sha1);
	EVP_MD_free(k->sha256);
	BN_MONT_CTX_free(k->m1024);
	BN_MONT_CTX_free(k->m2048);
	BN_free(k->p1024);
	BN_free(k->p2048);
	BN_CTX_free(k->bn);
	memset(k, 0, sizeof(*k));
}

static void
hash(enum crypto_hash h, const struct crypto_part *part, size_t cnt, uint8_t *out)
{
	struct kept *k = get();

	must(EVP_DigestInit_ex2(k->md, h == CRYPTO_SHA1 ? k->sha1 : k->sha256, NULL) == 1,
		"digest");
	for (size_t i = 0; i < cnt; i++)
		must(EVP_DigestUpdate(k->md, part[i].p, part[i].len) == 1, "digest");
	must(EVP_DigestFinal_ex(k->md, out, NULL) == 1, "digest");
}

static void
hmac(enum crypto_hash h, const uint8_t *key, size_t key_len, const struct crypto_part *part,
	size_t cnt, uint8_t *out)
{
	struct kept *k = get();
	EVP_MAC_CTX *ctx = h == CRYPTO_SHA1 ? k->hmac_sha1 : k->hmac_sha256;
	static const uint8_t none[1];
	size_t len;

	/* A NULL key would mean "the key of last time". */
	must(EVP_MAC_init(ctx, key_len ? key : none, key_len, NULL) == 1, "EVP_MAC_init");
	for (size_t i = 0; i < cnt; i++)
		if (part[i].len)
			must(EVP_MAC_update(ctx, part[i].p, part[i].len) == 1, "EVP_MAC_update");
	must(EVP_MAC_final(ctx, out, &len, CRYPTO_HASH_MAX) == 1, "EVP_MAC_final");
}

static void
cbc(EVP_CIPHER_CTX *ctx, const uint8_t *key, const uint8_t *iv, const uint8_t *in, uint8_t *out,
	size_t len)
{
	int n = 0;

	assert(len % CRYPTO_BLOCK == 0);
	must(EVP_CipherInit_ex2(ctx, NULL, key, iv, -1, NULL) == 1, "EVP_CipherInit_ex2");
	must(EVP_CipherUpdate(ctx, out, &n, in, (int)len) == 1 && n == (int)len, "AES-CBC");
}

static void
cbc_encrypt(const uint8_t key[CRYPTO_KEY], const uint8_t iv[CRYPTO_BLOCK], const uint8_t *in,
	uint8_t *out, size_t len)
{
	cbc(get()->cbc_enc, key, iv, in, out, len);
}

static void
cbc_decrypt(const uint8_t key[CRYPTO_KEY], const uint8_t iv[CRYPTO_BLOCK], const uint8_t *in,
	uint8_t *out, size_t len)
{
	cbc(get()->cbc_dec, key, iv, in, out, len);
}

static void
gcm_run(EVP_CIPHER_CTX *ctx, const uint8_t *key, const uint8_t *nonce, const uint8_t *aad,
	size_t aad_len, const uint8_t *in, uint8_t *out, size_t len)
{
	int n = 0;

	must(EVP_CipherInit_ex2(ctx, NULL, key, nonce, -1, NULL) == 1, "EVP_CipherInit_ex2");
	if (aad_len)
		must(EVP_CipherUpdate(ctx, NULL, &n, aad, (int)aad_len) == 1, "AES-GCM aad");
	if (len)
		must(EVP_CipherUpdate(ctx, out, &n, in, (int)len) == 1 && n == (int)len, "AES-GCM");
}

static void
gcm_seal(const uint8_t key[CRYPTO_KEY], const uint8_t nonce[CRYPTO_GCM_NONCE], const uint8_t *aad,
	size_t aad_len, const uint8_t *in, uint8_t *out, size_t len, uint8_t tag[CRYPTO_GCM_TAG])
{
	EVP_CIPHER_CTX *ctx = get()->gcm_enc;
	uint8_t none[CRYPTO_BLOCK];
	int n = 0;

	gcm_run(ctx, key, nonce, aad, aad_len, in, out, len);
	must(EVP_CipherFinal_ex(ctx, none, &n) == 1, "AES-GCM final");
	must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, CRYPTO_GCM_TAG, tag) == 1, "tag");
}

static enum err
gcm_open(const uint8_t key[CRYPTO_KEY], const uint8_t nonce[CRYPTO_GCM_NONCE], const uint8_t *aad,
	size_t aad_len, const uint8_t *in, uint8_t *out, size_t len,
	const uint8_t tag[CRYPTO_GCM_TAG])
{
	EVP_CIPHER_CTX *ctx = get()->gcm_dec;
	uint8_t want[CRYPTO_GCM_TAG], none[CRYPTO_BLOCK];
	int n = 0;

	gcm_run(ctx, key, nonce, aad, aad_len, in, out, len);
	memcpy(want, tag, sizeof(want));
	must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, CRYPTO_GCM_TAG, want) == 1, "tag");
	return EVP_CipherFinal_ex(ctx, none, &n) == 1 ? ERR_OK : ERR_AUTH;
}

/* base^priv mod p, left-padded to len. */
static void
power(enum crypto_group g, const BIGNUM *base, const uint8_t *priv, uint8_t *out)
{
	struct kept *k = get();
	bool small = g == CRYPTO_MODP1024;
	BIGNUM *x = BN_secure_new(), *y = BN_new();

	must(x && y && BN_bin2bn(priv, CRYPTO_DH_PRIVATE, x), "BN_new");
	BN_set_flags(x, BN_FLG_CONSTTIME);
	must(BN_mod_exp_mont_consttime(y, base, x, small ? k->p1024 : k->p2048, k->bn,
		     small ? k->m1024 : k->m2048) == 1,
		"BN_mod_exp");
	must(BN_bn2binpad(y, out, (int)crypto_group_len(g)) > 0, "BN_bn2binpad");
	BN_clear_free(x);
	BN_clear_free(y);
}

static void
dh_public(enum crypto_group g, const uint8_t priv[CRYPTO_DH_PRIVATE], uint8_t *pub)
{
	BIGNUM *two = BN_new();

	must(two && BN_set_word(two, 2) == 1, "BN_set_word");
	power(g, two, priv, pub);
	BN_free(two);
}

static enum err
dh_shared(enum crypto_group g, const uint8_t priv[CRYPTO_DH_PRIVATE], const uint8_t *peer,
	uint8_t *shared)
{
	struct kept *k = get();
	BIGNUM *y = BN_bin2bn(peer, (int)crypto_group_len(g), NULL);
	BIGNUM *top = BN_dup(g == CRYPTO_MODP1024 ? k->p1024 : k->p2048);
	enum err e = ERR_OK;

	must(y && top && BN_sub_word(top, 1) == 1, "BN_new");
	if (BN_is_zero(y) || BN_is_one(y) || BN_cmp(y, top) >= 0)
		e = ERR_VALUE;
	else
		power(g, y, priv, shared);
	BN_free(top);
	BN_clear_free(y);
	return e;
}

const struct crypto crypto_openssl = {
	.name = "openssl",
	.hash = hash,
	.hmac = hmac,
	.cbc_encrypt = cbc_encrypt,
	.cbc_decrypt = cbc_decrypt,
	.gcm_seal = gcm_seal,
	.gcm_open = gcm_open,
	.dh_public = dh_public,
	.dh_shared = dh_shared,
};
