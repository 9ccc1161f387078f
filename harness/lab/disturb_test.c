/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disturbances of a line: two stations on the outside segment, numbered frames between them. And a
 * member whose clock is ahead (with the stand-in of standin.h).
 */
#include "harness/lab/disturb.h"
#include "harness/lab/enclosed_test.h"
#include "harness/lab/standin.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define FROM PORT_PEER
#define TO PORT_PROBE_OUT

static struct lab *lab;
static char err[LAB_ERR];

static struct heard {
	size_t cnt;
	uint16_t no[512];
	ns_t at[512];
	bool good[512]; /* parsed without complaint, and the text is whole */
} heard;

static const char words[] = "every octet of this text is to arrive as it was sent, in its place";

static void
hear(void *self, ns_t now, const uint8_t *bytes, size_t len)
{
	struct heard *h = self;
	struct pkt p;
	bool good = pkt_parse(&p, bytes, len) && p.is_udp && p.data_len == sizeof words &&
		    !memcmp(p.data, words, sizeof words);

	ck_assert_uint_lt(h->cnt, 512);
	h->no[h->cnt] = p.is_udp ? p.sport : 0;
	h->good[h->cnt] = good;
	h->at[h->cnt++] = now;
}

static void
setup(void)
{
	static struct heard deaf;

	ck_assert(unshare(CLONE_NEWNET | CLONE_NEWNS) == 0);
	ck_assert(mount("tmpfs", "/run", "tmpfs", 0, NULL) == 0);
	ck_assert(mkdir("/run/netns", 0755) == 0 && mkdir("/run/baton", 0700) == 0);
	lab = lab_open(
		&(struct lab_config){
			.twind = "/proc/self/exe", .out_dir = "/run", .text = {"", ""}, .seed = 5},
		err);
	ck_assert_msg(lab != NULL, "%s", err);
	heard = (struct heard){.cnt = 0};
	lab_attach(lab, TO, &(struct lab_station){.self = &heard, .frame = hear});
	lab_attach(lab, FROM, &(struct lab_station){.self = &deaf, .frame = hear});
}

static void
teardown(void)
{
	lab_close(lab);
}

/* Frame `no`: UDP from port `no`. */
static void
send_no(uint16_t no)
{
	struct mac to = lab_mac(TO), from = lab_mac(FROM);
	struct pkt_ip h = {.src = LAB_OUT_PEER, .dst = LAB_OUT_PROBE, .ttl = 9};
	uint8_t b[256];
	size_t n = pkt_put_eth(b, sizeof b, &to, &from, PKT_ETH_IP4);

	n += pkt_put_udp(b + n, sizeof b - n, &h, no, 9, words, sizeof words);
	lab_send(lab, FROM, b, n);
}

static void
send_many(uint16_t first, uint16_t cnt, ns_t apart)
{
	for (uint16_t i = 0; i < cnt; i++) {
		send_no((uint16_t)(first + i));
		lab_run(lab, apart);
	}
}

static const struct frame *
frame(size_t from_end)
{
	return trace_frame(lab_trace(lab), trace_len(lab_trace(lab)) - 1 - from_end);
}

START_TEST(lose)
{
	struct lab_disturb d = {.kind = DISTURB_LOSE, .port = FROM, .skip = 2, .count = 3};
	int h = lab_disturb(lab, &d);

	send_many(1, 10, NS_PER_MS);
	ck_assert_uint_eq(heard.cnt, 7);
	ck_assert(heard.no[1] == 2 && heard.no[2] == 6);
	ck_assert_uint_eq(lab_disturbed(lab, h), 3);
	ck_assert(frame(5)->fate & FATE_LOST && !frame(5)->to);
	lab_undisturb(lab, h);
	d = (struct lab_disturb){.kind = DISTURB_LOSE, .port = TO, .way = WAY_TO, .ppm = 500000};
	h = lab_disturb(lab, &d);
	send_many(11, 100, NS_PER_MS / 10);
	ck_assert(heard.cnt > 7 + 20 && heard.cnt < 7 + 80);
	lab_undisturb(lab, h);
	d.way = WAY_FROM; /* the other way is not touched */
	d.ppm = 0;
	(void)lab_disturb(lab, &d);
	heard.cnt = 0;
	send_many(1, 5, NS_PER_MS);
	ck_assert_uint_eq(heard.cnt, 5);
}
END_TEST

static bool
heard_all(void *ctx)
{
	return heard.cnt >= *(size_t *)ctx;
}

START_TEST(delay)
{
	struct lab_disturb d = {.kind = DISTURB_DELAY, .port = FROM, .delay = 300 * NS_PER_MS};
	int h = lab_disturb(lab, &d);
	ns_t sent;

	send_many(1, 5, 2 * NS_PER_MS);
	ck_assert_uint_eq(heard.cnt, 0);
	ck_assert_uint_eq(frame(0)->to, 0); /* not yet */
	sent = frame(4)->at;
	ck_assert(lab_until(lab, "all five", 2 * NS_PER_S, heard_all, &(size_t){5}));
	ck_assert_uint_eq(heard.cnt, 5);
	ck_assert(heard.at[0] == sent + 300 * NS_PER_MS);
	for (size_t i = 0; i < 5; i++)
		ck_assert_uint_eq(heard.no[i], i + 1);
	ck_assert(frame(0)->fate & FATE_DELAYED && frame(0)->to & 1u << TO);
	lab_undisturb(lab, h);
	d.jitter = 40 * NS_PER_MS;
	(void)lab_disturb(lab, &d);
	heard.cnt = 0;
	send_many(1, 20, NS_PER_MS);
	ck_assert(lab_until(lab, "all twenty", 2 * NS_PER_S, heard_all, &(size_t){20}));
	ck_assert_uint_eq(heard.cnt, 20);
	for (size_t i = 1, out = 0; i < 20; i++) {
		out += heard.no[i] < heard.no[i - 1];
		ck_assert(i < 19 || out); /* jitter reorders */
	}
}
END_TEST

static bool
is_third(const struct pkt *p, void *ctx)
{
	(void)ctx;
	return p->is_udp && p->sport == 3;
}

START_TEST(copy)
{
	struct lab_pkt_match third = {is_third, NULL};
	struct lab_disturb d = {.kind = DISTURB_COPY,
		.port = TO,
		.way = WAY_TO,
		.match = lab_match_pkt,
		.ctx = &third,
		.delay = 5 * NS_PER_MS};
	size_t twin = 3;

	(void)lab_disturb(lab, &d);
	send_many(1, 5, 3 * NS_PER_MS);
	ck_assert(lab_until(lab, "five and a copy", NS_PER_S, heard_all, &(size_t){6}));
	ck_assert_uint_eq(heard.cnt, 6);
	ck_assert(heard.no[2] == 3);
	while (twin < heard.cnt &&
		heard.no[twin] != 3) /* where it falls is the machine's business */
		twin++;
	ck_assert(twin < heard.cnt && heard.good[twin]);
	ck_assert(heard.at[twin] == frame(2)->at + 5 * NS_PER_MS);
	ck_assert_uint_eq(trace_len(lab_trace(lab)), 5); /* the trace has it once */
	ck_assert(frame(2)->fate & FATE_COPIED);
}
END_TEST

START_TEST(reorder)
{
	struct lab_pkt_match third = {is_third, NULL};
	struct lab_disturb d = {.kind = DISTURB_REORDER,
		.port = FROM,
		.way = WAY_FROM,
		.match = lab_match_pkt,
		.ctx = &third,
		.behind = 2,
		.delay = NS_PER_S};
	int h = lab_disturb(lab, &d);

	send_many(1, 6, NS_PER_MS);
	ck_assert_uint_eq(heard.cnt, 6);
	ck_assert(heard.no[2] == 4 && heard.no[3] == 5 && heard.no[4] == 3 && heard.no[5] == 6);
	ck_assert(heard.at[4] == heard.at[3]); /* exactly behind it */
	lab_undisturb(lab, h);
	d.delay = 0; /* nobody overtakes it: not for ever */
	(void)lab_disturb(lab, &d);
	heard.cnt = 0;
	send_no(3);
	lab_run(lab, 10 * NS_PER_MS);
	ck_assert_uint_eq(heard.cnt, 0);
	lab_run(lab, 30 * NS_PER_MS);
	ck_assert_uint_eq(heard.cnt, 1);
}
END_TEST

START_TEST(corrupt)
{
	struct lab_disturb d = {.kind = DISTURB_CORRUPT, .port = FROM};
	int h = lab_disturb(lab, &d);

	send_many(1, 40, NS_PER_MS / 10);
	ck_assert_uint_eq(heard.cnt, 40);
	for (size_t i = 0; i < 40; i++)
		ck_assert(!heard.good[i]);
	ck_assert(frame(0)->fate & FATE_CORRUPTED && !(frame(0)->to & 1u << TO));
	ck_assert_ptr_nonnull(strstr(frame(0)->comment, "octet"));
	lab_undisturb(lab, h);
	/* With the checksums mended, the spoilt octet reaches whoever looks at it. */
	d = (struct lab_disturb){.kind = DISTURB_CORRUPT,
		.port = FROM,
		.at = 14 + 20 + 1,
		.flip = 0x80,
		.sums = true};
	h = lab_disturb(lab, &d);
	heard.cnt = 0;
	send_many(1, 3, NS_PER_MS);
	ck_assert(heard.no[0] == 0x81 && heard.no[1] == 0x82 && heard.good[0] && heard.good[1]);
	lab_undisturb(lab, h);
	d.at = 14 + 8; /* TTL */
	(void)lab_disturb(lab, &d);
	send_many(4, 1, NS_PER_MS);
	ck_assert(heard.good[3] && heard.no[3] == 4);
}
END_TEST

START_TEST(slow)
{
	/* 14 + 20 + 8 + 67 octets a frame */
	struct lab_disturb d = {.kind = DISTURB_SLOW, .port = FROM, .per_s = 109 * 100};
	int h = lab_disturb(lab, &d);

	for (uint16_t i = 1; i <= 10; i++)
		send_no(i);
	lab_run(lab, 55 * NS_PER_MS);
	ck_assert(heard.cnt >= 4 && heard.cnt <= 6);
	lab_run(lab, 100 * NS_PER_MS);
	ck_assert_uint_eq(heard.cnt, 10);
	for (size_t i = 1; i < 10; i++) {
		ck_assert_uint_eq(heard.no[i], i + 1);
		ck_assert(heard.at[i] - heard.at[i - 1] == 10 * NS_PER_MS);
	}
	lab_undisturb(lab, h);
}
END_TEST

START_TEST(stall)
{
	struct lab_disturb d = {.kind = DISTURB_STALL, .port = TO, .way = WAY_TO};
	int h = lab_disturb(lab, &d);

	send_many(1, 5, NS_PER_MS);
	lab_run(lab, 50 * NS_PER_MS);
	ck_assert_uint_eq(heard.cnt, 0);
	lab_undisturb(lab, h);
	ck_assert_uint_eq(heard.cnt, 5);
	for (size_t i = 0; i < 5; i++)
		ck_assert_uint_eq(heard.no[i], i + 1);
	send_no(6);
	lab_run(lab, NS_PER_MS);
	ck_assert_uint_eq(heard.cnt, 6);
}
END_TEST

/* A line that stands keeps all, whatever else is on it, and whichever was there first. */
START_TEST(stall_beside_others)
{
	static const enum lab_disturb_kind other[] = {
		DISTURB_DELAY, DISTURB_COPY, DISTURB_REORDER, DISTURB_SLOW};

	for (size_t i = 0; i < 2 * sizeof other / sizeof other[0]; i++) {
		struct lab_disturb stands = {.kind = DISTURB_STALL, .port = TO, .way = WAY_TO};
		struct lab_disturb d = stands;
		int h[2];

		d.kind = other[i / 2];
		d.delay = d.kind == DISTURB_SLOW ? 0 : NS_PER_MS;
		d.per_s = 1000000;
		h[0] = lab_disturb(lab, i % 2 ? &d : &stands);
		h[1] = lab_disturb(lab, i % 2 ? &stands : &d);
		heard.cnt = 0;
		send_many(1, 5, NS_PER_MS);
		lab_run(lab, 50 * NS_PER_MS);
		ck_assert_uint_eq(heard.cnt, 0);
		lab_undisturb(lab, h[0]);
		lab_undisturb(lab, h[1]);
		lab_run(lab, 5 * NS_PER_MS);
		ck_assert_uint_eq(heard.cnt, d.kind == DISTURB_COPY ? 10 : 5);
	}
}
END_TEST

/* Several at one port work one after the other; each begin and end is told. */
START_TEST(together)
{
	struct lab_disturb late = {
		.kind = DISTURB_DELAY, .port = FROM, .way = WAY_FROM, .delay = 10 * NS_PER_MS};
	struct lab_disturb twice = {.kind = DISTURB_COPY, .port = TO, .way = WAY_TO};
	struct lab_fault f = {.kind = FAULT_DISTURB, .disturb = &twice};
	int h = lab_disturb(lab, &late);
	size_t told = 0;

	lab_fault(lab, &f);
	send_many(1, 3, NS_PER_MS);
	lab_run(lab, 30 * NS_PER_MS);
	ck_assert_uint_eq(heard.cnt, 6);
	lab_undisturb(lab, h);
	for (size_t i = 0; i < trace_events(lab_trace(lab)); i++) {
		const struct trace_event *e = trace_event(lab_trace(lab), i);

		told += e->kind == EVENT_DELAY && e->port == FROM && e->segment == SEG_OUTSIDE &&
			e->value == (i ? 0 : 10000);
		told += e->kind == EVENT_COPY && e->port == TO;
	}
	ck_assert_uint_eq(told, 3);
}
END_TEST

static long long
clock_of(enum lab_member m)
{
	json_t *reply;
	long long s;

	ck_assert(lab_ask(lab, m, "clock", &reply));
	s = json_integer_value(json_object_get(reply, "clock"));
	json_decref(reply);
	return s;
}

START_TEST(clocks_differ)
{
	long long day = 86400, here;

	if (!lab_can_shift(lab)) {
		printf("SKIPPED: this kernel has no time namespaces\n");
		return;
	}
	lab_set_clock(lab, LAB_B, 3 * day * NS_PER_S);
	ck_assert_msg(lab_start(lab, LAB_A, err), "%s", err);
	ck_assert_msg(lab_start(lab, LAB_B, err), "%s", err);
	lab_run(lab, 200 * NS_PER_MS);
	here = lab_now(lab) / NS_PER_S;
	ck_assert(clock_of(LAB_A) >= here - 2 && clock_of(LAB_A) <= here + 2);
	ck_assert(clock_of(LAB_B) >= here + 3 * day - 2 && clock_of(LAB_B) <= here + 3 * day + 2);
	ck_assert_ptr_nonnull(strstr(
		trace_event(lab_trace(lab), 1)->text, "B started, its clock 259200 s ahead"));
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("disturb");
	TCase *t = tcase_create("netns");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, lose);
	tcase_add_test(t, delay);
	tcase_add_test(t, copy);
	tcase_add_test(t, reorder);
	tcase_add_test(t, corrupt);
	tcase_add_test(t, slow);
	tcase_add_test(t, stall);
	tcase_add_test(t, stall_beside_others);
	tcase_add_test(t, together);
	tcase_add_test(t, clocks_differ);
	suite_add_tcase(s, t);
	return s;
}

int
main(int argc, char **argv)
{
	return argc > 2 ? stand_in(argc, argv) : enclosed_main(suite, "disturb");
}
