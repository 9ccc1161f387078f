/* SPDX-License-Identifier: BSD-2-Clause */
#include "ref/sys/quiet.h"

#include <check.h>
#include <stdlib.h>

static struct quiet q;
static const char many[] = "many", few[] = "few", kinds[2 * QUIET_KINDS];
static uint64_t withheld;

static void
setup(void)
{
	q = (struct quiet){.lost = 0};
}

/* How many of n lines of a kind pass, within a millisecond each. */
static unsigned
flood(const void *kind, ns_t from, unsigned n)
{
	unsigned passed = 0;

	for (unsigned i = 0; i < n; i++)
		passed += quiet_pass(&q, kind, from + (ns_t)i * NS_PER_MS / 10, &withheld);
	return passed;
}

START_TEST(a_flood_is_cut_and_counted)
{
	ck_assert_uint_eq(flood(many, NS_PER_S, 5000), QUIET_LINES);
	ck_assert(quiet_pass(&q, many, 2 * NS_PER_S, &withheld));
	ck_assert_uint_eq(withheld, 5000 - QUIET_LINES);
	ck_assert(quiet_pass(&q, many, 2 * NS_PER_S, &withheld));
	ck_assert_uint_eq(withheld, 0);
}
END_TEST

START_TEST(other_kinds_are_not_touched)
{
	flood(many, NS_PER_S, 5000);
	ck_assert_uint_eq(flood(few, NS_PER_S, QUIET_LINES), QUIET_LINES);
	ck_assert(!quiet_pass(&q, few, NS_PER_S + NS_PER_MS, &withheld));
}
END_TEST

START_TEST(what_is_rare_always_passes)
{
	for (ns_t at = 0; at < 100 * NS_PER_S; at += NS_PER_S / QUIET_LINES) {
		ck_assert(quiet_pass(&q, few, at, &withheld));
		ck_assert_uint_eq(withheld, 0);
	}
}
END_TEST

START_TEST(more_kinds_than_places)
{
	flood(many, NS_PER_S, 100);
	for (unsigned i = 0; i < 2 * QUIET_KINDS; i++) {
		ck_assert(quiet_pass(&q, &kinds[i], 2 * NS_PER_S + i, &withheld));
		if (withheld)
			break;
	}
	ck_assert_uint_eq(withheld, 100 - QUIET_LINES);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("quiet");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, a_flood_is_cut_and_counted);
	tcase_add_test(t, other_kinds_are_not_touched);
	tcase_add_test(t, what_is_rare_always_passes);
	tcase_add_test(t, more_kinds_than_places);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
