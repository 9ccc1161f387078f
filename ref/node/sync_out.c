/* SPDX-License-Identifier: BSD-2-Clause */
/* What is live here as records for the other member, and the numbers that are stated (ssp.md 2, 6). */
#include <string.h>

#include "ref/node/node_in.h"

/* A message of the sync channel, as it is on the wire: version, type, length, number. */
void
sync_send(struct node *n, const uint8_t *b, size_t len)
{
	struct rd r;
	unsigned type;

	rd_init(&r, b, len);
	rd_skip(&r, 1, "ssp.version");
	type = rd_u8(&r, "ssp.type");
	rd_skip(&r, 6, "ssp.length");
	node_trace(n, NODE_DEBUG_SSP_PACKET, "ssp send", ssp_type_name((enum ssp_type)type),
		n->ssp_cfg ? n->ssp_cfg->remote : 0, rd_u32(&r, "ssp.number"));
	node_emit_bytes(n, NODE_ACT_SSP_SEND, 0, b, len);
}

void
sync_trace(struct node *n, const struct ssp_msg *m, const char *area)
{
	bool ike = m->type == SSP_IKE_SA || m->type == SSP_IKE_SA_DEL || m->type == SSP_DPD;

	if (ike)
		node_trace(n, NODE_DEBUG_IKE_HA_UPDATE, area, ssp_type_name(m->type), m->remote.addr,
			m->number);
	else
		node_trace(n, NODE_DEBUG_IPSEC_HA_UPDATE, area, ssp_type_name(m->type),
			m->spis.peer, m->spis.in);
}

static uint32_t
record(struct node *n, struct ssp_msg *m)
{
	struct ssp_in in = {.kind = SSP_IN_RECORD, .msg = m};
	struct ssp_acts acts;

	ssp_step(&n->ssp, n->now, &in, &acts);
	if (acts.cnt)
		sync_trace(n, m, "ha update");
	for (unsigned i = 0; i < acts.cnt; i++)
		if (acts.v[i].kind == SSP_ACT_SEND)
			sync_send(n, acts.buf + acts.v[i].off, acts.v[i].len);
	wipe(acts.buf, acts.used);
	ssp_msg_wipe(m);
	return acts.number;
}

static struct ssp_proxy
proxy(const struct ike_proxy *p)
{
	return (struct ssp_proxy){p->net.addr, p->net.len, p->proto, p->port};
}

static void
dpd_fill(struct ssp_msg *m, const struct node_ike *k)
{
	struct dpd_export x = {0};

	if (k->dpd_on)
		dpd_export(&k->dpd, &x);
	m->dpd_flags = (uint8_t)((k->copy.dpd ? 1 : 0) | (x.in_flight ? 2 : 0) |
				 (x.have_recv ? 4 : 0) | (x.have_sent ? 8 : 0));
	m->dpd_sent = x.sent_seq;
	m->dpd_received = x.recv_seq;
}

static void
window_fill(struct node *n, struct ssp_msg *m, const struct node_pair *p)
{
	if (!n->ha.inbound)
		return; /* interval 0: the window is not synchronised */
	m->window.top = p->in.window.top;
	m->window.size = p->in.window.size;
	(void)esp_window_export(&p->in.window, m->window.bits);
}

uint32_t
sync_ike(struct node *n, struct node_ike *k)
{
	struct ssp_msg m = {.type = SSP_IKE_SA};
	const struct ike_export *x = &k->copy;

	if (!n->ssp_ike || !n->rules->mirror_ike)
		return 0;
	memcpy(m.cookies, &x->cookies, sizeof m.cookies);
	m.side = x->initiator ? 1 : 2;
	m.local = (struct ssp_endpoint){x->local.addr, x->local.port};
	m.remote = (struct ssp_endpoint){x->remote.addr, x->remote.port};
	m.cipher = x->cipher;
	m.key_bits = x->key_bits;
	m.hash = x->hash;
	m.dh_group = x->group;
	m.skeyid_d = x->skeyid_d;
	m.skeyid_a = x->skeyid_a;
	m.skeyid_e = x->skeyid_e;
	m.cipher_key = x->key;
	secret_set(
		&m.last_block, x->last_block, crypto_block_len(ike_cipher(x->cipher, x->key_bits)));
	m.peer_id_type = x->peer_id_type;
	m.peer_id_len = x->peer_id_len;
	memcpy(m.peer_id, x->peer_id, x->peer_id_len);
	dpd_fill(&m, k);
	m.life_s = x->left_s;
	m.msgid_cnt = (uint8_t)(x->msgid_cnt < SSP_MSGIDS_MAX ? x->msgid_cnt : SSP_MSGIDS_MAX);
	memcpy(m.msgids, x->msgid, m.msgid_cnt * sizeof m.msgids[0]);
	m.confirmed = x->confirmed;
	m.natt = n->rules->mirror_natt ? x->natt : 0;
	return record(n, &m);
}

uint32_t
sync_ike_del(struct node *n, const struct ike_cookies *c)
{
	struct ssp_msg m = {.type = SSP_IKE_SA_DEL};

	if (!n->ssp_ike || !n->rules->mirror_delete)
		return 0;
	memcpy(m.cookies, c, sizeof m.cookies);
	return record(n, &m);
}

/* The first reservation goes with it; what is in the upper half, or spent, is never copied. */
static bool
reserve_fill(struct node *n, struct ssp_msg *m, struct node_pair *p)
{
	struct resv_in in = {.kind = RESV_IN_COPY};
	struct resv_out out;

	if (p->resv.state == RESV_STALE || p->resv.state == RESV_SPENT)
		return false;
	resv_step(&p->resv, n->now, &in, &out);
	m->reserve_kind = out.ask ? 1 : 0;
	m->reserve = out.ask;
	return true;
}

static void
ask_note(struct node_pair *p, uint32_t number, uint32_t upto)
{
	if (!number || !upto)
		return;
	if (p->ask_cnt ==
		NODE_ASKS) { /* the newest covers the older ones: acknowledgements are cumulative */
		p->ask[NODE_ASKS - 1] = (struct node_ask){number, upto};
		return;
	}
	p->ask[p->ask_cnt++] = (struct node_ask){number, upto};
}

static void
pair_fill(struct node *n, struct ssp_msg *m, const struct node_pair *p)
{
	const struct ike_child *c = &p->child;

	memcpy(m->cookies, &c->cookies, sizeof m->cookies);
	m->spis = pairs_spis(p);
	m->side = c->initiator ? 1 : 2;
	m->local = (struct ssp_endpoint){c->local.addr, c->local.port};
	m->remote = (struct ssp_endpoint){c->remote.addr, c->remote.port};
	m->transform = (uint16_t)c->transform;
	m->pfs = c->pfs_group;
	m->enc_in = p->in.enc;
	m->auth_in = p->in.auth;
	m->enc_out = p->out.enc;
	m->auth_out = p->out.auth;
	m->proxy_local = proxy(&c->proxy_local);
	m->proxy_remote = proxy(&c->proxy_remote);
	m->map_seq = c->map_id;
	memcpy(m->map, n->map[p->map].cfg->name, strlen(n->map[p->map].cfg->name));
	m->life_s = esp_life_left_s(&p->out, n->now);
	m->limit_kb = c->lifetime_kb;
	m->volume_in = p->in.bytes;
	m->volume_out = p->out.bytes;
	m->natt = n->rules->mirror_natt ? c->natt : 0;
	window_fill(n, m, p);
}

uint32_t
sync_pair(struct node *n, struct node_pair *p)
{
	struct ssp_msg m = {.type = SSP_IPSEC_SA};
	uint32_t number, upto;

	if (!n->ssp_ipsec || !n->rules->mirror_children || !ssp_copying(&n->ssp) ||
		!reserve_fill(n, &m, p))
		return 0;
	pair_fill(n, &m, p);
	upto = m.reserve;
	number = record(n, &m);
	p->copied = number != 0;
	ask_note(p, number, upto);
	p->in_unreported = 0;
	return number;
}

uint32_t
sync_pair_del(struct node *n, struct node_pair *p)
{
	struct ssp_msg m = {.type = SSP_IPSEC_SA_DEL, .spis = pairs_spis(p)};

	return n->ssp_ipsec && n->rules->mirror_delete ? record(n, &m) : 0;
}

/* What changes of a pair is told to who has it, if that is to be told at all. */
static bool
tells(const struct node *n, const struct node_pair *p, bool rule)
{
	return n->ssp_ipsec && rule && p->copied;
}

uint32_t
sync_reserve(struct node *n, struct node_pair *p, uint32_t upto)
{
	struct ssp_msg m = {
		.type = SSP_RESERVE, .spis = pairs_spis(p), .reserve_kind = 1, .reserve = upto};
	uint32_t number;

	if (!tells(n, p, n->rules->mirror_reserve))
		return 0;
	number = record(n, &m);
	ask_note(p, number, upto);
	return number;
}

uint32_t
sync_replay(struct node *n, struct node_pair *p)
{
	struct ssp_msg m = {.type = SSP_REPLAY, .spis = pairs_spis(p)};

	p->in_unreported = 0;
	if (!tells(n, p, n->rules->mirror_replay && n->ha.inbound))
		return 0;
	window_fill(n, &m, p);
	return record(n, &m);
}

uint32_t
sync_volume(struct node *n, struct node_pair *p)
{
	struct ssp_msg m = {.type = SSP_VOLUME, .spis = pairs_spis(p)};

	p->last_volume_kb = (uint32_t)((p->in.bytes + p->out.bytes) / 1024);
	if (!tells(n, p, n->rules->mirror_volume))
		return 0;
	m.volume_in = p->in.bytes;
	m.volume_out = p->out.bytes;
	return record(n, &m);
}

uint32_t
sync_dpd(struct node *n, struct node_ike *k)
{
	struct ssp_msg m = {.type = SSP_DPD};

	if (!n->ssp_ike || !n->rules->mirror_dpd)
		return 0;
	memcpy(m.cookies, &k->cookies, sizeof m.cookies);
	dpd_fill(&m, k);
	return record(n, &m);
}

void
sync_highest(struct node *n, const struct ssp_spis *s, uint32_t highest)
{
	struct ssp_msg m = {.type = SSP_HIGHEST, .spis = *s, .reserve_kind = 2, .reserve = highest};

	(void)record(n, &m);
}

void
sync_state_highest(struct node *n)
{
	bool told = n->ssp.up && n->ssp.greeted;

	for (unsigned i = 0; i < n->tombstone_cnt; i++)
		sync_highest(n, &n->tombstone[i].spis, n->tombstone[i].highest);
	if (told && n->told_at == NS_NEVER)
		n->told_at = n->now;
	for (unsigned i = 0; i < n->pair_cnt; i++) {
		const struct node_pair *p = &n->pair[i];
		struct ssp_spis s = pairs_spis(p);

		if (p->used && !p->dormant && resv_highest(&p->resv))
			sync_highest(n, &s, resv_highest(&p->resv));
	}
}
