/* SPDX-License-Identifier: BSD-2-Clause */
/* Law 3 in the story: what came in through ESP, and came out inside. */
#include "harness/story/story_test_util.h"

#define SPI 0x1234u
#define PEER IP4(9, 9, 9, 9)

static void
add_key(void)
{
	struct keyesp k = {.spi = SPI, .dst = VIP, .src = PEER, .suite = KEYESP_AES_SHA1};
	uint8_t key[64] = {1};

	secret_set(&k.enc, key, keyesp_enc_len(k.suite, 128));
	secret_set(&k.auth, key, keyesp_auth_len(k.suite));
	keyring_add_esp(&ring, &k);
}

static void
pair_up(void)
{
	add_key();
	hsrp(0, 0, 10, 0, 16, 100);
	hsrp(0.1, 0, 20, 0, 8, 100);
}

static size_t
inner(uint8_t *ip, size_t cap, uint32_t n, uint8_t ttl)
{
	const struct pkt_ip h = {
		.src = IP4(10, 2, 0, 5), .dst = IP4(10, 0, 9, 5), .proto = PKT_UDP, .ttl = ttl};

	return pkt_put_udp(ip, cap, &h, 7, 7, &n, sizeof(n));
}

static void
frame(double at, unsigned port, unsigned host, const uint8_t *ip, size_t len)
{
	const struct mac src = {{2, 0, 0, 0, 0, (uint8_t)host}}, dst = {{2, 0, 0, 0, 0, 99}};
	uint8_t f[600];
	size_t head = pkt_put_eth(f, sizeof(f), &dst, &src, PKT_ETH_IP4);

	memcpy(f + head, ip, len);
	put(at, port, f, head + len);
}

/* The peer sends packet n under that number. */
static void
comes_in(double at, uint32_t seq, uint32_t n)
{
	const struct pkt_ip h = {.src = PEER, .dst = VIP, .proto = PKT_ESP, .ttl = 60};
	uint8_t ip[256], esp[400], out[500], iv[16] = {(uint8_t)seq};
	size_t len = inner(ip, sizeof(ip), n, 60);

	len = keyesp_seal(&ring.esp[0], seq, iv, 4, SPAN(ip, len), esp, sizeof(esp));
	ck_assert_uint_gt(len, 0);
	frame(at, 0, 50, out, pkt_put_ip(out, sizeof(out), &h, esp, len));
}

/* A member lets packet n out inside. */
static void
comes_out(double at, unsigned host, uint32_t n)
{
	uint8_t ip[256];

	frame(at, 1, host, ip, inner(ip, sizeof(ip), n, 59));
}

START_TEST(what_is_let_in_once_holds)
{
	uint64_t judged;

	pair_up();
	for (uint32_t n = 1; n <= 20; n++) {
		comes_in(1 + 0.01 * n, n, n);
		comes_out(1.001 + 0.01 * n, 10, n);
	}
	comes_in(2, 5, 5); /* again, and refused */
	story_end(s);
	ck_assert_int_eq(law(LAW_REPLAY, 0, &judged), LAW_HELD);
	ck_assert_uint_eq(judged, 20);
}
END_TEST

START_TEST(what_a_member_lets_in_twice_breaks_it)
{
	pair_up();
	comes_in(1, 5, 1);
	comes_out(1.01, 10, 1);
	comes_in(1.1, 5, 1);
	comes_out(1.11, 10, 1);
	story_end(s);
	ck_assert_int_eq(law(LAW_REPLAY, 0, NULL), LAW_BROKEN);
	has("law.broken 6 law 3 is broken: expected number 5 of SPI 0x00001234");
}
END_TEST

/* Two numbers with the same inner packet are two packets. */
START_TEST(equal_packets_are_told_apart)
{
	pair_up();
	comes_in(1, 5, 1);
	comes_in(1.01, 6, 1);
	comes_out(1.02, 10, 1);
	comes_out(1.03, 10, 1);
	story_end(s);
	ck_assert_int_eq(law(LAW_REPLAY, 0, NULL), LAW_HELD);
}
END_TEST

/* One delivery explains one packet inside, and a mirror port's copy is none. */
START_TEST(copies_of_the_capture_break_nothing)
{
	pair_up();
	comes_in(1, 5, 1);
	comes_in(1.019, 5, 1);
	comes_out(1.02, 10, 1);
	comes_out(1.03, 10, 1);
	story_end(s);
	ck_assert_int_eq(law(LAW_REPLAY, 0, NULL), LAW_HELD);
}
END_TEST

/* How much an heir may not know is not known. */
START_TEST(after_a_take_over_nobody_can_say)
{
	pair_up();
	comes_in(1, 5, 1);
	comes_out(1.01, 10, 1);
	hsrp(11, 0, 20, 0, 16, 100);
	comes_in(11.1, 5, 1);
	comes_out(11.11, 20, 1);
	story_end(s);
	ck_assert_int_eq(law(LAW_REPLAY, 0, NULL), LAW_NOTHING);
}
END_TEST

/* The far side's own clear packet, before it is protected, has another TTL; nobody speaks HSRP. */
START_TEST(what_is_not_the_pairs_is_not_judged)
{
	uint8_t ip[256];

	if (_i)
		pair_up();
	else
		add_key();
	comes_in(1, 5, 1);
	frame(1.01, 1, 77, ip, inner(ip, sizeof(ip), 1, 61));
	if (!_i)
		comes_out(1.02, 10, 1);
	story_end(s);
	ck_assert_int_eq(law(LAW_REPLAY, 0, NULL), LAW_NOTHING);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("inside");
	TCase *t = tcase_create("inside");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, what_is_let_in_once_holds);
	tcase_add_test(t, what_a_member_lets_in_twice_breaks_it);
	tcase_add_test(t, equal_packets_are_told_apart);
	tcase_add_test(t, copies_of_the_capture_break_nothing);
	tcase_add_test(t, after_a_take_over_nobody_can_say);
	tcase_add_loop_test(t, what_is_not_the_pairs_is_not_judged, 0, 2);
	suite_add_tcase(suite, t);
	r = srunner_create(suite);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
