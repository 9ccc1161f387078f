/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel must know: addresses, forwarding, and which packets it may not route by itself.
 * What the crypto ACL protects goes to the TUN device by policy rules, not by RRI's routes (those
 * only tell others where it is); the table behind the rules ends in a blackhole, so that a crash
 * leaks nothing in clear.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "ref/sys/port.h"
#include "ref/sys/router.h"

static void
sysctl(struct router *r, const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		router_log(r, "node %s: %s", path, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
}

static int
check(struct router *r, const char *what, int rc)
{
	if (rc < 0)
		router_log(r, "node %s: %s", what, strerror(-rc));
	return rc < 0 ? -1 : 0;
}

static int
interface(struct router *r, const struct cfg_if *f, unsigned ifindex)
{
	char path[96];

	/* a neighbour that has just come up should not wait a second for the next ARP request */
	(void)snprintf(path, sizeof path, "/proc/sys/net/ipv4/neigh/%s/retrans_time_ms", f->name);
	sysctl(r, path, "200");
	/* RFC 2281 6.3: the kernel redirects if `all` or the interface itself lets it */
	(void)snprintf(path, sizeof path, "/proc/sys/net/ipv4/conf/%s/send_redirects", f->name);
	sysctl(r, path, "0");
	if (f->shutdown)
		return 0;
	if (check(r, f->name, netlink_link_set(r->nl, ifindex, true)) < 0)
		return -1;
	return f->addr ? check(r, f->name, netlink_addr(r->nl, true, ifindex, f->addr, f->len)) : 0;
}

static int
interfaces(struct router *r, const struct cfg *c, const struct router_port *at)
{
	for (unsigned i = 0; i < c->if_cnt; i++)
		if (interface(r, &c->ifs[i], at[i].ifindex) < 0)
			return -1;
	return 0;
}

static int
static_route(struct router *r, bool add, const struct cfg_route *c)
{
	const struct netlink_route route = {
		.net = c->net,
		.gw = c->gw,
		.proto = NETLINK_PROTO_STATIC,
		.table = NETLINK_TABLE_MAIN,
	};

	return check(r, "ip route", netlink_route(r->nl, add, &route));
}

static int
static_routes(struct router *r, const struct cfg *c)
{
	for (unsigned i = 0; i < c->route_cnt; i++)
		if (static_route(r, true, &c->route[i]) < 0)
			return -1;
	return 0;
}

/* The table behind the rules: the tunnel, and when that dies with us, nowhere. */
static int
table(struct router *r)
{
	const struct netlink_route tun = {.ifindex = r->tun_ifindex,
		.proto = NETLINK_PROTO_STATIC,
		.table = ROUTER_TABLE,
		.metric = 1};
	const struct netlink_route hole = {
		.proto = NETLINK_PROTO_STATIC, .table = ROUTER_TABLE, .metric = 1000};

	return check(r, "blackhole", netlink_route(r->nl, true, &hole)) < 0
		       ? -1
		       : check(r, "tunnel route", netlink_route(r->nl, true, &tun));
}

/*
 * Outwards the kernel sends us all that an entry could protect, by its nets and protocol alone: a
 * fragment has no ports, and a deny means "not this entry"; the node decides. Inwards, what should
 * be protected and comes in clear to our own MAC ends here.
 */
static int
rule(struct router *r, unsigned bank, const struct cfg_acl_entry *e, uint32_t nth,
	const char *outside)
{
	struct netlink_rule out = {
		.pref = ROUTER_PREF_OUT + bank * ROUTER_BANK + nth,
		.src = e->src,
		.dst = e->dst,
		.proto = e->proto,
		.table = ROUTER_TABLE,
	};
	struct netlink_rule in = {
		.pref = ROUTER_PREF_IN + bank * ROUTER_BANK + nth,
		.src = e->dst,
		.dst = e->src,
		.proto = e->proto,
		.sport = e->dport,
		.dport = e->sport,
		.iif = outside,
		.table = e->permit ? 0 : NETLINK_TABLE_MAIN,
	};

	if (check(r, "rule", netlink_rule(r->nl, true, &in)) < 0)
		return -1;
	return e->permit ? check(r, "rule", netlink_rule(r->nl, true, &out)) : 0;
}

static void
rules_flush(struct router *r, unsigned bank)
{
	uint32_t from = ROUTER_PREF_IN + bank * ROUTER_BANK;

	for (uint32_t p = from; p < from + 2 * ROUTER_PREFS; p++)
		netlink_rules_flush(r->nl, p);
}

static int
rules(struct router *r, const struct cfg *c, unsigned bank)
{
	const struct cfg_if *outside = cfg_crypto_if(c);
	uint32_t nth = 0;

	for (unsigned m = 0; m < c->map_cnt && outside; m++) {
		const struct cfg_acl *acl = c->map[m].acl[0] ? cfg_acl(c, c->map[m].acl) : NULL;

		for (unsigned k = 0; acl && k < acl->cnt; k++) {
			if (nth == ROUTER_PREFS) {
				router_log(r, "node more than %u entries to protect", ROUTER_PREFS);
				return -1;
			}
			if (rule(r, bank, &acl->v[k], nth++, outside->name) < 0)
				return -1;
		}
	}
	return 0;
}

/* What does not hang on the configuration. */
static int
base(struct router *r)
{
	const struct netlink_rule own = {
		.pref = ROUTER_PREF_OWN, .fwmark = PORT_MARK, .table = NETLINK_TABLE_MAIN};

	netlink_rules_flush(r->nl, ROUTER_PREF_OWN);
	rules_flush(r, 0);
	rules_flush(r, 1);
	if (check(r, ROUTER_TUN, netlink_link_set(r->nl, r->tun_ifindex, true)) < 0)
		return -1;
	return check(r, "rule", netlink_rule(r->nl, true, &own)) < 0 ? -1 : table(r);
}

int
host_setup(struct router *r)
{
	sysctl(r, "/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
	sysctl(r, "/proc/sys/net/ipv4/conf/all/rp_filter", "0");
	sysctl(r, "/proc/sys/net/ipv4/conf/default/rp_filter", "0");
	sysctl(r, "/proc/sys/net/ipv4/conf/all/send_redirects", "0");
	sysctl(r, "/proc/sys/net/ipv4/conf/default/send_redirects", "0");
	sysctl(r, "/proc/sys/net/ipv4/conf/" ROUTER_TUN "/rp_filter", "0");
	sysctl(r, "/proc/sys/net/ipv4/conf/" ROUTER_TUN "/send_redirects", "0");
	if (base(r) < 0 || interfaces(r, r->cfg, r->at) < 0 || rules(r, r->cfg, 0) < 0 ||
		static_routes(r, r->cfg) < 0)
		return -1;
	sysctl(r, "/proc/sys/net/ipv4/ip_forward", "1"); /* last: not before the rules stand */
	return 0;
}

/* ---- from one configuration to the next ---- */

static bool
has_route(const struct cfg *c, const struct cfg_route *route)
{
	for (unsigned i = 0; i < c->route_cnt; i++)
		if (cfg_route_same(&c->route[i], route))
			return true;
	return false;
}

/* Take back of `what` that is not in `stays`: addresses, routes. */
static void
take_back(struct router *r, const struct cfg *what, const struct router_port *at,
	const struct cfg *stays)
{
	for (unsigned i = 0; i < what->route_cnt; i++)
		if (!has_route(stays, &what->route[i]))
			(void)static_route(r, false, &what->route[i]);
	for (unsigned i = 0; i < what->if_cnt; i++) {
		const struct cfg_if *f = &what->ifs[i], *s = cfg_if(stays, f->name);

		if (f->addr && !f->shutdown &&
			(!s || s->addr != f->addr || s->len != f->len))
			(void)check(r, f->name,
				netlink_addr(r->nl, false, at[i].ifindex, f->addr, f->len));
		if (s && s->shutdown && !f->shutdown)
			(void)check(r, f->name, netlink_link_set(r->nl, at[i].ifindex, false));
	}
}

int
host_extend(struct router *r, const struct cfg *next, const struct router_port *at)
{
	unsigned bank = !r->bank;

	if (rules(r, next, bank) == 0 && interfaces(r, next, at) == 0 &&
		static_routes(r, next) == 0) {
		r->bank = bank;
		return 0;
	}
	rules_flush(r, bank);
	take_back(r, next, at, r->cfg);
	return -1;
}

void
host_shrink(struct router *r, const struct cfg *old, const struct router_port *at)
{
	rules_flush(r, !r->bank);
	take_back(r, old, at, r->cfg);
}

/*
 * RRI's routes are set by a thread of their own: the kernel holds one lock over all changes of
 * routes and links on the machine, and a router that waits for it sends no Hello. Orders go through
 * a pipe, in order.
 */
struct order {
	bool add;
	struct ip4_net net;
};

static void *
routes_run(void *ctx)
{
	struct router *r = ctx;
	struct netlink *nl = netlink_open();
	struct order o;

	while (nl && read(r->orders[0], &o, sizeof o) == (ssize_t)sizeof o) {
		const struct netlink_route route = {
			.net = o.net,
			.ifindex = r->tun_ifindex,
			.proto = NETLINK_PROTO_RRI,
			.table = NETLINK_TABLE_MAIN,
			.metric = 1, /* beside an operator's own route, not in its place */
		};

		(void)check(r, "rri route", netlink_route(nl, o.add, &route));
	}
	netlink_close(nl);
	return NULL;
}

int
host_routes_start(struct router *r)
{
	sigset_t all, old;
	int rc;

	if (pipe2(r->orders, O_CLOEXEC) < 0)
		return -1;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_BLOCK, &all, &old); /* signals are the loop's */
	rc = pthread_create(&r->routes, NULL, routes_run, r);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc) {
		errno = rc;
		return -1;
	}
	r->routes_on = true;
	return 0;
}

void
host_routes_stop(struct router *r)
{
	if (!r->routes_on)
		return;
	(void)close(r->orders[1]); /* what was ordered is still done */
	(void)pthread_join(r->routes, NULL);
	(void)close(r->orders[0]);
	r->routes_on = false;
}

void
host_route(struct router *r, bool add, struct ip4_net net)
{
	const struct order o = {.add = add, .net = net};

	if (write(r->orders[1], &o, sizeof o) != (ssize_t)sizeof o)
		router_log(r, "node rri route: %s", strerror(errno));
}
