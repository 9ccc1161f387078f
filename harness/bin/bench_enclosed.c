/* SPDX-License-Identifier: BSD-2-Clause */
/* The place of a bench that wants namespaces: an enclosure, a folder of its own, and its lines back. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "harness/bin/baton.h"
#include "harness/bin/bench.h"
#include "harness/lab/lab.h"

void
bench_lines(FILE *from, FILE *out)
{
	char line[1024];

	while (from && fgets(line, sizeof line, from))
		(void)fputs(line, out);
	if (from)
		(void)fclose(from);
}

int
bench_enclosed(int (*inside)(void *), struct bench_place *place, FILE *out)
{
	char dir[] = "/tmp/baton-bench-XXXXXX", file[64], err[LAB_ERR];
	const char *why;
	int status = -1;
	pid_t pid;

	if (lab_can(&why) == LAB_CAN_NOT) {
		(void)fprintf(stderr, "SKIPPED: the lab netns %s\n", why);
		return 4;
	}
	if (!mkdtemp(dir)) {
		perror(dir);
		return 3;
	}
	(void)snprintf(file, sizeof file, "%s/results", dir);
	*place = (struct bench_place){dir, file};
	pid = lab_enclose(inside, place, err);
	if (pid < 0)
		(void)fprintf(stderr, "bench: %s\n", err);
	baton_heed_signals();
	if (pid > 0)
		status = baton_wait(pid);
	bench_lines(fopen(file, "r"), out);
	baton_remove_folder(dir);
	return status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}
