/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness/field/words.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct words w, again;
static struct msg m;
static struct words_why why;
static uint8_t frame[4096], back[WORDS_OCTETS];
static char text[65536];

/* Through words, their text, and back: the same octets? */
static void
round_trip(const void *bytes, size_t len)
{
	long got;

	(void)field_decode(&m, bytes, len);
	words_of(&w, &m);
	ck_assert_uint_le(words_text(&w, text, sizeof text), words_text_cap(&w));
	ck_assert_msg(words_read(&again, text, &why), "%s: %zu: %s", text, why.column, why.text);
	got = words_build(&again, back, sizeof back);
	ck_assert_msg(got == (long)len, "%s: %ld octets of %zu", text, got, len);
	ck_assert_msg(!memcmp(back, bytes, len), "%s", text);
}

static size_t
craft(const char *words)
{
	long n;

	ck_assert_msg(words_read(&w, words, &why), "%s: %zu: %s", words, why.column, why.text);
	n = words_build(&w, frame, sizeof frame);
	ck_assert_int_gt(n, 0);
	return (size_t)n;
}

/* Messages of every protocol, valid and not. The second is what words_of says of the first. */
static const char *const rows[][2] = {
	{"hsrp hsrp.group=7 hsrp.auth=\"a\\\"b\"",
		"eth/ipv4/udp/hsrp eth.src=00:00:0c:07:ac:07 ip.src=192.0.2.1 hsrp.group=7 "
		"hsrp.auth=\"a\\\"b\" hsrp.vip=192.0.2.254"},
	{"eth/ipv4/udp/hsrp hsrp.auth=abcd1234", "eth/ipv4/udp/hsrp hsrp.auth=\"abcd1234\""},
	{"eth/ipv4/udp/hsrp/trailer trailer.bytes=00*18",
		"eth/ipv4/udp/hsrp/trailer trailer.bytes=00*18"},
	{"hsrp hsrp.version=1 hsrp.holdtime=9 eth.src=02:00:00:00:00:01 ip.src=0.0.0.0 ip.ttl=255",
		"eth/ipv4/udp/hsrp ip.ttl=255 hsrp.version=1 hsrp.holdtime=9 hsrp.vip=192.0.2.254"},
	{"eth/ipv4/udp/hsrpadv hsrpadv.state=active", "eth/ipv4/udp/hsrpadv hsrpadv.state=3"},
	{"arp arp.op=reply arp.tpa=192.0.2.1",
		"eth/arp arp.op=2 arp.spa=192.0.2.1 arp.tpa=192.0.2.1"},
	{"eth/ipv4/udp/isakmp/isakmp.sa/isakmp.prop/isakmp.transform/isakmp.attr/isakmp.attrv/"
	 "isakmp.vid/isakmp.vid isakmp.attr.value=7 isakmp.attrv.value=00015180 "
	 "isakmp.vid.data#2=\"abc\"+00 isakmp.vid.length#2=7",
		"eth/ipv4/udp/isakmp/isakmp.sa/isakmp.prop/isakmp.transform/isakmp.attr/"
		"isakmp.attrv/isakmp.vid/isakmp.vid/data isakmp.attrv.value=00015180 "
		"isakmp.vid.data#2=616263 data.bytes=00 isakmp.attr.value=7 isakmp.vid.length#2=7"},
	{"eth/ipv4/udp/isakmp/isakmp.encrypted isakmp.exchange=quick isakmp.flags=1 "
	 "isakmp.encrypted.data=0123456789abcdef ip.checksum=0",
		"eth/ipv4/data data.bytes=01f401f4002c2bff1122334455667788+00*9+102001+00*7+24"
		"0123456789abcdef ip.proto=17 ip.checksum=0"},
	{"esp esp.spi=0x12345678 esp.seq=4294967295 esp.data=00*20 udp.sport=1", NULL},
	{"eth/ipv4/esp esp.spi=0x12345678 esp.seq=4294967295 esp.data=00*20",
		"eth/ipv4/esp esp.data=00*20 esp.spi=0x12345678 esp.seq=0xffffffff"},
	{"eth/ipv4/udp/esp udp.sport=4500 udp.dport=4500 udp.checksum=0 esp.data=01*6",
		"eth/ipv4/udp/esp esp.data=01*6 udp.sport=4500 udp.dport=4500 udp.checksum=0"},
	{"ssp/ssp.role/ssp/ssp.acked ssp.type=role ssp.role.role=1 ssp.number#2=2",
		"eth/ipv4/tcp/ssp/ssp.role/ssp/ssp.acked ip.src=192.0.2.1 ip.dst=192.0.2.2 "
		"tcp.sport=49152 tcp.dport=3249 tcp.flags=24 ssp.type=2 ssp.role.role=1 "
		"ssp.number#2=0x2"},
	{"eth/ipv4/tcp/data data.bytes={ ssp/ssp.role ssp.role.role=1 } tcp.options=01010101",
		"eth/ipv4/tcp/data tcp.options=01010101 "
		"data.bytes=010e00000000000500000001000000000002000101"},
	{"eth/vlan/arp vlan.id=7", "eth/vlan/arp vlan.id=7"},
	{"eth/ipv4/data ip.ihl=15", NULL},
	{"eth/data eth.type=0x88cc data.bytes=ff", "eth/data data.bytes=ff eth.type=35020"},
};

START_TEST(said)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		size_t len;

		if (!rows[i][1])
			continue;
		len = craft(rows[i][0]);
		round_trip(frame, len);
		ck_assert_str_eq(text, rows[i][1]);
	}
}
END_TEST

/* Other links: their words begin with their own layer. */
START_TEST(links)
{
	static const char *const of[] = {
		"sll/ipv4/udp/hsrp sll.addr=0102", "sll2/ipv4/icmp sll2.addr=ff"};
	static const unsigned link[] = {113, 276};

	for (int i = 0; i < 2; i++) {
		size_t len = craft(of[i]);

		ck_assert_int_eq(field_decode_link(&m, link[i], frame, len), ERR_OK);
		words_of(&w, &m);
		words_text(&w, text, sizeof text);
		ck_assert_msg(strncmp(text, "sll", 3) == 0 && strstr(text, "addr="), "%s", text);
		ck_assert(words_read(&again, text, &why));
		ck_assert_int_eq(words_build(&again, back, sizeof back), (long)len);
		ck_assert(!memcmp(back, frame, len));
	}
}
END_TEST

/* Cut at every length, and every octet of it wrong. */
START_TEST(whatever_comes)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		size_t len;

		if (!words_read(&w, rows[i][0], &why))
			continue;
		len = craft(rows[i][0]);
		for (size_t cut = 0; cut <= len; cut++)
			round_trip(frame, cut);
		for (size_t at = 0; at < len; at++)
			for (unsigned x = 1; x < 256; x = x * 2 + 1) {
				frame[at] ^= (uint8_t)x;
				round_trip(frame, len);
				frame[at] ^= (uint8_t)x;
			}
	}
	memset(frame, 0xff, sizeof frame);
	round_trip(frame, sizeof frame);
}
END_TEST

/* A message so large that the tables do not hold it is said as octets. */
START_TEST(too_many_fields)
{
	static char big[40000] = "eth/ipv4/udp/isakmp";
	static uint8_t wire[8192];
	size_t at = strlen(big);
	long n;

	for (int i = 0; i < 190; i++)
		at += (size_t)sprintf(big + at, "/isakmp.vid");
	ck_assert(words_read(&w, big, &why));
	n = words_build(&w, wire, sizeof wire);
	ck_assert_int_gt(n, 190 * 4);
	round_trip(wire, (size_t)n);
	memset(back, 0xff, 70000);
	ck_assert_int_ne(field_decode(&m, back, 70000), ERR_OK);
	words_of(&w, &m);
	ck_assert_str_eq(w.layers, "data");
	ck_assert_uint_gt(words_text(&w, text, sizeof text), 0);
	ck_assert_str_eq(text, "data data.bytes=ff*70000");
}
END_TEST

START_TEST(several)
{
	static const char many[] = "# two\nhsrp\n  hsrp.group=1  # the first\n\ttime=12.5\n\narp\n"
				   "hsrp hsrp.opcode=resign\n";
	struct words_in in;

	words_start(&in, many, sizeof many - 1);
	ck_assert_int_eq(words_next(&in, &w, &why), 1);
	ck_assert_str_eq(w.layers, "eth/ipv4/udp/hsrp");
	ck_assert(w.have_time && w.time == 12 * NS_PER_S + NS_PER_S / 2);
	ck_assert_int_eq(words_next(&in, &w, &why), 1);
	ck_assert_str_eq(w.layers, "eth/arp");
	ck_assert_int_eq(words_next(&in, &w, &why), 1);
	ck_assert_int_eq(words_next(&in, &w, &why), 0);
	ck_assert(words_read(&w, "hsrp.group=7", &why));
	ck_assert_str_eq(w.layers, "eth/ipv4/udp/hsrp");
}
END_TEST

START_TEST(to_be_sealed)
{
	ck_assert(
		words_read(&w, "esp esp.data=seal{ ipv4/data data.bytes=\"}\" } esp.seq=3", &why));
	ck_assert_uint_lt(w.seal, w.set_cnt);
	ck_assert_int_eq(words_build(&w, back, sizeof back), -1);
	ck_assert(words_text(&w, text, sizeof text));
	ck_assert_ptr_nonnull(
		strstr(text, "esp.data=seal{ ipv4/data data.bytes=\"}\" } esp.seq=0x3"));
	ck_assert(words_replace(&w, w.seal, "abcd", 4));
	ck_assert_int_eq(words_build(&w, back, sizeof back), 14 + 20 + 12);
	ck_assert(!memcmp(back + 42, "abcd", 4));
	ck_assert(!words_replace(&w, w.set_cnt, "abcd", 4));
}
END_TEST

static const struct {
	const char *words;
	size_t line, column;
	const char *text;
} wrong[] = {
	{"", 1, 1, "no message: the text is empty"},
	{"hsrp\nhsrp.holdtme=4", 2, 1, "hsrp.holdtme: no such field; did you mean hsrp.holdtime?"},
	{"hsrq", 1, 1, "hsrq: no such layer; did you mean hsrp?"},
	{"eth/ipv4/upd/hsrp", 1, 10, "upd: no such layer; did you mean udp?"},
	{"hsrp hsrp.group=300", 1, 17, "hsrp.group: found '300', expected a number from 0 to 255"},
	{"hsrp hsrp.group=", 1, 17, "hsrp.group: found '', expected a number from 0 to 255"},
	{"hsrp hsrp.opcode=helo", 1, 18,
		"hsrp.opcode: found 'helo', expected a number from 0 to 255 or one of hello, coup, "
		"resign"},
	{"hsrp arp.op=1", 1, 6, "arp.op: there is no layer arp in eth/ipv4/udp/hsrp"},
	{"hsrp hsrp.group#2=1", 1, 6, "hsrp.group#2: there are 1 of them in this message"},
	{"hsrp hsrp.group#=1", 1, 17, "hsrp.group: found '=', expected #NUMBER or ="},
	{"hsrp hsrp.group=1 hsrp.group=2", 1, 30, "hsrp.group is said twice"},
	{"hsrp ip.src=10.0.0", 1, 13, "ip.src: found '10.0.0', expected an address as 10.0.0.1"},
	{"arp eth.src=02:00:00:00:00", 1, 13,
		"eth.src: found '02:00:00:00:00', expected an address as 02:00:00:00:00:01"},
	{"hsrp hsrp.auth=\"123456789\"", 1, 16, "hsrp.auth: found 9 octets, expected at most 8"},
	{"hsrp hsrp.auth=\"12", 1, 16, "hsrp.auth: this text does not end: a \" is missing"},
	{"hsrp hsrp.auth=\"\\q\"", 1, 17,
		"hsrp.auth: a backslash stands before \\ \" n r t or xHH"},
	{"esp esp.data=123", 1, 16,
		"esp.data: found '123', expected octets of two hexadecimal digits each, \"text\", "
		"or a "
		"message in braces"},
	{"esp esp.data=00*0", 1, 17, "expected behind '*' how often, from 1 to 327680"},
	{"esp esp.data=0000*327680", 1, 19, "more than 327680 octets in one message"},
	{"esp esp.data={ ipv4", 1, 14, "this brace is not closed"},
	{"esp esp.data={ {", 1, 16,
		"'{': the layers of a message were expected, as eth/ipv4/udp/hsrp"},
	{"esp esp.data={ data data.bytes={ data data.bytes={ data data.bytes={ data } } } }", 1, 68,
		"braces within braces more than 3 deep"},
	{"esp esp.data=seal{ ipv4", 1, 18, "esp.data: this brace is not closed"},
	{"hsrp hsrp.auth=seal{}", 1, 16, "hsrp.auth: a field of fixed width is not sealed"},
	{"esp esp.data=00 }", 1, 17, "a closing brace without an opening one"},
	{"hsrp arp", 1, 6, "a second message; one is expected"},
	{"hsrp time=x", 1, 11, "time: found 'x', expected seconds, as 12 or 12.000000001"},
	{"foo=1", 1, 1, "'foo': a message must begin with its layers, as eth/ipv4/udp/hsrp"},
	{"eth eth.src=02:00:00:00:00:01\"", 1, 13,
		"eth.src: found '02:00:00:00:00:01\"', expected an address as 02:00:00:00:00:01"},
	{"hsrp hsrp.auth=\"a\"b", 1, 19, "hsrp.auth: found 'b' behind the value, expected a space"},
};

START_TEST(wrong_words)
{
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		memset(&why, 0, sizeof why);
		ck_assert_msg(!words_read(&w, wrong[i].words, &why), "%s", wrong[i].words);
		ck_assert_str_eq(why.text, wrong[i].text);
		ck_assert_msg(why.line == wrong[i].line && why.column == wrong[i].column,
			"%s: line %zu, column %zu", wrong[i].words, why.line, why.column);
	}
}
END_TEST

START_TEST(names_of_values)
{
	ck_assert_str_eq(words_value_name("ssp.type", 3), "bulk-begin");
	ck_assert_str_eq(words_value_name("hsrp.state", 16), "active");
	ck_assert_ptr_null(words_value_name("hsrp.state", 3));
	ck_assert_ptr_null(words_value_name("hsrp.group", 1));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("words");
	TCase *tc = tcase_create("words");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, names_of_values);
	tcase_add_test(tc, said);
	tcase_add_test(tc, links);
	tcase_add_test(tc, whatever_comes);
	tcase_add_test(tc, too_many_fields);
	tcase_add_test(tc, several);
	tcase_add_test(tc, to_be_sealed);
	tcase_add_test(tc, wrong_words);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
