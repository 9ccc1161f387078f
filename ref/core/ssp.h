/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_CORE_SSP_H
#define BATON_CORE_SSP_H

/*
 * The session of SSP: one connection to the other member, both roles (docs/spec/ssp.md 1 to 3).
 *
 * It frames and numbers messages, keeps the session alive, follows the roles, asks for the bulk and
 * knows when the standby is ready, keeps the lease, and refuses what the specification refuses. What the
 * records mean is the node's business: a received one comes out as APPLY, and is acknowledged when the node has said
 * APPLIED; one to send goes in as RECORD.
 *
 * Who copies: the holder, who is active or suspended. To whom: the receiver, who is standby or
 * neither.
 *
 * Not here: TCP, TLS and who connects (sys), sequence reservation (core/resv), the copies themselves (node).
 */
#include "ref/base/time.h"
#include "ref/wire/ssp.h"

struct ssp_rules {
	bool ack_before_record;	  /* false: record first */
	bool refuse_when_active;  /* an active member applies no records */
	bool refuse_stale_epoch;
	bool resync_on_gap;
	bool ready_after_bulk;	  /* false: ready as soon as it is connected */
	bool fills_neither;	  /* false: a standby alone is copied to */
	bool bulk;		  /* send what exists to a standby that joins; else an empty bulk */
	bool keepalives;
	bool close_when_silent;
	bool refuse_malformed;	  /* false: what does not read is passed over */
	bool refuse_full;	  /* false: a record that finds no room is acknowledged */
	bool ignore_optional;	  /* TLVs that may be ignored */
	bool check_hello;	  /* group and clients */
	bool hello_first;
	bool resync_on_unknown;	  /* false: an increment for an unknown SA is acknowledged */
	bool whole_reads;	  /* false; a message must come in one piece */
	uint8_t silent_keepalives; /* 4 */
};
extern const struct ssp_rules ssp_rules_standard;

struct ssp_cfg {
	uint16_t group;
	uint64_t instance; /* drawn when the process started */
	ns_t keepalive;
	ns_t lease;
};

enum ssp_in_kind {
	SSP_IN_CONNECTED, /* TLS is up */
	SSP_IN_CLOSED,	  /* the connection is gone */
	SSP_IN_BYTES,	  /* bytes arrived; then NEXT while out->more */
	SSP_IN_NEXT,	  /* take the next whole message */
	SSP_IN_ROLE,	  /* ours is now `role` */
	SSP_IN_RECORD,	  /* send this message (5 to 12, or 17); its number comes in out->number */
	SSP_IN_BULK_DONE, /* the node has sent all it has */
	SSP_IN_APPLIED,	  /* the node has dealt with the record it was given */
	SSP_IN_RESYNC,	  /* an operator on the standby wants everything again */
	SSP_IN_GIVE_UP,	  /* the node has waited too long for an acknowledgement */
	SSP_IN_TICK,
};

struct ssp_in {
	enum ssp_in_kind kind;
	const uint8_t *bytes; /* BYTES: borrowed */
	size_t len;
	struct ssp_msg *msg;   /* RECORD: borrowed; number and epoch are filled in */
	enum ssp_role role;    /* ROLE */
	enum err result;       /* APPLIED: ERR_OK, ERR_UNKNOWN (asks for a resync), ERR_FULL */
	uint32_t count;	       /* BULK_DONE: records sent */
};

enum ssp_act_kind {
	SSP_ACT_SEND,	  /* out->buf, len octets */
	SSP_ACT_CLOSE,	  /* drop the connection */
	SSP_ACT_BULK,	  /* give RECORD for all there is, then BULK_DONE */
	SSP_ACT_APPLY,	  /* out->msg: a record to keep; answer APPLIED */
	SSP_ACT_SWEEP,	  /* the bulk is over: drop copies that it did not name */
	SSP_ACT_ACKED,	  /* the standby has recorded all up to `number` */
	SSP_ACT_LOST,	  /* the channel is lost; `at`: when the lease is certainly over there */
	SSP_ACT_REFUSED,  /* the other one is active too */
	SSP_ACT_MET,	  /* the other one is done: it holds nothing, and has stated its numbers */
	SSP_ACT_HIGHEST,  /* out->msg: its highest number on an SA */
	SSP_ACT_STATE_HIGHEST, /* say ours: RECORD with HIGHEST for each outbound SA we sent on */
	SSP_ACT_READY,	  /* we, the receiver, are (on) or are no longer ready */
	SSP_ACT_MIRRORED, /* we, the holder: the other is (on) or is no longer ready */
};

struct ssp_act {
	enum ssp_act_kind kind;
	size_t off, len; /* SEND: part of buf */
	uint32_t number;
	ns_t at;
	bool on;
	unsigned reason; /* CLOSE, LOST: enum ssp_reason or 0 */
};

#define SSP_ACTS_MAX 16
struct ssp_acts {
	struct ssp_act v[SSP_ACTS_MAX];
	unsigned cnt;
	uint8_t buf[2 * SSP_MSG_MAX];
	size_t used;
	struct ssp_msg msg; /* of APPLY or HIGHEST; the node wipes it */
	uint32_t number;    /* of the RECORD just sent; 0: there is no session to send it on */
	bool more;	    /* another whole message is waiting: call NEXT */
};

enum ssp_count {
	SSP_CNT_SENT, SSP_CNT_SENT_OCTETS, SSP_CNT_RECEIVED, SSP_CNT_RECEIVED_OCTETS,
	SSP_CNT_RECORDS_IN, SSP_CNT_RECORDS_OUT, SSP_CNT_MALFORMED, SSP_CNT_GAPS, SSP_CNT_UNKNOWN_SA,
	SSP_CNT_REFUSED_ACTIVE, SSP_CNT_REFUSED_EPOCH, SSP_CNT_UNEXPECTED, SSP_CNT_RESYNCS,
	SSP_CNT_BULKS, SSP_CNT_LOST, SSP_CNT_CONNECTS, SSP_CNT_CNT
};
extern const char *const ssp_count_names[SSP_CNT_CNT];

#define SSP_RX_MAX 32768

struct ssp {
	struct ssp_cfg cfg;
	const struct ssp_rules *rules; /* borrowed */
	bool up;	/* connected */
	bool greeted;	/* the other's HELLO is here */
	enum ssp_role role, peer_role;
	uint64_t peer_instance;
	uint32_t epoch;
	uint32_t heard_epoch;	/* of the last message heard: no lower than ours once it was sent after ours was read */
	uint32_t sent, acked;	/* numbers of our direction */
	uint32_t heard;		/* last number of the other direction */
	uint32_t to_ack;	/* recorded up to here; told by the next ACK */
	bool ack_due;
	uint32_t applying;	/* APPLY was given out, APPLIED is not here yet; 0 none */
	bool deaf;		/* asked for a resync: records do not count before the next BULK_BEGIN */
	bool bulk_sent;		/* holder: BULK_BEGIN is out */
	uint32_t bulk_begin;	/* its number */
	uint32_t bulk_end;	/* number of BULK_END, 0: not sent */
	bool in_bulk;		/* receiver: between the marks */
	bool ready;		/* receiver: bulk complete; holder: the receiver's */
	bool stated;		/* the other has said all its HIGHEST: its first KEEPALIVE is here */
	ns_t since;		/* of the connection */
	ns_t last_heard, send_at;
	ns_t keepalive, lease;	/* in force: the larger of the two */
	uint64_t peer_time_ms;	/* newest TIME heard */
	ns_t peer_time_at, echoed_at; /* when it was heard; the same of the one we last echoed */
	ns_t proven;		/* our own clock: the newest of our TIMEs that came back */
	ns_t role_since;
	uint8_t rx[SSP_RX_MAX];
	size_t rx_len;
	uint64_t count[SSP_CNT_CNT];
};

void ssp_init(struct ssp *s, const struct ssp_cfg *cfg, const struct ssp_rules *rules, ns_t now);
void ssp_step(struct ssp *s, ns_t now, const struct ssp_in *in, struct ssp_acts *out);
ns_t ssp_deadline(const struct ssp *s);
/*
 * Other settings, from the next connection on. The lease that was in force is never shortened: copies
 * over there may still live by it.
 */
void ssp_configure(struct ssp *s, const struct ssp_cfg *cfg);
/* Are a standby's copies still good now (specification 4, the lease)? */
bool ssp_in_lease(const struct ssp *s, ns_t now);
/* Is the other one known to hold no SA, and are its statements complete? Only then are its numbers final (specification 4, done). */
bool ssp_other_done(const struct ssp *s);
/* May a record be sent now: do we hold, and is the other connected and being copied to? */
bool ssp_copying(const struct ssp *s);

#endif
