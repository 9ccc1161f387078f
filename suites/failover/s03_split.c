/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Split brain: the members hear each other on no segment, both are active, and both have a peer and
 *a host that send. No number may leave twice, whatever the leases say; and when it heals, one owner
 *goes on above both.
 *
 *	peer, host | A      B | probe outside (answers for the peer's address), probe inside (sends)
 */
#include <stdlib.h>
#include <string.h>

#include "harness/field/pkt.h"
#include "harness/run/pair.h"

/* A second world on B's side: who asks for the peer's address gets an answer; packets go in. */
struct shadow {
	struct lab *lab;
	ns_t next;
	ns_t every;
	uint16_t id;
	bool on;
};

static void
answer_for_peer(void *self, ns_t now, const uint8_t *bytes, size_t len)
{
	struct shadow *s = self;
	struct mac me = lab_mac(PORT_PEER); /* so that nothing stale is left when it heals */
	uint8_t out[64];
	struct pkt p;
	size_t n;

	(void)now;
	if (!s->on || !pkt_parse(&p, bytes, len) || !p.is_arp || p.arp_op != 1 ||
		p.arp_tpa != LAB_OUT_PEER)
		return;
	n = pkt_put_arp(out, sizeof out, &p.arp_sha, 2, &me, LAB_OUT_PEER, &p.arp_sha, p.arp_spa);
	lab_send(s->lab, PORT_PROBE_OUT, out, n);
}

static void
send_inside(void *self, ns_t now)
{
	static const struct mac vmac = {{0x00, 0x00, 0x0c, 0x07, 0xac, 0x02}};
	struct shadow *s = self;
	struct mac me = lab_mac(PORT_PROBE_IN);
	struct pkt_ip ip = {.src = LAB_IN_PROBE, .dst = LAB_REMOTE_HOST, .ttl = 64, .id = s->id++};
	uint8_t out[256], body[64] = "shadow";
	size_t n = pkt_put_eth(out, sizeof out, &vmac, &me, PKT_ETH_IP4);

	s->next = now + s->every;
	n += pkt_put_udp(out + n, sizeof out - n, &ip, 9, 9, body, sizeof body);
	lab_send(s->lab, PORT_PROBE_IN, out, n);
}

static ns_t
send_due(const void *self)
{
	const struct shadow *s = self;

	return s->on ? s->next : NS_NEVER;
}

static void
shadow_on(struct world *w, struct shadow *s)
{
	*s = (struct shadow){
		.lab = w->lab, .next = lab_now(w->lab), .every = 5 * NS_PER_MS, .on = true};
	lab_attach(
		w->lab, PORT_PROBE_OUT, &(struct lab_station){.self = s, .frame = answer_for_peer});
	lab_attach(w->lab, PORT_PROBE_IN,
		&(struct lab_station){.self = s, .tick = send_inside, .deadline = send_due});
}

static void
shadow_off(struct world *w)
{
	lab_attach(w->lab, PORT_PROBE_OUT, NULL);
	lab_attach(w->lab, PORT_PROBE_IN, NULL);
}

static void
split(struct world *w)
{
	lab_part(w->lab, SEG_SYNC, 1u << PORT_B_SYNC | 1u << PORT_PROBE_SYNC);
	lab_part(w->lab, SEG_OUTSIDE, 1u << PORT_B_OUT | 1u << PORT_PROBE_OUT);
	lab_part(w->lab, SEG_INSIDE, 1u << PORT_B_IN | 1u << PORT_PROBE_IN);
}

static void
heal(struct world *w)
{
	lab_heal(w->lab, SEG_SYNC);
	lab_heal(w->lab, SEG_OUTSIDE);
	lab_heal(w->lab, SEG_INSIDE);
}

struct number {
	uint32_t seq;
	size_t frame;
	uint8_t port;
};

static int
by_seq(const void *a, const void *b)
{
	const struct number *x = a, *y = b;

	return x->seq < y->seq ? -1 : x->seq > y->seq ? 1 : 0;
}

/* All numbers that left on the SPI, from both members' outside ports, sorted. The caller frees. */
static struct number *
numbers(struct lab *l, uint32_t spi, size_t *cnt)
{
	const struct trace *t = lab_trace(l);
	struct number *v = calloc(trace_len(t) + 1, sizeof *v);
	struct pkt p;

	*cnt = 0;
	for (size_t i = 0; v && i < trace_len(t); i++) {
		const struct frame *f = trace_frame(t, i);

		if ((f->port == PORT_A_OUT || f->port == PORT_B_OUT) &&
			pkt_parse(&p, f->bytes, f->len) && p.is_esp && p.spi == spi && !p.frag_off)
			v[(*cnt)++] = (struct number){p.seq, i, f->port};
	}
	if (v)
		qsort(v, *cnt, sizeof *v, by_seq);
	return v;
}

static bool
expect_unique(struct case_run *c, struct lab *l, uint32_t spi)
{
	size_t cnt, from_b = 0;
	struct number *v = numbers(l, spi, &cnt);
	bool ok = true;

	for (size_t i = 0; v && i < cnt; i++)
		from_b += v[i].port == PORT_B_OUT;
	for (size_t i = 1; v && ok && i < cnt; i++) {
		if (v[i].seq != v[i - 1].seq)
			continue;
		case_decided_by(c, v[i].frame, "number %u again", v[i].seq);
		ok = case_expect(c, false,
			"expected no number twice on SPI 0x%08x; saw %u in frames %zu and %zu", spi,
			v[i].seq, v[i - 1].frame, v[i].frame);
	}
	case_figure(c, "numbers sent by A", (double)(cnt - from_b), "packets");
	case_figure(c, "numbers sent by B", (double)from_b, "packets");
	free(v);
	if (ok && from_b < 50) {
		case_inconclusive(c, "B sent only %zu packets on its side", from_b);
		return false;
	}
	return ok && case_expect(c, cnt > from_b, "expected that A sent, too");
}

static bool
outside_again(void *ctx)
{
	return pair_port_state(ctx, PORT_A_OUT) == PAIR_ACTIVE;
}

/* Split, let both send for `span`, and heal. */
static bool
split_and_heal(struct world *w, struct case_run *c, const struct lab_text *knobs, struct shadow *s,
	ns_t span)
{
	if (!pair_carry(w, c, knobs, NULL))
		return false;
	pair_streams_start(w, 200, 200);
	lab_run(w->lab, NS_PER_S);
	split(w);
	shadow_on(w, s);
	if (!pair_reach_active(w, LAB_B, PAIR_HOLD + NS_PER_S))
		return false;
	lab_run(w->lab, span);
	shadow_off(w);
	heal(w);
	return true;
}

/* Small reservations, so that A runs to its end within the lease, and past it afterwards. */
static void
unique_while_split(struct case_run *c)
{
	const struct lab_text knobs = {.replay_out = 100};
	static struct shadow s; /* outlives the function: the lab winds down after it */
	struct world w;

	if (split_and_heal(&w, c, &knobs, &s, 4 * NS_PER_S))
		(void)expect_unique(c, w.lab, peer_phase2s(w.peer, &(size_t){0})[0].spi_in);
}

static void
unique_within_the_lease(struct case_run *c)
{
	const struct lab_text knobs = {.replay_out = 50};
	static struct shadow s; /* outlives the function: the lab winds down after it */
	struct world w;

	if (split_and_heal(&w, c, &knobs, &s, 700 * NS_PER_MS))
		(void)expect_unique(c, w.lab, peer_phase2s(w.peer, &(size_t){0})[0].spi_in);
}

static bool
one_owner(void *ctx)
{
	struct lab *l = ctx;
	bool a = pair_in(l, LAB_A, PAIR_ACTIVE), b = pair_in(l, LAB_B, PAIR_ACTIVE);

	return a != b;
}

/* Which one wins is HSRP's business; that the winner's numbers are good at the peer is ours. */
static void
healed(struct case_run *c)
{
	const struct lab_text knobs = {.replay_out = 100};
	static struct shadow s; /* outlives the function: the lab winds down after it */
	struct world w;
	const struct stream_rx *rx;
	uint32_t before;

	if (!split_and_heal(&w, c, &knobs, &s, 4 * NS_PER_S) ||
		!case_await(c, "one owner again", 3 * NS_PER_S, one_owner, w.lab))
		return;
	lab_run(w.lab, 2 * NS_PER_S);
	rx = peer_stream_rx(w.peer, 1);
	before = rx ? rx->received : 0;
	lab_run(w.lab, NS_PER_S);
	rx = peer_stream_rx(w.peer, 1);
	case_figure(c, "packets in the second after", rx ? (double)(rx->received - before) : 0.0,
		"packets");
	if (case_expect(c, rx && rx->received - before > 150,
		    "expected 200 packets a second at the peer once healed; saw %u",
		    rx ? rx->received - before : 0) &&
		case_expect_u64(
			c, 1, peer_counters(w.peer)->phase1_up, "Phase 1 negotiations in all"))
		(void)case_expect_u64(
			c, 0, peer_counters(w.peer)->deletes_in, "Deletes sent to the peer");
}

/*
 * The sync line is out for longer than the lease, and A's inside cable: B takes over, late. B dies
 * before the two have met, and A comes back into office with the SAs that it had.
 */
static bool
heir_unmet(struct world *w, struct case_run *c, const struct lab_text *knobs)
{
	if (!pair_carry(w, c, knobs, NULL))
		return false;
	pair_streams_start(w, 200, 200);
	lab_run(w->lab, 500 * NS_PER_MS);
	lab_cable(w->lab, PORT_A_SYNC, false);
	lab_run(w->lab, 3 * PAIR_HOLD);
	lab_cable(w->lab, PORT_A_IN, false);
	if (!pair_reach_active(w, LAB_B, 2 * PAIR_HOLD))
		return false;
	lab_run(w->lab, 2 * PAIR_HELLO);
	lab_power_off(w->lab, LAB_B);
	if (!lab_until(w->lab, "A active outside", 3 * PAIR_HOLD, outside_again, w->lab)) {
		case_inconclusive(c, "A did not become active outside again");
		return false;
	}
	lab_cable(w->lab, PORT_A_IN, true);
	return pair_reach_active(w, LAB_A, 4 * PAIR_HOLD);
}

static void
in_office_again(struct case_run *c)
{
	const struct lab_text knobs = {.replay_out = 100};
	struct world w;
	uint32_t spi;
	ns_t from;

	if (!heir_unmet(&w, c, &knobs))
		return;
	from = lab_now(w.lab);
	spi = peer_phase2s(w.peer, &(size_t){0})[0].spi_in;
	if (!pair_expect_traffic(&w, 50, "A is in office again"))
		return;
	lab_run(w.lab, 500 * NS_PER_MS);
	(void)case_expect_u64(c, 0, pair_esp_cnt(w.lab, LAB_A, spi, from, NS_NEVER),
		"packets of A on the SA that an heir may have used");
}

static const struct case_def cases[] = {
	{
		.id = "failover/vpnha-failover/11a",
		.requirement = "FAILOVER-11, SSP-17",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "With both members active and out of each other's hearing, no sequence "
			"number leaves twice, even "
			"after the lease.",
		.mutant = "resv-block-used",
		.run = unique_while_split,
		.skips_laws = 1u << 5,
	},
	{
		.id = "failover/vpnha-failover/11b",
		.requirement = "FAILOVER-11, SSP-17",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "While the lease runs, an active that has lost its channel stops at its "
			"reservation.",
		.mutant = "resv-above-limit",
		.run = unique_within_the_lease,
		.skips_laws = 1u << 5,
	},
	{
		.id = "failover/vpnha-failover/11c",
		.requirement = "FAILOVER-11, SSP-17",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "When a split brain heals, one owner goes on above all numbers that both "
			"have used, without a "
			"Delete and without a renegotiation.",
		.mutant = "resv-heal-not-above",
		.run = healed,
		.skips_laws = 1u << 5,
	},
	{
		.id = "failover/vpnha-failover/11d",
		.requirement = "FAILOVER-11, SSP-17",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "A member that comes back into office, and may have had an heir that it "
			"never met, sends "
			"nothing more on the SAs that it had: it rekeys them.",
		.mutant = "resv-doubt-goes-on",
		.run = in_office_again,
	},
};
CASE_SUITE(cases)
