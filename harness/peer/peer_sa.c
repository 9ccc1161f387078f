/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SAs and exchanges that live (fixed places), and their records (kept for ever). Whoever ends
 * an SA says why; the record keeps it. Nothing is sent from here.
 */
#include <string.h>

#include "harness/peer/peer_priv.h"

static const uint8_t no_cookie[8];

static size_t
most(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* The place that is free, else the one whose record is oldest. */
static struct ike *
ike_place(struct peer *p, ns_t now)
{
	struct ike *oldest = &p->ikes[0];

	for (size_t i = 0; i < IKE_MAX; i++) {
		if (!p->ikes[i].used)
			return &p->ikes[i];
		if (p->ikes[i].record < oldest->record)
			oldest = &p->ikes[i];
	}
	peer_ike_drop(p, now, oldest, PEER_END_REPLACED);
	return oldest;
}

struct ike *
peer_ike_new(struct peer *p, ns_t now, bool initiator)
{
	struct ike *s = ike_place(p, now);

	memset(s, 0, sizeof *s);
	s->used = true;
	p->ike_cnt = most(p->ike_cnt, (size_t)(s - p->ikes) + 1);
	s->initiator = initiator;
	s->heard = now;
	s->expires = s->soft = s->retire = NS_NEVER;
	s->at = peer_first_endpoint(p);
	s->record = peer_new_phase1(p);
	p->p1[s->record].begun = now;
	p->p1[s->record].initiator = initiator;
	return s;
}

struct ike *
peer_ike_up(struct peer *p)
{
	struct ike *best = NULL;

	for (size_t i = 0; i < p->ike_cnt; i++)
		if (p->ikes[i].used && p->ikes[i].up && (!best || p->ikes[i].record > best->record))
			best = &p->ikes[i];
	return best;
}

struct ike *
peer_ike_find(struct peer *p, const uint8_t *icookie, const uint8_t *rcookie)
{
	for (size_t i = 0; i < p->ike_cnt; i++) {
		struct ike *s = &p->ikes[i];

		if (!s->used || memcmp(s->k.icookie, icookie, 8))
			continue;
		if (!memcmp(s->k.rcookie, rcookie, 8) ||
			(s->initiator && s->step == 2 && !memcmp(s->k.rcookie, no_cookie, 8)))
			return s;
	}
	return NULL;
}

void
peer_ike_is_up(struct peer *p, ns_t now, struct ike *s)
{
	struct peer_phase1 *r = &p->p1[s->record];

	s->up = true;
	memcpy(s->k.iv, s->iv, sizeof s->iv);
	s->heard = now;
	s->expires = now + ns_from_s(r->life_s);
	if (p->cfg.ike_rekey_s && p->cfg.ike_rekey_s < r->life_s)
		s->soft = s->expires - ns_from_s(p->cfg.ike_rekey_s);
	r->up = now;
	r->state = PEER_SA_UP;
	r->dpd = s->dpd;
	r->natt = s->natt;
	r->nat_here = s->nat_here;
	r->nat_there = s->nat_there;
	p->n.phase1_up++;
	peer_note(p, now, PEER_EV_PHASE1_UP, (uint32_t)s->record, NULL);
	peer_rekey_ike_up(p, now, s);
	for (; s->want_children; s->want_children--) {
		peer_qm_start(p, now, s, s->rekeys_child);
		s->rekeys_child = 0;
	}
}

void
peer_ike_drop(struct peer *p, ns_t now, struct ike *s, enum peer_end end)
{
	struct peer_phase1 *r = &p->p1[s->record];

	for (size_t i = 0; i < p->qm_cnt; i++)
		if (p->qms[i].used && &p->ikes[p->qms[i].ike] == s)
			peer_qm_drop(p, now, &p->qms[i], end);
	r->state = PEER_SA_GONE;
	r->end = end;
	r->ended = now;
	peer_note(p, now, PEER_EV_PHASE1_GONE, (uint32_t)s->record, NULL);
	wipe(s, sizeof *s);
}

/* -- Quick Modes -- */

struct qm *
peer_qm_new(struct peer *p, ns_t now, struct ike *s, bool initiator, uint32_t msgid)
{
	struct qm *q = NULL;
	struct peer_phase2 *r;

	for (size_t i = 0; i < QM_MAX; i++)
		if (!p->qms[i].used) {
			q = &p->qms[i];
			break;
		}
	if (!q)
		for (size_t i = 0; i < p->qm_cnt; i++) /* none free: the one done longest ago */
			if (p->qms[i].done && (!q || p->qms[i].forget < q->forget))
				q = &p->qms[i];
	if (!q)
		return NULL;
	memset(q, 0, sizeof *q);
	q->used = true;
	p->qm_cnt = most(p->qm_cnt, (size_t)(q - p->qms) + 1);
	q->initiator = initiator;
	q->msgid = msgid;
	q->ike = (size_t)(s - p->ikes);
	q->udp = s->encap;
	q->forget = q->connected_at = NS_NEVER;
	q->record = peer_new_phase2(p);
	r = &p->p2[q->record];
	r->begun = now;
	r->initiator = initiator;
	r->msgid = msgid;
	memcpy(r->icookie, s->k.icookie, 8);
	return q;
}

struct qm *
peer_qm_find(struct peer *p, const struct ike *s, uint32_t msgid)
{
	for (size_t i = 0; i < p->qm_cnt; i++)
		if (p->qms[i].used && p->qms[i].msgid == msgid && &p->ikes[p->qms[i].ike] == s)
			return &p->qms[i];
	return NULL;
}

static struct child *
child_of(struct peer *p, size_t record)
{
	for (size_t i = 0; i < p->child_cnt; i++)
		if (p->children[i].used && p->children[i].record == record)
			return &p->children[i];
	return NULL;
}

void
peer_qm_drop(struct peer *p, ns_t now, struct qm *q, enum peer_end end)
{
	struct peer_phase2 *r = &p->p2[q->record];
	struct child *c = child_of(p, q->record);

	if (!q->done && c)
		peer_child_drop(p, now, c, end);
	else if (!q->done && r->state == PEER_SA_LARVAL) {
		r->state = PEER_SA_GONE;
		r->end = end;
		r->ended = now;
	}
	wipe(q, sizeof *q);
}

/* -- pairs of ESP SAs -- */

static void
fill(struct peer *p, const struct qm *q, const struct ike *s, bool in, struct keyesp *k)
{
	uint8_t mat[2 * SECRET_MAX];
	size_t enc = keyesp_enc_len(q->prop.suite, q->prop.key_bits);
	size_t auth = keyesp_auth_len(q->prop.suite);
	uint32_t spi = in ? q->spi_in : q->spi_out;

	keyike_keymat(&s->k, SPAN(q->dh.shared, q->dh.shared_len), 3, spi, SPAN(q->n.i, q->n.i_len),
		SPAN(q->n.r, q->n.r_len), mat, enc + auth);
	k->spi = spi;
	k->suite = q->prop.suite;
	k->src = in ? s->at.addr : p->cfg.net.addr;
	k->dst = in ? p->cfg.net.addr : s->at.addr;
	if (q->udp && in) /* a NAT may have given us any address, and may give us another */
		k->dst = 0;
	if (q->udp && !in)
		k->src = 0;
	secret_set(&k->enc, mat, enc);
	secret_set(&k->auth, mat + enc, auth);
	wipe(mat, sizeof mat);
	if (p->ring)
		keyring_add_esp(p->ring, k);
}

static struct child *
child_place(struct peer *p, ns_t now)
{
	struct child *oldest = &p->children[0];

	for (size_t i = 0; i < CHILD_MAX; i++) {
		if (!p->children[i].used)
			return &p->children[i];
		if (p->children[i].record < oldest->record)
			oldest = &p->children[i];
	}
	peer_child_drop(p, now, oldest, PEER_END_REPLACED);
	return oldest;
}

struct child *
peer_child_new(struct peer *p, ns_t now, struct qm *q)
{
	struct child *c = child_place(p, now);
	const struct ike *s = &p->ikes[q->ike];

	memset(c, 0, sizeof *c);
	c->used = true;
	p->child_cnt = most(p->child_cnt, (size_t)(c - p->children) + 1);
	c->record = q->record;
	c->ike_record = s->record;
	c->expires = now + ns_from_s(q->life.s);
	c->life_kb = q->life.kb;
	c->soft = c->retire = NS_NEVER;
	if (p->cfg.esp_rekey_s && p->cfg.esp_rekey_s < q->life.s)
		c->soft = c->expires - ns_from_s(p->cfg.esp_rekey_s);
	c->gcm_iv = 0;
	c->udp = q->udp;
	c->nat_here = s->nat_here;
	c->nat_there = s->nat_there;
	c->at = s->at;
	fill(p, q, s, true, &c->in);
	fill(p, q, s, false, &c->out);
	return c;
}

void
peer_child_ready(struct peer *p, ns_t now, size_t record)
{
	struct child *c = child_of(p, record);
	struct peer_phase2 *r = &p->p2[record];

	if (!c)
		return;
	c->out_ready = true;
	r->state = PEER_SA_UP;
	r->up = now;
	p->n.phase2_up++;
	peer_note(p, now, PEER_EV_PHASE2_UP, c->in.spi, NULL);
	peer_rekey_child_up(p, now, record);
}

struct child *
peer_child_out(struct peer *p)
{
	struct child *best = NULL;

	for (size_t i = 0; i < p->child_cnt; i++)
		if (p->children[i].used && p->children[i].out_ready &&
			(!best || p->children[i].record > best->record))
			best = &p->children[i];
	return best;
}

struct child *
peer_child_in(struct peer *p, uint32_t spi)
{
	for (size_t i = 0; i < p->child_cnt; i++)
		if (p->children[i].used && p->children[i].in.spi == spi)
			return &p->children[i];
	return NULL;
}

void
peer_child_drop(struct peer *p, ns_t now, struct child *c, enum peer_end end)
{
	struct peer_phase2 *r = &p->p2[c->record];
	uint32_t spi = c->in.spi;

	r->state = PEER_SA_GONE;
	r->end = end;
	r->ended = now;
	wipe(c, sizeof *c);
	peer_note(p, now, PEER_EV_PHASE2_GONE, spi, NULL);
}

void
peer_drop_all(struct peer *p, ns_t now, const struct ike *but, enum peer_end end)
{
	for (size_t i = 0; i < p->ike_cnt; i++)
		if (p->ikes[i].used && &p->ikes[i] != but)
			peer_ike_drop(p, now, &p->ikes[i], end);
	for (size_t i = 0; i < p->child_cnt; i++)
		if (p->children[i].used && (!but || p->children[i].ike_record != but->record))
			peer_child_drop(p, now, &p->children[i], end);
}
