/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_REPORT_REPORT_H
#define BATON_REPORT_REPORT_H

/*
 * Results for people and for machines: text, JSON, TAP 14, JUnit. A report says what the results
 * say and decides nothing; all of it can be made again from the verdict.json files. Results are
 * the array that run_all returns; all arguments are borrowed, returned json_t are owned by the
 * caller.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/run/run.h"
#include "harness/run/verdict.h"

struct report_meta {
	const char *version; /* of Baton */
	const char *device;  /* "reference" */
	const char *lab;     /* "netns" */
	const char *out;     /* folder of the results */
	uint64_t seed;
	const char *more; /* what repeats a case beside its id and the seed; NULL: nothing */
	bool color; /* of the verdicts: a terminal that wants it (report_colors) */
};
/* Whether `to` is a terminal that shows colours, and NO_COLOR is not set. */
bool report_colors(FILE *to);

/* "id", and " #2" behind it in the second round; in dst. */
const char *report_name(const json_t *result, char *dst, size_t cap);
void report_tally(const json_t *results, struct verdict_tally *t);

/* ---- text ---- */
/* One line as a case ends; beneath it, what failed and why, and the figures. */
void report_case(FILE *to, const json_t *result, size_t nth, size_t of, bool verbose,
	const struct report_meta *m);
/* The slowest cases (cnt 0: all), the slowest first. */
void report_durations(FILE *to, const json_t *results, size_t cnt);
/* All that is known of a case; says: what its mutant does (NULL: not known); last: its last result,
 * or NULL. */
void report_explain(FILE *to, const struct case_def *d, const char *file, const char *mutant_says,
	const json_t *last, const struct report_meta *m);
/* What was not a plain pass, by verdict; the last line is "N passed, N failed, N skipped". */
void report_end(FILE *to, const json_t *results);
void report_list(FILE *to, const struct run_selection *s);
void report_mutant(FILE *to, const json_t *result, size_t nth, size_t of);
/* The table of what survived, and the count. True if every case killed its mutant. */
bool report_mutants_end(FILE *to, const json_t *results);

/* ---- JSON ---- */
json_t *report_list_json(const struct run_selection *s);
json_t *report_run_json(const json_t *results, const struct report_meta *m);
json_t *report_mutants_json(const json_t *results);
/* Write to a path, "-" = stdout. False and a text in err (PLACE_ERR octets, trace/place.h). */
bool report_put_json(const json_t *j, const char *path, char *err);

/* ---- others ---- */
void report_tap(FILE *to, const json_t *results);
/* As report_put_json. */
bool report_junit(const char *path, const json_t *results, char *err);

#endif
