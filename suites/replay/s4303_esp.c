/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RFC 4303 3.4, by packets that were recorded: of this SA, over a take-over, and of yesterday's SA.
 * And the other way round: the same packets, sealed anew with today's key and number, are taken.
 */
#include <string.h>

#include "suites/replay/replay_kit.h"

#define FIRST 5000
#define RECORDED 40

/* So many packets to ports of their own, and all of them come. False: inconclusive. */
static bool
send_some(struct world *w, unsigned cnt)
{
	if (!esp_kit_flush(w, FIRST - 1)) /* ARP is warm: nothing overtakes */
		return false;
	for (uint16_t i = 0; i + 1u < cnt; i++)
		esp_kit_in(w, (uint16_t)(FIRST + i));
	return esp_kit_flush(w, (uint16_t)(FIRST + cnt - 1));
}

static bool
came_once(struct world *w, unsigned cnt)
{
	for (uint16_t i = 0; i < cnt; i++)
		if (!case_expect_u64(w->c, 1, ike_kit_came(w, (uint16_t)(FIRST + i)),
			    "copies at the host of a packet that was recorded and put in again"))
			return false;
	return true;
}

static void
this_sa(struct case_run *c)
{
	static struct replay_kit k;
	struct world w;

	if (!ike_kit_tunnel(&w, c, NULL, NULL) || !send_some(&w, 20))
		return;
	replay_kit_esp(&k, &w, PORT_PEER, 0);
	replay_kit_put(&k, &w, PORT_PEER, k.cnt, NS_PER_MS);
	if (!esp_kit_flush(&w, 6000) || !case_expect(c, k.cnt >= 21,
						"expected 21 packets in the "
						"recording, saw %zu",
						k.cnt))
		return;
	if (came_once(&w, 20))
		(void)ike_kit_expect_traffic(&w, "after the recording");
}

/* The older ones of what A accepted, put in to B; the newest that A may not yet have told are left
 * out (replay-interval inbound 10). */
static void
over_take_over(struct case_run *c)
{
	static struct replay_kit k;
	struct world w;

	if (!pair_carry(&w, c, NULL, NULL) || !send_some(&w, RECORDED))
		return;
	replay_kit_esp(&k, &w, PORT_PEER, 0);
	lab_run(w.lab, NS_PER_S);
	lab_power_off(w.lab, LAB_A);
	if (!pair_reach_active(&w, LAB_B, PAIR_HOLD + 2 * NS_PER_S) || !esp_kit_flush(&w, 6000))
		return;
	replay_kit_put(&k, &w, PORT_PEER, RECORDED - 15, NS_PER_MS);
	if (!esp_kit_flush(&w, 6001))
		return;
	(void)came_once(&w, RECORDED - 15 - 1); /* the first of the recording is the flush before */
}

/* -- yesterday's SA -- */

static bool
another_pair(void *ctx)
{
	struct world *w = ctx;
	size_t cnt;
	const struct peer_phase2 *p = peer_phase2s(w->peer, &cnt);

	return cnt == 2 && p[1].state == PEER_SA_UP;
}

/* A packet that never left the peer, of a pair that has been deleted since; another pair is up. */
static bool
yesterday(struct world *w, struct ike_kit_tap *tap, struct peer_phase2 *old)
{
	ike_kit_tap(w, tap);
	esp_kit_in(w, FIRST);
	peer_wrong(w->peer)->edit_wire = NULL;
	*old = *peer_phase2(w->peer);
	peer_initiate(w->peer, lab_now(w->lab));
	if (!case_reach(w->c, "another SA pair", 3 * NS_PER_S, another_pair, w))
		return false;
	peer_delete_spi(w->peer, lab_now(w->lab), old->spi_in, false);
	lab_run(w->lab, 500 * NS_PER_MS);
	if (tap->cnt == 1 && tap->len)
		return esp_kit_flush(w, 6000);
	case_inconclusive(w->c, "no packet was kept back at the peer");
	return false;
}

/* The ESP packet in a frame from the peer to the virtual address. */
static size_t
frame_of(struct world *w, const struct ike_kit_tap *tap, uint8_t *out, size_t cap)
{
	const struct netif_arp *to = netif_lookup(peer_netif(w->peer), LAB_OUT_VIP);
	struct pkt_ip h = {
		.src = LAB_OUT_PEER, .dst = LAB_OUT_VIP, .proto = PKT_ESP, .ttl = 64, .id = 7};
	struct mac from = lab_mac(PORT_PEER);
	size_t n = to ? pkt_put_eth(out, cap, &to->mac, &from, PKT_ETH_IP4) : 0;
	size_t m = n ? pkt_put_ip(out + n, cap - n, &h, tap->bytes, tap->len) : 0;

	return m ? n + m : 0;
}

static void
older_sa(struct case_run *c)
{
	static struct ike_kit_tap tap = {.kind = PEER_ESP, .swallow = true};
	struct peer_phase2 old, now;
	struct replay_rules rules = {
		.old_keys = case_ring(c), .new_keys = case_ring(c), .spi_cnt = 1};
	uint8_t frame[2048], live[2048 + 64];
	struct replay *r;
	struct world w;
	size_t len;

	if (!ike_kit_tunnel(&w, c, NULL, NULL) || !esp_kit_flush(&w, 5999) ||
		!yesterday(&w, &tap, &old))
		return;
	len = frame_of(&w, &tap, frame, sizeof frame);
	lab_inject(w.lab, PORT_PEER, frame, len);
	if (!esp_kit_flush(&w, 6001) || !case_expect_u64(c, 0, ike_kit_came(&w, FIRST),
						"packets at the host that were recorded under an "
						"SA that has been deleted since"))
		return;
	now = *peer_phase2(w.peer);
	rules.spis[0] = (struct replay_spi){old.spi_out, now.spi_out, now.seq_out + 10};
	r = replay_new(&rules);
	len = replay_rewrite(r, frame, len, live, sizeof live);
	lab_inject(w.lab, PORT_PEER, live, len);
	lab_run(w.lab, 300 * NS_PER_MS);
	if (case_expect_u64(c, 1, replay_counters(r)->sealed, "packets that could be sealed anew"))
		(void)case_expect_u64(c, 1, ike_kit_came(&w, FIRST),
			"packets at the host of the same recording, sealed with today's key and "
			"number");
	replay_free(r);
}

static const struct case_def cases[] = {
	{
		.id = "replay/4303-3.4.3/1",
		.requirement = "RFC 4303, 3.4.3",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A recording of an SA's packets, put in while it lives, brings none of "
			"them to the inside "
			"again.",
		.mutant = "esp-no-replay-check",
		.run = this_sa,
	},
	{
		.id = "replay/4303-3.4.3/2",
		.requirement = "RFC 4303, 3.4.3; FAILOVER-13",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A recording of what the old active accepted, put in to the new one, "
			"brings none of it to "
			"the inside again, but for the last inbound interval.",
		.mutant = "import-no-window",
		.run = over_take_over,
	},
	{
		.id = "replay/4303-3.4.2/1",
		.requirement = "RFC 4303, 3.4.2",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A packet recorded under an SA that has been deleted since, never "
			"delivered, is not taken; "
			"sealed with today's key and number it is.",
		.mutant = "ike-ignore-delete",
		.run = older_sa,
	},
};
CASE_SUITE(cases)
