/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A lab, its opening and closing, and the fixed things of its drawing; what is common to the kinds
 * of lab. The files: switch.c what happens to a frame, disturb.c bad lines, fault.c what goes wrong
 * and when, loop.c time, member.c the members, text.c the standard configuration. Kinds: netns.c
 * (and what it names), sim.c (and what it names).
 *
 * It does not judge, and it does not retry: what cannot be set up is said, and refused.
 */
#include "harness/lab/lab_in.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
lab_epoch(const struct lab *l)
{
	return l->kind->epoch(l);
}

const char *
lab_kind_name(const struct lab *l)
{
	return l->kind->name;
}

bool
lab_plain_sync(const struct lab *l)
{
	return l->kind->plain_sync;
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

void
lab_tell_route(struct lab *l, enum lab_member m, bool came, struct ip4_net net)
{
	char text[96], addr[IP4_TEXT];
	enum trace_event_kind kind = came ? EVENT_ROUTE_ADD : EVENT_ROUTE_DEL;

	snprintf(text, sizeof(text), "%s at %s: %s/%u", trace_event_name(kind), lab_member_name(m),
		ip4_put(addr, net.addr), net.len);
	lab_event(l, &(struct trace_event){.kind = kind,
			     .who = lab_port_who(lab_member_port(m, SEG_OUTSIDE)),
			     .value = net.addr,
			     .prefix_len = net.len,
			     .text = text});
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
copy_word(char *to, size_t cap, const char **from)
{
	if (!*from)
		return true;
	if (strlen(*from) >= cap)
		return false;
	memcpy(to, *from, strlen(*from) + 1);
	*from = to;
	return true;
}

static bool
copy_config(struct lab *l, const struct lab_config *cfg)
{
	l->cfg = *cfg;
	return (!cfg->out_dir || strlen(cfg->out_dir) <= 200) &&
		copy_word(l->out_dir, LAB_PATH, &l->cfg.out_dir) &&
		copy_word(l->twind, LAB_PATH, &l->cfg.twind) &&
		copy_word(l->mutant, sizeof(l->mutant), &l->cfg.mutant);
}

struct lab *
lab_open(const struct lab_config *cfg, char *err)
{
	struct lab *l = calloc(1, sizeof(*l));

	if (!l || !copy_config(l, cfg)) {
		snprintf(err, LAB_ERR, "lab: %s", l ? "a path is too long" : "out of memory");
		free(l);
		return NULL;
	}
	l->kind = cfg->sim ? &lab_sim : &lab_netns;
	l->home = l->epoll = l->timer = -1;
	l->wait_tail = &l->wait_head;
	l->random = cfg->seed;
	l->limit = l->beat_due = NS_NEVER;
	l->trace = trace_new(plan, PORT_CNT);
	for (int m = 0; m < LAB_MEMBERS; m++)
		plan_node(l, (enum lab_member)m);
	for (int p = PORT_PEER; p < PORT_CNT; p++)
		l->port[p].on = l->port[p].plugged = true;
	if (!l->trace || !l->node[LAB_A].text || !l->node[LAB_B].text)
		abort();
	if (l->kind->open(l, err))
		return l;
	lab_close(l);
	return NULL;
}

void
lab_close(struct lab *l)
{
	if (!l)
		return;
	lab_wind_down(l);
	l->kind->close(l);
	while (l->wait_head) {
		struct waiting *w = l->wait_head;

		l->wait_head = w->next;
		free(w);
	}
	for (int m = 0; m < LAB_MEMBERS; m++)
		free(l->node[m].text);
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
	return l->kind->late ? l->kind->late(l) : 0;
}

ns_t
lab_kernel_late_ns(const struct lab *l)
{
	return l->kind->kernel_late ? l->kind->kernel_late(l) : 0;
}

void
lab_late_reset(struct lab *l)
{
	if (l->kind->late_reset)
		l->kind->late_reset(l);
}

uint64_t
lab_dropped(struct lab *l)
{
	return l->kind->dropped ? l->kind->dropped(l) : 0;
}

bool
lab_routed(struct lab *l, enum lab_member m, ip4_t net, uint8_t len)
{
	return l->kind->routed(l, m, (struct ip4_net){net, len});
}

/* ---- consoles ---- */

char *
lab_ask_text(struct lab *l, enum lab_member m, const char *line)
{
	char waited[sizeof(l->waited)], *answer;

	if (!l->node[m].runs)
		return NULL;
	memcpy(waited, l->waited, sizeof(waited));
	answer = l->kind->ask(l, m, line);
	memcpy(l->waited, waited, sizeof(waited));
	return answer;
}

bool
lab_ask(struct lab *l, enum lab_member m, const char *line, json_t **reply)
{
	char *text = lab_ask_text(l, m, line);

	*reply = text ? json_loads(text, 0, NULL) : NULL;
	free(text);
	return *reply != NULL;
}
