/* SPDX-License-Identifier: BSD-2-Clause */
/* Dead peer detection, the numbers and the clock (RFC 3706 5.4, 5.5, 6). See dpd.h. */
#include <assert.h>
#include <string.h>

#include "ref/base/secret.h"
#include "ref/core/dpd.h"

const struct dpd_rules dpd_rules_standard = {
	.check_ack = true,
	.check_window = true,
	.window = 64,
	.ack_add = 0,
	.high_bit_clear = true,
	.step = 1,
	.same_on_retransmit = true,
	.traffic_proves = true,
	.import_keeps = true,
	.import_from_zero = false,
	.answer = true,
	.declare_dead = true,
	.repeat_answered = true,
};

const char *const dpd_count_names[DPD_CNT_CNT] = {
	[DPD_CNT_PROBES] = "probes",
	[DPD_CNT_RETRANSMITS] = "retransmits",
	[DPD_CNT_ACKED] = "acked",
	[DPD_CNT_ASKED] = "asked",
	[DPD_CNT_ANSWERED] = "answered",
	[DPD_CNT_BAD_ACK] = "bad-ack",
	[DPD_CNT_OUT_OF_WINDOW] = "out-of-window",
	[DPD_CNT_DEAD] = "dead",
};

/* ---- start ---- */

static void
first_number(struct dpd *d, struct entropy *e)
{
	uint32_t n = 0;

	/* An entropy that has run dry is the caller's mistake; a start at 0 is legal all the same.
	 */
	if (!entropy_take(e, &n, sizeof(n)))
		n = 0;
	d->next_seq = d->rules->high_bit_clear ? n & 0x7fffffffu : n | 0x80000000u;
}

void
dpd_init(struct dpd *d, const struct dpd_cfg *cfg, const struct dpd_rules *rules, struct entropy *e,
	ns_t now)
{
	memset(d, 0, sizeof(*d));
	d->cfg = *cfg;
	d->rules = rules;
	d->heard = now;
	d->retry_at = NS_NEVER;
	first_number(d, e);
}

void
dpd_import(struct dpd *d, const struct dpd_cfg *cfg, const struct dpd_rules *rules,
	const struct dpd_export *x, struct entropy *e, ns_t now)
{
	dpd_init(d, cfg, rules, e, now);
	if (rules->import_from_zero) {
		d->next_seq = 0;
		return;
	}
	if (!rules->import_keeps)
		return;
	d->n = *x;
	if (x->have_sent)
		d->next_seq = x->sent_seq + rules->step;
	if (x->in_flight)
		d->resend_now = true;
}

void
dpd_export(const struct dpd *d, struct dpd_export *x)
{
	*x = d->n;
}

/* ---- our probes ---- */

static void
say(struct dpd_acts *acts, enum dpd_act_kind kind, uint32_t seq, bool again)
{
	assert(acts->cnt < DPD_ACTS_MAX);
	acts->v[acts->cnt++] = (struct dpd_act){.kind = kind, .seq = seq, .again = again};
}

static void
probe(struct dpd *d, struct dpd_acts *acts, bool again)
{
	if (!again || !d->rules->same_on_retransmit) {
		d->n.sent_seq = d->next_seq;
		d->next_seq += d->rules->step;
	}
	d->n.have_sent = true;
	d->n.in_flight = true;
	d->leaving = true;
	d->retry_at = NS_NEVER;
	d->count[again ? DPD_CNT_RETRANSMITS : DPD_CNT_PROBES]++;
	say(acts, DPD_ACT_PROBE, d->n.sent_seq, again);
}

static void
landed(struct dpd *d)
{
	d->n.in_flight = false;
	d->leaving = false;
	d->resend_now = false;
	d->tries = 0;
	d->retry_at = NS_NEVER;
}

static void
heard(struct dpd *d, ns_t now)
{
	d->heard = now;
	d->wanted = false;
}

static void
unanswered(struct dpd *d, struct dpd_acts *acts)
{
	if (d->tries < d->cfg.retries || !d->rules->declare_dead) {
		d->tries++;
		probe(d, acts, true);
		return;
	}
	landed(d);
	d->dead = true;
	d->count[DPD_CNT_DEAD]++;
	say(acts, DPD_ACT_DEAD, d->n.sent_seq, false);
}

/* When silence alone calls for a probe; NS_NEVER if it does not now. */
static ns_t
probe_at(const struct dpd *d)
{
	if (d->cfg.mode == DPD_OFF || d->dead || d->n.in_flight)
		return NS_NEVER;
	if (d->cfg.mode == DPD_ON_DEMAND && !d->wanted)
		return NS_NEVER;
	return d->heard + d->cfg.interval;
}

static void
due(struct dpd *d, ns_t now, struct dpd_acts *acts)
{
	if (d->dead)
		return;
	if (d->resend_now) {
		d->resend_now = false;
		probe(d, acts, true);
	} else if (d->n.in_flight) {
		if (!d->leaving && d->retry_at <= now)
			unanswered(d, acts);
	} else if (probe_at(d) <= now) {
		d->heard = d->rules->traffic_proves ? d->heard : now;
		probe(d, acts, false);
	}
}

static void
acked(struct dpd *d, ns_t now, uint32_t seq, struct dpd_acts *acts)
{
	if (!d->n.in_flight || (d->rules->check_ack && seq != d->n.sent_seq)) {
		d->count[DPD_CNT_BAD_ACK]++;
		return;
	}
	landed(d);
	heard(d, now);
	d->count[DPD_CNT_ACKED]++;
	say(acts, DPD_ACT_ALIVE, seq, false);
}

void
dpd_mode(struct dpd *d, enum dpd_mode mode, ns_t now)
{
	if (d->cfg.mode == mode)
		return;
	d->cfg.mode = mode;
	if (mode == DPD_OFF)
		landed(d);
	else
		heard(d, now);
}

/* ---- the peer's probes ---- */

/* 6.2: forward, by no more than the window; arithmetic modulo 2^32, as the numbers may be high. */
static bool
acceptable(const struct dpd *d, uint32_t seq)
{
	uint32_t ahead = seq - d->n.recv_seq;

	if (!d->rules->check_window || !d->n.have_recv)
		return true;
	if (ahead == 0)
		return d->rules->repeat_answered;
	return ahead <= d->rules->window;
}

static void
asked(struct dpd *d, ns_t now, uint32_t seq, struct dpd_acts *acts)
{
	d->count[DPD_CNT_ASKED]++;
	if (!acceptable(d, seq)) {
		d->count[DPD_CNT_OUT_OF_WINDOW]++;
		return;
	}
	if (!d->n.have_recv || seq != d->n.recv_seq) {
		d->n.have_recv = true;
		d->n.recv_seq = seq;
		say(acts, DPD_ACT_RECV, seq, false);
		/* A fresh number proves that the peer lives (7). */
		heard(d, now);
	}
	if (!d->rules->answer)
		return;
	d->count[DPD_CNT_ANSWERED]++;
	say(acts, DPD_ACT_ACK, seq + d->rules->ack_add, false);
}

/* ---- step ---- */

static void
sent(struct dpd *d, ns_t now, uint32_t seq)
{
	if (!d->leaving || seq != d->n.sent_seq)
		return;
	d->leaving = false;
	d->retry_at = now + d->cfg.retry;
}

void
dpd_step(struct dpd *d, ns_t now, const struct dpd_in *in, struct dpd_acts *acts)
{
	acts->cnt = 0;
	switch (in->kind) {
	case DPD_IN_TICK:
		break;
	case DPD_IN_HEARD:
		if (!d->rules->traffic_proves)
			break;
		heard(d, now);
		if (d->n.in_flight && !d->leaving)
			landed(d);
		break;
	case DPD_IN_WANT:
		d->wanted = true;
		break;
	case DPD_IN_RUTHERE:
		asked(d, now, in->seq, acts);
		break;
	case DPD_IN_ACK:
		acked(d, now, in->seq, acts);
		break;
	case DPD_IN_SENT:
		sent(d, now, in->seq);
		break;
	}
	due(d, now, acts);
}

ns_t
dpd_deadline(const struct dpd *d)
{
	if (d->dead)
		return NS_NEVER;
	if (d->resend_now)
		return INT64_MIN;
	if (d->n.in_flight)
		return d->retry_at;
	return probe_at(d);
}

void
dpd_wipe(struct dpd *d)
{
	wipe(d, sizeof(*d));
	d->retry_at = NS_NEVER;
	d->dead = true;
}
