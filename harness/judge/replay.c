/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Law 3, no replay: an inbound packet that one member accepted, the other one does not accept
 * again, beyond the inbound interval and what the channel lags: and no member accepts its own
 * twice, in one life of its process.
 *
 * Accepted means: seen inside, where the member forwards the inner packet in clear (one hop less of
 * TTL, RFC 1812 5.3.1). A packet inside is laid to the delivered ESP packet with those inner bytes:
 * to one that nobody has accepted yet if there is such a one, and only otherwise to one that was.
 * How much the heir may not know is counted in packets that were accepted after it: the interval,
 * and as many as came in the time of a margin.
 *
 * Not judged with an inbound interval of 0: then the window is not carried. What was accepted first
 * in a split, or while the sync line was not as it should be, is set aside.
 */
#include "harness/judge/judge_in.h"

#include <stdlib.h>
#include <string.h>

#define TTL_AT 8
#define SUM_AT 10
#define MIN_HEAD 20
#define OUT_OF_SIGHT NS_PER_S /* a member that held a packet longer is not looked for */

struct delivery {
	const struct scene_esp *e;
	uint64_t digest; /* of the inner packet without TTL and checksum */
	size_t id;	 /* the same for every delivery of one (SA, number) */
	bool taken[SIDES];
};

/* One (SA, number), when it was first accepted. */
struct accepted {
	const struct scene_esp *e;
	int side;
	size_t inside;	/* frame */
	uint64_t order; /* n-th accepted packet of its SA */
};

struct book {
	const struct scene *s;
	struct law_result *r; /* NULL: nothing is judged, each is taken */
	accepted_take *take;
	void *ctx;
	struct delivery *d;
	size_t d_cnt, d_seen; /* d_seen: those that lie before the frame that is looked at */
	size_t *first_of;     /* by id: its place in a, plus 1; 0 = not accepted yet */
	struct accepted *a;
	size_t a_cnt, a_cap;
};

/* FNV-1a: bytes that are the same have the same digest; what has it is compared besides. */
static uint64_t
digest(const uint8_t *ip, size_t len)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < len; i++) {
		uint8_t b = i == TTL_AT || i == SUM_AT || i == SUM_AT + 1 ? 0 : ip[i];

		h = (h ^ b) * 1099511628211u;
	}
	return h;
}

static size_t
ip_length(const uint8_t *ip, size_t len)
{
	size_t total = len < MIN_HEAD ? 0 : (size_t)ip[2] << 8 | ip[3];

	return total >= MIN_HEAD && total <= len ? total : 0;
}

static bool
same_inner(const uint8_t *a, const uint8_t *b, size_t len)
{
	return !memcmp(a, b, TTL_AT) && a[TTL_AT + 1] == b[TTL_AT + 1] &&
	       !memcmp(a + SUM_AT + 2, b + SUM_AT + 2, len - SUM_AT - 2);
}

static int
compare(const void *x, const void *y)
{
	const struct scene_esp *a = (*(struct delivery *const *)x)->e;
	const struct scene_esp *b = (*(struct delivery *const *)y)->e;
	int c = scene_compare_sa(a, b);

	return c ? c : (a->seq > b->seq) - (a->seq < b->seq);
}

static void
give_ids(struct book *k)
{
	struct delivery **order = calloc(k->d_cnt + 1, sizeof(*order));
	size_t id = 0;

	k->first_of = calloc(k->d_cnt + 1, sizeof(*k->first_of));
	if (!order || !k->first_of)
		abort();
	for (size_t i = 0; i < k->d_cnt; i++)
		order[i] = &k->d[i];
	qsort(order, k->d_cnt, sizeof(*order), compare);
	for (size_t i = 0; i < k->d_cnt; i++) {
		id += i && compare(&order[i - 1], &order[i]);
		order[i]->id = id;
	}
	free(order);
}

static void
list_deliveries(struct book *k)
{
	const struct scene *s = k->s;

	k->d = calloc(s->esp_cnt + 1, sizeof(*k->d));
	if (!k->d)
		abort();
	for (size_t i = 0; i < s->esp_cnt; i++) {
		const struct scene_esp *e = &s->esp[i];
		size_t len = e->inner ? ip_length(e->inner, e->inner_len) : 0;

		if (e->side < 0 && len)
			k->d[k->d_cnt++] =
				(struct delivery){.e = e, .digest = digest(e->inner, len)};
	}
}

static const struct accepted *
accepted_before(const struct book *k, const struct delivery *d)
{
	size_t n = k->first_of[d->id];

	return n ? &k->a[n - 1] : NULL;
}

/* The delivery to this member that explains the packet: a fresh one first, else the newest. */
static struct delivery *
explain(struct book *k, size_t frame, int side, const uint8_t *ip, size_t len)
{
	uint64_t h = digest(ip, len);
	ns_t at = trace_frame(k->s->t, frame)->at;
	unsigned ports = scene_ports(k->s, side, SEG_OUTSIDE);
	struct delivery *old = NULL;

	while (k->d_seen < k->d_cnt && k->d[k->d_seen].e->frame < frame)
		k->d_seen++;
	for (size_t i = k->d_seen; i-- > 0;) {
		struct delivery *d = &k->d[i];

		if (at - d->e->at > OUT_OF_SIGHT)
			break;
		if (d->taken[side] || d->digest != h || !(d->e->to & ports))
			continue;
		if (ip_length(d->e->inner, d->e->inner_len) != len ||
			!same_inner(d->e->inner, ip, len))
			continue;
		if (!accepted_before(k, d))
			return d;
		if (!old)
			old = d;
	}
	return old;
}

static uint64_t
accepted_on(const struct book *k, const struct scene_esp *e, ns_t from, ns_t to)
{
	uint64_t cnt = 0;

	for (size_t i = 0; i < k->a_cnt; i++) {
		const struct scene_esp *a = k->a[i].e;

		cnt += !scene_compare_sa(a, e) && a->at >= from && a->at <= to;
	}
	return cnt;
}

static void
judge_again(struct book *k, const struct accepted *first, const struct scene_esp *e, size_t inside,
	int side)
{
	uint64_t later = 0, allowed = 0;
	ns_t lag = k->s->in->margin, last = first->e->at;

	/* A member that started anew between the two has its window from the other one. */
	if (first->side != side || scene_started(k->s, side, first->e->at, e->at)) {
		if (judge_sets_aside(k->s, k->r, ANYWHERE, first->e->at, first->e->at))
			return;
		for (size_t i = 0; i < k->a_cnt; i++) {
			const struct accepted *a = &k->a[i];

			if (a->side != first->side || a->e->spi != e->spi || a->e->key != e->key)
				continue;
			later += a->order >= first->order;
			last = a->e->at > last ? a->e->at : last;
		}
		allowed = k->s->in->replay_in + accepted_on(k, e, last - lag, last);
		if (later <= allowed) {
			scene_note(k->r, "number %u again, %llu packets old", e->seq,
				(unsigned long long)later);
			return;
		}
	}
	scene_broken(k->r, inside,
		"what one member accepted is not accepted again: expected number %u on SPI 0x%08x "
		"(delivered in frame %zu, accepted by %c: frame %zu) to be "
		"refused, saw %c accept it "
		"from frame %zu in frame %zu, %llu packets later; %llu are allowed",
		e->seq, e->spi, first->e->frame + 1, scene_letter(first->side), first->inside + 1,
		scene_letter(side), e->frame + 1, inside + 1, (unsigned long long)later,
		(unsigned long long)allowed);
}

static void
look_inside(struct book *k, size_t frame)
{
	const struct pkt *p = &k->s->pkt[frame];
	int side = scene_sender(k->s, frame);
	const struct accepted *first;
	struct delivery *d;

	if (side < 0 || scene_segment(k->s, frame) != SEG_INSIDE || !p->is_ip ||
		!ip4_in(k->s->in->far, p->src))
		return;
	d = explain(k, frame, side, p->ip, p->ip_len);
	if (!d)
		return;
	d->taken[side] = true;
	if (!k->r) {
		k->take(k->ctx, d->e, frame);
		return;
	}
	k->r->judged++;
	first = accepted_before(k, d);
	if (first) {
		judge_again(k, first, d->e, frame, side);
		return;
	}
	k->a = scene_more(k->a, k->a_cnt, &k->a_cap, sizeof(*k->a));
	k->a[k->a_cnt] =
		(struct accepted){.e = d->e, .side = side, .inside = frame, .order = k->a_cnt};
	k->first_of[d->id] = ++k->a_cnt;
}

static void
walk(struct book *k)
{
	list_deliveries(k);
	give_ids(k);
	for (size_t i = 0; i < k->s->cnt; i++)
		look_inside(k, i);
	free(k->d);
	free(k->first_of);
	free(k->a);
}

void
replay_judge(const struct scene *s, struct law_result *r)
{
	struct book k = {.s = s, .r = r};

	if (!s->in->replay_in) {
		scene_note(r, "not applicable: the inbound interval is 0");
		return;
	}
	walk(&k);
}

void
replay_accepted(const struct scene *s, accepted_take *take, void *ctx)
{
	struct book k = {.s = s, .take = take, .ctx = ctx};

	walk(&k);
}
