/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plain host (host.h) on one interface: what comes for its address is counted, answered if it
 * is an echo request, noted if it is UDP. No TCP, no ICMP errors, no routing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/field/pkt.h"
#include "harness/peer/host.h"

struct host {
	struct host_cfg cfg;
	struct netif net;
	struct host_counters n;
	struct stream_tx tx[HOST_STREAM_MAX];
	ip4_t tx_dst[HOST_STREAM_MAX];
	size_t tx_cnt;
	struct stream_rx rx[HOST_STREAM_MAX];
	size_t rx_cnt;
	struct host_udp udp[HOST_UDP_KEEP];
	size_t udp_cnt; /* ever kept */
};

struct host *
host_new(const struct host_cfg *cfg, netif_send *send, void *ctx)
{
	struct host *h = calloc(1, sizeof *h);

	if (!h) {
		fprintf(stderr, "host: out of memory\n");
		abort();
	}
	h->cfg = *cfg;
	netif_init(&h->net, &cfg->net, send, ctx);
	return h;
}

void
host_free(struct host *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < HOST_STREAM_MAX; i++) {
		stream_tx_free(&h->tx[i]);
		stream_rx_free(&h->rx[i]);
	}
	free(h);
}

static struct pkt_ip
head(struct host *h, ip4_t dst)
{
	return (struct pkt_ip){
		.src = h->cfg.net.addr, .dst = dst, .ttl = 64, .id = netif_next_id(&h->net)};
}

void
host_send_ip(struct host *h, ns_t now, const uint8_t *ip, size_t len)
{
	netif_ip(&h->net, now, ip, len);
}

void
host_send_udp(struct host *h, ns_t now, ip4_t dst, uint16_t sport, uint16_t dport,
	const void *payload, size_t len)
{
	uint8_t ip[NETIF_PACKET_MAX];
	struct pkt_ip to = head(h, dst);
	size_t n = pkt_put_udp(ip, sizeof ip, &to, sport, dport, payload, len);

	if (n)
		netif_ip(&h->net, now, ip, n);
}

static void
send_echo(struct host *h, ns_t now, ip4_t dst, uint8_t type, uint16_t id, uint16_t seq,
	const uint8_t *data, size_t len)
{
	uint8_t ip[NETIF_PACKET_MAX];
	struct pkt_ip to = head(h, dst);
	size_t n = pkt_put_echo(ip, sizeof ip, &to, type, id, seq, data, len);

	if (n)
		netif_ip(&h->net, now, ip, n);
}

void
host_ping(struct host *h, ns_t now, ip4_t dst, uint16_t id, uint16_t seq, size_t payload_len)
{
	static const uint8_t filler[NETIF_PACKET_MAX];

	if (payload_len <= sizeof filler)
		send_echo(h, now, dst, 8, id, seq, filler, payload_len);
}

void
host_announce(struct host *h, ns_t now)
{
	static const struct mac all = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}, none;
	uint8_t f[64];
	size_t n = pkt_put_arp(
		f, sizeof f, &all, 1, &h->cfg.net.mac, h->cfg.net.addr, &none, h->cfg.net.addr);

	netif_raw(&h->net, now, f, n);
}

static struct stream_rx *
rx_of(struct host *h, uint16_t id)
{
	for (size_t i = 0; i < h->rx_cnt; i++)
		if (h->rx[i].id == id)
			return &h->rx[i];
	if (h->rx_cnt == HOST_STREAM_MAX)
		return NULL;
	h->rx[h->rx_cnt].id = id;
	return &h->rx[h->rx_cnt++];
}

static void
udp_in(struct host *h, ns_t now, const struct pkt *p)
{
	struct host_udp *u;
	struct stream_rx *rx;
	uint16_t id;
	uint32_t number;

	if (p->dport == STREAM_PORT && stream_is(p->data, p->data_len, &id, &number)) {
		h->n.stream_in++;
		rx = rx_of(h, id);
		if (rx)
			stream_rx_note(rx, now, number);
		return;
	}
	h->n.udp_in++;
	u = &h->udp[h->udp_cnt++ % HOST_UDP_KEEP];
	*u = (struct host_udp){.at = now,
		.src = p->src,
		.dst = p->dst,
		.sport = p->sport,
		.dport = p->dport,
		.len = (uint16_t)p->data_len};
	memcpy(u->bytes, p->data, p->data_len < sizeof u->bytes ? p->data_len : sizeof u->bytes);
}

static void
icmp_in(struct host *h, ns_t now, const struct pkt *p)
{
	uint16_t id = (uint16_t)(p->l4[4] << 8 | p->l4[5]),
		 seq = (uint16_t)(p->l4[6] << 8 | p->l4[7]);

	h->n.icmp_echo_in += p->icmp_type == 8;
	h->n.icmp_reply_in += p->icmp_type == 0;
	h->n.icmp_other_in += p->icmp_type != 8 && p->icmp_type != 0;
	if (p->icmp_type == 8 && !h->cfg.deaf)
		send_echo(h, now, p->src, 0, id, seq, p->data, p->data_len);
}

void
host_frame(struct host *h, ns_t now, const uint8_t *frame, size_t len)
{
	size_t ip_len;
	const uint8_t *ip = netif_frame(&h->net, now, frame, len, &ip_len);
	struct pkt p;

	if (!ip)
		return;
	h->n.ip_in++;
	if (!pkt_parse_ip(&p, ip, ip_len))
		h->n.bad_in++;
	else if (p.is_icmp)
		icmp_in(h, now, &p);
	else if (p.is_udp)
		udp_in(h, now, &p);
}

void
host_tick(struct host *h, ns_t now)
{
	uint8_t b[NETIF_PACKET_MAX];
	size_t n;

	netif_tick(&h->net, now);
	for (size_t i = 0; i < h->tx_cnt; i++)
		while ((n = stream_tx_due(&h->tx[i], now, b, sizeof b)))
			host_send_udp(h, now, h->tx_dst[i], STREAM_PORT, STREAM_PORT, b, n);
}

ns_t
host_deadline(const struct host *h)
{
	ns_t at = netif_deadline(&h->net);

	for (size_t i = 0; i < h->tx_cnt; i++)
		at = ns_min(at, h->tx[i].next);
	return at;
}

bool
host_stream_start(struct host *h, ns_t now, uint16_t id, ip4_t dst, uint32_t per_s, size_t size,
	uint32_t limit)
{
	size_t i = 0;

	while (i < h->tx_cnt && h->tx[i].id != id)
		i++;
	if (i == HOST_STREAM_MAX || size > NETIF_PACKET_MAX - 28)
		return false;
	if (i == h->tx_cnt)
		h->tx_cnt++;
	stream_tx_free(&h->tx[i]);
	stream_tx_start(&h->tx[i], now, id, per_s, size, limit);
	h->tx_dst[i] = dst;
	return true;
}

void
host_stream_stop(struct host *h, uint16_t id)
{
	for (size_t i = 0; i < h->tx_cnt; i++)
		if (h->tx[i].id == id)
			stream_tx_stop(&h->tx[i]);
}

const struct stream_tx *
host_stream_tx(const struct host *h, uint16_t id)
{
	for (size_t i = 0; i < h->tx_cnt; i++)
		if (h->tx[i].id == id)
			return &h->tx[i];
	return NULL;
}

const struct stream_rx *
host_stream_rx(const struct host *h, uint16_t id)
{
	for (size_t i = 0; i < h->rx_cnt; i++)
		if (h->rx[i].id == id)
			return &h->rx[i];
	return NULL;
}

const struct netif *
host_netif(const struct host *h)
{
	return &h->net;
}

const struct host_counters *
host_counters(const struct host *h)
{
	return &h->n;
}

const struct host_udp *
host_udp(const struct host *h, size_t n)
{
	if (n >= h->udp_cnt || n >= HOST_UDP_KEEP)
		return NULL;
	return &h->udp[(h->udp_cnt - 1 - n) % HOST_UDP_KEEP];
}

void
host_arp_flush(struct host *h)
{
	netif_flush(&h->net);
}

void
host_set_gateway(struct host *h, ip4_t gateway)
{
	h->net.cfg.gateway = gateway;
}
