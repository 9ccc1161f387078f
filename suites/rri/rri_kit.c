/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "suites/rri/rri_kit.h"

bool
rri_kit_routed(const struct world *w, enum lab_member m)
{
	return lab_routed(w->lab, m, LAB_REMOTE_NET, RRI_KIT_LEN);
}

struct ask {
	const struct world *w;
	enum lab_member m;
	bool there;
};

static bool
as_asked(void *ctx)
{
	const struct ask *a = ctx;

	return rri_kit_routed(a->w, a->m) == a->there;
}

static const char *
in_words(enum lab_member m, bool there, char *buf, size_t cap)
{
	(void)snprintf(buf, cap, "a route to 10.2.0.0/24 %s %s", there ? "at" : "to be gone from",
		lab_member_name(m));
	return buf;
}

/* The kernel may say it before its event has come into the trace. */
static bool
settled(struct world *w, bool ok)
{
	if (ok)
		lab_run(w->lab, 100 * NS_PER_MS);
	return ok;
}

bool
rri_kit_await(struct world *w, enum lab_member m, bool there, ns_t limit)
{
	struct ask a = {w, m, there};
	char what[80];

	return settled(
		w, case_await(w->c, in_words(m, there, what, sizeof what), limit, as_asked, &a));
}

bool
rri_kit_reach(struct world *w, enum lab_member m, bool there, ns_t limit)
{
	struct ask a = {w, m, there};
	char what[80];

	return settled(
		w, case_reach(w->c, in_words(m, there, what, sizeof what), limit, as_asked, &a));
}

bool
rri_kit_expect(struct world *w, enum lab_member m, bool there, const char *when)
{
	return case_expect(w->c, rri_kit_routed(w, m) == there,
		"expected %s route to 10.2.0.0/24 at %s %s", there ? "a" : "no", lab_member_name(m),
		when);
}

static enum trace_who
who_of(enum lab_member m)
{
	return m == LAB_A ? WHO_A : WHO_B;
}

size_t
rri_kit_events(const struct world *w, enum lab_member m, enum trace_event_kind kind, ns_t from,
	ns_t to, struct trace_event *last)
{
	const struct trace *t = lab_trace(w->lab);
	size_t n = 0;

	for (size_t i = 0; i < trace_events(t); i++) {
		const struct trace_event *e = trace_event(t, i);

		if (e->kind != kind || e->who != who_of(m) || e->at < from || e->at >= to)
			continue;
		if (last)
			*last = *e;
		n++;
	}
	return n;
}

static bool
is_ours(const struct trace_event *e, enum lab_member m)
{
	return e->who == who_of(m) && e->value == LAB_REMOTE_NET && e->prefix_len == RRI_KIT_LEN;
}

ns_t
rri_kit_overlap(const struct world *w, ns_t from)
{
	const struct trace *t = lab_trace(w->lab);
	bool there[LAB_MEMBERS] = {false};
	ns_t sum = 0, since = NS_NEVER;

	for (size_t i = 0; i < trace_events(t); i++) {
		const struct trace_event *e = trace_event(t, i);

		for (int m = 0; m < LAB_MEMBERS; m++) {
			if (e->kind == EVENT_ROUTE_ADD && is_ours(e, (enum lab_member)m))
				there[m] = true;
			else if ((e->kind == EVENT_ROUTE_DEL && is_ours(e, (enum lab_member)m)) ||
				 (e->kind == EVENT_POWER_OFF &&
					 e->who == who_of((enum lab_member)m)))
				there[m] = false;
		}
		if (there[LAB_A] && there[LAB_B] && since == NS_NEVER)
			since = e->at;
		if (!(there[LAB_A] && there[LAB_B]) && since != NS_NEVER) {
			sum += e->at - since > 0 && e->at > from
				       ? e->at - (since > from ? since : from)
				       : 0;
			since = NS_NEVER;
		}
	}
	return since == NS_NEVER ? sum : sum + lab_now(w->lab) - (since > from ? since : from);
}
