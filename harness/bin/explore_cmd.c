/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * baton explore: schedules by seed, some processes side by side, and what broke a law made short.
 * A worker tells which seed it is at in memory that it shares with us: if it dies, that schedule is
 * a breach, and another worker goes on behind it.
 */
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/bin/baton.h"
#include "harness/lab/lab.h"
#include "harness/run/explore.h"
#include "harness/trace/place.h"

#define JOBS_MAX 64
#define KINDS 16 /* of breaches that are told one by one */
#define HANG_S 30

struct words {
	uint64_t seeds, seed;
	unsigned jobs;
	struct explore_options o;
	const char *schedule;
	bool verbose;
};

/* Shared with a worker. */
struct slot {
	uint64_t next; /* the seed it is at, counted from 0 */
	uint64_t frames, judged[LAWS_MAX], suspended[LAWS_MAX];
	ns_t span;
};

struct breach {
	uint64_t seed;
	struct explore_result r;
};

struct hunt {
	const struct words *w;
	struct slot *slot; /* of each worker */
	pid_t pid[JOBS_MAX];
	int ends[2]; /* breaches come through here */
	unsigned alive;
	uint64_t broken;
	struct breach first[KINDS]; /* of each kind */
	uint64_t count[KINDS];
	unsigned kinds;
};

/* ---- workers ---- */

static _Noreturn void
work(const struct hunt *h, unsigned k)
{
	const struct words *w = h->w;
	struct slot *s = &h->slot[k];

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGTERM, SIG_DFL);
	for (; s->next < w->seeds; s->next += w->jobs) {
		struct breach b = {.seed = w->seed + s->next};
		struct explore_plan p;

		(void)alarm(HANG_S);
		explore_draw(&p, b.seed);
		explore_run(&p, &w->o, &b.r);
		s->frames += b.r.frames;
		s->span += b.r.span;
		for (int i = 0; i < LAWS_MAX; i++) {
			s->judged[i] += b.r.judged[i];
			s->suspended[i] += b.r.suspended[i];
		}
		if (b.r.end != EXPLORE_HELD && write(h->ends[1], &b, sizeof(b)) != sizeof(b))
			_exit(3);
	}
	_exit(0);
}

static void
employ(struct hunt *h, unsigned k)
{
	fflush(NULL);
	h->pid[k] = fork();
	if (h->pid[k] == 0)
		work(h, k);
	if (h->pid[k] > 0)
		h->alive++;
}

static void
tell_found(const struct breach *b)
{
	char text[EXPLORE_TEXT];
	struct explore_plan p;

	explore_draw(&p, b->seed);
	explore_text(&p, text);
	printf("found: %s: %s\n", text, b->r.text);
}

static void
note(struct hunt *h, const struct breach *b)
{
	unsigned k = 0;

	h->broken++;
	if (h->w->verbose)
		tell_found(b);
	while (k < h->kinds && !explore_alike(&h->first[k].r, &b->r))
		k++;
	if (k == KINDS)
		return;
	if (k == h->kinds)
		h->kinds++;
	if (!h->count[k]++ || b->seed < h->first[k].seed)
		h->first[k] = *b;
}

/* A worker has ended: at its last seed, or because of the one that it was at. */
static void
ended(struct hunt *h, pid_t pid, int status)
{
	struct breach b = {.r = {.end = EXPLORE_DIED}};

	for (unsigned k = 0; k < h->w->jobs; k++) {
		if (h->pid[k] != pid)
			continue;
		h->alive--;
		h->pid[k] = 0;
		if (status == 0 || baton_stopped())
			return;
		b.seed = h->w->seed + h->slot[k].next;
		snprintf(b.r.text, sizeof(b.r.text),
			"the process that ran it ended with status 0x%x", (unsigned)status);
		note(h, &b);
		h->slot[k].next += h->w->jobs;
		employ(h, k);
	}
}

static void
hunt(struct hunt *h)
{
	struct pollfd p = {.fd = h->ends[0], .events = POLLIN};
	struct breach b;
	int status;
	pid_t pid;

	for (unsigned k = 0; k < h->w->jobs; k++) {
		h->slot[k].next = k;
		employ(h, k);
	}
	while (h->alive) {
		while (poll(&p, 1, 50) > 0 && read(h->ends[0], &b, sizeof(b)) == sizeof(b))
			note(h, &b);
		for (unsigned k = 0; baton_stopped() && k < h->w->jobs; k++)
			if (h->pid[k] > 0)
				(void)kill(h->pid[k], SIGKILL);
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			ended(h, pid, status);
	}
	while (poll(&p, 1, 0) > 0 && read(h->ends[0], &b, sizeof(b)) == sizeof(b))
		note(h, &b);
}

/* ---- what is told ---- */

static void
tell_command(const struct words *w, const struct explore_plan *p)
{
	char text[EXPLORE_TEXT];

	explore_text(p, text);
	printf("  baton explore %s%s%s--schedule '%s'\n", w->o.mutant ? "--mutant " : "",
		w->o.mutant ? w->o.mutant : "", w->o.mutant ? " " : "", text);
}

static void
tell_breach(const struct words *w, const struct breach *first, uint64_t cnt)
{
	struct breach b = *first;
	struct explore_plan p;
	unsigned before, tries;

	explore_draw(&p, b.seed);
	before = p.cnt;
	tries = explore_shrink(&p, &w->o, &b.r);
	printf("breach, %" PRIu64 " schedules: %s\n", cnt, b.r.text);
	printf("  seed %" PRIu64 ", shrunk from %u steps to %u in %u tries; it is repeated by\n",
		b.seed, before, p.cnt, tries);
	tell_command(w, &p);
	fflush(stdout);
}

static void
tell_sums(const struct hunt *h, double seconds)
{
	struct slot all = {.next = 0};
	uint64_t done = 0;

	for (unsigned k = 0; k < h->w->jobs; k++) {
		done += (h->slot[k].next - k) / h->w->jobs;
		all.frames += h->slot[k].frames;
		all.span += h->slot[k].span;
		for (int i = 0; i < LAWS_MAX; i++) {
			all.judged[i] += h->slot[k].judged[i];
			all.suspended[i] += h->slot[k].suspended[i];
		}
	}
	for (int i = 1; i < LAW_END; i++)
		printf("law %d: held %" PRIu64 ", suspended %" PRIu64 "\n", i, all.judged[i],
			all.suspended[i]);
	printf("explore: %" PRIu64 " schedules from seed %" PRIu64 ", %" PRIu64
	       " breaches; %" PRIu64
	       " frames, %.0f s of the pair's time in %.1f s (%.0f schedules a second)\n",
		done, h->w->seed, h->broken, all.frames, (double)all.span / 1e9, seconds,
		(double)done / seconds);
}

static int
many(const struct words *w)
{
	static struct hunt h;
	ns_t from = baton_now();

	h.w = w;
	h.slot = mmap(NULL, JOBS_MAX * sizeof(*h.slot), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (h.slot == MAP_FAILED || pipe(h.ends) != 0) {
		perror("baton: explore");
		return 3;
	}
	baton_heed_signals();
	hunt(&h);
	if (baton_stopped())
		printf("interrupted; what came until then:\n");
	for (unsigned k = 0; k < h.kinds; k++)
		tell_breach(w, &h.first[k], h.count[k]);
	tell_sums(&h, (double)(baton_now() - from) / 1e9);
	if (baton_stopped())
		return EXIT_STOPPED;
	return h.broken ? 1 : 0;
}

static int
one(const struct words *w)
{
	struct explore_result r;
	struct explore_plan p;
	char err[PLACE_ERR];
	const char *why;
	size_t at;

	if (!explore_parse(&p, w->schedule, &why, &at))
		return baton_usage("--schedule: at '%.40s': %s", w->schedule + at, why);
	if (w->o.trace && !place_check(w->o.trace, err)) {
		fprintf(stderr, "baton: explore: %s\n", err);
		return 3;
	}
	explore_try(&p, &w->o, &r);
	tell_command(w, &p);
	printf("%s\n", r.end == EXPLORE_HELD ? "no law is broken" : r.text);
	for (int i = r.law + 1; i < LAW_END; i++)
		if (r.broken & 1u << i)
			printf("and law %d\n", i);
	printf("%" PRIu64 " frames, %.3f s of the pair's time, digest %016" PRIx64 "\n", r.frames,
		(double)r.span / 1e9, r.digest);
	return r.end != EXPLORE_HELD ? 1 : r.unwritten ? 3 : 0;
}

/* ---- the command line ---- */

enum { OPT_SEEDS = 256, OPT_SEED, OPT_MUTANT, OPT_SCHEDULE, OPT_TRACE, OPT_LOGS };

static const struct option options[] = {
	{"seeds", required_argument, NULL, OPT_SEEDS},
	{"seed", required_argument, NULL, OPT_SEED},
	{"mutant", required_argument, NULL, OPT_MUTANT},
	{"schedule", required_argument, NULL, OPT_SCHEDULE},
	{"trace", required_argument, NULL, OPT_TRACE},
	{"logs", required_argument, NULL, OPT_LOGS},
	{NULL, 0, NULL, 0},
};

static int
take(struct words *w, int opt, char **argv)
{
	uint64_t n;

	switch (opt) {
	case 'j':
		if (!baton_number(optarg, 0, 1, JOBS_MAX, &n))
			return baton_usage("-j wants a number from 1 to 64, not '%s'", optarg);
		w->jobs = (unsigned)n;
		return 0;
	case 'v':
		w->verbose = true;
		return 0;
	case OPT_SEEDS:
		if (!baton_number(optarg, 0, 1, (uint64_t)1 << 40, &w->seeds))
			return baton_usage("--seeds wants a number from 1, not '%s'", optarg);
		return 0;
	case OPT_SEED:
		if (!baton_number(optarg, 0, 0, (uint64_t)1 << 53, &w->seed))
			return baton_usage("--seed wants a number below 2^53, not '%s'", optarg);
		return 0;
	case OPT_MUTANT:
		w->o.mutant = optarg;
		if (!lab_knows_mutant(optarg))
			return baton_usage("--mutant: there is none named '%s'", optarg);
		return 0;
	case OPT_SCHEDULE:
		w->schedule = optarg;
		return 0;
	case OPT_TRACE:
		w->o.trace = optarg;
		return 0;
	case OPT_LOGS:
		w->o.logs = optarg;
		return 0;
	case ':':
		return baton_usage("'%s' wants an argument", argv[optind - 1]);
	default:
		return baton_usage("unknown option '%s'", argv[optind - 1]);
	}
}

int
baton_explore(int argc, char **argv)
{
	struct words w = {.seeds = 1000, .seed = 1, .jobs = 1};
	int opt, wrong;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":j:v", options, NULL)) != -1) {
		wrong = take(&w, opt, argv);
		if (wrong)
			return wrong;
	}
	if (optind < argc)
		return baton_usage("unexpected word '%s'", argv[optind]);
	if ((w.o.trace || w.o.logs) && !w.schedule)
		return baton_usage("--trace and --logs go with --schedule");
	return w.schedule ? one(&w) : many(&w);
}
