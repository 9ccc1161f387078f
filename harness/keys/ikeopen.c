/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening a trace of IKEv1 (ikeopen.h). An IV of phase 1 is the last cipher block of the message
 * before (RFC 2409 App. B), whoever sent it; the first is hash(g^xi | g^xr). An exchange of phase 2
 * starts from hash(last block of phase 1 | message id). So a chain can be followed without any key;
 * the key is needed to look inside.
 *
 * CONNECTED has the message id of its Quick Mode (RFC 2408 3.1), and is an exchange of its own (RFC
 * 2409 5.7). What starts anew is opened so, and what goes on from Quick Mode's last block, too.
 *
 * Each message is remembered by its digest with the IV that belonged to it: a retransmission is
 * opened with that and moves nothing.
 */
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/field/field.h"
#include "harness/keys/ikeopen.h"

#define HEAD 28
#define BODY_MAX 8192

/* Each of the three below begins with what it is found by, and nothing pads it. */
struct sa { /* one phase 1 */
	struct sa_key {
		uint8_t icookie[8], rcookie[8];
	} key;
	enum keyprim_hash hash;
	enum keyprim_cipher cipher;
	uint8_t gxi[KEYPRIM_DH_MAX], gxr[KEYPRIM_DH_MAX];
	size_t gxi_len, gxr_len;
	uint8_t iv[KEYPRIM_BLOCK_MAX]; /* of the next phase 1 message; at last, the last block */
	bool have_iv;
};

struct exchange { /* one of phase 2 */
	struct exchange_key {
		uint8_t icookie[8];
		uint32_t msgid, type;
	} key;
	uint8_t iv[KEYPRIM_BLOCK_MAX];
};

struct met { /* a message that was fed */
	uint8_t digest[KEYPRIM_SHA256_LEN];
	uint8_t iv[KEYPRIM_BLOCK_MAX], other_iv[KEYPRIM_BLOCK_MAX];
	bool have_iv, have_other;
};

struct ikeopen {
	struct keyring *ring;
	void *sas, *xs, *met; /* trees, as tsearch(3) keeps them */
	uint8_t body[BODY_MAX];
	struct msg scratch;
};

static void *
room(size_t size)
{
	void *p = calloc(1, size);

	if (!p) {
		fprintf(stderr, "ikeopen: out of memory\n");
		abort();
	}
	return p;
}

struct ikeopen *
ikeopen_new(struct keyring *ring)
{
	struct ikeopen *o = room(sizeof *o);

	o->ring = ring;
	return o;
}

void
ikeopen_free(struct ikeopen *o)
{
	if (!o)
		return;
	tdestroy(o->sas, free);
	tdestroy(o->xs, free);
	tdestroy(o->met, free);
	wipe(o->body, sizeof o->body);
	free(o);
}

static int
by_cookies(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct sa_key));
}

static int
by_exchange(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct exchange_key));
}

static int
by_digest(const void *a, const void *b)
{
	return memcmp(a, b, KEYPRIM_SHA256_LEN);
}

/* What is not there is put there: zeroes, but for the key. */
static void *
find_or_put(void **tree, const void *key, size_t key_len, size_t size,
	int (*compare)(const void *, const void *), bool *there)
{
	void **node = tfind(key, tree, compare), *fresh;

	*there = node != NULL;
	if (node)
		return *node;
	fresh = room(size);
	memcpy(fresh, key, key_len);
	if (!tsearch(fresh, tree, compare)) {
		fprintf(stderr, "ikeopen: out of memory\n");
		abort();
	}
	return fresh;
}

static struct sa *
sa_of(struct ikeopen *o, const struct ikeopen_msg *h)
{
	struct sa_key key;
	struct sa *s;
	bool there;

	memcpy(key.icookie, h->icookie, 8);
	memcpy(key.rcookie, h->rcookie, 8);
	s = find_or_put(&o->sas, &key, sizeof key, sizeof *s, by_cookies, &there);
	if (!there) {
		s->hash = KEYPRIM_SHA1;
		s->cipher = KEYPRIM_AES;
	}
	return s;
}

static struct exchange_key
exchange_key(const struct sa *s, uint8_t type, uint32_t msgid)
{
	struct exchange_key key = {.msgid = msgid, .type = type};

	memcpy(key.icookie, s->key.icookie, 8);
	return key;
}

static struct exchange *
find_exchange(struct ikeopen *o, const struct sa *s, uint8_t type, uint32_t msgid)
{
	struct exchange_key key = exchange_key(s, type, msgid);
	void **node = tfind(&key, &o->xs, by_exchange);

	return node ? *node : NULL;
}

static struct exchange *
exchange_of(struct ikeopen *o, const struct sa *s, uint8_t type, uint32_t msgid)
{
	struct exchange_key key = exchange_key(s, type, msgid);
	struct keyike k = {.hash = s->hash, .cipher = s->cipher};
	struct exchange *x;
	bool there;

	x = find_or_put(&o->xs, &key, sizeof key, sizeof *x, by_exchange, &there);
	if (there)
		return x;
	memcpy(k.iv, s->iv, sizeof k.iv);
	keyike_phase2_iv(&k, msgid, x->iv);
	return x;
}

/* The algorithms that message 2 chose (its SA has one transform; RFC 2409 App. A: 1 and 2). */
static void
note_algorithms(struct sa *s, const struct msg *m)
{
	char type[32], value[32];
	uint32_t t, v;

	for (unsigned n = 1;; n++) {
		snprintf(type, sizeof type, "isakmp.attr.type#%u", n);
		snprintf(value, sizeof value, "isakmp.attr.value#%u", n);
		if (!field_u32(m, type, &t) || !field_u32(m, value, &v))
			return;
		if (t == 1 && (v == KEYPRIM_3DES || v == KEYPRIM_AES))
			s->cipher = (enum keyprim_cipher)v;
		if (t == 2 && keyprim_hash_len((enum keyprim_hash)v))
			s->hash = (enum keyprim_hash)v;
	}
}

/* Public values in the order of the wire: message 3's, then message 4's. */
static void
note_ke(struct sa *s, const struct msg *m)
{
	const uint8_t *p;
	size_t len;
	struct keyike k;

	if (!field_bytes(m, "isakmp.ke.data", &p, &len) || len > KEYPRIM_DH_MAX || s->gxr_len)
		return;
	if (!s->gxi_len) {
		memcpy(s->gxi, p, len);
		s->gxi_len = len;
		return;
	}
	memcpy(s->gxr, p, len);
	s->gxr_len = len;
	memset(&k, 0, sizeof k);
	k.hash = s->hash;
	k.cipher = s->cipher;
	keyike_first_iv(&k, SPAN(s->gxi, s->gxi_len), SPAN(s->gxr, s->gxr_len));
	memcpy(s->iv, k.iv, sizeof s->iv);
	s->have_iv = true;
}

static void
look_in_clear(struct ikeopen *o, const struct ikeopen_msg *h)
{
	static const uint8_t none[8];
	struct sa *s;

	if (h->exchange != 2 || !memcmp(h->rcookie, none, 8) ||
		field_decode_chain(&o->scratch, h->first, h->body, h->body_len))
		return;
	s = sa_of(o, h);
	if (field_layers(&o->scratch, "isakmp.transform") == 1)
		note_algorithms(s, &o->scratch);
	note_ke(s, &o->scratch);
}

/* The IV of this message; the chain moves on to its last block. */
static void
next_iv(struct ikeopen *o, const struct ikeopen_msg *h, const uint8_t *msg, size_t len,
	struct met *met)
{
	struct sa *s = sa_of(o, h);
	size_t block = keyprim_block(s->cipher);
	const struct exchange *quick = find_exchange(o, s, 32, h->msgid);
	uint8_t *chain = s->iv;

	if (!s->have_iv || len < HEAD + block)
		return;
	met->have_iv = true;
	met->have_other = h->exchange == 5 && quick;
	if (met->have_other)
		memcpy(met->other_iv, quick->iv, block);
	if (h->exchange != 2)
		chain = exchange_of(o, s, h->exchange, h->msgid)->iv;
	memcpy(met->iv, chain, block);
	memcpy(chain, msg + len - block, block);
}

/* True if it looks like payloads: the wrong key or IV gives a first header that is none. */
static bool
makes_sense(const struct ikeopen *o, size_t len)
{
	size_t first = (size_t)o->body[2] << 8 | o->body[3];

	return len >= 4 && !o->body[1] && first >= 4 && first <= len;
}

static enum err
open_body(struct ikeopen *o, const struct met *met, const uint8_t *msg, size_t len,
	struct ikeopen_msg *out)
{
	const struct keyike *key = keyring_ike(o->ring, out->icookie, out->rcookie);
	struct keyike k;
	uint8_t iv[KEYPRIM_BLOCK_MAX], other[KEYPRIM_BLOCK_MAX];
	bool good;

	if (!key || !met->have_iv)
		return ERR_UNKNOWN;
	k = *key;
	k.cipher = sa_of(o, out)->cipher;
	memcpy(iv, met->iv, sizeof iv);
	memcpy(other, met->other_iv, sizeof other);
	memcpy(out->iv, met->iv, sizeof out->iv);
	good = keyike_crypt(&k, false, iv, msg + HEAD, len - HEAD, o->body);
	if (good && met->have_other && !makes_sense(o, len - HEAD)) {
		memcpy(out->iv, met->other_iv, sizeof out->iv);
		good = keyike_crypt(&k, false, other, msg + HEAD, len - HEAD, o->body);
	}
	keyike_wipe(&k);
	if (!good)
		return ERR_LENGTH;
	out->body = o->body;
	out->body_len = len - HEAD;
	return makes_sense(o, out->body_len) ? ERR_OK : ERR_AUTH;
}

static enum err
read_head(const uint8_t *msg, size_t len, struct ikeopen_msg *out)
{
	uint32_t size;

	memset(out, 0, sizeof *out);
	if (len < HEAD)
		return ERR_SHORT;
	memcpy(out->icookie, msg, 8);
	memcpy(out->rcookie, msg + 8, 8);
	out->first = msg[16];
	out->exchange = msg[18];
	out->flags = msg[19];
	out->msgid = IP4(msg[20], msg[21], msg[22], msg[23]);
	size = IP4(msg[24], msg[25], msg[26], msg[27]);
	return size == len && len - HEAD <= BODY_MAX ? ERR_OK : ERR_LENGTH;
}

enum err
ikeopen_feed(struct ikeopen *o, const uint8_t *msg, size_t len, struct ikeopen_msg *out)
{
	uint8_t digest[KEYPRIM_SHA256_LEN];
	enum err e = read_head(msg, len, out);
	struct met *met;

	if (e)
		return e;
	keyprim_digest(KEYPRIM_SHA256, &SPAN(msg, len), 1, digest);
	met = find_or_put(&o->met, digest, sizeof digest, sizeof *met, by_digest, &out->repeated);
	out->was_encrypted = out->flags & 1;
	if (out->was_encrypted) {
		if (!out->repeated)
			next_iv(o, out, msg, len, met);
		return open_body(o, met, msg, len, out);
	}
	memcpy(o->body, msg + HEAD, len - HEAD);
	out->body = o->body;
	out->body_len = len - HEAD;
	if (!out->repeated)
		look_in_clear(o, out);
	return ERR_OK;
}
