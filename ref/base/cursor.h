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

#include "ref/base/err.h"

struct rd {
	const uint8_t *base; /* start of the whole message, for offsets */
	const uint8_t *p;
	const uint8_t *end;
	const char *bad; /* NULL, or the first field that did not fit */
	size_t bad_at;	 /* its offset from base */
};

void rd_init(struct rd *r, const void *bytes, size_t len);
uint8_t rd_u8(struct rd *r, const char *field);
uint16_t rd_u16(struct rd *r, const char *field);
uint32_t rd_u32(struct rd *r, const char *field);
uint64_t rd_u64(struct rd *r, const char *field);
/* Borrow len bytes; NULL if they are not there (or len is 0 on a bad cursor). */
const uint8_t *rd_bytes(struct rd *r, size_t len, const char *field);
/* Copy len bytes to dst; zeros if they are not there. */
void rd_copy(struct rd *r, void *dst, size_t len, const char *field);
void rd_skip(struct rd *r, size_t len, const char *field);
size_t rd_left(const struct rd *r);
size_t rd_offset(const struct rd *r);
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

void wr_init(struct wr *w, void *buf, size_t cap);
void wr_u8(struct wr *w, uint8_t v);
void wr_u16(struct wr *w, uint16_t v);
void wr_u32(struct wr *w, uint32_t v);
void wr_u64(struct wr *w, uint64_t v);
void wr_bytes(struct wr *w, const void *src, size_t len);
void wr_zero(struct wr *w, size_t len);
/* Room of len bytes to be filled by the caller; NULL if there is none. Borrowed. */
uint8_t *wr_take(struct wr *w, size_t len);
/* Overwrite two bytes at an earlier offset (length fields known only afterwards). */
void wr_patch_u16(struct wr *w, size_t at, uint16_t v);
void wr_patch_u32(struct wr *w, size_t at, uint32_t v);
/* ERR_OK, or ERR_FULL if something did not fit. */
enum err wr_done(const struct wr *w) MUST_CHECK;

#endif
