/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The court: the scene is read once, each law is asked, and one table says which fault suspends
 * which law. A law that a fault suspends is not asked from then on in silence: its result names the
 * fault. A law finds its own exceptions (a partition parts a segment, a cable hides numbers) where
 * the table would say too much.
 */
#include "harness/judge/judge.h"

#include <stdio.h>

#include "harness/judge/judge_in.h"

/*
 * Suspensions: what the fault makes impossible, or makes another law, on the segments given. A fault
 * of a size counts above `margin` of the description. 1, 2 (but for the size of
 * the jump), 6, 8 and 9 hold under every fault. Law 4 deals with partitions by itself: they make
 * two segments.
 */
enum { HSRP_LINES = 1u << SEG_OUTSIDE | 1u << SEG_INSIDE, SYNC_LINE = 1u << SEG_SYNC };
#define ANYWHERE (HSRP_LINES | SYNC_LINE)

static const struct {
	enum trace_event_kind fault;
	unsigned segments, laws; /* bits */
	const char *why;
} suspensions[] = {
	{EVENT_PARTITION, ANYWHERE, 1u << LAW_OUTAGE | 1u << LAW_ROUTES | 1u << LAW_REPLAY,
		"a split brain: two actives, each rightly so"},
	{EVENT_LOSS, ANYWHERE, 1u << LAW_OWNER | 1u << LAW_OUTAGE | 1u << LAW_ROUTES,
		"Hellos and packets are lost at random"},
	{EVENT_CORRUPT, ANYWHERE, 1u << LAW_OWNER | 1u << LAW_OUTAGE | 1u << LAW_ROUTES,
		"Hellos and packets are spoilt at random"},
	{EVENT_DELAY, HSRP_LINES, 1u << LAW_OWNER | 1u << LAW_OUTAGE | 1u << LAW_ROUTES,
		"Hellos and packets come later than any margin"},
	{EVENT_SLOW, HSRP_LINES, 1u << LAW_OWNER | 1u << LAW_OUTAGE | 1u << LAW_ROUTES,
		"Hellos and packets wait for the line"},
	{EVENT_STALL, HSRP_LINES, 1u << LAW_OWNER | 1u << LAW_OUTAGE | 1u << LAW_ROUTES,
		"Hellos and packets wait for the line"},
	{EVENT_DELAY, SYNC_LINE, 1u << LAW_REPLAY, "the copy lags by more than any margin"},
	{EVENT_SLOW, SYNC_LINE, 1u << LAW_OUTAGE | 1u << LAW_REPLAY,
		"the copy lags as far as the line is slow"},
	{EVENT_STALL, SYNC_LINE, 1u << LAW_OUTAGE | 1u << LAW_REPLAY,
		"the copy is as old as the line stands"},
	{EVENT_EXIT, ANYWHERE, 1u << LAW_OUTAGE, "a member ended by itself"},
};

static const struct {
	enum law_no law;
	const char *name;
	void (*judge)(const struct scene *s, struct law_result *r);
	const char *idle; /* what is missing in a trace that gives it nothing to judge */
} laws[] = {
	{LAW_UNIQUENESS, "uniqueness", uniqueness_judge,
		"no ESP comes from the pair"},
	{LAW_CONTINUITY, "continuity", continuity_judge,
		"no member goes on with an SA of the other"},
	{LAW_REPLAY, "no replay", replay_judge,
		"no packet that came in through ESP was seen inside"},
	{LAW_OWNER, "one owner", owner_judge,
		"nobody claims a virtual address"},
	{LAW_OUTAGE, "outage", outage_judge,
		"no stream of numbered packets runs across a take-over by a standby that was ready"},
	{LAW_OUTAGE, "nothing anew", anew_judge,
		"no take-over by a standby that was ready has ESP or IKE behind it"},
	{LAW_DPD, "dpd", dpd_judge,
		"no DPD of the pair was opened"},
	{LAW_ROUTES, "routes", routes_judge,
		"no route changed"},
	{LAW_LIFETIMES, "lifetimes", lifetimes_judge,
		"no ESP of the pair on an SA whose life is known"},
	{LAW_LEAK, "no leak", leak_judge,
		"the pair sends nothing outside"},
};

_Static_assert(sizeof(laws) / sizeof(laws[0]) <= LAWS_MAX, "room for a result of each law");

/* Both members without power or process at once: nobody is left to keep an outage short. */
static bool
both_down(const struct scene *s)
{
	for (size_t i = 0; i < trace_events(s->t); i++) {
		const struct trace_event *e = trace_event(s->t, i);
		bool down = e->kind == EVENT_POWER_OFF || e->kind == EVENT_CRASH ||
			e->kind == EVENT_STOP;

		if (down && !scene_live(s, SIDE_A, e->at) && !scene_live(s, SIDE_B, e->at))
			return true;
	}
	return false;
}

static bool
counts(const struct scene *s, const struct trace_event *e, unsigned segments)
{
	if (e->kind == EVENT_EXIT)
		return true;
	if (e->kind == EVENT_DELAY && (ns_t)e->value * NS_PER_US <= s->in->margin)
		return false;
	return segments & 1u << e->segment;
}

/* Why the law is suspended; NULL if it is not. */
static const char *
suspended(const struct scene *s, enum law_no law, const char **fault)
{
	for (size_t i = 0; i < trace_events(s->t); i++)
		for (size_t j = 0; j < sizeof(suspensions) / sizeof(suspensions[0]); j++) {
			if (trace_event(s->t, i)->kind != suspensions[j].fault ||
				!(suspensions[j].laws & 1u << law) ||
				!counts(s, trace_event(s->t, i), suspensions[j].segments))
				continue;
			*fault = trace_event_name(suspensions[j].fault);
			return suspensions[j].why;
		}
	*fault = "crash";
	if (law == LAW_OUTAGE && both_down(s))
		return "both members are down";
	return NULL;
}

static struct law_result
ask(const struct scene *s, size_t i)
{
	struct law_result r = {.law = (int)laws[i].law, .name = laws[i].name,
		.verdict = LAW_NOTHING, .frame = TRACE_NONE};
	const char *fault, *why = suspended(s, laws[i].law, &fault);

	if (why) {
		r.verdict = LAW_SUSPENDED;
		snprintf(r.text, sizeof(r.text), "suspended by %s: %s", fault, why);
		return r;
	}
	laws[i].judge(s, &r);
	if (r.verdict == LAW_NOTHING && r.judged)
		r.verdict = LAW_HELD;
	else if (r.verdict == LAW_NOTHING && !r.text[0])
		snprintf(r.text, sizeof(r.text), "nothing to judge: %s", laws[i].idle);
	return r;
}

size_t
judge_laws(const struct laws_in *in, struct law_result *out)
{
	struct scene s;
	size_t cnt = 0;

	scene_init(&s, in);
	for (size_t i = 0; i < sizeof(laws) / sizeof(laws[0]); i++)
		if (!(in->skip & 1u << laws[i].law))
			out[cnt++] = ask(&s, i);
	scene_free(&s);
	return cnt;
}
