/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One member's machine: a network namespace with eth0 (outside), eth1 (inside) and eth2 (sync),
 * each the far end of a cable whose near end is a port of the switch. No process is needed to keep
 * it: a descriptor and a name under /run/netns do (so that `ip netns exec A ...` works inside).
 *
 * A machine that lost its power is never taken down by hand, which would hold up the loop for
 * tens of milliseconds: its descriptors are let go, and the kernel takes the rest away in its own
 * time. Power on makes a new machine; the near ends of its cables carry a generation number.
 */
#include "harness/lab/lab_in.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <unistd.h>

/* Written in a fresh namespace, so that no setting of this host shows through. */
static const struct {
	const char *path, *value;
} settings[] = {
	{"/proc/sys/net/ipv6/conf/all/disable_ipv6", "1"},
	{"/proc/sys/net/ipv6/conf/default/disable_ipv6", "1"},
	{"/proc/sys/net/ipv4/conf/all/rp_filter", "0"},
	{"/proc/sys/net/ipv4/conf/default/rp_filter", "0"},
	{"/proc/sys/net/ipv4/conf/all/send_redirects", "0"},
	{"/proc/sys/net/ipv4/conf/default/send_redirects", "0"},
};

void
node_settle(void)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		int fd = open(settings[i].path, O_WRONLY | O_CLOEXEC);

		/* A kernel without IPv6 lacks the first two, and needs them not. */
		if (fd < 0)
			continue;
		if (write(fd, settings[i].value, 1) != 1)
			fprintf(stderr, "lab: %s: %s\n", settings[i].path, strerror(errno));
		close(fd);
	}
}

static void
node_path(enum lab_member m, char path[64])
{
	snprintf(path, 64, "/run/netns/%s", lab_member_name(m));
}

/* A name for the namespace we stand in. */
static bool
pin(enum lab_member m)
{
	char path[64];
	int fd;

	node_path(m, path);
	fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0444);
	if (fd < 0)
		return false;
	close(fd);
	return mount("/proc/self/ns/net", path, NULL, MS_BIND, NULL) == 0;
}

/*
 * The near end's interface index. It must not be that of the far end: the kernel takes two ends
 * with one index for a plain device, and tells a change of carrier up to a second late
 * (linkwatch_urgent_event), longer than a hold time.
 */
static int
near_index(const struct node *n, enum lab_port p)
{
	return (int)(n->generation * 100 + p);
}

/* In the node's namespace: its ends of the cables, with the near ends left to the lab. */
static bool
lay_cables(struct lab *l, enum lab_member m, char *err)
{
	for (int i = 0; i < NODE_IFS; i++) {
		enum lab_port p = lab_member_port(m, (enum trace_segment)i);
		struct mac mac = lab_mac(p);
		char name[16];

		snprintf(name, sizeof(name), "eth%d", i);
		if (!net_veth(name, i + 2, &mac, l->port[p].ifname, near_index(&l->node[m], p),
			    l->home, err) ||
			!link_plain(name, err) || !net_up(name, true, err))
			return false;
	}
	return net_up("lo", true, err);
}

/* In the lab's namespace: the near ends become ports. */
static bool
plug_in(struct lab *l, enum lab_member m, char *err)
{
	for (int i = 0; i < NODE_IFS; i++) {
		enum lab_port p = lab_member_port(m, (enum trace_segment)i);
		struct port *port = &l->port[p];

		if (!link_plain(port->ifname, err) || !net_up(port->ifname, true, err))
			return false;
		port->link = link_open(port->ifname, err);
		if (!port->link)
			return false;
		if (!lab_watch(l, link_fd(port->link), (uint32_t)p, EPOLLIN)) {
			snprintf(err, LAB_ERR, "lab: %s: %s", port->ifname, strerror(errno));
			return false;
		}
		port->on = port->plugged = true;
		port->readable = true;
	}
	return true;
}

bool
node_make(struct lab *l, enum lab_member m, char *err)
{
	struct node *n = &l->node[m];
	bool ok;

	n->generation++;
	for (int i = 0; i < NODE_IFS; i++) {
		enum lab_port p = lab_member_port(m, (enum trace_segment)i);
		struct port *port = &l->port[p];

		snprintf(port->ifname, sizeof(port->ifname), "%s.%u", lab_port_name(p),
			n->generation % 10000);
		if (n->generation == 1)
			snprintf(port->ifname, sizeof(port->ifname), "%s", lab_port_name(p));
	}
	if (unshare(CLONE_NEWNET) != 0) {
		snprintf(err, LAB_ERR, "lab: node %s: %s", lab_member_name(m), strerror(errno));
		return false;
	}
	node_settle();
	n->netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	ok = n->netns >= 0 && pin(m);
	if (!ok)
		snprintf(err, LAB_ERR, "lab: node %s: %s", lab_member_name(m), strerror(errno));
	ok = ok && lay_cables(l, m, err) && routes_open(l, m, err);
	if (setns(l->home, CLONE_NEWNET) != 0) {
		snprintf(err, LAB_ERR, "lab: the way back: %s", strerror(errno));
		return false;
	}
	return ok && plug_in(l, m, err);
}

void
node_retire(struct lab *l, enum lab_member m)
{
	struct node *n = &l->node[m];
	char path[64];

	for (int i = 0; i < NODE_IFS; i++) {
		struct port *port = &l->port[lab_member_port(m, (enum trace_segment)i)];

		if (port->link)
			l->dropped += link_dropped(port->link);
		link_close(port->link);
		port->link = NULL;
		port->has_head = port->readable = false;
	}
	routes_close(l, m);
	if (n->netns < 0)
		return;
	node_path(m, path);
	if (umount2(path, MNT_DETACH) != 0 || unlink(path) != 0)
		fprintf(stderr, "lab: %s: %s\n", path, strerror(errno));
	close(n->netns);
	n->netns = -1;
}

bool
node_renew(struct lab *l, enum lab_member m, char *err)
{
	node_retire(l, m);
	return node_make(l, m, err);
}
