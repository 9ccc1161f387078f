/* SPDX-License-Identifier: BSD-2-Clause */
/* Laws 6 and 8 at their edges: each thing that they excuse, and one step beyond it. */
#include "harness/judge/judge_test_sync.h"

enum { ASK = 36136, ACK = 36137 };

static enum law_verdict
verdict(enum law_no law)
{
	return stage_law(law)->verdict;
}

static void
anew(void)
{
	stage_close();
	stage_open();
}

/* ---- law 8, seconds ---- */

/* An SA of 10 s; a packet so many ms after it was negotiated, out or in. */
static enum law_verdict
used_after(int64_t ms, bool out)
{
	ns_t made;

	anew();
	stage_phase1(P_A_OUT);
	stage_quick(P_A_OUT, 7, 10, 0);
	made = trace_frame(stage.t, trace_len(stage.t) - 1)->at;
	if (out) {
		stage.now = made + ns_from_ms(ms);
		stage_esp(P_B_OUT, 1, 1);
	} else {
		stage.now = made + ns_from_ms(ms) - 10 * NS_PER_US;
		stage_in(P_B_OUT, 1, 1);
		stage_inside(P_B_IN, 1);
	}
	return verdict(LAW_LIFETIMES);
}

START_TEST(a_life_has_a_margin_and_no_more)
{
	ck_assert_int_eq(used_after(10020, true), LAW_HELD);
	ck_assert_int_eq(used_after(10021, true), LAW_BROKEN);
	ck_assert_int_eq(used_after(10020, false), LAW_HELD);
	ck_assert_int_eq(used_after(10021, false), LAW_BROKEN);
}
END_TEST

START_TEST(what_was_refused_is_not_used)
{
	stage_phase1(P_A_OUT);
	stage_quick(P_A_OUT, 7, 10, 0);
	stage_esp(P_A_OUT, 1, 1);
	stage_wait(20000);
	stage_in(P_B_OUT, 1, 1);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	ck_assert_uint_eq(stage_expect(LAW_LIFETIMES, LAW_HELD)->judged, 1);
}
END_TEST

/* Another peer chose the same SPI, and began anew: this one's SA is not younger for it. */
START_TEST(an_spi_is_of_its_peer)
{
	struct scene s;

	stage_phase1(P_A_OUT);
	stage_quick(P_A_OUT, 7, 10, 0);
	scene_init(&s, &stage.in);
	ck_assert_uint_eq(s.sa_cnt, 2);
	ck_assert_uint_eq(s.sa[0].peer, PEER);
	ck_assert_uint_eq(s.sa[1].peer, PEER);
	s.sa[0].peer = s.sa[1].peer = PEER + 1;
	stage.out[0] = (struct law_result){.verdict = LAW_NOTHING};
	lifetimes_judge(&s, &stage.out[0]);
	ck_assert_uint_eq(stage.out[0].judged, 0);
	scene_free(&s);
}
END_TEST

/* ---- law 8, kilobytes ---- */

static enum law_verdict
octets(uint32_t kb, bool taken)
{
	uint8_t inner[1024] = {0x45, 0, 4, 0}, ip[1500];

	anew();
	stage_phase1(P_A_OUT);
	stage_quick(P_A_OUT, 7, 0, 64);
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	for (uint32_t n = 1; n <= kb; n++) {
		if (n == 60 && taken)
			stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
		stage_ip(taken && n >= 60 ? P_B_OUT : P_A_OUT, 1u << P_PEER, ip,
			stage_outer(ip, sizeof(ip), true, n, 3, SPAN(inner, 1024)));
	}
	return verdict(LAW_LIFETIMES);
}

START_TEST(a_take_over_is_one_reporting_step)
{
	ck_assert_int_eq(octets(64, false), LAW_HELD);
	ck_assert_int_eq(octets(65, false), LAW_BROKEN);
	ck_assert_int_eq(octets(66, true), LAW_HELD); /* one of 1 KB, and one for rounding */
	ck_assert_int_eq(octets(67, true), LAW_BROKEN);
}
END_TEST

/* ---- law 8, phase 1 ---- */

/* Message 2 of the Main Mode that stage_phase1 goes on with: it takes a life of 20 s. */
static void
main_mode_with_a_life(void)
{
	uint8_t sa[64], m[128];
	struct wr w;

	memset(stage.ike.icookie, 0xc1, 8);
	memset(stage.ike.rcookie, 0xc2, 8);
	wr_init(&w, sa, sizeof(sa));
	wr_u16(&w, 0);
	wr_u16(&w, 12 + 8 + 8 + 8);
	wr_u32(&w, 1);
	wr_u32(&w, 1);
	wr_bytes(&w, (uint8_t[8]){0, 0, 0, 24, 1, 1, 0, 1}, 8);
	wr_bytes(&w, (uint8_t[8]){0, 0, 0, 16, 1, 1, 0, 0}, 8);
	wr_u32(&w, 0x800b0001u);
	wr_u32(&w, 0x800c0014u);
	ck_assert(!wr_done(&w));
	wr_init(&w, m, sizeof(m));
	stage_head(&w, PAY_SA, IKE_MAIN, false, 0, 36);
	wr_bytes(&w, sa, 36);
	stage_isakmp(P_A_OUT, P_PEER, m, w.len);
	stage_phase1(P_A_OUT);
}

enum use { QUICK_MODE, PROBE, DELETE, ANSWER };

static enum law_verdict
phase1_after(int64_t ms, enum use use)
{
	uint8_t sa[128];
	size_t len = stage_sa(sa, SPI_OUT, 0, 0);

	anew();
	main_mode_with_a_life();
	stage.now = trace_frame(stage.t, trace_len(stage.t) - 1)->at;
	if (use == ANSWER)
		stage_dpd(P_PEER, P_B_OUT, 8, ASK, 5);
	stage.now = trace_frame(stage.t, 2)->at + ns_from_ms(ms);
	if (use == QUICK_MODE)
		stage_ike(P_B_OUT, P_PEER, IKE_QUICK, 7, PAY_SA, true, sa, len);
	else if (use == PROBE)
		stage_dpd(P_B_OUT, P_PEER, 7, ASK, 1);
	else if (use == ANSWER)
		stage_dpd(P_B_OUT, P_PEER, 7, ACK, 5);
	else
		stage_delete(P_B_OUT, 7, SPI_IN, true);
	return verdict(LAW_LIFETIMES);
}

START_TEST(an_ike_sa_has_a_life_too)
{
	ck_assert_int_eq(phase1_after(20020, QUICK_MODE), LAW_HELD);
	ck_assert_int_eq(phase1_after(20021, QUICK_MODE), LAW_BROKEN);
	ck_assert_int_eq(phase1_after(20020, PROBE), LAW_HELD);
	ck_assert_int_eq(phase1_after(20021, PROBE), LAW_BROKEN);
	ck_assert_int_ne(phase1_after(20021, DELETE), LAW_BROKEN);
	ck_assert_int_ne(phase1_after(20021, ANSWER), LAW_BROKEN);
}
END_TEST

/* ---- law 6 ---- */

static enum law_verdict
heir_asks(uint32_t number)
{
	anew();
	stage_phase1(P_A_OUT);
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	stage_dpd(P_A_OUT, P_PEER, 100, ASK, 5000);
	stage_dpd(P_B_OUT, P_PEER, 101, ASK, number);
	return verdict(LAW_DPD);
}

START_TEST(one_is_repeated_or_skipped_and_no_more)
{
	ck_assert_int_eq(heir_asks(4999), LAW_BROKEN);
	ck_assert_int_eq(heir_asks(5000), LAW_HELD);
	ck_assert_int_eq(heir_asks(5001), LAW_HELD);
	ck_assert_int_eq(heir_asks(5002), LAW_HELD);
	ck_assert_int_eq(heir_asks(5003), LAW_BROKEN);
}
END_TEST

/* The old one asked before or after the take-over by an heir with a copy, or without one. */
static enum law_verdict
binds(bool copy, bool beside)
{
	anew();
	stage_phase1(P_A_OUT);
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	if (copy)
		stage_ready(SIDE_B, 5000);
	if (!beside)
		stage_dpd(P_A_OUT, P_PEER, 100, ASK, 5000);
	stage_wait(800);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	if (beside)
		stage_dpd(P_A_OUT, P_PEER, 100, ASK, 5000);
	stage_dpd(P_B_OUT, P_PEER, 101, ASK, 4000);
	stage_dpd(P_B_OUT, P_PEER, 102, ASK, 4001);
	return verdict(LAW_DPD);
}

START_TEST(what_an_heir_could_know_binds_it)
{
	ck_assert_int_eq(binds(true, false), LAW_BROKEN);
	ck_assert_int_eq(binds(true, true), LAW_HELD);
	ck_assert_int_eq(binds(false, false), LAW_HELD);
}
END_TEST

/* The peer asks A once, or it is copied on the way; so often it is answered, by that member. */
static enum law_verdict
answered(int port, int times, bool copied)
{
	size_t q;

	anew();
	stage_phase1(P_A_OUT);
	q = stage_dpd(P_PEER, P_A_OUT, 100, ASK, 77);
	if (copied)
		trace_fate(stage.t, q, FATE_COPIED, 0);
	for (int i = 0; i < times; i++)
		stage_dpd(port, P_PEER, (uint32_t)(101 + i), ACK, 77);
	return verdict(LAW_DPD);
}

START_TEST(an_answer_is_of_who_was_asked_and_as_often)
{
	ck_assert_int_eq(answered(P_A_OUT, 1, false), LAW_HELD);
	ck_assert_int_eq(answered(P_A_OUT, 2, false), LAW_BROKEN);
	ck_assert_int_eq(answered(P_A_OUT, 2, true), LAW_HELD);
	ck_assert_int_eq(answered(P_A_OUT, 3, true), LAW_BROKEN);
	ck_assert_int_eq(answered(P_B_OUT, 1, false), LAW_BROKEN);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("lifetimes");

	tcase_add_test(t, a_life_has_a_margin_and_no_more);
	tcase_add_test(t, what_was_refused_is_not_used);
	tcase_add_test(t, an_spi_is_of_its_peer);
	tcase_add_test(t, a_take_over_is_one_reporting_step);
	tcase_add_test(t, an_ike_sa_has_a_life_too);
	tcase_add_test(t, one_is_repeated_or_skipped_and_no_more);
	tcase_add_test(t, what_an_heir_could_know_binds_it);
	tcase_add_test(t, an_answer_is_of_who_was_asked_and_as_often);
	return stage_main(t, "lifetimes");
}
