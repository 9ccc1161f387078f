/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_LAB_DISTURB_H
#define BATON_LAB_DISTURB_H

/*
 * Disturbances: what a bad line does to the frames that pass a port of the switch. Each is of one
 * kind, at one port, for one way or both, for all frames or those that a predicate, a share or a
 * count picks; several at one port work one after the other, in the order in which they were begun.
 *
 * The trace keeps each frame once, as and when it came from its sender, with what was done to it:
 * FATE_LOST, FATE_DELAYED, FATE_CORRUPTED, FATE_COPIED. `to` gets a port's bit when the frame has
 * really come out there, unspoilt. Begin and end are events; which law a disturbance suspends is in
 * judge.c. Chance is the lab's: the same seed does the same.
 */
#include "harness/field/pkt.h"
#include "harness/lab/lab.h"

enum lab_disturb_kind {
	DISTURB_LOSE,
	DISTURB_DELAY,	 /* by `delay`, and up to `jitter` more: this may reorder */
	DISTURB_COPY,	 /* once more, `delay` (and jitter) later */
	DISTURB_REORDER, /* held until `behind` frames (0: 1) have overtaken it, or `delay` (0: 20
			    ms) */
	DISTURB_CORRUPT, /* `at`, `flip`, `sums` */
	DISTURB_SLOW,	 /* the line carries `per_s` octets a second; what waits keeps its order */
	DISTURB_STALL	 /* holds everything until it ends; the line stays up */
};

/* From the device at the port into the switch; out to the device. */
enum lab_way { WAY_FROM = 1, WAY_TO = 2, WAY_BOTH = 3 };

struct lab_disturb {
	enum lab_disturb_kind kind;
	enum lab_port port;
	enum lab_way way; /* 0: both */
	lab_match *match; /* NULL: every frame */
	void *ctx;
	uint32_t skip,
		count; /* of those that match: let so many pass first; then so many, 0: all */
	uint32_t ppm;  /* of those, this share, drawn; 0: all */
	ns_t delay, jitter;
	uint32_t behind;
	uint32_t at;  /* octet; 0: one is drawn behind the Ethernet header */
	uint8_t flip; /* bits of it; 0: one is drawn */
	bool sums;    /* then IP, UDP, TCP and ICMP checksums are made right again */
	uint32_t per_s;
};

#define LAB_DISTURBS 16
/* Begin; copied. A handle. At most LAB_DISTURBS at once (more: the process aborts). */
int lab_disturb(struct lab *l, const struct lab_disturb *d);
/* End it; what it still holds goes on at once. */
void lab_undisturb(struct lab *l, int handle);
/* Frames that it took hold of so far. Good after its end, too, until the next one begins. */
uint32_t lab_disturbed(const struct lab *l, int handle);

/* The sync channel, by name: what comes from that member is lost, all of it, or its resets. */
int lab_half_open(struct lab *l, enum lab_member deaf_to);
int lab_lose_resets(struct lab *l, enum lab_member from);

/* A predicate over the parsed packet, as a lab_match: ctx is one of these. */
struct lab_pkt_match {
	bool (*fits)(const struct pkt *p, void *ctx);
	void *ctx;
};
bool lab_match_pkt(const struct frame *f, void *ctx);

#endif
