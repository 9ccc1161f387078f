/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The story's frame: each frame is read once and handed to who knows its protocol. Here are the
 * clock, the segments, what was seen twice, and the order of events: some are known only later
 * (that a Hello was the last one), so that events wait, and are sorted, before they are told.
 */
#include "harness/story/story_in.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void *
must(void *p)
{
	if (!p) {
		fputs("story: out of memory\n", stderr);
		abort();
	}
	return p;
}

struct story *
story_new(const struct story_in *in)
{
	struct story *s = must(calloc(1, sizeof(*s)));

	s->in = *in;
	s->pending = must(calloc(PENDING, sizeof(*s->pending)));
	s->esp = must(calloc(STORY_ESP, sizeof(*s->esp)));
	s->conn = must(calloc(STORY_SSP, sizeof(*s->conn)));
	memset(s->bucket, 0xff, sizeof(s->bucket));
	s->due = NS_NEVER;
	if (in->keys)
		s->ike = ikeopen_new(in->keys);
	return s;
}

void
story_free(struct story *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < STORY_ESP; i++)
		free(s->esp[i].window);
	for (size_t i = 0; i < STORY_SSP; i++)
		tlsopen_free(s->conn[i].tls);
	if (s->ike)
		ikeopen_free(s->ike);
	free(s->esp);
	free(s->conn);
	free(s->pending);
	free(s->seen);
	free(s->come_in);
	free(s);
}

double
story_s(ns_t span)
{
	return (double)span / (double)NS_PER_S;
}

uint64_t
story_digest(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint64_t h = 0x9e3779b97f4a7c15u ^ len, v;

	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&v, p, 8);
		h = (h ^ v) * 0xff51afd7ed558ccdu;
		h ^= h >> 32;
	}
	v = 0;
	memcpy(&v, p, len);
	h = (h ^ v) * 0xc4ceb9fe1a85ec53u;
	return h ^ h >> 29;
}

/* ---- events ---- */

static int
by_time(const void *a, const void *b)
{
	const struct waiting *x = a, *y = b;

	if (x->e.at != y->e.at)
		return x->e.at < y->e.at ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

/* The oldest of the waiting events are told: all, or half of them. */
static void
tell(struct story *s, size_t cnt)
{
	qsort(s->pending, s->pending_cnt, sizeof(*s->pending), by_time);
	for (size_t i = 0; i < cnt; i++)
		s->in.tell(s->in.ctx, &s->pending[i].e);
	memmove(s->pending, s->pending + cnt, (s->pending_cnt - cnt) * sizeof(*s->pending));
	s->pending_cnt -= cnt;
}

static void
add_event(struct story *s, struct story_place p, const char *kind, const char *fmt, va_list ap)
{
	struct waiting *w;

	if (s->pending_cnt == PENDING)
		tell(s, PENDING / 2);
	w = &s->pending[s->pending_cnt++];
	w->order = s->order++;
	w->e = (struct story_event){.at = p.at, .frame = p.frame, .file = p.file, .kind = kind};
	vsnprintf(w->e.text, sizeof(w->e.text), fmt, ap);
}

void
story_say(struct story *s, const char *kind, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_event(s, (struct story_place){s->now, s->frame, s->file}, kind, fmt, ap);
	va_end(ap);
}

void
story_detail(struct story *s, const char *kind, const char *fmt, ...)
{
	va_list ap;

	if (!s->in.details)
		return;
	va_start(ap, fmt);
	add_event(s, (struct story_place){s->now, s->frame, s->file}, kind, fmt, ap);
	va_end(ap);
}

void
story_say_at(struct story *s, struct story_place p, const char *kind, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_event(s, p, kind, fmt, ap);
	va_end(ap);
}

void
story_broken(struct story *s, int law, const char *fmt, ...)
{
	struct law_note *n = &s->law[law];
	va_list ap;

	if (n->broken)
		return;
	n->broken = true;
	n->frame = s->frame - 1;
	va_start(ap, fmt);
	vsnprintf(n->text, sizeof(n->text), fmt, ap);
	va_end(ap);
	story_say(s, "law.broken", "law %d is broken: %.200s", law ? law : LAW_OUTAGE, n->text);
}

/* ---- segments, and what comes twice ---- */

static unsigned
segment_of(struct story *s, unsigned file, unsigned port, const char *name)
{
	unsigned i = 0;

	while (i < s->seg_cnt && (s->seg[i].file != file || s->seg[i].port != port))
		i++;
	if (i < s->seg_cnt)
		return i;
	if (i == STORY_SEGMENTS) {
		s->sum.lost_segments++;
		return i - 1;
	}
	s->seg[i].file = file;
	s->seg[i].port = port;
	if (s->in.ours && name && (name[0] == 'A' || name[0] == 'B') && name[1] == '.')
		s->seg[i].letter = name[0];
	s->seg_cnt++;
	if (s->seg_cnt == 2 && !s->in.ours)
		s->seen = must(calloc(RECENT, sizeof(*s->seen)));
	return i;
}

static uint64_t
digest_of(const struct story *s, const struct capture_frame *f)
{
	const struct pkt *p = &s->p;

	if (p->is_ip)
		return story_digest(p->ip, p->ip_len - p->ip_cut);
	if (p->is_arp && f->len >= 28)
		return story_digest(&p->arp_sha, sizeof(p->arp_sha)) ^ p->arp_spa ^
		       (uint64_t)p->arp_tpa << 20 ^ p->arp_op;
	return story_digest(f->bytes, f->len);
}

/* The same octets on another segment some ms ago are the same frame; each copy is used up. */
static bool
is_second_copy(struct story *s, const struct capture_frame *f)
{
	uint64_t d;
	struct seen *e;

	if (!s->seen)
		return false;
	d = digest_of(s, f);
	for (unsigned i = 0; i < 4; i++) {
		e = &s->seen[(d + i) % RECENT];
		if (e->digest == d && !e->matched && e->segment != s->segment &&
			f->at - e->at <= COPY_SPAN) {
			e->matched = true;
			s->sum.twice++;
			return true;
		}
	}
	for (unsigned i = 0; i < 4; i++) {
		e = &s->seen[(d + i) % RECENT];
		if (e->matched || f->at - e->at > COPY_SPAN || i == 3)
			break;
	}
	*e = (struct seen){.digest = d, .at = f->at, .segment = s->segment};
	return false;
}

static void
note_bad(struct story *s, const char *field)
{
	unsigned i = 0;

	s->sum.malformed++;
	while (i < BADS && s->bad[i].field && strcmp(s->bad[i].field, field) != 0)
		i++;
	if (i == BADS)
		return;
	s->bad[i].field = field;
	s->bad[i].cnt++;
	if (s->bad[i].cnt > s->sum.bad_frames) {
		s->sum.bad = field;
		s->sum.bad_frames = s->bad[i].cnt;
	}
}

static void
take_clock(struct story *s, const struct capture_frame *f)
{
	if (!s->sum.frames++)
		s->sum.first = s->now = f->at;
	if (f->at < s->now)
		s->sum.backwards++;
	else
		s->now = f->at;
	s->sum.last = s->now;
	if (s->now > s->due)
		story_hsrp_due(s);
}

/* What the lab did to a trace of ours, as trace_write left it: "baton event <seven numbers> TEXT".
 */
static void
take_lab_events(struct story *s, const char *comment)
{
	static const char mark[] = "baton event ";

	for (const char *at = comment; at && (at = strstr(at, mark)) != NULL; at++) {
		int text = 0, len;

		(void)sscanf(at + strlen(mark), "%*d %*d %*d %*u %*d %*u %*u %n", &text);
		len = (int)strcspn(at + strlen(mark) + text, "\n");
		if (text)
			story_say(s, "lab", "the lab: %.*s", len, at + strlen(mark) + text);
	}
}

static void
hand_on(struct story *s)
{
	const struct pkt *p = &s->p;

	if (p->is_ip && (p->mf || p->frag_off))
		s->sum.fragments++;
	if (p->is_arp) {
		s->sum.arp++;
		story_arp(s);
	} else if (p->is_hsrp) {
		s->sum.hsrp++;
		story_hsrp(s);
	} else if (p->is_isakmp) {
		s->sum.isakmp++;
		story_ike(s);
	} else if (p->is_esp) {
		s->sum.esp++;
		story_esp(s);
	} else if (p->is_tcp && (p->sport == 3249 || p->dport == 3249)) {
		s->sum.ssp++;
		story_ssp(s);
	} else {
		s->sum.other++;
		s->sum.ip6 += p->ethertype == PKT_ETH_IP6;
		if (p->is_ip) {
			story_leak(s);
			story_came_out(s);
		}
	}
}

void
story_frame(struct story *s, unsigned file, const struct capture_frame *f, const char *port_name)
{
	s->frame = f->no;
	s->file = file;
	take_clock(s, f);
	s->segment = segment_of(s, file, f->port, port_name);
	s->letter = s->seg[s->segment].letter;
	if (s->in.ours && f->has_id && f->id >> 16 & FATE_INJECTED)
		s->letter = 0; /* the case put it in at a member's port */
	s->sum.cut += f->wire_len > f->len;
	if (!pkt_parse_cut(&s->p, f->link, f->bytes, f->len, f->wire_len)) {
		note_bad(s, s->p.bad ? s->p.bad : "?");
		return;
	}
	if (!is_second_copy(s, f))
		hand_on(s);
	if (s->in.ours)
		take_lab_events(s, f->comment);
}

void
story_end(struct story *s)
{
	story_hsrp_due(s);
	story_ike_end(s);
	story_ssp_end(s);
	story_esp_end(s);
	tell(s, s->pending_cnt);
}

const struct story_sum *
story_sums(const struct story *s)
{
	return &s->sum;
}
