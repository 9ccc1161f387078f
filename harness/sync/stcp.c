/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One TCP connection (stcp.h). What waits for its acknowledgement is sent again as a whole from the
 * oldest octet on (go-back-N): simple, and on a switch that loses nothing never seen.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/sync/stcp.h"
#include "ref/base/cursor.h"

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define PSH 0x08
#define ACK 0x10

#define AGAIN_FIRST (200 * NS_PER_MS)
#define TRIES 8

static bool
before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/* The checksum covers the addresses, protocol and length, too (RFC 9293 3.1). */
static void
put_checksum(uint8_t *seg, size_t len, ip4_t src, ip4_t dst)
{
	uint8_t pseudo[12];
	struct wr w;

	wr_init(&w, pseudo, sizeof pseudo);
	wr_u32(&w, src);
	wr_u32(&w, dst);
	wr_u16(&w, PKT_TCP);
	wr_u16(&w, (uint16_t)len);
	pkt_put_sum(seg + 16, pkt_sum(seg, len, pkt_sum(pseudo, sizeof pseudo, 0)));
}

struct segment {
	ip4_t src, dst;
	uint16_t sport, dport, window, id;
	uint32_t seq, ack;
	uint8_t flags;
	const uint8_t *data;
	size_t len;
};

static size_t
put_segment(uint8_t *ip, size_t cap, const struct segment *s)
{
	const struct pkt_ip h = {
		.src = s->src, .dst = s->dst, .proto = PKT_TCP, .id = s->id, .df = true};
	bool mss = s->flags & SYN;
	uint8_t seg[24 + STCP_MSS];
	struct wr w;

	wr_init(&w, seg, sizeof seg);
	wr_u16(&w, s->sport);
	wr_u16(&w, s->dport);
	wr_u32(&w, s->seq);
	wr_u32(&w, s->ack);
	wr_u8(&w, mss ? 0x60 : 0x50);
	wr_u8(&w, s->flags);
	wr_u16(&w, s->window);
	wr_u32(&w, 0);
	if (mss)
		wr_u32(&w, 0x02040000u | STCP_MSS);
	wr_bytes(&w, s->data, s->len);
	if (wr_done(&w))
		return 0;
	put_checksum(seg, w.len, s->src, s->dst);
	return pkt_put_ip(ip, cap, &h, seg, w.len);
}

static void
emit(struct stcp *t, ns_t now, uint8_t flags, uint32_t seq, const uint8_t *data, size_t len)
{
	const struct segment s = {
		.src = t->local,
		.dst = t->remote,
		.sport = t->lport,
		.dport = t->rport,
		.window = (uint16_t)(STCP_ROOM - t->in_len),
		.id = ++t->ip_id,
		.seq = seq,
		.ack = flags & ACK ? t->rcv : 0,
		.flags = flags,
		.data = data,
		.len = len,
	};
	uint8_t ip[64 + STCP_MSS];
	size_t n = put_segment(ip, sizeof ip, &s);

	if (n)
		t->out(t->ctx, now, ip, n);
}

void
stcp_init(struct stcp *t, ip4_t local, uint16_t lport, ip4_t remote, uint16_t rport, stcp_out *out,
	void *ctx)
{
	memset(t, 0, sizeof *t);
	t->local = local;
	t->remote = remote;
	t->lport = lport;
	t->rport = rport;
	t->out = out;
	t->ctx = ctx;
	t->again = NS_NEVER;
	t->piece = STCP_MSS;
}

void
stcp_free(struct stcp *t)
{
	free(t->buf);
	t->buf = NULL;
	t->buf_at = t->buf_len = t->buf_cap = 0;
}

static void
over(struct stcp *t, enum stcp_end why)
{
	t->state = STCP_OVER;
	t->end = why;
	t->again = NS_NEVER;
	stcp_free(t);
}

static void
arm(struct stcp *t, ns_t now)
{
	t->again = now + (AGAIN_FIRST << (t->tries < 4 ? t->tries : 4));
}

void
stcp_call(struct stcp *t, ns_t now, uint32_t isn)
{
	t->state = STCP_CALLING;
	t->una = isn;
	t->nxt = isn + 1;
	arm(t, now);
	emit(t, now, SYN, isn, NULL, 0);
}

void
stcp_answer(struct stcp *t, ns_t now, const struct pkt *syn, uint32_t isn)
{
	t->state = STCP_ANSWERED;
	t->una = isn;
	t->nxt = isn + 1;
	t->rcv = syn->tcp_seq + 1;
	arm(t, now);
	emit(t, now, SYN | ACK, isn, NULL, 0);
}

bool
stcp_is_for(const struct stcp *t, const struct pkt *p)
{
	return t->state != STCP_IDLE && t->state != STCP_OVER && p->src == t->remote &&
	       p->dst == t->local && p->sport == t->rport && p->dport == t->lport;
}

/* -- out -- */

/* Octets of the buffer that are under way. */
static size_t
under_way(const struct stcp *t)
{
	return t->nxt - t->una - t->fin_sent;
}

static void
push_fin(struct stcp *t, ns_t now)
{
	if (!t->fin_asked || t->fin_sent || under_way(t) < t->buf_len)
		return;
	t->fin_sent = true;
	emit(t, now, FIN | ACK, t->nxt, NULL, 0);
	t->nxt++;
}

static void
push(struct stcp *t, ns_t now)
{
	if (t->state != STCP_OPEN)
		return;
	while (!t->fin_sent && under_way(t) < t->buf_len && under_way(t) < t->peer_window) {
		size_t at = under_way(t), len = t->buf_len - at, room = t->peer_window - at;

		len = len < room ? len : room;
		len = len < t->piece ? len : t->piece;
		emit(t, now, ACK | PSH, t->nxt, t->buf + t->buf_at + at, len);
		t->nxt += (uint32_t)len;
	}
	push_fin(t, now);
	if (t->state == STCP_OPEN && t->again == NS_NEVER && (t->nxt != t->una || t->buf_len))
		arm(t, now);
}

/* Room for len octets behind what waits, which then begins at the beginning. */
static void
make_room(struct stcp *t, size_t len)
{
	if (t->buf_cap - t->buf_at - t->buf_len >= len)
		return;
	if (t->buf_at)
		memmove(t->buf, t->buf + t->buf_at, t->buf_len);
	t->buf_at = 0;
	if (t->buf_cap - t->buf_len >= 2 * len)
		return;
	t->buf_cap = 2 * (t->buf_cap + len);
	t->buf = realloc(t->buf, t->buf_cap);
	if (!t->buf) {
		fprintf(stderr, "stcp: out of memory\n");
		abort();
	}
}

void
stcp_write(struct stcp *t, ns_t now, const void *bytes, size_t len)
{
	if (t->state == STCP_OVER || t->fin_asked || !len)
		return;
	make_room(t, len);
	memcpy(t->buf + t->buf_at + t->buf_len, bytes, len);
	t->buf_len += len;
	push(t, now);
}

size_t
stcp_waiting(const struct stcp *t)
{
	return t->buf_len;
}

void
stcp_finish(struct stcp *t, ns_t now)
{
	if (t->state == STCP_OVER)
		return;
	t->fin_asked = true;
	push(t, now);
}

void
stcp_abort(struct stcp *t, ns_t now)
{
	if (t->state == STCP_OVER)
		return;
	emit(t, now, RST | ACK, t->nxt, NULL, 0);
	over(t, STCP_ABORTED);
}

/* -- in -- */

static void
take_ack(struct stcp *t, ns_t now, const struct pkt *p)
{
	uint32_t got = p->tcp_ack - t->una;
	size_t octets;

	if (!(p->tcp_flags & ACK) || before(p->tcp_ack, t->una) || before(t->nxt, p->tcp_ack))
		return;
	/* The window stands behind the sequence numbers, flags and offset (RFC 9293 3.1). */
	t->peer_window = (uint32_t)p->l4[14] << 8 | p->l4[15];
	t->tries = 0;
	if (!got)
		return;
	octets = t->state != STCP_OPEN ? 0 : got < t->buf_len ? got : t->buf_len;
	t->buf_at += octets;
	t->buf_len -= octets;
	t->una = p->tcp_ack;
	t->again = NS_NEVER;
	if (t->nxt != t->una)
		arm(t, now);
}

/* What of the segment is next in order; true if anything of it wants an acknowledgement. */
static bool
take_data(struct stcp *t, const struct pkt *p)
{
	uint32_t seen = t->rcv - p->tcp_seq; /* octets of it that came before */
	size_t room = STCP_ROOM - t->in_len, len;

	if (!p->data_len)
		return false;
	if (before(t->rcv, p->tcp_seq) || seen >= p->data_len)
		return true;
	len = p->data_len - seen;
	len = len < room ? len : room;
	memcpy(t->in + t->in_len, p->data + seen, len);
	t->in_len += len;
	t->rcv += (uint32_t)len;
	return true;
}

static bool
take_fin(struct stcp *t, const struct pkt *p)
{
	if (!(p->tcp_flags & FIN))
		return false;
	if (!t->peer_fin && p->tcp_seq + (uint32_t)p->data_len == t->rcv) {
		t->peer_fin = true;
		t->rcv++;
	}
	return true;
}

static void
called(struct stcp *t, ns_t now, const struct pkt *p)
{
	if (!(p->tcp_flags & ACK) || p->tcp_ack != t->nxt)
		return;
	if (p->tcp_flags & RST) {
		over(t, STCP_REFUSED);
		return;
	}
	if (!(p->tcp_flags & SYN))
		return;
	t->rcv = p->tcp_seq + 1;
	take_ack(t, now, p);
	t->state = STCP_OPEN;
	emit(t, now, ACK, t->nxt, NULL, 0);
	push(t, now);
}

static void
in_order(struct stcp *t, ns_t now, const struct pkt *p)
{
	bool data, fin;

	take_ack(t, now, p);
	data = take_data(t, p);
	fin = take_fin(t, p);
	if (data || fin)
		emit(t, now, ACK, t->nxt, NULL, 0);
	if (t->fin_sent && t->una == t->nxt && t->peer_fin)
		over(t, STCP_FINISHED);
	push(t, now);
}

void
stcp_segment(struct stcp *t, ns_t now, const struct pkt *p)
{
	if (t->state == STCP_CALLING) {
		called(t, now, p);
		return;
	}
	if (p->tcp_flags & RST) {
		if (p->tcp_seq - t->rcv < STCP_ROOM)
			over(t, STCP_RESET);
		return;
	}
	if (p->tcp_flags & SYN) {
		if (t->state == STCP_ANSWERED)
			emit(t, now, SYN | ACK, t->una, NULL, 0);
		else
			emit(t, now, ACK, t->nxt, NULL, 0);
		return;
	}
	if (t->state == STCP_ANSWERED && p->tcp_flags & ACK && p->tcp_ack == t->nxt) {
		take_ack(t, now, p);
		t->state = STCP_OPEN;
	}
	if (t->state == STCP_OPEN)
		in_order(t, now, p);
}

size_t
stcp_read(struct stcp *t, ns_t now, uint8_t *out, size_t cap)
{
	size_t len = t->in_len < cap ? t->in_len : cap, room = STCP_ROOM - t->in_len;

	if (!len)
		return 0;
	memcpy(out, t->in, len);
	memmove(t->in, t->in + len, t->in_len - len);
	t->in_len -= len;
	/* A window that was closed opens: the other side has to be told. */
	if (t->state == STCP_OPEN && room < STCP_MSS && STCP_ROOM - t->in_len >= STCP_MSS)
		emit(t, now, ACK, t->nxt, NULL, 0);
	return len;
}

/* -- time -- */

static void
once_more(struct stcp *t, ns_t now)
{
	t->nxt = t->una;
	t->fin_sent = false;
	t->again = NS_NEVER;
	if (!t->peer_window && t->buf_len) {
		emit(t, now, ACK | PSH, t->nxt, t->buf + t->buf_at, 1); /* a probe (RFC 9293 3.8.6.1) */
		t->nxt++;
		arm(t, now);
	} else {
		push(t, now);
	}
}

void
stcp_tick(struct stcp *t, ns_t now)
{
	if (now < t->again)
		return;
	if (++t->tries > TRIES) {
		over(t, STCP_LOST);
		return;
	}
	arm(t, now);
	if (t->state == STCP_CALLING)
		emit(t, now, SYN, t->una, NULL, 0);
	else if (t->state == STCP_ANSWERED)
		emit(t, now, SYN | ACK, t->una, NULL, 0);
	else
		once_more(t, now);
}

ns_t
stcp_deadline(const struct stcp *t)
{
	return t->again;
}

void
stcp_reject(ns_t now, const struct pkt *p, stcp_out *out, void *ctx)
{
	bool ack = p->tcp_flags & ACK;
	struct segment s = {
		.src = p->dst,
		.dst = p->src,
		.sport = p->dport,
		.dport = p->sport,
		.seq = ack ? p->tcp_ack : 0,
		.ack = p->tcp_seq + (uint32_t)p->data_len + !!(p->tcp_flags & SYN) +
		       !!(p->tcp_flags & FIN),
		.flags = ack ? RST : RST | ACK,
	};
	uint8_t ip[64];
	size_t n;

	if (p->tcp_flags & RST)
		return;
	if (ack)
		s.ack = 0;
	n = put_segment(ip, sizeof ip, &s);
	if (n)
		out(ctx, now, ip, n);
}
