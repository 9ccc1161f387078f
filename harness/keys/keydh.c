/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Diffie-Hellman for the harness (keyprim.h), by the numbers of the groups: powers modulo the
 * primes of RFC 2409 and RFC 3526, points of the curves of RFC 5903. Private values are the
 * caller's. As in keyprim.c, a failure of the library aborts.
 */
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/keys/keyprim.h"

static const struct group {
	uint16_t number, len, shared_len;
	BIGNUM *(*prime)(BIGNUM *);
	int curve; /* 0: MODP */
} groups[] = {
	{2, 128, 128, BN_get_rfc2409_prime_1024, 0},
	{5, 192, 192, BN_get_rfc3526_prime_1536, 0},
	{14, 256, 256, BN_get_rfc3526_prime_2048, 0},
	{15, 384, 384, BN_get_rfc3526_prime_3072, 0},
	{16, 512, 512, BN_get_rfc3526_prime_4096, 0},
	{19, 64, 32, NULL, NID_X9_62_prime256v1},
	{20, 96, 48, NULL, NID_secp384r1},
};

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "libcrypto: %s failed\n", what);
	abort();
}

static const struct group *
group_of(uint16_t number)
{
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
		if (groups[i].number == number)
			return &groups[i];
	return NULL;
}

size_t
keyprim_dh_len(uint16_t group)
{
	const struct group *g = group_of(group);

	return g ? g->len : 0;
}

size_t
keyprim_dh_shared_len(uint16_t group)
{
	const struct group *g = group_of(group);

	return g ? g->shared_len : 0;
}

/* -- MODP -- */

/* base ^ priv mod p to out, padded with zeros in front (RFC 2409 5: "MUST be" of the prime's size).
 */
static void
power(const BIGNUM *base, const void *priv, size_t priv_len, const BIGNUM *p, uint8_t *out,
	size_t len)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *x = BN_bin2bn(priv, (int)priv_len, NULL);
	BIGNUM *y = BN_new();

	must(ctx && x && y, "bignum");
	BN_set_flags(x, BN_FLG_CONSTTIME);
	must(BN_mod_exp_mont(y, base, x, p, ctx, NULL) == 1, "modular power");
	must(BN_bn2binpad(y, out, (int)len) == (int)len, "bignum");
	BN_clear_free(x);
	BN_clear_free(y);
	BN_CTX_free(ctx);
}

static void
modp_public(const struct group *g, const void *priv, size_t priv_len, uint8_t *pub)
{
	BIGNUM *p = g->prime(NULL), *two = BN_new();

	must(p && two && BN_set_word(two, 2) == 1, "bignum");
	power(two, priv, priv_len, p, pub, g->len);
	BN_free(two);
	BN_free(p);
}

static bool
modp_shared(const struct group *g, const void *priv, size_t priv_len, const uint8_t *other,
	uint8_t *shared)
{
	BIGNUM *p = g->prime(NULL), *y = BN_bin2bn(other, g->len, NULL), *top = BN_dup(p);
	bool ok;

	must(p && y && top && BN_sub_word(top, 1) == 1, "bignum");
	ok = !BN_is_zero(y) && !BN_is_one(y) && BN_cmp(y, top) < 0;
	if (ok)
		power(y, priv, priv_len, p, shared, g->shared_len);
	BN_free(y);
	BN_free(top);
	BN_free(p);
	return ok;
}

/* -- ECP -- */

/* What a calculation on a curve needs; a BN_CTX owns the numbers. */
struct curve {
	const EC_GROUP *e;
	BN_CTX *ctx;
	BIGNUM *x, *y, *d;
	EC_POINT *pt;
};

static EC_GROUP *p256, *p384; /* kept: to make one costs as much as to use it */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
curves_make(void)
{
	p256 = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	p384 = EC_GROUP_new_by_curve_name(NID_secp384r1);
	must(p256 && p384, "curve");
}

void
keyprim_dh_ready(void)
{
	pthread_once(&once, curves_make);
}

static const EC_GROUP *
curve_named(int nid)
{
	keyprim_dh_ready();
	return nid == NID_secp384r1 ? p384 : p256;
}

static void
curve_start(struct curve *c, int nid, const void *priv, size_t priv_len)
{
	c->e = curve_named(nid);
	c->ctx = BN_CTX_secure_new();
	must(c->ctx != NULL, "curve");
	BN_CTX_start(c->ctx);
	c->x = BN_CTX_get(c->ctx);
	c->y = BN_CTX_get(c->ctx);
	c->d = BN_CTX_get(c->ctx);
	c->pt = EC_POINT_new(c->e);
	must(c->d && c->pt, "curve");
	must(BN_bin2bn(priv, (int)priv_len, c->d) != NULL, "bignum");
	must(BN_nnmod(c->d, c->d, EC_GROUP_get0_order(c->e), c->ctx) == 1, "bignum");
	if (BN_is_zero(c->d))
		must(BN_one(c->d) == 1, "bignum");
}

static void
curve_end(struct curve *c)
{
	EC_POINT_clear_free(c->pt);
	BN_clear(c->d);
	BN_clear(c->x);
	BN_CTX_end(c->ctx);
	BN_CTX_free(c->ctx);
}

static void
ecp_public(const struct group *g, const void *priv, size_t priv_len, uint8_t *pub)
{
	struct curve c;
	int half = g->len / 2;

	curve_start(&c, g->curve, priv, priv_len);
	must(EC_POINT_mul(c.e, c.pt, c.d, NULL, NULL, c.ctx) == 1, "point");
	must(EC_POINT_get_affine_coordinates(c.e, c.pt, c.x, c.y, c.ctx) == 1, "point");
	must(BN_bn2binpad(c.x, pub, half) == half && BN_bn2binpad(c.y, pub + half, half) == half,
		"bignum");
	curve_end(&c);
}

/* The library refuses coordinates that are not of a point on the curve; the cofactor is 1. */
static bool
ecp_shared(const struct group *g, const void *priv, size_t priv_len, const uint8_t *other,
	uint8_t *shared)
{
	struct curve c;
	int half = g->len / 2;
	bool ok;

	curve_start(&c, g->curve, priv, priv_len);
	must(BN_bin2bn(other, half, c.x) && BN_bin2bn(other + half, half, c.y), "bignum");
	ok = EC_POINT_set_affine_coordinates(c.e, c.pt, c.x, c.y, c.ctx) == 1;
	if (ok) {
		must(EC_POINT_mul(c.e, c.pt, NULL, c.pt, c.d, c.ctx) == 1, "point");
		must(EC_POINT_get_affine_coordinates(c.e, c.pt, c.x, NULL, c.ctx) == 1, "point");
		must(BN_bn2binpad(c.x, shared, half) == half, "bignum");
	} else {
		ERR_clear_error();
	}
	curve_end(&c);
	return ok;
}

bool
keyprim_dh_public(uint16_t group, const void *priv, size_t priv_len, uint8_t *pub)
{
	const struct group *g = group_of(group);

	if (!g)
		return false;
	(g->curve ? ecp_public : modp_public)(g, priv, priv_len, pub);
	return true;
}

bool
keyprim_dh_shared(uint16_t group, const void *priv, size_t priv_len, const uint8_t *other,
	size_t other_len, uint8_t *shared)
{
	const struct group *g = group_of(group);

	if (!g || other_len != g->len)
		return false;
	return (g->curve ? ecp_shared : modp_shared)(g, priv, priv_len, other, shared);
}
