/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The primitives on OpenSSL 3: the one file that knows libcrypto.
 *
 * Ciphers and MACs go through EVP with contexts that each thread keeps: a context made for every
 * packet costs half the throughput. Key exchange is done in constant time on BIGNUM and EC_POINT,
 * because the private value is an input here, and groups 2 and 5 are no named groups of OpenSSL's.
 *
 * A failure inside libcrypto (out of memory, a provider without AES) is not a peer's doing and
 * cannot be handled further up: it ends the process.
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ref/crypto/crypto.h"

/* A MODP group: its prime and what exponentiation needs of it. */
struct modp {
	BIGNUM *p;
	BN_MONT_CTX *mont;
};

/*
 * Contexts that have their key: setting it costs as much as a small packet does. Direct-mapped by the
 * key; one that is not there takes the place of another.
 */
#define SLOTS 256
struct cipher_slot {
	enum crypto_cipher cipher; /* CRYPTO_CIPHER_NONE: free */
	bool encrypt;
	uint8_t key_len;
	uint8_t key[CRYPTO_KEY_MAX];
	EVP_CIPHER_CTX *ctx;
};

#define MAC_KEY_MAX 64 /* longer ones are set each time */
struct mac_slot {
	unsigned hash; /* 0: free */
	size_t key_len;
	uint8_t key[MAC_KEY_MAX];
	EVP_MAC_CTX *ctx;
};

struct kept {
	bool ready;
	EVP_CIPHER *cipher[CRYPTO_CIPHER_CNT];
	struct cipher_slot cipher_slot[SLOTS];
	struct mac_slot mac_slot[SLOTS];
	EVP_MAC *hmac;
	EVP_MD *digest[CRYPTO_HASH_CNT];
	EVP_MD_CTX *md;
	EVP_MAC_CTX *mac[CRYPTO_HASH_CNT];
	BN_CTX *bn;
	struct modp modp[CRYPTO_GROUP_CNT];
	EC_GROUP *curve[CRYPTO_GROUP_CNT];
};

static _Thread_local struct kept kept;

static const char *const cipher_names[CRYPTO_CIPHER_CNT] = {
	[CRYPTO_AES128_CBC] = "AES-128-CBC",
	[CRYPTO_AES192_CBC] = "AES-192-CBC",
	[CRYPTO_AES256_CBC] = "AES-256-CBC",
	[CRYPTO_3DES_CBC] = "DES-EDE3-CBC",
	[CRYPTO_AES128_GCM] = "AES-128-GCM",
	[CRYPTO_AES192_GCM] = "AES-192-GCM",
	[CRYPTO_AES256_GCM] = "AES-256-GCM",
};

static const char *const digest_names[CRYPTO_HASH_CNT] = {
	[CRYPTO_MD5] = "MD5",
	[CRYPTO_SHA1] = "SHA1",
	[CRYPTO_SHA256] = "SHA256",
	[CRYPTO_SHA384] = "SHA384",
	[CRYPTO_SHA512] = "SHA512",
};

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "libcrypto: %s failed\n", what);
	abort();
}

static EVP_MAC_CTX *
mac_new(EVP_MAC *mac, const char *digest)
{
	OSSL_PARAM p[2];
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
	char name[16];

	must(ctx, "EVP_MAC_CTX_new");
	(void)snprintf(name, sizeof(name), "%s", digest);
	p[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0);
	p[1] = OSSL_PARAM_construct_end();
	must(EVP_MAC_CTX_set_params(ctx, p) == 1, "EVP_MAC_CTX_set_params");
	return ctx;
}

static void
ciphers_new(struct kept *k)
{
	for (unsigned i = 1; i < CRYPTO_CIPHER_CNT; i++) {
		k->cipher[i] = EVP_CIPHER_fetch(NULL, cipher_names[i], NULL);
		must(k->cipher[i], cipher_names[i]);
	}
}

static void
digests_new(struct kept *k)
{
	k->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	must(k->hmac, "HMAC");
	k->md = EVP_MD_CTX_new();
	must(k->md, "EVP_MD_CTX_new");
	for (unsigned i = 1; i < CRYPTO_HASH_CNT; i++) {
		if (!digest_names[i])
			continue;
		k->digest[i] = EVP_MD_fetch(NULL, digest_names[i], NULL);
		must(k->digest[i], digest_names[i]);
		k->mac[i] = mac_new(k->hmac, digest_names[i]);
	}
}

static void
modp_new(struct kept *k, enum crypto_group g, BIGNUM *(*prime)(BIGNUM *))
{
	struct modp *m = &k->modp[g];

	m->p = prime(NULL);
	m->mont = BN_MONT_CTX_new();
	must(m->p && m->mont && BN_MONT_CTX_set(m->mont, m->p, k->bn) == 1, "BN_MONT_CTX_set");
}

static void
groups_new(struct kept *k)
{
	k->bn = BN_CTX_secure_new();
	must(k->bn, "BN_CTX_secure_new");
	modp_new(k, CRYPTO_MODP1024, BN_get_rfc2409_prime_1024);
	modp_new(k, CRYPTO_MODP1536, BN_get_rfc3526_prime_1536);
	modp_new(k, CRYPTO_MODP2048, BN_get_rfc3526_prime_2048);
	modp_new(k, CRYPTO_MODP3072, BN_get_rfc3526_prime_3072);
	modp_new(k, CRYPTO_MODP4096, BN_get_rfc3526_prime_4096);
	k->curve[CRYPTO_ECP256] = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	k->curve[CRYPTO_ECP384] = EC_GROUP_new_by_curve_name(NID_secp384r1);
	must(k->curve[CRYPTO_ECP256] && k->curve[CRYPTO_ECP384], "EC_GROUP_new_by_curve_name");
}

static struct kept *
get(void)
{
	struct kept *k = &kept;

	if (k->ready)
		return k;
	ciphers_new(k);
	digests_new(k);
	groups_new(k);
	k->ready = true;
	return k;
}

void
crypto_openssl_ready(void)
{
	(void)get();
}

void
crypto_openssl_wipe(void)
{
	struct kept *k = &kept;

	for (unsigned i = 0; i < CRYPTO_CIPHER_CNT; i++)
		EVP_CIPHER_free(k->cipher[i]);
	for (unsigned i = 0; i < SLOTS; i++) {
		EVP_CIPHER_CTX_free(k->cipher_slot[i].ctx);
		EVP_MAC_CTX_free(k->mac_slot[i].ctx);
	}
	EVP_MAC_free(k->hmac);
	for (unsigned i = 0; i < CRYPTO_HASH_CNT; i++) {
		EVP_MAC_CTX_free(k->mac[i]);
		EVP_MD_free(k->digest[i]);
	}
	EVP_MD_CTX_free(k->md);
	for (unsigned i = 0; i < CRYPTO_GROUP_CNT; i++) {
		BN_MONT_CTX_free(k->modp[i].mont);
		BN_free(k->modp[i].p);
		EC_GROUP_free(k->curve[i]);
	}
	BN_CTX_free(k->bn);
	OPENSSL_cleanse(k, sizeof(*k));
}

static unsigned
slot_of(const uint8_t *key, size_t len, unsigned salt)
{
	uint64_t h = 0;

	if (len >= sizeof h)
		memcpy(&h, key, sizeof h);
	else if (len)
		memcpy(&h, key, len);
	h = (h ^ salt) * 0x9e3779b97f4a7c15u;
	return (unsigned)(h >> 32) % SLOTS;
}

/* Two keys of len octets. */
static bool
same_key(const uint8_t *a, const uint8_t *b, size_t len)
{
	if (len < 16)
		return !memcmp(a, b, len);
	/* of a fixed length the compiler makes no call; the rest overlaps */
	return !memcmp(a, b, 16) && (len == 16 || (len <= 32 ? !memcmp(a + len - 16, b + len - 16, 16)
							     : !memcmp(a + 16, b + 16, len - 16)));
}

static bool
whole_blocks(enum crypto_cipher a, size_t len)
{
	return (len & (crypto_block_len(a) - 1)) == 0;
}

/* A context of this cipher, this key and this direction; its IV is still to be set. */
static EVP_CIPHER_CTX *
cipher_ctx(enum crypto_cipher a, const uint8_t *key, bool encrypt)
{
	struct kept *k = get();
	/* eight octets: no key is shorter */
	struct cipher_slot *s = &k->cipher_slot[slot_of(key, 8, (unsigned)a * 2 + encrypt)];

	if (s->cipher == a && s->encrypt == encrypt && same_key(s->key, key, s->key_len))
		return s->ctx;
	if (!s->ctx)
		s->ctx = EVP_CIPHER_CTX_new();
	must(s->ctx, "EVP_CIPHER_CTX_new");
	must(EVP_CipherInit_ex2(s->ctx, s->cipher == a && s->encrypt == encrypt ? NULL : k->cipher[a],
		     key, NULL, encrypt, NULL) == 1,
		"EVP_CipherInit_ex2");
	if (a < CRYPTO_AES128_GCM)
		must(EVP_CIPHER_CTX_set_padding(s->ctx, 0) == 1, "EVP_CIPHER_CTX_set_padding");
	s->cipher = a;
	s->encrypt = encrypt;
	s->key_len = (uint8_t)crypto_key_len(a);
	memcpy(s->key, key, s->key_len);
	return s->ctx;
}

/* A MAC context with this key, at its beginning. */
static EVP_MAC_CTX *
mac_ctx(enum crypto_hash h, const uint8_t *key, size_t len)
{
	struct kept *k = get();
	struct mac_slot *s = &k->mac_slot[slot_of(key, len, h)];
	static const uint8_t none[1];

	if (len == 0 || len > MAC_KEY_MAX) {
		/* A NULL key would mean "the key of last time". */
		must(EVP_MAC_init(k->mac[h], len ? key : none, len, NULL) == 1, "EVP_MAC_init");
		return k->mac[h];
	}
	if (s->hash == h && s->key_len == len && same_key(s->key, key, len)) {
		must(EVP_MAC_init(s->ctx, NULL, 0, NULL) == 1, "EVP_MAC_init");
		return s->ctx;
	}
	if (s->hash != h) {
		EVP_MAC_CTX_free(s->ctx);
		s->ctx = mac_new(k->hmac, digest_names[h]);
	}
	must(EVP_MAC_init(s->ctx, key, len, NULL) == 1, "EVP_MAC_init");
	s->hash = h;
	s->key_len = len;
	memcpy(s->key, key, len);
	return s->ctx;
}

static void
hash(enum crypto_hash h, const struct crypto_part *part, size_t cnt, uint8_t *out)
{
	struct kept *k = get();

	must(EVP_DigestInit_ex2(k->md, k->digest[h], NULL) == 1, "digest");
	for (size_t i = 0; i < cnt; i++)
		must(EVP_DigestUpdate(k->md, part[i].p, part[i].len) == 1, "digest");
	must(EVP_DigestFinal_ex(k->md, out, NULL) == 1, "digest");
}

static void
hmac(enum crypto_hash h, const uint8_t *key, size_t key_len, const struct crypto_part *part,
	size_t cnt, uint8_t *out)
{
	EVP_MAC_CTX *ctx = mac_ctx(h, key, key_len);
	size_t len;

	for (size_t i = 0; i < cnt; i++)
		if (part[i].len)
			must(EVP_MAC_update(ctx, part[i].p, part[i].len) == 1, "EVP_MAC_update");
	must(EVP_MAC_final(ctx, out, &len, CRYPTO_HASH_MAX) == 1, "EVP_MAC_final");
}

static void
cbc(EVP_CIPHER_CTX *ctx, const uint8_t *iv, const uint8_t *in, uint8_t *out, size_t len)
{
	int n = 0;

	must(EVP_CipherInit_ex2(ctx, NULL, NULL, iv, -1, NULL) == 1, "EVP_CipherInit_ex2");
	must(EVP_CipherUpdate(ctx, out, &n, in, (int)len) == 1 && n == (int)len, "CBC");
}

static void
cbc_encrypt(enum crypto_cipher a, const uint8_t *key, const uint8_t *iv, const uint8_t *in, uint8_t *out,
	size_t len)
{
	assert(a >= CRYPTO_AES128_CBC && a <= CRYPTO_3DES_CBC && whole_blocks(a, len));
	cbc(cipher_ctx(a, key, true), iv, in, out, len);
}

static void
cbc_decrypt(enum crypto_cipher a, const uint8_t *key, const uint8_t *iv, const uint8_t *in, uint8_t *out,
	size_t len)
{
	assert(a >= CRYPTO_AES128_CBC && a <= CRYPTO_3DES_CBC && whole_blocks(a, len));
	cbc(cipher_ctx(a, key, false), iv, in, out, len);
}

static void
gcm_run(EVP_CIPHER_CTX *ctx, const uint8_t *nonce, const uint8_t *aad,
	size_t aad_len, const uint8_t *in, uint8_t *out, size_t len)
{
	int n = 0;

	must(EVP_CipherInit_ex2(ctx, NULL, NULL, nonce, -1, NULL) == 1, "EVP_CipherInit_ex2");
	if (aad_len)
		must(EVP_CipherUpdate(ctx, NULL, &n, aad, (int)aad_len) == 1, "AES-GCM aad");
	if (len)
		must(EVP_CipherUpdate(ctx, out, &n, in, (int)len) == 1 && n == (int)len, "AES-GCM");
}

static void
gcm_seal(enum crypto_cipher a, const uint8_t *key, const uint8_t nonce[CRYPTO_GCM_NONCE],
	const uint8_t *aad, size_t aad_len, const uint8_t *in, uint8_t *out, size_t len, uint8_t tag[CRYPTO_GCM_TAG])
{
	EVP_CIPHER_CTX *ctx = cipher_ctx(a, key, true);
	uint8_t none[CRYPTO_BLOCK];
	int n = 0;

	gcm_run(ctx, nonce, aad, aad_len, in, out, len);
	must(EVP_CipherFinal_ex(ctx, none, &n) == 1, "AES-GCM final");
	must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, CRYPTO_GCM_TAG, tag) == 1, "tag");
}

static enum err
gcm_open(enum crypto_cipher a, const uint8_t *key, const uint8_t nonce[CRYPTO_GCM_NONCE],
	const uint8_t *aad, size_t aad_len, const uint8_t *in, uint8_t *out, size_t len,
	const uint8_t tag[CRYPTO_GCM_TAG])
{
	EVP_CIPHER_CTX *ctx = cipher_ctx(a, key, false);
	uint8_t want[CRYPTO_GCM_TAG], none[CRYPTO_BLOCK];
	int n = 0;

	gcm_run(ctx, nonce, aad, aad_len, in, out, len);
	memcpy(want, tag, sizeof(want));
	must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, CRYPTO_GCM_TAG, want) == 1, "tag");
	return EVP_CipherFinal_ex(ctx, none, &n) == 1 ? ERR_OK : ERR_AUTH;
}

/* ---- key exchange ---- */

/*
 * As much of the private value as the group's strength asks for: 256 bits, and all 384 for the
 * groups above that (RFC 3526 8: twice 130 and 150 bits of strength; group 20: the order).
 */
static size_t
private_len(enum crypto_group g)
{
	return g == CRYPTO_MODP3072 || g == CRYPTO_MODP4096 || g == CRYPTO_ECP384 ? 48 : 32;
}

static BIGNUM *
private_value(enum crypto_group g, const uint8_t *priv)
{
	BIGNUM *x = BN_secure_new();

	must(x && BN_bin2bn(priv, (int)private_len(g), x), "BN_new");
	BN_set_flags(x, BN_FLG_CONSTTIME);
	return x;
}

/* base^priv mod p, left-padded to the group's length. */
static void
power(enum crypto_group g, const BIGNUM *base, const uint8_t *priv, uint8_t *out)
{
	struct kept *k = get();
	const struct modp *m = &k->modp[g];
	BIGNUM *x = private_value(g, priv), *y = BN_secure_new();

	must(y && BN_mod_exp_mont_consttime(y, base, x, m->p, k->bn, m->mont) == 1, "BN_mod_exp");
	must(BN_bn2binpad(y, out, (int)crypto_group_len(g)) > 0, "BN_bn2binpad");
	BN_clear_free(x);
	BN_clear_free(y);
}

static void
modp_public(enum crypto_group g, const uint8_t *priv, uint8_t *pub)
{
	BIGNUM *two = BN_new();

	must(two && BN_set_word(two, 2) == 1, "BN_set_word");
	power(g, two, priv, pub);
	BN_free(two);
}

static enum err
modp_shared(enum crypto_group g, const uint8_t *priv, const uint8_t *peer, uint8_t *shared)
{
	BIGNUM *y = BN_bin2bn(peer, (int)crypto_group_len(g), NULL);
	BIGNUM *top = BN_dup(get()->modp[g].p);
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

/* A scalar within 1 .. order - 1. */
static BIGNUM *
scalar(enum crypto_group g, const uint8_t *priv)
{
	struct kept *k = get();
	BIGNUM *d = private_value(g, priv), *top = BN_dup(EC_GROUP_get0_order(k->curve[g]));

	must(top && BN_sub_word(top, 1) == 1 && BN_nnmod(d, d, top, k->bn) == 1 &&
			BN_add_word(d, 1) == 1,
		"BN_nnmod");
	BN_set_flags(d, BN_FLG_CONSTTIME);
	BN_free(top);
	return d;
}

/* d times the point (NULL: the base point); x, and y if it is wanted. */
static void
multiply(enum crypto_group g, const EC_POINT *point, const uint8_t *priv, uint8_t *x_out,
	uint8_t *y_out)
{
	struct kept *k = get();
	const EC_GROUP *curve = k->curve[g];
	int len = (int)crypto_shared_len(g);
	BIGNUM *d = scalar(g, priv), *x = BN_secure_new(), *y = BN_secure_new();
	EC_POINT *r = EC_POINT_new(curve);

	must(x && y && r, "EC_POINT_new");
	must(EC_POINT_mul(curve, r, point ? NULL : d, point, point ? d : NULL, k->bn) == 1,
		"EC_POINT_mul");
	must(EC_POINT_get_affine_coordinates(curve, r, x, y, k->bn) == 1, "affine coordinates");
	must(BN_bn2binpad(x, x_out, len) == len, "BN_bn2binpad");
	must(!y_out || BN_bn2binpad(y, y_out, len) == len, "BN_bn2binpad");
	EC_POINT_clear_free(r);
	BN_clear_free(d);
	BN_clear_free(x);
	BN_clear_free(y);
}

/* The curves have cofactor 1: a point on the curve, which infinity cannot be, is good. */
static enum err
curve_shared(enum crypto_group g, const uint8_t *priv, const uint8_t *peer, uint8_t *shared)
{
	struct kept *k = get();
	int len = (int)crypto_shared_len(g);
	BIGNUM *x = BN_bin2bn(peer, len, NULL), *y = BN_bin2bn(peer + len, len, NULL);
	EC_POINT *p = EC_POINT_new(k->curve[g]);
	enum err e = ERR_OK;

	must(x && y && p, "EC_POINT_new");
	if (EC_POINT_set_affine_coordinates(k->curve[g], p, x, y, k->bn) != 1)
		e = ERR_VALUE;
	else
		multiply(g, p, priv, shared, NULL);
	ERR_clear_error();
	EC_POINT_free(p);
	BN_free(x);
	BN_free(y);
	return e;
}

static void
dh_public(enum crypto_group g, const uint8_t priv[CRYPTO_DH_PRIVATE], uint8_t *pub)
{
	if (get()->curve[g])
		multiply(g, NULL, priv, pub, pub + crypto_shared_len(g));
	else
		modp_public(g, priv, pub);
}

static enum err
dh_shared(enum crypto_group g, const uint8_t priv[CRYPTO_DH_PRIVATE], const uint8_t *peer,
	uint8_t *shared)
{
	return get()->curve[g] ? curve_shared(g, priv, peer, shared)
			       : modp_shared(g, priv, peer, shared);
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
