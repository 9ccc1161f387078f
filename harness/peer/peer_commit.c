/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Commit Bit in Quick Mode (RFC 2408 3.1, 4.8), both roles. Who did not set it waits for
 * CONNECTED: an informational exchange with the message id of the Quick Mode. Its IV: RFC 2409 5.7
 * has every informational exchange start from hash(last block of phase 1 | message id), and forbids
 * the message id that RFC 2408 asks for; we start anew, and read also what goes on from the last
 * block of Quick Mode. If both set the bit, nobody waits.
 *
 * While it waits, the initiator sends message 3 again, and at last gives up. Traffic of the other
 * on the new SA proves as much as CONNECTED (3.1, note), and is taken for it.
 */
#include <string.h>

#include "harness/peer/peer_priv.h"

bool
peer_commit_waits(const struct peer *p, const struct qm *q)
{
	return q->commit_theirs && !p->cfg.commit && !p->cfg.ignore_commit;
}

static void
finish(struct peer *p, ns_t now, struct qm *q)
{
	q->done = true;
	q->waits = false;
	q->again.pending = false;
	if (!q->initiator)
		q->again.out_len = 0;
	q->forget = now + ns_from_s(30);
	peer_child_ready(p, now, q->record);
}

static void
send_connected(struct peer *p, ns_t now, struct ike *s, struct qm *q)
{
	uint32_t id = p->wrong.connected_msgid ? peer_new_msgid(p, s) : q->msgid;
	uint8_t buf[256], iv[KEYPRIM_BLOCK_MAX], spi[4];
	struct chain_out o;

	for (int i = 0; i < 4; i++)
		spi[i] = (uint8_t)(q->spi_in >> (24 - 8 * i));
	memcpy(iv, q->iv, sizeof iv);
	if (!p->wrong.connected_chain)
		keyike_phase2_iv(&s->k, id, iv);
	peer_chain_start(&o, buf, sizeof buf);
	peer_put_notify(&o, 3, NOTIFY_CONNECTED, spi, 4, NULL, 0);
	/* A responder's is what a repeated message 3 is answered with. */
	peer_ike_send_hashed(
		p, now, s, PEER_CONNECTED, id, iv, &o, NULL, 1, q->initiator ? NULL : &q->again);
}

/* Message 3 has been sent, or has come. */
void
peer_commit_done(struct peer *p, ns_t now, struct qm *q)
{
	if (q->commit_theirs && !q->done)
		peer_note(p, now, PEER_EV_COMMIT, q->msgid, NULL);
	if (!q->done && peer_commit_waits(p, q)) {
		q->waits = true;
		q->again.pending = true;
		q->again.timer_only = !q->initiator;
		q->again.sendings = 1;
		q->again.at = now + p->cfg.retry;
		p->p2[q->record].committed = true;
		return;
	}
	if (!q->done)
		finish(p, now, q);
	if (!p->cfg.commit || p->cfg.connected_after == NS_NEVER)
		return;
	q->connected_at = now + p->cfg.connected_after;
	peer_commit_tick(p, now);
}

/* An informational message with the id of a Quick Mode that waits. */
void
peer_commit_in(struct peer *p, struct in *m, struct ike *s, struct qm *q)
{
	const char *how = "IV of its own exchange";
	uint8_t iv[KEYPRIM_BLOCK_MAX], chain[KEYPRIM_BLOCK_MAX];
	const struct chain_item *n;
	uint64_t refused = p->n.ike_refused;

	keyike_phase2_iv(&s->k, m->msgid, iv);
	memcpy(chain, q->iv, sizeof chain);
	if (!peer_ike_open(p, m, s, iv) || !peer_ike_check_hash(s, m, NULL, 1)) {
		how = "IV of Quick Mode's chain";
		if (!peer_ike_open(p, m, s, chain) || !peer_ike_check_hash(s, m, NULL, 1)) {
			peer_refuse(p, m->now, "CONNECTED: hash");
			return;
		}
		p->n.ike_refused = refused;
	}
	if (peer_ignores(p, m->now, PEER_CONNECTED))
		return;
	n = peer_chain_get(&m->c, PL_NOTIFY, 0);
	if (!n || n->len < 8 || IP4(0, 0, n->body[6], n->body[7]) != NOTIFY_CONNECTED) {
		peer_refuse(p, m->now, "not CONNECTED");
		return;
	}
	peer_note(p, m->now, PEER_EV_CONNECTED, m->msgid, how);
	s->heard = m->now;
	finish(p, m->now, q);
}

void
peer_commit_traffic(struct peer *p, ns_t now, const struct child *c)
{
	for (size_t i = 0; i < p->qm_cnt; i++)
		if (p->qms[i].used && p->qms[i].waits && p->qms[i].record == c->record)
			finish(p, now, &p->qms[i]);
}

void
peer_commit_tick(struct peer *p, ns_t now)
{
	for (size_t i = 0; i < p->qm_cnt; i++) {
		struct qm *q = &p->qms[i];

		if (!q->used || now < q->connected_at)
			continue;
		q->connected_at = NS_NEVER;
		send_connected(p, now, &p->ikes[q->ike], q);
	}
}

ns_t
peer_commit_deadline(const struct peer *p)
{
	ns_t at = NS_NEVER;

	for (size_t i = 0; i < p->qm_cnt; i++)
		if (p->qms[i].used)
			at = ns_min(at, p->qms[i].connected_at);
	return at;
}
