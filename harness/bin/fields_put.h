/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_BIN_FIELDS_PUT_H
#define BATON_BIN_FIELDS_PUT_H

/* A frame's line for `baton fields`: Wireshark's names, and the values as tshark -T fields has
 * them. */
#include "harness/field/field.h"

#define FIELDS_NAMES 64
#define FIELDS_VALUES 4096

/* One frame's line: values gathered by name. */
struct fields_line {
	size_t cnt;
	struct {
		const char *name;
		char values[FIELDS_VALUES];
	} at[FIELDS_NAMES];
};

/* One more value of that name (a literal). */
void fields_value(struct fields_line *l, const char *name, const char *text);
/* fmt: "d" decimal, "x" 0x and two digits, "X" eight. */
void fields_num(struct fields_line *l, const char *name, const char *fmt, uint64_t v);
/* The message's fields whose own names begin with `from`. */
void fields_all(struct fields_line *l, const struct msg *m, const char *from);
/* What is malformed in it. */
void fields_refuse(struct fields_line *l, const struct msg *m);

#endif
