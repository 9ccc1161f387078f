/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_KEYS_KEYRING_IN_H
#define BATON_KEYS_KEYRING_IN_H

/*
 * The readers of a key file's lines (keyring.h), between their files. Each takes a line's words,
 * adds to the ring, or returns false with *what: a literal that says what was expected.
 */
#include "harness/keys/keyring.h"

/* *what = text; false. */
bool keyring_no(const char **what, const char *text);
/* Digits, an even number of them; false if they are none, or do not fit. */
bool keyring_secret(struct secret *s, const char *digits);

/* ---- keyring_dump.c: 0xSPI@ADDRESS algorithm:0xKEY, as tcpdump -E has it ---- */

bool keyring_read_dump(struct keyring *r, char *const *w, size_t n, const char **what);
/* One without a key for its integrity check. */
void keyring_write_dump(const struct keyesp *k, FILE *to);

/* ---- keyring_shark.c: lines of Wireshark's tables; text is changed ---- */

bool keyring_read_esp_sa(struct keyring *r, char *text, const char **what);
bool keyring_read_ikev1(struct keyring *r, char *text, const char **what);

#endif
