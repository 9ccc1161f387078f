/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "ref/config/config.h"
#include "ref/sys/port.h"
#include "ref/sys/router.h"

#define TEXT_MAX 65536
#define DRAIN_MAX 20000 /* frames taken before timers get their turn all the same */

enum tag { TAG_PORT, TAG_TUN, TAG_LINKS, TAG_SIGNALS, TAG_CONTROL, TAG_CHANNEL };

static void
entropy_fill(struct entropy *e)
{
	size_t got = 0;

	if (e->used < sizeof e->b / 2)
		return;
	while (got < sizeof e->b) {
		ssize_t n = getrandom(e->b + got, sizeof e->b - got, 0);

		if (n > 0)
			got += (size_t)n;
	}
	e->used = 0;
}

void
router_feed(struct router *r, const struct node_in *in, ns_t at)
{
	if (at > r->now)
		r->now = at;
	entropy_fill(&r->entropy);
	node_step(&r->node, r->now, in, &r->entropy);
	if (r->channel_closed) {
		struct node_in down = {.kind = NODE_IN_SSP_DOWN};

		r->channel_closed = false;
		channel_drop(r->channel, r->now);
		node_step(&r->node, r->now, &down, &r->entropy);
	}
}

static bool
watch(struct router *r, int fd, enum tag tag)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u64 = tag};

	return fd >= 0 && epoll_ctl(r->epfd, EPOLL_CTL_ADD, fd, &e) == 0;
}

static int
config_read(struct router *r)
{
	static char text[TEXT_MAX];
	struct config_error err;
	char line[700];
	FILE *f = fopen(r->opts.config, "r");
	size_t n;

	if (!f) {
		router_log(r, "config %s: %s", r->opts.config, strerror(errno));
		return 2;
	}
	n = fread(text, 1, sizeof text - 1, f);
	text[n] = '\0';
	(void)fclose(f);
	if (n == sizeof text - 1 || !config_parse(text, &r->cfg, &err)) {
		if (n == sizeof text - 1)
			(void)snprintf(line, sizeof line, "%s: longer than %d octets",
				r->opts.config, TEXT_MAX);
		else
			config_error_text(&err, r->opts.config, line, sizeof line);
		router_log(r, "config %s", line);
		(void)fprintf(stderr, "%s\n", line);
		wipe(text, sizeof text);
		return 2;
	}
	wipe(text, sizeof text);
	return 0;
}

static int
ports_open(struct router *r)
{
	sigset_t set;

	r->epfd = epoll_create1(EPOLL_CLOEXEC);
	r->nl = netlink_open();
	r->links = netlink_monitor();
	r->tun = port_tun_open(
		ROUTER_TUN, NODE_PACKET_MAX > 1500 ? 1500 : NODE_PACKET_MAX, &r->tun_ifindex);
	if (r->epfd < 0 || !r->nl || !watch(r, r->links, TAG_LINKS) || !watch(r, r->tun, TAG_TUN)) {
		router_log(r, "node cannot open netlink or TUN: %s", strerror(errno));
		return 1;
	}
	for (unsigned i = 0; i < r->cfg.if_cnt; i++) {
		const char *name = r->cfg.ifs[i].name;

		r->port[i] = port_open(name, &r->mac[i], &r->ifindex[i]);
		r->raw[i] = r->port[i] < 0 ? -1 : port_raw_open(name);
		if (r->raw[i] < 0 || !watch(r, r->port[i], TAG_PORT)) {
			router_log(r, "node interface %s: %s", name, strerror(errno));
			return 1;
		}
	}
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	r->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (!watch(r, r->signals, TAG_SIGNALS))
		return 1;
	if (r->opts.control) {
		r->control = control_open(r->opts.control);
		if (!watch(r, r->control, TAG_CONTROL)) {
			router_log(r, "node control %s: %s", r->opts.control, strerror(errno));
			return 1;
		}
	}
	return 0;
}

static void
tls_keylog(void *ctx, const char *line)
{
	struct router *r = ctx;

	(void)fprintf(r->opts.keylog, "%s\n", line);
	(void)fflush(r->opts.keylog);
}

static ip4_t
local_towards(const struct cfg *c, ip4_t remote)
{
	for (unsigned i = 0; i < c->if_cnt; i++)
		if (c->ifs[i].addr &&
			ip4_in((struct ip4_net){c->ifs[i].addr, c->ifs[i].len}, remote))
			return c->ifs[i].addr;
	return 0;
}

static int
channel_setup(struct router *r)
{
	const struct cfg_ssp *s = r->node.ssp_cfg;
	struct channel_cfg c = {.keylog = r->opts.keylog ? tls_keylog : NULL, .ctx = r};

	if (!s)
		return 0;
	c.local = local_towards(&r->cfg, s->remote);
	c.remote = s->remote;
	c.port = s->port;
	c.group = s->id;
	c.key = s->key;
	if (c.key.len > r->opts.rules->channel_key_max)
		c.key.len = r->opts.rules->channel_key_max;
	if (!c.local) {
		router_log(r, "ssp no interface reaches the remote address");
		return 1;
	}
	r->channel = channel_open(&c, r->epfd, TAG_CHANNEL);
	secret_wipe(&c.key);
	if (!r->channel)
		router_log(r, "ssp cannot listen: %s", strerror(errno));
	return r->channel ? 0 : 1;
}

static void
link_seen(void *ctx, unsigned ifindex, bool up)
{
	struct router *r = ctx;
	struct node_in in = {.kind = NODE_IN_LINK};

	(void)up; /* what was true when the message was queued: ask how it stands now */
	for (unsigned i = 0; i < r->cfg.if_cnt; i++) {
		in.iface = i;
		if (ifindex && r->ifindex[i] != ifindex)
			continue;
		in.on = !r->cfg.ifs[i].shutdown && netlink_running(r->ifindex[i]);
		router_feed(r, &in, port_now());
	}
}

/* Take up to `max` frames of one port. */
static unsigned
drain_port(struct router *r, unsigned i, unsigned max)
{
	uint8_t buf[NODE_PACKET_MAX + 64];
	struct node_in in = {.kind = NODE_IN_FRAME, .iface = i, .bytes = buf};
	unsigned taken = 0;
	ns_t at;
	long n;

	while (taken < max && (n = port_receive(r->port[i], buf, sizeof buf, &at)) > 0) {
		in.len = (size_t)n;
		router_feed(r, &in, at);
		taken++;
	}
	return taken;
}

static unsigned
drain_tun(struct router *r, unsigned max)
{
	uint8_t buf[NODE_PACKET_MAX];
	struct node_in in = {.kind = NODE_IN_TUN, .bytes = buf};
	unsigned taken = 0;
	ssize_t n;

	while (taken < max && (n = read(r->tun, buf, sizeof buf)) > 0) {
		in.len = (size_t)n;
		router_feed(r, &in, port_now());
		taken++;
	}
	return taken;
}

static void
drain_channel(struct router *r)
{
	struct node_in in = {.kind = NODE_IN_TICK};
	enum channel_event e;

	while (r->channel &&
		(e = channel_poll(r->channel, port_now(), &in.bytes, &in.len)) != CHANNEL_NOTHING) {
		in.kind = e == CHANNEL_UP     ? NODE_IN_SSP_UP
			  : e == CHANNEL_DOWN ? NODE_IN_SSP_DOWN
					      : NODE_IN_SSP_BYTES;
		router_feed(r, &in, port_now());
	}
}

static void
drain(struct router *r)
{
	unsigned left = DRAIN_MAX, taken;

	do {
		taken = drain_tun(r, 64);
		for (unsigned i = 0; i < r->cfg.if_cnt; i++)
			taken += drain_port(r, i, 64);
		drain_channel(r);
		left -= taken < left ? taken : left;
	} while (taken && left);
}

static int
timeout_ms(const struct router *r)
{
	ns_t t = node_deadline(&r->node), wait;

	if (r->channel)
		t = ns_min(t, channel_deadline(r->channel));
	if (t == NS_NEVER)
		return 1000;
	wait = t - port_now();
	if (wait <= 0)
		return 0;
	wait = (wait + NS_PER_MS - 1) / NS_PER_MS;
	return wait > 1000 ? 1000 : (int)wait;
}

static void
stop_asked(struct router *r)
{
	struct signalfd_siginfo s;
	struct node_in in = {.kind = NODE_IN_STOP};

	if (read(r->signals, &s, sizeof s) != sizeof s)
		return;
	router_feed(r, &in, port_now());
	r->stop = true;
}

static void
loop(struct router *r)
{
	struct node_in tick = {.kind = NODE_IN_TICK};
	struct epoll_event ev[16];

	while (!r->stop) {
		int n = epoll_wait(r->epfd, ev, 16, timeout_ms(r));

		drain(r);
		for (int i = 0; i < n; i++) {
			if (ev[i].data.u64 == TAG_LINKS)
				netlink_links(r->links, link_seen, r);
			else if (ev[i].data.u64 == TAG_SIGNALS)
				stop_asked(r);
			else if (ev[i].data.u64 == TAG_CONTROL)
				control_serve(r);
		}
		if (port_now() >= node_deadline(&r->node)) {
			drain(r); /* what came while we were busy, before any timer */
			router_feed(r, &tick, port_now());
		}
	}
}

static void
links_start(struct router *r)
{
	struct node_in in = {.kind = NODE_IN_LINK, .reload = true};

	for (unsigned i = 0; i < r->cfg.if_cnt; i++) {
		in.iface = i;
		in.on = !r->cfg.ifs[i].shutdown && netlink_running(r->ifindex[i]);
		router_feed(r, &in, port_now());
	}
}

static int
start(struct router *r)
{
	const struct node_sink sink = {.act = router_act, .ctx = r};
	int rc = config_read(r);

	if (!rc)
		rc = ports_open(r);
	if (!rc && (host_setup(r) < 0 || host_routes_start(r) < 0))
		rc = 1;
	if (rc)
		return rc;
	r->entropy.used = sizeof r->entropy.b;
	entropy_fill(&r->entropy);
	r->now = r->started = port_now();
	node_init(&r->node, &r->cfg, r->opts.rules, &crypto_openssl, r->mac, &sink, &r->entropy,
		r->now);
	rc = channel_setup(r);
	if (!rc) {
		links_start(r);
		router_log(r, "node ready");
	}
	return rc;
}

int
router_run(const struct router_opts *opts)
{
	struct router *r = calloc(1, sizeof *r);
	int rc;

	if (!r)
		return 1;
	r->opts = *opts;
	for (unsigned i = 0; i < CFG_IFS; i++)
		r->port[i] = r->raw[i] = -1;
	r->tun = r->epfd = r->links = r->signals = r->control = -1;
	rc = start(r);
	if (!rc)
		loop(r);
	channel_close(r->channel);
	host_routes_stop(r);
	netlink_close(r->nl);
	if (opts->control && r->control >= 0)
		(void)unlink(opts->control);
	crypto_openssl_wipe();
	node_wipe(&r->node);
	wipe(r, sizeof *r);
	free(r);
	return rc;
}
