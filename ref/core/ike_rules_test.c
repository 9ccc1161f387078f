/* SPDX-License-Identifier: BSD-2-Clause */
/* Each rule that is bent changes what it says it changes; and a course by the null provider. */
#include <stddef.h>
#include <stdlib.h>

#include "ref/core/ike_sim_test.h"

static struct sim sim;

#define S(n) ((n) * NS_PER_S)

START_TEST(null_provider)
{
	struct sim *s = &sim;

	sim_init(s, 1);
	s->a.k.crypto = s->b.k.crypto = &crypto_null;
	s->a.map.pfs_group = 14;
	sim_established(s);
	sim_dpd(s, &s->a, &s->b, ISAKMP_N_R_U_THERE, 1);
}
END_TEST

/* One side derives otherwise than the RFC: the two do not come together. */
static const struct {
	size_t at;
	bool value;
	unsigned ups; /* of the other, sound side */
} derive[] = {
	{offsetof(struct ike_rules, skeyid_order), false, 0},
	{offsetof(struct ike_rules, iv_from_msgid), false, 1},
	{offsetof(struct ike_rules, keymat_standard), false, 1},
	{offsetof(struct ike_rules, keymat_own_spi), false, 1},
	{offsetof(struct ike_rules, zero_shared_pfs), true, 1},
};

START_TEST(derivations)
{
	struct sim *s = &sim;
	bool matched;

	sim_init(s, 1);
	s->a.map.pfs_group = 14;
	*(bool *)((char *)&s->a.rules + derive[_i].at) = derive[_i].value;
	sim_initiate(s, &s->a, 0);
	sim_run(s, S(1));
	ck_assert_uint_eq(s->b.ups, derive[_i].ups);
	matched = s->a.news && s->b.news &&
		  memcmp(&s->a.pair.enc_in, &s->b.pair.enc_out, sizeof(struct secret)) == 0;
	ck_assert(!matched);
}
END_TEST

START_TEST(duplicates)
{
	struct sim *s = &sim;

	sim_init(s, 1);
	s->double_percent = 40;
	sim_established(s);
	ck_assert_uint_gt(s->b.k.count[IKE_R_DUPLICATE], 0);
	ck_assert_uint_eq(s->b.ups, 1);
	/* not answered */
	sim_init(s, 1);
	s->double_percent = 40;
	s->b.rules.answer_duplicates = false;
	sim_established(s);
	ck_assert_uint_eq(s->b.sent, 4);
	/* answered afresh: a second SA in the making */
	sim_init(s, 1);
	s->b.rules.redo_duplicates = true;
	s->double_percent = 100;
	sim_initiate(s, &s->a, 0);
	s->double_percent = 0;
	sim_run(s, S(1));
	ck_assert_uint_eq(s->b.k.count[IKE_R_REPLACED], 1);
}
END_TEST

START_TEST(initial_contact_rules)
{
	struct sim *s = &sim;

	sim_init(s, 1);
	s->a.rules.initial_contact = false;
	sim_established(s);
	ck_assert_uint_eq(s->b.k.count[IKE_R_INITIAL_CONTACT], 0);
	/* said though SAs are there; honoured or not */
	for (int honour = 0; honour < 2; honour++) {
		sim_init(s, 1);
		s->a.rules.initial_contact_always = true;
		s->b.rules.honour_initial_contact = honour;
		sim_established(s);
		sim_step(s, &s->a, &(struct ike_in){.kind = IKE_IN_FORGET, .cookies = s->a.up});
		sim_initiate(s, &s->a, 0);
		sim_run(s, s->now + S(1));
		ck_assert_uint_eq(s->a.ups, 2);
		ck_assert_uint_eq(s->b.k.count[IKE_R_INITIAL_CONTACT], 2);
		ck_assert_uint_eq(s->b.child_downs, (unsigned)honour);
	}
}
END_TEST

START_TEST(negotiation_rules)
{
	struct sim *s = &sim;

	/* B takes what its map does not allow */
	sim_init(s, 1);
	s->b.map.transform_cnt = 1;
	s->a.map.transform_cnt = 1;
	s->a.map.transform[0] = ESP_GCM128;
	s->b.rules.check_proposal = false;
	sim_established(s);
	ck_assert_int_eq(s->b.pair.transform, ESP_GCM128);
	/* proxies outside the ACL */
	sim_init(s, 1);
	s->b.acl.remote.net.len = 24;
	s->b.rules.check_proxies = false;
	sim_established(s);
	/* no PFS though asked for */
	sim_init(s, 1);
	s->b.map.pfs_group = 14;
	s->b.rules.check_pfs = false;
	sim_established(s);
	/* no lifetimes said: the default of RFC 2407 4.5 counts */
	sim_init(s, 1);
	s->a.rules.send_lifetime = false;
	s->b.map.lifetime_s = 86400;
	s->b.map.lifetime_kb = 0;
	sim_initiate(s, &s->a, 0);
	sim_run(s, S(1));
	ck_assert_uint_eq(s->b.pair.lifetime_s, 28800);
	/* without the vendor id no DPD */
	sim_init(s, 1);
	s->a.rules.send_vid = false;
	sim_established(s);
	ck_assert(!s->b.sa[0].dpd);
	sim_init(s, 1);
	s->a.rules.send_vid = false;
	s->b.rules.require_peer_vid = false;
	sim_established(s);
	ck_assert(s->b.sa[0].dpd);
}
END_TEST

START_TEST(message_rules)
{
	struct sim *s = &sim;
	struct flying f;

	/* message id 0 in an Informational is refused by the sound side */
	sim_init(s, 1);
	s->a.rules.info_msgid_zero = true;
	sim_established(s);
	sim_step(s, &s->a, &(struct ike_in){.kind = IKE_IN_DPD_SEND, .cookies = s->a.up,
				  .notify = ISAKMP_N_R_U_THERE, .seq = 1});
	sim_run(s, s->now + S(1));
	ck_assert_uint_eq(s->b.k.count[IKE_R_MSGID_ZERO], 1);
	/* a wrong cookie is taken only by the mutant */
	sim_init(s, 1);
	s->b.rules.check_cookie = false;
	sim_established(s);
	sim_step(s, &s->a, &(struct ike_in){.kind = IKE_IN_DPD_SEND, .cookies = s->a.up,
				  .notify = ISAKMP_N_R_U_THERE, .seq = 1});
	f = *sim_next(s);
	f.b[8] ^= 1;
	sim_packet(s, &s->b, f.from, f.to, f.b, f.len);
	ck_assert_uint_eq(s->b.dpd_ins, 1);
	/* no Delete leaves */
	sim_init(s, 1);
	s->a.rules.send_delete = false;
	sim_established(s);
	sim_step(s, &s->a,
		&(struct ike_in){.kind = IKE_IN_DELETE_SA,
			.cookies = s->a.up,
			.send = true,
			.children = true});
	sim_run(s, s->now + S(1));
	ck_assert_uint_eq(s->b.downs + s->b.child_downs, 0);
	/* no write-ahead: nothing is held */
	sim_init(s, 1);
	s->auto_release = false;
	s->a.rules.write_ahead = s->b.rules.write_ahead = false;
	sim_established(s);
	ck_assert_uint_eq(s->a.holds + s->b.holds, 0);
	/* no retransmission */
	sim_init(s, 1);
	s->a.rules.retries = 0;
	s->loss_percent = 100;
	sim_initiate(s, &s->a, 0);
	sim_run(s, S(60));
	ck_assert_uint_eq(s->a.sent, 1);
	ck_assert_uint_eq(s->a.failed, 1);
}
END_TEST

START_TEST(every_reason_has_a_name)
{
	for (unsigned i = 0; i < IKE_R_CNT; i++)
		ck_assert_ptr_nonnull(ike_reason_names[i]);
	for (unsigned i = 0; i < IKE_STATE_CNT; i++)
		ck_assert_ptr_nonnull(ike_state_names[i]);
}
END_TEST

int
main(void)
{
	Suite *su = suite_create("ike_rules");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, null_provider);
	tcase_add_loop_test(t, derivations, 0, (int)(sizeof(derive) / sizeof(derive[0])));
	tcase_add_test(t, duplicates);
	tcase_add_test(t, initial_contact_rules);
	tcase_add_test(t, negotiation_rules);
	tcase_add_test(t, message_rules);
	tcase_add_test(t, every_reason_has_a_name);
	suite_add_tcase(su, t);
	r = srunner_create(su);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
