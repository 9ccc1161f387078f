/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_SYNC_MATE_TEST_H
#define BATON_SYNC_MATE_TEST_H

/*
 * Two scripted members joined back to back under a simulated clock: what each says the other
 * understands, and each thing that can be made wrong is seen to be wrong. A frame takes 1 ms. For
 * the tests beside, each a program of its own.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "harness/sync/mate.h"

#define US IP4(10, 255, 0, 1)
#define THEM IP4(10, 255, 0, 2)
#define FLIGHTS 4096

static struct {
	struct {
		ns_t at;
		int to;
		size_t len;
		uint8_t bytes[1600];
	} f[FLIGHTS];
	size_t first, cnt; /* a ring: all take the same time, so they arrive in order */
	struct mate *m[2];
	ns_t now;
	unsigned lose; /* every so manieth frame; 0 none */
	unsigned frames;
} net;

static int ends[2] = {0, 1};

static inline void
carry(void *ctx, ns_t now, const uint8_t *frame, size_t len)
{
	size_t i = (net.first + net.cnt) % FLIGHTS;

	if (net.lose && ++net.frames % net.lose == 0)
		return;
	ck_assert_uint_lt(net.cnt, FLIGHTS);
	ck_assert_uint_le(len, sizeof net.f[i].bytes);
	net.f[i].at = now + NS_PER_MS;
	net.f[i].to = !*(int *)ctx;
	net.f[i].len = len;
	memcpy(net.f[i].bytes, frame, len);
	net.cnt++;
}

static inline void
pass(ns_t span)
{
	ns_t until = net.now + span;

	for (;;) {
		ns_t due = ns_min(mate_deadline(net.m[0]), mate_deadline(net.m[1]));

		if (net.cnt)
			due = ns_min(due, net.f[net.first].at);
		if (due > until)
			break;
		net.now = due > net.now ? due : net.now;
		if (net.cnt && net.f[net.first].at <= net.now) {
			size_t i = net.first;

			net.first = (net.first + 1) % FLIGHTS;
			net.cnt--;
			mate_frame(net.m[net.f[i].to], net.now, net.f[i].bytes, net.f[i].len);
		}
		for (int i = 0; i < 2; i++)
			if (mate_deadline(net.m[i]) <= net.now)
				mate_tick(net.m[i], net.now);
	}
	net.now = until;
}

/* 0 calls and is active, 1 listens and is standby. */
static inline void
start(void)
{
	memset(&net, 0, sizeof net);
	net.now = NS_PER_S;
	for (int i = 0; i < 2; i++) {
		struct mate_cfg c = {
			.net = {.mac = {{2, 0, 0, 0, 0, (uint8_t)(i + 1)}},
				.addr = i ? THEM : US,
				.prefix_len = 24},
			.remote = i ? US : THEM,
			.group = 100,
			.key = "0123456789abcdef0123456789abcdef",
			.key_len = 32,
			.role = i ? MATE_STANDBY : MATE_ACTIVE,
			.calls = !i,
		};

		net.m[i] = mate_new(&c, (uint64_t)(40 + i), NULL, carry, &ends[i]);
	}
}

static inline void
stop(void)
{
	mate_free(net.m[0]);
	mate_free(net.m[1]);
}

static inline void
offer_dpd(uint32_t number)
{
	const struct field_set sets[] = {SET("ssp.dpd.sent", number)};
	uint8_t b[256];
	size_t len = mate_build(b, sizeof b, MATE_DPD, "ssp/ssp.cookies/ssp.dpd", sets, 1);

	ck_assert_uint_gt(len, 0);
	mate_offer(net.m[0], b, len);
}

static inline size_t
up(void)
{
	size_t c = mate_call(net.m[0], net.now);

	pass(200 * NS_PER_MS);
	ck_assert(mate_alive(net.m[0], c));
	ck_assert(mate_alive(net.m[1], c));
	return c;
}

#endif
