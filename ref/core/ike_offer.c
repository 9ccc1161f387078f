/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Proposals, what both phases share: offering, choosing, answering, checking the answer (RFC 2408
 * 4.2, RFC 2409 5, RFC 2407 4.5).
 *
 * The responder goes by its own order of preference, and gives back the chosen transform octet
 * for octet (RFC 2408 4.2: attributes may not be changed). Proposals that bind protocols together
 * (AH with ESP) are passed over.
 *
 * Phase 1 is in ike_offer1.c, phase 2 in ike_offer2.c.
 */
#include <string.h>

#include "ref/core/ike_int.h"

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

/* A duration follows its type; twice the same type with two values contradicts (RFC 2407 4.5.2). */
bool
ike_offer_life_take(struct ike_life *l, uint32_t value)
{
	uint32_t *to = l->type == ISAKMP_LIFE_SECONDS ? &l->s
		       : l->type == ISAKMP_LIFE_KB    ? &l->kb
						      : NULL;

	if (!to || value == 0 || (*to && *to != value))
		return false;
	*to = value;
	l->type = 0;
	return true;
}

bool
ike_p2_life_read(struct rd *r, uint32_t *life_s, uint32_t *life_kb)
{
	struct ike_life l = {0};
	struct isakmp_attr a;

	while (rd_left(r)) {
		if (isakmp_attr_decode(r, &a, NULL))
			return false;
		if (a.type == ISAKMP_A2_LIFE_TYPE)
			l.type = a.num;
		else if (a.type != ISAKMP_A2_LIFE || !ike_offer_life_take(&l, a.num))
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

void
ike_offer_chain_end(struct wr *w, size_t at)
{
	if (!w->bad)
		wr_patch_u16(w, at + 2, (uint16_t)(w->len - at));
}

size_t
ike_offer_proposal_begin(
	struct wr *w, uint8_t number, uint8_t protocol, uint32_t spi, uint8_t transforms)
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
void
ike_offer_transform_again(struct wr *w, const uint8_t *raw, size_t len)
{
	wr_u8(w, ISAKMP_NONE);
	wr_bytes(w, raw + 1, len - 1);
}

size_t
ike_offer_transform_begin(struct wr *w, uint8_t number, uint8_t id, bool last)
{
	size_t at = chain_begin(w, last ? ISAKMP_NONE : ISAKMP_TRANSFORM);

	wr_u8(w, number);
	wr_u8(w, id);
	wr_u16(w, 0);
	return at;
}

/* ---- both phases: reading ---- */

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

enum ike_reason
ike_offer_open_sa(const struct ike *k, const struct isakmp_payload *p, struct isakmp_sa *sa,
	struct why *why)
{
	if (isakmp_sa_decode(p, sa, why))
		return IKE_R_MALFORMED;
	if (sa->doi != ISAKMP_DOI_IPSEC)
		return IKE_R_DOI;
	if (sa->situation != ISAKMP_SIT_IDENTITY_ONLY)
		return IKE_R_SITUATION;
	return rd_left(&sa->proposals) ? sound(k, sa, why) : IKE_R_MALFORMED;
}

/* How many proposals carry this number: more than one binds protocols together. */
unsigned
ike_offer_bound(const struct isakmp_sa *sa, uint8_t number)
{
	struct rd r = sa->proposals;
	struct isakmp_proposal pr;
	unsigned n = 0;

	while (rd_left(&r) && !isakmp_proposal_decode(&r, &pr, NULL))
		n += pr.number == number;
	return n;
}

/* Exactly one proposal with one transform, as an answer has. */
enum ike_reason
ike_offer_single(const struct ike *k, const struct isakmp_payload *p, struct isakmp_proposal *pr,
	struct isakmp_transform *t, struct why *why)
{
	struct isakmp_sa sa;
	enum ike_reason e = ike_offer_open_sa(k, p, &sa, why);
	struct rd r;

	if (e)
		return e;
	r = sa.proposals;
	if (isakmp_proposal_decode(&r, pr, why) || isakmp_transform_decode(&pr->transforms, t, why))
		return IKE_R_MALFORMED;
	return rd_left(&r) || rd_left(&pr->transforms) ? IKE_R_CHOICE : IKE_R_NONE;
}
