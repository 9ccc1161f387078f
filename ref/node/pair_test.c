/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whole routers under a virtual clock: the pair A and B, and a third one, P, as the remote gateway
 * (alone in an HSRP group of its own). Wires have a delay; the sync channel is a pair of byte pipes
 * that can be cut. Faults are drawn by seed, and over each schedule the law that matters most is
 * held: no sequence number leaves the pair twice.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ref/config/config.h"
#include "ref/node/node.h"
#include "ref/node/rules.h"

#define MS NS_PER_MS
#define NODES 3
#define EVENTS 8192
#define NUMBERS 100000

enum who { A, B, P };

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
} w;

/* What a world does wrong from its start on; NULL: nothing. */
static void (*spoil)(struct node_rules *r);

static const char member_text[] =
	"crypto isakmp policy 10\n encryption aes\n hash sha256\n authentication pre-share\n group "
	"2\n lifetime 86400\n"
	"crypto isakmp key secret address 10.9.0.200\ncrypto isakmp ssp 1\n"
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
	"crypto isakmp key secret address 10.9.0.100\n"
	"crypto ipsec transform-set T esp-gcm\naccess-list 101 permit ip 10.2.0.0 0.0.0.255 "
	"10.0.0.0 0.0.0.255\n"
	"crypto map M 1 ipsec-isakmp\n set peer 10.9.0.100\n set transform-set T\n match address "
	"101\n"
	"interface a\n ip address 10.9.0.201 255.255.255.0\n standby 9 ip 10.9.0.200\n"
	" standby 9 timers msec 200 msec 800\n crypto map M\n";

static uint8_t
random_octet(void)
{
	return (uint8_t)(rand() >> 8);
}

static void
entropy_refill(void)
{
	for (size_t i = 0; i < w.entropy.used; i++)
		w.entropy.b[i] = random_octet();
	w.entropy.used = 0;
}

static void
schedule(
	ns_t at, enum who to, const struct node_in *in, const uint8_t *b, size_t len, unsigned link)
{
	struct event *e = &w.event[w.event_cnt++];

	ck_assert_uint_lt(w.event_cnt, EVENTS);
	*e = (struct event){.at = at, .order = w.order++, .to = to, .in = *in, .link = link};
	if (len) {
		e->bytes = malloc(len);
		memcpy(e->bytes, b, len);
		e->in.bytes = e->bytes;
		e->in.len = len;
	}
}

static bool
hears(enum who from, enum who to)
{
	return !w.parted || from == P || to == P || from == to;
}

static void
wire(enum who from, unsigned iface, const uint8_t *frame, size_t len)
{
	for (unsigned to = 0; to < NODES; to++) {
		const struct node_in in = {.kind = NODE_IN_FRAME, .iface = iface};

		if (to != from && hears(from, (enum who)to) && !(to == P && iface) &&
			!(from == P && iface))
			schedule(w.now + MS, (enum who)to, &in, frame, len, 0);
	}
}

static void
note_number(const uint8_t *ip, size_t len)
{
	const uint8_t *e = ip + 20;

	if (len < 28 || ip[9] != IPV4_PROTO_ESP || (ip[6] & 0x1f) || ip[7] ||
		w.number_cnt == NUMBERS)
		return;
	w.spi[w.number_cnt] =
		(uint32_t)e[0] << 24 | (uint32_t)e[1] << 16 | (uint32_t)e[2] << 8 | e[3];
	w.seq[w.number_cnt++] =
		(uint32_t)e[4] << 24 | (uint32_t)e[5] << 16 | (uint32_t)e[6] << 8 | e[7];
}

/* The kernel's part: find the next hop's MAC. Everything here is reached by a virtual MAC. */
static void
route_out(enum who from, const uint8_t *ip, size_t len)
{
	uint8_t frame[ETH_LEN + 2048];
	struct eth e = {.dst = {{0, 0, 0x0c, 0x07, 0xac, 0}},
		.src = {{2, 0, 0, 0, 0, 0}},
		.type = ETH_TYPE_IP4};
	struct wr wr;

	e.dst.b[5] = ip[19] == 100 ? 1 : 9;
	e.src.b[5] = (uint8_t)(from + 1);
	if (from != P)
		note_number(ip, len);
	wr_init(&wr, frame, sizeof frame);
	eth_write(&wr, &e);
	wr_bytes(&wr, ip, len);
	ck_assert(!wr.bad);
	wire(from, 0, frame, wr.len);
}

static void
act(void *ctx, const struct node_act *a)
{
	enum who from = (enum who)(uintptr_t)ctx;
	const struct node_in bytes = {.kind = NODE_IN_SSP_BYTES};

	switch (a->kind) {
	case NODE_ACT_FRAME:
		wire(from, a->iface, a->bytes, a->len);
		break;
	case NODE_ACT_IP:
		route_out(from, a->bytes, a->len);
		break;
	case NODE_ACT_TUN:
		w.inner[from]++;
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

static void
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

static void
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

static void
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

static void
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
		w.node[n] = calloc(1, sizeof *w.node[n]);
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

static void
start_member(enum who n)
{
	char text[2048];

	(void)snprintf(
		text, sizeof text, member_text, n == A ? 2 : 1, n == A ? 1 : 2, n == A ? 1 : 2);
	start(n, text);
}

static unsigned
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
static void
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
static void
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
			if (w.on[n])
				t = ns_min(t, node_deadline(w.node[n]));
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

static void
world_new(unsigned seed)
{
	struct node *keep[NODES];

	srand(seed);
	for (unsigned i = 0; i < w.event_cnt; i++)
		free(w.event[i].bytes);
	memcpy(keep, w.node, sizeof keep);
	memset(&w, 0, sizeof w);
	memcpy(w.node, keep, sizeof keep);
	w.entropy.used = sizeof w.entropy.b;
	w.now = NS_PER_S;
	node_rules_join(&w.rules);
	if (spoil)
		spoil(&w.rules);
	start(P, peer_text);
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

static int
cmp(const void *x, const void *y)
{
	const uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return a < b ? -1 : a > b;
}

/* SPI and number that left twice, 0 if none did. */
static uint64_t
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

static void
expect_unique(unsigned seed)
{
	uint64_t v = twice();

	ck_assert_uint_gt(w.number_cnt, 10);
	ck_assert_msg(!v, "seed %u: SPI 0x%08x number %u left twice", seed, (unsigned)(v >> 32),
		(unsigned)v);
}

static void
power_off(enum who n)
{
	w.on[n] = false;
	channel_down();
}

START_TEST(carries_over)
{
	unsigned before;

	world_new(1);
	ck_assert(w.routed[A] && !w.routed[B]);
	power_off(A);
	run(1200 * MS, 5 * MS);
	ck_assert_int_eq(w.node[B]->role, NODE_ACTIVE);
	ck_assert(w.routed[B]);
	before = w.inner[P];
	run(500 * MS, 5 * MS);
	ck_assert_uint_gt(w.inner[P], before + 90);
	ck_assert_uint_eq(w.node[P]->count[NODE_CNT_REPLAY], 0);
	ck_assert_uint_eq(w.node[P]->ike_core.count[IKE_R_TIMEOUT], 0);
	expect_unique(1);
}
END_TEST

START_TEST(there_and_back)
{
	unsigned before;

	world_new(2);
	power_off(A);
	run(1500 * MS, 5 * MS);
	start_member(A);
	run(4 * NS_PER_S, 5 * MS);
	ck_assert_int_eq(w.node[A]->role, NODE_STANDBY);
	ck_assert(w.node[A]->ready);
	power_off(B);
	run(1200 * MS, 5 * MS);
	ck_assert_int_eq(w.node[A]->role, NODE_ACTIVE);
	before = w.inner[P];
	run(500 * MS, 5 * MS);
	ck_assert_uint_gt(w.inner[P], before + 90);
	ck_assert_uint_eq(w.node[P]->count[NODE_CNT_REPLAY], 0);
	expect_unique(2);
}
END_TEST

START_TEST(standby_dies)
{
	unsigned before;

	world_new(3);
	power_off(B);
	run(4 * NS_PER_S, 5 * MS);
	before = w.inner[P];
	run(500 * MS, 5 * MS);
	ck_assert_uint_gt(w.inner[P], before + 90);
	expect_unique(3);
}
END_TEST

START_TEST(split_and_heal)
{
	unsigned before;

	world_new(4);
	w.parted = true;
	channel_down();
	run(5 * NS_PER_S, 5 * MS);
	ck_assert(w.node[A]->role == NODE_ACTIVE && w.node[B]->role == NODE_ACTIVE);
	w.parted = false;
	run(4 * NS_PER_S, 5 * MS);
	ck_assert_int_ne(w.node[A]->role == NODE_ACTIVE, w.node[B]->role == NODE_ACTIVE);
	before = w.inner[P];
	run(500 * MS, 5 * MS);
	ck_assert_uint_gt(w.inner[P], before + 90);
	expect_unique(4);
}
END_TEST

/* A few faults at random moments, with traffic throughout. */
static void
schedule_of(unsigned seed)
{
	world_new(seed);
	for (int step = 0; step < 6; step++) {
		w.bias = rand() % 3;
		switch (rand() % 8) {
		case 0:
			if (w.on[A] && w.on[B])
				power_off(rand() % 2 ? A : B);
			break;
		case 1:
			if (!w.on[A])
				start_member(A);
			else if (!w.on[B])
				start_member(B);
			break;
		case 2:
			w.parted = true;
			channel_down();
			break;
		case 3:
			w.parted = false;
			break;
		case 4:
			channel_down();
			break;
		case 5:
			w.brittle = true;
			break;
		case 6:
			w.brittle = false;
			break;
		case 7:
			break;
		}
		run((ns_t)(rand() % 2500) * MS, 7 * MS);
	}
	for (unsigned n = A; n <= B; n++)
		ck_assert_uint_eq(w.node[n]->ssp.count[SSP_CNT_GAPS], 0);
}

/* Split, healed, and a channel that breaks again and again while the numbers are told. */
START_TEST(healing_over_a_brittle_channel)
{
	for (unsigned seed = 500; seed < 560; seed++) {
		world_new(seed);
		w.parted = true;
		channel_down();
		w.bias = 1;
		run((ns_t)(2000 + rand() % 3000) * MS, 5 * MS);
		w.parted = false;
		w.brittle = true;
		run((ns_t)(rand() % 2000) * MS, 5 * MS);
		w.bias = 2;
		run((ns_t)(rand() % 2000) * MS, 5 * MS);
		w.brittle = false;
		run(3 * NS_PER_S, 5 * MS);
		expect_unique(seed);
	}
}
END_TEST

START_TEST(any_schedule_keeps_numbers_unique)
{
	for (unsigned seed = 100; seed < 220; seed++) {
		schedule_of(seed);
		expect_unique(seed);
	}
}
END_TEST

static void
heir_repeats(struct node_rules *r)
{
	r->resv.heir_above_r = false;
}

static void
lease_ignored(struct node_rules *r)
{
	r->resv.lost_waits_lease = false;
	r->resv.lost_skips_block = false;
}

/* The same schedules with a wrong rule: at least one of them must show it, or the check is worth
 * nothing. */
START_TEST(wrong_rules_are_seen)
{
	static void (*const wrong[])(struct node_rules *) = {heir_repeats, lease_ignored};

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		bool seen = false;

		spoil = wrong[i];
		for (unsigned seed = 100; seed < 220 && !seen; seed++) {
			schedule_of(seed);
			seen = twice() != 0;
		}
		spoil = NULL;
		ck_assert_msg(seen, "wrong rule %zu went unseen", i);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("pair");
	TCase *t = tcase_create("virtual clock");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_test(t, carries_over);
	tcase_add_test(t, there_and_back);
	tcase_add_test(t, standby_dies);
	tcase_add_test(t, split_and_heal);
	tcase_add_test(t, any_schedule_keeps_numbers_unique);
	tcase_add_test(t, healing_over_a_brittle_channel);
	tcase_add_test(t, wrong_rules_are_seen);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
