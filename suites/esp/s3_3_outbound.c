/* SPDX-License-Identifier: BSD-2-Clause */
/* RFC 4303 3.3 and RFC 4301 5.1.2, 8: what goes out. Numbers, IVs, the outer header, packets that
 * are too large. */
#include <string.h>

#include "suites/esp/esp_kit.h"

#define PACKETS 60

/* ESP packets of A on the SPI, in order; false if there are not that many. */
static size_t
sent_on(struct world *w, uint32_t spi, struct pkt *v, size_t cap)
{
	size_t n = 0, no = 0;

	for (; no < trace_len(lab_trace(w->lab)) && n < cap; no++) {
		const struct frame *f = trace_frame(lab_trace(w->lab), no);

		if (f->port == PORT_A_OUT && pkt_parse(&v[n], f->bytes, f->len) && v[n].is_esp &&
			v[n].spi == spi && !v[n].frag_off)
			n++;
	}
	return n;
}

static bool
all_out(void *ctx)
{
	return peer_counters(ctx)->udp_in >= PACKETS;
}

/* A tunnel, and PACKETS packets outwards through it. */
static size_t
send_some(struct world *w, struct case_run *c, const struct lab_text *knobs,
	const struct peer_cfg *cfg, struct pkt *v)
{
	if (!ike_kit_tunnel(w, c, knobs, cfg))
		return 0;
	for (uint16_t i = 0; i < PACKETS; i++) {
		esp_kit_out(w, (uint16_t)(5000 + i));
		lab_run(w->lab, 2 * NS_PER_MS);
	}
	if (!case_reach(c, "all packets at the peer's side", 2 * NS_PER_S, all_out, w->peer))
		return 0;
	return sent_on(w, peer_phase2(w->peer)->spi_in, v, PACKETS);
}

static void
numbers(struct case_run *c)
{
	static struct pkt v[PACKETS];
	struct world w;
	size_t n = send_some(&w, c, NULL, NULL, v);

	if (case_over(c) || !case_expect_u64(c, PACKETS, n, "ESP packets"))
		return;
	for (size_t i = 0; i < n; i++)
		if (!case_expect_u64(c, i + 1, v[i].seq, "sequence number"))
			return;
}

static void
gcm_iv(struct case_run *c)
{
	static struct pkt v[PACKETS];
	const struct lab_text knobs = {.transform = "esp-gcm 128"};
	struct peer_cfg cfg = world_peer_cfg();
	struct world w;
	size_t n;

	cfg.esp[0] = (struct peer_esp_prop){KEYESP_AES_GCM, 128};
	cfg.esp_cnt = 1;
	n = send_some(&w, c, &knobs, &cfg, v);
	if (case_over(c) || !case_expect_u64(c, PACKETS, n, "ESP packets"))
		return;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (!case_expect(c, memcmp(v[i].esp + 8, v[k].esp + 8, 8) != 0,
				    "expected another IV in each packet under one key; numbers %u "
				    "and %u have the same",
				    v[k].seq, v[i].seq))
				return;
}

/* ---- the headers ---- */

/* One packet of the host with these header fields; the outer and the inner header that it became.
 */
static bool
one_out(struct world *w, const struct pkt_ip *h, struct pkt *outer, struct pkt *inner)
{
	static uint8_t buf[2048];
	uint8_t ip[256], body[32] = "marked";
	size_t n = pkt_put_udp(ip, sizeof ip, h, 9, 9, body, sizeof body), no;
	ns_t since = ike_kit_mark(w);

	host_send_ip(w->host, lab_now(w->lab), ip, n);
	no = esp_kit_sent(w, since, 2 * NS_PER_S);
	if (!case_expect(
		    w->c, no != TRACE_NONE, "expected an ESP packet for one of the host; saw none"))
		return false;
	*outer = ike_kit_pkt(w, no);
	return case_expect(w->c, esp_kit_open(w, no, buf, sizeof buf, inner),
		"expected the ESP packet to open with the keys negotiated");
}

static void
type_of_service(struct case_run *c)
{
	static const uint8_t dscp[] = {46, 10, 0};
	struct pkt_ip h = {.src = LAB_IN_HOST, .dst = LAB_REMOTE_HOST, .ttl = 64, .id = 1};
	struct world w;
	struct pkt outer, inner;

	if (!ike_kit_tunnel(&w, c, NULL, NULL))
		return;
	for (size_t i = 0; i < sizeof dscp; i++) {
		h.tos = (uint8_t)(dscp[i] << 2);
		if (!one_out(&w, &h, &outer, &inner) ||
			!case_expect_u64(c, dscp[i], outer.tos >> 2, "DSCP of the outer header") ||
			!case_expect_u64(c, dscp[i], inner.tos >> 2, "DSCP of the inner header"))
			return;
	}
}

/* Outwards and inwards the router is a forwarder: one hop each. */
static void
time_to_live(struct case_run *c)
{
	struct pkt_ip h = {.src = LAB_IN_HOST, .dst = LAB_REMOTE_HOST, .ttl = 50, .id = 1};
	struct world w;
	struct pkt outer, inner;
	size_t no;

	if (!ike_kit_tunnel(&w, c, NULL, NULL) || !one_out(&w, &h, &outer, &inner) ||
		!case_expect_u64(c, 49, inner.ttl,
			"TTL of the inner header of a packet that came with 50") ||
		!case_expect(c, outer.ttl > 49, "expected an outer TTL of the router's own; saw %u",
			outer.ttl))
		return;
	if (!esp_kit_flush(&w, 6000))
		return;
	no = esp_kit_clear(&w, PORT_A_IN, 6000, 0);
	(void)case_expect_u64(
		c, 63, ike_kit_pkt(&w, no).ttl, "TTL at the host of a packet sealed with 64");
}

static void
dont_fragment(struct case_run *c)
{
	struct pkt_ip h = {.src = LAB_IN_HOST, .dst = LAB_REMOTE_HOST, .ttl = 64, .id = 1};
	struct world w;
	struct pkt outer, inner;

	if (!ike_kit_tunnel(&w, c, NULL, NULL) || !one_out(&w, &h, &outer, &inner))
		return;
	(void)case_expect(c, !outer.df && !inner.df,
		"expected DF to be clear outside where it is clear inside");
}

/* ---- too large for the link ---- */

/* A stream of packets of 1500 octets in one direction; how many of them were lost. */
static void
large(struct case_run *c, bool outwards)
{
	const size_t size = 1500 - 28;
	struct stream_result r;
	struct world w;

	if (!ike_kit_tunnel(&w, c, NULL, NULL))
		return;
	if (outwards)
		(void)host_stream_start(w.host, lab_now(w.lab), 1, LAB_REMOTE_HOST, 50, size, 40);
	else
		(void)peer_stream_start(w.peer, lab_now(w.lab), 2, LAB_IN_HOST, 50, size, 40);
	lab_run(w.lab, 1500 * NS_PER_MS);
	if (outwards)
		stream_judge(host_stream_tx(w.host, 1), peer_stream_rx(w.peer, 1), 0, NS_NEVER, &r);
	else
		stream_judge(peer_stream_tx(w.peer, 2), host_stream_rx(w.host, 2), 0, NS_NEVER, &r);
	for (size_t no = 0; no < trace_len(lab_trace(w.lab)); no++)
		if (!case_expect(c, trace_frame(lab_trace(w.lab), no)->len <= 1514,
			    "expected no frame above 1514 octets; saw %u",
			    trace_frame(lab_trace(w.lab), no)->len))
			return;
	if (case_expect_u64(c, 40, r.sent, "packets of 1500 octets sent"))
		(void)case_expect_u64(
			c, 40, r.received, "packets of 1500 octets that came out whole");
}

static void
large_out(struct case_run *c)
{
	large(c, true);
}

static void
large_in(struct case_run *c)
{
	large(c, false);
}

static const struct case_def cases[] = {
	{
		.id = "esp/4303-3.3.3/1",
		.requirement = "RFC 4303, 3.3.3",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "The first packet of an SA has sequence number 1, and each next one is one "
			"higher.",
		.mutant = "esp-first-number-five",
		.run = numbers,
	},
	{
		.id = "esp/4106-3.1/1",
		.requirement = "RFC 4106, 3.1",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "With AES-GCM no IV is used twice under one key.",
		.mutant = "esp-fixed-iv",
		.run = gcm_iv,
	},
	{
		.id = "esp/4301-5.1.2/1",
		.requirement = "RFC 4301, 5.1.2.1",
		.level = CASE_SHOULD,
		.class_ = CASE_VALID,
		.says = "The DSCP of the inner header is copied to the outer one, and stays as it "
			"is inside.",
		.mutant = "esp-no-tos",
		.run = type_of_service,
	},
	{
		.id = "esp/4301-5.1.2/2",
		.requirement = "RFC 4301, 5.1.2.1",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "The inner TTL is decremented once when a packet is forwarded into the "
			"tunnel or out of it.",
		.mutant = "esp-ttl-kept",
		.run = time_to_live,
	},
	{
		.id = "esp/4301-8.1/1",
		.requirement = "RFC 4301, 8.1",
		.level = CASE_SHOULD,
		.class_ = CASE_VALID,
		.says = "A packet that may be fragmented may be so in its tunnel, too: the outer "
			"DF is not set.",
		.mutant = "esp-df-set",
		.run = dont_fragment,
	},
	{
		.id = "esp/4303-3.3.4/1",
		.requirement = "RFC 4303, 3.3.4",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "A packet of 1500 octets goes through the tunnel: the sealed one is "
			"fragmented.",
		.mutant = "fragments-lose-last",
		.run = large_out,
	},
	{
		.id = "esp/4303-3.4.1/1",
		.requirement = "RFC 4303, 3.4.1",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "ESP packets that arrive in fragments are put together before they are "
			"opened.",
		.mutant = "no-reassembly",
		.run = large_in,
	},
};
CASE_SUITE(cases)
