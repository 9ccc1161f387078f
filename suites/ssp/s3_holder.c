/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * docs/spec/ssp.md 3: the holder copies, the receiver is filled, in either role of each: a receiver
 * that is neither, a holder whose groups disagree (docs/decisions/0019-holder.md).
 *
 * A is alone with a scripted member as its receiver.
 */
#include "suites/ssp/mate_kit.h"

#define SUSPENDED 3 /* ROLE */

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
	struct said s = {.x = &x, .role = SUSPENDED};

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
};
CASE_SUITE(cases)
