/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_WIRE_ETH_H
#define BATON_WIRE_ETH_H

/*
 * Ethernet II headers and ARP for IPv4 over Ethernet (RFC 826). VLAN tags are not read: a router's
 * port here is untagged.
 */
#include "ref/base/cursor.h"
#include "ref/base/ip4.h"

#define ETH_LEN 14
#define ETH_TYPE_IP4 0x0800
#define ETH_TYPE_ARP 0x0806

struct eth {
	struct mac dst;
	struct mac src;
	uint16_t type; /* host order */
};

void eth_read(struct rd *r, struct eth *e);
void eth_write(struct wr *w, const struct eth *e);
extern const struct mac eth_broadcast;

#define ARP_LEN 28
#define ARP_REQUEST 1
#define ARP_REPLY 2

struct arp {
	uint16_t op;
	struct mac sha;
	ip4_t spa;
	struct mac tha;
	ip4_t tpa;
};

/* Decode the ARP packet at r. ERR_UNSUPPORTED for other hardware or protocols than 1 and 0x0800. */
enum err arp_decode(struct rd *r, struct arp *a, struct why *why) MUST_CHECK;
void arp_write(struct wr *w, const struct arp *a);

#endif
