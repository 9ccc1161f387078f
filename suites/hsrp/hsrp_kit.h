/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_SUITES_HSRP_KIT_H
#define BATON_SUITES_HSRP_KIT_H

/*
 * A scripted HSRP neighbour at the outside probe, and what a case wants to know of the messages at a member's port.
 * The neighbour is a plain talker: it says what it is told, every hello interval.
 */
#include "harness/field/pkt.h"
#include "harness/run/pair.h"

enum { KIT_HELLO = 0, KIT_COUP = 1, KIT_RESIGN = 2 };

struct kit_msg {
	uint8_t opcode, state, priority;
	const char *auth; /* NULL: "cisco" */
	ip4_t src;	  /* 0: the probe's */
	ip4_t vip;	  /* 0: the virtual address */
	uint8_t hello_s, hold_s; /* 0: 1 and 3 */
};

/* Send one message from the outside probe. */
void kit_send(struct lab *l, const struct kit_msg *m);
/* Send it every 200 ms until the span is over. */
void kit_talk(struct lab *l, const struct kit_msg *m, ns_t span);
/* The first HSRP message with that opcode (state: -1 any) from the port at or after `after`; TRACE_NONE. */
size_t kit_find(struct lab *l, enum lab_port p, int opcode, int state, ns_t after);
size_t kit_count(struct lab *l, enum lab_port p, int opcode, int state, ns_t after);
/* The first gratuitous ARP for the address from the port at or after `after`. */
size_t kit_garp(struct lab *l, enum lab_port p, ip4_t a, ns_t after);
/* The frame, taken apart. */
struct pkt kit_pkt(struct lab *l, size_t frame);
/* A neighbour that repeats its message every 200 ms, until the probe is unplugged. Static in the case. */
struct kit_talker {
	struct lab *lab;
	struct kit_msg msg;
	ns_t next;
};
/* Open the lab with such a neighbour at the outside probe, and start A. */
void kit_beside(struct world *w, struct case_run *c, const struct lab_text *knobs,
	struct kit_talker *t, const struct kit_msg *m);
/* One router, A, alone and active. False: inconclusive. */
bool kit_alone(struct world *w, struct case_run *c, const struct lab_text *knobs);

#endif
