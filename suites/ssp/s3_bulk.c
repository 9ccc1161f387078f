/* SPDX-License-Identifier: BSD-2-Clause */
/* docs/spec/ssp.md 3: a standby that joins later is given everything; what the records say is what
 * the peer knows. */
#include <string.h>

#include "suites/ike/ike_kit.h"
#include "suites/ssp/ssp_kit.h"

/* A carries traffic alone; B joins and is filled. Streams have stopped, so that counters stand
 * still. */
static bool
joined(struct world *w, struct case_run *c, const struct lab_text *knobs)
{
	world_open_cold(w, c, knobs, NULL);
	w->c = c;
	case_start(c, LAB_A);
	if (!pair_reach_active(w, LAB_A, PAIR_UP_LIMIT) || !pair_tunnel(w))
		return false;
	pair_streams_start(w, 100, 200);
	lab_run(w->lab, NS_PER_S);
	pair_streams_stop(w);
	case_start(c, LAB_B);
	return pair_reach_standby(w, LAB_B, PAIR_UP_LIMIT);
}

/* The last ciphertext block of phase 1 (RFC 2409 App. B): the end of Main Mode message 6, as it
 * left. */
static bool
last_block_expect(struct world *w, const struct ssp_kit *k, size_t i)
{
	const uint8_t *p;
	struct pkt mm6;
	size_t n = 0, no = TRACE_NONE, len;

	for (size_t f; (f = ike_kit_nth(w, PORT_A_OUT, IKE_KIT_MAIN, 0, n)) != TRACE_NONE; n++)
		no = f;
	if (no == TRACE_NONE || n < 3) {
		case_inconclusive(w->c, "Main Mode message 6 is not in the trace");
		return false;
	}
	mm6 = ike_kit_pkt(w, no);
	return case_expect(w->c,
		field_bytes(ssp_kit_open(k, i), "ssp.last_block.block", &p, &len) && len == 16 &&
			!memcmp(p, mm6.isakmp + mm6.isakmp_len - 16, 16),
		"expected LAST_BLOCK to be the last 16 octets of Main Mode message 6");
}

static bool
identity_expect(struct world *w, const struct ssp_kit *k, size_t i)
{
	static const uint8_t id[4] = {172, 16, 31, 200};
	const uint8_t *p;
	size_t len;

	return ssp_kit_expect(w, k, i, "ssp.peer_id.idtype", 1) &&
	       case_expect(w->c,
		       field_bytes(ssp_kit_open(k, i), "ssp.peer_id.id", &p, &len) && len == 4 &&
			       !memcmp(p, id, 4),
		       "expected the peer's address as its identity");
}

/* The Quick Mode's message id is among those used. */
static bool
msgids_expect(struct world *w, const struct ssp_kit *k, size_t i)
{
	uint32_t want = peer_phase2(w->peer)->msgid;
	bool found = false;
	const uint8_t *p;
	size_t len = 0;

	if (field_bytes(ssp_kit_open(k, i), "ssp.msgids.ids", &p, &len))
		for (size_t n = 0; n + 4 <= len; n += 4)
			found = found || ((uint32_t)p[n] << 24 | (uint32_t)p[n + 1] << 16 |
						 (uint32_t)p[n + 2] << 8 | p[n + 3]) == want;
	return case_expect(w->c, found, "expected message id 0x%08x among the %zu that were used",
		want, len / 4);
}

static bool
ike_expect(struct world *w, const struct ssp_kit *k, size_t i)
{
	const struct peer_phase1 *p = peer_phase1(w->peer);
	const struct keyike *keys = keyring_ike(case_ring(w->c), p->icookie, p->rcookie);

	if (!keys) {
		case_error(w->c, "the peer's own keys are not in the ring");
		return false;
	}
	return ssp_kit_expect(w, k, i, "ssp.side.side", 2) &&
	       ssp_kit_expect(w, k, i, "ssp.local.address", LAB_OUT_VIP) &&
	       ssp_kit_expect(w, k, i, "ssp.local.port", 500) &&
	       ssp_kit_expect(w, k, i, "ssp.remote.address", LAB_OUT_PEER) &&
	       ssp_kit_expect(w, k, i, "ssp.remote.port", 500) &&
	       ssp_kit_expect(w, k, i, "ssp.phase1.cipher", p->prop.cipher) &&
	       ssp_kit_expect(w, k, i, "ssp.phase1.bits", p->prop.key_bits) &&
	       ssp_kit_expect(w, k, i, "ssp.phase1.hash", (uint64_t)p->prop.hash) &&
	       ssp_kit_expect(w, k, i, "ssp.phase1.group", p->prop.group) &&
	       ssp_kit_expect_key(w, k, i, "ssp.skeyid_d.key", &keys->d) &&
	       ssp_kit_expect_key(w, k, i, "ssp.skeyid_a.key", &keys->a) &&
	       ssp_kit_expect_key(w, k, i, "ssp.skeyid_e.key", &keys->e) &&
	       ssp_kit_expect_key(w, k, i, "ssp.cipher_key.key", &keys->key) &&
	       ssp_kit_expect(w, k, i, "ssp.confirmed.confirmed", 1) &&
	       ssp_kit_expect(w, k, i, "ssp.natt.flags", 0) &&
	       ssp_kit_expect(w, k, i, "ssp.dpd.flags", 1) && last_block_expect(w, k, i) &&
	       identity_expect(w, k, i) && msgids_expect(w, k, i);
}

static bool
proxies_expect(struct world *w, const struct ssp_kit *k, size_t i)
{
	return ssp_kit_expect(w, k, i, "ssp.proxy_local.address", IP4(10, 0, 0, 0)) &&
	       ssp_kit_expect(w, k, i, "ssp.proxy_local.prefix", 24) &&
	       ssp_kit_expect(w, k, i, "ssp.proxy_remote.address", LAB_REMOTE_NET) &&
	       ssp_kit_expect(w, k, i, "ssp.proxy_remote.prefix", 24);
}

/* Keys and counters. Inbound here is outbound at the peer. */
static bool
pair_expect(struct world *w, const struct ssp_kit *k, size_t i)
{
	const struct peer_phase2 *p = peer_phase2(w->peer);
	const struct keyesp *in = keyring_esp(case_ring(w->c), p->spi_out, LAB_OUT_VIP);
	const struct keyesp *out = keyring_esp(case_ring(w->c), p->spi_in, LAB_OUT_PEER);
	uint64_t reserve = ssp_kit_num(k, i, "ssp.reserve.number");

	if (!in || !out) {
		case_error(w->c, "the peer's own keys are not in the ring");
		return false;
	}
	return ssp_kit_expect(w, k, i, "ssp.side.side", 2) &&
	       ssp_kit_expect(w, k, i, "ssp.transform.transform", 1) &&
	       ssp_kit_expect(w, k, i, "ssp.transform.pfs", 0) &&
	       ssp_kit_expect(w, k, i, "ssp.limits.kilobytes", 1000000) &&
	       ssp_kit_expect_key(w, k, i, "ssp.enc_in.key", &in->enc) &&
	       ssp_kit_expect_key(w, k, i, "ssp.auth_in.key", &in->auth) &&
	       ssp_kit_expect_key(w, k, i, "ssp.enc_out.key", &out->enc) &&
	       ssp_kit_expect_key(w, k, i, "ssp.auth_out.key", &out->auth) &&
	       proxies_expect(w, k, i) &&
	       ssp_kit_expect(w, k, i, "ssp.window.highest", p->seq_out) &&
	       ssp_kit_expect(w, k, i, "ssp.reserve.kind", 1) &&
	       case_expect(w->c, reserve >= p->in.highest + 1000 && reserve <= p->in.highest + 2001,
		       "expected a first reservation of one to two intervals (1000) above the last "
		       "number "
		       "sent (%u), saw %llu",
		       p->in.highest, (unsigned long long)reserve);
}

static bool
life_expect(struct world *w, const struct ssp_kit *k, size_t i)
{
	const struct peer_phase2 *p = peer_phase2(w->peer);
	uint64_t left = ssp_kit_num(k, i, "ssp.life.seconds"),
		 in = ssp_kit_num(k, i, "ssp.volume.in");
	ns_t age = k->v[i].at - p->up;

	return case_expect(w->c, left <= 3600 && left + (uint64_t)(age / NS_PER_S) + 2 >= 3600,
		       "expected 3600 s less the SA's age (%.1f s), saw %llu s", (double)age / 1e9,
		       (unsigned long long)left) &&
	       case_expect(w->c,
		       in >= 90ull * 200 && ssp_kit_num(k, i, "ssp.volume.out") >= 90ull * 200,
		       "expected the octets carried so far (about 100 packets of 200), saw %llu "
		       "inwards",
		       (unsigned long long)in);
}

static size_t
records(const struct ssp_kit *k, size_t begin, size_t end)
{
	size_t n = 0;

	for (size_t i = begin; i < end; i++)
		n += k->v[i].from == LAB_A &&
		     (k->v[i].type == SSP_KIT_IKE_SA || k->v[i].type == SSP_KIT_IPSEC_SA);
	return n;
}

static bool
bulk_done(void *ctx)
{
	struct world *w = ctx;
	const struct ssp_kit *k = ssp_kit_read(w);
	size_t end = ssp_kit_next(k, 0, LAB_A, SSP_KIT_BULK_END);

	return ssp_kit_ack_of(k, end) != SSP_KIT_NONE;
}

static void
bulk(struct case_run *c)
{
	const struct lab_text knobs = {
		.add_map = {" set security-association lifetime kilobytes 1000000"}};
	struct world w;
	const struct ssp_kit *k;
	size_t begin, end, ike, pair;

	if (!joined(&w, c, &knobs) ||
		!case_await(c, "a bulk sync, acknowledged to its end", 3 * NS_PER_S, bulk_done, &w))
		return;
	k = ssp_kit_read(&w);
	begin = ssp_kit_next(k, 0, LAB_A, SSP_KIT_BULK_BEGIN);
	end = ssp_kit_next(k, 0, LAB_A, SSP_KIT_BULK_END);
	ike = ssp_kit_next_ike(k, 0, SSP_KIT_IKE_SA, peer_phase1(w.peer));
	pair = ssp_kit_next_of(k, 0, SSP_KIT_IPSEC_SA, peer_phase2(w.peer));
	if (!case_expect(c, begin < end, "expected BULK_BEGIN before BULK_END") ||
		!case_expect(c, ike != SSP_KIT_NONE && ike > begin && ike < end,
			"expected an IKE_SA with the cookies of the peer's SA within the bulk") ||
		!case_expect(c, pair != SSP_KIT_NONE && pair > begin && pair < end,
			"expected an IPSEC_SA with the SPIs of the peer's pair within the bulk") ||
		!case_expect_u64(c, ssp_kit_num(k, end, "ssp.count.records"),
			records(k, begin, end),
			"records between the marks, as BULK_END counts them"))
		return;
	if (ike_expect(&w, k, ike) && pair_expect(&w, k, pair) && life_expect(&w, k, pair))
		(void)case_expect(c, ssp_kit_next(k, 0, LAB_B, SSP_KIT_IPSEC_SA) == SSP_KIT_NONE,
			"expected no record from a standby");
}

/* The spec's order: HELLO first on each side, and one number after the other. */
static bool
order_expect(struct world *w, const struct ssp_kit *k)
{
	uint32_t last[LAB_MEMBERS] = {0};
	unsigned conn = 0;

	for (size_t i = 0; i < k->cnt; i++) {
		const struct ssp_kit_msg *m = &k->v[i];
		const char *who = lab_member_name(m->from);

		if (m->conn != conn)
			last[LAB_A] = last[LAB_B] = 0;
		conn = m->conn;
		if (!case_expect(w->c, last[m->from] || m->type == SSP_KIT_HELLO,
			    "expected HELLO as the first message of %s, saw type %u", who,
			    m->type) ||
			!case_expect(w->c, last[m->from] + 1 == m->number,
				"expected number %u from %s, saw %u", last[m->from] + 1, who,
				m->number) ||
			!case_expect(w->c, ssp_kit_open(k, i)->err == ERR_OK,
				"expected a message that reads well from %s, saw number %u of type "
				"%u",
				who, m->number, m->type)) {
			case_decided_by(
				w->c, m->frame, "SSP number %u of type %u", m->number, m->type);
			return false;
		}
		last[m->from] = m->number;
	}
	return true;
}

static bool
acks_expect(struct world *w, const struct ssp_kit *k)
{
	for (size_t i = 0; i < k->cnt; i++)
		if (k->v[i].from == LAB_A && k->v[i].type >= SSP_KIT_BULK_BEGIN &&
			k->v[i].type <= SSP_KIT_DPD &&
			k->v[i].at + 300 * NS_PER_MS < lab_now(w->lab) &&
			!case_expect(w->c, ssp_kit_ack_of(k, i) != SSP_KIT_NONE,
				"expected an ACK that covers number %u (type %u)", k->v[i].number,
				k->v[i].type))
			return false;
	return true;
}

/* Idle, with nothing but keepalives to say. */
static bool
keepalives_expect(struct world *w)
{
	ns_t from = lab_now(w->lab), span = 2 * NS_PER_S;
	const struct ssp_kit *k;

	lab_run(w->lab, span);
	k = ssp_kit_read(w);
	if (!k->cnt) {
		case_inconclusive(w->c, "no message could be read on the sync segment");
		return false;
	}
	for (int m = 0; m < LAB_MEMBERS; m++) {
		enum lab_member who = (enum lab_member)m;
		size_t n = ssp_kit_cnt(k, who, SSP_KIT_KEEPALIVE_MSG, from, from + span);

		if (!case_expect_paced(w->c, n, 5, 12, SSP_KIT_KEEPALIVE,
			    m == LAB_A ? "keepalives of A in 2 s, one each 200 ms"
				       : "keepalives of B in 2 s, one each 200 ms"))
			return false;
	}
	return true;
}

static void
course(struct case_run *c)
{
	struct world w;
	const struct ssp_kit *k;

	if (!pair_up(&w, c, NULL, NULL) || !keepalives_expect(&w) || !pair_ready(&w, LAB_B) ||
		!pair_tunnel(&w))
		return;
	pair_streams_start(&w, 200, 100);
	lab_run(w.lab, NS_PER_S);
	pair_streams_stop(&w);
	k = ssp_kit_read(&w);
	if (order_expect(&w, k))
		(void)acks_expect(&w, k);
}

static const struct case_def cases[] = {
	{
		.id = "ssp/vpnha-ssp/8",
		.requirement = "SSP-02, SSP-08; docs/spec/ssp.md 2 and 3",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "A standby that joins later receives everything that exists: keys, SPIs, "
			"cookies, proxies, "
			"window, reservation, lifetimes.",
		.mutant = "ssp-no-bulk",
		.run = bulk,
	},
	{
		.id = "ssp/ssp-3/1",
		.requirement = "docs/spec/ssp.md 1 and 3",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "HELLO comes first, numbers go up by one in each direction, every record "
			"is acknowledged, and "
			"each side sends keepalives.",
		.mutant = "ssp-no-keepalive",
		.run = course,
	},
};
CASE_SUITE(cases)
