/* SPDX-License-Identifier: BSD-2-Clause */
/* RFC 4301 5: what may pass in clear, what may pass in a tunnel, and whose business it is. */
#include "suites/esp/esp_kit.h"

static const struct mac vmac_out = {{0x00, 0x00, 0x0c, 0x07, 0xac, 0x01}};
static const struct mac vmac_in = {{0x00, 0x00, 0x0c, 0x07, 0xac, 0x02}};

/* A UDP packet in clear, straight to the device at the port. */
static void
deliver(struct world *w, enum lab_port at, struct mac to, struct mac from, ip4_t src, ip4_t dst,
	uint16_t port)
{
	struct pkt_ip ip = {.src = src, .dst = dst, .ttl = 64, .id = port};
	uint8_t f[128], body[32] = "in clear";
	size_t n = pkt_put_eth(f, sizeof f, &to, &from, PKT_ETH_IP4);

	n += pkt_put_udp(f + n, sizeof f - n, &ip, port, port, body, sizeof body);
	lab_deliver(w->lab, at, f, n);
}

/* ---- clear, from outside ---- */

static void
throw_clear(struct world *w, uint16_t port)
{
	struct mac peer = lab_mac(PORT_PEER);

	deliver(w, PORT_A_OUT, vmac_out, peer, LAB_REMOTE_HOST, LAB_IN_HOST, port);
	deliver(w, PORT_A_OUT, lab_mac(PORT_A_OUT), peer, LAB_REMOTE_HOST, LAB_IN_HOST,
		(uint16_t)(port + 1));
	lab_run(w->lab, 200 * NS_PER_MS);
}

static void
clear_from_outside(struct case_run *c)
{
	struct world w;

	if (!ike_kit_alone(&w, c, NULL, NULL))
		return;
	throw_clear(&w, 5000);
	if (!pair_tunnel(&w) || !esp_kit_flush(&w, 6000))
		return;
	throw_clear(&w, 5010);
	if (!esp_kit_flush(&w, 6001))
		return;
	if (case_expect_u64(c, 0, ike_kit_came(&w, 5000),
		    "clear packets at the host, before there was an SA") &&
		case_expect_u64(c, 0, ike_kit_came(&w, 5001), "the same, to A's own MAC") &&
		case_expect_u64(
			c, 0, ike_kit_came(&w, 5010), "clear packets at the host, beside an SA"))
		(void)case_expect_u64(c, 0, ike_kit_came(&w, 5011), "the same, to A's own MAC");
}

/* ---- clear, from inside ---- */

static void
throw_inside(struct world *w, uint16_t port)
{
	struct mac host = lab_mac(PORT_HOST);

	deliver(w, PORT_A_IN, vmac_in, host, LAB_IN_HOST, LAB_REMOTE_HOST, port);
	deliver(w, PORT_A_IN, lab_mac(PORT_A_IN), host, LAB_IN_HOST, LAB_REMOTE_HOST,
		(uint16_t)(port + 1));
	lab_run(w->lab, 200 * NS_PER_MS);
}

static bool
expect_no_leak(struct world *w, uint16_t port, const char *when)
{
	size_t a = esp_kit_clear(w, PORT_A_OUT, port, 0),
	       b = esp_kit_clear(w, PORT_A_OUT, (uint16_t)(port + 1), 0);

	return case_expect(w->c, a == TRACE_NONE && b == TRACE_NONE,
		"expected nothing protected to leave in clear (%s); saw it leave, sent to the %s "
		"MAC",
		when, a != TRACE_NONE ? "virtual" : "router's own");
}

/* What outlives the process is a kernel that forwards. */
static void
crashed(struct world *w)
{
	lab_crash(w->lab, LAB_A);
	lab_run(w->lab, 100 * NS_PER_MS);
	throw_inside(w, 5030);
	throw_clear(w, 5040);
	if (expect_no_leak(w, 5030, "the router's process has died"))
		(void)case_expect_u64(w->c, 0, ike_kit_came(w, 5040) + ike_kit_came(w, 5041),
			"clear packets from outside at the host, when the router's process has "
			"died");
}

static void
no_leak(struct case_run *c)
{
	struct world w;
	uint64_t before;

	if (!ike_kit_alone(&w, c, NULL, NULL))
		return;
	throw_inside(&w, 5000);
	if (!expect_no_leak(&w, 5000, "no SA") || !pair_tunnel(&w) || !esp_kit_flush(&w, 6000))
		return;
	before = peer_counters(w.peer)->udp_in;
	throw_inside(&w, 5010);
	if (!expect_no_leak(&w, 5010, "an SA") ||
		!case_expect(c, peer_counters(w.peer)->udp_in > before,
			"expected it to go through the tunnel"))
		return;
	peer_delete_child(w.peer, lab_now(w.lab), false);
	lab_run(w.lab, 100 * NS_PER_MS);
	throw_inside(&w, 5020);
	if (expect_no_leak(&w, 5020, "the SA was deleted"))
		crashed(&w);
}

/* ---- inside the tunnel ---- */

static void
outside_proxies(struct case_run *c)
{
	static const ip4_t strangers[] = {IP4(10, 2, 1, 50), IP4(10, 9, 9, 9), LAB_IN_A};
	struct world w;

	if (!ike_kit_tunnel(&w, c, NULL, NULL) || !esp_kit_flush(&w, 6000))
		return;
	for (uint16_t i = 0; i < 3; i++)
		peer_send_inner(w.peer, lab_now(w.lab), strangers[i], LAB_IN_HOST,
			(uint16_t)(5000 + i), "x", 1);
	if (!esp_kit_flush(&w, 6001))
		return;
	for (uint16_t i = 0; i < 3; i++)
		if (!case_expect_u64(c, 0, ike_kit_came(&w, (uint16_t)(5000 + i)),
			    "packets at the host from an address outside the SA's selectors"))
			return;
}

/* ---- the pair ---- */

/* What B forwards to A as a router of the segment is IP's business; what it opens is not. */
static void
standby_opens_nothing(struct case_run *c)
{
	static struct ike_kit_tap tap;
	struct mac me = lab_mac(PORT_PEER), own = lab_mac(PORT_B_OUT);
	struct pkt_ip ip = {
		.src = LAB_OUT_PEER, .dst = LAB_OUT_VIP, .proto = PKT_ESP, .ttl = 64, .id = 9};
	struct world w;
	uint8_t f[1024];
	size_t n;

	if (!pair_carry(&w, c, NULL, NULL) || !esp_kit_flush(&w, 6000))
		return;
	tap = (struct ike_kit_tap){.kind = PEER_ESP, .swallow = true};
	ike_kit_tap(&w, &tap);
	esp_kit_in(&w, 5000);
	peer_wrong(w.peer)->edit_wire = NULL;
	n = pkt_put_eth(f, sizeof f, &vmac_out, &me, PKT_ETH_IP4);
	n += pkt_put_ip(f + n, sizeof f - n, &ip, tap.bytes, tap.len);
	lab_deliver(w.lab, PORT_B_OUT, f, n);
	(void)pkt_put_eth(f, sizeof f, &own, &me, PKT_ETH_IP4);
	lab_deliver(w.lab, PORT_B_OUT, f, n);
	lab_run(w.lab, 200 * NS_PER_MS);
	if (!case_expect(c, esp_kit_clear(&w, PORT_B_IN, 5000, 0) == TRACE_NONE,
		    "expected the standby to open nothing; saw the inner packet leave its inside "
		    "port"))
		return;
	peer_send_esp(w.peer, lab_now(w.lab), tap.bytes, tap.len);
	if (esp_kit_flush(&w, 6001))
		(void)case_expect_u64(
			c, 1, ike_kit_came(&w, 5000), "copies of it at the host, from the active");
}

static const struct case_def cases[] = {
	{
		.id = "esp/4301-5.2/1",
		.requirement = "RFC 4301, 5.2",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A packet from outside that should be protected and is not is dropped, "
			"with and without an SA.",
		.mutant = "clear-accepted",
		.run = clear_from_outside,
	},
	{
		.id = "esp/4301-5.1/1",
		.requirement = "RFC 4301, 5.1",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "What is to be protected never leaves in clear: not without an SA, not "
			"after a Delete, not when the "
			"router's process has died.",
		.mutant = "leak-without-sa",
		.run = no_leak,
	},
	{
		.id = "esp/4301-5.2/2",
		.requirement = "RFC 4301, 5.2, step 4",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "An inner packet that does not match the selectors of its SA is dropped.",
		.mutant = "outside-proxies-accepted",
		.run = outside_proxies,
	},
	{
		.id = "esp/vpnha-ssp/7",
		.requirement = "SSP-07",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "The standby's dormant SAs open nothing, even if it is delivered to it.",
		.mutant = "standby-opens-esp",
		.run = standby_opens_nothing,
	},
};
CASE_SUITE(cases)
