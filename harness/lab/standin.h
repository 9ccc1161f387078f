/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_LAB_STANDIN_H
#define BATON_LAB_STANDIN_H

/*
 * A stand-in for a router, for tests of the lab and of the runner alone: it takes a router's
 * arguments, gives eth0 the address 172.16.31.1 (A) or .2, shouts a numbered broadcast every 2 ms,
 * and answers its console with the question, the state of its carriers and its clock, as JSON. With
 * `--mutant dies` it ends at once with status 7. It ends with SIGTERM, by that signal.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static const char *
option(int argc, char **argv, const char *name)
{
	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return argv[i + 1];
	return "";
}

static void
give_address(int fd, const char *name, const char *addr)
{
	struct ifreq r = {0};
	struct sockaddr_in in = {.sin_family = AF_INET};

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	inet_pton(AF_INET, addr, &in.sin_addr);
	memcpy(&r.ifr_addr, &in, sizeof(in));
	if (ioctl(fd, SIOCSIFADDR, &r) != 0)
		_exit(9);
	inet_pton(AF_INET, "255.255.255.0", &in.sin_addr);
	memcpy(&r.ifr_netmask, &in, sizeof(in));
	if (ioctl(fd, SIOCSIFNETMASK, &r) != 0)
		_exit(9);
}

static bool
has_carrier(int fd, const char *name)
{
	struct ifreq r = {0};

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	return ioctl(fd, SIOCGIFFLAGS, &r) == 0 && r.ifr_flags & IFF_RUNNING;
}

static void
answer(int console, int fd)
{
	char line[128], reply[192];
	struct timespec now;
	int c = accept(console, NULL, NULL);
	ssize_t got = read(c, line, sizeof(line) - 1);

	line[got > 0 ? got : 0] = '\0';
	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(reply, sizeof(reply),
		"{\"asked\": \"%.*s\", \"eth0\": %s, \"eth1\": %s, \"clock\": %lld}",
		(int)strcspn(line, "\n"), line, has_carrier(fd, "eth0") ? "true" : "false",
		has_carrier(fd, "eth1") ? "true" : "false", (long long)now.tv_sec);
	if (write(c, reply, strlen(reply)) < 0)
		_exit(9);
	close(c);
}

static int
open_console(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%.100s", path);
	if (bind(s, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(s, 4) != 0)
		_exit(9);
	return s;
}

static int
open_ticker(void)
{
	struct itimerspec every = {{0, 2000000}, {0, 2000000}};
	int t = timerfd_create(CLOCK_MONOTONIC, 0);

	timerfd_settime(t, 0, &every, NULL);
	return t;
}

static int
stand_in(int argc, char **argv)
{
	const char *name = option(argc, argv, "--name");
	int fd = socket(AF_INET, SOCK_DGRAM, 0), one = 1;
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	struct pollfd p[2] = {{.events = POLLIN}, {.events = POLLIN}};
	uint32_t number = 0;
	uint64_t ticks;

	if (strcmp(option(argc, argv, "--mutant"), "dies") == 0)
		return 7;
	give_address(fd, "eth0", *name == 'A' ? "172.16.31.1" : "172.16.31.2");
	setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one));
	inet_pton(AF_INET, "172.16.31.255", &to.sin_addr);
	p[0].fd = open_console(option(argc, argv, "--control"));
	p[1].fd = open_ticker();
	while (poll(p, 2, -1) > 0) {
		if (p[0].revents)
			answer(p[0].fd, fd);
		if (!p[1].revents || read(p[1].fd, &ticks, sizeof(ticks)) < 0)
			continue;
		number++;
		/* Refused while the cable is out. */
		(void)!sendto(fd, &number, sizeof(number), 0, (struct sockaddr *)&to, sizeof(to));
	}
	return 0;
}

#endif
