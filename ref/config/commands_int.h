/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_CONFIG_COMMANDS_INT_H
#define BATON_CONFIG_COMMANDS_INT_H

/* The handlers, one a command; the table in command_table.c names them. Nobody else includes this.
 */
#include "ref/config/commands.h"

void config_name(char dst[CFG_NAME], const char *src);
/* The group of the number at an optional place (0 if it is left out); NULL if it is not written yet. */
struct cfg_standby *config_standby(struct cfg_if *f, const struct arg *a);
/* The key length that stands at an optional place: 128 where it is left out. */
uint16_t config_key_bits(const struct arg *a);

/* commands_no.c has the `no` forms. */
#define COMMAND(name) void command_##name(struct parse *p, const struct arg *a)
COMMAND(hostname);
COMMAND(interface);
COMMAND(policy);
COMMAND(isakmp_key);
COMMAND(keepalive);
COMMAND(keepalive_msec);
COMMAND(isakmp_ssp);
COMMAND(df_bit);
COMMAND(no_df_bit);
COMMAND(fragmentation);
COMMAND(no_fragmentation);
COMMAND(commit);
COMMAND(no_commit);
COMMAND(nat_keepalive);
COMMAND(no_nat_keepalive);
COMMAND(natt);
COMMAND(no_natt);
COMMAND(tset_aes);
COMMAND(tset_3des);
COMMAND(tset_null);
COMMAND(tset_gcm);
COMMAND(sa_seconds);
COMMAND(sa_kilobytes);
COMMAND(window_size);
COMMAND(map_static);
COMMAND(map_dynamic);
COMMAND(dynamic_map);
COMMAND(ha_interval);
COMMAND(ssp_group);
COMMAND(ip_route);
COMMAND(ip_address);
COMMAND(shutdown);
COMMAND(no_shutdown);
COMMAND(standby_ip);
COMMAND(standby_priority);
COMMAND(standby_preempt);
COMMAND(preempt_rfc);
COMMAND(no_preempt_rfc);
COMMAND(preempt_minimum);
COMMAND(preempt_reload);
COMMAND(preempt_sync);
COMMAND(timers_s);
COMMAND(timers_ms);
COMMAND(timers_ms_s);
COMMAND(standby_name);
COMMAND(standby_track);
COMMAND(standby_auth);
COMMAND(standby_delay);
COMMAND(if_map);
COMMAND(if_map_ssp);
COMMAND(policy_aes);
COMMAND(policy_3des);
COMMAND(policy_hash);
COMMAND(policy_psk);
COMMAND(policy_group);
COMMAND(policy_lifetime);
COMMAND(mode_tunnel);
COMMAND(set_peer);
COMMAND(set_tsets);
COMMAND(set_pfs);
COMMAND(set_seconds);
COMMAND(set_kilobytes);
COMMAND(match_address);
COMMAND(reverse_route);
COMMAND(ssp_remote);
COMMAND(ssp_redundancy);
COMMAND(ssp_port);
COMMAND(ssp_key);
COMMAND(acl_permit_ip);
COMMAND(acl_deny_ip);
COMMAND(acl_permit_udp);
COMMAND(acl_permit_tcp);
COMMAND(acl_permit_icmp);
COMMAND(no_hostname);
COMMAND(no_interface);
COMMAND(no_policy);
COMMAND(no_isakmp_key);
COMMAND(no_isakmp_key_of);
COMMAND(no_keepalive);
COMMAND(no_isakmp_ssp);
COMMAND(no_tset);
COMMAND(no_sa_seconds);
COMMAND(no_sa_kilobytes);
COMMAND(no_window_size);
COMMAND(no_acl);
COMMAND(no_map);
COMMAND(no_dynamic_map);
COMMAND(no_ha_interval);
COMMAND(no_ssp_group);
COMMAND(no_ip_route);
COMMAND(no_ip_address);
COMMAND(no_standby);
COMMAND(no_standby_track);
COMMAND(no_standby_delay);
COMMAND(no_if_map);
COMMAND(no_encryption);
COMMAND(no_hash);
COMMAND(no_authentication);
COMMAND(no_group);
COMMAND(no_lifetime);
COMMAND(no_mode);
COMMAND(no_set_peer);
COMMAND(no_set_tsets);
COMMAND(no_set_pfs);
COMMAND(no_set_seconds);
COMMAND(no_set_kilobytes);
COMMAND(no_match_address);
COMMAND(no_reverse_route);
COMMAND(no_ssp_remote);
COMMAND(no_ssp_redundancy);
COMMAND(no_ssp_port);
COMMAND(no_ssp_key);
COMMAND(no_acl_permit_ip);
COMMAND(no_acl_deny_ip);
COMMAND(no_acl_permit_udp);
COMMAND(no_acl_permit_tcp);
COMMAND(no_acl_permit_icmp);
COMMAND(no_standby_ip);
COMMAND(no_standby_priority);
COMMAND(no_standby_preempt);
COMMAND(no_preempt_delay);
COMMAND(no_timers);
COMMAND(no_standby_name);
COMMAND(no_standby_auth);
#undef COMMAND

#endif
