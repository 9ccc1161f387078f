/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_RUN_LAWS_H
#define BATON_RUN_LAWS_H

/*
 * The seam to the judge. The runner hands the whole trace of a case, frozen, to one function and
 * reports what it says, law by law. Until a judge is set there are no laws.
 */
#include <stddef.h>
#include <stdint.h>

#include "harness/keys/keyring.h"
#include "harness/trace/trace.h"

#define LAWS_MAX 16
#define LAW_TEXT 512

enum law_verdict { LAW_HELD, LAW_BROKEN, LAW_NOTHING, LAW_SUSPENDED };

struct law_result {
	int law;	  /* its number in design.md, 1 to 9 */
	const char *name; /* a literal: "uniqueness" */
	uint64_t judged;  /* packets */
	enum law_verdict verdict;
	size_t frame;	     /* that broke it, or TRACE_NONE */
	char text[LAW_TEXT]; /* what was expected and seen; or which fault suspended it */
};

struct laws_in {
	const struct trace *trace;	   /* borrowed */
	const struct keyring *keys;	   /* borrowed */
	ns_t hello, hold;		   /* of the pair */
	uint32_t replay_in, replay_out;	   /* its replay-intervals, packets */
	ns_t margin;			   /* on every instant */
	unsigned skip;			   /* bit n: law n does not apply to this case */
};

/* Fills at most LAWS_MAX results; returns how many. Pure. */
typedef size_t laws_judge(const struct laws_in *in, struct law_result *out);

void laws_set(laws_judge *judge);
laws_judge *laws_get(void); /* NULL: none */

#endif
