/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_REPORT_LIVE_H
#define BATON_REPORT_LIVE_H

/*
 * The live line: what runs now, redrawn in place on a terminal. Off one it draws nothing, so that a
 * log has plain lines alone. Whoever writes another line clears it first.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define LIVE_RUNNING 64

struct live {
	FILE *to;
	bool on;
	size_t of, done, bad;
	unsigned width; /* columns */
	const char *running[LIVE_RUNNING]; /* borrowed */
	size_t cnt;
};

/* Draws only if `to` is a terminal that can (TERM is set, and not "dumb"). */
void live_init(struct live *l, FILE *to, size_t of);
void live_begin(struct live *l, const char *id);
void live_end(struct live *l, const char *id, bool bad);
void live_clear(struct live *l);
void live_draw(struct live *l);

#endif
