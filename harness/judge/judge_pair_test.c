/* SPDX-License-Identifier: BSD-2-Clause */
/* Laws 4, 5, 6, 7 and 9, and the table of suspensions: each is seen to hold, and to break. */
#include "harness/judge/judge_test_util.h"

static const struct mac broadcast = {{255, 255, 255, 255, 255, 255}};

static void
hellos(int port, int state, int cnt)
{
	for (int i = 0; i < cnt; i++) {
		stage_hsrp(port, S_HELLO, state);
		stage_wait(200);
	}
}

/* ---- law 4 ---- */

START_TEST(a_hand_over_holds)
{
	hellos(P_A_OUT, S_ACTIVE, 5);
	hellos(P_B_OUT, S_STANDBY, 1);
	stage_hsrp(P_B_OUT, S_COUP, S_ACTIVE);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	stage_wait(150);
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE); /* within a hello and jitter */
	stage_hsrp(P_A_OUT, S_RESIGN, S_ACTIVE);
	hellos(P_A_OUT, S_STANDBY, 1);
	hellos(P_B_OUT, S_ACTIVE, 5);
	ck_assert_uint_eq(stage_expect(LAW_OWNER, LAW_HELD)->judged, 12);
}
END_TEST

START_TEST(two_actives_break_it)
{
	size_t b;

	hellos(P_A_OUT, S_ACTIVE, 5);
	b = stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	for (int i = 0; i < 3; i++) {
		stage_wait(100);
		stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
		stage_wait(100);
		stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	}
	stage_names(stage_expect(LAW_OWNER, LAW_BROKEN), b);
}
END_TEST

static size_t
answer(int port, bool from_virtual)
{
	static const struct mac own = {{2, 0, 0, 0, 0, 3}}, virt = {{0, 0, 0x0c, 7, 0xac, 1}};
	uint8_t f[64];
	const struct mac *sha = from_virtual ? &virt : &own;
	size_t len = pkt_put_arp(f, sizeof(f), &broadcast, 2, sha, VIP, &own, PEER);

	return stage_frame(port, 0xffff, f, len);
}

START_TEST(an_arp_answer_of_the_old_one_breaks_it)
{
	hellos(P_A_OUT, S_ACTIVE, 2);
	stage_event(EVENT_CRASH, WHO_A);
	stage_wait(800);
	hellos(P_B_OUT, S_ACTIVE, 3);
	stage_expect(LAW_OWNER, LAW_HELD);
	answer(P_A_OUT, false);
	ck_assert_ptr_nonnull(strstr(stage_expect(LAW_OWNER, LAW_BROKEN)->text, "ARP"));
}
END_TEST

START_TEST(a_frame_from_the_virtual_mac_is_a_claim)
{
	static const uint8_t f[60] = {2, 0, 0, 0, 0, 9, 0, 0, 0x0c, 7, 0xac, 1, 0x88, 0xb5};

	hellos(P_A_OUT, S_ACTIVE, 2);
	hellos(P_B_OUT, S_ACTIVE, 3);
	stage_frame(P_A_OUT, 0xffff, f, sizeof(f));
	ck_assert_ptr_nonnull(strstr(stage_expect(LAW_OWNER, LAW_BROKEN)->text, "virtual MAC"));
}
END_TEST

static void
both_for_a_second(void)
{
	for (int i = 0; i < 5; i++) {
		stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
		stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
		stage_wait(200);
	}
}

START_TEST(a_partition_makes_two_segments)
{
	struct trace_event split = {.kind = EVENT_PARTITION, .segment = SEG_OUTSIDE,
		.value = 1u << P_B_OUT};

	hellos(P_A_OUT, S_ACTIVE, 2);
	split.at = stage.now;
	trace_event_add(stage.t, &split);
	both_for_a_second();
	split.kind = EVENT_HEAL;
	split.at = stage.now;
	trace_event_add(stage.t, &split);
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	stage_hsrp(P_B_OUT, S_HELLO, S_STANDBY);
	stage_wait(300);
	hellos(P_A_OUT, S_ACTIVE, 3);
	stage_expect(LAW_OWNER, LAW_HELD);
	both_for_a_second();
	stage_expect(LAW_OWNER, LAW_BROKEN);
}
END_TEST

START_TEST(a_heal_gives_one_hello_and_no_more)
{
	struct trace_event split = {.kind = EVENT_PARTITION, .segment = SEG_OUTSIDE,
		.value = 1u << P_B_OUT, .at = stage.now};

	trace_event_add(stage.t, &split);
	both_for_a_second();
	split.kind = EVENT_HEAL;
	split.at = stage.now;
	trace_event_add(stage.t, &split);
	both_for_a_second();
	ck_assert_ptr_nonnull(strstr(stage_expect(LAW_OWNER, LAW_BROKEN)->text, "reconnection"));
}
END_TEST

/* B's cable was out and it lost the role without a word; in again, it is silent, and preempts later. */
START_TEST(who_was_silent_after_it_came_back_claims_anew)
{
	struct trace_event cable = {.kind = EVENT_CABLE_OUT, .port = P_B_OUT, .who = WHO_B,
		.segment = SEG_OUTSIDE};

	hellos(P_B_OUT, S_ACTIVE, 2);
	cable.at = stage.now;
	trace_event_add(stage.t, &cable);
	hellos(P_A_OUT, S_ACTIVE, 4);
	cable.kind = EVENT_CABLE_IN;
	cable.at = stage.now;
	trace_event_add(stage.t, &cable);
	hellos(P_A_OUT, S_ACTIVE, 2);
	stage_wait(1);
	stage_hsrp(P_B_OUT, S_COUP, S_STANDBY);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	stage_hsrp(P_A_OUT, S_RESIGN, S_ACTIVE);
	hellos(P_B_OUT, S_ACTIVE, 3);
	stage_expect(LAW_OWNER, LAW_HELD);
	hellos(P_A_OUT, S_ACTIVE, 1);
	hellos(P_B_OUT, S_ACTIVE, 3);
	stage_expect(LAW_OWNER, LAW_BROKEN);
}
END_TEST

START_TEST(a_partition_elsewhere_excuses_nothing)
{
	struct trace_event split = {.kind = EVENT_PARTITION, .segment = SEG_SYNC,
		.value = 1u << P_B_SYNC, .at = stage.now};

	trace_event_add(stage.t, &split);
	both_for_a_second();
	stage_expect(LAW_OWNER, LAW_BROKEN);
}
END_TEST

/* ---- law 5 ---- */

/* A stream outwards at 100/s, not carried for `dark` ms around B's promotion. */
static void
stream_with_gap(uint32_t dark)
{
	uint8_t ip[256];

	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	for (uint32_t ms = 0, n = 1; ms < 3000; ms += 10, n++) {
		bool lost = ms >= 1000 && ms < 1000 + dark;
		size_t len = stage_inner(ip, sizeof(ip), true, n, 64);

		if (ms == 1000 + dark)
			stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
		stage_ip(P_HOST, 1u << (ms < 1000 ? P_A_IN : P_B_IN), ip, len);
		if (!lost)
			stage_esp(ms < 1000 ? P_A_OUT : P_B_OUT, ms < 1000 ? n : n + 1000, n);
		stage_wait(9);
	}
}

static void
judge_five(bool ready, void (*law)(const struct scene *, struct law_result *), struct law_result *r)
{
	struct scene s;

	scene_init(&s, &stage.in);
	ck_assert_uint_eq(s.take_cnt, 1);
	ck_assert_int_eq(s.take[0].heir, SIDE_B);
	ck_assert(!s.take[0].ready); /* there is no channel in this trace */
	s.take[0].ready = ready;
	s.take[0].fresh_until = NS_NEVER;
	*r = (struct law_result){.verdict = LAW_NOTHING, .frame = TRACE_NONE};
	law(&s, r);
	scene_free(&s);
}

START_TEST(a_short_outage_holds)
{
	struct law_result r;

	stream_with_gap(900);
	judge_five(true, outage_judge, &r);
	ck_assert_msg(r.verdict != LAW_BROKEN, "%s", r.text);
	ck_assert_uint_eq(r.judged, 300);
}
END_TEST

START_TEST(a_long_outage_breaks_it)
{
	struct law_result r;

	stream_with_gap(1200);
	judge_five(true, outage_judge, &r);
	ck_assert_msg(r.verdict == LAW_BROKEN, "%s", r.text);
	ck_assert_ptr_nonnull(strstr(r.text, "outwards"));
	judge_five(false, outage_judge, &r);
	ck_assert(r.verdict == LAW_NOTHING && r.judged == 0);
}
END_TEST

/* A member's inside line is out for 300 ms when the tunnel goes dark, or for ever. */
static enum law_verdict
dark_with_a_cable_out(bool heirs, bool for_ever, uint32_t dark)
{
	struct trace_event e = {.kind = EVENT_CABLE_OUT, .segment = SEG_INSIDE,
		.port = heirs ? P_B_IN : P_A_IN, .who = heirs ? WHO_B : WHO_A};
	struct law_result r;

	stage_close();
	stage_open();
	e.at = stage.now + NS_PER_S;
	trace_event_add(stage.t, &e);
	e.kind = EVENT_CABLE_IN;
	e.at += 300 * NS_PER_MS;
	if (!for_ever)
		trace_event_add(stage.t, &e);
	stream_with_gap(dark);
	judge_five(true, outage_judge, &r);
	return r.verdict;
}

/* The heir's group begins anew when its line is back. That of the other one excuses less. */
START_TEST(the_heir_must_be_whole_itself)
{
	ck_assert_int_eq(dark_with_a_cable_out(false, false, 1700), LAW_BROKEN);
	ck_assert_int_ne(dark_with_a_cable_out(true, false, 1700), LAW_BROKEN);
	ck_assert_int_ne(dark_with_a_cable_out(true, true, 1700), LAW_BROKEN);
}
END_TEST

START_TEST(a_heir_that_was_whole_long_ago_has_no_excuse)
{
	struct trace_event start = {.kind = EVENT_START, .who = WHO_B, .at = stage.now};
	struct law_result r;

	trace_event_add(stage.t, &start);
	stream_with_gap(1700);
	judge_five(true, outage_judge, &r);
	ck_assert_int_eq(r.verdict, LAW_BROKEN);
}
END_TEST

START_TEST(an_outage_without_end_breaks_it)
{
	struct law_result r;

	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	for (uint32_t n = 1; n <= 300; n++) {
		uint8_t ip[256];

		stage_ip(P_HOST, 1u << P_A_IN, ip, stage_inner(ip, sizeof(ip), true, n, 64));
		if (n <= 100)
			stage_esp(P_A_OUT, n, n);
		if (n == 180)
			stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
		stage_wait(10);
	}
	judge_five(true, outage_judge, &r);
	ck_assert_msg(r.verdict == LAW_BROKEN && strstr(r.text, "longer"), "%s", r.text);
}
END_TEST

START_TEST(a_tunnel_that_goes_on_needs_nothing_anew)
{
	struct law_result r;

	stage_phase1(P_A_OUT);
	stage_quick(P_A_OUT, 7, 3600, 0);
	stream_with_gap(500);
	stage_quick(P_B_OUT, 8, 3600, 0); /* somebody's wish, not a need */
	judge_five(true, anew_judge, &r);
	ck_assert_msg(r.verdict != LAW_BROKEN && r.judged > 0, "%s", r.text);
}
END_TEST

START_TEST(a_tunnel_that_was_lost_breaks_it)
{
	struct law_result r;
	uint8_t ip[256];

	stage_phase1(P_A_OUT);
	stage_quick(P_A_OUT, 7, 3600, 0);
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	stage_esp(P_A_OUT, 1, 1);
	stage_wait(500);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	stage_ip(P_HOST, 1u << P_B_IN, ip, stage_inner(ip, sizeof(ip), true, 2, 64));
	stage_wait(100);
	stage_quick(P_B_OUT, 8, 3600, 0);
	judge_five(true, anew_judge, &r);
	ck_assert_msg(r.verdict == LAW_BROKEN && strstr(r.text, "Phase 2"), "%s", r.text);
}
END_TEST

/* ---- law 6 ---- */

enum { ASK = 36136, ACK = 36137 };

static void
ask_from_a(void)
{
	stage_phase1(P_A_OUT);
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	stage_dpd(P_A_OUT, P_PEER, 100, ASK, 5000);
	stage_dpd(P_A_OUT, P_PEER, 101, ASK, 5001);
}

START_TEST(dpd_goes_on)
{
	ask_from_a();
	stage_dpd(P_B_OUT, P_PEER, 102, ASK, 5001); /* was in flight */
	stage_dpd(P_B_OUT, P_PEER, 103, ASK, 5002);
	stage_dpd(P_PEER, P_B_OUT, 104, ASK, 77);
	stage_dpd(P_B_OUT, P_PEER, 105, ACK, 77);
	ck_assert_uint_eq(stage_expect(LAW_DPD, LAW_HELD)->judged, 5);
}
END_TEST

START_TEST(dpd_below_breaks_it)
{
	ask_from_a();
	stage_dpd(P_B_OUT, P_PEER, 102, ASK, 4000);
	ck_assert_ptr_nonnull(strstr(stage_expect(LAW_DPD, LAW_BROKEN)->text, "saw 4000"));
}
END_TEST

/* B takes over at once, unready in this stage; and A asks on beside it. */
START_TEST(dpd_beside_an_unready_heir_binds_nobody)
{
	const struct law_result *r;

	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	ask_from_a();
	stage_wait(800);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	stage_dpd(P_B_OUT, P_PEER, 102, ASK, 4000);
	r = stage_expect(LAW_DPD, LAW_HELD);
	ck_assert_ptr_nonnull(strstr(r->text, "1 numbers"));
	stage_dpd(P_B_OUT, P_PEER, 103, ASK, 3999); /* but its own do */
	stage_expect(LAW_DPD, LAW_BROKEN);
}
END_TEST

START_TEST(dpd_far_above_breaks_it)
{
	ask_from_a();
	stage_dpd(P_B_OUT, P_PEER, 102, ASK, 6000);
	stage_expect(LAW_DPD, LAW_BROKEN);
}
END_TEST

START_TEST(an_answer_to_no_question_breaks_it)
{
	ask_from_a();
	stage_dpd(P_PEER, P_B_OUT, 104, ASK, 77);
	stage_dpd(P_B_OUT, P_PEER, 105, ACK, 78);
	ck_assert_ptr_nonnull(strstr(stage_expect(LAW_DPD, LAW_BROKEN)->text, "saw 78"));
}
END_TEST

/* ---- law 7 ---- */

static void
route(bool in, enum trace_who who)
{
	trace_event_add(stage.t,
		&(struct trace_event){.at = stage.now, .who = who, .value = IP4(10, 2, 0, 0),
			.prefix_len = 24, .kind = in ? EVENT_ROUTE_ADD : EVENT_ROUTE_DEL});
}

START_TEST(a_route_moves)
{
	hellos(P_A_OUT, S_ACTIVE, 2);
	route(true, WHO_A);
	stage_wait(1);
	stage_event(EVENT_POWER_OFF, WHO_A);
	stage_wait(800);
	hellos(P_B_OUT, S_ACTIVE, 1);
	route(true, WHO_B);
	hellos(P_B_OUT, S_ACTIVE, 4);
	ck_assert_uint_eq(stage_expect(LAW_ROUTES, LAW_HELD)->judged, 2);
}
END_TEST

START_TEST(two_routes_break_it)
{
	hellos(P_A_OUT, S_ACTIVE, 2);
	route(true, WHO_A);
	hellos(P_B_OUT, S_ACTIVE, 1);
	route(true, WHO_B);
	hellos(P_B_OUT, S_ACTIVE, 4);
	ck_assert_ptr_nonnull(strstr(stage_expect(LAW_ROUTES, LAW_BROKEN)->text, "two live"));
}
END_TEST

START_TEST(no_route_at_the_heir_breaks_it)
{
	hellos(P_A_OUT, S_ACTIVE, 2);
	route(true, WHO_A);
	stage_wait(1);
	stage_event(EVENT_POWER_OFF, WHO_A);
	stage_wait(800);
	hellos(P_B_OUT, S_ACTIVE, 4);
	ck_assert_ptr_nonnull(strstr(stage_expect(LAW_ROUTES, LAW_BROKEN)->text, "saw none"));
	stage.in.dynamic_map = true; /* and then a heir that was not ready owes nothing */
	stage_expect(LAW_ROUTES, LAW_HELD);
}
END_TEST

START_TEST(a_heir_of_one_group_alone_owes_no_route_yet)
{
	hellos(P_A_OUT, S_ACTIVE, 2);
	stage_hsrp(P_A_IN, S_HELLO, S_ACTIVE);
	route(true, WHO_A);
	stage_wait(1);
	stage_event(EVENT_POWER_OFF, WHO_A);
	stage_wait(800);
	hellos(P_B_OUT, S_ACTIVE, 4);
	stage_expect(LAW_ROUTES, LAW_HELD);
	stage_hsrp(P_B_IN, S_HELLO, S_ACTIVE);
	hellos(P_B_OUT, S_ACTIVE, 4);
	stage_expect(LAW_ROUTES, LAW_BROKEN);
}
END_TEST

static void
delete_the_last(bool authentic, bool route_goes)
{
	stage.in.dynamic_map = true;
	stage_phase1(P_A_OUT);
	stage_quick(P_A_OUT, 7, 3600, 0);
	hellos(P_A_OUT, S_ACTIVE, 1);
	route(true, WHO_A);
	stage_delete(P_A_OUT, 9, SPI_OUT, authentic);
	if (route_goes)
		route(false, WHO_A);
	hellos(P_A_OUT, S_ACTIVE, 4);
}

START_TEST(a_route_goes_with_the_last_sa)
{
	delete_the_last(true, true);
	stage_expect(LAW_ROUTES, LAW_HELD);
}
END_TEST

START_TEST(a_route_that_stays_breaks_it)
{
	delete_the_last(true, false);
	ck_assert_ptr_nonnull(strstr(stage_expect(LAW_ROUTES, LAW_BROKEN)->text, "outlives"));
}
END_TEST

START_TEST(a_forged_delete_moves_no_route)
{
	delete_the_last(false, false);
	stage_expect(LAW_ROUTES, LAW_HELD);
}
END_TEST

/* ---- law 9 ---- */

START_TEST(esp_is_no_leak)
{
	stage_esp(P_A_OUT, 1, 1);
	stage_in(P_A_OUT, 1, 1);
	stage_inside(P_A_IN, 1);
	ck_assert_uint_eq(stage_expect(LAW_LEAK, LAW_HELD)->judged, 1);
}
END_TEST

START_TEST(a_leak_breaks_it_whatever_its_checksum)
{
	uint8_t ip[256];
	size_t len = stage_inner(ip, sizeof(ip), true, 1, 63), no;

	ip[10] ^= 0xff;
	no = stage_ip(P_B_OUT, 1u << P_PEER, ip, len);
	ck_assert_uint_eq(stage_expect(LAW_LEAK, LAW_BROKEN)->frame, no);
}
END_TEST

START_TEST(the_way_back_leaks_as_well)
{
	uint8_t ip[256];

	stage_ip(P_A_OUT, 1u << P_PEER, ip, stage_inner(ip, sizeof(ip), false, 1, 63));
	stage_expect(LAW_LEAK, LAW_BROKEN);
}
END_TEST

START_TEST(what_the_peer_sends_in_clear_is_not_ours)
{
	uint8_t ip[256];

	stage_ip(P_PEER, 1u << P_A_OUT, ip, stage_inner(ip, sizeof(ip), false, 1, 63));
	stage_expect(LAW_LEAK, LAW_NOTHING);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("pair");

	tcase_add_test(t, a_hand_over_holds);
	tcase_add_test(t, two_actives_break_it);
	tcase_add_test(t, an_arp_answer_of_the_old_one_breaks_it);
	tcase_add_test(t, a_frame_from_the_virtual_mac_is_a_claim);
	tcase_add_test(t, a_partition_makes_two_segments);
	tcase_add_test(t, a_heal_gives_one_hello_and_no_more);
	tcase_add_test(t, who_was_silent_after_it_came_back_claims_anew);
	tcase_add_test(t, a_partition_elsewhere_excuses_nothing);
	tcase_add_test(t, a_short_outage_holds);
	tcase_add_test(t, a_long_outage_breaks_it);
	tcase_add_test(t, the_heir_must_be_whole_itself);
	tcase_add_test(t, a_heir_that_was_whole_long_ago_has_no_excuse);
	tcase_add_test(t, an_outage_without_end_breaks_it);
	tcase_add_test(t, a_tunnel_that_goes_on_needs_nothing_anew);
	tcase_add_test(t, a_tunnel_that_was_lost_breaks_it);
	tcase_add_test(t, dpd_goes_on);
	tcase_add_test(t, dpd_below_breaks_it);
	tcase_add_test(t, dpd_beside_an_unready_heir_binds_nobody);
	tcase_add_test(t, dpd_far_above_breaks_it);
	tcase_add_test(t, an_answer_to_no_question_breaks_it);
	tcase_add_test(t, a_route_moves);
	tcase_add_test(t, two_routes_break_it);
	tcase_add_test(t, no_route_at_the_heir_breaks_it);
	tcase_add_test(t, a_heir_of_one_group_alone_owes_no_route_yet);
	tcase_add_test(t, a_route_goes_with_the_last_sa);
	tcase_add_test(t, a_route_that_stays_breaks_it);
	tcase_add_test(t, a_forged_delete_moves_no_route);
	tcase_add_test(t, esp_is_no_leak);
	tcase_add_test(t, a_leak_breaks_it_whatever_its_checksum);
	tcase_add_test(t, the_way_back_leaks_as_well);
	tcase_add_test(t, what_the_peer_sends_in_clear_is_not_ours);
	return stage_main(t, "pair");
}
