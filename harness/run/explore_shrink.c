/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A schedule made short: steps are left out, numbers go towards nothing, as long as it ends as badly
 * (explore.h). Greedy, and repeated until nothing gives: what is left is short, not the shortest of all.
 */
#include "harness/run/explore.h"

#include <string.h>

struct search {
	struct explore_plan *best;
	const struct explore_options *o;
	struct explore_result *r;
	unsigned tries;
};

/* Is it as bad? Then it is the best. */
static bool
as_bad(struct search *s, const struct explore_plan *p)
{
	const struct explore_options o = {.mutant = s->o->mutant};
	struct explore_result r;

	s->tries++;
	explore_try(p, &o, &r);
	if (!explore_alike(&r, s->r))
		return false;
	*s->best = *p;
	*s->r = r;
	return true;
}

static bool
drop_steps(struct search *s)
{
	bool shorter = false;

	for (unsigned i = 0; i < s->best->cnt;) {
		struct explore_plan p = *s->best;

		memmove(p.step + i, p.step + i + 1, (p.cnt - i - 1) * sizeof(p.step[0]));
		p.cnt--;
		if (as_bad(s, &p))
			shorter = true;
		else
			i++;
	}
	return shorter;
}

/* One number, towards `to`: all the way, else half of it as long as that is as bad. */
static bool
nearer(struct search *s, struct explore_plan *p, uint32_t *n, uint32_t to)
{
	uint32_t was = *n;
	bool shorter = false;

	if (was <= to)
		return false;
	*n = to;
	if (as_bad(s, p))
		return true;
	for (;;) {
		*n = to + (was - to) / 2;
		if (*n == to || !as_bad(s, p)) {
			*n = was;
			return shorter;
		}
		was = *n;
		shorter = true;
	}
}

/* Steps from i on, earlier together: what they are apart matters, not when it begins. */
static bool
sooner(struct search *s, unsigned i)
{
	struct explore_plan p = *s->best;
	uint32_t least = i ? p.step[i - 1].at : 0, by;
	bool shorter = false;

	for (by = p.step[i].at - least; by; by /= 2) {
		p = *s->best;
		if (p.step[i].at - least < by)
			continue;
		for (unsigned k = i; k < p.cnt; k++)
			p.step[k].at -= by;
		shorter = as_bad(s, &p) || shorter;
	}
	return shorter;
}

static bool
smaller(struct search *s)
{
	struct explore_plan p = *s->best;
	bool shorter = nearer(s, &p, &p.out, 0);

	p = *s->best;
	shorter = nearer(s, &p, &p.in, 0) || shorter;
	for (unsigned i = 0; i < s->best->cnt; i++) {
		shorter = sooner(s, i) || shorter;
		p = *s->best;
		shorter = nearer(s, &p, &p.step[i].span, 1) || shorter;
		p = *s->best;
		shorter = nearer(s, &p, &p.step[i].amount, 1) || shorter;
	}
	p = *s->best;
	p.b = 0;
	return (s->best->b && as_bad(s, &p)) || shorter;
}

unsigned
explore_shrink(struct explore_plan *p, const struct explore_options *o, struct explore_result *r)
{
	struct search s = {.best = p, .o = o, .r = r};

	while (drop_steps(&s) || smaller(&s))
		if (s.tries > 2000)
			break;
	return s.tries;
}
