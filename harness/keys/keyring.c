/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The key ring in memory (keyring.h): three growing arrays, searched from the end, since the newest
 * key is the one most often asked for. Files are keyring_file.c's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/keys/keyring.h"

void
keyring_init(struct keyring *r)
{
	memset(r, 0, sizeof *r);
}

static void
drop(void *p, size_t cnt, size_t size)
{
	if (p)
		wipe(p, cnt * size);
	free(p);
}

void
keyring_free(struct keyring *r)
{
	drop(r->ike, r->ike_cap, sizeof *r->ike);
	drop(r->esp, r->esp_cap, sizeof *r->esp);
	drop(r->tls, r->tls_cap, sizeof *r->tls);
	keyring_init(r);
}

/* Room for one more; old memory is wiped before it is freed. */
static void *
grow(void *old, size_t cnt, size_t *cap, size_t size)
{
	size_t more = *cap ? *cap * 2 : 8;
	void *p;

	if (cnt < *cap)
		return old;
	p = calloc(more, size);
	if (!p) {
		fprintf(stderr, "keyring: out of memory\n");
		abort();
	}
	if (cnt)
		memcpy(p, old, cnt * size);
	drop(old, *cap, size);
	*cap = more;
	return p;
}

struct keyike *
keyring_ike(struct keyring *r, const uint8_t *icookie, const uint8_t *rcookie)
{
	static const uint8_t any[8];
	struct keyike *fits = NULL;

	for (size_t i = r->ike_cnt; i-- > 0;) {
		if (memcmp(r->ike[i].icookie, icookie, 8) != 0)
			continue;
		if (!memcmp(r->ike[i].rcookie, rcookie, 8))
			return &r->ike[i];
		if (!fits && !memcmp(r->ike[i].rcookie, any, 8))
			fits = &r->ike[i];
	}
	return fits;
}

void
keyring_add_ike(struct keyring *r, const struct keyike *k)
{
	struct keyike *old = keyring_ike(r, k->icookie, k->rcookie);

	if (!old) {
		r->ike = grow(r->ike, r->ike_cnt, &r->ike_cap, sizeof *r->ike);
		old = &r->ike[r->ike_cnt++];
	} else if (old->skeyid.len && !k->skeyid.len) {
		return; /* what is there says more */
	}
	*old = *k;
}

static bool
same_secret(const struct secret *a, const struct secret *b)
{
	return a->len == b->len && !memcmp(a->b, b->b, a->len);
}

void
keyring_add_esp(struct keyring *r, const struct keyesp *k)
{
	for (size_t i = 0; i < r->esp_cnt; i++) {
		struct keyesp *e = &r->esp[i];

		if (e->spi != k->spi || e->suite != k->suite || e->unchecked != k->unchecked ||
			e->icv_len != k->icv_len || !same_secret(&e->enc, &k->enc) ||
			!same_secret(&e->auth, &k->auth))
			continue;
		if (e->dst != k->dst)
			e->dst = 0;
		if (e->src != k->src)
			e->src = 0;
		return;
	}
	r->esp = grow(r->esp, r->esp_cnt, &r->esp_cap, sizeof *r->esp);
	r->esp[r->esp_cnt++] = *k;
}

bool
keyring_esp_fits(const struct keyesp *k, uint32_t spi, ip4_t dst)
{
	return k->spi == spi && (!k->dst || k->dst == dst);
}

const struct keyesp *
keyring_esp(const struct keyring *r, uint32_t spi, ip4_t dst)
{
	const struct keyesp *fits = NULL;

	for (size_t i = r->esp_cnt; i-- > 0;) {
		if (!keyring_esp_fits(&r->esp[i], spi, dst))
			continue;
		if (!r->esp[i].unchecked)
			return &r->esp[i];
		if (!fits)
			fits = &r->esp[i];
	}
	return fits;
}

enum err
keyring_open_esp(const struct keyring *r, ip4_t dst, const uint8_t *esp, size_t len, uint8_t *out,
	size_t cap, size_t *out_len, uint8_t *next)
{
	enum err e = ERR_UNKNOWN;
	uint32_t spi;

	if (len < 8)
		return ERR_SHORT;
	spi = (uint32_t)esp[0] << 24 | (uint32_t)esp[1] << 16 | (uint32_t)esp[2] << 8 | esp[3];
	for (size_t i = r->esp_cnt; i-- > 0 && e;)
		if (keyring_esp_fits(&r->esp[i], spi, dst))
			e = keyesp_open(&r->esp[i], esp, len, out, cap, out_len, next);
	return e;
}

void
keyring_add_tls(struct keyring *r, const struct keyring_tls *k)
{
	const struct secret *old = keyring_tls(r, k->label, k->random);

	if (old && same_secret(old, &k->secret))
		return;
	r->tls = grow(r->tls, r->tls_cnt, &r->tls_cap, sizeof *r->tls);
	r->tls[r->tls_cnt++] = *k;
}

const struct secret *
keyring_tls(const struct keyring *r, const char *label, const uint8_t *random)
{
	for (size_t i = r->tls_cnt; i-- > 0;)
		if (!memcmp(r->tls[i].random, random, 32) && !strcmp(r->tls[i].label, label))
			return &r->tls[i].secret;
	return NULL;
}
