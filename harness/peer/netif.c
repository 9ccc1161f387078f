/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One Ethernet interface (netif.h): ARP and IPv4 out, here; reassembly in netif_reasm.c.
 *
 * ARP follows RFC 826's reception algorithm: an address that is known already is updated by any ARP
 * packet that names it as sender (so a gratuitous ARP moves a host at once); an unknown one is
 * learned only from packets for us. Broadcast and multicast destinations need no ARP. No ICMP
 * errors are made.
 */
#include <string.h>

#include "harness/field/pkt.h"
#include "harness/peer/netif.h"
#include "harness/peer/netif_reasm.h"

static const struct mac broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
static const struct mac nobody;

static ns_t
or_default(ns_t v, ns_t d)
{
	return v ? v : d;
}

void
netif_init(struct netif *i, const struct netif_cfg *cfg, netif_send *send, void *ctx)
{
	i->cfg = *cfg;
	i->cfg.mtu = cfg->mtu ? cfg->mtu : 1500;
	i->cfg.arp_retry = or_default(cfg->arp_retry, ns_from_ms(200));
	i->cfg.arp_tries = cfg->arp_tries ? cfg->arp_tries : 5;
	i->cfg.arp_life = or_default(cfg->arp_life, ns_from_s(60));
	i->send = send;
	i->ctx = ctx;
	i->ip_id = (uint16_t)(cfg->addr & 0xffff);
}

uint16_t
netif_next_id(struct netif *i)
{
	return ++i->ip_id;
}

void
netif_raw(struct netif *i, ns_t now, const uint8_t *frame, size_t len)
{
	i->n.frames_out++;
	i->send(i->ctx, now, frame, len);
}

/* -- ARP -- */

static struct netif_arp *
arp_find(struct netif *i, ip4_t addr)
{
	for (size_t n = 0; n < NETIF_ARP_MAX; n++)
		if (i->arp[n].addr == addr)
			return &i->arp[n];
	return NULL;
}

const struct netif_arp *
netif_lookup(const struct netif *i, ip4_t addr)
{
	for (size_t n = 0; n < NETIF_ARP_MAX; n++)
		if (i->arp[n].addr == addr && i->arp[n].known)
			return &i->arp[n];
	return NULL;
}

/* A free place, else that of the entry which expires first. */
static struct netif_arp *
arp_place(struct netif *i, ip4_t addr)
{
	struct netif_arp *a = arp_find(i, addr), *oldest = &i->arp[0];

	if (a)
		return a;
	for (size_t n = 0; n < NETIF_ARP_MAX; n++) {
		if (!i->arp[n].addr) {
			oldest = &i->arp[n];
			break;
		}
		if (i->arp[n].known && i->arp[n].expires < oldest->expires)
			oldest = &i->arp[n];
	}
	memset(oldest, 0, sizeof *oldest);
	oldest->addr = addr;
	return oldest;
}

void
netif_flush(struct netif *i)
{
	memset(i->arp, 0, sizeof i->arp);
}

void
netif_forget(struct netif *i)
{
	netif_flush(i);
	memset(i->wait_hop, 0, sizeof i->wait_hop);
	for (size_t n = 0; i->reasm_cnt && n < NETIF_REASM_MAX; n++)
		i->reasm[n].used = false;
	i->reasm_cnt = 0;
	memset(&i->n, 0, sizeof i->n);
}

static void
arp_ask(struct netif *i, ns_t now, struct netif_arp *a)
{
	uint8_t f[64];
	size_t len =
		pkt_put_arp(f, sizeof f, &broadcast, 1, &i->cfg.mac, i->cfg.addr, &nobody, a->addr);

	a->tries++;
	a->retry = now + i->cfg.arp_retry;
	i->n.arp_requests_out++;
	netif_raw(i, now, f, len);
}

static void frame_out(
	struct netif *i, ns_t now, const struct mac *to, const uint8_t *ip, size_t len);

static void
flush_waiting(struct netif *i, ns_t now, const struct netif_arp *a)
{
	for (size_t n = 0; n < NETIF_QUEUE; n++)
		if (i->wait_hop[n] == a->addr) {
			i->wait_hop[n] = 0;
			frame_out(i, now, &a->mac, i->wait[n].bytes, i->wait[n].len);
		}
}

static void
arp_learn(struct netif *i, ns_t now, const struct pkt *p, bool create)
{
	struct netif_arp *a = p->arp_spa ? arp_find(i, p->arp_spa) : NULL;

	if (!a && create && p->arp_spa)
		a = arp_place(i, p->arp_spa);
	if (!a)
		return;
	if (!a->known || !mac_equal(&a->mac, &p->arp_sha)) {
		i->n.arp_changes += a->known;
		a->changed = now;
	}
	a->mac = p->arp_sha;
	a->known = true;
	a->tries = 0;
	a->expires = now + i->cfg.arp_life;
	flush_waiting(i, now, a);
}

static void
arp_in(struct netif *i, ns_t now, const struct pkt *p)
{
	bool for_us = p->arp_tpa == i->cfg.addr;
	uint8_t f[64];
	size_t len;

	if (mac_equal(&p->arp_sha, &i->cfg.mac))
		return;
	i->n.arp_requests_in += p->arp_op == 1;
	i->n.arp_replies_in += p->arp_op == 2;
	i->n.arp_garp_in += pkt_is_garp(p);
	arp_learn(i, now, p, for_us);
	if (p->arp_op != 1 || !for_us || pkt_is_garp(p))
		return;
	len = pkt_put_arp(
		f, sizeof f, &p->arp_sha, 2, &i->cfg.mac, i->cfg.addr, &p->arp_sha, p->arp_spa);
	i->n.arp_replies_out++;
	netif_raw(i, now, f, len);
}

/* -- out -- */

static void
one_frame(struct netif *i, ns_t now, const struct mac *to, const uint8_t *ip, size_t len)
{
	uint8_t f[NETIF_PACKET_MAX + PKT_ETH_LEN];

	pkt_put_eth(f, sizeof f, to, &i->cfg.mac, PKT_ETH_IP4);
	memcpy(f + PKT_ETH_LEN, ip, len);
	netif_raw(i, now, f, PKT_ETH_LEN + len);
}

/* RFC 791 3.2: pieces of a multiple of 8 octets; headers here have no options. */
static void
fragments(struct netif *i, ns_t now, const struct mac *to, const uint8_t *ip, size_t len)
{
	uint8_t f[NETIF_PACKET_MAX];
	size_t most = (i->cfg.mtu - 20u) & ~(size_t)7, all = len - 20;

	for (size_t at = 0; at < all; at += most) {
		size_t piece = all - at < most ? all - at : most;
		uint16_t off = (uint16_t)(at / 8 | (at + piece < all ? 0x2000 : 0));
		uint16_t sum;

		memcpy(f, ip, 20);
		memcpy(f + 20, ip + 20 + at, piece);
		f[2] = (uint8_t)((20 + piece) >> 8);
		f[3] = (uint8_t)(20 + piece);
		f[6] = (uint8_t)(off >> 8);
		f[7] = (uint8_t)off;
		f[10] = f[11] = 0;
		sum = pkt_fold(pkt_sum(f, 20, 0));
		f[10] = (uint8_t)(sum >> 8);
		f[11] = (uint8_t)sum;
		i->n.frags_out++;
		one_frame(i, now, to, f, 20 + piece);
	}
}

static void
frame_out(struct netif *i, ns_t now, const struct mac *to, const uint8_t *ip, size_t len)
{
	if (len <= i->cfg.mtu)
		one_frame(i, now, to, ip, len);
	else if (ip[6] & 0x40 || (ip[0] & 15) != 5)
		i->n.too_big++;
	else
		fragments(i, now, to, ip, len);
}

static bool
keep_waiting(struct netif *i, ip4_t hop, const uint8_t *ip, size_t len)
{
	for (size_t n = 0; n < NETIF_QUEUE; n++)
		if (!i->wait_hop[n]) {
			i->wait_hop[n] = hop;
			i->wait[n].len = (uint16_t)len;
			memcpy(i->wait[n].bytes, ip, len);
			return true;
		}
	i->n.queue_full++;
	return false;
}

static ip4_t
next_hop(const struct netif *i, ip4_t dst)
{
	struct ip4_net own = {i->cfg.addr & ip4_mask(i->cfg.prefix_len), i->cfg.prefix_len};

	return ip4_in(own, dst) || !i->cfg.gateway ? dst : i->cfg.gateway;
}

static bool
group_mac(const struct netif *i, ip4_t dst, struct mac *m)
{
	ip4_t all = i->cfg.addr | ~ip4_mask(i->cfg.prefix_len);

	if (dst == 0xffffffff || dst == all) {
		*m = broadcast;
		return true;
	}
	if (dst >> 28 != 14)
		return false;
	*m = (struct mac){{0x01, 0x00, 0x5e, (dst >> 16) & 0x7f, (dst >> 8) & 0xff, dst & 0xff}};
	return true;
}

void
netif_ip(struct netif *i, ns_t now, const uint8_t *ip, size_t len)
{
	if (len >= 20)
		netif_ip_to(i, now, next_hop(i, IP4(ip[16], ip[17], ip[18], ip[19])), ip, len);
	else
		i->n.too_big++;
}

void
netif_ip_to(struct netif *i, ns_t now, ip4_t hop, const uint8_t *ip, size_t len)
{
	struct netif_arp *a;
	struct mac to;

	if (len < 20 || len > NETIF_PACKET_MAX) {
		i->n.too_big++;
		return;
	}
	if (group_mac(i, IP4(ip[16], ip[17], ip[18], ip[19]), &to)) {
		frame_out(i, now, &to, ip, len);
		return;
	}
	a = arp_place(i, hop);
	if (a->known && now < a->expires) {
		frame_out(i, now, &a->mac, ip, len);
		return;
	}
	if (a->known)
		*a = (struct netif_arp){.addr = hop};
	if (keep_waiting(i, hop, ip, len) && !a->tries)
		arp_ask(i, now, a);
}

static void
give_up(struct netif *i, struct netif_arp *a)
{
	for (size_t n = 0; n < NETIF_QUEUE; n++)
		if (i->wait_hop[n] == a->addr) {
			i->wait_hop[n] = 0;
			i->n.unresolved++;
		}
	memset(a, 0, sizeof *a);
}

void
netif_tick(struct netif *i, ns_t now)
{
	for (size_t n = 0; n < NETIF_ARP_MAX; n++) {
		struct netif_arp *a = &i->arp[n];

		if (!a->addr || a->known || !a->tries || now < a->retry)
			continue;
		if (a->tries >= i->cfg.arp_tries)
			give_up(i, a);
		else
			arp_ask(i, now, a);
	}
	netif_reasm_tick(i, now);
}

ns_t
netif_deadline(const struct netif *i)
{
	ns_t at = netif_reasm_deadline(i);

	for (size_t n = 0; n < NETIF_ARP_MAX; n++)
		if (i->arp[n].addr && !i->arp[n].known && i->arp[n].tries)
			at = ns_min(at, i->arp[n].retry);
	return at;
}

const uint8_t *
netif_frame(struct netif *i, ns_t now, const uint8_t *frame, size_t len, size_t *ip_len)
{
	struct pkt p;
	bool good = pkt_parse(&p, frame, len);
	bool group = len && frame[0] & 1;

	if (len >= 6 && !group && memcmp(frame, i->cfg.mac.b, 6))
		return NULL;
	i->n.frames_in++;
	i->n.frames_bad += !good;
	if (p.is_arp)
		arp_in(i, now, &p);
	if (!p.is_ip || (p.dst != i->cfg.addr && !i->cfg.router))
		return NULL;
	if (p.mf || p.frag_off)
		return netif_reasm_in(i, now, &p, ip_len);
	*ip_len = p.ip_len;
	return p.ip;
}
