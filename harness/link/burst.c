/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fast sending and counting (burst.h), by packet(7): sendmmsg with PACKET_QDISC_BYPASS, recvmmsg
 * with a large buffer.
 */
#include "harness/link/burst.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define SEEN 128 /* octets of a counted frame that are read: none is looked at */
#define CONTROL CMSG_SPACE(sizeof(struct timespec))
#define ROOM_OCTETS 4352 /* of kernel memory that a frame may take */

struct burst {
	int fd;
	struct burst_counters n;
};

struct tally {
	int fd;
	uint64_t frames, octets, lost;
	int64_t first, last; /* stamps, nanoseconds; 0: none yet */
	uint8_t seen[BATCH][SEEN];
	uint8_t control[BATCH][CONTROL];
};

/* A packet socket bound to the interface, or -1 and a text. */
static int
open_socket(const char *ifname, int protocol, char *err)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
		.sll_protocol = htons((uint16_t)protocol),
		.sll_ifindex = (int)if_nametoindex(ifname)};
	int fd = at.sll_ifindex ? socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0) : -1;

	if (fd >= 0 && bind(fd, (const struct sockaddr *)(const void *)&at, sizeof at) == 0)
		return fd;
	snprintf(err, BURST_ERR, "%s: %s", ifname, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

struct burst *
burst_open(const char *ifname, char *err)
{
	int fd = open_socket(ifname, 0, err), one = 1, big = 8 << 20;
	struct burst *b = fd < 0 ? NULL : calloc(1, sizeof *b);

	if (!b) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	b->fd = fd;
	(void)setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &big, sizeof big);
	return b;
}

void
burst_close(struct burst *b)
{
	if (!b)
		return;
	close(b->fd);
	free(b);
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The kernel has no room just now: wait for some; false when that took too long. */
static bool
wait_room(struct burst *b, int64_t *since)
{
	struct pollfd p = {.fd = b->fd, .events = POLLOUT};

	if (!*since)
		*since = now_ms();
	if (now_ms() - *since > BURST_WAIT_MS)
		return false;
	(void)poll(&p, 1, 1);
	return true;
}

bool
burst_send(struct burst *b, const struct burst_frame *frames, size_t cnt)
{
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
	uint64_t refused = b->n.refused;
	int64_t waiting = 0;

	for (size_t at = 0; at < cnt;) {
		unsigned n = cnt - at < BATCH ? (unsigned)(cnt - at) : BATCH;
		int got;

		memset(msgs, 0, n * sizeof msgs[0]);
		for (unsigned i = 0; i < n; i++) {
			iov[i].iov_base = (void *)(uintptr_t)frames[at + i].bytes;
			iov[i].iov_len = frames[at + i].len;
			msgs[i].msg_hdr.msg_iov = &iov[i];
			msgs[i].msg_hdr.msg_iovlen = 1;
		}
		got = sendmmsg(b->fd, msgs, n, 0);
		for (int i = 0; i < got; i++)
			b->n.octets += frames[at + (size_t)i].len;
		if (got > 0) {
			b->n.sent += (uint64_t)got;
			at += (size_t)got;
			waiting = 0;
		} else if (errno == EINTR ||
			   ((errno == ENOBUFS || errno == EAGAIN) && wait_room(b, &waiting))) {
			continue;
		} else {
			b->n.refused++;
			b->n.last_refusal = errno;
			at++;
			waiting = 0;
		}
	}
	return b->n.refused == refused;
}

const struct burst_counters *
burst_counters(const struct burst *b)
{
	return &b->n;
}

/* -- counting -- */

struct tally *
tally_open(const char *ifname, size_t room, char *err)
{
	int fd = open_socket(ifname, ETH_P_ALL, err), one = 1, big;
	size_t want = room * ROOM_OCTETS;
	struct tally *t = fd < 0 ? NULL : calloc(1, sizeof *t);

	big = want < 1 << 30 ? (int)want : 1 << 30;
	if (!t) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	t->fd = fd;
	(void)setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one);
	(void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof big) == 0)
		return t;
	snprintf(err, BURST_ERR, "%s: a buffer of %d octets: %s", ifname, big, strerror(errno));
	tally_close(t);
	return NULL;
}

void
tally_close(struct tally *t)
{
	if (!t)
		return;
	close(t->fd);
	free(t);
}

static void
note_stamp(struct tally *t, struct msghdr *h)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(h);
	struct timespec s;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
		return;
	memcpy(&s, CMSG_DATA(c), sizeof s);
	t->last = s.tv_sec * 1000000000 + s.tv_nsec;
	if (!t->first)
		t->first = t->last;
}

uint64_t
tally_read(struct tally *t, int quiet_ms)
{
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
	struct pollfd p = {.fd = t->fd, .events = POLLIN};

	while (poll(&p, 1, quiet_ms) > 0) {
		int got;

		memset(msgs, 0, sizeof msgs);
		for (int i = 0; i < BATCH; i++) {
			iov[i] = (struct iovec){t->seen[i], SEEN};
			msgs[i].msg_hdr.msg_iov = &iov[i];
			msgs[i].msg_hdr.msg_iovlen = 1;
			msgs[i].msg_hdr.msg_control = t->control[i];
			msgs[i].msg_hdr.msg_controllen = CONTROL;
		}
		got = recvmmsg(t->fd, msgs, BATCH, MSG_DONTWAIT | MSG_TRUNC, NULL);
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			break;
		for (int i = 0; i < got; i++) {
			t->octets += msgs[i].msg_len;
			note_stamp(t, &msgs[i].msg_hdr);
		}
		t->frames += got > 0 ? (uint64_t)got : 0;
	}
	return t->frames;
}

uint64_t
tally_octets(const struct tally *t)
{
	return t->octets;
}

int64_t
tally_span(const struct tally *t)
{
	return t->last - t->first;
}

uint64_t
tally_lost(struct tally *t)
{
	struct tpacket_stats s;
	socklen_t len = sizeof s;

	/* The kernel's counter begins anew with each reading. */
	if (getsockopt(t->fd, SOL_PACKET, PACKET_STATISTICS, &s, &len) == 0)
		t->lost += s.tp_drops;
	return t->lost;
}
