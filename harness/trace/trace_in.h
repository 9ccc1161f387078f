/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_TRACE_TRACE_IN_H
#define BATON_TRACE_TRACE_IN_H

/* What the files of harness/trace share, and nobody else sees. */
#include "harness/trace/trace.h"

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
};

#endif
