/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What does not fit (RFC 4301 8). A sealed packet may be longer than the path takes. If the inner
 * one may be fragmented it is: after sealing, or before, as configured; where the outer header
 * carries DF, always before. If it may not, and the outer header says so too, it is dropped, and
 * its sender is told the length that would do. (Where DF is cleared on the way out, the default,
 * the path may fragment what the sender would not.)
 *
 * The path's own limit is learned from ICMP that quotes a packet of ours: to a peer of ours, on an
 * SPI that is in use, with a number that was sent lately. That is as far as such a message can be
 * trusted (8.2.1); so it is never believed below 576, and forgotten after ten minutes (8.2.2, RFC
 * 1191 6.3).
 */
#include <string.h>

#include "ref/node/node_in.h"

#define ICMP_UNREACHABLE 3
#define ICMP_TOO_BIG 4
#define ICMP_HDR_LEN 8
#define QUOTE_MAX (60 + 8)
#define LATELY 65536u /* numbers */
#define TELL_EVERY (10 * NS_PER_MS)
#define TELL_BURST 20

static bool
has_df(const uint8_t *ip)
{
	return ip[6] & 0x40;
}

static enum esp_df
mode(const struct node *n, const struct node_pair *p)
{
	return n->rules->esp.df == ESP_DF_SA ? p->out.df : n->rules->esp.df;
}

static bool
outer_df(const struct node *n, const struct node_pair *p, const uint8_t *ip)
{
	return mode(n, p) == ESP_DF_SET || (mode(n, p) == ESP_DF_COPY && has_df(ip));
}

size_t
mtu_of(const struct node *n, const struct node_pair *p)
{
	return p->pmtu && n->now < p->pmtu_until ? p->pmtu : NODE_MTU;
}

enum mtu_fit
mtu_fits(const struct node *n, const struct node_pair *p, const uint8_t *ip, size_t len)
{
	if (esp_sealed_len(&p->out, len) <= mtu_of(n, p))
		return MTU_FITS;
	if (outer_df(n, p, ip) && has_df(ip))
		return MTU_TOO_BIG;
	if (outer_df(n, p, ip) || (n->cfg->fragment_before && !has_df(ip)))
		return MTU_SPLIT;
	return MTU_FITS; /* in fragments */
}

/* ---- telling the sender ---- */

static bool
may_tell(struct node *n)
{
	ns_t earliest = n->now - TELL_BURST * TELL_EVERY;

	if (n->tell_credit_at < earliest)
		n->tell_credit_at = earliest;
	if (n->tell_credit_at + TELL_EVERY > n->now)
		return false;
	n->tell_credit_at += TELL_EVERY;
	return true;
}

/* The interface towards an inside host: the one whose net it is in, or the first that is not
 * outside. */
static unsigned
towards(const struct node *n, ip4_t host)
{
	unsigned first = CFG_IFS;

	for (unsigned i = 0; i < n->cfg->if_cnt; i++) {
		const struct cfg_if *f = &n->cfg->ifs[i];

		if (i == n->out_if || !f->addr)
			continue;
		if (ip4_in((struct ip4_net){f->addr, f->len}, host))
			return i;
		first = first == CFG_IFS ? i : first;
	}
	return first;
}

static ip4_t
own_address(const struct node *n, unsigned iface)
{
	for (unsigned i = 0; i < n->group_cnt; i++)
		if (n->group[i].iface == iface && n->group[i].own)
			return n->group[i].hsrp.vip;
	return n->cfg->ifs[iface].addr;
}

void
mtu_tell(struct node *n, const struct node_pair *p, const uint8_t *ip, size_t len)
{
	size_t inner = esp_inner_mtu(&p->out, mtu_of(n, p)), quote = (size_t)(ip[0] & 15) * 4 + 8;
	uint8_t buf[IPV4_HDR_LEN + ICMP_HDR_LEN + QUOTE_MAX];
	struct ipv4 h = {.ttl = 64, .proto = IPV4_PROTO_ICMP, .tos = 0xc0};
	struct wr w;
	unsigned iface;

	n->count[NODE_CNT_TOO_BIG]++;
	h.dst = (ip4_t)ip[12] << 24 | (ip4_t)ip[13] << 16 | (ip4_t)ip[14] << 8 | ip[15];
	iface = towards(n, h.dst);
	if (!n->rules->pmtu_tell || iface == CFG_IFS || len < quote || !may_tell(n))
		return;
	h.src = own_address(n, iface);
	h.id = n->ip_id++;
	wr_init(&w, buf, sizeof buf);
	ipv4_write(&w, &h, ICMP_HDR_LEN + quote);
	wr_u8(&w, ICMP_UNREACHABLE);
	wr_u8(&w, ICMP_TOO_BIG);
	wr_u32(&w, 0); /* checksum, unused */
	wr_u16(&w, (uint16_t)inner);
	wr_bytes(&w, ip, quote);
	if (w.bad)
		return;
	wr_patch_u16(&w, IPV4_HDR_LEN + 2, ipv4_sum(buf + IPV4_HDR_LEN, ICMP_HDR_LEN + quote, 0));
	n->count[NODE_CNT_TOO_BIG_TOLD]++;
	node_emit_bytes(n, NODE_ACT_IP, iface, buf, w.len);
}

/* ---- learning from the path ---- */

/* RFC 1191 7.1: what a router that does not say its limit may have meant. */
static uint16_t
plateau(uint16_t too_long)
{
	static const uint16_t known[] = {1492, 1006};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (known[i] < too_long)
			return known[i];
	return NODE_MTU_MIN;
}

/* The pair whose packet is quoted from its ESP header on. Of what is in UDP more must be quoted
 * than the eight octets that RFC 792 asks for. */
static struct node_pair *
quoted_pair(struct node *n, const struct ipv4 *q, struct rd *esp, bool natt)
{
	const struct ike_child *ch = NULL;
	uint32_t spi = rd_u32(esp, "esp.spi"), seq = rd_u32(esp, "esp.seq");

	while (!esp->bad && (ch = ike_child_next(&n->ike_core, q->dst, ch)) != NULL) {
		struct node_pair *p = pairs_by_spi_in(n, ch->spi_in);

		if (!p || p->dormant || (p->child.natt != 0) != natt)
			continue;
		if (!n->rules->pmtu_check ||
			(ch->spi_out == spi && seq <= p->out.seq && p->out.seq - seq < LATELY))
			return p;
	}
	return NULL;
}

static void
learn(struct node *n, struct node_pair *p, const struct ipv4 *q, uint16_t mtu)
{
	if (!mtu)
		mtu = plateau(q->len);
	if (mtu < NODE_MTU_MIN)
		mtu = NODE_MTU_MIN;
	if (mtu >= mtu_of(n, p)) {
		n->count[NODE_CNT_PMTU_REFUSED]++;
		return;
	}
	p->pmtu = mtu;
	p->pmtu_until = n->now + n->rules->pmtu_age;
	n->count[NODE_CNT_PMTU_LEARNED]++;
	node_note(n, "ipsec", "path mtu", p->child.remote.addr, mtu);
}

/* The quote is cut short, so nothing in it but the addresses is held to its length. */
static bool
quote_read(struct rd *r, struct ipv4 *q)
{
	uint8_t vihl = rd_u8(r, "ip.version");

	rd_skip(r, 1, "ip.tos");
	q->len = rd_u16(r, "ip.length");
	rd_skip(r, 2, "ip.id");
	q->frag = rd_u16(r, "ip.frag");
	rd_skip(r, 1, "ip.ttl");
	q->proto = rd_u8(r, "ip.protocol");
	rd_skip(r, 2, "ip.checksum");
	q->src = rd_u32(r, "ip.source");
	q->dst = rd_u32(r, "ip.destination");
	q->hdr_len = (size_t)(vihl & 15) * 4;
	if (vihl >> 4 != 4 || q->hdr_len < IPV4_HDR_LEN)
		return false;
	rd_skip(r, q->hdr_len - IPV4_HDR_LEN, "ip.options");
	return !r->bad && !(q->frag & 0x1fff);
}

void
mtu_icmp_in(struct node *n, struct rd icmp)
{
	struct node_pair *p = NULL;
	struct ipv4 q = {0};
	uint16_t mtu;

	rd_skip(&icmp, 6, "icmp.unused");
	mtu = rd_u16(&icmp, "icmp.mtu");
	if (quote_read(&icmp, &q) && q.src == n->vip && n->live) {
		bool udp =
			q.proto == IPV4_PROTO_UDP && rd_u16(&icmp, "udp.sport") == ISAKMP_PORT_NATT;

		if (udp)
			rd_skip(&icmp, 6, "udp.rest");
		if (udp || q.proto == IPV4_PROTO_ESP)
			p = quoted_pair(n, &q, &icmp, udp);
	}
	if (!p || !n->rules->pmtu_learn) {
		n->count[NODE_CNT_PMTU_REFUSED]++;
		return;
	}
	learn(n, p, &q, mtu);
}
