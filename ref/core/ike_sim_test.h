/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_CORE_IKE_SIM_TEST_H
#define BATON_CORE_IKE_SIM_TEST_H

/*
 * For tests: two IKE cores joined by a link that delays, loses, doubles and reorders by a seed,
 * under a virtual clock. Each side keeps what its actions said. A test may look at, change or
 * swallow each message on its way (tap), and takes over the RELEASE of held messages by
 * auto_release = false.
 */
#include <check.h>
#include <string.h>

#include "ref/core/ike.h"

#define SIM_SAS 8
#define SIM_CHILDREN 16
#define SIM_FLYING 64
#ifndef SIM_EMBRYOS
#define SIM_EMBRYOS 16
#endif

struct side {
	struct ike k;
	struct ike_cfg cfg;
	struct ike_rules rules;
	struct ike_policy policy[2];
	struct ike_psk psk;
	struct ike_map map;
	struct ike_acl acl;
	struct ike_sa sa[SIM_SAS];
	struct ike_child child[SIM_CHILDREN];
	struct ike_xchg xchg[16];
	struct ike_known known[4];
	struct ike_embryo embryo[SIM_EMBRYOS];
	struct ike_acts acts;
	/* what was seen */
	struct ike_child pair; /* of the last CHILD_NEW, with keys */
	struct ike_cookies up;
	unsigned ups, downs, news, use_outs, child_downs, dpd_ins, failed, holds, changed, sent;
	enum ike_reason down_reason, child_down_reason, failed_reason, note;
	uint32_t dpd_seq, token;
	unsigned moves, adopts;
	struct ike_end dpd_from, moved;
	bool dpd_ack;
	enum ike_held held;
};

struct flying {
	bool used;
	bool to_b;
	ns_t at;
	struct ike_end from, to;
	size_t len;
	uint8_t b[IKE_SENT_MAX];
};

struct sim {
	struct side a, b;
	ns_t now;
	uint64_t rnd;
	unsigned loss_percent, double_percent;
	ns_t jitter;
	bool auto_release;
	struct flying fly[SIM_FLYING];
	/* Look at a message before it flies; false swallows it. */
	bool (*tap)(struct sim *s, bool to_b, uint8_t *bytes, size_t *len);
	/* What a NAT between them makes of the ends; false: no mapping, dropped. */
	bool (*nat)(struct sim *s, bool to_b, struct ike_end *from, struct ike_end *to);
	uint16_t nat_port; /* for it: the outside of port 4500 */
	unsigned seen; /* for taps */
	uint8_t kept[IKE_SENT_MAX];
	size_t kept_len;
};

static inline uint32_t
sim_random(struct sim *s)
{
	s->rnd ^= s->rnd << 13;
	s->rnd ^= s->rnd >> 7;
	s->rnd ^= s->rnd << 17;
	return (uint32_t)(s->rnd >> 16);
}

static inline void
sim_launch(struct sim *s, bool to_b, const struct ike_act *act)
{
	size_t len = act->len;
	uint8_t bytes[IKE_SENT_MAX];

	memcpy(bytes, act->bytes, len);
	if (s->tap && !s->tap(s, to_b, bytes, &len))
		return;
	if (sim_random(s) % 100 < s->loss_percent)
		return;
	for (unsigned copies = sim_random(s) % 100 < s->double_percent ? 2 : 1; copies; copies--) {
		struct flying *f = NULL;

		for (unsigned i = 0; !f && i < SIM_FLYING; i++)
			f = s->fly[i].used ? NULL : &s->fly[i];
		ck_assert_ptr_nonnull(f);
		f->used = true;
		f->to_b = to_b;
		f->at = s->now + NS_PER_MS + (s->jitter ? (ns_t)sim_random(s) % s->jitter : 0);
		f->from = act->local;
		f->to = act->remote;
		f->len = len;
		memcpy(f->b, bytes, len);
	}
}

static inline void sim_step(struct sim *s, struct side *d, const struct ike_in *in);

static inline void
sim_down(struct side *d, const struct ike_act *a)
{
	if (a->kind == IKE_ACT_IKE_DOWN) {
		d->downs++;
		d->down_reason = a->reason;
	} else if (a->kind == IKE_ACT_CHILD_DOWN) {
		d->child_downs++;
		d->child_down_reason = a->reason;
	} else if (a->kind == IKE_ACT_FAILED) {
		d->failed++;
		d->failed_reason = a->reason;
	} else if (a->kind == IKE_ACT_NOTE) {
		d->note = a->reason;
	}
}

static inline void
sim_act(struct sim *s, struct side *d, const struct ike_act *a)
{
	if (a->kind == IKE_ACT_SEND) {
		d->sent++;
		sim_launch(s, d == &s->a, a);
	} else if (a->kind == IKE_ACT_HOLD) {
		d->holds++;
		d->held = a->what;
		d->token = a->token;
	} else if (a->kind == IKE_ACT_IKE_UP) {
		d->ups++;
		d->up = a->cookies;
	} else if (a->kind == IKE_ACT_IKE_CHANGED) {
		d->changed++;
	} else if (a->kind == IKE_ACT_CHILD_NEW) {
		d->news++;
		d->pair = *a->child;
	} else if (a->kind == IKE_ACT_CHILD_USE_OUT) {
		d->use_outs++;
	} else if (a->kind == IKE_ACT_ADOPTED) {
		d->adopts++;
	} else if (a->kind == IKE_ACT_MOVED) {
		d->moves++;
		d->moved = a->remote;
	} else if (a->kind == IKE_ACT_DPD_IN) {
		d->dpd_from = a->remote;
		d->dpd_ins++;
		d->dpd_seq = a->seq;
		d->dpd_ack = a->is_ack;
	} else {
		sim_down(d, a);
	}
}

static inline void
sim_step(struct sim *s, struct side *d, const struct ike_in *in)
{
	static struct entropy e;
	unsigned holds = d->holds;

	for (size_t i = 0; i < sizeof(e.b); i++)
		e.b[i] = (uint8_t)sim_random(s);
	e.used = 0;
	ike_step(&d->k, s->now, in, &e, &d->acts);
	for (unsigned i = 0; i < d->acts.cnt; i++)
		sim_act(s, d, &d->acts.v[i]);
	if (s->auto_release && d->holds > holds)
		sim_step(s, d, &(struct ike_in){.kind = IKE_IN_RELEASE, .token = d->token});
}

static inline void
sim_packet(struct sim *s, struct side *d, struct ike_end from, struct ike_end to, const void *bytes,
	size_t len)
{
	sim_step(s, d, &(struct ike_in){.kind = IKE_IN_PACKET, .local = to, .remote = from,
			       .bytes = bytes, .len = len});
}

static inline struct flying *
sim_next(struct sim *s)
{
	struct flying *f = NULL;

	for (unsigned i = 0; i < SIM_FLYING; i++)
		if (s->fly[i].used && (!f || s->fly[i].at < f->at))
			f = &s->fly[i];
	return f;
}

/* Run until nothing flies and nothing is due before `until`. */
static inline void
sim_run(struct sim *s, ns_t until)
{
	for (;;) {
		struct flying *f = sim_next(s);
		ns_t da = ike_deadline(&s->a.k), db = ike_deadline(&s->b.k);
		ck_assert_int_le(da, ike_deadline_exact(&s->a.k));
		ck_assert_int_le(db, ike_deadline_exact(&s->b.k));
		ns_t t = ns_min(f ? f->at : NS_NEVER, ns_min(da, db));

		if (t > until)
			break;
		s->now = t > s->now ? t : s->now;
		if (f && f->at <= s->now) {
			f->used = false;
			if (s->nat && !s->nat(s, f->to_b, &f->from, &f->to))
				continue;
			sim_packet(s, f->to_b ? &s->b : &s->a, f->from, f->to, f->b, f->len);
		} else {
			sim_step(
				s, da <= db ? &s->a : &s->b, &(struct ike_in){.kind = IKE_IN_TICK});
		}
	}
	s->now = until;
}

static inline void
side_init(struct side *d, ip4_t local, ip4_t remote, bool dynamic)
{
	struct ike_proxy in = {{IP4(10, local & 255, 0, 0), 16}, 0, 0};
	struct ike_proxy out = {{IP4(10, remote & 255, 0, 0), 16}, 0, 0};
	struct ike_tables t = {d->sa, SIM_SAS, d->child, SIM_CHILDREN, d->xchg, 16, d->known, 4,
		d->embryo, SIM_EMBRYOS};

	memset(d, 0, sizeof(*d));
	d->rules = ike_rules_standard;
	d->policy[0] = (struct ike_policy){10, ISAKMP_CIPHER_AES, 128, CRYPTO_SHA256, 14, 86400};
	d->policy[1] = (struct ike_policy){20, ISAKMP_CIPHER_AES, 128, CRYPTO_SHA1, 2, 86400};
	d->psk.addr = remote;
	d->psk.mask = UINT32_MAX;
	secret_set(&d->psk.secret, "a shared secret", 15);
	d->acl = (struct ike_acl){in, out};
	d->map = (struct ike_map){.id = 10, .is_dynamic = dynamic, .peer = remote,
		.transform = {ESP_CBC128_SHA1, ESP_CBC128_SHA256, ESP_GCM128}, .transform_cnt = 3,
		.lifetime_s = 3600, .lifetime_kb = 4608000, .acl = &d->acl, .acl_cnt = 1};
	d->cfg = (struct ike_cfg){local, d->policy, 2, &d->psk, 1, &d->map, 1, true, false, false};
	ike_init(&d->k, &d->cfg, &d->rules, &crypto_openssl, &t);
}

static inline void
sim_init(struct sim *s, uint64_t seed)
{
	memset(s, 0, sizeof(*s));
	s->rnd = seed * 0x9e3779b97f4a7c15u + 1;
	s->auto_release = true;
	side_init(&s->a, IP4(192, 0, 2, 1), IP4(192, 0, 2, 2), false);
	side_init(&s->b, IP4(192, 0, 2, 2), IP4(192, 0, 2, 1), false);
	sim_step(s, &s->a, &(struct ike_in){.kind = IKE_IN_ACTIVATE});
	sim_step(s, &s->b, &(struct ike_in){.kind = IKE_IN_ACTIVATE});
}

static inline void
sim_initiate(struct sim *s, struct side *d, uint32_t replaces)
{
	sim_step(s, d, &(struct ike_in){.kind = IKE_IN_INITIATE, .map_id = 10,
			       .proxy_local = d->acl.local, .proxy_remote = d->acl.remote,
			       .remote = {.addr = d->map.peer}, .replaces = replaces});
}

/* Both ends hold the same pair, crosswise. */
static inline void
sim_pairs_match(const struct sim *s)
{
	const struct ike_child *a = &s->a.pair, *b = &s->b.pair;

	ck_assert_uint_eq(a->spi_in, b->spi_out);
	ck_assert_uint_eq(a->spi_out, b->spi_in);
	ck_assert_int_eq(a->transform, b->transform);
	ck_assert_uint_eq(a->enc_in.len, esp_alg(a->transform)->enc_len);
	ck_assert_uint_eq(a->auth_in.len, esp_alg(a->transform)->auth_len);
	ck_assert_mem_eq(&a->enc_in, &b->enc_out, sizeof(a->enc_in));
	ck_assert_mem_eq(&a->enc_out, &b->enc_in, sizeof(a->enc_in));
	ck_assert_mem_eq(&a->auth_in, &b->auth_out, sizeof(a->enc_in));
	ck_assert_mem_eq(&a->auth_out, &b->auth_in, sizeof(a->enc_in));
	if (a->enc_in.len)
		ck_assert_mem_ne(&a->enc_in, &a->enc_out, sizeof(a->enc_in));
	if (a->auth_in.len)
		ck_assert_mem_ne(&a->auth_in, &a->auth_out, sizeof(a->auth_in));
	ck_assert_uint_eq(a->lifetime_s, b->lifetime_s);
	ck_assert_uint_eq(a->lifetime_kb, b->lifetime_kb);
	ck_assert_uint_eq(a->proxy_local.net.addr, b->proxy_remote.net.addr);
	ck_assert_uint_eq(a->proxy_remote.net.addr, b->proxy_local.net.addr);
	ck_assert_uint_eq(a->pfs_group, b->pfs_group);
}

/* Main Mode and Quick Mode, begun by a, without trouble. */
static inline void
sim_established(struct sim *s)
{
	sim_initiate(s, &s->a, 0);
	sim_run(s, s->now + NS_PER_S);
	ck_assert_uint_eq(s->a.ups, 1);
	ck_assert_uint_eq(s->b.ups, 1);
	ck_assert_uint_eq(s->a.use_outs, 1);
	ck_assert_uint_eq(s->b.use_outs, 1);
	sim_pairs_match(s);
}

/* A DPD message under the SA that `from` saw come up arrives at `to`. */
static inline void
sim_dpd(struct sim *s, struct side *from, struct side *to, uint16_t type, uint32_t seq)
{
	unsigned before = to->dpd_ins;

	sim_step(s, from,
		&(struct ike_in){
			.kind = IKE_IN_DPD_SEND, .cookies = from->up, .notify = type, .seq = seq});
	sim_run(s, s->now + NS_PER_S);
	ck_assert_uint_eq(to->dpd_ins, before + 1);
	ck_assert_uint_eq(to->dpd_seq, seq);
	ck_assert_int_eq(to->dpd_ack, type == ISAKMP_N_R_U_THERE_ACK);
}

#endif
