/* SPDX-License-Identifier: BSD-2-Clause */
/* The node's actions, carried out; the log and the key log. */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "ref/console/console.h"
#include "ref/sys/port.h"
#include "ref/sys/router.h"

void
router_log(struct router *r, const char *fmt, ...)
{
	char line[1024];
	struct timespec t;
	struct tm tm;
	size_t n;
	va_list ap;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	(void)gmtime_r(&t.tv_sec, &tm);
	n = strftime(line, sizeof line, "%H:%M:%S", &tm);
	n += (size_t)snprintf(
		line + n, sizeof line - n, ".%06ld %.64s ", t.tv_nsec / 1000, r->opts.name);
	va_start(ap, fmt);
	(void)vsnprintf(line + n, sizeof line - n - 1, fmt, ap);
	va_end(ap);
	n = strlen(line);
	line[n++] = '\n';
	(void)fwrite(line, 1, n, r->opts.log);
	(void)fflush(r->opts.log);
	control_line(r->control, line, n);
}

static void
note(struct router *r, const struct node_note *n)
{
	char line[800];
	uint64_t withheld = 0;

	/* Who debugs wants all of it. */
	if (!r->node.debug && !quiet_pass(&r->quiet, n->what, r->now, &withheld))
		return;
	if (withheld)
		router_log(r, "log %" PRIu64 " lines of one kind were not written, so many came", withheld);
	tell_note(n, line, sizeof line);
	router_log(r, "%s", line);
}

static void
key_line(struct router *r, const char *line)
{
	(void)fprintf(r->opts.keylog, "%s\n", line);
	(void)fflush(r->opts.keylog);
}

static void
key_ike(struct router *r, const struct ike_export *x)
{
	char line[TELL_MAX];

	if (!r->opts.keylog)
		return;
	tell_ike_keys(x, line, sizeof line);
	key_line(r, line);
	wipe(line, sizeof line);
}

static void
key_esp(struct router *r, const struct node_pair *p)
{
	char line[TELL_MAX];

	for (unsigned way = 0; way < 2 && r->opts.keylog; way++) {
		tell_esp_keys(p, way, line, sizeof line);
		key_line(r, line);
	}
	wipe(line, sizeof line);
}

static void
route(struct router *r, const struct node_act *a)
{
	char line[64];

	tell_route(a->on, a->net, line, sizeof line);
	router_log(r, "%s", line);
	host_route(r, a->on, a->net);
}

static void
ip_out(struct router *r, const struct node_act *a)
{
	ip4_t dst = (ip4_t)a->bytes[16] << 24 | (ip4_t)a->bytes[17] << 16 |
		    (ip4_t)a->bytes[18] << 8 | a->bytes[19];

	batch_add(&r->out, a->iface < CFG_IFS ? r->at[a->iface].raw : -1, dst, a->bytes, a->len);
	if (!r->draining)
		batch_send(&r->out);
}

static void
tun_flush(struct router *r)
{
	struct offload_train *t = &r->to_tun;

	if (!t->cnt)
		return;
	offload_train_close(t);
	if (port_tun_write(r->tun, &t->h, t->b, t->len) < 0)
		r->tun_failed += t->cnt;
	offload_train_clear(t);
}

static void
tun_out(struct router *r, const struct node_act *a)
{
	if (!offload_train_add(&r->to_tun, a->bytes, a->len)) {
		tun_flush(r);
		(void)offload_train_add(&r->to_tun, a->bytes, a->len);
	}
	if (!r->draining)
		tun_flush(r);
}

void
router_flush(struct router *r)
{
	batch_send(&r->out);
	tun_flush(r);
}

void
router_act(void *ctx, const struct node_act *a)
{
	struct router *r = ctx;

	switch (a->kind) {
	case NODE_ACT_FRAME:
		router_flush(r);
		if (port_send(r->at[a->iface].fd, a->bytes, a->len) < 0)
			r->frames_failed++;
		break;
	case NODE_ACT_IP:
		ip_out(r, a);
		break;
	case NODE_ACT_TUN:
		tun_out(r, a);
		break;
	case NODE_ACT_ROUTE:
		router_flush(r);
		route(r, a);
		break;
	case NODE_ACT_SSP_SEND:
		router_flush(r);
		if (r->channel)
			channel_send(r->channel, a->bytes, a->len);
		break;
	case NODE_ACT_SSP_CLOSE:
		router_flush(r);
		r->channel_closed = true;
		break;
	case NODE_ACT_NOTE:
		note(r, &a->note);
		break;
	case NODE_ACT_KEY_IKE:
		key_ike(r, a->ike);
		break;
	case NODE_ACT_KEY_ESP:
		key_esp(r, a->pair);
		break;
	}
}
