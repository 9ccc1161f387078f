/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "ref/sys/port.h"

/* Since Linux 6.2. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif
#define TUN_QUEUE 2000 /* packets between the kernel and us: some milliseconds */

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

/* See port_open: what the kernel need not copy for us. */
static int
filter(int fd)
{
	static const struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (__u32)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_HOST, 0, 2),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_ARP, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog prog = {sizeof code / sizeof code[0], (struct sock_filter *)(uintptr_t)code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog);
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
		setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) < 0 || filter(fd) < 0 ||
		setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promisc, sizeof promisc) < 0 ||
		bind(fd, (struct sockaddr *)&a, sizeof a) < 0)
		return fail(fd);
	(void)setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
	return fd;
}

void
port_frames_init(struct port_frames *f)
{
	for (unsigned i = 0; i < PORT_FRAMES; i++) {
		f->iov[i][0] = (struct iovec){&f->h[i], sizeof f->h[i]};
		f->iov[i][1] = (struct iovec){f->b[i], sizeof f->b[i]};
		f->msg[i].msg_hdr = (struct msghdr){
			.msg_iov = f->iov[i], .msg_iovlen = 2, .msg_control = f->control[i]};
	}
}

/*
 * The kernel stamps with the wall clock: carried over to the monotonic one, never into the future.
 * Both clocks were read after the frame was taken.
 */
static ns_t
stamp(struct msghdr *h, ns_t now, ns_t wall)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		struct timespec t;
		ns_t age;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&t, CMSG_DATA(c), sizeof t);
		age = wall - (ns_from_s(t.tv_sec) + t.tv_nsec);
		return age > 0 && age < NS_PER_S * 10 ? now - age : now;
	}
	return now;
}

int
port_receive(int fd, struct port_frames *f, unsigned max)
{
	unsigned want = max < PORT_FRAMES ? max : PORT_FRAMES;
	ns_t now, wall;
	int n;

	for (unsigned i = 0; i < want; i++)
		f->msg[i].msg_hdr.msg_controllen = sizeof f->control[i];
	f->cnt = 0;
	n = recvmmsg(fd, f->msg, want, MSG_DONTWAIT, NULL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR || errno == ENETDOWN ? 0 : -1;
	now = port_now();
	wall = clock_ns(CLOCK_REALTIME);
	for (int i = 0; i < n; i++) {
		size_t len = f->msg[i].msg_len;

		f->len[i] = len > sizeof f->h[i] ? len - sizeof f->h[i] : 0;
		f->at[i] = stamp(&f->msg[i].msg_hdr, now, wall);
	}
	f->cnt = (unsigned)n;
	return n;
}

int
port_send(int fd, const uint8_t *frame, size_t len)
{
	struct virtio_net_hdr none = {0};
	struct iovec v[2] = {{&none, sizeof none}, {(void *)(uintptr_t)frame, len}};
	const struct msghdr h = {.msg_iov = v, .msg_iovlen = 2};

	return sendmsg(fd, &h, MSG_DONTWAIT) == (ssize_t)(sizeof none + len) ? 0 : -1;
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

static int
tun_device(int fd, const char *name, bool *udp)
{
	struct ifreq r;

	memset(&r, 0, sizeof r);
	(void)strncpy(r.ifr_name, name, sizeof r.ifr_name - 1);
	r.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
	if (ioctl(fd, TUNSETIFF, &r) < 0)
		return -1;
	*udp = ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_USO4 | TUN_F_USO6) == 0;
	return *udp ? 0 : ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4);
}

int
port_tun_open(const char *name, unsigned mtu, unsigned *ifindex, bool *udp)
{
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), s;
	struct ifreq r;

	if (fd < 0 || tun_device(fd, name, udp) < 0)
		return fail(fd);
	s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		return fail(fd);
	memset(&r, 0, sizeof r);
	(void)strncpy(r.ifr_name, name, sizeof r.ifr_name - 1);
	r.ifr_qlen = TUN_QUEUE;
	(void)ioctl(s, SIOCSIFTXQLEN, &r);
	r.ifr_mtu = (int)mtu;
	if (ioctl(s, SIOCSIFMTU, &r) < 0 || ioctl(s, SIOCGIFINDEX, &r) < 0) {
		(void)close(s);
		return fail(fd);
	}
	*ifindex = (unsigned)r.ifr_ifindex;
	(void)close(s);
	return fd;
}

long
port_tun_read(int fd, struct virtio_net_hdr *h, uint8_t *buf, size_t cap)
{
	struct iovec v[2] = {{h, sizeof *h}, {buf, cap}};
	ssize_t n = readv(fd, v, 2);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	return n > (ssize_t)sizeof *h ? n - (ssize_t)sizeof *h : 0;
}

int
port_tun_write(int fd, const struct virtio_net_hdr *h, const uint8_t *packet, size_t len)
{
	struct iovec v[2] = {{(void *)(uintptr_t)h, sizeof *h}, {(void *)(uintptr_t)packet, len}};

	return writev(fd, v, 2) == (ssize_t)(sizeof *h + len) ? 0 : -1;
}
