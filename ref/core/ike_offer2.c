/* SPDX-License-Identifier: BSD-2-Clause */
/* Proposals of phase 2: ESP in tunnel mode (RFC 2407 4.5). The rules are told in ike_offer.c. */
#include <string.h>

#include "ref/core/ike_int.h"

#define MODE_DRAFT 61443      /* UDP-encapsulated tunnel, before RFC 3947 */
#define LIFE_DEFAULT_S 28800 /* RFC 2407 4.5 */

static void
p2_transform(const struct ike *k, struct wr *w, uint8_t number, const struct ike_map *map,
	uint16_t mode, bool last)
{
	const struct esp_alg *a = esp_alg(map->transform[number - 1]);
	size_t at = ike_offer_transform_begin(w, number, a->ike_transform, last);

	if (k->rules->send_lifetime)
		ike_p2_life(w, map->lifetime_s, map->lifetime_kb);
	if (map->pfs_group)
		isakmp_attr_basic(w, ISAKMP_A2_GROUP, map->pfs_group);
	isakmp_attr_basic(w, ISAKMP_A2_MODE, mode);
	if (a->ike_auth)
		isakmp_attr_basic(w, ISAKMP_A2_AUTH, a->ike_auth);
	if (a->ike_key_bits)
		isakmp_attr_basic(w, ISAKMP_A2_KEY_BITS, a->ike_key_bits);
	ike_offer_chain_end(w, at);
}

void
ike_p2_offer(
	const struct ike *k, struct wr *w, const struct ike_map *map, uint32_t spi, uint16_t mode)
{
	uint8_t cnt = (uint8_t)map->transform_cnt;
	size_t at = ike_offer_proposal_begin(w, 1, ISAKMP_P_ESP, spi, cnt);

	for (uint8_t i = 0; i < cnt; i++)
		p2_transform(k, w, (uint8_t)(i + 1), map, mode, i + 1 == cnt);
	ike_offer_chain_end(w, at);
}

void
ike_p2_answer(struct wr *w, const struct ike_p2_choice *ch, uint32_t spi)
{
	size_t at = ike_offer_proposal_begin(w, ch->proposal, ISAKMP_P_ESP, spi, 1);

	ike_offer_transform_again(w, ch->raw, ch->raw_len);
	ike_offer_chain_end(w, at);
}

struct p2_attrs {
	uint16_t group, mode, auth, key_bits;
	struct ike_life life;
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
			if (!ike_offer_life_take(&p->life, a.num))
				return false;
		} else {
			if (a.type > ISAKMP_A2_KEY_BITS || !to[a.type] || !a.basic || *to[a.type])
				return false;
			*to[a.type] = (uint16_t)a.num;
		}
	}
	return true;
}

/* Tunnel, or UDP-encapsulated tunnel, whichever it must be; never the numbers of the drafts. */
static bool
p2_mode_fits(const struct ike *k, uint16_t mode, uint16_t must)
{
	return mode == must ||
	       (k->rules->natt_draft_mode && mode == MODE_DRAFT && must == ISAKMP_MODE_UDP_TUNNEL) ||
	       (!k->rules->natt_check_mode &&
		       (mode == ISAKMP_MODE_TUNNEL || mode == ISAKMP_MODE_UDP_TUNNEL));
}

static bool
p2_fits(const struct ike *k, const struct isakmp_transform *t, const struct p2_attrs *p,
	enum esp_transform want, uint16_t must_mode)
{
	const struct esp_alg *a = esp_alg(want);

	return a && t->id == a->ike_transform && p2_mode_fits(k, p->mode, must_mode) &&
	       p->auth == a->ike_auth && p->key_bits == a->ike_key_bits;
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
p2_take(struct ike_p2_choice *ch, const struct isakmp_proposal *pr,
	const struct isakmp_transform *t, const struct p2_attrs *p, enum esp_transform transform)
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
	ch->mode = p->mode;
}

static bool
usable(const struct isakmp_sa *sa, const struct isakmp_proposal *pr)
{
	return pr->protocol == ISAKMP_P_ESP && pr->spi_len == 4 &&
	       ike_offer_bound(sa, pr->number) == 1;
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
			if (!p2_read(&t, &attrs) || !p2_fits(k, &t, &attrs, want, ch->must_mode))
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
	enum ike_reason r = ike_offer_open_sa(k, payload, &sa, why);

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
	enum ike_reason r = ike_offer_single(k, payload, &pr, &t, why);

	if (r)
		return r;
	if (pr.protocol != ISAKMP_P_ESP || pr.spi_len != 4 || !p2_read(&t, &attrs))
		return IKE_R_CHOICE;
	for (unsigned i = 1; i < ESP_TRANSFORM_CNT; i++) {
		bool asked = pr.number == 1 && t.number >= 1 && t.number <= map->transform_cnt &&
			     map->transform[t.number - 1] == (enum esp_transform)i &&
			     attrs.group == map->pfs_group;

		if ((asked || !k->rules->check_choice) &&
			p2_fits(k, &t, &attrs, (enum esp_transform)i, out->must_mode))
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
