/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "ref/wire/ipv4.h"

/*
 * RFC 1071 2: the sum may be taken in any byte order and in wide words, and be folded after. Host
 * order of the octets' 16-bit words comes out.
 */
static uint32_t
add(const uint8_t *p, size_t len, uint32_t sum)
{
	uint64_t wide = 0;
	uint16_t last = 0;

	for (; len >= 8; len -= 8, p += 8) {
		uint64_t w;

		memcpy(&w, p, 8);
		wide += (w & 0xffffffff) + (w >> 32);
	}
	for (; len >= 2; len -= 2, p += 2) {
		uint16_t w;

		memcpy(&w, p, 2);
		wide += w;
	}
	if (len)
		memcpy(&last, p, 1); /* a zero octet behind it, in either byte order */
	wide += last;
	while (wide >> 16)
		wide = (wide & 0xffff) + (wide >> 16);
	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		wide = (wide & 0xff) << 8 | wide >> 8;
	return sum + (uint32_t)wide;
}

uint16_t
ipv4_sum(const void *bytes, size_t len, uint32_t partial)
{
	uint32_t sum = add(bytes, len, partial);

	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static enum err
check(const uint8_t *hdr, const struct ipv4 *ip, uint8_t vihl, size_t have, size_t at,
	struct why *why)
{
	if (vihl >> 4 != 4)
		return err_set(why, ERR_VALUE, "ip.version", at, "RFC 791 3.1");
	if (ip->hdr_len < IPV4_HDR_LEN)
		return err_set(why, ERR_LENGTH, "ip.ihl", at, "RFC 791 3.1");
	if (ip->len < ip->hdr_len || ip->len > have)
		return err_set(why, ERR_LENGTH, "ip.len", at + 2, "RFC 791 3.1");
	if (ipv4_sum(hdr, ip->hdr_len, 0) != 0)
		return err_set(why, ERR_CHECKSUM, "ip.sum", at + 10, "RFC 791 3.1");
	return ERR_OK;
}

enum err
ipv4_decode(struct rd *r, struct ipv4 *ip, struct rd *payload, struct why *why)
{
	size_t at = rd_offset(r), have = rd_left(r);
	const uint8_t *hdr = r->p;
	uint8_t vihl = rd_u8(r, "ip.version");
	enum err e;

	ip->tos = rd_u8(r, "ip.tos");
	ip->len = rd_u16(r, "ip.len");
	ip->id = rd_u16(r, "ip.id");
	ip->frag = rd_u16(r, "ip.frag");
	ip->ttl = rd_u8(r, "ip.ttl");
	ip->proto = rd_u8(r, "ip.proto");
	rd_skip(r, 2, "ip.sum");
	ip->src = rd_u32(r, "ip.src");
	ip->dst = rd_u32(r, "ip.dst");
	ip->hdr_len = (size_t)(vihl & 15) * 4;
	if (ip->hdr_len > IPV4_HDR_LEN)
		rd_skip(r, ip->hdr_len - IPV4_HDR_LEN, "ip.options");
	e = rd_done(r, why, "RFC 791 3.1");
	if (!e)
		e = check(hdr, ip, vihl, have, at, why);
	if (!e)
		*payload = rd_sub(r, ip->len - ip->hdr_len, "ip.payload");
	return e;
}

/* The checksum is taken of the numbers: octets just written are slow to read back in wider words. */
void
ipv4_write(struct wr *w, const struct ipv4 *ip, size_t payload_len)
{
	uint16_t len = (uint16_t)(IPV4_HDR_LEN + payload_len);
	uint16_t ttl_proto = (uint16_t)(ip->ttl << 8 | ip->proto);
	uint32_t sum = (0x4500u | ip->tos) + len + ip->id + ip->frag + ttl_proto + (ip->src >> 16) +
		       (ip->src & 0xffff) + (ip->dst >> 16) + (ip->dst & 0xffff);

	wr_u16(w, (uint16_t)(0x4500u | ip->tos));
	wr_u16(w, len);
	wr_u16(w, ip->id);
	wr_u16(w, ip->frag);
	wr_u16(w, ttl_proto);
	wr_u16(w, ipv4_sum(NULL, 0, sum));
	wr_u32(w, ip->src);
	wr_u32(w, ip->dst);
}

void
ipv4_ttl_decrement(uint8_t *packet)
{
	uint32_t sum = ((uint32_t)packet[10] << 8 | packet[11]) + 0x100;

	sum = (sum & 0xffff) + (sum >> 16);
	packet[8]--;
	packet[10] = (uint8_t)(sum >> 8);
	packet[11] = (uint8_t)sum;
}

static uint32_t
pseudo(ip4_t src, ip4_t dst, size_t len)
{
	return (src >> 16) + (src & 0xffff) + (dst >> 16) + (dst & 0xffff) + IPV4_PROTO_UDP +
	       (uint32_t)len;
}

enum err
udp_decode(struct rd *r, const struct ipv4 *ip, struct udp *u, struct rd *payload, struct why *why)
{
	size_t at = rd_offset(r), have = rd_left(r);
	const uint8_t *hdr = r->p;
	enum err e;

	u->sport = rd_u16(r, "udp.sport");
	u->dport = rd_u16(r, "udp.dport");
	u->len = rd_u16(r, "udp.len");
	u->sum = rd_u16(r, "udp.sum");
	e = rd_done(r, why, "RFC 768");
	if (e)
		return e;
	if (u->len < UDP_HDR_LEN || u->len > have)
		return err_set(why, ERR_LENGTH, "udp.len", at + 4, "RFC 768");
	if (u->sum && ipv4_sum(hdr, u->len, pseudo(ip->src, ip->dst, u->len)) != 0)
		return err_set(why, ERR_CHECKSUM, "udp.sum", at + 6, "RFC 768");
	*payload = rd_sub(r, u->len - (size_t)UDP_HDR_LEN, "udp.payload");
	return ERR_OK;
}

void
udp_packet_write(struct wr *w, const struct ipv4 *ip, uint16_t sport, uint16_t dport,
	const void *data, size_t len)
{
	struct ipv4 hdr = *ip;
	size_t udp_len = UDP_HDR_LEN + len, at;
	uint16_t sum;

	hdr.proto = IPV4_PROTO_UDP;
	ipv4_write(w, &hdr, udp_len);
	at = w->len;
	wr_u16(w, sport);
	wr_u16(w, dport);
	wr_u16(w, (uint16_t)udp_len);
	wr_u16(w, 0);
	wr_bytes(w, data, len);
	if (w->bad)
		return;
	sum = ipv4_sum(w->base + at, udp_len, pseudo(ip->src, ip->dst, udp_len));
	wr_patch_u16(w, at + 6, sum ? sum : 0xffff);
}
