/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * 10,000 forged first messages a second, from addresses that hold no such peer: memory is what it
 * was, and a real peer gets in by its own retransmissions; the same beside attackers who do receive
 * what is sent to them.
 */
#include <stdlib.h>

#define SIM_EMBRYOS IKE_EMBRYO_MAX
#include "ref/core/ike_sim_test.h"

#define MS NS_PER_MS
#define S(n) ((n)*NS_PER_S)
#define EVERY (100 * NS_PER_US)

static struct sim sim;
static uint8_t forged[IKE_SENT_MAX];
static size_t forged_len;
static ns_t forged_at;

static void
start(struct sim *s, uint64_t seed, ns_t rtt)
{
	sim_init(s, seed);
	s->a.k.crypto = s->b.k.crypto = &crypto_null;
	s->b.psk.addr = s->b.psk.mask = 0; /* anybody may have it */
	s->b.map.is_dynamic = true;
	s->jitter = rtt / 2;
	sim_initiate(s, &s->a, 0);
	memcpy(forged, sim_next(s)->b, sim_next(s)->len);
	forged_len = sim_next(s)->len;
	sim_step(s, &s->a, &(struct ike_in){.kind = IKE_IN_CLEAR});
	sim_step(s, &s->a, &(struct ike_in){.kind = IKE_IN_ACTIVATE});
	memset(s->fly, 0, sizeof(s->fly));
	s->a.sent = 0;
	forged_at = s->now;
}

static bool
to_a(struct sim *s, bool to_b, struct ike_end *from, struct ike_end *to)
{
	(void)from;
	return to_b || to->addr == s->a.cfg.local; /* the others do not exist */
}

/* Answers to forged messages are not flown: they would fill the sky. */
static bool
only_a(struct sim *s, bool to_b, uint8_t *bytes, size_t *len)
{
	(void)len;
	return to_b || memcmp(bytes, s->kept, 4) != 0;
}

static void
forge(struct sim *s)
{
	uint32_t a = sim_random(s), b = sim_random(s);
	struct ike_end from = {0x0b000000u | (a & 0xffffff), (uint16_t)(1024 + (b & 0xfff))};

	memcpy(forged, s->kept, 4);
	memcpy(forged + 4, &b, 4);
	sim_packet(s, &s->b, from, (struct ike_end){s->b.cfg.local, 500}, forged, forged_len);
}

/* The flood goes on until then. */
static void
flood(struct sim *s, ns_t until)
{
	while (s->now < until) {
		forged_at += EVERY;
		sim_run(s, forged_at);
		forge(s);
	}
}

static void
prepare(struct sim *s, uint64_t seed, ns_t rtt)
{
	start(s, seed, rtt);
	memcpy(s->kept, "\xf0\x0d\xf0\x0d", 4);
	s->tap = only_a;
	s->nat = to_a;
}

/* Half a minute of it: every place is taken, again and again; then all is as before. */
START_TEST(half_a_minute)
{
	struct sim *s = &sim;

	prepare(s, 1, 100 * MS);
	flood(s, S(26));
	sim_initiate(s, &s->a, 0);
	flood(s, S(30));
	ck_assert_uint_eq(s->a.use_outs, 1);
	ck_assert_uint_eq(s->b.use_outs, 1);
	ck_assert_uint_le(s->a.sent, 5 + 2);
	for (unsigned i = 1; i < SIM_SAS; i++)
		ck_assert(!s->b.sa[i].used);
	ck_assert_uint_gt(s->b.k.count[IKE_R_CROWDED_OUT], 250000);
	ck_assert_uint_eq(s->b.k.count[IKE_R_HALF_OPEN], 0);
	sim_run(s, S(200));
	ck_assert(!ike_busy(&s->b.k, s->a.cfg.local));
}
END_TEST

/* A hundred peers that begin at any moment, at any distance up to a quarter of a second. */
START_TEST(real_peer_gets_in)
{
	struct sim *s = &sim;
	unsigned in = 0;

	for (uint64_t seed = 1; seed <= 100; seed++) {
		prepare(s, seed, (ns_t)(seed * 5 / 2) * MS);
		flood(s, (ns_t)(seed % 10) * 20 * MS);
		sim_initiate(s, &s->a, 0);
		flood(s, s->now + 700 * MS);
		if (!s->a.use_outs)
			flood(s, s->now + S(4));
		in += s->a.use_outs == 1;
	}
	ck_assert_uint_eq(in, 100);
}
END_TEST

/* Ten times as fast: newcomers are dropped, but who has got message 2 has time to answer. */
START_TEST(faster)
{
	struct sim *s = &sim;
	unsigned in = 0;

	for (uint64_t seed = 1; seed <= 8; seed++) {
		prepare(s, seed, 100 * MS);
		s->a.rules.retries = 8;
		s->a.rules.retry_max = S(2);
		for (unsigned i = 0; i < 50000; i++)
			forge(s); /* all at once: the ring is full, and stays so */
		ck_assert_uint_gt(s->b.k.count[IKE_R_HALF_OPEN], 40000);
		sim_initiate(s, &s->a, 0);
		flood(s, s->now + S(4));
		in += s->a.use_outs == 1;
	}
	ck_assert_uint_eq(in, 8);
}
END_TEST

/* One who receives the answers, and goes on to message 3: so many of one address, no more. */
START_TEST(real_attacker)
{
	struct sim *s = &sim;
	struct ike_end from = {IP4(203, 0, 113, 5), 500};

	prepare(s, 1, 50 * MS);
	s->tap = NULL;
	s->b.rules.half_open_each = 3;
	for (unsigned i = 0; i < 12; i++) {
		struct isakmp_hdr h = {.version = ISAKMP_VERSION, .exchange = ISAKMP_X_MAIN};
		uint8_t buf[600], priv[CRYPTO_DH_PRIVATE] = {5}, ke[CRYPTO_DH_MAX], nonce[16] = {1};
		struct isakmp_build b;
		struct wr w;

		forged[7] = (uint8_t)(i + 1);
		sim_packet(
			s, &s->b, from, (struct ike_end){s->b.cfg.local, 500}, forged, forged_len);
		memcpy(h.icookie, s->b.acts.buf, 8);
		memcpy(h.rcookie, s->b.acts.buf + 8, 8);
		s->b.k.crypto->dh_public((enum crypto_group)14, priv, ke);
		wr_init(&w, buf, sizeof(buf));
		isakmp_build_init(&b, &w, &h);
		isakmp_build_bytes(&b, ISAKMP_KE, ke, 256);
		isakmp_build_bytes(&b, ISAKMP_NONCE, nonce, sizeof(nonce));
		isakmp_build_done(&b);
		sim_packet(s, &s->b, from, (struct ike_end){s->b.cfg.local, 500}, buf, w.len);
	}
	ck_assert_uint_eq(s->b.k.count[IKE_R_HALF_OPEN], 9);
	sim_initiate(s, &s->a, 0);
	sim_run(s, s->now + S(2));
	ck_assert_uint_eq(s->a.use_outs, 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ike flood");
	TCase *t = tcase_create("flood");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_test(t, half_a_minute);
	tcase_add_test(t, real_peer_gets_in);
	tcase_add_test(t, faster);
	tcase_add_test(t, real_attacker);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
