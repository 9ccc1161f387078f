/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_CONFIG_COMMANDS_H
#define BATON_CONFIG_COMMANDS_H

/* The commands of the language, by mode: pattern -> what it does to the configuration. */
#include "ref/config/match.h"

enum mode { MODE_GLOBAL, MODE_IF, MODE_POLICY, MODE_TSET, MODE_MAP, MODE_SSP };

/* Where the parser stands: the struct being filled and the things that sub-modes speak about. */
struct parse {
	struct cfg *cfg;
	enum mode mode;
	struct cfg_if *iface;
	struct cfg_policy *policy;
	struct cfg_tset *tset;
	struct cfg_map *map;
	struct cfg_ssp *ssp;
	unsigned line;
	const char *wrong; /* set by a handler that cannot do it: the reason */
};

struct command {
	enum mode mode;
	const char *pattern;
	void (*run)(struct parse *p, const struct arg *a); /* NULL: refused */
	const char *why_not;				   /* of a refused one */
};

extern const struct command commands[];
extern const unsigned command_cnt;

/* What only the whole file can tell; true, or *err filled. */
bool config_check(struct cfg *cfg, struct config_error *err);

#endif
