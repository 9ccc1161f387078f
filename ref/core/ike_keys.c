/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hashes, keys and IVs of IKE (RFC 2409 5, 5.5, Appendix B), in the RFC's own order of
 * concatenation.
 */
#include <assert.h>
#include <string.h>

#include "ref/core/ike_int.h"

void
ike_prf(const struct ike *k, const struct ike_sa *sa, const struct secret *key,
	const struct crypto_part *part, size_t cnt, uint8_t *out)
{
	k->crypto->hmac((enum crypto_hash)sa->hash, key->b, key->len, part, cnt, out);
}

/* SKEYID_n = prf(SKEYID, SKEYID_{n-1} | g^xy | CKY-I | CKY-R | n) */
static void
skeyid_n(const struct ike *k, const struct ike_sa *sa, const struct ike_xchg *x,
	const struct secret *before, uint8_t n, struct secret *out)
{
	const struct crypto_part part[] = {
		{before ? before->b : x->skeyid.b, before ? before->len : 0u},
		{x->shared, crypto_shared_len(sa->group)},
		{sa->cookies.i, ISAKMP_COOKIE_LEN},
		{sa->cookies.r, ISAKMP_COOKIE_LEN},
		{&n, 1},
	};

	ike_prf(k, sa, &x->skeyid, part, 5, out->b);
	out->len = (uint8_t)crypto_hash_len(sa->hash);
}

enum crypto_cipher
ike_cipher(unsigned cipher, unsigned key_bits)
{
	if (cipher == ISAKMP_CIPHER_3DES && key_bits == 0)
		return CRYPTO_3DES_CBC;
	if (cipher != ISAKMP_CIPHER_AES)
		return CRYPTO_CIPHER_NONE;
	switch (key_bits) {
	case 128:
		return CRYPTO_AES128_CBC;
	case 192:
		return CRYPTO_AES192_CBC;
	case 256:
		return CRYPTO_AES256_CBC;
	default:
		return CRYPTO_CIPHER_NONE;
	}
}

size_t
ike_block(const struct ike_sa *sa)
{
	return crypto_block_len(ike_cipher(sa->cipher, sa->key_bits));
}

/*
 * Appendix B: the start of SKEYID_e, or, where that is too short, of Ka = K1 | K2 | ... with K1 =
 * prf(SKEYID_e, 0) and each next one the prf of the one before it.
 */
static void
cipher_key(const struct ike *k, struct ike_sa *sa)
{
	size_t need = crypto_key_len(ike_cipher(sa->cipher, sa->key_bits));
	size_t n = crypto_hash_len(sa->hash), len = 0;
	uint8_t ka[CRYPTO_KEY_MAX + CRYPTO_HASH_MAX], zero = 0;
	struct crypto_part part = {&zero, 1};

	if (n >= need) {
		secret_set(&sa->key, sa->skeyid_e.b, need);
		return;
	}
	while (len < need) {
		ike_prf(k, sa, &sa->skeyid_e, &part, 1, ka + len);
		part = (struct crypto_part){ka + len, n};
		len += n;
	}
	secret_set(&sa->key, ka, need);
	wipe(ka, sizeof(ka));
}

void
ike_keys_phase1(const struct ike *k, struct ike_sa *sa, struct ike_xchg *x)
{
	struct crypto_part ni = {x->nonce_i, x->nonce_i_len}, nr = {x->nonce_r, x->nonce_r_len};
	struct crypto_part nonces[2] = {ni, nr};
	size_t gx_len = crypto_group_len(sa->group);
	struct crypto_part gx[2] = {
		{x->initiator ? x->gx_own : x->gx_peer, gx_len},
		{x->initiator ? x->gx_peer : x->gx_own, gx_len},
	};
	uint8_t iv[CRYPTO_HASH_MAX];

	if (!k->rules->skeyid_order) {
		nonces[0] = nr;
		nonces[1] = ni;
	}
	ike_prf(k, sa, &x->psk, nonces, 2, x->skeyid.b);
	x->skeyid.len = (uint8_t)crypto_hash_len(sa->hash);
	skeyid_n(k, sa, x, NULL, 0, &sa->skeyid_d);
	skeyid_n(k, sa, x, &sa->skeyid_d, 1, &sa->skeyid_a);
	skeyid_n(k, sa, x, &sa->skeyid_a, 2, &sa->skeyid_e);
	cipher_key(k, sa);
	k->crypto->hash((enum crypto_hash)sa->hash, gx, 2, iv);
	memcpy(x->iv, iv, ike_block(sa));
}

void
ike_hash_phase1(const struct ike *k, const struct ike_sa *sa, const struct ike_xchg *x,
	bool of_initiator, const uint8_t *id, size_t id_len, uint8_t *out)
{
	bool own = of_initiator == x->initiator;
	size_t gx_len = crypto_group_len(sa->group);
	const uint8_t *first = of_initiator ? sa->cookies.i : sa->cookies.r;
	const uint8_t *second = of_initiator ? sa->cookies.r : sa->cookies.i;
	const struct crypto_part part[] = {
		{own ? x->gx_own : x->gx_peer, gx_len},
		{own ? x->gx_peer : x->gx_own, gx_len},
		{first, ISAKMP_COOKIE_LEN},
		{second, ISAKMP_COOKIE_LEN},
		{x->sa_i, x->sa_i_len},
		{id, id_len},
	};

	ike_prf(k, sa, &x->skeyid, part, 6, out);
}

static void
put_u32(uint8_t out[4], uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		out[i] = (uint8_t)(v >> (24 - 8 * i));
}

void
ike_hash_rest(const struct ike *k, const struct ike_sa *sa, uint32_t msgid, const uint8_t *nonce,
	size_t nonce_len, const uint8_t *rest, size_t rest_len, uint8_t *out)
{
	uint8_t id[4];
	const struct crypto_part part[] = {
		{id, 4},
		{nonce ? nonce : id, nonce_len},
		{rest, rest_len},
	};

	put_u32(id, msgid);
	ike_prf(k, sa, &sa->skeyid_a, part, 3, out);
}

void
ike_hash3(const struct ike *k, const struct ike_sa *sa, const struct ike_xchg *x, uint8_t *out)
{
	uint8_t head[5] = {0};
	const struct crypto_part part[] = {
		{head, 5},
		{x->nonce_i, x->nonce_i_len},
		{x->nonce_r, x->nonce_r_len},
	};

	put_u32(head + 1, x->msgid);
	ike_prf(k, sa, &sa->skeyid_a, part, 3, out);
}

void
ike_iv_phase2(
	const struct ike *k, const struct ike_sa *sa, uint32_t msgid, uint8_t iv[CRYPTO_BLOCK])
{
	uint8_t id[4], out[CRYPTO_HASH_MAX];
	const struct crypto_part part[] = {{sa->last_block, ike_block(sa)}, {id, 4}};

	put_u32(id, msgid);
	k->crypto->hash((enum crypto_hash)sa->hash, part, 2, out);
	memcpy(iv, k->rules->iv_from_msgid ? out : sa->last_block, ike_block(sa));
}

/*
 * KEYMAT = K1 | K2 | ... (5.5): K1 = prf(SKEYID_d, [g(qm)^xy |] protocol | SPI | Ni_b | Nr_b),
 * each next one with the one before it in front.
 */
static void
keymat_one(const struct ike *k, const struct ike_sa *sa, const struct ike_xchg *x, uint32_t spi,
	enum esp_transform t, struct secret *enc, struct secret *auth)
{
	const struct esp_alg *a = esp_alg(t);
	size_t need = (size_t)a->enc_len + a->auth_len, n = crypto_hash_len(sa->hash), len = 0;
	size_t shared_len = k->rules->zero_shared_pfs ? 0 : crypto_shared_len(x->pfs_group);
	bool std = k->rules->keymat_standard;
	uint8_t head[5] = {ISAKMP_P_ESP}, mat[128];
	const struct crypto_part ni = {x->nonce_i, x->nonce_i_len},
				 nr = {x->nonce_r, x->nonce_r_len};
	struct crypto_part part[] = {
		{mat, 0},
		{x->shared, shared_len},
		{head, 5},
		std ? ni : nr,
		std ? nr : ni,
	};

	put_u32(head + 1, spi);
	while (len < need) {
		assert(len + n <= sizeof(mat));
		ike_prf(k, sa, &sa->skeyid_d, part, 5, mat + len);
		part[0] = (struct crypto_part){mat + len, n};
		len += n;
	}
	secret_set(enc, mat, a->enc_len);
	secret_set(auth, mat + a->enc_len, a->auth_len);
	wipe(mat, sizeof(mat));
}

void
ike_keymat(const struct ike *k, const struct ike_sa *sa, const struct ike_xchg *x,
	struct ike_child *ch)
{
	uint32_t in = k->rules->keymat_own_spi ? ch->spi_in : ch->spi_out;
	uint32_t out = k->rules->keymat_own_spi ? ch->spi_out : ch->spi_in;

	keymat_one(k, sa, x, in, ch->transform, &ch->enc_in, &ch->auth_in);
	keymat_one(k, sa, x, out, ch->transform, &ch->enc_out, &ch->auth_out);
}

bool
ike_check_rest(const struct ike *k, const struct ike_msg *m, uint32_t msgid, const uint8_t *nonce,
	size_t nonce_len)
{
	const struct isakmp_payload *hash = &m->p.v[0];
	const uint8_t *rest = hash->whole + hash->whole_len;
	size_t len = crypto_hash_len(m->sa->hash);
	uint8_t want[CRYPTO_HASH_MAX];

	if (!k->rules->check_hash)
		return true;
	if (rd_left(&hash->body) != len)
		return false;
	ike_hash_rest(k, m->sa, msgid, nonce, nonce_len, rest, (size_t)(m->p.end - rest), want);
	return equal_ct(want, hash->body.p, len);
}
