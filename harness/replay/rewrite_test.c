/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness/replay/rewrite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "harness/field/field.h"
#include "harness/keys/keyseal.h"

static struct words w;
static struct words_why why;
static struct keyring old_keys, new_keys;
static struct replay_rules rules;
static struct replay *r;
static struct msg m;
static uint8_t in[4096], out[4096], plain[4096];
static size_t in_len, out_len;

#define K16 "000102030405060708090a0b0c0d0e0f"
#define K20 "000102030405060708090a0b0c0d0e0f10111213"
#define N16 "f00102030405060708090a0b0c0d0e0f"
#define N20 "f00102030405060708090a0b0c0d0e0f10111213"
#define LAST "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"

static void
line(struct keyring *ring, const char *text)
{
	const char *what = "";

	ck_assert_msg(keyring_line(ring, text, &what), "%s: %s", text, what);
}

static void
setup(void)
{
	keyring_init(&old_keys);
	keyring_init(&new_keys);
	memset(&rules, 0, sizeof rules);
	r = NULL;
}

static void
teardown(void)
{
	replay_free(r);
	keyring_free(&old_keys);
	keyring_free(&new_keys);
}

static void
craft(const char *text)
{
	long n;

	ck_assert_msg(words_read(&w, text, &why) && keyseal_words(&old_keys, &w, text, &why),
		"%s: %s", text, why.text);
	n = words_build(&w, in, sizeof in);
	ck_assert_int_gt(n, 0);
	in_len = (size_t)n;
}

/* Craft, rewrite, decode: whether what came out is well formed is the result. */
static enum err
through(const char *text)
{
	craft(text);
	if (!r)
		r = replay_new(&rules);
	out_len = replay_rewrite(r, in, in_len, out, sizeof out);
	return field_decode(&m, out, out_len);
}

#define MAC(x) ((struct mac){{2, 0, 0, 0, 0, x}})

START_TEST(nothing)
{
	ck_assert_int_eq(through("hsrp"), ERR_OK);
	ck_assert(in_len == out_len && !memcmp(in, out, in_len));
	ck_assert_int_eq(through("esp esp.data=00*16"), ERR_OK);
	ck_assert(in_len == out_len && !memcmp(in, out, in_len));
	ck_assert_uint_eq(replay_counters(r)->changed, 0);
	ck_assert_uint_eq(replay_counters(r)->frames, 2);
}
END_TEST

START_TEST(hsrp_lives)
{
	rules.macs[rules.mac_cnt++] = (struct replay_mac){MAC(1), MAC(9)};
	rules.ips[rules.ip_cnt++] = (struct replay_ip){IP4(192, 0, 2, 1), IP4(10, 0, 0, 1)};
	rules.set_group = rules.set_vip = true;
	rules.group = 7;
	rules.vip = IP4(10, 0, 0, 254);
	ck_assert_int_eq(through("hsrp hsrp.group=1"), ERR_OK); /* checksums are right */
	ck_assert(field_is(&m, "eth.src", 0x00000c07ac07));
	ck_assert(field_is(&m, "ip.src", IP4(10, 0, 0, 1)));
	ck_assert(field_is(&m, "hsrp.group", 7) && field_is(&m, "hsrp.vip", IP4(10, 0, 0, 254)));
	ck_assert_int_eq(through("hsrp eth.src=02:00:00:00:00:01 udp.checksum=0"), ERR_OK);
	ck_assert(field_is(&m, "eth.src", 0x020000000009) && field_is(&m, "udp.checksum", 0));
	ck_assert_int_eq(through("hsrpadv"), ERR_OK);
	ck_assert(field_is(&m, "ip.src", IP4(10, 0, 0, 1)));
	ck_assert_int_eq(through("arp arp.sha=02:00:00:00:00:01"), ERR_OK);
	ck_assert(field_is(&m, "arp.sha", 0x020000000009));
	ck_assert(field_is(&m, "arp.spa", IP4(10, 0, 0, 1)));
	ck_assert_uint_eq(replay_counters(r)->changed, 4);
}
END_TEST

/* What was wrong stays wrong, by as much. */
START_TEST(wrong_stays)
{
	rules.ips[rules.ip_cnt++] = (struct replay_ip){IP4(192, 0, 2, 1), IP4(10, 1, 2, 3)};
	ck_assert_int_eq(through("tcp/data data.bytes=01 tcp.sport=5"), ERR_OK);
	ck_assert(field_is(&m, "ip.src", IP4(10, 1, 2, 3)));
	ck_assert_int_eq(through("hsrp ip.checksum=7"), ERR_CHECKSUM);
	ck_assert(!memcmp(in, out, in_len));
	ck_assert_int_eq(through("hsrp udp.checksum=7"), ERR_CHECKSUM);
	ck_assert_int_eq(through("eth/ipv4/data ip.proto=17 ip.mf=1 ip.src=192.0.2.1 "
				 "data.bytes=0005000500400000+00*8"),
		ERR_OK);
	ck_assert(field_is(&m, "ip.src", IP4(10, 1, 2, 3)));
	ck_assert_int_eq(
		through("eth/ipv4/data ip.proto=17 ip.fragoff=2 ip.src=192.0.2.1"), ERR_OK);
	ck_assert(field_is(&m, "ip.src", IP4(10, 1, 2, 3)));
	for (size_t len = 0; len < in_len; len++)
		ck_assert_uint_eq(replay_rewrite(r, in, len, out, sizeof out), len);
}
END_TEST

/* -- ESP -- */

static void
esp_rules(const char *new_suite)
{
	char text[256];

	line(&old_keys, "ESP 00001000 0.0.0.0 192.0.2.2 aes-cbc-sha1 " K16 " " K20);
	snprintf(text, sizeof text, "ESP 00002000 0.0.0.0 10.0.0.2 %s", new_suite);
	line(&new_keys, text);
	rules.old_keys = &old_keys;
	rules.new_keys = &new_keys;
	rules.ips[rules.ip_cnt++] = (struct replay_ip){IP4(192, 0, 2, 2), IP4(10, 0, 0, 2)};
	rules.ips[rules.ip_cnt++] = (struct replay_ip){IP4(172, 16, 0, 1), IP4(172, 17, 0, 1)};
	rules.spis[rules.spi_cnt++] = (struct replay_spi){0x1000, 0x2000, 500};
}

static enum err
open_new(const uint8_t *esp, size_t len, struct msg *inner)
{
	size_t plain_len;
	uint8_t next;
	enum err e = keyring_open_esp(
		&new_keys, IP4(10, 0, 0, 2), esp, len, plain, sizeof plain, &plain_len, &next);

	if (!e)
		e = field_decode_as(inner, "ipv4", plain, plain_len);
	return e;
}

#define ESP(n)                                                                                     \
	"esp esp.spi=0x1000 esp.seq=" n " esp.data=seal{ ipv4/udp/data ip.src=172.16.0.1 "         \
	"udp.sport=9 udp.dport=9 data.bytes=\"hello\" }"

START_TEST(esp_lives)
{
	static struct msg inner;

	esp_rules(_i ? "aes-gcm " K20 " -" : "aes-cbc-sha1 " N16 " " N20);
	ck_assert_int_eq(through(ESP("7")), ERR_OK);
	ck_assert(field_is(&m, "esp.spi", 0x2000) && field_is(&m, "esp.seq", 500));
	ck_assert_int_eq(open_new(out + 34, out_len - 34, &inner), ERR_OK);
	ck_assert(field_is(&inner, "ip.src", IP4(172, 17, 0, 1)));
	ck_assert_int_eq(through(ESP("10")), ERR_OK);
	ck_assert(field_is(&m, "esp.seq", 503)); /* the recording's own steps */
	ck_assert_int_eq(open_new(out + 34, out_len - 34, &inner), ERR_OK);
	ck_assert_uint_eq(replay_counters(r)->sealed, 2);
	ck_assert_uint_eq(replay_counters(r)->blind, 0);
}
END_TEST

/* In UDP, with its checksum, and shorter than it was. */
START_TEST(esp_in_udp)
{
	static struct msg inner;

	esp_rules("aes-gcm " K20 " -");
	ck_assert_int_eq(through("udp/" ESP("7")), ERR_OK);
	ck_assert_uint_lt(out_len, in_len);
	ck_assert(field_is(&m, "esp.spi", 0x2000) && field_is(&m, "udp.length", out_len - 34));
	ck_assert_int_eq(open_new(out + 42, out_len - 42, &inner), ERR_OK);
}
END_TEST

START_TEST(esp_blind)
{
	esp_rules("aes-cbc-sha1 " N16 " " N20);
	ck_assert_int_eq(through("esp esp.spi=0x1000 esp.seq=9 esp.data=00*64"), ERR_OK);
	ck_assert(field_is(&m, "esp.spi", 0x2000) && field_is(&m, "esp.seq", 500));
	ck_assert_uint_eq(replay_counters(r)->blind, 1);
	ck_assert(!memcmp(in + 42, out + 42, 64));
	ck_assert_int_eq(through("esp esp.spi=0x1001 esp.seq=9 esp.data=00*64"), ERR_OK);
	ck_assert(field_is(&m, "esp.spi", 0x1001));
}
END_TEST

/* -- ISAKMP -- */

static void
ike_rules(void)
{
	static const uint8_t from[16] = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, [15] = 1};
	static const uint8_t to[16] = {0xaa, [7] = 1, [8] = 0xbb, [15] = 2};

	line(&old_keys, "IKEV1 1122334455667788 0000000000000001 aes-cbc " K16 " skeyid_a=" K20
			" last=" LAST);
	line(&new_keys, "IKEV1 aa00000000000001 bb00000000000002 aes-cbc " N16 " skeyid_a=" N20
			" last=" N16);
	rules.old_keys = &old_keys;
	rules.new_keys = &new_keys;
	memcpy(rules.cookies[0].from, from, 16);
	memcpy(rules.cookies[0].to, to, 16);
	rules.cookie_cnt = 1;
}

/* A recording has Main Mode in it: from its KE payloads the old IVs come. Here message by message
 * with what the reader of traces needs, and the last block said. */
START_TEST(dpd_lives)
{
	static const char ke[] =
		"isakmp/isakmp.ke/isakmp.nonce isakmp.rcookie=1 isakmp.ke.data=%s*128 "
		"isakmp.nonce.data=00*16";
	struct keyike k = {.hash = KEYPRIM_SHA1, .cipher = KEYPRIM_AES};
	uint8_t a[128], b[128], iv[KEYPRIM_BLOCK_MAX], hash[KEYPRIM_HASH_MAX];
	char text[512], first[33];
	const uint8_t *body;
	size_t len;

	ike_rules();
	snprintf(text, sizeof text, ke, "01");
	ck_assert_int_eq(through(text), ERR_OK);
	ck_assert(field_is(&m, "isakmp.icookie", 0xaa00000000000001));
	snprintf(text, sizeof text, ke, "02");
	ck_assert_int_eq(through(text), ERR_OK);
	memset(a, 1, sizeof a);
	memset(b, 2, sizeof b);
	keyike_first_iv(&k, SPAN(a, sizeof a), SPAN(b, sizeof b));
	for (int i = 0; i < 16; i++)
		snprintf(first + 2 * i, 3, "%02x", k.iv[i]);
	snprintf(text, sizeof text,
		"isakmp/isakmp.encrypted isakmp.rcookie=1 isakmp.exchange=informational "
		"isakmp.msgid=77 isakmp.encrypted.data=seal{ seal/isakmp.hash/isakmp.notify "
		"seal.hash=1 seal.last=%s isakmp.notify.spi=11223344556677880000000000000001 "
		"isakmp.notify.data=00000005 }",
		first);
	ck_assert_int_eq(through(text), ERR_OK);
	ck_assert_uint_eq(replay_counters(r)->sealed, 1);
	ck_assert(field_bytes(&m, "isakmp.encrypted.data", &body, &len));
	keyike_phase2_iv(&new_keys.ike[0], 77, iv);
	ck_assert(keyike_crypt(&new_keys.ike[0], false, iv, body, len, plain));
	keyike_hash1(&new_keys.ike[0], 77, SPAN(plain + 24, 32), hash);
	ck_assert(!memcmp(plain + 4, hash, 20));
	ck_assert_int_eq(field_decode_chain(&m, 8, plain, len), ERR_OK);
	ck_assert(field_bytes(&m, "isakmp.notify.spi", &body, &len) && len == 16);
	ck_assert(!memcmp(body, rules.cookies[0].to, 16));
}
END_TEST

START_TEST(ike_blind)
{
	ike_rules();
	ck_assert_int_eq(
		through("isakmp/isakmp.encrypted isakmp.rcookie=1 isakmp.flags=1 isakmp.next=5 "
			"isakmp.encrypted.data=00*32"),
		ERR_OK);
	ck_assert(field_is(&m, "isakmp.rcookie", 0xbb00000000000002));
	ck_assert_uint_eq(replay_counters(r)->blind, 1);
	ck_assert(!memcmp(in + 42 + 28, out + 42 + 28, 32));
	ck_assert_int_eq(through("isakmp isakmp.rcookie=3"), ERR_OK);
	ck_assert(field_is(&m, "isakmp.rcookie", 3));
	ck_assert_int_eq(through("isakmp"), ERR_OK); /* message 1: no responder's cookie yet */
	ck_assert(field_is(&m, "isakmp.icookie", 0xaa00000000000001) &&
		  field_is(&m, "isakmp.rcookie", 0));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("rewrite");
	TCase *tc = tcase_create("rewrite");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nothing);
	tcase_add_test(tc, hsrp_lives);
	tcase_add_test(tc, wrong_stays);
	tcase_add_loop_test(tc, esp_lives, 0, 2);
	tcase_add_test(tc, esp_in_udp);
	tcase_add_test(tc, esp_blind);
	tcase_add_test(tc, dpd_lives);
	tcase_add_test(tc, ike_blind);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
