/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_LAB_SIM_ROUTER_H
#define BATON_LAB_SIM_ROUTER_H

/*
 * A member of the lab `sim`: a machine (sim_kernel.h, sim_tcp.h) and on it, while it runs, the
 * reference router: ref/node under a clock that is an argument, configured by ref/config from the
 * same text, answering by ref/console. Its sync channel is TCP as ever, but its messages go in
 * clear: TLS is the one layer that is left out.
 *
 * Everything that happens is a function of the seed, the configuration and the calls. What comes
 * out goes to callbacks, which must not call back in. The process ends by simr_stop, simr_kill, or,
 * when its configuration is wrong, by itself with a status.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ref/base/ip4.h"
#include "ref/base/time.h"

#define SIMR_IFS 3 /* eth0, eth1, eth2 */

struct simr; /* owned by its maker */

struct simr_out {
	void *ctx;
	void (*frame)(void *ctx, unsigned iface, const uint8_t *bytes, size_t len);
	void (*route)(void *ctx, bool added, struct ip4_net net); /* of the router's own protocol */
	void (*log)(void *ctx, const char *line);
	void (*keys)(void *ctx, const char *line); /* a line of a key log */
};

struct simr *simr_new(const struct mac mac[SIMR_IFS], uint64_t seed, const struct simr_out *out);
void simr_free(struct simr *r); /* the power goes: nothing is said to anybody */

/* What the first router would ask of libcrypto. */
void simr_ready(void);
/* True if there is a mutant of that name. */
bool simr_mutant(const char *name);
/* Start the process. mutant: NULL, or a name that is known. 0, or the status with which it ended at
 * once (log says why). ahead: its clock, from now on. */
int simr_start(struct simr *r, ns_t now, const char *text, const char *mutant, ns_t ahead);
bool simr_runs(const struct simr *r);
/* It is asked to end: it resigns, and does. */
void simr_stop(struct simr *r, ns_t now);
/* It dies; the machine lives on. */
void simr_kill(struct simr *r, ns_t now);
/* Its file has another text now, and it is told to read it again. */
void simr_reload(struct simr *r, ns_t now, const char *text);

void simr_carrier(struct simr *r, ns_t now, unsigned iface, bool on);
void simr_frame(struct simr *r, ns_t now, unsigned iface, const uint8_t *bytes, size_t len);
/* One line of the console and what follows it; the answer (malloc'd, the caller frees). */
char *simr_ask(struct simr *r, ns_t now, const char *line);
bool simr_routed(const struct simr *r, struct ip4_net net);
void simr_tick(struct simr *r, ns_t now);
ns_t simr_deadline(struct simr *r);

#endif
