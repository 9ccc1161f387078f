/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults: at once, exactly after a frame, or at an instant. Each is an event in the trace at the
 * place where it happened. After a power off or a pulled cable the kernel may still hold frames
 * that were sent before: loop.c discards and counts them, so that not one crosses a port.
 */
#include "harness/lab/disturb.h"
#include "harness/lab/lab_in.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static void
tell(struct lab *l, enum trace_event_kind kind, const struct lab_fault *f, uint32_t value)
{
	char text[128] = "";
	struct trace_event e = {.kind = kind, .value = value, .text = text};
	const char *what = trace_event_name(kind);

	switch (f->kind) {
	case FAULT_POWER_OFF:
	case FAULT_CRASH:
	case FAULT_STOP:
		e.who = lab_port_who(lab_member_port(f->member, SEG_OUTSIDE));
		snprintf(text, sizeof(text), "%s of %s", what, lab_member_name(f->member));
		break;
	case FAULT_CABLE_OUT:
	case FAULT_CABLE_IN:
	case FAULT_LOSS:
		e.port = (uint8_t)f->port;
		e.who = lab_port_who(f->port);
		e.segment = lab_port_segment(f->port);
		snprintf(text, sizeof(text), "%s at %s (%u)", what, lab_port_name(f->port), value);
		break;
	case FAULT_PARTITION:
	case FAULT_HEAL:
		e.segment = f->segment;
		snprintf(text, sizeof(text), "%s of segment %d (far side 0x%x)", what,
			(int)f->segment, value);
		break;
	case FAULT_DISTURB:
	case FAULT_CALL:
		break;
	}
	lab_event(l, &e);
}

static void
power_off(struct lab *l, enum lab_member m)
{
	for (int s = 0; s < NODE_IFS; s++) {
		enum lab_port p = lab_member_port(m, (enum trace_segment)s);

		l->port[p].on = false;
		switch_forget(l, p);
	}
	member_kill(l, m, SIGKILL);
	l->kind->power_off(l, m);
}

static void
cable(struct lab *l, enum lab_port p, bool in)
{
	struct port *port = &l->port[p];

	if (port->plugged == in)
		return;
	port->plugged = in;
	if (!in)
		switch_forget(l, p);
	l->kind->cable(l, p, in);
}

static void
part(struct lab *l, enum trace_segment s, unsigned far)
{
	for (int p = 0; p < PORT_CNT; p++)
		if (lab_port_segment((enum lab_port)p) == s)
			l->port[p].side = far >> p & 1;
}

void
lab_fault(struct lab *l, const struct lab_fault *f)
{
	switch (f->kind) {
	case FAULT_POWER_OFF:
		tell(l, EVENT_POWER_OFF, f, 0);
		power_off(l, f->member);
		break;
	case FAULT_CRASH:
		tell(l, EVENT_CRASH, f, 0);
		member_kill(l, f->member, SIGKILL);
		break;
	case FAULT_STOP:
		tell(l, EVENT_STOP, f, 0);
		member_kill(l, f->member, SIGTERM);
		break;
	case FAULT_CABLE_OUT:
	case FAULT_CABLE_IN:
		tell(l, f->kind == FAULT_CABLE_IN ? EVENT_CABLE_IN : EVENT_CABLE_OUT, f, 0);
		cable(l, f->port, f->kind == FAULT_CABLE_IN);
		break;
	case FAULT_PARTITION:
		tell(l, EVENT_PARTITION, f, f->far);
		part(l, f->segment, f->far);
		break;
	case FAULT_HEAL:
		tell(l, EVENT_HEAL, f, 0);
		part(l, f->segment, 0);
		break;
	case FAULT_LOSS:
		tell(l, EVENT_LOSS, f, f->ppm);
		l->port[f->port].ppm = f->ppm;
		break;
	case FAULT_DISTURB:
		(void)lab_disturb(l, f->disturb);
		break;
	case FAULT_CALL:
		f->call(f->ctx);
		break;
	}
}

void
lab_power_off(struct lab *l, enum lab_member m)
{
	lab_fault(l, &(struct lab_fault){.kind = FAULT_POWER_OFF, .member = m});
}

void
lab_crash(struct lab *l, enum lab_member m)
{
	lab_fault(l, &(struct lab_fault){.kind = FAULT_CRASH, .member = m});
}

void
lab_stop(struct lab *l, enum lab_member m)
{
	lab_fault(l, &(struct lab_fault){.kind = FAULT_STOP, .member = m});
}

void
lab_cable(struct lab *l, enum lab_port p, bool in)
{
	lab_fault(l, &(struct lab_fault){.kind = in ? FAULT_CABLE_IN : FAULT_CABLE_OUT, .port = p});
}

void
lab_part(struct lab *l, enum trace_segment s, unsigned far)
{
	lab_fault(l, &(struct lab_fault){.kind = FAULT_PARTITION, .segment = s, .far = far});
}

void
lab_heal(struct lab *l, enum trace_segment s)
{
	lab_fault(l, &(struct lab_fault){.kind = FAULT_HEAL, .segment = s});
}

void
lab_loss(struct lab *l, enum lab_port p, uint32_t ppm)
{
	lab_fault(l, &(struct lab_fault){.kind = FAULT_LOSS, .port = p, .ppm = ppm});
}

static int
arm(struct lab *l, const struct armed *a)
{
	for (int i = 0; i < LAB_ARMED; i++) {
		if (l->armed[i].used && !l->armed[i].done)
			continue;
		l->armed[i] = *a;
		l->armed[i].used = true;
		l->armed[i].fired = TRACE_NONE;
		return i;
	}
	fputs("lab: more than LAB_ARMED faults armed at once\n", stderr);
	abort();
}

int
lab_after(struct lab *l, lab_match *match, void *ctx, const struct lab_fault *f)
{
	return arm(l, &(struct armed){.match = match, .ctx = ctx, .at = NS_NEVER, .fault = *f});
}

int
lab_at(struct lab *l, ns_t at, const struct lab_fault *f)
{
	return arm(l, &(struct armed){.at = at, .fault = *f});
}

size_t
lab_fired(const struct lab *l, int handle)
{
	return l->armed[handle].fired;
}

void
fault_after_frame(struct lab *l, size_t no)
{
	for (int i = 0; i < LAB_ARMED; i++) {
		struct armed *a = &l->armed[i];

		if (!a->used || a->done || !a->match)
			continue;
		if (!a->match(trace_frame(l->trace, no), a->ctx))
			continue;
		a->done = true;
		a->fired = no;
		lab_fault(l, &a->fault);
	}
}

ns_t
fault_deadline(const struct lab *l)
{
	ns_t first = NS_NEVER;

	for (int i = 0; i < LAB_ARMED; i++)
		if (l->armed[i].used && !l->armed[i].done)
			first = ns_min(first, l->armed[i].at);
	return first;
}

void
fault_due(struct lab *l, ns_t now)
{
	for (int i = 0; i < LAB_ARMED; i++) {
		struct armed *a = &l->armed[i];

		if (!a->used || a->done || a->match || a->at > now)
			continue;
		a->done = true;
		a->fired = trace_len(l->trace) ? trace_len(l->trace) - 1 : TRACE_NONE;
		lab_fault(l, &a->fault);
	}
}
