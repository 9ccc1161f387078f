/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames in. What is addressed to a virtual MAC that we own is ours to deal with: IKE, ESP and echo
 * requests for the virtual address, and transit. What is addressed to the interface's own MAC is
 * the kernel's, but for HSRP and ARP, which come by multicast and broadcast.
 */
#include <string.h>

#include "ref/node/node_in.h"

#define IKE_PORT 500
#define ICMP_ECHO 8
#define ICMP_UNREACHABLE 3
#define ICMP_TOO_BIG 4

static void
echo_reply(struct node *n, struct node_group *g, const struct eth *e, const struct ipv4 *ip,
	struct rd icmp)
{
	uint8_t buf[ETH_LEN + NODE_PACKET_MAX];
	struct ipv4 out = {.ttl = 64,
		.tos = ip->tos,
		.id = n->ip_id++,
		.proto = IPV4_PROTO_ICMP,
		.src = ip->dst,
		.dst = ip->src};
	struct eth eth = {.dst = e->src, .src = hsrp_vmac(&g->hsrp), .type = ETH_TYPE_IP4};
	size_t len = rd_left(&icmp), at;
	struct wr w;

	if (len < 8 || icmp.p[0] != ICMP_ECHO || ipv4_sum(icmp.p, len, 0) != 0)
		return;
	wr_init(&w, buf, sizeof buf);
	eth_write(&w, &eth);
	ipv4_write(&w, &out, len);
	at = w.len;
	wr_bytes(&w, icmp.p, len);
	if (w.bad)
		return;
	buf[at] = 0;
	wr_patch_u16(&w, at + 2, 0);
	wr_patch_u16(&w, at + 2, ipv4_sum(buf + at, len, 0));
	n->count[NODE_CNT_ECHO_ANSWERED]++;
	node_emit_bytes(n, NODE_ACT_FRAME, g->iface, buf, w.len);
}

/* A packet to a virtual address that we own. */
static void
for_us(struct node *n, struct node_group *g, const struct eth *e, const uint8_t *packet, size_t len)
{
	struct rd r, payload, data;
	struct ipv4 ip;
	struct udp udp;

	rd_init(&r, packet, len);
	if (ipv4_decode(&r, &ip, &payload, NULL) != ERR_OK) {
		n->count[NODE_CNT_MALFORMED]++;
		return;
	}
	if (ip.proto == IPV4_PROTO_ICMP) {
		if (rd_left(&payload) >= 8 && payload.p[0] == ICMP_UNREACHABLE && payload.p[1] == ICMP_TOO_BIG &&
			ipv4_sum(payload.p, rd_left(&payload), 0) == 0 && g->iface == n->out_if)
			mtu_icmp_in(n, payload);
		else
			echo_reply(n, g, e, &ip, payload);
		return;
	}
	if (g->iface != n->out_if || (!n->live && n->rules->vip_only_owner)) {
		n->count[NODE_CNT_NOT_ACTIVE]++;
		return;
	}
	n->outer_tos = ip.tos;
	if (ip.proto == IPV4_PROTO_ESP) {
		traffic_esp_in(n, (struct ike_end){ip.src, 0}, payload.p, rd_left(&payload));
	} else if (ip.proto == IPV4_PROTO_UDP) {
		if (udp_decode(&payload, &ip, &udp, &data, NULL) != ERR_OK)
			n->count[NODE_CNT_MALFORMED]++;
		else if (udp.dport == IKE_PORT)
			keying_packet(n, (struct ike_end){ip.src, udp.sport}, udp.dport, data.p,
				rd_left(&data));
		else if (udp.dport == ISAKMP_PORT_NATT && n->ike_cfg.natt)
			nat_udp_in(n, (struct ike_end){ip.src, udp.sport}, data.p, rd_left(&data));
		else
			n->count[NODE_CNT_UDP_OTHER]++;
	}
}

/* A packet to our virtual MAC that is for somebody else: we are its next hop. */
static void
transit(struct node *n, unsigned iface, uint8_t *packet, size_t len)
{
	if (iface == n->out_if && n->rules->check_inbound_policy &&
		policy_wanted(n, packet, len)) {
		n->count[NODE_CNT_CLEAR_REFUSED]++;
		return;
	}
	if (iface != n->out_if) {
		enum verdict v;

		if (packet[8] <= 1) {
			n->count[NODE_CNT_TTL]++;
			return;
		}
		if (n->rules->esp.decrement_ttl)
			ipv4_ttl_decrement(packet);
		v = traffic_out(n, packet, len);
		if (v != VERDICT_CLEAR)
			return;
		/* the kernel will take its own hop off: give ours back */
		packet[8]++;
		packet[10] = packet[11] = 0;
		uint16_t sum = ipv4_sum(packet, (size_t)(packet[0] & 15) * 4, 0);

		packet[10] = (uint8_t)(sum >> 8);
		packet[11] = (uint8_t)sum;
	}
	n->count[NODE_CNT_FORWARDED]++;
	node_emit_bytes(n, NODE_ACT_TUN, 0, packet, len);
}

static void
ip_to_vmac(struct node *n, unsigned iface, const struct eth *e, const uint8_t *b, size_t len)
{
	uint8_t whole[NODE_PACKET_MAX + 64], copy[NODE_PACKET_MAX];
	const uint8_t *packet = b;
	struct node_group *g;
	struct rd r, payload;
	struct ipv4 ip;
	size_t out_len = 0;

	rd_init(&r, b, len);
	if (ipv4_decode(&r, &ip, &payload, NULL) != ERR_OK || ip.len > sizeof copy) {
		n->count[NODE_CNT_MALFORMED]++;
		return;
	}
	g = groups_owned_vip(n, iface, ip.dst);
	if (!g) {
		memcpy(copy, b, ip.len);
		transit(n, iface, copy, ip.len);
		return;
	}
	if (ipfrag_step(&n->frag, n->now, b, ip.len, whole, sizeof whole, &packet, &out_len,
		    NULL) != ERR_OK) {
		n->count[NODE_CNT_FRAGMENT_REFUSED]++;
		return;
	}
	if (out_len)
		for_us(n, g, e, packet, out_len);
}

static void
multicast_in(struct node *n, unsigned iface, struct rd *r)
{
	struct rd payload, data;
	struct ipv4 ip;
	struct udp udp;

	if (ipv4_decode(r, &ip, &payload, NULL) != ERR_OK || ip.dst != HSRP_GROUP_ADDR ||
		ip.proto != IPV4_PROTO_UDP)
		return;
	if (udp_decode(&payload, &ip, &udp, &data, NULL) == ERR_OK && udp.dport == HSRP_PORT)
		groups_message(n, iface, ip.src, &data);
	else
		n->count[NODE_CNT_HSRP_REFUSED]++;
}

void
frame_in(struct node *n, unsigned iface, const uint8_t *b, size_t len)
{
	struct eth e;
	struct rd r;

	if (iface >= n->cfg->if_cnt)
		return;
	n->count[NODE_CNT_FRAMES_IN]++;
	rd_init(&r, b, len);
	eth_read(&r, &e);
	if (r.bad) {
		n->count[NODE_CNT_MALFORMED]++;
		return;
	}
	if (e.type == ETH_TYPE_ARP)
		groups_arp(n, iface, &r);
	else if (e.type == ETH_TYPE_IP4 && (e.dst.b[0] & 1))
		multicast_in(n, iface, &r);
	else if (e.type == ETH_TYPE_IP4 && groups_owned_mac(n, iface, &e.dst))
		ip_to_vmac(n, iface, &e, b + ETH_LEN, len - ETH_LEN);
}

void
frame_tun(struct node *n, const uint8_t *b, size_t len)
{
	struct rd r, payload;
	struct ipv4 ip;

	rd_init(&r, b, len);
	if (ipv4_decode(&r, &ip, &payload, NULL) != ERR_OK) {
		n->count[NODE_CNT_MALFORMED]++;
		return;
	}
	if (traffic_out(n, b, ip.len) == VERDICT_CLEAR && n->out_if < CFG_IFS) {
		/* the kernel's rules know nets alone, and no deny: what the policy lets pass goes
		 * on from here */
		n->count[NODE_CNT_FORWARDED]++;
		traffic_ip_out(n, b, ip.len);
	}
}
