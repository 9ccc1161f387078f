/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_BIN_BATON_H
#define BATON_BIN_BATON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "ref/base/time.h"

struct keyring;

/* The commands of baton, a file each; every one takes main's words from its own name on. */

int baton_list(int argc, char **argv);
int baton_run(int argc, char **argv);
int baton_mutants(int argc, char **argv);
int baton_explain(int argc, char **argv);
int baton_decode(int argc, char **argv);
int baton_replay(int argc, char **argv);
int baton_craft(int argc, char **argv);
int baton_bench(int argc, char **argv);
int baton_explore(int argc, char **argv);
int baton_lab(int argc, char **argv);
int baton_record(int argc, char **argv);
int baton_judge(int argc, char **argv);
int baton_fields(int argc, char **argv); /* for ci/fields */

const char *baton_version(void);
/* The path of a program that lies beside baton itself ("twind"); a static buffer. */
const char *baton_beside(const char *name);
/* A key file into the ring; false, and it was said why not ("baton: COMMAND: FILE:3: ..."). */
bool baton_read_keys(const char *command, const char *path, struct keyring *ring);
/* The secrets that a capture carries, into the ring; lines that are not understood are somebody else's. */
void baton_take_secrets(struct keyring *ring, const char *text);
/* Take away a folder that a lab wrote into, and all that is in it. */
void baton_remove_folder(const char *dir);
/* How to get into a lab whose process 1 is pid, as seen from here: commands to try. */
void baton_lab_doors(FILE *to, pid_t pid);
/* "baton: <fmt>" and the hint on stderr; returns EXIT_USAGE. */
__attribute__((format(printf, 1, 2))) int baton_usage(const char *fmt, ...);

/* ---- support.c ---- */

/* A word that is digits, and nothing behind them, within bounds. base as of strtoull: 0 takes 0x10, too. */
bool baton_number(const char *text, int base, uint64_t least, uint64_t most, uint64_t *n);
/* CLOCK_MONOTONIC. */
ns_t baton_now(void);
/* From now on SIGINT and SIGTERM end nothing, once; baton_stopped says whether one came. A second one ends the program. */
void baton_heed_signals(void);
bool baton_stopped(void);
/* Of a command that was stopped so, as a shell has it. */
#define EXIT_STOPPED 130
/*
 * Wait for an enclosure (lab.h) or another process of ours. Once a signal came it is ended by SIGKILL: process 1 of its
 * namespaces hears nothing else. Its wait status, or -1.
 */
int baton_wait(pid_t pid);
/* realloc for `need` entries of that size, doubling *cap; out of memory: it is said, exit 3. */
void *baton_room(const char *command, void *p, size_t need, size_t *cap, size_t size);

#endif
