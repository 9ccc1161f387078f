/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_BASE_INDEX_H
#define BATON_BASE_INDEX_H

/*
 * An index over a table of fixed size: from a key to the slots that may hold it. The table stays
 * the caller's; the index has a chain of slot numbers for each bucket, in two arrays that the
 * caller places, too. A slot is in an index at most once.
 *
 * The hash is keyed (SipHash-2-4, Aumasson and Bernstein 2012), since peers choose cookies and
 * SPIs: who does not know the key cannot make chains long. Not here: growing, and what the key
 * means.
 */
#include <stddef.h>
#include <stdint.h>

#define INDEX_END UINT32_MAX

struct index {
	uint32_t *head; /* placed by the caller: one a bucket */
	uint32_t *next; /* one a slot */
	uint32_t mask;
	uint64_t key[2];
};

/* head_cnt: a power of two (asserted). Both arrays are written. */
void index_init(struct index *x, uint32_t *head, uint32_t head_cnt, uint32_t *next,
	uint32_t slot_cnt, const uint64_t key[2]);
uint32_t index_hash(const struct index *x, const void *key, size_t len);
void index_add(struct index *x, uint32_t hash, uint32_t slot);
/* No error if it is not there. */
void index_del(struct index *x, uint32_t hash, uint32_t slot);
/* The first slot with that hash, and the one after; others with the same bucket come, too. */
uint32_t index_first(const struct index *x, uint32_t hash);
uint32_t index_next(const struct index *x, uint32_t slot);

#endif
