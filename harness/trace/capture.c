/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capture files: the stream with its offset, its bounds and its complaints, and the older format,
 * pcap: 24 octets of header, then 16 before each frame. pcapng is in capture_ng.c.
 *
 * libpcap reads both, but tells neither the interface of a pcapng packet nor its comments, so the
 * reading is our own (docs/decisions/0013-own-capture-reader.md); capture_test.c lays the two
 * side by side.
 */
#include "harness/trace/capture_in.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define STEP 65536 /* room is taken in such steps, once the octets before are there */
#define PCAP_US 0xA1B2C3D4u
#define PCAP_NS 0xA1B23C4Du
#define PCAP_MODIFIED 0xA1B2CD34u
#define GZIP_MAGIC 0x8B1Fu

static void *
must(void *p)
{
	if (!p) {
		fputs("capture: out of memory\n", stderr);
		abort();
	}
	return p;
}

int
capture_fail(struct capture *c, uint64_t offset, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (c->failed)
		return -1;
	c->failed = true;
	n = snprintf(c->error, sizeof(c->error), "%s: frame %llu, offset %llu: ", c->name,
		(unsigned long long)c->no + 1, (unsigned long long)offset);
	va_start(ap, fmt);
	if (n > 0 && (size_t)n < sizeof(c->error))
		vsnprintf(c->error + n, sizeof(c->error) - (size_t)n, fmt, ap);
	va_end(ap);
	return -1;
}

static int
ended(struct capture *c, uint64_t start, uint64_t got, uint64_t len, const char *what)
{
	if (ferror(c->from))
		return capture_fail(c, start + got, "%s cannot be read: %s", what, strerror(errno));
	return capture_fail(c, start, "the file ends after %llu of %llu octets of %s",
		(unsigned long long)got, (unsigned long long)len, what);
}

int
capture_take(struct capture *c, void *to, size_t len, const char *what)
{
	size_t got = (fread_unlocked)(to, 1, len, c->from);
	uint64_t start = c->offset;

	c->offset += got;
	if (got == len)
		return 1;
	if (got == 0 && !ferror(c->from))
		return 0;
	return ended(c, start, got, len, what);
}

int
capture_fill(struct capture *c, size_t len, const char *what)
{
	uint64_t start = c->offset;
	size_t have = 0;

	while (have < len) {
		size_t want = len - have, got;

		if (want > STEP && want > have)
			want = have > STEP ? have : STEP;
		if (c->buf_cap < have + want) {
			c->buf_cap = have + want;
			c->buf = must(realloc(c->buf, c->buf_cap));
		}
		got = (fread_unlocked)(c->buf + have, 1, want, c->from);
		have += got;
		c->offset += got;
		if (got < want)
			return ended(c, start, have, len, what);
	}
	return 1;
}

int
capture_skip(struct capture *c, uint64_t len, const char *what)
{
	uint64_t start = c->offset, left = len;
	uint8_t scratch[4096];

	while (left > 0) {
		size_t want = left < sizeof(scratch) ? (size_t)left : sizeof(scratch);
		size_t got = (fread_unlocked)(scratch, 1, want, c->from);

		c->offset += got;
		left -= got;
		if (got < want)
			return ended(c, start, len - left, len, what);
	}
	return 1;
}

uint16_t
capture_u16(const struct capture *c, const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return c->swapped ? __builtin_bswap16(v) : v;
}

uint32_t
capture_u32(const struct capture *c, const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return c->swapped ? __builtin_bswap32(v) : v;
}

bool
capture_say(struct capture_text *t, const void *bytes, size_t len, size_t max, bool clean)
{
	bool line = clean && t->len > 0;

	if (len >= max || t->len + line >= max - len)
		return false;
	if (t->cap < t->len + len + 2) {
		t->cap = 2 * (t->len + len + 2);
		t->p = must(realloc(t->p, t->cap));
	}
	if (line)
		t->p[t->len++] = '\n';
	if (len > 0)
		memcpy(t->p + t->len, bytes, len);
	t->len += len;
	t->p[t->len] = '\0';
	for (size_t i = t->len - len; clean && i < t->len; i++) {
		unsigned char ch = (unsigned char)t->p[i];

		if ((ch < 0x20 && ch != '\n') || ch == 0x7f)
			t->p[i] = '?';
	}
	return true;
}

/* ---- pcap ---- */

static int
pcap_head(struct capture *c, uint32_t magic)
{
	uint8_t h[20];
	uint32_t link;
	int got;

	c->swapped = magic != PCAP_US && magic != PCAP_NS;
	if (c->swapped)
		magic = __builtin_bswap32(magic);
	c->unit = magic == PCAP_NS ? 1 : NS_PER_US;
	got = capture_take(c, h, sizeof(h), "the file's header");
	if (got <= 0)
		return capture_fail(c, 4, "the file ends within its header of 24 octets");
	if (capture_u16(c, h) != 2)
		return capture_fail(c, 4, "version %u.%u, expected 2.4", capture_u16(c, h),
			capture_u16(c, h + 2));
	link = capture_u32(c, h + 16);
	c->link = (uint16_t)link; /* above it: the length of a frame check sequence */
	return 1;
}

static int
pcap_next(struct capture *c, struct capture_frame *f)
{
	uint64_t start = c->offset;
	uint8_t h[16];
	uint32_t len, wire;
	int got = capture_take(c, h, sizeof(h), "a frame's header");

	if (got <= 0)
		return got;
	len = capture_u32(c, h + 8);
	wire = capture_u32(c, h + 12);
	if (len > CAPTURE_FRAME_MAX)
		return capture_fail(c, start + 8, "a frame of %u octets, expected at most %u", len,
			CAPTURE_FRAME_MAX);
	if (capture_fill(c, len, "the frame") < 0)
		return -1;
	*f = (struct capture_frame){
		.at = ns_from_s(capture_u32(c, h)) + (ns_t)capture_u32(c, h + 4) * c->unit,
		.bytes = c->buf,
		.len = len,
		.wire_len = wire > len ? wire : len,
		.link = c->link,
	};
	return 1;
}

/* ---- entries ---- */

static int
begin(struct capture *c)
{
	uint32_t magic;
	int got = capture_take(c, &magic, sizeof(magic), "the file's first four");

	if (got == 0)
		return capture_fail(c, 0, "the file is empty, expected a pcap or pcapng capture");
	if (got < 0)
		return -1;
	switch (magic) {
	case NG_MAGIC: /* the same in both byte orders */
		c->ng = true;
		return capture_ng_section(c);
	case PCAP_US:
	case PCAP_NS:
	case __builtin_bswap32(PCAP_US):
	case __builtin_bswap32(PCAP_NS):
		return pcap_head(c, magic);
	case PCAP_MODIFIED:
	case __builtin_bswap32(PCAP_MODIFIED):
		return capture_fail(c, 0,
			"a pcap file of the modified format (a1b2cd34), expected "
			"a1b2c3d4, a1b23c4d or pcapng");
	}
	if ((magic & 0xffff) == GZIP_MAGIC)
		return capture_fail(c, 0, "compressed with gzip: unpack it first");
	return capture_fail(c, 0, "begins with %08x, expected a pcap or pcapng capture",
		__builtin_bswap32(magic));
}

struct capture *
capture_stream(FILE *from, const char *name, char *err)
{
	struct capture *c = must(calloc(1, sizeof(*c)));

	c->from = from;
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->buf_cap = STEP;
	c->buf = must(malloc(c->buf_cap));
	if (begin(c) > 0)
		return c;
	snprintf(err, CAPTURE_ERR, "%s", c->error);
	capture_close(c);
	return NULL;
}

struct capture *
capture_open(const char *path, char *err)
{
	bool in = strcmp(path, "-") == 0;
	FILE *from = in ? stdin : fopen(path, "rb");
	struct capture *c;
	struct stat st;

	if (!from || (fstat(fileno(from), &st) == 0 && S_ISDIR(st.st_mode))) {
		snprintf(err, CAPTURE_ERR, "%.120s: %s", path, strerror(from ? EISDIR : errno));
		if (from && !in)
			(void)fclose(from);
		return NULL;
	}
	c = capture_stream(from, in ? "standard input" : path, err);
	if (c)
		c->own = !in;
	else if (!in)
		(void)fclose(from);
	return c;
}

void
capture_close(struct capture *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < c->if_cnt; i++)
		free(c->ifs[i].name);
	free(c->ifs);
	free(c->buf);
	free(c->secrets.p);
	free(c->section.p);
	free(c->comment.p);
	if (c->own)
		(void)fclose(c->from);
	free(c);
}

int
capture_next(struct capture *c, struct capture_frame *f)
{
	int got;

	if (c->failed)
		return -1;
	got = c->ng ? capture_ng_next(c, f) : pcap_next(c, f);
	if (got == 1) {
		f->no = ++c->no;
		c->last = f->at;
	}
	return got;
}

const char *
capture_error(const struct capture *c)
{
	return c->error;
}

unsigned
capture_ports(const struct capture *c)
{
	return c->ng ? c->if_cnt : 1;
}

const char *
capture_port(const struct capture *c, unsigned port)
{
	return port < c->if_cnt ? c->ifs[port].name : NULL;
}

const char *
capture_secrets(const struct capture *c)
{
	return c->secrets.p ? c->secrets.p : "";
}

const char *
capture_comment(const struct capture *c)
{
	return c->section.p ? c->section.p : "";
}
