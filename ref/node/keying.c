/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ike core and the dpd machine of each IKE SA: packets and commands in, their actions to where
 * they belong. Write ahead lives here: what ike holds is released when the standby has
 * acknowledged, or when waiting has lasted too long; then the channel counts as lost.
 */
#include <string.h>

#include "ref/node/node_in.h"

#define IKE_MESSAGE_MAX 4096
#define REKEY_WAIT (2 * NS_PER_S) /* after a rekey that failed; doubled each time */
#define REKEY_WAIT_MAX (60 * NS_PER_S)

struct node_ike *
keying_find(struct node *n, const struct ike_cookies *c)
{
	for (uint32_t i = index_first(&n->by_cookies, index_hash(&n->by_cookies, c, sizeof *c));
		i != INDEX_END; i = index_next(&n->by_cookies, i))
		if (!memcmp(&n->ike[i].cookies, c, sizeof *c))
			return &n->ike[i];
	return NULL;
}

struct node_ike *
keying_new(struct node *n, const struct ike_cookies *c, ip4_t peer)
{
	struct node_ike *k = keying_find(n, c);

	for (unsigned i = n->ike_free; !k && i < NODE_IKES; i++) {
		if (n->ike[i].used)
			continue;
		n->ike_free = i + 1;
		k = &n->ike[i];
		memset(k, 0, sizeof *k);
		k->used = true;
		k->cookies = *c;
		k->peer = peer;
		k->probe_until = NS_NEVER;
		index_add(&n->by_cookies, index_hash(&n->by_cookies, c, sizeof *c), i);
		if (i >= n->ike_cnt)
			n->ike_cnt = i + 1;
	}
	if (!k)
		n->count[NODE_CNT_TABLE_FULL]++;
	return k;
}

void
keying_drop(struct node *n, struct node_ike *k)
{
	if (k->dpd_on)
		dpd_wipe(&k->dpd);
	index_del(&n->by_cookies, index_hash(&n->by_cookies, &k->cookies, sizeof k->cookies),
		(uint32_t)(k - n->ike));
	if ((unsigned)(k - n->ike) < n->ike_free)
		n->ike_free = (unsigned)(k - n->ike);
	wipe(k, sizeof *k);
	while (n->ike_cnt && !n->ike[n->ike_cnt - 1].used)
		n->ike_cnt--;
}

/* ---- write ahead ---- */

void
keying_hold(struct node *n, uint32_t token, uint32_t number)
{
	struct ike_in in = {.kind = IKE_IN_RELEASE, .token = token};

	for (unsigned i = 0; number && n->mirrored && i < n->rules->hold_max; i++) {
		struct node_hold *h = &n->hold[i];

		if (h->used)
			continue;
		*h = (struct node_hold){true, token, number, n->now + NODE_HOLD_MAX};
		n->hold_end = i >= n->hold_end ? i + 1 : n->hold_end;
		keying_due(n, h->until);
		node_trace(n, NODE_DEBUG_IKE_HA_FSM, "ike ha", "held until recorded", 0, number);
		return;
	}
	if (number && n->mirrored && n->rules->hold_max == NODE_HOLDS) {
		n->count[NODE_CNT_TABLE_FULL]++; /* it does not leave; the peer asks again */
		return;
	}
	keying_step(n, &in);
}

/* The probes that waited for this acknowledgement; most of the time none does. */
static void
probes_release(struct node *n, uint32_t acked, bool all)
{
	bool any = n->probes_held;

	n->probes_held = false;
	for (unsigned i = 0; any && i < n->ike_cnt; i++) {
		struct node_ike *k = &n->ike[i];

		if (k->used && k->probe_held && (all || k->probe_number <= acked))
			probe_leave(n, k);
		n->probes_held |= k->used && k->probe_held;
	}
}

void
keying_release(struct node *n, uint32_t acked, bool all)
{
	if (!n->live)
		return; /* suspended: nothing leaves; a new promotion releases */
	for (unsigned i = 0; i < n->hold_end; i++) {
		struct ike_in in = {.kind = IKE_IN_RELEASE, .token = n->hold[i].token};

		if (!n->hold[i].used || (!all && n->hold[i].number > acked))
			continue;
		n->hold[i].used = false;
		node_trace(n, NODE_DEBUG_IKE_HA_FSM, "ike ha", "released", 0, n->hold[i].number);
		keying_step(n, &in);
	}
	while (n->hold_end && !n->hold[n->hold_end - 1].used)
		n->hold_end--;
	probes_release(n, acked, all);
}

/* ---- actions of the ike core ---- */

static void
send_udp(struct node *n, const struct ike_act *a)
{
	uint8_t buf[IKE_MESSAGE_MAX + IPV4_HDR_LEN + UDP_HDR_LEN], msg[4 + IKE_MESSAGE_MAX] = {0};
	bool marked = a->local.port == ISAKMP_PORT_NATT && n->rules->natt_marker;
	size_t at = marked ? 4 : 0;
	struct node_ike *k = keying_find(n, &a->cookies);
	const struct ipv4 ip = {
		.ttl = 64, .id = n->ip_id++, .src = a->local.addr, .dst = a->remote.addr};
	struct wr w;

	if (a->len > IKE_MESSAGE_MAX - 4)
		return;
	if (k)
		k->sent_at = n->now;
	memcpy(msg + at, a->bytes, a->len);
	wr_init(&w, buf, sizeof buf);
	udp_packet_write(&w, &ip, a->local.port, a->remote.port, msg, at + a->len);
	if (!w.bad)
		traffic_ip_out(n, buf, w.len);
}

static struct node_ike *
ike_noted(struct node *n, const struct ike_cookies *c)
{
	const struct ike_sa *sa = ike_sa_find(&n->ike_core, c);
	struct node_ike *k;
	struct node_act key = {.kind = NODE_ACT_KEY_IKE};

	if (!sa)
		return NULL;
	k = keying_new(n, c, sa->remote.addr);
	if (!k)
		return NULL;
	ike_export(&n->ike_core, sa, n->now, &k->copy);
	k->peer = sa->remote.addr;
	k->copied_at = n->now;
	key.ike = &k->copy;
	node_emit(n, &key);
	return k;
}

static void
held(struct node *n, const struct ike_act *a)
{
	uint32_t number = 0;
	struct node_pair *p;
	struct node_ike *k;

	switch (a->what) {
	case IKE_HELD_MM5:
	case IKE_HELD_MM6:
		k = ike_noted(n, &a->cookies);
		if (k)
			number = sync_ike(n, k);
		break;
	case IKE_HELD_QM2:
	case IKE_HELD_QM3:
		p = pairs_by_spi_in(n, a->spi);
		if (p)
			number = p->number;
		break;
	}
	keying_hold(n, a->token, n->rules->write_ahead ? number : 0);
}

static void
ike_up(struct node *n, const struct ike_act *a)
{
	struct node_ike *k = ike_noted(n, &a->cookies);

	node_note(n, "ike", "up", a->sa->remote.addr, 0);
	if (!k)
		return;
	if (!k->dpd_on)
		keying_dpd_start(n, k, NULL);
	nat_wake(n);
	probe_newest(n, k->copy.remote);
	(void)sync_ike(n, k);
}

static void
ike_down(struct node *n, const struct ike_act *a)
{
	struct node_ike *k = keying_find(n, &a->cookies);

	node_note(n, "ike", ike_reason_names[a->reason], a->remote.addr, 0);
	if (!k)
		return;
	(void)sync_ike_del(n, &k->cookies);
	keying_drop(n, k);
	probe_newest(n, a->remote);
}

static void
child_new(struct node *n, const struct ike_act *a)
{
	struct node_pair *p;

	replace_same_spi(n, a->child);
	p = pairs_new(n);
	if (!p)
		return;
	pairs_setup(n, p, a->child);
	node_note(n, "ipsec", "up", a->child->remote.addr, a->child->spi_out);
	pairs_live(n, p);
	p->number = sync_pair(n, p);
}

static void
child_use_out(struct node *n, uint32_t spi)
{
	struct node_pair *p = pairs_by_spi_in(n, spi);

	if (!p)
		return;
	p->use_out = true;
	pairs_changed(n);
	replace_used(n, p);
}

/* Another IKE SA of that peer is the newest now: its pairs and its DPD go with it. */
static void
adopted(struct node *n, const struct ike_act *a)
{
	const struct ike_child *ch = ike_child_next(&n->ike_core, a->remote.addr, NULL);

	for (; ch; ch = ike_child_next(&n->ike_core, a->remote.addr, ch)) {
		struct node_pair *p = pairs_by_spi_in(n, ch->spi_in);

		if (!p || p->dormant ||
			!memcmp(&ch->cookies, &p->child.cookies, sizeof ch->cookies))
			continue;
		p->child.cookies = ch->cookies;
		(void)sync_pair(n, p);
	}
}

static void
child_down(struct node *n, const struct ike_act *a)
{
	struct node_pair *p = pairs_by_spi_in(n, a->spi);

	node_note(n, "ipsec", ike_reason_names[a->reason], a->remote.addr, a->spi);
	if (!p)
		return;
	if (!sync_pair_del(n, p) && p->resv.told)
		role_bury(n, p); /* the other one may have it, and does not hear of its end */
	pairs_drop(n, p);
}

/* A rekey came to nothing: again, but later, and later each time. */
static void
failed(struct node *n, const struct ike_act *a)
{
	node_note(n, "ike", ike_reason_names[a->reason], a->remote.addr, a->map_id);
	for (unsigned i = 0; i < n->pair_cnt; i++) {
		struct node_pair *p = &n->pair[i];

		if (!p->used || !p->rekeying || p->child.map_id != a->map_id ||
			p->child.remote.addr != a->remote.addr)
			continue;
		p->rekeying = false;
		p->rekey_wait =
			p->rekey_wait ? ns_min(2 * p->rekey_wait, REKEY_WAIT_MAX) : REKEY_WAIT;
		p->rekey_after = n->now + p->rekey_wait;
		pairs_touch(n, p);
	}
}

static void
dpd_in(struct node *n, const struct ike_act *a)
{
	struct node_ike *k = keying_find(n, &a->cookies);

	if (k)
		probe_feed(n, k, a->is_ack ? DPD_IN_ACK : DPD_IN_RUTHERE, a->seq, &a->remote);
}

static void
note(struct node *n, const struct ike_act *a)
{
	struct node_act out = {.kind = NODE_ACT_NOTE};

	out.note = (struct node_note){.area = "ike",
		.what = ike_reason_names[a->reason],
		.peer = a->remote.addr,
		.why = a->why};
	node_emit(n, &out);
}

static void
act(struct node *n, const struct ike_act *a)
{
	struct node_ike *k;

	switch (a->kind) {
	case IKE_ACT_SEND:
		send_udp(n, a);
		break;
	case IKE_ACT_HOLD:
		held(n, a);
		break;
	case IKE_ACT_IKE_UP:
		ike_up(n, a);
		break;
	case IKE_ACT_IKE_CHANGED:
		k = ike_noted(n, &a->cookies);
		if (k)
			(void)sync_ike(n, k);
		break;
	case IKE_ACT_IKE_DOWN:
		ike_down(n, a);
		break;
	case IKE_ACT_CHILD_NEW:
		child_new(n, a);
		break;
	case IKE_ACT_CHILD_USE_OUT:
		child_use_out(n, a->spi);
		break;
	case IKE_ACT_CHILD_DOWN:
		child_down(n, a);
		break;
	case IKE_ACT_DPD_IN:
		dpd_in(n, a);
		break;
	case IKE_ACT_ADOPTED:
		adopted(n, a);
		break;
	case IKE_ACT_MOVED:
		nat_moved(n, a->was, a->remote);
		break;
	case IKE_ACT_FAILED:
		failed(n, a);
		break;
	case IKE_ACT_NOTE:
		note(n, a);
		break;
	}
}

void
keying_step(struct node *n, const struct ike_in *in)
{
	struct ike_acts acts; /* not shared: an action may lead to another step */

	ike_step(&n->ike_core, n->now, in, n->entropy, &acts);
	for (unsigned i = 0; i < acts.cnt; i++)
		act(n, &acts.v[i]);
	ike_acts_wipe(&acts);
}

void
keying_packet(struct node *n, struct ike_end from, uint16_t dport, const uint8_t *b, size_t len)
{
	const struct ike_in in = {.kind = IKE_IN_PACKET,
		.local = {n->vip, dport},
		.remote = from,
		.bytes = b,
		.len = len};

	keying_step(n, &in);
}

static bool
holds_expired(const struct node *n)
{
	for (unsigned i = 0; i < n->hold_end; i++)
		if (n->hold[i].used && n->now >= n->hold[i].until)
			return true;
	for (unsigned i = 0; n->probes_held && i < n->ike_cnt; i++)
		if (n->ike[i].used && n->ike[i].probe_held && n->now >= n->ike[i].probe_until)
			return true;
	return false;
}

void
keying_tick(struct node *n)
{
	struct ike_in in = {.kind = IKE_IN_TICK};
	struct ssp_in give_up = {.kind = SSP_IN_GIVE_UP};

	if (n->live && holds_expired(n)) {
		n->count[NODE_CNT_HOLD_TIMEOUT]++;
		sync_step(n, &give_up);
		keying_release(n, 0, true);
	}
	if (!n->live)
		return;
	if (n->now >= ike_deadline(&n->ike_core))
		keying_step(n, &in);
	for (unsigned i = 0; i < n->ike_cnt; i++)
		if (n->ike[i].used && n->ike[i].dpd_on && !n->ike[i].dormant &&
			n->now >= dpd_deadline(&n->ike[i].dpd))
			probe_feed(n, &n->ike[i], DPD_IN_TICK, 0, NULL);
	n->keying_at = keying_exact(n);
}

void
keying_due(struct node *n, ns_t t)
{
	n->keying_at = ns_min(n->keying_at, t);
}

ns_t
keying_deadline(const struct node *n)
{
	return n->live ? ns_min(ike_deadline(&n->ike_core), n->keying_at) : NS_NEVER;
}

ns_t
keying_exact(const struct node *n)
{
	ns_t t = NS_NEVER;

	for (unsigned i = 0; n->live && i < n->hold_end; i++)
		if (n->hold[i].used)
			t = ns_min(t, n->hold[i].until);
	for (unsigned i = 0; n->live && i < n->ike_cnt; i++) {
		const struct node_ike *k = &n->ike[i];

		if (!k->used || k->dormant || !k->dpd_on)
			continue;
		t = ns_min(t, dpd_deadline(&k->dpd));
		if (k->probe_held)
			t = ns_min(t, k->probe_until);
	}
	return t;
}
