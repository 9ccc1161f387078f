/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each state of specification 4, and the promise itself: two members driven through random losses,
 * leases, promotions and meetings never give out one number twice.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ref/core/resv.h"

#define Y 100u

static struct resv r;
static struct resv_out out;
static const struct resv_rules *const rules = &resv_rules_standard;

static void
step_at(ns_t now, enum resv_in_kind kind, uint32_t number, ns_t at)
{
	struct resv_in in = {.kind = kind, .number = number, .at = at};

	resv_step(&r, now, &in, &out);
}

static void
step(enum resv_in_kind kind, uint32_t number)
{
	step_at(0, kind, number, 0);
}

static void
take(unsigned n)
{
	while (n--) {
		step(RESV_IN_TAKE, 0);
		ck_assert_int_eq(out.grant, RESV_GRANTED);
	}
}

START_TEST(solo_counts_from_one)
{
	resv_init(&r, rules, Y, 1);
	step(RESV_IN_TAKE, 0);
	ck_assert_uint_eq(out.number, 1);
	step(RESV_IN_TAKE, 0);
	ck_assert_uint_eq(out.number, 2);
	ck_assert_int_eq(r.state, RESV_SOLO);
}
END_TEST

static void
protect(void)
{
	resv_init(&r, rules, Y, 1);
	step(RESV_IN_COPY, 0);
	ck_assert_uint_eq(out.ask, 2 * Y);
	ck_assert_int_eq(r.state, RESV_COPYING);
	step(RESV_IN_ACK, 2 * Y);
	ck_assert_int_eq(r.state, RESV_PROTECTED);
}

START_TEST(copying_stops_at_the_first_reservation)
{
	resv_init(&r, rules, Y, 1);
	step(RESV_IN_COPY, 0);
	take(2 * Y);
	step(RESV_IN_TAKE, 0);
	ck_assert_int_eq(out.grant, RESV_WAIT);
	step(RESV_IN_ACK, 2 * Y); /* too little ahead: asks again */
	ck_assert_uint_eq(out.ask, 4 * Y);
	ck_assert_int_eq(r.state, RESV_COPYING);
	step(RESV_IN_ACK, 4 * Y);
	ck_assert_int_eq(r.state, RESV_PROTECTED);
}
END_TEST

START_TEST(protected_asks_in_time_and_stops)
{
	unsigned asks = 0;

	protect();
	for (unsigned i = 0; i < 2 * Y; i++) {
		step(RESV_IN_TAKE, 0);
		ck_assert_int_eq(out.grant, RESV_GRANTED);
		asks += out.ask != 0;
	}
	ck_assert_uint_ge(asks, 1);
	step(RESV_IN_TAKE, 0);
	ck_assert_int_eq(out.grant, RESV_WAIT);
	ck_assert_uint_eq(resv_highest(&r), 2 * Y);
}
END_TEST

START_TEST(lost_waits_for_the_lease_and_steps_over_the_block)
{
	uint32_t asked;

	protect();
	take(150);
	asked = r.asked;
	step_at(10, RESV_IN_LOST, 0, 1000);
	ck_assert_int_eq(r.state, RESV_LOST);
	ck_assert_int_eq(resv_deadline(&r), 1000);
	while (r.next <= r.acked)
		take(1);
	step_at(999, RESV_IN_TAKE, 0, 0);
	ck_assert_int_eq(out.grant, RESV_WAIT);
	step_at(1000, RESV_IN_TICK, 0, 0);
	ck_assert_uint_le(resv_highest(&r), asked); /* what was stepped over was not sent */
	step_at(1000, RESV_IN_TAKE, 0, 0);
	ck_assert_int_eq(out.grant, RESV_GRANTED);
	ck_assert_uint_eq(out.number, asked + RESV_HEIR_BLOCK + 1);
	ck_assert_int_eq(r.state, RESV_SOLO);
}
END_TEST

START_TEST(refused_stops_for_good)
{
	protect();
	step(RESV_IN_REFUSED, 0);
	ck_assert_int_eq(r.state, RESV_STOPPED);
	take(2 * Y);
	step_at(NS_PER_S * 3600, RESV_IN_TAKE, 0, 0);
	ck_assert_int_eq(out.grant, RESV_WAIT);
}
END_TEST

START_TEST(heir_in_time_and_too_late)
{
	resv_init_heir(&r, rules, Y, 500, true);
	step(RESV_IN_TAKE, 0);
	ck_assert_uint_eq(out.number, 501);
	ck_assert_int_eq(r.state, RESV_HEIR);
	step(RESV_IN_MET, 0);
	ck_assert_int_eq(r.state, RESV_SOLO);
	resv_init_heir(&r, rules, Y, 500, false);
	ck_assert_int_eq(r.state, RESV_STALE);
	ck_assert(r.rekey);
	step(RESV_IN_TAKE, 0);
	ck_assert_uint_eq(out.number, RESV_HALF);
	step(RESV_IN_COPY, 0);
	ck_assert_uint_eq(out.ask, 0);
}
END_TEST

START_TEST(heir_past_its_block_is_stale)
{
	resv_init_heir(&r, rules, Y, 500, true);
	r.next = 500 + RESV_HEIR_BLOCK + 1;
	step(RESV_IN_TAKE, 0);
	ck_assert_uint_eq(out.number, RESV_HALF);
	ck_assert(r.rekey);
}
END_TEST

START_TEST(never_past_the_end)
{
	resv_init(&r, rules, Y, 1);
	r.next = RESV_HALF - 1;
	take(1);
	step(RESV_IN_TAKE, 0);
	ck_assert_int_eq(out.grant, RESV_EXHAUSTED);
	ck_assert(r.rekey);
	resv_init_heir(&r, rules, Y, 1, false);
	r.next = 0xfffffffe;
	take(1);
	step(RESV_IN_TAKE, 0);
	ck_assert_int_eq(out.grant, RESV_EXHAUSTED);
}
END_TEST

START_TEST(healing_goes_above_both)
{
	resv_init_heir(&r, rules, Y, 500, true);
	take(3);
	step(RESV_IN_ABOVE, 90000);
	step(RESV_IN_TAKE, 0);
	ck_assert_uint_eq(out.number, 90001);
	protect();
	step(RESV_IN_ABOVE, 5000); /* still only what the standby knows: ask first */
	ck_assert_uint_eq(out.ask, 5000 + 2 * Y);
	step(RESV_IN_TAKE, 0);
	ck_assert_int_eq(out.grant, RESV_WAIT);
}
END_TEST

/* In office again, and the other one may have had it: nothing is certainly above what it sent. */
START_TEST(who_may_have_had_an_heir_sends_nothing)
{
	protect();
	step(RESV_IN_DOUBT, 0);
	ck_assert_int_eq(r.state, RESV_SPENT);
	ck_assert(r.rekey);
	step(RESV_IN_TAKE, 0);
	ck_assert_int_eq(out.grant, RESV_EXHAUSTED);
	step(RESV_IN_COPY, 0);
	ck_assert_uint_eq(out.ask, 0);
	step(RESV_IN_MET, 0); /* it says nothing: it may have forgotten */
	ck_assert_int_eq(r.state, RESV_SPENT);
	step(RESV_IN_ABOVE, 7000);
	step(RESV_IN_TAKE, 0);
	ck_assert_uint_eq(out.number, 7001);
	protect();
	take(100);
	step(RESV_IN_DOUBT, 0);
	step(RESV_IN_ABOVE, 50); /* below ours: known, that is enough */
	step(RESV_IN_TAKE, 0);
	ck_assert_uint_eq(out.number, 101);
}
END_TEST

START_TEST(doubt_is_for_what_was_copied)
{
	resv_init(&r, rules, Y, 1);
	take(10);
	step(RESV_IN_DOUBT, 0);
	step(RESV_IN_TAKE, 0);
	ck_assert_uint_eq(out.number, 11);
	resv_init_heir(&r, rules, Y, 500, true);
	step(RESV_IN_DOUBT, 0);
	ck_assert_int_eq(r.state, RESV_SPENT);
	resv_init_heir(&r, rules, Y, 500, false);
	step(RESV_IN_DOUBT, 0);
	step(RESV_IN_TAKE, 0);
	ck_assert_uint_eq(out.number, RESV_HALF);
}
END_TEST

/* ---- the promise, at random ---- */

struct member {
	struct resv r;
	bool active;
	uint32_t copy;	  /* as standby: R recorded */
	ns_t lease_until; /* by the standby's own reckoning */
};

/* Distinct numbers given out, as intervals would be too clever: the last few thousand, sorted in.
 */
#define SEEN_MAX 400000
static uint32_t seen[SEEN_MAX];
static unsigned seen_cnt;

static int
cmp(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void
send_some(struct member *m, ns_t now, unsigned n, bool acks_arrive, struct member *standby)
{
	for (unsigned i = 0; i < n; i++) {
		struct resv_in in = {.kind = RESV_IN_TAKE};
		struct resv_out o;

		resv_step(&m->r, now, &in, &o);
		if (o.grant == RESV_GRANTED && seen_cnt < SEEN_MAX)
			seen[seen_cnt++] = o.number;
		if (o.ask && standby) {
			/* recorded, though the acknowledgement may be lost */
			standby->copy = o.ask > standby->copy ? o.ask : standby->copy;
			in.kind = RESV_IN_ACK;
			in.number = o.ask;
			if (acks_arrive)
				resv_step(&m->r, now, &in, &o);
		}
	}
}

/* One life: protected, channel lost at a random point, heir promoted in time or too late, both
 * send. */
static void
one_life(unsigned seed)
{
	const ns_t lease = 1000;
	struct member a = {.active = true}, b = {0};
	struct resv_in in = {.kind = RESV_IN_COPY};
	struct resv_out o;
	ns_t now = 0, lost_at, promoted;
	bool mute_acks;

	srand(seed);
	seen_cnt = 0;
	resv_init(&a.r, rules, 1 + (uint32_t)rand() % 50, 1);
	send_some(&a, now, (unsigned)rand() % 100, true, NULL);
	resv_step(&a.r, now, &in, &o);
	b.copy = o.ask;
	in.kind = RESV_IN_ACK;
	in.number = o.ask;
	if (rand() % 4)
		resv_step(&a.r, now, &in, &o);
	send_some(&a, now, (unsigned)rand() % 500, true, &b);
	mute_acks = rand() % 2;
	b.lease_until = lease; /* proven at 0 by b's clock */
	send_some(&a, now, (unsigned)rand() % 200, !mute_acks, &b);
	lost_at = 100 + rand() % 100;
	in.kind = RESV_IN_LOST;
	in.at = lease + 50; /* received later than sent, and a margin */
	resv_step(&a.r, lost_at, &in, &o);
	promoted = lost_at + rand() % 2000;
	for (now = lost_at; now < 5000; now += 100) {
		send_some(&a, now, (unsigned)rand() % 100, false, NULL);
		if (now >= promoted && !b.active) {
			b.active = true;
			resv_init_heir(&b.r, rules, a.r.interval, b.copy, now <= b.lease_until);
		}
		if (b.active)
			send_some(&b, now, (unsigned)rand() % 100, false, NULL);
	}
	qsort(seen, seen_cnt, sizeof seen[0], cmp);
	for (unsigned i = 1; i < seen_cnt; i++)
		if (seen[i] == seen[i - 1]) /* millions: one that holds would cost a system call */
			ck_abort_msg("seed %u: number %u twice", seed, seen[i]);
}

START_TEST(no_number_twice)
{
	for (unsigned seed = 1; seed <= 2000; seed++)
		one_life(seed);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("resv");
	TCase *t = tcase_create("core");
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 30);
	tcase_add_test(t, solo_counts_from_one);
	tcase_add_test(t, copying_stops_at_the_first_reservation);
	tcase_add_test(t, protected_asks_in_time_and_stops);
	tcase_add_test(t, lost_waits_for_the_lease_and_steps_over_the_block);
	tcase_add_test(t, refused_stops_for_good);
	tcase_add_test(t, heir_in_time_and_too_late);
	tcase_add_test(t, heir_past_its_block_is_stale);
	tcase_add_test(t, never_past_the_end);
	tcase_add_test(t, healing_goes_above_both);
	tcase_add_test(t, who_may_have_had_an_heir_sends_nothing);
	tcase_add_test(t, doubt_is_for_what_was_copied);
	tcase_add_test(t, no_number_twice);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
