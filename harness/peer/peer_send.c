/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ISAKMP messages that the peer sends (RFC 2408 3.1; RFC 2409 App. B): headers, encryption, HASH
 * payloads of phase 2, retransmission, the way over UDP 500 or 4500. Every one passes
 * peer_ike_send, and there it is spoilt, if a case wants it so.
 */
#include <string.h>

#include "harness/peer/peer_priv.h"

#define HEAD 28

static void
put_u32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

void
peer_udp_out(struct peer *p, ns_t now, const struct endpoint *to, const uint8_t *data, size_t len,
	bool sum)
{
	uint8_t ip[NETIF_PACKET_MAX];
	struct pkt_ip h = {
		.src = p->cfg.net.addr, .dst = to->addr, .ttl = 64, .id = netif_next_id(&p->net)};
	size_t n = pkt_put_udp(ip, sizeof ip, &h, to->local, to->remote, data, len);

	if (!n)
		return;
	if (!sum) /* RFC 3948 2.1: SHOULD be zero; the IP header does not cover it */
		memset(ip + 26, 0, 2);
	if (to->local == PORT_NATT)
		p->natt_sent = now;
	netif_ip(&p->net, now, ip, n);
}

static void
send_to(struct peer *p, ns_t now, const struct endpoint *to, const uint8_t *msg, size_t len)
{
	uint8_t b[4 + MSG_MAX + 512] = {0};

	if (len > sizeof b - 4)
		return;
	p->n.ike_out++;
	if (to->local != PORT_NATT || p->wrong.no_marker) {
		peer_udp_out(p, now, to, msg, len, true);
		return;
	}
	memcpy(b + 4, msg, len); /* RFC 3948 2.2: behind the non-ESP marker */
	peer_udp_out(p, now, to, b, 4 + len, true);
}

void
peer_send_ike(struct peer *p, ns_t now, const uint8_t *msg, size_t len)
{
	struct ike *s = peer_ike_up(p);
	struct endpoint first = peer_first_endpoint(p);

	send_to(p, now, s ? &s->at : &first, msg, len);
}

static void
wire_out(struct peer *p, ns_t now, const struct endpoint *to, const struct again *a)
{
	uint8_t b[MSG_MAX + 512];
	size_t len = a->out_len;
	unsigned times = 1;

	memcpy(b, a->out, len);
	if (p->wrong.edit_wire)
		len = p->wrong.edit_wire(p->wrong.ctx, a->kind, b, len, sizeof b);
	if (peer_spoil(p, p->wrong.drop, a->kind))
		times = 0;
	else if (peer_spoil(p, p->wrong.repeat, a->kind))
		times = 1u + (p->wrong.repeat_cnt ? p->wrong.repeat_cnt : 1);
	while (len && times--)
		send_to(p, now, to, b, len);
	peer_spoilt_done(p);
}

static void
header(struct peer *p, const struct ike *s, enum peer_kind kind, uint32_t msgid, uint8_t first,
	bool encrypted, size_t len, uint8_t *b)
{
	uint8_t exchange = kind <= PEER_MM6 ? XCHG_MAIN : kind <= PEER_QM3 ? XCHG_QUICK : XCHG_INFO;
	size_t more = peer_spoil(p, p->wrong.bad_length, kind) ? 4 : 0;

	memcpy(b, s->k.icookie, 8);
	memcpy(b + 8, s->k.rcookie, 8);
	if (peer_spoil(p, p->wrong.bad_cookie, kind)) {
		if (kind == PEER_MM1)
			memset(b, 0, 8);
		else
			b[8] ^= 0x80;
	}
	b[16] = first;
	b[17] = 0x10;
	b[18] = exchange;
	b[19] = encrypted ? FLAG_ENC : 0;
	if (p->cfg.commit && (exchange == XCHG_QUICK || kind == PEER_CONNECTED))
		b[19] |= FLAG_COMMIT;
	if (peer_spoil(p, p->wrong.bad_flags, kind))
		b[19] ^= FLAG_ENC;
	if (peer_spoil(p, p->wrong.bad_msgid, kind))
		msgid ^= 0x5a5a5a5a;
	put_u32(b + 20, msgid);
	put_u32(b + 24, (uint32_t)(len + more));
}

/* Encrypt what follows the header; zeros up to a whole block (RFC 2409 App. B). New length. */
static size_t
protect(struct peer *p, struct ike *s, enum peer_kind kind, uint8_t *iv, uint8_t *body, size_t len)
{
	size_t block = keyprim_block(s->k.cipher);
	size_t padded = (len + block - 1) / block * block;

	memset(body + len, 0, padded - len);
	if (peer_spoil(p, p->wrong.bad_iv, kind))
		for (size_t i = 0; i < block; i++)
			iv[i] ^= 0x5a;
	return keyike_crypt(&s->k, true, iv, body, padded, body) ? padded : 0;
}

static void
arm(struct peer *p, ns_t now, struct again *a)
{
	a->pending = a->kind == PEER_MM1 || a->kind == PEER_MM2 || a->kind == PEER_MM3 ||
		     a->kind == PEER_MM4 || a->kind == PEER_MM5 || a->kind == PEER_QM1 ||
		     a->kind == PEER_QM2;
	a->sendings = 1;
	a->at = now + p->cfg.retry;
}

void
peer_ike_send(struct peer *p, ns_t now, struct ike *s, enum peer_kind kind, uint32_t msgid,
	uint8_t *iv, struct chain_out *o, struct again *a)
{
	struct again once = {0};
	size_t len = o->w.len;

	if (!a)
		a = &once;
	if (peer_spoil(p, p->wrong.bad_body, kind) && !iv && !o->w.bad)
		o->w.base[o->open_at + 2] ^= 0x40;
	if (!iv && p->wrong.edit_plain)
		len = p->wrong.edit_plain(p->wrong.ctx, kind, o->w.base, len, o->w.cap);
	if (o->w.bad || len + HEAD + KEYPRIM_BLOCK_MAX > sizeof a->out)
		return;
	memcpy(a->out + HEAD, o->w.base, len);
	if (iv)
		len = protect(p, s, kind, iv, a->out + HEAD, len);
	header(p, s, kind, msgid, o->first, iv != NULL, HEAD + len, a->out);
	a->out_len = HEAD + len;
	a->kind = kind;
	arm(p, now, a);
	wire_out(p, now, &s->at, a);
}

/* Payloads without HASH are in o; the HASH goes in front of what a case has made of them. */
void
peer_ike_send_hashed(struct peer *p, ns_t now, struct ike *s, enum peer_kind kind, uint32_t msgid,
	uint8_t *iv, struct chain_out *o, const struct nonces *n, int which, struct again *a)
{
	uint8_t buf[MSG_MAX], h[KEYPRIM_HASH_MAX];
	struct chain_out all;
	size_t len = o->w.len;

	if (peer_spoil(p, p->wrong.bad_body, kind) && len && !o->w.bad)
		o->w.base[o->open_at + 2] ^= 0x40;
	if (p->wrong.edit_plain)
		len = p->wrong.edit_plain(p->wrong.ctx, kind, o->w.base, len, o->w.cap);
	if (which == 1)
		keyike_hash1(&s->k, msgid, SPAN(o->w.base, len), h);
	else if (which == 2)
		keyike_hash2(&s->k, msgid, SPAN(n->i, n->i_len), SPAN(o->w.base, len), h);
	else
		keyike_hash3(&s->k, msgid, SPAN(n->i, n->i_len), SPAN(n->r, n->r_len), h);
	if (peer_spoil(p, p->wrong.bad_hash, kind))
		h[0] ^= 1;
	peer_chain_start(&all, buf, sizeof buf);
	if (peer_spoil(p, p->wrong.no_hash, kind)) {
		all.first = o->first;
	} else {
		peer_chain_put(&all, PL_HASH, h, keyprim_hash_len(s->k.hash));
		if (len)
			buf[0] = o->first;
	}
	wr_bytes(&all.w, o->w.base, len);
	if (!all.w.len)
		wr_zero(&all.w, 1);
	all.w.bad |= o->w.bad;
	peer_ike_send(p, now, s, kind, msgid, iv, &all, a);
}

void
peer_ike_resend(struct peer *p, ns_t now, const struct ike *s, struct again *a)
{
	p->n.ike_retransmits++;
	peer_note(p, now, PEER_EV_RETRANSMIT, a->kind, peer_kind_name(a->kind));
	wire_out(p, now, &s->at, a);
}

void
peer_ike_plain_notify(struct peer *p, ns_t now, const struct in *m, uint16_t type)
{
	uint8_t buf[64];
	struct chain_out o;
	struct ike s = {.at = m->from};

	memcpy(s.k.icookie, m->icookie, 8);
	peer_random(p, s.k.rcookie, 8);
	peer_chain_start(&o, buf, sizeof buf);
	peer_put_notify(&o, 1, type, NULL, 0, NULL, 0);
	peer_ike_send(p, now, &s, PEER_INFO_NOTIFY, peer_random_u32(p), NULL, &o, NULL);
}
