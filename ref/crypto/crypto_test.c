/* SPDX-License-Identifier: BSD-2-Clause */
/* Published vectors against the real provider; agreement and difference against both. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ref/base/hex.h"
#include "ref/crypto/crypto.h"

static const struct crypto *const providers[] = {&crypto_openssl, &crypto_null};

static void
is_hex(const void *got, size_t len, const char *want)
{
	char text[2 * 256 + 1];

	ck_assert_str_eq(hex_put(text, sizeof(text), got, len), want);
}

/* RFC 2202 case 2 (HMAC-SHA-1), RFC 4868 2.7.2.1 / RFC 4231 case 2 (HMAC-SHA-256), in two parts. */
START_TEST(hmac_vectors)
{
	struct crypto_part p[2] = {{"what do ya want ", 16}, {"for nothing?", 12}};
	uint8_t out[CRYPTO_HASH_MAX];

	crypto_openssl.hmac(CRYPTO_SHA1, (const uint8_t *)"Jefe", 4, p, 2, out);
	is_hex(out, 20, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
	crypto_openssl.hmac(CRYPTO_SHA256, (const uint8_t *)"Jefe", 4, p, 2, out);
	is_hex(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	/* An empty key is a key: not the one of the call before. */
	crypto_openssl.hmac(CRYPTO_SHA256, NULL, 0, NULL, 0, out);
	is_hex(out, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}
END_TEST

START_TEST(hash_vectors)
{
	struct crypto_part p = {"abc", 3};
	uint8_t out[CRYPTO_HASH_MAX];

	crypto_openssl.hash(CRYPTO_SHA1, &p, 1, out);
	is_hex(out, 20, "a9993e364706816aba3e25717850c26c9cd0d89d");
	crypto_openssl.hash(CRYPTO_SHA256, &p, 1, out);
	is_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
END_TEST

/* RFC 3602 4, case 2. */
START_TEST(cbc_vector)
{
	uint8_t key[16], iv[16], text[32];

	ck_assert_int_eq(hex_get(key, 16, "c286696d887c9aa0611bbb3e2025a45a"), 16);
	ck_assert_int_eq(hex_get(iv, 16, "562e17996d093d28ddb3ba695a2e6f58"), 16);
	for (unsigned i = 0; i < 32; i++)
		text[i] = (uint8_t)i;
	crypto_openssl.cbc_encrypt(key, iv, text, text, 32);
	is_hex(text, 32, "d296cd94c2cccf8a3a863028b5e1dc0a7586602d253cfff91b8266bea6d61ab1");
	crypto_openssl.cbc_decrypt(key, iv, text, text, 32);
	ck_assert_uint_eq(text[31], 31);
}
END_TEST

/* GCM specification, test case 4 (with its key and IV, tag of all 16 octets). */
START_TEST(gcm_vector)
{
	uint8_t key[16], iv[12], aad[20], text[60], tag[16];

	hex_get(key, 16, "feffe9928665731c6d6a8f9467308308");
	hex_get(iv, 12, "cafebabefacedbaddecaf888");
	hex_get(aad, 20, "feedfacedeadbeeffeedfacedeadbeefabaddad2");
	hex_get(text, 60, "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
			  "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
	crypto_openssl.gcm_seal(key, iv, aad, 20, text, text, 60, tag);
	is_hex(tag, 16, "5bc94fbc3221a5db94fae95ae7121a47");
	ck_assert_int_eq(crypto_openssl.gcm_open(key, iv, aad, 20, text, text, 60, tag), ERR_OK);
	is_hex(text, 4, "d9313225");
}
END_TEST

START_TEST(gcm_refuses)
{
	const struct crypto *c = providers[_i];
	uint8_t key[16] = {1}, iv[12] = {2}, aad[8] = {3}, text[40] = {4}, out[40], tag[16];

	c->gcm_seal(key, iv, aad, 8, text, text, 40, tag);
	ck_assert_int_eq(c->gcm_open(key, iv, aad, 8, text, out, 40, tag), ERR_OK);
	tag[15] ^= 1;
	ck_assert_int_eq(c->gcm_open(key, iv, aad, 8, text, out, 40, tag), ERR_AUTH);
	tag[15] ^= 1;
	aad[0] ^= 1;
	ck_assert_int_eq(c->gcm_open(key, iv, aad, 8, text, out, 40, tag), ERR_AUTH);
	aad[0] ^= 1;
	text[39] ^= 1;
	ck_assert_int_eq(c->gcm_open(key, iv, aad, 8, text, out, 40, tag), ERR_AUTH);
}
END_TEST

START_TEST(cbc_round)
{
	const struct crypto *c = providers[_i];
	uint8_t key[16] = {1}, iv[16] = {2}, text[64], out[64];

	for (unsigned i = 0; i < 64; i++)
		text[i] = (uint8_t)(i * 7);
	c->cbc_encrypt(key, iv, text, out, 64);
	ck_assert_int_ne(memcmp(text, out, 64), 0);
	c->cbc_decrypt(key, iv, out, out, 64);
	ck_assert_int_eq(memcmp(text, out, 64), 0);
	key[0] = 9;
	c->cbc_encrypt(key, iv, text, text, 64);
	c->cbc_decrypt(key, iv, text, text, 64);
	ck_assert_int_eq(memcmp(text, out, 64), 0);
}
END_TEST

START_TEST(dh_agrees)
{
	static const enum crypto_group groups[] = {CRYPTO_MODP1024, CRYPTO_MODP2048};
	const struct crypto *c = providers[_i];
	uint8_t a[32], b[32], pa[256], pb[256], sa[256], sb[256];

	memset(a, 0x11, 32);
	memset(b, 0x2f, 32);
	for (unsigned g = 0; g < 2; g++) {
		size_t len = crypto_group_len(groups[g]);

		c->dh_public(groups[g], a, pa);
		c->dh_public(groups[g], b, pb);
		ck_assert_int_ne(memcmp(pa, pb, len), 0);
		ck_assert_int_eq(c->dh_shared(groups[g], a, pb, sa), ERR_OK);
		ck_assert_int_eq(c->dh_shared(groups[g], b, pa, sb), ERR_OK);
		ck_assert_int_eq(memcmp(sa, sb, len), 0);
		memset(pb, 0, len);
		ck_assert_int_eq(c->dh_shared(groups[g], a, pb, sa), ERR_VALUE);
		pb[len - 1] = 1;
		ck_assert_int_eq(c->dh_shared(groups[g], a, pb, sa), ERR_VALUE);
		memset(pb, 0xff, len);
		ck_assert_int_eq(c->dh_shared(groups[g], a, pb, sa), ERR_VALUE);
	}
}
END_TEST

/* g^1 is 2, and 2^256 is a one and 32 zero octets: leading zeros are kept. */
START_TEST(dh_padding)
{
	uint8_t x[32] = {0}, pub[256], want[256] = {0};

	x[30] = 1;
	want[256 - 33] = 1;
	crypto_openssl.dh_public(CRYPTO_MODP2048, x, pub);
	ck_assert_int_eq(memcmp(pub, want, 256), 0);
}
END_TEST

START_TEST(entropy_runs_out)
{
	static struct entropy e;
	uint8_t a[4];

	e.b[0] = 7;
	ck_assert(entropy_take(&e, a, 4));
	ck_assert_uint_eq(a[0], 7);
	ck_assert_uint_eq(e.b[0], 0);
	e.used = sizeof(e.b) - 3;
	ck_assert(!entropy_take(&e, a, 4));
	ck_assert_uint_eq(e.used, sizeof(e.b) - 3);
	ck_assert(entropy_take(&e, a, 3));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("crypto");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_test(t, hmac_vectors);
	tcase_add_test(t, hash_vectors);
	tcase_add_test(t, cbc_vector);
	tcase_add_test(t, gcm_vector);
	tcase_add_loop_test(t, gcm_refuses, 0, 2);
	tcase_add_loop_test(t, cbc_round, 0, 2);
	tcase_add_loop_test(t, dh_agrees, 0, 2);
	tcase_add_test(t, dh_padding);
	tcase_add_test(t, entropy_runs_out);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	crypto_openssl_wipe();
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
