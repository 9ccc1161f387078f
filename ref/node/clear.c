/* SPDX-License-Identifier: BSD-2-Clause */
/* What an operator clears at the console. */
#include <string.h>

#include "ref/node/node_in.h"

static bool
meant(ip4_t peer, ip4_t of)
{
	return !peer || peer == of;
}

/* IKE SAs that are live go with a Delete; their SA pairs live on (RFC 2408 5.15: each for itself). */
static void
ike_live(struct node *n, ip4_t peer)
{
	for (unsigned i = 0; i < n->ike_cnt; i++) {
		struct ike_in in = {
			.kind = IKE_IN_DELETE_SA, .send = n->rules->clear_deletes};

		in.cookies = n->ike[i].cookies;
		if (n->ike[i].used && !n->ike[i].dormant && meant(peer, n->ike[i].peer))
			keying_step(n, &in);
	}
}

static void
pairs_live_or_dormant(struct node *n, ip4_t peer, bool dormant)
{
	for (unsigned i = n->pair_cnt; i-- > 0;) {
		struct node_pair *p = &n->pair[i];

		if (i >= n->pair_cnt || !p->used || p->dormant != dormant ||
			!meant(peer, p->child.remote.addr))
			continue;
		if (dormant || !n->rules->clear_deletes)
			pairs_drop(n, p);
		else
			pairs_delete(n, p, "cleared");
	}
}

static void
counters(struct node *n)
{
	memset(n->count, 0, sizeof n->count);
	memset(n->ike_core.count, 0, sizeof n->ike_core.count);
	memset(n->ssp.count, 0, sizeof n->ssp.count);
	memset(n->frag.count, 0, sizeof n->frag.count);
	for (unsigned i = 0; i < n->group_cnt; i++)
		memset(n->group[i].hsrp.count, 0, sizeof n->group[i].hsrp.count);
}

void
clear_asked(struct node *n, enum node_clear what, ip4_t peer)
{
	switch (what) {
	case NODE_CLEAR_IKE:
		if (n->live)
			ike_live(n, peer);
		break;
	case NODE_CLEAR_SAS:
		if (n->live)
			pairs_live_or_dormant(n, peer, false);
		break;
	case NODE_CLEAR_IKE_COPIES:
		for (unsigned i = 0; i < n->ike_cnt; i++)
			if (n->ike[i].used && n->ike[i].dormant && meant(peer, n->ike[i].peer))
				keying_drop(n, &n->ike[i]);
		break;
	case NODE_CLEAR_SA_COPIES:
		pairs_live_or_dormant(n, peer, true);
		break;
	case NODE_CLEAR_COUNTERS:
		counters(n);
		break;
	}
}
