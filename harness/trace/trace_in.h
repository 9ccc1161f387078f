/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_TRACE_TRACE_IN_H
#define BATON_TRACE_TRACE_IN_H

/* What the files of harness/trace share, and nobody else sees. */
#include "harness/trace/trace.h"

/*
 * Lines of comments that a program reads back:
 *	TRACE_MARK "port N WHO SEGMENT"			of the section: numbers of the enums
 *	TRACE_MARK "note ..."				of the section: trace_note
 *	TRACE_MARK "event KIND AT WHO PORT SEGMENT VALUE PREFIX TEXT"	behind the frame it stands at
 *	TRACE_MARK "said TEXT"				of a frame: trace_comment
 * AT is nanoseconds since the epoch.
 */
#define TRACE_MARK "baton "

struct chunk;

struct trace {
	struct trace_port ports[TRACE_PORTS];
	size_t port_cnt;
	struct frame *frames;
	size_t cnt, cap;
	struct trace_event *events;
	size_t event_cnt, event_cap;
	struct chunk *arena; /* bytes of frames, and all texts */
	char *secrets;	     /* NUL-terminated, or NULL */
	size_t secrets_len;
	char *notes; /* lines with TRACE_MARK, each NUL-terminated, an empty one last; or NULL */
	size_t notes_len;
	bool ours; /* it was read from a file that trace_write made */
};

/* A copy in the trace's arena. */
const char *trace_text(struct trace *t, const char *text);

#endif
