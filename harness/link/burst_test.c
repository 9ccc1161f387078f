/* SPDX-License-Identifier: BSD-2-Clause */
/* Fast sending and counting, over a veth of an enclosure's own. */
#include "harness/link/burst.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/lab/enclosed_test.h"

#define MANY 20000

static char err[BURST_ERR];

START_TEST(all_arrive)
{
	static struct burst_frame frames[MANY];
	static uint8_t bytes[200];
	struct tally *guard = tally_open("b1", MANY, err);
	struct burst *b = burst_open("b0", err);
	struct tally *t;

	ck_assert_msg(guard && b, "%s", err);
	memset(bytes, 0xff, 6);
	bytes[6] = 2;
	frames[0] = (struct burst_frame){bytes, 60};
	ck_assert(burst_send(b, frames, 1));
	ck_assert_uint_eq(tally_read(guard, 100), 1); /* now stamps are made */
	t = tally_open("b1", MANY, err);
	ck_assert_msg(t, "%s", err);
	for (size_t i = 0; i < MANY; i++)
		frames[i] = (struct burst_frame){bytes, 60 + i % 100};
	ck_assert(burst_send(b, frames, MANY));
	ck_assert_uint_eq(burst_counters(b)->sent, MANY + 1);
	ck_assert_uint_eq(tally_read(t, 200), MANY);
	ck_assert_uint_eq(tally_octets(t), burst_counters(b)->octets - 60);
	ck_assert_uint_eq(tally_lost(t), 0);
	ck_assert_int_gt(tally_span(t), 0);
	ck_assert_int_lt(tally_span(t), 60000000000);
	burst_close(b);
	tally_close(t);
	tally_close(guard);
}
END_TEST

/* A buffer for a few, filled with many: what was lost is told, and nothing is counted twice. */
START_TEST(loss_is_told)
{
	static struct burst_frame frames[MANY];
	static uint8_t bytes[100];
	struct tally *t = tally_open("b1", 4, err);
	struct burst *b = burst_open("b0", err);
	uint64_t came;

	ck_assert(t && b);
	memset(bytes, 0xff, 6);
	for (size_t i = 0; i < MANY; i++)
		frames[i] = (struct burst_frame){bytes, 100};
	ck_assert(burst_send(b, frames, MANY));
	came = tally_read(t, 100);
	ck_assert_uint_lt(came, MANY);
	ck_assert_uint_eq(came + tally_lost(t), MANY);
	burst_close(b);
	tally_close(t);
}
END_TEST

START_TEST(refused)
{
	static uint8_t bytes[4000];
	struct burst_frame frames[3] = {{bytes, 60}, {bytes, 4000}, {bytes, 60}};
	struct burst *b = burst_open("b0", err);

	ck_assert(b);
	ck_assert(!burst_send(b, frames, 3));
	ck_assert_uint_eq(burst_counters(b)->sent, 2);
	ck_assert_uint_eq(burst_counters(b)->refused, 1);
	ck_assert_int_eq(burst_counters(b)->last_refusal, EMSGSIZE);
	burst_close(b);
	ck_assert_ptr_null(burst_open("nothere", err));
	ck_assert_str_eq(err, "nothere: No such device");
	ck_assert_ptr_null(tally_open("nothere", 1, err));
	burst_close(NULL);
	tally_close(NULL);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("burst");
	TCase *tc = tcase_create("burst");

	if (system("ip link add b0 type veth peer name b1 && ip link set b0 up && ip link set b1 "
		   "up && "
		   "sysctl -qw net.ipv6.conf.b0.disable_ipv6=1 net.ipv6.conf.b1.disable_ipv6=1") !=
		0)
		abort();
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, all_arrive);
	tcase_add_test(tc, loss_is_told);
	tcase_add_test(tc, refused);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return enclosed_main(suite, "burst");
}
