/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_RUN_WORLD_H
#define BATON_RUN_WORLD_H

/*
 * The usual world of a case: the lab with both members, the peer outside, the host inside.
 *
 *	struct world w;
 *	world_open(&w, c, NULL, NULL);
 *	peer_initiate(w.peer, lab_now(w.lab));
 *
 * Peer and host are freed at the end of the case by themselves; struct world is a plain copy of
 * the pointers, and may go out of scope.
 */
#include "harness/peer/host.h"
#include "harness/peer/natbox.h"
#include "harness/peer/peer.h"
#include "harness/run/case.h"

struct world {
	struct case_run *c;
	struct lab *lab;
	struct peer *peer;
	struct host *host;
	struct natbox *nat; /* NULL: the peer is on the segment itself */
};

/* The standard peer: 172.16.31.200, towards the virtual address, 10.2.0.0/24 behind it; to be
 * changed before world_open. */
struct peer_cfg world_peer_cfg(void);
struct host_cfg world_host_cfg(void);

/* Open the lab, attach peer (standard if cfg is NULL) and host; start A, then B. */
void world_open(struct world *w, struct case_run *c, const struct lab_text *knobs,
	const struct peer_cfg *cfg);
/* The same with no member started. */
void world_open_cold(struct world *w, struct case_run *c, const struct lab_text *knobs,
	const struct peer_cfg *cfg);
/*
 * The same with a NAT between peer and segment: the NAT has the peer's place outside (172.16.31.200),
 * the peer is 192.168.77.2 behind it. Of `nat` all but the interfaces counts. cfg, if not NULL, is as
 * for world_open: its own interface is overwritten. NAT traversal is switched on.
 */
#define WORLD_NAT_INNER IP4(192, 168, 77, 2)
void world_open_nat_cold(struct world *w, struct case_run *c, const struct lab_text *knobs,
	const struct peer_cfg *cfg, const struct natbox_cfg *nat);
/* Peer and host for a lab that is not a case's (baton lab); *w must stay where it is until
 * world_detach. False: out of memory. */
bool world_attach(struct world *w, struct lab *lab, struct keyring *ring,
	const struct peer_cfg *cfg, uint64_t seed);
void world_detach(struct world *w);

#endif
