/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_RUN_PAIR_H
#define BATON_RUN_PAIR_H

/*
 * What nearly every case wants: the pair up, its roles as the wire shows them, a tunnel, traffic, and
 * the figures of a take-over. Roles are read from the HSRP messages at the members' own ports, so
 * that any device can be judged; readiness alone is asked of the console, as a precondition.
 */
#include "harness/run/world.h"

#define PAIR_HOLD (LAB_HOLD_MS * NS_PER_MS)
#define PAIR_HELLO (LAB_HELLO_MS * NS_PER_MS)
#define PAIR_UP_LIMIT (12 * NS_PER_S)
#define PAIR_MARGIN (250 * NS_PER_MS) /* over hold: one hello, two groups, ARP, a busy CPU */

/* HSRP states as on the wire (RFC 2281 5.1). */
enum pair_state { PAIR_INITIAL = 0, PAIR_LEARN = 1, PAIR_LISTEN = 2, PAIR_SPEAK = 4, PAIR_STANDBY = 8,
	PAIR_ACTIVE = 16, PAIR_SILENT = 255 };

/* The state in the last Hello that came from this port, PAIR_SILENT if none ever did. */
enum pair_state pair_port_state(struct lab *l, enum lab_port p);
/* Both groups of the member are in that state, by their last Hellos. */
bool pair_in(struct lab *l, enum lab_member m, enum pair_state s);

/* Lab and stations; A active, then B standby. Ends the case as inconclusive if that does not come. */
bool pair_up(struct world *w, struct case_run *c, const struct lab_text *knobs,
	const struct peer_cfg *cfg);
/* The same with the peer behind a NAT (world.h). */
bool pair_up_nat(struct world *w, struct case_run *c, const struct lab_text *knobs,
	const struct peer_cfg *cfg, const struct natbox_cfg *nat);
/* Wait until the member says that it is ready (its bulk sync is done). False: inconclusive. */
bool pair_ready(struct world *w, enum lab_member m);
/* The peer negotiates a tunnel. False: inconclusive. */
bool pair_tunnel(struct world *w);
/* pair_up, tunnel, and B ready. */
bool pair_carry(struct world *w, struct case_run *c, const struct lab_text *knobs,
	const struct peer_cfg *cfg);
bool pair_carry_nat(struct world *w, struct case_run *c, const struct lab_text *knobs,
	const struct peer_cfg *cfg, const struct natbox_cfg *nat);
/* Wait (as an expectation) until the member is active in both groups. */
bool pair_expect_active(struct world *w, enum lab_member m, ns_t limit);
bool pair_reach_active(struct world *w, enum lab_member m, ns_t limit);
bool pair_reach_standby(struct world *w, enum lab_member m, ns_t limit);

/* Numbered streams through the tunnel, both directions (ids 1 outwards, 2 inwards). */
void pair_streams_start(struct world *w, uint32_t per_s, size_t size);
/* Stop them, and let the last packets arrive. */
void pair_streams_stop(struct world *w);

/* Wait (as an expectation) until the streams have brought so many more packets, each way. */
bool pair_expect_traffic(struct world *w, uint64_t packets, const char *what);

/* Do the fault at a moment drawn over one hello interval, and wait for it; the instant. */
ns_t pair_fault_at_random(struct world *w, const struct lab_fault *f);

/* What a take-over cost, by the peer's and the host's own books. */
struct pair_cost {
	uint32_t lost_out, lost_in; /* packets */
	ns_t dark_out, dark_in;	    /* first lost to the next sent one that came */
	uint64_t replays;	    /* refused by the peer's window: seen before, or left of it */
	uint64_t bad_icv;
	uint32_t last, first; /* sequence numbers to the peer around the largest step */
	uint32_t jump;	      /* numbers that this step passed over */
	size_t phase1, phase2;	    /* negotiated since the tunnel came up */
};
struct pair_cost pair_cost(struct world *w);
/* The figures of it, for the report: outage, jump, replay drops, beside the hold time. */
void pair_cost_figures(struct case_run *c, const struct pair_cost *k);
/* The expectations that every take-over with a ready standby has to meet (laws 1, 2 and 5). */
bool pair_cost_expect(struct case_run *c, const struct pair_cost *k, ns_t dark_limit);

/* ESP frames from the member's outside port, on that SPI (0: any), in [from, to). */
size_t pair_esp_cnt(struct lab *l, enum lab_member m, uint32_t spi, ns_t from, ns_t to);
/* The last or first sequence number that the member sent on the SPI; 0 none. */
uint32_t pair_esp_last(struct lab *l, enum lab_member m, uint32_t spi);
uint32_t pair_esp_first(struct lab *l, enum lab_member m, uint32_t spi);

/*
 * A value from a member's console: path like "0.reservation.state" (array index or key). text: its
 * string form in buf. False if the answer or the path is not there.
 */
bool pair_show(struct lab *l, enum lab_member m, const char *command, const char *path, char *buf,
	size_t cap);
long long pair_show_number(struct lab *l, enum lab_member m, const char *command, const char *path,
	long long otherwise);
/* Ask until the value is `want`; false after the limit. */
bool pair_show_until(struct lab *l, enum lab_member m, const char *command, const char *path,
	const char *want, ns_t limit);

#endif
