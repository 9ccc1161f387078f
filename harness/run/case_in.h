/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_RUN_CASE_IN_H
#define BATON_RUN_CASE_IN_H

/* What the files of harness/run share, and no suite sees. */
#include <jansson.h>
#include <setjmp.h>

#include "harness/run/case.h"
#include "harness/run/laws.h"

#define CASE_PATH 512
#define CASE_TEXT 1024
#define CASE_LATE (20 * NS_PER_MS) /* a lab that was later than that gives no verdict on time */
#define CASE_AT_END 16

/* What a case is run with; all borrowed for as long as it runs. */
struct case_env {
	bool sim; /* the lab; false: netns */
	const char *twind;
	const char *mutant; /* NULL: none */
	const char *dir;    /* the case's own folder; exists, empty */
	uint64_t seed;	    /* this case's */
	unsigned limit_s;   /* 0: what the case says itself */
	int pause;	    /* where a failed case says why, and waits for a word; -1 */
	int follow;	    /* where a line goes for each frame; -1: nowhere */
};

/* Wall-clock seconds for the function of a case; env may be NULL. */
unsigned case_limit_s(const struct case_def *def, const struct case_env *env);

struct case_run {
	const struct case_def *def;
	const struct case_env *env;
	struct lab *lab;
	struct keyring ring;
	struct lab_text knobs;
	struct verdict_facts facts;
	bool over;	   /* decided: what comes now is ignored */
	bool was_late;
	bool paused; /* once is enough */
	char reason[CASE_TEXT];
	json_t *fields, *frames, *figures, *notes;
	struct {
		void (*fn)(struct case_run *c, void *ctx);
		void *ctx;
	} at_end[CASE_AT_END];
	size_t at_end_cnt;
	jmp_buf leave;
};

/* The tables that CASE_SUITE made known, in no order. */
const struct case_suite *case_suites(void);
/* Only the tables that were known then; no other is read again. */
void case_suites_back(const struct case_suite *then);

/* Run the case, judge it, write its folder. The result (verdict.json's content) is owned by the
 * caller. Must be called within lab_enclose. */
json_t *case_execute(const struct case_def *def, const struct case_env *env);

/* A result for a case that had no chance to give its own. Owned by the caller. */
json_t *case_result(const struct case_def *def, enum verdict v, const char *reason);
/* Write it to <dir>/verdict.json and list the folder's files in it as artifacts. */
void case_save(json_t *result, const char *dir);

/* Did the lab stand still for so long that the members' hold times may have run out by that alone? */
#define CASE_STALL (LAB_HOLD_MS / 2 * NS_PER_MS)
bool case_stalled(const struct case_run *c);

/* How much of an overrun the lab's lateness could explain (docs/decisions/0006). */
ns_t case_excusable(struct case_run *c);

#endif
