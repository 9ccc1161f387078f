/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The values of words (words.h): numbers, addresses, octets, texts, and messages in braces, which
 * are read by words_message one level deeper, built, and then are octets.
 */
#include "harness/field/words_in.h"

#include <stdlib.h>
#include <string.h>

static bool
room(struct words_reader *r, size_t at, size_t len)
{
	return len <= sizeof r->w->octets - r->w->octets_len ||
	       words_fail(r, at, "more than %d octets in one message", WORDS_OCTETS);
}

static bool
number(struct words_reader *r, const struct field_def *d, uint64_t *v)
{
	size_t at = r->in->at, len = words_span(r, "");
	char text[40], t[48], names[160], *end;
	uint64_t most = d->bits < 64 && d->bits ? (UINT64_C(1) << d->bits) - 1 : UINT64_MAX;

	r->in->at += len;
	if (words_name(d->name, r->in->text + at, len, v))
		return true;
	snprintf(text, sizeof text, "%.*s", (int)len, r->in->text + at);
	*v = strtoull(text, &end, text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10);
	if (len && len < sizeof text && text[0] >= '0' && text[0] <= '9' && !*end && *v <= most &&
		!(*v == UINT64_MAX && len > 20))
		return true;
	words_names_of(d->name, names, sizeof names);
	return words_fail(r, at, "%s: found '%s', expected a number from 0 to %llu%s%s", d->name,
		words_shown(r, at, len, t), (unsigned long long)most, *names ? " or one of " : "",
		names);
}

static bool
quad(struct words_reader *r, const struct field_def *d, uint64_t *v)
{
	size_t at = r->in->at, len = words_span(r, "");
	char text[32], t[48];
	ip4_t a;

	snprintf(text, sizeof text, "%.*s", (int)len, r->in->text + at);
	r->in->at += len;
	if (len >= sizeof text || !ip4_get(&a, text))
		return words_fail(r, at, "%s: found '%s', expected an address as 10.0.0.1", d->name,
			words_shown(r, at, len, t));
	*v = a;
	return true;
}

/* What a hexadecimal digit is worth, and one more; 0: it is none. */
static const uint8_t worth[256] = {['0'] = 1,
	['1'] = 2,
	['2'] = 3,
	['3'] = 4,
	['4'] = 5,
	['5'] = 6,
	['6'] = 7,
	['7'] = 8,
	['8'] = 9,
	['9'] = 10,
	['a'] = 11,
	['b'] = 12,
	['c'] = 13,
	['d'] = 14,
	['e'] = 15,
	['f'] = 16,
	['A'] = 11,
	['B'] = 12,
	['C'] = 13,
	['D'] = 14,
	['E'] = 15,
	['F'] = 16};

static int
digit(char c)
{
	return worth[(uint8_t)c] - 1;
}

static bool
mac(struct words_reader *r, const struct field_def *d, uint64_t *v)
{
	size_t at = r->in->at, len = words_span(r, "");
	bool good = len == 17;
	char t[48];

	*v = 0;
	r->in->at += len;
	for (size_t i = 0; good && i < len; i++) {
		int x = digit(words_look(r, at + i));

		good = i % 3 == 2 ? words_look(r, at + i) == ':' : x >= 0;
		if (i % 3 != 2)
			*v = *v << 4 | (uint64_t)(x & 15);
	}
	return good || words_fail(r, at, "%s: found '%s', expected an address as 02:00:00:00:00:01",
			       d->name, words_shown(r, at, len, t));
}

/* Put the octets from `from` on n times in all. */
static bool
repeat(struct words_reader *r, size_t from)
{
	struct words *w = r->w;
	size_t one = w->octets_len - from, at = r->in->at + 1, times = 0, n = 0;

	if (words_look(r, r->in->at) != '*')
		return true;
	for (; words_look(r, at + n) >= '0' && words_look(r, at + n) <= '9' &&
		times <= WORDS_OCTETS;
		n++)
		times = times * 10 + (size_t)(words_look(r, at + n) - '0');
	if (!n || !times || times > WORDS_OCTETS)
		return words_fail(
			r, at, "expected behind '*' how often, from 1 to %d", WORDS_OCTETS);
	for (size_t i = 1; i < times; i++) {
		if (!room(r, at, one))
			return false;
		memcpy(w->octets + w->octets_len, w->octets + from, one);
		w->octets_len += one;
	}
	r->in->at = at + n;
	return true;
}

static bool
hex(struct words_reader *r, const struct field_def *d)
{
	struct words *w = r->w;
	size_t at = r->in->at, len = words_span(r, "*+"), skip0 = 0;
	char t[48];

	if (len > 2 && words_look(r, at) == '0' && (words_look(r, at + 1) | 32) == 'x')
		skip0 = 2;
	if (!room(r, at, len / 2))
		return false;
	for (size_t i = skip0; i < len; i += 2) {
		int hi = digit(r->in->text[at + i]);
		int lo = i + 1 < len ? digit(r->in->text[at + i + 1]) : -1;

		if (hi < 0 || lo < 0)
			return words_fail(r, at + i,
				"%s: found '%s', expected octets of two hexadecimal digits each, "
				"\"text\", or a message in braces",
				d->name, words_shown(r, at, len, t));
		w->octets[w->octets_len++] = (uint8_t)(hi << 4 | lo);
	}
	r->in->at += len;
	return true;
}

/* Behind a backslash; octets used, 0 if it is no escape. */
static size_t
escape(const struct words_reader *r, size_t at, uint8_t *c)
{
	static const char from[] = "nrt\"\\", to[] = "\n\r\t\"\\";
	const char *p = words_look(r, at) ? strchr(from, words_look(r, at)) : NULL;

	if (p) {
		*c = (uint8_t)to[p - from];
		return 1;
	}
	if (words_look(r, at) != 'x' || digit(words_look(r, at + 1)) < 0 ||
		digit(words_look(r, at + 2)) < 0)
		return 0;
	*c = (uint8_t)(digit(words_look(r, at + 1)) << 4 | digit(words_look(r, at + 2)));
	return 3;
}

static bool
quoted(struct words_reader *r, const struct field_def *d)
{
	size_t start = r->in->at++;

	for (; !words_over(r) && words_look(r, r->in->at) != '"'; r->in->at++) {
		uint8_t c = (uint8_t)words_look(r, r->in->at);
		size_t used = 0;

		if (c == '\\' && !(used = escape(r, r->in->at + 1, &c)))
			return words_fail(r, r->in->at,
				"%s: a backslash stands before \\ \" n r t or xHH", d->name);
		r->in->at += used;
		if (!room(r, start, 1))
			return false;
		r->w->octets[r->w->octets_len++] = c;
	}
	if (words_over(r))
		return words_fail(r, start, "%s: this text does not end: a \" is missing", d->name);
	r->in->at++;
	return true;
}

/* A message in braces, built to octets. */
static bool
braces(struct words_reader *r)
{
	struct words *inner = calloc(1, sizeof *inner), *w = r->w;
	struct words_reader deeper = {
		.in = r->in, .w = inner, .why = r->why, .depth = r->depth + 1};
	size_t start = r->in->at++;
	long got = 0;
	bool good = inner && r->depth + 1 < WORDS_DEPTH;

	if (!good)
		words_fail(r, start, "braces within braces more than %d deep", WORDS_DEPTH - 1);
	else
		good = words_message(&deeper);
	if (good && words_look(r, r->in->at) != '}')
		good = words_fail(r, start, "this brace is not closed");
	if (good && inner->seal < inner->set_cnt)
		good = words_fail(
			r, start, "seal{} within braces: only the outermost message is sealed");
	if (good) {
		r->in->at++;
		got = words_build(
			inner, w->octets + w->octets_len, sizeof w->octets - w->octets_len);
		good = got >= 0 || words_fail(r, start, "the message in braces is too long");
	}
	w->octets_len += got > 0 ? (size_t)got : 0;
	free(inner);
	return good;
}

/* Pass over what is in braces, quotes respected, and keep the text. */
static bool
sealed(struct words_reader *r, const struct field_def *d)
{
	size_t start = r->in->at, from = start + 1, depth = 0;
	bool quote = false;

	for (; !words_over(r); r->in->at++) {
		char c = words_look(r, r->in->at);

		if (quote && c == '\\')
			r->in->at++;
		else if (c == '"')
			quote = !quote;
		else if (!quote && c == '{')
			depth++;
		else if (!quote && c == '}' && !--depth)
			break;
	}
	if (words_over(r))
		return words_fail(r, start, "%s: this brace is not closed", d->name);
	if (!room(r, start, r->in->at - from))
		return false;
	memcpy(r->w->octets + r->w->octets_len, r->in->text + from, r->in->at - from);
	r->w->octets_len += r->in->at++ - from;
	r->w->seal = r->w->set_cnt; /* the set that comes now */
	r->w->seal_at = from;
	return true;
}

/* A field of text takes a word without quotes, too: who writes in a shell has lost them. */
static bool
bare(struct words_reader *r)
{
	size_t at = r->in->at, len = words_span(r, "");

	if (!room(r, at, len))
		return false;
	memcpy(r->w->octets + r->w->octets_len, r->in->text + at, len);
	r->w->octets_len += len;
	r->in->at += len;
	return true;
}

static bool
piece(struct words_reader *r, const struct field_def *d)
{
	size_t from = r->w->octets_len;
	char c = words_look(r, r->in->at);

	if (d->kind == FIELD_TEXT && c != '"' && c != '{')
		return bare(r);

	if (c == '"')
		return quoted(r, d) && repeat(r, from);
	if (c == '{')
		return braces(r) && repeat(r, from);
	return hex(r, d) && repeat(r, from);
}

static bool
octets(struct words_reader *r, const struct field_def *d, size_t *from)
{
	size_t at = r->in->at;

	*from = r->w->octets_len;
	if (r->in->len - at > 5 && !memcmp(r->in->text + at, "seal{", 5)) {
		if (r->w->seal < r->w->set_cnt || d->bits)
			return words_fail(r, at, "%s: %s", d->name,
				d->bits ? "a field of fixed width is not sealed"
					: "one field of a message is sealed, not two");
		r->in->at += 4;
		return sealed(r, d);
	}
	if (!piece(r, d))
		return false;
	while (words_look(r, r->in->at) == '+') {
		r->in->at++;
		if (!piece(r, d))
			return false;
	}
	if (d->bits && r->w->octets_len - *from > d->bits / 8)
		return words_fail(r, at, "%s: found %zu octets, expected at most %u", d->name,
			r->w->octets_len - *from, d->bits / 8);
	return true;
}

bool
words_value(struct words_reader *r, const struct field_def *d, size_t nth)
{
	struct words *w = r->w;
	size_t start = r->in->at, from = 0;
	uint64_t v = 0;
	bool raw = d->kind == FIELD_BYTES || d->kind == FIELD_TEXT, good;

	good = raw		      ? octets(r, d, &from)
	       : d->kind == FIELD_IP4 ? quad(r, d, &v)
	       : d->kind == FIELD_MAC ? mac(r, d, &v)
				      : number(r, d, &v);
	if (!good)
		return false;
	if (!words_over(r) && !words_is_space(words_look(r, r->in->at)) &&
		words_look(r, r->in->at) != '}')
		return words_fail(r, r->in->at, "%s: found '%c' behind the value, expected a space",
			d->name, words_look(r, r->in->at));
	if (!words_add(w, d, nth, v, raw ? w->octets + from : NULL, raw ? w->octets_len - from : 0))
		return words_fail(r, start, "more than %d words in one message", FIELD_MAX);
	for (size_t i = 0; i + 1 < w->set_cnt; i++)
		if (w->defs[i] == d && !strcmp(w->sets[i].name, w->sets[w->set_cnt - 1].name))
			return words_fail(r, start, "%s is said twice", w->sets[i].name);
	return true;
}
