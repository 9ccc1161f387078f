/* SPDX-License-Identifier: BSD-2-Clause */
#include <assert.h>
#include <string.h>

#include "ref/base/secret.h"

void
wipe(void *p, size_t len)
{
	if (!len)
		return;
	memset(p, 0, len);
	__asm__ __volatile__("" : : "r"(p) : "memory");
}

void
secret_set(struct secret *s, const void *bytes, size_t len)
{
	assert(len <= SECRET_MAX);
	secret_wipe(s);
	if (len)
		memcpy(s->b, bytes, len);
	s->len = (uint8_t)len;
}

void
secret_wipe(struct secret *s)
{
	wipe(s, sizeof *s);
}

bool
equal_ct(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a, *y = b;
	uint32_t d = 0, v, w;
	size_t i = 0;

	for (; i + 4 <= len; i += 4) {
		memcpy(&v, x + i, 4);
		memcpy(&w, y + i, 4);
		d |= v ^ w;
	}
	for (; i < len; i++)
		d |= (uint32_t)(x[i] ^ y[i]);
	return d == 0;
}
