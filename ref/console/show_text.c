/* SPDX-License-Identifier: BSD-2-Clause */
/* A JSON value as the text that a reader wants. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ref/console/show.h"

struct text {
	char *p;
	size_t len, cap;
};

static void
put(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	for (;;) {
		char *more;

		va_start(ap, fmt);
		n = vsnprintf(t->p + t->len, t->cap - t->len, fmt, ap);
		va_end(ap);
		if (n < 0 || (size_t)n < t->cap - t->len)
			break;
		more = realloc(t->p, t->cap * 2 + (size_t)n);
		if (!more)
			return;
		t->p = more;
		t->cap = t->cap * 2 + (size_t)n;
	}
	t->len += n > 0 ? (size_t)n : 0;
}

static void
scalar(struct text *t, const json_t *v)
{
	if (json_is_string(v))
		put(t, "%s", json_string_value(v));
	else if (json_is_integer(v))
		put(t, "%lld", (long long)json_integer_value(v));
	else if (json_is_real(v))
		put(t, "%.3f", json_real_value(v));
	else if (json_is_boolean(v))
		put(t, "%s", json_is_true(v) ? "yes" : "no");
	else
		put(t, "-");
}

static void
label(struct text *t, const char *key)
{
	for (; *key; key++)
		put(t, "%c", *key == '_' || *key == '-' ? ' ' : *key);
}

/* Objects as indented "label: value" lines; counters that are 0 are left out. */
static void
render(struct text *t, const json_t *v, int depth, bool sparse)
{
	const char *key;
	json_t *e;
	size_t i;

	if (json_is_array(v)) {
		if (!json_array_size(v))
			put(t, "%*snone\n", depth * 2, "");
		json_array_foreach(v, i, e)
		{
			render(t, e, depth, sparse);
			if (depth == 0 && json_is_object(e) && i + 1 < json_array_size(v))
				put(t, "\n");
		}
		return;
	}
	if (!json_is_object(v)) {
		put(t, "%*s", depth * 2, "");
		scalar(t, v);
		put(t, "\n");
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)v, key, e)
	{
		if (sparse && json_is_integer(e) && !json_integer_value(e))
			continue;
		put(t, "%*s", depth * 2, "");
		label(t, key);
		if (json_is_object(e) || json_is_array(e)) {
			put(t, ":\n");
			render(t, e, depth + 1,
				!strcmp(key, "counters") || !strcmp(key, "inbound") ||
					!strcmp(key, "outbound"));
		} else {
			put(t, ": ");
			scalar(t, e);
			put(t, "\n");
		}
	}
}

char *
show_text(const json_t *v)
{
	struct text t = {.cap = 4096};

	t.p = malloc(t.cap);
	if (t.p) {
		t.p[0] = '\0';
		render(&t, v, 0, false);
	}
	return t.p;
}
