/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness/trace/dump.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/trace/trace.h"

static char path[] = "/tmp/dump_test.XXXXXX", part[64], err[DUMP_ERR];

static void
setup(void)
{
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	close(fd);
	snprintf(part, sizeof part, "%s.part", path);
}

static void
teardown(void)
{
	unlink(path);
	unlink(part);
}

START_TEST(read_back)
{
	struct dump *d = dump_open(path, DUMP_ETHERNET, err);
	struct trace *t;
	size_t cut;

	ck_assert_ptr_nonnull(d);
	dump_put(d, 12 * NS_PER_S + 345, "0123456789abcd", 14, 14);
	dump_put(d, 13 * NS_PER_S, "0123", 4, 60);
	ck_assert_int_eq(access(part, F_OK), 0);
	ck_assert(dump_close(d, err));
	ck_assert_int_ne(access(part, F_OK), 0);
	t = trace_read(path, &cut, err);
	ck_assert_ptr_nonnull(t);
	ck_assert_uint_eq(trace_len(t), 2);
	ck_assert_int_eq(trace_frame(t, 0)->at, 12 * NS_PER_S + 345);
	ck_assert(!memcmp(trace_frame(t, 0)->bytes, "0123456789abcd", 14));
	ck_assert_uint_eq(trace_frame(t, 1)->len, 4);
	ck_assert_uint_eq(cut, 1);
	trace_free(t);
}
END_TEST

/* What was there before stays until the new file is whole. */
START_TEST(given_up)
{
	FILE *f = fopen(path, "w");
	struct dump *d;
	char text[8] = "";

	fputs("old", f);
	fclose(f);
	d = dump_open(path, DUMP_ETHERNET, err);
	ck_assert_ptr_nonnull(d);
	dump_put(d, 0, "0123", 4, 4);
	dump_drop(d);
	dump_drop(NULL);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(fgets(text, sizeof text, f));
	ck_assert_str_eq(text, "old");
	fclose(f);
	ck_assert_int_ne(access(part, F_OK), 0);
}
END_TEST

START_TEST(refused)
{
	struct dump *d;

	ck_assert_ptr_null(dump_open("/nowhere/x.pcap", DUMP_ETHERNET, err));
	ck_assert_str_eq(err, "/nowhere/x.pcap.part: No such file or directory");
	d = dump_open("/dev/full", DUMP_ETHERNET, err);
	if (d) /* its .part lies in /dev, which may be written here */
		dump_drop(d);
	ck_assert_int_ne(access("/dev/full.part", F_OK), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("dump");
	TCase *tc = tcase_create("dump");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, read_back);
	tcase_add_test(tc, given_up);
	tcase_add_test(tc, refused);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
