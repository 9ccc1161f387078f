/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lab, with a stand-in for the router: this same program, started by the lab with a router's
 * arguments (standin.h). Each test runs in a process and a lab of its own, all in one enclosure.
 * Where namespaces are not allowed the tests are skipped, and say so.
 */
#include "harness/lab/lab.h"
#include "harness/lab/enclosed_test.h"
#include "harness/lab/standin.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SELF "/proc/self/exe"

static struct lab *lab;
static char err[LAB_ERR];

static void
open_lab(const char *program, const char *mutant)
{
	static const char text[] = "hostname stand-in\n";

	/* A fresh network and a fresh /run for each lab: what an earlier one leaves, the kernel
	 * takes away in its own time. */
	ck_assert(unshare(CLONE_NEWNET | CLONE_NEWNS) == 0);
	ck_assert(mount("tmpfs", "/run", "tmpfs", 0, NULL) == 0);
	ck_assert(mkdir("/run/netns", 0755) == 0 && mkdir("/run/baton", 0700) == 0);
	lab = lab_open(&(struct lab_config){.twind = program,
			       .mutant = mutant,
			       .out_dir = "/run",
			       .text = {text, text},
			       .seed = 7},
		err);
	ck_assert_msg(lab != NULL, "%s", err);
}

static void
setup(void)
{
	open_lab(SELF, NULL);
	for (int m = 0; m < LAB_MEMBERS; m++)
		ck_assert_msg(lab_start(lab, (enum lab_member)m, err), "%s", err);
}

static void
teardown(void)
{
	lab_close(lab);
}

static size_t
cnt_from(enum lab_port p)
{
	return trace_count(lab_trace(lab), &(struct trace_want){.ports = (uint16_t)(1u << p)});
}

struct heard {
	size_t cnt;
	uint8_t last[64];
};

static void
hear(void *self, ns_t now, const uint8_t *bytes, size_t len)
{
	struct heard *h = self;

	(void)now;
	h->cnt++;
	memcpy(h->last, bytes, len < 64 ? len : 64);
}

static void
attach(enum lab_port p, struct heard *h)
{
	lab_attach(lab, p, &(struct lab_station){.self = h, .frame = hear});
}

static bool
shouting(void *ctx)
{
	(void)ctx;
	return cnt_from(PORT_A_OUT) > 20 && cnt_from(PORT_B_OUT) > 20;
}

static void
reach_shouting(void)
{
	ck_assert(lab_until(lab, "both to shout", 5 * NS_PER_S, shouting, NULL));
}

static bool
is_from_a(const struct frame *f, void *ctx)
{
	return f->port == PORT_A_OUT && --*(unsigned *)ctx == 0;
}

START_TEST(power_off_exactly_after_a_frame)
{
	static struct heard h;
	unsigned left = 1; /* frames until then: drawn at random, and told when it fails */
	uint8_t draw;
	int handle;
	size_t at;
	pid_t pid;

	ck_assert(getrandom(&draw, 1, 0) == 1);
	left += draw % 100u;

	reach_shouting();
	attach(PORT_PEER, &h);
	pid = lab_pid(lab, LAB_A);
	handle = lab_after(lab, is_from_a, &left,
		&(struct lab_fault){.kind = FAULT_POWER_OFF, .member = LAB_A});
	ck_assert(lab_fired(lab, handle) == TRACE_NONE);
	lab_run(lab, 500 * NS_PER_MS);
	at = lab_fired(lab, handle);
	ck_assert(at != TRACE_NONE);
	ck_assert(trace_frame(lab_trace(lab), at)->to & 1u << PORT_PEER);
	ck_assert_msg(trace_next(lab_trace(lab), at + 1, &(struct trace_want){.from_who = WHO_A}) ==
			      TRACE_NONE,
		"a frame of A after frame %zu (draw %u)", at, draw);
	ck_assert(trace_next(lab_trace(lab), at + 1, &(struct trace_want){.from_who = WHO_B}) !=
		  TRACE_NONE);
	ck_assert(!lab_alive(lab, LAB_A));
	ck_assert(kill(pid, 0) != 0);
	ck_assert(!lab_died(lab, LAB_A));
	ck_assert(lab_exit(lab, LAB_A, NULL) == LAB_END_ASKED);
}
END_TEST

START_TEST(power_on_is_another_machine)
{
	size_t before;

	reach_shouting();
	lab_power_off(lab, LAB_A);
	lab_run(lab, 20 * NS_PER_MS);
	before = cnt_from(PORT_A_OUT);
	ck_assert_msg(lab_start(lab, LAB_A, err), "%s", err);
	lab_run(lab, 200 * NS_PER_MS);
	ck_assert(cnt_from(PORT_A_OUT) > before + 20);
	/* And at once again, while the old process may still be dying. */
	lab_power_off(lab, LAB_A);
	ck_assert_msg(lab_start(lab, LAB_A, err), "%s", err);
	before = cnt_from(PORT_A_OUT);
	lab_run(lab, 200 * NS_PER_MS);
	ck_assert(cnt_from(PORT_A_OUT) > before + 20);
}
END_TEST

/* An ARP request for A's outside address, from the probe. */
static void
ask_arp(void)
{
	static const uint8_t request[42] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0xba, 0x70, 0,
		0, PORT_PROBE_OUT + 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 0x02, 0xba, 0x70, 0, 0,
		PORT_PROBE_OUT + 1, 172, 16, 31, 99, 0, 0, 0, 0, 0, 0, 172, 16, 31, 1};

	lab_send(lab, PORT_PROBE_OUT, request, sizeof(request));
	lab_run(lab, 50 * NS_PER_MS);
}

static bool
is_arp_reply(const struct frame *f, void *ctx)
{
	(void)ctx;
	return f->len >= 22 && f->bytes[12] == 8 && f->bytes[13] == 6 && f->bytes[21] == 2;
}

static size_t
arp_replies(void)
{
	return trace_count(
		lab_trace(lab), &(struct trace_want){.from_who = WHO_A, .fits = is_arp_reply});
}

START_TEST(crash_leaves_the_kernel)
{
	reach_shouting();
	ask_arp();
	ck_assert(arp_replies() == 1);
	lab_crash(lab, LAB_A);
	lab_run(lab, 50 * NS_PER_MS);
	ck_assert(!lab_alive(lab, LAB_A));
	ck_assert(!lab_died(lab, LAB_A));
	ask_arp();
	ck_assert(arp_replies() == 2);
	ck_assert_msg(lab_start(lab, LAB_A, err), "%s", err);
	lab_run(lab, 100 * NS_PER_MS);
	ck_assert(lab_alive(lab, LAB_A));
}
END_TEST

START_TEST(an_end_of_its_own_is_told)
{
	int status = 0;

	lab_close(lab);
	open_lab(SELF, "dies");
	ck_assert_msg(lab_start(lab, LAB_B, err), "%s", err);
	lab_run(lab, 200 * NS_PER_MS);
	ck_assert(lab_died(lab, LAB_B));
	ck_assert(!lab_died(lab, LAB_A));
	ck_assert(lab_exit(lab, LAB_B, &status) == LAB_END_BAD);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	ck_assert(
		trace_event(lab_trace(lab), trace_events(lab_trace(lab)) - 1)->kind == EVENT_EXIT);
}
END_TEST

START_TEST(the_program_is_missing)
{
	lab_close(lab);
	open_lab("/nonexistent", NULL);
	ck_assert(!lab_start(lab, LAB_A, err));
	ck_assert_msg(strstr(err, "No such file") != NULL, "%s", err);
}
END_TEST

static bool
carrier(enum lab_member m, const char *name)
{
	json_t *reply;
	bool up;

	ck_assert(lab_ask(lab, m, "show carrier", &reply));
	ck_assert_str_eq(json_string_value(json_object_get(reply, "asked")), "show carrier");
	up = json_is_true(json_object_get(reply, name));
	json_decref(reply);
	return up;
}

/* The kernel tells of it when it comes to it. */
static bool
carrier_comes_to(enum lab_member m, const char *name, bool up)
{
	ns_t limit = lab_now(lab) + 2 * NS_PER_S;

	while (carrier(m, name) != up && lab_now(lab) < limit)
		lab_run(lab, 10 * NS_PER_MS);
	return carrier(m, name) == up;
}

static bool
shouts_again(void *ctx)
{
	const size_t *before = ctx;

	return cnt_from(PORT_A_OUT) > *before + 10;
}

START_TEST(cable_out_takes_the_carrier)
{
	size_t before;

	reach_shouting();
	ck_assert(carrier(LAB_A, "eth0"));
	lab_cable(lab, PORT_A_OUT, false);
	ck_assert(carrier_comes_to(LAB_A, "eth0", false));
	ck_assert(carrier(LAB_A, "eth1"));
	ck_assert(carrier(LAB_B, "eth0"));
	before = cnt_from(PORT_A_OUT);
	lab_run(lab, 100 * NS_PER_MS);
	ck_assert(cnt_from(PORT_A_OUT) == before);
	lab_cable(lab, PORT_A_OUT, true);
	ck_assert(carrier_comes_to(LAB_A, "eth0", true));
	ck_assert(lab_until(lab, "frames again", 2 * NS_PER_S, shouts_again, &before));
	ck_assert(lab_dropped(lab) == 0);
}
END_TEST

START_TEST(partition_and_healing)
{
	static struct heard near, far; /* the lab winds down after the test */
	size_t cnt;

	reach_shouting();
	attach(PORT_PEER, &near);
	attach(PORT_PROBE_OUT, &far);
	lab_part(lab, SEG_OUTSIDE, 1u << PORT_B_OUT | 1u << PORT_PROBE_OUT);
	lab_power_off(lab, LAB_B);
	lab_run(lab, 100 * NS_PER_MS);
	ck_assert(near.cnt > 10);
	ck_assert(far.cnt == 0);
	ck_assert(trace_frame(lab_trace(lab), trace_len(lab_trace(lab)) - 1)->fate & FATE_PARTED);
	lab_heal(lab, SEG_OUTSIDE);
	cnt = near.cnt;
	lab_run(lab, 100 * NS_PER_MS);
	ck_assert(near.cnt > cnt);
	ck_assert(far.cnt > 10);
}
END_TEST

START_TEST(loss_is_per_port)
{
	static struct heard peer, probe;

	attach(PORT_PEER, &peer);
	attach(PORT_PROBE_OUT, &probe);
	lab_loss(lab, PORT_PEER, 1000000);
	reach_shouting();
	ck_assert(peer.cnt == 0);
	ck_assert(probe.cnt > 20);
	lab_loss(lab, PORT_PEER, 500000);
	lab_run(lab, 400 * NS_PER_MS);
	ck_assert(peer.cnt > 20);
	ck_assert(peer.cnt * 4 < probe.cnt * 3);
}
END_TEST

static void
put(enum lab_port from, uint8_t dst, uint8_t src)
{
	uint8_t f[60] = {2, 0, 0, 0, 0, dst, 2, 0, 0, 0, 0, src, 0x88, 0xb5};

	if (dst == 0xff)
		memset(f, 0xff, 6);
	lab_inject(lab, from, f, sizeof(f));
	lab_run(lab, NS_PER_MS);
}

START_TEST(the_switch_learns_and_follows)
{
	static struct heard peer, probe, host;

	lab_close(lab);
	open_lab(SELF, NULL);
	attach(PORT_PEER, &peer);
	attach(PORT_PROBE_OUT, &probe);
	attach(PORT_HOST, &host);
	put(PORT_A_OUT, 0xff, 1); /* 1 is at A; all on the segment hear it */
	ck_assert(peer.cnt == 1 && probe.cnt == 1 && host.cnt == 0);
	put(PORT_PEER, 1, 2); /* known: A alone */
	ck_assert(peer.cnt == 1 && probe.cnt == 1);
	put(PORT_PROBE_OUT, 1, 1); /* 1 moves to the probe, and to itself nothing is sent */
	ck_assert(peer.cnt == 1 && probe.cnt == 1);
	put(PORT_PEER, 1, 2);
	ck_assert(probe.cnt == 2);
	put(PORT_PEER, 9, 2); /* unknown: flooded */
	ck_assert(probe.cnt == 3 && peer.cnt == 1);
	lab_deliver(lab, PORT_PEER, probe.last, 60);
	lab_run(lab, NS_PER_MS);
	ck_assert(probe.cnt == 3 && peer.cnt == 2);
}
END_TEST

/* Holds the processor, which a real overload would do to us. */
static void
hold_up(ns_t span)
{
	struct timespec t;
	ns_t end = 0, now;

	do {
		clock_gettime(CLOCK_MONOTONIC, &t);
		now = ns_from_s(t.tv_sec) + t.tv_nsec;
		end = end ? end : now + span;
	} while (now < end);
}

START_TEST(lateness_is_measured_and_undone)
{
	struct trace *t = lab_trace(lab);
	ns_t last = 0, gap = 0;

	reach_shouting();
	lab_late_reset(lab);
	hold_up(80 * NS_PER_MS);
	lab_run(lab, 100 * NS_PER_MS);
	ck_assert(lab_late_ns(lab) >= 60 * NS_PER_MS);
	/* The frames that came meanwhile still show when they came. */
	for (size_t i = 0; i < trace_len(t); i++) {
		const struct frame *f = trace_frame(t, i);

		if (f->port != PORT_B_OUT)
			continue;
		if (last && f->at - last > gap)
			gap = f->at - last;
		last = f->at;
	}
	ck_assert_msg(gap < 60 * NS_PER_MS, "a gap of %ld us", (long)(gap / 1000));
}
END_TEST

START_TEST(a_fault_at_an_instant)
{
	int handle;

	lab_run(lab, NS_PER_MS);
	handle = lab_at(lab, lab_now(lab) + 80 * NS_PER_MS,
		&(struct lab_fault){.kind = FAULT_STOP, .member = LAB_B});
	lab_run(lab, 40 * NS_PER_MS);
	ck_assert(lab_alive(lab, LAB_B));
	lab_run(lab, 60 * NS_PER_MS);
	ck_assert(!lab_alive(lab, LAB_B));
	ck_assert(!lab_died(lab, LAB_B));
	ck_assert(lab_fired(lab, handle) != TRACE_NONE);
}
END_TEST

START_TEST(the_standard_text_and_its_knobs)
{
	struct lab_text k = {.hello_ms = 300,
		.drop = {"standby 1 preempt"},
		.swap = {{"hostname", "hostname Zoe"}},
		.add_map = {" set pfs group2"}};
	char *a = lab_text(&k, LAB_A), *b = lab_text(&(struct lab_text){.no_ssp = true}, LAB_B);

	ck_assert_ptr_nonnull(strstr(a, "hostname Zoe\n"));
	ck_assert_ptr_nonnull(strstr(a, " standby 1 timers msec 300 msec 800\n"));
	ck_assert_ptr_null(strstr(a, "standby 1 preempt"));
	ck_assert_ptr_nonnull(strstr(a, "standby 2 preempt"));
	ck_assert_ptr_nonnull(strstr(a, " reverse-route\n set pfs group2\n"));
	ck_assert_ptr_nonnull(strstr(a, "remote 10.255.0.2\n"));
	ck_assert_ptr_null(strstr(b, "ssp"));
	ck_assert_ptr_nonnull(strstr(b, "ip address 10.255.0.2 255"));
	free(a);
	free(b);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("lab");
	TCase *t = tcase_create("netns");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, power_off_exactly_after_a_frame);
	tcase_add_test(t, power_on_is_another_machine);
	tcase_add_test(t, crash_leaves_the_kernel);
	tcase_add_test(t, an_end_of_its_own_is_told);
	tcase_add_test(t, the_program_is_missing);
	tcase_add_test(t, cable_out_takes_the_carrier);
	tcase_add_test(t, partition_and_healing);
	tcase_add_test(t, loss_is_per_port);
	tcase_add_test(t, the_switch_learns_and_follows);
	tcase_add_test(t, lateness_is_measured_and_undone);
	tcase_add_test(t, a_fault_at_an_instant);
	tcase_add_test(t, the_standard_text_and_its_knobs);
	suite_add_tcase(s, t);
	return s;
}

int
main(int argc, char **argv)
{
	return argc > 2 ? stand_in(argc, argv) : enclosed_main(suite, "lab");
}
