/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scene: its memory, its frames, who is who and who lives; and how a law speaks. The reading
 * of ESP, IKE, HSRP and SSP is in scene_esp.c, scene_ike.c, scene_pair.c and scene_sync.c, that of
 * the faults in scene_spans.c.
 */
#include "harness/judge/scene.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *
must(void *p)
{
	if (!p) {
		fputs("judge: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *
scene_more(void *array, size_t cnt, size_t *cap, size_t size)
{
	if (cnt < *cap)
		return array;
	*cap = *cap ? *cap * 2 : 64;
	return must(reallocarray(array, *cap, size));
}

/* Each byte of the trace can be put together once, opened once, and kept once as IKE. */
static size_t
pool_needed(const struct trace *t)
{
	size_t sum = 0;

	for (size_t i = 0; i < trace_len(t); i++)
		sum += trace_frame(t, i)->len;
	return 3 * sum + 1;
}

uint8_t *
scene_room(struct scene *s, size_t len)
{
	uint8_t *p = s->pool + s->pool_len;

	if (s->pool_cap - s->pool_len < len) {
		fputs("judge: the pool is too small\n", stderr);
		abort();
	}
	s->pool_len += len;
	return p;
}

void
scene_init(struct scene *s, const struct laws_in *in)
{
	*s = (struct scene){.in = in, .t = in->trace, .cnt = trace_len(in->trace)};
	s->pkt = must(calloc(s->cnt + 1, sizeof(*s->pkt)));
	s->pool_cap = pool_needed(in->trace);
	s->pool = must(malloc(s->pool_cap));
	for (size_t i = 0; i < s->cnt; i++) {
		const struct frame *f = trace_frame(s->t, i);

		/* What is malformed keeps the fields that were good. */
		(void)pkt_parse(&s->pkt[i], f->bytes, f->len);
	}
	scene_read_spans(s);
	scene_read_esp(s);
	scene_read_ike(s);
	scene_read_roles(s);
	scene_read_sync(s);
}

void
scene_free(struct scene *s)
{
	free(s->pkt);
	free(s->esp);
	free(s->big);
	free(s->ike);
	free(s->sa);
	free(s->role);
	free(s->take);
	free(s->fall);
	free(s->loss);
	free(s->span);
	if (s->pool)
		wipe(s->pool, s->pool_len);
	free(s->pool);
	*s = (struct scene){0};
}

int
scene_side(enum trace_who who)
{
	return who == WHO_A ? SIDE_A : who == WHO_B ? SIDE_B : -1;
}

bool
scene_started(const struct scene *s, int side, ns_t from, ns_t to)
{
	for (size_t i = 0; i < trace_events(s->t); i++) {
		const struct trace_event *e = trace_event(s->t, i);

		if (e->kind == EVENT_START && scene_side(e->who) == side && e->at > from &&
			e->at <= to)
			return true;
	}
	return false;
}

char
scene_letter(int side)
{
	return side == SIDE_A ? 'A' : side == SIDE_B ? 'B' : '?';
}

int
scene_sender(const struct scene *s, size_t frame)
{
	const struct frame *f = trace_frame(s->t, frame);

	if (f->fate & FATE_INJECTED)
		return -1;
	return scene_side(trace_port(s->t, f->port)->who);
}

enum trace_segment
scene_segment(const struct scene *s, size_t frame)
{
	return trace_port(s->t, trace_frame(s->t, frame)->port)->segment;
}

unsigned
scene_ports(const struct scene *s, int side, enum trace_segment seg)
{
	unsigned bits = 0;

	for (size_t p = 0; p < trace_ports(s->t); p++) {
		const struct trace_port *port = trace_port(s->t, p);

		if (scene_side(port->who) == side && port->segment == seg)
			bits |= 1u << p;
	}
	return bits;
}

bool
scene_live(const struct scene *s, int side, ns_t at)
{
	bool live = true, told = false;

	for (size_t i = 0; i < trace_events(s->t); i++) {
		const struct trace_event *e = trace_event(s->t, i);

		if (scene_side(e->who) != side)
			continue;
		if (e->kind == EVENT_START && !told)
			live = e->at <= at;
		told = told || e->kind == EVENT_START;
		if (e->at > at)
			break;
		if (e->kind == EVENT_START)
			live = true;
		else if (e->kind == EVENT_STOP || e->kind == EVENT_EXIT || e->kind == EVENT_CRASH ||
			e->kind == EVENT_POWER_OFF)
			live = false;
	}
	return live;
}

void
scene_broken(struct law_result *r, size_t frame, const char *fmt, ...)
{
	va_list ap;

	if (r->verdict == LAW_BROKEN)
		return;
	r->verdict = LAW_BROKEN;
	r->frame = frame;
	va_start(ap, fmt);
	vsnprintf(r->text, sizeof(r->text), fmt, ap);
	va_end(ap);
}

void
scene_note(struct law_result *r, const char *fmt, ...)
{
	size_t len = strlen(r->text);
	va_list ap;

	if (r->verdict == LAW_BROKEN || len + 3 >= sizeof(r->text))
		return;
	if (len)
		len += (size_t)snprintf(r->text + len, sizeof(r->text) - len, "; ");
	va_start(ap, fmt);
	vsnprintf(r->text + len, sizeof(r->text) - len, fmt, ap);
	va_end(ap);
}
