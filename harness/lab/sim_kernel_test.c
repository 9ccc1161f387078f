/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulated kernel: which way a packet takes (address of ours, policy, routes, TUN device), what
 * it says itself, and what happens when carriers and the process go.
 */
#include <check.h>
#include <string.h>

#include "harness/field/pkt.h"
#include "harness/lab/sim_kernel.h"

#define OUTSIDE 0
#define INSIDE 1
#define OUR_OUT IP4(172, 16, 31, 1)
#define OUR_IN IP4(10, 0, 0, 1)
#define PEER IP4(172, 16, 31, 200)
#define HOST IP4(10, 0, 0, 50)
#define FAR_HOST IP4(10, 2, 0, 50)
#define ELSEWHERE IP4(192, 0, 2, 1)

static const struct mac macs[SIMK_IFS] = {{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}};
static const struct mac theirs = {{2, 0, 0, 0, 0, 9}};

static struct seen {
	unsigned frames[SIMK_IFS], tuns, locals;
	struct pkt last; /* of the last frame that is no ARP */
	uint8_t bytes[2048];
	unsigned arps;
	ip4_t asked;
} seen;

static struct simk *k;
static ns_t now;

static void
frame_out(void *ctx, unsigned iface, const uint8_t *bytes, size_t len)
{
	struct pkt p;

	(void)ctx;
	(void)pkt_parse(&p, bytes, len);
	if (p.is_arp) {
		seen.arps++;
		seen.asked = p.arp_tpa;
		return;
	}
	seen.frames[iface]++;
	memcpy(seen.bytes, bytes, len);
	ck_assert(pkt_parse(&seen.last, seen.bytes, len));
}

static void
tun_out(void *ctx, const uint8_t *packet, size_t len)
{
	(void)ctx;
	ck_assert_uint_ge(len, 20);
	ck_assert_uint_eq(packet[0], 0x45);
	seen.tuns++;
}

static void
local_in(void *ctx, const uint8_t *packet, size_t len)
{
	struct pkt p;

	(void)ctx;
	ck_assert(pkt_parse_ip(&p, packet, len) && p.is_tcp);
	seen.locals++;
}

/* Both nets, a default way outside, and the two rules that a crypto ACL gives. */
static void
configure(void)
{
	static struct simk_cfg c;

	c = (struct simk_cfg){.addr_cnt = 2, .route_cnt = 1, .policy_cnt = 2};
	c.addr[0] = (struct simk_addr){OUTSIDE, OUR_OUT, 24};
	c.addr[1] = (struct simk_addr){INSIDE, OUR_IN, 24};
	c.route[0] = (struct simk_route){{0, 0}, IP4(172, 16, 31, 254)};
	c.policy[0] = (struct simk_policy){OUTSIDE, {IP4(10, 2, 0, 0), 24}, {IP4(10, 0, 0, 0), 24}, 0,
		0, 0, SIMK_DROP};
	c.policy[1] = (struct simk_policy){-1, {IP4(10, 0, 0, 0), 24}, {IP4(10, 2, 0, 0), 24}, 0, 0, 0,
		SIMK_TUNNEL};
	simk_configure(k, &c);
}

static void
setup(void)
{
	memset(&seen, 0, sizeof(seen));
	now = NS_PER_S;
	k = simk_new(macs, 2, &(struct simk_out){NULL, frame_out, tun_out, local_in});
	simk_carrier(k, OUTSIDE, true);
	simk_carrier(k, INSIDE, true);
	configure();
	simk_hold(k, true);
}

static void
teardown(void)
{
	simk_free(k);
}

static size_t
udp(uint8_t *ip, ip4_t src, ip4_t dst, uint8_t ttl, size_t len, bool df)
{
	static const uint8_t body[2000];

	return pkt_put_udp(ip, 2048, &(struct pkt_ip){.src = src, .dst = dst, .ttl = ttl, .df = df}, 9, 9,
		body, len);
}

static void
arrive(unsigned iface, const uint8_t *ip, size_t len)
{
	uint8_t f[2100];
	size_t head = pkt_put_eth(f, sizeof(f), &macs[iface], &theirs, PKT_ETH_IP4);

	memcpy(f + head, ip, len);
	simk_frame(k, now, iface, f, head + len);
}

static void
arrive_udp(unsigned iface, ip4_t src, ip4_t dst, uint8_t ttl, size_t len, bool df)
{
	uint8_t ip[2048];

	arrive(iface, ip, udp(ip, src, dst, ttl, len, df));
}

/* Whoever was asked for answers. */
static void
answer_arp(unsigned iface, ip4_t who, ip4_t us)
{
	uint8_t f[64];
	size_t len = pkt_put_arp(f, sizeof(f), &macs[iface], 2, &theirs, who, &macs[iface], us);

	ck_assert_uint_eq(seen.asked, who);
	simk_frame(k, now, iface, f, len);
}

START_TEST(it_forwards)
{
	arrive_udp(OUTSIDE, ELSEWHERE, HOST, 64, 100, false);
	ck_assert_uint_eq(seen.arps, 1);
	ck_assert_uint_eq(seen.frames[INSIDE], 0);
	answer_arp(INSIDE, HOST, OUR_IN);
	ck_assert_uint_eq(seen.frames[INSIDE], 1);
	ck_assert_uint_eq(seen.last.ttl, 63);
	ck_assert(mac_equal(&seen.last.dst_mac, &theirs));
	arrive_udp(INSIDE, HOST, ELSEWHERE, 64, 100, false); /* by the default way */
	answer_arp(OUTSIDE, IP4(172, 16, 31, 254), OUR_OUT);
	ck_assert_uint_eq(seen.frames[OUTSIDE], 1);
	ck_assert_uint_eq(seen.last.dst, ELSEWHERE);
}
END_TEST

START_TEST(policy_goes_before_routes)
{
	arrive_udp(INSIDE, HOST, FAR_HOST, 64, 100, false);
	ck_assert_uint_eq(seen.tuns, 1);
	arrive_udp(OUTSIDE, FAR_HOST, HOST, 64, 100, false); /* in clear, and should not be */
	ck_assert_uint_eq(seen.arps + seen.frames[INSIDE], 0);
}
END_TEST

/* The blackhole: without a process nothing of it leaves in clear. */
START_TEST(without_a_process_the_tunnel_is_a_hole)
{
	simk_hold(k, false);
	arrive_udp(INSIDE, HOST, FAR_HOST, 64, 100, false);
	ck_assert_uint_eq(seen.tuns + seen.arps + seen.frames[OUTSIDE], 0);
	simk_hold(k, true);
	arrive_udp(INSIDE, HOST, FAR_HOST, 64, 100, false);
	ck_assert_uint_eq(seen.tuns, 1);
}
END_TEST

START_TEST(reverse_routes_come_and_go)
{
	const struct ip4_net net = {IP4(192, 0, 2, 0), 24};

	ck_assert(simk_route(k, true, net));
	ck_assert(!simk_route(k, true, net)); /* it is there */
	arrive_udp(INSIDE, HOST, ELSEWHERE, 64, 100, false);
	ck_assert_uint_eq(seen.tuns, 1);
	ck_assert(simk_route(k, false, net));
	ck_assert(!simk_route(k, false, net));
	ck_assert(simk_route(k, true, net));
	simk_hold(k, false); /* they die with the process */
	ck_assert(!simk_routed(k, net));
	ck_assert(!simk_route(k, true, net));
}
END_TEST

START_TEST(an_echo_is_answered)
{
	const uint8_t echo[16] = {8, 0, 0xf7, 0xff}; /* its checksum is right */
	uint8_t ip[64];

	arrive(OUTSIDE, ip,
		pkt_put_ip(ip, sizeof(ip),
			&(struct pkt_ip){.src = PEER, .dst = OUR_OUT, .proto = PKT_ICMP, .ttl = 64}, echo,
			sizeof(echo)));
	answer_arp(OUTSIDE, PEER, OUR_OUT);
	ck_assert(seen.last.is_icmp && seen.last.icmp_type == 0);
	ck_assert_uint_eq(seen.last.dst, PEER);
}
END_TEST

static void
expect_error(uint8_t type, ip4_t to)
{
	ck_assert_msg(seen.last.is_icmp && seen.last.icmp_type == type, "expected ICMP type %u", type);
	ck_assert_uint_eq(seen.last.dst, to);
}

START_TEST(errors_are_told)
{
	arrive_udp(INSIDE, HOST, ELSEWHERE, 1, 100, false); /* its time is over */
	answer_arp(INSIDE, HOST, OUR_IN);
	expect_error(11, HOST);
	arrive_udp(INSIDE, HOST, ELSEWHERE, 64, 1480, true); /* too long, may not be cut */
	expect_error(3, HOST);
	ck_assert_uint_eq(seen.frames[INSIDE], 2);
	arrive_udp(INSIDE, HOST, OUR_IN, 64, 100, false); /* no such port */
	expect_error(3, HOST);
	ck_assert_uint_eq(seen.last.src, OUR_IN);
	for (int i = 0; i < 20; i++)
		arrive_udp(INSIDE, HOST, ELSEWHERE, 1, 100, false);
	ck_assert_uint_eq(seen.frames[INSIDE], 6); /* and no more than that at once */
}
END_TEST

START_TEST(tcp_goes_up)
{
	uint8_t segment[20] = {0x80, 0, 0x0c, 0xb1, [12] = 5 << 4, [13] = 2}, ip[64];
	size_t len = pkt_put_ip(ip, sizeof(ip),
		&(struct pkt_ip){.src = PEER, .dst = OUR_OUT, .proto = PKT_TCP, .ttl = 64}, segment, 20);

	pkt_put_sum(ip + 20 + 16, pkt_sum(ip + 20, 20, pkt_sum(ip + 12, 8, PKT_TCP + 20)));
	arrive(OUTSIDE, ip, len);
	ck_assert_uint_eq(seen.locals, 1);
	arrive(INSIDE, ip, len); /* an address of ours, whatever interface it comes by */
	ck_assert_uint_eq(seen.locals, 2);
}
END_TEST

START_TEST(what_is_for_another_mac_is_not_ours)
{
	uint8_t f[2100], ip[2048];
	size_t len = udp(ip, ELSEWHERE, HOST, 64, 100, false);
	size_t head = pkt_put_eth(f, sizeof(f), &theirs, &theirs, PKT_ETH_IP4);

	memcpy(f + head, ip, len);
	simk_frame(k, now, OUTSIDE, f, head + len);
	ck_assert_uint_eq(seen.arps + seen.frames[INSIDE], 0);
}
END_TEST

START_TEST(a_carrier_takes_its_neighbours_with_it)
{
	arrive_udp(OUTSIDE, ELSEWHERE, HOST, 64, 100, false);
	answer_arp(INSIDE, HOST, OUR_IN);
	simk_carrier(k, INSIDE, false);
	ck_assert(!simk_running(k, INSIDE));
	arrive_udp(OUTSIDE, ELSEWHERE, HOST, 64, 100, false);
	ck_assert_uint_eq(seen.frames[INSIDE], 1);
	simk_carrier(k, INSIDE, true);
	arrive_udp(OUTSIDE, ELSEWHERE, HOST, 64, 100, false);
	ck_assert_uint_eq(seen.arps, 2); /* it has to ask again */
	ck_assert_uint_eq(seen.frames[INSIDE], 1);
}
END_TEST

START_TEST(an_arp_question_is_repeated_and_given_up)
{
	arrive_udp(OUTSIDE, ELSEWHERE, HOST, 64, 100, false);
	for (int i = 0; i < 10 && simk_deadline(k) != NS_NEVER; i++) {
		now = simk_deadline(k);
		simk_tick(k, now);
	}
	ck_assert_uint_eq(seen.arps, 3);
	ck_assert_int_eq(simk_deadline(k), NS_NEVER);
	ck_assert_uint_eq(seen.frames[INSIDE], 0);
}
END_TEST

START_TEST(raw_packets_keep_to_their_interface)
{
	uint8_t ip[2048];
	size_t len = udp(ip, OUR_OUT, PEER, 64, 100, false);

	ck_assert(simk_raw(k, now, OUTSIDE, ip, len));
	answer_arp(OUTSIDE, PEER, OUR_OUT);
	ck_assert_uint_eq(seen.frames[OUTSIDE], 1);
	ck_assert(!simk_raw(k, now, INSIDE, ip, len)); /* no way to it from there */
	len = udp(ip, OUR_OUT, PEER, 64, 1480, false);
	ck_assert(!simk_raw(k, now, OUTSIDE, ip, len)); /* too long */
	simk_carrier(k, OUTSIDE, false);
	ck_assert(!simk_raw(k, now, OUTSIDE, ip, 128));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sim_kernel");
	TCase *t = tcase_create("sim_kernel");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, it_forwards);
	tcase_add_test(t, policy_goes_before_routes);
	tcase_add_test(t, without_a_process_the_tunnel_is_a_hole);
	tcase_add_test(t, reverse_routes_come_and_go);
	tcase_add_test(t, an_echo_is_answered);
	tcase_add_test(t, errors_are_told);
	tcase_add_test(t, tcp_goes_up);
	tcase_add_test(t, what_is_for_another_mac_is_not_ours);
	tcase_add_test(t, a_carrier_takes_its_neighbours_with_it);
	tcase_add_test(t, an_arp_question_is_repeated_and_given_up);
	tcase_add_test(t, raw_packets_keep_to_their_interface);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
