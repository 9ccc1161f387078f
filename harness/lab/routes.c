/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Routes that a member puts into its kernel so that others hear of the protected prefixes: IPv4,
 * main table, of the router's own protocol number. The lab listens in each member's namespace for
 * as long as that exists, and writes what comes and goes into the trace; at the start of a process
 * it lists what was left there, and at any time a case may ask what is there now.
 *
 * Two sockets a node, opened inside it (rtnetlink(7)): one hears, one asks. It changes no route.
 * The one that hears also tells when the member's kernel has noticed that a cable was pulled: that
 * can take a second.
 */
#include "harness/lab/lab_in.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define ROUTE_PROTOCOL 200 /* of the members (docs/architecture.md) */
#define ROOM 32768
#define HEAR_ROOM (8 * 1024 * 1024) /* thousands of routes that come at once */

struct seen {
	struct lab *lab;
	enum lab_member member;
	bool tell; /* an event for each */
	bool wanted_there;
	struct ip4_net wanted;
};

/* rtnetlink's own header, looked through once: which network, in which table. */
static int
attribute(const struct nlattr *a, void *data)
{
	const struct nlattr **at = data;
	uint16_t type = mnl_attr_get_type(a);

	if (type <= RTA_MAX)
		at[type] = a;
	return MNL_CB_OK;
}

static bool
is_ours(const struct nlmsghdr *h, struct ip4_net *net)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(h);
	const struct nlattr *at[RTA_MAX + 1] = {NULL};
	uint32_t table = m->rtm_table;

	if (m->rtm_family != AF_INET || m->rtm_protocol != ROUTE_PROTOCOL ||
		mnl_attr_parse(h, sizeof(*m), attribute, at) < 0)
		return false;
	if (at[RTA_TABLE])
		table = mnl_attr_get_u32(at[RTA_TABLE]);
	net->len = m->rtm_dst_len;
	net->addr = at[RTA_DST] ? ntohl(mnl_attr_get_u32(at[RTA_DST])) : 0;
	return table == RT_TABLE_MAIN;
}

static int
name_of(const struct nlattr *a, void *data)
{
	const char **name = data;

	if (mnl_attr_get_type(a) == IFLA_IFNAME && mnl_attr_validate(a, MNL_TYPE_NUL_STRING) >= 0)
		*name = mnl_attr_get_str(a);
	return MNL_CB_OK;
}

/* The member's kernel tells of a link without carrier: how long did it take since the cable was
 * pulled? */
static int
carrier(const struct nlmsghdr *h, struct seen *s)
{
	const struct ifinfomsg *m = mnl_nlmsg_get_payload(h);
	const char *name = NULL;
	struct port *port;
	ns_t took;

	if (m->ifi_flags & IFF_RUNNING || mnl_attr_parse(h, sizeof(*m), name_of, &name) < 0 ||
		!name || strncmp(name, "eth", 3) != 0 || name[3] < '0' || name[3] >= '0' + NODE_IFS)
		return MNL_CB_OK;
	port = &s->lab->port[(int)s->member * NODE_IFS + (name[3] - '0')];
	if (!port->pulled_at)
		return MNL_CB_OK;
	took = lab_clock() - port->pulled_at;
	if (took > s->lab->late)
		s->lab->late = took;
	port->pulled_at = 0;
	return MNL_CB_OK;
}

static int
message(const struct nlmsghdr *h, void *data)
{
	struct seen *s = data;
	struct ip4_net net;

	if (h->nlmsg_type == RTM_NEWLINK && s->tell)
		return carrier(h, s);
	if ((h->nlmsg_type != RTM_NEWROUTE && h->nlmsg_type != RTM_DELROUTE) || !is_ours(h, &net))
		return MNL_CB_OK;
	if (s->tell)
		lab_tell_route(s->lab, s->member, h->nlmsg_type == RTM_NEWROUTE, net);
	if (net.addr == s->wanted.addr && net.len == s->wanted.len)
		s->wanted_there = true;
	return MNL_CB_OK;
}

/* As root whatever is asked for; else what this machine allows. */
static void
widen(struct mnl_socket *s)
{
	int room = HEAR_ROOM, fd = mnl_socket_get_fd(s);

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
}

bool
routes_open(struct lab *l, enum lab_member m, char *err)
{
	struct node *n = &l->node[m];

	n->hear = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	n->inquire = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (n->hear)
		widen(n->hear);
	if (n->hear && n->inquire &&
		mnl_socket_bind(n->hear, RTMGRP_IPV4_ROUTE | RTMGRP_LINK, MNL_SOCKET_AUTOPID) ==
			0 &&
		mnl_socket_bind(n->inquire, 0, MNL_SOCKET_AUTOPID) == 0 &&
		lab_watch(l, mnl_socket_get_fd(n->hear), TAG_ROUTES + (uint32_t)m, EPOLLIN))
		return true;
	snprintf(err, LAB_ERR, "lab: routes of %s: %s", lab_member_name(m), strerror(errno));
	return false;
}

void
routes_close(struct lab *l, enum lab_member m)
{
	struct node *n = &l->node[m];

	if (n->hear)
		mnl_socket_close(n->hear); /* epoll forgets it */
	if (n->inquire)
		mnl_socket_close(n->inquire);
	n->hear = n->inquire = NULL;
}

void
routes_event(struct lab *l, enum lab_member m)
{
	_Alignas(struct nlmsghdr) char in[ROOM];
	struct seen s = {.lab = l, .member = m, .tell = true};
	ssize_t got = 0;

	while (l->node[m].hear && (got = mnl_socket_recvfrom(l->node[m].hear, in, sizeof(in))) > 0)
		if (mnl_cb_run(in, (size_t)got, 0, 0, message, &s) < 0)
			break;
	if (l->node[m].hear && got < 0 && errno == ENOBUFS) {
		/* Some were lost: what is there now is told (again); what went unseen is not. */
		fprintf(stderr, "lab: routes of %s: more at once than there is room for\n",
			lab_member_name(m));
		routes_list(l, m);
	}
}

/* All routes there are, through message(). The kernel answers at once. */
static bool
list(struct lab *l, struct seen *s)
{
	_Alignas(struct nlmsghdr) char room[ROOM] = {0};
	struct mnl_socket *sock = l->node[s->member].inquire;
	struct nlmsghdr *h = mnl_nlmsg_put_header(room);
	struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	int more = 1;

	h->nlmsg_type = RTM_GETROUTE;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	h->nlmsg_seq = ++l->node[s->member].inquiries;
	m->rtm_family = AF_INET;
	if (!sock || mnl_socket_sendto(sock, h, h->nlmsg_len) < 0)
		return false;
	while (more > 0) {
		ssize_t got = mnl_socket_recvfrom(sock, room, sizeof(room));

		if (got < 0)
			return false;
		more = mnl_cb_run(room, (size_t)got, l->node[s->member].inquiries,
			mnl_socket_get_portid(sock), message, s);
	}
	return more == 0;
}

void
routes_list(struct lab *l, enum lab_member m)
{
	struct seen s = {.lab = l, .member = m, .tell = true};

	if (!list(l, &s))
		fprintf(stderr, "lab: routes of %s: %s\n", lab_member_name(m), strerror(errno));
}

bool
routes_routed(struct lab *l, enum lab_member m, struct ip4_net net)
{
	struct seen s = {.lab = l, .member = m, .wanted = net};

	return list(l, &s) && s.wanted_there;
}
