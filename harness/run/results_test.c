/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Choosing cases, and the folders of their results: what needs no lab, and so runs where there is
 * none.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/run/run.h"

static char out[] = "/tmp/baton-results-test-XXXXXX";

static void
nothing(struct case_run *c)
{
	(void)c;
}

#define CASE(name)                                                                                 \
	{                                                                                          \
		.id = "zz/" name, .requirement = "of its own", .says = "nothing", .run = nothing   \
	}
static const struct case_def cases[] = {
	CASE("passes/1"),
	CASE("fails/1"),
	CASE("says-nothing/1"),
	CASE("runs-out/1"),
};
#define CASES (sizeof(cases) / sizeof(cases[0]))
CASE_SUITE(cases)

static void
put_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

/* As a run leaves it. */
static void
put_result(const char *id, size_t round, const char *verdict)
{
	char dir[128], path[160], text[160];

	ck_assert(run_dir(out, id, round, dir, sizeof(dir)) && run_make_dir(dir));
	snprintf(path, sizeof(path), "%s/verdict.json", dir);
	snprintf(text, sizeof(text), "{\"id\": \"%s\", \"verdict\": \"%s\", \"seconds\": 1}", id,
		verdict);
	put_file(path, text);
}

START_TEST(selection)
{
	char *none[] = {(char *)(uintptr_t) "zz/", (char *)(uintptr_t) "nothing/"};
	struct run_selection s;
	const char *word;

	ck_assert_int_eq(run_select(none, 2, &s, &word), RUN_NO_MATCH);
	ck_assert_str_eq(word, "nothing/");
	run_selection_free(&s);
	ck_assert_int_eq(run_select(none, 1, &s, &word), RUN_SELECTED);
	ck_assert_uint_eq(s.cnt, CASES);
	for (size_t i = 1; i < s.cnt; i++)
		ck_assert(strcmp(s.cases[i - 1]->id, s.cases[i]->id) < 0);
	run_selection_free(&s);
	ck_assert(run_seed(1, "a") != run_seed(2, "a"));
	ck_assert(run_seed(1, "a") != run_seed(1, "b"));
}
END_TEST

START_TEST(fewer_and_more_often)
{
	char *all[] = {(char *)(uintptr_t) "zz/"};
	struct run_selection s;
	const char *word;
	char dir[128];

	ck_assert_int_eq(run_select(all, 1, &s, &word), RUN_SELECTED);
	run_keep_words(&s, "RUNS, out");
	ck_assert_uint_eq(s.cnt, 1);
	ck_assert_str_eq(s.cases[0]->id, "zz/runs-out/1");
	run_repeat(&s, 3);
	ck_assert_uint_eq(s.cnt, 3);
	ck_assert_uint_eq(run_round(&s, 2), 2);
	run_keep_words(&s, "nothing-of-that");
	ck_assert_uint_eq(s.cnt, 0);
	run_selection_free(&s);
	ck_assert(run_dir("out", "a/b", 0, dir, sizeof(dir)));
	ck_assert_str_eq(dir, "out/a-b");
	ck_assert(run_dir("out", "a/b", 2, dir, sizeof(dir)));
	ck_assert_str_eq(dir, "out/a-b.3");
	ck_assert(!run_dir("out", "a/b", 0, dir, 7));
}
END_TEST

/* A pass, a failure and cases never run: the failure alone is run again. */
START_TEST(last_failed)
{
	char *all[] = {(char *)(uintptr_t) "zz/"};
	struct run_selection s;
	const char *word;

	run_clean(out);
	put_result("zz/passes/1", 0, "pass");
	put_result("zz/fails/1", 0, "pass");
	put_result("zz/fails/1", 1, "fail"); /* in its second round */
	ck_assert_int_eq(run_select(all, 1, &s, &word), RUN_SELECTED);
	ck_assert_uint_eq(run_keep_failed(&s, out), 2);
	ck_assert_uint_eq(s.cnt, 1);
	ck_assert_str_eq(s.cases[0]->id, "zz/fails/1");
	run_selection_free(&s);
}
END_TEST

START_TEST(no_such_suite)
{
	char err[LAB_ERR] = "";

	ck_assert(!run_load_suite("/nothing/there.so", err));
	ck_assert(strstr(err, "/nothing/there.so") != NULL);
}
END_TEST

/* What a run did not make stays: a file, and folders whose verdict.json is not of the case that
 * they are named after. */
START_TEST(only_results_are_cleaned)
{
	static const char *const others[] = {"{}", "no JSON", "{\"verdict\": \"pass\"}",
		"{\"id\": \"zz/other/1\", \"verdict\": \"pass\", \"seconds\": 1}"};
	char path[128], mine[128];

	run_clean(out);
	snprintf(path, sizeof(path), "%s/mine", out);
	put_file(path, "");
	put_result("zz/says-nothing/1", 0, "error");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		snprintf(mine, sizeof(mine), "%s/folder", out);
		ck_assert(run_make_dir(mine));
		snprintf(mine, sizeof(mine), "%s/folder/verdict.json", out);
		put_file(mine, others[i]);
		snprintf(path, sizeof(path), "%s/zz-says-nothing-1/verdict.json", out);
		ck_assert(access(path, F_OK) == (i ? -1 : 0));
		ck_assert_uint_eq(run_clean(out), i ? 0 : 1);
		ck_assert(access(path, F_OK) != 0);
		ck_assert(access(mine, F_OK) == 0);
	}
	ck_assert(unlink(mine) == 0);
	snprintf(mine, sizeof(mine), "%s/folder", out);
	ck_assert(rmdir(mine) == 0);
	snprintf(path, sizeof(path), "%s/mine", out);
	ck_assert(unlink(path) == 0);
}
END_TEST

/* A second round of a case is one; what hangs behind a link is not. */
START_TEST(rounds_are_cleaned_and_links_are_not)
{
	char dir[128], path[160], link[128];

	run_clean(out);
	put_result("zz/a/1", 1, "pass");
	ck_assert_uint_eq(run_clean(out), 1);
	snprintf(dir, sizeof(dir), "%s/elsewhere", out);
	ck_assert(run_make_dir(dir));
	snprintf(path, sizeof(path), "%s/verdict.json", dir);
	put_file(path, "{\"id\": \"zz/a/1\", \"verdict\": \"pass\", \"seconds\": 1}");
	ck_assert(run_dir(out, "zz/a/1", 0, link, sizeof(link)) && symlink("elsewhere", link) == 0);
	ck_assert_uint_eq(run_clean(out), 0);
	ck_assert(access(path, F_OK) == 0);
	ck_assert(unlink(link) == 0 && unlink(path) == 0 && rmdir(dir) == 0);
}
END_TEST

/* What stands in the way of a folder is told. */
START_TEST(folders_are_made)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/a/b/c", out);
	ck_assert(run_make_dir(path) && run_make_dir(path));
	ck_assert(rmdir(path) == 0);
	put_file(path, "");
	ck_assert(!run_make_dir(path));
	ck_assert_str_eq(strerror(errno), "Not a directory");
	ck_assert(unlink(path) == 0);
	snprintf(path, sizeof(path), "%s/a/b", out);
	ck_assert(rmdir(path) == 0);
	snprintf(path, sizeof(path), "%s/a", out);
	ck_assert(rmdir(path) == 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("results");
	TCase *t = tcase_create("results");
	SRunner *r;
	int failed;

	if (!mkdtemp(out))
		return 1;
	tcase_add_test(t, selection);
	tcase_add_test(t, fewer_and_more_often);
	tcase_add_test(t, last_failed);
	tcase_add_test(t, no_such_suite);
	tcase_add_test(t, only_results_are_cleaned);
	tcase_add_test(t, rounds_are_cleaned_and_links_are_not);
	tcase_add_test(t, folders_are_made);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	(void)run_clean(out);
	(void)rmdir(out);
	return failed != 0;
}
