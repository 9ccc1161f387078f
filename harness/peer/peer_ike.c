/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ISAKMP messages of the peer, in and out (RFC 2408 3.1, 5.1; RFC 2409 5, App. B): headers,
 * encryption, HASH payloads of phase 2, retransmission, and who handles what came. Every outgoing
 * message passes peer_ike_send, and there it is spoilt, if a case wants it so.
 *
 * A message that cannot be parsed, opened or matched is refused: noted with its reason, no state
 * changed.
 */
#include <string.h>

#include "harness/peer/peer_priv.h"

#define HEAD 28
#define PORT 500

static const uint8_t no_cookie[8];

static void
put_u32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* -- out -- */

void
peer_send_ike(struct peer *p, ns_t now, const uint8_t *msg, size_t len)
{
	uint8_t ip[NETIF_PACKET_MAX];
	struct pkt_ip h = {.src = p->cfg.net.addr,
		.dst = p->cfg.remote,
		.ttl = 64,
		.id = netif_next_id(&p->net)};
	size_t n = pkt_put_udp(ip, sizeof ip, &h, PORT, PORT, msg, len);

	p->n.ike_out++;
	if (n)
		netif_ip(&p->net, now, ip, n);
}

static void
wire_out(struct peer *p, ns_t now, const struct again *a)
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
		peer_send_ike(p, now, b, len);
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
	wire_out(p, now, a);
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
peer_ike_resend(struct peer *p, ns_t now, struct again *a)
{
	p->n.ike_retransmits++;
	peer_note(p, now, PEER_EV_RETRANSMIT, a->kind, peer_kind_name(a->kind));
	wire_out(p, now, a);
}

void
peer_ike_plain_notify(struct peer *p, ns_t now, const struct in *m, uint16_t type)
{
	uint8_t buf[64];
	struct chain_out o;
	struct ike s = {0};

	memcpy(s.k.icookie, m->icookie, 8);
	peer_random(p, s.k.rcookie, 8);
	peer_chain_start(&o, buf, sizeof buf);
	peer_put_notify(&o, 1, type, NULL, 0, NULL, 0);
	peer_ike_send(p, now, &s, PEER_INFO_NOTIFY, peer_random_u32(p), NULL, &o, NULL);
}

/* -- message ids -- */

bool
peer_used_msgid(const struct ike *s, uint32_t id)
{
	size_t n = s->id_cnt < 32 ? s->id_cnt : 32;

	for (size_t i = 0; i < n; i++)
		if (s->ids[i] == id)
			return true;
	return false;
}

void
peer_keep_msgid(struct ike *s, uint32_t id)
{
	s->ids[s->id_cnt++ % 32] = id;
}

uint32_t
peer_new_msgid(struct peer *p, struct ike *s)
{
	uint32_t id = peer_random_u32(p);

	while (peer_used_msgid(s, id))
		id = peer_random_u32(p);
	peer_keep_msgid(s, id);
	return id;
}

/* -- in -- */

static bool
read_header(struct peer *p, struct in *m, const uint8_t *msg, size_t len)
{
	struct rd r;
	uint32_t size;
	uint8_t version;

	rd_init(&r, msg, len);
	m->raw = msg;
	m->raw_len = len;
	rd_copy(&r, m->icookie, 8, "initiator cookie");
	rd_copy(&r, m->rcookie, 8, "responder cookie");
	m->first = rd_u8(&r, "next payload");
	version = rd_u8(&r, "version");
	m->exchange = rd_u8(&r, "exchange type");
	m->flags = rd_u8(&r, "flags");
	m->msgid = rd_u32(&r, "message id");
	size = rd_u32(&r, "length");
	if (r.bad)
		peer_refuse(p, m->now, "header too short");
	else if (version >> 4 != 1)
		peer_refuse(p, m->now, "version");
	else if (size != len)
		peer_refuse(p, m->now, "header length is not the datagram's");
	else if (!memcmp(m->icookie, no_cookie, 8))
		peer_refuse(p, m->now, "initiator cookie is zero");
	else
		return true;
	return false;
}

/* The body in clear, taken apart. iv: NULL if it must not be encrypted; moved on when it is good.
 */
static bool
open_body(struct peer *p, struct in *m, const struct ike *s, uint8_t *iv)
{
	uint8_t next_iv[KEYPRIM_BLOCK_MAX];

	m->body_len = m->raw_len - HEAD;
	if (m->body_len > sizeof m->body) {
		peer_refuse(p, m->now, "message too long");
		return false;
	}
	memcpy(m->body, m->raw + HEAD, m->body_len);
	if (!(m->flags & FLAG_ENC) == (iv != NULL)) {
		peer_refuse(p, m->now, iv ? "not encrypted" : "encrypted too early");
		return false;
	}
	if (iv) {
		memcpy(next_iv, iv, sizeof next_iv);
		if (!keyike_crypt(&s->k, false, next_iv, m->body, m->body_len, m->body)) {
			peer_refuse(p, m->now, "not whole cipher blocks");
			return false;
		}
	}
	if (!peer_chain_read(&m->c, m->first, m->body, m->body_len)) {
		peer_refuse(p, m->now, iv ? "payloads (wrong key?)" : m->c.bad);
		return false;
	}
	if (iv)
		memcpy(iv, next_iv, sizeof next_iv);
	return true;
}

bool
peer_ike_check_hash(const struct ike *s, const struct in *m, const struct nonces *n, int which)
{
	const struct chain_item *i = &m->c.item[0];
	struct span rest;
	uint8_t h[KEYPRIM_HASH_MAX];

	if (!m->c.cnt || i->type != PL_HASH || i->len != keyprim_hash_len(s->k.hash))
		return false;
	rest = SPAN(i->raw + i->raw_len, (size_t)(m->c.end - (i->raw + i->raw_len)));
	if (which == 1)
		keyike_hash1(&s->k, m->msgid, rest, h);
	else if (which == 2)
		keyike_hash2(&s->k, m->msgid, SPAN(n->i, n->i_len), rest, h);
	else
		keyike_hash3(&s->k, m->msgid, SPAN(n->i, n->i_len), SPAN(n->r, n->r_len), h);
	return equal_ct(h, i->body, i->len);
}

/* The same bytes as the message last taken: answer as then (RFC 2408 5.1), change nothing. */
static bool
is_repeat(struct peer *p, struct in *m, struct again *a, const uint8_t *digest)
{
	if (!a->have_in || memcmp(a->in, digest, KEYPRIM_SHA256_LEN))
		return false;
	p->n.ike_duplicates++;
	peer_note(p, m->now, PEER_EV_DUPLICATE, m->msgid, NULL);
	if (a->out_len)
		peer_ike_resend(p, m->now, a);
	return true;
}

static void
taken(struct again *a, const uint8_t *digest)
{
	memcpy(a->in, digest, KEYPRIM_SHA256_LEN);
	a->have_in = true;
}

static struct ike *
repeat_of_first(struct peer *p, const struct in *m)
{
	for (size_t i = 0; i < IKE_MAX; i++)
		if (p->ikes[i].used && !p->ikes[i].initiator &&
			!memcmp(p->ikes[i].k.icookie, m->icookie, 8))
			return &p->ikes[i];
	return NULL;
}

static void
main_in(struct peer *p, struct in *m, const uint8_t *digest)
{
	bool first = !memcmp(m->rcookie, no_cookie, 8);
	struct ike *s = first ? repeat_of_first(p, m) : peer_ike_find(p, m->icookie, m->rcookie);
	uint8_t iv[KEYPRIM_BLOCK_MAX];
	uint8_t step;

	if (s && is_repeat(p, m, &s->again, digest))
		return;
	if (!s && !first) {
		peer_refuse(p, m->now, "unknown cookies");
		return;
	}
	if (first && (s || m->msgid)) {
		peer_refuse(p, m->now, s ? "cookie in use" : "message id in Main Mode");
		return;
	}
	if (first) {
		if (open_body(p, m, NULL, NULL))
			peer_mm_first(p, m);
		s = repeat_of_first(p, m);
		if (s)
			taken(&s->again, digest);
		return;
	}
	if (s->up || m->msgid) {
		peer_refuse(p, m->now, "Main Mode is over");
		return;
	}
	memcpy(iv, s->iv, sizeof iv);
	if (!open_body(p, m, s, s->step >= 5 ? iv : NULL))
		return;
	memcpy(m->iv, iv, sizeof iv);
	step = s->step;
	peer_mm_in(p, m, s);
	if (s->used && s->step != step)
		taken(&s->again, digest);
}

static void
quick_in(struct peer *p, struct in *m, struct ike *s, const uint8_t *digest)
{
	struct qm *q = peer_qm_find(p, s, m->msgid);
	uint8_t iv[KEYPRIM_BLOCK_MAX];
	uint8_t step;

	if (q && is_repeat(p, m, &q->again, digest))
		return;
	if (q && q->done) {
		peer_refuse(p, m->now, "Quick Mode is over");
		return;
	}
	if (!q && peer_used_msgid(s, m->msgid)) {
		peer_refuse(p, m->now, "message id used before");
		return;
	}
	if (q)
		memcpy(iv, q->iv, sizeof iv);
	else
		keyike_phase2_iv(&s->k, m->msgid, iv);
	if (!open_body(p, m, s, iv))
		return;
	memcpy(m->iv, iv, sizeof iv);
	step = q ? q->step : 0;
	peer_qm_in(p, m, s, q);
	q = peer_qm_find(p, s, m->msgid);
	if (q && q->step != step)
		taken(&q->again, digest);
}

static void
phase2_in(struct peer *p, struct in *m, const uint8_t *digest)
{
	struct ike *s = peer_ike_find(p, m->icookie, m->rcookie);
	uint8_t iv[KEYPRIM_BLOCK_MAX];

	if (!s || !s->up) {
		if (m->exchange == XCHG_INFO && !(m->flags & FLAG_ENC) &&
			open_body(p, m, NULL, NULL))
			peer_info_plain(p, m);
		else
			peer_refuse(p, m->now, s ? "phase 1 is not up" : "unknown cookies");
		return;
	}
	if (!m->msgid) {
		peer_refuse(p, m->now, "message id is zero");
		return;
	}
	if (m->exchange == XCHG_QUICK) {
		quick_in(p, m, s, digest);
		return;
	}
	if (peer_used_msgid(s, m->msgid)) {
		p->n.ike_duplicates++;
		peer_note(p, m->now, PEER_EV_DUPLICATE, m->msgid, "informational");
		return;
	}
	keyike_phase2_iv(&s->k, m->msgid, iv);
	if (open_body(p, m, s, iv))
		peer_info_in(p, m, s);
}

void
peer_ike_in(struct peer *p, ns_t now, const uint8_t *msg, size_t len)
{
	struct in m = {.now = now};
	uint8_t digest[KEYPRIM_SHA256_LEN];

	p->n.ike_in++;
	if (!read_header(p, &m, msg, len))
		return;
	keyprim_digest(KEYPRIM_SHA256, &SPAN(msg, len), 1, digest);
	if (m.exchange == XCHG_MAIN)
		main_in(p, &m, digest);
	else if (m.exchange == XCHG_QUICK || m.exchange == XCHG_INFO)
		phase2_in(p, &m, digest);
	else
		peer_refuse(p, now, "exchange type");
}
