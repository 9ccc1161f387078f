/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Main Mode with a pre-shared key (RFC 2409 5.4), both roles: one function a message received, in a
 * table by the number of the message awaited. A message is first checked whole, then taken.
 * Aggressive Mode and other ways to authenticate are not here.
 */
#include <string.h>

#include "harness/peer/peer_priv.h"

static const uint8_t dpd_vid[16] = {0xaf, 0xca, 0xd7, 0x13, 0x68, 0xa1, 0xf1, 0xc9, 0x6b, 0x86,
	0x96, 0xfc, 0x77, 0x57, 0x01, 0x00}; /* RFC 3706 5.1: version 1.0 */

bool
peer_dh_start(struct peer *p, struct dh *d, uint16_t group)
{
	d->group = group;
	d->len = keyprim_dh_len(group);
	d->shared_len = keyprim_dh_shared_len(group);
	peer_random(p, d->priv, sizeof d->priv);
	return keyprim_dh_public(group, d->priv, sizeof d->priv, d->pub);
}

bool
peer_dh_finish(struct dh *d, const struct chain_item *ke)
{
	if (!ke || ke->len != d->len)
		return false;
	memcpy(d->other, ke->body, ke->len);
	return keyprim_dh_shared(d->group, d->priv, sizeof d->priv, ke->body, ke->len, d->shared);
}

static void
put_vids(struct peer *p, struct chain_out *o)
{
	if (!p->cfg.no_dpd_vid)
		peer_chain_put(o, PL_VID, dpd_vid, sizeof dpd_vid);
}

/* So that a message is larger than an MTU: RFC 2408 3.16 lets anybody send any, and ignore it. */
static void
put_padding(struct peer *p, struct chain_out *o)
{
	uint8_t b[MSG_MAX];

	if (!p->cfg.pad)
		return;
	peer_random(p, b, sizeof b);
	for (size_t left = p->cfg.pad, n; left; left -= n) {
		n = left < 1024 ? left : 1024;
		peer_chain_put(o, PL_VID, b + left % 1024, n);
	}
}

static void
read_vids(struct in *m, struct ike *s)
{
	for (size_t i = 0; i < m->c.cnt; i++)
		if (m->c.item[i].type == PL_VID && m->c.item[i].len == sizeof dpd_vid &&
			!memcmp(m->c.item[i].body, dpd_vid, sizeof dpd_vid))
			s->dpd = true;
}

static bool
take_nonce(const struct chain_item *i, uint8_t *n, size_t *len)
{
	if (!i || i->len < 8 || i->len > NONCE_MAX) /* RFC 2409 5: 8 to 256 octets */
		return false;
	memcpy(n, i->body, i->len);
	*len = i->len;
	return true;
}

static void
take_prop(struct peer *p, struct ike *s, const struct peer_ike_prop *prop, uint32_t life)
{
	struct peer_phase1 *r = &p->p1[s->record];

	s->prop = *prop;
	s->k.cipher = prop->cipher;
	s->k.hash = prop->hash;
	s->k.key_bits = prop->key_bits;
	r->prop = *prop;
	r->life_s = life && life < p->cfg.ike_life_s ? life : p->cfg.ike_life_s;
	memcpy(r->icookie, s->k.icookie, 8);
	memcpy(r->rcookie, s->k.rcookie, 8);
}

static struct keyike_in
inputs(const struct peer *p, const struct ike *s)
{
	const uint8_t *gi = s->initiator ? s->dh.pub : s->dh.other;
	const uint8_t *gr = s->initiator ? s->dh.other : s->dh.pub;

	return (struct keyike_in){.psk = SPAN(p->cfg.psk, p->cfg.psk_len),
		.ni = SPAN(s->n.i, s->n.i_len),
		.nr = SPAN(s->n.r, s->n.r_len),
		.gxi = SPAN(gi, s->dh.len),
		.gxr = SPAN(gr, s->dh.len),
		.gxy = SPAN(s->dh.shared, s->dh.shared_len)};
}

static bool
derive(struct peer *p, struct ike *s)
{
	struct keyike_in in = inputs(p, s);
	uint8_t other[PEER_PSK_MAX + 1];

	if (p->wrong.psk_wrong) {
		memcpy(other, p->cfg.psk, p->cfg.psk_len);
		other[p->cfg.psk_len] = 'x';
		in.psk = SPAN(other, p->cfg.psk_len + 1u);
	}
	if (!keyike_derive(&s->k, &in))
		return false;
	memcpy(s->iv, s->k.iv, sizeof s->iv);
	if (p->ring)
		keyring_add_ike(p->ring, &s->k);
	return true;
}

/* -- what is sent -- */

static void
send_sa(struct peer *p, ns_t now, struct ike *s, enum peer_kind kind, const struct offer *chosen)
{
	uint8_t buf[MSG_MAX - 256];
	struct chain_out o;

	peer_chain_start(&o, buf, sizeof buf);
	peer_put_ike_sa(p, &o, chosen, peer_spoil(p, p->wrong.bad_proposal, kind));
	if (kind == PEER_MM1) {
		memcpy(s->sa_b, buf + 4, o.w.len - 4);
		s->sa_b_len = o.w.len - 4;
	}
	put_vids(p, &o);
	if (kind == PEER_MM1 || s->natt)
		peer_natt_put_vid(p, &o);
	put_padding(p, &o);
	peer_ike_send(p, now, s, kind, 0, NULL, &o, &s->again);
}

static void
send_ke(struct peer *p, ns_t now, struct ike *s, enum peer_kind kind)
{
	uint8_t buf[MSG_MAX - 256], *nonce = s->initiator ? s->n.i : s->n.r;
	struct chain_out o;

	peer_random(p, nonce, NONCE_LEN);
	*(s->initiator ? &s->n.i_len : &s->n.r_len) = NONCE_LEN;
	peer_chain_start(&o, buf, sizeof buf);
	peer_chain_put(&o, PL_KE, s->dh.pub, s->dh.len);
	peer_chain_put(&o, PL_NONCE, nonce, NONCE_LEN);
	put_vids(p, &o);
	if (s->natt)
		peer_natt_put_natd(p, s, &o);
	put_padding(p, &o);
	peer_ike_send(p, now, s, kind, 0, NULL, &o, &s->again);
}

static void
own_id(struct peer *p, const struct ike *s, enum peer_kind kind, uint8_t *id)
{
	ip4_t a = p->cfg.net.addr + (peer_spoil(p, p->wrong.bad_id, kind) ? 1 : 0);

	memcpy(id, (uint8_t[]){1, 17, 500 >> 8, 500 & 0xff}, 4); /* RFC 2407 4.6.2 */
	if (s->natt) /* RFC 3947 4: the port MUST be 0; then RFC 2407 wants the protocol to be */
		memset(id + 1, 0, 3);
	for (int i = 0; i < 4; i++)
		id[4 + i] = (uint8_t)(a >> (24 - 8 * i));
}

static bool
is_first_contact(const struct peer *p)
{
	for (size_t i = 0; i < p->ike_cnt; i++)
		if (p->ikes[i].used && p->ikes[i].up)
			return false;
	for (size_t i = 0; i < p->child_cnt; i++)
		if (p->children[i].used)
			return false;
	return !p->cfg.no_initial_contact;
}

static void
send_auth(struct peer *p, ns_t now, struct ike *s, enum peer_kind kind)
{
	uint8_t buf[256], id[8], h[KEYPRIM_HASH_MAX], cookies[16];
	struct keyike_in in = inputs(p, s);
	struct span sa_b = SPAN(s->sa_b, s->sa_b_len);
	struct chain_out o;

	own_id(p, s, kind, id);
	(s->initiator ? keyike_hash_i : keyike_hash_r)(&s->k, &in, sa_b, SPAN(id, 8), h);
	if (peer_spoil(p, p->wrong.bad_hash, kind))
		h[0] ^= 1;
	peer_chain_start(&o, buf, sizeof buf);
	peer_chain_put(&o, PL_ID, id, 8);
	if (!peer_spoil(p, p->wrong.no_hash, kind))
		peer_chain_put(&o, PL_HASH, h, keyprim_hash_len(s->k.hash));
	if (s->initiator && is_first_contact(p)) {
		memcpy(cookies, s->k.icookie, 8);
		memcpy(cookies + 8, s->k.rcookie, 8);
		peer_put_notify(&o, 1, NOTIFY_INITIAL_CONTACT, cookies, 16, NULL, 0);
	}
	if (peer_spoil(p, p->wrong.bad_body, kind))
		buf[o.open_at + 2] ^= 0x40;
	if (p->wrong.edit_plain)
		o.w.len = p->wrong.edit_plain(p->wrong.ctx, kind, buf, o.w.len, sizeof buf);
	peer_ike_send(p, now, s, kind, 0, s->iv, &o, &s->again);
}

void
peer_mm_start(struct peer *p, ns_t now, unsigned children)
{
	struct ike *s = peer_ike_new(p, now, true);

	if (!s)
		return;
	peer_random(p, s->k.icookie, 8);
	memcpy(p->p1[s->record].icookie, s->k.icookie, 8);
	s->want_children = children;
	s->step = 2;
	send_sa(p, now, s, PEER_MM1, NULL);
}

/* -- what is received -- */

/* The first offer that is acceptable; -1 if none is. */
static int
choose(const struct peer *p, const struct offer *offers, int cnt, struct peer_ike_prop *prop,
	uint32_t *life)
{
	int chosen = -1;

	for (int i = 0; i < cnt; i++)
		if ((chosen < 0 || p->wrong.choose_ike == PEER_CHOOSE_LAST) &&
			peer_match_ike(p, &offers[i], prop, life))
			chosen = i;
	return chosen;
}

/* The responder's part of message 1. */
void
peer_mm_first(struct peer *p, struct in *m)
{
	const struct chain_item *sa = peer_chain_get(&m->c, PL_SA, 0);
	struct offer offers[OFFER_MAX];
	struct peer_ike_prop prop;
	const char *bad = "message 1 without SA";
	uint32_t life = 0;
	int cnt, i;
	struct ike *s;

	cnt = sa && m->c.item[0].type == PL_SA && sa->len <= sizeof s->sa_b
		      ? peer_offers_read(sa->body, sa->len, offers, &bad)
		      : -1;
	i = cnt < 0 ? -1 : choose(p, offers, cnt, &prop, &life);
	if (i < 0) {
		peer_refuse(p, m->now, cnt < 0 ? bad : "no proposal chosen");
		if (cnt >= 0)
			peer_ike_plain_notify(p, m->now, m, NOTIFY_NO_PROPOSAL);
		return;
	}
	s = peer_ike_new(p, m->now, false);
	if (!s)
		return;
	memcpy(s->k.icookie, m->icookie, 8);
	peer_random(p, s->k.rcookie, 8);
	s->at = m->from;
	memcpy(s->sa_b, sa->body, sa->len);
	s->sa_b_len = sa->len;
	take_prop(p, s, &prop, life);
	read_vids(m, s);
	peer_natt_read_vid(p, m, s);
	s->step = 3;
	send_sa(p, m->now, s, PEER_MM2, &offers[i]);
}

static const char *
take_2(struct peer *p, struct in *m, struct ike *s)
{
	const struct chain_item *sa = peer_chain_get(&m->c, PL_SA, 0);
	struct offer offers[OFFER_MAX];
	struct peer_ike_prop prop;
	const char *bad = "message 2 without SA";
	uint32_t life = 0;

	if (!sa || m->c.item[0].type != PL_SA)
		return bad;
	switch (peer_offers_read(sa->body, sa->len, offers, &bad)) {
	case -1:
		return bad;
	case 1:
		break;
	default:
		return "message 2 chooses more than one";
	}
	if (!peer_match_ike(p, &offers[0], &prop, &life))
		return "message 2 chooses what was not offered";
	memcpy(s->k.rcookie, m->rcookie, 8);
	take_prop(p, s, &prop, life);
	read_vids(m, s);
	peer_natt_read_vid(p, m, s);
	if (!peer_dh_start(p, &s->dh, prop.group))
		return "group";
	s->step = 4;
	send_ke(p, m->now, s, PEER_MM3);
	return NULL;
}

static const char *
take_3(struct peer *p, struct in *m, struct ike *s)
{
	if (!take_nonce(peer_chain_get(&m->c, PL_NONCE, 0), s->n.i, &s->n.i_len))
		return "message 3: nonce";
	if (!peer_dh_start(p, &s->dh, s->prop.group) ||
		!peer_dh_finish(&s->dh, peer_chain_get(&m->c, PL_KE, 0)))
		return "message 3: key exchange";
	read_vids(m, s);
	s->at = m->from;
	peer_natt_read_natd(p, m, s);
	s->step = 5;
	send_ke(p, m->now, s, PEER_MM4);
	return derive(p, s) ? NULL : "keys";
}

static const char *
take_4(struct peer *p, struct in *m, struct ike *s)
{
	if (!take_nonce(peer_chain_get(&m->c, PL_NONCE, 0), s->n.r, &s->n.r_len))
		return "message 4: nonce";
	if (!peer_dh_finish(&s->dh, peer_chain_get(&m->c, PL_KE, 0)))
		return "message 4: key exchange";
	read_vids(m, s);
	peer_natt_read_natd(p, m, s);
	if (s->encap && s->at.local == PORT_IKE && !p->wrong.no_float) {
		s->at.local = PORT_NATT; /* RFC 3947 4: from message 5 on */
		s->at.remote = p->cfg.natt.port_natt ? p->cfg.natt.port_natt : PORT_NATT;
	}
	if (!derive(p, s))
		return "keys";
	s->step = 6;
	send_auth(p, m->now, s, PEER_MM5);
	return NULL;
}

/* RFC 2407 4.6.2: an address; protocol and port zero, or UDP 500; RFC 3947 4: then port 0. */
static bool
id_is_remote(const struct peer *p, bool natt, const struct chain_item *id)
{
	if (id->len != 8 || id->body[0] != 1)
		return false;
	if (IP4(id->body[4], id->body[5], id->body[6], id->body[7]) !=
		(p->cfg.remote_id ? p->cfg.remote_id : p->cfg.remote))
		return false;
	if (!(id->body[2] | id->body[3]))
		return !id->body[1] || (natt && id->body[1] == 17);
	return !natt && id->body[1] == 17 && IP4(0, 0, id->body[2], id->body[3]) == 500;
}

static const char *
check_auth(struct peer *p, const struct in *m, const struct ike *s)
{
	const struct chain_item *id = peer_chain_get(&m->c, PL_ID, 0),
				*h = peer_chain_get(&m->c, PL_HASH, 0);
	struct keyike_in in = inputs(p, s);
	struct span sa_b = SPAN(s->sa_b, s->sa_b_len);
	uint8_t want[KEYPRIM_HASH_MAX];

	if (!id || !h || h->len != keyprim_hash_len(s->k.hash))
		return "identity or hash missing";
	(s->initiator ? keyike_hash_r : keyike_hash_i)(
		&s->k, &in, sa_b, SPAN(id->body, id->len), want);
	if (!equal_ct(want, h->body, h->len))
		return "phase 1 hash";
	return id_is_remote(p, s->natt, id) ? NULL : "identity is not the remote's";
}

static const char *
take_5(struct peer *p, struct in *m, struct ike *s)
{
	const char *bad = check_auth(p, m, s);

	if (bad)
		return bad;
	memcpy(s->iv, m->iv, sizeof s->iv);
	s->at = m->from;
	s->step = 7;
	send_auth(p, m->now, s, PEER_MM6);
	peer_ike_is_up(p, m->now, s);
	peer_initial_contact(p, m->now, s, &m->c);
	return NULL;
}

static const char *
take_6(struct peer *p, struct in *m, struct ike *s)
{
	const char *bad = check_auth(p, m, s);

	if (bad)
		return bad;
	memcpy(s->iv, m->iv, sizeof s->iv);
	s->step = 7;
	s->again.pending = false;
	s->again.out_len = 0;
	peer_natt_heard_ike(p, m->now, s, &m->from);
	peer_ike_is_up(p, m->now, s);
	peer_initial_contact(p, m->now, s, &m->c);
	return NULL;
}

void
peer_mm_in(struct peer *p, struct in *m, struct ike *s)
{
	static const char *(*const take[7])(struct peer *, struct in *, struct ike *) = {
		[2] = take_2, [3] = take_3, [4] = take_4, [5] = take_5, [6] = take_6};
	const char *bad = s->step < 7 ? take[s->step](p, m, s) : "Main Mode is over";

	if (bad)
		peer_refuse(p, m->now, bad);
}
