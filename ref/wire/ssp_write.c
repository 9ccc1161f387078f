/* SPDX-License-Identifier: BSD-2-Clause */
/* Writing: the same families, in the order of the TLV numbers. */
#include <string.h>

#include "ref/wire/ssp_int.h"

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
	const struct secret *s = ssp_secret_of(mm, type);
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
		if (!(ssp_needs[m->type] >> t & 1))
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
