/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asking a decoded message, and comparing two (field.h). Names are looked up by text: a message has
 * at most a few hundred fields, and cases are not hot paths.
 */
#include <stdlib.h>
#include <string.h>

#include "harness/field/formats.h"
#include "ref/base/hex.h"

#define NAME_MAX_LEN 64

uint16_t
field_format_checksum(const struct sum_in *s)
{
	uint64_t sum = 0;

	if (s->proto)
		sum = (s->src >> 16) + (s->src & 0xffff) + (s->dst >> 16) + (s->dst & 0xffff) +
		      s->proto + s->len;
	for (size_t i = 0; i < s->len; i++)
		sum += (uint64_t)s->bytes[i] << (i % 2 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* "name#2" to its name and number (from 1). */
static size_t
split(const char *name, char *plain)
{
	size_t len = strcspn(name, "#");

	if (len >= NAME_MAX_LEN)
		len = NAME_MAX_LEN - 1;
	memcpy(plain, name, len);
	plain[len] = 0;
	return name[len] == '#' ? strtoul(name + len + 1, NULL, 10) : 1;
}

const struct field *
field_find(const struct msg *m, const char *name)
{
	char plain[NAME_MAX_LEN];
	size_t nth = split(name, plain);

	for (size_t i = 0; i < m->field_cnt; i++)
		if (!strcmp(m->fields[i].def->name, plain) && !--nth)
			return &m->fields[i];
	return NULL;
}

bool
field_u64(const struct msg *m, const char *name, uint64_t *v)
{
	const struct field *f = field_find(m, name);

	if (f)
		*v = f->value;
	return f != NULL;
}

bool
field_u32(const struct msg *m, const char *name, uint32_t *v)
{
	const struct field *f = field_find(m, name);

	if (f)
		*v = (uint32_t)f->value;
	return f != NULL;
}

bool
field_ip4(const struct msg *m, const char *name, ip4_t *v)
{
	return field_u32(m, name, v);
}

bool
field_is(const struct msg *m, const char *name, uint64_t value)
{
	const struct field *f = field_find(m, name);

	return f && f->value == value;
}

size_t
field_nth(const struct msg *m, size_t i)
{
	size_t n = 1;

	for (size_t k = 0; k < i; k++)
		n += m->fields[k].def == m->fields[i].def;
	return n;
}

bool
field_bytes(const struct msg *m, const char *name, const uint8_t **p, size_t *len)
{
	const struct field *f = field_find(m, name);

	if (!f)
		return false;
	*p = m->bytes + f->offset;
	*len = f->len;
	return true;
}

size_t
field_layers(const struct msg *m, const char *format)
{
	size_t n = 0;

	for (size_t i = 0; i < m->layer_cnt; i++)
		n += !strcmp(m->layers[i].format->name, format);
	return n;
}

const struct layer *
field_layer(const struct msg *m, const char *format, size_t n)
{
	for (size_t i = 0; i < m->layer_cnt; i++)
		if (!strcmp(m->layers[i].format->name, format) && !n--)
			return &m->layers[i];
	return NULL;
}

/* -- as text -- */

static char *
text_bytes(const uint8_t *p, size_t len, char *dst, size_t cap)
{
	size_t shown = len > 32 ? 32 : len;

	hex_put(dst, cap, p, shown);
	if (shown < len && cap > 2 * shown + 24)
		snprintf(dst + 2 * shown, cap - 2 * shown, "... (%zu octets)", len);
	return dst;
}

static char *
text_text(const uint8_t *p, size_t len, char *dst, size_t cap)
{
	size_t used = len;

	while (used && !p[used - 1])
		used--;
	for (size_t i = 0; i < used; i++)
		if (p[i] < 0x20 || p[i] > 0x7e)
			return text_bytes(p, len, dst, cap);
	snprintf(dst, cap, "\"%.*s\"", (int)used, (const char *)p);
	return dst;
}

static char *
text_mac(uint64_t v, char *dst, size_t cap)
{
	struct mac a;
	char t[MAC_TEXT];

	for (int i = 0; i < 6; i++)
		a.b[i] = (uint8_t)(v >> (40 - 8 * i));
	snprintf(dst, cap, "%s", mac_put(t, &a));
	return dst;
}

char *
field_text(const struct msg *m, const struct field *f, char *dst, size_t cap)
{
	const uint8_t *p = m->bytes + f->offset;
	char t[IP4_TEXT];

	switch (f->def->kind) {
	case FIELD_NUM:
		snprintf(dst, cap, f->len > 4 ? "0x%llx" : "%llu", (unsigned long long)f->value);
		return dst;
	case FIELD_IP4:
		snprintf(dst, cap, "%s", ip4_put(t, (ip4_t)f->value));
		return dst;
	case FIELD_MAC:
		return text_mac(f->value, dst, cap);
	case FIELD_BYTES:
		return text_bytes(p, f->len, dst, cap);
	case FIELD_TEXT:
		return text_text(p, f->len, dst, cap);
	case FIELD_KIND_CNT:
		break;
	}
	return dst;
}

void
field_print(const struct msg *m, FILE *to)
{
	char t[128];

	for (size_t i = 0; i < m->field_cnt; i++)
		fprintf(to, "%5u  %-28s %s\n", m->fields[i].offset, m->fields[i].def->name,
			field_text(m, &m->fields[i], t, sizeof t));
	if (m->err)
		fprintf(to, "%5zu  malformed (%s): %s, %s\n", m->bad.offset, err_name(m->err),
			m->bad.field, m->bad.clause);
}

/* -- differences -- */

static bool
ignored(const char *list, const char *name)
{
	while (list && *list) {
		size_t len = strcspn(list, " ");

		if (len && list[len - 1] == '*' ? !strncmp(list, name, len - 1)
						: strlen(name) == len && !strncmp(list, name, len))
			return true;
		list += len + (list[len] == ' ');
	}
	return false;
}

static bool
differs(const struct msg *a, const struct field *x, const struct msg *b, const struct field *y)
{
	if (x->len != y->len || x->value != y->value)
		return true;
	if (x->def->bits && x->def->bits <= 64)
		return false; /* the value says it all, even of part of an octet */
	return memcmp(a->bytes + x->offset, b->bytes + y->offset, x->len) != 0;
}

struct out {
	char *text;
	size_t cap, len, cnt;
};

static void
say(struct out *o, const char *name, size_t nth, const char *want, const char *got,
	const char *clause)
{
	char number[24] = "";
	int n;

	o->cnt++;
	if (nth > 1)
		snprintf(number, sizeof number, "#%zu", nth);
	if (o->len >= o->cap)
		return;
	n = snprintf(o->text + o->len, o->cap - o->len, "%s%s: expected %s, seen %s (%s)\n", name,
		number, want, got, clause);
	o->len += n > 0 ? (size_t)n : 0;
}

/* Which of the fields of that name in m is the i-th field. */
static size_t
nth_of(const struct msg *m, size_t i)
{
	size_t n = 0;

	for (size_t k = 0; k <= i; k++)
		n += m->fields[k].def == m->fields[i].def;
	return n;
}

static const struct field *
nth_field(const struct msg *m, const struct field_def *d, size_t nth)
{
	for (size_t i = 0; i < m->field_cnt; i++)
		if (m->fields[i].def == d && !--nth)
			return &m->fields[i];
	return NULL;
}

static void
compare(const struct msg *want, const struct msg *got, const char *ignore, struct out *o)
{
	char a[128], b[128];

	for (size_t i = 0; i < want->field_cnt; i++) {
		const struct field *x = &want->fields[i];
		size_t nth = nth_of(want, i);
		const struct field *y = nth_field(got, x->def, nth);

		if (ignored(ignore, x->def->name) || (y && !differs(want, x, got, y)))
			continue;
		say(o, x->def->name, nth, field_text(want, x, a, sizeof a),
			y ? field_text(got, y, b, sizeof b) : "nothing", x->def->clause);
	}
}

size_t
field_diff(const struct msg *expected, const struct msg *seen, const char *ignore, char *text,
	size_t cap)
{
	struct out o = {.text = text, .cap = cap};
	char b[128];

	if (cap)
		text[0] = 0;
	compare(expected, seen, ignore, &o);
	for (size_t i = 0; i < seen->field_cnt; i++) {
		const struct field *y = &seen->fields[i];
		size_t nth = nth_of(seen, i);

		if (!ignored(ignore, y->def->name) && !nth_field(expected, y->def, nth))
			say(&o, y->def->name, nth, "nothing", field_text(seen, y, b, sizeof b),
				y->def->clause);
	}
	return o.cnt;
}
