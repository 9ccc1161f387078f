/* SPDX-License-Identifier: BSD-2-Clause */
/* Two sessions joined by pipes; what the specification lets each do, and what it refuses. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ref/core/ssp.h"

#define MS NS_PER_MS

struct side {
	struct ssp s;
	struct ssp_acts acts;
	uint8_t out[65536]; /* sent, not delivered yet */
	size_t out_len;
	unsigned applied, acked, lost, met, refused, bulks, closes, highest;
	uint32_t last_number;
	bool ready, mirrored;
	ns_t lease_end;
	enum err answer; /* to APPLY */
};

static struct side a, b;
static ns_t now;
static struct ssp_rules rules;

static void act(struct side *x, const struct ssp_act *v);

static void
step(struct side *x, const struct ssp_in *in)
{
	ssp_step(&x->s, now, in, &x->acts);
	x->last_number = x->acts.number;
	for (unsigned i = 0; i < x->acts.cnt; i++)
		act(x, &x->acts.v[i]);
}

static void
say(struct side *x, enum ssp_in_kind kind)
{
	struct ssp_in in = {.kind = kind};

	step(x, &in);
}

static void
act(struct side *x, const struct ssp_act *v)
{
	struct ssp_acts saved;
	struct ssp_in in = {.kind = SSP_IN_APPLIED, .result = x->answer};

	switch (v->kind) {
	case SSP_ACT_SEND:
		memcpy(x->out + x->out_len, x->acts.buf + v->off, v->len);
		x->out_len += v->len;
		break;
	case SSP_ACT_CLOSE:
		x->closes++;
		break;
	case SSP_ACT_BULK:
		x->bulks++;
		saved = x->acts;
		say(x, SSP_IN_BULK_DONE);
		x->acts = saved;
		break;
	case SSP_ACT_APPLY:
		x->applied++;
		saved = x->acts;
		x->acts.more = saved.more;
		step(x, &in);
		x->acts = saved;
		break;
	case SSP_ACT_SWEEP:
		break;
	case SSP_ACT_ACKED:
		x->acked = v->number;
		break;
	case SSP_ACT_LOST:
		x->lost++;
		x->lease_end = v->at;
		break;
	case SSP_ACT_REFUSED:
		x->refused++;
		break;
	case SSP_ACT_MET:
		x->met++;
		break;
	case SSP_ACT_HIGHEST:
		x->highest = x->acts.msg.reserve;
		break;
	case SSP_ACT_STATE_HIGHEST:
		break;
	case SSP_ACT_READY:
		x->ready = v->on;
		break;
	case SSP_ACT_MIRRORED:
		x->mirrored = v->on;
		break;
	}
}

static void
deliver(struct side *from, struct side *to)
{
	static uint8_t buf[65536];
	size_t len = from->out_len;
	struct ssp_in in = {.kind = SSP_IN_BYTES, .bytes = buf, .len = len};

	if (!len)
		return;
	memcpy(buf, from->out, len);
	from->out_len = 0;
	step(to, &in);
	while (to->acts.more)
		say(to, SSP_IN_NEXT);
}

static void
settle(void)
{
	for (int i = 0; i < 20; i++) {
		deliver(&a, &b);
		deliver(&b, &a);
		if (now >= ssp_deadline(&a.s))
			say(&a, SSP_IN_TICK);
		if (now >= ssp_deadline(&b.s))
			say(&b, SSP_IN_TICK);
	}
}

static void
role(struct side *x, enum ssp_role r)
{
	struct ssp_in in = {.kind = SSP_IN_ROLE, .role = r};

	step(x, &in);
}

static void
fresh(void)
{
	const struct ssp_cfg cfg = {
		.group = 1, .instance = 7, .keepalive = 200 * MS, .lease = 1600 * MS};

	now = NS_PER_S;
	rules = ssp_rules_standard;
	memset(&a, 0, sizeof a);
	memset(&b, 0, sizeof b);
	ssp_init(&a.s, &cfg, &rules, now);
	ssp_init(&b.s, &cfg, &rules, now);
}

static void
join(enum ssp_role ra, enum ssp_role rb)
{
	fresh();
	role(&a, ra);
	role(&b, rb);
	say(&a, SSP_IN_CONNECTED);
	say(&b, SSP_IN_CONNECTED);
	settle();
}

static uint32_t
send_record(struct side *x)
{
	struct ssp_msg m = {
		.type = SSP_RESERVE, .spis = {1, 2, 3}, .reserve_kind = 1, .reserve = 9};
	struct ssp_in in = {.kind = SSP_IN_RECORD, .msg = &m};

	step(x, &in);
	return x->last_number;
}

START_TEST(bulk_makes_ready)
{
	join(SSP_ROLE_ACTIVE, SSP_ROLE_STANDBY);
	ck_assert_uint_eq(a.bulks, 1);
	ck_assert(b.ready && a.mirrored);
	ck_assert_uint_eq(a.met, 1);
	ck_assert(ssp_in_lease(&b.s, now));
}
END_TEST

START_TEST(records_are_acknowledged_after_they_are_kept)
{
	uint32_t n;

	join(SSP_ROLE_ACTIVE, SSP_ROLE_STANDBY);
	n = send_record(&a);
	ck_assert_uint_ne(n, 0);
	ck_assert_uint_lt(a.acked, n);
	settle();
	ck_assert_uint_eq(b.applied, 1);
	ck_assert_uint_ge(a.acked, n);
}
END_TEST

START_TEST(nobody_to_tell)
{
	join(SSP_ROLE_ACTIVE, SSP_ROLE_SUSPENDED);
	ck_assert_uint_eq(send_record(&a), 0);
	ck_assert_uint_eq(a.bulks, 0);
	role(&b, SSP_ROLE_STANDBY);
	settle();
	ck_assert(b.ready);
}
END_TEST

START_TEST(neither_is_copied_to_as_a_standby_is)
{
	join(SSP_ROLE_ACTIVE, SSP_ROLE_NEITHER);
	ck_assert(a.mirrored && b.ready);
	role(&b, SSP_ROLE_STANDBY);
	settle();
	role(&b, SSP_ROLE_NEITHER);
	settle();
	ck_assert(a.mirrored && b.ready);
	ck_assert_uint_eq(a.bulks, 1);
	ck_assert_uint_eq(a.lost, 0);
	(void)send_record(&a);
	settle();
	ck_assert_uint_eq(b.applied, 1);
}
END_TEST

/* What it holds is not used, so the copy stays good; and neither end begins again when it goes on. */
START_TEST(a_suspended_holder_goes_on_copying)
{
	join(SSP_ROLE_ACTIVE, SSP_ROLE_STANDBY);
	role(&a, SSP_ROLE_SUSPENDED);
	settle();
	for (int i = 0; i < 20; i++) {
		now += 200 * MS;
		say(&a, SSP_IN_TICK);
		say(&b, SSP_IN_TICK);
		settle();
	}
	ck_assert(a.mirrored && b.ready && ssp_in_lease(&b.s, now));
	ck_assert_uint_ne(send_record(&a), 0);
	role(&a, SSP_ROLE_ACTIVE);
	settle();
	ck_assert_uint_eq(a.bulks, 1);
	role(&a, SSP_ROLE_NEITHER); /* given up */
	settle();
	ck_assert(!a.mirrored);
	ck_assert_uint_eq(send_record(&a), 0);
	role(&b, SSP_ROLE_ACTIVE);
	settle();
	ck_assert(a.ready && b.mirrored);
}
END_TEST

/* It may come back into office and go on: its numbers are final when it holds no SA any more. */
START_TEST(a_suspended_one_is_not_met_yet)
{
	join(SSP_ROLE_ACTIVE, SSP_ROLE_SUSPENDED);
	ck_assert(a.s.stated);
	ck_assert_uint_eq(a.met, 0);
	role(&b, SSP_ROLE_NEITHER);
	settle();
	ck_assert_uint_eq(a.met, 1);
}
END_TEST

/* Records that were under way when the standby was in office for a moment are refused, each of them. */
START_TEST(old_refusals_begin_one_bulk)
{
	join(SSP_ROLE_ACTIVE, SSP_ROLE_STANDBY);
	for (int i = 0; i < 5; i++)
		(void)send_record(&a);
	role(&b, SSP_ROLE_ACTIVE);
	role(&b, SSP_ROLE_STANDBY);
	settle();
	ck_assert_uint_eq(b.applied, 0);
	ck_assert_uint_eq(b.s.count[SSP_CNT_REFUSED_EPOCH], 5);
	ck_assert_uint_eq(a.bulks, 2);
	ck_assert(b.ready && a.mirrored);
}
END_TEST

START_TEST(unknown_sa_asks_for_everything)
{
	join(SSP_ROLE_ACTIVE, SSP_ROLE_STANDBY);
	b.answer = ERR_UNKNOWN;
	(void)send_record(&a);
	deliver(&a, &b);
	ck_assert(!b.ready);
	b.answer = ERR_OK;
	settle();
	ck_assert_uint_eq(a.bulks, 2);
	ck_assert(b.ready);
}
END_TEST

START_TEST(gap_asks_for_everything)
{
	join(SSP_ROLE_ACTIVE, SSP_ROLE_STANDBY);
	(void)send_record(&a);
	a.out_len = 0; /* lost */
	(void)send_record(&a);
	settle();
	ck_assert_uint_eq(b.applied, 0);
	ck_assert_uint_eq(a.bulks, 2);
	ck_assert(b.ready);
}
END_TEST

START_TEST(promoted_refuses_and_stops_the_old_one)
{
	join(SSP_ROLE_ACTIVE, SSP_ROLE_STANDBY);
	(void)send_record(&a);
	role(&b, SSP_ROLE_ACTIVE);
	ck_assert_uint_gt(b.s.epoch, a.s.epoch);
	settle();
	ck_assert_uint_eq(b.applied, 0);
	ck_assert_uint_ge(a.refused, 1);
}
END_TEST

START_TEST(silence_is_a_loss_and_bounds_the_lease)
{
	ns_t proven;

	join(SSP_ROLE_ACTIVE, SSP_ROLE_STANDBY);
	proven = b.s.proven;
	for (int i = 0; i < 20 && !a.lost; i++) {
		now += 100 * MS;
		if (now >= ssp_deadline(&a.s))
			say(&a, SSP_IN_TICK);
		a.out_len = 0;
	}
	ck_assert_uint_eq(a.lost, 1);
	ck_assert_uint_eq(a.closes, 1);
	ck_assert(a.lease_end >= proven + 1600 * MS + 200 * MS);
	ck_assert(ssp_in_lease(&b.s, proven + 1600 * MS));
	ck_assert(!ssp_in_lease(&b.s, proven + 1600 * MS + 2));
	ck_assert(!ssp_in_lease(&b.s, a.lease_end));
}
END_TEST

START_TEST(an_echo_before_it_is_ready_does_not_count)
{
	fresh();
	role(&a, SSP_ROLE_ACTIVE);
	role(&b, SSP_ROLE_SUSPENDED);
	say(&a, SSP_IN_CONNECTED);
	say(&b, SSP_IN_CONNECTED);
	for (int i = 0; i < 10; i++) {
		settle();
		now += 200 * MS;
	}
	ck_assert(!ssp_in_lease(&b.s, now));
}
END_TEST

START_TEST(malformed_ends_it_and_changes_nothing)
{
	struct ssp_in in = {.kind = SSP_IN_BYTES};
	static const uint8_t bad[][24] = {
		{2, 14, 0, 0, 0, 0, 0, 0},					 /* version */
		{1, 99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9},				 /* type */
		{1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9},				 /* TLV missing */
		{1, 2, 0, 0, 0, 0, 0, 5, 0, 0, 0, 9, 0, 0, 0, 0, 0, 2, 0, 1, 9}, /* role 9 */
		{1, 2, 0, 0, 0xff, 0, 0, 0},					 /* length */
	};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		join(SSP_ROLE_ACTIVE, SSP_ROLE_STANDBY);
		in.bytes = bad[i];
		in.len = i == 3 ? 21 : 16;
		step(&b, &in);
		ck_assert_msg(b.closes == 1, "case %zu", i);
		ck_assert_uint_eq(b.applied, 0);
		ck_assert_uint_ge(b.s.count[SSP_CNT_MALFORMED], 1);
	}
}
END_TEST

START_TEST(wrong_group_is_refused)
{
	fresh();
	b.s.cfg.group = 2;
	role(&a, SSP_ROLE_ACTIVE);
	role(&b, SSP_ROLE_STANDBY);
	say(&a, SSP_IN_CONNECTED);
	say(&b, SSP_IN_CONNECTED);
	settle();
	ck_assert(!b.ready && !a.mirrored);
	ck_assert_uint_ge(a.closes + b.closes, 1);
}
END_TEST

START_TEST(messages_in_pieces)
{
	struct ssp_in in = {.kind = SSP_IN_BYTES};
	static uint8_t stream[65536];
	size_t len;

	join(SSP_ROLE_ACTIVE, SSP_ROLE_STANDBY);
	(void)send_record(&a);
	(void)send_record(&a);
	len = a.out_len;
	memcpy(stream, a.out, len);
	a.out_len = 0;
	for (size_t i = 0; i < len; i++) {
		in.bytes = stream + i;
		in.len = 1;
		step(&b, &in);
	}
	ck_assert_uint_eq(b.applied, 2);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ssp");
	TCase *t = tcase_create("session");
	SRunner *r;
	int failed;

	tcase_add_test(t, bulk_makes_ready);
	tcase_add_test(t, records_are_acknowledged_after_they_are_kept);
	tcase_add_test(t, nobody_to_tell);
	tcase_add_test(t, neither_is_copied_to_as_a_standby_is);
	tcase_add_test(t, a_suspended_holder_goes_on_copying);
	tcase_add_test(t, a_suspended_one_is_not_met_yet);
	tcase_add_test(t, old_refusals_begin_one_bulk);
	tcase_add_test(t, unknown_sa_asks_for_everything);
	tcase_add_test(t, gap_asks_for_everything);
	tcase_add_test(t, promoted_refuses_and_stops_the_old_one);
	tcase_add_test(t, silence_is_a_loss_and_bounds_the_lease);
	tcase_add_test(t, an_echo_before_it_is_ready_does_not_count);
	tcase_add_test(t, malformed_ends_it_and_changes_nothing);
	tcase_add_test(t, wrong_group_is_refused);
	tcase_add_test(t, messages_in_pieces);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
