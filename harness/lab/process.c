/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One member's process in the lab `netns`: twind, started in its node's namespace, watched through a
 * pidfd, killed or asked to end. It dies with the lab (PR_SET_PDEATHSIG), inherits no descriptor but
 * its three standard ones, and its stderr goes to a file beside its log.
 */
#include "harness/lab/lab_in.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define WIND_DOWN (2 * NS_PER_S)

/* Into a time namespace of its own; it must be furnished before anybody is in it. */
static bool
shift_clock(ns_t ahead)
{
	char text[96];
	int n = snprintf(text, sizeof(text), "monotonic %lld %lld\nboottime %lld %lld\n",
		(long long)(ahead / NS_PER_S), (long long)(ahead % NS_PER_S),
		(long long)(ahead / NS_PER_S), (long long)(ahead % NS_PER_S));
	int offsets, space;
	bool ok;

	if (!ahead)
		return true;
	if (unshare(CLONE_NEWTIME) != 0)
		return false;
	offsets = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	ok = offsets >= 0 && write(offsets, text, (size_t)n) == n;
	space = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
	return ok && space >= 0 && setns(space, CLONE_NEWTIME) == 0;
}

/* In the child: become twind, or write errno to the pipe. */
static _Noreturn void
become(const struct lab *l, enum lab_member m, int report)
{
	const struct node *n = &l->node[m];
	const char *argv[16];
	int argc = 0;
	int null = open("/dev/null", O_RDONLY);
	int err = open(n->err_log, O_WRONLY | O_CREAT | O_APPEND, 0644);

	argv[argc++] = l->twind;
	if (l->cfg.mutant) {
		argv[argc++] = "--mutant";
		argv[argc++] = l->cfg.mutant;
	}
	argv[argc++] = "--config";
	argv[argc++] = n->conf;
	argv[argc++] = "--name";
	argv[argc++] = lab_member_name(m);
	argv[argc++] = "--control";
	argv[argc++] = n->control;
	argv[argc++] = "--log";
	argv[argc++] = n->log;
	if (l->cfg.keylog) {
		argv[argc++] = "--keylog";
		argv[argc++] = n->keylog;
	}
	argv[argc] = NULL;
	if (null >= 0 && err >= 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 &&
		shift_clock(n->ahead) && setns(n->netns, CLONE_NEWNET) == 0 && dup2(null, 0) == 0 && dup2(err, 1) == 1 &&
		dup2(err, 2) == 2) {
		(void)syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */);
		execv(l->twind, (char *const *)(uintptr_t)argv);
	}
	if (write(report, &errno, sizeof(errno)) < 0)
		_exit(126);
	_exit(127);
}

/* Fork, and wait until the child has become twind or has said why not. */
static pid_t
launch(struct lab *l, enum lab_member m, char *err)
{
	int report[2], why = 0;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) != 0) {
		snprintf(err, LAB_ERR, "lab: %s", strerror(errno));
		return -1;
	}
	pid = fork();
	if (pid == 0)
		become(l, m, report[1]);
	close(report[1]);
	if (pid < 0 || read(report[0], &why, sizeof(why)) > 0) {
		snprintf(
			err, LAB_ERR, "lab: %.120s: %s", l->twind, strerror(pid < 0 ? errno : why));
		if (pid > 0)
			waitpid(pid, NULL, 0);
		pid = -1;
	}
	close(report[0]);
	return pid;
}

static bool
watch(struct lab *l, enum lab_member m, char *err)
{
	struct node *n = &l->node[m];
	char path[64];

	n->pidfd = (int)syscall(SYS_pidfd_open, n->pid, 0);
	if (n->pidfd < 0 || !lab_watch(l, n->pidfd, TAG_PROCESS + (uint32_t)m, EPOLLIN)) {
		snprintf(err, LAB_ERR, "lab: pidfd: %s", strerror(errno));
		return false;
	}
	/* Not every kernel keeps it: then the members' own lateness stays unknown. */
	snprintf(path, sizeof(path), "/proc/%d/schedstat", n->pid);
	n->schedstat = open(path, O_RDONLY | O_CLOEXEC);
	n->waited_ns = 0;
	return true;
}

bool
member_launch(struct lab *l, enum lab_member m, char *err)
{
	struct node *n = &l->node[m];

	(void)unlink(n->control); /* left by a process that was killed */
	n->pid = launch(l, m, err);
	if (n->pid < 0) {
		n->pid = 0;
		return false;
	}
	n->runs = true;
	return watch(l, m, err);
}

bool
member_reload(struct lab *l, enum lab_member m)
{
	return kill(l->node[m].pid, SIGHUP) == 0;
}

void
member_signal(struct lab *l, enum lab_member m, int sig)
{
	if (kill(l->node[m].pid, sig) != 0)
		fprintf(stderr, "lab: kill %s: %s\n", lab_member_name(m), strerror(errno));
}

/* `wait`: it was killed, and its end is a matter of a moment. */
void
member_reap(struct lab *l, enum lab_member m, bool wait)
{
	struct node *n = &l->node[m];
	int status;

	if (!n->pid || waitpid(n->pid, &status, wait ? 0 : WNOHANG) != n->pid)
		return;
	close(n->pidfd); /* epoll forgets it */
	if (n->schedstat >= 0)
		close(n->schedstat);
	n->pidfd = n->schedstat = -1;
	n->pid = 0;
	member_ended(l, m, status);
}

/* How long it stood ready to run and had no CPU, since the last look (proc(5), schedstat). */
void
member_lateness(struct lab *l, enum lab_member m)
{
	struct node *n = &l->node[m];
	unsigned long long ran, waited;
	char text[96];
	ssize_t got;

	if (n->schedstat < 0)
		return;
	got = pread(n->schedstat, text, sizeof(text) - 1, 0);
	if (got <= 0)
		return;
	text[got] = '\0';
	if (sscanf(text, "%llu %llu", &ran, &waited) != 2)
		return;
	if (n->waited_ns && (ns_t)(waited - n->waited_ns) > l->late)
		l->late = (ns_t)(waited - n->waited_ns);
	n->waited_ns = waited ? waited : 1;
}

void
member_wind_down(struct lab *l)
{
	ns_t until = lab_clock() + WIND_DOWN;

	while ((l->node[LAB_A].pid || l->node[LAB_B].pid) && lab_clock() < until)
		loop_step(l, until);
	for (int m = 0; m < LAB_MEMBERS; m++) {
		if (!l->node[m].pid)
			continue;
		fprintf(stderr, "lab: %s did not end in 2 s\n",
			lab_member_name((enum lab_member)m));
		member_kill(l, (enum lab_member)m, SIGKILL);
		member_reap(l, (enum lab_member)m, true);
	}
	guest_wind_down(l);
}
