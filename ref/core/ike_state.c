/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables of the IKE core: finding, making and ending SAs, children and exchanges. Whoever ends
 * something here also ends what hangs on it, and says so by an action.
 */
#include <string.h>

#include "ref/core/ike_int.h"

bool
ike_unfinished(enum ike_state s)
{
	return s != IKE_FREE && s != IKE_MM_DONE && s != IKE_QM_DONE;
}

static bool
is_main(enum ike_state s)
{
	return s >= IKE_MM_I1 && s <= IKE_MM_DONE;
}

static unsigned
most(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

/* ---- exchanges ---- */

struct ike_sa *
ike_xchg_sa(const struct ike *k, const struct ike_xchg *x)
{
	return x->sa == IKE_NO_SA ? NULL : &k->sa[x->sa];
}

void
ike_xchg_free(struct ike *k, struct ike_xchg *x)
{
	ike_xchg_bind(k, x, IKE_NO_SA);
	wipe(x, sizeof(*x));
}

struct ike_xchg *
ike_xchg_new(struct ike_ctx *c)
{
	struct ike *k = c->k;
	struct ike_xchg *best = NULL;

	for (unsigned i = 0; i < k->xchg_cnt; i++) {
		struct ike_xchg *x = &k->xchg[i];

		if (x->state == IKE_FREE) {
			best = x;
			break;
		}
		if (!ike_unfinished(x->state) && (!best || x->expires < best->expires))
			best = x;
	}
	if (!best)
		return NULL;
	ike_xchg_free(k, best);
	k->xchg_used = most(k->xchg_used, (unsigned)(best - k->xchg) + 1);
	best->sa = IKE_NO_SA;
	best->expires = c->now + k->rules->half_open_time;
	best->retry_at = NS_NEVER;
	ike_due(k, best->expires);
	return best;
}

/* Finished: its secrets go, its last message stays for duplicates. */
void
ike_xchg_done(struct ike_ctx *c, struct ike_xchg *x, enum ike_state s)
{
	secret_wipe(&x->psk);
	secret_wipe(&x->skeyid);
	wipe(x->priv, sizeof(x->priv));
	wipe(x->shared, sizeof(x->shared));
	x->have_priv = false;
	x->state = s;
	x->retry_at = NS_NEVER;
	x->expires = c->now + c->k->rules->linger;
	ike_due(c->k, x->expires);
}

static void
failed(struct ike_ctx *c, const struct ike_xchg *x, enum ike_reason r)
{
	struct ike_act *a = ike_act(c, IKE_ACT_FAILED);

	if (!a)
		return;
	a->map_id = c->k->cfg->map[x->map].id;
	a->remote = x->child.remote;
	a->reason = r;
}

static void
fail_waiting(struct ike_ctx *c, struct ike_end peer, enum ike_reason r)
{
	struct ike *k = c->k;

	for (unsigned i = 0; i < k->xchg_used; i++) {
		struct ike_xchg *x = &k->xchg[i];

		if (x->state == IKE_QM_WAIT && ike_end_near(x->child.remote, peer)) {
			failed(c, x, r);
			ike_xchg_free(c->k, x);
		}
	}
}

void
ike_xchg_fail(struct ike_ctx *c, struct ike_xchg *x, enum ike_reason r)
{
	struct ike_sa *sa = ike_xchg_sa(c->k, x);
	struct ike_child *ch;
	bool was_sent = x->state == IKE_QM_R2 || x->state == IKE_QM_R3 || x->state == IKE_QM_I3;

	if (is_main(x->state)) {
		if (sa)
			ike_sa_end(c, sa, r);
		else
			ike_xchg_free(c->k, x);
		return;
	}
	if (x->initiator)
		failed(c, x, r);
	else if (sa && x->state != IKE_QM_R3)
		ike_msgid_record(c, sa, x->msgid);
	ch = x->child.spi_in ? ike_child_by_spi(c->k, x->child.spi_in) : NULL;
	ike_xchg_free(c->k, x);
	if (!ch)
		return;
	/* The peer may have taken message 2 for good: tell it. */
	if (was_sent && sa)
		ike_send_delete_spi(c, sa, ch->spi_in);
	ike_child_end(c, ch, r);
}

/* ---- IKE SAs ---- */

struct ike_sa *
ike_sa_new(struct ike_ctx *c)
{
	struct ike *k = c->k;

	for (unsigned n = 0; n < k->sa_cnt; n++) {
		struct ike_sa *sa = &k->sa[(k->sa_at + n) % k->sa_cnt];

		if (sa->used)
			continue;
		k->sa_at = (unsigned)(sa - k->sa);
		k->sa_used = most(k->sa_used, k->sa_at + 1);
		memset(sa, 0, sizeof(*sa));
		sa->used = true;
		sa->begun = sa->created = c->now;
		sa->hard_at = sa->rekey_at = sa->dies_at = NS_NEVER;
		return sa;
	}
	return NULL;
}

struct ike_sa *
ike_sa_any(const struct ike *k, struct ike_end peer)
{
	struct ike_sa *best = NULL;

	for (struct ike_sa *sa = ike_sa_of(k, peer.addr, NULL); sa; sa = ike_sa_of(k, peer.addr, sa))
		if (sa->up && sa->confirmed && ike_peer_is(sa, peer) &&
			(!best || ike_sa_newer(sa, best)))
			best = sa;
	return best;
}

ns_t
ike_soft_at(const struct ike *k, const struct ike_sa *sa)
{
	if (sa->hard_at == NS_NEVER)
		return NS_NEVER;
	return sa->hard_at - ns_min(k->rules->soft_before, (sa->hard_at - sa->created) / 2);
}

void
ike_sa_due(struct ike *k, const struct ike_sa *sa)
{
	ike_due(k, ns_min(sa->hard_at, sa->up ? ns_min(ike_soft_at(k, sa), ike_rekey_deadline(sa)) : NS_NEVER));
}

void
ike_sa_up(struct ike_ctx *c, struct ike_sa *sa)
{
	struct ike_act *a = ike_act(c, IKE_ACT_IKE_UP);

	sa->up = true;
	ike_know(c->k, sa->remote.addr);
	if (a) {
		a->sa = sa;
		a->cookies = sa->cookies;
		a->remote = sa->remote;
	}
	ike_sa_due(c->k, sa);
	ike_rekey_up(c, sa);
	ike_quick_start_waiting(c, sa);
}

/* Has the peer of this SA another one? */
static bool
another(const struct ike *k, const struct ike_sa *one)
{
	const struct ike_sa *sa = ike_sa_of(k, one->remote.addr, NULL);

	for (; sa; sa = ike_sa_of(k, one->remote.addr, sa))
		if (sa != one && sa->up && sa->confirmed && ike_peer_is(sa, one->remote))
			return true;
	return false;
}

static void
end_exchange(struct ike_ctx *c, struct ike_xchg *x, const struct ike_sa *sa, enum ike_reason r)
{
	if (is_main(x->state) || !ike_unfinished(x->state)) {
		ike_xchg_free(c->k, x);
		return;
	}
	ike_xchg_bind(c->k, x, IKE_NO_SA); /* so that it sends nothing any more */
	if (x->state != IKE_QM_I1 || !another(c->k, sa)) {
		ike_xchg_fail(c, x, r);
		return;
	}
	x->state = IKE_QM_WAIT; /* begin again there */
	x->msgid = 0;
	x->have_seen = false;
	x->retry_at = c->now;
	x->expires = c->now + c->k->rules->half_open_time;
	ike_due(c->k, c->now);
}

static void
end_exchanges(struct ike_ctx *c, const struct ike_sa *sa, enum ike_reason r)
{
	struct ike_xchg *x;

	while ((x = ike_xchg_of(c->k, sa, NULL)) != NULL)
		end_exchange(c, x, sa, r);
}

static void
children_end(struct ike_ctx *c, const struct ike_cookies *cookies, enum ike_reason r)
{
	struct ike *k = c->k;

	for (unsigned i = 0; i < k->child_used; i++)
		if (k->child[i].used && !k->child[i].dying &&
			!memcmp(&k->child[i].cookies, cookies, sizeof(*cookies)))
			ike_child_end(c, &k->child[i], r);
}

void
ike_sa_end(struct ike_ctx *c, struct ike_sa *sa, enum ike_reason r)
{
	bool was_starting = sa->initiator && !sa->up;
	struct ike_cookies cookies = sa->cookies;
	struct ike_end peer = sa->remote;
	struct ike_act *a;

	end_exchanges(c, sa, r);
	if (sa->visible) {
		a = ike_act(c, IKE_ACT_IKE_DOWN);
		if (a) {
			a->cookies = sa->cookies;
			a->remote = sa->remote;
			a->reason = r;
		}
	} else {
		ike_note(c, r, sa->remote, NULL);
	}
	ike_sa_wipe(c->k, sa);
	ike_rekey_gone(c, peer);
	if (!c->k->rules->children_outlive_sa)
		children_end(c, &cookies, r);
	if (was_starting)
		fail_waiting(c, peer, r);
}

const struct ike_psk *
ike_psk_for(const struct ike *k, ip4_t peer)
{
	const struct ike_psk *best = NULL;

	for (unsigned i = 0; i < k->cfg->psk_cnt; i++) {
		const struct ike_psk *p = &k->cfg->psk[i];

		if (((p->addr ^ peer) & p->mask) == 0 && (!best || p->mask > best->mask))
			best = p;
	}
	return best;
}

/* ---- who was met ---- */

void
ike_know(struct ike *k, ip4_t peer)
{
	for (unsigned i = 0; i < k->known_used; i++)
		if (k->known[i].addr == peer)
			return;
	if (k->known_used == k->known_cnt)
		k->known_full = true;
	else
		k->known[k->known_used++].addr = peer;
}

bool
ike_first_contact(const struct ike *k, const struct ike_sa *sa)
{
	ip4_t peer = sa->remote.addr;

	for (unsigned i = 0; i < k->known_used; i++)
		if (k->known[i].addr == peer)
			return false;
	for (const struct ike_sa *o = ike_sa_of(k, peer, NULL); o; o = ike_sa_of(k, peer, o))
		if (o != sa && o->visible)
			return false;
	return !ike_child_of(k, peer, NULL) && !k->known_full;
}

/* ---- message ids ---- */

bool
ike_msgid_used(const struct ike_sa *sa, uint32_t msgid)
{
	for (unsigned i = 0; i < sa->msgid_cnt; i++)
		if (sa->msgid[i] == msgid)
			return true;
	return false;
}

void
ike_msgid_record(struct ike_ctx *c, struct ike_sa *sa, uint32_t msgid)
{
	struct ike_act *a;

	if (sa->msgid_cnt == IKE_MSGIDS) {
		memmove(sa->msgid, sa->msgid + 1, sizeof(sa->msgid) - sizeof(sa->msgid[0]));
		sa->msgid_cnt--;
	}
	sa->msgid[sa->msgid_cnt++] = msgid;
	if (!sa->visible)
		return;
	a = ike_act(c, IKE_ACT_IKE_CHANGED);
	if (a) {
		a->sa = sa;
		a->cookies = sa->cookies;
		a->remote = sa->remote;
	}
}

bool
ike_msgid_new(struct ike_ctx *c, uint32_t *msgid)
{
	do {
		if (!entropy_take(c->e, msgid, sizeof(*msgid)))
			return false;
	} while (*msgid == 0);
	return true;
}

/* ---- children ---- */

/* A copy without keys, in the table; it takes the place of one with the same SPI. NULL: full. */
struct ike_child *
ike_child_add(struct ike_ctx *c, const struct ike_child *from)
{
	struct ike *k = c->k;
	struct ike_child *ch = ike_child_by_spi(k, from->spi_in);

	for (unsigned n = 0; !ch && n < k->child_cnt; n++) {
		unsigned i = (k->child_at + n) % k->child_cnt;

		if (k->child[i].used)
			continue;
		k->child_at = i;
		k->child_used = most(k->child_used, i + 1);
		ch = &k->child[i];
	}
	if (!ch)
		return NULL;
	if (ch->used)
		ike_child_wipe(k, ch);
	*ch = *from;
	ike_child_named(k, ch);
	ch->used = true;
	ch->dying = IKE_R_NONE;
	ch->made = c->now;
	secret_wipe(&ch->enc_in);
	secret_wipe(&ch->auth_in);
	secret_wipe(&ch->enc_out);
	secret_wipe(&ch->auth_out);
	return ch;
}

void
ike_child_end(struct ike_ctx *c, struct ike_child *ch, enum ike_reason r)
{
	struct ike *k = c->k;

	for (unsigned i = 0; i < k->xchg_used; i++) {
		struct ike_xchg *x = &k->xchg[i];

		if (x->child.spi_in == ch->spi_in && x->state >= IKE_QM_I3_HELD &&
			x->state <= IKE_QM_R3) {
			if (x->initiator)
				failed(c, x, r);
			ike_xchg_free(c->k, x);
		}
	}
	ch->dying = r;
	c->k->some_dying = true;
	ike_drain_dying(c);
}

void
ike_drain_dying(struct ike_ctx *c)
{
	for (unsigned i = 0; c->k->some_dying && i < c->k->child_used; i++) {
		struct ike_child *ch = &c->k->child[i];
		struct ike_act *a;

		if (!ch->used || !ch->dying)
			continue;
		if (c->acts->cnt >= IKE_ACTS_MAX - 4) {
			ike_due(c->k, INT64_MIN); /* the rest with the next list */
			return;
		}
		a = ike_act(c, IKE_ACT_CHILD_DOWN);
		a->spi = ch->spi_in;
		a->remote = ch->remote;
		a->cookies = ch->cookies;
		a->map_id = ch->map_id;
		a->reason = ch->dying;
		ike_child_wipe(c->k, ch);
	}
	c->k->some_dying = false;
}
