/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capture files, made here octet by octet in both byte orders, whole and broken; and laid beside
 * libpcap's reading of the same file.
 */
#include "harness/trace/capture.h"

#include <check.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint8_t file[1 << 16];
static size_t len;
static bool big; /* byte order */
static char err[CAPTURE_ERR];

static void
put(uint64_t v, size_t octets)
{
	for (size_t i = 0; i < octets; i++)
		file[len++] = (uint8_t)(v >> 8 * (big ? octets - 1 - i : i));
}

static void
text(const char *s, size_t n)
{
	memcpy(file + len, s, n);
	len += n;
	while (len % 4)
		file[len++] = 0;
}

static void
option(unsigned code, const char *s, size_t n)
{
	put(code, 2);
	put(n, 2);
	text(s, n);
}

/* A block begins; its length is put in when it ends. */
static size_t
block(uint32_t type)
{
	size_t at = len;

	put(type, 4);
	put(0, 4);
	return at;
}

static void
end(size_t at)
{
	size_t stop = len + 4;

	len = at + 4;
	put(stop - at, 4);
	len = stop - 4;
	put(stop - at, 4);
}

static void
section(const char *comment)
{
	size_t at = block(0x0A0D0D0A);

	put(0x1A2B3C4D, 4);
	put(1, 2);
	put(0, 2);
	put(UINT64_MAX, 8);
	if (comment)
		option(1, comment, strlen(comment));
	end(at);
}

static void
interface(unsigned link, const char *name, int resolution, int64_t offset)
{
	size_t at = block(1);
	char r = (char)resolution;

	put(link, 2);
	put(0, 2);
	put(0, 4);
	if (name)
		option(2, name, strlen(name));
	if (resolution >= 0)
		option(9, &r, 1);
	if (offset) {
		put(14, 2);
		put(8, 2);
		put((uint64_t)offset, 8);
	}
	put(0, 4);
	end(at);
}

static void
packet(uint32_t port, uint64_t ticks, const char *bytes, size_t n, size_t wire, const char *comment)
{
	size_t at = block(6);

	put(port, 4);
	put(ticks >> 32, 4);
	put(ticks, 4);
	put(n, 4);
	put(wire, 4);
	text(bytes, n);
	if (comment) {
		option(1, comment, strlen(comment));
		put(5, 2);
		put(8, 2);
		put(0x0102030405060708, 8);
		option(1, "more", 4);
		put(0, 4);
	}
	end(at);
}

static void
pcap_head(uint32_t magic, uint32_t link)
{
	put(magic, 4);
	put(2, 2);
	put(4, 2);
	put(0, 8);
	put(65535, 4);
	put(link, 4);
}

static void
pcap_packet(uint32_t s, uint32_t part, const char *bytes, size_t n, size_t wire)
{
	put(s, 4);
	put(part, 4);
	put(n, 4);
	put(wire, 4);
	memcpy(file + len, bytes, n);
	len += n;
}

static FILE *stream;

static struct capture *
open_it(void)
{
	struct capture *c;

	stream = fmemopen(file, len, "rb");
	ck_assert_ptr_nonnull(stream);
	c = capture_stream(stream, "made.pcap", err);
	if (!c)
		fclose(stream);
	return c;
}

static void
close_it(struct capture *c)
{
	capture_close(c);
	fclose(stream);
}

static void
setup(void)
{
	len = 0;
	big = false;
	err[0] = '\0';
}

/* The file breaks, and the complaint has these words; so many frames come before. */
static void
refused_with(unsigned frames, const char *a, const char *b)
{
	struct capture *c = open_it();
	struct capture_frame f;
	unsigned cnt = 0;
	int got;

	if (!c) {
		ck_assert_uint_eq(frames, 0);
		ck_assert_msg(strstr(err, a) && strstr(err, b), "%s", err);
		return;
	}
	while ((got = capture_next(c, &f)) == 1)
		cnt++;
	ck_assert_int_eq(got, -1);
	ck_assert_int_eq(capture_next(c, &f), -1);
	ck_assert_msg(strstr(capture_error(c), "made.pcap: frame "), "%s", capture_error(c));
	ck_assert_msg(
		strstr(capture_error(c), a) && strstr(capture_error(c), b), "%s", capture_error(c));
	ck_assert_uint_eq(cnt, frames);
	close_it(c);
}

START_TEST(pcap_in_four_ways)
{
	struct capture_frame f;
	struct capture *c;

	big = _i & 1;
	pcap_head(_i & 2 ? 0xa1b23c4d : 0xa1b2c3d4, 1);
	pcap_packet(1700000000, 123456, "abcdef", 6, 6);
	pcap_packet(1700000001, 5, "xy", 2, 1500);
	c = open_it();
	ck_assert_msg(c != NULL, "%s", err);
	ck_assert_int_eq(capture_next(c, &f), 1);
	ck_assert_uint_eq(f.no, 1);
	ck_assert_int_eq(f.at, ns_from_s(1700000000) + 123456 * (_i & 2 ? 1 : 1000));
	ck_assert_uint_eq(f.len, 6);
	ck_assert_mem_eq(f.bytes, "abcdef", 6);
	ck_assert_uint_eq(f.link, 1);
	ck_assert_ptr_null(f.comment);
	ck_assert_int_eq(capture_next(c, &f), 1);
	ck_assert_uint_eq(f.no, 2);
	ck_assert_uint_eq(f.len, 2);
	ck_assert_uint_eq(f.wire_len, 1500);
	ck_assert_int_eq(capture_next(c, &f), 0);
	ck_assert_int_eq(capture_next(c, &f), 0);
	ck_assert_uint_eq(capture_ports(c), 1);
	ck_assert_ptr_null(capture_port(c, 0));
	ck_assert_str_eq(capture_error(c), "");
	close_it(c);
}
END_TEST

START_TEST(pcapng_in_both_orders)
{
	struct capture_frame f;
	struct capture *c;
	size_t at;

	big = _i;
	section("one");
	at = block(10);
	put(0x544C534B, 4);
	put(5, 4);
	text("KEYS\n", 5);
	end(at);
	interface(1, "A.eth0", 9, 0);
	interface(113, NULL, -1, 0);
	at = block(5); /* statistics: passed over */
	put(0, 8);
	put(0, 4);
	end(at);
	packet(0, 1700000000123456789, "abcdefg", 7, 7, "first\x1b[31m");
	packet(1, 1700000000123456, "wxyz", 4, 60, NULL);
	c = open_it();
	ck_assert_msg(c != NULL, "%s", err);
	ck_assert_int_eq(capture_next(c, &f), 1);
	ck_assert_int_eq(f.at, 1700000000123456789);
	ck_assert_uint_eq(f.port, 0);
	ck_assert_uint_eq(f.link, 1);
	ck_assert_uint_eq(f.len, 7);
	ck_assert_mem_eq(f.bytes, "abcdefg", 7);
	ck_assert_str_eq(f.comment, "first?[31m\nmore");
	ck_assert(f.has_id && f.id == 0x0102030405060708);
	ck_assert_str_eq(capture_port(c, 0), "A.eth0");
	ck_assert_ptr_null(capture_port(c, 1));
	ck_assert_str_eq(capture_secrets(c), "KEYS\n");
	ck_assert_str_eq(capture_comment(c), "one");
	ck_assert_int_eq(capture_next(c, &f), 1);
	ck_assert_int_eq(f.at, 1700000000123456000);
	ck_assert_uint_eq(f.port, 1);
	ck_assert_uint_eq(f.link, 113);
	ck_assert_uint_eq(f.wire_len, 60);
	ck_assert_ptr_null(f.comment);
	ck_assert_int_eq(capture_next(c, &f), 0);
	close_it(c);
}
END_TEST

START_TEST(sections_with_their_own_order_and_interfaces)
{
	struct capture_frame f;
	struct capture *c;
	size_t at;

	section("one");
	interface(1, "a", 9, 0);
	packet(0, 5, "abcd", 4, 4, NULL);
	big = true;
	section("two");
	interface(101, "b", 3, 0);
	packet(0, 7, "efgh", 4, 4, NULL);
	at = block(3);
	put(2, 4);
	text("ij", 2);
	end(at);
	c = open_it();
	ck_assert_int_eq(capture_next(c, &f), 1);
	ck_assert_int_eq(f.at, 5);
	ck_assert_int_eq(capture_next(c, &f), 1);
	ck_assert_int_eq(f.at, 7 * NS_PER_MS);
	ck_assert_uint_eq(f.port, 1);
	ck_assert_uint_eq(f.link, 101);
	ck_assert_int_eq(capture_next(c, &f), 1);
	ck_assert_int_eq(f.at, 7 * NS_PER_MS); /* a simple packet has no time */
	ck_assert_uint_eq(f.port, 1);
	ck_assert_uint_eq(f.len, 2);
	ck_assert_mem_eq(f.bytes, "ij", 2);
	ck_assert_int_eq(capture_next(c, &f), 0);
	ck_assert_uint_eq(capture_ports(c), 2);
	ck_assert_str_eq(capture_port(c, 0), "a");
	ck_assert_str_eq(capture_port(c, 1), "b");
	ck_assert_str_eq(capture_comment(c), "one\ntwo");
	close_it(c);
}
END_TEST

START_TEST(clocks_of_any_unit)
{
	static const struct {
		int resolution;
		int64_t offset;
		uint64_t ticks;
		ns_t at;
	} all[] = {
		{0, 0, 17, 17 * NS_PER_S},
		{12, 0, 17000, 17},
		{0x80 | 10, 0, 1536, NS_PER_S + NS_PER_S / 2},
		{0x80 | 32, 0, (uint64_t)3 << 31, NS_PER_S + NS_PER_S / 2},
		{6, 1000, 5, 1000 * NS_PER_S + 5 * NS_PER_US},
		{6, -1000, 5, 0},
		{0, 0, UINT64_MAX, NS_NEVER - 1},
		{127, 0, UINT64_MAX, 0},
		{0xff, 0, UINT64_MAX, 0},
	};
	struct capture_frame f;
	struct capture *c;

	big = true;
	section(NULL);
	interface(1, NULL, all[_i].resolution, all[_i].offset);
	packet(0, all[_i].ticks, "abcd", 4, 4, NULL);
	c = open_it();
	ck_assert_int_eq(capture_next(c, &f), 1);
	ck_assert_int_eq(f.at, all[_i].at);
	close_it(c);
}
END_TEST

START_TEST(what_is_no_capture)
{
	refused_with(0, "empty", "offset 0");
	text("hello, world", 12);
	refused_with(0, "68656c6c", "expected a pcap or pcapng");
	setup();
	text("\x1f\x8b\x08\x00", 4);
	refused_with(0, "gzip", "offset 0");
	setup();
	pcap_head(0xa1b2cd34, 1);
	refused_with(0, "modified", "offset 0");
	setup();
	put(0xa1b2c3d4, 4);
	put(3, 2);
	put(0, 8);
	put(0, 8);
	put(0, 2);
	refused_with(0, "version 3.0", "expected 2.4");
	ck_assert_ptr_null(capture_open("/nonexistent/x.pcap", err));
	ck_assert_ptr_nonnull(strstr(err, "/nonexistent/x.pcap: No such file"));
	ck_assert_ptr_null(capture_open("/", err));
	ck_assert_ptr_nonnull(strstr(err, "/: "));
}
END_TEST

START_TEST(what_breaks_off)
{
	pcap_head(0xa1b2c3d4, 1);
	pcap_packet(1, 2, "abcdef", 6, 6);
	pcap_packet(1, 2, "abcdef", 6, 6);
	len -= 2;
	refused_with(1, "frame 2, offset 62", "after 4 of 6 octets of the frame");
	len -= 14;
	refused_with(1, "frame 2, offset 46", "after 6 of 16 octets");
	setup();
	section(NULL);
	interface(1, NULL, 9, 0);
	packet(0, 5, "abcd", 4, 4, NULL);
	packet(0, 5, "abcd", 4, 4, NULL);
	len -= 3;
	refused_with(1, "frame 2, offset", "after 25 of 28 octets of the block");
	len -= 27;
	refused_with(1, "frame 2, offset", "after 2 of 4 octets of a block's length");
	len -= 2;
	refused_with(1, "frame 2, offset", "the file ends within a block's header");
	setup();
	section(NULL);
	interface(1, NULL, 9, 0);
	end(block(0x80000001));
	len -= 4;
	refused_with(0, "offset", "before the block's end");
}
END_TEST

/* Octets of a block, from its start, are set to a number; then there is a complaint. */
static void
spoil(size_t at, uint32_t v, size_t octets, const char *a, const char *b)
{
	size_t stop;
	uint8_t kept[8];

	memcpy(kept, file + at, octets);
	stop = len;
	len = at;
	put(v, octets);
	len = stop;
	refused_with(0, a, b);
	memcpy(file + at, kept, octets);
}

START_TEST(what_lies)
{
	size_t idb, epb;

	big = _i;
	section("x");
	idb = len;
	interface(1, "eth0", 9, 0);
	epb = len;
	packet(0, 5, "abcd", 4, 4, "said");
	spoil(4, 1000, 4, "offset 24", "octets of the block");
	spoil(8, 0x11111111, 4, "byte order 11111111", "expected 1a2b3c4d");
	spoil(12, 2, 2, "version 2", "expected 1");
	spoil(4, 0xfffffff0, 4, "octets, expected 28 to 4194304", "offset 4");
	spoil(idb + 4, 30, 4, "30 octets", "multiple of 4");
	spoil(idb + 18, 999, 2, "option 2 of 999 octets", "expected at most");
	spoil(idb + 26, 3, 2, "if_tsresol of 3 octets", "expected 1");
	spoil(epb + 4, 0x7ffffffc, 4, "expected 12 to 4194304", "offset");
	spoil(epb + 4, 8, 4, "8 octets, expected 12", "offset");
	spoil(epb + 8, 1, 4, "interface 1", "one of the 1 described before");
	spoil(epb + 20, 300000, 4, "a frame of 300000 octets", "at most 262144");
	spoil(epb + 20, 200, 4, "a frame of 200 octets", "room for");
	spoil(epb + 42, 7, 2, "epb_packetid of 7 octets", "expected 8");
	spoil(len - 4, 4, 4, "length at its end is 4", "expected 6");
	setup();
	big = _i;
	pcap_head(0xa1b2c3d4, 1);
	pcap_packet(1, 2, "abcdef", 6, 6);
	spoil(32, 0x7fffffff, 4, "frame 1, offset 32",
		"2147483647 octets, expected at most 262144");
}
END_TEST

/* libpcap reads the same frames from the same octets. */
START_TEST(libpcap_agrees)
{
	struct capture_frame f;
	struct pcap_pkthdr *h;
	const u_char *bytes;
	struct capture *c;
	FILE *again;
	pcap_t *p;

	big = _i & 1;
	if (_i & 2) {
		section(NULL);
		interface(1, "one", 9, 0);
		interface(1, "two", 6, 12);
		packet(0, 1700000000123456789, "abcdefghijklmnopq", 17, 99, "said");
		packet(1, 1700000000123456, "ABCDEFGHIJKLMNOP", 16, 16, NULL);
	} else {
		pcap_head(0xa1b2c3d4, 1);
		pcap_packet(1700000000, 999999, "abcdefghijklmnopq", 17, 99);
		pcap_packet(1700000000, 0, "A", 1, 1);
	}
	c = open_it();
	again = fmemopen(file, len, "rb");
	p = pcap_fopen_offline_with_tstamp_precision(again, PCAP_TSTAMP_PRECISION_NANO, err);
	ck_assert_msg(p != NULL, "%s", err);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(capture_next(c, &f), 1);
		ck_assert_int_eq(pcap_next_ex(p, &h, &bytes), 1);
		ck_assert_uint_eq(f.len, h->caplen);
		ck_assert_uint_eq(f.wire_len, h->len);
		ck_assert_int_eq(f.at, ns_from_s(h->ts.tv_sec) + h->ts.tv_usec);
		ck_assert_mem_eq(f.bytes, bytes, f.len);
	}
	ck_assert_int_eq(capture_next(c, &f), 0);
	pcap_close(p);
	close_it(c);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("capture");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_loop_test(t, pcap_in_four_ways, 0, 4);
	tcase_add_loop_test(t, pcapng_in_both_orders, 0, 2);
	tcase_add_test(t, sections_with_their_own_order_and_interfaces);
	tcase_add_loop_test(t, clocks_of_any_unit, 0, 9);
	tcase_add_test(t, what_is_no_capture);
	tcase_add_test(t, what_breaks_off);
	tcase_add_loop_test(t, what_lies, 0, 2);
	tcase_add_loop_test(t, libpcap_agrees, 0, 4);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
