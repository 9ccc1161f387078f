/* SPDX-License-Identifier: BSD-2-Clause */
/* Any messages, length-prefixed, as a trace of IKE; and any bytes as ESP under each suite. */
#include <stdlib.h>
#include <string.h>

#include "harness/keys/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
esp(const uint8_t *data, size_t size)
{
	uint8_t out[2048], next;
	size_t n;

	for (int s = 0; s < KEYESP_SUITE_CNT && size < sizeof out; s++) {
		struct keyesp k = {.suite = (enum keyesp_suite)s};
		uint8_t key[64] = {1};

		secret_set(&k.enc, key, keyesp_enc_len(k.suite, 128));
		secret_set(&k.auth, key, keyesp_auth_len(k.suite));
		if (!keyesp_open(&k, data, size, out, sizeof out, &n, &next) && n > size)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keyring r;
	struct ikeopen *o;
	struct ikeopen_msg m;
	struct keyike k = {.cipher = KEYPRIM_AES, .key_bits = 128};

	esp(data, size);
	keyring_init(&r);
	k.key.len = 16;
	if (size >= 18) {
		memcpy(k.icookie, data + 2, 8);
		memcpy(k.rcookie, data + 10, 8);
	}
	keyring_add_ike(&r, &k);
	o = ikeopen_new(&r);
	while (size >= 2) {
		size_t len = (size_t)data[0] << 8 | data[1];

		data += 2;
		size -= 2;
		if (len > size)
			len = size;
		if (!ikeopen_feed(o, data, len, &m) && m.body_len > len)
			abort();
		data += len;
		size -= len;
	}
	ikeopen_free(o);
	keyring_free(&r);
	return 0;
}
