/* SPDX-License-Identifier: BSD-2-Clause */
/* One small function a mutant, and the table. */
#include <string.h>

#include "harness/mutant/mutant.h"

static void
hsrp_ttl_255(struct node_rules *r)
{
	r->hsrp.ttl = 255;
}

static void
hsrp_any_authentication(struct node_rules *r)
{
	r->hsrp.check_auth = false;
}

static void
hsrp_hasty_hello(struct node_rules *r)
{
	r->hsrp.jitter_percent = 90;
}

static void
hsrp_no_gratuitous_arp(struct node_rules *r)
{
	r->garp = false;
}

static void
hsrp_arp_own_mac(struct node_rules *r)
{
	r->arp_vmac = false;
}

static void
hsrp_standby_answers_arp(struct node_rules *r)
{
	r->arp_only_owner = false;
}

static void
hsrp_ignore_coup(struct node_rules *r)
{
	r->hsrp.cell[HSRP_EV_J][HSRP_ACTIVE].act = NULL;
}

static void
hsrp_coup_without_resign(struct node_rules *r)
{
	r->hsrp.cell[HSRP_EV_J][HSRP_ACTIVE].act = "AB";
}

static void
hsrp_ignore_better_active(struct node_rules *r)
{
	r->hsrp.cell[HSRP_EV_G][HSRP_ACTIVE].act = NULL;
}

static void
hsrp_no_coup(struct node_rules *r)
{
	r->hsrp.cell[HSRP_EV_H][HSRP_ACTIVE].act = NULL;
}

static void
hsrp_ignore_resign(struct node_rules *r)
{
	r->hsrp.cell[HSRP_EV_I][HSRP_STANDBY].act = NULL;
}

static void
hsrp_preempt_without_coup(struct node_rules *r)
{
	for (int s = HSRP_LISTEN; s <= HSRP_STANDBY; s++)
		r->hsrp.cell[HSRP_EV_H][s].alt_act = "BFI";
}

static void
hsrp_always_preempt(struct node_rules *r)
{
	for (int s = HSRP_LISTEN; s <= HSRP_STANDBY; s++)
		r->hsrp.cell[HSRP_EV_H][s] =
			r->hsrp.cell[HSRP_EV_H][s].alt_act
				? (struct hsrp_cell){"BGFI", HSRP_ACTIVE, NULL, HSRP_NONE}
				: r->hsrp.cell[HSRP_EV_H][s];
}

static void
hsrp_hello_own_mac(struct node_rules *r)
{
	r->hsrp.active_uses_vmac = false;
}

static void
hsrp_wrong_vmac(struct node_rules *r)
{
	r->hsrp.vmac.b[4] = 0xad;
}

static void
hsrp_hold_twice(struct node_rules *r)
{
	r->hsrp.hold_percent = 200;
}

static void
hsrp_no_tracking(struct node_rules *r)
{
	r->track = false;
}

static void
hsrp_silent_shutdown(struct node_rules *r)
{
	r->hsrp.cell[HSRP_EV_B][HSRP_ACTIVE].act = "CD";
}

static void
hsrp_no_higher_standby(struct node_rules *r)
{
	r->hsrp.cell[HSRP_EV_K][HSRP_STANDBY].act = NULL;
}

static void
hsrp_speak_ignores_better(struct node_rules *r)
{
	r->hsrp.cell[HSRP_EV_F][HSRP_SPEAK].act = NULL;
}

static void
hsrp_waits_for_lesser(struct node_rules *r)
{
	r->hsrp.cell[HSRP_EV_L][HSRP_SPEAK].act = NULL;
}

static void
ike_any_psk(struct node_rules *r)
{
	r->ike.check_psk_hash = false;
}

static void
ike_no_hash_check(struct node_rules *r)
{
	r->ike.check_hash = false;
}

static void
ike_any_proxy(struct node_rules *r)
{
	r->ike.check_proxies = false;
}

static void
ike_any_cookie(struct node_rules *r)
{
	r->ike.check_cookie = false;
}

static void
ike_silent_refusal(struct node_rules *r)
{
	r->ike.answer_unauthenticated = false;
}

static void
ike_any_proposal(struct node_rules *r)
{
	r->ike.check_proposal = false;
}

static void
ike_ignore_initial_contact(struct node_rules *r)
{
	r->ike.honour_initial_contact = false;
}

static void
ike_ignore_delete(struct node_rules *r)
{
	r->ike.honour_delete = false;
}

static void
ike_clear_delete_acts(struct node_rules *r)
{
	r->ike.act_unauthenticated = true;
}

static void
ike_silent_to_duplicates(struct node_rules *r)
{
	r->ike.answer_duplicates = false;
}

static void
ike_redo_duplicates(struct node_rules *r)
{
	r->ike.redo_duplicates = true;
}

static void
ike_any_pfs(struct node_rules *r)
{
	r->ike.check_pfs = false;
}

static void
ike_msgid_again(struct node_rules *r)
{
	r->ike.check_msgid = false;
}

static void
ike_no_delete_sent(struct node_rules *r)
{
	r->ike.send_delete = false;
}

static void
ike_skeyid_order(struct node_rules *r)
{
	r->ike.skeyid_order = false;
}

static void
natt_not_mirrored(struct node_rules *r)
{
	r->mirror_natt = false;
}

static void
natt_initiator_stays(struct node_rules *r)
{
	r->ike.natt_float = false;
}

static void
natt_plain_esp(struct node_rules *r)
{
	r->natt_encapsulate = false;
}

static void
ike_any_version(struct node_rules *r)
{
	r->ike.check_version = false;
}

static void
ike_answers_without_key(struct node_rules *r)
{
	r->ike.need_key = false;
}

static void
ike_responder_insists(struct node_rules *r)
{
	r->ike.responder_insists = true;
}

static void
ike_no_vendor_id(struct node_rules *r)
{
	r->ike.send_vid = false;
}

static void
ike_no_retransmission(struct node_rules *r)
{
	r->ike.retries = 0;
}

static void
ike_no_lifetime(struct node_rules *r)
{
	r->ike.send_lifetime = false;
}

static void
ike_initial_contact_always(struct node_rules *r)
{
	r->ike.initial_contact_always = true;
}

static void
ike_reserved_ignored(struct node_rules *r)
{
	r->ike.check_reserved = false;
}

static void
dpd_any_cookies(struct node_rules *r)
{
	r->ike.check_dpd_cookies = false;
}

static void
vip_everyone(struct node_rules *r)
{
	r->vip_only_owner = false;
}

static void
esp_no_replay_check(struct node_rules *r)
{
	r->esp.check_replay = false;
}

static void
esp_window_before_icv(struct node_rules *r)
{
	r->esp.mark_after_icv = false;
}

static void
esp_any_icv(struct node_rules *r)
{
	r->esp.check_icv = false;
}

static void
esp_first_number_five(struct node_rules *r)
{
	r->esp.first_seq = 5;
}

static void
esp_fixed_iv(struct node_rules *r)
{
	r->esp.iv_from_seq = false;
}

static void
esp_no_tos(struct node_rules *r)
{
	r->esp.copy_tos = false;
}

static void
esp_ttl_kept(struct node_rules *r)
{
	r->esp.decrement_ttl = false;
}

static void
esp_df_set(struct node_rules *r)
{
	r->esp.df = ESP_DF_SET;
}

static void
fragments_lose_last(struct node_rules *r)
{
	r->ipfrag.lose_last = true;
}

static void
no_reassembly(struct node_rules *r)
{
	r->ipfrag.reassemble = false;
}

static void
clear_accepted(struct node_rules *r)
{
	r->check_inbound_policy = false;
}

static void
leak_without_sa(struct node_rules *r)
{
	r->leak_without_sa = true;
}

static void
outside_proxies_accepted(struct node_rules *r)
{
	r->check_proxies = false;
}

static void
dpd_ack_plus_one(struct node_rules *r)
{
	r->dpd.ack_add = 1;
}

static void
dpd_no_window(struct node_rules *r)
{
	r->dpd.check_window = false;
}

static void
dpd_step_two(struct node_rules *r)
{
	r->dpd.step = 2;
}

static void
dpd_never_dead(struct node_rules *r)
{
	r->dpd.declare_dead = false;
}

static void
dpd_any_ack(struct node_rules *r)
{
	r->dpd.check_ack = false;
}

static void
dpd_silent(struct node_rules *r)
{
	r->dpd.answer = false;
}

static void
dpd_from_zero(struct node_rules *r)
{
	r->dpd.import_from_zero = true;
}

static void
dpd_not_mirrored(struct node_rules *r)
{
	r->mirror_dpd = false;
}

static void
dpd_probe_despite_traffic(struct node_rules *r)
{
	r->dpd.traffic_proves = false;
}

static void
dpd_new_number_each_time(struct node_rules *r)
{
	r->dpd.same_on_retransmit = false;
}

static void
ssp_no_bulk(struct node_rules *r)
{
	r->ssp.bulk = false;
}

static void
ssp_ready_at_once(struct node_rules *r)
{
	r->ssp.ready_after_bulk = false;
}

static void
ssp_no_ike(struct node_rules *r)
{
	r->mirror_ike = false;
}

static void
ssp_no_children(struct node_rules *r)
{
	r->mirror_children = false;
}

static void
ssp_no_delete(struct node_rules *r)
{
	r->mirror_delete = false;
}

static void
ssp_no_replay_update(struct node_rules *r)
{
	r->mirror_replay = false;
}

static void
ssp_no_volume(struct node_rules *r)
{
	r->mirror_volume = false;
}

static void
ssp_no_write_ahead(struct node_rules *r)
{
	r->write_ahead = false;
}

static void
ssp_few_held(struct node_rules *r)
{
	r->hold_max = 256;
}

static void
ssp_ack_before_record(struct node_rules *r)
{
	r->ssp.ack_before_record = true;
}

static void
ssp_deaf_to_silence(struct node_rules *r)
{
	r->ssp.close_when_silent = false;
}

static void
ssp_no_keepalive(struct node_rules *r)
{
	r->ssp.keepalives = false;
}

static void
ssp_half_a_key(struct node_rules *r)
{
	r->channel_key_max = 16;
}

static void
channel_any_address(struct node_rules *r)
{
	r->channel.any_address = true;
}

static void
channel_any_identity(struct node_rules *r)
{
	r->channel.any_identity = true;
}

static void
channel_without_psk(struct node_rules *r)
{
	r->channel.without_psk = true;
}

static void
channel_old_tls(struct node_rules *r)
{
	r->channel.without_psk = r->channel.old_tls = true;
}

static void
channel_waits_forever(struct node_rules *r)
{
	r->channel.waits_forever = true;
}

static void
channel_keeps_broken(struct node_rules *r)
{
	r->channel.keeps_broken = true;
}

static void
channel_newcomer_first(struct node_rules *r)
{
	r->channel.newcomer_first = true;
}

static void
channel_older_stays(struct node_rules *r)
{
	r->channel.older_stays = true;
}

static void
channel_unbounded(struct node_rules *r)
{
	r->channel.unbounded = true;
}

static void
ssp_whole_reads(struct node_rules *r)
{
	r->ssp.whole_reads = true;
}

static void
ssp_malformed_passed_over(struct node_rules *r)
{
	r->ssp.refuse_malformed = false;
}

static void
ssp_any_hello(struct node_rules *r)
{
	r->ssp.check_hello = false;
}

static void
ssp_no_hello_first(struct node_rules *r)
{
	r->ssp.hello_first = false;
}

static void
ssp_gaps_ignored(struct node_rules *r)
{
	r->ssp.resync_on_gap = false;
}

static void
ssp_unknown_acknowledged(struct node_rules *r)
{
	r->ssp.resync_on_unknown = false;
}

static void
ssp_counters_go_down(struct node_rules *r)
{
	r->counters_stay = false;
}

static void
ssp_any_epoch(struct node_rules *r)
{
	r->ssp.refuse_stale_epoch = false;
}

static void
ssp_active_applies(struct node_rules *r)
{
	r->ssp.refuse_when_active = false;
}

static void
ssp_unkept_forgotten(struct node_rules *r)
{
	r->unkept_known = false;
}

static void
ssp_no_room_acknowledged(struct node_rules *r)
{
	r->ssp.refuse_full = false;
}

static void
ssp_nothing_optional(struct node_rules *r)
{
	r->ssp.ignore_optional = false;
}

static void
resv_above_limit(struct node_rules *r)
{
	r->resv.stop_at_limit = false;
}

static void
resv_heir_repeats(struct node_rules *r)
{
	r->resv.heir_above_r = false;
}

static void
resv_lease_ignored(struct node_rules *r)
{
	r->resv.lost_waits_lease = false;
}

static void
resv_block_used(struct node_rules *r)
{
	r->resv.lost_skips_block = false;
}

static void
resv_stale_lower_half(struct node_rules *r)
{
	r->resv.stale_upper_half = false;
}

static void
resv_stale_no_rekey(struct node_rules *r)
{
	r->resv.stale_rekeys = false;
}

static void
resv_heal_not_above(struct node_rules *r)
{
	r->resv.heal_goes_above = false;
}

static void
ssp_fills_standby_alone(struct node_rules *r)
{
	r->ssp.fills_neither = false;
}

static void
suspended_copies_nothing(struct node_rules *r)
{
	r->suspended_copies = false;
}

static void
resv_doubt_goes_on(struct node_rules *r)
{
	r->resv.doubt_spends = false;
}

static void
import_no_ike(struct node_rules *r)
{
	r->import_ike = false;
}

static void
import_no_children(struct node_rules *r)
{
	r->import_children = false;
}

static void
import_no_window(struct node_rules *r)
{
	r->import_window = false;
}

static void
import_new_life(struct node_rules *r)
{
	r->import_life = false;
}

static void
import_no_volume(struct node_rules *r)
{
	r->import_volume = false;
}

static void
demoted_keeps_sas(struct node_rules *r)
{
	r->drop_on_demotion = false;
}

static void
demoted_deletes_sas(struct node_rules *r)
{
	r->delete_on_demotion = true;
}

static void
groups_apart(struct node_rules *r)
{
	r->groups_together = false;
}

static void
preempt_unready(struct node_rules *r)
{
	r->preempt_when_ready = false;
}

static void
no_unknown_spi_delete(struct node_rules *r)
{
	r->unknown_spi_delete = false;
}

static void
rri_standby_routes(struct node_rules *r)
{
	r->rri.only_when_active = false;
}

static void
rri_route_stays(struct node_rules *r)
{
	r->rri.remove_with_last_sa = false;
}

static void
rri_route_stays_on_demotion(struct node_rules *r)
{
	r->rri.remove_on_demotion = false;
}

static void
rri_no_dynamic(struct node_rules *r)
{
	r->rri.install_dynamic = false;
}

static void
rri_static_needs_sa(struct node_rules *r)
{
	r->rri.static_while_configured = false;
}

static void
rri_host_route(struct node_rules *r)
{
	r->rri.whole_prefix = false;
}

static void
lifetime_ignored(struct node_rules *r)
{
	r->honour_lifetime = false;
}

static void
esp_any_padding(struct node_rules *r)
{
	r->esp.check_padding = false;
}

static void
ike_keymat_swapped(struct node_rules *r)
{
	r->ike.keymat_own_spi = false;
}

static void
ike_pfs_not_in_keys(struct node_rules *r)
{
	r->ike.zero_shared_pfs = true;
}

static void
ike_any_id(struct node_rules *r)
{
	r->ike.check_id = false;
}

static void
ike_any_choice(struct node_rules *r)
{
	r->ike.check_choice = false;
}

static void
dpd_first_number_high(struct node_rules *r)
{
	r->dpd.high_bit_clear = false;
}

static void
ike_any_nonce(struct node_rules *r)
{
	r->ike.check_nonce = false;
}

static void
esp_rekey_too_late(struct node_rules *r)
{
	r->esp.soft_before = 0;
	r->esp.soft_kb_before = 0;
}

static void
standby_answers_ike(struct node_rules *r)
{
	r->vip_only_owner = false;
	r->ike.answer_inactive = true;
}

static void
standby_opens_esp(struct node_rules *r)
{
	r->vip_only_owner = false;
	r->open_dormant = true;
}

static void
configure_drops_sas(struct node_rules *r)
{
	r->configure_spares = false;
}

static void
configure_keeps_changed(struct node_rules *r)
{
	r->configure_deletes = false;
}

static void
configure_half(struct node_rules *r)
{
	r->configure_whole = false;
}

static void
reload_ignored(struct node_rules *r)
{
	r->configure_on_hup = false;
}

static void
clear_in_silence(struct node_rules *r)
{
	r->clear_deletes = false;
}

static void
resync_ignored(struct node_rules *r)
{
	r->clear_resyncs = false;
	r->ssp.resync_on_unknown = false; /* or the next increment would ask */
}

static void
show_keys(struct node_rules *r)
{
	r->show_hides_keys = false;
}

static void
hsrp_no_start_delay(struct node_rules *r)
{
	r->hsrp.honour_start_delay = false;
}

static void
hsrp_no_preempt_delay(struct node_rules *r)
{
	r->hsrp.honour_preempt_delay = false;
}

static void
hsrp_waits_for_ever(struct node_rules *r)
{
	r->hsrp.wait_for_ever = true;
}

static void
hsrp_no_learned_timers(struct node_rules *r)
{
	r->hsrp.learn_timers = false;
}

static void
hsrp_no_learned_address(struct node_rules *r)
{
	r->hsrp.learn_vip = false;
}

static void
hsrp_equals_never(struct node_rules *r)
{
	r->hsrp.equals_preempt = false;
}

static void
hsrp_no_advertise(struct node_rules *r)
{
	r->hsrp.advertise = false;
}

static void
hsrp_advertise_counts(struct node_rules *r)
{
	r->hsrp.advertise_counts = true;
}

static void
hsrp_groups_stay_apart(struct node_rules *r)
{
	r->track_apart = false;
}

static void
hsrp_tracks_one(struct node_rules *r)
{
	r->track_all = false;
}

static void
hsrp_equals_preempt(struct node_rules *r)
{
	r->hsrp.equals_always = true;
}

static void
rri_one_route(struct node_rules *r)
{
	r->rri.each_prefix = false;
}

static void
rri_no_covered(struct node_rules *r)
{
	r->rri.covered_too = false;
}

static void
rri_unasked(struct node_rules *r)
{
	r->routes_only_asked = false;
}

static void
natt_blind(struct node_rules *r)
{
	r->ike.natt_detect = false;
}

static void
natt_no_keepalive(struct node_rules *r)
{
	r->natt_keepalive = false;
}

static void
natt_hash_without_port(struct node_rules *r)
{
	r->ike.natt_hash_port = false;
}

static void
natt_one_hash(struct node_rules *r)
{
	r->ike.natt_all_hashes = false;
}

static void
natt_always_tunnel(struct node_rules *r)
{
	r->ike.natt_offer_mode = false;
}

static void
natt_short_hash(struct node_rules *r)
{
	r->ike.natt_check_length = false;
}

static void
natt_no_marker(struct node_rules *r)
{
	r->natt_marker = false;
}

static void
natt_any_mode(struct node_rules *r)
{
	r->ike.natt_check_mode = false;
}

static void
natt_draft_mode(struct node_rules *r)
{
	r->ike.natt_draft_mode = true;
}

static void
natt_any_encapsulation(struct node_rules *r)
{
	r->natt_check_encap = false;
}

static void
natt_no_follow(struct node_rules *r)
{
	r->ike.natt_follow = false;
}

static void
natt_follow_old(struct node_rules *r)
{
	r->natt_follow_old = true;
}

static void
natt_move_not_mirrored(struct node_rules *r)
{
	r->mirror_moves = false;
}

static void
ike_commit_ignored(struct node_rules *r)
{
	r->ike.honour_commit = false;
}

static void
ike_traffic_proves_nothing(struct node_rules *r)
{
	r->ike.traffic_proves = false;
}

static void
ike_connected_own_id(struct node_rules *r)
{
	r->ike.connected_msgid = false;
}

static void
rekey_old_outbound(struct node_rules *r)
{
	r->outbound_oldest = true;
}

static void
rekey_drops_old(struct node_rules *r)
{
	r->replace_lingers = false;
}

static void
rekey_stuck_on_old(struct node_rules *r)
{
	r->outbound_oldest = true;
	r->ike.honour_delete = false;
}

static void
rekey_again_and_again(struct node_rules *r)
{
	r->rekey_replaced = true;
}

static void
rekey_pairs_die_with_sa(struct node_rules *r)
{
	r->ike.rekey_adopt = false;
	r->ike.children_outlive_sa = false;
}

static void
rekey_no_phase1(struct node_rules *r)
{
	r->ike.rekey_phase1 = false;
}

static void
ike_half_open_for_ever(struct node_rules *r)
{
	r->ike.embryo_sure = r->ike.half_open_time;
}

static void
mtu_nothing_told(struct node_rules *r)
{
	r->pmtu_tell = false;
}

static void
mtu_not_learned(struct node_rules *r)
{
	r->pmtu_learn = false;
}

static void
mtu_believes_all(struct node_rules *r)
{
	r->pmtu_check = false;
}

/* clang-format off */
const struct mutant mutants[] = {
	{"hsrp-ttl-255", "HSRP messages leave with TTL 255", hsrp_ttl_255},
	{"hsrp-any-authentication", "messages with another authentication string count", hsrp_any_authentication},
	{"hsrp-hasty-hello", "the hello timer fires up to 90 % early", hsrp_hasty_hello},
	{"hsrp-no-gratuitous-arp", "no gratuitous ARP when becoming active", hsrp_no_gratuitous_arp},
	{"hsrp-arp-own-mac", "ARP for the virtual address is answered with the interface's own MAC", hsrp_arp_own_mac},
	{"hsrp-standby-answers-arp", "whoever is asked answers ARP for the virtual address", hsrp_standby_answers_arp},
	{"hsrp-ignore-coup", "an active router ignores a Coup", hsrp_ignore_coup},
	{"hsrp-coup-without-resign", "an active router yields to a Coup without a Resign", hsrp_coup_without_resign},
	{"hsrp-ignore-better-active", "an active router stays active beside a better one", hsrp_ignore_better_active},
	{"hsrp-no-coup", "an active router lets a lesser active one be", hsrp_no_coup},
	{"hsrp-ignore-resign", "a standby router ignores a Resign", hsrp_ignore_resign},
	{"hsrp-preempt-without-coup", "preemption without a Coup", hsrp_preempt_without_coup},
	{"hsrp-always-preempt", "a better router takes over though preemption is not configured", hsrp_always_preempt},
	{"hsrp-hello-own-mac", "the active router's Hellos come from its own MAC", hsrp_hello_own_mac},
	{"hsrp-wrong-vmac", "the virtual MAC is not the well-known one", hsrp_wrong_vmac},
	{"hsrp-hold-twice", "a router waits for two hold times", hsrp_hold_twice},
	{"hsrp-no-tracking", "a tracked interface that is down changes nothing", hsrp_no_tracking},
	{"hsrp-silent-shutdown", "no Resign when HSRP is taken down", hsrp_silent_shutdown},
	{"hsrp-no-higher-standby", "a standby router stays so beside a better one", hsrp_no_higher_standby},
	{"hsrp-speak-ignores-better", "a speaking router ignores a better speaker", hsrp_speak_ignores_better},
	{"hsrp-waits-for-lesser", "a speaking router waits for a lesser standby router to go", hsrp_waits_for_lesser},
	{"ike-any-psk", "HASH_I is not checked", ike_any_psk},
	{"ike-no-hash-check", "HASH(1) to HASH(3) are not checked", ike_no_hash_check},
	{"ike-any-proxy", "proxies outside the access list are accepted", ike_any_proxy},
	{"ike-any-cookie", "unknown cookies are taken for the peer's", ike_any_cookie},
	{"ike-silent-refusal", "no NO-PROPOSAL-CHOSEN", ike_silent_refusal},
	{"ike-any-proposal", "any proposal is chosen", ike_any_proposal},
	{"ike-ignore-initial-contact", "INITIAL-CONTACT does nothing", ike_ignore_initial_contact},
	{"ike-ignore-delete", "a peer's Delete does nothing", ike_ignore_delete},
	{"ike-clear-delete-acts", "a Delete in clear acts", ike_clear_delete_acts},
	{"ike-silent-to-duplicates", "a repeated message is not answered", ike_silent_to_duplicates},
	{"ike-redo-duplicates", "a repeated first message is worked on afresh", ike_redo_duplicates},
	{"ike-any-pfs", "PFS is not insisted on", ike_any_pfs},
	{"ike-msgid-again", "a used message id is accepted again", ike_msgid_again},
	{"ike-no-delete-sent", "no Delete is ever sent", ike_no_delete_sent},
	{"ike-skeyid-order", "SKEYID is made of Nr and Ni, not of Ni and Nr", ike_skeyid_order},
	{"natt-not-mirrored", "the standby is not told of UDP encapsulation", natt_not_mirrored},
	{"natt-initiator-stays", "an initiator stays on port 500 though there is a NAT", natt_initiator_stays},
	{"natt-plain-esp", "ESP leaves without UDP though that was agreed", natt_plain_esp},
	{"ike-any-version", "a message of any IKE version is looked into", ike_any_version},
	{"ike-answers-without-key", "first messages are answered without a key for the peer", ike_answers_without_key},
	{"ike-responder-insists", "a responder's answers are sent again unasked", ike_responder_insists},
	{"ike-no-vendor-id", "the vendor id of DPD is not sent", ike_no_vendor_id},
	{"ike-no-retransmission", "nothing is ever sent again", ike_no_retransmission},
	{"ike-no-lifetime", "no lifetime attributes", ike_no_lifetime},
	{"ike-initial-contact-always", "INITIAL-CONTACT though mirrored SAs exist", ike_initial_contact_always},
	{"ike-reserved-ignored", "reserved octets are not looked at", ike_reserved_ignored},
	{"dpd-any-cookies", "the cookies in R-U-THERE and its ACK are not looked at", dpd_any_cookies},
	{"vip-everyone", "a standby answers for the virtual address, too", vip_everyone},
	{"esp-no-replay-check", "no anti-replay", esp_no_replay_check},
	{"esp-window-before-icv", "the window moves before the ICV is checked", esp_window_before_icv},
	{"esp-any-icv", "the ICV is not checked", esp_any_icv},
	{"esp-first-number-five", "the first sequence number is 5", esp_first_number_five},
	{"esp-fixed-iv", "the GCM IV never changes", esp_fixed_iv},
	{"esp-no-tos", "the inner TOS is not copied out", esp_no_tos},
	{"esp-ttl-kept", "the inner TTL is not decremented", esp_ttl_kept},
	{"esp-df-set", "the outer packet may not be fragmented", esp_df_set},
	{"fragments-lose-last", "the last fragment is forgotten", fragments_lose_last},
	{"no-reassembly", "fragments are not put together", no_reassembly},
	{"clear-accepted", "clear packets that should be protected are forwarded", clear_accepted},
	{"leak-without-sa", "without an SA protected packets leave in clear", leak_without_sa},
	{"outside-proxies-accepted", "an inner packet outside its SA's proxies is forwarded", outside_proxies_accepted},
	{"dpd-ack-plus-one", "the ACK carries the number asked, plus one", dpd_ack_plus_one},
	{"dpd-no-window", "any number is answered", dpd_no_window},
	{"dpd-step-two", "each number is two more than the last", dpd_step_two},
	{"dpd-never-dead", "a dead peer's SAs stay", dpd_never_dead},
	{"dpd-any-ack", "any ACK counts", dpd_any_ack},
	{"dpd-silent", "R-U-THERE is not answered", dpd_silent},
	{"dpd-from-zero", "after a take-over numbers start at 0", dpd_from_zero},
	{"dpd-not-mirrored", "DPD numbers are not told to the standby", dpd_not_mirrored},
	{"dpd-probe-despite-traffic", "probes though the peer sends", dpd_probe_despite_traffic},
	{"dpd-new-number-each-time", "a retransmission has a new number", dpd_new_number_each_time},
	{"ssp-no-bulk", "a standby that joins gets nothing of what exists", ssp_no_bulk},
	{"ssp-ready-at-once", "a standby is ready before its bulk sync", ssp_ready_at_once},
	{"ssp-no-ike", "IKE SAs are not mirrored", ssp_no_ike},
	{"ssp-no-children", "SA pairs are not mirrored", ssp_no_children},
	{"ssp-no-delete", "deletions are not mirrored", ssp_no_delete},
	{"ssp-no-replay-update", "the replay window is not updated", ssp_no_replay_update},
	{"ssp-no-volume", "kilobytes used are not mirrored", ssp_no_volume},
	{"ssp-no-write-ahead", "messages leave before the standby has acknowledged", ssp_no_write_ahead},
	{"ssp-few-held", "of many messages at once some do not wait for the standby", ssp_few_held},
	{"ssp-ack-before-record", "the standby acknowledges before it records, and whether or not it does", ssp_ack_before_record},
	{"ssp-deaf-to-silence", "a silent channel is never given up", ssp_deaf_to_silence},
	{"ssp-no-keepalive", "no keepalives", ssp_no_keepalive},
	{"ssp-half-a-key", "only the first 16 octets of the sync channel's key count", ssp_half_a_key},
	{"channel-any-address", "whoever has the key is let in on the sync channel", channel_any_address},
	{"channel-any-identity", "the sync channel takes the key for whatever group and members", channel_any_identity},
	{"channel-without-psk", "a sync channel that did not use the key will do", channel_without_psk},
	{"channel-old-tls", "so will TLS 1.2", channel_old_tls},
	{"channel-waits-forever", "a handshake on the sync channel may last for ever", channel_waits_forever},
	{"channel-keeps-broken", "a broken sync channel is kept", channel_keeps_broken},
	{"channel-newcomer-first", "a newcomer replaces the sync channel before it has shown the key", channel_newcomer_first},
	{"channel-older-stays", "a newcomer is turned away from the sync channel", channel_older_stays},
	{"channel-unbounded", "all that a member does not read is kept", channel_unbounded},
	{"ssp-whole-reads", "an SSP message has to come in one piece", ssp_whole_reads},
	{"ssp-malformed-passed-over", "what does not read is passed over", ssp_malformed_passed_over},
	{"ssp-any-hello", "a HELLO of another group or version will do", ssp_any_hello},
	{"ssp-no-hello-first", "records are taken before a HELLO", ssp_no_hello_first},
	{"ssp-gaps-ignored", "a gap in the numbers is nothing", ssp_gaps_ignored},
	{"ssp-unknown-acknowledged", "an increment for an unknown SA is acknowledged", ssp_unknown_acknowledged},
	{"ssp-counters-go-down", "recorded numbers go down", ssp_counters_go_down},
	{"ssp-any-epoch", "records of an earlier epoch are taken", ssp_any_epoch},
	{"ssp-active-applies", "an active member takes records", ssp_active_applies},
	{"ssp-unkept-forgotten", "increments of a pair that fits no map ask for everything again", ssp_unkept_forgotten},
	{"ssp-no-room-acknowledged", "a record that finds no room is acknowledged", ssp_no_room_acknowledged},
	{"ssp-nothing-optional", "a TLV that may be ignored is refused", ssp_nothing_optional},
	{"resv-above-limit", "numbers above the reservation leave", resv_above_limit},
	{"resv-heir-repeats", "an heir begins below the reservation", resv_heir_repeats},
	{"resv-lease-ignored", "a lost active does not wait for the lease", resv_lease_ignored},
	{"resv-block-used", "a lost active goes on in the heir's block", resv_block_used},
	{"resv-stale-lower-half", "a stale heir goes on in the lower half", resv_stale_lower_half},
	{"resv-stale-no-rekey", "a stale heir does not rekey", resv_stale_no_rekey},
	{"resv-heal-not-above", "the winner of a healed split goes on where it was", resv_heal_not_above},
	{"ssp-fills-standby-alone", "a member that is neither is not filled", ssp_fills_standby_alone},
	{"suspended-copies-nothing", "a member whose SAs are suspended does not copy them", suspended_copies_nothing},
	{"resv-doubt-goes-on", "a member that may have had an heir goes on where it was", resv_doubt_goes_on},
	{"import-no-ike", "a promoted standby forgets the IKE SAs", import_no_ike},
	{"import-no-children", "a promoted standby forgets the SA pairs", import_no_children},
	{"import-no-window", "a promoted standby starts with an empty window", import_no_window},
	{"import-new-life", "a promoted standby starts lifetimes anew", import_new_life},
	{"import-no-volume", "a promoted standby forgets the kilobytes used", import_no_volume},
	{"demoted-keeps-sas", "a router that lost the active role keeps its SAs", demoted_keeps_sas},
	{"demoted-deletes-sas", "a router that lost the active role deletes its SAs at the peer", demoted_deletes_sas},
	{"groups-apart", "one active group is enough to be active", groups_apart},
	{"preempt-unready", "a standby preempts before it is ready", preempt_unready},
	{"no-unknown-spi-delete", "an unknown SPI is met with silence", no_unknown_spi_delete},
	{"rri-standby-routes", "a standby routes, too", rri_standby_routes},
	{"rri-route-stays", "a route outlives its last SA", rri_route_stays},
	{"rri-route-stays-on-demotion", "a demoted router keeps its routes", rri_route_stays_on_demotion},
	{"rri-no-dynamic", "a dynamic map's SAs bring no route", rri_no_dynamic},
	{"rri-static-needs-sa", "a static map's route needs an SA", rri_static_needs_sa},
	{"rri-host-route", "a host route in place of the prefix", rri_host_route},
	{"esp-any-padding", "padding octets are not looked at", esp_any_padding},
	{"ike-any-nonce", "a nonce may have any length", ike_any_nonce},
	{"esp-rekey-too-late", "an SA is replaced only when it is over", esp_rekey_too_late},
	{"standby-answers-ike", "a standby answers IKE for the virtual address", standby_answers_ike},
	{"standby-opens-esp", "a standby opens ESP under its dormant SAs", standby_opens_esp},
	{"ike-keymat-swapped", "the keys of the two directions are swapped", ike_keymat_swapped},
	{"ike-pfs-not-in-keys", "with PFS the fresh secret does not enter the keys", ike_pfs_not_in_keys},
	{"ike-any-id", "the peer's identity is not looked at", ike_any_id},
	{"ike-any-choice", "an initiator takes an answer that it did not offer", ike_any_choice},
	{"dpd-first-number-high", "the first DPD number has its high bit set", dpd_first_number_high},
	{"lifetime-ignored", "SAs never expire", lifetime_ignored},
	{"configure-drops-sas", "any other configuration ends every SA", configure_drops_sas},
	{"configure-keeps-changed", "SAs of a map entry that changed live on", configure_keeps_changed},
	{"configure-half", "the lines before a wrong one are applied", configure_half},
	{"reload-ignored", "SIGHUP does nothing", reload_ignored},
	{"clear-in-silence", "what an operator clears is not told to the peer", clear_in_silence},
	{"resync-ignored", "`resync` asks for nothing, nor does an unknown SA", resync_ignored},
	{"show-keys", "show running-config shows every key", show_keys},
	{"hsrp-no-start-delay", "`standby delay` is not waited for", hsrp_no_start_delay},
	{"hsrp-no-preempt-delay", "`preempt delay` is not waited for", hsrp_no_preempt_delay},
	{"hsrp-waits-for-ever", "the state sync is waited for beyond `preempt delay sync`", hsrp_waits_for_ever},
	{"hsrp-no-learned-timers", "timers are not learned", hsrp_no_learned_timers},
	{"hsrp-no-learned-address", "the virtual address is not learned", hsrp_no_learned_address},
	{"hsrp-equals-never", "between equal priorities nobody preempts, whatever the profile", hsrp_equals_never},
	{"hsrp-no-advertise", "no Advertise is sent", hsrp_no_advertise},
	{"hsrp-advertise-counts", "an Advertise keeps the active router alive as a Hello does", hsrp_advertise_counts},
	{"hsrp-groups-stay-apart", "a group goes on although that of the tracked crypto interface is the other router's", hsrp_groups_stay_apart},
	{"hsrp-tracks-one", "of several tracked interfaces that are down only the first counts", hsrp_tracks_one},
	{"hsrp-equals-preempt", "a higher address preempts an equal priority, unasked", hsrp_equals_preempt},
	{"rri-one-route", "only the first prefix is routed", rri_one_route},
	{"rri-no-covered", "a prefix inside a wider one is not routed", rri_no_covered},
	{"rri-unasked", "reverse routes also without reverse-route", rri_unasked},
	{"natt-blind", "a NAT is not seen", natt_blind},
	{"natt-no-keepalive", "no NAT keepalive is sent", natt_no_keepalive},
	{"natt-hash-without-port", "NAT-D hashes leave the port out", natt_hash_without_port},
	{"natt-one-hash", "of several NAT-D hashes of the peer the first alone counts", natt_one_hash},
	{"natt-always-tunnel", "tunnel mode is offered and taken even with a NAT", natt_always_tunnel},
	{"natt-short-hash", "NAT-D hashes may have any length", natt_short_hash},
	{"natt-no-marker", "IKE on port 4500 has no non-ESP marker", natt_no_marker},
	{"natt-any-mode", "any encapsulation mode is taken, whether or not there is a NAT", natt_any_mode},
	{"natt-draft-mode", "the drafts' encapsulation mode counts as the standard's", natt_draft_mode},
	{"natt-any-encapsulation", "ESP is taken with or without UDP, whatever was agreed", natt_any_encapsulation},
	{"natt-no-follow", "a peer whose mapping changes is not followed", natt_no_follow},
	{"natt-follow-old", "any authentic ESP packet moves its peer, however old", natt_follow_old},
	{"natt-move-not-mirrored", "the standby is not told when a peer behind a NAT moves", natt_move_not_mirrored},
	{"ike-commit-ignored", "the Commit Bit is not honoured", ike_commit_ignored},
	{"ike-traffic-proves-nothing", "a pair is finished by the last message alone", ike_traffic_proves_nothing},
	{"ike-connected-own-id", "CONNECTED has a message id of its own", ike_connected_own_id},
	{"rekey-old-outbound", "the oldest pair of a flow is used outbound", rekey_old_outbound},
	{"rekey-drops-old", "a pair that was replaced is deleted at once", rekey_drops_old},
	{"rekey-stuck-on-old", "a replaced pair is used outbound even when the peer has deleted it", rekey_stuck_on_old},
	{"rekey-again-and-again", "a pair that was replaced is replaced again", rekey_again_and_again},
	{"rekey-pairs-die-with-sa", "pairs end with the IKE SA that made them", rekey_pairs_die_with_sa},
	{"rekey-no-phase1", "an IKE SA is never replaced ahead of its end", rekey_no_phase1},
	{"ike-half-open-for-ever", "whoever sends message 1 keeps its place until it times out", ike_half_open_for_ever},
	{"mtu-nothing-told", "who sends what is too long for the tunnel is not told", mtu_nothing_told},
	{"mtu-not-learned", "what the path says of its limit is not heard", mtu_not_learned},
	{"mtu-believes-all", "any ICMP about the path is believed", mtu_believes_all},
};
/* clang-format on */
const unsigned mutant_cnt = sizeof mutants / sizeof mutants[0];

const struct mutant *
mutant_find(const char *name)
{
	for (unsigned i = 0; i < mutant_cnt; i++)
		if (!strcmp(mutants[i].name, name))
			return &mutants[i];
	return NULL;
}
