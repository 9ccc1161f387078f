/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Law 4, one owner: on one connected segment at most one member answers for a virtual address. A
 * claim is an ARP packet that says the address is here, any frame from the virtual MAC, an IP
 * packet from the virtual address, or a Hello in state Active. A member's tenure begins with its
 * first claim, and ends when it says that it is active no more, dies or starts anew. While both
 * have a tenure, the older one must fall silent within one hello and jitter from the beginning of
 * the younger, or of a reconnection of members. Who is silent for that long after a reconnection
 * has left, said or not; a later claim begins a new tenure. A process that was killed gets no new
 * tenure by what its kernel still says. A tenure of which no Hello ever said Active was none: who
 * claims so beside an owner, and then says that it is not active, has answered for an address that
 * is not its own.
 *
 * A partition that parts the members makes two segments, and so does a cable of one that is out:
 * there nothing is judged until they are together again.
 * While a segment's lines are disturbed, what is claimed on it is set aside; the end of that is a
 * reconnection, too.
 */
#include "harness/judge/judge_in.h"

#include <string.h>

#define GROUPS 256
#define JITTER(hello) ((hello) / 10) /* real routers are up to 1 % early, and busy */

static const uint8_t virtual_mac[5] = {0, 0, 0x0c, 0x07, 0xac}; /* RFC 2281 3: and the group */

struct tenure {
	bool open;
	bool said;    /* that it is active, by a Hello */
	size_t first; /* frame */
	ns_t from, last;
	ns_t left; /* when a tenure ended by what the member said; 0 never */
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
	uint8_t known[SEG_CNT][GROUPS]; /* their numbers */
	size_t known_cnt[SEG_CNT];
	ns_t joined[SEG_CNT]; /* the last reconnection, or end of a disturbance */
	bool parted[SEG_CNT];
	bool out[SIDES][SEG_CNT]; /* a cable, and with it its member */
	size_t event;
};

static void
part(struct court *c, const struct trace_event *e)
{
	unsigned a = scene_ports(c->s, SIDE_A, e->segment);
	unsigned b = scene_ports(c->s, SIDE_B, e->segment);
	bool far_a = (e->value & a) != 0, far_b = (e->value & b) != 0;

	if (c->parted[e->segment] && far_a == far_b)
		c->joined[e->segment] = e->at;
	c->parted[e->segment] = far_a != far_b;
}

/* Members that were together all the time get no time to find each other. */
static void
heal(struct court *c, const struct trace_event *e)
{
	if (c->parted[e->segment])
		c->joined[e->segment] = e->at;
	c->parted[e->segment] = false;
}

static void
plug(struct court *c, const struct trace_event *e)
{
	enum trace_segment seg = trace_port(c->s->t, e->port)->segment;
	int side = scene_side(e->who);

	if (side < 0)
		return;
	c->out[side][seg] = e->kind == EVENT_CABLE_OUT;
	if (e->kind == EVENT_CABLE_IN)
		c->joined[seg] = e->at;
}

/* Can the members not hear each other there? */
static bool
apart(const struct court *c, enum trace_segment seg)
{
	return c->parted[seg] || c->out[SIDE_A][seg] || c->out[SIDE_B][seg];
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
		heal(c, e);
		break;
	case EVENT_CABLE_IN:
	case EVENT_CABLE_OUT:
		plug(c, e);
		break;
	case EVENT_START:
	case EVENT_EXIT:
	case EVENT_CRASH:
	case EVENT_POWER_OFF:
		end_tenures(c, scene_side(e->who));
		if (e->kind == EVENT_POWER_OFF && scene_side(e->who) >= 0)
			memset(c->out[scene_side(e->who)], 0, sizeof(c->out[0]));
		break;
	case EVENT_STOP:
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

static void
learn(struct court *c, enum trace_segment seg, const struct pkt *p)
{
	struct group *g = &c->group[seg][p->data[6]];

	if (!g->known)
		c->known[seg][c->known_cnt[seg]++] = p->data[6];
	g->known = true;
	g->vip = IP4(p->data[16], p->data[17], p->data[18], p->data[19]);
}

/* The group whose virtual address that is, or -1. */
static int
group_of(const struct court *c, enum trace_segment seg, ip4_t addr)
{
	for (size_t i = 0; i < c->known_cnt[seg]; i++)
		if (c->group[seg][c->known[seg][i]].vip == addr)
			return c->known[seg][i];
	return -1;
}

/* The group that an Active Hello, an ARP packet or a source address claims, or -1. */
static int
claims(struct court *c, size_t frame, const char **how)
{
	const struct pkt *p = &c->s->pkt[frame];
	enum trace_segment seg = scene_segment(c->s, frame);
	int g;

	if (p->is_hsrp && p->data_len >= 20 && p->data[0] == 0) {
		*how = "a Hello in state Active";
		learn(c, seg, p);
		return p->data[1] == 0 && p->data[2] == STATE_ACTIVE ? p->data[6] : -1;
	}
	*how = "an ARP packet that owns the address";
	if (p->is_arp && (p->arp_op == 2 || pkt_is_garp(p)) &&
		(g = group_of(c, seg, p->arp_spa)) >= 0)
		return g;
	*how = "a packet from the virtual address";
	if (p->is_ip && (g = group_of(c, seg, p->src)) >= 0)
		return g;
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

/* Of two that began at one instant the one whose frame came first. Who has none is older than any.
 */
static bool
is_older(const struct tenure *a, const struct tenure *b)
{
	if (!a->open || a->from != b->from)
		return !a->open || a->from < b->from;
	return a->first < b->first;
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
	if (at <= since + grace || (!rejoined && !is_older(mine, other)) ||
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
	enum trace_segment seg = scene_segment(c->s, frame);
	ns_t over = judge_last_end(c->s, LAW_OWNER, 1u << seg, at), joined;
	bool says = c->s->pkt[frame].is_hsrp;

	if (over > c->joined[seg])
		c->joined[seg] = over;
	joined = c->joined[seg];
	/* What it had in hand when it left is no new claim; that it speaks as active again is. */
	if (!t->open && t->left && at <= t->left + grace_of(c) && !says)
		return;
	if (t->open && t->last < joined && at > joined + grace_of(c))
		t->open = false;
	if (!t->open && scene_live(c->s, side, at))
		*t = (struct tenure){.open = true, .first = frame, .from = at};
	t->said = t->said || says;
	if (!judge_sets_aside(c->s, c->r, 1u << seg, at, at)) {
		c->r->judged++;
		if (!apart(c, seg))
			judge_claim(c, frame, side, g, how);
	}
	t->last = at;
}

/* It claimed, and never was active: that it is not is said in this frame. */
static void
judge_pretender(struct court *c, size_t frame, int side, const struct group *g)
{
	const struct tenure *mine = &g->of[side], *other = &g->of[!side];
	enum trace_segment seg = scene_segment(c->s, frame);
	ns_t grace = grace_of(c);
	char vip[IP4_TEXT];

	if (!mine->open || mine->said || !other->open || apart(c, seg) || is_older(mine, other) ||
		mine->from <= other->from + grace || mine->from <= c->joined[seg] + grace ||
		judge_sets_aside(
			c->s, c->r, 1u << seg, mine->from, trace_frame(c->s->t, frame)->at))
		return;
	scene_broken(c->r, mine->first,
		"at most one member answers for a virtual address: expected nothing for %s from "
		"%c, which says in frame %zu that it is not active, beside %c, whose claim began "
		"in "
		"frame %zu, saw it answer in frame %zu",
		ip4_put(vip, g->vip), scene_letter(side), frame + 1, scene_letter(!side),
		other->first + 1, mine->first + 1);
}

static void
leave(struct court *c, size_t frame, int side)
{
	struct group *g = &c->group[scene_segment(c->s, frame)][c->s->pkt[frame].data[6]];
	struct tenure *t = &g->of[side];

	judge_pretender(c, frame, side, g);
	*t = (struct tenure){.left = t->said ? trace_frame(c->s->t, frame)->at : t->left};
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
			leave(&c, i, side);
	}
}
