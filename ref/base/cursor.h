/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_BASE_CURSOR_H
#define BATON_BASE_CURSOR_H

/*
 * Cursors: the only way in which bytes are read or written.
 *
 * A cursor turns bad once and stays bad. A bad reader yields zeros, remembers the name and the
 * offset of the first field that did not fit, and is asked once, at the end (rd_done). A bad
 * writer writes nothing more (wr_done). Numbers are big-endian on the wire, host order in C.
 *
 * All memory is borrowed: a cursor owns nothing, and rd_bytes returns a pointer into the input.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "ref/base/err.h"

struct rd {
	const uint8_t *base; /* start of the whole message, for offsets */
	const uint8_t *p;
	const uint8_t *end;
	const char *bad; /* NULL, or the first field that did not fit */
	size_t bad_at;	 /* its offset from base */
};

static inline void rd_init(struct rd *r, const void *bytes, size_t len);
static inline uint8_t rd_u8(struct rd *r, const char *field);
static inline uint16_t rd_u16(struct rd *r, const char *field);
static inline uint32_t rd_u32(struct rd *r, const char *field);
static inline uint64_t rd_u64(struct rd *r, const char *field);
/* Borrow len bytes; NULL if they are not there (or len is 0 on a bad cursor). */
static inline const uint8_t *rd_bytes(struct rd *r, size_t len, const char *field);
/* Copy len bytes to dst; zeros if they are not there. */
void rd_copy(struct rd *r, void *dst, size_t len, const char *field);
static inline void rd_skip(struct rd *r, size_t len, const char *field);
static inline size_t rd_left(const struct rd *r);
static inline size_t rd_offset(const struct rd *r);
/* A reader over the next len bytes; offsets still count from the whole message. Moves r on. */
struct rd rd_sub(struct rd *r, size_t len, const char *field);
/* Mark the cursor bad at its present place. */
void rd_fail(struct rd *r, const char *field);
/* ERR_OK, or ERR_SHORT with *why filled from the first bad field. */
enum err rd_done(const struct rd *r, struct why *why, const char *clause) MUST_CHECK;

struct wr {
	uint8_t *base;
	size_t len; /* bytes written */
	size_t cap;
	bool bad;
};

static inline void wr_init(struct wr *w, void *buf, size_t cap);
static inline void wr_u8(struct wr *w, uint8_t v);
static inline void wr_u16(struct wr *w, uint16_t v);
static inline void wr_u32(struct wr *w, uint32_t v);
static inline void wr_u64(struct wr *w, uint64_t v);
static inline void wr_bytes(struct wr *w, const void *src, size_t len);
void wr_zero(struct wr *w, size_t len);
/* Room of len bytes to be filled by the caller; NULL if there is none. Borrowed. */
static inline uint8_t *wr_take(struct wr *w, size_t len);
/* Overwrite two bytes at an earlier offset (length fields known only afterwards). */
void wr_patch_u16(struct wr *w, size_t at, uint16_t v);
void wr_patch_u32(struct wr *w, size_t at, uint32_t v);
/* ERR_OK, or ERR_FULL if something did not fit. */
enum err wr_done(const struct wr *w) MUST_CHECK;

/* ---- in line: the short ones, which a packet needs fifty times ---- */

static inline void
rd_init(struct rd *r, const void *bytes, size_t len)
{
	static const uint8_t none;

	r->base = bytes ? (const uint8_t *)bytes : &none;
	r->p = r->base;
	r->end = r->base + (bytes ? len : 0);
	r->bad = NULL;
	r->bad_at = 0;
}

static inline size_t
rd_left(const struct rd *r)
{
	return (size_t)(r->end - r->p);
}

static inline size_t
rd_offset(const struct rd *r)
{
	return (size_t)(r->p - r->base);
}

static inline const uint8_t *
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

static inline void
rd_skip(struct rd *r, size_t len, const char *field)
{
	(void)rd_bytes(r, len, field);
}

static inline uint8_t
rd_u8(struct rd *r, const char *field)
{
	const uint8_t *p = rd_bytes(r, 1, field);

	return p ? p[0] : 0;
}

static inline uint16_t
rd_u16(struct rd *r, const char *field)
{
	const uint8_t *p = rd_bytes(r, 2, field);

	return (uint16_t)(p ? p[0] << 8 | p[1] : 0);
}

/* Written out, so that the compiler sees one load (and below, one store) and a turn of its bytes. */
static inline uint32_t
rd_u32(struct rd *r, const char *field)
{
	const uint8_t *p = rd_bytes(r, 4, field);

	return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

static inline uint64_t
rd_u64(struct rd *r, const char *field)
{
	const uint8_t *p = rd_bytes(r, 8, field);

	return p ? (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 | (uint64_t)p[2] << 40 |
			       (uint64_t)p[3] << 32 | (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 |
			       (uint64_t)p[6] << 8 | p[7]
		 : 0;
}

static inline void
wr_init(struct wr *w, void *buf, size_t cap)
{
	w->base = (uint8_t *)buf;
	w->len = 0;
	w->cap = cap;
	w->bad = false;
}

static inline uint8_t *
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

static inline void
wr_u8(struct wr *w, uint8_t v)
{
	uint8_t *p = wr_take(w, 1);

	if (p)
		p[0] = v;
}

static inline void
wr_u16(struct wr *w, uint16_t v)
{
	uint8_t *p = wr_take(w, 2);

	if (!p)
		return;
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void
wr_u32(struct wr *w, uint32_t v)
{
	uint8_t *p = wr_take(w, 4);

	if (!p)
		return;
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static inline void
wr_u64(struct wr *w, uint64_t v)
{
	uint8_t *p = wr_take(w, 8);

	if (!p)
		return;
	p[0] = (uint8_t)(v >> 56);
	p[1] = (uint8_t)(v >> 48);
	p[2] = (uint8_t)(v >> 40);
	p[3] = (uint8_t)(v >> 32);
	p[4] = (uint8_t)(v >> 24);
	p[5] = (uint8_t)(v >> 16);
	p[6] = (uint8_t)(v >> 8);
	p[7] = (uint8_t)v;
}

static inline void
wr_bytes(struct wr *w, const void *src, size_t len)
{
	uint8_t *p = wr_take(w, len);

	if (p && len)
		memcpy(p, src, len);
}

#endif
