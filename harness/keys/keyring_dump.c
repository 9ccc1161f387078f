/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys in the form of tcpdump -E: "0xSPI@ADDRESS algorithm:0xKEY". They have no key for the ICV
 * (keyesp.h, unchecked): they open, and seal nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "harness/keys/keyring_in.h"
#include "ref/base/hex.h"

static const struct {
	const char *name;
	enum keyesp_suite suite; /* for its cipher */
	uint8_t icv_len, key_len;
} algorithms[] = {
	{"3des-cbc-hmac96", KEYESP_3DES_SHA1, 12, 24},
	{"3des-cbc", KEYESP_3DES_SHA1, 0, 24},
	{"aes128-cbc-hmac96", KEYESP_AES_SHA1, 12, 16},
	{"aes192-cbc-hmac96", KEYESP_AES_SHA1, 12, 24},
	{"aes256-cbc-hmac96", KEYESP_AES_SHA1, 12, 32},
	{"aes128-cbc", KEYESP_AES_SHA1, 0, 16},
	{"aes192-cbc", KEYESP_AES_SHA1, 0, 24},
	{"aes256-cbc", KEYESP_AES_SHA1, 0, 32},
};
#define ALGORITHMS (sizeof algorithms / sizeof algorithms[0])

static bool
read_algorithm(struct keyesp *k, const char *text, const char **what)
{
	size_t len = strcspn(text, ":");

	for (size_t i = 0; i < ALGORITHMS; i++) {
		if (strlen(algorithms[i].name) != len || memcmp(algorithms[i].name, text, len) != 0)
			continue;
		k->suite = algorithms[i].suite;
		k->icv_len = algorithms[i].icv_len;
		if (strncmp(text + len, ":0x", 3) != 0)
			return keyring_no(what, "expected a key that begins with 0x");
		if (!keyring_secret(&k->enc, text + len + 3) || k->enc.len != algorithms[i].key_len)
			return keyring_no(what, "the key has another length than the algorithm's");
		return true;
	}
	return keyring_no(what, "unknown algorithm: expected 3des-cbc, aes128-cbc, aes192-cbc or "
				"aes256-cbc, with -hmac96 or without");
}

bool
keyring_read_dump(struct keyring *r, char *const *w, size_t n, const char **what)
{
	struct keyesp k = {.unchecked = true};
	char *end;
	bool ok;

	if (n != 2)
		return keyring_no(what, "expected two words: 0xSPI@ADDRESS and algorithm:0xKEY");
	k.spi = (uint32_t)strtoul(w[0] + 2, &end, 16);
	if (*end != '@' || end == w[0] + 2 || end > w[0] + 10)
		return keyring_no(what, "expected an SPI of at most eight digits, then @");
	if (!ip4_get(&k.dst, end + 1))
		return keyring_no(what, "expected an IPv4 address behind @");
	ok = read_algorithm(&k, w[1], what);
	if (ok)
		keyring_add_esp(r, &k);
	wipe(&k, sizeof k);
	return ok;
}

void
keyring_write_dump(const struct keyesp *k, FILE *to)
{
	char key[2 * SECRET_MAX + 1], dst[IP4_TEXT];
	size_t i = 0;

	while (i + 1 < ALGORITHMS &&
		(algorithms[i].suite != k->suite || algorithms[i].icv_len != k->icv_len ||
			algorithms[i].key_len != k->enc.len))
		i++;
	fprintf(to, "0x%08x@%s %s:0x%s\n", k->spi, ip4_put(dst, k->dst), algorithms[i].name,
		hex_put(key, sizeof key, k->enc.b, k->enc.len));
}
