/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ref/sys/channel.h"
#include "ref/sys/channel_tls.h"

#define RETRY (250 * NS_PER_MS)
#define CONNECT_MAX (500 * NS_PER_MS)
#define HANDSHAKE_MAX (2 * NS_PER_S)
#define OUT_MAX ((size_t)8 << 20) /* several bulks of all that a router may have */

enum phase { PHASE_IDLE, PHASE_CONNECTING, PHASE_HANDSHAKE, PHASE_UP };

struct conn {
	int fd;
	enum phase phase;
	ns_t at; /* next try, or the end of patience */
	SSL *ssl;
	bool want_write;
};

struct channel {
	struct channel_cfg cfg;
	int epfd;
	uint64_t tag;
	bool client;
	int listen_fd;
	struct channel_tls tls;
	struct conn cur;
	struct conn cand; /* a newcomer: replaces cur once it has shown that it has the key */
	bool stuck;	  /* the other side has stopped reading: too much waits for it */
	bool announce_up; /* it has: cur is it, and UP is still to be said */
	uint8_t *out;
	size_t out_len, out_cap;
	uint8_t in[16384];
	size_t in_len; /* handed out last: wiped at the next call */
};

static struct sockaddr_in
address(ip4_t a, uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_addr = {htonl(a)}, .sin_port = htons(port)};
}

static void
watch(struct channel *c, int fd, bool write)
{
	struct epoll_event e = {
		.events = EPOLLIN | (write ? (uint32_t)EPOLLOUT : 0), .data.u64 = c->tag};

	if (epoll_ctl(c->epfd, EPOLL_CTL_ADD, fd, &e) < 0 && errno == EEXIST)
		(void)epoll_ctl(c->epfd, EPOLL_CTL_MOD, fd, &e);
}

static void
want_write(struct channel *c, struct conn *k, bool on)
{
	if (k->fd >= 0 && k->want_write != on)
		watch(c, k->fd, on);
	k->want_write = on;
}

static int
tcp_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	if (fd >= 0) {
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	}
	return fd;
}

static bool
listen_start(struct channel *c)
{
	struct sockaddr_in a = address(c->cfg.local, c->cfg.port);
	int free_bind = 1;

	c->listen_fd = tcp_socket();
	if (c->listen_fd < 0)
		return false;
	(void)setsockopt(c->listen_fd, IPPROTO_IP, IP_FREEBIND, &free_bind, sizeof free_bind);
	if (bind(c->listen_fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(c->listen_fd, 4) < 0)
		return false;
	watch(c, c->listen_fd, false);
	return true;
}

struct channel *
channel_open(const struct channel_cfg *cfg, int epfd, uint64_t tag)
{
	struct channel *c = calloc(1, sizeof *c);
	int e;

	if (!c)
		return NULL;
	c->cfg = *cfg;
	c->epfd = epfd;
	c->tag = tag;
	c->listen_fd = -1;
	c->client = cfg->local < cfg->remote;
	c->cur = c->cand = (struct conn){.fd = -1, .at = NS_NEVER};
	c->cur.at = c->client ? 0 : NS_NEVER;
	if (channel_tls_init(&c->tls, &c->cfg, c->client) && (c->client || listen_start(c)))
		return c;
	e = errno;
	channel_close(c);
	errno = e;
	return NULL;
}

/* Reset: nothing of it arrives later. */
static void
conn_drop(struct conn *k)
{
	const struct linger reset = {.l_onoff = 1, .l_linger = 0};

	SSL_free(k->ssl);
	if (k->fd >= 0) {
		(void)setsockopt(k->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
		(void)close(k->fd);
	}
	*k = (struct conn){.fd = -1, .at = NS_NEVER};
}

void
channel_drop(struct channel *c, ns_t now)
{
	conn_drop(&c->cur);
	c->announce_up = c->stuck = false;
	wipe(c->out, c->out_len);
	c->out_len = 0;
	c->cur.at = c->client ? now + RETRY : NS_NEVER;
}

void
channel_close(struct channel *c)
{
	if (!c)
		return;
	channel_drop(c, 0);
	conn_drop(&c->cand);
	if (c->listen_fd >= 0)
		(void)close(c->listen_fd);
	SSL_CTX_free(c->tls.ctx);
	free(c->out);
	wipe(c, sizeof *c);
	free(c);
}

static void
connect_start(struct channel *c, ns_t now)
{
	struct sockaddr_in from = address(c->cfg.local, 0),
			   to = address(c->cfg.remote, c->cfg.port);
	struct conn *k = &c->cur;

	k->at = now + RETRY;
	k->fd = tcp_socket();
	if (k->fd < 0)
		return;
	if (bind(k->fd, (struct sockaddr *)&from, sizeof from) < 0 ||
		(connect(k->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)) {
		channel_drop(c, now);
		return;
	}
	k->phase = PHASE_CONNECTING;
	k->at = now + CONNECT_MAX;
	want_write(c, k, true);
}

/* False: there is no memory for it. */
static bool
handshake_start(struct channel *c, struct conn *k, ns_t now)
{
	k->ssl = channel_tls_new(&c->tls);
	if (!k->ssl || !SSL_set_fd(k->ssl, k->fd))
		return false;
	if (c->client)
		SSL_set_connect_state(k->ssl);
	else
		SSL_set_accept_state(k->ssl);
	k->phase = PHASE_HANDSHAKE;
	k->at = now + HANDSHAKE_MAX;
	return true;
}

/*
 * A newer connection replaces the older one, for the other member knows why it connects: at once if
 * the older one is not up, else when the newcomer has shown that it has the key.
 */
static bool
accept_new(struct channel *c, ns_t now)
{
	struct sockaddr_in from;
	socklen_t len = sizeof from;
	int fd =
		accept4(c->listen_fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct conn *k = c->cur.phase == PHASE_UP && !c->cfg.rules.newcomer_first ? &c->cand
										 : &c->cur;
	int on = 1;

	if (fd < 0)
		return false;
	if ((ntohl(from.sin_addr.s_addr) != c->cfg.remote && !c->cfg.rules.any_address) ||
		(c->cfg.rules.older_stays && c->cur.phase == PHASE_UP)) {
		(void)close(fd);
		return true;
	}
	if (k == &c->cur)
		channel_drop(c, now);
	else
		conn_drop(k);
	k->fd = fd;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	watch(c, fd, false);
	if (!handshake_start(c, k, now))
		conn_drop(k);
	return true;
}

/* True: broken. False: it only has to wait. */
static bool
failed(struct channel *c, struct conn *k, int rc)
{
	int e = SSL_get_error(k->ssl, rc);

	if (e == SSL_ERROR_WANT_READ)
		return false;
	if (e == SSL_ERROR_WANT_WRITE) {
		want_write(c, k, true);
		return false;
	}
	ERR_clear_error();
	return !c->cfg.rules.keeps_broken;
}

/* 1 done, 0 not yet, -1 it came to nothing (or the other side ignored the PSK). */
static int
handshake(struct channel *c, struct conn *k, ns_t now)
{
	int rc;

	if (now >= k->at && !c->cfg.rules.waits_forever)
		return -1;
	ERR_clear_error();
	rc = SSL_do_handshake(k->ssl);
	if (rc != 1)
		return failed(c, k, rc) ? -1 : 0;
	if (!SSL_session_reused(k->ssl) && !c->cfg.rules.without_psk)
		return -1;
	k->phase = PHASE_UP;
	k->at = NS_NEVER;
	want_write(c, k, false);
	return 1;
}

static enum channel_event
handshake_event(struct channel *c, ns_t now)
{
	int done = handshake(c, &c->cur, now);

	if (done < 0)
		channel_drop(c, now);
	return done > 0 ? CHANNEL_UP : CHANNEL_NOTHING;
}

/* The newcomer's handshake; when it is done the old connection is down, and the new one up. */
static enum channel_event
candidate(struct channel *c, ns_t now)
{
	int done = handshake(c, &c->cand, now);

	if (done < 0)
		conn_drop(&c->cand);
	if (done <= 0)
		return CHANNEL_NOTHING;
	channel_drop(c, now);
	c->cur = c->cand;
	c->cand = (struct conn){.fd = -1, .at = NS_NEVER};
	c->announce_up = true;
	return CHANNEL_DOWN;
}

/* 1 connected, 0 not yet, -1 refused or unreachable. */
static int
connected(const struct conn *k)
{
	struct sockaddr_in peer;
	socklen_t peer_len = sizeof peer, len;
	int e = 0;

	len = sizeof e;
	if (getsockopt(k->fd, SOL_SOCKET, SO_ERROR, &e, &len) < 0 || e)
		return -1;
	return getpeername(k->fd, (struct sockaddr *)&peer, &peer_len) == 0;
}

static enum channel_event
connecting(struct channel *c, ns_t now)
{
	int done = now >= c->cur.at ? -1 : connected(&c->cur);

	if (done == 0)
		return CHANNEL_NOTHING;
	if (done < 0 || !handshake_start(c, &c->cur, now)) {
		channel_drop(c, now);
		return CHANNEL_NOTHING;
	}
	want_write(c, &c->cur, false);
	return handshake_event(c, now);
}

/* Send what is queued. False: the connection is broken. */
static bool
flush(struct channel *c)
{
	while (c->out_len) {
		size_t done = 0;
		int rc;

		ERR_clear_error();
		rc = SSL_write_ex(c->cur.ssl, c->out, c->out_len, &done);
		if (rc != 1) {
			if (failed(c, &c->cur, rc))
				return false;
			want_write(c, &c->cur, true);
			return true;
		}
		memmove(c->out, c->out + done, c->out_len - done);
		wipe(c->out + c->out_len - done, done);
		c->out_len -= done;
	}
	want_write(c, &c->cur, false);
	return true;
}

static enum channel_event
receive(struct channel *c, ns_t now, const uint8_t **bytes, size_t *len)
{
	int rc;

	if (c->stuck || !flush(c)) {
		channel_drop(c, now);
		return CHANNEL_DOWN;
	}
	ERR_clear_error();
	rc = SSL_read_ex(c->cur.ssl, c->in, sizeof c->in, len);
	if (rc == 1) {
		*bytes = c->in;
		c->in_len = *len;
		return CHANNEL_BYTES;
	}
	if (!failed(c, &c->cur, rc))
		return CHANNEL_NOTHING;
	channel_drop(c, now);
	return CHANNEL_DOWN;
}

enum channel_event
channel_poll(struct channel *c, ns_t now, const uint8_t **bytes, size_t *len)
{
	wipe(c->in, c->in_len);
	c->in_len = 0;
	if (c->announce_up) {
		c->announce_up = false;
		return CHANNEL_UP;
	}
	while (c->listen_fd >= 0 && accept_new(c, now))
		;
	if (c->cand.fd >= 0) {
		enum channel_event e = candidate(c, now);

		if (e != CHANNEL_NOTHING)
			return e;
	}
	switch (c->cur.phase) {
	case PHASE_IDLE:
		if (c->client && now >= c->cur.at)
			connect_start(c, now);
		return CHANNEL_NOTHING;
	case PHASE_CONNECTING:
		return connecting(c, now);
	case PHASE_HANDSHAKE:
		return handshake_event(c, now);
	case PHASE_UP:
		return receive(c, now, bytes, len);
	}
	return CHANNEL_NOTHING;
}

void
channel_send(struct channel *c, const uint8_t *bytes, size_t len)
{
	if (c->cur.phase != PHASE_UP || c->stuck)
		return;
	if (c->out_len + len > c->out_cap) {
		size_t cap = (c->out_len + len) * 2;
		uint8_t *more =
			cap <= OUT_MAX || c->cfg.rules.unbounded ? malloc(cap) : NULL;

		if (!more) {
			c->stuck = true; /* a message less is a gap: better none any more */
			c->cur.at = 0;	 /* channel_poll is wanted at once */
			return;
		}
		if (c->out_len)
			memcpy(more, c->out, c->out_len);
		wipe(c->out, c->out_len);
		free(c->out);
		c->out = more;
		c->out_cap = cap;
	}
	memcpy(c->out + c->out_len, bytes, len);
	c->out_len += len;
	(void)flush(c);
}

ns_t
channel_deadline(const struct channel *c)
{
	return ns_min(c->cur.at, c->cand.at);
}

bool
channel_up(const struct channel *c, uint16_t *local_port, uint16_t *remote_port)
{
	struct sockaddr_in a;
	socklen_t len = sizeof a;

	*local_port = *remote_port = 0;
	if (c->cur.fd >= 0 && getsockname(c->cur.fd, (struct sockaddr *)&a, &len) == 0)
		*local_port = ntohs(a.sin_port);
	len = sizeof a;
	if (c->cur.fd >= 0 && getpeername(c->cur.fd, (struct sockaddr *)&a, &len) == 0)
		*remote_port = ntohs(a.sin_port);
	return c->cur.phase == PHASE_UP;
}
