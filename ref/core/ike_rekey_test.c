/* SPDX-License-Identifier: BSD-2-Clause */
/* Rekeying phase 1: ahead of the end, by either side, by both at once; pairs and exchanges go on.
 */
#include <stdlib.h>

#include "ref/core/ike_sim_test.h"

static struct sim sim;

#define S(n) ((n)*NS_PER_S)

static void
start(struct sim *s, uint64_t seed)
{
	sim_init(s, seed);
	for (unsigned i = 0; i < 2; i++)
		s->a.policy[i].lifetime_s = s->b.policy[i].lifetime_s = 1000;
}

static unsigned
live_sas(const struct side *d)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SIM_SAS; i++)
		n += d->sa[i].used && d->sa[i].up;
	return n;
}

/* All pairs of a side go with an IKE SA that it has. */
static void
expect_bound(const struct side *d)
{
	for (unsigned i = 0; i < SIM_CHILDREN; i++)
		if (d->child[i].used)
			ck_assert_ptr_nonnull(ike_sa_find(&d->k, &d->child[i].cookies));
}

static void
expect_one_sa(struct sim *s)
{
	ck_assert_uint_eq(live_sas(&s->a), 1);
	ck_assert_uint_eq(live_sas(&s->b), 1);
	expect_bound(&s->a);
	expect_bound(&s->b);
	ck_assert_uint_eq(s->a.child_downs + s->b.child_downs, 0);
	ck_assert_uint_eq(s->a.failed + s->b.failed, 0);
}

START_TEST(ahead_of_the_end)
{
	struct sim *s = &sim;

	start(s, (uint64_t)_i + 1);
	sim_established(s);
	sim_run(s, S(920));
	ck_assert_uint_eq(s->a.ups, 1);
	sim_run(s, S(941)); /* the soft limit, and before that up to 15 s by the cookies */
	ck_assert_uint_eq(s->a.ups, 2);
	ck_assert_uint_eq(s->b.ups, 2);
	sim_run(s, S(948));
	expect_one_sa(s);
	ck_assert_int_eq(s->a.down_reason, IKE_R_REPLACED);
	ck_assert_int_eq(s->b.down_reason, IKE_R_DELETED_BY_PEER);
	ck_assert_uint_eq(s->b.k.count[IKE_R_INITIAL_CONTACT], 1); /* the first time alone */
	ck_assert_uint_eq(s->a.adopts + s->b.adopts, 2);
	sim_dpd(s, &s->a, &s->b, ISAKMP_N_R_U_THERE, 1);
	sim_run(s, S(20000)); /* and so on */
	expect_one_sa(s);
	ck_assert_uint_ge(s->a.ups, 20);
	ck_assert_uint_le(s->a.ups, 23);
}
END_TEST

/* The initiator does nothing about it: the responder does, later. */
START_TEST(responder_rekeys)
{
	struct sim *s = &sim;

	start(s, 1);
	s->a.rules.rekey_phase1 = false;
	sim_established(s);
	sim_run(s, S(941));
	ck_assert_uint_eq(s->b.ups, 1);
	sim_run(s, S(990));
	ck_assert_uint_eq(s->b.ups, 2);
	expect_one_sa(s);
	ck_assert_int_eq(s->b.down_reason, IKE_R_REPLACED);
}
END_TEST

/* Nobody rekeys an IKE SA that has no pairs. */
START_TEST(without_pairs)
{
	struct sim *s = &sim;

	start(s, 1);
	sim_established(s);
	sim_step(s, &s->a,
		&(struct ike_in){
			.kind = IKE_IN_DELETE_CHILD, .spi = s->a.pair.spi_in, .send = true});
	sim_run(s, S(1100));
	ck_assert_uint_eq(s->a.ups, 1);
	ck_assert_uint_eq(live_sas(&s->a) + live_sas(&s->b), 0);
}
END_TEST

/* Both at the same moment, messages crossing in all orders: in the end there is one. */
START_TEST(both_at_once)
{
	struct sim *s = &sim;

	start(s, (uint64_t)_i + 1);
	s->jitter = _i ? 40 * NS_PER_MS : 0;
	sim_established(s);
	s->a.k.sa[0].rekey_at = s->b.k.sa[0].rekey_at = s->now + S(10) + (_i % 7) * 10 * NS_PER_MS;
	s->b.k.sa[0].rekey_at += (_i % 5) * 10 * NS_PER_MS;
	sim_run(s, s->now + S(12));
	sim_initiate(s, &s->a, s->a.pair.spi_in); /* while there are two or three */
	sim_initiate(s, &s->b, s->b.pair.spi_in);
	sim_run(s, s->now + S(25));
	expect_one_sa(s);
	ck_assert_uint_eq(s->a.news, 3);
	ck_assert_uint_eq(s->b.news, 3);
	ck_assert_mem_eq(
		&s->a.k.sa[ike_sa_newest(&s->a.k, (struct ike_end){s->a.map.peer, 0}) - s->a.k.sa]
			 .cookies,
		&s->b.k.sa[ike_sa_newest(&s->b.k, (struct ike_end){s->b.map.peer, 0}) - s->b.k.sa]
			 .cookies,
		sizeof(struct ike_cookies));
	sim_run(s, S(10000));
	expect_one_sa(s);
	ck_assert_uint_le(s->a.ups, 16); /* no loop */
}
END_TEST

/* A bad link makes it slower. */
START_TEST(bad_link)
{
	struct sim *s = &sim;

	start(s, (uint64_t)_i + 1);
	sim_established(s);
	s->loss_percent = 20;
	s->double_percent = 20;
	s->jitter = 300 * NS_PER_MS;
	s->a.rules.retries = s->b.rules.retries = 20;
	sim_run(s, S(1010));
	ck_assert_uint_ge(s->a.ups, 2);
	ck_assert_uint_eq(s->a.child_downs + s->b.child_downs, 0);
	ck_assert_uint_ge(live_sas(&s->a), 1);
	ck_assert_uint_ge(live_sas(&s->b), 1);
}
END_TEST

/* The other side is away for a while: it is tried again. */
static bool
swallow(struct sim *s, bool to_b, uint8_t *bytes, size_t *len)
{
	(void)to_b;
	(void)len;
	return bytes[18] != ISAKMP_X_MAIN || s->now > S(955);
}

START_TEST(tried_again)
{
	struct sim *s = &sim;

	start(s, 1);
	s->a.rules.retries = s->b.rules.retries = 2;
	sim_established(s);
	s->tap = swallow;
	sim_run(s, S(995));
	ck_assert_uint_eq(s->a.ups, 2);
	expect_one_sa(s);
}
END_TEST

/* A Quick Mode that waits for its answer when its IKE SA is deleted goes on under the other one. */
static bool
swallow_qm(struct sim *s, bool to_b, uint8_t *bytes, size_t *len)
{
	(void)to_b;
	(void)len;
	return bytes[18] != ISAKMP_X_QUICK || s->seen;
}

START_TEST(quick_mode_goes_over)
{
	struct sim *s = &sim;
	struct ike_cookies old;

	start(s, 1);
	sim_established(s);
	old = s->a.up;
	s->tap = swallow_qm;
	sim_initiate(s, &s->a, s->a.pair.spi_in);
	s->a.k.sa[0].rekey_at = s->now;
	s->a.k.due = ns_min(s->a.k.due, s->now);
	sim_run(s, s->now + NS_PER_S);
	ck_assert_uint_eq(s->a.ups, 2);
	sim_step(
		s, &s->b, &(struct ike_in){.kind = IKE_IN_DELETE_SA, .cookies = old, .send = true});
	s->seen = 1;
	sim_run(s, s->now + NS_PER_S);
	ck_assert_uint_eq(s->a.failed, 0);
	ck_assert_uint_eq(s->a.news, 2);
	ck_assert_uint_eq(s->b.use_outs, 2);
}
END_TEST

/* What an heir takes over in the middle: both SAs, of which the newer is used and the older goes.
 */
START_TEST(heir_in_the_middle)
{
	struct sim *s = &sim;
	struct ike_export x[2];
	struct ike_child ch;

	start(s, 1);
	sim_established(s);
	s->a.k.sa[0].rekey_at = S(100);
	s->a.k.due = ns_min(s->a.k.due, S(100));
	sim_run(s, S(101));
	ck_assert_uint_eq(live_sas(&s->a), 2);
	for (unsigned i = 0; i < 2; i++)
		ike_export(&s->a.k, &s->a.k.sa[i], s->now, &x[i]);
	ch = s->a.pair;
	sim_step(s, &s->a, &(struct ike_in){.kind = IKE_IN_CLEAR});
	sim_step(s, &s->a, &(struct ike_in){.kind = IKE_IN_ACTIVATE});
	sim_step(s, &s->a, &(struct ike_in){.kind = IKE_IN_IMPORT_CHILD, .child = &ch});
	for (unsigned i = 0; i < 2; i++)
		sim_step(s, &s->a,
			&(struct ike_in){.kind = IKE_IN_IMPORT, .export = &x[_i ? i : 1 - i]});
	sim_run(s, S(120));
	expect_one_sa(s);
	sim_initiate(s, &s->a, s->a.pair.spi_in);
	sim_run(s, S(122));
	ck_assert_uint_eq(s->b.use_outs, 2);
	sim_run(s, S(3000));
	expect_one_sa(s);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ike rekey");
	TCase *t = tcase_create("rekey");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, ahead_of_the_end, 0, 8);
	tcase_add_test(t, responder_rekeys);
	tcase_add_test(t, without_pairs);
	tcase_add_loop_test(t, both_at_once, 0, 60);
	tcase_add_loop_test(t, bad_link, 0, 30);
	tcase_add_test(t, tried_again);
	tcase_add_test(t, quick_mode_goes_over);
	tcase_add_loop_test(t, heir_in_the_middle, 0, 2);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
