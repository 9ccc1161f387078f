/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys in the form of tcpdump -E: "0xSPI@ADDRESS algorithm:0xKEY". They have no key for the ICV, so
 * a packet is opened if its padding is 1, 2, 3... (RFC 4303 2.4), its next header is 4 and the
 * inside is an IPv4 packet that fits: no proof, but no accident either.
 */
#include "harness/story/story_in.h"

#include <stdlib.h>

#include "ref/base/hex.h"

static const struct {
	const char *name;
	bool aes;
	uint8_t icv_len, key_len;
} algorithms[] = {
	{"3des-cbc-hmac96", false, 12, 24},
	{"3des-cbc", false, 0, 24},
	{"aes128-cbc-hmac96", true, 12, 16},
	{"aes192-cbc-hmac96", true, 12, 24},
	{"aes256-cbc-hmac96", true, 12, 32},
	{"aes128-cbc", true, 0, 16},
	{"aes256-cbc", true, 0, 32},
};

static bool
no(const char **what, const char *text)
{
	*what = text;
	return false;
}

static bool
read_algorithm(struct story_secret *k, const char *text, const char **what)
{
	size_t len = strcspn(text, ":");

	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		if (strlen(algorithms[i].name) != len ||
			strncmp(algorithms[i].name, text, len) != 0)
			continue;
		k->aes = algorithms[i].aes;
		k->icv_len = algorithms[i].icv_len;
		k->key_len = algorithms[i].key_len;
		if (strncmp(text + len, ":0x", 3) != 0)
			return no(what, "a key begins with 0x");
		if (hex_get(k->key, sizeof(k->key), text + len + 3) != k->key_len)
			return no(what, "the key has another length than the algorithm's");
		return true;
	}
	return no(what, "unknown algorithm");
}

bool
story_secret_line(struct story_secret *k, const char *text, const char **what)
{
	char line[256], *at, *algorithm, *end, *save = NULL;

	memset(k, 0, sizeof(*k));
	if (strlen(text) >= sizeof(line))
		return no(what, "line too long");
	memcpy(line, text, strlen(text) + 1);
	at = strtok_r(line, " \t\r\n", &save);
	algorithm = strtok_r(NULL, " \t\r\n", &save);
	if (!at || !algorithm || strtok_r(NULL, " \t\r\n", &save))
		return no(what, "expected two words: 0xSPI@ADDRESS and algorithm:0xKEY");
	if (strncmp(at, "0x", 2) != 0)
		return no(what, "an SPI begins with 0x");
	k->spi = (uint32_t)strtoul(at + 2, &end, 16);
	if (*end != '@' || end == at + 2 || end > at + 10)
		return no(what, "an SPI is at most eight digits, then @");
	if (!ip4_get(&k->dst, end + 1))
		return no(what, "the address behind @ is not one");
	return read_algorithm(k, algorithm, what);
}

static bool
padding_fits(const uint8_t *body, size_t len)
{
	size_t pad = body[len - 2];

	if (body[len - 1] != 4 || pad + 2 > len)
		return false;
	for (size_t i = 0; i < pad; i++)
		if (body[len - 2 - pad + i] != i + 1)
			return false;
	return true;
}

bool
story_secret_opens(const struct story_secret *k, const uint8_t *esp, size_t len)
{
	size_t block = k->aes ? 16 : 8, head = 8 + block;
	static uint8_t body[65536];
	struct pkt inner;
	size_t n;

	if (len < head + k->icv_len + block || len > sizeof(body))
		return false;
	n = len - head - k->icv_len;
	if (n % block || !keyprim_cbc(k->aes ? KEYPRIM_AES : KEYPRIM_3DES, false, k->key,
				 k->key_len, esp + 8, esp + head, n, body))
		return false;
	return padding_fits(body, n) && pkt_parse_ip(&inner, body, n - 2 - body[n - 2]);
}
