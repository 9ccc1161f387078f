/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * baton bench sim: the lab sim on one core. Schedules of baton explore, in processes of one, and the
 * cases that can run there, by baton run itself: so with folders, traces and forks.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/bin/baton.h"
#include "harness/bin/bench.h"
#include "harness/run/explore.h"

#define SEED 100001u

static double
seconds_of(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

static double
children_cpu_s(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_CHILDREN, &u);
	return seconds_of(&u.ru_utime) + seconds_of(&u.ru_stime);
}

static int
tell(FILE *out, const char *what, unsigned done, double wall, double cpu)
{
	(void)fprintf(out,
		"{\"bench\": \"sim\", \"what\": \"%s\", \"done\": %u, \"seconds\": %.3f, \"cpu_seconds\": %.3f, "
		"\"per_s\": %.1f}\n",
		what, done, wall, cpu, done / wall);
	return fflush(out) == 0 ? 0 : 3; /* before the next fork */
}

/* In a process of its own, as explore's workers are; the number of schedules that held goes to the end of the pipe. */
static int
schedules(unsigned n, FILE *out)
{
	const struct explore_options none = {.mutant = NULL};
	ns_t from = baton_now();
	double cpu = children_cpu_s();
	unsigned held = 0;
	int fds[2], status;
	pid_t pid;

	if (pipe(fds) != 0 || (pid = fork()) < 0)
		return 3;
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (unsigned i = 0; i < n; i++) {
			struct explore_result r;
			struct explore_plan p;

			explore_draw(&p, SEED + i);
			explore_run(&p, &none, &r);
			held += r.end == EXPLORE_HELD;
		}
		_exit(write(fds[1], &held, sizeof held) == sizeof held ? 0 : 3);
	}
	(void)close(fds[1]);
	if (read(fds[0], &held, sizeof held) != sizeof held)
		held = 0;
	(void)close(fds[0]);
	if (waitpid(pid, &status, 0) != pid || status != 0 || held != n) {
		(void)fprintf(stderr, "bench: of %u schedules %u held the laws\n", n, held);
		return 3;
	}
	return tell(out, "schedules", n, (double)(baton_now() - from) / 1e9, children_cpu_s() - cpu);
}

static void
run_cases(const char *dir)
{
	char *words[] = {"run", "--lab", "sim", "--seed", "1", "-o", (char *)(unsigned long)dir, NULL};

	if (!freopen("/dev/null", "w", stdout))
		_exit(3);
	optind = 0; /* getopt(3): from the beginning, though we have read words of our own */
	_exit(baton_run(7, words));
}

static unsigned
folders(const char *dir)
{
	char line[256];
	unsigned cnt = 0;
	FILE *f;

	(void)snprintf(line, sizeof line, "find %s -name trace.pcapng", dir);
	f = popen(line, "r");
	while (f && fgets(line, sizeof line, f))
		cnt++;
	if (f)
		(void)pclose(f);
	return cnt;
}

static int
cases(FILE *out)
{
	char dir[] = "/tmp/baton-bench-XXXXXX";
	ns_t from = baton_now();
	double cpu = children_cpu_s(), wall;
	int status = -1;
	unsigned cnt;
	pid_t pid;

	if (!mkdtemp(dir))
		return 3;
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		run_cases(dir);
	}
	baton_heed_signals();
	if (pid > 0)
		status = baton_wait(pid);
	if (status != 0 && !baton_stopped())
		(void)fprintf(stderr, "bench: a case did not pass in sim\n");
	wall = (double)(baton_now() - from) / 1e9;
	cpu = children_cpu_s() - cpu;
	cnt = folders(dir);
	baton_remove_folder(dir);
	return status == 0 ? tell(out, "cases", cnt, wall, cpu) : 3;
}

int
bench_sim(unsigned n, FILE *out)
{
	int rc = schedules(n, out);

	return rc ? rc : cases(out);
}
