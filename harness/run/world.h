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
#include "harness/peer/peer.h"
#include "harness/run/case.h"

struct world {
	struct case_run *c;
	struct lab *lab;
	struct peer *peer;
	struct host *host;
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
/* Peer and host for a lab that is not a case's (baton lab); *w must stay where it is until
 * world_detach. False: out of memory. */
bool world_attach(struct world *w, struct lab *lab, struct keyring *ring,
	const struct peer_cfg *cfg, uint64_t seed);
void world_detach(struct world *w);

#endif
