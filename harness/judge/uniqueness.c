/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Law 1, uniqueness: within one SA (SPI and instance; without a key: destination, NAT-T port, SPI)
 * no sequence number leaves the pair twice with different bytes, whichever member sends; with
 * AES-GCM no IV either.
 *
 * Judged where packets leave the members, so what a fault of the switch dropped counts, too. Of a
 * packet that is not whole, what is there is compared. Identical copies are a remark.
 */
#include "harness/judge/judge_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IV_AT 8 /* behind SPI and number */
#define IV_LEN 8

struct sent {
	const struct scene_esp *e;
};

static int
by_number(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int
compare_seq(const void *x, const void *y)
{
	const struct scene_esp *a = ((const struct sent *)x)->e, *b = ((const struct sent *)y)->e;
	int c = scene_compare_sa(a, b);

	c = c ? c : by_number(a->seq, b->seq);
	return c ? c : by_number(a->frame, b->frame);
}

static int
compare_iv(const void *x, const void *y)
{
	const struct scene_esp *a = ((const struct sent *)x)->e, *b = ((const struct sent *)y)->e;
	int c = scene_compare_sa(a, b);

	c = c ? c : memcmp(a->esp + IV_AT, b->esp + IV_AT, IV_LEN);
	return c ? c : by_number(a->frame, b->frame);
}

static bool
same_bytes(const struct scene_esp *a, const struct scene_esp *b)
{
	size_t len = a->len < b->len ? a->len : b->len;

	if (a->whole && b->whole && a->len != b->len)
		return false;
	return memcmp(a->esp, b->esp, len) == 0;
}

static bool
same_number(const struct scene_esp *a, const struct scene_esp *b)
{
	return !scene_compare_sa(a, b) && a->seq == b->seq;
}

/*
 * Of all before it with its number, the first from which it differs; NULL if there is none. Half a
 * packet may be like two that differ, so that its neighbour alone says too little.
 */
static const struct scene_esp *
differs(const struct sent *p, size_t i)
{
	const struct scene_esp *other = NULL;

	for (size_t j = i; j-- > 0 && same_number(p[j].e, p[i].e);)
		if (!same_bytes(p[j].e, p[i].e))
			other = p[j].e;
	return other;
}

static void
numbers(struct sent *p, size_t cnt, struct law_result *r)
{
	size_t copies = 0;

	qsort(p, cnt, sizeof(*p), compare_seq);
	for (size_t i = 1; i < cnt && r->verdict != LAW_BROKEN; i++) {
		const struct scene_esp *b = p[i].e, *a = differs(p, i);

		if (!same_number(p[i - 1].e, b))
			continue;
		if (!a) {
			copies++;
			continue;
		}
		scene_broken(r, b->frame,
			"no sequence number leaves the pair twice with different bytes: expected "
			"number %u on SPI 0x%08x once, saw it from %c in frame %zu and from %c in "
			"frame %zu",
			a->seq, a->spi, scene_letter(a->side), a->frame + 1, scene_letter(b->side),
			b->frame + 1);
	}
	if (copies)
		scene_note(r, "%zu identical copies", copies);
}

static bool
is_gcm(const struct scene *s, const struct scene_esp *e)
{
	return e->key >= 0 && s->in->keys->esp[e->key].suite == KEYESP_AES_GCM &&
	       e->len >= IV_AT + IV_LEN;
}

static void
ivs(struct sent *p, size_t cnt, struct law_result *r)
{
	qsort(p, cnt, sizeof(*p), compare_iv);
	for (size_t i = 1; i < cnt; i++) {
		const struct scene_esp *a = p[i - 1].e, *b = p[i].e;

		if (!scene_compare_sa(a, b) && !memcmp(a->esp + IV_AT, b->esp + IV_AT, IV_LEN) &&
			!same_bytes(a, b))
			scene_broken(r, b->frame,
				"no IV of AES-GCM is used twice under one key: expected the "
				"IV of number "
				"%u on SPI 0x%08x (frame %zu, from %c) once, saw it again "
				"with number "
				"%u in frame %zu, from %c",
				a->seq, a->spi, a->frame + 1, scene_letter(a->side), b->seq,
				b->frame + 1, scene_letter(b->side));
	}
}

void
uniqueness_judge(const struct scene *s, struct law_result *r)
{
	struct sent *p = calloc(s->esp_cnt + 1, sizeof(*p));
	size_t cnt = 0, gcm = 0;

	if (!p)
		abort();
	for (size_t i = 0; i < s->esp_cnt; i++)
		if (s->esp[i].side >= 0)
			p[cnt++].e = &s->esp[i];
	numbers(p, cnt, r);
	for (size_t i = 0; i < cnt; i++)
		if (is_gcm(s, p[i].e))
			p[gcm++] = p[i];
	ivs(p, gcm, r);
	r->judged = cnt;
	free(p);
}
