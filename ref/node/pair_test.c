/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whole routers under a virtual clock. Faults are drawn by seed, and over each schedule the law that
 * matters most is held: no sequence number leaves the pair twice.
 */
#include "ref/node/pair_world_test.h"

START_TEST(carries_over)
{
	unsigned before;

	world_new(1);
	ck_assert(w.routed[A] && !w.routed[B]);
	power_off(A);
	run(1200 * MS, 5 * MS);
	ck_assert_int_eq(w.node[B]->role, NODE_ACTIVE);
	ck_assert(w.routed[B]);
	before = w.inner[P];
	run(500 * MS, 5 * MS);
	ck_assert_uint_gt(w.inner[P], before + 90);
	ck_assert_uint_eq(w.node[P]->count[NODE_CNT_REPLAY], 0);
	ck_assert_uint_eq(w.node[P]->ike_core.count[IKE_R_TIMEOUT], 0);
	expect_unique(1);
}
END_TEST

START_TEST(there_and_back)
{
	unsigned before;

	world_new(2);
	power_off(A);
	run(1500 * MS, 5 * MS);
	start_member(A);
	run(4 * NS_PER_S, 5 * MS);
	ck_assert_int_eq(w.node[A]->role, NODE_STANDBY);
	ck_assert(w.node[A]->ready);
	power_off(B);
	run(1200 * MS, 5 * MS);
	ck_assert_int_eq(w.node[A]->role, NODE_ACTIVE);
	before = w.inner[P];
	run(500 * MS, 5 * MS);
	ck_assert_uint_gt(w.inner[P], before + 90);
	ck_assert_uint_eq(w.node[P]->count[NODE_CNT_REPLAY], 0);
	expect_unique(2);
}
END_TEST

START_TEST(standby_dies)
{
	unsigned before;

	world_new(3);
	power_off(B);
	run(4 * NS_PER_S, 5 * MS);
	before = w.inner[P];
	run(500 * MS, 5 * MS);
	ck_assert_uint_gt(w.inner[P], before + 90);
	expect_unique(3);
}
END_TEST

START_TEST(split_and_heal)
{
	unsigned before;

	world_new(4);
	w.parted = true;
	channel_down();
	run(5 * NS_PER_S, 5 * MS);
	ck_assert(w.node[A]->role == NODE_ACTIVE && w.node[B]->role == NODE_ACTIVE);
	w.parted = false;
	run(4 * NS_PER_S, 5 * MS);
	ck_assert_int_ne(w.node[A]->role == NODE_ACTIVE, w.node[B]->role == NODE_ACTIVE);
	before = w.inner[P];
	run(500 * MS, 5 * MS);
	ck_assert_uint_gt(w.inner[P], before + 90);
	expect_unique(4);
}
END_TEST

/* An SA in the upper half is not copied, and no increment tells of it: the standby would ask for everything. */
START_TEST(what_was_not_copied_is_not_spoken_of)
{
	uint64_t asked;
	unsigned upper = 0, before;

	world_new(7);
	for (unsigned i = 0; i < w.node[A]->pair_cnt; i++) {
		struct resv *r = &w.node[A]->pair[i].resv;

		if (!w.node[A]->pair[i].used)
			continue;
		r->state = RESV_STALE;
		r->next = RESV_HALF;
		r->limit = 0xfffffffe;
		upper++;
	}
	ck_assert_uint_ge(upper, 1);
	channel_down();
	run(2 * NS_PER_S, 5 * MS);
	ck_assert(w.node[A]->mirrored && w.node[B]->ready);
	asked = w.node[A]->ssp.count[SSP_CNT_RESYNCS];
	before = w.inner[A];
	run(2 * NS_PER_S, 5 * MS);
	ck_assert_uint_gt(w.inner[A], before + 100); /* many windows' worth */
	ck_assert_uint_eq(w.node[A]->ssp.count[SSP_CNT_RESYNCS], asked);
	ck_assert(w.node[A]->mirrored && w.node[B]->ready);
}
END_TEST

/* A few faults at random moments, with traffic throughout. */
static void
schedule_of(unsigned seed)
{
	world_new(seed);
	for (int step = 0; step < 6; step++) {
		w.bias = rand() % 3;
		switch (rand() % 8) {
		case 0:
			if (w.on[A] && w.on[B])
				power_off(rand() % 2 ? A : B);
			break;
		case 1:
			if (!w.on[A])
				start_member(A);
			else if (!w.on[B])
				start_member(B);
			break;
		case 2:
			w.parted = true;
			channel_down();
			break;
		case 3:
			w.parted = false;
			break;
		case 4:
			channel_down();
			break;
		case 5:
			w.brittle = true;
			break;
		case 6:
			w.brittle = false;
			break;
		case 7:
			break;
		}
		run((ns_t)(rand() % 2500) * MS, 7 * MS);
	}
	for (unsigned n = A; n <= B; n++)
		ck_assert_uint_eq(w.node[n]->ssp.count[SSP_CNT_GAPS], 0);
}

/* Split, healed, and a channel that breaks again and again while the numbers are told. */
START_TEST(healing_over_a_brittle_channel)
{
	for (unsigned seed = 500; seed < 560; seed++) {
		world_new(seed);
		w.parted = true;
		channel_down();
		w.bias = 1;
		run((ns_t)(2000 + rand() % 3000) * MS, 5 * MS);
		w.parted = false;
		w.brittle = true;
		run((ns_t)(rand() % 2000) * MS, 5 * MS);
		w.bias = 2;
		run((ns_t)(rand() % 2000) * MS, 5 * MS);
		w.brittle = false;
		run(3 * NS_PER_S, 5 * MS);
		expect_unique(seed);
	}
}
END_TEST

START_TEST(any_schedule_keeps_numbers_unique)
{
	for (unsigned seed = 100; seed < 220; seed++) {
		schedule_of(seed);
		expect_unique(seed);
	}
}
END_TEST

static void
heir_repeats(struct node_rules *r)
{
	r->resv.heir_above_r = false;
}

static void
lease_ignored(struct node_rules *r)
{
	r->resv.lost_waits_lease = false;
	r->resv.lost_skips_block = false;
}

/* The same schedules with a wrong rule: at least one of them must show it, or the check is worth
 * nothing. */
START_TEST(wrong_rules_are_seen)
{
	static void (*const wrong[])(struct node_rules *) = {heir_repeats, lease_ignored};

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		bool seen = false;

		spoil = wrong[i];
		for (unsigned seed = 100; seed < 220 && !seen; seed++) {
			schedule_of(seed);
			seen = twice() != 0;
		}
		spoil = NULL;
		ck_assert_msg(seen, "wrong rule %zu went unseen", i);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("pair");
	TCase *t = tcase_create("virtual clock");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_test(t, carries_over);
	tcase_add_test(t, there_and_back);
	tcase_add_test(t, standby_dies);
	tcase_add_test(t, split_and_heal);
	tcase_add_test(t, what_was_not_copied_is_not_spoken_of);
	tcase_add_test(t, any_schedule_keeps_numbers_unique);
	tcase_add_test(t, healing_over_a_brittle_channel);
	tcase_add_test(t, wrong_rules_are_seen);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
