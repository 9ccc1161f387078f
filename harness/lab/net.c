/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The little netlink that a lab needs (rtnetlink(7), veth.h): a cable of two ends in two network
 * namespaces, an interface up or down, and for guests an address and a default route. Each call opens its own socket, in the namespace that
 * the caller stands in, sends one request and waits for its acknowledgement.
 */
#include "harness/lab/lab_in.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROOM 1024

static bool
transact(struct nlmsghdr *h, const char *what, char *err)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	_Alignas(struct nlmsghdr) char in[8192];
	bool ok = false;
	ssize_t got;

	h->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	h->nlmsg_seq = 1;
	if (s && mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) == 0 &&
		mnl_socket_sendto(s, h, h->nlmsg_len) >= 0) {
		got = mnl_socket_recvfrom(s, in, sizeof(in));
		ok = got > 0 &&
			mnl_cb_run(in, (size_t)got, 1, mnl_socket_get_portid(s), NULL, NULL) >= 0;
	}
	if (!ok)
		snprintf(err, LAB_ERR, "lab: netlink: %s: %s", what, strerror(errno));
	if (s)
		mnl_socket_close(s);
	return ok;
}

static struct nlmsghdr *
begin(char *room, uint16_t type, uint16_t flags, struct ifinfomsg **info)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(room);

	h->nlmsg_type = type;
	h->nlmsg_flags = flags;
	*info = mnl_nlmsg_put_extra_header(h, sizeof(**info));
	(*info)->ifi_family = AF_UNSPEC;
	return h;
}

bool
net_veth(const char *name, int index, const struct mac *mac, const char *other, int other_index,
	int other_ns, char *err)
{
	_Alignas(struct nlmsghdr) char room[ROOM] = {0};
	struct nlattr *info_at, *data, *peer;
	struct ifinfomsg *info, *far;
	struct nlmsghdr *h = begin(room, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &info);

	info->ifi_index = index; /* without it the other index is not heeded (veth_newlink) */
	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	mnl_attr_put(h, IFLA_ADDRESS, sizeof(mac->b), mac->b);
	info_at = mnl_attr_nest_start(h, IFLA_LINKINFO);
	mnl_attr_put_strz(h, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(h, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(h, VETH_INFO_PEER);
	far = mnl_nlmsg_put_extra_header(h, sizeof(*far));
	far->ifi_index = other_index;
	mnl_attr_put_strz(h, IFLA_IFNAME, other);
	mnl_attr_put_u32(h, IFLA_NET_NS_FD, (uint32_t)other_ns);
	mnl_attr_nest_end(h, peer);
	mnl_attr_nest_end(h, data);
	mnl_attr_nest_end(h, info_at);
	return transact(h, other, err);
}

bool
net_up(const char *name, bool up, char *err)
{
	_Alignas(struct nlmsghdr) char room[ROOM] = {0};
	struct ifinfomsg *info;
	struct nlmsghdr *h = begin(room, RTM_NEWLINK, 0, &info);

	info->ifi_flags = up ? IFF_UP : 0;
	info->ifi_change = IFF_UP;
	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	return transact(h, name, err);
}

static int
index_of(const char *name)
{
	struct ifreq r = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), index = -1;

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	if (fd >= 0 && ioctl(fd, SIOCGIFINDEX, &r) == 0)
		index = r.ifr_ifindex;
	if (fd >= 0)
		close(fd);
	return index;
}

bool
net_address(const char *name, struct ip4_net net, char *err)
{
	_Alignas(struct nlmsghdr) char room[ROOM] = {0};
	struct nlmsghdr *h = mnl_nlmsg_put_header(room);
	struct ifaddrmsg *a = mnl_nlmsg_put_extra_header(h, sizeof(*a));
	int index = index_of(name);

	h->nlmsg_type = RTM_NEWADDR;
	h->nlmsg_flags = NLM_F_CREATE | NLM_F_REPLACE;
	a->ifa_family = AF_INET;
	a->ifa_prefixlen = net.len;
	a->ifa_index = (uint32_t)index;
	mnl_attr_put_u32(h, IFA_LOCAL, htonl(net.addr));
	mnl_attr_put_u32(h, IFA_ADDRESS, htonl(net.addr));
	return transact(h, name, err);
}

bool
net_gateway(ip4_t gateway, char *err)
{
	_Alignas(struct nlmsghdr) char room[ROOM] = {0};
	struct nlmsghdr *h = mnl_nlmsg_put_header(room);
	struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));

	h->nlmsg_type = RTM_NEWROUTE;
	h->nlmsg_flags = NLM_F_CREATE | NLM_F_REPLACE;
	m->rtm_family = AF_INET;
	m->rtm_table = RT_TABLE_MAIN;
	m->rtm_protocol = RTPROT_BOOT;
	m->rtm_scope = RT_SCOPE_UNIVERSE;
	m->rtm_type = RTN_UNICAST;
	mnl_attr_put_u32(h, RTA_GATEWAY, htonl(gateway));
	return transact(h, "default route", err);
}
