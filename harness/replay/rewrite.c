/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Headers rewritten (rewrite.h). A frame is looked at once (pkt_parse) and changed where it lies;
 * only a payload that was sealed anew may have another length, and then IP and UDP are told so.
 */
#include "harness/replay/replay_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUP_AT 6 /* in an HSRP message: RFC 2281 5.1 */
#define VIP_AT 16
#define IP_SUM 10
#define ADVERTISE 3

static uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void
put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* RFC 1624 3: HC' = ~(~HC + ~m + m'). */
static void
carry_sum(uint8_t *sum, uint16_t was, uint16_t is)
{
	uint32_t s = (uint16_t)~get16(sum) + (uint32_t)(uint16_t)~was + is;

	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	put16(sum, ~s);
}

void
replay_put(uint8_t *at, const void *octets, size_t len, uint8_t *sum)
{
	const uint8_t *from = octets;

	for (size_t i = 0; i < len; i += 2) {
		uint8_t was[2] = {at[i], i + 1 < len ? at[i + 1] : 0};
		uint8_t is[2] = {from[i], i + 1 < len ? from[i + 1] : 0};

		if (sum && memcmp(was, is, 2) != 0)
			carry_sum(sum, get16(was), get16(is));
	}
	memcpy(at, from, len);
}

/* The group stands at an even place, with a reserved octet behind it. */
static void
put_octet(uint8_t *at, uint8_t v, uint8_t *sum)
{
	const uint8_t both[2] = {v, at[1]};

	replay_put(at, both, 2, sum);
}

/* -- addresses -- */

static bool
map_mac(const struct replay *r, uint8_t *at)
{
	static const uint8_t virtual_mac[5] = {0x00, 0x00, 0x0c, 0x07, 0xac};
	const struct replay_rules *k = &r->rules;

	for (size_t i = 0; i < k->mac_cnt; i++)
		if (!memcmp(at, k->macs[i].from.b, 6)) {
			memcpy(at, k->macs[i].to.b, 6);
			return true;
		}
	if (!k->set_group || memcmp(at, virtual_mac, 5) != 0 || at[5] == k->group)
		return false;
	at[5] = k->group;
	return true;
}

ip4_t
replay_ip(const struct replay *r, ip4_t a)
{
	for (size_t i = 0; i < r->rules.ip_cnt; i++)
		if (r->rules.ips[i].from == a)
			return r->rules.ips[i].to;
	return a;
}

/* An address at that place; both sums follow. */
static bool
map_ip(const struct replay *r, uint8_t *at, uint8_t *ip_sum, uint8_t *l4_sum)
{
	ip4_t was = IP4(at[0], at[1], at[2], at[3]), is = replay_ip(r, was);
	uint8_t octets[4] = {
		(uint8_t)(is >> 24), (uint8_t)(is >> 16), (uint8_t)(is >> 8), (uint8_t)is};

	if (was == is)
		return false;
	for (int i = 0; l4_sum && i < 4; i += 2)
		carry_sum(l4_sum, get16(at + i), get16(octets + i));
	replay_put(at, octets, 4, ip_sum);
	return true;
}

/* The checksum that covers the addresses, in the first fragment; NULL if there is none. */
static uint8_t *
l4_sum(uint8_t *ip, size_t len)
{
	size_t head = (size_t)(ip[0] & 15) * 4;
	uint8_t *sum = NULL;

	if ((get16(ip + 6) & 0x1fff) != 0)
		return NULL;
	if (ip[9] == PKT_UDP && len >= head + 8 && get16(ip + head + 6))
		sum = ip + head + 6;
	if (ip[9] == PKT_TCP && len >= head + 18)
		sum = ip + head + 16;
	return sum;
}

bool
replay_map_packet(const struct replay *r, uint8_t *ip, size_t len)
{
	uint8_t *sum;
	bool src, dst;

	if (len < 20 || ip[0] >> 4 != 4 || (size_t)(ip[0] & 15) * 4 > len || (ip[0] & 15) < 5)
		return false;
	sum = l4_sum(ip, len);
	src = map_ip(r, ip + 12, ip + IP_SUM, sum);
	dst = map_ip(r, ip + 16, ip + IP_SUM, sum);
	return src || dst;
}

static bool
map_arp(const struct replay *r, uint8_t *arp)
{
	bool a = map_mac(r, arp + 8), b = map_ip(r, arp + 14, NULL, NULL);
	bool c = map_mac(r, arp + 18), d = map_ip(r, arp + 24, NULL, NULL);

	return a || b || c || d;
}

static bool
map_hsrp(const struct replay *r, uint8_t *m, size_t len, uint8_t *sum)
{
	const struct replay_rules *k = &r->rules;
	uint8_t vip[4] = {(uint8_t)(k->vip >> 24), (uint8_t)(k->vip >> 16), (uint8_t)(k->vip >> 8),
		(uint8_t)k->vip};

	if (len < 20 || m[1] == ADVERTISE)
		return false;
	if (k->set_group)
		put_octet(m + GROUP_AT, k->group, sum);
	if (k->set_vip)
		replay_put(m + VIP_AT, vip, 4, sum);
	return k->set_group || k->set_vip;
}

/* -- payloads of another length -- */

/* Put r->sealed in the place of the payload at `at` (IP's, or UDP's); the frame's new length. */
static size_t
put_payload(struct replay *r, const struct pkt *p, uint8_t *out, size_t at, size_t was, size_t is)
{
	size_t ip = (size_t)(p->ip - p->frame), l4 = (size_t)(p->l4 - p->frame);
	uint8_t length[2];

	memcpy(out + at, r->sealed, is);
	put16(length, (uint32_t)(p->ip_len - was + is));
	replay_put(out + ip + 2, length, 2, out + ip + IP_SUM);
	if (p->is_udp) {
		const uint8_t pseudo[4] = {0, PKT_UDP, 0, 0};
		size_t udp = at - l4 + is;
		uint32_t sum;

		put16(out + l4 + 4, (uint32_t)udp);
		if (get16(out + l4 + 6)) {
			put16(out + l4 + 6, 0);
			sum = pkt_sum(out + ip + 12, 8, pkt_sum(pseudo, 4, (uint32_t)udp));
			pkt_put_sum(out + l4 + 6, pkt_sum(out + l4, udp, sum));
		}
	}
	return at + is;
}

static size_t
map_payload(struct replay *r, const struct pkt *p, uint8_t *out, size_t len, size_t cap)
{
	const uint8_t *from = p->is_esp ? p->esp : p->isakmp;
	size_t was = p->is_esp ? p->esp_len : p->isakmp_len, at = (size_t)(from - p->frame), is;

	is = p->is_esp ? replay_esp(r, p->dst, replay_ip(r, p->dst), from, was)
		       : replay_isakmp(r, from, was);
	if (!is || at + is > cap || p->ip_len - was + is > 65535)
		return len;
	r->n.changed++;
	return put_payload(r, p, out, at, was, is);
}

/* -- entries -- */

/* Everything but what is encrypted. */
static bool
map_headers(const struct replay *r, const struct pkt *p, uint8_t *out)
{
	bool changed = map_mac(r, out);

	changed = map_mac(r, out + 6) || changed;
	if (p->bad)
		return changed;
	if (p->is_arp) /* the frame ends, or its padding begins, 28 octets on */
		return map_arp(r, out + PKT_ETH_LEN + 4 * (size_t)p->vlan_cnt) || changed;
	if (p->is_ip)
		changed = replay_map_packet(r, out + (p->ip - p->frame), p->ip_len) || changed;
	if (p->is_hsrp) {
		uint8_t *sum = out + (p->l4 - p->frame) + 6;

		changed = map_hsrp(r, out + (p->data - p->frame), p->data_len,
				  get16(sum) ? sum : NULL) ||
			  changed;
	}
	return changed;
}

size_t
replay_rewrite(struct replay *r, const void *frame, size_t len, uint8_t *out, size_t cap)
{
	struct pkt p;
	uint64_t before = r->n.changed;
	size_t is = len;

	r->n.frames++;
	memcpy(out, frame, len);
	if (len < PKT_ETH_LEN)
		return len;
	(void)pkt_parse(&p, frame, len);
	r->n.changed += map_headers(r, &p, out);
	if (!p.bad && !p.mf && !p.frag_off && (p.is_esp || p.is_isakmp))
		is = map_payload(r, &p, out, len, cap);
	if (r->n.changed > before + 1)
		r->n.changed = before + 1;
	return is;
}

struct replay *
replay_new(const struct replay_rules *rules)
{
	struct replay *r = calloc(1, sizeof *r);

	if (!r) {
		fprintf(stderr, "replay: out of memory\n");
		abort();
	}
	r->rules = *rules;
	if (rules->old_keys)
		r->ike = ikeopen_new(rules->old_keys);
	return r;
}

void
replay_free(struct replay *r)
{
	if (!r)
		return;
	ikeopen_free(r->ike);
	wipe(r->inner, sizeof r->inner);
	free(r);
}

const struct replay_counters *
replay_counters(const struct replay *r)
{
	return &r->n;
}
