/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "harness/field/field.h"
#include "suites/hsrp/hsrp_kit.h"

void
kit_send(struct lab *l, const struct kit_msg *m)
{
	static const struct mac all_routers = {{0x01, 0x00, 0x5e, 0x00, 0x00, 0x02}};
	struct mac me = lab_mac(PORT_PROBE_OUT);
	uint8_t auth[8] = {0}, out[128];
	const char *text = m->auth ? m->auth : "cisco";
	struct field_set sets[] = {
		SET_BYTES("eth.dst", all_routers.b, 6),
		SET_BYTES("eth.src", me.b, 6),
		SET("ip.src", m->src ? m->src : LAB_OUT_PROBE),
		SET("ip.dst", IP4(224, 0, 0, 2)),
		SET("ip.ttl", 1),
		SET("udp.sport", 1985),
		SET("udp.dport", 1985),
		SET("hsrp.opcode", m->opcode),
		SET("hsrp.state", m->state),
		SET("hsrp.hellotime", m->hello_s ? m->hello_s : 1),
		SET("hsrp.holdtime", m->hold_s ? m->hold_s : 3),
		SET("hsrp.priority", m->priority),
		SET("hsrp.group", 1),
		SET_BYTES("hsrp.auth", auth, sizeof auth),
		SET("hsrp.vip", m->vip ? m->vip : LAB_OUT_VIP),
	};
	struct why why = {0};
	size_t n;

	memcpy(auth, text, strlen(text) < 8 ? strlen(text) : 8);
	n = field_build(
		out, sizeof out, "eth/ipv4/udp/hsrp", sets, sizeof sets / sizeof sets[0], &why);
	lab_inject(l, PORT_PROBE_OUT, out, n);
}

void
kit_talk(struct lab *l, const struct kit_msg *m, ns_t span)
{
	ns_t end = lab_now(l) + span;

	while (lab_now(l) < end) {
		kit_send(l, m);
		lab_run(l, 200 * NS_PER_MS);
	}
}

struct wish {
	int opcode, state;
};

static bool
fits(const struct frame *f, void *ctx)
{
	const struct wish *w = ctx;
	struct pkt p;

	return pkt_parse(&p, f->bytes, f->len) && p.is_hsrp && p.data_len >= 16 &&
	       (w->opcode < 0 || p.data[1] == w->opcode) && (w->state < 0 || p.data[2] == w->state);
}

static struct trace_want
want(enum lab_port p, struct wish *w, ns_t after)
{
	return (struct trace_want){
		.ports = (uint16_t)(1u << p), .after = after, .fits = fits, .ctx = w};
}

size_t
kit_find(struct lab *l, enum lab_port p, int opcode, int state, ns_t after)
{
	struct wish w = {opcode, state};
	struct trace_want t = want(p, &w, after);

	return trace_next(lab_trace(l), 0, &t);
}

size_t
kit_count(struct lab *l, enum lab_port p, int opcode, int state, ns_t after)
{
	struct wish w = {opcode, state};
	struct trace_want t = want(p, &w, after);

	return trace_count(lab_trace(l), &t);
}

static bool
is_garp(const struct frame *f, void *ctx)
{
	const ip4_t *a = ctx;
	struct pkt p;

	return pkt_parse(&p, f->bytes, f->len) && p.is_arp && pkt_is_garp(&p) && p.arp_spa == *a;
}

size_t
kit_garp(struct lab *l, enum lab_port p, ip4_t a, ns_t after)
{
	struct trace_want t = {
		.ports = (uint16_t)(1u << p), .after = after, .fits = is_garp, .ctx = &a};

	return trace_next(lab_trace(l), 0, &t);
}

struct pkt
kit_pkt(struct lab *l, size_t frame)
{
	const struct frame *f = trace_frame(lab_trace(l), frame);
	struct pkt p;

	(void)pkt_parse(&p, f->bytes, f->len);
	return p;
}

bool
kit_alone(struct world *w, struct case_run *c, const struct lab_text *knobs)
{
	world_open_cold(w, c, knobs, NULL);
	w->c = c;
	case_start(c, LAB_A);
	return pair_reach_active(w, LAB_A, PAIR_UP_LIMIT);
}

static void
talker_tick(void *self, ns_t now)
{
	struct kit_talker *t = self;

	t->next = now + 200 * NS_PER_MS;
	kit_send(t->lab, &t->msg);
}

static ns_t
talker_due(const void *self)
{
	return ((const struct kit_talker *)self)->next;
}

void
kit_beside(struct world *w, struct case_run *c, const struct lab_text *knobs, struct kit_talker *t,
	const struct kit_msg *m)
{
	world_open_cold(w, c, knobs, NULL);
	w->c = c;
	*t = (struct kit_talker){.lab = w->lab, .msg = *m, .next = lab_now(w->lab)};
	lab_attach(w->lab, PORT_PROBE_OUT,
		&(struct lab_station){.self = t, .tick = talker_tick, .deadline = talker_due});
	case_start(c, LAB_A);
}
