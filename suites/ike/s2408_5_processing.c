/* SPDX-License-Identifier: BSD-2-Clause */
/* RFC 2408 5: what a receiver does with a message before it believes it, and with one that it has
 * had before. */
#include <string.h>

#include "harness/field/field.h"
#include "suites/ike/ike_kit.h"

/* ---- duplicates (5.1, and 2409 5: the same message is answered by the same) ---- */

struct again {
	enum peer_kind kind, then; /* repeated; what would follow it, and is kept back */
	unsigned exchange;
	size_t answers; /* of A in that exchange, up to its answer */
};

struct wait_answer {
	struct world *w;
	unsigned exchange;
	ns_t since;
	size_t cnt;
};

static bool
has_answered(void *ctx)
{
	const struct wait_answer *a = ctx;

	return ike_kit_count(a->w, PORT_A_OUT, a->exchange, a->since) >= a->cnt;
}

static void
duplicate(struct case_run *c, const struct again *d)
{
	static struct ike_kit_tap tap;
	struct world w;
	struct wait_answer a = {&w, d->exchange, 0, d->answers};
	size_t first;

	if (!ike_kit_alone(&w, c, NULL, NULL))
		return;
	tap = (struct ike_kit_tap){.kind = d->kind};
	ike_kit_tap(&w, &tap);
	peer_wrong(w.peer)->drop = PEER_BIT(d->then);
	peer_initiate(w.peer, lab_now(w.lab));
	if (!case_reach(c, "A's answer", 3 * NS_PER_S, has_answered, &a))
		return;
	first = ike_kit_nth(&w, PORT_A_OUT, d->exchange, 0, d->answers - 1);
	lab_run(w.lab, 20 * NS_PER_MS);
	a.since = ike_kit_mark(&w);
	a.cnt = 1;
	peer_send_ike(w.peer, lab_now(w.lab), tap.bytes, tap.len);
	if (!case_await(c, "an answer to the repeated message", 400 * NS_PER_MS, has_answered, &a))
		return;
	(void)case_expect(c,
		ike_kit_same(&w, first, ike_kit_find(&w, PORT_A_OUT, d->exchange, a.since)),
		"expected the very same bytes in answer to a repeated %s; saw others",
		peer_kind_name(d->kind));
}

static void
duplicate_1(struct case_run *c)
{
	duplicate(c, &(struct again){PEER_MM1, PEER_MM3, IKE_KIT_MAIN, 1});
}

static void
duplicate_3(struct case_run *c)
{
	duplicate(c, &(struct again){PEER_MM3, PEER_MM5, IKE_KIT_MAIN, 2});
}

static void
duplicate_5(struct case_run *c)
{
	duplicate(c, &(struct again){PEER_MM5, PEER_QM1, IKE_KIT_MAIN, 3});
}

static void
duplicate_quick(struct case_run *c)
{
	duplicate(c, &(struct again){PEER_QM1, PEER_QM3, IKE_KIT_QUICK, 1});
}

/* ---- the header ---- */

/* A message under cookies that A does not know: no answer but, perhaps, INVALID-COOKIE in clear. */
static void
unknown_cookie(struct case_run *c)
{
	struct world w;
	ns_t since;

	if (!ike_kit_tunnel(&w, c, NULL, NULL))
		return;
	peer_wrong(w.peer)->bad_cookie = PEER_BIT(PEER_QM1);
	since = ike_kit_mark(&w);
	peer_initiate(w.peer, lab_now(w.lab));
	lab_run(w.lab, 700 * NS_PER_MS);
	if (!case_expect_u64(c, 0, ike_kit_count(&w, PORT_A_OUT, IKE_KIT_QUICK, since),
		    "Quick Mode messages in answer to one under unknown cookies"))
		return;
	peer_wrong(w.peer)->bad_cookie = 0;
	(void)ike_kit_expect_traffic(&w, "after a message under unknown cookies");
}

static size_t
reserved_set(void *ctx, enum peer_kind kind, uint8_t *bytes, size_t len, size_t cap)
{
	(void)ctx;
	(void)cap;
	if (kind == PEER_MM1 && len > 1)
		bytes[1] = 1;
	return len;
}

static void
reserved(struct case_run *c)
{
	struct world w;
	ns_t since;

	if (!ike_kit_alone(&w, c, NULL, NULL))
		return;
	peer_wrong(w.peer)->edit_plain = reserved_set;
	since = ike_kit_mark(&w);
	peer_initiate(w.peer, lab_now(w.lab));
	lab_run(w.lab, 700 * NS_PER_MS);
	if (!case_expect_u64(c, 0, ike_kit_count(&w, PORT_A_OUT, IKE_KIT_MAIN, since),
		    "Main Mode messages in answer to a payload whose RESERVED octet is 1"))
		return;
	peer_wrong(w.peer)->edit_plain = NULL;
	peer_reset(w.peer, lab_now(w.lab));
	(void)ike_kit_expect_tunnel(&w, "after the same without the octet");
}

/* ---- garbage ---- */

/* Message 1 cut short, with lengths that lie, with octets set that must be zero; and noise. */
static void
throw_garbage(struct world *w, const struct ike_kit_tap *good)
{
	uint8_t b[2048];
	size_t len = good->len;

	for (size_t cut = 0; cut < len; cut += 5) {
		memcpy(b, good->bytes, len);
		peer_send_ike(w->peer, lab_now(w->lab), b, cut);
		b[26] = (uint8_t)(cut >> 8); /* the header's length agrees with the cut */
		b[27] = (uint8_t)cut;
		peer_send_ike(w->peer, lab_now(w->lab), b, cut);
		lab_run(w->lab, NS_PER_MS);
	}
	for (size_t at = 29; at < len && at < 56;
		at++) { /* SA and proposal: reserved, lengths, counts */
		memcpy(b, good->bytes, len);
		b[at] ^= 0x40;
		if (at == 29 || at == 30 || at == 31 || (at >= 41 && at <= 43))
			peer_send_ike(w->peer, lab_now(w->lab), b, len);
	}
	for (size_t n = 0; n < 40; n++) {
		for (size_t i = 0; i < 64 + n * 10; i++)
			b[i] = (uint8_t)lab_random(w->lab, 256);
		peer_send_ike(w->peer, lab_now(w->lab), b, 64 + n * 10);
	}
	lab_run(w->lab, 200 * NS_PER_MS);
}

static void
garbage(struct case_run *c)
{
	static struct ike_kit_tap tap;
	struct world w;
	ns_t since;

	if (!ike_kit_alone(&w, c, NULL, NULL))
		return;
	tap = (struct ike_kit_tap){.kind = PEER_MM1, .swallow = true};
	ike_kit_tap(&w, &tap);
	since = ike_kit_mark(&w);
	peer_initiate(w.peer, lab_now(w.lab));
	throw_garbage(&w, &tap);
	if (!case_expect_u64(c, 0, ike_kit_count(&w, PORT_A_OUT, IKE_KIT_MAIN, since),
		    "Main Mode messages in answer to malformed ones") ||
		!case_expect(c, lab_alive(w.lab, LAB_A), "expected A to live on"))
		return;
	tap.swallow = false;
	peer_reset(w.peer, lab_now(w.lab));
	if (ike_kit_expect_tunnel(&w, "after garbage"))
		(void)ike_kit_expect_traffic(&w, "after garbage");
}

/* ---- what came in clear ---- */

static void
clear_delete(struct case_run *c)
{
	struct world w;
	uint32_t v;
	uint8_t spi[4];

	if (!ike_kit_tunnel(&w, c, NULL, NULL))
		return;
	v = peer_phase2(w.peer)->spi_in;
	for (int i = 0; i < 4; i++)
		spi[i] = (uint8_t)(v >> (24 - 8 * i));
	ike_kit_clear_info(&w, "isakmp.delete",
		(const struct field_set[]){SET("isakmp.delete.protocol", 3),
			SET("isakmp.delete.count", 1), SET_BYTES("isakmp.delete.spis", spi, 4)},
		3);
	lab_run(w.lab, 200 * NS_PER_MS);
	if (!ike_kit_expect_traffic(&w, "after a Delete in clear"))
		return;
	(void)case_expect_u64(
		c, 1, peer_counters(w.peer)->phase2_up, "Phase 2 negotiations in all");
}

static const struct case_def cases[] = {
	{
		.id = "ike/2408-5.1/1a",
		.requirement = "RFC 2408, 5.1",
		.level = CASE_SHOULD,
		.class_ = CASE_INOPPORTUNE,
		.says = "A repeated first message of Main Mode is answered by the very same bytes; "
			"no second "
			"negotiation begins.",
		.mutant = "ike-redo-duplicates",
		.run = duplicate_1,
	},
	{
		.id = "ike/2408-5.1/1b",
		.requirement = "RFC 2408, 5.1",
		.level = CASE_SHOULD,
		.class_ = CASE_INOPPORTUNE,
		.says = "A repeated third message of Main Mode is answered by the very same bytes.",
		.mutant = "ike-silent-to-duplicates",
		.run = duplicate_3,
	},
	{
		.id = "ike/2408-5.1/1c",
		.requirement = "RFC 2408, 5.1",
		.level = CASE_SHOULD,
		.class_ = CASE_INOPPORTUNE,
		.says = "A repeated fifth message of Main Mode is answered by the very same bytes: "
			"the sixth may "
			"have been lost.",
		.mutant = "ike-silent-to-duplicates",
		.run = duplicate_5,
	},
	{
		.id = "ike/2408-5.1/1d",
		.requirement = "RFC 2408, 5.1",
		.level = CASE_SHOULD,
		.class_ = CASE_INOPPORTUNE,
		.says = "A repeated first message of Quick Mode is answered by the very same "
			"bytes, with the same "
			"SPI in them.",
		.mutant = "ike-silent-to-duplicates",
		.run = duplicate_quick,
	},
	{
		.id = "ike/2408-5.2/1",
		.requirement = "RFC 2408, 5.2",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A message under cookies that belong to no SA is discarded.",
		.mutant = "ike-any-cookie",
		.run = unknown_cookie,
	},
	{
		.id = "ike/2408-5.3/1",
		.requirement = "RFC 2408, 5.3",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A message with a payload whose RESERVED octet is not zero is discarded.",
		.mutant = "ike-reserved-ignored",
		.run = reserved,
	},
	{
		.id = "ike/2408-5.3/2",
		.requirement = "RFC 2408, 5.1 to 5.3",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "Malformed messages begin nothing, and the router negotiates afterwards as "
			"before.",
		.mutant = "ike-reserved-ignored",
		.run = garbage,
	},
	{
		.id = "ike/2408-5.15/1",
		.requirement = "RFC 2408, 5.15; RFC 2409, 5.7",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A Delete that nothing protects, under the right cookies and SPI, deletes "
			"nothing.",
		.mutant = "ike-clear-delete-acts",
		.run = clear_delete,
	},
};
CASE_SUITE(cases)
