/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disturbances (disturb.h). A frame asks at its port before it goes on, on its way in and on its
 * way out; each disturbance that applies may lose it, spoil it, copy it, or say when it goes on.
 * What has to wait lies in one list, by due time and then by arrival, and is let go by the loop, or
 * behind the frame that was to overtake it.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/lab/disturb.h"
#include "harness/lab/lab_in.h"

#define REORDER_MOST (20 * NS_PER_MS)
#define ETH 14

struct held {
	struct held *next;
	ns_t due;
	size_t no;
	enum lab_port port;
	enum lab_way way;
	int by;		   /* the disturbance that holds it (STALL, REORDER); -1: time does */
	uint32_t overtake; /* frames that have yet to pass it */
	bool changed;
	size_t len;
	uint8_t bytes[];
};

struct disturbance {
	bool used;
	struct lab_disturb d;
	uint32_t matched, taken;
	ns_t free_at[2]; /* SLOW: when the line is free again, from and to */
};

struct disturbances {
	struct disturbance d[LAB_DISTURBS];
	int order[LAB_DISTURBS]; /* handles, as they were begun */
	int cnt;
	struct held *held;
};

static struct disturbances *
all_of(struct lab *l)
{
	if (!l->disturb)
		l->disturb = calloc(1, sizeof(*l->disturb));
	if (!l->disturb)
		abort();
	return l->disturb;
}

void
disturb_free(struct lab *l)
{
	while (l->disturb && l->disturb->held) {
		struct held *h = l->disturb->held;

		l->disturb->held = h->next;
		free(h);
	}
	free(l->disturb);
	l->disturb = NULL;
}

/* -- begin and end -- */

static void
tell(struct lab *l, const struct lab_disturb *d, bool begins)
{
	static const struct {
		enum trace_event_kind kind;
		const char *word;
	} as[] = {
		[DISTURB_LOSE] = {EVENT_LOSS, "loses"},
		[DISTURB_DELAY] = {EVENT_DELAY, "delays"},
		[DISTURB_COPY] = {EVENT_COPY, "copies"},
		[DISTURB_REORDER] = {EVENT_REORDER, "reorders"},
		[DISTURB_CORRUPT] = {EVENT_CORRUPT, "corrupts"},
		[DISTURB_SLOW] = {EVENT_SLOW, "is slow"},
		[DISTURB_STALL] = {EVENT_STALL, "stalls"},
	};
	static const char *const ways[] = {"", " from it", " to it", ""};
	char text[192];
	uint32_t value = 0;

	if (begins && d->kind == DISTURB_LOSE)
		value = d->ppm ? d->ppm : 1000000;
	else if (begins && d->kind == DISTURB_SLOW)
		value = d->per_s;
	else if (begins && (d->kind == DISTURB_STALL || d->kind == DISTURB_CORRUPT))
		value = 1;
	else if (begins)
		value = (uint32_t)((d->delay + d->jitter) / NS_PER_US);
	snprintf(text, sizeof(text), "the line at %s %s%s (%s, %u)", lab_port_name(d->port),
		as[d->kind].word, ways[d->way & 3],
		!begins	   ? "ends"
		: d->match ? "what matches"
			   : "any frame",
		value);
	lab_event(l, &(struct trace_event){.kind = as[d->kind].kind,
			     .port = (uint8_t)d->port,
			     .who = lab_port_who(d->port),
			     .segment = lab_port_segment(d->port),
			     .value = value,
			     .text = text});
}

int
lab_disturb(struct lab *l, const struct lab_disturb *d)
{
	struct disturbances *all = all_of(l);

	for (int i = 0; i < LAB_DISTURBS; i++) {
		struct disturbance *n = &all->d[i];

		if (n->used)
			continue;
		*n = (struct disturbance){.used = true, .d = *d};
		if (!n->d.way)
			n->d.way = WAY_BOTH;
		assert(d->kind != DISTURB_SLOW || d->per_s);
		all->order[all->cnt++] = i;
		tell(l, &n->d, true);
		return i;
	}
	fputs("lab: more than LAB_DISTURBS disturbances at once\n", stderr);
	abort();
}

void
lab_undisturb(struct lab *l, int handle)
{
	struct disturbances *all = all_of(l);
	int at = 0;

	if (!all->d[handle].used)
		return;
	all->d[handle].used = false;
	while (all->order[at] != handle)
		at++;
	all->cnt--;
	memmove(all->order + at, all->order + at + 1, (size_t)(all->cnt - at) * sizeof(int));
	tell(l, &all->d[handle].d, false);
	for (struct held *h = all->held; h; h = h->next)
		if (h->by == handle) {
			h->by = -1;
			h->due = l->now;
		}
	disturb_due(l, l->now);
}

uint32_t
lab_disturbed(const struct lab *l, int handle)
{
	return l->disturb ? l->disturb->d[handle].taken : 0;
}

/* -- what is done to a frame -- */

/* Checksums of what was spoilt; those that were absent stay so. */
static void
mend_sums(uint8_t *b, size_t len)
{
	size_t head, l4_len;
	uint8_t *ip = b + ETH, *l4;
	uint32_t pseudo;

	if (len < ETH + 20 || b[12] != 8 || b[13] || (ip[0] & 15) < 5)
		return;
	head = (size_t)(ip[0] & 15) * 4;
	l4_len = (size_t)(ip[2] << 8 | ip[3]);
	if (l4_len < head + 8 || l4_len > len - ETH)
		return;
	l4_len -= head;
	l4 = ip + head;
	ip[10] = ip[11] = 0;
	pkt_put_sum(ip + 10, pkt_sum(ip, head, 0));
	pseudo = pkt_sum(ip + 12, 8, (uint32_t)(ip[9] + l4_len));
	if (ip[6] & 0x3f || ip[7])
		return; /* a fragment */
	if (ip[9] == PKT_UDP && (l4[6] | l4[7])) {
		l4[6] = l4[7] = 0;
		pkt_put_sum(l4 + 6, pkt_sum(l4, l4_len, pseudo));
	} else if (ip[9] == PKT_TCP && l4_len >= 20) {
		l4[16] = l4[17] = 0;
		pkt_put_sum(l4 + 16, pkt_sum(l4, l4_len, pseudo));
	} else if (ip[9] == PKT_ICMP) {
		l4[2] = l4[3] = 0;
		pkt_put_sum(l4 + 2, pkt_sum(l4, l4_len, 0));
	}
}

static void
corrupt(struct lab *l, const struct lab_disturb *d, size_t no, uint8_t *b, size_t len)
{
	size_t at = d->at;
	uint8_t flip = (uint8_t)(d->flip ? d->flip : 1u << lab_random(l, 8));
	char text[64];

	if (!at)
		at = len > ETH ? ETH + (size_t)lab_random(l, len - ETH) : 0;
	if (at >= len)
		return;
	b[at] ^= flip;
	if (d->sums)
		mend_sums(b, len);
	snprintf(text, sizeof(text), "octet %zu spoilt by 0x%02x", at, flip);
	trace_comment(l->trace, no, text);
}

struct passage {
	ns_t due; /* it goes on then */
	int by;
	int stands; /* the disturbance that keeps it, with all its copies, until it ends; -1: none */
	uint32_t overtake;
	bool lost, changed;
	bool copied;
	ns_t copy_due;
};

static ns_t
some_delay(struct lab *l, const struct lab_disturb *d)
{
	return d->delay + (d->jitter ? (ns_t)lab_random(l, (uint64_t)d->jitter + 1) : 0);
}

static void
apply(struct lab *l, int handle, size_t no, enum lab_way way, struct passage *p, uint8_t *b,
	size_t len)
{
	struct disturbance *n = &l->disturb->d[handle];
	const struct lab_disturb *d = &n->d;
	ns_t *free_at = &n->free_at[way == WAY_TO];
	unsigned fate = FATE_DELAYED;

	switch (d->kind) {
	case DISTURB_LOSE:
		p->lost = true;
		fate = FATE_LOST;
		break;
	case DISTURB_DELAY:
		p->due += some_delay(l, d);
		break;
	case DISTURB_COPY:
		p->copied = true;
		p->copy_due = p->due + some_delay(l, d);
		fate = FATE_COPIED;
		break;
	case DISTURB_REORDER:
		p->by = handle;
		p->overtake = d->behind ? d->behind : 1;
		p->due += d->delay ? d->delay : REORDER_MOST;
		break;
	case DISTURB_CORRUPT:
		corrupt(l, d, no, b, len);
		p->changed = true;
		fate = FATE_CORRUPTED;
		break;
	case DISTURB_SLOW:
		*free_at = (*free_at > p->due ? *free_at : p->due) +
			   (ns_t)((uint64_t)len * (uint64_t)NS_PER_S / d->per_s);
		p->due = *free_at;
		break;
	case DISTURB_STALL:
		p->stands = handle;
		break;
	}
	trace_fate(l->trace, no, fate, 0);
}

/* Is this frame one that it takes? Counts it. */
static bool
picks(struct lab *l, struct disturbance *n, size_t no)
{
	const struct lab_disturb *d = &n->d;

	if (d->match && !d->match(trace_frame(l->trace, no), d->ctx))
		return false;
	if (n->matched++ < d->skip || (d->count && n->taken >= d->count))
		return false;
	if (d->ppm && lab_random(l, 1000000) >= d->ppm)
		return false;
	n->taken++;
	return true;
}

static void
hold(struct lab *l, const struct held *like, const uint8_t *b)
{
	struct held *h = malloc(sizeof(*h) + like->len), **at = &l->disturb->held;

	if (!h)
		abort();
	*h = *like;
	memcpy(h->bytes, b, like->len);
	while (*at && (*at)->due <= h->due)
		at = &(*at)->next;
	h->next = *at;
	*at = h;
}

/* Another frame passes the same way: those that wait to be overtaken count it. */
static void
overtaken(struct lab *l, enum lab_port port, enum lab_way way)
{
	for (struct held *h = l->disturb->held; h; h = h->next)
		if (h->overtake && h->port == port && h->way == way && !--h->overtake) {
			h->by = -1;
			h->due = l->now;
		}
}

static bool
same_place(const struct lab_disturb *d, enum lab_port port, enum lab_way way)
{
	return d->port == port && d->way & way;
}

bool
disturb_frame(struct lab *l, size_t no, enum lab_port port, int way, const uint8_t *bytes,
	size_t len, bool *changed)
{
	struct passage p = {.due = l->now, .by = -1, .stands = -1, .changed = *changed};
	struct held h = {.no = no, .port = port, .way = (enum lab_way)way, .len = len};
	static uint8_t b[LINK_FRAME_MAX];

	if (!l->disturb || (!l->disturb->cnt && !l->disturb->held) || len > sizeof(b))
		return false;
	memcpy(b, bytes, len);
	for (int i = 0; i < l->disturb->cnt && !p.lost; i++) {
		struct disturbance *n = &l->disturb->d[l->disturb->order[i]];

		if (same_place(&n->d, port, (enum lab_way)way) && picks(l, n, no))
			apply(l, l->disturb->order[i], no, (enum lab_way)way, &p, b, len);
	}
	if (p.lost)
		return true;
	if (p.stands >= 0) { /* whatever else is on that line */
		p.by = p.stands;
		p.due = p.copy_due = NS_NEVER;
		p.overtake = 0;
	}
	h.changed = p.changed;
	h.by = p.stands;
	h.due = p.copy_due;
	if (p.copied)
		hold(l, &h, b);
	h.by = p.by;
	h.due = p.due;
	h.overtake = p.overtake;
	if (p.due > l->now || p.changed != *changed) {
		hold(l, &h, b); /* spoilt: due at once, with its own bytes */
		return true;
	}
	overtaken(l, port, (enum lab_way)way);
	return false;
}

void
disturb_due(struct lab *l, ns_t now)
{
	struct disturbances *all = l->disturb;
	struct held **at;

	if (!all)
		return;
	/* From the start each time: what goes on may hold or free others. */
	for (at = &all->held; *at;) {
		struct held *h = *at;

		if (h->due > now) {
			at = &h->next;
			continue;
		}
		*at = h->next;
		if (h->way == WAY_FROM)
			switch_go_on(l, h->no, h->port, h->bytes, h->len, h->changed);
		else
			switch_come_out(l, h->no, h->port, h->bytes, h->len, h->changed);
		if (!h->overtake)
			overtaken(l, h->port, h->way);
		free(h);
		at = &all->held;
	}
}

ns_t
disturb_deadline(const struct lab *l)
{
	ns_t first = NS_NEVER;

	for (const struct held *h = l->disturb ? l->disturb->held : NULL; h; h = h->next)
		first = ns_min(first, h->due);
	return first;
}

/* -- the usual ones -- */

bool
lab_match_pkt(const struct frame *f, void *ctx)
{
	const struct lab_pkt_match *m = ctx;
	struct pkt p;

	(void)pkt_parse(&p, f->bytes, f->len);
	return m->fits(&p, m->ctx);
}

static bool
is_reset(const struct frame *f, void *ctx)
{
	struct pkt p;

	(void)ctx;
	return pkt_parse(&p, f->bytes, f->len) && p.is_tcp && p.tcp_flags & 4;
}

int
lab_half_open(struct lab *l, enum lab_member deaf_to)
{
	return lab_disturb(l, &(struct lab_disturb){.kind = DISTURB_LOSE,
				      .port = lab_member_port(deaf_to, SEG_SYNC),
				      .way = WAY_FROM});
}

int
lab_lose_resets(struct lab *l, enum lab_member from)
{
	return lab_disturb(l, &(struct lab_disturb){.kind = DISTURB_LOSE,
				      .port = lab_member_port(from, SEG_SYNC),
				      .way = WAY_FROM,
				      .match = is_reset});
}
