/* SPDX-License-Identifier: BSD-2-Clause */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ref/config/match.h"

bool
line_cut(struct line *l, const char *src, size_t len)
{
	bool in_word = false;

	l->cnt = 0;
	if (len >= sizeof l->text)
		return false;
	memcpy(l->text, src, len);
	l->text[len] = '\0';
	for (size_t i = 0; i < len; i++) {
		bool blank = l->text[i] == ' ' || l->text[i] == '\t' || l->text[i] == '\r';

		if (blank) {
			l->text[i] = '\0';
		} else if (!in_word) {
			if (l->cnt == MATCH_WORDS)
				return false;
			l->col[l->cnt] = (unsigned)i + 1;
			l->word[l->cnt++] = l->text + i;
		}
		in_word = !blank;
	}
	l->col[l->cnt] = (unsigned)len + 1;
	return true;
}

#define PATTERN_WORD 64

/* The place that is being matched: pattern word p, input word w, argument a. */
struct at {
	const struct line *l;
	struct arg *args;
	struct progress *progress;
	char pat[MATCH_WORDS][PATTERN_WORD];
	unsigned pat_cnt;
};

static void
stopped(struct at *m, unsigned word, const char *expected)
{
	struct progress *p = m->progress;
	size_t n;

	if (!p || word < p->word)
		return;
	n = strlen(p->expected);
	if (word > p->word) {
		p->word = word;
		n = 0;
		p->expected[0] = '\0';
	}
	if (strstr(p->expected, expected))
		return;
	(void)snprintf(p->expected + n, sizeof p->expected - n, "%s%s", n ? ", " : "", expected);
}

static bool
number(const char *text, uint32_t *v)
{
	char *end;
	unsigned long long n;

	if (text[0] < '0' || text[0] > '9' || strlen(text) > 10)
		return false;
	n = strtoull(text, &end, 10);
	*v = (uint32_t)n;
	return *end == '\0' && n <= UINT32_MAX;
}

static bool
range(const char *pat, const char *text, struct arg *a)
{
	unsigned long lo, hi;

	(void)sscanf(pat + 1, "%lu-%lu", &lo, &hi);
	return number(text, &a->num) && a->num >= lo && a->num <= hi;
}

static bool
mask(ip4_t m, uint8_t *len)
{
	*len = (uint8_t)__builtin_popcount(m);
	return m == ip4_mask(*len);
}

/* Is the word one of those that the alternatives list? */
static bool
one_of(const char *alternatives, const char *text)
{
	size_t len = strlen(text);

	while (*alternatives) {
		size_t n = strcspn(alternatives, "|");

		if (n == len && !memcmp(alternatives, text, n))
			return true;
		alternatives += n + (alternatives[n] == '|');
	}
	return false;
}

/* Whether the first word, where the pattern names it, is another: so it is with most patterns. */
static bool
begins_otherwise(const struct line *l, const char *pattern)
{
	size_t n = strcspn(pattern, " ");

	return pattern[0] >= 'a' && pattern[0] <= 'z' && !memchr(pattern, '|', n) &&
	       (!l->cnt || strncmp(l->word[0], pattern, n) != 0 || l->word[0][n]);
}

/* One word against one place; true and *used = 1, or 2 and more where a place takes several words.
 */
static bool
place(struct at *m, const char *pat, unsigned w, struct arg *a, unsigned *used)
{
	const struct line *l = m->l;
	const char *text = w < l->cnt ? l->word[w] : NULL;
	ip4_t ip;

	*used = 1;
	if (!strcmp(pat, "PORT")) {
		*used = text && !strcmp(text, "eq") ? 2 : 0;
		return *used == 0 || (w + 1 < l->cnt && number(l->word[w + 1], &a->num) &&
					     a->num > 0 && a->num < 65536);
	}
	if (!text)
		return false;
	a->text = text;
	if (pat[0] == 'N' && pat[1] >= '0' && pat[1] <= '9')
		return range(pat, text, a);
	if (!strcmp(pat, "A.B.C.D"))
		return ip4_get(&a->ip, text);
	if (!strcmp(pat, "MASK"))
		return ip4_get(&ip, text) && mask(ip, &a->len);
	if (!strcmp(pat, "WORD"))
		return strlen(text) < CFG_NAME;
	if (!strcmp(pat, "KEY"))
		return true;
	if (strcmp(pat, "NET") != 0)
		return one_of(pat, text);
	if (!strcmp(text, "any"))
		return true;
	*used = 2;
	if (w + 1 >= l->cnt)
		return false;
	a->len = 32;
	if (!strcmp(text, "host"))
		return ip4_get(&a->ip, l->word[w + 1]);
	return ip4_get(&a->ip, text) && ip4_get(&ip, l->word[w + 1]) && mask(~ip, &a->len);
}

static bool
is_place(const char *pat)
{
	return (pat[0] >= 'A' && pat[0] <= 'Z') || strchr(pat, '|');
}

static bool
match_from(struct at *m, unsigned p, unsigned w, unsigned a)
{
	char bare[PATTERN_WORD];
	const char *pat = m->pat[p];
	bool optional = p < m->pat_cnt && pat[0] == '[';
	unsigned used;

	if (p == m->pat_cnt) {
		if (w == m->l->cnt)
			return true;
		stopped(m, w, "end of line");
		return false;
	}
	if (!strcmp(pat, "REST"))
		return true;
	if (a >= MATCH_ARGS)
		return false;
	if (optional) { /* without its brackets */
		size_t n = strlen(pat) - 2;

		memcpy(bare, pat + 1, n);
		bare[n] = '\0';
		pat = bare;
	}
	memset(&m->args[a], 0, sizeof m->args[a]);
	if (place(m, pat, w, &m->args[a], &used)) {
		bool counts = optional || is_place(pat);

		m->args[a].has = used > 0;
		if (match_from(m, p + 1, w + used, a + counts))
			return true;
	} else {
		stopped(m, w, pat);
	}
	if (!optional)
		return false;
	memset(&m->args[a], 0, sizeof m->args[a]);
	return match_from(m, p + 1, w, a + 1);
}

bool
line_match(
	const struct line *l, const char *pattern, struct arg args[MATCH_ARGS], struct progress *p)
{
	struct at m; /* large: only what is used of it is set */

	if (!p && begins_otherwise(l, pattern))
		return false;
	m.l = l;
	m.args = args;
	m.progress = p;
	m.pat_cnt = 0;
	memset(args, 0, MATCH_ARGS * sizeof args[0]); /* nothing of a pattern that did not fit */

	while (*pattern && m.pat_cnt < MATCH_WORDS) {
		size_t n = strcspn(pattern, " ");

		assert(n < PATTERN_WORD);
		memcpy(m.pat[m.pat_cnt], pattern, n);
		m.pat[m.pat_cnt++][n] = '\0';
		pattern += n + (pattern[n] == ' ');
	}
	return match_from(&m, 0, 0, 0);
}
