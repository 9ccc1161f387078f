/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words of list, run, mutants and explain into a selection and options. A word that means
 * nothing is named, and nothing is run.
 */
#include "harness/bin/run_words.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "harness/bin/baton.h"
#include "harness/run/verdict.h"

#define ROUNDS_MAX 10000
#define LIMIT_MAX_S 86400

#define SEED_MAX (((uint64_t)1 << 53) - 1)

enum {
	OPT_JSON = 256,
	OPT_TAP,
	OPT_JUNIT,
	OPT_KEEP,
	OPT_SEED,
	OPT_LIST_JSON,
	OPT_SUITE,
	OPT_LAST_FAILED,
	OPT_REPEAT,
	OPT_DURATIONS,
	OPT_TIMEOUT,
	OPT_TRACE,
	OPT_PAUSE,
	OPT_LAB,
	OPT_RECHECK,
};

const struct option words_run[] = {
	{"json", required_argument, NULL, OPT_JSON},
	{"tap", no_argument, NULL, OPT_TAP},
	{"junit", required_argument, NULL, OPT_JUNIT},
	{"keep", no_argument, NULL, OPT_KEEP},
	{"seed", required_argument, NULL, OPT_SEED},
	{"lab", required_argument, NULL, OPT_LAB},
	{"suite", required_argument, NULL, OPT_SUITE},
	{"last-failed", no_argument, NULL, OPT_LAST_FAILED},
	{"repeat", required_argument, NULL, OPT_REPEAT},
	{"durations", optional_argument, NULL, OPT_DURATIONS},
	{"timeout", required_argument, NULL, OPT_TIMEOUT},
	{"recheck", no_argument, NULL, OPT_RECHECK},
	{"trace", no_argument, NULL, OPT_TRACE},
	{"pause-on-fail", no_argument, NULL, OPT_PAUSE},
	{NULL, 0, NULL, 0},
};
const struct option words_mutants[] = {
	{"json", required_argument, NULL, OPT_JSON},
	{"seed", required_argument, NULL, OPT_SEED},
	{"lab", required_argument, NULL, OPT_LAB},
	{"suite", required_argument, NULL, OPT_SUITE},
	{"timeout", required_argument, NULL, OPT_TIMEOUT},
	{"recheck", no_argument, NULL, OPT_RECHECK},
	{NULL, 0, NULL, 0},
};
const struct option words_list[] = {
	{"json", no_argument, NULL, OPT_LIST_JSON},
	{"suite", required_argument, NULL, OPT_SUITE},
	{NULL, 0, NULL, 0},
};
const struct option words_explain[] = {
	{"suite", required_argument, NULL, OPT_SUITE},
	{NULL, 0, NULL, 0},
};

/* A number within bounds; 0 or EXIT_USAGE. */
static int
count(const char *option, unsigned least, unsigned most, unsigned *n)
{
	uint64_t v;

	if (!baton_number(optarg, 0, least, most, &v))
		return baton_usage("%s wants a number from %u to %u, not '%s'", option, least, most,
			optarg);
	*n = (unsigned)v;
	return 0;
}

static int
load(const char *path)
{
	char err[LAB_ERR];

	return run_load_suite(path, err) ? 0 : baton_usage("--suite: %s", err);
}

/* What is told, and where: true if the option is one of these. */
static bool
take_report(struct words *w, int opt)
{
	switch (opt) {
	case 'v':
		w->verbose = true;
		return true;
	case 'o':
		w->out = optarg;
		return true;
	case OPT_JSON:
		w->json = optarg;
		return true;
	case OPT_TAP:
		w->tap = true;
		return true;
	case OPT_JUNIT:
		w->junit = optarg;
		return true;
	case OPT_KEEP:
		w->keep = true;
		return true;
	case OPT_LIST_JSON:
		w->list_json = true;
		return true;
	}
	return false;
}

/* One option taken; 0 or EXIT_USAGE. */
static int
take(struct words *w, int opt, char **argv)
{
	switch (opt) {
	case 'j':
		return count("-j", 1, 64, &w->jobs);
	case OPT_REPEAT:
		return count("--repeat", 1, ROUNDS_MAX, &w->rounds);
	case OPT_TIMEOUT:
		return count("--timeout", 1, LIMIT_MAX_S, &w->limit_s);
	case OPT_DURATIONS:
		w->durations = true;
		w->slowest = 10;
		return optarg ? count("--durations", 0, 100000, &w->slowest) : 0;
	case OPT_SEED:
		if (!baton_number(optarg, 0, 0, SEED_MAX, &w->seed))
			return baton_usage("--seed wants a number below 2^53, not '%s'", optarg);
		w->seeded = true;
		return 0;
	case OPT_LAB:
		w->sim = strcmp(optarg, "sim") == 0;
		if (!w->sim && strcmp(optarg, "netns") != 0)
			return baton_usage("--lab wants netns or sim, not '%s'", optarg);
		return 0;
	case OPT_SUITE:
		snprintf(w->more + strlen(w->more), sizeof(w->more) - strlen(w->more), " --suite %s",
			optarg);
		return load(optarg);
	case 'k':
		w->words = optarg;
		return 0;
	case 'x':
		w->stop_early = true;
		return 0;
	case OPT_LAST_FAILED:
		w->last_failed = w->keep = true;
		return 0;
	case OPT_RECHECK:
		w->recheck = true;
		return 0;
	case OPT_TRACE:
		w->trace = true;
		return 0;
	case OPT_PAUSE:
		w->pause = true;
		return 0;
	case ':':
		return baton_usage("'%s' wants an argument", argv[optind - 1]);
	default:
		return take_report(w, opt) ? 0 : baton_usage("unknown option '%s'", argv[optind - 1]);
	}
}

/* What -k and --last-failed leave of the choice, and how often each is run. */
static int
fewer(struct words *w)
{
	if (w->words)
		run_keep_words(&w->chosen, w->words);
	if (!w->chosen.cnt)
		return baton_usage("-k: no case has all of '%s' in its id, requirement, sentence or "
				   "mutant",
			w->words);
	if (w->last_failed)
		w->before = run_keep_failed(&w->chosen, w->out);
	if (w->rounds > 1)
		run_repeat(&w->chosen, w->rounds);
	return 0;
}

static int
choose(struct words *w, char **prefixes, int cnt)
{
	const char *word;

	switch (run_select(prefixes, (size_t)cnt, &w->chosen, &word)) {
	case RUN_SELECTED:
		return fewer(w);
	case RUN_NO_MATCH:
		return baton_usage("no case begins with '%s' (see baton list)", word);
	case RUN_DUPLICATE:
		fprintf(stderr, "baton: two cases claim the id %s\n", word);
		return 3;
	}
	return 3;
}

static bool
is_stdout(const char *path)
{
	return path && strcmp(path, "-") == 0;
}

int
words_parse(struct words *w, int argc, char **argv, const char *letters, const struct option *longs)
{
	int opt, wrong;

	*w = (struct words){.jobs = 1, .rounds = 1, .out = "baton-results"};
	opterr = 0;
	optind = 0; /* `bench sim` comes here with words of its own, behind those of its command line */
	while ((opt = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		wrong = take(w, opt, argv);
		if (wrong)
			return wrong;
	}
	if (strlen(w->out) > 200 || strncmp(w->out, "/run/", 5) == 0)
		return baton_usage(
			"-o: '%s' is too long, or under /run, which a lab hides", w->out);
	if (w->pause && w->sim)
		return baton_usage("--pause-on-fail wants the lab netns: there is no way into sim");
	if (w->tap + is_stdout(w->json) + is_stdout(w->junit) > 1)
		return baton_usage("--tap, --json - and --junit - want the same standard output");
	if (w->json && w->junit && !is_stdout(w->json) && strcmp(w->json, w->junit) == 0)
		return baton_usage("--json and --junit want the same file '%s'", w->json);
	if ((w->pause || w->trace) && w->jobs > 1)
		return baton_usage("%s wants one lab at a time: no -j",
			w->pause ? "--pause-on-fail" : "--trace");
	if (!w->seeded && getrandom(&w->seed, sizeof(w->seed), 0) != sizeof(w->seed)) {
		perror("baton: getrandom");
		return 3;
	}
	if (w->sim)
		snprintf(w->more + strlen(w->more), sizeof(w->more) - strlen(w->more), " --lab sim");
	if (w->limit_s)
		snprintf(w->more + strlen(w->more), sizeof(w->more) - strlen(w->more), " --timeout %u",
			w->limit_s);
	w->seed &= SEED_MAX;
	return choose(w, argv + optind, argc - optind);
}

