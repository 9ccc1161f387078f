/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Proposals: offering, choosing, answering, checking the answer (RFC 2408 4.2, RFC 2409 5,
 * RFC 2407 4.5).
 *
 * The responder goes by its own order of preference, and gives back the chosen transform octet for octet
 * (RFC 2408 4.2: attributes may not be changed). Proposals that bind protocols together (AH with
 * ESP) are passed over.
 */
#include <string.h>

#include "ref/core/ike_int.h"

#define KEY_BITS 128
#define LIFE_DEFAULT_S 28800 /* RFC 2407 4.5 */

/* ---- lifetimes ---- */

void
ike_p2_life(struct wr *w, uint32_t life_s, uint32_t life_kb)
{
	isakmp_attr_basic(w, ISAKMP_A2_LIFE_TYPE, ISAKMP_LIFE_SECONDS);
	isakmp_attr_u32(w, ISAKMP_A2_LIFE, life_s);
	if (!life_kb)
		return;
	isakmp_attr_basic(w, ISAKMP_A2_LIFE_TYPE, ISAKMP_LIFE_KB);
	isakmp_attr_u32(w, ISAKMP_A2_LIFE, life_kb);
}

struct life {
	uint32_t type; /* the last one said */
	uint32_t s, kb;
};

/* A duration follows its type; twice the same type with two values contradicts (RFC 2407 4.5.2). */
static bool
life_take(struct life *l, uint32_t value)
{
	uint32_t *to = l->type == ISAKMP_LIFE_SECONDS ? &l->s : l->type == ISAKMP_LIFE_KB ? &l->kb : NULL;

	if (!to || value == 0 || (*to && *to != value))
		return false;
	*to = value;
	l->type = 0;
	return true;
}

bool
ike_p2_life_read(struct rd *r, uint32_t *life_s, uint32_t *life_kb)
{
	struct life l = {0};
	struct isakmp_attr a;

	while (rd_left(r)) {
		if (isakmp_attr_decode(r, &a, NULL))
			return false;
		if (a.type == ISAKMP_A2_LIFE_TYPE)
			l.type = a.num;
		else if (a.type != ISAKMP_A2_LIFE || !life_take(&l, a.num))
			return false;
	}
	*life_s = l.s;
	*life_kb = l.kb;
	return true;
}

/* ---- both phases: writing ---- */

/* A proposal's or transform's generic header, its length filled in by chain_end. */
static size_t
chain_begin(struct wr *w, uint8_t next)
{
	size_t at = w->len;

	wr_u8(w, next);
	wr_u8(w, 0);
	wr_u16(w, 0);
	return at;
}

static void
chain_end(struct wr *w, size_t at)
{
	if (!w->bad)
		wr_patch_u16(w, at + 2, (uint16_t)(w->len - at));
}

static size_t
proposal_begin(struct wr *w, uint8_t number, uint8_t protocol, uint32_t spi, uint8_t transforms)
{
	size_t at;

	wr_u32(w, ISAKMP_DOI_IPSEC);
	wr_u32(w, ISAKMP_SIT_IDENTITY_ONLY);
	at = chain_begin(w, ISAKMP_NONE);
	wr_u8(w, number);
	wr_u8(w, protocol);
	wr_u8(w, protocol == ISAKMP_P_ESP ? 4 : 0);
	wr_u8(w, transforms);
	if (protocol == ISAKMP_P_ESP)
		wr_u32(w, spi);
	return at;
}

/* The transform as it came, but last of its chain. */
static void
transform_again(struct wr *w, const uint8_t *raw, size_t len)
{
	wr_u8(w, ISAKMP_NONE);
	wr_bytes(w, raw + 1, len - 1);
}

static size_t
transform_begin(struct wr *w, uint8_t number, uint8_t id, bool last)
{
	size_t at = chain_begin(w, last ? ISAKMP_NONE : ISAKMP_TRANSFORM);

	wr_u8(w, number);
	wr_u8(w, id);
	wr_u16(w, 0);
	return at;
}

/* ---- both phases: reading ---- */

static enum ike_reason
open_sa(const struct isakmp_payload *p, struct isakmp_sa *sa, struct why *why)
{
	if (isakmp_sa_decode(p, sa, why))
		return IKE_R_MALFORMED;
	if (sa->doi != ISAKMP_DOI_IPSEC)
		return IKE_R_DOI;
	if (sa->situation != ISAKMP_SIT_IDENTITY_ONLY)
		return IKE_R_SITUATION;
	return rd_left(&sa->proposals) ? IKE_R_NONE : IKE_R_MALFORMED;
}

/* All of it parses, and what is reserved is zero: asked before anything is chosen. */
static enum ike_reason
sound(const struct ike *k, const struct isakmp_sa *sa, struct why *why)
{
	struct rd r = sa->proposals;
	struct isakmp_proposal pr;
	struct isakmp_transform t;
	uint8_t reserved = 0;

	while (rd_left(&r)) {
		unsigned n = 0;

		if (isakmp_proposal_decode(&r, &pr, why))
			return IKE_R_MALFORMED;
		reserved |= pr.reserved;
		for (; rd_left(&pr.transforms); n++) {
			if (isakmp_transform_decode(&pr.transforms, &t, why))
				return IKE_R_MALFORMED;
			reserved |= t.reserved;
		}
		if (n != pr.transform_cnt || n == 0) {
			(void)err_set(why, ERR_LENGTH, "proposal.transforms", 0, "RFC 2408 3.5");
			return IKE_R_MALFORMED;
		}
	}
	return reserved && k->rules->check_reserved ? IKE_R_RESERVED : IKE_R_NONE;
}

/* How many proposals carry this number: more than one binds protocols together. */
static unsigned
bound(const struct isakmp_sa *sa, uint8_t number)
{
	struct rd r = sa->proposals;
	struct isakmp_proposal pr;
	unsigned n = 0;

	while (rd_left(&r) && !isakmp_proposal_decode(&r, &pr, NULL))
		n += pr.number == number;
	return n;
}

/* Exactly one proposal with one transform, as an answer has. */
static enum ike_reason
single(const struct isakmp_sa *sa, struct isakmp_proposal *pr, struct isakmp_transform *t,
	struct why *why)
{
	struct rd r = sa->proposals;

	if (isakmp_proposal_decode(&r, pr, why) || isakmp_transform_decode(&pr->transforms, t, why))
		return IKE_R_MALFORMED;
	return rd_left(&r) || rd_left(&pr->transforms) ? IKE_R_CHOICE : IKE_R_NONE;
}

/* ---- phase 1 ---- */

static void
p1_transform(const struct ike *k, struct wr *w, uint8_t number, const struct ike_policy *p, bool last)
{
	size_t at = transform_begin(w, number, ISAKMP_KEY_IKE, last);

	isakmp_attr_basic(w, ISAKMP_A1_CIPHER, p->cipher);
	isakmp_attr_basic(w, ISAKMP_A1_KEY_BITS, p->key_bits);
	isakmp_attr_basic(w, ISAKMP_A1_HASH, p->hash);
	isakmp_attr_basic(w, ISAKMP_A1_AUTH, ISAKMP_AUTH_PSK);
	isakmp_attr_basic(w, ISAKMP_A1_GROUP, p->group);
	if (k->rules->send_lifetime) {
		isakmp_attr_basic(w, ISAKMP_A1_LIFE_TYPE, ISAKMP_LIFE_SECONDS);
		isakmp_attr_u32(w, ISAKMP_A1_LIFE, p->lifetime_s);
	}
	chain_end(w, at);
}

void
ike_p1_offer(const struct ike *k, struct wr *w)
{
	uint8_t cnt = (uint8_t)k->cfg->policy_cnt;
	size_t at = proposal_begin(w, 1, ISAKMP_P_ISAKMP, 0, cnt);

	for (uint8_t i = 0; i < cnt; i++)
		p1_transform(k, w, (uint8_t)(i + 1), &k->cfg->policy[i], i + 1 == cnt);
	chain_end(w, at);
}

void
ike_p1_answer(struct wr *w, const struct ike_p1_choice *ch)
{
	size_t at = proposal_begin(w, ch->proposal, ISAKMP_P_ISAKMP, 0, 1);

	transform_again(w, ch->raw, ch->raw_len);
	chain_end(w, at);
}

/* False: something in it is unknown or contradicts. */
static bool
p1_read(const struct isakmp_transform *t, struct ike_p1_choice *ch)
{
	struct rd r = t->attrs;
	struct life life = {0};
	struct isakmp_attr a;
	uint16_t *to[ISAKMP_A1_KEY_BITS + 1] = {
		[ISAKMP_A1_CIPHER] = &ch->cipher,
		[ISAKMP_A1_HASH] = &ch->hash,
		[ISAKMP_A1_AUTH] = &ch->auth,
		[ISAKMP_A1_GROUP] = &ch->group,
		[ISAKMP_A1_KEY_BITS] = &ch->key_bits,
	};

	ch->cipher = ch->key_bits = ch->hash = ch->auth = ch->group = 0;
	while (rd_left(&r)) {
		if (isakmp_attr_decode(&r, &a, NULL))
			return false;
		if (a.type == ISAKMP_A1_LIFE_TYPE) {
			life.type = a.num;
		} else if (a.type == ISAKMP_A1_LIFE) {
			if (!life_take(&life, a.num))
				return false;
		} else {
			if (a.type > ISAKMP_A1_KEY_BITS || !to[a.type] || !a.basic || *to[a.type])
				return false;
			*to[a.type] = (uint16_t)a.num;
		}
	}
	ch->life_s = life.s;
	return t->id == ISAKMP_KEY_IKE;
}

static bool
p1_fits(const struct ike *k, const struct ike_policy *p, const struct ike_p1_choice *ch)
{
	if (!k->rules->check_proposal)
		return ch->cipher == ISAKMP_CIPHER_AES && ch->key_bits == KEY_BITS &&
		       crypto_hash_len(ch->hash) && crypto_group_len(ch->group);
	return ch->cipher == p->cipher && ch->key_bits == p->key_bits && ch->hash == p->hash &&
	       ch->auth == ISAKMP_AUTH_PSK && ch->group == p->group;
}

/* The first transform that fits this policy. */
static bool
p1_scan(const struct ike *k, const struct isakmp_sa *sa, const struct ike_policy *p,
	struct ike_p1_choice *ch)
{
	struct rd r = sa->proposals;
	struct isakmp_proposal pr;
	struct isakmp_transform t;

	while (rd_left(&r) && !isakmp_proposal_decode(&r, &pr, NULL)) {
		if (pr.protocol != ISAKMP_P_ISAKMP)
			continue;
		while (rd_left(&pr.transforms)) {
			ch->raw = pr.transforms.p;
			if (isakmp_transform_decode(&pr.transforms, &t, NULL))
				return false;
			ch->raw_len = (size_t)(pr.transforms.p - ch->raw);
			ch->proposal = pr.number;
			ch->transform = t.number;
			if (p1_read(&t, ch) && p1_fits(k, p, ch))
				return true;
		}
	}
	return false;
}

static void
p1_life(struct ike_p1_choice *ch, const struct ike_policy *p)
{
	if (!ch->life_s || ch->life_s > p->lifetime_s)
		ch->life_s = p->lifetime_s;
}

enum ike_reason
ike_p1_choose(const struct ike *k, const struct isakmp_payload *payload, struct ike_p1_choice *out,
	struct why *why)
{
	struct isakmp_sa sa;
	enum ike_reason r = open_sa(payload, &sa, why);

	if (!r)
		r = sound(k, &sa, why);
	if (r)
		return r;
	for (unsigned i = 0; i < k->cfg->policy_cnt; i++)
		if (p1_scan(k, &sa, &k->cfg->policy[i], out)) {
			p1_life(out, &k->cfg->policy[i]);
			return IKE_R_NONE;
		}
	return IKE_R_NO_PROPOSAL;
}

enum ike_reason
ike_p1_check(const struct ike *k, const struct isakmp_payload *payload, struct ike_p1_choice *out,
	struct why *why)
{
	const struct ike_policy *p;
	struct isakmp_proposal pr;
	struct isakmp_transform t;
	struct isakmp_sa sa;
	enum ike_reason r = open_sa(payload, &sa, why);

	if (!r)
		r = sound(k, &sa, why);
	if (!r)
		r = single(&sa, &pr, &t, why);
	if (r)
		return r;
	if (!p1_read(&t, out))
		return IKE_R_CHOICE;
	if (!k->rules->check_choice) {
		p1_life(out, &k->cfg->policy[0]);
		return crypto_hash_len(out->hash) && crypto_group_len(out->group) ? IKE_R_NONE
										   : IKE_R_CHOICE;
	}
	if (pr.number != 1 || pr.protocol != ISAKMP_P_ISAKMP || t.number == 0 ||
		t.number > k->cfg->policy_cnt)
		return IKE_R_CHOICE;
	p = &k->cfg->policy[t.number - 1];
	if (out->cipher != p->cipher || out->key_bits != p->key_bits || out->hash != p->hash ||
		out->auth != ISAKMP_AUTH_PSK || out->group != p->group ||
		(k->rules->send_lifetime && out->life_s != p->lifetime_s))
		return IKE_R_CHOICE;
	p1_life(out, p);
	return IKE_R_NONE;
}

/* ---- phase 2 ---- */

static void
p2_transform(const struct ike *k, struct wr *w, uint8_t number, const struct ike_map *map, bool last)
{
	const struct esp_alg *a = esp_alg(map->transform[number - 1]);
	size_t at = transform_begin(w, number, a->ike_transform, last);

	if (k->rules->send_lifetime)
		ike_p2_life(w, map->lifetime_s, map->lifetime_kb);
	if (map->pfs_group)
		isakmp_attr_basic(w, ISAKMP_A2_GROUP, map->pfs_group);
	isakmp_attr_basic(w, ISAKMP_A2_MODE, ISAKMP_MODE_TUNNEL);
	if (a->ike_auth)
		isakmp_attr_basic(w, ISAKMP_A2_AUTH, a->ike_auth);
	isakmp_attr_basic(w, ISAKMP_A2_KEY_BITS, KEY_BITS);
	chain_end(w, at);
}

void
ike_p2_offer(const struct ike *k, struct wr *w, const struct ike_map *map, uint32_t spi)
{
	uint8_t cnt = (uint8_t)map->transform_cnt;
	size_t at = proposal_begin(w, 1, ISAKMP_P_ESP, spi, cnt);

	for (uint8_t i = 0; i < cnt; i++)
		p2_transform(k, w, (uint8_t)(i + 1), map, i + 1 == cnt);
	chain_end(w, at);
}

void
ike_p2_answer(struct wr *w, const struct ike_p2_choice *ch, uint32_t spi)
{
	size_t at = proposal_begin(w, ch->proposal, ISAKMP_P_ESP, spi, 1);

	transform_again(w, ch->raw, ch->raw_len);
	chain_end(w, at);
}

struct p2_attrs {
	uint16_t group, mode, auth, key_bits;
	struct life life;
};

static bool
p2_read(const struct isakmp_transform *t, struct p2_attrs *p)
{
	struct rd r = t->attrs;
	struct isakmp_attr a;
	uint16_t *to[ISAKMP_A2_KEY_BITS + 1] = {
		[ISAKMP_A2_GROUP] = &p->group,
		[ISAKMP_A2_MODE] = &p->mode,
		[ISAKMP_A2_AUTH] = &p->auth,
		[ISAKMP_A2_KEY_BITS] = &p->key_bits,
	};

	memset(p, 0, sizeof(*p));
	while (rd_left(&r)) {
		if (isakmp_attr_decode(&r, &a, NULL))
			return false;
		if (a.type == ISAKMP_A2_LIFE_TYPE) {
			p->life.type = a.num;
		} else if (a.type == ISAKMP_A2_LIFE) {
			if (!life_take(&p->life, a.num))
				return false;
		} else {
			if (a.type > ISAKMP_A2_KEY_BITS || !to[a.type] || !a.basic || *to[a.type])
				return false;
			*to[a.type] = (uint16_t)a.num;
		}
	}
	return true;
}

static bool
p2_fits(const struct isakmp_transform *t, const struct p2_attrs *p, enum esp_transform want)
{
	const struct esp_alg *a = esp_alg(want);

	return a && t->id == a->ike_transform && p->mode == ISAKMP_MODE_TUNNEL &&
	       p->auth == a->ike_auth && p->key_bits == KEY_BITS;
}

/* Group and KE come together, and as the map asks. */
static bool
p2_group_fits(const struct ike *k, const struct ike_map *map, uint16_t group, bool ke)
{
	if ((group != 0) != ke || (group && !crypto_group_len(group)))
		return false;
	return !k->rules->check_pfs || !map->pfs_group || map->pfs_group == group;
}

static void
p2_take(struct ike_p2_choice *ch, const struct isakmp_proposal *pr, const struct isakmp_transform *t,
	const struct p2_attrs *p, enum esp_transform transform)
{
	struct rd spi;

	rd_init(&spi, pr->spi, 4);
	ch->spi = rd_u32(&spi, "proposal.spi");
	ch->transform = transform;
	ch->group = p->group;
	ch->life_s = p->life.s ? p->life.s : LIFE_DEFAULT_S;
	ch->life_kb = p->life.kb;
	ch->proposal = pr->number;
	ch->number = t->number;
}

static bool
usable(const struct isakmp_sa *sa, const struct isakmp_proposal *pr)
{
	return pr->protocol == ISAKMP_P_ESP && pr->spi_len == 4 && bound(sa, pr->number) == 1;
}

/* The first offered transform that is `want`; *near: one was, but for its group. */
static bool
p2_scan(const struct ike *k, const struct isakmp_sa *sa, const struct ike_map *map, bool ke,
	enum esp_transform want, struct ike_p2_choice *ch, bool *near)
{
	struct rd r = sa->proposals;
	struct isakmp_proposal pr;
	struct isakmp_transform t;
	struct p2_attrs attrs;

	while (rd_left(&r) && !isakmp_proposal_decode(&r, &pr, NULL)) {
		while (usable(sa, &pr) && rd_left(&pr.transforms)) {
			ch->raw = pr.transforms.p;
			if (isakmp_transform_decode(&pr.transforms, &t, NULL))
				return false;
			ch->raw_len = (size_t)(pr.transforms.p - ch->raw);
			if (!p2_read(&t, &attrs) || !p2_fits(&t, &attrs, want))
				continue;
			*near = true;
			if (!p2_group_fits(k, map, attrs.group, ke))
				continue;
			p2_take(ch, &pr, &t, &attrs, want);
			return true;
		}
	}
	return false;
}

enum ike_reason
ike_p2_choose(const struct ike *k, const struct isakmp_payload *payload, const struct ike_map *map,
	bool ke, struct ike_p2_choice *out, struct why *why)
{
	bool all = !k->rules->check_proposal, near = false;
	unsigned cnt = all ? ESP_TRANSFORM_CNT : map->transform_cnt;
	struct isakmp_sa sa;
	enum ike_reason r = open_sa(payload, &sa, why);

	if (!r)
		r = sound(k, &sa, why);
	if (r)
		return r;
	for (unsigned i = 0; i < cnt; i++) {
		enum esp_transform want = all ? (enum esp_transform)i : map->transform[i];

		if (p2_scan(k, &sa, map, ke, want, out, &near))
			return out->spi > 255 ? IKE_R_NONE : IKE_R_SPI;
	}
	return near ? IKE_R_PFS : IKE_R_NO_PROPOSAL;
}

enum ike_reason
ike_p2_check(const struct ike *k, const struct isakmp_payload *payload, const struct ike_map *map,
	struct ike_p2_choice *out, struct why *why)
{
	enum esp_transform found = ESP_TRANSFORM_NONE;
	struct isakmp_proposal pr;
	struct isakmp_transform t;
	struct p2_attrs attrs;
	struct isakmp_sa sa;
	enum ike_reason r = open_sa(payload, &sa, why);

	if (!r)
		r = sound(k, &sa, why);
	if (!r)
		r = single(&sa, &pr, &t, why);
	if (r)
		return r;
	if (pr.protocol != ISAKMP_P_ESP || pr.spi_len != 4 || !p2_read(&t, &attrs))
		return IKE_R_CHOICE;
	for (unsigned i = 1; i < ESP_TRANSFORM_CNT; i++) {
		bool asked = pr.number == 1 && t.number >= 1 && t.number <= map->transform_cnt &&
			     map->transform[t.number - 1] == (enum esp_transform)i &&
			     attrs.group == map->pfs_group;

		if ((asked || !k->rules->check_choice) && p2_fits(&t, &attrs, (enum esp_transform)i))
			found = (enum esp_transform)i;
	}
	if (!found)
		return IKE_R_CHOICE;
	if (k->rules->check_choice && k->rules->send_lifetime &&
		(attrs.life.s != map->lifetime_s || attrs.life.kb != map->lifetime_kb))
		return IKE_R_CHOICE;
	p2_take(out, &pr, &t, &attrs, found);
	if (!attrs.life.s)
		out->life_s = map->lifetime_s;
	return out->spi > 255 ? IKE_R_NONE : IKE_R_SPI;
}
