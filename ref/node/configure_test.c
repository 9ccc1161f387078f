/* SPDX-License-Identifier: BSD-2-Clause */
/* A router that runs is configured again: what did not change is left alone, what changed obeys. */
#include "ref/node/pair_world_test.h"

/* Add lines to a member's configuration, and let the router have it. */
static void
merge(enum who n, const char *lines)
{
	static struct cfg held[NODES][2];
	static unsigned turn;
	static const struct mac macs[CFG_IFS] = {
		{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 1, 1}}, {{2, 0, 0, 0, 2, 1}}};
	struct cfg *next = &held[n][turn++ % 2];
	struct config_error err;
	const struct cfg *old = w.node[n]->cfg;

	*next = *old;
	ck_assert_msg(config_merge(lines, next, &err), "%u:%u %s", err.line, err.col, err.expected);
	if (!node_channel_same(old, next))
		channel_down();
	entropy_refill();
	node_leave(w.node[n], w.now, next, &w.entropy);
	node_configure(w.node[n], w.now, next, macs, &w.entropy);
	run(100 * MS, 0);
}

static const struct node_pair *
pair_of(enum who n)
{
	for (unsigned i = 0; i < w.node[n]->pair_cnt; i++)
		if (w.node[n]->pair[i].used)
			return &w.node[n]->pair[i];
	return NULL;
}

/* Traffic both ways without a new negotiation. */
static void
carries_on(uint32_t spi)
{
	unsigned p = w.inner[P], a = w.inner[A];

	run(500 * MS, 20 * MS);
	ck_assert_uint_gt(w.inner[P], p + 15);
	ck_assert_uint_gt(w.inner[A], a + 15);
	ck_assert_ptr_nonnull(pair_of(A));
	ck_assert_uint_eq(pair_of(A)->child.spi_in, spi);
}

START_TEST(nothing_changed)
{
	uint32_t spi;

	world_new(1);
	spi = pair_of(A)->child.spi_in;
	merge(A, "hostname A\n");
	ck_assert_int_eq(w.node[A]->role, NODE_ACTIVE);
	ck_assert(w.node[A]->mirrored);
	ck_assert_uint_eq(w.node[A]->count[NODE_CNT_PROMOTIONS], 1);
	ck_assert_uint_ne(w.channel, 0);
	carries_on(spi);
}
END_TEST

/* What does not touch the SAs leaves them, whatever it moves in the tables. */
START_TEST(sas_stay)
{
	static const char *const lines[] = {
		"crypto isakmp policy 5\n encryption 3des\n hash md5\n authentication pre-share\n group 2\n lifetime 600\n",
		"crypto isakmp key other address 10.9.0.7\n",
		"interface c\n ip address 10.7.0.1 255.255.255.0\n",
		"interface b\n standby 2 priority 101\n",
		"crypto ipsec transform-set X esp-null esp-md5-hmac\n",
		"access-list 105 permit ip 10.0.0.0 0.0.0.255 10.77.0.0 0.0.0.255\n"
		"crypto map M 1 ipsec-isakmp dynamic D\n"
		"crypto dynamic-map D 9\n set transform-set T\n match address 105\n",
		"access-list 105 permit ip 10.0.0.0 0.0.0.255 10.77.0.0 0.0.0.255\n"
		"no crypto map M 1\ncrypto map M 1 ipsec-isakmp\n set peer 10.9.0.3\n set transform-set T\n"
		" match address 105\ncrypto map M 2 ipsec-isakmp dynamic D\n",
		"ip route 10.66.0.0 255.255.0.0 10.9.0.254\n",
	};
	uint32_t spi;

	world_new(2);
	spi = pair_of(A)->child.spi_in;
	merge(A, lines[_i]);
	merge(B, lines[_i]);
	ck_assert_int_eq(w.node[A]->role, NODE_ACTIVE);
	ck_assert_uint_eq(w.node[A]->count[NODE_CNT_PROMOTIONS], 1);
	carries_on(spi);
	w.on[A] = false;
	channel_down();
	run(2 * NS_PER_S, 20 * MS);
	ck_assert_int_eq(w.node[B]->role, NODE_ACTIVE);
	ck_assert_ptr_nonnull(pair_of(B));
	ck_assert_uint_eq(pair_of(B)->child.spi_in, spi);
}
END_TEST

/* The entry says something else now: its SAs go with a Delete, and the next ones obey it. */
START_TEST(entry_changed)
{
	uint32_t spi;

	world_new(3);
	spi = pair_of(A)->child.spi_in;
	merge(A, "crypto dynamic-map D 1\n set security-association lifetime seconds 600\n");
	merge(B, "crypto dynamic-map D 1\n set security-association lifetime seconds 600\n");
	ck_assert_ptr_null(pair_of(A));
	ck_assert_ptr_null(pair_of(P));
	ck_assert_ptr_null(pair_of(B));
	ck_assert(!w.routed[A]);
	run(2 * NS_PER_S, 20 * MS);
	ck_assert_ptr_nonnull(pair_of(A));
	ck_assert_uint_ne(pair_of(A)->child.spi_in, spi);
	ck_assert_uint_eq(pair_of(A)->child.lifetime_s, 600);
	ck_assert(w.routed[A]);
}
END_TEST

/* A priority below the other's, and his preempt: the pair moves, and nothing is negotiated anew. */
START_TEST(priority_lowered)
{
	uint32_t spi;

	world_new(4);
	spi = pair_of(A)->child.spi_in;
	merge(A, "interface a\n standby 1 priority 50\ninterface b\n standby 2 priority 50\n");
	run(3 * NS_PER_S, 20 * MS);
	ck_assert_int_eq(w.node[B]->role, NODE_ACTIVE);
	ck_assert_int_eq(w.node[A]->role, NODE_STANDBY);
	ck_assert_uint_eq(pair_of(B)->child.spi_in, spi);
}
END_TEST

/* Its interface has no map any more: everything is deleted, and said so. */
START_TEST(map_taken_off)
{
	world_new(5);
	merge(A, "interface a\n no crypto map\nno crypto isakmp ssp 1\n");
	ck_assert_ptr_null(pair_of(A));
	ck_assert_uint_eq(w.node[A]->out_if, CFG_IFS);
	ck_assert_ptr_null(pair_of(P));
}
END_TEST

/* The sync channel's port changed on both sides: a new session, a new bulk sync, no SA lost. */
START_TEST(channel_changed)
{
	uint32_t spi;

	world_new(6);
	spi = pair_of(A)->child.spi_in;
	merge(A, "ssp group 1\n port 4000\n");
	ck_assert(!node_channel_same(w.node[A]->cfg, w.node[B]->cfg));
	merge(B, "ssp group 1\n port 4000\n");
	run(2 * NS_PER_S, 20 * MS);
	ck_assert(w.node[A]->mirrored && w.node[B]->ready);
	carries_on(spi);
}
END_TEST

/*
 * A group with another virtual address begins anew: the old one resigns, and the other member takes
 * the new one. That leaves the groups mixed, as HSRP by itself does, until the one inside follows
 * the one outside (groups.c: apart). The SAs were kept all the time.
 */
START_TEST(group_begins_anew)
{
	uint32_t spi;

	world_new(7);
	spi = pair_of(A)->child.spi_in;
	merge(A, "interface b\n standby 2 ip 10.0.0.101\n");
	ck_assert_uint_eq(w.node[A]->group[1].hsrp.vip, IP4(10, 0, 0, 101));
	ck_assert_int_eq(w.node[A]->role, NODE_NEITHER);
	merge(B, "interface b\n standby 2 ip 10.0.0.101\n");
	run(5 * NS_PER_S, 20 * MS);
	ck_assert_int_eq(w.node[A]->group[0].hsrp.state, HSRP_ACTIVE);
	ck_assert_int_eq(w.node[A]->role, NODE_ACTIVE);
	carries_on(spi);
}
END_TEST

/* An interface before the others goes: those behind it keep their state under another index. */
START_TEST(interface_goes)
{
	uint32_t spi;

	world_new(8);
	spi = pair_of(A)->child.spi_in;
	merge(A, "interface c\n ip address 10.7.0.1 255.255.255.0\n");
	merge(A, "no interface c\n");
	ck_assert_uint_eq(w.node[A]->cfg->if_cnt, 2);
	carries_on(spi);
	merge(A, "interface a\n standby 1 track b 30\n");
	carries_on(spi);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("configure");
	TCase *t = tcase_create("pairs");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_test(t, nothing_changed);
	tcase_add_loop_test(t, sas_stay, 0, 8);
	tcase_add_test(t, entry_changed);
	tcase_add_test(t, priority_lowered);
	tcase_add_test(t, map_taken_off);
	tcase_add_test(t, channel_changed);
	tcase_add_test(t, group_begins_anew);
	tcase_add_test(t, interface_goes);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
