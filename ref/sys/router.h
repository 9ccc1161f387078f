/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_SYS_ROUTER_H
#define BATON_SYS_ROUTER_H

/*
 * A router on Linux: one node, its ports, the sync channel, the console, one epoll and one deadline.
 *
 * Sockets are drained before a timer fires, and the node goes by the kernel's receive stamps, so
 * that a busy processor does not look like a dead neighbour.
 */
#include <pthread.h>
#include <stdio.h>

#include "ref/node/node.h"
#include "ref/sys/channel.h"
#include "ref/sys/netlink.h"

#define ROUTER_TUN "bt0"
#define ROUTER_TABLE 3249u	/* policy routing: to the tunnel, or nowhere */
#define ROUTER_PREF_OWN 90u	/* rules: our own packets */
#define ROUTER_PREF_IN 100u	/* clear packets from outside that should be protected */
#define ROUTER_PREF_OUT 600u	/* what the crypto ACL protects; one more an entry, as above */
#define ROUTER_PREFS 500u

struct router_opts {
	const char *config;  /* file */
	const char *name;    /* for logs */
	const char *control; /* path of the console's socket, NULL: none */
	FILE *log;
	FILE *keylog; /* NULL: none. For a lab: it holds every key */
	const struct node_rules *rules;
};

struct router {
	struct router_opts opts;
	struct cfg cfg;
	struct node node;
	struct mac mac[CFG_IFS];
	int port[CFG_IFS];
	unsigned ifindex[CFG_IFS];
	int raw[CFG_IFS];
	int tun;
	unsigned tun_ifindex;
	int epfd, links, signals, control;
	struct netlink *nl;
	pthread_t routes; /* sets RRI's routes; orders go through the pipe */
	int orders[2];
	bool routes_on;
	struct channel *channel;
	bool channel_closed; /* the node asked for it during a step */
	struct entropy entropy;
	ns_t now;	/* never goes back */
	ns_t started;
	uint64_t send_failed, tun_failed;
	bool stop;
};

/* Read the configuration, run until told to stop. The exit code: 0, 1 (cannot run), 2 (configuration). */
int router_run(const struct router_opts *opts);

/* host.c: kernel state that the configuration asks for. 0, or -1 after a line in the log. */
int host_setup(struct router *r);
/* The thread that sets routes: start before the first host_route; stop waits until all is done. */
int host_routes_start(struct router *r);
void host_routes_stop(struct router *r);
void host_route(struct router *r, bool add, struct ip4_net net);

/* act.c: the node's actions. */
void router_act(void *ctx, const struct node_act *a);
void router_log(struct router *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* control.c: the console. */
int control_open(const char *path);
void control_serve(struct router *r);

/* show.c: answer one line; text or JSON into *out (malloc'd, the caller frees). */
void show_answer(struct router *r, const char *line, char **out);

/* One step of the node at the present time; fresh randomness, monotonic. */
void router_feed(struct router *r, const struct node_in *in, ns_t at);

#endif
