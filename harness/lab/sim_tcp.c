/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small TCP (sim_tcp.h). A connection keeps what is not acknowledged yet, sent or not, in one
 * buffer that begins at `una`; what came early waits in a short list. One timer a connection.
 */
#include "harness/lab/sim_tcp.h"

#include <stdlib.h>
#include <string.h>

#include "harness/field/pkt.h"

#define MSS 1460u
#define WINDOW 65535u
#define EARLY_MAX 64
#define RTO_FIRST NS_PER_S
#define RTO_LEAST (200 * NS_PER_MS)
#define RTO_MOST (120 * NS_PER_S)
#define PORT_LOW 32768u
#define PORT_CNT 28232u

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };
enum state { FREE, SYN_SENT, SYN_RECEIVED, ESTABLISHED };

struct early {
	uint32_t seq;
	size_t len;
	uint8_t *bytes;
};

struct conn {
	enum state state;
	ip4_t local, remote;
	uint16_t lport, rport;
	uint32_t una, nxt, top; /* top: one beyond the highest number ever sent */
	uint32_t rcv;		/* expected next */
	uint32_t window;	/* of the other side */
	uint32_t cwnd, ssthresh, recover;
	bool recovering;
	unsigned copies; /* acknowledgements that said nothing new */
	uint8_t *buf;
	size_t len, cap;
	ns_t srtt, rttvar, rto, due; /* due: of the timer; NS_NEVER: nothing is out */
	ns_t timed_at;		     /* a segment is timed; 0: none */
	uint32_t timed;
	struct early early[EARLY_MAX];
	unsigned early_cnt;
};

struct simt {
	struct simt_out out;
	uint64_t chance;
	ip4_t listen_addr;
	uint16_t listen_port, ip_id;
	struct conn conn[SIMT_CONNS];
};

static bool
before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static uint32_t
draw(struct simt *t)
{
	t->chance = t->chance * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(t->chance >> 32);
}

struct simt *
simt_new(uint64_t seed, const struct simt_out *out)
{
	struct simt *t = calloc(1, sizeof(*t));

	if (!t)
		abort();
	t->out = *out;
	t->chance = seed;
	(void)draw(t);
	return t;
}

static void
forget(struct conn *c)
{
	for (unsigned i = 0; i < c->early_cnt; i++)
		free(c->early[i].bytes);
	free(c->buf);
	*c = (struct conn){.state = FREE};
}

void
simt_free(struct simt *t)
{
	if (!t)
		return;
	for (int i = 0; i < SIMT_CONNS; i++)
		forget(&t->conn[i]);
	free(t);
}

void
simt_listen(struct simt *t, ip4_t addr, uint16_t port)
{
	t->listen_addr = addr;
	t->listen_port = port;
}

void
simt_ports(const struct simt *t, int conn, uint16_t *local, uint16_t *remote)
{
	*local = conn < 0 ? 0 : t->conn[conn].lport;
	*remote = conn < 0 ? 0 : t->conn[conn].rport;
}

/* ---- segments out ---- */

struct segment {
	ip4_t src, dst;
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t flags;
};

static void
put32(uint8_t *at, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void
segment_out(struct simt *t, ns_t now, const struct segment *s, const uint8_t *bytes, size_t len)
{
	uint8_t b[20 + MSS] = {(uint8_t)(s->sport >> 8), (uint8_t)s->sport, (uint8_t)(s->dport >> 8),
		(uint8_t)s->dport};
	uint8_t packet[20 + sizeof(b)], pseudo[12] = {0};
	size_t all;

	put32(b + 4, s->seq);
	put32(b + 8, s->flags & ACK ? s->ack : 0);
	b[12] = 5 << 4;
	b[13] = s->flags;
	b[14] = (uint8_t)(WINDOW >> 8);
	b[15] = (uint8_t)WINDOW;
	if (len)
		memcpy(b + 20, bytes, len);
	put32(pseudo, s->src);
	put32(pseudo + 4, s->dst);
	pseudo[9] = PKT_TCP;
	pseudo[10] = (uint8_t)((20 + len) >> 8);
	pseudo[11] = (uint8_t)(20 + len);
	pkt_put_sum(b + 16, pkt_sum(b, 20 + len, pkt_sum(pseudo, sizeof(pseudo), 0)));
	all = pkt_put_ip(packet, sizeof(packet),
		&(struct pkt_ip){.src = s->src, .dst = s->dst, .proto = PKT_TCP, .ttl = 64,
			.id = ++t->ip_id, .df = true},
		b, 20 + len);
	t->out.packet(t->out.ctx, now, packet, all);
}

static void
say(struct simt *t, ns_t now, const struct conn *c, uint8_t flags, uint32_t seq,
	const uint8_t *bytes, size_t len)
{
	const struct segment s = {c->local, c->remote, c->lport, c->rport, seq, c->rcv, flags};

	segment_out(t, now, &s, bytes, len);
}

static void
arm(struct conn *c, ns_t now)
{
	c->due = c->una == c->nxt ? NS_NEVER : now + c->rto;
}

/* One segment of the buffer, from sequence number seq on; how much. */
static size_t
piece(struct simt *t, ns_t now, struct conn *c, uint32_t seq)
{
	size_t at = seq - c->una, n = c->len - at < MSS ? c->len - at : MSS;

	say(t, now, c, at + n == c->len ? ACK | PSH : ACK, seq, c->buf + at, n);
	return n;
}

/* What may go out now. */
static void
flush(struct simt *t, ns_t now, struct conn *c)
{
	uint32_t room = c->cwnd < c->window ? c->cwnd : c->window;

	while (c->state == ESTABLISHED && c->nxt - c->una < c->len && c->nxt - c->una + MSS <= room) {
		uint32_t from = c->nxt;

		if (c->una == c->nxt)
			c->due = now + c->rto;
		c->nxt += (uint32_t)piece(t, now, c, from);
		if (!c->timed_at && !before(from, c->top)) {
			c->timed_at = now;
			c->timed = c->nxt;
		}
		if (before(c->top, c->nxt))
			c->top = c->nxt;
	}
}

void
simt_send(struct simt *t, ns_t now, int conn, const uint8_t *bytes, size_t len)
{
	struct conn *c = &t->conn[conn];

	if (c->len + len > c->cap) {
		c->cap = 2 * (c->len + len);
		c->buf = realloc(c->buf, c->cap);
		if (!c->buf)
			abort();
	}
	memcpy(c->buf + c->len, bytes, len);
	c->len += len;
	flush(t, now, c);
}

/* ---- connections ---- */

static int
place(const struct simt *t)
{
	for (int i = 0; i < SIMT_CONNS; i++)
		if (t->conn[i].state == FREE)
			return i;
	return -1;
}

static struct conn *
open_conn(struct simt *t, ns_t now, int at, enum state state)
{
	struct conn *c = &t->conn[at];

	*c = (struct conn){.state = state,
		.window = WINDOW,
		.cwnd = 10 * MSS,
		.ssthresh = WINDOW,
		.rto = RTO_FIRST,
		.due = now + RTO_FIRST,
		.una = draw(t)};
	c->nxt = c->top = c->una + 1; /* the SYN */
	return c;
}

int
simt_connect(struct simt *t, ns_t now, ip4_t local, ip4_t remote, uint16_t port)
{
	int at = place(t);
	struct conn *c;

	if (at < 0)
		return -1;
	c = open_conn(t, now, at, SYN_SENT);
	c->local = local;
	c->remote = remote;
	c->lport = (uint16_t)(PORT_LOW + draw(t) % PORT_CNT);
	c->rport = port;
	say(t, now, c, SYN, c->una, NULL, 0);
	return at;
}

void
simt_reset(struct simt *t, ns_t now, int conn)
{
	struct conn *c = &t->conn[conn];

	if (c->state == ESTABLISHED || c->state == SYN_RECEIVED)
		say(t, now, c, RST | ACK, c->nxt, NULL, 0);
	forget(c);
}

void
simt_abandon(struct simt *t, ns_t now)
{
	t->listen_port = 0;
	for (int i = 0; i < SIMT_CONNS; i++) {
		struct conn *c = &t->conn[i];

		if (c->state == ESTABLISHED)
			say(t, now, c, FIN | ACK, c->nxt, NULL, 0);
		forget(c);
	}
}

/* ---- segments in ---- */

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
	struct segment s = {p->dst, p->src, p->dport, p->sport, p->tcp_ack, 0, RST};

	if (p->tcp_flags & RST)
		return;
	if (!(p->tcp_flags & ACK)) {
		s.seq = 0;
		s.ack = p->tcp_seq + (uint32_t)p->data_len + !!(p->tcp_flags & (SYN | FIN));
		s.flags = RST | ACK;
	}
	segment_out(t, now, &s, NULL, 0);
}

static void
knock(struct simt *t, ns_t now, const struct pkt *p)
{
	int at = place(t);
	struct conn *c;

	if ((p->tcp_flags & (SYN | ACK | RST)) != SYN || !t->listen_port ||
		p->dport != t->listen_port || p->dst != t->listen_addr || at < 0) {
		refuse(t, now, p);
		return;
	}
	c = open_conn(t, now, at, SYN_RECEIVED);
	c->local = p->dst;
	c->remote = p->src;
	c->lport = p->dport;
	c->rport = p->sport;
	c->rcv = p->tcp_seq + 1;
	say(t, now, c, SYN | ACK, c->una, NULL, 0);
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
		(void)piece(t, now, c, c->una);
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

	if (c->timed_at && !before(ack, c->timed)) {
		measured(c, now - c->timed_at);
		c->timed_at = 0;
	}
	c->cwnd += c->cwnd < c->ssthresh ? (n < MSS ? n : MSS) : MSS * MSS / c->cwnd;
	memmove(c->buf, c->buf + n, c->len - n);
	c->len -= n;
	c->una = ack;
	if (before(c->nxt, ack))
		c->nxt = ack;
	c->copies = 0;
	c->recovering = c->recovering && before(ack, c->recover);
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

		if (before(c->rcv, e.seq)) {
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

	if (p->data_len && before(c->rcv, p->tcp_seq)) {
		keep_early(c, p);
	} else if (p->data_len) {
		if (!take(t, now, c, p->tcp_seq, p->data, p->data_len) || !take_early(t, now, c))
			return;
		fin = p->tcp_flags & FIN && p->tcp_seq + (uint32_t)p->data_len == c->rcv;
	}
	if (fin)
		c->rcv++;
	if (p->data_len || fin)
		say(t, now, c, ACK, c->nxt, NULL, 0);
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
		say(t, now, c, ACK, c->nxt, NULL, 0); /* RFC 9293 3.10.7.4 */
		return;
	}
	c->window = WINDOW;
	if (ahead && ahead <= c->len && !before(c->top, p->tcp_ack))
		acknowledged(t, now, c, p->tcp_ack);
	else if (!ahead && !p->data_len && !(p->tcp_flags & FIN))
		copied(t, now, c);
	data(t, now, c, p);
	flush(t, now, c); /* does nothing if data() has ended it */
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
		say(t, now, c, ACK, c->nxt, NULL, 0);
		shaken(t, now, c, SIMT_CONNECTED);
		return;
	case SYN_RECEIVED:
		if (p->tcp_flags & SYN)
			say(t, now, c, SYN | ACK, c->una, NULL, 0);
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
		forget(&gone);
	} else if (!(p.tcp_flags & RST)) {
		segment_in(t, now, c, &p);
	}
}

/* ---- time ---- */

static void
expired(struct simt *t, ns_t now, struct conn *c)
{
	c->rto = ns_min(2 * c->rto, RTO_MOST);
	c->due = now + c->rto;
	c->timed_at = 0;
	if (c->state == SYN_SENT) {
		say(t, now, c, SYN, c->una, NULL, 0);
	} else if (c->state == SYN_RECEIVED) {
		say(t, now, c, SYN | ACK, c->una, NULL, 0);
	} else {
		c->ssthresh = (c->nxt - c->una) / 2 > 2 * MSS ? (c->nxt - c->una) / 2 : 2 * MSS;
		c->cwnd = MSS;
		c->recovering = false;
		c->copies = 0;
		c->nxt = c->una + (uint32_t)piece(t, now, c, c->una); /* go back */
	}
}

void
simt_tick(struct simt *t, ns_t now)
{
	for (int i = 0; i < SIMT_CONNS; i++)
		if (t->conn[i].state != FREE && t->conn[i].due <= now)
			expired(t, now, &t->conn[i]);
}

ns_t
simt_deadline(const struct simt *t)
{
	ns_t first = NS_NEVER;

	for (int i = 0; i < SIMT_CONNS; i++)
		if (t->conn[i].state != FREE)
			first = ns_min(first, t->conn[i].due);
	return first;
}
