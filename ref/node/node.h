/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_NODE_NODE_H
#define BATON_NODE_NODE_H

/*
 * One router: which core's action is which other core's input.
 *
 * Frames, tunnelled packets, link changes, bytes of the sync channel and time go in (node_step); frames, packets,
 * routes, bytes and notes come out through the sink, as data, in the order in which they must
 * happen. node_deadline says when to come back without an event. Nothing here knows an operating system.
 *
 * Roles. The `ssp group` names the HSRP groups that must move as one. All active: this router is
 * *active*, and its SAs are live. All standby: *standby*, its SAs are dormant copies. Anything else: *neither*; what was
 * live is suspended (nothing is sent, accepted or routed) until the groups agree again, or the other
 * member is known to be active: then it is dropped, without a Delete. Without an `ssp group` the
 * group of the crypto interface alone decides.
 *
 * Not here: more than one crypto interface, VRFs, IPv6, kernel forwarding (sys gives packets to the kernel through TUN).
 */
#include "ref/base/index.h"
#include "ref/core/dpd.h"
#include "ref/core/esp.h"
#include "ref/core/ike.h"
#include "ref/core/ipfrag.h"
#include "ref/core/resv.h"
#include "ref/core/rri.h"
#include "ref/core/ssp.h"
#include "ref/node/cfg.h"
#include "ref/wire/eth.h"

/* By what a router judges, all cores together, and what only the node decides (rules.h fills it). */
/* What the sync channel must not do; all false. */
struct channel_rules {
	bool any_address;    /* lets in who comes from another address */
	bool any_identity;   /* and whatever the key is said to be for */
	bool without_psk;    /* is content with a handshake that did not use the key */
	bool old_tls;	     /* and with TLS 1.2 */
	bool waits_forever;  /* for the end of a handshake */
	bool keeps_broken;   /* takes no notice of an end or of a record that does not open */
	bool newcomer_first; /* a newcomer replaces a channel that is up before it has shown the key */
	bool older_stays;    /* a newcomer is turned away while there is a channel */
	bool unbounded;	     /* keeps all that the other side does not read */
};

struct node_rules {
	struct hsrp_rules hsrp;
	struct ike_rules ike;
	struct esp_rules esp;
	struct dpd_rules dpd;
	struct resv_rules resv;
	struct ssp_rules ssp;
	struct rri_rules rri;
	struct ipfrag_rules ipfrag;
	bool arp_only_owner;	 /* only the active answers for the virtual address */
	bool arp_vmac;		 /* and with the virtual MAC (RFC 2281 6.1) */
	bool garp;		 /* action I is carried out */
	bool vip_only_owner;	 /* IKE and ESP to the virtual address: the active alone */
	bool groups_together;	 /* all groups must be active */
	bool suspended_copies;	 /* who is neither, with suspended SAs, copies them */
	bool track;		 /* a tracked interface that is down lowers the priority */
	bool track_all;		 /* each of several by its own decrement */
	bool track_apart;	 /* the crypto interface is as if down, where its group is the other's */
	bool write_ahead;	 /* hold what specification 5 holds */
	unsigned hold_max;	 /* so many messages at once: one of each exchange */
	bool mirror_ike, mirror_children, mirror_reserve, mirror_replay, mirror_volume, mirror_dpd;
	bool mirror_delete;
	bool import_ike, import_children, import_window, import_volume, import_life, import_dpd;
	bool routes_only_asked;	 /* for map entries with reverse-route alone */
	bool drop_on_demotion;	 /* live SAs go when the other one is active */
	bool delete_on_demotion; /* false: no Delete is sent then */
	bool check_inbound_policy; /* RFC 4301 5.2: clear packets that should be protected */
	bool check_proxies;	 /* and inner packets outside their SA's proxies */
	bool leak_without_sa;	 /* false: what the ACL protects waits or is dropped */
	bool open_dormant;	 /* false; a standby opens what comes under a dormant SA */
	bool unknown_spi_delete; /* answered by a protected Delete */
	bool preempt_when_ready; /* a standby does not preempt before its bulk sync */
	bool probe_dormant;	 /* false: a standby sends no DPD */
	bool honour_lifetime;	 /* hard limits end an SA pair */
	bool pmtu_tell;		 /* RFC 4301 8.2.1: who sent what is too long and may not be fragmented */
	bool pmtu_learn;	 /* of the path, by ICMP */
	bool pmtu_check;	 /* that quotes what we have sent */
	ns_t pmtu_age;		 /* and for so long */
	bool replace_old;	 /* a new pair takes the place of the old one of its flow */
	bool rekey_replaced;	 /* false; a pair that was replaced is rekeyed once more */
	bool outbound_oldest;	 /* false; of several pairs of a flow the oldest is used */
	bool replace_lingers;	 /* which is deleted when nobody uses it any more, not at once */
	bool natt_marker;	 /* IKE on port 4500 begins with four zero octets (RFC 3948 2.2) */
	bool natt_encapsulate;	 /* ESP goes in UDP where that was agreed */
	bool natt_check_encap;	 /* and must come so */
	bool natt_keepalive;	 /* sent if we are behind the NAT (RFC 3948 4) */
	bool natt_follow_old;	 /* false; any authentic ESP moves its peer, not the newest alone */
	bool natt_follow_behind; /* false; also if we are the side behind the NAT (RFC 3947 7) */
	bool mirror_natt;	 /* the standby is told of encapsulation */
	bool mirror_moves;	 /* and at once of a peer that has moved */
	bool configure_spares;	 /* SAs whose entry did not change live through another configuration */
	bool configure_deletes;	 /* those whose entry did change are deleted */
	bool configure_whole;	 /* all of a text or nothing (the caller's part) */
	bool configure_on_hup;	 /* (the caller's part) */
	bool clear_deletes;	 /* what an operator clears is told to the peer */
	bool clear_resyncs;	 /* `resync` asks for everything again */
	bool show_hides_keys;	 /* (the caller's part) */
	uint8_t channel_key_max; /* octets of the sync channel's key that count: all */
	bool unkept_known;	 /* increments of a pair that fits no entry here are no reason to ask again */
	bool counters_stay;	 /* no recorded number goes down within an epoch */
	struct channel_rules channel; /* (the caller's part) */
};

/* Tables are placed once; a program for larger ones is compiled with other sizes. */
#ifndef NODE_PAIRS
#define NODE_IKES 2048 /* 1,000 tunnels, each being rekeyed */
#define NODE_PAIRS 4096
#endif
#define NODE_XCHGS 1024
#define NODE_UNKEPT 64 /* pairs that the active has and no entry here fits */
#define NODE_MAPS 64
#define NODE_ACLS 256
#define NODE_HOLDS NODE_XCHGS /* a message of every exchange */
#define NODE_WAITING 256
#define NODE_PACKET_MAX 9216
#define NODE_ASKS 8
#define NODE_MTU 1500
#define NODE_MTU_MIN 576 /* no path is believed to be narrower */
#define NODE_TOMBSTONES NODE_PAIRS
#define NODE_FLOWS 4096 /* remembered answers to "which pair?" */

enum node_role { NODE_NEITHER = 0, NODE_ACTIVE = 1, NODE_STANDBY = 2 };

/* One HSRP group on one interface. */
struct node_group {
	unsigned iface; /* index of cfg.ifs */
	const struct cfg_standby *cfg;
	struct hsrp hsrp;
	bool own; /* OWN_VIP was said */
	bool counts; /* is named by the ssp group */
};

/* An entry of the crypto map, templates spelled out. */
struct node_map {
	const struct cfg_map *cfg;
	const struct cfg_acl *acl; /* NULL: any (dynamic only) */
	bool is_dynamic;
	bool reverse_route;
};

/* An IKE SA: live (in the ike core) or a dormant copy. */
struct node_ike {
	bool used;
	bool dormant;
	bool marked; /* named by the bulk that is running */
	struct ike_cookies cookies;
	ip4_t peer;
	struct ike_export copy; /* dormant: as it was received */
	ns_t copied_at;		/* when left_s of the copy was true */
	struct dpd dpd;
	struct dpd_export dpd_copy;
	bool dpd_on;	      /* dpd is initialised */
	bool probe_held;      /* a probe waits for its acknowledgement */
	uint32_t probe_number, probe_seq;
	ns_t probe_until;
	ns_t sent_at; /* the last message of it */
};

/* What was asked of the standby, not acknowledged yet. */
struct node_ask {
	uint32_t number; /* of the message */
	uint32_t upto;
};

/* An SA pair: live, or a dormant copy. */
struct node_pair {
	bool used;
	bool dormant;
	bool use_out;
	bool unproven; /* inherited, and nothing came in on it yet: the peer may not have finished it */
	bool marked;
	bool rri;	 /* counted with the rri core */
	bool rekeying;	 /* INITIATE was said */
	ns_t rekey_after; /* not before: the last try came to nothing */
	ns_t rekey_wait;
	bool dying;	 /* replaced; deleted at dies_at */
	unsigned map;	 /* index of node.map */
	struct ike_child child; /* without its keys */
	struct esp_sa in, out;
	struct resv resv;
	struct node_ask ask[NODE_ASKS];
	unsigned ask_cnt;
	uint32_t copy_reserve; /* dormant: R as recorded */
	uint32_t copy_epoch;   /* in which */
	uint64_t in_unreported; /* packets since the last REPLAY */
	uint64_t volume_reported; /* octets, in + out, at the last VOLUME */
	uint32_t peer_highest; /* the other member's, told by HIGHEST; 0 none */
	uint32_t born;	       /* order of creation: the newest is used outbound */
	ns_t dies_at, dies_latest;
	ns_t used_at, heard_at; /* first use outbound, last packet in; 0: not yet */
	uint16_t pmtu; /* learned of the path, good until then; 0: none */
	ns_t pmtu_until;
	uint32_t last_volume_kb; /* as `show` has it */
	uint32_t number;	 /* of the IPSEC_SA that announced it, 0 none */
	bool copied;		 /* it was sent since the last bulk began; else nothing is said of it */
	ns_t sent_at;		 /* the last packet */
};

/* The answer to a flow, good while nothing about any pair has changed. */
struct node_flow {
	uint32_t generation; /* 0: none */
	ip4_t src, dst;
	uint16_t sport, dport;
	uint8_t proto;
	bool ports_unknown;
	uint16_t map;  /* map_cnt: in clear */
	uint16_t pair; /* index; meaningless in clear */
};

struct node_hold {
	bool used;
	uint32_t token; /* of the ike core */
	uint32_t number; /* of the SSP message that must be acknowledged */
	ns_t until;
};

struct node_waiting {
	unsigned pair;
	uint32_t born; /* of the pair: it may be another one by now */
	ns_t until;
	size_t len;
	uint8_t b[NODE_PACKET_MAX];
};

struct node_tombstone {
	struct ssp_spis spis;
	uint32_t highest;
};

enum node_count {
	NODE_CNT_FRAMES_IN, NODE_CNT_MALFORMED, NODE_CNT_ARP_ANSWERED, NODE_CNT_ECHO_ANSWERED,
	NODE_CNT_FORWARDED, NODE_CNT_ENCRYPTED, NODE_CNT_DECRYPTED, NODE_CNT_NOT_ACTIVE,
	NODE_CNT_NO_SA, NODE_CNT_UNKNOWN_SPI, NODE_CNT_CLEAR_REFUSED, NODE_CNT_OUTSIDE_PROXY,
	NODE_CNT_REPLAY, NODE_CNT_BAD_ICV, NODE_CNT_ESP_REFUSED, NODE_CNT_FRAGMENT_REFUSED,
	NODE_CNT_QUEUED, NODE_CNT_QUEUE_FULL, NODE_CNT_QUEUE_EXPIRED, NODE_CNT_EXHAUSTED,
	NODE_CNT_EXPIRED, NODE_CNT_TABLE_FULL, NODE_CNT_TTL, NODE_CNT_HOLD_TIMEOUT,
	NODE_CNT_NUMBER_DOWN, NODE_CNT_UNKEPT, NODE_CNT_PROMOTIONS, NODE_CNT_DEMOTIONS, NODE_CNT_REKEYS,
	NODE_CNT_HSRP_REFUSED, NODE_CNT_UDP_OTHER, NODE_CNT_NAT_KEEPALIVE_IN,
	NODE_CNT_NAT_KEEPALIVE_OUT, NODE_CNT_NAT_MOVED, NODE_CNT_ENCAPSULATION, NODE_CNT_TOO_BIG,
	NODE_CNT_TOO_BIG_TOLD, NODE_CNT_SPLIT, NODE_CNT_PMTU_LEARNED, NODE_CNT_PMTU_REFUSED,
	NODE_CNT_CNT
};
extern const char *const node_count_names[NODE_CNT_CNT];

enum node_act_kind {
	NODE_ACT_FRAME,	    /* a whole frame, on interface `iface` */
	NODE_ACT_IP,	    /* an IPv4 packet to be routed out of interface `iface` */
	NODE_ACT_TUN,	    /* an IPv4 packet for the kernel to forward */
	NODE_ACT_ROUTE,	    /* on: add, off: delete, `net` */
	NODE_ACT_SSP_SEND,  /* bytes for the sync channel */
	NODE_ACT_SSP_CLOSE, /* drop its connection */
	NODE_ACT_NOTE,	    /* a line for the log */
	NODE_ACT_KEY_IKE,   /* keys of an IKE SA, for a key log; borrowed for the call */
	NODE_ACT_KEY_ESP,   /* keys of an SA pair */
};

/*
 * What can be traced beside what is always told (`debug`): bits of node.debug. SSP's socket is the
 * caller's to trace.
 */
enum node_debug {
	NODE_DEBUG_SSP_FSM = 1 << 0,
	NODE_DEBUG_SSP_SOCKET = 1 << 1,
	NODE_DEBUG_SSP_PACKET = 1 << 2,
	NODE_DEBUG_SSP_PEERS = 1 << 3,
	NODE_DEBUG_SSP_REDUNDANCY = 1 << 4,
	NODE_DEBUG_SSP_CONFIG = 1 << 5,
	NODE_DEBUG_IKE_HA_DETAIL = 1 << 6,
	NODE_DEBUG_IKE_HA_FSM = 1 << 7,
	NODE_DEBUG_IKE_HA_UPDATE = 1 << 8,
	NODE_DEBUG_IPSEC_HA_DETAIL = 1 << 9,
	NODE_DEBUG_IPSEC_HA_UPDATE = 1 << 10,
	NODE_DEBUG_STANDBY_ERRORS = 1 << 11,
	NODE_DEBUG_STANDBY_EVENTS = 1 << 12,
	NODE_DEBUG_STANDBY_PACKETS = 1 << 13,
};

/* A line for the log, in parts; strings are literals or borrowed for the call. */
struct node_note {
	const char *area; /* "hsrp", "ike", ... */
	const char *what;
	const char *from, *to; /* NULL where they mean nothing */
	ip4_t peer;
	uint32_t number; /* SPI, group, count */
	struct why why;
};

struct node_act {
	enum node_act_kind kind;
	unsigned iface;
	const uint8_t *bytes; /* borrowed for the call */
	size_t len;
	struct ip4_net net;
	bool on;
	struct node_note note;
	const struct ike_export *ike;
	const struct node_pair *pair;
};

/* Called for each action, in order. It must not call back into the node. */
struct node_sink {
	void (*act)(void *ctx, const struct node_act *a);
	void *ctx;
};

enum node_in_kind {
	NODE_IN_TICK,
	NODE_IN_FRAME,	   /* iface, bytes: a frame that arrived there */
	NODE_IN_TUN,	   /* bytes: an IPv4 packet that the kernel routed to the tunnel */
	NODE_IN_LINK,	   /* iface, on; reload: the router itself has just started */
	NODE_IN_SSP_UP,	   /* the channel's TLS is up */
	NODE_IN_SSP_DOWN,
	NODE_IN_SSP_BYTES,
	NODE_IN_STOP,	   /* going down on purpose: tell the standby all, resign */
	NODE_IN_RESYNC,	   /* operator: ask for everything again */
	NODE_IN_CLEAR,	   /* operator: clear, peer (0: all) */
};

/* What an operator clears. Live: with Deletes; dormant: silently, at the standby. */
enum node_clear { NODE_CLEAR_IKE, NODE_CLEAR_SAS, NODE_CLEAR_IKE_COPIES, NODE_CLEAR_SA_COPIES, NODE_CLEAR_COUNTERS };

struct node_in {
	enum node_in_kind kind;
	unsigned iface;
	const uint8_t *bytes; /* borrowed */
	size_t len;
	bool on;
	bool reload;
	enum node_clear clear;
	ip4_t peer;
};

struct node {
	const struct cfg *cfg;	   /* borrowed */
	const struct node_rules *rules;
	const struct crypto *crypto;
	struct node_sink sink;
	struct entropy *entropy; /* of the step that is running */
	ns_t now;		 /* of the step that is running */
	struct mac mac[CFG_IFS]; /* of the interfaces */
	bool link[CFG_IFS];
	struct node_group group[CFG_IFS * CFG_STANDBYS];
	unsigned group_cnt;
	unsigned out_if;	 /* the crypto interface; CFG_IFS: none */
	ip4_t vip;		 /* its virtual address */
	const struct cfg_ssp *ssp_cfg; /* NULL: no ssp group in force */
	bool ssp_ike, ssp_ipsec; /* what is bound to it */
	enum node_role role;
	bool live;		 /* SAs may be used */
	ns_t role_since;
	uint32_t promoted_epoch; /* of our last promotion; 0: none */
	bool other_unsure;	 /* the other one says active, but said so before that */
	struct node_map map[NODE_MAPS];
	unsigned map_cnt;
	struct ike_map ike_map[NODE_MAPS];
	struct ike_acl ike_acl[NODE_ACLS];
	unsigned ike_acl_cnt;
	struct ike_policy ike_policy[CFG_POLICIES];
	struct ike_psk ike_psk[CFG_KEYS];
	struct ike_cfg ike_cfg;
	struct dpd_cfg dpd_cfg;
	struct cfg_ha ha;
	struct ike ike_core;
	struct ike_sa ike_sa[NODE_IKES];
	struct ike_child ike_child[NODE_PAIRS];
	struct ike_xchg ike_xchg[NODE_XCHGS];
	struct ike_known ike_known[NODE_IKES];
	struct ike_embryo ike_embryo[IKE_EMBRYO_MAX];
	struct node_ike ike[NODE_IKES];
	unsigned ike_cnt; /* high-water mark */
	unsigned ike_free, pair_free; /* no free place before these */
	struct node_pair pair[NODE_PAIRS];
	unsigned pair_cnt;
	uint32_t born;
	struct node_hold hold[NODE_HOLDS];
	unsigned hold_end; /* none is used from here on */
	bool probes_held; /* false: surely no IKE SA's probe_held */
	struct node_waiting waiting[NODE_WAITING];
	unsigned waiting_cnt;
	struct node_tombstone tombstone[NODE_TOMBSTONES];
	unsigned tombstone_cnt;
	ns_t told_at; /* when they were stated on this connection; NS_NEVER: not */
	struct ssp ssp;
	bool mirrored; /* active: the standby is ready */
	struct ssp_spis unkept[NODE_UNKEPT]; /* a ring; copies.c */
	unsigned unkept_next;
	bool ready;    /* standby: we are */
	struct rri rri;
	struct rri_acts rri_acts;
	struct ipfrag frag;
	struct ipfrag_slot frag_slot[16];
	uint16_t ip_id;
	ns_t tell_credit_at; /* rate limit of ICMP */
	uint8_t outer_tos;   /* of the packet that is being opened */
	ns_t nat_at; /* when keepalives are looked at next */
	ns_t keying_at, pairs_at, copies_at; /* nothing of those is due before */
	struct index by_spi, by_cookies;     /* pairs by inbound SPI; IKE SAs */
	uint32_t spi_head[NODE_PAIRS], spi_next[NODE_PAIRS];
	uint32_t cookies_head[NODE_IKES], cookies_next[NODE_IKES];
	struct node_flow flow[NODE_FLOWS];
	uint32_t generation; /* of all pairs: one more with each change */
	uint32_t debug; /* enum node_debug, set by the caller between steps */
	uint64_t count[NODE_CNT_CNT];
};

/*
 * Build a router in *n, which is zeroed memory: most of its tables are not touched before they are
 * needed. cfg, rules, crypto are borrowed for its life; macs: one an interface of cfg.
 * e seeds what must differ between members (cookies of time, the SSP instance).
 */
void node_init(struct node *n, const struct cfg *cfg, const struct node_rules *rules,
	const struct crypto *crypto, const struct mac *macs, const struct node_sink *sink,
	struct entropy *e, ns_t now);
void node_step(struct node *n, ns_t now, const struct node_in *in, struct entropy *e);
/*
 * Another configuration, in place of the one in force, in two calls: node_leave says goodbye under the
 * old one (Deletes, Resigns; interfaces have their old indexes), node_configure begins under the new one. What both say the same is left alone, with its
 * state. A group whose number, address or virtual address changed begins anew (an active one resigns);
 * SA pairs of a map entry that changed or went are deleted, with a Delete; if the crypto interface or its
 * virtual address changed, all are. IKE SAs live on under policies and keys that changed; the next ones
 * obey them. next and macs (one an interface of it) as in node_init; the old cfg must stand until this
 * returns. If the sync channel's settings changed (node_channel_same), the caller has closed it before.
 */
void node_leave(struct node *n, ns_t now, const struct cfg *next, struct entropy *e);
void node_configure(struct node *n, ns_t now, const struct cfg *next, const struct mac *macs,
	struct entropy *e);
/* Do both configurations lead to the same sync channel: peer, port, key, timers? */
bool node_channel_same(const struct cfg *a, const struct cfg *b);
ns_t node_deadline(const struct node *n);
void node_wipe(struct node *n);

const char *node_role_name(enum node_role r);
/* The lease and keepalive that this configuration gives (specification 4). */
ns_t node_keepalive(const struct node *n);
ns_t node_lease(const struct node *n);

#endif
