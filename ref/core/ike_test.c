/* SPDX-License-Identifier: BSD-2-Clause */
/* Two cores that do as they should: all combinations, a bad link, Delete, DPD, lifetimes. */
#include <stdlib.h>

#include "ref/core/ike_sim_test.h"

static struct sim sim;

#define S(n) ((n) * NS_PER_S)

START_TEST(combinations)
{
	static const enum esp_transform t[] = {ESP_CBC128_SHA1, ESP_CBC128_SHA256, ESP_GCM128};
	static const uint16_t pfs[] = {0, 2, 14};
	struct sim *s = &sim;

	sim_init(s, 1);
	s->a.policy[0].hash = _i & 1 ? CRYPTO_SHA1 : CRYPTO_SHA256;
	s->a.policy[0].group = _i & 2 ? 2 : 14;
	s->a.cfg.policy_cnt = s->b.cfg.policy_cnt = 1;
	s->b.policy[0] = s->a.policy[0];
	s->a.map.transform_cnt = 1;
	s->a.map.transform[0] = t[_i / 4 % 3];
	s->a.map.pfs_group = pfs[_i / 12];
	s->b.map.is_dynamic = _i % 5 == 0;
	sim_established(s);
	ck_assert_int_eq(s->a.pair.transform, t[_i / 4 % 3]);
	ck_assert_uint_eq(s->a.pair.pfs_group, pfs[_i / 12]);
	ck_assert_uint_eq(s->a.sent, 5); /* MM1 MM3 MM5 QM1 QM3 */
	ck_assert_uint_eq(s->b.sent, 4);
	ck_assert_uint_eq(s->a.holds, 2);
	ck_assert_uint_eq(s->b.holds, 2);
	ck_assert_uint_eq(s->a.k.sa[0].group, _i & 2 ? 2 : 14);
}
END_TEST

/* Both agree on it, and carry it: every cipher with every hash, and with keys longer than a digest. */
START_TEST(phase1_algorithms)
{
	static const struct {
		uint16_t cipher, bits;
	} ciphers[] = {{ISAKMP_CIPHER_AES, 128}, {ISAKMP_CIPHER_AES, 192}, {ISAKMP_CIPHER_AES, 256},
		{ISAKMP_CIPHER_3DES, 0}};
	static const uint16_t hashes[] = {
		CRYPTO_MD5, CRYPTO_SHA1, CRYPTO_SHA256, CRYPTO_SHA384, CRYPTO_SHA512};
	struct sim *s = &sim;

	sim_init(s, 1);
	s->a.policy[0].cipher = ciphers[_i % 4].cipher;
	s->a.policy[0].key_bits = ciphers[_i % 4].bits;
	s->a.policy[0].hash = hashes[_i / 4];
	s->a.policy[0].group = CRYPTO_ECP256;
	s->a.cfg.policy_cnt = s->b.cfg.policy_cnt = 1;
	s->b.policy[0] = s->a.policy[0];
	sim_established(s);
	ck_assert_uint_eq(s->b.k.sa[0].cipher, ciphers[_i % 4].cipher);
	ck_assert_uint_eq(s->b.k.sa[0].hash, hashes[_i / 4]);
	ck_assert_uint_eq(s->b.k.sa[0].key.len, _i % 4 == 0 ? 16 : _i % 4 == 2 ? 32 : 24);
}
END_TEST

START_TEST(groups)
{
	static const uint16_t group[] = {2, 5, 14, 15, 16, 19, 20};
	struct sim *s = &sim;

	sim_init(s, 1);
	s->a.policy[0].group = group[_i];
	s->a.cfg.policy_cnt = s->b.cfg.policy_cnt = 1;
	s->b.policy[0] = s->a.policy[0];
	s->a.map.pfs_group = group[_i];
	sim_established(s);
	ck_assert_uint_eq(s->b.k.sa[0].group, group[_i]);
	ck_assert_uint_eq(s->b.pair.pfs_group, group[_i]);
}
END_TEST

START_TEST(transforms)
{
	enum esp_transform t = (enum esp_transform)(_i + 1);
	struct sim *s = &sim;

	sim_init(s, 1);
	s->a.map.transform_cnt = 1;
	s->a.map.transform[0] = t;
	s->b.map.transform[0] = t == ESP_GCM256 ? ESP_CBC128_MD5 : ESP_GCM256;
	s->b.map.transform[1] = t;
	sim_established(s);
	ck_assert_int_eq(s->b.pair.transform, t);
	ck_assert_uint_eq(s->b.pair.enc_in.len, esp_alg(t)->enc_len);
	ck_assert_int_eq(memcmp(s->a.pair.enc_out.b, s->b.pair.enc_in.b, s->b.pair.enc_in.len), 0);
}
END_TEST

/* A lossy, doubling, reordering link only costs time. */
START_TEST(bad_link)
{
	struct sim *s = &sim;

	sim_init(s, (uint64_t)_i + 1);
	s->a.rules.retries = s->b.rules.retries = 20;
	s->a.rules.half_open_time = s->b.rules.half_open_time = S(600);
	s->a.rules.linger = s->b.rules.linger = S(600);
	s->loss_percent = 25;
	s->double_percent = 20;
	s->jitter = 300 * NS_PER_MS;
	s->a.map.pfs_group = _i & 1 ? 14 : 0;
	sim_initiate(s, &s->a, 0);
	sim_run(s, S(500));
	ck_assert_uint_eq(s->a.ups, 1);
	ck_assert_uint_eq(s->a.news, 1);
	ck_assert_uint_eq(s->b.news, 1);
	ck_assert_uint_eq(s->a.use_outs, 1);
	ck_assert_uint_eq(s->b.use_outs, 1);
	sim_pairs_match(s);
	ck_assert_uint_eq(s->a.failed + s->a.child_downs + s->b.child_downs + s->b.downs, 0);
}
END_TEST

START_TEST(dead_link)
{
	struct sim *s = &sim;

	sim_init(s, 1);
	s->loss_percent = 100;
	sim_initiate(s, &s->a, 0);
	sim_initiate(s, &s->a, 0);
	ck_assert_uint_eq(s->a.k.count[IKE_R_ALREADY], 1);
	sim_run(s, S(300));
	ck_assert_uint_eq(s->a.failed, 1);
	ck_assert_int_eq(s->a.failed_reason, IKE_R_TIMEOUT);
	ck_assert_uint_eq(s->a.sent, 1 + s->a.rules.retries);
	ck_assert_uint_eq(s->a.downs, 0);
	ck_assert(!ike_busy(&s->a.k, s->a.map.peer));
	ck_assert_int_eq(ike_deadline(&s->a.k), NS_NEVER);
	for (unsigned i = 0; i < SIM_SAS; i++)
		ck_assert(!s->a.sa[i].used);
}
END_TEST

static bool
swallow_mm5(struct sim *s, bool to_b, uint8_t *bytes, size_t *len)
{
	(void)len;
	if (to_b && bytes[18] == ISAKMP_X_MAIN && bytes[19] & 1)
		s->seen++;
	return !(to_b && bytes[18] == ISAKMP_X_MAIN && bytes[19] & 1);
}

/* Message 5 never arrives: the SA that the standby was told of goes down again. */
START_TEST(mm5_lost)
{
	struct sim *s = &sim;

	sim_init(s, 1);
	s->tap = swallow_mm5;
	sim_initiate(s, &s->a, 0);
	sim_run(s, S(300));
	ck_assert_uint_eq(s->a.holds, 1);
	ck_assert_uint_gt(s->seen, 3);
	ck_assert_uint_eq(s->a.downs, 1);
	ck_assert_int_eq(s->a.down_reason, IKE_R_TIMEOUT);
	ck_assert_uint_eq(s->b.downs, 0);
	ck_assert_int_eq(ike_deadline(&s->b.k), NS_NEVER);
}
END_TEST

static bool
swallow_qm3(struct sim *s, bool to_b, uint8_t *bytes, size_t *len)
{
	(void)len;
	return !(to_b && bytes[18] == ISAKMP_X_QUICK && ++s->seen > 1);
}

/* Message 3 never arrives: the responder repeats 2, gives up, tells the initiator. */
START_TEST(qm3_lost)
{
	struct sim *s = &sim;

	sim_init(s, 1);
	s->tap = swallow_qm3;
	sim_initiate(s, &s->a, 0);
	sim_run(s, S(300));
	ck_assert_uint_gt(s->seen, 4);
	ck_assert_uint_eq(s->b.use_outs, 0);
	ck_assert_uint_eq(s->b.child_downs, 1);
	ck_assert_int_eq(s->b.child_down_reason, IKE_R_TIMEOUT);
	ck_assert_uint_eq(s->a.child_downs, 1);
	ck_assert_int_eq(s->a.child_down_reason, IKE_R_DELETED_BY_PEER);
}
END_TEST

/* Nothing that lets the peer use an SA leaves before RELEASE. */
START_TEST(write_ahead)
{
	static const struct {
		bool a;
		enum ike_held what;
	} order[] = {{true, IKE_HELD_MM5}, {false, IKE_HELD_MM6}, {false, IKE_HELD_QM2},
		{true, IKE_HELD_QM3}};
	struct sim *s = &sim;

	sim_init(s, 1);
	s->auto_release = false;
	sim_initiate(s, &s->a, 0);
	for (unsigned i = 0; i < 4; i++) {
		struct side *d = order[i].a ? &s->a : &s->b;
		struct ike_cookies c;
		unsigned sent;

		/* As long as it is held, the peer's repetitions get no answer either. */
		sim_run(s, s->now + S(5));
		ck_assert_uint_eq(d->holds, i == 0 || i == 1 ? 1 : 2);
		ck_assert_int_eq(d->held, order[i].what);
		sent = d->sent;
		sim_run(s, s->now + S(20));
		ck_assert_uint_eq(d->sent, sent);
		c = d->k.sa[0].cookies;
		ck_assert_ptr_nonnull(ike_sa_find(&d->k, &c));
		if (i == 2 || i == 3) {
			ck_assert_uint_eq(d->news, 1);
			ck_assert_uint_eq(d->use_outs, 0);
		}
		sim_step(s, d, &(struct ike_in){.kind = IKE_IN_RELEASE, .token = d->token});
		ck_assert_uint_eq(d->sent, sent + 1);
		sim_step(s, d, &(struct ike_in){.kind = IKE_IN_RELEASE, .token = d->token});
		ck_assert_uint_eq(d->sent, sent + 1);
		ck_assert_int_eq(d->note, IKE_R_TOKEN);
	}
	sim_run(s, s->now + S(1));
	ck_assert_uint_eq(s->b.use_outs, 1);
	sim_pairs_match(s);
}
END_TEST

START_TEST(deletes)
{
	struct sim *s = &sim;

	sim_init(s, 1);
	sim_established(s);
	sim_step(s, &s->b, &(struct ike_in){.kind = IKE_IN_DELETE_CHILD, .spi = s->b.pair.spi_in,
				  .send = true});
	sim_run(s, s->now + S(1));
	ck_assert_uint_eq(s->b.child_downs, 1);
	ck_assert_int_eq(s->b.child_down_reason, IKE_R_DELETED);
	ck_assert_uint_eq(s->a.child_downs, 1);
	ck_assert_int_eq(s->a.child_down_reason, IKE_R_DELETED_BY_PEER);
	ck_assert_ptr_null(ike_child_find(&s->a.k, s->a.pair.spi_in));
	sim_step(s, &s->a, &(struct ike_in){.kind = IKE_IN_DELETE_SA, .cookies = s->a.up,
				  .send = true, .children = true});
	sim_run(s, s->now + S(1));
	ck_assert_int_eq(s->a.down_reason, IKE_R_DELETED);
	ck_assert_int_eq(s->b.down_reason, IKE_R_DELETED_BY_PEER);
	ck_assert_ptr_null(ike_sa_find(&s->b.k, &s->b.up));
	/* and without a word */
	sim_init(s, 2);
	sim_established(s);
	sim_step(s, &s->a, &(struct ike_in){.kind = IKE_IN_DELETE_SA, .cookies = s->a.up,
				  .children = true});
	sim_run(s, s->now + S(1));
	ck_assert_uint_eq(s->a.child_downs, 1);
	ck_assert_uint_eq(s->b.downs + s->b.child_downs, 0);
}
END_TEST

START_TEST(delete_not_honoured)
{
	struct sim *s = &sim;

	sim_init(s, 1);
	s->a.rules.honour_delete = false;
	sim_established(s);
	sim_step(s, &s->b, &(struct ike_in){.kind = IKE_IN_DELETE_CHILD, .spi = s->b.pair.spi_in,
				  .send = true});
	sim_run(s, s->now + S(1));
	ck_assert_uint_eq(s->a.child_downs, 0);
	ck_assert_uint_eq(s->a.k.count[IKE_R_DELETE_IGNORED], 1);
}
END_TEST

START_TEST(dpd_both_ways)
{
	struct sim *s = &sim;

	sim_init(s, 1);
	sim_established(s);
	sim_dpd(s, &s->a, &s->b, ISAKMP_N_R_U_THERE, 0x11223344);
	sim_dpd(s, &s->b, &s->a, ISAKMP_N_R_U_THERE_ACK, 0x11223344);
	ck_assert_uint_gt(s->b.changed, 1);
	/* not agreed: counted, not told */
	sim_init(s, 1);
	s->b.cfg.dpd = false;
	sim_established(s);
	ck_assert(!s->a.k.sa[0].dpd && !s->b.k.sa[0].dpd);
	sim_step(s, &s->a, &(struct ike_in){.kind = IKE_IN_DPD_SEND, .cookies = s->a.up,
				  .notify = ISAKMP_N_R_U_THERE, .seq = 1});
	sim_run(s, s->now + S(1));
	ck_assert_uint_eq(s->b.dpd_ins, 0);
	ck_assert_int_eq(s->b.note, IKE_R_DPD_NOT_AGREED);
}
END_TEST

/* Both begin at once, and both say INITIAL-CONTACT: neither ends what the other has begun. */
START_TEST(both_at_once)
{
	struct sim *s = &sim;

	sim_init(s, (uint64_t)_i + 1);
	s->jitter = _i ? 30 * NS_PER_MS : 0;
	sim_initiate(s, &s->a, 0);
	sim_initiate(s, &s->b, 0);
	sim_run(s, S(10));
	ck_assert_uint_eq(s->a.failed + s->b.failed, 0);
	ck_assert_ptr_nonnull(ike_sa_for_peer(&s->a.k, (struct ike_end){s->a.map.peer, 0}, s->now));
	ck_assert_ptr_nonnull(ike_sa_for_peer(&s->b.k, (struct ike_end){s->b.map.peer, 0}, s->now));
	ck_assert_uint_eq(s->a.news, s->b.news);
	ck_assert_uint_ge(s->a.news - s->a.child_downs, 1);
}
END_TEST

/* A second Quick Mode under the same IKE SA; both sides as initiator at once. */
START_TEST(rekey)
{
	struct sim *s = &sim;
	uint32_t old;

	sim_init(s, 1);
	sim_established(s);
	old = s->a.pair.spi_in;
	sim_initiate(s, &s->a, old);
	sim_run(s, s->now + S(1));
	ck_assert_uint_eq(s->a.news, 2);
	ck_assert_uint_eq(s->a.ups, 1);
	ck_assert_uint_eq(s->a.pair.replaces, old);
	ck_assert_uint_ne(s->a.pair.spi_in, old);
	sim_pairs_match(s);
	sim_initiate(s, &s->b, 0);
	sim_run(s, s->now + S(1));
	ck_assert_uint_eq(s->b.news, 3);
	ck_assert_uint_eq(s->b.ups, 1);
	sim_pairs_match(s);
	sim_initiate(s, &s->a, 0);
	sim_initiate(s, &s->b, 0);
	sim_run(s, s->now + S(1));
	ck_assert_uint_eq(s->a.news, 5);
	ck_assert_uint_eq(s->b.use_outs, 5);
}
END_TEST

START_TEST(shorter_lifetime_is_told)
{
	struct sim *s = &sim;

	sim_init(s, 1);
	s->b.map.lifetime_s = 600;
	s->b.map.lifetime_kb = 0;
	sim_established(s);
	ck_assert_uint_eq(s->a.pair.lifetime_s, 600);
	ck_assert_uint_eq(s->a.pair.lifetime_kb, 4608000);
	sim_init(s, 1);
	s->b.map.lifetime_s = 600;
	s->b.rules.responder_lifetime = false;
	sim_initiate(s, &s->a, 0);
	sim_run(s, s->now + S(1));
	ck_assert_uint_eq(s->a.pair.lifetime_s, 3600);
	ck_assert_uint_eq(s->b.pair.lifetime_s, 600);
}
END_TEST

START_TEST(ike_lifetime)
{
	struct sim *s = &sim;

	sim_init(s, 1);
	for (unsigned i = 0; i < 2; i++)
		s->a.policy[i].lifetime_s = 1000;
	s->a.rules.rekey_phase1 = s->b.rules.rekey_phase1 = false;
	sim_established(s);
	ck_assert_uint_eq(s->b.k.sa[0].lifetime_s, 1000);
	sim_run(s, S(940) - NS_PER_S);
	ck_assert_ptr_nonnull(ike_sa_for_peer(&s->a.k, (struct ike_end){s->a.map.peer, 0}, s->now));
	sim_run(s, S(945));
	ck_assert_uint_eq(s->a.k.count[IKE_R_SOFT], 1);
	ck_assert_ptr_null(ike_sa_for_peer(&s->a.k, (struct ike_end){s->a.map.peer, 0}, s->now));
	/* a new exchange now makes a new IKE SA first, without INITIAL-CONTACT */
	sim_initiate(s, &s->a, 0);
	sim_run(s, S(950));
	ck_assert_uint_eq(s->a.ups, 2);
	ck_assert_uint_eq(s->b.k.count[IKE_R_INITIAL_CONTACT], 1);
	sim_run(s, S(1010)); /* replaced, or expired: either way it is told */
	ck_assert_uint_eq(s->a.downs, 1);
	ck_assert_uint_eq(s->b.downs, 1);
	ck_assert_uint_eq(s->a.child_downs, 0);
}
END_TEST

/* A peer that lost all says so; we drop what we held of it. */
START_TEST(initial_contact)
{
	struct sim *s = &sim;

	sim_init(s, 1);
	sim_established(s);
	ck_assert_uint_eq(s->b.k.count[IKE_R_INITIAL_CONTACT], 1);
	ck_assert_uint_eq(s->a.k.count[IKE_R_INITIAL_CONTACT], 1);
	sim_step(s, &s->a, &(struct ike_in){.kind = IKE_IN_CLEAR});
	sim_initiate(s, &s->a, 0);
	ck_assert_int_eq(s->a.failed_reason, IKE_R_INACTIVE);
	sim_step(s, &s->a, &(struct ike_in){.kind = IKE_IN_ACTIVATE});
	sim_initiate(s, &s->a, 0);
	sim_run(s, s->now + S(1));
	ck_assert_uint_eq(s->a.ups, 2);
	ck_assert_uint_eq(s->b.downs, 1);
	ck_assert_int_eq(s->b.down_reason, IKE_R_INITIAL_CONTACT);
	ck_assert_uint_eq(s->b.child_downs, 1);
	/* but with mirrored SAs around it is not said */
	sim_step(s, &s->a, &(struct ike_in){.kind = IKE_IN_CLEAR});
	sim_step(s, &s->a, &(struct ike_in){.kind = IKE_IN_ACTIVATE});
	sim_step(s, &s->a,
		&(struct ike_in){.kind = IKE_IN_KNOWN_PEER, .remote = {s->a.map.peer, 0}});
	sim_initiate(s, &s->a, 0);
	sim_run(s, s->now + S(1));
	ck_assert_uint_eq(s->a.ups, 3);
	ck_assert_uint_eq(s->b.downs, 1);
}
END_TEST

START_TEST(unknown_spi)
{
	struct sim *s = &sim;
	struct ike_in in = {.kind = IKE_IN_UNKNOWN_SPI, .remote = {IP4(192, 0, 2, 2), 0}};

	sim_init(s, 1);
	sim_step(s, &s->a, &in);
	ck_assert_int_eq(s->a.note, IKE_R_NO_SA);
	sim_established(s);
	/* A forgets; B goes on sending to an SPI that is not there. */
	sim_step(s, &s->a, &(struct ike_in){.kind = IKE_IN_FORGET_CHILD, .spi = s->a.pair.spi_in});
	in.spi = s->a.pair.spi_in;
	sim_step(s, &s->a, &in);
	sim_step(s, &s->a, &in);
	ck_assert_int_eq(s->a.note, IKE_R_NOTIFY_RATE);
	sim_run(s, s->now + S(1));
	ck_assert_uint_eq(s->b.child_downs, 1);
	ck_assert_int_eq(s->b.child_down_reason, IKE_R_DELETED_BY_PEER);
}
END_TEST

START_TEST(silent_when_not_active)
{
	struct sim *s = &sim;

	sim_init(s, 1);
	sim_step(s, &s->b, &(struct ike_in){.kind = IKE_IN_CLEAR});
	sim_initiate(s, &s->a, 0);
	sim_run(s, S(10));
	ck_assert_uint_eq(s->b.sent, 0);
	ck_assert_uint_gt(s->b.k.count[IKE_R_INACTIVE], 1);
}
END_TEST

/* More children than the action list has places: all are told, over several steps. */
START_TEST(all_downs_are_told)
{
	static struct ike_child many[200];
	static struct sim *s = &sim;

	sim_init(s, 1);
	s->a.k.child = many;
	s->a.k.child_cnt = 200;
	memset(many, 0, sizeof(many));
	sim_established(s);
	for (uint32_t i = 1; i <= 150; i++) {
		struct ike_child ch = {.cookies = s->a.up, .remote = {s->a.map.peer, 500},
			.spi_in = 1000 + i, .spi_out = 5000 + i};

		sim_step(s, &s->a, &(struct ike_in){.kind = IKE_IN_IMPORT_CHILD, .child = &ch});
	}
	sim_step(s, &s->a, &(struct ike_in){.kind = IKE_IN_DELETE_SA, .cookies = s->a.up,
				  .children = true});
	ck_assert_uint_lt(s->a.child_downs, 151);
	ck_assert_int_lt(ike_deadline(&s->a.k), s->now);
	sim_run(s, s->now + S(1));
	ck_assert_uint_eq(s->a.child_downs, 151);
	ck_assert_uint_eq(s->a.downs, 1);
}
END_TEST

int
main(void)
{
	Suite *su = suite_create("ike");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, combinations, 0, 36);
	tcase_add_loop_test(t, phase1_algorithms, 0, 20);
	tcase_add_loop_test(t, groups, 0, 7);
	tcase_add_loop_test(t, transforms, 0, ESP_TRANSFORM_CNT - 1);
	tcase_add_loop_test(t, bad_link, 0, 30);
	tcase_add_test(t, dead_link);
	tcase_add_test(t, mm5_lost);
	tcase_add_test(t, qm3_lost);
	tcase_add_test(t, write_ahead);
	tcase_add_test(t, deletes);
	tcase_add_test(t, delete_not_honoured);
	tcase_add_test(t, dpd_both_ways);
	tcase_add_loop_test(t, both_at_once, 0, 20);
	tcase_add_test(t, rekey);
	tcase_add_test(t, shorter_lifetime_is_told);
	tcase_add_test(t, ike_lifetime);
	tcase_add_test(t, initial_contact);
	tcase_add_test(t, unknown_spi);
	tcase_add_test(t, silent_when_not_active);
	tcase_add_test(t, all_downs_are_told);
	suite_add_tcase(su, t);
	r = srunner_create(su);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
