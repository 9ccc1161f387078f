/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Key files, read and written (keyring.h says how they look). Each line is taken by what it looks
 * like, so a file may hold several forms: what other programs write has its readers in
 * keyring_shark.c and keyring_dump.c, Baton's own are here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/keys/keyring_in.h"
#include "ref/base/hex.h"

#define WORDS 8
#define LINE 512
#define LABEL "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

bool
keyring_no(const char **what, const char *text)
{
	*what = text;
	return false;
}

bool
keyring_secret(struct secret *s, const char *digits)
{
	uint8_t b[SECRET_MAX];
	long n = hex_get(b, sizeof b, digits);

	if (n < 0)
		return false;
	secret_set(s, b, (size_t)n);
	wipe(b, sizeof b);
	return true;
}

/* What may stand behind the four words of a key: hash=, skeyid_a=, last=. */
static bool
read_ike_more(struct keyike *k, const char *word, const char **what)
{
	static const struct {
		const char *word;
		enum keyprim_hash hash;
	} hashes[] = {{"hash=md5", KEYPRIM_MD5}, {"hash=sha1", KEYPRIM_SHA1},
		{"hash=sha256", KEYPRIM_SHA256}, {"hash=sha384", KEYPRIM_SHA384},
		{"hash=sha512", KEYPRIM_SHA512}};

	for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++)
		if (!strcmp(word, hashes[i].word)) {
			k->hash = hashes[i].hash;
			return true;
		}
	if (!strncmp(word, "skeyid_a=", 9))
		return (keyring_secret(&k->a, word + 9) && k->a.len) ||
		       keyring_no(what, "SKEYID_a has an impossible length");
	if (strncmp(word, "last=", 5) != 0)
		return keyring_no(
			what, "behind an IKE key: hash=, skeyid_a= or last=, in known words");
	k->have_iv = hex_get(k->iv, sizeof k->iv, word + 5) == (long)keyprim_block(k->cipher);
	return k->have_iv || keyring_no(what, "the last block is not one block of the cipher");
}

/* IKEV1 <icookie> <rcookie> <cipher> <key>. The hash need not be told: it is seen in the trace. */
static bool
read_ike(struct keyring *r, char **w, size_t n, const char **what)
{
	struct keyike k = {.cipher = KEYPRIM_AES, .hash = KEYPRIM_SHA1};

	if (n < 5)
		return keyring_no(what, "IKEV1 takes four words");
	if (hex_get(k.icookie, 8, w[1]) != 8 || hex_get(k.rcookie, 8, w[2]) != 8)
		return keyring_no(what, "expected cookies of 16 digits");
	if (!strcmp(w[3], "3des-cbc"))
		k.cipher = KEYPRIM_3DES;
	else if (strcmp(w[3], "aes-cbc"))
		return keyring_no(what, "unknown cipher: expected aes-cbc or 3des-cbc");
	if (!keyring_secret(&k.key, w[4]) ||
		(k.key.len != 16 && k.key.len != 24 && k.key.len != 32))
		return keyring_no(what, "the cipher key has an impossible length");
	k.key_bits = (uint16_t)(k.key.len * 8);
	for (size_t i = 5; i < n; i++)
		if (!read_ike_more(&k, w[i], what))
			return false;
	keyring_add_ike(r, &k);
	keyike_wipe(&k);
	return true;
}

static bool
read_esp(struct keyring *r, char **w, size_t n, const char **what)
{
	struct keyesp k = {0};
	char *end;
	unsigned long spi;

	if (n != 7)
		return keyring_no(what, "ESP takes six words");
	spi = strtoul(w[1], &end, 16);
	if (*end || strlen(w[1]) != 8)
		return keyring_no(what, "expected an SPI of 8 digits");
	k.spi = (uint32_t)spi;
	if (!ip4_get(&k.src, w[2]) || !ip4_get(&k.dst, w[3]))
		return keyring_no(what, "expected IPv4 addresses as source and destination");
	if (!keyesp_suite_by_name(w[4], &k.suite))
		return keyring_no(what, "unknown suite: expected aes-cbc-, 3des- or null- with "
					"sha1, sha256 or md5, or aes-gcm");
	if (!keyring_secret(&k.enc, strcmp(w[5], "-") ? w[5] : "") || !keyesp_enc_fits(&k))
		return keyring_no(what, "the encryption key has an impossible length");
	if (!keyring_secret(&k.auth, strcmp(w[6], "-") ? w[6] : "") ||
		k.auth.len != keyesp_auth_len(k.suite))
		return keyring_no(what, "the authentication key has an impossible length");
	keyring_add_esp(r, &k);
	wipe(&k, sizeof k);
	return true;
}

static bool
read_tls(struct keyring *r, char **w, size_t n, const char **what)
{
	struct keyring_tls k = {0};

	if (n != 3 || strlen(w[0]) >= sizeof k.label || w[0][strspn(w[0], LABEL)])
		return keyring_no(what, "unknown kind of line: expected IKEV1, ESP, the label of a "
					"TLS key log, 0xSPI@ADDRESS, or a line of Wireshark's "
					"esp_sa or ikev1_decryption_table");
	memcpy(k.label, w[0], strlen(w[0]));
	if (hex_get(k.random, 32, w[1]) != 32)
		return keyring_no(what, "expected a client random of 64 digits");
	if (!keyring_secret(&k.secret, w[2]) || !k.secret.len)
		return keyring_no(what, "the secret has an impossible length");
	keyring_add_tls(r, &k);
	wipe(&k, sizeof k);
	return true;
}

/* A line of words, by the first of them. */
static bool
read_words(struct keyring *r, char *line, const char **what)
{
	char *w[WORDS + 1], *save = NULL;
	size_t n = 0;

	for (char *t = strtok_r(line, " \t", &save); t && n <= WORDS;
		t = strtok_r(NULL, " \t", &save))
		w[n++] = t;
	if (!n)
		return true;
	if (!strcmp(w[0], "IKEV1"))
		return read_ike(r, w, n, what);
	if (!strcmp(w[0], "ESP"))
		return read_esp(r, w, n, what);
	if (!strncmp(w[0], "0x", 2))
		return keyring_read_dump(r, w, n, what);
	return read_tls(r, w, n, what);
}

bool
keyring_line(struct keyring *r, const char *text, const char **what)
{
	char line[LINE];
	size_t len;
	bool ok;

	text += strspn(text, " \t");
	len = strcspn(text, "#\r\n");
	if (len >= sizeof line)
		return keyring_no(what, "expected a line of less than 512 characters");
	memcpy(line, text, len);
	line[len] = 0;
	if (line[0] == '"')
		ok = keyring_read_esp_sa(r, line, what);
	else if (line[0] && !strpbrk(line, " \t@") && strchr(line, ','))
		ok = keyring_read_ikev1(r, line, what);
	else
		ok = read_words(r, line, what);
	wipe(line, sizeof line);
	return ok;
}

long
keyring_read(struct keyring *r, FILE *from, unsigned *line, const char **what)
{
	char text[LINE + 2];
	size_t before = r->ike_cnt + r->esp_cnt + r->tls_cnt;

	*line = 0;
	while (fgets(text, sizeof text, from)) {
		(*line)++;
		if (!keyring_line(r, text, what))
			return -1;
	}
	wipe(text, sizeof text);
	if (ferror(from)) {
		*what = strerror(errno);
		*line = 0;
		return -1;
	}
	return (long)(r->ike_cnt + r->esp_cnt + r->tls_cnt - before);
}

static const char *
digits(char *dst, size_t cap, const void *p, size_t len)
{
	return len ? hex_put(dst, cap, p, len) : "-";
}

void
keyring_write_tls(const struct keyring *r, FILE *to)
{
	char c[65], k[2 * SECRET_MAX + 1];

	for (size_t i = 0; i < r->tls_cnt; i++)
		fprintf(to, "%s %s %s\n", r->tls[i].label,
			hex_put(c, sizeof c, r->tls[i].random, 32),
			hex_put(k, sizeof k, r->tls[i].secret.b, r->tls[i].secret.len));
}

void
keyring_write(const struct keyring *r, FILE *to)
{
	char e[2 * SECRET_MAX + 1], a[2 * SECRET_MAX + 1], s[IP4_TEXT], d[IP4_TEXT], c[17];

	keyring_write_tls(r, to);
	for (size_t i = 0; i < r->ike_cnt; i++) {
		const struct keyike *k = &r->ike[i];

		fprintf(to, "IKEV1 %s %s %s %s\n", hex_put(e, sizeof e, k->icookie, 8),
			hex_put(c, sizeof c, k->rcookie, 8),
			k->cipher == KEYPRIM_3DES ? "3des-cbc" : "aes-cbc",
			digits(a, sizeof a, k->key.b, k->key.len));
	}
	for (size_t i = 0; i < r->esp_cnt; i++) {
		const struct keyesp *k = &r->esp[i];

		if (k->unchecked) {
			keyring_write_dump(k, to);
			continue;
		}
		fprintf(to, "ESP %08x %s %s %s %s %s\n", k->spi, ip4_put(s, k->src),
			ip4_put(d, k->dst), keyesp_name(k->suite),
			digits(e, sizeof e, k->enc.b, k->enc.len),
			digits(a, sizeof a, k->auth.b, k->auth.len));
	}
}
