/* SPDX-License-Identifier: BSD-2-Clause */
/* Law 5 at its edges: who had to take over, how long it may be dark, and what excuses more. */
#include "harness/judge/judge_test_sync.h"

#define LIMIT_MS (800 + 250 + 20) /* hold time, dark margin, margin */

static struct happens {
	int64_t ms; /* when; 0: never */
	enum trace_event_kind kind;
	int port;
	enum trace_who who;
} happens[8];

/* A stream at 100/s, dark for those ms from 3000 on; B becomes active then. */
static struct {
	int64_t dark, take, end; /* ms; take 0: never */
	int64_t stands, speaks;	 /* A, later: has it all, as Standby; elects; 0: never */
	bool ready;
	bool half; /* B has a group inside, too, which stays Standby */
} play;

static enum trace_segment
segment_of(int port)
{
	return port == P_HOST	? SEG_INSIDE
	       : port == P_PEER ? SEG_OUTSIDE
				: (enum trace_segment)(port % 3);
}

static void
events(int64_t ms)
{
	for (size_t i = 0; i < 8; i++) {
		const struct happens *h = &happens[i];

		if (h->ms && h->ms == ms)
			trace_event_add(stage.t, &(struct trace_event){.at = stage.now,
							 .kind = h->kind,
							 .port = (uint8_t)h->port,
							 .who = h->who,
							 .segment = segment_of(h->port)});
	}
}

static void
packet(int64_t ms)
{
	uint32_t n = (uint32_t)(ms / 10);
	bool lost = ms >= 3000 && ms < 3000 + play.dark, heir = ms >= 3000;
	uint8_t ip[256];

	stage_ip(P_HOST, 1u << (heir ? P_B_IN : P_A_IN), ip,
		stage_inner(ip, sizeof(ip), true, n, 64));
	if (!lost)
		stage_esp(heir ? P_B_OUT : P_A_OUT, heir ? n + 1000 : n, n);
}

static const struct law_result *
show(void)
{
	ns_t zero;

	stage_close();
	stage_open();
	zero = stage.now;
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	stage_hsrp(P_B_OUT, S_HELLO, S_STANDBY);
	if (play.half)
		stage_hsrp(P_B_IN, S_HELLO, S_STANDBY);
	if (play.ready)
		stage_ready(SIDE_B, 10000);
	for (int64_t ms = 10; ms < play.end; ms += 10) {
		stage.now = zero + ns_from_ms(ms);
		events(ms);
		if (play.take == ms)
			stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
		if (play.stands && play.stands == ms)
			stage_ready(SIDE_A, 10000);
		if (play.speaks == ms)
			stage_hsrp(P_A_OUT, S_HELLO, 4);
		packet(ms);
	}
	stage.cnt = judge_laws(&stage.in, stage.out);
	for (size_t i = 0; i < stage.cnt; i++)
		if (!strcmp(stage.out[i].name, "outage"))
			return &stage.out[i];
	ck_abort_msg("no result");
	return NULL;
}

static bool
is_broken(void)
{
	return show()->verdict == LAW_BROKEN;
}

static void
set(int64_t dark, int64_t take)
{
	memset(happens, 0, sizeof(happens));
	play.dark = dark;
	play.take = take;
	play.end = 7000;
	play.stands = play.speaks = 0;
	play.half = false;
	play.ready = true;
	happens[0] = (struct happens){3000, EVENT_POWER_OFF, P_A_OUT, WHO_A};
}

static void
also(int64_t ms, enum trace_event_kind kind, int port, enum trace_who who)
{
	size_t i = 0;

	while (happens[i].ms)
		i++;
	happens[i] = (struct happens){ms, kind, port, who};
}

/* So long is it from the first lost one to the last. */
static int64_t
lasting(int64_t ms)
{
	return ms + 10;
}

START_TEST(hold_time_and_margins_and_no_more)
{
	set(lasting(LIMIT_MS), 4000);
	ck_assert(!is_broken());
	set(lasting(LIMIT_MS + 10), 4000);
	ck_assert(is_broken());
	play.ready = false;
	ck_assert_int_eq(show()->verdict, LAW_NOTHING);
}
END_TEST

START_TEST(a_line_of_the_old_one_takes_two_hellos_more)
{
	set(lasting(LIMIT_MS + 400), 4000);
	happens[0] = (struct happens){3000, EVENT_CABLE_OUT, P_A_IN, WHO_A};
	ck_assert(!is_broken());
	play.dark += 10;
	ck_assert(is_broken());
}
END_TEST

/* Lines that carry no Hellos of the group, or are not the old one's. */
START_TEST(other_lines_excuse_nothing)
{
	set(lasting(LIMIT_MS + 10), 4000);
	also(2900, EVENT_CABLE_OUT, P_A_SYNC, WHO_A);
	ck_assert(is_broken());
	set(lasting(LIMIT_MS + 10), 4000);
	also(2900, EVENT_CABLE_OUT, P_PEER, WHO_PEER);
	ck_assert(is_broken());
	set(lasting(LIMIT_MS + 10), 4000);
	also(2000, EVENT_CABLE_OUT, P_B_SYNC, WHO_B);
	also(2900, EVENT_CABLE_IN, P_B_SYNC, WHO_B);
	ck_assert(is_broken());
}
END_TEST

/* The heir's own line was out; its time begins when it is in, and is a hold time longer. */
START_TEST(an_heir_that_was_not_whole_begins_anew)
{
	set(lasting(300 + LIMIT_MS + 800), 5000);
	also(2000, EVENT_CABLE_OUT, P_B_IN, WHO_B);
	also(3300, EVENT_CABLE_IN, P_B_IN, WHO_B);
	ck_assert(!is_broken());
	play.dark += 10;
	ck_assert(is_broken());
	set(lasting(LIMIT_MS + 10), 4000); /* whole for a hold time, and 10 ms */
	also(2000, EVENT_CABLE_OUT, P_B_IN, WHO_B);
	also(2190, EVENT_CABLE_IN, P_B_IN, WHO_B);
	ck_assert(is_broken());
}
END_TEST

/* What happens to it after the time is over excuses nothing. */
START_TEST(an_heir_is_judged_until_it_is_whole_no_more)
{
	set(3000, 4000);
	also(3000 + LIMIT_MS, EVENT_CABLE_OUT, P_B_IN, WHO_B);
	ck_assert(!is_broken());
	set(3000, 4000);
	also(3000 + LIMIT_MS + 20, EVENT_CABLE_OUT, P_B_IN, WHO_B);
	ck_assert(is_broken());
	set(3000, 4000);
	also(4010, EVENT_CRASH, P_B_OUT, WHO_B);
	ck_assert(!is_broken());
	set(3000, 4000);
	also(3000 + LIMIT_MS + 20, EVENT_CRASH, P_B_OUT, WHO_B);
	ck_assert(is_broken());
}
END_TEST

/*
 * A is restarted, and B has served for some time when its own outside line is out for 300 ms. Then
 * they elect side by side, and that is not the time of a take-over by a ready standby.
 */
static void
set_second(int64_t out, int64_t dark, int64_t speaks)
{
	set(lasting(dark), 2850);
	happens[0] = (struct happens){2800, EVENT_STOP, P_A_OUT, WHO_A};
	also(2810, EVENT_START, P_A_OUT, WHO_A);
	also(out, EVENT_CABLE_OUT, P_B_OUT, WHO_B);
	also(3300, EVENT_CABLE_IN, P_B_OUT, WHO_B);
	play.speaks = speaks;
}

START_TEST(a_second_fault_without_a_standby_takes_an_election)
{
	enum { ALONE = 300 + LIMIT_MS + 800 };

	set_second(3000, ALONE + 800, 3700);
	ck_assert(!is_broken());
	set_second(3000, ALONE + 810, 3700);
	ck_assert(is_broken());
	set_second(3000, ALONE, 0); /* nobody else elects */
	ck_assert(!is_broken());
	set_second(3000, ALONE + 10, 0);
	ck_assert(is_broken());
	set_second(3000, ALONE + 10, 3290); /* that was before */
	ck_assert(is_broken());
	set_second(3000, ALONE + 10, 3700); /* it had not served: one group never moved */
	play.half = true;
	ck_assert(is_broken());
	set_second(3000, ALONE + 10, 3700); /* there was a ready one */
	play.stands = 2900;
	also(3010, EVENT_CRASH, P_A_OUT, WHO_A);
	also(3020, EVENT_START, P_A_OUT, WHO_A);
	ck_assert(is_broken());
	play.stands = 0;
	ck_assert(!is_broken());
}
END_TEST

/* ---- who never took over ---- */

START_TEST(a_standby_that_never_takes_over_breaks_it)
{
	const struct law_result *r;

	set(4000, 0);
	r = show();
	ck_assert_int_eq(r->verdict, LAW_BROKEN);
	ck_assert_ptr_nonnull(strstr(r->text, "never came"));
	happens[0].kind = EVENT_CRASH;
	ck_assert(is_broken());
	happens[0].kind = EVENT_EXIT;
	ck_assert(is_broken());
	happens[0].kind = EVENT_STOP;
	ck_assert(is_broken());
	happens[0].kind = EVENT_CABLE_OUT;
	ck_assert(is_broken());
	play.ready = false;
	ck_assert_int_eq(show()->verdict, LAW_NOTHING);
}
END_TEST

START_TEST(who_could_not_is_not_blamed)
{
	set(4000, 0);
	also(3500, EVENT_CRASH, P_B_OUT, WHO_B);
	ck_assert(!is_broken());
	set(4000, 0);
	also(2000, EVENT_CABLE_OUT, P_B_IN, WHO_B);
	ck_assert(!is_broken());
	set(4000, 0);
	also(3500, EVENT_CABLE_OUT, P_B_IN, WHO_B);
	ck_assert(!is_broken());
	set(4000, 0); /* the old one is back in time, and it is his affair */
	also(3900, EVENT_START, P_A_OUT, WHO_A);
	ck_assert(!is_broken());
	set(4000, 0);
	also(3000 + LIMIT_MS + 20, EVENT_START, P_A_OUT, WHO_A);
	ck_assert(is_broken());
	set(4000, 0); /* the sync line is not the active's office */
	happens[0] = (struct happens){3000, EVENT_CABLE_OUT, P_A_SYNC, WHO_A};
	ck_assert(!is_broken());
	set(4000, 0); /* a standby's end neither */
	happens[0] = (struct happens){3000, EVENT_POWER_OFF, P_B_OUT, WHO_B};
	ck_assert(!is_broken());
}
END_TEST

/* ---- ready, by the channel ---- */

START_TEST(calls_that_nobody_answers_do_not_hide_the_channel)
{
	struct scene s;

	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	for (int i = 0; i < 100; i++)
		stage_call(false);
	stage_ready(SIDE_B, 2000);
	for (int i = 0; i < 100; i++)
		stage_call(false);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	scene_init(&s, &stage.in);
	ck_assert_uint_eq(s.take_cnt, 1);
	ck_assert(s.take[0].ready);
	scene_free(&s);
}
END_TEST

/* Its lease runs from its own TIME, which is that of the message that waited least. */
static bool
ready_after(int64_t ms, bool lost)
{
	struct scene s;
	bool ready;
	ns_t told;

	stage_close();
	stage_open();
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	stage_ready(SIDE_B, 1000);
	told = stage.now;
	stage_wait(300);
	/* A message of that time, which had to wait: no news */
	stage_ssp(SIDE_B, SYNC_ALIVE, 0, 0, V_TIME, (uint64_t)ns_to_ms(told));
	stage.sync_lost = lost;
	if (lost)
		stage_lease(SIDE_B);
	stage.now = told + ns_from_ms(ms);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	scene_init(&s, &stage.in);
	ready = s.take[0].ready;
	scene_free(&s);
	return ready;
}

START_TEST(a_lease_is_as_long_as_it_was_proved)
{
	ck_assert(ready_after(990, false));
	ck_assert(!ready_after(1010, false));
	ck_assert(ready_after(990, true));
	ck_assert(!ready_after(1010, true)); /* what never arrived proves nothing */
}
END_TEST

/* An ECHO that waits in a line that stands proves nothing before it comes out. */
static bool
ready_behind(enum trace_event_kind kind, uint32_t value, int64_t take_ms, uint8_t closes)
{
	struct trace_event e = {.kind = kind,
		.segment = SEG_SYNC,
		.port = P_A_SYNC,
		.value = value,
		.at = stage.now};
	struct scene s;
	bool ready;
	size_t i;

	stage_close();
	stage_open();
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	stage_ready(SIDE_B, 1000);
	stage_wait(100);
	e.at = stage.now;
	trace_event_add(stage.t, &e);
	for (i = trace_len(stage.t), stage_lease(SIDE_B); i < trace_len(stage.t); i++)
		trace_fate(stage.t, i, FATE_DELAYED, 0);
	if (closes)
		stage_tcp(SIDE_B, closes, NULL, 0);
	stage.now = e.at + ns_from_ms(500);
	e.at = stage.now;
	e.value = 0;
	trace_event_add(stage.t, &e);
	stage.now = e.at + ns_from_ms(take_ms - 500);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	scene_init(&s, &stage.in);
	ready = s.take[0].ready;
	scene_free(&s);
	return ready;
}

START_TEST(what_waits_in_a_line_has_not_come)
{
	ck_assert(ready_behind(EVENT_STALL, 1, 890, 0));
	ck_assert(
		ready_behind(EVENT_STALL, 1, 910, 0)); /* it has come: its lease is 100 ms longer */
	ck_assert(!ready_behind(EVENT_STALL, 1, 1010, 0));
	ck_assert(ready_behind(EVENT_DELAY, 300000, 950, 0));
	ck_assert(!ready_behind(EVENT_DELAY, 980000, 950, 0));
	ck_assert(ready_behind(EVENT_MARK, 0, 950, 0)); /* overtaken, no more */
	ck_assert(ready_behind(EVENT_STALL, 1, 950, 0));
	ck_assert(!ready_behind(EVENT_STALL, 1, 950, 4)); /* who has closed it hears no more */
	ck_assert(!ready_behind(EVENT_STALL, 1, 950, 1));
}
END_TEST

/* A member that was not Standby in each group before is no ready standby, whatever it has. */
static bool
ready_from(int outside, int inside)
{
	struct scene s;
	bool ready;

	stage_close();
	stage_open();
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	stage_hsrp(P_A_IN, S_HELLO, S_ACTIVE);
	stage_ready(SIDE_B, 1000);
	stage_hsrp(P_B_OUT, S_HELLO, outside);
	stage_hsrp(P_B_IN, S_HELLO, inside);
	stage_wait(100);
	if (inside == S_STANDBY)
		stage_hsrp(P_B_IN, S_HELLO, S_ACTIVE);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	scene_init(&s, &stage.in);
	ck_assert(s.take[0].copy);
	ready = s.take[0].ready;
	scene_free(&s);
	return ready;
}

START_TEST(who_is_ready_was_standby)
{
	enum { S_LISTEN = 2, S_SPEAK = 4 };

	ck_assert(ready_from(S_STANDBY, S_STANDBY));
	ck_assert(!ready_from(S_SPEAK, S_STANDBY));
	ck_assert(!ready_from(S_LISTEN, S_STANDBY));
	ck_assert(!ready_from(S_STANDBY, S_SPEAK));
	ck_assert(!ready_from(S_STANDBY, S_ACTIVE)); /* from nothing */
}
END_TEST

/* A Quick Mode while nothing reaches the standby makes an SA that it does not have. */
static bool
ready_beside(bool before, bool after)
{
	struct scene s;
	bool ready;

	stage_close();
	stage_open();
	stage_phase1(P_A_OUT);
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	if (before)
		stage_quick(P_A_OUT, 7, 3600, 0);
	stage_ready(SIDE_B, 1000);
	if (!before)
		stage_quick(P_A_OUT, 7, 3600, 0);
	stage_wait(100);
	if (after)
		stage_lease(SIDE_B);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	scene_init(&s, &stage.in);
	ready = s.take[0].ready;
	scene_free(&s);
	return ready;
}

START_TEST(an_sa_behind_its_back_is_not_mirrored)
{
	ck_assert(ready_beside(true, false));
	ck_assert(!ready_beside(false, false));
	ck_assert(ready_beside(false, true));
}
END_TEST

/* A stream of which nothing was ever seen to be carried: without its keys, say. */
START_TEST(what_was_never_carried_is_not_judged)
{
	set(2000, 4000);
	ck_assert(is_broken());
	stage.ring.esp_cnt = 0;
	stage.cnt = judge_laws(&stage.in, stage.out);
	ck_assert_str_eq(stage.out[4].name, "outage");
	ck_assert_int_eq(stage.out[4].verdict, LAW_NOTHING);
	ck_assert_uint_eq(stage.out[4].judged, 0);
	stage.ring.esp_cnt = 2;
}
END_TEST

/* ---- nothing anew ---- */

/* The old one fell silent a hold time and two seconds before the take-over, and no more. */
static enum law_verdict
lost_after(int64_t silent_ms)
{
	uint8_t ip[256];

	stage_close();
	stage_open();
	stage.in.hold = 10 * NS_PER_S;
	stage_phase1(P_A_OUT);
	stage_quick(P_A_OUT, 7, 3600, 0);
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	stage_esp(P_A_OUT, 1, 1);
	stage_ready(SIDE_B, 60000);
	stage_wait(silent_ms);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	stage_ip(P_HOST, 1u << P_B_IN, ip, stage_inner(ip, sizeof(ip), true, 2, 64));
	stage_wait(100);
	stage_quick(P_B_OUT, 8, 3600, 0);
	return stage.cnt = judge_laws(&stage.in, stage.out), stage.out[5].verdict;
}

START_TEST(a_long_hold_time_hides_no_need)
{
	ck_assert_int_eq(lost_after(500), LAW_BROKEN);
	ck_assert_int_eq(lost_after(10500), LAW_BROKEN);
	ck_assert_int_ne(lost_after(12500), LAW_BROKEN);
}
END_TEST

/* When the packet came that it should have protected, after both its groups moved, in ms. */
static enum law_verdict
asked_at(int64_t ms)
{
	uint8_t ip[256];

	stage_close();
	stage_open();
	stage_phase1(P_A_OUT);
	stage_quick(P_A_OUT, 7, 3600, 0);
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	stage_hsrp(P_A_IN, S_HELLO, S_ACTIVE);
	stage_esp(P_A_OUT, 1, 1);
	stage_ready(SIDE_B, 60000);
	stage_hsrp(P_B_IN, S_HELLO, S_STANDBY);
	stage_wait(500);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	for (int64_t i = -50; i < 50; i += 10) {
		if (i == 0)
			stage_hsrp(P_B_IN, S_HELLO, S_ACTIVE);
		if (i == ms)
			stage_ip(
				P_HOST, 1u << P_B_IN, ip, stage_inner(ip, sizeof(ip), true, 2, 64));
		stage_wait(10);
	}
	stage_quick(P_B_OUT, 8, 3600, 0);
	return stage.cnt = judge_laws(&stage.in, stage.out), stage.out[5].verdict;
}

START_TEST(what_came_before_it_was_whole_asks_nothing)
{
	ck_assert_int_ne(asked_at(-10), LAW_BROKEN);
	ck_assert_int_eq(asked_at(10), LAW_BROKEN);
}
END_TEST

/*
 * The peer begins Main Mode after the take-over. Before it the heir answered a Quick Mode that had
 * begun before the take-over, or one that began after it, or none.
 */
static enum law_verdict
main_mode_after(bool before, bool after)
{
	uint8_t ip[256], sa[128], m[64];
	size_t len = stage_sa(sa, SPI_OUT + 1, 3600, 0);
	struct wr w;

	stage_close();
	stage_open();
	stage_phase1(P_A_OUT);
	stage_quick(P_A_OUT, 7, 3600, 0);
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	stage_esp(P_A_OUT, 1, 1);
	stage_ready(SIDE_B, 60000);
	if (before)
		stage_ike(P_PEER, P_A_OUT, IKE_QUICK, 8, PAY_SA, true, sa, len);
	stage_wait(500);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	if (before)
		stage_ike(P_B_OUT, P_PEER, IKE_QUICK, 8, PAY_SA, true, sa, len);
	if (after)
		stage_dpd(P_B_OUT, P_PEER, 9, 36136, 1);
	stage_ip(P_HOST, 1u << P_B_IN, ip, stage_inner(ip, sizeof(ip), true, 2, 64));
	stage_wait(10);
	memset(stage.ike.icookie, 0xd1, 8);
	memset(stage.ike.rcookie, 0, 8);
	wr_init(&w, m, sizeof(m));
	stage_head(&w, PAY_SA, IKE_MAIN, false, 0, 0);
	stage_isakmp(P_PEER, P_B_OUT, m, w.len);
	stage_wait(10);
	return stage.cnt = judge_laws(&stage.in, stage.out), stage.out[5].verdict;
}

START_TEST(who_answers_under_the_inherited_ike_sa_needs_no_other)
{
	ck_assert_int_eq(main_mode_after(false, false), LAW_BROKEN);
	ck_assert_int_ne(main_mode_after(true, false), LAW_BROKEN);
	ck_assert_int_ne(main_mode_after(false, true), LAW_BROKEN);
}
END_TEST

/* A stage of its own: A has an SA in use, B is ready, takes over, and has something to protect. */
static void
taken_over(void)
{
	uint8_t ip[256];

	stage_close();
	stage_open();
	stage_phase1(P_A_OUT);
	stage_quick(P_A_OUT, 7, 3600, 0);
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	stage_esp(P_A_OUT, 1, 1);
	stage_ready(SIDE_B, 60000);
	stage_wait(500);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	stage_ip(P_HOST, 1u << P_B_IN, ip, stage_inner(ip, sizeof(ip), true, 2, 64));
}

/* The heir's outside line is out for 100 ms after the take-over; somebody negotiates so long after.
 */
static enum law_verdict
cut_off(enum trace_event_kind kind, int64_t ms)
{
	struct trace_event e = {.kind = kind, .port = P_B_OUT, .who = WHO_B};

	taken_over();
	for (int i = 0; i < 2; i++) {
		e.at = stage.now;
		trace_event_add(stage.t, &e);
		e.kind = kind == EVENT_MARK ? EVENT_MARK : EVENT_CABLE_IN;
		stage_wait(i ? ms : 100);
	}
	stage_quick(P_B_OUT, 8, 3600, 0);
	return stage.cnt = judge_laws(&stage.in, stage.out), stage.out[5].verdict;
}

START_TEST(who_was_cut_off_can_use_nothing)
{
	ck_assert_int_eq(cut_off(EVENT_MARK, 100), LAW_BROKEN);
	ck_assert_int_ne(cut_off(EVENT_CABLE_OUT, 100), LAW_BROKEN);
	ck_assert_int_ne(cut_off(EVENT_CABLE_OUT, 1799), LAW_BROKEN);
	ck_assert_int_eq(cut_off(EVENT_CABLE_OUT, 1801), LAW_BROKEN);
}
END_TEST

/* The heir uses its SAs, and the peer asks it under an IKE SA of before; then comes Main Mode. */
static enum law_verdict
mute(bool asks, bool answers, bool deleted)
{
	uint8_t m[64];
	struct wr w;

	taken_over();
	stage_esp(P_B_OUT, 1000, 2);
	if (deleted) {
		wr_init(&w, m, sizeof(m));
		wr_bytes(&w, (uint8_t[12]){0, 0, 0, 28, 0, 0, 0, 1, 1, 16, 0, 1}, 12);
		wr_bytes(&w, stage.ike.icookie, 8);
		wr_bytes(&w, stage.ike.rcookie, 8);
		stage_ike(P_PEER, P_B_OUT, IKE_INFO, 20, PAY_DELETE, true, m, w.len);
	}
	if (asks)
		stage_dpd(P_PEER, P_B_OUT, 21, 36136, 5);
	if (answers)
		stage_dpd(P_B_OUT, P_PEER, 22, 36137, 5);
	stage_wait(1000);
	memset(stage.ike.icookie, 0xd1, 8);
	memset(stage.ike.rcookie, 0, 8);
	wr_init(&w, m, sizeof(m));
	stage_head(&w, PAY_SA, IKE_MAIN, false, 0, 0);
	stage_isakmp(P_PEER, P_B_OUT, m, w.len);
	stage_wait(2000);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	return stage.cnt = judge_laws(&stage.in, stage.out), stage.out[5].verdict;
}

START_TEST(who_answers_no_dpd_makes_a_phase_1_needed)
{
	ck_assert_int_ne(mute(false, false, false), LAW_BROKEN);
	ck_assert_int_eq(mute(true, false, false), LAW_BROKEN);
	ck_assert_int_ne(mute(true, true, false), LAW_BROKEN);
	ck_assert_int_ne(mute(true, false, true), LAW_BROKEN); /* that IKE SA was gone */
}
END_TEST

/* An SA that was negotiated before, and that the old one never used, is inherited as well. */
static enum law_verdict
uses(uint32_t spi, bool negotiated)
{
	uint8_t ip[256], inner[256];
	size_t len = stage_inner(inner, sizeof(inner), true, 3, 63);
	struct pkt_ip h = {.src = VIP, .dst = PEER, .proto = PKT_ESP, .ttl = 64};
	uint8_t sa[128];

	stage_close();
	stage_open();
	stage_phase1(P_A_OUT);
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	stage_esp(P_A_OUT, 1, 1);
	if (negotiated) {
		len = stage_sa(sa, spi, 3600, 0);
		stage_ike(P_PEER, P_A_OUT, IKE_QUICK, 7, PAY_SA, true, sa, len);
		len = stage_sa(sa, SPI_IN, 3600, 0);
		stage_ike(P_A_OUT, P_PEER, IKE_QUICK, 7, PAY_SA, true, sa, len);
	}
	stage_ready(SIDE_B, 60000);
	stage_wait(500);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	stage_ip(P_HOST, 1u << P_B_IN, ip, stage_inner(ip, sizeof(ip), true, 2, 64));
	memset(inner, 0, 64);
	memcpy(inner,
		(uint8_t[8]){(uint8_t)(spi >> 24), (uint8_t)(spi >> 16), (uint8_t)(spi >> 8),
			(uint8_t)spi, 0, 0, 0, 1},
		8);
	stage_ip(P_B_OUT, 1u << P_PEER, ip, pkt_put_ip(ip, sizeof(ip), &h, inner, 64));
	stage_quick(P_B_OUT, 8, 3600, 0);
	return stage.cnt = judge_laws(&stage.in, stage.out), stage.out[5].verdict;
}

START_TEST(what_was_negotiated_is_inherited)
{
	ck_assert_int_ne(uses(0x33333333, true), LAW_BROKEN);
	ck_assert_int_eq(uses(0x33333333, false), LAW_BROKEN);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("outage");

	tcase_add_test(t, hold_time_and_margins_and_no_more);
	tcase_add_test(t, a_line_of_the_old_one_takes_two_hellos_more);
	tcase_add_test(t, other_lines_excuse_nothing);
	tcase_add_test(t, an_heir_that_was_not_whole_begins_anew);
	tcase_add_test(t, an_heir_is_judged_until_it_is_whole_no_more);
	tcase_add_test(t, a_second_fault_without_a_standby_takes_an_election);
	tcase_add_test(t, a_standby_that_never_takes_over_breaks_it);
	tcase_add_test(t, who_could_not_is_not_blamed);
	tcase_add_test(t, calls_that_nobody_answers_do_not_hide_the_channel);
	tcase_add_test(t, a_lease_is_as_long_as_it_was_proved);
	tcase_add_test(t, what_waits_in_a_line_has_not_come);
	tcase_add_test(t, who_is_ready_was_standby);
	tcase_add_test(t, an_sa_behind_its_back_is_not_mirrored);
	tcase_add_test(t, what_was_never_carried_is_not_judged);
	tcase_add_test(t, a_long_hold_time_hides_no_need);
	tcase_add_test(t, what_came_before_it_was_whole_asks_nothing);
	tcase_add_test(t, who_answers_under_the_inherited_ike_sa_needs_no_other);
	tcase_add_test(t, what_was_negotiated_is_inherited);
	tcase_add_test(t, who_was_cut_off_can_use_nothing);
	tcase_add_test(t, who_answers_no_dpd_makes_a_phase_1_needed);
	return stage_main(t, "outage");
}
