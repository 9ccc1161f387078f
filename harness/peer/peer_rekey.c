/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SAs that grow old: lifetimes in seconds and in kB (RFC 2407 4.5), rekeying ahead of them or when
 * a case says so, and what becomes of the old SA. Make before break: the old one goes when the new
 * one has been up for a while, with a Delete. Of two that were made at once (both sides began) both
 * stay until one is deleted; the newest sends.
 */
#include <string.h>

#include "harness/peer/peer_priv.h"

void
peer_rekey_phase1(struct peer *p, ns_t now)
{
	size_t record = p->p1_cnt;

	peer_mm_start(p, now, 0);
	for (size_t i = 0; i < p->ike_cnt; i++)
		if (p->ikes[i].used && p->ikes[i].record == record)
			p->ikes[i].rekeys = true;
}

void
peer_rekey_child(struct peer *p, ns_t now)
{
	struct ike *s = peer_ike_up(p);
	struct child *c = peer_child_out(p);
	size_t old = c ? 1 + c->record : 0, record = p->p1_cnt;

	if (s) {
		peer_qm_start(p, now, s, old);
		return;
	}
	peer_mm_start(p, now, 1);
	for (size_t i = 0; i < p->ike_cnt; i++)
		if (p->ikes[i].used && p->ikes[i].record == record)
			p->ikes[i].rekeys_child = old;
}

static ns_t
later(ns_t now, ns_t linger)
{
	return linger == NS_NEVER ? NS_NEVER : now + linger;
}

void
peer_rekey_ike_up(struct peer *p, ns_t now, struct ike *s)
{
	for (size_t i = 0; i < p->ike_cnt && s->rekeys; i++) {
		struct ike *old = &p->ikes[i];

		if (old->used && old->up && old->record < s->record)
			old->retire = ns_min(old->retire, later(now, p->cfg.linger));
	}
}

void
peer_rekey_child_up(struct peer *p, ns_t now, size_t record)
{
	size_t old = 0;

	for (size_t i = 0; i < p->qm_cnt; i++)
		if (p->qms[i].used && p->qms[i].record == record)
			old = p->qms[i].rekeys;
	for (size_t i = 0; i < p->child_cnt && old; i++)
		if (p->children[i].used && p->children[i].record == old - 1)
			p->children[i].retire = later(now, p->cfg.linger);
}

/* Each SA of the pair has its own count; the first that is through ends the pair. */
void
peer_rekey_count(struct peer *p, ns_t now, struct child *c)
{
	const struct peer_phase2 *r = &p->p2[c->record];
	uint64_t most = r->bytes_in > r->bytes_out ? r->bytes_in : r->bytes_out;
	uint64_t end = (uint64_t)c->life_kb * 1024, ahead = (uint64_t)p->cfg.esp_rekey_kb * 1024;

	if (!c->life_kb)
		return;
	if (ahead && ahead < end && most >= end - ahead && !c->rekeyed)
		c->soft = ns_min(c->soft, now);
	if (most >= end)
		c->expires = ns_min(c->expires, now);
}

static void
end_child(struct peer *p, ns_t now, struct child *c, enum peer_end end)
{
	struct ike *s = peer_ike_up(p);

	if (s)
		peer_send_delete_esp(p, now, s, c->in.spi);
	peer_child_drop(p, now, c, end);
}

static void
child_tick(struct peer *p, ns_t now, struct child *c)
{
	if (now >= c->soft) {
		c->soft = NS_NEVER;
		c->rekeyed = true;
		if (c == peer_child_out(p))
			peer_rekey_child(p, now);
	}
	if (now >= c->retire)
		end_child(p, now, c, PEER_END_REPLACED);
	else if (now >= c->expires && !p->wrong.keep_expired)
		end_child(p, now, c, PEER_END_LIFETIME);
	else if (now >= c->expires)
		c->expires = NS_NEVER;
}

static void
ike_tick(struct peer *p, ns_t now, struct ike *s)
{
	enum peer_end end = now >= s->retire ? PEER_END_REPLACED : PEER_END_LIFETIME;

	if (now >= s->soft) {
		s->soft = NS_NEVER;
		if (s == peer_ike_up(p))
			peer_rekey_phase1(p, now);
	}
	if (now < s->retire && now >= s->expires && p->wrong.keep_expired)
		s->expires = NS_NEVER;
	if (now < s->retire && now < s->expires)
		return;
	peer_send_delete_ike(p, now, s);
	peer_ike_drop(p, now, s, end);
}

void
peer_rekey_tick(struct peer *p, ns_t now)
{
	for (size_t i = 0; i < p->child_cnt; i++)
		if (p->children[i].used)
			child_tick(p, now, &p->children[i]);
	for (size_t i = 0; i < p->ike_cnt; i++)
		if (p->ikes[i].used)
			ike_tick(p, now, &p->ikes[i]);
}

ns_t
peer_rekey_deadline(const struct peer *p)
{
	ns_t at = NS_NEVER;

	for (size_t i = 0; i < p->child_cnt; i++)
		if (p->children[i].used)
			at = ns_min(
				at, ns_min(p->children[i].expires,
					    ns_min(p->children[i].soft, p->children[i].retire)));
	for (size_t i = 0; i < p->ike_cnt; i++)
		if (p->ikes[i].used)
			at = ns_min(at, ns_min(p->ikes[i].expires,
						ns_min(p->ikes[i].soft, p->ikes[i].retire)));
	return at;
}
