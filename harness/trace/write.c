/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A trace as a pcapng file (draft-ietf-opsawg-pcapng, sections 4.1, 4.2, 4.3 and 4.7): one section
 * in host byte order, an interface description block per port with if_name, if_tsresol 9 and
 * if_filter left out, the TLS secrets before the first packet (so that a reader has them in one
 * pass), and an enhanced packet block per frame.
 *
 * A comment is what the case said of the frame, what the switch did beyond the plain, and the
 * events that followed it; events before the first frame are comments of the section.
 *
 * Beside the words for people each file says what trace_read needs to have the same trace again:
 * lines of the section and of frames that begin with TRACE_MARK (trace_in.h), and what became of a
 * frame in its packet id (epb_packetid): the frame's number, from 1, shifted by 24; its FATE_ bits,
 * shifted by 16; the ports that got it, as bits.
 *
 * It writes a new file whole, and does not append.
 */
#include "harness/trace/trace_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/trace/place.h"

enum { BLOCK_SHB = 0x0A0D0D0A, BLOCK_IDB = 1, BLOCK_EPB = 6, BLOCK_DSB = 10 };
enum {
	OPT_END = 0,
	OPT_COMMENT = 1,
	OPT_IF_NAME = 2,
	OPT_USERAPPL = 4,
	OPT_PACKET_ID = 5,
	OPT_IF_TSRESOL = 9
};
#define SECRETS_TLS 0x544c534bu
#define LINKTYPE_ETHERNET 1
#define COMMENT_MAX 1024

static void
put(FILE *f, const void *bytes, size_t len)
{
	static const uint8_t zeros[4];

	fwrite_unlocked(bytes, 1, len, f);
	fwrite_unlocked(zeros, 1, (4 - len % 4) % 4, f);
}

static void
put_u16(FILE *f, uint16_t v)
{
	fwrite_unlocked(&v, sizeof(v), 1, f);
}

static void
put_u32(FILE *f, uint32_t v)
{
	fwrite_unlocked(&v, sizeof(v), 1, f);
}

static uint32_t
padded(size_t len)
{
	return (uint32_t)((len + 3) & ~(size_t)3);
}

/* The room that an option takes, header and padding included; none if there is no text. */
static uint32_t
option_len(size_t len)
{
	return len ? 4 + padded(len) : 0;
}

static void
put_option(FILE *f, uint16_t code, const void *bytes, size_t len)
{
	if (!len)
		return;
	put_u16(f, code);
	put_u16(f, (uint16_t)len);
	put(f, bytes, len);
}

static void
put_head(FILE *f, uint32_t type, uint32_t total)
{
	put_u32(f, type);
	put_u32(f, total);
}

/* A block's options, put together before their length is known. Memory out: the process aborts. */
struct options {
	uint8_t *p;
	size_t len, cap;
};

static void
add_option(struct options *o, uint16_t code, const void *bytes, size_t len)
{
	size_t room = option_len(len);

	if (!len || len > UINT16_MAX)
		return;
	if (o->cap < o->len + room) {
		o->cap = 2 * (o->len + room);
		o->p = realloc(o->p, o->cap);
		if (!o->p)
			abort();
	}
	memset(o->p + o->len, 0, room);
	memcpy(o->p + o->len, &code, 2);
	memcpy(o->p + o->len + 2, &(uint16_t){(uint16_t)len}, 2);
	memcpy(o->p + o->len + 4, bytes, len);
	o->len += room;
}

static void
add_line(struct options *o, const char *text)
{
	add_option(o, OPT_COMMENT, text, strlen(text));
}

/* With their end; none at all if nothing was added. */
static void
put_options(FILE *f, const struct options *o)
{
	if (!o->len)
		return;
	fwrite_unlocked(o->p, 1, o->len, f);
	put_u32(f, OPT_END);
}

static uint32_t
options_len(const struct options *o)
{
	return o->len ? (uint32_t)o->len + 4 : 0;
}

/* ---- what a program reads back (trace_in.h) ---- */

static void
add_event(struct options *o, const struct trace_event *e, ns_t epoch)
{
	char line[COMMENT_MAX];

	snprintf(line, sizeof(line), TRACE_MARK "event %d %lld %d %u %d %u %u %s", (int)e->kind,
		(long long)(e->at + epoch), (int)e->who, e->port, (int)e->segment, e->value,
		e->prefix_len, e->text);
	add_line(o, line);
}

/* The events that lie between frame no - 1 and frame no: [*next, ...). */
static void
add_events(struct options *o, const struct trace *t, size_t no, size_t *next, ns_t epoch)
{
	for (; *next < t->event_cnt && t->events[*next].before <= no; ++*next)
		add_event(o, &t->events[*next], epoch);
}

static void
add_port(struct options *o, const struct trace_port *p, size_t no)
{
	char line[COMMENT_MAX];

	snprintf(line, sizeof(line), TRACE_MARK "port %zu %d %d", no, (int)p->who, (int)p->segment);
	add_line(o, line);
}

static void
put_section(FILE *f, const struct trace *t, const char *comment, ns_t epoch)
{
	static const char appl[] = "Baton";
	struct options o = {0};
	size_t event = 0;
	uint32_t total;

	add_option(&o, OPT_COMMENT, comment, strlen(comment));
	for (size_t i = 0; i < t->port_cnt; i++)
		add_port(&o, &t->ports[i], i);
	for (const char *at = t->notes; at && *at; at += strlen(at) + 1)
		add_line(&o, at);
	add_events(&o, t, 0, &event, epoch);
	add_option(&o, OPT_USERAPPL, appl, sizeof(appl) - 1);
	total = 24 + options_len(&o) + 4;
	put_head(f, BLOCK_SHB, total);
	put_u32(f, 0x1A2B3C4D);
	put_u16(f, 1);
	put_u16(f, 0);
	put_u32(f, UINT32_MAX); /* the section's length is not told */
	put_u32(f, UINT32_MAX);
	put_options(f, &o);
	put_u32(f, total);
	free(o.p);
}

static void
put_interface(FILE *f, const struct trace_port *p)
{
	static const uint8_t nanoseconds = 9;
	size_t name = strlen(p->name);
	uint32_t total = 20 + option_len(name) + option_len(1) + 4;

	put_head(f, BLOCK_IDB, total);
	put_u16(f, LINKTYPE_ETHERNET);
	put_u16(f, 0);
	put_u32(f, 0); /* no limit on the captured length */
	put_option(f, OPT_IF_NAME, p->name, name);
	put_option(f, OPT_IF_TSRESOL, &nanoseconds, 1);
	put_u32(f, OPT_END);
	put_u32(f, total);
}

static void
put_secrets(FILE *f, const struct trace *t)
{
	uint32_t total = 20 + padded(t->secrets_len);

	if (!t->secrets_len)
		return;
	put_head(f, BLOCK_DSB, total);
	put_u32(f, SECRETS_TLS);
	put_u32(f, (uint32_t)t->secrets_len);
	put(f, t->secrets, t->secrets_len);
	put_u32(f, total);
}

static void
put_frame(FILE *f, const struct frame *fr, ns_t epoch, const struct options *o)
{
	uint32_t total = 32 + padded(fr->len) + options_len(o);
	uint64_t at = (uint64_t)(fr->at + epoch);

	put_head(f, BLOCK_EPB, total);
	put_u32(f, fr->port);
	put_u32(f, (uint32_t)(at >> 32));
	put_u32(f, (uint32_t)at);
	put_u32(f, fr->len);
	put_u32(f, fr->len);
	put(f, fr->bytes, fr->len);
	put_options(f, o);
	put_u32(f, total);
}

/* Append to a text of COMMENT_MAX bytes; what does not fit is cut. */
static void
append(char *text, const char *prefix, const char *more)
{
	size_t len = strlen(text);

	snprintf(text + len, COMMENT_MAX - len, "%s%s%s", len ? "; " : "", prefix, more);
}

/* The events that lie between frame no - 1 and frame no; *next walks through them once. */
static void
append_events(const struct trace *t, size_t no, size_t *next, char *text)
{
	for (; *next < t->event_cnt && t->events[*next].before <= no; ++*next)
		append(text, no ? "then: " : "", t->events[*next].text);
}

static void
comment_of(const struct trace *t, size_t no, size_t *next_event, char *text)
{
	const struct frame *f = &t->frames[no];

	text[0] = '\0';
	if (f->comment)
		append(text, "", f->comment);
	if (f->fate & FATE_INJECTED)
		append(text, "", "put in by the case");
	if (f->fate & FATE_LOST)
		append(text, "", "lost by a fault");
	if (f->fate & FATE_DELAYED)
		append(text, "", "held up by a fault");
	if (f->fate & FATE_CORRUPTED)
		append(text, "", "corrupted by a fault");
	if (f->fate & FATE_COPIED)
		append(text, "", "copied by a fault");
	if (f->fate & FATE_PARTED)
		append(text, "", "did not cross the partition");
	append_events(t, no + 1, next_event, text);
}

/* For people first, then for a program. */
static void
options_of(const struct trace *t, size_t no, size_t *next, ns_t epoch, struct options *o)
{
	const struct frame *f = &t->frames[no];
	const uint64_t id = (uint64_t)(no + 1) << 24 | (uint64_t)f->fate << 16 | f->to;
	char text[COMMENT_MAX];
	size_t again = *next;

	o->len = 0;
	comment_of(t, no, next, text);
	add_line(o, text);
	if (f->comment) {
		snprintf(text, sizeof(text), TRACE_MARK "said %s", f->comment);
		add_line(o, text);
	}
	add_events(o, t, no + 1, &again, epoch);
	add_option(o, OPT_PACKET_ID, &id, sizeof(id));
}

static void
put_all(FILE *f, const struct trace *t, ns_t epoch)
{
	char text[COMMENT_MAX] = "";
	struct options o = {0};
	size_t event = 0;

	append_events(t, 0, &event, text);
	put_section(f, t, text, epoch);
	for (size_t i = 0; i < t->port_cnt; i++)
		put_interface(f, &t->ports[i]);
	put_secrets(f, t);
	for (size_t i = 0; i < t->cnt; i++) {
		options_of(t, i, &event, epoch, &o);
		put_frame(f, &t->frames[i], epoch, &o);
	}
	free(o.p);
}

bool
trace_write(const struct trace *t, const char *path, ns_t epoch, char *err)
{
	char why[PLACE_ERR] = "";
	struct place to;
	bool ok = place_open(&to, path, why);

	if (ok) {
		(void)setvbuf(to.f, NULL, _IOFBF, 1 << 18); /* most traces are a few hundred kilobytes */
		put_all(to.f, t, epoch);
		ok = place_close(&to, why);
	}
	if (!ok)
		snprintf(err, TRACE_ERR, "%.*s", TRACE_ERR - 1, why);
	return ok;
}
