/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is encrypted, opened with the old keys and sealed with the new ones (rewrite.h). RFC 4303
 * for ESP; RFC 2409 5.5, 5.7 and Appendix B for ISAKMP's IVs and hashes.
 */
#include "harness/replay/replay_in.h"

#include <string.h>

#define HEAD 28 /* ISAKMP's header */
#define INFORMATIONAL 5

static void
put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static uint32_t
get32(const uint8_t *p)
{
	return IP4(p[0], p[1], p[2], p[3]);
}

/* -- ESP -- */

static uint32_t
number_for(struct replay *r, size_t i, uint32_t seq)
{
	if (!r->met[i]) {
		r->met[i] = true;
		r->first[i] = seq;
	}
	return r->rules.spis[i].number ? r->rules.spis[i].number + (seq - r->first[i]) : seq;
}

/* CBC: the recorded IV again, or, with another cipher, from what no two packets share; GCM: the
 * number (RFC 4106 3.1). */
static void
iv_for(const struct keyesp *k, uint32_t seq, const uint8_t *esp, uint8_t *iv)
{
	uint8_t digest[KEYPRIM_HASH_MAX], unique[8];

	put32(unique, k->spi);
	put32(unique + 4, seq);
	if (k->suite == KEYESP_AES_GCM) {
		memset(iv, 0, 8);
		put32(iv + 4, seq);
		return;
	}
	keyprim_digest(KEYPRIM_SHA256, (struct span[]){SPAN(unique, 8), SPAN(esp, 8)}, 2, digest);
	memcpy(iv, digest, keyesp_iv_len(k->suite));
}

static size_t
seal_esp(struct replay *r, const struct keyesp *to, uint32_t seq, ip4_t dst, const uint8_t *esp,
	size_t len)
{
	uint8_t iv[KEYPRIM_BLOCK_MAX], next;
	size_t inner;

	if (!to || keyring_open_esp(r->rules.old_keys, dst, esp, len, r->inner, sizeof r->inner,
			   &inner, &next) != ERR_OK)
		return 0;
	if (next == 4)
		(void)replay_map_packet(r, r->inner, inner);
	iv_for(to, seq, esp, iv);
	return keyesp_seal(to, seq, iv, next, SPAN(r->inner, inner), r->sealed, sizeof r->sealed);
}

size_t
replay_esp(struct replay *r, ip4_t dst, ip4_t new_dst, const uint8_t *esp, size_t len)
{
	const struct replay_rules *k = &r->rules;
	const struct keyesp *to = NULL;
	size_t i = 0, got = 0;
	uint32_t seq;

	while (i < k->spi_cnt && (len < 8 || k->spis[i].from != get32(esp)))
		i++;
	if (i == k->spi_cnt || len > sizeof r->sealed)
		return 0;
	seq = number_for(r, i, get32(esp + 4));
	if (k->new_keys)
		to = keyring_esp(k->new_keys, k->spis[i].to, new_dst);
	if (k->old_keys)
		got = seal_esp(r, to, seq, dst, esp, len);
	if (got) {
		r->n.sealed++;
		return got;
	}
	r->n.blind++;
	memcpy(r->sealed, esp, len);
	put32(r->sealed, k->spis[i].to);
	put32(r->sealed + 4, seq);
	return len;
}

/* -- ISAKMP -- */

/* The IV of this message under the new keys: its exchange's last block, or a first one. */
static struct replay_exchange *
exchange_of(struct replay *r, const struct keyike *k, const struct ikeopen_msg *o)
{
	struct replay_exchange *x = r->exchanges;
	size_t known = r->exchange_cnt < REPLAY_EXCHANGES ? r->exchange_cnt : REPLAY_EXCHANGES;

	for (size_t i = 0; i < known; i++)
		if (x[i].msgid == o->msgid && x[i].type == o->exchange &&
			!memcmp(x[i].cookies, o->icookie, 8))
			return &x[i];
	if (!k->have_iv || !o->msgid)
		return NULL;
	x += r->exchange_cnt++ % REPLAY_EXCHANGES;
	memcpy(x->cookies, o->icookie, 8);
	x->msgid = o->msgid;
	x->type = o->exchange;
	keyike_phase2_iv(k, o->msgid, x->iv);
	return x;
}

/* Octets of the payloads, without padding; 0 if they do not fit. */
static size_t
chain_len(const uint8_t *body, size_t len, uint8_t first)
{
	size_t at = 0;

	while (first) {
		size_t one = at + 4 <= len ? (size_t)(body[at + 2] << 8 | body[at + 3]) : 0;

		if (one < 4 || one > len - at)
			return 0;
		first = body[at];
		at += one;
	}
	return at;
}

/* R-U-THERE and its answer name the SA by its cookies (RFC 3706 5.3): the new ones. */
static void
map_cookies_inside(uint8_t *body, size_t len, const struct replay_cookies *c)
{
	for (size_t i = 0; i + 16 <= len; i++)
		if (!memcmp(body + i, c->from, 16))
			memcpy(body + i, c->to, 16);
}

static bool
put_hash(const struct keyike *k, const struct ikeopen_msg *o, uint8_t *body, size_t chain)
{
	size_t hash = keyprim_hash_len(k->hash), head = 4 + hash;
	uint8_t made[KEYPRIM_HASH_MAX];

	if (o->exchange != INFORMATIONAL || o->first != 8 || !k->a.len || chain < head ||
		(size_t)(body[2] << 8 | body[3]) != head)
		return false;
	keyike_hash1(k, o->msgid, SPAN(body + head, chain - head), made);
	memcpy(body + 4, made, hash);
	return true;
}

static bool
seal_isakmp(struct replay *r, const struct replay_cookies *c, const struct ikeopen_msg *o)
{
	struct keyike *k = keyring_ike(r->rules.new_keys, c->to, c->to + 8);
	struct replay_exchange *x = k ? exchange_of(r, k, o) : NULL;
	size_t chain = chain_len(o->body, o->body_len, o->first);

	if (!x || !chain || o->body_len % keyprim_block(k->cipher))
		return false;
	memcpy(r->inner, o->body, o->body_len);
	map_cookies_inside(r->inner, chain, c);
	return put_hash(k, o, r->inner, chain) &&
	       keyike_crypt(k, true, x->iv, r->inner, o->body_len, r->sealed + HEAD);
}

size_t
replay_isakmp(struct replay *r, const uint8_t *msg, size_t len)
{
	static const uint8_t none[8];
	const struct replay_rules *k = &r->rules;
	struct ikeopen_msg o = {0};
	bool opened = false;
	size_t i = 0;

	if (r->ike && ikeopen_feed(r->ike, msg, len, &o) == ERR_OK)
		opened = o.was_encrypted;
	while (i < k->cookie_cnt &&
		(len < HEAD || memcmp(msg, k->cookies[i].from, 8) != 0 ||
			(memcmp(msg + 8, none, 8) != 0 &&
				memcmp(msg + 8, k->cookies[i].from + 8, 8) != 0)))
		i++;
	if (i == k->cookie_cnt || len > sizeof r->sealed)
		return 0;
	memcpy(r->sealed, msg, len);
	memcpy(r->sealed, k->cookies[i].to, memcmp(msg + 8, none, 8) ? 16 : 8);
	if (!(msg[19] & 1))
		return len;
	if (opened && k->new_keys && seal_isakmp(r, &k->cookies[i], &o)) {
		r->n.sealed++;
		return len;
	}
	r->n.blind++;
	memcpy(r->sealed + HEAD, msg + HEAD, len - HEAD); /* what a failed seal may have left */
	return len;
}
