/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_PEER_HOST_H
#define BATON_PEER_HOST_H

/*
 * A plain host: an address, a default gateway, ARP, ICMP echo, UDP in and out, numbered streams.
 * Pure: frames and time go in, frames come out through the callback, within the call. It has no
 * random source; host_new allocates, host_free frees.
 */
#include "harness/peer/netif.h"
#include "harness/peer/stream.h"

#define HOST_STREAM_MAX 8
#define HOST_UDP_KEEP 64 /* the last UDP payloads that are not of a stream */

struct host_cfg {
	struct netif_cfg net;
	bool deaf; /* answers no ICMP echo */
};

struct host_udp {
	ns_t at;
	ip4_t src, dst;
	uint16_t sport, dport, len;
	uint8_t bytes[256]; /* the first of them */
};

struct host_counters {
	uint64_t ip_in, icmp_echo_in, icmp_reply_in, icmp_other_in, udp_in, stream_in, bad_in;
};

struct host;

/* cfg is copied; send and ctx are borrowed. */
struct host *host_new(const struct host_cfg *cfg, netif_send *send, void *ctx);
void host_free(struct host *h);
void host_frame(struct host *h, ns_t now, const uint8_t *frame, size_t len);
void host_tick(struct host *h, ns_t now);
ns_t host_deadline(const struct host *h);

void host_send_udp(struct host *h, ns_t now, ip4_t dst, uint16_t sport, uint16_t dport,
	const void *payload, size_t len);
void host_ping(struct host *h, ns_t now, ip4_t dst, uint16_t id, uint16_t seq, size_t payload_len);
/* Any IPv4 packet, whole. */
void host_send_ip(struct host *h, ns_t now, const uint8_t *ip, size_t len);
/* Gratuitous ARP for the own address. */
void host_announce(struct host *h, ns_t now);

/* per_s packets a second of `size` octets of UDP payload to dst, STREAM_PORT. False: no slot. */
bool host_stream_start(struct host *h, ns_t now, uint16_t id, ip4_t dst, uint32_t per_s,
	size_t size, uint32_t limit);
void host_stream_stop(struct host *h, uint16_t id);
const struct stream_tx *host_stream_tx(const struct host *h, uint16_t id); /* NULL: none */
const struct stream_rx *host_stream_rx(const struct host *h, uint16_t id);

const struct netif *host_netif(const struct host *h);
const struct host_counters *host_counters(const struct host *h);
/* The n-th last UDP datagram (0 the newest); NULL if there were not so many. */
const struct host_udp *host_udp(const struct host *h, size_t n);
void host_arp_flush(struct host *h);
/* From now on packets for other networks go there (0: nowhere). */
void host_set_gateway(struct host *h, ip4_t gateway);

#endif
