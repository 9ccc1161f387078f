/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The routes of a guest machine's kernel, as a log of what came and went (rtnetlink(7)): IPv4, main
 * table, all but the kernel's own. A new route with NLM_F_REPLACE takes the place of the one with
 * the same network and metric. The log is also told in the trace, as marks.
 */
#include "harness/lab/guest_in.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define ROOM 32768

struct heard {
	struct lab *lab;
	size_t machine;
};

static int
attribute(const struct nlattr *a, void *data)
{
	const struct nlattr **at = data;

	if (mnl_attr_get_type(a) <= RTA_MAX)
		at[mnl_attr_get_type(a)] = a;
	return MNL_CB_OK;
}

/* Several next hops are a list of headers, each with attributes (struct rtnexthop). */
static void
read_ways(const struct nlattr *multipath, struct guest_route *r)
{
	const uint8_t *at = mnl_attr_get_payload(multipath);
	size_t left = mnl_attr_get_payload_len(multipath);
	struct rtnexthop n;

	while (left >= sizeof(n)) {
		const struct nlattr *in[RTA_MAX + 1] = {NULL};
		size_t step;

		memcpy(&n, at, sizeof(n));
		step = (n.rtnh_len + 3u) & ~3u;
		if (n.rtnh_len < sizeof(n) || n.rtnh_len > left)
			return;
		(void)mnl_attr_parse_payload(at + sizeof(n), n.rtnh_len - sizeof(n), attribute, in);
		if (!r->ways++ && in[RTA_GATEWAY])
			r->way = ntohl(mnl_attr_get_u32(in[RTA_GATEWAY]));
		left -= step < left ? step : left;
		at += step;
	}
}

static bool
read_route(const struct nlmsghdr *h, struct guest_route *r)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(h);
	const struct nlattr *at[RTA_MAX + 1] = {NULL};
	uint32_t table = m->rtm_table;

	if (m->rtm_family != AF_INET || m->rtm_protocol == RTPROT_KERNEL ||
		mnl_attr_parse(h, sizeof(*m), attribute, at) < 0)
		return false;
	if (at[RTA_TABLE])
		table = mnl_attr_get_u32(at[RTA_TABLE]);
	r->net.len = m->rtm_dst_len;
	r->net.addr = at[RTA_DST] ? ntohl(mnl_attr_get_u32(at[RTA_DST])) : 0;
	r->protocol = m->rtm_protocol;
	r->metric = at[RTA_PRIORITY] ? mnl_attr_get_u32(at[RTA_PRIORITY]) : 0;
	r->there = h->nlmsg_type == RTM_NEWROUTE;
	if (at[RTA_MULTIPATH]) {
		read_ways(at[RTA_MULTIPATH], r);
	} else {
		r->ways = 1;
		r->way = at[RTA_GATEWAY] ? ntohl(mnl_attr_get_u32(at[RTA_GATEWAY])) : 0;
	}
	return table == RT_TABLE_MAIN;
}

static void
mark(struct lab *l, size_t machine, const struct guest_route *r)
{
	enum lab_port p = (enum lab_port)(PORT_PEER + machine);
	char text[128], net[IP4_TEXT], way[IP4_TEXT];

	snprintf(text, sizeof(text), "route at %s: %s/%u %s, by %s%s", lab_port_name(p),
		ip4_put(net, r->net.addr), r->net.len, r->there ? "came" : "went",
		ip4_put(way, r->way), r->ways > 1 ? " and others" : "");
	lab_event(
		l, &(struct trace_event){.kind = EVENT_MARK, .who = lab_port_who(p), .text = text});
}

static int
message(const struct nlmsghdr *h, void *data)
{
	struct heard *to = data;
	struct route_log *log = &to->lab->guests->routes[to->machine];
	struct guest_route r = {.at = to->lab->now};

	if ((h->nlmsg_type != RTM_NEWROUTE && h->nlmsg_type != RTM_DELROUTE) || !read_route(h, &r))
		return MNL_CB_OK;
	if (log->cnt == log->cap) {
		log->cap = log->cap ? 2 * log->cap : 16;
		log->seen = realloc(log->seen, log->cap * sizeof(*log->seen));
		if (!log->seen)
			abort();
	}
	log->seen[log->cnt++] = r;
	mark(to->lab, to->machine, &r);
	return MNL_CB_OK;
}

bool
guest_routes_watch(struct lab *l, enum lab_port p, char *err)
{
	size_t machine = (size_t)(p - PORT_PEER);
	struct mnl_socket *s = NULL;
	bool ok = guest_go(guest_netns(l, p));

	if (ok)
		s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	ok = s && mnl_socket_bind(s, RTMGRP_IPV4_ROUTE, MNL_SOCKET_AUTOPID) == 0 &&
	     lab_watch(l, mnl_socket_get_fd(s), (uint32_t)(TAG_GUEST + 2 * machine + 1), EPOLLIN);
	if (!ok)
		snprintf(err, LAB_ERR, "lab: routes of %s: %s", lab_port_name(p), strerror(errno));
	guest_home(l);
	if (!ok && s)
		mnl_socket_close(s);
	else
		l->guests->routes[machine].hear = s;
	return ok;
}

void
guest_routes_event(struct lab *l, size_t machine)
{
	_Alignas(struct nlmsghdr) char in[ROOM];
	struct heard to = {l, machine};
	struct mnl_socket *s = l->guests->routes[machine].hear;
	ssize_t got;

	while (s && (got = mnl_socket_recvfrom(s, in, sizeof(in))) > 0)
		if (mnl_cb_run(in, (size_t)got, 0, 0, message, &to) < 0)
			break;
}

void
guest_routes_free(struct route_log *r)
{
	if (r->hear)
		mnl_socket_close(r->hear);
	free(r->seen);
	*r = (struct route_log){0};
}

size_t
guest_routes(const struct lab *l, enum lab_port p, const struct guest_route **log)
{
	const struct route_log *r = &l->guests->routes[p - PORT_PEER];

	*log = r->seen;
	return r->cnt;
}

/* Is a later entry about the same route? Then this one is over. */
static bool
outdated(const struct route_log *r, size_t i)
{
	for (size_t j = i + 1; j < r->cnt; j++)
		if (r->seen[j].net.addr == r->seen[i].net.addr &&
			r->seen[j].net.len == r->seen[i].net.len &&
			r->seen[j].metric == r->seen[i].metric)
			return true;
	return false;
}

unsigned
guest_routed(const struct lab *l, enum lab_port p, struct ip4_net net, ip4_t *way)
{
	const struct route_log *r = &l->guests->routes[p - PORT_PEER];
	unsigned ways = 0;

	*way = 0;
	for (size_t i = 0; i < r->cnt; i++) {
		const struct guest_route *e = &r->seen[i];

		if (e->net.addr != net.addr || e->net.len != net.len || !e->there || outdated(r, i))
			continue;
		if (!ways)
			*way = e->way;
		ways += e->ways;
	}
	return ways;
}
