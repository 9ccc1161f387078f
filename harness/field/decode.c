/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decoding by the tables (field.h). `lay` puts one layer's fields down; a walker for each protocol
 * says what is inside and where it ends. Every read is checked against the end of the layer around
 * it; the first thing wrong is kept in msg.bad, and the walk stops there.
 *
 * Nothing is decrypted here: keys open, then field_decode_chain reads.
 */
#include <string.h>

#include "harness/field/decode_in.h"

#define SSP_PORT 3249 /* docs/spec/ssp.md 1 */

/* Note what is wrong, if nothing was yet. Always false. */
bool
field_bad(struct msg *m, enum err e, const char *field, size_t at, const char *clause)
{
	if (!m->err)
		m->err = err_set(&m->bad, e, field, at, clause);
	return false;
}

static uint64_t
bits_at(const uint8_t *p, size_t bit, size_t cnt)
{
	uint64_t v = 0;

	for (size_t i = bit; i < bit + cnt; i++)
		v = v << 1 | (p[i / 8] >> (7 - i % 8) & 1);
	return v;
}

static uint64_t
number_at(const uint8_t *p, size_t bit, size_t cnt)
{
	uint64_t v = 0;

	if (bit % 8 || cnt % 8)
		return bits_at(p, bit, cnt);
	for (size_t i = 0; i < cnt / 8; i++)
		v = v << 8 | p[bit / 8 + i];
	return v;
}

/* Octets of a sized field: by the number that counts it, within this layer; else all that is left.
 */
static bool
size_of(struct msg *m, const struct field_def *d, size_t first, size_t left, size_t *len)
{
	*len = left;
	if (!d->size_by)
		return true;
	for (size_t i = first; i < m->field_cnt; i++) {
		size_t n = (size_t)m->fields[i].value * d->size_mul;

		if (strcmp(m->fields[i].def->name, d->size_by))
			continue;
		if (n < d->size_sub || n - d->size_sub > left)
			return field_bad(m, ERR_LENGTH, d->size_by, m->fields[i].offset, d->clause);
		*len = n - d->size_sub;
		return true;
	}
	return field_bad(m, ERR_LENGTH, d->size_by, 0, d->clause);
}

static bool
put(struct msg *m, const struct field_def *d, size_t first, size_t *bit, size_t end)
{
	size_t at = *bit / 8, len, width = d->bits;
	struct field *f;

	if (m->field_cnt == FIELD_MAX)
		return field_bad(m, ERR_FULL, d->name, at, d->clause);
	if (!width) {
		if (!size_of(m, d, first, end - at, &len))
			return false;
		width = len * 8;
	} else if (*bit + width > end * 8) {
		return field_bad(m, ERR_SHORT, d->name, at, d->clause);
	}
	f = &m->fields[m->field_cnt++];
	*f = (struct field){.def = d,
		.offset = (uint32_t)at,
		.len = (uint32_t)((*bit + width + 7) / 8 - at),
		.layer = (uint8_t)(m->layer_cnt - 1)};
	if (width <= 64)
		f->value = number_at(m->bytes, *bit, width);
	*bit += width;
	if (d->must && f->value != d->preset)
		(void)field_bad(m, ERR_VALUE, d->name, at,
			d->clause); /* the layer's others are still shown */
	return true;
}

/* One layer in [*at, end); *at moves behind its own fields. False if it is malformed. */
bool
field_lay(struct msg *m, const struct field_format *f, size_t *at, size_t end)
{
	size_t first = m->field_cnt, bit = *at * 8;

	if (m->layer_cnt == LAYER_MAX)
		return field_bad(m, ERR_FULL, f->name, *at, "-");
	m->layers[m->layer_cnt++] =
		(struct layer){.format = f, .offset = (uint32_t)*at, .len = (uint32_t)(end - *at)};
	for (size_t i = 0; i < f->field_cnt; i++)
		if (!put(m, &f->fields[i], first, &bit, end))
			return false;
	*at = bit / 8;
	return !m->err;
}

const struct field *
field_last_named(const struct msg *m, const char *name)
{
	for (size_t i = m->field_cnt; i-- > 0;)
		if (!strcmp(m->fields[i].def->name, name))
			return &m->fields[i];
	return NULL;
}

size_t
field_value_of(const struct msg *m, const char *name)
{
	const struct field *f = field_last_named(m, name);

	return f ? (size_t)f->value : 0;
}

bool
field_peek_u16(struct msg *m, size_t at, size_t end, const char *field, size_t *v)
{
	if (at + 2 > end)
		return field_bad(m, ERR_SHORT, field, at, "RFC 2408 3.2");
	*v = (size_t)m->bytes[at] << 8 | m->bytes[at + 1];
	return true;
}

static bool
walk_data(struct msg *m, size_t at, size_t end)
{
	return at == end || field_lay(m, &field_format_data, &at, end);
}

/* -- SSP: one message, or several in a row -- */

static bool
walk_tlvs(struct msg *m, size_t at, size_t end)
{
	while (at < end) {
		size_t type, len, start = at;
		const struct field_format *f;

		if (!field_peek_u16(m, at, end, "ssp.tlv.type", &type) ||
			!field_peek_u16(m, at + 2, end, "ssp.tlv.length", &len))
			return false;
		f = field_format_ssp_tlv((uint16_t)type);
		if (!f)
			return field_bad(m, ERR_VALUE, "ssp.tlv.type", at, "docs/spec/ssp.md 1");
		if (len > end - at - 4)
			return field_bad(
				m, ERR_LENGTH, f->fields[1].name, at + 2, "docs/spec/ssp.md 1");
		if (!field_lay(m, f, &at, start + 4 + len))
			return false;
		if (at != start + 4 + len)
			return field_bad(
				m, ERR_LENGTH, f->fields[1].name, start + 2, "docs/spec/ssp.md 1");
	}
	return true;
}

static bool
walk_ssp(struct msg *m, size_t at, size_t end)
{
	while (at < end) {
		size_t start = at, body;

		if (!field_lay(m, &field_format_ssp, &at, end))
			return false;
		body = field_value_of(m, "ssp.length");
		if (body > 4096)
			return field_bad(
				m, ERR_LENGTH, "ssp.length", start + 4, "docs/spec/ssp.md 1");
		if (body > end - at)
			return field_bad(
				m, ERR_SHORT, "ssp.length", start + 4, "docs/spec/ssp.md 1");
		m->layers[m->layer_cnt - 1].len = (uint32_t)(16 + body);
		if (!walk_tlvs(m, at, at + body))
			return false;
		at += body;
	}
	return true;
}

/* -- Ethernet to UDP -- */

static bool
walk_udp_body(struct msg *m, size_t at, size_t end)
{
	size_t s = field_value_of(m, "udp.sport"), d = field_value_of(m, "udp.dport");

	if (d == 1985) {
		bool adv = end - at > 1 && m->bytes[at + 1] == 3;

		return field_lay(m, adv ? &field_format_hsrpadv : &field_format_hsrp, &at, end) &&
		       walk_data(m, at, end);
	}
	if (s == 500 || d == 500)
		return field_walk_isakmp(m, at, end);
	if ((s == 4500 || d == 4500) && end - at >= 8) {
		if (m->bytes[at] | m->bytes[at + 1] | m->bytes[at + 2] | m->bytes[at + 3])
			return field_lay(m, &field_format_esp, &at, end);
		return field_lay(m, &field_format_nonesp, &at, end) &&
		       field_walk_isakmp(m, at, end);
	}
	return walk_data(m, at, end);
}

static bool
sum_is_good(struct msg *m, const char *field, size_t at, size_t end, uint8_t proto)
{
	struct sum_in s = {.bytes = m->bytes + at, .len = end - at, .proto = proto};

	s.src = (uint32_t)field_value_of(m, "ip.src");
	s.dst = (uint32_t)field_value_of(m, "ip.dst");
	if (!field_format_checksum(&s))
		return true;
	return field_bad(m, ERR_CHECKSUM, field, field_last_named(m, field)->offset,
		field_last_named(m, field)->def->clause);
}

static bool
walk_udp(struct msg *m, size_t at, size_t end, bool whole)
{
	size_t start = at, len;

	if (!field_lay(m, &field_format_udp, &at, end))
		return false;
	len = field_value_of(m, "udp.length");
	if (!whole)
		return walk_data(m, at, end);
	if (len < 8 || len > end - start)
		return field_bad(m, ERR_LENGTH, "udp.length", start + 4, "RFC 768");
	m->layers[m->layer_cnt - 1].len = (uint32_t)len;
	if (field_value_of(m, "udp.checksum") &&
		!sum_is_good(m, "udp.checksum", start, start + len, 17))
		return false;
	return walk_udp_body(m, at, start + len);
}

/* Whole SSP messages and nothing else, in clear: what a lab without TLS has, or who crafts. */
static bool
looks_like_ssp(const struct msg *m, size_t at, size_t end)
{
	size_t s = field_value_of(m, "tcp.sport"), d = field_value_of(m, "tcp.dport");

	if (at == end || (s != SSP_PORT && d != SSP_PORT))
		return false;
	while (at < end) {
		size_t one = field_ssp_whole(m->bytes + at, end - at);

		if (!one || m->bytes[at] != 1 || m->bytes[at + 2] || m->bytes[at + 3])
			return false;
		at += one;
	}
	return true;
}

static bool
walk_l4(struct msg *m, size_t at, size_t end)
{
	size_t start = at;
	bool first = !field_value_of(m, "ip.fragoff"), whole = first && !field_value_of(m, "ip.mf");

	if (!first)
		return walk_data(m, at, end);
	switch (field_value_of(m, "ip.proto")) {
	case 17:
		return walk_udp(m, at, end, whole);
	case 50:
		return field_lay(m, &field_format_esp, &at, end);
	case 1:
		return field_lay(m, &field_format_icmp, &at, end) &&
		       (!whole || sum_is_good(m, "icmp.checksum", start, end, 0)) &&
		       walk_data(m, at, end);
	case 6:
		return field_lay(m, &field_format_tcp, &at, end) &&
		       (!whole || sum_is_good(m, "tcp.checksum", start, end, 6)) &&
		       (looks_like_ssp(m, at, end) ? walk_ssp(m, at, end) : walk_data(m, at, end));
	}
	return walk_data(m, at, end);
}

static bool
walk_ipv4(struct msg *m, size_t at, size_t end)
{
	size_t start = at, len;

	if (!field_lay(m, &field_format_ipv4, &at, end))
		return false;
	len = field_value_of(m, "ip.length");
	if (len < at - start || len > end - start)
		return field_bad(m, ERR_LENGTH, "ip.length", start + 2, "RFC 791 3.1");
	m->layers[m->layer_cnt - 1].len = (uint32_t)len;
	if (!sum_is_good(m, "ip.checksum", start, at, 0))
		return false;
	return walk_l4(m, at, start + len);
}

/* What an EtherType announces, behind up to two tags. */
static bool
walk_type(struct msg *m, size_t type, size_t at, size_t end)
{
	for (int tags = 0; tags < 2 && (type == 0x8100 || type == 0x88a8); tags++) {
		if (!field_lay(m, &field_format_vlan, &at, end))
			return false;
		type = field_value_of(m, "vlan.type");
	}
	switch (type) {
	case 0x0806:
		if (!field_lay(m, &field_format_arp, &at, end))
			return false;
		m->layers[m->layer_cnt - 1].len = 28;
		return true; /* what follows is padding */
	case 0x0800:
		return walk_ipv4(m, at, end);
	}
	return walk_data(m, at, end);
}

static bool
walk_eth(struct msg *m, size_t at, size_t end)
{
	return field_lay(m, &field_format_eth, &at, end) &&
	       walk_type(m, field_value_of(m, "eth.type"), at, end);
}

static bool
walk_link(struct msg *m, unsigned link, size_t end)
{
	size_t at = 0;

	switch (link) {
	case 1:
		return walk_eth(m, at, end);
	case 113:
		return field_lay(m, &field_format_sll, &at, end) &&
		       walk_type(m, field_value_of(m, "sll.type"), at, end);
	case 276:
		return field_lay(m, &field_format_sll2, &at, end) &&
		       walk_type(m, field_value_of(m, "sll2.type"), at, end);
	case 12:
	case 14:
	case 101:
	case 228:
		if (end > 0 && m->bytes[0] >> 4 != 4)
			return walk_data(m, at, end);
		return walk_ipv4(m, at, end);
	}
	return field_bad(m, ERR_UNSUPPORTED, "link", 0, "LINKTYPE_");
}

/* -- entries -- */

static void
start(struct msg *m, const void *bytes, size_t len)
{
	static const uint8_t none;

	m->bytes = bytes ? bytes : &none;
	m->len = bytes ? len : 0;
	m->field_cnt = m->layer_cnt = 0;
	m->err = ERR_OK;
	m->bad = (struct why){0};
}

enum err
field_decode(struct msg *m, const void *frame, size_t len)
{
	start(m, frame, len);
	if (len > 65535)
		field_bad(m, ERR_LENGTH, "eth.dst", 0, "-");
	else
		walk_eth(m, 0, len);
	return m->err;
}

enum err
field_decode_link(struct msg *m, unsigned link, const void *frame, size_t len)
{
	start(m, frame, len);
	if (len > 65535 + 64)
		field_bad(m, ERR_LENGTH, "frame", 0, "-");
	else
		walk_link(m, link, len);
	return m->err;
}

enum err
field_decode_as(struct msg *m, const char *format, const void *bytes, size_t len)
{
	const struct field_format *f = field_format(format);
	size_t at = 0;

	start(m, bytes, len);
	if (!f)
		field_bad(m, ERR_UNKNOWN, "format", 0, "-");
	else if (f == &field_format_eth)
		walk_eth(m, 0, len);
	else if (f == &field_format_ipv4)
		walk_ipv4(m, 0, len);
	else if (f == &field_format_isakmp)
		field_walk_isakmp(m, 0, len);
	else if (f == &field_format_ssp)
		walk_ssp(m, 0, len);
	else if (f->level == 4 && !strncmp(f->name, "isakmp.", 7) && f != &field_format_encrypted)
		field_walk_chain(m, (uint8_t)f->type, 0, len, false);
	else if (field_lay(m, f, &at, len))
		walk_data(m, at, len);
	return m->err;
}

enum err
field_decode_chain(struct msg *m, uint8_t first, const void *bytes, size_t len)
{
	start(m, bytes, len);
	field_walk_chain(m, first, 0, len, true);
	return m->err;
}

size_t
field_ssp_whole(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	size_t body;

	if (len < 16)
		return 0;
	body = (size_t)p[4] << 24 | (size_t)p[5] << 16 | (size_t)p[6] << 8 | p[7];
	return body <= len - 16 ? 16 + body : 0;
}
