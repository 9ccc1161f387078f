/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IKEv1 keys (keyike.h), a reading of RFC 2409 alone: 5 (SKEYID and its three children), 5.5
 * (KEYMAT), Appendix B (encryption keys and initialization vectors). prf is HMAC of the negotiated
 * hash. Signature and public-key methods are not here: their SKEYID differs.
 */
#include <string.h>

#include "harness/keys/keyike.h"

static void
put_u32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static size_t
hash_len(const struct keyike *k)
{
	return keyprim_hash_len(k->hash);
}

static void
prf(const struct keyike *k, const struct secret *key, const struct span *parts, size_t cnt,
	uint8_t *out)
{
	keyprim_hmac(k->hash, key->b, key->len, parts, cnt, out);
}

/* SKEYID_x = prf(SKEYID, [previous] | g^xy | CKY-I | CKY-R | x) */
static void
child(struct keyike *k, const struct secret *previous, struct span gxy, uint8_t x,
	struct secret *out)
{
	uint8_t t[KEYPRIM_HASH_MAX];
	struct span parts[] = {SPAN(previous ? previous->b : t, previous ? previous->len : 0), gxy,
		SPAN(k->icookie, 8), SPAN(k->rcookie, 8), SPAN(&x, 1)};

	prf(k, &k->skeyid, parts, 5, t);
	secret_set(out, t, hash_len(k));
	wipe(t, sizeof t);
}

bool
keyike_expand_key(struct keyike *k)
{
	size_t need = k->cipher == KEYPRIM_3DES ? 24 : k->key_bits / 8u;
	uint8_t t[SECRET_MAX] = {0}, block[KEYPRIM_HASH_MAX] = {0};
	size_t step = hash_len(k);
	struct span in = SPAN(block, 1); /* K1 = prf(SKEYID_e, 0) */

	if (!step || !keyprim_block(k->cipher) || !need || need > 32)
		return false;
	if (need <= k->e.len) {
		secret_set(&k->key, k->e.b, need);
		return true;
	}
	for (size_t at = 0; at < need; at += step) {
		prf(k, &k->e, &in, 1, block);
		in.len = step;
		memcpy(t + at, block, step);
	}
	secret_set(&k->key, t, need);
	wipe(t, sizeof t);
	wipe(block, sizeof block);
	return true;
}

void
keyike_first_iv(struct keyike *k, struct span gxi, struct span gxr)
{
	uint8_t t[KEYPRIM_HASH_MAX];

	keyprim_digest(k->hash, (struct span[]){gxi, gxr}, 2, t);
	memcpy(k->iv, t, keyprim_block(k->cipher));
	k->have_iv = true;
}

bool
keyike_derive(struct keyike *k, const struct keyike_in *in)
{
	uint8_t t[KEYPRIM_HASH_MAX];

	if (!hash_len(k) || !keyprim_block(k->cipher))
		return false;
	keyprim_hmac(k->hash, in->psk.p, in->psk.len, (struct span[]){in->ni, in->nr}, 2, t);
	secret_set(&k->skeyid, t, hash_len(k));
	child(k, NULL, in->gxy, 0, &k->d);
	child(k, &k->d, in->gxy, 1, &k->a);
	child(k, &k->a, in->gxy, 2, &k->e);
	keyike_first_iv(k, in->gxi, in->gxr);
	wipe(t, sizeof t);
	return keyike_expand_key(k);
}

void
keyike_wipe(struct keyike *k)
{
	wipe(k, sizeof *k);
}

void
keyike_hash_i(const struct keyike *k, const struct keyike_in *in, struct span sa_b,
	struct span id_b, uint8_t *out)
{
	struct span parts[] = {
		in->gxi, in->gxr, SPAN(k->icookie, 8), SPAN(k->rcookie, 8), sa_b, id_b};

	prf(k, &k->skeyid, parts, 6, out);
}

void
keyike_hash_r(const struct keyike *k, const struct keyike_in *in, struct span sa_b,
	struct span id_b, uint8_t *out)
{
	struct span parts[] = {
		in->gxr, in->gxi, SPAN(k->rcookie, 8), SPAN(k->icookie, 8), sa_b, id_b};

	prf(k, &k->skeyid, parts, 6, out);
}

void
keyike_phase2_iv(const struct keyike *k, uint32_t msgid, uint8_t *iv)
{
	uint8_t id[4], t[KEYPRIM_HASH_MAX];
	size_t block = keyprim_block(k->cipher);

	put_u32(id, msgid);
	keyprim_digest(k->hash, (struct span[]){SPAN(k->iv, block), SPAN(id, 4)}, 2, t);
	memcpy(iv, t, block);
}

bool
keyike_crypt(const struct keyike *k, bool encrypt, uint8_t *iv, const uint8_t *in, size_t len,
	uint8_t *out)
{
	size_t block = keyprim_block(k->cipher);
	uint8_t last[KEYPRIM_BLOCK_MAX];

	if (!block || len < block || len % block)
		return false;
	memcpy(last, in + len - block, block);
	if (!keyprim_cbc(k->cipher, encrypt, k->key.b, k->key.len, iv, in, len, out))
		return false;
	memcpy(iv, encrypt ? out + len - block : last, block);
	return true;
}

void
keyike_hash1(const struct keyike *k, uint32_t msgid, struct span rest, uint8_t *out)
{
	uint8_t id[4];

	put_u32(id, msgid);
	prf(k, &k->a, (struct span[]){SPAN(id, 4), rest}, 2, out);
}

void
keyike_hash2(
	const struct keyike *k, uint32_t msgid, struct span ni_b, struct span rest, uint8_t *out)
{
	uint8_t id[4];

	put_u32(id, msgid);
	prf(k, &k->a, (struct span[]){SPAN(id, 4), ni_b, rest}, 3, out);
}

void
keyike_hash3(
	const struct keyike *k, uint32_t msgid, struct span ni_b, struct span nr_b, uint8_t *out)
{
	uint8_t id[4], zero = 0;

	put_u32(id, msgid);
	prf(k, &k->a, (struct span[]){SPAN(&zero, 1), SPAN(id, 4), ni_b, nr_b}, 4, out);
}

/* K1 = prf(SKEYID_d, [g(qm)^xy] | protocol | SPI | Ni_b | Nr_b); Kn has K(n-1) in front. */
void
keyike_keymat(const struct keyike *k, struct span gxy, uint8_t protocol, uint32_t spi,
	struct span ni_b, struct span nr_b, uint8_t *out, size_t need)
{
	uint8_t s[5] = {protocol}, t[KEYPRIM_HASH_MAX];
	size_t step = hash_len(k);

	put_u32(s + 1, spi);
	for (size_t at = 0; at < need; at += step) {
		struct span parts[] = {SPAN(t, at ? step : 0), gxy, SPAN(s, 5), ni_b, nr_b};

		prf(k, &k->d, parts, 5, t);
		memcpy(out + at, t, need - at < step ? need - at : step);
	}
	wipe(t, sizeof t);
}
