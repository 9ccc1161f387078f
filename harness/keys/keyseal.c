/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sealing messages that were written as words (keyseal.h). The words in the braces are read by the
 * words' own reader; here they become octets, get their padding, are encrypted, and the result
 * replaces the words.
 */
#include "harness/keys/keyseal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ref/base/hex.h"

#define SEAL_WORDS 16 /* more than the table of `seal` has */

struct seal {
	struct keyring *ring;
	struct words *w, *inner;
	const char *text;
	struct words_why *why;
	struct field_set wishes[SEAL_WORDS]; /* what the layer `seal` said */
	size_t wish_cnt;
	uint8_t *body; /* built inner message, with room for padding behind it: WORDS_OCTETS */
	size_t len;
	uint8_t *out;
};

/* Where the braces are, and what is wrong with them. Always false. */
__attribute__((format(printf, 2, 3))) static bool
fail(const struct seal *s, const char *fmt, ...)
{
	va_list ap;

	s->why->line = s->why->column = 1;
	for (const char *p = s->text; p < s->text + s->w->seal_at - 1; p++) {
		s->why->column = *p == '\n' ? 1 : s->why->column + 1;
		s->why->line += *p == '\n';
	}
	va_start(ap, fmt);
	vsnprintf(s->why->text, sizeof s->why->text, fmt, ap);
	va_end(ap);
	return false;
}

static const struct field_set *
wished(const struct seal *s, const char *name)
{
	for (size_t i = 0; i < s->wish_cnt; i++)
		if (!strcmp(s->wishes[i].name, name))
			return &s->wishes[i];
	return NULL;
}

static uint64_t
number(const struct words *w, const char *name)
{
	uint64_t v = 0;

	(void)words_number(w, name, &v);
	return v;
}

/* The number that was said, else this. */
static uint8_t
octet(const struct seal *s, const char *name, size_t otherwise)
{
	const struct field_set *set = wished(s, name);

	return (uint8_t)(set ? set->value : otherwise);
}

/* The words of `seal` are for us: what remains is the message. */
static void
take_seal_away(struct seal *s)
{
	struct words *w = s->inner;
	size_t kept = 0;

	if (strncmp(w->layers, "seal", 4) != 0 || (w->layers[4] && w->layers[4] != '/'))
		return;
	memmove(w->layers, w->layers + 4 + (w->layers[4] != 0), strlen(w->layers) - 3);
	if (!w->layers[0])
		strcpy(w->layers, "data");
	for (size_t i = 0; i < w->set_cnt; i++) {
		if (!strncmp(w->sets[i].name, "seal.", 5)) {
			if (s->wish_cnt < SEAL_WORDS)
				s->wishes[s->wish_cnt++] = w->sets[i];
			continue;
		}
		w->sets[kept] = w->sets[i];
		w->defs[kept++] = w->defs[i];
	}
	w->set_cnt = kept;
}

/* The inner message to body, with a hash payload of hash_len zeros if it says nothing else. */
static bool
build_inner(struct seal *s, size_t hash_len)
{
	static const uint8_t zeros[KEYPRIM_HASH_MAX];
	long n = -1;

	if (!hash_len || words_imply(s->inner, "isakmp.hash.data", 0, zeros, hash_len))
		n = words_build(s->inner, s->body, WORDS_OCTETS - 1024);
	s->len = n > 0 ? (size_t)n : 0;
	return n >= 0 || fail(s, "the message to be sealed is too long");
}

static bool
put_padding(struct seal *s, size_t pad, bool counted)
{
	const struct field_set *p = wished(s, "seal.padding");

	if (p)
		pad = p->len;
	if (pad > 512)
		return fail(s, "seal.padding: %zu octets, expected at most 512", pad);
	for (size_t i = 0; i < pad; i++)
		s->body[s->len + i] =
			p ? ((const uint8_t *)p->bytes)[i] : (uint8_t)(counted ? i + 1 : 0);
	s->len += pad;
	if (counted) {
		s->body[s->len++] = octet(s, "seal.padlen", pad);
		s->body[s->len++] = octet(s, "seal.next", 4);
	}
	return true;
}

/* The IV as said, else made from what no two packets of an SA share. */
static bool
esp_iv(struct seal *s, const struct keyesp *k, uint32_t seq, uint8_t *iv)
{
	const struct field_set *set = wished(s, "seal.iv");
	uint8_t unique[8], digest[KEYPRIM_HASH_MAX];
	size_t len = keyesp_iv_len(k->suite);

	if (set && set->len != len)
		return fail(s, "seal.iv: %zu octets, expected %zu for %s", set->len, len,
			keyesp_name(k->suite));
	for (int i = 0; i < 4; i++) {
		unique[i] = (uint8_t)(k->spi >> (24 - 8 * i));
		unique[4 + i] = (uint8_t)(seq >> (24 - 8 * i));
	}
	if (set) {
		memcpy(iv, set->bytes, len);
	} else if (k->suite == KEYESP_AES_GCM) { /* RFC 4106 3.1: never twice */
		memset(iv, 0, len);
		memcpy(iv + 4, unique + 4, 4);
	} else {
		keyprim_digest(KEYPRIM_SHA256, &SPAN(unique, 8), 1, digest);
		memcpy(iv, digest, len);
	}
	return true;
}

static size_t
esp_block(enum keyesp_suite suite)
{
	size_t iv = keyesp_iv_len(suite);

	return suite == KEYESP_AES_GCM || !iv ? 4 : iv;
}

static bool
seal_esp(struct seal *s)
{
	uint32_t spi = (uint32_t)number(s->w, "esp.spi"), seq = (uint32_t)number(s->w, "esp.seq");
	const struct keyesp *k = keyring_esp(s->ring, spi, (ip4_t)number(s->w, "ip.dst"));
	const struct field_set *icv = wished(s, "seal.icv");
	uint8_t iv[KEYPRIM_BLOCK_MAX];
	char to[IP4_TEXT];
	size_t block, len;

	if (!k)
		return fail(s, "no ESP key for SPI 0x%08x to %s in the key file", spi,
			ip4_put(to, (ip4_t)number(s->w, "ip.dst")));
	if (k->unchecked)
		return fail(s, "the key for SPI 0x%08x has none for the integrity check: it opens, "
			       "and seals nothing",
			spi);
	block = esp_block(k->suite);
	if (!build_inner(s, 0) || !esp_iv(s, k, seq, iv) ||
		!put_padding(s, (block - (s->len + 2) % block) % block, true))
		return false;
	len = keyesp_seal_raw(k, seq, iv, SPAN(s->body, s->len), s->out, WORDS_OCTETS + 64);
	if (!len)
		return fail(s, "%zu octets with the trailer, expected a multiple of %zu for %s",
			s->len, block, keyesp_name(k->suite));
	if (icv && icv->len > len - 8)
		return fail(s, "seal.icv: longer than the packet");
	if (icv)
		memcpy(s->out + len - icv->len, icv->bytes, icv->len);
	return words_replace(s->w, s->w->seal, s->out + 8, len - 8) ||
	       fail(s, "the message is too long");
}

/* -- ISAKMP -- */

static void
cookie(uint8_t *dst, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		dst[i] = (uint8_t)(v >> (56 - 8 * i));
}

static struct keyike *
ike_key(struct seal *s)
{
	uint8_t i[8], r[8];
	char ti[17], tr[17];
	struct keyike *k;

	cookie(i, number(s->w, "isakmp.icookie"));
	cookie(r, number(s->w, "isakmp.rcookie"));
	k = keyring_ike(s->ring, i, r);
	if (!k)
		(void)fail(s, "no IKE key for the cookies %s %s in the key file",
			hex_put(ti, sizeof ti, i, 8), hex_put(tr, sizeof tr, r, 8));
	return k;
}

static bool
ike_iv(struct seal *s, const struct keyike *k, uint32_t msgid, uint8_t *iv)
{
	const struct field_set *set = wished(s, "seal.iv"), *last = wished(s, "seal.last");
	size_t block = keyprim_block(k->cipher);
	struct keyike chain = {.hash = k->hash, .cipher = k->cipher};

	if ((set && set->len != block) || (last && last->len != block))
		return fail(s, "seal.%s: expected %zu octets, a block of the cipher",
			set ? "iv" : "last", block);
	if (set) {
		memcpy(iv, set->bytes, block);
		return true;
	}
	if (!last && !k->have_iv)
		return fail(s, "the IV is not known: say seal.iv, or seal.last (the last block of "
			       "Phase 1; in the key file last=)");
	memcpy(chain.iv, last ? last->bytes : k->iv, block);
	if (msgid)
		keyike_phase2_iv(&chain, msgid, iv);
	else /* Phase 1 goes on from its own last block */
		memcpy(iv, chain.iv, block);
	return true;
}

/* HASH(n) over what is behind the first payload, put into that payload. */
static bool
put_hash(struct seal *s, const struct keyike *k, uint32_t msgid, unsigned n)
{
	const struct field_set *ni = wished(s, "seal.ni"), *nr = wished(s, "seal.nr");
	size_t hash_len = keyprim_hash_len(k->hash), head = 4 + hash_len;
	uint8_t hash[KEYPRIM_HASH_MAX];
	struct span rest;

	if (!k->a.len)
		return fail(s, "seal.hash: the key file does not tell skeyid_a=");
	if (s->len < head || (s->body[2] << 8 | s->body[3]) != (int)head)
		return fail(s, "seal.hash: expected isakmp.hash as the first layer, of %zu octets",
			hash_len);
	if ((n >= 2 && !ni) || (n == 3 && !nr))
		return fail(s, "seal.hash=%u needs seal.ni%s", n, n == 3 ? " and seal.nr" : "");
	rest = SPAN(s->body + head, s->len - head);
	if (n == 1)
		keyike_hash1(k, msgid, rest, hash);
	else if (n == 2)
		keyike_hash2(k, msgid, SPAN(ni->bytes, ni->len), rest, hash);
	else
		keyike_hash3(k, msgid, SPAN(ni->bytes, ni->len), SPAN(nr->bytes, nr->len), hash);
	memcpy(s->body + 4, hash, hash_len);
	return true;
}

static uint64_t
first_payload(const struct words *inner)
{
	const struct field_format *f;
	char name[48];

	snprintf(name, sizeof name, "%.*s", (int)strcspn(inner->layers, "/"), inner->layers);
	f = field_format(name);
	return f ? f->type : 0;
}

static bool
seal_ike(struct seal *s)
{
	uint32_t msgid = (uint32_t)number(s->w, "isakmp.msgid");
	uint8_t hash = octet(s, "seal.hash", 0), iv[KEYPRIM_BLOCK_MAX];
	struct keyike *k = ike_key(s);
	size_t block;

	if (!k || !ike_iv(s, k, msgid, iv))
		return false;
	if (hash > 3)
		return fail(s, "seal.hash: found %u, expected 1, 2 or 3", hash);
	if (!build_inner(s, hash ? keyprim_hash_len(k->hash) : 0))
		return false;
	if (hash && !put_hash(s, k, msgid, hash))
		return false;
	block = keyprim_block(k->cipher);
	if (!put_padding(s, (block - s->len % block) % block, false))
		return false;
	if (s->len % block || !keyike_crypt(k, true, iv, s->body, s->len, s->out))
		return fail(
			s, "%zu octets with padding, expected a multiple of %zu", s->len, block);
	return (words_replace(s->w, s->w->seal, s->out, s->len) &&
		       words_imply(s->w, "isakmp.flags", 1, NULL, 0) &&
		       words_imply(s->w, "isakmp.next", first_payload(s->inner), NULL, 0)) ||
	       fail(s, "the message is too long");
}

static bool
seal_it(struct seal *s)
{
	const char *field = s->w->sets[s->w->seal].name;

	if (!words_inner(s->inner, s->text, s->w, s->why))
		return false;
	take_seal_away(s);
	if (!strcmp(field, "esp.data"))
		return seal_esp(s);
	if (!strcmp(field, "isakmp.encrypted.data"))
		return seal_ike(s);
	return fail(s, "%.60s: only esp.data and isakmp.encrypted.data can be sealed", field);
}

bool
keyseal_words(struct keyring *ring, struct words *w, const char *text, struct words_why *why)
{
	struct seal s = {.ring = ring, .w = w, .text = text, .why = why};
	bool good = true;

	if (w->seal >= w->set_cnt)
		return true;
	s.inner = malloc(sizeof *s.inner);
	s.body = malloc(WORDS_OCTETS + 64);
	s.out = malloc(WORDS_OCTETS + 64);
	if (!s.inner || !s.body || !s.out)
		good = fail(&s, "out of memory");
	good = good && seal_it(&s);
	free(s.inner);
	free(s.body);
	free(s.out);
	return good;
}

/* -- the other way round -- */

static size_t
iv_len(struct keyring *ring, const struct words *w, bool esp)
{
	const struct keyesp *k;
	const struct keyike *i;
	uint8_t cookies[16];

	if (esp) {
		k = keyring_esp(ring, (uint32_t)number(w, "esp.spi"), (ip4_t)number(w, "ip.dst"));
		return k ? keyesp_iv_len(k->suite) : 0;
	}
	cookie(cookies, number(w, "isakmp.icookie"));
	cookie(cookies + 8, number(w, "isakmp.rcookie"));
	i = keyring_ike(ring, cookies, cookies + 8);
	return i ? keyprim_block(i->cipher) : 0;
}

/* "seal/" LAYERS seal.iv=... WORDS, from the inner message's own text; octets, 0: no room. */
static size_t
say_inner(char *text, size_t cap, const struct keyseal_opened *o, size_t iv, struct words *scratch)
{
	char digits[2 * KEYPRIM_BLOCK_MAX + 1], *own = malloc(cap);
	size_t layers, n = 0;

	words_of(scratch, o->inner);
	if (own && words_text(scratch, own, cap)) {
		layers = strcspn(own, " ");
		n = (size_t)snprintf(text, cap, " seal/%.*s", (int)layers, own);
		if (iv && n < cap)
			n += (size_t)snprintf(text + n, cap - n, " seal.iv=%s",
				hex_put(digits, sizeof digits, o->iv, iv));
		if (o->next != 4 && o->next && n < cap)
			n += (size_t)snprintf(text + n, cap - n, " seal.next=%u", o->next);
		if (n < cap)
			n += (size_t)snprintf(text + n, cap - n, "%s ", own + layers);
	}
	free(own);
	return n < cap ? n : 0;
}

/* Does the text of w make the message again? */
static bool
proves(struct keyring *ring, const struct words *w, const struct msg *m, struct words *scratch)
{
	struct words_why why;
	size_t cap = words_text_cap(w);
	char *text = malloc(cap);
	uint8_t *out = malloc(m->len + 64);
	bool good = text && out && words_text(w, text, cap) && words_read(scratch, text, &why) &&
		    keyseal_words(ring, scratch, text, &why) &&
		    words_build(scratch, out, m->len + 64) == (long)m->len &&
		    !memcmp(out, m->bytes, m->len);

	free(text);
	free(out);
	return good;
}

bool
keyseal_say(
	struct keyring *ring, struct words *w, const struct msg *m, const struct keyseal_opened *o)
{
	size_t cap = 4 * o->inner->len + 65536, len = 0, i = 0;
	struct words *scratch = malloc(sizeof *scratch);
	char *text = malloc(cap);
	struct field_set was;
	bool good = false;

	while (i < w->set_cnt && strcmp(w->sets[i].name, "esp.data") != 0 &&
		strcmp(w->sets[i].name, "isakmp.encrypted.data") != 0)
		i++;
	if (scratch && text && i < w->set_cnt) {
		bool esp = w->sets[i].name[0] == 'e';

		was = w->sets[i];
		len = say_inner(text, cap, o, iv_len(ring, w, esp), scratch);
		w->octets_len = 0; /* words_of borrowed from the message alone */
		if (len && words_replace(w, i, text, len)) {
			w->seal = i;
			good = proves(ring, w, m, scratch);
		}
		if (!good) {
			w->sets[i] = was;
			w->seal = SIZE_MAX;
		}
	}
	free(scratch);
	free(text);
	return good;
}
