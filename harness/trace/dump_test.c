/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness/trace/dump.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/trace/place.h"
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
	struct stat st;

	ck_assert_ptr_null(dump_open("/nowhere/x.pcap", DUMP_ETHERNET, err));
	ck_assert_str_eq(err, "/nowhere/x.pcap: No such file or directory");
	for (int i = 0; i < 2; i++) { /* refused at the end, and on the way */
		d = dump_open("/dev/full", DUMP_ETHERNET, err);
		ck_assert_ptr_nonnull(d);
		for (int n = 0; n < 1 + 9999 * i; n++)
			dump_put(d, 0, "0123", 4, 4);
		ck_assert(!dump_close(d, err));
		ck_assert_str_eq(
			err, "/dev/full: could not be written whole: No space left on device");
	}
	ck_assert_int_ne(access("/dev/full.part", F_OK), 0);
	ck_assert_int_eq(lstat("/dev/full", &st), 0);
	ck_assert(S_ISCHR(st.st_mode));
}
END_TEST

/* A link stays a link, and what it points to is replaced; one to nothing is refused. */
START_TEST(links)
{
	char name[80];
	struct dump *d;
	struct stat st;

	snprintf(name, sizeof name, "%s.link", path);
	ck_assert_int_eq(symlink(path, name), 0);
	d = dump_open(name, DUMP_ETHERNET, err);
	ck_assert_ptr_nonnull(d);
	ck_assert(dump_close(d, err));
	ck_assert_int_eq(lstat(name, &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert_int_eq(st.st_size, 24);
	unlink(path);
	ck_assert_ptr_null(dump_open(name, DUMP_ETHERNET, err));
	ck_assert_ptr_nonnull(strstr(err, ".link: No such file or directory"));
	unlink(name);
}
END_TEST

START_TEST(a_pipe)
{
	char octets[64];
	struct dump *d;
	struct stat st;
	int fd;

	unlink(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	fd = open(path, O_RDWR);
	d = dump_open(path, DUMP_ETHERNET, err);
	ck_assert_ptr_nonnull(d);
	dump_put(d, 0, "0123", 4, 4);
	ck_assert(dump_close(d, err));
	ck_assert_int_eq(read(fd, octets, sizeof octets), 24 + 16 + 4);
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert(S_ISFIFO(st.st_mode));
	close(fd);
}
END_TEST

/* Asked before a long work: the answer is place_open's, and nothing is left or touched. */
START_TEST(checked)
{
	char name[80], dir[] = "/tmp/dump_test_dir.XXXXXX";
	struct stat st;

	ck_assert_int_eq(truncate(path, 7), 0);
	ck_assert(place_check(path, err) && place_check("-", err) && place_check("/dev/full", err));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_size, 7);
	ck_assert_int_ne(access(part, F_OK), 0);
	snprintf(name, sizeof name, "%s.new", path);
	ck_assert(place_check(name, err));
	ck_assert_int_ne(access(name, F_OK), 0);
	ck_assert_int_eq(close(open(part, O_CREAT | O_WRONLY, 0600)), 0);
	ck_assert(place_check(path, err)); /* somebody else's, or an earlier one's: it stays */
	ck_assert_int_eq(access(part, F_OK), 0);
	ck_assert(!place_check("/nowhere/x", err));
	ck_assert_str_eq(err, "/nowhere/x: No such file or directory");
	ck_assert(!place_check("", err));
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert(!place_check(dir, err));
	ck_assert_ptr_nonnull(strstr(err, ": Is a directory"));
	ck_assert_int_eq(rmdir(dir), 0);
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
	tcase_add_test(tc, links);
	tcase_add_test(tc, a_pipe);
	tcase_add_test(tc, checked);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
