/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_SUITES_MATE_KIT_H
#define BATON_SUITES_MATE_KIT_H

/*
 * A real router with a scripted other member (harness/sync) on its sync segment.
 *
 * A, whose address is lower, calls: against it the mate is B, and listens. B listens: against it
 * the mate is A, and calls. Either router is tried in either role:
 *
 *	alone    it alone is up, is active and carries the tunnel; the mate is its standby
 *	behind   the other router is active and carries the tunnel, with its sync cable out; the
 *	         mate stands in for it on the sync segment, as active, and this one is standby
 *
 * In both, streams go through the tunnel both ways from here to mate_kit_unharmed, which says
 * that not one packet was lost.
 */
#include "harness/run/pair.h"
#include "harness/sync/mate.h"

struct mate_kit {
	struct world w;
	struct mate *mate;
	enum lab_member real;
};

#define MATE_KIT_KEEPALIVE PAIR_HELLO /* of the lab's timers */
#define MATE_KIT_LOST (4 * MATE_KIT_KEEPALIVE)

/* Up to the running streams; the mate has no connection yet: it listens, or has not called. False:
 * inconclusive. */
bool mate_kit_alone(struct mate_kit *x, struct case_run *c, enum lab_member real);
bool mate_kit_behind(struct mate_kit *x, struct case_run *c, enum lab_member real);

/* A connection with the knobs as they are: the mate calls, or waits for the router's next call.
 * Its number; MATE_NONE (inconclusive) if none comes. */
size_t mate_kit_meet(struct mate_kit *x);
/* The same without knobs, until the bulk is acknowledged to its end; as a precondition. */
size_t mate_kit_ready(struct mate_kit *x);

void mate_kit_right_key(struct mate_kit *x);
void mate_kit_say_role(struct mate_kit *x, size_t conn); /* ROLE, as it is */

/* Wait, as an expectation, until the router has ended the connection (FIN or RST). */
bool mate_kit_ends(struct mate_kit *x, size_t conn, ns_t limit, const char *what);
/* Wait, as an expectation, for a message of that type on that connection with that REASON. */
bool mate_kit_says(struct mate_kit *x, size_t conn, unsigned type, enum mate_reason why);
/* The connection lives, and its router has spoken within the last keepalives. */
bool mate_kit_lives(struct mate_kit *x, size_t conn);
/* Wait, as an expectation, for an ACK of that number on that connection. */
bool mate_kit_acked(struct mate_kit *x, size_t conn, uint32_t number);
/* Not one ACK of that number, or a higher one, so far. */
bool mate_kit_not_acked(struct mate_kit *x, size_t conn, uint32_t number);

/* A counter of the router's "show ssp packet", or (with a dot) of "show counters". */
long long mate_kit_count(struct mate_kit *x, const char *path);
/* It was counted since (as an expectation): it is above `before`. */
bool mate_kit_counted(struct mate_kit *x, const char *path, long long before);

/* The end of every case: a right mate connects and the standby of the two is ready; the router is
 * the process that it was; the tunnel lost nothing and was not negotiated again. */
bool mate_kit_unharmed(struct mate_kit *x);

/* The router's resident memory, in KB. */
long mate_kit_memory(struct mate_kit *x);

/* ---- records ---- */

/*
 * Records as an active would send them, of an IKE SA with peer 172.16.31.200 and cookies made from
 * n, and of an SA pair made from n (inbound SPI 0x10000000 + n, outbound 0x20000000 + n) under that
 * IKE SA. map NULL: the map of the lab. Octets written.
 */
size_t mate_kit_ike_sa(uint8_t *out, size_t cap, uint32_t n);
size_t mate_kit_ipsec_sa(uint8_t *out, size_t cap, uint32_t n, const char *map);
/* An increment of that pair: RESERVE, kind 1. */
uint32_t mate_kit_reserve(struct mate_kit *x, size_t conn, uint32_t n, uint32_t upto);
/* `behind`, and the standby has pair n = 1 of the mate; false: inconclusive. */
bool mate_kit_fed(struct mate_kit *x, struct case_run *c, enum lab_member real, size_t *live);
/* What it has recorded as reserved for that pair. */
long long mate_kit_reserved(struct mate_kit *x);
/* Dormant SA pairs that the router says it has. */
long long mate_kit_copies(struct mate_kit *x);

#endif
