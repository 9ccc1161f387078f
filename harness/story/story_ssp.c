/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sync channel in the story (docs/spec/ssp.md): connections on TCP port 3249, from their SYN
 * on; whether they go in TLS or in clear; and, where they are in clear or the secrets are there,
 * what matters of their messages: greetings, bulks, refusals, errors.
 */
#include "harness/story/story_in.h"

#include <stdio.h>

#define PORT_SSP 3249
#define ACK_FLAG 0x10
#define HEAD 16
#define BODY_MAX 4096

static const char *
message_name(uint8_t type)
{
	static const char *const names[] = {[1] = "HELLO",
		[3] = "BULK_BEGIN",
		[4] = "BULK_END",
		[15] = "RESYNC",
		[16] = "REFUSE",
		[18] = "ERROR"};

	return type < sizeof(names) / sizeof(names[0]) ? names[type] : NULL;
}

static void
take_message(struct conn *c, int dir, uint8_t type)
{
	struct story *s = c->story;
	const char *name = message_name(type);
	char who[IP4_TEXT];

	c->messages++;
	if (name)
		story_say(s, "ssp.message", "SSP: %s says %s", ip4_put(who, c->addr[dir]), name);
	else
		story_detail(s, "ssp.record", "SSP: %s sends a message of type %u",
			ip4_put(who, c->addr[dir]), type);
}

/* Octets of the stream in order. */
static void
take_bytes(void *ctx, ns_t at, int dir, const uint8_t *bytes, size_t len)
{
	struct conn *c = ctx;
	struct way *w = &c->way[dir];

	(void)at;
	while (len > 0 && !w->lost) {
		size_t n = sizeof(w->buf) - w->have < len ? sizeof(w->buf) - w->have : len, size;

		memcpy(w->buf + w->have, bytes, n);
		w->have += n;
		bytes += n;
		len -= n;
		while (w->have >= HEAD && !w->lost) {
			size = HEAD + (size_t)IP4(w->buf[4], w->buf[5], w->buf[6], w->buf[7]);
			w->lost = size > HEAD + BODY_MAX || w->buf[0] != 1;
			if (w->lost || w->have < size)
				break;
			take_message(c, dir, w->buf[1]);
			memmove(w->buf, w->buf + size, w->have - size);
			w->have -= size;
		}
	}
}

static void
leave(struct story *s, struct conn *c)
{
	char a[IP4_TEXT], b[IP4_TEXT];

	if (c->used && c->known)
		story_say_at(s, (struct story_place){c->last, c->frame, c->file}, "ssp.end",
			"SSP: %s > %s, %.3f s, %s, %llu messages read%s", ip4_put(a, c->addr[0]),
			ip4_put(b, c->addr[1]), story_s(c->last - c->first),
			c->clear ? "in clear" : "TLS", (unsigned long long)c->messages,
			c->closed ? "" : ", still open when last seen");
	tlsopen_free(c->tls);
	memset(c, 0, sizeof(*c));
}

void
story_ssp_end(struct story *s)
{
	for (size_t i = 0; i < STORY_SSP; i++)
		leave(s, &s->conn[i]);
}

static struct conn *
find(struct story *s, int *dir)
{
	const struct pkt *p = &s->p;

	for (size_t i = 0; i < STORY_SSP; i++) {
		struct conn *c = &s->conn[i];

		for (*dir = 0; c->used && *dir < 2; ++*dir)
			if (c->addr[*dir] == p->src && c->port[*dir] == p->sport &&
				c->addr[!*dir] == p->dst && c->port[!*dir] == p->dport)
				return c;
	}
	return NULL;
}

static struct conn *
begin(struct story *s)
{
	const struct pkt *p = &s->p;
	struct conn *c = &s->conn[0];
	char a[IP4_TEXT], b[IP4_TEXT];

	for (size_t i = 1; i < STORY_SSP; i++)
		if (c->used && (!s->conn[i].used || s->conn[i].last < c->last))
			c = &s->conn[i];
	if (c->used) {
		s->sum.lost_ssp++;
		leave(s, c);
	}
	*c = (struct conn){.used = true,
		.addr = {p->src, p->dst},
		.port = {p->sport, p->dport},
		.file = s->file,
		.first = s->now,
		.story = s};
	story_detail(s, "ssp.syn", "SSP: %s calls %s", ip4_put(a, p->src), ip4_put(b, p->dst));
	return c;
}

/* What its first octets are decides how it is read. */
static void
recognise(struct story *s, struct conn *c)
{
	const struct pkt *p = &s->p;
	char a[IP4_TEXT], b[IP4_TEXT];

	c->known = true;
	c->clear = p->data[0] == 1;
	if (s->in.keys) {
		c->tls = tlsopen_new(s->in.keys, take_bytes, c);
		if (c->clear)
			tlsopen_plain(c->tls);
	}
	story_say(s, "ssp.begin", "SSP: %s > %s is open, %s", ip4_put(a, c->addr[0]),
		ip4_put(b, c->addr[1]),
		c->clear	     ? "in clear"
		: p->data[0] == 0x16 ? "TLS"
				     : "and speaks neither TLS nor SSP");
}

void
story_ssp(struct story *s)
{
	const struct pkt *p = &s->p;
	struct conn *c;
	int dir = 0;

	if (p->dport != PORT_SSP && p->sport != PORT_SSP)
		return;
	c = find(s, &dir);
	if ((p->tcp_flags & (TLSOPEN_SYN | ACK_FLAG)) == TLSOPEN_SYN && (!c || c->known)) {
		if (c)
			leave(s, c);
		c = begin(s);
		dir = 0;
	}
	if (!c)
		return;
	c->last = s->now;
	c->frame = s->frame;
	c->closed |= (p->tcp_flags & (TLSOPEN_FIN | TLSOPEN_RST)) != 0;
	if (!c->known && p->data_len > 0)
		recognise(s, c);
	if (c->tls && p->data_len > 0 && !p->ip_cut)
		tlsopen_segment(
			c->tls, s->now, dir, p->tcp_seq, p->tcp_flags, p->data, p->data_len);
}
