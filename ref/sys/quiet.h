/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_SYS_QUIET_H
#define BATON_SYS_QUIET_H

/*
 * Who floods the router shall not flood its log: of one kind of line so many a second pass, the
 * others are counted, and the count is told with the next line of that kind that passes. Counters
 * of the router miss nothing meanwhile (show counters).
 *
 * Pure; fixed in size. When more kinds come within a second than it has places for, the kind that
 * was seen first gives up its place, and a count that it had is told with the next line of any kind.
 */
#include <stdbool.h>
#include <stdint.h>

#include "ref/base/time.h"

#define QUIET_KINDS 32
#define QUIET_LINES 20 /* of a kind, a second */

struct quiet {
	struct {
		const void *kind; /* NULL: free */
		ns_t from;	  /* of its second */
		uint32_t passed, withheld;
	} at[QUIET_KINDS];
	uint64_t lost; /* counts of kinds that gave up their places */
};

/* A line of that kind (a literal's address) at that time, which does not go back: does it pass? If
 * it does, *withheld is how many were not told before it. */
bool quiet_pass(struct quiet *q, const void *kind, ns_t now, uint64_t *withheld);

#endif
