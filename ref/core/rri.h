/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_CORE_RRI_H
#define BATON_CORE_RRI_H

/*
 * Reverse route injection: which protected prefixes this router tells others to send to it.
 *
 * A dynamic entry's prefix is wanted while at least one SA pair needs it; a static entry's while it is configured,
 * as IOS before 12.3(14)T does it. Nothing is routed unless this router is active, and dormant
 * copies never count. Routes come out as actions; how they are installed is sys' business.
 */
#include "ref/base/ip4.h"
#include "ref/base/time.h"

struct rri_rules {
	bool only_when_active;
	bool remove_with_last_sa;
	bool remove_on_demotion;
	bool install_dynamic;
	bool static_while_configured;
	bool each_prefix;  /* false: one route is all */
	bool covered_too;  /* false: not inside a wider one that is there */
	bool whole_prefix; /* false: a host route in its place */
};
extern const struct rri_rules rri_rules_standard;

struct rri_route {
	struct ip4_net net;
	uint32_t users;	 /* SA pairs that need it */
	bool is_static;	 /* wanted while configured */
	bool installed;
};

#define RRI_ROUTES_MAX 2048
struct rri {
	const struct rri_rules *rules;
	bool active;
	struct rri_route v[RRI_ROUTES_MAX];
	unsigned cnt;
	uint64_t full; /* prefixes that found no room */
};

enum rri_in_kind {
	RRI_IN_STATIC, /* an entry with reverse-route protects net */
	RRI_IN_STATIC_GONE, /* it is not configured any more */
	RRI_IN_SA_UP,  /* a live SA pair of an entry with reverse-route has this remote proxy */
	RRI_IN_SA_DOWN,
	RRI_IN_ROLE,   /* active or not */
	RRI_IN_FLUSH,  /* all SA pairs are gone at once */
};

struct rri_in {
	enum rri_in_kind kind;
	struct ip4_net net;
	bool on;
};

struct rri_act {
	bool add;
	struct ip4_net net;
};

/* acts: room for RRI_ROUTES_MAX actions at the most; a single SA yields at most one. */
struct rri_acts {
	struct rri_act v[RRI_ROUTES_MAX];
	unsigned cnt;
};

void rri_init(struct rri *r, const struct rri_rules *rules);
void rri_step(struct rri *r, ns_t now, const struct rri_in *in, struct rri_acts *acts);
/* Routes follow inputs alone: always NS_NEVER. */
ns_t rri_deadline(const struct rri *r);

#endif
