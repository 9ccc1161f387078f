/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Quick Mode (RFC 2409 5.5), both roles, with and without PFS. A pair of SAs is put in when its
 * keys are known: inbound at once; outbound when the other is sure to have it (responder: after
 * message 3). One SA payload a Quick Mode, client identities always sent and always compared.
 */
#include <string.h>

#include "harness/peer/peer_priv.h"

static void
put_proxy(struct chain_out *o, const struct peer_proxy *x, uint32_t shift)
{
	bool host = x->net.len == 32;

	peer_chain_open(o, PL_ID);
	wr_u8(&o->w, host ? 1 : 4); /* RFC 2407 4.6.2.1: address, subnet */
	wr_u8(&o->w, x->proto);
	wr_u16(&o->w, x->port);
	wr_u32(&o->w, x->net.addr + shift);
	if (!host)
		wr_u32(&o->w, ip4_mask(x->net.len));
	peer_chain_close(o);
}

static bool
is_proxy(const struct chain_item *i, const struct peer_proxy *x)
{
	struct rd r;
	uint8_t type, proto;
	uint16_t port;
	ip4_t addr, mask;

	rd_init(&r, i->body, i->len);
	type = rd_u8(&r, "ID type");
	proto = rd_u8(&r, "ID protocol");
	port = rd_u16(&r, "ID port");
	addr = rd_u32(&r, "ID address");
	mask = type == 4 ? rd_u32(&r, "ID mask") : ip4_mask(32);
	if (r.bad || rd_left(&r) || (type != 1 && type != 4))
		return false;
	return proto == x->proto && port == x->port && addr == x->net.addr &&
	       mask == ip4_mask(x->net.len);
}

/* IDci, IDcr as this side sees them; none at all means the gateways themselves. */
static bool
proxies_good(const struct peer *p, const struct in *m, bool initiator)
{
	const struct chain_item *i = peer_chain_get(&m->c, PL_ID, 0),
				*r = peer_chain_get(&m->c, PL_ID, 1);
	const struct peer_proxy *ci = initiator ? &p->cfg.local : &p->cfg.far;
	const struct peer_proxy *cr = initiator ? &p->cfg.far : &p->cfg.local;

	return i && r && peer_chain_count(&m->c, PL_ID) == 2 && is_proxy(i, ci) && is_proxy(r, cr);
}

/* SA, nonce, KE, identities: the body of messages 1 and 2. */
static void
send_offer(struct peer *p, ns_t now, struct ike *s, struct qm *q, enum peer_kind kind,
	const struct offer *chosen)
{
	uint8_t buf[MSG_MAX - 128], *nonce = q->initiator ? q->n.i : q->n.r;
	struct chain_out o;
	uint32_t shift = peer_spoil(p, p->wrong.bad_id, kind) ? 256 : 0;
	bool spoilt = peer_spoil(p, p->wrong.bad_proposal, kind);

	peer_random(p, nonce, NONCE_LEN);
	*(q->initiator ? &q->n.i_len : &q->n.r_len) = NONCE_LEN;
	peer_chain_start(&o, buf, sizeof buf);
	peer_put_esp_sa(p, &o, q, chosen, spoilt);
	peer_chain_put(&o, PL_NONCE, nonce, NONCE_LEN);
	if (q->dh.group)
		peer_chain_put(&o, PL_KE, q->dh.pub, q->dh.len);
	put_proxy(&o, q->initiator ? &p->cfg.local : &p->cfg.far, shift);
	put_proxy(&o, q->initiator ? &p->cfg.far : &p->cfg.local, shift);
	peer_ike_send_hashed(
		p, now, s, kind, q->msgid, q->iv, &o, &q->n, kind == PEER_QM1 ? 1 : 2, &q->again);
}

static uint32_t
fresh_spi(struct peer *p)
{
	uint32_t spi = peer_random_u32(p);

	while (spi < 256 || peer_child_in(p, spi)) /* RFC 4303 2.1: 1 to 255 are reserved */
		spi = peer_random_u32(p);
	return spi;
}

void
peer_qm_start(struct peer *p, ns_t now, struct ike *s, size_t rekeys)
{
	struct qm *q = peer_qm_new(p, now, s, true, peer_new_msgid(p, s));

	if (!q)
		return;
	q->rekeys = rekeys;
	q->spi_in = p->p2[q->record].spi_in = fresh_spi(p);
	if (p->cfg.pfs_group && !peer_dh_start(p, &q->dh, p->cfg.pfs_group))
		return;
	keyike_phase2_iv(&s->k, q->msgid, q->iv);
	q->step = 2;
	send_offer(p, now, s, q, PEER_QM1, NULL);
}

static bool
take_nonce(const struct chain_item *i, uint8_t *n, size_t *len)
{
	if (!i || i->len < 8 || i->len > NONCE_MAX)
		return false;
	memcpy(n, i->body, i->len);
	*len = i->len;
	return true;
}

static const char *
take_ke(struct qm *q, const struct in *m)
{
	const struct chain_item *ke = peer_chain_get(&m->c, PL_KE, 0);

	if (!q->dh.group)
		return ke ? "key exchange without a group" : NULL;
	return peer_dh_finish(&q->dh, ke) ? NULL : "key exchange";
}

static uint32_t
smaller(uint32_t a, uint32_t b)
{
	return a && (!b || a < b) ? a : b;
}

static void
take_offer(struct peer *p, struct qm *q, const struct offer *o, const struct peer_esp_prop *prop,
	struct life life)
{
	struct peer_phase2 *r = &p->p2[q->record];

	q->spi_out = IP4(o->spi[0], o->spi[1], o->spi[2], o->spi[3]);
	q->prop = *prop;
	q->life.s = smaller(life.s, p->cfg.esp_life_s);
	q->life.kb = smaller(life.kb, p->cfg.esp_life_kb);
	r->spi_in = q->spi_in;
	r->spi_out = q->spi_out;
	r->prop = *prop;
	r->pfs_group = q->dh.group;
	r->udp = q->udp;
	r->life_s = q->life.s;
	r->life_kb = q->life.kb;
}

/* First offer that is acceptable: its index, or -1 and why. An answer holds one alone. */
static int
choose(struct peer *p, const struct in *m, bool udp, bool answer, struct offer *offers,
	struct peer_esp_prop *prop, struct life *life, const char **bad)
{
	const struct chain_item *sa = peer_chain_get(&m->c, PL_SA, 0);
	int cnt, chosen = -1;

	*bad = "Quick Mode without SA";
	if (!sa || m->c.cnt < 2 || m->c.item[1].type != PL_SA ||
		peer_chain_count(&m->c, PL_SA) != 1)
		return -1;
	cnt = peer_offers_read(sa->body, sa->len, offers, bad);
	for (int i = 0; i < cnt; i++)
		if ((chosen < 0 || p->wrong.choose_esp == PEER_CHOOSE_LAST) &&
			peer_match_esp(p, &offers[i], udp, prop, life))
			chosen = i;
	if (cnt > 1 && answer) {
		*bad = "message 2 chooses more than one";
		return -1;
	}
	if (cnt >= 0)
		*bad = "no proposal chosen";
	return chosen;
}

static void
refuse(struct peer *p, const struct in *m, struct ike *s, const char *why, uint16_t notify)
{
	peer_refuse(p, m->now, why);
	if (notify)
		peer_send_notify(p, m->now, s, notify, 3, NULL, 0);
}

static void
take_1(struct peer *p, struct in *m, struct ike *s)
{
	struct offer offers[OFFER_MAX];
	struct peer_esp_prop prop;
	struct nonces n;
	struct dh dh = {0};
	struct life life;
	const char *bad;
	int i = choose(p, m, s->encap, false, offers, &prop, &life, &bad);
	const struct chain_item *ke = peer_chain_get(&m->c, PL_KE, 0);
	struct qm *q;

	if (i < 0) {
		refuse(p, m, s, bad, NOTIFY_NO_PROPOSAL);
		return;
	}
	if (!proxies_good(p, m, false)) {
		refuse(p, m, s, "client identities", NOTIFY_INVALID_ID);
		return;
	}
	if (!take_nonce(peer_chain_get(&m->c, PL_NONCE, 0), n.i, &n.i_len)) {
		refuse(p, m, s, "nonce", 0);
		return;
	}
	if (p->cfg.pfs_group ? !peer_dh_start(p, &dh, p->cfg.pfs_group) || !peer_dh_finish(&dh, ke)
			     : ke != NULL) {
		refuse(p, m, s, "key exchange", 0);
		return;
	}
	q = peer_qm_new(p, m->now, s, false, m->msgid);
	if (!q)
		return;
	peer_keep_msgid(s, m->msgid);
	q->commit_theirs = m->flags & FLAG_COMMIT;
	q->n = n;
	q->dh = dh;
	q->spi_in = fresh_spi(p);
	memcpy(q->iv, m->iv, sizeof q->iv);
	take_offer(p, q, &offers[i], &prop, life);
	q->step = 3;
	send_offer(p, m->now, s, q, PEER_QM2, &offers[i]);
	peer_child_new(p, m->now, q);
}

static const char *
take_2(struct peer *p, struct in *m, struct ike *s, struct qm *q)
{
	struct offer offers[OFFER_MAX];
	struct peer_esp_prop prop;
	struct life life;
	uint8_t buf[16];
	const char *bad;
	struct chain_out o;
	int i = choose(p, m, q->udp, true, offers, &prop, &life, &bad);

	if (i < 0)
		return bad;
	if (!proxies_good(p, m, true))
		return "client identities";
	if (!take_nonce(peer_chain_get(&m->c, PL_NONCE, 0), q->n.r, &q->n.r_len))
		return "nonce";
	bad = take_ke(q, m);
	if (bad)
		return bad;
	memcpy(q->iv, m->iv, sizeof q->iv);
	take_offer(p, q, &offers[0], &prop, life);
	q->step = 4;
	peer_chain_start(&o, buf, sizeof buf);
	peer_child_new(p, m->now, q);
	peer_ike_send_hashed(p, m->now, s, PEER_QM3, q->msgid, q->iv, &o, &q->n, 3, &q->again);
	peer_commit_done(p, m->now, q);
	return NULL;
}

void
peer_qm_in(struct peer *p, struct in *m, struct ike *s, struct qm *q)
{
	const char *bad = NULL;
	int which = !q ? 1 : q->initiator ? 2 : 3;
	struct nonces n = {.i_len = 0};

	if (q)
		n = q->n;
	if (which == 2 && !take_nonce(peer_chain_get(&m->c, PL_NONCE, 0), n.r, &n.r_len))
		bad = "nonce";
	else if (!peer_ike_check_hash(s, m, &n, which))
		bad = "Quick Mode hash";
	if (bad) {
		peer_refuse(p, m->now, bad);
		return;
	}
	if (peer_ignores(p, m->now, PEER_QM1 + (enum peer_kind)(which - 1)))
		return;
	if (q && m->flags & FLAG_COMMIT)
		q->commit_theirs = true;
	s->heard = m->now;
	peer_natt_heard_ike(p, m->now, s, &m->from);
	if (which == 1) {
		if (p->wrong.collide & PEER_BIT(PEER_QM1)) {
			p->wrong.collide &= ~PEER_BIT(PEER_QM1);
			peer_rekey_child(p, m->now);
		}
		take_1(p, m, s);
		return;
	}
	if (which == 2) {
		bad = take_2(p, m, s, q);
		if (bad)
			peer_refuse(p, m->now, bad);
		return;
	}
	memcpy(q->iv, m->iv, sizeof q->iv);
	q->step = 4;
	q->again.pending = false;
	peer_commit_done(p, m->now, q);
}
