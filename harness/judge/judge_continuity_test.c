/* SPDX-License-Identifier: BSD-2-Clause */
/* Law 2 at its edges: each thing that it excuses, and one step beyond it. */
#include "harness/judge/judge_test_sync.h"

static void
event(enum trace_event_kind kind, int port, enum trace_who who, enum trace_segment seg, uint32_t v)
{
	trace_event_add(stage.t, &(struct trace_event){.kind = kind,
					 .port = (uint8_t)port,
					 .who = who,
					 .segment = seg,
					 .value = v,
					 .at = stage.now});
}

/* A sends 91 to 100, one in 100 ms; B, a standby that is ready or not, becomes active and sends. */
static void
before(bool ready)
{
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	stage_hsrp(P_B_OUT, S_HELLO, S_STANDBY);
	for (uint32_t n = 91; n <= 100; n++) {
		stage_esp(P_A_OUT, n, n);
		stage_wait(100);
	}
	if (ready)
		stage_ready(SIDE_B, 2000);
}

static void
heir(uint32_t first)
{
	stage_wait(800);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	stage_esp(P_B_OUT, first, first);
}

static enum law_verdict
verdict(void)
{
	return stage_law(LAW_CONTINUITY)->verdict;
}

/* ---- the jump ---- */

/* 2000 numbers are the most, and one that may have been in hand. */
START_TEST(two_intervals_and_what_was_in_hand)
{
	before(true);
	heir(100 + 1 + 2000 + 1);
	ck_assert_int_eq(verdict(), LAW_HELD);
	stage_close();
	stage_open();
	before(true);
	heir(100 + 1 + 2000 + 2);
	ck_assert_int_eq(verdict(), LAW_BROKEN);
}
END_TEST

START_TEST(an_heir_that_is_ready_has_no_stale_copy)
{
	before(false);
	heir(0x80000000u);
	ck_assert_int_eq(verdict(), LAW_HELD);
	stage_close();
	stage_open();
	before(true);
	heir(0x80000000u);
	ck_assert_int_eq(verdict(), LAW_BROKEN);
}
END_TEST

START_TEST(below_the_upper_half_a_stale_copy_excuses_nothing)
{
	before(false);
	heir(0x7fffffffu);
	ck_assert_int_eq(verdict(), LAW_BROKEN);
}
END_TEST

/* Its lease ran out before both its groups had moved. */
START_TEST(an_heir_that_came_too_late_may_be_stale)
{
	before(true);
	stage_hsrp(P_A_IN, S_HELLO, S_ACTIVE);
	stage_wait(1500);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	stage_wait(400);
	stage_hsrp(P_B_IN, S_HELLO, S_ACTIVE);
	stage_esp(P_B_OUT, 0x80000000u, 1);
	ck_assert_int_eq(verdict(), LAW_BROKEN);
	stage_close();
	stage_open();
	before(true);
	stage_hsrp(P_A_IN, S_HELLO, S_ACTIVE);
	stage_wait(1500);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	stage_wait(600);
	stage_hsrp(P_B_IN, S_HELLO, S_ACTIVE);
	stage_esp(P_B_OUT, 0x80000000u, 1);
	ck_assert_int_eq(verdict(), LAW_HELD);
}
END_TEST

static const struct {
	enum trace_event_kind kind;
	int port;
	enum trace_who who;
	enum trace_segment seg;
	bool ready;
	bool ends; /* long before the take-over */
	enum law_verdict v;
} faults[] = {
	{EVENT_CABLE_OUT, P_A_OUT, WHO_A, SEG_OUTSIDE, true, false, LAW_HELD},
	{EVENT_CABLE_OUT, P_A_OUT, WHO_A, SEG_OUTSIDE, true, true, LAW_BROKEN},
	{EVENT_CABLE_OUT, P_B_OUT, WHO_B, SEG_OUTSIDE, true, false, LAW_BROKEN},
	{EVENT_CABLE_OUT, P_A_IN, WHO_A, SEG_INSIDE, true, false, LAW_BROKEN},
	{EVENT_CABLE_OUT, P_A_SYNC, WHO_A, SEG_SYNC, true, false, LAW_BROKEN},
	{EVENT_CABLE_OUT, P_A_SYNC, WHO_A, SEG_SYNC, false, false, LAW_HELD},
	{EVENT_PARTITION, P_A_OUT, WHO_OTHER, SEG_OUTSIDE, true, false, LAW_BROKEN},
	{EVENT_PARTITION, P_A_OUT, WHO_OTHER, SEG_OUTSIDE, false, false, LAW_HELD},
	{EVENT_LOSS, P_A_OUT, WHO_A, SEG_OUTSIDE, true, false, LAW_BROKEN},
	{EVENT_LOSS, P_A_SYNC, WHO_A, SEG_SYNC, false, false, LAW_HELD},
	{EVENT_COPY, P_A_OUT, WHO_A, SEG_OUTSIDE, false, false, LAW_BROKEN},
};

/* With a jump of 5000 numbers. */
START_TEST(which_fault_excuses_a_jump)
{
	stage_wait(10);
	if (faults[_i].ends) {
		event(faults[_i].kind, faults[_i].port, faults[_i].who, faults[_i].seg, 1);
		event(EVENT_CABLE_IN, faults[_i].port, faults[_i].who, faults[_i].seg, 0);
		before(faults[_i].ready);
	} else {
		before(faults[_i].ready);
		event(faults[_i].kind, faults[_i].port, faults[_i].who, faults[_i].seg, 1);
	}
	heir(5100);
	ck_assert_int_eq(verdict(), faults[_i].v);
}
END_TEST

/* Packets came in for the heir, and none left: it asks for its neighbour. */
static enum law_verdict
waited_for_the_neighbour(uint32_t packets, uint32_t first)
{
	uint8_t ip[256];

	stage_close();
	stage_open();
	before(true);
	stage_wait(800);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	for (uint32_t n = 0; n < packets; n++) {
		stage_ip(P_HOST, 1u << P_B_IN, ip, stage_inner(ip, sizeof(ip), true, n, 64));
		stage_wait(10);
	}
	stage_esp(P_B_OUT, first, 1);
	return verdict();
}

START_TEST(an_heir_may_give_up_what_waited_for_its_neighbour)
{
	ck_assert_int_eq(waited_for_the_neighbour(1, 2102), LAW_HELD);
	ck_assert_int_eq(waited_for_the_neighbour(1, 2103), LAW_BROKEN);
	ck_assert_int_eq(waited_for_the_neighbour(6, 2107), LAW_HELD);
	ck_assert_int_eq(waited_for_the_neighbour(6, 2108), LAW_BROKEN);
}
END_TEST

/* The channel was lost so long before the take-over, and came again, or neither. */
static enum law_verdict
lost_between(bool lost, int64_t ms, uint32_t jump)
{
	stage_close();
	stage_open();
	before(true);
	if (lost) {
		stage_tcp(SIDE_A, 4, NULL, 0);
		stage_wait(ms);
		stage_ready(SIDE_B, 2000);
	}
	heir(100 + 1 + jump);
	return verdict();
}

/* It costs a block, and what was reserved below it. */
START_TEST(a_channel_lost_meanwhile_costs_a_block)
{
	const uint32_t block = 1u << 24;

	ck_assert_int_eq(lost_between(true, 1300, 2 * 2000 + block + 1), LAW_HELD);
	ck_assert_int_eq(lost_between(true, 1300, 2 * 2000 + block + 2), LAW_BROKEN);
	ck_assert_int_eq(
		lost_between(true, 1000, 2002), LAW_BROKEN); /* the lease had not run out */
	ck_assert_int_eq(lost_between(false, 0, 2002), LAW_BROKEN);
}
END_TEST

/* The heir sends long after it took over; something was said on its copy's channel since, or not. */
static enum law_verdict
own_channel(bool said)
{
	stage_close();
	stage_open();
	before(true);
	stage_wait(800);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	stage_wait(10);
	if (said)
		stage_lease(SIDE_B);
	stage_wait(3000);
	stage_esp(P_B_OUT, 100 + 1 + 5000, 1);
	return verdict();
}

START_TEST(the_loss_of_its_own_copy_costs_nothing)
{
	ck_assert_int_eq(own_channel(false), LAW_BROKEN);
	ck_assert_int_eq(own_channel(true), LAW_HELD);
}
END_TEST

/* What the old one used beside it, in a split, is not passed over. */
START_TEST(what_the_old_one_used_is_not_passed_over)
{
	before(true);
	event(EVENT_PARTITION, P_B_OUT, WHO_OTHER, SEG_OUTSIDE, 1u << P_B_OUT);
	stage_wait(800);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	stage_wait(500);
	stage_esp(P_A_OUT, 50000, 1);
	stage_esp(P_B_OUT, 50000 + 2001, 2);
	ck_assert_int_eq(verdict(), LAW_HELD);
	stage_close();
	stage_open();
	before(true);
	event(EVENT_PARTITION, P_B_OUT, WHO_OTHER, SEG_OUTSIDE, 1u << P_B_OUT);
	stage_wait(800);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	stage_wait(500);
	stage_esp(P_A_OUT, 50000, 1);
	stage_esp(P_B_OUT, 50000 + 2003, 2);
	ck_assert_int_eq(verdict(), LAW_BROKEN);
}
END_TEST

/* ---- above all ---- */

/* A goes on with 5000 so many ms after B's promotion; then B begins below that. */
static enum law_verdict
beside(int64_t ms, enum trace_event_kind fault, enum trace_segment seg)
{
	stage_close();
	stage_open();
	stage.in.max_jump = 0;
	before(false);
	if (fault != EVENT_MARK)
		event(fault, P_B_OUT, seg == SEG_SYNC ? WHO_B : WHO_OTHER, seg, 1u << P_B_OUT);
	stage_wait(800);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	stage_wait(ms);
	stage_esp(P_A_OUT, 5000, 5000);
	stage_wait(100);
	stage_esp(P_B_OUT, 200, 200);
	return verdict();
}

START_TEST(what_is_sent_beside_binds_but_in_a_split)
{
	ck_assert_int_eq(beside(50, EVENT_MARK, SEG_OUTSIDE), LAW_BROKEN);
	ck_assert_int_eq(beside(500, EVENT_MARK, SEG_OUTSIDE), LAW_BROKEN);
	ck_assert_int_eq(beside(50, EVENT_PARTITION, SEG_OUTSIDE), LAW_BROKEN);
	ck_assert_int_eq(beside(500, EVENT_PARTITION, SEG_OUTSIDE), LAW_HELD);
}
END_TEST

/* The old one sends on with higher numbers, and nothing keeps it from hearing the heir. */
static void
both_send_on(void)
{
	stage.in.max_jump = 0;
	before(false);
	heir(2000);
	stage_wait(500);
	stage_esp(P_A_OUT, 3000, 1);
	stage_wait(500);
	stage_esp(P_B_OUT, 2001, 2);
}

START_TEST(who_sends_on_beside_the_heir_breaks_it)
{
	both_send_on();
	ck_assert_ptr_nonnull(strstr(stage_expect(LAW_CONTINUITY, LAW_BROKEN)->text, "beside it"));
	stage_close();
	stage_open();
	event(EVENT_PARTITION, P_B_OUT, WHO_OTHER, SEG_OUTSIDE, 1u << P_B_OUT);
	both_send_on();
	ck_assert_int_eq(verdict(), LAW_HELD);
}
END_TEST

/* A partition that healed long before excuses nothing. */
START_TEST(a_split_of_long_ago_excuses_nothing)
{
	event(EVENT_PARTITION, P_B_OUT, WHO_OTHER, SEG_OUTSIDE, 1u << P_B_OUT);
	stage_wait(10);
	event(EVENT_HEAL, P_B_OUT, WHO_OTHER, SEG_OUTSIDE, 0);
	stage_wait(2000);
	both_send_on();
	ck_assert_int_eq(verdict(), LAW_BROKEN);
}
END_TEST

/* ---- a member's own ---- */

static enum law_verdict
back_by(uint32_t top, uint32_t back)
{
	stage_close();
	stage_open();
	stage_esp(P_A_OUT, top, 1);
	stage_esp(P_A_OUT, top - back, 2);
	return verdict();
}

START_TEST(a_kernel_reorders_within_a_window)
{
	ck_assert_int_ne(back_by(1000, 64), LAW_BROKEN);
	ck_assert_int_eq(back_by(1000, 65), LAW_BROKEN);
	ck_assert_int_ne(back_by(UINT32_MAX, 5), LAW_BROKEN);
	ck_assert_int_ne(back_by(UINT32_MAX, 64), LAW_BROKEN);
	ck_assert_int_eq(back_by(UINT32_MAX, 65), LAW_BROKEN);
	ck_assert_int_eq(back_by(40, 40), LAW_BROKEN); /* number 0 is none */
}
END_TEST

/* After a split has healed B leaves, and A has so many ms to go above both. */
static enum law_verdict
healed_for(int64_t ms)
{
	stage_close();
	stage_open();
	stage.in.max_jump = 0;
	before(false);
	event(EVENT_PARTITION, P_B_OUT, WHO_OTHER, SEG_OUTSIDE, 1u << P_B_OUT);
	heir(5000);
	event(EVENT_HEAL, P_B_OUT, WHO_OTHER, SEG_OUTSIDE, 0);
	stage_hsrp(P_B_OUT, S_HELLO, S_STANDBY);
	stage.now -= 10 * NS_PER_US;
	stage_wait(ms);
	stage_esp(P_A_OUT, 101, 101);
	return verdict();
}

START_TEST(who_stays_goes_above_both_within_a_hold_time)
{
	ck_assert_int_eq(healed_for(800 + 200 + 20), LAW_HELD);
	ck_assert_int_eq(healed_for(800 + 200 + 21), LAW_BROKEN);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("continuity");

	tcase_add_test(t, two_intervals_and_what_was_in_hand);
	tcase_add_test(t, an_heir_that_is_ready_has_no_stale_copy);
	tcase_add_test(t, below_the_upper_half_a_stale_copy_excuses_nothing);
	tcase_add_test(t, an_heir_that_came_too_late_may_be_stale);
	tcase_add_loop_test(
		t, which_fault_excuses_a_jump, 0, (int)(sizeof faults / sizeof *faults));
	tcase_add_test(t, an_heir_may_give_up_what_waited_for_its_neighbour);
	tcase_add_test(t, a_channel_lost_meanwhile_costs_a_block);
	tcase_add_test(t, the_loss_of_its_own_copy_costs_nothing);
	tcase_add_test(t, what_the_old_one_used_is_not_passed_over);
	tcase_add_test(t, what_is_sent_beside_binds_but_in_a_split);
	tcase_add_test(t, who_sends_on_beside_the_heir_breaks_it);
	tcase_add_test(t, a_split_of_long_ago_excuses_nothing);
	tcase_add_test(t, a_kernel_reorders_within_a_window);
	tcase_add_test(t, who_stays_goes_above_both_within_a_hold_time);
	return stage_main(t, "continuity");
}
