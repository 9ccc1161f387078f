/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * twinctl: the console of a running twind. With words it asks one thing and prints the answer;
 * without, it reads lines until `exit` (with editing and history on a terminal).
 */
#include <errno.h>
#include <getopt.h>
#include <histedit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONTROL_DEFAULT "/run/twind.sock"

static int
usage(void)
{
	(void)fprintf(stderr,
		"usage: twinctl [-s SOCKET] [COMMAND WORDS...] [--json]\n"
		"       COMMAND: show standby | show ssp client|packet|peers|redundancy |\n"
		"                show crypto isakmp sa | show crypto ipsec sa [standby] |\n"
		"                show crypto ipsec ha | show counters\n");
	return 2;
}

static int
connect_to(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof a.sun_path) {
		(void)fprintf(stderr, "twinctl: %s: path too long\n", path);
		return -1;
	}
	memcpy(a.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) < 0) {
		(void)fprintf(stderr, "twinctl: %s: %s\n", path, strerror(errno));
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	return fd;
}

/* 0; 1 if the router did not know the command or cannot be reached. */
static int
ask(const char *path, const char *line)
{
	char buf[8192];
	ssize_t n;
	size_t len = strlen(line);
	int fd = connect_to(path);
	int rc = 0, first = 1;

	if (fd < 0)
		return 1;
	if (send(fd, line, len, MSG_NOSIGNAL) != (ssize_t)len ||
		send(fd, "\n", 1, MSG_NOSIGNAL) != 1)
		rc = 1;
	while (!rc && (n = recv(fd, buf, sizeof buf, 0)) > 0) {
		if (first && buf[0] == '%')
			rc = 1;
		first = 0;
		(void)fwrite(buf, 1, (size_t)n, stdout);
		if (rc)
			(void)fflush(stdout);
	}
	(void)close(fd);
	return rc;
}

static const char *
prompt(EditLine *el)
{
	(void)el;
	return "twin# ";
}

static int
interactive(const char *path)
{
	EditLine *el = el_init("twinctl", stdin, stdout, stderr);
	History *h = history_init();
	HistEvent ev;
	const char *line;
	int n;

	if (!el || !h)
		return 1;
	(void)history(h, &ev, H_SETSIZE, 200);
	(void)el_set(el, EL_PROMPT, prompt);
	(void)el_set(el, EL_HIST, history, h);
	while ((line = el_gets(el, &n)) != NULL && n > 0) {
		char copy[512];

		(void)snprintf(copy, sizeof copy, "%s", line);
		copy[strcspn(copy, "\n")] = '\0';
		if (!copy[0])
			continue;
		if (!strcmp(copy, "exit") || !strcmp(copy, "quit"))
			break;
		(void)history(h, &ev, H_ENTER, line);
		(void)ask(path, copy);
		(void)fputc('\n', stdout);
	}
	history_end(h);
	el_end(el);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *path = getenv("TWIND_CONTROL");
	char line[512] = "";
	int i = 1;

	if (!path)
		path = CONTROL_DEFAULT;
	if (i + 1 < argc && !strcmp(argv[i], "-s")) {
		path = argv[i + 1];
		i += 2;
	}
	if (i < argc && argv[i][0] == '-' && strcmp(argv[i], "--json") != 0)
		return usage();
	if (i == argc)
		return interactive(path);
	for (; i < argc; i++) {
		if (strlen(line) + strlen(argv[i]) + 2 > sizeof line)
			return usage();
		if (line[0])
			(void)strcat(line, " ");
		(void)strcat(line, argv[i]);
	}
	i = ask(path, line);
	(void)fputc('\n', stdout);
	return i;
}
