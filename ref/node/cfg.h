/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_NODE_CFG_H
#define BATON_NODE_CFG_H

/*
 * What one router is told: the struct that config/ fills from IOS-style text and node/ works by.
 * Plain data, fixed size, no pointers: it can be copied and compared. Times are in the units of the
 * language (seconds, milliseconds where the name says so), names as they were written.
 */
#include "ref/base/ip4.h"
#include "ref/base/secret.h"
#include "ref/core/hsrp.h"

#define CFG_NAME 32
#define CFG_IFS 4
#define CFG_STANDBYS 2 /* groups on one interface */
#define CFG_TRACKS 4
#define CFG_POLICIES 8
#define CFG_KEYS 64
#define CFG_TSETS 16
#define CFG_ACLS 32
#define CFG_ACL_ENTRIES 16
#define CFG_MAPS 64 /* entries of all crypto maps */
#define CFG_DYNS 8
#define CFG_MAP_TSETS 6
#define CFG_SSPS 2
#define CFG_REDUNDANCIES 4
#define CFG_ROUTES 16
#define CFG_SSP_KEY_MAX SECRET_MAX
#define CFG_SSP_PORT 3249 /* IANA: ssp-client */

struct cfg_track {
	char interface[CFG_NAME];
	uint8_t decrement;
};

struct cfg_standby {
	struct hsrp_cfg hsrp; /* address, delays of the interface: filled in at the end */
	bool has_ip;
	char name[CFG_NAME];
	struct cfg_track track[CFG_TRACKS];
	unsigned track_cnt;
};

struct cfg_if {
	char name[CFG_NAME]; /* the kernel's name of it, too */
	ip4_t addr;
	uint8_t len;
	bool shutdown;
	uint32_t delay_minimum_s, delay_reload_s;
	struct cfg_standby standby[CFG_STANDBYS];
	unsigned standby_cnt;
	char map[CFG_NAME]; /* crypto map, "" none */
	uint16_t ssp;	    /* its `ssp` group, 0 none */
};

/* Numbers as RFC 2409 Appendix A has them; 0: not written yet. */
struct cfg_policy {
	uint16_t priority;
	uint16_t cipher, key_bits, hash, group;
	bool pre_share;
	uint32_t lifetime_s;
};

struct cfg_key {
	ip4_t addr;
	uint8_t len; /* prefix length of the mask */
	struct secret key;
};

/* One transform set: tunnel mode, ESP. Words of the language, turned into numbers of RFC 2407. */
enum cfg_esp_auth { CFG_AUTH_NONE, CFG_AUTH_MD5, CFG_AUTH_SHA1, CFG_AUTH_SHA256, CFG_AUTH_CNT };
enum cfg_esp_cipher { CFG_ESP_NONE, CFG_ESP_AES_CBC, CFG_ESP_AES_GCM, CFG_ESP_3DES, CFG_ESP_NULL };

/* DF of the outer header: never, as inside, always. */
enum cfg_df { CFG_DF_CLEAR, CFG_DF_COPY, CFG_DF_SET };

struct cfg_tset {
	char name[CFG_NAME];
	enum cfg_esp_cipher cipher;
	uint16_t key_bits; /* of AES; 0 for 3DES and NULL */
	enum cfg_esp_auth auth;
};

struct cfg_acl_entry {
	bool permit;
	uint8_t proto; /* 0: ip */
	struct ip4_net src, dst;
	uint16_t sport, dport; /* 0: any */
};

struct cfg_acl {
	char name[CFG_NAME];
	struct cfg_acl_entry v[CFG_ACL_ENTRIES];
	unsigned cnt;
};

struct cfg_map {
	char name[CFG_NAME]; /* of the crypto map, or of the dynamic map */
	uint16_t seq;
	bool is_template;	/* an entry of a crypto dynamic-map */
	char dynamic[CFG_NAME]; /* ipsec-isakmp dynamic NAME: refers to templates; "" static */
	ip4_t peer;
	char tset[CFG_MAP_TSETS][CFG_NAME];
	unsigned tset_cnt;
	uint16_t pfs;			  /* group, 0 none */
	uint32_t lifetime_s, lifetime_kb; /* 0: the global ones */
	char acl[CFG_NAME];
	bool reverse_route;
	unsigned line; /* of the file, for messages */
};

struct cfg_ha {
	char map[CFG_NAME];
	uint32_t inbound, outbound;
};

struct cfg_ssp {
	uint16_t id;
	ip4_t remote;
	char redundancy[CFG_REDUNDANCIES][CFG_NAME];
	unsigned redundancy_cnt;
	uint16_t port;
	struct secret key;
	unsigned line;
};

struct cfg_route {
	struct ip4_net net;
	ip4_t gw;
};

struct cfg {
	char hostname[CFG_NAME];
	struct cfg_if ifs[CFG_IFS];
	unsigned if_cnt;
	struct cfg_policy policy[CFG_POLICIES]; /* by priority, ascending */
	unsigned policy_cnt;
	struct cfg_key key[CFG_KEYS];
	unsigned key_cnt;
	uint32_t keepalive_ms, keepalive_retry_ms; /* DPD; 0 off */
	bool keepalive_periodic;
	uint32_t nat_keepalive_s; /* 0 off */
	bool commit;		  /* the Commit Bit is set in Quick Mode */
	bool no_natt;		  /* no NAT traversal */
	struct cfg_tset tset[CFG_TSETS];
	unsigned tset_cnt;
	uint32_t lifetime_s, lifetime_kb; /* of IPsec SAs */
	uint16_t window;		  /* anti-replay */
	enum cfg_df df;		  /* of outer headers */
	bool fragment_before; /* before encryption, where that may be */
	struct cfg_acl acl[CFG_ACLS];
	unsigned acl_cnt;
	struct cfg_map map[CFG_MAPS];
	unsigned map_cnt;
	struct cfg_ha ha[CFG_DYNS];
	unsigned ha_cnt;
	struct cfg_ssp ssp[CFG_SSPS];
	unsigned ssp_cnt;
	uint16_t isakmp_ssp; /* crypto isakmp ssp N, 0 none */
	struct cfg_route route[CFG_ROUTES];
	unsigned route_cnt;
};

/* Look-ups; NULL if there is none. Borrowed from *c. */
const struct cfg_if *cfg_if(const struct cfg *c, const char *name);
const struct cfg_tset *cfg_tset(const struct cfg *c, const char *name);
const struct cfg_acl *cfg_acl(const struct cfg *c, const char *name);
const struct cfg_ssp *cfg_ssp(const struct cfg *c, unsigned id);
/* The interface that has the crypto map, if one has. */
const struct cfg_if *cfg_crypto_if(const struct cfg *c);
/* The address that its peers know: virtual where HSRP runs on it (0: to be learned), else its own. */
ip4_t cfg_if_vip(const struct cfg_if *f);
/* The ssp group in force: that of the crypto interface, or else that of `crypto isakmp ssp`. */
const struct cfg_ssp *cfg_channel(const struct cfg *c);
/* The interface on whose network the address is. */
const struct cfg_if *cfg_if_towards(const struct cfg *c, ip4_t remote);
/* The replay-intervals of a crypto map: configured, or 1000 in and 100000 out. */
struct cfg_ha cfg_ha(const struct cfg *c, const char *map);
/* Do two say the same? (Not a comparison of memory: there are gaps in it.) */
bool cfg_acl_entry_same(const struct cfg_acl_entry *a, const struct cfg_acl_entry *b);
bool cfg_acl_same(const struct cfg_acl *a, const struct cfg_acl *b);
bool cfg_tset_same(const struct cfg_tset *a, const struct cfg_tset *b);
bool cfg_route_same(const struct cfg_route *a, const struct cfg_route *b);
/* Entries of crypto maps, with the transform sets, lists and lifetimes that they lead to. */
bool cfg_map_same(const struct cfg *ca, const struct cfg_map *a, const struct cfg *cb,
	const struct cfg_map *b);
bool cfg_ssp_same(const struct cfg_ssp *a, const struct cfg_ssp *b);
/* The language's defaults: lifetimes, window. Everything else is zero. */
void cfg_init(struct cfg *c);

#endif
