/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The story over frames made here: elections, losses and take-overs, two Actives, IKE that stops,
 * ESP numbers of every kind, what is seen on two segments; and which law each of them decides.
 */
#include "harness/story/story_in.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/field/field.h"

static struct story *s;
static struct keyring ring;
static char told[65536]; /* "kind frame text", one a line */
static uint64_t no;
static ns_t last_at;

static void
tell(void *ctx, const struct story_event *e)
{
	size_t len = strlen(told);

	(void)ctx;
	ck_assert(e->at >= last_at);
	last_at = e->at;
	snprintf(told + len, sizeof(told) - len, "%s %llu %s\n", e->kind,
		(unsigned long long)e->frame, e->text);
}

static void
setup(void)
{
	struct story_in in = {.keys = &ring, .tell = tell};

	keyring_init(&ring);
	told[0] = '\0';
	no = 0;
	last_at = 0;
	s = story_new(&in);
}

static void
teardown(void)
{
	story_free(s);
	keyring_free(&ring);
}

/* At a second and a half, and so on. */
static void
put(double at, unsigned port, const uint8_t *bytes, size_t len)
{
	const struct capture_frame f = {.no = ++no,
		.at = NS_PER_S + (ns_t)(at * 1e9),
		.bytes = bytes,
		.len = (uint32_t)len,
		.wire_len = (uint32_t)len,
		.port = (uint16_t)port,
		.link = 1};

	story_frame(s, 0, &f, NULL);
}

#define VIP IP4(10, 0, 0, 1)

static void
hsrp(double at, unsigned port, unsigned host, unsigned op, unsigned state, unsigned priority)
{
	const struct field_set sets[] = {SET("ip.src", VIP + host),
		SET("eth.src", 0x020000000000 + host), SET("hsrp.opcode", op),
		SET("hsrp.state", state), SET("hsrp.priority", priority), SET("hsrp.hellotime", 3),
		SET("hsrp.holdtime", 10), SET("hsrp.group", 1), SET("hsrp.vip", VIP)};
	uint8_t buf[128];

	put(at, port, buf,
		field_build(buf, sizeof(buf), "eth/ipv4/udp/hsrp", sets,
			sizeof(sets) / sizeof(sets[0]), NULL));
}

static void
esp(double at, unsigned port, unsigned host, uint32_t spi, uint32_t seq, uint64_t fill)
{
	const struct field_set sets[] = {SET("ip.src", VIP), SET("ip.dst", IP4(9, 9, 9, 9)),
		SET("eth.src", 0x020000000000 + host), SET("esp.spi", spi), SET("esp.seq", seq),
		SET_BYTES("esp.data", &fill, 8)};
	uint8_t buf[128];

	put(at, port, buf,
		field_build(buf, sizeof(buf), "eth/ipv4/esp", sets, sizeof(sets) / sizeof(sets[0]),
			NULL));
}

static void
has(const char *line)
{
	ck_assert_msg(strstr(told, line), "not told: %s\n%s", line, told);
}

static void
has_not(const char *line)
{
	ck_assert_msg(!strstr(told, line), "told: %s\n%s", line, told);
}

/* The verdict of the n-th law of that number. */
static enum law_verdict
law(int number, size_t n, uint64_t *judged)
{
	struct law_result out[LAWS_MAX];
	size_t cnt = story_laws(s, out);

	for (size_t i = 0; i < cnt; i++)
		if (out[i].law == number && !n--) {
			if (judged)
				*judged = out[i].judged;
			ck_assert(out[i].verdict != LAW_NOTHING || out[i].text[0]);
			return out[i].verdict;
		}
	ck_abort_msg("no law %d", number);
}

START_TEST(an_heir_waits_for_the_hold_time)
{
	hsrp(0, 0, 10, 0, 16, 200);
	hsrp(1, 0, 20, 0, 8, 100);
	hsrp(3, 0, 10, 0, 16, 200);
	hsrp(4, 0, 20, 0, 8, 100);
	hsrp(7, 0, 20, 0, 8, 100);
	hsrp(10, 0, 20, 0, 8, 100);
	hsrp(12.95, 0, 20, 0, 16, 100); /* 0.5 % early */
	story_end(s);
	has("hsrp.active 1 HSRP group 1 (10.0.0.1): 10.0.0.11 is Active, priority 200, hello 3 s, "
	    "hold 10 s");
	has("hsrp.last 3 HSRP group 1 (10.0.0.1): last Hello of 10.0.0.11, Active: nothing");
	has("hsrp.active 7 HSRP group 1 (10.0.0.1): 10.0.0.21 becomes Active in the place of "
	    "10.0.0.11, 9.950 s after its last Hello: the hold time of 10.000 s was kept");
	ck_assert_int_eq(law(LAW_OWNER, 0, NULL), LAW_HELD);
	ck_assert_int_eq(law(LAW_OUTAGE, 0, NULL), LAW_HELD);
	ck_assert_int_eq(law(LAW_OUTAGE, 1, NULL), LAW_NOTHING);
}
END_TEST

START_TEST(an_heir_too_early_and_one_too_late)
{
	hsrp(0, 0, 10, 0, 16, 100);
	hsrp(1, 0, 20, 0, 8, 100);
	hsrp(4, 0, 20, 0, 8, 100);
	hsrp(8, 0, 20, 0, 16, 100);
	story_end(s);
	has("its hold time was not kept");
	teardown();
	setup();
	hsrp(0, 0, 10, 0, 16, 100);
	for (int i = 0; i < 5; i++)
		hsrp(1 + 3 * i, 0, 20, 0, 8, 100);
	hsrp(14, 0, 20, 0, 16, 100);
	story_end(s);
	ck_assert_int_eq(law(LAW_OUTAGE, 0, NULL), LAW_BROKEN);
	has("law 5 is broken");
}
END_TEST

START_TEST(silence_without_an_heir_and_a_return)
{
	hsrp(0, 0, 10, 0, 16, 200);
	hsrp(1, 0, 20, 0, 4, 100);
	hsrp(4, 0, 20, 0, 4, 100);
	hsrp(11, 0, 20, 0, 4, 100);
	hsrp(15, 0, 10, 0, 16, 200);
	hsrp(23, 0, 20, 0, 4, 100);
	story_end(s);
	has("hsrp.last 1 ");
	has("hsrp.back 5 HSRP group 1 (10.0.0.1): 10.0.0.11 is heard again after 15.000 s");
	has("10.0.0.21 speaks again, Speak");
	ck_assert_int_eq(law(LAW_OUTAGE, 0, NULL), LAW_NOTHING);
}
END_TEST

START_TEST(resign_and_coup)
{
	hsrp(0, 0, 10, 0, 16, 200);
	hsrp(1, 0, 20, 0, 8, 100);
	hsrp(2, 0, 10, 2, 16, 200);
	hsrp(2.1, 0, 20, 0, 16, 100);
	hsrp(5, 0, 10, 1, 16, 200);
	hsrp(5.1, 0, 10, 0, 16, 200);
	hsrp(5.2, 0, 20, 0, 4, 100);
	story_end(s);
	has("hsrp.resign 3 ");
	has("hsrp.active 4 HSRP group 1 (10.0.0.1): 10.0.0.21 becomes Active, 0.100 s after "
	    "10.0.0.11 resigned");
	has("hsrp.coup 5 ");
	has("hsrp.active 6 HSRP group 1 (10.0.0.1): 10.0.0.11 (priority 200) becomes Active in the "
	    "place of 10.0.0.21 (priority 100) by a Coup");
	has("10.0.0.21 goes to Speak and is Active no more");
	has_not("hsrp.two");
	has_not("hsrp.last");
	ck_assert_int_eq(law(LAW_OWNER, 0, NULL), LAW_HELD);
}
END_TEST

/* On one segment law 4 is broken; on two of them nobody can say. */
START_TEST(two_actives)
{
	for (int i = 0; i < 5; i++) {
		hsrp(3 * i, 0, 10, 0, 16, 100);
		hsrp(3 * i + 1, _i ? 1 : 0, 20, 0, 16, 100);
	}
	story_end(s);
	has("hsrp.two");
	ck_assert_int_eq(law(LAW_OWNER, 0, NULL), _i ? LAW_NOTHING : LAW_BROKEN);
}
END_TEST

START_TEST(timers_in_milliseconds)
{
	for (int i = 0; i < 10; i++) {
		hsrp(0.2 * i, 0, 10, 0, 16, 100);
		hsrp(0.2 * i + 0.1, 0, 20, 0, 8, 100);
	}
	hsrp(2.6, 0, 20, 0, 16, 100);
	story_end(s);
	has("becomes Active 0.800 s after a Hello");
	has_not("not kept");
	ck_assert_int_eq(law(LAW_OUTAGE, 0, NULL), LAW_NOTHING);
}
END_TEST

START_TEST(numbers_of_a_stream)
{
	const struct story_esp *e;
	uint64_t judged;

	for (uint32_t n = 1; n <= 10; n++)
		esp(0.1 * n, 0, 10, 0x100, n, n);
	esp(1.1, 0, 10, 0x100, 300, 300);
	esp(1.2, 0, 10, 0x100, 299, 299);
	esp(3.2, 0, 10, 0x100, 299, 299);
	story_end(s);
	ck_assert_uint_eq(story_esp_count(s), 1);
	e = story_esp_nth(s, 0);
	ck_assert_uint_eq(e->packets, 13);
	ck_assert_uint_eq(e->first, 1);
	ck_assert_uint_eq(e->highest, 300);
	ck_assert_uint_eq(e->last, 299);
	ck_assert_uint_eq(e->missing, 288);
	ck_assert_uint_eq(e->reordered, 1);
	ck_assert_uint_eq(e->same, 1);
	ck_assert_uint_eq(e->different, 0);
	ck_assert_uint_eq(e->largest_jump, 289);
	ck_assert_int_eq(e->longest_gap, 2 * NS_PER_S);
	has("esp.jump 11 ESP 0x00000100 to 9.9.9.9: from number 10 to 300, 289 are missing");
	has("esp.again 13 ");
	ck_assert_int_eq(law(LAW_UNIQUENESS, 0, &judged), LAW_HELD);
	ck_assert_uint_eq(judged, 13);
	ck_assert_int_eq(law(LAW_CONTINUITY, 0, NULL), LAW_NOTHING);
}
END_TEST

START_TEST(a_number_twice)
{
	esp(0, 0, 10, 0x100, 1, 1);
	esp(0.1, 0, 10, 0x100, 2, 2);
	esp(0.2, 0, 10, 0x200, 1, 3); /* another SA */
	esp(0.3, 0, 10, 0x100, 1, 4);
	story_end(s);
	has("esp.twice 4 ESP 0x00000100 to 9.9.9.9: number 1 again, with other octets");
	ck_assert_int_eq(law(LAW_UNIQUENESS, 0, NULL), LAW_BROKEN);
}
END_TEST

START_TEST(who_goes_on)
{
	uint64_t judged;

	hsrp(0, 0, 10, 0, 16, 100);
	hsrp(0.1, 0, 20, 0, 8, 100);
	esp(1, 0, 10, 0x100, 50, 1);
	hsrp(11, 0, 20, 0, 16, 100);
	esp(12, 0, 20, 0x100, _i ? 40 : 60, 2);
	esp(12.1, 0, 20, 0x100, 61, 3);
	story_end(s);
	has("esp.heir 5 ESP 0x00000100 to 9.9.9.9: 10.0.0.21 goes on after 10.0.0.11, from number "
	    "50");
	ck_assert_int_eq(law(LAW_CONTINUITY, 0, &judged), _i ? LAW_BROKEN : LAW_HELD);
	ck_assert_uint_eq(judged, 2);
	ck_assert_int_eq(law(LAW_OUTAGE, 1, NULL), LAW_HELD);
}
END_TEST

START_TEST(past_the_end_and_out_of_the_window)
{
	esp(0, 0, 10, 0x100, 5, 1);
	esp(0.1, 0, 10, 0x100, 5000, 2);
	esp(0.2, 0, 10, 0x100, 6, 3);
	esp(0.3, 0, 10, 0x100, 0xffffffff, 4);
	ck_assert_int_eq(law(LAW_CONTINUITY, 0, NULL), LAW_NOTHING);
	esp(0.4, 0, 10, 0x100, 1, 5);
	story_end(s);
	ck_assert_uint_eq(story_esp_nth(s, 0)->old, 2);
	ck_assert_int_eq(law(LAW_CONTINUITY, 0, NULL), LAW_BROKEN);
}
END_TEST

/* The same frame on another interface is one frame; the same one there again is not. */
START_TEST(seen_on_two_segments)
{
	esp(0, 0, 10, 0x100, 1, 1);
	esp(0.001, 1, 10, 0x100, 2, 2);
	esp(0.002, 0, 10, 0x100, 2, 2);
	esp(0.003, 1, 10, 0x100, 2, 2);
	esp(1, 0, 10, 0x100, 3, 3);
	esp(1.5, 1, 10, 0x100, 3, 3); /* too late to be the same */
	story_end(s);
	ck_assert_uint_eq(story_sums(s)->twice, 1);
	ck_assert_uint_eq(story_esp_nth(s, 0)->packets, 5);
	ck_assert_uint_eq(story_esp_nth(s, 0)->same, 2);
}
END_TEST

START_TEST(more_than_there_is_room_for)
{
	for (uint32_t i = 0; i < STORY_ESP + 10; i++)
		esp(0.001 * i, 0, 10, 0x1000 + i, 1, i);
	story_end(s);
	ck_assert_uint_eq(story_esp_count(s), STORY_ESP);
	ck_assert_uint_eq(story_sums(s)->lost_esp, 10);
}
END_TEST

static void
isakmp(double at, bool back, const char *layers, uint64_t rcookie, unsigned exchange,
	unsigned flags, uint32_t msgid, uint64_t fill)
{
	const struct field_set sets[] = {SET("ip.src", back ? VIP : IP4(9, 9, 9, 9)),
		SET("ip.dst", back ? IP4(9, 9, 9, 9) : VIP), SET("udp.sport", 500),
		SET("udp.dport", 500), SET("isakmp.icookie", 0x1122334455667788),
		SET("isakmp.rcookie", rcookie), SET("isakmp.exchange", exchange),
		SET("isakmp.flags", flags), SET("isakmp.msgid", msgid),
		SET_BYTES(strstr(layers, "encrypted") ? "isakmp.encrypted.data" : "ip.tos", &fill,
			8)};
	uint8_t buf[256];
	struct why why;
	size_t n = field_build(buf, sizeof(buf), layers, sets,
		sizeof(sets) / sizeof(sets[0]) - !strstr(layers, "encrypted"), &why);

	ck_assert_msg(n > 0, "%s", why.field);
	put(at, 0, buf, n);
}

#define SA_LAYERS "eth/ipv4/udp/isakmp/isakmp.sa/isakmp.prop/isakmp.transform/isakmp.attr"
#define KE_LAYERS "eth/ipv4/udp/isakmp/isakmp.ke/isakmp.nonce"
#define CLOSED "eth/ipv4/udp/isakmp/isakmp.encrypted"

static void
main_mode(int messages)
{
	static const char *const layers[] = {
		SA_LAYERS, SA_LAYERS, KE_LAYERS, KE_LAYERS, CLOSED, CLOSED};

	for (int i = 0; i < messages; i++)
		isakmp(0.1 * i, i % 2, layers[i], i ? 0x99 : 0, 2, i > 3, 0, (uint64_t)i);
}

START_TEST(main_mode_and_quick_mode)
{
	main_mode(6);
	isakmp(0.6, false, CLOSED, 0x99, 32, 1, 0xabc, 10);
	isakmp(0.7, true, CLOSED, 0x99, 32, 1, 0xabc, 11);
	isakmp(0.75, false, CLOSED, 0x99, 32, 1, 0xabc, 10);
	isakmp(0.8, false, CLOSED, 0x99, 32, 1, 0xabc, 12);
	story_end(s);
	has("ike.main 1 Main Mode 9.9.9.9 > 10.0.0.1, cookie 1122334455667788 begins");
	has("ike.main.done 6 ");
	has("is complete: 6 messages in 0.500 s");
	has("ike.quick 7 Quick Mode 00000abc begins, from 9.9.9.9");
	has("ike.quick.done 10 Quick Mode 00000abc is complete: 3 messages in 0.200 s, 1 "
	    "retransmission");
	ck_assert_int_eq(law(LAW_DPD, 0, NULL), LAW_NOTHING);
}
END_TEST

START_TEST(what_stops_on_the_way)
{
	main_mode(3);
	isakmp(1, false, KE_LAYERS, 0x99, 2, 0, 0, 2);
	isakmp(2, false, KE_LAYERS, 0x99, 2, 0, 0, 2);
	isakmp(3, false, CLOSED, 0x98, 32, 1, 0xabc, 10);
	story_end(s);
	has("ike.main.open 5 ");
	has("stops after message 3 of 6, 2 retransmissions");
	has("ike.quick.open 6 Quick Mode 00000abc of 9.9.9.9 stops after message 1 of 3");
}
END_TEST

/* Phase 1 as the table has it, and an opened notify of DPD. */
static void
dpd(struct phase1 *p, int dir, unsigned type, uint32_t n)
{
	uint8_t body[] = {0, 0, 0, 32, 0, 0, 0, 1, 1, 16, (uint8_t)(type >> 8), (uint8_t)type, 1, 2,
		3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, (uint8_t)(n >> 24), (uint8_t)(n >> 16),
		(uint8_t)(n >> 8), (uint8_t)n};
	const struct ikeopen_msg m = {.first = 11, .body = body, .body_len = sizeof(body)};

	s->now += NS_PER_S;
	s->frame++;
	story_ike_opened(s, p, NULL, &m, dir);
}

START_TEST(dpd_numbers)
{
	struct phase1 p = {.used = true};
	uint64_t judged;

	keyring_add_ike(&ring, &(struct keyike){.icookie = {1}});
	s->sum.isakmp = 1;
	dpd(&p, 0, 36136, 70);
	dpd(&p, 1, 36137, 70);
	dpd(&p, 0, 36136, 71);
	dpd(&p, 0, 36136, 71);
	dpd(&p, 1, 36137, 71);
	ck_assert_int_eq(law(LAW_DPD, 0, &judged), LAW_HELD);
	ck_assert_uint_eq(judged, 4);
	if (_i)
		dpd(&p, 0, 36136, 70);
	else
		dpd(&p, 1, 36137, 72);
	ck_assert_int_eq(law(LAW_DPD, 0, NULL), LAW_BROKEN);
	story_end(s);
	has("dpd.asked 1 DPD: 0.0.0.0 asks R-U-THERE 70, the first seen");
	has("law 6 is broken");
}
END_TEST

START_TEST(clear_where_esp_should_be)
{
	const struct field_set sets[] = {SET("ip.src", IP4(10, 1, 0, 5)),
		SET("ip.dst", IP4(10, 2, 0, 5)), SET("udp.sport", 7), SET("udp.dport", 7)};
	uint8_t buf[64];

	keyring_add_ike(&ring, &(struct keyike){.icookie = {1}});
	s->sel[0] = (struct selector){{IP4(10, 2, 0, 0), 24}, {IP4(10, 1, 0, 0), 24}};
	s->sel_cnt = 1;
	esp(0, 0, 10, 0x100, 1, 1);
	hsrp(0.1, 1, 10, 0, 16, 100);
	put(0.2, _i ? 0 : 1, buf, field_build(buf, sizeof(buf), "eth/ipv4/udp", sets, 4, NULL));
	story_end(s);
	ck_assert_int_eq(law(LAW_LEAK, 0, NULL), _i ? LAW_BROKEN : LAW_NOTHING);
}
END_TEST

START_TEST(a_life_that_is_over)
{
	story_esp_life(s, 0x100, 10);
	s->life[0].from = NS_PER_S;
	keyring_add_ike(&ring, &(struct keyike){.icookie = {1}});
	esp(1, 0, 10, 0x100, 1, 1);
	ck_assert_int_eq(law(LAW_LIFETIMES, 0, NULL), LAW_HELD);
	esp(11, 0, 10, 0x100, 2, 1);
	story_end(s);
	ck_assert_int_eq(law(LAW_LIFETIMES, 0, NULL), LAW_BROKEN);
}
END_TEST

START_TEST(keys_of_tcpdump)
{
	static const char *const bad[] = {"0x100", "100@1.2.3.4 3des-cbc:0x00",
		"0x100@1.2.3 3des-cbc:0x00", "0x123456789@1.2.3.4 3des-cbc:0x00",
		"0x100@1.2.3.4 rot13:0x00", "0x100@1.2.3.4 3des-cbc:0011",
		"0x100@1.2.3.4 3des-cbc:0x0011", "a b c", "0xzz@1.2.3.4 3des-cbc:0x00"};
	const char *what = NULL;
	struct story_secret k;

	ck_assert(story_secret_line(&k,
		"0xd1234567@192.1.2.45 aes256-cbc-hmac96:"
		"0xaaaabbbbccccdddd4043434545464649494a4a4c4c4f4f515152525454575758\n",
		&what));
	ck_assert_uint_eq(k.spi, 0xd1234567);
	ck_assert_uint_eq(k.dst, IP4(192, 1, 2, 45));
	ck_assert(k.aes && k.key_len == 32 && k.icv_len == 12 && k.key[31] == 0x58);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		what = NULL;
		ck_assert_msg(!story_secret_line(&k, bad[i], &what) && what, "%s", bad[i]);
	}
}
END_TEST

START_TEST(what_is_malformed_is_counted)
{
	const uint8_t cut[] = {1, 2, 3};

	put(0, 0, cut, 3);
	put(0.1, 0, cut, 3);
	story_end(s);
	ck_assert_uint_eq(story_sums(s)->malformed, 2);
	ck_assert_str_eq(story_sums(s)->bad, "eth.dst");
	ck_assert_uint_eq(story_sums(s)->frames, 2);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("story");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, an_heir_waits_for_the_hold_time);
	tcase_add_test(t, an_heir_too_early_and_one_too_late);
	tcase_add_test(t, silence_without_an_heir_and_a_return);
	tcase_add_test(t, resign_and_coup);
	tcase_add_loop_test(t, two_actives, 0, 2);
	tcase_add_test(t, timers_in_milliseconds);
	tcase_add_test(t, numbers_of_a_stream);
	tcase_add_test(t, a_number_twice);
	tcase_add_loop_test(t, who_goes_on, 0, 2);
	tcase_add_test(t, past_the_end_and_out_of_the_window);
	tcase_add_test(t, seen_on_two_segments);
	tcase_add_test(t, more_than_there_is_room_for);
	tcase_add_test(t, main_mode_and_quick_mode);
	tcase_add_test(t, what_stops_on_the_way);
	tcase_add_loop_test(t, dpd_numbers, 0, 2);
	tcase_add_loop_test(t, clear_where_esp_should_be, 0, 2);
	tcase_add_test(t, a_life_that_is_over);
	tcase_add_test(t, keys_of_tcpdump);
	tcase_add_test(t, what_is_malformed_is_counted);
	suite_add_tcase(suite, t);
	r = srunner_create(suite);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
