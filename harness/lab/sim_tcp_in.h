/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_LAB_SIM_TCP_IN_H
#define BATON_LAB_SIM_TCP_IN_H

/* What the two files of the small TCP share: sim_tcp.c sends, sim_tcp_receive.c receives. */
#include "harness/field/pkt.h"
#include "harness/lab/sim_tcp.h"

#define MSS 1460u
#define WINDOW 65535u
#define EARLY_MAX 64
#define RTO_FIRST NS_PER_S
#define RTO_LEAST (200 * NS_PER_MS)
#define RTO_MOST (120 * NS_PER_S)
#define PORT_LOW 32768u
#define PORT_CNT 28232u

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };
enum state { FREE, SYN_SENT, SYN_RECEIVED, ESTABLISHED };

/* Came before its turn. */
struct early {
	uint32_t seq;
	size_t len;
	uint8_t *bytes;
};

struct conn {
	enum state state;
	ip4_t local, remote;
	uint16_t lport, rport;
	uint32_t una, nxt, top; /* top: one beyond the highest number ever sent */
	uint32_t rcv;		/* expected next */
	uint32_t window;	/* of the other side */
	uint32_t cwnd, ssthresh, recover;
	bool recovering;
	unsigned copies; /* acknowledgements that said nothing new */
	uint8_t *buf;
	size_t len, cap;
	ns_t srtt, rttvar, rto, due; /* due: of the timer; NS_NEVER: nothing is out */
	ns_t timed_at;		     /* a segment is timed; 0: none */
	uint32_t timed;
	struct early early[EARLY_MAX];
	unsigned early_cnt;
};

struct simt {
	struct simt_out out;
	uint64_t chance;
	ip4_t listen_addr;
	uint16_t listen_port, ip_id;
	struct conn conn[SIMT_CONNS];
};

struct simt_segment {
	ip4_t src, dst;
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t flags;
};

static inline bool
simt_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/* sim_tcp.c */
void simt_segment_out(struct simt *t, ns_t now, const struct simt_segment *s, const uint8_t *bytes,
	size_t len);
/* On a connection. */
void simt_say(struct simt *t, ns_t now, const struct conn *c, uint8_t flags, uint32_t seq,
	const uint8_t *bytes, size_t len);
/* One segment of the buffer, from sequence number seq on; how much. */
size_t simt_piece(struct simt *t, ns_t now, struct conn *c, uint32_t seq);
/* What may go out now. */
void simt_flush(struct simt *t, ns_t now, struct conn *c);
int simt_place(const struct simt *t); /* -1: none is free */
struct conn *simt_open(struct simt *t, ns_t now, int at, enum state state);
void simt_forget(struct conn *c);

#endif
