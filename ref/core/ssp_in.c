/* SPDX-License-Identifier: BSD-2-Clause */
/* What a received message does: one handler a type. */
#include <string.h>

#include "ref/core/ssp_int.h"

static void
hello_in(struct ssp *s, struct ssp_turn *t, const struct ssp_msg *m)
{
	bool major = true;

	for (unsigned i = 0; i < SSP_CLIENTS; i++)
		if (m->client[i].version >> 8 != SSP_CLIENT_VERSION >> 8)
			major = false;
	if (s->greeted) {
		ssp_reject(s, t, SSP_WHY_UNEXPECTED, m->number);
		return;
	}
	if (s->rules->check_hello && (m->group != s->cfg.group || !major)) {
		ssp_reject(s, t, major ? SSP_WHY_GROUP : SSP_WHY_VERSION, m->number);
		return;
	}
	s->greeted = true;
	s->peer_instance = m->instance;
	if (ns_from_ms(m->lease_ms) > s->lease)
		s->lease = ns_from_ms(m->lease_ms);
	if (ns_from_ms(m->keepalive_ms) > s->keepalive)
		s->keepalive = ns_from_ms(m->keepalive_ms);
	(void)ssp_emit(t, SSP_ACT_STATE_HIGHEST);
	s->send_at =
		t->now; /* a KEEPALIVE behind the statements: it tells that they are complete */
	ssp_peer_role_set(s, t, (enum ssp_role)m->role);
}

static void
time_in(struct ssp *s, struct ssp_turn *t, const struct ssp_msg *m)
{
	if (m->time_ms > s->peer_time_ms) {
		s->peer_time_ms = m->time_ms;
		s->peer_time_at = t->now;
	}
	if (!ssp_holds(s->role) && s->ready && m->echo_ms &&
		m->echo_ms <= ssp_clock_ms(t->now)) {
		ns_t said = ns_from_ms((int64_t)m->echo_ms - 1);

		s->proven = said > s->proven ? said : s->proven;
	}
}

static void
ack_in(struct ssp *s, struct ssp_turn *t, const struct ssp_msg *m)
{
	if (!ssp_holds(s->role) || m->acked <= s->acked || m->acked > s->sent)
		return;
	s->acked = m->acked;
	ssp_emit(t, SSP_ACT_ACKED)->number = m->acked;
	if (s->bulk_end && s->acked >= s->bulk_end && !s->ready) {
		ssp_send_keepalive(s, t); /* its ECHO starts the lease */
		ssp_ready_set(s, t, SSP_ACT_MIRRORED, true);
	}
}

static void
refuse_in(struct ssp *s, struct ssp_turn *t, const struct ssp_msg *m)
{
	if (!ssp_holds(s->role))
		return;
	if (m->reason == SSP_WHY_EPOCH && s->stated && ssp_fills(s)) {
		/* Our epoch has caught up by reading this very message. What was under way before
		 * the last bulk began is refused as well, and needs no other. */
		if (!s->bulk_sent || m->acked >= s->bulk_begin)
			ssp_bulk_begin(s, t);
	} else if (m->reason == SSP_WHY_ACTIVE) { /* or suspended: it says ROLE when it is not */
		s->bulk_sent = false;
		ssp_ready_set(s, t, SSP_ACT_MIRRORED, false);
		(void)ssp_emit(t, SSP_ACT_REFUSED);
	}
}

void
ssp_resync_ask(struct ssp *s, struct ssp_turn *t, unsigned reason)
{
	s->count[SSP_CNT_RESYNCS]++;
	ssp_ready_set(s, t, SSP_ACT_READY, false);
	s->in_bulk = s->ack_due = false;
	s->deaf = true;
	ssp_send_plain(s, t, SSP_RESYNC, reason, 0);
}

/* Marks and records, at the standby. Returns true if the message is to be acknowledged now. */
static bool
record_in(struct ssp *s, struct ssp_turn *t, const struct ssp_msg *m)
{
	switch (m->type) {
	case SSP_BULK_BEGIN:
		s->in_bulk = true;
		ssp_ready_set(s, t, SSP_ACT_READY, false);
		ssp_emit(t, SSP_ACT_SWEEP)->on = true; /* on: begin to mark */
		return true;
	case SSP_BULK_END:
		if (s->in_bulk)
			(void)ssp_emit(t, SSP_ACT_SWEEP);
		s->in_bulk = false;
		ssp_ready_set(s, t, SSP_ACT_READY, true);
		return true;
	default:
		t->out->msg = *m;
		s->applying = m->number;
		(void)ssp_emit(t, SSP_ACT_APPLY);
		return s->rules->ack_before_record;
	}
}

void
ssp_acknowledge(struct ssp *s, uint32_t number)
{
	s->to_ack = number;
	s->ack_due = true;
}

static void
acked_in(struct ssp *s, struct ssp_turn *t, const struct ssp_msg *m)
{
	if (ssp_holds(s->role) && s->rules->refuse_when_active) {
		s->count[SSP_CNT_REFUSED_ACTIVE]++;
		ssp_send_plain(s, t, SSP_REFUSE, SSP_WHY_ACTIVE, m->number);
		return;
	}
	if (m->epoch < s->epoch && s->rules->refuse_stale_epoch) {
		s->count[SSP_CNT_REFUSED_EPOCH]++;
		ssp_send_plain(s, t, SSP_REFUSE, SSP_WHY_EPOCH, m->number);
		return;
	}
	if (m->type == SSP_BULK_BEGIN)
		s->deaf = false;
	if (s->deaf)
		return;
	if (record_in(s, t, m))
		ssp_acknowledge(s, m->number);
}

/* A message that reads well and is in order. */
static void
dispatch(struct ssp *s, struct ssp_turn *t, const struct ssp_msg *m)
{
	time_in(s, t, m);
	switch (m->type) {
	case SSP_HELLO:
		hello_in(s, t, m);
		break;
	case SSP_ROLE:
		ssp_peer_role_set(s, t, (enum ssp_role)m->role);
		break;
	case SSP_ACK:
		ack_in(s, t, m);
		break;
	case SSP_KEEPALIVE:
		if (s->stated)
			break;
		s->stated = true;
		if (ssp_other_done(s))
			(void)ssp_emit(t, SSP_ACT_MET);
		ssp_roles_settle(s, t);
		break;
	case SSP_RESYNC:
		s->count[SSP_CNT_RESYNCS]++;
		if (ssp_holds(s->role) && ssp_fills(s) && s->stated)
			ssp_bulk_begin(s, t);
		break;
	case SSP_REFUSE:
		refuse_in(s, t, m);
		break;
	case SSP_HIGHEST:
		t->out->msg = *m;
		(void)ssp_emit(t, SSP_ACT_HIGHEST);
		break;
	case SSP_ERROR:
		ssp_end(s, t, true, m->reason);
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
in_order(struct ssp *s, struct ssp_turn *t, const struct ssp_msg *m)
{
	bool gap = m->number != s->heard + 1;

	s->heard = m->number;
	s->last_heard = t->now;
	s->heard_epoch = m->epoch;
	if (s->rules->hello_first && !s->greeted && m->type != SSP_HELLO && m->type != SSP_ERROR) {
		ssp_reject(s, t, SSP_WHY_UNEXPECTED, m->number);
		return;
	}
	if (gap && s->rules->resync_on_gap) {
		s->count[SSP_CNT_GAPS]++;
		if (!ssp_holds(s->role))
			ssp_resync_ask(s, t, SSP_WHY_GAP);
		if (ssp_acknowledged(m->type) && m->type != SSP_BULK_BEGIN)
			return;
	}
	if (m->epoch > s->epoch)
		s->epoch = m->epoch;
	dispatch(s, t, m);
}

/* Take the next whole message from the receive buffer. */
void
ssp_next(struct ssp *s, struct ssp_turn *t)
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
		if (m.has_optional && !s->rules->ignore_optional)
			e = ERR_UNKNOWN;
		memmove(s->rx, s->rx + len, s->rx_len - len);
		wipe(s->rx + s->rx_len - len, len);
		s->rx_len -= len;
		if (e == ERR_OK)
			in_order(s, t, &m);
		else if (s->rules->refuse_malformed)
			ssp_reject(s, t, SSP_WHY_MALFORMED, m.number);
		ssp_msg_wipe(&m);
	} else if (e != ERR_SHORT && !s->rules->refuse_malformed) {
		s->rx_len = 0;
	} else if (e != ERR_SHORT || (s->rules->whole_reads && s->rx_len)) {
		ssp_reject(s, t, e == ERR_VALUE ? SSP_WHY_VERSION : SSP_WHY_MALFORMED, 0);
	}
	e = s->up ? ssp_frame(s->rx, s->rx_len, &after, NULL) : ERR_SHORT;
	t->out->more = e != ERR_SHORT;
}
