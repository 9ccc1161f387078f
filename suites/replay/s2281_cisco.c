/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RFC 2281 5.7, by a Cisco router's own messages: its Hellos, and the Advertises (opcode 3, in no
 * RFC) that it sends between them. The words are those of a public recording of three routers on a
 * segment: 192.168.0.10, group 1, active with priority 200. Only addresses are rewritten.
 */
#include "suites/hsrp/hsrp_kit.h"
#include "suites/replay/replay_kit.h"

#define CISCO_HELLO                                                                                \
	"eth/ipv4/udp/hsrp eth.src=00:00:0c:07:ac:01 ip.tos=192 ip.id=0 ip.src=192.168.0.10 "      \
	"hsrp.priority=200 hsrp.group=1 hsrp.vip=192.168.0.1\n"
#define CISCO_ACTIVE_ADVERTISES                                                                    \
	"eth/ipv4/udp/hsrpadv/trailer trailer.bytes=0000 eth.src=c2:01:34:77:00:00 ip.tos=192 "    \
	"ip.id=0 ip.src=192.168.0.10 hsrpadv.state=3 hsrpadv.active=1 hsrpadv.passive=2 "          \
	"hsrpadv.reserved2=0x6f000000\n"
#define CISCO_PASSIVE_ADVERTISES                                                                   \
	"eth/ipv4/udp/hsrpadv/trailer trailer.bytes=0000 eth.src=c2:02:34:77:00:00 ip.tos=192 "    \
	"ip.id=0 ip.src=192.168.0.20 hsrpadv.passive=2 hsrpadv.reserved2=0x6f000000\n"

static const struct replay_rules to_lab = {.ips = {{IP4(192, 168, 0, 10), LAB_OUT_PROBE},
						   {IP4(192, 168, 0, 20), IP4(172, 16, 31, 98)}},
	.ip_cnt = 2,
	.set_vip = true,
	.vip = LAB_OUT_VIP};

/* Hello, Advertise, Advertise: each hello interval of the lab, for so long. */
static void
talk(struct world *w, const struct replay_kit *k, ns_t span)
{
	ns_t end = lab_now(w->lab) + span;

	while (lab_now(w->lab) < end)
		replay_kit_put(k, w, PORT_PROBE_OUT, k->cnt, PAIR_HELLO / (ns_t)k->cnt);
}

static bool
yielded(void *ctx)
{
	return pair_port_state(((struct world *)ctx)->lab, PORT_A_OUT) != PAIR_ACTIVE;
}

static void
better_active(struct case_run *c)
{
	static struct replay_kit k;
	struct world w;

	if (!ike_kit_alone(&w, c, NULL, NULL))
		return;
	replay_kit_words(
		&k, c, CISCO_HELLO CISCO_ACTIVE_ADVERTISES CISCO_PASSIVE_ADVERTISES, &to_lab);
	talk(&w, &k, 2 * PAIR_HELLO);
	(void)case_await(
		c, "A to yield to an active router of priority 200", PAIR_HOLD, yielded, &w);
	talk(&w, &k, 3 * PAIR_HOLD);
	(void)case_expect(c, yielded(&w), "expected A not to be active while the Hellos come");
}

/* The Hellos end, the Advertises do not: they are no sign of an active router. */
static void
hellos_end(struct case_run *c)
{
	static struct replay_kit hellos, advertises;
	struct world w;
	ns_t ended, end;

	if (!ike_kit_alone(&w, c, NULL, NULL))
		return;
	replay_kit_words(&hellos, c, CISCO_HELLO CISCO_ACTIVE_ADVERTISES, &to_lab);
	replay_kit_words(&advertises, c, CISCO_ACTIVE_ADVERTISES CISCO_PASSIVE_ADVERTISES, &to_lab);
	talk(&w, &hellos, 4 * PAIR_HOLD);
	if (!case_reach(c, "A to yield", PAIR_HELLO, yielded, &w))
		return;
	ended = lab_now(w.lab);
	end = ended + 6 * PAIR_HOLD;
	while (lab_now(w.lab) < end && yielded(&w))
		talk(&w, &advertises, PAIR_HELLO / 2);
	if (case_expect(c, !yielded(&w), "expected A to be active though Advertises come"))
		(void)case_expect_within(c, lab_now(w.lab) - ended, PAIR_HOLD + PAIR_MARGIN,
			"from the last Hello to A's own as active, Advertises meanwhile");
}

static const struct case_def cases[] = {
	{
		.id = "replay/2281-5.7/1",
		.requirement = "RFC 2281, 5.7",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "To the Hellos of a Cisco router that is active with a higher priority, "
			"with its "
			"Advertises between them, an active router yields, and leaves the role to "
			"it "
			"while they come.",
		.mutant = "hsrp-ignore-better-active",
		.run = better_active,
	},
	{
		.id = "replay/2281-5.7/2",
		.requirement = "RFC 2281, 5.7",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "When a Cisco router's Hellos end the standby is active within the hold "
			"time, though "
			"its Advertises go on.",
		.mutant = "hsrp-advertise-counts",
		.run = hellos_end,
	},
};
CASE_SUITE(cases)
