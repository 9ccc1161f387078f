/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables: what is built is decoded to the same values, wrong values are where they were asked
 * for, malformed bytes are named; and every frame of the captures beside the project, if they are
 * there.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "harness/field/formats.h"
#include "harness/field/pkt.h"

static struct msg m, m2;
static uint8_t buf[4096], buf2[4096];

static uint32_t
get(const char *name)
{
	uint32_t v = 0;

	ck_assert_msg(field_u32(&m, name, &v), "%s is not there", name);
	return v;
}

START_TEST(hsrp_hello)
{
	struct field_set s[] = {SET("ip.src", IP4(10, 0, 0, 2)), SET("hsrp.vip", IP4(10, 0, 0, 1)),
		SET("hsrp.state", 8), SET("hsrp.group", 7)};
	size_t n = field_build(buf, sizeof buf, "eth/ipv4/udp/hsrp", s, 4, NULL);
	struct pkt p;
	ip4_t vip;
	char t[64];

	ck_assert_uint_eq(n, 14 + 20 + 8 + 20);
	ck_assert(pkt_parse(&p, buf, n));
	ck_assert(p.is_hsrp && p.ttl == 1 && p.dst == IP4(224, 0, 0, 2));
	ck_assert_int_eq(field_decode(&m, buf, n), ERR_OK);
	ck_assert_uint_eq(get("hsrp.state"), 8);
	ck_assert_uint_eq(get("hsrp.hellotime"), 3);
	ck_assert_uint_eq(get("udp.dport"), 1985);
	ck_assert_uint_eq(get("udp.length"), 28);
	ck_assert(field_ip4(&m, "hsrp.vip", &vip) && vip == IP4(10, 0, 0, 1));
	ck_assert_str_eq(field_text(&m, field_find(&m, "hsrp.auth"), t, sizeof t), "\"cisco\"");
	ck_assert_str_eq(
		field_text(&m, field_find(&m, "eth.dst"), t, sizeof t), "01:00:5e:00:00:02");
	ck_assert_uint_eq(field_find(&m, "hsrp.group")->offset, 14 + 28 + 6);
}
END_TEST

START_TEST(any_field_wrong)
{
	struct field_set good[] = {SET("ip.src", IP4(10, 0, 0, 2))};
	struct field_set wrong[] = {
		good[0], SET("udp.checksum", 0x1234), SET("udp.length", 9), SET("hsrp.version", 3)};
	char text[512];
	size_t n = field_build(buf, sizeof buf, "eth/ipv4/udp/hsrp", good, 1, NULL);

	ck_assert_int_eq(field_decode(&m, buf, n), ERR_OK);
	n = field_build(buf2, sizeof buf2, "eth/ipv4/udp/hsrp", wrong, 2, NULL);
	ck_assert_int_eq(field_decode(&m2, buf2, n), ERR_CHECKSUM);
	ck_assert_str_eq(m2.bad.field, "udp.checksum");
	wrong[1] = wrong[3];
	n = field_build(buf2, sizeof buf2, "eth/ipv4/udp/hsrp", wrong, 2, NULL);
	ck_assert_int_eq(field_decode(&m2, buf2, n), ERR_VALUE);
	ck_assert_str_eq(m2.bad.field, "hsrp.version");
	ck_assert_uint_eq(m2.bad.offset, 42);
	ck_assert_uint_ge(field_diff(&m, &m2, "udp.checksum", text, sizeof text), 1);
	ck_assert_ptr_nonnull(strstr(text, "hsrp.version: expected 0, seen 3 (RFC 2281 5.1)\n"));
	wrong[1] = wrong[2];
	n = field_build(buf2, sizeof buf2, "eth/ipv4/udp/hsrp", wrong, 2, NULL);
	ck_assert_int_ne(field_decode(&m2, buf2, n), ERR_OK);
}
END_TEST

START_TEST(diff_text)
{
	struct field_set a[] = {SET("hsrp.holdtime", 10)}, b[] = {SET("hsrp.holdtime", 3)};
	char text[256];

	field_build(buf, sizeof buf, "eth/ipv4/udp/hsrp", a, 1, NULL);
	field_build(buf2, sizeof buf2, "eth/ipv4/udp/hsrp", b, 1, NULL);
	ck_assert_int_eq(field_decode(&m, buf, 62), ERR_OK);
	ck_assert_int_eq(field_decode(&m2, buf2, 62), ERR_OK);
	ck_assert_uint_eq(field_diff(&m, &m2, "udp.checksum", text, sizeof text), 1);
	ck_assert_str_eq(text, "hsrp.holdtime: expected 10, seen 3 (RFC 2281 5.1)\n");
	ck_assert_uint_eq(field_diff(&m, &m2, "udp.* hsrp.*", text, sizeof text), 0);
	ck_assert_uint_eq(field_diff(&m, &m, NULL, text, sizeof text), 0);
}
END_TEST

START_TEST(isakmp_nested)
{
	static const uint8_t vid[] = {1, 2, 3, 4, 5};
	struct field_set s[] = {SET("isakmp.attr.type", 1), SET("isakmp.attr.value", 7),
		SET("isakmp.attr.type#2", 14), SET("isakmp.attr.value#2", 128),
		SET("isakmp.attr.type#3", 4), SET_BYTES("isakmp.attrv.value", "\0\1\x51\x80", 4),
		SET("isakmp.transform.number#2", 2), SET_BYTES("isakmp.vid.data", vid, 5),
		SET_BYTES("isakmp.vid.data#2", vid, 3)};
	const char *l =
		"eth/ipv4/udp/isakmp/isakmp.sa/isakmp.prop/isakmp.transform/isakmp.attr/"
		"isakmp.attr/isakmp.transform/isakmp.attr/isakmp.attrv/isakmp.vid/isakmp.vid";
	size_t n = field_build(buf, sizeof buf, l, s, 9, NULL);
	const uint8_t *p;
	size_t len;

	ck_assert_uint_gt(n, 0);
	ck_assert_int_eq(field_decode(&m, buf, n), ERR_OK);
	ck_assert_uint_eq(get("isakmp.next"), 1);
	ck_assert_uint_eq(get("isakmp.sa.next"), 13);
	ck_assert_uint_eq(get("isakmp.prop.transforms"), 2);
	ck_assert_uint_eq(get("isakmp.transform.next"), 3);
	ck_assert_uint_eq(get("isakmp.transform.next#2"), 0);
	ck_assert_uint_eq(get("isakmp.transform.length"), 16);
	ck_assert_uint_eq(get("isakmp.attr.value#2"), 128);
	ck_assert_uint_eq(get("isakmp.attrv.length"), 4);
	ck_assert_uint_eq(get("isakmp.attrv.value"), 86400);
	ck_assert_uint_eq(get("isakmp.vid.next"), 13);
	ck_assert_uint_eq(get("isakmp.vid.next#2"), 0);
	ck_assert(field_bytes(&m, "isakmp.vid.data#2", &p, &len));
	ck_assert_uint_eq(len, 3);
	ck_assert_uint_eq(field_layers(&m, "isakmp.transform"), 2);
	ck_assert_uint_eq(get("isakmp.length"), n - 42);
	/* a payload length that points outside */
	buf[42 + 28 + 2] = 0x7f;
	buf[40] = buf[41] = 0;
	ck_assert_int_eq(field_decode(&m, buf, n), ERR_LENGTH);
	ck_assert_str_eq(m.bad.field, "isakmp.sa.length");
	ck_assert_uint_eq(m.bad.offset, 42 + 28 + 2);
}
END_TEST

START_TEST(notify_and_delete)
{
	static const uint8_t cookies[16] = {9, 8, 7};
	struct field_set s[] = {SET_BYTES("isakmp.notify.spi", cookies, 16),
		SET_BYTES("isakmp.notify.data", "\0\0\0\5", 4)};
	struct field_set d[] = {
		SET("isakmp.delete.count", 2), SET_BYTES("isakmp.delete.spis", "abcd", 4)};
	size_t n = field_build(buf, sizeof buf, "isakmp.notify/isakmp.vid", s, 2, NULL);

	memset(buf + n, 0, 12);
	ck_assert_int_eq(field_decode_chain(&m, 11, buf, n + 12), ERR_OK);
	ck_assert_uint_eq(get("isakmp.notify.spisize"), 16);
	ck_assert_uint_eq(get("isakmp.notify.type"), 36136);
	ck_assert_uint_eq(get("isakmp.notify.data"), 5);
	n = field_build(buf, sizeof buf, "isakmp.delete", d, 2, NULL);
	ck_assert_int_eq(field_decode_chain(&m, 12, buf, n), ERR_LENGTH);
	ck_assert_str_eq(m.bad.field, "isakmp.delete.count");
}
END_TEST

START_TEST(ssp)
{
	struct field_set s[] = {SET("ssp.type", 9), SET("ssp.number", 77),
		SET("ssp.reserve.number", 200000), SET("ssp.spis.inbound", 0x1234)};
	size_t n = field_build(buf, sizeof buf, "ssp/ssp.spis/ssp.reserve", s, 4, NULL);

	ck_assert_uint_eq(n, 16 + 16 + 9);
	ck_assert_int_eq(field_decode_as(&m, "ssp", buf, n), ERR_OK);
	ck_assert_uint_eq(field_ssp_whole(buf, n), n);
	ck_assert_uint_eq(field_ssp_whole(buf, n + 5), n);
	ck_assert_uint_eq(field_ssp_whole(buf, n - 1), 0);
	ck_assert_uint_eq(get("ssp.length"), 25);
	ck_assert_uint_eq(get("ssp.spis.type"), 24);
	ck_assert_uint_eq(get("ssp.spis.length"), 12);
	ck_assert_uint_eq(get("ssp.reserve.length"), 5);
	ck_assert_uint_eq(get("ssp.reserve.number"), 200000);
	buf[16] = 0x70; /* unknown, and may not be ignored */
	ck_assert_int_eq(field_decode_as(&m, "ssp", buf, n), ERR_VALUE);
	buf[16] = 0x90; /* unknown, may be ignored */
	ck_assert_int_eq(field_decode_as(&m, "ssp", buf, n), ERR_OK);
	ck_assert_int_eq(field_decode_as(&m, "ssp", buf, n - 1), ERR_SHORT);
	buf[16] = 0;
	buf[19] = 11; /* SPIS one octet short: what follows is no TLV */
	ck_assert_int_ne(field_decode_as(&m, "ssp", buf, n), ERR_OK);
}
END_TEST

START_TEST(mistakes_of_the_caller)
{
	struct field_set s[] = {SET("hsrp.holdtme", 1)};
	struct why why = {0};

	ck_assert_uint_eq(field_build(buf, sizeof buf, "eth/ipv4/udp/hsrp", s, 1, &why), 0);
	ck_assert_str_eq(why.field, "hsrp.holdtme");
	ck_assert_uint_eq(field_build(buf, sizeof buf, "eth/ipv5", s, 0, &why), 0);
	ck_assert_uint_eq(field_build(buf, 20, "eth/ipv4/udp/hsrp", s, 0, &why), 0);
	ck_assert_int_eq(field_decode_as(&m, "nothing", buf, 20), ERR_UNKNOWN);
	ck_assert(!field_find(&m, "ip.src"));
}
END_TEST

/* Each format, built with its defaults, reads back without a complaint, and cut short is refused.
 */
START_TEST(every_format)
{
	const struct field_format *f;
	size_t checked = 0;

	for (size_t i = 0; (f = field_format_nth(i)); i++) {
		size_t n = field_build(buf, sizeof buf, f->name, NULL, 0, NULL);

		ck_assert_ptr_eq(field_format(f->name), f);
		for (size_t k = 0; k < f->field_cnt; k++)
			ck_assert_msg(f->fields[k].clause && f->fields[k].name, "%s", f->name);
		if (f->level != 4 || f == &field_format_encrypted)
			continue;
		if (f->name[0] == 's')
			continue; /* TLVs stand only in messages */
		if (f == field_format("isakmp.sa") || f == field_format("isakmp.delete"))
			continue; /* not whole without what they contain */
		checked++;
		ck_assert_msg(field_decode_as(&m, f->name, buf, n) == ERR_OK, "%s", f->name);
		ck_assert_msg(field_decode_as(&m, f->name, buf, n - 1) != ERR_OK, "%s", f->name);
	}
	ck_assert_uint_eq(checked, 12);
}
END_TEST

/* The same Hello under each link's header: the tables and the glance find it there. */
START_TEST(links)
{
	static const struct {
		unsigned link;
		const char *layers;
		size_t head, tags;
	} all[] = {
		{1, "eth/ipv4/udp/hsrp", 14, 0},
		{1, "eth/vlan/ipv4/udp/hsrp", 18, 1},
		{1, "eth/vlan/vlan/ipv4/udp/hsrp", 22, 2},
		{113, "sll/ipv4/udp/hsrp", 16, 0},
		{113, "sll/vlan/ipv4/udp/hsrp", 20, 1},
		{276, "sll2/ipv4/udp/hsrp", 20, 0},
		{101, "ipv4/udp/hsrp", 0, 0},
		{12, "ipv4/udp/hsrp", 0, 0},
		{228, "ipv4/udp/hsrp", 0, 0},
	};
	const uint8_t mac[8] = {2, 0, 0, 0, 0, 9};
	struct field_set sets[] = {SET("hsrp.group", 7), SET("vlan.id", 100), SET("vlan.id#2", 200),
		SET("eth.src", 0x020000000009), SET_BYTES("sll.addr", mac, 8),
		SET_BYTES("sll2.addr", mac, 8)};
	struct field_set used[6];
	size_t n, cnt = 0;
	struct pkt p;

	for (size_t i = 0; i < 6; i++) {
		const char *dot = strchr(sets[i].name, '.');
		size_t len = (size_t)(dot - sets[i].name);
		char layer[16];

		snprintf(layer, sizeof layer, "%.*s/", (int)len, sets[i].name);
		if (i == 0 || (strncmp(all[_i].layers, layer, len + 1) == 0) ||
			(i == 1 && all[_i].tags > 0) || (i == 2 && all[_i].tags > 1))
			used[cnt++] = sets[i];
	}
	n = field_build(buf, sizeof buf, all[_i].layers, used, cnt, NULL);
	ck_assert_uint_eq(n, all[_i].head + 20 + 8 + 20);
	ck_assert_int_eq(field_decode_link(&m, all[_i].link, buf, n), ERR_OK);
	ck_assert(field_is(&m, "hsrp.group", 7));
	ck_assert_uint_eq(field_layers(&m, "vlan"), all[_i].tags);
	ck_assert(pkt_parse_link(&p, all[_i].link, buf, n));
	ck_assert(p.is_hsrp && p.data[6] == 7);
	ck_assert_uint_eq(p.vlan_cnt, all[_i].tags);
	ck_assert(p.vlan_cnt < 1 || p.vlan[0] == 100);
	ck_assert(p.vlan_cnt < 2 || p.vlan[1] == 200);
	ck_assert_uint_eq(p.src_mac.b[5], all[_i].head ? 9 : 0);
	for (size_t cut = 0; cut < n; cut++) {
		ck_assert(!pkt_parse_link(&p, all[_i].link, buf, cut));
		ck_assert_int_ne(field_decode_link(&m, all[_i].link, buf, cut), ERR_OK);
	}
	ck_assert(pkt_parse_cut(&p, all[_i].link, buf, n - 5, n));
	ck_assert_uint_eq(p.ip_cut, 5);
	ck_assert(p.is_hsrp && p.data_len == 15);
	ck_assert(!pkt_parse_cut(&p, all[_i].link, buf, n - 5, n - 1));
	ck_assert_str_eq(p.bad, "ip.length");
}
END_TEST

START_TEST(no_such_link)
{
	struct pkt p;

	ck_assert(!pkt_parse_link(&p, 105, buf, 60));
	ck_assert_str_eq(p.bad, "link");
	ck_assert_int_eq(field_decode_link(&m, 105, buf, 60), ERR_UNSUPPORTED);
	ck_assert(pkt_parse_link(&p, 101, "\x60", 1));
	ck_assert(!p.is_ip && p.ethertype == PKT_ETH_IP6);
}
END_TEST

/* Any prefix of a good frame: never a crash, never a field outside. */
START_TEST(prefixes)
{
	const char *l = "eth/ipv4/udp/isakmp/isakmp.sa/isakmp.prop/isakmp.transform/isakmp.attr";
	size_t n = field_build(buf, sizeof buf, l, NULL, 0, NULL);

	for (size_t cut = 0; cut < n; cut++) {
		uint8_t *b = malloc(cut ? cut : 1);

		memcpy(b, buf, cut);
		ck_assert_int_ne(field_decode(&m, b, cut), ERR_OK);
		ck_assert_ptr_nonnull(m.bad.field);
		for (size_t i = 0; i < m.field_cnt; i++)
			ck_assert_uint_le(m.fields[i].offset + m.fields[i].len, cut);
		free(b);
	}
}
END_TEST

/* -- captures of real routers -- */

static FILE *
capture(const char *name)
{
	static const char *const where[] = {"../shared/captures/", "../../shared/captures/"};
	char path[128];
	FILE *f = NULL;

	for (size_t i = 0; i < 2 && !f; i++) {
		snprintf(path, sizeof path, "%s%s", where[i], name);
		f = fopen(path, "rb");
	}
	if (f && fseek(f, 24, SEEK_SET)) {
		fclose(f);
		f = NULL;
	}
	if (!f)
		printf("SKIPPED: %s is not here\n", name);
	return f;
}

/* The next frame of a little-endian pcap file; 0 at the end. */
static size_t
frame(FILE *f)
{
	uint8_t h[16];
	size_t len;

	if (fread(h, 1, 16, f) != 16)
		return 0;
	len = (size_t)h[8] | (size_t)h[9] << 8;
	ck_assert_uint_le(len, sizeof buf);
	ck_assert_uint_eq(fread(buf, 1, len, f), len);
	return len;
}

START_TEST(captured_hsrp)
{
	FILE *f = capture("HSRP_election.pcap");
	size_t len, hello = 0, adv = 0;

	if (!f)
		return;
	while ((len = frame(f))) {
		ck_assert_int_eq(field_decode(&m, buf, len), ERR_OK);
		if (field_layers(&m, "hsrp"))
			ck_assert_uint_eq(get("hsrp.group"), 1);
		hello += field_layers(&m, "hsrp");
		adv += field_layers(&m, "hsrpadv");
		if (field_layers(&m, "hsrpadv"))
			ck_assert_uint_eq(get("hsrpadv.length"), 14);
	}
	fclose(f);
	ck_assert_uint_gt(hello, 20);
	ck_assert_uint_ge(adv, 5);
}
END_TEST

START_TEST(captured_isakmp)
{
	FILE *f = capture("ISAKMP_sa_setup.pcap");
	size_t n = 0, encrypted = 0;

	if (!f)
		return;
	for (size_t len; (len = frame(f)); n++) {
		enum err e = field_decode(&m, buf, len);

		ck_assert_msg(e == ERR_OK, "frame %zu: %s", n + 1, m.bad.field);
		encrypted += field_layers(&m, "isakmp.encrypted");
		if (n == 1)
			ck_assert_uint_eq(field_layers(&m, "isakmp.transform"), 1);
		if (n == 2)
			ck_assert_uint_eq(field_layers(&m, "isakmp.ke"), 1);
	}
	fclose(f);
	ck_assert_uint_eq(n, 9);
	ck_assert_uint_eq(encrypted, 5);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("field");
	TCase *t = tcase_create("field");
	SRunner *r;
	int failed;

	tcase_add_test(t, hsrp_hello);
	tcase_add_test(t, any_field_wrong);
	tcase_add_test(t, diff_text);
	tcase_add_test(t, isakmp_nested);
	tcase_add_test(t, notify_and_delete);
	tcase_add_test(t, ssp);
	tcase_add_test(t, mistakes_of_the_caller);
	tcase_add_test(t, every_format);
	tcase_add_loop_test(t, links, 0, 9);
	tcase_add_test(t, no_such_link);
	tcase_add_test(t, prefixes);
	tcase_add_test(t, captured_hsrp);
	tcase_add_test(t, captured_isakmp);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
