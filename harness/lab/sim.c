/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lab `sim`: members are simulated machines with the reference router (sim_router.h), cables
 * have a delay of their own, and the clock goes from one event to the next. Nothing here asks the
 * machine for time or chance, so a seed is a run.
 *
 * What happens at one instant: frames first, in the order in which they were sent, then stations,
 * disturbances and faults, then the routers' own timers; as sockets are drained before timers fire.
 */
#include "harness/keys/keyprim.h"
#include "harness/lab/lab_in.h"
#include "harness/lab/sim_router.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CABLE (20 * NS_PER_US)	  /* from one end to the other */
#define CONSOLE (200 * NS_PER_US) /* what an answer takes */
#define LEAST (1 * NS_PER_US)	  /* between two looks at timers that are due */
#define BEGIN (1000 * NS_PER_S)
#define WALL ((ns_t)946684800 * NS_PER_S) /* its wall clock begins with the year 2000 */

enum way { FROM_MEMBER, TO_MEMBER, CARRIER };

/* On its way along a cable; all take the same time, so the first in is the first out. */
struct flight {
	struct flight *next;
	ns_t at;
	enum way way;
	enum lab_port port;
	unsigned generation; /* of the machine */
	bool on;	     /* CARRIER */
	size_t len;
	uint8_t bytes[];
};

struct member {
	struct lab *lab;
	enum lab_member m;
	struct simr *router; /* NULL: no power */
	ns_t looked_at;	     /* its timers */
	FILE *log, *keys;
};

struct sim {
	struct member member[LAB_MEMBERS];
	struct flight *first, **last;
};

static void
fly(struct lab *l, enum lab_port p, enum way way, bool on, const uint8_t *bytes, size_t len)
{
	struct flight *f = malloc(sizeof(*f) + len);

	if (!f)
		abort();
	*f = (struct flight){.at = l->now + CABLE,
		.way = way,
		.port = p,
		.generation = l->node[p / NODE_IFS].generation,
		.on = on,
		.len = len};
	if (len)
		memcpy(f->bytes, bytes, len);
	*l->sim->last = f;
	l->sim->last = &f->next;
}

/* ---- what a router says ---- */

static void
frame_out(void *ctx, unsigned iface, const uint8_t *bytes, size_t len)
{
	const struct member *s = ctx;

	if (len <= LINK_FRAME_MAX)
		fly(s->lab, lab_member_port(s->m, (enum trace_segment)iface), FROM_MEMBER, false,
			bytes, len);
}

static void
route_told(void *ctx, bool added, struct ip4_net net)
{
	const struct member *s = ctx;

	lab_tell_route(s->lab, s->m, added, net);
}

/* Opened when there is something to write; NULL where a lab leaves no files. */
static FILE *
file_of(const struct lab *l, FILE **f, const char *path)
{
	if (!*f && l->cfg.out_dir)
		*f = fopen(path, "a");
	return *f;
}

static void
log_line(void *ctx, const char *line)
{
	struct member *s = ctx;
	FILE *f = file_of(s->lab, &s->log, s->lab->node[s->m].log);

	if (f)
		fprintf(f, "%lld.%06lld %s %s\n", (long long)(s->lab->now / NS_PER_S),
			(long long)(s->lab->now % NS_PER_S / NS_PER_US), lab_member_name(s->m), line);
}

/* Read while the world stands still: so flushed. */
static void
key_line(void *ctx, const char *line)
{
	struct member *s = ctx;
	FILE *f = s->lab->cfg.keylog ? file_of(s->lab, &s->keys, s->lab->node[s->m].keylog) : NULL;

	if (s->lab->cfg.keys)
		s->lab->cfg.keys(s->lab->cfg.keys_ctx, line);
	if (f) {
		fprintf(f, "%s\n", line);
		fflush(f);
	}
}

/* ---- machines ---- */

static void
machine(struct lab *l, enum lab_member m)
{
	struct member *s = &l->sim->member[m];
	const struct simr_out out = {s, frame_out, route_told, log_line, key_line};
	struct mac mac[SIMR_IFS];
	uint64_t seed;

	l->node[m].generation++;
	seed = (l->cfg.seed ^ (uint64_t)(m + 1) << 56) + l->node[m].generation;
	for (int i = 0; i < SIMR_IFS; i++)
		mac[i] = lab_mac(lab_member_port(m, (enum trace_segment)i));
	s->router = simr_new(mac, seed, &out);
	for (int i = 0; i < SIMR_IFS; i++) {
		struct port *p = &l->port[lab_member_port(m, (enum trace_segment)i)];

		p->on = p->plugged = true;
		simr_carrier(s->router, l->now, (unsigned)i, true);
	}
}

static bool
power_on(struct lab *l, enum lab_member m, char *err)
{
	(void)err;
	machine(l, m);
	return true;
}

static void
power_off(struct lab *l, enum lab_member m)
{
	simr_free(l->sim->member[m].router);
	l->sim->member[m].router = NULL;
}

bool
lab_knows_mutant(const char *name)
{
	return simr_mutant(name);
}

void
lab_sim_ready(void)
{
	keyprim_ready();
	keyprim_dh_ready();
	simr_ready();
}

static bool
open_lab(struct lab *l, char *err)
{
	if (l->cfg.mutant && !simr_mutant(l->cfg.mutant)) {
		snprintf(err, LAB_ERR, "lab: no mutant named %s", l->cfg.mutant);
		return false;
	}
	l->sim = calloc(1, sizeof(*l->sim));
	if (!l->sim)
		abort();
	l->sim->last = &l->sim->first;
	l->now = BEGIN;
	for (int m = 0; m < LAB_MEMBERS; m++) {
		l->sim->member[m] = (struct member){.lab = l, .m = (enum lab_member)m};
		machine(l, (enum lab_member)m);
	}
	return true;
}

static struct flight *
land(struct sim *s)
{
	struct flight *f = s->first;

	s->first = f->next;
	if (!s->first)
		s->last = &s->first;
	return f;
}

static void
close_lab(struct lab *l)
{
	struct sim *s = l->sim;

	for (int m = 0; s && m < LAB_MEMBERS; m++) {
		simr_free(s->member[m].router);
		if (s->member[m].log)
			fclose(s->member[m].log);
		if (s->member[m].keys)
			fclose(s->member[m].keys);
	}
	while (s && s->first)
		free(land(s));
	free(s);
	l->sim = NULL;
}

/* ---- processes ---- */

static bool
launch(struct lab *l, enum lab_member m, char *err)
{
	(void)err;
	l->node[m].runs = true;
	return true;
}

static void
launched(struct lab *l, enum lab_member m)
{
	int status = simr_start(l->sim->member[m].router, l->now, l->node[m].text, l->cfg.mutant,
		l->node[m].ahead);

	if (status)
		member_ended(l, m, status);
}

static void
end(struct lab *l, enum lab_member m, int sig)
{
	if (sig == SIGKILL)
		simr_kill(l->sim->member[m].router, l->now);
	else
		simr_stop(l->sim->member[m].router, l->now);
	member_ended(l, m, sig == SIGKILL ? SIGKILL : 0);
}

static bool
reload(struct lab *l, enum lab_member m)
{
	simr_reload(l->sim->member[m].router, l->now, l->node[m].text);
	return true;
}

/* What they said last still arrives. */
static void
wind_down(struct lab *l)
{
	if (l->sim && l->sim->first)
		lab_run(l, 2 * CABLE);
	for (int m = 0; l->sim && m < LAB_MEMBERS; m++)
		if (l->sim->member[m].log)
			fflush(l->sim->member[m].log);
}

static char *
ask(struct lab *l, enum lab_member m, const char *line)
{
	lab_run(l, CONSOLE);
	return l->node[m].runs ? simr_ask(l->sim->member[m].router, l->now, line) : NULL;
}

static bool
routed(struct lab *l, enum lab_member m, struct ip4_net net)
{
	return l->sim->member[m].router && simr_routed(l->sim->member[m].router, net);
}

static bool
can_shift(void)
{
	return true;
}

/* ---- cables ---- */

static bool
give(struct lab *l, enum lab_port p, const uint8_t *bytes, size_t len)
{
	if (!l->sim->member[p / NODE_IFS].router)
		return false;
	fly(l, p, TO_MEMBER, false, bytes, len);
	return true;
}

static void
cable(struct lab *l, enum lab_port p, bool in)
{
	if (p < MEMBER_PORTS)
		fly(l, p, CARRIER, in, NULL, 0);
}

static void
arrive(struct lab *l, const struct flight *f)
{
	struct node *n = &l->node[f->port / NODE_IFS];
	struct simr *router = l->sim->member[f->port / NODE_IFS].router;
	const struct port *p = &l->port[f->port];
	unsigned iface = f->port % NODE_IFS;
	bool there = p->on && p->plugged && f->generation == n->generation;

	switch (f->way) {
	case FROM_MEMBER:
		if (there)
			switch_frame(l, f->port, f->bytes, f->len, 0, -1);
		else
			n->suppressed++;
		return;
	case TO_MEMBER:
		if (there && router)
			simr_frame(router, l->now, iface, f->bytes, f->len);
		return;
	case CARRIER:
		if (router && f->generation == n->generation)
			simr_carrier(router, l->now, iface, f->on);
		return;
	}
}

/* ---- time ---- */

static ns_t
clock_of(const struct lab *l)
{
	return l->now;
}

static ns_t
epoch_of(const struct lab *l)
{
	(void)l;
	return WALL - BEGIN;
}

/* A router whose timers are due without end is looked at now and then, and time goes on. */
static ns_t
router_due(const struct lab *l, enum lab_member *whose)
{
	ns_t first = NS_NEVER;

	for (int m = 0; m < LAB_MEMBERS; m++) {
		const struct member *s = &l->sim->member[m];
		ns_t due = s->router ? simr_deadline(s->router) : NS_NEVER;

		if (due != NS_NEVER && due <= s->looked_at)
			due = s->looked_at + LEAST;
		if (due < first) {
			first = due;
			*whose = (enum lab_member)m;
		}
	}
	return first;
}

static void
step(struct lab *l, ns_t until)
{
	struct sim *s = l->sim;
	enum lab_member whose = LAB_A;
	int station;
	ns_t due, router, flight;

	flight = s->first ? s->first->at : NS_NEVER;
	due = loop_deadline(l, &station);
	router = router_due(l, &whose);
	if (ns_min(flight, ns_min(due, router)) > until) {
		loop_advance(l, until);
	} else if (flight <= due && flight <= router) {
		struct flight *f = land(s);

		loop_advance(l, f->at);
		arrive(l, f);
		free(f);
	} else if (due <= router) {
		loop_fire(l, due, station);
	} else {
		loop_advance(l, router);
		s->member[whose].looked_at = l->now;
		simr_tick(s->member[whose].router, l->now);
	}
	loop_limit(l, l->now); /* the last step of a wait may have gone past it */
}

const struct lab_kind lab_sim = {
	.name = "sim",
	.plain_sync = true,
	.clock = clock_of,
	.epoch = epoch_of,
	.open = open_lab,
	.close = close_lab,
	.step = step,
	.give = give,
	.cable = cable,
	.power_off = power_off,
	.power_on = power_on,
	.launch = launch,
	.launched = launched,
	.end = end,
	.wind_down = wind_down,
	.reload = reload,
	.ask = ask,
	.routed = routed,
	.can_shift = can_shift,
};
