/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_BASE_SECRET_H
#define BATON_BASE_SECRET_H

/*
 * Keys sit in a struct secret: fixed room, a length, wiped by name, never printed. Copying one is
 * an ordinary assignment; whoever holds a copy wipes it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECRET_MAX 64

struct secret {
	uint8_t b[SECRET_MAX];
	uint8_t len; /* bytes in use */
};

/* Copy len (at most SECRET_MAX: asserted) bytes in. */
void secret_set(struct secret *s, const void *bytes, size_t len);
void secret_wipe(struct secret *s);
/* Wipe any memory; the compiler may not drop it. */
void wipe(void *p, size_t len);
/* Compare len bytes in a time that does not depend on where they differ. */
bool equal_ct(const void *a, const void *b, size_t len);

#endif
