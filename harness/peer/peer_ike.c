/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ISAKMP messages that come to the peer (RFC 2408 3.1, 5.1; RFC 2409 5, App. B): headers,
 * decryption, HASH payloads of phase 2, repetitions, and who handles what came.
 *
 * A message that cannot be parsed, opened or matched is refused: noted with its reason, no state
 * changed.
 */
#include <string.h>

#include "harness/peer/peer_priv.h"

#define HEAD 28

static const uint8_t no_cookie[8];

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

bool
peer_ike_open(struct peer *p, struct in *m, const struct ike *s, uint8_t *iv)
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
is_repeat(struct peer *p, struct in *m, const struct ike *s, struct again *a, const uint8_t *digest)
{
	if (!a->have_in || memcmp(a->in, digest, KEYPRIM_SHA256_LEN))
		return false;
	p->n.ike_duplicates++;
	peer_note(p, m->now, PEER_EV_DUPLICATE, m->msgid, NULL);
	if (a->out_len && !a->timer_only)
		peer_ike_resend(p, m->now, s, a);
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
	for (size_t i = 0; i < p->ike_cnt; i++)
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

	if (s && s->at.local == PORT_NATT && m->from.local != PORT_NATT) {
		peer_refuse(p, m->now, "Main Mode on the port that was left"); /* RFC 3947 4 */
		return;
	}
	if (s && is_repeat(p, m, s, &s->again, digest))
		return;
	if (!s && !first) {
		peer_refuse(p, m->now, "unknown cookies");
		return;
	}
	if (first && !peer_endpoint_good(p, &m->from)) {
		peer_refuse(p, m->now, "IKE from another address");
		return;
	}
	if (first && (s || m->msgid)) {
		peer_refuse(p, m->now, s ? "cookie in use" : "message id in Main Mode");
		return;
	}
	if (first) {
		if (!peer_ike_open(p, m, NULL, NULL) || peer_ignores(p, m->now, PEER_MM1))
			return;
		if (p->wrong.collide & PEER_BIT(PEER_MM1)) {
			p->wrong.collide &= ~PEER_BIT(PEER_MM1);
			peer_rekey_phase1(p, m->now);
		}
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
	if (!peer_ike_open(p, m, s, s->step >= 5 ? iv : NULL))
		return;
	memcpy(m->iv, iv, sizeof iv);
	step = s->step;
	if (step >= 2 && step <= 6 &&
		peer_ignores(p, m->now, PEER_MM1 + (enum peer_kind)(step - 1)))
		return;
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

	if (q && is_repeat(p, m, s, &q->again, digest)) {
		if (q->initiator && p->cfg.commit && q->step == 4) /* it may have been lost, too */
			peer_commit_done(p, m->now, q);
		return;
	}
	if (q && (q->done || q->step == 4)) {
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
	if (!peer_ike_open(p, m, s, iv))
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
	struct qm *q;

	if (!s || !s->up) {
		if (!peer_endpoint_good(p, &m->from))
			peer_refuse(p, m->now, "IKE from another address");
		else if (m->exchange == XCHG_INFO && !(m->flags & FLAG_ENC) &&
			 peer_ike_open(p, m, NULL, NULL))
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
	q = peer_qm_find(p, s, m->msgid);
	if (q && q->waits) {
		peer_commit_in(p, m, s, q);
		return;
	}
	if (peer_used_msgid(s, m->msgid)) {
		p->n.ike_duplicates++;
		peer_note(p, m->now, PEER_EV_DUPLICATE, m->msgid, "informational");
		return;
	}
	keyike_phase2_iv(&s->k, m->msgid, iv);
	if (peer_ike_open(p, m, s, iv))
		peer_info_in(p, m, s);
}

void
peer_ike_in(struct peer *p, ns_t now, const struct endpoint *from, const uint8_t *msg, size_t len)
{
	struct in m = {.now = now, .from = *from};
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
