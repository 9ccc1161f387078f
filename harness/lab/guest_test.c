/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guests in the lab, with a shell for the software of others. No member runs. Where namespaces are
 * not allowed the tests are skipped, and say so.
 */
#include "harness/lab/guest.h"
#include "harness/lab/enclosed_test.h"
#include "harness/lab/guest_flow.h"

#include <arpa/inet.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHELL "/bin/sh"
#define IP_TOOL "/sbin/ip"

static struct lab *lab;
static char err[LAB_ERR];

static const struct guest_machine gateway = {
	.port = PORT_PEER,
	.net = {LAB_OUT_PEER, 24},
	.gateway = LAB_OUT_VIP,
	.inner = {LAB_REMOTE_HOST},
};
static const struct guest_machine third = {.port = PORT_PROBE_OUT, .net = {LAB_OUT_PROBE, 24}};

static void
setup(void)
{
	static const char text[] = "hostname nobody\n";

	ck_assert(unshare(CLONE_NEWNET | CLONE_NEWNS) == 0);
	ck_assert(mount("tmpfs", "/run", "tmpfs", 0, NULL) == 0);
	ck_assert(mkdir("/run/netns", 0755) == 0 && mkdir("/run/baton", 0700) == 0);
	lab = lab_open(
		&(struct lab_config){
			.twind = "/nowhere", .out_dir = "/run", .text = {text, text}, .seed = 7},
		err);
	ck_assert_msg(lab != NULL, "%s", err);
	ck_assert_msg(guest_machine_open(lab, &gateway, err), "%s", err);
}

static void
teardown(void)
{
	lab_close(lab);
}

static struct guest *
shell(enum lab_port p, const char *script)
{
	const char *argv[] = {SHELL, "-c", script, NULL};
	struct guest_program g = {.name = "shell",
		.argv = argv,
		.hide = {"/mnt"},
		.file = {{"/mnt/deep/er/word", "given"}},
		.over = {{"/etc/hostname", "elsewhere\n"}},
		.env = {"WORD=told"}};
	struct guest *s = guest_start(lab, p, &g, err);

	ck_assert_msg(s != NULL, "%s", err);
	return s;
}

struct saying {
	struct guest *g;
	const char *text;
};

static bool
said(void *ctx)
{
	const struct saying *s = ctx;

	return guest_said(s->g, s->text, 0);
}

static void
await_word(struct guest *g, const char *text)
{
	ck_assert_msg(lab_until(lab, text, 5 * NS_PER_S, said, &(struct saying){g, text}),
		"the guest never said: %s", text);
}

static bool
ended(void *ctx)
{
	return !guest_alive(ctx);
}

START_TEST(a_program_in_folders_of_its_own)
{
	struct guest *g =
		shell(PORT_PEER, "echo $WORD $(cat /mnt/deep/er/word) $(cat /etc/hostname) $$ $(ls "
				 "/run | wc -l) up; exec sleep 100");
	int status;
	const char *show[] = {"/bin/cat", "/mnt/deep/er/word", NULL};
	char path[128], *text;

	await_word(g, "told given elsewhere 1 0 up");
	ck_assert(access(guest_path(g, "/mnt/deep/er/word", path, sizeof(path)), R_OK) == 0);
	ck_assert(access("/mnt/deep", F_OK) != 0);
	text = guest_command(g, show, NS_PER_S, &status);
	ck_assert(text && status == 0);
	ck_assert_str_eq(text, "given");
	free(text);
	ck_assert(guest_alive(g) && !guest_died(g));
	guest_stop(g); /* sleep has no handler, and is process 1: only SIGKILL ends it */
	ck_assert(!guest_alive(g) && !guest_died(g));
}
END_TEST

START_TEST(what_ends_by_itself_is_told)
{
	struct guest *g = shell(PORT_PEER, "echo up; exit 3");

	ck_assert(lab_until(lab, "its end", 5 * NS_PER_S, ended, g));
	ck_assert(guest_died(g));
	ck_assert(WIFEXITED(guest_status(g)) && WEXITSTATUS(guest_status(g)) == 3);
}
END_TEST

START_TEST(what_cannot_start_is_told)
{
	const char *argv[] = {"/nowhere/daemon", NULL};

	ck_assert(!guest_installed(argv[0]) && guest_installed(SHELL));
	ck_assert(!guest_start(
		lab, PORT_PEER, &(struct guest_program){.name = "none", .argv = argv}, err));
	ck_assert_msg(strstr(err, "/nowhere/daemon") != NULL, "%s", err);
	ck_assert(!guest_start(lab, PORT_PEER,
		&(struct guest_program){.name = "none", .argv = argv, .hide = {"/nowhere"}}, err));
	ck_assert_msg(strstr(err, "/nowhere") != NULL, "%s", err);
}
END_TEST

START_TEST(power_off_takes_the_programs_of_the_member)
{
	struct guest *a = shell(PORT_A_IN, "echo up; while :; do sleep 1; done"), *b;

	b = shell(PORT_B_OUT, "echo up; while :; do sleep 1; done");
	await_word(a, "up");
	await_word(b, "up");
	lab_power_off(lab, LAB_A);
	ck_assert(lab_until(lab, "its end", 5 * NS_PER_S, ended, a));
	ck_assert(guest_alive(b) && !guest_died(a));
}
END_TEST

START_TEST(a_command_has_a_limit)
{
	struct guest *g = shell(PORT_PEER, "echo up; while :; do sleep 1; done");
	const char *slow[] = {"/bin/sleep", "100", NULL};
	int status;

	await_word(g, "up");
	ck_assert(!guest_command(g, slow, 50 * NS_PER_MS, &status));
}
END_TEST

struct call {
	int listener, from, to;
	char got[8];
};

static bool
came(void *ctx)
{
	struct call *c = ctx;

	if (c->to < 0)
		c->to = accept4(c->listener, NULL, NULL, SOCK_NONBLOCK);
	if (c->to >= 0 && send(c->from, "hello", 5, MSG_NOSIGNAL) != 5)
		return false;
	return c->to >= 0 && recv(c->to, c->got, 5, 0) == 5;
}

START_TEST(two_machines_talk_through_the_switch)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_port = htons(77), .sin_addr = {htonl(LAB_OUT_PEER)}};
	struct trace_want from = {.ports = 1u << PORT_PROBE_OUT}, to = {.ports = 1u << PORT_PEER};
	struct call c = {.to = -1};

	ck_assert_msg(guest_machine_open(lab, &third, err), "%s", err);
	ck_assert(!guest_machine_open(lab, &third, err));
	c.listener = guest_socket(lab, PORT_PEER, AF_INET, SOCK_STREAM, 0);
	c.from = guest_socket(lab, PORT_PROBE_OUT, AF_INET, SOCK_STREAM, 0);
	ck_assert(bind(c.listener, (struct sockaddr *)&at, sizeof(at)) == 0);
	ck_assert(listen(c.listener, 1) == 0);
	(void)connect(c.from, (struct sockaddr *)&at, sizeof(at));
	ck_assert(lab_until(lab, "the call", 5 * NS_PER_S, came, &c));
	ck_assert_str_eq(c.got, "hello");
	ck_assert(trace_count(lab_trace(lab), &from) >= 3);
	ck_assert(trace_count(lab_trace(lab), &to) >= 2);
	close(c.listener);
	close(c.from);
	close(c.to);
}
END_TEST

static void
ip(struct guest *g, const char *const *argv)
{
	int status;
	char *text = guest_command(g, argv, 2 * NS_PER_S, &status);

	ck_assert_msg(text && status == 0, "%s", text ? text : "no answer");
	free(text);
	lab_run(lab, 50 * NS_PER_MS);
}

START_TEST(routes_are_logged)
{
	static const char *const add[] = {
		IP_TOOL, "route", "add", "10.9.0.0/16", "via", "172.16.31.1", "metric", "20", NULL};
	static const char *const replace[] = {IP_TOOL, "route", "replace", "10.9.0.0/16", "metric",
		"20", "nexthop", "via", "172.16.31.2", "nexthop", "via", "172.16.31.1", NULL};
	static const char *const drop[] = {IP_TOOL, "route", "del", "10.9.0.0/16", NULL};
	const struct ip4_net net = {IP4(10, 9, 0, 0), 16};
	const struct guest_route *log;
	struct guest *g;
	ip4_t way;

	if (!guest_installed(IP_TOOL))
		return;
	ck_assert_msg(guest_routes_watch(lab, PORT_PEER, err), "%s", err);
	g = shell(PORT_PEER, "echo up; while :; do sleep 1; done");
	ip(g, add);
	ck_assert(guest_routed(lab, PORT_PEER, net, &way) == 1 && way == IP4(172, 16, 31, 1));
	ip(g, replace);
	ck_assert(guest_routed(lab, PORT_PEER, net, &way) == 2 && way == IP4(172, 16, 31, 2));
	ip(g, drop);
	ck_assert(guest_routed(lab, PORT_PEER, net, &way) == 0);
	ck_assert(guest_routes(lab, PORT_PEER, &log) == 3);
	ck_assert(log[0].there && log[0].metric == 20 && !log[2].there);
}
END_TEST

static bool
settled(void *ctx)
{
	return guest_flow_settled(ctx);
}

static size_t
lost_frames(void)
{
	const struct trace *t = lab_trace(lab);
	size_t cnt = 0;

	for (size_t i = 0; i < trace_len(t); i++)
		cnt += (trace_frame(t, i)->fate & FATE_LOST) != 0;
	return cnt;
}

static bool
twenty_lost(void *ctx)
{
	(void)ctx;
	return lost_frames() >= 20;
}

/* A cable that is out for some 100 ms is seen by the pings, and not by the bytes. What it took is counted, not the time: of
 * a lab that was held up it may take nothing in 100 ms. */
START_TEST(flows_are_counted)
{
	struct guest_flow *f = guest_flow_new(lab, PORT_PROBE_SYNC);
	struct guest_pings p;
	struct guest_transfer t;

	ck_assert_msg(guest_machine_open(lab, &third, err), "%s", err);
	ck_assert(guest_flow_ping(f, PORT_PEER, LAB_OUT_PEER, LAB_OUT_PROBE, 5 * NS_PER_MS));
	ck_assert(guest_flow_tcp(
		f, PORT_PROBE_OUT, LAB_OUT_PROBE, PORT_PEER, LAB_OUT_PEER, 7001, 200000));
	lab_run(lab, 500 * NS_PER_MS);
	lab_loss(lab, PORT_PROBE_OUT, 1000000);
	ck_assert(lab_until(lab, "twenty frames lost", 5 * NS_PER_S, twenty_lost, NULL));
	lab_loss(lab, PORT_PROBE_OUT, 0);
	lab_run(lab, 500 * NS_PER_MS);
	guest_flow_stop(f);
	ck_assert(lab_until(lab, "the end of the flows", 10 * NS_PER_S, settled, f));
	guest_flow_pings(f, &p);
	ck_assert_msg(p.sent > 150 && p.longest >= 10 && p.longest <= lost_frames() &&
			      p.twice == 0 && p.sent - p.came >= p.longest,
		"%u sent, %u came, %u in a row lost", p.sent, p.came, p.longest);
	ck_assert(p.gap == p.longest * 5 * NS_PER_MS);
	ck_assert(guest_flow_transfer(f, 0, &t) && !guest_flow_transfer(f, 1, &t));
	ck_assert(t.connected && !t.broken && t.sent > 100000 && t.came == t.sent && t.wrong == 0);
	ck_assert(t.sum_sent == t.sum_came);
	guest_flow_free(f);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("guest");
	TCase *t = tcase_create("netns");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, a_program_in_folders_of_its_own);
	tcase_add_test(t, what_ends_by_itself_is_told);
	tcase_add_test(t, what_cannot_start_is_told);
	tcase_add_test(t, power_off_takes_the_programs_of_the_member);
	tcase_add_test(t, a_command_has_a_limit);
	tcase_add_test(t, two_machines_talk_through_the_switch);
	tcase_add_test(t, routes_are_logged);
	tcase_add_test(t, flows_are_counted);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	return enclosed_main(suite, "guest");
}
