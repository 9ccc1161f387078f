/* SPDX-License-Identifier: BSD-2-Clause */
/* RFC 2281 5.1 to 5.6: what a message looks like, when it is sent, who may be believed; and section
 * 6, MAC addresses. */
#include <stdlib.h>
#include <string.h>

#include "harness/field/field.h"
#include "suites/hsrp/hsrp_kit.h"

static const struct mac vmac1 = {{0x00, 0x00, 0x0c, 0x07, 0xac, 0x01}};

/* Compare a Hello of A, in state Active, field by field with what 5.1 says it should be. */
static void
format(struct case_run *c)
{
	struct world w;
	struct msg m;
	size_t no;
	uint32_t v = 0;
	static const struct {
		const char *field;
		uint32_t want;
	} wants[] = {
		{"ip.ttl", 1},
		{"ip.src", LAB_OUT_A},
		{"ip.dst", IP4(224, 0, 0, 2)},
		{"udp.sport", 1985},
		{"udp.dport", 1985},
		{"udp.length", 28},
		{"hsrp.version", 0},
		{"hsrp.opcode", 0},
		{"hsrp.state", 16},
		{"hsrp.priority", 100},
		{"hsrp.group", 1},
		{"hsrp.vip", LAB_OUT_VIP},
	};

	if (!kit_alone(&w, c, NULL))
		return;
	no = kit_find(w.lab, PORT_A_OUT, KIT_HELLO, PAIR_ACTIVE, 0);
	(void)field_decode(&m, trace_frame(lab_trace(w.lab), no)->bytes,
		trace_frame(lab_trace(w.lab), no)->len);
	for (size_t i = 0; i < sizeof wants / sizeof wants[0]; i++) {
		if (!case_expect(c, field_u32(&m, wants[i].field, &v), "expected a field %s",
			    wants[i].field) ||
			!case_expect_u64(c, wants[i].want, v, wants[i].field)) {
			case_decided_by(c, no, "%s", wants[i].field);
			return;
		}
	}
}

static void
authentication(struct case_run *c)
{
	const struct kit_msg forged = {.opcode = KIT_HELLO,
		.state = PAIR_ACTIVE,
		.priority = 255,
		.auth = "mallory",
		.src = IP4(172, 16, 31, 250)};
	struct world w;

	if (!kit_alone(&w, c, NULL))
		return;
	kit_talk(w.lab, &forged, NS_PER_S);
	(void)case_expect(c, pair_port_state(w.lab, PORT_A_OUT) == PAIR_ACTIVE,
		"expected A to stay active; saw state %d after Hellos with another authentication "
		"string",
		pair_port_state(w.lab, PORT_A_OUT));
}

/* 5.4: a Hello each hello time, jittered. Real routers are up to 1 % early; ours up to 5 %. */
static void
period(struct case_run *c)
{
	struct world w;
	ns_t from;
	size_t n;

	if (!kit_alone(&w, c, NULL))
		return;
	from = lab_now(w.lab);
	lab_run(w.lab, 4 * NS_PER_S);
	n = kit_count(w.lab, PORT_A_OUT, KIT_HELLO, PAIR_ACTIVE, from);
	case_figure(c, "Hellos in 4 s", (double)n, "messages");
	(void)case_expect_paced(
		c, n, 18, 23, PAIR_HELLO, "Hellos in 4 s at a hello time of 200 ms, 20 if exact");
}

static void
gratuitous_arp(struct case_run *c)
{
	struct world w;
	size_t hello, no;
	struct pkt p;

	if (!kit_alone(&w, c, NULL))
		return;
	lab_run(w.lab, 100 * NS_PER_MS);
	hello = kit_find(w.lab, PORT_A_OUT, KIT_HELLO, PAIR_ACTIVE, 0);
	no = kit_garp(w.lab, PORT_A_OUT, LAB_OUT_VIP,
		trace_frame(lab_trace(w.lab), hello)->at - 50 * NS_PER_MS);
	if (!case_expect(c, no != TRACE_NONE,
		    "expected a gratuitous ARP for the virtual address; saw none"))
		return;
	p = kit_pkt(w.lab, no);
	(void)case_expect(c,
		mac_equal(&p.src_mac, &vmac1) && mac_equal(&p.arp_sha, &vmac1) && p.arp_op == 2,
		"expected an ARP response with the virtual MAC in the link layer and in the packet "
		"(5.6 I)");
}

struct asked {
	struct lab *lab;
	ns_t since;
};

static bool
is_answer(const struct frame *f, void *ctx)
{
	const ip4_t *a = ctx;
	struct pkt p;

	return pkt_parse(&p, f->bytes, f->len) && p.is_arp && p.arp_op == 2 && p.arp_spa == *a &&
	       !pkt_is_garp(&p);
}

static bool
answered(void *ctx)
{
	const struct asked *a = ctx;
	ip4_t vip = LAB_OUT_VIP;
	struct trace_want t = {
		.ports = 1u << PORT_A_OUT, .after = a->since, .fits = is_answer, .ctx = &vip};

	return trace_next(lab_trace(a->lab), 0, &t) != TRACE_NONE;
}

static void
ask(struct lab *l, enum lab_port at, ip4_t whom)
{
	static const struct mac all = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}, none = {{0}};
	struct mac me = lab_mac(at);
	uint8_t out[64];
	size_t n = pkt_put_arp(out, sizeof out, &all, 1, &me, LAB_OUT_PROBE, &none, whom);

	lab_inject(l, at, out, n);
}

static void
arp_answer(struct case_run *c)
{
	struct world w;
	struct asked a;
	ip4_t vip = LAB_OUT_VIP;
	struct trace_want t = {.ports = 1u << PORT_A_OUT, .fits = is_answer, .ctx = &vip};
	struct pkt p;

	if (!kit_alone(&w, c, NULL))
		return;
	a = (struct asked){w.lab, lab_now(w.lab)};
	ask(w.lab, PORT_PROBE_OUT, LAB_OUT_VIP);
	if (!case_await(c, "an ARP answer for the virtual address", NS_PER_S, answered, &a))
		return;
	t.after = a.since;
	p = kit_pkt(w.lab, trace_next(lab_trace(w.lab), 0, &t));
	(void)case_expect(c, mac_equal(&p.arp_sha, &vmac1) && mac_equal(&p.src_mac, &vmac1),
		"expected the answer to carry and to come from the virtual MAC 00:00:0c:07:ac:01");
}

static void
standby_is_silent(struct case_run *c)
{
	struct world w;
	ip4_t vip = LAB_OUT_VIP;
	struct trace_want t = {.ports = 1u << PORT_B_OUT, .fits = is_answer, .ctx = &vip};
	struct asked a;

	if (!pair_up(&w, c, NULL, NULL))
		return;
	a = (struct asked){w.lab, lab_now(w.lab)};
	t.after = a.since;
	for (int i = 0; i < 5; i++) {
		ask(w.lab, PORT_PROBE_OUT, LAB_OUT_VIP);
		lab_run(w.lab, 50 * NS_PER_MS);
	}
	if (case_reach(c, "the active router's own answer", NS_PER_S, answered, &a))
		(void)case_expect(c, trace_next(lab_trace(w.lab), 0, &t) == TRACE_NONE,
			"expected no answer for the virtual address from the standby router");
}

static void
hello_from_vmac(struct case_run *c)
{
	struct world w;
	struct pkt p;

	if (!kit_alone(&w, c, NULL))
		return;
	lab_run(w.lab, 500 * NS_PER_MS);
	p = kit_pkt(w.lab, kit_find(w.lab, PORT_A_OUT, KIT_HELLO, PAIR_ACTIVE,
				   lab_now(w.lab) - 300 * NS_PER_MS));
	(void)case_expect(c, mac_equal(&p.src_mac, &vmac1),
		"expected the active router's Hello to come from the virtual MAC, so that switches "
		"know where it is");
}

/* Each group has its own: outside 1, inside 2. */
static void
well_known_mac(struct case_run *c)
{
	static const struct {
		enum lab_port port;
		ip4_t vip;
		uint8_t group;
	} at[] = {{PORT_A_OUT, LAB_OUT_VIP, 1}, {PORT_A_IN, LAB_IN_VIP, 2}};
	struct world w;

	if (!kit_alone(&w, c, NULL))
		return;
	lab_run(w.lab, 300 * NS_PER_MS);
	for (size_t i = 0; i < 2; i++) {
		const struct mac want = {{0x00, 0x00, 0x0c, 0x07, 0xac, at[i].group}};
		size_t no = kit_garp(w.lab, at[i].port, at[i].vip, 0);
		struct pkt p;

		if (no == TRACE_NONE) {
			case_inconclusive(c, "no ARP response for the virtual address was seen");
			return;
		}
		p = kit_pkt(w.lab, no);
		case_decided_by(c, no, "virtual MAC of group %u", at[i].group);
		if (!case_expect(c, mac_equal(&p.arp_sha, &want),
			    "expected 00:00:0c:07:ac:%02x as virtual MAC of group %u; saw "
			    "%02x:%02x:%02x:%02x:%02x:%02x",
			    at[i].group, at[i].group, p.arp_sha.b[0], p.arp_sha.b[1],
			    p.arp_sha.b[2], p.arp_sha.b[3], p.arp_sha.b[4], p.arp_sha.b[5]))
			return;
	}
}

static const struct case_def cases[] = {
	{.id = "hsrp/2281-5.1/1",
		.requirement = "RFC 2281 5.1; HSRP-01, 02, 04",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "A Hello is 20 octets of UDP, port 1985, to 224.0.0.2 with TTL 1, from the "
			"real address.",
		.mutant = "hsrp-ttl-255",
		.run = format},
	{.id = "hsrp/2281-5.1/8",
		.requirement = "RFC 2281 5.1; HSRP-08",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A message with another authentication string changes nothing.",
		.mutant = "hsrp-any-authentication",
		.run = authentication},
	{.id = "hsrp/2281-5.4/1",
		.requirement = "RFC 2281 5.4",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "An active router sends a Hello once per hello time, with jitter.",
		.mutant = "hsrp-hasty-hello",
		.run = period},
	{.id = "hsrp/2281-5.6/9",
		.requirement = "RFC 2281 5.6 I; HSRP-17",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "A router that becomes active broadcasts an ARP response for the virtual "
			"address, from the "
			"virtual MAC.",
		.mutant = "hsrp-no-gratuitous-arp",
		.run = gratuitous_arp},
	{.id = "hsrp/2281-6.1/1",
		.requirement = "RFC 2281 6.1; HSRP-15",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "The active router answers ARP for the virtual address with the virtual "
			"MAC.",
		.mutant = "hsrp-arp-own-mac",
		.run = arp_answer},
	{.id = "hsrp/2281-6.1/2",
		.requirement = "RFC 2281 6.1; HSRP-15",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "A standby router does not answer ARP for the virtual address.",
		.mutant = "hsrp-standby-answers-arp",
		.run = standby_is_silent},
	{.id = "hsrp/2281-6.1/3",
		.requirement = "HSRP-16",
		.level = CASE_SHOULD,
		.class_ = CASE_VALID,
		.says = "The active router's Hellos come from the virtual MAC.",
		.mutant = "hsrp-hello-own-mac",
		.run = hello_from_vmac},
	{.id = "hsrp/2281-6.1/4",
		.requirement = "RFC 2281 6.1; HSRP-15",
		.level = CASE_SHOULD,
		.class_ = CASE_VALID,
		.says = "A group's virtual MAC is the well-known one, 00:00:0c:07:ac and the "
			"group.",
		.mutant = "hsrp-wrong-vmac",
		.run = well_known_mac},
};
CASE_SUITE(cases)
