/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Commit Bit of Quick Mode (RFC 2408 3.1), and what else finishes one. Whoever did not set the
 * bit uses the outbound SA only when the other has said CONNECTED, or has shown by traffic on the
 * new SA that it has it all (the note in 3.1); meanwhile it repeats its last message, so that the
 * other repeats his. The wait is bounded by the retries; then the pair is given up. If both set the
 * bit nobody waits. In phase 1 the bit is seen and means nothing.
 *
 * CONNECTED is an Informational exchange with the message id of the Quick Mode, as RFC 2408 3.1 and
 * 4.8 will have it against RFC 2409 5.7; its IV is that of RFC 2409 5.7.
 */
#include <string.h>

#include "ref/core/ike_int.h"

bool
ike_commit_waits(const struct ike *k, const struct ike_xchg *x)
{
	return x->commit_peer && !x->commit_own && k->rules->honour_commit;
}

/* Under the id of the Quick Mode; each time the same bytes. */
static void
connected(struct ike_ctx *c, const struct ike_xchg *x, const struct ike_sa *sa)
{
	static const uint8_t zero[CRYPTO_HASH_MAX];
	uint32_t spi = x->child.spi_in;
	uint8_t id[4] = {
		(uint8_t)(spi >> 24), (uint8_t)(spi >> 16), (uint8_t)(spi >> 8), (uint8_t)spi};
	size_t hash_len = crypto_hash_len(sa->hash), at = ISAKMP_HDR_LEN + 4, rest = at + hash_len;
	uint8_t buf[256], hash[CRYPTO_HASH_MAX], iv[CRYPTO_BLOCK];
	struct isakmp_hdr h = {
		.version = ISAKMP_VERSION,
		.exchange = ISAKMP_X_INFO,
		.flags = ISAKMP_F_ENCRYPT | ISAKMP_F_COMMIT,
		.msgid = c->k->rules->connected_msgid ? x->msgid : x->msgid ^ 1,
	};
	struct isakmp_build b;
	struct wr w;
	size_t len;

	memcpy(h.icookie, sa->cookies.i, sizeof(h.icookie));
	memcpy(h.rcookie, sa->cookies.r, sizeof(h.rcookie));
	wr_init(&w, buf, sizeof(buf));
	isakmp_build_init(&b, &w, &h);
	isakmp_build_bytes(&b, ISAKMP_HASH, zero, hash_len);
	isakmp_build_notify(&b, ISAKMP_P_ESP, ISAKMP_N_CONNECTED, id, sizeof(id), NULL, 0);
	isakmp_build_done(&b);
	ike_hash_rest(c->k, sa, h.msgid, NULL, 0, buf + rest, w.len - rest, hash);
	memcpy(buf + at, hash, hash_len);
	ike_iv_phase2(c->k, sa, h.msgid, iv);
	len = ike_encrypt(c->k, sa, iv, buf, w.len, sizeof(buf));
	if (len)
		ike_send_bytes(c, sa, x->child.remote, buf, len);
	wipe(buf, sizeof(buf));
}

void
ike_commit_tell(struct ike_ctx *c, struct ike_xchg *x)
{
	if (x->commit_own && c->k->rules->send_connected)
		connected(c, x, ike_xchg_sa(c->k, x));
}

/* ---- the end of a Quick Mode ---- */

static void
finish(struct ike_ctx *c, struct ike_xchg *x)
{
	uint32_t spi = x->child.spi_in;

	if (!x->initiator)
		x->sent_len = 0; /* message 2 answers nothing any more */
	ike_xchg_done(c, x, IKE_QM_DONE);
	ike_use_out(c, spi);
}

static bool
waiting(const struct ike_xchg *x)
{
	return x->state == IKE_QM_I3 || x->state == IKE_QM_R3;
}

static struct ike_xchg *
waiting_for(const struct ike *k, const struct ike_sa *sa, uint32_t msgid)
{
	for (unsigned i = 0; i < k->xchg_used; i++)
		if (waiting(&k->xchg[i]) && k->xchg[i].msgid == msgid &&
			ike_xchg_sa(k, &k->xchg[i]) == sa)
			return &k->xchg[i];
	return NULL;
}

bool
ike_commit_awaited(const struct ike *k, const struct ike_sa *sa, uint32_t msgid)
{
	return waiting_for(k, sa, msgid) != NULL;
}

enum ike_reason
ike_commit_in(struct ike_ctx *c, const struct ike_sa *sa, uint32_t msgid)
{
	struct ike_xchg *x = waiting_for(c->k, sa, msgid);

	if (!x)
		return IKE_R_NOTIFY_IGNORED;
	finish(c, x);
	return IKE_R_NONE;
}

/*
 * Who waits for the last message and gets verified traffic instead may take it for said: only
 * one who has our nonce could send that.
 */
void
ike_quick_proven(struct ike_ctx *c, uint32_t spi_in)
{
	struct ike *k = c->k;

	for (unsigned i = 0; i < k->xchg_used && k->rules->traffic_proves; i++) {
		struct ike_xchg *x = &k->xchg[i];
		struct ike_sa *sa = ike_xchg_sa(k, x);

		if ((x->state != IKE_QM_R2 && !waiting(x)) || x->child.spi_in != spi_in || !sa)
			continue;
		ike_note(c, IKE_R_PROVEN, sa->remote, NULL);
		if (x->state == IKE_QM_R2)
			ike_msgid_record(c, sa, x->msgid);
		finish(c, x);
		return;
	}
}
