/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of a tunnel with strongSwan: rekeys and Deletes from either side, dead peer detection
 * both ways. */
#include <signal.h>
#include <stdlib.h>

#include "suites/interop/strongswan/swan_kit.h"

#define WARM NS_PER_S
#define SMALL_GAP                                                                                  \
	(100 * NS_PER_MS) /* a rekey is no outage: what a busy machine may do to pings             \
			   */
#define SETTLE (3 * NS_PER_S)

static long long
count_of(struct swan *s, enum lab_member m, const char *show)
{
	return pair_show_number(s->w.lab, m, show, "", -1);
}

struct ask {
	struct swan *s;
	const char *show;
	long long cnt;
};

static bool
has_so_many(void *ctx)
{
	const struct ask *a = ctx;

	return count_of(a->s, LAB_A, a->show) == a->cnt;
}

/* Asks at the pace of the console; a command is an event of the lab, too. */
static bool
await_count(struct swan *s, const char *show, long long cnt)
{
	ns_t end = lab_now(s->w.lab) + SETTLE;
	struct ask a = {s, show, cnt};

	while (!has_so_many(&a) && lab_now(s->w.lab) < end)
		lab_run(s->w.lab, 50 * NS_PER_MS);
	return case_expect(s->w.c, has_so_many(&a),
		"expected %lld entries of \"%s\" at A, saw %lld", cnt, show,
		count_of(s, LAB_A, show));
}

static bool
ctl(struct swan *s, const char *verb, const char *kind, const char *name)
{
	const char *const words[] = {verb, kind, name, NULL};

	return case_expect(s->w.c, swan_ctl(s, words, 8 * NS_PER_S) != NULL,
		"expected charon's console to carry out %s %s, it did not", verb, kind);
}

static bool
no_route(void *ctx)
{
	const struct swan *s = ctx;

	return !lab_routed(s->w.lab, LAB_A, LAB_REMOTE_NET, 24);
}

static bool
await_no_route(struct swan *s)
{
	return case_await(s->w.c, "A's route to go with the last SA", SETTLE, no_route, s);
}

/* The flows went on, charon heard nothing bad, and each side has one of each. */
static bool
went_on(struct swan *s, ns_t limit)
{
	struct swan_sas n;
	ns_t gap;

	return swan_flows_expect(s, &gap) && swan_expect_sound(s) &&
	       case_expect_within(s->w.c, gap, limit, "longest gap between answered pings") &&
	       await_count(s, "show crypto isakmp sa", 1) &&
	       await_count(s, "show crypto ipsec sa", 1) &&
	       case_expect(s->w.c, swan_sas(s, &n), "expected an answer of charon's console") &&
	       case_expect_u64(s->w.c, 1, n.ike, "IKE SAs at charon") &&
	       case_expect_u64(s->w.c, 1, n.child, "CHILD_SAs at charon");
}

static bool
carry(struct swan *s, struct case_run *c, const struct lab_text *knobs, const struct swan_cfg *cfg)
{
	if (!swan_up(s, c, knobs, cfg) || !swan_tunnel(s))
		return false;
	swan_flows(s);
	lab_run(s->w.lab, WARM);
	return true;
}

static bool
clear(struct swan *s, const char *line)
{
	char *reply = lab_ask_text(s->w.lab, LAB_A, line);
	bool ok = reply != NULL;

	free(reply);
	return case_expect(s->w.c, ok, "expected A's console to take \"%s\"", line);
}

static void
it_rekeys_child(struct case_run *c)
{
	struct swan s;

	if (!carry(&s, c, NULL, NULL) || !ctl(&s, "--rekey", "--child", "net") ||
		!swan_await(&s, "} established with SPIs", 2, 0, SETTLE))
		return;
	lab_run(s.w.lab, WARM);
	(void)went_on(&s, SMALL_GAP);
}

/*
 * charon keeps an IKE SA that it replaced for as long as it lives; here it is told to end it. The
 * pair's SAs belong to the new one from then on: a Delete of them comes under it.
 */
static void
it_rekeys_ike(struct case_run *c)
{
	struct swan s;

	if (!carry(&s, c, NULL, NULL) || !ctl(&s, "--rekey", "--ike", "pair") ||
		!swan_await(&s, "] established between", 2, 0, SETTLE))
		return;
	lab_run(s.w.lab, WARM);
	if (!ctl(&s, "--terminate", "--ike-id", "1"))
		return;
	lab_run(s.w.lab, WARM);
	if (went_on(&s, SMALL_GAP) && clear(&s, "clear crypto sa"))
		(void)swan_await(&s, "received DELETE for ESP CHILD_SA", 1, 0, SETTLE);
}

/* By volume: 2560 kB are used up in a few seconds. */
static void
pair_rekeys_child(struct case_run *c)
{
	static const struct lab_text knobs = {
		.add_global = {"crypto ipsec security-association lifetime kilobytes 2560"}};
	struct swan s;

	if (!swan_up(&s, c, &knobs, NULL) || !swan_tunnel(&s))
		return;
	s.rate = 500000;
	swan_flows(&s);
	if (!swan_await(&s, "} established with SPIs", 2, 0, 10 * NS_PER_S))
		return;
	lab_run(s.w.lab, WARM / 2);
	(void)went_on(&s, SMALL_GAP);
}

/*
 * By the pair's lifetime, the shortest that the language has: half of 60 s, and up to 8 s before that.
 * charon answers the new Main Mode, and hears a Delete of the old IKE SA.
 */
static void
pair_rekeys_ike(struct case_run *c)
{
	static const struct lab_text knobs = {
		.static_map = true, .swap = {{" lifetime 86400", " lifetime 60"}}};
	struct swan s;

	if (!swan_up(&s, c, &knobs, NULL) || !swan_expect_traffic_out(&s))
		return;
	swan_flows(&s);
	if (!swan_await(&s, "] established between", 2, 0, 40 * NS_PER_S) ||
		!swan_await(&s, "received DELETE for IKE_SA", 1, 0, 10 * NS_PER_S))
		return;
	lab_run(s.w.lab, WARM);
	(void)went_on(&s, SMALL_GAP);
}

/* Both rekeyed, then the power fails: the heir has the newest of each. */
static void
rekeyed_and_failed_over(struct case_run *c)
{
	const struct lab_fault off = {.kind = FAULT_POWER_OFF, .member = LAB_A};
	struct swan s;
	struct swan_sas n;
	ns_t gap;

	if (!carry(&s, c, NULL, NULL) || !ctl(&s, "--rekey", "--ike", "pair") ||
		!swan_await(&s, "] established between", 2, 0, SETTLE) ||
		!ctl(&s, "--rekey", "--child", "net") ||
		!swan_await(&s, "} established with SPIs", 2, 0, SETTLE))
		return;
	lab_run(s.w.lab, WARM);
	(void)pair_fault_at_random(&s.w, &off);
	if (!pair_expect_active(&s.w, LAB_B, PAIR_HOLD + PAIR_MARGIN))
		return;
	lab_run(s.w.lab, WARM);
	(void)(swan_flows_expect(&s, &gap) && swan_expect_sound(&s) &&
		case_expect_within(c, gap, PAIR_HOLD + PAIR_MARGIN + SMALL_GAP,
			"longest gap between answered pings") &&
		case_expect(c, swan_sas(&s, &n), "expected an answer of charon's console") &&
		case_expect_u64(c, 1, n.ike, "IKE SAs at charon") &&
		case_expect_u64(c, 1, n.child, "CHILD_SAs at charon") &&
		/* and the heir can be talked to under the IKE SA that it inherited */
		ctl(&s, "--rekey", "--child", "net") &&
		swan_await(&s, "} established with SPIs", 3, 0, SETTLE));
}

static void
it_deletes(struct case_run *c)
{
	struct swan s;

	if (!swan_alone(&s, c, NULL, NULL) || !swan_tunnel(&s) ||
		!await_count(&s, "show crypto ipsec sa", 1) ||
		!ctl(&s, "--terminate", "--child", "net") ||
		!await_count(&s, "show crypto ipsec sa", 0) ||
		!await_count(&s, "show crypto isakmp sa", 1) || !await_no_route(&s) ||
		!ctl(&s, "--terminate", "--ike", "pair"))
		return;
	(void)await_count(&s, "show crypto isakmp sa", 0);
}

static void
pair_deletes(struct case_run *c)
{
	struct swan s;
	struct swan_sas n;

	if (!swan_alone(&s, c, NULL, NULL) || !swan_tunnel(&s) || !clear(&s, "clear crypto sa") ||
		!swan_await(&s, "received DELETE for ESP CHILD_SA", 1, 0, SETTLE) ||
		!case_expect(c, swan_sas(&s, &n) && n.ike == 1 && n.child == 0,
			"expected the IKE SA to be left at charon, and no CHILD_SA") ||
		!clear(&s, "clear crypto isakmp") ||
		!swan_await(&s, "received DELETE for IKE_SA", 1, 0, SETTLE))
		return;
	(void)case_expect(c, swan_sas(&s, &n) && n.ike == 0, "expected no IKE SA at charon");
}

static void
it_asks(struct case_run *c)
{
	const struct swan_cfg cfg = {.dpd_ms = 1000};
	struct swan s;

	if (!swan_alone(&s, c, NULL, &cfg) || !swan_tunnel(&s))
		return;
	if (swan_await(&s, "sending DPD request", 3, 0, 8 * NS_PER_S) &&
		swan_await(&s, "N(DPD_ACK)", 3, 0, NS_PER_S))
		(void)swan_expect_sound(&s);
}

/* A charon that is stopped answers nothing: the pair gives it up, and its route. */
static void
pair_asks(struct case_run *c)
{
	const struct lab_text knobs = {.dpd = "msec 500 200 periodic"};
	struct swan s;
	ns_t at;

	if (!swan_alone(&s, c, &knobs, NULL) || !swan_tunnel(&s) ||
		!swan_await(&s, "generating INFORMATIONAL_V1 request", 3, 0, 5 * NS_PER_S) ||
		!swan_await(&s, "N(DPD_ACK)", 3, 0, NS_PER_S) || !swan_expect_sound(&s))
		return;
	guest_signal(s.charon, SIGSTOP);
	at = lab_now(s.w.lab);
	if (await_count(&s, "show crypto isakmp sa", 0) &&
		await_count(&s, "show crypto ipsec sa", 0))
		(void)await_no_route(&s);
	case_figure(c, "dead peer found", (double)(lab_now(s.w.lab) - at) / 1e6, "ms");
	guest_signal(s.charon, SIGCONT);
}

#define CASE(n, what, kills, fn, of)                                                               \
	{                                                                                          \
		.id = "interop/strongswan/" n, .requirement = of, .level = CASE_MUST,              \
		.class_ = CASE_VALID, .needs = CASE_GUEST, .says = what, .mutant = kills, .run = fn, .limit_s = 90      \
	}

static const struct case_def cases[] = {
	CASE("30", "strongSwan rekeys its CHILD_SA under traffic: no gap, and the old one is gone.",
		"ike-ignore-delete", it_rekeys_child, "RFC 2409, 5.5; RFC 2408, 3.15"),
	CASE("31",
		"strongSwan rekeys its IKE SA under traffic: no gap, the CHILD_SA goes on, the old "
		"one goes.",
		"ike-ignore-delete", it_rekeys_ike, "RFC 2409, 4; RFC 2408, 2.1"),
	CASE("32", "The pair rekeys by volume under traffic: no gap, and the old SAs are gone.",
		"esp-rekey-too-late", pair_rekeys_child, "RFC 4301, 4.4.2.1; RFC 2407, 4.5"),
	CASE("33", "After rekeys of both phases and a power loss the heir has the newest of each.",
		"ssp-no-ike", rekeyed_and_failed_over, "FAILOVER-01, FAILOVER-08"),
	CASE("34",
		"strongSwan's Deletes end what they name: the CHILD_SA and its route, then the IKE "
		"SA.",
		"ike-ignore-delete", it_deletes, "RFC 2408, 3.15; RRI-03"),
	CASE("35", "The pair's Deletes reach strongSwan: for the ESP SA, then for the IKE SA.",
		"ike-no-delete-sent", pair_deletes, "RFC 2408, 3.15"),
	CASE("36", "strongSwan's R-U-THERE are answered.", "dpd-silent", it_asks, "RFC 3706, 5.2"),
	CASE("37", "The pair asks, strongSwan answers; one that answers no more is given up.",
		"dpd-never-dead", pair_asks, "RFC 3706, 5.4"),
	CASE("38",
		"The pair rekeys its IKE SA under traffic: no gap, the CHILD_SA goes on, the old one "
		"is deleted.",
		"rekey-no-phase1", pair_rekeys_ike, "RFC 2409, 4; RFC 2408, 3.15"),
};
CASE_SUITE(cases)
