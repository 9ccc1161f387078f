/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers, clock, both roles, take-over, and what each rule changes. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ref/core/dpd.h"

#define S(n) ((n) * NS_PER_S)

static struct dpd d;
static struct dpd_rules rules;
static struct dpd_acts acts;
static struct entropy e;
static const struct dpd_cfg periodic = {DPD_PERIODIC, S(10), S(2), 3};
static const struct dpd_cfg on_demand = {DPD_ON_DEMAND, S(10), S(2), 3};

static void
start(const struct dpd_cfg *cfg)
{
	memset(&e, 0xff, sizeof(e));
	e.used = 0;
	dpd_init(&d, cfg, &rules, &e, 0);
}

static void
setup(void)
{
	rules = dpd_rules_standard;
	start(&periodic);
}

/* One step; the first action's kind, or -1. */
static int
step(ns_t now, enum dpd_in_kind kind, uint32_t seq)
{
	dpd_step(&d, now, &(struct dpd_in){kind, seq}, &acts);
	return acts.cnt ? (int)acts.v[0].kind : -1;
}

/* A probe at `now`, sent at once; its number. */
static uint32_t
probe(ns_t now)
{
	uint32_t seq;

	ck_assert_int_eq(step(now, DPD_IN_TICK, 0), DPD_ACT_PROBE);
	seq = acts.v[0].seq;
	ck_assert_int_eq(dpd_deadline(&d), NS_NEVER);
	ck_assert_int_eq(step(now, DPD_IN_SENT, seq), -1);
	ck_assert_int_eq(dpd_deadline(&d), now + S(2));
	return seq;
}

START_TEST(numbers)
{
	uint32_t n;

	ck_assert_int_eq(dpd_deadline(&d), S(10));
	ck_assert_int_eq(step(S(10) - 1, DPD_IN_TICK, 0), -1);
	n = probe(S(10));
	ck_assert_uint_eq(n, 0x7fffffff);
	ck_assert_int_eq(step(S(11), DPD_IN_ACK, n), DPD_ACT_ALIVE);
	ck_assert_int_eq(dpd_deadline(&d), S(21));
	ck_assert_uint_eq(probe(S(21)), n + 1);
	ck_assert_uint_eq(d.count[DPD_CNT_PROBES], 2);
}
END_TEST

START_TEST(retransmits_the_same)
{
	uint32_t n = probe(S(10));

	for (unsigned i = 1; i <= 3; i++) {
		ck_assert_uint_eq(probe(S(10) + S(2 * i)), n);
		ck_assert_uint_eq(d.count[DPD_CNT_RETRANSMITS], i);
	}
	ck_assert_int_eq(step(S(18), DPD_IN_TICK, 0), DPD_ACT_DEAD);
	ck_assert_int_eq(step(S(30), DPD_IN_TICK, 0), -1);
	ck_assert_int_eq(dpd_deadline(&d), NS_NEVER);
}
END_TEST

START_TEST(waits_for_the_record)
{
	ck_assert_int_eq(step(S(10), DPD_IN_TICK, 0), DPD_ACT_PROBE);
	/* Not sent yet: no retransmission, however late; a wrong SENT is none. */
	ck_assert_int_eq(step(S(50), DPD_IN_TICK, 0), -1);
	ck_assert_int_eq(step(S(50), DPD_IN_SENT, 1), -1);
	ck_assert_int_eq(dpd_deadline(&d), NS_NEVER);
	ck_assert_int_eq(step(S(51), DPD_IN_SENT, acts.cnt ? 0 : d.n.sent_seq), -1);
	ck_assert_int_eq(dpd_deadline(&d), S(53));
}
END_TEST

START_TEST(wrong_ack)
{
	uint32_t n = probe(S(10));

	ck_assert_int_eq(step(S(11), DPD_IN_ACK, n + 1), -1);
	ck_assert_uint_eq(d.count[DPD_CNT_BAD_ACK], 1);
	ck_assert_int_eq(dpd_deadline(&d), S(12));
	rules.check_ack = false;
	ck_assert_int_eq(step(S(11), DPD_IN_ACK, n + 1), DPD_ACT_ALIVE);
	/* and one that nobody waits for */
	ck_assert_int_eq(step(S(11), DPD_IN_ACK, n), -1);
	ck_assert_uint_eq(d.count[DPD_CNT_BAD_ACK], 2);
}
END_TEST

START_TEST(traffic_is_proof)
{
	ck_assert_int_eq(step(S(9), DPD_IN_HEARD, 0), -1);
	ck_assert_int_eq(step(S(10), DPD_IN_TICK, 0), -1);
	ck_assert_int_eq(dpd_deadline(&d), S(19));
	(void)probe(S(19));
	ck_assert_int_eq(step(S(20), DPD_IN_HEARD, 0), -1);
	ck_assert_int_eq(dpd_deadline(&d), S(30));
	setup();
	rules.traffic_proves = false;
	(void)step(S(9), DPD_IN_HEARD, 0);
	(void)probe(S(10));
}
END_TEST

START_TEST(on_demand_only)
{
	start(&on_demand);
	ck_assert_int_eq(dpd_deadline(&d), NS_NEVER);
	ck_assert_int_eq(step(S(100), DPD_IN_TICK, 0), -1);
	/* Long silence, then something to send: at once. */
	ck_assert_int_eq(step(S(101), DPD_IN_WANT, 0), DPD_ACT_PROBE);
	(void)step(S(101), DPD_IN_SENT, acts.v[0].seq);
	ck_assert_int_eq(step(S(101), DPD_IN_ACK, d.n.sent_seq), DPD_ACT_ALIVE);
	ck_assert_int_eq(dpd_deadline(&d), NS_NEVER);
	/* Something sent lately: after the interval without an answer. */
	ck_assert_int_eq(step(S(102), DPD_IN_WANT, 0), -1);
	ck_assert_int_eq(dpd_deadline(&d), S(111));
	ck_assert_int_eq(step(S(103), DPD_IN_HEARD, 0), -1);
	ck_assert_int_eq(dpd_deadline(&d), NS_NEVER);
}
END_TEST

START_TEST(off_still_answers)
{
	static const struct dpd_cfg off = {DPD_OFF, S(10), S(2), 3};

	start(&off);
	(void)step(S(1), DPD_IN_WANT, 0);
	ck_assert_int_eq(step(S(1000), DPD_IN_TICK, 0), -1);
	ck_assert_int_eq(step(S(1000), DPD_IN_RUTHERE, 9), DPD_ACT_RECV);
	ck_assert_int_eq(acts.v[1].kind, DPD_ACT_ACK);
	ck_assert_uint_eq(acts.v[1].seq, 9);
}
END_TEST

START_TEST(window)
{
	ck_assert_int_eq(step(1, DPD_IN_RUTHERE, 1000), DPD_ACT_RECV);
	/* again: answered, not news */
	ck_assert_int_eq(step(2, DPD_IN_RUTHERE, 1000), DPD_ACT_ACK);
	ck_assert_int_eq(step(2, DPD_IN_RUTHERE, 999), -1);
	ck_assert_int_eq(step(3, DPD_IN_RUTHERE, 1064), DPD_ACT_RECV);
	ck_assert_int_eq(step(3, DPD_IN_RUTHERE, 1064 + 65), -1);
	ck_assert_uint_eq(d.count[DPD_CNT_OUT_OF_WINDOW], 2);
	rules.check_window = false;
	ck_assert_int_eq(step(3, DPD_IN_RUTHERE, 7), DPD_ACT_RECV);
	rules.ack_add = 1;
	(void)step(3, DPD_IN_RUTHERE, 8);
	ck_assert_uint_eq(acts.v[1].seq, 9);
	rules.answer = false;
	ck_assert_int_eq(step(3, DPD_IN_RUTHERE, 9), DPD_ACT_RECV);
	ck_assert_uint_eq(acts.cnt, 1);
}
END_TEST

START_TEST(take_over_in_flight)
{
	uint32_t n = probe(S(10));
	struct dpd_export x;

	(void)step(S(10), DPD_IN_RUTHERE, 77);
	/* That was proof of life, but the probe is still out. */
	dpd_export(&d, &x);
	x.in_flight = true;
	dpd_import(&d, &periodic, &rules, &x, &e, S(100));
	ck_assert_int_lt(dpd_deadline(&d), S(100));
	ck_assert_int_eq(step(S(100), DPD_IN_TICK, 0), DPD_ACT_PROBE);
	ck_assert(acts.v[0].again);
	ck_assert_uint_eq(acts.v[0].seq, n);
	(void)step(S(100), DPD_IN_SENT, n);
	ck_assert_int_eq(step(S(100), DPD_IN_ACK, n), DPD_ACT_ALIVE);
	ck_assert_uint_eq(probe(S(110)), n + 1);
	/* The peer's counter came along, too. */
	ck_assert_int_eq(step(S(110), DPD_IN_RUTHERE, 76), -1);
	ck_assert_int_eq(step(S(110), DPD_IN_RUTHERE, 78), DPD_ACT_RECV);
}
END_TEST

START_TEST(take_over_idle)
{
	struct dpd_export x = {.have_sent = true, .sent_seq = 41};

	dpd_import(&d, &periodic, &rules, &x, &e, S(100));
	ck_assert_int_eq(dpd_deadline(&d), S(110));
	ck_assert_uint_eq(probe(S(110)), 42);
	rules.import_from_zero = true;
	dpd_import(&d, &periodic, &rules, &x, &e, S(100));
	ck_assert_uint_eq(probe(S(110)), 0);
	rules = dpd_rules_standard;
	rules.import_keeps = false;
	dpd_import(&d, &periodic, &rules, &x, &e, S(100));
	ck_assert_uint_ne(probe(S(110)), 42);
}
END_TEST

START_TEST(rules_bend)
{
	uint32_t n;

	rules.high_bit_clear = false;
	start(&periodic);
	ck_assert_uint_eq(probe(S(10)), 0xffffffff);
	setup();
	rules.same_on_retransmit = false;
	n = probe(S(10));
	ck_assert_uint_eq(probe(S(12)), n + 1);
	setup();
	rules.declare_dead = false;
	(void)probe(S(10));
	for (unsigned i = 1; i < 10; i++)
		(void)probe(S(10 + 2 * i));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("dpd");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, numbers);
	tcase_add_test(t, retransmits_the_same);
	tcase_add_test(t, waits_for_the_record);
	tcase_add_test(t, wrong_ack);
	tcase_add_test(t, traffic_is_proof);
	tcase_add_test(t, on_demand_only);
	tcase_add_test(t, off_still_answers);
	tcase_add_test(t, window);
	tcase_add_test(t, take_over_in_flight);
	tcase_add_test(t, take_over_idle);
	tcase_add_test(t, rules_bend);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
