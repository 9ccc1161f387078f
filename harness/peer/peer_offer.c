/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the peer offers, and whether an offer is one of its own: SA payloads of phase 1 (RFC 2409
 * Appendix A) and of phase 2 (RFC 2407 4.4, 4.5). Key lengths are required where an algorithm has
 * several. No AH, no compression, tunnel mode only.
 */
#include <string.h>

#include "harness/peer/peer_priv.h"

enum { A1_ENC = 1, A1_HASH, A1_AUTH, A1_GROUP, A1_LIFE_TYPE = 11, A1_LIFE, A1_KEY_LEN = 14 };
enum { A2_LIFE_TYPE = 1, A2_LIFE, A2_GROUP, A2_MODE, A2_AUTH, A2_KEY_LEN };
enum { AUTH_PSK = 1, LIFE_SECONDS = 1, LIFE_KB = 2, NOBODY_HAS_IT = 65001 };
enum { PROTO_ISAKMP = 1, PROTO_ESP = 3, KEY_IKE = 1, NOBODYS_TRANSFORM = 249 };

/* RFC 2407 4.4.4, RFC 3602, RFC 4106 8.3; and 4.5 and RFC 4868 for authentication. */
static const struct {
	uint8_t transform, auth;
	bool key_len;
} suites[KEYESP_SUITE_CNT] = {
	[KEYESP_AES_SHA1] = {12, 2, true},
	[KEYESP_AES_SHA256] = {12, 5, true},
	[KEYESP_AES_GCM] = {20, 0, true},
	[KEYESP_3DES_SHA1] = {3, 2, false},
	[KEYESP_3DES_MD5] = {3, 1, false},
	[KEYESP_AES_MD5] = {12, 1, true},
	[KEYESP_NULL_SHA1] = {11, 2, false},
	[KEYESP_NULL_SHA256] = {11, 5, false},
	[KEYESP_3DES_SHA256] = {3, 5, false},
	[KEYESP_NULL_MD5] = {11, 1, false},
};

static void
open_sa(struct chain_out *o)
{
	peer_chain_open(o, PL_SA);
	wr_u32(&o->w, 1); /* IPsec DOI */
	wr_u32(&o->w, 1); /* SIT_IDENTITY_ONLY */
}

/* Proposal header; returns where its length is patched. */
static size_t
open_proposal(struct wr *w, bool more, uint8_t number, uint8_t protocol, const uint8_t *spi,
	uint8_t spi_len, uint8_t transforms)
{
	size_t at = w->len;

	wr_u8(w, more ? PL_PROPOSAL : PL_NONE);
	wr_u8(w, 0);
	wr_u16(w, 0);
	wr_u8(w, number);
	wr_u8(w, protocol);
	wr_u8(w, spi_len);
	wr_u8(w, transforms);
	wr_bytes(w, spi, spi_len);
	return at;
}

static size_t
open_transform(struct wr *w, bool more, uint8_t number, uint8_t id)
{
	size_t at = w->len;

	wr_u8(w, more ? PL_TRANSFORM : PL_NONE);
	wr_u8(w, 0);
	wr_u16(w, 0);
	wr_u8(w, number);
	wr_u8(w, id);
	wr_u16(w, 0);
	return at;
}

static void
close_at(struct wr *w, size_t at)
{
	wr_patch_u16(w, at + 2, (uint16_t)(w->len - at));
}

static void
put_ike_transform(struct peer *p, struct wr *w, size_t n, bool spoilt)
{
	const struct peer_ike_prop *i = &p->cfg.ike[n];
	size_t at = open_transform(w, n + 1u < p->cfg.ike_cnt, (uint8_t)(n + 1), KEY_IKE);

	peer_attr_put(w, A1_ENC, spoilt ? NOBODY_HAS_IT : (uint32_t)i->cipher);
	peer_attr_put(w, A1_HASH, (uint32_t)i->hash);
	peer_attr_put(w, A1_AUTH, AUTH_PSK);
	peer_attr_put(w, A1_GROUP, i->group);
	peer_attr_put(w, A1_LIFE_TYPE, LIFE_SECONDS);
	peer_attr_put(w, A1_LIFE, p->cfg.ike_life_s);
	if (i->cipher == KEYPRIM_AES)
		peer_attr_put(w, A1_KEY_LEN, i->key_bits);
	close_at(w, at);
}

/*
 * A proposal with the chosen transform as it came (RFC 2408 4.2: the responder must not change it),
 * or spoilt as the case wants it.
 */
static void
put_chosen(struct wr *w, const struct offer *c, const uint8_t *spi, uint8_t spi_len, bool spoilt,
	enum peer_choice how)
{
	uint8_t shift = how == PEER_CHOOSE_NUMBER ? 7 : 0, cnt = how == PEER_CHOOSE_TWO ? 2 : 1;
	size_t proposal = open_proposal(
		w, false, (uint8_t)(c->number + shift), c->protocol, spi, spi_len, cnt);

	for (uint8_t n = 0; n < cnt; n++) {
		size_t at = open_transform(w, n + 1 < cnt, (uint8_t)(c->transform_no + shift + n),
			spoilt ? NOBODYS_TRANSFORM : c->transform_id);

		wr_bytes(w, c->attrs, c->attrs_len);
		if (how == PEER_CHOOSE_CHANGED && !w->bad)
			w->base[w->len - 1] ^= 1;
		close_at(w, at);
	}
	close_at(w, proposal);
}

void
peer_put_ike_sa(struct peer *p, struct chain_out *o, const struct offer *chosen, bool spoilt)
{
	struct wr *w = &o->w;
	size_t at;

	open_sa(o);
	if (chosen) {
		put_chosen(w, chosen, NULL, 0, spoilt, p->wrong.choose_ike);
	} else {
		at = open_proposal(w, false, 1, PROTO_ISAKMP, NULL, 0, p->cfg.ike_cnt);
		for (size_t n = 0; n < p->cfg.ike_cnt; n++)
			put_ike_transform(p, w, n, spoilt);
		close_at(w, at);
	}
	peer_chain_close(o);
}

bool
peer_match_ike(
	const struct peer *p, const struct offer *o, struct peer_ike_prop *out, uint32_t *life)
{
	static const uint16_t known[] = {
		A1_ENC, A1_HASH, A1_AUTH, A1_GROUP, A1_LIFE_TYPE, A1_LIFE, A1_KEY_LEN};
	uint32_t enc, hash, auth, group, bits = 0;

	*life = 0;
	if (o->protocol != PROTO_ISAKMP || o->transform_id != KEY_IKE ||
		!peer_attrs_known(o, known, 7))
		return false;
	if (!peer_attr_get(o, A1_ENC, &enc) || !peer_attr_get(o, A1_HASH, &hash) ||
		!peer_attr_get(o, A1_AUTH, &auth) || !peer_attr_get(o, A1_GROUP, &group) ||
		auth != AUTH_PSK)
		return false;
	if (!peer_attr_get(o, A1_KEY_LEN, &bits))
		bits = 0;
	if (!peer_attr_life(o, A1_LIFE_TYPE, A1_LIFE, LIFE_SECONDS, life))
		*life = 0;
	for (size_t n = 0; n < p->cfg.ike_cnt; n++) {
		const struct peer_ike_prop *i = &p->cfg.ike[n];
		uint32_t want = i->cipher == KEYPRIM_AES ? i->key_bits : 0;

		if ((uint32_t)i->cipher == enc && (uint32_t)i->hash == hash && i->group == group &&
			want == bits) {
			*out = *i;
			return true;
		}
	}
	return false;
}

static void
put_esp_transform(struct peer *p, struct wr *w, const struct qm *q, size_t n, bool spoilt)
{
	const struct peer_esp_prop *e = &p->cfg.esp[n];
	bool one = p->cfg.esp_one_proposal;
	size_t at = open_transform(w, one && n + 1u < p->cfg.esp_cnt, (uint8_t)(one ? n + 1 : 1),
		spoilt ? NOBODYS_TRANSFORM : suites[e->suite].transform);

	peer_attr_put(w, A2_LIFE_TYPE, LIFE_SECONDS);
	peer_attr_put(w, A2_LIFE, p->cfg.esp_life_s);
	if (p->cfg.esp_life_kb) {
		peer_attr_put(w, A2_LIFE_TYPE, LIFE_KB);
		peer_attr_put(w, A2_LIFE, p->cfg.esp_life_kb);
	}
	peer_attr_put(w, A2_MODE,
		p->wrong.mode ? p->wrong.mode
		: q->udp      ? MODE_UDP_TUNNEL
			      : MODE_TUNNEL);
	if (suites[e->suite].auth)
		peer_attr_put(w, A2_AUTH, suites[e->suite].auth);
	if (suites[e->suite].key_len)
		peer_attr_put(w, A2_KEY_LEN, e->key_bits);
	if (p->cfg.pfs_group)
		peer_attr_put(w, A2_GROUP, p->cfg.pfs_group);
	close_at(w, at);
}

/* Offering: proposals, or transforms of one. Answering: the chosen transform, with our SPI. */
void
peer_put_esp_sa(struct peer *p, struct chain_out *o, const struct qm *q, const struct offer *chosen,
	bool spoilt)
{
	uint32_t spi = p->wrong.spi_zero ? 0 : q->spi_in;
	uint8_t s[4] = {
		(uint8_t)(spi >> 24), (uint8_t)(spi >> 16), (uint8_t)(spi >> 8), (uint8_t)spi};
	uint8_t each = p->cfg.esp_one_proposal ? p->cfg.esp_cnt : 1;
	struct wr *w = &o->w;
	size_t n = 0, at;

	open_sa(o);
	if (chosen)
		put_chosen(w, chosen, s, 4, spoilt, p->wrong.choose_esp);
	while (n < p->cfg.esp_cnt && !chosen) {
		at = open_proposal(w, n + each < p->cfg.esp_cnt, (uint8_t)(n / each + 1), PROTO_ESP,
			s, 4, each);
		for (uint8_t i = 0; i < each; i++)
			put_esp_transform(p, w, q, n++, spoilt);
		close_at(w, at);
	}
	peer_chain_close(o);
}

bool
peer_match_esp(const struct peer *p, const struct offer *o, bool udp, struct peer_esp_prop *out,
	struct life *life)
{
	static const uint16_t known[] = {
		A2_LIFE_TYPE, A2_LIFE, A2_GROUP, A2_MODE, A2_AUTH, A2_KEY_LEN};
	uint32_t mode, auth = 0, bits = 0, group = 0;

	*life = (struct life){.s = 0};
	if (o->protocol != PROTO_ESP || o->spi_len != 4 || !peer_attrs_known(o, known, 6))
		return false;
	if (!(o->spi[0] | o->spi[1] | o->spi[2])) /* RFC 4303 2.1: 0 to 255 are reserved */
		return false;
	/* RFC 3947 5.1: over UDP when there is a NAT, and only then. */
	if (!peer_attr_get(o, A2_MODE, &mode) || mode != (udp ? MODE_UDP_TUNNEL : MODE_TUNNEL))
		return false;
	if (!peer_attr_get(o, A2_AUTH, &auth))
		auth = 0;
	if (!peer_attr_get(o, A2_KEY_LEN, &bits))
		bits = 0;
	if (!peer_attr_get(o, A2_GROUP, &group))
		group = 0;
	(void)(peer_attr_life(o, A2_LIFE_TYPE, A2_LIFE, LIFE_SECONDS, &life->s));
	(void)(peer_attr_life(o, A2_LIFE_TYPE, A2_LIFE, LIFE_KB, &life->kb));
	if (group != p->cfg.pfs_group)
		return false;
	for (size_t n = 0; n < p->cfg.esp_cnt; n++) {
		const struct peer_esp_prop *e = &p->cfg.esp[n];

		if (suites[e->suite].transform == o->transform_id &&
			suites[e->suite].auth == auth &&
			(suites[e->suite].key_len ? e->key_bits : 0u) == bits) {
			*out = *e;
			return true;
		}
	}
	return false;
}
