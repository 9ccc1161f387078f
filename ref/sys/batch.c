/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "ref/sys/batch.h"

const char *const batch_drop_names[BATCH_DROPS] = {
	[BATCH_NO_ROOM] = "send-no-room",
	[BATCH_NO_ROUTE] = "send-no-route",
	[BATCH_DOWN] = "send-interface-down",
	[BATCH_TOO_LONG] = "send-too-long",
	[BATCH_REFUSED] = "send-refused",
};

static enum batch_drop
reason(int e)
{
	switch (e) {
	case EAGAIN:
	case ENOBUFS:
	case ENOMEM:
		return BATCH_NO_ROOM;
	case ENETUNREACH:
	case EHOSTUNREACH:
		return BATCH_NO_ROUTE;
	case ENETDOWN:
	case ENXIO:
	case ENODEV:
	case EBADF:
		return BATCH_DOWN;
	case EMSGSIZE:
		return BATCH_TOO_LONG;
	default:
		return BATCH_REFUSED;
	}
}

void
batch_init(struct batch *b)
{
	memset(b, 0, sizeof *b);
	b->send = sendmmsg;
	b->fd = -1;
	for (unsigned i = 0; i < BATCH_MAX; i++) {
		b->to[i].sin_family = AF_INET;
		b->msg[i].msg_hdr = (struct msghdr){.msg_name = &b->to[i],
			.msg_namelen = sizeof b->to[i],
			.msg_iov = &b->iov[i],
			.msg_iovlen = 1};
	}
}

void
batch_add(struct batch *b, int fd, ip4_t dst, const uint8_t *packet, size_t len)
{
	if (fd < 0 || len > sizeof b->b) {
		b->dropped[fd < 0 ? BATCH_DOWN : BATCH_TOO_LONG]++;
		return;
	}
	if (b->cnt == BATCH_MAX || (b->cnt && fd != b->fd) || len > sizeof b->b - b->used)
		batch_send(b);
	b->fd = fd;
	b->to[b->cnt].sin_addr.s_addr = htonl(dst);
	b->iov[b->cnt] = (struct iovec){b->b + b->used, len};
	memcpy(b->b + b->used, packet, len);
	b->used += len;
	b->cnt++;
}

/*
 * A call that took k packets says nothing of the next one; the call that begins with that one does. An
 * interrupted call is repeated.
 */
void
batch_send(struct batch *b)
{
	unsigned at = 0;

	while (at < b->cnt) {
		int n = b->send(b->fd, b->msg + at, b->cnt - at, MSG_DONTWAIT);

		b->calls++;
		if (n > 0) {
			at += (unsigned)n;
			b->sent += (unsigned)n;
		} else if (n == 0 || errno != EINTR) {
			b->dropped[n == 0 ? BATCH_REFUSED : reason(errno)]++;
			at++;
		}
	}
	b->cnt = 0;
	b->used = 0;
}

uint64_t
batch_dropped(const struct batch *b)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < BATCH_DROPS; i++)
		n += b->dropped[i];
	return n;
}

void
batch_counts_clear(struct batch *b)
{
	memset(b->dropped, 0, sizeof b->dropped);
	b->sent = b->calls = 0;
}
