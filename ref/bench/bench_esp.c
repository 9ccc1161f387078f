/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sealing and opening, beside the same ciphers and MACs of libcrypto alone, with its contexts and keys
 * kept, on the same buffers: no header, no padding, no IV to make, no window. Rounds of both alternate; the median of the
 * rounds' ratios counts.
 */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ref/bench/bench.h"
#include "ref/core/esp.h"
#include "ref/wire/ipv4.h"

#define ROUNDS 7
#define BATCH 256

struct raw {
	EVP_CIPHER_CTX *cipher;
	EVP_MAC_CTX *mac;
	bool gcm;
};

static void
must(int ok)
{
	if (ok == 1)
		return;
	(void)fprintf(stderr, "twind-bench: libcrypto failed\n");
	exit(1);
}

static struct raw
raw_new(bool gcm, bool encrypt)
{
	static const uint8_t key[20] = {1};
	char sha1[] = "SHA1";
	OSSL_PARAM p[2] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha1, 0),
		OSSL_PARAM_construct_end()};
	struct raw r = {.cipher = EVP_CIPHER_CTX_new(), .gcm = gcm};
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	must(r.cipher && hmac);
	must(EVP_CipherInit_ex2(r.cipher, gcm ? EVP_aes_128_gcm() : EVP_aes_128_cbc(), key, NULL,
		encrypt, NULL));
	if (!gcm)
		must(EVP_CIPHER_CTX_set_padding(r.cipher, 0));
	r.mac = EVP_MAC_CTX_new(hmac);
	must(r.mac && EVP_MAC_init(r.mac, key, 20, p));
	EVP_MAC_free(hmac);
	return r;
}

static void
raw_free(struct raw *r)
{
	EVP_CIPHER_CTX_free(r->cipher);
	EVP_MAC_CTX_free(r->mac);
}

/* What a packet of `len` text octets costs libcrypto alone. */
static void
raw_packet(struct raw *r, uint8_t *b, size_t len)
{
	static const uint8_t iv[16] = {2}, aad[8] = {3};
	uint8_t tag[20];
	size_t got;
	int n;

	if (r->gcm) {
		must(EVP_CipherInit_ex2(r->cipher, NULL, NULL, iv, -1, NULL));
		must(EVP_CipherUpdate(r->cipher, NULL, &n, aad, sizeof aad));
		must(EVP_CipherUpdate(r->cipher, b, &n, b, (int)len));
		must(EVP_CipherFinal_ex(r->cipher, tag, &n));
		must(EVP_CIPHER_CTX_ctrl(r->cipher, EVP_CTRL_AEAD_GET_TAG, 16, tag));
		return;
	}
	must(EVP_CipherInit_ex2(r->cipher, NULL, NULL, iv, -1, NULL));
	must(EVP_CipherUpdate(r->cipher, b, &n, b, (int)len));
	must(EVP_MAC_init(r->mac, NULL, 0, NULL));
	must(EVP_MAC_update(r->mac, b, len + 24));
	must(EVP_MAC_final(r->mac, tag, &got, sizeof tag));
}

struct lane {
	struct esp_sa out, in;
	struct esp_rules rules;
	uint8_t inner[1500], sealed[BATCH][1600], opened[1600];
	size_t inner_len, sealed_len[BATCH];
	uint32_t seq;
};

static void
lane_new(struct lane *l, enum esp_transform t, size_t size)
{
	const struct esp_alg *a = esp_alg(t);
	struct secret enc = {.len = a->enc_len}, auth = {.len = a->auth_len};
	struct ipv4 ip = {.ttl = 64, .proto = 17, .src = IP4(10, 0, 0, 1), .dst = IP4(10, 2, 0, 1)};
	struct wr w;

	memset(l, 0, sizeof *l);
	enc.b[0] = auth.b[0] = 1;
	esp_sa_init(&l->out, false, t, 77, IP4(192, 0, 2, 1), IP4(192, 0, 2, 2), &enc, &auth);
	esp_sa_init(&l->in, true, t, 77, IP4(192, 0, 2, 1), IP4(192, 0, 2, 2), &enc, &auth);
	l->rules = esp_rules_standard;
	wr_init(&w, l->inner, sizeof l->inner);
	ipv4_write(&w, &ip, size - IPV4_HDR_LEN);
	l->inner_len = size;
}

/* Packets a second of sealing and of opening, over the span. */
static void
ours(struct lane *l, ns_t span, double *seal, double *open)
{
	ns_t sealing = 0, opening = 0, at;
	uint64_t n = 0;
	uint32_t seq;
	size_t len;

	while (sealing + opening < span) {
		at = bench_now();
		for (unsigned i = 0; i < BATCH; i++)
			if (esp_seal(&crypto_openssl, &l->rules, &l->out, ++l->seq, 1, l->inner,
				    l->inner_len, l->sealed[i], sizeof l->sealed[i], &l->sealed_len[i],
				    NULL) != ERR_OK)
				exit(1);
		sealing += bench_now() - at;
		at = bench_now();
		for (unsigned i = 0; i < BATCH; i++)
			if (esp_open(&crypto_openssl, &l->rules, &l->in, l->sealed[i] + IPV4_HDR_LEN,
				    l->sealed_len[i] - IPV4_HDR_LEN, l->opened, sizeof l->opened, &len,
				    &seq, NULL) != ERR_OK)
				exit(1);
		opening += bench_now() - at;
		n += BATCH;
	}
	*seal = (double)n * 1e9 / (double)sealing;
	*open = (double)n * 1e9 / (double)opening;
}

/* In place, over the buffers that ours sealed into and opened from. */
static double
raw_rate(struct raw *r, struct lane *l, size_t text, ns_t span)
{
	ns_t from = bench_now(), spent;
	uint64_t n = 0;

	do {
		for (unsigned i = 0; i < BATCH; i++)
			raw_packet(r, l->sealed[i], text);
		n += BATCH;
		spent = bench_now() - from;
	} while (spent < span);
	return (double)n * 1e9 / (double)spent;
}

static int
cmp(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double v[ROUNDS])
{
	qsort(v, ROUNDS, sizeof v[0], cmp);
	return v[ROUNDS / 2];
}

static void
one(enum esp_transform t, size_t size, ns_t span)
{
	static struct lane l;
	bool gcm = !esp_alg(t)->auth_len;
	struct raw enc = raw_new(gcm, true), dec = raw_new(gcm, false);
	double seal[ROUNDS], open[ROUNDS], raw_enc[ROUNDS], raw_dec[ROUNDS], rs[ROUNDS], ro[ROUNDS];
	size_t text;

	lane_new(&l, t, size);
	text = esp_sealed_len(&l.out, size) - IPV4_HDR_LEN - 8 - esp_alg(t)->iv_len -
	       esp_alg(t)->icv_len;
	for (unsigned i = 0; i < ROUNDS; i++) {
		ours(&l, span, &seal[i], &open[i]);
		raw_enc[i] = raw_rate(&enc, &l, text, span / 2);
		raw_dec[i] = gcm ? raw_enc[i] : raw_rate(&dec, &l, text, span / 2);
		rs[i] = seal[i] / raw_enc[i];
		ro[i] = open[i] / raw_dec[i];
	}
	(void)printf("{\"bench\": \"esp-core\", \"transform\": \"%s\", \"octets\": %zu, "
		     "\"seal_pps\": %.0f, \"openssl_encrypt_pps\": %.0f, \"seal_ratio\": %.3f, "
		     "\"open_pps\": %.0f, \"openssl_decrypt_pps\": %.0f, \"open_ratio\": %.3f, "
		     "\"goal\": 0.8}\n",
		esp_alg(t)->name, size, median(seal), median(raw_enc), median(rs), median(open),
		median(raw_dec), median(ro));
	(void)fflush(stdout);
	raw_free(&enc);
	raw_free(&dec);
}

int
bench_esp(ns_t span)
{
	static const enum esp_transform transforms[] = {ESP_CBC128_SHA1, ESP_GCM128};
	static const size_t sizes[] = {64, 512, 1400};

	for (unsigned t = 0; t < 2; t++)
		for (unsigned s = 0; s < 3; s++)
			one(transforms[t], sizes[s], span);
	return 0;
}
