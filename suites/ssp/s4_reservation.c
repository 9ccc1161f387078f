/* SPDX-License-Identifier: BSD-2-Clause */
/* docs/spec/ssp.md 4: no number leaves that the standby has not recorded, on a slow channel and on
 * a lost one. */
#include "suites/ssp/ssp_kit.h"

#define INTERVAL 50
#define RATE 1000
#define GRANTS 4096

/* What A sent on the pair, held against what was granted until then. */
struct sent {
	size_t packets, above; /* above: frame of the first number beyond R, or TRACE_NONE */
	uint32_t seq, upto;    /* of that one */
	uint32_t at_limit;     /* times that R itself was sent, and nothing left */
	ns_t at;
};

static bool
of_pair(const struct frame *f, uint32_t spi, struct pkt *p)
{
	return f->port == PORT_A_OUT && pkt_parse(p, f->bytes, f->len) && p->is_esp &&
	       !p->frag_off && p->spi == spi;
}

/* Frames before `end` are looked at. */
static struct sent
held_against(struct world *w, const struct ssp_kit_grant *g, size_t cnt, uint32_t spi, size_t end)
{
	const struct trace *t = lab_trace(w->lab);
	struct sent s = {.above = TRACE_NONE};
	uint32_t upto = 0;
	size_t next = 0;
	struct pkt p;

	for (size_t i = 0; i < end && i < trace_len(t); i++) {
		while (next < cnt && g[next].frame < i)
			upto = g[next++].upto;
		if (!of_pair(trace_frame(t, i), spi, &p))
			continue;
		s.packets++;
		s.at_limit += p.seq == upto;
		if (p.seq <= upto || s.above != TRACE_NONE)
			continue;
		s.above = i;
		s.at = trace_frame(t, i)->at;
		s.seq = p.seq;
		s.upto = upto;
	}
	return s;
}

static bool
carry(struct world *w, struct case_run *c)
{
	const struct lab_text knobs = {.replay_out = INTERVAL};

	if (!pair_carry(w, c, &knobs, NULL))
		return false;
	(void)host_stream_start(w->host, lab_now(w->lab), 1, LAB_REMOTE_HOST, RATE, 64, 0);
	lab_run(w->lab, 500 * NS_PER_MS);
	return true;
}

/* Cuts of 150 ms: the reservation (50 to 100 ms) is used up, the channel is not lost. */
static void
slow_channel(struct case_run *c)
{
	static struct ssp_kit_grant g[GRANTS];
	const struct ssp_kit *k;
	struct world w;
	struct sent s;
	size_t cnt, end;
	ns_t from;

	if (!carry(&w, c))
		return;
	from = lab_now(w.lab);
	for (int i = 0; i < 3; i++) {
		ssp_kit_cut(&w);
		lab_run(w.lab, 150 * NS_PER_MS);
		ssp_kit_mend(&w);
		lab_run(w.lab, 500 * NS_PER_MS);
	}
	host_stream_stop(w.host, 1);
	lab_run(w.lab, 200 * NS_PER_MS);
	k = ssp_kit_read(&w);
	cnt = ssp_kit_grants(k, peer_phase2(w.peer), g, GRANTS);
	end = ssp_kit_ended(&w, SSP_KIT_BOTH, from, NS_NEVER);
	s = held_against(&w, g, cnt, peer_phase2(w.peer)->spi_in, end);
	case_figure(c, "reservations acknowledged", (double)cnt, "messages");
	case_figure(c, "times that a reservation was used up", (double)s.at_limit, "times");
	case_decided_by(c, s.above, "number %u, reserved up to %u", s.seq, s.upto);
	if (!case_expect(c, s.above == TRACE_NONE,
		    "expected no number above what the standby had acknowledged; saw %u with %u "
		    "reserved",
		    s.seq, s.upto))
		return;
	if (!s.at_limit) {
		case_inconclusive(c, "no reservation was ever used up in %zu packets", s.packets);
		return;
	}
	(void)case_expect(
		c, s.packets > 500, "expected traffic to go on; saw %zu packets", s.packets);
}

/* The TIME of the standby that the active echoed last: when did it leave the standby? The copy is
 * good for a lease from there on. */
static ns_t
lease_begin(const struct ssp_kit *k)
{
	uint64_t echo = 0;

	for (size_t i = 0; i < k->cnt; i++)
		if (k->v[i].from == LAB_A && k->v[i].type == SSP_KIT_KEEPALIVE_MSG &&
			k->v[i].conn == 0 && ssp_kit_num(k, i, "ssp.echo.ms") > echo)
			echo = ssp_kit_num(k, i, "ssp.echo.ms");
	for (size_t i = 0; echo && i < k->cnt; i++)
		if (k->v[i].from == LAB_B && k->v[i].conn == 0 &&
			ssp_kit_num(k, i, "ssp.time.ms") == echo)
			return k->v[i].at;
	return 0;
}

/* Cut for good: A stops at R until the lease is over at the other end; then it goes on. */
static void
lost_channel(struct case_run *c)
{
	static struct ssp_kit_grant g[GRANTS];
	const struct ssp_kit *k;
	struct world w;
	struct sent s;
	size_t cnt;
	ns_t lease;

	if (!carry(&w, c))
		return;
	ssp_kit_cut(&w);
	lab_run(w.lab, 3 * NS_PER_S);
	host_stream_stop(w.host, 1);
	k = ssp_kit_read(&w);
	cnt = ssp_kit_grants(k, peer_phase2(w.peer), g, GRANTS);
	s = held_against(&w, g, cnt, peer_phase2(w.peer)->spi_in, SIZE_MAX);
	lease = lease_begin(k);
	if (!lease || !cnt) {
		case_inconclusive(c, "no lease, or no reservation, could be read");
		return;
	}
	case_figure(c, "beyond the reservation after the lease began", (double)(s.at - lease) / 1e6,
		"ms");
	case_decided_by(c, s.above, "number %u, reserved up to %u", s.seq, s.upto);
	if (case_expect(c, s.above == TRACE_NONE || s.at >= lease + SSP_KIT_LEASE,
		    "expected no number above %u before the lease of %lld ms was over; saw %u "
		    "after %.0f ms",
		    s.upto, (long long)ns_to_ms(SSP_KIT_LEASE), s.seq,
		    (double)(s.at - lease) / 1e6))
		(void)case_expect(c, s.above != TRACE_NONE,
			"expected traffic to go on once the lease was over");
}

/* The longest time in which nothing of the pair left A, from `from` on, and when it began. */
static ns_t
stall(struct world *w, uint32_t spi, ns_t from, ns_t *began)
{
	const struct trace *t = lab_trace(w->lab);
	ns_t last = from, longest = 0;
	struct pkt p;

	for (size_t i = 0; i < trace_len(t); i++) {
		const struct frame *f = trace_frame(t, i);

		if (f->at < from || !of_pair(f, spi, &p))
			continue;
		if (f->at - last > longest) {
			longest = f->at - last;
			*began = last;
		}
		last = f->at;
	}
	return longest;
}

/* The standby itself dies: what A owes to its lease is all that traffic loses. */
static void
lost_standby(struct case_run *c)
{
	static struct ssp_kit_grant g[GRANTS];
	const struct ssp_kit *k;
	struct world w;
	struct sent s;
	size_t cnt;
	ns_t lease, off, dark, began = 0;

	if (!carry(&w, c))
		return;
	off = lab_now(w.lab);
	lab_power_off(w.lab, LAB_B);
	lab_run(w.lab, 3 * NS_PER_S);
	host_stream_stop(w.host, 1);
	k = ssp_kit_read(&w);
	cnt = ssp_kit_grants(k, peer_phase2(w.peer), g, GRANTS);
	s = held_against(&w, g, cnt, peer_phase2(w.peer)->spi_in, SIZE_MAX);
	lease = lease_begin(k);
	if (!lease || !cnt) {
		case_inconclusive(c, "no lease, or no reservation, could be read");
		return;
	}
	dark = stall(&w, peer_phase2(w.peer)->spi_in, off, &began);
	case_figure(c, "stall", (double)dark / 1e6, "ms");
	case_figure(c, "of it at most, hold and four keepalives", (double)ns_to_ms(SSP_KIT_LEASE),
		"ms");
	case_figure(c, "beyond the reservation after the lease began", (double)(s.at - lease) / 1e6,
		"ms");
	case_decided_by(c, s.above, "number %u, reserved up to %u", s.seq, s.upto);
	if (!case_expect(c, s.above != TRACE_NONE,
		    "expected traffic to go on without a standby; no number above %u left",
		    g[cnt - 1].upto) ||
		!case_expect(c, s.at >= lease + SSP_KIT_LEASE,
			"expected no number above %u before the lease of %lld ms was over; saw %u "
			"after %.0f ms",
			s.upto, (long long)ns_to_ms(SSP_KIT_LEASE), s.seq,
			(double)(s.at - lease) / 1e6))
		return;
	(void)case_expect_within(
		c, dark, SSP_KIT_LEASE + PAIR_MARGIN, "the stall of traffic, standby lost");
}

static const struct case_def cases[] = {
	{
		.id = "ssp/ssp-4/1",
		.requirement = "docs/spec/ssp.md 4, protected",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "On a slow channel no ESP number leaves above the highest reservation that "
			"the standby has "
			"acknowledged.",
		.mutant = "resv-above-limit",
		.run = slow_channel,
	},
	{
		.id = "ssp/ssp-4/2",
		.requirement = "docs/spec/ssp.md 4, lost",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "An active that has lost its channel passes its reservation only when the "
			"standby's lease has "
			"run out; then traffic goes on.",
		.mutant = "resv-lease-ignored",
		.run = lost_channel,
	},
	{
		.id = "ssp/ssp-4/5",
		.requirement = "docs/spec/ssp.md 4, lost; SSP-12",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "When the standby dies under traffic with a small replay-interval, traffic "
			"stands for its lease at "
			"most, and no number above the reservation leaves before.",
		.mutant = "resv-lease-ignored",
		.run = lost_standby,
	},
};
CASE_SUITE(cases)
