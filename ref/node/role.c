/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the states of the groups to the role, and what a change of it does. Order matters at a
 * promotion: counters first, then SAs, then routes, so that nothing leaves with an old number.
 */
#include <string.h>

#include "ref/node/node_in.h"

static enum node_role
role_now(const struct node *n)
{
	unsigned counted = 0, active = 0, standby = 0;

	for (unsigned i = 0; i < n->group_cnt; i++) {
		if (!n->group[i].counts)
			continue;
		counted++;
		active += n->group[i].hsrp.state == HSRP_ACTIVE;
		standby += n->group[i].hsrp.state == HSRP_STANDBY;
	}
	if (!counted)
		return n->group_cnt ? NODE_NEITHER : NODE_ACTIVE;
	if (active == counted || (active && !n->rules->groups_together))
		return NODE_ACTIVE;
	return standby == counted ? NODE_STANDBY : NODE_NEITHER;
}

static void
routes_role(struct node *n, bool active)
{
	struct rri_in in = {.kind = RRI_IN_ROLE, .on = active};

	rri_step(&n->rri, n->now, &in, &n->rri_acts);
	node_emit_routes(n);
}

/* What we have sent, so that an heir can go above it; kept until he is known to have heard it. */
static struct node_tombstone *
tombstone(struct node *n, const struct ssp_spis *s)
{
	for (unsigned i = 0; i < n->tombstone_cnt; i++)
		if (!memcmp(&n->tombstone[i].spis, s, sizeof *s))
			return &n->tombstone[i];
	if (n->tombstone_cnt == NODE_TOMBSTONES) {
		n->count[NODE_CNT_TABLE_FULL]++;
		return NULL;
	}
	n->tombstone[n->tombstone_cnt] = (struct node_tombstone){.spis = *s};
	return &n->tombstone[n->tombstone_cnt++];
}

void
role_bury(struct node *n, const struct node_pair *p)
{
	struct ssp_spis s = pairs_spis(p);
	struct node_tombstone *t;

	if (p->dormant || !resv_highest(&p->resv))
		return;
	t = tombstone(n, &s);
	if (t && resv_highest(&p->resv) > t->highest)
		t->highest = resv_highest(&p->resv);
}

static void
tombstones_write(struct node *n)
{
	for (unsigned i = 0; i < n->pair_cnt; i++)
		if (n->pair[i].used)
			role_bury(n, &n->pair[i]);
}

/* Someone else is active: our live SAs are his now. No Delete: the peer must not notice. */
static void
drop_live(struct node *n)
{
	struct ike_in in = {.kind = IKE_IN_CLEAR};

	tombstones_write(n);
	if (n->rules->delete_on_demotion) {
		for (unsigned i = 0; i < n->ike_cnt; i++) {
			struct ike_in del = {
				.kind = IKE_IN_DELETE_SA, .send = true, .children = true};

			del.cookies = n->ike[i].cookies;
			if (n->ike[i].used && !n->ike[i].dormant)
				keying_step(n, &del);
		}
	}
	keying_step(n, &in);
	for (unsigned i = 0; i < n->pair_cnt; i++)
		if (n->pair[i].used && !n->pair[i].dormant)
			pairs_drop(n, &n->pair[i]);
	for (unsigned i = 0; i < n->ike_cnt; i++)
		if (n->ike[i].used && !n->ike[i].dormant)
			keying_drop(n, &n->ike[i]);
	memset(n->hold, 0, n->hold_end * sizeof n->hold[0]);
	n->hold_end = 0;
	n->waiting_cnt = 0;
	n->mirrored = false;
}

/*
 * Does the channel tell that the other member has not been active since we were suspended? It does
 * if it has been up since before that, and is not silent; and not if the other one has SAs that it
 * used, for it was active then, unheard.
 */
static bool
vouched(const struct node *n, ns_t since)
{
	const struct ssp *s = &n->ssp;

	return !n->ssp_cfg || (ssp_other_done(&n->ssp) && s->up && s->since <= since &&
				      n->now - s->last_heard <= 2 * s->keepalive);
}

/*
 * May it have been? It must have been active in all groups: so not if one was ours throughout, unless
 * we hear that the other one is active in some, which may be a group's other half, too.
 */
static bool
in_doubt(const struct node *n, ns_t since)
{
	bool ours = false, heard = false;

	for (unsigned i = 0; i < n->group_cnt; i++) {
		const struct hsrp *h = &n->group[i].hsrp;

		if (!n->group[i].counts)
			continue;
		ours = ours || (h->state == HSRP_ACTIVE && h->since <= since);
		heard = heard || h->active_heard > since + h->hello / 2; /* no late one */
	}
	return (heard || !ours) && !vouched(n, since);
}

static void
doubt(struct node *n)
{
	struct resv_in in = {.kind = RESV_IN_DOUBT};

	for (unsigned i = 0; i < n->pair_cnt; i++)
		if (n->pair[i].used && !n->pair[i].dormant)
			pairs_resv(n, &n->pair[i], &in);
}

static void
promote(struct node *n, ns_t since)
{
	struct ike_in in = {.kind = IKE_IN_ACTIVATE};

	n->count[NODE_CNT_PROMOTIONS]++;
	n->live = true;
	n->other_unsure = false;
	n->keying_at = n->pairs_at = n->now; /* what was suspended may be due */
	keying_step(n, &in);
	keying_release(n, 0, true); /* held when we were suspended */
	if (in_doubt(n, since))
		doubt(n);
	copies_promote(n);
	if (ssp_other_done(&n->ssp))
		sync_met(n); /* it was met while we were suspended */
	routes_role(n, true);
}

static void
demote(struct node *n)
{
	n->count[NODE_CNT_DEMOTIONS]++;
	n->live = false;
	n->count[NODE_CNT_NOT_ACTIVE] += n->waiting_cnt; /* an acknowledgement may come yet */
	n->waiting_cnt = 0;
	sync_state_highest(n); /* before the role is told: nothing leaves any more */
	routes_role(n, false);
	if (n->role == NODE_STANDBY && n->rules->drop_on_demotion)
		drop_live(n);
}

void
role_settle(struct node *n)
{
	enum node_role role = role_now(n), was = n->role;
	struct node_act a = {.kind = NODE_ACT_NOTE};
	ns_t since = n->role_since;

	if (role == was) {
		groups_synced(n);
		return;
	}
	n->role = role;
	n->role_since = n->now;
	node_trace(n, NODE_DEBUG_SSP_REDUNDANCY, "ssp redundancy", node_role_name(role), n->vip,
		n->ssp.epoch);
	a.note = (struct node_note){.area = "role",
		.what = "change",
		.from = node_role_name(was),
		.to = node_role_name(role)};
	node_emit(n, &a);
	if (was == NODE_ACTIVE && role != NODE_ACTIVE)
		demote(n);
	else if (role == NODE_STANDBY && was == NODE_NEITHER && n->rules->drop_on_demotion)
		drop_live(n); /* suspended until now */
	if (role == NODE_ACTIVE)
		promote(n, since); /* before the bulk that telling the role may begin */
	sync_role(n);
	if (role == NODE_ACTIVE)
		n->promoted_epoch = n->ssp.epoch;
	if (n->ssp.peer_role == SSP_ROLE_ACTIVE)
		role_other_active(n);
	groups_synced(n);
}

void
role_other_active(struct node *n)
{
	/* That it was active when we became it is why. What it has said since it knows of that counts:
	 * its epoch tells (what was said before may come late). */
	n->other_unsure = n->role == NODE_NEITHER && n->ssp.heard_epoch < n->promoted_epoch;
	if (n->other_unsure)
		return;
	if (n->role != NODE_ACTIVE && n->rules->drop_on_demotion)
		drop_live(n);
	sync_role(n); /* what was suspended is gone: we take copies */
}
