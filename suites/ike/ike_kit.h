/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_SUITES_IKE_KIT_H
#define BATON_SUITES_IKE_KIT_H

/*
 * What the cases of IKE, ESP and DPD share: a member alone with a tunnel, ISAKMP messages found in
 * the trace, datagrams of the case's own, and whether traffic passes. A member alone is enough
 * for what one router must do; the pair is brought up only where the pair is the point.
 */
#include "harness/field/field.h"
#include "harness/field/pkt.h"
#include "harness/run/pair.h"

#define IKE_KIT_MAIN 2
#define IKE_KIT_INFO 5
#define IKE_KIT_QUICK 32
#define IKE_KIT_ANY 0

/* A alone, active in both groups. False: inconclusive. */
bool ike_kit_alone(struct world *w, struct case_run *c, const struct lab_text *knobs,
	const struct peer_cfg *cfg);
/* The same, and a tunnel of the peer. */
bool ike_kit_tunnel(struct world *w, struct case_run *c, const struct lab_text *knobs,
	const struct peer_cfg *cfg);

/* An instant after all that A has sent until now: what was under way is let arrive. */
ns_t ike_kit_mark(struct world *w);
/* The first ISAKMP message of that exchange that came in at the port at or after `after`. */
size_t ike_kit_find(struct world *w, enum lab_port p, unsigned exchange, ns_t after);
size_t ike_kit_count(struct world *w, enum lab_port p, unsigned exchange, ns_t after);
/* The n-th, from 0. */
size_t ike_kit_nth(struct world *w, enum lab_port p, unsigned exchange, ns_t after, size_t n);
/* The frame taken apart; pointers are good as long as the trace. */
struct pkt ike_kit_pkt(struct world *w, size_t frame);
/* Are the ISAKMP messages in the two frames the same bytes? */
bool ike_kit_same(struct world *w, size_t a, size_t b);

/* A frame with these bytes as ISAKMP message from the peer's address to the virtual one, to that
 * MAC. Octets written. */
size_t ike_kit_frame(uint8_t *out, size_t cap, struct mac to, const uint8_t *msg, size_t len);

/*
 * The peer sends an Informational message in clear under the cookies of its newest IKE SA, with
 * one payload ("isakmp.delete") whose fields are given (8 at most).
 */
void ike_kit_clear_info(
	struct world *w, const char *payload, const struct field_set *more, size_t cnt);

/* Wait until the event of the peer was noted (at or after since) at least `cnt` times. */
bool ike_kit_event(struct world *w, enum peer_event_kind kind, ns_t since, size_t cnt, ns_t limit);
/* The peer has noted a notify of that type since then. */
size_t ike_kit_notified(const struct world *w, uint16_t type, ns_t since);

/* How many UDP packets to that port came out at the host, of the last 64 that did. */
size_t ike_kit_came(const struct world *w, uint16_t port);
/* Does a packet of the peer's side come out at the host, and one of the host's at the peer? */
bool ike_kit_carries_in(struct world *w, ns_t limit);
bool ike_kit_carries_out(struct world *w, ns_t limit);
/* As expectations: "expected traffic to pass (<when>)". */
bool ike_kit_expect_traffic(struct world *w, const char *when);
/* The peer sets up a tunnel from nothing now; expectation. */
bool ike_kit_expect_tunnel(struct world *w, const char *when);

/* Copies of what the peer sends, taken by its edit_wire hook: the last message of a kind. */
struct ike_kit_tap {
	enum peer_kind kind;
	bool swallow; /* it does not leave the peer */
	size_t len, cnt;
	uint8_t bytes[2048];
};
void ike_kit_tap(struct world *w, struct ike_kit_tap *t);

#endif
