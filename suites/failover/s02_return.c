/* SPDX-License-Identifier: BSD-2-Clause */
/* The old active comes back; the standby is not ready yet; what time and volume have used up stays
 * used up. */
#include <string.h>

#include "harness/field/pkt.h"
#include "harness/run/pair.h"

static bool
a_is_back(void *ctx)
{
	return pair_in(ctx, LAB_A, PAIR_STANDBY);
}

/* Power off, power on, and the other way round: the SAs outlive both members' losses. */
static void
back_again(struct case_run *c)
{
	struct world w;
	struct pair_cost k;

	if (!pair_carry(&w, c, NULL, NULL))
		return;
	pair_streams_start(&w, 200, 200);
	lab_run(w.lab, NS_PER_S);
	lab_power_off(w.lab, LAB_A);
	if (!pair_expect_active(&w, LAB_B, PAIR_HOLD + PAIR_MARGIN))
		return;
	lab_run(w.lab, 500 * NS_PER_MS);
	case_start(c, LAB_A);
	if (!case_await(c, "A standby again", PAIR_UP_LIMIT, a_is_back, w.lab) ||
		!case_expect(c, pair_in(w.lab, LAB_B, PAIR_ACTIVE),
			"expected that equal priorities do not preempt: B still active") ||
		!case_expect(c,
			pair_show_until(w.lab, LAB_A, "show ssp redundancy", "ready", "true",
				PAIR_UP_LIMIT),
			"expected A to be ready after its bulk sync") ||
		!case_expect(c,
			pair_show_number(w.lab, LAB_A, "show crypto ipsec sa standby", "", 0) == 1,
			"expected A to hold one dormant SA pair"))
		return;
	lab_power_off(w.lab, LAB_B);
	if (!pair_expect_active(&w, LAB_A, PAIR_HOLD + PAIR_MARGIN))
		return;
	lab_run(w.lab, NS_PER_S);
	pair_streams_stop(&w);
	k = pair_cost(&w);
	(void)pair_cost_expect(c, &k, PAIR_HOLD + PAIR_MARGIN);
}

/* The first TLS record (in a lab without TLS: message) from A that is larger than any keepalive or
 * HELLO: the bulk has begun. */
static bool
is_bulk(const struct frame *f, void *ctx)
{
	struct pkt p;
	bool *armed = ctx;

	return *armed && f->port == PORT_A_SYNC && pkt_parse(&p, f->bytes, f->len) && p.is_tcp &&
	       p.data_len > 200 && (p.data[0] == 0x17 || p.data[0] == 1);
}

static bool
tunnel_again(void *ctx)
{
	const struct peer *p = ctx;

	return peer_counters(p)->phase2_up >= 2 && peer_is_up(p);
}

static bool
b_elects(void *ctx)
{
	return pair_port_state(ctx, PORT_B_OUT) == PAIR_SPEAK &&
	       pair_port_state(ctx, PORT_B_IN) == PAIR_SPEAK;
}

/* A dies while B is being filled: B must not pretend, and the peer must find its way back. */
static void
bulk_under_way(struct case_run *c)
{
	const struct lab_fault off = {.kind = FAULT_POWER_OFF, .member = LAB_A};
	struct peer_cfg cfg = world_peer_cfg();
	struct world w;
	bool armed = true;

	cfg.dpd_every = 500 * NS_PER_MS;
	cfg.dpd_retry = 300 * NS_PER_MS;
	cfg.dpd_tries = 3;
	if (!pair_carry(&w, c, NULL, &cfg))
		return;
	pair_streams_start(&w, 200, 200);
	lab_run(w.lab, 500 * NS_PER_MS);
	lab_power_off(w.lab, LAB_B);
	lab_run(w.lab, NS_PER_S);
	/* B is standby before it is filled, or the peer has found out by DPD before B is active. */
	lab_part(w.lab, SEG_SYNC, 1u << PORT_B_SYNC);
	case_start(c, LAB_B);
	if (!case_reach(c, "B electing", PAIR_UP_LIMIT, b_elects, w.lab) ||
		!pair_reach_standby(&w, LAB_B, PAIR_UP_LIMIT))
		return;
	(void)lab_after(w.lab, is_bulk, &armed, &off);
	lab_heal(w.lab, SEG_SYNC);
	if (!pair_reach_active(&w, LAB_B, PAIR_UP_LIMIT))
		return;
	if (!case_await(c, "a new SA pair of the peer", 5 * NS_PER_S, tunnel_again, w.peer))
		return;
	pair_streams_stop(&w);
	(void)case_expect_u64(c, 0,
		peer_counters(w.peer)->esp_replays + peer_counters(w.peer)->esp_late,
		"packets refused by the peer's replay window");
}

/* No failover makes an SA live longer, in seconds or in kilobytes. */
static void
lifetime_goes_on(struct case_run *c)
{
	struct world w;
	long long a, b;

	if (!pair_carry(&w, c, NULL, NULL))
		return;
	lab_run(w.lab, 3 * NS_PER_S);
	a = pair_show_number(w.lab, LAB_A, "show crypto ipsec sa", "0.left_s", -1);
	lab_power_off(w.lab, LAB_A);
	if (!pair_expect_active(&w, LAB_B, PAIR_HOLD + PAIR_MARGIN))
		return;
	b = pair_show_number(w.lab, LAB_B, "show crypto ipsec sa", "0.left_s", -1);
	case_figure(c, "seconds left before", (double)a, "s");
	case_figure(c, "seconds left after", (double)b, "s");
	(void)case_expect(c, a > 0 && b >= 0 && b <= a,
		"expected at most the %lld s that the old active had left; saw %lld s", a, b);
}

static void
volume_goes_on(struct case_run *c)
{
	const struct lab_text knobs = {
		.add_map = {" set security-association lifetime kilobytes 2560"}};
	struct world w;
	long long a, b, step = 2560 / 64 + 1;

	if (!pair_carry(&w, c, &knobs, NULL))
		return;
	pair_streams_start(&w, 200, 1000);
	lab_run(w.lab, 2 * NS_PER_S);
	pair_streams_stop(&w);
	a = pair_show_number(w.lab, LAB_A, "show crypto ipsec sa", "0.used_kb", -1);
	lab_power_off(w.lab, LAB_A);
	if (!pair_expect_active(&w, LAB_B, PAIR_HOLD + PAIR_MARGIN))
		return;
	b = pair_show_number(w.lab, LAB_B, "show crypto ipsec sa", "0.used_kb", -1);
	case_figure(c, "kilobytes used before", (double)a, "KB");
	case_figure(c, "kilobytes used after", (double)b, "KB");
	(void)case_expect(c, a > 300 && b >= a - step,
		"expected at least %lld KB used (%lld, less one report of %lld); saw %lld",
		a - step, a, step, b);
}

static const struct case_def cases[] = {
	{
		.id = "failover/vpnha-failover/6",
		.requirement = "FAILOVER-06, SSP-08",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "The old active comes back as standby, is filled by bulk sync, and can "
			"take over again.",
		.mutant = "ssp-no-bulk",
		.run = back_again,
	},
	{
		.id = "failover/vpnha-failover/12",
		.requirement = "FAILOVER-12, IKE-07",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "When the active dies during the bulk sync, ESP on an SA that the heir "
			"does not have is "
			"answered by a protected Delete, and the peer finds its way back.",
		.mutant = "no-unknown-spi-delete",
		.run = bulk_under_way,
	},
	{
		.id = "failover/vpnha-esp/10",
		.requirement = "ESP-10",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "A take-over does not extend an SA's lifetime in seconds.",
		.mutant = "import-new-life",
		.run = lifetime_goes_on,
	},
	{
		.id = "failover/vpnha-esp/9",
		.requirement = "ESP-09",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "A take-over does not extend an SA's lifetime in kilobytes by more than "
			"one report.",
		.mutant = "import-no-volume",
		.run = volume_goes_on,
	},
};
CASE_SUITE(cases)
