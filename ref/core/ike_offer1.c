/* SPDX-License-Identifier: BSD-2-Clause */
/* Proposals of phase 1 (RFC 2409 5, Appendix A). The rules are told in ike_offer.c. */
#include <string.h>

#include "ref/core/ike_int.h"

static void
p1_transform(
	const struct ike *k, struct wr *w, uint8_t number, const struct ike_policy *p, bool last)
{
	size_t at = ike_offer_transform_begin(w, number, ISAKMP_KEY_IKE, last);

	isakmp_attr_basic(w, ISAKMP_A1_CIPHER, p->cipher);
	if (p->key_bits)
		isakmp_attr_basic(w, ISAKMP_A1_KEY_BITS, p->key_bits);
	isakmp_attr_basic(w, ISAKMP_A1_HASH, p->hash);
	isakmp_attr_basic(w, ISAKMP_A1_AUTH, ISAKMP_AUTH_PSK);
	isakmp_attr_basic(w, ISAKMP_A1_GROUP, p->group);
	if (k->rules->send_lifetime) {
		isakmp_attr_basic(w, ISAKMP_A1_LIFE_TYPE, ISAKMP_LIFE_SECONDS);
		isakmp_attr_u32(w, ISAKMP_A1_LIFE, p->lifetime_s);
	}
	ike_offer_chain_end(w, at);
}

void
ike_p1_offer(const struct ike *k, struct wr *w)
{
	uint8_t cnt = (uint8_t)k->cfg->policy_cnt;
	size_t at = ike_offer_proposal_begin(w, 1, ISAKMP_P_ISAKMP, 0, cnt);

	for (uint8_t i = 0; i < cnt; i++)
		p1_transform(k, w, (uint8_t)(i + 1), &k->cfg->policy[i], i + 1 == cnt);
	ike_offer_chain_end(w, at);
}

void
ike_p1_answer(struct wr *w, const struct ike_p1_choice *ch)
{
	size_t at = ike_offer_proposal_begin(w, ch->proposal, ISAKMP_P_ISAKMP, 0, 1);

	ike_offer_transform_again(w, ch->raw, ch->raw_len);
	ike_offer_chain_end(w, at);
}

/* False: something in it is unknown or contradicts. */
static bool
p1_read(const struct isakmp_transform *t, struct ike_p1_choice *ch)
{
	struct rd r = t->attrs;
	struct ike_life life = {0};
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
			if (!ike_offer_life_take(&life, a.num))
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
		return ike_cipher(ch->cipher, ch->key_bits) && crypto_hash_len(ch->hash) && crypto_group_len(ch->group);
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
	enum ike_reason r = ike_offer_open_sa(k, payload, &sa, why);

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
	enum ike_reason r = ike_offer_single(k, payload, &pr, &t, why);

	if (r)
		return r;
	if (!p1_read(&t, out))
		return IKE_R_CHOICE;
	if (!k->rules->check_choice) {
		p1_life(out, &k->cfg->policy[0]);
		return ike_cipher(out->cipher, out->key_bits) && crypto_hash_len(out->hash) &&
				       crypto_group_len(out->group)
			       ? IKE_R_NONE
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
