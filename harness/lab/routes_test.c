/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a member routes, as the lab hears it: a route is put into a member's kernel by hand, and
 * has to be in the trace and in the answer to lab_routed; routes of others have not.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/lab/lab.h"
#include "harness/lab/enclosed_test.h"
#include "harness/lab/standin.h"

#define OURS 200
#define NET IP4(10, 9, 0, 0)

static struct lab *lab;
static char err[LAB_ERR];

/* In a child, in A's namespace: a blackhole route, in or out. */
static int
change_route(bool add, uint8_t protocol, ip4_t net)
{
	_Alignas(struct nlmsghdr) char room[8192] = {0};
	struct mnl_socket *s = mnl_socket_open(NETLINK_ROUTE);
	struct nlmsghdr *h = mnl_nlmsg_put_header(room);
	struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	ssize_t got;

	h->nlmsg_type = add ? RTM_NEWROUTE : RTM_DELROUTE;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | (add ? NLM_F_CREATE : 0));
	m->rtm_family = AF_INET;
	m->rtm_dst_len = 24;
	m->rtm_table = RT_TABLE_MAIN;
	m->rtm_protocol = protocol;
	m->rtm_scope = RT_SCOPE_UNIVERSE;
	m->rtm_type = RTN_BLACKHOLE;
	mnl_attr_put_u32(h, RTA_DST, htonl(net));
	if (!s || mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0 ||
		mnl_socket_sendto(s, h, h->nlmsg_len) < 0)
		return 1;
	got = mnl_socket_recvfrom(s, room, sizeof(room));
	return got <= 0 || mnl_cb_run(room, (size_t)got, 0, 0, NULL, NULL) < 0;
}

static void
route(bool add, uint8_t protocol, ip4_t net)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		int fd = open("/run/netns/A", O_RDONLY);

		_exit(fd < 0 || setns(fd, CLONE_NEWNET) != 0 || change_route(add, protocol, net));
	}
	ck_assert(waitpid(pid, &status, 0) == pid && status == 0);
	lab_run(lab, 20 * NS_PER_MS);
}

/* How many events of that kind there are; the last one in *last. */
static size_t
told(enum trace_event_kind kind, const struct trace_event **last)
{
	const struct trace *t = lab_trace(lab);
	size_t cnt = 0;

	for (size_t i = 0; i < trace_events(t); i++)
		if (trace_event(t, i)->kind == kind) {
			*last = trace_event(t, i);
			cnt++;
		}
	return cnt;
}

/* A fresh network and a fresh /run for each lab. */
static void
setup(void)
{
	ck_assert(unshare(CLONE_NEWNET | CLONE_NEWNS) == 0);
	ck_assert(mount("tmpfs", "/run", "tmpfs", 0, NULL) == 0);
	ck_assert(mkdir("/run/netns", 0755) == 0 && mkdir("/run/baton", 0700) == 0);
	lab = lab_open(&(struct lab_config){.twind = "/proc/self/exe",
			       .out_dir = "/run",
			       .text = {"hostname A\n", "hostname B\n"},
			       .seed = 1},
		err);
	ck_assert_msg(lab != NULL, "%s", err);
}

static void
teardown(void)
{
	lab_close(lab);
}

START_TEST(routes_are_heard_and_can_be_asked)
{
	const struct trace_event *e = NULL;

	ck_assert(!lab_routed(lab, LAB_A, NET, 24));
	route(true, OURS, NET);
	ck_assert_uint_eq(told(EVENT_ROUTE_ADD, &e), 1);
	ck_assert(e->who == WHO_A && e->value == NET && e->prefix_len == 24);
	ck_assert_str_eq(e->text, "route in at A: 10.9.0.0/24");
	ck_assert(lab_routed(lab, LAB_A, NET, 24));
	ck_assert(!lab_routed(lab, LAB_A, NET, 16));
	ck_assert(!lab_routed(lab, LAB_B, NET, 24));
	route(false, OURS, NET);
	ck_assert_uint_eq(told(EVENT_ROUTE_DEL, &e), 1);
	ck_assert(!lab_routed(lab, LAB_A, NET, 24));
}
END_TEST

START_TEST(routes_of_others_are_not)
{
	const struct trace_event *e = NULL;

	route(true, RTPROT_STATIC, NET);
	ck_assert_uint_eq(told(EVENT_ROUTE_ADD, &e), 0);
	ck_assert(!lab_routed(lab, LAB_A, NET, 24));
}
END_TEST

START_TEST(what_was_left_is_told_at_a_start)
{
	const struct trace_event *e = NULL;

	route(true, OURS, NET);
	ck_assert_msg(lab_start(lab, LAB_A, err), "%s", err);
	ck_assert_uint_eq(told(EVENT_ROUTE_ADD, &e), 2);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("routes");
	TCase *t = tcase_create("routes");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, routes_are_heard_and_can_be_asked);
	tcase_add_test(t, routes_of_others_are_not);
	tcase_add_test(t, what_was_left_is_told_at_a_start);
	suite_add_tcase(s, t);
	return s;
}

int
main(int argc, char **argv)
{
	return argc > 2 ? stand_in(argc, argv) : enclosed_main(suite, "routes");
}
