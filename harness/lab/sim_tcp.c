/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small TCP (sim_tcp.h). A connection keeps what is not acknowledged yet, sent or not, in one
 * buffer that begins at `una`. One timer a connection. What comes in: sim_tcp_receive.c.
 */
#include "harness/lab/sim_tcp_in.h"

#include <stdlib.h>
#include <string.h>

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

void
simt_forget(struct conn *c)
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
		simt_forget(&t->conn[i]);
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

static void
put32(uint8_t *at, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(v >> (24 - 8 * i));
}

void
simt_segment_out(struct simt *t, ns_t now, const struct simt_segment *s, const uint8_t *bytes, size_t len)
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

void
simt_say(struct simt *t, ns_t now, const struct conn *c, uint8_t flags, uint32_t seq,
	const uint8_t *bytes, size_t len)
{
	const struct simt_segment s = {c->local, c->remote, c->lport, c->rport, seq, c->rcv, flags};

	simt_segment_out(t, now, &s, bytes, len);
}

/* One segment of the buffer, from sequence number seq on; how much. */
size_t
simt_piece(struct simt *t, ns_t now, struct conn *c, uint32_t seq)
{
	size_t at = seq - c->una, n = c->len - at < MSS ? c->len - at : MSS;

	simt_say(t, now, c, at + n == c->len ? ACK | PSH : ACK, seq, c->buf + at, n);
	return n;
}

/* What may go out now. */
void
simt_flush(struct simt *t, ns_t now, struct conn *c)
{
	uint32_t room = c->cwnd < c->window ? c->cwnd : c->window;

	while (c->state == ESTABLISHED && c->nxt - c->una < c->len && c->nxt - c->una + MSS <= room) {
		uint32_t from = c->nxt;

		if (c->una == c->nxt)
			c->due = now + c->rto;
		c->nxt += (uint32_t)simt_piece(t, now, c, from);
		if (!c->timed_at && !simt_before(from, c->top)) {
			c->timed_at = now;
			c->timed = c->nxt;
		}
		if (simt_before(c->top, c->nxt))
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
	simt_flush(t, now, c);
}

/* ---- connections ---- */

int
simt_place(const struct simt *t)
{
	for (int i = 0; i < SIMT_CONNS; i++)
		if (t->conn[i].state == FREE)
			return i;
	return -1;
}

struct conn *
simt_open(struct simt *t, ns_t now, int at, enum state state)
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
	int at = simt_place(t);
	struct conn *c;

	if (at < 0)
		return -1;
	c = simt_open(t, now, at, SYN_SENT);
	c->local = local;
	c->remote = remote;
	c->lport = (uint16_t)(PORT_LOW + draw(t) % PORT_CNT);
	c->rport = port;
	simt_say(t, now, c, SYN, c->una, NULL, 0);
	return at;
}

void
simt_reset(struct simt *t, ns_t now, int conn)
{
	struct conn *c = &t->conn[conn];

	if (c->state == ESTABLISHED || c->state == SYN_RECEIVED)
		simt_say(t, now, c, RST | ACK, c->nxt, NULL, 0);
	simt_forget(c);
}

void
simt_abandon(struct simt *t, ns_t now)
{
	t->listen_port = 0;
	for (int i = 0; i < SIMT_CONNS; i++) {
		struct conn *c = &t->conn[i];

		if (c->state == ESTABLISHED)
			simt_say(t, now, c, FIN | ACK, c->nxt, NULL, 0);
		simt_forget(c);
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
		simt_say(t, now, c, SYN, c->una, NULL, 0);
	} else if (c->state == SYN_RECEIVED) {
		simt_say(t, now, c, SYN | ACK, c->una, NULL, 0);
	} else {
		c->ssthresh = (c->nxt - c->una) / 2 > 2 * MSS ? (c->nxt - c->una) / 2 : 2 * MSS;
		c->cwnd = MSS;
		c->recovering = false;
		c->copies = 0;
		c->nxt = c->una + (uint32_t)simt_piece(t, now, c, c->una); /* go back */
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
