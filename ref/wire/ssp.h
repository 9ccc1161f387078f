/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_WIRE_SSP_H
#define BATON_WIRE_SSP_H

/*
 * The messages of SSP (docs/spec/ssp.md): a 16-octet header and TLVs. One table says which TLVs each
 * message must have; decoding and encoding both go by it, so what is written can always be read.
 */
#include "ref/base/cursor.h"
#include "ref/base/ip4.h"
#include "ref/base/secret.h"

#define SSP_VERSION 1
#define SSP_HDR_LEN 16
#define SSP_BODY_MAX 4096
#define SSP_MSG_MAX (SSP_HDR_LEN + SSP_BODY_MAX)

enum ssp_type {
	SSP_HELLO = 1, SSP_ROLE, SSP_BULK_BEGIN, SSP_BULK_END, SSP_IKE_SA, SSP_IKE_SA_DEL,
	SSP_IPSEC_SA, SSP_IPSEC_SA_DEL, SSP_RESERVE, SSP_REPLAY, SSP_VOLUME, SSP_DPD, SSP_ACK,
	SSP_KEEPALIVE, SSP_RESYNC, SSP_REFUSE, SSP_HIGHEST, SSP_ERROR, SSP_TYPE_CNT
};

enum ssp_tlv {
	SSP_T_GROUP = 1, SSP_T_ROLE, SSP_T_INSTANCE, SSP_T_KEEPALIVE, SSP_T_LEASE, SSP_T_CLIENT,
	SSP_T_COUNT, SSP_T_COOKIES, SSP_T_SIDE, SSP_T_LOCAL, SSP_T_REMOTE, SSP_T_PHASE1,
	SSP_T_SKEYID_D, SSP_T_SKEYID_A, SSP_T_SKEYID_E, SSP_T_CIPHER_KEY, SSP_T_LAST_BLOCK,
	SSP_T_PEER_ID, SSP_T_NATT, SSP_T_DPD, SSP_T_LIFE, SSP_T_MSGIDS, SSP_T_CONFIRMED,
	SSP_T_SPIS, SSP_T_TRANSFORM, SSP_T_ENC_IN, SSP_T_AUTH_IN, SSP_T_ENC_OUT, SSP_T_AUTH_OUT,
	SSP_T_PROXY_LOCAL, SSP_T_PROXY_REMOTE, SSP_T_MAP, SSP_T_LIMITS, SSP_T_RESERVE,
	SSP_T_WINDOW, SSP_T_VOLUME, SSP_T_ACKED, SSP_T_TIME, SSP_T_ECHO, SSP_T_REASON,
	SSP_TLV_CNT
};

enum ssp_role { SSP_ROLE_NEITHER, SSP_ROLE_ACTIVE, SSP_ROLE_STANDBY, SSP_ROLE_SUSPENDED };

enum ssp_reason {
	SSP_WHY_GAP = 1, SSP_WHY_UNKNOWN_SA, SSP_WHY_OPERATOR, SSP_WHY_ACTIVE, SSP_WHY_EPOCH,
	SSP_WHY_MALFORMED, SSP_WHY_VERSION, SSP_WHY_GROUP, SSP_WHY_NO_ROOM, SSP_WHY_UNEXPECTED
};

#define SSP_CLIENTS 2
#define SSP_MSGIDS_MAX 32
#define SSP_ID_MAX 64
#define SSP_MAP_MAX 32
#define SSP_WINDOW_OCTETS 128

struct ssp_endpoint {
	ip4_t addr;
	uint16_t port;
};

struct ssp_proxy {
	ip4_t addr;
	uint8_t len; /* prefix length */
	uint8_t proto;
	uint16_t port;
};

/* SPIS: which SA pair. */
struct ssp_spis {
	ip4_t peer;
	uint32_t in, out;
};

struct ssp_window {
	uint32_t top;
	uint16_t size; /* bits */
	uint8_t bits[SSP_WINDOW_OCTETS]; /* as on the wire: size / 8 octets */
};

struct ssp_msg {
	bool has_optional; /* TLVs that are unknown and may be ignored */
	enum ssp_type type;
	uint32_t number;
	uint32_t epoch;

	uint16_t group;
	uint8_t role; /* enum ssp_role */
	uint64_t instance;
	uint32_t keepalive_ms, lease_ms;
	struct {
		uint32_t doi;
		uint16_t version;
	} client[SSP_CLIENTS];
	uint32_t count;
	uint8_t cookies[16];
	uint8_t side; /* 1 initiator, 2 responder */
	struct ssp_endpoint local, remote;
	uint16_t cipher, key_bits, hash, dh_group; /* PHASE1 */
	struct secret skeyid_d, skeyid_a, skeyid_e, cipher_key, last_block;
	uint8_t peer_id_type, peer_id[SSP_ID_MAX];
	uint8_t peer_id_len;
	uint8_t natt;
	uint8_t dpd_flags; /* 1 capable, 2 in flight, 4 received one */
	uint32_t dpd_sent, dpd_received;
	uint32_t life_s;
	uint32_t msgids[SSP_MSGIDS_MAX];
	uint8_t msgid_cnt;
	uint8_t confirmed;
	struct ssp_spis spis;
	uint16_t transform, pfs;
	struct secret enc_in, auth_in, enc_out, auth_out;
	struct ssp_proxy proxy_local, proxy_remote;
	uint32_t map_seq;
	char map[SSP_MAP_MAX + 1];
	uint32_t limit_kb;
	uint8_t reserve_kind; /* 0 none, 1 reserved up to, 2 highest sent */
	uint32_t reserve;
	struct ssp_window window;
	uint64_t volume_in, volume_out;
	uint32_t acked;
	uint64_t time_ms, echo_ms;
	uint16_t reason; /* enum ssp_reason */
};

/*
 * Is a whole message at the start of these bytes? Sets *len to its length when the header is there.
 * ERR_SHORT: more bytes are needed. ERR_VALUE: not a message of this version. ERR_LENGTH: too long.
 */
enum err ssp_frame(const uint8_t *bytes, size_t have, size_t *len, struct why *why) MUST_CHECK;
/* Decode exactly one message. On refusal *m holds nothing of use and must still be wiped. */
enum err ssp_decode(const uint8_t *bytes, size_t len, struct ssp_msg *m, struct why *why) MUST_CHECK;
/* Encode into w what the message's type demands; ERR_FULL if it does not fit. */
enum err ssp_encode(struct wr *w, const struct ssp_msg *m) MUST_CHECK;
/* Wipe the keys, and all else. */
void ssp_msg_wipe(struct ssp_msg *m);
/* Is this type answered by ACK? */
bool ssp_acknowledged(enum ssp_type t);
const char *ssp_type_name(enum ssp_type t);
const char *ssp_role_name(enum ssp_role r);
const char *ssp_reason_name(unsigned reason);

#endif
