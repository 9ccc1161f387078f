/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_SYNC_STCP_H
#define BATON_SYNC_STCP_H

/*
 * One TCP connection of a simulated end (RFC 9293), either side: enough to talk to a kernel, and
 * slow, deaf, chopped or gone when a case wants it. Pure: segments and time go in, IPv4 packets
 * come out through the callback, within the call.
 *
 * Not here: options but MSS, window scaling, congestion control (the lab's segment is one switch),
 * TIME-WAIT, urgent data, a queue for segments out of order (they are acknowledged again, and come again).
 * Allocates what waits to be sent; stcp_free.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/field/pkt.h"
#include "ref/base/time.h"

#define STCP_ROOM 65535 /* octets received and not read yet: the largest window without scaling */
#define STCP_MSS 1460

typedef void stcp_out(void *ctx, ns_t now, const uint8_t *ip, size_t len);

enum stcp_state {
	STCP_IDLE,
	STCP_CALLING,  /* SYN sent */
	STCP_ANSWERED, /* SYN received, SYN and ACK sent */
	STCP_OPEN,
	STCP_OVER
};

enum stcp_end {
	STCP_NOT_OVER,
	STCP_FINISHED, /* both sides said FIN */
	STCP_RESET,    /* by the other side */
	STCP_REFUSED,  /* RST instead of SYN and ACK */
	STCP_ABORTED,  /* by us */
	STCP_LOST      /* nobody acknowledged */
};

struct stcp {
	stcp_out *out;
	void *ctx;
	ip4_t local, remote; /* host order, as the ports */
	uint16_t lport, rport;
	enum stcp_state state;
	enum stcp_end end;
	uint32_t una, nxt, peer_window, rcv;
	uint8_t *buf; /* at buf_at, from una on: sent and not acknowledged, then not sent */
	size_t buf_at, buf_len, buf_cap;
	bool fin_asked, fin_sent, peer_fin;
	ns_t again; /* retransmission, or a probe of a closed window; NS_NEVER */
	unsigned tries;
	uint16_t ip_id;
	size_t piece;  /* octets in a segment at most; may be made smaller at any time */
	uint8_t in[STCP_ROOM];
	size_t in_len;
};

/* Addresses, ports, callback; nothing is sent. *t need not be zeroed. */
void stcp_init(struct stcp *t, ip4_t local, uint16_t lport, ip4_t remote, uint16_t rport,
	stcp_out *out, void *ctx);
void stcp_free(struct stcp *t);
/* SYN. isn: the first sequence number. */
void stcp_call(struct stcp *t, ns_t now, uint32_t isn);
/* A SYN came for a connection that is idle: answer it. */
void stcp_answer(struct stcp *t, ns_t now, const struct pkt *syn, uint32_t isn);
bool stcp_is_for(const struct stcp *t, const struct pkt *p);
void stcp_segment(struct stcp *t, ns_t now, const struct pkt *p);

/* To be sent in order; copied. Aborts when memory is out. */
void stcp_write(struct stcp *t, ns_t now, const void *bytes, size_t len);
/* Octets that wait to be sent or acknowledged. */
size_t stcp_waiting(const struct stcp *t);
/* Take up to cap octets of what came; what is not taken keeps the window small. */
size_t stcp_read(struct stcp *t, ns_t now, uint8_t *out, size_t cap);
/* FIN behind all that was written. */
void stcp_finish(struct stcp *t, ns_t now);
/* RST, and over. */
void stcp_abort(struct stcp *t, ns_t now);

void stcp_tick(struct stcp *t, ns_t now);
ns_t stcp_deadline(const struct stcp *t);

/* RST for a segment that belongs to no connection (RFC 9293 3.10.7.1). */
void stcp_reject(ns_t now, const struct pkt *p, stcp_out *out, void *ctx);

#endif
