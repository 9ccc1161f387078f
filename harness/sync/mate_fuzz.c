/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two things must hold whatever comes: a scripted member that is sent any octets as SSP (in clear,
 * so that they arrive), and one TCP connection that gets any segments.
 */
#include <assert.h>
#include <string.h>

#include "harness/sync/mate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mate *m[2];
static int side[2] = {0, 1};

#define FLIGHTS 64
static struct {
	int to;
	size_t len;
	uint8_t bytes[1600];
} flight[FLIGHTS];
static size_t flights;

static void
out(void *ctx, ns_t at, const uint8_t *frame, size_t len)
{
	(void)at;
	assert(len <= sizeof flight[0].bytes);
	if (flights == FLIGHTS)
		return;
	flight[flights].to = !*(int *)ctx;
	flight[flights].len = len;
	memcpy(flight[flights++].bytes, frame, len);
}

/* Last in, first out: segments overtake each other, too. */
static void
deliver(ns_t now)
{
	for (int n = 0; flights && n < 500; n++) {
		size_t i = --flights;
		uint8_t bytes[1600];

		memcpy(bytes, flight[i].bytes, flight[i].len);
		mate_frame(m[flight[i].to], now, bytes, flight[i].len);
	}
}

static struct mate *
begin(int i, uint8_t how)
{
	const struct mate_cfg c = {
		.net = {.mac = {{2, 0, 0, 0, 0, (uint8_t)(i + 1)}},
			.addr = IP4(192, 0, 2, 1 + i),
			.prefix_len = 24},
		.remote = IP4(192, 0, 2, 2 - i),
		.group = 1,
		.key_len = 32,
		.role = how & 2 ? MATE_ACTIVE : MATE_STANDBY,
		.calls = !i,
	};
	struct mate *x = mate_new(&c, 3, NULL, out, &side[i]);

	if (x)
		mate_wrong(x)->tls = MATE_TLS_CLEAR;
	return x;
}

static void
as_messages(uint8_t how, const uint8_t *data, size_t size)
{
	ns_t now = NS_PER_S;
	size_t c;

	for (int i = 0; i < 2; i++)
		m[i] = begin(i, how);
	flights = 0;
	c = mate_call(m[0], now);
	mate_wire(m[0], now, c, data, size);
	deliver(now);
	for (int n = 0; n < 6; n++) {
		now += 300 * NS_PER_MS;
		for (int i = 0; i < 2; i++)
			mate_tick(m[i], now);
		deliver(now);
	}
	for (int i = 0; i < 2; i++)
		mate_free(m[i]);
	m[0] = m[1] = NULL;
}

static void
nowhere(void *ctx, ns_t now, const uint8_t *ip, size_t len)
{
	struct pkt p;

	(void)ctx, (void)now;
	assert(pkt_parse_ip(&p, ip, len) && p.is_tcp);
}

/* Five octets a segment: where it stands, flags, window, and how much data. */
static void
as_segments(uint8_t how, const uint8_t *data, size_t size)
{
	static const uint8_t filler[1460];
	static struct stcp t;
	uint8_t taken[100];
	struct pkt p = {.is_tcp = true, .src = 2, .dst = 1, .sport = 9, .dport = 8};
	uint8_t head[20] = {0};
	ns_t now = NS_PER_S;

	stcp_init(&t, 1, 8, 2, 9, nowhere, NULL);
	p.l4 = head;
	p.data = filler;
	if (how & 2)
		stcp_call(&t, now, 0xfffffff0u);
	else
		stcp_answer(&t, now, &p, 0xfffffff0u);
	for (; size >= 5; data += 5, size -= 5) {
		p.tcp_seq = t.rcv + (uint32_t)(int8_t)data[0];
		p.tcp_ack = t.nxt + (uint32_t)(int8_t)(data[1] & 0xfc);
		p.tcp_flags = data[2];
		head[15] = data[3];
		p.data_len = data[4] * 5u;
		stcp_segment(&t, now, &p);
		stcp_write(&t, now, filler, data[3]);
		if (data[4] & 1)
			(void)stcp_read(&t, now, taken, sizeof taken);
		if (data[1] == 255)
			stcp_finish(&t, now);
		now += (data[1] & 3) * 100 * NS_PER_MS;
		stcp_tick(&t, now);
		assert(t.in_len <= STCP_ROOM);
	}
	stcp_free(&t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > 5000)
		return 0;
	if (data[0] & 1)
		as_segments(data[0], data + 1, size - 1);
	else
		as_messages(data[0], data + 1, size - 1);
	return 0;
}
