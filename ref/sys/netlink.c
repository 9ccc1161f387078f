/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "ref/sys/netlink.h"

struct netlink {
	struct mnl_socket *sock;
	unsigned port, seq;
	char buf[8192];
};

struct netlink *
netlink_open(void)
{
	struct netlink *nl = calloc(1, sizeof *nl);

	if (!nl)
		return NULL;
	nl->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!nl->sock || mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0) {
		netlink_close(nl);
		return NULL;
	}
	nl->port = mnl_socket_get_portid(nl->sock);
	return nl;
}

void
netlink_close(struct netlink *nl)
{
	if (nl && nl->sock)
		(void)mnl_socket_close(nl->sock);
	free(nl);
}

static struct nlmsghdr *
message(struct netlink *nl, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(nl->buf);

	h->nlmsg_type = type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	h->nlmsg_seq = ++nl->seq;
	return h;
}

/* Send, wait for the acknowledgement: 0 or -errno. */
static int
talk(struct netlink *nl, struct nlmsghdr *h)
{
	char in[8192];
	ssize_t n;

	if (mnl_socket_sendto(nl->sock, h, h->nlmsg_len) < 0)
		return -errno;
	n = mnl_socket_recvfrom(nl->sock, in, sizeof in);
	if (n < 0)
		return -errno;
	if (mnl_cb_run(in, (size_t)n, nl->seq, nl->port, NULL, NULL) < 0)
		return errno == EEXIST || errno == ESRCH || errno == ENOENT ? 0 : -errno;
	return 0;
}

int
netlink_link_set(struct netlink *nl, unsigned ifindex, bool up)
{
	struct nlmsghdr *h = message(nl, RTM_NEWLINK, 0);
	struct ifinfomsg *m = mnl_nlmsg_put_extra_header(h, sizeof *m);

	m->ifi_family = AF_UNSPEC;
	m->ifi_index = (int)ifindex;
	m->ifi_flags = up ? IFF_UP : 0;
	m->ifi_change = IFF_UP;
	return talk(nl, h);
}

int
netlink_addr(struct netlink *nl, bool add, unsigned ifindex, ip4_t addr, uint8_t len)
{
	struct nlmsghdr *h = message(nl, add ? RTM_NEWADDR : RTM_DELADDR,
		add ? NLM_F_CREATE | NLM_F_REPLACE : 0);
	struct ifaddrmsg *m = mnl_nlmsg_put_extra_header(h, sizeof *m);

	m->ifa_family = AF_INET;
	m->ifa_prefixlen = len;
	m->ifa_index = ifindex;
	mnl_attr_put_u32(h, IFA_LOCAL, htonl(addr));
	mnl_attr_put_u32(h, IFA_ADDRESS, htonl(addr));
	if (len < 31)
		mnl_attr_put_u32(h, IFA_BROADCAST, htonl(addr | ~ip4_mask(len)));
	return talk(nl, h);
}

int
netlink_route(struct netlink *nl, bool add, const struct netlink_route *r)
{
	struct nlmsghdr *h = message(nl, add ? RTM_NEWROUTE : RTM_DELROUTE,
		add ? NLM_F_CREATE | NLM_F_REPLACE : 0);
	struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof *m);
	bool hole = !r->gw && !r->ifindex;

	m->rtm_family = AF_INET;
	m->rtm_dst_len = r->net.len;
	m->rtm_table = RT_TABLE_UNSPEC;
	m->rtm_protocol = r->proto;
	m->rtm_scope = r->gw || hole ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	m->rtm_type = hole ? RTN_BLACKHOLE : RTN_UNICAST;
	mnl_attr_put_u32(h, RTA_TABLE, r->table);
	mnl_attr_put_u32(h, RTA_DST, htonl(r->net.addr));
	if (r->gw)
		mnl_attr_put_u32(h, RTA_GATEWAY, htonl(r->gw));
	if (r->ifindex)
		mnl_attr_put_u32(h, RTA_OIF, r->ifindex);
	if (r->metric)
		mnl_attr_put_u32(h, RTA_PRIORITY, r->metric);
	return talk(nl, h);
}

int
netlink_rule(struct netlink *nl, bool add, const struct netlink_rule *r)
{
	struct nlmsghdr *h = message(nl, add ? RTM_NEWRULE : RTM_DELRULE,
		add ? NLM_F_CREATE | NLM_F_EXCL : 0);
	struct fib_rule_hdr *m = mnl_nlmsg_put_extra_header(h, sizeof *m);
	struct fib_rule_port_range port;

	m->family = AF_INET;
	m->src_len = r->src.len;
	m->dst_len = r->dst.len;
	m->action = r->table ? FR_ACT_TO_TBL : FR_ACT_BLACKHOLE;
	mnl_attr_put_u32(h, FRA_PRIORITY, r->pref);
	if (r->table)
		mnl_attr_put_u32(h, FRA_TABLE, r->table);
	if (r->src.len)
		mnl_attr_put_u32(h, FRA_SRC, htonl(r->src.addr));
	if (r->dst.len)
		mnl_attr_put_u32(h, FRA_DST, htonl(r->dst.addr));
	if (r->proto)
		mnl_attr_put_u8(h, FRA_IP_PROTO, r->proto);
	if (r->fwmark) {
		mnl_attr_put_u32(h, FRA_FWMARK, r->fwmark);
		mnl_attr_put_u32(h, FRA_FWMASK, 0xffffffff);
	}
	if (r->iif)
		mnl_attr_put_strz(h, FRA_IIFNAME, r->iif);
	if (r->sport) {
		port.start = port.end = r->sport;
		mnl_attr_put(h, FRA_SPORT_RANGE, sizeof port, &port);
	}
	if (r->dport) {
		port.start = port.end = r->dport;
		mnl_attr_put(h, FRA_DPORT_RANGE, sizeof port, &port);
	}
	return talk(nl, h);
}

void
netlink_rules_flush(struct netlink *nl, uint32_t pref)
{
	for (int i = 0; i < 4096; i++) {
		struct nlmsghdr *h = message(nl, RTM_DELRULE, 0);
		struct fib_rule_hdr *m = mnl_nlmsg_put_extra_header(h, sizeof *m);
		char in[8192];
		ssize_t n;

		m->family = AF_INET;
		mnl_attr_put_u32(h, FRA_PRIORITY, pref);
		if (mnl_socket_sendto(nl->sock, h, h->nlmsg_len) < 0)
			return;
		n = mnl_socket_recvfrom(nl->sock, in, sizeof in);
		if (n < 0 || mnl_cb_run(in, (size_t)n, nl->seq, nl->port, NULL, NULL) < 0)
			return;
	}
}

int
netlink_monitor(void)
{
	struct sockaddr_nl a = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) < 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static bool
running(unsigned flags)
{
	return (flags & IFF_UP) && (flags & IFF_LOWER_UP);
}

void
netlink_links(int fd, void (*cb)(void *ctx, unsigned ifindex, bool up), void *ctx)
{
	char buf[16384];
	ssize_t n;

	while ((n = recv(fd, buf, sizeof buf, 0)) > 0 || (n < 0 && errno == ENOBUFS)) {
		if (n < 0) {
			cb(ctx, 0, false);
			continue;
		}

		struct nlmsghdr *h = (struct nlmsghdr *)(void *)buf;
		int left = (int)n;

		for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
			const struct ifinfomsg *m = mnl_nlmsg_get_payload(h);

			if (h->nlmsg_type == RTM_NEWLINK)
				cb(ctx, (unsigned)m->ifi_index, running(m->ifi_flags));
			else if (h->nlmsg_type == RTM_DELLINK)
				cb(ctx, (unsigned)m->ifi_index, false);
		}
	}
}

struct found {
	unsigned ifindex;
	bool up;
};

static int
link_seen(const struct nlmsghdr *h, void *ctx)
{
	const struct ifinfomsg *m = mnl_nlmsg_get_payload(h);
	struct found *f = ctx;

	if ((unsigned)m->ifi_index == f->ifindex)
		f->up = running(m->ifi_flags);
	return MNL_CB_OK;
}

bool
netlink_running(unsigned ifindex)
{
	struct netlink *nl = netlink_open();
	struct found f = {.ifindex = ifindex};
	struct nlmsghdr *h;
	struct ifinfomsg *m;
	char in[16384];
	ssize_t n;

	if (!nl)
		return false;
	h = message(nl, RTM_GETLINK, 0);
	h->nlmsg_flags = NLM_F_REQUEST;
	m = mnl_nlmsg_put_extra_header(h, sizeof *m);
	m->ifi_family = AF_UNSPEC;
	m->ifi_index = (int)ifindex;
	if (mnl_socket_sendto(nl->sock, h, h->nlmsg_len) > 0) {
		n = mnl_socket_recvfrom(nl->sock, in, sizeof in);
		if (n > 0)
			(void)mnl_cb_run(in, (size_t)n, nl->seq, nl->port, link_seen, &f);
	}
	netlink_close(nl);
	return f.up;
}
