/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trains: what is coupled and cut again is octet for octet what it was; what must not be coupled is not;
 * what makes no sense is refused.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ref/base/ip4.h"
#include "ref/sys/offload.h"
#include "ref/wire/ipv4.h"

#define SRC IP4(10, 0, 0, 2)
#define DST IP4(10, 2, 0, 2)

struct packet {
	uint8_t b[1500];
	size_t len;
};

static struct offload_train train;
static struct offload_cut cut;
static struct packet in[200], out[200];
static unsigned out_cnt;

static void
put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* Both checksums, from scratch. */
static void
seal(struct packet *p)
{
	size_t at = p->b[9] == IPV4_PROTO_TCP ? 36 : 26, l4_len = p->len - 20;
	uint32_t sum = p->b[9] + (uint32_t)l4_len;
	uint16_t s;

	put16(p->b + 10, 0);
	put16(p->b + 10, ipv4_sum(p->b, 20, 0));
	for (size_t i = 12; i < 20; i += 2)
		sum += (uint32_t)p->b[i] << 8 | p->b[i + 1];
	put16(p->b + at, 0);
	s = ipv4_sum(p->b + 20, l4_len, sum);
	put16(p->b + at, s ? s : 0xffff);
}

static void
udp(struct packet *p, unsigned id, size_t payload)
{
	struct ipv4 ip = {.tos = 3, .id = (uint16_t)id, .frag = IPV4_DF, .ttl = 61, .src = SRC, .dst = DST};
	uint8_t data[1400];
	struct wr w;

	for (size_t i = 0; i < payload; i++)
		data[i] = (uint8_t)(id * 31 + i);
	wr_init(&w, p->b, sizeof p->b);
	udp_packet_write(&w, &ip, 4000, 5000, data, payload);
	p->len = w.len;
}

/* With twelve octets of options. */
static void
tcp(struct packet *p, unsigned id, uint32_t seq, uint8_t flags, size_t payload)
{
	struct ipv4 ip = {.id = (uint16_t)id, .ttl = 61, .proto = IPV4_PROTO_TCP, .src = SRC, .dst = DST};
	struct wr w;

	wr_init(&w, p->b, sizeof p->b);
	ipv4_write(&w, &ip, 32 + payload);
	wr_u32(&w, 0x10001000);
	wr_u32(&w, seq);
	wr_u32(&w, 0x01020304);
	wr_u8(&w, 0x80);
	wr_u8(&w, flags);
	wr_u16(&w, 512);
	wr_u32(&w, 0);
	for (size_t i = 0; i < 12; i++)
		wr_u8(&w, (uint8_t)i);
	for (size_t i = 0; i < payload; i++)
		wr_u8(&w, (uint8_t)(id + 7 * i));
	p->len = w.len;
	seal(p);
}

/* Send the train: cut it, as the kernel would. */
static unsigned
send_train(void)
{
	const uint8_t *b;
	unsigned cars = train.cnt;
	size_t len;

	if (!cars)
		return 0;
	offload_train_close(&train);
	ck_assert(offload_cut_init(&cut, &train.h, train.b, train.len, 0));
	while ((b = offload_cut_next(&cut, &len)) != NULL) {
		memcpy(out[out_cnt].b, b, len);
		out[out_cnt++].len = len;
	}
	offload_train_clear(&train);
	return cars;
}

/* All packets through trains: how many trains; what comes out must be what went in. */
static unsigned
through(unsigned cnt)
{
	unsigned trains = 0;

	out_cnt = 0;
	for (unsigned i = 0; i < cnt; i++) {
		if (offload_train_add(&train, in[i].b, in[i].len))
			continue;
		trains += send_train() > 0;
		ck_assert(offload_train_add(&train, in[i].b, in[i].len));
	}
	trains += send_train() > 0;
	ck_assert_uint_eq(out_cnt, cnt);
	for (unsigned i = 0; i < cnt; i++) {
		ck_assert_uint_eq(out[i].len, in[i].len);
		ck_assert(!memcmp(out[i].b, in[i].b, in[i].len));
	}
	return trains;
}

static void
setup(void)
{
	memset(&train, 0, sizeof train);
	train.udp = true;
}

START_TEST(udp_of_one_length)
{
	for (unsigned i = 0; i < 100; i++)
		udp(&in[i], 65500 + i, 36);
	ck_assert_uint_eq(through(100), 2); /* 64 and 36 */
	for (unsigned i = 0; i < 100; i++)
		udp(&in[i], i, 1372);
	ck_assert_uint_eq(through(100), 3); /* 47, 47, 6: no longer than 65535 octets */
}
END_TEST

START_TEST(the_last_may_be_shorter)
{
	for (unsigned i = 0; i < 10; i++)
		udp(&in[i], i, i == 4 ? 100 : 200);
	ck_assert_uint_eq(through(10), 2);
	for (unsigned i = 0; i < 4; i++)
		udp(&in[i], i, i == 2 ? 300 : 200);
	ck_assert_uint_eq(through(4), 2); /* 2; the longer one begins another, which the next ends */
}
END_TEST

START_TEST(tcp_with_options)
{
	for (unsigned i = 0; i < 40; i++)
		tcp(&in[i], 9 + i, 0xfffff000u + i * 1000, i == 9 ? 0x18 : 0x10, 1000);
	ck_assert_uint_eq(through(40), 2); /* PSH ends one */
}
END_TEST

START_TEST(without_trains_of_udp)
{
	train.udp = false;
	for (unsigned i = 0; i < 5; i++)
		udp(&in[i], i, 36);
	ck_assert_uint_eq(through(5), 5);
}
END_TEST

/* One octet of the second packet is another one; with right checksums it goes by itself. */
START_TEST(another_header)
{
	static const size_t at[] = {0, 1, 4, 5, 6, 8, 12, 16, 20, 22};

	for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
		setup();
		udp(&in[0], 1, 36);
		udp(&in[1], 2, 36);
		in[1].b[at[i]] ^= 4;
		if (at[i])
			seal(&in[1]);
		ck_assert_uint_eq(through(2), 2);
	}
	for (size_t at_tcp = 20; at_tcp < 52; at_tcp++) {
		if (at_tcp == 32 || at_tcp == 36 || at_tcp == 37)
			continue; /* the header's length, the checksum */
		setup();
		tcp(&in[0], 1, 1000, 0x10, 100);
		tcp(&in[1], 2, 1100, 0x10, 100);
		in[1].b[at_tcp] ^= 4;
		seal(&in[1]);
		ck_assert_uint_eq(through(2), 2);
	}
}
END_TEST

/* A wrong checksum stays wrong, in whichever place; none stays none. */
START_TEST(wrong_checksums)
{
	for (unsigned i = 0; i < 4; i++) {
		for (unsigned what = 0; what < 3; what++) {
			setup();
			for (unsigned k = 0; k < 4; k++)
				udp(&in[k], k, 36);
			if (what == 0)
				in[i].b[40] ^= 1;
			else if (what == 1)
				in[i].b[11] ^= 1;
			else
				put16(in[i].b + 26, 0);
			ck_assert_uint_ge(through(4), 2);
		}
	}
}
END_TEST

START_TEST(not_coupled)
{
	for (unsigned i = 0; i < 6; i++)
		tcp(&in[i], i, 5, (uint8_t)(i & 1 ? 0x11 : 0x02), 0);
	ck_assert_uint_eq(through(6), 6);
	for (unsigned i = 0; i < 6; i++) {
		udp(&in[i], 7 + i, 36);
		put16(in[i].b + 6, i ? 0x2000 : 4); /* fragments */
		seal(&in[i]);
	}
	ck_assert_uint_eq(through(6), 6);
	for (unsigned i = 0; i < 6; i++) {
		udp(&in[i], 7 + i, 36);
		in[i].b[9] = IPV4_PROTO_ICMP;
	}
	ck_assert_uint_eq(through(6), 6);
	in[0].len = 3; /* whatever it is, it is not looked at */
	ck_assert_uint_eq(through(1), 1);
}
END_TEST

/* Any mixture comes out as it went in. */
START_TEST(any_mixture)
{
	uint32_t seq = 1;
	unsigned id = 0, trains = 0;

	srand((unsigned)_i);
	for (unsigned i = 0; i < 200; i++) {
		size_t len = rand() % 8 ? 500 : (size_t)(rand() % 1200);

		id += rand() % 10 ? 1 : 2;
		if (rand() % 10 < 5) {
			udp(&in[i], id, len);
		} else {
			tcp(&in[i], id, seq, rand() % 10 ? 0x10 : (uint8_t)rand(), len);
			seq += rand() % 20 ? (uint32_t)len : 1;
		}
		if (rand() % 20 == 0)
			in[i].b[rand() % (int)in[i].len] ^= (uint8_t)(1 << rand() % 8);
	}
	trains = through(200);
	ck_assert_uint_gt(trains, 0);
}
END_TEST

/* From a packet socket: Ethernet first, checksums left open. */
START_TEST(frames)
{
	struct virtio_net_hdr h = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 6};
	uint8_t frame[1514] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 8, 0};
	const uint8_t *b;
	size_t len;

	udp(&in[0], 1, 36);
	memcpy(frame + 14, in[0].b, in[0].len);
	/* the sum of the pseudo header alone is there */
	put16(frame + 40, 0xffff & (IPV4_PROTO_UDP + 44 + 0x0a00 + 2 + 0x0a02 + 2));
	ck_assert(offload_cut_init(&cut, &h, frame, 14 + in[0].len, 14));
	b = offload_cut_next(&cut, &len);
	ck_assert_uint_eq(len, 14 + in[0].len);
	ck_assert(!memcmp(b + 14, in[0].b, in[0].len) && b[11] == 12);
	ck_assert_ptr_null(offload_cut_next(&cut, &len));
	for (unsigned i = 0; i < 5; i++)
		udp(&in[i], i, 36);
	for (unsigned i = 0; i < 5; i++)
		ck_assert(offload_train_add(&train, in[i].b, in[i].len));
	offload_train_close(&train);
	memcpy(frame + 14, train.b, train.len);
	train.h.csum_start = 34;
	ck_assert(offload_cut_init(&cut, &train.h, frame, 14 + train.len, 14));
	for (unsigned i = 0; i < 5; i++) {
		b = offload_cut_next(&cut, &len);
		ck_assert_uint_eq(len, 14 + in[i].len);
		ck_assert(!memcmp(b + 14, in[i].b, in[i].len) && b[11] == 12);
	}
	ck_assert_ptr_null(offload_cut_next(&cut, &len));
}
END_TEST

/* Every field of header and packet at its worst: refused, or cut within bounds. */
START_TEST(nonsense)
{
	uint8_t b[3000];

	srand((unsigned)_i);
	for (unsigned i = 0; i < 20000; i++) {
		static const uint8_t kinds[] = {0, 1, 3, 4, 5, 0x81};
		struct virtio_net_hdr h = {.flags = (uint8_t)(rand() % 2), .gso_type = kinds[rand() % 6]};
		size_t len = (size_t)rand() % sizeof b, l2 = rand() % 2 ? 14 : 0, got, all = 0;
		uint8_t *p = malloc(len + 1); /* so that a sanitizer sees its end */
		const uint8_t *piece;

		for (size_t k = 0; k < len; k++)
			p[k] = (uint8_t)rand();
		if (len > l2 + 20 && rand() % 4) {
			p[l2] = 0x45;
			p[l2 + 9] = rand() % 2 ? IPV4_PROTO_TCP : IPV4_PROTO_UDP;
		}
		h.gso_size = (uint16_t)(rand() % 4 ? rand() % 2000 : rand());
		h.csum_start = (uint16_t)(rand() % 4 ? rand() % 100 : rand());
		h.csum_offset = (uint16_t)(rand() % 4 ? rand() % 20 : rand());
		if (offload_cut_init(&cut, &h, p, len, l2))
			while ((piece = offload_cut_next(&cut, &got)) != NULL) {
				ck_assert_uint_le(got, OFFLOAD_PIECE);
				all += got + piece[0] * 0u;
			}
		ck_assert_uint_le(all, 100 * (len + 1));
		free(p);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("offload");
	TCase *t = tcase_create("trains");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, udp_of_one_length);
	tcase_add_test(t, the_last_may_be_shorter);
	tcase_add_test(t, tcp_with_options);
	tcase_add_test(t, without_trains_of_udp);
	tcase_add_test(t, another_header);
	tcase_add_test(t, wrong_checksums);
	tcase_add_test(t, not_coupled);
	tcase_add_loop_test(t, any_mixture, 0, 50);
	tcase_add_test(t, frames);
	tcase_add_loop_test(t, nonsense, 0, 5);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
