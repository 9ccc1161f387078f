/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "ref/base/cursor.h"

void
rd_init(struct rd *r, const void *bytes, size_t len)
{
	static const uint8_t none;

	r->base = bytes ? bytes : &none;
	r->p = r->base;
	r->end = r->base + (bytes ? len : 0);
	r->bad = NULL;
	r->bad_at = 0;
}

void
rd_fail(struct rd *r, const char *field)
{
	if (!r->bad) {
		r->bad = field;
		r->bad_at = rd_offset(r);
	}
	r->p = r->end;
}

const uint8_t *
rd_bytes(struct rd *r, size_t len, const char *field)
{
	const uint8_t *p = r->p;

	if (r->bad || len > rd_left(r)) {
		rd_fail(r, field);
		return NULL;
	}
	r->p += len;
	return p;
}

static uint64_t
number(struct rd *r, size_t len, const char *field)
{
	const uint8_t *p = rd_bytes(r, len, field);
	uint64_t v = 0;

	for (size_t i = 0; p && i < len; i++)
		v = v << 8 | p[i];
	return v;
}

uint8_t
rd_u8(struct rd *r, const char *field)
{
	return (uint8_t)number(r, 1, field);
}

uint16_t
rd_u16(struct rd *r, const char *field)
{
	return (uint16_t)number(r, 2, field);
}

uint32_t
rd_u32(struct rd *r, const char *field)
{
	return (uint32_t)number(r, 4, field);
}

uint64_t
rd_u64(struct rd *r, const char *field)
{
	return number(r, 8, field);
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

void
rd_skip(struct rd *r, size_t len, const char *field)
{
	(void)rd_bytes(r, len, field);
}

size_t
rd_left(const struct rd *r)
{
	return (size_t)(r->end - r->p);
}

size_t
rd_offset(const struct rd *r)
{
	return (size_t)(r->p - r->base);
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
wr_init(struct wr *w, void *buf, size_t cap)
{
	w->base = buf;
	w->len = 0;
	w->cap = cap;
	w->bad = false;
}

uint8_t *
wr_take(struct wr *w, size_t len)
{
	uint8_t *p;

	if (w->bad || len > w->cap - w->len) {
		w->bad = true;
		return NULL;
	}
	p = w->base + w->len;
	w->len += len;
	return p;
}

static void
number_put(struct wr *w, uint64_t v, size_t len)
{
	uint8_t *p = wr_take(w, len);

	for (size_t i = len; p && i-- > 0; v >>= 8)
		p[i] = (uint8_t)v;
}

void
wr_u8(struct wr *w, uint8_t v)
{
	number_put(w, v, 1);
}

void
wr_u16(struct wr *w, uint16_t v)
{
	number_put(w, v, 2);
}

void
wr_u32(struct wr *w, uint32_t v)
{
	number_put(w, v, 4);
}

void
wr_u64(struct wr *w, uint64_t v)
{
	number_put(w, v, 8);
}

void
wr_bytes(struct wr *w, const void *src, size_t len)
{
	uint8_t *p = wr_take(w, len);

	if (p && len)
		memcpy(p, src, len);
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
