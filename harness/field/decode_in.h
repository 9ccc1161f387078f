/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_FIELD_DECODE_IN_H
#define BATON_FIELD_DECODE_IN_H

/* Decoding by the tables, between its files: what decode.c offers to the walkers. */
#include "harness/field/formats.h"

/* Note what is wrong, if nothing was yet. Always false. */
bool field_bad(struct msg *m, enum err e, const char *field, size_t at, const char *clause);
/* One layer in [*at, end); *at moves behind its own fields. False if it is malformed. */
bool field_lay(struct msg *m, const struct field_format *f, size_t *at, size_t end);
/* The last of that name; its value, 0 if there is none. */
const struct field *field_last_named(const struct msg *m, const char *name);
size_t field_value_of(const struct msg *m, const char *name);
/* The two octets at `at`; ERR_SHORT, in the name of `field`, if they are behind end. */
bool field_peek_u16(struct msg *m, size_t at, size_t end, const char *field, size_t *v);

/* ---- decode_isakmp.c ---- */

/* Payloads from `type` on; what is behind the last is padding, legal only where `padded`. */
bool field_walk_chain(struct msg *m, uint8_t type, size_t at, size_t end, bool padded);
bool field_walk_isakmp(struct msg *m, size_t at, size_t end);

#endif
