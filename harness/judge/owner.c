/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Law 4, one owner: on one connected segment at most one member answers for a virtual address. A
 * claim is an ARP packet that says the address is here, any frame from the virtual MAC, or a Hello
 * in state Active. A member's tenure begins with its first claim, and ends when it says that it is
 * active no more, or starts anew. While both have a tenure, the older one must fall silent within
 * one hello and jitter from the beginning of the younger, or of a reconnection. Who is silent for
 * that long after a reconnection has left, said or not; a later claim begins a new tenure. A process
 * that was killed gets no new tenure by what its kernel still says.
 *
 * A partition that parts the members makes two segments: there nothing is judged until it heals.
 */
#include "harness/judge/judge_in.h"

#include <string.h>

#define GROUPS 256
#define JITTER(hello) ((hello) / 10) /* real routers are up to 1 % early, and busy */

static const uint8_t virtual_mac[5] = {0, 0, 0x0c, 0x07, 0xac}; /* RFC 2281 3: and the group */

struct tenure {
	bool open;
	size_t first; /* frame */
	ns_t from, last;
	ns_t left; /* when the member said that it is active no more; 0 never */
};

struct group {
	bool known;
	ip4_t vip;
	struct tenure of[SIDES];
};

struct court {
	const struct scene *s;
	struct law_result *r;
	struct group group[SEG_CNT][GROUPS];
	ns_t joined[SEG_CNT]; /* the last reconnection */
	bool parted[SEG_CNT];
	size_t event;
};

static void
part(struct court *c, const struct trace_event *e)
{
	unsigned a = scene_ports(c->s, SIDE_A, e->segment);
	unsigned b = scene_ports(c->s, SIDE_B, e->segment);
	bool far_a = (e->value & a) != 0, far_b = (e->value & b) != 0;

	c->parted[e->segment] = far_a != far_b;
	c->joined[e->segment] = e->at;
}

static void
end_tenures(struct court *c, int side)
{
	for (int seg = 0; side >= 0 && seg < SEG_CNT; seg++)
		for (int g = 0; g < GROUPS; g++)
			c->group[seg][g].of[side] = (struct tenure){.open = false};
}

static void
take_event(struct court *c, const struct trace_event *e)
{
	switch (e->kind) {
	case EVENT_PARTITION:
		part(c, e);
		break;
	case EVENT_HEAL:
		c->parted[e->segment] = false;
		c->joined[e->segment] = e->at;
		break;
	case EVENT_CABLE_IN:
		c->joined[trace_port(c->s->t, e->port)->segment] = e->at;
		break;
	case EVENT_START:
		end_tenures(c, scene_side(e->who));
		break;
	case EVENT_STOP:
	case EVENT_EXIT:
	case EVENT_CRASH:
	case EVENT_POWER_OFF:
	case EVENT_CABLE_OUT:
	case EVENT_LOSS:
	case EVENT_DELAY:
	case EVENT_COPY:
	case EVENT_REORDER:
	case EVENT_CORRUPT:
	case EVENT_SLOW:
	case EVENT_STALL:
	case EVENT_MARK:
	case EVENT_ROUTE_ADD:
	case EVENT_ROUTE_DEL:
	case EVENT_CNT:
		break;
	}
}

/* The group that an Active Hello, an ARP packet or a source address claims, or -1. */
static int
claims(struct court *c, size_t frame, const char **how)
{
	const struct pkt *p = &c->s->pkt[frame];
	struct group *g = c->group[scene_segment(c->s, frame)];

	if (p->is_hsrp && p->data_len >= 20 && p->data[0] == 0) {
		*how = "a Hello in state Active";
		g[p->data[6]].known = true;
		g[p->data[6]].vip = IP4(p->data[16], p->data[17], p->data[18], p->data[19]);
		return p->data[1] == 0 && p->data[2] == STATE_ACTIVE ? p->data[6] : -1;
	}
	*how = "an ARP packet that owns the address";
	if (p->is_arp && (p->arp_op == 2 || pkt_is_garp(p)))
		for (int i = 0; i < GROUPS; i++)
			if (g[i].known && g[i].vip == p->arp_spa)
				return i;
	*how = "a frame from the virtual MAC";
	return memcmp(p->src_mac.b, virtual_mac, 5) ? -1 : p->src_mac.b[5];
}

static ns_t
grace_of(const struct court *c)
{
	ns_t hello = c->s->in->hello;

	return hello + JITTER(hello) + c->s->in->margin;
}

/* Says the member that it is active no more? */
static bool
leaves(const struct pkt *p)
{
	if (!p->is_hsrp || p->data_len < 20 || p->data[0] != 0)
		return false;
	return p->data[1] == 2 || (p->data[1] == 0 && p->data[2] != STATE_ACTIVE);
}

static void
judge_claim(struct court *c, size_t frame, int side, const struct group *g, const char *how)
{
	const struct tenure *mine = &g->of[side], *other = &g->of[!side];
	enum trace_segment seg = scene_segment(c->s, frame);
	ns_t grace = grace_of(c), at = trace_frame(c->s->t, frame)->at, since = c->joined[seg];
	bool rejoined;
	char vip[IP4_TEXT];

	if (!other->open)
		return;
	rejoined = since > mine->from && since > other->from;
	if (!rejoined)
		since = other->from;
	if (at <= since + grace || (!rejoined && mine->from >= other->from) ||
		(rejoined && other->last <= since + grace) || at <= c->joined[seg] + grace)
		return;
	scene_broken(c->r, frame,
		"at most one member answers for a virtual address: expected "
		"%c silent for %s from %lld "
		"ms after %s in frame %zu on, saw %s in frame %zu, %lld ms after it",
		scene_letter(side), ip4_put(vip, g->vip), (long long)ns_to_ms(grace),
		rejoined ? "the reconnection; the other's claim began" : "the other's first claim",
		other->first + 1, how, frame + 1, (long long)ns_to_ms(at - since));
}

static void
claim(struct court *c, size_t frame, int side, int group, const char *how)
{
	struct group *g = &c->group[scene_segment(c->s, frame)][group];
	struct tenure *t = &g->of[side];
	ns_t at = trace_frame(c->s->t, frame)->at;
	ns_t joined = c->joined[scene_segment(c->s, frame)];

	/* What it had in hand when it left is no new claim; that it speaks as active again is. */
	if (!t->open && t->left && at <= t->left + grace_of(c) &&
		!c->s->pkt[frame].is_hsrp)
		return;
	if (t->open && t->last < joined && at > joined + grace_of(c))
		t->open = false;
	if (!t->open && scene_live(c->s, side, at))
		*t = (struct tenure){.open = true, .first = frame, .from = at};
	c->r->judged++;
	if (!c->parted[scene_segment(c->s, frame)])
		judge_claim(c, frame, side, g, how);
	t->last = at;
}

void
owner_judge(const struct scene *s, struct law_result *r)
{
	static struct court c;

	memset(&c, 0, sizeof(c));
	c.s = s;
	c.r = r;
	for (size_t i = 0; i < s->cnt; i++) {
		int side = scene_sender(s, i), group;
		const char *how;

		for (; c.event < trace_events(s->t); c.event++) {
			if (trace_event(s->t, c.event)->before > i)
				break;
			take_event(&c, trace_event(s->t, c.event));
		}
		if (side < 0)
			continue;
		group = claims(&c, i, &how);
		if (group >= 0)
			claim(&c, i, side, group, how);
		else if (leaves(&s->pkt[i]))
			c.group[scene_segment(s, i)][s->pkt[i].data[6]].of[side] =
				(struct tenure){.left = trace_frame(s->t, i)->at};
	}
}
