/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/field/pkt.h"
#include "harness/run/pair.h"

#define STREAM_OUT 1 /* host to the peer's side */
#define STREAM_IN 2

static bool
is_hello(const struct frame *f, void *ctx)
{
	struct pkt p;

	(void)ctx;
	return pkt_parse(&p, f->bytes, f->len) && p.is_hsrp && p.data_len >= 20 && p.data[1] == 0;
}

enum pair_state
pair_port_state(struct lab *l, enum lab_port port)
{
	const struct trace_want want = {.ports = (uint16_t)(1u << port), .fits = is_hello};
	size_t no = trace_last(lab_trace(l), &want);
	struct pkt p;

	if (no == TRACE_NONE)
		return PAIR_SILENT;
	(void)pkt_parse(
		&p, trace_frame(lab_trace(l), no)->bytes, trace_frame(lab_trace(l), no)->len);
	return (enum pair_state)p.data[2];
}

bool
pair_in(struct lab *l, enum lab_member m, enum pair_state s)
{
	return pair_port_state(l, lab_member_port(m, SEG_OUTSIDE)) == s &&
	       pair_port_state(l, lab_member_port(m, SEG_INSIDE)) == s;
}

struct ask {
	struct lab *lab;
	enum lab_member m;
	enum pair_state s;
	struct peer *peer;
};

static bool
in_state(void *ctx)
{
	const struct ask *a = ctx;

	return pair_in(a->lab, a->m, a->s);
}

static bool
tunnel_is_up(void *ctx)
{
	const struct ask *a = ctx;

	return peer_is_up(a->peer);
}

bool
pair_reach_active(struct world *w, enum lab_member m, ns_t limit)
{
	struct ask a = {.lab = w->lab, .m = m, .s = PAIR_ACTIVE};

	return case_reach(w->c, m == LAB_A ? "A active in both groups" : "B active in both groups",
		limit, in_state, &a);
}

bool
pair_reach_standby(struct world *w, enum lab_member m, ns_t limit)
{
	struct ask a = {.lab = w->lab, .m = m, .s = PAIR_STANDBY};

	return case_reach(w->c,
		m == LAB_A ? "A standby in both groups" : "B standby in both groups", limit,
		in_state, &a);
}

bool
pair_expect_active(struct world *w, enum lab_member m, ns_t limit)
{
	struct ask a = {.lab = w->lab, .m = m, .s = PAIR_ACTIVE};

	return case_await(w->c, m == LAB_A ? "A active in both groups" : "B active in both groups",
		limit, in_state, &a);
}

static bool
start_both(struct world *w, struct case_run *c)
{
	w->c = c;
	case_start(c, LAB_A);
	if (!pair_reach_active(w, LAB_A, PAIR_UP_LIMIT))
		return false;
	case_start(c, LAB_B);
	return pair_reach_standby(w, LAB_B, PAIR_UP_LIMIT);
}

bool
pair_up(struct world *w, struct case_run *c, const struct lab_text *knobs,
	const struct peer_cfg *cfg)
{
	world_open_cold(w, c, knobs, cfg);
	return start_both(w, c);
}

bool
pair_up_nat(struct world *w, struct case_run *c, const struct lab_text *knobs,
	const struct peer_cfg *cfg, const struct natbox_cfg *nat)
{
	world_open_nat_cold(w, c, knobs, cfg, nat);
	return start_both(w, c);
}

bool
pair_ready(struct world *w, enum lab_member m)
{
	if (pair_show_until(w->lab, m, "show ssp redundancy", "ready", "true", PAIR_UP_LIMIT))
		return true;
	case_inconclusive(w->c, "%s never said that it is ready", lab_member_name(m));
	return false;
}

bool
pair_tunnel(struct world *w)
{
	struct ask a = {.peer = w->peer};

	peer_initiate(w->peer, lab_now(w->lab));
	return case_reach(w->c, "a tunnel of the peer", 10 * NS_PER_S, tunnel_is_up, &a);
}

bool
pair_carry(struct world *w, struct case_run *c, const struct lab_text *knobs,
	const struct peer_cfg *cfg)
{
	return pair_up(w, c, knobs, cfg) && pair_ready(w, LAB_B) && pair_tunnel(w);
}

bool
pair_carry_nat(struct world *w, struct case_run *c, const struct lab_text *knobs,
	const struct peer_cfg *cfg, const struct natbox_cfg *nat)
{
	return pair_up_nat(w, c, knobs, cfg, nat) && pair_ready(w, LAB_B) && pair_tunnel(w);
}

void
pair_streams_start(struct world *w, uint32_t per_s, size_t size)
{
	ns_t now = lab_now(w->lab);

	(void)host_stream_start(w->host, now, STREAM_OUT, LAB_REMOTE_HOST, per_s, size, 0);
	(void)peer_stream_start(w->peer, now, STREAM_IN, LAB_IN_HOST, per_s, size, 0);
}

void
pair_streams_stop(struct world *w)
{
	host_stream_stop(w->host, STREAM_OUT);
	peer_stream_stop(w->peer, STREAM_IN);
	lab_run(w->lab, 300 * NS_PER_MS);
}

struct arrivals {
	const struct world *w;
	uint64_t out, in;
};

static bool
both_ways(void *ctx)
{
	const struct arrivals *a = ctx;

	return peer_counters(a->w->peer)->stream_in > a->out &&
	       host_counters(a->w->host)->stream_in > a->in;
}

bool
pair_expect_traffic(struct world *w, uint64_t packets, const char *what)
{
	struct arrivals a = {w, peer_counters(w->peer)->stream_in + packets,
		host_counters(w->host)->stream_in + packets};

	return case_await(w->c, what, 2 * NS_PER_S, both_ways, &a);
}

static bool
has_fired(void *ctx)
{
	const struct {
		struct lab *lab;
		int handle;
	} *f = ctx;

	return lab_fired(f->lab, f->handle) != TRACE_NONE;
}

ns_t
pair_fault_at_random(struct world *w, const struct lab_fault *f)
{
	struct {
		struct lab *lab;
		int handle;
	} armed = {.lab = w->lab};
	ns_t at = lab_now(w->lab) + (ns_t)lab_random(w->lab, (uint64_t)PAIR_HELLO);

	armed.handle = lab_at(w->lab, at, f);
	(void)lab_until(w->lab, "the fault", 2 * PAIR_HELLO + NS_PER_S, has_fired, &armed);
	return lab_now(w->lab);
}

struct pair_cost
pair_cost(struct world *w)
{
	const struct peer_counters *n = peer_counters(w->peer);
	const struct peer_phase2 *p = peer_phase2(w->peer);
	struct stream_result out, in;
	struct pair_cost k = {0};

	stream_judge(host_stream_tx(w->host, STREAM_OUT), peer_stream_rx(w->peer, STREAM_OUT), 0,
		NS_NEVER, &out);
	stream_judge(peer_stream_tx(w->peer, STREAM_IN), host_stream_rx(w->host, STREAM_IN), 0,
		NS_NEVER, &in);
	k.lost_out = out.lost;
	k.lost_in = in.lost;
	k.dark_out = out.dark;
	k.dark_in = in.dark;
	k.replays = n->esp_replays + n->esp_late;
	k.bad_icv = n->esp_bad_icv;
	k.phase1 = n->phase1_up;
	k.phase2 = n->phase2_up;
	if (p) {
		k.jump = p->in.jump_max - (p->in.jump_max > 0);
		k.last = p->in.jump_from;
		k.first = p->in.jump_from + p->in.jump_max;
	}
	return k;
}

void
pair_cost_figures(struct case_run *c, const struct pair_cost *k)
{
	case_figure(c, "hold", (double)LAB_HOLD_MS, "ms");
	case_figure(c, "outage outwards", (double)k->dark_out / 1e6, "ms");
	case_figure(c, "outage inwards", (double)k->dark_in / 1e6, "ms");
	case_figure(c, "lost outwards", (double)k->lost_out, "packets");
	case_figure(c, "lost inwards", (double)k->lost_in, "packets");
	case_figure(c, "jump", (double)k->jump, "numbers");
	case_figure(c, "replay drops", (double)k->replays, "packets");
}

bool
pair_cost_expect(struct case_run *c, const struct pair_cost *k, ns_t dark_limit)
{
	pair_cost_figures(c, k);
	return case_expect_u64(c, 0, k->replays, "packets refused by the peer's replay window") &&
	       case_expect_u64(c, 0, k->bad_icv, "packets with a bad ICV at the peer") &&
	       case_expect_u64(c, 1, k->phase1, "Phase 1 negotiations in all") &&
	       case_expect_u64(c, 1, k->phase2, "Phase 2 negotiations in all") &&
	       case_expect_within(c, k->dark_out, dark_limit, "outage outwards") &&
	       case_expect_within(c, k->dark_in, dark_limit, "outage inwards");
}

struct esp_of {
	uint32_t spi;
};

static bool
is_esp(const struct frame *f, void *ctx)
{
	const struct esp_of *e = ctx;
	struct pkt p;

	return pkt_parse(&p, f->bytes, f->len) && p.is_esp && p.frag_off == 0 &&
	       (!e->spi || p.spi == e->spi);
}

static struct trace_want
esp_want(enum lab_member m, struct esp_of *e)
{
	return (struct trace_want){.ports = (uint16_t)(1u << lab_member_port(m, SEG_OUTSIDE)),
		.fits = is_esp,
		.ctx = e};
}

size_t
pair_esp_cnt(struct lab *l, enum lab_member m, uint32_t spi, ns_t from, ns_t to)
{
	struct esp_of e = {spi};
	struct trace_want want = esp_want(m, &e);

	want.after = from;
	want.before = to;
	return trace_count(lab_trace(l), &want);
}

static uint32_t
seq_at(struct lab *l, size_t no)
{
	struct pkt p;

	if (no == TRACE_NONE)
		return 0;
	(void)pkt_parse(
		&p, trace_frame(lab_trace(l), no)->bytes, trace_frame(lab_trace(l), no)->len);
	return p.seq;
}

uint32_t
pair_esp_last(struct lab *l, enum lab_member m, uint32_t spi)
{
	struct esp_of e = {spi};
	struct trace_want want = esp_want(m, &e);

	return seq_at(l, trace_last(lab_trace(l), &want));
}

uint32_t
pair_esp_first(struct lab *l, enum lab_member m, uint32_t spi)
{
	struct esp_of e = {spi};
	struct trace_want want = esp_want(m, &e);

	return seq_at(l, trace_next(lab_trace(l), 0, &want));
}

/* ---- the console ---- */

static const json_t *
walk(const json_t *v, const char *path)
{
	char step[64];

	while (v && *path) {
		size_t n = strcspn(path, ".");

		(void)snprintf(step, sizeof step, "%.*s", (int)n, path);
		v = json_is_array(v) ? json_array_get(v, strtoul(step, NULL, 10))
				     : json_object_get(v, step);
		path += n + (path[n] == '.');
	}
	return v;
}

static bool
as_text(const json_t *v, char *buf, size_t cap)
{
	if (json_is_string(v))
		(void)snprintf(buf, cap, "%s", json_string_value(v));
	else if (json_is_integer(v))
		(void)snprintf(buf, cap, "%lld", (long long)json_integer_value(v));
	else if (json_is_real(v))
		(void)snprintf(buf, cap, "%.6f", json_real_value(v));
	else if (json_is_boolean(v))
		(void)snprintf(buf, cap, "%s", json_is_true(v) ? "true" : "false");
	else if (json_is_array(v))
		(void)snprintf(buf, cap, "%zu", json_array_size(v)); /* an array: how many */
	else
		return false;
	return true;
}

bool
pair_show(struct lab *l, enum lab_member m, const char *command, const char *path, char *buf,
	size_t cap)
{
	char line[128];
	json_t *reply;
	bool ok;

	(void)snprintf(line, sizeof line, "%s --json", command);
	if (!lab_ask(l, m, line, &reply))
		return false;
	ok = as_text(walk(reply, path), buf, cap);
	json_decref(reply);
	return ok;
}

long long
pair_show_number(struct lab *l, enum lab_member m, const char *command, const char *path,
	long long otherwise)
{
	char buf[64];

	return pair_show(l, m, command, path, buf, sizeof buf) ? strtoll(buf, NULL, 10) : otherwise;
}

bool
pair_show_until(struct lab *l, enum lab_member m, const char *command, const char *path,
	const char *want, ns_t limit)
{
	ns_t end = lab_now(l) + limit;
	char buf[128];

	do {
		if (pair_show(l, m, command, path, buf, sizeof buf) && !strcmp(buf, want))
			return true;
		lab_run(l, 20 * NS_PER_MS);
	} while (lab_now(l) < end);
	return false;
}
