/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each wrong thing that a peer can be asked for, done to a second peer that behaves: the wrong is
 * on the wire, the other refuses it for the right reason, and both get on afterwards.
 */
#include "harness/peer/peer_test_util.h"

static const char *
last_refusal(int side)
{
	struct peer_event e = {.what = "none"};

	peer_event_cnt(wire.p[side], PEER_EV_REFUSED, 0, &e);
	return e.what;
}

/* One spoilt message of that kind; what the other says to it. Then it must come up all the same. */
static void
spoil_once(size_t mask_at, enum peer_kind kind, const char *refusal)
{
	int side = kind == PEER_MM2 || kind == PEER_MM4 || kind == PEER_MM6 || kind == PEER_QM2;
	struct peer_wrong *w;

	wire_default();
	w = peer_wrong(wire.p[side]);
	memcpy((char *)w + mask_at, &(uint32_t){PEER_BIT(kind)}, sizeof(uint32_t));
	w->count = 1;
	peer_initiate(wire.p[0], wire.now);
	wire_for_ms(300);
	ck_assert_msg(!peer_is_up(wire.p[0]) || !peer_is_up(wire.p[1]), "%s", peer_kind_name(kind));
	ck_assert_str_eq(last_refusal(!side), refusal);
	ck_assert_uint_eq(w->count, 0);
	wire_stop();
}
#define SPOIL(mask, kind, refusal) spoil_once(offsetof(struct peer_wrong, mask), kind, refusal)

START_TEST(hashes)
{
	SPOIL(bad_hash, PEER_MM5, "phase 1 hash");
	SPOIL(bad_hash, PEER_MM6, "phase 1 hash");
	SPOIL(bad_hash, PEER_QM1, "Quick Mode hash");
	SPOIL(bad_hash, PEER_QM2, "Quick Mode hash");
	SPOIL(bad_hash, PEER_QM3, "Quick Mode hash");
	SPOIL(no_hash, PEER_MM5, "identity or hash missing");
	SPOIL(no_hash, PEER_QM1, "Quick Mode hash");
}
END_TEST

START_TEST(shapes)
{
	SPOIL(bad_body, PEER_MM1, "payload length");
	SPOIL(bad_body, PEER_MM4, "payload length");
	SPOIL(bad_body, PEER_MM5, "payloads (wrong key?)");
	SPOIL(bad_body, PEER_QM1, "payloads (wrong key?)");
	SPOIL(bad_body, PEER_QM2, "payloads (wrong key?)");
	SPOIL(bad_length, PEER_MM1, "header length is not the datagram's");
	SPOIL(bad_length, PEER_QM2, "header length is not the datagram's");
	SPOIL(bad_cookie, PEER_MM1, "initiator cookie is zero");
	SPOIL(bad_cookie, PEER_MM3, "unknown cookies");
	SPOIL(bad_cookie, PEER_QM1, "unknown cookies");
	SPOIL(bad_flags, PEER_MM3, "encrypted too early");
	SPOIL(bad_flags, PEER_MM5, "not encrypted");
	SPOIL(bad_flags, PEER_QM1, "not encrypted");
	SPOIL(bad_iv, PEER_MM5, "payloads (wrong key?)");
	SPOIL(bad_id, PEER_MM5, "identity is not the remote's");
	SPOIL(bad_id, PEER_MM6, "identity is not the remote's");
	SPOIL(bad_id, PEER_QM1, "client identities");
	SPOIL(bad_id, PEER_QM2, "client identities");
	SPOIL(bad_proposal, PEER_MM1, "no proposal chosen");
	SPOIL(bad_proposal, PEER_MM2, "message 2 chooses what was not offered");
	SPOIL(bad_proposal, PEER_QM1, "no proposal chosen");
	SPOIL(bad_proposal, PEER_QM2, "no proposal chosen");
}
END_TEST

START_TEST(wrong_message_id)
{
	wire_default();
	peer_wrong(wire.p[1])->bad_msgid = PEER_BIT(PEER_QM2);
	peer_initiate(wire.p[0], wire.now);
	wire_for_ms(300);
	ck_assert_ptr_null(peer_phase2(wire.p[0]));
	ck_assert_uint_gt(peer_counters(wire.p[0])->ike_refused, 0);
	wire_stop();
}
END_TEST

START_TEST(drop_and_repeat)
{
	wire_default();
	peer_wrong(wire.p[1])->drop = PEER_BIT(PEER_MM2);
	peer_wrong(wire.p[1])->count = 2;
	peer_initiate(wire.p[0], wire.now);
	wire_for_ms(400);
	ck_assert_ptr_null(peer_phase1(wire.p[0]));
	wire_for_ms(3000);
	ck_assert(peer_is_up(wire.p[0]));
	wire_stop();
	wire_default();
	peer_wrong(wire.p[0])->repeat = PEER_ALL_KINDS;
	peer_wrong(wire.p[0])->repeat_cnt = 3;
	peer_initiate(wire.p[0], wire.now);
	wire_for_ms(300);
	ck_assert(peer_is_up(wire.p[0]) && peer_is_up(wire.p[1]));
	ck_assert_uint_eq(peer_counters(wire.p[1])->phase1_up, 1);
	ck_assert_uint_eq(peer_counters(wire.p[1])->phase2_up, 1);
	ck_assert_uint_ge(peer_counters(wire.p[1])->ike_duplicates, 3);
	peer_ping(wire.p[0], wire.now, IP4(10, 2, 0, 9), 1, 1, 8);
	wire_for_ms(50);
	ck_assert_uint_eq(peer_counters(wire.p[1])->echo_in, 1);
	ck_assert_uint_eq(peer_counters(wire.p[1])->esp_replays, 3);
	wire_stop();
}
END_TEST

static void
ping(uint16_t n)
{
	peer_ping(wire.p[0], wire.now, IP4(10, 2, 0, 9), 1, n, 30);
	wire_for_ms(20);
}

START_TEST(esp)
{
	const struct peer_counters *n;
	struct peer_wrong *w;

	wire_up();
	n = peer_counters(wire.p[1]);
	w = peer_wrong(wire.p[0]);
	ping(1);
	ck_assert_uint_eq(n->echo_in, 1);
	w->esp_bad_icv = true;
	ping(2);
	w->esp_bad_icv = false;
	ck_assert_uint_eq(n->esp_bad_icv, 1);
	w->esp_bad_pad = true;
	ping(3);
	w->esp_bad_pad = false;
	ck_assert_uint_eq(n->esp_malformed, 1);
	w->esp_spi = 0x12345678;
	ping(4);
	w->esp_spi = 0;
	ck_assert_uint_eq(n->esp_unknown_spi, 1);
	ck_assert(peer_replay(wire.p[0], wire.now, 3));
	wire_for_ms(20);
	ck_assert_uint_eq(n->esp_replays, 1);
	w->esp_fixed_seq = 1;
	ping(5);
	w->esp_fixed_seq = 0;
	ck_assert_uint_eq(n->esp_replays, 2);
	ck_assert_uint_eq(n->echo_in, 1);
	w->esp_clear = true;
	ping(6);
	w->esp_clear = false;
	ck_assert_uint_eq(n->clear_in, 1);
	ping(7);
	ck_assert_uint_eq(n->echo_in, 2);
	ck_assert(!peer_replay(wire.p[0], wire.now, 64));
	wire_stop();
}
END_TEST

START_TEST(window)
{
	const struct peer_seqs *q;

	wire_up();
	ping(1);
	peer_wrong(wire.p[0])->esp_seq_add = 1000;
	ping(2);
	q = &peer_phase2(wire.p[1])->in;
	ck_assert_uint_eq(q->highest, 1002);
	ck_assert_uint_eq(q->jumps, 1);
	ck_assert_uint_eq(q->jump_max, 1001);
	ck_assert_uint_eq(q->jump_from, 1);
	ck_assert_uint_eq(q->missing, 1000);
	peer_wrong(wire.p[0])->esp_fixed_seq = 1002 - 63;
	ping(3);
	ck_assert_uint_eq(peer_counters(wire.p[1])->echo_in, 3);
	peer_wrong(wire.p[0])->esp_fixed_seq = 1002 - 64;
	ping(4);
	ck_assert_uint_eq(peer_counters(wire.p[1])->echo_in, 3);
	ck_assert_uint_eq(q->late, 1);
	peer_wrong(wire.p[0])->esp_fixed_seq = 1002 - 63;
	ping(5);
	ck_assert_uint_eq(q->replays, 1);
	ck_assert_uint_eq(q->missing, 999);
	wire_stop();
}
END_TEST

START_TEST(dpd_wrong)
{
	wire_up();
	peer_wrong(wire.p[1])->dpd_wrong_number = true;
	peer_dpd_probe(wire.p[0], wire.now);
	wire_for_ms(50);
	ck_assert_uint_eq(peer_counters(wire.p[0])->dpd_bad, 1);
	ck_assert_str_eq(last_refusal(0), "ACK of a number not asked");
	peer_wrong(wire.p[1])->dpd_wrong_number = false;
	peer_wrong(wire.p[1])->dpd_wrong_cookies = true;
	wire_for_ms(1000);
	ck_assert_str_eq(last_refusal(0), "DPD with other cookies");
	peer_wrong(wire.p[1])->dpd_wrong_cookies = false;
	wire_for_ms(1000);
	ck_assert_uint_eq(peer_counters(wire.p[0])->dpd_repeats, 2);
	ck_assert_uint_eq(peer_event_cnt(wire.p[0], PEER_EV_DPD_DEAD, 0, NULL), 0);
	wire_stop();
}
END_TEST

START_TEST(spi_zero)
{
	wire_default();
	peer_wrong(wire.p[0])->spi_zero = true;
	peer_initiate(wire.p[0], wire.now);
	wire_for_ms(200);
	ck_assert_ptr_null(peer_phase2(wire.p[1]));
	ck_assert_str_eq(last_refusal(1), "no proposal chosen");
	wire_stop();
}
END_TEST

static uint32_t plain_seen, wire_seen;
static size_t
on_plain(void *ctx, enum peer_kind kind, uint8_t *b, size_t len, size_t cap)
{
	(void)ctx;
	(void)cap;
	plain_seen |= PEER_BIT(kind);
	if (kind == PEER_QM1)
		b[1] = 0xff; /* reserved octet of the first payload */
	return len;
}

static size_t
on_wire(void *ctx, enum peer_kind kind, uint8_t *b, size_t len, size_t cap)
{
	(void)ctx;
	(void)b;
	(void)cap;
	wire_seen |= PEER_BIT(kind);
	return kind == PEER_DPD_ASK ? 0 : len;
}

START_TEST(hooks)
{
	wire_default();
	peer_wrong(wire.p[0])->edit_plain = on_plain;
	peer_wrong(wire.p[0])->edit_wire = on_wire;
	peer_initiate(wire.p[0], wire.now);
	wire_for_ms(200);
	ck_assert_uint_eq(plain_seen,
		PEER_BIT(PEER_MM1) | PEER_BIT(PEER_MM3) | PEER_BIT(PEER_MM5) | PEER_BIT(PEER_QM1));
	ck_assert_uint_eq(plain_seen, wire_seen);
	ck_assert_str_eq(last_refusal(1), "payloads (wrong key?)");
	peer_dpd_probe(wire.p[0], wire.now);
	wire_for_ms(50);
	ck_assert_uint_eq(peer_counters(wire.p[1])->dpd_asked, 0);
	ck_assert_uint_eq(wire_seen & PEER_BIT(PEER_DPD_ASK), PEER_BIT(PEER_DPD_ASK));
	wire_stop();
}
END_TEST

START_TEST(own_bytes)
{
	static const uint8_t info[] = {0, 0, 0, 12, 0, 0, 0, 1, 1, 0, 0x60, 0x01};
	uint8_t garbage[40] = {1, 2, 3};
	struct peer_event e;

	wire_up();
	ck_assert(peer_send_info(wire.p[0], wire.now, 11, info, sizeof info));
	wire_for_ms(10);
	ck_assert_uint_eq(peer_event_cnt(wire.p[1], PEER_EV_NOTIFY, 0, &e), 1);
	ck_assert_uint_eq(e.value, 24577);
	peer_notify(wire.p[0], wire.now, 11);
	wire_for_ms(10);
	peer_event_cnt(wire.p[1], PEER_EV_NOTIFY, 0, &e);
	ck_assert_uint_eq(e.value, 11);
	ck_assert_uint_eq(e.spi, peer_phase2(wire.p[1])->spi_in);
	peer_send_ike(wire.p[0], wire.now, garbage, sizeof garbage);
	peer_send_esp(wire.p[0], wire.now, garbage, sizeof garbage);
	wire_for_ms(10);
	ck_assert_str_eq(last_refusal(1), "version");
	ck_assert_uint_eq(peer_counters(wire.p[1])->esp_unknown_spi, 1);
	ck_assert(peer_is_up(wire.p[1]));
	wire_stop();
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("wrong");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, hashes);
	tcase_add_test(t, shapes);
	tcase_add_test(t, wrong_message_id);
	tcase_add_test(t, drop_and_repeat);
	tcase_add_test(t, esp);
	tcase_add_test(t, window);
	tcase_add_test(t, dpd_wrong);
	tcase_add_test(t, spi_zero);
	tcase_add_test(t, hooks);
	tcase_add_test(t, own_bytes);
	return wire_main(t, "peer_wrong");
}
