/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_LAB_SIM_ROUTER_IN_H
#define BATON_LAB_SIM_ROUTER_IN_H

/* What the files of a simulated member share: sim_router.c, sim_channel.c, sim_config.c, sim_console.c. */
#include "harness/lab/sim_kernel.h"
#include "harness/lab/sim_router.h"
#include "harness/lab/sim_tcp.h"
#include "ref/node/node.h"

/* What waits for the node: nothing is fed while it is in a step. */
struct simr_input {
	struct simr_input *next;
	struct node_in in;
	unsigned session; /* of the sync channel; 0: not of it */
	uint8_t bytes[];
};

/* The sync channel, as a process sees it (sim_channel.c). */
struct simr_channel {
	bool on, client;
	ip4_t local, remote;
	uint16_t port;
	int conn;     /* of the TCP; -1: none */
	bool up;      /* the node was told, or will be */
	ns_t at;      /* the next try, or the end of patience with this one; NS_NEVER */
	unsigned session; /* one more each time that a connection is dropped */
};

struct simr {
	struct simr_out out;
	struct simk *kernel;
	struct simt *tcp;
	uint64_t chance;
	bool runs;
	struct node *node; /* mapped memory, all zero before node_init */
	struct cfg *cfg;   /* in force */
	struct node_rules rules;
	struct mac mac[SIMR_IFS];
	unsigned place[CFG_IFS]; /* the machine's number of an interface of cfg */
	struct simr_input *first, **last;
	struct simr_channel channel;
	bool close_channel; /* the node asked for it in a step */
	struct entropy entropy;
	ns_t now, ahead, started;
	uint64_t send_failed;
	bool stale; /* due must be worked out again */
	ns_t due;
};

/* sim_router.c */
ns_t simr_clock(const struct simr *r); /* the process's own */
void simr_say(struct simr *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct entropy *simr_entropy(struct simr *r);
void simr_put(struct simr *r, const struct node_in *in, unsigned session);
/* One input, now, and what it asks of the channel; the queue waits. */
void simr_step(struct simr *r, const struct node_in *in);
void simr_pump(struct simr *r);
void simr_links(struct simr *r, bool reload);

/* sim_channel.c */
void sim_channel_begin(struct simr *r);
void sim_channel_end(struct simr *r); /* no DOWN is said */
void sim_channel_lose(struct simr *r);
void sim_channel_bytes(struct simr *r, const uint8_t *bytes, size_t len);
void sim_channel_due(struct simr *r);
void sim_channel_event(void *ctx, ns_t now, enum simt_event e, int conn, ip4_t from,
	const uint8_t *bytes, size_t len);

/* sim_config.c */
/* Read it: NULL, and *why (malloc'd). The caller owns it. */
struct cfg *sim_config_read(struct simr *r, const struct cfg *on, const char *text, const char *name,
	char **why);
bool sim_config_places(const struct cfg *c, unsigned place[CFG_IFS], char **why);
void sim_config_kernel(struct simr *r);
/* As a console or a signal asks for it; on: lines are added to what is there. */
bool sim_config_change(struct simr *r, const char *text, const char *name, bool whole, char **why);

#endif
