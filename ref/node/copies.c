/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dormant copies at the standby: records in, and at a promotion copies -> live SAs. A copy is not
 * used for traffic, not rekeyed, not probed, and puts no route anywhere; all that can happen to it
 * is a newer record, a deletion, or the end of its lifetime.
 */
#include <string.h>

#include "ref/node/node_in.h"

#define LONG_AGO ns_from_s(86400)

static struct ike_cookies
cookies_of(const struct ssp_msg *m)
{
	struct ike_cookies c;

	memcpy(&c, m->cookies, sizeof c);
	return c;
}

static void
dpd_read(struct node_ike *k, const struct ssp_msg *m)
{
	k->copy.dpd = m->dpd_flags & 1;
	k->dpd_copy = (struct dpd_export){
		.in_flight = m->dpd_flags & 2,
		.have_recv = m->dpd_flags & 4,
		.have_sent = m->dpd_flags & 8,
		.sent_seq = m->dpd_sent,
		.recv_seq = m->dpd_received,
	};
}

static void
export_read(struct ike_export *x, const struct ssp_msg *m)
{
	*x = (struct ike_export){
		.cookies = cookies_of(m),
		.initiator = m->side == 1,
		.local = {m->local.addr, m->local.port},
		.remote = {m->remote.addr, m->remote.port},
		.cipher = m->cipher,
		.key_bits = m->key_bits,
		.hash = m->hash,
		.group = m->dh_group,
		.skeyid_d = m->skeyid_d,
		.skeyid_a = m->skeyid_a,
		.skeyid_e = m->skeyid_e,
		.key = m->cipher_key,
		.peer_id_type = m->peer_id_type,
		.peer_id_len = m->peer_id_len,
		.confirmed = m->confirmed,
		.natt = m->natt & IKE_NATT_BITS,
		.left_s = m->life_s,
		.msgid_cnt = m->msgid_cnt < IKE_MSGIDS ? m->msgid_cnt : IKE_MSGIDS,
	};
	memcpy(x->last_block, m->last_block.b, m->last_block.len);
	memcpy(x->peer_id, m->peer_id, m->peer_id_len);
	memcpy(x->msgid, m->msgids, x->msgid_cnt * sizeof x->msgid[0]);
}

static enum err
ike_sa_in(struct node *n, const struct ssp_msg *m)
{
	struct ike_cookies c = cookies_of(m);
	struct node_ike *k;

	enum crypto_cipher cipher = ike_cipher(m->cipher, m->key_bits);

	if (!cipher || !crypto_hash_len(m->hash) || !crypto_group_len(m->dh_group) ||
		m->cipher_key.len != crypto_key_len(cipher) ||
		m->last_block.len != crypto_block_len(cipher) ||
		m->skeyid_a.len != crypto_hash_len(m->hash) || m->skeyid_d.len != m->skeyid_a.len)
		return ERR_OK; /* of algorithms that are not here: nothing to keep */
	k = keying_new(n, &c, m->remote.addr);
	if (!k)
		return ERR_FULL;
	export_read(&k->copy, m);
	dpd_read(k, m);
	k->peer = m->remote.addr;
	k->dormant = true;
	k->marked = true;
	k->copied_at = n->now;
	n->copies_at = ns_min(n->copies_at, n->now + ns_from_s(k->copy.left_s));
	return ERR_OK;
}

/* Which entry of our own map is it? The configuration is ours; the record only names it. */
static bool
map_known(const struct node *n, const struct ssp_msg *m)
{
	return m->map_seq >= 1 && m->map_seq <= n->map_cnt &&
	       !strcmp(n->map[m->map_seq - 1].cfg->name, m->map) && esp_alg(m->transform) &&
	       m->enc_in.len == esp_alg(m->transform)->enc_len &&
	       m->enc_out.len == esp_alg(m->transform)->enc_len &&
	       m->auth_in.len == esp_alg(m->transform)->auth_len &&
	       m->auth_out.len == esp_alg(m->transform)->auth_len;
}

static struct ike_child
child_read(const struct ssp_msg *m)
{
	const struct ssp_proxy *l = &m->proxy_local, *r = &m->proxy_remote;

	return (struct ike_child){
		.used = true,
		.initiator = m->side == 1,
		.use_out = true,
		.natt = m->natt & IKE_NATT_BITS,
		.cookies = cookies_of(m),
		.local = {m->local.addr, m->local.port},
		.remote = {m->remote.addr, m->remote.port},
		.spi_in = m->spis.in,
		.spi_out = m->spis.out,
		.transform = (enum esp_transform)m->transform,
		.pfs_group = m->pfs,
		.enc_in = m->enc_in,
		.auth_in = m->auth_in,
		.enc_out = m->enc_out,
		.auth_out = m->auth_out,
		.proxy_local = {{l->addr, l->len}, l->proto, l->port},
		.proxy_remote = {{r->addr, r->len}, r->proto, r->port},
		.map_id = m->map_seq,
		.lifetime_s = m->life_s,
		.lifetime_kb = m->limit_kb,
	};
}

/* Within one epoch no number goes down (specification 3). */
static bool
goes_down(struct node *n, const struct node_pair *p, const struct ssp_msg *m, uint32_t was,
	uint32_t is)
{
	if (!n->rules->counters_stay || m->epoch != p->copy_epoch || is >= was)
		return false;
	n->count[NODE_CNT_NUMBER_DOWN]++;
	return true;
}

static void
reserve_in(struct node *n, struct node_pair *p, const struct ssp_msg *m)
{
	if (m->reserve_kind == 1 && !goes_down(n, p, m, p->copy_reserve, m->reserve))
		p->copy_reserve = m->reserve;
}

static void
window_in(struct node *n, struct node_pair *p, const struct ssp_msg *m)
{
	if (!m->window.size || goes_down(n, p, m, p->in.window.top, m->window.top))
		return;
	if (esp_window_import(&p->in.window, m->window.top, m->window.size, m->window.bits,
		    m->window.size / 8u) != ERR_OK)
		n->count[NODE_CNT_ESP_REFUSED]++;
}

static void
volume_in(struct node *n, struct node_pair *p, const struct ssp_msg *m)
{
	if (m->epoch == p->copy_epoch &&
		(m->volume_in < p->in.bytes || m->volume_out < p->out.bytes)) {
		n->count[NODE_CNT_NUMBER_DOWN]++;
		return;
	}
	p->in.bytes = m->volume_in;
	p->out.bytes = m->volume_out;
	p->last_volume_kb = (uint32_t)((m->volume_in + m->volume_out) / 1024);
}

/*
 * The newest pairs that fit no entry here: increments for them are no reason to ask for everything
 * again, which would bring the same pair, and no end.
 */
static bool
unkept(const struct node *n, const struct ssp_spis *s)
{
	for (unsigned i = 0; i < NODE_UNKEPT; i++)
		if (s->in && n->unkept[i].in == s->in && n->unkept[i].out == s->out &&
			n->unkept[i].peer == s->peer)
			return n->rules->unkept_known;
	return false;
}

static void
unkept_add(struct node *n, const struct ssp_spis *s)
{
	n->count[NODE_CNT_UNKEPT]++;
	if (!unkept(n, s))
		n->unkept[n->unkept_next++ % NODE_UNKEPT] = *s;
}

static enum err
pair_in(struct node *n, const struct ssp_msg *m)
{
	struct node_pair *p = pairs_by_spis(n, &m->spis);
	struct ike_child c;

	if (!map_known(n, m)) { /* not configured here: nothing to keep */
		unkept_add(n, &m->spis);
		return ERR_OK;
	}
	if (!p)
		p = pairs_new(n);
	if (!p)
		return ERR_FULL;
	c = child_read(m);
	if (!p->child.used || p->copy_epoch != m->epoch) {
		pairs_setup(n, p, &c);
		p->copy_epoch = m->epoch;
		p->copy_reserve = 0;
	} else { /* the peer may have moved */
		p->child.local = c.local;
		p->child.remote = c.remote;
		p->child.natt = c.natt;
		pairs_ends(p);
	}
	wipe(&c, sizeof c);
	p->dormant = true;
	p->marked = true;
	p->in.hard_at = p->out.hard_at = n->now + ns_from_s(m->life_s);
	n->copies_at = ns_min(n->copies_at, p->out.hard_at);
	reserve_in(n, p, m);
	window_in(n, p, m);
	volume_in(n, p, m);
	return ERR_OK;
}

static enum err
pair_update(struct node *n, const struct ssp_msg *m)
{
	struct node_pair *p = pairs_by_spis(n, &m->spis);

	if (m->type == SSP_IPSEC_SA_DEL) {
		if (p && p->dormant)
			pairs_drop(n, p);
		return ERR_OK;
	}
	if (!p || !p->dormant)
		return !p && unkept(n, &m->spis) ? ERR_OK : ERR_UNKNOWN;
	if (m->type == SSP_RESERVE)
		reserve_in(n, p, m);
	else if (m->type == SSP_REPLAY)
		window_in(n, p, m);
	else
		volume_in(n, p, m);
	p->copy_epoch = m->epoch;
	return ERR_OK;
}

static enum err
ike_update(struct node *n, const struct ssp_msg *m)
{
	struct ike_cookies c = cookies_of(m);
	struct node_ike *k = keying_find(n, &c);

	if (m->type == SSP_IKE_SA_DEL) {
		if (k && k->dormant)
			keying_drop(n, k);
		return ERR_OK;
	}
	if (!k || !k->dormant)
		return ERR_UNKNOWN;
	dpd_read(k, m);
	return ERR_OK;
}

enum err
copies_apply(struct node *n, const struct ssp_msg *m)
{
	switch (m->type) {
	case SSP_IKE_SA:
		return ike_sa_in(n, m);
	case SSP_IPSEC_SA:
		return pair_in(n, m);
	case SSP_IKE_SA_DEL:
	case SSP_DPD:
		return ike_update(n, m);
	case SSP_IPSEC_SA_DEL:
	case SSP_RESERVE:
	case SSP_REPLAY:
	case SSP_VOLUME:
		return pair_update(n, m);
	case SSP_HELLO:
	case SSP_ROLE:
	case SSP_BULK_BEGIN:
	case SSP_BULK_END:
	case SSP_ACK:
	case SSP_KEEPALIVE:
	case SSP_RESYNC:
	case SSP_REFUSE:
	case SSP_HIGHEST:
	case SSP_ERROR:
	case SSP_TYPE_CNT:
		break;
	}
	return ERR_VALUE;
}

void
copies_sweep(struct node *n, bool begin)
{
	for (unsigned i = 0; i < n->pair_cnt; i++) {
		struct node_pair *p = &n->pair[i];

		if (!p->used || !p->dormant)
			continue;
		if (begin)
			p->marked = false;
		else if (!p->marked)
			pairs_drop(n, p);
	}
	for (unsigned i = 0; i < n->ike_cnt; i++) {
		struct node_ike *k = &n->ike[i];

		if (!k->used || !k->dormant)
			continue;
		if (begin)
			k->marked = false;
		else if (!k->marked)
			keying_drop(n, k);
	}
}

static uint32_t
left_now(const struct node *n, const struct node_ike *k)
{
	int64_t gone = (n->now - k->copied_at + NS_PER_S - 1) / NS_PER_S;

	return k->copy.left_s > gone ? k->copy.left_s - (uint32_t)gone : 0;
}

static void
promote_ike(struct node *n, struct node_ike *k)
{
	struct ike_in known = {.kind = IKE_IN_KNOWN_PEER, .remote = {k->peer, 500}};
	struct ike_in in = {.kind = IKE_IN_IMPORT, .export = &k->copy};

	keying_step(n, &known);
	if (n->rules->import_life)
		k->copy.left_s = left_now(n, k);
	if (!k->copy.left_s || !n->rules->import_ike) {
		keying_drop(n, k);
		return;
	}
	k->dormant = false;
	node_trace(n, NODE_DEBUG_IKE_HA_DETAIL, "ike ha", "taken over", k->peer, k->copy.left_s);
	keying_step(n, &in);
	k->sent_at = n->now - LONG_AGO;
	if (k->used && k->copy.confirmed)
		keying_dpd_start(n, k, n->rules->import_dpd ? &k->dpd_copy : NULL);
}

/* One reporting step may have passed since the last VOLUME: count it as used (law 8). */
static void
volume_promote(struct node_pair *p)
{
	uint64_t step = p->child.lifetime_kb ? (uint64_t)p->child.lifetime_kb * 1024 / 64 : 0;

	if (step && step < 16384)
		step = 16384;
	p->in.bytes += step;
	p->out.bytes += step;
	p->volume_reported = p->in.bytes + p->out.bytes;
}

/*
 * Message 6 died with the old active, so this one can never be used; the peer, who sent it, thinks
 * otherwise. If there is an older SA it hears so there, and goes on with that.
 */
static void
abandon(struct node *n, struct node_ike *k)
{
	struct ike_end peer = k->copy.remote;
	struct ike_in in = {.kind = IKE_IN_DELETE_SA, .cookies = k->cookies, .send = true};

	if (ike_sa_newest(&n->ike_core, peer))
		keying_step(n, &in);
}

static void
promote_pair(struct node *n, struct node_pair *p, bool in_lease)
{
	struct ike_in in = {.kind = IKE_IN_IMPORT_CHILD, .child = &p->child};

	resv_init_heir(&p->resv, &n->rules->resv, n->ha.outbound, p->copy_reserve,
		in_lease && p->copy_reserve);
	if (!n->rules->import_window)
		esp_window_init(&p->in.window, n->cfg->window);
	if (n->rules->import_volume)
		volume_promote(p);
	else
		p->in.bytes = p->out.bytes = 0;
	if (!n->rules->import_life)
		p->in.hard_at = p->out.hard_at = n->now + ns_from_s(n->ike_map[p->map].lifetime_s);
	p->use_out = true;
	p->unproven = !p->in.window.top;
	p->child.use_out = true;
	keying_step(n, &in);
	pairs_live(n, p);
	p->sent_at = n->now - LONG_AGO; /* when the other one last sent, nobody knows */
	node_trace(n, NODE_DEBUG_IPSEC_HA_DETAIL, "ipsec ha", "goes on above", p->child.remote.addr,
		p->resv.next - 1);
}

void
copies_promote(struct node *n)
{
	bool in_lease = ssp_in_lease(&n->ssp, n->now);

	/* all counters first: nothing may leave with an old number */
	for (unsigned i = 0; i < n->pair_cnt; i++) {
		struct node_pair *p = &n->pair[i];

		if (p->used && p->dormant && n->rules->import_children)
			promote_pair(n, p, in_lease);
		else if (p->used && p->dormant)
			pairs_drop(n, p);
	}
	for (unsigned i = 0; i < n->ike_cnt; i++)
		if (n->ike[i].used && n->ike[i].dormant)
			promote_ike(n, &n->ike[i]);
	for (unsigned i = 0; i < n->ike_cnt; i++) {
		struct node_ike *k = &n->ike[i];

		if (!k->used || k->dormant)
			continue;
		probe_newest(n, k->copy.remote);
		if (!k->copy.confirmed)
			abandon(n, k);
	}
	for (unsigned i = 0; i < n->pair_cnt; i++) {
		struct node_pair *p = &n->pair[i];

		if (!p->used || p->dormant)
			continue;
		replace_used(n, p);
		if (p->resv.rekey && !p->rekeying)
			pairs_rekey(n, p);
	}
}

void
copies_tick(struct node *n)
{
	for (unsigned i = 0; i < n->pair_cnt; i++)
		if (n->pair[i].used && n->pair[i].dormant && n->now >= n->pair[i].out.hard_at)
			pairs_drop(n, &n->pair[i]);
	for (unsigned i = 0; i < n->ike_cnt; i++)
		if (n->ike[i].used && n->ike[i].dormant && !left_now(n, &n->ike[i]))
			keying_drop(n, &n->ike[i]);
	n->copies_at = copies_exact(n);
}

ns_t
copies_deadline(const struct node *n)
{
	return n->copies_at;
}

ns_t
copies_exact(const struct node *n)
{
	ns_t t = NS_NEVER;

	for (unsigned i = 0; i < n->pair_cnt; i++)
		if (n->pair[i].used && n->pair[i].dormant)
			t = ns_min(t, n->pair[i].out.hard_at);
	for (unsigned i = 0; i < n->ike_cnt; i++) {
		const struct node_ike *k = &n->ike[i];

		if (k->used && k->dormant)
			t = ns_min(t, k->copied_at + ns_from_s(k->copy.left_s));
	}
	return t;
}
