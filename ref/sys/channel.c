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

#define RETRY (250 * NS_PER_MS)
#define CONNECT_MAX (500 * NS_PER_MS)
#define HANDSHAKE_MAX (2 * NS_PER_S)
#define OUT_MAX ((size_t)256 << 20)

enum phase { PHASE_IDLE, PHASE_CONNECTING, PHASE_HANDSHAKE, PHASE_UP };

struct channel {
	struct channel_cfg cfg;
	int epfd;
	uint64_t tag;
	bool client;
	char identity[80];
	int listen_fd, fd;
	enum phase phase;
	ns_t at; /* next try, or the end of patience */
	SSL_CTX *ctx;
	SSL *ssl;
	uint8_t *out;
	size_t out_len, out_cap;
	bool want_write;
	uint8_t in[16384];
};

static struct channel *
of(SSL *ssl)
{
	return SSL_get_app_data(ssl);
}

static SSL_SESSION *
session(struct channel *c, SSL *ssl)
{
	static const unsigned char suite[] = {0x13, 0x01}; /* TLS_AES_128_GCM_SHA256 */
	const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, suite);
	SSL_SESSION *s = SSL_SESSION_new();

	if (s && cipher && SSL_SESSION_set1_master_key(s, c->cfg.key.b, c->cfg.key.len) &&
		SSL_SESSION_set_cipher(s, cipher) &&
		SSL_SESSION_set_protocol_version(s, TLS1_3_VERSION))
		return s;
	SSL_SESSION_free(s);
	return NULL;
}

static int
psk_use(SSL *ssl, const EVP_MD *md, const unsigned char **id, size_t *id_len, SSL_SESSION **s)
{
	struct channel *c = of(ssl);

	if (md && md != EVP_sha256() && EVP_MD_get_type(md) != NID_sha256)
		return 0;
	*s = session(c, ssl);
	*id = (const unsigned char *)c->identity;
	*id_len = strlen(c->identity);
	return *s != NULL;
}

static int
psk_find(SSL *ssl, const unsigned char *id, size_t id_len, SSL_SESSION **s)
{
	struct channel *c = of(ssl);

	*s = NULL;
	if (id_len == strlen(c->identity) && equal_ct(id, c->identity, id_len))
		*s = session(c, ssl);
	return 1; /* without a session the handshake goes on, and fails for want of a certificate */
}

static void
keylog(const SSL *ssl, const char *line)
{
	struct channel *c = of((SSL *)(uintptr_t)ssl);

	if (c->cfg.keylog)
		c->cfg.keylog(c->cfg.ctx, line);
}

static bool
tls_setup(struct channel *c)
{
	c->ctx = SSL_CTX_new(TLS_method());
	if (!c->ctx)
		return false;
	if (!SSL_CTX_set_min_proto_version(c->ctx, TLS1_3_VERSION) ||
		!SSL_CTX_set_max_proto_version(c->ctx, TLS1_3_VERSION) ||
		!SSL_CTX_set_ciphersuites(c->ctx, "TLS_AES_128_GCM_SHA256") ||
		!SSL_CTX_set1_groups_list(c->ctx, "X25519:P-256"))
		return false;
	(void)SSL_CTX_set_options(c->ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
	(void)SSL_CTX_set_num_tickets(c->ctx, 0);
	(void)SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_mode(c->ctx,
		SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* a server that verifies its peer refuses sessions without a context; a client must have none */
	if (!c->client && !SSL_CTX_set_session_id_context(c->ctx, (const unsigned char *)"baton-ssp", 9))
		return false;
	SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_psk_use_session_callback(c->ctx, psk_use);
	SSL_CTX_set_psk_find_session_callback(c->ctx, psk_find);
	SSL_CTX_set_keylog_callback(c->ctx, keylog);
	return true;
}

static struct sockaddr_in
address(ip4_t a, uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_addr = {htonl(a)}, .sin_port = htons(port)};
}

static void
watch(struct channel *c, int fd, bool write)
{
	struct epoll_event e = {.events = EPOLLIN | (write ? (uint32_t)EPOLLOUT : 0), .data.u64 = c->tag};

	if (epoll_ctl(c->epfd, EPOLL_CTL_ADD, fd, &e) < 0 && errno == EEXIST)
		(void)epoll_ctl(c->epfd, EPOLL_CTL_MOD, fd, &e);
}

static void
want_write(struct channel *c, bool on)
{
	if (c->fd >= 0 && c->want_write != on)
		watch(c, c->fd, on);
	c->want_write = on;
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
	char lo[IP4_TEXT], hi[IP4_TEXT];
	int e;

	if (!c)
		return NULL;
	c->cfg = *cfg;
	c->epfd = epfd;
	c->tag = tag;
	c->fd = c->listen_fd = -1;
	c->client = cfg->local < cfg->remote;
	c->at = c->client ? 0 : NS_NEVER;
	ip4_put(lo, c->client ? cfg->local : cfg->remote);
	ip4_put(hi, c->client ? cfg->remote : cfg->local);
	(void)snprintf(c->identity, sizeof c->identity, "baton-ssp/1 group %u from %s to %s",
		cfg->group, lo, hi);
	if (tls_setup(c) && (c->client || listen_start(c)))
		return c;
	e = errno;
	channel_close(c);
	errno = e;
	return NULL;
}

void
channel_drop(struct channel *c, ns_t now)
{
	const struct linger reset = {.l_onoff = 1, .l_linger = 0};

	SSL_free(c->ssl);
	c->ssl = NULL;
	if (c->fd >= 0) {
		(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
		(void)close(c->fd);
	}
	c->fd = -1;
	c->phase = PHASE_IDLE;
	c->want_write = false;
	wipe(c->out, c->out_len);
	c->out_len = 0;
	c->at = c->client ? now + RETRY : NS_NEVER;
}

void
channel_close(struct channel *c)
{
	if (!c)
		return;
	channel_drop(c, 0);
	if (c->listen_fd >= 0)
		(void)close(c->listen_fd);
	SSL_CTX_free(c->ctx);
	free(c->out);
	wipe(c, sizeof *c);
	free(c);
}

static void
connect_start(struct channel *c, ns_t now)
{
	struct sockaddr_in from = address(c->cfg.local, 0), to = address(c->cfg.remote, c->cfg.port);

	c->at = now + RETRY;
	c->fd = tcp_socket();
	if (c->fd < 0)
		return;
	if (bind(c->fd, (struct sockaddr *)&from, sizeof from) < 0 ||
		(connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)) {
		channel_drop(c, now);
		return;
	}
	c->phase = PHASE_CONNECTING;
	c->at = now + CONNECT_MAX;
	watch(c, c->fd, true);
	c->want_write = true;
}

static void
handshake_start(struct channel *c, ns_t now)
{
	c->ssl = SSL_new(c->ctx);
	if (!c->ssl || !SSL_set_fd(c->ssl, c->fd)) {
		channel_drop(c, now);
		return;
	}
	SSL_set_app_data(c->ssl, c);
	if (c->client)
		SSL_set_connect_state(c->ssl);
	else
		SSL_set_accept_state(c->ssl);
	c->phase = PHASE_HANDSHAKE;
	c->at = now + HANDSHAKE_MAX;
}

/* A newer connection replaces the older: the other member knows why it connects. */
static bool
accept_new(struct channel *c, ns_t now, bool *was_up)
{
	struct sockaddr_in from;
	socklen_t len = sizeof from;
	int fd = accept4(c->listen_fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	int on = 1;

	if (fd < 0)
		return false;
	if (ntohl(from.sin_addr.s_addr) != c->cfg.remote) {
		(void)close(fd);
		return true;
	}
	*was_up = c->phase == PHASE_UP;
	channel_drop(c, now);
	c->fd = fd;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	watch(c, fd, false);
	handshake_start(c, now);
	return true;
}

static enum channel_event handshake(struct channel *c, ns_t now);

/* 1 connected, 0 not yet, -1 refused or unreachable. */
static int
connected(struct channel *c)
{
	struct sockaddr_in peer;
	socklen_t peer_len = sizeof peer, len;
	int e = 0;

	len = sizeof e;
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &e, &len) < 0 || e)
		return -1;
	return getpeername(c->fd, (struct sockaddr *)&peer, &peer_len) == 0;
}

static enum channel_event
connecting(struct channel *c, ns_t now)
{
	int done = now >= c->at ? -1 : connected(c);

	if (done < 0)
		channel_drop(c, now);
	if (done <= 0)
		return CHANNEL_NOTHING;
	want_write(c, false);
	handshake_start(c, now);
	return c->ssl ? handshake(c, now) : CHANNEL_NOTHING;
}

static bool
failed(struct channel *c, int rc)
{
	int e = SSL_get_error(c->ssl, rc);

	if (e == SSL_ERROR_WANT_READ)
		return false;
	if (e == SSL_ERROR_WANT_WRITE) {
		want_write(c, true);
		return false;
	}
	ERR_clear_error();
	return true;
}

static enum channel_event
handshake(struct channel *c, ns_t now)
{
	int rc;

	ERR_clear_error();
	rc = SSL_do_handshake(c->ssl);
	if (rc != 1) {
		if (failed(c, rc))
			channel_drop(c, now);
		return CHANNEL_NOTHING;
	}
	if (!SSL_session_reused(c->ssl)) { /* the other side ignored the PSK */
		channel_drop(c, now);
		return CHANNEL_NOTHING;
	}
	c->phase = PHASE_UP;
	c->at = NS_NEVER;
	want_write(c, false);
	return CHANNEL_UP;
}

/* Send what is queued. False: the connection is broken. */
static bool
flush(struct channel *c)
{
	while (c->out_len) {
		size_t done = 0;
		int rc;

		ERR_clear_error();
		rc = SSL_write_ex(c->ssl, c->out, c->out_len, &done);
		if (rc != 1) {
			if (failed(c, rc))
				return false;
			want_write(c, true);
			return true;
		}
		memmove(c->out, c->out + done, c->out_len - done);
		wipe(c->out + c->out_len - done, done);
		c->out_len -= done;
	}
	want_write(c, false);
	return true;
}

static enum channel_event
receive(struct channel *c, ns_t now, const uint8_t **bytes, size_t *len)
{
	int rc;

	if (!flush(c)) {
		channel_drop(c, now);
		return CHANNEL_DOWN;
	}
	ERR_clear_error();
	rc = SSL_read_ex(c->ssl, c->in, sizeof c->in, len);
	if (rc == 1) {
		*bytes = c->in;
		return CHANNEL_BYTES;
	}
	if (!failed(c, rc))
		return CHANNEL_NOTHING;
	channel_drop(c, now);
	return CHANNEL_DOWN;
}

enum channel_event
channel_poll(struct channel *c, ns_t now, const uint8_t **bytes, size_t *len)
{
	bool was_up = false;

	if (c->listen_fd >= 0 && accept_new(c, now, &was_up) && was_up)
		return CHANNEL_DOWN;
	switch (c->phase) {
	case PHASE_IDLE:
		if (c->client && now >= c->at)
			connect_start(c, now);
		return CHANNEL_NOTHING;
	case PHASE_CONNECTING:
		return connecting(c, now);
	case PHASE_HANDSHAKE:
		if (now >= c->at) {
			channel_drop(c, now);
			return CHANNEL_NOTHING;
		}
		return handshake(c, now);
	case PHASE_UP:
		return receive(c, now, bytes, len);
	}
	return CHANNEL_NOTHING;
}

void
channel_send(struct channel *c, const uint8_t *bytes, size_t len)
{
	if (c->phase != PHASE_UP)
		return;
	if (c->out_len + len > c->out_cap) {
		size_t cap = (c->out_len + len) * 2;
		uint8_t *more = cap <= OUT_MAX ? malloc(cap) : NULL;

		if (!more)
			return; /* the other side has stopped reading: its silence ends the connection */
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
	return c->at;
}

bool
channel_up(const struct channel *c, uint16_t *local_port, uint16_t *remote_port)
{
	struct sockaddr_in a;
	socklen_t len = sizeof a;

	*local_port = *remote_port = 0;
	if (c->fd >= 0 && getsockname(c->fd, (struct sockaddr *)&a, &len) == 0)
		*local_port = ntohs(a.sin_port);
	len = sizeof a;
	if (c->fd >= 0 && getpeername(c->fd, (struct sockaddr *)&a, &len) == 0)
		*remote_port = ntohs(a.sin_port);
	return c->phase == PHASE_UP;
}
