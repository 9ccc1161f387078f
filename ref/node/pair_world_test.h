/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_NODE_PAIR_WORLD_TEST_H
#define BATON_NODE_PAIR_WORLD_TEST_H

/*
 * For tests: whole routers under a virtual clock. The pair A and B, and a third one, P, as the
 * remote gateway (alone in an HSRP group of its own). Wires have a delay; the sync channel is a
 * pair of byte pipes that can be cut; a NAT may stand before P, or before the pair. One world a
 * program.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ref/config/config.h"
#include "ref/node/node_in.h"
#include "ref/node/rules.h"

#define MS NS_PER_MS
#define NODES 3
#define EVENTS 8192
#define NUMBERS 100000

enum who { A, B, P };

/* Which side a NAT hides: the peer's translates ports, too; the pair's is one to one. */
enum nat { NAT_NONE, NAT_PEER, NAT_PAIR };
#define NAT_PEER_PUBLIC IP4(10, 9, 0, 150)
#define NAT_PAIR_PUBLIC IP4(10, 9, 0, 160)

struct event {
	ns_t at;
	uint64_t order;
	enum who to;
	struct node_in in;
	uint8_t *bytes; /* owned */
	unsigned link;	/* generation of the sync channel it belongs to; 0: not of it */
};

static struct world {
	struct node *node[NODES];
	struct cfg cfg[NODES];
	struct node_rules rules;
	struct entropy entropy;
	bool on[NODES];
	ns_t now;
	struct event event[EVENTS];
	unsigned event_cnt;
	uint64_t order;
	bool parted;	  /* A | B: HSRP and the sync channel */
	unsigned channel; /* generation, 0 down */
	ns_t channel_at;  /* when it comes up again */
	bool brittle;	  /* it breaks again a few ms after it came up */
	ns_t cut_at;	  /* when it breaks; 0: not */
	int bias;	  /* traffic: 0 both members, else mostly A, mostly B */
	uint32_t spi[NUMBERS], seq[NUMBERS];
	unsigned number_cnt;
	unsigned inner[NODES]; /* packets that came out of the tunnel */
	bool routed[NODES];
	enum nat nat;
	ip4_t nat_public;  /* of the peer's */
	uint16_t nat_port; /* the outside of its port 4500; 500 becomes 1024 */
	unsigned told[NODES]; /* ICMP to inside hosts */
	uint8_t told_last[2048], inner_last[2048], out_last[2048];
	size_t inner_len, out_len;
	unsigned out[NODES]; /* packets outside */
	uint8_t mark_ce; /* or-ed into the TOS of what flies */
	unsigned keepalives[NODES], esp[NODES], udp_esp[NODES];
} w;

/* What a world does wrong from its start on; NULL: nothing. */
static void (*spoil)(struct node_rules *r);

/* Commands for all three, before their own; "": none. */
static const char *extra_text = "";

static const char member_text[] =
	"crypto isakmp policy 10\n encryption aes\n hash sha256\n authentication pre-share\n group "
	"2\n lifetime 86400\n"
	"crypto isakmp key secret address 10.9.0.0 255.255.255.0\ncrypto isakmp ssp 1\n"
	"crypto isakmp nat keepalive 5\n"
	"crypto isakmp keepalive msec 500 200 periodic\n"
	"crypto ipsec transform-set T esp-gcm\naccess-list 101 permit ip 10.0.0.0 0.0.0.255 "
	"10.2.0.0 0.0.0.255\n"
	"crypto dynamic-map D 1\n set transform-set T\n match address 101\n reverse-route\n"
	"crypto map M 1 ipsec-isakmp dynamic D\ncrypto map M ha replay-interval inbound 10 "
	"outbound 50\n"
	"ssp group 1\n remote 10.8.0.%d\n redundancy P\n redundancy Q\n key "
	"000102030405060708090a0b0c0d0e0f\n"
	"interface a\n ip address 10.9.0.%d 255.255.255.0\n standby 1 ip 10.9.0.100\n standby 1 "
	"name P\n"
	" standby 1 preempt\n standby 1 timers msec 200 msec 800\n standby 1 track b 20\n crypto "
	"map M ssp 1\n"
	"interface b\n ip address 10.0.0.%d 255.255.255.0\n standby 2 ip 10.0.0.100\n standby 2 "
	"name Q\n"
	" standby 2 preempt\n standby 2 timers msec 200 msec 800\n standby 2 track a 20\n";

static const char peer_text[] =
	"crypto isakmp policy 10\n encryption aes\n hash sha256\n authentication pre-share\n group "
	"2\n lifetime 86400\n"
	"crypto isakmp key secret address 10.9.0.0 255.255.255.0\ncrypto isakmp nat keepalive 5\n"
	"crypto ipsec transform-set T esp-gcm\naccess-list 101 permit ip 10.2.0.0 0.0.0.255 "
	"10.0.0.0 0.0.0.255\n"
	"crypto map M 1 ipsec-isakmp\n set peer 10.9.0.%d\n set transform-set T\n match address "
	"101\n"
	"interface a\n ip address 10.9.0.201 255.255.255.0\n standby 9 ip 10.9.0.200\n"
	" standby 9 timers msec 200 msec 800\n crypto map M\n";

static inline uint8_t
random_octet(void)
{
	return (uint8_t)(rand() >> 8);
}

static inline void
entropy_refill(void)
{
	for (size_t i = 0; i < w.entropy.used; i++)
		w.entropy.b[i] = random_octet();
	w.entropy.used = 0;
}

static inline void
schedule(
	ns_t at, enum who to, const struct node_in *in, const uint8_t *b, size_t len, unsigned link)
{
	struct event *e = &w.event[w.event_cnt++];

	if (w.event_cnt >= EVENTS)
		ck_abort_msg("more than %u events", (unsigned)EVENTS);
	*e = (struct event){.at = at, .order = w.order++, .to = to, .in = *in, .link = link};
	if (len) {
		e->bytes = malloc(len);
		memcpy(e->bytes, b, len);
		e->in.bytes = e->bytes;
		e->in.len = len;
	}
}

static inline bool
hears(enum who from, enum who to)
{
	return !w.parted || from == P || to == P || from == to;
}

static inline void
wire(enum who from, unsigned iface, const uint8_t *frame, size_t len)
{
	for (unsigned to = 0; to < NODES; to++) {
		const struct node_in in = {.kind = NODE_IN_FRAME, .iface = iface};

		if (to != from && hears(from, (enum who)to) && !(to == P && iface) &&
			!(from == P && iface))
			schedule(w.now + MS, (enum who)to, &in, frame, len, 0);
	}
}

/* What leaves a router, in its own terms, before any NAT. */
static inline void
note_packet(enum who from, const uint8_t *ip, size_t len)
{
	const uint8_t *e = ip + 20;

	if (len < 28 || (ip[6] & 0x1f) || ip[7])
		return;
	if (ip[9] == IPV4_PROTO_UDP && e[0] == 0x11 && e[1] == 0x94) {
		w.keepalives[from] += len == 29 && e[8] == 0xff;
		if (len < 36 || !(e[8] | e[9] | e[10] | e[11]))
			return;
		ck_assert_uint_eq(e[6] | e[7], 0); /* no checksum */
		w.udp_esp[from]++;
		e += 8;
	} else if (ip[9] == IPV4_PROTO_ESP) {
		w.esp[from]++;
	} else {
		return;
	}
	if (from == P || w.number_cnt == NUMBERS)
		return;
	w.spi[w.number_cnt] =
		(uint32_t)e[0] << 24 | (uint32_t)e[1] << 16 | (uint32_t)e[2] << 8 | e[3];
	w.seq[w.number_cnt++] =
		(uint32_t)e[4] << 24 | (uint32_t)e[5] << 16 | (uint32_t)e[6] << 8 | e[7];
}

static inline void
nat_ends(uint8_t *ip, bool source, ip4_t addr, uint16_t port)
{
	uint8_t *a = ip + (source ? 12 : 16), *p = ip + 20 + (source ? 0 : 2);
	uint16_t sum;

	for (unsigned i = 0; i < 4; i++)
		a[i] = (uint8_t)(addr >> (24 - 8 * i));
	p[0] = (uint8_t)(port >> 8);
	p[1] = (uint8_t)port;
	ip[26] = ip[27] = 0; /* UDP checksum: none */
	ip[10] = ip[11] = 0;
	sum = ipv4_sum(ip, 20, 0);
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
}

/* The peer's NAT: false if it has no mapping, and for all but UDP. */
static inline bool
nat_peer(enum who from, uint8_t *ip, uint16_t sport, uint16_t dport)
{
	if (ip[9] != IPV4_PROTO_UDP)
		return false;
	if (from == P)
		nat_ends(ip, true, w.nat_public, sport == 500 ? 1024 : w.nat_port);
	else if (ip[19] != (w.nat_public & 255) || (dport != 1024 && dport != w.nat_port))
		return false;
	else
		nat_ends(ip, false, IP4(10, 9, 0, 200), dport == 1024 ? 500 : 4500);
	return true;
}

static inline bool
nat_box(enum who from, uint8_t *ip)
{
	uint16_t sport = (uint16_t)(ip[20] << 8 | ip[21]), dport = (uint16_t)(ip[22] << 8 | ip[23]);

	if (w.nat == NAT_PEER)
		return nat_peer(from, ip, sport, dport);
	if (w.nat == NAT_PAIR && from != P)
		nat_ends(ip, true, NAT_PAIR_PUBLIC, sport);
	else if (w.nat == NAT_PAIR)
		nat_ends(ip, false, IP4(10, 9, 0, 100), dport);
	return true;
}

/* The kernel's part: find the next hop's MAC. Everything here is reached by a virtual MAC. */
static inline void
route_out(enum who from, const uint8_t *packet, size_t len)
{
	uint8_t ip[2048];
	uint8_t frame[ETH_LEN + 2048];
	struct eth e = {.dst = {{0, 0, 0x0c, 0x07, 0xac, 0}},
		.src = {{2, 0, 0, 0, 0, 0}},
		.type = ETH_TYPE_IP4};
	struct wr wr;

	note_packet(from, packet, len);
	w.out[from]++;
	memcpy(w.out_last, packet, len);
	w.out_len = len;
	memcpy(ip, packet, len);
	if (w.mark_ce) {
		ip[1] |= w.mark_ce;
		ip[10] = ip[11] = 0;
		uint16_t sum = ipv4_sum(ip, 20, 0);

		ip[10] = (uint8_t)(sum >> 8);
		ip[11] = (uint8_t)sum;
	}
	if (!nat_box(from, ip))
		return;
	e.dst.b[5] = ip[19] == 100 ? 1 : 9;
	e.src.b[5] = (uint8_t)(from + 1);
	wr_init(&wr, frame, sizeof frame);
	eth_write(&wr, &e);
	wr_bytes(&wr, ip, len);
	ck_assert(!wr.bad);
	wire(from, 0, frame, wr.len);
}

static inline void
act(void *ctx, const struct node_act *a)
{
	enum who from = (enum who)(uintptr_t)ctx;
	const struct node_in bytes = {.kind = NODE_IN_SSP_BYTES};

	switch (a->kind) {
	case NODE_ACT_FRAME:
		wire(from, a->iface, a->bytes, a->len);
		break;
	case NODE_ACT_IP:
		if (a->iface) { /* to the inside: what we say to hosts */
			w.told[from]++;
			memcpy(w.told_last, a->bytes, a->len);
			break;
		}
		route_out(from, a->bytes, a->len);
		break;
	case NODE_ACT_TUN:
		w.inner[from]++;
		memcpy(w.inner_last, a->bytes, a->len);
		w.inner_len = a->len;
		break;
	case NODE_ACT_ROUTE:
		w.routed[from] = a->on;
		break;
	case NODE_ACT_SSP_SEND:
		if (w.channel)
			schedule(w.now + 2 * MS, from == A ? B : A, &bytes, a->bytes, a->len,
				w.channel);
		break;
	case NODE_ACT_SSP_CLOSE:
		w.channel_at = -1; /* done after the step */
		break;
	case NODE_ACT_NOTE:
	case NODE_ACT_KEY_IKE:
	case NODE_ACT_KEY_ESP:
		break;
	}
}

static void feed(enum who to, const struct node_in *in);

static inline void
channel_down(void)
{
	const struct node_in down = {.kind = NODE_IN_SSP_DOWN};

	if (!w.channel)
		return;
	w.channel = 0;
	w.channel_at = w.now + 250 * MS;
	feed(A, &down);
	feed(B, &down);
}

static inline void
feed(enum who to, const struct node_in *in)
{
	if (!w.on[to])
		return;
	entropy_refill();
	node_step(w.node[to], w.now, in, &w.entropy);
	if (w.channel_at == -1) {
		w.channel_at = 0;
		channel_down();
	}
}

static inline void
channel_try(void)
{
	static unsigned generation;
	const struct node_in up = {.kind = NODE_IN_SSP_UP};

	if (w.channel || w.now < w.channel_at || w.parted || !w.on[A] || !w.on[B])
		return;
	w.channel = ++generation;
	w.cut_at = w.brittle ? w.now + (ns_t)(rand() % 8) * MS + 1 : 0;
	feed(A, &up);
	feed(B, &up);
}

static inline void
start(enum who n, const char *text)
{
	static const struct mac macs[NODES][CFG_IFS] = {
		{{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 1, 1}}},
		{{{2, 0, 0, 0, 0, 2}}, {{2, 0, 0, 0, 1, 2}}},
		{{{2, 0, 0, 0, 0, 3}}},
	};
	const struct node_sink sink = {.act = act, .ctx = (void *)(uintptr_t)n};
	struct config_error err;
	char line[600];

	if (!config_parse(text, &w.cfg[n], &err)) {
		config_error_text(&err, "test", line, sizeof line);
		ck_abort_msg("%s", line);
	}
	if (!w.node[n])
		w.node[n] = malloc(sizeof *w.node[n]);
	memset(w.node[n], 0, sizeof *w.node[n]);
	w.on[n] = true;
	w.routed[n] = false;
	entropy_refill();
	node_init(
		w.node[n], &w.cfg[n], &w.rules, &crypto_openssl, macs[n], &sink, &w.entropy, w.now);
	for (unsigned i = 0; i < w.cfg[n].if_cnt; i++) {
		const struct node_in in = {
			.kind = NODE_IN_LINK, .iface = i, .on = true, .reload = true};

		feed(n, &in);
	}
}

static inline void
start_member(enum who n)
{
	char text[4096];
	int at = snprintf(text, sizeof text, "%s", extra_text);

	(void)snprintf(text + at, sizeof text - (size_t)at, member_text, n == A ? 2 : 1,
		n == A ? 1 : 2, n == A ? 1 : 2);
	start(n, text);
}

static inline unsigned
next_event(void)
{
	unsigned best = EVENTS;

	for (unsigned i = 0; i < w.event_cnt; i++)
		if (best == EVENTS || w.event[i].at < w.event[best].at ||
			(w.event[i].at == w.event[best].at &&
				w.event[i].order < w.event[best].order))
			best = i;
	return best;
}

/* One packet of the protected flows, each way. */
static inline void
traffic(void)
{
	uint8_t b[64];
	struct ipv4 ip = {.ttl = 64, .src = IP4(10, 0, 0, 5), .dst = IP4(10, 2, 0, 5)};
	const struct node_in in = {.kind = NODE_IN_TUN, .bytes = b, .len = 40};
	struct wr wr;

	wr_init(&wr, b, sizeof b);
	udp_packet_write(&wr, &ip, 9, 9, b, 12);
	if (w.bias != 2 || rand() % 8 == 0)
		feed(A, &in);
	if (w.bias != 1 || rand() % 8 == 0)
		feed(B, &in);
	ip.src = IP4(10, 2, 0, 5);
	ip.dst = IP4(10, 0, 0, 5);
	wr_init(&wr, b, sizeof b);
	udp_packet_write(&wr, &ip, 9, 9, b, 12);
	feed(P, &in);
}

/* Let the world run; a packet each way every `every` (0: none). */
static inline void
run(ns_t span, ns_t every)
{
	const struct node_in tick = {.kind = NODE_IN_TICK};
	ns_t end = w.now + span, packet = every ? w.now + every : NS_NEVER;

	while (w.now < end) {
		unsigned i = next_event();
		ns_t t = ns_min(end, packet);

		if (i < EVENTS)
			t = ns_min(t, w.event[i].at);
		for (unsigned n = 0; n < NODES; n++)
			if (w.on[n]) {
				/* It looks at everything. An assertion that holds costs a system call. */
				if (w.order % 16 == 0 &&
					node_deadline(w.node[n]) > node_deadline_exact(w.node[n]))
					ck_abort_msg("node %u wakes too late", n);
				t = ns_min(t, node_deadline(w.node[n]));
			}
		if (!w.channel && w.channel_at > w.now)
			t = ns_min(t, w.channel_at);
		if (w.channel && w.cut_at > w.now)
			t = ns_min(t, w.cut_at);
		if (t > w.now)
			w.now = t;
		if (i < EVENTS && w.event[i].at <= w.now) {
			struct event e = w.event[i];

			w.event[i] = w.event[--w.event_cnt];
			if (!e.link || e.link == w.channel)
				feed(e.to, &e.in);
			free(e.bytes);
			continue;
		}
		if (w.channel && w.cut_at && w.now >= w.cut_at)
			channel_down();
		channel_try();
		if (w.now >= packet) {
			packet += every;
			traffic();
		}
		for (unsigned n = 0; n < NODES; n++)
			if (w.on[n] && w.now >= node_deadline(w.node[n]))
				feed((enum who)n, &tick);
	}
}

static inline void
world_new_nat(unsigned seed, enum nat nat)
{
	struct node *keep[NODES];
	char peer[4096];
	int at = snprintf(peer, sizeof peer, "%s", extra_text);

	srand(seed);
	for (unsigned i = 0; i < w.event_cnt; i++)
		free(w.event[i].bytes);
	memcpy(keep, w.node, sizeof keep);
	memset(&w, 0, sizeof w);
	memcpy(w.node, keep, sizeof keep);
	w.entropy.used = sizeof w.entropy.b;
	w.now = NS_PER_S;
	w.nat = nat;
	w.nat_public = NAT_PEER_PUBLIC;
	w.nat_port = 40000;
	node_rules_join(&w.rules);
	if (spoil)
		spoil(&w.rules);
	(void)snprintf(peer + at, sizeof peer - (size_t)at, peer_text, nat == NAT_PAIR ? 160 : 100);
	start(P, peer);
	start_member(A);
	run(2 * NS_PER_S, 0);
	start_member(B);
	run(3 * NS_PER_S, 0);
	ck_assert_int_eq(w.node[A]->role, NODE_ACTIVE);
	ck_assert_int_eq(w.node[B]->role, NODE_STANDBY);
	ck_assert(w.node[B]->ready && w.node[A]->mirrored);
	run(500 * MS, 20 * MS);
	ck_assert_uint_gt(w.inner[P], 5);
	ck_assert_uint_gt(w.inner[A], 5);
}

static inline void
world_new(unsigned seed)
{
	world_new_nat(seed, NAT_NONE);
}

static inline int
cmp(const void *x, const void *y)
{
	const uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return a < b ? -1 : a > b;
}

/* SPI and number that left twice, 0 if none did. */
static inline uint64_t
twice(void)
{
	static uint64_t v[NUMBERS];

	for (unsigned i = 0; i < w.number_cnt; i++)
		v[i] = (uint64_t)w.spi[i] << 32 | w.seq[i];
	qsort(v, w.number_cnt, sizeof v[0], cmp);
	for (unsigned i = 1; i < w.number_cnt; i++)
		if (v[i] == v[i - 1])
			return v[i];
	return 0;
}

static inline void
expect_unique(unsigned seed)
{
	uint64_t v = twice();

	ck_assert_uint_gt(w.number_cnt, 10);
	ck_assert_msg(!v, "seed %u: SPI 0x%08x number %u left twice", seed, (unsigned)(v >> 32),
		(unsigned)v);
}

static inline void
power_off(enum who n)
{
	w.on[n] = false;
	channel_down();
}

#endif
