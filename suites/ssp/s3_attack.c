/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * docs/spec/ssp.md 1 to 3, by a member that has the key and is wrong: what a standby must not take
 * from who feeds it. The other router carries the tunnel meanwhile.
 */
#include <stdio.h>
#include <string.h>

#include "suites/ssp/mate_kit.h"

#define SOON (2 * MATE_KIT_KEEPALIVE)

/* -- HELLO -- */

static void
hello_refused(struct case_run *c, void (*spoil)(struct mate_kit *x), enum mate_reason why)
{
	struct mate_kit x;
	size_t conn;

	if (!mate_kit_behind(&x, c, LAB_B))
		return;
	spoil(&x);
	conn = mate_kit_meet(&x);
	if (conn == MATE_NONE || !mate_kit_says(&x, conn, MATE_ERROR, why) ||
		!mate_kit_ends(&x, conn, SOON, "the end of the connection"))
		return;
	if (!case_expect(c, mate_find(x.mate, 0, conn, MATE_ACK) == MATE_NONE,
		    "expected nothing to be acknowledged after such a HELLO"))
		return;
	mate_set_group(x.mate, 100);
	(void)mate_kit_unharmed(&x);
}

static void
spoil_group(struct mate_kit *x)
{
	mate_set_group(x->mate, 101);
}

static void
wrong_group(struct case_run *c)
{
	hello_refused(c, spoil_group, MATE_GROUP);
}

static void
spoil_client(struct mate_kit *x)
{
	mate_wrong(x->mate)->client_version = 0x0200;
}

static void
wrong_client(struct case_run *c)
{
	hello_refused(c, spoil_client, MATE_VERSION);
}

static void
before_hello(struct case_run *c)
{
	struct mate_kit x;
	size_t conn;
	uint8_t rec[1024];

	if (!mate_kit_behind(&x, c, LAB_B))
		return;
	mate_wrong(x.mate)->no_hello = true;
	conn = mate_kit_meet(&x);
	lab_run(x.w.lab, 100 * NS_PER_MS);
	(void)mate_send_msg(x.mate, lab_now(x.w.lab), conn, rec,
		mate_kit_ike_sa(rec, sizeof rec, 0));
	if (mate_kit_says(&x, conn, MATE_ERROR, MATE_UNEXPECTED) &&
		mate_kit_ends(&x, conn, SOON, "the end of the connection"))
		(void)mate_kit_unharmed(&x);
}

/* -- messages that are not as the specification says -- */

/* RESERVE for the pair, 1000 numbers more, spoilt by `sets`; refused with ERROR, without effect. */
static bool
spoilt(struct mate_kit *x, const char *layers, const struct field_set *more, size_t cnt,
	enum mate_reason why)
{
	struct field_set sets[16] = {
		SET("ssp.spis.peer", LAB_OUT_PEER),
		SET("ssp.spis.inbound", 0x10000001u),
		SET("ssp.spis.outbound", 0x20000001u),
		SET("ssp.reserve.number", 3000),
	};
	size_t live = mate_kit_ready(x);
	long long before = mate_kit_reserved(x);
	size_t own = !strstr(layers, "spis") ? 0 : !strstr(layers, "reserve") ? 3 : 4;
	uint32_t number;

	if (live == MATE_NONE)
		return false;
	memcpy(sets + own, more, cnt * sizeof *more);
	number = mate_send(
		x->mate, lab_now(x->w.lab), live, MATE_RESERVE, layers, sets, own + cnt);
	return mate_kit_says(x, live, MATE_ERROR, why) &&
	       mate_kit_ends(x, live, SOON, "the end of the connection") &&
	       mate_kit_not_acked(x, live, number) &&
	       case_expect(x->w.c, mate_kit_reserved(x) == before || mate_kit_reserved(x) == -1,
		       "expected the message to have no effect; %lld numbers are reserved, were "
		       "%lld",
		       mate_kit_reserved(x), before);
}

#define SPOILT(x, layers, why, ...)                                                                \
	spoilt(x, layers, (const struct field_set[]){__VA_ARGS__},                                 \
		sizeof((const struct field_set[]){__VA_ARGS__}) / sizeof(struct field_set), why)
#define RESERVE "ssp/ssp.spis/ssp.reserve"

static void
wrong_version(struct case_run *c)
{
	struct mate_kit x;
	size_t live;

	if (mate_kit_fed(&x, c, LAB_B, &live) &&
		SPOILT(&x, RESERVE, MATE_VERSION, SET("ssp.version", 2)) &&
		SPOILT(&x, RESERVE, MATE_VERSION, SET("ssp.version", 0)))
		(void)mate_kit_unharmed(&x);
}

static void
unknown_type(struct case_run *c)
{
	struct mate_kit x;
	size_t live;

	if (mate_kit_fed(&x, c, LAB_A, &live) &&
		SPOILT(&x, RESERVE, MATE_MALFORMED, SET("ssp.type", 19)) &&
		SPOILT(&x, RESERVE, MATE_MALFORMED, SET("ssp.type", 0)) &&
		SPOILT(&x, RESERVE, MATE_MALFORMED, SET("ssp.type", 255)))
		(void)mate_kit_unharmed(&x);
}

static void
unknown_tlv(struct case_run *c)
{
	struct mate_kit x;
	size_t live;

	if (mate_kit_fed(&x, c, LAB_B, &live) &&
		SPOILT(&x, RESERVE "/ssp.unknown", MATE_MALFORMED,
			SET("ssp.unknown.type", 0x0100)) &&
		SPOILT(&x, "ssp/ssp.unknown/ssp.spis/ssp.reserve", MATE_MALFORMED,
			SET("ssp.unknown.type", 41)))
		(void)mate_kit_unharmed(&x);
}

static void
missing_or_repeated(struct case_run *c)
{
	struct mate_kit x;
	size_t live;

	if (mate_kit_fed(&x, c, LAB_B, &live) &&
		SPOILT(&x, "ssp/ssp.spis", MATE_MALFORMED, SET("ssp.version", 1)) &&
		SPOILT(&x, "ssp", MATE_MALFORMED, SET("ssp.version", 1)) &&
		SPOILT(&x, RESERVE "/ssp.reserve", MATE_MALFORMED,
			SET("ssp.reserve.number#2", 9000)) &&
		SPOILT(&x, RESERVE "/ssp.volume", MATE_MALFORMED, SET("ssp.version", 1)))
		(void)mate_kit_unharmed(&x);
}

static void
wrong_length(struct case_run *c)
{
	struct mate_kit x;
	size_t live;

	if (mate_kit_fed(&x, c, LAB_B, &live) &&
		SPOILT(&x, RESERVE, MATE_MALFORMED, SET("ssp.reserve.length", 4)) &&
		SPOILT(&x, RESERVE, MATE_MALFORMED, SET("ssp.reserve.length", 6)) &&
		SPOILT(&x, RESERVE, MATE_MALFORMED, SET("ssp.reserve.length", 0xffff)) &&
		SPOILT(&x, RESERVE, MATE_MALFORMED, SET("ssp.length", 17)))
		(void)mate_kit_unharmed(&x);
}

/* A header that announces more than a message may have: answered at once, not waited for. */
static void
too_long(struct case_run *c)
{
	struct mate_kit x;
	size_t live;

	if (mate_kit_fed(&x, c, LAB_A, &live) &&
		SPOILT(&x, "ssp", MATE_MALFORMED, SET("ssp.length", MATE_BODY_MAX + 1)) &&
		SPOILT(&x, "ssp", MATE_MALFORMED, SET("ssp.length", 0xffffffffu)))
		(void)mate_kit_unharmed(&x);
}

/* -- right messages with something that may be ignored -- */

static void
skippable(struct case_run *c)
{
	const struct field_set sets[] = {
		SET("ssp.spis.peer", LAB_OUT_PEER),
		SET("ssp.spis.inbound", 0x10000001u),
		SET("ssp.spis.outbound", 0x20000001u),
		SET("ssp.reserve.number", 3000),
		SET_BYTES("ssp.unknown.value", "of a later version", 18),
	};
	struct mate_kit x;
	size_t live;
	uint32_t number;

	if (!mate_kit_fed(&x, c, LAB_B, &live))
		return;
	number = mate_send(x.mate, lab_now(x.w.lab), live, MATE_RESERVE,
		"ssp/ssp.unknown/ssp.spis/ssp.reserve", sets, 5);
	if (mate_kit_acked(&x, live, number) &&
		case_expect_u64(c, 3000, (uint64_t)mate_kit_reserved(&x), "numbers reserved") &&
		mate_kit_lives(&x, live))
		(void)mate_kit_unharmed(&x);
}

static const struct case_def cases[] = {
	{
		.id = "ssp/vpnha-ssp/4",
		.requirement = "docs/spec/ssp.md 3, 1; SSP-04",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A HELLO of another group is refused by ERROR, and the "
			"connection ends.",
		.mutant = "ssp-any-hello",
		.run = wrong_group,
	},
	{
		.id = "ssp/vpnha-ssp/5",
		.requirement = "docs/spec/ssp.md 3, 1; SSP-05",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A HELLO whose clients have another major version is refused by "
			"ERROR, and the connection ends.",
		.mutant = "ssp-any-hello",
		.run = wrong_client,
	},
	{
		.id = "ssp/vpnha-ssp/33",
		.requirement = "docs/spec/ssp.md 3, 1",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "A record before HELLO is answered by ERROR, and the connection "
			"ends.",
		.mutant = "ssp-no-hello-first",
		.run = before_hello,
	},
	{
		.id = "ssp/vpnha-ssp/34a",
		.requirement = "docs/spec/ssp.md 1",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A message of another version is answered by ERROR and has no "
			"effect.",
		.mutant = "ssp-malformed-passed-over",
		.run = wrong_version,
	},
	{
		.id = "ssp/vpnha-ssp/34b",
		.requirement = "docs/spec/ssp.md 1",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A message of an unknown type is answered by ERROR and has no "
			"effect.",
		.mutant = "ssp-malformed-passed-over",
		.run = unknown_type,
	},
	{
		.id = "ssp/vpnha-ssp/34c",
		.requirement = "docs/spec/ssp.md 1",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A TLV that is unknown and may not be ignored is answered by "
			"ERROR; the message has no effect.",
		.mutant = "ssp-malformed-passed-over",
		.run = unknown_tlv,
	},
	{
		.id = "ssp/vpnha-ssp/34d",
		.requirement = "docs/spec/ssp.md 1",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A missing, repeated or foreign TLV is answered by ERROR; the "
			"message has no effect.",
		.mutant = "ssp-malformed-passed-over",
		.run = missing_or_repeated,
	},
	{
		.id = "ssp/vpnha-ssp/34e",
		.requirement = "docs/spec/ssp.md 1",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A wrong length is answered by ERROR; the message has no effect.",
		.mutant = "ssp-malformed-passed-over",
		.run = wrong_length,
	},
	{
		.id = "ssp/vpnha-ssp/34f",
		.requirement = "docs/spec/ssp.md 1",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A message longer than any may be is answered at its header.",
		.mutant = "ssp-malformed-passed-over",
		.run = too_long,
	},
	{
		.id = "ssp/vpnha-ssp/35",
		.requirement = "docs/spec/ssp.md 1",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "A TLV with the top bit set is ignored when unknown, and the "
			"message takes effect.",
		.mutant = "ssp-nothing-optional",
		.run = skippable,
	},
};
CASE_SUITE(cases)
