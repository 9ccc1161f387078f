/* SPDX-License-Identifier: BSD-2-Clause */
/* The pair and a peer with a NAT between them: on the peer's side, and on the pair's. */
#include "ref/node/pair_world_test.h"

static void
expect_flows(unsigned packets)
{
	unsigned p = w.inner[P], pair = w.inner[A] + w.inner[B];

	run(500 * MS, 5 * MS);
	ck_assert_uint_gt(w.inner[P], p + packets);
	ck_assert_uint_gt(w.inner[A] + w.inner[B], pair + packets);
}

static void
expect_nothing_renegotiated(void)
{
	ck_assert_uint_eq(w.node[P]->count[NODE_CNT_REPLAY], 0);
	ck_assert_uint_eq(w.node[P]->ike_core.count[IKE_R_TIMEOUT], 0);
	ck_assert_uint_eq(w.node[P]->pair_cnt, 1);
}

/* All is in UDP, and stays so with the heir; the peer behind the NAT keeps its mapping open. */
START_TEST(peer_behind_nat)
{
	world_new_nat(1, NAT_PEER);
	ck_assert_uint_eq(w.esp[A] + w.esp[B] + w.esp[P], 0);
	ck_assert_uint_eq(w.node[B]->pair[0].child.natt, IKE_NATT_ON | IKE_NATT_PEER);
	ck_assert_uint_eq(w.node[B]->pair[0].child.remote.port, 40000);
	power_off(A);
	run(1200 * MS, 5 * MS);
	ck_assert_int_eq(w.node[B]->role, NODE_ACTIVE);
	expect_flows(90);
	expect_nothing_renegotiated();
	expect_unique(1);
	ck_assert_uint_eq(w.keepalives[A] + w.keepalives[B], 0);
	ck_assert_uint_eq(w.esp[A] + w.esp[B] + w.esp[P], 0);
}
END_TEST

START_TEST(keepalives_when_silent)
{
	unsigned before;

	world_new_nat(2, NAT_PEER);
	ck_assert_uint_eq(w.keepalives[P], 0); /* its own messages were enough */
	w.node[P]->ike[0].dpd_on = w.node[A]->ike[0].dpd_on =
		false; /* nobody asks, nobody answers */
	run(21 * NS_PER_S, 0);
	ck_assert_uint_ge(w.keepalives[P], 3);
	ck_assert_uint_le(w.keepalives[P], 4);
	ck_assert_uint_eq(w.keepalives[A], 0);
	ck_assert_uint_eq(w.node[A]->count[NODE_CNT_NAT_KEEPALIVE_IN], w.keepalives[P]);
	before = w.keepalives[P];
	run(11 * NS_PER_S, 100 * MS);
	ck_assert_uint_le(w.keepalives[P], before + 1);
}
END_TEST

/* The pair is behind the NAT: its keepalives go on with the heir. */
START_TEST(pair_behind_nat)
{
	unsigned before;

	world_new_nat(3, NAT_PAIR);
	ck_assert_uint_eq(w.node[B]->pair[0].child.natt, IKE_NATT_ON | IKE_NATT_US);
	for (unsigned i = A; i <= P; i++)
		w.node[i]->ike[0].dpd_on = false;
	w.cfg[B].keepalive_ms = 0;
	w.node[B]->dpd_cfg.mode = DPD_OFF;
	run(11 * NS_PER_S, 0);
	ck_assert_uint_ge(w.keepalives[A], 2);
	ck_assert_uint_eq(w.keepalives[B] + w.keepalives[P], 0);
	power_off(A);
	before = w.keepalives[A];
	run(12 * NS_PER_S, 0);
	ck_assert_uint_eq(w.keepalives[A], before);
	ck_assert_uint_ge(w.keepalives[B], 3); /* the first at once */
	expect_flows(90);
	expect_nothing_renegotiated();
	expect_unique(3);
}
END_TEST

/* The mapping changes: the next packet of the peer shows it; the standby knows at once. */
START_TEST(mapping_changes)
{
	bool address = _i & 1, after = _i & 2;

	world_new_nat(4, NAT_PEER);
	if (after) { /* only the heir sees it */
		power_off(A);
		run(1200 * MS, 5 * MS);
	}
	w.nat_port = 50001;
	if (address)
		w.nat_public = IP4(10, 9, 0, 151);
	run(50 * MS, 5 * MS);
	expect_flows(90);
	if (!after) {
		ck_assert_uint_eq(w.node[A]->count[NODE_CNT_NAT_MOVED], 1);
		ck_assert_uint_eq(w.node[B]->pair[0].child.remote.port, 50001);
		ck_assert_uint_eq(w.node[B]->pair[0].child.remote.addr, w.nat_public);
		ck_assert_uint_eq(w.node[B]->ike[0].copy.remote.port, 50001);
		power_off(A);
		run(1200 * MS, 0); /* nothing comes from the peer: the heir must know it */
		ck_assert_uint_eq(w.node[B]->pair[0].out.dport, 50001);
		ck_assert_uint_eq(w.node[B]->pair[0].out.dst, w.nat_public);
		expect_flows(90);
	}
	ck_assert_uint_eq(w.node[B]->ike_core.sa[0].remote.port, 50001);
	expect_nothing_renegotiated();
	expect_unique(4);
}
END_TEST

/* A copy of an old packet from elsewhere moves nobody, nor does one that was delayed. */
START_TEST(old_packets_move_nobody)
{
	struct node *n;

	world_new_nat(5, NAT_PEER);
	n = w.node[A];
	n->pair[0].in.window.top += 5; /* as if five newer ones had been seen */
	n->pair[0].in.window.map[0] = 1;
	w.nat_port = 50002;
	run(20 * MS, 5 * MS);
	ck_assert_uint_eq(n->count[NODE_CNT_NAT_MOVED], 0);
	ck_assert_uint_eq(n->pair[0].child.remote.port, 40000);
	run(100 * MS, 5 * MS);
	ck_assert_uint_eq(n->count[NODE_CNT_NAT_MOVED], 1);
}
END_TEST

/* Plain ESP on a pair that was agreed to be encapsulated is dropped. */
START_TEST(other_encapsulation)
{
	world_new_nat(6, NAT_PEER);
	w.nat = NAT_NONE;
	w.node[P]->pair[0].child.natt = 0;
	w.node[P]->pair[0].out.dport = 0;
	run(500 * MS, 5 * MS);
	ck_assert_uint_gt(w.node[A]->count[NODE_CNT_ENCAPSULATION], 90);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("nat");
	TCase *t = tcase_create("virtual clock");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, peer_behind_nat);
	tcase_add_test(t, keepalives_when_silent);
	tcase_add_test(t, pair_behind_nat);
	tcase_add_loop_test(t, mapping_changes, 0, 4);
	tcase_add_test(t, old_packets_move_nobody);
	tcase_add_test(t, other_encapsulation);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
