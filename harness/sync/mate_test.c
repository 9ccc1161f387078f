/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two scripted members: how their channel is secured, and what its stream bears.
 */
#include "harness/sync/mate_test.h"

/* -- TLS -- */

static void
fails(void)
{
	size_t c = mate_call(net.m[0], net.now);

	pass(500 * NS_PER_MS);
	ck_assert(!mate_alive(net.m[0], c));
	ck_assert(!mate_alive(net.m[1], c));
	ck_assert_uint_eq(mate_msgs(net.m[0]) + mate_msgs(net.m[1]), 0);
	ck_assert_int_gt(mate_conn(net.m[0], c)->over, 0);
	ck_assert_int_gt(mate_conn(net.m[1], c)->over, 0);
}

START_TEST(another_key_is_refused)
{
	start();
	mate_set_key(net.m[1], "0123456789abcdef0123456789abcdeF", 32);
	fails();
	mate_set_key(net.m[1], "0123456789abcdef0123456789abcdef", 32);
	(void)up();
	stop();
}
END_TEST

START_TEST(another_identity_is_refused)
{
	start();
	mate_wrong(net.m[0])->identity = "baton-ssp/1 group 101 from 10.255.0.1 to 10.255.0.2";
	fails();
	mate_wrong(net.m[1])->any_identity = true;
	(void)up();
	stop();
}
END_TEST

START_TEST(a_server_without_the_key_is_refused)
{
	start();
	mate_wrong(net.m[1])->tls = MATE_TLS_CERTIFICATE;
	fails();
	mate_wrong(net.m[1])->tls = MATE_TLS_12;
	fails();
	mate_wrong(net.m[1])->tls = MATE_TLS_PSK;
	mate_wrong(net.m[0])->tls = MATE_TLS_CERTIFICATE;
	fails();
	stop();
}
END_TEST

START_TEST(clear_text_is_refused)
{
	start();
	mate_wrong(net.m[0])->tls = MATE_TLS_CLEAR;
	(void)mate_call(net.m[0], net.now);
	pass(500 * NS_PER_MS);
	ck_assert_uint_eq(mate_msgs(net.m[0]) + mate_msgs(net.m[1]), 0);
	ck_assert_int_gt(mate_conn(net.m[1], 0)->over, 0);
	/* Both in clear: the protocol itself. */
	mate_wrong(net.m[1])->tls = MATE_TLS_CLEAR;
	(void)up();
	stop();
}
END_TEST

START_TEST(a_silent_one_is_heard_by_nobody)
{
	start();
	mate_wrong(net.m[1])->tls = MATE_TLS_SILENT;
	(void)mate_call(net.m[0], net.now);
	pass(NS_PER_S);
	ck_assert(!mate_alive(net.m[0], 0));
	ck_assert_int_eq(mate_conn(net.m[0], 0)->over, 0);
	mate_end(net.m[1], net.now, 0, MATE_RST);
	pass(50 * NS_PER_MS);
	ck_assert_int_eq(mate_conn(net.m[0], 0)->end, STCP_RESET);
	ck_assert_int_eq(mate_conn(net.m[1], 0)->end, STCP_ABORTED);
	stop();
}
END_TEST

/* -- the stream -- */

static struct {
	uint8_t bytes[4096];
	size_t len;
} kept;

static void
keep(void *ctx, struct mate *m, ns_t now, size_t conn, const uint8_t *bytes, size_t len)
{
	(void)ctx;
	ck_assert_uint_le(kept.len + len, sizeof kept.bytes);
	memmove(kept.bytes + len, kept.bytes, kept.len); /* the newest goes first */
	memcpy(kept.bytes, bytes, len);
	kept.len += len;
	(void)m, (void)now, (void)conn;
}

START_TEST(swapped_records_do_not_open)
{
	size_t c;

	start();
	c = up();
	kept.len = 0;
	mate_wrong(net.m[0])->tap = keep;
	mate_plain(net.m[0], net.now, c, "\1", 1);
	mate_plain(net.m[0], net.now, c, "\2", 1);
	mate_wire(net.m[0], net.now, c, kept.bytes, kept.len);
	pass(100 * NS_PER_MS);
	ck_assert(!mate_alive(net.m[1], c));
	ck_assert(mate_conn(net.m[1], c)->tls_failed);
	stop();
}
END_TEST

START_TEST(octet_by_octet)
{
	size_t c;

	start();
	offer_dpd(1);
	mate_wrong(net.m[0])->drip = true;
	c = mate_call(net.m[0], net.now);
	pass(NS_PER_S);
	ck_assert(mate_alive(net.m[1], c));
	ck_assert_int_gt(mate_conn(net.m[0], c)->ready, 0);
	stop();
}
END_TEST

START_TEST(who_is_deaf_closes_the_window)
{
	size_t c, i;

	start();
	c = up();
	mate_wrong(net.m[1])->deaf = true;
	for (i = 0; i < 2000; i++)
		mate_bulk(net.m[0], net.now, c);
	pass(3 * NS_PER_S);
	ck_assert_uint_gt(mate_waiting(net.m[0], c), 2000);
	mate_wrong(net.m[1])->deaf = false;
	pass(3 * NS_PER_S);
	ck_assert_uint_lt(mate_waiting(net.m[0], c), 2000);
	ck_assert_uint_eq(mate_conn(net.m[1], c)->bulks, 2001);
	stop();
}
END_TEST

START_TEST(what_is_lost_comes_again)
{
	size_t c;

	start();
	net.lose = 5;
	offer_dpd(1);
	c = mate_call(net.m[0], net.now);
	pass(10 * NS_PER_S);
	ck_assert_int_gt(mate_conn(net.m[0], c)->ready, 0);
	ck_assert_uint_eq(mate_find(net.m[0], 0, c, MATE_RESYNC), MATE_NONE);
	mate_end(net.m[0], net.now, c, MATE_PROPERLY);
	pass(10 * NS_PER_S);
	ck_assert_int_eq(mate_conn(net.m[0], c)->end, STCP_FINISHED);
	/* Its FIN comes to nobody if the last acknowledgement is lost: there is no TIME-WAIT. */
	ck_assert(mate_conn(net.m[1], c)->end == STCP_FINISHED ||
		  mate_conn(net.m[1], c)->end == STCP_RESET);
	ck_assert(!mate_conn(net.m[1], c)->tls_failed);
	stop();
}
END_TEST

START_TEST(nobody_listens)
{
	start();
	mate_listen(net.m[1], false);
	(void)mate_call(net.m[0], net.now);
	pass(100 * NS_PER_MS);
	ck_assert_int_eq(mate_conn(net.m[0], 0)->end, STCP_REFUSED);
	stop();
}
END_TEST

START_TEST(nobody_is_there)
{
	start();
	net.lose = 1;
	(void)mate_call(net.m[0], net.now);
	pass(60 * NS_PER_S);
	ck_assert_int_eq(mate_conn(net.m[0], 0)->end, STCP_LOST);
	stop();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mate");
	TCase *t = tcase_create("mate");
	SRunner *r;
	int failed;

	tcase_add_test(t, another_key_is_refused);
	tcase_add_test(t, another_identity_is_refused);
	tcase_add_test(t, a_server_without_the_key_is_refused);
	tcase_add_test(t, clear_text_is_refused);
	tcase_add_test(t, a_silent_one_is_heard_by_nobody);
	tcase_add_test(t, swapped_records_do_not_open);
	tcase_add_test(t, octet_by_octet);
	tcase_add_test(t, who_is_deaf_closes_the_window);
	tcase_add_test(t, what_is_lost_comes_again);
	tcase_add_test(t, nobody_listens);
	tcase_add_test(t, nobody_is_there);
	tcase_set_timeout(t, 30);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
