/* SPDX-License-Identifier: BSD-2-Clause */
#include "suites/esp/esp_kit.h"

void
esp_kit_in(struct world *w, uint16_t port)
{
	uint8_t body[32] = "in";

	peer_send_inner(w->peer, lab_now(w->lab), 0, LAB_IN_HOST, port, body, sizeof body);
}

void
esp_kit_out(struct world *w, uint16_t port)
{
	uint8_t body[32] = "out";

	host_send_udp(w->host, lab_now(w->lab), LAB_REMOTE_HOST, port, port, body, sizeof body);
}

struct awaited {
	const struct world *w;
	uint16_t port;
};

static bool
came(void *ctx)
{
	const struct awaited *a = ctx;

	return ike_kit_came(a->w, a->port) > 0;
}

bool
esp_kit_flush(struct world *w, uint16_t port)
{
	struct awaited a = {w, port};

	esp_kit_in(w, port);
	return case_reach(w->c, "a good packet at the host", 2 * NS_PER_S, came, &a);
}

/* ---- the trace ---- */

static bool
is_esp(const struct frame *f, void *ctx)
{
	struct pkt p;

	(void)ctx;
	return pkt_parse(&p, f->bytes, f->len) && p.is_esp && !p.frag_off;
}

size_t
esp_kit_frame(struct world *w, enum lab_port p, ns_t after)
{
	struct trace_want t = {.ports = (uint16_t)(1u << p), .after = after, .fits = is_esp};

	return trace_next(lab_trace(w->lab), 0, &t);
}

struct sent {
	struct world *w;
	ns_t after;
};

static bool
has_sent(void *ctx)
{
	const struct sent *s = ctx;

	return esp_kit_frame(s->w, PORT_A_OUT, s->after) != TRACE_NONE;
}

size_t
esp_kit_sent(struct world *w, ns_t after, ns_t limit)
{
	struct sent s = {w, after};

	(void)lab_until(w->lab, "an ESP packet of A", limit, has_sent, &s);
	return esp_kit_frame(w, PORT_A_OUT, after);
}

bool
esp_kit_open(struct world *w, size_t frame, uint8_t *buf, size_t cap, struct pkt *inner)
{
	struct pkt p = ike_kit_pkt(w, frame);
	uint8_t next;
	size_t len;

	return keyring_open_esp(case_ring(w->c), p.dst, p.esp, p.esp_len, buf, cap, &len, &next) ==
		       ERR_OK &&
	       next == 4 && pkt_parse_ip(inner, buf, len);
}

static bool
is_udp_to(const struct frame *f, void *ctx)
{
	const uint16_t *port = ctx;
	struct pkt p;

	return pkt_parse(&p, f->bytes, f->len) && p.is_udp && p.dport == *port;
}

size_t
esp_kit_clear(struct world *w, enum lab_port p, uint16_t port, ns_t after)
{
	struct trace_want t = {
		.ports = (uint16_t)(1u << p), .after = after, .fits = is_udp_to, .ctx = &port};

	return trace_next(lab_trace(w->lab), 0, &t);
}
