/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words to a message (words.h). One walk over the text, a message at a time; a message in braces is
 * read and built by the same functions, one level deeper, and then is octets. Nothing is cut to fit
 * and nothing is guessed: what is not understood is told with its place, what was found, and what
 * was expected there.
 */
#include "harness/field/words_in.h"

#include <stdarg.h>
#include <string.h>

/* Say what is wrong at a place of the text. Always false. */
__attribute__((format(printf, 3, 4))) bool
words_fail(const struct words_reader *r, size_t at, const char *fmt, ...)
{
	va_list ap;

	r->why->line = r->why->column = 1;
	for (size_t i = 0; i < at && i < r->in->len; i++) {
		bool end = r->in->text[i] == '\n';

		r->why->line += end;
		r->why->column = end ? 1 : r->why->column + 1;
	}
	va_start(ap, fmt);
	vsnprintf(r->why->text, sizeof r->why->text, fmt, ap);
	va_end(ap);
	r->in->at = at;
	return false;
}

bool
words_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Octet at a place; a space behind the end. */
char
words_look(const struct words_reader *r, size_t at)
{
	return at < r->in->len ? r->in->text[at] : ' ';
}

bool
words_over(const struct words_reader *r)
{
	return r->in->at >= r->in->len;
}

static void
skip(struct words_reader *r)
{
	while (!words_over(r)) {
		char c = words_look(r, r->in->at);

		if (c == '#')
			while (!words_over(r) && words_look(r, r->in->at) != '\n')
				r->in->at++;
		else if (words_is_space(c))
			r->in->at++;
		else
			return;
	}
}

/* Octets up to a space, a brace or one of `stops`, which are "=" first, or no digits and letters.
 */
size_t
words_span(const struct words_reader *r, const char *stops)
{
	size_t at = r->in->at;

	for (; at < r->in->len; at++) {
		char c = r->in->text[at];

		if ((c < '0' || c > 'z') &&
			(words_is_space(c) || c == '{' || c == '}' || strchr(stops, c)))
			break;
		if (c == '=' && stops[0] == '=')
			break;
	}
	return at - r->in->at;
}

/* The text there, for a message: at most 40 octets of it, what is not printable left out. */
const char *
words_shown(const struct words_reader *r, size_t at, size_t len, char *dst)
{
	size_t n = 0;

	for (size_t i = 0; i < len && n < 40; i++)
		if (words_look(r, at + i) > 0x1f && words_look(r, at + i) < 0x7f)
			dst[n++] = words_look(r, at + i);
	dst[n] = '\0';
	return dst;
}

/* -- layers -- */

static bool
take_layer(struct words_reader *r, size_t at, const char *name)
{
	const struct field_format *f = field_format(name);

	if (!f) {
		const char *like = words_like_format(name);

		return words_fail(r, at, "%.40s: no such layer%s%s%s", name,
			like ? "; did you mean " : "", like ? like : "", like ? "?" : "");
	}
	if (r->format_cnt == LAYER_MAX)
		return words_fail(r, at, "more than %d layers", LAYER_MAX);
	r->formats[r->format_cnt++] = f;
	return true;
}

static bool
take_layers(struct words_reader *r, size_t at, const char *text)
{
	char name[48];

	r->format_cnt = 0;
	for (;;) {
		size_t n = strcspn(text, "/");

		if (n >= sizeof name)
			return words_fail(r, at, "%.40s...: no such layer", text);
		memcpy(name, text, n);
		name[n] = '\0';
		if (!take_layer(r, at, name))
			return false;
		at += n + 1;
		text += n;
		if (!*text++)
			return true;
	}
}

/* "hsrp.group=7" without layers: those of the format whose field it is. */
static bool
infer_layers(const char *name, size_t len, char *dst)
{
	const struct field_format *f;

	for (size_t i = 0; (f = field_format_nth(i)); i++)
		for (size_t k = 0; k < f->field_cnt; k++)
			if (!strncmp(f->fields[k].name, name, len) && !f->fields[k].name[len]) {
				strcpy(dst, f->name);
				return true;
			}
	return false;
}

static bool
head(struct words_reader *r)
{
	size_t start = r->in->at, len = words_span(r, "=");
	const char *text = r->in->text + start;
	bool bare = words_look(r, start + len) != '='; /* the layers are said */
	char said[WORDS_LAYERS];
	char t[48];

	if (len >= sizeof said || !len)
		return words_fail(r, start,
			"'%s': the layers of a message were expected, as eth/ipv4/udp/hsrp",
			words_shown(r, start, len ? len : 1, t));
	if (bare) {
		memcpy(said, text, len);
		said[len] = '\0';
		if (!take_layers(r, start, said))
			return false;
		r->in->at += len;
	} else if (!infer_layers(text, strcspn(text, "#="), said)) {
		return words_fail(r, start,
			"'%s': a message must begin with its layers, as eth/ipv4/udp/hsrp",
			words_shown(r, start, len, t));
	}
	r->w->shorthand = r->depth == 0 && words_expand(said, r->w->layers, sizeof r->w->layers);
	if (!r->w->shorthand)
		strcpy(r->w->layers, said);
	return (bare && !r->w->shorthand) || take_layers(r, start, r->w->layers);
}

/* -- words -- */

static const struct field_def *
find(const struct words_reader *r, const char *name, size_t len, size_t *there)
{
	const struct field_def *d = NULL;

	*there = 0;
	for (size_t i = 0; i < r->format_cnt; i++)
		for (size_t k = 0; k < r->formats[i]->field_cnt; k++) {
			const struct field_def *x = &r->formats[i]->fields[k];

			if (x != d && (strncmp(x->name, name, len) || x->name[len]))
				continue;
			d = x;
			++*there;
		}
	return d;
}

static bool
unknown(const struct words_reader *r, size_t at, const char *name)
{
	const char *like = words_like(name, r->w->layers);
	char owner[48];

	if (infer_layers(name, strlen(name), owner))
		return words_fail(
			r, at, "%s: there is no layer %s in %.100s", name, owner, r->w->layers);
	return words_fail(r, at, "%s: no such field%s%s%s", name, like ? "; did you mean " : "",
		like ? like : "", like ? "?" : "");
}

/* time=SECONDS[.FRACTION] */
static bool
take_time(struct words_reader *r)
{
	size_t at = r->in->at, len = words_span(r, ""), i = 0;
	ns_t t = 0, unit = NS_PER_S;
	bool dot = false;
	char s[48];

	for (; i < len; i++) {
		char c = words_look(r, at + i);

		if (c == '.' && !dot && i)
			dot = true;
		else if (c < '0' || c > '9' || (!dot && t > 8 * NS_PER_S * NS_PER_S / 10) ||
			 unit == 1)
			break;
		else if (!dot)
			t = t * 10 + (c - '0') * NS_PER_S;
		else
			t += (c - '0') * (unit /= 10);
	}
	r->in->at += len;
	if (!len || i < len || t < 0)
		return words_fail(r, at,
			"time: found '%s', expected seconds, as 12 or 12.000000001",
			words_shown(r, at, len, s));
	r->w->have_time = true;
	r->w->time = t;
	return true;
}

static bool
word(struct words_reader *r)
{
	size_t at = r->in->at, len = words_span(r, "=#"), there, nth = 0, n = len;
	const struct field_def *d;
	char name[64], t[48];

	if (len >= sizeof name || !len)
		return words_fail(
			r, at, "'%s': expected FIELD=VALUE", words_shown(r, at, len ? len : 1, t));
	memcpy(name, r->in->text + at, len);
	name[len] = '\0';
	if (words_look(r, at + n) == '#')
		for (n++; words_look(r, at + n) >= '0' && words_look(r, at + n) <= '9' &&
			  nth < FIELD_MAX;
			n++)
			nth = nth * 10 + (size_t)(words_look(r, at + n) - '0');
	if (words_look(r, at + n) != '=' || (n > len && !nth))
		return words_fail(r, at + n, "%s: found '%c', expected #NUMBER or =", name,
			words_look(r, at + n));
	r->in->at += n + 1;
	if (!strcmp(name, "time") && r->depth == 0 && n == len)
		return take_time(r);
	d = find(r, name, len, &there);
	if (!d)
		return unknown(r, at, name);
	if (nth > there)
		return words_fail(
			r, at, "%s#%zu: there are %zu of them in this message", name, nth, there);
	return words_value(r, d, nth ? nth : 1);
}

/* Does a word with '=' begin here? */
static bool
at_word(const struct words_reader *r)
{
	return words_look(r, r->in->at + words_span(r, "=")) == '=';
}

bool
words_message(struct words_reader *r)
{
	r->w->set_cnt = r->w->names_len = r->w->octets_len = 0;
	r->w->seal = SIZE_MAX;
	r->w->have_time = false;
	skip(r);
	if (!head(r))
		return false;
	for (skip(r); !words_over(r) && words_look(r, r->in->at) != '}'; skip(r)) {
		if (!at_word(r)) {
			if (r->depth == 0)
				break;
			return words_fail(
				r, r->in->at, "expected FIELD=VALUE or the closing brace");
		}
		if (!word(r))
			return false;
	}
	return r->depth || words_preset(r->w) || words_fail(r, r->in->at, "too many words");
}

void
words_start(struct words_in *in, const void *text, size_t len)
{
	*in = (struct words_in){.text = text, .len = len};
}

int
words_next(struct words_in *in, struct words *w, struct words_why *why)
{
	struct words_reader r = {.in = in, .w = w, .why = why};

	skip(&r);
	if (words_over(&r))
		return 0;
	if (words_look(&r, in->at) == '}')
		return words_fail(&r, in->at, "a closing brace without an opening one") - 1;
	if (!words_message(&r))
		return -1;
	return !words_over(&r) && words_look(&r, in->at) == '}'
		       ? words_fail(&r, in->at, "a closing brace without an opening one") - 1
		       : 1;
}

bool
words_read(struct words *w, const char *text, struct words_why *why)
{
	struct words_in in;
	struct words_reader r = {.in = &in, .w = w, .why = why};
	int got;

	words_start(&in, text, strlen(text));
	got = words_next(&in, w, why);
	if (got == 0)
		words_fail(&r, in.len, "no message: the text is empty");
	return got == 1 &&
	       (in.at == in.len || words_fail(&r, in.at, "a second message; one is expected"));
}

bool
words_inner(struct words *inner, const char *text, const struct words *w, struct words_why *why)
{
	struct words_in in = {.text = text, .at = w->seal_at};
	struct words_reader r = {.in = &in, .w = inner, .why = why, .depth = 1};

	in.len = w->seal_at + w->sets[w->seal].len;
	return words_message(&r) &&
	       (words_over(&r) || words_fail(&r, in.at, "a closing brace without an opening one"));
}
