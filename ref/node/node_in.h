/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_NODE_NODE_IN_H
#define BATON_NODE_NODE_IN_H

/*
 * What the files of node/ say to each other, grouped by file. Nobody else includes this.
 */
#include "ref/node/node.h"

/* node.c: out through the sink */
void node_note(struct node *n, const char *area, const char *what, ip4_t peer, uint32_t number);
/* The same, but only while that is traced. */
void node_trace(struct node *n, enum node_debug kind, const char *area, const char *what, ip4_t peer,
	uint32_t number);
void node_emit_bytes(struct node *n, enum node_act_kind kind, unsigned iface, const uint8_t *b,
	size_t len);
void node_emit(struct node *n, const struct node_act *a);
/* What the rri core has just said, as route actions. */
void node_emit_routes(struct node *n);

/* clear.c: what an operator clears */
void clear_asked(struct node *n, enum node_clear what, ip4_t peer);

/* The exact deadline, by looking at everything: for tests. Never before node_deadline. */
ns_t node_deadline_exact(const struct node *n);

/* setup.c: configuration -> what the cores want */
void node_setup(struct node *n);

/* Static maps' routes: those of the old map that are not in the new one go. */
void node_static_routes(struct node *n);

/* groups.c: HSRP, ARP, who is active */
void groups_init(struct node *n);
/*
 * The groups as n->cfg has them now: what stayed is kept with its state (from: index of each interface in the
 * configuration before, CFG_IFS if it is new).
 */
void groups_configure(struct node *n, const struct cfg *before, const unsigned from[CFG_IFS]);
/* Before: groups that go resign. */
void groups_leave(struct node *n, const struct cfg *next);
void groups_link(struct node *n, unsigned iface, bool up, bool reload);
void groups_message(struct node *n, unsigned iface, ip4_t src, struct rd *payload);
void groups_tick(struct node *n);
void groups_stop(struct node *n);
void groups_synced(struct node *n);
ns_t groups_deadline(const struct node *n);
void groups_arp(struct node *n, unsigned iface, struct rd *r);
/* The group on this interface whose virtual MAC this is, if we own it; NULL if none. */
struct node_group *groups_owned_mac(struct node *n, unsigned iface, const struct mac *m);
/* Do we own this virtual address on this interface? */
struct node_group *groups_owned_vip(struct node *n, unsigned iface, ip4_t a);

/* role.c: what a change of role does */
void role_settle(struct node *n);
/* The other member is known to be active: what is suspended here goes. */
void role_other_active(struct node *n);
/* Keep the highest number sent on a pair that ends, to be stated (ssp.md 4, HIGHEST), if any was. */
void role_bury(struct node *n, const struct node_pair *p);

/* frame.c: packets in */
void frame_in(struct node *n, unsigned iface, const uint8_t *b, size_t len);
void frame_tun(struct node *n, const uint8_t *b, size_t len);

/* policy.c: which packets are protected */
struct policy_flow {
	ip4_t src, dst;
	uint8_t proto;
	uint16_t sport, dport;
	bool ports_unknown; /* a fragment that is not the first (RFC 4301 7) */
};
/* Of an IPv4 packet; all 0 if it is none. */
struct policy_flow policy_flow_of(const uint8_t *ip, size_t len);
struct policy_flow policy_reversed(struct policy_flow f);
/* Do the proxies cover this outbound flow? */
bool policy_covers(const struct ike_proxy *local, const struct ike_proxy *remote,
	const struct policy_flow *f);
/* The map entry of a flow (map_cnt: in clear) and its pair, NULL if there is none yet. */
unsigned policy_answer(struct node *n, const struct policy_flow *f, struct node_pair **p);
/* Would the policy have wanted this clear packet, that came in outside, protected? */
bool policy_wanted(struct node *n, const uint8_t *ip, size_t len);

/* traffic.c: ESP both ways, the queue */
enum verdict { VERDICT_CLEAR, VERDICT_PROTECT, VERDICT_DROP };
enum verdict traffic_out(struct node *n, const uint8_t *ip, size_t len);
/* port 0: not encapsulated */
void traffic_esp_in(struct node *n, struct ike_end from, const uint8_t *esp, size_t len);
void traffic_flush(struct node *n, unsigned pair);
void traffic_tick(struct node *n);
ns_t traffic_deadline(const struct node *n);
/* An IPv4 packet from us, out of the crypto interface, in fragments if it must be. */
void traffic_ip_out(struct node *n, const uint8_t *packet, size_t len);
/* The same over a path that takes less. */
void traffic_ip_out_mtu(struct node *n, const uint8_t *packet, size_t len, size_t mtu);

/* pairs.c: SA pairs */
struct node_pair *pairs_new(struct node *n);
struct node_pair *pairs_by_spi_in(struct node *n, uint32_t spi);
struct node_pair *pairs_by_spis(struct node *n, const struct ssp_spis *s);
unsigned pairs_index(const struct node *n, const struct node_pair *p);
void pairs_setup(struct node *n, struct node_pair *p, const struct ike_child *c);
void pairs_ends(struct node_pair *p); /* child.local, remote, natt -> its two ESP SAs */
void pairs_live(struct node *n, struct node_pair *p); /* routes count it from now on */
void pairs_drop(struct node *n, struct node_pair *p);
/* With a Delete to the peer; what: the reason, for the log. */
void pairs_delete(struct node *n, struct node_pair *p, const char *what);
void pairs_resv(struct node *n, struct node_pair *p, const struct resv_in *in);
void pairs_rekey(struct node *n, struct node_pair *p);
void pairs_tick(struct node *n);
ns_t pairs_deadline(const struct node *n);
ns_t pairs_exact(const struct node *n);
/* Something about this pair has changed: when it is due, and which flows are its. */
void pairs_touch(struct node *n, struct node_pair *p);
void pairs_changed(struct node *n);
struct ssp_spis pairs_spis(const struct node_pair *p);

/* Write ahead waits that long; then the channel counts as lost. */
#define NODE_HOLD_MAX (500 * NS_PER_MS)

/* keying.c: the ike core */
void keying_step(struct node *n, const struct ike_in *in);
void keying_packet(
	struct node *n, struct ike_end from, uint16_t dport, const uint8_t *b, size_t len);
void keying_tick(struct node *n);
ns_t keying_deadline(const struct node *n);
ns_t keying_exact(const struct node *n);
void keying_due(struct node *n, ns_t t);
void keying_heard(struct node *n, const struct ike_cookies *c);
void keying_want(struct node *n, const struct ike_cookies *c);
void keying_release(struct node *n, uint32_t acked, bool all);
struct node_ike *keying_find(struct node *n, const struct ike_cookies *c);
struct node_ike *keying_new(struct node *n, const struct ike_cookies *c, ip4_t peer);
void keying_drop(struct node *n, struct node_ike *k);
void keying_dpd_start(struct node *n, struct node_ike *k, const struct dpd_export *x);
void keying_hold(struct node *n, uint32_t token, uint32_t number);

/* probe.c: dpd for each IKE SA; `from` where a message of it came from, NULL: none */
void probe_feed(struct node *n, struct node_ike *k, enum dpd_in_kind kind, uint32_t seq,
	const struct ike_end *from);
/* The probe that waited for its acknowledgement leaves. */
void probe_leave(struct node *n, struct node_ike *k);
void probe_newest(struct node *n, struct ike_end peer);

/* replace.c: pairs that take over from pairs */
void replace_used(struct node *n, struct node_pair *p); /* its outbound SA is used from now on */
void replace_heard(struct node *n, struct node_pair *p); /* an authentic packet came in on it */
/* This pair goes: one that it had replaced stays in its place. */
void replace_gone(struct node *n, const struct node_pair *p);
/* This child is about to be made: what has its outbound SPI is nothing to the peer any more. */
void replace_same_spi(struct node *n, const struct ike_child *c);
bool replace_newer(const struct node_pair *p, const struct node_pair *than);
/* Is it to be deleted now? Puts it off while the peer still uses it. */
bool replace_due(struct node *n, struct node_pair *p);

/* mtu.c: what does not fit */
enum mtu_fit { MTU_FITS, MTU_SPLIT, MTU_TOO_BIG };
/* The longest packet, outer header and all, that the path to this pair's peer takes. */
size_t mtu_of(const struct node *n, const struct node_pair *p);
/* SPLIT: into fragments before sealing. FITS may still mean fragments after it. */
enum mtu_fit mtu_fits(const struct node *n, const struct node_pair *p, const uint8_t *ip, size_t len);
/* Its sender hears what would fit. */
void mtu_tell(struct node *n, const struct node_pair *p, const uint8_t *ip, size_t len);
/* Destination unreachable, fragmentation needed, to our virtual address; from the ICMP header on. */
void mtu_icmp_in(struct node *n, struct rd icmp);

/* nat.c: NAT traversal */
void nat_udp_in(struct node *n, struct ike_end from, const uint8_t *b, size_t len);
/* Fresh and authentic, it came from there. */
void nat_peer_at(struct node *n, struct ike_end was, struct ike_end from);
void nat_moved(struct node *n, struct ike_end was, struct ike_end to);
void nat_wake(struct node *n);
void nat_tick(struct node *n);
ns_t nat_deadline(const struct node *n);

/* sync.c: the SSP session's actions */
void sync_step(struct node *n, const struct ssp_in *in);
void sync_bytes(struct node *n, const uint8_t *b, size_t len);
void sync_role(struct node *n);
/* The other one is done (ssp_other_done): go above its numbers. */
void sync_met(struct node *n);

/* sync_out.c: records out */
void sync_send(struct node *n, const uint8_t *b, size_t len);
void sync_trace(struct node *n, const struct ssp_msg *m, const char *area);
/* Each returns the number of the message, 0 if there is nobody to tell. */
uint32_t sync_ike(struct node *n, struct node_ike *k);
uint32_t sync_ike_del(struct node *n, const struct ike_cookies *c);
uint32_t sync_pair(struct node *n, struct node_pair *p);
uint32_t sync_pair_del(struct node *n, struct node_pair *p);
uint32_t sync_reserve(struct node *n, struct node_pair *p, uint32_t upto);
uint32_t sync_replay(struct node *n, struct node_pair *p);
uint32_t sync_volume(struct node *n, struct node_pair *p);
uint32_t sync_dpd(struct node *n, struct node_ike *k);
void sync_highest(struct node *n, const struct ssp_spis *s, uint32_t highest);
/* HIGHEST for every SA that we have sent on. */
void sync_state_highest(struct node *n);

/* copies.c: records in; copies -> live */
enum err copies_apply(struct node *n, const struct ssp_msg *m);
void copies_sweep(struct node *n, bool begin);
void copies_promote(struct node *n);
void copies_tick(struct node *n);
ns_t copies_deadline(const struct node *n);
ns_t copies_exact(const struct node *n);

#endif
