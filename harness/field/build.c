/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Building by the tables (field_build). Three passes over the layers: put down what is set and what
 * is preset; compute what depends on the whole (lengths, counts, types), unless set; checksums
 * last, from the inside out. A case may set any field to anything: nothing here refuses a wrong
 * value.
 */
#include <stdlib.h>
#include <string.h>

#include "harness/field/formats.h"

struct place {
	const struct field_def *def;
	size_t bit, bits;
	uint8_t layer;
	bool set;
};

struct built {
	uint8_t *out;
	size_t cap, bit;
	const struct field_format *layers[LAYER_MAX];
	size_t at[LAYER_MAX + 1]; /* octet at which a layer starts */
	size_t layer_cnt;
	size_t cur; /* the layer being put down */
	struct place p[FIELD_MAX];
	size_t cnt;
};

/* Defaults that a layer inside brings along. */
static const struct {
	const char *with, *field;
	uint64_t value;
} along[] = {
	{"hsrp", "eth.dst", 0x01005e000002},
	{"hsrp", "ip.dst", 0xe0000002},
	{"hsrp", "ip.ttl", 1},
	{"hsrpadv", "eth.dst", 0x01005e000002},
	{"hsrpadv", "ip.dst", 0xe0000002},
	{"hsrpadv", "ip.ttl", 1},
	{"hsrpadv", "hsrpadv.length", 14},
};

static void
put_bits(uint8_t *out, size_t bit, size_t bits, uint64_t v)
{
	if (bit % 8 == 0 && bits % 8 == 0 && bits <= 64) {
		for (size_t i = bits / 8; i-- > 0; v >>= 8)
			out[bit / 8 + i] = (uint8_t)v;
		return;
	}
	for (size_t i = 0; i < bits; i++) {
		uint8_t one = (uint8_t)(0x80 >> (bit + i) % 8);
		bool on = bits - 1 - i < 64 && v >> (bits - 1 - i) & 1;

		out[(bit + i) / 8] =
			on ? out[(bit + i) / 8] | one : out[(bit + i) / 8] & (uint8_t)~one;
	}
}

/* Most names differ in their first letter: that is cheaper than a call. */
static bool
same(const char *a, const char *b)
{
	return a[0] == b[0] && !strcmp(a, b);
}

static uint64_t
preset_of(const struct built *b, const struct field_def *d)
{
	for (size_t i = 0; i < sizeof along / sizeof along[0]; i++) {
		if (!same(along[i].field, d->name))
			continue;
		for (size_t l = 0; l < b->layer_cnt; l++)
			if (!strcmp(along[i].with, b->layers[l]->name))
				return along[i].value;
	}
	return d->preset;
}

/* Is this set for the nth field of that name? */
static bool
names(const struct field_set *s, const char *name, size_t len, size_t nth)
{
	if (strncmp(s->name, name, len) != 0)
		return false;
	if (!s->name[len])
		return nth == 1;
	return s->name[len] == '#' && strtoul(s->name + len + 1, NULL, 10) == nth;
}

static const struct field_set *
set_for(const struct built *b, const struct field_def *d, const struct field_set *sets, size_t cnt)
{
	size_t nth = 1, len = strlen(d->name);

	for (size_t i = 0; i < b->cnt; i++)
		nth += b->p[i].def == d;
	for (size_t i = cnt; i-- > 0;)
		if (names(&sets[i], d->name, len, nth))
			return &sets[i];
	return NULL;
}

/* Octets into a field of fixed width: cut, or filled with zeros at the end. */
static void
put_octets(struct built *b, size_t bit, size_t bits, const struct field_set *s)
{
	size_t len = s->len < bits / 8 ? s->len : bits / 8;

	if (len && bit % 8 == 0) /* the rest is zero already */
		memcpy(b->out + bit / 8, s->bytes, len);
	for (size_t i = 0; bit % 8 && i < bits / 8; i++)
		put_bits(b->out, bit + 8 * i, 8, i < s->len ? ((const uint8_t *)s->bytes)[i] : 0);
}

static bool
put_field(struct built *b, const struct field_def *d, const struct field_set *s)
{
	size_t bits = d->bits ? d->bits : s ? (s->bytes ? s->len * 8 : 32) : 0;
	struct place *p = &b->p[b->cnt];

	if (b->cnt == FIELD_MAX || (b->bit + bits + 7) / 8 > b->cap)
		return false;
	*p = (struct place){
		.def = d, .bit = b->bit, .bits = bits, .layer = (uint8_t)b->cur, .set = s != NULL};
	if (s && s->bytes)
		put_octets(b, b->bit, bits, s);
	else
		put_bits(b->out, b->bit, bits, s ? s->value : preset_of(b, d));
	b->bit += bits;
	b->cnt++;
	return true;
}

/* -- what depends on the whole -- */

/* The first layer at or behind `from` that is not inside layer l; layer_cnt if none. */
static size_t
layer_end(const struct built *b, size_t l)
{
	size_t i = l + 1;

	while (i < b->layer_cnt && b->layers[i]->level > b->layers[l]->level)
		i++;
	return i;
}

static size_t
own_octets(const struct built *b, size_t l)
{
	size_t bits = 0;

	for (size_t i = 0; i < b->cnt; i++)
		if (b->p[i].layer == l && !(b->p[i].def->bits == 0 && !b->p[i].def->size_by))
			bits += b->p[i].bits;
	return bits / 8;
}

static size_t
count_inside(const struct built *b, size_t l)
{
	size_t n = 0, end = layer_end(b, l);

	for (size_t i = l + 1; i < end; i++)
		n += b->layers[i]->level == b->layers[l + 1]->level;
	return n;
}

static uint64_t
sized(const struct built *b, const struct place *p)
{
	for (size_t i = 0; i < b->cnt; i++) {
		const struct field_def *d = b->p[i].def;

		if (b->p[i].layer == p->layer && d->size_by && !strcmp(d->size_by, p->def->name))
			return (b->p[i].bits / 8 + d->size_sub) / d->size_mul;
	}
	return 0;
}

static uint64_t
computed(const struct built *b, const struct place *p)
{
	size_t l = p->layer, end = layer_end(b, l);
	size_t all = b->at[end] - b->at[l];

	switch (p->def->fill) {
	case FIELD_LENGTH:
		return all;
	case FIELD_BODY:
		return all - own_octets(b, l);
	case FIELD_NEXT:
		return l + 1 < end ? b->layers[l + 1]->type : 0;
	case FIELD_BEHIND:
		return l + 1 < b->layer_cnt ? b->layers[l + 1]->type : 0;
	case FIELD_SIBLING:
		return end < b->layer_cnt && b->layers[end]->level == b->layers[l]->level
			       ? b->layers[end]->type
			       : 0;
	case FIELD_SIZE:
		return sized(b, p);
	case FIELD_COUNT:
		return l + 1 < end ? count_inside(b, l) : 0;
	case FIELD_TYPE:
		return b->layers[l]->type;
	case FIELD_PLAIN:
	case FIELD_CHECKSUM:
	case FIELD_AUTO_CNT:
		break;
	}
	return 0;
}

/* TLVs' length counts the value: everything behind type and length. */
static uint64_t
body_of_tlv(const struct built *b, const struct place *p)
{
	return b->at[layer_end(b, p->layer)] - (p->bit + p->bits) / 8;
}

static bool
is_tlv(const struct built *b, const struct place *p)
{
	return p->def->fill == FIELD_BODY && b->layers[p->layer] != &field_format_ssp;
}

static void
fill_in(struct built *b)
{
	for (size_t i = 0; i < b->cnt; i++) {
		const struct place *p = &b->p[i];

		if (p->set || p->def->fill == FIELD_PLAIN || p->def->fill == FIELD_CHECKSUM)
			continue;
		if ((p->def->fill == FIELD_NEXT && !computed(b, p)) && preset_of(b, p->def))
			continue;
		put_bits(
			b->out, p->bit, p->bits, is_tlv(b, p) ? body_of_tlv(b, p) : computed(b, p));
	}
}

static uint32_t
address(const struct built *b, const char *name)
{
	for (size_t i = 0; i < b->cnt; i++)
		if (same(b->p[i].def->name, name)) {
			const uint8_t *p = b->out + b->p[i].bit / 8;

			return IP4(p[0], p[1], p[2], p[3]);
		}
	return 0;
}

static void
checksums(struct built *b)
{
	for (size_t i = b->cnt; i-- > 0;) {
		const struct place *p = &b->p[i];
		size_t l = p->layer;
		const struct field_format *f = b->layers[l];
		struct sum_in s = {.bytes = b->out + b->at[l]};
		uint16_t sum;

		if (p->set || p->def->fill != FIELD_CHECKSUM)
			continue;
		s.len = f == &field_format_ipv4 ? own_octets(b, l)
						: b->at[layer_end(b, l)] - b->at[l];
		if (f == &field_format_udp || f == &field_format_tcp) {
			s.src = address(b, "ip.src");
			s.dst = address(b, "ip.dst");
		}
		s.proto = f == &field_format_udp || f == &field_format_tcp ? (uint8_t)f->type : 0;
		sum = field_format_checksum(&s);
		put_bits(b->out, p->bit, 16, f == &field_format_udp && !sum ? 0xffff : sum);
	}
}

/* -- entry -- */

static bool
read_layers(struct built *b, const char *text, struct why *why)
{
	char name[64];

	for (;;) {
		size_t len = strcspn(text, "/");
		const struct field_format *f;

		if (len >= sizeof name || b->layer_cnt == LAYER_MAX)
			return false;
		memcpy(name, text, len);
		name[len] = 0;
		f = field_format(name);
		if (!f) {
			(void)err_set(why, ERR_UNKNOWN, "layer", b->layer_cnt, "-");
			return false;
		}
		b->layers[b->layer_cnt++] = f;
		if (!text[len])
			return true;
		text += len + 1;
	}
}

static bool
all_known(const struct built *b, const struct field_set *sets, size_t cnt, struct why *why)
{
	for (size_t i = 0; i < cnt; i++) {
		size_t k = 0, len = strcspn(sets[i].name, "#");

		while (k < b->cnt &&
			(strncmp(b->p[k].def->name, sets[i].name, len) || b->p[k].def->name[len]))
			k++;
		if (k == b->cnt) {
			(void)err_set(why, ERR_UNKNOWN, sets[i].name, i, "-");
			return false;
		}
	}
	return true;
}

size_t
field_build(void *out, size_t cap, const char *layers, const struct field_set *sets, size_t set_cnt,
	struct why *why)
{
	struct built b; /* its arrays are filled as they are counted */

	b.out = out;
	b.cap = cap;
	b.bit = b.layer_cnt = b.cur = b.cnt = 0;
	if (!read_layers(&b, layers, why))
		return 0;
	memset(out, 0, cap);
	for (size_t l = 0; l < b.layer_cnt; l++) {
		const struct field_format *f = b.layers[l];

		b.cur = l;
		b.at[l] = b.bit / 8;
		for (size_t i = 0; i < f->field_cnt; i++) {
			const struct field_def *d = &f->fields[i];

			if (!put_field(&b, d, set_for(&b, d, sets, set_cnt))) {
				(void)err_set(why, ERR_FULL, d->name, b.bit / 8, d->clause);
				return 0;
			}
		}
	}
	b.at[b.layer_cnt] = b.bit / 8;
	if (!all_known(&b, sets, set_cnt, why))
		return 0;
	fill_in(&b);
	checksums(&b);
	return b.bit / 8;
}
