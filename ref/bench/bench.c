/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ref/bench/bench.h"

ns_t
bench_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return ns_from_s((uint32_t)t.tv_sec) + t.tv_nsec;
}

int
main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "esp"))
		return bench_esp(ns_from_ms((uint32_t)strtoul(argv[2], NULL, 10)));
	if (argc == 4 && !strcmp(argv[1], "make"))
		return bench_sync_make(argv[2], strtoul(argv[3], NULL, 10));
	if (argc == 3 && !strcmp(argv[1], "sync"))
		return bench_sync(argv[2]);
	(void)fprintf(stderr, "usage: twind-bench esp MILLISECONDS\n"
			      "       twind-bench make FILE TUNNELS\n"
			      "       twind-bench sync FILE\n");
	return 2;
}
