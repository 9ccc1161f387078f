/* SPDX-License-Identifier: BSD-2-Clause */
/* Two peers back to back: negotiation in all combinations, traffic, Delete, DPD, loss, refusals. */
#include "harness/peer/peer_test_util.h"

static const struct peer_esp_prop suites[] = {{KEYESP_AES_SHA1, 128}, {KEYESP_AES_SHA256, 128},
	{KEYESP_AES_GCM, 128}, {KEYESP_AES_GCM, 256}, {KEYESP_3DES_SHA1, 0},
	{KEYESP_AES_SHA256, 192}, {KEYESP_NULL_SHA256, 0}, {KEYESP_AES_GCM, 192},
	{KEYESP_3DES_MD5, 0}, {KEYESP_3DES_SHA256, 0}, {KEYESP_AES_MD5, 128},
	{KEYESP_AES_SHA1, 256}, {KEYESP_NULL_SHA1, 0}, {KEYESP_NULL_MD5, 0}};
#define SUITES (sizeof suites / sizeof *suites)

static void
traffic(uint32_t n, size_t size)
{
	struct stream_result r;

	ck_assert(peer_stream_start(wire.p[0], wire.now, 1, IP4(10, 2, 0, 9), 100, size, n));
	ck_assert(peer_stream_start(wire.p[1], wire.now, 2, IP4(10, 1, 0, 9), 100, size, n));
	wire_for_ms(10 * n + 100);
	stream_judge(peer_stream_tx(wire.p[0], 1), peer_stream_rx(wire.p[1], 1), 0, NS_NEVER, &r);
	ck_assert_uint_eq(r.sent, n);
	ck_assert_uint_eq(r.received, n);
	ck_assert_uint_eq(r.lost, 0);
	stream_judge(peer_stream_tx(wire.p[1], 2), peer_stream_rx(wire.p[0], 2), 0, NS_NEVER, &r);
	ck_assert_uint_eq(r.received, n);
}

START_TEST(combinations)
{
	for (size_t hash = 0; hash < 2; hash++)
		for (uint16_t group = 2; group <= 14; group += 12)
			for (size_t s = 0; s < SUITES; s++)
				for (uint16_t pfs = 0; pfs <= 14; pfs = pfs ? pfs + 12 : 2) {
					struct peer_cfg a = wire_cfg(0), b;

					a.ike[0] = (struct peer_ike_prop){KEYPRIM_AES, 128,
						hash ? KEYPRIM_SHA256 : KEYPRIM_SHA1, group};
					a.ike_cnt = 1;
					a.esp[0] = suites[s];
					a.esp_cnt = 1;
					a.pfs_group = pfs;
					b = wire_cfg(1);
					memcpy(b.ike, a.ike, sizeof a.ike);
					memcpy(b.esp, a.esp, sizeof a.esp);
					b.ike_cnt = b.esp_cnt = 1;
					b.pfs_group = pfs;
					wire_start(&a, &b);
					peer_initiate(wire.p[s % 2], wire.now);
					wire_for_ms(50);
					ck_assert(peer_is_up(wire.p[0]) && peer_is_up(wire.p[1]));
					ck_assert_uint_eq(peer_phase2(wire.p[0])->pfs_group, pfs);
					ck_assert_int_eq(peer_phase2(wire.p[1])->prop.suite,
						suites[s].suite);
					ck_assert_uint_eq(wire.ring[0].ike_cnt, 1);
					ck_assert_uint_eq(wire.ring[0].esp_cnt, 2);
					ck_assert_int_eq(memcmp(wire.ring[0].ike[0].a.b,
								 wire.ring[1].ike[0].a.b, 20),
						0);
					traffic(5, 200);
					ck_assert_uint_eq(peer_counters(wire.p[1])->ike_refused, 0);
					wire_stop();
				}
}
END_TEST

/* Each hash with each group, and the ciphers in turn: also those keys that need expansion. */
START_TEST(ike_grid)
{
	static const enum keyprim_hash hashes[] = {
		KEYPRIM_MD5, KEYPRIM_SHA1, KEYPRIM_SHA256, KEYPRIM_SHA384, KEYPRIM_SHA512};
	static const uint16_t groups[] = {2, 5, 14, 15, 16, 19, 20}, bits[] = {0, 128, 192, 256};

	for (size_t n = 0; n < 35; n++) {
		struct peer_cfg a = wire_cfg(0), b = wire_cfg(1);
		uint16_t key = bits[n % 4];

		a.ike[0] = (struct peer_ike_prop){
			key ? KEYPRIM_AES : KEYPRIM_3DES, key, hashes[n / 7], groups[n % 7]};
		a.esp[0] = suites[n % SUITES];
		a.ike_cnt = a.esp_cnt = 1;
		a.pfs_group = groups[(n + 3) % 7];
		memcpy(b.ike, a.ike, sizeof a.ike);
		memcpy(b.esp, a.esp, sizeof a.esp);
		b.ike_cnt = b.esp_cnt = 1;
		b.pfs_group = a.pfs_group;
		wire_start(&a, &b);
		peer_initiate(wire.p[n % 2], wire.now);
		wire_for_ms(50);
		ck_assert(peer_is_up(wire.p[0]) && peer_is_up(wire.p[1]));
		ck_assert_uint_eq(peer_phase1(wire.p[0])->prop.group, a.ike[0].group);
		ck_assert_uint_eq(peer_phase2(wire.p[0])->pfs_group, a.pfs_group);
		traffic(2, 200);
		ck_assert_uint_eq(peer_counters(wire.p[0])->ike_refused, 0);
		wire_stop();
	}
}
END_TEST

START_TEST(preference)
{
	struct peer_cfg a = wire_cfg(0), b = wire_cfg(1);

	a.ike[0] = (struct peer_ike_prop){KEYPRIM_AES, 256, KEYPRIM_SHA1, 14};
	a.ike[1] = (struct peer_ike_prop){KEYPRIM_AES, 128, KEYPRIM_SHA256, 14};
	a.ike[2] = (struct peer_ike_prop){KEYPRIM_3DES, 0, KEYPRIM_MD5, 2};
	a.ike_cnt = 3;
	b.ike[0] = a.ike[2];
	b.ike[1] = a.ike[1];
	b.ike_cnt = 2;
	a.esp[0] = (struct peer_esp_prop){KEYESP_AES_GCM, 128};
	a.esp[1] = (struct peer_esp_prop){KEYESP_AES_SHA1, 128};
	a.esp_cnt = 2;
	a.esp_life_s = 7200;
	a.esp_life_kb = 4608000;
	wire_start(&a, &b);
	peer_initiate(wire.p[0], wire.now);
	wire_for_ms(100);
	ck_assert(peer_is_up(wire.p[0]) && peer_is_up(wire.p[1]));
	ck_assert_uint_eq(peer_phase1(wire.p[1])->prop.hash, KEYPRIM_SHA256);
	ck_assert_int_eq(peer_phase2(wire.p[1])->prop.suite, KEYESP_AES_SHA1);
	ck_assert_uint_eq(peer_phase2(wire.p[1])->life_s, 3600);
	ck_assert(peer_phase1(wire.p[0])->dpd);
	wire_stop();
}
END_TEST

START_TEST(expanded_key)
{
	struct peer_cfg a = wire_cfg(0), b = wire_cfg(1);

	a.ike[0] = b.ike[0] = (struct peer_ike_prop){KEYPRIM_AES, 256, KEYPRIM_SHA1, 2};
	a.ike_cnt = b.ike_cnt = 1;
	wire_start(&a, &b);
	peer_initiate(wire.p[0], wire.now);
	wire_for_ms(100);
	ck_assert(peer_is_up(wire.p[0]) && peer_is_up(wire.p[1]));
	ck_assert_uint_eq(wire.ring[0].ike[0].key.len, 32);
	wire_stop();
}
END_TEST

START_TEST(big_packets)
{
	wire_up();
	traffic(3, 1472); /* inner packet of 1500: outer is fragmented */
	ck_assert_uint_gt(peer_netif(wire.p[0])->n.frags_out, 0);
	peer_ping(wire.p[0], wire.now, IP4(10, 2, 0, 9), 7, 1, 1400);
	wire_for_ms(50);
	ck_assert_uint_eq(peer_counters(wire.p[0])->echo_replies_in, 1);
	wire_stop();
}
END_TEST

START_TEST(delete)
{
	wire_up();
	peer_delete_child(wire.p[0], wire.now, false);
	wire_for_ms(50);
	ck_assert_ptr_null(peer_phase2(wire.p[1]));
	ck_assert_ptr_nonnull(peer_phase1(wire.p[1]));
	ck_assert_uint_eq(peer_event_cnt(wire.p[1], PEER_EV_DELETE_ESP, 0, NULL), 1);
	ck_assert_int_eq(peer_phase2s(wire.p[1], &(size_t){0})[0].end, PEER_END_DELETED);
	peer_initiate(wire.p[1], wire.now);
	wire_for_ms(50);
	ck_assert(peer_is_up(wire.p[0]));
	traffic(3, 100);
	peer_delete_ike(wire.p[1], wire.now, false);
	wire_for_ms(50);
	ck_assert_ptr_null(peer_phase1(wire.p[0]));
	ck_assert_uint_eq(peer_event_cnt(wire.p[0], PEER_EV_DELETE_IKE, 0, NULL), 1);
	wire_stop();
}
END_TEST

START_TEST(dpd)
{
	struct peer_event e, f;
	uint32_t first;

	wire_up();
	peer_dpd_probe(wire.p[0], wire.now);
	wire_for_ms(50);
	ck_assert_uint_eq(peer_event_cnt(wire.p[1], PEER_EV_DPD_ASKED, 0, &e), 1);
	ck_assert_uint_eq(peer_event_cnt(wire.p[0], PEER_EV_DPD_ACKED, 0, &f), 1);
	ck_assert_uint_eq(e.value, f.value);
	first = e.value;
	ck_assert_uint_lt(first, 0x80000000u);
	peer_dpd_probe(wire.p[0], wire.now);
	wire_for_ms(50);
	peer_event_cnt(wire.p[1], PEER_EV_DPD_ASKED, 0, &e);
	ck_assert_uint_eq(e.value, first + 1);
	ck_assert_uint_eq(peer_dpd_heard(wire.p[1]), first + 1);
	ck_assert_uint_eq(peer_dpd_next(wire.p[0]), first + 2);
	peer_wrong(wire.p[0])->dpd_force = first;
	peer_dpd_probe(wire.p[0], wire.now);
	wire_for_ms(50);
	ck_assert_uint_eq(peer_counters(wire.p[1])->dpd_bad, 1);
	ck_assert_uint_eq(peer_counters(wire.p[0])->dpd_acked, 2);
	wire_stop();
}
END_TEST

START_TEST(dpd_periodic_and_dead)
{
	struct peer_cfg a = wire_cfg(0), b = wire_cfg(1);
	struct peer_event e;

	a.dpd_every = ns_from_s(2);
	wire_start(&a, &b);
	peer_initiate(wire.p[0], wire.now);
	wire_for_ms(9000);
	ck_assert_uint_eq(peer_event_cnt(wire.p[0], PEER_EV_DPD_ACKED, 0, NULL), 4);
	peer_cfg(wire.p[1])->dead_to_ike = true;
	wire_for_ms(2000 + 5 * 1000 + 10);
	ck_assert_uint_eq(peer_event_cnt(wire.p[0], PEER_EV_DPD_DEAD, 0, &e), 1);
	ck_assert_uint_eq(peer_counters(wire.p[0])->dpd_repeats, 4);
	ck_assert(!peer_phase1(wire.p[0]) && !peer_phase2(wire.p[0]));
	ck_assert_int_eq(peer_phase1s(wire.p[0], &(size_t){0})[0].end, PEER_END_DPD);
	wire_stop();
}
END_TEST

static uint32_t lose_nth;
static bool
lose_one(int from, const uint8_t *frame, size_t len)
{
	struct pkt k;

	(void)from;
	return pkt_parse(&k, frame, len) && k.is_isakmp && lose_nth && !--lose_nth;
}

/* Each message of both exchanges is lost once; every time the tunnel comes up. */
START_TEST(loss)
{
	for (uint32_t n = 1; n <= 9; n++) {
		wire_default();
		wire.lose = lose_one;
		lose_nth = n;
		peer_initiate(wire.p[0], wire.now);
		wire_for_ms(3000);
		ck_assert_msg(peer_is_up(wire.p[0]) && peer_is_up(wire.p[1]), "message %u lost", n);
		ck_assert_uint_ge(peer_event_cnt(wire.p[0], PEER_EV_RETRANSMIT, 0, NULL) +
					  peer_event_cnt(wire.p[1], PEER_EV_RETRANSMIT, 0, NULL),
			1);
		ck_assert_uint_eq(peer_counters(wire.p[0])->phase1_up, 1);
		ck_assert_uint_eq(peer_counters(wire.p[1])->phase2_up, 1);
		traffic(2, 64);
		wire_stop();
	}
}
END_TEST

static bool
lose_ike(int from, const uint8_t *frame, size_t len)
{
	struct pkt k;

	return from == 1 && pkt_parse(&k, frame, len) && k.is_isakmp;
}

START_TEST(silence)
{
	wire_default();
	wire.lose = lose_ike;
	peer_initiate(wire.p[0], wire.now);
	wire_for_ms(60000);
	ck_assert_uint_eq(peer_event_cnt(wire.p[0], PEER_EV_GIVEN_UP, 0, NULL), 1);
	ck_assert_uint_eq(peer_event_cnt(wire.p[0], PEER_EV_RETRANSMIT, 0, NULL), 5);
	ck_assert_int_eq(peer_phase1s(wire.p[0], &(size_t){0})[0].end, PEER_END_TIMEOUT);
	wire_stop();
}
END_TEST

START_TEST(wrong_psk)
{
	wire_default();
	peer_wrong(wire.p[0])->psk_wrong = true;
	peer_initiate(wire.p[0], wire.now);
	wire_for_ms(60000);
	ck_assert(!peer_phase1(wire.p[0]) && !peer_phase1(wire.p[1]));
	ck_assert_uint_gt(peer_counters(wire.p[1])->ike_refused, 0);
	wire_stop();
}
END_TEST

START_TEST(no_common_proposal)
{
	struct peer_cfg a = wire_cfg(0), b = wire_cfg(1);
	struct peer_event e;

	b.esp[0] = (struct peer_esp_prop){KEYESP_AES_GCM, 128};
	b.esp_cnt = 1;
	wire_start(&a, &b);
	peer_initiate(wire.p[0], wire.now);
	wire_for_ms(400);
	ck_assert_ptr_nonnull(peer_phase1(wire.p[0]));
	ck_assert_ptr_null(peer_phase2(wire.p[0]));
	ck_assert_uint_ge(peer_event_cnt(wire.p[0], PEER_EV_NOTIFY, 0, &e), 1);
	ck_assert_uint_eq(e.value, 14);
	wire_stop();
	b = wire_cfg(1);
	b.far.net.addr = IP4(10, 77, 0, 0);
	wire_start(&a, &b);
	peer_initiate(wire.p[0], wire.now);
	wire_for_ms(400);
	ck_assert_ptr_null(peer_phase2(wire.p[0]));
	ck_assert_uint_ge(peer_event_cnt(wire.p[0], PEER_EV_NOTIFY, 0, &e), 1);
	ck_assert_uint_eq(e.value, 18);
	wire_stop();
}
END_TEST

START_TEST(initial_contact)
{
	wire_up();
	peer_reset(wire.p[0], wire.now);
	ck_assert(peer_is_up(wire.p[1]));
	peer_initiate(wire.p[0], wire.now);
	wire_for_ms(100);
	ck_assert(peer_is_up(wire.p[0]) && peer_is_up(wire.p[1]));
	ck_assert_uint_eq(peer_counters(wire.p[1])->initial_contact_in, 2);
	ck_assert_int_eq(peer_phase2s(wire.p[1], &(size_t){0})[0].end, PEER_END_REPLACED);
	traffic(3, 100);
	wire_stop();
}
END_TEST

START_TEST(on_demand_and_unknown_spi)
{
	wire_default();
	peer_ping(wire.p[0], wire.now, IP4(10, 2, 0, 9), 1, 1, 8);
	wire_for_ms(100);
	ck_assert(peer_is_up(wire.p[0]));
	ck_assert_uint_eq(peer_counters(wire.p[0])->esp_no_sa, 1);
	peer_delete_child(wire.p[1], wire.now, true);
	peer_ping(wire.p[0], wire.now, IP4(10, 2, 0, 9), 1, 2, 8);
	wire_for_ms(10);
	ck_assert_uint_eq(peer_counters(wire.p[1])->esp_unknown_spi, 1);
	ck_assert_uint_eq(peer_event_cnt(wire.p[1], PEER_EV_UNKNOWN_SPI, 0, NULL), 1);
	wire_stop();
}
END_TEST

START_TEST(lifetime)
{
	struct peer_cfg a = wire_cfg(0), b = wire_cfg(1);

	a.esp_life_s = 120;
	wire_start(&a, &b);
	peer_initiate(wire.p[0], wire.now);
	wire_for_ms(119000);
	ck_assert(peer_is_up(wire.p[1]));
	wire_for_ms(2000);
	ck_assert_ptr_null(peer_phase2(wire.p[0]));
	ck_assert_ptr_null(peer_phase2(wire.p[1]));
	wire_stop();
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("peer");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, combinations);
	tcase_add_test(t, ike_grid);
	tcase_add_test(t, preference);
	tcase_add_test(t, expanded_key);
	tcase_add_test(t, big_packets);
	tcase_add_test(t, delete);
	tcase_add_test(t, dpd);
	tcase_add_test(t, dpd_periodic_and_dead);
	tcase_add_test(t, loss);
	tcase_add_test(t, silence);
	tcase_add_test(t, wrong_psk);
	tcase_add_test(t, no_common_proposal);
	tcase_add_test(t, initial_contact);
	tcase_add_test(t, on_demand_and_unknown_spi);
	tcase_add_test(t, lifetime);
	return wire_main(t, "peer");
}
