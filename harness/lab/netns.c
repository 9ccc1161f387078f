/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lab `netns`: members are processes, machines are network namespaces, and the clock is the
 * machine's. One epoll, one timer, and one rule: what happened first is handled first. Frames carry
 * the kernel's receive stamp, deadlines carry their instant, and the earlier of the two goes next;
 * so a lab that was held up replays what it missed in order, and a busy CPU does not make a live
 * neighbour look dead. How far it was behind is measured (lab_late_ns).
 *
 * Its other files: enclose.c namespaces of the whole, net.c netlink, node.c one member's machine and
 * cables, member.c its process, routes.c what it routes, ask.c the consoles, pulse.c the kernel's own
 * lateness. It owns the namespace that it stands in, and the paths under /run/baton.
 */
#include "harness/lab/lab_in.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* ---- the clock ---- */

ns_t
lab_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ns_from_s(t.tv_sec) + t.tv_nsec;
}

static ns_t
clock_of(const struct lab *l)
{
	(void)l;
	return lab_clock();
}

static ns_t
epoch_of(const struct lab *l)
{
	struct timespec t;

	(void)l;
	clock_gettime(CLOCK_REALTIME, &t);
	return ns_from_s(t.tv_sec) + t.tv_nsec - lab_clock();
}

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

/* ---- one step ---- */

bool
lab_watch(struct lab *l, int fd, uint32_t tag, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.u32 = tag};

	return epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) == 0;
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
	ns_t epoch = epoch_of(l);
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

static void
fire(struct lab *l, ns_t due, int station, ns_t clock)
{
	loop_fire(l, due, station);
	if (station < 0 && l->beat_due <= due)
		heartbeat(l, clock);
}

static void
wait_until(struct lab *l, ns_t until)
{
	set_timer(l, until);
	if (!take_in(l, -1))
		loop_advance(l, ns_min(until, lab_clock()));
}

static void
step(struct lab *l, ns_t until)
{
	ns_t clock, due;
	int p, station;

	take_in(l, 0);
	clock = lab_clock();
	loop_limit(l, clock);
	p = oldest(l, clock);
	due = loop_deadline(l, &station);
	if (l->beat_due < due) {
		due = l->beat_due;
		station = -1;
	}
	if (p >= 0 && (l->port[p].head_at <= due || due > clock)) {
		struct port *port = &l->port[p];

		loop_advance(l, port->head_at);
		port->has_head = false;
		switch_frame(l, (enum lab_port)p, port->head.bytes, port->head.len, 0, -1);
	} else if (due <= clock) {
		fire(l, due, station, clock);
	} else {
		wait_until(l, ns_min(due, until));
	}
}

/* ---- opening and closing ---- */

static bool
open_loop(struct lab *l)
{
	l->home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return l->home >= 0 && l->epoll >= 0 && l->timer >= 0 &&
	       lab_watch(l, l->timer, TAG_TIMER, EPOLLIN);
}

static bool
open_lab(struct lab *l, char *err)
{
	bool ok = open_loop(l);

	if (!ok)
		snprintf(err, LAB_ERR, "lab: %s", strerror(errno));
	for (int m = 0; ok && m < LAB_MEMBERS; m++)
		ok = node_make(l, (enum lab_member)m, err);
	l->now = lab_clock();
	l->beat_due = l->now + HEARTBEAT;
	if (ok && !pulse_start(&l->pulse)) {
		snprintf(
			err, LAB_ERR, "lab: no thread for the kernel's pulse: %s", strerror(errno));
		return false;
	}
	return ok;
}

static void
close_lab(struct lab *l)
{
	guest_free(l);
	pulse_stop(&l->pulse);
	for (int m = 0; m < LAB_MEMBERS; m++)
		node_retire(l, (enum lab_member)m);
	if (l->home >= 0)
		close(l->home);
	if (l->timer >= 0)
		close(l->timer);
	if (l->epoll >= 0)
		close(l->epoll);
}

/* ---- cables, and the lab's own lateness ---- */

/* Refused only while the far end is going down: as good as unplugged. */
static bool
give(struct lab *l, enum lab_port p, const uint8_t *bytes, size_t len)
{
	return l->port[p].link && link_send(l->port[p].link, bytes, len);
}

static void
cable(struct lab *l, enum lab_port p, bool in)
{
	struct port *port = &l->port[p];
	char err[LAB_ERR];

	port->pulled_at = !in && port->link && port->on ? lab_clock() : 0;
	if (port->link && !net_up(port->ifname, in, err)) {
		/* A veth end of our own: if it does not obey, the lab is broken. */
		fprintf(stderr, "%s\n", err);
		abort();
	}
}

static void
power_off(struct lab *l, enum lab_member m)
{
	for (int s = 0; s < NODE_IFS; s++) {
		struct port *port = &l->port[lab_member_port(m, (enum trace_segment)s)];

		port->pulled_at = 0;
		if (port->has_head) {
			port->has_head = false;
			l->node[m].suppressed++;
		}
	}
	guest_power_off(l, m);
}

static ns_t
late(const struct lab *l)
{
	ns_t most = l->late;

	/* a carrier loss of which the member's kernel has not told it (linkwatch waits for a lock)
	 */
	for (int p = 0; p < MEMBER_PORTS; p++)
		if (l->port[p].pulled_at && l->now - l->port[p].pulled_at > most)
			most = l->now - l->port[p].pulled_at;
	return most;
}

static ns_t
kernel_late(const struct lab *l)
{
	return pulse_late(&l->pulse);
}

static void
late_reset(struct lab *l)
{
	l->late = 0;
	pulse_reset(&l->pulse);
}

static uint64_t
dropped(struct lab *l)
{
	uint64_t cnt = l->dropped;

	for (int p = 0; p < PORT_CNT; p++)
		if (l->port[p].link)
			cnt += link_dropped(l->port[p].link);
	return cnt;
}

static bool
can_shift(void)
{
	return access("/proc/self/ns/time_for_children", R_OK) == 0;
}

const struct lab_kind lab_netns = {
	.name = "netns",
	.clock = clock_of,
	.epoch = epoch_of,
	.open = open_lab,
	.close = close_lab,
	.step = step,
	.give = give,
	.cable = cable,
	.power_off = power_off,
	.power_on = node_renew,
	.launch = member_launch,
	.launched = routes_list,
	.end = member_signal,
	.reap = member_reap,
	.wind_down = member_wind_down,
	.reload = member_reload,
	.ask = ask_text,
	.routed = routes_routed,
	.late = late,
	.kernel_late = kernel_late,
	.late_reset = late_reset,
	.dropped = dropped,
	.can_shift = can_shift,
};
