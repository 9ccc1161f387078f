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
/* "name:line:col: found ..., expected ..." into dst. */
void config_error_text(const struct config_error *err, const char *name, char *dst, size_t cap);

#endif
