/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The dpd machine of each IKE SA: its actions, and which of several IKE SAs of a peer probes. Write
 * ahead holds for its numbers, too: a probe leaves when the standby has recorded it.
 */
#include <string.h>

#include "ref/node/node_in.h"

static void
dpd_message(struct node *n, const struct node_ike *k, uint16_t notify, uint32_t seq)
{
	struct ike_in in = {
		.kind = IKE_IN_DPD_SEND, .cookies = k->cookies, .notify = notify, .seq = seq};

	keying_step(n, &in);
}

void
probe_leave(struct node *n, struct node_ike *k)
{
	uint32_t seq = k->probe_seq;

	k->probe_held = false;
	k->probe_until = NS_NEVER;
	dpd_message(n, k, ISAKMP_N_R_U_THERE, seq);
	if (k->used)
		probe_feed(n, k, DPD_IN_SENT, seq, NULL);
}

/* Write ahead: the number is recorded by the standby before it leaves. */
static void
probe(struct node *n, struct node_ike *k, uint32_t seq)
{
	k->probe_seq = seq;
	k->probe_number = sync_dpd(n, k);
	if (k->probe_number && n->mirrored && n->rules->write_ahead) {
		k->probe_held = n->probes_held = true;
		k->probe_until = n->now + NODE_HOLD_MAX;
		keying_due(n, k->probe_until);
	} else {
		probe_leave(n, k);
	}
}

/* RFC 3706 5.4: the SAs of this peer go, those of older IKE SAs of his too. */
static void
dead(struct node *n, struct node_ike *k)
{
	const struct ike_sa *sa = ike_sa_find(&n->ike_core, &k->cookies);
	struct ike_end peer = sa ? sa->remote : k->copy.remote;
	struct ike_in in = {.kind = IKE_IN_DELETE_SA, .cookies = k->cookies, .children = true};

	node_note(n, "dpd", "peer is dead", k->peer, 0);
	keying_step(n, &in);
	while ((sa = ike_sa_newest(&n->ike_core, peer)) != NULL) {
		in.cookies = sa->cookies;
		keying_step(n, &in);
	}
}

/* DPD goes with the newest IKE SA of a peer; the others only answer. */
void
probe_newest(struct node *n, struct ike_end peer)
{
	const struct ike_sa *best = ike_sa_newest(&n->ike_core, peer);

	const struct ike_sa *sa = best ? ike_sa_next(&n->ike_core, peer.addr, NULL) : NULL;

	for (; sa; sa = ike_sa_next(&n->ike_core, peer.addr, sa)) {
		struct node_ike *k = keying_find(n, &sa->cookies);

		if (!k || k->dormant || !k->dpd_on ||
			ike_sa_newest(&n->ike_core, sa->remote) != best)
			continue;
		dpd_mode(&k->dpd, sa == best && k->copy.dpd ? n->dpd_cfg.mode : DPD_OFF, n->now);
		keying_due(n, dpd_deadline(&k->dpd));
	}
}

/* A number that is new, or answers ours, is fresh: its sender is where it came from (RFC 3947 7).
 */
static void
dpd_from(struct node *n, const struct node_ike *k, const struct dpd_acts *acts, struct ike_end from)
{
	const struct ike_sa *sa = ike_sa_find(&n->ike_core, &k->cookies);

	if (!sa || !(sa->natt & IKE_NATT_ON) ||
		(sa->natt & IKE_NATT_US && !n->rules->natt_follow_behind))
		return;
	for (unsigned i = 0; i < acts->cnt; i++)
		if (acts->v[i].kind == DPD_ACT_RECV || acts->v[i].kind == DPD_ACT_ALIVE) {
			nat_peer_at(n, sa->remote, from);
			return;
		}
}

void
probe_feed(struct node *n, struct node_ike *k, enum dpd_in_kind kind, uint32_t seq,
	const struct ike_end *from)
{
	const struct dpd_in in = {.kind = kind, .seq = seq};
	struct dpd_acts acts;

	if (!k->dpd_on || k->dormant)
		return;
	dpd_step(&k->dpd, n->now, &in, &acts);
	keying_due(n, dpd_deadline(&k->dpd));
	if (from)
		dpd_from(n, k, &acts, *from);
	for (unsigned i = 0; i < acts.cnt && k->used; i++) {
		switch (acts.v[i].kind) {
		case DPD_ACT_PROBE:
			probe(n, k, acts.v[i].seq);
			break;
		case DPD_ACT_ACK:
			dpd_message(n, k, ISAKMP_N_R_U_THERE_ACK, acts.v[i].seq);
			break;
		case DPD_ACT_RECV:
		case DPD_ACT_ALIVE:
			(void)sync_dpd(n, k);
			break;
		case DPD_ACT_DEAD:
			dead(n, k);
			break;
		}
	}
}

void
keying_dpd_start(struct node *n, struct node_ike *k, const struct dpd_export *x)
{
	struct dpd_cfg cfg = n->dpd_cfg;
	bool capable = k->copy.dpd;

	if (!capable)
		cfg.mode = DPD_OFF;
	if (x)
		dpd_import(&k->dpd, &cfg, &n->rules->dpd, x, n->entropy, n->now);
	else
		dpd_init(&k->dpd, &cfg, &n->rules->dpd, n->entropy, n->now);
	k->dpd_on = true;
	keying_due(n, dpd_deadline(&k->dpd));
}

void
keying_heard(struct node *n, const struct ike_cookies *c)
{
	struct node_ike *k = keying_find(n, c);

	if (k)
		probe_feed(n, k, DPD_IN_HEARD, 0, NULL);
}

void
keying_want(struct node *n, const struct ike_cookies *c)
{
	struct node_ike *k = keying_find(n, c);

	if (k)
		probe_feed(n, k, DPD_IN_WANT, 0, NULL);
}
