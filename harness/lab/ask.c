/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Questions to a member's console: one line to its control socket, the reply to the end of the
 * stream. The world keeps running meanwhile, so the answer may take as long as the router takes.
 * One question at a time.
 */
#include "harness/lab/lab_in.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE (2 * NS_PER_S)
#define REPLY_MAX ((size_t)4 << 20)

struct ask {
	int fd;
	char *reply;
	size_t len, cap;
	bool done, failed;
};

static bool
finish(struct ask *a, bool failed)
{
	a->done = true;
	a->failed = failed;
	return true;
}

static bool
room(struct ask *a)
{
	char *more;

	if (a->cap - a->len > 1)
		return true;
	if (a->cap >= REPLY_MAX)
		return false;
	more = realloc(a->reply, a->cap ? a->cap * 2 : 4096);
	if (!more)
		return false;
	a->reply = more;
	a->cap = a->cap ? a->cap * 2 : 4096;
	return true;
}

void
ask_event(struct lab *l)
{
	struct ask *a = l->ask;
	ssize_t got;

	while (a && !a->done) {
		if (!room(a)) {
			finish(a, true);
			return;
		}
		got = read(a->fd, a->reply + a->len, a->cap - a->len - 1);
		if (got > 0)
			a->len += (size_t)got;
		else if (got == 0)
			finish(a, false);
		else if (errno == EAGAIN)
			return;
		else
			finish(a, true);
	}
}

static bool
connect_to(struct lab *l, struct ask *a, const char *path, const char *line)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	char text[4096];
	int len = snprintf(text, sizeof(text), "%s\n", line);

	if (len <= 0 || (size_t)len >= sizeof(text))
		return false;
	a->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	snprintf(to.sun_path, sizeof(to.sun_path), "%.100s", path);
	return a->fd >= 0 && connect(a->fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
		send(a->fd, text, (size_t)len, MSG_NOSIGNAL) == len &&
		shutdown(a->fd, SHUT_WR) == 0 &&
		lab_watch(l, a->fd, TAG_ASK, EPOLLIN);
}

static bool
answered(void *ctx)
{
	return ((struct ask *)ctx)->done;
}

char *
ask_text(struct lab *l, enum lab_member m, const char *line)
{
	struct ask a = {.fd = -1};
	bool ok;

	assert(!l->ask);
	l->ask = &a;
	ok = connect_to(l, &a, l->node[m].control, line) &&
		lab_until(l, line, PATIENCE, answered, &a) && !a.failed;
	l->ask = NULL;
	if (a.fd >= 0)
		close(a.fd);
	if (!ok || !a.reply) {
		free(a.reply);
		return NULL;
	}
	a.reply[a.len] = '\0';
	return a.reply;
}
