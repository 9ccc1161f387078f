/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_TRACE_TRACE_H
#define BATON_TRACE_TRACE_H

/*
 * The trace: what was seen, in order. Every frame that arrived at a port of the switch, once, at
 * the port where it came in, with what the switch did with it; and between the frames the events
 * (faults, starts, deaths) that explain them.
 *
 * Frames are numbered from 0 in the order in which the switch handled them. `at` never decreases:
 * it is the kernel's receive stamp (or, for a frame that the harness itself put in, the moment it
 * did), and a stamp older than the frame before it is raised to that one's.
 *
 * The trace owns everything it shows; pointers stay good until trace_free (bytes live in an arena
 * that does not move; the frame records may move at the next trace_add, so keep numbers, not
 * pointers to records). In memory only; trace_write makes a pcapng of it, trace_read takes pcap
 * and pcapng back. It judges nothing and decodes nothing above the capture format.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ref/base/time.h"

#define TRACE_PORTS 16
#define TRACE_NONE SIZE_MAX /* "no frame" */
#define TRACE_ERR 192	    /* bytes of an error text */

/* Who sits at a port, and on which segment. A file that was not made by Baton has WHO_OTHER. */
enum trace_who { WHO_OTHER, WHO_A, WHO_B, WHO_PEER, WHO_HOST, WHO_PROBE };
enum trace_segment { SEG_OUTSIDE, SEG_INSIDE, SEG_SYNC, SEG_CNT };

struct trace_port {
	const char *name; /* "A.eth0"; copied */
	enum trace_who who;
	enum trace_segment segment;
};

/* What became of a frame, beside the set of ports in `to`. Bits. */
enum {
	FATE_FLOODED = 1,   /* went to every port of its side of the segment */
	FATE_LOST = 2,	    /* dropped here by a loss fault: no port, or not all, got it */
	FATE_INJECTED = 4,  /* put in by the case itself (lab_inject) */
	FATE_PARTED = 8,    /* a partition kept it from a port that would have had it */
	FATE_UNPLUGGED = 16, /* its only destination had no cable or no power */
	FATE_DELAYED = 32,   /* a disturbance made it wait */
	FATE_CORRUPTED = 64, /* what came out had other bytes: no port got this frame */
	FATE_COPIED = 128    /* it came out twice */
};

struct frame {
	ns_t at; /* CLOCK_MONOTONIC in a live trace; CLOCK_REALTIME in one read from a file */
	const uint8_t *bytes;
	uint32_t len;
	uint8_t port; /* where it came in */
	uint8_t fate; /* FATE_ bits */
	uint16_t to;  /* bit n: port n got it */
	const char *comment; /* NULL, or why it mattered */
};

enum trace_event_kind {
	EVENT_START,	 /* a member's process was started (restart and power on too) */
	EVENT_STOP,	 /* a member was asked to end (SIGTERM: the planned resign) */
	EVENT_EXIT,	 /* its process ended without being asked */
	EVENT_CRASH,	 /* SIGKILL of its process; its kernel lives on */
	EVENT_POWER_OFF, /* nothing of it crosses any port from here on */
	EVENT_CABLE_OUT, /* port */
	EVENT_CABLE_IN,	 /* port */
	EVENT_PARTITION, /* segment; `value`: the ports on the far side, as bits */
	EVENT_HEAL,	 /* segment */
	EVENT_LOSS,	 /* port; `value`: parts in a million, 0 = none again */
	EVENT_DELAY,	 /* port; `value`: the largest delay, microseconds; 0 = none again */
	EVENT_COPY,	 /* port; the same */
	EVENT_REORDER,	 /* port; the same */
	EVENT_CORRUPT,	 /* port; `value`: 1, 0 = none again */
	EVENT_SLOW,	 /* port; `value`: octets a second, 0 = as before */
	EVENT_STALL,	 /* port; `value`: 1, 0 = it runs again */
	EVENT_MARK,	 /* a case's own mark */
	EVENT_ROUTE_ADD, /* who: a protected prefix got into its kernel; `value`, `prefix_len` */
	EVENT_ROUTE_DEL, /* the same, and it went */
	EVENT_CNT
};

struct trace_event {
	ns_t at;
	size_t before; /* number of frames that had been handled: it lies before frame[before] */
	enum trace_event_kind kind;
	enum trace_who who;	    /* START to POWER_OFF, ROUTE_; of the port: CABLE_, LOSS */
	uint8_t port;		    /* CABLE_, LOSS to STALL */
	enum trace_segment segment; /* PARTITION, HEAL; of the port: CABLE_, LOSS */
	uint32_t value;
	uint8_t prefix_len; /* ROUTE_: `value` is the network, host order */
	const char *text; /* the sentence for people; copied by trace_event_add */
};

struct trace;

/* ports is copied; at most TRACE_PORTS. NULL if memory is out. */
struct trace *trace_new(const struct trace_port *ports, size_t cnt);
void trace_free(struct trace *t);

size_t trace_ports(const struct trace *t);
const struct trace_port *trace_port(const struct trace *t, size_t port);

/* Add a frame (bytes copied); its number. Memory out: the process aborts, for a trace with a gap
 * is worse than none. */
size_t trace_add(struct trace *t, ns_t at, size_t port, const void *bytes, size_t len);
void trace_fate(struct trace *t, size_t no, unsigned fate, unsigned to); /* ORs both in */
/* A comment for a frame (copied); a second one is put behind the first. */
void trace_comment(struct trace *t, size_t no, const char *text);

size_t trace_len(const struct trace *t);
const struct frame *trace_frame(const struct trace *t, size_t no); /* no < trace_len: asserted */

void trace_event_add(struct trace *t, const struct trace_event *e); /* sets .before itself */
size_t trace_events(const struct trace *t);
const struct trace_event *trace_event(const struct trace *t, size_t i);
/* The word for a kind: "power off", "cable out", ... */
const char *trace_event_name(enum trace_event_kind k);

/* The first frame with a number >= from that fits every wish set; TRACE_NONE if none does. */
struct trace_want {
	uint16_t ports;	 /* bits; 0 = any port */
	uint8_t from_who; /* an enum trace_who; 0 = anyone */
	ns_t after;	 /* at >= after; 0 = any */
	ns_t before;	 /* at < before; 0 = any */
	bool (*fits)(const struct frame *f, void *ctx); /* NULL = any */
	void *ctx;
};
size_t trace_next(const struct trace *t, size_t from, const struct trace_want *w);
size_t trace_last(const struct trace *t, const struct trace_want *w);
size_t trace_count(const struct trace *t, const struct trace_want *w);

/* TLS key log lines for Wireshark, to be written as a Decryption Secrets Block. Appended, copied. */
void trace_secrets(struct trace *t, const char *text);

/* What has been said so; "" if nothing was. Borrowed until the next trace_secrets. */
const char *trace_tls_keys(const struct trace *t);

/* A line about the whole trace that goes into its file and comes back: "<key> <text>", one line,
 * copied. trace_noted: the text of the first one with that key (one word), or NULL; borrowed. */
void trace_note(struct trace *t, const char *text);
const char *trace_noted(const struct trace *t, const char *key);

/*
 * Write a pcapng: an interface per port with its name, nanosecond stamps; comments at frames; an
 * event becomes a comment at the frame before it. `epoch` is added to each stamp
 * (CLOCK_REALTIME - CLOCK_MONOTONIC). False and a text in err (TRACE_ERR bytes).
 */
bool trace_write(const struct trace *t, const char *path, ns_t epoch, char *err);

/*
 * Read pcap or pcapng ("-": standard input), Ethernet only. A file that trace_write made gives the
 * same trace again (its ports with who sits there, fates, events, notes, secrets), but for times,
 * which count from the epoch. In any other one all ports are WHO_OTHER, named as the file names its
 * interfaces, or "capture". Cut frames are kept as they are, and counted in *cut (may be NULL). NULL
 * and a text in err: what is wrong somewhere is refused as a whole (capture.h reads up to there), and
 * so are more than TRACE_PORTS interfaces.
 */
struct trace *trace_read(const char *path, size_t *cut, char *err);
/*
 * The frames and events with from <= at < until, as a new trace that the caller frees; ports, notes and
 * secrets are kept. If a frame was left out, it has the note "cut". NULL if memory is out.
 */
struct trace *trace_cut(const struct trace *t, ns_t from, ns_t until);

/* True if it came from a file that trace_write made. */
bool trace_is_ours(const struct trace *t);

#endif
