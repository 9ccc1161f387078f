/* SPDX-License-Identifier: BSD-2-Clause */
#include <assert.h>
#include <string.h>

#include "ref/sys/offload.h"
#include "ref/wire/ipv4.h"

#define IP_ID 4
#define IP_SUM 10
#define UDP_SUM 6
#define TCP_HDR_LEN 20
#define TCP_SEQ 4
#define TCP_FLAGS 13
#define TCP_SUM 16
#define TCP_FIN 0x01
#define TCP_PSH 0x08
#define TCP_ACK 0x10
#define TCP_CWR 0x80

static uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void
put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

/* Of the pseudo header (RFC 768, RFC 9293 3.1), not complemented. */
static uint32_t
pseudo_sum(const uint8_t *ip, size_t l4_len)
{
	uint32_t sum = ip[9] + (uint32_t)l4_len;

	for (size_t i = 12; i < IPV4_HDR_LEN; i += 2)
		sum += get16(ip + i);
	return sum;
}

static uint16_t
folded(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void
ip_finish(uint8_t *ip, size_t hdr_len, size_t len)
{
	put16(ip + 2, (uint16_t)len);
	put16(ip + IP_SUM, 0);
	put16(ip + IP_SUM, ipv4_sum(ip, hdr_len, 0));
}

/* ---- cutting ---- */

/* A checksum that its sender left to the hardware: the field holds the pseudo header's sum. */
static bool
sum_finish(const struct virtio_net_hdr *h, uint8_t *b, size_t len)
{
	size_t from = h->csum_start, at = from + h->csum_offset;
	uint16_t sum;

	if (at + 2 > len)
		return false;
	sum = ipv4_sum(b + from, len - from, 0);
	put16(b + at, sum ? sum : 0xffff);
	return true;
}

bool
offload_cut_init(struct offload_cut *c, const struct virtio_net_hdr *h, uint8_t *bytes, size_t len,
	size_t l2)
{
	unsigned kind = h->gso_type & ~(unsigned)VIRTIO_NET_HDR_GSO_ECN;
	const uint8_t *ip = bytes + l2;
	bool tcp = kind == VIRTIO_NET_HDR_GSO_TCPV4;

	c->bytes = bytes;
	c->len = len;
	c->at = c->size = 0;
	c->l2 = l2;
	if (kind == VIRTIO_NET_HDR_GSO_NONE)
		return !(h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) || sum_finish(h, bytes, len);
	if ((!tcp && kind != VIRTIO_NET_HDR_GSO_UDP_L4) || len < l2 + IPV4_HDR_LEN || ip[0] >> 4 != 4 ||
		ip[9] != (tcp ? IPV4_PROTO_TCP : IPV4_PROTO_UDP))
		return false;
	c->l4 = l2 + (size_t)(ip[0] & 15) * 4;
	if (c->l4 < l2 + IPV4_HDR_LEN || len < c->l4 + (tcp ? TCP_HDR_LEN : UDP_HDR_LEN))
		return false;
	c->head = c->l4 + (tcp ? (size_t)(bytes[c->l4 + 12] >> 4) * 4 : (size_t)UDP_HDR_LEN);
	c->size = h->gso_size;
	c->id = get16(ip + IP_ID);
	c->seq = tcp ? get32(bytes + c->l4 + TCP_SEQ) : 0;
	c->at = c->head;
	return c->size && c->head < len && c->head + c->size <= sizeof c->piece &&
	       (!tcp || c->head >= c->l4 + TCP_HDR_LEN);
}

static void
l4_finish(struct offload_cut *c, size_t len, bool first, bool last)
{
	uint8_t *ip = c->piece + c->l2, *l4 = c->piece + c->l4;
	size_t l4_len = len - c->l4, sum_at = UDP_SUM;
	uint16_t sum;

	if (ip[9] == IPV4_PROTO_TCP) {
		sum_at = TCP_SUM;
		put32(l4 + TCP_SEQ, c->seq);
		if (!first)
			l4[TCP_FLAGS] &= (uint8_t)~TCP_CWR;
		if (!last)
			l4[TCP_FLAGS] &= (uint8_t)~(TCP_FIN | TCP_PSH);
	} else {
		put16(l4 + 4, (uint16_t)l4_len);
	}
	put16(l4 + sum_at, 0);
	sum = ipv4_sum(l4, l4_len, pseudo_sum(ip, l4_len));
	put16(l4 + sum_at, sum ? sum : 0xffff);
}

const uint8_t *
offload_cut_next(struct offload_cut *c, size_t *len)
{
	size_t part;
	bool first = c->at == c->head;

	if (c->at >= c->len)
		return NULL;
	if (!c->size) {
		c->at = *len = c->len;
		return c->bytes;
	}
	part = c->len - c->at < c->size ? c->len - c->at : c->size;
	memcpy(c->piece, c->bytes, c->head);
	memcpy(c->piece + c->head, c->bytes + c->at, part);
	c->at += part;
	*len = c->head + part;
	put16(c->piece + c->l2 + IP_ID, c->id++);
	ip_finish(c->piece + c->l2, c->l4 - c->l2, *len - c->l2);
	l4_finish(c, *len, first, c->at == c->len);
	c->seq += (uint32_t)part;
	return c->piece;
}

/* ---- coupling ---- */

static size_t
tcp_head(const uint8_t *p, size_t len)
{
	const uint8_t *tcp = p + IPV4_HDR_LEN;
	size_t head;

	if (len < IPV4_HDR_LEN + TCP_HDR_LEN)
		return 0;
	head = IPV4_HDR_LEN + (size_t)(tcp[12] >> 4) * 4;
	/* data alone: whatever opens, closes or resets travels by itself */
	if (head < IPV4_HDR_LEN + TCP_HDR_LEN || (tcp[TCP_FLAGS] & ~TCP_PSH) != TCP_ACK)
		return 0;
	return len > head ? head : 0;
}

static size_t
udp_head(const uint8_t *p, size_t len)
{
	const uint8_t *udp = p + IPV4_HDR_LEN;

	if (len <= IPV4_HDR_LEN + UDP_HDR_LEN || get16(udp + 4) != len - IPV4_HDR_LEN ||
		get16(udp + UDP_SUM) == 0)
		return 0;
	return IPV4_HDR_LEN + UDP_HDR_LEN;
}

/* Octets of headers of a packet that may be in a train; 0: not in one. */
static size_t
head_of(const struct offload_train *t, const uint8_t *p, size_t len)
{
	if (len < IPV4_HDR_LEN || p[0] != 0x45 || get16(p + 2) != len || (get16(p + 6) & 0x3fff))
		return 0;
	if (p[9] == IPV4_PROTO_TCP)
		return tcp_head(p, len);
	return p[9] == IPV4_PROTO_UDP && t->udp ? udp_head(p, len) : 0;
}

static bool
sound(const uint8_t *p, size_t len)
{
	size_t l4_len = len - IPV4_HDR_LEN;

	return ipv4_sum(p, IPV4_HDR_LEN, 0) == 0 &&
	       ipv4_sum(p + IPV4_HDR_LEN, l4_len, pseudo_sum(p, l4_len)) == 0;
}

/* All that the kernel will not make anew is equal, and what it will is as it would make it. */
static bool
follows(const struct offload_train *t, const uint8_t *p)
{
	const uint8_t *a = t->b, *x = a + IPV4_HDR_LEN, *y = p + IPV4_HDR_LEN;
	size_t before = t->len - t->head;

	if (memcmp(a, p, 2) || memcmp(a + 6, p + 6, IP_SUM - 6) || memcmp(a + 12, p + 12, 8) ||
		memcmp(x, y, 4) || get16(p + IP_ID) != (uint16_t)(get16(a + IP_ID) + t->cnt))
		return false;
	if (a[9] == IPV4_PROTO_UDP)
		return true;
	return get32(y + TCP_SEQ) == get32(x + TCP_SEQ) + (uint32_t)before &&
	       !memcmp(x + 8, y + 8, TCP_FLAGS - 8) && !memcmp(x + 14, y + 14, 2) &&
	       !memcmp(x + 18, y + 18, t->head - IPV4_HDR_LEN - 18);
}

static void
begin(struct offload_train *t, const uint8_t *p, size_t len)
{
	assert(len <= sizeof t->b);
	memcpy(t->b, p, len);
	t->cnt = 1;
	t->len = len;
	t->head = head_of(t, p, len);
	t->size = len - t->head;
	t->sound = false;
	t->closed = !t->head || (p[9] == IPV4_PROTO_TCP && (p[IPV4_HDR_LEN + TCP_FLAGS] & TCP_PSH));
}

bool
offload_train_add(struct offload_train *t, const uint8_t *p, size_t len)
{
	size_t part = len - t->head;

	if (!t->cnt) {
		begin(t, p, len);
		return true;
	}
	if (t->closed || t->cnt == OFFLOAD_CARS || len <= t->head || part > t->size ||
		t->len + part > sizeof t->b || head_of(t, p, len) != t->head || !follows(t, p))
		return false;
	if (!t->sound && !sound(t->b, t->len)) {
		t->closed = true;
		return false;
	}
	t->sound = true;
	if (!sound(p, len))
		return false;
	memcpy(t->b + t->len, p + t->head, part);
	t->len += part;
	t->cnt++;
	t->closed = part < t->size;
	if (p[9] == IPV4_PROTO_TCP && (p[IPV4_HDR_LEN + TCP_FLAGS] & TCP_PSH)) {
		t->b[IPV4_HDR_LEN + TCP_FLAGS] |= TCP_PSH; /* of the last one alone, when it is cut */
		t->closed = true;
	}
	return true;
}

void
offload_train_close(struct offload_train *t)
{
	bool tcp = t->b[9] == IPV4_PROTO_TCP;
	size_t l4_len = t->len - IPV4_HDR_LEN;
	uint8_t *l4 = t->b + IPV4_HDR_LEN;

	memset(&t->h, 0, sizeof t->h);
	if (t->cnt < 2)
		return;
	t->h.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	t->h.gso_type = tcp ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_UDP_L4;
	t->h.hdr_len = (uint16_t)t->head;
	t->h.gso_size = (uint16_t)t->size;
	t->h.csum_start = IPV4_HDR_LEN;
	t->h.csum_offset = tcp ? TCP_SUM : UDP_SUM;
	ip_finish(t->b, IPV4_HDR_LEN, t->len);
	if (!tcp)
		put16(l4 + 4, (uint16_t)l4_len);
	put16(l4 + t->h.csum_offset, folded(pseudo_sum(t->b, l4_len)));
}

void
offload_train_clear(struct offload_train *t)
{
	t->cnt = 0;
	t->len = t->head = 0;
}
