/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_BIN_TWIND_H
#define BATON_BIN_TWIND_H

#include "ref/node/node.h"

/*
 * The command line of a router, with the rules that it shall go by. twind hands in the standard
 * ones; a program with other rules (a mutant) hands in its own and its extra usage line.
 * Returns the exit code: 0, 1 it cannot run, 2 wrong usage or configuration.
 */
int twind_main(int argc, char **argv, const struct node_rules *rules);

#endif
