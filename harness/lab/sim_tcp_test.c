/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two of the small TCPs, joined by a wire that loses, copies and reorders by seed: what one sends
 * the other gets, once and in order; and the ends that a connection can have.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "harness/field/pkt.h"
#include "harness/lab/sim_tcp.h"

#define ADDR_A IP4(10, 255, 0, 1)
#define ADDR_B IP4(10, 255, 0, 2)
#define PORT 3249
#define WIRE (200 * NS_PER_US)
#define FLIGHTS 512

enum { A, B };

struct flight {
	ns_t at;
	int to;
	size_t len;
	uint8_t bytes[1600];
};

static struct net {
	struct simt *t[2];
	ns_t now;
	struct flight *f[FLIGHTS];
	unsigned cnt, packets;
	uint32_t chance;
	unsigned lose, copy, late; /* of 100 */
	bool cut;
	int conn[2];
	unsigned connected, accepted, closed[2];
	uint8_t got[2][400000];
	size_t got_len[2];
	uint8_t last_flags[2];
} net;

static unsigned
percent(void)
{
	net.chance = net.chance * 1664525u + 1013904223u;
	return (net.chance >> 16) % 100;
}

static void
fly(int to, ns_t at, const uint8_t *packet, size_t len)
{
	struct flight *f = malloc(sizeof(*f));

	ck_assert_uint_lt(net.cnt, FLIGHTS);
	ck_assert_uint_le(len, sizeof(f->bytes));
	*f = (struct flight){.at = at, .to = to, .len = len};
	memcpy(f->bytes, packet, len);
	net.f[net.cnt++] = f;
}

static void
packet_out(int from, ns_t now, const uint8_t *packet, size_t len)
{
	ns_t at = now + WIRE + (percent() < net.late ? 5 * WIRE : 0);
	struct pkt p;

	ck_assert(pkt_parse_ip(&p, packet, len) && p.is_tcp); /* with right checksums */
	net.last_flags[from] = p.tcp_flags;
	net.packets++;
	if (net.cut || percent() < net.lose)
		return;
	fly(!from, at, packet, len);
	if (percent() < net.copy)
		fly(!from, at + WIRE, packet, len);
}

static void
event(int me, enum simt_event e, int conn, const uint8_t *bytes, size_t len)
{
	switch (e) {
	case SIMT_CONNECTED:
		net.connected++;
		break;
	case SIMT_ACCEPTED:
		net.accepted++;
		net.conn[me] = conn;
		break;
	case SIMT_DATA:
		ck_assert_uint_le(net.got_len[me] + len, sizeof(net.got[me]));
		memcpy(net.got[me] + net.got_len[me], bytes, len);
		net.got_len[me] += len;
		break;
	case SIMT_CLOSED:
		net.closed[me]++;
		break;
	}
}

static void
out_a(void *ctx, ns_t now, const uint8_t *packet, size_t len)
{
	(void)ctx;
	packet_out(A, now, packet, len);
}

static void
out_b(void *ctx, ns_t now, const uint8_t *packet, size_t len)
{
	(void)ctx;
	packet_out(B, now, packet, len);
}

static void
event_a(void *ctx, ns_t now, enum simt_event e, int conn, ip4_t from, const uint8_t *bytes, size_t len)
{
	(void)ctx;
	(void)now;
	ck_assert_uint_eq(from, ADDR_B);
	event(A, e, conn, bytes, len);
}

static void
event_b(void *ctx, ns_t now, enum simt_event e, int conn, ip4_t from, const uint8_t *bytes, size_t len)
{
	(void)ctx;
	(void)now;
	ck_assert_uint_eq(from, ADDR_A);
	event(B, e, conn, bytes, len);
}

static void
setup(void)
{
	memset(&net, 0, sizeof(net));
	net.now = NS_PER_S;
	net.t[A] = simt_new(1, &(struct simt_out){NULL, out_a, event_a});
	net.t[B] = simt_new(2, &(struct simt_out){NULL, out_b, event_b});
}

static void
teardown(void)
{
	for (unsigned i = 0; i < net.cnt; i++)
		free(net.f[i]);
	simt_free(net.t[A]);
	simt_free(net.t[B]);
}

/* Time goes from event to event. */
static void
run(ns_t span)
{
	ns_t until = net.now + span;

	for (;;) {
		ns_t next = ns_min(simt_deadline(net.t[A]), simt_deadline(net.t[B]));
		unsigned first = net.cnt;

		for (unsigned i = 0; i < net.cnt; i++)
			if (net.f[i]->at <= next) {
				next = net.f[i]->at;
				first = i;
			}
		if (next > until)
			break;
		net.now = next > net.now ? next : net.now;
		if (first < net.cnt) {
			struct flight *f = net.f[first];

			memmove(net.f + first, net.f + first + 1,
				(net.cnt - first - 1) * sizeof(net.f[0]));
			net.cnt--;
			simt_packet(net.t[f->to], net.now, f->bytes, f->len);
			free(f);
		}
		simt_tick(net.t[A], net.now);
		simt_tick(net.t[B], net.now);
	}
	net.now = until;
}

static void
meet(void)
{
	simt_listen(net.t[B], ADDR_B, PORT);
	net.conn[A] = simt_connect(net.t[A], net.now, ADDR_A, ADDR_B, PORT);
	ck_assert_int_ge(net.conn[A], 0);
	run(20 * NS_PER_S);
	ck_assert_uint_eq(net.connected, 1);
	ck_assert_uint_eq(net.accepted, 1);
}

START_TEST(they_meet)
{
	uint16_t local, remote;

	meet();
	ck_assert_uint_eq(net.packets, 3);
	simt_ports(net.t[A], net.conn[A], &local, &remote);
	ck_assert_uint_eq(remote, PORT);
	ck_assert_uint_ge(local, 32768);
	ck_assert_int_eq(simt_deadline(net.t[A]), NS_NEVER); /* nothing is out */
}
END_TEST

static uint8_t
octet(size_t i)
{
	return (uint8_t)(i * 31 + (i >> 8));
}

static void
send_much(int from, size_t len, size_t piece)
{
	uint8_t b[5000];

	for (size_t at = 0; at < len; at += piece) {
		size_t n = len - at < piece ? len - at : piece;

		for (size_t i = 0; i < n; i++)
			b[i] = octet(at + i);
		simt_send(net.t[from], net.now, net.conn[from], b, n);
		run(NS_PER_MS);
	}
}

static void
expect_all(int at, size_t len)
{
	ck_assert_uint_eq(net.got_len[at], len);
	for (size_t i = 0; i < len; i++)
		ck_assert_msg(net.got[at][i] == octet(i), "octet %zu", i);
}

START_TEST(bytes_arrive_in_order)
{
	meet();
	send_much(A, 100000, 4999);
	send_much(B, 3000, 7);
	run(NS_PER_S);
	expect_all(B, 100000);
	expect_all(A, 3000);
}
END_TEST

START_TEST(a_bad_line_changes_nothing_but_time)
{
	for (uint32_t seed = 1; seed <= 40; seed++) {
		teardown();
		setup();
		net.chance = seed;
		net.lose = seed % 25;
		net.copy = seed % 7 * 5;
		net.late = seed % 11 * 4;
		meet();
		send_much(A, 20000, 1000);
		send_much(B, 5000, 333);
		run(300 * NS_PER_S);
		expect_all(B, 20000);
		expect_all(A, 5000);
		ck_assert_uint_eq(net.closed[A] + net.closed[B], 0);
	}
}
END_TEST

/* RFC 6298: 200 ms after the handshake measured a quick line, then twice as long each time. */
START_TEST(a_cut_line_is_tried_again_with_patience)
{
	unsigned before;

	meet();
	net.cut = true;
	simt_send(net.t[A], net.now, net.conn[A], (const uint8_t *)"x", 1);
	before = net.packets;
	run(190 * NS_PER_MS);
	ck_assert_uint_eq(net.packets, before);
	run(20 * NS_PER_MS);
	ck_assert_uint_eq(net.packets, before + 1);
	run(380 * NS_PER_MS);
	ck_assert_uint_eq(net.packets, before + 1);
	run(1000 * NS_PER_MS);
	ck_assert_uint_eq(net.packets, before + 3); /* at 600 and 1,400 ms */
	net.cut = false;
	run(2 * NS_PER_S);
	ck_assert_uint_eq(net.got_len[B], 1);
}
END_TEST

START_TEST(nobody_listens)
{
	net.conn[A] = simt_connect(net.t[A], net.now, ADDR_A, ADDR_B, PORT);
	run(NS_PER_S / 2);
	ck_assert_uint_eq(net.closed[A], 1);
	ck_assert_uint_eq(net.last_flags[B], 4 | 16); /* RST, ACK */
	ck_assert_int_eq(simt_deadline(net.t[A]), NS_NEVER);
}
END_TEST

START_TEST(a_reset_ends_both)
{
	meet();
	simt_reset(net.t[A], net.now, net.conn[A]);
	run(NS_PER_S);
	ck_assert_uint_eq(net.closed[A], 0); /* who does it is not told */
	ck_assert_uint_eq(net.closed[B], 1);
	net.connected = net.accepted = 0;
	meet(); /* and the places are free */
}
END_TEST

START_TEST(a_dead_process_says_fin)
{
	meet();
	simt_abandon(net.t[B], net.now);
	ck_assert_uint_eq(net.last_flags[B], 1 | 16); /* FIN, ACK */
	run(NS_PER_S);
	ck_assert_uint_eq(net.closed[A], 1);
	net.conn[A] = simt_connect(net.t[A], net.now, ADDR_A, ADDR_B, PORT);
	run(NS_PER_S);
	ck_assert_uint_eq(net.closed[A], 2); /* nobody listens any more */
}
END_TEST

/* RFC 9293 3.5.2: what belongs to no connection. */
START_TEST(a_forgotten_connection_is_reset)
{
	meet();
	simt_free(net.t[B]);
	net.t[B] = simt_new(3, &(struct simt_out){NULL, out_b, event_b});
	simt_send(net.t[A], net.now, net.conn[A], (const uint8_t *)"x", 1);
	run(NS_PER_S);
	ck_assert_uint_eq(net.closed[A], 1);
}
END_TEST

START_TEST(a_blind_reset_is_ignored)
{
	uint16_t local, remote;
	uint8_t segment[20] = {0}, packet[64];
	uint32_t pseudo;
	size_t len;

	meet();
	simt_ports(net.t[A], net.conn[A], &local, &remote);
	segment[0] = (uint8_t)(remote >> 8);
	segment[1] = (uint8_t)remote;
	segment[2] = (uint8_t)(local >> 8);
	segment[3] = (uint8_t)local;
	segment[4] = 0x77; /* a number far from the window: drawn seeds give another */
	segment[12] = 5 << 4;
	segment[13] = 4;
	len = pkt_put_ip(packet, sizeof(packet),
		&(struct pkt_ip){.src = ADDR_B, .dst = ADDR_A, .proto = PKT_TCP, .ttl = 64}, segment, 20);
	pseudo = pkt_sum(packet + 12, 8, PKT_TCP + 20);
	pkt_put_sum(packet + 20 + 16, pkt_sum(packet + 20, 20, pseudo));
	simt_packet(net.t[A], net.now, packet, len);
	ck_assert_uint_eq(net.closed[A], 0);
	send_much(A, 10, 10);
	run(NS_PER_S);
	expect_all(B, 10);
}
END_TEST

START_TEST(spoilt_octets_are_not_taken)
{
	struct flight *f;

	meet();
	simt_send(net.t[A], net.now, net.conn[A], (const uint8_t *)"abc", 3);
	f = net.f[net.cnt - 1];
	f->bytes[f->len - 1] ^= 1;
	run(100 * NS_PER_MS);
	ck_assert_uint_eq(net.got_len[B], 0);
	run(NS_PER_S); /* sent again */
	ck_assert_uint_eq(net.got_len[B], 3);
	ck_assert_int_eq(memcmp(net.got[B], "abc", 3), 0);
}
END_TEST

START_TEST(eight_connections_and_no_more)
{
	for (int i = 0; i < SIMT_CONNS; i++)
		ck_assert_int_ge(simt_connect(net.t[A], net.now, ADDR_A, ADDR_B, PORT), 0);
	ck_assert_int_eq(simt_connect(net.t[A], net.now, ADDR_A, ADDR_B, PORT), -1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sim_tcp");
	TCase *t = tcase_create("sim_tcp");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, they_meet);
	tcase_add_test(t, bytes_arrive_in_order);
	tcase_add_test(t, a_bad_line_changes_nothing_but_time);
	tcase_add_test(t, a_cut_line_is_tried_again_with_patience);
	tcase_add_test(t, nobody_listens);
	tcase_add_test(t, a_reset_ends_both);
	tcase_add_test(t, a_dead_process_says_fin);
	tcase_add_test(t, a_forgotten_connection_is_reset);
	tcase_add_test(t, a_blind_reset_is_ignored);
	tcase_add_test(t, spoilt_octets_are_not_taken);
	tcase_add_test(t, eight_connections_and_no_more);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
