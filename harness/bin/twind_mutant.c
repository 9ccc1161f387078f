/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * twind-mutant: the reference router with one rule changed.
 *
 *	twind-mutant --mutant NAME <options of twind>
 *	twind-mutant --list-mutants
 */
#include <stdio.h>
#include <string.h>

#include "harness/mutant/mutant.h"
#include "ref/bin/twind.h"
#include "ref/node/rules.h"

static const char help[] = "usage: twind-mutant --mutant NAME OPTIONS...   options: those of twind\n"
			   "       twind-mutant --list-mutants\n";

static int
list(void)
{
	for (unsigned i = 0; i < mutant_cnt; i++)
		(void)printf("%-32s %s\n", mutants[i].name, mutants[i].says);
	return 0;
}

int
main(int argc, char **argv)
{
	static struct node_rules rules;
	const struct mutant *m;

	if (argc == 2 && !strcmp(argv[1], "--list-mutants"))
		return list();
	if (argc == 2 && !strcmp(argv[1], "--help")) {
		(void)fputs(help, stdout);
		return 0;
	}
	if (argc < 3 || strcmp(argv[1], "--mutant") != 0) {
		(void)fputs(help, stderr);
		return 2;
	}
	m = mutant_find(argv[2]);
	if (!m) {
		(void)fprintf(stderr, "twind-mutant: no mutant named %s\n", argv[2]);
		return 2;
	}
	node_rules_join(&rules);
	m->apply(&rules);
	argv[2] = argv[0];
	return twind_main(argc - 2, argv + 2, &rules);
}
