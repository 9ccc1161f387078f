/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_PEER_NATBOX_H
#define BATON_PEER_NATBOX_H

/*
 * A NAT (RFC 3022, RFC 4787 as far as UDP goes): an Ethernet interface outside, one inside, and
 * between them a table of mappings for UDP. A case may change a mapping at any time, as a NAT does
 * that was started again or lost its line: a new public port, a new public address, or both.
 *
 *	peer --- inside [ natbox ] outside --- segment
 *
 * It can also translate the far end, so that from the peer's side the other gateway has another
 * address and other ports: then the other gateway is the one behind a NAT.
 *
 * Pure: frames and time go in; frames come out through the callbacks: outside at once, inside with
 * the next natbox_tick, so that nobody is called back from within his own call. Anything but ARP
 * and UDP is dropped, and counted. Mappings are of one inside address and port each, and let
 * anybody in (RFC 4787 5: endpoint-independent).
 */
#include "harness/peer/netif.h"

#define NATBOX_MAPPINGS 64

struct natbox_cfg {
	struct netif_cfg outside; /* MAC, public address, prefix */
	struct netif_cfg inside;  /* its address is the peer's gateway */
	ns_t timeout;		  /* of a mapping on which nothing goes out; 0: none */
	bool keep_ports;	  /* the public port is the inside one: address translation alone */
	/* Not 0: what comes to this public address without a mapping goes to `inner`, its port
	 * kept: a static mapping, by which the other side may begin. */
	ip4_t inner;
	/* The far end: `far` outside is seen as `far_seen` inside; its ports 500 and 4500 as these.
	 * 0: as they are. */
	ip4_t far, far_seen;
	uint16_t far_500, far_4500;
};

struct natbox_counters {
	uint64_t out, in; /* packets translated */
	uint64_t no_mapping, not_udp, filtered, full;
	uint64_t made, expired; /* mappings */
};

struct natbox;

/* cfg is copied; the rest is borrowed. to_outside, to_inside: whole Ethernet frames. */
struct natbox *natbox_new(const struct natbox_cfg *cfg, uint64_t seed, netif_send *to_outside,
	void *outside_ctx, netif_send *to_inside, void *inside_ctx);
void natbox_free(struct natbox *n);
void natbox_from_outside(struct natbox *n, ns_t now, const uint8_t *frame, size_t len);
void natbox_from_inside(struct natbox *n, ns_t now, const uint8_t *frame, size_t len);
void natbox_tick(struct natbox *n, ns_t now);
ns_t natbox_deadline(const struct natbox *n);

/* Forget every mapping: the next packet from inside gets a new public port. */
void natbox_restart(struct natbox *n);
/* Give the inside port (500, 4500) this public port from now on; the old one is closed. */
void natbox_remap(struct natbox *n, ip4_t inner, uint16_t inner_port, uint16_t public_port);
/* Another public address; mappings keep their ports. Announced by gratuitous ARP. */
void natbox_move(struct natbox *n, ns_t now, ip4_t addr);
/* Let nothing through: out of the peer, to the peer. */
void natbox_block(struct natbox *n, bool out, bool in);
/* The public port of that inside port; 0: none. */
uint16_t natbox_public(const struct natbox *n, ip4_t inner, uint16_t inner_port);
ip4_t natbox_addr(const struct natbox *n);
const struct natbox_counters *natbox_counters(const struct natbox *n);

#endif
