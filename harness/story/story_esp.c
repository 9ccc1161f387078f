/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ESP in the story (RFC 4303 2.1, 2.2): a stream is what goes to one address under one SPI. Of its
 * newest STORY_WINDOW numbers the octets are remembered by digest, so that a repetition is known
 * for the same packet again or for another one under the same number. What is older than that
 * window is counted, and nothing is said of it.
 */
#include "harness/story/story_in.h"

#include <stdio.h>
#include <stdlib.h>

#define NONE UINT32_MAX
#define GAP_TOLD 64 /* numbers that must be missing at once for an event */
#define GAPS_TOLD 8 /* events of a stream for gaps */
#define WRAP 0xffff0000u

static uint32_t *
bucket_of(struct story *s, ip4_t dst, uint32_t spi)
{
	uint32_t key[2] = {dst, spi};

	return &s->bucket[story_digest(key, sizeof(key)) % 4096];
}

static void
unchain(struct story *s, uint32_t no)
{
	uint32_t *at = bucket_of(s, s->esp[no].e.dst, s->esp[no].e.spi);

	while (*at != no)
		at = &s->esp[*at].next;
	*at = s->esp[no].next;
}

/* A place in the table: a new one, or that of the stream that was quiet longest. */
static uint32_t
place(struct story *s)
{
	uint32_t no = 0;

	if (s->esp_cnt < STORY_ESP) {
		no = s->esp_cnt++;
		s->esp[no].window = malloc(STORY_WINDOW * sizeof(struct slot));
		if (!s->esp[no].window)
			abort();
		return no;
	}
	for (uint32_t i = 1; i < STORY_ESP; i++)
		if (s->esp[i].e.last_at < s->esp[no].e.last_at)
			no = i;
	unchain(s, no);
	s->sum.lost_esp++;
	return no;
}

static void
recall_life(const struct story *s, struct stream *t)
{
	for (uint64_t i = 0; i < LIVES && i < s->lives; i++)
		if (s->life[i].spi == t->e.spi) {
			t->e.life_s = s->life[i].life_s;
			t->life_from = s->life[i].from;
		}
}

static struct stream *
stream_of(struct story *s, bool *fresh)
{
	const struct pkt *p = &s->p;
	uint32_t *head = bucket_of(s, p->dst, p->spi), no;
	struct slot *window;
	struct stream *t;

	*fresh = false;
	for (no = *head; no != NONE; no = s->esp[no].next)
		if (s->esp[no].e.spi == p->spi && s->esp[no].e.dst == p->dst &&
			s->esp[no].e.natt == p->is_udp)
			return &s->esp[no];
	*fresh = true;
	no = place(s);
	head = bucket_of(s, p->dst, p->spi);
	t = &s->esp[no];
	window = t->window;
	memset(window, 0, STORY_WINDOW * sizeof(*window));
	*t = (struct stream){
		.window = window, .next = *head, .sender = -1, .heir = -1, .file = s->file};
	*head = no;
	t->e = (struct story_esp){.src = p->src,
		.dst = p->dst,
		.spi = p->spi,
		.natt = p->is_udp,
		.first = p->seq,
		.highest = p->seq,
		.first_frame = s->frame,
		.first_at = s->now};
	recall_life(s, t);
	return t;
}

/* ---- keys ---- */

static bool
open_one(struct story *s, bool *known)
{
	static uint8_t inner[65536];
	const struct pkt *p = &s->p;
	size_t len;
	uint8_t next;
	enum err e = keyring_open_esp(
		s->in.keys, p->dst, p->esp, p->esp_len, inner, sizeof(inner), &len, &next);

	*known = e != ERR_UNKNOWN;
	if (e == ERR_OK && next == 4)
		story_came_in(s, inner, len);
	return e == ERR_OK;
}

/* False for a packet that the stream's key does not open, while it opens others: not the pair's. */
static bool
try_keys(struct story *s, struct stream *t)
{
	bool known = false;

	if (s->p.ip_cut || s->p.mf || !s->in.keys)
		return true;
	if (open_one(s, &known)) {
		t->e.opened++;
		return true;
	}
	t->e.spoilt += known;
	if (!known || !t->e.opened)
		return true;
	t->ignored++;
	return false;
}

/* ---- numbers ---- */

static void
take_repetition(struct story *s, struct stream *t, bool same)
{
	const struct pkt *p = &s->p;
	char dst[IP4_TEXT];

	if (same) {
		if (!t->e.same++)
			story_say(s, "esp.again",
				"ESP 0x%08x to %s: number %u again, the same octets", p->spi,
				ip4_put(dst, p->dst), p->seq);
		return;
	}
	if (t->e.different++ < GAPS_TOLD)
		story_say(s, "esp.twice", "ESP 0x%08x to %s: number %u again, with other octets",
			p->spi, ip4_put(dst, p->dst), p->seq);
	if (story_pair(s) == PAIR_NO)
		return;
	story_broken(s, LAW_UNIQUENESS,
		"expected number %u of SPI 0x%08x once, saw it again with other octets", p->seq,
		p->spi);
}

static void
take_jump(struct story *s, struct stream *t)
{
	uint32_t jump = s->p.seq - t->e.highest - 1;
	char dst[IP4_TEXT];

	if (jump > t->e.largest_jump)
		t->e.largest_jump = jump;
	if (jump >= GAP_TOLD && t->gaps++ < GAPS_TOLD)
		story_say(s, "esp.jump", "ESP 0x%08x to %s: from number %u to %u, %u are missing",
			s->p.spi, ip4_put(dst, s->p.dst), t->e.highest, s->p.seq, jump);
	else if (jump)
		story_detail(s, "esp.gap", "ESP 0x%08x to %s: from number %u to %u, %u are missing",
			s->p.spi, ip4_put(dst, s->p.dst), t->e.highest, s->p.seq, jump);
}

/* True if the number is new; then it is remembered. */
static bool
take_number(struct story *s, struct stream *t, bool fresh)
{
	uint32_t seq = s->p.seq;
	struct slot *w = &t->window[seq % STORY_WINDOW];
	/* of what was cut the rest cannot be compared */
	uint32_t digest = (uint32_t)story_digest(s->p.esp, s->p.esp_len) | 1;

	if (!fresh && seq <= t->e.highest) {
		if (w->digest && w->seq == seq) {
			take_repetition(s, t, w->digest == digest);
			return false;
		}
		if (t->e.highest - seq >= STORY_WINDOW) {
			t->e.old++;
			return false;
		}
		t->e.reordered++;
		if (seq < t->e.first)
			t->e.first = seq;
	} else {
		if (!fresh)
			take_jump(s, t);
		t->e.highest = seq;
	}
	*w = (struct slot){seq, digest};
	return true;
}

/* ---- who sends ---- */

/* A take-over by that member since the last one that this stream knows of. */
static bool
has_taken_over(const struct story *s, const struct stream *t, int who)
{
	for (unsigned i = s->take_cnt; i > t->take && i + TAKES > s->take_cnt; i--)
		if (s->take[(i - 1) % TAKES].heir == who)
			return true;
	return false;
}

/* Who goes on without having taken over is one of two Actives: law 2 does not bind it. */
static void
take_sender(struct story *s, struct stream *t)
{
	int who = story_sender(s);
	char a[IP4_TEXT], b[IP4_TEXT], dst[IP4_TEXT];

	if (who < 0)
		return;
	if (t->sender >= 0 && who != t->sender) {
		if (t->e.senders++ < GAPS_TOLD)
			story_say(s, "esp.heir",
				"ESP 0x%08x to %s: %s goes on after %s, from number %u to %u",
				s->p.spi, ip4_put(dst, s->p.dst), story_member_name(s, who, a),
				story_member_name(s, t->sender, b), t->e.highest, s->p.seq);
		if (has_taken_over(s, t, who)) {
			t->heir = who;
			t->take = s->take_cnt;
			t->sender_high = t->e.highest;
		}
	}
	t->sender = who;
	if (t->heir != who)
		return;
	s->law[LAW_CONTINUITY].judged++;
	if (s->p.seq <= t->sender_high)
		story_broken(s, LAW_CONTINUITY,
			"expected numbers above %u on SPI 0x%08x from %s, saw %u", t->sender_high,
			s->p.spi, story_member_name(s, who, a), s->p.seq);
}

static void
look_for_wrap(struct story *s, const struct stream *t)
{
	if (t->e.highest >= WRAP && s->p.seq < 0x10000 && story_pair(s) != PAIR_NO)
		story_broken(s, LAW_CONTINUITY,
			"expected no number past 2^32 on SPI 0x%08x, saw %u after %u", s->p.spi,
			s->p.seq, t->e.highest);
}

static void
judge_life(struct story *s, const struct stream *t)
{
	ns_t end =
		t->life_from + ns_from_s(t->e.life_s) + ns_from_s(t->e.life_s) / 64 + STORY_MARGIN;

	if (!t->e.life_s || story_pair(s) == PAIR_NO)
		return;
	s->law[LAW_LIFETIMES].judged++;
	if (s->now > end)
		story_broken(s, LAW_LIFETIMES,
			"expected no packet on SPI 0x%08x after its %u s, saw one %.3f s after it "
			"was "
			"made",
			s->p.spi, t->e.life_s, story_s(s->now - t->life_from));
}

/* Behind a NAT a sender's address and port may change, or a receiver's port. */
static void
look_for_move(struct story *s, struct stream *t, bool fresh)
{
	const struct pkt *p = &s->p;
	char src[IP4_TEXT], dst[IP4_TEXT];

	if (!fresh && t->e.natt &&
		(p->src != t->e.src || p->sport != t->port[0] || p->dport != t->port[1]))
		story_say(s, "esp.moved",
			"ESP 0x%08x goes from %s port %u to %s port %u from now on", p->spi,
			ip4_put(src, p->src), p->sport, ip4_put(dst, p->dst), p->dport);
	t->e.src = p->src;
	t->port[0] = p->sport;
	t->port[1] = p->dport;
}

/* The MACs with which the pair sends ESP are those of outside ports, whatever else a capture shows.
 */
static void
note_outside(struct story *s)
{
	static const struct mac none;

	if (!memcmp(&s->p.src_mac, &none, sizeof(none)) || s->outside_cnt == OUTSIDE ||
		story_pair(s) != PAIR_YES)
		return;
	for (unsigned i = 0; i < s->outside_cnt; i++)
		if (!memcmp(&s->outside[i], &s->p.src_mac, sizeof(none)))
			return;
	s->outside[s->outside_cnt++] = s->p.src_mac;
}

static bool
is_outside(const struct story *s)
{
	for (unsigned i = 0; i < s->outside_cnt; i++)
		if (!memcmp(&s->outside[i], &s->p.src_mac, sizeof(struct mac)))
			return true;
	return false;
}

/* ---- entries ---- */

void
story_esp(struct story *s)
{
	bool fresh;
	struct stream *t = stream_of(s, &fresh);
	char src[IP4_TEXT], dst[IP4_TEXT];

	if (fresh)
		story_say(s, "esp.first",
			"ESP 0x%08x %s > %s%s: the first packet seen has number %u", s->p.spi,
			ip4_put(src, s->p.src), ip4_put(dst, s->p.dst),
			s->p.is_udp ? ", in UDP" : "", s->p.seq);
	note_outside(s);
	s->law[LAW_LEAK].judged += s->sel_cnt > 0 && is_outside(s);
	t->e.packets++;
	look_for_move(s, t, fresh);
	if (!fresh && s->now - t->e.last_at > t->e.longest_gap) {
		t->e.longest_gap = s->now - t->e.last_at;
		t->e.gap_at = t->e.last_at;
	}
	look_for_wrap(s, t);
	if (s->p.ip_cut)
		t->e.cut++;
	/* what no key opens is not the pair's: it moves nothing */
	if (try_keys(s, t)) {
		take_sender(s, t);
		judge_life(s, t);
		s->law[LAW_UNIQUENESS].judged += story_pair(s) != PAIR_NO;
		(void)take_number(s, t, fresh);
	}
	t->e.last = s->p.seq;
	t->e.last_at = s->now;
	t->e.last_frame = s->frame;
}

void
story_esp_life(struct story *s, uint32_t spi, uint32_t life_s)
{
	if (life_s)
		s->life[s->lives++ % LIVES] = (struct life){spi, life_s, s->now};
}

void
story_esp_end(struct story *s)
{
	for (uint32_t i = 0; i < s->esp_cnt; i++) {
		struct story_esp *e = &s->esp[i].e;
		uint64_t span = (uint64_t)e->highest - e->first + 1;
		uint64_t seen = e->packets - e->same - e->different - e->old - s->esp[i].ignored;

		e->missing = span > seen ? span - seen : 0;
	}
}

size_t
story_esp_count(const struct story *s)
{
	return s->esp_cnt;
}

const struct story_esp *
story_esp_nth(const struct story *s, size_t n)
{
	return &s->esp[n].e;
}

/* Clear packets between networks that a Quick Mode put under protection, from a port that sends
 * ESP. */
void
story_leak(struct story *s)
{
	const struct pkt *p = &s->p;
	char a[IP4_TEXT], b[IP4_TEXT];

	if (!s->sel_cnt || !is_outside(s) || (s->in.ours && !s->letter))
		return;
	s->law[LAW_LEAK].judged++;
	for (unsigned i = 0; i < s->sel_cnt; i++) {
		const struct selector *k = &s->sel[i];

		if ((ip4_in(k->a, p->src) && ip4_in(k->b, p->dst)) ||
			(ip4_in(k->b, p->src) && ip4_in(k->a, p->dst)))
			story_broken(s, LAW_LEAK,
				"expected ESP from %s to %s, saw a packet in clear",
				ip4_put(a, p->src), ip4_put(b, p->dst));
	}
}
