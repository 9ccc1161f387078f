/* SPDX-License-Identifier: BSD-2-Clause */
/* The SSP session: its actions, and what is live here as records for the standby. */
#include <string.h>

#include "ref/node/node_in.h"

/* A message of the sync channel, as it is on the wire: version, type, length, number. */
static void
send_bytes(struct node *n, const uint8_t *b, size_t len)
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

static void
trace_record(struct node *n, const struct ssp_msg *m, const char *area)
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
		trace_record(n, m, "ha update");
	for (unsigned i = 0; i < acts.cnt; i++)
		if (acts.v[i].kind == SSP_ACT_SEND)
			send_bytes(n, acts.buf + acts.v[i].off, acts.v[i].len);
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

uint32_t
sync_reserve(struct node *n, struct node_pair *p, uint32_t upto)
{
	struct ssp_msg m = {
		.type = SSP_RESERVE, .spis = pairs_spis(p), .reserve_kind = 1, .reserve = upto};
	uint32_t number;

	if (!n->ssp_ipsec || !n->rules->mirror_reserve || !p->copied)
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
	if (!n->ssp_ipsec || !n->rules->mirror_replay || !n->ha.inbound || !p->copied)
		return 0;
	window_fill(n, &m, p);
	return record(n, &m);
}

uint32_t
sync_volume(struct node *n, struct node_pair *p)
{
	struct ssp_msg m = {.type = SSP_VOLUME, .spis = pairs_spis(p)};

	p->last_volume_kb = (uint32_t)((p->in.bytes + p->out.bytes) / 1024);
	if (!n->ssp_ipsec || !n->rules->mirror_volume || !p->copied)
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

static void
bulk(struct node *n)
{
	struct ssp_in done = {.kind = SSP_IN_BULK_DONE};

	for (unsigned i = 0; i < n->ike_cnt; i++) {
		struct node_ike *k = &n->ike[i];
		const struct ike_sa *sa = k->used ? ike_sa_find(&n->ike_core, &k->cookies) : NULL;

		if (!sa)
			continue;
		ike_export(&n->ike_core, sa, n->now, &k->copy);
		done.count += sync_ike(n, k) != 0;
	}
	for (unsigned i = 0; i < n->pair_cnt; i++) {
		struct node_pair *p = &n->pair[i];

		if (p->used && !p->dormant) {
			p->ask_cnt = 0;
			p->copied = false;
			done.count += sync_pair(n, p) != 0;
		}
	}
	sync_step(n, &done);
}

/* Acknowledged: reservations grow, what was held may leave. */
static void
acked(struct node *n, uint32_t number)
{
	for (unsigned i = 0; i < n->pair_cnt; i++) {
		struct node_pair *p = &n->pair[i];
		struct resv_in in = {.kind = RESV_IN_ACK};
		unsigned k = 0;

		if (!p->used || p->dormant)
			continue;
		while (k < p->ask_cnt && p->ask[k].number <= number)
			in.number = p->ask[k++].upto;
		if (!k)
			continue;
		p->ask_cnt -= k;
		memmove(p->ask, p->ask + k, p->ask_cnt * sizeof p->ask[0]);
		pairs_resv(n, p, &in);
		traffic_flush(n, i);
	}
	keying_release(n, number, false);
}

static void
each_pair(struct node *n, const struct resv_in *in)
{
	for (unsigned i = 0; i < n->pair_cnt; i++)
		if (n->pair[i].used && !n->pair[i].dormant)
			pairs_resv(n, &n->pair[i], in);
}

static void
lost(struct node *n, const struct ssp_act *a)
{
	const struct resv_in in = {.kind = RESV_IN_LOST, .at = a->at};

	node_note(n, "ssp", "channel lost", n->ssp_cfg ? n->ssp_cfg->remote : 0, a->reason);
	n->mirrored = false;
	n->told_at = NS_NEVER;
	for (unsigned i = 0; i < n->pair_cnt; i++)
		n->pair[i].ask_cnt = 0;
	each_pair(n, &in);
	keying_release(n, 0, true);
}

void
sync_met(struct node *n)
{
	for (unsigned i = 0; i < n->pair_cnt; i++) {
		struct node_pair *p = &n->pair[i];
		struct resv_in above = {.kind = RESV_IN_ABOVE, .number = p->peer_highest};
		struct resv_in in = {.kind = RESV_IN_MET};

		if (!p->used || p->dormant)
			continue;
		if (p->peer_highest)
			pairs_resv(n, p, &above);
		p->peer_highest = 0;
		pairs_resv(n, p, &in);
	}
}

bool
sync_other_is_done(const struct node *n)
{
	return n->ssp.stated && n->ssp.peer_role != SSP_ROLE_ACTIVE &&
	       n->ssp.peer_role != SSP_ROLE_SUSPENDED;
}

static void
highest_in(struct node *n, const struct ssp_msg *m)
{
	struct node_pair *p = pairs_by_spis(n, &m->spis);

	if (!p || p->dormant)
		return;
	if (m->reserve > p->peer_highest)
		p->peer_highest = m->reserve;
	if (sync_other_is_done(n))
		sync_met(n);
}

static void carry_out(struct node *n, struct ssp_acts *acts);

static void
apply(struct node *n, struct ssp_acts *acts)
{
	struct ssp_in in = {.kind = SSP_IN_APPLIED};
	struct ssp_acts after = {.more = acts->more};

	node_trace(n, NODE_DEBUG_SSP_PACKET, "ssp receive", ssp_type_name(acts->msg.type),
		n->ssp_cfg ? n->ssp_cfg->remote : 0, acts->msg.number);
	trace_record(n, &acts->msg, "ha recorded");
	in.result = copies_apply(n, &acts->msg);
	ssp_msg_wipe(&acts->msg);
	ssp_step(&n->ssp, n->now, &in, &after);
	carry_out(n, &after);
}

static void
trace_fsm(struct node *n, const struct ssp_act *a)
{
	static const char *const names[] = {
		[SSP_ACT_CLOSE] = "close",
		[SSP_ACT_BULK] = "bulk sync begins",
		[SSP_ACT_SWEEP] = "bulk sync arrives",
		[SSP_ACT_LOST] = "lost",
		[SSP_ACT_REFUSED] = "refused",
		[SSP_ACT_MET] = "met",
		[SSP_ACT_STATE_HIGHEST] = "states its numbers",
		[SSP_ACT_READY] = "ready",
		[SSP_ACT_MIRRORED] = "mirrored",
	};

	if ((size_t)a->kind < sizeof names / sizeof names[0] && names[a->kind])
		node_trace(n, NODE_DEBUG_SSP_FSM, "ssp fsm", names[a->kind],
			n->ssp_cfg ? n->ssp_cfg->remote : 0, a->on);
}

static void
act(struct node *n, struct ssp_acts *acts, const struct ssp_act *a)
{
	const struct resv_in refused = {.kind = RESV_IN_REFUSED};

	trace_fsm(n, a);
	switch (a->kind) {
	case SSP_ACT_SEND:
		send_bytes(n, acts->buf + a->off, a->len);
		break;
	case SSP_ACT_CLOSE:
		node_emit_bytes(n, NODE_ACT_SSP_CLOSE, 0, NULL, 0);
		break;
	case SSP_ACT_BULK:
		bulk(n);
		break;
	case SSP_ACT_APPLY:
		apply(n, acts);
		break;
	case SSP_ACT_SWEEP:
		copies_sweep(n, a->on);
		break;
	case SSP_ACT_ACKED:
		acked(n, a->number);
		break;
	case SSP_ACT_LOST:
		lost(n, a);
		break;
	case SSP_ACT_REFUSED:
		each_pair(n, &refused);
		keying_release(n, 0, true);
		break;
	case SSP_ACT_MET:
		sync_met(n);
		break;
	case SSP_ACT_HIGHEST:
		highest_in(n, &acts->msg);
		ssp_msg_wipe(&acts->msg);
		break;
	case SSP_ACT_STATE_HIGHEST:
		sync_state_highest(n);
		break;
	case SSP_ACT_READY:
		n->ready = a->on;
		node_note(n, "ssp", a->on ? "ready" : "not ready", n->ssp_cfg->remote, 0);
		groups_synced(n);
		break;
	case SSP_ACT_MIRRORED:
		n->mirrored = a->on;
		node_note(n, "ssp", a->on ? "standby is ready" : "standby is not ready",
			n->ssp_cfg->remote, 0);
		break;
	}
}

/* All that is numbered leaves before anything else can be: a nested step would number on. */
static void
carry_out(struct node *n, struct ssp_acts *acts)
{
	for (unsigned i = 0; i < acts->cnt; i++)
		if (acts->v[i].kind == SSP_ACT_SEND)
			act(n, acts, &acts->v[i]);
	for (unsigned i = 0; i < acts->cnt; i++)
		if (acts->v[i].kind != SSP_ACT_SEND)
			act(n, acts, &acts->v[i]);
	wipe(acts->buf, acts->used);
}

static bool
step_once(struct node *n, const struct ssp_in *in)
{
	struct ssp_acts acts; /* not shared: an action may lead to another step */
	enum ssp_role before = n->ssp.peer_role;

	ssp_step(&n->ssp, n->now, in, &acts);
	carry_out(n, &acts);
	if (n->tombstone_cnt && n->told_at != NS_NEVER && n->ssp.proven > n->told_at)
		n->tombstone_cnt =
			0; /* the winner has read past them: it echoes what was said later */
	if (n->ssp.peer_role != before)
		node_trace(n, NODE_DEBUG_SSP_PEERS, "ssp peer is",
			ssp_role_name(n->ssp.peer_role),
			n->ssp_cfg ? n->ssp_cfg->remote : 0, n->ssp.epoch);
	if (n->ssp.peer_role == SSP_ROLE_ACTIVE &&
		(n->ssp.peer_role != before ||
			(n->other_unsure && n->ssp.heard_epoch >= n->promoted_epoch)))
		role_other_active(n);
	return acts.more;
}

void
sync_step(struct node *n, const struct ssp_in *in)
{
	(void)step_once(n, in);
}

void
sync_bytes(struct node *n, const uint8_t *b, size_t len)
{
	struct ssp_in in = {.kind = SSP_IN_BYTES, .bytes = b, .len = len};

	while (step_once(n, &in))
		in = (struct ssp_in){.kind = SSP_IN_NEXT};
}

/* Neither, with SAs that it has not given up. */
static bool
suspended(const struct node *n)
{
	bool live = false;

	for (unsigned i = 0; i < n->pair_cnt && !live; i++)
		live = n->pair[i].used && !n->pair[i].dormant;
	for (unsigned i = 0; i < n->ike_cnt && !live; i++)
		live = n->ike[i].used && !n->ike[i].dormant;
	return n->role == NODE_NEITHER && live && n->rules->suspended_copies;
}

void
sync_role(struct node *n)
{
	static const enum ssp_role role[] = {
		[NODE_NEITHER] = SSP_ROLE_NEITHER,
		[NODE_ACTIVE] = SSP_ROLE_ACTIVE,
		[NODE_STANDBY] = SSP_ROLE_STANDBY,
	};
	struct ssp_in in = {.kind = SSP_IN_ROLE,
		.role = suspended(n) ? SSP_ROLE_SUSPENDED : role[n->role]};

	if (n->ssp_cfg)
		sync_step(n, &in);
}
