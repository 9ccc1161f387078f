/* SPDX-License-Identifier: BSD-2-Clause */
/* What does not fit, both ways of DF, path limits learned and forgotten; TOS, ECN and TTL of the
 * two headers. */
#include "ref/node/pair_world_test.h"

static uint8_t big[1500];

static size_t
packet(size_t len, bool df, uint8_t tos)
{
	struct ipv4 ip = {.ttl = 64,
		.tos = tos,
		.id = 99,
		.frag = df ? IPV4_DF : 0,
		.src = IP4(10, 0, 0, 5),
		.dst = IP4(10, 2, 0, 5)};
	static uint8_t data[1472];
	struct wr wr;

	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 7);
	wr_init(&wr, big, sizeof big);
	udp_packet_write(&wr, &ip, 9, 9, data, len - 28);
	return wr.len;
}

/* What comes of one packet of the inside host: packets outside, packets inside at the other end. */
static unsigned
send(size_t len, bool df, uint8_t tos)
{
	const struct node_in in = {.kind = NODE_IN_TUN, .bytes = big, .len = packet(len, df, tos)};

	memset(w.out, 0, sizeof w.out);
	memset(w.inner, 0, sizeof w.inner);
	memset(w.told, 0, sizeof w.told);
	feed(A, &in);
	run(10 * MS, 0);
	return w.inner[P];
}

static void
mode(enum cfg_df df, bool before)
{
	extra_text = "";
	world_new(1);
	w.cfg[A].fragment_before = before;
	for (unsigned i = 0; i < w.node[A]->pair_cnt; i++)
		w.node[A]->pair[i].out.df = df == CFG_DF_COPY  ? ESP_DF_COPY
					    : df == CFG_DF_SET ? ESP_DF_SET
							       : ESP_DF_CLEAR;
	run(20 * MS, 0);
	w.node[A]->ike[0].dpd_on = false; /* no packets but ours */
}

static bool
out_df(void)
{
	return w.out_last[6] & 0x40;
}

START_TEST(cleared)
{
	mode(CFG_DF_CLEAR, false);
	ck_assert_uint_eq(send(1400, true, 0), 1);
	ck_assert(!out_df());
	/* too long: two fragments of one sealed packet, whatever DF inside says */
	for (unsigned df = 0; df < 2; df++) {
		ck_assert_uint_eq(send(1500, df, 0), 1);
		ck_assert_uint_eq(w.out[A], 2);
		ck_assert_uint_eq(w.inner_len, 1500);
		ck_assert_uint_eq(w.told[A], 0);
	}
	ck_assert_mem_eq(w.inner_last + 28, big + 28, 1472);
}
END_TEST

START_TEST(copied)
{
	size_t fits;

	mode(CFG_DF_COPY, false);
	fits = esp_inner_mtu(&w.node[A]->pair[0].out, NODE_MTU);
	ck_assert_uint_eq(send(fits, true, 0), 1);
	ck_assert(out_df());
	ck_assert_uint_eq(send(fits, false, 0), 1);
	ck_assert(!out_df());
	ck_assert_uint_eq(send(fits + 1, false, 0), 1);
	ck_assert_uint_eq(w.out[A], 2);
	/* DF, and too long: dropped, and told what would do */
	ck_assert_uint_eq(send(fits + 1, true, 0), 0);
	ck_assert_uint_eq(w.out[A], 0);
	ck_assert_uint_eq(w.told[A], 1);
	ck_assert_uint_eq(w.told_last[9], IPV4_PROTO_ICMP);
	ck_assert_mem_eq(
		w.told_last + 12, "\x0a\x00\x00\x64\x0a\x00\x00\x05", 8); /* virtual address */
	ck_assert_uint_eq(w.told_last[20], 3);
	ck_assert_uint_eq(w.told_last[21], 4);
	ck_assert_uint_eq((size_t)w.told_last[26] << 8 | w.told_last[27], fits);
	ck_assert_uint_eq(ipv4_sum(w.told_last + 20, 36, 0), 0);
	ck_assert_mem_eq(w.told_last + 28, big, 28);
	/* a host that does not listen is not told for ever */
	for (unsigned i = 0; i < 200; i++) {
		const struct node_in in = {.kind = NODE_IN_TUN, .bytes = big, .len = 1500};

		(void)packet(1500, true, 0);
		feed(A, &in);
	}
	ck_assert_uint_le(w.told[A], 30);
	ck_assert_uint_ge(w.node[A]->count[NODE_CNT_TOO_BIG], 201);
}
END_TEST

/* The outer header always carries DF: what may be fragmented is so before it is sealed. */
START_TEST(set)
{
	mode(CFG_DF_SET, false);
	ck_assert_uint_eq(send(1500, false, 0), 2);
	ck_assert_uint_eq(w.out[A], 2);
	ck_assert(out_df());
	ck_assert_uint_le(w.out_len, NODE_MTU);
	ck_assert_uint_eq(send(1500, true, 0), 0);
	ck_assert_uint_eq(w.told[A], 1);
}
END_TEST

START_TEST(before)
{
	mode(CFG_DF_CLEAR, true);
	ck_assert_uint_eq(send(1500, false, 0), 2); /* two packets, each whole outside */
	ck_assert_uint_eq(w.out[A], 2);
	ck_assert_uint_eq(w.node[A]->count[NODE_CNT_SPLIT], 1);
	ck_assert_uint_eq(send(1500, true, 0), 1); /* it may not: after */
	ck_assert_uint_eq(w.out[A], 2);
	ck_assert_uint_eq(w.node[P]->count[NODE_CNT_BAD_ICV], 0);
}
END_TEST

/* ---- the path ---- */

/* A router on the way says so, quoting what A sent last. */
static void
too_big(uint16_t mtu, uint32_t spi_xor, uint32_t seq_add, size_t quote)
{
	uint8_t frame[ETH_LEN + 256];
	struct eth e = {.dst = {{0, 0, 0x0c, 0x07, 0xac, 1}},
		.src = {{2, 9, 9, 9, 9, 9}},
		.type = ETH_TYPE_IP4};
	struct ipv4 ip = {.ttl = 64,
		.proto = IPV4_PROTO_ICMP,
		.src = IP4(10, 9, 0, 77),
		.dst = IP4(10, 9, 0, 100)};
	const struct node_in in = {
		.kind = NODE_IN_FRAME, .iface = 0, .bytes = frame, .len = ETH_LEN + 28 + quote};
	size_t udp = w.out_last[9] == IPV4_PROTO_UDP ? 8 : 0, at;
	uint32_t v[2] = {0, 0};
	uint16_t sum;
	struct wr wr;

	for (unsigned i = 0; i < 4; i++) {
		v[0] = v[0] << 8 | w.out_last[20 + udp + i];
		v[1] = v[1] << 8 | w.out_last[24 + udp + i];
	}
	v[0] ^= spi_xor;
	v[1] += seq_add;
	wr_init(&wr, frame, sizeof frame);
	eth_write(&wr, &e);
	ipv4_write(&wr, &ip, 8 + quote);
	at = wr.len;
	wr_u8(&wr, 3);
	wr_u8(&wr, 4);
	wr_u32(&wr, 0);
	wr_u16(&wr, mtu);
	wr_bytes(&wr, w.out_last, 20 + udp);
	wr_u32(&wr, v[0]);
	wr_u32(&wr, v[1]);
	while (wr.len < at + 8 + quote)
		wr_u8(&wr, 0);
	sum = ipv4_sum(frame + at, 8 + quote, 0);
	wr_patch_u16(&wr, at + 2, sum);
	feed(A, &in);
}

START_TEST(learned)
{
	struct node *n;
	size_t fits;

	mode(CFG_DF_COPY, false);
	n = w.node[A];
	ck_assert_uint_eq(send(1400, true, 0), 1);
	too_big(1300, 1, 0, 28); /* on no SPI of ours */
	too_big(1300, 0, 5, 28); /* a number that was not sent yet */
	too_big(1300, 0, 0, 24); /* cut off before the number */
	too_big(1600, 0, 0, 28); /* nothing new */
	ck_assert_uint_eq(n->count[NODE_CNT_PMTU_LEARNED], 0);
	ck_assert_uint_eq(n->count[NODE_CNT_PMTU_REFUSED], 4);
	too_big(1300, 0, 0, 28);
	ck_assert_uint_eq(n->count[NODE_CNT_PMTU_LEARNED], 1);
	fits = esp_inner_mtu(&n->pair[0].out, 1300);
	ck_assert_uint_eq(send(1400, true, 0), 0);
	ck_assert_uint_eq((size_t)w.told_last[26] << 8 | w.told_last[27], fits);
	ck_assert_uint_eq(send(fits, true, 0), 1);
	ck_assert_uint_le(w.out_len, 1300);
	ck_assert_uint_eq(send(1400, false, 0), 1); /* in fragments that fit */
	ck_assert_uint_eq(w.out[A], 2);
	ck_assert_uint_le(w.out_len, 1300);
	/* one that says 68, or nothing */
	ck_assert_uint_eq(send(fits, true, 0), 1);
	too_big(68, 0, 0, 28);
	ck_assert_uint_eq(mtu_of(n, &n->pair[0]), NODE_MTU_MIN);
	n->pair[0].pmtu = 0;
	ck_assert_uint_eq(send(1400, true, 0), 1);
	too_big(0, 0, 0, 28);
	ck_assert_uint_eq(mtu_of(n, &n->pair[0]), 1006); /* RFC 1191 7.1: the next below 1,4xx */
	/* forgotten */
	run(601 * NS_PER_S, 0);
	ck_assert_uint_eq(send(1400, true, 0), 1);
}
END_TEST

START_TEST(learned_through_nat)
{
	extra_text = "crypto ipsec df-bit copy\n";
	world_new_nat(1, NAT_PEER);
	run(20 * MS, 0);
	w.node[A]->ike[0].dpd_on = false;
	ck_assert_uint_eq(send(1300, true, 0), 1);
	too_big(1200, 0, 0, 28); /* the UDP header alone is too little */
	ck_assert_uint_eq(w.node[A]->count[NODE_CNT_PMTU_LEARNED], 0);
	too_big(1200, 0, 0, 36);
	ck_assert_uint_eq(w.node[A]->count[NODE_CNT_PMTU_LEARNED], 1);
	ck_assert_uint_eq(send(1300, true, 0), 0);
}
END_TEST

/* ---- the two headers ---- */

START_TEST(tos_ecn_ttl)
{
	static const struct {
		uint8_t inner, path, want;
	} ecn[] = {{0xb8, 0, 0xb8}, {0xb8, 3, 0xb8}, {0xb9, 3, 0xbb}, {0xba, 3, 0xbb},
		{0xba, 0, 0xba}, {0xbb, 0, 0xbb}};

	mode(CFG_DF_CLEAR, false);
	for (size_t i = 0; i < sizeof ecn / sizeof ecn[0]; i++) {
		w.mark_ce = ecn[i].path;
		ck_assert_uint_eq(send(100, false, ecn[i].inner), 1);
		ck_assert_uint_eq(w.out_last[1], ecn[i].inner);
		ck_assert_uint_eq(w.out_last[8], 64);
		ck_assert_uint_eq(w.inner_last[1], ecn[i].want);
		ck_assert_uint_eq(ipv4_sum(w.inner_last, 20, 0), 0);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mtu");
	TCase *t = tcase_create("virtual clock");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, cleared);
	tcase_add_test(t, copied);
	tcase_add_test(t, set);
	tcase_add_test(t, before);
	tcase_add_test(t, learned);
	tcase_add_test(t, learned_through_nat);
	tcase_add_test(t, tos_ecn_ttl);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
