/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_CORE_RESV_H
#define BATON_CORE_RESV_H

/*
 * Sequence reservation for one outbound SA (docs/spec/ssp.md 4): which number may leave next, so that no
 * number is ever sent by both members, whatever the sync channel does.
 *
 * Numbers only. The node owns the packets that wait, tells the standby what is asked for, and
 * rekeys when told to.
 */
#include <stdbool.h>

#include "ref/base/time.h"

enum resv_state {
	RESV_SOLO,
	RESV_COPYING,
	RESV_PROTECTED,
	RESV_LOST,
	RESV_STOPPED,
	RESV_HEIR,
	RESV_STALE,
	RESV_SPENT, /* the other one may have used it: how far, nobody knows */
	RESV_STATE_CNT
};

#define RESV_HALF 0x80000000u	  /* the upper half is a stale heir's */
#define RESV_HEIR_BLOCK 0x1000000u /* H of the specification */

struct resv_rules {
	bool stop_at_limit;	 /* nothing above R leaves */
	bool heir_above_r;	 /* an heir begins at R + 1, not at what was last sent */
	bool stale_upper_half;	 /* a stale heir begins at 2^31 */
	bool stale_rekeys;
	bool lost_waits_lease;	 /* a lost active waits for the lease */
	bool lost_skips_block;	 /* and then steps over H */
	bool refused_stops;	 /* REFUSE is not a loss */
	bool heal_goes_above;	 /* the winner of a healed split goes above both */
	bool doubt_spends;	 /* who may have had a heir sends nothing more on that SA */
};
extern const struct resv_rules resv_rules_standard;

struct resv {
	const struct resv_rules *rules; /* borrowed */
	enum resv_state state;
	uint32_t interval; /* Y */
	uint32_t next;	   /* N: not sent yet */
	uint32_t sent;	   /* the highest that was given out; 0: none (next may have stepped over some) */
	uint32_t limit;	   /* the highest that may be sent now */
	uint32_t acked;	   /* R; 0: the standby holds nothing */
	uint32_t asked;	   /* A; 0: nothing was asked for */
	ns_t lease_end;	   /* LOST: certainly run out at the other end */
	bool rekey;	   /* wanted */
	bool told;	   /* the other member has, or may have, a copy */
};

enum resv_in_kind {
	RESV_IN_TAKE,	 /* a packet wants to leave */
	RESV_IN_COPY,	 /* a copy is about to be made for a standby */
	RESV_IN_ACK,	 /* the standby recorded `number` */
	RESV_IN_LOST,	 /* the channel is lost; `at`: when the lease has certainly run out */
	RESV_IN_REFUSED, /* the other one says it is active */
	RESV_IN_MET,	 /* the old active is met again, and holds no SA any more */
	RESV_IN_ABOVE,	 /* healed: go above `number` */
	RESV_IN_DOUBT,	 /* in office again, and the other one may have been meanwhile */
	RESV_IN_TICK,
};

struct resv_in {
	enum resv_in_kind kind;
	uint32_t number;
	ns_t at;
};

enum resv_grant {
	RESV_GRANTED,	/* out.number is yours */
	RESV_WAIT,	/* the reservation is used up: queue it */
	RESV_EXHAUSTED, /* this SA sends no more (RFC 4303 3.3.3) */
	RESV_NOTHING,	/* the input was no TAKE */
};

struct resv_out {
	enum resv_grant grant;
	uint32_t number;
	uint32_t ask; /* not 0: tell the standby to reserve up to here */
};

/* A fresh SA: solo, from `first` (1; RFC 4303 3.3.3). interval: Y, at least 1. */
void resv_init(struct resv *r, const struct resv_rules *rules, uint32_t interval, uint32_t first);
/* An SA inherited with reservation R (0: none was recorded) by a standby that has been promoted. */
void resv_init_heir(struct resv *r, const struct resv_rules *rules, uint32_t interval,
	uint32_t reserved, bool in_lease);
void resv_step(struct resv *r, ns_t now, const struct resv_in *in, struct resv_out *out);
ns_t resv_deadline(const struct resv *r);
const char *resv_state_name(enum resv_state s);
/* The highest number that has been sent, 0 if none. */
uint32_t resv_highest(const struct resv *r);

#endif
