/* SPDX-License-Identifier: BSD-2-Clause */
/* NAT traversal: two cores with and without a NAT between them, on either side. */
#include <stddef.h>
#include <stdlib.h>

#include "ref/core/ike_sim_test.h"

#define S(n) ((n)*NS_PER_S)
#define PUBLIC IP4(192, 0, 2, 1) /* of the NAT in front of a */

static struct sim sim;

static uint16_t
outside(const struct sim *s, uint16_t port)
{
	return port == ISAKMP_PORT ? 1024 : port == ISAKMP_PORT_NATT ? s->nat_port : 0;
}

/* a is behind a NAT that translates addresses and ports. */
static bool
nat(struct sim *s, bool to_b, struct ike_end *from, struct ike_end *to)
{
	if (to_b) {
		*from = (struct ike_end){PUBLIC, outside(s, from->port)};
		return true;
	}
	for (unsigned i = 0; i < 2; i++) {
		uint16_t inner = i ? ISAKMP_PORT_NATT : ISAKMP_PORT;

		if (to->port == outside(s, inner)) {
			*to = (struct ike_end){s->a.cfg.local, inner};
			return true;
		}
	}
	return false;
}

/* One to one: addresses alone. */
static bool
nat_static(struct sim *s, bool to_b, struct ike_end *from, struct ike_end *to)
{
	if (to_b)
		from->addr = PUBLIC;
	else
		to->addr = s->a.cfg.local;
	return true;
}

static void
start(struct sim *s, bool (*box)(struct sim *, bool, struct ike_end *, struct ike_end *))
{
	sim_init(s, 1);
	s->a.cfg.natt = s->b.cfg.natt = true;
	s->nat = box;
	s->nat_port = 40000;
	if (box)
		s->a.cfg.local = IP4(10, 7, 7, 7);
}

static void
expect_encapsulated(const struct sim *s, uint16_t port_at_b)
{
	ck_assert_uint_eq(s->a.k.sa[0].natt & IKE_NATT_BITS, IKE_NATT_ON | IKE_NATT_US);
	ck_assert_uint_eq(s->b.k.sa[0].natt & IKE_NATT_BITS, IKE_NATT_ON | IKE_NATT_PEER);
	ck_assert_uint_eq(s->a.pair.natt, IKE_NATT_ON | IKE_NATT_US);
	ck_assert_uint_eq(s->b.pair.natt, IKE_NATT_ON | IKE_NATT_PEER);
	ck_assert_uint_eq(s->a.pair.local.port, ISAKMP_PORT_NATT);
	ck_assert_uint_eq(s->a.pair.remote.port, ISAKMP_PORT_NATT);
	ck_assert_uint_eq(s->b.pair.local.port, ISAKMP_PORT_NATT);
	ck_assert_uint_eq(s->b.pair.remote.port, port_at_b);
	ck_assert_uint_eq(s->b.pair.remote.addr, PUBLIC);
}

START_TEST(no_nat)
{
	struct sim *s = &sim;

	start(s, NULL);
	sim_established(s);
	ck_assert_uint_eq(s->a.k.sa[0].natt, IKE_NATT_ABLE);
	ck_assert_uint_eq(s->b.k.sa[0].natt, IKE_NATT_ABLE);
	ck_assert_uint_eq(s->a.pair.natt | s->b.pair.natt, 0);
	ck_assert_uint_eq(s->a.pair.local.port, ISAKMP_PORT);
	ck_assert_uint_eq(s->a.k.count[IKE_R_NAT_FOUND], 0);
}
END_TEST

START_TEST(initiator_behind_nat)
{
	struct sim *s = &sim;

	start(s, nat);
	sim_established(s);
	expect_encapsulated(s, 40000);
	sim_dpd(s, &s->a, &s->b, ISAKMP_N_R_U_THERE, 1);
	sim_dpd(s, &s->b, &s->a, ISAKMP_N_R_U_THERE, 2);
}
END_TEST

/* b initiates to the NAT's address, which is one to one: a responds, and is the one behind it. */
START_TEST(responder_behind_nat)
{
	struct sim *s = &sim;

	start(s, nat_static);
	sim_initiate(s, &s->b, 0);
	sim_run(s, S(1));
	ck_assert_uint_eq(s->b.use_outs, 1);
	sim_pairs_match(s);
	expect_encapsulated(s, ISAKMP_PORT_NATT);
}
END_TEST

START_TEST(one_side_cannot)
{
	struct sim *s = &sim;

	start(s, NULL);
	(_i ? &s->a : &s->b)->cfg.natt = false;
	sim_established(s);
	ck_assert_uint_eq(s->a.k.sa[0].natt | s->b.k.sa[0].natt, _i ? 0 : 0);
}
END_TEST

static bool
forge_source(struct sim *s, bool to_b, uint8_t *bytes, size_t *len)
{
	(void)s;
	/* the last NAT-D of message 3 ends the message */
	if (to_b && bytes[18] == ISAKMP_X_MAIN && *len > 200 && !(bytes[19] & 1))
		bytes[*len - 1] ^= 0x55;
	return true;
}

/* A peer that forges its own hash forces encapsulation, whatever lies between. */
START_TEST(forced)
{
	struct sim *s = &sim;

	start(s, NULL);
	s->tap = forge_source;
	sim_initiate(s, &s->a, 0);
	sim_run(s, S(1));
	/* a sees no NAT and stays on port 500; b would take ESP in UDP: no pair comes of that */
	ck_assert_uint_eq(s->b.k.sa[0].natt & IKE_NATT_BITS, IKE_NATT_ON | IKE_NATT_PEER);
	ck_assert_uint_eq(s->a.k.sa[0].natt & IKE_NATT_ON, 0);
	ck_assert_uint_eq(s->b.news, 0);
	ck_assert_uint_eq(s->b.k.count[IKE_R_NO_PROPOSAL], 1);
}
END_TEST

/* Message 3 of a with one more hash in front of its own right one; unencrypted, so a tap can do it.
 */
static bool
more_hashes(struct sim *s, bool to_b, uint8_t *bytes, size_t *len)
{
	size_t hash = 32, one = 4 + hash;

	if (!to_b || bytes[18] != ISAKMP_X_MAIN || *len <= 200 || (bytes[19] & 1))
		return true;
	s->seen++;
	memmove(bytes + *len, bytes + *len - one, one);
	bytes[*len - one] = ISAKMP_NAT_D;
	memset(bytes + *len - hash, 0x77, hash);
	*len += one;
	bytes[26] = (uint8_t)(*len >> 8);
	bytes[27] = (uint8_t)*len;
	return true;
}

START_TEST(several_hashes)
{
	struct sim *s = &sim;

	start(s, NULL);
	s->tap = more_hashes;
	s->b.rules.natt_all_hashes = !_i;
	sim_initiate(s, &s->a, 0);
	sim_run(s, S(1));
	ck_assert_uint_eq(s->seen, 1);
	ck_assert_uint_eq(s->b.k.sa[0].natt & IKE_NATT_ON, _i ? IKE_NATT_ON : 0);
}
END_TEST

static bool
short_hash(struct sim *s, bool to_b, uint8_t *bytes, size_t *len)
{
	(void)s;
	if (!to_b || bytes[18] != ISAKMP_X_MAIN || *len <= 200 || (bytes[19] & 1))
		return true;
	bytes[*len - 36 + 3]--;
	*len -= 1;
	bytes[26] = (uint8_t)(*len >> 8);
	bytes[27] = (uint8_t)*len;
	return true;
}

START_TEST(hash_of_wrong_length)
{
	struct sim *s = &sim;

	start(s, NULL);
	s->tap = short_hash;
	sim_initiate(s, &s->a, 0);
	sim_run(s, S(1));
	ck_assert_uint_ge(s->b.k.count[IKE_R_NAT_D], 1);
	ck_assert_uint_eq(s->b.ups, 0);
}
END_TEST

/* Each rule that is bent is seen by the other side. */
START_TEST(bent_rules)
{
	static const struct {
		size_t at;
		unsigned pairs; /* that b makes */
	} bent[] = {
		{offsetof(struct ike_rules, natt_float), 1},
		{offsetof(struct ike_rules, natt_offer_mode), 0},
	};
	struct sim *s = &sim;

	start(s, nat);
	*(bool *)((char *)&s->a.rules + bent[_i].at) = false;
	sim_initiate(s, &s->a, 0);
	sim_run(s, S(1));
	ck_assert_uint_eq(s->b.news, bent[_i].pairs);
	ck_assert_uint_eq(s->b.k.sa[0].local.port, _i ? ISAKMP_PORT_NATT : ISAKMP_PORT);
}
END_TEST

/* Without the port in the hash, or with the two in the wrong order, a NAT is seen where there is
 * none. */
START_TEST(wrong_hashes)
{
	struct sim *s = &sim;

	start(s, NULL);
	if (_i)
		s->a.rules.natt_remote_first = false;
	else
		s->a.rules.natt_hash_port = false;
	sim_initiate(s, &s->a, 0);
	sim_run(s, S(1));
	ck_assert_uint_eq(s->b.k.sa[0].natt & IKE_NATT_ON, IKE_NATT_ON);
}
END_TEST

/* ---- mappings that change ---- */

static void
rekey(struct sim *s, struct side *d)
{
	unsigned news = s->b.news;

	sim_initiate(s, d, d->pair.spi_in);
	sim_run(s, s->now + S(1));
	ck_assert_uint_eq(s->b.news, news + 1);
	sim_pairs_match(s);
}

START_TEST(quick_mode_moves_it)
{
	struct sim *s = &sim;

	start(s, nat);
	sim_established(s);
	s->nat_port = 50000;
	rekey(s, &s->a);
	ck_assert_uint_eq(s->b.moves, 1);
	ck_assert_uint_eq(s->b.moved.port, 50000);
	ck_assert_uint_eq(s->b.k.sa[0].remote.port, 50000);
	ck_assert_uint_eq(s->b.pair.remote.port, 50000);
	for (unsigned i = 0; i < SIM_CHILDREN; i++)
		if (s->b.child[i].used)
			ck_assert_uint_eq(s->b.child[i].remote.port, 50000);
	ck_assert_uint_eq(s->a.moves, 0);
	sim_dpd(s, &s->b, &s->a, ISAKMP_N_R_U_THERE, 2);
}
END_TEST

static bool
keep_info(struct sim *s, bool to_b, uint8_t *bytes, size_t *len)
{
	if (to_b && bytes[18] == ISAKMP_X_INFO) {
		memcpy(s->kept, bytes, *len);
		s->kept_len = *len;
	}
	return true;
}

/* An Informational alone moves nothing: it may be an old one, whose message id is forgotten. */
START_TEST(old_message_moves_nothing)
{
	struct sim *s = &sim;
	struct ike_end other = {IP4(203, 0, 113, 9), 4500};

	start(s, nat);
	sim_established(s);
	s->tap = keep_info;
	s->b.rules.natt_follow_any = _i;
	sim_dpd(s, &s->a, &s->b, ISAKMP_N_R_U_THERE, 1);
	s->b.k.sa[0].msgid_cnt = 0; /* 32 others since */
	sim_packet(s, &s->b, other, (struct ike_end){s->b.cfg.local, 4500}, s->kept, s->kept_len);
	ck_assert_uint_eq(s->b.dpd_ins, 2);
	ck_assert_uint_eq(s->b.dpd_from.addr, other.addr); /* whose number the caller knows */
	ck_assert_uint_eq(s->b.moves, _i ? 1u : 0u);
}
END_TEST

START_TEST(caller_moves_it)
{
	struct sim *s = &sim;
	struct ike_end to = {IP4(203, 0, 113, 9), 7777};

	start(s, nat);
	sim_established(s);
	sim_step(s, &s->b,
		&(struct ike_in){.kind = IKE_IN_MOVED, .was = s->b.k.sa[0].remote, .remote = to});
	ck_assert_uint_eq(s->b.k.sa[0].remote.port, 7777);
	ck_assert_uint_eq(s->b.moves, 1);
	/* the side behind the NAT follows nobody */
	sim_step(s, &s->a,
		&(struct ike_in){.kind = IKE_IN_MOVED, .was = s->a.k.sa[0].remote, .remote = to});
	ck_assert_uint_eq(s->a.k.sa[0].remote.port, 4500);
}
END_TEST

/* From an end that is not the peer's, to us behind the NAT: refused. */
START_TEST(behind_nat_does_not_follow)
{
	struct sim *s = &sim;
	struct ike_end other = {IP4(203, 0, 113, 9), 4500};

	start(s, nat);
	sim_established(s);
	sim_dpd(s, &s->b, &s->a, ISAKMP_N_R_U_THERE, 1);
	sim_packet(s, &s->a, other, (struct ike_end){s->a.cfg.local, 4500}, s->b.acts.buf,
		s->b.acts.used);
	ck_assert_uint_eq(s->a.k.count[IKE_R_OTHER_ADDRESS], s->b.acts.used ? 1u : 0u);
}
END_TEST

/* RFC 3947 4: the responder begins its own Main Mode on 4500, to where the peer was last. */
START_TEST(responder_begins_on_4500)
{
	struct sim *s = &sim;

	start(s, nat);
	sim_established(s);
	sim_step(s, &s->b,
		&(struct ike_in){.kind = IKE_IN_DELETE_SA, .cookies = s->b.up, .send = true});
	sim_run(s, S(2));
	sim_step(s, &s->b,
		&(struct ike_in){.kind = IKE_IN_INITIATE,
			.map_id = 10,
			.proxy_local = s->b.acl.local,
			.proxy_remote = s->b.acl.remote,
			.remote = s->b.pair.remote,
			.replaces = s->b.pair.spi_in});
	sim_run(s, S(4));
	ck_assert_uint_eq(s->b.ups, 2);
	ck_assert_uint_eq(s->b.news, 2);
	ck_assert_uint_eq(s->b.pair.remote.port, 40000);
	ck_assert_uint_eq(s->b.pair.natt, IKE_NATT_ON | IKE_NATT_PEER);
	sim_pairs_match(s);
}
END_TEST

/* What an heir imports goes on at the same ends. */
START_TEST(heir)
{
	struct sim *s = &sim;
	struct ike_export x;
	struct ike_sa *sa;

	start(s, nat);
	sim_established(s);
	sa = &s->b.k.sa[0];
	ike_export(&s->b.k, sa, s->now, &x);
	ck_assert_uint_eq(x.natt, IKE_NATT_ON | IKE_NATT_PEER);
	sim_step(s, &s->b, &(struct ike_in){.kind = IKE_IN_CLEAR});
	sim_step(s, &s->b, &(struct ike_in){.kind = IKE_IN_ACTIVATE});
	sim_step(s, &s->b, &(struct ike_in){.kind = IKE_IN_IMPORT, .export = &x});
	sim_dpd(s, &s->b, &s->a, ISAKMP_N_R_U_THERE, 7);
	s->nat_port = 50000;
	rekey(s, &s->a);
	ck_assert_uint_eq(s->b.moved.port, 50000);
}
END_TEST

/* INITIAL-CONTACT behind a NAT: the identity tells whose SAs go, not the address. */
START_TEST(initial_contact_by_identity)
{
	struct sim *s = &sim;

	start(s, nat);
	sim_established(s);
	sim_step(s, &s->a, &(struct ike_in){.kind = IKE_IN_CLEAR});
	sim_step(s, &s->a, &(struct ike_in){.kind = IKE_IN_ACTIVATE});
	s->nat_port = 50000;
	if (_i) /* another host behind the same NAT */
		s->b.k.sa[0].peer_id[3] ^= 1;
	sim_initiate(s, &s->a, 0);
	sim_run(s, S(4));
	ck_assert_uint_eq(s->b.ups, 2);
	ck_assert_uint_eq(s->b.downs, _i ? 0u : 1u);
	ck_assert_uint_eq(s->b.child_downs, _i ? 0u : 1u);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ike nat");
	TCase *t = tcase_create("nat");
	SRunner *r;
	int failed;

	tcase_add_test(t, no_nat);
	tcase_add_test(t, initiator_behind_nat);
	tcase_add_test(t, responder_behind_nat);
	tcase_add_loop_test(t, one_side_cannot, 0, 2);
	tcase_add_test(t, forced);
	tcase_add_loop_test(t, several_hashes, 0, 2);
	tcase_add_test(t, hash_of_wrong_length);
	tcase_add_loop_test(t, bent_rules, 0, 2);
	tcase_add_loop_test(t, wrong_hashes, 0, 2);
	tcase_add_test(t, quick_mode_moves_it);
	tcase_add_loop_test(t, old_message_moves_nothing, 0, 2);
	tcase_add_test(t, caller_moves_it);
	tcase_add_test(t, behind_nat_does_not_follow);
	tcase_add_test(t, responder_begins_on_4500);
	tcase_add_test(t, heir);
	tcase_add_loop_test(t, initial_contact_by_identity, 0, 2);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
