/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_WIRE_IPV4_H
#define BATON_WIRE_IPV4_H

/*
 * IPv4 (RFC 791), UDP (RFC 768) and the ICMP echo (RFC 792), as far as a router needs them for its own
 * packets. Options are stepped over, never interpreted.
 */
#include "ref/base/cursor.h"
#include "ref/base/ip4.h"

#define IPV4_HDR_LEN 20
#define IPV4_PROTO_ICMP 1
#define IPV4_PROTO_TCP 6
#define IPV4_PROTO_UDP 17
#define IPV4_PROTO_ESP 50
#define IPV4_DF 0x4000
#define IPV4_MF 0x2000
#define UDP_HDR_LEN 8

struct ipv4 {
	uint8_t tos;
	uint16_t len; /* of the whole packet, from the header */
	uint16_t id;
	uint16_t frag; /* flags and offset in units of 8 octets, host order */
	uint8_t ttl;
	uint8_t proto;
	ip4_t src;
	ip4_t dst;
	size_t hdr_len; /* read only: 20 to 60 */
};

struct udp {
	uint16_t sport;
	uint16_t dport;
	uint16_t len;
	uint16_t sum;
};

/*
 * Decode the header at r, whose remaining bytes may hold padding behind the packet. On success
 * *payload is a reader over exactly the packet's payload. Checks version, header length, total
 * length and checksum.
 */
enum err ipv4_decode(struct rd *r, struct ipv4 *ip, struct rd *payload, struct why *why) MUST_CHECK;
/* Write a 20-octet header; len, and the checksum, are taken from payload_len. */
void ipv4_write(struct wr *w, const struct ipv4 *ip, size_t payload_len);
/* The Internet checksum (RFC 1071) of len bytes over a partial sum; host order, complemented. */
uint16_t ipv4_sum(const void *bytes, size_t len, uint32_t partial);
/* Decrement the TTL of the packet in place, mending the checksum (RFC 1624). */
void ipv4_ttl_decrement(uint8_t *packet);

/* Decode UDP; the checksum is verified where present. *payload: the data, cut by the length field. */
enum err udp_decode(struct rd *r, const struct ipv4 *ip, struct udp *u, struct rd *payload,
	struct why *why) MUST_CHECK;
/* Write an IPv4 packet with a UDP datagram in it (ip->proto is set for you). */
void udp_packet_write(struct wr *w, const struct ipv4 *ip, uint16_t sport, uint16_t dport,
	const void *data, size_t len);

#endif
