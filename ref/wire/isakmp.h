/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_WIRE_ISAKMP_H
#define BATON_WIRE_ISAKMP_H

/*
 * ISAKMP messages (RFC 2408 3), with the contents that IKEv1 (RFC 2409) and the IPsec DOI (RFC
 * 2407) give them: header, payload chain, SA with proposals, transforms and attributes,
 * identification, notification, delete. Bytes to structs and back; what is sensible is the core's
 * business.
 *
 * Decoded structs borrow the message. Reserved octets are reported, not judged
 * (isakmp_payload.reserved).
 */
#include "ref/base/cursor.h"
#include "ref/base/ip4.h"

#define ISAKMP_PORT 500
#define ISAKMP_PORT_NATT 4500
#define ISAKMP_HDR_LEN 28
#define ISAKMP_COOKIE_LEN 8
#define ISAKMP_VERSION 0x10
#define ISAKMP_MSG_MAX 4096 /* longest message that we build or take */

enum isakmp_type {
	ISAKMP_NONE = 0, ISAKMP_SA = 1, ISAKMP_PROPOSAL = 2, ISAKMP_TRANSFORM = 3, ISAKMP_KE = 4,
	ISAKMP_ID = 5, ISAKMP_CERT = 6, ISAKMP_CR = 7, ISAKMP_HASH = 8, ISAKMP_SIG = 9,
	ISAKMP_NONCE = 10, ISAKMP_NOTIFY = 11, ISAKMP_DELETE = 12, ISAKMP_VID = 13,
	ISAKMP_TYPE_KNOWN = 14, /* one more than the last of RFC 2408 3.1 */
	ISAKMP_NAT_D = 20, ISAKMP_NAT_OA = 21, /* RFC 3947 */
	ISAKMP_TYPE_PRIVATE = 128,
};

enum isakmp_exchange {
	ISAKMP_X_MAIN = 2, /* "identity protection" */
	ISAKMP_X_AGGRESSIVE = 4,
	ISAKMP_X_INFO = 5,
	ISAKMP_X_QUICK = 32,
};

enum isakmp_flag { ISAKMP_F_ENCRYPT = 1, ISAKMP_F_COMMIT = 2, ISAKMP_F_AUTH = 4 };

/* Protocol ids (RFC 2407 4.4.1). */
enum isakmp_protocol {
	ISAKMP_P_ISAKMP = 1,
	ISAKMP_P_AH = 2,
	ISAKMP_P_ESP = 3,
	ISAKMP_P_IPCOMP = 4
};

#define ISAKMP_DOI_IPSEC 1u
#define ISAKMP_SIT_IDENTITY_ONLY 1u
#define ISAKMP_KEY_IKE 1 /* transform id of phase 1 (RFC 2407 4.4.2) */

/* Notify types (RFC 2408 3.14.1, RFC 2407 4.6.3, RFC 3706 5.2). */
enum isakmp_notify_type {
	ISAKMP_N_DOI_NOT_SUPPORTED = 2,
	ISAKMP_N_SITUATION_NOT_SUPPORTED = 3,
	ISAKMP_N_INVALID_COOKIE = 4,
	ISAKMP_N_INVALID_MAJOR_VERSION = 5,
	ISAKMP_N_INVALID_EXCHANGE_TYPE = 7,
	ISAKMP_N_INVALID_MESSAGE_ID = 9,
	ISAKMP_N_INVALID_PROTOCOL_ID = 10,
	ISAKMP_N_INVALID_SPI = 11,
	ISAKMP_N_NO_PROPOSAL_CHOSEN = 14,
	ISAKMP_N_PAYLOAD_MALFORMED = 16,
	ISAKMP_N_INVALID_KEY_INFORMATION = 17,
	ISAKMP_N_INVALID_ID_INFORMATION = 18,
	ISAKMP_N_INVALID_HASH_INFORMATION = 23,
	ISAKMP_N_AUTHENTICATION_FAILED = 24,
	ISAKMP_N_STATUS_MIN = 16384, /* from here on: not an error */
	ISAKMP_N_CONNECTED = 16384,
	ISAKMP_N_RESPONDER_LIFETIME = 24576,
	ISAKMP_N_REPLAY_STATUS = 24577,
	ISAKMP_N_INITIAL_CONTACT = 24578,
	ISAKMP_N_R_U_THERE = 36136,
	ISAKMP_N_R_U_THERE_ACK = 36137,
};

/* Phase 1 attributes (RFC 2409 Appendix A). */
enum isakmp_p1_attr {
	ISAKMP_A1_CIPHER = 1, ISAKMP_A1_HASH = 2, ISAKMP_A1_AUTH = 3, ISAKMP_A1_GROUP = 4,
	ISAKMP_A1_LIFE_TYPE = 11, ISAKMP_A1_LIFE = 12, ISAKMP_A1_KEY_BITS = 14,
};
#define ISAKMP_CIPHER_3DES 5
#define ISAKMP_CIPHER_AES 7
#define ISAKMP_AUTH_PSK 1
#define ISAKMP_LIFE_SECONDS 1
#define ISAKMP_LIFE_KB 2

/* Phase 2 attributes (RFC 2407 4.5). */
enum isakmp_p2_attr {
	ISAKMP_A2_LIFE_TYPE = 1, ISAKMP_A2_LIFE = 2, ISAKMP_A2_GROUP = 3, ISAKMP_A2_MODE = 4,
	ISAKMP_A2_AUTH = 5, ISAKMP_A2_KEY_BITS = 6,
};
#define ISAKMP_MODE_TUNNEL 1
#define ISAKMP_MODE_UDP_TUNNEL 3 /* RFC 3947 5.1 */

/* Identification types (RFC 2407 4.6.2.1). */
enum isakmp_id_type { ISAKMP_ID_IPV4 = 1, ISAKMP_ID_FQDN = 2, ISAKMP_ID_IPV4_SUBNET = 4,
	ISAKMP_ID_IPV4_RANGE = 7 };

struct isakmp_hdr {
	uint8_t icookie[ISAKMP_COOKIE_LEN];
	uint8_t rcookie[ISAKMP_COOKIE_LEN];
	uint8_t next;
	uint8_t version;
	uint8_t exchange;
	uint8_t flags;
	uint32_t msgid;
	uint32_t len;
};

/* Header only. ERR_SHORT; ERR_LENGTH if len does not fit the bytes that are there. */
enum err isakmp_hdr_decode(struct rd *r, struct isakmp_hdr *h, struct why *why) MUST_CHECK;
void isakmp_hdr_write(struct wr *w, const struct isakmp_hdr *h);

struct isakmp_payload {
	uint8_t type;
	uint8_t reserved;	 /* the reserved octet: 0 if the sender obeyed 3.2 */
	const uint8_t *whole;	 /* generic header first */
	size_t whole_len;
	struct rd body;		 /* behind the generic header; a copy reads it */
};

#define ISAKMP_PAYLOADS_MAX 24
struct isakmp_payloads {
	struct isakmp_payload v[ISAKMP_PAYLOADS_MAX];
	unsigned cnt;
	const uint8_t *end; /* behind the last payload: padding starts here */
};

/* Walk the chain that starts with type `first` at r. ERR_SHORT, ERR_LENGTH, ERR_FULL. */
enum err isakmp_payloads_decode(struct rd *r, uint8_t first, struct isakmp_payloads *p,
	struct why *why) MUST_CHECK;
/* The n-th payload of a type, from 0; NULL if there are not so many. Borrowed from p. */
const struct isakmp_payload *isakmp_payload_find(const struct isakmp_payloads *p, uint8_t type,
	unsigned n);

/* ---- SA ---- */

struct isakmp_attr {
	uint16_t type; /* without the AF bit */
	bool basic;
	uint16_t len;
	const uint8_t *value; /* len octets: 2 of a basic one */
	uint32_t num;	      /* the value as a number; saturates at UINT32_MAX */
};

/* The next attribute of a list; ERR_OK, or ERR_SHORT. Ask while rd_left(r) > 0. */
enum err isakmp_attr_decode(struct rd *r, struct isakmp_attr *a, struct why *why) MUST_CHECK;
void isakmp_attr_basic(struct wr *w, uint16_t type, uint16_t value);
void isakmp_attr_u32(struct wr *w, uint16_t type, uint32_t value);

struct isakmp_transform {
	uint8_t number;
	uint8_t id;
	uint8_t reserved; /* all reserved octets, or-ed */
	struct rd attrs;
};

struct isakmp_proposal {
	uint8_t number;
	uint8_t protocol;
	uint8_t spi_len;
	const uint8_t *spi;
	uint8_t transform_cnt;
	uint8_t reserved;
	struct rd transforms;
	bool more; /* another proposal follows */
};

struct isakmp_sa {
	uint32_t doi;
	uint32_t situation;
	struct rd proposals;
};

enum err isakmp_sa_decode(const struct isakmp_payload *p, struct isakmp_sa *sa,
	struct why *why) MUST_CHECK;
/* The next proposal (transform); ask while rd_left > 0. */
enum err isakmp_proposal_decode(struct rd *r, struct isakmp_proposal *pr,
	struct why *why) MUST_CHECK;
enum err isakmp_transform_decode(struct rd *r, struct isakmp_transform *t,
	struct why *why) MUST_CHECK;

/* ---- the other payloads ---- */

struct isakmp_id {
	uint8_t type;
	uint8_t protocol;
	uint16_t port;
	const uint8_t *data;
	size_t len;
};
enum err isakmp_id_decode(const struct isakmp_payload *p, struct isakmp_id *id,
	struct why *why) MUST_CHECK;

struct isakmp_notify {
	uint32_t doi;
	uint8_t protocol;
	uint8_t spi_len;
	uint16_t type;
	const uint8_t *spi;
	const uint8_t *data;
	size_t data_len;
};
enum err isakmp_notify_decode(const struct isakmp_payload *p, struct isakmp_notify *n,
	struct why *why) MUST_CHECK;

struct isakmp_delete {
	uint32_t doi;
	uint8_t protocol;
	uint8_t spi_len;
	uint16_t spi_cnt;
	const uint8_t *spis; /* spi_cnt * spi_len octets */
};
enum err isakmp_delete_decode(const struct isakmp_payload *p, struct isakmp_delete *d,
	struct why *why) MUST_CHECK;

/* ---- building ---- */

/*
 * A message under construction: payloads are chained by their types as they are begun. Lengths are
 * filled in by _end, which closes the open payload, and by isakmp_build_done.
 */
struct isakmp_build {
	struct wr *w;
	size_t start;	 /* of the header */
	size_t next_at;	 /* where the type of the next payload goes */
	size_t payload;	 /* start of the open one, 0 none */
};

/* Write the header (its next payload and length are filled in later). */
void isakmp_build_init(struct isakmp_build *b, struct wr *w, const struct isakmp_hdr *h);
void isakmp_build_begin(struct isakmp_build *b, enum isakmp_type type);
void isakmp_build_end(struct isakmp_build *b);
/* A whole payload whose body is these bytes. */
void isakmp_build_bytes(
	struct isakmp_build *b, enum isakmp_type type, const void *body, size_t len);
void isakmp_build_notify(struct isakmp_build *b, uint8_t protocol, uint16_t type, const void *spi,
	size_t spi_len, const void *data, size_t len);
void isakmp_build_delete(struct isakmp_build *b, uint8_t protocol, const void *spi, size_t spi_len);
void isakmp_build_id(struct isakmp_build *b, const struct isakmp_id *id);
/* Set the header's length to what has been written since. */
void isakmp_build_done(struct isakmp_build *b);

extern const uint8_t isakmp_vid_dpd[16];  /* RFC 3706 5.1 */
extern const uint8_t isakmp_vid_natt[16]; /* RFC 3947 3.1 */

#endif
