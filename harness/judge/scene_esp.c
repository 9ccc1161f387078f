/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ESP packets in the trace: fragments put together (RFC 791 3.2; those of IKE on the way, too), then
 * opened with the key ring. A packet of which fragments are missing keeps what its first fragment
 * holds: the SPI and the number are in it. Later fragments that come before the first one are not
 * waited for.
 */
#include "harness/judge/scene.h"

#include <string.h>

#define GATHER_MAX 32 /* packets in pieces at once */
#define PARTS_MAX 16

struct part {
	size_t off, len;
	const uint8_t *bytes;
};

struct gather {
	bool used;
	bool ike;
	size_t esp; /* index of its packet, if not IKE */
	size_t skip; /* octets before ISAKMP */
	uint8_t port;
	ip4_t src, dst;
	uint16_t id;
	struct part part[PARTS_MAX];
	size_t cnt;
	size_t total; /* octets behind the IP header; 0 until the last fragment came */
};

struct gatherer {
	struct gather g[GATHER_MAX];
	size_t next;
};

static void
add_part(struct gather *g, const struct pkt *p)
{
	if (g->cnt == PARTS_MAX)
		return;
	g->part[g->cnt++] = (struct part){p->frag_off, p->l4_len, p->l4};
	if (!p->mf)
		g->total = p->frag_off + p->l4_len;
}

/* All octets are there once the parts, laid end to end, reach the total. */
static bool
is_whole(const struct gather *g)
{
	size_t have = 0, was;

	if (!g->total)
		return false;
	do {
		was = have;
		for (size_t i = 0; i < g->cnt; i++)
			if (g->part[i].off <= have && g->part[i].off + g->part[i].len > have)
				have = g->part[i].off + g->part[i].len;
	} while (have > was);
	return have >= g->total;
}

static void
done(struct scene *s, struct gather *g, size_t frame, const uint8_t *all)
{
	struct scene_esp *e;
	size_t skip = g->skip;

	g->used = false;
	if (g->ike) {
		s->big = scene_more(s->big, s->big_cnt, &s->big_cap, sizeof(*s->big));
		s->big[s->big_cnt++] = (struct scene_big){frame, all + skip, g->total - skip};
		return;
	}
	e = &s->esp[g->esp];
	skip = e->natt_port ? 8 : 0;
	e->esp = all + skip;
	e->len = g->total - skip;
	e->whole = true;
}

static void
put_together(struct scene *s, struct gather *g, size_t frame)
{
	uint8_t *all = scene_room(s, g->total);

	for (size_t i = 0; i < g->cnt; i++) {
		const struct part *p = &g->part[i];

		if (p->off + p->len <= g->total)
			memcpy(all + p->off, p->bytes, p->len);
	}
	done(s, g, frame, all);
}

static struct gather *
find(struct gatherer *all, const struct pkt *p, uint8_t port)
{
	for (size_t i = 0; i < GATHER_MAX; i++) {
		struct gather *g = &all->g[i];

		if (g->used && g->port == port && g->src == p->src && g->dst == p->dst &&
			g->id == p->ip_id)
			return g;
	}
	return NULL;
}

static void
first_piece(struct scene *s, struct gatherer *all, size_t frame)
{
	const struct pkt *p = &s->pkt[frame];
	struct gather *g = find(all, p, trace_frame(s->t, frame)->port);

	if (!g)
		g = &all->g[all->next++ % GATHER_MAX];
	*g = (struct gather){.used = true, .ike = p->is_isakmp, .esp = p->is_isakmp ? 0 : s->esp_cnt - 1,
		.skip = p->is_isakmp ? (size_t)(p->isakmp - p->l4) : 0, .src = p->src, .dst = p->dst,
		.port = trace_frame(s->t, frame)->port, .id = p->ip_id};
	add_part(g, p);
}

static void
later_piece(struct scene *s, struct gatherer *all, size_t frame)
{
	const struct pkt *p = &s->pkt[frame];
	struct gather *g = find(all, p, trace_frame(s->t, frame)->port);

	if (!g)
		return;
	add_part(g, p);
	if (!g->ike)
		s->esp[g->esp].to &= trace_frame(s->t, frame)->to;
	if (is_whole(g))
		put_together(s, g, frame);
}

static void
add_packet(struct scene *s, size_t frame)
{
	const struct pkt *p = &s->pkt[frame];
	const struct frame *f = trace_frame(s->t, frame);

	s->esp = scene_more(s->esp, s->esp_cnt, &s->esp_cap, sizeof(*s->esp));
	s->esp[s->esp_cnt++] = (struct scene_esp){
		.frame = frame,
		.at = f->at,
		.side = scene_sender(s, frame),
		.to = f->to,
		.src = p->src,
		.dst = p->dst,
		.natt_port = p->is_udp ? p->dport : 0,
		.spi = p->spi,
		.seq = p->seq,
		.esp = p->esp,
		.len = p->esp_len,
		.whole = !p->mf,
		.key = -1,
	};
}

static void
open_with(struct scene *s, struct scene_esp *e, size_t key, uint8_t *room)
{
	uint8_t next;
	size_t len;

	if (keyesp_open(&s->in->keys->esp[key], e->esp, e->len, room, e->len, &len, &next))
		return;
	e->key = (int)key;
	e->inner = room;
	e->inner_len = len;
}

/* Which key opens it tells the SA's instance. */
static void
open_packet(struct scene *s, size_t i)
{
	struct scene_esp *e = &s->esp[i];
	const struct keyring *ring = s->in->keys;
	uint8_t *room = scene_room(s, e->len);

	for (size_t k = ring->esp_cnt; e->whole && k-- > 0 && !e->inner;)
		if (keyring_esp_fits(&ring->esp[k], e->spi, e->dst))
			open_with(s, e, k, room);
}

static bool
same_line(const struct scene_esp *a, const struct scene_esp *b)
{
	return a->spi == b->spi && (a->dst == b->dst || (a->natt_port && b->natt_port)) &&
		b->key >= 0;
}

/*
 * One that no key opens (cut, or spoilt) is of the instance that was last seen on its SPI, or else
 * is seen next, so that it is compared with its like.
 */
static void
guess_instance(struct scene *s, size_t i)
{
	struct scene_esp *e = &s->esp[i];

	for (size_t j = i; j-- > 0 && e->key < 0;)
		if (same_line(e, &s->esp[j]))
			e->key = s->esp[j].key;
	for (size_t j = i + 1; j < s->esp_cnt && e->key < 0; j++)
		if (same_line(e, &s->esp[j]))
			e->key = s->esp[j].key;
}

static int
by_size(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

int
scene_compare_sa(const struct scene_esp *a, const struct scene_esp *b)
{
	int c = by_size((uint64_t)(a->key + 1), (uint64_t)(b->key + 1));

	c = c ? c : by_size(a->spi, b->spi);
	if (c || a->key >= 0)
		return c;
	c = by_size(a->dst, b->dst);
	return c ? c : by_size(a->natt_port, b->natt_port);
}

void
scene_read_esp(struct scene *s)
{
	struct gatherer all = {.next = 0};

	for (size_t i = 0; i < s->cnt; i++) {
		const struct pkt *p = &s->pkt[i];

		if (p->is_esp && !p->frag_off) {
			add_packet(s, i);
			if (p->mf)
				first_piece(s, &all, i);
		} else if (p->is_isakmp && p->mf) {
			first_piece(s, &all, i);
		} else if (p->is_ip && p->frag_off) {
			later_piece(s, &all, i);
		}
	}
	for (size_t i = 0; i < s->esp_cnt; i++)
		open_packet(s, i);
	for (size_t i = 0; i < s->esp_cnt; i++)
		if (s->esp[i].key < 0 && keyring_esp(s->in->keys, s->esp[i].spi, s->esp[i].dst))
			guess_instance(s, i);
}
