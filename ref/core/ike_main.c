/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Main Mode with a pre-shared key (RFC 2409 5, 5.4):
 *
 *   1 HDR, SA       ->                 3 HDR, KE, Ni  ->                  5 HDR*, IDii, HASH_I  ->
 *                   <-  2 HDR, SA                     <-  4 HDR, KE, Nr                        <-
 *  6 HDR*, IDir, HASH_R
 *
 * The key is found by the peer's address, as 5.4 says it must be. Identities are ID_IPV4_ADDR: ours
 * the virtual address, the peer's the address that it sends from.
 */
#include <string.h>

#include "ref/core/ike_int.h"

#define ID_IPV4_BODY 8 /* type, protocol, port, address */

/* ---- what both sides do ---- */

void
ike_sa_agree(struct ike_sa *sa, const struct ike_p1_choice *ch)
{
	sa->cipher = ch->cipher;
	sa->key_bits = ch->key_bits;
	sa->hash = ch->hash;
	sa->group = ch->group;
	sa->lifetime_s = ch->life_s;
}

void
ike_vids_in(const struct ike *k, struct ike_sa *sa, const struct ike_msg *m)
{
	const struct isakmp_payload *p;

	ike_nat_vid_in(k, sa, m);
	if (!k->cfg->dpd || !k->rules->send_vid)
		return;
	if (!k->rules->require_peer_vid)
		sa->dpd = true;
	for (unsigned n = 0; (p = isakmp_payload_find(&m->p, ISAKMP_VID, n)); n++)
		if (rd_left(&p->body) == sizeof(isakmp_vid_dpd) &&
			memcmp(p->body.p, isakmp_vid_dpd, sizeof(isakmp_vid_dpd)) == 0)
			sa->dpd = true;
}

/* KE and nonce of the peer (5: the KE has the group's length, the nonce 8 to 256 octets). */
static enum ike_reason
read_ke(const struct ike *k, uint16_t group, const struct ike_msg *m, uint8_t *gx, uint8_t *nonce,
	size_t *nonce_len)
{
	const struct rd *ke = &isakmp_payload_find(&m->p, ISAKMP_KE, 0)->body;
	const struct rd *ni = &isakmp_payload_find(&m->p, ISAKMP_NONCE, 0)->body;
	size_t n = rd_left(ni);

	if (rd_left(ke) != crypto_group_len(group))
		return IKE_R_KE;
	if (n > IKE_NONCE_MAX || (k->rules->check_nonce && n < 8))
		return IKE_R_NONCE;
	memcpy(gx, ke->p, rd_left(ke));
	memcpy(nonce, ni->p, n);
	*nonce_len = n;
	return IKE_R_NONE;
}

/* Our private value and our nonce, once an exchange. */
static bool
make_ke(struct ike_ctx *c, struct ike_xchg *x, uint16_t group)
{
	uint8_t *nonce = x->initiator ? x->nonce_i : x->nonce_r;
	size_t *len = x->initiator ? &x->nonce_i_len : &x->nonce_r_len;

	if (x->have_priv)
		return true;
	if (!entropy_take(c->e, x->priv, sizeof(x->priv)) ||
		!entropy_take(c->e, nonce, IKE_NONCE_LEN))
		return false;
	*len = IKE_NONCE_LEN;
	x->have_priv = true;
	c->k->crypto->dh_public((enum crypto_group)group, x->priv, x->gx_own);
	return true;
}

static bool
build_ke(const struct ike *k, struct ike_xchg *x, const struct ike_sa *sa)
{
	struct isakmp_build b;
	struct wr w;

	ike_out_begin(x, sa, &w, &b, ISAKMP_X_MAIN, false);
	isakmp_build_bytes(&b, ISAKMP_KE, x->gx_own, crypto_group_len(sa->group));
	if (x->initiator)
		isakmp_build_bytes(&b, ISAKMP_NONCE, x->nonce_i, x->nonce_i_len);
	else
		isakmp_build_bytes(&b, ISAKMP_NONCE, x->nonce_r, x->nonce_r_len);
	ike_nat_d(k, sa, &b);
	return ike_out_clear(x, &w, &b);
}

static enum ike_reason
derive(const struct ike *k, struct ike_xchg *x, struct ike_sa *sa)
{
	if (k->crypto->dh_shared((enum crypto_group)sa->group, x->priv, x->gx_peer, x->shared))
		return IKE_R_KE;
	ike_keys_phase1(k, sa, x);
	return IKE_R_NONE;
}

/* The body of our ID payload. */
static void
own_id(const struct ike *k, uint8_t id[ID_IPV4_BODY])
{
	memset(id, 0, ID_IPV4_BODY);
	id[0] = ISAKMP_ID_IPV4;
	for (unsigned i = 0; i < 4; i++)
		id[4 + i] = (uint8_t)(k->cfg->local >> (24 - 8 * i));
}

/* Message 5 or 6: ID, HASH, and INITIAL-CONTACT if this is the first that we hear of the peer. */
static bool
build_auth(const struct ike *k, struct ike_xchg *x, struct ike_sa *sa)
{
	uint8_t id[ID_IPV4_BODY], hash[CRYPTO_HASH_MAX];
	struct isakmp_build b;
	struct wr w;

	own_id(k, id);
	ike_hash_phase1(k, sa, x, x->initiator, id, sizeof(id), hash);
	ike_out_begin(x, sa, &w, &b, ISAKMP_X_MAIN, true);
	isakmp_build_bytes(&b, ISAKMP_ID, id, sizeof(id));
	isakmp_build_bytes(&b, ISAKMP_HASH, hash, crypto_hash_len(sa->hash));
	if (k->rules->initial_contact &&
		(ike_first_contact(k, sa) || k->rules->initial_contact_always))
		isakmp_build_notify(&b, ISAKMP_P_ISAKMP, ISAKMP_N_INITIAL_CONTACT, &sa->cookies,
			sizeof(sa->cookies), NULL, 0);
	if (!ike_out_encrypt(k, x, sa, &w, &b))
		return false;
	memcpy(sa->last_block, x->iv, sizeof(sa->last_block));
	return true;
}

/*
 * The peer's ID (RFC 2407 4.6.2: protocol and port 0 and 0, or UDP and 500) and its HASH. The ID of
 * a peer behind a NAT is whatever it is called there (RFC 3947 8): its key was found by the address
 * that is seen here.
 */
static enum ike_reason
authenticate(const struct ike *k, const struct ike_xchg *x, const struct ike_sa *sa,
	struct ike_msg *m, struct isakmp_id *id)
{
	const struct isakmp_payload *p = isakmp_payload_find(&m->p, ISAKMP_ID, 0);
	const struct rd *hash = &isakmp_payload_find(&m->p, ISAKMP_HASH, 0)->body;
	size_t len = crypto_hash_len(sa->hash);
	uint8_t want[CRYPTO_HASH_MAX];
	struct rd addr;

	if (isakmp_id_decode(p, id, &m->why))
		return IKE_R_MALFORMED;
	ike_hash_phase1(k, sa, x, !x->initiator, p->body.p, rd_left(&p->body), want);
	if (k->rules->check_psk_hash && (rd_left(hash) != len || !equal_ct(want, hash->p, len)))
		return IKE_R_PSK_HASH;
	if (isakmp_payload_find(&m->p, ISAKMP_ID, 1))
		return IKE_R_PAYLOAD_UNEXPECTED;
	if (id->len > sizeof(sa->peer_id))
		return IKE_R_ID;
	if (!k->rules->check_id)
		return IKE_R_NONE;
	if (sa->natt & IKE_NATT_PEER)
		return IKE_R_NONE;
	rd_init(&addr, id->data, id->len);
	if (id->type != ISAKMP_ID_IPV4 || id->len != 4 ||
		rd_u32(&addr, "id.address") != sa->remote.addr)
		return IKE_R_ID;
	if (!(id->protocol == 0 && id->port == 0) &&
		!(id->protocol == 17 && (id->port == ISAKMP_PORT || id->port == 0)))
		return IKE_R_ID;
	return IKE_R_NONE;
}

static void
name_peer(struct ike_sa *sa, const struct isakmp_id *id)
{
	sa->peer_id_type = id->type;
	sa->peer_id_len = (uint8_t)id->len;
	memcpy(sa->peer_id, id->data, id->len);
}

static void
confirm(struct ike_ctx *c, struct ike_sa *sa)
{
	sa->confirmed = true;
	sa->created = c->now;
	sa->hard_at = c->now + ns_from_s(sa->lifetime_s);
	ike_rekey_plan(c->k, sa);
	ike_sa_due(c->k, sa);
}

/* ---- initiator ---- */

static bool
build_mm1(const struct ike *k, struct ike_xchg *x, const struct ike_sa *sa)
{
	struct isakmp_build b;
	struct wr w;

	wr_init(&w, x->sa_i, sizeof(x->sa_i));
	ike_p1_offer(k, &w);
	if (w.bad)
		return false;
	x->sa_i_len = w.len;
	ike_out_begin(x, sa, &w, &b, ISAKMP_X_MAIN, false);
	isakmp_build_bytes(&b, ISAKMP_SA, x->sa_i, x->sa_i_len);
	ike_vid(k, &b);
	return ike_out_clear(x, &w, &b);
}

bool
ike_cookie_new(struct ike_ctx *c, uint8_t cookie[ISAKMP_COOKIE_LEN])
{
	static const uint8_t zero[ISAKMP_COOKIE_LEN];

	do {
		if (!entropy_take(c->e, cookie, ISAKMP_COOKIE_LEN))
			return false;
	} while (memcmp(cookie, zero, sizeof(zero)) == 0);
	return true;
}

enum ike_reason
ike_main_start(struct ike_ctx *c, struct ike_end local, struct ike_end remote)
{
	const struct ike_psk *psk = ike_psk_for(c->k, remote.addr);
	struct ike_sa *sa;
	struct ike_xchg *x;

	if (!psk)
		return IKE_R_NO_KEY;
	sa = ike_sa_new(c);
	x = sa ? ike_xchg_new(c) : NULL;
	if (!x) {
		if (sa)
			sa->used = false;
		return IKE_R_TABLE_FULL;
	}
	sa->initiator = x->initiator = true;
	sa->local = local;
	sa->remote = remote;
	ike_xchg_bind(c->k, x, (unsigned)(sa - c->k->sa));
	x->psk = psk->secret;
	if (!ike_cookie_new(c, sa->cookies.i) || !build_mm1(c->k, x, sa)) {
		ike_xchg_free(c->k, x);
		wipe(sa, sizeof(*sa));
		return IKE_R_ENTROPY;
	}
	ike_sa_named(c->k, sa);
	x->state = IKE_MM_I1;
	ike_out_send(c, x, true);
	return IKE_R_NONE;
}

enum ike_reason
ike_mm2_in(struct ike_ctx *c, struct ike_xchg *x, struct ike_msg *m)
{
	static const uint8_t zero[ISAKMP_COOKIE_LEN];
	struct ike_sa *sa = m->sa;
	struct ike_p1_choice ch;
	enum ike_reason r;

	if (memcmp(m->h.rcookie, zero, sizeof(zero)) == 0)
		return IKE_R_ZERO_COOKIE;
	r = ike_p1_check(c->k, isakmp_payload_find(&m->p, ISAKMP_SA, 0), &ch, &m->why);
	if (r)
		return r;
	if (!make_ke(c, x, ch.group))
		return IKE_R_ENTROPY;
	memcpy(sa->cookies.r, m->h.rcookie, sizeof(sa->cookies.r));
	ike_sa_agree(sa, &ch);
	ike_vids_in(c->k, sa, m);
	return build_ke(c->k, x, sa) ? IKE_R_NONE : IKE_R_TOO_LONG;
}

enum ike_reason
ike_mm4_in(struct ike_ctx *c, struct ike_xchg *x, struct ike_msg *m)
{
	struct ike_sa *sa = m->sa;
	enum ike_reason r;

	r = read_ke(c->k, sa->group, m, x->gx_peer, x->nonce_r, &x->nonce_r_len);
	if (!r)
		r = derive(c->k, x, sa);
	if (!r)
		r = ike_nat_d_in(c, sa, m);
	if (r)
		return r;
	ike_vids_in(c->k, sa, m);
	ike_nat_float(c->k, sa);
	if (!build_auth(c->k, x, sa))
		return IKE_R_TOO_LONG;
	/* It can be told to the standby now, though the peer is not authenticated yet. */
	sa->visible = true;
	sa->created = c->now;
	sa->hard_at = c->now + ns_from_s(sa->lifetime_s);
	ike_sa_due(c->k, sa);
	return IKE_R_NONE;
}

enum ike_reason
ike_mm6_in(struct ike_ctx *c, struct ike_xchg *x, struct ike_msg *m)
{
	struct ike_sa *sa = m->sa;
	struct isakmp_id id;
	enum ike_reason r = authenticate(c->k, x, sa, m, &id);

	if (r)
		return r;
	name_peer(sa, &id);
	confirm(c, sa);
	memcpy(sa->last_block, m->next_iv, sizeof(sa->last_block));
	x->sent_len = 0; /* message 5 answers nothing any more */
	ike_initial_contact(c, sa, m);
	ike_sa_up(c, sa);
	return IKE_R_NONE;
}

/* ---- responder ---- */

enum ike_reason
ike_mm3_in(struct ike_ctx *c, struct ike_xchg *x, struct ike_msg *m)
{
	struct ike_sa *sa = m->sa;
	enum ike_reason r;

	r = read_ke(c->k, sa->group, m, x->gx_peer, x->nonce_i, &x->nonce_i_len);
	if (r)
		return r;
	if (!make_ke(c, x, sa->group))
		return IKE_R_ENTROPY;
	r = derive(c->k, x, sa);
	if (!r)
		r = ike_nat_d_in(c, sa, m);
	if (r)
		return r;
	ike_vids_in(c->k, sa, m);
	return build_ke(c->k, x, sa) ? IKE_R_NONE : IKE_R_TOO_LONG;
}

enum ike_reason
ike_mm5_in(struct ike_ctx *c, struct ike_xchg *x, struct ike_msg *m)
{
	struct ike_sa *sa = m->sa;
	struct isakmp_id id;
	enum ike_reason r = authenticate(c->k, x, sa, m, &id);

	if (!r)
		r = ike_nat_follow(c->k, x, sa, m);
	if (r)
		return r;
	name_peer(sa, &id);
	ike_initial_contact(c, sa, m);
	if (!build_auth(c->k, x, sa))
		return IKE_R_TOO_LONG;
	confirm(c, sa);
	sa->visible = true;
	return IKE_R_NONE;
}
