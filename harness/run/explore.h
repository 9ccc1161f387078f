/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_RUN_EXPLORE_H
#define BATON_RUN_EXPLORE_H

/*
 * Exploring: schedules of faults, drawn by seed, each run over a pair with a tunnel in the lab sim,
 * and the nine laws judged over what came of it. A schedule that breaks a law is shrunk to the
 * shortest that still breaks the same one.
 *
 * A schedule is text, and the text is the schedule:
 *
 *	seed 17; out 40; in 30; b 350; 1200 off A; 1500 start A; 2000 lose B.eth2 30 400
 *
 * the seed of everything else that is drawn; packets a second outwards and inwards; B starts so many
 * milliseconds after A (negative: before); then steps, each at so many milliseconds after the tunnel
 * came up: what, to whom, how much, for how many milliseconds (0: to the end). The verbs are in explore_plan.c.
 *
 * The pair's timers are hello 100, hold 400 ms, `standby delay reload 1` (a router that restarts within
 * the hold time would be elected with nothing, RESTRICT-17), its replay-intervals 10 and 50 packets, its
 * transform AES-GCM, its group 19: quick, and near the edges that the laws are about.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/judge/judge.h"
#include "harness/lab/lab.h"

#define EXPLORE_STEPS 16
#define EXPLORE_TEXT 1024

enum explore_verb {
	EXPLORE_OFF,   /* member */
	EXPLORE_CRASH, /* member */
	EXPLORE_STOP,  /* member */
	EXPLORE_START, /* member; one that runs is left alone */
	EXPLORE_PULL,  /* port, milliseconds */
	EXPLORE_PART,  /* segment, milliseconds */
	EXPLORE_LOSE,  /* port, per cent, milliseconds */
	EXPLORE_COPY,
	EXPLORE_REORDER,
	EXPLORE_DELAY, /* port, milliseconds of delay, milliseconds */
	EXPLORE_STALL, /* port, milliseconds */
	EXPLORE_SLOW,  /* port, kilobytes a second, milliseconds */
	EXPLORE_REKEY, /* the peer, the pair */
	EXPLORE_PHASE1, /* the peer, the IKE SA */
	EXPLORE_PROBE, /* the peer asks for a sign of life */
	EXPLORE_VERBS
};

struct explore_step {
	uint32_t at; /* ms after the tunnel came up */
	enum explore_verb verb;
	unsigned object; /* member, port or segment */
	uint32_t amount;
	uint32_t span; /* ms */
};

struct explore_plan {
	uint64_t seed;
	uint32_t out, in; /* packets a second */
	int32_t b;	  /* ms */
	struct explore_step step[EXPLORE_STEPS];
	unsigned cnt;
};

/* ---- explore_plan.c: pure ---- */

void explore_draw(struct explore_plan *p, uint64_t seed);
/* false: *why, a literal, and *at, the place in the text. */
bool explore_parse(struct explore_plan *p, const char *text, const char **why, size_t *at);
void explore_text(const struct explore_plan *p, char dst[EXPLORE_TEXT]);

/* ---- explore.c ---- */

enum explore_end {
	EXPLORE_HELD,	/* no law is broken */
	EXPLORE_BROKEN, /* law, text */
	EXPLORE_NO_TUNNEL, /* the pair, undisturbed, did not bring up a tunnel */
	EXPLORE_DIED	/* a router, or the harness: an assertion, a hang */
};

struct explore_result {
	enum explore_end end;
	int law;
	const char *name; /* of the result: law 5 has two; a literal, NULL if none broke */
	char text[LAW_TEXT];
	unsigned broken; /* all the laws that broke, as bits; `law` is the first of them */
	uint64_t frames, digest; /* of the trace */
	ns_t span;		      /* of virtual time */
	uint64_t judged[LAWS_MAX];    /* by the number of the law: results that held */
	uint64_t suspended[LAWS_MAX]; /* and that a fault suspended */
	bool unwritten;		      /* the trace or its keys; why is on standard error */
};

/* Ended both the same way, by the same result of the same law? */
bool explore_alike(const struct explore_result *a, const struct explore_result *b);

struct explore_options {
	const char *mutant; /* NULL: none */
	const char *trace;  /* NULL, or where the trace is written; its keys go to this name and ".keys" */
	const char *logs;   /* NULL, or a folder that exists: configurations and logs of the routers */
};

/* One schedule, in this process. Deterministic but for the trace's path. */
void explore_run(const struct explore_plan *p, const struct explore_options *o,
	struct explore_result *r);
/* The same in a process of its own, which may die. */
void explore_try(const struct explore_plan *p, const struct explore_options *o,
	struct explore_result *r);
/* ---- explore_shrink.c ---- */

/* Make *p as short as it can be and still end as *r says; *r is then of the shortest. How many were tried. */
unsigned explore_shrink(struct explore_plan *p, const struct explore_options *o,
	struct explore_result *r);

#endif
