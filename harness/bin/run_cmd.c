/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * baton list, run and mutants: the words of the command line into a selection and options, then
 * the runner, then the reports. A word that means nothing is named, and nothing is run.
 */
#include "harness/bin/baton.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "harness/report/report.h"
#include "harness/run/case_in.h"

#define SEED_MAX (((uint64_t)1 << 53) - 1)

struct words {
	unsigned jobs;
	bool verbose, keep, tap, list_json, seeded;
	uint64_t seed;
	const char *out, *json, *junit;
	struct run_selection chosen;
};

enum { OPT_JSON = 256, OPT_TAP, OPT_JUNIT, OPT_KEEP, OPT_SEED, OPT_LIST_JSON };

static const struct option run_options[] = {
	{"json", required_argument, NULL, OPT_JSON},
	{"tap", no_argument, NULL, OPT_TAP},
	{"junit", required_argument, NULL, OPT_JUNIT},
	{"keep", no_argument, NULL, OPT_KEEP},
	{"seed", required_argument, NULL, OPT_SEED},
	{NULL, 0, NULL, 0},
};
static const struct option mutants_options[] = {
	{"json", required_argument, NULL, OPT_JSON},
	{"seed", required_argument, NULL, OPT_SEED},
	{NULL, 0, NULL, 0},
};
static const struct option list_options[] = {
	{"json", no_argument, NULL, OPT_LIST_JSON},
	{NULL, 0, NULL, 0},
};

static bool
number(const char *text, uint64_t max, uint64_t *n)
{
	char *rest;

	errno = 0;
	*n = strtoull(text, &rest, 0);
	return errno == 0 && *text >= '0' && *text <= '9' && *rest == '\0' && *n <= max;
}

/* One option taken; 0 or EXIT_USAGE. */
static int
take(struct words *w, int opt, char **argv)
{
	uint64_t n;

	switch (opt) {
	case 'j':
		if (!number(optarg, 64, &n) || n == 0)
			return baton_usage("-j wants a number from 1 to 64, not '%s'", optarg);
		w->jobs = (unsigned)n;
		return 0;
	case OPT_SEED:
		if (!number(optarg, SEED_MAX, &w->seed))
			return baton_usage("--seed wants a number below 2^53, not '%s'", optarg);
		w->seeded = true;
		return 0;
	case 'v':
		w->verbose = true;
		return 0;
	case 'o':
		w->out = optarg;
		return 0;
	case OPT_JSON:
		w->json = optarg;
		return 0;
	case OPT_TAP:
		w->tap = true;
		return 0;
	case OPT_JUNIT:
		w->junit = optarg;
		return 0;
	case OPT_KEEP:
		w->keep = true;
		return 0;
	case OPT_LIST_JSON:
		w->list_json = true;
		return 0;
	case ':':
		return baton_usage("'%s' wants an argument", argv[optind - 1]);
	default:
		return baton_usage("unknown option '%s'", argv[optind - 1]);
	}
}

static int
choose(struct words *w, char **prefixes, int cnt)
{
	const char *word;

	switch (run_select(prefixes, (size_t)cnt, &w->chosen, &word)) {
	case RUN_SELECTED:
		return 0;
	case RUN_NO_MATCH:
		return baton_usage("no case begins with '%s' (see baton list)", word);
	case RUN_DUPLICATE:
		fprintf(stderr, "baton: two cases claim the id %s\n", word);
		return 3;
	}
	return 3;
}

static int
parse(struct words *w, int argc, char **argv, const char *letters, const struct option *longs)
{
	int opt, wrong;

	*w = (struct words){.jobs = 1, .out = "baton-results"};
	opterr = 0;
	while ((opt = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		wrong = take(w, opt, argv);
		if (wrong)
			return wrong;
	}
	if (strlen(w->out) > 200 || strncmp(w->out, "/run/", 5) == 0)
		return baton_usage(
			"-o: '%s' is too long, or under /run, which a lab hides", w->out);
	if (!w->seeded && getrandom(&w->seed, sizeof(w->seed), 0) != sizeof(w->seed)) {
		perror("baton: getrandom");
		return 3;
	}
	w->seed &= SEED_MAX;
	return choose(w, argv + optind, argc - optind);
}

int
baton_list(int argc, char **argv)
{
	struct words w;
	int rc = parse(&w, argc, argv, ":", list_options);
	json_t *list;

	if (rc == 0 && w.list_json) {
		list = report_list_json(&w.chosen);
		rc = report_put_json(list, "-") ? 0 : 3;
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
};

static void
ran(void *ctx, size_t index, const json_t *r)
{
	struct progress *p = ctx;

	(void)index;
	report_case(p->to, r, ++p->nth, p->w->chosen.cnt, p->w->verbose, &p->meta);
}

static void
mutated(void *ctx, size_t index, const json_t *r)
{
	struct progress *p = ctx;

	(void)index;
	report_mutant(p->to, r, ++p->nth, p->w->chosen.cnt);
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

/* The results of all chosen cases; NULL if Baton failed. */
static json_t *
run_chosen(const struct words *w, struct progress *p, bool mutants, const char *out)
{
	struct run_options o = {
		.twind = baton_beside(mutants ? "twind-mutant" : "twind"),
		.mutants = mutants,
		.out = out,
		.jobs = w->jobs,
		.seed = w->seed,
		.done = mutants ? mutated : ran,
		.ctx = p,
	};
	char err[LAB_ERR] = "";
	const char *why;
	json_t *results;

	if (lab_can(&why) == LAB_CAN_NOT) {
		fprintf(p->to, "SKIPPED: the lab netns %s\n", why);
		return skip_all(w, why);
	}
	if (!w->keep)
		run_clean(out);
	results = run_all(&w->chosen, &o, err);
	if (!results)
		fprintf(stderr, "baton: %s\n", err);
	return results;
}

/* The files that were asked for; false if one could not be written. */
static bool
put_files(const struct words *w, json_t *json, const json_t *results)
{
	bool ok = true;

	if (w->json && !report_put_json(json, w->json)) {
		fprintf(stderr, "baton: %s: %s\n", w->json, strerror(errno));
		ok = false;
	}
	if (w->junit && !report_junit(w->junit, results)) {
		fprintf(stderr, "baton: %s: could not be written\n", w->junit);
		ok = false;
	}
	return ok;
}

static struct progress
begin(const struct words *w, const char *out)
{
	bool busy = w->tap || (w->json && strcmp(w->json, "-") == 0);
	struct progress p = {
		.w = w,
		.meta = {.version = baton_version(),
			.device = "reference",
			.lab = "netns",
			.out = out,
			.seed = w->seed},
		.to = busy ? stderr : stdout,
	};

	fprintf(p.to, "baton %s, device %s, lab %s, seed %" PRIu64 ", %zu cases, %u side by side\n",
		p.meta.version, p.meta.device, p.meta.lab, w->seed, w->chosen.cnt, w->jobs);
	fflush(p.to);
	return p;
}

static int
run_and_report(const struct words *w)
{
	struct progress p = begin(w, w->out);
	json_t *results = run_chosen(w, &p, false, w->out), *json;
	struct verdict_tally t;
	int rc;

	if (!results)
		return 3;
	json = report_run_json(results, &p.meta);
	if (w->tap)
		report_tap(stdout, results);
	report_end(p.to, results);
	report_tally(results, &t);
	rc = put_files(w, json, results) ? verdict_exit(&t) : 3;
	json_decref(json);
	json_decref(results);
	return rc;
}

int
baton_run(int argc, char **argv)
{
	struct words w;
	int rc = parse(&w, argc, argv, ":j:vo:", run_options);

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
	p = begin(w, out);
	results = run_chosen(w, &p, true, out);
	if (!results)
		return 3;
	json = report_mutants_json(results);
	rc = report_mutants_end(p.to, results) ? 0 : lab_can(&why) == LAB_CAN_NOT ? 4 : 1;
	if (!put_files(w, json, results))
		rc = 3;
	json_decref(json);
	json_decref(results);
	return rc;
}

int
baton_mutants(int argc, char **argv)
{
	struct words w;
	int rc = parse(&w, argc, argv, ":j:vo:", mutants_options);

	if (rc == 0)
		rc = mutate_and_report(&w);
	run_selection_free(&w.chosen);
	return rc;
}
