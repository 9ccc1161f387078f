/* SPDX-License-Identifier: BSD-2-Clause */
/* Taken out of one core, put into another: it carries on as if nothing had happened. */
#include <stdlib.h>

#include "ref/core/ike_sim_test.h"

static struct sim sim;

#define S(n) ((n)*NS_PER_S)

/* Give all that `from` holds to a fresh core in its place. */
static void
take_over(struct sim *s, struct side *d, const struct ike_child *pair)
{
	static struct ike_export x[SIM_SAS];
	unsigned cnt = 0;

	for (unsigned i = 0; i < SIM_SAS; i++)
		if (d->sa[i].used && d->sa[i].visible)
			ike_export(&d->k, &d->sa[i], s->now, &x[cnt++]);
	sim_step(s, d, &(struct ike_in){.kind = IKE_IN_CLEAR});
	sim_step(s, d, &(struct ike_in){.kind = IKE_IN_ACTIVATE});
	for (unsigned i = 0; i < cnt; i++)
		sim_step(s, d, &(struct ike_in){.kind = IKE_IN_IMPORT, .export = &x[i]});
	if (pair)
		sim_step(s, d, &(struct ike_in){.kind = IKE_IN_IMPORT_CHILD, .child = pair});
}

START_TEST(carried_over)
{
	struct sim *s = &sim;
	struct side *heir = _i ? &s->a : &s->b, *peer = _i ? &s->b : &s->a;
	uint32_t left;

	sim_init(s, 1);
	sim_established(s);
	sim_run(s, S(100));
	take_over(s, heir, &heir->pair);
	left = (uint32_t)((ike_sa_find(&heir->k, &heir->up)->hard_at - s->now) / NS_PER_S);
	ck_assert_uint_le(left, 86400 - 99);
	ck_assert_uint_ge(left, 86400 - 101);
	sim_dpd(s, heir, peer, ISAKMP_N_R_U_THERE, 5);
	sim_dpd(s, peer, heir, ISAKMP_N_R_U_THERE_ACK, 5);
	sim_dpd(s, peer, heir, ISAKMP_N_R_U_THERE, 6);
	sim_initiate(s, heir, heir->pair.spi_in);
	sim_run(s, s->now + S(1));
	ck_assert_uint_eq(heir->news, 2);
	sim_pairs_match(s);
	sim_initiate(s, peer, 0);
	sim_run(s, s->now + S(1));
	ck_assert_uint_eq(heir->news, 3);
	ck_assert_uint_eq(heir->use_outs, 3);
	sim_pairs_match(s);
	sim_step(s, peer,
		&(struct ike_in){
			.kind = IKE_IN_DELETE_CHILD, .spi = peer->pair.spi_in, .send = true});
	sim_run(s, s->now + S(1));
	ck_assert_int_eq(heir->child_down_reason, IKE_R_DELETED_BY_PEER);
	sim_step(s, heir,
		&(struct ike_in){.kind = IKE_IN_DELETE_SA, .cookies = heir->up, .send = true});
	sim_run(s, s->now + S(1));
	ck_assert_int_eq(peer->down_reason, IKE_R_DELETED_BY_PEER);
	ck_assert_uint_eq(peer->ups, 1);
}
END_TEST

/* A message id that the old member used is still used. */
START_TEST(message_ids_carried_over)
{
	struct sim *s = &sim;
	struct side *b = &s->b;
	struct flying *f;
	struct flying copy;

	sim_init(s, 1);
	sim_established(s);
	sim_step(s, &s->a,
		&(struct ike_in){.kind = IKE_IN_DPD_SEND,
			.cookies = s->a.up,
			.notify = ISAKMP_N_R_U_THERE,
			.seq = 1});
	f = sim_next(s);
	copy = *f;
	sim_run(s, s->now + S(1));
	ck_assert_uint_eq(b->dpd_ins, 1);
	take_over(s, b, NULL);
	sim_packet(s, b, copy.from, copy.to, copy.b, copy.len);
	ck_assert_uint_eq(b->dpd_ins, 1);
	ck_assert_int_eq(b->note, IKE_R_MSGID_USED);
	b->rules.check_msgid = false;
	sim_packet(s, b, copy.from, copy.to, copy.b, copy.len);
	ck_assert_uint_eq(b->dpd_ins, 2);
}
END_TEST

/* Taken over in the middle of a Quick Mode: the heir answers the repeated message 1 afresh. */
START_TEST(quick_mode_interrupted)
{
	struct sim *s = &sim;

	sim_init(s, 1);
	sim_established(s);
	s->auto_release = false;
	sim_initiate(s, &s->a, 0);
	sim_run(s, s->now + S(1));
	ck_assert_int_eq(s->b.held, IKE_HELD_QM2);
	take_over(s, &s->b, &s->b.pair);
	s->auto_release = true;
	sim_run(s, s->now + S(5));
	ck_assert_uint_eq(s->a.news, 2);
	ck_assert_uint_eq(s->b.news, 3);
	ck_assert_uint_eq(s->b.use_outs, 2);
	ck_assert_uint_eq(s->a.failed, 0);
	sim_pairs_match(s);
}
END_TEST

/* Taken over between message 5 and 6: the copy is no proof of anything, and goes by itself. */
START_TEST(unconfirmed)
{
	struct sim *s = &sim;
	struct ike_cookies c;

	sim_init(s, 1);
	s->auto_release = false;
	s->b.rules.initial_contact = false;
	sim_initiate(s, &s->a, 0);
	sim_run(s, S(1));
	ck_assert_int_eq(s->a.held, IKE_HELD_MM5);
	c = s->a.sa[0].cookies;
	ck_assert(!ike_sa_find(&s->a.k, &c)->confirmed);
	take_over(s, &s->a, NULL);
	ck_assert_ptr_nonnull(ike_sa_find(&s->a.k, &c));
	ck_assert_ptr_null(ike_sa_for_peer(&s->a.k, (struct ike_end){s->a.map.peer, 0}, s->now));
	s->auto_release = true;
	sim_initiate(s, &s->a, 0);
	sim_run(s, S(2));
	ck_assert_uint_eq(s->a.ups, 1);
	ck_assert_uint_eq(s->b.k.count[IKE_R_INITIAL_CONTACT], 0);
	sim_run(s, S(100));
	ck_assert_uint_eq(s->a.downs, 1);
	ck_assert_int_eq(s->a.down_reason, IKE_R_TIMEOUT);
	ck_assert_ptr_null(ike_sa_find(&s->a.k, &c));
}
END_TEST

int
main(void)
{
	Suite *su = suite_create("ike_copy");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, carried_over, 0, 2);
	tcase_add_test(t, message_ids_carried_over);
	tcase_add_test(t, quick_mode_interrupted);
	tcase_add_test(t, unconfirmed);
	suite_add_tcase(su, t);
	r = srunner_create(su);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
