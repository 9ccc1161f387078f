/* SPDX-License-Identifier: BSD-2-Clause */
/* baton bench: the figures, each beside its peer or its limit. */
#include <getopt.h>
#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/bin/baton.h"
#include "harness/bin/bench.h"
#include "harness/lab/lab.h"
#include "harness/report/report.h"
#include "harness/trace/place.h"

/* Run twind-bench; its lines go to out. */
static int
own_costs(const char *const words[], FILE *out)
{
	const char *path = baton_beside("twind-bench");
	int fds[2], status = 0;
	pid_t pid;

	if (pipe(fds) < 0)
		return 3;
	pid = fork();
	if (pid == 0) {
		(void)dup2(fds[1], STDOUT_FILENO);
		(void)close(fds[0]);
		(void)close(fds[1]);
		(void)execv(path, (char *const *)(unsigned long)words);
		_exit(127);
	}
	(void)close(fds[1]);
	bench_lines(fdopen(fds[0], "r"), out);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 3;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 3;
}

static int
esp(unsigned n, FILE *out)
{
	const char *const words[] = {"twind-bench", "esp", "200", NULL};

	(void)n;
	return own_costs(words, out);
}

static int
sync_of(unsigned tunnels, FILE *out)
{
	char file[] = "/tmp/baton-bench-XXXXXX", cnt[16];
	const char *const make[] = {"twind-bench", "make", file, cnt, NULL};
	const char *const run[] = {"twind-bench", "sync", file, NULL};
	int fd = mkstemp(file), rc;

	if (fd < 0)
		return 3;
	(void)close(fd);
	(void)snprintf(cnt, sizeof cnt, "%u", tunnels);
	rc = own_costs(make, out);
	if (!rc)
		rc = own_costs(run, out);
	(void)unlink(file);
	return rc;
}

static int
sync_all(unsigned n, FILE *out)
{
	int rc;

	if (n)
		return sync_of(n, out);
	rc = sync_of(1000, out);
	return rc ? rc : sync_of(100000, out);
}

static int
through(unsigned n, FILE *out)
{
	(void)n;
	return bench_through(out);
}

static int
outage(unsigned n, FILE *out)
{
	return bench_outage(n ? n : 500, out);
}

static int
judge(unsigned n, FILE *out)
{
	return bench_judge(n ? n : 10000000, out);
}

static int
replay(unsigned n, FILE *out)
{
	(void)n;
	return bench_replay(out);
}

static int
sim(unsigned n, FILE *out)
{
	return bench_sim(n ? n : 1000, out);
}

static int
switch_of_lab(unsigned n, FILE *out)
{
	(void)n;
	return bench_switch(out);
}

static const struct {
	const char *name;
	int (*run)(unsigned n, FILE *out);
	const char *counts; /* what -n is the number of; NULL: it measures for as long as it takes */
} benches[] = {{"esp", esp, NULL}, {"sync", sync_all, "tunnels"}, {"through", through, NULL},
	{"outage", outage, "failovers"}, {"judge", judge, "frames"}, {"replay", replay, NULL},
	{"sim", sim, "schedules"}, {"switch", switch_of_lab, NULL}};
#define BENCHES (sizeof benches / sizeof benches[0])

/* ---- text ---- */

static double
num(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

static const char *
word(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static void
row(const json_t *o)
{
	const char *kind = word(o, "bench");

	if (!strcmp(kind, "esp-core"))
		printf("  %-22s %5.0f octets  seal %5.0f k/s, %.2f of libcrypto's  open %5.0f k/s, %.2f "
		       "(goal %.1f)\n",
			word(o, "transform"), num(o, "octets"), num(o, "seal_pps") / 1000,
			num(o, "seal_ratio"), num(o, "open_pps") / 1000, num(o, "open_ratio"),
			num(o, "goal"));
	else if (!strcmp(kind, "bulk-sync"))
		printf("  %6.0f tunnels  %8.1f ms  %.1f octets an SA (goal %.0f)  %.0f octets of memory a "
		       "tunnel (goal %.0f)\n",
			num(o, "tunnels"), num(o, "ms"), num(o, "octets_an_sa"),
			num(o, "goal_octets_an_sa"), num(o, "memory_a_tunnel"),
			num(o, "goal_memory_a_tunnel"));
	else if (!strcmp(kind, "esp-through"))
		printf("  %-28s %-22s %-11s %5.0f octets  %8.1f k packets/s\n", word(o, "who"),
			word(o, "transform"), word(o, "come"), num(o, "octets"), num(o, "pps") / 1000);
	else if (!strcmp(kind, "judge"))
		printf("  %10.0f frames  %6.1f s  %8.0f frames/s (goal %.0f)  %6.0f KiB of memory (goal %.0f)\n",
			num(o, "frames"), num(o, "seconds"), num(o, "fps"), num(o, "goal_fps"),
			num(o, "rss_kib"), num(o, "goal_rss_kib"));
	else if (!strcmp(kind, "replay"))
		printf("  %-26s %5.0f octets  %8.1f k frames/s  (%.0f of %.0f rounds without loss)\n", word(o, "who"),
			num(o, "octets"), num(o, "pps") / 1000, num(o, "complete"), num(o, "rounds"));
	else if (!strcmp(kind, "replay-ratio"))
		printf("  baton replay : the better   %5.0f octets  %8.2f (goal %.0f)\n", num(o, "octets"),
			num(o, "ratio"), num(o, "goal"));
	else if (!strcmp(kind, "sim"))
		printf("  %6.0f %-10s %7.2f s  %7.1f a second  (%.2f s of processor)\n", num(o, "done"),
			word(o, "what"), num(o, "seconds"), num(o, "per_s"), num(o, "cpu_seconds"));
	else if (!strcmp(kind, "switch"))
		printf("  %-22s %5.0f octets  %8.1f k frames/s, none lost  %.2f of the bridge's\n",
			word(o, "who"), num(o, "octets"), num(o, "pps") / 1000, num(o, "ratio"));
	else if (!strcmp(kind, "switch-delay"))
		printf("  %-22s %5.0f octets  p50 %6.1f us  p99 %6.1f us  (%.1f and %.1f more than the bridge)\n",
			word(o, "who"), num(o, "octets"), num(o, "p50_us"), num(o, "p99_us"),
			num(o, "p50_added_us"), num(o, "p99_added_us"));
	else if (!strcmp(kind, "outage"))
		printf("  %-26s %-32s %4.0f failovers%s  p50 %3.0f ms  p99 %3.0f ms  max %3.0f ms\n",
			word(o, "who"), word(o, "seen_by"), num(o, "failovers"),
			json_is_true(json_object_get(o, "sched_fifo")) ? "" : " (not SCHED_FIFO)",
			num(o, "p50_ms"), num(o, "p99_ms"), num(o, "max_ms"));
}

/* The lines of the file as an array; text of each on the way, if it is wanted. */
static json_t *
collect(FILE *f, bool text)
{
	json_t *all = json_array();
	char line[1024];

	rewind(f);
	while (fgets(line, sizeof line, f)) {
		json_t *o = json_loads(line, 0, NULL);

		if (!o)
			continue;
		if (text)
			row(o);
		(void)json_array_append_new(all, o);
	}
	return all;
}

/* Beside each figure of twind's, how many times strongSwan's of the same run it is. */
static void
ratios(json_t *lines, bool text)
{
	size_t cnt = json_array_size(lines);

	for (size_t i = 0; i < cnt; i++)
		for (size_t k = 0; k < cnt; k++) {
			json_t *a = json_array_get(lines, i), *b = json_array_get(lines, k), *o;

			if (strcmp(word(a, "bench"), "esp-through") != 0 ||
				strcmp(word(b, "bench"), "esp-through") != 0 ||
				strcmp(word(a, "who"), "twind") != 0 || !strcmp(word(b, "who"), "twind") ||
				strcmp(word(a, "transform"), word(b, "transform")) != 0 ||
				strcmp(word(a, "come"), word(b, "come")) != 0 ||
				num(a, "octets") != num(b, "octets") || num(b, "pps") <= 0)
				continue;
			o = json_pack("{s:s, s:s, s:s, s:f, s:f, s:f}", "bench", "esp-through-ratio",
				"transform", word(a, "transform"), "come", word(a, "come"), "octets", num(a, "octets"), "ratio",
				num(a, "pps") / num(b, "pps"), "goal", 5.0);
			if (text)
				printf("  twind : strongSwan           %-22s %-11s %5.0f octets  %8.2f (goal 5)\n",
					word(a, "transform"), word(a, "come"), num(a, "octets"), num(o, "ratio"));
			(void)json_array_append_new(lines, o);
		}
}

static int
run_one(size_t i, unsigned n, json_t *all, bool text)
{
	FILE *f = tmpfile();
	json_t *lines;
	int rc;

	if (!f)
		return 3;
	if (text)
		printf("%s\n", benches[i].name);
	fflush(stdout);
	rc = benches[i].run(n, f);
	lines = collect(f, text);
	ratios(lines, text);
	(void)json_array_extend(all, lines);
	json_decref(lines);
	(void)fclose(f);
	return rc;
}

static bool
wanted(const char *name, int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return argc == 0;
}

enum { OPT_JSON = 256 };
static const struct option options[] = {{"json", required_argument, NULL, OPT_JSON}, {NULL, 0, NULL, 0}};

struct words {
	const char *json;
	uint64_t n; /* 0: each bench's own */
	char **names;
	int name_cnt;
};

/* Is there such a bench, and does it count what -n says? 0 or EXIT_USAGE. */
static int
check_name(const struct words *w, const char *name)
{
	for (size_t i = 0; i < BENCHES; i++) {
		if (strcmp(name, benches[i].name) != 0)
			continue;
		if (w->n && !benches[i].counts)
			return baton_usage("-n goes with sync (tunnels), outage (failovers), judge (frames) and sim (schedules): %s measures "
					   "for a fixed time",
				name);
		return 0;
	}
	return baton_usage("no bench is called '%s': esp, sync, through, outage, judge, replay, sim, switch", name);
}

static int
take_words(struct words *w, int argc, char **argv)
{
	int c, wrong = 0;

	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, "n:", options, NULL)) != -1) {
		if (c == OPT_JSON)
			w->json = optarg;
		else if (c != 'n')
			return baton_usage("unknown or incomplete option '%s'", argv[optind - 1]);
		else if (!baton_number(optarg, 10, 1, UINT_MAX, &w->n))
			return baton_usage("-n needs a number from 1 to 4294967295, not '%s'", optarg);
	}
	w->names = argv + optind;
	w->name_cnt = argc - optind;
	if (w->n && !w->name_cnt)
		return baton_usage("-n counts something else in each bench: name the one that it is for");
	for (int i = 0; !wrong && i < w->name_cnt; i++)
		wrong = check_name(w, w->names[i]);
	return wrong;
}

int
baton_bench(int argc, char **argv)
{
	struct words w = {0};
	int rc = take_words(&w, argc, argv), worst = 0;
	char err[PLACE_ERR];
	json_t *all, *doc;

	if (rc)
		return rc;
	if (w.json && !place_check(w.json, err)) {
		fprintf(stderr, "baton: bench: %s\n", err);
		return 3;
	}
	all = json_array();
	for (size_t i = 0; i < BENCHES && !baton_stopped(); i++) {
		if (!wanted(benches[i].name, w.name_cnt, w.names))
			continue;
		rc = run_one(i, (unsigned)w.n, all, !w.json || strcmp(w.json, "-") != 0);
		worst = rc > worst ? rc : worst;
	}
	doc = json_pack("{s:s, s:s, s:o}", "schema", "baton-bench/1", "version", baton_version(), "figures", all);
	if (w.json && !report_put_json(doc, w.json, err)) {
		fprintf(stderr, "baton: bench: %s\n", err);
		worst = 3;
	}
	json_decref(doc);
	return baton_stopped() ? EXIT_STOPPED : worst;
}
