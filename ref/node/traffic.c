/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The data path: ESP both ways for what the policy protects (policy.c), and the queue in which a
 * packet waits for a sequence number that the standby has yet to acknowledge.
 */
#include <stddef.h>
#include <string.h>

#include "ref/node/node_in.h"

#define WAIT_MAX (500 * NS_PER_MS)

static void
fragments_out(struct node *n, const uint8_t *packet, size_t len, size_t mtu)
{
	struct ipfrag_split s;
	uint8_t piece[NODE_MTU];
	size_t got;

	if (ipfrag_split_init(&s, &n->rules->ipfrag, packet, len, mtu, NULL) != ERR_OK) {
		n->count[NODE_CNT_MALFORMED]++;
		return;
	}
	while ((got = ipfrag_split_next(&s, piece, sizeof piece)) > 0)
		node_emit_bytes(n, NODE_ACT_IP, n->out_if, piece, got);
}

void
traffic_ip_out_mtu(struct node *n, const uint8_t *packet, size_t len, size_t mtu)
{
	if (len > mtu)
		fragments_out(n, packet, len, mtu);
	else
		node_emit_bytes(n, NODE_ACT_IP, n->out_if, packet, len);
}

void
traffic_ip_out(struct node *n, const uint8_t *packet, size_t len)
{
	traffic_ip_out_mtu(n, packet, len, NODE_MTU);
}

static void
volume_count(struct node *n, struct node_pair *p)
{
	uint64_t total = p->in.bytes + p->out.bytes;
	uint64_t step = p->child.lifetime_kb ? (uint64_t)p->child.lifetime_kb * 1024 / 64 : 1 << 20;

	if (step < 16384)
		step = 16384;
	if (total - p->volume_reported < step)
		return;
	p->volume_reported = total;
	(void)sync_volume(n, p);
}

static void
seal_and_send(struct node *n, struct node_pair *p, uint32_t seq, const uint8_t *ip, size_t len)
{
	uint8_t out[NODE_PACKET_MAX + ESP_OVERHEAD_MAX];
	size_t out_len;

	if (esp_seal(n->crypto, &n->rules->esp, &p->out, seq, n->ip_id++, ip, len, out, sizeof out,
		    &out_len, NULL) != ERR_OK) {
		n->count[NODE_CNT_ESP_REFUSED]++;
		return;
	}
	n->count[NODE_CNT_ENCRYPTED]++;
	p->sent_at = n->now;
	traffic_ip_out_mtu(n, out, out_len, mtu_of(n, p));
	volume_count(n, p);
	pairs_touch(n, p);
	keying_want(n, &p->child.cookies);
}

static void
queue(struct node *n, struct node_pair *p, const uint8_t *ip, size_t len)
{
	struct node_waiting *w;

	if (n->waiting_cnt == NODE_WAITING || len > NODE_PACKET_MAX) {
		n->count[NODE_CNT_QUEUE_FULL]++;
		return;
	}
	n->count[NODE_CNT_QUEUED]++;
	w = &n->waiting[n->waiting_cnt++];
	w->pair = pairs_index(n, p);
	w->born = p->born;
	w->until = n->now + WAIT_MAX;
	w->len = len;
	memcpy(w->b, ip, len);
}

/* RFC 4301 4.4.2.1: what does not fit into the SA's kilobytes is not sent under it; it ends now. */
static bool
used_up(struct node *n, struct node_pair *p, size_t len)
{
	if (!n->rules->honour_lifetime || !p->out.hard_kb ||
		p->out.bytes + len <= p->out.hard_kb * 1024)
		return false;
	p->out.hard_at = n->now;
	pairs_touch(n, p);
	n->count[NODE_CNT_EXHAUSTED]++;
	return true;
}

/* Ask the pair for a number; send, queue or drop. False: it waits. */
static bool
number_and_send(struct node *n, struct node_pair *p, const uint8_t *ip, size_t len)
{
	struct resv_in in = {.kind = RESV_IN_TAKE};
	struct resv_out out;

	if (used_up(n, p, len))
		return true;
	resv_step(&p->resv, n->now, &in, &out);
	if (out.ask)
		(void)sync_reserve(n, p, out.ask);
	switch (out.grant) {
	case RESV_GRANTED:
		seal_and_send(n, p, out.number, ip, len);
		break;
	case RESV_WAIT:
		return false;
	case RESV_EXHAUSTED:
	case RESV_NOTHING:
		n->count[NODE_CNT_EXHAUSTED]++;
		break;
	}
	if (p->resv.rekey && !p->rekeying)
		pairs_rekey(n, p);
	pairs_touch(n, p);
	return true;
}

/* What of it is in use. */
static void
waiting_move(struct node_waiting *to, const struct node_waiting *from)
{
	memcpy(to, from, offsetof(struct node_waiting, b) + from->len);
}

static bool
has_waiting(const struct node *n, unsigned pair)
{
	for (unsigned i = 0; i < n->waiting_cnt; i++)
		if (n->waiting[i].pair == pair)
			return true;
	return false;
}

static void
initiate(struct node *n, unsigned map, const struct policy_flow *f)
{
	const struct ike_map *m = &n->ike_map[map];
	struct ike_in in = {.kind = IKE_IN_INITIATE, .map_id = m->id, .remote = {m->peer, 500}};

	in.local = (struct ike_end){n->vip, 500};
	for (unsigned i = 0; i < m->acl_cnt; i++) {
		if (!policy_covers(&m->acl[i].local, &m->acl[i].remote, f))
			continue;
		in.proxy_local = m->acl[i].local;
		in.proxy_remote = m->acl[i].remote;
		keying_step(n, &in);
		return;
	}
}

static void
protect(struct node *n, struct node_pair *p, const uint8_t *ip, size_t len)
{
	if (has_waiting(n, pairs_index(n, p)) || !number_and_send(n, p, ip, len))
		queue(n, p, ip, len);
}

/* Fragments first, each sealed by itself. */
static void
split(struct node *n, struct node_pair *p, const uint8_t *ip, size_t len)
{
	size_t mtu = esp_inner_mtu(&p->out, mtu_of(n, p)), got;
	uint32_t born = p->born;
	struct ipfrag_split s;
	uint8_t piece[NODE_MTU];

	if (ipfrag_split_init(&s, &n->rules->ipfrag, ip, len, mtu, NULL) != ERR_OK) {
		n->count[NODE_CNT_MALFORMED]++;
		return;
	}
	n->count[NODE_CNT_SPLIT]++;
	while (p->used && p->born == born && (got = ipfrag_split_next(&s, piece, sizeof piece)) > 0)
		protect(n, p, piece, got);
}

enum verdict
traffic_out(struct node *n, const uint8_t *ip, size_t len)
{
	struct policy_flow f = policy_flow_of(ip, len);
	struct node_pair *p;
	unsigned map = policy_answer(n, &f, &p);

	if (map == n->map_cnt)
		return VERDICT_CLEAR;
	if (!n->live) {
		n->count[NODE_CNT_NOT_ACTIVE]++;
		return VERDICT_DROP;
	}
	if (!p) {
		n->count[NODE_CNT_NO_SA]++;
		if (n->rules->leak_without_sa)
			traffic_ip_out(n, ip, len);
		else if (!n->map[map].is_dynamic && !f.ports_unknown)
			initiate(n, map, &f);
		return VERDICT_DROP;
	}
	switch (mtu_fits(n, p, ip, len)) {
	case MTU_FITS:
		protect(n, p, ip, len);
		break;
	case MTU_SPLIT:
		split(n, p, ip, len);
		break;
	case MTU_TOO_BIG:
		mtu_tell(n, p, ip, len);
		return VERDICT_DROP;
	}
	return VERDICT_PROTECT;
}

void
traffic_flush(struct node *n, unsigned pair)
{
	unsigned kept = 0;
	bool blocked = false;

	for (unsigned i = 0; i < n->waiting_cnt; i++) {
		struct node_waiting *w = &n->waiting[i];
		struct node_pair *p = &n->pair[w->pair];
		bool gone = !p->used || p->dormant || p->born != w->born;

		if (gone)
			continue;
		if (w->pair == pair && !blocked && number_and_send(n, p, w->b, w->len))
			continue;
		blocked = blocked || w->pair == pair;
		if (kept != i)
			waiting_move(&n->waiting[kept], w);
		kept++;
	}
	n->waiting_cnt = kept;
}

void
traffic_tick(struct node *n)
{
	struct ssp_in give_up = {.kind = SSP_IN_GIVE_UP};
	unsigned kept = 0;
	bool expired = false;

	ipfrag_tick(&n->frag, n->now);
	for (unsigned i = 0; i < n->waiting_cnt; i++) {
		if (n->now >= n->waiting[i].until) {
			n->count[NODE_CNT_QUEUE_EXPIRED]++;
			expired = true;
			continue;
		}
		if (kept != i)
			waiting_move(&n->waiting[kept], &n->waiting[i]);
		kept++;
	}
	n->waiting_cnt = kept;
	if (expired && n->ssp.up && n->ssp.peer_role != SSP_ROLE_ACTIVE)
		sync_step(n, &give_up); /* the channel counts as lost (specification 4) */
}

ns_t
traffic_deadline(const struct node *n)
{
	ns_t t = ipfrag_deadline(&n->frag);

	return n->waiting_cnt ? ns_min(t, n->waiting[0].until) : t;
}

static void
accepted(struct node *n, struct node_pair *p)
{
	p->in_unreported++;
	replace_heard(n, p);
	if (n->ha.inbound && p->in_unreported >= n->ha.inbound)
		(void)sync_replay(n, p);
	volume_count(n, p);
	pairs_touch(n, p);
	keying_heard(n, &p->child.cookies);
}

static void
inner_in(struct node *n, struct node_pair *p, uint8_t *inner, size_t len)
{
	struct policy_flow f = policy_flow_of(inner, len), back = policy_reversed(f);

	if (n->rules->check_proxies &&
		!policy_covers(&p->child.proxy_local, &p->child.proxy_remote, &back)) {
		n->count[NODE_CNT_OUTSIDE_PROXY]++;
		return;
	}
	n->count[NODE_CNT_DECRYPTED]++;
	esp_ecn(&n->rules->esp, n->outer_tos, inner, len);
	node_emit_bytes(n, NODE_ACT_TUN, 0, inner, len);
}

static void
unknown_spi(struct node *n, struct ike_end from, const uint8_t *esp, size_t len)
{
	struct ike_in in = {.kind = IKE_IN_UNKNOWN_SPI, .remote = from};
	struct rd r;

	n->count[NODE_CNT_UNKNOWN_SPI]++;
	rd_init(&r, esp, len);
	in.spi = rd_u32(&r, "esp.spi");
	if (!r.bad && n->rules->unknown_spi_delete)
		keying_step(n, &in);
}

/* Behind a NAT the outer address may change; the ICV tells. */
static bool
may_come_from(const struct node_pair *p, struct ike_end from)
{
	return p->child.natt || p->child.remote.addr == from.addr;
}

/* RFC 3947 7: the newest packet tells where its sender is, unless it is we who are behind the NAT.
 */
static void
follow(struct node *n, struct node_pair *p, struct ike_end from)
{
	if (!(p->child.natt & IKE_NATT_US) || n->rules->natt_follow_behind)
		nat_peer_at(n, p->child.remote, from);
}

void
traffic_esp_in(struct node *n, struct ike_end from, const uint8_t *esp, size_t len)
{
	uint8_t inner[NODE_PACKET_MAX];
	struct node_pair *p;
	struct rd r;
	size_t out_len = 0;
	uint32_t seq = 0, top;
	enum err e;

	rd_init(&r, esp, len);
	p = pairs_by_spi_in(n, rd_u32(&r, "esp.spi"));
	if (r.bad || !p || (p->dormant && !n->rules->open_dormant) || !may_come_from(p, from)) {
		unknown_spi(n, from, esp, len);
		return;
	}
	if (n->rules->natt_check_encap && (p->child.natt != 0) != (from.port != 0)) {
		n->count[NODE_CNT_ENCAPSULATION]++;
		return;
	}
	top = p->in.window.top;
	e = esp_open(n->crypto, &n->rules->esp, &p->in, esp, len, inner, sizeof inner, &out_len,
		&seq, NULL);
	if (e == ERR_REPLAY)
		n->count[NODE_CNT_REPLAY]++;
	else if (e == ERR_AUTH)
		n->count[NODE_CNT_BAD_ICV]++;
	else if (e != ERR_OK)
		n->count[NODE_CNT_ESP_REFUSED]++;
	if (e != ERR_OK)
		return;
	if (p->child.natt && (seq > top || n->rules->natt_follow_old))
		follow(n, p, from);
	accepted(n, p);
	if (out_len)
		inner_in(n, p, inner, out_len);
}
