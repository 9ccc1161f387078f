/* SPDX-License-Identifier: BSD-2-Clause */
/* The console's socket: root's, one line in, the answer out, closed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "ref/sys/router.h"

int
control_open(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd;
	mode_t old;

	if (strlen(path) >= sizeof a.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(a.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	(void)unlink(path);
	old = umask(0177);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 8) < 0) {
		(void)umask(old);
		(void)close(fd);
		return -1;
	}
	(void)umask(old);
	return fd;
}

static void
answer(int fd, const char *text)
{
	size_t len = strlen(text), done = 0;

	while (done < len) {
		ssize_t n = send(fd, text + done, len - done, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		done += (size_t)n;
	}
}

/* The line, without its end; false if none came in time. */
static bool
line_read(int fd, char *line, size_t cap)
{
	size_t len = 0;

	while (len + 1 < cap) {
		ssize_t n = recv(fd, line + len, 1, 0);

		if (n < 0)
			return false;
		if (n == 0 || line[len] == '\n')
			break;
		len += (size_t)n;
	}
	line[len] = '\0';
	return true;
}

void
control_serve(struct router *r)
{
	const struct timeval patience = {.tv_usec = 20000};
	char line[512], *out = NULL;
	int fd = accept4(r->control, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (line_read(fd, line, sizeof line)) {
		show_answer(r, line, &out);
		answer(fd, out ? out : "% out of memory\n");
		free(out);
	}
	(void)close(fd);
}
