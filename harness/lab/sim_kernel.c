/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel of a member in the lab `sim`. A frame goes to ARP, to an address of this machine, or
 * is forwarded: policy first, then the longest prefix. What it leaves out of a real one: link-local
 * things, redirects, and timers that no case can see.
 */
#include "harness/lab/sim_kernel.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "harness/field/pkt.h"

#define MTU 1500
#define TTL 64
#define ERRORS_BURST 6 /* ICMP errors, as Linux limits them to one destination */
#define ERRORS_EVERY NS_PER_S
#define QUOTED 8 /* octets behind the header (RFC 792) */

enum { ICMP_UNREACHABLE = 3, ICMP_EXCEEDED = 11 };
enum { BY_PROTOCOL = 2, BY_PORT = 3, BY_SIZE = 4 };

struct interface {
	struct simk *k;
	unsigned no;
	bool carrier;
	struct netif nif;
};

struct simk {
	struct simk_out out;
	unsigned ifs;
	bool held; /* the TUN device */
	struct simk_cfg cfg;
	struct interface at[SIMK_IFS];
	struct ip4_net rri[SIMK_RRI];
	unsigned rri_cnt;
	uint16_t ip_id;
	ns_t credit_at; /* of ICMP errors */
};

/* ---- interfaces ---- */

static void
emit(void *ctx, ns_t now, const uint8_t *frame, size_t len)
{
	struct interface *i = ctx;

	(void)now;
	if (simk_running(i->k, i->no))
		i->k->out.frame(i->k->out.ctx, i->no, frame, len);
}

static void
begin(struct interface *i, struct netif_cfg cfg)
{
	cfg.mtu = MTU;
	cfg.arp_tries = 3;
	netif_init(&i->nif, &cfg, emit, i);
}

static void
reset(struct interface *i, struct netif_cfg cfg)
{
	netif_forget(&i->nif);
	begin(i, cfg);
}

struct simk *
simk_new(const struct mac mac[SIMK_IFS], unsigned ifs, const struct simk_out *out)
{
	struct simk *k = calloc(1, sizeof(*k));

	if (!k)
		abort();
	assert(ifs <= SIMK_IFS);
	k->out = *out;
	k->ifs = ifs;
	k->credit_at = INT64_MIN / 2;
	for (unsigned i = 0; i < ifs; i++) {
		k->at[i].k = k;
		k->at[i].no = i;
		begin(&k->at[i], (struct netif_cfg){.mac = mac[i]});
	}
	return k;
}

void
simk_free(struct simk *k)
{
	free(k);
}

bool
simk_running(const struct simk *k, unsigned iface)
{
	return iface < k->ifs && k->at[iface].carrier && !k->cfg.shut[iface];
}

static const struct simk_addr *
address_at(const struct simk_cfg *c, unsigned iface)
{
	for (unsigned i = 0; i < c->addr_cnt; i++)
		if (c->addr[i].iface == iface && c->addr[i].addr)
			return &c->addr[i];
	return NULL;
}

void
simk_configure(struct simk *k, const struct simk_cfg *cfg)
{
	k->cfg = *cfg;
	for (unsigned i = 0; i < k->ifs; i++) {
		const struct simk_addr *a = address_at(cfg, i);
		struct netif_cfg n = k->at[i].nif.cfg;

		if (n.addr == (a ? a->addr : 0) && n.prefix_len == (a ? a->len : 0))
			continue;
		n.addr = a ? a->addr : 0;
		n.prefix_len = a ? a->len : 0;
		reset(&k->at[i], n);
	}
}

/* A carrier that goes takes the neighbours with it, and who waits for them. */
void
simk_carrier(struct simk *k, unsigned iface, bool on)
{
	if (k->at[iface].carrier && !on)
		reset(&k->at[iface], k->at[iface].nif.cfg);
	k->at[iface].carrier = on;
}

void
simk_hold(struct simk *k, bool on)
{
	k->held = on;
	k->rri_cnt = 0;
}

/* ---- routes ---- */

static int
rri_find(const struct simk *k, struct ip4_net net)
{
	for (unsigned i = 0; i < k->rri_cnt; i++)
		if (k->rri[i].addr == net.addr && k->rri[i].len == net.len)
			return (int)i;
	return -1;
}

bool
simk_route(struct simk *k, bool add, struct ip4_net net)
{
	int at = rri_find(k, net);

	if (!k->held || (at >= 0) == add || (add && k->rri_cnt == SIMK_RRI))
		return false;
	if (add)
		k->rri[k->rri_cnt++] = net;
	else
		k->rri[at] = k->rri[--k->rri_cnt];
	return true;
}

bool
simk_routed(const struct simk *k, struct ip4_net net)
{
	return rri_find(k, net) >= 0;
}

struct way {
	unsigned iface; /* SIMK_TUN: into the tunnel */
	ip4_t hop;
	int len; /* of the prefix that led here; -1: none did */
};

/* The interface on whose network the address is; SIMK_IFS: none. */
static unsigned
on_link(const struct simk *k, ip4_t a, int *len)
{
	unsigned best = SIMK_IFS;

	for (unsigned i = 0; i < k->cfg.addr_cnt; i++) {
		const struct simk_addr *n = &k->cfg.addr[i];
		const struct ip4_net net = {n->addr & ip4_mask(n->len), n->len};

		if (!n->addr || k->cfg.shut[n->iface] || !ip4_in(net, a) || n->len <= *len)
			continue;
		*len = n->len;
		best = n->iface;
	}
	return best;
}

/* only: the one interface that counts; SIMK_IFS: any, and the tunnel. An operator's route goes
 * before a reverse route to the same prefix. */
static struct way
look_up(const struct simk *k, ip4_t dst, unsigned only)
{
	struct way w = {.len = -1, .hop = dst};

	w.iface = on_link(k, dst, &w.len);
	if (only < SIMK_IFS && w.iface != only)
		w.len = -1;
	for (unsigned i = 0; i < k->cfg.route_cnt; i++) {
		const struct simk_route *r = &k->cfg.route[i];
		int len = -1;
		unsigned iface = on_link(k, r->gw, &len);

		if (!ip4_in(r->net, dst) || (int)r->net.len <= w.len || iface == SIMK_IFS ||
			(only < SIMK_IFS && iface != only))
			continue;
		w = (struct way){iface, r->gw, r->net.len};
	}
	for (unsigned i = 0; i < k->rri_cnt && only == SIMK_IFS; i++)
		if (ip4_in(k->rri[i], dst) && (int)k->rri[i].len > w.len)
			w = (struct way){SIMK_TUN, 0, k->rri[i].len};
	return w;
}

static bool
fits(const struct simk_policy *r, const struct pkt *p, int iif)
{
	return (r->iif < 0 || r->iif == iif) && ip4_in(r->src, p->src) && ip4_in(r->dst, p->dst) &&
		(!r->proto || r->proto == p->proto) && (!r->sport || r->sport == p->sport) &&
		(!r->dport || r->dport == p->dport);
}

static int
policy(const struct simk *k, const struct pkt *p, int iif)
{
	for (unsigned i = 0; i < k->cfg.policy_cnt; i++)
		if (fits(&k->cfg.policy[i], p, iif))
			return (int)k->cfg.policy[i].to;
	return SIMK_MAIN;
}

static bool
is_local(const struct simk *k, ip4_t a)
{
	for (unsigned i = 0; i < k->cfg.addr_cnt; i++)
		if (k->cfg.addr[i].addr && k->cfg.addr[i].addr == a)
			return true;
	return false;
}

/* ---- what it says itself ---- */

static void put_out(struct simk *k, ns_t now, const struct way *w, const uint8_t *packet, size_t len);

void
simk_own(struct simk *k, ns_t now, const uint8_t *packet, size_t len)
{
	struct pkt p;
	struct way w;
	int to;

	(void)pkt_parse_ip(&p, packet, len);
	if (!p.is_ip)
		return;
	to = policy(k, &p, -1);
	if (to == SIMK_DROP || (to == SIMK_TUNNEL && !k->held))
		return;
	w = to == SIMK_TUNNEL ? (struct way){.iface = SIMK_TUN} : look_up(k, p.dst, SIMK_IFS);
	if (w.len >= 0)
		put_out(k, now, &w, packet, len);
}

/* RFC 1812 4.3.2: never about an error, a fragment that is not the first, a group. */
static bool
may_complain(struct simk *k, ns_t now, const struct pkt *p)
{
	if (p->frag_off || p->dst >> 28 >= 14 || (p->is_icmp && p->icmp_type != 8 && p->icmp_type != 0))
		return false;
	if (now - k->credit_at > ERRORS_BURST * ERRORS_EVERY)
		k->credit_at = now - ERRORS_BURST * ERRORS_EVERY;
	if (now - k->credit_at < ERRORS_EVERY)
		return false;
	k->credit_at += ERRORS_EVERY;
	return true;
}

/* rest: the second half of the ICMP header (a next hop's MTU). from 0: the address towards the sender. */
static void
complain(struct simk *k, ns_t now, const struct pkt *p, uint8_t type, uint8_t code, uint16_t rest,
	ip4_t from)
{
	uint8_t body[8 + 60 + QUOTED] = {type, code, 0, 0, 0, 0, (uint8_t)(rest >> 8), (uint8_t)rest};
	uint8_t packet[20 + sizeof(body)];
	size_t quoted = (size_t)(p->l4 - p->ip) + (p->l4_len < QUOTED ? p->l4_len : QUOTED), len;
	struct way w = look_up(k, p->src, SIMK_IFS);
	const struct simk_addr *own = w.len < 0 ? NULL : address_at(&k->cfg, w.iface);

	if (!may_complain(k, now, p) || (!own && !from))
		return;
	memcpy(body + 8, p->ip, quoted);
	pkt_put_sum(body + 2, pkt_sum(body, 8 + quoted, 0));
	len = pkt_put_ip(packet, sizeof(packet),
		&(struct pkt_ip){.src = from ? from : own->addr, .dst = p->src, .proto = PKT_ICMP,
			.ttl = TTL, .tos = 0xc0, .id = ++k->ip_id},
		body, 8 + quoted);
	simk_own(k, now, packet, len);
}

static void
echo(struct simk *k, ns_t now, const struct pkt *p)
{
	uint8_t packet[NETIF_PACKET_MAX], body[NETIF_PACKET_MAX];
	size_t len;

	if (p->l4_len > sizeof(body) - 20)
		return;
	memcpy(body, p->l4, p->l4_len);
	body[0] = body[2] = body[3] = 0;
	pkt_put_sum(body + 2, pkt_sum(body, p->l4_len, 0));
	len = pkt_put_ip(packet, sizeof(packet),
		&(struct pkt_ip){.src = p->dst, .dst = p->src, .proto = PKT_ICMP, .ttl = TTL,
			.tos = p->tos, .id = ++k->ip_id},
		body, p->l4_len);
	simk_own(k, now, packet, len);
}

static void
local(struct simk *k, ns_t now, const uint8_t *packet, size_t len)
{
	struct pkt p;

	if (!pkt_parse_ip(&p, packet, len))
		return;
	if (p.is_icmp && p.icmp_type == 8)
		echo(k, now, &p);
	else if (p.is_tcp)
		k->out.local(k->out.ctx, packet, len);
	else if (p.proto == PKT_UDP)
		complain(k, now, &p, ICMP_UNREACHABLE, BY_PORT, 0, p.dst);
	else if (!p.is_icmp)
		complain(k, now, &p, ICMP_UNREACHABLE, BY_PROTOCOL, 0, p.dst);
}

/* ---- forwarding ---- */

static void
put_out(struct simk *k, ns_t now, const struct way *w, const uint8_t *packet, size_t len)
{
	if (w->iface == SIMK_TUN && k->held)
		k->out.tun(k->out.ctx, packet, len);
	else if (w->iface < k->ifs && simk_running(k, w->iface))
		netif_ip_to(&k->at[w->iface].nif, now, w->hop, packet, len);
}

static void
forward(struct simk *k, ns_t now, unsigned iif, const struct pkt *p)
{
	uint8_t packet[NETIF_PACKET_MAX];
	struct way w;
	int to = policy(k, p, (int)iif);

	if (to == SIMK_DROP || (to == SIMK_TUNNEL && !k->held) || p->ip_len > sizeof(packet))
		return;
	w = to == SIMK_TUNNEL ? (struct way){.iface = SIMK_TUN} : look_up(k, p->dst, SIMK_IFS);
	if (p->ttl <= 1) {
		complain(k, now, p, ICMP_EXCEEDED, 0, 0, 0);
		return;
	}
	if (w.len < 0) {
		complain(k, now, p, ICMP_UNREACHABLE, 0, 0, 0);
		return;
	}
	if (p->df && p->ip_len > MTU) {
		complain(k, now, p, ICMP_UNREACHABLE, BY_SIZE, MTU, 0);
		return;
	}
	memcpy(packet, p->ip, p->ip_len);
	packet[8]--;
	packet[10] = packet[11] = 0;
	pkt_put_sum(packet + 10, pkt_sum(packet, (size_t)(packet[0] & 15) * 4, 0));
	put_out(k, now, &w, packet, p->ip_len);
}

void
simk_frame(struct simk *k, ns_t now, unsigned iface, const uint8_t *bytes, size_t len)
{
	struct netif *n = &k->at[iface].nif;
	const uint8_t *whole;
	size_t whole_len = 0;
	struct pkt p;

	if (!simk_running(k, iface))
		return;
	(void)pkt_parse(&p, bytes, len);
	if (p.is_ip && !is_local(k, p.dst)) {
		if (mac_equal(&p.dst_mac, &n->cfg.mac))
			forward(k, now, iface, &p);
		return;
	}
	whole = netif_frame(n, now, bytes, len, &whole_len);
	if (!whole && p.is_ip && p.dst != n->cfg.addr && !p.mf && !p.frag_off &&
		mac_equal(&p.dst_mac, &n->cfg.mac)) {
		whole = p.ip; /* an address of another interface of ours */
		whole_len = p.ip_len;
	}
	if (whole)
		local(k, now, whole, whole_len);
}

void
simk_from_tun(struct simk *k, ns_t now, const uint8_t *packet, size_t len)
{
	struct pkt p;

	(void)pkt_parse_ip(&p, packet, len);
	if (!p.is_ip)
		return;
	if (is_local(k, p.dst))
		local(k, now, packet, len);
	else
		forward(k, now, SIMK_TUN, &p);
}

bool
simk_raw(struct simk *k, ns_t now, unsigned iface, const uint8_t *packet, size_t len)
{
	struct way w;

	if (!simk_running(k, iface) || len < 20 || len > MTU)
		return false;
	w = look_up(k, IP4(packet[16], packet[17], packet[18], packet[19]), iface);
	if (w.len >= 0)
		netif_ip_to(&k->at[iface].nif, now, w.hop, packet, len);
	return w.len >= 0;
}

/* ---- time ---- */

void
simk_tick(struct simk *k, ns_t now)
{
	for (unsigned i = 0; i < k->ifs; i++)
		netif_tick(&k->at[i].nif, now);
}

ns_t
simk_deadline(const struct simk *k)
{
	ns_t t = NS_NEVER;

	for (unsigned i = 0; i < k->ifs; i++)
		t = ns_min(t, netif_deadline(&k->at[i].nif));
	return t;
}
