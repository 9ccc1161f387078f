/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Informational exchanges (RFC 2409 5.7, RFC 2408 4.8): notifies, Deletes and dead peer
 * detection, out and in. Under an SA they are encrypted and carry HASH(1); in clear they are sent
 * about what failed before there were keys, and received ones are counted and never believed.
 */
#include <string.h>

#include "ref/core/ike_int.h"

/* ---- out ---- */

struct info {
	uint8_t buf[512];
	uint32_t msgid;
	struct wr w;
	struct isakmp_build b;
	size_t hash_at; /* of its body */
};

static bool
info_begin(struct ike_ctx *c, const struct ike_sa *sa, struct info *o)
{
	static const uint8_t zero[CRYPTO_HASH_MAX];
	struct isakmp_hdr h = {
		.version = ISAKMP_VERSION,
		.exchange = ISAKMP_X_INFO,
		.flags = ISAKMP_F_ENCRYPT,
	};

	if (!ike_msgid_new(c, &o->msgid)) {
		ike_note(c, IKE_R_ENTROPY, sa->remote, NULL);
		return false;
	}
	if (c->k->rules->info_msgid_zero)
		o->msgid = 0;
	memcpy(h.icookie, sa->cookies.i, sizeof(h.icookie));
	memcpy(h.rcookie, sa->cookies.r, sizeof(h.rcookie));
	h.msgid = o->msgid;
	wr_init(&o->w, o->buf, sizeof(o->buf));
	isakmp_build_init(&o->b, &o->w, &h);
	o->hash_at = o->w.len + 4;
	isakmp_build_bytes(&o->b, ISAKMP_HASH, zero, crypto_hash_len(sa->hash));
	return true;
}

static void
info_send(struct ike_ctx *c, const struct ike_sa *sa, struct info *o)
{
	size_t hash_len = crypto_hash_len(sa->hash), rest = o->hash_at + hash_len, len;
	uint8_t iv[CRYPTO_BLOCK], hash[CRYPTO_HASH_MAX];

	if (!o->w.bad) {
		isakmp_build_done(&o->b);
		ike_hash_rest(c->k, sa, o->msgid, NULL, 0, o->buf + rest, o->w.len - rest, hash);
		memcpy(o->buf + o->hash_at, hash, hash_len);
		ike_iv_phase2(c->k, sa, o->msgid, iv);
		len = ike_encrypt(c->k, sa, iv, o->buf, o->w.len, sizeof(o->buf));
		if (len)
			ike_send_bytes(c, sa, sa->remote, o->buf, len);
	}
	wipe(o, sizeof(*o));
}

void
ike_send_delete(
	struct ike_ctx *c, struct ike_sa *sa, uint8_t protocol, const void *spi, size_t spi_len)
{
	struct info o;

	if (!c->k->rules->send_delete || !info_begin(c, sa, &o))
		return;
	isakmp_build_delete(&o.b, protocol, spi, spi_len);
	info_send(c, sa, &o);
}

void
ike_send_delete_spi(struct ike_ctx *c, struct ike_sa *sa, uint32_t spi)
{
	uint8_t b[4] = {
		(uint8_t)(spi >> 24), (uint8_t)(spi >> 16), (uint8_t)(spi >> 8), (uint8_t)spi};

	ike_send_delete(c, sa, ISAKMP_P_ESP, b, sizeof(b));
}

void
ike_send_notify(struct ike_ctx *c, struct ike_sa *sa, uint8_t protocol, uint16_t type,
	const void *spi, size_t spi_len, const void *data, size_t len)
{
	struct info o;

	if (!info_begin(c, sa, &o))
		return;
	isakmp_build_notify(&o.b, protocol, type, spi, spi_len, data, len);
	info_send(c, sa, &o);
}

/* RFC 3706 5.3 */
void
ike_send_dpd(struct ike_ctx *c, struct ike_sa *sa, uint16_t type, uint32_t seq)
{
	uint8_t b[4] = {
		(uint8_t)(seq >> 24), (uint8_t)(seq >> 16), (uint8_t)(seq >> 8), (uint8_t)seq};

	ike_send_notify(
		c, sa, ISAKMP_P_ISAKMP, type, &sa->cookies, sizeof(sa->cookies), b, sizeof(b));
}

void
ike_send_clear_notify(struct ike_ctx *c, const struct ike_msg *m, uint16_t type)
{
	struct ike_sa to = {.local = m->in->local, .remote = m->in->remote};
	struct isakmp_hdr h = {.version = ISAKMP_VERSION, .exchange = ISAKMP_X_INFO};
	struct isakmp_build b;
	struct wr w;
	uint8_t buf[128];

	memcpy(h.icookie, m->h.icookie, sizeof(h.icookie));
	memcpy(h.rcookie, m->h.rcookie, sizeof(h.rcookie));
	memcpy(to.cookies.i, m->h.icookie, sizeof(h.icookie));
	memcpy(to.cookies.r, m->h.rcookie, sizeof(h.rcookie));
	if (!ike_msgid_new(c, &h.msgid))
		return;
	wr_init(&w, buf, sizeof(buf));
	isakmp_build_init(&b, &w, &h);
	isakmp_build_notify(&b, ISAKMP_P_ISAKMP, type, &to.cookies, sizeof(to.cookies), NULL, 0);
	isakmp_build_done(&b);
	if (!w.bad)
		ike_send_bytes(c, &to, to.remote, buf, w.len);
}

/* ---- in: Delete ---- */

static void
delete_esp(struct ike_ctx *c, const struct ike_sa *sa, const struct isakmp_delete *d)
{
	struct ike *k = c->k;
	struct rd r;

	rd_init(&r, d->spis, (size_t)d->spi_cnt * d->spi_len);
	for (unsigned n = 0; n < d->spi_cnt; n++) {
		uint32_t spi = rd_u32(&r, "delete.spi");
		bool found = false;

		/* The sender names its own inbound SPI: our outbound one. */
		for (unsigned i = 0; i < k->child_used; i++) {
			struct ike_child *ch = &k->child[i];

			if (!ch->used || ch->dying || ch->spi_out != spi ||
				!ike_peer_is(sa, ch->remote))
				continue;
			found = true;
			ike_child_end(c, ch, IKE_R_DELETED_BY_PEER);
		}
		if (!found)
			ike_note(c, IKE_R_DELETE_UNKNOWN, sa->remote, NULL);
	}
}

static void
delete_isakmp(struct ike_ctx *c, struct ike_sa *sa, const struct isakmp_delete *d)
{
	struct ike_end remote = sa->remote;

	for (unsigned n = 0; n < d->spi_cnt; n++) {
		const uint8_t *p = d->spis + (size_t)n * d->spi_len;
		struct ike_sa *gone = ike_sa_by_cookies(c->k, p, p + ISAKMP_COOKIE_LEN);

		if (gone && ike_peer_is(gone, remote))
			ike_sa_end(c, gone, IKE_R_DELETED_BY_PEER);
		else
			ike_note(c, IKE_R_DELETE_UNKNOWN, remote, NULL);
	}
}

static enum ike_reason
check_delete(const struct isakmp_delete *d)
{
	if (d->protocol == ISAKMP_P_ESP)
		return d->spi_len == 4 ? IKE_R_NONE : IKE_R_SPI;
	if (d->protocol == ISAKMP_P_ISAKMP)
		return d->spi_len == 2 * ISAKMP_COOKIE_LEN ? IKE_R_NONE : IKE_R_SPI;
	return IKE_R_DELETE_UNKNOWN;
}

/* ---- in: Notify ---- */

static enum ike_reason
dpd_in(struct ike_ctx *c, struct ike_sa *sa, struct ike_end from, const struct isakmp_notify *n)
{
	struct ike_act *a;
	struct rd r;

	if (!sa->dpd)
		return IKE_R_DPD_NOT_AGREED;
	/* RFC 3706 6.1: the cookies SHOULD be checked. */
	if (n->protocol != ISAKMP_P_ISAKMP || n->spi_len != sizeof(sa->cookies) ||
		(c->k->rules->check_dpd_cookies &&
			memcmp(n->spi, &sa->cookies, sizeof(sa->cookies)) != 0))
		return IKE_R_NOTIFY_SPI;
	if (n->data_len != 4)
		return IKE_R_MALFORMED;
	rd_init(&r, n->data, n->data_len);
	a = ike_act(c, IKE_ACT_DPD_IN);
	if (!a)
		return IKE_R_ACTS_FULL;
	a->sa = sa;
	a->cookies = sa->cookies;
	a->remote = from;
	a->is_ack = n->type == ISAKMP_N_R_U_THERE_ACK;
	a->seq = rd_u32(&r, "notify.data");
	return IKE_R_NONE;
}

/* An authentic error: if just one Quick Mode of ours waits under this SA, it is about that. */
static enum ike_reason
error_in(struct ike_ctx *c, const struct ike_sa *sa)
{
	struct ike *k = c->k;
	struct ike_xchg *one = NULL;
	unsigned cnt = 0;

	for (unsigned i = 0; i < k->xchg_used; i++)
		if (k->xchg[i].state == IKE_QM_I1 && ike_xchg_sa(k, &k->xchg[i]) == sa) {
			one = &k->xchg[i];
			cnt++;
		}
	if (cnt != 1)
		return IKE_R_NOTIFY_IGNORED;
	ike_xchg_fail(c, one, IKE_R_PEER_NOTIFY);
	return IKE_R_PEER_NOTIFY;
}

/* Behind a NAT it is the identity that tells whose an SA is, not the address (RFC 3947 6). */
static bool
same_peer(const struct ike_sa *sa, const struct ike_sa *keep)
{
	if (!((sa->natt | keep->natt) & IKE_NATT_PEER))
		return sa->remote.addr == keep->remote.addr;
	return sa->peer_id_type == keep->peer_id_type && sa->peer_id_len == keep->peer_id_len &&
	       memcmp(sa->peer_id, keep->peer_id, sa->peer_id_len) == 0;
}

/* A pair whose IKE SA is gone is known by its end alone. */
static bool
child_of_peer(const struct ike *k, const struct ike_child *ch, const struct ike_sa *keep)
{
	const struct ike_sa *sa = ike_sa_by_cookies(k, ch->cookies.i, ch->cookies.r);

	return sa ? same_peer(sa, keep) : ike_peer_is(keep, ch->remote);
}

/*
 * SAs of the peer from before this one, and their children, are of a life that it has forgotten.
 * What came up since this one began is not: two that begin at once would end each other's work.
 */
static void
forget_peer(struct ike_ctx *c, const struct ike_sa *keep)
{
	struct ike *k = c->k;

	for (unsigned i = 0; i < k->child_used; i++) {
		struct ike_child *ch = &k->child[i];

		if (ch->used && !ch->dying && ch->made < keep->begun && child_of_peer(k, ch, keep))
			ike_child_end(c, ch, IKE_R_INITIAL_CONTACT);
	}
	for (unsigned i = 0; i < k->sa_used; i++) {
		struct ike_sa *sa = &k->sa[i];

		if (sa != keep && sa->used && sa->visible && sa->created < keep->begun &&
			same_peer(sa, keep))
			ike_sa_end(c, sa, IKE_R_INITIAL_CONTACT);
	}
}

void
ike_initial_contact(struct ike_ctx *c, struct ike_sa *sa, const struct ike_msg *m)
{
	const struct isakmp_payload *p;
	struct isakmp_notify n;

	for (unsigned i = 0; (p = isakmp_payload_find(&m->p, ISAKMP_NOTIFY, i)); i++) {
		if (isakmp_notify_decode(p, &n, NULL) || n.type != ISAKMP_N_INITIAL_CONTACT)
			continue;
		ike_note(c, IKE_R_INITIAL_CONTACT, sa->remote, NULL);
		if (c->k->rules->honour_initial_contact)
			forget_peer(c, sa);
		return;
	}
}

static enum ike_reason
notify_in(struct ike_ctx *c, struct ike_sa *sa, const struct ike_msg *m, const struct isakmp_notify *n)
{
	if (n->type == ISAKMP_N_R_U_THERE || n->type == ISAKMP_N_R_U_THERE_ACK)
		return dpd_in(c, sa, m->in->remote, n);
	if (n->type == ISAKMP_N_CONNECTED)
		return ike_commit_in(c, sa, m->h.msgid);
	if (n->type < ISAKMP_N_STATUS_MIN)
		return error_in(c, sa);
	if (n->type == ISAKMP_N_INITIAL_CONTACT) /* whoever came by it acts on it at the end */
		return IKE_R_NONE;
	return IKE_R_NOTIFY_IGNORED;
}

/* A packet on an SPI that nobody knows: a peer with an IKE SA is told, now and then. */
void
ike_info_cmd_unknown_spi(struct ike_ctx *c, const struct ike_in *in)
{
	struct ike_sa *sa = ike_sa_any(c->k, in->remote);

	if (!sa || !c->k->active) {
		ike_note(c, IKE_R_NO_SA, in->remote, NULL);
		return;
	}
	if (sa->unknown_spi_at > c->now) {
		ike_note(c, IKE_R_NOTIFY_RATE, in->remote, NULL);
		return;
	}
	sa->unknown_spi_at = c->now + c->k->rules->unknown_spi_every;
	ike_send_delete_spi(c, sa, in->spi);
}

/* ---- in ---- */

/* All payloads parse; only then does any of them act. */
static enum ike_reason
parse_all(struct ike_msg *m)
{
	struct isakmp_notify n;
	struct isakmp_delete d;

	for (unsigned i = 0; i < m->p.cnt; i++) {
		const struct isakmp_payload *p = &m->p.v[i];

		if (p->type == ISAKMP_NOTIFY && isakmp_notify_decode(p, &n, &m->why))
			return IKE_R_MALFORMED;
		if (p->type != ISAKMP_DELETE)
			continue;
		if (isakmp_delete_decode(p, &d, &m->why))
			return IKE_R_MALFORMED;
		if (check_delete(&d))
			return check_delete(&d);
	}
	return IKE_R_NONE;
}

/* Act on each payload. A Delete of this very SA comes last, whatever the order: *end says so. */
static enum ike_reason
act_all(struct ike_ctx *c, struct ike_sa *sa, const struct ike_msg *m)
{
	enum ike_reason r = IKE_R_NONE, last = IKE_R_NONE;
	const struct isakmp_payload *p;
	struct isakmp_notify n;
	struct isakmp_delete d;

	for (unsigned i = 0; (p = isakmp_payload_find(&m->p, ISAKMP_NOTIFY, i)); i++) {
		last = isakmp_notify_decode(p, &n, NULL) ? IKE_R_MALFORMED
							 : notify_in(c, sa, m, &n);
		r = last ? last : r;
	}
	ike_initial_contact(c, sa, m);
	if (!c->k->rules->honour_delete)
		return isakmp_payload_find(&m->p, ISAKMP_DELETE, 0) ? IKE_R_DELETE_IGNORED : r;
	for (unsigned i = 0; (p = isakmp_payload_find(&m->p, ISAKMP_DELETE, i)); i++)
		if (!isakmp_delete_decode(p, &d, NULL) && d.protocol == ISAKMP_P_ESP)
			delete_esp(c, sa, &d);
	for (unsigned i = 0; sa->used && (p = isakmp_payload_find(&m->p, ISAKMP_DELETE, i)); i++)
		if (!isakmp_delete_decode(p, &d, NULL) && d.protocol == ISAKMP_P_ISAKMP)
			delete_isakmp(c, sa, &d);
	return r;
}

enum ike_reason
ike_info_in(struct ike_ctx *c, struct ike_xchg *x, struct ike_msg *m)
{
	enum ike_reason r;

	(void)x;
	if (!ike_check_rest(c->k, m, m->h.msgid, NULL, 0))
		return IKE_R_HASH;
	r = parse_all(m);
	if (r)
		return r;
	if (!ike_commit_awaited(c->k, m->sa, m->h.msgid))
		ike_msgid_record(c, m->sa, m->h.msgid);
	if (c->k->rules->natt_follow_any)
		ike_nat_fresh(c, m->sa, m);
	return act_all(c, m->sa, m);
}

enum ike_reason
ike_info_clear_in(struct ike_ctx *c, struct ike_xchg *x, struct ike_msg *m)
{
	(void)x;
	if (!c->k->rules->act_unauthenticated)
		return IKE_R_UNPROTECTED;
	if (parse_all(m))
		return IKE_R_MALFORMED;
	return act_all(c, m->sa, m);
}
