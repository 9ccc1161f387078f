/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Informational exchanges of the peer (RFC 2409 5.7): notifications, Deletes, INITIAL-CONTACT (RFC
 * 2407 4.6.3.3), and DPD (RFC 3706). What comes in clear is noted and changes nothing. A number of
 * an R-U-THERE below the last one is refused (6.2); the last one again, or any higher, is answered.
 */
#include <string.h>

#include "harness/peer/peer_priv.h"

enum { PROTO_ISAKMP = 1, PROTO_ESP = 3 };

struct notify {
	uint32_t doi;
	uint8_t protocol, spi_len;
	uint16_t type;
	const uint8_t *spi, *data;
	size_t data_len;
};

static bool
read_notify(const struct chain_item *i, struct notify *n)
{
	struct rd r;

	rd_init(&r, i->body, i->len);
	n->doi = rd_u32(&r, "DOI");
	n->protocol = rd_u8(&r, "protocol");
	n->spi_len = rd_u8(&r, "SPI size");
	n->type = rd_u16(&r, "notify type");
	n->spi = rd_bytes(&r, n->spi_len, "SPI");
	n->data_len = rd_left(&r);
	n->data = r.p;
	return !r.bad;
}

static uint32_t
get_u32(const uint8_t *p)
{
	return IP4(p[0], p[1], p[2], p[3]);
}

static void
put_u32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void
cookies_of(const struct ike *s, uint8_t *c)
{
	memcpy(c, s->k.icookie, 8);
	memcpy(c + 8, s->k.rcookie, 8);
}

/* -- out -- */

void
peer_put_notify(struct chain_out *o, uint8_t protocol, uint16_t type, const void *spi,
	size_t spi_len, const void *data, size_t len)
{
	peer_chain_open(o, PL_NOTIFY);
	wr_u32(&o->w, 1);
	wr_u8(&o->w, protocol);
	wr_u8(&o->w, (uint8_t)spi_len);
	wr_u16(&o->w, type);
	wr_bytes(&o->w, spi, spi_len);
	wr_bytes(&o->w, data, len);
	peer_chain_close(o);
}

void
peer_info_chain(struct peer *p, ns_t now, struct ike *s, enum peer_kind kind, struct chain_out *o)
{
	uint32_t id = peer_new_msgid(p, s);
	uint8_t iv[KEYPRIM_BLOCK_MAX];

	keyike_phase2_iv(&s->k, id, iv);
	peer_ike_send_hashed(p, now, s, kind, id, iv, o, NULL, 1, NULL);
}

void
peer_send_notify(struct peer *p, ns_t now, struct ike *s, uint16_t type, uint8_t protocol,
	const uint8_t *spi, size_t spi_len)
{
	uint8_t buf[256];
	struct chain_out o;

	peer_chain_start(&o, buf, sizeof buf);
	peer_put_notify(&o, protocol, type, spi, spi_len, NULL, 0);
	peer_info_chain(p, now, s, PEER_INFO_NOTIFY, &o);
}

static void
send_delete(struct peer *p, ns_t now, struct ike *s, enum peer_kind kind, uint8_t protocol,
	const uint8_t *spi, uint8_t spi_len)
{
	uint8_t buf[256];
	struct chain_out o;

	peer_chain_start(&o, buf, sizeof buf);
	peer_chain_open(&o, PL_DELETE);
	wr_u32(&o.w, 1);
	wr_u8(&o.w, protocol);
	wr_u8(&o.w, spi_len);
	wr_u16(&o.w, 1);
	wr_bytes(&o.w, spi, spi_len);
	peer_chain_close(&o);
	peer_info_chain(p, now, s, kind, &o);
}

void
peer_send_delete_esp(struct peer *p, ns_t now, struct ike *s, uint32_t spi)
{
	uint8_t b[4];

	put_u32(b, spi);
	send_delete(p, now, s, PEER_INFO_DELETE_ESP, PROTO_ESP, b, 4);
}

void
peer_send_delete_ike(struct peer *p, ns_t now, struct ike *s)
{
	uint8_t b[16];

	cookies_of(s, b);
	send_delete(p, now, s, PEER_INFO_DELETE_IKE, PROTO_ISAKMP, b, 16);
}

static void
send_dpd(struct peer *p, ns_t now, struct ike *s, enum peer_kind kind, uint32_t number)
{
	uint8_t buf[256], spi[16], data[4];
	struct chain_out o;

	cookies_of(s, spi);
	if (p->wrong.dpd_wrong_cookies)
		spi[15] ^= 0xff;
	put_u32(data, number);
	peer_chain_start(&o, buf, sizeof buf);
	peer_put_notify(&o, PROTO_ISAKMP,
		kind == PEER_DPD_ASK ? NOTIFY_R_U_THERE : NOTIFY_R_U_THERE_ACK, spi, 16, data, 4);
	peer_info_chain(p, now, s, kind, &o);
}

/* -- DPD, asking -- */

void
peer_dpd_ask(struct peer *p, ns_t now, struct ike *s)
{
	if (!s->dpd_started) {
		s->dpd_next = peer_random_u32(p) & 0x7fffffff; /* 6.2: high bit clear */
		s->dpd_started = true;
	}
	if (p->wrong.dpd_force) {
		s->dpd_next = p->wrong.dpd_force;
		p->wrong.dpd_force = 0;
	}
	if (!s->dpd_waiting) {
		s->dpd_asked = s->dpd_next++;
		s->dpd_sendings = 0;
		s->dpd_waiting = true;
	} else {
		p->n.dpd_repeats++;
	}
	s->dpd_sendings++;
	s->dpd_at = now + p->cfg.dpd_retry;
	p->n.dpd_sent++;
	peer_note(p, now, PEER_EV_DPD_SENT, s->dpd_asked, NULL);
	send_dpd(p, now, s, PEER_DPD_ASK, s->dpd_asked);
}

/* 5.4: after some repetitions, the SAs to the other go. */
static void
dead(struct peer *p, ns_t now)
{
	peer_note(p, now, PEER_EV_DPD_DEAD, 0, NULL);
	peer_drop_all(p, now, NULL, PEER_END_DPD);
}

static ns_t
dpd_due(const struct peer *p, const struct ike *s)
{
	if (!s->used || !s->up)
		return NS_NEVER;
	if (s->dpd_waiting)
		return s->dpd_at;
	return p->cfg.dpd_every && s->dpd ? s->heard + p->cfg.dpd_every : NS_NEVER;
}

void
peer_dpd_tick(struct peer *p, ns_t now)
{
	for (size_t i = 0; i < p->ike_cnt; i++) {
		struct ike *s = &p->ikes[i];

		if (now < dpd_due(p, s))
			continue;
		if (s->dpd_waiting && s->dpd_sendings >= p->cfg.dpd_tries) {
			dead(p, now);
			return;
		}
		if (s->dpd_waiting || s == peer_ike_up(p))
			peer_dpd_ask(p, now, s);
		else
			s->heard = now; /* an older SA is not asked: the newest speaks for all */
	}
}

ns_t
peer_dpd_deadline(const struct peer *p)
{
	ns_t at = NS_NEVER;

	for (size_t i = 0; i < p->ike_cnt; i++)
		at = ns_min(at, dpd_due(p, &p->ikes[i]));
	return at;
}

/* -- in -- */

static void
dpd_bad(struct peer *p, ns_t now, const char *what)
{
	p->n.dpd_bad++;
	peer_refuse(p, now, what);
}

static void
dpd_asked(struct peer *p, ns_t now, struct ike *s, uint32_t number)
{
	if (peer_ignores(p, now, PEER_DPD_ASK))
		return;
	p->n.dpd_asked++;
	peer_note(p, now, PEER_EV_DPD_ASKED, number, NULL);
	if (s->dpd_heard_any && number < s->dpd_heard) {
		dpd_bad(p, now, "R-U-THERE below the last one");
		return;
	}
	s->dpd_heard = number;
	s->dpd_heard_any = true;
	send_dpd(p, now, s, PEER_DPD_ACK, number + (p->wrong.dpd_wrong_number ? 1 : 0));
}

static void
dpd_acked(struct peer *p, ns_t now, struct ike *s, uint32_t number)
{
	if (peer_ignores(p, now, PEER_DPD_ACK))
		return;
	p->n.dpd_acked++;
	peer_note(p, now, PEER_EV_DPD_ACKED, number, NULL);
	if (s->dpd_waiting && number == s->dpd_asked)
		s->dpd_waiting = false;
	else
		dpd_bad(p, now, "ACK of a number not asked");
}

static void
dpd_in(struct peer *p, ns_t now, struct ike *s, const struct notify *n)
{
	uint8_t cookies[16];

	cookies_of(s, cookies);
	if (n->protocol != PROTO_ISAKMP || n->data_len != 4)
		dpd_bad(p, now, "DPD notification malformed");
	else if (n->spi_len != 16 || memcmp(n->spi, cookies, 16))
		dpd_bad(p, now, "DPD with other cookies");
	else if (n->type == NOTIFY_R_U_THERE)
		dpd_asked(p, now, s, get_u32(n->data));
	else
		dpd_acked(p, now, s, get_u32(n->data));
}

static void
note_notify(struct peer *p, ns_t now, const struct notify *n, const char *what)
{
	struct peer_event *e = peer_note(p, now, PEER_EV_NOTIFY, n->type, what);

	p->n.notifies_in++;
	if (n->protocol == PROTO_ESP && n->spi_len == 4)
		e->spi = get_u32(n->spi);
}

void
peer_initial_contact(struct peer *p, ns_t now, const struct ike *s, const struct chain *c)
{
	struct notify n;

	for (size_t i = 0; i < c->cnt; i++)
		if (c->item[i].type == PL_NOTIFY && read_notify(&c->item[i], &n) &&
			n.type == NOTIFY_INITIAL_CONTACT) {
			p->n.initial_contact_in++;
			peer_note(p, now, PEER_EV_INITIAL_CONTACT, 0, NULL);
			peer_drop_all(p, now, s, PEER_END_REPLACED);
		}
}

static void
delete_one(struct peer *p, ns_t now, uint8_t protocol, const uint8_t *spi, size_t len)
{
	struct ike *s;

	if (peer_ignores(
		    p, now, protocol == PROTO_ESP ? PEER_INFO_DELETE_ESP : PEER_INFO_DELETE_IKE))
		return;
	if (protocol == PROTO_ESP && len == 4) {
		peer_note(p, now, PEER_EV_DELETE_ESP, get_u32(spi), NULL);
		for (size_t i = 0; i < p->child_cnt; i++)
			if (p->children[i].used && p->children[i].out.spi == get_u32(spi))
				peer_child_drop(p, now, &p->children[i], PEER_END_DELETED);
	} else if (protocol == PROTO_ISAKMP && len == 16) {
		peer_note(p, now, PEER_EV_DELETE_IKE, 0, NULL);
		s = peer_ike_find(p, spi, spi + 8);
		if (s)
			peer_ike_drop(p, now, s, PEER_END_DELETED);
	} else {
		peer_refuse(p, now, "Delete of an unknown protocol");
	}
}

/* RFC 2408 3.15. */
static void
delete_in(struct peer *p, ns_t now, const struct chain_item *i)
{
	struct rd r;
	uint8_t protocol, len;
	uint16_t cnt;

	rd_init(&r, i->body, i->len);
	rd_u32(&r, "DOI");
	protocol = rd_u8(&r, "protocol");
	len = rd_u8(&r, "SPI size");
	cnt = rd_u16(&r, "number of SPIs");
	if (r.bad || rd_left(&r) != (size_t)cnt * len) {
		peer_refuse(p, now, "Delete malformed");
		return;
	}
	p->n.deletes_in++;
	while (cnt--)
		delete_one(p, now, protocol, rd_bytes(&r, len, "SPI"), len);
}

void
peer_info_in(struct peer *p, struct in *m, struct ike *s)
{
	struct notify n;

	if (!peer_ike_check_hash(s, m, NULL, 1)) {
		peer_refuse(p, m->now, "informational hash");
		return;
	}
	peer_keep_msgid(s, m->msgid);
	s->heard = m->now;
	peer_natt_heard_ike(p, m->now, s, &m->from);
	for (size_t i = 1; i < m->c.cnt && s->used; i++) {
		const struct chain_item *c = &m->c.item[i];

		if (c->type == PL_DELETE) {
			delete_in(p, m->now, c);
			continue;
		}
		if (c->type != PL_NOTIFY)
			continue;
		if (!read_notify(c, &n))
			peer_refuse(p, m->now, "notification malformed");
		else if (n.type == NOTIFY_R_U_THERE || n.type == NOTIFY_R_U_THERE_ACK)
			dpd_in(p, m->now, s, &n);
		else
			note_notify(p, m->now, &n, "protected");
	}
	peer_initial_contact(p, m->now, s, &m->c);
}

void
peer_info_plain(struct peer *p, struct in *m)
{
	struct notify n;

	for (size_t i = 0; i < m->c.cnt; i++)
		if (m->c.item[i].type == PL_NOTIFY && read_notify(&m->c.item[i], &n))
			note_notify(p, m->now, &n, "in clear");
	if (!m->c.cnt)
		peer_refuse(p, m->now, "informational in clear");
}
