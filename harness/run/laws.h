/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_RUN_LAWS_H
#define BATON_RUN_LAWS_H

/*
 * The seam to the judge. The runner hands the whole trace of a case, frozen, to one function and
 * reports what it says, law by law. Until a judge is set there are no laws.
 */
#include "harness/judge/judge.h"

/* Fills at most LAWS_MAX results; returns how many. Pure. */
typedef size_t laws_judge(const struct laws_in *in, struct law_result *out);

void laws_set(laws_judge *judge);
laws_judge *laws_get(void); /* NULL: none */

#endif
