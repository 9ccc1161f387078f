/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An IKE SA as the standby keeps it: taken out of one core, put into another. Exchanges under way
 * are not carried; the peer repeats its message or starts anew.
 */
#include <string.h>

#include "ref/core/ike_int.h"

void
ike_import(struct ike_ctx *c, const struct ike_export *x)
{
	struct ike_sa *sa = ike_sa_by_cookies(c->k, x->cookies.i, x->cookies.r);

	if (sa)
		ike_sa_wipe(c->k, sa);
	sa = ike_sa_new(c);
	if (!sa) {
		ike_note(c, IKE_R_TABLE_FULL, x->remote, NULL);
		return;
	}
	*sa = (struct ike_sa){
		.used = true,
		.visible = true,
		.imported = true,
		.up = x->confirmed,
		.confirmed = x->confirmed,
		.initiator = x->initiator,
		.dpd = x->dpd,
		.natt = x->natt & IKE_NATT_BITS,
		.cookies = x->cookies,
		.local = x->local,
		.remote = x->remote,
		.cipher = x->cipher,
		.key_bits = x->key_bits,
		.hash = x->hash,
		.group = x->group,
		.lifetime_s = x->left_s,
		.skeyid_d = x->skeyid_d,
		.skeyid_a = x->skeyid_a,
		.skeyid_e = x->skeyid_e,
		.key = x->key,
		.peer_id_type = x->peer_id_type,
		.peer_id_len = x->peer_id_len,
		.created = c->now,
		.hard_at = c->now + ns_from_s(x->left_s),
		.msgid_cnt = x->msgid_cnt < IKE_MSGIDS ? x->msgid_cnt : IKE_MSGIDS,
	};
	ike_sa_named(c->k, sa);
	memcpy(sa->last_block, x->last_block, sizeof(sa->last_block));
	memcpy(sa->peer_id, x->peer_id, sizeof(sa->peer_id));
	memcpy(sa->msgid, x->msgid, sizeof(sa->msgid));
	sa->dies_at = sa->rekey_at = NS_NEVER;
	ike_rekey_plan(c->k, sa);
	/* Nobody can finish a Main Mode whose secrets died with the other member. */
	if (!sa->confirmed)
		sa->hard_at = ns_min(sa->hard_at, c->now + c->k->rules->half_open_time);
	ike_sa_due(c->k, sa);
	ike_know(c->k, x->remote.addr);
	if (sa->confirmed)
		ike_rekey_up(c, sa);
}

void
ike_forget(struct ike_ctx *c, const struct ike_cookies *cookies)
{
	struct ike_sa *sa = ike_sa_by_cookies(c->k, cookies->i, cookies->r);

	if (!sa)
		return;
	sa->visible = false; /* so that its end says nothing to the standby */
	ike_sa_end(c, sa, IKE_R_CLEARED);
}

static uint32_t
left_s(const struct ike_sa *sa, ns_t now)
{
	if (sa->hard_at == NS_NEVER)
		return sa->lifetime_s;
	return now >= sa->hard_at ? 0 : (uint32_t)((sa->hard_at - now) / NS_PER_S);
}

void
ike_remap(struct ike *k, const unsigned *to, unsigned cnt)
{
	for (unsigned i = 0; i < k->child_used; i++) {
		struct ike_child *c = &k->child[i];

		if (c->used && c->map_id >= 1 && c->map_id <= cnt)
			c->map_id = to[c->map_id - 1] + 1;
	}
	for (unsigned i = 0; i < k->xchg_used; i++) {
		struct ike_xchg *x = &k->xchg[i];

		if (x->state < IKE_QM_WAIT || x->map >= cnt)
			continue;
		if (to[x->map] >= k->cfg->map_cnt) {
			ike_xchg_free(k, x);
			continue;
		}
		x->map = to[x->map];
		x->child.map_id = x->child.map_id ? x->map + 1 : 0;
	}
}

void
ike_export(const struct ike *k, const struct ike_sa *sa, ns_t now, struct ike_export *out)
{
	(void)k;
	*out = (struct ike_export){
		.cookies = sa->cookies,
		.initiator = sa->initiator,
		.local = sa->local,
		.remote = sa->remote,
		.cipher = sa->cipher,
		.key_bits = sa->key_bits,
		.hash = sa->hash,
		.group = sa->group,
		.skeyid_d = sa->skeyid_d,
		.skeyid_a = sa->skeyid_a,
		.skeyid_e = sa->skeyid_e,
		.key = sa->key,
		.peer_id_type = sa->peer_id_type,
		.peer_id_len = sa->peer_id_len,
		.dpd = sa->dpd,
		.natt = sa->natt & IKE_NATT_BITS,
		.confirmed = sa->confirmed,
		.left_s = left_s(sa, now),
		.msgid_cnt = sa->msgid_cnt,
	};
	memcpy(out->last_block, sa->last_block, sizeof(out->last_block));
	memcpy(out->peer_id, sa->peer_id, sizeof(out->peer_id));
	memcpy(out->msgid, sa->msgid, sizeof(out->msgid));
}
