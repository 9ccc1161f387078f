/* SPDX-License-Identifier: BSD-2-Clause */
/* NAT traversal: two peers, with and without a NAT between them; either begins; mappings change. */
#include "harness/peer/peer_test_util.h"

static void
natt_cfg(struct peer_cfg *a, struct peer_cfg *b)
{
	*a = wire_cfg(0);
	*b = wire_cfg(1);
	a->natt.on = b->natt.on = true;
}

static uint64_t
received(int side)
{
	return peer_counters(wire.p[side])->stream_in;
}

/* Five packets each way arrive. */
static void
traffic(void)
{
	uint64_t at0 = received(0), at1 = received(1);

	ck_assert(peer_stream_start(wire.p[0], wire.now, 1, IP4(10, 2, 0, 9), 100, 200, 5));
	wire_for_ms(100);
	ck_assert(peer_stream_start(wire.p[1], wire.now, 2, IP4(10, 1, 0, 9), 100, 200, 5));
	wire_for_ms(100);
	ck_assert_uint_eq(received(1) - at1, 5);
	ck_assert_uint_eq(received(0) - at0, 5);
	ck_assert_uint_eq(peer_counters(wire.p[0])->esp_wrong_encap, 0);
	ck_assert_uint_eq(peer_counters(wire.p[1])->esp_wrong_encap, 0);
}

static void
up(int who)
{
	peer_initiate(wire.p[who], wire.now);
	wire_for_ms(200);
	ck_assert(peer_is_up(wire.p[0]) && peer_is_up(wire.p[1]));
	ck_assert_uint_eq(peer_counters(wire.p[0])->ike_refused, 0);
	ck_assert_uint_eq(peer_counters(wire.p[1])->ike_refused, 0);
}

static struct pkt
last(int side)
{
	struct pkt k;

	ck_assert(pkt_parse(&k, wire.last[side].bytes, wire.last[side].len));
	return k;
}

/* Both can, and there is no NAT: nothing moves, nothing is encapsulated (RFC 3947 5.1). */
START_TEST(no_nat)
{
	struct peer_cfg a, b;

	natt_cfg(&a, &b);
	b.natt.locals = 3; /* several of our own: one that matches is enough (3.2) */
	a.natt.locals = 2;
	wire_start(&a, &b);
	up(_i);
	ck_assert(peer_phase1(wire.p[0])->natt && !peer_phase1(wire.p[0])->nat_here);
	ck_assert(!peer_phase1(wire.p[0])->nat_there && !peer_phase2(wire.p[0])->udp);
	traffic();
	ck_assert_uint_eq(last(0).proto, PKT_ESP);
	wire_stop();
}
END_TEST

START_TEST(only_one_knows)
{
	struct peer_cfg a, b;

	natt_cfg(&a, &b);
	b.natt.on = false;
	a.natt.fake = true;
	wire_start(&a, &b);
	up(_i);
	ck_assert(!peer_phase1(wire.p[0])->natt && !peer_phase2(wire.p[0])->udp);
	traffic();
	wire_stop();
}
END_TEST

START_TEST(behind_nat)
{
	struct peer_cfg a, b;
	struct pkt k;

	natt_cfg(&a, &b);
	wire_start_nat(&a, &b, NULL);
	up(0);
	ck_assert(peer_phase1(wire.p[0])->nat_here && !peer_phase1(wire.p[0])->nat_there);
	ck_assert(!peer_phase1(wire.p[1])->nat_here && peer_phase1(wire.p[1])->nat_there);
	ck_assert(peer_phase2(wire.p[0])->udp && peer_phase2(wire.p[1])->udp);
	traffic();
	k = last(0);
	ck_assert(k.is_esp && k.is_udp && k.dport == 4500);
	ck_assert_uint_eq(k.sport, natbox_public(wire.nat, IP4(192, 168, 77, 2), 4500));
	ck_assert(!(k.l4[6] | k.l4[7])); /* RFC 3948 2.1 */
	k = last(1);
	ck_assert_uint_eq(k.dport, natbox_public(wire.nat, IP4(192, 168, 77, 2), 4500));
	/* The side without the NAT begins, too: DPD, another pair, and a rekey of phase 1 (4). */
	peer_dpd_probe(wire.p[1], wire.now);
	peer_initiate(wire.p[1], wire.now);
	wire_for_ms(100);
	peer_initiate_phase1(wire.p[1], wire.now);
	wire_for_ms(100);
	ck_assert_uint_eq(peer_counters(wire.p[0])->phase1_up, 2);
	ck_assert_uint_eq(peer_counters(wire.p[0])->phase2_up, 2);
	ck_assert(peer_phase1(wire.p[0])->nat_here && peer_phase1(wire.p[1])->nat_there);
	ck_assert_uint_eq(peer_counters(wire.p[1])->dpd_acked, 1);
	traffic();
	/* One key for each SA, whatever the addresses; and both readings of it are one. */
	ck_assert_uint_eq(wire.ring[0].esp_cnt, 4);
	wire_stop();
}
END_TEST

/* What strongSwan's user-space ESP does: a false hash, so that both encapsulate. */
START_TEST(faked)
{
	struct peer_cfg a, b;

	natt_cfg(&a, &b);
	a.natt.fake = true;
	wire_start(&a, &b);
	up(_i);
	ck_assert(peer_phase2(wire.p[0])->udp && peer_phase2(wire.p[1])->udp);
	ck_assert(!peer_phase1(wire.p[0])->nat_here && peer_phase1(wire.p[1])->nat_there);
	traffic();
	ck_assert_uint_eq(last(0).dport, 4500);
	ck_assert_uint_eq(last(0).sport, 4500);
	wire_stop();
}
END_TEST

/* The far end is behind the NAT: its address and ports are others here, and a begins or b does. */
START_TEST(far_behind_nat)
{
	struct natbox_cfg n = {.far = IP4(192, 0, 2, 2),
		.far_seen = IP4(198, 51, 100, 7),
		.far_500 = 33333,
		.far_4500 = 44444,
		.keep_ports = true};
	struct peer_cfg a, b;

	natt_cfg(&a, &b);
	a.remote = IP4(198, 51, 100, 7);
	a.remote_id = IP4(192, 0, 2, 2);
	a.natt.port = 33333;
	a.natt.port_natt = 44444;
	n.inner = IP4(192, 168, 77, 2);
	wire_start_nat(&a, &b, &n);
	up(_i);
	ck_assert(peer_phase1(wire.p[1])->nat_here && peer_phase1(wire.p[0])->nat_there);
	traffic();
	ck_assert_uint_eq(natbox_counters(wire.nat)->no_mapping, 0);
	wire_stop();
}
END_TEST

/* RFC 3947 7: a new port, a new address; ESP or IKE tells; a replayed packet does not. */
START_TEST(mapping_changes)
{
	ip4_t inner = IP4(192, 168, 77, 2);
	struct peer_cfg a, b;
	struct peer_event e;
	uint64_t before;

	natt_cfg(&a, &b);
	wire_start_nat(&a, &b, NULL);
	up(0);
	traffic();
	natbox_restart(wire.nat);
	traffic(); /* a speaks first, so b knows before it answers */
	ck_assert_uint_eq(peer_event_cnt(wire.p[1], PEER_EV_MAPPING, 0, &e), 1);
	ck_assert_uint_eq(e.value, natbox_public(wire.nat, inner, 4500));
	natbox_remap(wire.nat, inner, 4500, 5555);
	natbox_move(wire.nat, wire.now, IP4(192, 0, 2, 77));
	wire_for_ms(10);
	peer_dpd_probe(wire.p[0], wire.now); /* IKE is enough */
	wire_for_ms(10);
	ck_assert_uint_eq(peer_event_cnt(wire.p[1], PEER_EV_MAPPING, 0, &e), 2);
	ck_assert(e.value == 5555 && e.addr == IP4(192, 0, 2, 77));
	ck_assert_uint_eq(peer_counters(wire.p[0])->dpd_acked, 1);
	traffic();
	peer_dpd_probe(wire.p[1], wire.now); /* and IKE of the other side goes there, too */
	wire_for_ms(10);
	ck_assert_uint_eq(peer_counters(wire.p[1])->dpd_acked, 1);
	/* A keepalive, or an old packet, from elsewhere moves nothing. */
	before = peer_counters(wire.p[1])->mappings;
	natbox_remap(wire.nat, inner, 4500, 6666);
	peer_keepalive(wire.p[0], wire.now);
	ck_assert(peer_replay(wire.p[0], wire.now, 0));
	ck_assert(peer_replay(wire.p[0], wire.now, 3));
	wire_for_ms(10);
	ck_assert_uint_eq(peer_counters(wire.p[1])->mappings, before);
	ck_assert_uint_eq(peer_counters(wire.p[1])->keepalives_in, 1);
	ck_assert_uint_eq(peer_counters(wire.p[1])->esp_replays, 2);
	traffic();
	wire_stop();
}
END_TEST

/* RFC 3948 4: only who is behind the NAT, only when nothing else goes; the mapping lives. */
START_TEST(keepalives)
{
	struct natbox_cfg n = {.timeout = ns_from_s(30)};
	struct peer_cfg a, b;

	natt_cfg(&a, &b);
	a.natt.keepalive = _i ? NS_NEVER : 0;
	wire_start_nat(&a, &b, &n);
	up(0);
	wire_for_ms(100000);
	ck_assert_uint_eq(peer_counters(wire.p[0])->keepalives_out, _i ? 0 : 5);
	ck_assert_uint_eq(peer_counters(wire.p[1])->keepalives_in, _i ? 0 : 5);
	ck_assert_uint_eq(peer_counters(wire.p[1])->keepalives_out, 0);
	peer_ping(wire.p[1], wire.now, IP4(10, 1, 0, 9), 1, 1, 56);
	wire_for_ms(100);
	ck_assert_uint_eq(peer_counters(wire.p[1])->echo_replies_in, _i ? 0 : 1);
	ck_assert_uint_eq(natbox_counters(wire.nat)->expired, _i ? 2 : 1); /* 500 dies anyhow */
	wire_stop();
}
END_TEST

START_TEST(from_4500)
{
	struct peer_cfg a, b;

	natt_cfg(&a, &b);
	a.natt.from_4500 = true;
	wire_start_nat(&a, &b, NULL);
	up(0);
	traffic();
	ck_assert_uint_eq(natbox_counters(wire.nat)->made, 1);
	wire_stop();
}
END_TEST

/* Wrong on purpose, and what the other makes of it. */
START_TEST(wrong)
{
	struct peer_cfg a, b;
	struct peer_wrong *w;

	natt_cfg(&a, &b);
	wire_start(&a, &b);
	w = peer_wrong(wire.p[0]);
	w->natd_none = _i == 0;
	w->natd_there = _i == 1;
	w->natd_short = _i == 2;
	w->natd_here = _i == 3;
	w->no_float = _i == 6;
	w->no_marker = _i == 4;
	w->natd_here |= _i == 4 || _i == 5;
	peer_cfg(wire.p[0])->natt.fake = _i == 6;
	w->mode = _i == 5 ? 61443 : 0; /* the drafts' number */
	peer_initiate(wire.p[0], wire.now);
	wire_for_ms(200);
	switch (_i) {
	case 0:
		ck_assert(peer_is_up(wire.p[1]) && !peer_phase1(wire.p[1])->natt);
		break;
	case 1: /* b thinks that it is behind a NAT, a does not: they want different modes */
		ck_assert(peer_phase1(wire.p[1])->nat_here && !peer_phase2(wire.p[1]));
		break;
	case 2:
		ck_assert(peer_phase1(wire.p[1])->nat_here && peer_phase1(wire.p[1])->nat_there);
		break;
	case 3: /* a does not know that it claimed to be behind a NAT: offers the plain mode */
		ck_assert(peer_phase1(wire.p[1]) && !peer_phase2(wire.p[1]));
		break;
	case 4:
		ck_assert(peer_phase1(wire.p[1]) != NULL); /* it had no reason to move */
		break;
	case 6: /* it encapsulates, and stays on port 500 */
		ck_assert(peer_phase1(wire.p[1]) != NULL);
		ck_assert_uint_eq(last(0).dport, 500);
		break;
	default:
		ck_assert(peer_phase1(wire.p[1]) && !peer_phase2(wire.p[1]));
	}
	wire_stop();
}
END_TEST

/* Large ESP in UDP goes in fragments through the NAT, both ways. */
START_TEST(fragments)
{
	struct peer_cfg a, b;

	natt_cfg(&a, &b);
	wire_start_nat(&a, &b, NULL);
	up(0);
	peer_ping(wire.p[0], wire.now, IP4(10, 2, 0, 9), 1, 1, 3000);
	wire_for_ms(100);
	ck_assert_uint_eq(peer_counters(wire.p[0])->echo_replies_in, 1);
	ck_assert_uint_gt(peer_netif(wire.p[1])->n.frags_in, 2);
	wire_stop();
}
END_TEST

START_TEST(blocked)
{
	struct peer_cfg a, b;

	natt_cfg(&a, &b);
	wire_start_nat(&a, &b, NULL);
	up(0);
	natbox_block(wire.nat, false, true);
	peer_ping(wire.p[0], wire.now, IP4(10, 2, 0, 9), 1, 1, 56);
	wire_for_ms(100);
	ck_assert_uint_eq(peer_counters(wire.p[1])->echo_in, 1);
	ck_assert_uint_eq(peer_counters(wire.p[0])->echo_replies_in, 0);
	ck_assert_uint_eq(natbox_counters(wire.nat)->filtered, 1);
	natbox_block(wire.nat, false, false);
	traffic();
	wire_stop();
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("natt");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, no_nat, 0, 2);
	tcase_add_loop_test(t, only_one_knows, 0, 2);
	tcase_add_test(t, behind_nat);
	tcase_add_loop_test(t, faked, 0, 2);
	tcase_add_loop_test(t, far_behind_nat, 0, 2);
	tcase_add_test(t, mapping_changes);
	tcase_add_loop_test(t, keepalives, 0, 2);
	tcase_add_test(t, from_4500);
	tcase_add_loop_test(t, wrong, 0, 7);
	tcase_add_test(t, fragments);
	tcase_add_test(t, blocked);
	return wire_main(t, "natt");
}
