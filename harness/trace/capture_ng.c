/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcapng, block by block (draft-ietf-opsawg-pcapng): type, total length, body, total length again.
 * Read are the Section Header (4.1), Interface Description (4.2), Enhanced, Simple and the obsolete
 * Packet Block (4.3, 4.4, appendix A) and the Decryption Secrets Block (4.7); all others are passed
 * over. A section may have another byte order than the one before; its interfaces are counted on.
 *
 * The section's own length is not used: blocks are followed one by one.
 */
#include "harness/trace/capture_in.h"

#include <stdlib.h>
#include <string.h>

enum {
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 2,
	BLOCK_SIMPLE = 3,
	BLOCK_ENHANCED = 6,
	BLOCK_SECRETS = 10
};
enum {
	OPT_END = 0,
	OPT_COMMENT = 1,
	OPT_IF_NAME = 2,
	OPT_PACKET_ID = 5,
	OPT_TSRESOL = 9,
	OPT_TSOFFSET = 14
};
#define BYTE_ORDER_MAGIC 0x1A2B3C4Du
#define SECRETS_TLS 0x544C534Bu
#define NAME_MAX_LEN 255
#define COMMENT_MAX (1u << 20) /* of a frame: a thousand routes may change at once */

/* A block; its body is in c->buf, without the length behind it. */
struct block {
	uint32_t type, total;
	uint64_t start, body; /* offsets in the file */
	uint32_t len;	      /* of the body */
};

struct option {
	uint16_t code, len;
	const uint8_t *bytes;
};

/* The option at *at; *at moves behind it. 1, 0 at the end, -1 if it does not fit into the block. */
static int
next_option(struct capture *c, const struct block *b, size_t *at, struct option *o)
{
	const uint8_t *p = c->buf + *at;
	size_t left = b->len - *at, room;

	if (left == 0)
		return 0;
	if (left < 4)
		return capture_fail(
			c, b->body + *at, "%zu octets left for an option, expected 4", left);
	o->code = capture_u16(c, p);
	o->len = capture_u16(c, p + 2);
	o->bytes = p + 4;
	if (o->code == OPT_END)
		return 0;
	room = ((size_t)o->len + 3) & ~(size_t)3;
	if (room > left - 4)
		return capture_fail(c, b->body + *at,
			"option %u of %u octets, expected at most %zu", o->code, o->len, left - 4);
	*at += 4 + room;
	return 1;
}

static int
check_end(struct capture *c, const struct block *b, const uint8_t *end)
{
	if (capture_u32(c, end) == b->total)
		return 1;
	return capture_fail(c, b->start + b->total - 4,
		"the block's length at its end is %u, expected %u", capture_u32(c, end), b->total);
}

/* What is left of the block: the rest of its body, and its length again. */
static int
read_body(struct capture *c, struct block *b)
{
	b->body = c->offset;
	b->len = (uint32_t)(b->start + b->total - b->body) - 4;
	if (capture_fill(c, b->len + 4, "the block") < 0)
		return -1;
	return check_end(c, b, c->buf + b->len);
}

static int
check_total(struct capture *c, const struct block *b, uint32_t least, uint32_t most)
{
	if (b->total % 4 == 0 && b->total >= least && b->total <= most)
		return 1;
	return capture_fail(c, b->start + 4,
		"a block of type %u and %u octets, expected %u to %u, a multiple of 4", b->type,
		b->total, least, most);
}

int
capture_ng_section(struct capture *c)
{
	struct block b = {.type = NG_MAGIC, .start = c->offset - 4};
	struct option o;
	uint8_t h[20]; /* total, byte order, version, the section's length */
	uint32_t order;
	size_t at = 0;
	int got = capture_take(c, h, sizeof(h), "a section's header");

	if (got <= 0)
		return capture_fail(c, b.start, "the file ends within a section's header");
	memcpy(&order, h + 4, sizeof(order));
	c->swapped = order != BYTE_ORDER_MAGIC;
	if (c->swapped && order != __builtin_bswap32(BYTE_ORDER_MAGIC))
		return capture_fail(c, b.start + 8, "byte order %08x, expected 1a2b3c4d", order);
	b.total = capture_u32(c, h);
	if (check_total(c, &b, 28, CAPTURE_BLOCK_MAX) < 0)
		return -1;
	if (capture_u16(c, h + 8) != 1)
		return capture_fail(
			c, b.start + 12, "version %u, expected 1", capture_u16(c, h + 8));
	if (read_body(c, &b) < 0)
		return -1;
	while ((got = next_option(c, &b, &at, &o)) > 0)
		if (o.code == OPT_COMMENT)
			(void)capture_say(&c->section, o.bytes, o.len, COMMENT_MAX, true);
	c->if_first = c->if_cnt;
	return got < 0 ? -1 : 1;
}

static uint64_t
u64(const struct capture *c, const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return c->swapped ? __builtin_bswap64(v) : v;
}

static void
keep_name(struct capture_if *i, const struct option *o)
{
	struct capture_text t = {0};
	size_t len = o->len < NAME_MAX_LEN ? o->len : NAME_MAX_LEN;

	free(i->name);
	(void)capture_say(
		&t, o->bytes, strnlen((const char *)o->bytes, len), NAME_MAX_LEN + 1, true);
	i->name = t.p;
}

static int
take_interface_option(struct capture *c, struct capture_if *i, const struct option *o, uint64_t at)
{
	switch (o->code) {
	case OPT_IF_NAME:
		keep_name(i, o);
		return 1;
	case OPT_TSRESOL:
		if (o->len != 1)
			return capture_fail(c, at, "if_tsresol of %u octets, expected 1", o->len);
		i->resolution = o->bytes[0];
		return 1;
	case OPT_TSOFFSET:
		if (o->len != 8)
			return capture_fail(c, at, "if_tsoffset of %u octets, expected 8", o->len);
		i->offset_s = (int64_t)u64(c, o->bytes);
		return 1;
	}
	return 1;
}

static int
read_interface(struct capture *c, const struct block *b)
{
	struct capture_if *i;
	struct option o;
	size_t at = 8;
	int got;

	if (b->len < 8)
		return capture_fail(
			c, b->start, "an interface of %u octets, expected 8 or more", b->len);
	if (c->if_cnt == CAPTURE_PORTS)
		return capture_fail(c, b->start, "an interface more, expected at most %u in a file",
			CAPTURE_PORTS);
	if ((c->if_cnt & (c->if_cnt - 1)) == 0) {
		size_t cap = c->if_cnt ? 2 * (size_t)c->if_cnt : 1;

		c->ifs = reallocarray(c->ifs, cap, sizeof(*c->ifs));
		if (!c->ifs)
			abort();
	}
	i = &c->ifs[c->if_cnt++];
	*i = (struct capture_if){.link = capture_u16(c, c->buf),
		.snap_len = capture_u32(c, c->buf + 4),
		.resolution = 6};
	while ((got = next_option(c, b, &at, &o)) > 0)
		if (take_interface_option(c, i, &o, b->body + (size_t)(o.bytes - c->buf)) < 0)
			return -1;
	return got;
}

static int
read_secrets(struct capture *c, const struct block *b)
{
	uint32_t len;

	if (b->len < 8)
		return capture_fail(
			c, b->start, "secrets of %u octets, expected 8 or more", b->len);
	if (capture_u32(c, c->buf) != SECRETS_TLS)
		return 1;
	len = capture_u32(c, c->buf + 4);
	if (len > b->len - 8)
		return capture_fail(c, b->start + 12, "secrets of %u octets, expected at most %u",
			len, b->len - 8);
	if (!capture_say(&c->secrets, c->buf + 8, len, CAPTURE_SECRETS_MAX, false))
		return capture_fail(c, b->start, "more secrets, expected at most %u octets of them",
			CAPTURE_SECRETS_MAX);
	return 1;
}

/* Ticks of an interface's clock as nanoseconds since the epoch; what does not fit is cut. */
static ns_t
instant(const struct capture_if *i, uint64_t ticks)
{
	unsigned __int128 ns = ticks;
	__int128 at;
	unsigned n = i->resolution & 127;

	if (i->resolution & 128) {
		ns = n < 64 ? ns * 1000000000u >> n : 0;
	} else {
		for (; n < 9; n++)
			ns *= 10;
		for (; n > 9 && ns; n--)
			ns /= 10;
	}
	at = (__int128)ns + (__int128)i->offset_s * NS_PER_S;
	if (at < 0)
		return 0;
	return at > NS_NEVER - 1 ? NS_NEVER - 1 : (ns_t)at;
}

static int
packet_options(struct capture *c, const struct block *b, size_t at, struct capture_frame *f)
{
	struct option o;
	int got;

	while ((got = next_option(c, b, &at, &o)) > 0) {
		if (o.code == OPT_COMMENT)
			(void)capture_say(&c->comment, o.bytes, o.len, COMMENT_MAX, true);
		if (o.code == OPT_PACKET_ID && o.len != 8)
			return capture_fail(c, b->body + (size_t)(o.bytes - c->buf),
				"epb_packetid of %u octets, expected 8", o.len);
		if (o.code == OPT_PACKET_ID) {
			f->has_id = true;
			f->id = u64(c, o.bytes);
		}
	}
	f->comment = c->comment.len ? c->comment.p : NULL;
	return got < 0 ? -1 : 1;
}

/* The frame's octets, which start `at` in the body; options behind them. */
static int
take_packet(struct capture *c, const struct block *b, size_t at, struct capture_frame *f)
{
	size_t room = ((size_t)f->len + 3) & ~(size_t)3;

	if (f->len > CAPTURE_FRAME_MAX)
		return capture_fail(c, b->start, "a frame of %u octets, expected at most %u",
			f->len, CAPTURE_FRAME_MAX);
	if (room > b->len - at)
		return capture_fail(c, b->start,
			"a frame of %u octets in a block with room for %zu", f->len, b->len - at);
	if (f->wire_len < f->len)
		f->wire_len = f->len;
	f->bytes = c->buf + at;
	c->comment.len = 0;
	return b->type == BLOCK_SIMPLE ? 1 : packet_options(c, b, at + room, f);
}

static int
read_packet(struct capture *c, const struct block *b, struct capture_frame *f)
{
	uint32_t id;
	const struct capture_if *i;

	if (b->len < 20)
		return capture_fail(c, b->start, "a packet block of %u octets, expected 32 or more",
			b->len + 12);
	id = b->type == BLOCK_PACKET ? capture_u16(c, c->buf) : capture_u32(c, c->buf);
	if (id >= c->if_cnt - c->if_first)
		return capture_fail(c, b->start + 8,
			"interface %u, expected one of the %u described before", id,
			c->if_cnt - c->if_first);
	i = &c->ifs[c->if_first + id];
	*f = (struct capture_frame){
		.at = instant(
			i, (uint64_t)capture_u32(c, c->buf + 4) << 32 | capture_u32(c, c->buf + 8)),
		.len = capture_u32(c, c->buf + 12),
		.wire_len = capture_u32(c, c->buf + 16),
		.port = (uint16_t)(c->if_first + id),
		.link = i->link,
	};
	return take_packet(c, b, 20, f);
}

/* No time, no options, and the interface is the section's first. */
static int
read_simple(struct capture *c, const struct block *b, struct capture_frame *f)
{
	const struct capture_if *i;
	uint32_t len;

	if (b->len < 4)
		return capture_fail(c, b->start, "a packet block of %u octets, expected 16 or more",
			b->len + 12);
	if (c->if_cnt == c->if_first)
		return capture_fail(c, b->start, "a packet, expected an interface before it");
	i = &c->ifs[c->if_first];
	len = capture_u32(c, c->buf);
	*f = (struct capture_frame){.at = c->last,
		.len = i->snap_len && len > i->snap_len ? i->snap_len : len,
		.wire_len = len,
		.port = (uint16_t)c->if_first,
		.link = i->link};
	return take_packet(c, b, 4, f);
}

/* A block of a kind that we do not read. */
static int
pass_over(struct capture *c, const struct block *b)
{
	uint8_t end[4];

	if (capture_skip(c, b->total - 12, "the block") < 0)
		return -1;
	if (capture_take(c, end, sizeof(end), "the block's length at its end") <= 0)
		return capture_fail(c, b->start, "the file ends before the block's end");
	return check_end(c, b, end);
}

static bool
is_read(uint32_t type)
{
	return type == BLOCK_INTERFACE || type == BLOCK_PACKET || type == BLOCK_SIMPLE ||
	       type == BLOCK_ENHANCED || type == BLOCK_SECRETS;
}

/* A block whole; *frame says that it held one. */
static int
read_block(struct capture *c, struct block *b, struct capture_frame *f, bool *frame)
{
	uint8_t h[4];

	if (capture_take(c, h, sizeof(h), "a block's length") <= 0)
		return capture_fail(c, b->start, "the file ends within a block's header");
	b->total = capture_u32(c, h);
	if (check_total(c, b, 12, is_read(b->type) ? CAPTURE_BLOCK_MAX : UINT32_MAX) < 0)
		return -1;
	if (!is_read(b->type))
		return pass_over(c, b);
	if (read_body(c, b) < 0)
		return -1;
	if (b->type == BLOCK_INTERFACE)
		return read_interface(c, b);
	if (b->type == BLOCK_SECRETS)
		return read_secrets(c, b);
	*frame = true;
	return b->type == BLOCK_SIMPLE ? read_simple(c, b, f) : read_packet(c, b, f);
}

int
capture_ng_next(struct capture *c, struct capture_frame *f)
{
	bool frame = false;
	uint8_t type[4];
	int got;

	while (!frame) {
		struct block b = {.start = c->offset};

		got = capture_take(c, type, sizeof(type), "a block's header");
		if (got <= 0)
			return got;
		b.type = capture_u32(c, type);
		got = b.type == NG_MAGIC ? capture_ng_section(c) : read_block(c, &b, f, &frame);
		if (got < 0)
			return -1;
	}
	return 1;
}
