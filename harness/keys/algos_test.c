/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Known answers for every algorithm that the harness knows: RFC 4868, RFC 5903 8, RFC 3602 4, NIST
 * SP 800-38A and 800-67, the GCM specification; powers modulo the primes of RFC 2409 and RFC 3526,
 * worked out from the text of the RFCs; and the expansion of keys, step by step.
 */
#include <check.h>
#include <string.h>

#include "harness/keys/keys.h"
#include "harness/keys/keys_test_util.h"

/* RFC 4868 2.7.1: PRF-2 (short key) and PRF-6 (longer than any block). */
START_TEST(prf_sha2)
{
	static const char text[] =
		"This is a test using a larger than block-size key and a larger than block-size "
		"data. The key needs to be hashed before being used by the HMAC algorithm.";
	static const struct {
		enum keyprim_hash hash;
		const char *prf2, *prf6;
	} v[] = {
		{KEYPRIM_SHA256, "5bdcc146bf60754e6a042426089575c7",
			"9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
		{KEYPRIM_SHA384, "af45d2e376484031617f78d2b58a6b1b",
			"6617178e941f020d351e2f254e8fd32c602420feb0b8fb9adccebb82461e99c5"
			"a678cc31e799176d3860e6110c46523e"},
		{KEYPRIM_SHA512, "164b7a7bfcf819e2e395fbe73b56e0a3",
			"e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944"
			"b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58"},
	};
	uint8_t out[KEYPRIM_HASH_MAX], key[131];

	memset(key, 0xaa, sizeof key);
	for (size_t i = 0; i < 3; i++) {
		keyprim_hmac(
			v[i].hash, "Jefe", 4, &SPAN("what do ya want for nothing?", 28), 1, out);
		is_hex(out, v[i].prf2);
		keyprim_hmac(v[i].hash, key, 131, &SPAN(text, sizeof text - 1), 1, out);
		is_hex(out, v[i].prf6);
		ck_assert_uint_eq(keyprim_hash_len(v[i].hash), strlen(v[i].prf6) / 2);
	}
}
END_TEST

START_TEST(ciphers)
{
	uint8_t out[64], tag[16], zero[16] = {0};

	/* SP 800-38A F.2.3 and F.2.5, first blocks */
	ck_assert(keyprim_cbc(KEYPRIM_AES, true,
		hex("8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b"), 24,
		hex("000102030405060708090a0b0c0d0e0f"), hex("6bc1bee22e409f96e93d7e117393172a"),
		16, out));
	is_hex(out, "4f021db243bc633d7178183a9fa071e8");
	ck_assert(keyprim_cbc(KEYPRIM_AES, true,
		hex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"), 32,
		hex("000102030405060708090a0b0c0d0e0f"), hex("6bc1bee22e409f96e93d7e117393172a"),
		16, out));
	is_hex(out, "f58c4c04d6e5f1ba779eabfb5f7bfbd6");
	/* SP 800-67 B.1, first block: no chaining yet */
	ck_assert(keyprim_cbc(KEYPRIM_3DES, true,
		hex("0123456789abcdef23456789abcdef01456789abcdef0123"), 24, zero,
		(const uint8_t *)"The qufc", 8, out));
	is_hex(out, "a826fd8ce53b855f");
	/* McGrew and Viega, test cases 10 and 16 */
	for (int i = 0; i < 2; i++) {
		ck_assert(keyprim_gcm_seal(hex("feffe9928665731c6d6a8f9467308308"
					       "feffe9928665731c6d6a8f9467308308"),
			i ? 32 : 24, hex("cafebabefacedbaddecaf888"),
			SPAN(hex("feedfacedeadbeeffeedfacedeadbeefabaddad2"), 20),
			hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
			    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"),
			60, out, tag));
		is_hex(tag, i ? "76fc6ece0f4e1768cddf8853bb2d551b"
			      : "2519498e80f1478f37ba55bd6d27618c");
	}
}
END_TEST

/* RFC 3602 4, case 8: tunnel mode, our padding; its packet ends where our ICV starts. */
START_TEST(esp_rfc3602)
{
	struct keyesp k = {.spi = 0x8765, .suite = KEYESP_AES_SHA1};
	uint8_t out[256];
	size_t n;

	secret_set(&k.enc, hex("0123456789abcdef0123456789abcdef"), 16);
	secret_set(&k.auth, out, keyesp_auth_len(k.suite));
	n = keyesp_seal(&k, 5, hex("85d47224b5f3dd5d2101d4ea8dffab22"), 4,
		SPAN(hex("45000044090c00004001f990c0a87b03c0a87bc8"
			 "0800d63caa0a0200c69c083da3de0300ffffffffffffffffffffffffffffffff"
			 "ffffffffffffffffffffffffffffffff"),
			68),
		out, sizeof out);
	ck_assert_uint_eq(n, 8 + 16 + 80 + 12);
	is_hex(out, "000087650000000585d47224b5f3dd5d2101d4ea8dffab22"
		    "15b92683819596a8047232cc00f7048fe45318e11f8a0f62ede3c3fc61203bb5"
		    "0f980a08c9843fd3a1b06d5c07ff9639b7eb7dfb3512e5de435e7207ed971ef3"
		    "d2726d9b5ef6affc6d17a0decbb13892");
}
END_TEST

static const struct modp {
	uint16_t group, len;
	const char *pub,
		*shared; /* SHA-256 of 2^x, and of (2^x)^y; x = 35.., y = 71.., 40 octets */
} modp[] = {
	{2, 128, "be9081b8c73d9fcba3f82b73ea744ba84d578425be6d8bbc27efbc8b29c03c9c",
		"e23b3fff05baac25f78f1451582715b9f6a85c0e6ea11489734e3da538ee78d5"},
	{5, 192, "0bde2e69ecee7212aac40d58899e66ce10d2ff723735edd8725ee9af3fdf33c8",
		"8c6d7112442ec147159464153737f19214f8380e93b50d6a8d1235db87cd5381"},
	{14, 256, "7b0e910ab85fe551623f03499d0fad4bd41147f7429ea432a80b79df7099e9a4",
		"806cf68f58c48a6ba6391f24e45f459d0667d7c8e38bd997879c5d201e10b471"},
	{15, 384, "5b95b76fb184abd9b590eda1e1f66dd6c97e466b45343a4b9e79a1fe4a0d4c8d",
		"381e228327611841912c58d8689bc623f3522134ca9f60e948a4055125b87701"},
	{16, 512, "a9770b5884c099a6cfb8802c438c82124a745dcb7d0842b057305e49bab92e23",
		"f0290b512b782f023733b2f4c1d378dbee497f4807f6d6976b478a61a6a2408c"},
};

START_TEST(dh_modp)
{
	const struct modp *m = &modp[_i];
	uint8_t a[40], b[40], pa[512], pb[512], s[512], d[32];
	size_t len = m->len;

	memset(a, 0x35, 40);
	memset(b, 0x71, 40);
	ck_assert_uint_eq(keyprim_dh_len(m->group), len);
	ck_assert_uint_eq(keyprim_dh_shared_len(m->group), len);
	ck_assert(keyprim_dh_public(m->group, a, 40, pa) && keyprim_dh_public(m->group, b, 40, pb));
	keyprim_digest(KEYPRIM_SHA256, &SPAN(pa, len), 1, d);
	is_hex(d, m->pub);
	ck_assert(keyprim_dh_shared(m->group, a, 40, pb, len, s));
	keyprim_digest(KEYPRIM_SHA256, &SPAN(s, len), 1, d);
	is_hex(d, m->shared);
	ck_assert(keyprim_dh_shared(m->group, b, 40, pa, len, s));
	keyprim_digest(KEYPRIM_SHA256, &SPAN(s, len), 1, d);
	is_hex(d, m->shared);
	memset(pb, 0, sizeof pb);
	ck_assert(!keyprim_dh_shared(m->group, a, 40, pb, len, s)); /* 0 */
	pb[len - 1] = 1;
	ck_assert(!keyprim_dh_shared(m->group, a, 40, pb, len, s)); /* 1 */
	pb[len - 1] = 2;
	ck_assert(keyprim_dh_shared(m->group, a, 40, pb, len, s));
	memset(pb, 0xff, sizeof pb); /* above p */
	ck_assert(!keyprim_dh_shared(m->group, a, 40, pb, len, s));
	ck_assert(!keyprim_dh_shared(m->group, a, 40, pa, len - 1, s));
	/* 2^1 mod p, padded to the length of p (RFC 2409 5) */
	ck_assert(keyprim_dh_public(m->group, "\1", 1, pb));
	ck_assert(pb[len - 1] == 2 && !pb[0]);
}
END_TEST

static const struct ecp {
	uint16_t group, half;
	const char *i, *gix, *giy, *r, *grx, *gry, *girx;
} ecp[] = {
	{19, 32, "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
		"dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180",
		"5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",
		"c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53",
		"d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63",
		"56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab",
		"d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"},
	{20, 48,
		"099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655"
		"e35b538041e649ee3faef896783ab194",
		"667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6"
		"de3ac808acb4bdb4c88732aee95f41aa",
		"9482ed1fc0eeb9cafc4984625ccfc23f65032149e0e144ada024181535a0f38e"
		"eb9fcff3c2c947dae69b4c634573a81c",
		"41cb0779b4bdb85d47846725fbec3c9430fab46cc8dc5060855cc9bda0aa2942"
		"e0308312916b8ed2960e4bd55a7448fc",
		"e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d"
		"0d1ac43a0336def96fda41d0774a3571",
		"dcfbec7aacf3196472169e838430367f66eebe3c6e70c416dd5f0c68759dd1ff"
		"f83fa40142209dff5eaad96db9e6386c",
		"11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4"
		"d603135569b9e9d09cf5d4a270f59746"},
};

/* RFC 5903 8.1 and 8.2. */
START_TEST(dh_ecp)
{
	const struct ecp *e = &ecp[_i];
	uint8_t i[48], r[48], pi[96], pr[96], s[48];
	size_t half = e->half, len = 2 * half;

	memcpy(i, hex(e->i), half);
	memcpy(r, hex(e->r), half);
	ck_assert_uint_eq(keyprim_dh_len(e->group), len);
	ck_assert_uint_eq(keyprim_dh_shared_len(e->group), half);
	ck_assert(keyprim_dh_public(e->group, i, half, pi));
	is_hex(pi, e->gix);
	is_hex(pi + half, e->giy);
	ck_assert(keyprim_dh_public(e->group, r, half, pr));
	is_hex(pr, e->grx);
	is_hex(pr + half, e->gry);
	ck_assert(keyprim_dh_shared(e->group, i, half, pr, len, s));
	is_hex(s, e->girx);
	ck_assert(keyprim_dh_shared(e->group, r, half, pi, len, s));
	is_hex(s, e->girx);
	pr[len - 1] ^= 1; /* off the curve */
	ck_assert(!keyprim_dh_shared(e->group, i, half, pr, len, s));
	memset(pr, 0, len);
	ck_assert(!keyprim_dh_shared(e->group, i, half, pr, len, s));
	memset(pr, 0xff, len); /* not field elements */
	ck_assert(!keyprim_dh_shared(e->group, i, half, pr, len, s));
	ck_assert(!keyprim_dh_shared(e->group, i, half, pi, len - 1, s));
	memset(i, 0, half); /* a private value of 0 is taken as 1: the generator comes out */
	ck_assert(keyprim_dh_public(e->group, i, half, pi));
	i[half - 1] = 1;
	ck_assert(keyprim_dh_public(e->group, i, half, pr));
	ck_assert(!memcmp(pi, pr, len));
}
END_TEST

START_TEST(dh_unknown)
{
	static const uint16_t none[] = {0, 1, 3, 4, 17, 18, 21, 22, 24, 31};
	uint8_t b[512];

	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		ck_assert_uint_eq(keyprim_dh_len(none[i]), 0);
		ck_assert(!keyprim_dh_public(none[i], b, 32, b));
		ck_assert(!keyprim_dh_shared(none[i], b, 32, b, 128, b));
	}
}
END_TEST

static const enum keyprim_hash hashes[] = {
	KEYPRIM_MD5, KEYPRIM_SHA1, KEYPRIM_SHA256, KEYPRIM_SHA384, KEYPRIM_SHA512};

/* SKEYID and its children (RFC 2409 5), recomputed here and not through keyike's helpers. */
static void
by_hand(enum keyprim_hash h, uint8_t *d, uint8_t *a, uint8_t *e)
{
	uint8_t id[KEYPRIM_HASH_MAX];
	size_t n = keyprim_hash_len(h);

	keyprim_hmac(h, "psk", 3, &SPAN("nonce-i!nonce-r!", 16), 1, id);
	keyprim_hmac(h, id, n, &SPAN("GXYIIIIIIIIRRRRRRRR\0", 20), 1, d);
	keyprim_hmac(
		h, id, n, (struct span[]){SPAN(d, n), SPAN("GXYIIIIIIIIRRRRRRRR\1", 20)}, 2, a);
	keyprim_hmac(
		h, id, n, (struct span[]){SPAN(a, n), SPAN("GXYIIIIIIIIRRRRRRRR\2", 20)}, 2, e);
}

/* RFC 2409 Appendix B: the first octets of SKEYID_e, or K1 | K2 ... if it is too short. */
static void
key_by_hand(enum keyprim_hash h, const uint8_t *e, size_t need, uint8_t *key)
{
	size_t n = keyprim_hash_len(h);

	if (n >= need) {
		memcpy(key, e, need);
		return;
	}
	keyprim_hmac(h, e, n, &SPAN("\0", 1), 1, key);
	keyprim_hmac(h, e, n, &SPAN(key, n), 1, key + n);
}

START_TEST(ike_keys)
{
	enum keyprim_hash h = hashes[_i];
	struct keyike k = {.icookie = "IIIIIIII", .rcookie = "RRRRRRRR", .hash = h};
	struct keyike_in in = {.psk = SPAN("psk", 3),
		.ni = SPAN("nonce-i!", 8),
		.nr = SPAN("nonce-r!", 8),
		.gxi = SPAN("GXI", 3),
		.gxr = SPAN("GXR", 3),
		.gxy = SPAN("GXY", 3)};
	uint8_t d[64], a[64], e[64], key[128], iv[64];
	size_t n = keyprim_hash_len(h);

	by_hand(h, d, a, e);
	keyprim_digest(h, &SPAN("GXIGXR", 6), 1, iv);
	for (uint16_t bits = 64; bits <= 256; bits = (uint16_t)(bits + 64)) {
		bool triple = bits == 64;
		size_t need = triple ? 24 : bits / 8u;

		k.cipher = triple ? KEYPRIM_3DES : KEYPRIM_AES;
		k.key_bits = triple ? 0 : bits;
		ck_assert(keyike_derive(&k, &in));
		ck_assert_uint_eq(k.d.len, n);
		ck_assert(!memcmp(k.d.b, d, n) && !memcmp(k.a.b, a, n) && !memcmp(k.e.b, e, n));
		key_by_hand(h, e, need, key);
		ck_assert_uint_eq(k.key.len, need);
		ck_assert_int_eq(memcmp(k.key.b, key, need), 0);
		ck_assert_int_eq(memcmp(k.iv, iv, keyprim_block(k.cipher)), 0);
	}
}
END_TEST

/* RFC 2409 5.5, KEYMAT longer than the prf; RFC 4106 8.1: the salt is behind the key. */
START_TEST(keymat)
{
	enum keyprim_hash h = hashes[_i];
	struct keyike k = {.hash = h};
	uint8_t out[160], k1[64], k2[64], head[] = {3, 0, 0, 0x12, 0x34};
	size_t n = keyprim_hash_len(h);

	secret_set(&k.d, "0123456789abcdef", 16);
	keyike_keymat(&k, SPAN("PFS", 3), 3, 0x1234, SPAN("ni", 2), SPAN("nr", 2), out, 2 * n - 3);
	keyprim_hmac(h, "0123456789abcdef", 16,
		(struct span[]){SPAN("PFS", 3), SPAN(head, 5), SPAN("ninr", 4)}, 3, k1);
	keyprim_hmac(h, "0123456789abcdef", 16,
		(struct span[]){SPAN(k1, n), SPAN("PFS", 3), SPAN(head, 5), SPAN("ninr", 4)}, 4,
		k2);
	ck_assert(!memcmp(out, k1, n) && !memcmp(out + n, k2, n - 3));
	ck_assert_uint_eq(keyesp_enc_len(KEYESP_AES_GCM, 128), 20);
	ck_assert_uint_eq(keyesp_enc_len(KEYESP_AES_GCM, 192), 28);
	ck_assert_uint_eq(keyesp_enc_len(KEYESP_AES_GCM, 256), 36);
	ck_assert_uint_eq(keyesp_auth_len(KEYESP_AES_GCM), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("algos");
	TCase *t = tcase_create("algos");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, prf_sha2);
	tcase_add_test(t, ciphers);
	tcase_add_test(t, esp_rfc3602);
	tcase_add_loop_test(t, dh_modp, 0, (int)(sizeof modp / sizeof *modp));
	tcase_add_loop_test(t, dh_ecp, 0, 2);
	tcase_add_test(t, dh_unknown);
	tcase_add_loop_test(t, ike_keys, 0, 5);
	tcase_add_loop_test(t, keymat, 0, 5);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
