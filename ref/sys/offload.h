/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_SYS_OFFLOAD_H
#define BATON_SYS_OFFLOAD_H

/*
 * Trains: one long packet that stands for several of one flow, as the kernel hands them to whoever
 * can take them (struct virtio_net_hdr, on TUN and packet sockets), and takes them. They cost little
 * more than one packet. A train from the kernel is cut into the packets that it stands for, with
 * their checksums; packets for the kernel are coupled into one.
 *
 * The law: what leaves the router is octet for octet what would have left it without trains. So only
 * neighbours of one flow are coupled, all of one length but the last, whose headers differ by what the
 * kernel makes anew (length, checksum, an identification that counts up, TCP's sequence number), and
 * only if their checksums are right: the kernel will write right ones. Order never changes.
 *
 * Pure: bytes in, bytes out. IPv4 with TCP or UDP; all else passes as it is. Not here: IPv6, tunnels
 * in the inner packet.
 */
#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5 /* since Linux 6.2 */
#endif

#define OFFLOAD_MAX 65535   /* octets of a train, from its IPv4 header */
#define OFFLOAD_PIECE 9280  /* of a packet cut from one, with its Ethernet header */
#define OFFLOAD_CARS 64	    /* packets in a train that we couple */

/* A train that is being cut. */
struct offload_cut {
	const uint8_t *bytes; /* borrowed */
	size_t len, at;	      /* at: what is not cut off yet */
	size_t l2, l4, head;  /* offsets: IPv4 header, TCP or UDP, their end */
	size_t size;	      /* payload of a packet; 0: no train, bytes are the packet */
	uint16_t id;
	uint32_t seq;
	uint8_t piece[OFFLOAD_PIECE];
};

/*
 * Begin with what the kernel gave: its header, and the bytes behind it, in which an unfinished checksum
 * is finished. l2: octets before the IPv4 header. False: not to be made sense of.
 */
bool offload_cut_init(struct offload_cut *c, const struct virtio_net_hdr *h, uint8_t *bytes,
	size_t len, size_t l2);
/* The next packet, l2 octets first, good until the next call; NULL: no more. */
const uint8_t *offload_cut_next(struct offload_cut *c, size_t *len);

/* A train that is being coupled. Zero it, then set udp. */
struct offload_train {
	bool udp; /* the kernel takes trains of UDP, too */
	unsigned cnt;
	bool closed; /* nothing may be coupled behind */
	bool sound;  /* the first one's checksum was looked at, and is right */
	size_t len;
	size_t head; /* octets of headers; 0: not of a kind that is coupled */
	size_t size; /* payload of the first */
	struct virtio_net_hdr h;
	uint8_t b[OFFLOAD_MAX];
};

/* Couple the packet (an IPv4 packet) behind; false: it does not fit there, so send the train first.
 * An empty train takes any. */
bool offload_train_add(struct offload_train *t, const uint8_t *packet, size_t len);
/* Make h and b, b's len octets, ready to be written. */
void offload_train_close(struct offload_train *t);
/* Empty again. */
void offload_train_clear(struct offload_train *t);

#endif
