/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults with a length: from the event that begins one to the event that ends it, or to the end of
 * the trace. A partition is one of its segment, a cable and a disturbance one of its port. Of two
 * at one place that overlap any end may end either: together they last as long.
 */
#include "harness/judge/scene.h"

static struct scene_span *
open_span(struct scene *s, const struct trace_event *e, enum trace_event_kind kind)
{
	for (size_t i = 0; i < s->span_cnt; i++) {
		struct scene_span *p = &s->span[i];

		if (p->kind == kind && p->to == NS_NEVER && p->segment == e->segment &&
			(kind == EVENT_PARTITION || p->port == e->port))
			return p;
	}
	return NULL;
}

static void
begin(struct scene *s, const struct trace_event *e)
{
	s->span = scene_more(s->span, s->span_cnt, &s->span_cap, sizeof(*s->span));
	s->span[s->span_cnt++] = (struct scene_span){.kind = e->kind,
		.segment = e->segment,
		.port = e->port,
		.side = scene_side(e->who),
		.value = e->value,
		.from = e->at,
		.to = NS_NEVER};
}

static void
end(struct scene *s, const struct trace_event *e, enum trace_event_kind kind)
{
	struct scene_span *p = open_span(s, e, kind);

	if (!p)
		return;
	p->to = e->at;
	/* What was delayed last comes so much later. */
	if (kind == EVENT_DELAY)
		p->to += (ns_t)p->value * NS_PER_US;
}

/* A machine without power comes back with its cables in. */
static void
end_cables(struct scene *s, const struct trace_event *e)
{
	for (size_t i = 0; i < s->span_cnt; i++) {
		struct scene_span *p = &s->span[i];

		if (p->kind == EVENT_CABLE_OUT && p->to == NS_NEVER && p->side >= 0 &&
			p->side == scene_side(e->who))
			p->to = e->at;
	}
}

static void
take_event(struct scene *s, const struct trace_event *e)
{
	switch (e->kind) {
	case EVENT_PARTITION:
		end(s, e, EVENT_PARTITION);
		begin(s, e);
		break;
	case EVENT_HEAL:
		end(s, e, EVENT_PARTITION);
		break;
	case EVENT_CABLE_OUT:
		begin(s, e);
		break;
	case EVENT_CABLE_IN:
		end(s, e, EVENT_CABLE_OUT);
		break;
	case EVENT_LOSS:
	case EVENT_DELAY:
	case EVENT_CORRUPT:
	case EVENT_SLOW:
	case EVENT_STALL:
		/* Older traces have no value at a corruption: it begins where none is. */
		if (e->value || (e->kind == EVENT_CORRUPT && !open_span(s, e, e->kind)))
			begin(s, e);
		else
			end(s, e, e->kind);
		break;
	case EVENT_POWER_OFF:
		end_cables(s, e);
		break;
	case EVENT_START:
	case EVENT_STOP:
	case EVENT_EXIT:
	case EVENT_CRASH:
	case EVENT_COPY:
	case EVENT_REORDER:
	case EVENT_MARK:
	case EVENT_ROUTE_ADD:
	case EVENT_ROUTE_DEL:
	case EVENT_CNT:
		break;
	}
}

/* What waits for a slow line when it ends goes on as slowly: one queue for each way. */
static void
drain(struct scene *s, struct scene_span *p)
{
	ns_t end[2] = {p->from, p->from};

	for (size_t i = 0; p->value && p->to != NS_NEVER && i < s->cnt; i++) {
		const struct frame *f = trace_frame(s->t, i);
		ns_t *way = &end[f->port != p->port];

		if (f->at >= p->from && f->at < p->to &&
			(f->port == p->port || f->to & 1u << p->port))
			*way = (*way > f->at ? *way : f->at) +
			       (ns_t)((uint64_t)f->len * (uint64_t)NS_PER_S / p->value);
	}
	for (int i = 0; i < 2; i++)
		if (end[i] > p->to)
			p->to = end[i];
}

void
scene_read_spans(struct scene *s)
{
	for (size_t i = 0; i < trace_events(s->t); i++)
		take_event(s, trace_event(s->t, i));
	for (size_t i = 0; i < s->span_cnt; i++)
		if (s->span[i].kind == EVENT_SLOW)
			drain(s, &s->span[i]);
}

bool
scene_overlaps(const struct scene_span *p, ns_t from, ns_t to)
{
	return p->from <= to && from <= p->to;
}
