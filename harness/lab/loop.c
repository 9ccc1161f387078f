/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time. One epoll, one timer, and one rule: what happened first is handled first. Frames carry the
 * kernel's receive stamp, deadlines carry their instant, and the earlier of the two goes next; so
 * a lab that was held up replays what it missed in order, and a busy CPU does not make a live
 * neighbour look dead. How far it was behind is measured (lab_late_ns).
 *
 * Every step handles one event: a queued frame, a frame from a port, a deadline, or the wait.
 * There is no sleep and no polling.
 */
#include "harness/lab/lab_in.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

static void
set_timer(struct lab *l, ns_t at)
{
	struct itimerspec t = {
		.it_value = {.tv_sec = at / NS_PER_S, .tv_nsec = at % NS_PER_S},
	};

	if (timerfd_settime(l->timer, TFD_TIMER_ABSTIME, &t, NULL) != 0)
		abort();
}

static void
drain_timer(struct lab *l)
{
	uint64_t cnt;

	/* EAGAIN: it was set again before we looked. */
	if (read(l->timer, &cnt, sizeof(cnt)) < 0 && errno != EAGAIN)
		abort();
}

/* Take in what epoll knows. True if anything but the timer spoke. */
static bool
take_in(struct lab *l, int timeout_ms)
{
	struct epoll_event e[16];
	int cnt = epoll_wait(l->epoll, e, 16, timeout_ms);
	bool any = false;

	for (int i = 0; i < cnt; i++) {
		uint32_t tag = e[i].data.u32;

		any = any || tag != TAG_TIMER;
		if (tag < PORT_CNT)
			l->port[tag].readable = true;
		else if (tag == TAG_TIMER)
			drain_timer(l);
		else if (tag == TAG_ASK)
			ask_event(l);
		else if (tag >= TAG_GUEST)
			guest_event(l, tag - TAG_GUEST);
		else if (tag >= TAG_ROUTES)
			routes_event(l, (enum lab_member)(tag - TAG_ROUTES));
		else
			member_reap(l, (enum lab_member)(tag - TAG_PROCESS), false);
	}
	return any;
}

/* The next frame of a port; those of a port without power or cable are discarded, and counted. */
static void
fill_head(struct lab *l, int p, ns_t epoch, ns_t clock)
{
	struct port *port = &l->port[p];
	int got;

	while ((got = link_next(port->link, &port->head)) == 1) {
		port->head_at = port->head.at - epoch;
		if (port->on && port->plugged) {
			port->has_head = true;
			if (clock - port->head_at > l->late)
				l->late = clock - port->head_at;
			return;
		}
		if (p < MEMBER_PORTS)
			l->node[p / NODE_IFS].suppressed++;
	}
	port->readable = false;
}

/* The port with the oldest frame, or -1. */
static int
oldest(struct lab *l, ns_t clock)
{
	ns_t epoch = lab_epoch(l);
	int first = -1;

	for (int p = 0; p < PORT_CNT; p++) {
		struct port *port = &l->port[p];

		if (port->link && port->readable && !port->has_head)
			fill_head(l, p, epoch, clock);
		if (port->has_head && (first < 0 || port->head_at < l->port[first].head_at))
			first = p;
	}
	return first;
}

static void
heartbeat(struct lab *l, ns_t clock)
{
	if (clock - l->beat_due > l->late)
		l->late = clock - l->beat_due;
	for (int m = 0; m < LAB_MEMBERS; m++)
		member_lateness(l, (enum lab_member)m);
	l->beat_due = clock + HEARTBEAT;
}

/* The earliest deadline; *station is the port of the station it is for, or -1. */
static ns_t
next_deadline(const struct lab *l, int *station)
{
	ns_t first = ns_min(ns_min(l->beat_due, fault_deadline(l)), disturb_deadline(l));

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

static void
advance(struct lab *l, ns_t to)
{
	if (to > l->now)
		l->now = to;
}

static void
fire(struct lab *l, ns_t due, int station, ns_t clock)
{
	advance(l, due);
	if (station >= 0) {
		const struct lab_station *s = &l->port[station].station;

		s->tick(s->self, l->now);
		return;
	}
	disturb_due(l, l->now);
	fault_due(l, l->now);
	if (l->beat_due <= due)
		heartbeat(l, clock);
}

static void
wait_until(struct lab *l, ns_t until)
{
	set_timer(l, until);
	if (!take_in(l, -1))
		advance(l, ns_min(until, lab_clock()));
}

static void
keep_limit(struct lab *l, ns_t clock)
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
	ns_t clock, due;
	int p, station;

	if (switch_waiting(l))
		return;
	take_in(l, 0);
	clock = lab_clock();
	keep_limit(l, clock);
	p = oldest(l, clock);
	due = next_deadline(l, &station);
	if (p >= 0 && (l->port[p].head_at <= due || due > clock)) {
		struct port *port = &l->port[p];

		advance(l, port->head_at);
		port->has_head = false;
		switch_frame(l, (enum lab_port)p, port->head.bytes, port->head.len, 0, -1);
	} else if (due <= clock) {
		fire(l, due, station, clock);
	} else {
		wait_until(l, ns_min(due, until));
	}
}

bool
lab_until(struct lab *l, const char *what, ns_t limit, bool (*pred)(void *ctx), void *ctx)
{
	/* A world that lags behind the clock (a lab that was held up) catches up first. */
	ns_t clock = lab_clock(), from = clock > l->now ? clock : l->now, until = from + limit;
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
