/* SPDX-License-Identifier: BSD-2-Clause */
/* The court: which fault suspends which law, and where; and SAs whose packets go elsewhere. */
#include "harness/judge/judge_test_sync.h"

/* ---- a breach of each law that a fault may suspend ---- */

static void
two_accept(void)
{
	for (uint32_t n = 1; n <= 50; n++) {
		stage_in(P_A_OUT, n, n);
		stage_inside(P_A_IN, n);
		stage_wait(10);
	}
	stage_wait(1000);
	stage_in(P_B_OUT, 1, 1);
	stage_inside(P_B_IN, 1);
}

static void
two_own(void)
{
	for (int i = 0; i < 6; i++) {
		stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
		stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
		stage_wait(200);
	}
}

static void
long_dark(void)
{
	uint8_t ip[256];

	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	stage_ready(SIDE_B, 5000);
	for (uint32_t n = 0; n < 300; n++) {
		stage_ip(P_HOST, 1u << P_A_IN, ip, stage_inner(ip, sizeof(ip), true, n, 64));
		if (n < 10)
			stage_esp(P_A_OUT, n + 1, n);
		if (n == 100)
			stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
		stage_wait(10);
	}
}

static void
route(enum trace_who who)
{
	trace_event_add(stage.t, &(struct trace_event){.at = stage.now,
					 .who = who,
					 .value = IP4(10, 2, 0, 0),
					 .prefix_len = 24,
					 .kind = EVENT_ROUTE_ADD});
}

static void
two_routes(void)
{
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	route(WHO_A);
	stage_wait(1000);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	route(WHO_B);
	stage_wait(1000);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
}

static const struct {
	enum law_no law;
	void (*breach)(void);
} breaches[] = {{LAW_REPLAY, two_accept}, {LAW_OWNER, two_own}, {LAW_OUTAGE, long_dark},
	{LAW_ROUTES, two_routes}};

#define BLURRED (1u << LAW_OWNER | 1u << LAW_OUTAGE | 1u << LAW_ROUTES)
#define LAGS (1u << LAW_REPLAY)

static const struct {
	enum trace_event_kind fault;
	int port;
	uint32_t value; /* of a delay: microseconds */
	unsigned laws;	/* that are not broken by their breaches on the outside line */
} table[] = {
	{EVENT_LOSS, P_A_OUT, 1000, BLURRED},
	{EVENT_LOSS, P_A_IN, 1000, 1u << LAW_OUTAGE | 1u << LAW_ROUTES},
	{EVENT_LOSS, P_A_SYNC, 1000, 0},
	{EVENT_CORRUPT, P_A_IN, 1, 1u << LAW_OUTAGE | 1u << LAW_ROUTES},
	{EVENT_CORRUPT, P_A_OUT, 0, BLURRED}, /* as older traces have it */
	{EVENT_CORRUPT, P_A_SYNC, 1, 0},
	{EVENT_DELAY, P_A_OUT, 20000, 0},
	{EVENT_DELAY, P_A_OUT, 20001, BLURRED},
	{EVENT_DELAY, P_A_SYNC, 20001, LAGS},
	{EVENT_COPY, P_A_OUT, 900000, 0},
	{EVENT_REORDER, P_A_OUT, 900000, 0},
	{EVENT_SLOW, P_A_OUT, 1000, BLURRED},
	{EVENT_SLOW, P_A_SYNC, 1000, LAGS},
	{EVENT_STALL, P_A_OUT, 1, BLURRED},
	{EVENT_STALL, P_A_SYNC, 1, LAGS},
	{EVENT_PARTITION, P_A_OUT, 1u << P_A_OUT, BLURRED | 1u << LAW_REPLAY},
	{EVENT_PARTITION, P_A_SYNC, 1u << P_A_SYNC, 1u << LAW_REPLAY},
	{EVENT_EXIT, P_A_OUT, 0, 0},
	{EVENT_CABLE_OUT, P_A_SYNC, 0, 0},
};

static void
fault(enum trace_event_kind kind, int port, uint32_t value)
{
	trace_event_add(stage.t,
		&(struct trace_event){.kind = kind,
			.port = (uint8_t)port,
			.segment = (enum trace_segment)(port % 3),
			.value = value,
			.at = stage.now,
			.who = kind == EVENT_PARTITION || kind == EVENT_HEAL ? WHO_OTHER : WHO_A});
}

static void
end(size_t i)
{
	fault(table[i].fault == EVENT_PARTITION ? EVENT_HEAL : table[i].fault, table[i].port, 0);
}

/* The fault lasts to the end. */
START_TEST(what_suspends_what)
{
	for (size_t i = 0; i < sizeof breaches / sizeof *breaches; i++) {
		const struct law_result *r;

		stage_close();
		stage_open();
		stage.in.plain_sync = true;
		stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
		stage.now += 1;
		fault(table[_i].fault, table[_i].port, table[_i].value);
		if (table[_i].fault == EVENT_EXIT)
			fault(EVENT_START, table[_i].port, 0);
		breaches[i].breach();
		r = stage_law(breaches[i].law);
		ck_assert_msg(
			(r->verdict != LAW_BROKEN) == !!(table[_i].laws & 1u << breaches[i].law),
			"law %d, fault %s: verdict %d: %s", (int)breaches[i].law,
			trace_event_name(table[_i].fault), (int)r->verdict, r->text);
	}
	stage_esp(P_A_OUT, 1000, 1);
	stage_esp(P_A_OUT, 1000, 2); /* law 1 holds under every fault */
	stage_expect(LAW_UNIQUENESS, LAW_BROKEN);
}
END_TEST

/* And where it was over before, for as long as it takes to settle. */
static bool
broken_after(size_t row, size_t i, int64_t ms)
{
	stage_close();
	stage_open();
	stage.in.plain_sync = true;
	fault(table[row].fault, table[row].port, table[row].value);
	end(row);
	stage_wait(ms);
	breaches[i].breach();
	return stage_law(breaches[i].law)->verdict == LAW_BROKEN;
}

START_TEST(a_fault_that_is_over_suspends_nothing)
{
	int64_t settled =
		200 + 20 + 20 + 800 + 21; /* hello, jitter, margin, hold; the last delay */

	if (table[_i].fault == EVENT_EXIT || table[_i].fault == EVENT_CABLE_OUT)
		return;
	for (size_t i = 0; i < sizeof breaches / sizeof *breaches; i++)
		ck_assert_msg(broken_after((size_t)_i, i, settled), "law %d, fault %s",
			(int)breaches[i].law, trace_event_name(table[_i].fault));
}
END_TEST

/* One instant before, what came of it is set aside. */
START_TEST(a_fault_is_felt_for_a_hold_time)
{
	stage_close();
	stage_open();
	fault(EVENT_STALL, P_A_OUT, 1);
	fault(EVENT_STALL, P_A_OUT, 0);
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	route(WHO_A);
	stage.now += 1039 * NS_PER_MS;
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	route(WHO_B);
	stage.now += 240 * NS_PER_MS + 500 * NS_PER_US;
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	ck_assert_ptr_nonnull(
		strstr(stage_expect(LAW_ROUTES, LAW_HELD)->text, "1 set aside by stalled line"));
	stage_wait(1);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	stage_expect(LAW_ROUTES, LAW_BROKEN);
}
END_TEST

/* All that there is was claimed while the line was bad: nothing is left to judge. */
START_TEST(what_is_set_aside_whole_is_suspended)
{
	fault(EVENT_LOSS, P_A_OUT, 1000);
	two_own();
	ck_assert_ptr_nonnull(
		strstr(stage_expect(LAW_OWNER, LAW_SUSPENDED)->text, "suspended by loss"));
	fault(EVENT_LOSS, P_A_OUT, 0);
	stage_wait(1000);
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	stage_expect(LAW_OWNER, LAW_HELD);
	stage_wait(200);
	stage_hsrp(P_B_OUT, S_HELLO, S_ACTIVE);
	stage_wait(300);
	stage_hsrp(P_A_OUT, S_HELLO, S_ACTIVE);
	stage_expect(LAW_OWNER, LAW_BROKEN);
}
END_TEST

/* What a slow line holds goes on as slowly when it ends. */
START_TEST(a_slow_line_lasts_until_it_is_empty)
{
	struct scene s;
	ns_t begun = stage.now;

	fault(EVENT_SLOW, P_A_OUT, 1000);
	for (uint32_t n = 1; n <= 10; n++)
		stage_esp(P_A_OUT, n, n);
	fault(EVENT_SLOW, P_A_OUT, 0);
	scene_init(&s, &stage.in);
	ck_assert_uint_eq(s.span_cnt, 1);
	ck_assert_int_eq(s.span[0].to - begun, 10 * (ns_t)trace_frame(stage.t, 0)->len * NS_PER_MS);
	scene_free(&s);
}
END_TEST

/* What has nothing to judge says what is missing. */
START_TEST(idle_laws_say_why)
{
	for (enum law_no law = LAW_UNIQUENESS; law < LAW_END; law++) {
		const struct law_result *r = stage_law(law);

		ck_assert_int_eq(r->verdict, LAW_NOTHING);
		ck_assert_msg(!strncmp(r->text, "nothing to judge: ", 18), "law %d: '%s'", (int)law,
			r->text);
	}
}
END_TEST

START_TEST(skipped_laws_are_left_out)
{
	stage_law(LAW_LEAK);
	ck_assert_uint_eq(stage.cnt, 10);
	stage.in.skip = 1u << LAW_OUTAGE;
	stage_law(LAW_LEAK);
	ck_assert_uint_eq(stage.cnt, 8);
}
END_TEST

/* A packet of the pair's SA in UDP, to a NAT's port. */
static void
in_udp(int port, uint32_t seq, uint32_t no, ip4_t dst, uint16_t nat_port)
{
	struct pkt_ip h = {.dst = dst, .ttl = 64, .id = (uint16_t)seq};
	uint8_t inner[256], esp[512], ip[600];
	struct pkt k;
	size_t len = stage_inner(inner, sizeof inner, true, no, 63);

	len = stage_outer(esp, sizeof esp, true, seq, 1, SPAN(inner, len));
	ck_assert(pkt_parse_ip(&k, esp, len) && k.is_esp);
	h.src = k.src;
	len = pkt_put_udp(ip, sizeof ip, &h, 4500, nat_port, k.esp, k.esp_len);
	stage_ip(port, 1u << P_PEER, ip, len);
}

/* RFC 3947 7: the mapping changes; the SA, and its numbers, are the same. */
START_TEST(a_mapping_that_changes_is_no_other_sa)
{
	for (size_t i = 0; i < stage.ring.esp_cnt; i++)
		stage.ring.esp[i].dst = 0;
	in_udp(P_A_OUT, 5, 1, IP4(172, 16, 31, 200), 20001);
	in_udp(P_A_OUT, 6, 2, IP4(172, 16, 31, 200), 30001);
	in_udp(P_B_OUT, 7, 3, IP4(172, 16, 31, 201), 30002);
	ck_assert_uint_eq(stage_expect(LAW_UNIQUENESS, LAW_HELD)->judged, 3);
	in_udp(P_B_OUT, 6, 4, IP4(172, 16, 31, 201), 30002);
	stage_expect(LAW_UNIQUENESS, LAW_BROKEN);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("court");

	tcase_add_loop_test(t, what_suspends_what, 0, (int)(sizeof table / sizeof *table));
	tcase_add_loop_test(
		t, a_fault_that_is_over_suspends_nothing, 0, (int)(sizeof table / sizeof *table));
	tcase_add_test(t, a_fault_is_felt_for_a_hold_time);
	tcase_add_test(t, what_is_set_aside_whole_is_suspended);
	tcase_add_test(t, a_slow_line_lasts_until_it_is_empty);
	tcase_add_test(t, skipped_laws_are_left_out);
	tcase_add_test(t, idle_laws_say_why);
	tcase_add_test(t, a_mapping_that_changes_is_no_other_sa);
	return stage_main(t, "court");
}
