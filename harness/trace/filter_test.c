/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness/trace/filter.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "harness/field/field.h"

static uint8_t frame[256];
static char err[FILTER_ERR];

static size_t
build(const char *layers)
{
	struct why why = {0};
	size_t len = field_build(frame, sizeof frame, layers, NULL, 0, &why);

	ck_assert_uint_gt(len, 0);
	return len;
}

START_TEST(passes)
{
	struct filter *f = filter_new("udp port 1985", err);
	size_t len;

	ck_assert_ptr_nonnull(f);
	len = build("eth/ipv4/udp/hsrp");
	ck_assert(filter_passes(f, 1, frame, len, len));
	ck_assert(!filter_passes(f, 1, frame, 30, len));
	len = build("eth/arp");
	ck_assert(!filter_passes(f, 1, frame, len, len));
	len = build("ipv4/udp/hsrp");
	ck_assert(filter_passes(f, 101, frame, len, len));
	len = build("sll/ipv4/udp/hsrp");
	ck_assert(filter_passes(f, 113, frame, len, len));
	filter_free(f);
}
END_TEST

/* What has no meaning on a link passes nothing there; kinds without end are no harm. */
START_TEST(other_links)
{
	struct filter *f = filter_new("ether host 02:00:00:00:00:01", err);
	size_t len = build("eth/arp");

	ck_assert(filter_passes(f, 1, frame, len, len));
	ck_assert(!filter_passes(f, 101, frame, len, len));
	for (unsigned link = 200; link < 240; link++)
		ck_assert(!filter_passes(f, link, frame, len, len));
	ck_assert(filter_passes(f, 1, frame, len, len));
	filter_free(f);
}
END_TEST

START_TEST(refused)
{
	ck_assert_ptr_null(filter_new("udp prot 5", err));
	ck_assert_msg(strstr(err, "filter 'udp prot 5': ") != NULL, "%s", err);
	filter_free(NULL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("filter");
	TCase *tc = tcase_create("filter");
	SRunner *sr;
	int failed;

	tcase_add_test(tc, passes);
	tcase_add_test(tc, other_links);
	tcase_add_test(tc, refused);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
