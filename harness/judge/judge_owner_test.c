/* SPDX-License-Identifier: BSD-2-Clause */
/* Law 4 at its edges: each thing that it excuses, and one step beyond it. */
#include "harness/judge/judge_test_util.h"

#define GRACE_MS 240 /* a hello of 200 ms, a tenth of it, the margin of 20 ms */

static const struct mac broadcast = {{255, 255, 255, 255, 255, 255}};
static const struct mac virt = {{0, 0, 0x0c, 7, 0xac, 1}};

static void
say(int port, int state)
{
	stage_hsrp(port, S_HELLO, state);
}

static size_t
answer(int port)
{
	static const struct mac own = {{2, 0, 0, 0, 0, 3}};
	uint8_t f[64];

	return stage_frame(
		port, 0xffff, f, pkt_put_arp(f, sizeof(f), &broadcast, 2, &virt, VIP, &own, PEER));
}

/* A is Active and B Standby, for so many Hellos of both. */
static void
at_peace(int cnt)
{
	for (int i = 0; i < cnt; i++) {
		say(P_A_OUT, S_ACTIVE);
		say(P_B_OUT, S_STANDBY);
		stage_wait(200);
	}
}

static void
part(enum trace_event_kind kind, enum trace_segment seg, unsigned far)
{
	trace_event_add(stage.t,
		&(struct trace_event){.kind = kind, .segment = seg, .value = far, .at = stage.now});
}

static void
cable(enum trace_event_kind kind, int port, enum trace_who who)
{
	trace_event_add(stage.t, &(struct trace_event){.kind = kind,
					 .port = (uint8_t)port,
					 .who = who,
					 .segment = SEG_OUTSIDE,
					 .at = stage.now});
}

/* A spoke last so many ms, and some microseconds, after B's first Hello as Active. */
static enum law_verdict
a_silent_after(int64_t ms)
{
	at_peace(2);
	say(P_B_OUT, S_ACTIVE);
	stage.now -= 10 * NS_PER_US;
	stage_wait(ms);
	say(P_A_OUT, S_ACTIVE);
	return stage_law(LAW_OWNER)->verdict;
}

START_TEST(one_hello_and_jitter_and_no_more)
{
	ck_assert_int_eq(a_silent_after(GRACE_MS), LAW_HELD);
	stage_close();
	stage_open();
	ck_assert_int_eq(a_silent_after(GRACE_MS + 1), LAW_BROKEN);
}
END_TEST

START_TEST(a_standby_that_answers_breaks_it)
{
	size_t b;

	at_peace(4);
	stage_expect(LAW_OWNER, LAW_HELD);
	b = answer(P_B_OUT);
	at_peace(4);
	ck_assert_uint_eq(stage_expect(LAW_OWNER, LAW_BROKEN)->frame, b);
}
END_TEST

START_TEST(a_standby_that_speaks_from_the_address_breaks_it)
{
	at_peace(4);
	stage_esp(P_A_OUT, 1, 1);
	at_peace(1);
	stage_expect(LAW_OWNER, LAW_HELD);
	stage_esp(P_B_OUT, 2, 2);
	at_peace(1);
	ck_assert_ptr_nonnull(strstr(stage_expect(LAW_OWNER, LAW_BROKEN)->text, "not active"));
}
END_TEST

START_TEST(an_answer_before_the_first_hello_as_active_is_a_promotion)
{
	at_peace(4);
	stage_wait(800);
	answer(P_B_OUT);
	say(P_B_OUT, S_ACTIVE);
	stage_wait(200);
	say(P_B_OUT, S_ACTIVE);
	stage_expect(LAW_OWNER, LAW_HELD);
}
END_TEST

/* A resigns, and says Standby from then on; what it had in hand comes out so many ms later. */
static enum law_verdict
in_hand_for(int ms)
{
	at_peace(4);
	stage_hsrp(P_A_OUT, S_RESIGN, S_ACTIVE);
	for (int i = 0; i < 8; i++) {
		if (i * 100 == ms)
			answer(P_A_OUT);
		say(P_A_OUT, S_STANDBY);
		say(P_B_OUT, S_ACTIVE);
		stage_wait(100);
	}
	return stage_law(LAW_OWNER)->verdict;
}

START_TEST(what_was_in_hand_is_so_for_one_hello)
{
	ck_assert_int_eq(in_hand_for(200), LAW_HELD);
	stage_close();
	stage_open();
	ck_assert_int_eq(in_hand_for(300), LAW_BROKEN);
}
END_TEST

/* Frames of one instant: neither is the younger, and both go on. */
START_TEST(two_of_one_instant_break_it)
{
	for (int i = 0; i < 6; i++) {
		ns_t at = stage.now;

		say(P_A_OUT, S_ACTIVE);
		stage.now = at;
		say(P_B_OUT, S_ACTIVE);
		stage_wait(100);
	}
	stage_expect(LAW_OWNER, LAW_BROKEN);
}
END_TEST

/* B becomes Active; something happens 200 ms later; A speaks once more after 400 ms. */
static enum law_verdict
with_in_between(void (*happens)(void))
{
	stage_close();
	stage_open();
	at_peace(2);
	say(P_B_OUT, S_ACTIVE);
	stage_wait(200);
	if (happens)
		happens();
	say(P_B_OUT, S_ACTIVE);
	stage_wait(200);
	say(P_A_OUT, S_ACTIVE);
	return stage_law(LAW_OWNER)->verdict;
}

static void
members_cable(void)
{
	cable(EVENT_CABLE_IN, P_A_OUT, WHO_A);
}

static void
peers_cable(void)
{
	cable(EVENT_CABLE_IN, P_PEER, WHO_PEER);
}

static void
parts_nobody(void)
{
	part(EVENT_PARTITION, SEG_OUTSIDE, 1u << P_A_OUT | 1u << P_B_OUT);
}

static void
heals_nothing(void)
{
	part(EVENT_HEAL, SEG_OUTSIDE, 0);
}

static void
parts(void)
{
	part(EVENT_PARTITION, SEG_OUTSIDE, 1u << P_B_OUT);
}

static void
parts_and_heals(void)
{
	parts();
	heals_nothing();
}

START_TEST(only_what_parts_the_members_gives_time)
{
	ck_assert_int_eq(with_in_between(NULL), LAW_BROKEN);
	ck_assert_int_eq(with_in_between(peers_cable), LAW_BROKEN);
	ck_assert_int_eq(with_in_between(parts_nobody), LAW_BROKEN);
	ck_assert_int_eq(with_in_between(heals_nothing), LAW_BROKEN);
	ck_assert_int_eq(with_in_between(members_cable), LAW_HELD);
	ck_assert_int_eq(with_in_between(parts), LAW_HELD);
	ck_assert_int_eq(with_in_between(parts_and_heals), LAW_HELD);
}
END_TEST

static void
both(void)
{
	ns_t at = stage.now;

	say(P_A_OUT, S_ACTIVE);
	stage.now = at;
	say(P_B_OUT, S_ACTIVE);
	stage.now = at;
}

/* Both were Active in a split, and both say so once more, so many ms after it healed. */
static enum law_verdict
healed_for(int64_t ms)
{
	parts();
	both();
	stage_wait(1000);
	heals_nothing();
	stage_wait(100);
	both();
	stage_wait(ms - 100);
	both();
	return stage_law(LAW_OWNER)->verdict;
}

START_TEST(a_heal_gives_one_hello_and_jitter)
{
	ck_assert_int_eq(healed_for(GRACE_MS), LAW_HELD);
	stage_close();
	stage_open();
	ck_assert_int_eq(healed_for(GRACE_MS + 1), LAW_BROKEN);
}
END_TEST

/* B's line was out; A claims there alone, and B is heard again, and gives way or does not. */
static enum law_verdict
line_back(int64_t silent_after)
{
	stage_close();
	stage_open();
	say(P_B_OUT, S_ACTIVE);
	stage_wait(100);
	cable(EVENT_CABLE_OUT, P_B_OUT, WHO_B);
	for (int i = 0; i < 5; i++) {
		say(P_A_OUT, S_ACTIVE);
		stage_wait(200);
	}
	cable(EVENT_CABLE_IN, P_B_OUT, WHO_B);
	for (int64_t ms = 0; ms <= silent_after; ms += 50) {
		say(P_A_OUT, S_ACTIVE);
		say(P_B_OUT, S_ACTIVE);
		stage_wait(50);
	}
	say(P_A_OUT, S_ACTIVE);
	return stage_law(LAW_OWNER)->verdict;
}

START_TEST(a_line_that_is_out_parts_the_members)
{
	ck_assert_int_eq(line_back(200), LAW_HELD);
	ck_assert_int_eq(line_back(300), LAW_BROKEN);
}
END_TEST

/* B, Active for a moment in a line's blackout, died; A, who never heard of it, owes nothing to it.
 */
static enum law_verdict
the_younger_ends(enum trace_event_kind kind)
{
	stage_close();
	stage_open();
	at_peace(2);
	say(P_B_OUT, S_ACTIVE);
	stage_wait(50);
	stage_event(kind, WHO_B);
	stage_wait(400);
	say(P_A_OUT, S_ACTIVE);
	return stage_law(LAW_OWNER)->verdict;
}

START_TEST(who_died_owns_nothing)
{
	ck_assert_int_eq(the_younger_ends(EVENT_POWER_OFF), LAW_HELD);
	ck_assert_int_eq(the_younger_ends(EVENT_CRASH), LAW_HELD);
	ck_assert_int_eq(the_younger_ends(EVENT_EXIT), LAW_HELD);
	ck_assert_int_eq(the_younger_ends(EVENT_MARK), LAW_BROKEN);
	ck_assert_int_eq(the_younger_ends(EVENT_STOP), LAW_BROKEN); /* it says so itself */
}
END_TEST

/* Its kernel does, if it answers. */
START_TEST(what_the_dead_answer_breaks_it)
{
	at_peace(2);
	stage_event(EVENT_CRASH, WHO_A);
	stage_wait(800);
	say(P_B_OUT, S_ACTIVE);
	stage_wait(GRACE_MS);
	say(P_B_OUT, S_ACTIVE);
	stage_expect(LAW_OWNER, LAW_HELD);
	answer(P_A_OUT);
	stage_expect(LAW_OWNER, LAW_BROKEN);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("owner");

	tcase_add_test(t, one_hello_and_jitter_and_no_more);
	tcase_add_test(t, a_standby_that_answers_breaks_it);
	tcase_add_test(t, a_standby_that_speaks_from_the_address_breaks_it);
	tcase_add_test(t, an_answer_before_the_first_hello_as_active_is_a_promotion);
	tcase_add_test(t, what_was_in_hand_is_so_for_one_hello);
	tcase_add_test(t, two_of_one_instant_break_it);
	tcase_add_test(t, only_what_parts_the_members_gives_time);
	tcase_add_test(t, a_heal_gives_one_hello_and_jitter);
	tcase_add_test(t, a_line_that_is_out_parts_the_members);
	tcase_add_test(t, who_died_owns_nothing);
	tcase_add_test(t, what_the_dead_answer_breaks_it);
	return stage_main(t, "owner");
}
