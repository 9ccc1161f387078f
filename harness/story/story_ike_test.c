/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IKE in the story: exchanges that are whole and that stop, DPD's numbers, and what opened messages
 * let the laws decide: leaks and lifetimes.
 */
#include "harness/story/story_test_util.h"

static void
isakmp(double at, bool back, const char *layers, uint64_t rcookie, unsigned exchange,
	unsigned flags, uint32_t msgid, uint64_t fill)
{
	const struct field_set sets[] = {SET("ip.src", back ? VIP : IP4(9, 9, 9, 9)),
		SET("ip.dst", back ? IP4(9, 9, 9, 9) : VIP), SET("udp.sport", 500),
		SET("udp.dport", 500), SET("isakmp.icookie", 0x1122334455667788),
		SET("isakmp.rcookie", rcookie), SET("isakmp.exchange", exchange),
		SET("isakmp.flags", flags), SET("isakmp.msgid", msgid),
		SET_BYTES(strstr(layers, "encrypted") ? "isakmp.encrypted.data" : "ip.tos", &fill,
			8)};
	uint8_t buf[256];
	struct why why;
	size_t n = field_build(buf, sizeof(buf), layers, sets,
		sizeof(sets) / sizeof(sets[0]) - !strstr(layers, "encrypted"), &why);

	ck_assert_msg(n > 0, "%s", why.field);
	put(at, 0, buf, n);
}

#define SA_LAYERS "eth/ipv4/udp/isakmp/isakmp.sa/isakmp.prop/isakmp.transform/isakmp.attr"
#define KE_LAYERS "eth/ipv4/udp/isakmp/isakmp.ke/isakmp.nonce"
#define CLOSED "eth/ipv4/udp/isakmp/isakmp.encrypted"

static void
main_mode(int messages)
{
	static const char *const layers[] = {
		SA_LAYERS, SA_LAYERS, KE_LAYERS, KE_LAYERS, CLOSED, CLOSED};

	for (int i = 0; i < messages; i++)
		isakmp(0.1 * i, i % 2, layers[i], i ? 0x99 : 0, 2, i > 3, 0, (uint64_t)i);
}

START_TEST(main_mode_and_quick_mode)
{
	main_mode(6);
	isakmp(0.6, false, CLOSED, 0x99, 32, 1, 0xabc, 10);
	isakmp(0.7, true, CLOSED, 0x99, 32, 1, 0xabc, 11);
	isakmp(0.75, false, CLOSED, 0x99, 32, 1, 0xabc, 10);
	isakmp(0.8, false, CLOSED, 0x99, 32, 1, 0xabc, 12);
	story_end(s);
	has("ike.main 1 Main Mode 9.9.9.9 > 10.0.0.1, cookie 1122334455667788 begins");
	has("ike.main.done 6 ");
	has("is complete: 6 messages in 0.500 s");
	has("ike.quick 7 Quick Mode 00000abc begins, from 9.9.9.9");
	has("ike.quick.done 10 Quick Mode 00000abc is complete: 3 messages in 0.200 s, 1 "
	    "retransmission");
	ck_assert_int_eq(law(LAW_DPD, 0, NULL), LAW_NOTHING);
}
END_TEST

START_TEST(what_stops_on_the_way)
{
	main_mode(3);
	isakmp(1, false, KE_LAYERS, 0x99, 2, 0, 0, 2);
	isakmp(2, false, KE_LAYERS, 0x99, 2, 0, 0, 2);
	isakmp(3, false, CLOSED, 0x98, 32, 1, 0xabc, 10);
	story_end(s);
	has("ike.main.open 5 ");
	has("stops after message 3 of 6, 2 retransmissions");
	has("ike.quick.open 6 Quick Mode 00000abc of 9.9.9.9 stops after message 1 of 3");
}
END_TEST

/* Phase 1 as the table has it, and an opened notify of DPD. */
static void
dpd(struct phase1 *p, int dir, unsigned type, uint32_t n)
{
	uint8_t body[] = {0, 0, 0, 32, 0, 0, 0, 1, 1, 16, (uint8_t)(type >> 8), (uint8_t)type, 1, 2,
		3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, (uint8_t)(n >> 24), (uint8_t)(n >> 16),
		(uint8_t)(n >> 8), (uint8_t)n};
	const struct ikeopen_msg m = {.first = 11, .body = body, .body_len = sizeof(body)};

	s->now += NS_PER_S;
	s->frame++;
	s->p.src = dir ? IP4(9, 9, 9, 9) : VIP;
	s->p.src_mac = (struct mac){{2, 0, 0, 0, 1, (uint8_t)dir}};
	story_ike_opened(s, p, NULL, &m, dir);
}

START_TEST(dpd_numbers)
{
	struct phase1 p = {.used = true};
	uint64_t judged;

	keyring_add_ike(&ring, &(struct keyike){.icookie = {1}});
	s->sum.isakmp = 1;
	hsrp(0, 0, 10, 0, 16, 100);
	dpd(&p, 0, 36136, 70);
	dpd(&p, 1, 36137, 70);
	dpd(&p, 0, 36136, 71);
	dpd(&p, 0, 36136, 71);
	dpd(&p, 1, 36137, 75); /* the peer's answers are its own */
	dpd(&p, 1, 36136, 5);
	dpd(&p, 0, 36137, 5);
	dpd(&p, 1, 36136, 4);
	ck_assert_int_eq(law(LAW_DPD, 0, &judged), LAW_HELD);
	ck_assert_uint_eq(judged, 3);
	if (_i)
		dpd(&p, 0, 36136, 70);
	else
		dpd(&p, 0, 36137, 5);
	ck_assert_int_eq(law(LAW_DPD, 0, NULL), LAW_BROKEN);
	story_end(s);
	has("dpd.asked 2 DPD: 10.0.0.1 asks R-U-THERE 70, the first seen");
	has("dpd.asked 5 DPD: 10.0.0.1 asks R-U-THERE 71, again");
	has("law 6 is broken");
}
END_TEST

START_TEST(clear_where_esp_should_be)
{
	const struct field_set sets[] = {SET("ip.src", IP4(10, 1, 0, 5)),
		SET("ip.dst", IP4(10, 2, 0, 5)), SET("udp.sport", 7), SET("udp.dport", 7),
		SET("eth.src", _i ? 0x02000000000a : 0x020000000001)};
	uint8_t buf[64];

	keyring_add_ike(&ring, &(struct keyike){.icookie = {1}});
	s->sel[0] = (struct selector){{IP4(10, 2, 0, 0), 24}, {IP4(10, 1, 0, 0), 24}};
	s->sel_cnt = 1;
	hsrp(0, 0, 10, 0, 16, 100);
	esp(0.1, 0, 10, 0x100, 1, 1);
	put(0.2, 0, buf, field_build(buf, sizeof(buf), "eth/ipv4/udp", sets, 5, NULL));
	story_end(s);
	ck_assert_int_eq(law(LAW_LEAK, 0, NULL), _i ? LAW_BROKEN : LAW_HELD);
}
END_TEST

START_TEST(a_life_that_is_over)
{
	story_esp_life(s, 0x100, 10);
	s->life[0].from = NS_PER_S;
	keyring_add_ike(&ring, &(struct keyike){.icookie = {1}});
	esp(1, 0, 10, 0x100, 1, 1);
	ck_assert_int_eq(law(LAW_LIFETIMES, 0, NULL), LAW_HELD);
	esp(11, 0, 10, 0x100, 2, 1);
	story_end(s);
	ck_assert_int_eq(law(LAW_LIFETIMES, 0, NULL), LAW_BROKEN);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("story_ike");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, main_mode_and_quick_mode);
	tcase_add_test(t, what_stops_on_the_way);
	tcase_add_loop_test(t, dpd_numbers, 0, 2);
	tcase_add_loop_test(t, clear_where_esp_should_be, 0, 2);
	tcase_add_test(t, a_life_that_is_over);
	suite_add_tcase(suite, t);
	r = srunner_create(suite);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
