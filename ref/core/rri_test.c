/* SPDX-License-Identifier: BSD-2-Clause */
#include <check.h>
#include <stdlib.h>

#include "ref/core/rri.h"

static struct rri r;
static struct rri_acts acts;
static const struct ip4_net net = {IP4(10, 2, 0, 0), 24};

static unsigned
step(enum rri_in_kind kind, bool on)
{
	struct rri_in in = {.kind = kind, .net = net, .on = on};

	rri_step(&r, 0, &in, &acts);
	return acts.cnt;
}

START_TEST(dynamic_follows_its_sas)
{
	rri_init(&r, &rri_rules_standard);
	ck_assert_uint_eq(step(RRI_IN_SA_UP, false), 0); /* not active */
	ck_assert_uint_eq(step(RRI_IN_ROLE, true), 1);
	ck_assert(acts.v[0].add && acts.v[0].net.len == 24);
	ck_assert_uint_eq(step(RRI_IN_SA_UP, false), 0);
	ck_assert_uint_eq(step(RRI_IN_SA_DOWN, false), 0);
	ck_assert_uint_eq(step(RRI_IN_SA_DOWN, false), 1);
	ck_assert(!acts.v[0].add);
	ck_assert_uint_eq(r.cnt, 0);
	ck_assert_uint_eq(step(RRI_IN_SA_DOWN, false), 0);
}
END_TEST

START_TEST(static_follows_the_role)
{
	rri_init(&r, &rri_rules_standard);
	ck_assert_uint_eq(step(RRI_IN_STATIC, false), 0);
	ck_assert_uint_eq(step(RRI_IN_ROLE, true), 1);
	ck_assert_uint_eq(step(RRI_IN_SA_UP, false), 0);
	ck_assert_uint_eq(step(RRI_IN_SA_DOWN, false), 0);
	ck_assert_uint_eq(step(RRI_IN_ROLE, false), 1);
	ck_assert(!acts.v[0].add);
	ck_assert_uint_eq(step(RRI_IN_ROLE, true), 1);
}
END_TEST

START_TEST(flush_takes_dynamic_routes)
{
	rri_init(&r, &rri_rules_standard);
	(void)step(RRI_IN_ROLE, true);
	ck_assert_uint_eq(step(RRI_IN_SA_UP, false), 1);
	ck_assert_uint_eq(step(RRI_IN_FLUSH, false), 1);
	ck_assert(!acts.v[0].add);
}
END_TEST

START_TEST(the_table_is_bounded)
{
	struct rri_in in = {.kind = RRI_IN_SA_UP, .net = {0, 32}};

	rri_init(&r, &rri_rules_standard);
	for (uint32_t i = 0; i < RRI_ROUTES_MAX + 5; i++) {
		in.net.addr = i;
		rri_step(&r, 0, &in, &acts);
	}
	ck_assert_uint_eq(r.cnt, RRI_ROUTES_MAX);
	ck_assert_uint_eq(r.full, 5);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("rri");
	TCase *t = tcase_create("core");
	SRunner *runner;
	int failed;

	tcase_add_test(t, dynamic_follows_its_sas);
	tcase_add_test(t, static_follows_the_role);
	tcase_add_test(t, flush_takes_dynamic_routes);
	tcase_add_test(t, the_table_is_bounded);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
