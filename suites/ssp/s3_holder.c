/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * docs/spec/ssp.md 3: the holder copies, the receiver is filled, in either role of each: a receiver
 * that is neither, a holder whose groups disagree (docs/decisions/0019-holder.md).
 *
 * In 5a, 5b and 5d A is alone with a scripted member as its receiver; in 5c B is the receiver, and
 * the scripted member holds.
 */
#include "suites/ssp/mate_kit.h"

/* ---- a receiver that is neither ---- */

static bool
is_filled(void *ctx)
{
	const struct mate_kit *x = ctx;
	size_t live = mate_live(x->mate);

	return live != MATE_NONE && mate_conn(x->mate, live)->ready;
}

static void
neither(struct case_run *c)
{
	struct mate_kit x;
	size_t live;

	if (!mate_kit_alone(&x, c, LAB_A))
		return;
	mate_become(x.mate, lab_now(x.w.lab), MATE_NEITHER);
	live = mate_kit_meet(&x);
	if (live == MATE_NONE ||
		!case_await(c, "a bulk for a member that is neither", 2 * NS_PER_S, is_filled, &x))
		return;
	(void)(case_expect(c,
		       mate_find(x.mate, 0, live, MATE_IKE_SA) != MATE_NONE &&
			       mate_find(x.mate, 0, live, MATE_IPSEC_SA) != MATE_NONE,
		       "expected the IKE SA and the SA pair in the bulk") &&
		mate_kit_unharmed(&x));
}

/* ---- a holder that is suspended ---- */

struct said {
	const struct mate_kit *x;
	size_t live;
	unsigned role;
	uint64_t echo;
};

static bool
says_role(void *ctx)
{
	const struct said *s = ctx;

	return mate_conn(s->x->mate, s->live)->router_role == s->role;
}

/* The last message of that type; MATE_NONE. */
static size_t
last_of(const struct mate_kit *x, size_t live, unsigned type)
{
	size_t last = MATE_NONE;

	for (size_t i = 0; (i = mate_find(x->mate, i, live, type)) != MATE_NONE; i++)
		last = i;
	return last;
}

static uint64_t
newest_echo(const struct mate_kit *x, size_t live)
{
	size_t last = last_of(x, live, MATE_KEEPALIVE);

	return last == MATE_NONE ? 0 : mate_field(x->mate, last, "ssp.echo.ms");
}

static bool
echoes(void *ctx)
{
	const struct said *s = ctx;

	return newest_echo(s->x, s->live) > s->echo;
}

/* The lease is prolonged: TIMEs of ours are echoed, each newer than the one before. */
static bool
lease_runs(struct said *s)
{
	s->echo = newest_echo(s->x, s->live);
	for (int i = 0; i < 3; i++) {
		if (!case_await(s->x->w.c, "a KEEPALIVE that echoes a newer TIME of ours",
			    4 * MATE_KIT_KEEPALIVE, echoes, s))
			return false;
		s->echo = newest_echo(s->x, s->live);
	}
	return true;
}

static void
suspended(struct case_run *c)
{
	struct mate_kit x;
	struct said s = {.x = &x, .role = MATE_SUSPENDED};

	if (!mate_kit_alone(&x, c, LAB_A) || (s.live = mate_kit_ready(&x)) == MATE_NONE)
		return;
	lab_cable(x.w.lab, PORT_A_IN, false);
	if (!case_await(c, "ROLE suspended", 2 * NS_PER_S, says_role, &s) || !lease_runs(&s))
		return;
	lab_cable(x.w.lab, PORT_A_IN, true);
	s.role = MATE_ACTIVE;
	if (!case_await(c, "ROLE active again", 4 * NS_PER_S, says_role, &s) || !lease_runs(&s) ||
		!pair_expect_traffic(&x.w, 50, "the tunnel goes on"))
		return;
	(void)(case_expect_u64(c, 1, mate_conn(x.mate, s.live)->bulks, "bulks in all") &&
		case_expect_u64(
			c, 1, peer_counters(x.w.peer)->phase1_up, "Phase 1 negotiations in all") &&
		mate_kit_lives(&x, s.live));
}

/* ---- a receiver that changes to its other role ---- */

static void
other_role(struct case_run *c)
{
	static const enum mate_role roles[] = {MATE_STANDBY, MATE_NEITHER, MATE_STANDBY};
	struct mate_kit x;
	struct said s = {.x = &x};

	if (!mate_kit_alone(&x, c, LAB_A))
		return;
	mate_become(x.mate, lab_now(x.w.lab), MATE_NEITHER);
	s.live = mate_kit_meet(&x);
	if (s.live == MATE_NONE ||
		!case_await(c, "a bulk for a member that is neither", 2 * NS_PER_S, is_filled, &x))
		return;
	for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
		mate_become(x.mate, lab_now(x.w.lab), roles[i]);
		if (!lease_runs(&s) ||
			!case_expect_u64(c, 1, mate_conn(x.mate, s.live)->bulks, "bulks in all"))
			return;
	}
	if (mate_kit_lives(&x, s.live))
		(void)mate_kit_unharmed(&x);
}

/* ---- a scripted holder that is suspended ---- */

/* A gap is met by RESYNC; then the bulk comes again, and is acknowledged. */
static bool
fills_again(struct mate_kit *x, size_t live)
{
	uint32_t lost;

	*mate_number(x->mate, live) += 1;
	lost = mate_kit_reserve(x, live, 1, 6000);
	return mate_kit_says(x, live, MATE_RESYNC, MATE_GAP) &&
	       mate_kit_acked(x, live, lost + 4); /* BULK_BEGIN, two records, BULK_END */
}

static void
fed_by_suspended(struct case_run *c)
{
	struct mate_kit x;
	uint8_t rec[1024];
	size_t live;

	if (!mate_kit_behind(&x, c, LAB_B))
		return;
	mate_become(x.mate, lab_now(x.w.lab), MATE_SUSPENDED);
	mate_offer(x.mate, rec, mate_kit_ike_sa(rec, sizeof rec, 0));
	mate_offer(x.mate, rec, mate_kit_ipsec_sa(rec, sizeof rec, 1, NULL));
	live = mate_kit_meet(&x);
	if (live == MATE_NONE ||
		!case_await(c, "the bulk of a suspended member, acknowledged to its end",
			2 * NS_PER_S, is_filled, &x) ||
		!case_expect_u64(c, 1, (uint64_t)mate_kit_copies(&x), "dormant pairs"))
		return;
	if (mate_kit_acked(&x, live, mate_kit_reserve(&x, live, 1, 5000)) &&
		case_expect_u64(c, 5000, (uint64_t)mate_kit_reserved(&x), "numbers reserved") &&
		fills_again(&x, live) && mate_kit_lives(&x, live))
		(void)mate_kit_unharmed(&x);
}

static const struct case_def cases[] = {
	{
		.id = "ssp/ssp-3/5a",
		.requirement = "docs/spec/ssp.md 3",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "A member that is neither active nor standby is filled as a standby is.",
		.mutant = "ssp-fills-standby-alone",
		.run = neither,
	},
	{
		.id = "ssp/ssp-3/5b",
		.requirement = "docs/spec/ssp.md 3",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "A member whose SAs are suspended goes on copying them, and prolongs the "
			"lease; nothing begins again when it is active again.",
		.mutant = "suspended-copies-nothing",
		.run = suspended,
	},
	{
		.id = "ssp/ssp-3/5c",
		.requirement = "docs/spec/ssp.md 3",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "A standby takes and acknowledges what a suspended member copies to it, "
			"and after a gap asks it for everything.",
		.mutant = "ssp-gaps-ignored",
		.run = fed_by_suspended,
	},
	{
		.id = "ssp/ssp-3/5d",
		.requirement = "docs/spec/ssp.md 3",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "A member that is filled while it is neither is not filled again when it "
			"becomes standby, nor when it is neither again; the lease goes on.",
		.mutant = "ssp-fills-standby-alone",
		.run = other_role,
	},
};
CASE_SUITE(cases)
