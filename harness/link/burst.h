/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_LINK_BURST_H
#define BATON_LINK_BURST_H

/*
 * Many frames into one network interface as fast as it takes them, and many counted that come out
 * of one. For replay and for figures; a lab's ports go through link.h, one frame at a time.
 *
 * Frames go out in their order, through a packet socket that leaves the queueing discipline out,
 * many for one call of the kernel. A frame counts as sent only when the kernel took it; while the
 * interface has no room it is tried again for BURST_WAIT_MS, then it is refused, with the reason.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BURST_ERR 192
#define BURST_WAIT_MS 1000
#define BURST_FRAME_MAX 65549 /* octets */

struct burst; /* owned, until burst_close */

/* A frame; borrowed during the call. */
struct burst_frame {
	const void *bytes;
	size_t len;
};

struct burst_counters {
	uint64_t sent, octets;
	uint64_t refused; /* the kernel would not have it: too long, too short, the link is down */
	int last_refusal; /* errno of the last refused one */
};

/* NULL and a text in err (BURST_ERR octets) if the interface is not there or may not be written. */
struct burst *burst_open(const char *ifname, char *err);
void burst_close(struct burst *b); /* NULL is allowed */
/* All of them, in order. False if one was refused; those behind it are sent nevertheless. */
bool burst_send(struct burst *b, const struct burst_frame *frames, size_t cnt);
const struct burst_counters *burst_counters(const struct burst *b);

/*
 * The other end: what comes in at an interface is counted, not looked at. `room` frames fit in its
 * buffer, so that as many can come at once without loss; if some were lost, tally_lost says so.
 */
struct tally; /* owned, until tally_close */

struct tally *tally_open(const char *ifname, size_t room, char *err);
void tally_close(struct tally *t);
/* Count what has come until nothing came for quiet_ms; frames so far. */
uint64_t tally_read(struct tally *t, int quiet_ms);
uint64_t tally_octets(const struct tally *t);
/* Between the first and the last of them, by the kernel's stamps; nanoseconds. The kernel begins to
 * stamp a moment after the first tally of all is opened: open one more beforehand. */
int64_t tally_span(const struct tally *t);
/* Frames that came and found no room, since tally_open. */
uint64_t tally_lost(struct tally *t);

#endif
