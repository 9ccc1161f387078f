/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any payloads, inside the encryption: two peers are up, one sends what the fuzzer made as an
 * informational exchange, a Quick Mode, an inner packet, and as bare messages; the other must hold.
 */
#include <stdlib.h>
#include <string.h>

#include "harness/peer/peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct peer *p[2];
static ns_t now;
static int side[2] = {0, 1}, depth;
static const uint8_t *bytes;
static size_t bytes_len;
static enum peer_kind target;

static void
out(void *ctx, ns_t at, const uint8_t *frame, size_t len)
{
	int to = !*(int *)ctx;

	if (++depth < 40 && p[to])
		peer_frame(p[to], at + NS_PER_MS, frame, len);
	depth--;
}

static size_t
edit(void *ctx, enum peer_kind kind, uint8_t *b, size_t len, size_t cap)
{
	(void)ctx;
	if (kind != target)
		return len;
	len = bytes_len < cap ? bytes_len : cap;
	memcpy(b, bytes, len);
	return len;
}

static struct peer *
start(int i)
{
	struct peer_cfg c = {.net = {.mac = {{2, 0, 0, 0, 0, (uint8_t)(1 + i)}},
				     .addr = IP4(192, 0, 2, 1 + i),
				     .prefix_len = 24},
		.remote = IP4(192, 0, 2, 2 - i),
		.psk = "key",
		.psk_len = 3,
		.local = {{IP4(10, (ip4_t)(1 + i), 0, 0), 24}, 0, 0},
		.far = {{IP4(10, (ip4_t)(2 - i), 0, 0), 24}, 0, 0},
		.inner = IP4(10, (ip4_t)(1 + i), 0, 9)};

	return peer_new(&c, (uint64_t)(5 + i), NULL, out, &side[i]);
}

static void
ask(enum peer_kind kind)
{
	target = kind;
	if (kind == PEER_ESP)
		peer_send_inner(p[0], now, 0, IP4(10, 2, 0, 9), 9, "x", 1);
	else
		peer_initiate(p[0], now);
	now += NS_PER_S;
	for (int i = 0; i < 2; i++)
		peer_tick(p[i], now);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum peer_kind kinds[] = {
		PEER_QM1, PEER_QM2, PEER_ESP, PEER_MM2, PEER_MM3, PEER_MM5};

	if (size < 2 || size > 1500)
		return 0;
	now = NS_PER_S;
	for (int i = 0; i < 2; i++)
		p[i] = start(i);
	if (kinds[data[0] % 6] <= PEER_MM6)
		peer_wrong(p[0])->edit_plain = peer_wrong(p[1])->edit_plain = edit;
	bytes = data + 2;
	bytes_len = size - 2;
	target = PEER_KIND_CNT;
	if (kinds[data[0] % 6] > PEER_MM6)
		peer_initiate(p[0], now);
	peer_wrong(p[0])->edit_plain = peer_wrong(p[1])->edit_plain = edit;
	ask(kinds[data[0] % 6]);
	peer_send_info(p[0], now, data[1], bytes, bytes_len);
	peer_send_ike(p[0], now, bytes, bytes_len);
	peer_send_esp(p[0], now, bytes, bytes_len);
	peer_frame(p[1], now, bytes, bytes_len);
	for (int i = 0; i < 2; i++) {
		peer_free(p[i]);
		p[i] = NULL;
	}
	return 0;
}
