/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables by which Wireshark opens a trace, written and read: esp_sa and ikev1_decryption_table.
 * Both are lines of comma-separated words, in esp_sa each in quotes. What is read is what is
 * written here, and what newer versions of Wireshark put behind it.
 */
#include <stdlib.h>
#include <string.h>

#include "harness/keys/keyring_in.h"
#include "ref/base/hex.h"

#define ESP_WORDS 10 /* 8 that are read, and two of newer versions: bits of a number, upper half   \
		      */

/* Names that Wireshark's ESP dissector gives its algorithms. */
static const struct {
	const char *enc, *auth;
} shark[KEYESP_SUITE_CNT] = {
	[KEYESP_AES_SHA1] = {"AES-CBC [RFC3602]", "HMAC-SHA-1-96 [RFC2404]"},
	[KEYESP_AES_SHA256] = {"AES-CBC [RFC3602]", "HMAC-SHA-256-128 [RFC4868]"},
	[KEYESP_AES_GCM] = {"AES-GCM with 16 octet ICV [RFC4106]", "NULL"},
	[KEYESP_3DES_SHA1] = {"TripleDES-CBC [RFC2451]", "HMAC-SHA-1-96 [RFC2404]"},
	[KEYESP_3DES_MD5] = {"TripleDES-CBC [RFC2451]", "HMAC-MD5-96 [RFC2403]"},
	[KEYESP_AES_MD5] = {"AES-CBC [RFC3602]", "HMAC-MD5-96 [RFC2403]"},
	[KEYESP_NULL_SHA1] = {"NULL", "HMAC-SHA-1-96 [RFC2404]"},
	[KEYESP_NULL_SHA256] = {"NULL", "HMAC-SHA-256-128 [RFC4868]"},
	[KEYESP_3DES_SHA256] = {"TripleDES-CBC [RFC2451]", "HMAC-SHA-256-128 [RFC4868]"},
	[KEYESP_NULL_MD5] = {"NULL", "HMAC-MD5-96 [RFC2403]"},
};

/* The check of a key that has none for it (keyesp.h, unchecked). */
static const char unchecked_96[] = "ANY 96 bit authentication [no checking]",
		  unchecked_0[] = "NULL";

void
keyring_write_ikev1(const struct keyring *r, FILE *to)
{
	char c[17], k[2 * SECRET_MAX + 1];

	for (size_t i = 0; i < r->ike_cnt; i++)
		fprintf(to, "%s,%s\n", hex_put(c, sizeof c, r->ike[i].icookie, 8),
			hex_put(k, sizeof k, r->ike[i].key.b, r->ike[i].key.len));
}

static const char *
auth_name(const struct keyesp *k)
{
	if (!k->unchecked)
		return shark[k->suite].auth;
	return k->icv_len ? unchecked_96 : unchecked_0;
}

void
keyring_write_esp(const struct keyring *r, FILE *to)
{
	char e[2 * SECRET_MAX + 1], a[2 * SECRET_MAX + 1], s[IP4_TEXT], d[IP4_TEXT];

	for (size_t i = 0; i < r->esp_cnt; i++) {
		const struct keyesp *k = &r->esp[i];
		const char *enc = k->enc.len ? hex_put(e, sizeof e, k->enc.b, k->enc.len) : "";
		const char *auth = k->auth.len ? hex_put(a, sizeof a, k->auth.b, k->auth.len) : "";

		fprintf(to, "\"IPv4\",\"%s\",\"%s\",\"0x%08x\",\"%s\",\"%s%s\",\"%s\",\"%s%s\"\n",
			k->src ? ip4_put(s, k->src) : "*", k->dst ? ip4_put(d, k->dst) : "*",
			k->spi, shark[k->suite].enc, k->enc.len ? "0x" : "", enc, auth_name(k),
			k->auth.len ? "0x" : "", auth);
	}
}

/* <initiator's cookie>,<key>. Who answers is not told, nor the cipher: any, and by the length. */
bool
keyring_read_ikev1(struct keyring *r, char *text, const char **what)
{
	struct keyike k = {.cipher = KEYPRIM_AES, .hash = KEYPRIM_SHA1};
	char *comma = strchr(text, ',');

	*comma = '\0';
	if (hex_get(k.icookie, 8, text) != 8)
		return keyring_no(
			what, "expected the initiator's cookie of 16 digits before the comma");
	if (!keyring_secret(&k.key, comma + 1) ||
		(k.key.len != 16 && k.key.len != 24 && k.key.len != 32))
		return keyring_no(what, "expected a key of 16, 24 or 32 octets behind the comma");
	if (k.key.len == 24)
		k.cipher = KEYPRIM_3DES;
	k.key_bits = (uint16_t)(k.key.len * 8);
	keyring_add_ike(r, &k);
	keyike_wipe(&k);
	return true;
}

/* Words in quotes with commas between them; how many, 0 if they are not so. */
static size_t
quoted(char *text, char **w, size_t cap)
{
	size_t n = 0;

	for (char *at = text; n < cap && *at == '"';) {
		char *end = strchr(at + 1, '"');

		if (!end)
			return 0;
		w[n++] = at + 1;
		*end++ = '\0';
		if (!*end)
			return n;
		if (*end != ',')
			return 0;
		at = end + 1;
	}
	return 0;
}

static bool
address(ip4_t *a, const char *text)
{
	*a = 0;
	return !strcmp(text, "*") || ip4_get(a, text);
}

/* "" or 0x and digits. */
static bool
key(struct secret *s, const char *text)
{
	if (!*text)
		return keyring_secret(s, "");
	return !strncmp(text, "0x", 2) && keyring_secret(s, text + 2);
}

static bool
suite_of(struct keyesp *k, const char *enc, const char *auth)
{
	for (size_t i = 0; i < KEYESP_SUITE_CNT; i++)
		if (!strcmp(enc, shark[i].enc) && !strcmp(auth, shark[i].auth)) {
			k->suite = (enum keyesp_suite)i;
			return true;
		}
	k->unchecked = true;
	k->icv_len = strcmp(auth, unchecked_96) ? 0 : 12;
	k->suite = KEYESP_AES_SHA1;
	if (!strcmp(enc, shark[KEYESP_3DES_SHA1].enc))
		k->suite = KEYESP_3DES_SHA1;
	else if (strcmp(enc, shark[KEYESP_AES_SHA1].enc) != 0)
		return false;
	return k->icv_len || !strcmp(auth, unchecked_0);
}

static bool
take_esp_sa(struct keyesp *k, char *const *w, size_t n, const char **what)
{
	char *end;

	if (n < 8)
		return keyring_no(what, "expected eight words in quotes, with commas between them");
	if (strcmp(w[0], "IPv4") != 0)
		return keyring_no(what, "expected \"IPv4\" as the first word");
	if (!address(&k->src, w[1]) || !address(&k->dst, w[2]))
		return keyring_no(what, "expected IPv4 addresses or * as source and destination");
	k->spi = (uint32_t)strtoul(w[3], &end, 16);
	if (strncmp(w[3], "0x", 2) != 0 || *end || end == w[3] + 2 || end > w[3] + 10)
		return keyring_no(what, "expected an SPI as 0x and at most eight digits");
	if (!suite_of(k, w[4], w[6]))
		return keyring_no(what, "unknown algorithms: expected them by the names that Baton "
					"writes into esp_sa");
	if (!key(&k->enc, w[5]) || !keyesp_enc_fits(k))
		return keyring_no(what, "the encryption key has an impossible length");
	if (!key(&k->auth, w[7]) || k->auth.len != (k->unchecked ? 0 : keyesp_auth_len(k->suite)))
		return keyring_no(what, "the authentication key has an impossible length");
	if (n > 8 && !strncmp(w[8], "64", 2))
		return keyring_no(what, "expected sequence numbers of 32 bits");
	return true;
}

bool
keyring_read_esp_sa(struct keyring *r, char *text, const char **what)
{
	struct keyesp k = {0};
	char *w[ESP_WORDS];
	bool ok = take_esp_sa(&k, w, quoted(text, w, ESP_WORDS), what);

	if (ok)
		keyring_add_esp(r, &k);
	wipe(&k, sizeof k);
	return ok;
}
