/* SPDX-License-Identifier: BSD-2-Clause */
/* The router begins: a static map, and traffic of the host that its access list protects. */
#include <string.h>

#include "harness/field/field.h"
#include "suites/ike/ike_kit.h"

static const struct lab_text initiator = {.static_map = true};

static struct peer_cfg
waiting_peer(void)
{
	struct peer_cfg cfg = world_peer_cfg();

	cfg.passive = true;
	return cfg;
}

/* The host sends towards the other side: that is what has A begin. */
static void
trigger(struct world *w)
{
	host_send_udp(w->host, lab_now(w->lab), LAB_REMOTE_HOST, 9, 9, "wake", 4);
}

static bool
up(void *ctx)
{
	return peer_is_up(ctx);
}

static bool
expect_up(struct world *w, ns_t limit)
{
	return case_await(w->c, "a tunnel that A has begun", limit, up, w->peer);
}

/* ---- it comes up ---- */

static bool
has_attribute(const struct msg *m, unsigned type, uint32_t *value)
{
	char name[48];
	uint32_t t;

	for (unsigned i = 1; i < 24; i++) {
		(void)snprintf(name, sizeof name, "isakmp.attr.type#%u", i);
		if (!field_u32(m, name, &t))
			break;
		(void)snprintf(name, sizeof name, "isakmp.attr.value#%u", i);
		if (t == type)
			return !value || field_u32(m, name, value);
	}
	for (unsigned i = 1; i < 24; i++) {
		(void)snprintf(name, sizeof name, "isakmp.attrv.type#%u", i);
		if (!field_u32(m, name, &t))
			break;
		(void)snprintf(name, sizeof name, "isakmp.attrv.value#%u", i);
		if (t == type)
			return !value || field_u32(m, name, value);
	}
	return false;
}

/* Lifetimes: as attributes in message 1, and as the peer has read them in both phases. */
static void
comes_up(struct case_run *c)
{
	const struct lab_text knobs = {.static_map = true,
		.swap = {{" lifetime 86400", " lifetime 3600"}},
		.add_map = {" set security-association lifetime seconds 600"}};
	struct peer_cfg cfg = waiting_peer();
	struct world w;
	struct msg m;
	struct pkt p;
	uint32_t v = 0;

	if (!ike_kit_alone(&w, c, &knobs, &cfg))
		return;
	trigger(&w);
	if (!expect_up(&w, 5 * NS_PER_S) || !ike_kit_expect_traffic(&w, "A was initiator"))
		return;
	p = ike_kit_pkt(&w, ike_kit_find(&w, PORT_A_OUT, IKE_KIT_MAIN, 0));
	(void)field_decode_as(&m, "isakmp", p.isakmp, p.isakmp_len);
	if (!case_expect(c, m.err == ERR_OK,
		    "expected message 1 to be well formed; %s is not",
		    m.bad.field ? m.bad.field : "it") ||
		!case_expect(c, has_attribute(&m, 11, NULL),
			"expected a life type in message 1; saw none") ||
		!case_expect(c, has_attribute(&m, 12, &v),
			"expected a life duration in message 1; saw none") ||
		!case_expect_u64(c, 3600, v, "life duration of the IKE SA, seconds"))
		return;
	(void)case_expect_u64(
		c, 600, peer_phase2(w.peer)->life_s, "life duration of the SA pair, seconds");
}

/* The cookies, message ids and roles of a negotiation, and that it was one. */
static void
begins_once(struct case_run *c)
{
	struct peer_cfg cfg = waiting_peer();
	struct world w;

	if (!ike_kit_alone(&w, c, &initiator, &cfg))
		return;
	for (int i = 0; i < 20; i++)
		trigger(&w);
	if (!expect_up(&w, 5 * NS_PER_S))
		return;
	lab_run(w.lab, 500 * NS_PER_MS);
	if (case_expect_u64(c, 1, peer_counters(w.peer)->phase1_up,
		    "Phase 1 negotiations for twenty packets") &&
		case_expect_u64(c, 1, peer_counters(w.peer)->phase2_up,
			"Phase 2 negotiations for twenty packets") &&
		case_expect(c, !peer_phase2(w.peer)->initiator, "expected A to be the initiator"))
		(void)ike_kit_expect_traffic(&w, "A was initiator");
}

/* ---- loss ---- */

/* The peer is deaf for a while: the first message again, the very same, at growing distances. */
static void
retransmits(struct case_run *c)
{
	struct peer_cfg cfg = waiting_peer();
	struct world w;
	size_t first, n;
	ns_t since;

	cfg.dead_to_ike = true;
	if (!ike_kit_alone(&w, c, &initiator, &cfg))
		return;
	since = ike_kit_mark(&w);
	trigger(&w);
	lab_run(w.lab, 4 * NS_PER_S);
	n = ike_kit_count(&w, PORT_A_OUT, IKE_KIT_MAIN, since);
	case_figure(c, "sendings of message 1 in 4 s", (double)n, "messages");
	if (!case_expect(c, n >= 2, "expected message 1 again within 4 s; saw it %zu times", n))
		return;
	first = ike_kit_find(&w, PORT_A_OUT, IKE_KIT_MAIN, since);
	for (size_t i = 1; i < n; i++)
		if (!case_expect(c,
			    ike_kit_same(
				    &w, first, ike_kit_nth(&w, PORT_A_OUT, IKE_KIT_MAIN, since, i)),
			    "expected sending %zu to be the same bytes", i + 1))
			return;
}

/* The answer is lost once, and the peer does not ask of itself: it is A that has to. */
static bool
lost(struct world *w, enum peer_kind k)
{
	peer_wrong(w->peer)->drop = PEER_BIT(k);
	peer_wrong(w->peer)->count = 1;
	trigger(w);
	return case_expect(w->c, lab_until(w->lab, "a tunnel", 5 * NS_PER_S, up, w->peer),
		       "expected a tunnel though one %s was lost", peer_kind_name(k)) &&
	       ike_kit_expect_traffic(w, "after a loss");
}

static void
loss(struct case_run *c, enum peer_kind k)
{
	struct peer_cfg cfg = waiting_peer();
	struct world w;

	cfg.retry = 60 * NS_PER_S;
	if (ike_kit_alone(&w, c, &initiator, &cfg))
		(void)lost(&w, k);
}

static void
loss_of_4(struct case_run *c)
{
	loss(c, PEER_MM4);
}

static void
loss_of_6(struct case_run *c)
{
	loss(c, PEER_MM6);
}

static void
loss_of_quick_2(struct case_run *c)
{
	loss(c, PEER_QM2);
}

/* ---- answers that were not asked for ---- */

/* Hash SHA-1, as a basic attribute, becomes SHA-256: known to all, and not offered. */
static size_t
other_hash(void *ctx, enum peer_kind kind, uint8_t *bytes, size_t len, size_t cap)
{
	static const uint8_t sha[] = {0x80, 2, 0, 2};

	(void)ctx;
	(void)cap;
	for (size_t i = 0; kind == PEER_MM2 && i + 4 <= len; i++)
		if (!memcmp(bytes + i, sha, 4)) {
			bytes[i + 3] = 4;
			break;
		}
	return len;
}

/* Message 2 names a transform that was not offered: message 3 must not follow. */
static void
other_choice(struct case_run *c)
{
	struct peer_cfg cfg = waiting_peer();
	struct world w;
	size_t no;

	if (!ike_kit_alone(&w, c, &initiator, &cfg))
		return;
	peer_wrong(w.peer)->edit_plain = other_hash;
	trigger(&w);
	lab_run(w.lab, 900 * NS_PER_MS);
	if (ike_kit_find(&w, PORT_PEER, IKE_KIT_MAIN, 0) == TRACE_NONE) {
		case_inconclusive(c, "A did not begin");
		return;
	}
	for (size_t i = 0; (no = ike_kit_nth(&w, PORT_A_OUT, IKE_KIT_MAIN, 0, i)) != TRACE_NONE;
		i++)
		if (!case_expect(c, ike_kit_pkt(&w, no).isakmp[16] == 1,
			    "expected no message but the first (SA) after a choice that was not "
			    "offered; saw payload %u",
			    ike_kit_pkt(&w, no).isakmp[16])) {
			case_decided_by(c, no, "message 3");
			return;
		}
}

static void
bad_hash_r(struct case_run *c)
{
	struct peer_cfg cfg = waiting_peer();
	struct world w;

	if (!ike_kit_alone(&w, c, &initiator, &cfg))
		return;
	peer_wrong(w.peer)->bad_hash = PEER_BIT(PEER_MM6);
	trigger(&w);
	lab_run(w.lab, 900 * NS_PER_MS);
	if (!peer_counters(w.peer)->phase1_up) {
		case_inconclusive(c, "the peer did not come as far as message 6");
		return;
	}
	(void)case_expect_u64(c, 0, ike_kit_count(&w, PORT_A_OUT, IKE_KIT_QUICK, 0),
		"Quick Mode messages to a peer whose HASH_R has one bit wrong");
}

static const struct case_def cases[] = {
	{
		.id = "ike/2407-4.5/1",
		.requirement = "RFC 2407, 4.5; RFC 2409, App. A",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "As initiator the router sets up a tunnel, and offers the lifetimes of its "
			"configuration.",
		.mutant = "ike-no-lifetime",
		.run = comes_up,
	},
	{
		.id = "ike/2409-5.5/6",
		.requirement = "RFC 2409, 5.4 and 5.5",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "However many packets wait, the router begins one negotiation, and its SAs "
			"carry traffic.",
		.mutant = "ike-keymat-swapped",
		.run = begins_once,
	},
	{
		.id = "ike/2408-5.1/2",
		.requirement = "RFC 2408, 5.1",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "A first message that is not answered is sent again, the very same bytes.",
		.mutant = "ike-no-retransmission",
		.run = retransmits,
	},
	{
		.id = "ike/2408-5.1/3a",
		.requirement = "RFC 2408, 5.1",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "When the fourth message of Main Mode is lost, the initiator asks again, "
			"and the tunnel comes up.",
		.mutant = "ike-no-retransmission",
		.run = loss_of_4,
	},
	{
		.id = "ike/2408-5.1/3b",
		.requirement = "RFC 2408, 5.1",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "When the sixth message of Main Mode is lost, the initiator asks again, "
			"and the tunnel comes up.",
		.mutant = "ike-no-retransmission",
		.run = loss_of_6,
	},
	{
		.id = "ike/2408-5.1/3c",
		.requirement = "RFC 2408, 5.1",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "When the second message of Quick Mode is lost, the initiator asks again, "
			"and the tunnel comes up.",
		.mutant = "ike-no-retransmission",
		.run = loss_of_quick_2,
	},
	{
		.id = "ike/2408-4.2/2",
		.requirement = "RFC 2408, 4.2; RFC 2409, 5",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "An initiator rejects an answer that is not one of its offers.",
		.mutant = "ike-any-choice",
		.run = other_choice,
	},
	{
		.id = "ike/2409-5.4/2",
		.requirement = "RFC 2409, 5 and 5.4",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "An initiator whose peer's HASH_R is wrong begins no Quick Mode.",
		.mutant = "ike-any-psk",
		.run = bad_hash_r,
	},
};
CASE_SUITE(cases)
