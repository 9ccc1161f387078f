/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_LAB_SIM_TCP_H
#define BATON_LAB_SIM_TCP_H

/*
 * The TCP of one machine in the lab `sim` (RFC 9293): as much as the sync channel needs, so that
 * the switch may delay, lose, copy, reorder and cut its segments as it does those of a kernel.
 * Connections are opened and accepted, bytes arrive once and in order, what is lost is sent again
 * (RFC 6298, least time-out 200 ms as Linux has it; fast retransmit, RFC 5681 3.2), a slow line is
 * not flooded (slow start, RFC 5681 3.1), and what belongs to no connection is answered by a reset.
 *
 * Pure: time is an argument; packets and events go to callbacks, of which `event` may call simt_send
 * and simt_reset. Not here: options, urgent data, window scaling, a close that waits.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ref/base/ip4.h"
#include "ref/base/time.h"

#define SIMT_CONNS 8

struct simt; /* owned by its maker */

enum simt_event {
	SIMT_CONNECTED, /* what simt_connect began */
	SIMT_ACCEPTED,
	SIMT_DATA,
	SIMT_CLOSED /* refused, reset or ended by the other side; the connection is gone */
};

struct simt_out {
	void *ctx;
	void (*packet)(void *ctx, ns_t now, const uint8_t *packet, size_t len); /* IPv4, to be routed */
	/* from: the other end's address. bytes: SIMT_DATA alone, borrowed. */
	void (*event)(void *ctx, ns_t now, enum simt_event e, int conn, ip4_t from,
		const uint8_t *bytes, size_t len);
};

struct simt *simt_new(uint64_t seed, const struct simt_out *out);
void simt_free(struct simt *t);
/* Take connections there; port 0: none any more. */
void simt_listen(struct simt *t, ip4_t addr, uint16_t port);
/* A handle, or -1 if there are SIMT_CONNS already. Its local port is drawn. */
int simt_connect(struct simt *t, ns_t now, ip4_t local, ip4_t remote, uint16_t port);
void simt_send(struct simt *t, ns_t now, int conn, const uint8_t *bytes, size_t len);
/* Away with it: a reset goes out (none if nobody has answered yet), no event comes. */
void simt_reset(struct simt *t, ns_t now, int conn);
/* The process is dead: each connection says FIN and is forgotten; nobody listens. */
void simt_abandon(struct simt *t, ns_t now);
void simt_ports(const struct simt *t, int conn, uint16_t *local, uint16_t *remote);

void simt_packet(struct simt *t, ns_t now, const uint8_t *packet, size_t len);
void simt_tick(struct simt *t, ns_t now);
ns_t simt_deadline(const struct simt *t);

#endif
