/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames at a glance (pkt.h): one pass from the Ethernet header down, each step with its own
 * cursor. A fragment other than the first has no ports, so it is IP and nothing more. Here no
 * verdict is given: what is malformed is named, and the layers above it are still there.
 */
#include <string.h>

#include "harness/field/pkt.h"
#include "ref/base/cursor.h"

uint32_t
pkt_sum(const void *bytes, size_t len, uint32_t sum)
{
	const uint8_t *p = bytes;
	uint64_t s = sum;

	for (; len > 3; len -= 4, p += 4) /* two words at once: they are added up at the end */
		s += (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
	for (; len > 1; len -= 2, p += 2)
		s += (uint32_t)p[0] << 8 | p[1];
	if (len)
		s += (uint32_t)p[0] << 8;
	s = (s & 0xffffffff) + (s >> 32);
	s = (s & 0xffff) + (s >> 16 & 0xffff) + (s >> 32);
	return (uint32_t)s;
}

uint16_t
pkt_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

void
pkt_put_sum(uint8_t *at, uint32_t sum)
{
	uint16_t folded = pkt_fold(sum);

	at[0] = (uint8_t)(folded >> 8);
	at[1] = (uint8_t)folded;
}

static uint32_t
pseudo_sum(ip4_t src, ip4_t dst, uint8_t proto, size_t len)
{
	return (src >> 16) + (src & 0xffff) + (dst >> 16) + (dst & 0xffff) + proto + (uint32_t)len;
}

static bool
bad(struct pkt *p, const char *what)
{
	p->bad = what;
	return false;
}

static bool
parse_arp(struct pkt *p, struct rd *r)
{
	uint16_t hard = rd_u16(r, "arp.hard");
	uint16_t proto = rd_u16(r, "arp.proto");
	uint16_t sizes = rd_u16(r, "arp.hlen");

	p->arp_op = rd_u16(r, "arp.op");
	rd_copy(r, p->arp_sha.b, 6, "arp.sha");
	p->arp_spa = rd_u32(r, "arp.spa");
	rd_copy(r, p->arp_tha.b, 6, "arp.tha");
	p->arp_tpa = rd_u32(r, "arp.tpa");
	if (r->bad)
		return bad(p, r->bad);
	if (hard != 1 || proto != PKT_ETH_IP4 || sizes != 0x0604)
		return bad(p, "arp.hard");
	p->is_arp = true;
	return true;
}

static void
note_isakmp_or_esp(struct pkt *p)
{
	static const uint8_t marker[4];
	bool natt = p->sport == 4500 || p->dport == 4500;

	if (p->sport == 500 || p->dport == 500) {
		p->is_isakmp = true;
		p->isakmp = p->data;
		p->isakmp_len = p->data_len;
	} else if (natt && p->data_len >= 4 && !memcmp(p->data, marker, 4)) {
		p->is_isakmp = true;
		p->isakmp = p->data + 4;
		p->isakmp_len = p->data_len - 4;
	} else if (natt && p->data_len >= 8) {
		p->is_esp = true;
		p->esp = p->data;
		p->esp_len = p->data_len;
	} else if (natt) {
		p->is_keepalive = p->data_len == 1 && p->data[0] == 0xff;
	}
}

static bool
note_esp(struct pkt *p)
{
	struct rd r;

	rd_init(&r, p->esp, p->esp_len);
	p->spi = rd_u32(&r, "esp.spi");
	p->seq = rd_u32(&r, "esp.seq");
	p->is_esp = !r.bad;
	return r.bad ? bad(p, r.bad) : true;
}

static bool
parse_udp(struct pkt *p)
{
	struct rd r;
	uint16_t len, sum;
	bool whole = !p->mf;

	rd_init(&r, p->l4, p->l4_len);
	p->sport = rd_u16(&r, "udp.sport");
	p->dport = rd_u16(&r, "udp.dport");
	len = rd_u16(&r, "udp.length");
	sum = rd_u16(&r, "udp.checksum");
	if (r.bad)
		return bad(p, r.bad);
	if (len < 8 || (whole && len > p->l4_len + p->ip_cut))
		return bad(p, "udp.length");
	if (p->ip_cut && len > p->l4_len)
		len = (uint16_t)p->l4_len;
	if (whole && sum && !p->ip_cut &&
		pkt_fold(pkt_sum(p->l4, len, pseudo_sum(p->src, p->dst, PKT_UDP, len))))
		return bad(p, "udp.checksum");
	p->is_udp = true;
	p->data = p->l4 + 8;
	p->data_len = (whole ? len : p->l4_len) - 8u;
	p->is_hsrp = p->dport == 1985;
	note_isakmp_or_esp(p);
	return p->is_esp ? note_esp(p) : true;
}

static bool
parse_tcp(struct pkt *p)
{
	struct rd r;
	size_t off;

	rd_init(&r, p->l4, p->l4_len);
	p->sport = rd_u16(&r, "tcp.sport");
	p->dport = rd_u16(&r, "tcp.dport");
	p->tcp_seq = rd_u32(&r, "tcp.seq");
	p->tcp_ack = rd_u32(&r, "tcp.ack");
	off = (size_t)(rd_u8(&r, "tcp.doff") >> 4) * 4;
	p->tcp_flags = rd_u8(&r, "tcp.flags");
	if (r.bad)
		return bad(p, r.bad);
	if (off < 20 || off > p->l4_len)
		return bad(p, "tcp.doff");
	p->is_tcp = true;
	p->data = p->l4 + off;
	p->data_len = p->l4_len - off;
	return true;
}

static bool
parse_icmp(struct pkt *p)
{
	if (p->l4_len < 8)
		return bad(p, "icmp.type");
	if (!p->mf && !p->ip_cut && pkt_fold(pkt_sum(p->l4, p->l4_len, 0)))
		return bad(p, "icmp.checksum");
	p->is_icmp = true;
	p->icmp_type = p->l4[0];
	p->icmp_code = p->l4[1];
	p->data = p->l4 + 8;
	p->data_len = p->l4_len - 8;
	return true;
}

static bool
parse_l4(struct pkt *p)
{
	if (p->frag_off)
		return true;
	switch (p->proto) {
	case PKT_UDP:
		return parse_udp(p);
	case PKT_TCP:
		return parse_tcp(p);
	case PKT_ICMP:
		return parse_icmp(p);
	case PKT_ESP:
		p->esp = p->l4;
		p->esp_len = p->l4_len;
		return note_esp(p);
	}
	return true;
}

static bool
parse_ip(struct pkt *p, const uint8_t *bytes, size_t len)
{
	struct rd r;
	uint8_t vihl;
	uint16_t frag;
	size_t head;

	rd_init(&r, bytes, len);
	vihl = rd_u8(&r, "ip.version");
	p->tos = rd_u8(&r, "ip.tos");
	p->ip_len = rd_u16(&r, "ip.length");
	p->ip_id = rd_u16(&r, "ip.id");
	frag = rd_u16(&r, "ip.flags");
	p->ttl = rd_u8(&r, "ip.ttl");
	p->proto = rd_u8(&r, "ip.proto");
	rd_skip(&r, 2, "ip.checksum");
	p->src = rd_u32(&r, "ip.src");
	p->dst = rd_u32(&r, "ip.dst");
	if (r.bad)
		return bad(p, r.bad);
	head = (size_t)(vihl & 15) * 4;
	if (vihl >> 4 != 4)
		return bad(p, "ip.version");
	if (head < 20 || head > len || p->ip_len < head || p->ip_len > len + p->cut)
		return bad(p, "ip.length");
	p->ip_cut = p->ip_len > len ? p->ip_len - len : 0;
	if (pkt_fold(pkt_sum(bytes, head, 0)))
		return bad(p, "ip.checksum");
	p->is_ip = true;
	p->ip = bytes;
	p->df = frag & 0x4000;
	p->mf = frag & 0x2000;
	p->frag_off = (uint16_t)((frag & 0x1fff) * 8u);
	p->l4 = bytes + head;
	p->l4_len = p->ip_len - p->ip_cut - head;
	return parse_l4(p);
}

/* What an EtherType announces, behind up to PKT_VLANS tags. */
static bool
parse_type(struct pkt *p, struct rd *r)
{
	while ((p->ethertype == PKT_ETH_VLAN || p->ethertype == PKT_ETH_SVLAN) &&
		p->vlan_cnt < PKT_VLANS && !r->bad) {
		p->vlan[p->vlan_cnt++] = rd_u16(r, "vlan.id") & 0xfff;
		p->ethertype = rd_u16(r, "vlan.type");
	}
	if (r->bad)
		return bad(p, r->bad);
	if (p->ethertype == PKT_ETH_ARP)
		return parse_arp(p, r);
	if (p->ethertype == PKT_ETH_IP4)
		return parse_ip(p, r->p, rd_left(r));
	return true;
}

static bool
parse_eth(struct pkt *p, struct rd *r)
{
	rd_copy(r, p->dst_mac.b, 6, "eth.dst");
	rd_copy(r, p->src_mac.b, 6, "eth.src");
	p->ethertype = rd_u16(r, "eth.type");
	return parse_type(p, r);
}

/* The sender's address is there for links whose addresses have six octets. */
static bool
parse_cooked(struct pkt *p, struct rd *r)
{
	uint8_t addr[8];
	uint16_t len;

	rd_skip(r, 4, "sll.hard");
	len = rd_u16(r, "sll.addrlen");
	rd_copy(r, addr, 8, "sll.addr");
	p->ethertype = rd_u16(r, "sll.type");
	if (len == 6)
		memcpy(p->src_mac.b, addr, 6);
	return parse_type(p, r);
}

static bool
parse_cooked2(struct pkt *p, struct rd *r)
{
	uint8_t addr[8], len;

	p->ethertype = rd_u16(r, "sll2.type");
	rd_skip(r, 9, "sll2.packet");
	len = rd_u8(r, "sll2.addrlen");
	rd_copy(r, addr, 8, "sll2.addr");
	if (len == 6)
		memcpy(p->src_mac.b, addr, 6);
	return parse_type(p, r);
}

/* IP of either version; of version 6 no more than that. */
static bool
parse_raw(struct pkt *p, struct rd *r)
{
	if (rd_left(r) > 0 && r->p[0] >> 4 == 6) {
		p->ethertype = PKT_ETH_IP6;
		return true;
	}
	p->ethertype = PKT_ETH_IP4;
	return parse_ip(p, r->p, rd_left(r));
}

bool
pkt_parse(struct pkt *p, const void *frame, size_t len)
{
	return pkt_parse_cut(p, PKT_LINK_ETHERNET, frame, len, len);
}

bool
pkt_parse_link(struct pkt *p, unsigned link, const void *frame, size_t len)
{
	return pkt_parse_cut(p, link, frame, len, len);
}

bool
pkt_parse_cut(struct pkt *p, unsigned link, const void *frame, size_t len, size_t wire_len)
{
	struct rd r;

	memset(p, 0, sizeof *p);
	rd_init(&r, frame, len);
	p->frame = frame;
	p->frame_len = len;
	p->cut = wire_len > len ? wire_len - len : 0;
	switch (link) {
	case PKT_LINK_ETHERNET:
		return parse_eth(p, &r);
	case PKT_LINK_SLL:
		return parse_cooked(p, &r);
	case PKT_LINK_SLL2:
		return parse_cooked2(p, &r);
	case 12: /* DLT_RAW, of several systems */
	case 14:
	case PKT_LINK_RAW:
	case PKT_LINK_IP4:
		return parse_raw(p, &r);
	}
	return bad(p, "link");
}

bool
pkt_parse_ip(struct pkt *p, const void *ip, size_t len)
{
	memset(p, 0, sizeof *p);
	p->ethertype = PKT_ETH_IP4;
	return parse_ip(p, ip, len);
}

bool
pkt_is_garp(const struct pkt *p)
{
	return p->is_arp && p->arp_spa == p->arp_tpa;
}

size_t
pkt_put_eth(uint8_t *out, size_t cap, const struct mac *dst, const struct mac *src, uint16_t type)
{
	struct wr w;

	wr_init(&w, out, cap);
	wr_bytes(&w, dst->b, 6);
	wr_bytes(&w, src->b, 6);
	wr_u16(&w, type);
	return wr_done(&w) ? 0 : w.len;
}

size_t
pkt_put_arp(uint8_t *out, size_t cap, const struct mac *eth_dst, uint16_t op, const struct mac *sha,
	ip4_t spa, const struct mac *tha, ip4_t tpa)
{
	struct wr w;

	wr_init(&w, out, cap);
	wr_bytes(&w, eth_dst->b, 6);
	wr_bytes(&w, sha->b, 6);
	wr_u16(&w, PKT_ETH_ARP);
	wr_u16(&w, 1);
	wr_u16(&w, PKT_ETH_IP4);
	wr_u8(&w, 6);
	wr_u8(&w, 4);
	wr_u16(&w, op);
	wr_bytes(&w, sha->b, 6);
	wr_u32(&w, spa);
	wr_bytes(&w, tha->b, 6);
	wr_u32(&w, tpa);
	return wr_done(&w) ? 0 : w.len;
}

/* The header alone, for a payload of len octets that follows. */
static void
put_ip_head(struct wr *w, const struct pkt_ip *h, size_t len)
{
	size_t at = w->len;

	wr_u8(w, 0x45);
	wr_u8(w, h->tos);
	wr_u16(w, (uint16_t)(20 + len));
	wr_u16(w, h->id);
	wr_u16(w, h->df ? 0x4000 : 0);
	wr_u8(w, h->ttl ? h->ttl : 64);
	wr_u8(w, h->proto);
	wr_u16(w, 0);
	wr_u32(w, h->src);
	wr_u32(w, h->dst);
	if (!w->bad)
		wr_patch_u16(w, at + 10, pkt_fold(pkt_sum(w->base + at, 20, 0)));
}

size_t
pkt_put_ip(uint8_t *out, size_t cap, const struct pkt_ip *h, const void *payload, size_t len)
{
	struct wr w;

	if (len > 65515)
		return 0;
	wr_init(&w, out, cap);
	put_ip_head(&w, h, len);
	wr_bytes(&w, payload, len);
	return wr_done(&w) ? 0 : w.len;
}

size_t
pkt_put_udp(uint8_t *out, size_t cap, const struct pkt_ip *h, uint16_t sport, uint16_t dport,
	const void *payload, size_t len)
{
	struct pkt_ip ip = *h;
	struct wr w;
	uint16_t sum;

	if (len > 65507)
		return 0;
	ip.proto = PKT_UDP;
	wr_init(&w, out, cap);
	put_ip_head(&w, &ip, len + 8);
	wr_u16(&w, sport);
	wr_u16(&w, dport);
	wr_u16(&w, (uint16_t)(len + 8));
	wr_u16(&w, 0);
	wr_bytes(&w, payload, len);
	if (wr_done(&w))
		return 0;
	sum = pkt_fold(pkt_sum(out + 20, len + 8, pseudo_sum(h->src, h->dst, PKT_UDP, len + 8)));
	wr_patch_u16(&w, 26, sum ? sum : 0xffff);
	return w.len;
}

size_t
pkt_put_echo(uint8_t *out, size_t cap, const struct pkt_ip *h, uint8_t type, uint16_t id,
	uint16_t seq, const void *payload, size_t len)
{
	struct pkt_ip ip = *h;
	struct wr w;

	if (len > 65507)
		return 0;
	ip.proto = PKT_ICMP;
	wr_init(&w, out, cap);
	put_ip_head(&w, &ip, len + 8);
	wr_u8(&w, type);
	wr_u8(&w, 0);
	wr_u16(&w, 0);
	wr_u16(&w, id);
	wr_u16(&w, seq);
	wr_bytes(&w, payload, len);
	if (wr_done(&w))
		return 0;
	wr_patch_u16(&w, 22, pkt_fold(pkt_sum(out + 20, len + 8, 0)));
	return w.len;
}
