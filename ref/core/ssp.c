/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Order inside: sending, what a received message does (one handler a type), then the step. A
 * message that cannot be read, or comes at the wrong moment, changes nothing but counters, and ends
 * the connection with ERROR.
 */
#include <assert.h>
#include <string.h>

#include "ref/core/ssp_int.h"

const struct ssp_rules ssp_rules_standard = {
	.ack_before_record = false,
	.refuse_when_active = true,
	.refuse_stale_epoch = true,
	.resync_on_gap = true,
	.ready_after_bulk = true,
	.fills_neither = true,
	.bulk = true,
	.keepalives = true,
	.close_when_silent = true,
	.refuse_malformed = true,
	.refuse_full = true,
	.ignore_optional = true,
	.check_hello = true,
	.hello_first = true,
	.resync_on_unknown = true,
	.whole_reads = false,
	.silent_keepalives = 4,
};

const char *const ssp_count_names[SSP_CNT_CNT] = {
	[SSP_CNT_SENT] = "packets-sent",
	[SSP_CNT_SENT_OCTETS] = "bytes-sent",
	[SSP_CNT_RECEIVED] = "packets-received",
	[SSP_CNT_RECEIVED_OCTETS] = "bytes-received",
	[SSP_CNT_RECORDS_IN] = "records-applied",
	[SSP_CNT_RECORDS_OUT] = "records-sent",
	[SSP_CNT_MALFORMED] = "malformed",
	[SSP_CNT_GAPS] = "gaps",
	[SSP_CNT_UNKNOWN_SA] = "record-for-unknown-sa",
	[SSP_CNT_REFUSED_ACTIVE] = "refused-i-am-active",
	[SSP_CNT_REFUSED_EPOCH] = "refused-stale-epoch",
	[SSP_CNT_UNEXPECTED] = "unexpected-message",
	[SSP_CNT_RESYNCS] = "resyncs",
	[SSP_CNT_BULKS] = "bulk-syncs",
	[SSP_CNT_LOST] = "channel-lost",
	[SSP_CNT_CONNECTS] = "connections",
};

struct ssp_act *
ssp_emit(struct ssp_turn *t, enum ssp_act_kind kind)
{
	struct ssp_act *a;

	assert(t->out->cnt < SSP_ACTS_MAX);
	a = &t->out->v[t->out->cnt++];
	memset(a, 0, sizeof *a);
	a->kind = kind;
	return a;
}

uint64_t
ssp_clock_ms(ns_t now)
{
	return (uint64_t)ns_to_ms(now) + 1; /* 0 means: none yet */
}

static uint32_t
send(struct ssp *s, struct ssp_turn *t, struct ssp_msg *m)
{
	struct ssp_act *a;
	struct wr w;

	m->number = ++s->sent;
	m->epoch = s->epoch;
	m->time_ms = ssp_clock_ms(t->now);
	/* Only what is copied to has a lease: the ECHO is what prolongs it. */
	m->echo_ms = ssp_copying(s) ? s->peer_time_ms : 0;
	if (m->type == SSP_KEEPALIVE && m->echo_ms)
		s->echoed_at = s->peer_time_at;
	wr_init(&w, t->out->buf + t->out->used, sizeof t->out->buf - t->out->used);
	if (ssp_encode(&w, m) != ERR_OK)
		assert(false); /* a message of ours that does not fit is a programmer's mistake */
	a = ssp_emit(t, SSP_ACT_SEND);
	a->off = t->out->used;
	a->len = w.len;
	t->out->used += w.len;
	s->count[SSP_CNT_SENT]++;
	s->count[SSP_CNT_SENT_OCTETS] += w.len;
	return m->number;
}

void
ssp_send_plain(
	struct ssp *s, struct ssp_turn *t, enum ssp_type type, unsigned reason, uint32_t number)
{
	struct ssp_msg m = {.type = type, .reason = (uint16_t)reason, .acked = number};

	m.role = (uint8_t)s->role;
	m.count = number;
	(void)send(s, t, &m);
}

void
ssp_send_keepalive(struct ssp *s, struct ssp_turn *t)
{
	s->send_at = t->now + s->keepalive;
	if (s->rules->keepalives)
		ssp_send_plain(s, t, SSP_KEEPALIVE, 0, 0);
}

static void
send_hello(struct ssp *s, struct ssp_turn *t)
{
	struct ssp_msg m = {
		.type = SSP_HELLO,
		.group = s->cfg.group,
		.role = (uint8_t)s->role,
		.instance = s->cfg.instance,
		.keepalive_ms = (uint32_t)ns_to_ms(s->cfg.keepalive),
		.lease_ms = (uint32_t)ns_to_ms(s->cfg.lease),
		.client = {{1, SSP_CLIENT_VERSION}, {2, SSP_CLIENT_VERSION}},
	};

	(void)send(s, t, &m);
}

void
ssp_ready_set(struct ssp *s, struct ssp_turn *t, enum ssp_act_kind kind, bool on)
{
	if (s->ready == on)
		return;
	s->ready = on;
	ssp_emit(t, kind)->on = on;
}

enum ssp_act_kind
ssp_ready_kind(const struct ssp *s)
{
	return ssp_holds(s->role) ? SSP_ACT_MIRRORED : SSP_ACT_READY;
}

/* The session is over: say what is lost. The node closes the socket on CLOSE. */
void
ssp_end(struct ssp *s, struct ssp_turn *t, bool close, unsigned reason)
{
	struct ssp_act *a;

	if (!s->up)
		return;
	ssp_ready_set(s, t, ssp_ready_kind(s), false);
	if (close)
		ssp_emit(t, SSP_ACT_CLOSE)->reason = reason;
	s->up = s->greeted = s->bulk_sent = s->in_bulk = s->stated = s->ack_due = s->deaf = false;
	s->applying = 0;
	s->bulk_end = 0;
	s->peer_role = SSP_ROLE_NEITHER;
	s->rx_len = 0;
	s->send_at = NS_NEVER;
	s->count[SSP_CNT_LOST]++;
	a = ssp_emit(t, SSP_ACT_LOST);
	a->reason = reason;
	a->at = s->echoed_at == NS_NEVER ? t->now : s->echoed_at + s->lease + s->keepalive;
}

void
ssp_reject(struct ssp *s, struct ssp_turn *t, unsigned reason, uint32_t number)
{
	s->count[reason == SSP_WHY_UNEXPECTED ? SSP_CNT_UNEXPECTED : SSP_CNT_MALFORMED]++;
	ssp_send_plain(s, t, SSP_ERROR, reason, number);
	ssp_end(s, t, true, reason);
}

void
ssp_bulk_begin(struct ssp *s, struct ssp_turn *t)
{
	s->bulk_sent = true;
	s->bulk_end = 0;
	ssp_ready_set(s, t, SSP_ACT_MIRRORED, false);
	s->count[SSP_CNT_BULKS]++;
	ssp_send_plain(s, t, SSP_BULK_BEGIN, 0, 0);
	s->bulk_begin = s->sent;
	if (s->rules->bulk) {
		(void)ssp_emit(t, SSP_ACT_BULK);
	} else {
		ssp_send_plain(s, t, SSP_BULK_END, 0, 0);
		s->bulk_end = s->sent;
	}
}

/* Roles may have changed on either side: what follows from them. */
void
ssp_roles_settle(struct ssp *s, struct ssp_turn *t)
{
	if (!s->up || !s->greeted)
		return;
	if (ssp_holds(s->role) && ssp_fills(s) && s->stated && !s->bulk_sent)
		ssp_bulk_begin(
			s, t); /* not before it has stated its numbers: they may be above ours */
	if (s->peer_role == SSP_ROLE_ACTIVE && s->role == SSP_ROLE_ACTIVE) {
		s->bulk_sent = false;
		(void)ssp_emit(t, SSP_ACT_REFUSED);
	}
	if (!s->rules->ready_after_bulk && s->role == SSP_ROLE_STANDBY)
		ssp_ready_set(s, t, SSP_ACT_READY, true);
}

void
ssp_peer_role_set(struct ssp *s, struct ssp_turn *t, enum ssp_role role)
{
	s->peer_role = role;
	if (ssp_holds(role)) {
		s->bulk_sent = false;
		if (ssp_holds(s->role))
			ssp_ready_set(s, t, SSP_ACT_MIRRORED, false);
	}
	if (ssp_other_done(s))
		(void)ssp_emit(t, SSP_ACT_MET);
	ssp_roles_settle(s, t);
}

static void
ack_flush(struct ssp *s, struct ssp_turn *t)
{
	if (!s->ack_due || s->applying || t->out->more || !s->up || ssp_holds(s->role))
		return;
	s->ack_due = false;
	ssp_send_plain(s, t, SSP_ACK, 0, s->to_ack);
}

static void
bytes_in(struct ssp *s, struct ssp_turn *t, const uint8_t *bytes, size_t len)
{
	if (!s->up)
		return;
	if (len > SSP_RX_MAX - s->rx_len) {
		ssp_reject(s, t, SSP_WHY_NO_ROOM, 0);
		return;
	}
	memcpy(s->rx + s->rx_len, bytes, len);
	s->rx_len += len;
	ssp_next(s, t);
}

static void
connected(struct ssp *s, struct ssp_turn *t)
{
	ssp_end(s, t, false, 0);
	s->up = true;
	s->since = s->last_heard = t->now;
	s->sent = s->acked = s->heard = 0;
	s->keepalive = s->cfg.keepalive;
	s->lease = s->cfg.lease > s->lease ? s->cfg.lease : s->lease;
	s->peer_time_ms = 0;
	s->peer_time_at = NS_NEVER;
	s->count[SSP_CNT_CONNECTS]++;
	s->send_at = t->now + s->keepalive;
	send_hello(s, t);
}

/* Copying goes on while we are at the same end of it: what is suspended is not used, and so holds.
 */
static void
role_set(struct ssp *s, struct ssp_turn *t, enum ssp_role role)
{
	if (role == s->role)
		return;
	if (ssp_holds(role) != ssp_holds(s->role)) {
		ssp_ready_set(s, t, ssp_ready_kind(s), false);
		s->bulk_sent = s->in_bulk = s->ack_due = false;
		s->bulk_end = 0;
	}
	s->role = role;
	s->role_since = t->now;
	if (role == SSP_ROLE_ACTIVE)
		s->epoch++;
	if (s->up)
		ssp_send_plain(s, t, SSP_ROLE, 0, 0);
	ssp_roles_settle(s, t);
}

static void
record_out(struct ssp *s, struct ssp_turn *t, struct ssp_msg *m)
{
	bool may = m->type == SSP_HIGHEST ? s->up && s->greeted : ssp_copying(s);

	t->out->number = 0;
	if (!may)
		return;
	s->count[SSP_CNT_RECORDS_OUT]++;
	t->out->number = send(s, t, m);
}

static void
applied(struct ssp *s, struct ssp_turn *t, enum err result)
{
	uint32_t number = s->applying;

	s->applying = 0;
	if (!s->up || !number)
		return;
	if (result == ERR_UNKNOWN && s->rules->resync_on_unknown) {
		s->count[SSP_CNT_UNKNOWN_SA]++;
		ssp_resync_ask(s, t, SSP_WHY_UNKNOWN_SA);
		return;
	}
	if (result != ERR_OK && result != ERR_UNKNOWN && s->rules->refuse_full) {
		ssp_reject(s, t, SSP_WHY_NO_ROOM, number);
		return;
	}
	s->count[SSP_CNT_RECORDS_IN]++;
	ssp_acknowledge(s, number);
}

static void
tick(struct ssp *s, struct ssp_turn *t)
{
	if (!s->up)
		return;
	if (s->rules->close_when_silent &&
		t->now - s->last_heard >= s->keepalive * s->rules->silent_keepalives) {
		ssp_end(s, t, true, 0);
		return;
	}
	if (t->now >= s->send_at)
		ssp_send_keepalive(s, t);
}

void
ssp_init(struct ssp *s, const struct ssp_cfg *cfg, const struct ssp_rules *rules, ns_t now)
{
	memset(s, 0, sizeof *s);
	s->cfg = *cfg;
	s->rules = rules;
	s->keepalive = cfg->keepalive;
	s->lease = cfg->lease;
	s->send_at = NS_NEVER;
	s->peer_time_at = s->echoed_at = NS_NEVER;
	s->proven = -1;
	s->role_since = now;
}

void
ssp_step(struct ssp *s, ns_t now, const struct ssp_in *in, struct ssp_acts *out)
{
	struct ssp_turn t = {.now = now, .out = out};

	out->cnt = 0;
	out->used = 0;
	out->number = 0;
	out->more = in->kind == SSP_IN_APPLIED ? out->more : false;
	switch (in->kind) {
	case SSP_IN_CONNECTED:
		connected(s, &t);
		break;
	case SSP_IN_CLOSED:
		ssp_end(s, &t, false, 0);
		break;
	case SSP_IN_BYTES:
		bytes_in(s, &t, in->bytes, in->len);
		break;
	case SSP_IN_NEXT:
		ssp_next(s, &t);
		break;
	case SSP_IN_ROLE:
		role_set(s, &t, in->role);
		break;
	case SSP_IN_RECORD:
		record_out(s, &t, in->msg);
		break;
	case SSP_IN_BULK_DONE:
		if (s->up && s->bulk_sent) {
			ssp_send_plain(s, &t, SSP_BULK_END, 0, in->count);
			s->bulk_end = s->sent;
		}
		break;
	case SSP_IN_APPLIED:
		applied(s, &t, in->result);
		break;
	case SSP_IN_RESYNC:
		if (s->up && s->greeted && !ssp_holds(s->role))
			ssp_resync_ask(s, &t, SSP_WHY_OPERATOR);
		break;
	case SSP_IN_GIVE_UP:
		ssp_end(s, &t, true, 0);
		break;
	case SSP_IN_TICK:
		tick(s, &t);
		break;
	}
	ack_flush(s, &t);
}

ns_t
ssp_deadline(const struct ssp *s)
{
	ns_t silent;

	if (!s->up)
		return NS_NEVER;
	silent = s->rules->close_when_silent
			 ? s->last_heard + s->keepalive * s->rules->silent_keepalives
			 : NS_NEVER;
	return ns_min(s->send_at, silent);
}

void
ssp_configure(struct ssp *s, const struct ssp_cfg *cfg)
{
	uint64_t instance = s->cfg.instance;

	s->cfg = *cfg;
	s->cfg.instance = instance;
	if (s->lease < cfg->lease)
		s->lease = cfg->lease;
}

bool
ssp_in_lease(const struct ssp *s, ns_t now)
{
	return s->proven >= 0 && now <= s->proven + s->lease;
}

bool
ssp_other_done(const struct ssp *s)
{
	return s->stated && !ssp_holds(s->peer_role);
}

bool
ssp_copying(const struct ssp *s)
{
	return s->up && s->greeted && ssp_holds(s->role) && s->bulk_sent && ssp_fills(s);
}
