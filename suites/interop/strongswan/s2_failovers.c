/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Failovers as strongSwan sees them: under a ping every 5 ms and a transfer each way. It must not
 * notice more than a gap: no new SA, no dead peer, no replay.
 */
#include <string.h>

#include "harness/field/pkt.h"
#include "suites/interop/strongswan/swan_kit.h"

#define WARM (1500 * NS_PER_MS)
#define GRACE (100 * NS_PER_MS) /* two kernels, charon, and pings that go both ways */

static bool
is_esp_to_charon(const struct frame *f, void *ctx)
{
	struct pkt p;

	(void)ctx;
	return f->to & 1u << PORT_PEER && pkt_parse(&p, f->bytes, f->len) && p.is_esp &&
	       p.dst == LAB_OUT_PEER;
}

static bool
is_esp_of_charon(const struct frame *f, void *ctx)
{
	struct pkt p;

	(void)ctx;
	return f->port == PORT_PEER && pkt_parse(&p, f->bytes, f->len) && p.is_esp;
}

/* What reached it is what it took; what it sent is what left it. */
static bool
counters_agree(struct swan *s)
{
	const struct trace_want to = {.fits = is_esp_to_charon}, from = {.fits = is_esp_of_charon};
	struct swan_sas n;

	if (!case_expect(s->w.c, swan_sas(s, &n), "expected an answer of charon's console"))
		return false;
	case_figure(s->w.c, "ESP to charon", (double)n.packets_in, "packets");
	case_figure(s->w.c, "ESP of charon", (double)n.packets_out, "packets");
	return case_expect_u64(s->w.c, trace_count(lab_trace(s->w.lab), &to), n.packets_in,
		       "ESP packets that charon took, of those that reached it") &&
	       case_expect_u64(s->w.c, trace_count(lab_trace(s->w.lab), &from), n.packets_out,
		       "ESP packets that charon counts, of those that it sent") &&
	       case_expect_u64(s->w.c, 1, n.ike, "IKE SAs at charon") &&
	       case_expect_u64(s->w.c, 1, n.child, "CHILD_SAs at charon");
}

static void
failover_with(struct case_run *c, const struct lab_text *knobs, const struct lab_fault *fault,
	ns_t limit)
{
	const struct swan_cfg cfg = {.dpd_ms = 2000};
	struct swan s;
	ns_t gap;

	if (!swan_up(&s, c, knobs, &cfg) || !swan_tunnel(&s))
		return;
	swan_flows(&s);
	lab_run(s.w.lab, WARM);
	(void)pair_fault_at_random(&s.w, fault);
	if (!pair_expect_active(&s.w, LAB_B, PAIR_HOLD + PAIR_MARGIN))
		return;
	lab_run(s.w.lab, 2 * NS_PER_S);
	case_figure(c, "hold", knobs ? knobs->hold_ms : (double)LAB_HOLD_MS, "ms");
	(void)(swan_flows_expect(&s, &gap) && swan_expect_sound(&s) &&
		case_expect_u64(c, 1, swan_said(&s, "] established between", 0),
			"IKE SAs that charon established in all") &&
		case_expect_u64(c, 1, swan_said(&s, "} established with SPIs", 0),
			"CHILD_SAs that charon established in all") &&
		case_expect_u64(c, 0, swan_said(&s, "received DELETE", 0),
			"Deletes that charon received") &&
		case_expect_within(c, gap, limit + GRACE, "longest gap between answered pings") &&
		counters_agree(&s));
}

static void
failover(struct case_run *c, const struct lab_fault *fault, ns_t limit)
{
	failover_with(c, NULL, fault, limit);
}

static void
power_loss(struct case_run *c)
{
	const struct lab_fault f = {.kind = FAULT_POWER_OFF, .member = LAB_A};

	failover(c, &f, PAIR_HOLD + PAIR_MARGIN);
}

static void
crash(struct case_run *c)
{
	const struct lab_fault f = {.kind = FAULT_CRASH, .member = LAB_A};

	failover(c, &f, PAIR_HOLD + PAIR_MARGIN);
}

/* A hold time so long that a gap of it cannot be taken for a hello and a late machine. */
static void
resign(struct case_run *c)
{
	const struct lab_text knobs = {.hold_ms = 2400};
	const struct lab_fault f = {.kind = FAULT_STOP, .member = LAB_A};

	failover_with(c, &knobs, &f, PAIR_HELLO);
}

static void
outside_cable(struct case_run *c)
{
	const struct lab_fault f = {.kind = FAULT_CABLE_OUT, .port = PORT_A_OUT};

	failover(c, &f, PAIR_HOLD + PAIR_MARGIN);
}

static void
inside_cable(struct case_run *c)
{
	const struct lab_fault f = {.kind = FAULT_CABLE_OUT, .port = PORT_A_IN};

	failover(c, &f, PAIR_HOLD + PAIR_MARGIN);
}

#define CASE(n, what, kills, fn, of)                                                               \
	{                                                                                          \
		.id = "interop/strongswan/" n, .requirement = of, .level = CASE_MUST,              \
		.class_ = CASE_VALID, .needs = CASE_GUEST, .says = what, .mutant = kills, .run = fn, .limit_s = 90      \
	}

static const struct case_def cases[] = {
	CASE("20", "After a power loss strongSwan sees a gap, and nothing else.",
		"resv-heir-repeats", power_loss, "FAILOVER-01, FAILOVER-13"),
	CASE("21", "After a crash of the router alone strongSwan sees a gap, and nothing else.",
		"natt-not-mirrored", crash, "FAILOVER-01"),
	CASE("22", "When the active resigns strongSwan sees no gap longer than a hello.",
		"hsrp-ignore-resign", resign, "FAILOVER-01"),
	CASE("23",
		"When the active's outside cable is pulled strongSwan sees a gap, and nothing "
		"else.",
		"hsrp-no-tracking", outside_cable, "FAILOVER-01, HSRP tracking"),
	CASE("24",
		"When the active's inside cable is pulled strongSwan sees a gap, and nothing else.",
		"demoted-deletes-sas", inside_cable, "FAILOVER-01, HSRP tracking"),
};
CASE_SUITE(cases)
