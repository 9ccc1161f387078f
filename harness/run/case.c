/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a case says, and how it is kept. The first deciding statement (a failed expectation, a
 * failure, "inconclusive", an error) settles the text and the facts; verdict.c makes the verdict
 * of them. Called by suites only, in the process of one case.
 */
#include "harness/run/case_in.h"
#include "harness/field/line.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_OF(buf, fmt)                                                                          \
	do {                                                                                       \
		va_list ap;                                                                        \
		va_start(ap, fmt);                                                                 \
		vsnprintf(buf, sizeof(buf), fmt, ap);                                              \
		va_end(ap);                                                                        \
	} while (0)

static struct case_suite *suites;

void
case_suite_add(struct case_suite *s)
{
	s->next = suites;
	suites = s;
}

const struct case_suite *
case_suites(void)
{
	return suites;
}

void
case_suites_back(const struct case_suite *then)
{
	while (suites != then)
		suites = suites->next;
}

const char *
case_level_name(enum case_level l)
{
	static const char *const names[] = {
		[CASE_MUST] = "MUST",
		[CASE_SHOULD] = "SHOULD",
		[CASE_MAY] = "MAY",
	};

	return names[l];
}

const char *
case_class_name(enum case_class c)
{
	static const char *const names[] = {
		[CASE_VALID] = "valid",
		[CASE_INVALID] = "invalid",
		[CASE_INOPPORTUNE] = "inopportune",
	};

	return names[c];
}

const char *
case_need_name(unsigned bit)
{
	switch (bit) {
	case CASE_TLS:
		return "tls";
	case CASE_KERNEL:
		return "kernel";
	case CASE_PROCESS:
		return "process";
	case CASE_GUEST:
		return "guest";
	}
	return "?";
}

const char *
case_lacks(const struct case_def *d, bool sim)
{
	if (!sim)
		return NULL;
	if (d->needs & CASE_TLS)
		return "the lab sim leaves TLS out";
	if (d->needs & CASE_KERNEL)
		return "the lab sim has no kernel of a member's own";
	if (d->needs & CASE_PROCESS)
		return "in the lab sim a member is no process";
	if (d->needs & CASE_GUEST)
		return "the lab sim takes no guests";
	return NULL;
}

enum outcome { FAILED, GAVE_UP, BROKE, MISSING };

/* The first one wins. */
static void
settle(struct case_run *c, enum outcome o, const char *text)
{
	if (c->over)
		return;
	c->over = true;
	switch (o) {
	case FAILED:
		c->facts.failed = true;
		break;
	case GAVE_UP:
		c->facts.gave_up = true;
		break;
	case BROKE:
		c->facts.setup_failed = true;
		break;
	case MISSING:
		c->facts.missing = true;
		break;
	}
	snprintf(c->reason, sizeof(c->reason), "%s", text);
}

bool
case_stalled(const struct case_run *c)
{
	return c->lab &&
	       (lab_late_ns(c->lab) >= CASE_STALL || lab_kernel_late_ns(c->lab) >= CASE_STALL);
}

bool
case_over(const struct case_run *c)
{
	return c->over;
}

void
case_fail(struct case_run *c, const char *fmt, ...)
{
	char text[CASE_TEXT];

	TEXT_OF(text, fmt);
	c->facts.checks++;
	settle(c, FAILED, text);
}

void
case_inconclusive(struct case_run *c, const char *fmt, ...)
{
	char text[CASE_TEXT];

	TEXT_OF(text, fmt);
	settle(c, GAVE_UP, text);
}

void
case_error(struct case_run *c, const char *fmt, ...)
{
	char text[CASE_TEXT];

	TEXT_OF(text, fmt);
	settle(c, BROKE, text);
}

static bool
expect(struct case_run *c, bool cond, const char *text)
{
	char more[CASE_TEXT];

	c->facts.checks++;
	if (!cond && case_stalled(c)) {
		snprintf(more, sizeof(more),
			"the lab stood still for %lld ms (the kernel for %lld), so roles may "
			"have moved by themselves: %.900s",
			(long long)ns_to_ms(lab_late_ns(c->lab)),
			(long long)ns_to_ms(lab_kernel_late_ns(c->lab)), text);
		settle(c, GAVE_UP, more);
	} else if (!cond) {
		settle(c, FAILED, text);
	}
	return cond;
}

bool
case_expect(struct case_run *c, bool cond, const char *fmt, ...)
{
	char text[CASE_TEXT];

	TEXT_OF(text, fmt);
	return expect(c, cond, text);
}

bool
case_expect_u64(struct case_run *c, uint64_t want, uint64_t got, const char *what)
{
	char text[CASE_TEXT];

	snprintf(text, sizeof(text), "%s: expected %" PRIu64 ", saw %" PRIu64, what, want, got);
	return expect(c, want == got, text);
}

bool
case_expect_text(struct case_run *c, const char *want, const char *got, const char *what)
{
	char text[CASE_TEXT];

	snprintf(text, sizeof(text), "%.300s: expected \"%.300s\", saw %s%.300s%s", what, want,
		got ? "\"" : "", got ? got : "nothing", got ? "\"" : "");
	return expect(c, got && strcmp(want, got) == 0, text);
}

static bool
timely(struct case_run *c, bool cond, const char *text)
{
	ns_t late = c->lab ? lab_late_ns(c->lab) : 0;
	char more[CASE_TEXT];

	if (cond || late < CASE_LATE)
		return expect(c, cond, text);
	snprintf(more, sizeof(more), "the lab was late by %lld ms, so this is not sure: %.900s",
		(long long)ns_to_ms(late), text);
	c->facts.checks++;
	settle(c, GAVE_UP, more);
	return false;
}

bool
case_expect_timely(struct case_run *c, bool cond, const char *fmt, ...)
{
	char text[CASE_TEXT];

	TEXT_OF(text, fmt);
	return timely(c, cond, text);
}

/* How much of an overrun the lab's own lateness could explain: delays add up along a chain of
 * frames. */
ns_t
case_excusable(struct case_run *c)
{
	ns_t late = c->lab ? lab_late_ns(c->lab) : 0;

	return late < CASE_LATE ? 0 : 10 * late;
}

bool
case_expect_paced(struct case_run *c, size_t seen, size_t least, size_t most, ns_t period,
	const char *what)
{
	size_t slack = (size_t)(case_excusable(c) / period);
	bool good = seen >= least && seen <= most;
	char text[CASE_TEXT];

	snprintf(text, sizeof(text), "%.300s: expected %zu to %zu, saw %zu", what, least, most, seen);
	if (!good && seen + slack >= least && seen <= most + slack)
		return timely(c, false, text);
	return expect(c, good, text);
}

bool
case_expect_within(struct case_run *c, ns_t seen, ns_t limit, const char *what)
{
	char text[CASE_TEXT];

	snprintf(text, sizeof(text), "%.300s: expected at most %.1f ms, saw %.1f ms", what,
		(double)limit / 1e6, (double)seen / 1e6);
	if (seen > limit && seen <= limit + case_excusable(c))
		return timely(c, false, text);
	return expect(c, seen <= limit, text);
}

/* What comes a little late, when the lab was late, is not sure; what does not come at all is a
 * failure. */
bool
case_await(struct case_run *c, const char *what, ns_t limit, bool (*pred)(void *), void *ctx)
{
	bool came = lab_until(c->lab, what, limit, pred, ctx);
	char text[CASE_TEXT];
	ns_t more;

	snprintf(text, sizeof(text), "%s", lab_waited(c->lab));
	more = came ? 0 : case_excusable(c);
	if (more && lab_until(c->lab, what, more, pred, ctx))
		return timely(c, false, text);
	return expect(c, came, text);
}

bool
case_reach(struct case_run *c, const char *what, ns_t limit, bool (*pred)(void *), void *ctx)
{
	bool came = lab_until(c->lab, what, limit, pred, ctx);
	char text[CASE_TEXT];

	snprintf(text, sizeof(text), "precondition: %s", lab_waited(c->lab));
	if (!came)
		settle(c, GAVE_UP, text);
	return came;
}

void
case_field(struct case_run *c, const char *field, const char *want, const char *got)
{
	json_array_append_new(c->fields,
		json_pack("{s:s, s:s, s:s}", "field", field, "expected", want, "seen", got));
}

void
case_figure(struct case_run *c, const char *name, double value, const char *unit)
{
	json_array_append_new(c->figures,
		json_pack("{s:s, s:f, s:s}", "name", name, "value", value, "unit", unit));
}

void
case_decided_by(struct case_run *c, size_t frame, const char *fmt, ...)
{
	char text[CASE_TEXT];

	TEXT_OF(text, fmt);
	if (frame == TRACE_NONE || !c->lab || frame >= trace_len(lab_trace(c->lab)))
		return;
	trace_comment(lab_trace(c->lab), frame, text);
	/* Wireshark counts from 1. */
	json_array_append_new(c->frames,
		json_pack("{s:I, s:s}", "number", (json_int_t)frame + 1, "comment", text));
}

void
case_note(struct case_run *c, const char *fmt, ...)
{
	char text[CASE_TEXT];

	TEXT_OF(text, fmt);
	json_array_append_new(c->notes, json_string(text));
}

void
case_at_end(struct case_run *c, void (*fn)(struct case_run *c, void *ctx), void *ctx)
{
	if (c->at_end_cnt == CASE_AT_END)
		abort();
	c->at_end[c->at_end_cnt].fn = fn;
	c->at_end[c->at_end_cnt].ctx = ctx;
	c->at_end_cnt++;
}

struct keyring *
case_ring(struct case_run *c)
{
	return &c->ring;
}

static _Noreturn void
leave_broken(struct case_run *c, const char *what)
{
	settle(c, BROKE, what);
	longjmp(c->leave, 1);
}

static void
over_time(void *ctx)
{
	struct case_run *c = ctx;

	c->over = false; /* whatever was said before, it hung after it */
	leave_broken(c, "the case ran out of its time");
}

void
case_needs(struct case_run *c, const char *program, const char *package)
{
	char text[CASE_TEXT];

	if (access(program, X_OK) == 0)
		return;
	snprintf(text, sizeof(text), "%.200s is not installed (package %.100s)", program, package);
	settle(c, MISSING, text);
	longjmp(c->leave, 1);
}

void
case_broken(struct case_run *c, const char *what)
{
	leave_broken(c, what);
}

/* `baton run --trace`: a line for each frame, and what became of it. */
static void
told(void *ctx, size_t no)
{
	struct case_run *c = ctx;
	struct trace *t = lab_trace(c->lab);
	const struct frame *f = trace_frame(t, no), *first = trace_frame(t, 0);
	char line[LINE_CAP];

	dprintf(c->env->follow, "%6zu %10.6f %-7s %s%s%s%s\n", no + 1,
		(double)(f->at - first->at) / (double)NS_PER_S, trace_port(t, f->port)->name,
		line_frame(f->bytes, f->len, line, sizeof(line)),
		f->fate & FATE_LOST ? " [lost]" : "", f->fate & FATE_DELAYED ? " [delayed]" : "",
		f->fate & (FATE_PARTED | FATE_UNPLUGGED) ? " [cut off]" : "");
}

unsigned
case_limit_s(const struct case_def *def, const struct case_env *env)
{
	return env && env->limit_s ? env->limit_s : def->limit_s ? def->limit_s : 60;
}

struct lab *
case_lab(struct case_run *c, const struct lab_text *knobs)
{
	struct lab_config cfg = {
		.sim = c->env->sim,
		.twind = c->env->twind,
		.mutant = c->env->mutant,
		.out_dir = c->env->dir,
		.seed = c->env->seed,
		.keylog = true,
	};
	char *text[LAB_MEMBERS] = {NULL}, err[LAB_ERR] = "";

	if (c->lab)
		return c->lab;
	if (knobs)
		c->knobs = *knobs;
	for (int m = 0; m < LAB_MEMBERS; m++)
		cfg.text[m] = text[m] = lab_text(&c->knobs, (enum lab_member)m);
	c->lab = lab_open(&cfg, err);
	for (int m = 0; m < LAB_MEMBERS; m++)
		free(text[m]);
	if (!c->lab)
		leave_broken(c, err);
	if (c->env->follow >= 0)
		lab_follow(c->lab, told, c);
	lab_limit(c->lab, lab_now(c->lab) + ns_from_s(case_limit_s(c->def, c->env)), over_time, c);
	return c->lab;
}

void
case_start(struct case_run *c, enum lab_member m)
{
	char err[LAB_ERR];

	if (!lab_start(case_lab(c, NULL), m, err))
		leave_broken(c, err);
}
