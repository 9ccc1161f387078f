/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SAs that grow old, replaced from either side and from both at once; the Commit Bit; large
 * messages; choices that a responder must not make; an outsider with the key ring reads it all.
 */
#include "harness/keys/keys.h"
#include "harness/peer/peer_test_util.h"

static size_t
up_cnt(int side)
{
	size_t cnt, n = 0;
	const struct peer_phase2 *s = peer_phase2s(wire.p[side], &cnt);

	for (size_t i = 0; i < cnt; i++)
		n += s[i].state == PEER_SA_UP;
	return n;
}

static size_t
ike_cnt(int side)
{
	size_t cnt, n = 0;
	const struct peer_phase1 *s = peer_phase1s(wire.p[side], &cnt);

	for (size_t i = 0; i < cnt; i++)
		n += s[i].state == PEER_SA_UP;
	return n;
}

/* Streams both ways while `ms` pass; afterwards nothing was lost. */
static void
carry(int64_t ms, void (*do_it)(void))
{
	uint64_t n = (uint64_t)ms / 10, a = peer_counters(wire.p[0])->stream_in,
		 b = peer_counters(wire.p[1])->stream_in;

	ck_assert(
		peer_stream_start(wire.p[0], wire.now, 1, IP4(10, 2, 0, 9), 100, 100, (uint32_t)n));
	ck_assert(
		peer_stream_start(wire.p[1], wire.now, 2, IP4(10, 1, 0, 9), 100, 100, (uint32_t)n));
	wire_for_ms(ms / 2);
	if (do_it)
		do_it();
	wire_for_ms(ms);
	ck_assert_uint_eq(peer_counters(wire.p[0])->stream_in - a, n);
	ck_assert_uint_eq(peer_counters(wire.p[1])->stream_in - b, n);
	ck_assert_uint_eq(peer_counters(wire.p[0])->esp_unknown_spi, 0);
	ck_assert_uint_eq(peer_counters(wire.p[1])->esp_unknown_spi, 0);
}

static void
rekey_child(void)
{
	peer_rekey_child(wire.p[0], wire.now);
}

static void
rekey_ike(void)
{
	peer_rekey_phase1(wire.p[1], wire.now);
}

static void
rekey_both(void)
{
	peer_rekey_child(wire.p[0], wire.now);
	peer_rekey_child(wire.p[1], wire.now);
}

static void
rekey_ike_both(void)
{
	peer_rekey_phase1(wire.p[0], wire.now);
	peer_rekey_phase1(wire.p[1], wire.now);
}

/* Make before break: no packet is lost, and the old ones are gone, by Delete, on both sides. */
START_TEST(make_before_break)
{
	size_t cnt;

	wire_up();
	carry(4000, rekey_child);
	ck_assert(up_cnt(0) == 1 && up_cnt(1) == 1);
	ck_assert_int_eq(peer_phase2s(wire.p[0], &cnt)[0].end, PEER_END_REPLACED);
	ck_assert_int_eq(peer_phase2s(wire.p[1], &cnt)[0].end, PEER_END_DELETED);
	carry(4000, rekey_ike);
	ck_assert(ike_cnt(0) == 1 && ike_cnt(1) == 1 && up_cnt(0) == 1);
	ck_assert_int_eq(peer_phase1s(wire.p[1], &cnt)[0].end, PEER_END_REPLACED);
	peer_dpd_probe(wire.p[0], wire.now);
	wire_for_ms(50);
	ck_assert_uint_eq(peer_counters(wire.p[0])->dpd_acked, 1);
	ck_assert_uint_eq(peer_counters(wire.p[0])->ike_refused, 0);
	wire_stop();
}
END_TEST

START_TEST(both_at_once)
{
	wire_up();
	carry(4000, rekey_both);
	ck_assert(up_cnt(0) == 2 && up_cnt(1) == 2);
	carry(4000, rekey_ike_both);
	ck_assert_uint_ge(ike_cnt(0), 1);
	ck_assert_uint_eq(ike_cnt(0), ike_cnt(1));
	wire_stop();
}
END_TEST

/* On purpose, exactly when the other's first message is seen. */
START_TEST(collision)
{
	wire_up();
	peer_wrong(wire.p[1])->collide = PEER_BIT(PEER_QM1);
	carry(4000, rekey_child);
	ck_assert(up_cnt(0) == 2 && up_cnt(1) == 2);
	ck_assert_uint_eq(peer_wrong(wire.p[1])->collide, 0);
	peer_wrong(wire.p[0])->collide = PEER_BIT(PEER_MM1);
	carry(4000, rekey_ike);
	ck_assert_uint_eq(peer_counters(wire.p[0])->phase1_up, 3);
	ck_assert_uint_ge(ike_cnt(0), 1);
	wire_stop();
}
END_TEST

/* By itself, by seconds (0) or by kB (1); and what comes of it when nobody rekeys (2, 3). */
START_TEST(lifetimes)
{
	struct peer_cfg a = wire_cfg(0), b = wire_cfg(1);
	size_t cnt;

	a.ike_life_s = 10;
	a.esp_life_s = 5;
	b.esp_life_kb = 40;
	a.ike_rekey_s = _i == 0 ? 3 : 0;
	a.esp_rekey_s = _i == 0 ? 2 : 0;
	a.esp_life_kb = _i % 2 ? 30 : 0;
	a.esp_rekey_kb = _i == 1 ? 10 : 0;
	if (_i % 2)
		a.esp_life_s = a.ike_life_s = 600;
	wire_start(&a, &b);
	peer_initiate(wire.p[0], wire.now);
	wire_for_ms(100);
	if (_i < 2) {
		carry(9000, NULL);
		ck_assert_uint_ge(peer_counters(wire.p[0])->phase2_up, 3);
		ck_assert_uint_eq(peer_counters(wire.p[0])->esp_no_sa, 0);
		ck_assert_uint_le(up_cnt(0), 2);
	} else {
		peer_cfg(wire.p[0])->passive = peer_cfg(wire.p[1])->passive = true;
		peer_stream_start(wire.p[0], wire.now, 1, IP4(10, 2, 0, 9), 100, 100, 0);
		wire_for_ms(12000);
		ck_assert(!up_cnt(0) && !up_cnt(1));
		ck_assert(peer_phase2s(wire.p[0], &cnt)[0].end == PEER_END_LIFETIME ||
			  peer_phase2s(wire.p[1], &cnt)[0].end == PEER_END_LIFETIME);
		ck_assert_uint_gt(peer_counters(wire.p[0])->esp_no_sa, 0);
		if (_i == 3) { /* 128 octets each: 30 kB are 240 packets */
			ck_assert_uint_eq(peer_counters(wire.p[0])->esp_out, 240);
			ck_assert_uint_eq(peer_phase2s(wire.p[1], &cnt)[0].life_kb, 30);
		}
	}
	wire_stop();
}
END_TEST

START_TEST(keeps_expired)
{
	struct peer_cfg a = wire_cfg(0), b = wire_cfg(1);

	a.esp_life_s = 2;
	b.esp_life_s = 100;
	wire_start(&a, &b);
	peer_initiate(wire.p[0], wire.now);
	wire_for_ms(100);
	peer_wrong(wire.p[0])->keep_expired = peer_wrong(wire.p[1])->keep_expired = true;
	wire_for_ms(5000);
	ck_assert(up_cnt(0) == 1);
	wire_stop();
}
END_TEST

START_TEST(deletes)
{
	size_t cnt;

	wire_up();
	peer_initiate(wire.p[0], wire.now);
	wire_for_ms(50);
	peer_delete_spi(wire.p[0], wire.now, peer_phase2s(wire.p[0], &cnt)[0].spi_in, false);
	wire_for_ms(50);
	ck_assert(peer_phase2s(wire.p[1], &cnt)[0].state == PEER_SA_GONE && up_cnt(1) == 1);
	peer_wrong(wire.p[1])->ignore = PEER_BIT(PEER_INFO_DELETE_IKE);
	peer_wrong(wire.p[1])->ignore_cnt = 1;
	peer_delete_phase1(wire.p[0], wire.now, 0, false);
	wire_for_ms(50);
	ck_assert(!ike_cnt(0) && ike_cnt(1) == 1);
	ck_assert_uint_eq(peer_event_cnt(wire.p[1], PEER_EV_IGNORED, 0, NULL), 1);
	ck_assert_uint_eq(peer_wrong(wire.p[1])->ignore, 0);
	wire_stop();
}
END_TEST

/* What is ignored is sent again, and then heeded. */
START_TEST(ignored)
{
	wire_default();
	peer_wrong(wire.p[_i % 2])->ignore = PEER_BIT(PEER_MM1 + (enum peer_kind)_i);
	peer_wrong(wire.p[_i % 2])->ignore_cnt = 1;
	peer_wrong(wire.p[!(_i % 2)])->ignore = PEER_BIT(PEER_MM1 + (enum peer_kind)_i);
	peer_wrong(wire.p[!(_i % 2)])->ignore_cnt = 1;
	peer_initiate(wire.p[0], wire.now);
	wire_for_ms(3000);
	ck_assert(up_cnt(0) == 1 && up_cnt(1) == 1);
	ck_assert_uint_eq(peer_event_cnt(wire.p[0], PEER_EV_IGNORED, 0, NULL) +
				  peer_event_cnt(wire.p[1], PEER_EV_IGNORED, 0, NULL),
		1);
	wire_stop();
}
END_TEST

/* -- the Commit Bit -- */

static bool
lose_connected(int from, const uint8_t *frame, size_t len)
{
	static int n;
	struct pkt k;

	(void)from;
	if (!pkt_parse(&k, frame, len) || !k.is_isakmp || k.isakmp[18] != 5 || !(k.isakmp[19] & 2))
		return false;
	return n++ % 2 == 0;
}

/* Bits of _i: who sets it (1: initiator, 2: responder), 4: CONNECTED is lost once, 8: late. */
START_TEST(commit)
{
	struct peer_cfg a = wire_cfg(0), b = wire_cfg(1);
	bool waits = (_i & 3) == 1 || (_i & 3) == 2;

	a.commit = _i & 1;
	b.commit = _i & 2;
	a.connected_after = b.connected_after = _i & 8 ? ns_from_ms(200) : 0;
	wire_start(&a, &b);
	wire.lose = _i & 4 ? lose_connected : NULL;
	peer_initiate(wire.p[0], wire.now);
	wire_for_ms(100);
	if (waits && _i & 12)
		ck_assert(!up_cnt(_i & 1 ? 1 : 0));
	wire_for_ms(2000);
	ck_assert(up_cnt(0) == 1 && up_cnt(1) == 1);
	ck_assert_uint_eq(
		peer_event_cnt(wire.p[_i & 1 ? 1 : 0], PEER_EV_CONNECTED, 0, NULL), waits);
	ck_assert_int_eq(peer_phase2(wire.p[_i & 1 ? 1 : 0])->committed, waits);
	wire.lose = NULL;
	carry(100, NULL);
	wire_stop();
}
END_TEST

START_TEST(commit_broken)
{
	struct peer_cfg a = wire_cfg(0), b = wire_cfg(1);
	struct peer_event e;

	b.commit = true;
	b.connected_after = _i < 2 ? NS_NEVER : 0;
	a.ignore_commit = _i == 1;
	a.tries = 3;
	wire_start(&a, &b);
	peer_wrong(wire.p[1])->connected_msgid = _i == 2;
	peer_wrong(wire.p[1])->connected_chain = _i == 3;
	peer_initiate(wire.p[0], wire.now);
	wire_for_ms(50);
	ck_assert_uint_eq(up_cnt(0), _i == 1 || _i == 3);
	if (_i == 3) {
		ck_assert_uint_eq(peer_event_cnt(wire.p[0], PEER_EV_CONNECTED, 0, &e), 1);
		ck_assert_str_eq(e.what, "IV of Quick Mode's chain");
	}
	if (_i == 0) { /* traffic of the other proves as much (RFC 2408 3.1) */
		peer_ping(wire.p[1], wire.now, IP4(10, 1, 0, 9), 1, 1, 56);
		wire_for_ms(50);
		ck_assert_uint_eq(up_cnt(0), 1);
	}
	if (_i == 2) { /* bounded: given up at last */
		wire_for_ms(10000);
		ck_assert_uint_eq(up_cnt(0), 0);
		ck_assert_uint_ge(peer_event_cnt(wire.p[0], PEER_EV_GIVEN_UP, 0, NULL), 1);
	}
	wire_stop();
}
END_TEST

/* -- offers, and choices -- */

START_TEST(one_proposal)
{
	struct peer_cfg a = wire_cfg(0), b = wire_cfg(1);

	for (int i = 0; i < 6; i++) {
		static const enum keyesp_suite s[] = {KEYESP_AES_GCM, KEYESP_3DES_SHA1,
			KEYESP_NULL_SHA1, KEYESP_AES_MD5, KEYESP_3DES_MD5, KEYESP_AES_SHA256};

		a.esp[i] = (struct peer_esp_prop){s[i], 128};
		a.ike[i] = (struct peer_ike_prop){KEYPRIM_AES, 256, KEYPRIM_SHA512, 20};
	}
	a.ike[5] = b.ike[0] = (struct peer_ike_prop){KEYPRIM_3DES, 0, KEYPRIM_MD5, 5};
	a.ike_cnt = a.esp_cnt = 6;
	a.esp_one_proposal = _i;
	b.esp[0] = a.esp[5];
	b.esp[1] = a.esp[3];
	b.ike_cnt = 1;
	b.esp_cnt = 2;
	wire_start(&a, &b);
	peer_initiate(wire.p[0], wire.now);
	wire_for_ms(50);
	ck_assert(up_cnt(0) == 1 && up_cnt(1) == 1);
	ck_assert_int_eq(peer_phase2(wire.p[0])->prop.suite, KEYESP_AES_MD5);
	peer_wrong(wire.p[1])->choose_esp = PEER_CHOOSE_LAST;
	peer_rekey_child(wire.p[0], wire.now);
	wire_for_ms(50);
	ck_assert_int_eq(peer_phase2(wire.p[0])->prop.suite, KEYESP_AES_SHA256);
	wire_stop();
}
END_TEST

/* TWO and CHANGED are refused here; whether numbers are compared is for the device to show. */
START_TEST(choices)
{
	wire_default();
	peer_wrong(wire.p[1])->choose_ike = _i ? PEER_CHOOSE_CHANGED : PEER_CHOOSE_TWO;
	peer_initiate(wire.p[0], wire.now);
	wire_for_ms(100);
	ck_assert(!ike_cnt(0));
	ck_assert_uint_gt(peer_counters(wire.p[0])->ike_refused, 0);
	peer_wrong(wire.p[1])->choose_ike = PEER_CHOOSE_RIGHT;
	peer_reset(wire.p[0], wire.now);
	peer_reset(wire.p[1], wire.now);
	peer_wrong(wire.p[1])->choose_esp = _i ? PEER_CHOOSE_CHANGED : PEER_CHOOSE_TWO;
	peer_initiate(wire.p[0], wire.now);
	wire_for_ms(100);
	ck_assert(ike_cnt(0) && !up_cnt(0));
	wire_stop();
}
END_TEST

/* -- large messages -- */

static struct keyring outside;
static struct ikeopen *reader;
static size_t opened, pieces;

static bool
read_all(int from, const uint8_t *frame, size_t len)
{
	struct ikeopen_msg m;
	struct pkt k;

	(void)from;
	if (!pkt_parse(&k, frame, len) || !k.is_ip)
		return false;
	pieces += k.mf || k.frag_off;
	if (k.is_isakmp && !k.mf) {
		ck_assert_int_eq(ikeopen_feed(reader, k.isakmp, k.isakmp_len, &m),
			m.was_encrypted && !outside.ike_cnt ? ERR_UNKNOWN : ERR_OK);
		opened += m.was_encrypted;
	}
	return false;
}

START_TEST(large)
{
	struct peer_cfg a = wire_cfg(0), b = wire_cfg(1);

	a.pad = _i ? 3000 : 1500;
	b.pad = 2000;
	a.ike[0] = b.ike[0] = (struct peer_ike_prop){KEYPRIM_AES, 256, KEYPRIM_SHA512, 16};
	a.ike_cnt = b.ike_cnt = 1;
	a.pfs_group = b.pfs_group = 16;
	a.net.mtu = _i ? 576 : 0;
	b.net.mtu = _i ? 400 : 0;
	wire_start(&a, &b);
	pieces = 0;
	reader = ikeopen_new(&outside);
	wire.lose = read_all;
	peer_initiate(wire.p[0], wire.now);
	wire_for_ms(200);
	ck_assert(up_cnt(0) == 1 && up_cnt(1) == 1);
	ck_assert_uint_ge(pieces, _i ? 30 : 7);
	ikeopen_free(reader);
	wire_stop();
}
END_TEST

/* An outsider with the keys opens CONNECTED whichever IV it has. */
START_TEST(outsider)
{
	struct peer_cfg a = wire_cfg(0), b = wire_cfg(1);

	b.commit = true;
	wire_start(&a, &b);
	peer_wrong(wire.p[1])->connected_chain = _i;
	peer_initiate_phase1(wire.p[0], wire.now);
	reader = ikeopen_new(&wire.ring[0]);
	keyring_init(&outside);
	opened = 0;
	wire.lose = read_all;
	wire_for_ms(3);
	outside.ike_cnt = 1; /* from here on the ring has the key */
	wire_for_ms(50);
	peer_initiate(wire.p[0], wire.now);
	wire_for_ms(50);
	peer_dpd_probe(wire.p[0], wire.now);
	wire_for_ms(50);
	ck_assert_uint_eq(opened, 2 + 3 + 1 + 2);
	outside.ike_cnt = 0;
	ikeopen_free(reader);
	wire_stop();
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("rekey");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, make_before_break);
	tcase_add_test(t, both_at_once);
	tcase_add_test(t, collision);
	tcase_add_loop_test(t, lifetimes, 0, 4);
	tcase_add_test(t, keeps_expired);
	tcase_add_test(t, deletes);
	tcase_add_loop_test(t, ignored, 0, 9);
	tcase_add_loop_test(t, commit, 0, 16);
	tcase_add_loop_test(t, commit_broken, 0, 4);
	tcase_add_loop_test(t, one_proposal, 0, 2);
	tcase_add_loop_test(t, choices, 0, 2);
	tcase_add_loop_test(t, large, 0, 2);
	tcase_add_loop_test(t, outsider, 0, 2);
	return wire_main(t, "rekey");
}
