/* SPDX-License-Identifier: BSD-2-Clause */
/* The reports, over one array of results that has every verdict: what is counted, what is said. */
#include "harness/report/report.h"
#include "harness/trace/place.h"

#include <check.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/run/case_in.h"

static const struct report_meta meta = {
	.version = "1", .device = "reference", .lab = "netns", .out = "results", .seed = 42};
static struct case_def defs[VERDICT_CNT];
static char ids[VERDICT_CNT][32];
static json_t *results;

static void
setup(void)
{
	results = json_array();
	for (int v = 0; v < VERDICT_CNT; v++) {
		json_t *r;

		snprintf(ids[v], sizeof(ids[v]), "%s/x/%d", v < 3 ? "hsrp" : "ssp", v);
		defs[v] = (struct case_def){.id = ids[v],
			.requirement = "RFC 2281, 5.7",
			.says = "It \"must\" <hold> & #1.",
			.mutant = "m"};
		r = case_result(&defs[v], (enum verdict)v, v ? "because \x01 of #1 <&>" : "");
		json_array_append_new(json_object_get(r, "figures"),
			json_pack(
				"{s:s, s:f, s:s}", "name", "outage", "value", 412.0, "unit", "ms"));
		json_array_append_new(json_object_get(r, "laws"),
			json_pack("{s:i, s:s, s:i, s:s, s:s}", "law", 1, "name", "uniqueness",
				"judged", 9, "verdict", "pass", "text", ""));
		json_array_append_new(results, r);
	}
}

static void
teardown(void)
{
	json_decref(results);
}

/* What a report printed; freed by the caller. */
static char *text;
static size_t text_len;

static FILE *
begin(void)
{
	return open_memstream(&text, &text_len);
}

static void
has(const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "'%s' is not in:\n%s", part, text);
}

START_TEST(text_ends_with_the_three_numbers)
{
	FILE *f = begin();

	report_end(f, results);
	fclose(f);
	has("inconclusive: hsrp/x/2: because");
	has("error: ssp/x/3: because");
	text[text_len - 1] = '\0';
	ck_assert_str_eq(strrchr(text, '\n') + 1, "1 passed, 4 failed, 3 skipped");
	free(text);
}
END_TEST

START_TEST(a_failed_case_says_what_its_reader_needs)
{
	FILE *f = begin();

	report_case(f, json_array_get(results, VERDICT_FAIL), 2, 8, false, &meta);
	fclose(f);
	has("[  2/8] fail ");
	has("RFC 2281, 5.7 (MUST): It \"must\" <hold>");
	has("outage 412 ms");
	has("capture: results/hsrp-x-1/trace.pcapng");
	has("baton run hsrp/x/1 --seed 42");
	free(text);
	f = begin();
	report_case(f, json_array_get(results, VERDICT_PASS), 1, 8, false, &meta);
	fclose(f);
	has("outage 412 ms");
	ck_assert_ptr_null(strstr(text, "again"));
	free(text);
}
END_TEST

static void
has_keys(const json_t *o, const char *const *keys, size_t cnt)
{
	ck_assert_uint_eq(json_object_size(o), cnt);
	for (size_t i = 0; i < cnt; i++)
		ck_assert_msg(json_object_get(o, keys[i]) != NULL, "no %s", keys[i]);
}

START_TEST(json_has_exactly_its_schema)
{
	static const char *const top[] = {"schema", "version", "device", "lab", "seed", "cases"};
	static const char *const of_case[] = {
		"id", "verdict", "reason", "seconds", "laws", "figures", "artifacts"};
	static const char *const of_law[] = {"law", "judged", "verdict"};
	static const char *const of_pair[] = {"mutant", "case", "killed", "verdict"};
	json_t *run = report_run_json(results, &meta), *mutants = report_mutants_json(results);
	json_t *c = json_array_get(json_object_get(run, "cases"), VERDICT_FAIL);
	json_t *pair = json_array_get(json_object_get(mutants, "pairs"), VERDICT_FAIL);

	has_keys(run, top, 6);
	has_keys(c, of_case, 7);
	has_keys(json_array_get(json_object_get(c, "laws"), 0), of_law, 3);
	ck_assert_str_eq(json_string_value(json_object_get(c, "verdict")), "fail");
	ck_assert_int_eq(json_integer_value(json_object_get(run, "seed")), 42);
	has_keys(pair, of_pair, 4);
	/* A fail that nobody claims is no kill; one of the case itself is. */
	ck_assert(json_is_false(json_object_get(pair, "killed")));
	json_decref(mutants);
	json_object_set_new(json_array_get(results, VERDICT_FAIL), "by", json_string("case"));
	mutants = report_mutants_json(results);
	pair = json_array_get(json_object_get(mutants, "pairs"), VERDICT_FAIL);
	ck_assert(json_is_true(json_object_get(pair, "killed")));
	json_decref(run);
	json_decref(mutants);
}
END_TEST

START_TEST(mutants_pass_only_if_all_are_killed)
{
	json_t *one = json_array();
	FILE *f = begin();

	ck_assert(!report_mutants_end(f, one));
	json_array_append(one, json_array_get(results, VERDICT_FAIL));
	json_object_set_new(json_array_get(one, 0), "by", json_string("law"));
	ck_assert(!report_mutants_end(f, one));
	json_object_set_new(json_array_get(one, 0), "by", json_string("case"));
	ck_assert(report_mutants_end(f, one));
	json_array_append(one, json_array_get(results, VERDICT_PASS));
	ck_assert(!report_mutants_end(f, one));
	fclose(f);
	has("1 killed, 0 alive, 0 skipped\n");
	has("1 killed, 1 alive, 0 skipped\n");
	free(text);
	json_decref(one);
}
END_TEST

START_TEST(tap)
{
	FILE *f = begin();

	report_tap(f, results);
	fclose(f);
	ck_assert(strncmp(text, "TAP version 14\n1..8\nok 1 - hsrp/x/0\n", 36) == 0);
	has("\nnot ok 2 - hsrp/x/1\n");
	has("\nnot ok 3 - hsrp/x/2\n");
	has("\nnot ok 4 - ssp/x/3\n");
	has("\nok 5 - ssp/x/4 # SKIP because   of \\#1");
	has("\nnot ok 7 - ssp/x/6 # TODO");
	has("\nnot ok 8 - ssp/x/7\n");
	has("  says: \"It \\\"must\\\" <hold> & #1.\"\n");
	free(text);
}
END_TEST

static char *
attribute(xmlNode *n, const char *name)
{
	return (char *)xmlGetProp(n, BAD_CAST name);
}

START_TEST(junit)
{
	char path[] = "/tmp/baton-junit-XXXXXX", err[PLACE_ERR] = "";
	int fd = mkstemp(path);
	xmlDoc *doc;
	xmlNode *root, *hsrp, *c;
	char *v;

	ck_assert(fd >= 0);
	close(fd);
	ck_assert_msg(report_junit(path, results, err), "%s", err);
	doc = xmlReadFile(path, NULL, 0);
	ck_assert_ptr_nonnull(doc);
	root = xmlDocGetRootElement(doc);
	ck_assert_uint_eq(xmlChildElementCount(root), 2);
	v = attribute(root, "failures");
	ck_assert_str_eq(v, "2");
	xmlFree(v);
	v = attribute(root, "errors");
	ck_assert_str_eq(v, "2");
	xmlFree(v);
	hsrp = xmlFirstElementChild(root);
	ck_assert_uint_eq(xmlChildElementCount(hsrp), 3);
	c = xmlNextElementSibling(xmlFirstElementChild(hsrp));
	ck_assert_str_eq((const char *)xmlFirstElementChild(c)->name, "failure");
	v = attribute(xmlFirstElementChild(c), "message");
	ck_assert_str_eq(v, "because   of #1 <&>");
	xmlFree(v);
	xmlFreeDoc(doc);
	unlink(path);
	ck_assert(!report_junit("/nonexistent/x.xml", results, err));
	ck_assert_str_eq(err, "/nonexistent/x.xml: No such file or directory");
	ck_assert(!report_junit("/dev/full", results, err));
	ck_assert_str_eq(err, "/dev/full: could not be written whole: No space left on device");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("report");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, text_ends_with_the_three_numbers);
	tcase_add_test(t, a_failed_case_says_what_its_reader_needs);
	tcase_add_test(t, json_has_exactly_its_schema);
	tcase_add_test(t, mutants_pass_only_if_all_are_killed);
	tcase_add_test(t, tap);
	tcase_add_test(t, junit);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
