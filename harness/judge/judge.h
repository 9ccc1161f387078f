/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_JUDGE_JUDGE_H
#define BATON_JUDGE_JUDGE_H

/*
 * The laws: what has to hold over the whole trace of a pair, whatever was done to it (docs/laws.md).
 * judge_laws reads a frozen trace and the key ring, changes neither, and says for each
 * law how many packets it judged, whether it held, and if not: the law in words, what it expected,
 * what it saw, and the frames.
 *
 * A law with nothing to judge says so (LAW_NOTHING). A fault may suspend a law for as long as it lasts
 * and its effects do; which, is in one table in judge.c. What there is to judge then is set aside and
 * counted, and the result names the fault; where that was all, the law is LAW_SUSPENDED. Frame numbers in texts count from 1, as Wireshark
 * does; `frame` in the struct counts from 0, as the trace does.
 *
 * It does not judge a trace whose ports say nothing about the members (one read from a foreign
 * file): there every law has nothing to judge.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/keys/keyring.h"
#include "harness/trace/trace.h"
#include "ref/base/ip4.h"

#define LAWS_MAX 16
#define LAW_TEXT 512

/* The numbers of docs/laws.md. */
enum law_no {
	LAW_UNIQUENESS = 1,
	LAW_CONTINUITY,
	LAW_REPLAY,
	LAW_OWNER,
	LAW_OUTAGE,
	LAW_DPD,
	LAW_ROUTES,
	LAW_LIFETIMES,
	LAW_LEAK,
	LAW_END
};

enum law_verdict { LAW_HELD, LAW_BROKEN, LAW_NOTHING, LAW_SUSPENDED };

struct law_result {
	int law;	  /* its number in docs/laws.md, 1 to 9 */
	const char *name; /* a literal: "uniqueness" */
	uint64_t judged;  /* packets; of law 7 route changes */
	uint64_t aside;	  /* what a fault kept it from judging: take-overs, claims, packets */
	const char *fault, *why; /* the first such fault, and what it does; literals, or NULL */
	enum law_verdict verdict;
	size_t frame;	     /* that broke it, or TRACE_NONE */
	char text[LAW_TEXT]; /* what was expected and seen; a figure; or which fault suspended it */
};

struct laws_in {
	const struct trace *trace;	 /* borrowed */
	struct keyring *keys;		 /* borrowed; read only */
	ns_t hello, hold;		 /* of the pair */
	uint32_t replay_in, replay_out;	 /* its replay-intervals, packets */
	ns_t margin;			 /* on every instant */
	ns_t route_margin;		 /* what the kernel may take to change a route */
	ns_t dark_margin;		 /* what an outage may take beyond hold */
	uint32_t max_jump;		 /* numbers; 0: the description states none */
	uint32_t kb_steps;		 /* the volume is reported so often in its life; 0 = 64 */
	bool dynamic_map;		 /* routes go with the last SA */
	bool plain_sync;		 /* the sync channel goes without TLS (the lab sim) */
	struct ip4_net near, far;	 /* protected prefixes: inside, and behind the peer */
	unsigned skip;			 /* bit n: law n does not apply to this case */
};

/* Fills at most LAWS_MAX results; returns how many. Laws in `skip` are left out. Law 5 gives two:
 * the dark time, and whether anything had to be negotiated anew. */
size_t judge_laws(const struct laws_in *in, struct law_result *out);

/*
 * All of it but trace and keys as one line, for trace_note("laws ..."), and back: false if a word is
 * missing or is no number; then *in is as it was. cap: JUDGE_SETTINGS.
 */
#define JUDGE_SETTINGS 512
void judge_settings_put(const struct laws_in *in, char *text, size_t cap);
bool judge_settings_get(struct laws_in *in, const char *text);

#endif
