/* SPDX-License-Identifier: BSD-2-Clause */
/* A part of a trace as a trace of its own (trace_cut). */
#include "harness/trace/trace_in.h"

#include <string.h>

static void
copy_events(
	const struct trace *t, struct trace *to, size_t *next, size_t before, ns_t from, ns_t until)
{
	for (; *next < t->event_cnt && t->events[*next].before <= before; ++*next)
		if (t->events[*next].at >= from && t->events[*next].at < until)
			trace_event_add(to, &t->events[*next]);
}

static void
copy_frame(const struct frame *f, struct trace *to)
{
	size_t no = trace_add(to, f->at, f->port, f->bytes, f->len);

	trace_fate(to, no, f->fate, f->to);
	if (f->comment)
		trace_comment(to, no, f->comment);
}

struct trace *
trace_cut(const struct trace *t, ns_t from, ns_t until)
{
	struct trace *to = trace_new(t->ports, t->port_cnt);
	size_t event = 0, mark = strlen(TRACE_MARK "note ");

	if (!to)
		return NULL;
	for (size_t i = 0; i < t->cnt; i++) {
		copy_events(t, to, &event, i, from, until);
		if (t->frames[i].at >= from && t->frames[i].at < until)
			copy_frame(&t->frames[i], to);
	}
	copy_events(t, to, &event, t->cnt, from, until);
	for (const char *at = t->notes; at && *at; at += strlen(at) + 1)
		trace_note(to, at + mark);
	if (t->secrets)
		trace_secrets(to, t->secrets);
	if (to->cnt < t->cnt)
		trace_note(to, "cut a part of the whole");
	return to;
}
