/* SPDX-License-Identifier: BSD-2-Clause */
/* The Commit Bit: who waits, for what, how long; and what is lost. */
#include <stdlib.h>

#include "ref/core/ike_sim_test.h"

static struct sim sim;

#define S(n) ((n)*NS_PER_S)

/* Informationals are counted by s->seen, and swallowed while s->kept_len says so many. */
static bool
infos(struct sim *s, bool to_b, uint8_t *bytes, size_t *len)
{
	(void)to_b;
	(void)len;
	if (bytes[18] != ISAKMP_X_INFO)
		return true;
	s->seen++;
	return s->kept_len == 0 || s->kept_len-- == 0;
}

static void
start(struct sim *s, bool initiator_sets, bool responder_sets)
{
	sim_init(s, 1);
	s->a.cfg.commit = initiator_sets;
	s->b.cfg.commit = responder_sets;
	s->tap = infos;
}

/* Bits of _i: who sets it (1: initiator, 2: responder). */
START_TEST(set)
{
	struct sim *s = &sim;

	start(s, _i & 1, _i & 2);
	sim_established(s);
	ck_assert_uint_eq(s->seen, (unsigned)(_i & 1) + (_i >> 1 & 1));
	ck_assert_uint_eq(s->a.k.count[IKE_R_RETRANSMIT] + s->b.k.count[IKE_R_RETRANSMIT], 0);
	sim_run(s, S(100));
	ck_assert_uint_eq(s->a.use_outs + s->b.use_outs, 2);
	ck_assert_uint_eq(s->a.child_downs + s->b.child_downs, 0);
}
END_TEST

/* CONNECTED is lost twice: the last message again brings it again. */
START_TEST(lost)
{
	struct sim *s = &sim;

	start(s, _i == 1, _i == 2);
	s->kept_len = 2;
	sim_initiate(s, &s->a, 0);
	sim_run(s, S(1));
	ck_assert_uint_eq((_i == 1 ? &s->b : &s->a)->use_outs, 0);
	ck_assert_uint_eq((_i == 1 ? &s->a : &s->b)->use_outs, 1);
	sim_run(s, S(20));
	ck_assert_uint_eq(s->a.use_outs, 1);
	ck_assert_uint_eq(s->b.use_outs, 1);
	ck_assert_uint_eq(s->seen, 3);
	sim_pairs_match(s);
}
END_TEST

/* It never comes: the pair is given up, on both sides. */
START_TEST(never)
{
	struct sim *s = &sim;

	start(s, _i == 1, _i == 2);
	(_i == 1 ? &s->a : &s->b)->rules.send_connected = false;
	sim_initiate(s, &s->a, 0);
	sim_run(s, S(120));
	ck_assert_uint_eq((_i == 1 ? &s->b : &s->a)->use_outs, 0);
	ck_assert_uint_eq(s->a.child_downs, 1);
	ck_assert_uint_eq(s->b.child_downs, 1);
	ck_assert_uint_eq(s->a.failed, _i == 1 ? 0u : 1u);
}
END_TEST

/* Traffic on the new pair says as much. */
START_TEST(traffic)
{
	struct sim *s = &sim;
	struct side *waits;

	start(s, _i == 1, _i == 2);
	waits = _i == 1 ? &s->b : &s->a;
	(_i == 1 ? &s->a : &s->b)->rules.send_connected = false;
	sim_initiate(s, &s->a, 0);
	sim_run(s, S(1));
	ck_assert_uint_eq(waits->use_outs, 0);
	sim_step(s, waits, &(struct ike_in){.kind = IKE_IN_PROVEN, .spi = waits->pair.spi_in});
	ck_assert_uint_eq(waits->use_outs, 1);
	sim_run(s, S(120));
	ck_assert_uint_eq(s->a.child_downs + s->b.child_downs, 0);
}
END_TEST

/* Not honoured; and said under another id, which nobody waits for. */
START_TEST(bent)
{
	struct sim *s = &sim;

	start(s, false, true);
	s->a.rules.honour_commit = false;
	s->b.rules.send_connected = false;
	sim_established(s);
	start(s, false, true);
	s->b.rules.connected_msgid = false;
	sim_initiate(s, &s->a, 0);
	sim_run(s, S(1));
	ck_assert_uint_eq(s->a.use_outs, 0);
	ck_assert_uint_ge(s->a.k.count[IKE_R_NOTIFY_IGNORED], 1);
}
END_TEST

/* In Main Mode the bit means nothing. */
static bool
main_mode_bit(struct sim *s, bool to_b, uint8_t *bytes, size_t *len)
{
	(void)s;
	(void)to_b;
	(void)len;
	if (bytes[18] == ISAKMP_X_MAIN)
		bytes[19] |= ISAKMP_F_COMMIT;
	return true;
}

START_TEST(in_main_mode)
{
	struct sim *s = &sim;

	start(s, false, false);
	s->tap = main_mode_bit;
	sim_established(s);
}
END_TEST

/* All of it over a bad link. */
START_TEST(bad_link)
{
	struct sim *s = &sim;

	start(s, _i & 1, _i & 2);
	s->rnd += (uint64_t)_i * 7919;
	s->tap = NULL;
	s->a.rules.retries = s->b.rules.retries = 20;
	s->a.rules.half_open_time = s->b.rules.half_open_time = S(600);
	s->a.rules.linger = s->b.rules.linger = S(600);
	s->loss_percent = 25;
	s->double_percent = 20;
	s->jitter = 300 * NS_PER_MS;
	sim_initiate(s, &s->a, 0);
	sim_run(s, S(500));
	ck_assert_uint_eq(s->a.use_outs, 1);
	ck_assert_uint_eq(s->b.use_outs, 1);
	ck_assert_uint_eq(s->a.failed + s->a.child_downs + s->b.child_downs, 0);
	sim_pairs_match(s);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ike commit");
	TCase *t = tcase_create("commit");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, set, 0, 4);
	tcase_add_loop_test(t, lost, 1, 3);
	tcase_add_loop_test(t, never, 1, 3);
	tcase_add_loop_test(t, traffic, 1, 3);
	tcase_add_test(t, bent);
	tcase_add_test(t, in_main_mode);
	tcase_add_loop_test(t, bad_link, 0, 40);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
