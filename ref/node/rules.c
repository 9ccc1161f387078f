/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules of a correct router. The cores' own standard rules are joined in by node_rules_join,
 * since a constant cannot be initialised from another file's.
 */
#include "ref/node/rules.h"

void
node_rules_join(struct node_rules *r)
{
	*r = (struct node_rules){
		.hsrp = hsrp_rules_standard,
		.ike = ike_rules_standard,
		.esp = esp_rules_standard,
		.dpd = dpd_rules_standard,
		.resv = resv_rules_standard,
		.ssp = ssp_rules_standard,
		.rri = rri_rules_standard,
		.ipfrag = ipfrag_rules_standard,
		.arp_only_owner = true,
		.arp_vmac = true,
		.garp = true,
		.vip_only_owner = true,
		.groups_together = true,
		.track = true,
		.write_ahead = true,
		.mirror_ike = true,
		.mirror_children = true,
		.mirror_reserve = true,
		.mirror_replay = true,
		.mirror_volume = true,
		.mirror_dpd = true,
		.mirror_delete = true,
		.import_ike = true,
		.import_children = true,
		.import_window = true,
		.import_volume = true,
		.import_life = true,
		.import_dpd = true,
		.drop_on_demotion = true,
		.delete_on_demotion = false,
		.check_inbound_policy = true,
		.check_proxies = true,
		.leak_without_sa = false,
		.open_dormant = false,
		.unknown_spi_delete = true,
		.preempt_when_ready = true,
		.probe_dormant = false,
		.honour_lifetime = true,
		.natt_marker = true,
		.natt_encapsulate = true,
		.natt_check_encap = true,
		.natt_keepalive = true,
		.natt_follow_old = false,
		.natt_follow_behind = false,
		.mirror_natt = true,
		.mirror_moves = true,
		.channel_key_max = SECRET_MAX,
	};
}
