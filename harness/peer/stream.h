/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_PEER_STREAM_H
#define BATON_PEER_STREAM_H

/*
 * Numbered UDP streams: the measure of loss and of dark time. A sender numbers its packets from 1
 * and notes when each left; a receiver notes when each number came. Both are memory only; who
 * carries the packets is a host or a peer. Records grow as needed (allocate); stream_*_free.
 *
 * UDP payload: "BTNS", u16 stream id, u16 zero, u32 number, then filler to the size asked for.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ref/base/time.h"

#define STREAM_HEAD 12	 /* smallest payload */
#define STREAM_PORT 7007 /* UDP port that hosts and peers listen on for streams */

struct stream_tx {
	uint16_t id;
	size_t size; /* octets of UDP payload */
	ns_t interval;
	ns_t next;	/* NS_NEVER when stopped */
	uint32_t limit; /* stop after that many; 0 none */
	uint32_t sent;	/* numbers 1 .. sent have left */
	ns_t *at;	/* at[n - 1]: when number n left */
	size_t cap;
};

struct stream_rx {
	uint16_t id;
	uint32_t highest;
	uint32_t received; /* different numbers */
	uint32_t duplicates;
	uint32_t reordered; /* came after a higher number */
	ns_t *at;	    /* at[n - 1]: when number n came first, or NS_NEVER */
	size_t cap;
};

#define STREAM_LOST_MAX 64
struct stream_result {
	uint32_t sent, received, lost, duplicates, reordered;
	uint32_t lost_list[STREAM_LOST_MAX]; /* the first of them */
	uint32_t longest_run;		     /* most numbers lost in a row */
	ns_t gap;			     /* longest time between two arrivals */
	ns_t gap_from, gap_to;
	ns_t dark; /* longest_run's span: from the first lost to the next sent one that came */
	ns_t latency_max; /* between leaving and coming */
};

void stream_tx_start(
	struct stream_tx *t, ns_t now, uint16_t id, uint32_t per_s, size_t size, uint32_t limit);
void stream_tx_stop(struct stream_tx *t);
/* If one is due, write its payload (t->size octets) to out, note it, and return the size; else 0.
 */
size_t stream_tx_due(struct stream_tx *t, ns_t now, uint8_t *out, size_t cap);
void stream_tx_free(struct stream_tx *t);

/* True if the payload is of a stream; fills id and number. */
bool stream_is(const uint8_t *payload, size_t len, uint16_t *id, uint32_t *number);
void stream_rx_note(struct stream_rx *r, ns_t now, uint32_t number);
void stream_rx_free(struct stream_rx *r);

/*
 * What became of the packets that left in [from, to): pass 0 and NS_NEVER for all. Let the last
 * ones arrive before asking. r may be NULL: nothing came.
 */
void stream_judge(const struct stream_tx *t, const struct stream_rx *r, ns_t from, ns_t to,
	struct stream_result *out);

#endif
