/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "ref/wire/ssp.h"

#define BIT(t) ((uint64_t)1 << SSP_T_##t)
#define CLAUSE "ssp.md 1"

static const uint64_t needs[SSP_TYPE_CNT] = {
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
			 BIT(LIFE) | BIT(LIMITS) | BIT(RESERVE) | BIT(WINDOW) | BIT(VOLUME),
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

static void
secret_read(struct rd *v, struct secret *s, const char *field)
{
	size_t n = rd_left(v);

	if (n > SECRET_MAX) {
		rd_fail(v, field);
		return;
	}
	rd_copy(v, s->b, n, field);
	s->len = (uint8_t)n;
}

static void
endpoint_read(struct rd *v, struct ssp_endpoint *e, const char *field)
{
	e->addr = rd_u32(v, field);
	e->port = rd_u16(v, field);
}

static void
proxy_read(struct rd *v, struct ssp_proxy *p, const char *field)
{
	p->addr = rd_u32(v, field);
	p->len = rd_u8(v, field);
	p->proto = rd_u8(v, field);
	p->port = rd_u16(v, field);
	if (p->len > 32)
		rd_fail(v, field);
}

static void
msgids_read(struct rd *v, struct ssp_msg *m)
{
	while (rd_left(v) && m->msgid_cnt < SSP_MSGIDS_MAX)
		m->msgids[m->msgid_cnt++] = rd_u32(v, "ssp.msgids");
}

static void
map_read(struct rd *v, struct ssp_msg *m)
{
	size_t n;

	m->map_seq = rd_u32(v, "ssp.map");
	n = rd_left(v);
	if (n > SSP_MAP_MAX) {
		rd_fail(v, "ssp.map");
		return;
	}
	rd_copy(v, m->map, n, "ssp.map");
}

static void
window_read(struct rd *v, struct ssp_window *w)
{
	w->top = rd_u32(v, "ssp.window.top");
	w->size = rd_u16(v, "ssp.window.size");
	if (w->size % 8 || w->size > 8 * SSP_WINDOW_OCTETS)
		rd_fail(v, "ssp.window.size");
	else
		rd_copy(v, w->bits, w->size / 8u, "ssp.window.bits");
}

static void
peer_id_read(struct rd *v, struct ssp_msg *m)
{
	size_t n;

	m->peer_id_type = rd_u8(v, "ssp.peer_id");
	n = rd_left(v);
	if (n > SSP_ID_MAX) {
		rd_fail(v, "ssp.peer_id");
		return;
	}
	rd_copy(v, m->peer_id, n, "ssp.peer_id");
	m->peer_id_len = (uint8_t)n;
}

/* TLVs that are keys, by type; NULL for the others. */
static struct secret *
secret_of(struct ssp_msg *m, unsigned type)
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

/* TLVs of the session: HELLO, ROLE, bulk marks, acknowledgements. False if the type is none of them. */
static bool
session_read(struct rd *v, struct ssp_msg *m, unsigned type, unsigned nth)
{
	switch (type) {
	case SSP_T_GROUP:
		m->group = rd_u16(v, "ssp.group");
		return true;
	case SSP_T_ROLE:
		m->role = rd_u8(v, "ssp.role");
		if (m->role > SSP_ROLE_STANDBY)
			rd_fail(v, "ssp.role");
		return true;
	case SSP_T_INSTANCE:
		m->instance = rd_u64(v, "ssp.instance");
		return true;
	case SSP_T_KEEPALIVE:
		m->keepalive_ms = rd_u32(v, "ssp.keepalive");
		return true;
	case SSP_T_LEASE:
		m->lease_ms = rd_u32(v, "ssp.lease");
		return true;
	case SSP_T_CLIENT:
		m->client[nth].doi = rd_u32(v, "ssp.client");
		m->client[nth].version = rd_u16(v, "ssp.client");
		return true;
	case SSP_T_COUNT:
		m->count = rd_u32(v, "ssp.count");
		return true;
	case SSP_T_ACKED:
		m->acked = rd_u32(v, "ssp.acked");
		return true;
	case SSP_T_TIME:
		m->time_ms = rd_u64(v, "ssp.time");
		return true;
	case SSP_T_ECHO:
		m->echo_ms = rd_u64(v, "ssp.echo");
		return true;
	case SSP_T_REASON:
		m->reason = rd_u16(v, "ssp.reason");
		return true;
	default:
		return false;
	}
}

/* TLVs of an IKE SA. */
static bool
ike_read(struct rd *v, struct ssp_msg *m, unsigned type)
{
	switch (type) {
	case SSP_T_COOKIES:
		rd_copy(v, m->cookies, sizeof m->cookies, "ssp.cookies");
		return true;
	case SSP_T_SIDE:
		m->side = rd_u8(v, "ssp.side");
		if (m->side != 1 && m->side != 2)
			rd_fail(v, "ssp.side");
		return true;
	case SSP_T_LOCAL:
		endpoint_read(v, &m->local, "ssp.local");
		return true;
	case SSP_T_REMOTE:
		endpoint_read(v, &m->remote, "ssp.remote");
		return true;
	case SSP_T_PHASE1:
		m->cipher = rd_u16(v, "ssp.phase1.cipher");
		m->key_bits = rd_u16(v, "ssp.phase1.keybits");
		m->hash = rd_u16(v, "ssp.phase1.hash");
		m->dh_group = rd_u16(v, "ssp.phase1.group");
		return true;
	case SSP_T_PEER_ID:
		peer_id_read(v, m);
		return true;
	case SSP_T_NATT:
		m->natt = rd_u8(v, "ssp.natt");
		return true;
	case SSP_T_DPD:
		m->dpd_flags = rd_u8(v, "ssp.dpd.flags");
		m->dpd_sent = rd_u32(v, "ssp.dpd.sent");
		m->dpd_received = rd_u32(v, "ssp.dpd.received");
		return true;
	case SSP_T_LIFE:
		m->life_s = rd_u32(v, "ssp.life");
		return true;
	case SSP_T_MSGIDS:
		msgids_read(v, m);
		return true;
	case SSP_T_CONFIRMED:
		m->confirmed = rd_u8(v, "ssp.confirmed");
		return true;
	default:
		return false;
	}
}

/* TLVs of an SA pair. */
static bool
ipsec_read(struct rd *v, struct ssp_msg *m, unsigned type)
{
	switch (type) {
	case SSP_T_SPIS:
		m->spis.peer = rd_u32(v, "ssp.spis.peer");
		m->spis.in = rd_u32(v, "ssp.spis.in");
		m->spis.out = rd_u32(v, "ssp.spis.out");
		return true;
	case SSP_T_TRANSFORM:
		m->transform = rd_u16(v, "ssp.transform");
		m->pfs = rd_u16(v, "ssp.transform.pfs");
		return true;
	case SSP_T_PROXY_LOCAL:
		proxy_read(v, &m->proxy_local, "ssp.proxy_local");
		return true;
	case SSP_T_PROXY_REMOTE:
		proxy_read(v, &m->proxy_remote, "ssp.proxy_remote");
		return true;
	case SSP_T_MAP:
		map_read(v, m);
		return true;
	case SSP_T_LIMITS:
		m->limit_kb = rd_u32(v, "ssp.limits");
		return true;
	case SSP_T_RESERVE:
		m->reserve_kind = rd_u8(v, "ssp.reserve.kind");
		m->reserve = rd_u32(v, "ssp.reserve");
		if (m->reserve_kind > 2)
			rd_fail(v, "ssp.reserve.kind");
		return true;
	case SSP_T_WINDOW:
		window_read(v, &m->window);
		return true;
	case SSP_T_VOLUME:
		m->volume_in = rd_u64(v, "ssp.volume.in");
		m->volume_out = rd_u64(v, "ssp.volume.out");
		return true;
	default:
		return false;
	}
}

static enum err
value_read(struct rd *v, struct ssp_msg *m, unsigned type, unsigned nth, size_t at, struct why *why)
{
	struct secret *s = secret_of(m, type);

	if (s)
		secret_read(v, s, "ssp.key");
	else if (!session_read(v, m, type, nth) && !ike_read(v, m, type) && !ipsec_read(v, m, type))
		return err_set(why, ERR_UNKNOWN, "ssp.tlv", at, CLAUSE);
	if (v->bad)
		return err_set(why, ERR_LENGTH, v->bad, v->bad_at, CLAUSE);
	if (rd_left(v))
		return err_set(why, ERR_LENGTH, "ssp.tlv.length", at + 2, CLAUSE);
	return ERR_OK;
}

/* One TLV; *seen collects the types, *clients counts the TLV that comes twice. */
static enum err
tlv_read(struct rd *r, struct ssp_msg *m, uint64_t *seen, unsigned *clients, struct why *why)
{
	size_t at = rd_offset(r);
	unsigned type = rd_u16(r, "ssp.tlv.type");
	size_t len = rd_u16(r, "ssp.tlv.length");
	struct rd v = rd_sub(r, len, "ssp.tlv.value");
	unsigned nth = 0;

	if (r->bad)
		return err_set(why, ERR_LENGTH, r->bad, r->bad_at, CLAUSE);
	if (type & 0x8000)
		return ERR_OK;
	if (type >= SSP_TLV_CNT || !(needs[m->type] >> type & 1))
		return err_set(why, ERR_UNKNOWN, "ssp.tlv.type", at, CLAUSE);
	if (type == SSP_T_CLIENT)
		nth = (*clients)++;
	if (type == SSP_T_CLIENT ? *clients > SSP_CLIENTS : *seen >> type & 1)
		return err_set(why, ERR_VALUE, "ssp.tlv.repeated", at, CLAUSE);
	*seen |= (uint64_t)1 << type;
	return value_read(&v, m, type, nth, at, why);
}

enum err
ssp_decode(const uint8_t *bytes, size_t len, struct ssp_msg *m, struct why *why)
{
	uint64_t seen = 0;
	unsigned clients = 0, type;
	size_t whole;
	struct rd r;
	enum err e = ssp_frame(bytes, len, &whole, why);

	memset(m, 0, sizeof *m);
	if (e)
		return e;
	if (whole != len)
		return err_set(why, ERR_LENGTH, "ssp.length", 4, CLAUSE);
	rd_init(&r, bytes, len);
	rd_skip(&r, 1, "ssp.version");
	type = rd_u8(&r, "ssp.type");
	rd_skip(&r, 6, "ssp.length");
	m->number = rd_u32(&r, "ssp.number");
	m->epoch = rd_u32(&r, "ssp.epoch");
	if (type == 0 || type >= SSP_TYPE_CNT)
		return err_set(why, ERR_UNKNOWN, "ssp.type", 1, "ssp.md 2");
	m->type = (enum ssp_type)type;
	while (!e && rd_left(&r))
		e = tlv_read(&r, m, &seen, &clients, why);
	if (!e && (seen != needs[type] || (clients && clients != SSP_CLIENTS)))
		e = err_set(why, ERR_VALUE, "ssp.tlv.missing", len, "ssp.md 2");
	return e;
}

static size_t
tlv_open(struct wr *w, unsigned type)
{
	wr_u16(w, (uint16_t)type);
	wr_u16(w, 0);
	return w->len;
}

static void
tlv_close(struct wr *w, size_t at)
{
	if (!w->bad)
		wr_patch_u16(w, at - 2, (uint16_t)(w->len - at));
}

static void
endpoint_write(struct wr *w, const struct ssp_endpoint *e)
{
	wr_u32(w, e->addr);
	wr_u16(w, e->port);
}

static void
proxy_write(struct wr *w, const struct ssp_proxy *p)
{
	wr_u32(w, p->addr);
	wr_u8(w, p->len);
	wr_u8(w, p->proto);
	wr_u16(w, p->port);
}

static void
session_write(struct wr *w, const struct ssp_msg *m, unsigned type)
{
	switch (type) {
	case SSP_T_GROUP:
		wr_u16(w, m->group);
		break;
	case SSP_T_ROLE:
		wr_u8(w, m->role);
		break;
	case SSP_T_INSTANCE:
		wr_u64(w, m->instance);
		break;
	case SSP_T_KEEPALIVE:
		wr_u32(w, m->keepalive_ms);
		break;
	case SSP_T_LEASE:
		wr_u32(w, m->lease_ms);
		break;
	case SSP_T_COUNT:
		wr_u32(w, m->count);
		break;
	case SSP_T_ACKED:
		wr_u32(w, m->acked);
		break;
	case SSP_T_TIME:
		wr_u64(w, m->time_ms);
		break;
	case SSP_T_ECHO:
		wr_u64(w, m->echo_ms);
		break;
	case SSP_T_REASON:
		wr_u16(w, m->reason);
		break;
	}
}

static void
ike_write(struct wr *w, const struct ssp_msg *m, unsigned type)
{
	switch (type) {
	case SSP_T_COOKIES:
		wr_bytes(w, m->cookies, sizeof m->cookies);
		break;
	case SSP_T_SIDE:
		wr_u8(w, m->side);
		break;
	case SSP_T_LOCAL:
		endpoint_write(w, &m->local);
		break;
	case SSP_T_REMOTE:
		endpoint_write(w, &m->remote);
		break;
	case SSP_T_PHASE1:
		wr_u16(w, m->cipher);
		wr_u16(w, m->key_bits);
		wr_u16(w, m->hash);
		wr_u16(w, m->dh_group);
		break;
	case SSP_T_PEER_ID:
		wr_u8(w, m->peer_id_type);
		wr_bytes(w, m->peer_id, m->peer_id_len);
		break;
	case SSP_T_NATT:
		wr_u8(w, m->natt);
		break;
	case SSP_T_DPD:
		wr_u8(w, m->dpd_flags);
		wr_u32(w, m->dpd_sent);
		wr_u32(w, m->dpd_received);
		break;
	case SSP_T_LIFE:
		wr_u32(w, m->life_s);
		break;
	case SSP_T_MSGIDS:
		for (unsigned i = 0; i < m->msgid_cnt; i++)
			wr_u32(w, m->msgids[i]);
		break;
	case SSP_T_CONFIRMED:
		wr_u8(w, m->confirmed);
		break;
	}
}

static void
ipsec_write(struct wr *w, const struct ssp_msg *m, unsigned type)
{
	switch (type) {
	case SSP_T_SPIS:
		wr_u32(w, m->spis.peer);
		wr_u32(w, m->spis.in);
		wr_u32(w, m->spis.out);
		break;
	case SSP_T_TRANSFORM:
		wr_u16(w, m->transform);
		wr_u16(w, m->pfs);
		break;
	case SSP_T_PROXY_LOCAL:
		proxy_write(w, &m->proxy_local);
		break;
	case SSP_T_PROXY_REMOTE:
		proxy_write(w, &m->proxy_remote);
		break;
	case SSP_T_MAP:
		wr_u32(w, m->map_seq);
		wr_bytes(w, m->map, strlen(m->map));
		break;
	case SSP_T_LIMITS:
		wr_u32(w, m->limit_kb);
		break;
	case SSP_T_RESERVE:
		wr_u8(w, m->reserve_kind);
		wr_u32(w, m->reserve);
		break;
	case SSP_T_WINDOW:
		wr_u32(w, m->window.top);
		wr_u16(w, m->window.size);
		wr_bytes(w, m->window.bits, m->window.size / 8u);
		break;
	case SSP_T_VOLUME:
		wr_u64(w, m->volume_in);
		wr_u64(w, m->volume_out);
		break;
	}
}

static void
tlv_write(struct wr *w, const struct ssp_msg *m, unsigned type)
{
	struct ssp_msg *mm = (struct ssp_msg *)(uintptr_t)m; /* only to find the field */
	const struct secret *s = secret_of(mm, type);
	size_t at = tlv_open(w, type);

	if (s)
		wr_bytes(w, s->b, s->len);
	session_write(w, m, type);
	ike_write(w, m, type);
	ipsec_write(w, m, type);
	tlv_close(w, at);
}

static void
clients_write(struct wr *w, const struct ssp_msg *m)
{
	for (unsigned i = 0; i < SSP_CLIENTS; i++) {
		size_t at = tlv_open(w, SSP_T_CLIENT);

		wr_u32(w, m->client[i].doi);
		wr_u16(w, m->client[i].version);
		tlv_close(w, at);
	}
}

enum err
ssp_encode(struct wr *w, const struct ssp_msg *m)
{
	size_t start = w->len;

	wr_u8(w, SSP_VERSION);
	wr_u8(w, (uint8_t)m->type);
	wr_u16(w, 0);
	wr_u32(w, 0);
	wr_u32(w, m->number);
	wr_u32(w, m->epoch);
	for (unsigned t = 1; t < SSP_TLV_CNT; t++) {
		if (!(needs[m->type] >> t & 1))
			continue;
		if (t == SSP_T_CLIENT)
			clients_write(w, m);
		else
			tlv_write(w, m, t);
	}
	if (!w->bad)
		wr_patch_u32(w, start + 4, (uint32_t)(w->len - start - SSP_HDR_LEN));
	return wr_done(w);
}
