/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_STORY_STORY_H
#define BATON_STORY_STORY_H

/*
 * The story of a capture that somebody else took: what happened, in order, and which laws the
 * capture can decide. Frame by frame, with tables of fixed size, so that a capture of any length is
 * read in the same memory; what a table had to give up is counted and said.
 *
 *	struct story *s = story_new(&in);
 *	while (... a frame ...)
 *		story_frame(s, file, &frame, port_name);
 *	story_end(s);			tells the last events
 *	n = story_laws(s, results);	and then all the summaries
 *	story_free(s);
 *
 * Who is who comes from the capture: members are those who send HSRP; the pair is their virtual
 * address; a packet's sender is known by a member's own MAC or address, and what bears the virtual
 * MAC comes from the one that is Active. In a capture of Baton's own the ports say it.
 *
 * It does not: put fragments together (the first one counts as the packet, and is not opened), read
 * HSRP version 2 or IPv6, follow an SSP connection whose SYN is not there. It judges no instant
 * nearer than STORY_MARGIN.
 */
#include "harness/judge/judge.h"
#include "harness/keys/keyring.h"
#include "harness/trace/capture.h"

/* Bounds. Beyond them the entry that was quiet longest goes, and is counted in story_lost. */
#define STORY_GROUPS 64
#define STORY_SPEAKERS 16 /* of a group */
#define STORY_IKE 256	  /* phase 1 */
#define STORY_EXCHANGES 512
#define STORY_ESP 1024	  /* streams */
#define STORY_WINDOW 2048 /* numbers of a stream whose octets are remembered */
#define STORY_SSP 16	  /* connections */
#define STORY_SEGMENTS 64 /* interfaces, over all files */
#define STORY_OPENED 20000 /* IKE messages that are opened */
#define STORY_TEXT 240
#define STORY_MARGIN (200 * NS_PER_MS)

struct story;

struct story_event {
	ns_t at;
	uint64_t frame; /* from 1, in its file */
	unsigned file;	/* from 0 */
	const char *kind; /* a literal: "hsrp.active" */
	char text[STORY_TEXT];
};

typedef void story_tell(void *ctx, const struct story_event *e);

struct story_in {
	struct keyring *keys; /* borrowed; NULL if there are none */
	bool details;	  /* tell each message, gap and Advertise */
	bool ours;	  /* Baton's own: ports are named after the members, times are known */
	ns_t hello, hold; /* if ours; 0: as the Hellos announce */
	story_tell *tell; /* events come in the order of their time */
	void *ctx;
};

struct story *story_new(const struct story_in *in); /* *in is copied */
void story_free(struct story *s);
/* port_name may be NULL. Frames of several files come in the order of their time. */
void story_frame(struct story *s, unsigned file, const struct capture_frame *f,
	const char *port_name);
void story_end(struct story *s);

/* ---- after the end ---- */

struct story_esp { /* an ESP stream: all that went to one address under one SPI */
	ip4_t src, dst;
	uint32_t spi;
	bool natt;
	uint32_t first, last, highest; /* numbers */
	uint64_t first_frame, last_frame;
	ns_t first_at, last_at;
	uint64_t packets, same, different, reordered, old, cut, opened, spoilt;
	uint64_t missing; /* numbers between first and highest that were never seen */
	uint32_t largest_jump;
	ns_t longest_gap, gap_at;
	unsigned senders; /* times that another member went on sending */
	uint32_t life_s;  /* as its Quick Mode said, if that was opened; 0 unknown */
};
size_t story_esp_count(const struct story *s);
const struct story_esp *story_esp_nth(const struct story *s, size_t n);

struct story_sum {
	uint64_t frames, malformed, cut, twice, backwards, fragments, ip6;
	uint64_t hsrp, arp, isakmp, esp, ssp, other;
	uint64_t lost_esp, lost_ike, lost_exchanges, lost_groups, lost_ssp, lost_segments,
		lost_opened;
	ns_t first, last;
	const char *bad;     /* the most frequent field that was malformed; NULL none */
	uint64_t bad_frames; /* how often */
};
const struct story_sum *story_sums(const struct story *s);

/* One result a law (law 5 gives two); at most LAWS_MAX. `frame` counts from 0, as in judge.h. */
size_t story_laws(struct story *s, struct law_result *out);

#endif
