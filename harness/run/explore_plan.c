/* SPDX-License-Identifier: BSD-2-Clause */
/* Schedules: drawn, read and written (explore.h). One table says what each verb takes. */
#include "harness/run/explore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum takes { NOTHING, MEMBER, PORT, SEGMENT };

/* amount, span: from least to most, as they are drawn; most 0: the verb has none. */
static const struct verb {
	const char *name;
	enum takes object;
	struct {
		uint32_t least, most;
	} amount, span;
	unsigned weight; /* of 100 or so, when drawn */
	bool blurs; /* it suspends laws (harness/judge/judge.c) */
} verbs[EXPLORE_VERBS] = {
	[EXPLORE_OFF] = {"off", MEMBER, {0, 0}, {0, 0}, 12, false},
	[EXPLORE_CRASH] = {"crash", MEMBER, {0, 0}, {0, 0}, 8, false},
	[EXPLORE_STOP] = {"stop", MEMBER, {0, 0}, {0, 0}, 6, false},
	[EXPLORE_START] = {"start", MEMBER, {0, 0}, {0, 0}, 20, false},
	[EXPLORE_PULL] = {"pull", PORT, {0, 0}, {20, 1500}, 10, false},
	[EXPLORE_PART] = {"part", SEGMENT, {0, 0}, {20, 2000}, 14, true},
	[EXPLORE_LOSE] = {"lose", PORT, {1, 60}, {50, 1000}, 8, true},
	[EXPLORE_COPY] = {"copy", PORT, {1, 60}, {50, 1000}, 4, false},
	[EXPLORE_REORDER] = {"reorder", PORT, {1, 60}, {50, 1000}, 4, false},
	[EXPLORE_DELAY] = {"delay", PORT, {1, 300}, {50, 1000}, 6, true},
	[EXPLORE_STALL] = {"stall", PORT, {0, 0}, {20, 1200}, 6, true},
	[EXPLORE_SLOW] = {"slow", PORT, {2, 60}, {50, 1000}, 4, true},
	[EXPLORE_REKEY] = {"rekey", NOTHING, {0, 0}, {0, 0}, 6, false},
	[EXPLORE_PHASE1] = {"phase1", NOTHING, {0, 0}, {0, 0}, 3, false},
	[EXPLORE_PROBE] = {"probe", NOTHING, {0, 0}, {0, 0}, 4, false},
};

static const char *const segments[SEG_CNT] = {"outside", "inside", "sync"};

/* ---- drawing ---- */

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint32_t
draw(uint64_t *s, uint32_t below)
{
	uint64_t z = *s += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	z ^= z >> 31;
	return (uint32_t)(z % below);
}

static uint32_t
between(uint64_t *s, uint32_t least, uint32_t most)
{
	return most ? least + draw(s, most - least + 1) : 0;
}

static uint32_t
weight(int v, bool sharp)
{
	return sharp && verbs[v].blurs ? 0 : verbs[v].weight;
}

static enum explore_verb
draw_verb(uint64_t *s, bool sharp)
{
	uint32_t all = 0, n;

	for (int v = 0; v < EXPLORE_VERBS; v++)
		all += weight(v, sharp);
	n = draw(s, all);
	for (int v = 0; v < EXPLORE_VERBS; v++) {
		if (n < weight(v, sharp))
			return (enum explore_verb)v;
		n -= weight(v, sharp);
	}
	return EXPLORE_OFF;
}

static unsigned
draw_object(uint64_t *s, enum takes t)
{
	switch (t) {
	case NOTHING:
		return 0;
	case MEMBER:
		return draw(s, LAB_MEMBERS);
	case PORT:
		/* the sync line twice as often: it is what the feature hangs on */
		return draw(s, 4) ? draw(s, PORT_PEER) : (draw(s, 2) ? PORT_A_SYNC : PORT_B_SYNC);
	case SEGMENT:
		return draw(s, 2) ? SEG_SYNC : draw(s, SEG_CNT);
	}
	return 0;
}

static int
by_time(const void *a, const void *b)
{
	const struct explore_step *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

void
explore_draw(struct explore_plan *p, uint64_t seed)
{
	uint64_t s = seed ^ 0x5ced41e5u;
	bool sharp = draw(&s, 2); /* no law is suspended in half of them */

	*p = (struct explore_plan){.seed = seed,
		.out = between(&s, 10, 60),
		.in = between(&s, 10, 60),
		.b = draw(&s, 4) ? (int32_t)draw(&s, 900) : -(int32_t)draw(&s, 900)};
	p->cnt = 1 + draw(&s, 7);
	for (unsigned i = 0; i < p->cnt; i++) {
		enum explore_verb v = draw_verb(&s, sharp);

		p->step[i] = (struct explore_step){.at = draw(&s, 2500),
			.verb = v,
			.object = draw_object(&s, verbs[v].object),
			.amount = between(&s, verbs[v].amount.least, verbs[v].amount.most),
			.span = between(&s, verbs[v].span.least, verbs[v].span.most)};
	}
	qsort(p->step, p->cnt, sizeof(p->step[0]), by_time);
}

/* ---- text ---- */

static const char *
object_name(enum takes t, unsigned n)
{
	switch (t) {
	case NOTHING:
		break;
	case MEMBER:
		return lab_member_name((enum lab_member)n);
	case PORT:
		return lab_port_name((enum lab_port)n);
	case SEGMENT:
		return segments[n];
	}
	return "";
}

void
explore_text(const struct explore_plan *p, char dst[EXPLORE_TEXT])
{
	int n = snprintf(dst, EXPLORE_TEXT, "seed %llu; out %u; in %u; b %d",
		(unsigned long long)p->seed, p->out, p->in, p->b);

	for (unsigned i = 0; i < p->cnt && n < EXPLORE_TEXT - 64; i++) {
		const struct explore_step *s = &p->step[i];
		const struct verb *v = &verbs[s->verb];

		n += snprintf(dst + n, 32, "; %u %s", s->at, v->name);
		if (v->object)
			n += snprintf(dst + n, 16, " %s", object_name(v->object, s->object));
		if (v->amount.most)
			n += snprintf(dst + n, 16, " %u", s->amount);
		if (v->span.most)
			n += snprintf(dst + n, 16, " %u", s->span);
	}
}

/* The words of one clause. */
struct words {
	char text[64];
	char *word[6];
	unsigned cnt;
};

static bool
cut(struct words *w, const char *from, size_t len)
{
	char *save = NULL, *word;

	w->cnt = 0;
	if (len >= sizeof(w->text))
		return false;
	memcpy(w->text, from, len);
	w->text[len] = '\0';
	for (word = strtok_r(w->text, " \t\n", &save); word; word = strtok_r(NULL, " \t\n", &save)) {
		if (w->cnt == 6)
			return false;
		w->word[w->cnt++] = word;
	}
	return true;
}

static bool
number(const char *text, long long least, long long most, long long *n)
{
	char *end;

	*n = strtoll(text, &end, 10);
	return end != text && !*end && *n >= least && *n <= most;
}

static bool
number32(const char *text, uint32_t *to)
{
	long long n;

	if (!number(text, 0, 1000000, &n))
		return false;
	*to = (uint32_t)n;
	return true;
}

static bool
object_find(enum takes t, const char *word, unsigned *n)
{
	static const unsigned most[] = {0, LAB_MEMBERS, PORT_CNT, SEG_CNT};

	for (*n = 0; *n < most[t]; ++*n)
		if (strcmp(object_name(t, *n), word) == 0)
			return true;
	return false;
}

static const char *
read_step(struct explore_plan *p, const struct words *w)
{
	unsigned at = 2, verb = 0;
	struct explore_step *s;
	const struct verb *v;

	if (p->cnt == EXPLORE_STEPS)
		return "more than 16 steps";
	s = &p->step[p->cnt];
	*s = (struct explore_step){.at = 0};
	if (w->cnt < 2 || !number32(w->word[0], &s->at))
		return "a step is milliseconds, a verb, and what it takes";
	while (verb < EXPLORE_VERBS && strcmp(verbs[verb].name, w->word[1]) != 0)
		verb++;
	if (verb == EXPLORE_VERBS)
		return "no such verb";
	v = &verbs[verb];
	s->verb = (enum explore_verb)verb;
	if (w->cnt != 2u + (v->object != NOTHING) + !!v->amount.most + !!v->span.most)
		return "too few or too many words for this verb";
	if (v->object && !object_find(v->object, w->word[at++], &s->object))
		return "no such member, port or segment";
	if (v->amount.most && (!number32(w->word[at++], &s->amount) || !s->amount))
		return "how much: a number from 1";
	if ((verb == EXPLORE_LOSE || verb == EXPLORE_COPY || verb == EXPLORE_REORDER) && s->amount > 100)
		return "how much: per cent, 1 to 100";
	if (v->span.most && !number32(w->word[at++], &s->span))
		return "how long: milliseconds";
	p->cnt++;
	return NULL;
}

static const char *
read_clause(struct explore_plan *p, const struct words *w)
{
	long long n;

	if (!w->cnt)
		return NULL;
	if (w->word[0][0] >= '0' && w->word[0][0] <= '9')
		return read_step(p, w);
	if (w->cnt != 2 || !number(w->word[1], -1000000, INT64_MAX, &n))
		return "a word and a number, or a step";
	if (!strcmp(w->word[0], "seed") && n >= 0)
		p->seed = (uint64_t)n;
	else if (!strcmp(w->word[0], "out") && n >= 0 && n <= 100000)
		p->out = (uint32_t)n;
	else if (!strcmp(w->word[0], "in") && n >= 0 && n <= 100000)
		p->in = (uint32_t)n;
	else if (!strcmp(w->word[0], "b") && n >= -10000 && n <= 10000)
		p->b = (int32_t)n;
	else
		return "seed, out, in or b and a number that fits, or a step";
	return NULL;
}

bool
explore_parse(struct explore_plan *p, const char *text, const char **why, size_t *at)
{
	const char *from = text;
	struct words w;

	*p = (struct explore_plan){.out = 20, .in = 20};
	for (;;) {
		size_t len = strcspn(from, ";");

		*at = (size_t)(from - text);
		*why = cut(&w, from, len) ? read_clause(p, &w) : "too many words";
		if (*why)
			return false;
		if (!from[len])
			break;
		from += len + 1;
	}
	qsort(p->step, p->cnt, sizeof(p->step[0]), by_time);
	return true;
}
