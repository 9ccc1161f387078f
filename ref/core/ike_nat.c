/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NAT traversal of phase 1 (RFC 3947): is there a NAT, and on whose side; which end a message may
 * come from, and when a peer behind a NAT has moved.
 *
 * A mapping is followed (7) only by what is authentic and fresh. Authentic alone is not enough: an
 * old message, repeated from elsewhere, would take the traffic with it. So a message of phase 2
 * moves an SA if it holds the hash over a nonce of ours (Quick Mode 2 and 3); an Informational does
 * not by itself, but the numbers of DPD do, and those of ESP, which the caller judges (MOVED). What
 * begins a Quick Mode is answered to where it came from.
 */
#include <string.h>

#include "ref/core/ike_int.h"

static bool
same_end(struct ike_end a, struct ike_end b)
{
	return a.addr == b.addr && a.port == b.port;
}

static bool
any_port(struct ike_end e)
{
	return e.port == 0 || e.port == ISAKMP_PORT;
}

bool
ike_end_near(struct ike_end a, struct ike_end b)
{
	return a.addr == b.addr && (a.port == b.port || any_port(a) || any_port(b));
}

bool
ike_peer_is(const struct ike_sa *sa, struct ike_end peer)
{
	return sa->remote.addr == peer.addr &&
	       (!(sa->natt & IKE_NATT_PEER) || any_port(peer) || sa->remote.port == peer.port);
}

/* ---- discovery ---- */

void
ike_nat_vid_in(const struct ike *k, struct ike_sa *sa, const struct ike_msg *m)
{
	const struct isakmp_payload *p;

	for (unsigned n = 0; k->cfg->natt && (p = isakmp_payload_find(&m->p, ISAKMP_VID, n)); n++)
		if (rd_left(&p->body) == sizeof(isakmp_vid_natt) &&
			memcmp(p->body.p, isakmp_vid_natt, sizeof(isakmp_vid_natt)) == 0)
			sa->natt |= IKE_NATT_ABLE;
}

/* HASH(CKY-I | CKY-R | IP | Port) */
static void
end_hash(const struct ike *k, const struct ike_sa *sa, struct ike_end e, uint8_t *out)
{
	uint8_t end[6] = {(uint8_t)(e.addr >> 24), (uint8_t)(e.addr >> 16), (uint8_t)(e.addr >> 8),
		(uint8_t)e.addr, (uint8_t)(e.port >> 8), (uint8_t)e.port};
	const struct crypto_part part[] = {
		{sa->cookies.i, ISAKMP_COOKIE_LEN},
		{sa->cookies.r, ISAKMP_COOKIE_LEN},
		{end, k->rules->natt_hash_port ? 6u : 4u},
	};

	k->crypto->hash((enum crypto_hash)sa->hash, part, 3, out);
}

void
ike_nat_d(const struct ike *k, const struct ike_sa *sa, struct isakmp_build *b)
{
	uint8_t remote[CRYPTO_HASH_MAX], local[CRYPTO_HASH_MAX];
	size_t len = crypto_hash_len(sa->hash);
	bool order = k->rules->natt_remote_first;

	if (!(sa->natt & IKE_NATT_ABLE) || !k->rules->natt_send_nat_d)
		return;
	end_hash(k, sa, sa->remote, remote);
	end_hash(k, sa, sa->local, local);
	isakmp_build_bytes(b, ISAKMP_NAT_D, order ? remote : local, len);
	isakmp_build_bytes(b, ISAKMP_NAT_D, order ? local : remote, len);
}

static bool
matches(const struct isakmp_payload *p, const uint8_t *want, size_t len)
{
	size_t n = rd_left(&p->body);

	return n && memcmp(p->body.p, want, n < len ? n : len) == 0;
}

/* Does one of the peer's own hashes, which are all but the first, speak of where it is seen? */
static bool
peer_as_seen(const struct ike *k, const struct ike_sa *sa, const struct ike_msg *m)
{
	uint8_t want[CRYPTO_HASH_MAX];
	const struct isakmp_payload *p;

	end_hash(k, sa, sa->remote, want);
	for (unsigned n = 1; (p = isakmp_payload_find(&m->p, ISAKMP_NAT_D, n)); n++) {
		if (matches(p, want, crypto_hash_len(sa->hash)))
			return true;
		if (!k->rules->natt_all_hashes)
			break;
	}
	return false;
}

enum ike_reason
ike_nat_d_in(struct ike_ctx *c, struct ike_sa *sa, const struct ike_msg *m)
{
	const struct isakmp_payload *p, *first = isakmp_payload_find(&m->p, ISAKMP_NAT_D, 0);
	size_t len = crypto_hash_len(sa->hash);
	uint8_t want[CRYPTO_HASH_MAX];
	uint8_t found = 0;

	if (!first)
		return IKE_R_NONE;
	if (!(sa->natt & IKE_NATT_ABLE))
		return IKE_R_PAYLOAD_UNEXPECTED;
	for (unsigned n = 0; (p = isakmp_payload_find(&m->p, ISAKMP_NAT_D, n)); n++)
		if (rd_left(&p->body) != len && c->k->rules->natt_check_length)
			return IKE_R_NAT_D;
	end_hash(c->k, sa, sa->local, want);
	if (!matches(first, want, len))
		found |= IKE_NATT_US;
	if (!peer_as_seen(c->k, sa, m))
		found |= IKE_NATT_PEER;
	if (!found || !c->k->rules->natt_detect)
		return IKE_R_NONE;
	sa->natt |= (uint8_t)(found | IKE_NATT_ON);
	ike_note(c, IKE_R_NAT_FOUND, sa->remote, NULL);
	return IKE_R_NONE;
}

/* ---- ports (4) ---- */

void
ike_nat_float(const struct ike *k, struct ike_sa *sa)
{
	if (!(sa->natt & IKE_NATT_ON) || sa->local.port != ISAKMP_PORT || !k->rules->natt_float)
		return;
	sa->local.port = sa->remote.port = ISAKMP_PORT_NATT;
}

enum ike_reason
ike_nat_follow(
	struct ike *k, const struct ike_xchg *x, struct ike_sa *sa, const struct ike_msg *m)
{
	const struct ike_psk *psk;

	if (!(sa->natt & IKE_NATT_ON) || !k->rules->natt_float_follow)
		return IKE_R_NONE;
	if (sa->remote.addr != m->in->remote.addr) {
		psk = ike_psk_for(k, m->in->remote.addr);
		if (!psk || psk->secret.len != x->psk.len ||
			!equal_ct(psk->secret.b, x->psk.b, x->psk.len))
			return IKE_R_OTHER_ADDRESS;
	}
	sa->local = m->in->local;
	ike_sa_at(k, sa, m->in->remote);
	return IKE_R_NONE;
}

/* ---- a peer that moves (7) ---- */

static bool
may_follow(const struct ike *k, uint8_t natt)
{
	return (natt & IKE_NATT_ON) && k->rules->natt_follow &&
	       (!(natt & IKE_NATT_US) || k->rules->natt_follow_behind);
}

bool
ike_nat_from(const struct ike *k, const struct ike_sa *sa, const struct ike_msg *m)
{
	if (same_end(sa->remote, m->in->remote) && sa->local.port == m->in->local.port)
		return true;
	if (!(sa->natt & IKE_NATT_ON) || !m->encrypted || m->in->local.port != ISAKMP_PORT_NATT)
		return false;
	if (!sa->up) /* message 5, which comes from the new port */
		return !sa->initiator && m->h.exchange == ISAKMP_X_MAIN;
	return sa->local.port == ISAKMP_PORT_NATT && may_follow(k, sa->natt);
}

void
ike_nat_fresh(struct ike_ctx *c, const struct ike_sa *sa, const struct ike_msg *m)
{
	if (!same_end(sa->remote, m->in->remote) && may_follow(c->k, sa->natt))
		ike_nat_moved(c, sa->remote, m->in->remote);
}

static void
sa_moved(struct ike_ctx *c, struct ike_sa *sa, struct ike_end to)
{
	struct ike_act *a;

	ike_sa_at(c->k, sa, to);
	a = sa->visible ? ike_act(c, IKE_ACT_IKE_CHANGED) : NULL;
	if (!a)
		return;
	a->sa = sa;
	a->cookies = sa->cookies;
	a->remote = sa->remote;
}

void
ike_nat_moved(struct ike_ctx *c, struct ike_end was, struct ike_end to)
{
	struct ike *k = c->k;
	struct ike_act *a;
	unsigned moved = 0;

	if (same_end(was, to))
		return;
	for (unsigned i = 0; i < k->sa_used; i++) {
		struct ike_sa *sa = &k->sa[i];

		if (!sa->used || !may_follow(k, sa->natt) || !same_end(sa->remote, was))
			continue;
		sa_moved(c, sa, to);
		moved++;
	}
	for (unsigned i = 0; i < k->child_used; i++) {
		struct ike_child *ch = &k->child[i];

		if (!ch->used || !may_follow(k, ch->natt) || !same_end(ch->remote, was))
			continue;
		ike_child_at(k, ch, to);
		moved++;
	}
	if (!moved)
		return;
	ike_note(c, IKE_R_MOVED, to, NULL); /* RFC 3947 8: audit it */
	ike_know(k, to.addr);
	for (unsigned i = 0; i < k->xchg_used; i++)
		if (ike_unfinished(k->xchg[i].state) && same_end(k->xchg[i].child.remote, was))
			k->xchg[i].child.remote = to;
	a = ike_act(c, IKE_ACT_MOVED);
	if (!a)
		return;
	a->was = was;
	a->remote = to;
}

/* The node has seen it: ESP with the highest number so far, or a new number of DPD. */
void
ike_nat_cmd_moved(struct ike_ctx *c, const struct ike_in *in)
{
	ike_nat_moved(c, in->was, in->remote);
}
