/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_FIELD_PKT_H
#define BATON_FIELD_PKT_H

/*
 * A frame at a glance: what cases and laws look at most, found without tables and without
 * allocation. For every single field, and for what is malformed, see field.h.
 *
 * Pointers are borrowed from the bytes given. Numbers in host order.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ref/base/ip4.h"

#define PKT_ETH_ARP 0x0806
#define PKT_ETH_IP4 0x0800
#define PKT_ETH_IP6 0x86dd
#define PKT_ETH_VLAN 0x8100  /* IEEE 802.1Q 9.4 */
#define PKT_ETH_SVLAN 0x88a8 /* the same, service tag (802.1ad) */
#define PKT_VLANS 2

/* Links, as capture files number them (LINKTYPE_). */
#define PKT_LINK_ETHERNET 1
#define PKT_LINK_RAW 101 /* 12 and 14 are the same */
#define PKT_LINK_SLL 113
#define PKT_LINK_IP4 228
#define PKT_LINK_SLL2 276
#define PKT_ICMP 1
#define PKT_TCP 6
#define PKT_UDP 17
#define PKT_ESP 50

struct pkt {
	const uint8_t *frame; /* NULL if parsed from IP on */
	size_t frame_len;
	struct mac dst_mac, src_mac;
	uint16_t ethertype;		/* behind the tags */
	uint16_t vlan[PKT_VLANS];	/* the outer one first */
	uint8_t vlan_cnt;
	size_t cut;	/* octets that were on the line and are not here */

	bool is_arp;
	uint16_t arp_op; /* 1 request, 2 reply */
	struct mac arp_sha, arp_tha;
	ip4_t arp_spa, arp_tpa;

	bool is_ip; /* header whole, length consistent, header checksum good */
	const uint8_t *ip;
	size_t ip_len; /* total length */
	size_t ip_cut; /* of these are not here: what is above is cut, too, its checksum not seen */
	ip4_t src, dst;
	uint8_t proto, ttl, tos;
	uint16_t ip_id;
	bool df, mf;
	uint16_t frag_off; /* octets */
	const uint8_t *l4; /* after the IP header */
	size_t l4_len;

	bool is_udp; /* first or only fragment; checksum good or absent (if not a fragment) */
	bool is_tcp;
	bool is_icmp;
	uint16_t sport, dport;
	const uint8_t *data; /* UDP or TCP payload; ICMP after 8 octets */
	size_t data_len;
	uint32_t tcp_seq, tcp_ack;
	uint8_t tcp_flags;
	uint8_t icmp_type, icmp_code;

	bool is_esp; /* protocol 50, or UDP 4500 without the non-ESP marker */
	uint32_t spi, seq;
	const uint8_t *esp; /* from the SPI on */
	size_t esp_len;

	bool is_isakmp; /* UDP 500, or 4500 behind the non-ESP marker */
	const uint8_t *isakmp;
	size_t isakmp_len;

	bool is_keepalive; /* UDP 4500, the one octet 0xff (RFC 3948 2.3) */
	bool is_hsrp;	 /* UDP 1985 */
	const char *bad; /* NULL, or what was malformed */
};

/* Parse an Ethernet frame, with or without VLAN tags; false (and p->bad set) if something in it is
 * malformed. */
bool pkt_parse(struct pkt *p, const void *frame, size_t len);
/* The same for a frame of another link; p->bad "link" if it is none of the above. Linux cooked has
 * the sender's MAC alone, raw IP none. */
bool pkt_parse_link(struct pkt *p, unsigned link, const void *frame, size_t len);
/* The same for a frame of which a capture kept only the beginning: what lengths ask for beyond it
 * is not malformed as long as it was on the line. */
bool pkt_parse_cut(struct pkt *p, unsigned link, const void *frame, size_t len, size_t wire_len);
/* The same from the IPv4 header on: a packet from inside a tunnel. */
bool pkt_parse_ip(struct pkt *p, const void *ip, size_t len);
/* Gratuitous ARP: sender and target address are the same. */
bool pkt_is_garp(const struct pkt *p);

/* Internet checksum over len octets, added to `sum`; pass 0 first. */
uint32_t pkt_sum(const void *bytes, size_t len, uint32_t sum);
uint16_t pkt_fold(uint32_t sum);
/* The folded sum as two octets. */
void pkt_put_sum(uint8_t *at, uint32_t sum);

/* Writers; each returns octets written, 0 if cap is too small. Valid, with checksums. */
#define PKT_ETH_LEN 14
size_t pkt_put_eth(
	uint8_t *out, size_t cap, const struct mac *dst, const struct mac *src, uint16_t type);
/* A whole ARP frame, not padded. */
size_t pkt_put_arp(uint8_t *out, size_t cap, const struct mac *eth_dst, uint16_t op,
	const struct mac *sha, ip4_t spa, const struct mac *tha, ip4_t tpa);

struct pkt_ip {
	ip4_t src, dst;
	uint8_t proto, ttl, tos;
	uint16_t id;
	bool df;
};
/* An IPv4 packet around a payload. */
size_t pkt_put_ip(
	uint8_t *out, size_t cap, const struct pkt_ip *h, const void *payload, size_t len);
/* IPv4 and UDP around a payload. */
size_t pkt_put_udp(uint8_t *out, size_t cap, const struct pkt_ip *h, uint16_t sport, uint16_t dport,
	const void *payload, size_t len);
/* IPv4 and ICMP echo: type 8 request, 0 reply. */
size_t pkt_put_echo(uint8_t *out, size_t cap, const struct pkt_ip *h, uint8_t type, uint16_t id,
	uint16_t seq, const void *payload, size_t len);

#endif
