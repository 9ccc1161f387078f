/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_BASE_ERR_H
#define BATON_BASE_ERR_H

/*
 * Refusals.
 *
 * A function that can refuse its input returns `enum err` and fills a `struct why`: which field,
 * at which offset in the whole message, by which clause. All three are string literals or numbers,
 * so a refusal costs nothing and leaks nothing of what the peer sent.
 *
 * Peers cause errors, programmers cause asserts: no function here is called on a broken contract.
 */
#include <stddef.h>

enum err {
	ERR_OK = 0,
	ERR_SHORT,	 /* the bytes end before the field does */
	ERR_LENGTH,	 /* a length field contradicts the bytes */
	ERR_VALUE,	 /* a field has a value that its clause forbids */
	ERR_CHECKSUM,	 /* a checksum does not match */
	ERR_AUTH,	 /* an ICV, hash or shared string does not match */
	ERR_REPLAY,	 /* seen before, or left of the window */
	ERR_INOPPORTUNE,	 /* right bytes at the wrong moment */
	ERR_UNKNOWN,	 /* names something that is not here: SPI, cookie, group, map */
	ERR_UNSUPPORTED, /* legal, and not done here */
	ERR_FULL,	 /* no room is left for it */
	ERR_CNT
};

/* Why something was refused. `field` and `clause` are string literals (borrowed for ever). */
struct why {
	const char *field;
	const char *clause;
	size_t offset; /* bytes from the start of the message that the caller was given */
};

#define MUST_CHECK __attribute__((warn_unused_result))

/* The word for an error ("short", "length", ...); never NULL. */
const char *err_name(enum err e);

/* Fill *why (if not NULL) and return e, so that a refusal is one line. */
enum err err_set(struct why *why, enum err e, const char *field, size_t offset, const char *clause);

#endif
