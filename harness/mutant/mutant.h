/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_MUTANT_MUTANT_H
#define BATON_MUTANT_MUTANT_H

/*
 * Named wrong behaviours. A mutant is the reference router with one rule changed: it must be possible for a case to
 * fail, and the case that names the mutant must fail under it, at its own assertion. A mutant that breaks so much
 * that no tunnel comes up proves nothing; each of these still carries traffic.
 */
#include "ref/node/node.h"

struct mutant {
	const char *name;
	const char *says; /* what it does wrong */
	void (*apply)(struct node_rules *r);
};

extern const struct mutant mutants[];
extern const unsigned mutant_cnt;
/* NULL if there is none of that name. */
const struct mutant *mutant_find(const char *name);

#endif
