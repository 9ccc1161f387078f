/* SPDX-License-Identifier: BSD-2-Clause */
/* Batches: order, calls that take a part, and what the kernel refuses. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ref/sys/batch.h"

static struct batch b;

/* A kernel: what it took, and what it shall say to the packet with a given first octet. */
static struct {
	uint8_t took[1024];
	int fd[1024];
	unsigned took_cnt, calls, at_once;
	int refuse[256]; /* errno */
	int interrupt;	 /* so many calls are interrupted first */
} kernel;

static int
fake_send(int fd, struct mmsghdr *m, unsigned cnt, int flags)
{
	unsigned n = 0;

	ck_assert_int_eq(flags, MSG_DONTWAIT);
	kernel.calls++;
	if (kernel.interrupt) {
		kernel.interrupt--;
		errno = EINTR;
		return -1;
	}
	for (; n < cnt && n < kernel.at_once; n++) {
		const struct iovec *v = m[n].msg_hdr.msg_iov;
		uint8_t first = *(const uint8_t *)v->iov_base;

		if (kernel.refuse[first]) {
			errno = kernel.refuse[first];
			break;
		}
		kernel.fd[kernel.took_cnt] = fd;
		kernel.took[kernel.took_cnt++] = first;
	}
	return n ? (int)n : -1;
}

static void
setup(void)
{
	memset(&kernel, 0, sizeof kernel);
	kernel.at_once = 1000;
	batch_init(&b);
	b.send = fake_send;
}

static void
add(int fd, uint8_t first)
{
	uint8_t packet[100] = {first};

	batch_add(&b, fd, IP4(192, 0, 2, 1), packet, sizeof packet);
}

START_TEST(in_order_in_one_call)
{
	setup();
	for (unsigned i = 0; i < 10; i++)
		add(5, (uint8_t)i);
	ck_assert_uint_eq(kernel.calls, 0);
	batch_send(&b);
	ck_assert_uint_eq(kernel.calls, 1);
	ck_assert_uint_eq(kernel.took_cnt, 10);
	for (unsigned i = 0; i < 10; i++)
		ck_assert_uint_eq(kernel.took[i], i);
	batch_send(&b); /* nothing is left */
	ck_assert_uint_eq(kernel.calls, 1);
	ck_assert_uint_eq(b.sent, 10);
}
END_TEST

START_TEST(full_or_for_another_socket)
{
	setup();
	for (unsigned i = 0; i < BATCH_MAX + 3; i++)
		add(5, (uint8_t)i);
	ck_assert_uint_eq(kernel.took_cnt, BATCH_MAX);
	add(6, 200); /* overtakes nothing */
	ck_assert_uint_eq(kernel.took_cnt, BATCH_MAX + 3);
	batch_send(&b);
	ck_assert_uint_eq(kernel.took_cnt, BATCH_MAX + 4);
	for (unsigned i = 0; i < BATCH_MAX + 4; i++)
		ck_assert_int_eq(kernel.fd[i], i < BATCH_MAX + 3 ? 5 : 6);
}
END_TEST

START_TEST(no_room_for_the_octets)
{
	static uint8_t packet[9000];
	unsigned fit = BATCH_ROOM / sizeof packet;

	setup();
	for (unsigned i = 0; i <= fit; i++) {
		packet[0] = (uint8_t)i;
		batch_add(&b, 5, 1, packet, sizeof packet);
	}
	ck_assert_uint_eq(kernel.took_cnt, fit);
	batch_send(&b);
	ck_assert_uint_eq(kernel.took_cnt, fit + 1);
	for (unsigned i = 0; i <= fit; i++)
		ck_assert_uint_eq(kernel.took[i], i);
}
END_TEST

START_TEST(calls_that_take_a_part)
{
	setup();
	kernel.at_once = 3;
	kernel.interrupt = 2;
	for (unsigned i = 0; i < 10; i++)
		add(5, (uint8_t)i);
	batch_send(&b);
	ck_assert_uint_eq(kernel.calls, 2 + 4);
	ck_assert_uint_eq(kernel.took_cnt, 10);
	ck_assert_uint_eq(batch_dropped(&b), 0);
	for (unsigned i = 0; i < 10; i++)
		ck_assert_uint_eq(kernel.took[i], i);
}
END_TEST

static const struct {
	int error;
	enum batch_drop drop;
} refusals[] = {{EAGAIN, BATCH_NO_ROOM}, {ENOBUFS, BATCH_NO_ROOM}, {ENOMEM, BATCH_NO_ROOM},
	{ENETUNREACH, BATCH_NO_ROUTE}, {EHOSTUNREACH, BATCH_NO_ROUTE}, {ENETDOWN, BATCH_DOWN},
	{EMSGSIZE, BATCH_TOO_LONG}, {EPERM, BATCH_REFUSED}};

/* First, in the middle, last: that one is counted, and all others go. */
START_TEST(what_the_kernel_refuses)
{
	for (unsigned at = 0; at < 10; at++) {
		setup();
		kernel.refuse[at] = refusals[_i].error;
		for (unsigned i = 0; i < 10; i++)
			add(5, (uint8_t)i);
		batch_send(&b);
		ck_assert_uint_eq(kernel.took_cnt, 9);
		ck_assert_uint_eq(b.sent, 9);
		ck_assert_uint_eq(b.dropped[refusals[_i].drop], 1);
		ck_assert_uint_eq(batch_dropped(&b), 1);
		for (unsigned i = 0; i < 9; i++)
			ck_assert_uint_eq(kernel.took[i], i < at ? i : i + 1);
	}
}
END_TEST

START_TEST(nowhere_to_go)
{
	static uint8_t packet[BATCH_ROOM + 1];

	setup();
	add(-1, 0);
	batch_add(&b, 5, 1, packet, sizeof packet);
	batch_send(&b);
	ck_assert_uint_eq(kernel.calls, 0);
	ck_assert_uint_eq(b.dropped[BATCH_DOWN], 1);
	ck_assert_uint_eq(b.dropped[BATCH_TOO_LONG], 1);
	batch_counts_clear(&b);
	ck_assert_uint_eq(batch_dropped(&b), 0);
}
END_TEST

/* The real call, to a UDP socket on loopback: addresses and lengths are what was given. */
START_TEST(a_real_socket)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int to = socket(AF_INET, SOCK_DGRAM, 0), from = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = sizeof at;
	uint8_t got[100];

	ck_assert(to >= 0 && from >= 0 && bind(to, (struct sockaddr *)&at, sizeof at) == 0 &&
		  getsockname(to, (struct sockaddr *)&at, &len) == 0);
	batch_init(&b);
	for (unsigned i = 0; i < BATCH_MAX; i++)
		b.to[i].sin_port = at.sin_port;
	for (uint8_t i = 1; i < 50; i++) {
		uint8_t packet[50] = {i};

		batch_add(&b, from, INADDR_LOOPBACK, packet, i);
	}
	batch_send(&b);
	ck_assert_uint_eq(b.sent, 49);
	ck_assert_uint_eq(b.calls, 1);
	for (uint8_t i = 1; i < 50; i++) {
		ck_assert_int_eq(recv(to, got, sizeof got, MSG_DONTWAIT), i);
		ck_assert_uint_eq(got[0], i);
	}
	(void)close(to);
	(void)close(from);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("batch");
	TCase *t = tcase_create("batch");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, t);
	tcase_add_test(t, in_order_in_one_call);
	tcase_add_test(t, full_or_for_another_socket);
	tcase_add_test(t, no_room_for_the_octets);
	tcase_add_test(t, calls_that_take_a_part);
	tcase_add_loop_test(t, what_the_kernel_refuses, 0, sizeof refusals / sizeof refusals[0]);
	tcase_add_test(t, nowhere_to_go);
	tcase_add_test(t, a_real_socket);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
