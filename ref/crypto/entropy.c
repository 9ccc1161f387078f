/* SPDX-License-Identifier: BSD-2-Clause */
/* The taking of random bytes, which were put into the struct by whoever owns a source. */
#include <string.h>

#include "ref/base/secret.h"
#include "ref/crypto/crypto.h"

bool
entropy_take(struct entropy *e, void *dst, size_t len)
{
	if (e->used > sizeof(e->b) || len > sizeof(e->b) - e->used)
		return false;
	memcpy(dst, e->b + e->used, len);
	wipe(e->b + e->used, len);
	e->used += len;
	return true;
}
