/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Order inside: sending, what a received message does (one handler a type), then the step. A message that
 * cannot be read, or comes at the wrong moment, changes nothing but counters, and ends the
 * connection with ERROR.
 */
#include <assert.h>
#include <string.h>

#include "ref/core/ssp.h"

#define CLIENT_VERSION 0x0100

const struct ssp_rules ssp_rules_standard = {
	.ack_before_record = false,
	.refuse_when_active = true,
	.refuse_stale_epoch = true,
	.resync_on_gap = true,
	.ready_after_bulk = true,
	.bulk = true,
	.keepalives = true,
	.close_when_silent = true,
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

/* One call of ssp_step. */
struct turn {
	ns_t now;
	struct ssp_acts *out;
};

static struct ssp_act *
emit(struct turn *t, enum ssp_act_kind kind)
{
	struct ssp_act *a;

	assert(t->out->cnt < SSP_ACTS_MAX);
	a = &t->out->v[t->out->cnt++];
	memset(a, 0, sizeof *a);
	a->kind = kind;
	return a;
}

static uint64_t
clock_ms(ns_t now)
{
	return (uint64_t)ns_to_ms(now) + 1; /* 0 means: none yet */
}

static uint32_t
send(struct ssp *s, struct turn *t, struct ssp_msg *m)
{
	struct ssp_act *a;
	struct wr w;

	m->number = ++s->sent;
	m->epoch = s->epoch;
	m->time_ms = clock_ms(t->now);
	/* Only what is copied to has a lease: the ECHO is what prolongs it. */
	m->echo_ms = ssp_copying(s) ? s->peer_time_ms : 0;
	if (m->type == SSP_KEEPALIVE && m->echo_ms)
		s->echoed_at = s->peer_time_at;
	wr_init(&w, t->out->buf + t->out->used, sizeof t->out->buf - t->out->used);
	if (ssp_encode(&w, m) != ERR_OK)
		assert(!"an SSP message that the node made does not fit");
	a = emit(t, SSP_ACT_SEND);
	a->off = t->out->used;
	a->len = w.len;
	t->out->used += w.len;
	s->count[SSP_CNT_SENT]++;
	s->count[SSP_CNT_SENT_OCTETS] += w.len;
	return m->number;
}

static void
send_plain(struct ssp *s, struct turn *t, enum ssp_type type, unsigned reason, uint32_t number)
{
	struct ssp_msg m = {.type = type, .reason = (uint16_t)reason, .acked = number};

	m.role = (uint8_t)s->role;
	m.count = number;
	(void)send(s, t, &m);
}

static void
send_keepalive(struct ssp *s, struct turn *t)
{
	s->send_at = t->now + s->keepalive;
	if (s->rules->keepalives)
		send_plain(s, t, SSP_KEEPALIVE, 0, 0);
}

static void
send_hello(struct ssp *s, struct turn *t)
{
	struct ssp_msg m = {
		.type = SSP_HELLO,
		.group = s->cfg.group,
		.role = (uint8_t)s->role,
		.instance = s->cfg.instance,
		.keepalive_ms = (uint32_t)ns_to_ms(s->cfg.keepalive),
		.lease_ms = (uint32_t)ns_to_ms(s->cfg.lease),
		.client = {{1, CLIENT_VERSION}, {2, CLIENT_VERSION}},
	};

	(void)send(s, t, &m);
}

static void
ready_set(struct ssp *s, struct turn *t, enum ssp_act_kind kind, bool on)
{
	if (s->ready == on)
		return;
	s->ready = on;
	emit(t, kind)->on = on;
}

static enum ssp_act_kind
ready_kind(const struct ssp *s)
{
	return s->role == SSP_ROLE_ACTIVE ? SSP_ACT_MIRRORED : SSP_ACT_READY;
}

/* The session is over: say what is lost. The node closes the socket on CLOSE. */
static void
end(struct ssp *s, struct turn *t, bool close, unsigned reason)
{
	struct ssp_act *a;

	if (!s->up)
		return;
	ready_set(s, t, ready_kind(s), false);
	if (close)
		emit(t, SSP_ACT_CLOSE)->reason = reason;
	s->up = s->greeted = s->bulk_sent = s->in_bulk = s->stated = s->ack_due = false;
	s->bulk_end = 0;
	s->peer_role = SSP_ROLE_NEITHER;
	s->rx_len = 0;
	s->send_at = NS_NEVER;
	s->count[SSP_CNT_LOST]++;
	a = emit(t, SSP_ACT_LOST);
	a->reason = reason;
	a->at = s->echoed_at == NS_NEVER ? t->now : s->echoed_at + s->lease + s->keepalive;
}

static void
reject(struct ssp *s, struct turn *t, unsigned reason, uint32_t number)
{
	s->count[reason == SSP_WHY_UNEXPECTED ? SSP_CNT_UNEXPECTED : SSP_CNT_MALFORMED]++;
	send_plain(s, t, SSP_ERROR, reason, number);
	end(s, t, true, reason);
}

static void
bulk_begin(struct ssp *s, struct turn *t)
{
	s->bulk_sent = true;
	s->bulk_end = 0;
	ready_set(s, t, SSP_ACT_MIRRORED, false);
	s->count[SSP_CNT_BULKS]++;
	send_plain(s, t, SSP_BULK_BEGIN, 0, 0);
	if (s->rules->bulk) {
		(void)emit(t, SSP_ACT_BULK);
	} else {
		send_plain(s, t, SSP_BULK_END, 0, 0);
		s->bulk_end = s->sent;
	}
}

/* Roles may have changed on either side: what follows from them. */
static void
roles_settle(struct ssp *s, struct turn *t)
{
	if (!s->up || !s->greeted)
		return;
	if (s->role == SSP_ROLE_ACTIVE && s->peer_role == SSP_ROLE_STANDBY && !s->bulk_sent)
		bulk_begin(s, t);
	if (s->peer_role == SSP_ROLE_ACTIVE && s->role == SSP_ROLE_ACTIVE) {
		s->bulk_sent = false;
		(void)emit(t, SSP_ACT_REFUSED);
	}
	if (!s->rules->ready_after_bulk && s->role == SSP_ROLE_STANDBY)
		ready_set(s, t, SSP_ACT_READY, true);
}

static void
peer_role_set(struct ssp *s, struct turn *t, enum ssp_role role)
{
	s->peer_role = role;
	if (role != SSP_ROLE_STANDBY) {
		s->bulk_sent = false;
		if (s->role == SSP_ROLE_ACTIVE)
			ready_set(s, t, SSP_ACT_MIRRORED, false);
	}
	if (role != SSP_ROLE_ACTIVE && s->stated)
		(void)emit(t, SSP_ACT_MET);
	roles_settle(s, t);
}

static void
hello_in(struct ssp *s, struct turn *t, const struct ssp_msg *m)
{
	bool major = true;

	for (unsigned i = 0; i < SSP_CLIENTS; i++)
		if (m->client[i].version >> 8 != CLIENT_VERSION >> 8)
			major = false;
	if (s->greeted) {
		reject(s, t, SSP_WHY_UNEXPECTED, m->number);
		return;
	}
	if (m->group != s->cfg.group || !major) {
		reject(s, t, major ? SSP_WHY_GROUP : SSP_WHY_VERSION, m->number);
		return;
	}
	s->greeted = true;
	s->peer_instance = m->instance;
	if (ns_from_ms(m->lease_ms) > s->lease)
		s->lease = ns_from_ms(m->lease_ms);
	if (ns_from_ms(m->keepalive_ms) > s->keepalive)
		s->keepalive = ns_from_ms(m->keepalive_ms);
	(void)emit(t, SSP_ACT_STATE_HIGHEST);
	s->send_at = t->now; /* a KEEPALIVE behind the statements: it tells that they are complete */
	peer_role_set(s, t, (enum ssp_role)m->role);
}

static void
time_in(struct ssp *s, struct turn *t, const struct ssp_msg *m)
{
	if (m->time_ms > s->peer_time_ms) {
		s->peer_time_ms = m->time_ms;
		s->peer_time_at = t->now;
	}
	if (s->role == SSP_ROLE_STANDBY && s->ready && m->echo_ms && m->echo_ms <= clock_ms(t->now)) {
		ns_t said = ns_from_ms((int64_t)m->echo_ms - 1);

		s->proven = said > s->proven ? said : s->proven;
	}
}

static void
ack_in(struct ssp *s, struct turn *t, const struct ssp_msg *m)
{
	if (s->role != SSP_ROLE_ACTIVE || m->acked <= s->acked || m->acked > s->sent)
		return;
	s->acked = m->acked;
	emit(t, SSP_ACT_ACKED)->number = m->acked;
	if (s->bulk_end && s->acked >= s->bulk_end && !s->ready) {
		send_keepalive(s, t); /* its ECHO starts the lease */
		ready_set(s, t, SSP_ACT_MIRRORED, true);
	}
}

static void
refuse_in(struct ssp *s, struct turn *t, const struct ssp_msg *m)
{
	if (s->role != SSP_ROLE_ACTIVE)
		return;
	if (m->reason == SSP_WHY_EPOCH)
		bulk_begin(s, t); /* our epoch has caught up by reading this very message */
	else if (m->reason == SSP_WHY_ACTIVE)
		(void)emit(t, SSP_ACT_REFUSED);
}

static void
resync_ask(struct ssp *s, struct turn *t, unsigned reason)
{
	s->count[SSP_CNT_RESYNCS]++;
	ready_set(s, t, SSP_ACT_READY, false);
	s->in_bulk = false;
	send_plain(s, t, SSP_RESYNC, reason, 0);
}

/* Marks and records, at the standby. Returns true if the message is to be acknowledged now. */
static bool
record_in(struct ssp *s, struct turn *t, const struct ssp_msg *m)
{
	switch (m->type) {
	case SSP_BULK_BEGIN:
		s->in_bulk = true;
		ready_set(s, t, SSP_ACT_READY, false);
		emit(t, SSP_ACT_SWEEP)->on = true; /* on: begin to mark */
		return true;
	case SSP_BULK_END:
		if (s->in_bulk)
			(void)emit(t, SSP_ACT_SWEEP);
		s->in_bulk = false;
		ready_set(s, t, SSP_ACT_READY, true);
		return true;
	default:
		t->out->msg = *m;
		s->to_ack = m->number;
		(void)emit(t, SSP_ACT_APPLY);
		return s->rules->ack_before_record;
	}
}

static void
acknowledge(struct ssp *s, uint32_t number)
{
	s->to_ack = number;
	s->ack_due = true;
}

static void
acked_in(struct ssp *s, struct turn *t, const struct ssp_msg *m)
{
	if (s->role == SSP_ROLE_ACTIVE && s->rules->refuse_when_active) {
		s->count[SSP_CNT_REFUSED_ACTIVE]++;
		send_plain(s, t, SSP_REFUSE, SSP_WHY_ACTIVE, m->number);
		return;
	}
	if (m->epoch < s->epoch && s->rules->refuse_stale_epoch) {
		s->count[SSP_CNT_REFUSED_EPOCH]++;
		send_plain(s, t, SSP_REFUSE, SSP_WHY_EPOCH, m->number);
		return;
	}
	if (record_in(s, t, m))
		acknowledge(s, m->number);
}

/* A message that reads well and is in order. */
static void
dispatch(struct ssp *s, struct turn *t, const struct ssp_msg *m)
{
	time_in(s, t, m);
	switch (m->type) {
	case SSP_HELLO:
		hello_in(s, t, m);
		break;
	case SSP_ROLE:
		peer_role_set(s, t, (enum ssp_role)m->role);
		break;
	case SSP_ACK:
		ack_in(s, t, m);
		break;
	case SSP_KEEPALIVE:
		if (!s->stated && s->peer_role != SSP_ROLE_ACTIVE)
			(void)emit(t, SSP_ACT_MET);
		s->stated = true;
		break;
	case SSP_RESYNC:
		s->count[SSP_CNT_RESYNCS]++;
		if (s->role == SSP_ROLE_ACTIVE && s->peer_role == SSP_ROLE_STANDBY)
			bulk_begin(s, t);
		break;
	case SSP_REFUSE:
		refuse_in(s, t, m);
		break;
	case SSP_HIGHEST:
		t->out->msg = *m;
		(void)emit(t, SSP_ACT_HIGHEST);
		break;
	case SSP_ERROR:
		end(s, t, true, m->reason);
		break;
	case SSP_BULK_BEGIN:
	case SSP_BULK_END:
	case SSP_IKE_SA:
	case SSP_IKE_SA_DEL:
	case SSP_IPSEC_SA:
	case SSP_IPSEC_SA_DEL:
	case SSP_RESERVE:
	case SSP_REPLAY:
	case SSP_VOLUME:
	case SSP_DPD:
		acked_in(s, t, m);
		break;
	case SSP_TYPE_CNT:
		break;
	}
}

static void
in_order(struct ssp *s, struct turn *t, const struct ssp_msg *m)
{
	bool gap = m->number != s->heard + 1;

	s->heard = m->number;
	s->last_heard = t->now;
	if (!s->greeted && m->type != SSP_HELLO && m->type != SSP_ERROR) {
		reject(s, t, SSP_WHY_UNEXPECTED, m->number);
		return;
	}
	if (gap && s->rules->resync_on_gap) {
		s->count[SSP_CNT_GAPS]++;
		if (s->role != SSP_ROLE_ACTIVE)
			resync_ask(s, t, SSP_WHY_GAP);
		if (ssp_acknowledged(m->type) && m->type != SSP_BULK_BEGIN)
			return;
	}
	if (m->epoch > s->epoch)
		s->epoch = m->epoch;
	dispatch(s, t, m);
}

/* Take the next whole message from the receive buffer. */
static void
next(struct ssp *s, struct turn *t)
{
	struct ssp_msg m;
	size_t len, after;
	enum err e;

	if (!s->up)
		return;
	e = ssp_frame(s->rx, s->rx_len, &len, NULL);
	if (e == ERR_OK) {
		s->count[SSP_CNT_RECEIVED]++;
		s->count[SSP_CNT_RECEIVED_OCTETS] += len;
		e = ssp_decode(s->rx, len, &m, NULL);
		memmove(s->rx, s->rx + len, s->rx_len - len);
		wipe(s->rx + s->rx_len - len, len);
		s->rx_len -= len;
		if (e == ERR_OK)
			in_order(s, t, &m);
		else
			reject(s, t, SSP_WHY_MALFORMED, m.number);
		ssp_msg_wipe(&m);
	} else if (e != ERR_SHORT) {
		reject(s, t, e == ERR_VALUE ? SSP_WHY_VERSION : SSP_WHY_MALFORMED, 0);
	}
	e = s->up ? ssp_frame(s->rx, s->rx_len, &after, NULL) : ERR_SHORT;
	t->out->more = e != ERR_SHORT;
}

static void
ack_flush(struct ssp *s, struct turn *t)
{
	if (!s->ack_due || t->out->more || !s->up || s->role == SSP_ROLE_ACTIVE)
		return;
	s->ack_due = false;
	send_plain(s, t, SSP_ACK, 0, s->to_ack);
}

static void
bytes_in(struct ssp *s, struct turn *t, const uint8_t *bytes, size_t len)
{
	if (!s->up)
		return;
	if (len > SSP_RX_MAX - s->rx_len) {
		reject(s, t, SSP_WHY_NO_ROOM, 0);
		return;
	}
	memcpy(s->rx + s->rx_len, bytes, len);
	s->rx_len += len;
	next(s, t);
}

static void
connected(struct ssp *s, struct turn *t)
{
	end(s, t, false, 0);
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

static void
role_set(struct ssp *s, struct turn *t, enum ssp_role role)
{
	if (role == s->role)
		return;
	ready_set(s, t, ready_kind(s), false);
	s->role = role;
	s->role_since = t->now;
	s->bulk_sent = s->in_bulk = s->ack_due = false;
	s->bulk_end = 0;
	if (role == SSP_ROLE_ACTIVE)
		s->epoch++;
	if (s->up)
		send_plain(s, t, SSP_ROLE, 0, 0);
	roles_settle(s, t);
}

static void
record_out(struct ssp *s, struct turn *t, struct ssp_msg *m)
{
	bool may = m->type == SSP_HIGHEST ? s->up && s->greeted : ssp_copying(s);

	t->out->number = 0;
	if (!may)
		return;
	s->count[SSP_CNT_RECORDS_OUT]++;
	t->out->number = send(s, t, m);
}

static void
applied(struct ssp *s, struct turn *t, enum err result)
{
	if (!s->up)
		return;
	if (result == ERR_UNKNOWN) {
		s->count[SSP_CNT_UNKNOWN_SA]++;
		resync_ask(s, t, SSP_WHY_UNKNOWN_SA);
		return;
	}
	if (result != ERR_OK) {
		reject(s, t, SSP_WHY_NO_ROOM, s->to_ack);
		return;
	}
	s->count[SSP_CNT_RECORDS_IN]++;
	acknowledge(s, s->to_ack);
}

static void
tick(struct ssp *s, struct turn *t)
{
	if (!s->up)
		return;
	if (s->rules->close_when_silent &&
		t->now - s->last_heard >= s->keepalive * s->rules->silent_keepalives) {
		end(s, t, true, 0);
		return;
	}
	if (t->now >= s->send_at)
		send_keepalive(s, t);
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
	struct turn t = {.now = now, .out = out};

	out->cnt = 0;
	out->used = 0;
	out->number = 0;
	out->more = in->kind == SSP_IN_APPLIED ? out->more : false;
	switch (in->kind) {
	case SSP_IN_CONNECTED:
		connected(s, &t);
		break;
	case SSP_IN_CLOSED:
		end(s, &t, false, 0);
		break;
	case SSP_IN_BYTES:
		bytes_in(s, &t, in->bytes, in->len);
		break;
	case SSP_IN_NEXT:
		next(s, &t);
		break;
	case SSP_IN_ROLE:
		role_set(s, &t, in->role);
		break;
	case SSP_IN_RECORD:
		record_out(s, &t, in->msg);
		break;
	case SSP_IN_BULK_DONE:
		if (s->up && s->bulk_sent) {
			send_plain(s, &t, SSP_BULK_END, 0, in->count);
			s->bulk_end = s->sent;
		}
		break;
	case SSP_IN_APPLIED:
		applied(s, &t, in->result);
		break;
	case SSP_IN_RESYNC:
		if (s->up && s->greeted && s->role == SSP_ROLE_STANDBY)
			resync_ask(s, &t, SSP_WHY_OPERATOR);
		break;
	case SSP_IN_GIVE_UP:
		end(s, &t, true, 0);
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

bool
ssp_in_lease(const struct ssp *s, ns_t now)
{
	return s->proven >= 0 && now <= s->proven + s->lease;
}

bool
ssp_copying(const struct ssp *s)
{
	return s->up && s->greeted && s->role == SSP_ROLE_ACTIVE && s->bulk_sent &&
	       s->peer_role == SSP_ROLE_STANDBY;
}
