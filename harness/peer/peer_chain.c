/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Payload chains (peer_chain.h). Reading is strict about what RFC 2408 calls MUST (lengths,
 * reserved octets zero: 5.3), and does not look inside: each payload's own reader does. No state.
 */
#include <string.h>

#include "harness/peer/peer_chain.h"

bool
peer_chain_read(struct chain *c, uint8_t first, const uint8_t *p, size_t len)
{
	struct rd r;
	uint8_t type = first;

	memset(c, 0, sizeof *c);
	rd_init(&r, p, len);
	while (type != PL_NONE && !c->bad) {
		struct chain_item *i = &c->item[c->cnt];
		size_t size;

		if (c->cnt == CHAIN_MAX) {
			c->bad = "too many payloads";
			break;
		}
		i->type = type;
		i->raw = r.p;
		type = rd_u8(&r, "payload next");
		if (rd_u8(&r, "payload reserved"))
			c->bad = "reserved octet not zero";
		size = rd_u16(&r, "payload length");
		i->raw_len = size;
		i->len = size < 4 ? 0 : size - 4;
		i->body = rd_bytes(&r, i->len, "payload body");
		if (r.bad || size < 4)
			c->bad = "payload length";
		c->cnt++;
	}
	c->end = r.p;
	return !c->bad;
}

const struct chain_item *
peer_chain_get(const struct chain *c, uint8_t type, size_t n)
{
	for (size_t i = 0; i < c->cnt; i++)
		if (c->item[i].type == type && !n--)
			return &c->item[i];
	return NULL;
}

size_t
peer_chain_count(const struct chain *c, uint8_t type)
{
	size_t n = 0;

	for (size_t i = 0; i < c->cnt; i++)
		n += c->item[i].type == type;
	return n;
}

void
peer_chain_start(struct chain_out *o, uint8_t *buf, size_t cap)
{
	memset(o, 0, sizeof *o);
	wr_init(&o->w, buf, cap);
}

void
peer_chain_open(struct chain_out *o, uint8_t type)
{
	if (!o->w.len)
		o->first = type;
	else if (!o->w.bad)
		o->w.base[o->next_at] = type;
	o->next_at = o->open_at = o->w.len;
	wr_u32(&o->w, 0);
}

void
peer_chain_close(struct chain_out *o)
{
	wr_patch_u16(&o->w, o->open_at + 2, (uint16_t)(o->w.len - o->open_at));
}

void
peer_chain_put(struct chain_out *o, uint8_t type, const void *body, size_t len)
{
	peer_chain_open(o, type);
	wr_bytes(&o->w, body, len);
	peer_chain_close(o);
}

/* One transform payload; false at the end or when it is malformed. */
static bool
read_transform(struct rd *r, struct offer *o, uint8_t *next)
{
	size_t len;

	o->raw = r->p;
	*next = rd_u8(r, "transform next");
	if (rd_u8(r, "transform reserved"))
		rd_fail(r, "transform reserved");
	len = rd_u16(r, "transform length");
	o->raw_len = len;
	o->transform_no = rd_u8(r, "transform number");
	o->transform_id = rd_u8(r, "transform id");
	rd_skip(r, 2, "transform reserved2");
	if (len < 8)
		rd_fail(r, "transform length");
	o->attrs_len = len < 8 ? 0 : len - 8;
	o->attrs = rd_bytes(r, o->attrs_len, "attributes");
	return !r->bad;
}

static int
read_proposal(struct rd *r, struct offer *out, int have, uint8_t *next)
{
	struct offer o = {0};
	struct rd in;
	uint8_t more = 0, cnt;
	size_t len;

	*next = rd_u8(r, "proposal next");
	rd_skip(r, 1, "proposal reserved");
	len = rd_u16(r, "proposal length");
	in = rd_sub(r, len < 8 ? 0 : len - 4, "proposal");
	o.number = rd_u8(&in, "proposal number");
	o.protocol = rd_u8(&in, "protocol");
	o.spi_len = rd_u8(&in, "SPI size");
	cnt = rd_u8(&in, "number of transforms");
	o.spi = rd_bytes(&in, o.spi_len, "SPI");
	for (int i = 0; i < cnt; i++) {
		if (have == OFFER_MAX || !read_transform(&in, &o, &more))
			return -1;
		if (more != (i + 1 < cnt ? PL_TRANSFORM : PL_NONE))
			return -1;
		out[have++] = o;
	}
	return in.bad || rd_left(&in) || !cnt ? -1 : have;
}

int
peer_offers_read(const uint8_t *sa, size_t len, struct offer *out, const char **bad)
{
	struct rd r;
	uint8_t next = PL_PROPOSAL;
	int have = 0;

	rd_init(&r, sa, len);
	*bad = "SA payload malformed";
	if (rd_u32(&r, "DOI") != 1 || rd_u32(&r, "situation") != 1) {
		*bad = "not the IPsec DOI, or another situation";
		return -1;
	}
	while (next == PL_PROPOSAL && have >= 0)
		have = read_proposal(&r, out, have, &next);
	if (have < 0 || next != PL_NONE || r.bad || rd_left(&r))
		return -1;
	return have;
}

/* The next attribute; false at the end. Values of more than 4 octets read as 0xffffffff. */
static bool
next_attr(struct rd *r, uint16_t *type, uint32_t *v)
{
	uint16_t t, n;

	if (!rd_left(r))
		return false;
	t = rd_u16(r, "attribute type");
	n = rd_u16(r, "attribute value");
	*type = t & 0x7fff;
	*v = n;
	if (t & 0x8000)
		return !r->bad;
	*v = 0;
	if (n > 4) {
		rd_skip(r, n, "attribute value");
		*v = 0xffffffff;
	} else {
		while (n--)
			*v = *v << 8 | rd_u8(r, "attribute value");
	}
	return !r->bad;
}

bool
peer_attr_get(const struct offer *o, uint16_t type, uint32_t *v)
{
	struct rd r;
	uint16_t t;

	rd_init(&r, o->attrs, o->attrs_len);
	while (next_attr(&r, &t, v))
		if (t == type)
			return true;
	return false;
}

bool
peer_attrs_known(const struct offer *o, const uint16_t *types, size_t cnt)
{
	struct rd r;
	uint16_t t;
	uint32_t v;

	rd_init(&r, o->attrs, o->attrs_len);
	while (next_attr(&r, &t, &v)) {
		size_t i = 0;

		while (i < cnt && types[i] != t)
			i++;
		if (i == cnt)
			return false;
	}
	return !r.bad;
}

bool
peer_attr_life(
	const struct offer *o, uint16_t type_attr, uint16_t value_attr, uint32_t kind, uint32_t *v)
{
	struct rd r;
	uint16_t t;
	uint32_t value, now = 0;

	rd_init(&r, o->attrs, o->attrs_len);
	while (next_attr(&r, &t, &value)) {
		if (t == type_attr)
			now = value;
		if (t == value_attr && now == kind) {
			*v = value;
			return true;
		}
	}
	return false;
}

void
peer_attr_put(struct wr *w, uint16_t type, uint32_t value)
{
	if (value > 0xffff) {
		wr_u16(w, type);
		wr_u16(w, 4);
		wr_u32(w, value);
		return;
	}
	wr_u16(w, type | 0x8000);
	wr_u16(w, (uint16_t)value);
}
