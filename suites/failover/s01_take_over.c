/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The active router goes: by power loss, by a crash, by a pulled cable, on purpose. The other one
 * carries the tunnel on. The moment of each fault is drawn over the hello interval.
 */
#include <inttypes.h>
#include <string.h>

#include "harness/field/pkt.h"
#include "harness/run/pair.h"

#define WARM NS_PER_S

/* Carry a tunnel with traffic, do the fault, let B take over, stop, and count. */
static bool
carry_and_fault(struct world *w, struct case_run *c, const struct lab_text *knobs,
	const struct lab_fault *f, uint32_t per_s, struct pair_cost *k)
{
	if (!pair_carry(w, c, knobs, NULL))
		return false;
	pair_streams_start(w, per_s, 200);
	lab_run(w->lab, WARM);
	(void)pair_fault_at_random(w, f);
	if (!pair_expect_active(w, LAB_B, PAIR_HOLD + PAIR_MARGIN))
		return false;
	lab_run(w->lab, NS_PER_S);
	pair_streams_stop(w);
	*k = pair_cost(w);
	return true;
}

/* Two outbound intervals; and what A had sent and its kernel still held, which nobody has seen. */
static bool
jump_expect(struct world *w, const struct pair_cost *k)
{
	uint64_t max = 2000 + lab_suppressed(w->lab, LAB_A);

	return case_expect(w->c, k->jump >= 1 && k->jump <= max,
		"expected at most %" PRIu64 " numbers to be passed over; saw %u after %u", max, k->first,
		k->last);
}

static void
power_loss(struct case_run *c)
{
	const struct lab_fault off = {.kind = FAULT_POWER_OFF, .member = LAB_A};
	struct world w;
	struct pair_cost k;

	if (carry_and_fault(&w, c, NULL, &off, 200, &k) &&
		pair_cost_expect(c, &k, PAIR_HOLD + PAIR_MARGIN))
		(void)jump_expect(&w, &k);
}

static void
power_loss_under_load(struct case_run *c)
{
	const struct lab_fault off = {.kind = FAULT_POWER_OFF, .member = LAB_A};
	struct world w;
	struct pair_cost k;

	if (carry_and_fault(&w, c, NULL, &off, 1000, &k) &&
		pair_cost_expect(c, &k, PAIR_HOLD + PAIR_MARGIN))
		(void)jump_expect(&w, &k);
}

struct nth {
	uint64_t left;
};

static bool
nth_esp_of_a(const struct frame *f, void *ctx)
{
	struct nth *n = ctx;
	struct pkt p;

	return f->port == PORT_A_OUT && pkt_parse(&p, f->bytes, f->len) && p.is_esp &&
	       n->left-- == 0;
}

/* Exactly after an ESP frame that is drawn: the heir must be above that very number. */
static void
power_loss_after_a_frame(struct case_run *c)
{
	const struct lab_fault off = {.kind = FAULT_POWER_OFF, .member = LAB_A};
	struct trace_want from_a = {.from_who = WHO_A};
	static struct nth nth;
	struct world w;
	struct pair_cost k;
	uint32_t spi, last, first;
	size_t at;
	int armed;

	if (!pair_carry(&w, c, NULL, NULL))
		return;
	spi = peer_phase2(w.peer)->spi_in;
	nth.left = lab_random(w.lab, 300);
	armed = lab_after(w.lab, nth_esp_of_a, &nth, &off);
	pair_streams_start(&w, 200, 200);
	if (!pair_reach_active(&w, LAB_B, 2 * NS_PER_S + PAIR_HOLD + PAIR_MARGIN))
		return;
	lab_run(w.lab, 500 * NS_PER_MS);
	pair_streams_stop(&w);
	at = lab_fired(w.lab, armed);
	last = pair_esp_last(w.lab, LAB_A, spi);
	first = pair_esp_first(w.lab, LAB_B, spi);
	case_figure(c, "suppressed frames", (double)lab_suppressed(w.lab, LAB_A), "frames");
	if (!case_expect(c,
		    at != TRACE_NONE && trace_next(lab_trace(w.lab), at + 1, &from_a) == TRACE_NONE,
		    "expected not one frame more from A after frame %zu", at) ||
		!case_expect(c, first > last && first - last - 1 <= 2000 + lab_suppressed(w.lab, LAB_A),
			"expected B to begin above A's last number %u, at most 2000 passed over; it "
			"began at %u",
			last, first))
		return;
	k = pair_cost(&w);
	(void)pair_cost_expect(c, &k, PAIR_HOLD + PAIR_MARGIN);
}

static bool
answers_for_virtual(const struct frame *f, void *ctx)
{
	struct pkt p;

	(void)ctx;
	if (!pkt_parse(&p, f->bytes, f->len))
		return false;
	return p.src_mac.b[3] == 0x07 && p.src_mac.b[4] == 0xac; /* 00:00:0c:07:ac:xx */
}

static bool
second_pair(void *ctx)
{
	return peer_counters(ctx)->phase2_up >= 2;
}

/* A's kernel lives on: its addresses answer, the virtual ones must not. */
static void
crash(struct case_run *c)
{
	const struct lab_fault kill = {.kind = FAULT_CRASH, .member = LAB_A};
	struct trace_want from_a = {.from_who = WHO_A, .fits = answers_for_virtual};
	struct world w;
	struct pair_cost k;
	ns_t at;
	size_t no;

	if (!pair_carry(&w, c, NULL, NULL))
		return;
	pair_streams_start(&w, 200, 200);
	lab_run(w.lab, WARM);
	at = pair_fault_at_random(&w, &kill);
	if (!pair_expect_active(&w, LAB_B, PAIR_HOLD + PAIR_MARGIN))
		return;
	lab_run(w.lab, NS_PER_S);
	pair_streams_stop(&w);
	from_a.after = at + 20 * NS_PER_MS; /* what its kernel had in hand */
	no = trace_next(lab_trace(w.lab), 0, &from_a);
	k = pair_cost(&w);
	if (!case_expect(c, no == TRACE_NONE,
		    "expected nothing from A's virtual MAC after its crash; saw frame %zu", no) ||
		!pair_cost_expect(c, &k, PAIR_HOLD + PAIR_MARGIN))
		return;
	/* the inherited IKE SA is good for another Quick Mode */
	peer_initiate(w.peer, lab_now(w.lab));
	if (case_await(c, "another Quick Mode under the inherited IKE SA", 5 * NS_PER_S,
		    second_pair, w.peer))
		(void)case_expect_u64(
			c, 1, peer_counters(w.peer)->phase1_up, "Phase 1 negotiations in all");
}

static void
outside_cable(struct case_run *c)
{
	const struct lab_fault pull = {.kind = FAULT_CABLE_OUT, .port = PORT_A_OUT};
	struct world w;
	struct pair_cost k;

	if (carry_and_fault(&w, c, NULL, &pull, 200, &k))
		(void)pair_cost_expect(c, &k, PAIR_HOLD + 2 * PAIR_HELLO + PAIR_MARGIN);
}

/* Packets that A has accepted come again, to B: at most what its window did not know yet. */
static void
inside_cable(struct case_run *c)
{
	const struct lab_fault pull = {.kind = FAULT_CABLE_OUT, .port = PORT_A_IN};
	struct world w;
	const struct stream_rx *rx;
	struct pair_cost k;
	uint32_t before;

	if (!carry_and_fault(&w, c, NULL, &pull, 200, &k) ||
		!pair_cost_expect(c, &k, PAIR_HOLD + PAIR_MARGIN))
		return;
	rx = host_stream_rx(w.host, 2);
	before = rx->duplicates;
	for (size_t n = 0; n < 60; n++)
		(void)peer_replay(w.peer, lab_now(w.lab), n);
	lab_run(w.lab, 200 * NS_PER_MS);
	(void)case_expect_u64(
		c, before, rx->duplicates, "old packets that were let in again after the fault");
}

static void
resign(struct case_run *c)
{
	const struct lab_fault stop = {.kind = FAULT_STOP, .member = LAB_A};
	struct world w;
	struct pair_cost k;

	if (carry_and_fault(&w, c, NULL, &stop, 200, &k))
		(void)pair_cost_expect(c, &k, PAIR_HELLO);
}

/* The window, whose last update may be an interval old, across a power loss. */
static void
window_carried(struct case_run *c)
{
	struct world w;
	const struct stream_rx *rx;
	uint32_t again;

	if (!pair_carry(&w, c, NULL, NULL))
		return;
	if (!peer_stream_start(w.peer, lab_now(w.lab), 2, LAB_IN_HOST, 200, 200, 0)) {
		case_error(c, "no stream");
		return;
	}
	lab_run(w.lab, NS_PER_S);
	peer_stream_stop(w.peer, 2);
	lab_run(w.lab, 200 * NS_PER_MS);
	lab_power_off(w.lab, LAB_A);
	if (!pair_expect_active(&w, LAB_B, PAIR_HOLD + PAIR_MARGIN))
		return;
	lab_run(w.lab, 200 * NS_PER_MS);
	for (size_t n = 0; n < 60; n++)
		(void)peer_replay(w.peer, lab_now(w.lab), n);
	lab_run(w.lab, 300 * NS_PER_MS);
	rx = host_stream_rx(w.host, 2);
	again = rx ? rx->duplicates : 0;
	case_figure(c, "old packets accepted again", again, "packets");
	(void)case_expect(c, again <= 10,
		"expected at most one inbound interval (10) of old packets to be accepted again; "
		"saw %u",
		again);
}

static const struct case_def cases[] = {
	{
		.id = "failover/vpnha-failover/1a",
		.requirement = "FAILOVER-01, FAILOVER-13, ESP-01",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "After a power loss the standby carries the tunnel on within the hold "
			"time, with the same SAs "
			"and numbers above all that were used.",
		.mutant = "resv-heir-repeats",
		.run = power_loss,
	},
	{
		.id = "failover/vpnha-failover/1b",
		.requirement = "FAILOVER-01, FAILOVER-13",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "The same under 1,000 packets a second in both directions.",
		.mutant = "import-no-children",
		.run = power_loss_under_load,
	},
	{
		.id = "failover/vpnha-failover/1c",
		.requirement = "FAILOVER-01, IKE-05",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "After a crash of the router alone nothing of it answers for the virtual "
			"addresses, and the "
			"heir can use the inherited IKE SA.",
		.mutant = "import-no-ike",
		.run = crash,
	},
	{
		.id = "failover/vpnha-failover/1d",
		.requirement = "ESP-01, FAILOVER-05",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "Power off exactly after an ESP packet: the heir's first number is above "
			"that packet's.",
		.mutant = "resv-heir-repeats",
		.run = power_loss_after_a_frame,
	},
	{
		.id = "failover/vpnha-failover/2",
		.requirement = "FAILOVER-02",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "When the active router resigns, the standby takes over at once.",
		.mutant = "hsrp-ignore-resign",
		.run = resign,
	},
	{
		.id = "failover/vpnha-failover/3",
		.requirement = "FAILOVER-03, FAILOVER-04",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "When the active router's outside cable is pulled, both groups move to the "
			"standby.",
		.mutant = "hsrp-no-tracking",
		.run = outside_cable,
	},
	{
		.id = "failover/vpnha-failover/4",
		.requirement = "FAILOVER-03, FAILOVER-04, ESP-05",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "When the active router's inside cable is pulled, both groups move to the "
			"standby, which lets "
			"no packet in that it has seen.",
		.mutant = "esp-no-replay-check",
		.run = inside_cable,
	},
	{
		.id = "failover/vpnha-esp/5",
		.requirement = "ESP-05, ESP-06",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "Packets that the old active accepted are not accepted again by the new "
			"one, beyond one inbound "
			"interval.",
		.mutant = "import-no-window",
		.run = window_carried,
	},
};
CASE_SUITE(cases)
