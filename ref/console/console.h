/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_CONSOLE_CONSOLE_H
#define BATON_CONSOLE_CONSOLE_H

/*
 * What an operator sees of a router and says to it: the commands, in one table (console.c), what
 * `show` shows (show.c), and notes and keys as lines of a log (tell.c).
 *
 * Whoever runs a node, on Linux or under a virtual clock, fills in a struct console for each line.
 * Everything is borrowed for the call. Nothing here asks a clock or does I/O; memory is malloc's.
 */
#include "ref/node/node.h"

#define CONSOLE_COUNTS 24

struct console {
	struct node *node;
	const struct cfg *cfg; /* in force */
	const char *version;
	ns_t now, started;
	bool channel_up; /* the sync channel's connection is there, and between which ports */
	uint16_t local_port, remote_port;
	struct console_count {
		const char *name;
		uint64_t value;
	} system[CONSOLE_COUNTS]; /* what did not get through, by reason */
	unsigned system_cnt;
	void *ctx;
	/* One step of the node, now. */
	void (*feed)(void *ctx, const struct node_in *in);
	/* Put lines in force: alone (`whole`), or added to what is there. false: *why, malloc'd or NULL. */
	bool (*configure)(void *ctx, const char *text, bool whole, char **why);
	void (*log)(void *ctx, const char *line);
	void (*clear_counters)(void *ctx); /* of the caller's own */
};

/* Answer one line, with what follows it; text or JSON into *out (malloc'd, the caller frees). */
void console_answer(const struct console *k, const char *line, const char *body, char **out);

/* ---- tell.c: lines without a line end; dst gets at most cap octets with the NUL ---- */

#define TELL_MAX (8 * SECRET_MAX)

void tell_note(const struct node_note *n, char *dst, size_t cap);
void tell_route(bool add, struct ip4_net net, char *dst, size_t cap);
/* Lines of a key log; dst (TELL_MAX octets) is for wipe. An SA pair has two: 0 inbound, 1 outbound. */
void tell_ike_keys(const struct ike_export *x, char *dst, size_t cap);
void tell_esp_keys(const struct node_pair *p, unsigned way, char *dst, size_t cap);

#endif
