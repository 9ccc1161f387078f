/* SPDX-License-Identifier: BSD-2-Clause */
/* Split and put together again in any order; overlap, contradiction, bounds, time. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ref/core/ipfrag.h"

static struct ipfrag f;
static struct ipfrag_slot slots[2];
static struct ipfrag_rules rules;
static uint8_t packet[9000], piece[64][9000], buf[9300];
static size_t packet_len, piece_len[64];
static unsigned pieces;
static struct why why;

static void
make(size_t len, uint16_t id, uint16_t frag)
{
	struct ipv4 ip = {.id = id, .frag = frag, .ttl = 64, .proto = 50, .src = 1, .dst = 2};
	struct wr w;

	wr_init(&w, packet, sizeof(packet));
	ipv4_write(&w, &ip, len - 20);
	while (w.len < len)
		wr_u8(&w, (uint8_t)(w.len * 7 + w.len / 256));
	packet_len = len;
}

static enum err
split(size_t mtu)
{
	struct ipfrag_split s;
	enum err e = ipfrag_split_init(&s, &rules, packet, packet_len, mtu, &why);

	pieces = 0;
	if (e)
		return e;
	while ((piece_len[pieces] = ipfrag_split_next(&s, piece[pieces], sizeof(piece[0]))) > 0) {
		ck_assert_uint_le(piece_len[pieces], mtu);
		pieces++;
	}
	return ERR_OK;
}

static void
setup(void)
{
	rules = ipfrag_rules_standard;
	ipfrag_init(&f, &rules, slots, 2);
}

/* Feed piece i; length of what came out, and it is the packet. */
static size_t
feed(unsigned i, enum err want)
{
	const uint8_t *out;
	size_t len;

	ck_assert_int_eq(
		ipfrag_step(&f, 0, piece[i], piece_len[i], buf, sizeof(buf), &out, &len, &why),
		want);
	if (len) {
		ck_assert_uint_eq(len, packet_len);
		ck_assert_int_eq(memcmp(out, packet, len), 0);
	}
	return len;
}

START_TEST(orders)
{
	static const size_t mtus[] = {68, 576, 1280, 1499, 1500};
	uint32_t rnd = (uint32_t)_i + 1;

	for (unsigned m = 0; m < 5; m++) {
		unsigned order[64], done = 0;

		make(m == 0 ? 900 : 1500 + (size_t)_i * 17, (uint16_t)(m + 1), 0);
		ck_assert_int_eq(split(mtus[m]), ERR_OK);
		for (unsigned i = 0; i < pieces; i++)
			order[i] = i;
		for (unsigned i = pieces; i > 1; i--) {
			unsigned j = (rnd = rnd * 1664525u + 1013904223u) / 65536 % i, t = order[j];

			order[j] = order[i - 1];
			order[i - 1] = t;
		}
		for (unsigned i = 0; i < pieces; i++) {
			size_t len = feed(order[i], ERR_OK);

			ck_assert(!len == (i + 1 < pieces));
			done += len > 0;
			if (i + 1 < pieces)
				(void)feed(order[i], ERR_OK); /* twice */
		}
		ck_assert_uint_eq(done, 1);
	}
	ck_assert_int_eq(ipfrag_deadline(&f), NS_NEVER);
}
END_TEST

START_TEST(df_and_bounds)
{
	make(1400, 1, IPV4_DF);
	ck_assert_int_eq(split(1399), ERR_INOPPORTUNE);
	ck_assert_int_eq(split(1400), ERR_OK);
	ck_assert_uint_eq(pieces, 1);
	ck_assert_uint_eq(feed(0, ERR_OK), 1400);
	ck_assert_int_eq(split(67), ERR_VALUE);
	packet[0] = 0x65;
	ck_assert_int_eq(split(1500), ERR_VALUE);
}
END_TEST

START_TEST(fragment_of_a_fragment)
{
	make(1000, 1, 0);
	ck_assert_int_eq(split(600), ERR_OK);
	ck_assert_uint_eq(pieces, 2);
	memcpy(piece[8], packet, packet_len);
	memcpy(piece[9], piece[1], piece_len[1]);
	piece_len[9] = piece_len[1];
	memcpy(packet, piece[0], piece_len[0]);
	packet_len = piece_len[0];
	ck_assert_int_eq(split(300), ERR_OK);
	ck_assert_uint_eq(pieces, 3);
	memcpy(packet, piece[8], 1000);
	packet_len = 1000;
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(feed(i, ERR_OK), 0);
	ck_assert_uint_eq(feed(9, ERR_OK), 1000);
}
END_TEST

START_TEST(overlap)
{
	make(1000, 1, 0);
	ck_assert_int_eq(split(600), ERR_OK);
	(void)feed(0, ERR_OK);
	piece[0][100] ^= 1; /* same place, other bytes; the header is as it was */
	(void)feed(0, ERR_VALUE);
	ck_assert_uint_eq(f.count[IPFRAG_CNT_OVERLAP], 1);
	(void)feed(1, ERR_INOPPORTUNE); /* the rest of it dies too */
	rules.refuse_overlap = false;
	make(1000, 2, 0);
	ck_assert_int_eq(split(600), ERR_OK);
	piece[0][100] ^= 1;
	(void)feed(0, ERR_OK);
	piece[0][100] ^= 1;
	(void)feed(0, ERR_OK);
	ck_assert_uint_eq(feed(1, ERR_OK), 1000);
}
END_TEST

START_TEST(beyond_the_end)
{
	make(1000, 1, 0);
	ck_assert_int_eq(split(300), ERR_OK);
	ck_assert_uint_eq(pieces, 4);
	/* The third claims to be the last: then the fourth lies beyond it. */
	piece[2][6] &= 0xdf;
	piece[2][10] = piece[2][11] = 0;
	{
		uint16_t sum = ipv4_sum(piece[2], 20, 0);

		piece[2][10] = (uint8_t)(sum >> 8);
		piece[2][11] = (uint8_t)sum;
	}
	(void)feed(2, ERR_OK);
	(void)feed(3, ERR_VALUE);
	ck_assert_uint_eq(f.count[IPFRAG_CNT_OVERLAP], 1);
}
END_TEST

START_TEST(time_and_room)
{
	for (uint16_t id = 1; id <= 3; id++) {
		make(1000, id, 0);
		ck_assert_int_eq(split(600), ERR_OK);
		(void)feed(0, ERR_OK);
	}
	ck_assert_uint_eq(f.count[IPFRAG_CNT_EVICTED], 1);
	ck_assert_int_eq(ipfrag_deadline(&f), 15 * NS_PER_S);
	ipfrag_tick(&f, 15 * NS_PER_S);
	ck_assert_uint_eq(f.count[IPFRAG_CNT_TIMEOUT], 2);
	ck_assert_uint_eq(feed(1, ERR_OK), 0);
	/* a ping of death */
	make(1000, 9, 0x1fff | IPV4_MF);
	memcpy(piece[0], packet, packet_len);
	piece_len[0] = 996;
	piece[0][2] = 996 >> 8;
	piece[0][3] = 996 & 255;
	(void)feed(0, ERR_CHECKSUM);
	ck_assert_uint_eq(f.count[IPFRAG_CNT_MALFORMED], 1);
	make(996, 9, 0x1fff | IPV4_MF);
	memcpy(piece[0], packet, packet_len);
	(void)feed(0, ERR_FULL);
	ck_assert_uint_eq(f.count[IPFRAG_CNT_TOO_LONG], 1);
}
END_TEST

START_TEST(rules_bend)
{
	rules.lose_last = true;
	make(1000, 1, 0);
	ck_assert_int_eq(split(600), ERR_OK);
	ck_assert_uint_eq(pieces, 1);
	rules = ipfrag_rules_standard;
	rules.reassemble = false;
	ck_assert_int_eq(split(600), ERR_OK);
	(void)feed(0, ERR_UNSUPPORTED);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ipfrag");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_loop_test(t, orders, 0, 10);
	tcase_add_test(t, df_and_bounds);
	tcase_add_test(t, fragment_of_a_fragment);
	tcase_add_test(t, overlap);
	tcase_add_test(t, beyond_the_end);
	tcase_add_test(t, time_and_room);
	tcase_add_test(t, rules_bend);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
