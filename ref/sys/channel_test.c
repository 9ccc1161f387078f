/* SPDX-License-Identifier: BSD-2-Clause */
/* The sync channel on loopback: who gets in, who does not, and what does not disturb it. */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ref/sys/channel.h"
#include "ref/sys/port.h"

#define LOW IP4(127, 0, 0, 1)
#define HIGH IP4(127, 0, 0, 2)
#define LIMIT (3 * NS_PER_S)

struct end {
	struct channel *c;
	unsigned ups, downs;
	uint8_t got[65536];
	size_t got_len;
};

static struct end client, server;
static int epfd;
static uint16_t port;
static char log_line[400];

static void
keylog(void *ctx, const char *line)
{
	(void)ctx;
	(void)strncpy(log_line, line, sizeof log_line - 1);
}

static void
open_end(struct end *e, ip4_t local, ip4_t remote, const char *key, uint16_t group)
{
	struct channel_cfg cfg = {
		.local = local, .remote = remote, .port = port, .group = group, .keylog = keylog};

	memset(e, 0, sizeof *e);
	secret_set(&cfg.key, key, 16);
	e->c = channel_open(&cfg, epfd, 0);
	ck_assert_ptr_nonnull(e->c);
}

static void
poll_end(struct end *e)
{
	const uint8_t *b;
	size_t len;
	enum channel_event ev;

	while (e->c && (ev = channel_poll(e->c, port_now(), &b, &len)) != CHANNEL_NOTHING) {
		e->ups += ev == CHANNEL_UP;
		e->downs += ev == CHANNEL_DOWN;
		if (ev == CHANNEL_BYTES && e->got_len + len <= sizeof e->got) {
			memcpy(e->got + e->got_len, b, len);
			e->got_len += len;
		}
	}
}

/* Let both go on until pred, or the limit. */
static bool
until(bool (*pred)(void), ns_t limit)
{
	ns_t end = port_now() + limit;
	struct epoll_event ev[8];

	while (port_now() < end) {
		(void)epoll_wait(epfd, ev, 8, 10);
		poll_end(&client);
		poll_end(&server);
		if (pred())
			return true;
	}
	return false;
}

static bool
both_up(void)
{
	return client.ups && server.ups;
}

static bool
never(void)
{
	return false;
}

static bool
all_here(void)
{
	return server.got_len == 50000 && client.got_len == 5;
}

static void
setup(void)
{
	static uint16_t next;

	port = (uint16_t)(20000 + getpid() % 20000 + next++);
	epfd = epoll_create1(EPOLL_CLOEXEC);
}

static void
teardown(void)
{
	channel_close(client.c);
	channel_close(server.c);
	client.c = server.c = NULL;
	(void)close(epfd);
}

START_TEST(same_key)
{
	static uint8_t big[50000];

	open_end(&client, LOW, HIGH, "0123456789abcdef", 1);
	open_end(&server, HIGH, LOW, "0123456789abcdef", 1);
	ck_assert(until(both_up, LIMIT));
	ck_assert(strstr(log_line, "TRAFFIC_SECRET"));
	for (size_t i = 0; i < sizeof big; i++)
		big[i] = (uint8_t)(i * 7);
	channel_send(client.c, big, sizeof big);
	channel_send(server.c, (const uint8_t *)"hello", 5);
	ck_assert(until(all_here, LIMIT));
	ck_assert_mem_eq(server.got, big, sizeof big);
}
END_TEST

START_TEST(another_key)
{
	open_end(&client, LOW, HIGH, "0123456789abcdef", 1);
	open_end(&server, HIGH, LOW, "0123456789abcdeX", 1);
	ck_assert(!until(never, NS_PER_S));
	ck_assert_uint_eq(client.ups + server.ups, 0);
}
END_TEST

START_TEST(another_group)
{
	open_end(&client, LOW, HIGH, "0123456789abcdef", 1);
	open_end(&server, HIGH, LOW, "0123456789abcdef", 2);
	ck_assert(!until(never, NS_PER_S));
	ck_assert_uint_eq(client.ups + server.ups, 0);
}
END_TEST

static int
stranger(ip4_t from)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(from)}};
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_addr = {htonl(HIGH)}, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

/* Without the key nobody ends a connection that is up, not even from the right address. */
START_TEST(strangers_do_not_disturb)
{
	int a, b;

	open_end(&client, LOW, HIGH, "0123456789abcdef", 1);
	open_end(&server, HIGH, LOW, "0123456789abcdef", 1);
	ck_assert(until(both_up, LIMIT));
	a = stranger(LOW);
	b = stranger(IP4(127, 0, 0, 3));
	ck_assert_int_eq(send(a, "GET / HTTP/1.0\r\n\r\n", 18, MSG_NOSIGNAL), 18);
	ck_assert(!until(never, 500 * NS_PER_MS));
	ck_assert_uint_eq(client.downs + server.downs, 0);
	(void)close(a);
	(void)close(b);
}
END_TEST

static bool
again(void)
{
	return client.ups == 1 && server.ups == 2;
}

/* A member that comes back replaces its old connection. */
START_TEST(a_newer_one_replaces)
{
	struct channel *old;

	open_end(&client, LOW, HIGH, "0123456789abcdef", 1);
	open_end(&server, HIGH, LOW, "0123456789abcdef", 1);
	ck_assert(until(both_up, LIMIT));
	old = client.c; /* forgotten, not closed: as after a power loss */
	open_end(&client, LOW, HIGH, "0123456789abcdef", 1);
	ck_assert(until(again, LIMIT));
	ck_assert_uint_eq(server.downs, 1);
	channel_close(old);
}
END_TEST

/* The client does not read: what waits for it is bounded, and then the channel is down at once. */
START_TEST(who_does_not_read_is_left)
{
	static uint8_t much[1 << 20];
	unsigned n = 0;

	open_end(&client, LOW, HIGH, "0123456789abcdef", 1);
	open_end(&server, HIGH, LOW, "0123456789abcdef", 1);
	ck_assert(until(both_up, LIMIT));
	while (channel_deadline(server.c) == NS_NEVER && ++n < 64)
		channel_send(server.c, much, sizeof much);
	ck_assert_uint_lt(n, 64);
	poll_end(&server);
	ck_assert_uint_eq(server.downs, 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("channel");
	TCase *t = tcase_create("loopback");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 20);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, same_key);
	tcase_add_test(t, another_key);
	tcase_add_test(t, another_group);
	tcase_add_test(t, strangers_do_not_disturb);
	tcase_add_test(t, a_newer_one_replaces);
	tcase_add_test(t, who_does_not_read_is_left);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
