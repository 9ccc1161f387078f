/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "ref/core/resv.h"

#define LOWER_MAX (RESV_HALF - 1)
#define UPPER_MAX 0xfffffffeu /* never past 2^32, and one spare */
#define REKEY_AT (RESV_HALF - 4 * RESV_HEIR_BLOCK)

const struct resv_rules resv_rules_standard = {
	.stop_at_limit = true,
	.heir_above_r = true,
	.stale_upper_half = true,
	.stale_rekeys = true,
	.lost_waits_lease = true,
	.lost_skips_block = true,
	.refused_stops = true,
	.heal_goes_above = true,
	.doubt_spends = true,
};

const char *
resv_state_name(enum resv_state s)
{
	static const char *const names[RESV_STATE_CNT] = {
		[RESV_SOLO] = "solo",
		[RESV_COPYING] = "copying",
		[RESV_PROTECTED] = "protected",
		[RESV_LOST] = "lost",
		[RESV_STOPPED] = "stopped",
		[RESV_HEIR] = "heir",
		[RESV_STALE] = "stale",
		[RESV_SPENT] = "spent",
	};

	return (unsigned)s < RESV_STATE_CNT ? names[s] : "?";
}

static uint32_t
plus(uint32_t a, uint32_t b, uint32_t max)
{
	return a > max || b > max - a ? max : a + b;
}

static void
go_solo(struct resv *r, uint32_t from)
{
	r->state = RESV_SOLO;
	r->next = from > r->next ? from : r->next;
	r->limit = LOWER_MAX;
	r->acked = r->asked = 0;
	r->lease_end = NS_NEVER;
}

static void
go_stale(struct resv *r)
{
	r->state = RESV_STALE;
	if (r->next < RESV_HALF && r->rules->stale_upper_half)
		r->next = RESV_HALF;
	r->limit = UPPER_MAX;
	r->acked = r->asked = 0;
	r->rekey = r->rules->stale_rekeys;
}

static uint32_t
ask(struct resv *r)
{
	uint32_t want = plus(r->next - 1, 2 * r->interval, LOWER_MAX); /* 2Y unused, and no more */

	if (want <= r->asked)
		return 0;
	r->asked = want;
	return want;
}

static void
copy(struct resv *r, struct resv_out *out)
{
	r->told = true;
	switch (r->state) {
	case RESV_SOLO:
	case RESV_HEIR: /* a standby that can be copied to is the old active, met again */
		r->state = RESV_COPYING;
		r->acked = r->asked = 0;
		out->ask = ask(r);
		r->limit = out->ask;
		break;
	case RESV_LOST: /* the channel is back, and the other one is a standby: nobody is the heir
			 */
	case RESV_STOPPED:
		r->lease_end = NS_NEVER;
		r->state = r->acked ? RESV_PROTECTED : RESV_COPYING;
		out->ask = ask(r);
		if (!out->ask)
			out->ask = r->asked;
		break;
	case RESV_COPYING:
	case RESV_PROTECTED: /* told again: no more than it has, unless that is nearly used up */
		out->ask = plus(r->next, r->interval, LOWER_MAX) > r->asked ? ask(r) : 0;
		if (!out->ask)
			out->ask = r->asked;
		break;
	case RESV_STALE:
	case RESV_SPENT:
	case RESV_STATE_CNT:
		break;
	}
}

static void
acked(struct resv *r, uint32_t number, struct resv_out *out)
{
	if ((r->state != RESV_COPYING && r->state != RESV_PROTECTED) || number > r->asked ||
		number <= r->acked)
		return;
	r->acked = number;
	if (number > r->limit)
		r->limit = number;
	if (number >= plus(r->next, r->interval, LOWER_MAX))
		r->state = RESV_PROTECTED;
	else
		out->ask = ask(r);
}

static void
lost(struct resv *r, ns_t now, ns_t lease_end)
{
	if (r->state != RESV_COPYING && r->state != RESV_PROTECTED && r->state != RESV_STOPPED)
		return;
	r->state = RESV_LOST;
	r->lease_end = r->rules->lost_waits_lease ? lease_end : now;
}

static void
tick(struct resv *r, ns_t now)
{
	uint32_t from = r->next;

	if (r->state != RESV_LOST || now < r->lease_end)
		return;
	if (r->rules->lost_skips_block)
		from = plus(r->asked, RESV_HEIR_BLOCK + 1, LOWER_MAX);
	go_solo(r, from);
}

static void
take(struct resv *r, struct resv_out *out)
{
	if (r->next > r->limit && r->state == RESV_HEIR)
		go_stale(r);
	if (r->state == RESV_SPENT || r->next > UPPER_MAX || (r->state == RESV_SOLO && r->next > r->limit)) {
		out->grant = RESV_EXHAUSTED;
		r->rekey = true;
		return;
	}
	if (r->next > r->limit && r->rules->stop_at_limit) {
		out->grant = r->limit >= LOWER_MAX ? RESV_EXHAUSTED : RESV_WAIT;
		r->rekey = r->rekey || out->grant == RESV_EXHAUSTED;
		return;
	}
	out->grant = RESV_GRANTED;
	out->number = r->sent = r->next++;
	if (out->number >= REKEY_AT && r->state != RESV_STALE)
		r->rekey = true;
	if (r->state == RESV_PROTECTED && plus(r->next, r->interval, LOWER_MAX) > r->asked)
		out->ask = ask(r);
}

/* A healed split: above both, but within what the standby is known to hold. */
static void
above(struct resv *r, uint32_t number, struct resv_out *out)
{
	if (!r->rules->heal_goes_above)
		return;
	if (number < r->next) {
		if (r->state == RESV_SPENT) /* known now, and no higher than ours */
			go_solo(r, r->next);
		return;
	}
	r->next = number + 1;
	if (r->next >= RESV_HALF)
		go_stale(r);
	else if (r->state == RESV_COPYING || r->state == RESV_PROTECTED)
		out->ask = ask(r);
	else if (r->state == RESV_HEIR || r->state == RESV_SPENT)
		go_solo(r, r->next);
}

/* The heir's numbers are unknown, and may be in either half: nothing is above them for certain. */
static void
doubt(struct resv *r)
{
	if (!r->rules->doubt_spends || !r->told || r->state == RESV_STALE)
		return; /* the upper half is a stale heir's alone */
	r->state = RESV_SPENT;
	r->acked = r->asked = 0;
	r->lease_end = NS_NEVER;
	r->rekey = true;
}

void
resv_init(struct resv *r, const struct resv_rules *rules, uint32_t interval, uint32_t first)
{
	memset(r, 0, sizeof *r);
	r->rules = rules;
	r->interval = interval ? interval : 1;
	go_solo(r, first);
}

void
resv_init_heir(struct resv *r, const struct resv_rules *rules, uint32_t interval, uint32_t reserved,
	bool in_lease)
{
	resv_init(r, rules, interval, 1);
	r->next = rules->heir_above_r	       ? reserved + 1
		  : reserved > 2 * r->interval ? reserved - 2 * r->interval
					       : 1;
	r->state = RESV_HEIR;
	r->told = true; /* he told us */
	r->limit = plus(reserved, RESV_HEIR_BLOCK, LOWER_MAX);
	if (!in_lease || reserved >= LOWER_MAX)
		go_stale(r);
}

void
resv_step(struct resv *r, ns_t now, const struct resv_in *in, struct resv_out *out)
{
	memset(out, 0, sizeof *out);
	out->grant = RESV_NOTHING;
	tick(r, now);
	switch (in->kind) {
	case RESV_IN_TAKE:
		take(r, out);
		break;
	case RESV_IN_COPY:
		copy(r, out);
		break;
	case RESV_IN_ACK:
		acked(r, in->number, out);
		break;
	case RESV_IN_LOST:
		lost(r, now, in->at);
		break;
	case RESV_IN_REFUSED:
		if (!r->rules->refused_stops)
			lost(r, now, now);
		else if (r->state == RESV_COPYING || r->state == RESV_PROTECTED)
			r->state = RESV_STOPPED;
		break;
	case RESV_IN_MET:
		if (r->state == RESV_HEIR)
			go_solo(r, r->next);
		break;
	case RESV_IN_ABOVE:
		above(r, in->number, out);
		break;
	case RESV_IN_DOUBT:
		doubt(r);
		break;
	case RESV_IN_TICK:
		break;
	}
}

ns_t
resv_deadline(const struct resv *r)
{
	return r->state == RESV_LOST ? r->lease_end : NS_NEVER;
}

uint32_t
resv_highest(const struct resv *r)
{
	return r->sent;
}
