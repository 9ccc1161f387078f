/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_SYS_PORT_H
#define BATON_SYS_PORT_H

/*
 * A router's way to its wires: a packet socket on each interface (promiscuous, since virtual MACs are nobody's
 * address), a raw IP socket for what the kernel shall route, and a TUN device between the kernel's forwarding and
 * the tunnels. All descriptors are non-blocking and closed on exec. Everything dies with the process: no
 * address, MAC or interface of ours is left behind.
 */
#include "ref/base/ip4.h"
#include "ref/base/time.h"

#define PORT_MARK 0xba70 /* of packets that we route ourselves: rules let them pass */

/* Open the packet socket of an interface; *mac and *ifindex are filled. -1 with errno. */
int port_open(const char *name, struct mac *mac, unsigned *ifindex);
/*
 * Receive one frame: length, 0 if none is waiting, -1 with errno. Frames that we sent ourselves are
 * passed over. *at: when the kernel took it, on the monotonic clock.
 */
long port_receive(int fd, uint8_t *buf, size_t cap, ns_t *at);
/* Send a whole frame on the interface. 0 or -1 with errno. */
int port_send(int fd, const uint8_t *frame, size_t len);

/* A raw socket that takes whole IPv4 packets; bound to the interface. -1 with errno. */
int port_raw_open(const char *name);
int port_raw_send(int fd, ip4_t dst, const uint8_t *packet, size_t len);

/* Make the TUN device `name` and set its MTU. -1 with errno. */
int port_tun_open(const char *name, unsigned mtu, unsigned *ifindex);

/* CLOCK_MONOTONIC, now. */
ns_t port_now(void);

#endif
