/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_SYS_ROUTER_H
#define BATON_SYS_ROUTER_H

/*
 * A router on Linux: one node, its ports, the sync channel, the console, one epoll and one deadline.
 *
 * Sockets are drained before a timer fires, and the node goes by the kernel's receive stamps, so
 * that a busy processor does not look like a dead neighbour.
 *
 * While they are drained, packets are read and sent many at a time (batch.h, offload.h). What waits to be sent goes
 * before any action of another kind that others could see (a frame, a route, bytes of the sync channel), and at the
 * end of each portion; outside the drain nothing waits at all.
 */
#include <pthread.h>
#include <stdio.h>

#include "ref/node/node.h"
#include "ref/sys/batch.h"
#include "ref/sys/channel.h"
#include "ref/sys/netlink.h"
#include "ref/sys/offload.h"
#include "ref/sys/port.h"
#include "ref/sys/quiet.h"

#define ROUTER_TUN "bt0"
#define ROUTER_TABLE 3249u	/* policy routing: to the tunnel, or nowhere */
#define ROUTER_PREF_OWN 90u	/* rules: our own packets */
#define ROUTER_PREF_IN 100u	/* clear packets from outside that should be protected */
#define ROUTER_PREF_OUT 600u	/* what the crypto ACL protects; one more an entry, as above */
#define ROUTER_PREFS 500u
#define ROUTER_BANK 1000u /* there are two sets of the last two: a new one stands before an old one goes */

struct router_opts {
	const char *config;  /* file */
	const char *name;    /* for logs */
	const char *version;
	const char *control; /* path of the console's socket, NULL: none */
	FILE *log;
	FILE *keylog; /* NULL: none. For a lab: it holds every key */
	const struct node_rules *rules;
};

/* The sockets of an interface. */
struct router_port {
	int fd;	 /* packets, -1 closed */
	int raw; /* what the kernel shall route out of it */
	unsigned ifindex;
	struct mac mac;
};

struct router {
	struct router_opts opts;
	struct cfg *cfg; /* in force; owned */
	struct node node;
	struct router_port at[CFG_IFS]; /* one an interface of cfg */
	int tun;
	unsigned tun_ifindex;
	int epfd, links, signals;
	struct control *control; /* NULL: none */
	struct netlink *nl;
	pthread_t routes; /* sets RRI's routes; orders go through the pipe */
	int orders[2];
	bool routes_on;
	unsigned bank; /* which of the two banks of policy rules is in force */
	struct channel *channel;
	bool channel_closed; /* the node asked for it during a step */
	struct entropy entropy;
	ns_t now;	/* never goes back */
	ns_t started;
	bool draining; /* what is sent may wait for more */
	uint64_t frames_failed, tun_failed, receive_failed, trains_refused;
	bool stop;
	struct quiet quiet; /* for the log */
	struct batch out;	     /* to the wires */
	struct offload_train to_tun; /* to the kernel */
	struct offload_cut cut;
	struct port_frames frames;
	uint8_t from_tun[OFFLOAD_MAX];
};

/* Read the configuration, run until told to stop. The exit code: 0, 1 (cannot run), 2 (configuration). */
int router_run(const struct router_opts *opts);

/* configure.c: read --config at the start. 0, or 2 after lines in the log and on stderr. */
int config_load(struct router *r);
/*
 * Put another configuration in force: text alone (`whole`), or as lines added to what is there. All or
 * nothing: false, and *why (malloc'd, the caller frees; NULL without memory) says what was wrong.
 */
bool router_configure(struct router *r, const char *text, const char *name, bool whole, char **why);
/* SIGHUP: the file again; what is wrong with it goes to the log. */
void router_reload(struct router *r);

/* router.c, for configure.c */
bool router_port_open(struct router *r, const char *name, struct router_port *p);
void router_port_close(struct router_port *p);
int router_channel_open(struct router *r);
void router_links(struct router *r, bool reload);
/* Enough fresh bytes for one step. */
void router_entropy(struct router *r);

/* host.c: kernel state that the configuration asks for. 0, or -1 after a line in the log. */
int host_setup(struct router *r);
/*
 * From one configuration to the next, in two halves: what is new (-1 after a line in the log, and
 * nothing is left of it), then, once the node obeys, what is not wanted any more.
 */
int host_extend(struct router *r, const struct cfg *next, const struct router_port *at);
void host_shrink(struct router *r, const struct cfg *old, const struct router_port *at);
/* The thread that sets routes: start before the first host_route; stop waits until all is done. */
int host_routes_start(struct router *r);
void host_routes_stop(struct router *r);
void host_route(struct router *r, bool add, struct ip4_net net);

/* act.c: the node's actions. */
void router_act(void *ctx, const struct node_act *a);
/* Send what waits. */
void router_flush(struct router *r);
void router_log(struct router *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* control.c: the console's socket; tags tag .. tag + CONTROL_CLIENTS of the epoll are its own. */
#define CONTROL_CLIENTS 8
struct control;
struct control *control_open(const char *path, int epfd, uint64_t tag); /* NULL with errno */
void control_close(struct control *c, const char *path);
void control_event(struct router *r, uint64_t tag);
/* A line of the log, for those who monitor. */
void control_line(struct control *c, const char *line, size_t len);

/* One step of the node at the present time; fresh randomness, monotonic. */
void router_feed(struct router *r, const struct node_in *in, ns_t at);

#endif
