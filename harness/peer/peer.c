/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The peer as a whole (peer.h): its life, its clockwork, its records. Files: peer_ike.c messages,
 * peer_mm.c and peer_qm.c the exchanges, peer_offer.c proposals, peer_info.c notifications and DPD,
 * peer_sa.c what lives, peer_rekey.c
 * how it grows old, peer_commit.c, peer_natt.c, peer_esp.c the tunnel, peer_inner.c the host behind
 * it, peer_op.c what a case may ask for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/peer/peer_priv.h"

static const char *const kind_names[PEER_KIND_CNT] = {
	[PEER_MM1] = "Main Mode 1",
	[PEER_MM2] = "Main Mode 2",
	[PEER_MM3] = "Main Mode 3",
	[PEER_MM4] = "Main Mode 4",
	[PEER_MM5] = "Main Mode 5",
	[PEER_MM6] = "Main Mode 6",
	[PEER_QM1] = "Quick Mode 1",
	[PEER_QM2] = "Quick Mode 2",
	[PEER_QM3] = "Quick Mode 3",
	[PEER_INFO_NOTIFY] = "notification",
	[PEER_INFO_DELETE_ESP] = "Delete of ESP",
	[PEER_INFO_DELETE_IKE] = "Delete of IKE",
	[PEER_DPD_ASK] = "R-U-THERE",
	[PEER_DPD_ACK] = "R-U-THERE-ACK",
	[PEER_CONNECTED] = "CONNECTED",
	[PEER_ESP] = "ESP",
};

static const char *const event_names[PEER_EVENT_KIND_CNT] = {
	[PEER_EV_PHASE1_UP] = "phase 1 up",
	[PEER_EV_PHASE1_GONE] = "phase 1 gone",
	[PEER_EV_PHASE2_UP] = "phase 2 up",
	[PEER_EV_PHASE2_GONE] = "phase 2 gone",
	[PEER_EV_NOTIFY] = "notification",
	[PEER_EV_INITIAL_CONTACT] = "INITIAL-CONTACT",
	[PEER_EV_DELETE_ESP] = "Delete of ESP",
	[PEER_EV_DELETE_IKE] = "Delete of IKE",
	[PEER_EV_DPD_ASKED] = "R-U-THERE came",
	[PEER_EV_DPD_ACKED] = "R-U-THERE-ACK came",
	[PEER_EV_DPD_SENT] = "R-U-THERE sent",
	[PEER_EV_DPD_DEAD] = "the other is dead",
	[PEER_EV_RETRANSMIT] = "sent again",
	[PEER_EV_DUPLICATE] = "came again",
	[PEER_EV_GIVEN_UP] = "exchange given up",
	[PEER_EV_UNKNOWN_SPI] = "unknown SPI",
	[PEER_EV_IGNORED] = "ignored",
	[PEER_EV_COMMIT] = "Commit Bit",
	[PEER_EV_CONNECTED] = "CONNECTED",
	[PEER_EV_MAPPING] = "the other is elsewhere",
	[PEER_EV_REFUSED] = "refused",
};

const char *
peer_kind_name(enum peer_kind k)
{
	return k < PEER_KIND_CNT ? kind_names[k] : "?";
}

const char *
peer_event_name(enum peer_event_kind k)
{
	return k < PEER_EVENT_KIND_CNT ? event_names[k] : "?";
}

/* -- chance: splitmix64, so that a seed is a run -- */

uint64_t
peer_rand(struct peer *p)
{
	uint64_t z = p->rng += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

void
peer_random(struct peer *p, void *out, size_t len)
{
	uint8_t *b = out;

	for (size_t i = 0; i < len; i++)
		b[i] = (uint8_t)(peer_rand(p) >> 24);
}

uint32_t
peer_random_u32(struct peer *p)
{
	uint32_t v = (uint32_t)(peer_rand(p) >> 32);

	return v ? v : 1;
}

/* -- records -- */

static void *
grow(void *old, size_t cnt, size_t *cap, size_t size)
{
	size_t more = *cap ? *cap * 2 : 16;
	void *p;

	if (cnt < *cap)
		return old;
	p = realloc(old, more * size);
	if (!p) {
		fprintf(stderr, "peer: out of memory\n");
		abort();
	}
	memset((char *)p + *cap * size, 0, (more - *cap) * size);
	*cap = more;
	return p;
}

size_t
peer_new_phase1(struct peer *p)
{
	p->p1 = grow(p->p1, p->p1_cnt, &p->p1_cap, sizeof *p->p1);
	p->p1[p->p1_cnt].up = p->p1[p->p1_cnt].ended = NS_NEVER;
	return p->p1_cnt++;
}

size_t
peer_new_phase2(struct peer *p)
{
	p->p2 = grow(p->p2, p->p2_cnt, &p->p2_cap, sizeof *p->p2);
	p->p2[p->p2_cnt].up = p->p2[p->p2_cnt].ended = NS_NEVER;
	return p->p2_cnt++;
}

struct peer_event *
peer_note(struct peer *p, ns_t now, enum peer_event_kind kind, uint32_t value, const char *what)
{
	struct peer_event *e;

	p->ev = grow(p->ev, p->ev_cnt, &p->ev_cap, sizeof *p->ev);
	e = &p->ev[p->ev_cnt++];
	*e = (struct peer_event){.at = now, .kind = kind, .value = value, .what = what};
	return e;
}

void
peer_refuse(struct peer *p, ns_t now, const char *what)
{
	p->n.ike_refused++;
	peer_note(p, now, PEER_EV_REFUSED, 0, what);
}

/* -- wrong on purpose -- */

bool
peer_spoil(struct peer *p, uint32_t mask, enum peer_kind kind)
{
	if (!(mask & PEER_BIT(kind)))
		return false;
	p->spoilt = true;
	return true;
}

/* Something authentic came that a case wants to go unheeded. */
bool
peer_ignores(struct peer *p, ns_t now, enum peer_kind kind)
{
	struct peer_wrong *w = &p->wrong;

	if (!(w->ignore & PEER_BIT(kind)))
		return false;
	peer_note(p, now, PEER_EV_IGNORED, kind, peer_kind_name(kind));
	if (w->ignore_cnt && !--w->ignore_cnt)
		w->ignore = 0;
	return true;
}

/* A message has left (or been dropped): if it was spoilt and the count is used up, behave again. */
void
peer_spoilt_done(struct peer *p)
{
	struct peer_wrong *w = &p->wrong;

	if (!p->spoilt)
		return;
	p->spoilt = false;
	if (!w->count || --w->count)
		return;
	w->bad_hash = w->no_hash = w->bad_body = w->bad_proposal = w->bad_msgid = 0;
	w->bad_cookie = w->bad_length = w->bad_flags = w->bad_iv = w->bad_id = 0;
	w->drop = w->repeat = 0;
}

/* -- life -- */

static void
defaults(struct peer_cfg *c)
{
	if (!c->ike_cnt) {
		c->ike[0] = (struct peer_ike_prop){KEYPRIM_AES, 128, KEYPRIM_SHA1, 2};
		c->ike_cnt = 1;
	}
	if (!c->esp_cnt) {
		c->esp[0] = (struct peer_esp_prop){KEYESP_AES_SHA1, 128};
		c->esp_cnt = 1;
	}
	c->ike_life_s = c->ike_life_s ? c->ike_life_s : 86400;
	c->esp_life_s = c->esp_life_s ? c->esp_life_s : 3600;
	c->retry = c->retry ? c->retry : ns_from_ms(500);
	c->tries = c->tries ? c->tries : 6;
	c->dpd_retry = c->dpd_retry ? c->dpd_retry : ns_from_s(1);
	c->dpd_tries = c->dpd_tries ? c->dpd_tries : 5;
	c->linger = c->linger ? c->linger : ns_from_s(1);
	c->natt.keepalive = c->natt.keepalive ? c->natt.keepalive : ns_from_s(20);
	c->window = c->window ? c->window : 64;
	c->window = c->window > WINDOW_MAX ? WINDOW_MAX : c->window;
}

struct peer *
peer_new(const struct peer_cfg *cfg, uint64_t seed, struct keyring *ring, netif_send *send,
	void *ctx)
{
	struct peer *p = calloc(1, sizeof *p);

	if (!p) {
		fprintf(stderr, "peer: out of memory\n");
		abort();
	}
	p->cfg = *cfg;
	defaults(&p->cfg);
	p->rng = seed;
	p->ring = ring;
	netif_init(&p->net, &cfg->net, send, ctx);
	return p;
}

/* What lives holds keys; what ended was wiped then. The rest, half a MB, was mostly never touched.
 */
static void
wipe_keys(struct peer *p)
{
	for (size_t i = 0; i < p->ike_cnt; i++)
		if (p->ikes[i].used)
			wipe(&p->ikes[i], sizeof p->ikes[i]);
	for (size_t i = 0; i < p->qm_cnt; i++)
		if (p->qms[i].used)
			wipe(&p->qms[i], sizeof p->qms[i]);
	for (size_t i = 0; i < p->child_cnt; i++)
		if (p->children[i].used)
			wipe(&p->children[i], sizeof p->children[i]);
	wipe(&p->cfg, sizeof p->cfg);
	p->rng = 0;
}

void
peer_free(struct peer *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < PEER_STREAMS; i++) {
		stream_tx_free(&p->tx[i]);
		stream_rx_free(&p->rx[i]);
	}
	free(p->p1);
	free(p->p2);
	free(p->ev);
	wipe_keys(p);
	free(p);
}

void
peer_frame(struct peer *p, ns_t now, const uint8_t *frame, size_t len)
{
	struct endpoint from;
	struct pkt k;
	size_t ip_len;
	const uint8_t *ip;

	if (pkt_parse(&k, frame, len) && k.is_ip && mac_equal(&k.dst_mac, &p->cfg.net.mac) &&
		ip4_in(p->cfg.far.net, k.src) && ip4_in(p->cfg.local.net, k.dst))
		p->n.clear_in++;
	ip = netif_frame(&p->net, now, frame, len, &ip_len);
	if (!ip || !pkt_parse_ip(&k, ip, ip_len))
		return;
	from = (struct endpoint){.addr = k.src, .local = k.dport, .remote = k.sport};
	if (k.is_udp && k.dport == PORT_NATT && !p->cfg.natt.on)
		return;
	if (k.is_keepalive)
		p->n.keepalives_in++; /* RFC 3948 4: proves nothing */
	else if (k.is_isakmp && (k.dport == PORT_IKE || k.dport == PORT_NATT)) {
		if (!p->cfg.dead_to_ike)
			peer_ike_in(p, now, &from, k.isakmp, k.isakmp_len);
	} else if (k.is_esp && (k.proto == PKT_ESP || k.dport == PORT_NATT)) {
		peer_esp_in(p, now, &from, &k);
	}
}

static void
give_up(struct peer *p, ns_t now, uint32_t msgid)
{
	peer_note(p, now, PEER_EV_GIVEN_UP, msgid, NULL);
}

/* True if the exchange must be given up. */
static bool
again_tick(struct peer *p, ns_t now, const struct ike *s, struct again *a)
{
	if (!a->pending || now < a->at)
		return false;
	if (a->sendings >= p->cfg.tries)
		return true;
	a->at = now + (p->cfg.retry << (a->sendings < 6 ? a->sendings : 6));
	a->sendings++;
	peer_ike_resend(p, now, s, a);
	return false;
}

static void
exchanges_tick(struct peer *p, ns_t now)
{
	for (size_t i = 0; i < p->ike_cnt; i++)
		if (p->ikes[i].used && again_tick(p, now, &p->ikes[i], &p->ikes[i].again)) {
			give_up(p, now, 0);
			peer_ike_drop(p, now, &p->ikes[i], PEER_END_TIMEOUT);
		}
	for (size_t i = 0; i < p->qm_cnt; i++) {
		struct qm *q = &p->qms[i];

		if (q->used && again_tick(p, now, &p->ikes[q->ike], &q->again)) {
			give_up(p, now, q->msgid);
			peer_qm_drop(p, now, q, PEER_END_TIMEOUT);
		} else if (q->used && now >= q->forget) {
			peer_qm_drop(p, now, q, PEER_END_NONE);
		}
	}
}

void
peer_tick(struct peer *p, ns_t now)
{
	netif_tick(&p->net, now);
	exchanges_tick(p, now);
	peer_dpd_tick(p, now);
	peer_natt_tick(p, now);
	peer_commit_tick(p, now);
	peer_rekey_tick(p, now);
	peer_inner_tick(p, now);
}

ns_t
peer_deadline(const struct peer *p)
{
	ns_t at = ns_min(netif_deadline(&p->net), peer_dpd_deadline(p));

	at = ns_min(at, peer_inner_deadline(p));
	at = ns_min(at, peer_natt_deadline(p));
	at = ns_min(at, peer_rekey_deadline(p));
	at = ns_min(at, peer_commit_deadline(p));
	for (size_t i = 0; i < p->ike_cnt; i++)
		if (p->ikes[i].used && p->ikes[i].again.pending)
			at = ns_min(at, p->ikes[i].again.at);
	for (size_t i = 0; i < p->qm_cnt; i++) {
		if (p->qms[i].used && p->qms[i].again.pending)
			at = ns_min(at, p->qms[i].again.at);
		if (p->qms[i].used)
			at = ns_min(at, p->qms[i].forget);
	}
	return at;
}
