/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_LAB_SIM_KERNEL_H
#define BATON_LAB_SIM_KERNEL_H

/*
 * What the kernel of a member does for its router, in the lab `sim`: interfaces with ARP and
 * fragments (harness/peer/netif.h), the answers of its own addresses, forwarding with policy in
 * front, and the two doors to the process: a TUN device, and raw packets that go out of one
 * interface. It outlives the process, as a kernel does, and dies with the power.
 *
 * Pure: time is an argument, what comes out goes to callbacks, which must not call back in. Not
 * here: TCP (sim_tcp.h; its segments come out at `local`), anything but IPv4, ICMP redirects.
 */
#include "harness/peer/netif.h"

#define SIMK_IFS 4
#define SIMK_ADDRS 4
#define SIMK_ROUTES 16
#define SIMK_RRI 4096
#define SIMK_POLICIES 1024
#define SIMK_TUN SIMK_IFS /* as an interface's number */

/* One rule of policy routing; the first that fits decides. */
struct simk_policy {
	int iif; /* only what came in there; -1: whatever did, or was made here */
	struct ip4_net src, dst;
	uint8_t proto;	       /* 0: any */
	uint16_t sport, dport; /* 0: any */
	enum { SIMK_DROP, SIMK_MAIN, SIMK_TUNNEL } to; /* SIMK_TUNNEL: nowhere while nobody holds it */
};

struct simk_addr {
	unsigned iface;
	ip4_t addr; /* 0: none */
	uint8_t len;
};

struct simk_route {
	struct ip4_net net;
	ip4_t gw;
};

/* What a configuration asks of the kernel. */
struct simk_cfg {
	bool shut[SIMK_IFS];
	struct simk_addr addr[SIMK_IFS];
	unsigned addr_cnt;
	struct simk_route route[SIMK_ROUTES];
	unsigned route_cnt;
	struct simk_policy policy[SIMK_POLICIES];
	unsigned policy_cnt;
};

struct simk_out {
	void *ctx;
	void (*frame)(void *ctx, unsigned iface, const uint8_t *bytes, size_t len);
	void (*tun)(void *ctx, const uint8_t *packet, size_t len);
	/* A whole packet for an address of this machine that is not answered here: TCP. */
	void (*local)(void *ctx, const uint8_t *packet, size_t len);
};

struct simk; /* owned by its maker */

struct simk *simk_new(const struct mac mac[SIMK_IFS], unsigned ifs, const struct simk_out *out);
void simk_free(struct simk *k);

/* From now on as it says; what stands in it no more goes. NULL: nothing (a machine just switched on). */
void simk_configure(struct simk *k, const struct simk_cfg *cfg);
void simk_carrier(struct simk *k, unsigned iface, bool on);
/* Carrier, and not shut down. */
bool simk_running(const struct simk *k, unsigned iface);
/* A process holds the TUN device, or lets it go; then its routes go, too, unannounced. */
void simk_hold(struct simk *k, bool on);

void simk_frame(struct simk *k, ns_t now, unsigned iface, const uint8_t *bytes, size_t len);
/* The process writes a packet to the TUN device. */
void simk_from_tun(struct simk *k, ns_t now, const uint8_t *packet, size_t len);
/* A raw packet out of one interface. False: it is too long, or the interface is down. */
bool simk_raw(struct simk *k, ns_t now, unsigned iface, const uint8_t *packet, size_t len);
/* A packet of this machine's own, routed as any other. */
void simk_own(struct simk *k, ns_t now, const uint8_t *packet, size_t len);

/* Reverse routes (into the TUN device). True if that changed something. */
bool simk_route(struct simk *k, bool add, struct ip4_net net);
bool simk_routed(const struct simk *k, struct ip4_net net);

void simk_tick(struct simk *k, ns_t now);
ns_t simk_deadline(const struct simk *k);

#endif
