/* SPDX-License-Identifier: BSD-2-Clause */
/* Law 7 at its edges: each thing that it excuses, and one step beyond it. */
#include "harness/judge/judge_test_sync.h"

#define GRACE_MS (200 + 20 + 20) /* hello, jitter, margin; the stage's kernels need no time */

static void
route(bool in, enum trace_who who)
{
	trace_event_add(stage.t, &(struct trace_event){.at = stage.now,
					 .who = who,
					 .value = IP4(10, 2, 0, 0),
					 .prefix_len = 24,
					 .kind = in ? EVENT_ROUTE_ADD : EVENT_ROUTE_DEL});
}

/* Time goes by, and a frame says so. */
static void
later(int64_t ms, int port)
{
	stage_wait(ms);
	stage_hsrp(port, S_HELLO, S_ACTIVE);
}

static enum law_verdict
verdict(void)
{
	return stage_law(LAW_ROUTES)->verdict;
}

/* ---- two ---- */

static enum law_verdict
both_for(int64_t ms)
{
	stage_close();
	stage_open();
	route(true, WHO_A);
	route(true, WHO_B);
	stage_wait(ms);
	route(false, WHO_A);
	later(1, P_B_OUT);
	return verdict();
}

START_TEST(one_hello_and_jitter_and_no_more)
{
	ck_assert_int_eq(both_for(GRACE_MS), LAW_HELD);
	ck_assert_int_eq(both_for(GRACE_MS + 1), LAW_BROKEN);
}
END_TEST

static enum law_verdict
with_a_dead_one(enum trace_event_kind kind)
{
	stage_close();
	stage_open();
	route(true, WHO_A);
	stage_wait(1);
	stage_event(kind, WHO_A);
	route(true, WHO_B);
	later(GRACE_MS + 100, P_B_OUT);
	return verdict();
}

START_TEST(what_the_dead_left_routes_nothing)
{
	ck_assert_int_eq(with_a_dead_one(EVENT_CRASH), LAW_HELD);
	ck_assert_int_eq(with_a_dead_one(EVENT_STOP), LAW_HELD);
	ck_assert_int_eq(with_a_dead_one(EVENT_MARK), LAW_BROKEN);
}
END_TEST

/* ---- one ---- */

/* A dies; B, ready or not, becomes active, and has its route so many ms later, or never. */
static enum law_verdict
taken_over_with(bool pair, bool ready, bool dynamic, int64_t route_ms)
{
	stage_close();
	stage_open();
	stage.in.dynamic_map = dynamic;
	stage.no_pair = !pair;
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	route(true, WHO_A);
	if (ready)
		stage_ready(SIDE_B, 5000);
	stage_wait(1);
	stage_event(EVENT_POWER_OFF, WHO_A);
	stage_wait(800);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	stage.now -= 10 * NS_PER_US;
	if (route_ms) {
		stage_wait(route_ms);
		route(true, WHO_B);
	}
	later(1000, P_B_OUT);
	return verdict();
}

static enum law_verdict
taken_over(bool ready, bool dynamic, int64_t route_ms)
{
	return taken_over_with(true, ready, dynamic, route_ms);
}

START_TEST(an_heir_has_its_route_in_time)
{
	ck_assert_int_eq(taken_over(true, true, GRACE_MS - 1), LAW_HELD);
	ck_assert_int_eq(taken_over(true, true, GRACE_MS + 1), LAW_BROKEN);
	ck_assert_int_eq(taken_over(true, true, 0), LAW_BROKEN);
	ck_assert_int_eq(taken_over(false, true, 0), LAW_HELD);		   /* it has no SA */
	ck_assert_int_eq(taken_over_with(false, true, true, 0), LAW_HELD); /* the bulk named none */
	ck_assert_int_eq(taken_over(false, false, 0), LAW_BROKEN); /* a static map needs none */
}
END_TEST

static void
cable(enum trace_event_kind kind)
{
	trace_event_add(stage.t, &(struct trace_event){.kind = kind,
					 .port = P_B_IN,
					 .who = WHO_B,
					 .segment = SEG_INSIDE,
					 .at = stage.now});
}

/* The heir's inside line blinks 20 ms after it was whole; it is Active there again after 400 ms. */
static enum law_verdict
blinks(bool line, int64_t route_ms)
{
	stage_close();
	stage_open();
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	stage_hsrp(P_A_IN, S_HELLO, S_ACTIVE);
	route(true, WHO_A);
	stage_wait(1);
	stage_event(EVENT_POWER_OFF, WHO_A);
	stage_wait(800);
	stage_hsrp(P_B_IN, S_HELLO, S_ACTIVE);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	stage_wait(20);
	if (line) {
		cable(EVENT_CABLE_OUT);
		cable(EVENT_CABLE_IN);
	}
	stage_wait(380);
	stage_hsrp(P_B_IN, S_HELLO, S_ACTIVE);
	stage_wait(route_ms);
	route(true, WHO_B);
	later(1000, P_B_OUT);
	return verdict();
}

START_TEST(an_heir_owes_its_route_when_it_has_served_for_the_margin)
{
	ck_assert_int_eq(blinks(true, GRACE_MS - 1), LAW_HELD);
	ck_assert_int_eq(blinks(true, GRACE_MS + 1), LAW_BROKEN);
	ck_assert_int_eq(blinks(false, 1), LAW_BROKEN);
}
END_TEST

/* ---- none ---- */

/* A made the SA; B, ready or not, took over, and has the route; the peer deletes the SA. */
static enum law_verdict
deleted_under(bool ready, bool ask_a)
{
	stage_close();
	stage_open();
	stage.in.dynamic_map = true;
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	stage_phase1(P_A_OUT);
	stage_quick(P_A_OUT, 7, 3600, 0);
	route(true, WHO_A);
	if (ready)
		stage_ready(SIDE_B, 5000);
	if (!ask_a) {
		stage_event(EVENT_POWER_OFF, WHO_A);
		stage_wait(800);
		stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
		route(true, WHO_B);
	}
	stage_delete(ask_a ? P_A_OUT : P_B_OUT, 9, SPI_OUT, true);
	later(1000, ask_a ? P_A_OUT : P_B_OUT);
	return verdict();
}

START_TEST(who_cannot_open_a_delete_does_not_know)
{
	ck_assert_int_eq(deleted_under(true, true), LAW_BROKEN);
	ck_assert_int_eq(deleted_under(false, true), LAW_BROKEN); /* it made the IKE SA itself */
	ck_assert_int_eq(deleted_under(true, false), LAW_BROKEN); /* it has a copy */
	ck_assert_int_eq(deleted_under(false, false), LAW_HELD);
}
END_TEST

/* B has an empty bulk; A makes an IKE SA and a pair, B hears of it or not, takes over, and has a
 * route. */
static enum law_verdict
made_unheard(bool ike_before, bool heard, int secret)
{
	uint8_t m[64];
	struct wr w;

	stage_close();
	stage_open();
	stage.in.dynamic_map = true;
	stage.no_pair = true;
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	if (ike_before)
		stage_phase1(P_A_OUT);
	stage_ready(SIDE_B, 5000);
	stage_wait(10);
	if (!ike_before)
		stage_phase1(P_A_OUT);
	stage_quick(P_A_OUT, 7, 3600, 0);
	if (heard)
		stage_lease(SIDE_B);
	stage_event(EVENT_POWER_OFF, WHO_A);
	stage_wait(800);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	route(true, WHO_B);
	stage_delete(P_B_OUT, 9, SPI_OUT, true);
	if (secret >= 0) {
		wr_init(&w, m, sizeof(m));
		stage_head(&w, PAY_NOTIFY, IKE_INFO, secret, 21, 16);
		wr_bytes(&w, (uint8_t[16]){0, 0, 0, 12, 0, 0, 0, 1, 1, 0, 0, 4}, 16);
		stage_isakmp(P_B_OUT, P_PEER, m, w.len);
	}
	later(1000, P_B_OUT);
	return verdict();
}

START_TEST(a_copy_opens_nothing_that_was_made_behind_its_back)
{
	ck_assert_int_eq(made_unheard(false, false, -1), LAW_HELD);
	ck_assert_int_eq(made_unheard(false, true, -1), LAW_BROKEN);
	ck_assert_int_eq(made_unheard(true, false, -1), LAW_BROKEN); /* it opens it */
	ck_assert_int_eq(made_unheard(false, false, 0), LAW_HELD);   /* INVALID-COOKIE, in clear */
	ck_assert_int_eq(made_unheard(false, false, 1), LAW_BROKEN); /* it has that key */
}
END_TEST

/* Two pairs; the first is deleted before B takes over, the second after that, by B. */
static enum law_verdict
one_deleted_before(bool copy, bool before)
{
	uint8_t sa[128];

	stage_close();
	stage_open();
	stage.in.dynamic_map = true;
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	stage_phase1(P_A_OUT);
	stage_quick(P_A_OUT, 7, 3600, 0);
	stage_ike(P_PEER, P_A_OUT, IKE_QUICK, 8, PAY_SA, true, sa,
		stage_sa(sa, SPI_OUT + 1, 3600, 0));
	stage_ike(
		P_A_OUT, P_PEER, IKE_QUICK, 8, PAY_SA, true, sa, stage_sa(sa, SPI_IN + 1, 3600, 0));
	if (before)
		stage_delete(P_A_OUT, 9, SPI_OUT, true);
	if (copy)
		stage_ready(SIDE_B, 5000);
	stage_wait(1);
	stage_event(EVENT_POWER_OFF, WHO_A);
	stage_wait(800);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	route(true, WHO_B);
	stage_dpd(P_B_OUT, P_PEER, 10, 36136, 1); /* it holds the IKE SA */
	if (!before)
		stage_delete(P_B_OUT, 9, SPI_OUT, true);
	stage_delete(P_B_OUT, 11, SPI_OUT + 1, true);
	later(1000, P_B_OUT);
	return verdict();
}

START_TEST(who_took_over_without_a_copy_missed_what_was_before)
{
	ck_assert_int_eq(one_deleted_before(true, true), LAW_BROKEN);
	ck_assert_int_eq(one_deleted_before(false, true), LAW_HELD);
	ck_assert_int_eq(one_deleted_before(false, false), LAW_BROKEN);
}
END_TEST

static enum law_verdict
gone_for(int64_t ms)
{
	stage_close();
	stage_open();
	stage.in.dynamic_map = true;
	stage_phase1(P_A_OUT);
	stage_quick(P_A_OUT, 7, 3600, 0);
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	route(true, WHO_A);
	stage_delete(P_A_OUT, 9, SPI_OUT, true);
	stage.now -= 10 * NS_PER_US;
	stage_wait(ms);
	route(false, WHO_A);
	later(10, P_A_OUT);
	return verdict();
}

START_TEST(a_route_goes_in_time)
{
	ck_assert_int_eq(gone_for(GRACE_MS), LAW_HELD);
	ck_assert_int_eq(gone_for(GRACE_MS + 1), LAW_BROKEN);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("routes");

	tcase_add_test(t, one_hello_and_jitter_and_no_more);
	tcase_add_test(t, what_the_dead_left_routes_nothing);
	tcase_add_test(t, an_heir_has_its_route_in_time);
	tcase_add_test(t, an_heir_owes_its_route_when_it_has_served_for_the_margin);
	tcase_add_test(t, who_cannot_open_a_delete_does_not_know);
	tcase_add_test(t, a_copy_opens_nothing_that_was_made_behind_its_back);
	tcase_add_test(t, who_took_over_without_a_copy_missed_what_was_before);
	tcase_add_test(t, a_route_goes_in_time);
	return stage_main(t, "routes");
}
