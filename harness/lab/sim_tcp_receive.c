/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The small TCP, receiving: handshakes, acknowledgements, data in order (what came early waits in a
 * short list), resets that may be believed.
 */
#include "harness/lab/sim_tcp_in.h"

#include <stdlib.h>
#include <string.h>

static void
arm(struct conn *c, ns_t now)
{
	c->due = c->una == c->nxt ? NS_NEVER : now + c->rto;
}

static struct conn *
find(struct simt *t, const struct pkt *p)
{
	for (int i = 0; i < SIMT_CONNS; i++) {
		struct conn *c = &t->conn[i];

		if (c->state != FREE && c->local == p->dst && c->remote == p->src &&
			c->lport == p->dport && c->rport == p->sport)
			return c;
	}
	return NULL;
}

static void
tell(struct simt *t, ns_t now, enum simt_event e, const struct conn *c, const uint8_t *bytes,
	size_t len)
{
	t->out.event(t->out.ctx, now, e, (int)(c - t->conn), c->remote, bytes, len);
}

/* RFC 9293 3.5.2 and 3.10.7.1. */
static void
refuse(struct simt *t, ns_t now, const struct pkt *p)
{
	struct simt_segment s = {p->dst, p->src, p->dport, p->sport, p->tcp_ack, 0, RST};

	if (p->tcp_flags & RST)
		return;
	if (!(p->tcp_flags & ACK)) {
		s.seq = 0;
		s.ack = p->tcp_seq + (uint32_t)p->data_len + !!(p->tcp_flags & (SYN | FIN));
		s.flags = RST | ACK;
	}
	simt_segment_out(t, now, &s, NULL, 0);
}

static void
knock(struct simt *t, ns_t now, const struct pkt *p)
{
	int at = simt_place(t);
	struct conn *c;

	if ((p->tcp_flags & (SYN | ACK | RST)) != SYN || !t->listen_port ||
		p->dport != t->listen_port || p->dst != t->listen_addr || at < 0) {
		refuse(t, now, p);
		return;
	}
	c = simt_open(t, now, at, SYN_RECEIVED);
	c->local = p->dst;
	c->remote = p->src;
	c->lport = p->dport;
	c->rport = p->sport;
	c->rcv = p->tcp_seq + 1;
	simt_say(t, now, c, SYN | ACK, c->una, NULL, 0);
}

/* RFC 6298 2. */
static void
measured(struct conn *c, ns_t rtt)
{
	ns_t apart = rtt > c->srtt ? rtt - c->srtt : c->srtt - rtt, spread;

	if (!c->srtt) {
		c->srtt = rtt;
		c->rttvar = rtt / 2;
	} else {
		c->rttvar = (3 * c->rttvar + apart) / 4;
		c->srtt = (7 * c->srtt + rtt) / 8;
	}
	spread = 4 * c->rttvar > RTO_LEAST ? 4 * c->rttvar : RTO_LEAST;
	c->rto = ns_min(c->srtt + spread, RTO_MOST);
}

static void
again(struct simt *t, ns_t now, struct conn *c)
{
	c->timed_at = 0;
	if (c->len)
		(void)simt_piece(t, now, c, c->una);
}

/* An acknowledgement that says nothing new, while something is out (RFC 5681 3.2). */
static void
copied(struct simt *t, ns_t now, struct conn *c)
{
	if (c->una == c->nxt || c->recovering || ++c->copies < 3)
		return;
	c->ssthresh = (c->nxt - c->una) / 2 > 2 * MSS ? (c->nxt - c->una) / 2 : 2 * MSS;
	c->cwnd = c->ssthresh;
	c->recovering = true;
	c->recover = c->nxt;
	again(t, now, c);
}

static void
acknowledged(struct simt *t, ns_t now, struct conn *c, uint32_t ack)
{
	uint32_t n = ack - c->una;

	if (c->timed_at && !simt_before(ack, c->timed)) {
		measured(c, now - c->timed_at);
		c->timed_at = 0;
	}
	c->cwnd += c->cwnd < c->ssthresh ? (n < MSS ? n : MSS) : MSS * MSS / c->cwnd;
	memmove(c->buf, c->buf + n, c->len - n);
	c->len -= n;
	c->una = ack;
	if (simt_before(c->nxt, ack))
		c->nxt = ack;
	c->copies = 0;
	c->recovering = c->recovering && simt_before(ack, c->recover);
	if (c->recovering)
		again(t, now, c);
	arm(c, now);
}

static void
keep_early(struct conn *c, const struct pkt *p)
{
	struct early *e;

	for (unsigned i = 0; i < c->early_cnt; i++)
		if (c->early[i].seq == p->tcp_seq)
			return;
	if (c->early_cnt == EARLY_MAX || p->tcp_seq - c->rcv > WINDOW)
		return;
	e = &c->early[c->early_cnt++];
	*e = (struct early){p->tcp_seq, p->data_len, malloc(p->data_len)};
	if (!e->bytes)
		abort();
	memcpy(e->bytes, p->data, p->data_len);
}

/* Hand on what begins at or before the number expected. False: the connection is gone. */
static bool
take(struct simt *t, ns_t now, struct conn *c, uint32_t seq, const uint8_t *bytes, size_t len)
{
	size_t old = c->rcv - seq;

	if (old >= len)
		return true;
	c->rcv += (uint32_t)(len - old);
	tell(t, now, SIMT_DATA, c, bytes + old, len - old);
	return c->state == ESTABLISHED;
}

static bool
take_early(struct simt *t, ns_t now, struct conn *c)
{
	for (unsigned i = 0; i < c->early_cnt;) {
		struct early e = c->early[i];
		bool there;

		if (simt_before(c->rcv, e.seq)) {
			i++;
			continue;
		}
		c->early[i] = c->early[--c->early_cnt];
		there = take(t, now, c, e.seq, e.bytes, e.len);
		free(e.bytes);
		if (!there)
			return false;
		i = 0;
	}
	return true;
}

static void
data(struct simt *t, ns_t now, struct conn *c, const struct pkt *p)
{
	bool fin = p->tcp_flags & FIN && p->tcp_seq + (uint32_t)p->data_len == c->rcv;

	if (p->data_len && simt_before(c->rcv, p->tcp_seq)) {
		keep_early(c, p);
	} else if (p->data_len) {
		if (!take(t, now, c, p->tcp_seq, p->data, p->data_len) || !take_early(t, now, c))
			return;
		fin = p->tcp_flags & FIN && p->tcp_seq + (uint32_t)p->data_len == c->rcv;
	}
	if (fin)
		c->rcv++;
	if (p->data_len || fin)
		simt_say(t, now, c, ACK, c->nxt, NULL, 0);
	if (fin) { /* nobody here goes on in one direction */
		ip4_t from = c->remote;

		simt_reset(t, now, (int)(c - t->conn));
		t->out.event(t->out.ctx, now, SIMT_CLOSED, (int)(c - t->conn), from, NULL, 0);
	}
}

static void
established(struct simt *t, ns_t now, struct conn *c, const struct pkt *p)
{
	uint32_t ahead = p->tcp_ack - c->una;

	if (p->tcp_flags & SYN || !(p->tcp_flags & ACK)) {
		simt_say(t, now, c, ACK, c->nxt, NULL, 0); /* RFC 9293 3.10.7.4 */
		return;
	}
	c->window = WINDOW;
	if (ahead && ahead <= c->len && !simt_before(c->top, p->tcp_ack))
		acknowledged(t, now, c, p->tcp_ack);
	else if (!ahead && !p->data_len && !(p->tcp_flags & FIN))
		copied(t, now, c);
	data(t, now, c, p);
	simt_flush(t, now, c); /* does nothing if data() has ended it */
}

static void
shaken(struct simt *t, ns_t now, struct conn *c, enum simt_event e)
{
	c->state = ESTABLISHED;
	c->una = c->nxt = c->top;
	c->rto = RTO_LEAST;
	c->due = NS_NEVER;
	tell(t, now, e, c, NULL, 0);
}

static void
segment_in(struct simt *t, ns_t now, struct conn *c, const struct pkt *p)
{
	bool right = p->tcp_flags & ACK && p->tcp_ack == c->nxt;

	switch (c->state) {
	case FREE:
		return;
	case SYN_SENT:
		if (p->tcp_flags & RST || !right || !(p->tcp_flags & SYN)) {
			if (!(p->tcp_flags & RST) && p->tcp_flags & ACK && !right)
				refuse(t, now, p);
			return;
		}
		c->rcv = p->tcp_seq + 1;
		simt_say(t, now, c, ACK, c->nxt, NULL, 0);
		shaken(t, now, c, SIMT_CONNECTED);
		return;
	case SYN_RECEIVED:
		if (p->tcp_flags & SYN)
			simt_say(t, now, c, SYN | ACK, c->una, NULL, 0);
		if (!right || p->tcp_flags & SYN)
			return;
		shaken(t, now, c, SIMT_ACCEPTED);
		if (c->state == ESTABLISHED)
			established(t, now, c, p);
		return;
	case ESTABLISHED:
		established(t, now, c, p);
		return;
	}
}

/* Is it one that we may believe (RFC 9293 3.5.3)? */
static bool
is_reset(const struct conn *c, const struct pkt *p)
{
	if (!(p->tcp_flags & RST))
		return false;
	return c->state == SYN_SENT ? p->tcp_flags & ACK && p->tcp_ack == c->nxt
				    : p->tcp_seq - c->rcv <= WINDOW;
}

/* Over the pseudo header and the segment (RFC 9293 3.1). */
static bool
sum_is_right(const struct pkt *p)
{
	uint32_t pseudo = pkt_sum(p->ip + 12, 8, PKT_TCP + (uint32_t)p->l4_len);

	return pkt_fold(pkt_sum(p->l4, p->l4_len, pseudo)) == 0;
}

void
simt_packet(struct simt *t, ns_t now, const uint8_t *packet, size_t len)
{
	struct conn *c;
	struct pkt p;

	if (!pkt_parse_ip(&p, packet, len) || !p.is_tcp || !sum_is_right(&p))
		return;
	c = find(t, &p);
	if (!c) {
		knock(t, now, &p);
	} else if (is_reset(c, &p)) {
		struct conn gone = *c;

		*c = (struct conn){.state = FREE};
		t->out.event(t->out.ctx, now, SIMT_CLOSED, (int)(c - t->conn), gone.remote, NULL, 0);
		simt_forget(&gone);
	} else if (!(p.tcp_flags & RST)) {
		segment_in(t, now, c, &p);
	}
}

