/* SPDX-License-Identifier: BSD-2-Clause */
/* Good text is taken whole; wrong text is refused with its place, and nothing of it is applied. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ref/config/config.h"

static const char good[] =
	"! a pair member\n"
	"hostname A\n"
	"crypto isakmp policy 20\n encryption aes\n hash sha256\n authentication pre-share\n group "
	"14\n lifetime 3600\n"
	"crypto isakmp policy 10\n encryption aes 128\n hash sha\n authentication pre-share\n "
	"group 2\n lifetime 86400\n"
	"crypto isakmp key secret address 172.16.0.0 255.255.0.0\n"
	"crypto isakmp keepalive 10 3 periodic\ncrypto isakmp ssp 100\n"
	"crypto ipsec transform-set T esp-aes esp-sha-hmac\n mode tunnel\n"
	"crypto ipsec transform-set G esp-gcm 128\n"
	"crypto ipsec security-association lifetime seconds 1800\n"
	"crypto ipsec security-association replay window-size 128\n"
	"access-list 101 permit ip 10.0.0.0 0.0.0.255 10.2.0.0 0.0.255.255\n"
	"access-list 101 permit udp host 10.0.0.1 eq 53 any\n"
	"access-list 101 deny ip any any\n"
	"crypto dynamic-map D 10\n set transform-set G T\n match address 101\n set pfs group14\n "
	"reverse-route\n"
	"crypto map M 10 ipsec-isakmp dynamic D\n"
	"crypto map M ha replay-interval inbound 10 outbound 1000\n"
	"ssp group 100\n remote 10.255.0.2\n redundancy PUBLIC\n redundancy PRIVATE\n port 4000\n"
	" key 000102030405060708090a0b0c0d0e0f\n"
	"interface eth0\n ip address 172.16.31.1 255.255.255.0\n standby 1 ip 172.16.31.100\n "
	"standby 1 preempt\n"
	" standby 1 timers msec 200 msec 800\n standby 1 name PUBLIC\n standby 1 track eth1 20\n"
	" standby 1 authentication secret1\n standby delay minimum 3 reload 6\n crypto map M ssp "
	"100\n"
	"interface eth1\n ip address 10.0.0.1 255.255.255.0\n standby ip 10.0.0.100\n standby "
	"timers 1 3\n"
	" standby name PRIVATE\n"
	"ip route 0.0.0.0 0.0.0.0 172.16.31.200\nend\n";

static struct cfg cfg;
static struct config_error err;

START_TEST(good_text)
{
	const struct cfg_if *f;

	ck_assert_msg(config_parse(good, &cfg, &err), "%u:%u %s", err.line, err.col, err.expected);
	ck_assert_str_eq(cfg.hostname, "A");
	ck_assert_uint_eq(cfg.policy_cnt, 2);
	ck_assert_uint_eq(cfg.policy[0].priority, 10);
	ck_assert_uint_eq(cfg.policy[1].group, 14);
	ck_assert_uint_eq(cfg.key[0].len, 16);
	ck_assert_uint_eq(cfg.keepalive_ms, 10000);
	ck_assert_uint_eq(cfg.keepalive_retry_ms, 3000);
	ck_assert(cfg.keepalive_periodic);
	ck_assert_uint_eq(cfg.tset[1].cipher, CFG_ESP_AES_GCM);
	ck_assert_uint_eq(cfg.lifetime_s, 1800);
	ck_assert_uint_eq(cfg.lifetime_kb, 4608000);
	ck_assert_uint_eq(cfg.window, 128);
	ck_assert_uint_eq(cfg.acl[0].cnt, 3);
	ck_assert_uint_eq(cfg.acl[0].v[0].dst.len, 16);
	ck_assert_uint_eq(cfg.acl[0].v[1].sport, 53);
	ck_assert_uint_eq(cfg.acl[0].v[1].dst.len, 0);
	ck_assert(!cfg.acl[0].v[2].permit);
	ck_assert_uint_eq(cfg.map_cnt, 2);
	ck_assert_str_eq(cfg.map[0].tset[1], "T");
	ck_assert_uint_eq(cfg.map[0].pfs, 14);
	ck_assert(cfg.map[0].reverse_route);
	ck_assert_uint_eq(cfg_ha(&cfg, "M").outbound, 1000);
	ck_assert_uint_eq(cfg_ha(&cfg, "other").outbound, 100000);
	ck_assert_uint_eq(cfg.ssp[0].port, 4000);
	ck_assert_uint_eq(cfg.ssp[0].key.len, 16);
	f = cfg_if(&cfg, "eth0");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(f->ssp, 100);
	ck_assert_uint_eq(f->standby[0].hsrp.address, IP4(172, 16, 31, 1));
	ck_assert_int_eq(f->standby[0].hsrp.hold, 800 * NS_PER_MS);
	ck_assert_int_eq(f->standby[0].hsrp.delay_reload, 6 * NS_PER_S);
	ck_assert_mem_eq(f->standby[0].hsrp.auth, "secret1\0", 8);
	ck_assert_uint_eq(f->standby[0].track[0].decrement, 20);
	f = cfg_if(&cfg, "eth1");
	ck_assert_uint_eq(f->standby[0].hsrp.group, 0);
	ck_assert_mem_eq(f->standby[0].hsrp.auth, "cisco\0\0\0", 8);
	ck_assert(!f->standby[0].hsrp.timers_msec);
}
END_TEST

/* A wrong text, where it is wrong, and what the message must hold. */
static const struct {
	const char *text;
	unsigned line, col;
	const char *says;
} wrongs[] = {
	{"hostname\n", 1, 9, "WORD"},
	{"hostname a b\n", 1, 12, "end of line"},
	{"interface eth0\n ip address 10.0.0.300 255.0.0.0\n", 2, 13, "A.B.C.D"},
	{"interface eth0\n ip address 10.0.0.1 255.0.255.0\n", 2, 22, "MASK"},
	{"interface eth0\n standby 1 priority 256\n", 2, 21, "N1-255"},
	{"interface eth0\n standby 300 ip\n", 2, 10, "N0-255"},
	{"interface eth0\n standby 1 timers msec 100 msec 200\n", 2, 2, "3 hellos"},
	{"interface eth0\n standby 1 timers 5 3\n", 2, 2, "above the hello"},
	{"interface eth0\n standby 1 authentication waytoolong\n", 2, 2, "8 characters"},
	{"interface eth0\n standby version 2\n", 2, 2, "12.3(4)T"},
	{"interface eth0\n standby use-bia\n", 2, 2, "virtual MAC"},
	{"interface eth0\n standby 1 track eth9\n", 0, 1, "without an ip address"},
	{"frobnicate\n", 1, 1, "hostname"},
	{"crypto isakmp policy 10\n encryption des\n", 2, 2, "DES is broken"},
	{"crypto isakmp policy 10\n authentication rsa-sig\n", 2, 2, "pre-shared"},
	{"crypto isakmp policy 10\n group 1\n", 2, 2, "768"},
	{"crypto isakmp policy 10\n encryption aes\n hash sha\n", 0, 1, "must each be written"},
	{"crypto ipsec transform-set T ah-sha-hmac\n", 1, 1, "AH is not done"},
	{"crypto ipsec transform-set T esp-aes esp-sha-hmac\n mode transport\n", 2, 2, "tunnels"},
	{"access-list 101 permit ip 10.0.0.0 0.0.255.0 any\n", 1, 27, "NET"},
	{"access-list 99 permit ip any any\n", 1, 13, "N100-199"},
	{"interface a\n ip address 10.0.0.2 255.0.0.0\n standby name X\n"
	 "ssp group 1\n remote 10.0.0.1\n redundancy X\n",
		4, 1, "key is missing"},
	{"ssp group 1\n remote 10.0.0.1\n redundancy X\n", 1, 1, "no standby group has this name"},
	{"ssp group 1\n key 0011\n", 2, 2, "128 random bits"},
	{"crypto isakmp ssp 1\n", 0, 1, "no such ssp group"},
	{"crypto map M 10 ipsec-isakmp dynamic D\n", 1, 1, "no such crypto dynamic-map"},
	{"crypto map M 10 ipsec-isakmp\n set peer 10.0.0.1\n", 1, 1,
		"set transform-set is missing"},
	{"crypto map M ha replay-interval inbound 10\n", 1, 43, "outbound"},
	{"interface eth0\n crypto map M\n", 0, 1, "no such crypto map"},
};

START_TEST(wrong_text)
{
	static struct cfg before;
	char line[700];

	memset(&cfg, 0x5a, sizeof cfg);
	before = cfg;
	ck_assert_msg(!config_parse(wrongs[_i].text, &cfg, &err), "accepted: %s", wrongs[_i].text);
	config_error_text(&err, "f", line, sizeof line);
	ck_assert_msg(err.line == wrongs[_i].line && err.col == wrongs[_i].col, "%s: at %u:%u: %s",
		wrongs[_i].text, err.line, err.col, line);
	ck_assert_msg(strstr(line, wrongs[_i].says), "%s: %s", wrongs[_i].text, line);
	ck_assert_mem_eq(&cfg, &before, sizeof cfg);
}
END_TEST

START_TEST(long_lines)
{
	char text[600];

	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = '\0';
	ck_assert(!config_parse(text, &cfg, &err));
	ck_assert_uint_eq(err.line, 1);
	memset(text, 0, sizeof text);
	for (int i = 0; i < 60; i++)
		(void)strcat(text, "x ");
	ck_assert(!config_parse(text, &cfg, &err));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("config");
	TCase *t = tcase_create("language");
	SRunner *r;
	int failed;

	tcase_add_test(t, good_text);
	tcase_add_loop_test(t, wrong_text, 0, (int)(sizeof wrongs / sizeof wrongs[0]));
	tcase_add_test(t, long_lines);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
