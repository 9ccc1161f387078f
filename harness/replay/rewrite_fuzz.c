/* SPDX-License-Identifier: BSD-2-Clause */
/* Any octets as a frame, under rules that touch everything: nothing is read or written outside. */
#include <stdlib.h>
#include <string.h>

#include "harness/replay/rewrite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define K16 "000102030405060708090a0b0c0d0e0f"

static struct replay_rules *
rules(void)
{
	static struct replay_rules k;
	static struct keyring ring;
	const char *what;

	if (k.spi_cnt)
		return &k;
	keyring_init(&ring);
	if (!keyring_line(
		    &ring, "ESP 00001000 0.0.0.0 0.0.0.0 null-sha1 - " K16 "10111213", &what) ||
		!keyring_line(&ring,
			"IKEV1 1122334455667788 0000000000000001 aes-cbc " K16 " skeyid_a=" K16
			" last=" K16,
			&what))
		abort();
	k = (struct replay_rules){.set_group = true,
		.set_vip = true,
		.group = 7,
		.old_keys = &ring,
		.new_keys = &ring,
		.spi_cnt = 1,
		.cookie_cnt = 1,
		.ip_cnt = 1,
		.mac_cnt = 1};
	k.spis[0] = (struct replay_spi){0x1000, 0x1000, 5};
	k.ips[0] = (struct replay_ip){IP4(192, 0, 2, 1), IP4(10, 0, 0, 1)};
	k.macs[0].from.b[0] = 2;
	memcpy(k.cookies[0].from, "\x11\x22\x33\x44\x55\x66\x77\x88\0\0\0\0\0\0\0\1", 16);
	memcpy(k.cookies[0].to, k.cookies[0].from, 16);
	return &k;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t out[REPLAY_FRAME_MAX + 64];
	struct replay *r;
	size_t got;

	if (size > REPLAY_FRAME_MAX)
		return 0;
	r = replay_new(rules());
	for (int i = 0; i < 2; i++) {
		got = replay_rewrite(r, data, size, out, size + 64);
		if (got > size + 64)
			abort();
	}
	replay_free(r);
	return 0;
}
