/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pairs that take over from pairs, make before break. When the outbound SA of a pair comes into
 * use, the older pairs of the same flow are not used outbound and not rekeyed any more. Whoever
 * began the new pair deletes the old one; but not before the peer has been heard on the new one or
 * ten seconds have passed, and not while the peer still sends on the old one (thirty seconds at
 * most). What the peer replaced stays until his Delete or its own end.
 *
 * If both rekey at once there are two new pairs. Both sides see the same SPIs: the pair whose SPIs
 * are smaller is superfluous, and whoever began it deletes it as above. Where the two began so
 * nearly one after the other that the sides do not agree whether it was at once, each thinks the
 * other will delete: then who began the one that stays does, later; and if the one that was to stay
 * goes, the other one stays.
 */
#include "ref/node/node_in.h"

#define LINGER (2 * NS_PER_S)
#define LINGER_UNHEARD (10 * NS_PER_S)
#define LINGER_MAX (30 * NS_PER_S)

static bool
same_net(const struct ike_proxy *a, const struct ike_proxy *b)
{
	return a->net.addr == b->net.addr && a->net.len == b->net.len && a->proto == b->proto &&
	       a->port == b->port;
}

static bool
same_flow(const struct node_pair *p, const struct node_pair *q)
{
	const struct ike_child *a = &p->child, *b = &q->child;

	return q->used && !q->dormant && q != p && p->map == q->map &&
	       a->remote.addr == b->remote.addr && a->remote.port == b->remote.port &&
	       same_net(&a->proxy_local, &b->proxy_local) &&
	       same_net(&a->proxy_remote, &b->proxy_remote);
}

/* Another live pair of the same peer for the same flow, one after the other; *ch: NULL, then kept.
 */
static struct node_pair *
next_of_flow(struct node *n, const struct node_pair *p, const struct ike_child **ch)
{
	while ((*ch = ike_child_next(&n->ike_core, p->child.remote.addr, *ch)) != NULL) {
		struct node_pair *q = pairs_by_spi_in(n, (*ch)->spi_in);

		if (q && same_flow(p, q))
			return q;
	}
	return NULL;
}

/* Each begun before the other was in use, from both sides. A pair that was inherited has no
 * history. */
static bool
at_once(const struct node_pair *p, const struct node_pair *q)
{
	return p->used_at && q->used_at && p->child.begun && q->child.begun &&
	       p->child.initiator != q->child.initiator && p->child.begun <= q->used_at &&
	       q->child.begun <= p->used_at;
}

/* Inherited pairs came in any order: the one that lives longer is the newer. */
bool
replace_newer(const struct node_pair *p, const struct node_pair *than)
{
	bool inherited = !p->child.begun || !than->child.begun;

	if (inherited && p->out.hard_at != than->out.hard_at)
		return p->out.hard_at > than->out.hard_at;
	return p->born > than->born;
}

static uint64_t
rank(const struct node_pair *p)
{
	uint32_t a = p->child.spi_in, b = p->child.spi_out;

	return a < b ? (uint64_t)a << 32 | b : (uint64_t)b << 32 | a;
}

static void
retire(struct node *n, struct node_pair *old, const struct node_pair *now_used, bool ours)
{
	ns_t wait = now_used->heard_at ? LINGER : LINGER_UNHEARD;

	if (n->rules->rekey_replaced)
		old->rekeying = false;
	old->dying = !n->rules->rekey_replaced;
	old->dies_latest = n->now + LINGER_MAX;
	if (ours)
		old->dies_at = n->rules->replace_lingers ? n->now + wait : n->now;
	else if (now_used->child.initiator) /* the peer's to delete, unless he sees it otherwise */
		old->dies_at = old->dies_latest;
	pairs_changed(n);
	pairs_touch(n, old);
}

static void
settle(struct node *n, struct node_pair *p)
{
	const struct ike_child *ch = NULL;
	struct node_pair *q, *old;

	while ((q = next_of_flow(n, p, &ch)) != NULL) {
		if (!q->use_out || (q->dying && q->dies_at != NS_NEVER))
			continue;
		if (at_once(p, q))
			old = rank(p) < rank(q) ? p : q;
		else
			old = replace_newer(p, q) ? q : p;
		if (q->dying && old == p)
			continue; /* it is only looked at again because nobody deletes it */
		retire(n, old, old == p ? q : p,
			at_once(p, q) ? old->child.initiator : (old == p ? q : p)->child.initiator);
		if (old == p)
			return;
	}
}

/* The path is the old one's. */
static void
inherit_path(struct node *n, struct node_pair *p)
{
	const struct ike_child *ch = NULL;
	struct node_pair *q;

	while ((q = next_of_flow(n, p, &ch)) != NULL)
		if (q->pmtu && !p->pmtu) {
			p->pmtu = q->pmtu;
			p->pmtu_until = q->pmtu_until;
		}
}

void
replace_used(struct node *n, struct node_pair *p)
{
	if (!p->used_at)
		p->used_at = n->now;
	inherit_path(n, p);
	if (!p->unproven && n->rules->replace_old)
		settle(n, p);
}

/* The peer has it: those that it replaces need not wait longer for that. */
void
replace_heard(struct node *n, struct node_pair *p)
{
	struct ike_in proven = {.kind = IKE_IN_PROVEN, .spi = p->child.spi_in};
	bool first = !p->heard_at, was_unproven = p->unproven;
	const struct ike_child *ch = NULL;
	struct node_pair *q;

	p->heard_at = n->now;
	p->unproven = false;
	if (!first && !was_unproven)
		return;
	pairs_changed(n);
	if (!p->use_out)
		keying_step(n, &proven);
	else if (was_unproven)
		replace_used(n, p);
	if (p->dying)
		return;
	while ((q = next_of_flow(n, p, &ch)) != NULL) {
		if (!q->dying || q->dies_at == NS_NEVER)
			continue;
		q->dies_at = ns_min(q->dies_at, n->now + LINGER);
		pairs_touch(n, q);
	}
}

void
replace_gone(struct node *n, const struct node_pair *p)
{
	const struct ike_child *ch = NULL;
	struct node_pair *best = NULL, *q;

	while ((q = next_of_flow(n, p, &ch)) != NULL) {
		if (!q->use_out)
			continue;
		if (!q->dying)
			return;
		if (!best || replace_newer(q, best))
			best = q;
	}
	if (!best)
		return;
	best->dying = false;
	best->dies_at = NS_NEVER;
	pairs_changed(n);
	pairs_touch(n, best);
	settle(n, best); /* the others are for it to replace now */
}

/*
 * Copied by the old active just before message 2, which never left: the peer has repeated message 1
 * to us. Two of its SAs cannot have one SPI.
 */
void
replace_same_spi(struct node *n, const struct ike_child *c)
{
	const struct ike_child *ch = ike_child_next(&n->ike_core, c->remote.addr, NULL);
	struct ike_in in = {.kind = IKE_IN_FORGET_CHILD};
	struct node_pair *p;

	while (ch && (ch->spi_in == c->spi_in || ch->spi_out != c->spi_out ||
			     ch->remote.port != c->remote.port))
		ch = ike_child_next(&n->ike_core, c->remote.addr, ch);
	p = ch ? pairs_by_spi_in(n, ch->spi_in) : NULL;
	if (!p || p->dormant)
		return;
	in.spi = ch->spi_in;
	(void)sync_pair_del(n, p);
	pairs_drop(n, p);
	keying_step(n, &in);
}

bool
replace_due(struct node *n, struct node_pair *p)
{
	if (n->now < p->dies_at)
		return false;
	if (!n->rules->replace_lingers || !p->heard_at || p->heard_at + LINGER <= n->now ||
		n->now >= p->dies_latest)
		return true;
	p->dies_at = ns_min(p->heard_at + LINGER, p->dies_latest);
	return false;
}
