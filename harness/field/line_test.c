/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness/field/line.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/field/field.h"

static const struct {
	const char *layers;
	struct field_set sets[8];
	size_t cnt;
	const char *line;
} rows[] = {
	{"eth/ipv4/udp/hsrp",
		{SET("ip.src", IP4(172, 16, 31, 1)), SET("hsrp.state", 16), SET("hsrp.group", 1),
			SET("hsrp.priority", 100), SET("hsrp.vip", IP4(172, 16, 31, 100))},
		5,
		"HSRP Hello 172.16.31.1 group 1 Active priority 100 hello 3 hold 10 virtual "
		"172.16.31.100"},
	{"eth/arp",
		{SET("arp.op", 1), SET("arp.spa", IP4(10, 0, 0, 1)), SET("arp.tpa", IP4(10, 0, 0, 2))},
		3, "ARP who has 10.0.0.2? asks 10.0.0.1 is at 02:00:00:00:00:01"},
	{"eth/arp",
		{SET("arp.op", 2), SET("arp.spa", IP4(10, 0, 0, 1)), SET("arp.tpa", IP4(10, 0, 0, 1))},
		3, "ARP gratuitous, 10.0.0.1 is at 02:00:00:00:00:01"},
	{"eth/ipv4/esp",
		{SET("ip.src", IP4(1, 2, 3, 4)), SET("ip.dst", IP4(5, 6, 7, 8)),
			SET("esp.spi", 0x12345678), SET("esp.seq", 17),
			SET_BYTES("esp.data", "0123456789abcdef", 16)},
		5, "ESP 1.2.3.4 > 5.6.7.8 SPI 0x12345678 number 17, 24 octets"},
};

START_TEST(lines)
{
	uint8_t frame[512];
	char line[LINE_CAP];
	struct why why = {0};
	size_t n = field_build(frame, sizeof(frame), rows[_i].layers, rows[_i].sets, rows[_i].cnt,
		&why);

	ck_assert_msg(n > 0, "%s", why.field ? why.field : "?");
	ck_assert_str_eq(line_frame(frame, n, line, sizeof(line)), rows[_i].line);
}
END_TEST

/* However short the frame or the room for the line, nothing is read or written outside. */
START_TEST(short_of_all)
{
	uint8_t frame[512];
	char line[LINE_CAP];
	struct why why;
	size_t n = field_build(
		frame, sizeof(frame), rows[0].layers, rows[0].sets, rows[0].cnt, &why);

	for (size_t len = 0; len <= n; len++) {
		uint8_t *exact = malloc(len ? len : 1);

		memcpy(exact, frame, len);
		line_frame(exact, len, line, sizeof(line));
		ck_assert_msg(len == n || strncmp(line, "HSRP Hello", 10) != 0, "%zu: %s", len, line);
		free(exact);
	}
	for (size_t cap = 1; cap < 80; cap++) {
		char *room = malloc(cap);

		ck_assert_uint_lt(strlen(line_frame(frame, n, room, cap)), cap);
		free(room);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("line");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, lines, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(t, short_of_all);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
