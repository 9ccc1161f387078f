/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Quick Mode (RFC 2409 5.5):
 *
 *   1 HDR*, HASH(1), SA, Ni [, KE] [, IDci, IDcr]  ->
 *                          <-  2 HDR*, HASH(2), SA, Nr [, KE] [, IDci, IDcr]
 *   3 HDR*, HASH(3)                                ->
 *
 * We always send identities. A peer that sends none means the two addresses themselves. The
 * proxies of the peer must lie inside an entry of the map's ACL; a dynamic map without one takes
 * any.
 */
#include <string.h>

#include "ref/core/ike_int.h"

/* ---- which map ---- */

static struct ike_proxy
host(ip4_t addr)
{
	return (struct ike_proxy){.net = {.addr = addr, .len = 32}};
}

static bool
inside(const struct ike_proxy *p, const struct ike_proxy *acl)
{
	return p->net.len >= acl->net.len && ip4_in(acl->net, p->net.addr) &&
	       (!acl->proto || acl->proto == p->proto) && (!acl->port || acl->port == p->port);
}

static bool
allowed(const struct ike *k, const struct ike_map *map, const struct ike_proxy *local,
	const struct ike_proxy *remote)
{
	if (!k->rules->check_proxies || (map->is_dynamic && map->acl_cnt == 0))
		return true;
	for (unsigned i = 0; i < map->acl_cnt; i++)
		if (inside(local, &map->acl[i].local) && inside(remote, &map->acl[i].remote))
			return true;
	return false;
}

/* The first entry for this peer that takes these proxies and has a transform among the offers. */
static enum ike_reason
find_map(const struct ike *k, const struct ike_msg *m, const struct ike_child *ch, unsigned *index,
	struct ike_p2_choice *choice, struct why *why)
{
	bool ke = isakmp_payload_find(&m->p, ISAKMP_KE, 0);
	enum ike_reason r = IKE_R_NO_MAP;

	for (unsigned i = 0; i < k->cfg->map_cnt; i++) {
		const struct ike_map *map = &k->cfg->map[i];

		if (!map->is_dynamic && map->peer != m->in->remote.addr)
			continue;
		if (!allowed(k, map, &ch->proxy_local, &ch->proxy_remote)) {
			r = r == IKE_R_NO_MAP ? IKE_R_PROXY : r;
			continue;
		}
		r = ike_p2_choose(
			k, isakmp_payload_find(&m->p, ISAKMP_SA, 0), map, ke, choice, why);
		*index = i;
		if (r == IKE_R_NONE || (r != IKE_R_NO_PROPOSAL && r != IKE_R_PFS))
			return r;
	}
	return r;
}

/* ---- keys ---- */

static enum ike_reason
read_nonce(const struct ike *k, const struct ike_msg *m, uint8_t *nonce, size_t *len)
{
	const struct rd *n = &isakmp_payload_find(&m->p, ISAKMP_NONCE, 0)->body;

	if (rd_left(n) > IKE_NONCE_MAX || (k->rules->check_nonce && rd_left(n) < 8))
		return IKE_R_NONCE;
	memcpy(nonce, n->p, rd_left(n));
	*len = rd_left(n);
	return IKE_R_NONE;
}

static bool
spi_new(struct ike_ctx *c, uint32_t *spi)
{
	do {
		if (!entropy_take(c->e, spi, sizeof(*spi)))
			return false;
	} while (*spi < 256 || ike_child_by_spi(c->k, *spi));
	return true;
}

/* Nonce, SPI and, with PFS, the private value of our side. */
static bool
make(struct ike_ctx *c, struct ike_xchg *x)
{
	uint8_t *nonce = x->initiator ? x->nonce_i : x->nonce_r;
	size_t *len = x->initiator ? &x->nonce_i_len : &x->nonce_r_len;

	if (!entropy_take(c->e, nonce, IKE_NONCE_LEN) || !spi_new(c, &x->child.spi_in))
		return false;
	*len = IKE_NONCE_LEN;
	if (!x->pfs_group)
		return true;
	if (!entropy_take(c->e, x->priv, sizeof(x->priv)))
		return false;
	x->have_priv = true;
	c->k->crypto->dh_public((enum crypto_group)x->pfs_group, x->priv, x->gx_own);
	return true;
}

/* The peer's KE, there exactly when a group was agreed. */
static enum ike_reason
take_ke(const struct ike *k, struct ike_xchg *x, const struct ike_msg *m)
{
	const struct isakmp_payload *p = isakmp_payload_find(&m->p, ISAKMP_KE, 0);

	if (!p != !x->pfs_group)
		return IKE_R_PFS;
	if (!p)
		return IKE_R_NONE;
	if (rd_left(&p->body) != crypto_group_len(x->pfs_group))
		return IKE_R_KE;
	memcpy(x->gx_peer, p->body.p, rd_left(&p->body));
	return k->crypto->dh_shared((enum crypto_group)x->pfs_group, x->priv, x->gx_peer, x->shared)
		       ? IKE_R_KE
		       : IKE_R_NONE;
}

/* Put the pair into the table and tell it, with its keys. The caller has made sure of the room. */
static void
child_new(struct ike_ctx *c, struct ike_xchg *x, const struct ike_sa *sa)
{
	struct ike_acts *acts = c->acts;
	struct ike_child *ch = &acts->child[acts->child_cnt++];
	struct ike_act *a = ike_act(c, IKE_ACT_CHILD_NEW);

	x->child.used = true;
	x->child.initiator = x->initiator;
	x->child.cookies = sa->cookies;
	x->child.local = sa->local;
	x->child.pfs_group = x->pfs_group;
	x->child.map_id = c->k->cfg->map[x->map].id;
	*ch = x->child;
	ike_keymat(c->k, sa, x, ch);
	(void)ike_child_add(c, &x->child);
	if (!a)
		return;
	a->child = ch;
	a->spi = ch->spi_in;
	a->remote = ch->remote;
	a->cookies = sa->cookies;
	a->map_id = ch->map_id;
}

/* RFC 3947 5.1: UDP encapsulation exactly if there is a NAT. */
static uint16_t
mode(const struct ike *k, const struct ike_sa *sa)
{
	return (sa->natt & IKE_NATT_ON) && k->rules->natt_offer_mode ? ISAKMP_MODE_UDP_TUNNEL
								     : ISAKMP_MODE_TUNNEL;
}

/* Original addresses (5.2) mean nothing to a tunnel and are passed over; without a NAT they are out
 * of place. */
static bool
stray_nat_oa(const struct ike_msg *m)
{
	return isakmp_payload_find(&m->p, ISAKMP_NAT_OA, 0) && !(m->sa->natt & IKE_NATT_ON);
}

static uint8_t
child_natt(const struct ike_sa *sa, const struct ike_p2_choice *ch)
{
	return ch->mode != ISAKMP_MODE_TUNNEL ? sa->natt & IKE_NATT_BITS : 0;
}

static bool
room(const struct ike_ctx *c)
{
	const struct ike *k = c->k;

	if (c->acts->child_cnt == sizeof(c->acts->child) / sizeof(c->acts->child[0]))
		return false;
	for (unsigned i = 0; i < k->child_cnt; i++)
		if (!k->child[i].used)
			return true;
	return false;
}

static uint32_t
min_limit(uint32_t a, uint32_t b)
{
	if (!a || !b)
		return a ? a : b;
	return a < b ? a : b;
}

/* ---- building ---- */

/* Header and an empty HASH of the right length; where its body starts. */
static size_t
hash_begin(struct ike_xchg *x, const struct ike_sa *sa, struct wr *w, struct isakmp_build *b)
{
	static const uint8_t zero[CRYPTO_HASH_MAX];
	size_t at;

	ike_out_begin(x, sa, w, b, ISAKMP_X_QUICK, true);
	at = w->len + 4;
	isakmp_build_bytes(b, ISAKMP_HASH, zero, crypto_hash_len(sa->hash));
	return at;
}

/* Fill in HASH(1), or HASH(2) if we are responder, and encrypt. */
static bool
hash_end(const struct ike *k, struct ike_xchg *x, const struct ike_sa *sa, struct wr *w,
	struct isakmp_build *b, size_t at)
{
	size_t rest = at + crypto_hash_len(sa->hash);
	uint8_t hash[CRYPTO_HASH_MAX];

	if (w->bad)
		return false;
	ike_hash_rest(k, sa, x->msgid, x->nonce_i, x->initiator ? 0 : x->nonce_i_len,
		x->sent + rest, w->len - rest, hash);
	memcpy(x->sent + at, hash, rest - at);
	return ike_out_encrypt(k, x, sa, w, b);
}

static bool
build_qm1(const struct ike *k, struct ike_xchg *x, const struct ike_sa *sa)
{
	struct isakmp_build b;
	struct wr w;
	size_t at = hash_begin(x, sa, &w, &b);

	isakmp_build_begin(&b, ISAKMP_SA);
	ike_p2_offer(k, &w, &k->cfg->map[x->map], x->child.spi_in, mode(k, sa));
	isakmp_build_end(&b);
	isakmp_build_bytes(&b, ISAKMP_NONCE, x->nonce_i, x->nonce_i_len);
	if (x->pfs_group)
		isakmp_build_bytes(&b, ISAKMP_KE, x->gx_own, crypto_group_len(x->pfs_group));
	ike_id_write(&b, &x->child.proxy_local);
	ike_id_write(&b, &x->child.proxy_remote);
	return hash_end(k, x, sa, &w, &b, at);
}

/* RFC 2407 4.5.4: tell the initiator that our limits are shorter than its own. */
static void
build_lifetime(const struct ike *k, struct isakmp_build *b, const struct ike_xchg *x,
	const struct ike_p2_choice *ch)
{
	uint32_t spi = x->child.spi_in;
	uint8_t data[32], id[4];
	struct wr w;

	if (!k->rules->responder_lifetime ||
		(x->child.lifetime_s == ch->life_s && x->child.lifetime_kb == ch->life_kb))
		return;
	for (unsigned i = 0; i < 4; i++)
		id[i] = (uint8_t)(spi >> (24 - 8 * i));
	wr_init(&w, data, sizeof(data));
	ike_p2_life(&w, x->child.lifetime_s, x->child.lifetime_kb);
	isakmp_build_notify(b, ISAKMP_P_ESP, ISAKMP_N_RESPONDER_LIFETIME, id, 4, data, w.len);
}

static bool
build_qm2(const struct ike *k, struct ike_xchg *x, const struct ike_sa *sa,
	const struct ike_p2_choice *ch, bool ids)
{
	struct isakmp_build b;
	struct wr w;
	size_t at = hash_begin(x, sa, &w, &b);

	isakmp_build_begin(&b, ISAKMP_SA);
	ike_p2_answer(&w, ch, x->child.spi_in);
	isakmp_build_end(&b);
	isakmp_build_bytes(&b, ISAKMP_NONCE, x->nonce_r, x->nonce_r_len);
	if (x->pfs_group)
		isakmp_build_bytes(&b, ISAKMP_KE, x->gx_own, crypto_group_len(x->pfs_group));
	if (ids) {
		ike_id_write(&b, &x->child.proxy_remote);
		ike_id_write(&b, &x->child.proxy_local);
	}
	build_lifetime(k, &b, x, ch);
	return hash_end(k, x, sa, &w, &b, at);
}

static bool
build_qm3(const struct ike *k, struct ike_xchg *x, const struct ike_sa *sa)
{
	uint8_t hash[CRYPTO_HASH_MAX];
	struct isakmp_build b;
	struct wr w;

	ike_hash3(k, sa, x, hash);
	ike_out_begin(x, sa, &w, &b, ISAKMP_X_QUICK, true);
	isakmp_build_bytes(&b, ISAKMP_HASH, hash, crypto_hash_len(sa->hash));
	return ike_out_encrypt(k, x, sa, &w, &b);
}

/* ---- responder ---- */

enum ike_reason
ike_qm1_in(struct ike_ctx *c, struct ike_xchg *x, struct ike_msg *m)
{
	struct ike_child *ch = &x->child;
	struct ike_p2_choice choice = {.must_mode = mode(c->k, m->sa)};
	enum ike_reason r;
	bool ids;

	if (!ike_check_rest(c->k, m, m->h.msgid, NULL, 0))
		return IKE_R_HASH;
	if (stray_nat_oa(m))
		return IKE_R_PAYLOAD_UNEXPECTED;
	ch->remote = m->in->remote;
	ch->begun = c->now;
	x->commit_own = c->k->cfg->commit;
	x->commit_peer = m->h.flags & ISAKMP_F_COMMIT;
	ch->proxy_local = host(m->sa->local.addr);
	ch->proxy_remote = host(m->sa->remote.addr);
	r = ike_read_ids(m, &ch->proxy_remote, &ch->proxy_local, &ids);
	if (!r)
		r = read_nonce(c->k, m, x->nonce_i, &x->nonce_i_len);
	if (!r)
		r = find_map(c->k, m, ch, &x->map, &choice, &m->why);
	if (!r && !room(c))
		r = IKE_R_TABLE_FULL;
	if (r)
		return r;
	ch->natt = child_natt(m->sa, &choice);
	ch->transform = choice.transform;
	ch->spi_out = choice.spi;
	ch->lifetime_s = min_limit(choice.life_s, c->k->cfg->map[x->map].lifetime_s);
	ch->lifetime_kb = min_limit(choice.life_kb, c->k->cfg->map[x->map].lifetime_kb);
	x->pfs_group = choice.group;
	if (!make(c, x))
		return IKE_R_ENTROPY;
	r = take_ke(c->k, x, m);
	if (!r && !build_qm2(c->k, x, m->sa, &choice, ids))
		r = IKE_R_TOO_LONG;
	if (r)
		return r;
	child_new(c, x, m->sa);
	return IKE_R_NONE;
}

enum ike_reason
ike_qm3_in(struct ike_ctx *c, struct ike_xchg *x, struct ike_msg *m)
{
	const struct rd *hash = &m->p.v[0].body;
	size_t len = crypto_hash_len(m->sa->hash);
	struct ike_child *ch = ike_child_by_spi(c->k, x->child.spi_in);
	uint8_t want[CRYPTO_HASH_MAX];

	ike_hash3(c->k, m->sa, x, want);
	if (c->k->rules->check_hash && (rd_left(hash) != len || !equal_ct(want, hash->p, len)))
		return IKE_R_HASH;
	if (!ch)
		return IKE_R_NO_CHILD;
	/* Used up only now: until message 3 an heir may answer a repeated message 1 afresh. */
	ike_msgid_record(c, m->sa, m->h.msgid);
	ike_nat_fresh(c, m->sa, m);
	x->commit_peer = x->commit_peer || m->h.flags & ISAKMP_F_COMMIT;
	if (ike_commit_waits(c->k, x))
		return IKE_R_NONE;
	x->sent_len = 0;
	ike_use_out(c, ch->spi_in);
	ike_commit_tell(c, x);
	return IKE_R_NONE;
}

/* ---- initiator ---- */

enum ike_reason
ike_quick_start(struct ike_ctx *c, struct ike_xchg *x, struct ike_sa *sa)
{
	x->child.remote = sa->remote;
	x->child.begun = c->now;
	x->commit_own = c->k->cfg->commit;
	x->pfs_group = c->k->cfg->map[x->map].pfs_group;
	if (!make(c, x) || !ike_msgid_new(c, &x->msgid))
		return IKE_R_ENTROPY;
	ike_iv_phase2(c->k, sa, x->msgid, x->iv);
	if (!build_qm1(c->k, x, sa))
		return IKE_R_TOO_LONG;
	ike_xchg_bind(c->k, x, (unsigned)(sa - c->k->sa));
	x->state = IKE_QM_I1;
	x->expires = NS_NEVER; /* the retries bound it */
	ike_msgid_record(c, sa, x->msgid);
	ike_out_send(c, x, true);
	return IKE_R_NONE;
}

void
ike_quick_start_waiting(struct ike_ctx *c, struct ike_sa *sa)
{
	for (unsigned i = 0; i < c->k->xchg_used; i++) {
		struct ike_xchg *x = &c->k->xchg[i];
		enum ike_reason r;

		if (x->state != IKE_QM_WAIT || !ike_peer_is(sa, x->child.remote))
			continue;
		if (c->acts->cnt > IKE_ACTS_MAX / 2) {
			x->retry_at = c->now; /* the next tick goes on */
			ike_due(c->k, c->now);
			return;
		}
		r = ike_quick_start(c, x, sa);
		if (r == IKE_R_ENTROPY) {
			x->retry_at = c->now;
			ike_due(c->k, c->now);
		} else if (r)
			ike_xchg_fail(c, x, r);
	}
}

/* RESPONDER-LIFETIME, which HASH(2) protects, may shorten what we asked for (RFC 2407 4.5.4). */
static void
take_lifetime(struct ike_xchg *x, const struct ike_msg *m)
{
	const struct isakmp_payload *p;
	struct isakmp_notify n;
	uint32_t s, kb;
	struct rd r;

	for (unsigned i = 0; (p = isakmp_payload_find(&m->p, ISAKMP_NOTIFY, i)); i++) {
		if (isakmp_notify_decode(p, &n, NULL) || n.type != ISAKMP_N_RESPONDER_LIFETIME)
			continue;
		rd_init(&r, n.data, n.data_len);
		if (!ike_p2_life_read(&r, &s, &kb))
			continue;
		x->child.lifetime_s = min_limit(x->child.lifetime_s, s);
		x->child.lifetime_kb = min_limit(x->child.lifetime_kb, kb);
	}
}

static enum ike_reason
check_qm2_ids(const struct ike *k, const struct ike_xchg *x, struct ike_msg *m)
{
	struct ike_proxy local, remote;
	bool given;
	enum ike_reason r = ike_read_ids(m, &local, &remote, &given);

	if (r || !k->rules->check_proxies)
		return r;
	if (!given || !ike_same_proxy(&local, &x->child.proxy_local) ||
		!ike_same_proxy(&remote, &x->child.proxy_remote))
		return IKE_R_PROXY;
	return IKE_R_NONE;
}

enum ike_reason
ike_qm2_in(struct ike_ctx *c, struct ike_xchg *x, struct ike_msg *m)
{
	const struct ike_map *map = &c->k->cfg->map[x->map];
	struct ike_p2_choice choice = {.must_mode = mode(c->k, m->sa)};
	enum ike_reason r;

	if (!ike_check_rest(c->k, m, x->msgid, x->nonce_i, x->nonce_i_len))
		return IKE_R_HASH;
	if (stray_nat_oa(m))
		return IKE_R_PAYLOAD_UNEXPECTED;
	r = ike_p2_check(c->k, isakmp_payload_find(&m->p, ISAKMP_SA, 0), map, &choice, &m->why);
	if (!r)
		r = check_qm2_ids(c->k, x, m);
	if (!r)
		r = read_nonce(c->k, m, x->nonce_r, &x->nonce_r_len);
	if (!r)
		r = take_ke(c->k, x, m);
	if (!r && !room(c))
		r = IKE_R_TABLE_FULL;
	if (r)
		return r;
	ike_nat_fresh(c, m->sa, m);
	x->commit_peer = m->h.flags & ISAKMP_F_COMMIT;
	x->child.natt = child_natt(m->sa, &choice);
	x->child.transform = choice.transform;
	x->child.spi_out = choice.spi;
	x->child.lifetime_s = map->lifetime_s;
	x->child.lifetime_kb = map->lifetime_kb;
	take_lifetime(x, m);
	if (!build_qm3(c->k, x, m->sa))
		return IKE_R_TOO_LONG;
	child_new(c, x, m->sa);
	return IKE_R_NONE;
}
