/* SPDX-License-Identifier: BSD-2-Clause */
/* ESP both ways: every transform, the window, every refusal, and what each rule changes. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ref/core/esp.h"
#include "ref/wire/ipv4.h"

/* Every one: ESP_TRANSFORM_NONE is no transform. */
#define TRANSFORMS (ESP_TRANSFORM_CNT - 1)
#define TRANSFORM(i) ((enum esp_transform)((i) + 1))

struct pair {
	struct esp_sa out, in;
	uint8_t inner[1500], sealed[1700], opened[1700];
	size_t inner_len, sealed_len, opened_len;
	uint32_t seq;
	struct esp_rules rules;
	struct why why;
};

static void
inner_make(struct pair *p, size_t len)
{
	struct ipv4 ip = {.tos = 0xb8,
		.ttl = 9,
		.proto = 17,
		.src = IP4(10, 0, 0, 1),
		.dst = IP4(10, 1, 0, 1)};
	struct wr w;

	wr_init(&w, p->inner, sizeof(p->inner));
	ipv4_write(&w, &ip, len - IPV4_HDR_LEN);
	while (w.len < len)
		wr_u8(&w, (uint8_t)w.len);
	p->inner_len = len;
}

static void
pair_make(struct pair *p, enum esp_transform t)
{
	const struct esp_alg *a = esp_alg(t);
	struct secret enc = {.len = a->enc_len}, auth = {.len = a->auth_len};

	memset(p, 0, sizeof(*p));
	memset(enc.b, 0x5a, enc.len);
	memset(auth.b, 0xa5, auth.len);
	esp_sa_init(
		&p->out, false, t, 0x12345678, IP4(192, 0, 2, 1), IP4(192, 0, 2, 2), &enc, &auth);
	esp_sa_init(&p->in, true, t, 0x12345678, IP4(192, 0, 2, 1), IP4(192, 0, 2, 2), &enc, &auth);
	p->rules = esp_rules_standard;
	inner_make(p, 84);
}

static enum err
seal(struct pair *p, uint32_t seq)
{
	return esp_seal(&crypto_openssl, &p->rules, &p->out, seq, 77, p->inner, p->inner_len,
		p->sealed, sizeof(p->sealed), &p->sealed_len, &p->why);
}

static enum err
open_it(struct pair *p)
{
	return esp_open(&crypto_openssl, &p->rules, &p->in, p->sealed + IPV4_HDR_LEN,
		p->sealed_len - IPV4_HDR_LEN, p->opened, sizeof(p->opened), &p->opened_len, &p->seq,
		&p->why);
}

START_TEST(round_trip)
{
	static struct pair p;
	struct ipv4 ip;
	struct rd r, payload;

	pair_make(&p, TRANSFORM(_i));
	for (size_t len = 20; len <= 1500; len += 37) {
		inner_make(&p, len);
		ck_assert_int_eq(seal(&p, (uint32_t)len), ERR_OK);
		ck_assert_uint_eq(p.sealed_len, esp_sealed_len(&p.out, len));
		ck_assert_uint_le(p.sealed_len, len + ESP_OVERHEAD_MAX);
		rd_init(&r, p.sealed, p.sealed_len);
		ck_assert_int_eq(ipv4_decode(&r, &ip, &payload, &p.why), ERR_OK);
		ck_assert_uint_eq(ip.tos, 0xb8);
		ck_assert_uint_eq(ip.ttl, 64);
		ck_assert_uint_eq(ip.proto, 50);
		ck_assert_uint_eq(ip.frag, 0);
		ck_assert_uint_eq(ip.id, 77);
		ck_assert_int_eq(open_it(&p), ERR_OK);
		ck_assert_uint_eq(p.seq, len);
		ck_assert_uint_eq(p.opened_len, len);
		ck_assert_int_eq(memcmp(p.opened, p.inner, len), 0);
	}
	ck_assert_uint_eq(p.in.bytes, p.out.bytes);
	ck_assert_uint_eq(p.in.packets, p.in.count[ESP_CNT_OPENED]);
}
END_TEST

/* RFC 3948 2.1: a UDP header between, its checksum zero; what follows it opens as ever. */
START_TEST(in_udp)
{
	static struct pair p;
	struct rd r, payload, data;
	struct ipv4 ip;
	struct udp u;

	pair_make(&p, TRANSFORM(_i));
	p.out.sport = 4500;
	p.out.dport = 40000;
	ck_assert_int_eq(seal(&p, 1), ERR_OK);
	ck_assert_uint_eq(p.sealed_len, esp_sealed_len(&p.out, p.inner_len));
	ck_assert_uint_le(esp_sealed_len(&p.out, esp_inner_mtu(&p.out, 1400)), 1400);
	rd_init(&r, p.sealed, p.sealed_len);
	ck_assert_int_eq(ipv4_decode(&r, &ip, &payload, &p.why), ERR_OK);
	ck_assert_int_eq(udp_decode(&payload, &ip, &u, &data, &p.why), ERR_OK);
	ck_assert_uint_eq(u.sport, 4500);
	ck_assert_uint_eq(u.dport, 40000);
	ck_assert_uint_eq(u.sum, 0);
	ck_assert_int_eq(esp_open(&crypto_openssl, &p.rules, &p.in, data.p, rd_left(&data),
				 p.opened, sizeof(p.opened), &p.opened_len, &p.seq, &p.why),
		ERR_OK);
	ck_assert_uint_eq(p.opened_len, p.inner_len);
}
END_TEST

START_TEST(inner_mtu)
{
	static struct pair p;

	pair_make(&p, TRANSFORM(_i));
	for (size_t mtu = 0; mtu < 1600; mtu++) {
		size_t n = esp_inner_mtu(&p.out, mtu);

		if (n)
			ck_assert_uint_le(esp_sealed_len(&p.out, n), mtu);
		if (mtu > 100)
			ck_assert_uint_gt(esp_sealed_len(&p.out, n + 1), mtu);
	}
}
END_TEST

/* No bit of the packet may be changed, and the window stays where it was. */
START_TEST(every_bit_counts)
{
	static struct pair p;

	pair_make(&p, TRANSFORM(_i));
	ck_assert_int_eq(seal(&p, 5), ERR_OK);
	for (size_t at = IPV4_HDR_LEN + 4; at < p.sealed_len; at++) {
		p.sealed[at] ^= 0x10;
		ck_assert_int_eq(open_it(&p), ERR_AUTH);
		p.sealed[at] ^= 0x10;
	}
	ck_assert_uint_eq(p.in.window.top, 0);
	ck_assert_uint_eq(p.in.bytes, 0);
	ck_assert_int_eq(open_it(&p), ERR_OK);
	ck_assert_uint_eq(p.in.window.top, 5);
}
END_TEST

START_TEST(every_length)
{
	static struct pair p;
	size_t whole;

	pair_make(&p, TRANSFORM(_i));
	ck_assert_int_eq(seal(&p, 5), ERR_OK);
	whole = p.sealed_len;
	for (p.sealed_len = IPV4_HDR_LEN; p.sealed_len < whole; p.sealed_len++)
		ck_assert_int_ne(open_it(&p), ERR_OK);
	ck_assert_uint_eq(p.in.packets, 0);
	ck_assert_uint_gt(p.in.count[ESP_CNT_MALFORMED], 0);
}
END_TEST

START_TEST(replay)
{
	static struct pair p;
	uint64_t bytes;

	pair_make(&p, TRANSFORM(_i));
	ck_assert_int_eq(seal(&p, 100), ERR_OK);
	ck_assert_int_eq(open_it(&p), ERR_OK);
	bytes = p.in.bytes;
	ck_assert_int_eq(open_it(&p), ERR_REPLAY);
	ck_assert_uint_eq(p.in.bytes, bytes);
	ck_assert_uint_eq(p.in.count[ESP_CNT_REPLAY], 1);
	p.rules.check_replay = false;
	ck_assert_int_eq(open_it(&p), ERR_OK);
	p.rules = esp_rules_standard;
	p.rules.replay_counts_life = true;
	bytes = p.in.bytes;
	ck_assert_int_eq(open_it(&p), ERR_REPLAY);
	ck_assert_uint_gt(p.in.bytes, bytes);
}
END_TEST

START_TEST(sequence_goes_up)
{
	static struct pair p;

	pair_make(&p, ESP_GCM128);
	ck_assert_int_eq(seal(&p, 0), ERR_VALUE);
	ck_assert_int_eq(seal(&p, 7), ERR_OK);
	ck_assert_int_eq(seal(&p, 7), ERR_REPLAY);
	ck_assert_int_eq(seal(&p, 6), ERR_REPLAY);
	ck_assert_int_eq(seal(&p, UINT32_MAX), ERR_OK);
	ck_assert_int_eq(open_it(&p), ERR_OK);
	ck_assert_uint_eq(p.out.count[ESP_CNT_SEQ_REFUSED], 3);
}
END_TEST

/* The IV of GCM is the number in eight octets. */
START_TEST(gcm_iv)
{
	static struct pair p;
	static const uint8_t want[16] = {
		0x12, 0x34, 0x56, 0x78, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 1, 2};

	pair_make(&p, ESP_GCM128);
	ck_assert_int_eq(seal(&p, 0x102), ERR_OK);
	ck_assert_int_eq(memcmp(p.sealed + IPV4_HDR_LEN, want, 16), 0);
}
END_TEST

/* Seal one with a broken rule by hand: build the text with the primitives alone. */
static void
forge(struct pair *p, uint8_t pad_first, uint8_t pad_len, uint8_t next, uint8_t version)
{
	uint8_t *esp = p->sealed + IPV4_HDR_LEN, *text = esp + 16;
	uint8_t nonce[12] = {0x5a, 0x5a, 0x5a, 0x5a};
	size_t len = p->inner_len;

	memset(esp, 0, 16);
	esp[0] = 0x12;
	esp[1] = 0x34;
	esp[2] = 0x56;
	esp[3] = 0x78;
	esp[7] = 9;
	memcpy(text, p->inner, len);
	text[0] = version;
	text[len] = pad_first;
	text[len + 1] = 2;
	text[len + 2] = pad_len;
	text[len + 3] = next;
	crypto_openssl.gcm_seal(
		CRYPTO_AES128_GCM, p->in.enc.b, nonce, esp, 8, text, text, len + 4, text + len + 4);
	p->sealed_len = IPV4_HDR_LEN + 16 + len + 4 + 16;
}

START_TEST(trailer)
{
	static struct pair p;
	static const struct {
		uint8_t pad_first, pad_len, next, version;
		enum err e;
		enum esp_count count;
	} row[] = {
		{1, 2, 4, 0x45, ERR_OK, ESP_CNT_OPENED},
		{9, 2, 4, 0x45, ERR_VALUE, ESP_CNT_BAD_PADDING},
		{1, 200, 4, 0x45, ERR_LENGTH, ESP_CNT_BAD_PADDING},
		{1, 2, 41, 0x45, ERR_VALUE, ESP_CNT_BAD_NEXT},
		{1, 2, 59, 0x45, ERR_OK, ESP_CNT_DUMMY},
		{1, 2, 4, 0x65, ERR_VALUE, ESP_CNT_BAD_INNER},
		{1, 2, 4, 0x44, ERR_LENGTH, ESP_CNT_BAD_INNER},
		{1, 2, 4, 0x46, ERR_CHECKSUM, ESP_CNT_BAD_INNER},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		pair_make(&p, ESP_GCM128);
		forge(&p, row[i].pad_first, row[i].pad_len, row[i].next, row[i].version);
		ck_assert_int_eq(open_it(&p), row[i].e);
		ck_assert_uint_eq(p.in.count[row[i].count], 1);
		ck_assert_uint_eq(p.in.window.top, 9);
		ck_assert_uint_eq(p.in.packets, row[i].count == ESP_CNT_OPENED);
	}
}
END_TEST

START_TEST(rules_bend)
{
	static struct pair p;

	pair_make(&p, ESP_CBC128_SHA1);
	p.rules.mark_after_icv = false;
	seal(&p, 1000) ? ck_abort() : (void)0;
	p.sealed[p.sealed_len - 1] ^= 1;
	ck_assert_int_eq(open_it(&p), ERR_AUTH);
	ck_assert_uint_eq(p.in.window.top, 1000);
	pair_make(&p, ESP_CBC128_SHA1);
	p.rules.check_icv = false;
	p.rules.copy_tos = false;
	p.rules.df = ESP_DF_SET;
	ck_assert_int_eq(seal(&p, 3), ERR_OK);
	ck_assert_uint_eq(p.sealed[1], 0);
	ck_assert_uint_eq(p.sealed[6], 0x40);
	p.sealed[p.sealed_len - 1] ^= 1;
	ck_assert_int_eq(open_it(&p), ERR_OK);
	pair_make(&p, ESP_CBC128_SHA1);
	p.rules.first_seq = 0;
	ck_assert_int_eq(seal(&p, 0), ERR_OK);
	ck_assert_int_eq(open_it(&p), ERR_REPLAY);
}
END_TEST

/* Against a set kept the slow way. */
START_TEST(window_model)
{
	static bool seen[4000];
	static const unsigned sizes[] = {32, 64, 72, 512, 1024};
	struct esp_window w, w2;
	uint8_t map[ESP_WINDOW_OCTETS];
	unsigned size = sizes[_i];
	uint32_t top = 0, rnd = 12345;

	memset(seen, 0, sizeof(seen));
	esp_window_init(&w, size);
	for (unsigned i = 0; i < 20000; i++) {
		uint32_t seq;
		bool fresh;

		rnd = rnd * 1664525u + 1013904223u;
		seq = top + 20 > (rnd >> 8) % (size * 2) ? top + 20 - (rnd >> 8) % (size * 2) : 0;
		if (i % 997 == 0)
			seq = top + 150;
		if (seq >= 4000)
			break;
		fresh = seq > 0 && seq + size > top && !seen[seq];
		ck_assert_int_eq(esp_window_check(&w, seq), fresh ? ERR_OK : ERR_REPLAY);
		if (fresh) {
			esp_window_mark(&w, seq);
			seen[seq] = true;
			top = seq > top ? seq : top;
		}
		ck_assert_int_eq(
			esp_window_import(&w2, w.top, w.size, map, esp_window_export(&w, map)),
			ERR_OK);
		/* Millions of them: an assertion that holds costs Check a system call. */
		for (uint32_t s = top > size ? top - size : 0; s < top + 3; s++)
			if (esp_window_check(&w, s) != esp_window_check(&w2, s))
				ck_abort_msg("window %u, number %u: the copy differs", size, s);
	}
	ck_assert_uint_gt(top, 2000);
}
END_TEST

START_TEST(window_octets)
{
	struct esp_window w;
	uint8_t map[ESP_WINDOW_OCTETS];

	esp_window_init(&w, 64);
	esp_window_mark(&w, 10);
	esp_window_mark(&w, 1);
	ck_assert_uint_eq(esp_window_export(&w, map), 8);
	ck_assert_uint_eq(map[7], 0x01); /* the highest number */
	ck_assert_uint_eq(map[6], 0x02); /* 9 below it */
	ck_assert_int_eq(esp_window_import(&w, 1, 64, map, 7), ERR_LENGTH);
	ck_assert_int_eq(esp_window_import(&w, 1, 65, map, 8), ERR_VALUE);
	ck_assert_int_eq(esp_window_import(&w, 1, 2048, map, 8), ERR_VALUE);
}
END_TEST

START_TEST(lifetimes)
{
	static struct pair p;
	ns_t s = NS_PER_S;

	pair_make(&p, ESP_GCM128);
	ck_assert_int_eq(esp_life(&p.out, &p.rules, 1000 * s), ESP_LIFE_OK);
	ck_assert_uint_eq(esp_life_left_s(&p.out, 0), UINT32_MAX);
	p.out.hard_at = 3600 * s;
	ck_assert_int_eq(esp_life(&p.out, &p.rules, 3570 * s - 1), ESP_LIFE_OK);
	ck_assert_int_eq(esp_life_deadline(&p.out, &p.rules, 0), 3570 * s);
	ck_assert_int_eq(esp_life(&p.out, &p.rules, 3570 * s), ESP_LIFE_SOFT);
	ck_assert_int_eq(esp_life_deadline(&p.out, &p.rules, 3570 * s), 3600 * s);
	ck_assert_int_eq(esp_life(&p.out, &p.rules, 3600 * s), ESP_LIFE_HARD);
	ck_assert_uint_eq(esp_life_left_s(&p.out, 3590 * s + 1), 9);
	p.out.hard_kb = 2560;
	p.out.bytes = (2560 - 256) * 1024 - 1;
	ck_assert_int_eq(esp_life(&p.out, &p.rules, 0), ESP_LIFE_OK);
	p.out.bytes++;
	ck_assert_int_eq(esp_life(&p.out, &p.rules, 0), ESP_LIFE_SOFT);
	p.out.bytes = 2560 * 1024;
	ck_assert_int_eq(esp_life(&p.out, &p.rules, 0), ESP_LIFE_HARD);
	p.rules.honour_kb = false;
	ck_assert_int_eq(esp_life(&p.out, &p.rules, 0), ESP_LIFE_OK);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("esp");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, round_trip, 0, TRANSFORMS);
	tcase_add_loop_test(t, in_udp, 0, TRANSFORMS);
	tcase_add_loop_test(t, inner_mtu, 0, TRANSFORMS);
	tcase_add_loop_test(t, every_bit_counts, 0, TRANSFORMS);
	tcase_add_loop_test(t, every_length, 0, TRANSFORMS);
	tcase_add_loop_test(t, replay, 0, TRANSFORMS);
	tcase_add_test(t, sequence_goes_up);
	tcase_add_test(t, gcm_iv);
	tcase_add_test(t, trailer);
	tcase_add_test(t, rules_bend);
	tcase_add_loop_test(t, window_model, 0, 5);
	tcase_add_test(t, window_octets);
	tcase_add_test(t, lifetimes);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
