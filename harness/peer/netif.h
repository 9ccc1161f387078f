/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_PEER_NETIF_H
#define BATON_PEER_NETIF_H

/*
 * One Ethernet interface of a simulated end: an address, ARP (asks, answers, caches, honours
 * gratuitous ARP: RFC 826, RFC 5227 4), IPv4 out with fragmentation, in with reassembly (RFC 791).
 * Pure: time is an argument; output goes to a callback. Allocates nothing.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ref/base/ip4.h"
#include "ref/base/time.h"

#define NETIF_ARP_MAX 16
#define NETIF_QUEUE 16 /* packets that wait for an address */
#define NETIF_PACKET_MAX 4096
#define NETIF_REASM_MAX 8 /* packets under reassembly */

typedef void netif_send(void *ctx, ns_t now, const uint8_t *frame, size_t len);

struct netif_cfg {
	struct mac mac;
	ip4_t addr;
	uint8_t prefix_len;
	ip4_t gateway;	   /* 0: none */
	uint16_t mtu;	   /* 0: 1500 */
	ns_t arp_retry;	   /* 0: 200 ms */
	uint8_t arp_tries; /* 0: 5; then waiting packets are dropped */
	ns_t arp_life;	   /* 0: 60 s */
	bool router;	   /* takes packets for any address */
};

struct netif_counters {
	uint64_t frames_in, frames_out, frames_bad;
	uint64_t arp_requests_in, arp_replies_in, arp_garp_in, arp_requests_out, arp_replies_out;
	uint64_t arp_changes; /* an address moved to another MAC */
	uint64_t unresolved;  /* packets dropped because nobody answered */
	uint64_t queue_full, reasm_timeout, reasm_bad, frags_in, frags_out, too_big;
};

struct netif_arp {
	ip4_t addr;
	struct mac mac;
	bool known;
	ns_t expires; /* known: until then */
	ns_t retry;   /* not known: ask again then */
	uint8_t tries;
	ns_t changed; /* when the MAC was learned or last changed */
};

struct netif_wait {
	uint16_t len;
	uint8_t bytes[NETIF_PACKET_MAX];
};

struct netif_reasm {
	bool used;
	ip4_t src, dst;
	uint16_t id;
	uint8_t proto;
	ns_t expires;
	uint32_t have, total; /* octets of payload; total 0 while unknown */
	uint8_t head[60];
	uint8_t head_len;
	uint8_t map[NETIF_PACKET_MAX / 64]; /* a bit for each 8 octets */
	uint8_t bytes[NETIF_PACKET_MAX];
};

struct netif {
	struct netif_cfg cfg;
	netif_send *send;
	void *ctx;
	uint16_t ip_id;
	struct netif_arp arp[NETIF_ARP_MAX];
	ip4_t wait_hop[NETIF_QUEUE]; /* to whom; 0: free */
	struct netif_wait wait[NETIF_QUEUE];
	struct netif_reasm reasm[NETIF_REASM_MAX];
	size_t reasm_cnt; /* used ones */
	uint8_t whole[NETIF_PACKET_MAX + 60]; /* the packet just put together */
	struct netif_counters n;
};

/* *i is zeroed memory: most of it is not touched before it is needed. */
void netif_init(struct netif *i, const struct netif_cfg *cfg, netif_send *send, void *ctx);
/*
 * A frame came. Returns the whole IPv4 packet for this address, to be handled by the caller
 * (borrowed until the next call), or NULL (ARP, a fragment, not for us).
 */
const uint8_t *netif_frame(
	struct netif *i, ns_t now, const uint8_t *frame, size_t len, size_t *ip_len);
/* Send an IPv4 packet (whole, valid); fragmented if larger than the MTU and DF is clear. */
void netif_ip(struct netif *i, ns_t now, const uint8_t *ip, size_t len);
/* The same to that neighbour, for who routes by himself. */
void netif_ip_to(struct netif *i, ns_t now, ip4_t hop, const uint8_t *ip, size_t len);
/* Send bytes as they are. */
void netif_raw(struct netif *i, ns_t now, const uint8_t *frame, size_t len);
void netif_tick(struct netif *i, ns_t now);
ns_t netif_deadline(const struct netif *i);
uint16_t netif_next_id(struct netif *i);
/* The MAC known for an address; NULL if none. */
const struct netif_arp *netif_lookup(const struct netif *i, ip4_t addr);
/* Forget all addresses learned. */
void netif_flush(struct netif *i);
/* As it was before netif_init: nothing learned, nothing that waits, nothing counted. */
void netif_forget(struct netif *i);

#endif
