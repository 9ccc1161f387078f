/* SPDX-License-Identifier: BSD-2-Clause */
#include "ref/sys/quiet.h"

#include <stddef.h>

/* The place of that kind, or one for it. */
static size_t
place(struct quiet *q, const void *kind, ns_t now)
{
	size_t oldest = 0;

	for (size_t i = 0; i < QUIET_KINDS; i++) {
		if (q->at[i].kind == kind)
			return i;
		if (!q->at[i].kind || (q->at[oldest].kind && q->at[i].from < q->at[oldest].from))
			oldest = i;
	}
	q->lost += q->at[oldest].withheld;
	q->at[oldest].kind = kind;
	q->at[oldest].from = now;
	q->at[oldest].passed = q->at[oldest].withheld = 0;
	return oldest;
}

bool
quiet_pass(struct quiet *q, const void *kind, ns_t now, uint64_t *withheld)
{
	size_t i = place(q, kind, now);

	if (now - q->at[i].from >= NS_PER_S) {
		q->at[i].from = now;
		q->at[i].passed = 0;
	}
	if (q->at[i].passed == QUIET_LINES) {
		q->at[i].withheld++;
		return false;
	}
	q->at[i].passed++;
	*withheld = q->at[i].withheld + q->lost;
	q->at[i].withheld = 0;
	q->lost = 0;
	return true;
}
