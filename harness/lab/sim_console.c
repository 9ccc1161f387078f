/* SPDX-License-Identifier: BSD-2-Clause */
/* The console of a simulated member: one question, answered by ref/console in no time. */
#include "harness/lab/sim_router_in.h"

#include <stdlib.h>
#include <string.h>

#include "ref/console/console.h"

static void
asked_feed(void *ctx, const struct node_in *in)
{
	simr_step(ctx, in);
}

static bool
asked_configure(void *ctx, const char *text, bool whole, char **why)
{
	return sim_config_change(ctx, text, "console", whole, why);
}

static void
asked_log(void *ctx, const char *line)
{
	simr_say(ctx, "%s", line);
}

static void
asked_clear(void *ctx)
{
	struct simr *r = ctx;

	r->send_failed = 0;
}

char *
simr_ask(struct simr *r, ns_t now, const char *line)
{
	struct console con = {.version = "sim", .ctx = r, .clear_counters = asked_clear, .log = asked_log,
		.configure = asked_configure, .feed = asked_feed};
	char *copy = strdup(line), *body, *answer = NULL;

	r->now = now;
	if (!copy)
		abort();
	body = strchr(copy, '\n');
	if (body)
		*body++ = '\0';
	con.node = r->node;
	con.cfg = r->cfg;
	con.now = simr_clock(r);
	con.started = r->started;
	con.system[con.system_cnt++] = (struct console_count){"send-failed", r->send_failed};
	con.channel_up = r->channel.up;
	simt_ports(r->tcp, r->channel.conn, &con.local_port, &con.remote_port);
	if (r->runs)
		console_answer(&con, copy, body ? body : "", &answer);
	simr_pump(r);
	free(copy);
	return answer;
}
