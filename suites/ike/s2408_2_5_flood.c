/* SPDX-License-Identifier: BSD-2-Clause */
/* A flood of first messages from addresses where nobody is (RFC 2408 2.5.1: anti-clogging). */
#include <string.h>

#include "suites/ike/ike_kit.h"

#define FLOOD_EVERY (100 * NS_PER_US) /* 10,000 a second */

/* A station that sends message 1 of the peer, each time with another cookie and another source. */
struct flooder {
	struct lab *lab;
	uint8_t msg[1024];
	size_t len;
	uint64_t sent;
	ns_t at; /* the next one; NS_NEVER: it is silent */
	uint32_t draw;
};
static struct flooder flooder;

static void
hears(void *self, ns_t now, const uint8_t *bytes, size_t len)
{
	(void)self;
	(void)now;
	(void)bytes;
	(void)len;
}

static void
send_one(struct flooder *f)
{
	struct mac vmac = {{0, 0, 0x0c, 0x07, 0xac, 1}}, own = lab_mac(PORT_PROBE_OUT);
	struct pkt_ip h = {.dst = LAB_OUT_VIP, .ttl = 64};
	uint8_t frame[1200];
	size_t n;

	f->draw = f->draw * 1664525u + 1013904223u;
	h.src = IP4(172, 16, 0, 0) | (f->draw >> 12 & 0x1fff);
	memcpy(f->msg, &f->draw, sizeof f->draw);
	memcpy(f->msg + 4, &f->sent, 4);
	n = pkt_put_eth(frame, sizeof frame, &vmac, &own, PKT_ETH_IP4);
	n += pkt_put_udp(frame + n, sizeof frame - n, &h, 500, 500, f->msg, f->len);
	lab_send(f->lab, PORT_PROBE_OUT, frame, n);
	f->sent++;
}

static void
ticks(void *self, ns_t now)
{
	struct flooder *f = self;

	for (unsigned i = 0; f->at <= now && i < 256; i++) {
		send_one(f);
		f->at += FLOOD_EVERY;
	}
	if (f->at < now)
		f->at = now; /* what was missed is not made up for */
}

static ns_t
due(const void *self)
{
	return ((const struct flooder *)self)->at;
}

static void
silent(struct case_run *c, void *ctx)
{
	(void)c;
	((struct flooder *)ctx)->at = NS_NEVER;
}

/* The peer's own message 1, taken from the trace, is what is sent. */
static bool
arm(struct world *w)
{
	size_t no;
	struct pkt p;

	peer_initiate(w->peer, lab_now(w->lab));
	lab_run(w->lab, 300 * NS_PER_MS);
	no = ike_kit_find(w, PORT_PEER, IKE_KIT_MAIN, 0);
	if (no == TRACE_NONE) {
		case_inconclusive(w->c, "the peer sent no message 1");
		return false;
	}
	p = ike_kit_pkt(w, no);
	flooder = (struct flooder){.lab = w->lab, .len = p.isakmp_len, .at = lab_now(w->lab)};
	memcpy(flooder.msg, p.isakmp, p.isakmp_len);
	peer_reset(w->peer, lab_now(w->lab));
	lab_attach(w->lab, PORT_PROBE_OUT,
		&(struct lab_station){
			.self = &flooder, .frame = hears, .tick = ticks, .deadline = due});
	case_at_end(w->c, silent, &flooder);
	return true;
}

static void
flooded(struct case_run *c)
{
	const struct lab_text knobs = {
		.swap = {{"crypto isakmp key ",
			"crypto isakmp key baton-lab-key address 172.16.0.0 255.255.0.0"}}};
	struct world w;
	uint64_t before;
	ns_t from;

	if (!ike_kit_alone(&w, c, &knobs, NULL) || !arm(&w))
		return;
	lab_run(w.lab, 2 * NS_PER_S);
	before = flooder.sent;
	from = lab_now(w.lab);
	case_figure(c, "forged first messages a second", (double)before / 2, "");
	if (before < 2000) {
		case_inconclusive(c, "only %llu messages were sent", (unsigned long long)before);
		return;
	}
	peer_initiate(w.peer, lab_now(w.lab));
	if (!case_expect(c, ike_kit_event(&w, PEER_EV_PHASE2_UP, from, 1, 10 * NS_PER_S),
		    "expected the peer to get in while the flood lasts; it did not"))
		return;
	case_figure(c, "the peer was in after", (double)(lab_now(w.lab) - from) / 1e6, "ms");
	flooder.at = NS_NEVER;
	lab_run(w.lab, 300 * NS_PER_MS);
	(void)ike_kit_expect_traffic(&w, "after the flood");
}

static const struct case_def cases[] = {
	{
		.id = "ike/2408-2.5/1",
		.requirement = "RFC 2408, 2.5.1",
		.level = CASE_SHOULD,
		.class_ = CASE_INVALID,
		.says = "Under a flood of forged first messages a real peer gets in.",
		.mutant = "ike-half-open-for-ever",
		.run = flooded,
	},
};
CASE_SUITE(cases)
