/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reassembly (netif_reasm.h): a place a packet, a bit for each 8 octets that came. Overlaps with
 * different bytes are not looked for; a packet that would be too large, or whose end moves, is
 * dropped whole.
 */
#include <string.h>

#include "harness/peer/netif_reasm.h"

#define REASM_LIFE ns_from_s(15)

static struct netif_reasm *
place(struct netif *i, ns_t now, const struct pkt *p)
{
	struct netif_reasm *room = &i->reasm[0];

	for (size_t n = 0; n < NETIF_REASM_MAX; n++) {
		struct netif_reasm *r = &i->reasm[n];

		if (r->used && r->src == p->src && r->dst == p->dst && r->id == p->ip_id &&
			r->proto == p->proto)
			return r;
		if (!r->used)
			room = r;
		else if (room->used && r->expires < room->expires)
			room = r;
	}
	i->n.reasm_timeout += room->used;
	i->reasm_cnt += !room->used;
	memset(room, 0, sizeof *room);
	*room = (struct netif_reasm){.used = true,
		.src = p->src,
		.dst = p->dst,
		.id = p->ip_id,
		.proto = p->proto,
		.expires = now + REASM_LIFE};
	return room;
}

static void
give_back(struct netif *i, struct netif_reasm *r)
{
	r->used = false;
	i->reasm_cnt--;
}

/* Copy the piece in; octets not seen before. */
static uint32_t
put_piece(struct netif_reasm *r, size_t at, const uint8_t *from, size_t len)
{
	uint32_t fresh = 0;

	for (size_t o = 0; o < len; o += 8) {
		size_t unit = (at + o) / 8, n = len - o < 8 ? len - o : 8;

		if (r->map[unit / 8] & 1u << unit % 8)
			continue;
		r->map[unit / 8] |= (uint8_t)(1u << unit % 8);
		memcpy(r->bytes + at + o, from + o, n);
		fresh += (uint32_t)n;
	}
	return fresh;
}

static const uint8_t *
finish(struct netif *i, struct netif_reasm *r, size_t *ip_len)
{
	uint8_t *w = i->whole;
	size_t len = r->head_len + r->total;
	uint16_t sum;

	memcpy(w, r->head, r->head_len);
	memcpy(w + r->head_len, r->bytes, r->total);
	give_back(i, r);
	w[2] = (uint8_t)(len >> 8);
	w[3] = (uint8_t)len;
	w[6] = w[7] = w[10] = w[11] = 0;
	sum = pkt_fold(pkt_sum(w, r->head_len, 0));
	w[10] = (uint8_t)(sum >> 8);
	w[11] = (uint8_t)sum;
	*ip_len = len;
	return w;
}

const uint8_t *
netif_reasm_in(struct netif *i, ns_t now, const struct pkt *p, size_t *ip_len)
{
	struct netif_reasm *r = place(i, now, p);
	size_t end = p->frag_off + p->l4_len, head = p->ip_len - p->l4_len;

	i->n.frags_in++;
	if (end > NETIF_PACKET_MAX || (p->mf && (p->l4_len % 8 || !p->l4_len)) ||
		(!p->mf && r->total && r->total != end) || (p->mf && r->total && end > r->total)) {
		i->n.reasm_bad++;
		give_back(i, r);
		return NULL;
	}
	if (!p->mf)
		r->total = (uint32_t)end;
	if (!p->frag_off) {
		memcpy(r->head, p->ip, head);
		r->head_len = (uint8_t)head;
	}
	r->have += put_piece(r, p->frag_off, p->l4, p->l4_len);
	return r->total && r->head_len && r->have >= r->total ? finish(i, r, ip_len) : NULL;
}

void
netif_reasm_tick(struct netif *i, ns_t now)
{
	for (size_t n = 0; i->reasm_cnt && n < NETIF_REASM_MAX; n++)
		if (i->reasm[n].used && now >= i->reasm[n].expires) {
			give_back(i, &i->reasm[n]);
			i->n.reasm_timeout++;
		}
}

ns_t
netif_reasm_deadline(const struct netif *i)
{
	ns_t at = NS_NEVER;

	for (size_t n = 0; i->reasm_cnt && n < NETIF_REASM_MAX; n++)
		if (i->reasm[n].used)
			at = ns_min(at, i->reasm[n].expires);
	return at;
}
