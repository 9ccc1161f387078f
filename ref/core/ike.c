/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The IKE core's front: init, step, timers, the commands of the node, getters. See ike.h for the
 * contract and ike_int.h for which file does what.
 */
#include <assert.h>
#include <string.h>

#include "ref/core/ike_int.h"

static void
empty(struct ike *k)
{
	k->sa_used = k->child_used = k->xchg_used = k->embryo_used = k->known_used = 0;
	k->known_full = false;
	ike_index_init(k, k->sas.key);
	k->active = false;
	k->due = NS_NEVER;
}

static void
clear(struct ike *k)
{
	wipe(k->sa, k->sa_used * sizeof(k->sa[0]));
	wipe(k->child, k->child_used * sizeof(k->child[0]));
	wipe(k->xchg, k->xchg_used * sizeof(k->xchg[0]));
	wipe(k->embryo, k->embryo_used * sizeof(k->embryo[0]));
	empty(k);
}

void
ike_init(struct ike *k, const struct ike_cfg *cfg, const struct ike_rules *rules,
	const struct crypto *crypto, const struct ike_tables *t)
{
	assert(t->embryo_cnt && t->sa_cnt && t->child_cnt && t->xchg_cnt && t->known_cnt && cfg->policy_cnt <= 255);
	memset(k, 0, sizeof(*k));
	k->cfg = cfg;
	k->rules = rules;
	k->crypto = crypto;
	k->sa = t->sa;
	k->sa_cnt = t->sa_cnt;
	k->child = t->child;
	k->child_cnt = t->child_cnt;
	k->xchg = t->xchg;
	k->xchg_cnt = t->xchg_cnt;
	k->known = t->known;
	k->known_cnt = t->known_cnt;
	k->embryo = t->embryo;
	k->embryo_cnt = t->embryo_cnt;
	k->notify_credit_at = INT64_MIN;
	empty(k);
}

void
ike_wipe(struct ike *k)
{
	clear(k);
}

/* ---- timers ---- */

/* Room for what the end of an exchange or an SA may say, and for a few messages. */
static bool
acts_room(const struct ike_ctx *c)
{
	return c->acts->cnt < IKE_ACTS_MAX / 2 &&
	       c->acts->used + 3 * IKE_SENT_MAX < sizeof(c->acts->buf);
}

static void
tick_xchg(struct ike_ctx *c, struct ike_xchg *x)
{
	const struct ike_sa *sa;

	if (x->state == IKE_FREE)
		return;
	if (x->expires <= c->now) {
		if (ike_unfinished(x->state))
			ike_xchg_fail(c, x, IKE_R_TIMEOUT);
		else
			ike_xchg_free(c->k, x);
		return;
	}
	if (x->retry_at > c->now)
		return;
	if (x->state != IKE_QM_WAIT) {
		ike_retransmit(c, x);
		return;
	}
	x->retry_at = NS_NEVER;
	sa = ike_sa_for_peer(c->k, x->child.remote, c->now);
	if (sa)
		ike_quick_start_waiting(c, &c->k->sa[sa - c->k->sa]);
}

static void
tick_sa(struct ike_ctx *c, struct ike_sa *sa)
{
	if (!sa->used || !sa->visible)
		return;
	if (sa->hard_at <= c->now) {
		if (sa->up && sa->confirmed)
			ike_send_delete(c, sa, ISAKMP_P_ISAKMP, &sa->cookies, sizeof(sa->cookies));
		ike_sa_end(c, sa, sa->confirmed ? IKE_R_EXPIRED : IKE_R_TIMEOUT);
		return;
	}
	if (!sa->soft_told && sa->up && ike_soft_at(c->k, sa) <= c->now) {
		sa->soft_told = true;
		ike_note(c, IKE_R_SOFT, sa->remote, NULL);
	}
	ike_rekey_tick(c, sa);
}

static void
tick(struct ike_ctx *c)
{
	struct ike *k = c->k;

	for (unsigned i = 0; i < k->xchg_used && acts_room(c); i++)
		tick_xchg(c, &k->xchg[i]);
	for (unsigned i = 0; i < k->sa_used && acts_room(c); i++)
		tick_sa(c, &k->sa[i]);
	ike_drain_dying(c);
	ike_embryo_tick(c);
	k->due = ike_deadline_exact(k);
}

ns_t
ike_deadline(const struct ike *k)
{
	return k->due;
}

ns_t
ike_deadline_exact(const struct ike *k)
{
	ns_t t = ike_embryo_deadline(k);

	for (unsigned i = 0; i < k->xchg_used; i++)
		if (k->xchg[i].state != IKE_FREE)
			t = ns_min(t, ns_min(k->xchg[i].retry_at, k->xchg[i].expires));
	for (unsigned i = 0; i < k->sa_used; i++) {
		const struct ike_sa *sa = &k->sa[i];

		if (!sa->used || !sa->visible)
			continue;
		t = ns_min(t, ns_min(sa->hard_at, ike_rekey_deadline(sa)));
		if (sa->up && !sa->soft_told)
			t = ns_min(t, ike_soft_at(k, sa));
	}
	for (unsigned i = 0; i < k->child_used; i++)
		if (k->child[i].used && k->child[i].dying)
			return INT64_MIN;
	return t;
}

/* ---- commands ---- */

static bool
under_way(const struct ike *k, unsigned map, struct ike_end peer, const struct ike_in *in)
{
	for (unsigned i = 0; i < k->xchg_used; i++) {
		const struct ike_xchg *x = &k->xchg[i];

		if ((x->state == IKE_QM_WAIT || x->state == IKE_QM_I1 ||
			    x->state == IKE_QM_I3_HELD || x->state == IKE_QM_I3) &&
			x->map == map && ike_end_near(x->child.remote, peer) &&
			ike_same_proxy(&x->child.proxy_local, &in->proxy_local) &&
			ike_same_proxy(&x->child.proxy_remote, &in->proxy_remote))
			return true;
	}
	return false;
}

bool
ike_main_under_way(const struct ike *k, struct ike_end peer)
{
	const struct ike_sa *sa = ike_sa_of(k, peer.addr, NULL);

	for (; sa; sa = ike_sa_of(k, peer.addr, sa))
		if (sa->initiator && !sa->up && !sa->imported && ike_end_near(sa->remote, peer))
			return true;
	return false;
}

static void
say_failed(struct ike_ctx *c, uint32_t map_id, struct ike_end remote, enum ike_reason r)
{
	struct ike_act *a = ike_act(c, IKE_ACT_FAILED);

	c->k->count[r]++;
	if (!a)
		return;
	a->map_id = map_id;
	a->remote = remote;
	a->reason = r;
}

/* An exchange that waits for its SA; NULL if the table is full. */
static struct ike_xchg *
waiting(struct ike_ctx *c, const struct ike_in *in, unsigned map, struct ike_end remote)
{
	struct ike_xchg *x = ike_xchg_new(c);

	if (!x)
		return NULL;
	x->state = IKE_QM_WAIT;
	x->initiator = true;
	x->map = map;
	x->child.remote = remote;
	x->child.proxy_local = in->proxy_local;
	x->child.proxy_remote = in->proxy_remote;
	x->child.replaces = in->replaces;
	x->expires = c->now + 2 * c->k->rules->half_open_time;
	ike_due(c->k, x->expires);
	return x;
}

static void
initiate(struct ike_ctx *c, const struct ike_in *in, unsigned map)
{
	struct ike *k = c->k;
	const struct ike_map *entry = &k->cfg->map[map];
	struct ike_end local = {k->cfg->local, ISAKMP_PORT};
	struct ike_end remote = {entry->is_dynamic ? in->remote.addr : entry->peer, ISAKMP_PORT};
	bool where = in->remote.port && in->remote.port != ISAKMP_PORT;
	const struct ike_sa *sa;
	enum ike_reason r = IKE_R_NONE;

	if (where) { /* RFC 3947 4: it begins on port 4500 */
		remote = in->remote;
		local.port = ISAKMP_PORT_NATT;
	}
	if (under_way(k, map, remote, in)) {
		ike_note(c, IKE_R_ALREADY, remote, NULL);
		return;
	}
	sa = ike_sa_for_peer(k, remote, c->now);
	if (!waiting(c, in, map, remote)) {
		say_failed(c, entry->id, remote, IKE_R_TABLE_FULL);
		return;
	}
	if (sa)
		ike_quick_start_waiting(c, &k->sa[sa - k->sa]);
	else if (!ike_main_under_way(k, remote))
		r = ike_main_start(c, local, remote);
	if (!r)
		return;
	for (unsigned i = 0; i < k->xchg_used; i++)
		if (k->xchg[i].state == IKE_QM_WAIT &&
			ike_end_near(k->xchg[i].child.remote, remote))
			ike_xchg_fail(c, &k->xchg[i], r);
}

static void
cmd_initiate(struct ike_ctx *c, const struct ike_in *in)
{
	const struct ike_cfg *cfg = c->k->cfg;

	if (!c->k->active) {
		say_failed(c, in->map_id, in->remote, IKE_R_INACTIVE);
		return;
	}
	for (unsigned i = 0; i < cfg->map_cnt; i++)
		if (cfg->map[i].id == in->map_id) {
			initiate(c, in, i);
			return;
		}
	say_failed(c, in->map_id, in->remote, IKE_R_NO_MAP);
}

static void
cmd_release(struct ike_ctx *c, uint32_t token)
{
	for (unsigned i = 0; token && i < c->k->xchg_used; i++)
		if (c->k->xchg[i].state != IKE_FREE && c->k->xchg[i].token == token) {
			ike_release(c, &c->k->xchg[i]);
			return;
		}
	ike_note(c, IKE_R_TOKEN, (struct ike_end){0}, NULL);
}

static struct ike_sa *
usable(struct ike_ctx *c, const struct ike_cookies *cookies)
{
	struct ike_sa *sa = ike_sa_by_cookies(c->k, cookies->i, cookies->r);

	if (sa && sa->up && sa->confirmed)
		return sa;
	ike_note(c, IKE_R_NO_SA, (struct ike_end){0}, NULL);
	return NULL;
}

static void
cmd_delete_child(struct ike_ctx *c, const struct ike_in *in)
{
	struct ike_child *ch = ike_child_by_spi(c->k, in->spi);
	struct ike_sa *sa;

	if (!ch) {
		ike_note(c, IKE_R_NO_CHILD, in->remote, NULL);
		return;
	}
	sa = ike_sa_by_cookies(c->k, ch->cookies.i, ch->cookies.r);
	if (!sa || !sa->up || !sa->confirmed)
		sa = ike_sa_any(c->k, ch->remote);
	if (in->send && sa)
		ike_send_delete_spi(c, sa, ch->spi_in);
	ike_child_end(c, ch, IKE_R_DELETED);
}

static void
cmd_delete_sa(struct ike_ctx *c, const struct ike_in *in)
{
	struct ike_sa *sa = ike_sa_by_cookies(c->k, in->cookies.i, in->cookies.r);
	struct ike_sa *by = sa && sa->up && sa->confirmed ? sa : NULL;
	bool send;

	if (!sa) {
		ike_note(c, IKE_R_NO_SA, in->remote, NULL);
		return;
	}
	if (!by) /* what it cannot say itself, another one of the peer's can */
		by = ike_sa_any(c->k, sa->remote);
	send = in->send && by;
	for (unsigned i = 0; in->children && i < c->k->child_used; i++) {
		struct ike_child *ch = &c->k->child[i];

		if (!ch->used || ch->dying ||
			memcmp(&ch->cookies, &sa->cookies, sizeof(sa->cookies)))
			continue;
		if (send && acts_room(c))
			ike_send_delete_spi(c, by, ch->spi_in);
		ike_child_end(c, ch, IKE_R_DELETED);
	}
	if (send)
		ike_send_delete(c, by, ISAKMP_P_ISAKMP, &sa->cookies, sizeof(sa->cookies));
	ike_sa_end(c, sa, IKE_R_DELETED);
}

static void
cmd_import_child(struct ike_ctx *c, const struct ike_child *ch)
{
	ike_know(c->k, ch->remote.addr);
	if (!ike_child_add(c, ch))
		ike_note(c, IKE_R_TABLE_FULL, ch->remote, NULL);
}

static void
cmd_forget_child(struct ike_ctx *c, uint32_t spi)
{
	struct ike_child *ch = ike_child_by_spi(c->k, spi);

	if (ch)
		ike_child_wipe(c->k, ch);
}

static void
command(struct ike_ctx *c, const struct ike_in *in)
{
	struct ike_sa *sa;

	switch (in->kind) {
	case IKE_IN_TICK:
		tick(c);
		break;
	case IKE_IN_PACKET:
		ike_packet(c, in);
		break;
	case IKE_IN_INITIATE:
		cmd_initiate(c, in);
		break;
	case IKE_IN_RELEASE:
		cmd_release(c, in->token);
		break;
	case IKE_IN_DPD_SEND:
		sa = usable(c, &in->cookies);
		if (sa)
			ike_send_dpd(c, sa, in->notify, in->seq);
		break;
	case IKE_IN_DELETE_CHILD:
		cmd_delete_child(c, in);
		break;
	case IKE_IN_DELETE_SA:
		cmd_delete_sa(c, in);
		break;
	case IKE_IN_IMPORT:
		ike_import(c, in->export);
		break;
	case IKE_IN_IMPORT_CHILD:
		cmd_import_child(c, in->child);
		break;
	case IKE_IN_FORGET:
		ike_forget(c, &in->cookies);
		break;
	case IKE_IN_FORGET_CHILD:
		cmd_forget_child(c, in->spi);
		break;
	case IKE_IN_KNOWN_PEER:
		ike_know(c->k, in->remote.addr);
		break;
	case IKE_IN_UNKNOWN_SPI:
		ike_info_cmd_unknown_spi(c, in);
		break;
	case IKE_IN_PROVEN:
		ike_quick_proven(c, in->spi);
		break;
	case IKE_IN_MOVED:
		ike_nat_cmd_moved(c, in);
		break;
	case IKE_IN_ACTIVATE:
		c->k->active = true;
		break;
	case IKE_IN_CLEAR:
		clear(c->k);
		break;
	}
}

/* Peers choose cookies: the chains they fall into are not for them to know. */
static void
key(struct ike_ctx *c)
{
	uint64_t fresh[2];

	if (c->k->keyed || !entropy_take(c->e, fresh, sizeof(fresh)))
		return;
	c->k->keyed = true; /* nothing is in the tables before the first step */
	ike_index_init(c->k, fresh);
}

void
ike_step(struct ike *k, ns_t now, const struct ike_in *in, struct entropy *e, struct ike_acts *acts)
{
	struct ike_ctx c = {.k = k, .now = now, .e = e, .acts = acts};

	acts->cnt = 0;
	acts->used = 0;
	acts->child_cnt = 0;
	key(&c);
	command(&c, in);
	ike_drain_dying(&c);
}

/* ---- getters ---- */

const struct ike_sa *
ike_sa_find(const struct ike *k, const struct ike_cookies *cookies)
{
	const struct ike_sa *sa = ike_sa_by_cookies(k, cookies->i, cookies->r);

	return sa && sa->visible ? sa : NULL;
}

const struct ike_sa *
ike_sa_for_peer(const struct ike *k, struct ike_end peer, ns_t now)
{
	const struct ike_sa *sa = ike_sa_any(k, peer);

	return sa && now < ike_soft_at(k, sa) ? sa : NULL;
}

const struct ike_sa *
ike_sa_newest(const struct ike *k, struct ike_end peer)
{
	return ike_sa_any(k, peer);
}

const struct ike_child *
ike_child_next(const struct ike *k, ip4_t peer, const struct ike_child *after)
{
	return ike_child_of(k, peer, after);
}

const struct ike_sa *
ike_sa_next(const struct ike *k, ip4_t peer, const struct ike_sa *after)
{
	return ike_sa_of(k, peer, after);
}

const struct ike_child *
ike_child_find(const struct ike *k, uint32_t spi_in)
{
	return ike_child_by_spi(k, spi_in);
}

bool
ike_busy(const struct ike *k, ip4_t peer)
{
	for (unsigned i = 0; i < k->xchg_used; i++) {
		const struct ike_xchg *x = &k->xchg[i];
		const struct ike_sa *sa = ike_xchg_sa(k, x);

		if (ike_unfinished(x->state) &&
			(sa ? sa->remote.addr : x->child.remote.addr) == peer)
			return true;
	}
	return false;
}
