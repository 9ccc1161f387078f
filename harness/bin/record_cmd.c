/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * baton record: a case's trace as a capture with its story. The case is run in a folder that goes
 * again; its trace is cut to the span that was asked for, put at a fixed date, and written beside
 * its keys and a page that says who made it and what happens in it. The events on the page are what
 * `baton judge` tells of the file, so that ci/captures can lay one beside the other.
 *
 * What is written tells nothing of the machine: addresses and MACs are the lab's, and the comments
 * are the lab's words.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "harness/bin/baton.h"
#include "harness/report/report.h"
#include "harness/run/run.h"
#include "harness/trace/place.h"
#include "harness/trace/trace.h"

#define EPOCH_S 1767225600 /* 2026-01-01 00:00:00 UTC */

struct recording {
	const char *id, *out;
	char name[128];	    /* <area>/<story> */
	double from, until; /* seconds since the first frame */
	bool sim, seeded;
	uint64_t seed;
	const struct case_def *def;
	char base[PATH_MAX]; /* of the files, without their ends */
	bool keys;	     /* there is a file of them */
};

/* ---- the run ---- */

static bool
passed(const struct recording *r, const json_t *results)
{
	const json_t *one = json_array_get(results, 0);
	const char *reason = json_string_value(json_object_get(one, "reason"));

	if (one && run_verdict(one) == VERDICT_PASS)
		return true;
	fprintf(stderr, "baton: %s did not pass, and is not recorded: %s\n", r->id,
		reason && *reason ? reason : "it was not run");
	return false;
}

/* 0, 1 (it did not pass), 3, EXIT_STOPPED */
static int
run_case(struct recording *r, const char *dir)
{
	const struct case_def *one[] = {r->def};
	struct run_selection s = {.cases = one, .cnt = 1, .each = 1};
	struct run_options o = {.sim = r->sim,
		.twind = baton_beside("twind"),
		.out = dir,
		.jobs = 1,
		.seed = r->seed,
		.interrupted = baton_stopped};
	char err[LAB_ERR] = "";
	const char *why;
	json_t *results;
	int rc;

	if (!r->sim && lab_can(&why) == LAB_CAN_NOT) {
		fprintf(stderr, "baton: the lab netns %s\n", why);
		return 3;
	}
	baton_heed_signals();
	results = run_all(&s, &o, err);
	if (!results) {
		fprintf(stderr, "baton: %s\n", err);
		return 3;
	}
	rc = baton_stopped() ? EXIT_STOPPED : passed(r, results) ? 0 : 1;
	json_decref(results);
	return rc;
}

/* ---- the files ---- */

/* TLS secrets are in the capture itself; where nothing was negotiated there is no file of keys. */
static bool
copy_keys(struct recording *r, const char *dir)
{
	char from[PATH_MAX + 64], path[PATH_MAX + 64], line[1024], err[PLACE_ERR];
	struct place to;
	bool ok = true;
	FILE *in;

	snprintf(from, sizeof(from), "%s/keys", dir);
	snprintf(path, sizeof(path), "%s.keys", r->base);
	(void)unlink(path); /* of an earlier recording */
	in = fopen(from, "r");
	while (ok && in && fgets(line, sizeof(line), in)) {
		if (strncmp(line, "IKEV1 ", 6) != 0 && strncmp(line, "ESP ", 4) != 0)
			continue;
		if (!r->keys)
			ok = r->keys = place_open(&to, path, err);
		if (ok)
			fputs(line, to.f);
	}
	if (in)
		(void)fclose(in);
	if (r->keys)
		ok = place_close(&to, err);
	if (!ok)
		fprintf(stderr, "baton: record: %s\n", err);
	return ok;
}

/* Frames written, or 0 and it was said. */
static size_t
write_part(const struct recording *r, const char *dir)
{
	char path[PATH_MAX + 64], err[TRACE_ERR] = "no frame is in that span";
	struct trace *whole, *part = NULL;
	size_t cnt = 0;
	ns_t zero;

	snprintf(path, sizeof(path), "%s/trace.pcapng", dir);
	whole = trace_read(path, NULL, err);
	if (whole && trace_len(whole) > 0) {
		zero = trace_frame(whole, 0)->at;
		part = trace_cut(whole, zero + (ns_t)(r->from * 1e9),
			r->until > 0 ? zero + (ns_t)(r->until * 1e9) : NS_NEVER);
	}
	snprintf(path, sizeof(path), "%s.pcapng", r->base);
	if (part && trace_len(part) > 0 &&
		trace_write(part, path, ns_from_s(EPOCH_S) - trace_frame(part, 0)->at, err))
		cnt = trace_len(part);
	else
		fprintf(stderr, "baton: %s\n", err);
	trace_free(part);
	trace_free(whole);
	return cnt;
}

/* ---- the page ---- */

static json_t *
ask_judge(const struct recording *r)
{
	char *command = NULL;
	json_t *o = NULL;
	FILE *p;

	if (asprintf(&command, "'%s' judge --json %s%s%s '%s.pcapng'", baton_beside("baton"),
		    r->keys ? "--keys '" : "", r->keys ? r->base : "", r->keys ? ".keys'" : "",
		    r->base) < 0)
		command = NULL;
	p = command ? popen(command, "r") : NULL;
	if (p) {
		o = json_loadf(p, 0, NULL);
		(void)pclose(p);
	}
	free(command);
	return o;
}

static const char *
word(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

/* The lines that ci/captures compares with what judge tells. */
static void
put_told(FILE *f, const json_t *told)
{
	const json_t *o;
	size_t i;

	fprintf(f, "```events\n");
	json_array_foreach(json_object_get(told, "events"), i, o) fprintf(f,
		"%.3f %" JSON_INTEGER_FORMAT " %s: %s\n",
		json_number_value(json_object_get(o, "at")),
		json_integer_value(json_object_get(o, "frame")), word(o, "kind"), word(o, "text"));
	json_array_foreach(json_object_get(told, "laws"), i, o) fprintf(f,
		"law %" JSON_INTEGER_FORMAT " %s: %s\n",
		json_integer_value(json_object_get(o, "law")), word(o, "name"), word(o, "verdict"));
	fprintf(f, "```\n");
}

static void
put_page(FILE *f, const struct recording *r, size_t frames, const json_t *told)
{
	fprintf(f, "# %s\n\n%s\n\n", strrchr(r->base, '/') + 1, r->def->says);
	fprintf(f, "Made by Baton %s: `baton record %s --seed %" PRIu64 "%s`, lab %s. %zu frames",
		baton_version(), r->id, r->seed, r->sim ? " --lab sim" : "",
		r->sim ? "sim" : "netns", frames);
	if (r->from > 0 || r->until > 0)
		fprintf(f, ", a part of the whole: from %.3f s on%s", r->from,
			r->until > 0 ? ", and not to its end" : "");
	fprintf(f, ". The case: %s.\n\n", r->def->requirement);
	fprintf(f, "## The story\n\nTo be written by hand.\n\n## What is to be found\n\n");
	put_told(f, told);
}

static bool
write_page(const struct recording *r, size_t frames)
{
	char path[PATH_MAX + 8], err[PLACE_ERR] = "judge said nothing of the capture";
	json_t *told = ask_judge(r);
	struct place to;
	bool ok;

	snprintf(path, sizeof(path), "%s.md", r->base);
	ok = told && place_open(&to, path, err);
	if (ok) {
		put_page(to.f, r, frames, told);
		ok = place_close(&to, err);
	}
	if (!ok)
		fprintf(stderr, "baton: record: %s\n", err);
	json_decref(told);
	return ok;
}

/* ---- words ---- */

/* The folders of the files, and a place for each, before the case runs. */
static bool
make_places(struct recording *r)
{
	static const char *const ends[] = {".pcapng", ".keys", ".md"};
	char path[PATH_MAX + 8], err[PLACE_ERR];
	int n;

	n = snprintf(r->base, sizeof(r->base), "%s/%s", r->out, r->name);
	if (n < 0 || (size_t)n >= sizeof(r->base)) {
		fprintf(stderr, "baton: record: the names of the files are too long\n");
		return false;
	}
	snprintf(path, sizeof(path), "%.*s", (int)(strrchr(r->base, '/') - r->base), r->base);
	if (!run_make_dir(path)) {
		fprintf(stderr, "baton: record: %s: %s\n", path, strerror(errno));
		return false;
	}
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", r->base, ends[i]);
		if (!place_check(path, err)) {
			fprintf(stderr, "baton: record: %s\n", err);
			return false;
		}
	}
	return true;
}

/* "failover/vpnha-failover/1a" as "failover/vpnha-failover-1a". */
static void
name_after_case(struct recording *r)
{
	snprintf(r->name, sizeof(r->name), "%s", r->id);
	for (char *at = strchr(r->name, '/'); at && (at = strchr(at + 1, '/')) != NULL;)
		*at = '-';
}

static bool
seconds(const char *text, double *v)
{
	char *end;

	*v = strtod(text, &end);
	return end != text && !*end && *v >= 0 && *v < 1e6;
}

static const struct option options[] = {
	{"name", required_argument, NULL, 'n'},
	{"from", required_argument, NULL, 'f'},
	{"until", required_argument, NULL, 'u'},
	{"lab", required_argument, NULL, 'l'},
	{"seed", required_argument, NULL, 's'},
	{NULL, 0, NULL, 0},
};

static int
take_word(struct recording *r, int c)
{
	switch (c) {
	case 'o':
		r->out = optarg;
		return 0;
	case 'n':
		if (!strchr(optarg, '/') || strstr(optarg, "..") ||
			strlen(optarg) >= sizeof(r->name))
			return baton_usage("--name is AREA/STORY, not '%s'", optarg);
		snprintf(r->name, sizeof(r->name), "%s", optarg);
		return 0;
	case 'f':
	case 'u':
		if (!seconds(optarg, c == 'f' ? &r->from : &r->until))
			return baton_usage(
				"a span is in seconds since the first frame, not '%s'", optarg);
		return 0;
	case 'l':
		r->sim = strcmp(optarg, "sim") == 0;
		if (!r->sim && strcmp(optarg, "netns") != 0)
			return baton_usage("--lab is netns or sim, not '%s'", optarg);
		return 0;
	case 's':
		r->seeded = baton_number(optarg, 10, 0, UINT64_MAX, &r->seed);
		return r->seeded ? 0 : baton_usage("--seed needs a number, not '%s'", optarg);
	}
	return baton_usage("record: unknown option");
}

static int
read_words(struct recording *r, int argc, char **argv)
{
	struct run_selection s;
	const char *bad;
	bool known;
	int c, rc;

	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
		if (c == '?')
			return baton_usage(
				"record: unknown or incomplete option '%s'", argv[optind - 1]);
		rc = take_word(r, c);
		if (rc)
			return rc;
	}
	if (argc - optind != 1)
		return baton_usage("record: one CASE is wanted");
	if (r->until > 0 && r->until <= r->from)
		return baton_usage("--until %g is not behind --from %g", r->until, r->from);
	r->id = argv[optind];
	known = run_select((char *const *)&argv[optind], 1, &s, &bad) == RUN_SELECTED;
	for (size_t i = 0; i < s.cnt; i++)
		if (strcmp(s.cases[i]->id, r->id) == 0)
			r->def = s.cases[i];
	run_selection_free(&s);
	if (!known)
		return baton_usage("no case is called '%s'", r->id);
	return r->def ? 0 : baton_usage("'%s' is no whole id of a case", r->id);
}

int
baton_record(int argc, char **argv)
{
	static struct recording r = {.out = "captures"};
	char dir[] = "/tmp/baton-record-XXXXXX", sub[PATH_MAX];
	size_t frames = 0;
	int rc = read_words(&r, argc, argv);

	if (rc)
		return rc;
	if (!r.seeded && getrandom(&r.seed, sizeof(r.seed), 0) == sizeof(r.seed))
		r.seed >>= 11;
	if (!r.name[0])
		name_after_case(&r);
	if (!make_places(&r))
		return 3;
	if (!mkdtemp(dir)) {
		perror(dir);
		return 3;
	}
	rc = run_case(&r, dir);
	if (rc == 0 && (!run_dir(dir, r.id, 0, sub, sizeof(sub)) || !copy_keys(&r, sub)))
		rc = 3;
	if (rc == 0 && (frames = write_part(&r, sub)) == 0)
		rc = 3;
	if (rc == 0 && !write_page(&r, frames))
		rc = 3;
	baton_remove_folder(dir);
	if (rc == 0)
		printf("%s.pcapng: %zu frames; %s%s%s.md: its story is yours to tell\n", r.base,
			frames, r.keys ? r.base : "", r.keys ? ".keys; " : "", r.base);
	return rc;
}
