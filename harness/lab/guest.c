/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Machines for other people's software: a network namespace with eth0, whose near end becomes the
 * link of a station's port. It has no name under /run/netns, and goes with the lab. The programs
 * are in guest_program.c, the routes in guest_routes.c.
 */
#include "harness/lab/guest_in.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define NEAR_INDEX 5000 /* unlike any far end's (see near_index in node.c) */

struct guests *
guest_all(struct lab *l)
{
	if (l->guests)
		return l->guests;
	l->guests = calloc(1, sizeof(*l->guests));
	if (!l->guests)
		abort();
	for (int i = 0; i < GUEST_MACHINES; i++)
		l->guests->netns[i] = -1;
	return l->guests;
}

int
guest_netns(const struct lab *l, enum lab_port p)
{
	if (p < PORT_PEER)
		return l->node[p / NODE_IFS].netns;
	return l->guests ? l->guests->netns[p - PORT_PEER] : -1;
}

bool
guest_go(int netns)
{
	return netns >= 0 && setns(netns, CLONE_NEWNET) == 0;
}

void
guest_home(const struct lab *l)
{
	if (setns(l->home, CLONE_NEWNET) == 0)
		return;
	perror("lab: the way back from a guest");
	abort();
}

static bool
put_setting(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, "1", 1) == 1;

	if (fd >= 0)
		close(fd);
	return ok;
}

/* In its namespace. */
static bool
furnish(struct lab *l, const struct guest_machine *m, char *err)
{
	struct mac mac = lab_mac(m->port);

	if (!net_veth("eth0", 2, &mac, l->port[m->port].ifname, NEAR_INDEX + (int)m->port, l->home,
		    err) ||
		!link_plain("eth0", err) || !net_up("eth0", true, err) ||
		!net_up("lo", true, err) || !net_address("eth0", m->net, err))
		return false;
	for (size_t i = 0; i < sizeof(m->inner) / sizeof(m->inner[0]); i++)
		if (m->inner[i] && !net_address("lo", (struct ip4_net){m->inner[i], 32}, err))
			return false;
	if (m->forwards && !put_setting("/proc/sys/net/ipv4/ip_forward")) {
		snprintf(err, LAB_ERR, "lab: ip_forward of a guest: %s", strerror(errno));
		return false;
	}
	return true;
}

/* Its end of the cable becomes the port; only then is there carrier, which a route needs. */
static bool
plug_in(struct lab *l, enum lab_port p, char *err)
{
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
	port->readable = true;
	return true;
}

bool
guest_machine_open(struct lab *l, const struct guest_machine *m, char *err)
{
	struct guests *all = guest_all(l);
	int *netns = &all->netns[m->port - PORT_PEER];
	bool ok;

	assert(m->port >= PORT_PEER && m->port < PORT_CNT && !l->port[m->port].attached);
	snprintf(l->port[m->port].ifname, sizeof(l->port[m->port].ifname), "%s",
		lab_port_name(m->port));
	if (*netns >= 0 || unshare(CLONE_NEWNET) != 0) {
		snprintf(err, LAB_ERR, "lab: a guest at %s: %s", lab_port_name(m->port),
			*netns >= 0 ? "there is one" : strerror(errno));
		return false;
	}
	node_settle();
	*netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	ok = *netns >= 0;
	if (!ok)
		snprintf(err, LAB_ERR, "lab: a guest's namespace: %s", strerror(errno));
	ok = ok && furnish(l, m, err);
	guest_home(l);
	if (!ok || !plug_in(l, m->port, err))
		return false;
	if (!m->gateway)
		return true;
	ok = guest_go(*netns) && net_gateway(m->gateway, err);
	guest_home(l);
	return ok;
}

int
guest_socket(struct lab *l, enum lab_port p, int domain, int type, int protocol)
{
	int fd, why;

	if (!guest_go(guest_netns(l, p)))
		return -1;
	fd = socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	why = errno;
	guest_home(l);
	errno = why;
	return fd;
}

void
guest_event(struct lab *l, uint32_t tag)
{
	if (tag & 1)
		guest_routes_event(l, tag / 2);
	else
		guest_reap(l->guests->guest[tag / 2], false);
}

void
guest_free(struct lab *l)
{
	struct guests *all = l->guests;

	if (!all)
		return;
	guest_end_all(l, 0);
	for (int i = 0; i < GUEST_MACHINES; i++) {
		struct port *port = &l->port[PORT_PEER + i];

		guest_routes_free(&all->routes[i]);
		if (all->netns[i] >= 0)
			close(all->netns[i]);
		link_close(port->link);
		port->link = NULL;
	}
	for (size_t i = 0; i < all->cnt; i++)
		free(all->guest[i]);
	free(all->guest);
	free(all);
	l->guests = NULL;
}
