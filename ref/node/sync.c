/* SPDX-License-Identifier: BSD-2-Clause */
/* The SSP session: what its actions mean for what is live here. The records themselves: sync_out.c. */
#include <string.h>

#include "ref/node/node_in.h"

static void
bulk(struct node *n)
{
	struct ssp_in done = {.kind = SSP_IN_BULK_DONE};

	for (unsigned i = 0; i < n->ike_cnt; i++) {
		struct node_ike *k = &n->ike[i];
		const struct ike_sa *sa = k->used ? ike_sa_find(&n->ike_core, &k->cookies) : NULL;

		if (!sa)
			continue;
		ike_export(&n->ike_core, sa, n->now, &k->copy);
		done.count += sync_ike(n, k) != 0;
	}
	for (unsigned i = 0; i < n->pair_cnt; i++) {
		struct node_pair *p = &n->pair[i];

		if (p->used && !p->dormant) {
			p->ask_cnt = 0;
			p->copied = false;
			done.count += sync_pair(n, p) != 0;
		}
	}
	sync_step(n, &done);
}

/* Acknowledged: reservations grow, what was held may leave. */
static void
acked(struct node *n, uint32_t number)
{
	for (unsigned i = 0; i < n->pair_cnt; i++) {
		struct node_pair *p = &n->pair[i];
		struct resv_in in = {.kind = RESV_IN_ACK};
		unsigned k = 0;

		if (!p->used || p->dormant)
			continue;
		while (k < p->ask_cnt && p->ask[k].number <= number)
			in.number = p->ask[k++].upto;
		if (!k)
			continue;
		p->ask_cnt -= k;
		memmove(p->ask, p->ask + k, p->ask_cnt * sizeof p->ask[0]);
		pairs_resv(n, p, &in);
		traffic_flush(n, i);
	}
	keying_release(n, number, false);
}

static void
each_pair(struct node *n, const struct resv_in *in)
{
	for (unsigned i = 0; i < n->pair_cnt; i++)
		if (n->pair[i].used && !n->pair[i].dormant)
			pairs_resv(n, &n->pair[i], in);
}

static void
lost(struct node *n, const struct ssp_act *a)
{
	const struct resv_in in = {.kind = RESV_IN_LOST, .at = a->at};

	node_note(n, "ssp", "channel lost", n->ssp_cfg ? n->ssp_cfg->remote : 0, a->reason);
	n->mirrored = false;
	n->told_at = NS_NEVER;
	for (unsigned i = 0; i < n->pair_cnt; i++)
		n->pair[i].ask_cnt = 0;
	each_pair(n, &in);
	keying_release(n, 0, true);
}

void
sync_met(struct node *n)
{
	for (unsigned i = 0; i < n->pair_cnt; i++) {
		struct node_pair *p = &n->pair[i];
		struct resv_in above = {.kind = RESV_IN_ABOVE, .number = p->peer_highest};
		struct resv_in in = {.kind = RESV_IN_MET};

		if (!p->used || p->dormant)
			continue;
		if (p->peer_highest)
			pairs_resv(n, p, &above);
		p->peer_highest = 0;
		pairs_resv(n, p, &in);
	}
}

static void
highest_in(struct node *n, const struct ssp_msg *m)
{
	struct node_pair *p = pairs_by_spis(n, &m->spis);

	if (!p || p->dormant)
		return;
	if (m->reserve > p->peer_highest)
		p->peer_highest = m->reserve;
	if (ssp_other_done(&n->ssp))
		sync_met(n);
}

static void carry_out(struct node *n, struct ssp_acts *acts);

static void
apply(struct node *n, struct ssp_acts *acts)
{
	struct ssp_in in = {.kind = SSP_IN_APPLIED};
	struct ssp_acts after = {.more = acts->more};

	node_trace(n, NODE_DEBUG_SSP_PACKET, "ssp receive", ssp_type_name(acts->msg.type),
		n->ssp_cfg ? n->ssp_cfg->remote : 0, acts->msg.number);
	sync_trace(n, &acts->msg, "ha recorded");
	in.result = copies_apply(n, &acts->msg);
	ssp_msg_wipe(&acts->msg);
	ssp_step(&n->ssp, n->now, &in, &after);
	carry_out(n, &after);
}

static void
trace_fsm(struct node *n, const struct ssp_act *a)
{
	static const char *const names[] = {
		[SSP_ACT_CLOSE] = "close",
		[SSP_ACT_BULK] = "bulk sync begins",
		[SSP_ACT_SWEEP] = "bulk sync arrives",
		[SSP_ACT_LOST] = "lost",
		[SSP_ACT_REFUSED] = "refused",
		[SSP_ACT_MET] = "met",
		[SSP_ACT_STATE_HIGHEST] = "states its numbers",
		[SSP_ACT_READY] = "ready",
		[SSP_ACT_MIRRORED] = "mirrored",
	};

	if ((size_t)a->kind < sizeof names / sizeof names[0] && names[a->kind])
		node_trace(n, NODE_DEBUG_SSP_FSM, "ssp fsm", names[a->kind],
			n->ssp_cfg ? n->ssp_cfg->remote : 0, a->on);
}

static void
act(struct node *n, struct ssp_acts *acts, const struct ssp_act *a)
{
	const struct resv_in refused = {.kind = RESV_IN_REFUSED};

	trace_fsm(n, a);
	switch (a->kind) {
	case SSP_ACT_SEND:
		sync_send(n, acts->buf + a->off, a->len);
		break;
	case SSP_ACT_CLOSE:
		node_emit_bytes(n, NODE_ACT_SSP_CLOSE, 0, NULL, 0);
		break;
	case SSP_ACT_BULK:
		bulk(n);
		break;
	case SSP_ACT_APPLY:
		apply(n, acts);
		break;
	case SSP_ACT_SWEEP:
		copies_sweep(n, a->on);
		break;
	case SSP_ACT_ACKED:
		acked(n, a->number);
		break;
	case SSP_ACT_LOST:
		lost(n, a);
		break;
	case SSP_ACT_REFUSED:
		each_pair(n, &refused);
		keying_release(n, 0, true);
		break;
	case SSP_ACT_MET:
		sync_met(n);
		break;
	case SSP_ACT_HIGHEST:
		highest_in(n, &acts->msg);
		ssp_msg_wipe(&acts->msg);
		break;
	case SSP_ACT_STATE_HIGHEST:
		sync_state_highest(n);
		break;
	case SSP_ACT_READY:
		n->ready = a->on;
		node_note(n, "ssp", a->on ? "ready" : "not ready", n->ssp_cfg->remote, 0);
		groups_synced(n);
		break;
	case SSP_ACT_MIRRORED:
		n->mirrored = a->on;
		node_note(n, "ssp", a->on ? "standby is ready" : "standby is not ready",
			n->ssp_cfg->remote, 0);
		break;
	}
}

/* All that is numbered leaves before anything else can be: a nested step would number on. */
static void
carry_out(struct node *n, struct ssp_acts *acts)
{
	for (unsigned i = 0; i < acts->cnt; i++)
		if (acts->v[i].kind == SSP_ACT_SEND)
			act(n, acts, &acts->v[i]);
	for (unsigned i = 0; i < acts->cnt; i++)
		if (acts->v[i].kind != SSP_ACT_SEND)
			act(n, acts, &acts->v[i]);
	wipe(acts->buf, acts->used);
}

static bool
step_once(struct node *n, const struct ssp_in *in)
{
	struct ssp_acts acts; /* not shared: an action may lead to another step */
	enum ssp_role before = n->ssp.peer_role;

	ssp_step(&n->ssp, n->now, in, &acts);
	carry_out(n, &acts);
	if (n->tombstone_cnt && n->told_at != NS_NEVER && n->ssp.proven > n->told_at)
		n->tombstone_cnt =
			0; /* the winner has read past them: it echoes what was said later */
	if (n->ssp.peer_role != before)
		node_trace(n, NODE_DEBUG_SSP_PEERS, "ssp peer is",
			ssp_role_name(n->ssp.peer_role),
			n->ssp_cfg ? n->ssp_cfg->remote : 0, n->ssp.epoch);
	if (n->ssp.peer_role == SSP_ROLE_ACTIVE &&
		(n->ssp.peer_role != before ||
			(n->other_unsure && n->ssp.heard_epoch >= n->promoted_epoch)))
		role_other_active(n);
	return acts.more;
}

void
sync_step(struct node *n, const struct ssp_in *in)
{
	(void)step_once(n, in);
}

void
sync_bytes(struct node *n, const uint8_t *b, size_t len)
{
	struct ssp_in in = {.kind = SSP_IN_BYTES, .bytes = b, .len = len};

	while (step_once(n, &in))
		in = (struct ssp_in){.kind = SSP_IN_NEXT};
}

/* Neither, with SAs that it has not given up. */
static bool
suspended(const struct node *n)
{
	if (n->role != NODE_NEITHER || !n->rules->suspended_copies)
		return false;
	for (unsigned i = 0; i < n->pair_cnt; i++)
		if (n->pair[i].used && !n->pair[i].dormant)
			return true;
	for (unsigned i = 0; i < n->ike_cnt; i++)
		if (n->ike[i].used && !n->ike[i].dormant)
			return true;
	return false;
}

void
sync_role(struct node *n)
{
	static const enum ssp_role role[] = {
		[NODE_NEITHER] = SSP_ROLE_NEITHER,
		[NODE_ACTIVE] = SSP_ROLE_ACTIVE,
		[NODE_STANDBY] = SSP_ROLE_STANDBY,
	};
	struct ssp_in in = {.kind = SSP_IN_ROLE,
		.role = suspended(n) ? SSP_ROLE_SUSPENDED : role[n->role]};

	if (n->ssp_cfg)
		sync_step(n, &in);
}
