/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_LAB_GUEST_FLOW_H
#define BATON_LAB_GUEST_FLOW_H

/*
 * Traffic between machines with kernels of their own (guests, guest.h): a ping at a steady pace,
 * and TCP transfers whose bytes are checked on the way in. The sockets live on the machines; the
 * lab's loop reads and writes them.
 *
 * A ping is an ICMP echo (RFC 792) with a number; what was lost, and the longest time between two
 * answers, is counted by number, not by clock. A transfer is a stream of bytes that the position
 * determines, at a bounded rate, so that it lasts as long as the case wants; both ends sum what
 * they sent and got.
 */
#include "harness/lab/guest.h"

struct guest_flow; /* owned by its opener, until guest_flow_free */

/* It is moved by the clock of the station at that port, which nothing else may use. */
struct guest_flow *guest_flow_new(struct lab *l, enum lab_port clock);
void guest_flow_free(struct guest_flow *f); /* before lab_close */

/* One ping from there, every so often. False: no socket (errno). Not before the machine has its
 * address. */
bool guest_flow_ping(struct guest_flow *f, enum lab_port from, ip4_t src, ip4_t dst, ns_t every);
/* At most four transfers: bytes from one machine to the other, TCP port `port`. */
bool guest_flow_tcp(struct guest_flow *f, enum lab_port from, ip4_t src, enum lab_port to,
	ip4_t dst, uint16_t port, uint32_t bytes_per_s);
/* No new pings, no new bytes: what is under way may still arrive. */
void guest_flow_stop(struct guest_flow *f);
/* Every byte that was sent has come, and the last ping's answer had its time (1 s). */
bool guest_flow_settled(const struct guest_flow *f);

struct guest_pings {
	uint32_t sent, came, twice;
	uint32_t longest; /* consecutive pings without an answer */
	ns_t gap;	  /* the same as time: `longest` times the pace */
	ns_t gap_from;	  /* when the first of them was sent; 0 = none */
};
void guest_flow_pings(const struct guest_flow *f, struct guest_pings *p);

struct guest_transfer {
	bool connected, broken;	     /* broken: reset, or closed by the other end */
	uint64_t sent, came;	     /* octets */
	uint64_t wrong;		     /* octets that were not those that were sent */
	uint64_t sum_sent, sum_came; /* FNV-1a, 64 bits */
};
/* The n-th, in the order of guest_flow_tcp; false if there is none. */
bool guest_flow_transfer(const struct guest_flow *f, size_t n, struct guest_transfer *t);

#endif
