/* SPDX-License-Identifier: BSD-2-Clause */
/* Hosts on one wire: ARP, gratuitous ARP, fragmentation, echo, streams and what is lost of them. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "harness/field/pkt.h"
#include "harness/peer/host.h"

#define QUEUE 256

static struct host *h[3];
static struct {
	int from;
	size_t len;
	uint8_t bytes[1600];
} q[QUEUE];
static size_t q_cnt, sent_cnt;
static ns_t now;
static bool cut; /* the wire loses all */
static int who[3] = {0, 1, 2};

static void
out(void *ctx, ns_t at, const uint8_t *frame, size_t len)
{
	(void)at;
	sent_cnt++;
	ck_assert_uint_le(len, 1514);
	if (cut)
		return;
	ck_assert_uint_lt(q_cnt, QUEUE);
	q[q_cnt].from = *(int *)ctx;
	q[q_cnt].len = len;
	memcpy(q[q_cnt++].bytes, frame, len);
}

static void
deliver(void)
{
	for (size_t i = 0; i < q_cnt; i++)
		for (int k = 0; k < 3; k++)
			if (h[k] && k != q[i].from)
				host_frame(h[k], now, q[i].bytes, q[i].len);
	q_cnt = 0;
}

static void
run_ms(int ms)
{
	for (ns_t end = now + ns_from_ms(ms); now < end; now += NS_PER_MS) {
		for (int k = 0; k < 3; k++)
			if (h[k] && host_deadline(h[k]) <= now)
				host_tick(h[k], now);
		for (int turns = 0; q_cnt && turns < 8; turns++)
			deliver();
	}
}

static void
setup(void)
{
	now = ns_from_s(1);
	q_cnt = sent_cnt = 0;
	cut = false;
	for (int k = 0; k < 3; k++) {
		struct host_cfg c = {.net = {.mac = {{2, 0, 0, 0, 0, (uint8_t)(k + 1)}},
					     .addr = IP4(10, 0, 0, k == 2 ? 2 : k + 1),
					     .prefix_len = 24,
					     .gateway = IP4(10, 0, 0, 2)}};

		h[k] = k == 2 ? NULL : host_new(&c, out, &who[k]);
	}
}

static void
teardown(void)
{
	for (int k = 0; k < 3; k++) {
		host_free(h[k]);
		h[k] = NULL;
	}
}

START_TEST(ping)
{
	host_ping(h[0], now, IP4(10, 0, 0, 2), 1, 1, 56);
	run_ms(5);
	ck_assert_uint_eq(host_counters(h[0])->icmp_reply_in, 1);
	ck_assert_uint_eq(host_netif(h[0])->n.arp_requests_out, 1);
	host_ping(h[0], now, IP4(10, 0, 0, 2), 1, 2, 56);
	run_ms(5);
	ck_assert_uint_eq(host_netif(h[0])->n.arp_requests_out, 1);
	ck_assert_uint_eq(host_netif(h[1])->n.arp_requests_out, 0); /* learned from the question */
	host_ping(h[0], now, IP4(10, 0, 0, 2), 1, 3, 3000);
	run_ms(5);
	ck_assert_uint_eq(host_counters(h[0])->icmp_reply_in, 3);
	ck_assert_uint_eq(host_netif(h[0])->n.frags_in, 3);
}
END_TEST

START_TEST(nobody_answers)
{
	host_ping(h[0], now, IP4(10, 0, 0, 77), 1, 1, 8);
	run_ms(2000);
	ck_assert_uint_eq(host_netif(h[0])->n.arp_requests_out, 5);
	ck_assert_uint_eq(host_netif(h[0])->n.unresolved, 1);
	ck_assert_int_eq(host_deadline(h[0]) == NS_NEVER, 1);
	host_ping(h[0], now, IP4(99, 0, 0, 1), 1, 1,
		8); /* by the gateway: its address is asked for */
	run_ms(5);
	ck_assert_uint_eq(host_counters(h[1])->ip_in, 0);
	ck_assert_ptr_nonnull(netif_lookup(host_netif(h[0]), IP4(10, 0, 0, 2)));
}
END_TEST

/* The address moves to another MAC: a gratuitous ARP is enough. */
START_TEST(gratuitous)
{
	struct host_cfg c = {
		.net = {.mac = {{2, 0, 0, 0, 0, 9}}, .addr = IP4(10, 0, 0, 2), .prefix_len = 24}};

	host_ping(h[0], now, IP4(10, 0, 0, 2), 1, 1, 8);
	run_ms(5);
	h[2] = host_new(&c, out, &who[2]);
	host_free(h[1]);
	h[1] = NULL;
	host_ping(h[0], now, IP4(10, 0, 0, 2), 1, 2, 8);
	run_ms(5);
	ck_assert_uint_eq(host_counters(h[0])->icmp_reply_in, 1);
	host_announce(h[2], now);
	run_ms(5);
	ck_assert_uint_eq(host_netif(h[0])->n.arp_changes, 1);
	ck_assert_uint_eq(host_netif(h[0])->n.arp_garp_in, 1);
	host_ping(h[0], now, IP4(10, 0, 0, 2), 1, 3, 8);
	run_ms(5);
	ck_assert_uint_eq(host_counters(h[0])->icmp_reply_in, 2);
}
END_TEST

START_TEST(udp)
{
	host_send_udp(h[0], now, IP4(10, 0, 0, 2), 1000, 2000, "abc", 3);
	run_ms(5);
	ck_assert_ptr_nonnull(host_udp(h[1], 0));
	ck_assert_uint_eq(host_udp(h[1], 0)->dport, 2000);
	ck_assert_int_eq(memcmp(host_udp(h[1], 0)->bytes, "abc", 3), 0);
	ck_assert_ptr_null(host_udp(h[1], 1));
}
END_TEST

START_TEST(stream)
{
	struct stream_result r;

	ck_assert(host_stream_start(h[0], now, 5, IP4(10, 0, 0, 2), 1000, 100, 0));
	run_ms(100);
	cut = true;
	run_ms(50);
	cut = false;
	run_ms(100);
	host_stream_stop(h[0], 5);
	run_ms(10);
	stream_judge(host_stream_tx(h[0], 5), host_stream_rx(h[1], 5), 0, NS_NEVER, &r);
	ck_assert_uint_eq(r.sent, 250);
	ck_assert_uint_eq(r.lost, 50);
	ck_assert_uint_eq(r.received, 200);
	ck_assert_uint_eq(r.lost_list[0], 101);
	ck_assert_uint_eq(r.lost_list[49], 150);
	ck_assert_uint_eq(r.longest_run, 50);
	ck_assert_int_eq(r.gap, ns_from_ms(51));
	ck_assert_int_eq(r.dark, ns_from_ms(50));
	ck_assert_uint_eq(r.duplicates, 0);
	stream_judge(host_stream_tx(h[0], 5), host_stream_rx(h[1], 5), ns_from_ms(1000),
		ns_from_ms(1100), &r);
	ck_assert_uint_eq(r.sent, 100);
	ck_assert_uint_eq(r.lost, 0);
	stream_judge(host_stream_tx(h[0], 5), NULL, 0, NS_NEVER, &r);
	ck_assert_uint_eq(r.lost, 250);
	ck_assert_uint_eq(r.longest_run, 250);
}
END_TEST

START_TEST(stream_order)
{
	struct stream_tx t;
	struct stream_rx r = {.id = 1};
	struct stream_result out_r;
	uint8_t b[64];

	stream_tx_start(&t, 0, 1, 100, 20, 4);
	for (ns_t at = 0; at < NS_PER_S; at += NS_PER_MS)
		stream_tx_due(&t, at, b, sizeof b);
	ck_assert_uint_eq(t.sent, 4);
	ck_assert_int_eq(t.next == NS_NEVER, 1);
	stream_rx_note(&r, 10, 2);
	stream_rx_note(&r, 11, 1);
	stream_rx_note(&r, 12, 2);
	stream_rx_note(&r, 13, 4);
	stream_judge(&t, &r, 0, NS_NEVER, &out_r);
	ck_assert_uint_eq(out_r.reordered, 1);
	ck_assert_uint_eq(out_r.duplicates, 1);
	ck_assert_uint_eq(out_r.lost, 1);
	ck_assert_uint_eq(out_r.lost_list[0], 3);
	stream_tx_free(&t);
	stream_rx_free(&r);
}
END_TEST

/* Pieces in any order, one twice; and pieces that contradict each other. */
START_TEST(fragments)
{
	uint8_t f[3][1600], payload[3000] = {1, 2, 3};
	size_t len[3], n = 0;

	cut = true;
	for (int k = 0; k < 2; k++) { /* each learns the other, so that sending needs no question */
		uint8_t a[64];
		struct mac m = {{2, 0, 0, 0, 0, (uint8_t)(2 - k)}},
			   own = {{2, 0, 0, 0, 0, (uint8_t)(1 + k)}};
		size_t l = pkt_put_arp(
			a, sizeof a, &own, 2, &m, IP4(10, 0, 0, 2 - k), &own, IP4(10, 0, 0, 1 + k));

		host_frame(h[k], now, a, l);
	}
	cut = false;
	host_send_udp(h[0], now, IP4(10, 0, 0, 2), 1, 2, payload, sizeof payload);
	ck_assert_uint_eq(q_cnt, 3);
	for (; n < 3; n++) {
		len[n] = q[n].len;
		memcpy(f[n], q[n].bytes, q[n].len);
	}
	q_cnt = 0;
	host_frame(h[1], now, f[2], len[2]);
	host_frame(h[1], now, f[0], len[0]);
	host_frame(h[1], now, f[0], len[0]);
	ck_assert_uint_eq(host_counters(h[1])->udp_in, 0);
	host_frame(h[1], now, f[1], len[1]);
	ck_assert_uint_eq(host_counters(h[1])->udp_in, 1);
	ck_assert_uint_eq(host_udp(h[1], 0)->len, 3000);
	host_frame(h[1], now, f[0], len[0]);
	now += ns_from_s(20);
	ck_assert_int_eq(host_deadline(h[1]) <= now, 1);
	host_tick(h[1], now);
	ck_assert_uint_eq(host_netif(h[1])->n.reasm_timeout, 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("host");
	TCase *t = tcase_create("host");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, ping);
	tcase_add_test(t, nobody_answers);
	tcase_add_test(t, gratuitous);
	tcase_add_test(t, udp);
	tcase_add_test(t, stream);
	tcase_add_test(t, stream_order);
	tcase_add_test(t, fragments);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
