/* SPDX-License-Identifier: BSD-2-Clause */
/* What several commands need and none of them is about: numbers of a command line, the clock, signals, room. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "harness/bin/baton.h"

bool
baton_number(const char *text, int base, uint64_t least, uint64_t most, uint64_t *n)
{
	char *rest;

	errno = 0;
	*n = strtoull(text, &rest, base);
	return errno == 0 && *text >= '0' && *text <= '9' && *rest == '\0' && *n >= least && *n <= most;
}

ns_t
baton_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return ns_from_s(t.tv_sec) + t.tv_nsec;
}

static volatile sig_atomic_t stop;
static ns_t stopped_at;

/* timeout(1) and others send it twice at once: one that means the second one waits to see what the first did. */
static void
on_signal(int sig)
{
	if (stop && baton_now() - stopped_at > NS_PER_S / 2) {
		(void)signal(sig, SIG_DFL);
		(void)raise(sig);
	} else if (!stop) {
		stopped_at = baton_now();
		stop = 1;
	}
}

void
baton_heed_signals(void)
{
	struct sigaction a = {.sa_handler = on_signal};

	(void)sigaction(SIGINT, &a, NULL);
	(void)sigaction(SIGTERM, &a, NULL);
}

bool
baton_stopped(void)
{
	return stop != 0;
}

int
baton_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) != pid) {
		if (errno != EINTR)
			return -1;
		if (stop)
			(void)kill(pid, SIGKILL);
	}
	return status;
}

void *
baton_room(const char *command, void *p, size_t need, size_t *cap, size_t size)
{
	while (*cap < need)
		*cap = *cap ? *cap * 2 : 1024;
	p = realloc(p, *cap * size);
	if (!p) {
		fprintf(stderr, "baton: %s: out of memory\n", command);
		exit(3);
	}
	return p;
}
