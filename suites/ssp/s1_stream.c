/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * docs/spec/ssp.md 1, the stream of a member that has the key: sent again, out of order, cut off,
 * in crumbs, and not read. The tunnel's traffic goes on through each, and a right member is taken
 * afterwards.
 */
#include <string.h>

#include "suites/ssp/mate_kit.h"

#define SOON (2 * MATE_KIT_KEEPALIVE) /* at once, as against by silence, on a busy machine */
#define HANDSHAKE (2 * NS_PER_S + PAIR_MARGIN)

static struct {
	uint8_t bytes[65536];
	size_t len, at[64], cnt; /* where each piece begins */
	bool holds;
} tape;

static void
record(void *ctx, struct mate *m, ns_t now, size_t conn, const uint8_t *bytes, size_t len)
{
	(void)ctx;
	if (tape.len + len <= sizeof tape.bytes && tape.cnt < 63) {
		tape.at[tape.cnt++] = tape.len;
		memcpy(tape.bytes + tape.len, bytes, len);
		tape.len += len;
		tape.at[tape.cnt] = tape.len;
	}
	if (!tape.holds)
		mate_wire(m, now, conn, bytes, len);
}

/* A standby is fed a pair, and then a bulk without it; the stream of the first, again. */
static void
replayed(struct case_run *c)
{
	uint8_t rec[1024];
	struct mate_kit x;
	size_t first, live, conn;

	if (!mate_kit_behind(&x, c, LAB_B))
		return;
	mate_offer(x.mate, rec, mate_kit_ike_sa(rec, sizeof rec, 0));
	mate_offer(x.mate, rec, mate_kit_ipsec_sa(rec, sizeof rec, 1, NULL));
	mate_wrong(x.mate)->tap = record;
	first = mate_kit_meet(&x);
	lab_run(x.w.lab, NS_PER_S);
	if (!mate_conn(x.mate, first)->ready || mate_kit_copies(&x) != 1) {
		case_inconclusive(c, "the standby did not take the first stream");
		return;
	}
	mate_end(x.mate, lab_now(x.w.lab), first, MATE_PROPERLY);
	mate_forget(x.mate);
	live = mate_kit_ready(&x);
	if (live == MATE_NONE || mate_kit_copies(&x) != 0) {
		case_inconclusive(c, "the standby did not take the second stream");
		return;
	}
	mate_wrong(x.mate)->tls = MATE_TLS_SILENT;
	conn = mate_kit_meet(&x);
	mate_wire(x.mate, lab_now(x.w.lab), conn, tape.bytes, tape.len);
	if (mate_kit_ends(&x, conn, HANDSHAKE, "the end of a stream that was sent before") &&
		case_expect(c, mate_kit_copies(&x) == 0,
			"expected the standby not to take yesterday's pair; it has %lld",
			mate_kit_copies(&x)) &&
		mate_kit_lives(&x, live))
		(void)mate_kit_unharmed(&x);
}

/* Two records of a live channel in the wrong order. */
static void
reordered(struct case_run *c)
{
	struct mate_kit x;
	size_t live;
	ns_t now;

	if (!mate_kit_alone(&x, c, LAB_B))
		return;
	live = mate_kit_ready(&x);
	if (live == MATE_NONE)
		return;
	now = lab_now(x.w.lab);
	tape.holds = true;
	mate_wrong(x.mate)->tap = record;
	mate_kit_say_role(&x, live);
	mate_kit_say_role(&x, live);
	mate_wrong(x.mate)->tap = NULL;
	mate_wire(x.mate, now, live, tape.bytes + tape.at[1], tape.at[2] - tape.at[1]);
	mate_wire(x.mate, now, live, tape.bytes, tape.at[1]);
	if (mate_kit_ends(&x, live, SOON, "the end of a channel whose records do not open"))
		(void)mate_kit_unharmed(&x);
}

/* ---- cut off ---- */

/* B, a standby that was fed a pair, then half of the record of another. */
static bool
half_a_record(struct mate_kit *x, struct case_run *c, size_t *live)
{
	uint8_t rec[1024];
	size_t len;

	if (!mate_kit_behind(x, c, LAB_B))
		return false;
	mate_offer(x->mate, rec, mate_kit_ike_sa(rec, sizeof rec, 0));
	mate_offer(x->mate, rec, mate_kit_ipsec_sa(rec, sizeof rec, 1, NULL));
	*live = mate_kit_ready(x);
	if (*live == MATE_NONE)
		return false;
	len = mate_kit_ipsec_sa(rec, sizeof rec, 2, NULL);
	rec[11] = (uint8_t)*mate_number(x->mate, *live); /* fewer than 256 were sent */
	rec[15] = 1;
	mate_plain(x->mate, lab_now(x->w.lab), *live, rec, len / 2);
	return true;
}

static void
cut_off_in_silence(struct case_run *c)
{
	struct mate_kit x;
	size_t live;
	ns_t from;

	if (!half_a_record(&x, c, &live))
		return;
	mate_wrong(x.mate)->no_keepalive = true;
	from = lab_now(x.w.lab);
	if (!mate_kit_ends(&x, live, MATE_KIT_LOST + PAIR_MARGIN + MATE_KIT_KEEPALIVE,
		    "the end of a channel on which a message never ended"))
		return;
	case_figure(c, "silence", (double)(lab_now(x.w.lab) - from) / 1e6, "ms");
	if (case_expect(c, mate_kit_copies(&x) == 1, "expected the one whole pair, saw %lld",
		    mate_kit_copies(&x)))
		(void)mate_kit_unharmed(&x);
}

static void
cut_off_and_closed(struct case_run *c)
{
	struct mate_kit x;
	size_t live;

	if (!half_a_record(&x, c, &live))
		return;
	mate_end(x.mate, lab_now(x.w.lab), live, MATE_FIN);
	if (mate_kit_ends(&x, live, SOON, "the router's end of a connection that was closed") &&
		case_expect(c, mate_kit_copies(&x) == 1,
			"expected the one whole pair, saw %lld", mate_kit_copies(&x)))
		(void)mate_kit_unharmed(&x);
}

/* ---- in crumbs ---- */

static void
crumbs(struct case_run *c)
{
	uint8_t rec[1024];
	struct mate_kit x;
	size_t conn;

	if (!mate_kit_behind(&x, c, LAB_B))
		return;
	mate_offer(x.mate, rec, mate_kit_ike_sa(rec, sizeof rec, 0));
	mate_offer(x.mate, rec, mate_kit_ipsec_sa(rec, sizeof rec, 1, NULL));
	mate_wrong(x.mate)->drip = true;
	conn = mate_kit_meet(&x);
	lab_run(x.w.lab, 1500 * NS_PER_MS);
	if (case_expect(c, mate_conn(x.mate, conn)->ready,
		    "expected a bulk of one octet a record to be taken") &&
		case_expect_u64(c, 1, (uint64_t)mate_kit_copies(&x), "dormant pairs"))
		(void)mate_kit_unharmed(&x);
}

/* ---- not read ---- */

/*
 * A standby that asks for everything again and again, and reads nothing: what waits for it is
 * bounded, and it is left. 40,000 bulks of one IKE SA and one pair are some 25 MB. The bound leaves
 * room for a router built with sanitizers, which keeps what was freed for a while (5 and 16 MB were
 * seen).
 */
#define ASKED 40000
#define MEMORY_KB 20000

static void
not_read(struct case_run *c)
{
	const struct field_set why[] = {SET("ssp.reason.code", MATE_OPERATOR)};
	struct mate_kit x;
	size_t live;
	long before, after, most = 0;

	if (!mate_kit_alone(&x, c, LAB_A))
		return;
	live = mate_kit_ready(&x);
	if (live == MATE_NONE)
		return;
	before = mate_kit_memory(&x);
	mate_wrong(x.mate)->deaf = true;
	for (unsigned i = 0; i < ASKED && !mate_conn(x.mate, live)->over; i++) {
		(void)mate_send(x.mate, lab_now(x.w.lab), live, MATE_RESYNC, "ssp/ssp.reason", why,
			1);
		if (i % 50)
			continue;
		lab_run(x.w.lab, 5 * NS_PER_MS);
		after = mate_kit_memory(&x);
		most = after > most ? after : most;
	}
	case_figure(c, "memory before", (double)before, "KB");
	case_figure(c, "memory at most", (double)most, "KB");
	if (!case_expect(c, most - before < MEMORY_KB,
		    "expected less than %d KB more for a member that does not read; saw %ld",
		    MEMORY_KB, most - before) ||
		!pair_expect_traffic(&x.w, 50, "traffic both ways while nothing is read") ||
		!mate_kit_ends(&x, live, NS_PER_S, "the end of a channel that is not read"))
		return;
	(void)mate_kit_unharmed(&x);
}

/* ---- twice ---- */

static void
called_twice(struct case_run *c)
{
	struct mate_kit x;
	size_t first, second;

	if (!mate_kit_alone(&x, c, LAB_B))
		return;
	first = mate_kit_ready(&x);
	if (first == MATE_NONE)
		return;
	second = mate_kit_meet(&x);
	if (!mate_kit_ends(&x, first, SOON, "the end of the older of two connections"))
		return;
	lab_run(x.w.lab, SOON);
	if (case_expect(c, mate_conn(x.mate, second)->ready,
		    "expected the newer connection to get its own bulk") &&
		mate_kit_lives(&x, second))
		(void)mate_kit_unharmed(&x);
}

static const struct case_def cases[] = {
	{
		.id = "ssp/vpnha-ssp/27",
		.requirement = "docs/spec/ssp.md 1, 7",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "The stream of an earlier connection, sent again, changes nothing, and does "
			"not disturb the channel that lives.",
		.mutant = "channel-newcomer-first",
		.needs = CASE_TLS,
		.run = replayed,
	},
	{
		.id = "ssp/vpnha-ssp/28",
		.requirement = "docs/spec/ssp.md 1, 7",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A TLS record that does not open ends the channel at once.",
		.mutant = "channel-keeps-broken",
		.needs = CASE_TLS,
		.run = reordered,
	},
	{
		.id = "ssp/vpnha-ssp/29a",
		.requirement = "docs/spec/ssp.md 1, 3",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A message that never ends has no effect, and four keepalives later the "
			"channel is lost.",
		.mutant = "ssp-deaf-to-silence",
		.run = cut_off_in_silence,
	},
	{
		.id = "ssp/vpnha-ssp/29b",
		.requirement = "docs/spec/ssp.md 1, 3",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A connection that closes amid a message ends at once, and half a message "
			"has no effect.",
		.mutant = "channel-keeps-broken",
		.needs = CASE_PROCESS,
		.run = cut_off_and_closed,
	},
	{
		.id = "ssp/vpnha-ssp/30",
		.requirement = "docs/spec/ssp.md 1",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "Messages may be cut anywhere into TLS records and TCP segments, down to "
			"single octets.",
		.mutant = "ssp-whole-reads",
		.run = crumbs,
	},
	{
		.id = "ssp/vpnha-ssp/31",
		.requirement = "docs/spec/ssp.md 1; SSP-12",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "A member that asks and does not read costs bounded memory, and no traffic.",
		.mutant = "channel-unbounded",
		.needs = CASE_PROCESS,
		.run = not_read,
	},
	{
		.id = "ssp/vpnha-ssp/32",
		.requirement = "docs/spec/ssp.md 1",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "A newer connection of the other member replaces the older.",
		.mutant = "channel-older-stays",
		.run = called_twice,
	},
};
CASE_SUITE(cases)
