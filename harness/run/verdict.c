/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Verdicts (docs/laws.md). Everything that decides is a table or a few ordered lines, so
 * that it can be read against the text; verdict_test.c fails when any line is bent towards "all
 * pass" or "all fail".
 */
#include "harness/run/verdict.h"

#include <string.h>

static const char *const names[VERDICT_CNT] = {
	[VERDICT_PASS] = "pass",
	[VERDICT_FAIL] = "fail",
	[VERDICT_INCONCLUSIVE] = "inconclusive",
	[VERDICT_ERROR] = "error",
	[VERDICT_SKIP] = "skip",
	[VERDICT_UNSUPPORTED] = "unsupported",
	[VERDICT_XFAIL] = "xfail",
	[VERDICT_XPASS] = "xpass",
};

static const char *const by_names[BY_CNT] = {
	[BY_NONE] = "",
	[BY_CASE] = "case",
	[BY_LAW] = "law",
	[BY_DEATH] = "death",
};

const char *
verdict_name(enum verdict v)
{
	return v < VERDICT_CNT ? names[v] : "?";
}

enum verdict
verdict_from_name(const char *name)
{
	int v = 0;

	while (v < VERDICT_CNT && strcmp(names[v], name) != 0)
		v++;
	return (enum verdict)v;
}

const char *
verdict_by_name(enum verdict_by b)
{
	return b < BY_CNT ? by_names[b] : "?";
}

enum verdict_by
verdict_by_from_name(const char *name)
{
	int b = 0;

	while (b < BY_CNT && strcmp(by_names[b], name) != 0)
		b++;
	return b < BY_CNT ? (enum verdict_by)b : BY_NONE;
}

/*
 * The order: what makes the evidence worthless comes first, then what is certainly wrong, then
 * what is missing, and only what is left over has passed.
 */
static struct verdict_sum
judge_facts(const struct verdict_facts *f)
{
	if (f->missing)
		return (struct verdict_sum){VERDICT_SKIP, BY_NONE, ""};
	if (f->setup_failed)
		return (struct verdict_sum){VERDICT_ERROR, BY_NONE, ""};
	if (!f->finished)
		return (struct verdict_sum){
			VERDICT_ERROR, BY_NONE, "the case did not come to its end"};
	if (f->frames_dropped)
		return (struct verdict_sum){
			VERDICT_INCONCLUSIVE, BY_NONE, "the capture lost frames"};
	if (f->member_died)
		return (struct verdict_sum){
			VERDICT_FAIL, BY_DEATH, "a member's process ended by itself"};
	if (f->failed)
		return (struct verdict_sum){VERDICT_FAIL, BY_CASE, ""};
	if (f->laws_failed)
		return (struct verdict_sum){VERDICT_FAIL, BY_LAW, "a law was broken"};
	if (f->gave_up)
		return (struct verdict_sum){VERDICT_INCONCLUSIVE, BY_NONE, ""};
	if (!f->checks)
		return (struct verdict_sum){
			VERDICT_ERROR, BY_NONE, "the case expected nothing"};
	if (f->law_missing)
		return (struct verdict_sum){VERDICT_INCONCLUSIVE, BY_NONE,
			"a law that this case needs had nothing to judge"};
	return (struct verdict_sum){VERDICT_PASS, BY_NONE, ""};
}

struct verdict_sum
verdict_decide(const struct verdict_facts *f)
{
	struct verdict_sum s = judge_facts(f);

	if (f->expect_fail && s.verdict == VERDICT_FAIL)
		s.verdict = VERDICT_XFAIL;
	else if (f->expect_fail && s.verdict == VERDICT_PASS)
		s.verdict = VERDICT_XPASS;
	return s;
}

bool
verdict_kills(enum verdict v, enum verdict_by by)
{
	return v == VERDICT_FAIL && by == BY_CASE;
}

void
verdict_count(struct verdict_tally *t, enum verdict v)
{
	/* A verdict that is none is Baton's own failure. */
	t->cnt[v < VERDICT_CNT ? v : VERDICT_ERROR]++;
}

int
verdict_exit(const struct verdict_tally *t)
{
	if (t->cnt[VERDICT_ERROR])
		return 3;
	if (t->cnt[VERDICT_FAIL] || t->cnt[VERDICT_XPASS])
		return 1;
	if (t->cnt[VERDICT_INCONCLUSIVE])
		return 5;
	if (!t->cnt[VERDICT_PASS])
		return 4;
	return 0;
}

struct verdict_line
verdict_last_line(const struct verdict_tally *t)
{
	return (struct verdict_line){
		.passed = t->cnt[VERDICT_PASS],
		.failed = t->cnt[VERDICT_FAIL] + t->cnt[VERDICT_XPASS] +
			t->cnt[VERDICT_INCONCLUSIVE] + t->cnt[VERDICT_ERROR],
		.skipped = t->cnt[VERDICT_SKIP] + t->cnt[VERDICT_UNSUPPORTED] +
			t->cnt[VERDICT_XFAIL],
	};
}
