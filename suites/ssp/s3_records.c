/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * docs/spec/ssp.md 3, by a member that has the key and is wrong: messages that read well, and come
 * in the wrong order, at the wrong time, for what is not there, or are too many.
 */
#include "suites/ssp/mate_kit.h"

#define SOON (2 * MATE_KIT_KEEPALIVE)

/* -- order -- */

static void
gap(struct case_run *c)
{
	struct mate_kit x;
	size_t live;
	uint32_t number;

	if (!mate_kit_fed(&x, c, LAB_B, &live))
		return;
	mate_wrong(x.mate)->no_bulk = true;
	*mate_number(x.mate, live) += 1;
	(void)mate_kit_reserve(&x, live, 1, 3000);
	if (!mate_kit_says(&x, live, MATE_RESYNC, MATE_GAP))
		return;
	number = mate_kit_reserve(&x, live, 1, 4000);
	lab_run(x.w.lab, SOON);
	if (!mate_kit_not_acked(&x, live, number - 1) ||
		!case_expect_u64(c, 2000, (uint64_t)mate_kit_reserved(&x),
			"numbers reserved, before everything was sent again"))
		return;
	mate_wrong(x.mate)->no_bulk = false;
	mate_bulk(x.mate, lab_now(x.w.lab), live);
	number = mate_kit_reserve(&x, live, 1, 5000);
	if (mate_kit_acked(&x, live, number) &&
		case_expect_u64(c, 5000, (uint64_t)mate_kit_reserved(&x), "numbers reserved") &&
		mate_kit_lives(&x, live))
		(void)mate_kit_unharmed(&x);
}

static void
number_repeated(struct case_run *c)
{
	struct mate_kit x;
	size_t live;

	if (!mate_kit_fed(&x, c, LAB_A, &live))
		return;
	mate_wrong(x.mate)->no_bulk = true;
	*mate_number(x.mate, live) -= 1;
	(void)mate_kit_reserve(&x, live, 1, 3000);
	if (!mate_kit_says(&x, live, MATE_RESYNC, MATE_GAP) ||
		!case_expect_u64(c, 2000, (uint64_t)mate_kit_reserved(&x), "numbers reserved"))
		return;
	mate_wrong(x.mate)->no_bulk = false;
	mate_bulk(x.mate, lab_now(x.w.lab), live);
	(void)mate_kit_unharmed(&x);
}

static void
unknown_sa(struct case_run *c)
{
	struct mate_kit x;
	size_t live;
	uint32_t number;

	if (!mate_kit_fed(&x, c, LAB_B, &live))
		return;
	mate_wrong(x.mate)->no_bulk = true;
	number = mate_kit_reserve(&x, live, 77, 3000);
	if (!mate_kit_says(&x, live, MATE_RESYNC, MATE_UNKNOWN_SA) ||
		!mate_kit_not_acked(&x, live, number) ||
		!case_expect_u64(c, 1, (uint64_t)mate_kit_copies(&x), "dormant pairs"))
		return;
	mate_wrong(x.mate)->no_bulk = false;
	mate_bulk(x.mate, lab_now(x.w.lab), live);
	if (mate_kit_lives(&x, live))
		(void)mate_kit_unharmed(&x);
}

static void
counters_down(struct case_run *c)
{
	struct mate_kit x;
	size_t live;
	long long before;
	uint32_t number;

	if (!mate_kit_fed(&x, c, LAB_B, &live))
		return;
	number = mate_kit_reserve(&x, live, 1, 5000);
	if (!mate_kit_acked(&x, live, number))
		return;
	before = mate_kit_count(&x, "node.record-would-go-down");
	number = mate_kit_reserve(&x, live, 1, 3000);
	if (mate_kit_acked(&x, live, number) &&
		case_expect_u64(c, 5000, (uint64_t)mate_kit_reserved(&x), "numbers reserved") &&
		mate_kit_counted(&x, "node.record-would-go-down", before) && mate_kit_lives(&x, live))
		(void)mate_kit_unharmed(&x);
}

static void
stale_epoch(struct case_run *c)
{
	struct mate_kit x;
	size_t live;
	uint32_t number;

	if (!mate_kit_fed(&x, c, LAB_A, &live))
		return;
	mate_set_epoch(x.mate, 9);
	number = mate_kit_reserve(&x, live, 1, 3000);
	if (!mate_kit_acked(&x, live, number))
		return;
	mate_set_epoch(x.mate, 8);
	(void)mate_kit_reserve(&x, live, 1, 4000);
	if (!mate_kit_says(&x, live, MATE_REFUSE, MATE_STALE_EPOCH) ||
		!case_expect_u64(c, 3000, (uint64_t)mate_kit_reserved(&x), "numbers reserved"))
		return;
	mate_set_epoch(x.mate, 9);
	(void)mate_kit_unharmed(&x);
}

/* -- what does not fit -- */

/* A pair of a map that is not here is not kept, and what follows of it is no reason to ask again. */
static void
unknown_map(struct case_run *c)
{
	uint8_t rec[1024];
	struct mate_kit x;
	size_t live, before;
	uint32_t number;
	long long unkept;

	if (!mate_kit_fed(&x, c, LAB_B, &live))
		return;
	unkept = mate_kit_count(&x, "node.record-fits-no-map");
	before = mate_msgs(x.mate);
	number = mate_send_msg(x.mate, lab_now(x.w.lab), live, rec,
		mate_kit_ipsec_sa(rec, sizeof rec, 5, "ELSEWHERE"));
	if (!mate_kit_acked(&x, live, number) ||
		!mate_kit_counted(&x, "node.record-fits-no-map", unkept) ||
		!case_expect_u64(c, 1, (uint64_t)mate_kit_copies(&x), "dormant pairs"))
		return;
	number = mate_kit_reserve(&x, live, 5, 3000);
	if (mate_kit_acked(&x, live, number) &&
		case_expect(c, mate_find(x.mate, before, live, MATE_RESYNC) == MATE_NONE,
			"expected a pair that fits no map not to ask for everything again") &&
		mate_kit_lives(&x, live))
		(void)mate_kit_unharmed(&x);
}

/* More pairs than any router here has room for, at once. One is built, and its SPIs are changed. */
#define MANY 10000

static void
put_spis(uint8_t *rec, size_t at, uint32_t n)
{
	for (size_t i = 0; i < 3; i++)
		rec[at + 1 + i] = rec[at + 5 + i] = (uint8_t)(n >> (16 - 8 * i));
}

static void
offer_many(struct mate_kit *x)
{
	static struct msg m;
	uint8_t rec[1024];
	size_t len = mate_kit_ike_sa(rec, sizeof rec, 0);

	mate_offer(x->mate, rec, len);
	len = mate_kit_ipsec_sa(rec, sizeof rec, 0, NULL);
	(void)field_decode_as(&m, "ssp", rec, len);
	for (uint32_t n = 1; n <= MANY; n++) {
		put_spis(rec, field_find(&m, "ssp.spis.inbound")->offset, n);
		mate_offer(x->mate, rec, len);
	}
}

/* The ERROR stands behind thousands of acknowledgements, and the reset may overtake it (docs/spec/ssp.md
 * 1); if it came it has the right reason. */
static bool
no_room_said(struct mate_kit *x, size_t conn)
{
	size_t i = mate_find(x->mate, 0, conn, MATE_ERROR);

	if (i != MATE_NONE)
		return case_expect_u64(x->w.c, MATE_NO_ROOM,
			mate_field(x->mate, i, "ssp.reason.code"), "the reason of ERROR");
	case_note(x->w.c, "ERROR was lost with its connection, which was reset");
	return true;
}

static void
burst(struct case_run *c)
{
	struct mate_kit x;
	size_t conn;
	long before, after;

	if (!mate_kit_behind(&x, c, LAB_B))
		return;
	before = mate_kit_memory(&x);
	offer_many(&x);
	conn = mate_kit_meet(&x);
	if (!mate_kit_ends(&x, conn, 8 * NS_PER_S, "the end of a bulk that finds no room"))
		return;
	after = mate_kit_memory(&x);
	case_figure(c, "pairs taken",
		(double)pair_show_number(x.w.lab, x.real, "show crypto ipsec ha", "0.sa_pairs", -1), "");
	case_figure(c, "memory more", (double)(after - before), "KB");
	mate_forget(x.mate);
	if (no_room_said(&x, conn) &&
		case_expect(c, mate_conn(x.mate, conn)->acked < MANY,
			"expected what found no room not to be acknowledged") &&
		case_expect(c, after - before < 32000,
			"expected memory to stay bounded; it grew by %ld KB", after - before))
		(void)mate_kit_unharmed(&x);
}

/* -- to an active -- */

/* Both are active: what the mate feeds is refused, and what the router has stays as it is. */
static void
both_active(struct case_run *c)
{
	uint8_t rec[1024];
	struct mate_kit x;
	size_t live;

	if (!mate_kit_alone(&x, c, LAB_A))
		return;
	live = mate_kit_ready(&x);
	if (live == MATE_NONE)
		return;
	mate_become(x.mate, lab_now(x.w.lab), MATE_ACTIVE);
	(void)mate_send_msg(x.mate, lab_now(x.w.lab), live, rec,
		mate_kit_ipsec_sa(rec, sizeof rec, 3, NULL));
	if (!mate_kit_says(&x, live, MATE_REFUSE, MATE_I_AM_ACTIVE) ||
		!case_expect_u64(c, 0, (uint64_t)mate_kit_copies(&x), "dormant pairs") ||
		!mate_kit_lives(&x, live))
		return;
	mate_become(x.mate, lab_now(x.w.lab), MATE_STANDBY);
	(void)mate_kit_unharmed(&x);
}

static const struct case_def cases[] = {
	{
		.id = "ssp/vpnha-ssp/16",
		.requirement = "docs/spec/ssp.md 3, 5; SSP-16",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "An increment for an SA that the standby does not have changes "
			"nothing and asks for everything.",
		.mutant = "ssp-unknown-acknowledged",
		.run = unknown_sa,
	},
	{
		.id = "ssp/vpnha-ssp/17",
		.requirement = "docs/spec/ssp.md 3, 7; SSP-17",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "An active member refuses records, and applies none.",
		.mutant = "ssp-active-applies",
		.run = both_active,
	},
	{
		.id = "ssp/vpnha-ssp/36",
		.requirement = "docs/spec/ssp.md 1, 3",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "After a gap in the numbers nothing is taken before everything "
			"comes again.",
		.mutant = "ssp-gaps-ignored",
		.run = gap,
	},
	{
		.id = "ssp/vpnha-ssp/37",
		.requirement = "docs/spec/ssp.md 1, 3",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A number that comes again is as good as a gap.",
		.mutant = "ssp-gaps-ignored",
		.run = number_repeated,
	},
	{
		.id = "ssp/vpnha-ssp/38",
		.requirement = "docs/spec/ssp.md 3, epochs",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "Within an epoch a recorded number does not go down.",
		.mutant = "ssp-counters-go-down",
		.run = counters_down,
	},
	{
		.id = "ssp/vpnha-ssp/39",
		.requirement = "docs/spec/ssp.md 3, epochs",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A record of an earlier epoch is refused.",
		.mutant = "ssp-any-epoch",
		.run = stale_epoch,
	},
	{
		.id = "ssp/vpnha-ssp/40",
		.requirement = "docs/spec/ssp.md 3; RESTRICT-05",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A pair that fits no map entry here is counted and not kept, and "
			"its increments do not ask for everything.",
		.mutant = "ssp-unkept-forgotten",
		.run = unknown_map,
	},
	{
		.id = "ssp/vpnha-ssp/41",
		.requirement = "docs/spec/ssp.md 2, 3",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "Ten thousand pairs at once fill the standby up to its room; "
			"what finds none is refused, and the router lives.",
		.mutant = "ssp-no-room-acknowledged",
		.run = burst,
	},
};
CASE_SUITE(cases)
