/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_SYS_BATCH_H
#define BATON_SYS_BATCH_H

/*
 * Packets that leave together: what the node sends while the loop drains its sockets is kept, in order,
 * and given to the kernel in one system call. The packets are copied. They are for one socket: another
 * one's send first what is there, so that nothing overtakes.
 *
 * Who owns the batch sends it before anything else is done whose order matters, and before it sleeps.
 * What the kernel does not take is dropped, as it was when each packet was sent by itself, and counted by
 * its reason; the packets behind it still go.
 */
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

#include "ref/base/ip4.h"

#define BATCH_MAX 64
#define BATCH_ROOM 131072 /* octets of all packets; at least one of the longest */

enum batch_drop {
	BATCH_NO_ROOM,	/* EAGAIN, ENOBUFS, ENOMEM: the way out is full */
	BATCH_NO_ROUTE, /* ENETUNREACH, EHOSTUNREACH */
	BATCH_DOWN,	/* ENETDOWN, ENXIO, ENODEV, EBADF: there is no way out */
	BATCH_TOO_LONG, /* EMSGSIZE, or longer than the room */
	BATCH_REFUSED,	/* else: EPERM, EINVAL */
	BATCH_DROPS
};
extern const char *const batch_drop_names[BATCH_DROPS];

struct batch {
	int (*send)(int fd, struct mmsghdr *m, unsigned cnt, int flags); /* sendmmsg */
	int fd;
	unsigned cnt;
	size_t used;
	struct mmsghdr msg[BATCH_MAX];
	struct iovec iov[BATCH_MAX];
	struct sockaddr_in to[BATCH_MAX];
	uint64_t sent, calls;
	uint64_t dropped[BATCH_DROPS];
	uint8_t b[BATCH_ROOM];
};

void batch_init(struct batch *b);
/* A packet for dst, out of the raw IP socket fd (-1: counted as down). Sends what is there if need be. */
void batch_add(struct batch *b, int fd, ip4_t dst, const uint8_t *packet, size_t len);
void batch_send(struct batch *b);
/* All drops together. */
uint64_t batch_dropped(const struct batch *b);
void batch_counts_clear(struct batch *b);

#endif
