/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lab `netns`, its opening and closing, and the fixed things of its drawing. The files:
 * enclose.c namespaces of the whole, net.c netlink, node.c one member's machine and cables,
 * member.c its process, routes.c what it routes, switch.c what happens to a frame, fault.c what
 * goes wrong and when, loop.c time, ask.c the consoles, text.c the standard configuration.
 *
 * One lab in a process: it owns the namespace it stands in, and the paths under /run/baton.
 * It does not judge, and it does not retry: what cannot be set up is said, and refused.
 */
#include "harness/lab/lab_in.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static const struct trace_port plan[PORT_CNT] = {
	[PORT_A_OUT] = {"A.eth0", WHO_A, SEG_OUTSIDE},
	[PORT_A_IN] = {"A.eth1", WHO_A, SEG_INSIDE},
	[PORT_A_SYNC] = {"A.eth2", WHO_A, SEG_SYNC},
	[PORT_B_OUT] = {"B.eth0", WHO_B, SEG_OUTSIDE},
	[PORT_B_IN] = {"B.eth1", WHO_B, SEG_INSIDE},
	[PORT_B_SYNC] = {"B.eth2", WHO_B, SEG_SYNC},
	[PORT_PEER] = {"peer", WHO_PEER, SEG_OUTSIDE},
	[PORT_HOST] = {"host", WHO_HOST, SEG_INSIDE},
	[PORT_PROBE_OUT] = {"probe.out", WHO_PROBE, SEG_OUTSIDE},
	[PORT_PROBE_IN] = {"probe.in", WHO_PROBE, SEG_INSIDE},
	[PORT_PROBE_SYNC] = {"probe.sync", WHO_PROBE, SEG_SYNC},
};

_Static_assert((int)PORT_CNT <= TRACE_PORTS, "a trace must have room for every port");

struct mac
lab_mac(enum lab_port p)
{
	return (struct mac){{0x02, 0xba, 0x70, 0, 0, (uint8_t)(p + 1)}};
}

const char *
lab_port_name(enum lab_port p)
{
	return plan[p].name;
}

const char *
lab_member_name(enum lab_member m)
{
	return m == LAB_A ? "A" : "B";
}

enum lab_port
lab_member_port(enum lab_member m, enum trace_segment s)
{
	return (enum lab_port)(m * NODE_IFS + s);
}

enum trace_segment
lab_port_segment(enum lab_port p)
{
	return plan[p].segment;
}

enum trace_who
lab_port_who(enum lab_port p)
{
	return plan[p].who;
}

ns_t
lab_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ns_from_s(t.tv_sec) + t.tv_nsec;
}

ns_t
lab_epoch(const struct lab *l)
{
	struct timespec t;

	(void)l;
	clock_gettime(CLOCK_REALTIME, &t);
	return ns_from_s(t.tv_sec) + t.tv_nsec - lab_clock();
}

ns_t
lab_now(const struct lab *l)
{
	return l->now;
}

struct trace *
lab_trace(struct lab *l)
{
	return l->trace;
}

/* splitmix64 (Steele, Lea, Flood 2014): one addition and a mix, good enough to draw moments. */
uint64_t
lab_random(struct lab *l, uint64_t n)
{
	uint64_t z = l->random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	z ^= z >> 31;
	return n ? z % n : 0;
}

void
lab_event(struct lab *l, const struct trace_event *e)
{
	struct trace_event at = *e;

	at.at = l->now;
	trace_event_add(l->trace, &at);
}

bool
lab_watch(struct lab *l, int fd, uint32_t tag, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.u32 = tag};

	return epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) == 0;
}

static void
plan_node(struct lab *l, enum lab_member m)
{
	struct node *n = &l->node[m];
	const char *name = lab_member_name(m);

	n->netns = n->pidfd = n->schedstat = -1;
	snprintf(n->conf, LAB_PATH, "%.200s/%s.conf", l->out_dir, name);
	snprintf(n->log, LAB_PATH, "%.200s/%s.log", l->out_dir, name);
	snprintf(n->err_log, LAB_PATH, "%.200s/%s.stderr", l->out_dir, name);
	snprintf(n->keylog, LAB_PATH, "%.200s/%s.keylog", l->out_dir, name);
	snprintf(n->control, LAB_PATH, RUN_DIR "/%s.sock", name);
	if (l->cfg.text[m])
		n->text = strdup(l->cfg.text[m]);
	else
		n->text = lab_text(&(struct lab_text){0}, m);
}

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
copy_config(struct lab *l, const struct lab_config *cfg)
{
	l->cfg = *cfg;
	if (strlen(cfg->out_dir) > 200 || strlen(cfg->twind) >= LAB_PATH ||
		(cfg->mutant && strlen(cfg->mutant) >= sizeof(l->mutant)))
		return false;
	snprintf(l->out_dir, LAB_PATH, "%s", cfg->out_dir);
	snprintf(l->twind, LAB_PATH, "%s", cfg->twind);
	snprintf(l->mutant, sizeof(l->mutant), "%s", cfg->mutant ? cfg->mutant : "");
	l->cfg.out_dir = l->out_dir;
	l->cfg.twind = l->twind;
	l->cfg.mutant = cfg->mutant ? l->mutant : NULL;
	return true;
}

struct lab *
lab_open(const struct lab_config *cfg, char *err)
{
	struct lab *l = calloc(1, sizeof(*l));
	bool ok;

	if (!l || !copy_config(l, cfg)) {
		snprintf(err, LAB_ERR, "lab: %s", l ? "a path is too long" : "out of memory");
		free(l);
		return NULL;
	}
	l->home = l->epoll = l->timer = -1;
	l->wait_tail = &l->wait_head;
	l->random = cfg->seed;
	l->limit = NS_NEVER;
	l->trace = trace_new(plan, PORT_CNT);
	for (int m = 0; m < LAB_MEMBERS; m++)
		plan_node(l, (enum lab_member)m);
	for (int p = PORT_PEER; p < PORT_CNT; p++)
		l->port[p].on = l->port[p].plugged = true;
	ok = l->trace && l->node[LAB_A].text && l->node[LAB_B].text && open_loop(l);
	if (!ok)
		snprintf(err, LAB_ERR, "lab: %s", strerror(errno));
	for (int m = 0; ok && m < LAB_MEMBERS; m++)
		ok = node_make(l, (enum lab_member)m, err);
	l->now = lab_clock();
	l->beat_due = l->now + HEARTBEAT;
	if (!ok) {
		lab_close(l);
		return NULL;
	}
	if (!pulse_start(&l->pulse)) {
		snprintf(
			err, LAB_ERR, "lab: no thread for the kernel's pulse: %s", strerror(errno));
		lab_close(l);
		return NULL;
	}
	return l;
}

void
lab_close(struct lab *l)
{
	if (!l)
		return;
	if (l->epoll >= 0)
		lab_wind_down(l);
	guest_free(l);
	pulse_stop(&l->pulse);
	for (int m = 0; m < LAB_MEMBERS; m++)
		node_free(l, (enum lab_member)m);
	while (l->wait_head) {
		struct waiting *w = l->wait_head;

		l->wait_head = w->next;
		free(w);
	}
	if (l->home >= 0)
		close(l->home);
	if (l->timer >= 0)
		close(l->timer);
	if (l->epoll >= 0)
		close(l->epoll);
	disturb_free(l);
	trace_free(l->trace);
	free(l);
}

void
lab_attach(struct lab *l, enum lab_port p, const struct lab_station *s)
{
	assert(p >= PORT_PEER && p < PORT_CNT && (!s || !l->port[p].link));
	l->port[p].attached = s != NULL;
	l->port[p].station = s ? *s : (struct lab_station){0};
}

uint64_t
lab_suppressed(const struct lab *l, enum lab_member m)
{
	return l->node[m].suppressed;
}

ns_t
lab_late_ns(const struct lab *l)
{
	ns_t late = l->late;

	/* a carrier loss of which the member's kernel has not told it (linkwatch waits for a lock)
	 */
	for (int p = 0; p < MEMBER_PORTS; p++)
		if (l->port[p].pulled_at && l->now - l->port[p].pulled_at > late)
			late = l->now - l->port[p].pulled_at;
	return late;
}

ns_t
lab_kernel_late_ns(const struct lab *l)
{
	return pulse_late(&l->pulse);
}

void
lab_late_reset(struct lab *l)
{
	l->late = 0;
	pulse_reset(&l->pulse);
}

uint64_t
lab_dropped(struct lab *l)
{
	uint64_t cnt = l->dropped;

	for (int p = 0; p < PORT_CNT; p++)
		if (l->port[p].link)
			cnt += link_dropped(l->port[p].link);
	return cnt;
}
