/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The authority of a run: each line of verdict.c, held from both sides. Any change that would make
 * every case pass, or every case fail, breaks several of these.
 */
#include "harness/run/verdict.h"

#include <check.h>
#include <stdlib.h>

/* A case that did everything right. */
static const struct verdict_facts good = {.finished = true, .checks = 3};

static const struct {
	const char *what;
	struct verdict_facts facts;
	enum verdict want;
	enum verdict_by by;
} rows[] = {
	{"all is well", {.finished = true, .checks = 1}, VERDICT_PASS, BY_NONE},
	{"an expectation failed", {.finished = true, .checks = 1, .failed = true}, VERDICT_FAIL,
		BY_CASE},
	{"it failed without a counted check", {.finished = true, .failed = true}, VERDICT_FAIL,
		BY_CASE},
	{"it gave up", {.finished = true, .checks = 1, .gave_up = true}, VERDICT_INCONCLUSIVE,
		BY_NONE},
	{"what it needs is missing", {.finished = true, .missing = true}, VERDICT_SKIP, BY_NONE},
	{"it gave up at once", {.finished = true, .gave_up = true}, VERDICT_INCONCLUSIVE, BY_NONE},
	{"it expected nothing", {.finished = true}, VERDICT_ERROR, BY_NONE},
	{"it did not finish", {.checks = 5}, VERDICT_ERROR, BY_NONE},
	{"it did not finish, having failed", {.checks = 5, .failed = true}, VERDICT_ERROR, BY_NONE},
	{"no lab", {.setup_failed = true, .finished = true, .checks = 1}, VERDICT_ERROR, BY_NONE},
	{"a law was broken", {.finished = true, .checks = 1, .laws_failed = 1}, VERDICT_FAIL,
		BY_LAW},
	{"broken, and the case failed too",
		{.finished = true, .checks = 1, .failed = true, .laws_failed = 2}, VERDICT_FAIL,
		BY_CASE},
	{"broken, though the case gave up", {.finished = true, .gave_up = true, .laws_failed = 1},
		VERDICT_FAIL, BY_LAW},
	{"a needed law judged nothing", {.finished = true, .checks = 1, .law_missing = true},
		VERDICT_INCONCLUSIVE, BY_NONE},
	{"that does not excuse a failure",
		{.finished = true, .checks = 1, .law_missing = true, .failed = true}, VERDICT_FAIL,
		BY_CASE},
	{"frames were lost", {.finished = true, .checks = 1, .frames_dropped = true},
		VERDICT_INCONCLUSIVE, BY_NONE},
	{"lost, so a failure is not sure",
		{.finished = true, .checks = 1, .frames_dropped = true, .failed = true},
		VERDICT_INCONCLUSIVE, BY_NONE},
	{"a router died", {.finished = true, .checks = 1, .member_died = true}, VERDICT_FAIL,
		BY_DEATH},
	{"it died, so the failed check kills no mutant",
		{.finished = true, .checks = 1, .member_died = true, .failed = true}, VERDICT_FAIL,
		BY_DEATH},
	{"expected to fail, and did",
		{.finished = true, .checks = 1, .failed = true, .expect_fail = true}, VERDICT_XFAIL,
		BY_CASE},
	{"expected to fail, and passed", {.finished = true, .checks = 1, .expect_fail = true},
		VERDICT_XPASS, BY_NONE},
	{"expected to fail, and gave up", {.finished = true, .gave_up = true, .expect_fail = true},
		VERDICT_INCONCLUSIVE, BY_NONE},
	{"expected to fail, and broke", {.checks = 1, .expect_fail = true}, VERDICT_ERROR, BY_NONE},
};

START_TEST(decides)
{
	struct verdict_sum s = verdict_decide(&rows[_i].facts);

	ck_assert_msg(s.verdict == rows[_i].want && s.by == rows[_i].by, "%s: %s by '%s'",
		rows[_i].what, verdict_name(s.verdict), verdict_by_name(s.by));
	ck_assert_ptr_nonnull(s.why);
}
END_TEST

/* Only one combination passes: no fact may be ignored. */
START_TEST(every_fact_counts)
{
	struct verdict_facts f[7] = {good, good, good, good, good, good, good};

	f[0].finished = false;
	f[1].checks = 0;
	f[2].failed = true;
	f[3].gave_up = true;
	f[4].laws_failed = 1;
	f[5].frames_dropped = true;
	f[6].member_died = true;
	ck_assert(verdict_decide(&good).verdict == VERDICT_PASS);
	for (size_t i = 0; i < 7; i++)
		ck_assert_msg(verdict_decide(&f[i]).verdict != VERDICT_PASS, "fact %zu", i);
}
END_TEST

START_TEST(kills)
{
	for (int v = 0; v < VERDICT_CNT; v++)
		for (int b = 0; b < BY_CNT; b++)
			ck_assert(verdict_kills((enum verdict)v, (enum verdict_by)b) ==
				  (v == VERDICT_FAIL && b == BY_CASE));
}
END_TEST

static int
exit_of(const enum verdict *v, size_t cnt)
{
	struct verdict_tally t = {0};

	for (size_t i = 0; i < cnt; i++)
		verdict_count(&t, v[i]);
	return verdict_exit(&t);
}

#define EXIT_OF(...)                                                                               \
	exit_of((const enum verdict[]){__VA_ARGS__},                                               \
		sizeof((const enum verdict[]){__VA_ARGS__}) / sizeof(enum verdict))

START_TEST(exit_codes)
{
	ck_assert_int_eq(exit_of(NULL, 0), 4);
	ck_assert_int_eq(EXIT_OF(VERDICT_PASS), 0);
	ck_assert_int_eq(EXIT_OF(VERDICT_PASS, VERDICT_SKIP, VERDICT_UNSUPPORTED), 0);
	ck_assert_int_eq(EXIT_OF(VERDICT_PASS, VERDICT_XFAIL), 0);
	ck_assert_int_eq(EXIT_OF(VERDICT_SKIP), 4);
	ck_assert_int_eq(EXIT_OF(VERDICT_XFAIL, VERDICT_UNSUPPORTED), 4);
	ck_assert_int_eq(EXIT_OF(VERDICT_PASS, VERDICT_INCONCLUSIVE), 5);
	ck_assert_int_eq(EXIT_OF(VERDICT_INCONCLUSIVE), 5);
	ck_assert_int_eq(EXIT_OF(VERDICT_PASS, VERDICT_INCONCLUSIVE, VERDICT_FAIL), 1);
	ck_assert_int_eq(EXIT_OF(VERDICT_PASS, VERDICT_XPASS), 1);
	ck_assert_int_eq(EXIT_OF(VERDICT_FAIL), 1);
	ck_assert_int_eq(
		EXIT_OF(VERDICT_PASS, VERDICT_FAIL, VERDICT_INCONCLUSIVE, VERDICT_ERROR), 3);
	ck_assert_int_eq(EXIT_OF(VERDICT_ERROR), 3);
	ck_assert_int_eq(EXIT_OF(VERDICT_CNT), 3);
}
END_TEST

START_TEST(last_line)
{
	struct verdict_tally t = {0};
	struct verdict_line l;

	for (int v = 0; v < VERDICT_CNT; v++)
		for (int n = 0; n <= v; n++)
			verdict_count(&t, (enum verdict)v);
	l = verdict_last_line(&t);
	ck_assert_uint_eq(l.passed, VERDICT_PASS + 1);
	ck_assert_uint_eq(l.failed, VERDICT_FAIL + 1 + VERDICT_INCONCLUSIVE + 1 + VERDICT_ERROR +
					    1 + VERDICT_XPASS + 1);
	ck_assert_uint_eq(
		l.skipped, VERDICT_SKIP + 1 + VERDICT_UNSUPPORTED + 1 + VERDICT_XFAIL + 1);
}
END_TEST

START_TEST(names_go_both_ways)
{
	for (int v = 0; v < VERDICT_CNT; v++)
		ck_assert_int_eq(verdict_from_name(verdict_name((enum verdict)v)), v);
	ck_assert_int_eq(verdict_from_name("passed"), VERDICT_CNT);
	for (int b = 0; b < BY_CNT; b++)
		ck_assert_int_eq(verdict_by_from_name(verdict_by_name((enum verdict_by)b)), b);
	ck_assert_int_eq(verdict_by_from_name("nobody"), BY_NONE);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("verdict");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, decides, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(t, every_fact_counts);
	tcase_add_test(t, kills);
	tcase_add_test(t, exit_codes);
	tcase_add_test(t, last_line);
	tcase_add_test(t, names_go_both_ways);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
