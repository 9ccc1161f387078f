/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_SUITES_FRR_KIT_H
#define BATON_SUITES_FRR_KIT_H

/*
 * The pair in a network that routes by OSPF (FRR): zebra and ospfd on both members' machines,
 *beside the router, and on a core router inside. The members redistribute what RRI puts into their
 *kernels; the host behind the core sends all it has to the core, not to the virtual address.
 *
 *	outside                      inside 10.0.0.0/24
 *	peer .200 ---+--- A .1  OSPF ---+--- core .99  OSPF
 *	             +--- B .2  OSPF ---+--- host .50, by way of .99
 *
 * OSPF has to notice a dead neighbour before HSRP moves the role: else the core would know two ways
 *for a while, one of them dead. OSPF's least dead interval is 1 s (hellos each 200 ms here), so
 *HSRP runs at hello 500 ms, hold 2000 ms: the earliest promotion is 1.5 s after the last hello.
 */
#include "harness/lab/guest.h"
#include "harness/run/pair.h"

#define FRR_KIT_CORE PORT_PROBE_IN
#define FRR_KIT_HELLO (500 * NS_PER_MS)
#define FRR_KIT_HOLD (2000 * NS_PER_MS)
#define FRR_KIT_SETTLE (1500 * NS_PER_MS) /* for the core to follow, on a busy machine */

struct frr {
	struct world w;
	struct guest *core, *member[LAB_MEMBERS];
};

/* Pair and routing up, adjacencies complete, no tunnel. False: the case is over. */
bool frr_kit_up(struct frr *f, struct case_run *c, const struct lab_text *knobs);
/* That, a tunnel, B ready, and the core routing by A. */
bool frr_kit_carry(struct frr *f, struct case_run *c);

/* How many ways the core has to the prefix behind the peer, and the first of them. */
unsigned frr_kit_ways(const struct frr *f, ip4_t *way);
/* Wait until it has exactly that one (0: none); as an expectation, or as a precondition. */
bool frr_kit_await(struct frr *f, ip4_t way, ns_t limit);
bool frr_kit_reach(struct frr *f, ip4_t way, ns_t limit);
/* When the core last changed to exactly that way, at or after `from`; NS_NEVER if it did not. */
ns_t frr_kit_when(const struct frr *f, ip4_t way, ns_t from);
/* For how long, since `from`, it had more than one way. */
ns_t frr_kit_beside(const struct frr *f, ns_t from);
/* The programs live, and no way but A's and B's was ever there. */
bool frr_kit_sound(struct frr *f);

#endif
