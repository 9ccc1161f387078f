/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "ref/base/cursor.h"

void
rd_fail(struct rd *r, const char *field)
{
	if (!r->bad) {
		r->bad = field;
		r->bad_at = rd_offset(r);
	}
	r->p = r->end;
}

void
rd_copy(struct rd *r, void *dst, size_t len, const char *field)
{
	const uint8_t *p = rd_bytes(r, len, field);

	if (p)
		memcpy(dst, p, len);
	else
		memset(dst, 0, len);
}

struct rd
rd_sub(struct rd *r, size_t len, const char *field)
{
	struct rd sub = *r;
	const uint8_t *p = rd_bytes(r, len, field);

	if (p) {
		sub.end = p + len;
	} else {
		sub.bad = r->bad;
		sub.bad_at = r->bad_at;
		sub.p = sub.end;
	}
	return sub;
}

enum err
rd_done(const struct rd *r, struct why *why, const char *clause)
{
	if (!r->bad)
		return ERR_OK;
	return err_set(why, ERR_SHORT, r->bad, r->bad_at, clause);
}

void
wr_zero(struct wr *w, size_t len)
{
	uint8_t *p = wr_take(w, len);

	if (p)
		memset(p, 0, len);
}

void
wr_patch_u16(struct wr *w, size_t at, uint16_t v)
{
	if (w->bad || at + 2 > w->len)
		return;
	w->base[at] = (uint8_t)(v >> 8);
	w->base[at + 1] = (uint8_t)v;
}

void
wr_patch_u32(struct wr *w, size_t at, uint32_t v)
{
	wr_patch_u16(w, at, (uint16_t)(v >> 16));
	wr_patch_u16(w, at + 2, (uint16_t)v);
}

enum err
wr_done(const struct wr *w)
{
	return w->bad ? ERR_FULL : ERR_OK;
}
