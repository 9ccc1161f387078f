/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The nine laws as far as a foreign capture can decide them. A law without a breach and without a
 * packet that it could judge is inconclusive, and says what was missing: a take-over, a key, the
 * inside. What is not a member's own doing (copies made on the way, what no key opens) breaks none.
 */
#include "harness/story/story_in.h"

#include <stdio.h>

static void
set(struct story *s, struct law_result *r, int slot, const char *name, const char *why)
{
	const struct law_note *n = &s->law[slot];

	*r = (struct law_result){.law = slot ? slot : LAW_OUTAGE,
		.name = name,
		.judged = n->judged,
		.verdict = n->broken   ? LAW_BROKEN
			   : n->judged ? LAW_HELD
				       : LAW_NOTHING,
		.frame = n->broken ? n->frame : TRACE_NONE};
	snprintf(r->text, sizeof(r->text), "%s", n->broken ? n->text : n->judged ? "" : why);
}

static bool
any_of_pair(const struct story *s)
{
	for (uint32_t i = 0; i < s->esp_cnt; i++)
		if (s->esp[i].sender >= 0)
			return true;
	return false;
}

static const char *
no_continuity(const struct story *s)
{
	if (!s->sum.esp)
		return "there is no ESP";
	if (!s->group_cnt && !s->in.ours)
		return "no member's segment: nobody speaks HSRP, so that senders are not known";
	if (!any_of_pair(s))
		return "no ESP comes from a member";
	return "no member goes on with an SA of the other";
}

static void
count_copies(struct story *s, struct law_result *r)
{
	uint64_t same = 0, old = 0;

	for (uint32_t i = 0; i < s->esp_cnt; i++) {
		same += s->esp[i].e.same;
		old += s->esp[i].e.old;
	}
	if (r->verdict == LAW_HELD && (same || old))
		snprintf(r->text, sizeof(r->text),
			"%llu identical copies; %llu numbers older than a window of %d, which "
			"could not be "
			"compared",
			(unsigned long long)same, (unsigned long long)old, STORY_WINDOW);
}

static const char *
no_outage(const struct story *s)
{
	if (!s->group_cnt)
		return "no member's segment: nobody speaks HSRP";
	if (!s->take_cnt)
		return "nobody was lost";
	return "no member was lost with a Standby ready and a hold time known in seconds";
}

static void
judge_anew(struct story *s, struct law_result *r)
{
	bool esp = s->sum.esp > 0, take = s->take_cnt > 0;

	if (!s->law[0].broken && !s->anew && take && esp)
		for (unsigned i = 0; i < s->take_cnt && i < TAKES; i++)
			s->law[0].judged += s->take[i].lost;
	set(s, r, 0, "nothing anew",
		!take	  ? "there is no take-over"
		: !esp	  ? "there is no ESP that could go on"
		: s->anew ? "a Main Mode began within a minute of a take-over, and whether it was "
			    "due "
			    "cannot be seen"
			  : "no member was lost");
	if (r->verdict == LAW_HELD)
		snprintf(r->text, sizeof(r->text), "no Main Mode within a minute of a take-over");
}

static void
judge_owner(struct story *s, struct law_result *r)
{
	if (!s->law[LAW_OWNER].broken && !s->split)
		s->law[LAW_OWNER].judged = s->active_hellos;
	set(s, r, LAW_OWNER, "one owner",
		s->split ? "two Actives, each on a segment of its own: whether these were parted "
			   "cannot be seen"
			 : "no member's segment: nobody speaks HSRP");
}

/* What is missing where a law needs opened IKE; NULL if some was opened. */
static const char *
no_ike(const struct story *s)
{
	if (!s->sum.isakmp)
		return "there is no IKE";
	if (!s->in.keys || !s->in.keys->ike_cnt)
		return "no key of an IKE SA";
	return s->ike_opened ? NULL : "no IKE was opened by the keys that are there";
}

static bool
some_keys(const struct story *s)
{
	return s->in.keys && (s->in.keys->ike_cnt || s->in.keys->esp_cnt);
}

static const char *
no_replay(const struct story *s)
{
	bool opened = false;

	for (uint32_t i = 0; i < s->esp_cnt; i++)
		opened |= s->esp[i].e.opened > 0;
	if (!s->sum.esp)
		return "there is no ESP";
	if (!some_keys(s))
		return "no keys";
	return opened ? "no packet that came in for a virtual address was seen to come out inside"
		      : "no ESP was opened by the keys that are there";
}

static void
judge_replay(struct story *s, struct law_result *r)
{
	set(s, r, LAW_REPLAY, "no replay", no_replay(s));
	if (r->verdict != LAW_HELD || !s->let_in_again)
		return;
	r->verdict = LAW_NOTHING;
	snprintf(r->text, sizeof(r->text),
		"%llu packets were let in again, by another member or after a take-over: whether "
		"the inbound interval allows that is not known",
		(unsigned long long)s->let_in_again);
}

static const char *
no_dpd(const struct story *s)
{
	const char *why = no_ike(s);

	if (why)
		return why;
	if (!s->group_cnt && !s->in.ours)
		return "no member's segment: which end is the pair is not known";
	return s->dpd_closed ? "no key opens its Informational exchanges" : "there is no DPD";
}

static const char *
no_lifetimes(const struct story *s)
{
	const char *why = no_ike(s);

	if (!s->sum.esp)
		return "there is no ESP";
	return why ? why : "no Quick Mode that was opened says the life of an SA that is used";
}

static const char *
no_leak(const struct story *s)
{
	const char *why = no_ike(s);

	if (why)
		return why;
	if (!s->sel_cnt)
		return "no Quick Mode that was opened says what is to be protected";
	return s->sum.esp ? "no ESP is known to come from a member behind a MAC of its own"
			  : "there is no ESP";
}

size_t
story_laws(struct story *s, struct law_result *out)
{
	size_t n = 0;

	set(s, &out[n++], LAW_UNIQUENESS, "uniqueness",
		s->sum.esp ? "no ESP comes from the pair" : "there is no ESP");
	count_copies(s, &out[0]);
	set(s, &out[n++], LAW_CONTINUITY, "continuity", no_continuity(s));
	judge_replay(s, &out[n++]);
	judge_owner(s, &out[n++]);
	set(s, &out[n++], LAW_OUTAGE, "outage", no_outage(s));
	judge_anew(s, &out[n++]);
	set(s, &out[n++], LAW_DPD, "dpd", no_dpd(s));
	set(s, &out[n++], LAW_ROUTES, "routes", "a capture shows no routes");
	set(s, &out[n++], LAW_LIFETIMES, "lifetimes", no_lifetimes(s));
	set(s, &out[n++], LAW_LEAK, "no leak", no_leak(s));
	return n;
}
