/* SPDX-License-Identifier: BSD-2-Clause */
/* Any segments: direction and flags, sequence number, length, bytes; one after the other. */
#include <stdlib.h>
#include <string.h>

#include "harness/keys/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
data_out(void *ctx, ns_t at, int dir, const uint8_t *bytes, size_t len)
{
	*(size_t *)ctx += len + (size_t)(dir + (at != 0) + (len && bytes[0]));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keyring r;
	struct keyring_tls k = {.label = "CLIENT_TRAFFIC_SECRET_0", .secret = {.len = 32}};
	struct tlsopen *t;
	size_t sum = 0;

	keyring_init(&r);
	keyring_add_tls(&r, &k);
	t = tlsopen_new(&r, data_out, &sum);
	while (size >= 6) {
		size_t len = (size_t)data[4] << 8 | data[5];
		uint32_t seq = (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
		uint8_t head = data[0];

		data += 6;
		size -= 6;
		len = len > size ? size : len;
		tlsopen_segment(t, 0, head & 1, seq, head >> 1 & 0x1f, data, len);
		data += len;
		size -= len;
	}
	tlsopen_free(t);
	keyring_free(&r);
	return 0;
}
