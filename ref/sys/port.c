/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "ref/sys/port.h"

static ns_t
clock_ns(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t);
	return ns_from_s(t.tv_sec) + t.tv_nsec;
}

ns_t
port_now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static int
fail(int fd)
{
	int e = errno;

	if (fd >= 0)
		(void)close(fd);
	errno = e;
	return -1;
}

static int
hardware(int fd, const char *name, struct mac *mac, unsigned *ifindex)
{
	struct ifreq r;

	memset(&r, 0, sizeof r);
	(void)strncpy(r.ifr_name, name, sizeof r.ifr_name - 1);
	if (ioctl(fd, SIOCGIFINDEX, &r) < 0)
		return -1;
	*ifindex = (unsigned)r.ifr_ifindex;
	if (ioctl(fd, SIOCGIFHWADDR, &r) < 0)
		return -1;
	memcpy(mac->b, r.ifr_hwaddr.sa_data, sizeof mac->b);
	return 0;
}

int
port_open(const char *name, struct mac *mac, unsigned *ifindex)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1, room = 4 << 20;
	struct sockaddr_ll a = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	struct packet_mreq promisc = {.mr_type = PACKET_MR_PROMISC};

	if (fd < 0 || hardware(fd, name, mac, ifindex) < 0)
		return fail(fd);
	a.sll_ifindex = promisc.mr_ifindex = (int)*ifindex;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
	if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) < 0 ||
		setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promisc, sizeof promisc) < 0 ||
		bind(fd, (struct sockaddr *)&a, sizeof a) < 0)
		return fail(fd);
	(void)setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
	return fd;
}

/* The kernel stamps with the wall clock: carried over to the monotonic one, never into the future.
 */
static ns_t
stamp(struct msghdr *h)
{
	ns_t now = port_now();

	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		struct timespec t;
		ns_t age;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&t, CMSG_DATA(c), sizeof t);
		age = clock_ns(CLOCK_REALTIME) - (ns_from_s(t.tv_sec) + t.tv_nsec);
		return age > 0 && age < NS_PER_S * 10 ? now - age : now;
	}
	return now;
}

long
port_receive(int fd, uint8_t *buf, size_t cap, ns_t *at)
{
	char control[128];
	struct sockaddr_ll from;
	struct iovec v = {buf, cap};
	struct msghdr h = {
		.msg_name = &from, .msg_iov = &v, .msg_iovlen = 1, .msg_control = control};
	ssize_t n;

	do {
		h.msg_namelen = sizeof from;
		h.msg_controllen = sizeof control;
		n = recvmsg(fd, &h, MSG_DONTWAIT);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR || errno == ENETDOWN ? 0 : -1;
	} while (from.sll_pkttype == PACKET_OUTGOING);
	*at = stamp(&h);
	return n;
}

int
port_send(int fd, const uint8_t *frame, size_t len)
{
	return send(fd, frame, len, MSG_DONTWAIT) == (ssize_t)len ? 0 : -1;
}

int
port_raw_open(const char *name)
{
	int fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_RAW);
	int mark = PORT_MARK, room = 1 << 20;

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
	if (setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name) + 1) < 0)
		return fail(fd);
	return fd;
}

int
port_raw_send(int fd, ip4_t dst, const uint8_t *packet, size_t len)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(dst)}};

	return sendto(fd, packet, len, MSG_DONTWAIT, (struct sockaddr *)&a, sizeof a) ==
			       (ssize_t)len
		       ? 0
		       : -1;
}

int
port_tun_open(const char *name, unsigned mtu, unsigned *ifindex)
{
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), s;
	struct ifreq r;

	memset(&r, 0, sizeof r);
	(void)strncpy(r.ifr_name, name, sizeof r.ifr_name - 1);
	r.ifr_flags = IFF_TUN | IFF_NO_PI;
	if (fd < 0 || ioctl(fd, TUNSETIFF, &r) < 0)
		return fail(fd);
	s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		return fail(fd);
	r.ifr_mtu = (int)mtu;
	if (ioctl(s, SIOCSIFMTU, &r) < 0 || ioctl(s, SIOCGIFINDEX, &r) < 0) {
		(void)close(s);
		return fail(fd);
	}
	*ifindex = (unsigned)r.ifr_ifindex;
	(void)close(s);
	return fd;
}
