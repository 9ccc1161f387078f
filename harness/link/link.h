/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_LINK_LINK_H
#define BATON_LINK_LINK_H

/*
 * A link: whole Ethernet frames in and out of one network interface, or of memory.
 *
 * An interface is read by libpcap (immediate mode, nanosecond stamps, promiscuous, incoming frames
 * only, so that what we send does not come back) and written by libnet. Nothing blocks: link_fd is
 * for epoll, link_next says when nothing is there. The capture buffer is LINK_BUFFER bytes; what
 * it could not hold is counted by link_dropped, and whoever judges must find that it is 0.
 *
 * Stamps are on CLOCK_REALTIME, as the kernel gives them; the caller knows its own clock.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ref/base/time.h"

#define LINK_BUFFER (16 * 1024 * 1024) /* bytes */
#define LINK_FRAME_MAX 2048	       /* bytes; a longer frame is cut and refused */
#define LINK_ERR 192		       /* bytes of an error text */

struct link; /* owned by whoever opened it, until link_close */

/* A frame as it was received. `bytes` is borrowed until the next link_next or link_close. */
struct link_frame {
	ns_t at; /* CLOCK_REALTIME */
	const uint8_t *bytes;
	size_t len;
};

/* Open an interface that is up. NULL and a text in err (LINK_ERR bytes) if it cannot be. */
struct link *link_open(const char *ifname, char *err);

/*
 * A link that lives in memory: what is sent on one end of the pair is received on the other, in
 * order, stamped with the `at` of link_send_at. It has no descriptor (link_fd is -1). Each end is
 * closed by its owner; an end whose partner is closed drops what it sends.
 */
bool link_pair(struct link *ends[2]);

void link_close(struct link *l); /* NULL is allowed */
int link_fd(const struct link *l);

/* 1 and *f filled; 0 when nothing is there now; -1 when the interface is gone or down. */
int link_next(struct link *l, struct link_frame *f);

/* Send one frame (at most LINK_FRAME_MAX bytes, copied). False if the kernel took it not. */
bool link_send(struct link *l, const void *bytes, size_t len);
/* The same, with the stamp that a link in memory shall give it. */
bool link_send_at(struct link *l, const void *bytes, size_t len, ns_t at);

/* Frames that came but found the buffer full, or were cut, since link_open. */
uint64_t link_dropped(struct link *l);

/*
 * Turn checksum and segmentation offloads off on an interface of the calling thread's network
 * namespace: over veth they leave frames without checksums and larger than the MTU. False and a
 * text in err if the interface is not there.
 */
bool link_plain(const char *ifname, char *err);

#endif
