/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_LAB_GUEST_IN_H
#define BATON_LAB_GUEST_IN_H

/* What the guest files share. A guest keeps its place when it has ended: epoll's tags are indices. */
#include "harness/lab/guest.h"
#include "harness/lab/lab_in.h"

#define GUEST_MACHINES (PORT_CNT - PORT_PEER)

struct route_log {
	struct mnl_socket *hear;
	struct guest_route *seen;
	size_t cnt, cap;
};

struct guest {
	struct lab *lab;
	enum lab_port port;
	char name[32], log[LAB_PATH];
	pid_t pid; /* 0: it has ended */
	int pidfd;
	int status;
	bool asked_to_end;
};

struct guests {
	int netns[GUEST_MACHINES]; /* -1: no machine */
	struct route_log routes[GUEST_MACHINES];
	struct guest **guest;
	size_t cnt, cap;
};

struct guests *guest_all(struct lab *l);	       /* made at the first call */
int guest_netns(const struct lab *l, enum lab_port p); /* -1: none */
/* Stand in that namespace, and come back; false with errno. Without the way back the process ends.
 */
bool guest_go(int netns);
void guest_home(const struct lab *l);

/* guest_routes.c */
void guest_routes_event(struct lab *l, size_t machine);
void guest_routes_free(struct route_log *r);

/* guest_program.c */
void guest_reap(struct guest *g, bool wait);
void guest_end_all(struct lab *l, ns_t patience);

#endif
