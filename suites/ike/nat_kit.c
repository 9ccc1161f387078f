/* SPDX-License-Identifier: BSD-2-Clause */
#include "suites/ike/nat_kit.h"

const struct natbox_cfg nat_kit_plain;

bool
nat_kit_alone(struct world *w, struct case_run *c, const struct lab_text *knobs,
	const struct peer_cfg *cfg, const struct natbox_cfg *nat)
{
	world_open_nat_cold(w, c, knobs, cfg, nat);
	w->c = c;
	case_start(c, LAB_A);
	return pair_reach_active(w, LAB_A, PAIR_UP_LIMIT);
}

struct peer_cfg
nat_kit_knowing_peer(void)
{
	struct peer_cfg cfg = world_peer_cfg();

	cfg.natt.on = true;
	return cfg;
}

/* ---- what is nat_kit_seen at A's outside port ---- */

bool
nat_kit_is_raw_esp(const struct frame *f, void *ctx)
{
	struct pkt p;

	(void)ctx;
	return pkt_parse(&p, f->bytes, f->len) && p.is_ip && p.proto == PKT_ESP;
}

bool
nat_kit_is_udp_esp(const struct frame *f, void *ctx)
{
	struct pkt p;

	(void)ctx;
	return pkt_parse(&p, f->bytes, f->len) && p.is_esp && p.is_udp;
}

bool
nat_kit_is_keepalive(const struct frame *f, void *ctx)
{
	struct pkt p;

	(void)ctx;
	return pkt_parse(&p, f->bytes, f->len) && p.is_keepalive;
}

size_t
nat_kit_seen(
	struct world *w, enum lab_port port, ns_t after, bool (*fits)(const struct frame *, void *))
{
	const struct trace_want t = {.ports = (uint16_t)(1u << port), .after = after, .fits = fits};

	return trace_count(lab_trace(w->lab), &t);
}

/* All ESP of A since then is in UDP from port 4500 to that port, without a checksum. */
bool
nat_kit_expect_in_udp(struct world *w, ns_t after, uint16_t to)
{
	const struct trace_want t = {
		.ports = 1u << PORT_A_OUT, .after = after, .fits = nat_kit_is_udp_esp};
	size_t no = trace_next(lab_trace(w->lab), 0, &t);

	if (!case_expect_u64(w->c, 0, nat_kit_seen(w, PORT_A_OUT, after, nat_kit_is_raw_esp),
		    "ESP packets of A that are not encapsulated") ||
		!case_expect(w->c, no != TRACE_NONE, "expected ESP in UDP from A; saw none"))
		return false;
	for (; no != TRACE_NONE; no = trace_next(lab_trace(w->lab), no + 1, &t)) {
		struct pkt p = ike_kit_pkt(w, no);

		if (p.sport == 4500 && p.dport == to && p.l4[6] == 0 && p.l4[7] == 0)
			continue;
		case_decided_by(w->c, no, "ports %u to %u", p.sport, p.dport);
		return case_expect(w->c, false,
			"expected ports 4500 to %u and no checksum; saw %u to %u, 0x%02x%02x", to,
			p.sport, p.dport, p.l4[6], p.l4[7]);
	}
	return true;
}

uint16_t
nat_kit_outer_port(const struct world *w)
{
	return natbox_public(w->nat, WORLD_NAT_INNER, 4500);
}

/* The NAT is the pair's: the peer knows it by the address that the NAT gives. */
const struct lab_text nat_kit_keeps_mapping = {.add_global = {"crypto isakmp nat keepalive 5"}};
const struct natbox_cfg nat_kit_pair = {.far = LAB_OUT_VIP,
	.far_seen = IP4(198, 51, 100, 7),
	.keep_ports = true,
	.inner = WORLD_NAT_INNER};

struct peer_cfg
nat_kit_peer_of_natted(void)
{
	struct peer_cfg cfg = nat_kit_knowing_peer();

	cfg.remote = nat_kit_pair.far_seen;
	cfg.remote_id = LAB_OUT_VIP;
	cfg.natt.keepalive = NS_NEVER;
	return cfg;
}
