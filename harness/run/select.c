/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The known cases, sorted, and those that a prefix selects. Suites make themselves known before
 * main (CASE_SUITE); an id that two cases claim stops every run, for its verdict would be
 * ambiguous for ever.
 */
#include "harness/run/run.h"

#include <stdlib.h>
#include <string.h>

#include "harness/run/case_in.h"

static bool
wanted(const char *id, char *const *prefixes, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++)
		if (strncmp(id, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return cnt == 0;
}

static int
by_id(const void *a, const void *b)
{
	const struct case_def *const *x = a, *const *y = b;

	return strcmp((*x)->id, (*y)->id);
}

static size_t
known_cnt(void)
{
	size_t cnt = 0;

	for (const struct case_suite *s = case_suites(); s; s = s->next)
		cnt += s->cnt;
	return cnt;
}

static const char *
unmatched(char *const *prefixes, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		bool any = false;

		for (const struct case_suite *s = case_suites(); s && !any; s = s->next)
			for (size_t n = 0; n < s->cnt && !any; n++)
				any = wanted(s->cases[n].id, prefixes + i, 1);
		if (!any)
			return prefixes[i];
	}
	return NULL;
}

enum run_select
run_select(char *const *prefixes, size_t cnt, struct run_selection *out, const char **word)
{
	*out = (struct run_selection){.cases = calloc(known_cnt() + 1, sizeof(*out->cases))};
	if (!out->cases)
		abort();
	*word = unmatched(prefixes, cnt);
	if (*word)
		return RUN_NO_MATCH;
	for (const struct case_suite *s = case_suites(); s; s = s->next)
		for (size_t i = 0; i < s->cnt; i++)
			if (wanted(s->cases[i].id, prefixes, cnt))
				out->cases[out->cnt++] = &s->cases[i];
	qsort(out->cases, out->cnt, sizeof(*out->cases), by_id);
	for (size_t i = 1; i < out->cnt; i++) {
		*word = out->cases[i]->id;
		if (strcmp(out->cases[i - 1]->id, *word) == 0)
			return RUN_DUPLICATE;
	}
	return RUN_SELECTED;
}

void
run_selection_free(struct run_selection *s)
{
	free(s->cases);
	*s = (struct run_selection){0};
}

/* FNV-1a over the id, begun with the seed; 53 bits, so that JSON readers keep it whole. */
uint64_t
run_seed(uint64_t seed, const char *id)
{
	uint64_t h = 0xcbf29ce484222325u ^ seed;

	for (; *id; id++)
		h = (h ^ (uint8_t)*id) * 0x100000001b3u;
	return h & (((uint64_t)1 << 53) - 1);
}

bool
run_dir(const char *out, const char *id, char *dst, size_t cap)
{
	size_t len = strlen(out);

	if (len + strlen(id) + 2 > cap)
		return false;
	memcpy(dst, out, len);
	dst[len++] = '/';
	for (; *id; id++)
		dst[len++] = *id == '/' ? '-' : *id;
	dst[len] = '\0';
	return true;
}
