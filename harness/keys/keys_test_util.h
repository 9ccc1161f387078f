/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_KEYS_KEYS_TEST_UTIL_H
#define BATON_KEYS_KEYS_TEST_UTIL_H

/* Vectors as the standards print them: hexadecimal digits. */
#include <check.h>
#include <stdint.h>
#include <string.h>

#include "ref/base/hex.h"

/* Good until seven more were asked for. */
static uint8_t *
hex(const char *digits)
{
	static uint8_t b[8][512];
	static unsigned n;

	ck_assert_int_ge(hex_get(b[++n % 8], 512, digits), 0);
	return b[n % 8];
}

static void
is_hex(const uint8_t *p, const char *digits)
{
	char t[1100];

	ck_assert_str_eq(hex_put(t, sizeof t, p, strlen(digits) / 2), digits);
}

#endif
