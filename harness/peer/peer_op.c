/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a case may ask of the peer, and what it may look at (peer.h). Thin: each operation says
 * which SA it means and calls the file that does it.
 */
#include <string.h>

#include "harness/peer/peer_priv.h"

static bool
phase1_under_way(struct peer *p, struct ike **which)
{
	for (size_t i = 0; i < p->ike_cnt; i++)
		if (p->ikes[i].used && !p->ikes[i].up && p->ikes[i].initiator) {
			*which = &p->ikes[i];
			return true;
		}
	return false;
}

static bool
phase2_under_way(const struct peer *p)
{
	for (size_t i = 0; i < p->qm_cnt; i++)
		if (p->qms[i].used && !p->qms[i].done)
			return true;
	return false;
}

void
peer_initiate(struct peer *p, ns_t now)
{
	struct ike *s = peer_ike_up(p);

	if (s)
		peer_qm_start(p, now, s, 0);
	else if (phase1_under_way(p, &s))
		s->want_children++;
	else
		peer_mm_start(p, now, 1);
}

void
peer_initiate_once(struct peer *p, ns_t now)
{
	struct ike *s;

	if (!phase1_under_way(p, &s) && !phase2_under_way(p))
		peer_initiate(p, now);
}

void
peer_initiate_phase1(struct peer *p, ns_t now)
{
	peer_mm_start(p, now, 0);
}

void
peer_delete_child(struct peer *p, ns_t now, bool silent)
{
	struct child *c = peer_child_out(p);
	struct ike *s = peer_ike_up(p);

	if (!c)
		return;
	if (!silent && s)
		peer_send_delete_esp(p, now, s, c->in.spi);
	peer_child_drop(p, now, c, PEER_END_WITHDREW);
}

void
peer_delete_spi(struct peer *p, ns_t now, uint32_t spi_in, bool silent)
{
	struct child *c = peer_child_in(p, spi_in);
	struct ike *s = peer_ike_up(p);

	if (!c)
		return;
	if (!silent && s)
		peer_send_delete_esp(p, now, s, spi_in);
	peer_child_drop(p, now, c, PEER_END_WITHDREW);
}

void
peer_delete_phase1(struct peer *p, ns_t now, size_t n, bool silent)
{
	for (size_t i = 0; i < p->ike_cnt; i++) {
		struct ike *s = &p->ikes[i];

		if (!s->used || s->record != n)
			continue;
		if (!silent && s->up)
			peer_send_delete_ike(p, now, s);
		peer_ike_drop(p, now, s, PEER_END_WITHDREW);
	}
}

void
peer_delete_ike(struct peer *p, ns_t now, bool silent)
{
	struct ike *s = peer_ike_up(p);

	if (!s)
		return;
	if (!silent)
		peer_send_delete_ike(p, now, s);
	peer_ike_drop(p, now, s, PEER_END_WITHDREW);
}

void
peer_reset(struct peer *p, ns_t now)
{
	peer_drop_all(p, now, NULL, PEER_END_WITHDREW);
	p->sent_cnt = 0;
	netif_flush(&p->net);
}

void
peer_dpd_probe(struct peer *p, ns_t now)
{
	struct ike *s = peer_ike_up(p);

	if (s)
		peer_dpd_ask(p, now, s);
}

void
peer_notify(struct peer *p, ns_t now, uint16_t type)
{
	struct ike *s = peer_ike_up(p);
	struct child *c = peer_child_out(p);
	uint8_t spi[4] = {0};

	if (!s)
		return;
	for (int i = 0; i < 4 && c; i++)
		spi[i] = (uint8_t)(c->out.spi >> (24 - 8 * i));
	peer_send_notify(p, now, s, type, 3, spi, c ? 4 : 0);
}

bool
peer_send_info(struct peer *p, ns_t now, uint8_t first, const uint8_t *payloads, size_t len)
{
	struct ike *s = peer_ike_up(p);
	uint8_t buf[MSG_MAX - 256];
	struct chain_out o;

	if (!s || len > sizeof buf)
		return false;
	peer_chain_start(&o, buf, sizeof buf);
	wr_bytes(&o.w, payloads, len);
	o.first = first;
	peer_info_chain(p, now, s, PEER_INFO_NOTIFY, &o);
	return true;
}

void
peer_send_raw(struct peer *p, ns_t now, const uint8_t *frame, size_t len)
{
	netif_raw(&p->net, now, frame, len);
}

void
peer_send_esp(struct peer *p, ns_t now, const uint8_t *esp, size_t len)
{
	peer_esp_wire(p, now, esp, len);
}

struct peer_wrong *
peer_wrong(struct peer *p)
{
	return &p->wrong;
}

struct peer_cfg *
peer_cfg(struct peer *p)
{
	return &p->cfg;
}

const struct peer_phase1 *
peer_phase1s(const struct peer *p, size_t *cnt)
{
	*cnt = p->p1_cnt;
	return p->p1;
}

const struct peer_phase2 *
peer_phase2s(const struct peer *p, size_t *cnt)
{
	*cnt = p->p2_cnt;
	return p->p2;
}

const struct peer_phase1 *
peer_phase1(const struct peer *p)
{
	for (size_t i = p->p1_cnt; i-- > 0;)
		if (p->p1[i].state == PEER_SA_UP)
			return &p->p1[i];
	return NULL;
}

const struct peer_phase2 *
peer_phase2(const struct peer *p)
{
	for (size_t i = p->p2_cnt; i-- > 0;)
		if (p->p2[i].state == PEER_SA_UP)
			return &p->p2[i];
	return NULL;
}

bool
peer_is_up(const struct peer *p)
{
	return peer_phase1(p) && peer_phase2(p);
}

const struct peer_event *
peer_events(const struct peer *p, size_t *cnt)
{
	*cnt = p->ev_cnt;
	return p->ev;
}

size_t
peer_event_cnt(const struct peer *p, enum peer_event_kind kind, ns_t since, struct peer_event *last)
{
	size_t n = 0;

	for (size_t i = 0; i < p->ev_cnt; i++)
		if (p->ev[i].kind == kind && p->ev[i].at >= since) {
			n++;
			if (last)
				*last = p->ev[i];
		}
	return n;
}

const struct peer_counters *
peer_counters(const struct peer *p)
{
	return &p->n;
}

const struct netif *
peer_netif(const struct peer *p)
{
	return &p->net;
}

static const struct ike *
newest(const struct peer *p)
{
	const struct ike *best = NULL;

	for (size_t i = 0; i < p->ike_cnt; i++)
		if (p->ikes[i].used && p->ikes[i].up && (!best || p->ikes[i].record > best->record))
			best = &p->ikes[i];
	return best;
}

uint32_t
peer_dpd_next(const struct peer *p)
{
	const struct ike *s = newest(p);

	return s && s->dpd_started ? s->dpd_next : 0;
}

uint32_t
peer_dpd_heard(const struct peer *p)
{
	const struct ike *s = newest(p);

	return s && s->dpd_heard_any ? s->dpd_heard : 0;
}
