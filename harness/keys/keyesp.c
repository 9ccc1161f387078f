/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ESP (keyesp.h). One table says what each suite is made of; sealing and opening are two ways each:
 * encrypt-then-MAC (RFC 4303 3.3.2.1) and combined mode (3.3.2.2, RFC 4106). No ESN.
 */
#include <string.h>

#include "harness/field/pkt.h"
#include "harness/keys/keyesp.h"

#define HEAD 8 /* SPI and sequence number */

struct suite {
	const char *name;
	enum keyprim_cipher cipher; /* 0: none or GCM */
	enum keyprim_hash hash;	    /* 0: GCM */
	uint8_t enc_len;	    /* fixed length of key and salt; 0: by key_bits */
	uint8_t auth_len, iv_len, icv_len, block;
};

static const struct suite suites[KEYESP_SUITE_CNT] = {
	[KEYESP_AES_SHA1] = {"aes-cbc-sha1", KEYPRIM_AES, KEYPRIM_SHA1, 0, 20, 16, 12, 16},
	[KEYESP_AES_SHA256] = {"aes-cbc-sha256", KEYPRIM_AES, KEYPRIM_SHA256, 0, 32, 16, 16, 16},
	[KEYESP_AES_GCM] = {"aes-gcm", 0, 0, 0, 0, 8, 16, 4},
	[KEYESP_3DES_SHA1] = {"3des-sha1", KEYPRIM_3DES, KEYPRIM_SHA1, 24, 20, 8, 12, 8},
	[KEYESP_3DES_MD5] = {"3des-md5", KEYPRIM_3DES, KEYPRIM_MD5, 24, 16, 8, 12, 8},
	[KEYESP_AES_MD5] = {"aes-cbc-md5", KEYPRIM_AES, KEYPRIM_MD5, 0, 16, 16, 12, 16},
	[KEYESP_NULL_SHA1] = {"null-sha1", 0, KEYPRIM_SHA1, 0, 20, 0, 12, 4},
	[KEYESP_NULL_SHA256] = {"null-sha256", 0, KEYPRIM_SHA256, 0, 32, 0, 16, 4},
	[KEYESP_3DES_SHA256] = {"3des-sha256", KEYPRIM_3DES, KEYPRIM_SHA256, 24, 32, 8, 16, 8},
	[KEYESP_NULL_MD5] = {"null-md5", 0, KEYPRIM_MD5, 0, 16, 0, 12, 4},
};

const char *
keyesp_name(enum keyesp_suite s)
{
	return s < KEYESP_SUITE_CNT ? suites[s].name : "?";
}

bool
keyesp_suite_by_name(const char *name, enum keyesp_suite *s)
{
	for (size_t i = 0; i < KEYESP_SUITE_CNT; i++)
		if (!strcmp(name, suites[i].name)) {
			*s = (enum keyesp_suite)i;
			return true;
		}
	return false;
}

size_t
keyesp_enc_len(enum keyesp_suite s, uint16_t key_bits)
{
	if (s == KEYESP_NULL_SHA1 || s == KEYESP_NULL_SHA256 || s == KEYESP_NULL_MD5)
		return 0;
	if (s == KEYESP_AES_GCM)
		return key_bits / 8u + 4;
	return suites[s].enc_len ? suites[s].enc_len : key_bits / 8u;
}

size_t
keyesp_auth_len(enum keyesp_suite s)
{
	return suites[s].auth_len;
}

size_t
keyesp_iv_len(enum keyesp_suite s)
{
	return suites[s].iv_len;
}

size_t
keyesp_icv_len(const struct keyesp *k)
{
	return k->unchecked ? k->icv_len : suites[k->suite].icv_len;
}

bool
keyesp_enc_fits(const struct keyesp *k)
{
	uint16_t salt = k->suite == KEYESP_AES_GCM ? 4 : 0;
	uint16_t bits = (uint16_t)((k->enc.len - salt) * 8);

	if (k->enc.len != keyesp_enc_len(k->suite, bits))
		return false;
	return !bits || bits == 128 || bits == 192 || bits == 256;
}

static void
put_u32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void
icv(const struct keyesp *k, const uint8_t *esp, size_t len, uint8_t *out)
{
	keyprim_hmac(suites[k->suite].hash, k->auth.b, k->auth.len, &SPAN(esp, len), 1, out);
}

/* RFC 4106 4: nonce is the salt and the IV that the packet carries. */
static bool
gcm_nonce(const struct keyesp *k, const uint8_t *iv, uint8_t *nonce)
{
	if (k->enc.len < 20)
		return false;
	memcpy(nonce, k->enc.b + k->enc.len - 4, 4);
	memcpy(nonce + 4, iv, 8);
	return true;
}

static bool
encrypt(const struct keyesp *k, uint8_t *body, size_t len, const uint8_t *esp)
{
	const struct suite *s = &suites[k->suite];
	const uint8_t *iv = esp + HEAD;
	uint8_t nonce[12];

	if (k->suite == KEYESP_AES_GCM)
		return gcm_nonce(k, iv, nonce) &&
		       keyprim_gcm_seal(k->enc.b, k->enc.len - 4u, nonce, SPAN(esp, HEAD), body,
			       len, body, body + len);
	if (!s->cipher)
		return true;
	return keyprim_cbc(s->cipher, true, k->enc.b, k->enc.len, iv, body, len, body);
}

size_t
keyesp_seal_raw(const struct keyesp *k, uint32_t seq, const uint8_t *iv, struct span body,
	uint8_t *out, size_t cap)
{
	const struct suite *s = &suites[k->suite];
	uint8_t *p = out + HEAD + s->iv_len, mac[KEYPRIM_HASH_MAX];

	if (k->unchecked || cap < HEAD + s->iv_len + body.len + s->icv_len || body.len % s->block)
		return 0;
	put_u32(out, k->spi);
	put_u32(out + 4, seq);
	if (s->iv_len)
		memcpy(out + HEAD, iv, s->iv_len);
	memmove(p, body.p, body.len);
	if (!encrypt(k, p, body.len, out))
		return 0;
	if (s->hash) {
		icv(k, out, (size_t)(p - out) + body.len, mac);
		memcpy(p + body.len, mac, s->icv_len);
	}
	return (size_t)(p - out) + body.len + s->icv_len;
}

size_t
keyesp_seal(const struct keyesp *k, uint32_t seq, const uint8_t *iv, uint8_t next,
	struct span inner, uint8_t *out, size_t cap)
{
	const struct suite *s = &suites[k->suite];
	size_t pad = (s->block - (inner.len + 2) % s->block) % s->block;
	size_t body = inner.len + pad + 2;
	uint8_t *p = out + HEAD + s->iv_len;

	if (cap < HEAD + s->iv_len + body + s->icv_len)
		return 0;
	memmove(p, inner.p, inner.len);
	for (size_t i = 0; i < pad; i++)
		p[inner.len + i] = (uint8_t)(i + 1);
	p[inner.len + pad] = (uint8_t)pad;
	p[inner.len + pad + 1] = next;
	return keyesp_seal_raw(k, seq, iv, SPAN(p, body), out, cap);
}

static enum err
unpad(uint8_t *out, size_t len, size_t *out_len, uint8_t *next)
{
	size_t pad = len >= 2 ? out[len - 2] : 0;

	if (len < 2 || pad + 2 > len)
		return ERR_LENGTH;
	for (size_t i = 0; i < pad; i++)
		if (out[len - 2 - pad + i] != i + 1)
			return ERR_VALUE;
	*next = out[len - 1];
	*out_len = len - 2 - pad;
	return ERR_OK;
}

static enum err
decrypt(const struct keyesp *k, const uint8_t *esp, size_t at, size_t body, uint8_t *out)
{
	const struct suite *s = &suites[k->suite];
	uint8_t nonce[12], mac[KEYPRIM_HASH_MAX];

	if (k->suite == KEYESP_AES_GCM) {
		if (!gcm_nonce(k, esp + HEAD, nonce))
			return ERR_LENGTH;
		return keyprim_gcm_open(k->enc.b, k->enc.len - 4u, nonce, SPAN(esp, HEAD), esp + at,
			       body, out, esp + at + body)
			       ? ERR_OK
			       : ERR_AUTH;
	}
	if (!k->unchecked) {
		icv(k, esp, at + body, mac);
		if (!equal_ct(mac, esp + at + body, s->icv_len))
			return ERR_AUTH;
	}
	if (!s->cipher) {
		memcpy(out, esp + at, body);
		return ERR_OK;
	}
	return keyprim_cbc(s->cipher, false, k->enc.b, k->enc.len, esp + HEAD, esp + at, body, out)
		       ? ERR_OK
		       : ERR_LENGTH;
}

/* What stands for the check that there is no key for. */
static enum err
look_inside(const uint8_t *out, size_t len, uint8_t next)
{
	struct pkt inner;

	return next == 4 && pkt_parse_ip(&inner, out, len) ? ERR_OK : ERR_AUTH;
}

enum err
keyesp_open(const struct keyesp *k, const uint8_t *esp, size_t len, uint8_t *out, size_t cap,
	size_t *out_len, uint8_t *next)
{
	const struct suite *s = &suites[k->suite];
	size_t at = HEAD + s->iv_len, icv_len = keyesp_icv_len(k), body;
	enum err e;

	if (len < at + icv_len + 2)
		return ERR_SHORT;
	body = len - at - icv_len;
	if (body > cap)
		return ERR_FULL;
	if (body % s->block && k->suite != KEYESP_AES_GCM)
		return ERR_LENGTH;
	e = decrypt(k, esp, at, body, out);
	if (!e)
		e = unpad(out, body, out_len, next);
	return e || !k->unchecked ? e : look_inside(out, *out_len, *next);
}
