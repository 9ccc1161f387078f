/* SPDX-License-Identifier: BSD-2-Clause */
/* RFC 2281 5.1, action E: timers and address that are learned; and Cisco's Advertise. */
#include "suites/hsrp/hsrp_kit.h"

#define NEIGHBOUR IP4(172, 16, 31, 98)
#define LEARNED_VIP IP4(172, 16, 31, 123)
#define DEFAULT_HOLD (10 * NS_PER_S)

static bool
a_speaks(void *ctx)
{
	return pair_port_state(ctx, PORT_A_OUT) == PAIR_SPEAK ||
	       pair_port_state(ctx, PORT_A_OUT) == PAIR_STANDBY;
}

static bool
a_is_active(void *ctx)
{
	return pair_port_state(ctx, PORT_A_OUT) == PAIR_ACTIVE;
}

/* No timers are configured; the active neighbour says 1 and 4 seconds. */
static void
timers(struct case_run *c)
{
	const struct lab_text k = {
		.no_ssp = true, .no_preempt = true, .drop = {" standby 1 timers"}};
	const struct kit_msg m = {.opcode = KIT_HELLO,
		.state = PAIR_ACTIVE,
		.priority = 200,
		.src = NEIGHBOUR,
		.hello_s = 1,
		.hold_s = 4};
	static struct kit_talker t;
	struct world w;
	struct pkt p;

	kit_beside(&w, c, &k, &t, &m);
	if (!case_reach(c, "A to speak", DEFAULT_HOLD + 2 * NS_PER_S, a_speaks, w.lab))
		return;
	p = kit_pkt(w.lab, kit_find(w.lab, PORT_A_OUT, KIT_HELLO, -1, 0));
	if (case_expect_u64(c, 1, p.data[3], "hellotime of A's Hello, learned from the active router"))
		(void)case_expect_u64(c, 4, p.data[4], "holdtime of A's Hello, learned");
}

/* No address is configured: silence until it is learned; then A is a router like others. */
static void
address(struct case_run *c)
{
	const struct lab_text k = {.no_ssp = true, .no_preempt = true,
		.swap = {{" standby 1 ip", " standby 1 ip"}}};
	const struct kit_msg m = {.opcode = KIT_HELLO,
		.state = PAIR_ACTIVE,
		.priority = 200,
		.src = NEIGHBOUR,
		.vip = LEARNED_VIP};
	static struct kit_talker t;
	struct world w;
	ns_t at;

	kit_beside(&w, c, &k, &t, &m);
	lab_attach(w.lab, PORT_PROBE_OUT, NULL); /* nobody says it yet */
	lab_run(w.lab, 3 * PAIR_HOLD);
	if (!case_expect(c, kit_find(w.lab, PORT_A_OUT, KIT_HELLO, -1, 0) == TRACE_NONE,
		    "expected no Hello of a router that knows no virtual address (Learn)"))
		return;
	kit_talk(w.lab, &m, 3 * PAIR_HOLD);
	at = lab_now(w.lab);
	if (!case_await(c, "A to take over the address that it learned", 3 * PAIR_HOLD, a_is_active,
		    w.lab))
		return;
	lab_run(w.lab, 100 * NS_PER_MS);
	(void)case_expect(c, kit_garp(w.lab, PORT_A_OUT, LEARNED_VIP, at) != TRACE_NONE,
		"expected a gratuitous ARP for the address learned, 172.16.31.123");
}

/* HSRP-28: what the captures of real routers show beside RFC 2281: opcode 3 at a change. */
static void
advertise(struct case_run *c)
{
	const struct lab_text k = {.no_ssp = true, .no_preempt = true};
	struct world w;
	struct pkt p;
	size_t f, last = TRACE_NONE;

	if (!kit_alone(&w, c, &k))
		return;
	lab_run(w.lab, 200 * NS_PER_MS);
	for (f = kit_find(w.lab, PORT_A_OUT, 3, -1, 0); f != TRACE_NONE;
		f = kit_find(w.lab, PORT_A_OUT, 3, -1, trace_frame(lab_trace(w.lab), f)->at + 1))
		last = f;
	if (!case_expect(c, last != TRACE_NONE, "expected an Advertise (opcode 3); saw none"))
		return;
	p = kit_pkt(w.lab, last);
	if (!case_expect(c, p.data_len >= 16, "16 octets, saw %zu", (size_t)p.data_len))
		return;
	if (case_expect_u64(c, 3, p.data[6], "state of the Advertise of an active router (3: active)") &&
		case_expect_u64(c, 1, (uint64_t)p.data[8] << 8 | p.data[9],
			"active groups on the interface"))
		(void)case_expect_u64(c, 0, (uint64_t)p.data[10] << 8 | p.data[11], "passive groups");
}

static const struct case_def cases[] = {
	{
		.id = "hsrp/2281-5.1/learn-1",
		.requirement = "RFC 2281 5.1, 5.6 E",
		.level = CASE_SHOULD,
		.class_ = CASE_VALID,
		.says = "A router without configured timers uses those of the active router, and says them.",
		.mutant = "hsrp-no-learned-timers",
		.run = timers,
	},
	{
		.id = "hsrp/2281-5.1/learn-2",
		.requirement = "RFC 2281 5.1, 5.3, 5.6 E",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "A router without a configured address is silent until it has learned it, and can then "
			"take over.",
		.mutant = "hsrp-no-learned-address",
		.run = address,
	},
	{
		.id = "hsrp/vpnha-hsrp/advertise-1",
		.requirement = "HSRP-28",
		.level = CASE_MAY,
		.class_ = CASE_VALID,
		.says = "At a change of state an Advertise tells whether the router is active or passive.",
		.mutant = "hsrp-no-advertise",
		.run = advertise,
	},
};
CASE_SUITE(cases)
