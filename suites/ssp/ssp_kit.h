/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_SUITES_SSP_KIT_H
#define BATON_SUITES_SSP_KIT_H

/*
 * The sync segment of a trace as a list of SSP messages.
 *
 * ssp_kit_read follows every TCP connection of the segment, opens it with the members' key logs and
 * cuts it into messages (docs/spec/ssp.md 1). Only frames that the other member was given count, so
 * "acknowledged" means: the acknowledgement arrived. A message stands at the frame that completed
 * it; because nothing passes between the members but through the switch, comparing frame numbers is
 * comparing cause and effect.
 *
 * One list a case; reading again replaces it, and all pointers into it are then stale.
 */
#include "harness/field/field.h"
#include "harness/field/pkt.h"
#include "harness/run/pair.h"

#define SSP_KIT_NONE SIZE_MAX
#define SSP_KIT_KEEPALIVE PAIR_HELLO /* of the lab's timers */
#define SSP_KIT_LEASE (PAIR_HOLD + 4 * SSP_KIT_KEEPALIVE)

enum ssp_kit_type {
	SSP_KIT_HELLO = 1,
	SSP_KIT_ROLE,
	SSP_KIT_BULK_BEGIN,
	SSP_KIT_BULK_END,
	SSP_KIT_IKE_SA,
	SSP_KIT_IKE_SA_DEL,
	SSP_KIT_IPSEC_SA,
	SSP_KIT_IPSEC_SA_DEL,
	SSP_KIT_RESERVE,
	SSP_KIT_REPLAY,
	SSP_KIT_VOLUME,
	SSP_KIT_DPD,
	SSP_KIT_ACK,
	SSP_KIT_KEEPALIVE_MSG,
	SSP_KIT_RESYNC,
	SSP_KIT_REFUSE,
	SSP_KIT_HIGHEST,
	SSP_KIT_ERROR
};

struct ssp_kit_msg {
	ns_t at;
	size_t frame; /* in the trace */
	enum lab_member from;
	unsigned conn; /* which connection, from 0 */
	unsigned type; /* enum ssp_kit_type, or what was there */
	uint32_t number, epoch;
	uint8_t *bytes; /* of the list */
	size_t len;
};

struct ssp_kit {
	struct ssp_kit_msg *v;
	size_t cnt, cap;
	unsigned conns;
	uint32_t locked; /* records that no key opened */
};

/* Borrowed until the next call; freed at the end of the case. */
const struct ssp_kit *ssp_kit_read(struct world *w);

/* The first message of that type from the member at or behind index `from`; SSP_KIT_NONE. */
size_t ssp_kit_next(const struct ssp_kit *k, size_t from, enum lab_member m, unsigned type);
/* The first at or after an instant. */
size_t ssp_kit_after(const struct ssp_kit *k, ns_t at, enum lab_member m, unsigned type);
size_t ssp_kit_cnt(const struct ssp_kit *k, enum lab_member m, unsigned type, ns_t from, ns_t to);
/* The acknowledgement that covers message i, SSP_KIT_NONE if none came. */
size_t ssp_kit_ack_of(const struct ssp_kit *k, size_t i);
/* Fields of message i ("ssp.spis.inbound"); 0 if it is not there. */
uint64_t ssp_kit_num(const struct ssp_kit *k, size_t i, const char *field);
/* The message taken apart; one at a time. */
const struct msg *ssp_kit_open(const struct ssp_kit *k, size_t i);
/* Does the record speak of the peer's pair (its SPIS; the device's inbound SPI is the peer's
 * outbound)? */
bool ssp_kit_of(const struct ssp_kit *k, size_t i, const struct peer_phase2 *p);
/* The same of an IKE SA (its COOKIES). */
bool ssp_kit_of_ike(const struct ssp_kit *k, size_t i, const struct peer_phase1 *p);
/* As ssp_kit_next, and of that pair. */
size_t ssp_kit_next_of(
	const struct ssp_kit *k, size_t from, unsigned type, const struct peer_phase2 *p);
/* The same of an IKE SA. */
size_t ssp_kit_next_ike(
	const struct ssp_kit *k, size_t from, unsigned type, const struct peer_phase1 *p);

/*
 * Expectations on one field of message i; the difference is told field by field. Numbers; bytes
 * (a key is compared, never printed).
 */
bool ssp_kit_expect(
	struct world *w, const struct ssp_kit *k, size_t i, const char *field, uint64_t want);
bool ssp_kit_expect_key(struct world *w, const struct ssp_kit *k, size_t i, const char *field,
	const struct secret *want);

/* A reservation as it became good: R, at the frame that brought its acknowledgement. */
struct ssp_kit_grant {
	size_t frame;
	ns_t at;
	uint32_t upto;
};
/* Those of A for the pair, in order; how many. */
size_t ssp_kit_grants(
	const struct ssp_kit *k, const struct peer_phase2 *p, struct ssp_kit_grant *v, size_t cap);

/* The first frame in [from, to) in which a member (SSP_KIT_BOTH: either) ends a connection, by FIN
 * or RST, whether or not it arrives; TRACE_NONE. */
#define SSP_KIT_BOTH LAB_MEMBERS
size_t ssp_kit_ended(struct world *w, enum lab_member m, ns_t from, ns_t to);

/* The sync segment cut in two between A and B for a while, then whole again. */
void ssp_kit_cut(struct world *w);
void ssp_kit_mend(struct world *w);
/* A cut that begins exactly after the frame for which match is true, and lasts for `span`. */
bool ssp_kit_cut_after(struct world *w, lab_match *match, void *ctx, ns_t limit, ns_t span);

#endif
