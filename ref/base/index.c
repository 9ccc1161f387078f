/* SPDX-License-Identifier: BSD-2-Clause */
#include <assert.h>
#include <string.h>

#include "ref/base/index.h"

void
index_init(struct index *x, uint32_t *head, uint32_t head_cnt, uint32_t *next, uint32_t slot_cnt,
	const uint64_t key[2])
{
	assert(head_cnt && !(head_cnt & (head_cnt - 1)));
	x->head = head;
	x->next = next;
	x->mask = head_cnt - 1;
	x->key[0] = key[0];
	x->key[1] = key[1];
	for (uint32_t i = 0; i < head_cnt; i++)
		head[i] = INDEX_END;
	for (uint32_t i = 0; i < slot_cnt; i++)
		next[i] = INDEX_END;
}

static uint64_t
rotate(uint64_t v, unsigned by)
{
	return v << by | v >> (64 - by);
}

static void
rounds(uint64_t v[4], unsigned n)
{
	while (n-- > 0) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

static uint64_t
word(const uint8_t *p, size_t len)
{
	uint64_t v = 0;

	for (size_t i = 0; i < len; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static void
absorb(uint64_t v[4], uint64_t m)
{
	v[3] ^= m;
	rounds(v, 2);
	v[0] ^= m;
}

uint32_t
index_hash(const struct index *x, const void *key, size_t len)
{
	uint64_t v[4] = {x->key[0] ^ 0x736f6d6570736575u, x->key[1] ^ 0x646f72616e646f6du,
		x->key[0] ^ 0x6c7967656e657261u, x->key[1] ^ 0x7465646279746573u};
	const uint8_t *p = key;
	size_t left = len;
	uint64_t h;

	for (; left >= 8; left -= 8, p += 8)
		absorb(v, word(p, 8));
	absorb(v, (uint64_t)len << 56 | word(p, left));
	v[2] ^= 0xff;
	rounds(v, 4);
	h = v[0] ^ v[1] ^ v[2] ^ v[3];
	return (uint32_t)(h ^ h >> 32);
}

void
index_add(struct index *x, uint32_t hash, uint32_t slot)
{
	uint32_t *at = &x->head[hash & x->mask];

	x->next[slot] = *at;
	*at = slot;
}

void
index_del(struct index *x, uint32_t hash, uint32_t slot)
{
	uint32_t *at = &x->head[hash & x->mask];

	while (*at != INDEX_END && *at != slot)
		at = &x->next[*at];
	if (*at == INDEX_END)
		return;
	*at = x->next[slot];
	x->next[slot] = INDEX_END;
}

uint32_t
index_first(const struct index *x, uint32_t hash)
{
	return x->head[hash & x->mask];
}

uint32_t
index_next(const struct index *x, uint32_t slot)
{
	return x->next[slot];
}
