/* SPDX-License-Identifier: BSD-2-Clause */
/* baton list, run, mutants and explain: the runner, then the reports. */
#include "harness/bin/baton.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/bin/run_words.h"
#include "harness/report/live.h"
#include "harness/report/report.h"
#include "harness/run/case_in.h"
#include "harness/trace/place.h"

int
baton_list(int argc, char **argv)
{
	struct words w;
	int rc = words_parse(&w, argc, argv, ":k:", words_list);
	char err[PLACE_ERR];
	json_t *list;

	if (rc == 0 && w.list_json) {
		list = report_list_json(&w.chosen);
		rc = report_put_json(list, "-", err) ? 0 : 3;
		json_decref(list);
	} else if (rc == 0) {
		report_list(stdout, &w.chosen);
	}
	run_selection_free(&w.chosen);
	return rc;
}

struct progress {
	const struct words *w;
	struct report_meta meta;
	FILE *to;
	size_t nth;
	struct live live;
};

static void
begun(void *ctx, size_t index)
{
	struct progress *p = ctx;

	live_begin(&p->live, p->w->chosen.cases[index]->id);
}

/* A case that was run again is no other case. */
static void
count(struct progress *p, const json_t *r)
{
	if (!json_object_get(r, "first"))
		p->nth++;
	else if (p->live.done)
		p->live.done--;
}

static void
ran(void *ctx, size_t index, const json_t *r)
{
	struct progress *p = ctx;
	enum verdict v = run_verdict(r);

	count(p, r);
	live_end(&p->live, p->w->chosen.cases[index]->id, v != VERDICT_PASS && v != VERDICT_SKIP);
	live_clear(&p->live);
	report_case(p->to, r, p->nth, p->w->chosen.cnt, p->w->verbose, &p->meta);
	live_draw(&p->live);
}

static void
mutated(void *ctx, size_t index, const json_t *r)
{
	struct progress *p = ctx;

	count(p, r);
	live_end(&p->live, p->w->chosen.cases[index]->id, run_verdict(r) != VERDICT_FAIL);
	live_clear(&p->live);
	report_mutant(p->to, r, p->nth, p->w->chosen.cnt);
	live_draw(&p->live);
}

/* --pause-on-fail: how to get in, and then whoever looks has all the time there is. */
static void
paused(void *ctx, size_t index, pid_t pid, const char *dir, const char *reason)
{
	struct progress *p = ctx;
	int c;

	live_clear(&p->live);
	fprintf(p->to, "%s did not pass: %s\nits lab stays up; what it wrote so far: %s\n",
		p->w->chosen.cases[index]->id, reason, dir);
	baton_lab_doors(p->to, pid);
	fputs("Enter goes on.\n", p->to);
	fflush(p->to);
	do
		c = getchar();
	while (c != '\n' && c != EOF);
}

/* Where no lab can be: every case is skipped, and says why. */
static json_t *
skip_all(const struct words *w, const char *why)
{
	json_t *results = json_array();

	for (size_t i = 0; i < w->chosen.cnt; i++)
		json_array_append_new(results, case_result(w->chosen.cases[i], VERDICT_SKIP, why));
	return results;
}

/* Everything that will be written has a place, before the first case runs. */
static bool
has_places(const struct words *w, const char *out)
{
	const char *const files[] = {w->json, w->junit};
	char err[PLACE_ERR];

	if (w->chosen.cnt && !run_make_dir(out)) {
		fprintf(stderr, "baton: -o: %s: %s\n", out, strerror(errno));
		return false;
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (files[i] && !place_check(files[i], err)) {
			fprintf(stderr, "baton: %s\n", err);
			return false;
		}
	return true;
}

/* Earlier results go, and it is said. */
static void
clean(const struct progress *p, const char *out)
{
	size_t cnt = run_clean(out);

	if (cnt)
		fprintf(p->to, "%s: the results of %zu case%s of an earlier run are removed (--keep "
			       "leaves them)\n",
			out, cnt, cnt == 1 ? "" : "s");
	fflush(p->to);
}

/* The results of all chosen cases; NULL if Baton failed. */
static json_t *
run_chosen(const struct words *w, struct progress *p, bool mutants, const char *out)
{
	struct run_options o = {
		.sim = w->sim,
		.twind = baton_beside(mutants ? "twind-mutant" : "twind"),
		.mutants = mutants,
		.out = out,
		.jobs = w->jobs,
		.seed = w->seed,
		.limit_s = w->limit_s,
		.stop_early = w->stop_early,
		.recheck = w->recheck,
		.interrupted = baton_stopped,
		.follow = w->trace,
		.begun = begun,
		.paused = w->pause ? paused : NULL,
		.done = mutants ? mutated : ran,
		.ctx = p,
	};
	char err[LAB_ERR] = "";
	const char *why;
	json_t *results;

	if (!w->chosen.cnt)
		return json_array();
	if (!w->sim && lab_can(&why) == LAB_CAN_NOT) {
		fprintf(p->to, "SKIPPED: the lab netns %s\n", why);
		return skip_all(w, why);
	}
	if (!w->keep)
		clean(p, out);
	baton_heed_signals();
	results = run_all(&w->chosen, &o, err);
	live_clear(&p->live);
	if (baton_stopped())
		fputs("interrupted: what came until then is told, the rest is skipped\n", p->to);
	if (!results)
		fprintf(stderr, "baton: %s\n", err);
	return results;
}

/* The files that were asked for; false if one could not be written. */
static bool
put_files(const struct words *w, json_t *json, const json_t *results)
{
	char err[PLACE_ERR];
	bool ok = true;

	if (w->json && !report_put_json(json, w->json, err)) {
		fprintf(stderr, "baton: %s\n", err);
		ok = false;
	}
	if (w->junit && !report_junit(w->junit, results, err)) {
		fprintf(stderr, "baton: %s\n", err);
		ok = false;
	}
	return ok;
}

static struct progress
begin(const struct words *w, const char *out)
{
	bool busy = w->tap || (w->json && strcmp(w->json, "-") == 0) ||
		    (w->junit && strcmp(w->junit, "-") == 0);
	struct progress p = {
		.w = w,
		.meta = {.version = baton_version(),
			.device = "reference",
			.lab = w->sim ? "sim" : "netns",
			.out = out,
			.seed = w->seed,
			.more = w->more},
		.to = busy ? stderr : stdout,
	};

	p.meta.color = report_colors(p.to);
	live_init(&p.live, p.to, w->chosen.cnt);
	fprintf(p.to, "baton %s, device %s, lab %s, seed %" PRIu64 ", %zu case%s, %u side by side\n",
		p.meta.version, p.meta.device, p.meta.lab, w->seed, w->chosen.cnt,
		w->chosen.cnt == 1 ? "" : "s", w->jobs);
	fflush(p.to);
	return p;
}

static int
run_and_report(const struct words *w)
{
	struct verdict_tally t;
	struct progress p;
	json_t *results, *json;
	int rc;

	if (!has_places(w, w->out))
		return 3;
	p = begin(w, w->out);
	results = run_chosen(w, &p, false, w->out);
	if (!results)
		return 3;
	if (!w->chosen.cnt)
		fprintf(p.to, w->before ? "nothing in %s failed when it last ran\n"
					: "there are no earlier results of these cases in %s\n",
			w->out);
	json = report_run_json(results, &p.meta);
	if (w->tap)
		report_tap(stdout, results);
	if (w->durations)
		report_durations(p.to, results, w->slowest);
	report_end(p.to, results);
	report_tally(results, &t);
	rc = !put_files(w, json, results) ? 3 : baton_stopped() ? EXIT_STOPPED : verdict_exit(&t);
	json_decref(json);
	json_decref(results);
	return rc;
}

int
baton_run(int argc, char **argv)
{
	struct words w;
	int rc = words_parse(&w, argc, argv, ":j:vo:k:x", words_run);

	if (rc == 0)
		rc = run_and_report(&w);
	run_selection_free(&w.chosen);
	return rc;
}

static int
mutate_and_report(const struct words *w)
{
	struct progress p;
	json_t *results, *json;
	const char *why;
	char out[256];
	int rc;

	snprintf(out, sizeof(out), "%s/mutants", w->out);
	if (!has_places(w, out))
		return 3;
	p = begin(w, out);
	results = run_chosen(w, &p, true, out);
	if (!results)
		return 3;
	json = report_mutants_json(results);
	rc = report_mutants_end(p.to, results) ? 0 : !w->sim && lab_can(&why) == LAB_CAN_NOT ? 4 : 1;
	if (!put_files(w, json, results))
		rc = 3;
	else if (baton_stopped())
		rc = EXIT_STOPPED;
	json_decref(json);
	json_decref(results);
	return rc;
}

int
baton_mutants(int argc, char **argv)
{
	struct words w;
	int rc = words_parse(&w, argc, argv, ":j:vo:k:", words_mutants);

	for (size_t i = 0; rc == 0 && i < w.chosen.cnt; i++)
		if (w.chosen.cases[i]->mutant && !lab_knows_mutant(w.chosen.cases[i]->mutant))
			rc = baton_usage("%s names a mutant that there is not: %s", w.chosen.cases[i]->id,
				w.chosen.cases[i]->mutant);
	if (rc == 0)
		rc = mutate_and_report(&w);
	run_selection_free(&w.chosen);
	return rc;
}

/* ---- explain ---- */

/* What twind-mutant says of a mutant; "" if it does not know it. */
static void
mutant_says(const char *name, char *dst, size_t cap)
{
	char command[PATH_MAX + 64], line[512];
	size_t len = strlen(name);
	FILE *f;

	dst[0] = '\0';
	snprintf(command, sizeof(command), "'%s' --list-mutants", baton_beside("twind-mutant"));
	f = popen(command, "r");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, len) && line[len] == ' ') {
			char *says = line + len + strspn(line + len, " ");

			says[strcspn(says, "\n")] = '\0';
			snprintf(dst, cap, "%s", says);
		}
	if (f)
		(void)pclose(f);
}

static void
explain_one(const struct words *w, const struct case_def *d)
{
	const struct report_meta m = {.out = w->out, .seed = w->seed};
	char dir[512], path[600], says[512] = "";
	json_t *last = NULL;

	if (d->mutant)
		mutant_says(d->mutant, says, sizeof(says));
	if (run_dir(w->out, d->id, 0, dir, sizeof(dir))) {
		snprintf(path, sizeof(path), "%s/verdict.json", dir);
		last = json_load_file(path, 0, NULL);
	}
	report_explain(stdout, d, run_source(d), *says ? says : NULL, last, &m);
	json_decref(last);
}

int
baton_explain(int argc, char **argv)
{
	struct words w;
	int rc = words_parse(&w, argc, argv, ":o:", words_explain);

	if (rc == 0 && optind == argc)
		rc = baton_usage("explain wants the id of a case");
	for (size_t i = 0; rc == 0 && i < w.chosen.cnt; i++) {
		if (i)
			putchar('\n');
		explain_one(&w, w.chosen.cases[i]);
	}
	run_selection_free(&w.chosen);
	return rc;
}
