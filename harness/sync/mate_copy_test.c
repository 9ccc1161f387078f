/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two scripted members: who copies to whom, and when (docs/spec/ssp.md 3).
 */
#include "harness/sync/mate_test.h"

START_TEST(a_bulk_is_fed_and_acknowledged)
{
	size_t c, i;

	start();
	offer_dpd(7);
	offer_dpd(8);
	c = up();
	ck_assert_uint_eq(mate_conn(net.m[1], c)->bulks, 1);
	ck_assert_int_gt(mate_conn(net.m[0], c)->ready, 0);
	ck_assert_int_gt(mate_conn(net.m[1], c)->ready, 0);
	ck_assert_str_eq(mate_conn(net.m[1], c)->identity,
		"baton-ssp/1 group 100 from 10.255.0.1 to 10.255.0.2");
	i = mate_find(net.m[1], 0, c, MATE_DPD);
	i = mate_find(net.m[1], i + 1, c, MATE_DPD);
	ck_assert_uint_eq(mate_field(net.m[1], i, "ssp.dpd.sent"), 8);
	ck_assert_uint_eq(mate_msg(net.m[1], i)->epoch, 1);
	i = mate_find(net.m[1], 0, c, MATE_BULK_BEGIN);
	ck_assert_uint_eq(mate_field(net.m[1], i, "ssp.count.records"), 2);
	/* A gap would have been answered. */
	ck_assert_uint_eq(mate_find(net.m[0], 0, c, MATE_RESYNC), MATE_NONE);
	stop();
}
END_TEST

START_TEST(keepalives_and_echo)
{
	size_t c, i, echoes = 0;

	start();
	c = up();
	pass(NS_PER_S);
	for (i = 0; (i = mate_find(net.m[1], i, c, MATE_KEEPALIVE)) != MATE_NONE; i++)
		echoes += mate_field(net.m[1], i, "ssp.echo.ms") != 0;
	ck_assert_uint_ge(echoes, 5);
	for (i = 0; (i = mate_find(net.m[0], i, c, MATE_KEEPALIVE)) != MATE_NONE; i++)
		ck_assert_uint_eq(mate_field(net.m[0], i, "ssp.echo.ms"), 0);
	stop();
}
END_TEST

START_TEST(a_gap_asks_for_all_again)
{
	const struct field_set sets[] = {SET("ssp.dpd.sent", 9)};
	size_t c;

	start();
	c = up();
	*mate_number(net.m[0], c) += 1;
	mate_send(net.m[0], net.now, c, MATE_DPD, "ssp/ssp.cookies/ssp.dpd", sets, 1);
	pass(50 * NS_PER_MS);
	ck_assert_uint_eq(
		mate_field(net.m[0], mate_find(net.m[0], 0, c, MATE_RESYNC), "ssp.reason.code"),
		MATE_GAP);
	ck_assert_uint_eq(mate_conn(net.m[1], c)->bulks, 2);
	ck_assert(mate_alive(net.m[0], c));
	stop();
}
END_TEST

START_TEST(an_active_refuses)
{
	size_t c;

	start();
	mate_become(net.m[1], net.now, MATE_ACTIVE);
	c = up();
	ck_assert_uint_eq(mate_conn(net.m[1], c)->bulks, 0);
	mate_bulk(net.m[0], net.now, c);
	pass(50 * NS_PER_MS);
	ck_assert_uint_eq(
		mate_field(net.m[0], mate_find(net.m[0], 0, c, MATE_REFUSE), "ssp.reason.code"),
		MATE_I_AM_ACTIVE);
	mate_become(net.m[1], net.now, MATE_STANDBY);
	pass(50 * NS_PER_MS);
	ck_assert_uint_eq(mate_conn(net.m[1], c)->bulks, 1);
	stop();
}
END_TEST

/* -- holder and receiver -- */

/* What m[from] says from now on echoes what it hears from now on; else it echoes nothing. */
static bool
echoed(int from, size_t c)
{
	uint64_t was, is;
	size_t i = mate_msgs(net.m[!from]), last = MATE_NONE;

	was = (uint64_t)ns_to_ms(net.now);
	pass(500 * NS_PER_MS);
	for (; (i = mate_find(net.m[!from], i, c, MATE_KEEPALIVE)) != MATE_NONE; i++)
		last = i;
	ck_assert_uint_ne(last, MATE_NONE);
	is = mate_field(net.m[!from], last, "ssp.echo.ms");
	ck_assert(!is || is > was);
	return is != 0;
}

static void
become(int who, enum mate_role role)
{
	mate_become(net.m[who], net.now, role);
	pass(50 * NS_PER_MS);
}

START_TEST(who_is_neither_is_fed)
{
	size_t c;

	start();
	offer_dpd(7);
	mate_become(net.m[1], net.now, MATE_NEITHER);
	c = up();
	ck_assert_uint_eq(mate_conn(net.m[1], c)->bulks, 1);
	ck_assert_int_gt(mate_conn(net.m[0], c)->ready, 0);
	become(1, MATE_STANDBY);
	ck_assert(echoed(0, c));
	become(1, MATE_NEITHER);
	ck_assert(echoed(0, c));
	ck_assert_uint_eq(mate_conn(net.m[1], c)->bulks, 1);
	stop();
}
END_TEST

START_TEST(who_is_suspended_feeds)
{
	const struct field_set sets[] = {SET("ssp.dpd.sent", 9)};
	size_t c;
	uint32_t n;

	start();
	offer_dpd(7);
	mate_become(net.m[0], net.now, MATE_SUSPENDED);
	c = up();
	ck_assert_uint_eq(mate_conn(net.m[1], c)->router_role, MATE_SUSPENDED);
	ck_assert_uint_eq(mate_conn(net.m[1], c)->bulks, 1);
	ck_assert(echoed(0, c));
	become(0, MATE_ACTIVE);
	ck_assert(echoed(0, c));
	become(0, MATE_SUSPENDED);
	ck_assert_uint_eq(mate_conn(net.m[1], c)->bulks, 1);
	n = mate_send(net.m[0], net.now, c, MATE_DPD, "ssp/ssp.cookies/ssp.dpd", sets, 1);
	pass(50 * NS_PER_MS);
	ck_assert_uint_ge(mate_conn(net.m[0], c)->acked, n);
	/* It answers RESYNC. */
	*mate_number(net.m[0], c) += 1;
	mate_send(net.m[0], net.now, c, MATE_DPD, "ssp/ssp.cookies/ssp.dpd", sets, 1);
	pass(50 * NS_PER_MS);
	ck_assert_uint_eq(mate_conn(net.m[1], c)->bulks, 2);
	stop();
}
END_TEST

START_TEST(another_end_begins_again)
{
	size_t c;

	start();
	c = up();
	become(0, MATE_STANDBY);
	ck_assert(!echoed(0, c));
	become(0, MATE_ACTIVE);
	ck_assert_uint_eq(mate_conn(net.m[1], c)->bulks, 2);
	become(1, MATE_SUSPENDED);
	ck_assert(!echoed(0, c));
	become(1, MATE_NEITHER);
	ck_assert_uint_eq(mate_conn(net.m[1], c)->bulks, 3);
	ck_assert(echoed(0, c));
	stop();
}
END_TEST

START_TEST(two_that_hold_copy_nothing)
{
	static const enum mate_role roles[] = {MATE_ACTIVE, MATE_SUSPENDED};
	size_t c;

	for (size_t i = 0; i < 2; i++) {
		start();
		mate_become(net.m[0], net.now, MATE_SUSPENDED);
		mate_become(net.m[1], net.now, roles[i]);
		c = up();
		mate_send(net.m[0], net.now, c, MATE_RESYNC, "ssp/ssp.reason", NULL, 0);
		mate_send(net.m[1], net.now, c, MATE_RESYNC, "ssp/ssp.reason", NULL, 0);
		pass(50 * NS_PER_MS);
		ck_assert_uint_eq(mate_find(net.m[0], 0, c, MATE_BULK_BEGIN), MATE_NONE);
		ck_assert_uint_eq(mate_find(net.m[1], 0, c, MATE_BULK_BEGIN), MATE_NONE);
		/* What is sent nevertheless is refused, by either. */
		mate_bulk(net.m[0], net.now, c);
		mate_bulk(net.m[1], net.now, c);
		pass(50 * NS_PER_MS);
		for (int k = 0; k < 2; k++)
			ck_assert_uint_eq(
				mate_field(net.m[k], mate_find(net.m[k], 0, c, MATE_REFUSE),
					"ssp.reason.code"),
				MATE_I_AM_ACTIVE);
		stop();
	}
}
END_TEST

static void
refuse(size_t c, enum mate_reason why)
{
	const struct field_set sets[] = {SET("ssp.reason.code", why)};

	mate_send(net.m[1], net.now, c, MATE_REFUSE, "ssp/ssp.acked/ssp.reason", sets, 1);
	pass(50 * NS_PER_MS);
}

START_TEST(a_refusal_ends_the_copy_if_the_other_holds)
{
	size_t c;

	start();
	c = up();
	refuse(c, MATE_STALE_EPOCH);
	ck_assert(echoed(0, c));
	refuse(c, MATE_I_AM_ACTIVE);
	ck_assert(!echoed(0, c));
	mate_send(net.m[1], net.now, c, MATE_RESYNC, "ssp/ssp.reason", NULL, 0);
	pass(50 * NS_PER_MS);
	ck_assert_uint_eq(mate_conn(net.m[1], c)->bulks, 1);
	become(1, MATE_STANDBY); /* its next ROLE */
	ck_assert_uint_eq(mate_conn(net.m[1], c)->bulks, 2);
	ck_assert(echoed(0, c));
	stop();
}
END_TEST

/* HIGHEST, if any, comes between HELLO and the first KEEPALIVE (docs/spec/ssp.md 3.1). */
START_TEST(nothing_is_fed_before_the_statements)
{
	const struct field_set sets[] = {SET("ssp.role.role", MATE_STANDBY)};
	size_t c;

	start();
	mate_wrong(net.m[1])->no_hello = true;
	c = up();
	mate_send(net.m[1], net.now, c, MATE_HELLO, "ssp/ssp.role", sets, 1);
	mate_send(net.m[1], net.now, c, MATE_ROLE, "ssp/ssp.role", sets, 1);
	mate_send(net.m[1], net.now, c, MATE_RESYNC, "ssp/ssp.reason", NULL, 0);
	pass(50 * NS_PER_MS);
	ck_assert_uint_eq(mate_conn(net.m[1], c)->bulks, 0);
	mate_send(net.m[1], net.now, c, MATE_KEEPALIVE, "ssp/ssp.time/ssp.echo", NULL, 0);
	pass(50 * NS_PER_MS);
	ck_assert_uint_eq(mate_conn(net.m[1], c)->bulks, 1);
	stop();
}
END_TEST

static void
send_dpd(size_t c)
{
	const struct field_set sets[] = {SET("ssp.dpd.sent", 9)};

	mate_send(net.m[0], net.now, c, MATE_DPD, "ssp/ssp.cookies/ssp.dpd", sets, 1);
	pass(50 * NS_PER_MS);
}

START_TEST(who_holds_asks_for_nothing)
{
	size_t c;

	start();
	c = up();
	become(1, MATE_SUSPENDED);
	*mate_number(net.m[0], c) += 1;
	send_dpd(c);
	ck_assert_uint_eq(mate_find(net.m[0], 0, c, MATE_RESYNC), MATE_NONE);
	stop();
}
END_TEST

START_TEST(who_held_acknowledges_only_a_new_bulk)
{
	uint32_t acked;
	size_t c;

	start();
	c = up();
	acked = mate_conn(net.m[0], c)->acked;
	ck_assert_uint_ne(acked, 0);
	mate_wrong(net.m[0])->no_bulk = true;
	become(1, MATE_SUSPENDED);
	become(1, MATE_NEITHER);
	send_dpd(c);
	ck_assert_uint_eq(mate_conn(net.m[0], c)->acked, acked);
	mate_bulk(net.m[0], net.now, c);
	pass(50 * NS_PER_MS);
	ck_assert_uint_gt(mate_conn(net.m[0], c)->acked, acked);
	stop();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mate_copy");
	TCase *t = tcase_create("mate_copy");
	SRunner *r;
	int failed;

	tcase_add_test(t, a_bulk_is_fed_and_acknowledged);
	tcase_add_test(t, keepalives_and_echo);
	tcase_add_test(t, a_gap_asks_for_all_again);
	tcase_add_test(t, an_active_refuses);
	tcase_add_test(t, who_is_neither_is_fed);
	tcase_add_test(t, who_is_suspended_feeds);
	tcase_add_test(t, another_end_begins_again);
	tcase_add_test(t, two_that_hold_copy_nothing);
	tcase_add_test(t, a_refusal_ends_the_copy_if_the_other_holds);
	tcase_add_test(t, nothing_is_fed_before_the_statements);
	tcase_add_test(t, who_holds_asks_for_nothing);
	tcase_add_test(t, who_held_acknowledges_only_a_new_bulk);
	tcase_set_timeout(t, 30);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
