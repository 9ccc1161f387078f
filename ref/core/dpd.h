/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_CORE_DPD_H
#define BATON_CORE_DPD_H

/*
 * Dead peer detection (RFC 3706) for one IKE SA, both roles.
 *
 * This machine knows numbers and time; ike builds and opens the messages, and the node joins the
 * two. To probe, it says PROBE{seq}; the node has the number recorded by the standby (write
 * ahead), sends the R-U-THERE and says SENT. Only then does the clock for the ACK run. An
 * unanswered number is sent again, the same; after `retries` of those the peer is DEAD.
 *
 * On-demand: a probe only when there was something to send, and nothing was heard, for `interval`.
 * Periodic: when nothing was heard for `interval`. Traffic from the peer proves that it lives
 * (5.4): it puts the next probe off and ends a probe under way.
 *
 * Numbers: the first is random with the high bit clear, each next one more (6.2). Of the peer's
 * numbers a forward window is accepted (6.2), and the last one again: its ACK may have been lost.
 *
 * After a take-over the heir imports both counters. A number in flight is sent again, as a
 * retransmission; then comes the next. The peer sees each number at most twice, none skipped.
 */
#include <stdbool.h>

#include "ref/base/time.h"
#include "ref/crypto/crypto.h"

enum dpd_mode { DPD_OFF = 0, DPD_ON_DEMAND, DPD_PERIODIC };

struct dpd_cfg {
	enum dpd_mode mode; /* OFF: never probes, still answers */
	ns_t interval;	    /* silence before a probe */
	ns_t retry;	    /* wait for an ACK */
	unsigned retries;   /* retransmissions before DEAD */
};

struct dpd_rules {
	bool check_ack;		  /* 6.1: the ACK's number must be the one in flight */
	bool check_window;	  /* 6.2: the peer's numbers go forward */
	uint32_t window;	  /* and at most this far in one step; 64 */
	uint32_t ack_add;	  /* 0: the ACK carries the number asked */
	bool high_bit_clear;	  /* 6.2: of the first number */
	uint32_t step;		  /* 1 (6.2) */
	bool same_on_retransmit;  /* a retransmission repeats its number */
	bool traffic_proves;	  /* 5.4: do not probe while traffic comes in */
	bool import_keeps;	  /* a take-over goes on with the numbers; else a new random one */
	bool import_from_zero;	  /* false; a take-over starts at number 0 */
	bool answer;		  /* 5.2: MUST respond */
	bool declare_dead;	  /* 5.4: after the retries */
	bool repeat_answered;	  /* the last number again is answered again */
};
extern const struct dpd_rules dpd_rules_standard;

enum dpd_in_kind {
	DPD_IN_TICK,
	DPD_IN_HEARD,	 /* authenticated traffic from the peer: ESP or IKE */
	DPD_IN_WANT,	 /* something was sent, or waits to be sent, to the peer */
	DPD_IN_RUTHERE,	 /* an authenticated R-U-THERE with this number */
	DPD_IN_ACK,	 /* an authenticated R-U-THERE-ACK */
	DPD_IN_SENT,	 /* the probe with this number has left */
};

struct dpd_in {
	enum dpd_in_kind kind;
	uint32_t seq;
};

enum dpd_act_kind {
	DPD_ACT_PROBE, /* record seq, send R-U-THERE, say SENT; again: it is a retransmission */
	DPD_ACT_ACK,   /* send R-U-THERE-ACK with seq */
	DPD_ACT_RECV,  /* the peer's counter moved to seq: the standby should know */
	DPD_ACT_ALIVE, /* the number in flight was answered */
	DPD_ACT_DEAD,  /* delete the SAs of this peer (5.4) */
};

struct dpd_act {
	enum dpd_act_kind kind;
	uint32_t seq;
	bool again;
};

#define DPD_ACTS_MAX 4
struct dpd_acts {
	struct dpd_act v[DPD_ACTS_MAX];
	unsigned cnt;
};

enum dpd_count {
	DPD_CNT_PROBES, DPD_CNT_RETRANSMITS, DPD_CNT_ACKED, DPD_CNT_ASKED, DPD_CNT_ANSWERED,
	DPD_CNT_BAD_ACK, DPD_CNT_OUT_OF_WINDOW, DPD_CNT_DEAD, DPD_CNT_CNT
};
extern const char *const dpd_count_names[DPD_CNT_CNT];

/* What a standby needs: both counters. */
struct dpd_export {
	bool in_flight;	 /* sent_seq is not answered yet (or about to leave) */
	bool have_sent;	 /* sent_seq means something */
	bool have_recv;	 /* recv_seq means something */
	uint32_t sent_seq;
	uint32_t recv_seq;
};

struct dpd {
	struct dpd_cfg cfg;	       /* copied */
	const struct dpd_rules *rules; /* borrowed, for ever */
	uint32_t next_seq;
	struct dpd_export n;
	bool leaving;	 /* PROBE was said, SENT not yet */
	bool dead;
	bool wanted;	 /* on-demand: something to send since the peer was last heard */
	bool resend_now; /* imported with a number in flight */
	ns_t heard;	 /* last proof of life */
	ns_t retry_at;	 /* NS_NEVER: none in flight */
	unsigned tries;	 /* retransmissions of the number in flight */
	uint64_t count[DPD_CNT_CNT];
};

/* A new IKE SA, just authenticated. Takes 4 bytes of e for the first number. */
void dpd_init(struct dpd *d, const struct dpd_cfg *cfg, const struct dpd_rules *rules,
	struct entropy *e, ns_t now);
/* An IKE SA taken over. e as above (used only when there was no number yet). */
void dpd_import(struct dpd *d, const struct dpd_cfg *cfg, const struct dpd_rules *rules,
	const struct dpd_export *x, struct entropy *e, ns_t now);
/* Another mode. OFF ends a probe that is under way: it goes on under another SA. */
void dpd_mode(struct dpd *d, enum dpd_mode mode, ns_t now);
void dpd_export(const struct dpd *d, struct dpd_export *x);
/* acts is reset first. DEAD is said once. */
void dpd_step(struct dpd *d, ns_t now, const struct dpd_in *in, struct dpd_acts *acts);
ns_t dpd_deadline(const struct dpd *d);
void dpd_wipe(struct dpd *d);

#endif
