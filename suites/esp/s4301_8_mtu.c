/* SPDX-License-Identifier: BSD-2-Clause */
/* DF and the path's limit (RFC 4301 8), and large IKE messages in IP fragments. */
#include <string.h>

#include "suites/esp/esp_kit.h"

static const struct lab_text copying = {.add_global = {"crypto ipsec df-bit copy"}};

static void
send_df(struct world *w, size_t len, uint16_t port)
{
	static const uint8_t payload[1472];
	struct pkt_ip h = {
		.src = LAB_IN_HOST, .dst = LAB_REMOTE_HOST, .ttl = 64, .id = 7, .df = true};
	uint8_t ip[1500];
	size_t n = pkt_put_udp(ip, sizeof ip, &h, 9, port, payload, len - 28);

	host_send_ip(w->host, lab_now(w->lab), ip, n);
}

static bool
is_too_big(const struct frame *f, void *ctx)
{
	struct pkt p;

	(void)ctx;
	return pkt_parse(&p, f->bytes, f->len) && p.is_icmp && p.icmp_type == 3 &&
	       p.icmp_code == 4 && p.dst == LAB_IN_HOST;
}

/* The limit in the last such message to the host at or after `after`; 0: none came. */
static unsigned
told(struct world *w, ns_t after)
{
	const struct trace_want t = {.ports = 1u << PORT_A_IN, .after = after, .fits = is_too_big};
	size_t no = trace_last(lab_trace(w->lab), &t);
	struct pkt p;

	if (no == TRACE_NONE)
		return 0;
	p = ike_kit_pkt(w, no);
	return (unsigned)(p.l4[6] << 8 | p.l4[7]);
}

/* A packet that does not fit and says so: its sender hears what fits; that does fit. */
static void
too_long(struct case_run *c)
{
	struct world w;
	struct pkt p;
	unsigned limit;
	size_t no;
	ns_t since;

	if (!ike_kit_tunnel(&w, c, &copying, NULL) || !ike_kit_carries_out(&w, 2 * NS_PER_S)) {
		case_inconclusive(c, "no traffic");
		return;
	}
	since = ike_kit_mark(&w);
	send_df(&w, 1500, 4800);
	lab_run(w.lab, 300 * NS_PER_MS);
	limit = told(&w, since);
	case_figure(c, "longest inner packet, as told", limit, "octets");
	if (!case_expect(c, limit > 1300 && limit < 1500,
		    "expected \"fragmentation needed\" with what fits; saw %u (0: none)", limit) ||
		!case_expect(c, esp_kit_frame(&w, PORT_A_OUT, since) == TRACE_NONE,
			"expected nothing to leave; saw ESP"))
		return;
	since = ike_kit_mark(&w);
	send_df(&w, limit, 4801);
	no = esp_kit_sent(&w, since, NS_PER_S);
	if (!case_expect(c, no != TRACE_NONE, "expected a packet of %u octets to pass", limit))
		return;
	p = ike_kit_pkt(&w, no);
	(void)case_expect(c, p.df && !p.mf && p.ip_len <= 1500,
		"expected it whole, with DF outside; saw DF %d, more fragments %d, %zu octets",
		p.df, p.mf, p.ip_len);
}

/* "Fragmentation needed", from a router outside, quoting that ESP packet. */
static void
router_says(struct world *w, size_t frame, uint16_t mtu, uint8_t change)
{
	struct pkt q = ike_kit_pkt(w, frame);
	struct mac vmac = {{0, 0, 0x0c, 0x07, 0xac, 1}}, own = lab_mac(PORT_PROBE_OUT);
	struct pkt_ip h = {.src = LAB_OUT_PROBE, .dst = LAB_OUT_VIP, .proto = PKT_ICMP, .ttl = 64};
	uint8_t icmp[8 + 28] = {3, 4, 0, 0, 0, 0, (uint8_t)(mtu >> 8), (uint8_t)mtu}, out[200];
	size_t n;

	memcpy(icmp + 8, q.ip, 28);
	icmp[8 + 23] ^= change;
	pkt_put_sum(icmp + 2, pkt_sum(icmp, sizeof icmp, 0));
	n = pkt_put_eth(out, sizeof out, &vmac, &own, PKT_ETH_IP4);
	n += pkt_put_ip(out + n, sizeof out - n, &h, icmp, sizeof icmp);
	lab_send(w->lab, PORT_PROBE_OUT, out, n);
	lab_run(w->lab, 100 * NS_PER_MS);
}

static bool
one_sent(struct world *w, size_t *frame)
{
	ns_t since = ike_kit_mark(w);

	send_df(w, 1300, 4802);
	*frame = esp_kit_sent(w, since, NS_PER_S);
	if (*frame == TRACE_NONE)
		case_inconclusive(w->c, "a packet of 1300 octets did not pass");
	return *frame != TRACE_NONE;
}

static void
path_learned(struct case_run *c)
{
	struct world w;
	size_t frame;
	unsigned limit;
	ns_t since;

	if (!ike_kit_tunnel(&w, c, &copying, NULL) || !one_sent(&w, &frame))
		return;
	router_says(&w, frame, 1280, 0);
	since = ike_kit_mark(&w);
	send_df(&w, 1300, 4803);
	lab_run(w.lab, 300 * NS_PER_MS);
	limit = told(&w, since);
	(void)case_expect(c, limit > 1100 && limit < 1280,
		"expected the host to be told what fits into 1280 octets; saw %u (0: nothing)",
		limit);
}

static void
forged(struct case_run *c)
{
	struct world w;
	size_t frame;
	ns_t since;

	if (!ike_kit_tunnel(&w, c, &copying, NULL) || !one_sent(&w, &frame))
		return;
	router_says(&w, frame, 600, 0x40); /* on an SPI that is not there */
	since = ike_kit_mark(&w);
	send_df(&w, 1300, 4804);
	if (case_expect(c, esp_kit_sent(&w, since, NS_PER_S) != TRACE_NONE,
		    "expected a packet of 1300 octets to pass as before"))
		(void)case_expect_u64(c, 0, told(&w, since), "limit that the host was told");
}

/* Messages 1 to 4 with vendor ids that make them longer than the link takes. */
static void
large_ike(struct case_run *c)
{
	struct peer_cfg cfg = world_peer_cfg();
	struct world w;

	cfg.pad = 1800;
	if (ike_kit_alone(&w, c, NULL, &cfg) &&
		ike_kit_expect_tunnel(&w, "the peer's messages come in fragments"))
		(void)ike_kit_expect_traffic(&w, "the peer's messages came in fragments");
}

static const struct case_def cases[] = {
	{
		.id = "esp/4301-8/1",
		.requirement = "RFC 4301, 8.1, 8.2.1",
		.level = CASE_SHOULD,
		.class_ = CASE_VALID,
		.says = "With DF copied, a packet that is too long for the tunnel and has DF is "
			"dropped "
			"and its sender told what fits.",
		.mutant = "mtu-nothing-told",
		.run = too_long,
	},
	{
		.id = "esp/4301-8/2",
		.requirement = "RFC 4301, 8.2.1",
		.level = CASE_SHOULD,
		.class_ = CASE_VALID,
		.says = "A limit of the path that is told by ICMP counts for what is sealed from "
			"then on.",
		.mutant = "mtu-not-learned",
		.run = path_learned,
	},
	{
		.id = "esp/4301-8/3",
		.requirement = "RFC 4301, 8.2.1",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "ICMP that quotes what was not sent changes nothing.",
		.mutant = "mtu-believes-all",
		.run = forged,
	},
	{
		.id = "ike/2408-5.2/2",
		.requirement = "RFC 2408, 5.2; RFC 791, 3.2",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "IKE messages that come in IP fragments are put together.",
		.mutant = "no-reassembly",
		.run = large_ike,
	},
};
CASE_SUITE(cases)
