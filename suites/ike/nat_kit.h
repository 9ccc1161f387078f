/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_SUITES_NAT_KIT_H
#define BATON_SUITES_NAT_KIT_H

/* What the cases of NAT traversal share: the NATs, a router behind one, and what leaves A's outside
 * port. */
#include "suites/ike/ike_kit.h"

/* Before the peer; and before the pair, which the peer knows by the address that the NAT gives,
 * with a configuration that keeps its mapping open. */
extern const struct natbox_cfg nat_kit_plain, nat_kit_pair;
extern const struct lab_text nat_kit_keeps_mapping;
struct peer_cfg nat_kit_peer_of_natted(void);
/* A peer that knows RFC 3947. */
struct peer_cfg nat_kit_knowing_peer(void);

/* A alone with a NAT in the way, active in both groups. False: inconclusive. */
bool nat_kit_alone(struct world *w, struct case_run *c, const struct lab_text *knobs,
	const struct peer_cfg *cfg, const struct natbox_cfg *nat);

/* For trace_want.fits, and frames of a port since then that fit. */
bool nat_kit_is_raw_esp(const struct frame *f, void *ctx);
bool nat_kit_is_udp_esp(const struct frame *f, void *ctx);
bool nat_kit_is_keepalive(const struct frame *f, void *ctx);
size_t nat_kit_seen(struct world *w, enum lab_port port, ns_t after,
	bool (*fits)(const struct frame *, void *));
/* All ESP of A since then is in UDP from port 4500 to that port, without a checksum. */
bool nat_kit_expect_in_udp(struct world *w, ns_t after, uint16_t to);
/* Of the peer's port 4500, as the NAT has it. */
uint16_t nat_kit_outer_port(const struct world *w);

#endif
