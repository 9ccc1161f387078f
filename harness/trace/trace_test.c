/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trace: order, wishes, comments, events; and its file, read back, and, block by block, as
 * bytes.
 */
#include "harness/trace/trace.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct trace_port ports[] = {
	{"A.eth0", WHO_A, SEG_OUTSIDE},
	{"B.eth0", WHO_B, SEG_OUTSIDE},
	{"peer", WHO_PEER, SEG_OUTSIDE},
};
static struct trace *t;
static char path[] = "/tmp/baton-trace-test-XXXXXX";

static void
setup(void)
{
	t = trace_new(ports, 3);
	ck_assert_ptr_nonnull(t);
}

static void
teardown(void)
{
	trace_free(t);
}

static size_t
add(ns_t at, size_t port, uint8_t fill, size_t len)
{
	uint8_t bytes[2048];

	memset(bytes, fill, sizeof(bytes));
	return trace_add(t, at, port, bytes, len);
}

START_TEST(order_never_goes_back)
{
	ck_assert_uint_eq(add(100, 0, 1, 60), 0);
	ck_assert_uint_eq(add(90, 1, 2, 61), 1);
	ck_assert_uint_eq(add(110, 2, 3, 62), 2);
	ck_assert_int_eq(trace_frame(t, 1)->at, 100);
	ck_assert_int_eq(trace_frame(t, 2)->at, 110);
	ck_assert_uint_eq(trace_frame(t, 1)->len, 61);
	ck_assert_uint_eq(trace_frame(t, 1)->bytes[60], 2);
	ck_assert_uint_eq(trace_len(t), 3);
}
END_TEST

START_TEST(bytes_stay_where_they_are)
{
	const uint8_t *first;

	add(1, 0, 0x5a, 1500);
	first = trace_frame(t, 0)->bytes;
	for (int i = 0; i < 3000; i++)
		add(2 + i, 1, 0x11, 1500);
	ck_assert_ptr_eq(trace_frame(t, 0)->bytes, first);
	ck_assert_uint_eq(first[1499], 0x5a);
}
END_TEST

static bool
is_long(const struct frame *f, void *ctx)
{
	return f->len > *(size_t *)ctx;
}

START_TEST(wishes)
{
	size_t limit = 70;

	for (uint8_t i = 0; i < 30; i++)
		add(i * 10, i % 3, i, 60u + i);
	ck_assert_uint_eq(trace_next(t, 0, &(struct trace_want){.from_who = WHO_B}), 1);
	ck_assert_uint_eq(trace_next(t, 2, &(struct trace_want){.from_who = WHO_B}), 4);
	ck_assert_uint_eq(trace_count(t, &(struct trace_want){.ports = 1u << 0 | 1u << 2}), 20);
	ck_assert_uint_eq(trace_count(t, &(struct trace_want){.after = 100, .before = 150}), 5);
	ck_assert_uint_eq(
		trace_next(t, 0, &(struct trace_want){.fits = is_long, .ctx = &limit}), 11);
	ck_assert_uint_eq(trace_last(t, &(struct trace_want){.from_who = WHO_PEER}), 29);
	ck_assert(trace_next(t, 0, &(struct trace_want){.from_who = WHO_HOST}) == TRACE_NONE);
	ck_assert(trace_last(t, &(struct trace_want){.after = 1000}) == TRACE_NONE);
}
END_TEST

START_TEST(comments_and_fate_add_up)
{
	add(1, 0, 0, 60);
	trace_comment(t, 0, "first");
	trace_comment(t, 0, "second");
	trace_fate(t, 0, FATE_FLOODED, 2);
	trace_fate(t, 0, FATE_LOST, 4);
	ck_assert_str_eq(trace_frame(t, 0)->comment, "first; second");
	ck_assert_uint_eq(trace_frame(t, 0)->fate, FATE_FLOODED | FATE_LOST);
	ck_assert_uint_eq(trace_frame(t, 0)->to, 6);
}
END_TEST

START_TEST(events_know_their_place)
{
	trace_event_add(t, &(struct trace_event){.kind = EVENT_START, .who = WHO_A});
	add(1, 0, 0, 60);
	add(2, 0, 0, 60);
	trace_event_add(t, &(struct trace_event){.kind = EVENT_POWER_OFF, .text = "A lost power"});
	ck_assert_uint_eq(trace_events(t), 2);
	ck_assert_uint_eq(trace_event(t, 0)->before, 0);
	ck_assert_uint_eq(trace_event(t, 1)->before, 2);
	ck_assert_str_eq(trace_event(t, 0)->text, "start");
	ck_assert_str_eq(trace_event(t, 1)->text, "A lost power");
	for (int k = 0; k < EVENT_CNT; k++)
		ck_assert_str_ne(trace_event_name((enum trace_event_kind)k), "?");
}
END_TEST

static uint8_t *
slurp(size_t *len)
{
	FILE *f = fopen(path, "rb");
	uint8_t *all = malloc(1 << 20);

	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_nonnull(all);
	*len = fread(all, 1, 1 << 20, f);
	fclose(f);
	return all;
}

static uint32_t
u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

START_TEST(the_file_is_well_formed)
{
	/* SHB, three IDB, DSB, three EPB. */
	static const uint32_t kinds[] = {0x0A0D0D0A, 1, 1, 1, 10, 6, 6, 6};
	char err[TRACE_ERR];
	size_t len, at = 0, cnt = 0;
	uint8_t *all;

	add(10, 0, 1, 61);
	add(20, 1, 2, 64);
	add(30, 2, 3, 1514);
	trace_comment(t, 1, "the one");
	trace_event_add(t, &(struct trace_event){.kind = EVENT_CRASH, .text = "crash of A"});
	trace_secrets(t, "LABEL 00 11\n");
	ck_assert_msg(trace_write(t, path, 1000, err), "%s", err);
	all = slurp(&len);
	for (; at + 12 <= len; cnt++) {
		uint32_t total = u32(all + at + 4);

		ck_assert_uint_lt(cnt, 8);
		ck_assert_uint_eq(u32(all + at), kinds[cnt]);
		ck_assert(total >= 12 && total % 4 == 0 && at + total <= len);
		ck_assert_uint_eq(u32(all + at + total - 4), total);
		at += total;
	}
	ck_assert_uint_eq(cnt, 8);
	ck_assert_uint_eq(at, len);
	ck_assert_ptr_nonnull(memmem(all, len, "the one", 7));
	ck_assert_ptr_nonnull(memmem(all, len, "then: crash of A", 16));
	ck_assert_ptr_nonnull(memmem(all, len, "B.eth0", 6));
	ck_assert_ptr_nonnull(memmem(all, len, "LABEL 00 11\n", 12));
	free(all);
}
END_TEST

START_TEST(and_is_read_back)
{
	char err[TRACE_ERR];
	struct trace *back;
	size_t cut = 9;

	add(123456789, 0, 7, 61);
	add(123456799, 1, 8, 1514);
	ck_assert(trace_write(t, path, ns_from_s(1700000000), err));
	back = trace_read(path, &cut, err);
	ck_assert_msg(back != NULL, "%s", err);
	ck_assert_uint_eq(trace_len(back), 2);
	ck_assert_uint_eq(cut, 0);
	ck_assert_int_eq(trace_frame(back, 0)->at, ns_from_s(1700000000) + 123456789);
	ck_assert_int_eq(trace_frame(back, 1)->at, ns_from_s(1700000000) + 123456799);
	ck_assert_uint_eq(trace_frame(back, 1)->len, 1514);
	ck_assert_uint_eq(trace_frame(back, 1)->bytes[1513], 8);
	ck_assert_uint_eq(trace_frame(back, 0)->len, 61);
	trace_free(back);
}
END_TEST

/* Ports with who sits there, what became of frames, events, notes, secrets: all of it again. */
START_TEST(our_own_is_the_same_again)
{
	char err[TRACE_ERR];
	const struct trace_event *e;
	struct trace *back;

	trace_note(t, "laws hello=1");
	trace_note(t, "case a/b");
	trace_event_add(t, &(struct trace_event){.at = 5, .kind = EVENT_START, .who = WHO_B});
	add(10, 0, 7, 61);
	trace_event_add(t, &(struct trace_event){.at = 11,
				   .kind = EVENT_PARTITION,
				   .segment = SEG_INSIDE,
				   .value = 70000,
				   .text = "parted, so"});
	trace_event_add(t, &(struct trace_event){.at = 12, .kind = EVENT_CABLE_OUT, .port = 2});
	add(20, 1, 8, 60);
	trace_fate(t, 1, FATE_LOST | FATE_INJECTED, 0x8005);
	trace_comment(t, 1, "the one");
	trace_secrets(t, "L 00 11\n");
	ck_assert(trace_write(t, path, 1000, err));
	back = trace_read(path, NULL, err);
	ck_assert_msg(back != NULL, "%s", err);
	ck_assert(trace_is_ours(back) && !trace_is_ours(t));
	ck_assert_uint_eq(trace_ports(back), 3);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_str_eq(trace_port(back, i)->name, ports[i].name);
		ck_assert_int_eq(trace_port(back, i)->who, ports[i].who);
		ck_assert_int_eq(trace_port(back, i)->segment, ports[i].segment);
	}
	ck_assert_str_eq(trace_noted(back, "laws"), "hello=1");
	ck_assert_str_eq(trace_noted(back, "case"), "a/b");
	ck_assert_ptr_null(trace_noted(back, "cas"));
	ck_assert_str_eq(trace_tls_keys(back), "L 00 11\n");
	ck_assert_uint_eq(trace_events(back), 3);
	e = trace_event(back, 0);
	ck_assert(e->kind == EVENT_START && e->who == WHO_B && e->before == 0 && e->at == 1005);
	e = trace_event(back, 1);
	ck_assert(e->kind == EVENT_PARTITION && e->segment == SEG_INSIDE && e->value == 70000 &&
		  e->before == 1);
	ck_assert_str_eq(e->text, "parted, so");
	e = trace_event(back, 2);
	ck_assert(e->kind == EVENT_CABLE_OUT && e->port == 2 && e->before == 1);
	ck_assert_uint_eq(trace_frame(back, 1)->fate, FATE_LOST | FATE_INJECTED);
	ck_assert_uint_eq(trace_frame(back, 1)->to, 0x8005);
	ck_assert_str_eq(trace_frame(back, 1)->comment, "the one");
	ck_assert_ptr_null(trace_frame(back, 0)->comment);
	ck_assert_uint_eq(trace_frame(back, 1)->port, 1);
	trace_free(back);
}
END_TEST

START_TEST(a_part_is_a_trace)
{
	struct trace *part;

	for (ns_t at = 10; at < 60; at += 10) {
		add(at, (size_t)at / 10 % 3, (uint8_t)at, 60);
		trace_event_add(t, &(struct trace_event){.at = at + 5, .kind = EVENT_MARK});
	}
	trace_comment(t, 2, "the one");
	trace_fate(t, 2, FATE_LOST, 3);
	trace_note(t, "laws x");
	trace_secrets(t, "S");
	part = trace_cut(t, 20, 41);
	ck_assert_uint_eq(trace_len(part), 3);
	ck_assert_int_eq(trace_frame(part, 0)->at, 20);
	ck_assert_int_eq(trace_frame(part, 2)->at, 40);
	ck_assert_str_eq(trace_frame(part, 1)->comment, "the one");
	ck_assert_uint_eq(trace_frame(part, 1)->fate, FATE_LOST);
	ck_assert_uint_eq(trace_frame(part, 1)->to, 3);
	ck_assert_uint_eq(trace_frame(part, 1)->port, 0);
	ck_assert_uint_eq(trace_events(part), 2);
	ck_assert_int_eq(trace_event(part, 0)->at, 25);
	ck_assert_uint_eq(trace_event(part, 0)->before, 1);
	ck_assert_str_eq(trace_noted(part, "laws"), "x");
	ck_assert_ptr_nonnull(trace_noted(part, "cut"));
	ck_assert_str_eq(trace_tls_keys(part), "S");
	trace_free(part);
	part = trace_cut(t, 0, NS_NEVER);
	ck_assert_uint_eq(trace_len(part), 5);
	ck_assert_uint_eq(trace_events(part), 5);
	ck_assert_ptr_null(trace_noted(part, "cut"));
	trace_free(part);
}
END_TEST

START_TEST(broken_files_are_refused)
{
	char err[TRACE_ERR] = "";
	size_t len;
	uint8_t *all;
	FILE *f;

	ck_assert_ptr_null(trace_read("/nonexistent/x.pcap", NULL, err));
	ck_assert_ptr_nonnull(strstr(err, "x.pcap"));
	add(1, 0, 7, 61);
	ck_assert(trace_write(t, path, 0, err));
	all = slurp(&len);
	f = fopen(path, "wb");
	fwrite(all, 1, len - 20, f);
	fclose(f);
	free(all);
	ck_assert_ptr_null(trace_read(path, NULL, err));
	ck_assert_ptr_nonnull(strstr(err, "frame 1"));
	ck_assert(!trace_write(t, "/nonexistent/x", 0, err));
	ck_assert(!trace_write(t, "/dev/full", 0, err));
	ck_assert_str_eq(err, "/dev/full: could not be written whole: No space left on device");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("trace");
	TCase *c = tcase_create("all");
	int fd = mkstemp(path), failed;
	SRunner *r;

	if (fd < 0)
		return EXIT_FAILURE;
	close(fd);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, order_never_goes_back);
	tcase_add_test(c, bytes_stay_where_they_are);
	tcase_add_test(c, wishes);
	tcase_add_test(c, comments_and_fate_add_up);
	tcase_add_test(c, events_know_their_place);
	tcase_add_test(c, the_file_is_well_formed);
	tcase_add_test(c, and_is_read_back);
	tcase_add_test(c, our_own_is_the_same_again);
	tcase_add_test(c, a_part_is_a_trace);
	tcase_add_test(c, broken_files_are_refused);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	unlink(path);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
