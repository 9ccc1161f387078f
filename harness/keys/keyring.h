/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_KEYS_KEYRING_H
#define BATON_KEYS_KEYRING_H

/*
 * The key ring: every secret that a run has learned, from the harness's own peer or from the key
 * file of the device under test. With it traces are opened, here and in Wireshark. It grows as
 * needed (allocates), forgets nothing until keyring_free, and the same key twice is kept once.
 *
 * Key file, one secret a line; '#' starts a comment. What a line is, is seen by how it begins, so
 * forms may be mixed:
 *	CLIENT_TRAFFIC_SECRET_0 <client random> <secret>    (and the other NSS key log labels)
 *	IKEV1 <icookie> <rcookie> aes-cbc <key> [hash=sha1] [skeyid_a=<SKEYID_a>] [last=<block>]
 *	ESP <spi, 8 digits> <src> <dst> <suite> <enc key and salt> <auth key, or ->
 * all numbers hexadecimal but the addresses, which are dotted quads. Who only
 * opens needs the four words of an IKE key; who seals (keyseal.h) may need the rest: `last` is the
 * last cipher block of Phase 1, from which each later exchange has its first IV. None of the rest
 * is written. And as others have them:
 *	0x<spi>@<dst> <algorithm>:0x<enc key>	(tcpdump -E; without the key of the check)
 *	"IPv4","<src>","<dst>","0x<spi>",...	(Wireshark's esp_sa)
 *	<icookie>,<key>				(Wireshark's ikev1_decryption_table)
 * An address of 0.0.0.0 (* in esp_sa) is any; so is a responder's cookie of zeros. The last form
 * tells no cipher: who opens sees it in the trace, who seals takes 24 octets for 3DES.
 */
#include <stdio.h>

#include "harness/keys/keyesp.h"
#include "harness/keys/keyike.h"

struct keyring_tls {
	char label[40];
	uint8_t random[32]; /* client random */
	struct secret secret;
};

struct keyring {
	struct keyike *ike;
	struct keyesp *esp;
	struct keyring_tls *tls;
	size_t ike_cnt, esp_cnt, tls_cnt;
	size_t ike_cap, esp_cap, tls_cap;
};

void keyring_init(struct keyring *r);
void keyring_free(struct keyring *r); /* wipes and frees */
/*
 * Copied in. An IKE entry with the same cookies is replaced. An ESP entry with the same spi and
 * keys is the same SA: it is kept once, and if the addresses differ (behind a NAT they may), they
 * become 0, which is any.
 */
void keyring_add_ike(struct keyring *r, const struct keyike *k);
void keyring_add_esp(struct keyring *r, const struct keyesp *k);
void keyring_add_tls(struct keyring *r, const struct keyring_tls *k);

/* Borrowed until the next add; NULL if unknown. One for any responder, or without the key of the
 * check (keyesp.h, unchecked), only if there is no other. */
struct keyike *keyring_ike(struct keyring *r, const uint8_t *icookie, const uint8_t *rcookie);
const struct keyesp *keyring_esp(const struct keyring *r, uint32_t spi, ip4_t dst);
/* Is this the key of a packet with that SPI to that address? */
bool keyring_esp_fits(const struct keyesp *k, uint32_t spi, ip4_t dst);
const struct secret *keyring_tls(const struct keyring *r, const char *label, const uint8_t *random);

/*
 * Open an ESP packet (from the SPI on), trying every key of that SPI and destination. ERR_UNKNOWN
 * if there is none, else as keyesp_open.
 */
enum err keyring_open_esp(const struct keyring *r, ip4_t dst, const uint8_t *esp, size_t len,
	uint8_t *out, size_t cap, size_t *out_len, uint8_t *next) MUST_CHECK;

/* Read a key file. Returns secrets read, or -1 with *line and *what saying where and why
 * not; line 0: it cannot be read at all (a folder). */
long keyring_read(struct keyring *r, FILE *from, unsigned *line, const char **what);
/* One line of it. False if it is not understood; empty lines and comments are fine. */
bool keyring_line(struct keyring *r, const char *text, const char **what);

/* For Wireshark: the lines of its files ikev1_decryption_table, esp_sa, and a TLS key log. */
void keyring_write_ikev1(const struct keyring *r, FILE *to);
void keyring_write_esp(const struct keyring *r, FILE *to);
void keyring_write_tls(const struct keyring *r, FILE *to);
/* All of it as one key file of the form above. */
void keyring_write(const struct keyring *r, FILE *to);

#endif
