/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_SUITES_SWAN_KIT_H
#define BATON_SUITES_SWAN_KIT_H

/*
 * strongSwan as the remote gateway: charon on a machine in the peer's place, a kernel's host
 *inside. Its ESP is in user space (kernel-libipsec) and always in UDP: it forges a NAT-D hash, so
 *that the pair believes it behind a NAT.
 *
 *	charon .200 (10.2.0.50 on lo) ---+--- A .1 | B .2 ---+--- host 10.0.0.50, by way of .100
 *
 * What is judged is what charon's log and console say, and the flows between the two kernels.
 */
#include "harness/lab/guest.h"
#include "harness/lab/guest_flow.h"
#include "harness/run/pair.h"

/* What a case wants otherwise than usual; NULL and 0 = the usual. */
struct swan_cfg {
	const char *ike; /* proposals: "aes128-sha1-modp1024" */
	const char *esp; /* "aes128-sha1"; with a group: PFS */
	unsigned dpd_ms; /* charon's dpd_delay, rounded up to seconds; 0 = it sends none */
	unsigned rekey_ike_s, rekey_child_s; /* by itself; 0 = not */
	unsigned version;		     /* 1; 2 to be refused */
};

struct swan {
	struct world w; /* peer and host of the harness are not plugged in */
	struct guest *charon;
	struct guest_flow *flow; /* NULL until swan_flows */
	uint32_t rate;		 /* of a transfer, octets a second; 0 = 150000 */
};

/* The pair up (B ready), charon running with its connection loaded, the inside host there; nobody
 * has initiated. */
bool swan_up(struct swan *s, struct case_run *c, const struct lab_text *knobs,
	const struct swan_cfg *cfg);
/* The same with A alone: enough where the pair is not the point. */
bool swan_alone(struct swan *s, struct case_run *c, const struct lab_text *knobs,
	const struct swan_cfg *cfg);
/* From now on that connection, and none of the SAs that it had. False: the case is over. */
bool swan_configure(struct swan *s, const struct swan_cfg *cfg);
/* charon initiates: did it get its CHILD_SA? */
bool swan_initiate(struct swan *s);
/* charon initiates, and says that the CHILD_SA is there: a precondition. */
bool swan_tunnel(struct swan *s);
/* The same as an expectation. */
bool swan_expect_tunnel(struct swan *s);

/* A line for swanctl; what it printed is good until the next call. NULL: it failed or hung.
 */
const char *swan_ctl(struct swan *s, const char *const *words, ns_t limit);
/* How often charon's log has said that, since `from` (swan_mark). */
size_t swan_said(const struct swan *s, const char *text, size_t from);
size_t swan_mark(const struct swan *s);
/* Wait until it has been said so often, as an expectation. */
bool swan_await(struct swan *s, const char *text, size_t cnt, size_t from, ns_t limit);

/* Ping every 5 ms from charon's inner address to the host, and a transfer each way. */
void swan_flows(struct swan *s);
/* Stop them, wait until all has come; the bytes that were sent came, unchanged. Longest gap of the
 * pings in *gap. */
bool swan_flows_expect(struct swan *s, ns_t *gap);
/* One answered ping, and another: traffic passes both ways. */
bool swan_expect_traffic(struct swan *s, const char *when);
/* The same from the inside host: the first of them makes a pair with a static map initiate. */
bool swan_expect_traffic_out(struct swan *s);

/* charon's SAs as its console tells: how many of a kind are up. */
struct swan_sas {
	unsigned ike, child;
	unsigned long long packets_in, packets_out;
};
bool swan_sas(struct swan *s, struct swan_sas *n);
/* No replay, no bad ICV, no DPD time-out, no retransmission that was given up. */
bool swan_expect_sound(struct swan *s);

#endif
