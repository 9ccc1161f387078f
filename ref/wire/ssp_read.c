/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading: bounds in the cursor, one function a family of TLVs, the table says what must be there.
 */
#include <string.h>

#include "ref/wire/ssp_int.h"

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

/* TLVs of the session: HELLO, ROLE, bulk marks, acknowledgements. False if the type is none of
 * them. */
static bool
session_read(struct rd *v, struct ssp_msg *m, unsigned type, unsigned nth)
{
	switch (type) {
	case SSP_T_GROUP:
		m->group = rd_u16(v, "ssp.group");
		return true;
	case SSP_T_ROLE:
		m->role = rd_u8(v, "ssp.role");
		if (m->role > SSP_ROLE_SUSPENDED)
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
	struct secret *s = ssp_secret_of(m, type);

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
	if (type & 0x8000) {
		m->has_optional = true;
		return ERR_OK;
	}
	if (type >= SSP_TLV_CNT || !(ssp_needs[m->type] >> type & 1))
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
	if (!e && (seen != ssp_needs[type] || (clients && clients != SSP_CLIENTS)))
		e = err_set(why, ERR_VALUE, "ssp.tlv.missing", len, "ssp.md 2");
	return e;
}
