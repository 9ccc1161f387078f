/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A farm against a farm, back to back: a thousand pairs of peers, each its own tunnel; traffic on
 * all; memory in bounds.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/peer/farm.h"

#define MANY 1000

struct flight {
	struct flight *next;
	int to;
	size_t len;
	uint8_t bytes[];
};

static struct {
	struct farm *f[2];
	struct keyring ring;
	struct flight *head, **tail;
	ns_t now;
	size_t frames;
} wire;

static int side[2] = {0, 1};

static void
wire_out(void *ctx, ns_t now, const uint8_t *frame, size_t len)
{
	struct flight *t = malloc(sizeof *t + len);

	(void)now;
	*t = (struct flight){.to = !*(int *)ctx, .len = len};
	memcpy(t->bytes, frame, len);
	*wire.tail = t;
	wire.tail = &t->next;
	wire.frames++;
}

static void
plan(void *ctx, size_t n, struct peer_cfg *c)
{
	ip4_t own = IP4(172, 16 + (ip4_t) * (int *)ctx, 0, 1) + (ip4_t)n,
	      far = IP4(172, 17 - (ip4_t) * (int *)ctx, 0, 1) + (ip4_t)n;

	*c = (struct peer_cfg){
		.net = {.mac = {{2, 0, 0, 0, 0, (uint8_t)(1 + *(int *)ctx)}},
			.addr = own,
			.prefix_len = 8},
		.remote = far,
		.psk = "correct horse",
		.psk_len = 13,
		.ike = {{KEYPRIM_AES, 128, KEYPRIM_SHA256, 19}},
		.ike_cnt = 1,
		.local = {{IP4(10, 0, 0, 0) + own % 65536 + (*(int *)ctx ? 65536 : 0), 32}, 0, 0},
		.far = {{IP4(10, 0, 0, 0) + far % 65536 + (*(int *)ctx ? 0 : 65536), 32}, 0, 0},
	};
	c->inner = c->local.net.addr;
}

static void
run(ns_t until)
{
	for (;;) {
		ns_t next = ns_min(farm_deadline(wire.f[0]), farm_deadline(wire.f[1]));
		struct flight *t = wire.head;

		if (t) {
			wire.head = t->next;
			if (!wire.head)
				wire.tail = &wire.head;
			farm_frame(wire.f[t->to], wire.now, t->bytes, t->len);
			free(t);
			continue;
		}
		if (next > until)
			break;
		wire.now = next > wire.now ? next : wire.now;
		farm_tick(wire.f[0], wire.now);
		farm_tick(wire.f[1], wire.now);
	}
	wire.now = until;
}

static long
resident_kb(void)
{
	char line[256];
	long kb = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof line, f))
		if (!strncmp(line, "VmRSS:", 6))
			kb = strtol(line + 6, NULL, 10);
	if (f)
		fclose(f);
	return kb;
}

START_TEST(a_thousand)
{
	long before = resident_kb(), after;
	struct farm_sum a, b;

	wire.tail = &wire.head;
	wire.now = NS_PER_S;
	keyring_init(&wire.ring);
	for (int i = 0; i < 2; i++)
		wire.f[i] = farm_new(MANY, plan, &side[i], NULL, 9 + (uint64_t)i,
			i ? NULL : &wire.ring, wire_out, &side[i]);
	farm_bring_up(wire.f[0], wire.now, 32);
	run(2 * NS_PER_S);
	a = farm_sum(wire.f[0]);
	b = farm_sum(wire.f[1]);
	ck_assert_uint_eq(a.up, MANY);
	ck_assert_uint_eq(b.up, MANY);
	ck_assert_uint_eq(a.phase1_up + a.phase2_up, 2 * MANY);
	ck_assert_uint_eq(a.ike_refused + a.ike_retransmits + b.ike_refused, 0);
	/* The host behind peer 0 of the other side: all but one are outside its proxies. */
	farm_ping(wire.f[0], wire.now, IP4(10, 1, 0, 1), 10 * NS_PER_US);
	run(3 * NS_PER_S);
	a = farm_sum(wire.f[0]);
	b = farm_sum(wire.f[1]);
	ck_assert_uint_eq(a.pings, MANY);
	ck_assert_uint_eq(b.esp_in, MANY);
	ck_assert_uint_eq(a.replies, 1);
	ck_assert_uint_eq(farm_silent(wire.f[0]), MANY - 1);
	ck_assert_uint_eq(farm_up(wire.f[1]), MANY);
	ck_assert_uint_eq(b.replays + b.bad_icv + b.unknown_spi, 0);
	after = resident_kb();
	printf("a tunnel takes %ld kB on each side\n", (after - before) / MANY / 2);
#ifndef __SANITIZE_ADDRESS__
	ck_assert_int_lt((after - before) / MANY / 2, 150);
#endif
	for (int i = 0; i < 2; i++)
		farm_free(wire.f[i]);
	keyring_free(&wire.ring);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("farm");
	TCase *t = tcase_create("farm");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_test(t, a_thousand);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
