/* SPDX-License-Identifier: BSD-2-Clause */
/* Links in memory: order, stamps, limits, a partner that is gone. Interfaces: lab_test.c. */
#include "harness/link/link.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(order_and_stamps)
{
	struct link *e[2];
	struct link_frame f;

	ck_assert(link_pair(e));
	ck_assert_int_eq(link_fd(e[0]), -1);
	ck_assert_int_eq(link_next(e[1], &f), 0);
	ck_assert(link_send_at(e[0], "one", 3, 10));
	ck_assert(link_send_at(e[0], "three", 5, 20));
	ck_assert(link_send_at(e[1], "back", 4, 30));
	ck_assert_int_eq(link_next(e[1], &f), 1);
	ck_assert(f.len == 3 && f.at == 10 && memcmp(f.bytes, "one", 3) == 0);
	ck_assert_int_eq(link_next(e[1], &f), 1);
	ck_assert(f.len == 5 && f.at == 20);
	ck_assert_int_eq(link_next(e[1], &f), 0);
	ck_assert(link_send_at(e[0], "more", 4, 40));
	ck_assert_int_eq(link_next(e[1], &f), 1);
	ck_assert_int_eq(link_next(e[0], &f), 1);
	ck_assert(f.len == 4 && f.at == 30);
	ck_assert_uint_eq(link_dropped(e[0]), 0);
	link_close(e[0]);
	link_close(e[1]);
}
END_TEST

START_TEST(limits)
{
	static const uint8_t big[LINK_FRAME_MAX + 1];
	struct link *e[2];

	ck_assert(link_pair(e));
	ck_assert(!link_send(e[0], big, 0));
	ck_assert(link_send(e[0], big, LINK_FRAME_MAX));
	ck_assert(!link_send(e[0], big, LINK_FRAME_MAX + 1));
	link_close(e[1]);
	ck_assert(!link_send(e[0], big, 60));
	link_close(e[0]);
	link_close(NULL);
}
END_TEST

START_TEST(no_such_interface)
{
	char err[LINK_ERR] = "";

	ck_assert_ptr_null(link_open("nosuchif0", err));
	ck_assert_ptr_nonnull(strstr(err, "nosuchif0"));
	err[0] = '\0';
	ck_assert(!link_plain("nosuchif0", err));
	ck_assert_ptr_nonnull(strstr(err, "nosuchif0"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("link");
	TCase *t = tcase_create("memory");
	SRunner *r;
	int failed;

	tcase_add_test(t, order_and_stamps);
	tcase_add_test(t, limits);
	tcase_add_test(t, no_such_interface);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
