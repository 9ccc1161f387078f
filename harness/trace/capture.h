/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_TRACE_CAPTURE_H
#define BATON_TRACE_CAPTURE_H

/*
 * A capture file, one frame after the other: pcap (either byte order, micro- and nanoseconds) and
 * pcapng (either byte order, many sections and interfaces, each with its own clock), from a path
 * or from standard input ("-").
 *
 *	struct capture *c = capture_open(path, err);
 *	while ((got = capture_next(c, &f)) == 1)
 *		look(&f);
 *	if (got < 0)
 *		complain(capture_error(c));
 *	capture_close(c);
 *
 * Memory is bounded whatever the file says: one block (CAPTURE_BLOCK_MAX), the names of
 * CAPTURE_PORTS interfaces, CAPTURE_SECRETS_MAX octets of secrets. Room is taken as octets arrive,
 * never because a length asks for it. What is beyond a bound is refused with its offset; a block of
 * another kind is passed over, whatever its size.
 *
 * A file that breaks off, or is wrong somewhere, yields the frames before that place; then
 * capture_next says -1 and capture_error names the file, the frame, the offset in the file, what was
 * found and what was expected. It stays so.
 *
 * It does not: write, reorder by time, unpack compressed files, decode what is in a frame. Name
 * resolution, statistics and custom blocks are passed over. Formats: the pcap and pcapng drafts of
 * the IETF's opsawg (draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng).
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "ref/base/time.h"

#define CAPTURE_ERR 192		     /* octets of an error text; as TRACE_ERR */
#define CAPTURE_FRAME_MAX 262144     /* octets of a frame; libpcap's own bound */
#define CAPTURE_BLOCK_MAX (4u << 20) /* octets of a pcapng block that is read */
#define CAPTURE_SECRETS_MAX (4u << 20)
#define CAPTURE_PORTS 4096 /* interfaces, over all sections */

struct capture;

struct capture_frame {
	uint64_t no;	      /* from 1, as Wireshark counts */
	ns_t at;	      /* since the epoch, as the file says: it may go backwards */
	const uint8_t *bytes; /* borrowed until the next call */
	uint32_t len;	      /* octets that are here */
	uint32_t wire_len;    /* octets that were on the line; at least len */
	uint16_t port;	      /* interface, from 0; over all sections */
	uint16_t link; /* LINKTYPE_ number: 1 Ethernet, 101 raw IP, 113 and 276 Linux cooked */
	const char *comment;  /* NULL, or its comments, one a line; borrowed until the next call */
	bool has_id;
	uint64_t id; /* option epb_packetid, if it has one */
};

/* NULL and a text in err (CAPTURE_ERR octets) if it cannot be read or begins as no capture does. */
struct capture *capture_open(const char *path, char *err);
/* The same over a stream that the caller opened and closes; name is copied, for errors. */
struct capture *capture_stream(FILE *from, const char *name, char *err);
void capture_close(struct capture *c);

/* 1: a frame; 0: the end; -1: see capture_error. Time of a Simple Packet Block, which has none: that
 * of the frame before. */
int capture_next(struct capture *c, struct capture_frame *f);
const char *capture_error(const struct capture *c); /* "" if nothing is wrong */

/* Interfaces read so far, and the name (if_name) of one: NULL if it has none. Borrowed. */
unsigned capture_ports(const struct capture *c);
const char *capture_port(const struct capture *c, unsigned port);
/* TLS key log lines of all Decryption Secrets Blocks read so far; "" if none. Borrowed until the
 * next call of capture_next. */
const char *capture_secrets(const struct capture *c);
/* Comments of the sections read so far, one a line; "" if none. Borrowed as the secrets are. */
const char *capture_comment(const struct capture *c);

/* Control characters in names and comments (but the line's end) are replaced by '?', so that a
 * file cannot speak to a terminal. */

#endif
