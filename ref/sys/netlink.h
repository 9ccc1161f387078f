/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_SYS_NETLINK_H
#define BATON_SYS_NETLINK_H

/*
 * rtnetlink through libmnl: addresses, links, routes, policy rules. All calls are synchronous and
 * return 0 or a negative errno; -EEXIST on adding and -ESRCH on deleting count as done.
 */
#include "ref/base/ip4.h"

struct netlink;

/* NULL, with errno set, if there is no netlink. Owned by the caller. */
struct netlink *netlink_open(void);
void netlink_close(struct netlink *nl);

int netlink_link_set(struct netlink *nl, unsigned ifindex, bool up);
int netlink_addr(struct netlink *nl, bool add, unsigned ifindex, ip4_t addr, uint8_t len);

#define NETLINK_PROTO_RRI 200	 /* routes that RRI owns; a routing daemon redistributes them */
#define NETLINK_PROTO_STATIC 4	 /* `ip route` */
#define NETLINK_TABLE_MAIN 254
/* A route: through gw (0: none) and/or ifindex (0: none); neither: a blackhole. */
struct netlink_route {
	struct ip4_net net;
	ip4_t gw;
	unsigned ifindex;
	uint8_t proto;
	uint32_t table;
	uint32_t metric;
};
int netlink_route(struct netlink *nl, bool add, const struct netlink_route *r);

/* A policy rule. table 0: blackhole (what matches is dropped). */
struct netlink_rule {
	uint32_t pref;
	struct ip4_net src, dst;
	uint8_t proto;
	uint16_t sport, dport;
	uint32_t fwmark;   /* 0: any */
	const char *iif;   /* NULL: any */
	uint32_t table;
};
int netlink_rule(struct netlink *nl, bool add, const struct netlink_rule *r);
/* Delete every rule with this preference. */
void netlink_rules_flush(struct netlink *nl, uint32_t pref);

/* A socket that becomes readable when a link changes; then call netlink_links. */
int netlink_monitor(void);
/* Read what is there; for each link message call cb with its index and whether it has a carrier. Index 0:
 * messages were lost, any link may have changed. */
void netlink_links(int fd, void (*cb)(void *ctx, unsigned ifindex, bool up), void *ctx);
/* Does the interface have a carrier and is it up? */
bool netlink_running(unsigned ifindex);

#endif
