/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HSRP in the story (RFC 2281 5.1 to 5.5): who speaks, who becomes what, who falls silent, and
 * whether an heir waited for the hold time that the lost one announced. Real routers send
 * extra Hellos and are up to 1 % early; that is allowed for. A hold time is known in seconds only:
 * where Hellos come at less than half of what they announce, timers are in milliseconds and
 * nothing is said of it.
 */
#include "harness/story/story_in.h"

#include <stdio.h>

enum { OP_HELLO, OP_COUP, OP_RESIGN, OP_ADVERTISE };

static const char *
state_name(uint8_t state)
{
	switch (state) {
	case 0:
		return "Initial";
	case 1:
		return "Learn";
	case 2:
		return "Listen";
	case HSRP_SPEAK:
		return "Speak";
	case HSRP_STANDBY:
		return "Standby";
	case HSRP_ACTIVE:
		return "Active";
	}
	return "a state that RFC 2281 does not know";
}

/* "192.168.0.10", and who that is where the ports say it. */
static const char *
name(const struct speaker *p, char *text)
{
	char ip[IP4_TEXT];

	ip4_put(ip, p->ip);
	if (p->letter)
		snprintf(text, 24, "%c (%s)", p->letter, ip);
	else
		snprintf(text, 24, "%s", ip);
	return text;
}

/* ---- times ---- */

static bool
in_ms(const struct speaker *p)
{
	return p->hellos >= 4 &&
	       p->last - p->first < (ns_t)(p->hellos - 1) * p->hello_s * NS_PER_S / 2;
}

/* What it announced; 0 if that is not known. */
static ns_t
hold_of(const struct story *s, const struct speaker *p)
{
	if (s->in.ours && s->in.hold)
		return s->in.hold;
	return in_ms(p) ? 0 : ns_from_s(p->hold_s);
}

static ns_t
hello_of(const struct story *s, const struct speaker *p)
{
	if (s->in.ours && s->in.hello)
		return s->in.hello;
	return in_ms(p) ? 0 : ns_from_s(p->hello_s);
}

/* Silent for its hold time; where that is not known, for longer than two of its Hellos take. */
static bool
is_lost(const struct story *s, const struct speaker *p)
{
	ns_t silent = s->now - p->last, hold = hold_of(s, p);

	if (hold)
		return silent >= hold - hold / 100;
	return in_ms(p) && silent > (p->last - p->first) / (ns_t)(p->hellos - 1) * 5 / 2;
}

/* It holds a role and has not been heard for its hold time. */
static void
tell_silent(struct story *s, struct group *g, struct speaker *p)
{
	ns_t hold = hold_of(s, p);
	char who[24], vip[IP4_TEXT], time[40] = "";

	p->told = true;
	if (hold)
		snprintf(time, sizeof(time), " for its hold time of %.3f s", story_s(hold));
	story_say_at(s, (struct story_place){p->last, p->last_frame, p->file}, "hsrp.last",
		"HSRP group %u (%s): last Hello of %s, %s: nothing from it%s", g->no,
		ip4_put(vip, g->vip), name(p, who), state_name(p->state), time);
}

static bool
holds_role(const struct speaker *p)
{
	return p->state == HSRP_ACTIVE || p->state == HSRP_STANDBY;
}

void
story_hsrp_due(struct story *s)
{
	s->due = NS_NEVER;
	for (size_t g = 0; g < s->group_cnt; g++)
		for (unsigned i = 0; i < s->group[g].cnt; i++) {
			struct speaker *p = &s->group[g].sp[i];
			ns_t hold = hold_of(s, p);

			if (!holds_role(p) || p->told || !hold)
				continue;
			if (s->now - p->last > hold + hold / 100)
				tell_silent(s, &s->group[g], p);
			else
				s->due = ns_min(s->due, p->last + hold + hold / 100);
		}
}

/* ---- groups and speakers ---- */

static struct group *
group_of(struct story *s, uint8_t no, ip4_t vip)
{
	uint16_t vlan = s->p.vlan_cnt ? s->p.vlan[s->p.vlan_cnt - 1] : 0;
	struct group *g, *oldest = &s->group[0];

	for (unsigned i = 0; i < s->group_cnt; i++) {
		g = &s->group[i];
		if (g->no != no || g->vlan != vlan || (vip && g->vip && g->vip != vip))
			continue;
		g->vip = g->vip ? g->vip : vip;
		return g;
	}
	if (s->group_cnt < STORY_GROUPS) {
		g = &s->group[s->group_cnt++];
	} else {
		for (unsigned i = 1; i < STORY_GROUPS; i++)
			if (s->group[i].last < oldest->last)
				oldest = &s->group[i];
		g = oldest;
		s->sum.lost_groups++;
	}
	*g = (struct group){.no = no,
		.vlan = vlan,
		.vip = vip,
		.active = -1,
		.standby = -1,
		.resigned = -1,
		.coup = -1};
	return g;
}

static struct speaker *
speaker_of(struct story *s, struct group *g, bool *fresh)
{
	struct speaker *p, *quiet = &g->sp[0];

	*fresh = false;
	for (unsigned i = 0; i < g->cnt; i++)
		if (g->sp[i].ip == s->p.src)
			return &g->sp[i];
	*fresh = true;
	if (g->cnt < STORY_SPEAKERS) {
		p = &g->sp[g->cnt++];
	} else {
		for (unsigned i = 1; i < STORY_SPEAKERS; i++)
			if (g->sp[i].last < quiet->last)
				quiet = &g->sp[i];
		p = quiet;
		s->sum.lost_groups++;
	}
	*p = (struct speaker){.ip = s->p.src,
		.state = HSRP_UNKNOWN,
		.first = s->now,
		.adv = HSRP_UNKNOWN,
		.letter = s->letter};
	return p;
}

/* ---- becoming Active ---- */

static void
note_take(struct story *s, struct group *g, struct speaker *old, struct speaker *heir, bool lost)
{
	struct take *t = &s->take[s->take_cnt % TAKES];
	bool standby = false;

	for (unsigned i = 0; i < g->cnt; i++)
		standby |= g->standby == (int)i;
	*t = (struct take){.at = s->now,
		.frame = s->frame,
		.group = (unsigned)(g - s->group),
		.old = story_member(s, (size_t)(g - s->group), (unsigned)(old - g->sp)),
		.heir = story_member(s, (size_t)(g - s->group), (unsigned)(heir - g->sp)),
		.lost = lost,
		.ready = standby,
		.silent = s->now - old->last,
		.hold = hold_of(s, old),
		.hello = hello_of(s, old)};
	s->take_cnt++;
	g->claimed = false;
}

static void
judge_outage(struct story *s, const struct take *t)
{
	ns_t most = t->hold + t->hold / 100 + t->hello + STORY_MARGIN;

	if (!t->lost || !t->ready || !t->hold)
		return;
	s->law[LAW_OUTAGE].judged++;
	if (t->silent > most)
		story_broken(s, LAW_OUTAGE,
			"expected an heir within %.3f s of the last Hello, one came after %.3f s",
			story_s(most), story_s(t->silent));
}

static void
succeed(struct story *s, struct group *g, struct speaker *p, struct speaker *old)
{
	ns_t silent = s->now - old->last, hold = hold_of(s, old);
	bool lost = is_lost(s, old);
	char a[24], b[24], vip[IP4_TEXT];
	char kept[64] = "its timers are in milliseconds, and not known";
	int me = (int)(p - g->sp);

	ip4_put(vip, g->vip);
	name(p, a);
	name(old, b);
	if (g->resigned == old - g->sp) {
		story_say(s, "hsrp.active",
			"HSRP group %u (%s): %s becomes Active, %.3f s after %s resigned", g->no,
			vip, a, story_s(silent), b);
	} else if (lost) {
		if (!old->told)
			tell_silent(s, g, old);
		if (hold)
			snprintf(kept, sizeof(kept), "the hold time of %.3f s was kept",
				story_s(hold));
		story_say(s, "hsrp.active",
			"HSRP group %u (%s): %s becomes Active in the place of %s, %.3f s after "
			"its last Hello: %s",
			g->no, vip, a, b, story_s(silent), kept);
	} else if (g->coup == me || p->priority > old->priority || old->state != HSRP_ACTIVE) {
		story_say(s, "hsrp.active",
			"HSRP group %u (%s): %s (priority %u) becomes Active in the place of %s "
			"(priority %u)%s",
			g->no, vip, a, p->priority, b, old->priority,
			g->coup == me		    ? " by a Coup"
			: old->state != HSRP_ACTIVE ? ", which gave way"
						    : "");
	} else {
		story_say(s, "hsrp.active",
			"HSRP group %u (%s): %s becomes Active %.3f s after a Hello of %s%s", g->no,
			vip, a, story_s(silent), b,
			!hold			     ? ""
			: old->segment == s->segment ? ": its hold time was not kept"
						     : ", which was seen at another port: whether "
						       "it was heard is not known");
	}
	note_take(s, g, old, p, lost && g->resigned != old - g->sp);
	judge_outage(s, &s->take[(s->take_cnt - 1) % TAKES]);
}

static void
become_active(struct story *s, struct group *g, struct speaker *p, bool fresh)
{
	struct speaker *old = g->active >= 0 ? &g->sp[g->active] : NULL;
	char who[24], vip[IP4_TEXT];

	ip4_put(vip, g->vip);
	name(p, who);
	if (old && old != p)
		succeed(s, g, p, old);
	else if (fresh)
		story_say(s, "hsrp.active",
			"HSRP group %u (%s): %s is Active, priority %u, hello %u s, hold %u s",
			g->no, vip, who, p->priority, p->hello_s, p->hold_s);
	else
		story_say(s, "hsrp.active", "HSRP group %u (%s): %s becomes Active%s", g->no, vip,
			who, old ? " again" : ", the first one seen");
	g->active = (int)(p - g->sp);
	if (g->standby == g->active)
		g->standby = -1;
	g->resigned = g->coup = -1;
}

/* Both have said it since both were: longer than a Hello takes to be heard. */
static void
look_for_two(struct story *s, struct group *g, const struct speaker *p)
{
	char a[24], b[24], vip[IP4_TEXT];

	s->active_hellos++;
	for (unsigned i = 0; i < g->cnt; i++) {
		const struct speaker *o = &g->sp[i];
		ns_t both = o->since > p->since ? o->since : p->since, hello = hello_of(s, p);

		if (o == p || o->state != HSRP_ACTIVE || o->last < both || g->conflict)
			continue;
		if (s->now - both <= hello + hello / 100 + STORY_MARGIN)
			continue;
		g->conflict = true;
		story_say(s, "hsrp.two", "HSRP group %u (%s): two Actives, %s and %s, for %.3f s",
			g->no, ip4_put(vip, g->vip), name(o, a), name(p, b),
			story_s(s->now - both));
		if (o->segment != p->segment)
			s->split++;
		else
			story_broken(s, LAW_OWNER,
				"expected one owner of %s, saw %s and %s Active for %.3f s", vip, a,
				b, story_s(s->now - both));
	}
}

static void
change_state(struct story *s, struct group *g, struct speaker *p, uint8_t state, bool fresh)
{
	uint8_t was = p->state;
	char who[24], vip[IP4_TEXT];
	int me = (int)(p - g->sp);

	p->state = state;
	p->since = s->now;
	if (state == HSRP_ACTIVE) {
		become_active(s, g, p, fresh);
		return;
	}
	story_say(s, state == HSRP_STANDBY ? "hsrp.standby" : "hsrp.state",
		"HSRP group %u (%s): %s %s%s%s, priority %u", g->no, ip4_put(vip, g->vip),
		name(p, who),
		fresh	       ? "is in state "
		: was == state ? "speaks again, "
			       : "goes to ",
		state_name(state), was == HSRP_ACTIVE ? " and is Active no more" : "", p->priority);
	if (state == HSRP_STANDBY)
		g->standby = me;
	else if (g->standby == me)
		g->standby = -1;
	if (was == HSRP_ACTIVE)
		g->conflict = false;
}

static void
take_hello(struct story *s, struct group *g, struct speaker *p, const uint8_t *d, bool fresh)
{
	ns_t hold = hold_of(s, p), silent = s->now - p->last;
	bool quiet = !fresh && hold && silent > hold + hold / 100;
	char who[24], vip[IP4_TEXT];

	p->priority = d[5];
	p->hello_s = d[3];
	p->hold_s = d[4];
	if (quiet && p->told)
		story_say(s, "hsrp.back", "HSRP group %u (%s): %s is heard again after %.3f s",
			g->no, ip4_put(vip, g->vip), name(p, who), story_s(silent));
	if (d[2] != p->state || (quiet && d[2] == HSRP_SPEAK))
		change_state(s, g, p, d[2], fresh);
	p->last = s->now;
	p->last_frame = s->frame;
	p->file = s->file;
	p->segment = s->segment;
	p->told = false;
	p->hellos++;
	if (d[2] == HSRP_ACTIVE)
		look_for_two(s, g, p);
	if (holds_role(p) && hold_of(s, p))
		s->due = ns_min(s->due, s->now + hold_of(s, p));
}

static void
take_other(struct story *s, struct group *g, struct speaker *p, const uint8_t *d)
{
	char who[24], vip[IP4_TEXT];

	if (d[1] == OP_COUP)
		g->coup = (int)(p - g->sp);
	else
		g->resigned = (int)(p - g->sp);
	story_say(s, d[1] == OP_COUP ? "hsrp.coup" : "hsrp.resign",
		"HSRP group %u (%s): %s sends %s, priority %u", g->no, ip4_put(vip, g->vip),
		name(p, who), d[1] == OP_COUP ? "a Coup" : "a Resign", d[5]);
	p->last = s->now;
	p->last_frame = s->frame;
	p->file = s->file;
	p->segment = s->segment;
	if (d[1] == OP_RESIGN && p->state == HSRP_ACTIVE) {
		p->state = d[2] == HSRP_ACTIVE ? 0 : d[2];
		p->since = s->now;
		g->conflict = false;
	}
}

/* Cisco's Advertise tells of an interface, not of a group: said where its sender speaks. */
static void
take_advertise(struct story *s)
{
	const uint8_t *d = s->p.data;

	if (s->p.data_len < 12)
		return;
	for (unsigned i = 0; i < s->group_cnt; i++)
		for (unsigned k = 0; k < s->group[i].cnt; k++) {
			struct speaker *p = &s->group[i].sp[k];
			char who[24];

			if (p->ip != s->p.src || p->adv == d[6])
				continue;
			p->adv = d[6];
			story_detail(s, "hsrp.advertise",
				"HSRP: %s advertises state %u, %u active and %u passive groups",
				name(p, who), d[6], d[8] << 8 | d[9], d[10] << 8 | d[11]);
		}
}

void
story_hsrp(struct story *s)
{
	const uint8_t *d = s->p.data;
	struct speaker *p;
	struct group *g;
	bool fresh;

	if (s->p.data_len >= 2 && d[0] == 0 && d[1] == OP_ADVERTISE) {
		take_advertise(s);
		return;
	}
	if (s->p.data_len < 20 || d[0] != 0 || d[1] > OP_RESIGN) {
		story_detail(s, "hsrp.other", "HSRP of version %u, operation %u: not read",
			s->p.data_len > 0 ? d[0] : 0, s->p.data_len > 1 ? d[1] : 0);
		return;
	}
	g = group_of(s, d[6], IP4(d[16], d[17], d[18], d[19]));
	g->last = s->now;
	p = speaker_of(s, g, &fresh);
	if (!story_is_virtual(&s->p.src_mac))
		p->mac = s->p.src_mac;
	if (d[1] == OP_HELLO)
		take_hello(s, g, p, d, fresh);
	else
		take_other(s, g, p, d);
}
