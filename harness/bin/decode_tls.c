/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness/bin/decode_tls.h"

#include <stdlib.h>
#include <string.h>

#include "harness/field/field.h"

#define PORT_SSP 3249
#define ACK_FLAG 0x10
#define TLS_HANDSHAKE 0x16 /* the first octet of a connection that speaks TLS (RFC 8446 5.1) */
#define CONNS 16
#define WAY_MAX 8192 /* a message has at most 4112 octets (docs/spec/ssp.md 1) */

struct way {
	uint8_t buf[WAY_MAX];
	size_t have;
	bool lost; /* what came is no SSP */
};

struct conn {
	bool used;
	ip4_t addr[2];
	uint16_t port[2];
	uint64_t last; /* frame, counted here */
	struct tlsopen *tls;
	struct way way[2];
	struct decode_tls *all;
};

struct decode_tls {
	const struct keyring *ring;
	uint64_t frames;
	uint8_t *out;
	size_t cap, len;
	struct conn conn[CONNS];
};

struct decode_tls *
decode_tls_new(const struct keyring *ring)
{
	struct decode_tls *t = calloc(1, sizeof *t);

	if (!t)
		abort();
	t->ring = ring;
	return t;
}

void
decode_tls_free(struct decode_tls *t)
{
	for (size_t i = 0; t && i < CONNS; i++)
		tlsopen_free(t->conn[i].tls);
	free(t);
}

static void
put_message(struct decode_tls *t, const uint8_t *bytes, size_t len)
{
	if (len > t->cap - t->len)
		return;
	memcpy(t->out + t->len, bytes, len);
	t->len += len;
}

/* Octets of the stream in order. */
static void
take_bytes(void *ctx, ns_t at, int dir, const uint8_t *bytes, size_t len)
{
	struct conn *c = ctx;
	struct way *w = &c->way[dir];
	size_t n, whole;

	(void)at;
	for (; len && !w->lost; bytes += n, len -= n) {
		n = WAY_MAX - w->have < len ? WAY_MAX - w->have : len;
		memcpy(w->buf + w->have, bytes, n);
		w->have += n;
		while ((whole = field_ssp_whole(w->buf, w->have)) != 0) {
			put_message(c->all, w->buf, whole);
			memmove(w->buf, w->buf + whole, w->have - whole);
			w->have -= whole;
		}
		w->lost = w->have == WAY_MAX;
	}
}

static struct conn *
find(struct decode_tls *t, const struct pkt *p, int *dir)
{
	for (size_t i = 0; i < CONNS; i++) {
		struct conn *c = &t->conn[i];

		for (*dir = 0; c->used && *dir < 2; ++*dir)
			if (c->addr[*dir] == p->src && c->port[*dir] == p->sport &&
				c->addr[!*dir] == p->dst && c->port[!*dir] == p->dport)
				return c;
	}
	*dir = 0;
	return NULL;
}

/* In the place of c, else a free one, else of that which was quiet longest. */
static struct conn *
begin(struct decode_tls *t, struct conn *c, const struct pkt *p)
{
	if (!c) {
		c = &t->conn[0];
		for (size_t i = 1; i < CONNS; i++)
			if (c->used && (!t->conn[i].used || t->conn[i].last < c->last))
				c = &t->conn[i];
	}
	tlsopen_free(c->tls);
	memset(c, 0, sizeof *c);
	c->used = true;
	c->addr[0] = p->src;
	c->addr[1] = p->dst;
	c->port[0] = p->sport;
	c->port[1] = p->dport;
	c->all = t;
	return c;
}

size_t
decode_tls_feed(struct decode_tls *t, const struct pkt *p, ns_t at, uint8_t *out, size_t cap)
{
	struct conn *c;
	int dir;

	t->frames++;
	if (p->sport != PORT_SSP && p->dport != PORT_SSP)
		return 0;
	c = find(t, p, &dir);
	/* with octets exchanged it is another connection on the same ports, not the SYN again */
	if ((p->tcp_flags & (TLSOPEN_SYN | ACK_FLAG)) == TLSOPEN_SYN && (!c || c->tls)) {
		c = begin(t, c, p);
		dir = 0;
	}
	if (!c || !p->data_len)
		return 0;
	c->last = t->frames;
	if (!c->tls && p->data[0] == TLS_HANDSHAKE)
		c->tls = tlsopen_new(t->ring, take_bytes, c);
	if (!c->tls)
		return 0;
	t->out = out;
	t->cap = cap;
	t->len = 0;
	tlsopen_segment(c->tls, at, dir, p->tcp_seq, p->tcp_flags, p->data, p->data_len);
	return t->len;
}
