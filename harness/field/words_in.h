/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_FIELD_WORDS_IN_H
#define BATON_FIELD_WORDS_IN_H

/* What the files of words share: names of values, defaults of shorthands, suggestions. */
#include "harness/field/words.h"

struct words_reader {
	struct words_in *in;
	struct words *w;
	struct words_why *why;
	const struct field_format *formats[LAYER_MAX];
	size_t format_cnt;
	int depth; /* braces around it */
};

/* Say what is wrong at a place of the text. Always false. */
bool words_fail(const struct words_reader *r, size_t at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
bool words_is_space(char c);
/* The octet at a place; a space behind the end. */
char words_look(const struct words_reader *r, size_t at);
bool words_over(const struct words_reader *r);
/* Octets up to a space, a brace or one of `stops`, which are "=" first, or no digits and letters.
 */
size_t words_span(const struct words_reader *r, const char *stops);
/* The text there, for a message: at most 40 octets of it, what is not printable left out. */
const char *words_shown(const struct words_reader *r, size_t at, size_t len, char *dst);
/* One message, up to the next one, the end or a closing brace. */
bool words_message(struct words_reader *r);
/* The value that stands there, for the nth field of that definition. */
bool words_value(struct words_reader *r, const struct field_def *d, size_t nth);

/* The number that a name stands for in that field; false if it is none. */
bool words_name(const char *field, const char *name, size_t len, uint64_t *value);
/* The names that a field takes, for a message: "hello, coup, resign"; "" if there are none. */
const char *words_names_of(const char *field, char *text, size_t cap);

/*
 * A shorthand to its whole layers: "hsrp" becomes "eth/ipv4/udp/hsrp". True if it was one; then
 * words_preset may be asked for the values that such a message needs beside its tables' own.
 */
bool words_expand(const char *layers, char *whole, size_t cap);
/* Set what a shorthand brings along, where w has no set of its own. False if w is full. */
bool words_preset(struct words *w);

/* The known name that looks most like the one given, among the layers' fields first; NULL. */
const char *words_like(const char *name, const char *layers);
/* The same among the formats. */
const char *words_like_format(const char *name);

/* Append one set. bytes NULL: a value. False if w is full. */
bool words_add(struct words *w, const struct field_def *d, size_t nth, uint64_t value,
	const void *bytes, size_t len);

#endif
