/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_BIN_RUN_WORDS_H
#define BATON_BIN_RUN_WORDS_H

/* The command line of list, run, mutants and explain. */
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/run/run.h"

struct words {
	unsigned jobs, rounds;
	unsigned limit_s; /* 0: each case's own */
	unsigned slowest; /* that --durations shows; 0: all */
	size_t before; /* with last_failed: cases that have a result of an earlier run */
	bool verbose, keep, tap, list_json, seeded, stop_early, recheck, last_failed, durations, trace, pause, sim;
	uint64_t seed;
	char more[1024]; /* what repeats a case beside id and seed: " --suite ./x.so --lab sim" */
	const char *out, *json, *junit, *words;
	struct run_selection chosen; /* to be freed, whatever was returned */
};

extern const struct option words_run[], words_mutants[], words_list[], words_explain[];

/* 0; EXIT_USAGE, and it was said; or 3. `letters` as for getopt, with ':' first. */
int words_parse(struct words *w, int argc, char **argv, const char *letters,
	const struct option *longs);

#endif
