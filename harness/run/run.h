/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_RUN_RUN_H
#define BATON_RUN_RUN_H

/*
 * Choosing cases and running them: each in a process, in namespaces and in a lab of its own, as a
 * Check test with a limit of time; several side by side. A result is a JSON object, verdict.json:
 * {id, verdict, by, reason, seconds, laws, figures, fields, frames, notes, artifacts, ...}.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/run/case.h"
#include "harness/run/verdict.h"

/* The chosen cases, sorted by id; the array is owned by the caller (run_selection_free). */
struct run_selection {
	const struct case_def **cases;
	size_t cnt;
	size_t each; /* of them different: cases[i] and cases[i + each] are rounds of one case */
};

enum run_select { RUN_SELECTED, RUN_NO_MATCH, RUN_DUPLICATE };
/*
 * All cases whose id begins with one of the prefixes (none given: all). RUN_NO_MATCH: *word is the
 * prefix that matches nothing. RUN_DUPLICATE: *word is an id that two cases claim.
 */
enum run_select run_select(char *const *prefixes, size_t cnt, struct run_selection *out,
	const char **word);
void run_selection_free(struct run_selection *s);
/* Keep those whose id, requirement, sentence or mutant hold each of the words, whatever the case of
 * their letters. */
void run_keep_words(struct run_selection *s, const char *words);
/* Keep those of which that folder has a result that is a failure, an error or inconclusive. How many
 * of all have any result there. */
size_t run_keep_failed(struct run_selection *s, const char *out);
/* Every case so many times, all in each round. */
void run_repeat(struct run_selection *s, unsigned rounds);
size_t run_round(const struct run_selection *s, size_t index); /* from 0 */

/*
 * Open a suite that was built elsewhere (docs/writing-a-case.md): its cases are then known as any
 * others. It stays open. False and a text in err (LAB_ERR bytes): not there, holds no case, or was
 * built against the headers of another Baton.
 */
bool run_load_suite(const char *path, char *err);
/* The source file that holds a case. */
const char *run_source(const struct case_def *d);

struct run_options {
	bool sim;	   /* the lab; false: netns */
	const char *twind; /* program of both members */
	bool mutants;	   /* run each case with --mutant <its mutant> */
	const char *out;   /* folder of the results */
	unsigned jobs;	   /* labs side by side, at least 1 */
	uint64_t seed;	   /* of the run; each case's is made of it, the round and the id */
	unsigned limit_s;  /* of each case, wall clock; 0: its own */
	bool recheck;	   /* what was inconclusive is run once more, alone, when the rest is done:
			    * it counts by that, and its result has the first reason as "first" */
	/* NULL, or asked all the time: true (a signal came) ends what runs, which is skipped, as is
	 * all the rest. It stays true. */
	bool (*interrupted)(void);
	bool stop_early;   /* start none after one that failed: they are skipped */
	bool follow;	   /* each frame's line is written to this process's standard output */
	/* Called in the caller's process when a case begins; may be NULL. */
	void (*begun)(void *ctx, size_t index);
	/*
	 * NULL, or: a case that failed keeps its lab up until this returns. pid: process 1 of its
	 * namespaces; dir: its folder; reason: borrowed.
	 */
	void (*paused)(void *ctx, size_t index, pid_t pid, const char *dir, const char *reason);
	/* Called in the caller's process as results come, in any order; r is borrowed. */
	void (*done)(void *ctx, size_t index, const json_t *r);
	void *ctx;
};

/* The results, an array in the order of the selection; owned by the caller. NULL and a text in err
 * (LAB_ERR bytes) if the folder cannot be made. */
json_t *run_all(const struct run_selection *s, const struct run_options *o, char *err);

/* The seed of one case within a run; round n has the run's seed + n. */
uint64_t run_seed(uint64_t seed, const char *id);

/* ---- results.c: where results lie ---- */

/* "<out>/<id with / as ->" into dst, with ".2" behind it for the second round; false if it does not
 * fit. */
bool run_dir(const char *out, const char *id, size_t round, char *dst, size_t cap);
/* Make a folder and its parents; false and errno. */
bool run_make_dir(const char *path);
/* The files in a folder, and the folder if it is empty then. */
void run_remove_dir(const char *dir);
/* Of a result; VERDICT_ERROR if it has none that is known: that is Baton's own failure. */
enum verdict run_verdict(const json_t *result);
/* Its verdict, when it last ran in that round; VERDICT_CNT if it did not. */
enum verdict run_last_verdict(const char *out, const char *id, size_t round);
/* Remove the folders of earlier results in out, and nothing else: those with a verdict.json of the
 * case that the folder is named after. How many. */
size_t run_clean(const char *out);

#endif
