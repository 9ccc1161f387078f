/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The known cases, sorted, and those that a prefix selects. Suites make themselves known before
 * main (CASE_SUITE); an id that two cases claim stops every run, for its verdict would be
 * ambiguous for ever.
 */
#include "harness/run/run.h"

#include <stdio.h>
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
	out->each = out->cnt;
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

/* ---- fewer, or more often ---- */

static void
keep(struct run_selection *s, bool (*is_kept)(const struct case_def *d, const char *ctx),
	const char *ctx)
{
	size_t cnt = 0;

	for (size_t i = 0; i < s->cnt; i++)
		if (is_kept(s->cases[i], ctx))
			s->cases[cnt++] = s->cases[i];
	s->cnt = s->each = cnt;
}

static bool
holds(const struct case_def *d, const char *word)
{
	return strcasestr(d->id, word) || strcasestr(d->requirement, word) ||
	       strcasestr(d->says, word) || (d->mutant && strcasestr(d->mutant, word));
}

static bool
holds_all(const struct case_def *d, const char *words)
{
	char text[256], *rest = text;

	snprintf(text, sizeof(text), "%s", words);
	for (const char *w; (w = strsep(&rest, " ,")) != NULL;)
		if (!holds(d, w))
			return false;
	return true;
}

void
run_keep_words(struct run_selection *s, const char *words)
{
	keep(s, holds_all, words);
}

static bool
failed_before(const struct case_def *d, const char *out)
{
	enum verdict v;

	for (size_t round = 0; (v = run_last_verdict(out, d->id, round)) != VERDICT_CNT; round++)
		if (v == VERDICT_FAIL || v == VERDICT_ERROR || v == VERDICT_INCONCLUSIVE ||
			v == VERDICT_XPASS)
			return true;
	return false;
}

size_t
run_keep_failed(struct run_selection *s, const char *out)
{
	size_t before = 0;

	for (size_t i = 0; i < s->cnt; i++)
		before += run_last_verdict(out, s->cases[i]->id, 0) != VERDICT_CNT;
	keep(s, failed_before, out);
	return before;
}

void
run_repeat(struct run_selection *s, unsigned rounds)
{
	const struct case_def **all = calloc(s->cnt * rounds + 1, sizeof(*all));

	if (!all)
		abort();
	for (size_t i = 0; i < s->cnt * rounds; i++)
		all[i] = s->cases[i % s->cnt];
	free(s->cases);
	s->each = s->cnt;
	s->cases = all;
	s->cnt *= rounds;
}

const char *
run_source(const struct case_def *d)
{
	for (const struct case_suite *s = case_suites(); s; s = s->next)
		if (d >= s->cases && d < s->cases + s->cnt)
			return s->file;
	return "unknown";
}

size_t
run_round(const struct run_selection *s, size_t index)
{
	return s->each ? index / s->each : 0;
}
