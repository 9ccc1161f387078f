/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_CORE_HSRP_H
#define BATON_CORE_HSRP_H

/*
 * HSRP version 1, one group on one interface (RFC 2281).
 *
 * The state table of 5.7 is data, in the RFC's own letters; hsrp_step turns what happens into an
 * event a to l, looks the cell up, carries out its letters and returns the rest as actions. All
 * six states, both roles, preemption with its delays, learning of the address and the timers,
 * and Cisco's Advertise are here. Text authentication only; no version 2, no MD5.
 *
 * Our reading of a hole in the table: an expiry (c or d) that meets no cell stays *owed*, and takes
 * effect on the next state that has one; A or C cancel c, B or D cancel d. Without it a router that
 * loses its Active timer in Speak would stand by for ever.
 *
 * Not here: tracking (the node computes the effective priority), ARP answers (the node, which is
 * told OWN_VIP and DROP_VIP), and whose frame it was (the caller drops our own).
 */
#include "ref/base/time.h"
#include "ref/wire/hsrp.h"

/* States numbered as RFC 2281 5.3 does. */
enum hsrp_state {
	HSRP_NONE = 0,
	HSRP_INITIAL = 1,
	HSRP_LEARN = 2,
	HSRP_LISTEN = 3,
	HSRP_SPEAK = 4,
	HSRP_STANDBY = 5,
	HSRP_ACTIVE = 6,
	HSRP_STATE_CNT
};

enum hsrp_event {
	HSRP_EV_A, HSRP_EV_B, HSRP_EV_C, HSRP_EV_D, HSRP_EV_E, HSRP_EV_F,
	HSRP_EV_G, HSRP_EV_H, HSRP_EV_I, HSRP_EV_J, HSRP_EV_K, HSRP_EV_L,
	HSRP_EV_CNT
};

/* A cell of the table: letters of 5.6 in the order of the RFC, and the next state (NONE: stay). */
struct hsrp_cell {
	const char *act; /* NULL: no cell */
	enum hsrp_state to;
	const char *alt_act; /* the cell's second reading (notes + and *), NULL if it has none */
	enum hsrp_state alt_to;
};

/* By what the machine judges; a test or a mutant hands in a patched copy. */
struct hsrp_rules {
	struct hsrp_cell cell[HSRP_EV_CNT][HSRP_STATE_CNT];
	struct mac vmac;	   /* last octet is replaced by the group (5.1, 6.1) */
	uint8_t ttl;		   /* 1 (5.1) */
	bool check_auth;	   /* 5.1: only authenticated messages count */
	bool owe_expiries;	   /* our reading, above */
	bool active_uses_vmac;	   /* hellos of the active come from the virtual MAC */
	bool learn_timers, learn_vip; /* action E */
	bool learn_when_active;	   /* 5.1: MUST NOT */
	bool honour_start_delay;   /* `standby delay` */
	bool honour_preempt_delay; /* `preempt delay minimum`, `reload` */
	bool wait_for_ever;	   /* false; the state sync, though `preempt delay sync` has run out */
	bool equals_preempt;	   /* where the configuration says so (preempt_equal) */
	bool equals_always;	   /* false; unasked, too */
	bool advertise;
	bool advertise_counts;	   /* false; an Advertise keeps the active router alive */
	bool equal_address_wins;   /* 5.1: equal priority, the higher address wins */
	uint8_t jitter_percent;	   /* hello timer early by up to this (5.4: MUST be jittered) */
	uint8_t hold_percent;	   /* 100: the hold time as it is */
};
extern const struct hsrp_rules hsrp_rules_standard;

struct hsrp_cfg {
	uint8_t group;
	uint8_t priority; /* as configured; tracking lowers the effective one */
	ip4_t vip;	  /* 0: learn it */
	ip4_t address;	  /* our own, on the interface */
	uint8_t auth[HSRP_AUTH_LEN];
	ns_t hello;
	ns_t hold;
	bool timers_set;  /* configured: do not learn */
	bool timers_msec; /* configured in ms: received times are ignored */
	bool preempt;
	bool preempt_equal; /* the RFC's reading: a higher address preempts an equal priority */
	ns_t preempt_minimum;
	ns_t preempt_reload;
	ns_t preempt_sync; /* longest wait for the state sync, 0: no bound */
	ns_t delay_minimum;
	ns_t delay_reload;
};

enum hsrp_in_kind {
	HSRP_IN_ENABLE,	  /* the interface came up (reload: with the router itself) */
	HSRP_IN_DISABLE,  /* it went down, or HSRP was taken off it */
	HSRP_IN_MESSAGE,  /* a decoded message from another router */
	HSRP_IN_PRIORITY, /* the effective priority is now this */
	HSRP_IN_CONFIGURE, /* other settings for the same group, address and virtual address */
	HSRP_IN_SYNCED,	  /* the state sync is complete, or is not any more */
	HSRP_IN_TICK,
};

struct hsrp_in {
	enum hsrp_in_kind kind;
	bool on;		    /* ENABLE: reload; SYNCED */
	uint8_t priority;	    /* PRIORITY */
	ip4_t src;		    /* MESSAGE: who sent it */
	const struct hsrp_msg *msg; /* MESSAGE: borrowed */
	const struct hsrp_cfg *cfg; /* CONFIGURE: borrowed */
};

enum hsrp_act_kind {
	HSRP_ACT_SEND,	   /* msg to 224.0.0.2; from the virtual MAC if from_vmac */
	HSRP_ACT_GARP,	   /* action I */
	HSRP_ACT_OWN_VIP,  /* answer for the address and the MAC from now on */
	HSRP_ACT_DROP_VIP, /* and no longer */
	HSRP_ACT_STATE,	   /* from -> to, by event */
};

struct hsrp_act {
	enum hsrp_act_kind kind;
	struct hsrp_msg msg;
	bool from_vmac;
	enum hsrp_state from, to;
	char event; /* 'a' to 'l' */
};

#define HSRP_ACTS_MAX 24
struct hsrp_acts {
	struct hsrp_act v[HSRP_ACTS_MAX];
	unsigned cnt;
};

enum hsrp_count {
	HSRP_CNT_HELLO_IN, HSRP_CNT_COUP_IN, HSRP_CNT_RESIGN_IN, HSRP_CNT_ADVERTISE_IN,
	HSRP_CNT_HELLO_OUT, HSRP_CNT_COUP_OUT, HSRP_CNT_RESIGN_OUT, HSRP_CNT_ADVERTISE_OUT,
	HSRP_CNT_BAD_AUTH, HSRP_CNT_OTHER_VIP, HSRP_CNT_NO_CELL, HSRP_CNT_CHANGES, HSRP_CNT_CNT
};
extern const char *const hsrp_count_names[HSRP_CNT_CNT];

struct hsrp {
	struct hsrp_cfg cfg;		/* copied */
	const struct hsrp_rules *rules; /* borrowed, for ever */
	enum hsrp_state state;
	ns_t since;	/* of the state */
	ns_t active_at; /* timers: expiry, NS_NEVER when stopped */
	ns_t standby_at;
	ns_t hello_at;
	ns_t start_at;	/* `standby delay`: event a is due then */
	ns_t advertise_at;
	bool owed_c, owed_d;
	bool synced;
	ns_t unsynced_since;
	ns_t preempt_from; /* preempt delays: not before */
	uint8_t priority;  /* effective */
	ip4_t vip;	   /* configured or learned */
	ns_t hello, hold;  /* in use */
	ip4_t active_addr; /* last heard, 0 none; our own when we are */
	uint8_t active_priority;
	ns_t active_heard; /* the last Hello of another router that is active; 0 none */
	ip4_t standby_addr;
	uint8_t standby_priority;
	uint32_t rnd; /* jitter */
	uint64_t count[HSRP_CNT_CNT];
};

/* cfg is copied, rules borrowed. seed draws the hello jitter; any number will do. */
void hsrp_init(struct hsrp *h, const struct hsrp_cfg *cfg, const struct hsrp_rules *rules,
	uint32_t seed, ns_t now);
/* Feed one input; acts is reset first. The caller steps with TICK when _deadline has come. */
void hsrp_step(struct hsrp *h, ns_t now, const struct hsrp_in *in, struct hsrp_acts *acts);
ns_t hsrp_deadline(const struct hsrp *h);

/* "Initial", "Learn", ... */
const char *hsrp_state_name(enum hsrp_state s);
/* The virtual MAC of the group under these rules. */
struct mac hsrp_vmac(const struct hsrp *h);

#endif
