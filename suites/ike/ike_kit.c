/* SPDX-License-Identifier: BSD-2-Clause */
#include "suites/ike/ike_kit.h"

#include <string.h>

#define PROBE_PORT 4711

bool
ike_kit_alone(struct world *w, struct case_run *c, const struct lab_text *knobs,
	const struct peer_cfg *cfg)
{
	world_open_cold(w, c, knobs, cfg);
	w->c = c;
	case_start(c, LAB_A);
	return pair_reach_active(w, LAB_A, PAIR_UP_LIMIT);
}

bool
ike_kit_tunnel(struct world *w, struct case_run *c, const struct lab_text *knobs,
	const struct peer_cfg *cfg)
{
	return ike_kit_alone(w, c, knobs, cfg) && pair_tunnel(w);
}

/* ---- the trace ---- */

static bool
is_exchange(const struct frame *f, void *ctx)
{
	const unsigned *exchange = ctx;
	struct pkt p;

	return pkt_parse(&p, f->bytes, f->len) && p.is_isakmp && p.isakmp_len >= 28 &&
	       (*exchange == IKE_KIT_ANY || p.isakmp[18] == *exchange);
}

static struct trace_want
want(enum lab_port p, unsigned *exchange, ns_t after)
{
	return (struct trace_want){
		.ports = (uint16_t)(1u << p), .after = after, .fits = is_exchange, .ctx = exchange};
}

size_t
ike_kit_nth(struct world *w, enum lab_port p, unsigned exchange, ns_t after, size_t n)
{
	struct trace_want t = want(p, &exchange, after);
	size_t no = trace_next(lab_trace(w->lab), 0, &t);

	while (n-- && no != TRACE_NONE)
		no = trace_next(lab_trace(w->lab), no + 1, &t);
	return no;
}

size_t
ike_kit_find(struct world *w, enum lab_port p, unsigned exchange, ns_t after)
{
	return ike_kit_nth(w, p, exchange, after, 0);
}

size_t
ike_kit_count(struct world *w, enum lab_port p, unsigned exchange, ns_t after)
{
	struct trace_want t = want(p, &exchange, after);

	return trace_count(lab_trace(w->lab), &t);
}

struct pkt
ike_kit_pkt(struct world *w, size_t frame)
{
	const struct frame *f = trace_frame(lab_trace(w->lab), frame);
	struct pkt p;

	(void)pkt_parse(&p, f->bytes, f->len);
	return p;
}

ns_t
ike_kit_mark(struct world *w)
{
	lab_run(w->lab, 10 * NS_PER_MS);
	return lab_now(w->lab) + 1;
}

bool
ike_kit_same(struct world *w, size_t a, size_t b)
{
	struct pkt p = ike_kit_pkt(w, a), q = ike_kit_pkt(w, b);

	return p.isakmp_len == q.isakmp_len && !memcmp(p.isakmp, q.isakmp, p.isakmp_len);
}

size_t
ike_kit_frame(uint8_t *out, size_t cap, struct mac to, const uint8_t *msg, size_t len)
{
	struct pkt_ip ip = {.src = LAB_OUT_PEER, .dst = LAB_OUT_VIP, .ttl = 64, .id = 7};
	struct mac me = lab_mac(PORT_PEER);
	size_t n = pkt_put_eth(out, cap, &to, &me, PKT_ETH_IP4);

	return n + pkt_put_udp(out + n, cap - n, &ip, 500, 500, msg, len);
}

/* ---- in clear ---- */

void
ike_kit_clear_info(struct world *w, const char *payload, const struct field_set *more, size_t cnt)
{
	const struct peer_phase1 *s = peer_phase1(w->peer);
	struct field_set sets[12] = {
		SET_BYTES("isakmp.icookie", s->icookie, 8),
		SET_BYTES("isakmp.rcookie", s->rcookie, 8),
		SET("isakmp.exchange", IKE_KIT_INFO),
		SET("isakmp.msgid", 0x1234567),
	};
	uint8_t b[256];
	struct why why = {0};
	char layers[64] = "isakmp/";
	size_t n;

	memcpy(sets + 4, more, cnt * sizeof *more);
	strncat(layers, payload, sizeof layers - strlen(layers) - 1);
	n = field_build(b, sizeof b, layers, sets, 4 + cnt, &why);
	if (!n)
		case_error(w->c, "cannot build %s: %s", layers, why.field ? why.field : "too long");
	peer_send_ike(w->peer, lab_now(w->lab), b, n);
}

/* ---- the peer's events ---- */

struct awaited {
	const struct peer *peer;
	enum peer_event_kind kind;
	ns_t since;
	size_t cnt;
};

static bool
noted(void *ctx)
{
	const struct awaited *a = ctx;

	return peer_event_cnt(a->peer, a->kind, a->since, NULL) >= a->cnt;
}

bool
ike_kit_event(struct world *w, enum peer_event_kind kind, ns_t since, size_t cnt, ns_t limit)
{
	struct awaited a = {w->peer, kind, since, cnt};

	return lab_until(w->lab, peer_event_name(kind), limit, noted, &a);
}

size_t
ike_kit_notified(const struct world *w, uint16_t type, ns_t since)
{
	size_t cnt, n = 0;
	const struct peer_event *e = peer_events(w->peer, &cnt);

	for (size_t i = 0; i < cnt; i++)
		n += e[i].kind == PEER_EV_NOTIFY && e[i].value == type && e[i].at >= since;
	return n;
}

/* ---- traffic ---- */

struct counted {
	const uint64_t *n;
	uint64_t want;
};

static bool
reached(void *ctx)
{
	const struct counted *c = ctx;

	return *c->n >= c->want;
}

size_t
ike_kit_came(const struct world *w, uint16_t port)
{
	const struct host_udp *u;
	size_t n = 0;

	for (size_t i = 0; (u = host_udp(w->host, i)); i++)
		n += u->dport == port;
	return n;
}

struct arrival {
	const struct world *w;
	uint16_t port;
};

static bool
came(void *ctx)
{
	const struct arrival *a = ctx;

	return ike_kit_came(a->w, a->port) > 0;
}

bool
ike_kit_carries_in(struct world *w, ns_t limit)
{
	static uint16_t port = 20000; /* a fresh one each time: whose arrival it is, is certain */
	struct arrival a = {w, port++};

	peer_send_inner(w->peer, lab_now(w->lab), 0, LAB_IN_HOST, a.port, "in", 2);
	return lab_until(w->lab, "a packet at the host", limit, came, &a);
}

bool
ike_kit_carries_out(struct world *w, ns_t limit)
{
	struct counted k = {&peer_counters(w->peer)->udp_in, peer_counters(w->peer)->udp_in + 1};

	host_send_udp(w->host, lab_now(w->lab), LAB_REMOTE_HOST, PROBE_PORT, PROBE_PORT, "out", 3);
	return lab_until(w->lab, "a packet at the peer", limit, reached, &k);
}

bool
ike_kit_expect_traffic(struct world *w, const char *when)
{
	return case_expect(w->c, ike_kit_carries_in(w, 2 * NS_PER_S),
		       "expected a packet of the peer's side to come out at the host (%s)", when) &&
	       case_expect(w->c, ike_kit_carries_out(w, 2 * NS_PER_S),
		       "expected a packet of the host to come out at the peer's side (%s)", when);
}

static bool
up(void *ctx)
{
	return peer_is_up(ctx);
}

bool
ike_kit_expect_tunnel(struct world *w, const char *when)
{
	peer_initiate(w->peer, lab_now(w->lab));
	return case_expect(w->c, lab_until(w->lab, "a tunnel", 5 * NS_PER_S, up, w->peer),
		"expected a tunnel to come up (%s)", when);
}

/* ---- the tap ---- */

static size_t
keep(void *ctx, enum peer_kind kind, uint8_t *bytes, size_t len, size_t cap)
{
	struct ike_kit_tap *t = ctx;

	(void)cap;
	if (kind != t->kind || len > sizeof t->bytes)
		return len;
	memcpy(t->bytes, bytes, len);
	t->len = len;
	t->cnt++;
	return t->swallow ? 0 : len;
}

void
ike_kit_tap(struct world *w, struct ike_kit_tap *t)
{
	struct peer_wrong *wrong = peer_wrong(w->peer);

	wrong->ctx = t;
	wrong->edit_wire = keep;
}
