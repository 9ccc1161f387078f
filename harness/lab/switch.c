/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The switch: three segments, and what happens to a frame. It learns source addresses, follows
 * them when they move (so a gratuitous ARP, or any frame from the virtual MAC, matters as it does
 * on a real switch), floods what it does not know, and never sends a frame back where it came
 * from. A partition splits a segment in two: an address that was learned on the far side is
 * unknown on this one.
 *
 * Each frame is in the trace before anything is done with it. What a station sends while a frame
 * is being delivered waits in a queue, so that a frame is everywhere before its answer is anywhere.
 */
#include "harness/lab/disturb.h"
#include "harness/lab/lab_in.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAC_AGE (300 * NS_PER_S) /* IEEE 802.1Q, 8.8.3: the default */

static struct learned *
find(struct lab *l, enum trace_segment s, const uint8_t *mac)
{
	for (size_t i = 0; i < l->mac_cnt[s]; i++)
		if (memcmp(l->macs[s][i].mac.b, mac, 6) == 0)
			return &l->macs[s][i];
	return NULL;
}

static void
learn(struct lab *l, enum lab_port p, const uint8_t *mac)
{
	enum trace_segment s = lab_port_segment(p);
	struct learned *e = find(l, s, mac);

	if (mac[0] & 1)
		return;
	if (!e) {
		/* Full: the place of the oldest. A flood costs nothing but copies. */
		e = &l->macs[s][0];
		for (size_t i = 1; i < l->mac_cnt[s]; i++)
			if (l->macs[s][i].at < e->at)
				e = &l->macs[s][i];
		if (l->mac_cnt[s] < MACS)
			e = &l->macs[s][l->mac_cnt[s]++];
		memcpy(e->mac.b, mac, 6);
	}
	e->port = (uint8_t)p;
	e->at = l->now;
}

/* A port without power or cable keeps no addresses. */
void
switch_forget(struct lab *l, enum lab_port p)
{
	enum trace_segment s = lab_port_segment(p);
	size_t kept = 0;

	for (size_t i = 0; i < l->mac_cnt[s]; i++)
		if (l->macs[s][i].port != p)
			l->macs[s][kept++] = l->macs[s][i];
	l->mac_cnt[s] = kept;
}

static bool
lose(struct lab *l, const struct port *p)
{
	return p->ppm && lab_random(l, 1000000) < p->ppm;
}

/* The frame leaves the switch at that port. True if the device there got it. */
static bool
emit(struct lab *l, enum lab_port to, const uint8_t *bytes, size_t len)
{
	struct port *p = &l->port[to];

	if (to < MEMBER_PORTS || p->link)
		return l->kind->give(l, to, bytes, len);
	if (p->attached && p->station.frame)
		p->station.frame(p->station.self, l->now, bytes, len);
	return true;
}

/* Put the frame out of one port; the fate that adds. What is disturbed comes out later, or never. */
static unsigned
hand_out(struct lab *l, size_t no, enum lab_port to, const uint8_t *bytes, size_t len, bool changed,
	unsigned *mask)
{
	struct port *p = &l->port[to];

	if (!p->on || !p->plugged)
		return FATE_UNPLUGGED;
	if (lose(l, p))
		return FATE_LOST;
	if (disturb_frame(l, no, to, WAY_TO, bytes, len, &changed))
		return 0;
	if (!emit(l, to, bytes, len))
		return FATE_UNPLUGGED;
	if (!changed)
		*mask |= 1u << to;
	return 0;
}

void
switch_come_out(struct lab *l, size_t no, enum lab_port to, const uint8_t *bytes, size_t len,
	bool changed)
{
	const struct port *p = &l->port[to];

	if (p->on && p->plugged && emit(l, to, bytes, len) && !changed)
		trace_fate(l->trace, no, 0, 1u << to);
}

static void
flood(struct lab *l, size_t no, enum lab_port from, const uint8_t *bytes, size_t len, bool changed)
{
	enum trace_segment s = lab_port_segment(from);
	unsigned mask = 0, fate = FATE_FLOODED;

	for (int i = 0; i < PORT_CNT; i++) {
		enum lab_port to = (enum lab_port)i;

		if (to == from || lab_port_segment(to) != s)
			continue;
		if (l->port[to].side != l->port[from].side)
			fate |= FATE_PARTED;
		else
			fate |= hand_out(l, no, to, bytes, len, changed, &mask) &
				(unsigned)~FATE_UNPLUGGED;
	}
	trace_fate(l->trace, no, fate, mask);
}

static void
forward(struct lab *l, size_t no, enum lab_port from, const uint8_t *bytes, size_t len, bool changed)
{
	struct learned *e = find(l, lab_port_segment(from), bytes);
	unsigned mask = 0, fate;

	if (bytes[0] & 1 || !e || l->now - e->at > MAC_AGE ||
		l->port[e->port].side != l->port[from].side) {
		flood(l, no, from, bytes, len, changed);
		return;
	}
	if (e->port == from)
		return;
	fate = hand_out(l, no, (enum lab_port)e->port, bytes, len, changed, &mask);
	trace_fate(l->trace, no, fate, mask);
}

void
switch_go_on(struct lab *l, size_t no, enum lab_port from, const uint8_t *bytes, size_t len,
	bool changed)
{
	if (len < 14)
		return;
	learn(l, from, bytes + 6);
	forward(l, no, from, bytes, len, changed);
}

void
switch_frame(struct lab *l, enum lab_port p, const void *bytes, size_t len, unsigned fate, int only)
{
	size_t no = trace_add(l->trace, l->now, p, bytes, len);
	const uint8_t *copy = trace_frame(l->trace, no)->bytes;
	unsigned mask = 0;

	trace_fate(l->trace, no, fate, 0);
	if (only >= 0) {
		fate = hand_out(l, no, (enum lab_port)only, copy, len, false, &mask);
		trace_fate(l->trace, no, fate, mask);
	} else if (lose(l, &l->port[p])) {
		trace_fate(l->trace, no, FATE_LOST, 0);
	} else if (!disturb_frame(l, no, p, WAY_FROM, copy, len, &(bool){false})) {
		switch_go_on(l, no, p, copy, len, false);
	}
	if (l->see)
		l->see(l->see_ctx, no);
	disturb_due(l, l->now);
	fault_after_frame(l, no);
}

void
lab_follow(struct lab *l, void (*see)(void *ctx, size_t no), void *ctx)
{
	l->see = see;
	l->see_ctx = ctx;
}

void
switch_queue(struct lab *l, enum lab_port p, const void *bytes, size_t len, bool injected, int only)
{
	struct waiting *w = malloc(sizeof(*w) + len);

	assert(len > 0 && len <= LINK_FRAME_MAX);
	if (!w)
		abort();
	*w = (struct waiting){.port = p, .injected = injected, .only = only, .len = len};
	memcpy(w->bytes, bytes, len);
	*l->wait_tail = w;
	l->wait_tail = &w->next;
}

bool
switch_waiting(struct lab *l)
{
	struct waiting *w = l->wait_head;
	const struct port *p;

	if (!w)
		return false;
	l->wait_head = w->next;
	if (!l->wait_head)
		l->wait_tail = &l->wait_head;
	/* A station whose cable is out speaks to nobody; a case may still put frames in there. */
	p = &l->port[w->port];
	if (w->injected || (p->on && p->plugged))
		switch_frame(
			l, w->port, w->bytes, w->len, w->injected ? FATE_INJECTED : 0, w->only);
	free(w);
	return true;
}

void
lab_send(struct lab *l, enum lab_port p, const void *bytes, size_t len)
{
	switch_queue(l, p, bytes, len, false, -1);
}

void
lab_inject(struct lab *l, enum lab_port p, const void *bytes, size_t len)
{
	switch_queue(l, p, bytes, len, true, -1);
}

void
lab_deliver(struct lab *l, enum lab_port p, const void *bytes, size_t len)
{
	static const enum lab_port probe[SEG_CNT] = {
		[SEG_OUTSIDE] = PORT_PROBE_OUT,
		[SEG_INSIDE] = PORT_PROBE_IN,
		[SEG_SYNC] = PORT_PROBE_SYNC,
	};

	switch_queue(l, probe[lab_port_segment(p)], bytes, len, true, (int)p);
}
