/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is refused, for which reason, and that it changes nothing: one message of a course is bent
 * on its way, once. The receiver must give the reason, and the course must still come to its end by
 * the sender's repetition of the true message.
 */
#include <stdlib.h>

#include "ref/core/ike_sim_test.h"

static struct sim sim;

#define S(n) ((n) * NS_PER_S)

/* The messages of a course in the order in which they are sent. */
enum { MM1 = 1, MM2, MM3, MM4, MM5, MM6, QM1, QM2, QM3 };

struct bend {
	unsigned message;
	uint8_t payload; /* its type, 0: the header */
	unsigned nth;
	size_t at; /* offset from the payload's (the message's) start */
	uint8_t flip;
	bool rehash; /* mend HASH(1), HASH(2): only the content is wrong */
	enum ike_reason want;
};

static const struct bend *bend;

static const struct ike_xchg *
receivers(const struct side *d, uint32_t msgid)
{
	for (unsigned i = 0; i < 16; i++)
		if (d->xchg[i].state != IKE_FREE && d->xchg[i].state != IKE_QM_WAIT &&
			d->xchg[i].msgid == msgid)
			return &d->xchg[i];
	return NULL;
}

static void
iv_of(const struct side *to, uint32_t msgid, uint8_t iv[16])
{
	const struct ike_xchg *x = receivers(to, msgid);
	const struct ike_sa *sa = &to->sa[0];
	uint8_t id[4] = {(uint8_t)(msgid >> 24), (uint8_t)(msgid >> 16), (uint8_t)(msgid >> 8),
		(uint8_t)msgid}, out[32];
	struct crypto_part p[] = {{sa->last_block, 16}, {id, 4}};

	crypto_openssl.hash((enum crypto_hash)sa->hash, p, 2, out);
	memcpy(iv, x ? x->iv : out, 16);
}

static void
mend_hash(const struct side *to, uint32_t msgid, struct isakmp_payloads *p)
{
	const struct ike_xchg *x = receivers(to, msgid);
	const struct ike_sa *sa = &to->sa[0];
	const uint8_t *rest = p->v[0].whole + p->v[0].whole_len;
	uint8_t id[4] = {(uint8_t)(msgid >> 24), (uint8_t)(msgid >> 16), (uint8_t)(msgid >> 8),
		(uint8_t)msgid};
	struct crypto_part part[] = {
		{id, 4},
		{x ? x->nonce_i : id, x ? x->nonce_i_len : 0},
		{rest, (size_t)(p->end - rest)},
	};
	uint8_t out[32];

	crypto_openssl.hmac(
		(enum crypto_hash)sa->hash, sa->skeyid_a.b, sa->skeyid_a.len, part, 3, out);
	memcpy((uint8_t *)(uintptr_t)p->v[0].body.p, out, rd_left(&p->v[0].body));
}

/* Open it if it is closed, bend, mend, close again. */
static void
apply(const struct side *to, uint8_t *bytes, size_t len)
{
	const struct ike_sa *sa = &to->sa[0];
	struct isakmp_payloads p;
	struct isakmp_hdr h;
	struct rd r;
	uint8_t iv[16];

	rd_init(&r, bytes, len);
	ck_assert_int_eq(isakmp_hdr_decode(&r, &h, NULL), ERR_OK);
	if (!bend->payload) {
		bytes[bend->at] ^= bend->flip;
		return;
	}
	if (h.flags & ISAKMP_F_ENCRYPT) {
		iv_of(to, h.msgid, iv);
		crypto_openssl.cbc_decrypt(
			CRYPTO_AES128_CBC, sa->key.b, iv, bytes + 28, bytes + 28, len - 28);
	}
	ck_assert_int_eq(isakmp_payloads_decode(&r, h.next, &p, NULL), ERR_OK);
	((uint8_t *)(uintptr_t)isakmp_payload_find(&p, bend->payload, bend->nth)
			->whole)[bend->at] ^= bend->flip;
	if (bend->rehash)
		mend_hash(to, h.msgid, &p);
	if (h.flags & ISAKMP_F_ENCRYPT)
		crypto_openssl.cbc_encrypt(
			CRYPTO_AES128_CBC, sa->key.b, iv, bytes + 28, bytes + 28, len - 28);
}

static bool
bending(struct sim *s, bool to_b, uint8_t *bytes, size_t *len)
{
	if (bytes[18] != ISAKMP_X_INFO && ++s->seen == bend->message)
		apply(to_b ? &s->b : &s->a, bytes, *len);
	return true;
}

#define SA ISAKMP_SA
#define P1_ATTR 28 /* of a phase 1 SA payload: its first attribute */

static const struct bend bends[] = {
	/* the header */
	{MM1, 0, 0, 17, 0x10, false, IKE_R_VERSION},
	{MM1, 0, 0, 18, 0x04, false, IKE_R_EXCHANGE},
	{MM1, 0, 0, 19, 0x80, false, IKE_R_FLAGS},
	{MM1, 0, 0, 19, 0x01, false, IKE_R_ENCRYPTED},
	{MM1, 0, 0, 23, 0x01, false, IKE_R_MSGID_MAIN},
	{MM1, 0, 0, 27, 0x01, false, IKE_R_HEADER},
	{MM1, 0, 0, 24, 0x01, false, IKE_R_HEADER},
	{MM1, 0, 0, 16, 0x10, false, IKE_R_PAYLOAD_TYPE},
	{MM1, 0, 0, 16, 0x06, false, IKE_R_PAYLOAD_UNEXPECTED},
	{MM1, 0, 0, 8, 0x01, false, IKE_R_UNKNOWN_COOKIE},
	{MM3, 0, 0, 8, 0x01, false, IKE_R_UNKNOWN_COOKIE},
	{MM3, 0, 0, 0, 0x01, false, IKE_R_UNKNOWN_COOKIE},
	{MM3, 0, 0, 18, 0x22, false, IKE_R_MSGID_ZERO},
	{MM5, 0, 0, 19, 0x01, false, IKE_R_CLEAR},
	{QM1, 0, 0, 19, 0x01, false, IKE_R_CLEAR},
	{QM1, 0, 0, 8, 0x01, false, IKE_R_UNKNOWN_COOKIE},
	/* payloads in general */
	{MM1, SA, 0, 1, 0x01, false, IKE_R_RESERVED},
	{MM1, SA, 0, 2, 0x40, false, IKE_R_MALFORMED},
	{MM3, ISAKMP_KE, 0, 1, 0x80, false, IKE_R_RESERVED},
	{MM3, ISAKMP_KE, 0, 0, 0x0a, false, IKE_R_MALFORMED},
	{QM1, ISAKMP_NONCE, 0, 1, 0x01, true, IKE_R_RESERVED},
	/* SA, phase 1 */
	{MM1, SA, 0, 7, 0x02, false, IKE_R_DOI},
	{MM1, SA, 0, 11, 0x02, false, IKE_R_SITUATION},
	{MM1, SA, 0, 12, 0x05, false, IKE_R_MALFORMED},
	{MM1, SA, 0, 13, 0x01, false, IKE_R_RESERVED},
	{MM1, SA, 0, 19, 0x03, false, IKE_R_MALFORMED},
	{MM1, SA, 0, 17, 0x02, false, IKE_R_NO_PROPOSAL},
	{MM1, SA, 0, 25, 0x02, false, IKE_R_NO_PROPOSAL},
	{MM1, SA, 0, 26, 0x01, false, IKE_R_RESERVED},
	{MM1, SA, 0, P1_ATTR + 3, 0x02, false, IKE_R_NO_PROPOSAL},
	{MM1, SA, 0, P1_ATTR + 1, 0x40, false, IKE_R_NO_PROPOSAL},
	{MM2, SA, 0, P1_ATTR + 3, 0x02, false, IKE_R_CHOICE},
	{MM2, SA, 0, 24, 0x04, false, IKE_R_CHOICE},
	{MM2, SA, 0, 7, 0x02, false, IKE_R_DOI},
	/* authentication */
	{MM5, ISAKMP_HASH, 0, 8, 0x01, false, IKE_R_PSK_HASH},
	{MM5, ISAKMP_ID, 0, 11, 0x01, false, IKE_R_PSK_HASH},
	{MM5, ISAKMP_HASH, 0, 1, 0x01, false, IKE_R_RESERVED},
	{MM6, ISAKMP_HASH, 0, 4, 0x80, false, IKE_R_PSK_HASH},
	{QM1, ISAKMP_HASH, 0, 4, 0x80, false, IKE_R_HASH},
	{QM1, ISAKMP_NONCE, 0, 4, 0x01, false, IKE_R_HASH},
	{QM2, ISAKMP_HASH, 0, 4, 0x80, false, IKE_R_HASH},
	{QM2, ISAKMP_NONCE, 0, 4, 0x01, false, IKE_R_HASH},
	{QM3, ISAKMP_HASH, 0, 4, 0x80, false, IKE_R_HASH},
	/* SA, phase 2: proposal at 12, SPI at 20, transform at 24 */
	{QM1, SA, 0, 7, 0x02, true, IKE_R_DOI},
	{QM1, SA, 0, 17, 0x01, true, IKE_R_NO_PROPOSAL},
	{QM1, SA, 0, 29, 0x01, true, IKE_R_NO_PROPOSAL},
	{QM2, SA, 0, 29, 0x01, true, IKE_R_CHOICE},
	{QM2, SA, 0, 16, 0x02, true, IKE_R_CHOICE},
	/* identities: address at 8 */
	{QM1, ISAKMP_ID, 0, 9, 0x40, true, IKE_R_PROXY},
	{QM1, ISAKMP_ID, 1, 9, 0x40, true, IKE_R_PROXY},
	{QM1, ISAKMP_ID, 0, 4, 0x02, true, IKE_R_PROXY},
	{QM1, ISAKMP_ID, 0, 15, 0x01, true, IKE_R_PROXY},
	{QM2, ISAKMP_ID, 0, 9, 0x40, true, IKE_R_PROXY},
};

START_TEST(bent_once)
{
	struct sim *s = &sim;
	struct side *to;

	bend = &bends[_i];
	sim_init(s, (uint64_t)_i + 1);
	s->a.cfg.policy_cnt = s->b.cfg.policy_cnt = 1;
	s->a.map.transform_cnt = s->b.map.transform_cnt = 1;
	/* An answer would end the initiator's try. */
	s->b.rules.answer_unauthenticated = false;
	s->tap = bending;
	to = bend->message % 2 && bend->message != QM2 ? &s->b : &s->a;
	if (bend->message >= QM1)
		to = bend->message == QM2 ? &s->a : &s->b;
	sim_initiate(s, &s->a, 0);
	sim_run(s, S(50));
	ck_assert_msg(to->k.count[bend->want] == 1, "row %d: reason %s not counted, last %s", _i,
		ike_reason_names[bend->want], ike_reason_names[to->note]);
	ck_assert_uint_eq(s->a.use_outs, 1);
	ck_assert_uint_eq(s->b.use_outs, 1);
	ck_assert_uint_eq(s->a.news + s->b.news, 2);
	sim_pairs_match(s);
}
END_TEST

/* ---- what a flipped bit cannot say ---- */

static bool
zero_ke(struct sim *s, bool to_b, uint8_t *bytes, size_t *len)
{
	(void)to_b;
	(void)len;
	if (++s->seen == MM3)
		memset(bytes + 28 + 4, 0, 256);
	return true;
}

static bool
short_nonce(struct sim *s, bool to_b, uint8_t *bytes, size_t *len)
{
	(void)to_b;
	if (++s->seen == MM3) {
		*len = 28 + 4 + 256 + 4 + 7;
		bytes[28 + 4 + 256 + 3] = 4 + 7;
		bytes[26] = (uint8_t)(*len >> 8);
		bytes[27] = (uint8_t)*len;
	}
	return true;
}

static bool
one_more(struct sim *s, bool to_b, uint8_t *bytes, size_t *len)
{
	(void)to_b;
	if (++s->seen == MM5) {
		bytes[(*len)++] = 0;
		bytes[27]++;
	}
	return true;
}

static bool
zero_icookie(struct sim *s, bool to_b, uint8_t *bytes, size_t *len)
{
	(void)to_b;
	(void)len;
	if (++s->seen == MM1)
		memset(bytes, 0, 8);
	return true;
}

START_TEST(bent_by_hand)
{
	static const struct {
		bool (*tap)(struct sim *, bool, uint8_t *, size_t *);
		enum ike_reason want;
	} row[] = {{zero_ke, IKE_R_KE}, {short_nonce, IKE_R_NONCE}, {one_more, IKE_R_BLOCKS},
		{zero_icookie, IKE_R_ZERO_COOKIE}};
	struct sim *s = &sim;

	sim_init(s, 1);
	s->b.rules.answer_unauthenticated = false;
	s->tap = row[_i].tap;
	sim_initiate(s, &s->a, 0);
	sim_run(s, S(50));
	ck_assert_uint_eq(s->b.k.count[row[_i].want], 1);
	ck_assert_uint_eq(s->b.use_outs, 1);
	sim_pairs_match(s);
}
END_TEST

/* ---- what does not come to a good end ---- */

START_TEST(wrong_secret)
{
	struct sim *s = &sim;

	sim_init(s, 1);
	s->b.psk.secret.b[0] ^= 1;
	sim_initiate(s, &s->a, 0);
	sim_run(s, S(100));
	ck_assert_uint_eq(s->a.ups + s->b.ups, 0);
	ck_assert_uint_eq(s->b.downs, 0);
	ck_assert_uint_eq(s->a.failed, 1);
	ck_assert_uint_eq(s->b.holds, 0);
	/* A mutant that takes any HASH cannot even read it: the key hangs on the secret, too. */
	sim_init(s, 1);
	s->b.psk.secret.b[0] ^= 1;
	s->b.rules.check_psk_hash = s->b.rules.check_id = false;
	sim_initiate(s, &s->a, 0);
	sim_run(s, S(100));
	ck_assert_uint_eq(s->b.ups, 0);
}
END_TEST

START_TEST(other_identity)
{
	struct sim *s = &sim;

	sim_init(s, 1);
	/* A says that it is another; its packets still come from its address. */
	sim_initiate(s, &s->a, 0);
	s->a.cfg.local = IP4(192, 0, 2, 9);
	for (unsigned i = 0; i < 4; i++) {
		struct flying *f = sim_next(s);

		f->used = false;
		s->now = f->at;
		s->a.cfg.local = f->to_b ? IP4(192, 0, 2, 9) : IP4(192, 0, 2, 1);
		if (!f->to_b && i == 3) { /* message 4: 5 is built on receipt */
			s->a.cfg.local = IP4(192, 0, 2, 9);
			f->to.addr = IP4(192, 0, 2, 9);
		}
		sim_packet(s, f->to_b ? &s->b : &s->a, f->from, f->to, f->b, f->len);
	}
	s->a.cfg.local = IP4(192, 0, 2, 1);
	sim_run(s, s->now + NS_PER_MS);
	ck_assert_uint_eq(s->b.k.count[IKE_R_ID], 1);
	ck_assert_uint_eq(s->b.ups + s->b.holds, 0);
}
END_TEST

START_TEST(refused_quick_mode)
{
	struct sim *s = &sim;

	sim_init(s, 1);
	if (_i == 0)
		s->b.map.pfs_group = 14; /* and A offers none */
	else if (_i == 1)
		s->b.acl.remote.net.len = 24; /* A asks for the /16 */
	else if (_i == 2)
		s->b.map.peer = IP4(1, 1, 1, 1);
	else
		s->b.map.transform_cnt = 0;
	sim_initiate(s, &s->a, 0);
	sim_run(s, S(1));
	ck_assert_uint_eq(s->a.ups, 1);
	ck_assert_uint_eq(s->a.failed, 1);
	ck_assert_int_eq(s->a.failed_reason, IKE_R_PEER_NOTIFY);
	ck_assert_uint_eq(s->b.news, 0);
	ck_assert_int_eq(s->b.note, _i == 0   ? IKE_R_PFS
				    : _i == 1 ? IKE_R_PROXY
				    : _i == 2 ? IKE_R_NO_MAP
					      : IKE_R_NO_PROPOSAL);
}
END_TEST

START_TEST(refused_main_mode)
{
	struct sim *s = &sim;

	sim_init(s, 1);
	if (_i == 0)
		s->b.psk.addr = 1;
	else if (_i == 1)
		s->b.rules.half_open_max = 0;
	else
		s->b.cfg.policy_cnt = 0;
	sim_initiate(s, &s->a, 0);
	sim_run(s, S(1));
	ck_assert_int_eq(s->b.note, _i == 0   ? IKE_R_NO_KEY
				    : _i == 1 ? IKE_R_HALF_OPEN
					      : IKE_R_NO_PROPOSAL);
	/* A notify in clear is no reason to give up. */
	ck_assert_uint_eq(s->b.sent, _i != 0); /* 1: message 2, and no 4 */
	ck_assert_uint_eq(s->a.k.count[IKE_R_UNPROTECTED], _i == 2);
	ck_assert_uint_eq(s->a.failed, 0);
	ck_assert(ike_busy(&s->a.k, s->a.map.peer));
}
END_TEST

/* First messages have so many places, and go by themselves; unprotected answers are rare. */
START_TEST(flood)
{
	struct sim *s = &sim;
	struct flying *f;
	struct ike_end from;

	sim_init(s, 1);
	sim_initiate(s, &s->a, 0);
	f = sim_next(s);
	f->used = false;
	from = f->from;
	s->tap = NULL;
	s->loss_percent = 100;
	for (unsigned i = 0; i < 50; i++) {
		f->b[0] = (uint8_t)(i + 1);
		sim_packet(s, &s->b, from, f->to, f->b, f->len);
	}
	ck_assert(!ike_busy(&s->b.k, from.addr));
	ck_assert_uint_eq(s->b.k.count[IKE_R_HALF_OPEN], 50 - SIM_EMBRYOS);
	f->b[17] = 0x20;
	for (unsigned i = 0; i < 50; i++)
		sim_packet(s, &s->b, from, f->to, f->b, f->len);
	ck_assert_uint_eq(s->b.sent, SIM_EMBRYOS + s->b.rules.notify_burst);
	ck_assert_uint_eq(s->b.k.count[IKE_R_NOTIFY_RATE], 50 - s->b.rules.notify_burst);
	sim_run(s, s->now + S(100));
	ck_assert(!ike_busy(&s->b.k, from.addr));
}
END_TEST

/* A message for another address, or from another one than the SA's. */
START_TEST(addresses)
{
	struct sim *s = &sim;
	struct flying f;

	sim_init(s, 1);
	sim_established(s);
	sim_step(s, &s->a, &(struct ike_in){.kind = IKE_IN_DPD_SEND, .cookies = s->a.up,
				  .notify = ISAKMP_N_R_U_THERE, .seq = 1});
	f = *sim_next(s);
	sim_next(s)->used = false;
	f.from.addr++;
	sim_packet(s, &s->b, f.from, f.to, f.b, f.len);
	ck_assert_int_eq(s->b.note, IKE_R_OTHER_ADDRESS);
	f.from.addr--;
	f.to.addr++;
	sim_packet(s, &s->b, f.from, f.to, f.b, f.len);
	ck_assert_int_eq(s->b.note, IKE_R_NOT_LOCAL);
	f.to.addr--;
	ck_assert_uint_eq(s->b.dpd_ins, 0);
	sim_packet(s, &s->b, f.from, f.to, f.b, f.len);
	ck_assert_uint_eq(s->b.dpd_ins, 1);
	sim_packet(s, &s->b, f.from, f.to, f.b, f.len);
	ck_assert_uint_eq(s->b.dpd_ins, 1);
	ck_assert_int_eq(s->b.note, IKE_R_MSGID_USED);
}
END_TEST

/* An unprotected Delete does nothing, but for the mutant that believes it. */
START_TEST(clear_delete)
{
	struct sim *s = &sim;
	struct isakmp_hdr h = {.version = 0x10, .exchange = ISAKMP_X_INFO, .msgid = 5};
	struct isakmp_build b;
	struct wr w;
	uint8_t buf[100];

	sim_init(s, 1);
	s->b.rules.act_unauthenticated = _i;
	sim_established(s);
	memcpy(h.icookie, s->b.up.i, 8);
	memcpy(h.rcookie, s->b.up.r, 8);
	wr_init(&w, buf, sizeof(buf));
	isakmp_build_init(&b, &w, &h);
	isakmp_build_delete(&b, ISAKMP_P_ISAKMP, &s->b.up, 16);
	isakmp_build_done(&b);
	sim_packet(s, &s->b, (struct ike_end){s->a.cfg.local, 500},
		(struct ike_end){s->b.cfg.local, 500}, buf, w.len);
	ck_assert_uint_eq(s->b.downs, (unsigned)_i);
	ck_assert_uint_eq(s->b.k.count[IKE_R_UNPROTECTED], !_i);
}
END_TEST

/* All prefixes and all single-octet changes of message 1: nothing breaks, nothing comes up. */
START_TEST(mangled)
{
	struct sim *s = &sim;
	struct flying f;

	sim_init(s, 1);
	sim_initiate(s, &s->a, 0);
	f = *sim_next(s);
	s->loss_percent = 100;
	for (size_t n = 0; n < f.len; n++)
		sim_packet(s, &s->b, f.from, f.to, f.b, n);
	ck_assert_uint_eq(s->b.k.count[IKE_R_HEADER], f.len);
	for (size_t n = 0; n < f.len; n++) {
		f.b[n] ^= 0xff;
		sim_packet(s, &s->b, f.from, f.to, f.b, f.len);
		f.b[n] ^= 0xff;
	}
	ck_assert_uint_eq(s->b.ups, 0);
}
END_TEST

int
main(void)
{
	Suite *su = suite_create("ike_drop");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, bent_once, 0, (int)(sizeof(bends) / sizeof(bends[0])));
	tcase_add_loop_test(t, bent_by_hand, 0, 4);
	tcase_add_test(t, wrong_secret);
	tcase_add_test(t, other_identity);
	tcase_add_loop_test(t, refused_quick_mode, 0, 4);
	tcase_add_loop_test(t, refused_main_mode, 0, 3);
	tcase_add_test(t, flood);
	tcase_add_test(t, addresses);
	tcase_add_loop_test(t, clear_delete, 0, 2);
	tcase_add_test(t, mangled);
	suite_add_tcase(su, t);
	r = srunner_create(su);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
