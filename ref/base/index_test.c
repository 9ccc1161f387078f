/* SPDX-License-Identifier: BSD-2-Clause */
#include <check.h>
#include <string.h>

#include "ref/base/index.h"

#define SLOTS 3000
#define HEADS 1024

static uint32_t head[HEADS], next[SLOTS], keys[SLOTS];
static struct index x;

static const uint64_t key[2] = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};

static uint32_t
find(uint32_t k)
{
	for (uint32_t i = index_first(&x, index_hash(&x, &k, sizeof k)); i != INDEX_END;
		i = index_next(&x, i))
		if (keys[i] == k)
			return i;
	return INDEX_END;
}

/* The published vector: key 00..0f, message 00..0e, tag a129ca6149be45e5. */
START_TEST(vector)
{
	uint8_t m[15];

	for (unsigned i = 0; i < sizeof m; i++)
		m[i] = (uint8_t)i;
	index_init(&x, head, HEADS, next, SLOTS, key);
	ck_assert_uint_eq(index_hash(&x, m, sizeof m), 0x49be45e5u ^ 0xa129ca61u);
}
END_TEST

START_TEST(add_and_take_out)
{
	index_init(&x, head, HEADS, next, SLOTS, key);
	for (uint32_t i = 0; i < SLOTS; i++) {
		keys[i] = i * 2654435761u;
		index_add(&x, index_hash(&x, &keys[i], sizeof keys[i]), i);
	}
	for (uint32_t i = 0; i < SLOTS; i++)
		ck_assert_uint_eq(find(keys[i]), i);
	ck_assert_uint_eq(find(1), INDEX_END);
	for (uint32_t i = 0; i < SLOTS; i += 3) {
		index_del(&x, index_hash(&x, &keys[i], sizeof keys[i]), i);
		index_del(&x, index_hash(&x, &keys[i], sizeof keys[i]), i); /* no harm */
	}
	for (uint32_t i = 0; i < SLOTS; i++)
		ck_assert_uint_eq(find(keys[i]), i % 3 ? i : INDEX_END);
}
END_TEST

/* Keys that differ little do not make long chains; another key gives other chains. */
START_TEST(spread)
{
	static const uint64_t other[2] = {1, 2};
	uint32_t longest = 0, same = 0;

	index_init(&x, head, HEADS, next, SLOTS, key);
	for (uint32_t i = 0; i < SLOTS; i++)
		index_add(&x, index_hash(&x, &i, sizeof i), i);
	for (uint32_t b = 0; b < HEADS; b++) {
		uint32_t n = 0;

		for (uint32_t i = index_first(&x, b); i != INDEX_END; i = index_next(&x, i))
			n++;
		longest = n > longest ? n : longest;
	}
	ck_assert_uint_le(longest, 14); /* 3 on average */
	for (uint32_t i = 0; i < SLOTS; i++) {
		struct index y = {.key = {other[0], other[1]}};

		same += index_hash(&x, &i, sizeof i) == index_hash(&y, &i, sizeof i);
	}
	ck_assert_uint_eq(same, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("index");
	TCase *t = tcase_create("index");
	SRunner *r;
	int failed;

	tcase_add_test(t, vector);
	tcase_add_test(t, add_and_take_out);
	tcase_add_test(t, spread);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
