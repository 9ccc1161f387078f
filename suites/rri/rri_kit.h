/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_SUITES_RRI_KIT_H
#define BATON_SUITES_RRI_KIT_H

/*
 * What the RRI cases share: the protected prefix in the members' kernels, now (lab_routed) and as
 * it came and went (the trace's route events).
 */
#include "harness/run/pair.h"

#define RRI_KIT_LEN 24			 /* of the prefix behind the peer */
#define RRI_KIT_SETTLE (500 * NS_PER_MS) /* for a route to come or go after its cause */

/* Has the member's kernel a route to the prefix behind the peer? */
bool rri_kit_routed(const struct world *w, enum lab_member m);
/* Wait for that (as an expectation), `there` or not. */
bool rri_kit_await(struct world *w, enum lab_member m, bool there, ns_t limit);
/* The same as a precondition. */
bool rri_kit_reach(struct world *w, enum lab_member m, bool there, ns_t limit);
/* It is now as it should be; `when` in words. */
bool rri_kit_expect(struct world *w, enum lab_member m, bool there, const char *when);
/* Route events of the member in [from, to); the last of them in *last (may be NULL). */
size_t rri_kit_events(const struct world *w, enum lab_member m, enum trace_event_kind kind,
	ns_t from, ns_t to, struct trace_event *last);
/* For how long in all the prefix was routed to both members at once, since `from`. */
ns_t rri_kit_overlap(const struct world *w, ns_t from);

#endif
