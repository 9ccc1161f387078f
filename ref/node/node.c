/* SPDX-License-Identifier: BSD-2-Clause */
/* The step: one input to whom it concerns, then whatever is due. */
#include <string.h>

#include "ref/node/node_in.h"

const char *const node_count_names[NODE_CNT_CNT] = {
	[NODE_CNT_FRAMES_IN] = "frames-in",
	[NODE_CNT_MALFORMED] = "malformed",
	[NODE_CNT_ARP_ANSWERED] = "arp-answered",
	[NODE_CNT_ECHO_ANSWERED] = "echo-answered",
	[NODE_CNT_FORWARDED] = "forwarded-in-clear",
	[NODE_CNT_ENCRYPTED] = "encrypted",
	[NODE_CNT_DECRYPTED] = "decrypted",
	[NODE_CNT_NOT_ACTIVE] = "dropped-not-active",
	[NODE_CNT_NO_SA] = "dropped-no-sa",
	[NODE_CNT_UNKNOWN_SPI] = "dropped-unknown-spi",
	[NODE_CNT_CLEAR_REFUSED] = "dropped-clear-should-be-protected",
	[NODE_CNT_OUTSIDE_PROXY] = "dropped-outside-proxies",
	[NODE_CNT_REPLAY] = "dropped-replay",
	[NODE_CNT_BAD_ICV] = "dropped-bad-icv",
	[NODE_CNT_ESP_REFUSED] = "dropped-esp-malformed",
	[NODE_CNT_FRAGMENT_REFUSED] = "dropped-fragment",
	[NODE_CNT_QUEUED] = "waited-for-reservation",
	[NODE_CNT_QUEUE_FULL] = "dropped-queue-full",
	[NODE_CNT_QUEUE_EXPIRED] = "dropped-waited-too-long",
	[NODE_CNT_EXHAUSTED] = "dropped-numbers-exhausted",
	[NODE_CNT_EXPIRED] = "sa-expired",
	[NODE_CNT_TABLE_FULL] = "table-full",
	[NODE_CNT_TTL] = "dropped-ttl",
	[NODE_CNT_HOLD_TIMEOUT] = "write-ahead-timed-out",
	[NODE_CNT_NUMBER_DOWN] = "record-would-go-down",
	[NODE_CNT_UNKEPT] = "record-fits-no-map",
	[NODE_CNT_PROMOTIONS] = "promotions",
	[NODE_CNT_DEMOTIONS] = "demotions",
	[NODE_CNT_REKEYS] = "rekeys-begun",
	[NODE_CNT_HSRP_REFUSED] = "hsrp-malformed",
	[NODE_CNT_UDP_OTHER] = "udp-other-port",
	[NODE_CNT_NAT_KEEPALIVE_IN] = "nat-keepalives-in",
	[NODE_CNT_NAT_KEEPALIVE_OUT] = "nat-keepalives-out",
	[NODE_CNT_NAT_MOVED] = "nat-peers-moved",
	[NODE_CNT_TOO_BIG] = "dropped-too-long-for-path",
	[NODE_CNT_TOO_BIG_TOLD] = "icmp-too-long-sent",
	[NODE_CNT_SPLIT] = "fragmented-before-sealing",
	[NODE_CNT_PMTU_LEARNED] = "path-mtu-learned",
	[NODE_CNT_PMTU_REFUSED] = "icmp-path-mtu-refused",
	[NODE_CNT_ENCAPSULATION] = "dropped-other-encapsulation",
};

const char *
node_role_name(enum node_role r)
{
	switch (r) {
	case NODE_NEITHER:
		return "neither";
	case NODE_ACTIVE:
		return "active";
	case NODE_STANDBY:
		return "standby";
	}
	return "?";
}

void
node_emit(struct node *n, const struct node_act *a)
{
	n->sink.act(n->sink.ctx, a);
}

void
node_emit_bytes(
	struct node *n, enum node_act_kind kind, unsigned iface, const uint8_t *b, size_t len)
{
	struct node_act a = {.kind = kind, .iface = iface, .bytes = b, .len = len};

	node_emit(n, &a);
}

void
node_emit_routes(struct node *n)
{
	for (unsigned i = 0; i < n->rri_acts.cnt; i++) {
		struct node_act a = {.kind = NODE_ACT_ROUTE};

		a.net = n->rri_acts.v[i].net;
		a.on = n->rri_acts.v[i].add;
		node_emit(n, &a);
	}
}

void
node_note(struct node *n, const char *area, const char *what, ip4_t peer, uint32_t number)
{
	struct node_act a = {.kind = NODE_ACT_NOTE};

	a.note.area = area;
	a.note.what = what;
	a.note.peer = peer;
	a.note.number = number;
	node_emit(n, &a);
}

void
node_trace(struct node *n, enum node_debug kind, const char *area, const char *what, ip4_t peer,
	uint32_t number)
{
	if (n->debug & kind)
		node_note(n, area, what, peer, number);
}

ns_t
node_keepalive(const struct node *n)
{
	ns_t t = NS_PER_S;

	for (unsigned i = 0; i < n->group_cnt; i++)
		t = ns_min(t, n->group[i].hsrp.hello);
	return t < 50 * NS_PER_MS ? 50 * NS_PER_MS : t;
}

ns_t
node_lease(const struct node *n)
{
	ns_t hold = 0;

	for (unsigned i = 0; i < n->group_cnt; i++)
		if (n->group[i].hsrp.hold > hold)
			hold = n->group[i].hsrp.hold;
	return hold + 4 * node_keepalive(n);
}

static void
indexes(struct node *n, struct entropy *e)
{
	uint64_t key[2];

	if (!entropy_take(e, key, sizeof key))
		key[0] = key[1] = (uint64_t)n->now;
	index_init(&n->by_spi, n->spi_head, NODE_PAIRS, n->spi_next, NODE_PAIRS, key);
	index_init(&n->by_cookies, n->cookies_head, NODE_IKES, n->cookies_next, NODE_IKES, key);
}

static void
cores_init(struct node *n, struct entropy *e)
{
	const struct ike_tables t = {
		.sa = n->ike_sa,
		.sa_cnt = NODE_IKES,
		.child = n->ike_child,
		.child_cnt = NODE_PAIRS,
		.xchg = n->ike_xchg,
		.xchg_cnt = NODE_XCHGS,
		.known = n->ike_known,
		.known_cnt = NODE_IKES,
		.embryo = n->ike_embryo,
		.embryo_cnt = IKE_EMBRYO_MAX,
	};
	struct ssp_cfg ssp = {.keepalive = node_keepalive(n), .lease = node_lease(n)};

	ssp.group = n->ssp_cfg ? n->ssp_cfg->id : 0;
	if (!entropy_take(e, &ssp.instance, sizeof ssp.instance))
		ssp.instance = (uint64_t)n->now;
	ike_init(&n->ike_core, &n->ike_cfg, &n->rules->ike, n->crypto, &t);
	ssp_init(&n->ssp, &ssp, &n->rules->ssp, n->now);
	rri_init(&n->rri, &n->rules->rri);
	ipfrag_init(&n->frag, &n->rules->ipfrag, n->frag_slot,
		sizeof n->frag_slot / sizeof n->frag_slot[0]);
}

void
node_static_routes(struct node *n)
{
	for (unsigned i = 0; i < n->map_cnt; i++) {
		const struct node_map *m = &n->map[i];

		if (!m->reverse_route || m->is_dynamic || !m->acl)
			continue;
		for (unsigned k = 0; k < m->acl->cnt; k++) {
			struct rri_in in = {.kind = RRI_IN_STATIC, .net = m->acl->v[k].dst};

			if (!m->acl->v[k].permit)
				continue;
			rri_step(&n->rri, n->now, &in, &n->rri_acts);
			node_emit_routes(n);
		}
	}
}

void
node_init(struct node *n, const struct cfg *cfg, const struct node_rules *rules,
	const struct crypto *crypto, const struct mac *macs, const struct node_sink *sink,
	struct entropy *e, ns_t now)
{
	n->cfg = cfg;
	n->rules = rules;
	n->crypto = crypto;
	n->sink = *sink;
	n->entropy = e;
	n->now = n->role_since = now;
	n->told_at = n->nat_at = NS_NEVER;
	n->tell_credit_at = INT64_MIN;
	n->keying_at = n->pairs_at = n->copies_at = NS_NEVER;
	n->generation = 1;
	indexes(n, e);
	memcpy(n->mac, macs, cfg->if_cnt * sizeof n->mac[0]);
	node_setup(n);
	groups_init(n);
	cores_init(n, e);
	node_static_routes(n);
	role_settle(n);
}

static void
dispatch(struct node *n, const struct node_in *in)
{
	struct ssp_in s = {.kind = SSP_IN_TICK};

	switch (in->kind) {
	case NODE_IN_TICK:
		break;
	case NODE_IN_FRAME:
		frame_in(n, in->iface, in->bytes, in->len);
		break;
	case NODE_IN_TUN:
		frame_tun(n, in->bytes, in->len);
		break;
	case NODE_IN_LINK:
		groups_link(n, in->iface, in->on, in->reload);
		break;
	case NODE_IN_SSP_UP:
		s.kind = SSP_IN_CONNECTED;
		sync_step(n, &s);
		break;
	case NODE_IN_SSP_DOWN:
		s.kind = SSP_IN_CLOSED;
		sync_step(n, &s);
		break;
	case NODE_IN_SSP_BYTES:
		sync_bytes(n, in->bytes, in->len);
		break;
	case NODE_IN_STOP:
		groups_stop(n);
		break;
	case NODE_IN_RESYNC:
		s.kind = SSP_IN_RESYNC;
		if (n->rules->clear_resyncs)
			sync_step(n, &s);
		break;
	case NODE_IN_CLEAR:
		clear_asked(n, in->clear, in->peer);
		break;
	}
}

static void
tick(struct node *n)
{
	struct ssp_in s = {.kind = SSP_IN_TICK};

	if (n->now >= groups_deadline(n))
		groups_tick(n);
	if (n->now >= ssp_deadline(&n->ssp))
		sync_step(n, &s);
	if (n->now >= keying_deadline(n))
		keying_tick(n);
	if (n->now >= pairs_deadline(n))
		pairs_tick(n);
	if (n->now >= copies_deadline(n))
		copies_tick(n);
	if (n->now >= traffic_deadline(n))
		traffic_tick(n);
	if (n->now >= nat_deadline(n))
		nat_tick(n);
}

void
node_step(struct node *n, ns_t now, const struct node_in *in, struct entropy *e)
{
	n->now = now;
	n->entropy = e;
	dispatch(n, in);
	if (in->kind == NODE_IN_TICK)
		tick(n);
}

ns_t
node_deadline(const struct node *n)
{
	ns_t t = ns_min(groups_deadline(n), ssp_deadline(&n->ssp));

	t = ns_min(t, ns_min(keying_deadline(n), pairs_deadline(n)));
	t = ns_min(t, nat_deadline(n));
	return ns_min(t, ns_min(copies_deadline(n), traffic_deadline(n)));
}

ns_t
node_deadline_exact(const struct node *n)
{
	ns_t t = ns_min(groups_deadline(n), ssp_deadline(&n->ssp));

	t = ns_min(t, n->live ? ike_deadline_exact(&n->ike_core) : NS_NEVER);
	t = ns_min(t, ns_min(keying_exact(n), pairs_exact(n)));
	return ns_min(t, ns_min(copies_exact(n), traffic_deadline(n)));
}

void
node_wipe(struct node *n)
{
	ike_wipe(&n->ike_core);
	ipfrag_wipe(&n->frag);
	wipe(n, sizeof *n);
}
