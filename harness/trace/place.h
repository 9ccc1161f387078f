/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_TRACE_PLACE_H
#define BATON_TRACE_PLACE_H

/*
 * Where a file is written that somebody asked for by name. A regular file, there or not yet, is
 * written beside itself as NAME.part and takes its name when it is whole: what stood there stays
 * until then. A link stays one: what it points to is written so. A device, a pipe or a socket
 * cannot be replaced, and is written itself, as it comes; so is standard output, by the name "-".
 */
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#define PLACE_ERR 256

struct place {
	FILE *f;   /* to be written to */
	int error; /* errno of the first write that failed, if who writes noted it; 0 */
	bool to_stdout, by_part;
	char path[PATH_MAX], part[PATH_MAX + 8];
};

/* False and a text in err (PLACE_ERR octets) that begins with the path. */
bool place_open(struct place *p, const char *path, char *err);
/* Finish. False and a text in err if it could not be written whole; then no file is left (a device
 * or pipe has what was written by then). */
bool place_close(struct place *p, char *err);
/* Give it up: no file is left. */
void place_drop(struct place *p);
/*
 * Before a long work: could place_open write there now? Nothing is left behind, and what is there
 * is not touched. False and a text in err.
 */
bool place_check(const char *path, char *err);

#endif
