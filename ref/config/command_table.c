/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The language: a pattern a command. Words of the feature that Baton does not do are in it too,
 * with the reason, so that nobody has to guess whether they were understood.
 */
#include "ref/config/commands_int.h"

#define LATER "not in this release"
#define AUTH "esp-md5-hmac|esp-sha-hmac|esp-sha256-hmac"
#define NO_AUTH "encryption without integrity can be forged (RFC 4303 2.8, RFC 8221 4)"
#define G MODE_GLOBAL
#define I MODE_IF
#define P MODE_POLICY
#define M MODE_MAP
#define S MODE_SSP

/* clang-format off */
const struct command commands[] = {
	{G, "hostname WORD", command_hostname, NULL},
	{G, "interface WORD", command_interface, NULL},
	{G, "crypto isakmp policy N1-65534", command_policy, NULL},
	{G, "crypto isakmp key KEY address A.B.C.D [MASK] [no-xauth]", command_isakmp_key, NULL},
	{G, "crypto isakmp keepalive N10-3600 [N2-60] [periodic]", command_keepalive, NULL},
	{G, "crypto isakmp keepalive N10-3600 [N2-60] on-demand", command_keepalive, NULL},
	{G, "crypto isakmp keepalive msec N100-9999 [N50-9999] [periodic]", command_keepalive_msec, NULL},
	{G, "crypto isakmp ssp N1-100", command_isakmp_ssp, NULL},
	{G, "crypto isakmp nat REST", NULL, "NAT traversal: " LATER},
	{G, "crypto isakmp identity REST", NULL, "the identity is the virtual address"},
	{G, "crypto ipsec transform-set WORD esp-aes [128|192|256] " AUTH, command_tset_aes, NULL},
	{G, "crypto ipsec transform-set WORD esp-3des " AUTH, command_tset_3des, NULL},
	{G, "crypto ipsec transform-set WORD esp-null " AUTH, command_tset_null, NULL},
	{G, "crypto ipsec transform-set WORD esp-gcm [128|192|256]", command_tset_gcm, NULL},
	{G, "crypto ipsec transform-set WORD esp-aes [128|192|256]", NULL, NO_AUTH},
	{G, "crypto ipsec transform-set WORD esp-3des", NULL, NO_AUTH},
	{G, "crypto ipsec transform-set WORD esp-null", NULL, NO_AUTH},
	{G, "crypto ipsec transform-set WORD esp-des REST", NULL, "DES is broken (RFC 8221 5)"},
	{G, "crypto ipsec transform-set WORD ah-md5-hmac REST", NULL, "AH is not done: ESP protects all that AH is used for here"},
	{G, "crypto ipsec transform-set WORD ah-sha-hmac REST", NULL, "AH is not done: ESP protects all that AH is used for here"},
	{G, "crypto ipsec security-association lifetime seconds N120-86400", command_sa_seconds, NULL},
	{G, "crypto ipsec security-association lifetime kilobytes N2560-536870912", command_sa_kilobytes, NULL},
	{G, "crypto ipsec security-association replay window-size N64-1024", command_window_size, NULL},
	{G, "access-list N100-199 permit ip NET NET", command_acl_permit_ip, NULL},
	{G, "access-list N100-199 deny ip NET NET", command_acl_deny_ip, NULL},
	{G, "access-list N100-199 permit udp NET PORT NET PORT", command_acl_permit_udp, NULL},
	{G, "access-list N100-199 permit tcp NET PORT NET PORT", command_acl_permit_tcp, NULL},
	{G, "access-list N100-199 permit icmp NET NET", command_acl_permit_icmp, NULL},
	{G, "crypto map WORD N1-65535 ipsec-isakmp", command_map_static, NULL},
	{G, "crypto map WORD N1-65535 ipsec-isakmp dynamic WORD", command_map_dynamic, NULL},
	{G, "crypto map WORD ha replay-interval inbound N0-100000 outbound N1-1000000", command_ha_interval, NULL},
	{G, "crypto dynamic-map WORD N1-65535", command_dynamic_map, NULL},
	{G, "ssp group N1-100", command_ssp_group, NULL},
	{G, "ip route A.B.C.D MASK A.B.C.D", command_ip_route, NULL},

	{I, "ip address A.B.C.D MASK", command_ip_address, NULL},
	{I, "shutdown", command_shutdown, NULL},
	{I, "no shutdown", command_no_shutdown, NULL},
	{I, "standby [N0-255] ip [A.B.C.D]", command_standby_ip, NULL},
	{I, "standby [N0-255] priority N1-255", command_standby_priority, NULL},
	{I, "standby [N0-255] preempt", command_standby_preempt, NULL},
	{I, "standby [N0-255] preempt delay minimum N0-3600", command_preempt_minimum, NULL},
	{I, "standby [N0-255] preempt delay minimum N0-3600 reload N0-3600", command_preempt_minimum, NULL},
	{I, "standby [N0-255] preempt delay minimum N0-3600 reload N0-3600 sync N0-3600", command_preempt_minimum, NULL},
	{I, "standby [N0-255] preempt delay reload N0-3600", command_preempt_reload, NULL},
	{I, "standby [N0-255] preempt delay reload N0-3600 sync N0-3600", command_preempt_reload, NULL},
	{I, "standby [N0-255] preempt delay sync N0-3600", command_preempt_sync, NULL},
	{I, "standby [N0-255] timers N1-254 N2-255", command_timers_s, NULL},
	{I, "standby [N0-255] timers msec N15-999 msec N50-3000", command_timers_ms, NULL},
	{I, "standby [N0-255] timers msec N15-999 N1-255", command_timers_ms_s, NULL},
	{I, "standby [N0-255] name WORD", command_standby_name, NULL},
	{I, "standby [N0-255] track WORD [N1-255]", command_standby_track, NULL},
	{I, "standby [N0-255] authentication md5 REST", NULL, "MD5 authentication came later than this train (12.3(2)T)"},
	{I, "standby [N0-255] authentication WORD", command_standby_auth, NULL},
	{I, "standby delay minimum N0-10000 reload N0-10000", command_standby_delay, NULL},
	{I, "standby version REST", NULL, "HSRP version 2 came later than this train (12.3(4)T)"},
	{I, "standby use-bia REST", NULL, "the virtual MAC address is what moves here"},
	{I, "standby redirects REST", NULL, "ICMP redirects are not sent at all"},
	{I, "standby mac-refresh REST", NULL, "FDDI only"},
	{I, "crypto map WORD", command_if_map, NULL},
	{I, "crypto map WORD ssp N1-100", command_if_map_ssp, NULL},
	{I, "crypto map WORD redundancy REST", NULL, "that is the successor's (SSO) or the stateless form: use ssp"},

	{P, "encryption aes [128|192|256]", command_policy_aes, NULL},
	{P, "encryption 3des", command_policy_3des, NULL},
	{P, "encryption des", NULL, "DES is broken (RFC 8247 2.1)"},
	{P, "hash md5|sha|sha256|sha384|sha512", command_policy_hash, NULL},
	{P, "authentication pre-share", command_policy_psk, NULL},
	{P, "authentication rsa-sig", NULL, "the feature is for pre-shared keys alone"},
	{P, "authentication rsa-encr", NULL, "the feature is for pre-shared keys alone"},
	{P, "group 2|5|14|15|16|19|20", command_policy_group, NULL},
	{P, "group 1", NULL, "768 bits are broken (RFC 8247 2.4)"},
	{P, "lifetime N60-86400", command_policy_lifetime, NULL},

	{MODE_TSET, "mode tunnel", command_mode_tunnel, NULL},
	{MODE_TSET, "mode transport REST", NULL, "a gateway's SAs are tunnels"},

	{M, "set peer A.B.C.D", command_set_peer, NULL},
	{M, "set transform-set WORD [WORD] [WORD] [WORD] [WORD] [WORD]", command_set_tsets, NULL},
	{M, "set pfs group2|group5|group14|group15|group16|group19|group20", command_set_pfs, NULL},
	{M, "set pfs group1", NULL, "768 bits are broken (RFC 8247 2.4)"},
	{M, "set security-association lifetime seconds N120-86400", command_set_seconds, NULL},
	{M, "set security-association lifetime kilobytes N2560-536870912", command_set_kilobytes, NULL},
	{M, "match address N100-199", command_match_address, NULL},
	{M, "reverse-route", command_reverse_route, NULL},
	{M, "reverse-route REST", NULL, "came later than this train (12.3(14)T)"},

	{S, "remote A.B.C.D", command_ssp_remote, NULL},
	{S, "redundancy WORD", command_ssp_redundancy, NULL},
	{S, "port N1-65535", command_ssp_port, NULL},
	{S, "key KEY", command_ssp_key, NULL},
};
/* clang-format on */
const unsigned command_cnt = sizeof commands / sizeof commands[0];
