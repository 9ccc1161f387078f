/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A trace from a capture file, for judging what others saw, or what we saw ourselves earlier. The
 * capture reader walks the file (capture.h); here its frames become a trace, and the lines that
 * write.c left for us become ports, events and notes again.
 *
 * A file that breaks off is refused as a whole, with the place.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/trace/capture.h"
#include "harness/trace/trace_in.h"

#define LINKTYPE_ETHERNET 1
#define LINE_MAX_LEN 1100

_Static_assert(CAPTURE_ERR == TRACE_ERR, "texts are handed on");

/* The lines of a comment that begin with the mark, without it, one after the other. */
static bool
next_line(const char **at, char *line)
{
	while (**at) {
		const char *start = *at;
		size_t len = strcspn(start, "\n"), mark = strlen(TRACE_MARK);

		*at += len + (start[len] == '\n');
		if (len < mark || len >= LINE_MAX_LEN || strncmp(start, TRACE_MARK, mark) != 0)
			continue;
		memcpy(line, start + mark, len - mark);
		line[len - mark] = '\0';
		return true;
	}
	return false;
}

static void
take_event(struct trace *t, const char *line)
{
	struct trace_event e = {0};
	int kind, who, segment, text = 0;
	unsigned port, value, prefix;
	long long at;

	if (sscanf(line, "event %d %lld %d %u %d %u %u %n", &kind, &at, &who, &port, &segment,
		    &value, &prefix, &text) < 7 ||
		!text || kind < 0 || kind >= EVENT_CNT || who < WHO_OTHER || who > WHO_PROBE ||
		segment < 0 || segment >= SEG_CNT || port >= TRACE_PORTS || prefix > 32)
		return;
	e = (struct trace_event){.at = at,
		.kind = (enum trace_event_kind)kind,
		.who = (enum trace_who)who,
		.port = (uint8_t)port,
		.segment = (enum trace_segment)segment,
		.value = value,
		.prefix_len = (uint8_t)prefix,
		.text = line + text};
	trace_event_add(t, &e);
}

static void
take_port(struct trace *t, const char *line)
{
	unsigned no;
	int who, segment;

	if (sscanf(line, "port %u %d %d", &no, &who, &segment) != 3 || no >= TRACE_PORTS ||
		who < WHO_OTHER || who > WHO_PROBE || segment < 0 || segment >= SEG_CNT)
		return;
	t->ports[no].who = (enum trace_who)who;
	t->ports[no].segment = (enum trace_segment)segment;
	t->ours = true;
}

static void
take_section(struct trace *t, const char *comment)
{
	char line[LINE_MAX_LEN];

	while (next_line(&comment, line)) {
		if (!strncmp(line, "port ", 5))
			take_port(t, line);
		else if (!strncmp(line, "note ", 5))
			trace_note(t, line + 5);
		else if (!strncmp(line, "event ", 6))
			take_event(t, line);
	}
}

static void
take_lines(struct trace *t, size_t no, const struct capture_frame *f)
{
	const char *at = f->comment ? f->comment : "";
	char line[LINE_MAX_LEN];

	if (t->ours && f->has_id)
		trace_fate(t, no, (unsigned)(f->id >> 16) & 0xff, (unsigned)f->id & 0xffff);
	while (next_line(&at, line)) {
		if (!strncmp(line, "said ", 5))
			trace_comment(t, no, line + 5);
		else if (!strncmp(line, "event ", 6))
			take_event(t, line);
	}
}

/* Names of the ports that are new since the last frame. False if there are too many. */
static bool
take_ports(struct trace *t, const struct capture *c)
{
	unsigned cnt = capture_ports(c);

	if (cnt > TRACE_PORTS)
		return false;
	for (; t->port_cnt < cnt; t->port_cnt++) {
		const char *name = capture_port(c, (unsigned)t->port_cnt);
		struct trace_port *p = &t->ports[t->port_cnt];

		p->name = trace_text(t, name ? name : "capture");
	}
	return true;
}

static struct trace *
refuse(struct capture *c, struct trace *t, char *err, const char *path, const char *why)
{
	if (why)
		snprintf(err, TRACE_ERR, "%.80s: frame %zu: %.80s", path, trace_len(t) + 1, why);
	else
		snprintf(err, TRACE_ERR, "%s", capture_error(c));
	trace_free(t);
	capture_close(c);
	return NULL;
}

static struct trace *
new_trace(void)
{
	static const struct trace_port none = {"capture", WHO_OTHER, SEG_OUTSIDE};
	struct trace *t = trace_new(&none, 1);

	if (!t)
		abort();
	for (size_t i = 0; i < TRACE_PORTS; i++)
		t->ports[i] = none;
	t->port_cnt = 0;
	return t;
}

struct trace *
trace_read(const char *path, size_t *cut, char *err)
{
	struct capture *c = capture_open(path, err);
	struct capture_frame f;
	size_t cut_cnt = 0, no;
	struct trace *t;
	int got;

	if (!c)
		return NULL;
	t = new_trace();
	take_section(t, capture_comment(c));
	while ((got = capture_next(c, &f)) == 1) {
		if (f.link != LINKTYPE_ETHERNET)
			return refuse(c, t, err, path, "not Ethernet");
		if (!take_ports(t, c))
			return refuse(c, t, err, path, "more interfaces than 16");
		cut_cnt += f.wire_len > f.len;
		no = trace_add(t, f.at, f.port, f.bytes, f.len);
		take_lines(t, no, &f);
	}
	if (got < 0)
		return refuse(c, t, err, path, NULL);
	if (!take_ports(t, c))
		return refuse(c, t, err, path, "more interfaces than 16");
	if (capture_secrets(c)[0])
		trace_secrets(t, capture_secrets(c));
	if (cut)
		*cut = cut_cnt;
	capture_close(c);
	return t;
}
