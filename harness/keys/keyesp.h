/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_KEYS_KEYESP_H
#define BATON_KEYS_KEYESP_H

/*
 * ESP, sealing and opening (RFC 4303 2, 3.3, 3.4; RFC 3602; RFC 2404; RFC 4868; RFC 4106). No
 * window and no counter here: who calls decides. Tunnel mode is the caller's matter, too: `next`
 * is 4.
 */
#include "harness/keys/keyprim.h"
#include "ref/base/err.h"
#include "ref/base/ip4.h"
#include "ref/base/secret.h"

enum keyesp_suite {
	KEYESP_AES_SHA1,   /* AES-CBC, HMAC-SHA1-96 */
	KEYESP_AES_SHA256, /* AES-CBC, HMAC-SHA2-256-128 */
	KEYESP_AES_GCM,	   /* AES-GCM, 16-octet ICV, salt behind the key */
	KEYESP_3DES_SHA1,
	KEYESP_3DES_MD5,
	KEYESP_AES_MD5,
	KEYESP_NULL_SHA1,
	KEYESP_NULL_SHA256,
	KEYESP_3DES_SHA256,
	KEYESP_NULL_MD5,
	KEYESP_SUITE_CNT
};

struct keyesp {
	uint32_t spi;
	ip4_t src, dst;
	enum keyesp_suite suite;
	struct secret enc;  /* cipher key; GCM: key, then 4 octets of salt */
	struct secret auth; /* empty with GCM */
	/*
	 * The key of the integrity check is not known (tcpdump -E tells none), icv_len is what it
	 * takes in the packet: 0 or 12. Of the suite the cipher counts, which is a CBC. It opens,
	 * and seals nothing.
	 */
	bool unchecked;
	uint8_t icv_len;
};

const char *keyesp_name(enum keyesp_suite s); /* "aes-cbc-sha1", ...: as in key files */
bool keyesp_suite_by_name(const char *name, enum keyesp_suite *s);
/* Octets of KEYMAT that the cipher (with salt) and the integrity algorithm take. */
size_t keyesp_enc_len(enum keyesp_suite s, uint16_t key_bits);
size_t keyesp_auth_len(enum keyesp_suite s);
size_t keyesp_iv_len(enum keyesp_suite s);
size_t keyesp_icv_len(const struct keyesp *k);
/* Has k->enc a length that its suite takes? */
bool keyesp_enc_fits(const struct keyesp *k);

/* One packet from the SPI on. iv: keyesp_iv_len octets. Octets written, 0 if cap is too small. */
size_t keyesp_seal(const struct keyesp *k, uint32_t seq, const uint8_t *iv, uint8_t next,
	struct span inner, uint8_t *out, size_t cap);
/* The same over a body whose trailer (padding, pad length, next header) the caller has made, be it
 * wrong; its length must fit the cipher's block. */
size_t keyesp_seal_raw(const struct keyesp *k, uint32_t seq, const uint8_t *iv, struct span body,
	uint8_t *out, size_t cap);
/*
 * The inner packet to out (cap at least len). ERR_SHORT, ERR_LENGTH (padding), ERR_VALUE (padding
 * octets), ERR_AUTH. Unchecked, ERR_AUTH is also what is no IPv4 packet that fits: padding of 1, 2,
 * 3... (RFC 4303 2.4) with one inside is no proof, but no accident either.
 */
enum err keyesp_open(const struct keyesp *k, const uint8_t *esp, size_t len, uint8_t *out,
	size_t cap, size_t *out_len, uint8_t *next) MUST_CHECK;

#endif
