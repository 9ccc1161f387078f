/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The runner, with cases of its own: each ends in another way, and the verdict, who gave it, and
 * what is left in the folder are checked. The router is the stand-in of the lab's tests. Where
 * namespaces are not allowed the tests are skipped, and say so.
 */
#include "harness/run/run.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/lab/standin.h"
#include "harness/report/report.h"
#include "harness/run/laws.h"
#include "harness/run/world.h"

static bool
heard(void *ctx)
{
	struct lab *l = ctx;

	return trace_count(lab_trace(l), &(struct trace_want){.from_who = WHO_A}) > 5;
}

static bool
never(void *ctx)
{
	(void)ctx;
	return false;
}

static void
passes(struct case_run *c)
{
	struct world w;

	world_open(&w, c, NULL, NULL);
	case_await(c, "A to be heard", 5 * NS_PER_S, heard, w.lab);
	case_figure(c, "frames", (double)trace_len(lab_trace(w.lab)), "frames");
}

static void
fails(struct case_run *c)
{
	struct lab *l = case_lab(c, NULL);

	case_start(c, LAB_A);
	case_reach(c, "A to be heard", 5 * NS_PER_S, heard, l);
	case_field(c, "hsrp.state", "16", "8");
	case_decided_by(c, 2, "this one");
	case_expect_u64(c, 16, 8, "the state");
	case_inconclusive(c, "said too late to count");
}

static void
gives_up(struct case_run *c)
{
	struct lab *l = case_lab(c, NULL);

	case_expect(c, true, "fine");
	if (!case_reach(c, "the impossible", 100 * NS_PER_MS, never, l))
		case_fail(c, "said too late to count");
}

static unsigned *tries; /* shared with the processes of cases */

static void
comes_late(struct case_run *c)
{
	case_lab(c, NULL);
	if (++*tries == 1)
		case_inconclusive(c, "it did not come");
	else
		case_expect(c, true, "fine");
}

static void
says_nothing(struct case_run *c)
{
	case_lab(c, NULL);
}

static void
crashes(struct case_run *c)
{
	case_lab(c, NULL);
	raise(SIGKILL);
}

static void
leave_badly(void)
{
	_exit(7);
}

static void
passes_and_leaves_badly(struct case_run *c)
{
	case_lab(c, NULL);
	case_expect(c, true, "fine");
	atexit(leave_badly);
}

/* No time of the lab passes. */
static void
spins(struct case_run *c)
{
	volatile bool on = true;

	case_lab(c, NULL);
	case_expect(c, true, "fine");
	while (on)
		;
}

static void
runs_out(struct case_run *c)
{
	case_expect(c, true, "fine");
	lab_run(case_lab(c, NULL), 3600 * NS_PER_S);
}

static bool
gone(void *ctx)
{
	return !lab_alive(ctx, LAB_A);
}

static void
loses_a_router(struct case_run *c)
{
	struct lab *l = case_lab(c, NULL);

	case_start(c, LAB_A);
	case_reach(c, "A to be heard", 5 * NS_PER_S, heard, l);
	case_expect(c, true, "fine");
	/* Behind the lab's back: it did not ask for it. */
	kill(lab_pid(l, LAB_A), SIGSEGV);
	case_reach(c, "the end of it", 5 * NS_PER_S, gone, l); /* a sanitizer tells of it first */
}

static void
is_late(struct case_run *c)
{
	struct lab *l = case_lab(c, NULL);
	struct timespec t;
	ns_t end;

	clock_gettime(CLOCK_MONOTONIC, &t);
	end = ns_from_s(t.tv_sec) + t.tv_nsec + 60 * NS_PER_MS;
	do
		clock_gettime(CLOCK_MONOTONIC, &t);
	while (ns_from_s(t.tv_sec) + t.tv_nsec < end);
	lab_run(l, 30 * NS_PER_MS);
	case_expect_timely(c, false, "it took too long");
}

#define CASE(name, fn, ...)                                                                        \
	{                                                                                          \
		.id = "zz/" name, .requirement = "the runner", .says = "It " name ".",            \
		.mutant = "dies", .run = fn, __VA_ARGS__                                           \
	}

static const struct case_def cases[] = {
	CASE("passes/1", passes, .level = CASE_MUST),
	CASE("fails/1", fails, .level = CASE_MUST),
	CASE("gives-up/1", gives_up, .level = CASE_MUST),
	CASE("comes-late/1", comes_late, .level = CASE_MUST),
	CASE("says-nothing/1", says_nothing, .level = CASE_MUST),
	CASE("crashes/1", crashes, .level = CASE_MUST),
	CASE("leaves-badly/1", passes_and_leaves_badly, .level = CASE_MUST),
	CASE("spins/1", spins, .limit_s = 1),
	CASE("runs-out/1", runs_out, .limit_s = 1),
	CASE("loses-a-router/1", loses_a_router, .level = CASE_MUST),
	CASE("is-late/1", is_late, .level = CASE_MUST),
	CASE("breaks-a-law/1", passes, .level = CASE_MAY),
	CASE("needs-a-law/1", passes, .needs_laws = 1u << 2),
};
CASE_SUITE(cases)

/* A judge for these tests: law 1 is broken in one case, law 2 never has anything to judge. */
static size_t
judge(const struct laws_in *in, struct law_result *out)
{
	out[0] = (struct law_result){.law = 1, .name = "uniqueness", .judged = 5,
		.frame = TRACE_NONE, .text = ""};
	out[1] = (struct law_result){.law = 2, .name = "continuity", .verdict = LAW_NOTHING,
		.frame = TRACE_NONE, .text = ""};
	out[1].judged = in->skip;
	return 2;
}

static size_t
broken(const struct laws_in *in, struct law_result *out)
{
	size_t cnt = judge(in, out);

	out[0].verdict = LAW_BROKEN;
	out[0].frame = 1;
	snprintf(out[0].text, sizeof(out[0].text), "number 7 twice");
	return cnt;
}

static const struct {
	const char *id;
	enum verdict want;
	enum verdict_by by;
	const char *reason; /* part of it */
} rows[] = {
	{"zz/passes/1", VERDICT_PASS, BY_NONE, ""},
	{"zz/fails/1", VERDICT_FAIL, BY_CASE, "the state: expected 16, saw 8"},
	{"zz/gives-up/1", VERDICT_INCONCLUSIVE, BY_NONE, "for the impossible: it did not come"},
	{"zz/says-nothing/1", VERDICT_ERROR, BY_NONE, "expected nothing"},
	{"zz/crashes/1", VERDICT_ERROR, BY_NONE, "the case's process"},
	{"zz/leaves-badly/1", VERDICT_ERROR, BY_NONE, "the case's process"},
	{"zz/runs-out/1", VERDICT_ERROR, BY_NONE, "ran out of its time"},
	{"zz/loses-a-router/1", VERDICT_FAIL, BY_DEATH, "ended by itself"},
	{"zz/is-late/1", VERDICT_INCONCLUSIVE, BY_NONE, "the lab was late"},
	{"zz/breaks-a-law/1", VERDICT_FAIL, BY_LAW, "law 1 (uniqueness) broken: number 7 twice"},
	{"zz/needs-a-law/1", VERDICT_INCONCLUSIVE, BY_NONE, "a law that this case needs"},
};

static char out[] = "/tmp/baton-run-test-XXXXXX";

static json_t *
run_one_in(bool sim, const char *id, bool mutants)
{
	char *prefix = (char *)(uintptr_t)id, err[LAB_ERR] = "";
	struct run_selection s;
	const char *word;
	json_t *results, *r;

	ck_assert_int_eq(run_select(&prefix, 1, &s, &word), RUN_SELECTED);
	ck_assert_uint_eq(s.cnt, 1);
	laws_set(strstr(id, "breaks") ? broken : judge);
	results = run_all(&s,
		&(struct run_options){.sim = sim,
			.twind = "/proc/self/exe",
			.mutants = mutants,
			.out = out,
			.jobs = 2,
			.seed = 5},
		err);
	ck_assert_msg(results != NULL, "%s", err);
	r = json_incref(json_array_get(results, 0));
	json_decref(results);
	run_selection_free(&s);
	return r;
}

static json_t *
run_one(const char *id, bool mutants)
{
	return run_one_in(false, id, mutants);
}

static bool
has_artifact(const json_t *r, const char *name)
{
	size_t i;
	json_t *a;

	json_array_foreach(json_object_get(r, "artifacts"), i, a)
		if (strstr(json_string_value(a), name))
			return true;
	return false;
}

START_TEST(every_end_has_its_verdict)
{
	json_t *r = run_one(rows[_i].id, false);
	const char *reason = json_string_value(json_object_get(r, "reason"));
	const char *by = json_string_value(json_object_get(r, "by"));

	ck_assert_msg(run_verdict(r) == rows[_i].want, "%s: %s (%s)", rows[_i].id,
		json_string_value(json_object_get(r, "verdict")), reason);
	ck_assert_str_eq(by, verdict_by_name(rows[_i].by));
	ck_assert_msg(strstr(reason, rows[_i].reason) != NULL, "%s: %s", rows[_i].id, reason);
	ck_assert(has_artifact(r, "verdict.json"));
	ck_assert(has_artifact(r, "baton.log"));
	if (strcmp(rows[_i].id, "zz/crashes/1") != 0)
		ck_assert(has_artifact(r, "trace.pcapng"));
	json_decref(r);
}
END_TEST

/* In sim the process is the case's own, and the runner tells how it ended. */
static const struct {
	const char *id, *reason;
	enum verdict want;
} in_sim[] = {
	{"zz/passes/1", "", VERDICT_PASS},
	{"zz/crashes/1", "was ended by signal 9 without a result", VERDICT_ERROR},
	{"zz/leaves-badly/1", "ended with status 7 after it had passed", VERDICT_ERROR},
	{"zz/spins/1", "did not end in its time without a result", VERDICT_ERROR},
	{"zz/runs-out/1", "ran out of its time", VERDICT_ERROR},
};

START_TEST(ends_in_sim)
{
	json_t *r = run_one_in(true, in_sim[_i].id, false);
	const char *reason = json_string_value(json_object_get(r, "reason"));

	ck_assert_msg(run_verdict(r) == in_sim[_i].want, "%s: %s", in_sim[_i].id, reason);
	ck_assert_msg(strstr(reason, in_sim[_i].reason) != NULL, "%s: %s", in_sim[_i].id, reason);
	ck_assert(has_artifact(r, "verdict.json"));
	ck_assert(has_artifact(r, "baton.log"));
	json_decref(r);
}
END_TEST

START_TEST(a_failure_says_all)
{
	json_t *r = run_one("zz/fails/1", false);
	json_t *field = json_array_get(json_object_get(r, "fields"), 0);
	json_t *frame = json_array_get(json_object_get(r, "frames"), 0);

	ck_assert_str_eq(json_string_value(json_object_get(field, "field")), "hsrp.state");
	ck_assert_str_eq(json_string_value(json_object_get(field, "seen")), "8");
	ck_assert_int_eq(json_integer_value(json_object_get(frame, "number")), 3);
	json_decref(r);
}
END_TEST

/* The stand-in dies of its mutant, so nothing is killed by the case's own assertion. */
START_TEST(a_death_is_no_kill)
{
	json_t *r = run_one("zz/passes/1", true);

	ck_assert_int_eq(run_verdict(r), VERDICT_FAIL);
	ck_assert_str_eq(json_string_value(json_object_get(r, "by")), "death");
	json_decref(r);
}
END_TEST

/* Cases whose order is that of their ids: the second fails, so the third has no chance. */
START_TEST(stop_early)
{
	char *some[] = {(char *)(uintptr_t) "zz/crashes/1", (char *)(uintptr_t) "zz/fails/1",
		(char *)(uintptr_t) "zz/passes/1"};
	struct run_selection s;
	const char *word;
	char err[LAB_ERR] = "";
	json_t *results;

	ck_assert_int_eq(run_select(some, 3, &s, &word), RUN_SELECTED);
	laws_set(judge);
	results = run_all(&s,
		&(struct run_options){.twind = "/proc/self/exe", .out = out, .jobs = 1, .seed = 5,
			.stop_early = true},
		err);
	ck_assert_msg(results != NULL, "%s", err);
	ck_assert_int_eq(run_verdict(json_array_get(results, 0)), VERDICT_ERROR);
	for (size_t i = 1; i < 3; i++) {
		const json_t *r = json_array_get(results, i);

		ck_assert_int_eq(run_verdict(r), VERDICT_SKIP);
		ck_assert_str_eq(json_string_value(json_object_get(r, "reason")),
			"not run: zz/crashes/1 did not pass before it");
	}
	json_decref(results);
	run_selection_free(&s);
}
END_TEST

static bool has_begun;

static void
note_begin(void *ctx, size_t index)
{
	(void)ctx;
	(void)index;
	has_begun = true;
}

static bool
interrupted(void)
{
	return has_begun;
}

/* The case that runs is ended and the rest is not run: skipped, and they say which. */
START_TEST(interrupted_in_the_middle)
{
	char *some[] = {(char *)(uintptr_t) "zz/passes/1", (char *)(uintptr_t) "zz/runs-out/1"};
	static const char *const says[] = {"interrupted", "not run: interrupted before it"};
	struct run_selection s;
	const char *word;
	char err[LAB_ERR] = "";
	json_t *results;

	run_clean(out);
	ck_assert_int_eq(run_select(some, 2, &s, &word), RUN_SELECTED);
	laws_set(judge);
	results = run_all(&s,
		&(struct run_options){.twind = "/proc/self/exe", .out = out, .jobs = 1, .seed = 5,
			.begun = note_begin, .interrupted = interrupted},
		err);
	ck_assert_msg(results != NULL, "%s", err);
	for (size_t i = 0; i < 2; i++) {
		const json_t *r = json_array_get(results, i);

		ck_assert_int_eq(run_verdict(r), VERDICT_SKIP);
		ck_assert_str_eq(json_string_value(json_object_get(r, "reason")), says[i]);
	}
	json_decref(results);
	run_selection_free(&s);
	ck_assert_uint_eq(run_clean(out), 1); /* it is known for what it is */
}
END_TEST

static void
told_twice(void *ctx, size_t index, const json_t *r)
{
	unsigned *told = ctx;

	if (index == 0)
		told[run_verdict(r) == VERDICT_PASS]++;
	else
		told[2]++;
}

/* What was inconclusive has a second try, when all the rest is done; what failed has none. */
START_TEST(recheck)
{
	char *some[] = {(char *)(uintptr_t) "zz/comes-late/1", (char *)(uintptr_t) "zz/fails/1"};
	struct run_selection s;
	const char *word;
	char err[LAB_ERR] = "";
	json_t *results;
	unsigned told[3] = {0};

	ck_assert_int_eq(run_select(some, 2, &s, &word), RUN_SELECTED);
	laws_set(judge);
	*tries = 0;
	results = run_all(&s,
		&(struct run_options){.twind = "/proc/self/exe", .out = out, .jobs = 2, .seed = 5,
			.recheck = true, .done = told_twice, .ctx = told},
		err);
	ck_assert_msg(results != NULL, "%s", err);
	ck_assert_uint_eq(*tries, 2);
	ck_assert(told[0] == 1 && told[1] == 1 && told[2] == 1);
	ck_assert_int_eq(run_verdict(json_array_get(results, 0)), VERDICT_PASS);
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(results, 0), "first")),
		"it did not come");
	ck_assert_int_eq(run_verdict(json_array_get(results, 1)), VERDICT_FAIL);
	ck_assert_ptr_null(json_object_get(json_array_get(results, 1), "first"));
	json_decref(results);
	run_selection_free(&s);
}
END_TEST

static struct {
	unsigned cnt;
	char reason[128];
} look;

static void
look_at(void *ctx, size_t index, pid_t pid, const char *dir, const char *reason)
{
	(void)ctx;
	ck_assert_uint_eq(index, 0);
	ck_assert_int_eq(kill(pid, 0), 0); /* it is up */
	ck_assert(strncmp(dir, out, strlen(out)) == 0);
	snprintf(look.reason, sizeof(look.reason), "%s", reason);
	look.cnt++;
}

/* The lab of a case that failed stays until whoever looks has seen it; one that passes does not. */
START_TEST(pause_on_fail)
{
	static const char *const ids[] = {"zz/fails/1", "zz/passes/1"};

	laws_set(judge);
	for (size_t i = 0; i < 2; i++) {
		char *prefix = (char *)(uintptr_t)ids[i], err[LAB_ERR] = "";
		struct run_selection s;
		const char *word;
		json_t *results;

		ck_assert_int_eq(run_select(&prefix, 1, &s, &word), RUN_SELECTED);
		results = run_all(&s,
			&(struct run_options){.twind = "/proc/self/exe", .out = out, .jobs = 1,
				.seed = 5, .paused = look_at},
			err);
		ck_assert_int_eq(run_verdict(json_array_get(results, 0)),
			i ? VERDICT_PASS : VERDICT_FAIL);
		json_decref(results);
		run_selection_free(&s);
	}
	ck_assert_uint_eq(look.cnt, 1);
	ck_assert_str_eq(look.reason, "the state: expected 16, saw 8");
}
END_TEST

/* --trace: a line a frame on the runner's own standard output. */
START_TEST(followed)
{
	char *prefix = (char *)(uintptr_t) "zz/passes/1", err[LAB_ERR] = "", line[512];
	struct run_selection s;
	const char *word;
	json_t *results;
	FILE *f = tmpfile();
	int before = dup(STDOUT_FILENO);
	unsigned cnt = 0;

	laws_set(judge);
	ck_assert_int_eq(run_select(&prefix, 1, &s, &word), RUN_SELECTED);
	fflush(stdout);
	ck_assert_int_eq(dup2(fileno(f), STDOUT_FILENO), STDOUT_FILENO);
	results = run_all(&s,
		&(struct run_options){.twind = "/proc/self/exe", .out = out, .jobs = 1, .seed = 5,
			.follow = true},
		err);
	ck_assert_int_eq(dup2(before, STDOUT_FILENO), STDOUT_FILENO);
	close(before);
	ck_assert_int_eq(run_verdict(json_array_get(results, 0)), VERDICT_PASS);
	rewind(f);
	while (fgets(line, sizeof(line), f))
		cnt += strstr(line, " A.eth") != NULL;
	ck_assert_uint_gt(cnt, 5);
	fclose(f);
	json_decref(results);
	run_selection_free(&s);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *s = suite_create("run");
	TCase *t = tcase_create("runner");
	const char *why;
	SRunner *r;
	int failed;

	if (argc > 2)
		return stand_in(argc, argv);
	if (lab_can(&why) == LAB_CAN_NOT) {
		printf("run tests skipped: %s\n", why);
		return 0;
	}
	tries = mmap(NULL, sizeof(*tries), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!mkdtemp(out) || tries == MAP_FAILED)
		return 1;
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, every_end_has_its_verdict, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_loop_test(t, ends_in_sim, 0, sizeof(in_sim) / sizeof(in_sim[0]));
	tcase_add_test(t, a_failure_says_all);
	tcase_add_test(t, a_death_is_no_kill);
	tcase_add_test(t, stop_early);
	tcase_add_test(t, interrupted_in_the_middle);
	tcase_add_test(t, recheck);
	tcase_add_test(t, pause_on_fail);
	tcase_add_test(t, followed);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	run_clean(out);
	rmdir(out);
	return failed != 0;
}
