/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The story over frames made here: elections, losses and take-overs, two Actives,
 * ESP numbers of every kind, what is seen on two segments;
 * and which law each of them decides. IKE is in story_ike_test.c.
 */
#include "harness/story/story_test_util.h"

START_TEST(an_heir_waits_for_the_hold_time)
{
	hsrp(0, 0, 10, 0, 16, 200);
	hsrp(1, 0, 20, 0, 8, 100);
	hsrp(3, 0, 10, 0, 16, 200);
	hsrp(4, 0, 20, 0, 8, 100);
	hsrp(7, 0, 20, 0, 8, 100);
	hsrp(10, 0, 20, 0, 8, 100);
	hsrp(12.95, 0, 20, 0, 16, 100); /* 0.5 % early */
	story_end(s);
	has("hsrp.active 1 HSRP group 1 (10.0.0.1): 10.0.0.11 is Active, priority 200, hello 3 s, "
	    "hold 10 s");
	has("hsrp.last 3 HSRP group 1 (10.0.0.1): last Hello of 10.0.0.11, Active: nothing");
	has("hsrp.active 7 HSRP group 1 (10.0.0.1): 10.0.0.21 becomes Active in the place of "
	    "10.0.0.11, 9.950 s after its last Hello: the hold time of 10.000 s was kept");
	ck_assert_int_eq(law(LAW_OWNER, 0, NULL), LAW_HELD);
	ck_assert_int_eq(law(LAW_OUTAGE, 0, NULL), LAW_HELD);
	ck_assert_int_eq(law(LAW_OUTAGE, 1, NULL), LAW_NOTHING);
}
END_TEST

START_TEST(an_heir_too_early_and_one_too_late)
{
	hsrp(0, 0, 10, 0, 16, 100);
	hsrp(1, 0, 20, 0, 8, 100);
	hsrp(4, 0, 20, 0, 8, 100);
	hsrp(8, 0, 20, 0, 16, 100);
	story_end(s);
	has("its hold time was not kept");
	teardown();
	setup();
	hsrp(0, 0, 10, 0, 16, 100);
	for (int i = 0; i < 5; i++)
		hsrp(1 + 3 * i, 0, 20, 0, 8, 100);
	hsrp(14, 0, 20, 0, 16, 100);
	story_end(s);
	ck_assert_int_eq(law(LAW_OUTAGE, 0, NULL), LAW_BROKEN);
	has("law 5 is broken");
}
END_TEST

START_TEST(silence_without_an_heir_and_a_return)
{
	hsrp(0, 0, 10, 0, 16, 200);
	hsrp(1, 0, 20, 0, 4, 100);
	hsrp(4, 0, 20, 0, 4, 100);
	hsrp(11, 0, 20, 0, 4, 100);
	hsrp(15, 0, 10, 0, 16, 200);
	hsrp(23, 0, 20, 0, 4, 100);
	story_end(s);
	has("hsrp.last 1 ");
	has("hsrp.back 5 HSRP group 1 (10.0.0.1): 10.0.0.11 is heard again after 15.000 s");
	has("10.0.0.21 speaks again, Speak");
	ck_assert_int_eq(law(LAW_OUTAGE, 0, NULL), LAW_NOTHING);
}
END_TEST

START_TEST(resign_and_coup)
{
	hsrp(0, 0, 10, 0, 16, 200);
	hsrp(1, 0, 20, 0, 8, 100);
	hsrp(2, 0, 10, 2, 16, 200);
	hsrp(2.1, 0, 20, 0, 16, 100);
	hsrp(5, 0, 10, 1, 16, 200);
	hsrp(5.1, 0, 10, 0, 16, 200);
	hsrp(5.2, 0, 20, 0, 4, 100);
	story_end(s);
	has("hsrp.resign 3 ");
	has("hsrp.active 4 HSRP group 1 (10.0.0.1): 10.0.0.21 becomes Active, 0.100 s after "
	    "10.0.0.11 resigned");
	has("hsrp.coup 5 ");
	has("hsrp.active 6 HSRP group 1 (10.0.0.1): 10.0.0.11 (priority 200) becomes Active in the "
	    "place of 10.0.0.21 (priority 100) by a Coup");
	has("10.0.0.21 goes to Speak and is Active no more");
	has_not("hsrp.two");
	has_not("hsrp.last");
	ck_assert_int_eq(law(LAW_OWNER, 0, NULL), LAW_HELD);
}
END_TEST

/* On one segment law 4 is broken; on two of them nobody can say. */
START_TEST(two_actives)
{
	for (int i = 0; i < 5; i++) {
		hsrp(3 * i, 0, 10, 0, 16, 100);
		hsrp(3 * i + 1, _i ? 1 : 0, 20, 0, 16, 100);
	}
	story_end(s);
	has("hsrp.two");
	ck_assert_int_eq(law(LAW_OWNER, 0, NULL), _i ? LAW_NOTHING : LAW_BROKEN);
}
END_TEST

START_TEST(timers_in_milliseconds)
{
	for (int i = 0; i < 10; i++) {
		hsrp(0.2 * i, 0, 10, 0, 16, 100);
		hsrp(0.2 * i + 0.1, 0, 20, 0, 8, 100);
	}
	hsrp(2.6, 0, 20, 0, 16, 100);
	story_end(s);
	has("hsrp.last 19 ");
	has("in the place of 10.0.0.11, 0.800 s after its last Hello: its timers are in "
	    "milliseconds");
	has_not("not kept");
	ck_assert_int_eq(law(LAW_OUTAGE, 0, NULL), LAW_NOTHING);
}
END_TEST

START_TEST(numbers_of_a_stream)
{
	const struct story_esp *e;
	uint64_t judged;

	for (uint32_t n = 1; n <= 10; n++)
		esp(0.1 * n, 0, 10, 0x100, n, n);
	esp(1.1, 0, 10, 0x100, 300, 300);
	esp(1.2, 0, 10, 0x100, 299, 299);
	esp(3.2, 0, 10, 0x100, 299, 299);
	story_end(s);
	ck_assert_uint_eq(story_esp_count(s), 1);
	e = story_esp_nth(s, 0);
	ck_assert_uint_eq(e->packets, 13);
	ck_assert_uint_eq(e->first, 1);
	ck_assert_uint_eq(e->highest, 300);
	ck_assert_uint_eq(e->last, 299);
	ck_assert_uint_eq(e->missing, 288);
	ck_assert_uint_eq(e->reordered, 1);
	ck_assert_uint_eq(e->same, 1);
	ck_assert_uint_eq(e->different, 0);
	ck_assert_uint_eq(e->largest_jump, 289);
	ck_assert_int_eq(e->longest_gap, 2 * NS_PER_S);
	has("esp.jump 11 ESP 0x00000100 to 9.9.9.9: from number 10 to 300, 289 are missing");
	has("esp.again 13 ");
	ck_assert_int_eq(law(LAW_UNIQUENESS, 0, &judged), LAW_HELD);
	ck_assert_uint_eq(judged, 13);
	ck_assert_int_eq(law(LAW_CONTINUITY, 0, NULL), LAW_NOTHING);
}
END_TEST

START_TEST(a_number_twice)
{
	esp(0, 0, 10, 0x100, 1, 1);
	esp(0.1, 0, 10, 0x100, 2, 2);
	esp(0.2, 0, 10, 0x200, 1, 3); /* another SA */
	esp(0.3, 0, 10, 0x100, 1, 4);
	story_end(s);
	has("esp.twice 4 ESP 0x00000100 to 9.9.9.9: number 1 again, with other octets");
	ck_assert_int_eq(law(LAW_UNIQUENESS, 0, NULL), LAW_BROKEN);
}
END_TEST

START_TEST(who_goes_on)
{
	uint64_t judged;

	hsrp(0, 0, 10, 0, 16, 100);
	hsrp(0.1, 0, 20, 0, 8, 100);
	esp(1, 0, 10, 0x100, 50, 1);
	hsrp(11, 0, 20, 0, 16, 100);
	esp(12, 0, 20, 0x100, _i ? 40 : 60, 2);
	esp(12.1, 0, 20, 0x100, 61, 3);
	story_end(s);
	has("esp.heir 5 ESP 0x00000100 to 9.9.9.9: 10.0.0.21 goes on after 10.0.0.11, from number "
	    "50");
	ck_assert_int_eq(law(LAW_CONTINUITY, 0, &judged), _i ? LAW_BROKEN : LAW_HELD);
	ck_assert_uint_eq(judged, 2);
	ck_assert_int_eq(law(LAW_OUTAGE, 1, NULL), LAW_HELD);
}
END_TEST

START_TEST(past_the_end_and_out_of_the_window)
{
	esp(0, 0, 10, 0x100, 5, 1);
	esp(0.1, 0, 10, 0x100, 5000, 2);
	esp(0.2, 0, 10, 0x100, 6, 3);
	esp(0.3, 0, 10, 0x100, 0xffffffff, 4);
	ck_assert_int_eq(law(LAW_CONTINUITY, 0, NULL), LAW_NOTHING);
	esp(0.4, 0, 10, 0x100, 1, 5);
	story_end(s);
	ck_assert_uint_eq(story_esp_nth(s, 0)->old, 2);
	ck_assert_int_eq(law(LAW_CONTINUITY, 0, NULL), LAW_BROKEN);
}
END_TEST

/* The same frame on another interface is one frame; the same one there again is not. */
START_TEST(seen_on_two_segments)
{
	esp(0, 0, 10, 0x100, 1, 1);
	esp(0.001, 1, 10, 0x100, 2, 2);
	esp(0.002, 0, 10, 0x100, 2, 2);
	esp(0.003, 1, 10, 0x100, 2, 2);
	esp(1, 0, 10, 0x100, 3, 3);
	esp(1.5, 1, 10, 0x100, 3, 3); /* too late to be the same */
	story_end(s);
	ck_assert_uint_eq(story_sums(s)->twice, 1);
	ck_assert_uint_eq(story_esp_nth(s, 0)->packets, 5);
	ck_assert_uint_eq(story_esp_nth(s, 0)->same, 2);
}
END_TEST

/* Behind a NAT the sender's port changes. */
START_TEST(a_mapping_that_moves)
{
	for (uint32_t n = 1; n <= 4; n++) {
		const struct field_set sets[] = {SET("ip.src", IP4(9, 9, 9, 9)), SET("ip.dst", VIP),
			SET("udp.sport", n < 3 ? 4500 : 50123), SET("udp.dport", 4500),
			SET("esp.spi", 0x100), SET("esp.seq", n)};
		uint8_t buf[128];

		put(n, 0, buf,
			field_build(buf, sizeof(buf), "eth/ipv4/udp/esp", sets,
				sizeof(sets) / sizeof(sets[0]), NULL));
	}
	story_end(s);
	has("esp.moved 3 ESP 0x00000100 goes from 9.9.9.9 port 50123 to 10.0.0.1 port 4500 from "
	    "now on");
	has_not("esp.moved 4");
	ck_assert_uint_eq(story_esp_count(s), 1);
	ck_assert(story_esp_nth(s, 0)->natt);
}
END_TEST

START_TEST(more_than_there_is_room_for)
{
	for (uint32_t i = 0; i < STORY_ESP + 10; i++)
		esp(0.001 * i, 0, 10, 0x1000 + i, 1, i);
	story_end(s);
	ck_assert_uint_eq(story_esp_count(s), STORY_ESP);
	ck_assert_uint_eq(story_sums(s)->lost_esp, 10);
}
END_TEST

START_TEST(what_is_malformed_is_counted)
{
	const uint8_t cut[] = {1, 2, 3};

	put(0, 0, cut, 3);
	put(0.1, 0, cut, 3);
	story_end(s);
	ck_assert_uint_eq(story_sums(s)->malformed, 2);
	ck_assert_str_eq(story_sums(s)->bad, "eth.dst");
	ck_assert_uint_eq(story_sums(s)->frames, 2);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("story");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, an_heir_waits_for_the_hold_time);
	tcase_add_test(t, an_heir_too_early_and_one_too_late);
	tcase_add_test(t, silence_without_an_heir_and_a_return);
	tcase_add_test(t, resign_and_coup);
	tcase_add_loop_test(t, two_actives, 0, 2);
	tcase_add_test(t, timers_in_milliseconds);
	tcase_add_test(t, numbers_of_a_stream);
	tcase_add_test(t, a_number_twice);
	tcase_add_loop_test(t, who_goes_on, 0, 2);
	tcase_add_test(t, past_the_end_and_out_of_the_window);
	tcase_add_test(t, seen_on_two_segments);
	tcase_add_test(t, a_mapping_that_moves);
	tcase_add_test(t, more_than_there_is_room_for);
	tcase_add_test(t, what_is_malformed_is_counted);
	suite_add_tcase(suite, t);
	r = srunner_create(suite);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
