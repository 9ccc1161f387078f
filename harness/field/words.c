/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A message to words (words.h). What the decoder laid down whole is kept, layer by layer; octets
 * behind it are `data` up to the end of the IP packet, and `trailer` from there on. Then the
 * message is built from its layers and sizes alone, and each field that came out otherwise than it
 * was is said; then once more with these, for the checksums. If the octets are still not those that
 * came, they are said as they are.
 */
#include "harness/field/formats.h"
#include "harness/field/words_in.h"

#include <string.h>

#include "ref/base/hex.h"

bool
words_add(struct words *w, const struct field_def *d, size_t nth, uint64_t value, const void *bytes,
	size_t len)
{
	char *name = w->names + w->names_len;
	size_t left = sizeof w->names - w->names_len;
	int n = nth > 1 ? snprintf(name, left, "%s#%zu", d->name, nth)
			: snprintf(name, left, "%s", d->name);

	if (w->set_cnt == FIELD_MAX || n < 0 || (size_t)n >= left)
		return false;
	w->names_len += (size_t)n + 1;
	w->defs[w->set_cnt] = d;
	w->sets[w->set_cnt++] =
		(struct field_set){.name = name, .value = value, .bytes = bytes, .len = len};
	return true;
}

bool
words_replace(struct words *w, size_t set, const void *octets, size_t len)
{
	if (set >= w->set_cnt || len > sizeof w->octets - w->octets_len)
		return false;
	memcpy(w->octets + w->octets_len, octets, len);
	w->sets[set].bytes = w->octets + w->octets_len;
	w->sets[set].len = len;
	w->octets_len += len;
	if (w->seal == set)
		w->seal = SIZE_MAX;
	return true;
}

long
words_build(const struct words *w, void *out, size_t cap)
{
	size_t most = 64, got;
	struct why why = {0};

	if (w->seal < w->set_cnt)
		return -1;
	for (const char *p = w->layers; (p = strchr(p, '/')); p++)
		most += 64; /* no table has more octets of fixed width */
	for (size_t i = 0; i < w->set_cnt; i++)
		most += w->sets[i].len;
	got = field_build(out, most < cap ? most : cap, w->layers, w->sets, w->set_cnt, &why);
	return why.field ? -1 : (long)got;
}

static const struct field_set *
set_of(const struct words *w, const char *name)
{
	for (size_t i = 0; i < w->set_cnt; i++)
		if (!strcmp(w->sets[i].name, name))
			return &w->sets[i];
	return NULL;
}

/* The definition of a field that is in one of the layers; NULL. */
static const struct field_def *
def_of(const struct words *w, const char *name)
{
	const char *p = w->layers;
	char layer[48];

	for (; p; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL) {
		const struct field_format *f;

		snprintf(layer, sizeof layer, "%.*s", (int)strcspn(p, "/"), p);
		f = field_format(layer);
		for (size_t k = 0; f && k < f->field_cnt; k++)
			if (!strcmp(f->fields[k].name, name))
				return &f->fields[k];
	}
	return NULL;
}

bool
words_number(const struct words *w, const char *name, uint64_t *value)
{
	const struct field_set *s = set_of(w, name);
	const struct field_def *d = s ? NULL : def_of(w, name);

	if (s || d)
		*value = s ? s->value : d->preset;
	return s || d;
}

bool
words_imply(struct words *w, const char *name, uint64_t value, const void *octets, size_t len)
{
	const struct field_def *d = set_of(w, name) ? NULL : def_of(w, name);

	return !d || words_add(w, d, 1, value, octets, len);
}

/* -- from a decoded message -- */

/* How much of the message is told by layers, and where the two kinds of rest begin. */
struct plan {
	size_t layers, fields, data, trailer;
};

static bool
whole(const struct msg *m, size_t layer)
{
	size_t n = 0;

	for (size_t i = m->field_cnt; i-- > 0 && m->fields[i].layer >= layer;)
		n += m->fields[i].layer == layer;
	return n == m->layers[layer].format->field_cnt;
}

static struct plan
plan_of(const struct msg *m)
{
	struct plan p = {.layers = m->layer_cnt, .fields = m->field_cnt, .trailer = m->len};

	if (p.layers && !whole(m, p.layers - 1))
		p.layers--;
	while (p.fields && m->fields[p.fields - 1].layer >= p.layers)
		p.fields--;
	if (p.fields)
		p.data = m->fields[p.fields - 1].offset + m->fields[p.fields - 1].len;
	for (size_t i = 0; i < p.layers; i++) {
		const struct layer *l = &m->layers[i];
		bool last = !strcmp(l->format->name, "arp");

		if ((last || !strcmp(l->format->name, "ipv4")) && l->offset + l->len >= p.data)
			p.trailer = l->offset + l->len;
	}
	return p;
}

static void
put_layers(struct words *w, const struct msg *m, const struct plan *p)
{
	size_t at = 0;

	for (size_t i = 0; i < p->layers; i++) {
		size_t n = strlen(m->layers[i].format->name);

		memcpy(w->layers + at, m->layers[i].format->name, n);
		w->layers[at + n] = '/';
		at += n + 1;
	}
	if (p->data < p->trailer || !at)
		at += (size_t)sprintf(w->layers + at, "data/");
	if (p->trailer < m->len)
		at += (size_t)sprintf(w->layers + at, "trailer/");
	w->layers[at - 1] = '\0';
}

/* The fields whose size is theirs to say: without them nothing has its place. */
static bool
put_sized(struct words *w, const struct msg *m, const struct plan *p)
{
	const struct field_def *data = &field_format_data.fields[0];
	const struct field_def *trailer = &field_format_trailer.fields[0];
	size_t datas = 1;

	for (size_t i = 0; i < p->fields; i++) {
		const struct field *f = &m->fields[i];

		datas += f->def == data;
		if (!f->def->bits && f->len &&
			!words_add(w, f->def, field_nth(m, i), 0, m->bytes + f->offset, f->len))
			return false;
	}
	if (p->data < p->trailer &&
		!words_add(w, data, datas, 0, m->bytes + p->data, p->trailer - p->data))
		return false;
	return p->trailer == m->len ||
	       words_add(w, trailer, 1, 0, m->bytes + p->trailer, m->len - p->trailer);
}

static bool
bits_equal(const uint8_t *a, const uint8_t *b, size_t bit, size_t cnt)
{
	if (bit % 8 == 0 && cnt % 8 == 0)
		return !memcmp(a + bit / 8, b + bit / 8, cnt / 8);
	for (size_t i = bit; i < bit + cnt; i++)
		if ((a[i / 8] ^ b[i / 8]) & (0x80 >> i % 8))
			return false;
	return true;
}

/* Say each field of fixed width that was built otherwise; checksums, or all but them. */
static bool
put_differing(struct words *w, const struct msg *m, const struct plan *p, const uint8_t *built,
	bool checksums)
{
	size_t bit = 0;

	for (size_t i = 0; i < p->fields; i++) {
		const struct field *f = &m->fields[i];
		const struct field_def *d = f->def;
		bool octets = d->kind == FIELD_TEXT || d->kind == FIELD_BYTES;

		if (!i || f->layer != m->fields[i - 1].layer)
			bit = (size_t)f->offset * 8;
		if (d->bits && (d->fill == FIELD_CHECKSUM) == checksums &&
			!bits_equal(built, m->bytes, bit, d->bits) &&
			!words_add(w, d, field_nth(m, i), f->value,
				octets ? m->bytes + f->offset : NULL, octets ? f->len : 0))
			return false;
		bit += d->bits ? d->bits : (size_t)f->len * 8;
	}
	return true;
}

static bool
builds(struct words *w, const struct msg *m)
{
	struct why why = {0};

	return field_build(w->octets, m->len, w->layers, w->sets, w->set_cnt, &why) == m->len &&
	       !why.field;
}

static bool
find_words(struct words *w, const struct msg *m)
{
	struct plan p = plan_of(m);

	put_layers(w, m, &p);
	if (!put_sized(w, m, &p) || !builds(w, m) || !put_differing(w, m, &p, w->octets, false) ||
		!builds(w, m))
		return false;
	if (!memcmp(w->octets, m->bytes, m->len))
		return true;
	return put_differing(w, m, &p, w->octets, true) && builds(w, m) &&
	       !memcmp(w->octets, m->bytes, m->len);
}

static void
clear(struct words *w)
{
	w->set_cnt = w->names_len = w->octets_len = 0;
	w->seal = SIZE_MAX;
	w->have_time = w->shorthand = false;
}

void
words_of(struct words *w, const struct msg *m)
{
	clear(w);
	if (m->len <= sizeof w->octets && find_words(w, m))
		return;
	clear(w);
	strcpy(w->layers, "data");
	(void)words_add(w, &field_format_data.fields[0], 1, 0, m->bytes, m->len);
}

/* -- to text -- */

struct to {
	char *at;
	size_t left;
	bool full;
};

static void
put(struct to *t, const char *s, size_t len)
{
	if (len >= t->left) {
		t->full = true;
		return;
	}
	memcpy(t->at, s, len);
	t->at += len;
	t->left -= len;
}

/* A run of this many equal octets is written as one, repeated. */
#define RUN 6

static void
put_hex(struct to *t, const uint8_t *p, size_t len)
{
	if (2 * len >= t->left) {
		t->full = true;
		return;
	}
	hex_put(t->at, t->left, p, len);
	t->at += 2 * len;
	t->left -= 2 * len;
}

static void
put_octets(struct to *t, const uint8_t *p, size_t len)
{
	bool open = true; /* the digits before may be gone on with */
	char times[24];
	size_t run;

	for (size_t i = 0; i < len; i += run) {
		for (run = 1; i + run < len && p[i + run] == p[i];)
			run++;
		if (i && (!open || run >= RUN))
			put(t, "+", 1);
		open = run < RUN;
		put_hex(t, p + i, open ? run : 1);
		if (!open)
			put(t, times, (size_t)sprintf(times, "*%zu", run));
	}
}

static void
put_quoted(struct to *t, const struct field_def *d, const uint8_t *p, size_t len)
{
	char x[8];

	while (d->bits && len && !p[len - 1]) /* a fixed width is filled with zeros */
		len--;
	put(t, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		if (p[i] == '"' || p[i] == '\\')
			put(t, x, (size_t)sprintf(x, "\\%c", p[i]));
		else if (p[i] < 0x20 || p[i] > 0x7e)
			put(t, x, (size_t)sprintf(x, "\\x%02x", p[i]));
		else
			put(t, (const char *)&p[i], 1);
	}
	put(t, "\"", 1);
}

static void
put_value(struct to *t, const struct field_def *d, const struct field_set *s)
{
	char text[32], quad[IP4_TEXT];
	unsigned long long v = s->value;
	int n = 0;

	if (s->bytes && d->kind == FIELD_TEXT) {
		put_quoted(t, d, s->bytes, s->len);
		return;
	}
	if (s->bytes) {
		put_octets(t, s->bytes, s->len);
		return;
	}
	if (d->kind == FIELD_IP4)
		n = sprintf(text, "%s", ip4_put(quad, (ip4_t)v));
	else if (d->kind == FIELD_MAC)
		n = sprintf(text, "%02x:%02x:%02x:%02x:%02x:%02x", (unsigned)(v >> 40 & 255),
			(unsigned)(v >> 32 & 255), (unsigned)(v >> 24 & 255),
			(unsigned)(v >> 16 & 255), (unsigned)(v >> 8 & 255), (unsigned)(v & 255));
	else
		n = sprintf(text, d->bits >= 32 ? "0x%llx" : "%llu", v);
	put(t, text, (size_t)n);
}

size_t
words_text_cap(const struct words *w)
{
	size_t cap = strlen(w->layers) + 64;

	for (size_t i = 0; i < w->set_cnt; i++)
		cap += strlen(w->sets[i].name) + 4 * w->sets[i].len + 48;
	return cap;
}

size_t
words_text(const struct words *w, char *text, size_t cap)
{
	struct to t = {.at = text, .left = cap};
	char time[48];

	put(&t, w->layers, strlen(w->layers));
	if (w->have_time)
		put(&t, time,
			(size_t)sprintf(time, " time=%lld.%09lld", (long long)(w->time / NS_PER_S),
				(long long)(w->time % NS_PER_S)));
	for (size_t i = 0; i < w->set_cnt; i++) {
		put(&t, " ", 1);
		put(&t, w->sets[i].name, strlen(w->sets[i].name));
		put(&t, "=", 1);
		if (i == w->seal)
			put(&t, "seal{", 5);
		if (i == w->seal)
			put(&t, w->sets[i].bytes, w->sets[i].len);
		else
			put_value(&t, w->defs[i], &w->sets[i]);
		if (i == w->seal)
			put(&t, "}", 1);
	}
	if (t.full)
		return 0;
	*t.at = '\0';
	return (size_t)(t.at - text);
}
