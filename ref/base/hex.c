/* SPDX-License-Identifier: BSD-2-Clause */
#include "ref/base/hex.h"

char *
hex_put(char *dst, size_t cap, const void *src, size_t len)
{
	static const char digit[] = "0123456789abcdef";
	const uint8_t *p = src;
	size_t n = 0;

	if (!cap)
		return dst;
	for (size_t i = 0; i < len && n + 2 < cap; i++) {
		dst[n++] = digit[p[i] >> 4];
		dst[n++] = digit[p[i] & 15];
	}
	dst[n] = '\0';
	return dst;
}

static int
value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

long
hex_get(uint8_t *dst, size_t cap, const char *digits)
{
	size_t n = 0;

	for (; digits[0]; digits += 2) {
		int hi = value(digits[0]);
		int lo = hi < 0 ? -1 : value(digits[1]);

		if (lo < 0 || n == cap)
			return -1;
		dst[n++] = (uint8_t)(hi << 4 | lo);
	}
	return (long)n;
}
