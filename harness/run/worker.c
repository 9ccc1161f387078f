/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process of one case, which runs it as the only test of a Check suite. The result goes to the
 * folder first (verdict.json), then to the runner through the pipe.
 *
 * In netns it is number 1 in the case's namespaces, and the test has a child of its own (CK_FORK)
 * with a limit of time; so a case that crashes or hangs ends with a verdict (error) and its log, and
 * so does everything it started. In sim a case starts nothing and this process is all there is to
 * lose: the test runs in it, and it is the runner that tells how it ended (run.c).
 */
#include "harness/run/worker.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROOM_TO_REPORT_S 20
#define ROOM_IN_SIM_S 3 /* where a minute takes milliseconds */

static const struct worker_job *current; /* Check's tests take no argument */

unsigned
worker_limit_s(const struct case_def *def, const struct case_env *env)
{
	return case_limit_s(def, env) + (env && env->sim ? ROOM_IN_SIM_S : ROOM_TO_REPORT_S);
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

START_TEST(the_case)
{
	double from = seconds();
	json_t *r = case_execute(current->def, &current->env);
	const char *verdict = json_string_value(json_object_get(r, "verdict"));
	bool passed = verdict && strcmp(verdict, verdict_name(VERDICT_PASS)) == 0;

	json_object_set_new(r, "seconds", json_real(seconds() - from));
	case_save(r, current->env.dir);
	json_decref(r);
	ck_assert_msg(passed, "not passed");
}
END_TEST

/* What the child left, if it came that far. */
static json_t *
read_result(const char *dir)
{
	char path[CASE_PATH];

	snprintf(path, sizeof(path), "%s/verdict.json", dir);
	return json_load_file(path, 0, NULL);
}

static json_t *
replace(json_t *old, const struct worker_job *j, const char *reason)
{
	json_t *r = case_result(j->def, VERDICT_ERROR, reason);

	json_decref(old);
	case_save(r, j->env.dir);
	return r;
}

/*
 * Check's word and the file's must agree: a process that said "pass" and then ended badly (a
 * sanitizer's report at exit, say) has not passed.
 */
static json_t *
reconcile(SRunner *sr, const struct worker_job *j)
{
	json_t *r = read_result(j->env.dir);
	bool failed = srunner_ntests_failed(sr) != 0;
	TestResult **all = srunner_results(sr);
	char text[CASE_TEXT];
	const char *verdict = json_string_value(json_object_get(r, "verdict"));

	snprintf(text, sizeof(text), "the case's process: %.600s (see %.300s/baton.log)",
		all && all[0] ? tr_msg(all[0]) : "no result", j->env.dir);
	free(all);
	if (!verdict)
		return replace(r, j, text);
	if (failed == (strcmp(verdict, verdict_name(VERDICT_PASS)) == 0))
		return replace(r, j, text);
	return r;
}

static json_t *
run_as_check_test(const struct worker_job *j)
{
	Suite *s = suite_create(j->def->id);
	TCase *t = tcase_create("case");
	SRunner *sr;
	json_t *r;

	current = j;
	/* With a pause it is the runner alone that keeps the time, for it knows when one begins. */
	tcase_set_timeout(t, j->env.pause >= 0 ? 0 : worker_limit_s(j->def, &j->env));
	tcase_add_test(t, the_case);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_set_fork_status(sr, j->env.sim ? CK_NOFORK : CK_FORK);
	srunner_run_all(sr, CK_SILENT);
	r = reconcile(sr, j);
	srunner_free(sr);
	return r;
}

/* What Check, the sanitizers and the lab have to say goes to a file of the case. */
static bool
redirect(const char *dir)
{
	char path[CASE_PATH];
	int fd, null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	snprintf(path, sizeof(path), "%s/baton.log", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0 || null < 0)
		return false;
	return dup2(null, 0) == 0 && dup2(fd, 1) == 1 && dup2(fd, 2) == 2;
}

static bool
send_whole(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		ssize_t sent = write(fd, text, left);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		text += sent;
		left -= (size_t)sent;
	}
	return true;
}

int
worker_main(void *job)
{
	static const char *const meddling[] = {"CK_RUN_SUITE", "CK_RUN_CASE", "CK_INCLUDE_TAGS",
		"CK_EXCLUDE_TAGS", "CK_FORK", "CK_TIMEOUT_MULTIPLIER"};
	const struct worker_job *j = job;
	json_t *r;
	char *text;
	bool ok;

	/*
	 * A group of its own: what a terminal sends is for the runner, which ends us. Check would send it on to the whole
	 * group, the runner with it.
	 */
	(void)setpgid(0, 0);
	for (size_t i = 0; i < sizeof(meddling) / sizeof(meddling[0]); i++)
		unsetenv(meddling[i]);
	if (redirect(j->env.dir))
		r = run_as_check_test(j);
	else
		r = case_result(j->def, VERDICT_ERROR, "its log cannot be written");
	text = json_dumps(r, JSON_COMPACT);
	ok = text && send_whole(j->pipe, text);
	free(text);
	json_decref(r);
	return ok ? 0 : 3;
}
