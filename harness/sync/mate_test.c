/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two scripted members joined back to back under a simulated clock: what each says the other
 * understands, and each thing that can be made wrong is seen to be wrong. A frame takes 1 ms.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "harness/sync/mate.h"

#define US IP4(10, 255, 0, 1)
#define THEM IP4(10, 255, 0, 2)
#define FLIGHTS 4096

static struct {
	struct {
		ns_t at;
		int to;
		size_t len;
		uint8_t bytes[1600];
	} f[FLIGHTS];
	size_t first, cnt; /* a ring: all take the same time, so they arrive in order */
	struct mate *m[2];
	ns_t now;
	unsigned lose; /* every so manieth frame; 0 none */
	unsigned frames;
} net;

static int ends[2] = {0, 1};

static void
carry(void *ctx, ns_t now, const uint8_t *frame, size_t len)
{
	size_t i = (net.first + net.cnt) % FLIGHTS;

	if (net.lose && ++net.frames % net.lose == 0)
		return;
	ck_assert_uint_lt(net.cnt, FLIGHTS);
	ck_assert_uint_le(len, sizeof net.f[i].bytes);
	net.f[i].at = now + NS_PER_MS;
	net.f[i].to = !*(int *)ctx;
	net.f[i].len = len;
	memcpy(net.f[i].bytes, frame, len);
	net.cnt++;
}

static void
pass(ns_t span)
{
	ns_t until = net.now + span;

	for (;;) {
		ns_t due = ns_min(mate_deadline(net.m[0]), mate_deadline(net.m[1]));

		if (net.cnt)
			due = ns_min(due, net.f[net.first].at);
		if (due > until)
			break;
		net.now = due > net.now ? due : net.now;
		if (net.cnt && net.f[net.first].at <= net.now) {
			size_t i = net.first;

			net.first = (net.first + 1) % FLIGHTS;
			net.cnt--;
			mate_frame(net.m[net.f[i].to], net.now, net.f[i].bytes, net.f[i].len);
		}
		for (int i = 0; i < 2; i++)
			if (mate_deadline(net.m[i]) <= net.now)
				mate_tick(net.m[i], net.now);
	}
	net.now = until;
}

/* 0 calls and is active, 1 listens and is standby. */
static void
start(void)
{
	memset(&net, 0, sizeof net);
	net.now = NS_PER_S;
	for (int i = 0; i < 2; i++) {
		struct mate_cfg c = {
			.net = {.mac = {{2, 0, 0, 0, 0, (uint8_t)(i + 1)}},
				.addr = i ? THEM : US,
				.prefix_len = 24},
			.remote = i ? US : THEM,
			.group = 100,
			.key = "0123456789abcdef0123456789abcdef",
			.key_len = 32,
			.role = i ? MATE_STANDBY : MATE_ACTIVE,
			.calls = !i,
		};

		net.m[i] = mate_new(&c, (uint64_t)(40 + i), NULL, carry, &ends[i]);
	}
}

static void
stop(void)
{
	mate_free(net.m[0]);
	mate_free(net.m[1]);
}

static void
offer_dpd(uint32_t number)
{
	const struct field_set sets[] = {SET("ssp.dpd.sent", number)};
	uint8_t b[256];
	size_t len = mate_build(b, sizeof b, MATE_DPD, "ssp/ssp.cookies/ssp.dpd", sets, 1);

	ck_assert_uint_gt(len, 0);
	mate_offer(net.m[0], b, len);
}

static size_t
up(void)
{
	size_t c = mate_call(net.m[0], net.now);

	pass(200 * NS_PER_MS);
	ck_assert(mate_alive(net.m[0], c));
	ck_assert(mate_alive(net.m[1], c));
	return c;
}

START_TEST(a_bulk_is_fed_and_acknowledged)
{
	size_t c, i;

	start();
	offer_dpd(7);
	offer_dpd(8);
	c = up();
	ck_assert_uint_eq(mate_conn(net.m[1], c)->bulks, 1);
	ck_assert_int_gt(mate_conn(net.m[0], c)->ready, 0);
	ck_assert_int_gt(mate_conn(net.m[1], c)->ready, 0);
	ck_assert_str_eq(mate_conn(net.m[1], c)->identity,
		"baton-ssp/1 group 100 from 10.255.0.1 to 10.255.0.2");
	i = mate_find(net.m[1], 0, c, MATE_DPD);
	i = mate_find(net.m[1], i + 1, c, MATE_DPD);
	ck_assert_uint_eq(mate_field(net.m[1], i, "ssp.dpd.sent"), 8);
	ck_assert_uint_eq(mate_msg(net.m[1], i)->epoch, 1);
	i = mate_find(net.m[1], 0, c, MATE_BULK_BEGIN);
	ck_assert_uint_eq(mate_field(net.m[1], i, "ssp.count.records"), 2);
	/* A gap would have been answered. */
	ck_assert_uint_eq(mate_find(net.m[0], 0, c, MATE_RESYNC), MATE_NONE);
	stop();
}
END_TEST

START_TEST(keepalives_and_echo)
{
	size_t c, i, echoes = 0;

	start();
	c = up();
	pass(NS_PER_S);
	for (i = 0; (i = mate_find(net.m[1], i, c, MATE_KEEPALIVE)) != MATE_NONE; i++)
		echoes += mate_field(net.m[1], i, "ssp.echo.ms") != 0;
	ck_assert_uint_ge(echoes, 5);
	for (i = 0; (i = mate_find(net.m[0], i, c, MATE_KEEPALIVE)) != MATE_NONE; i++)
		ck_assert_uint_eq(mate_field(net.m[0], i, "ssp.echo.ms"), 0);
	stop();
}
END_TEST

START_TEST(a_gap_asks_for_all_again)
{
	const struct field_set sets[] = {SET("ssp.dpd.sent", 9)};
	size_t c;

	start();
	c = up();
	*mate_number(net.m[0], c) += 1;
	mate_send(net.m[0], net.now, c, MATE_DPD, "ssp/ssp.cookies/ssp.dpd", sets, 1);
	pass(50 * NS_PER_MS);
	ck_assert_uint_eq(mate_field(net.m[0], mate_find(net.m[0], 0, c, MATE_RESYNC),
				  "ssp.reason.code"),
		MATE_GAP);
	ck_assert_uint_eq(mate_conn(net.m[1], c)->bulks, 2);
	ck_assert(mate_alive(net.m[0], c));
	stop();
}
END_TEST

START_TEST(an_active_refuses)
{
	size_t c;

	start();
	mate_become(net.m[1], net.now, MATE_ACTIVE);
	c = up();
	ck_assert_uint_eq(mate_conn(net.m[1], c)->bulks, 0);
	mate_bulk(net.m[0], net.now, c);
	pass(50 * NS_PER_MS);
	ck_assert_uint_eq(mate_field(net.m[0], mate_find(net.m[0], 0, c, MATE_REFUSE),
				  "ssp.reason.code"),
		MATE_I_AM_ACTIVE);
	mate_become(net.m[1], net.now, MATE_STANDBY);
	pass(50 * NS_PER_MS);
	ck_assert_uint_eq(mate_conn(net.m[1], c)->bulks, 1);
	stop();
}
END_TEST

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

	tcase_add_test(t, a_bulk_is_fed_and_acknowledged);
	tcase_add_test(t, keepalives_and_echo);
	tcase_add_test(t, a_gap_asks_for_all_again);
	tcase_add_test(t, an_active_refuses);
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
