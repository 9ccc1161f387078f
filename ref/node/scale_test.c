/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A packet costs the same whether ten tunnels are there or a thousand: what is looked up for it,
 * and the deadline that is asked for after it, are not searched for.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ref/config/config.h"
#include "ref/node/node_in.h"
#include "ref/node/rules.h"

#define PACKETS 20000

static const char text[] =
	"crypto isakmp policy 10\n encryption aes\n hash sha\n authentication pre-share\n group "
	"2\n lifetime 86400\n"
	"crypto isakmp key secret address 0.0.0.0 0.0.0.0\ncrypto isakmp keepalive 10 2 periodic\n"
	"crypto ipsec transform-set T esp-gcm\ncrypto dynamic-map D 1\n set transform-set T\n"
	"crypto map M 1 ipsec-isakmp dynamic D\n"
	"interface a\n ip address 10.9.0.1 255.255.255.0\n standby 1 ip 10.9.0.100\n"
	" standby 1 timers msec 200 msec 800\n crypto map M\n";

static struct cfg cfg;
static struct node_rules rules;
static struct entropy entropy;
static unsigned out_packets, in_packets;
static uint8_t last[2048];
static size_t last_len;

static void
act(void *ctx, const struct node_act *a)
{
	(void)ctx;
	if (a->kind == NODE_ACT_TUN) {
		in_packets++;
	} else if (a->kind == NODE_ACT_IP) {
		out_packets++;
		memcpy(last, a->bytes, a->len);
		last_len = a->len;
	}
}

static void
feed(struct node *n, ns_t now, struct node_in *in)
{
	for (size_t i = 0; i < sizeof entropy.b; i++)
		entropy.b[i] = (uint8_t)rand();
	entropy.used = 0;
	node_step(n, now, in, &entropy);
}

/* A pair with the i-th peer: 10.(64 + i / 256).(i % 256).0/24 behind it; both directions have one
 * key. */
static void
tunnel(struct node *n, unsigned i)
{
	struct ike_child c = {.used = true,
		.use_out = true,
		.initiator = true,
		.local = {n->vip, 500},
		.remote = {IP4(172, 16, 0, 0) + i, 500},
		.spi_in = 0x10000 + i * 7,
		.spi_out = 0x10000 + i * 7,
		.transform = ESP_GCM128,
		.map_id = 1,
		.lifetime_s = 3600,
		.proxy_local = {.net = {IP4(10, 0, 0, 0), 16}},
		.proxy_remote = {.net = {IP4(10, 64, 0, 0) + (i << 8), 24}}};
	struct ike_export x = {.confirmed = true,
		.dpd = true,
		.cipher = 7,
		.key_bits = 128,
		.hash = CRYPTO_SHA1,
		.group = 2,
		.left_s = 86400,
		.local = c.local,
		.remote = c.remote};
	struct node_pair *p = pairs_new(n);
	struct node_ike *k;

	c.enc_in.len = c.enc_out.len = esp_alg(ESP_GCM128)->enc_len;
	for (unsigned b = 0; b < sizeof x.cookies; b++)
		((uint8_t *)&x.cookies)[b] = (uint8_t)(i >> (b % 3 * 8)) ^ (uint8_t)b;
	x.skeyid_d.len = x.skeyid_a.len = x.skeyid_e.len = 20;
	x.key.len = 16;
	c.cookies = x.cookies;
	pairs_setup(n, p, &c);
	k = keying_new(n, &x.cookies, x.remote.addr);
	k->copy = x;
	keying_step(n, &(struct ike_in){.kind = IKE_IN_IMPORT_CHILD, .child = &c});
	keying_step(n, &(struct ike_in){.kind = IKE_IN_IMPORT, .export = &x});
	keying_dpd_start(n, k, NULL);
	pairs_live(n, p);
}

static struct node *
with_tunnels(unsigned cnt, ns_t *now)
{
	static const struct mac mac = {{2, 0, 0, 0, 0, 1}};
	const struct node_sink sink = {.act = act};
	struct node *n = calloc(1, sizeof *n);
	struct config_error err;

	*now = NS_PER_S;
	node_rules_join(&rules);
	ck_assert(config_parse(text, &cfg, &err));
	entropy.used = 0;
	node_init(n, &cfg, &rules, &crypto_openssl, &mac, &sink, &entropy, *now);
	feed(n, *now, &(struct node_in){.kind = NODE_IN_LINK, .on = true});
	while (n->role != NODE_ACTIVE) {
		*now = node_deadline(n);
		feed(n, *now, &(struct node_in){.kind = NODE_IN_TICK});
	}
	for (unsigned i = 0; i < cnt; i++)
		tunnel(n, i);
	return n;
}

/* Nanoseconds a packet out and back in, with a look at the deadline after each. */
static double
cost(unsigned cnt)
{
	struct ipv4 ip = {.ttl = 64, .src = IP4(10, 0, 0, 5)};
	uint8_t b[64];
	struct timespec from, to;
	struct node *n;
	struct wr w;
	ns_t now;

	n = with_tunnels(cnt, &now);
	out_packets = in_packets = 0;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	for (unsigned i = 0; i < PACKETS; i++) {
		struct node_in in = {.kind = NODE_IN_TUN, .bytes = b, .len = 40};

		now += 20 * NS_PER_US;
		ip.dst = IP4(10, 64, 0, 9) + (i % cnt << 8);
		wr_init(&w, b, sizeof b);
		udp_packet_write(&w, &ip, 9, 9, b, 12);
		node_step(n, now, &in, &entropy);
		if (now >= node_deadline(n))
			feed(n, now, &(struct node_in){.kind = NODE_IN_TICK});
		traffic_esp_in(n, (struct ike_end){IP4(172, 16, 0, 0) + i % cnt, 0}, last + 20,
			last_len - 20);
	}
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	ck_assert_uint_eq(out_packets, PACKETS);
	ck_assert_uint_eq(n->count[NODE_CNT_UNKNOWN_SPI], 0);
	ck_assert_uint_eq(n->pair[cnt - 1].in.count[ESP_CNT_OPENED], PACKETS / cnt);
	node_wipe(n);
	free(n);
	return (double)((to.tv_sec - from.tv_sec) * NS_PER_S + to.tv_nsec - from.tv_nsec) / PACKETS;
}

START_TEST(thousand_cost_as_ten)
{
	double ten = cost(10), thousand = cost(1000);

	(void)printf("a packet out and in: %.0f ns with 10 tunnels, %.0f ns with 1,000\n", ten,
		thousand);
	ck_assert_msg(
		thousand < 5 * ten, "%.0f ns with 10 tunnels, %.0f ns with 1,000", ten, thousand);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("scale");
	TCase *t = tcase_create("scale");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, thousand_cost_as_ten);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
