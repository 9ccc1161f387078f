/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console's socket: root's. A client sends one line and gets the answer, then the end of the
 * stream; `configure` reads on to the end of what the client sends; `monitor` goes on with each line of
 * the log until the client leaves. Nothing here blocks: a slow reader waits for himself.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ref/console/console.h"
#include "ref/sys/port.h"
#include "ref/sys/router.h"

#define IN_MAX ((size_t)1 << 17)
#define BACKLOG_MAX ((size_t)1 << 18) /* of a monitor that does not read: lines beyond are lost */

struct control_client {
	int fd; /* -1: free */
	char *in, *out;
	size_t in_len, out_len, out_sent;
	bool asked, monitor, ended;
	ns_t since;
};

struct control {
	int fd, epfd;
	uint64_t tag;
	struct control_client client[CONTROL_CLIENTS];
};

struct control *
control_open(const char *path, int epfd, uint64_t tag)
{
	struct control *c = calloc(1, sizeof *c);
	struct epoll_event e = {.events = EPOLLIN, .data.u64 = tag};
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	mode_t old = umask(0177);

	if (c && strlen(path) < sizeof a.sun_path) {
		memcpy(a.sun_path, path, strlen(path) + 1);
		c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)unlink(path);
		if (c->fd >= 0 && bind(c->fd, (struct sockaddr *)&a, sizeof a) == 0 &&
			listen(c->fd, CONTROL_CLIENTS) == 0 &&
			epoll_ctl(epfd, EPOLL_CTL_ADD, c->fd, &e) == 0) {
			(void)umask(old);
			c->epfd = epfd;
			c->tag = tag;
			for (unsigned i = 0; i < CONTROL_CLIENTS; i++)
				c->client[i].fd = -1;
			return c;
		}
		if (c->fd >= 0)
			(void)close(c->fd);
	} else if (c) {
		errno = ENAMETOOLONG;
	}
	(void)umask(old);
	free(c);
	return NULL;
}

static void
leave(struct control_client *k)
{
	if (k->fd >= 0)
		(void)close(k->fd);
	if (k->in)
		wipe(k->in, k->in_len); /* a configuration holds keys */
	free(k->in);
	free(k->out);
	*k = (struct control_client){.fd = -1};
}

void
control_close(struct control *c, const char *path)
{
	if (!c)
		return;
	for (unsigned i = 0; i < CONTROL_CLIENTS; i++)
		leave(&c->client[i]);
	(void)close(c->fd);
	(void)unlink(path);
	free(c);
}

/* A free place; when all are taken, that of whom we have known longest. */
static struct control_client *
place(struct control *c)
{
	struct control_client *oldest = &c->client[0];

	for (unsigned i = 0; i < CONTROL_CLIENTS; i++) {
		if (c->client[i].fd < 0)
			return &c->client[i];
		if (c->client[i].since < oldest->since)
			oldest = &c->client[i];
	}
	leave(oldest);
	return oldest;
}

static void
accept_all(struct control *c)
{
	int fd;

	while ((fd = accept4(c->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct control_client *k = place(c);
		struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP};

		e.data.u64 = c->tag + 1 + (uint64_t)(k - c->client);
		*k = (struct control_client){.fd = fd, .since = port_now()};
		k->in = malloc(IN_MAX);
		if (!k->in || epoll_ctl(c->epfd, EPOLL_CTL_ADD, fd, &e) < 0)
			leave(k);
	}
}

/* Send what waits. False: nothing more will come of this client. */
static bool
flush(struct control *c, struct control_client *k)
{
	struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP};

	while (k->out_sent < k->out_len) {
		ssize_t n = send(k->fd, k->out + k->out_sent, k->out_len - k->out_sent,
			MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n <= 0 && errno != EAGAIN)
			return false;
		if (n <= 0)
			break;
		k->out_sent += (size_t)n;
	}
	if (k->out_sent == k->out_len) {
		k->out_sent = k->out_len = 0;
		if (k->asked && !k->monitor)
			return false;
	} else {
		e.events = EPOLLOUT;
	}
	e.data.u64 = c->tag + 1 + (uint64_t)(k - c->client);
	return epoll_ctl(c->epfd, EPOLL_CTL_MOD, k->fd, &e) == 0;
}

static bool
queue(struct control_client *k, const char *text, size_t len)
{
	char *more = realloc(k->out, k->out_len + len);

	if (!more)
		return false;
	k->out = more;
	memcpy(k->out + k->out_len, text, len);
	k->out_len += len;
	return true;
}

/* The line, and for `configure` all that follows it, is there. */
static bool
whole(const struct control_client *k)
{
	if (k->ended)
		return true;
	return memchr(k->in, '\n', k->in_len) && strncmp(k->in, "conf", 4) != 0;
}

/* ---- what the commands need of this router ---- */

static void
console_feed(void *ctx, const struct node_in *in)
{
	router_feed(ctx, in, port_now());
}

static bool
console_configure(void *ctx, const char *text, bool whole, char **why)
{
	return router_configure(ctx, text, "console", whole, why);
}

static void
console_log(void *ctx, const char *line)
{
	router_log(ctx, "%s", line);
}

static void
console_clear_counters(void *ctx)
{
	struct router *r = ctx;

	r->frames_failed = r->tun_failed = r->receive_failed = r->trains_refused = 0;
	batch_counts_clear(&r->out);
}

static void
console_count(struct console *con, const char *name, uint64_t value)
{
	if (name && con->system_cnt < CONSOLE_COUNTS)
		con->system[con->system_cnt++] = (struct console_count){name, value};
}

static struct console
console_of(struct router *r)
{
	struct console con = {
		.node = &r->node,
		.cfg = r->cfg,
		.version = r->opts.version,
		.now = port_now(),
		.started = r->started,
		.ctx = r,
		.feed = console_feed,
		.configure = console_configure,
		.log = console_log,
		.clear_counters = console_clear_counters,
	};

	for (unsigned i = 0; i < BATCH_DROPS; i++)
		console_count(&con, batch_drop_names[i], r->out.dropped[i]);
	console_count(&con, "frames-failed", r->frames_failed);
	console_count(&con, "tun-failed", r->tun_failed);
	console_count(&con, "receive-failed", r->receive_failed);
	console_count(&con, "trains-refused", r->trains_refused);
	if (r->channel)
		con.channel_up = channel_up(r->channel, &con.local_port, &con.remote_port);
	return con;
}

static void
ask(struct router *r, struct control_client *k)
{
	struct console con = console_of(r);
	char *body, *answer = NULL;

	k->in[k->in_len] = '\0';
	body = strchr(k->in, '\n');
	if (body)
		*body++ = '\0';
	k->in[strcspn(k->in, "\r")] = '\0';
	k->asked = true;
	if (!strcmp(k->in, "monitor")) {
		k->monitor = true;
		return;
	}
	console_answer(&con, k->in, body ? body : "", &answer);
	(void)queue(k, answer ? answer : "% out of memory\n",
		answer ? strlen(answer) : strlen("% out of memory\n"));
	free(answer);
}

static bool
take(struct router *r, struct control *c, struct control_client *k)
{
	ssize_t n;

	while ((n = recv(k->fd, k->in + k->in_len, IN_MAX - 1 - k->in_len, 0)) > 0) {
		if (k->asked)
			continue; /* one question a connection */
		k->in_len += (size_t)n;
		if (k->in_len == IN_MAX - 1) {
			(void)queue(k, "% too long\n", strlen("% too long\n"));
			k->asked = true;
		}
	}
	if (n == 0 && k->monitor)
		return false;
	k->ended = k->ended || n == 0;
	if (n < 0 && errno != EAGAIN)
		return false;
	if (!k->asked && whole(k))
		ask(r, k);
	return k->asked ? flush(c, k) : !k->ended;
}

void
control_event(struct router *r, uint64_t tag)
{
	struct control *c = r->control;
	struct control_client *k;

	if (tag == c->tag) {
		accept_all(c);
		return;
	}
	k = &c->client[tag - c->tag - 1];
	if (k->fd >= 0 && !(k->out_len > k->out_sent && k->asked ? flush(c, k) : take(r, c, k)))
		leave(k);
}

void
control_line(struct control *c, const char *line, size_t len)
{
	for (unsigned i = 0; c && i < CONTROL_CLIENTS; i++) {
		struct control_client *k = &c->client[i];

		if (k->fd < 0 || !k->monitor || k->out_len - k->out_sent > BACKLOG_MAX)
			continue;
		if (!queue(k, line, len) || !flush(c, k))
			leave(k);
	}
}
