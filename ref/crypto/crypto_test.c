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
	char text[2 * CRYPTO_DH_MAX + 1];

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
	crypto_openssl.hmac(CRYPTO_MD5, (const uint8_t *)"Jefe", 4, p, 2, out);
	is_hex(out, 16, "750c783e6ab0b503eaa86e310a5db738");
	crypto_openssl.hmac(CRYPTO_SHA384, (const uint8_t *)"Jefe", 4, p, 2, out);
	is_hex(out, 48, "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
			"8e2240ca5e69e2c78b3239ecfab21649");
	crypto_openssl.hmac(CRYPTO_SHA512, (const uint8_t *)"Jefe", 4, p, 2, out);
	is_hex(out, 64, "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
			"9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
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
	crypto_openssl.hash(CRYPTO_MD5, &p, 1, out);
	is_hex(out, 16, "900150983cd24fb0d6963f7d28e17f72");
	crypto_openssl.hash(CRYPTO_SHA384, &p, 1, out);
	is_hex(out, 48, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
			"8086072ba1e7cc2358baeca134c825a7");
	crypto_openssl.hash(CRYPTO_SHA512, &p, 1, out);
	is_hex(out, 64, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
			"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
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
	crypto_openssl.cbc_encrypt(CRYPTO_AES128_CBC, key, iv, text, text, 32);
	is_hex(text, 32, "d296cd94c2cccf8a3a863028b5e1dc0a7586602d253cfff91b8266bea6d61ab1");
	crypto_openssl.cbc_decrypt(CRYPTO_AES128_CBC, key, iv, text, text, 32);
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
	crypto_openssl.gcm_seal(CRYPTO_AES128_GCM, key, iv, aad, 20, text, text, 60, tag);
	is_hex(tag, 16, "5bc94fbc3221a5db94fae95ae7121a47");
	ck_assert_int_eq(crypto_openssl.gcm_open(CRYPTO_AES128_GCM, key, iv, aad, 20, text, text, 60, tag), ERR_OK);
	is_hex(text, 4, "d9313225");
}
END_TEST

START_TEST(gcm_refuses)
{
	const struct crypto *c = providers[_i];
	uint8_t key[16] = {1}, iv[12] = {2}, aad[8] = {3}, text[40] = {4}, out[40], tag[16];

	c->gcm_seal(CRYPTO_AES128_GCM, key, iv, aad, 8, text, text, 40, tag);
	ck_assert_int_eq(c->gcm_open(CRYPTO_AES128_GCM, key, iv, aad, 8, text, out, 40, tag), ERR_OK);
	tag[15] ^= 1;
	ck_assert_int_eq(c->gcm_open(CRYPTO_AES128_GCM, key, iv, aad, 8, text, out, 40, tag), ERR_AUTH);
	tag[15] ^= 1;
	aad[0] ^= 1;
	ck_assert_int_eq(c->gcm_open(CRYPTO_AES128_GCM, key, iv, aad, 8, text, out, 40, tag), ERR_AUTH);
	aad[0] ^= 1;
	text[39] ^= 1;
	ck_assert_int_eq(c->gcm_open(CRYPTO_AES128_GCM, key, iv, aad, 8, text, out, 40, tag), ERR_AUTH);
}
END_TEST

/* RFC 5903 8.1, 8.2. A private value stands for itself plus 1: none is 0. */
START_TEST(curve_vectors)
{
	static const struct {
		enum crypto_group g;
		const char *i, *gi, *r, *gr, *shared;
	} all[] = {
		{CRYPTO_ECP256, "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1432",
			"dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
			"5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",
			"c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee52",
			"d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
			"56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab",
			"d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"},
		{CRYPTO_ECP384, "099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655"
			"e35b538041e649ee3faef896783ab193",
			"667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6"
			"de3ac808acb4bdb4c88732aee95f41aa9482ed1fc0eeb9cafc4984625ccfc23f"
			"65032149e0e144ada024181535a0f38eeb9fcff3c2c947dae69b4c634573a81c",
			"41cb0779b4bdb85d47846725fbec3c9430fab46cc8dc5060855cc9bda0aa2942"
			"e0308312916b8ed2960e4bd55a7448fb",
			"e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d"
			"0d1ac43a0336def96fda41d0774a3571dcfbec7aacf3196472169e838430367f"
			"66eebe3c6e70c416dd5f0c68759dd1fff83fa40142209dff5eaad96db9e6386c",
			"11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4"
			"d603135569b9e9d09cf5d4a270f59746"},
	};
	uint8_t i[CRYPTO_DH_PRIVATE] = {0}, r[CRYPTO_DH_PRIVATE] = {0}, pub[CRYPTO_DH_MAX];
	uint8_t peer[CRYPTO_DH_MAX], shared[CRYPTO_DH_MAX];

	for (unsigned n = 0; n < 2; n++) {
		size_t len = crypto_group_len(all[n].g);

		ck_assert_int_gt(hex_get(i, sizeof(i), all[n].i), 0);
		ck_assert_int_gt(hex_get(r, sizeof(r), all[n].r), 0);
		crypto_openssl.dh_public(all[n].g, i, pub);
		is_hex(pub, len, all[n].gi);
		crypto_openssl.dh_public(all[n].g, r, peer);
		is_hex(peer, len, all[n].gr);
		ck_assert_int_eq(crypto_openssl.dh_shared(all[n].g, i, peer, shared), ERR_OK);
		is_hex(shared, len / 2, all[n].shared);
		peer[len - 1] ^= 1; /* not on the curve any more */
		ck_assert_int_eq(crypto_openssl.dh_shared(all[n].g, i, peer, shared), ERR_VALUE);
	}
}
END_TEST

/* FIPS 197 C.2, C.3 (a block, zero IV); SP 800-67 (three keys, a block). */
START_TEST(other_ciphers)
{
	static const struct {
		enum crypto_cipher a;
		const char *key, *plain, *sealed;
	} all[] = {
		{CRYPTO_AES192_CBC, "000102030405060708090a0b0c0d0e0f1011121314151617",
			"00112233445566778899aabbccddeeff", "dda97ca4864cdfe06eaf70a0ec0d7191"},
		{CRYPTO_AES256_CBC,
			"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
			"00112233445566778899aabbccddeeff", "8ea2b7ca516745bfeafc49904b496089"},
		{CRYPTO_3DES_CBC, "0123456789abcdef23456789abcdef01456789abcdef0123",
			"5468652071756663", "a826fd8ce53b855f"},
	};
	uint8_t key[CRYPTO_KEY_MAX], iv[CRYPTO_BLOCK] = {0}, text[CRYPTO_BLOCK];

	for (unsigned n = 0; n < 3; n++) {
		size_t len = crypto_block_len(all[n].a);

		ck_assert_uint_eq((size_t)hex_get(key, sizeof(key), all[n].key),
			crypto_key_len(all[n].a));
		ck_assert_uint_eq((size_t)hex_get(text, sizeof(text), all[n].plain), len);
		crypto_openssl.cbc_encrypt(all[n].a, key, iv, text, text, len);
		is_hex(text, len, all[n].sealed);
		crypto_openssl.cbc_decrypt(all[n].a, key, iv, text, text, len);
		is_hex(text, len, all[n].plain);
	}
}
END_TEST

START_TEST(cbc_round)
{
	const struct crypto *c = providers[_i];
	uint8_t key[16] = {1}, iv[16] = {2}, text[64], out[64];

	for (unsigned i = 0; i < 64; i++)
		text[i] = (uint8_t)(i * 7);
	c->cbc_encrypt(CRYPTO_AES128_CBC, key, iv, text, out, 64);
	ck_assert_int_ne(memcmp(text, out, 64), 0);
	c->cbc_decrypt(CRYPTO_AES128_CBC, key, iv, out, out, 64);
	ck_assert_int_eq(memcmp(text, out, 64), 0);
	key[0] = 9;
	c->cbc_encrypt(CRYPTO_AES128_CBC, key, iv, text, text, 64);
	c->cbc_decrypt(CRYPTO_AES128_CBC, key, iv, text, text, 64);
	ck_assert_int_eq(memcmp(text, out, 64), 0);
}
END_TEST

/* More keys than there are kept contexts, in turns: none is taken for another. */
START_TEST(many_keys)
{
	uint8_t key[CRYPTO_KEY_MAX] = {0}, iv[16] = {0}, in[32] = {7}, first[600][32], mac[600][20];
	struct crypto_part p = {in, sizeof(in)};
	uint8_t out[CRYPTO_HASH_MAX];

	for (unsigned turn = 0; turn < 2; turn++)
		for (unsigned i = 0; i < 600; i++) {
			key[0] = (uint8_t)i;
			key[9] = (uint8_t)(i >> 8); /* beyond what finds the place */
			crypto_openssl.cbc_encrypt(CRYPTO_AES128_CBC, key, iv, in, out, 32);
			if (turn)
				ck_assert_mem_eq(out, first[i], 32);
			memcpy(first[i], out, 32);
			crypto_openssl.cbc_decrypt(CRYPTO_AES128_CBC, key, iv, out, out, 32);
			ck_assert_mem_eq(out, in, 32);
			crypto_openssl.hmac(CRYPTO_SHA1, key, 20, &p, 1, out);
			if (turn)
				ck_assert_mem_eq(out, mac[i], 20);
			memcpy(mac[i], out, 20);
		}
	for (unsigned i = 1; i < 600; i++) {
		ck_assert_mem_ne(first[i], first[i - 1], 32);
		ck_assert_mem_ne(mac[i], mac[i - 1], 20);
	}
}
END_TEST

START_TEST(dh_agrees)
{
	static const enum crypto_group groups[] = {CRYPTO_MODP1024, CRYPTO_MODP1536, CRYPTO_MODP2048,
		CRYPTO_MODP3072, CRYPTO_MODP4096, CRYPTO_ECP256, CRYPTO_ECP384};
	const struct crypto *c = providers[_i];
	uint8_t a[CRYPTO_DH_PRIVATE], b[CRYPTO_DH_PRIVATE];
	uint8_t pa[CRYPTO_DH_MAX], pb[CRYPTO_DH_MAX], sa[CRYPTO_DH_MAX], sb[CRYPTO_DH_MAX];

	memset(a, 0x11, sizeof(a));
	memset(b, 0x2f, sizeof(b));
	for (unsigned g = 0; g < sizeof(groups) / sizeof(groups[0]); g++) {
		size_t len = crypto_group_len(groups[g]);

		c->dh_public(groups[g], a, pa);
		c->dh_public(groups[g], b, pb);
		ck_assert_int_ne(memcmp(pa, pb, len), 0);
		ck_assert_int_eq(c->dh_shared(groups[g], a, pb, sa), ERR_OK);
		ck_assert_int_eq(c->dh_shared(groups[g], b, pa, sb), ERR_OK);
		ck_assert_int_eq(memcmp(sa, sb, crypto_shared_len(groups[g])), 0);
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
	uint8_t x[CRYPTO_DH_PRIVATE] = {0}, pub[256], want[256] = {0};

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
	tcase_add_test(t, curve_vectors);
	tcase_add_test(t, many_keys);
	tcase_add_test(t, other_ciphers);
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
