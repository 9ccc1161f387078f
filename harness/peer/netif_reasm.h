/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_PEER_NETIF_REASM_H
#define BATON_PEER_NETIF_REASM_H

/* Reassembly of IPv4 (RFC 791 3.2); private to netif. */
#include "harness/field/pkt.h"
#include "harness/peer/netif.h"

/* A fragment; the whole packet (in i->whole) if it was the last one missing, else NULL. */
const uint8_t *netif_reasm_in(struct netif *i, ns_t now, const struct pkt *p, size_t *ip_len);
void netif_reasm_tick(struct netif *i, ns_t now);
ns_t netif_reasm_deadline(const struct netif *i);

#endif
