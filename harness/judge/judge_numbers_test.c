/* SPDX-License-Identifier: BSD-2-Clause */
/* Laws 1, 2, 3 and 8: each is seen to hold, and to break. */
#include "harness/judge/judge_test_util.h"

/* ---- law 1 ---- */

START_TEST(unique_numbers_hold)
{
	for (uint32_t n = 1; n <= 20; n++)
		stage_esp(n <= 10 ? P_A_OUT : P_B_OUT, n, n);
	ck_assert_uint_eq(stage_expect(LAW_UNIQUENESS, LAW_HELD)->judged, 20);
}
END_TEST

START_TEST(no_esp_is_nothing_judged)
{
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	ck_assert_uint_eq(stage_expect(LAW_UNIQUENESS, LAW_NOTHING)->judged, 0);
}
END_TEST

START_TEST(a_number_twice_breaks_it)
{
	size_t a = stage_esp(P_A_OUT, 5, 1), b;
	const struct law_result *r;

	b = stage_esp(P_B_OUT, 5, 2);
	r = stage_expect(LAW_UNIQUENESS, LAW_BROKEN);
	ck_assert_uint_eq(r->frame, b);
	stage_names(r, a);
	stage_names(r, b);
	ck_assert_ptr_nonnull(strstr(r->text, "number 5 "));
}
END_TEST

START_TEST(dropped_by_a_fault_counts_as_well)
{
	size_t a = stage_esp(P_A_OUT, 5, 1);

	trace_fate(stage.t, a, FATE_LOST, 0);
	stage_esp(P_A_OUT, 5, 2);
	stage_expect(LAW_UNIQUENESS, LAW_BROKEN);
}
END_TEST

START_TEST(an_identical_copy_is_a_remark)
{
	stage_esp(P_A_OUT, 5, 1);
	stage_esp(P_B_OUT, 5, 1);
	ck_assert_ptr_nonnull(
		strstr(stage_expect(LAW_UNIQUENESS, LAW_HELD)->text, "1 identical copies"));
}
END_TEST

START_TEST(injected_by_the_case_does_not_count)
{
	size_t b;

	stage_esp(P_A_OUT, 5, 1);
	b = stage_esp(P_A_OUT, 5, 2);
	trace_fate(stage.t, b, FATE_INJECTED, 0);
	ck_assert_uint_eq(stage_expect(LAW_UNIQUENESS, LAW_HELD)->judged, 1);
}
END_TEST

START_TEST(a_reused_spi_is_another_instance)
{
	stage_esp(P_A_OUT, 1, 1);
	stage_key(SPI_OUT, PEER, KEYESP_AES_SHA1, 9);
	stage_esp(P_A_OUT, 1, 2);
	stage_expect(LAW_UNIQUENESS, LAW_HELD);
}
END_TEST

/* In two fragments; the first one holds SPI and number. */
static void
in_fragments(int port, uint32_t seq, uint32_t no, bool both)
{
	uint8_t inner[256], ip[512], f[512];
	size_t len = stage_inner(inner, sizeof(inner), true, no, 63), head = 20, cut = 48;
	struct pkt p;

	len = stage_outer(ip, sizeof(ip), true, seq, (uint8_t)no, SPAN(inner, len));
	for (int i = 0; i < (both ? 2 : 1); i++) {
		size_t off = i ? cut : 0, n = i ? len - head - cut : cut;
		uint16_t sum;

		memcpy(f, ip, head);
		memcpy(f + head, ip + head + off, n);
		f[2] = (uint8_t)((head + n) >> 8);
		f[3] = (uint8_t)(head + n);
		f[5] = (uint8_t)no;
		f[6] = i ? 0 : 0x20;
		f[7] = (uint8_t)(off / 8);
		f[10] = f[11] = 0;
		sum = pkt_fold(pkt_sum(f, head, 0));
		f[10] = (uint8_t)(sum >> 8);
		f[11] = (uint8_t)sum;
		ck_assert_msg(pkt_parse_ip(&p, f, head + n), "%s", p.bad);
		stage_ip(port, 1u << P_PEER, f, head + n);
	}
}

START_TEST(fragments_are_put_together)
{
	struct scene s;

	in_fragments(P_A_OUT, 3, 77, true);
	scene_init(&s, &stage.in);
	ck_assert_uint_eq(s.esp_cnt, 1);
	ck_assert(s.esp[0].whole);
	ck_assert_ptr_nonnull(s.esp[0].inner);
	ck_assert_uint_eq(s.esp[0].seq, 3);
	scene_free(&s);
	stage_esp(P_B_OUT, 3, 78);
	stage_expect(LAW_UNIQUENESS, LAW_BROKEN);
}
END_TEST

START_TEST(half_a_packet_is_compared_as_far_as_it_goes)
{
	in_fragments(P_A_OUT, 3, 77, false);
	stage_esp(P_B_OUT, 3, 77);
	stage_expect(LAW_UNIQUENESS, LAW_HELD);
}
END_TEST

START_TEST(half_a_packet_can_break_it)
{
	in_fragments(P_A_OUT, 3, 77, false);
	stage_esp(P_B_OUT, 3, 78);
	stage_expect(LAW_UNIQUENESS, LAW_BROKEN);
}
END_TEST

/* Half a packet that is like both lies between two that differ. */
START_TEST(half_a_packet_hides_nothing)
{
	uint8_t inner[256], ip[512];
	size_t len = stage_inner(inner, sizeof(inner), true, 77, 63);

	stage_esp(P_A_OUT, 3, 77);
	in_fragments(P_A_OUT, 3, 77, false);
	stage_expect(LAW_UNIQUENESS, LAW_HELD);
	inner[len - 1] ^= 1; /* the same beginning, another end */
	len = stage_outer(ip, sizeof(ip), true, 3, 77, SPAN(inner, len));
	stage_ip(P_B_OUT, 1u << P_PEER, ip, len);
	stage_expect(LAW_UNIQUENESS, LAW_BROKEN);
}
END_TEST

START_TEST(gcm_uses_no_iv_twice)
{
	const struct law_result *r;

	stage_key(SPI_OUT, PEER, KEYESP_AES_GCM, 4);
	stage_esp(P_A_OUT, 1, 1);
	stage_esp(P_A_OUT, 2, 2);
	stage_expect(LAW_UNIQUENESS, LAW_HELD);
	stage_esp(P_B_OUT, 3, 2); /* another number, the same IV */
	r = stage_expect(LAW_UNIQUENESS, LAW_BROKEN);
	ck_assert_ptr_nonnull(strstr(r->text, "IV"));
}
END_TEST

/* ---- law 2 ---- */

static void
a_then_b(uint32_t a_to, uint32_t b_from)
{
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	for (uint32_t n = a_to - 4; n <= a_to; n++)
		stage_esp(P_A_OUT, n, n);
	stage_wait(800);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	for (uint32_t n = b_from; n < b_from + 5; n++)
		stage_esp(P_B_OUT, n, n);
}

START_TEST(the_heir_goes_on_above)
{
	const struct law_result *r;

	a_then_b(100, 1900);
	r = stage_expect(LAW_CONTINUITY, LAW_HELD);
	ck_assert_uint_eq(r->judged, 5);
	ck_assert_ptr_nonnull(strstr(r->text, "jump of 1799"));
}
END_TEST

START_TEST(one_sender_alone_is_nothing_judged)
{
	stage_esp(P_A_OUT, 1, 1);
	stage_esp(P_A_OUT, 2, 2);
	stage_expect(LAW_CONTINUITY, LAW_NOTHING);
}
END_TEST

START_TEST(the_heir_below_breaks_it)
{
	a_then_b(100, 100);
	ck_assert_ptr_nonnull(
		strstr(stage_expect(LAW_CONTINUITY, LAW_BROKEN)->text, "more than 100"));
}
END_TEST

START_TEST(too_long_a_jump_breaks_it)
{
	a_then_b(100, 2200);
	stage_expect(LAW_CONTINUITY, LAW_BROKEN);
	stage.in.max_jump = 0;
	stage_expect(LAW_CONTINUITY, LAW_HELD);
}
END_TEST

START_TEST(a_stale_copy_may_jump)
{
	a_then_b(100, 0x80000000u);
	ck_assert_ptr_nonnull(strstr(stage_expect(LAW_CONTINUITY, LAW_HELD)->text, "upper half"));
}
END_TEST

START_TEST(what_the_old_one_had_in_hand_is_no_take_over)
{
	a_then_b(100, 500);
	stage_esp(P_A_OUT, 101, 101);
	stage_esp(P_B_OUT, 505, 505);
	stage_expect(LAW_CONTINUITY, LAW_HELD);
}
END_TEST

START_TEST(coming_back_below_breaks_it)
{
	a_then_b(100, 500);
	stage_hsrp(P_A_OUT, S_HELLO, S_STANDBY);
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	stage_esp(P_A_OUT, 300, 300);
	stage_expect(LAW_CONTINUITY, LAW_BROKEN);
}
END_TEST

/* A and B both active in a split; B leaves once it has healed, and A goes on with these numbers. */
static void
heal_and_go_on(uint32_t with)
{
	a_then_b(100, 5000);
	stage_esp(P_A_OUT, 101, 101);
	stage_event(EVENT_HEAL, WHO_OTHER);
	stage_hsrp(P_B_OUT, S_HELLO, S_STANDBY);
	stage_wait(1100);
	stage_esp(P_A_OUT, with, with);
}

START_TEST(a_healed_winner_is_above_both)
{
	stage.in.max_jump = 0;
	heal_and_go_on(5100);
	stage_expect(LAW_CONTINUITY, LAW_HELD);
}
END_TEST

START_TEST(a_healed_winner_below_breaks_it)
{
	stage.in.max_jump = 0;
	heal_and_go_on(102);
	ck_assert_ptr_nonnull(strstr(stage_expect(LAW_CONTINUITY, LAW_BROKEN)->text, "healed"));
}
END_TEST

START_TEST(a_wrap_breaks_it)
{
	stage_esp(P_A_OUT, 0xffffffffu, 1);
	stage_esp(P_A_OUT, 1, 2);
	ck_assert_ptr_nonnull(strstr(stage_expect(LAW_CONTINUITY, LAW_BROKEN)->text, "2^32"));
}
END_TEST

/* ---- law 3 ---- */

START_TEST(refused_again_holds)
{
	for (uint32_t n = 1; n <= 100; n++) {
		stage_in(P_A_OUT, n, n);
		stage_inside(P_A_IN, n);
		stage_wait(10);
	}
	for (uint32_t n = 1; n <= 100; n++)
		stage_in(P_B_OUT, n, n);
	ck_assert_uint_eq(stage_expect(LAW_REPLAY, LAW_HELD)->judged, 100);
}
END_TEST

static void
accepted_again(uint32_t again)
{
	for (uint32_t n = 1; n <= 100; n++) {
		stage_in(P_A_OUT, n, n);
		stage_inside(P_A_IN, n);
		stage_wait(10);
	}
	stage_wait(1000);
	stage_in(P_B_OUT, again, again);
	stage_inside(P_B_IN, again);
}

START_TEST(accepted_again_breaks_it)
{
	accepted_again(50);
	ck_assert_ptr_nonnull(strstr(stage_expect(LAW_REPLAY, LAW_BROKEN)->text, "number 50 "));
}
END_TEST

START_TEST(within_the_interval_holds)
{
	accepted_again(95);
	ck_assert_ptr_nonnull(strstr(stage_expect(LAW_REPLAY, LAW_HELD)->text, "number 95 again"));
}
END_TEST

START_TEST(an_interval_of_none_is_not_judged)
{
	accepted_again(50);
	stage.in.replay_in = 0;
	stage_expect(LAW_REPLAY, LAW_NOTHING);
}
END_TEST

START_TEST(its_own_twice_breaks_it)
{
	for (int i = 0; i < 2; i++) {
		stage_in(P_A_OUT, 1, 1);
		stage_inside(P_A_IN, 1);
	}
	stage_expect(LAW_REPLAY, LAW_BROKEN);
}
END_TEST

/* It started anew in between, and has its window from the other one: the interval counts. */
START_TEST(its_own_after_a_start_has_the_interval)
{
	for (int row = 0; row < 2; row++) {
		stage_close();
		stage_open();
		for (uint32_t n = 1; n <= 100; n++) {
			stage_in(P_A_OUT, n, n);
			stage_inside(P_A_IN, n);
			stage_wait(10);
		}
		stage_event(EVENT_CRASH, WHO_A);
		stage_wait(1000);
		stage_event(EVENT_START, WHO_A);
		stage_wait(10);
		stage_in(P_A_OUT, row ? 50 : 95, row ? 50 : 95);
		stage_inside(P_A_IN, row ? 50 : 95);
		stage_expect(LAW_REPLAY, row ? LAW_BROKEN : LAW_HELD);
	}
}
END_TEST

/* Two packets with the same inner bytes and other numbers are no replay. */
START_TEST(equal_inner_packets_are_told_apart)
{
	stage_in(P_A_OUT, 1, 1);
	stage_in(P_A_OUT, 2, 1);
	stage_inside(P_A_IN, 1);
	stage_inside(P_A_IN, 1);
	ck_assert_uint_eq(stage_expect(LAW_REPLAY, LAW_HELD)->judged, 2);
}
END_TEST

/* ---- law 8 ---- */

START_TEST(within_its_life_holds)
{
	stage_phase1(P_A_OUT);
	stage_quick(P_A_OUT, 7, 10, 0);
	stage_esp(P_A_OUT, 1, 1);
	stage_wait(9900);
	stage_esp(P_B_OUT, 2, 2);
	ck_assert_uint_eq(stage_expect(LAW_LIFETIMES, LAW_HELD)->judged, 2);
}
END_TEST

START_TEST(beyond_its_life_breaks_it)
{
	stage_phase1(P_A_OUT);
	stage_quick(P_A_OUT, 7, 10, 0);
	stage_wait(10100);
	stage_esp(P_B_OUT, 2, 2);
	ck_assert_ptr_nonnull(strstr(stage_expect(LAW_LIFETIMES, LAW_BROKEN)->text, "10 s"));
}
END_TEST

static void
send_kilobytes(int port, uint32_t from, uint32_t kb)
{
	uint8_t inner[1024] = {0x45, 0, 4, 0}, ip[1500];

	for (uint32_t n = 0; n < kb; n++) {
		size_t len = stage_outer(ip, sizeof(ip), true, from + n, 3, SPAN(inner, 1024));

		stage_ip(port, 1u << P_PEER, ip, len);
	}
}

START_TEST(kilobytes_are_counted_over_both)
{
	stage_phase1(P_A_OUT);
	stage_quick(P_A_OUT, 7, 0, 64);
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	send_kilobytes(P_A_OUT, 1, 60);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	send_kilobytes(P_B_OUT, 100, 6); /* one step of 1 KB and one for rounding */
	stage_expect(LAW_LIFETIMES, LAW_HELD);
	send_kilobytes(P_B_OUT, 200, 1);
	ck_assert_ptr_nonnull(strstr(stage_expect(LAW_LIFETIMES, LAW_BROKEN)->text, "octets"));
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("numbers");

	tcase_add_test(t, unique_numbers_hold);
	tcase_add_test(t, no_esp_is_nothing_judged);
	tcase_add_test(t, a_number_twice_breaks_it);
	tcase_add_test(t, dropped_by_a_fault_counts_as_well);
	tcase_add_test(t, an_identical_copy_is_a_remark);
	tcase_add_test(t, injected_by_the_case_does_not_count);
	tcase_add_test(t, a_reused_spi_is_another_instance);
	tcase_add_test(t, fragments_are_put_together);
	tcase_add_test(t, half_a_packet_is_compared_as_far_as_it_goes);
	tcase_add_test(t, half_a_packet_can_break_it);
	tcase_add_test(t, half_a_packet_hides_nothing);
	tcase_add_test(t, gcm_uses_no_iv_twice);
	tcase_add_test(t, the_heir_goes_on_above);
	tcase_add_test(t, one_sender_alone_is_nothing_judged);
	tcase_add_test(t, the_heir_below_breaks_it);
	tcase_add_test(t, too_long_a_jump_breaks_it);
	tcase_add_test(t, a_stale_copy_may_jump);
	tcase_add_test(t, what_the_old_one_had_in_hand_is_no_take_over);
	tcase_add_test(t, coming_back_below_breaks_it);
	tcase_add_test(t, a_healed_winner_is_above_both);
	tcase_add_test(t, a_healed_winner_below_breaks_it);
	tcase_add_test(t, a_wrap_breaks_it);
	tcase_add_test(t, refused_again_holds);
	tcase_add_test(t, accepted_again_breaks_it);
	tcase_add_test(t, within_the_interval_holds);
	tcase_add_test(t, an_interval_of_none_is_not_judged);
	tcase_add_test(t, its_own_twice_breaks_it);
	tcase_add_test(t, its_own_after_a_start_has_the_interval);
	tcase_add_test(t, equal_inner_packets_are_told_apart);
	tcase_add_test(t, within_its_life_holds);
	tcase_add_test(t, beyond_its_life_breaks_it);
	tcase_add_test(t, kilobytes_are_counted_over_both);
	return stage_main(t, "numbers");
}
