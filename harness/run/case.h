/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_RUN_CASE_H
#define BATON_RUN_CASE_H

/*
 * A case, and what it may say.
 *
 * A suite file (suites/<area>/s<clause>_<name>.c) holds run functions and one const table:
 *
 *	static const struct case_def cases[] = {
 *		{
 *			.id = "hsrp/2281-5.7/12",
 *			.requirement = "RFC 2281, 5.7",
 *			.level = CASE_MUST,
 *			.class_ = CASE_VALID,
 *			.says = "A standby router whose Active timer expires becomes active.",
 *			.mutant = "hsrp-deaf-active-timer",
 *			.run = standby_takes_over,
 *		},
 *	};
 *	CASE_SUITE(cases)
 *
 * The function runs in a process, in namespaces and in a lab of its own. The first deciding
 * statement wins: what is said after a failure or after "inconclusive" is ignored, and
 * case_expect and its kin return the truth of their condition so that a function can leave.
 * A function that returns without having evaluated one expectation is an error, not a pass.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/keys/keyring.h"
#include "harness/lab/lab.h"
#include "harness/run/verdict.h"

enum case_level { CASE_MUST, CASE_SHOULD, CASE_MAY };
enum case_class { CASE_VALID, CASE_INVALID, CASE_INOPPORTUNE };

/*
 * What a case needs beyond what every lab has, as bits; a lab that lacks it skips the case. Most need
 * nothing: the lab `sim` has all but these.
 */
enum {
	CASE_TLS = 1,	  /* the sync channel's protection itself */
	CASE_KERNEL = 2,  /* a member's real kernel */
	CASE_PROCESS = 4, /* the router as a process: its descriptors, signals, memory */
	CASE_GUEST = 8,	  /* other people's programs (guest.h) */
	CASE_NEEDS = 16
};

struct case_run;

struct case_def {
	const char *id;		 /* "hsrp/2281-5.7/12" */
	const char *requirement; /* "RFC 2281, 5.7" */
	enum case_level level;
	enum case_class class_;
	const char *says;   /* the sentence that it checks */
	const char *mutant; /* the mutant that it kills */
	void (*run)(struct case_run *c);
	unsigned needs;	     /* CASE_TLS and its kin */
	unsigned limit_s;    /* 0 = 60: seconds of the lab's clock for the whole case */
	unsigned needs_laws; /* bit n: law n must have judged something, else inconclusive */
	unsigned skips_laws; /* bit n: law n does not apply: the case itself breaks it on purpose */
};

/*
 * Make a table known to the runner: before main, and when a .so is opened (`baton run --suite`).
 * CASE_INTERFACE changes whenever a suite that was compiled against these headers would not fit any
 * more.
 */
#define CASE_INTERFACE 1
#define CASE_SUITE(table)                                                                          \
	static struct case_suite suite_of_##table = {                                              \
		(table), sizeof(table) / sizeof((table)[0]), CASE_INTERFACE,                       \
		sizeof(struct case_def), __FILE__, NULL};                                          \
	__attribute__((constructor)) static void suite_add_##table(void)                           \
	{                                                                                          \
		case_suite_add(&suite_of_##table);                                                 \
	}

struct case_suite {
	const struct case_def *cases; /* borrowed for ever */
	size_t cnt;
	unsigned interface; /* that it was compiled against */
	size_t def_size;
	const char *file; /* its source */
	struct case_suite *next;
};
void case_suite_add(struct case_suite *s);

const char *case_level_name(enum case_level l); /* "MUST" */
const char *case_class_name(enum case_class c); /* "valid" */
const char *case_need_name(unsigned bit);	/* CASE_TLS: "tls" */
/* NULL, or why the case cannot be run in that lab: "the lab sim has no TLS...". */
const char *case_lacks(const struct case_def *d, bool sim);

/* ---- for run functions ---- */

#define CASE_PRINTF(f, a) __attribute__((format(printf, f, a)))

/*
 * The lab of this case, opened at the first call, with the runner's program, mutant, seed and
 * folder; knobs for A and B (NULL = standard). Members do not run yet. If it cannot be set up the
 * case ends here with the verdict error; so the result is never NULL.
 */
struct lab *case_lab(struct case_run *c, const struct lab_text *knobs);
/* Start a member; a failure ends the case with the verdict error. */
void case_start(struct case_run *c, enum lab_member m);

/* The case needs a program that others wrote: if it is not there, the case is skipped, with the
 * reason; does not return then. */
void case_needs(struct case_run *c, const char *program, const char *package);
/* The lab cannot be set up as the case needs it: the verdict error; does not return. */
_Noreturn void case_broken(struct case_run *c, const char *what);

/* An expectation of the case itself; fmt says what was expected and what was seen. */
bool case_expect(struct case_run *c, bool cond, const char *fmt, ...) CASE_PRINTF(3, 4);
/* The same on numbers and texts: "expected 5, saw 7: <what>". */
bool case_expect_u64(struct case_run *c, uint64_t want, uint64_t got, const char *what);
bool case_expect_text(struct case_run *c, const char *want, const char *got, const char *what);
/* For a verdict on time: a failure while the lab was late by 20 ms or more is inconclusive. */
bool case_expect_timely(struct case_run *c, bool cond, const char *fmt, ...) CASE_PRINTF(3, 4);
/* A measured span against its limit: inconclusive only where the lab's lateness can explain the
 * rest. */
bool case_expect_within(struct case_run *c, ns_t seen, ns_t limit, const char *what);
/* So many of what comes once a period, counted over a time: inconclusive only where the lab's
 * lateness can explain what is missing, or too many. */
bool case_expect_paced(struct case_run *c, size_t seen, size_t least, size_t most, ns_t period,
	const char *what);
/* Wait, and expect that it happens; the text is built from what was waited for. */
bool case_await(struct case_run *c, const char *what, ns_t limit, bool (*pred)(void *), void *ctx);
/* Wait for a precondition: if it does not come, the case is inconclusive. */
bool case_reach(struct case_run *c, const char *what, ns_t limit, bool (*pred)(void *), void *ctx);

void case_fail(struct case_run *c, const char *fmt, ...) CASE_PRINTF(2, 3);
void case_inconclusive(struct case_run *c, const char *fmt, ...) CASE_PRINTF(2, 3);
void case_error(struct case_run *c, const char *fmt, ...) CASE_PRINTF(2, 3);
/* True once something was decided: time to leave. */
bool case_over(const struct case_run *c);

/* A difference in a field, told with the failure; before or after it. */
void case_field(struct case_run *c, const char *field, const char *want, const char *got);
/* A number that the report shows whatever the verdict: "outage", 412.0, "ms". */
void case_figure(struct case_run *c, const char *name, double value, const char *unit);
/* This frame decided: it gets the comment in the capture, and its number is in the report. */
void case_decided_by(struct case_run *c, size_t frame, const char *fmt, ...) CASE_PRINTF(3, 4);
/* A remark for the log of the case. */
void case_note(struct case_run *c, const char *fmt, ...) CASE_PRINTF(2, 3);
/* Called after the run function and before the laws, in reverse order (free a peer, add keys). */
void case_at_end(struct case_run *c, void (*fn)(struct case_run *c, void *ctx), void *ctx);
/* The key ring of the case (borrowed): a peer adds its keys, the members' key logs are read into it
 * at the end, and the key files in the case's folder are made from it. */
struct keyring *case_ring(struct case_run *c);

#endif
