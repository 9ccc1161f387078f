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

#include "ref/sys/port.h"
#include "ref/sys/router.h"

#define DRAIN_MAX 20000 /* frames taken before timers get their turn all the same */

enum tag { TAG_PORT, TAG_TUN, TAG_LINKS, TAG_SIGNALS, TAG_CHANNEL, TAG_CONTROL /* and those behind it */ };

void
router_entropy(struct router *r)
{
	struct entropy *e = &r->entropy;
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
	router_entropy(r);
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

bool
router_port_open(struct router *r, const char *name, struct router_port *p)
{
	int keep;

	p->fd = port_open(name, &p->mac, &p->ifindex);
	p->raw = p->fd < 0 ? -1 : port_raw_open(name);
	if (p->raw >= 0 && watch(r, p->fd, TAG_PORT))
		return true;
	keep = errno;
	router_port_close(p);
	errno = keep;
	return false;
}

void
router_port_close(struct router_port *p)
{
	if (p->fd >= 0)
		(void)close(p->fd);
	if (p->raw >= 0)
		(void)close(p->raw);
	p->fd = p->raw = -1;
}

static int
ports_open(struct router *r)
{
	sigset_t set;

	r->epfd = epoll_create1(EPOLL_CLOEXEC);
	r->nl = netlink_open();
	r->links = netlink_monitor();
	r->tun = port_tun_open(
		ROUTER_TUN, NODE_PACKET_MAX > 1500 ? 1500 : NODE_PACKET_MAX, &r->tun_ifindex,
		&r->to_tun.udp);
	if (r->epfd < 0 || !r->nl || !watch(r, r->links, TAG_LINKS) || !watch(r, r->tun, TAG_TUN)) {
		router_log(r, "node cannot open netlink or TUN: %s", strerror(errno));
		return 1;
	}
	for (unsigned i = 0; i < r->cfg->if_cnt; i++)
		if (!router_port_open(r, r->cfg->ifs[i].name, &r->at[i])) {
			router_log(r, "node interface %s: %s", r->cfg->ifs[i].name,
				strerror(errno));
			return 1;
		}
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	r->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (!watch(r, r->signals, TAG_SIGNALS))
		return 1;
	if (r->opts.control) {
		r->control = control_open(r->opts.control, r->epfd, TAG_CONTROL);
		if (!r->control) {
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

int
router_channel_open(struct router *r)
{
	const struct cfg_ssp *s = r->node.ssp_cfg;
	const struct cfg_if *f = s ? cfg_if_towards(r->cfg, s->remote) : NULL;
	struct channel_cfg c = {.keylog = r->opts.keylog ? tls_keylog : NULL, .ctx = r};

	if (!s)
		return 0;
	if (!f) {
		router_log(r, "ssp no interface reaches the remote address");
		return 1;
	}
	c.local = f->addr;
	c.remote = s->remote;
	c.port = s->port;
	c.group = s->id;
	c.key = s->key;
	c.rules = r->opts.rules->channel;
	if (c.key.len > r->opts.rules->channel_key_max)
		c.key.len = r->opts.rules->channel_key_max;
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
	for (unsigned i = 0; i < r->cfg->if_cnt; i++) {
		in.iface = i;
		if (ifindex && r->at[i].ifindex != ifindex)
			continue;
		in.on = !r->cfg->ifs[i].shutdown && netlink_running(r->at[i].ifindex);
		router_feed(r, &in, port_now());
	}
}

/* One packet, or all that a train stands for: how many. */
static unsigned
take(struct router *r, struct node_in *in, const struct virtio_net_hdr *h, uint8_t *b, size_t len,
	size_t l2, ns_t at)
{
	unsigned taken = 0;

	if (!offload_cut_init(&r->cut, h, b, len, l2)) {
		r->trains_refused++;
		return 1;
	}
	while ((in->bytes = offload_cut_next(&r->cut, &in->len)) != NULL) {
		router_feed(r, in, at);
		taken++;
	}
	return taken;
}

/* Take up to `max` frames of one port: how many packets they were. */
static unsigned
drain_port(struct router *r, unsigned i, unsigned max)
{
	struct node_in in = {.kind = NODE_IN_FRAME, .iface = i};
	struct port_frames *f = &r->frames;
	unsigned taken = 0;

	if (port_receive(r->at[i].fd, f, max) < 0) {
		r->receive_failed++;
		return 1;
	}
	for (unsigned k = 0; k < f->cnt; k++)
		taken += take(r, &in, &f->h[k], f->b[k], f->len[k], ETH_LEN, f->at[k]);
	router_flush(r);
	return taken;
}

static unsigned
drain_tun(struct router *r, unsigned max)
{
	struct node_in in = {.kind = NODE_IN_TUN};
	struct virtio_net_hdr h;
	unsigned taken = 0;
	long n;

	while (taken < max && (n = port_tun_read(r->tun, &h, r->from_tun, sizeof r->from_tun)) > 0)
		taken += take(r, &in, &h, r->from_tun, (size_t)n, 0, port_now());
	router_flush(r);
	return taken;
}

static void
drain_channel(struct router *r)
{
	struct node_in in = {.kind = NODE_IN_TICK};
	enum channel_event e;

	while (r->channel &&
		(e = channel_poll(r->channel, port_now(), &in.bytes, &in.len)) != CHANNEL_NOTHING) {
		if (e != CHANNEL_BYTES && (r->node.debug & NODE_DEBUG_SSP_SOCKET))
			router_log(r, "ssp socket %s", e == CHANNEL_UP ? "up" : "down");
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

	r->draining = true;
	do {
		taken = drain_tun(r, PORT_FRAMES);
		for (unsigned i = 0; i < r->cfg->if_cnt; i++)
			taken += drain_port(r, i, PORT_FRAMES);
		drain_channel(r);
		router_flush(r);
		left -= taken < left ? taken : left;
	} while (taken && left);
	r->draining = false;
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
signalled(struct router *r)
{
	struct signalfd_siginfo s;
	struct node_in in = {.kind = NODE_IN_STOP};

	if (read(r->signals, &s, sizeof s) != sizeof s)
		return;
	if (s.ssi_signo == SIGHUP) {
		if (r->opts.rules->configure_on_hup)
			router_reload(r);
		return;
	}
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
				signalled(r);
			else if (ev[i].data.u64 >= TAG_CONTROL)
				control_event(r, ev[i].data.u64);
		}
		if (port_now() >= node_deadline(&r->node)) {
			drain(r); /* what came while we were busy, before any timer */
			router_feed(r, &tick, port_now());
		}
	}
}

void
router_links(struct router *r, bool reload)
{
	struct node_in in = {.kind = NODE_IN_LINK, .reload = reload};

	for (unsigned i = 0; i < r->cfg->if_cnt; i++) {
		in.iface = i;
		in.on = !r->cfg->ifs[i].shutdown && netlink_running(r->at[i].ifindex);
		router_feed(r, &in, port_now());
	}
}

static int
start(struct router *r)
{
	const struct node_sink sink = {.act = router_act, .ctx = r};
	struct mac mac[CFG_IFS];
	int rc = config_load(r);

	if (!rc)
		rc = ports_open(r);
	if (!rc && (host_setup(r) < 0 || host_routes_start(r) < 0))
		rc = 1;
	if (rc)
		return rc;
	r->entropy.used = sizeof r->entropy.b;
	router_entropy(r);
	r->now = r->started = port_now();
	for (unsigned i = 0; i < r->cfg->if_cnt; i++)
		mac[i] = r->at[i].mac;
	node_init(&r->node, r->cfg, r->opts.rules, &crypto_openssl, mac, &sink, &r->entropy,
		r->now);
	rc = router_channel_open(r);
	if (!rc) {
		router_links(r, true);
		router_log(r, "node ready");
	}
	return rc;
}

int
router_run(const struct router_opts *opts)
{
	struct router *r = calloc(1, sizeof *r);
	int rc;

	if (!r || !(r->cfg = calloc(1, sizeof *r->cfg))) {
		free(r);
		return 1;
	}
	r->opts = *opts;
	for (unsigned i = 0; i < CFG_IFS; i++)
		r->at[i].fd = r->at[i].raw = -1;
	r->tun = r->epfd = r->links = r->signals = -1;
	batch_init(&r->out);
	port_frames_init(&r->frames);
	rc = start(r);
	if (!rc)
		loop(r);
	channel_close(r->channel);
	host_routes_stop(r);
	netlink_close(r->nl);
	control_close(r->control, opts->control);
	crypto_openssl_wipe();
	node_wipe(&r->node);
	wipe(r->cfg, sizeof *r->cfg);
	free(r->cfg);
	wipe(r, sizeof *r);
	free(r);
	return rc;
}
