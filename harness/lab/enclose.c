/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The enclosure: one process, number 1 in a PID namespace of its own, with network and mount
 * namespaces to match. When it ends, by whatever hand, the kernel ends all its descendants, and
 * the network goes with the last of them; PR_SET_PDEATHSIG ends it when its parent ends. So a
 * SIGKILL of the runner leaves nothing. (Without the PID namespace, grandchildren survive.)
 *
 * An ordinary user gets the same inside a user namespace, where it is allowed: inside, the caller
 * is root over what it made, and over nothing else.
 */
#include "harness/lab/lab_in.h"

#include <sys/resource.h>

/* Before other load of the machine: timers of 200 ms are kept here. */
#define NICE (-15)

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAMESPACES (CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID)

static bool
can_unshare(int flags)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(unshare(flags) != 0);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static enum lab_can
probe(const char **why)
{
	*why = "";
	if (can_unshare(NAMESPACES))
		return LAB_CAN_ROOT;
	if (!can_unshare(NAMESPACES | CLONE_NEWUSER)) {
		*why = "needs root, or user namespaces for ordinary users "
		       "(sysctl user.max_user_namespaces)";
		return LAB_CAN_NOT;
	}
	/* The device keeps its owner outside: being root in a namespace does not open it. */
	if (access("/dev/net/tun", R_OK | W_OK) != 0) {
		*why = "needs root, or /dev/net/tun open to ordinary users";
		return LAB_CAN_NOT;
	}
	return LAB_CAN_USERNS;
}

enum lab_can
lab_can(const char **why)
{
	static bool known;
	static enum lab_can can;
	static const char *words;

	if (!known)
		can = probe(&words);
	known = true;
	*why = words;
	return can;
}

static bool
put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

static bool
map_ids(uid_t uid, gid_t gid)
{
	char u[32], g[32];

	snprintf(u, sizeof(u), "0 %u 1", uid);
	snprintf(g, sizeof(g), "0 %u 1", gid);
	return put_file("/proc/self/uid_map", u) && put_file("/proc/self/setgroups", "deny") &&
		put_file("/proc/self/gid_map", g);
}

/* What failed, or NULL. */
static const char *
furnish(void)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return "private mounts";
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0)
		return "a /proc of its own";
	if (mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") != 0)
		return "a tmpfs on /run";
	if (mkdir(RUN_DIR, 0700) != 0 || mkdir("/run/netns", 0755) != 0)
		return "folders under /run";
	/* Absent without IPv6; then there is nothing to turn off. */
	(void)put_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
	(void)put_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	return NULL;
}

/*
 * In the child. The parent waits for one byte, which is sent once the death of the parent is sure
 * to be noticed: if it died before that, nobody reads, and the write ends this process.
 */
static _Noreturn void
inside(int flags, uid_t uid, gid_t gid, int ready, int (*fn)(void *), void *ctx)
{
	const char *what = NULL;

	if (flags & CLONE_NEWUSER && !map_ids(uid, gid))
		what = "user and group maps";
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || write(ready, "", 1) != 1)
		_exit(3);
	close(ready);
	(void)setpriority(PRIO_PROCESS, 0, NICE); /* refused to an ordinary user: then as others */
	if (!what)
		what = furnish();
	if (what) {
		fprintf(stderr, "lab: %s: %s\n", what, strerror(errno));
		fflush(stderr);
		_exit(3);
	}
	exit(fn(ctx));
}

pid_t
lab_enclose(int (*fn)(void *ctx), void *ctx, char *err)
{
	const char *why;
	enum lab_can can = lab_can(&why);
	int flags = NAMESPACES | (can == LAB_CAN_USERNS ? CLONE_NEWUSER : 0);
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int ready[2];
	char byte;
	pid_t pid;

	if (can == LAB_CAN_NOT || pipe2(ready, O_CLOEXEC) != 0) {
		snprintf(err, LAB_ERR, "lab: %s", can == LAB_CAN_NOT ? why : strerror(errno));
		return -1;
	}
	fflush(NULL);
	pid = (pid_t)syscall(SYS_clone, (unsigned long)flags | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0) {
		close(ready[0]);
		inside(flags, uid, gid, ready[1], fn, ctx);
	}
	if (pid < 0)
		snprintf(err, LAB_ERR, "lab: namespaces: %s", strerror(errno));
	close(ready[1]);
	/* A child that ended before its byte closes the pipe; its exit status tells. */
	if (pid > 0 && read(ready[0], &byte, 1) < 0)
		snprintf(err, LAB_ERR, "lab: namespaces: %s", strerror(errno));
	close(ready[0]);
	return pid;
}
