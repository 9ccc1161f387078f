/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many peers (farm.h): who a frame is for, whose turn it is, and two things that all of them do,
 * one after the other: bringing up a tunnel, sending an echo request. ARP goes to the peer that is
 * asked for, gratuitous ARP to everybody.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/field/pkt.h"
#include "harness/peer/farm.h"

#define PAYLOAD 56

struct one {
	struct peer *p;
	ip4_t addr;
	ns_t due;
	size_t at;	    /* its place in the heap */
	bool started, done; /* its tunnel was asked for; came up */
	bool up;
	bool asked;		 /* pinged in this round, no answer yet */
	uint64_t pings, replies; /* the latter: before this round */
};

struct farm {
	struct one *one;
	size_t cnt;
	size_t *heap;	     /* of indexes, the earliest first */
	size_t *slot;	     /* hash of addresses: index + 1, 0: free */
	size_t slots;	     /* a power of two */
	struct netif router; /* address 0: none */
	/* bringing up */
	size_t next, under_way, window;
	/* pinging */
	size_t ping_next;
	ns_t ping_at, ping_apart;
	ip4_t ping_dst;
	uint16_t round;
	size_t up, silent;
};

static void *
zeroed(size_t cnt, size_t size)
{
	void *p = calloc(cnt, size);

	if (!p) {
		fprintf(stderr, "farm: out of memory\n");
		abort();
	}
	return p;
}

/* -- by address -- */

static size_t
place(const struct farm *f, ip4_t addr)
{
	size_t i = (addr * 2654435761u >> 7) & (f->slots - 1);

	while (f->slot[i] && f->one[f->slot[i] - 1].addr != addr)
		i = (i + 1) & (f->slots - 1);
	return i;
}

static struct one *
find(struct farm *f, ip4_t addr)
{
	size_t n = f->slot[place(f, addr)];

	return n ? &f->one[n - 1] : NULL;
}

/* -- by time -- */

static void
put(struct farm *f, size_t at, size_t n)
{
	f->heap[at] = n;
	f->one[n].at = at;
}

static void
sift(struct farm *f, size_t n)
{
	size_t at = f->one[n].at;
	ns_t due = f->one[n].due;

	while (at && f->one[f->heap[(at - 1) / 2]].due > due) {
		put(f, at, f->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	for (size_t child; (child = 2 * at + 1) < f->cnt; at = child) {
		if (child + 1 < f->cnt &&
			f->one[f->heap[child + 1]].due < f->one[f->heap[child]].due)
			child++;
		if (f->one[f->heap[child]].due >= due)
			break;
		put(f, at, f->heap[child]);
	}
	put(f, at, n);
}

void
farm_touch(struct farm *f, size_t n)
{
	f->one[n].due = peer_deadline(f->one[n].p);
	sift(f, n);
}

/* -- life -- */

struct farm *
farm_new(size_t cnt, farm_plan *plan, void *plan_ctx, const struct netif_cfg *router, uint64_t seed,
	struct keyring *ring, netif_send *send, void *ctx)
{
	struct farm *f = zeroed(1, sizeof *f);

	f->cnt = f->next = f->ping_next = cnt;
	if (router)
		netif_init(&f->router, router, send, ctx);
	f->one = zeroed(cnt + 1, sizeof *f->one);
	f->heap = zeroed(cnt + 1, sizeof *f->heap);
	for (f->slots = 16; f->slots < 2 * cnt;)
		f->slots *= 2;
	f->slot = zeroed(f->slots, sizeof *f->slot);
	for (size_t n = 0; n < cnt; n++) {
		struct peer_cfg cfg = {.remote = 0};

		plan(plan_ctx, n, &cfg);
		f->one[n].addr = cfg.net.addr;
		f->one[n].p = peer_new(&cfg, seed + n, ring, send, ctx);
		f->one[n].due = NS_NEVER;
		put(f, n, n);
		f->slot[place(f, cfg.net.addr)] = n + 1;
	}
	return f;
}

void
farm_free(struct farm *f)
{
	if (!f)
		return;
	for (size_t n = 0; n < f->cnt; n++)
		peer_free(f->one[n].p);
	free(f->one);
	free(f->heap);
	free(f->slot);
	free(f);
}

/* -- bringing up -- */

static void
start_more(struct farm *f, ns_t now)
{
	while (f->next < f->cnt && f->under_way < f->window) {
		size_t n = f->next++;

		f->one[n].started = true;
		f->under_way++;
		peer_initiate(f->one[n].p, now);
		farm_touch(f, n);
	}
}

/* After anything happened to it. */
static void
look(struct farm *f, ns_t now, size_t n)
{
	struct one *o = &f->one[n];
	bool up = peer_is_up(o->p);

	farm_touch(f, n);
	if (up != o->up)
		f->up += up ? 1 : (size_t)-1;
	o->up = up;
	if (o->asked && peer_counters(o->p)->echo_replies_in > o->replies) {
		o->asked = false;
		f->silent--;
	}
	if (!up || !o->started || o->done)
		return;
	o->done = true;
	f->under_way--;
	start_more(f, now);
}

void
farm_bring_up(struct farm *f, ns_t now, size_t window)
{
	f->next = f->under_way = 0;
	f->window = window;
	start_more(f, now);
}

/* -- pinging -- */

void
farm_ping(struct farm *f, ns_t now, ip4_t dst, ns_t apart)
{
	f->ping_next = 0;
	f->ping_at = now;
	f->ping_apart = apart;
	f->ping_dst = dst;
	f->round++;
	for (size_t n = 0; n < f->cnt; n++)
		f->one[n].asked = false;
	f->silent = 0;
}

static void
ping_one(struct farm *f, ns_t now)
{
	struct one *o = &f->one[f->ping_next];

	f->ping_at += f->ping_apart;
	if (peer_is_up(o->p)) {
		o->pings++;
		o->replies = peer_counters(o->p)->echo_replies_in;
		o->asked = true;
		f->silent++;
		peer_ping(o->p, now, f->ping_dst, (uint16_t)f->ping_next, f->round, PAYLOAD);
		farm_touch(f, f->ping_next);
	}
	f->ping_next++;
}

/* -- frames and time -- */

void
farm_frame(struct farm *f, ns_t now, const uint8_t *frame, size_t len)
{
	struct one *o;
	struct pkt k;
	size_t ip_len;

	(void)pkt_parse(&k, frame, len); /* malformed ones are somebody's, too */
	if (k.is_arp && f->router.cfg.addr && k.arp_tpa == f->router.cfg.addr) {
		(void)netif_frame(&f->router, now, frame, len, &ip_len);
		return;
	}
	o = k.is_arp ? find(f, k.arp_tpa) : k.ip || k.is_ip ? find(f, k.dst) : NULL;
	if (o) {
		peer_frame(o->p, now, frame, len);
		look(f, now, (size_t)(o - f->one));
		return;
	}
	for (size_t n = 0; n < f->cnt && k.is_arp && frame[0] & 1; n++) {
		peer_frame(f->one[n].p, now, frame, len);
		farm_touch(f, n);
	}
}

void
farm_tick(struct farm *f, ns_t now)
{
	while (f->ping_next < f->cnt && f->ping_at <= now)
		ping_one(f, now);
	while (f->cnt && f->one[f->heap[0]].due <= now) {
		size_t n = f->heap[0];

		peer_tick(f->one[n].p, now);
		look(f, now, n);
		if (f->heap[0] == n && f->one[n].due <= now)
			break; /* it wants to be asked again: not within this instant */
	}
}

ns_t
farm_deadline(const struct farm *f)
{
	ns_t at = f->ping_next < f->cnt ? f->ping_at : NS_NEVER;

	return f->cnt ? ns_min(at, f->one[f->heap[0]].due) : at;
}

/* -- the view -- */

size_t
farm_cnt(const struct farm *f)
{
	return f->cnt;
}

size_t
farm_up(const struct farm *f)
{
	return f->up;
}

size_t
farm_silent(const struct farm *f)
{
	return f->silent;
}

bool
farm_pinged(const struct farm *f)
{
	return f->ping_next == f->cnt;
}

struct peer *
farm_peer(struct farm *f, size_t n)
{
	return f->one[n].p;
}

struct farm_sum
farm_sum(const struct farm *f)
{
	struct farm_sum s = {.up = f->up};

	for (size_t n = 0; n < f->cnt; n++) {
		const struct one *o = &f->one[n];
		const struct peer_counters *c = peer_counters(o->p);

		s.phase1_up += c->phase1_up;
		s.phase2_up += c->phase2_up;
		s.ike_refused += c->ike_refused;
		s.ike_retransmits += c->ike_retransmits;
		s.given_up += peer_event_cnt(o->p, PEER_EV_GIVEN_UP, 0, NULL);
		s.esp_out += c->esp_out;
		s.esp_in += c->esp_in;
		s.replays += c->esp_replays + c->esp_late;
		s.bad_icv += c->esp_bad_icv;
		s.unknown_spi += c->esp_unknown_spi;
		s.deletes_in += c->deletes_in;
		s.pings += o->pings;
		s.replies += c->echo_replies_in;
	}
	return s;
}
