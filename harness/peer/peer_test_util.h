/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_PEER_PEER_TEST_UTIL_H
#define BATON_PEER_PEER_TEST_UTIL_H

/*
 * Two peers joined back to back under a simulated clock, for the unit tests of this folder. A frame
 * takes 1 ms. A test may look at each frame and lose it (`lose`). Everything is static: a program
 * has one wire.
 */
#include <check.h>
#include <string.h>

#include "harness/field/pkt.h"
#include "harness/peer/natbox.h"
#include "harness/peer/peer.h"

#define WIRE_MAX 512

struct flight {
	ns_t at;
	int to;
	size_t len;
	uint8_t bytes[2048];
};

static struct wire {
	struct peer *p[2];
	struct natbox *nat; /* NULL, or between peer 0 and the wire */
	struct keyring ring[2];
	ns_t now;
	struct flight f[WIRE_MAX];
	size_t cnt;
	bool (*lose)(int from, const uint8_t *frame, size_t len);
	uint32_t frames;
	struct flight last[2]; /* the last ESP or IKE frame of each side */
} wire;

static int wire_side[2] = {0, 1};

static inline void
wire_into_nat(void *ctx, ns_t now, const uint8_t *frame, size_t len)
{
	(void)ctx;
	natbox_from_inside(wire.nat, now, frame, len);
}

static inline void
wire_out_of_nat(void *ctx, ns_t now, const uint8_t *frame, size_t len)
{
	(void)ctx;
	peer_frame(wire.p[0], now, frame, len);
}

static void
wire_send(void *ctx, ns_t now, const uint8_t *frame, size_t len)
{
	int from = *(int *)ctx;
	struct flight *f = &wire.f[wire.cnt];
	struct pkt k;

	ck_assert_uint_lt(wire.cnt, WIRE_MAX);
	ck_assert_uint_le(len, 1514);
	ck_assert_msg(pkt_parse(&k, frame, len), "malformed: %s", k.bad);
	wire.frames++;
	if (wire.lose && wire.lose(from, frame, len))
		return;
	f->at = now + NS_PER_MS;
	f->to = !from;
	f->len = len;
	memcpy(f->bytes, frame, len);
	if (k.is_ip)
		wire.last[from] = *f;
	wire.cnt++;
}

static void
wire_deliver(size_t i)
{
	static struct flight f;

	f = wire.f[i];
	memmove(&wire.f[i], &wire.f[i + 1], (wire.cnt - i - 1) * sizeof f);
	wire.cnt--;
	if (wire.nat && !f.to)
		natbox_from_outside(wire.nat, wire.now, f.bytes, f.len);
	else
		peer_frame(wire.p[f.to], wire.now, f.bytes, f.len);
}

/* Let the simulated time go on to `until`. */
static void
wire_run(ns_t until)
{
	for (;;) {
		ns_t next = ns_min(peer_deadline(wire.p[0]), peer_deadline(wire.p[1]));

		if (wire.cnt)
			next = ns_min(next, wire.f[0].at);
		if (wire.nat)
			next = ns_min(next, natbox_deadline(wire.nat));
		if (next > until)
			break;
		wire.now = next > wire.now ? next : wire.now;
		if (wire.cnt && wire.f[0].at <= wire.now)
			wire_deliver(0);
		if (wire.nat && natbox_deadline(wire.nat) <= wire.now)
			natbox_tick(wire.nat, wire.now);
		for (int i = 0; i < 2; i++)
			if (peer_deadline(wire.p[i]) <= wire.now)
				peer_tick(wire.p[i], wire.now);
	}
	wire.now = until;
}

static void
wire_for_ms(int64_t ms)
{
	wire_run(wire.now + ns_from_ms(ms));
}

static struct peer_cfg
wire_cfg(int side)
{
	struct peer_cfg c = {
		.net = {.mac = {{2, 0, 0, 0, 0, (uint8_t)(1 + side)}},
			.addr = IP4(192, 0, 2, 1 + side),
			.prefix_len = 24},
		.remote = IP4(192, 0, 2, 2 - side),
		.psk = "correct horse battery staple",
		.psk_len = 28,
		.local = {{IP4(10, (ip4_t)(1 + side), 0, 0), 24}, 0, 0},
		.far = {{IP4(10, (ip4_t)(2 - side), 0, 0), 24}, 0, 0},
		.inner = IP4(10, (ip4_t)(1 + side), 0, 9),
	};

	return c;
}

static void
wire_start(const struct peer_cfg *a, const struct peer_cfg *b)
{
	memset(&wire, 0, sizeof wire);
	wire.now = ns_from_s(1);
	for (int i = 0; i < 2; i++) {
		keyring_init(&wire.ring[i]);
		wire.p[i] = peer_new(
			i ? b : a, 11u + (unsigned)i, &wire.ring[i], wire_send, &wire_side[i]);
	}
}

static void
wire_stop(void)
{
	natbox_free(wire.nat);
	for (int i = 0; i < 2; i++) {
		peer_free(wire.p[i]);
		keyring_free(&wire.ring[i]);
	}
}

/* Peer 0 behind a NAT: 192.168.77.2, seen as 192.0.2.1. */
static inline void
wire_start_nat(struct peer_cfg *a, struct peer_cfg *b, const struct natbox_cfg *more)
{
	struct natbox_cfg n = more ? *more : (struct natbox_cfg){.timeout = 0};

	n.outside = a->net;
	n.inside = (struct netif_cfg){
		.mac = {{2, 0, 0, 0, 1, 1}}, .addr = IP4(192, 168, 77, 1), .prefix_len = 24};
	a->net = (struct netif_cfg){.mac = {{2, 0, 0, 0, 1, 2}},
		.addr = IP4(192, 168, 77, 2),
		.prefix_len = 24,
		.gateway = IP4(192, 168, 77, 1)};
	b->remote_id = a->net.addr;
	memset(&wire, 0, sizeof wire);
	wire.now = ns_from_s(1);
	keyring_init(&wire.ring[0]);
	keyring_init(&wire.ring[1]);
	wire.p[0] = peer_new(a, 11, &wire.ring[0], wire_into_nat, NULL);
	wire.p[1] = peer_new(b, 12, &wire.ring[1], wire_send, &wire_side[1]);
	wire.nat = natbox_new(&n, 7, wire_send, &wire_side[0], wire_out_of_nat, NULL);
}

static inline void
wire_default(void)
{
	struct peer_cfg a = wire_cfg(0), b = wire_cfg(1);

	wire_start(&a, &b);
}

static inline void
wire_up(void)
{
	wire_default();
	peer_initiate(wire.p[0], wire.now);
	wire_for_ms(100);
	ck_assert(peer_is_up(wire.p[0]));
	ck_assert(peer_is_up(wire.p[1]));
}

/* Run one test case file's cases; the exit code of its program. */
static int
wire_main(TCase *t, const char *name)
{
	Suite *s = suite_create(name);
	SRunner *r;
	int failed;

	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}

#endif
