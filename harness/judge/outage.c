/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Law 5, outage, over each take-over by a ready standby, and each that had to come. (Its second
 * result, nothing anew, is in anew.c.)
 *
 * outage: the dark time is at most hold time and margin. Measured on numbered streams (UDP port
 * 7007: "BTNS", id, number): a packet is sent where its station put it out, and carried where it
 * left a member on the other side. Dark is the time from the sending of the first lost one to the
 * sending of the last lost one: so long it was dark at least, however thin the stream. Where the
 * active went, or a line of its was pulled, and a ready standby never took over, its time runs from
 * then. A line of the old active that was pulled takes two Hellos more, since the other group has
 * to move as well. The heir must be whole itself: up, and both its lines in. If it was not lately,
 * its time begins when it was again, and is one hold time longer: its group begins anew, and is in
 * Listen and in Speak for as long each (RFC 2281 5.7). Judged is the time until it is whole no
 * more, or the other one is back. What is dark from then on is another fault's; one for which no
 * standby was ready is judged as far as one election takes.
 */
#include "harness/judge/judge_in.h"

#include <stdlib.h>
#include <string.h>

#include "ref/base/cursor.h"

#define STREAM_PORT 7007
#define STREAMS 16
#define STATE_SPEAK 4 /* RFC 2281 5.1 */

struct numbered { /* a stream's packet */
	uint16_t id;
	bool outwards; /* towards the peer */
	uint32_t no;
	size_t sent, came; /* frames, or TRACE_NONE */
};

struct log {
	const struct scene *s;
	struct numbered *n;
	size_t cnt, cap;
};

static bool
read_number(const struct pkt *p, uint16_t *id, uint32_t *no)
{
	struct rd r;

	if (!p->is_udp || p->dport != STREAM_PORT || p->data_len < 12 ||
		memcmp(p->data, "BTNS", 4) != 0)
		return false;
	rd_init(&r, p->data, p->data_len);
	rd_skip(&r, 4, "magic");
	*id = rd_u16(&r, "id");
	rd_skip(&r, 2, "zero");
	*no = rd_u32(&r, "number");
	return !r.bad;
}

static void
note_sent(struct log *l, size_t frame, const struct pkt *p, bool outwards)
{
	struct numbered *n;

	l->n = scene_more(l->n, l->cnt, &l->cap, sizeof(*l->n));
	n = &l->n[l->cnt];
	*n = (struct numbered){.outwards = outwards, .sent = frame, .came = TRACE_NONE};
	if (read_number(p, &n->id, &n->no))
		l->cnt++;
}

static void
note_came(struct log *l, size_t frame, const struct pkt *p, bool outwards)
{
	uint16_t id;
	uint32_t no;

	if (!read_number(p, &id, &no))
		return;
	for (size_t i = l->cnt; i-- > 0;) {
		struct numbered *n = &l->n[i];

		if (n->id == id && n->no == no && n->outwards == outwards) {
			if (n->came == TRACE_NONE)
				n->came = frame;
			return;
		}
	}
}

static void
take_esp(struct log *l, const struct scene_esp *e)
{
	struct pkt p;

	if (!e->inner || !pkt_parse_ip(&p, e->inner, e->inner_len))
		return;
	if (e->side < 0)
		note_sent(l, e->frame, &p, false);
	else if (e->to)
		note_came(l, e->frame, &p, true);
}

static void
take_inside(struct log *l, size_t frame)
{
	const struct pkt *p = &l->s->pkt[frame];

	if (scene_segment(l->s, frame) != SEG_INSIDE || !p->is_ip)
		return;
	if (scene_sender(l->s, frame) < 0 && ip4_in(l->s->in->near, p->src))
		note_sent(l, frame, p, true);
	else if (scene_sender(l->s, frame) >= 0 && trace_frame(l->s->t, frame)->to)
		note_came(l, frame, p, false);
}

static void
fill(struct log *l)
{
	size_t e = 0;

	for (size_t i = 0; i < l->s->cnt; i++) {
		for (; e < l->s->esp_cnt && l->s->esp[e].frame <= i; e++)
			take_esp(l, &l->s->esp[e]);
		take_inside(l, i);
	}
}

static ns_t
at_of(const struct scene *s, size_t frame)
{
	return trace_frame(s->t, frame)->at;
}

/* Was an outside or inside line of that member pulled? */
static bool
cable_out(const struct scene *s, int side, ns_t from, ns_t to)
{
	for (size_t i = 0; i < s->span_cnt; i++) {
		const struct scene_span *p = &s->span[i];

		if (p->kind == EVENT_CABLE_OUT && p->side == side && p->segment != SEG_SYNC &&
			p->from >= from && p->from <= to)
			return true;
	}
	return false;
}

struct health {
	unsigned out; /* lines, by segment */
	bool down;
	ns_t since;
};

static void
take_event(struct health *h, const struct trace_event *e)
{
	switch (e->kind) {
	case EVENT_CABLE_OUT:
		h->out |= e->segment == SEG_SYNC ? 0 : 1u << e->segment;
		break;
	case EVENT_CABLE_IN:
		if (h->out & 1u << e->segment)
			h->since = e->at;
		h->out &= ~(1u << e->segment);
		break;
	case EVENT_START:
		h->down = false;
		h->since = e->at;
		break;
	case EVENT_POWER_OFF:
		h->out = 0; /* it comes back with its cables in */
		h->down = true;
		break;
	case EVENT_STOP:
	case EVENT_EXIT:
	case EVENT_CRASH:
		h->down = true;
		break;
	case EVENT_PARTITION:
	case EVENT_HEAL:
	case EVENT_LOSS:
	case EVENT_DELAY:
	case EVENT_COPY:
	case EVENT_REORDER:
	case EVENT_CORRUPT:
	case EVENT_SLOW:
	case EVENT_STALL:
	case EVENT_MARK:
	case EVENT_ROUTE_ADD:
	case EVENT_ROUTE_DEL:
	case EVENT_CNT:
		break;
	}
}

/* When the member dies or loses a line for the first time after `from`; `to` if not before that. */
static ns_t
whole_until(const struct scene *s, int side, ns_t from, ns_t to)
{
	for (size_t i = 0; i < trace_events(s->t); i++) {
		const struct trace_event *e = trace_event(s->t, i);
		struct health h = {.down = false};

		if (scene_side(e->who) != side || e->at <= from || e->at >= to)
			continue;
		take_event(&h, e);
		if (h.down || h.out)
			return e->at;
	}
	return to;
}

/* Since when is the member up with both its lines in, before that instant? NS_NEVER: it is not. */
static ns_t
whole_since(const struct scene *s, int side, ns_t at)
{
	struct health h = {.since = INT64_MIN};

	for (size_t i = 0; i < trace_events(s->t); i++)
		if (trace_event(s->t, i)->at < at && scene_side(trace_event(s->t, i)->who) == side)
			take_event(&h, trace_event(s->t, i));
	return h.down || h.out ? NS_NEVER : h.since;
}

/* The next packet of the stream of n[i]; TRACE_NONE if there is none. */
static size_t
next_of(const struct log *l, size_t i)
{
	const struct numbered *n = &l->n[i];

	for (size_t j = i + 1; j < l->cnt; j++)
		if (l->n[j].id == n->id && l->n[j].outwards == n->outwards)
			return j;
	return TRACE_NONE;
}

/* What is judged: a take-over, or one that had to come and did not (frame: what it is blamed on).
 */
struct trial {
	const struct scene_take *t;
	size_t frame;
	bool missing;
};

/* How long it may be dark from `from` on, with an heir that is whole since then. */
static ns_t
limit_of(const struct scene *s, int heir, ns_t from, ns_t to, ns_t whole)
{
	ns_t limit = s->in->hold + s->in->dark_margin + s->in->margin;

	if (cable_out(s, !heir, from - s->in->hold, to))
		limit += 2 * s->in->hello;
	if (whole > from - s->in->hold)
		limit += s->in->hold;
	return limit;
}

/* Did that member say Speak in the group on that segment? */
static bool
spoke(const struct scene *s, int side, enum trace_segment seg, ns_t from, ns_t to)
{
	for (size_t i = 0; i < s->role_cnt; i++) {
		const struct scene_role *r = &s->role[i];

		if (r->side == side && r->segment == seg && r->state == STATE_SPEAK &&
			r->at >= from && r->at <= to)
			return true;
	}
	return false;
}

/* Was the other one no ready standby when a line of that heir, who served, was pulled? */
static bool
stood_alone(const struct scene *s, int heir, ns_t at)
{
	for (size_t i = 0; i < s->fall_cnt; i++)
		if (s->fall[i].pulled && s->fall[i].heir == !heir && s->fall[i].at == at)
			return !s->fall[i].ready;
	return false;
}

/*
 * A second fault: the heir had served, its own line was pulled, nobody stood ready, and then it
 * was dark. With its line in again it elects beside the other one, which begins as well: whoever
 * speaks last sends the first back to Listen, by its priority or address, and needs a hold time of
 * its own in Speak (RFC 2281 5.7, event f).
 */
static bool
was_contested(const struct scene *s, const struct trial *k, ns_t to, ns_t whole)
{
	for (size_t i = 0; i < s->span_cnt && !k->missing; i++) {
		const struct scene_span *p = &s->span[i];

		if (p->kind == EVENT_CABLE_OUT && p->side == k->t->heir && p->segment != SEG_SYNC &&
			p->to == whole && p->from >= k->t->whole &&
			stood_alone(s, k->t->heir, p->from) &&
			spoke(s, !k->t->heir, p->segment, p->to, to))
			return true;
	}
	return false;
}

/* One run of lost packets, from n[first] to n[end]; ended: the next one came. */
static void
judge_run(const struct log *l, const struct trial *k, size_t first, size_t end, bool ended,
	struct law_result *r)
{
	const struct scene *s = l->s;
	const struct scene_take *t = k->t;
	const struct numbered *a = &l->n[first], *b = &l->n[end];
	ns_t from = at_of(s, a->sent), to = ns_min(at_of(s, b->sent), t->until), whole, limit;

	if (from > t->at + s->in->hold || to < t->at - s->in->hold)
		return;
	to = whole_until(s, t->heir, from > t->at ? from : t->at, to);
	whole = whole_since(s, t->heir, to);
	if (whole == NS_NEVER)
		return;
	limit = limit_of(s, t->heir, from, to, whole);
	if (was_contested(s, k, to, whole))
		limit += s->in->hold;
	if (to - (whole > from ? whole : from) <= limit ||
		judge_sets_aside(s, r, ANYWHERE, from, to))
		return;
	scene_broken(r, k->frame,
		"with a ready standby the dark time is at most hold time and margin: expected %lld "
		"ms at most around the take-over by %c%s in frame %zu, saw stream %u %s dark for "
		"%lld ms, from frame %zu to frame %zu%s",
		(long long)ns_to_ms(limit), scene_letter(t->heir),
		k->missing ? ", which never came, after what happened" : "", k->frame + 1, a->id,
		a->outwards ? "outwards" : "inwards", (long long)ns_to_ms(to - from), a->sent + 1,
		b->sent + 1, ended ? "" : " and longer");
}

/* Was anything of that stream seen to be carried before the take-over? */
static bool
was_carried(const struct log *l, size_t start, ns_t before)
{
	for (size_t i = start; i != TRACE_NONE; i = next_of(l, i))
		if (at_of(l->s, l->n[i].sent) > before)
			return false;
		else if (l->n[i].came != TRACE_NONE)
			return true;
	return false;
}

static void
judge_stream(const struct log *l, const struct trial *t, size_t start, struct law_result *r)
{
	size_t lost = TRACE_NONE, last = start;
	bool carried = false;

	if (!was_carried(l, start, t->t->at))
		return;
	for (size_t i = start; i != TRACE_NONE; i = next_of(l, i)) {
		bool came = l->n[i].came != TRACE_NONE;

		if (came && lost != TRACE_NONE)
			judge_run(l, t, lost, last, true, r);
		last = i;
		if (came)
			lost = TRACE_NONE;
		else if (lost == TRACE_NONE && carried)
			lost = i;
		carried = carried || came;
		r->judged++;
	}
	if (lost != TRACE_NONE)
		judge_run(l, t, lost, last, false, r);
}

/* The first packets of all streams; how many there are, at most STREAMS. */
static size_t
list_streams(const struct log *l, size_t start[STREAMS])
{
	size_t cnt = 0;

	for (size_t i = 0; i < l->cnt; i++) {
		size_t k = 0;

		while (k < cnt && (l->n[start[k]].id != l->n[i].id ||
					  l->n[start[k]].outwards != l->n[i].outwards))
			k++;
		if (k == cnt && cnt < STREAMS)
			start[cnt++] = i;
	}
	return cnt;
}

static void
judge_streams(const struct log *l, const struct trial *k, const size_t *start, size_t cnt,
	struct law_result *r)
{
	for (size_t i = 0; i < cnt; i++)
		judge_stream(l, k, start[i], r);
}

/* Did the heir become active by then? */
static bool
was_taken(const struct scene *s, const struct scene_fall *f, ns_t by)
{
	for (size_t i = 0; i < s->take_cnt; i++)
		if (s->take[i].at >= f->at && s->take[i].at <= by && s->take[i].heir == f->heir)
			return true;
	return false;
}

/* An heir that had to take over, and did not. */
static void
judge_fall(const struct log *l, const struct scene_fall *f, const size_t *start, size_t cnt,
	struct law_result *r)
{
	const struct scene *s = l->s;
	struct scene_take t = {
		.at = f->at, .heir = f->heir, .until = whole_until(s, f->heir, f->at, f->back)};
	struct trial k = {
		.t = &t, .missing = true, .frame = f->frame < s->cnt ? f->frame : s->cnt - 1};
	ns_t whole = whole_since(s, f->heir, f->at + 1), by;

	if (!f->ready || whole == NS_NEVER)
		return;
	by = f->at + limit_of(s, f->heir, f->at, f->at, whole);
	if (by > t.until || was_taken(s, f, by) || judge_sets_aside(s, r, ANYWHERE, f->at, by))
		return;
	judge_streams(l, &k, start, cnt, r);
}

void
outage_judge(const struct scene *s, struct law_result *r)
{
	struct log l = {.s = s};
	size_t ready = 0, start[STREAMS], cnt;

	fill(&l);
	cnt = list_streams(&l, start);
	for (size_t t = 0; t < s->take_cnt; t++) {
		struct trial k = {.t = &s->take[t], .frame = s->take[t].frame};

		if (!k.t->ready)
			continue;
		ready++;
		if (!judge_sets_aside(s, r, ANYWHERE, k.t->at - s->in->hold, k.t->at))
			judge_streams(&l, &k, start, cnt, r);
	}
	for (size_t i = 0; i < s->fall_cnt; i++)
		judge_fall(&l, &s->fall[i], start, cnt, r);
	if (s->take_cnt > ready)
		scene_note(r, "%zu of %zu take-overs were by a standby that was not ready",
			s->take_cnt - ready, s->take_cnt);
	free(l.n);
}
