/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rekeying phase 1, make before break. An IKE SA under which there are pairs is replaced ahead of
 * its end by a new Main Mode; who began the old one goes first, the other side some time later, so
 * that two seldom begin at once. The pairs go over to the newest SA (they never depended on the old
 * one: RFC 2408 4.3 has none of that), and whoever began the new one deletes the old one, once
 * nothing is under way there.
 *
 * If both begin at once, both Main Modes may succeed. Both sides see the same two SAs; the one with
 * the smaller initiator's cookie is superfluous, and whoever began it deletes it. Until then
 * all of them work, so nothing is lost whatever the two sides think of it.
 */
#include <string.h>

#include "ref/core/ike_int.h"

static bool
live(const struct ike_sa *sa)
{
	return sa->used && sa->up && sa->confirmed;
}

/* Earlier than the soft limit by up to a quarter: not all SAs of one moment at one moment. */
void
ike_rekey_plan(const struct ike *k, struct ike_sa *sa)
{
	ns_t soft = ike_soft_at(k, sa), ahead = soft == NS_NEVER ? 0 : sa->hard_at - soft;
	unsigned draw = sa->cookies.i[0] ^ sa->cookies.r[0];

	sa->rekey_at = soft;
	if (soft == NS_NEVER)
		return;
	sa->rekey_at += sa->initiator ? -(ahead / 4 * (ns_t)draw / 256) : ahead / 4;
}

static bool
has_children(const struct ike *k, const struct ike_sa *sa)
{
	const struct ike_child *ch = ike_child_of(k, sa->remote.addr, NULL);

	for (; ch; ch = ike_child_of(k, sa->remote.addr, ch))
		if (ike_peer_is(sa, ch->remote))
			return true;
	return false;
}

static void
rekey(struct ike_ctx *c, struct ike_sa *sa)
{
	const struct ike_rules *rules = c->k->rules;

	sa->rekey_at = c->now + rules->rekey_again;
	if (sa->rekey_at > sa->hard_at)
		sa->rekey_at = NS_NEVER;
	ike_due(c->k, sa->rekey_at);
	if (!rules->rekey_phase1 || sa->superseded || !has_children(c->k, sa) ||
		ike_main_under_way(c->k, sa->remote))
		return;
	ike_note(c, IKE_R_REKEY, sa->remote, NULL);
	(void)ike_main_start(c, sa->local, sa->remote);
}

/* Is a Quick Mode still under way there? */
static bool
busy(const struct ike *k, const struct ike_sa *sa)
{
	for (const struct ike_xchg *x = ike_xchg_of(k, sa, NULL); x; x = ike_xchg_of(k, sa, x))
		if (ike_unfinished(x->state))
			return true;
	return false;
}

static void
retire(struct ike_ctx *c, struct ike_sa *sa)
{
	if (busy(c->k, sa) && c->now < sa->hard_at - NS_PER_S) {
		sa->dies_at = c->now + NS_PER_S;
		ike_due(c->k, sa->dies_at);
		return;
	}
	ike_send_delete(c, sa, ISAKMP_P_ISAKMP, &sa->cookies, sizeof(sa->cookies));
	ike_sa_end(c, sa, IKE_R_REPLACED);
}

void
ike_rekey_tick(struct ike_ctx *c, struct ike_sa *sa)
{
	if (!live(sa))
		return;
	if (c->now >= sa->dies_at)
		retire(c, sa);
	else if (c->now >= sa->rekey_at)
		rekey(c, sa);
}

ns_t
ike_rekey_deadline(const struct ike_sa *sa)
{
	return live(sa) ? ns_min(sa->rekey_at, sa->dies_at) : NS_NEVER;
}

/* ---- which of several ---- */

/* Was each begun before the other was up? Copies have no history. */
static bool
at_once(const struct ike_sa *a, const struct ike_sa *b)
{
	return !a->imported && !b->imported && a->initiator != b->initiator &&
	       a->begun <= b->created && b->begun <= a->created;
}

bool
ike_sa_newer(const struct ike_sa *a, const struct ike_sa *b)
{
	if (a->superseded != b->superseded)
		return b->superseded;
	if (a->created != b->created)
		return a->created > b->created;
	if (a->hard_at != b->hard_at)
		return a->hard_at > b->hard_at;
	return memcmp(a->cookies.i, b->cookies.i, ISAKMP_COOKIE_LEN) > 0;
}

/* `loser` is not used for anything new any more; who began what takes its place deletes it. */
static void
supersede(struct ike_ctx *c, struct ike_sa *loser, bool ours)
{
	loser->superseded = true;
	if (ours && c->k->rules->rekey_delete_old)
		loser->dies_at = ns_min(loser->dies_at, c->now + c->k->rules->rekey_linger);
	ike_due(c->k, loser->dies_at);
}

/* Of a collision, the smaller initiator's cookie loses, on both sides. */
static void
settle(struct ike_ctx *c, struct ike_sa *sa, struct ike_sa *other)
{
	bool wins = memcmp(sa->cookies.i, other->cookies.i, ISAKMP_COOKIE_LEN) > 0;

	if (at_once(sa, other))
		supersede(c, wins ? other : sa, (wins ? other : sa)->initiator);
	else if (ike_sa_newer(sa, other))
		supersede(c, other, sa->initiator);
	else
		supersede(c, sa, other->initiator);
}

/* The pairs of this peer go with that SA from now on. */
static void
adopt(struct ike_ctx *c, const struct ike_sa *sa)
{
	struct ike *k = c->k;
	struct ike_act *a;
	unsigned n = 0;

	for (struct ike_child *ch = ike_child_of(k, sa->remote.addr, NULL); ch;
		ch = ike_child_of(k, sa->remote.addr, ch)) {
		if (!ike_peer_is(sa, ch->remote) ||
			memcmp(&ch->cookies, &sa->cookies, sizeof(sa->cookies)) == 0)
			continue;
		ch->cookies = sa->cookies;
		n++;
	}
	a = n ? ike_act(c, IKE_ACT_ADOPTED) : NULL;
	if (!a)
		return;
	a->sa = sa;
	a->cookies = sa->cookies;
	a->remote = sa->remote;
}

void
ike_rekey_gone(struct ike_ctx *c, struct ike_end peer)
{
	const struct ike_sa *best = c->k->rules->rekey_adopt ? ike_sa_any(c->k, peer) : NULL;

	if (best)
		adopt(c, best);
}

void
ike_rekey_up(struct ike_ctx *c, struct ike_sa *sa)
{
	struct ike *k = c->k;
	struct ike_sa *best, *o = ike_sa_of(k, sa->remote.addr, NULL);

	for (; o; o = ike_sa_of(k, sa->remote.addr, o))
		if (o != sa && live(o) && ike_peer_is(sa, o->remote))
			settle(c, sa, o);
	best = ike_sa_any(k, sa->remote);
	if (best && k->rules->rekey_adopt)
		adopt(c, best);
}
