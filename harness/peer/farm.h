/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_PEER_FARM_H
#define BATON_PEER_FARM_H

/*
 * Many peers behind one port: each with an address, SAs and a protected host of its own, all with
 * one MAC address. They may sit behind a router with an address on the segment, which answers ARP
 * and is the device's next hop: a kernel's table of neighbours has some thousand places, for all
 * its namespaces together. A frame finds its peer by a hash of the address; the next deadline lies
 * on top of a heap. So a thousand cost what the packets cost.
 *
 * Pure, as a peer is. A peer takes some 50 kB once it has a tunnel and has sent a little; what it
 * does not use of its tables (half a MB) is never touched.
 */
#include "harness/peer/peer.h"

struct farm;

/* Fill in the cfg of peer n; all must have the same MAC and different addresses. */
typedef void farm_plan(void *ctx, size_t n, struct peer_cfg *cfg);

/* router (may be NULL: every peer is on the segment itself) is copied; ring (may be NULL), send and
 * ctx are borrowed. */
struct farm *farm_new(size_t cnt, farm_plan *plan, void *plan_ctx, const struct netif_cfg *router,
	uint64_t seed, struct keyring *ring, netif_send *send, void *ctx);
void farm_free(struct farm *f);
void farm_frame(struct farm *f, ns_t now, const uint8_t *frame, size_t len);
void farm_tick(struct farm *f, ns_t now);
ns_t farm_deadline(const struct farm *f);

/* The tunnels of all, one after the other: so many under way at once. */
void farm_bring_up(struct farm *f, ns_t now, size_t window);
/* An echo request from every protected host to dst, one each `apart`; peers without a pair send
 * none, nor negotiate. */
void farm_ping(struct farm *f, ns_t now, ip4_t dst, ns_t apart);

size_t farm_cnt(const struct farm *f);
/* Borrowed. After an operation on it (peer_initiate, ...) call farm_touch. */
struct peer *farm_peer(struct farm *f, size_t n);
void farm_touch(struct farm *f, size_t n);

/* Kept as things happen, so that they may be asked after every frame: peers with an IKE SA and a
 * pair; peers that pinged in the last round and have no answer; whether all have had their turn. */
size_t farm_up(const struct farm *f);
size_t farm_silent(const struct farm *f);
bool farm_pinged(const struct farm *f);

struct farm_sum {
	size_t up;
	uint64_t phase1_up, phase2_up, ike_refused, ike_retransmits, given_up;
	uint64_t esp_out, esp_in, replays, bad_icv, unknown_spi, deletes_in;
	uint64_t pings, replies;
};
/* All books, added up: slow. */
struct farm_sum farm_sum(const struct farm *f);

#endif
