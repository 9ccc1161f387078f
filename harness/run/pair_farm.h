/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_RUN_PAIR_FARM_H
#define BATON_RUN_PAIR_FARM_H

/*
 * Many peers in the place of the one: each with an address, keys and a protected host of its own,
 * behind a router at 172.16.31.200. Peer n is 172.20.x.y and protects the one address 10.64.x.y;
 * Phase 1 goes by group 19, so that a thousand are up in seconds.
 */
#include "harness/peer/farm.h"
#include "harness/run/pair.h"

/* What the pair must be told for it: give it to pair_up. */
extern const struct lab_text pair_farm_knobs;

/* Takes the peer's port; w->peer hears nothing from then on. Freed at the end of the case. */
struct farm *pair_farm(struct world *w, size_t cnt);

#endif
