/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_CONFIG_CONFIG_H
#define BATON_CONFIG_CONFIG_H

/*
 * The IOS-style language (a subset; see docs/configuration.md) -> struct cfg.
 *
 * Each command is a pattern of words and typed places in one table; the matcher finds the pattern, and where none
 * fits, tells the column that it got to, what stands there, and what could have stood there. All or
 * nothing: on a refusal *cfg is left as it was.
 */
#include "ref/node/cfg.h"

struct config_error {
	unsigned line, col; /* from 1; line 0: about the whole file */
	char found[64];
	char expected[400]; /* or the reason for a refusal */
	bool refused;	    /* known words, refused on purpose: expected says why */
};

/*
 * Parse text (NUL-terminated, borrowed). false: *err says why, and *cfg is unchanged.
 */
bool config_parse(const char *text, struct cfg *cfg, struct config_error *err);
/*
 * The same, but the lines are added to what *cfg says already, as at a console: a command written again
 * replaces, a `no` takes back.
 */
bool config_merge(const char *text, struct cfg *cfg, struct config_error *err);
/*
 * The configuration as text that config_parse reads back to the same; what is at its default is left
 * out. At most cap octets with the NUL; the length it has or would have. Keys are written as they are
 * if `keys`, and as <removed> if not.
 */
size_t config_print(const struct cfg *cfg, bool keys, char *dst, size_t cap);
/* "name:line:col: found ..., expected ..." into dst. */
void config_error_text(const struct config_error *err, const char *name, char *dst, size_t cap);

#endif
