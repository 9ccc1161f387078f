/* SPDX-License-Identifier: BSD-2-Clause */
/* RFC 3706 6.2: the numbers; and what becomes of them when the pair changes hands. */
#include "suites/dpd/dpd_kit.h"

static void
old_number(struct case_run *c)
{
	struct world w;

	if (!ike_kit_tunnel(&w, c, NULL, NULL))
		return;
	peer_cfg(w.peer)->dpd_retry = 300 * NS_PER_S; /* one message a question */
	if (!case_expect(c, dpd_kit_ask(&w, 1000, NS_PER_S), "expected an answer to number 1000") ||
		!case_expect(
			c, dpd_kit_ask(&w, 1001, NS_PER_S), "expected an answer to number 1001"))
		return;
	if (!case_expect(c, !dpd_kit_ask(&w, 900, 500 * NS_PER_MS),
		    "expected no answer to number 900 after 1001; saw one"))
		return;
	(void)case_expect_u64(c, 0, dpd_kit_acked(&w, 900, 0), "ACKs with number 900");
}

/* 6.1: a question about another SA is not one about this. */
static void
other_cookies(struct case_run *c)
{
	struct world w;

	if (!ike_kit_tunnel(&w, c, NULL, NULL))
		return;
	peer_cfg(w.peer)->dpd_retry = 300 * NS_PER_S;
	if (!dpd_kit_ask(&w, 1000, NS_PER_S)) {
		case_inconclusive(c, "A did not answer R-U-THERE");
		return;
	}
	peer_wrong(w.peer)->dpd_wrong_cookies = true;
	if (!case_expect(c, !dpd_kit_ask(&w, 1001, 500 * NS_PER_MS),
		    "expected no answer to an R-U-THERE with the cookies of another SA; saw one"))
		return;
	peer_wrong(w.peer)->dpd_wrong_cookies = false;
	(void)case_expect(c, dpd_kit_ask(&w, 1002, NS_PER_S),
		"expected an answer to the next one, with the right cookies");
}

/* One sample is enough to catch a router that does not look; the RFC asks for it of each first
 * number. */
static void
first_number(struct case_run *c)
{
	const struct lab_text knobs = {.dpd = DPD_KIT_PERIODIC};
	struct world w;
	uint32_t v[1];

	for (int i = 0; i < 3; i++) {
		ns_t since;

		if (i == 0 ? !ike_kit_tunnel(&w, c, &knobs, NULL) : !pair_tunnel(&w))
			return;
		since = ike_kit_mark(&w);
		(void)ike_kit_event(&w, PEER_EV_DPD_ASKED, since, 1, 2 * NS_PER_S);
		if (!case_expect(c, dpd_kit_asked(&w, since, v, 1) > 0,
			    "expected an R-U-THERE within 2 s") ||
			!case_expect(c, !(v[0] & 0x80000000u),
				"expected the first number to have its high bit clear; saw 0x%08x",
				v[0]))
			return;
		peer_delete_child(w.peer, lab_now(w.lab), false);
		peer_delete_ike(w.peer, lab_now(w.lab), false);
		lab_run(w.lab, 50 * NS_PER_MS);
	}
}

/* The peer hears, and its answers are lost: the same number again, and the next one only after an
 * answer. */
static void
repeated(struct case_run *c)
{
	const struct lab_text knobs = {.dpd = DPD_KIT_PERIODIC};
	struct world w;
	uint32_t v[32];
	size_t n;
	ns_t since;

	if (!ike_kit_tunnel(&w, c, &knobs, NULL))
		return;
	peer_wrong(w.peer)->drop = PEER_BIT(PEER_DPD_ACK);
	peer_wrong(w.peer)->count = 2;
	since = ike_kit_mark(&w);
	(void)ike_kit_event(&w, PEER_EV_DPD_ASKED, since, 4, 4 * NS_PER_S);
	n = dpd_kit_asked(&w, since, v, 32);
	if (!case_expect(c, n >= 4,
		    "expected R-U-THERE three times with one number, and then the next; saw %zu in "
		    "all",
		    n))
		return;
	if (case_expect_u64(c, v[0], v[1], "number of the first repetition") &&
		case_expect_u64(c, v[0], v[2], "number of the second repetition"))
		(void)case_expect_u64(c, v[0] + 1, v[3], "number after the answer");
}

/* ---- the pair ---- */

/* At most the number in flight is repeated or skipped (law 6). */
static void
heir_goes_on(struct case_run *c)
{
	const struct lab_text knobs = {.dpd = DPD_KIT_PERIODIC};
	struct world w;
	uint32_t before[64], after[64];
	size_t n, m;
	ns_t since;

	if (!pair_carry(&w, c, &knobs, NULL))
		return;
	if (!ike_kit_event(&w, PEER_EV_DPD_ASKED, 0, 3, 4 * NS_PER_S)) {
		case_inconclusive(c, "A never asked");
		return;
	}
	lab_run(w.lab, 100 * NS_PER_MS);
	n = dpd_kit_asked(&w, 0, before, 64);
	lab_power_off(w.lab, LAB_A);
	since = ike_kit_mark(&w);
	if (!pair_reach_active(&w, LAB_B, 4 * PAIR_HOLD))
		return;
	(void)ike_kit_event(&w, PEER_EV_DPD_ASKED, since, 2, 4 * NS_PER_S);
	m = dpd_kit_asked(&w, since, after, 64);
	if (!case_expect(c, m >= 2, "expected two R-U-THEREs of the heir; saw %zu", m))
		return;
	case_figure(c, "last number of the old active", before[n - 1], "");
	case_figure(c, "first number of the heir", after[0], "");
	if (case_expect(c, after[0] - before[n - 1] <= 2,
		    "expected the heir to go on after %u, by at most 2; saw %u", before[n - 1],
		    after[0]))
		(void)case_expect(
			c, after[m - 1] > after[0], "expected the heir's numbers to grow");
}

/* A has answered the peer's number 5000, and is dead; B is active. */
static bool
heir_of_5000(struct world *w, struct case_run *c)
{
	if (!pair_carry(w, c, NULL, NULL))
		return false;
	peer_cfg(w->peer)->dpd_retry = 300 * NS_PER_S;
	if (!dpd_kit_ask(w, 5000, NS_PER_S)) {
		case_inconclusive(c, "A did not answer R-U-THERE");
		return false;
	}
	lab_run(w->lab, 200 * NS_PER_MS);
	lab_power_off(w->lab, LAB_A);
	return pair_reach_active(w, LAB_B, 4 * PAIR_HOLD);
}

/* Whose heir it is has to know which of the peer's numbers are old. */
static void
heir_remembers(struct case_run *c)
{
	struct world w;

	if (!heir_of_5000(&w, c))
		return;
	if (case_expect(c, dpd_kit_ask(&w, 5001, NS_PER_S),
		    "expected the heir to answer the number after the last one") &&
		case_expect_u64(c, 1, dpd_kit_acked(&w, 5001, 0), "ACKs with number 5001"))
		(void)case_expect(c, !dpd_kit_ask(&w, 4990, 500 * NS_PER_MS),
			"expected no answer of the heir to a number that is old; saw one");
}

/* The very first question to an heir with a number that its predecessor has answered and left
 * behind. */
static void
heir_refuses_old(struct case_run *c)
{
	struct world w;

	if (!heir_of_5000(&w, c))
		return;
	(void)case_expect(c, !dpd_kit_ask(&w, 4990, 500 * NS_PER_MS),
		"expected no answer of the heir to 4990: the old active had come to 5000; saw one");
}

static const struct case_def cases[] = {
	{
		.id = "dpd/3706-6.1/2",
		.requirement = "RFC 3706, 6.1",
		.level = CASE_SHOULD,
		.class_ = CASE_INVALID,
		.says = "An R-U-THERE whose SPI field has the cookies of another SA is not "
			"answered.",
		.mutant = "dpd-any-cookies",
		.run = other_cookies,
	},
	{
		.id = "dpd/3706-6.2/2",
		.requirement = "RFC 3706, 6.2",
		.level = CASE_SHOULD,
		.class_ = CASE_INVALID,
		.says = "An R-U-THERE with a number below those received is not answered.",
		.mutant = "dpd-no-window",
		.run = old_number,
	},
	{
		.id = "dpd/3706-6.2/3",
		.requirement = "RFC 3706, 6.2",
		.level = CASE_SHOULD,
		.class_ = CASE_VALID,
		.says = "The high bit of the first sequence number is clear.",
		.mutant = "dpd-first-number-high",
		.run = first_number,
	},
	{
		.id = "dpd/3706-6.2/4",
		.requirement = "RFC 3706, 6.2",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "A repeated R-U-THERE has the number that was not answered; only then "
			"comes the next.",
		.mutant = "dpd-new-number-each-time",
		.run = repeated,
	},
	{
		.id = "dpd/vpnha-dpd/9a",
		.requirement = "DPD-09",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "After a take-over the heir's numbers go on where the old active's ended.",
		.mutant = "dpd-from-zero",
		.run = heir_goes_on,
	},
	{
		.id = "dpd/vpnha-dpd/9b",
		.requirement = "DPD-09",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "After a take-over the peer's numbers are answered on, and only those that "
			"are new.",
		.mutant = "import-no-ike",
		.run = heir_remembers,
	},
	{
		.id = "dpd/vpnha-dpd/9c",
		.requirement = "DPD-09",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "The heir knows which of the peer's numbers the old active has seen.",
		.mutant = "dpd-not-mirrored",
		.run = heir_refuses_old,
	},
};
CASE_SUITE(cases)
