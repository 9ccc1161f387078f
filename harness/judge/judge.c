/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The court: the scene is read once, each law is asked, and one table says which fault suspends
 * which law: on these lines, for as long as it lasts and a while longer. A law finds its own
 * exceptions (a partition parts a segment, a cable hides numbers) where the table would say too
 * much.
 */
#include "harness/judge/judge.h"

#include <stdio.h>

#include "harness/judge/judge_in.h"

/*
 * Suspensions: what the fault makes impossible, or makes another law, on the segments given. A
 * delay counts above `margin` of the description. 1, 2, 6, 8 and 9 hold under every fault. Law 4
 * deals with partitions by itself: they make two segments. Law 5 asks of a copy only what the sync
 * channel proved to have arrived, so that a bad sync line does not suspend it.
 */
#define BLURRED (1u << LAW_OWNER | 1u << LAW_OUTAGE | 1u << LAW_ROUTES)

static const struct {
	enum trace_event_kind fault;
	unsigned segments, laws; /* bits */
	const char *why;
} suspensions[] = {
	{EVENT_PARTITION, HSRP_LINES, 1u << LAW_OUTAGE | 1u << LAW_ROUTES | 1u << LAW_REPLAY,
		"a split brain: two actives, each rightly so"},
	{EVENT_LOSS, HSRP_LINES, BLURRED, "Hellos and packets are lost at random"},
	{EVENT_CORRUPT, HSRP_LINES, BLURRED, "Hellos and packets are spoilt at random"},
	{EVENT_DELAY, HSRP_LINES, BLURRED, "Hellos and packets come later than any margin"},
	{EVENT_SLOW, HSRP_LINES, BLURRED, "Hellos and packets wait for the line"},
	{EVENT_STALL, HSRP_LINES, BLURRED, "Hellos and packets wait for the line"},
	{EVENT_PARTITION, SYNC_LINE, 1u << LAW_REPLAY, "the copy is as old as the line is parted"},
	{EVENT_DELAY, SYNC_LINE, 1u << LAW_REPLAY, "the copy lags by more than any margin"},
	{EVENT_SLOW, SYNC_LINE, 1u << LAW_REPLAY, "the copy lags as far as the line is slow"},
	{EVENT_STALL, SYNC_LINE, 1u << LAW_REPLAY, "the copy is as old as the line stands"},
};

static const struct {
	enum law_no law;
	const char *name;
	void (*judge)(const struct scene *s, struct law_result *r);
	const char *idle; /* what is missing in a trace that gives it nothing to judge */
} laws[] = {
	{LAW_UNIQUENESS, "uniqueness", uniqueness_judge, "no ESP comes from the pair"},
	{LAW_CONTINUITY, "continuity", continuity_judge,
		"no member goes on with an SA of the other"},
	{LAW_REPLAY, "no replay", replay_judge,
		"no packet that came in through ESP was seen inside"},
	{LAW_OWNER, "one owner", owner_judge, "nobody claims a virtual address"},
	{LAW_OUTAGE, "outage", outage_judge,
		"no stream of numbered packets runs across a take-over by a standby that was "
		"ready"},
	{LAW_OUTAGE, "nothing anew", anew_judge,
		"no take-over by a standby that was ready has ESP or IKE behind it"},
	{LAW_DPD, "dpd", dpd_judge, "no DPD of the pair was opened"},
	{LAW_ROUTES, "routes", routes_judge, "no route changed"},
	{LAW_LIFETIMES, "lifetimes", lifetimes_judge,
		"no use by the pair of an SA whose life is known"},
	{LAW_LEAK, "no leak", leak_judge, "the pair sends nothing outside"},
};

_Static_assert(sizeof(laws) / sizeof(laws[0]) <= LAWS_MAX, "room for a result of each law");

/* How long after its end a fault is felt. Law 4 counts from the end by itself. */
static ns_t
settles_in(const struct scene *s, int law)
{
	return law == LAW_OWNER ? 0
				: s->in->hello + s->in->hello / 10 + s->in->margin + s->in->hold;
}

static bool
suspends(const struct scene *s, const struct scene_span *p, size_t row, int law, unsigned segments)
{
	if (p->kind != suspensions[row].fault || !(suspensions[row].laws & 1u << law))
		return false;
	if (p->kind == EVENT_DELAY && (ns_t)p->value * NS_PER_US <= s->in->margin)
		return false;
	return suspensions[row].segments & segments & 1u << p->segment;
}

static const char *
suspended_by(const struct scene *s, const struct scene_span *p, int law, unsigned segments)
{
	for (size_t i = 0; i < sizeof(suspensions) / sizeof(suspensions[0]); i++)
		if (suspends(s, p, i, law, segments))
			return suspensions[i].why;
	return NULL;
}

bool
judge_sets_aside(const struct scene *s, struct law_result *r, unsigned segments, ns_t from, ns_t to)
{
	for (size_t i = 0; i < s->span_cnt; i++) {
		const struct scene_span *p = &s->span[i];
		const char *why = suspended_by(s, p, r->law, segments);

		if (!why || !scene_overlaps(p, from - settles_in(s, r->law), to))
			continue;
		if (!r->aside++) {
			r->fault = trace_event_name(p->kind);
			r->why = why;
		}
		return true;
	}
	return false;
}

ns_t
judge_clear_from(const struct scene *s, int law, unsigned segments, ns_t at, ns_t len)
{
	ns_t was, settle = settles_in(s, law);

	do {
		was = at;
		for (size_t i = 0; i < s->span_cnt && at != NS_NEVER; i++)
			if (scene_overlaps(&s->span[i], at - settle, at + len) &&
				suspended_by(s, &s->span[i], law, segments))
				at = s->span[i].to == NS_NEVER ? NS_NEVER
							       : s->span[i].to + settle + 1;
	} while (at != was);
	return at;
}

ns_t
judge_last_end(const struct scene *s, int law, unsigned segments, ns_t at)
{
	ns_t last = 0;

	for (size_t i = 0; i < s->span_cnt; i++)
		if (s->span[i].to <= at && s->span[i].to > last &&
			suspended_by(s, &s->span[i], law, segments))
			last = s->span[i].to;
	return last;
}

static struct law_result
ask(const struct scene *s, size_t i)
{
	struct law_result r = {.law = (int)laws[i].law,
		.name = laws[i].name,
		.verdict = LAW_NOTHING,
		.frame = TRACE_NONE};

	laws[i].judge(s, &r);
	if (r.verdict == LAW_BROKEN)
		return r;
	if (r.judged) {
		r.verdict = LAW_HELD;
		if (r.aside)
			scene_note(&r, "%llu set aside by %s: %s", (unsigned long long)r.aside,
				r.fault, r.why);
	} else if (r.aside) {
		r.verdict = LAW_SUSPENDED;
		snprintf(r.text, sizeof(r.text), "suspended by %s: %s", r.fault, r.why);
	} else if (!r.text[0]) {
		snprintf(r.text, sizeof(r.text), "nothing to judge: %s", laws[i].idle);
	}
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
