/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The responder's first memory of an initiator: what message 1 said, and the cookie that message 2
 * gave.
 *
 * RFC 2408 2.5.3 would have cookies that need no memory; but message 3 does not repeat the SA
 * payload, over which HASH_I is computed, so something must be kept. It is kept small, in a ring of
 * fixed size: no exchange, no keys, no timer. A new message 1 takes the oldest place. So floods of
 * forged first messages cost a fixed amount of memory, and a peer that answers message 2 within the
 * time in which the ring goes round gets in: 4096 places are 0.4 s at 10,000 a second. Were the
 * ring to go round faster than `embryo_sure`, the newcomer is dropped instead; who was let in stays
 * in for that long, and the others try again, as initiators do.
 *
 * Message 3 proves that its sender gets what we send. Then there is an exchange and an SA, bounded
 * in number, for each address too; where all are in use the oldest that has had its chance yields.
 */
#include <string.h>

#include "ref/core/ike_int.h"

/* The end is in the key: an attacker cannot have all of his in one chain by one cookie. */
static uint32_t
hash(const struct ike *k, const uint8_t icookie[ISAKMP_COOKIE_LEN], struct ike_end e)
{
	uint8_t b[ISAKMP_COOKIE_LEN + 6];

	memcpy(b, icookie, ISAKMP_COOKIE_LEN);
	for (unsigned i = 0; i < 4; i++)
		b[ISAKMP_COOKIE_LEN + i] = (uint8_t)(e.addr >> (8 * i));
	b[ISAKMP_COOKIE_LEN + 4] = (uint8_t)(e.port >> 8);
	b[ISAKMP_COOKIE_LEN + 5] = (uint8_t)e.port;
	return index_hash(&k->embryos, b, sizeof(b));
}

static void
forget(struct ike *k, struct ike_embryo *e)
{
	index_del(&k->embryos, hash(k, e->cookies.i, e->remote), (uint32_t)(e - k->embryo));
	wipe(e, sizeof(*e));
}

void
ike_embryo_free(struct ike *k, struct ike_embryo *e)
{
	forget(k, e);
}

static bool
is_of(const struct ike_embryo *e, const struct ike_msg *m)
{
	return memcmp(e->cookies.i, m->h.icookie, ISAKMP_COOKIE_LEN) == 0 &&
	       e->remote.addr == m->in->remote.addr && e->remote.port == m->in->remote.port &&
	       e->local.port == m->in->local.port;
}

/* By the initiator's cookie and end; `whole`: by our cookie, too. */
static struct ike_embryo *
find(const struct ike_ctx *c, const struct ike_msg *m, bool whole)
{
	const struct ike *k = c->k;
	uint32_t i = index_first(&k->embryos, hash(k, m->h.icookie, m->in->remote));

	for (; i != INDEX_END; i = index_next(&k->embryos, i)) {
		struct ike_embryo *e = &k->embryo[i];

		if (e->used && c->now - e->at < k->rules->half_open_time && is_of(e, m) &&
			(!whole || !memcmp(e->cookies.r, m->h.rcookie, ISAKMP_COOKIE_LEN)))
			return e;
	}
	return NULL;
}

struct ike_embryo *
ike_embryo_find(const struct ike_ctx *c, const struct ike_msg *m)
{
	return find(c, m, c->k->rules->check_cookie);
}

/* The oldest place; NULL if it has not been there long enough. */
static struct ike_embryo *
place(struct ike_ctx *c)
{
	struct ike *k = c->k;
	struct ike_embryo *e = &k->embryo[k->embryo_next];

	if (e->used && c->now - e->at < k->rules->embryo_sure)
		return NULL;
	if (e->used) {
		if (c->now - e->at < k->rules->half_open_time)
			k->count[IKE_R_CROWDED_OUT]++;
		forget(k, e);
	}
	if (k->embryo_used <= k->embryo_next)
		k->embryo_used = k->embryo_next + 1;
	k->embryo_next = (k->embryo_next + 1) % k->embryo_cnt;
	return e;
}

static enum ike_reason
read_sa(const struct ike *k, const struct rd *body, struct ike_p1_choice *ch, struct why *why)
{
	struct isakmp_payload p = {.type = ISAKMP_SA, .body = *body};

	return ike_p1_choose(k, &p, ch, why);
}

/* Message 2, made anew from what is kept: the same bytes each time. */
static bool
answer(struct ike_ctx *c, const struct ike_embryo *e)
{
	struct ike_sa to = {.local = e->local, .remote = e->remote, .cookies = e->cookies};
	struct isakmp_hdr h = {.version = ISAKMP_VERSION, .exchange = ISAKMP_X_MAIN};
	struct ike_p1_choice ch;
	struct isakmp_build b;
	uint8_t buf[IKE_SENT_MAX];
	struct rd body;
	struct wr w;

	rd_init(&body, e->sa, e->sa_len);
	if (read_sa(c->k, &body, &ch, NULL))
		return false;
	memcpy(h.icookie, e->cookies.i, sizeof(h.icookie));
	memcpy(h.rcookie, e->cookies.r, sizeof(h.rcookie));
	wr_init(&w, buf, sizeof(buf));
	isakmp_build_init(&b, &w, &h);
	isakmp_build_begin(&b, ISAKMP_SA);
	ike_p1_answer(&w, &ch);
	isakmp_build_end(&b);
	ike_vid(c->k, &b);
	isakmp_build_done(&b);
	if (!w.bad)
		ike_send_bytes(c, &to, to.remote, buf, w.len);
	return !w.bad;
}

/* Who answers message 1 waits for message 3 and does not insist, so the ring needs no timer. */
ns_t
ike_embryo_deadline(const struct ike *k)
{
	ns_t t = NS_NEVER;

	for (unsigned i = 0; k->rules->responder_insists && i < k->embryo_used; i++)
		if (k->embryo[i].used && !k->embryo[i].insisted)
			t = ns_min(t, k->embryo[i].at + k->rules->retry_first);
	return t;
}

void
ike_embryo_tick(struct ike_ctx *c)
{
	struct ike *k = c->k;

	for (unsigned i = 0; k->rules->responder_insists && i < k->embryo_used; i++) {
		struct ike_embryo *e = &k->embryo[i];

		if (!e->used || e->insisted || c->now < e->at + k->rules->retry_first)
			continue;
		e->insisted = true;
		(void)answer(c, e);
	}
}

static enum ike_reason
again(struct ike_ctx *c, const struct ike_embryo *e, const struct rd *body)
{
	if (rd_left(body) != e->sa_len || memcmp(body->p, e->sa, e->sa_len) != 0)
		return IKE_R_STATE;
	if (c->k->rules->answer_duplicates)
		(void)answer(c, e);
	return IKE_R_DUPLICATE;
}

static enum ike_reason
admit(struct ike_ctx *c, struct ike_msg *m, const struct rd *body, struct ike_p1_choice *ch)
{
	const struct ike_rules *rules = c->k->rules;

	if (!ike_psk_for(c->k, m->in->remote.addr) && (rules->need_key || !c->k->cfg->psk_cnt))
		return IKE_R_NO_KEY;
	if (rd_left(body) > IKE_SA_BODY_MAX)
		return IKE_R_SA_SIZE;
	if (isakmp_payload_find(&m->p, ISAKMP_SA, 1))
		return IKE_R_PAYLOAD_UNEXPECTED;
	return read_sa(c->k, body, ch, &m->why);
}

enum ike_reason
ike_mm1_in(struct ike_ctx *c, struct ike_xchg *x, struct ike_msg *m)
{
	const struct rd *body = &isakmp_payload_find(&m->p, ISAKMP_SA, 0)->body;
	struct ike_embryo *e = find(c, m, false);
	struct ike_sa vids = {0};
	struct ike_p1_choice ch;
	enum ike_reason r;

	(void)x;
	if (e && !c->k->rules->redo_duplicates)
		return again(c, e, body);
	if (e) {
		ike_note(c, IKE_R_REPLACED, e->remote, NULL);
		forget(c->k, e);
	}
	r = admit(c, m, body, &ch);
	if (r)
		return r;
	e = place(c);
	if (!e)
		return IKE_R_HALF_OPEN;
	if (!ike_cookie_new(c, e->cookies.r))
		return IKE_R_ENTROPY;
	memcpy(e->cookies.i, m->h.icookie, sizeof(e->cookies.i));
	e->used = true;
	e->at = c->now;
	e->local = m->in->local;
	e->remote = m->in->remote;
	ike_vids_in(c->k, &vids, m);
	e->natt = vids.natt;
	e->dpd = vids.dpd;
	e->sa_len = (uint16_t)rd_left(body);
	memcpy(e->sa, body->p, e->sa_len);
	index_add(
		&c->k->embryos, hash(c->k, e->cookies.i, e->remote), (uint32_t)(e - c->k->embryo));
	ike_due(c->k, ike_embryo_deadline(c->k));
	if (answer(c, e))
		return IKE_R_NONE;
	forget(c->k, e);
	return IKE_R_TOO_LONG;
}

/* ---- message 3 ---- */

static bool
half_open(const struct ike_xchg *x)
{
	return x->state == IKE_MM_R2 || x->state == IKE_MM_R4;
}

/* Room for one more: of this address, and of all. The oldest that has had its chance yields. */
static enum ike_reason
room(struct ike_ctx *c, ip4_t from)
{
	struct ike *k = c->k;
	struct ike_xchg *oldest = NULL;
	unsigned all = 0, his = 0;

	for (unsigned i = 0; i < k->xchg_used; i++) {
		struct ike_xchg *x = &k->xchg[i];
		const struct ike_sa *sa = half_open(x) ? ike_xchg_sa(k, x) : NULL;

		if (!sa)
			continue;
		all++;
		his += sa->remote.addr == from;
		if (!oldest || x->expires < oldest->expires)
			oldest = x;
	}
	if (his >= k->rules->half_open_each)
		return IKE_R_HALF_OPEN;
	if (all < k->rules->half_open_max)
		return IKE_R_NONE;
	if (!oldest ||
		oldest->expires - k->rules->half_open_time + k->rules->half_open_chance > c->now)
		return IKE_R_HALF_OPEN;
	k->count[IKE_R_CROWDED_OUT]++;
	ike_xchg_fail(c, oldest, IKE_R_CROWDED_OUT);
	return IKE_R_NONE;
}

enum ike_reason
ike_embryo_hatch(struct ike_ctx *c, struct ike_xchg *x, struct ike_msg *m)
{
	const struct ike_embryo *e = m->embryo;
	const struct ike_psk *psk = ike_psk_for(c->k, e->remote.addr);
	struct ike_p1_choice ch;
	struct ike_sa *sa;
	struct rd body;

	if (!psk && !c->k->rules->need_key && c->k->cfg->psk_cnt)
		psk = &c->k->cfg->psk[0];
	rd_init(&body, e->sa, e->sa_len);
	if (!psk || read_sa(c->k, &body, &ch, &m->why))
		return IKE_R_NO_KEY; /* configured otherwise meanwhile */
	sa = ike_sa_new(c);
	if (!sa)
		return IKE_R_TABLE_FULL;
	sa->cookies = e->cookies;
	sa->local = e->local;
	sa->remote = e->remote;
	sa->natt = e->natt;
	sa->dpd = e->dpd;
	sa->begun = e->at;
	ike_sa_agree(sa, &ch);
	ike_sa_named(c->k, sa);
	x->psk = psk->secret;
	x->sa_i_len = e->sa_len;
	memcpy(x->sa_i, e->sa, e->sa_len);
	ike_xchg_bind(c->k, x, (unsigned)(sa - c->k->sa));
	x->state = IKE_MM_R2;
	m->sa = sa;
	return IKE_R_NONE;
}

enum ike_reason
ike_embryo_room(struct ike_ctx *c, const struct ike_msg *m)
{
	return room(c, m->in->remote.addr);
}
