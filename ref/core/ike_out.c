/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages and actions on their way out: building, padding and encrypting, holding for the standby,
 * releasing, retransmitting.
 */
#include <assert.h>
#include <string.h>

#include "ref/core/ike_int.h"

/* The next action, zeroed; NULL (counted) when the list is full. */
struct ike_act *
ike_act(struct ike_ctx *c, enum ike_act_kind kind)
{
	struct ike_act *a;

	if (c->acts->cnt == IKE_ACTS_MAX) {
		c->k->count[IKE_R_ACTS_FULL]++;
		return NULL;
	}
	a = &c->acts->v[c->acts->cnt++];
	memset(a, 0, sizeof(*a));
	a->kind = kind;
	return a;
}

void
ike_note(struct ike_ctx *c, enum ike_reason r, struct ike_end remote, const struct why *why)
{
	struct ike_act *a;

	c->k->count[r]++;
	/* Notes never take the last places: what must be done comes first. */
	if (c->acts->cnt >= IKE_ACTS_MAX - 8)
		return;
	a = ike_act(c, IKE_ACT_NOTE);
	a->reason = r;
	a->remote = remote;
	if (why)
		a->why = *why;
}

void
ike_acts_wipe(struct ike_acts *acts)
{
	wipe(acts->child, sizeof(acts->child));
	acts->child_cnt = 0;
	acts->cnt = 0;
	acts->used = 0;
}

void
ike_send_bytes(struct ike_ctx *c, const struct ike_sa *sa, struct ike_end to, const uint8_t *bytes,
	size_t len)
{
	struct ike_acts *acts = c->acts;
	struct ike_act *a;

	if (len > sizeof(acts->buf) - acts->used) {
		c->k->count[IKE_R_ACTS_FULL]++;
		return;
	}
	a = ike_act(c, IKE_ACT_SEND);
	if (!a)
		return;
	memcpy(acts->buf + acts->used, bytes, len);
	a->bytes = acts->buf + acts->used;
	a->len = len;
	a->local = sa->local;
	a->remote = to;
	a->cookies = sa->cookies;
	acts->used += len;
}

void
ike_out_begin(struct ike_xchg *x, const struct ike_sa *sa, struct wr *w, struct isakmp_build *b,
	uint8_t exchange, bool encrypted)
{
	struct isakmp_hdr h = {
		.version = ISAKMP_VERSION,
		.exchange = exchange,
		.flags = (uint8_t)((encrypted ? ISAKMP_F_ENCRYPT : 0) |
				   (x->commit_own ? ISAKMP_F_COMMIT : 0)),
		.msgid = x->msgid,
	};

	memcpy(h.icookie, sa->cookies.i, sizeof(h.icookie));
	memcpy(h.rcookie, sa->cookies.r, sizeof(h.rcookie));
	wr_init(w, x->sent, sizeof(x->sent));
	isakmp_build_init(b, w, &h);
}

bool
ike_out_clear(struct ike_xchg *x, struct wr *w, struct isakmp_build *b)
{
	isakmp_build_done(b);
	x->sent_len = w->bad ? 0 : w->len;
	return !w->bad;
}

size_t
ike_encrypt(const struct ike *k, const struct ike_sa *sa, uint8_t iv[CRYPTO_BLOCK], uint8_t *buf,
	size_t len, size_t cap)
{
	size_t block = ike_block(sa), pad = (block - (len - ISAKMP_HDR_LEN) % block) % block;
	struct wr w;

	if (len + pad > cap)
		return 0;
	memset(buf + len, 0, pad);
	len += pad;
	wr_init(&w, buf, len);
	w.len = len;
	wr_patch_u32(&w, 24, (uint32_t)len);
	k->crypto->cbc_encrypt(ike_cipher(sa->cipher, sa->key_bits), sa->key.b, iv,
		buf + ISAKMP_HDR_LEN, buf + ISAKMP_HDR_LEN, len - ISAKMP_HDR_LEN);
	memcpy(iv, buf + len - block, block);
	return len;
}

bool
ike_out_encrypt(const struct ike *k, struct ike_xchg *x, const struct ike_sa *sa, struct wr *w,
	struct isakmp_build *b)
{
	isakmp_build_done(b);
	x->sent_len = w->bad ? 0 : ike_encrypt(k, sa, x->iv, x->sent, w->len, sizeof(x->sent));
	return x->sent_len > 0;
}

/* Where the messages of an exchange go: a Quick Mode is answered to where it came from. */
static struct ike_end
peer_end(const struct ike *k, const struct ike_xchg *x)
{
	return x->msgid ? x->child.remote : ike_xchg_sa(k, x)->remote;
}

void
ike_out_again(struct ike_ctx *c, struct ike_xchg *x)
{
	if (x->sent_len)
		ike_send_bytes(c, ike_xchg_sa(c->k, x), peer_end(c->k, x), x->sent, x->sent_len);
	if (x->state == IKE_QM_DONE)
		ike_commit_tell(c, x);
}

void
ike_out_send(struct ike_ctx *c, struct ike_xchg *x, bool retransmit)
{
	ike_out_again(c, x);
	x->tries = 0;
	x->retry_at = retransmit ? c->now + c->k->rules->retry_first : NS_NEVER;
	ike_due(c->k, x->retry_at);
}

/* The wait doubles with each try. */
static ns_t
backoff(const struct ike_rules *r, unsigned tries)
{
	ns_t t = r->retry_first;

	while (tries-- > 0 && t < r->retry_max)
		t *= 2;
	return ns_min(t, r->retry_max);
}

void
ike_retransmit(struct ike_ctx *c, struct ike_xchg *x)
{
	if (x->tries >= c->k->rules->retries) {
		ike_xchg_fail(c, x, IKE_R_TIMEOUT);
		return;
	}
	x->tries++;
	ike_note(c, IKE_R_RETRANSMIT, peer_end(c->k, x), NULL);
	ike_out_again(c, x);
	x->retry_at = c->now + backoff(c->k->rules, x->tries);
	ike_due(c->k, x->retry_at);
}

/* ---- write ahead ---- */

static enum ike_held
held_what(enum ike_state s)
{
	if (s == IKE_MM_I5_HELD)
		return IKE_HELD_MM5;
	if (s == IKE_MM_R6_HELD)
		return IKE_HELD_MM6;
	return s == IKE_QM_R2_HELD ? IKE_HELD_QM2 : IKE_HELD_QM3;
}

void
ike_hold(struct ike_ctx *c, struct ike_xchg *x)
{
	struct ike_sa *sa = ike_xchg_sa(c->k, x);
	struct ike_act *a;

	x->token = ++c->k->next_token;
	x->retry_at = NS_NEVER;
	if (!c->k->rules->write_ahead) {
		ike_release(c, x);
		return;
	}
	a = ike_act(c, IKE_ACT_HOLD);
	if (!a)
		return;
	a->token = x->token;
	a->what = held_what(x->state);
	a->sa = sa;
	a->cookies = sa->cookies;
	a->remote = sa->remote;
	a->spi = x->child.spi_in;
}

void
ike_use_out(struct ike_ctx *c, uint32_t spi_in)
{
	struct ike_child *ch = ike_child_by_spi(c->k, spi_in);
	struct ike_act *a;

	if (!ch)
		return;
	ch->use_out = true;
	a = ike_act(c, IKE_ACT_CHILD_USE_OUT);
	if (a) {
		a->spi = spi_in;
		a->remote = ch->remote;
		a->map_id = ch->map_id;
	}
}

void
ike_release(struct ike_ctx *c, struct ike_xchg *x)
{
	struct ike_sa *sa = ike_xchg_sa(c->k, x);

	switch (x->state) {
	case IKE_MM_I5_HELD:
		x->state = IKE_MM_I5;
		ike_out_send(c, x, true);
		break;
	case IKE_MM_R6_HELD:
		ike_out_send(c, x, false);
		ike_xchg_done(c, x, IKE_MM_DONE);
		ike_sa_up(c, sa);
		break;
	case IKE_QM_R2_HELD:
		x->state = IKE_QM_R2;
		ike_out_send(c, x, true);
		break;
	case IKE_QM_I3_HELD:
		if (ike_commit_waits(c->k, x)) {
			x->state = IKE_QM_I3;
			ike_out_send(c, x, true);
			break;
		}
		ike_out_send(c, x, false);
		ike_xchg_done(c, x, IKE_QM_DONE);
		ike_use_out(c, x->child.spi_in);
		ike_commit_tell(c, x);
		break;
	case IKE_FREE:
	case IKE_MM_I1:
	case IKE_MM_I3:
	case IKE_MM_I5:
	case IKE_MM_R2:
	case IKE_MM_R4:
	case IKE_MM_DONE:
	case IKE_QM_WAIT:
	case IKE_QM_I1:
	case IKE_QM_R2:
	case IKE_QM_R3:
	case IKE_QM_I3:
	case IKE_QM_DONE:
	case IKE_NEW:
	case IKE_STATE_CNT:
		assert(x->token == 0); /* only what is held has one */
	}
	x->token = 0;
}

void
ike_vid(const struct ike *k, struct isakmp_build *b)
{
	if (k->rules->send_vid && k->cfg->dpd)
		isakmp_build_bytes(b, ISAKMP_VID, isakmp_vid_dpd, sizeof(isakmp_vid_dpd));
	if (k->cfg->natt)
		isakmp_build_bytes(b, ISAKMP_VID, isakmp_vid_natt, sizeof(isakmp_vid_natt));
}
