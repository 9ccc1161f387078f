/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The router of a simulated member: the node's actions are carried out by the machine, and what the
 * machine has for the node waits in one queue until the node's step is over, as it waits in sockets
 * elsewhere.
 */
#include "harness/lab/sim_router_in.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/mutant/mutant.h"
#include "ref/console/console.h"
#include "ref/node/rules.h"

#define STATUS_CONFIG (2 << 8) /* as wait(2) has it */

ns_t
simr_clock(const struct simr *r)
{
	return r->now + r->ahead;
}

void
simr_say(struct simr *r, const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	r->out.log(r->out.ctx, line);
}

/* splitmix64 (Steele, Lea, Flood 2014); what was taken is put back, and no more. */
struct entropy *
simr_entropy(struct simr *r)
{
	for (size_t i = 0; i < r->entropy.used; i += 8) {
		uint64_t z = r->chance += 0x9e3779b97f4a7c15u;
		size_t n = r->entropy.used - i < 8 ? r->entropy.used - i : 8;

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
		z = (z ^ z >> 27) * 0x94d049bb133111ebu;
		z ^= z >> 31;
		memcpy(r->entropy.b + i, &z, n);
	}
	r->entropy.used = 0;
	return &r->entropy;
}

/* ---- into the node ---- */

void
simr_put(struct simr *r, const struct node_in *in, unsigned session)
{
	struct simr_input *i = malloc(sizeof(*i) + in->len);

	if (!i)
		abort();
	*i = (struct simr_input){.in = *in, .session = session};
	if (in->len)
		memcpy(i->bytes, in->bytes, in->len);
	i->in.bytes = i->bytes;
	*r->last = i;
	r->last = &i->next;
}

void
simr_step(struct simr *r, const struct node_in *in)
{
	const struct node_in down = {.kind = NODE_IN_SSP_DOWN};

	node_step(r->node, simr_clock(r), in, simr_entropy(r));
	if (r->close_channel) {
		r->close_channel = false;
		sim_channel_lose(r);
		node_step(r->node, simr_clock(r), &down, simr_entropy(r));
	}
}

static struct simr_input *
next_input(struct simr *r)
{
	struct simr_input *i = r->first;

	if (i) {
		r->first = i->next;
		if (!r->first)
			r->last = &r->first;
	}
	return i;
}

void
simr_pump(struct simr *r)
{
	struct simr_input *i;

	r->stale = true;
	while ((i = next_input(r))) {
		/* bytes of a connection that is dropped are never read */
		if (r->runs && (!i->session || i->session == r->channel.session))
			simr_step(r, &i->in);
		free(i);
	}
}

void
simr_links(struct simr *r, bool reload)
{
	for (unsigned i = 0; i < r->cfg->if_cnt; i++) {
		const struct node_in in = {.kind = NODE_IN_LINK,
			.iface = i,
			.on = simk_running(r->kernel, r->place[i]),
			.reload = reload};

		simr_put(r, &in, 0);
	}
}

/* ---- out of the node ---- */

static void
send_frame(struct simr *r, unsigned iface, const uint8_t *bytes, size_t len)
{
	if (simk_running(r->kernel, r->place[iface]))
		r->out.frame(r->out.ctx, r->place[iface], bytes, len);
	else
		r->send_failed++;
}

static void
reverse_route(struct simr *r, bool add, struct ip4_net net)
{
	char line[64];

	tell_route(add, net, line, sizeof(line));
	simr_say(r, "%s", line);
	if (simk_route(r->kernel, add, net))
		r->out.route(r->out.ctx, add, net);
}

static void
put_keys(struct simr *r, const struct node_act *a)
{
	char line[TELL_MAX];

	if (a->kind == NODE_ACT_KEY_IKE) {
		tell_ike_keys(a->ike, line, sizeof(line));
		r->out.keys(r->out.ctx, line);
		return;
	}
	for (unsigned way = 0; way < 2; way++) {
		tell_esp_keys(a->pair, way, line, sizeof(line));
		r->out.keys(r->out.ctx, line);
	}
}

static void
carry_out(void *ctx, const struct node_act *a)
{
	struct simr *r = ctx;
	char line[800];

	switch (a->kind) {
	case NODE_ACT_FRAME:
		send_frame(r, a->iface, a->bytes, a->len);
		return;
	case NODE_ACT_IP:
		if (a->iface >= CFG_IFS ||
			!simk_raw(r->kernel, r->now, r->place[a->iface], a->bytes, a->len))
			r->send_failed++;
		return;
	case NODE_ACT_TUN:
		simk_from_tun(r->kernel, r->now, a->bytes, a->len);
		return;
	case NODE_ACT_ROUTE:
		reverse_route(r, a->on, a->net);
		return;
	case NODE_ACT_SSP_SEND:
		sim_channel_bytes(r, a->bytes, a->len);
		return;
	case NODE_ACT_SSP_CLOSE:
		r->close_channel = true;
		return;
	case NODE_ACT_NOTE:
		tell_note(&a->note, line, sizeof(line));
		simr_say(r, "%s", line);
		return;
	case NODE_ACT_KEY_IKE:
	case NODE_ACT_KEY_ESP:
		put_keys(r, a);
		return;
	}
}

/* ---- the machine ---- */

static void
kernel_frame(void *ctx, unsigned iface, const uint8_t *bytes, size_t len)
{
	struct simr *r = ctx;

	r->out.frame(r->out.ctx, iface, bytes, len);
}

static void
kernel_tun(void *ctx, const uint8_t *packet, size_t len)
{
	const struct node_in in = {.kind = NODE_IN_TUN, .bytes = packet, .len = len};

	simr_put(ctx, &in, 0);
}

static void
kernel_local(void *ctx, const uint8_t *packet, size_t len)
{
	struct simr *r = ctx;

	simt_packet(r->tcp, r->now, packet, len);
}

static void
tcp_packet(void *ctx, ns_t now, const uint8_t *packet, size_t len)
{
	struct simr *r = ctx;

	simk_own(r->kernel, now, packet, len);
}

struct simr *
simr_new(const struct mac mac[SIMR_IFS], uint64_t seed, const struct simr_out *out)
{
	struct simr *r = calloc(1, sizeof(*r));
	struct mac macs[SIMK_IFS] = {{{0}}};

	if (!r)
		abort();
	memcpy(macs, mac, SIMR_IFS * sizeof(macs[0]));
	memcpy(r->mac, mac, sizeof(r->mac));
	r->out = *out;
	r->chance = seed;
	r->last = &r->first;
	r->channel.conn = -1;
	r->entropy.used = sizeof(r->entropy.b);
	r->stale = true;
	r->kernel = simk_new(macs, SIMR_IFS,
		&(struct simk_out){r, kernel_frame, kernel_tun, kernel_local});
	r->tcp = simt_new(seed ^ 0x7463u, &(struct simt_out){r, tcp_packet, sim_channel_event});
	return r;
}

/* What the process had in memory. */
static void
clean_up(struct simr *r)
{
	struct simr_input *i;

	while ((i = next_input(r)))
		free(i);
	if (r->node)
		(void)munmap(r->node, sizeof(*r->node));
	free(r->cfg);
	r->node = NULL;
	r->cfg = NULL;
	r->runs = false;
	r->stale = true;
}

void
simr_free(struct simr *r)
{
	if (!r)
		return;
	clean_up(r);
	simt_free(r->tcp);
	simk_free(r->kernel);
	free(r);
}

/* ---- the process ---- */

void
simr_ready(void)
{
	crypto_openssl_ready();
}

bool
simr_mutant(const char *name)
{
	return mutant_find(name) != NULL;
}

static bool
read_first(struct simr *r, const char *text)
{
	char *why = NULL;

	r->cfg = sim_config_read(r, NULL, text, "config", &why);
	if (r->cfg && sim_config_places(r->cfg, r->place, &why))
		return true;
	simr_say(r, "config %s", why ? why : "");
	free(why);
	clean_up(r);
	return false;
}

int
simr_start(struct simr *r, ns_t now, const char *text, const char *mutant, ns_t ahead)
{
	const struct node_sink sink = {.act = carry_out, .ctx = r};
	struct mac mac[CFG_IFS];

	r->now = now;
	r->ahead = ahead;
	node_rules_join(&r->rules);
	if (mutant)
		mutant_find(mutant)->apply(&r->rules);
	if (!read_first(r, text))
		return STATUS_CONFIG;
	sim_config_kernel(r);
	simk_hold(r->kernel, true);
	r->node = mmap(NULL, sizeof(*r->node), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		-1, 0);
	if (r->node == MAP_FAILED)
		abort();
	for (unsigned i = 0; i < r->cfg->if_cnt; i++)
		mac[i] = r->mac[r->place[i]];
	r->runs = true;
	r->started = simr_clock(r);
	r->send_failed = 0;
	node_init(r->node, r->cfg, &r->rules, &crypto_openssl, mac, &sink, simr_entropy(r),
		simr_clock(r));
	sim_channel_begin(r);
	simr_links(r, true);
	simr_pump(r);
	simr_say(r, "node ready");
	return 0;
}

bool
simr_runs(const struct simr *r)
{
	return r->runs;
}

void
simr_stop(struct simr *r, ns_t now)
{
	const struct node_in in = {.kind = NODE_IN_STOP};

	r->now = now;
	if (!r->runs)
		return;
	simr_put(r, &in, 0);
	simr_pump(r);
	sim_channel_end(r);
	simk_hold(r->kernel, false);
	clean_up(r);
}

void
simr_kill(struct simr *r, ns_t now)
{
	r->now = now;
	if (!r->runs)
		return;
	simt_abandon(r->tcp, now);
	r->channel = (struct simr_channel){.conn = -1, .session = r->channel.session + 1};
	simk_hold(r->kernel, false);
	clean_up(r);
}

void
simr_reload(struct simr *r, ns_t now, const char *text)
{
	char *why = NULL;

	r->now = now;
	if (!r->runs || !r->rules.configure_on_hup)
		return;
	if (sim_config_change(r, text, "config", true, &why))
		simr_say(r, "config read again");
	else
		simr_say(r, "config not changed: %s", why ? why : "");
	free(why);
	r->stale = true;
}

void
simr_carrier(struct simr *r, ns_t now, unsigned iface, bool on)
{
	r->now = now;
	simk_carrier(r->kernel, iface, on);
	if (!r->runs)
		return;
	simr_links(r, false);
	simr_pump(r);
}

void
simr_frame(struct simr *r, ns_t now, unsigned iface, const uint8_t *bytes, size_t len)
{
	struct node_in in = {.kind = NODE_IN_FRAME, .bytes = bytes, .len = len};

	r->now = now;
	simk_frame(r->kernel, now, iface, bytes, len);
	for (unsigned i = 0; r->runs && i < r->cfg->if_cnt; i++)
		if (r->place[i] == iface && simk_running(r->kernel, iface)) {
			in.iface = i;
			simr_put(r, &in, 0);
		}
	simr_pump(r);
}

bool
simr_routed(const struct simr *r, struct ip4_net net)
{
	return simk_routed(r->kernel, net);
}

void
simr_tick(struct simr *r, ns_t now)
{
	const struct node_in tick = {.kind = NODE_IN_TICK};

	r->now = now;
	simk_tick(r->kernel, now);
	simt_tick(r->tcp, now);
	simr_pump(r);
	if (!r->runs)
		return;
	sim_channel_due(r);
	if (simr_clock(r) >= node_deadline(r->node))
		simr_put(r, &tick, 0);
	simr_pump(r);
}

ns_t
simr_deadline(struct simr *r)
{
	ns_t node;

	if (!r->stale)
		return r->due;
	r->stale = false;
	r->due = ns_min(simk_deadline(r->kernel), simt_deadline(r->tcp));
	if (!r->runs)
		return r->due;
	node = node_deadline(r->node);
	if (node != NS_NEVER)
		r->due = ns_min(r->due, node - r->ahead);
	if (r->channel.on)
		r->due = ns_min(r->due, r->channel.at);
	return r->due;
}
