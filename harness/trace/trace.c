/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trace in memory. Frames' bytes and all texts live in an arena of chunks that never move and
 * go together; the records are two growing arrays. The lab writes it while the world runs; the
 * judge and the cases read it; write.c and read.c are its two ways to a file.
 *
 * It does not: reorder, forget, or decode.
 */
#include "harness/trace/trace_in.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK ((size_t)1 << 20)

struct chunk {
	struct chunk *next;
	size_t used, cap;
	uint8_t bytes[];
};

static void *
must(void *p)
{
	if (!p) {
		fputs("trace: out of memory\n", stderr);
		abort();
	}
	return p;
}

static uint8_t *
arena_take(struct trace *t, size_t len)
{
	struct chunk *c = t->arena;

	if (!c || c->cap - c->used < len) {
		size_t cap = len > CHUNK ? len : CHUNK;

		c = must(malloc(sizeof(*c) + cap));
		*c = (struct chunk){.next = t->arena, .cap = cap};
		t->arena = c;
	}
	c->used += len;
	return c->bytes + c->used - len;
}

static char *
arena_text(struct trace *t, const char *text)
{
	size_t len = strlen(text) + 1;

	return memcpy(arena_take(t, len), text, len);
}

const char *
trace_text(struct trace *t, const char *text)
{
	return arena_text(t, text);
}

/* Make room for one more record of `size` bytes. */
static void *
grow(void *array, size_t cnt, size_t *cap, size_t size)
{
	if (cnt < *cap)
		return array;
	*cap = *cap ? *cap * 2 : 256;
	return must(reallocarray(array, *cap, size));
}

struct trace *
trace_new(const struct trace_port *ports, size_t cnt)
{
	struct trace *t = calloc(1, sizeof(*t));

	assert(cnt > 0 && cnt <= TRACE_PORTS);
	if (!t)
		return NULL;
	t->port_cnt = cnt;
	for (size_t i = 0; i < cnt; i++) {
		t->ports[i] = ports[i];
		t->ports[i].name = arena_text(t, ports[i].name);
	}
	return t;
}

void
trace_free(struct trace *t)
{
	if (!t)
		return;
	while (t->arena) {
		struct chunk *c = t->arena;

		t->arena = c->next;
		free(c);
	}
	free(t->frames);
	free(t->events);
	free(t->secrets);
	free(t->notes);
	free(t);
}

size_t
trace_ports(const struct trace *t)
{
	return t->port_cnt;
}

const struct trace_port *
trace_port(const struct trace *t, size_t port)
{
	assert(port < t->port_cnt);
	return &t->ports[port];
}

size_t
trace_add(struct trace *t, ns_t at, size_t port, const void *bytes, size_t len)
{
	uint8_t *copy = arena_take(t, len);

	assert(port < t->port_cnt && len <= UINT32_MAX);
	if (t->cnt > 0 && at < t->frames[t->cnt - 1].at)
		at = t->frames[t->cnt - 1].at;
	if (len > 0)
		memcpy(copy, bytes, len);
	t->frames = grow(t->frames, t->cnt, &t->cap, sizeof(*t->frames));
	t->frames[t->cnt] = (struct frame){
		.at = at,
		.bytes = copy,
		.len = (uint32_t)len,
		.port = (uint8_t)port,
	};
	return t->cnt++;
}

void
trace_fate(struct trace *t, size_t no, unsigned fate, unsigned to)
{
	assert(no < t->cnt);
	t->frames[no].fate = (uint8_t)(t->frames[no].fate | fate);
	t->frames[no].to = (uint16_t)(t->frames[no].to | to);
}

void
trace_comment(struct trace *t, size_t no, const char *text)
{
	struct frame *f = &t->frames[no];
	char *both;
	size_t len;

	assert(no < t->cnt);
	if (!f->comment) {
		f->comment = arena_text(t, text);
		return;
	}
	len = strlen(f->comment) + strlen(text) + 3;
	both = (char *)arena_take(t, len);
	snprintf(both, len, "%s; %s", f->comment, text);
	f->comment = both;
}

size_t
trace_len(const struct trace *t)
{
	return t->cnt;
}

const struct frame *
trace_frame(const struct trace *t, size_t no)
{
	assert(no < t->cnt);
	return &t->frames[no];
}

void
trace_event_add(struct trace *t, const struct trace_event *e)
{
	struct trace_event *to;

	t->events = grow(t->events, t->event_cnt, &t->event_cap, sizeof(*t->events));
	to = &t->events[t->event_cnt++];
	*to = *e;
	to->before = t->cnt;
	to->text = arena_text(t, e->text ? e->text : trace_event_name(e->kind));
}

size_t
trace_events(const struct trace *t)
{
	return t->event_cnt;
}

const struct trace_event *
trace_event(const struct trace *t, size_t i)
{
	assert(i < t->event_cnt);
	return &t->events[i];
}

const char *
trace_event_name(enum trace_event_kind k)
{
	static const char *const names[EVENT_CNT] = {
		[EVENT_START] = "start",
		[EVENT_STOP] = "stop",
		[EVENT_EXIT] = "exit",
		[EVENT_CRASH] = "crash",
		[EVENT_POWER_OFF] = "power off",
		[EVENT_CABLE_OUT] = "cable out",
		[EVENT_CABLE_IN] = "cable in",
		[EVENT_PARTITION] = "partition",
		[EVENT_HEAL] = "heal",
		[EVENT_LOSS] = "loss",
		[EVENT_DELAY] = "delay",
		[EVENT_COPY] = "copy",
		[EVENT_REORDER] = "reordering",
		[EVENT_CORRUPT] = "corruption",
		[EVENT_SLOW] = "slow line",
		[EVENT_STALL] = "stalled line",
		[EVENT_MARK] = "mark",
		[EVENT_ROUTE_ADD] = "route in",
		[EVENT_ROUTE_DEL] = "route out",
	};

	return k < EVENT_CNT ? names[k] : "?";
}

static bool
fits(const struct trace *t, const struct frame *f, const struct trace_want *w)
{
	if (w->ports && !(w->ports & 1u << f->port))
		return false;
	if (w->from_who && t->ports[f->port].who != w->from_who)
		return false;
	if (f->at < w->after || (w->before && f->at >= w->before))
		return false;
	return !w->fits || w->fits(f, w->ctx);
}

size_t
trace_next(const struct trace *t, size_t from, const struct trace_want *w)
{
	for (size_t i = from; i < t->cnt; i++)
		if (fits(t, &t->frames[i], w))
			return i;
	return TRACE_NONE;
}

size_t
trace_last(const struct trace *t, const struct trace_want *w)
{
	for (size_t i = t->cnt; i-- > 0;)
		if (fits(t, &t->frames[i], w))
			return i;
	return TRACE_NONE;
}

size_t
trace_count(const struct trace *t, const struct trace_want *w)
{
	size_t cnt = 0;

	for (size_t i = 0; i < t->cnt; i++)
		cnt += fits(t, &t->frames[i], w);
	return cnt;
}

void
trace_secrets(struct trace *t, const char *text)
{
	size_t len = strlen(text);

	t->secrets = must(realloc(t->secrets, t->secrets_len + len + 1));
	memcpy(t->secrets + t->secrets_len, text, len + 1);
	t->secrets_len += len;
}

void
trace_note(struct trace *t, const char *text)
{
	size_t len = strlen(TRACE_MARK "note ") + strlen(text) + 1;

	t->notes = must(realloc(t->notes, t->notes_len + len + 1));
	snprintf(t->notes + t->notes_len, len, TRACE_MARK "note %s", text);
	t->notes_len += len;
	t->notes[t->notes_len] = '\0';
}

const char *
trace_noted(const struct trace *t, const char *key)
{
	const char *at = t->notes;
	size_t len = strlen(key), mark = strlen(TRACE_MARK "note ");

	for (; at && *at; at += strlen(at) + 1)
		if (!strncmp(at + mark, key, len) && at[mark + len] == ' ')
			return at + mark + len + 1;
	return NULL;
}

const char *
trace_tls_keys(const struct trace *t)
{
	return t->secrets ? t->secrets : "";
}

bool
trace_is_ours(const struct trace *t)
{
	return t->ours;
}
