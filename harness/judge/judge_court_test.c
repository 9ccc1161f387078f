/* SPDX-License-Identifier: BSD-2-Clause */
/* The court: which fault suspends which law, and where; and SAs whose packets go elsewhere. */
#include "harness/judge/judge_test_util.h"

static const struct {
	enum trace_event_kind fault;
	enum trace_segment segment;
	uint32_t value; /* of a delay: microseconds */
	unsigned laws;	/* that are suspended */
} table[] = {
	{EVENT_LOSS, SEG_OUTSIDE, 1000, 1u << LAW_OWNER | 1u << LAW_OUTAGE | 1u << LAW_ROUTES},
	{EVENT_CORRUPT, SEG_INSIDE, 0, 1u << LAW_OWNER | 1u << LAW_OUTAGE | 1u << LAW_ROUTES},
	{EVENT_DELAY, SEG_OUTSIDE, 20000, 0},
	{EVENT_DELAY, SEG_OUTSIDE, 900000, 1u << LAW_OWNER | 1u << LAW_OUTAGE | 1u << LAW_ROUTES},
	{EVENT_DELAY, SEG_SYNC, 900000, 1u << LAW_REPLAY},
	{EVENT_COPY, SEG_OUTSIDE, 900000, 0},
	{EVENT_REORDER, SEG_OUTSIDE, 900000, 0},
	{EVENT_SLOW, SEG_SYNC, 1000, 1u << LAW_OUTAGE | 1u << LAW_REPLAY},
	{EVENT_STALL, SEG_SYNC, 1, 1u << LAW_OUTAGE | 1u << LAW_REPLAY},
	{EVENT_STALL, SEG_OUTSIDE, 1, 1u << LAW_OWNER | 1u << LAW_OUTAGE | 1u << LAW_ROUTES},
	{EVENT_PARTITION, SEG_SYNC, 1, 1u << LAW_OUTAGE | 1u << LAW_ROUTES | 1u << LAW_REPLAY},
};

START_TEST(what_suspends_what)
{
	trace_event_add(stage.t, &(struct trace_event){.kind = table[_i].fault,
		.segment = table[_i].segment, .value = table[_i].value, .at = stage.now,
		.port = P_A_OUT});
	stage_esp(P_A_OUT, 1, 1);
	for (enum law_no law = LAW_UNIQUENESS; law < LAW_END; law++) {
		bool off = stage_law(law)->verdict == LAW_SUSPENDED;

		ck_assert_msg(off == !!(table[_i].laws & 1u << law), "law %d", (int)law);
		if (off)
			ck_assert_ptr_nonnull(
				strstr(stage_law(law)->text, trace_event_name(table[_i].fault)));
	}
	stage_esp(P_A_OUT, 1, 2); /* law 1 holds under every fault */
	stage_expect(LAW_UNIQUENESS, LAW_BROKEN);
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
	tcase_add_test(t, skipped_laws_are_left_out);
	tcase_add_test(t, idle_laws_say_why);
	tcase_add_test(t, a_mapping_that_changes_is_no_other_sa);
	return stage_main(t, "court");
}
