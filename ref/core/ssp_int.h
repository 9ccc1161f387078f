/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_CORE_SSP_INT_H
#define BATON_CORE_SSP_INT_H

/* What ssp.c (the session, sending) and ssp_in.c (what a received message does) say to each other. */
#include "ref/core/ssp.h"

#define SSP_CLIENT_VERSION 0x0100

/* One call of ssp_step. */
struct ssp_turn {
	ns_t now;
	struct ssp_acts *out;
};

/* Has a member of that role live SAs, used or suspended? It copies them; who has none is copied to. */
static inline bool
ssp_holds(enum ssp_role role)
{
	return role == SSP_ROLE_ACTIVE || role == SSP_ROLE_SUSPENDED;
}

/* Is the other one to be copied to? */
static inline bool
ssp_fills(const struct ssp *s)
{
	return s->peer_role == SSP_ROLE_STANDBY ||
	       (s->peer_role == SSP_ROLE_NEITHER && s->rules->fills_neither);
}

/* ssp.c */
struct ssp_act *ssp_emit(struct ssp_turn *t, enum ssp_act_kind kind);
uint64_t ssp_clock_ms(ns_t now);
void ssp_send_plain(struct ssp *s, struct ssp_turn *t, enum ssp_type type, unsigned reason,
	uint32_t number);
void ssp_send_keepalive(struct ssp *s, struct ssp_turn *t);
void ssp_ready_set(struct ssp *s, struct ssp_turn *t, enum ssp_act_kind kind, bool on);
enum ssp_act_kind ssp_ready_kind(const struct ssp *s);
/* The session is over: say what is lost. The node closes the socket on CLOSE. */
void ssp_end(struct ssp *s, struct ssp_turn *t, bool close, unsigned reason);
void ssp_reject(struct ssp *s, struct ssp_turn *t, unsigned reason, uint32_t number);
void ssp_bulk_begin(struct ssp *s, struct ssp_turn *t);
void ssp_roles_settle(struct ssp *s, struct ssp_turn *t);
void ssp_peer_role_set(struct ssp *s, struct ssp_turn *t, enum ssp_role role);

/* ssp_in.c */
void ssp_next(struct ssp *s, struct ssp_turn *t);
void ssp_acknowledge(struct ssp *s, uint32_t number);
void ssp_resync_ask(struct ssp *s, struct ssp_turn *t, unsigned reason);

#endif
