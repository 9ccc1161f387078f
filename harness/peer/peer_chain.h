/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_PEER_PEER_CHAIN_H
#define BATON_PEER_PEER_CHAIN_H

/*
 * ISAKMP payloads (RFC 2408 3): chains of them read and written, and what is inside an SA payload.
 * Private to the peer. Read pointers are borrowed from the message.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ref/base/cursor.h"

enum {
	PL_NONE = 0,
	PL_SA = 1,
	PL_PROPOSAL = 2,
	PL_TRANSFORM = 3,
	PL_KE = 4,
	PL_ID = 5,
	PL_CERT = 6,
	PL_CR = 7,
	PL_HASH = 8,
	PL_SIG = 9,
	PL_NONCE = 10,
	PL_NOTIFY = 11,
	PL_DELETE = 12,
	PL_VID = 13,
	PL_NATD = 20
};

struct chain_item {
	uint8_t type;
	const uint8_t *raw; /* with the generic header */
	const uint8_t *body;
	size_t raw_len, len;
};

#define CHAIN_MAX 24
struct chain {
	struct chain_item item[CHAIN_MAX];
	size_t cnt;
	const uint8_t *end; /* behind the last payload: padding starts here */
	const char *bad;
};

/* False, and bad set, if a length is impossible, a reserved octet is not zero, or there are too
 * many. */
bool peer_chain_read(struct chain *c, uint8_t first, const uint8_t *p, size_t len);
/* The n-th (from 0) payload of a type; NULL if there is none. */
const struct chain_item *peer_chain_get(const struct chain *c, uint8_t type, size_t n);
size_t peer_chain_count(const struct chain *c, uint8_t type);

/* Writing: payloads one after the other; next and length fields are filled in. */
struct chain_out {
	struct wr w;
	uint8_t first;	/* type of the first payload */
	size_t next_at; /* where the type of the following one goes; 0: in `first` */
	size_t open_at; /* start of the payload being written */
};

void peer_chain_start(struct chain_out *o, uint8_t *buf, size_t cap);
void peer_chain_open(struct chain_out *o, uint8_t type);
void peer_chain_close(struct chain_out *o);
void peer_chain_put(struct chain_out *o, uint8_t type, const void *body, size_t len);

/* One transform of one proposal, as offered. */
struct offer {
	uint8_t number, protocol, spi_len, transform_no, transform_id;
	const uint8_t *spi;
	const uint8_t *attrs;
	size_t attrs_len;
	const uint8_t *raw; /* the transform payload */
	size_t raw_len;
};
#define OFFER_MAX 48

/* All offers of an SA payload's body. -1 if it is malformed, not the IPsec DOI, or has more. */
int peer_offers_read(const uint8_t *sa, size_t len, struct offer *out, const char **bad);
/* Value of an attribute (up to 4 octets); false if absent. */
bool peer_attr_get(const struct offer *o, uint16_t type, uint32_t *v);
/* True if every attribute is one of the types given, at most once but for life (type, duration). */
bool peer_attrs_known(const struct offer *o, const uint16_t *types, size_t cnt);
/* Duration that follows life type `kind`; false if absent. */
bool peer_attr_life(
	const struct offer *o, uint16_t type_attr, uint16_t value_attr, uint32_t kind, uint32_t *v);
void peer_attr_put(struct wr *w, uint16_t type, uint32_t value);

#endif
