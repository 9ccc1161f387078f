/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ESP in tunnel mode: sealing, opening, counting. See esp.h for the contract; the window is in
 * esp_window.c, lifetimes in esp_life.c.
 *
 * Both modes share the frame: SPI, number, IV, ciphertext of (inner packet, padding, pad length,
 * next header), ICV. CBC IVs are the cipher applied to the number under the SA's own key, which
 * nobody can predict without it (NIST SP 800-38A Appendix C); GCM IVs are the number itself,
 * widened to eight octets, so that one law of uniqueness covers both.
 */
#include <assert.h>
#include <string.h>

#include "ref/core/esp.h"
#include "ref/wire/ipv4.h"

const struct esp_rules esp_rules_standard = {
	.first_seq = 1,
	.check_replay = true,
	.mark_after_icv = true,
	.check_icv = true,
	.check_padding = true,
	.check_next_header = true,
	.check_inner = true,
	.replay_counts_life = false,
	.bad_icv_counts_life = false,
	.count_bytes = true,
	.iv_from_seq = true,
	.copy_tos = true,
	.decrement_ttl = true,
	.outer_ttl = 64,
	.df = ESP_DF_SA,
	.ecn_in = true,
	.icv_compared = 255,
	.soft_before = 30 * NS_PER_S,
	.soft_kb_before = 256,
	.honour_kb = true,
};

const char *const esp_count_names[ESP_CNT_CNT] = {
	[ESP_CNT_SEALED] = "sealed",
	[ESP_CNT_OPENED] = "opened",
	[ESP_CNT_REPLAY] = "replay",
	[ESP_CNT_BAD_ICV] = "bad-icv",
	[ESP_CNT_BAD_PADDING] = "bad-padding",
	[ESP_CNT_BAD_NEXT] = "bad-next-header",
	[ESP_CNT_BAD_INNER] = "bad-inner",
	[ESP_CNT_MALFORMED] = "malformed",
	[ESP_CNT_DUMMY] = "dummy",
	[ESP_CNT_EXPIRED] = "expired",
	[ESP_CNT_SEQ_REFUSED] = "sequence-refused",
};

/* clang-format off */
#define CBC(bits)                                                                                    \
	.cipher = CRYPTO_AES##bits##_CBC, .enc_len = bits / 8, .iv_len = 16, .align = 16,         \
	.ike_transform = 12, .ike_key_bits = bits
#define TRIPLE_DES .cipher = CRYPTO_3DES_CBC, .enc_len = 24, .iv_len = 8, .align = 8, .ike_transform = 3
#define NO_CIPHER .cipher = CRYPTO_CIPHER_NONE, .align = 4, .ike_transform = 11
#define GCM(bits)                                                                                  \
	.cipher = CRYPTO_AES##bits##_GCM, .enc_len = bits / 8 + 4, .iv_len = 8, .icv_len = 16,    \
	.align = 4, .ike_transform = 20, .ike_key_bits = bits
#define HMAC_MD5 .hash = CRYPTO_MD5, .auth_len = 16, .icv_len = 12, .ike_auth = 1
#define HMAC_SHA1 .hash = CRYPTO_SHA1, .auth_len = 20, .icv_len = 12, .ike_auth = 2
#define HMAC_SHA256 .hash = CRYPTO_SHA256, .auth_len = 32, .icv_len = 16, .ike_auth = 5
#define NAMED(n, l) .name = n, .label = l

static const struct esp_alg algs[ESP_TRANSFORM_CNT] = {
	[ESP_CBC128_SHA1] = {NAMED("esp-aes esp-sha-hmac", "aes-cbc-sha1"), CBC(128), HMAC_SHA1},
	[ESP_CBC128_SHA256] = {NAMED("esp-aes esp-sha256-hmac", "aes-cbc-sha256"), CBC(128), HMAC_SHA256},
	[ESP_CBC128_MD5] = {NAMED("esp-aes esp-md5-hmac", "aes-cbc-md5"), CBC(128), HMAC_MD5},
	[ESP_CBC192_SHA1] = {NAMED("esp-aes 192 esp-sha-hmac", "aes-cbc-sha1"), CBC(192), HMAC_SHA1},
	[ESP_CBC192_SHA256] = {NAMED("esp-aes 192 esp-sha256-hmac", "aes-cbc-sha256"), CBC(192), HMAC_SHA256},
	[ESP_CBC192_MD5] = {NAMED("esp-aes 192 esp-md5-hmac", "aes-cbc-md5"), CBC(192), HMAC_MD5},
	[ESP_CBC256_SHA1] = {NAMED("esp-aes 256 esp-sha-hmac", "aes-cbc-sha1"), CBC(256), HMAC_SHA1},
	[ESP_CBC256_SHA256] = {NAMED("esp-aes 256 esp-sha256-hmac", "aes-cbc-sha256"), CBC(256), HMAC_SHA256},
	[ESP_CBC256_MD5] = {NAMED("esp-aes 256 esp-md5-hmac", "aes-cbc-md5"), CBC(256), HMAC_MD5},
	[ESP_3DES_SHA1] = {NAMED("esp-3des esp-sha-hmac", "3des-sha1"), TRIPLE_DES, HMAC_SHA1},
	[ESP_3DES_SHA256] = {NAMED("esp-3des esp-sha256-hmac", "3des-sha256"), TRIPLE_DES, HMAC_SHA256},
	[ESP_3DES_MD5] = {NAMED("esp-3des esp-md5-hmac", "3des-md5"), TRIPLE_DES, HMAC_MD5},
	[ESP_NULL_SHA1] = {NAMED("esp-null esp-sha-hmac", "null-sha1"), NO_CIPHER, HMAC_SHA1},
	[ESP_NULL_SHA256] = {NAMED("esp-null esp-sha256-hmac", "null-sha256"), NO_CIPHER, HMAC_SHA256},
	[ESP_NULL_MD5] = {NAMED("esp-null esp-md5-hmac", "null-md5"), NO_CIPHER, HMAC_MD5},
	[ESP_GCM128] = {NAMED("esp-gcm", "aes-gcm"), GCM(128)},
	[ESP_GCM192] = {NAMED("esp-gcm 192", "aes-gcm"), GCM(192)},
	[ESP_GCM256] = {NAMED("esp-gcm 256", "aes-gcm"), GCM(256)},
};
/* clang-format on */

const struct esp_alg *
esp_alg(unsigned transform)
{
	if (transform >= ESP_TRANSFORM_CNT || !algs[transform].name)
		return NULL;
	return &algs[transform];
}

void
esp_sa_init(struct esp_sa *sa, bool inbound, enum esp_transform t, uint32_t spi, ip4_t src,
	ip4_t dst, const struct secret *enc, const struct secret *auth)
{
	const struct esp_alg *a = esp_alg(t);

	assert(a && enc->len == a->enc_len && auth->len == a->auth_len);
	memset(sa, 0, sizeof(*sa));
	sa->inbound = inbound;
	sa->transform = t;
	sa->spi = spi;
	sa->src = src;
	sa->dst = dst;
	sa->enc = *enc;
	sa->auth = *auth;
	sa->hard_at = NS_NEVER;
	esp_window_init(&sa->window, 64);
}

void
esp_sa_wipe(struct esp_sa *sa)
{
	wipe(sa, sizeof(*sa));
}

/* ---- lengths ---- */

/* align is a power of two: a division costs as much as the rest of a short packet's header */
static size_t
padding(const struct esp_alg *a, size_t len)
{
	return (0 - (len + 2)) & (a->align - (size_t)1);
}

static size_t
outer_len(const struct esp_sa *sa)
{
	return IPV4_HDR_LEN + (sa->dport ? (size_t)UDP_HDR_LEN : 0);
}

size_t
esp_sealed_len(const struct esp_sa *sa, size_t len)
{
	const struct esp_alg *a = esp_alg(sa->transform);

	return outer_len(sa) + ESP_HDR_LEN + a->iv_len + len + padding(a, len) + 2 + a->icv_len;
}

size_t
esp_inner_mtu(const struct esp_sa *sa, size_t mtu)
{
	const struct esp_alg *a = esp_alg(sa->transform);
	size_t fixed = outer_len(sa) + ESP_HDR_LEN + (size_t)a->iv_len + a->icv_len;
	size_t room;

	if (mtu < fixed + a->align)
		return 0;
	room = (mtu - fixed) / a->align * a->align;
	return room - 2;
}

/* ---- what both directions do ---- */

static void
icv_hmac(const struct crypto *c, const struct esp_sa *sa, const uint8_t *esp, size_t len,
	uint8_t out[CRYPTO_HASH_MAX])
{
	struct crypto_part part = {esp, len};

	c->hmac((enum crypto_hash)esp_alg(sa->transform)->hash, sa->auth.b, sa->auth.len, &part, 1,
		out);
}

/* RFC 4106 4: the salt, which is the end of the keying material, then the eight octets sent. */
static void
gcm_nonce(const struct esp_sa *sa, const uint8_t iv[8], uint8_t nonce[CRYPTO_GCM_NONCE])
{
	memcpy(nonce, sa->enc.b + sa->enc.len - 4, 4);
	memcpy(nonce + 4, iv, 8);
}

/* ---- sealing ---- */

static void
write_outer(struct wr *w, const struct esp_rules *rules, const struct esp_sa *sa, uint16_t ip_id,
	const uint8_t *inner, size_t payload_len)
{
	enum esp_df mode = rules->df == ESP_DF_SA ? sa->df : rules->df;
	bool df = mode == ESP_DF_SET || (mode == ESP_DF_COPY && (inner[6] & 0x40));
	struct ipv4 ip = {
		.tos = rules->copy_tos ? inner[1] : 0,
		.id = ip_id,
		.frag = df ? IPV4_DF : 0,
		.ttl = rules->outer_ttl,
		.proto = sa->dport ? IPV4_PROTO_UDP : IPV4_PROTO_ESP,
		.src = sa->src,
		.dst = sa->dst,
	};

	ipv4_write(w, &ip, payload_len);
	if (!sa->dport)
		return;
	wr_u16(w, sa->sport);
	wr_u16(w, sa->dport);
	wr_u16(w, (uint16_t)payload_len);
	wr_u16(w, 0); /* RFC 3948 2.1: the ICV is better */
}

static void
write_iv(struct wr *w, const struct esp_rules *rules, const struct esp_sa *sa, uint32_t seq)
{
	const struct esp_alg *a = esp_alg(sa->transform);
	uint8_t block[CRYPTO_BLOCK] = {0};

	if (!a->auth_len)
		wr_u64(w, rules->iv_from_seq ? seq : 0);
	if (!a->auth_len || !a->iv_len)
		return;
	for (unsigned i = 0; i < 4; i++) {
		block[i] = (uint8_t)(sa->spi >> (24 - 8 * i));
		block[a->iv_len - 4 + i] = (uint8_t)(seq >> (24 - 8 * i));
	}
	wr_bytes(w, block, a->iv_len); /* not the IV yet: protect() encrypts it with the rest */
}

static void
write_trailer(struct wr *w, size_t pad)
{
	uint8_t *p = wr_take(w, pad + 2);

	for (size_t i = 0; p && i < pad; i++)
		p[i] = (uint8_t)(i + 1);
	if (!p)
		return;
	p[pad] = (uint8_t)pad;
	p[pad + 1] = ESP_NEXT_IPV4;
}

/*
 * Encrypt the text in place and append the ICV. esp points to the SPI; text_len includes the
 * trailer.
 */
static void
protect(struct wr *w, const struct crypto *c, const struct esp_sa *sa, uint8_t *esp,
	size_t text_len)
{
	static const uint8_t zero[CRYPTO_BLOCK];
	const struct esp_alg *a = esp_alg(sa->transform);
	uint8_t *iv = esp + ESP_HDR_LEN, *text = iv + a->iv_len;
	uint8_t icv[CRYPTO_HASH_MAX], nonce[CRYPTO_GCM_NONCE];

	if (a->auth_len) {
		/* CBC of (number, text) from a zero IV is (IV, CBC of text from that IV), in one go */
		if (a->cipher)
			c->cbc_encrypt((enum crypto_cipher)a->cipher, sa->enc.b, zero, iv, iv,
				a->iv_len + text_len);
		icv_hmac(c, sa, esp, (size_t)ESP_HDR_LEN + a->iv_len + text_len, icv);
	} else {
		gcm_nonce(sa, iv, nonce);
		c->gcm_seal((enum crypto_cipher)a->cipher, sa->enc.b, nonce, esp, ESP_HDR_LEN, text, text, text_len, icv);
	}
	wr_bytes(w, icv, a->icv_len);
}

static enum err
may_seal(const struct esp_rules *rules, struct esp_sa *sa, uint32_t seq, const uint8_t *inner,
	size_t len, struct why *why)
{
	assert(!sa->inbound);
	if (len < IPV4_HDR_LEN || inner[0] >> 4 != 4)
		return err_set(why, ERR_VALUE, "inner.version", 0, "RFC 4303 3.3.2");
	if (seq > sa->seq || (rules->first_seq == 0 && seq == 0 && sa->packets == 0))
		return ERR_OK;
	sa->count[ESP_CNT_SEQ_REFUSED]++;
	if (seq == 0 && sa->seq == 0)
		return err_set(why, ERR_VALUE, "esp.seq", 0, "RFC 4303 3.3.3");
	return err_set(why, ERR_REPLAY, "esp.seq", 0, "RFC 4303 3.3.3");
}

enum err
esp_seal(const struct crypto *c, const struct esp_rules *rules, struct esp_sa *sa, uint32_t seq,
	uint16_t ip_id, const uint8_t *inner, size_t len, uint8_t *out, size_t cap,
	size_t *out_len, struct why *why)
{
	const struct esp_alg *a = esp_alg(sa->transform);
	size_t whole = esp_sealed_len(sa, len), pad = padding(a, len);
	enum err e;
	struct wr w;

	e = may_seal(rules, sa, seq, inner, len, why);
	if (e)
		return e;
	if (whole > cap || whole > UINT16_MAX)
		return err_set(why, ERR_FULL, "packet", 0, "RFC 791 3.1");
	wr_init(&w, out, cap);
	write_outer(&w, rules, sa, ip_id, inner, whole - IPV4_HDR_LEN);
	esp_hdr_write(&w, &(struct esp_hdr){.spi = sa->spi, .seq = seq});
	write_iv(&w, rules, sa, seq);
	wr_bytes(&w, inner, len);
	write_trailer(&w, pad);
	protect(&w, c, sa, out + outer_len(sa), len + pad + 2);
	assert(!w.bad && w.len == whole);
	sa->seq = seq;
	sa->packets++;
	if (rules->count_bytes)
		sa->bytes += len;
	sa->count[ESP_CNT_SEALED]++;
	*out_len = whole;
	return ERR_OK;
}

/* ---- opening ---- */

static enum err
refuse(struct esp_sa *sa, enum esp_count n, enum err e, struct why *why, const char *field,
	size_t at, const char *clause)
{
	sa->count[n]++;
	return err_set(why, e, field, at, clause);
}

/* The shape: enough octets, and whole blocks. *text_len: the ciphertext. */
static enum err
check_shape(struct esp_sa *sa, size_t len, size_t *text_len, struct why *why)
{
	const struct esp_alg *a = esp_alg(sa->transform);
	size_t fixed = (size_t)ESP_HDR_LEN + a->iv_len + a->icv_len;

	if (len < fixed + a->align)
		return refuse(
			sa, ESP_CNT_MALFORMED, ERR_SHORT, why, "esp.payload", len, "RFC 4303 2");
	*text_len = len - fixed;
	if (*text_len & (a->align - (size_t)1))
		return refuse(sa, ESP_CNT_MALFORMED, ERR_LENGTH, why, "esp.payload", len,
			"RFC 4303 2.4");
	return ERR_OK;
}

/* Verify the ICV and decrypt to out. ERR_AUTH, unless the rules look away. */
static enum err
unprotect(const struct crypto *c, const struct esp_rules *rules, struct esp_sa *sa,
	const uint8_t *esp, size_t text_len, uint8_t *out)
{
	const struct esp_alg *a = esp_alg(sa->transform);
	const uint8_t *iv = esp + ESP_HDR_LEN, *text = iv + a->iv_len, *icv = text + text_len;
	uint8_t want[CRYPTO_HASH_MAX], nonce[CRYPTO_GCM_NONCE];
	size_t compared = a->icv_len < rules->icv_compared ? a->icv_len : rules->icv_compared;
	enum err e = ERR_OK;

	if (a->auth_len) {
		icv_hmac(c, sa, esp, (size_t)(text - esp) + text_len, want);
		if (!equal_ct(want, icv, compared))
			e = ERR_AUTH;
		if (!a->cipher)
			memcpy(out, text, text_len);
		else if (!e || !rules->check_icv)
			c->cbc_decrypt((enum crypto_cipher)a->cipher, sa->enc.b, iv, text, out,
				text_len);
	} else {
		gcm_nonce(sa, iv, nonce);
		e = c->gcm_open((enum crypto_cipher)a->cipher, sa->enc.b, nonce, esp, ESP_HDR_LEN, text, out, text_len, icv);
	}
	return rules->check_icv ? e : ERR_OK;
}

static enum err
check_trailer(const struct esp_rules *rules, struct esp_sa *sa, const uint8_t *text,
	size_t text_len, size_t *inner_len, struct why *why)
{
	size_t pad = text[text_len - 2];
	const uint8_t *p;

	if (pad + 2 > text_len)
		return refuse(sa, ESP_CNT_BAD_PADDING, ERR_LENGTH, why, "esp.padlen", text_len - 2,
			"RFC 4303 2.4");
	*inner_len = text_len - 2 - pad;
	p = text + *inner_len;
	for (size_t i = 0; rules->check_padding && i < pad; i++)
		if (p[i] != i + 1)
			return refuse(sa, ESP_CNT_BAD_PADDING, ERR_VALUE, why, "esp.padding",
				*inner_len + i, "RFC 4303 2.4");
	return ERR_OK;
}

/* The inner packet is IPv4 and as long as it says; more than that (TFC padding, 2.7) is cut. */
static enum err
check_inner(const struct esp_rules *rules, struct esp_sa *sa, const uint8_t *in, size_t *len,
	struct why *why)
{
	struct ipv4 ip;
	struct rd r, payload;
	enum err e;

	if (!rules->check_inner)
		return ERR_OK;
	rd_init(&r, in, *len);
	e = ipv4_decode(&r, &ip, &payload, why);
	if (e) {
		sa->count[ESP_CNT_BAD_INNER]++;
		return e;
	}
	*len = ip.len;
	return ERR_OK;
}

static void
count_life(const struct esp_rules *rules, struct esp_sa *sa, size_t len)
{
	sa->packets++;
	if (rules->count_bytes)
		sa->bytes += len;
}

static enum err
check_replay(const struct esp_rules *rules, struct esp_sa *sa, uint32_t seq, size_t text_len,
	struct why *why)
{
	enum err e = rules->check_replay ? esp_window_check(&sa->window, seq) : ERR_OK;

	if (!e)
		return ERR_OK;
	if (rules->replay_counts_life)
		count_life(rules, sa, text_len);
	return refuse(sa, ESP_CNT_REPLAY, e, why, "esp.seq", 4, "RFC 4303 3.4.3");
}

/* Trailer, next header, inner header of an authenticated text. */
static enum err
take_inner(const struct esp_rules *rules, struct esp_sa *sa, const uint8_t *text, size_t text_len,
	size_t *out_len, struct why *why)
{
	size_t len = 0;
	enum err e = check_trailer(rules, sa, text, text_len, &len, why);

	if (e)
		return e;
	if (text[text_len - 1] == ESP_NEXT_NONE) {
		sa->count[ESP_CNT_DUMMY]++;
		*out_len = 0;
		return ERR_OK;
	}
	if (rules->check_next_header && text[text_len - 1] != ESP_NEXT_IPV4)
		return refuse(sa, ESP_CNT_BAD_NEXT, ERR_VALUE, why, "esp.next", text_len - 1,
			"RFC 4303 2.6");
	e = check_inner(rules, sa, text, &len, why);
	if (e)
		return e;
	count_life(rules, sa, len);
	sa->count[ESP_CNT_OPENED]++;
	*out_len = len;
	return ERR_OK;
}

enum err
esp_open(const struct crypto *c, const struct esp_rules *rules, struct esp_sa *sa,
	const uint8_t *esp, size_t len, uint8_t *out, size_t cap, size_t *out_len, uint32_t *seq,
	struct why *why)
{
	struct esp_hdr h;
	struct rd r;
	size_t text_len = 0;
	enum err e;

	assert(sa->inbound);
	*out_len = 0;
	rd_init(&r, esp, len);
	e = esp_hdr_decode(&r, &h, why);
	*seq = h.seq;
	if (e) {
		sa->count[ESP_CNT_MALFORMED]++;
		return e;
	}
	e = check_shape(sa, len, &text_len, why);
	if (!e)
		e = check_replay(rules, sa, h.seq, text_len, why);
	if (e)
		return e;
	if (text_len > cap)
		return refuse(sa, ESP_CNT_MALFORMED, ERR_FULL, why, "packet", 0, "RFC 791 3.1");
	if (!rules->mark_after_icv)
		esp_window_mark(&sa->window, h.seq);
	if (unprotect(c, rules, sa, esp, text_len, out)) {
		if (rules->bad_icv_counts_life)
			count_life(rules, sa, text_len);
		return refuse(sa, ESP_CNT_BAD_ICV, ERR_AUTH, why, "esp.icv", len, "RFC 4303 3.4.4");
	}
	if (rules->mark_after_icv)
		esp_window_mark(&sa->window, h.seq);
	return take_inner(rules, sa, out, text_len, out_len, why);
}

/* RFC 4301 5.1.2.1: CE outside, ECT inside: CE inside. The checksum is mended (RFC 1624). */
void
esp_ecn(const struct esp_rules *rules, uint8_t outer_tos, uint8_t *inner, size_t len)
{
	uint8_t was = len >= IPV4_HDR_LEN ? inner[1] : 0;
	uint32_t sum;

	if (!rules->ecn_in || (outer_tos & 3) != 3 || (was & 3) == 0 || (was & 3) == 3)
		return;
	inner[1] = was | 3;
	sum = (~((uint32_t)inner[10] << 8 | inner[11]) & 0xffff) + (~(uint32_t)was & 0xffff) + inner[1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	inner[10] = (uint8_t)(~sum >> 8);
	inner[11] = (uint8_t)~sum;
}
