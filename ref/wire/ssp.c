/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "ref/wire/ssp_int.h"

#define BIT(t) ((uint64_t)1 << SSP_T_##t)

const uint64_t ssp_needs[SSP_TYPE_CNT] = {
	[SSP_HELLO] = BIT(GROUP) | BIT(ROLE) | BIT(INSTANCE) | BIT(KEEPALIVE) | BIT(LEASE) |
		      BIT(CLIENT),
	[SSP_ROLE] = BIT(ROLE),
	[SSP_BULK_BEGIN] = BIT(COUNT),
	[SSP_BULK_END] = BIT(COUNT),
	[SSP_IKE_SA] = BIT(COOKIES) | BIT(SIDE) | BIT(LOCAL) | BIT(REMOTE) | BIT(PHASE1) |
		       BIT(SKEYID_D) | BIT(SKEYID_A) | BIT(SKEYID_E) | BIT(CIPHER_KEY) |
		       BIT(LAST_BLOCK) | BIT(PEER_ID) | BIT(NATT) | BIT(DPD) | BIT(LIFE) |
		       BIT(MSGIDS) | BIT(CONFIRMED),
	[SSP_IKE_SA_DEL] = BIT(COOKIES),
	[SSP_IPSEC_SA] = BIT(COOKIES) | BIT(SPIS) | BIT(SIDE) | BIT(LOCAL) | BIT(REMOTE) |
			 BIT(TRANSFORM) | BIT(ENC_IN) | BIT(AUTH_IN) | BIT(ENC_OUT) |
			 BIT(AUTH_OUT) | BIT(PROXY_LOCAL) | BIT(PROXY_REMOTE) | BIT(MAP) |
			 BIT(NATT) | BIT(LIFE) | BIT(LIMITS) | BIT(RESERVE) | BIT(WINDOW) | BIT(VOLUME),
	[SSP_IPSEC_SA_DEL] = BIT(SPIS),
	[SSP_RESERVE] = BIT(SPIS) | BIT(RESERVE),
	[SSP_REPLAY] = BIT(SPIS) | BIT(WINDOW),
	[SSP_VOLUME] = BIT(SPIS) | BIT(VOLUME),
	[SSP_DPD] = BIT(COOKIES) | BIT(DPD),
	[SSP_ACK] = BIT(ACKED) | BIT(TIME) | BIT(ECHO),
	[SSP_KEEPALIVE] = BIT(TIME) | BIT(ECHO),
	[SSP_RESYNC] = BIT(REASON),
	[SSP_REFUSE] = BIT(ACKED) | BIT(REASON),
	[SSP_HIGHEST] = BIT(SPIS) | BIT(RESERVE),
	[SSP_ERROR] = BIT(REASON) | BIT(ACKED),
};

bool
ssp_acknowledged(enum ssp_type t)
{
	return t >= SSP_BULK_BEGIN && t <= SSP_DPD;
}

const char *
ssp_type_name(enum ssp_type t)
{
	static const char *const names[SSP_TYPE_CNT] = {
		[SSP_HELLO] = "HELLO", [SSP_ROLE] = "ROLE", [SSP_BULK_BEGIN] = "BULK_BEGIN",
		[SSP_BULK_END] = "BULK_END", [SSP_IKE_SA] = "IKE_SA",
		[SSP_IKE_SA_DEL] = "IKE_SA_DEL", [SSP_IPSEC_SA] = "IPSEC_SA",
		[SSP_IPSEC_SA_DEL] = "IPSEC_SA_DEL", [SSP_RESERVE] = "RESERVE",
		[SSP_REPLAY] = "REPLAY", [SSP_VOLUME] = "VOLUME", [SSP_DPD] = "DPD",
		[SSP_ACK] = "ACK", [SSP_KEEPALIVE] = "KEEPALIVE", [SSP_RESYNC] = "RESYNC",
		[SSP_REFUSE] = "REFUSE", [SSP_HIGHEST] = "HIGHEST", [SSP_ERROR] = "ERROR",
	};

	return (unsigned)t < SSP_TYPE_CNT && names[t] ? names[t] : "?";
}

const char *
ssp_role_name(enum ssp_role r)
{
	static const char *const names[] = {
		[SSP_ROLE_NEITHER] = "neither", [SSP_ROLE_ACTIVE] = "active",
		[SSP_ROLE_STANDBY] = "standby", [SSP_ROLE_SUSPENDED] = "suspended"};

	return (unsigned)r < sizeof names / sizeof *names ? names[r] : "?";
}

const char *
ssp_reason_name(unsigned reason)
{
	static const char *const names[] = {
		[0] = "none", [SSP_WHY_GAP] = "gap", [SSP_WHY_UNKNOWN_SA] = "unknown SA",
		[SSP_WHY_OPERATOR] = "operator", [SSP_WHY_ACTIVE] = "I am active",
		[SSP_WHY_EPOCH] = "stale epoch", [SSP_WHY_MALFORMED] = "malformed",
		[SSP_WHY_VERSION] = "unsupported version", [SSP_WHY_GROUP] = "wrong group",
		[SSP_WHY_NO_ROOM] = "no room", [SSP_WHY_UNEXPECTED] = "unexpected message",
	};

	return reason < sizeof names / sizeof *names ? names[reason] : "?";
}

void
ssp_msg_wipe(struct ssp_msg *m)
{
	wipe(m, sizeof *m);
}

enum err
ssp_frame(const uint8_t *bytes, size_t have, size_t *len, struct why *why)
{
	struct rd r;
	uint8_t version;
	uint32_t body;

	rd_init(&r, bytes, have);
	version = rd_u8(&r, "ssp.version");
	rd_skip(&r, 3, "ssp.type");
	body = rd_u32(&r, "ssp.length");
	if (have >= 1 && version != SSP_VERSION)
		return err_set(why, ERR_VALUE, "ssp.version", 0, CLAUSE);
	if (have < SSP_HDR_LEN)
		return err_set(why, ERR_SHORT, "ssp.header", have, CLAUSE);
	if (body > SSP_BODY_MAX)
		return err_set(why, ERR_LENGTH, "ssp.length", 4, CLAUSE);
	*len = SSP_HDR_LEN + body;
	if (have < *len)
		return err_set(why, ERR_SHORT, "ssp.body", have, CLAUSE);
	return ERR_OK;
}

struct secret *
ssp_secret_of(struct ssp_msg *m, unsigned type)
{
	switch (type) {
	case SSP_T_SKEYID_D:
		return &m->skeyid_d;
	case SSP_T_SKEYID_A:
		return &m->skeyid_a;
	case SSP_T_SKEYID_E:
		return &m->skeyid_e;
	case SSP_T_CIPHER_KEY:
		return &m->cipher_key;
	case SSP_T_LAST_BLOCK:
		return &m->last_block;
	case SSP_T_ENC_IN:
		return &m->enc_in;
	case SSP_T_AUTH_IN:
		return &m->auth_in;
	case SSP_T_ENC_OUT:
		return &m->enc_out;
	case SSP_T_AUTH_OUT:
		return &m->auth_out;
	default:
		return NULL;
	}
}
