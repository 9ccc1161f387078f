/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host behind the peer: what comes out of the tunnel and what goes into it. It answers echo
 * requests, counts streams, sends streams. Packets outside the proxies are counted and dropped.
 */
#include <string.h>

#include "harness/peer/peer_priv.h"

static struct pkt_ip
head(struct peer *p, ip4_t src, ip4_t dst)
{
	return (struct pkt_ip){
		.src = src ? src : p->cfg.inner, .dst = dst, .ttl = 64, .id = ++p->inner_id};
}

void
peer_send_inner_ip(struct peer *p, ns_t now, const uint8_t *ip, size_t len)
{
	peer_esp_out(p, now, ip, len);
}

void
peer_send_inner(struct peer *p, ns_t now, ip4_t src, ip4_t dst, uint16_t dport, const void *bytes,
	size_t len)
{
	uint8_t ip[NETIF_PACKET_MAX];
	struct pkt_ip h = head(p, src, dst);
	size_t n = pkt_put_udp(ip, sizeof ip, &h, dport, dport, bytes, len);

	if (n)
		peer_esp_out(p, now, ip, n);
}

static void
send_echo(struct peer *p, ns_t now, ip4_t dst, uint8_t type, uint16_t id, uint16_t seq,
	const uint8_t *data, size_t len)
{
	uint8_t ip[NETIF_PACKET_MAX];
	struct pkt_ip h = head(p, 0, dst);
	size_t n = pkt_put_echo(ip, sizeof ip, &h, type, id, seq, data, len);

	if (n)
		peer_esp_out(p, now, ip, n);
}

void
peer_ping(struct peer *p, ns_t now, ip4_t dst, uint16_t id, uint16_t seq, size_t payload_len)
{
	static const uint8_t filler[NETIF_PACKET_MAX];

	if (payload_len <= sizeof filler)
		send_echo(p, now, dst, 8, id, seq, filler, payload_len);
}

static struct stream_rx *
rx_of(struct peer *p, uint16_t id)
{
	for (size_t i = 0; i < p->rx_cnt; i++)
		if (p->rx[i].id == id)
			return &p->rx[i];
	if (p->rx_cnt == PEER_STREAMS)
		return NULL;
	p->rx[p->rx_cnt].id = id;
	return &p->rx[p->rx_cnt++];
}

static void
udp_in(struct peer *p, ns_t now, const struct pkt *k)
{
	struct stream_rx *rx;
	uint16_t id;
	uint32_t number;

	if (k->dport != STREAM_PORT || !stream_is(k->data, k->data_len, &id, &number)) {
		p->n.udp_in++;
		return;
	}
	p->n.stream_in++;
	rx = rx_of(p, id);
	if (rx)
		stream_rx_note(rx, now, number);
}

void
peer_inner_in(struct peer *p, ns_t now, const uint8_t *ip, size_t len)
{
	struct pkt k;

	if (!pkt_parse_ip(&k, ip, len) || !ip4_in(p->cfg.far.net, k.src) ||
		!ip4_in(p->cfg.local.net, k.dst)) {
		p->n.esp_wrong_inner++;
		return;
	}
	p->n.inner_in++;
	if (k.dst != p->cfg.inner)
		return;
	if (k.is_udp)
		udp_in(p, now, &k);
	if (!k.is_icmp)
		return;
	p->n.echo_replies_in += k.icmp_type == 0;
	p->n.echo_in += k.icmp_type == 8;
	if (k.icmp_type == 8)
		send_echo(p, now, k.src, 0, (uint16_t)(k.l4[4] << 8 | k.l4[5]),
			(uint16_t)(k.l4[6] << 8 | k.l4[7]), k.data, k.data_len);
}

void
peer_inner_tick(struct peer *p, ns_t now)
{
	uint8_t b[NETIF_PACKET_MAX];
	size_t n;

	for (size_t i = 0; i < p->tx_cnt; i++)
		while ((n = stream_tx_due(&p->tx[i], now, b, sizeof b)))
			peer_send_inner(p, now, 0, p->tx_dst[i], STREAM_PORT, b, n);
}

ns_t
peer_inner_deadline(const struct peer *p)
{
	ns_t at = NS_NEVER;

	for (size_t i = 0; i < p->tx_cnt; i++)
		at = ns_min(at, p->tx[i].next);
	return at;
}

bool
peer_stream_start(struct peer *p, ns_t now, uint16_t id, ip4_t dst, uint32_t per_s, size_t size,
	uint32_t limit)
{
	size_t i = 0;

	while (i < p->tx_cnt && p->tx[i].id != id)
		i++;
	if (i == PEER_STREAMS || size > NETIF_PACKET_MAX - 256)
		return false;
	if (i == p->tx_cnt)
		p->tx_cnt++;
	stream_tx_free(&p->tx[i]);
	stream_tx_start(&p->tx[i], now, id, per_s, size, limit);
	p->tx_dst[i] = dst;
	return true;
}

void
peer_stream_stop(struct peer *p, uint16_t id)
{
	for (size_t i = 0; i < p->tx_cnt; i++)
		if (p->tx[i].id == id)
			stream_tx_stop(&p->tx[i]);
}

const struct stream_tx *
peer_stream_tx(const struct peer *p, uint16_t id)
{
	for (size_t i = 0; i < p->tx_cnt; i++)
		if (p->tx[i].id == id)
			return &p->tx[i];
	return NULL;
}

const struct stream_rx *
peer_stream_rx(const struct peer *p, uint16_t id)
{
	for (size_t i = 0; i < p->rx_cnt; i++)
		if (p->rx[i].id == id)
			return &p->rx[i];
	return NULL;
}
