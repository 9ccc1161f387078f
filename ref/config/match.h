/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_CONFIG_MATCH_H
#define BATON_CONFIG_MATCH_H

/*
 * One line against one pattern.
 *
 * A pattern is words separated by blanks. A word in lower case stands for itself; these are places:
 *   N1-255   a number within the range        A.B.C.D  an address
 *   MASK     a netmask (contiguous)           WORD     any word of at most 31 characters (KEY: of any length)
 *   NET      any | host A.B.C.D | A.B.C.D and a wildcard mask (as access-lists write it)
 *   PORT     nothing, or eq and a number      REST     whatever follows, nothing included
 *   one|two  any one of these words
 * A word or a place in brackets may be left out.
 */
#include "ref/config/config.h"

#define MATCH_WORDS 24
#define MATCH_ARGS 10

struct line {
	char text[256];		     /* copied, cut into words */
	const char *word[MATCH_WORDS]; /* into text */
	unsigned col[MATCH_WORDS + 1]; /* from 1; the last one: behind the line */
	unsigned cnt;
};

/* What stood at the n-th place of the pattern (bracketed words count as places too). */
struct arg {
	bool has;
	uint32_t num;
	ip4_t ip;
	uint8_t len; /* prefix length: MASK, NET */
	const char *text;
};

/* How far the best pattern got, and what could have stood there. */
struct progress {
	unsigned word; /* index of the word that did not fit */
	char expected[400];
};

/* Cut src (len octets) into words; false: too long, or too many words. */
bool line_cut(struct line *l, const char *src, size_t len);
/* true: it fits, args filled. false: *p (or NULL) is raised to where it stopped, if that is further. */
bool line_match(const struct line *l, const char *pattern, struct arg args[MATCH_ARGS],
	struct progress *p);

#endif
