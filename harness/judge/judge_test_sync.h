/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_JUDGE_JUDGE_TEST_SYNC_H
#define BATON_JUDGE_JUDGE_TEST_SYNC_H

/* The sync channel on the stage, in clear (docs/spec/ssp.md); A is the client. */
#include "harness/judge/judge_test_util.h"

enum { T_SYN = 2, T_ACK = 0x10 };
enum { SYNC_HELLO = 1, SYNC_BULK_BEGIN = 3, SYNC_BULK_END = 4, SYNC_PAIR = 7, SYNC_ACK = 13, SYNC_ALIVE = 14 };
enum { V_LEASE = 5, V_ACKED = 37, V_TIME, V_ECHO };

static inline void
stage_tcp(int side, uint8_t flags, const uint8_t *data, size_t len)
{
	struct pkt_ip h = {.src = IP4(10, 255, 0, side == SIDE_A ? 1 : 2),
		.proto = 6,
		.ttl = 64,
		.dst = IP4(10, 255, 0, side == SIDE_A ? 2 : 1)};
	unsigned to = 1u << (side == SIDE_A ? P_B_SYNC : P_A_SYNC);
	uint8_t tcp[300], ip[400];
	struct wr w;

	wr_init(&w, tcp, sizeof(tcp));
	wr_u16(&w, side == SIDE_A ? stage.sync_port : 3249);
	wr_u16(&w, side == SIDE_A ? 3249 : stage.sync_port);
	wr_u32(&w, stage.sync_seq[side]);
	wr_u32(&w, 0);
	wr_u16(&w, (uint16_t)(0x5000 | flags));
	wr_bytes(&w, (uint8_t[6]){255, 255}, 6);
	wr_bytes(&w, data, len);
	ck_assert(!wr_done(&w));
	stage.sync_seq[side] += (uint32_t)len + !!(flags & T_SYN);
	stage_ip(side == SIDE_A ? P_A_SYNC : P_B_SYNC, stage.sync_lost ? 1u << P_HOST : to, ip,
		pkt_put_ip(ip, sizeof(ip), &h, tcp, w.len));
}

/* A calls; with an answer the connection is there. */
static inline void
stage_call(bool answered)
{
	stage.in.plain_sync = true;
	stage.sync_port++;
	memset(stage.sync_seq, 0, sizeof(stage.sync_seq));
	memset(stage.sync_no, 0, sizeof(stage.sync_no));
	stage_tcp(SIDE_A, T_SYN, NULL, 0);
	if (answered)
		stage_tcp(SIDE_B, T_SYN | T_ACK, NULL, 0);
}

/* A message with at most one TLV of 4 octets and one of 8. */
static inline void
stage_ssp(int side, uint8_t type, uint16_t four, uint32_t v4, uint16_t eight, uint64_t v8)
{
	uint8_t m[64];
	struct wr w;

	wr_init(&w, m, sizeof(m));
	wr_u8(&w, 1);
	wr_u8(&w, type);
	wr_u16(&w, 0);
	wr_u32(&w, (four ? 8u : 0u) + (eight ? 12u : 0u));
	wr_u32(&w, ++stage.sync_no[side]);
	wr_u32(&w, 0);
	if (four) {
		wr_u16(&w, four);
		wr_u16(&w, 4);
		wr_u32(&w, v4);
	}
	if (eight) {
		wr_u16(&w, eight);
		wr_u16(&w, 8);
		wr_u64(&w, v8);
	}
	stage_tcp(side, T_ACK, m, w.len);
}

/* The standby tells its clock, and the active proves that it heard it: a lease from now on. */
static inline void
stage_lease(int standby)
{
	uint64_t ms = (uint64_t)ns_to_ms(stage.now);

	stage_ssp(standby, SYNC_ALIVE, 0, 0, V_TIME, ms);
	stage_ssp(!standby, SYNC_ALIVE, 0, 0, V_ECHO, ms);
}

/* That member, standby, has it all, for as long as the lease runs. */
static inline void
stage_ready(int standby, uint32_t lease_ms)
{
	stage_hsrp(standby == SIDE_A ? P_A_OUT : P_B_OUT, S_HELLO, S_STANDBY);
	stage_call(true);
	stage_ssp(SIDE_A, SYNC_HELLO, V_LEASE, lease_ms, 0, 0);
	stage_ssp(SIDE_B, SYNC_HELLO, V_LEASE, lease_ms, 0, 0);
	stage_ssp(!standby, SYNC_BULK_BEGIN, 0, 0, 0, 0);
	if (!stage.no_pair)
		stage_ssp(!standby, SYNC_PAIR, 0, 0, 0, 0);
	stage_ssp(!standby, SYNC_BULK_END, 0, 0, 0, 0);
	stage_ssp(standby, SYNC_ACK, V_ACKED, stage.sync_no[!standby], 0, 0);
	stage_lease(standby);
}

#endif
