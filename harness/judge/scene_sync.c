/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sync channel (docs/spec/ssp.md), read as it arrived: what was lost on the way counts when it
 * is sent again, what a bad line held back when it comes out, and nothing once its receiver has
 * closed the connection. An heir has a copy if it acknowledged the last bulk of the active up to
 * its end, and the lease that its last ECHO gave has not run out by its own clock. A channel that
 * cannot be opened makes nobody ready.
 */
#include "harness/judge/scene.h"

#include <stdlib.h>
#include <string.h>

#include "harness/keys/tlsopen.h"
#include "ref/base/cursor.h"

#define HEAD 16
#define BODY_MAX 4096
#define IDLE_MAX 32 /* connections of which nothing was read yet */
#define CLOCK_MOST ((uint64_t)(INT64_MAX / NS_PER_MS / 4)) /* ms */

enum { SSP_HELLO = 1, SSP_BULK_BEGIN = 3, SSP_BULK_END = 4, SSP_PAIR = 7, SSP_ACK = 13 };
enum { TLV_LEASE = 5, TLV_ACKED = 37, TLV_TIME, TLV_ECHO };

struct way {
	uint8_t buf[2 * (HEAD + BODY_MAX)];
	size_t have;
	uint32_t bulk_end; /* number of the last BULK_END that this side sent, 0 none */
	bool lost;
};

struct channel {
	struct tlsopen *tls;
	ip4_t addr[2];
	uint16_t port[2];
	int side[2]; /* of direction 0 (the client) and 1 */
	struct way way[2];
	bool shut[2]; /* that end has closed it: it hears no more */
	uint32_t lease_ms;
	bool ready[SIDES];
	bool pairs[SIDES];  /* its last bulk, or a record since, named one */
	ns_t heard[SIDES];  /* when something reached it last */
	bool told[SIDES];   /* the time of each one's clock */
	ns_t zero[SIDES];   /* of that clock, on ours: of what came soonest */
	ns_t sealed[SIDES]; /* the newest TIME of it that was echoed to it; 0 none */
	ns_t opened;	    /* its SYN */
	ns_t last;	    /* when a message was read; 0 never */
};

/* Of 4 octets or 8; 0 if it is not there. */
static uint64_t
tlv_number(const uint8_t *body, size_t len, uint16_t type)
{
	struct rd r;

	rd_init(&r, body, len);
	while (rd_left(&r) >= 4) {
		uint16_t t = rd_u16(&r, "tlv"), n = rd_u16(&r, "tlv.length");
		struct rd v = rd_sub(&r, n, "tlv.value");

		if (t == type)
			return n == 8 ? rd_u64(&v, "value") : rd_u32(&v, "value");
	}
	return 0;
}

/* The lease is counted from the standby's own TIME, which the active echoes (docs/spec/ssp.md 4).
 */
static void
take_clocks(struct channel *c, ns_t at, int dir, const uint8_t *body, size_t len)
{
	uint64_t time = tlv_number(body, len, TLV_TIME), echo = tlv_number(body, len, TLV_ECHO);
	int side = c->side[dir], far = c->side[!dir];

	if (time > CLOCK_MOST || echo > CLOCK_MOST) /* nobody's clock: a wrong member's */
		return;
	if (time && side >= 0) {
		ns_t zero = at - (ns_t)time * NS_PER_MS;

		/* What waited for its line, or was sent again, makes the clock look late. */
		c->zero[side] = c->told[side] ? ns_min(c->zero[side], zero) : zero;
		c->told[side] = true;
	}
	if (echo && far >= 0)
		c->sealed[far] = c->zero[far] + (ns_t)echo * NS_PER_MS;
}

static void
take_message(struct channel *c, ns_t at, int dir, const uint8_t *m, size_t body_len)
{
	struct way *w = &c->way[dir];
	int far = c->side[!dir];
	uint32_t number = IP4(m[8], m[9], m[10], m[11]), n;

	c->last = at;
	if (far >= 0)
		c->heard[far] = at;
	take_clocks(c, at, dir, m + HEAD, body_len);
	switch (m[1]) {
	case SSP_HELLO:
		n = (uint32_t)tlv_number(m + HEAD, body_len, TLV_LEASE);
		c->lease_ms = n > c->lease_ms ? n : c->lease_ms;
		break;
	case SSP_BULK_BEGIN:
		w->bulk_end = 0;
		if (far >= 0)
			c->ready[far] = c->pairs[far] = false;
		break;
	case SSP_PAIR:
		if (far >= 0)
			c->pairs[far] = true;
		break;
	case SSP_BULK_END:
		w->bulk_end = number;
		break;
	case SSP_ACK:
		n = (uint32_t)tlv_number(m + HEAD, body_len, TLV_ACKED);
		if (c->way[!dir].bulk_end && n >= c->way[!dir].bulk_end && c->side[dir] >= 0)
			c->ready[c->side[dir]] = true;
		break;
	}
}

static void
take_bytes(void *ctx, ns_t at, int dir, const uint8_t *bytes, size_t len)
{
	struct channel *c = ctx;
	struct way *w = &c->way[dir];

	while (len > 0 && !w->lost) {
		size_t n = sizeof(w->buf) - w->have < len ? sizeof(w->buf) - w->have : len, size;

		memcpy(w->buf + w->have, bytes, n);
		w->have += n;
		bytes += n;
		len -= n;
		while (w->have >= HEAD) {
			size = HEAD + (size_t)IP4(w->buf[4], w->buf[5], w->buf[6], w->buf[7]);
			w->lost = size > HEAD + BODY_MAX;
			if (w->lost || w->have < size)
				break;
			take_message(c, at, dir, w->buf, size - HEAD);
			memmove(w->buf, w->buf + size, w->have - size);
			w->have -= size;
		}
	}
}

/* A segment that a bad line held back: it arrives then, or a little earlier. */
struct late {
	size_t frame;
	ns_t due;
};

struct channels {
	struct channel **c;
	size_t cnt, cap;
	struct late *late;
	size_t late_cnt, late_cap;
};

static struct channel *
channel_of(struct channels *all, const struct pkt *p, int *dir)
{
	for (size_t i = all->cnt; i-- > 0;) {
		struct channel *c = all->c[i];

		for (*dir = 0; *dir < 2; ++*dir)
			if (c->addr[*dir] == p->src && c->port[*dir] == p->sport &&
				c->addr[!*dir] == p->dst && c->port[!*dir] == p->dport)
				return c;
	}
	return NULL;
}

/* Of calls that nobody answers only the newest are kept. */
static void
drop_idle(struct channels *all)
{
	size_t idle = 0, first = all->cnt;

	for (size_t i = all->cnt; i-- > 0;)
		if (!all->c[i]->last) {
			idle++;
			first = i;
		}
	if (idle <= IDLE_MAX)
		return;
	tlsopen_free(all->c[first]->tls);
	free(all->c[first]);
	all->cnt--;
	memmove(all->c + first, all->c + first + 1, (all->cnt - first) * sizeof(*all->c));
}

static struct channel *
open_channel(struct scene *s, struct channels *all, size_t frame)
{
	const struct pkt *p = &s->pkt[frame];
	int side = scene_sender(s, frame);
	struct channel *c;

	drop_idle(all);
	c = calloc(1, sizeof(*c));
	if (!c)
		abort();
	*c = (struct channel){.opened = trace_frame(s->t, frame)->at,
		.addr = {p->src, p->dst},
		.port = {p->sport, p->dport},
		.side = {side, side < 0 ? -1 : !side}};
	c->tls = tlsopen_new(s->in->keys, take_bytes, c);
	if (s->in->plain_sync)
		tlsopen_plain(c->tls);
	all->c = scene_more(all->c, all->cnt, &all->cap, sizeof(struct channel *));
	all->c[all->cnt++] = c;
	return c;
}

/* By the newest channel on which a message was read. */
static bool
has_copy(const struct scene *s, const struct channels *all, int heir, ns_t at, ns_t *fresh_until,
	ns_t *channel, bool *pairs)
{
	for (size_t i = all->cnt; i-- > 0;) {
		const struct channel *c = all->c[i];

		if (!c->last)
			continue;
		*channel = c->opened;
		*pairs = c->pairs[heir];
		*fresh_until = c->sealed[heir] + ns_from_ms(c->lease_ms);
		return c->ready[heir] && at <= *fresh_until && !scene_started(s, heir, c->opened, at);
	}
	return false;
}

static ns_t
heard_last(const struct channels *all, int heir)
{
	ns_t heard = 0;

	for (size_t i = 0; i < all->cnt; i++)
		heard = all->c[i]->heard[heir] > heard ? all->c[i]->heard[heir] : heard;
	return heard;
}

/* Was an SA negotiated, from the first message on, since something reached the heir? (ssp.md 5) */
static bool
behind_its_back(const struct scene *s, ns_t heard, ns_t at)
{
	for (size_t i = 0; i < s->sa_cnt; i++)
		if (s->sa[i].asked > heard && s->sa[i].at <= at)
			return true;
	return false;
}

struct settled {
	size_t takes, falls;
};

/* They are asked as the channel's time passes them, since readiness comes and goes. */
static void
settle(struct scene *s, const struct channels *all, struct settled *done, size_t frame)
{
	for (; done->takes < s->take_cnt && s->take[done->takes].frame <= frame; done->takes++) {
		struct scene_take *t = &s->take[done->takes];

		t->copy = has_copy(s, all, t->heir, t->at, &t->fresh_until, &t->channel, &t->pairs);
		t->heard = heard_last(all, t->heir);
		t->ready = t->ready && t->copy && !behind_its_back(s, t->heard, t->at);
	}
	for (; done->falls < s->fall_cnt && s->fall[done->falls].frame <= frame; done->falls++) {
		struct scene_fall *f = &s->fall[done->falls];
		ns_t fresh_until, channel;
		bool pairs;

		f->ready = has_copy(s, all, f->heir, f->at, &fresh_until, &channel, &pairs) &&
			   f->ready && !behind_its_back(s, heard_last(all, f->heir), f->at);
	}
}

/* At that member; of an end that is none, anywhere. */
static bool
arrives(const struct scene *s, size_t frame, int side)
{
	unsigned ports = side < 0 ? ~0u : scene_ports(s, side, SEG_SYNC);

	return trace_frame(s->t, frame)->to & ports;
}

static void
read_segment(struct scene *s, struct channels *all, size_t frame, ns_t at)
{
	const struct pkt *p = &s->pkt[frame];
	int dir = 0;
	struct channel *c = channel_of(all, p, &dir);

	if ((p->tcp_flags & (TLSOPEN_SYN | 0x10)) == TLSOPEN_SYN && (!c || c->last)) {
		c = open_channel(s, all, frame);
		dir = 0;
	}
	/* What was lost on the way is read when it is sent again. */
	if (c && !c->shut[!dir] && arrives(s, frame, c->side[!dir]))
		tlsopen_segment(c->tls, at, dir, p->tcp_seq, p->tcp_flags, p->data, p->data_len);
}

/* By when a frame of the sync line has come out of it: at once, but on a line that held it back. */
static ns_t
arrival(const struct scene *s, size_t frame)
{
	const struct frame *f = trace_frame(s->t, frame);
	ns_t due = f->at;

	if (!(f->fate & FATE_DELAYED))
		return due;
	due += s->in->margin; /* behind one that overtook it */
	for (size_t i = 0; i < s->span_cnt; i++) {
		const struct scene_span *p = &s->span[i];
		ns_t end = p->kind == EVENT_DELAY ? f->at + (ns_t)p->value * NS_PER_US : p->to;

		if ((p->kind == EVENT_DELAY || p->kind == EVENT_STALL || p->kind == EVENT_SLOW) &&
			p->segment == SEG_SYNC && scene_overlaps(p, f->at, f->at) && end > due)
			due = end;
	}
	return due;
}

static void
read_late(struct scene *s, struct channels *all, ns_t at)
{
	for (size_t i = 0; i < all->late_cnt;) {
		struct late l = all->late[i];

		if (l.due > at) {
			i++;
			continue;
		}
		memmove(all->late + i, all->late + i + 1,
			(--all->late_cnt - i) * sizeof(*all->late));
		read_segment(s, all, l.frame, l.due);
	}
}

/* Who sends FIN or RST has closed it, whenever that arrives. */
static void
note_shut(struct channels *all, const struct pkt *p)
{
	int dir = 0;
	struct channel *c =
		p->tcp_flags & (TLSOPEN_FIN | TLSOPEN_RST) ? channel_of(all, p, &dir) : NULL;

	if (c)
		c->shut[dir] = true;
}

static void
read_sync_frame(struct scene *s, struct channels *all, size_t i)
{
	ns_t at = trace_frame(s->t, i)->at, due = arrival(s, i);

	note_shut(all, &s->pkt[i]);

	if (due == at) {
		read_segment(s, all, i, at);
		return;
	}
	all->late = scene_more(all->late, all->late_cnt, &all->late_cap, sizeof(*all->late));
	all->late[all->late_cnt++] = (struct late){i, due};
}

/* Lost is what somebody closed, what another one took the place of, and what was silent for a
 * lease. */
static void
note_losses(struct scene *s, const struct channels *all)
{
	ns_t end = s->cnt ? trace_frame(s->t, s->cnt - 1)->at : 0;

	for (size_t i = 0; i < all->cnt; i++) {
		const struct channel *c = all->c[i];
		ns_t lease = ns_from_ms(c->lease_ms);

		if (!c->last ||
			(!c->shut[0] && !c->shut[1] && i + 1 == all->cnt && end - c->last <= lease))
			continue;
		s->loss = scene_more(s->loss, s->loss_cnt, &s->loss_cap, sizeof(*s->loss));
		s->loss[s->loss_cnt++] = (struct scene_loss){c->opened, c->last, lease};
	}
}

void
scene_read_sync(struct scene *s)
{
	struct channels all = {.cnt = 0};
	struct settled done = {0};

	for (size_t i = 0; i < s->cnt; i++) {
		read_late(s, &all, trace_frame(s->t, i)->at);
		settle(s, &all, &done, i);
		if (s->pkt[i].is_tcp && scene_segment(s, i) == SEG_SYNC)
			read_sync_frame(s, &all, i);
	}
	settle(s, &all, &done, s->cnt);
	note_losses(s, &all);
	for (size_t i = 0; i < all.cnt; i++) {
		tlsopen_free(all.c[i]->tls);
		free(all.c[i]);
	}
	free(all.c);
	free(all.late);
}
