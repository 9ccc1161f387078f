/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_SYS_PORT_H
#define BATON_SYS_PORT_H

/*
 * A router's way to its wires: a packet socket on each interface (promiscuous, since virtual MACs are nobody's
 * address), a raw IP socket for what the kernel shall route, and a TUN device between the kernel's forwarding and
 * the tunnels. All descriptors are non-blocking and closed on exec. Everything dies with the process: no
 * address, MAC or interface of ours is left behind.
 */
#include <linux/virtio_net.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "ref/base/ip4.h"
#include "ref/base/time.h"

#define PORT_MARK 0xba70 /* of packets that we route ourselves: rules let them pass */

/* Frames that were received together, and what the kernel left undone on each (offload.h). */
#define PORT_FRAMES 64
#define PORT_FRAME_MAX 65600
struct port_frames {
	unsigned cnt;
	ns_t at[PORT_FRAMES]; /* when the kernel took it, on the monotonic clock */
	struct virtio_net_hdr h[PORT_FRAMES];
	size_t len[PORT_FRAMES];
	struct mmsghdr msg[PORT_FRAMES];
	struct iovec iov[PORT_FRAMES][2];
	_Alignas(8) uint8_t control[PORT_FRAMES][64];
	uint8_t b[PORT_FRAMES][PORT_FRAME_MAX];
};

/*
 * Open the packet socket of an interface; *mac and *ifindex are filled. -1 with errno. It does not get
 * what we sent ourselves, nor, but for ARP, what is addressed to the interface's own MAC: that is the
 * kernel's.
 */
int port_open(const char *name, struct mac *mac, unsigned *ifindex);
void port_frames_init(struct port_frames *f);
/* Receive up to max frames: how many, 0 if none is waiting, -1 with errno (one was lost). */
int port_receive(int fd, struct port_frames *f, unsigned max);
/* Send a whole frame on the interface. 0 or -1 with errno. */
int port_send(int fd, const uint8_t *frame, size_t len);

/* A raw socket that takes whole IPv4 packets (batch.h); bound to the interface. -1 with errno. */
int port_raw_open(const char *name);

/*
 * Make the TUN device `name` and set its MTU. *udp: the kernel knows trains of UDP (those of TCP it
 * always does). -1 with errno.
 */
int port_tun_open(const char *name, unsigned mtu, unsigned *ifindex, bool *udp);
/* One packet or train: its length, 0 if none is waiting, -1 with errno. */
long port_tun_read(int fd, struct virtio_net_hdr *h, uint8_t *buf, size_t cap);
int port_tun_write(int fd, const struct virtio_net_hdr *h, const uint8_t *packet, size_t len);

/* CLOCK_MONOTONIC, now. */
ns_t port_now(void);

#endif
