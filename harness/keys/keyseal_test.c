/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness/keys/keyseal.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct words w;
static struct words_why why;
static struct keyring ring;
static struct msg m;
static uint8_t frame[4096], opened[4096];
static size_t frame_len, opened_len;

#define K16 "000102030405060708090a0b0c0d0e0f"
#define K20 "000102030405060708090a0b0c0d0e0f10111213"
#define K24 "000102030405060708090a0b0c0d0e0f1011121314151617"
#define K32 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define LAST "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"

static const char *const keys[] = {
	"ESP 00001000 0.0.0.0 192.0.2.2 aes-cbc-sha1 " K16 " " K20,
	"ESP 00001001 0.0.0.0 192.0.2.2 aes-cbc-sha256 " K32 " " K32,
	"ESP 00001002 0.0.0.0 192.0.2.2 aes-gcm " K20 " -",
	"ESP 00001003 0.0.0.0 192.0.2.2 3des-sha1 " K24 " " K20,
	"ESP 00001004 0.0.0.0 192.0.2.2 null-sha1 - " K20,
	"IKEV1 1122334455667788 0000000000000001 aes-cbc " K16 " hash=sha256 skeyid_a=" K32
	" last=" LAST,
	"IKEV1 1122334455667788 0000000000000002 3des-cbc " K24,
};

static void
setup(void)
{
	const char *what = "";

	keyring_init(&ring);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		ck_assert_msg(keyring_line(&ring, keys[i], &what), "%s: %s", keys[i], what);
}

static void
teardown(void)
{
	keyring_free(&ring);
}

static void
craft(const char *text)
{
	long n;

	ck_assert_msg(words_read(&w, text, &why) && keyseal_words(&ring, &w, text, &why), "%s: %s",
		text, why.text);
	n = words_build(&w, frame, sizeof frame);
	ck_assert_int_gt(n, 0);
	frame_len = (size_t)n;
	ck_assert_int_eq(field_decode(&m, frame, frame_len), ERR_OK);
}

static enum err
open_esp(uint8_t *next)
{
	ip4_t dst;

	ck_assert(field_ip4(&m, "ip.dst", &dst));
	return keyring_open_esp(
		&ring, dst, frame + 34, frame_len - 34, opened, sizeof opened, &opened_len, next);
}

/* Each kind of suite: what was sealed opens again to the same message. */
START_TEST(esp_opens)
{
	for (unsigned spi = 0x1000; spi <= 0x1004; spi++) {
		char text[256];
		uint8_t next = 0;

		snprintf(text, sizeof text,
			"esp esp.spi=0x%x esp.seq=77 esp.data=seal{ ipv4/icmp/data ip.src=10.1.0.1 "
			"ip.dst=10.2.0.2 data.bytes=\"hello\" }",
			spi);
		craft(text);
		ck_assert(field_is(&m, "esp.seq", 77));
		ck_assert_int_eq(open_esp(&next), ERR_OK);
		ck_assert_uint_eq(next, 4);
		ck_assert_int_eq(field_decode_as(&m, "ipv4", opened, opened_len), ERR_OK);
		ck_assert(field_is(&m, "ip.dst", IP4(10, 2, 0, 2)));
		ck_assert_uint_eq(opened_len, 20 + 8 + 5);
	}
}
END_TEST

START_TEST(esp_wrong)
{
	static const struct {
		const char *text;
		enum err err;
	} rows[] = {
		{"esp esp.spi=0x1000 esp.data=seal{ seal/ipv4 seal.icv=00*12 }", ERR_AUTH},
		{"esp esp.spi=0x1002 esp.data=seal{ seal/ipv4 seal.icv=00*16 }", ERR_AUTH},
		{"esp esp.spi=0x1000 esp.data=seal{ seal/ipv4 seal.padding=00*10 }", ERR_VALUE},
		{"esp esp.spi=0x1000 esp.data=seal{ seal/ipv4 seal.padlen=200 }", ERR_LENGTH},
		{"esp esp.spi=0x1000 esp.data=seal{ seal/ipv4 seal.next=59 seal.iv=" LAST " }",
			ERR_OK},
		{"esp esp.spi=0x1000 esp.data=seal{ seal }", ERR_OK},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint8_t next;

		craft(rows[i].text);
		ck_assert_msg(open_esp(&next) == rows[i].err, "%s", rows[i].text);
		ck_assert(rows[i].err || i == 5 || next == 59);
	}
	ck_assert_uint_eq(opened_len, 0);
}
END_TEST

static void
open_ike(const struct keyike *k, const uint8_t *iv)
{
	const uint8_t *body;
	uint8_t chain[KEYPRIM_BLOCK_MAX];

	ck_assert(field_bytes(&m, "isakmp.encrypted.data", &body, &opened_len));
	memcpy(chain, iv, sizeof chain);
	ck_assert(keyike_crypt(k, false, chain, body, opened_len, opened));
}

/* RFC 2409 5.5, 5.7: the IV from the last block and the message id, HASH(1) over what follows. */
START_TEST(ike_opens)
{
	static const char text[] =
		"isakmp/isakmp.encrypted isakmp.rcookie=1 isakmp.exchange=informational "
		"isakmp.msgid=0x01020304 isakmp.encrypted.data=seal{ "
		"seal/isakmp.hash/isakmp.notify "
		"seal.hash=1 isakmp.notify.data=00000009 }";
	struct keyike *k = &ring.ike[0];
	uint8_t iv[KEYPRIM_BLOCK_MAX], hash[KEYPRIM_HASH_MAX];
	const uint8_t *seen;
	size_t len;

	craft(text);
	ck_assert(field_is(&m, "isakmp.flags", 1) && field_is(&m, "isakmp.next", 8));
	keyike_phase2_iv(k, 0x01020304, iv);
	open_ike(k, iv);
	ck_assert_int_eq(field_decode_chain(&m, 8, opened, opened_len), ERR_OK);
	ck_assert(field_is(&m, "isakmp.notify.type", 36136));
	ck_assert(field_bytes(&m, "isakmp.hash.data", &seen, &len) && len == 32);
	keyike_hash1(k, 0x01020304, SPAN(opened + 36, 16), hash);
	ck_assert(!memcmp(seen, hash, 32));
}
END_TEST

/* Hashes 2 and 3 take the nonces in; an IV may be said, and Phase 1 goes on from the last block. */
START_TEST(ike_said)
{
	struct keyike *k = &ring.ike[0];
	uint8_t hash[KEYPRIM_HASH_MAX], iv[KEYPRIM_BLOCK_MAX] = {7};

	craft("isakmp/isakmp.encrypted isakmp.rcookie=1 isakmp.exchange=quick isakmp.msgid=5 "
	      "isakmp.encrypted.data=seal{ seal/isakmp.hash seal.hash=3 seal.ni=0102 seal.nr=0304 "
	      "seal.iv=07+00*15 }");
	open_ike(k, iv);
	keyike_hash3(k, 5, SPAN("\1\2", 2), SPAN("\3\4", 2), hash);
	ck_assert(!memcmp(opened + 4, hash, 32));
	craft("isakmp/isakmp.encrypted isakmp.rcookie=1 isakmp.exchange=quick isakmp.msgid=5 "
	      "isakmp.encrypted.data=seal{ seal/isakmp.hash/isakmp.nonce seal.hash=2 "
	      "seal.ni=0102 seal.iv=07+00*15 isakmp.nonce.data=ff*16 }");
	open_ike(k, iv);
	keyike_hash2(k, 5, SPAN("\1\2", 2), SPAN(opened + 36, 20), hash);
	ck_assert(!memcmp(opened + 4, hash, 32));
	craft("isakmp/isakmp.encrypted isakmp.rcookie=1 isakmp.encrypted.data=seal{ isakmp.id }");
	open_ike(k, k->iv);
	ck_assert_int_eq(field_decode_chain(&m, 5, opened, opened_len), ERR_OK);
}
END_TEST

#define IKE "isakmp/isakmp.encrypted isakmp.encrypted.data=seal{"

START_TEST(refused)
{
	static const char *const rows[][2] = {
		{"esp esp.spi=9 esp.data=seal{ ipv4 }",
			"no ESP key for SPI 0x00000009 to 192.0.2.2 in the key file"},
		{"esp esp.spi=0x1000 esp.data=seal{ seal/ipv4 seal.iv=00 }",
			"seal.iv: 1 octets, expected 16 for aes-cbc-sha1"},
		{"esp esp.spi=0x1000 esp.data=seal{ seal/ipv4 seal.padding=00 }",
			"23 octets with the trailer, expected a multiple of 16 for aes-cbc-sha1"},
		{"esp esp.spi=0x1000 esp.data=seal{ seal/ipv4 seal.padding=00*600 }",
			"seal.padding: 600 octets, expected at most 512"},
		{"esp esp.spi=0x1000 esp.data=seal{ seal/ipv4 seal.icv=00*100 }",
			"seal.icv: longer than the packet"},
		{"esp esp.spi=0x1000 esp.data=seal{ ipv5 }",
			"ipv5: no such layer; did you mean ipv4?"},
		{"udp/data data.bytes=seal{ ipv4 }",
			"data.bytes: only esp.data and isakmp.encrypted.data can be sealed"},
		{IKE " isakmp.id }", "no IKE key for the cookies 1122334455667788 0000000000000000 "
				     "in the key file"},
		{IKE " isakmp.id } isakmp.rcookie=2", "the IV is not known: say seal.iv, or "
						      "seal.last (the last block of Phase 1; in "
						      "the key file last=)"},
		{IKE " seal/isakmp.id seal.last=00 } isakmp.rcookie=2",
			"seal.last: expected 8 octets, a block of the cipher"},
		{IKE " seal/isakmp.hash seal.last=00*8 seal.hash=1 } isakmp.rcookie=2",
			"seal.hash: the key file does not tell skeyid_a="},
		{IKE " seal/isakmp.id seal.hash=1 } isakmp.rcookie=1",
			"seal.hash: expected isakmp.hash as the first layer, of 32 octets"},
		{IKE " seal/isakmp.hash seal.hash=4 } isakmp.rcookie=1",
			"seal.hash: found 4, expected 1, 2 or 3"},
		{IKE " seal/isakmp.hash seal.hash=3 seal.ni=00 } isakmp.rcookie=1",
			"seal.hash=3 needs seal.ni and seal.nr"},
		{IKE " seal/isakmp.id seal.padding=00 } isakmp.rcookie=1",
			"9 octets with padding, expected a multiple of 16"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		memset(&why, 0, sizeof why);
		ck_assert_msg(words_read(&w, rows[i][0], &why), "%s: %s", rows[i][0], why.text);
		ck_assert(!keyseal_words(&ring, &w, rows[i][0], &why));
		ck_assert_str_eq(why.text, rows[i][1]);
		ck_assert(why.line == 1 && why.column > 10);
	}
}
END_TEST

/* What was sealed is said in clear, and what cannot be sealed the same again stays octets. */
START_TEST(said_again)
{
	static const struct {
		const char *text;
		bool can;
	} rows[] = {
		{"esp esp.spi=0x1000 esp.data=seal{ ipv4/udp/data data.bytes=\"x{}\\\"\" }", true},
		{"esp esp.spi=0x1002 esp.data=seal{ seal/ipv4/icmp seal.iv=0102030405060708 }",
			true},
		{"esp esp.spi=0x1003 esp.data=seal{ ipv4/icmp icmp.checksum=1 }", true},
		{"esp esp.spi=0x1004 esp.data=seal{ seal/data seal.next=59 data.bytes=ff }", true},
		{"udp/esp esp.spi=0x1001 esp.data=seal{ ipv4/icmp }", true},
		{"esp esp.spi=0x1000 esp.data=seal{ seal/ipv4 seal.padding=01+02+03*2+04*6 }",
			false},
		{"esp esp.spi=0x1000 esp.data=seal{ seal/ipv4 seal.icv=00*12 }", false},
	};
	static struct msg inner;
	static char text[65536];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct keyseal_opened o = {.inner = &inner, .iv = frame + 42};
		size_t at = i == 4 ? 42 : 34, n;
		uint8_t next = 4;

		craft(rows[i].text);
		o.iv = frame + at + 8;
		if (keyring_open_esp(&ring, IP4(192, 0, 2, 2), frame + at, frame_len - at, opened,
			    sizeof opened, &n, &next) != ERR_OK)
			n = 0;
		o.next = next;
		(void)field_decode_as(&inner, next == 4 ? "ipv4" : "data", opened, n);
		words_of(&w, &m);
		ck_assert_msg(keyseal_say(&ring, &w, &m, &o) == rows[i].can, "%s", rows[i].text);
		ck_assert_uint_gt(words_text(&w, text, sizeof text), 0);
		ck_assert(!!strstr(text, "seal{") == rows[i].can);
		memcpy(opened, frame, frame_len);
		n = frame_len;
		craft(text); /* the same octets, either way */
		ck_assert(n == frame_len && !memcmp(opened, frame, n));
	}
}
END_TEST

START_TEST(key_lines)
{
	static const char *const wrong[] = {
		" hash=sha3", " skeyid_a=", " last=00", " lost=00", " x"};
	char line[256];
	const char *what = NULL;

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		snprintf(line, sizeof line, "IKEV1 1122334455667788 0000000000000003 aes-cbc %s%s",
			K16, wrong[i]);
		ck_assert_msg(!keyring_line(&ring, line, &what), "%s", line);
		ck_assert_ptr_nonnull(what);
	}
	ck_assert_uint_eq(ring.ike_cnt, 2);
	ck_assert_int_eq(ring.ike[0].hash, KEYPRIM_SHA256);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("keyseal");
	TCase *tc = tcase_create("keyseal");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, esp_opens);
	tcase_add_test(tc, esp_wrong);
	tcase_add_test(tc, ike_opens);
	tcase_add_test(tc, ike_said);
	tcase_add_test(tc, refused);
	tcase_add_test(tc, said_again);
	tcase_add_test(tc, key_lines);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
