/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as an ESP packet, with the ICV looked at (first octet even) and not (odd: deeper). */
#include <string.h>

#include "ref/core/esp.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct esp_sa sa;
	static uint8_t out[65536];
	const struct esp_alg *a;
	struct esp_rules rules = esp_rules_standard;
	struct secret enc = {.len = 0}, auth = {.len = 0};
	struct why why;
	size_t len;
	uint32_t seq;
	enum err e;

	if (size < 2)
		return 0;
	a = esp_alg(data[1] % 3 + 1u);
	enc.len = a->enc_len;
	auth.len = a->auth_len;
	esp_sa_init(&sa, true, (enum esp_transform)(data[1] % 3 + 1u), 256, 1, 2, &enc, &auth);
	rules.check_icv = !(data[0] & 1);
	e = esp_open(
		&crypto_null, &rules, &sa, data + 2, size - 2, out, sizeof(out), &len, &seq, &why);
	if (!e && len > size)
		__builtin_trap();
	return 0;
}
