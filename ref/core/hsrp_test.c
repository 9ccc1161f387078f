/* SPDX-License-Identifier: BSD-2-Clause */
/* The table beside the RFC, cell by cell, and the machine in small scenes. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ref/core/hsrp.h"

#define S NS_PER_S

static struct hsrp h;
static struct hsrp_acts acts;
static ns_t now;

static struct hsrp_cfg
cfg(void)
{
	struct hsrp_cfg c = {.group = 1,
		.priority = 100,
		.vip = IP4(10, 0, 0, 100),
		.address = IP4(10, 0, 0, 2),
		.auth = "cisco\0\0",
		.hello = 3 * S,
		.hold = 10 * S,
		.timers_set = true};
	return c;
}

static void
step(enum hsrp_in_kind kind)
{
	struct hsrp_in in = {.kind = kind};

	hsrp_step(&h, now, &in, &acts);
}

static void
hear(uint8_t opcode, uint8_t state, uint8_t priority, ip4_t src)
{
	struct hsrp_msg m = {.opcode = opcode,
		.state = state,
		.priority = priority,
		.group = 1,
		.hello_s = 3,
		.hold_s = 10,
		.auth = "cisco\0\0",
		.vip = IP4(10, 0, 0, 100)};
	struct hsrp_in in = {.kind = HSRP_IN_MESSAGE, .src = src, .msg = &m};

	hsrp_step(&h, now, &in, &acts);
}

static unsigned
sent(uint8_t opcode)
{
	unsigned n = 0;

	for (unsigned i = 0; i < acts.cnt; i++)
		n += acts.v[i].kind == HSRP_ACT_SEND && acts.v[i].msg.opcode == opcode;
	return n;
}

static bool
did(enum hsrp_act_kind kind)
{
	for (unsigned i = 0; i < acts.cnt; i++)
		if (acts.v[i].kind == kind)
			return true;
	return false;
}

static void
start(struct hsrp_cfg c)
{
	now = 100 * S;
	hsrp_init(&h, &c, &hsrp_rules_standard, 1, now);
	step(HSRP_IN_ENABLE);
}

/* Run timers until `until`. */
static void
run(ns_t until)
{
	while (hsrp_deadline(&h) <= until) {
		now = hsrp_deadline(&h);
		step(HSRP_IN_TICK);
	}
	now = until;
}

static void
become_active(struct hsrp_cfg c)
{
	start(c);
	run(now + 25 * S);
	ck_assert_int_eq(h.state, HSRP_ACTIVE);
}

static void
become_standby(struct hsrp_cfg c)
{
	start(c);
	for (int i = 0; i < 10; i++) {
		hear(HSRP_HELLO, HSRP_WIRE_ACTIVE, 110, IP4(10, 0, 0, 9));
		run(now + 3 * S);
	}
	ck_assert_int_eq(h.state, HSRP_STANDBY);
}

/* RFC 2281 5.7 once more, as text: event, then the six states. */
static const char *const table[][7] = {
	{"a", "AB/2", "", "", "", "", ""},
	{"b", "", "CD/1", "CD/1", "CD/1", "CD/1", "CDH/1"},
	{"c", "", "", "AB/4", "", "CDFI/6", ""},
	{"d", "", "", "B/4", "D/5", "", ""},
	{"e", "", "", "", "F", "F", "F"},
	{"f", "", "", "", "B/3", "B/3", ""},
	{"g", "", "EAB/3", "EA", "EA", "EA", "AB/4"},
	{"h", "", "EAB/3", "A", "A", "A", "G"},
	{"i", "", "", "AB/4", "A", "CFI/6", ""},
	{"j", "", "", "", "", "", "ABH/4"},
	{"k", "", "", "B", "B/3", "B/3", "B"},
	{"l", "", "", "B/4", "D/5", "", "B"},
};

START_TEST(table_is_the_rfcs)
{
	for (int ev = 0; ev < HSRP_EV_CNT; ev++) {
		for (int s = 1; s < HSRP_STATE_CNT; s++) {
			const struct hsrp_cell *c = &hsrp_rules_standard.cell[ev][s];
			const char *want = table[ev][s];
			char got[16] = "";

			if (c->act)
				(void)snprintf(
					got, sizeof got, c->to ? "%s/%d" : "%s", c->act, c->to);
			ck_assert_str_eq(got, want);
		}
	}
	for (int s = HSRP_LISTEN; s <= HSRP_STANDBY; s++) {
		ck_assert_str_eq(hsrp_rules_standard.cell[HSRP_EV_H][s].alt_act, "BGFI");
		ck_assert_int_eq(hsrp_rules_standard.cell[HSRP_EV_H][s].alt_to, HSRP_ACTIVE);
	}
}
END_TEST

START_TEST(alone_becomes_active)
{
	ns_t began;

	start(cfg());
	began = now;
	ck_assert_int_eq(h.state, HSRP_LISTEN);
	run(began + 10 * S);
	ck_assert_int_eq(h.state, HSRP_SPEAK);
	run(began + 20 * S);
	ck_assert_int_eq(h.state, HSRP_ACTIVE);
	ck_assert(h.owed_c == false);
}
END_TEST

/* 5.1: nothing configured, nobody to learn from. */
START_TEST(defaults)
{
	struct hsrp_cfg c = cfg();
	unsigned hellos = 0;

	c.timers_set = false;
	c.hello = c.hold = 0;
	start(c);
	ck_assert_int_eq(h.hello, 3 * S);
	ck_assert_int_eq(h.hold, 10 * S);
	run(now + 20 * S);
	ck_assert_int_eq(h.state, HSRP_ACTIVE);
	for (unsigned i = 0; i < acts.cnt; i++) {
		const struct hsrp_act *a = &acts.v[i];

		if (a->kind != HSRP_ACT_SEND || a->msg.opcode != HSRP_HELLO)
			continue;
		hellos++;
		ck_assert_uint_eq(a->msg.hello_s, 3);
		ck_assert_uint_eq(a->msg.hold_s, 10);
	}
	ck_assert_uint_gt(hellos, 0);
}
END_TEST

START_TEST(owed_expiry_is_cancelled_by_a_live_active)
{
	start(cfg());
	run(now + 10 * S);
	ck_assert_int_eq(h.state, HSRP_SPEAK);
	h.active_at = now + S; /* c comes before d: no cell in Speak */
	run(now + 2 * S);
	ck_assert(h.owed_c);
	hear(HSRP_HELLO, HSRP_WIRE_ACTIVE, 200, IP4(10, 0, 0, 9));
	ck_assert(!h.owed_c);
	run(now + 8 * S);
	ck_assert_int_eq(h.state, HSRP_STANDBY);
}
END_TEST

START_TEST(take_over_sends_hello_and_arp)
{
	become_standby(cfg());
	while (h.state == HSRP_STANDBY) {
		now = hsrp_deadline(&h);
		step(HSRP_IN_TICK);
	}
	ck_assert_int_eq(h.state, HSRP_ACTIVE);
	ck_assert_uint_eq(sent(HSRP_HELLO), 1);
	ck_assert(did(HSRP_ACT_GARP) && did(HSRP_ACT_OWN_VIP));
	for (unsigned i = 0; i < acts.cnt; i++)
		if (acts.v[i].kind == HSRP_ACT_SEND && acts.v[i].msg.opcode == HSRP_HELLO) {
			ck_assert_uint_eq(acts.v[i].msg.state, HSRP_WIRE_ACTIVE);
			ck_assert(acts.v[i].from_vmac);
		}
}
END_TEST

START_TEST(resign_is_taken_at_once)
{
	become_standby(cfg());
	hear(HSRP_RESIGN, HSRP_WIRE_ACTIVE, 110, IP4(10, 0, 0, 9));
	ck_assert_int_eq(h.state, HSRP_ACTIVE);
}
END_TEST

START_TEST(active_meets_coup_better_and_lesser)
{
	become_active(cfg());
	hear(HSRP_HELLO, HSRP_WIRE_ACTIVE, 90, IP4(10, 0, 0, 9));
	ck_assert_int_eq(h.state, HSRP_ACTIVE);
	ck_assert_uint_eq(sent(HSRP_COUP), 1);
	hear(HSRP_COUP, HSRP_WIRE_SPEAK, 90, IP4(10, 0, 0, 9));
	ck_assert_int_eq(h.state, HSRP_ACTIVE);
	hear(HSRP_COUP, HSRP_WIRE_SPEAK, 110, IP4(10, 0, 0, 9));
	ck_assert_int_eq(h.state, HSRP_SPEAK);
	ck_assert_uint_eq(sent(HSRP_RESIGN), 1);
	ck_assert(did(HSRP_ACT_DROP_VIP));
	become_active(cfg());
	hear(HSRP_HELLO, HSRP_WIRE_ACTIVE, 110, IP4(10, 0, 0, 9));
	ck_assert_int_eq(h.state, HSRP_SPEAK);
	ck_assert_uint_eq(sent(HSRP_RESIGN), 0);
}
END_TEST

START_TEST(preemption_and_its_conditions)
{
	struct hsrp_cfg c = cfg();

	become_standby(c);
	hear(HSRP_HELLO, HSRP_WIRE_ACTIVE, 90, IP4(10, 0, 0, 1));
	ck_assert_int_eq(h.state, HSRP_STANDBY);
	c.preempt = true;
	c.preempt_minimum = 60 * S;
	become_standby(c);
	h.synced = true;
	hear(HSRP_HELLO, HSRP_WIRE_ACTIVE, 90, IP4(10, 0, 0, 1));
	ck_assert_int_eq(h.state, HSRP_STANDBY); /* delay */
	h.preempt_from = now;
	hear(HSRP_HELLO, HSRP_WIRE_ACTIVE, 100, IP4(10, 0, 0, 1));
	ck_assert_int_eq(h.state, HSRP_STANDBY); /* equal */
	h.synced = false;
	hear(HSRP_HELLO, HSRP_WIRE_ACTIVE, 90, IP4(10, 0, 0, 1));
	ck_assert_int_eq(h.state, HSRP_STANDBY); /* not ready */
	h.synced = true;
	hear(HSRP_HELLO, HSRP_WIRE_ACTIVE, 90, IP4(10, 0, 0, 1));
	ck_assert_int_eq(h.state, HSRP_ACTIVE);
	ck_assert_uint_eq(sent(HSRP_COUP), 1);
	ck_assert_uint_eq(sent(HSRP_HELLO), 1);
}
END_TEST

START_TEST(equal_preemption_by_the_rfc)
{
	struct hsrp_cfg c = cfg();

	c.preempt = c.preempt_equal = true;
	become_standby(c);
	h.synced = true;
	hear(HSRP_HELLO, HSRP_WIRE_ACTIVE, 100, IP4(10, 0, 0, 1));
	ck_assert_int_eq(h.state, HSRP_ACTIVE); /* our address is the higher one */
}
END_TEST

START_TEST(authentication)
{
	struct hsrp_cfg c = cfg();

	memcpy(c.auth, "other\0\0", 8);
	become_active(c);
	hear(HSRP_HELLO, HSRP_WIRE_ACTIVE, 255, IP4(10, 0, 0, 9));
	hear(HSRP_COUP, HSRP_WIRE_ACTIVE, 255, IP4(10, 0, 0, 9));
	ck_assert_int_eq(h.state, HSRP_ACTIVE);
	ck_assert_uint_eq(h.count[HSRP_CNT_BAD_AUTH], 2);
}
END_TEST

START_TEST(learning)
{
	struct hsrp_cfg c = cfg();

	c.vip = 0;
	c.timers_set = false;
	start(c);
	ck_assert_int_eq(h.state, HSRP_LEARN);
	run(now + 30 * S);
	ck_assert_int_eq(h.state, HSRP_LEARN);
	hear(HSRP_HELLO, HSRP_WIRE_ACTIVE, 110, IP4(10, 0, 0, 9));
	ck_assert_int_eq(h.state, HSRP_LISTEN);
	ck_assert_uint_eq(h.vip, IP4(10, 0, 0, 100));
	ck_assert_int_eq(h.hold, 10 * S);
}
END_TEST

START_TEST(disable_resigns_and_start_delay_waits)
{
	struct hsrp_cfg c = cfg();

	become_active(c);
	step(HSRP_IN_DISABLE);
	ck_assert_int_eq(h.state, HSRP_INITIAL);
	ck_assert_uint_eq(sent(HSRP_RESIGN), 1);
	c.delay_minimum = 30 * S;
	start(c);
	ck_assert_int_eq(h.state, HSRP_INITIAL);
	run(now + 29 * S);
	ck_assert_int_eq(h.state, HSRP_INITIAL);
	run(now + 2 * S);
	ck_assert_int_eq(h.state, HSRP_LISTEN);
}
END_TEST

START_TEST(advertise_on_the_edges)
{
	start(cfg());
	ck_assert_uint_eq(sent(HSRP_ADVERTISE), 1);
	for (unsigned i = 0; i < acts.cnt; i++)
		if (acts.v[i].kind == HSRP_ACT_SEND)
			ck_assert_uint_eq(acts.v[i].msg.adv_state, 2);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hsrp");
	TCase *t = tcase_create("core");
	SRunner *r;
	int failed;

	tcase_add_test(t, table_is_the_rfcs);
	tcase_add_test(t, alone_becomes_active);
	tcase_add_test(t, defaults);
	tcase_add_test(t, owed_expiry_is_cancelled_by_a_live_active);
	tcase_add_test(t, take_over_sends_hello_and_arp);
	tcase_add_test(t, resign_is_taken_at_once);
	tcase_add_test(t, active_meets_coup_better_and_lesser);
	tcase_add_test(t, preemption_and_its_conditions);
	tcase_add_test(t, equal_preemption_by_the_rfc);
	tcase_add_test(t, authentication);
	tcase_add_test(t, learning);
	tcase_add_test(t, disable_resigns_and_start_delay_waits);
	tcase_add_test(t, advertise_on_the_edges);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
