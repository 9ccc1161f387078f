/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_RUN_VERDICT_H
#define BATON_RUN_VERDICT_H

/*
 * Verdicts, how they combine, and what the program's exit code is. Pure functions: the whole
 * authority of a run stands on them, so they are here alone, and verdict_test.c pins them down.
 */
#include <stdbool.h>
#include <stddef.h>

enum verdict {
	VERDICT_PASS,
	VERDICT_FAIL,
	VERDICT_INCONCLUSIVE, /* no stimulus, no precondition, or the lab was late */
	VERDICT_ERROR,	      /* Baton itself failed, or the lab could not be set up */
	VERDICT_SKIP,
	VERDICT_UNSUPPORTED, /* the device description said so beforehand */
	VERDICT_XFAIL,	     /* failed, as the description expects */
	VERDICT_XPASS,	     /* passed, though the description expects a failure */
	VERDICT_CNT
};

/* "pass", "fail", ...; the words of docs/laws.md. */
const char *verdict_name(enum verdict v);
/* VERDICT_CNT if it is none of them. */
enum verdict verdict_from_name(const char *name);

/* Who said fail. Only BY_CASE counts as the kill of a mutant. */
enum verdict_by { BY_NONE, BY_CASE, BY_LAW, BY_DEATH, BY_CNT };
const char *verdict_by_name(enum verdict_by b);
enum verdict_by verdict_by_from_name(const char *name);

/* What is known when a case's process has done its work. */
struct verdict_facts {
	bool setup_failed;   /* the lab could not be set up, or Baton failed */
	bool finished;	     /* the case function came to its end */
	unsigned checks;     /* expectations that the case evaluated */
	bool failed;	     /* its first deciding statement was a failure */
	bool gave_up;	     /* its first deciding statement was "inconclusive" */
	bool missing;	     /* other people's software that it needs is not installed */
	unsigned laws_failed;
	bool law_missing;    /* a law that the case needs judged nothing */
	bool frames_dropped; /* a capture buffer overflowed */
	bool member_died;    /* a router's process ended by itself */
	bool expect_fail;    /* the description expects a failure */
};

struct verdict_sum {
	enum verdict verdict;
	enum verdict_by by;
	const char *why; /* a literal; "" when the case's own text says it */
};

struct verdict_sum verdict_decide(const struct verdict_facts *f);

/* True if this outcome of a run under a mutant kills it. */
bool verdict_kills(enum verdict v, enum verdict_by by);

struct verdict_tally {
	unsigned cnt[VERDICT_CNT];
};
void verdict_count(struct verdict_tally *t, enum verdict v);

/* docs/laws.md: 3, 1, 5, 4, 0, the first that applies. (2 is for usage, before any run.) */
int verdict_exit(const struct verdict_tally *t);

/* The three numbers of a run's last line. */
struct verdict_line {
	unsigned passed, failed, skipped;
};
struct verdict_line verdict_last_line(const struct verdict_tally *t);

#define EXIT_USAGE 2

#endif
