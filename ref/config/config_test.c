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
	"crypto ipsec df-bit copy\ncrypto ipsec fragmentation before-encryption\n"
	"crypto isakmp commit-bit\ncrypto isakmp nat keepalive 20\nno crypto ipsec nat-transparency udp-encapsulation\n"
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
	"standby 1 preempt\n standby 1 preempt rfc\n"
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
	ck_assert_uint_eq(cfg.nat_keepalive_s, 20);
	ck_assert(cfg.no_natt);
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
	{"interface eth0\n standby 1 authentication md5 key-string k\n", 2, 2, "12.3(2)T"},
	{"interface eth0\n standby 1 track eth9\n", 0, 1, "without an ip address"},
	{"frobnicate\n", 1, 1, "hostname"},
	{"crypto isakmp policy 10\n encryption des\n", 2, 2, "DES is broken"},
	{"crypto isakmp policy 10\n authentication rsa-sig\n", 2, 2, "pre-shared"},
	{"crypto isakmp policy 10\n group 1\n", 2, 2, "768"},
	{"crypto isakmp policy 10\n encryption aes\n hash sha\n", 0, 1, "must each be written"},
	{"crypto ipsec transform-set T ah-sha-hmac\n", 1, 1, "AH is not done"},
	{"crypto ipsec transform-set T esp-aes esp-sha-hmac\n mode transport\n", 2, 2, "tunnels"},
	{"crypto ipsec transform-set T esp-aes\n", 1, 1, "integrity"},
	{"crypto ipsec transform-set T esp-null\n", 1, 1, "integrity"},
	{"crypto map M 10 ipsec-isakmp\n reverse-route remote-peer\n", 2, 2, "12.3(14)T"},
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
	{"interface eth0\n crypto map M redundancy X\n", 2, 2, "SSO"},
	{"crypto dynamic-map D 1\n set transform-set T\n match address 101\n"
	 "crypto ipsec transform-set T esp-aes esp-sha-hmac\n"
	 "access-list 101 permit ip any host 10.2.0.1\n"
	 "crypto map M 1 ipsec-isakmp dynamic D\n"
	 "interface a\n crypto map M\ninterface b\n crypto map M\n",
		0, 1, "one interface alone"},
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

/* What one pattern read before it did not fit is nothing to the next. */
START_TEST(nothing_left_over)
{
	ck_assert(config_parse("interface a\n ip address 10.0.0.1 255.0.0.0\n standby ip 10.0.0.9\n"
			       " standby preempt delay minimum 3\n",
		&cfg, &err));
	ck_assert_int_eq(cfg.ifs[0].standby[0].hsrp.preempt_minimum, 3 * NS_PER_S);
	ck_assert_int_eq(cfg.ifs[0].standby[0].hsrp.preempt_reload, 0);
	ck_assert_int_eq(cfg.ifs[0].standby[0].hsrp.preempt_sync, 0);
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

/* Printed and read back it is the same; without keys it shows none. */
START_TEST(printed)
{
	static char once[16384], twice[16384];

	ck_assert(config_parse(good, &cfg, &err));
	ck_assert_uint_lt(config_print(&cfg, true, once, sizeof once), sizeof once);
	ck_assert_msg(config_parse(once, &cfg, &err), "%u:%u %s\n%s", err.line, err.col,
		err.expected, once);
	(void)config_print(&cfg, true, twice, sizeof twice);
	ck_assert_str_eq(once, twice);
	ck_assert_ptr_nonnull(strstr(once, "key 000102030405060708090a0b0c0d0e0f"));
	(void)config_print(&cfg, false, twice, sizeof twice);
	ck_assert_ptr_null(strstr(twice, "0001020304"));
	ck_assert_ptr_null(strstr(twice, "key secret"));
	ck_assert_uint_eq(config_print(&cfg, true, twice, 10), strlen(once));
	ck_assert_uint_eq(strlen(twice), 9);
}
END_TEST

/* What a `no` takes back: a line of the print that is gone, or the one that stands there now. */
static const struct {
	const char *text, *gone, *stands;
} nos[] = {
	{"no hostname", "hostname", NULL},
	{"no crypto isakmp policy 10", "policy 10", "policy 20"},
	{"no crypto isakmp key secret address 172.16.0.0 255.255.0.0", "isakmp key", NULL},
	{"no crypto isakmp key address 172.16.0.0 255.255.0.0", "isakmp key", NULL},
	{"no crypto isakmp keepalive", "isakmp keepalive", NULL},
	{"no crypto isakmp nat keepalive", "nat keepalive", NULL},
	{"no crypto isakmp commit-bit", "commit-bit", NULL},
	{"no crypto ipsec df-bit copy", "df-bit", NULL},
	{"crypto ipsec df-bit set", "df-bit copy", "df-bit set"},
	{"no crypto ipsec fragmentation before-encryption", "fragmentation", NULL},
	{"crypto ipsec nat-transparency udp-encapsulation", "nat-transparency", NULL},
	{"no crypto isakmp ssp 100", "isakmp ssp", NULL},
	{"no crypto ipsec security-association lifetime seconds", "seconds 1800", NULL},
	{"crypto ipsec security-association lifetime kilobytes 5000\n"
	 "no crypto ipsec security-association lifetime kilobytes",
		"kilobytes", NULL},
	{"no crypto ipsec security-association replay window-size 128", "window-size", NULL},
	{"no access-list 101 deny ip any any", "deny", "permit udp"},
	{"no access-list 101 permit udp host 10.0.0.1 eq 53 any", "permit udp", "deny"},
	{"no access-list 101 permit ip 10.0.0.0 0.0.0.255 10.2.0.0 0.0.255.255", "10.2.0.0", "deny"},
	{"access-list 102 permit tcp any any eq 80\naccess-list 102 permit icmp any any\n"
	 "no access-list 102 permit tcp any any eq 80",
		"tcp", "permit icmp"},
	{"access-list 102 permit icmp any any\nno access-list 102 permit icmp any any", "list 102", NULL},
	{"access-list 102 permit icmp any any\nno access-list 102", "list 102", NULL},
	{"crypto dynamic-map D 20\n set transform-set T\nno crypto dynamic-map D 20", "map D 20",
		"map D 10"},
	{"crypto map N 5 ipsec-isakmp dynamic D\nno crypto map N 5", "map N", "map M"},
	{"crypto map N 5 ipsec-isakmp dynamic D\nno crypto map N", "map N", "map M"},
	{"crypto dynamic-map E 20\n set transform-set T\nno crypto dynamic-map E", "map E", NULL},
	{"no crypto map M ha replay-interval", "replay-interval", NULL},
	{"no ip route 0.0.0.0 0.0.0.0 172.16.31.200", "ip route", NULL},
	{"ssp group 9\n remote 1.2.3.4\nno ssp group 9", "ssp group 9", "ssp group 100"},
	{"crypto ipsec transform-set X esp-null esp-md5-hmac\nno crypto ipsec transform-set X",
		"transform-set X", "transform-set T"},
	{"interface eth2\nno interface eth2", "eth2", "eth1"},
	{"interface eth0\n no standby 1 ip", "ip 172.16.31.100", NULL},
	{"interface eth0\n standby 1 priority 9\n no standby 1 priority", "priority", NULL},
	{"interface eth0\n no standby 1 preempt", "preempt", NULL},
	{"interface eth0\n no standby 1 preempt rfc", "preempt rfc", "standby 1 preempt"},
	{"interface eth0\n standby 1 preempt delay minimum 5\n no standby 1 preempt delay", "delay minimum 5",
		"preempt"},
	{"interface eth0\n no standby 1 timers", "msec", "timers 1 3"},
	{"interface eth0\n no standby 1 track eth1", "track", NULL},
	{"interface eth0\n no standby 1 authentication", "secret1", NULL},
	{"interface eth0\n no standby delay", "delay minimum", NULL},
	{"interface eth0\n no crypto map", "crypto map M ssp", NULL},
	{"interface eth1\n standby 7 ip 10.0.0.7\n no standby 7", "standby 7", "standby ip"},
	{"interface eth1\n shutdown\n no shutdown", "shutdown", NULL},
	{"interface eth3\n ip address 1.2.3.4 255.0.0.0\n no ip address", "1.2.3.4", "eth3"},
	{"crypto dynamic-map D 10\n no set pfs", "pfs", NULL},
	{"crypto dynamic-map D 10\n no match address", "match", NULL},
	{"crypto dynamic-map D 10\n no reverse-route", "reverse-route", NULL},
	{"crypto dynamic-map D 10\n set security-association lifetime seconds 900\n"
	 " no set security-association lifetime seconds",
		"900", NULL},
	{"crypto dynamic-map D 10\n set security-association lifetime kilobytes 9000\n"
	 " no set security-association lifetime kilobytes",
		"9000", NULL},
	{"crypto dynamic-map D 10\n set peer 1.1.1.1\n no set peer", "set peer", NULL},
	{"ssp group 100\n no port", "port 4000", NULL},
	{"ssp group 100\n no redundancy PRIVATE", "redundancy PRIVATE", "redundancy PUBLIC"},
};

START_TEST(taken_back)
{
	static char text[16384];

	ck_assert(config_parse(good, &cfg, &err));
	ck_assert_msg(config_merge(nos[_i].text, &cfg, &err), "%s: %u:%u %s %s", nos[_i].text,
		err.line, err.col, err.found, err.expected);
	(void)config_print(&cfg, true, text, sizeof text);
	ck_assert_msg(!strstr(text, nos[_i].gone), "%s:\n%s", nos[_i].text, text);
	ck_assert_msg(!nos[_i].stands || strstr(text, nos[_i].stands), "%s:\n%s", nos[_i].text, text);
}
END_TEST

/* What others need cannot go: refused, and nothing has changed. */
static const struct {
	const char *text, *says;
} needed[] = {
	{"no access-list 101", "no such access-list"},
	{"hostname B\nno crypto ipsec transform-set G", "no such transform-set"},
	{"no crypto dynamic-map D", "no such crypto dynamic-map"},
	{"no crypto map M 10", "no such crypto map"},
	{"no ssp group 100", "no such ssp group"},
	{"interface eth1\n no standby name", "no standby group has this name"},
	{"interface eth0\n no ip address", "without an ip address"},
	{"no interface eth1", "no such interface to track"},
	{"crypto isakmp policy 10\n no group", "must each be written"},
	{"crypto isakmp policy 10\n no encryption", "must each be written"},
	{"crypto isakmp policy 10\n no hash", "must each be written"},
	{"crypto isakmp policy 10\n no authentication", "must each be written"},
	{"crypto isakmp policy 10\n no lifetime", "must each be written"},
	{"crypto dynamic-map D 10\n no set transform-set", "set transform-set is missing"},
	{"ssp group 100\n no key", "key is missing"},
	{"ssp group 100\n no remote", "remote is missing"},
	{"crypto isakmp ssp 99", "no such ssp group"},
};

START_TEST(needed_stays)
{
	static char before[16384], after[16384];

	ck_assert(config_parse(good, &cfg, &err));
	(void)config_print(&cfg, true, before, sizeof before);
	ck_assert_msg(!config_merge(needed[_i].text, &cfg, &err), "accepted: %s", needed[_i].text);
	ck_assert_msg(strstr(err.expected, needed[_i].says), "%s: %s", needed[_i].text, err.expected);
	(void)config_print(&cfg, true, after, sizeof after);
	ck_assert_str_eq(before, after);
}
END_TEST

/* Written again, a command replaces: nothing is there twice. */
START_TEST(written_again)
{
	static char before[16384], after[16384];

	ck_assert(config_parse(good, &cfg, &err));
	(void)config_print(&cfg, true, before, sizeof before);
	ck_assert_msg(config_merge(before, &cfg, &err), "%u %s", err.line, err.expected);
	(void)config_print(&cfg, true, after, sizeof after);
	ck_assert_str_eq(before, after);
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
	tcase_add_test(t, nothing_left_over);
	tcase_add_test(t, printed);
	tcase_add_loop_test(t, taken_back, 0, (int)(sizeof nos / sizeof nos[0]));
	tcase_add_loop_test(t, needed_stays, 0, (int)(sizeof needed / sizeof needed[0]));
	tcase_add_test(t, written_again);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
