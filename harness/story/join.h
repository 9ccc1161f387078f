/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_STORY_JOIN_H
#define BATON_STORY_JOIN_H

/*
 * Several captures as one, in the order of time: each is read as it comes, one frame ahead. Their
 * clocks are believed. A file that breaks off is left out from there on, and its error is kept.
 */
#include <stdbool.h>

#include "harness/trace/capture.h"

#define JOIN_FILES 16

struct join;

/* All are opened, and the first frame of each is read. NULL and a text in err (CAPTURE_ERR octets)
 * if one cannot be opened, or there are more than JOIN_FILES. */
struct join *join_open(char *const *paths, unsigned cnt, char *err);
void join_close(struct join *j);
/* False at the end of all. The frame and the port's name (or NULL) are borrowed until the next call. */
bool join_next(struct join *j, unsigned *file, struct capture_frame *f, const char **port);
/* A file's capture, for its comments and secrets; borrowed. */
const struct capture *join_capture(const struct join *j, unsigned file);
/* "" while nothing is wrong with it. */
const char *join_error(const struct join *j, unsigned file);

#endif
