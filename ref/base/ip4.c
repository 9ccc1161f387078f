/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "ref/base/ip4.h"

static size_t
decimal(char *dst, unsigned v)
{
	size_t n = 0;

	if (v >= 100)
		dst[n++] = (char)('0' + v / 100);
	if (v >= 10)
		dst[n++] = (char)('0' + v / 10 % 10);
	dst[n++] = (char)('0' + v % 10);
	return n;
}

char *
ip4_put(char *dst, ip4_t a)
{
	size_t n = 0;

	for (int i = 3; i >= 0; i--) {
		n += decimal(dst + n, a >> 8 * i & 255);
		dst[n++] = i ? '.' : '\0';
	}
	return dst;
}

bool
ip4_get(ip4_t *a, const char *text)
{
	ip4_t v = 0;

	for (int i = 0; i < 4; i++) {
		unsigned octet = 0, digits = 0;

		for (; *text >= '0' && *text <= '9' && digits < 4; text++, digits++)
			octet = octet * 10 + (unsigned)(*text - '0');
		if (!digits || digits > 3 || octet > 255 || *text++ != (i < 3 ? '.' : '\0'))
			return false;
		v = v << 8 | octet;
	}
	*a = v;
	return true;
}

char *
mac_put(char *dst, const struct mac *m)
{
	static const char digit[] = "0123456789abcdef";

	for (int i = 0; i < 6; i++) {
		dst[3 * i] = digit[m->b[i] >> 4];
		dst[3 * i + 1] = digit[m->b[i] & 15];
		dst[3 * i + 2] = i < 5 ? ':' : '\0';
	}
	return dst;
}

bool
mac_equal(const struct mac *a, const struct mac *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}
