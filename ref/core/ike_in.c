/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A packet on its way to its handler: header, whose it is, duplicates, decryption, payload chain,
 * the row of the table, the payload sets. Each step may refuse; nothing is changed before the
 * handler has looked at everything.
 */
#include <string.h>

#include "ref/core/ike_int.h"

static bool
is_zero(const uint8_t cookie[ISAKMP_COOKIE_LEN])
{
	static const uint8_t zero[ISAKMP_COOKIE_LEN];

	return memcmp(cookie, zero, sizeof(zero)) == 0;
}

/* RFC 2408 5.2 */
static enum ike_reason
check_header(const struct ike *k, struct ike_msg *m)
{
	const struct ike_rules *rules = k->rules;
	struct rd r;

	if (m->in->len > ISAKMP_MSG_MAX)
		return IKE_R_TOO_LONG;
	rd_init(&r, m->in->bytes, m->in->len);
	if (isakmp_hdr_decode(&r, &m->h, &m->why))
		return IKE_R_HEADER;
	if (rules->check_version && m->h.version != ISAKMP_VERSION)
		return IKE_R_VERSION;
	if (m->h.len != m->in->len) {
		m->why = (struct why){"isakmp.length", "RFC 2408 5.2", 24};
		return IKE_R_HEADER;
	}
	if (rules->check_reserved &&
		m->h.flags & ~(ISAKMP_F_ENCRYPT | ISAKMP_F_COMMIT | ISAKMP_F_AUTH))
		return IKE_R_FLAGS;
	if (is_zero(m->h.icookie))
		return IKE_R_ZERO_COOKIE;
	m->encrypted = m->h.flags & ISAKMP_F_ENCRYPT;
	switch (m->h.exchange) {
	case ISAKMP_X_MAIN:
		return m->h.msgid ? IKE_R_MSGID_MAIN : IKE_R_NONE;
	case ISAKMP_X_QUICK:
		return m->h.msgid ? IKE_R_NONE : IKE_R_MSGID_ZERO;
	case ISAKMP_X_INFO:
		return m->encrypted && !m->h.msgid ? IKE_R_MSGID_ZERO : IKE_R_NONE;
	default:
		return IKE_R_EXCHANGE;
	}
}

/* ---- whose it is ---- */

static struct ike_xchg *
of_sa(const struct ike *k, const struct ike_sa *sa, uint8_t exchange, uint32_t msgid)
{
	bool main = exchange == ISAKMP_X_MAIN;

	for (struct ike_xchg *x = ike_xchg_of(k, sa, NULL); x; x = ike_xchg_of(k, sa, x))
		if (main ? x->state <= IKE_MM_DONE : x->state > IKE_MM_DONE && x->msgid == msgid)
			return x;
	return NULL;
}

/* A responder's Main Mode, by the initiator's cookie alone: for duplicates of message 1. */
static struct ike_xchg *
by_icookie(const struct ike *k, const struct ike_msg *m)
{
	struct ike_sa *sa = ike_sa_by_icookie(k, m->h.icookie, NULL);

	for (; sa; sa = ike_sa_by_icookie(k, m->h.icookie, sa)) {
		struct ike_xchg *x = of_sa(k, sa, ISAKMP_X_MAIN, 0);

		if (x && x->state >= IKE_MM_R2 && !x->initiator && ike_nat_from(k, sa, m))
			return x;
	}
	return NULL;
}

static struct ike_sa *
find_sa(const struct ike *k, const struct ike_msg *m)
{
	static const uint8_t zero[ISAKMP_COOKIE_LEN];
	struct ike_sa *sa = ike_sa_by_cookies(k, m->h.icookie, m->h.rcookie);

	/* Message 2 brings the responder's cookie. */
	if (!sa && m->h.exchange == ISAKMP_X_MAIN)
		sa = ike_sa_by_cookies(k, m->h.icookie, zero);
	if (!sa && !k->rules->check_cookie)
		sa = ike_sa_any(k, m->in->remote);
	return sa;
}

/* *x is the exchange, NULL if the message would begin one. */
static enum ike_reason
find(struct ike_ctx *c, struct ike_msg *m, struct ike_xchg **x)
{
	*x = NULL;
	if (m->h.exchange == ISAKMP_X_MAIN && is_zero(m->h.rcookie)) {
		*x = by_icookie(c->k, m);
		if (*x && c->k->rules->redo_duplicates) {
			ike_sa_end(c, ike_xchg_sa(c->k, *x), IKE_R_REPLACED);
			*x = NULL;
		}
		m->sa = *x ? ike_xchg_sa(c->k, *x) : NULL;
		return IKE_R_NONE;
	}
	m->sa = find_sa(c->k, m);
	if (!m->sa && m->h.exchange == ISAKMP_X_MAIN)
		m->embryo = ike_embryo_find(c, m);
	if (m->embryo)
		return IKE_R_NONE;
	if (!m->sa)
		return m->h.exchange == ISAKMP_X_INFO && !m->encrypted ? IKE_R_UNPROTECTED
								       : IKE_R_UNKNOWN_COOKIE;
	if (!ike_nat_from(c->k, m->sa, m))
		return IKE_R_OTHER_ADDRESS;
	if (m->h.exchange != ISAKMP_X_INFO)
		*x = of_sa(c->k, m->sa, m->h.exchange, m->h.msgid);
	if (m->h.exchange == ISAKMP_X_MAIN)
		return *x ? IKE_R_NONE : IKE_R_STATE;
	if (!m->encrypted)
		return m->h.exchange == ISAKMP_X_INFO ? IKE_R_NONE : IKE_R_CLEAR;
	if (!m->sa->confirmed || !m->sa->up)
		return IKE_R_UNCONFIRMED;
	if (m->h.exchange == ISAKMP_X_INFO && ike_commit_awaited(c->k, m->sa, m->h.msgid))
		return IKE_R_NONE;
	if (!*x && c->k->rules->check_msgid && ike_msgid_used(m->sa, m->h.msgid))
		return IKE_R_MSGID_USED;
	return IKE_R_NONE;
}

/* The same bytes again: the same answer again (RFC 2408 5.1). */
static enum ike_reason
check_duplicate(struct ike_ctx *c, struct ike_xchg *x, const struct ike_msg *m)
{
	size_t len = crypto_hash_len(CRYPTO_SHA1);

	if (!x->have_seen || memcmp(x->seen, m->digest, len) != 0)
		return IKE_R_NONE;
	if (x->token)
		return IKE_R_DUPLICATE_HELD;
	/* In R3 message 2 is repeated by time alone: an answer to each message 3 would go round. */
	if (c->k->rules->answer_duplicates && x->state != IKE_QM_R3)
		ike_out_again(c, x);
	return IKE_R_DUPLICATE;
}

/* ---- opening it ---- */

static enum ike_reason
decrypt(const struct ike *k, const struct ike_xchg *x, struct ike_msg *m)
{
	size_t len = m->in->len - ISAKMP_HDR_LEN, block;
	enum crypto_cipher cipher;
	const uint8_t *text = m->in->bytes + ISAKMP_HDR_LEN;

	memcpy(m->plain, m->in->bytes, m->in->len);
	if (!m->encrypted)
		return IKE_R_NONE;
	if (!m->sa || !m->sa->key.len)
		return IKE_R_ENCRYPTED;
	cipher = ike_cipher(m->sa->cipher, m->sa->key_bits);
	block = crypto_block_len(cipher);
	if (len == 0 || len % block)
		return IKE_R_BLOCKS;
	if (x)
		memcpy(m->iv, x->iv, sizeof(m->iv));
	else
		ike_iv_phase2(k, m->sa, m->h.msgid, m->iv);
	memcpy(m->next_iv, text + len - block, block);
	k->crypto->cbc_decrypt(cipher, m->sa->key.b, m->iv, text, m->plain + ISAKMP_HDR_LEN, len);
	return IKE_R_NONE;
}

static enum ike_reason
check_rest(const struct ike *k, const struct ike_msg *m)
{
	const uint8_t *end = m->plain + m->in->len;

	if (!m->encrypted)
		return m->p.end == end ? IKE_R_NONE : IKE_R_MALFORMED;
	for (const uint8_t *p = m->p.end; k->rules->padding_zero_only && p < end; p++)
		if (*p)
			return IKE_R_PADDING;
	return IKE_R_NONE;
}

static bool
is_known(uint8_t type)
{
	return (type < ISAKMP_TYPE_KNOWN && type != ISAKMP_PROPOSAL && type != ISAKMP_TRANSFORM) ||
	       type == ISAKMP_NAT_D || type == ISAKMP_NAT_OA;
}

/* RFC 2408 5.3 */
static enum ike_reason
parse(const struct ike *k, struct ike_msg *m)
{
	struct rd r;

	rd_init(&r, m->plain, m->in->len);
	rd_skip(&r, ISAKMP_HDR_LEN, "isakmp.header");
	if (isakmp_payloads_decode(&r, m->h.next, &m->p, &m->why))
		return IKE_R_MALFORMED;
	for (unsigned i = 0; i < m->p.cnt; i++) {
		if (k->rules->check_reserved && m->p.v[i].reserved) {
			m->why = (struct why){"payload.reserved", "RFC 2408 5.3",
				(size_t)(m->p.v[i].whole - m->plain) + 1};
			return IKE_R_RESERVED;
		}
		if (k->rules->check_payloads && !is_known(m->p.v[i].type))
			return IKE_R_PAYLOAD_TYPE;
	}
	return check_rest(k, m);
}

/* ---- the row ---- */

static const struct ike_trans *
row(enum ike_state from, const struct ike_msg *m, enum ike_reason *r)
{
	*r = IKE_R_STATE;
	for (unsigned i = 0; i < ike_table_cnt; i++) {
		const struct ike_trans *t = &ike_table[i];

		if (t->from != from || t->exchange != m->h.exchange)
			continue;
		if (t->encrypted == m->encrypted)
			return t;
		*r = m->encrypted ? IKE_R_ENCRYPTED : IKE_R_CLEAR;
	}
	return NULL;
}

/* Those of which more than one may come; any other twice is unexpected. */
#define MANY                                                                                       \
	(1u << ISAKMP_VID | 1u << ISAKMP_NOTIFY | 1u << ISAKMP_DELETE | 1u << ISAKMP_ID |          \
		1u << ISAKMP_CR | 1u << ISAKMP_NAT_D | 1u << ISAKMP_NAT_OA)

static enum ike_reason
check_sets(const struct ike *k, const struct ike_trans *t, const struct ike_msg *m)
{
	uint32_t have = 0;

	for (unsigned i = 0; i < m->p.cnt; i++) {
		uint32_t bit = m->p.v[i].type < 32 ? 1u << m->p.v[i].type : 0;
		bool extra = !(bit & (t->must | t->may)) || (have & bit & ~MANY);

		if (k->rules->check_payloads && extra)
			return IKE_R_PAYLOAD_UNEXPECTED;
		have |= bit;
	}
	if ((have & t->must) != t->must)
		return IKE_R_PAYLOAD_MISSING;
	if (t->first && m->p.v[0].type != t->first)
		return IKE_R_PAYLOAD_ORDER;
	return IKE_R_NONE;
}

static void
then(struct ike_ctx *c, struct ike_xchg *x, const struct ike_trans *t, const struct ike_msg *m)
{
	memcpy(x->seen, m->digest, sizeof(x->seen));
	x->have_seen = true;
	if (t->to == IKE_QM_DONE && ike_commit_waits(c->k, x)) {
		x->state = IKE_QM_R3; /* message 2 is repeated, so that the peer repeats CONNECTED */
		x->tries = 0;
		x->retry_at = c->now + c->k->rules->retry_first;
		ike_due(c->k, x->retry_at);
	} else if (!ike_unfinished(t->to))
		ike_xchg_done(c, x, t->to);
	else
		x->state = t->to;
	switch (t->then) {
	case IKE_THEN_NOTHING:
		break;
	case IKE_THEN_SEND:
		ike_out_send(c, x, c->k->rules->responder_insists);
		break;
	case IKE_THEN_ASK:
		ike_out_send(c, x, true);
		break;
	case IKE_THEN_HOLD:
		x->expires = c->now + c->k->rules->half_open_time;
		ike_due(c->k, x->expires);
		ike_hold(c, x);
		break;
	}
}

/* Run the handler on its exchange; undo what was prepared if it refuses. */
static enum ike_reason
run(struct ike_ctx *c, struct ike_xchg *x, const struct ike_trans *t, struct ike_msg *m)
{
	bool fresh = !x;
	enum ike_reason r;
	uint8_t iv[CRYPTO_BLOCK];

	if (t->to == IKE_FREE)
		return t->handler(c, NULL, m);
	if (fresh) {
		r = m->embryo ? ike_embryo_room(c, m) : IKE_R_NONE;
		if (r)
			return r;
		x = ike_xchg_new(c);
		if (!x)
			return IKE_R_TABLE_FULL;
		x->msgid = m->h.msgid;
		ike_xchg_bind(c->k, x, m->sa ? (unsigned)(m->sa - c->k->sa) : IKE_NO_SA);
		r = m->embryo ? ike_embryo_hatch(c, x, m) : IKE_R_NONE;
		if (r) {
			ike_xchg_free(c->k, x);
			return r;
		}
	}
	memcpy(iv, x->iv, sizeof(iv));
	if (m->encrypted)
		memcpy(x->iv, m->next_iv, sizeof(x->iv));
	r = t->handler(c, x, m);
	if (r == IKE_R_NONE) {
		then(c, x, t, m);
		if (m->embryo)
			ike_embryo_free(c->k, m->embryo);
	} else if (fresh) {
		ike_xchg_free(c->k, x);
		if (m->embryo)
			ike_sa_wipe(c->k, m->sa);
	} else {
		memcpy(x->iv, iv, sizeof(iv));
	}
	return r;
}

static enum ike_reason
work(struct ike_ctx *c, struct ike_msg *m)
{
	struct crypto_part all = {m->in->bytes, m->in->len};
	const struct ike_trans *t;
	struct ike_xchg *x;
	enum ike_reason r = check_header(c->k, m);

	if (!r)
		r = find(c, m, &x);
	if (r)
		return r;
	c->k->crypto->hash(CRYPTO_SHA1, &all, 1, m->digest);
	if (x)
		r = check_duplicate(c, x, m);
	if (r)
		return r;
	t = row(x ? x->state : m->embryo ? IKE_MM_R2 : IKE_NEW, m, &r);
	if (!t)
		return r;
	r = decrypt(c->k, x, m);
	if (!r)
		r = parse(c->k, m);
	if (!r)
		r = check_sets(c->k, t, m);
	if (!r)
		r = run(c, x, t, m);
	return r;
}

/* What the RFCs have the receiver say (RFC 2408 5.x, RFC 2409 5.5). */
uint16_t
ike_notify_for(enum ike_reason r)
{
	static const uint16_t type[IKE_R_CNT] = {
		[IKE_R_VERSION] = ISAKMP_N_INVALID_MAJOR_VERSION,
		[IKE_R_EXCHANGE] = ISAKMP_N_INVALID_EXCHANGE_TYPE,
		[IKE_R_UNKNOWN_COOKIE] = ISAKMP_N_INVALID_COOKIE,
		[IKE_R_MSGID_MAIN] = ISAKMP_N_INVALID_MESSAGE_ID,
		[IKE_R_MSGID_ZERO] = ISAKMP_N_INVALID_MESSAGE_ID,
		[IKE_R_MALFORMED] = ISAKMP_N_PAYLOAD_MALFORMED,
		[IKE_R_RESERVED] = ISAKMP_N_PAYLOAD_MALFORMED,
		[IKE_R_PAYLOAD_TYPE] = 1, /* INVALID-PAYLOAD-TYPE */
		[IKE_R_DOI] = ISAKMP_N_DOI_NOT_SUPPORTED,
		[IKE_R_SITUATION] = ISAKMP_N_SITUATION_NOT_SUPPORTED,
		[IKE_R_NO_PROPOSAL] = ISAKMP_N_NO_PROPOSAL_CHOSEN,
		[IKE_R_PFS] = ISAKMP_N_NO_PROPOSAL_CHOSEN,
		[IKE_R_KE] = ISAKMP_N_INVALID_KEY_INFORMATION,
		[IKE_R_ID] = ISAKMP_N_INVALID_ID_INFORMATION,
		[IKE_R_PROXY] = ISAKMP_N_INVALID_ID_INFORMATION,
		[IKE_R_NO_MAP] = ISAKMP_N_INVALID_ID_INFORMATION,
		[IKE_R_PSK_HASH] = ISAKMP_N_AUTHENTICATION_FAILED,
		[IKE_R_HASH] = ISAKMP_N_INVALID_HASH_INFORMATION,
	};

	return type[r];
}

/* One notify each `notify_every` on average, `notify_burst` at once. */
static bool
may_notify(struct ike_ctx *c)
{
	const struct ike_rules *rules = c->k->rules;
	ns_t *at = &c->k->notify_credit_at;
	ns_t earliest = c->now - (ns_t)rules->notify_burst * rules->notify_every;

	if (*at < earliest)
		*at = earliest;
	if (*at + rules->notify_every > c->now) {
		c->k->count[IKE_R_NOTIFY_RATE]++;
		return false;
	}
	*at += rules->notify_every;
	return true;
}

/*
 * Tell the peer. Under the SA only about what had arrived under it and was authentic (a refused
 * Quick Mode); all else in clear; never about an Informational (RFC 2408 5.x: no notify for a
 * notify).
 */
static void
answer(struct ike_ctx *c, struct ike_msg *m, enum ike_reason r)
{
	uint16_t type = ike_notify_for(r);
	bool authentic = m->h.exchange == ISAKMP_X_QUICK && m->sa && m->sa->up &&
			 m->sa->confirmed && r >= IKE_R_NO_KEY && r != IKE_R_HASH;

	if (!type || m->h.exchange == ISAKMP_X_INFO || !c->k->rules->answer_unauthenticated)
		return;
	if (!may_notify(c))
		return;
	if (authentic)
		ike_send_notify(c, m->sa, ISAKMP_P_ESP, type, NULL, 0, NULL, 0);
	else
		ike_send_clear_notify(c, m, type);
}

void
ike_packet(struct ike_ctx *c, const struct ike_in *in)
{
	struct ike_msg m = {.in = in};
	enum ike_reason r;

	if (!c->k->active && !c->k->rules->answer_inactive)
		r = IKE_R_INACTIVE;
	else if (in->local.addr != c->k->cfg->local)
		r = IKE_R_NOT_LOCAL;
	else
		r = work(c, &m);
	if (r) {
		ike_note(c, r, in->remote, &m.why);
		if (r >= IKE_R_HEADER)
			answer(c, &m, r);
	}
	wipe(m.plain, sizeof(m.plain));
}
