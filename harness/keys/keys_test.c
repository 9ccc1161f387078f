/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Primitives and key derivation against published vectors: RFC 2202, RFC 3602, the GCM
 * specification, RFC 8448; ESP there and back; key files; a capture of a real router's 3DES.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "harness/field/pkt.h"
#include "harness/keys/keys.h"
#include "harness/keys/keys_test_util.h"

START_TEST(hmac)
{
	uint8_t out[32], long_key[80];

	keyprim_hmac(KEYPRIM_MD5, "Jefe", 4, &SPAN("what do ya want for nothing?", 28), 1, out);
	is_hex(out, "750c783e6ab0b503eaa86e310a5db738");
	keyprim_hmac(KEYPRIM_SHA1, "Jefe", 4,
		(struct span[]){SPAN("what do ya want ", 16), SPAN("for nothing?", 12)}, 2, out);
	is_hex(out, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
	memset(long_key, 0xaa, 80); /* RFC 2202 3, case 6: a key longer than a block */
	keyprim_hmac(KEYPRIM_SHA1, long_key, 80,
		&SPAN("Test Using Larger Than Block-Size Key - Hash Key First", 54), 1, out);
	is_hex(out, "aa4ae5e15272d00e95705637ce8a3b55ed402112");
	keyprim_hmac(KEYPRIM_SHA256, "Jefe", 4, &SPAN("what do ya want for nothing?", 28), 1, out);
	is_hex(out, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}
END_TEST

START_TEST(cbc)
{
	uint8_t out[64], back[64]; /* RFC 3602 4, cases 1 and 2 */

	ck_assert(keyprim_cbc(KEYPRIM_AES, true, hex("06a9214036b8a15b512e03d534120006"), 16,
		hex("3dafba429d9eb430b422da802c9fac41"), (const uint8_t *)"Single block msg", 16,
		out));
	is_hex(out, "e353779c1079aeb82708942dbe77181a");
	ck_assert(keyprim_cbc(KEYPRIM_AES, true, hex("c286696d887c9aa0611bbb3e2025a45a"), 16,
		hex("562e17996d093d28ddb3ba695a2e6f58"),
		hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"), 32, out));
	is_hex(out, "d296cd94c2cccf8a3a863028b5e1dc0a7586602d253cfff91b8266bea6d61ab1");
	ck_assert(keyprim_cbc(KEYPRIM_AES, false, hex("c286696d887c9aa0611bbb3e2025a45a"), 16,
		hex("562e17996d093d28ddb3ba695a2e6f58"), out, 32, back));
	ck_assert_uint_eq(back[31], 0x1f);
	ck_assert(!keyprim_cbc(KEYPRIM_AES, true, back, 16, back, back, 17, out));
	ck_assert(!keyprim_cbc(KEYPRIM_AES, true, back, 15, back, back, 16, out));
}
END_TEST

START_TEST(gcm)
{
	uint8_t out[64], tag[16], zero[16] = {0};

	/* McGrew and Viega, test cases 2 and 4 */
	ck_assert(keyprim_gcm_seal(zero, 16, zero, SPAN(zero, 0), zero, 16, out, tag));
	is_hex(out, "0388dace60b6a392f328c2b971b2fe78");
	is_hex(tag, "ab6e47d42cec13bdf53a67b21257bddf");
	ck_assert(keyprim_gcm_seal(hex("feffe9928665731c6d6a8f9467308308"), 16,
		hex("cafebabefacedbaddecaf888"),
		SPAN(hex("feedfacedeadbeeffeedfacedeadbeefabaddad2"), 20),
		hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
		    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"),
		60, out, tag));
	is_hex(tag, "5bc94fbc3221a5db94fae95ae7121a47");
	ck_assert(keyprim_gcm_open(hex("feffe9928665731c6d6a8f9467308308"), 16,
		hex("cafebabefacedbaddecaf888"),
		SPAN(hex("feedfacedeadbeeffeedfacedeadbeefabaddad2"), 20), out, 60, out, tag));
	is_hex(out, "d9313225f88406e5a55909c5aff5269a");
	tag[3] ^= 1;
	ck_assert(!keyprim_gcm_open(zero, 16, zero, SPAN(zero, 0), out, 16, out, tag));
}
END_TEST

START_TEST(hkdf)
{
	uint8_t out[32]; /* RFC 8448 3: application traffic of both sides */

	ck_assert(keyprim_hkdf_label(
		hex("9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5"), 32, "key",
		out, 16));
	is_hex(out, "17422dda596ed5d9acd890e3c63f5051");
	ck_assert(keyprim_hkdf_label(
		hex("9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5"), 32, "iv",
		out, 12));
	is_hex(out, "5b78923dee08579033e523d9");
	ck_assert(keyprim_hkdf_label(
		hex("a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643"), 32, "key",
		out, 16));
	is_hex(out, "9f02283b6c9c07efc26bb9f2ac92e356");
}
END_TEST

START_TEST(esp_there_and_back)
{
	for (int s = 0; s < KEYESP_SUITE_CNT; s++)
		for (size_t len = 20; len < 60; len++) {
			struct keyesp k = {.spi = 0x1000, .suite = (enum keyesp_suite)s};
			uint8_t key[64], in[64], out[256], back[256], iv[16] = {9}, next;
			size_t n, m;

			memset(key, 0x11 + s, sizeof key);
			memset(in, 0x45, sizeof in);
			secret_set(&k.enc, key, keyesp_enc_len(k.suite, 128));
			secret_set(&k.auth, key, keyesp_auth_len(k.suite));
			n = keyesp_seal(&k, 7, iv, 4, SPAN(in, len), out, sizeof out);
			ck_assert_uint_gt(n, len);
			ck_assert_uint_eq(n % 4, 0);
			ck_assert_int_eq(
				keyesp_open(&k, out, n, back, sizeof back, &m, &next), ERR_OK);
			ck_assert_uint_eq(m, len);
			ck_assert_uint_eq(next, 4);
			ck_assert_int_eq(memcmp(in, back, len), 0);
			for (size_t i = 0; i < n;
				i += 5) { /* SPI, number, IV, body, ICV: all covered */
				out[i] ^= 1;
				ck_assert_int_eq(
					keyesp_open(&k, out, n, back, sizeof back, &m, &next),
					ERR_AUTH);
				out[i] ^= 1;
			}
			ck_assert_int_ne(
				keyesp_open(&k, out, 10, back, sizeof back, &m, &next), ERR_OK);
			ck_assert_uint_eq(keyesp_seal(&k, 7, iv, 4, SPAN(in, len), out, n - 1), 0);
		}
}
END_TEST

START_TEST(key_file)
{
	static const char file[] =
		"# comment\n\n"
		"IKEV1 0011223344556677 8899aabbccddeeff aes-cbc 000102030405060708090a0b0c0d0e0f\n"
		"ESP 0000abcd 10.0.0.1 10.0.0.2 aes-gcm "
		"000102030405060708090a0b0c0d0e0f10111213 -\n"
		"ESP 0000abce 10.0.0.1 10.0.0.2 aes-cbc-sha1 000102030405060708090a0b0c0d0e0f "
		"000102030405060708090a0b0c0d0e0f10111213\n"
		"CLIENT_TRAFFIC_SECRET_0 "
		"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff "
		"ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100\n";
	static const char *const bad[] = {"IKEV1 00 11 aes-cbc 00",
		"ESP abcd 1.2.3.4 1.2.3.4 null 00 -", "ESP 0000abcd 10.0.0.1 10.0.0.2 aes-gcm 00 -",
		"nonsense", "LABEL 00 11",
		"ESP 0000abcd 10.0.0 10.0.0.2 aes-gcm 000102030405060708090a0b0c0d0e0f10111213 -"};
	struct keyring r, again;
	unsigned line;
	const char *what;
	char text[4096], text2[4096];
	FILE *f = fmemopen((void *)(uintptr_t)file, sizeof file - 1, "r");

	keyring_init(&r);
	keyring_init(&again);
	ck_assert_int_eq(keyring_read(&r, f, &line, &what), 4);
	fclose(f);
	ck_assert_ptr_nonnull(keyring_esp(&r, 0xabcd, IP4(10, 0, 0, 2)));
	ck_assert_ptr_null(keyring_esp(&r, 0xabcd, IP4(10, 0, 0, 1)));
	f = fmemopen(text, sizeof text, "w+");
	keyring_write(&r, f);
	rewind(f);
	ck_assert_int_eq(keyring_read(&again, f, &line, &what), 4);
	fclose(f);
	f = fmemopen(text2, sizeof text2, "w");
	keyring_write(&again, f);
	fclose(f);
	ck_assert_str_eq(text, text2);
	for (size_t i = 0; i < 6; i++)
		ck_assert_msg(!keyring_line(&again, bad[i], &what), "%s", bad[i]);
	f = fmemopen(text, sizeof text, "w");
	keyring_write_esp(&r, f);
	fclose(f);
	ck_assert_ptr_nonnull(strstr(text, "\"IPv4\",\"10.0.0.1\",\"10.0.0.2\",\"0x0000abcd\""));
	keyring_free(&r);
	keyring_free(&again);
}
END_TEST

/* Forms of other programs: what Baton writes for Wireshark, and what tcpdump -E takes. */
static size_t
read_text(struct keyring *r, const char *text)
{
	unsigned line;
	const char *what = "";
	FILE *f = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	long n = keyring_read(r, f, &line, &what);

	fclose(f);
	ck_assert_msg(n >= 0, "line %u: %s", line, what);
	return (size_t)n;
}

START_TEST(key_files_for_wireshark)
{
	static const uint8_t i[8] = {0, 1, 2, 3, 4, 5, 6, 7}, other[8] = {9};
	struct keyring r, again;
	char esp[8192] = "", ike[256] = "", more[8192] = "";
	FILE *f;

	keyring_init(&r);
	keyring_init(&again);
	for (enum keyesp_suite s = 0; s < KEYESP_SUITE_CNT; s++) {
		struct keyesp k = {.spi = 0x100 + s, .src = IP4(10, 0, 0, 1), .suite = s};

		k.enc.len = (uint8_t)keyesp_enc_len(s, 128);
		k.auth.len = (uint8_t)keyesp_auth_len(s);
		memset(k.enc.b, 0x11 + (int)s, k.enc.len);
		memset(k.auth.b, 0x22, k.auth.len);
		keyring_add_esp(&r, &k);
	}
	(void)read_text(&r,
		"0x200@10.0.0.2 aes192-cbc-hmac96:0x"
		"000102030405060708090a0b0c0d0e0f1011121314151617\n"
		"0x201@10.0.0.2 3des-cbc:0x000102030405060708090a0b0c0d0e0f1011121314151617\n");
	keyring_add_ike(&r, &(struct keyike){.icookie = {0, 1, 2, 3, 4, 5, 6, 7},
				    .rcookie = {8},
				    .key = {.len = 16, .b = {5}}});
	f = fmemopen(esp, sizeof esp, "w");
	keyring_write_esp(&r, f);
	fclose(f);
	f = fmemopen(ike, sizeof ike, "w");
	keyring_write_ikev1(&r, f);
	fclose(f);
	ck_assert_uint_eq(read_text(&again, esp), KEYESP_SUITE_CNT + 2);
	ck_assert_uint_eq(read_text(&again, ike), 1);
	f = fmemopen(more, sizeof more, "w");
	keyring_write_esp(&again, f);
	fclose(f);
	ck_assert_str_eq(esp, more);
	ck_assert(keyring_esp(&again, 0x200, IP4(10, 0, 0, 2))->unchecked);
	ck_assert_uint_eq(keyring_esp(&again, 0x200, IP4(10, 0, 0, 2))->icv_len, 12);
	/* who answered is not told: any, until it is */
	ck_assert_ptr_nonnull(keyring_ike(&again, i, other));
	ck_assert_ptr_null(keyring_ike(&again, other, i));
	/* what newer versions put behind */
	ck_assert_uint_eq(
		read_text(&again, "\"IPv4\",\"*\",\"*\",\"0x1\",\"NULL\",\"\","
				  "\"HMAC-MD5-96 [RFC2403]\","
				  "\"0x000102030405060708090a0b0c0d0e0f\",\"32-bit\",\"0\"\n"),
		1);
	keyring_free(&r);
	keyring_free(&again);
}
END_TEST

START_TEST(keys_of_tcpdump)
{
	static const char *const bad[] = {"0x100", "100@1.2.3.4 3des-cbc:0x00",
		"0x100@1.2.3 3des-cbc:0x00", "0x123456789@1.2.3.4 3des-cbc:0x00",
		"0x100@1.2.3.4 rot13:0x00", "0x100@1.2.3.4 3des-cbc:0011",
		"0x100@1.2.3.4 3des-cbc:0x0011", "a b c", "0xzz@1.2.3.4 3des-cbc:0x00",
		"0011223344556677,00", "00112233445566,000102030405060708090a0b0c0d0e0f",
		"\"IPv4\"", "\"IPv6\",\"*\",\"*\",\"0x1\",\"NULL\",\"\",\"NULL\",\"\"",
		"\"IPv4\",\"*\",\"*\",\"1\",\"NULL\",\"\",\"NULL\",\"\"",
		"\"IPv4\",\"*\",\"*\",\"0x1\",\"NULL\",\"\",\"NULL\",\"\"",
		"\"IPv4\",\"*\",\"*\",\"0x1\",\"AES-CBC [RFC3602]\",\"0x00\",\"NULL\",\"\"",
		"\"IPv4\",\"*\",\"*\",\"0x1\",\"NULL\",\"\",\"HMAC-MD5-96 [RFC2403]\",\"0x00\"",
		"\"IPv4\",\"*\",\"*\",\"0x1\",\"NULL\",\"\" ,\"NULL\",\"\""};
	const char *what = NULL;
	const struct keyesp *k;
	struct keyesp sealing = {.spi = 0xd1234567, .suite = KEYESP_AES_SHA1};
	struct keyring r;
	uint8_t inner[28], iv[16] = {7}, packet[128], out[128], next;
	size_t len, n;

	keyring_init(&r);
	ck_assert(keyring_line(&r,
		" 0xd1234567@192.1.2.45 aes256-cbc-hmac96:"
		"0xaaaabbbbccccdddd4043434545464649494a4a4c4c4f4f515152525454575758\n",
		&what));
	k = keyring_esp(&r, 0xd1234567, IP4(192, 1, 2, 45));
	ck_assert_ptr_nonnull(k);
	ck_assert(k->unchecked && k->enc.len == 32 && k->icv_len == 12 && k->enc.b[31] == 0x58);
	/* opens what another sealed with the key of the check, and nothing that is no packet */
	sealing.enc = k->enc;
	sealing.auth.len = 20;
	n = pkt_put_ip(inner, sizeof inner,
		&(struct pkt_ip){
			.src = IP4(10, 0, 0, 1), .dst = IP4(10, 0, 0, 2), .proto = 99, .ttl = 64},
		iv, 8);
	len = keyesp_seal(&sealing, 1, iv, 4, SPAN(inner, n), packet, sizeof packet);
	ck_assert_uint_gt(len, 0);
	ck_assert_int_eq(
		keyring_open_esp(&r, IP4(192, 1, 2, 45), packet, len, out, sizeof out, &n, &next),
		ERR_OK);
	ck_assert_int_eq(memcmp(out, inner, n), 0);
	inner[0] = 0x65;
	len = keyesp_seal(&sealing, 1, iv, 4, SPAN(inner, n), packet, sizeof packet);
	ck_assert_int_eq(
		keyring_open_esp(&r, IP4(192, 1, 2, 45), packet, len, out, sizeof out, &n, &next),
		ERR_AUTH);
	/* and seals nothing */
	ck_assert_uint_eq(keyesp_seal(k, 1, iv, 4, SPAN(inner, 20), packet, sizeof packet), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		what = NULL;
		ck_assert_msg(!keyring_line(&r, bad[i], &what) && what, "%s", bad[i]);
	}
	keyring_free(&r);
}
END_TEST

/* A real router's 3DES: its padding and inner packets come out right (the ICV's key is unknown). */
START_TEST(captured_3des)
{
	FILE *f = fopen("../shared/captures/02-sunrise-sunset-esp.pcap", "rb");
	uint8_t h[16], b[512], *key = hex("4043434545464649494a4a4c4c4f4f515152525454575758");
	unsigned n = 0;

	if (!f)
		f = fopen("../../shared/captures/02-sunrise-sunset-esp.pcap", "rb");
	if (!f) {
		printf("SKIPPED: 02-sunrise-sunset-esp.pcap is not here\n");
		return;
	}
	ck_assert_int_eq(fseek(f, 24, SEEK_SET), 0);
	while (fread(h, 1, 16, f) == 16) {
		size_t len = (size_t)h[8] | (size_t)h[9] << 8;
		struct pkt p, inner;
		uint8_t out[512];
		size_t body;

		ck_assert_uint_eq(fread(b, 1, len, f), len);
		ck_assert(pkt_parse(&p, b, len) && p.is_esp);
		ck_assert_uint_eq(p.seq, ++n);
		body = p.esp_len - 16 - 12;
		ck_assert(keyprim_cbc(
			KEYPRIM_3DES, false, key, 24, p.esp + 8, p.esp + 16, body, out));
		ck_assert_uint_eq(out[body - 1], 4);
		ck_assert(pkt_parse_ip(&inner, out, body));
		ck_assert(inner.is_icmp);
	}
	fclose(f);
	ck_assert_uint_eq(n, 8);
}
END_TEST

/* Without its secrets a captured setup is followed, and says so. */
START_TEST(captured_ikev1)
{
	FILE *f = fopen("../shared/captures/ISAKMP_sa_setup.pcap", "rb");
	uint8_t h[16], b[512];
	struct keyring r;
	struct ikeopen *o;
	struct ikeopen_msg m;
	unsigned clear = 0, locked = 0;

	if (!f)
		f = fopen("../../shared/captures/ISAKMP_sa_setup.pcap", "rb");
	if (!f) {
		printf("SKIPPED: ISAKMP_sa_setup.pcap is not here\n");
		return;
	}
	keyring_init(&r);
	o = ikeopen_new(&r);
	ck_assert_int_eq(fseek(f, 24, SEEK_SET), 0);
	while (fread(h, 1, 16, f) == 16) {
		size_t len = (size_t)h[8] | (size_t)h[9] << 8;
		struct pkt p;
		enum err e;

		ck_assert_uint_eq(fread(b, 1, len, f), len);
		ck_assert(pkt_parse(&p, b, len) && p.is_isakmp);
		e = ikeopen_feed(o, p.isakmp, p.isakmp_len, &m);
		ck_assert_int_eq(e, m.was_encrypted ? ERR_UNKNOWN : ERR_OK);
		clear += !m.was_encrypted;
		locked += m.was_encrypted;
	}
	fclose(f);
	ck_assert_uint_eq(clear, 4);
	ck_assert_uint_eq(locked, 5);
	ikeopen_free(o);
	keyring_free(&r);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("keys");
	TCase *t = tcase_create("keys");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, hmac);
	tcase_add_test(t, cbc);
	tcase_add_test(t, gcm);
	tcase_add_test(t, hkdf);
	tcase_add_test(t, esp_there_and_back);
	tcase_add_test(t, key_file);
	tcase_add_test(t, key_files_for_wireshark);
	tcase_add_test(t, keys_of_tcpdump);
	tcase_add_test(t, captured_3des);
	tcase_add_test(t, captured_ikev1);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
