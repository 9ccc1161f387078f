/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Schedules: text and struct are one; wrong text names its place; a run is a function of its
 * schedule; a mutant is found and shrunk; and what explore once found stays mended.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "harness/run/explore.h"

static const struct explore_options none;

static struct explore_plan
plan_of(const char *text)
{
	struct explore_plan p;
	const char *why;
	size_t at;

	ck_assert_msg(explore_parse(&p, text, &why, &at), "'%s': at %zu: %s", text, at, why);
	return p;
}

static bool
same(const struct explore_plan *a, const struct explore_plan *b)
{
	if (a->seed != b->seed || a->out != b->out || a->in != b->in || a->b != b->b ||
		a->cnt != b->cnt)
		return false;
	for (unsigned i = 0; i < a->cnt; i++) {
		const struct explore_step *x = &a->step[i], *y = &b->step[i];

		if (x->at != y->at || x->verb != y->verb || x->object != y->object ||
			x->amount != y->amount || x->span != y->span)
			return false;
	}
	return true;
}

START_TEST(a_schedule_is_its_text)
{
	unsigned seen[EXPLORE_VERBS] = {0}, longest = 0;

	for (uint64_t seed = 0; seed < 2000; seed++) {
		struct explore_plan drawn, read;
		char text[EXPLORE_TEXT], again[EXPLORE_TEXT];

		explore_draw(&drawn, seed);
		explore_text(&drawn, text);
		read = plan_of(text);
		explore_text(&read, again);
		ck_assert_str_eq(text, again);
		ck_assert_msg(same(&drawn, &read), "%s", text);
		for (unsigned i = 0; i < drawn.cnt; i++)
			seen[drawn.step[i].verb]++;
		longest = drawn.cnt > longest ? drawn.cnt : longest;
	}
	for (int v = 0; v < EXPLORE_VERBS; v++)
		ck_assert_msg(seen[v] > 50, "verb %d is hardly drawn: %u", v, seen[v]);
	ck_assert_uint_eq(longest, 7);
}
END_TEST

START_TEST(one_seed_is_one_schedule)
{
	struct explore_plan a, b, c;

	explore_draw(&a, 7);
	explore_draw(&b, 7);
	explore_draw(&c, 8);
	ck_assert(same(&a, &b) && !same(&a, &c));
}
END_TEST

START_TEST(steps_are_put_in_order)
{
	struct explore_plan p = plan_of("seed 1; 900 off A; 20 pull B.eth1 30;; 500 start A");

	ck_assert_uint_eq(p.cnt, 3);
	ck_assert_uint_eq(p.step[0].at, 20);
	ck_assert_uint_eq(p.step[2].at, 900);
	ck_assert_uint_eq(p.out, 20); /* not said: the default */
}
END_TEST

START_TEST(wrong_text_names_its_place)
{
	static const struct {
		const char *text;
		size_t at;
		const char *why;
	} wrong[] = {
		{"seed", 0, "a word and a number"},
		{"seed 1; out many", 7, "a word and a number"},
		{"seed 1; out 40; in -1", 15, "a number that fits"},
		{"seed 1; b 99999", 7, "a number that fits"},
		{"seed 1; 20", 7, "milliseconds, a verb"},
		{"seed 1; 20 lose B.eth2 101 5", 7, "per cent"},
		{"seed 1; 20 explode A", 7, "no such verb"},
		{"seed 1; 20 off", 7, "too few or too many"},
		{"seed 1; 20 off A 7", 7, "too few or too many"},
		{"seed 1; 20 off C", 7, "no such member"},
		{"seed 1; 20 pull A.eth9 7", 7, "no such member"},
		{"seed 1; 20 part elsewhere 7", 7, "no such member"},
		{"seed 1; 20 lose A.eth0 0 7", 7, "how much"},
		{"seed 1; 20 lose A.eth0 7 long", 7, "how long"},
		{"seed 1; 20x off A", 7, "milliseconds, a verb"},
		{"seed 1; 20 off A B C D E F G", 7, "too many words"},
		{"colour 7", 0, "seed, out, in or b"},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct explore_plan p;
		const char *why = "";
		size_t at = 999;

		ck_assert_msg(!explore_parse(&p, wrong[i].text, &why, &at), "%s", wrong[i].text);
		ck_assert_msg(at == wrong[i].at && strstr(why, wrong[i].why), "'%s': at %zu: %s",
			wrong[i].text, at, why);
	}
}
END_TEST

START_TEST(seventeen_steps_are_too_many)
{
	char text[EXPLORE_TEXT] = "seed 1";
	struct explore_plan p;
	const char *why;
	size_t at;

	for (int i = 0; i < 16; i++)
		strcat(text, "; 5 start A");
	ck_assert_uint_eq(plan_of(text).cnt, 16);
	strcat(text, "; 5 start A");
	ck_assert(!explore_parse(&p, text, &why, &at));
	ck_assert_ptr_nonnull(strstr(why, "16 steps"));
}
END_TEST

START_TEST(a_run_is_a_function_of_its_schedule)
{
	static const char text[] =
		"seed 5; out 40; in 30; b 300; 200 lose B.eth2 30 300; 700 crash A; 900 start A; 1200 rekey";
	struct explore_plan p = plan_of(text);
	struct explore_result a, b, c;

	explore_try(&p, &none, &a);
	explore_try(&p, &none, &b);
	p.seed++;
	explore_try(&p, &none, &c);
	ck_assert_int_eq(a.end, EXPLORE_HELD);
	ck_assert_uint_gt(a.frames, 300);
	ck_assert_uint_eq(a.digest, b.digest);
	ck_assert_uint_eq(a.frames, b.frames);
	ck_assert_uint_ne(a.digest, c.digest);
}
END_TEST

START_TEST(a_mutant_is_found_and_shrunk)
{
	const struct explore_options o = {.mutant = "resv-heir-repeats"};
	struct explore_plan p = plan_of("seed 100014; out 40; in 30; b 0; 10 probe; 20 copy A.eth1 20 400; "
					"60 off B; 1800 start B");
	struct explore_result r;
	unsigned tries;

	explore_try(&p, &o, &r);
	ck_assert_int_eq(r.end, EXPLORE_BROKEN);
	ck_assert_int_eq(r.law, LAW_UNIQUENESS);
	tries = explore_shrink(&p, &o, &r);
	ck_assert_uint_gt(tries, 5);
	ck_assert_uint_eq(p.cnt, 1);
	ck_assert_int_eq(p.step[0].verb, EXPLORE_OFF);
	ck_assert_uint_eq(p.in, 0);
	ck_assert_int_eq(p.b, 0);
	explore_try(&p, &o, &r);
	ck_assert_int_eq(r.law, LAW_UNIQUENESS);
	explore_try(&p, &none, &r); /* and it is the mutant's doing */
	ck_assert_int_eq(r.end, EXPLORE_HELD);
}
END_TEST

/* Each broke a law once (docs/findings.md). */
START_TEST(what_was_found_stays_mended)
{
	static const char *const found[] = {
		"seed 20; out 0; in 5; b 0; 1 pull B.eth1 113",
		"seed 6374; out 10; in 10; b -302; 194 off B; 563 pull A.eth0 1; 4000 start A",
		"seed 290; out 0; in 1; b 458; 372 crash A; 447 pull B.eth1 54",
		"seed 1860; out 0; in 0; b 0; 0 part outside 1816; 698 pull B.eth1 751",
		"seed 1935; out 0; in 0; b 536; 0 stall A.eth0 1159",
		"seed 915; out 0; in 0; b 753; 24 off A; 415 rekey; 693 phase1",
		("seed 3170; out 1; in 0; b 0; 187 part inside 1831; 956 part sync 773; "
		 "1630 pull B.eth1 11; 2001 off A"),
		("seed 17; out 30; in 0; b 350; 0 pull B.eth2 1700; 50 part outside 650; 50 part inside 650; "
		 "750 pull A.eth1 1770; 1500 pull B.eth0 1020; 2500 part outside 1500; "
		 "2500 part inside 1500; 3700 crash A"),
		("seed 17; out 40; in 0; b 350; 0 pull B.eth2 1800; 1150 pull B.eth0 1850; 1200 slow peer 2 9000; "
		 "1750 pull A.eth1 1500; 2650 pull B.eth2 0; 3300 off B"),
		("seed 17; out 30; in 0; b 350; 0 pull B.eth2 7000; 1150 pull B.eth0 8000; 1200 slow peer 2 500; "
		 "1620 stall peer 5500; 6800 pull A.eth1 0"),
		("seed 941044; out 23; in 18; b 377; 0 pull B.eth2 7087; 1136 pull B.eth0 8195; "
		 "1221 slow peer 2 500; 1620 stall peer 5500; 6800 pull A.eth1 198"),
		"seed 100545; out 1; in 0; b 739; 0 part outside 1993; 103 stall A.eth1 1008",
		"seed 1006966; out 1; in 11; b 0; 1897 reorder B.eth1 12 60; 1933 stop B",
		"seed 300984; out 0; in 1; b 467; 0 pull B.eth1 1475; 164 phase1; 1275 rekey; 1635 crash A",
		"seed 1004636; out 0; in 1; b 0; 2 pull B.eth1 74; 379 pull A.eth0 1; 1552 crash B",
		"seed 1039367; out 0; in 2; b 0; 0 pull A.eth1 1295; 784 phase1; 1095 rekey; 1096 crash B",
		"seed 6030130; out 0; in 2; b 0; 0 stall A.eth2 155; 100 stop B; 101 pull A.eth0 667",
		"seed 1026457; out 1; in 0; b 540; 0 pull A.eth2 1206; 425 pull A.eth1 459; 1001 crash B",
	};

	for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++) {
		struct explore_plan p = plan_of(found[i]);
		struct explore_result r;

		explore_try(&p, &none, &r);
		ck_assert_msg(r.end == EXPLORE_HELD, "%s: %s", found[i], r.text);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("explore");
	TCase *t = tcase_create("explore");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_schedule_is_its_text);
	tcase_add_test(t, one_seed_is_one_schedule);
	tcase_add_test(t, steps_are_put_in_order);
	tcase_add_test(t, wrong_text_names_its_place);
	tcase_add_test(t, seventeen_steps_are_too_many);
	tcase_add_test(t, a_run_is_a_function_of_its_schedule);
	tcase_add_test(t, a_mutant_is_found_and_shrunk);
	tcase_add_test(t, what_was_found_stays_mended);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
