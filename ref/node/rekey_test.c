/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rekeying, both phases, with traffic throughout: by the peer's lifetimes, by the pair's, by both
 * at once, and with a failover at any moment of it. No packet is lost but those of the outage, and
 * in the end there is one pair and one IKE SA.
 */
#include "ref/node/pair_world_test.h"

#define EVERY (20 * MS)

static uint64_t
sent_by_pair(void)
{
	uint64_t n = 0;

	for (unsigned i = A; i <= B; i++)
		n += w.node[i] ? w.node[i]->count[NODE_CNT_ENCRYPTED] : 0;
	return n;
}

static unsigned
inner_of_pair(void)
{
	return w.inner[A] + w.inner[B];
}

static void
expect_nothing_lost(void)
{
	run(10 * MS, 0); /* what flies lands */
	ck_assert_uint_eq(w.inner[P], sent_by_pair());
	ck_assert_uint_eq(inner_of_pair(), w.node[P]->count[NODE_CNT_ENCRYPTED]);
	ck_assert_uint_eq(w.node[P]->count[NODE_CNT_UNKNOWN_SPI], 0);
	ck_assert_uint_eq(w.node[A]->count[NODE_CNT_UNKNOWN_SPI], 0);
	ck_assert_uint_eq(w.node[B]->count[NODE_CNT_UNKNOWN_SPI], 0);
}

static unsigned
live_pairs(const struct node *n)
{
	unsigned cnt = 0;

	for (unsigned i = 0; i < n->pair_cnt; i++)
		cnt += n->pair[i].used && !n->pair[i].dormant;
	return cnt;
}

static unsigned
live_ikes(const struct node *n)
{
	unsigned cnt = 0;

	for (unsigned i = 0; i < n->ike_cnt; i++)
		cnt += n->ike[i].used && !n->ike[i].dormant;
	return cnt;
}

static void
expect_one_each(enum who active)
{
	ck_assert_uint_eq(live_pairs(w.node[P]), 1);
	ck_assert_uint_eq(live_pairs(w.node[active]), 1);
	ck_assert_uint_eq(live_ikes(w.node[P]), 1);
	ck_assert_uint_eq(live_ikes(w.node[active]), 1);
}

/* One after the other, for a quarter of an hour. */
START_TEST(in_turn)
{
	extra_text = "crypto ipsec security-association lifetime seconds 120\n";
	world_new(1);
	run(900 * NS_PER_S, 5 * EVERY);
	expect_nothing_lost();
	ck_assert_uint_ge(w.node[P]->count[NODE_CNT_REKEYS], 9);
	ck_assert_uint_le(w.node[P]->count[NODE_CNT_REKEYS], 12);
	ck_assert_uint_eq(w.node[A]->count[NODE_CNT_REKEYS], 0); /* whose turn would be later */
	ck_assert_uint_le(live_pairs(w.node[A]), 2);
	expect_unique(1);
}
END_TEST

/* Both phases under way together. */
START_TEST(phase1_too)
{
	uint64_t ups = 0;

	extra_text = "crypto ipsec security-association lifetime seconds 150\n";
	world_new(2);
	for (unsigned turn = 0; turn < 4; turn++) {
		uint64_t cnt = w.node[P]->ike_core.count[IKE_R_REKEY];

		for (unsigned i = 0; i < NODE_IKES; i++)
			if (w.node[P]->ike_core.sa[i].used)
				w.node[P]->ike_core.sa[i].rekey_at = w.now + 5 * NS_PER_S;
		w.node[P]->ike_core.due = w.now;
		run(130 * NS_PER_S, 5 * EVERY);
		ups += w.node[P]->ike_core.count[IKE_R_REKEY] - cnt;
	}
	ck_assert_uint_eq(ups, 4);
	run(12 * NS_PER_S, 5 * EVERY);
	expect_nothing_lost();
	ck_assert_uint_eq(live_ikes(w.node[P]), 1);
	ck_assert_uint_eq(live_ikes(w.node[A]), 1);
	ck_assert_uint_eq(w.node[P]->ike[0].dpd.cfg.mode, DPD_OFF); /* not configured there */
	for (unsigned i = 0; i < w.node[A]->ike_cnt; i++)
		if (w.node[A]->ike[i].used)
			ck_assert_int_eq(w.node[A]->ike[i].dpd.cfg.mode, DPD_PERIODIC);
	expect_unique(2);
}
END_TEST

static struct node_pair *
the_pair(struct node *n)
{
	for (unsigned i = 0; i < n->pair_cnt; i++)
		if (n->pair[i].used && !n->pair[i].dying)
			return &n->pair[i];
	return NULL;
}

/* Both sides rekey the same pair within a few milliseconds. */
static void
collide(unsigned seed)
{
	struct node_pair *a = the_pair(w.node[A]), *p = the_pair(w.node[P]);

	a->resv.rekey = p->resv.rekey = true; /* wanted now, whatever the lifetime */
	if (seed & 1)
		a->rekey_after = w.now + (ns_t)(seed % 9) * MS;
	else
		p->rekey_after = w.now + (ns_t)(seed % 9) * MS;
	pairs_touch(w.node[A], a);
	pairs_touch(w.node[P], p);
}

static void
rekey_pair(struct node *n)
{
	struct node_pair *p = the_pair(n);

	p->resv.rekey = true;
	pairs_touch(n, p);
}

static void
rekey_ike(struct node *n)
{
	n->ike_core.sa[0].rekey_at = n->ike_core.due = w.now;
}

START_TEST(collisions)
{
	extra_text = "";
	for (unsigned seed = 10; seed < 19; seed++) {
		world_new(seed);
		for (unsigned turn = 0; turn < 3; turn++) {
			collide(seed + turn);
			run(40 * NS_PER_S, EVERY);
			expect_one_each(A);
		}
		expect_nothing_lost();
		ck_assert_uint_le(
			w.node[A]->count[NODE_CNT_REKEYS] + w.node[P]->count[NODE_CNT_REKEYS], 6);
		expect_unique(seed);
	}
}
END_TEST

/* The active dies at any moment of a rekey of either phase, begun by either side, or by both. */
START_TEST(failover_within)
{
	extra_text = "";
	for (unsigned seed = 100; seed < 130; seed++) {
		unsigned before;

		world_new(seed);
		if (seed % 3 == 0)
			collide(seed);
		else if (seed % 3 == 1)
			rekey_pair(w.node[seed & 1 ? A : P]);
		else
			rekey_ike(w.node[seed & 1 ? A : P]);
		run((ns_t)(seed % 15) * MS, 2 * MS);
		power_off(A);
		run(1500 * MS, EVERY);
		ck_assert_int_eq(w.node[B]->role, NODE_ACTIVE);
		before = w.inner[P];
		run(30 * NS_PER_S, EVERY);
		ck_assert_msg(w.inner[P] >= before + 1495, "seed %u: %u of 1500", seed,
			w.inner[P] - before);
		run(60 * NS_PER_S, 10 * EVERY);
		ck_assert_msg(live_pairs(w.node[B]) == 1 && live_pairs(w.node[P]) == 1,
			"seed %u: pairs %u %u", seed, live_pairs(w.node[B]), live_pairs(w.node[P]));
		before = w.inner[P];
		run(10 * NS_PER_S, EVERY);
		ck_assert_uint_ge(w.inner[P], before + 499);
		ck_assert_uint_eq(w.node[P]->count[NODE_CNT_REPLAY], 0);
		expect_unique(seed);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("rekey");
	TCase *t = tcase_create("virtual clock");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_test(t, in_turn);
	tcase_add_test(t, phase1_too);
	tcase_add_test(t, collisions);
	tcase_add_test(t, failover_within);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
