/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_BASE_HEX_H
#define BATON_BASE_HEX_H

/* Bytes to lower-case hexadecimal and back. */
#include <stddef.h>
#include <stdint.h>

/* Write 2 * len digits and a NUL to dst (cap bytes); truncates at a whole byte. Returns dst. */
char *hex_put(char *dst, size_t cap, const void *src, size_t len);

/* Read digits (NUL-terminated, even count) into dst; bytes read, or -1 on anything else. */
long hex_get(uint8_t *dst, size_t cap, const char *digits);

#endif
