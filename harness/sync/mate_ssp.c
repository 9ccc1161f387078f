/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scripted member: docs/spec/ssp.md sections 2 and 3, and of section 4 the echo. As
 * receiver it does not look into records (an increment for an SA that it was never told is
 * acknowledged): what they mean is the case's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/sync/mate_in.h"
#include "ref/base/cursor.h"

#define HEADER 16
#define SETS 64

static uint64_t
clock_ms(ns_t now)
{
	return (uint64_t)ns_to_ms(now) + 1; /* 0 is no TIME */
}

/* -- out -- */

size_t
mate_build(uint8_t *out, size_t cap, unsigned type, const char *layers,
	const struct field_set *sets, size_t cnt)
{
	struct field_set all[SETS];
	struct why why = {0};
	size_t len;

	if (cnt + 1 > SETS)
		return 0;
	all[0] = SET("ssp.type", type);
	if (cnt)
		memcpy(all + 1, sets, cnt * sizeof *sets);
	len = field_build(out, cap, layers, all, cnt + 1, &why);
	if (!len)
		fprintf(stderr, "mate: %s cannot be built: %s\n", layers,
			why.field ? why.field : "too long");
	return len;
}

static void
put32(uint8_t *at, uint32_t v)
{
	struct wr w;

	wr_init(&w, at, 4);
	wr_u32(&w, v);
}

uint32_t
mate_ssp_again(struct conn *c, ns_t now, const uint8_t *bytes, size_t len)
{
	uint8_t *copy;

	if (len < HEADER)
		return 0;
	copy = malloc(len);
	if (!copy)
		abort();
	memcpy(copy, bytes, len);
	put32(copy + 8, c->next);
	put32(copy + 12, c->mate->epoch);
	mate_tls_write(c, now, copy, len);
	free(copy);
	return c->next++;
}

uint32_t
mate_ssp_send(struct conn *c, ns_t now, unsigned type, const char *layers,
	const struct field_set *sets, size_t cnt)
{
	struct field_set all[SETS];
	uint8_t out[HEADER + MATE_BODY_MAX + 64];
	size_t len;

	if (cnt + 2 > SETS)
		return 0;
	all[0] = SET("ssp.number", c->next);
	all[1] = SET("ssp.epoch", c->mate->epoch);
	if (cnt)
		memcpy(all + 2, sets, cnt * sizeof *sets);
	len = mate_build(out, sizeof out, type, layers, all, cnt + 2);
	if (!len)
		return 0;
	mate_tls_write(c, now, out, len);
	return c->next++;
}

#define SEND(c, now, type, layers, ...)                                                            \
	mate_ssp_send(c, now, type, layers, (const struct field_set[]){__VA_ARGS__},               \
		sizeof((const struct field_set[]){__VA_ARGS__}) / sizeof(struct field_set))

static void
hello(struct conn *c, ns_t now)
{
	const struct mate *m = c->mate;
	uint32_t version = m->wrong.client_version ? m->wrong.client_version : 0x0100;

	c->said_hello = true;
	SEND(c, now, MATE_HELLO,
		"ssp/ssp.group/ssp.role/ssp.instance/ssp.keepalive/ssp.lease/ssp.client/ssp.client",
		SET("ssp.group.number", m->cfg.group), SET("ssp.role.role", m->role),
		SET("ssp.instance.id", m->seed | 1), SET("ssp.keepalive.ms", m->cfg.keepalive_ms),
		SET("ssp.lease.ms", m->cfg.lease_ms), SET("ssp.client.doi", 1),
		SET("ssp.client.version", version), SET("ssp.client.doi#2", 2),
		SET("ssp.client.version#2", version));
}

/* The two ends of a copy (docs/spec/ssp.md, Words): who has live SAs, and who has none. */
static bool
holds(enum mate_role role)
{
	return role == MATE_ACTIVE || role == MATE_SUSPENDED;
}

/* Only a holder that copies echoes (docs/spec/ssp.md 2, ECHO). */
static uint64_t
echo_of(const struct conn *c)
{
	return holds(c->mate->role) && c->fed ? c->heard_time : 0;
}

static void
keepalive(struct conn *c, ns_t now)
{
	SEND(c, now, MATE_KEEPALIVE, "ssp/ssp.time/ssp.echo", SET("ssp.time.ms", clock_ms(now)),
		SET("ssp.echo.ms", echo_of(c)));
}

void
mate_ssp_flush(struct conn *c, ns_t now)
{
	if (!c->owes_ack || c->mate->wrong.no_ack)
		return;
	c->owes_ack = false;
	SEND(c, now, MATE_ACK, "ssp/ssp.acked/ssp.time/ssp.echo", SET("ssp.acked.number", c->seen),
		SET("ssp.time.ms", clock_ms(now)), SET("ssp.echo.ms", echo_of(c)));
}

void
mate_ssp_bulk(struct conn *c, ns_t now)
{
	const struct mate *m = c->mate;

	c->fed = true;
	SEND(c, now, MATE_BULK_BEGIN, "ssp/ssp.count", SET("ssp.count.records", m->offered_cnt));
	for (size_t i = 0; i < m->offered_cnt; i++)
		mate_ssp_again(c, now, m->offered[i].bytes, m->offered[i].len);
	c->bulk_end = SEND(
		c, now, MATE_BULK_END, "ssp/ssp.count", SET("ssp.count.records", m->offered_cnt));
}

/* One holds, the other receives, and has told all its statements (docs/spec/ssp.md 3.1, 3.3). */
static bool
may_feed(const struct conn *c)
{
	const struct mate *m = c->mate;

	return c->said_hello && c->heard_hello && c->heard_all && !c->refused && holds(m->role) &&
	       !holds(m->notes[c->no].router_role) && !m->wrong.no_bulk;
}

static void
feed_if_due(struct conn *c, ns_t now)
{
	if (!c->fed && may_feed(c))
		mate_ssp_bulk(c, now);
}

/* A copy ends when one of its ends is another; not when it changes to its other role (3.4). */
static void
end_copies(struct conn *c)
{
	bool we_hold = holds(c->mate->role), router_holds = holds(mate_note(c)->router_role);

	if (!we_hold || router_holds)
		c->fed = false;
	if ((we_hold && !c->mate->wrong.takes_as_active) || !router_holds)
		c->filling = c->owes_ack = false;
}

void
mate_ssp_up(struct conn *c, ns_t now)
{
	c->up = true;
	mate_note(c)->up = now;
	c->alive_at = now + ns_from_ms(c->mate->cfg.keepalive_ms);
	if (!c->mate->wrong.no_hello)
		hello(c, now);
}

void
mate_ssp_role(struct conn *c, ns_t now)
{
	end_copies(c);
	if (!c->said_hello || c->tcp.state != STCP_OPEN)
		return;
	SEND(c, now, MATE_ROLE, "ssp/ssp.role", SET("ssp.role.role", c->mate->role));
	feed_if_due(c, now);
}

void
mate_ssp_tick(struct conn *c, ns_t now)
{
	if (now < c->alive_at)
		return;
	c->alive_at = now + ns_from_ms(c->mate->cfg.keepalive_ms);
	if (!c->mate->wrong.no_keepalive && c->said_hello)
		keepalive(c, now);
}

/* -- in -- */

static uint64_t
number_of(const struct mate_msg *e, const char *field)
{
	static struct msg m;
	const struct field *f;

	(void)field_decode_as(&m, "ssp", e->bytes, e->len);
	f = field_find(&m, field);
	return f ? f->value : 0;
}

static void
got_hello(struct conn *c, ns_t now, const struct mate_msg *e)
{
	c->heard_hello = true;
	mate_note(c)->hello = now;
	mate_note(c)->router_role = (enum mate_role)number_of(e, "ssp.role.role");
	if (!c->said_hello)
		return;
	keepalive(c, now); /* our statements are complete: there are none */
}

static void
got_role(struct conn *c, ns_t now, const struct mate_msg *e)
{
	mate_note(c)->router_role = (enum mate_role)number_of(e, "ssp.role.role");
	c->refused = false;
	end_copies(c);
	feed_if_due(c, now);
}

/* BULK_BEGIN to DPD: taken by a receiver, refused by a holder. */
static void
got_record(struct conn *c, ns_t now, const struct mate_msg *e)
{
	const struct mate *m = c->mate;

	if (holds(m->role) && !m->wrong.takes_as_active) {
		SEND(c, now, MATE_REFUSE, "ssp/ssp.acked/ssp.reason",
			SET("ssp.acked.number", e->number),
			SET("ssp.reason.code", MATE_I_AM_ACTIVE));
		return;
	}
	if (e->type == MATE_BULK_BEGIN) {
		c->filling = true;
		mate_note(c)->bulks++;
	}
	c->owes_ack = c->filling;
	if (e->type == MATE_BULK_END && c->filling && !mate_note(c)->ready && !m->wrong.no_ack)
		mate_note(c)->ready = now;
}

static void
got_ack(struct conn *c, ns_t now, const struct mate_msg *e)
{
	uint32_t acked = (uint32_t)number_of(e, "ssp.acked.number");
	struct mate_conn_note *n = mate_note(c);

	if (acked > n->acked)
		n->acked = acked;
	if (!c->bulk_end || n->acked < c->bulk_end)
		return;
	c->bulk_end = 0;
	if (!n->ready)
		n->ready = now;
	keepalive(c, now); /* the echo that counts (docs/spec/ssp.md 4, the lease) */
}

static void
got_time(struct conn *c, const struct mate_msg *e)
{
	uint64_t t = number_of(e, "ssp.time.ms");

	if (t > c->heard_time)
		c->heard_time = t;
}

/* Its first one tells that its statements are complete. */
static void
got_keepalive(struct conn *c, ns_t now, const struct mate_msg *e)
{
	got_time(c, e);
	c->heard_all = c->heard_hello;
	feed_if_due(c, now);
}

/*
 * A router that holds, itself, takes nothing before its next ROLE (docs/spec/ssp.md 3.7). A stale
 * epoch is of that record alone: the copy goes on. No other reason has its place here.
 */
static void
got_refuse(struct conn *c, const struct mate_msg *e)
{
	if (number_of(e, "ssp.reason.code") != MATE_I_AM_ACTIVE)
		return;
	c->refused = true;
	c->fed = false;
}

static void
act_on(struct conn *c, ns_t now, const struct mate_msg *e)
{
	if (e->type >= MATE_BULK_BEGIN && e->type <= MATE_DPD) {
		got_record(c, now, e);
		return;
	}
	switch (e->type) {
	case MATE_HELLO:
		got_hello(c, now, e);
		break;
	case MATE_ROLE:
		got_role(c, now, e);
		break;
	case MATE_ACK:
		got_time(c, e);
		got_ack(c, now, e);
		break;
	case MATE_KEEPALIVE:
		got_keepalive(c, now, e);
		break;
	case MATE_RESYNC:
		if (may_feed(c))
			mate_ssp_bulk(c, now);
		break;
	case MATE_REFUSE:
		got_refuse(c, e);
		break;
	default: /* HIGHEST, ERROR: kept, for the case */
		break;
	}
}

/* A gap: a receiver asks for everything once more, and acknowledges nothing before it begins. */
static void
keep_order(struct conn *c, ns_t now, uint32_t number)
{
	if (number != c->seen + 1) {
		c->filling = c->owes_ack = false;
		if (!holds(c->mate->role) && !c->mate->wrong.no_resync && c->said_hello)
			SEND(c, now, MATE_RESYNC, "ssp/ssp.reason",
				SET("ssp.reason.code", MATE_GAP));
	}
	c->seen = number;
}

static void
message(struct conn *c, ns_t now, const uint8_t *bytes, size_t len)
{
	struct mate *m = c->mate;
	struct mate_msg e = {.at = now, .conn = c->no, .type = bytes[1], .len = len};
	uint8_t *copy = malloc(len);
	struct rd r;

	if (!copy)
		abort();
	memcpy(copy, bytes, len);
	rd_init(&r, copy, len);
	rd_skip(&r, 8, "ssp.version");
	e.number = rd_u32(&r, "ssp.number");
	e.epoch = rd_u32(&r, "ssp.epoch");
	e.bytes = copy;
	m->msgs = mate_grow(m->msgs, m->msg_cnt, &m->msg_cap, sizeof *m->msgs);
	m->msgs[m->msg_cnt++] = e;
	if (e.epoch > m->epoch)
		m->epoch = e.epoch;
	keep_order(c, now, e.number);
	act_on(c, now, &e);
}

void
mate_ssp_bytes(struct conn *c, ns_t now, const uint8_t *bytes, size_t len)
{
	while (len) {
		size_t room = MATE_STREAM - c->stream_len, n = len < room ? len : room, whole;

		if (!n) {
			c->broken = true; /* longer than any message may be */
			return;
		}
		memcpy(c->stream + c->stream_len, bytes, n);
		c->stream_len += n;
		bytes += n;
		len -= n;
		while ((whole = field_ssp_whole(c->stream, c->stream_len)) != 0) {
			message(c, now, c->stream, whole);
			c->stream_len -= whole;
			memmove(c->stream, c->stream + whole, c->stream_len);
		}
	}
}
