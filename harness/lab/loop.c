/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time, as every lab has it: what happened first is handled first, one event a step. Where the
 * clock comes from and what else may happen is the lab's kind (netns.c, sim.c); here are the
 * deadlines of stations, faults and disturbances, and the waits that cases are made of.
 */
#include "harness/lab/lab_in.h"

#include <stdio.h>

ns_t
loop_deadline(const struct lab *l, int *station)
{
	ns_t first = ns_min(fault_deadline(l), disturb_deadline(l));

	*station = -1;
	for (int p = PORT_PEER; p < PORT_CNT; p++) {
		const struct lab_station *s = &l->port[p].station;
		ns_t due;

		if (!l->port[p].attached || !s->deadline)
			continue;
		due = s->deadline(s->self);
		if (due < first) {
			first = due;
			*station = p;
		}
	}
	return first;
}

void
loop_advance(struct lab *l, ns_t to)
{
	if (to > l->now)
		l->now = to;
}

void
loop_fire(struct lab *l, ns_t due, int station)
{
	loop_advance(l, due);
	if (station >= 0) {
		const struct lab_station *s = &l->port[station].station;

		s->tick(s->self, l->now);
		return;
	}
	disturb_due(l, l->now);
	fault_due(l, l->now);
}

void
loop_limit(struct lab *l, ns_t clock)
{
	if (clock <= l->limit)
		return;
	l->limit = NS_NEVER;
	l->over(l->over_ctx);
}

void
lab_limit(struct lab *l, ns_t at, void (*over)(void *ctx), void *ctx)
{
	l->limit = at;
	l->over = over;
	l->over_ctx = ctx;
}

void
loop_step(struct lab *l, ns_t until)
{
	if (!switch_waiting(l))
		l->kind->step(l, until);
}

bool
lab_until(struct lab *l, const char *what, ns_t limit, bool (*pred)(void *ctx), void *ctx)
{
	/* A world that lags behind the clock (a lab that was held up) catches up first. */
	ns_t clock = l->kind->clock(l), from = clock > l->now ? clock : l->now, until = from + limit;
	bool came = pred(ctx);

	while (!came && l->now < until) {
		loop_step(l, until);
		came = pred(ctx);
	}
	snprintf(l->waited, sizeof(l->waited), "waited %.3f s for %.180s: %s",
		(double)(l->now - from) / (double)NS_PER_S, what,
		came ? "it came" : "it did not come");
	return came;
}

static bool
never(void *ctx)
{
	(void)ctx;
	return false;
}

void
lab_run(struct lab *l, ns_t span)
{
	lab_until(l, "time to pass", span, never, NULL);
}

const char *
lab_waited(const struct lab *l)
{
	return l->waited;
}
