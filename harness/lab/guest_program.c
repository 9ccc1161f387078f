/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Other people's programs: each a process 1 of mount and PID namespaces of its own, in the network
 * namespace of a machine. Its /run and the folders that it hides are tmpfs, with the files that it
 * was given. It inherits three descriptors and two variables. It dies with the lab
 * (PR_SET_PDEATHSIG), and its children with it.
 */
#include "harness/lab/guest_in.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE (2 * NS_PER_S)
#define OUTPUT_MAX (4u << 20) /* of a command */
#define ENV_PATH "PATH=/usr/sbin:/usr/bin:/sbin:/bin"

bool
guest_installed(const char *path)
{
	return access(path, X_OK) == 0;
}

bool
guest_there(const char *path)
{
	return access(path, F_OK) == 0;
}

/* ---- in the child ---- */

static bool
hide(const char *folder)
{
	return mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") == 0;
}

/* The folders on the way to the file, too. */
static bool
put_file(const struct guest_file *f)
{
	char path[LAB_PATH];
	FILE *to;
	bool ok;

	snprintf(path, sizeof(path), "%s", f->path);
	for (char *slash = path + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
		*slash = '\0';
		if (mkdir(path, 0755) != 0 && errno != EEXIST)
			return false;
		*slash = '/';
	}
	to = fopen(path, "we");
	if (!to)
		return false;
	ok = fputs(f->text, to) >= 0 && fchmod(fileno(to), 0600) == 0;
	return fclose(to) == 0 && ok;
}

/* A file of ours where the machine's own is, for this namespace alone. */
static bool
put_over(const struct guest_file *f)
{
	const struct guest_file ours = {.path = "/run/.over", .text = f->text};

	return put_file(&ours) && chmod(ours.path, 0644) == 0 &&
	       mount(ours.path, f->path, NULL, MS_BIND, NULL) == 0 && unlink(ours.path) == 0;
}

/* What failed, or NULL. */
static const char *
furnish(const struct guest_program *g)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return "private mounts";
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0)
		return "/proc";
	if (!hide("/run"))
		return "/run";
	for (size_t i = 0; i < sizeof(g->hide) / sizeof(g->hide[0]); i++)
		if (g->hide[i] && !hide(g->hide[i]))
			return g->hide[i];
	for (size_t i = 0; i < GUEST_FILES; i++)
		if (g->file[i].path && !put_file(&g->file[i]))
			return g->file[i].path;
	for (size_t i = 0; i < sizeof(g->over) / sizeof(g->over[0]); i++)
		if (g->over[i].path && !put_over(&g->over[i]))
			return g->over[i].path;
	return NULL;
}

static bool
take_descriptors(int out)
{
	int null = open("/dev/null", O_RDONLY);

	if (null < 0 || out < 0 || dup2(null, 0) != 0 || dup2(out, 1) != 1 || dup2(out, 2) != 2)
		return false;
	return syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */) == 0;
}

static void
complain(int report, const char *what)
{
	char text[LAB_ERR];
	int len = snprintf(text, sizeof(text), "%s: %s", what, strerror(errno));

	(void)!write(report, text, (size_t)len + 1);
}

static _Noreturn void
become(struct lab *l, enum lab_port p, const struct guest_program *g, const char *log, int report)
{
	const char *env[6] = {ENV_PATH}, *what;
	int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	size_t envs = 1;

	for (size_t i = 0; i < sizeof(g->env) / sizeof(g->env[0]); i++)
		if (g->env[i])
			env[envs++] = g->env[i];
	what = furnish(g);
	if (!what && !(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && guest_go(guest_netns(l, p))))
		what = "its namespace";
	if (!what && !take_descriptors(out))
		what = "its descriptors";
	if (!what) {
		execve(g->argv[0], (char *const *)(uintptr_t)g->argv,
			(char *const *)(uintptr_t)env);
		what = g->argv[0];
	}
	complain(report, what);
	_exit(127);
}

/* ---- starting ---- */

/* Until the child has become the program (the pipe closes) or has said why not. */
static pid_t
launch(struct lab *l, enum lab_port p, const struct guest_program *g, const char *log, char *err)
{
	char why[LAB_ERR] = "";
	int report[2];
	ssize_t got = 0;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) != 0) {
		snprintf(err, LAB_ERR, "lab: %s", strerror(errno));
		return -1;
	}
	fflush(NULL);
	pid = (pid_t)syscall(SYS_clone, (unsigned long)(CLONE_NEWNS | CLONE_NEWPID | SIGCHLD), NULL,
		NULL, NULL, NULL);
	if (pid == 0)
		become(l, p, g, log, report[1]);
	close(report[1]);
	if (pid > 0)
		got = read(report[0], why, sizeof(why) - 1);
	close(report[0]);
	if (pid > 0 && got == 0)
		return pid;
	snprintf(err, LAB_ERR, "lab: guest %s: %.200s", g->name, pid > 0 ? why : strerror(errno));
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return -1;
}

static void
remember(struct guests *all, struct guest *n)
{
	if (all->cnt == all->cap) {
		all->cap = all->cap ? 2 * all->cap : 8;
		all->guest = realloc(all->guest, all->cap * sizeof(struct guest *));
		if (!all->guest)
			abort();
	}
	all->guest[all->cnt++] = n;
}

struct guest *
guest_start(struct lab *l, enum lab_port p, const struct guest_program *g, char *err)
{
	struct guests *all = guest_all(l);
	struct guest *n = calloc(1, sizeof(*n));

	if (!n)
		abort();
	n->lab = l;
	n->port = p;
	n->status = -1;
	n->pidfd = -1;
	snprintf(n->name, sizeof(n->name), "%s", g->name);
	snprintf(n->log, sizeof(n->log), "%.200s/%s.log", l->out_dir, n->name);
	n->pid = launch(l, p, g, n->log, err);
	if (n->pid < 0) {
		free(n);
		return NULL;
	}
	remember(all, n);
	n->pidfd = (int)syscall(SYS_pidfd_open, n->pid, 0);
	if (n->pidfd < 0 ||
		!lab_watch(l, n->pidfd, (uint32_t)(TAG_GUEST + 2 * (all->cnt - 1)), EPOLLIN)) {
		snprintf(err, LAB_ERR, "lab: guest %s: pidfd: %s", n->name, strerror(errno));
		return NULL;
	}
	return n;
}

/* ---- its end ---- */

void
guest_reap(struct guest *g, bool wait)
{
	if (!g->pid || waitpid(g->pid, &g->status, wait ? 0 : WNOHANG) != g->pid)
		return;
	if (g->pidfd >= 0)
		close(g->pidfd); /* epoll forgets it */
	g->pidfd = -1;
	g->pid = 0;
}

void
guest_signal(struct guest *g, int sig)
{
	if (!g->pid)
		return;
	if (sig == SIGKILL || sig == SIGTERM)
		g->asked_to_end = true;
	if (kill(g->pid, sig) != 0)
		fprintf(stderr, "lab: signal to %s: %s\n", g->name, strerror(errno));
}

static bool
has_ended(void *ctx)
{
	return !guest_alive(ctx);
}

void
guest_stop(struct guest *g)
{
	guest_signal(g, SIGCONT);
	guest_signal(g, SIGTERM);
	if (lab_until(g->lab, "the end of a guest", PATIENCE, has_ended, g))
		return;
	guest_signal(g, SIGKILL);
	guest_reap(g, true);
}

void
guest_power_off(struct lab *l, enum lab_member m)
{
	for (size_t i = 0; l->guests && i < l->guests->cnt; i++) {
		struct guest *g = l->guests->guest[i];

		if (g->port < PORT_PEER && g->port / NODE_IFS == (unsigned)m)
			guest_signal(g, SIGKILL);
	}
}

/* At the end of the lab: asked all at once, and for so long; then killed. */
void
guest_end_all(struct lab *l, ns_t patience)
{
	ns_t until = lab_clock() + patience;
	struct guests *all = l->guests;

	for (size_t i = 0; i < all->cnt && patience > 0; i++)
		guest_signal(all->guest[i], SIGTERM);
	for (size_t i = 0; i < all->cnt; i++) {
		struct guest *g = all->guest[i];

		while (g->pid && lab_clock() < until)
			loop_step(l, until);
		guest_signal(g, SIGKILL);
		guest_reap(g, true);
	}
}

void
guest_wind_down(struct lab *l)
{
	if (l->guests)
		guest_end_all(l, PATIENCE);
}

bool
guest_alive(const struct guest *g)
{
	return g->pid != 0;
}

int
guest_status(const struct guest *g)
{
	return g->status;
}

bool
guest_died(const struct guest *g)
{
	return !g->pid && !g->asked_to_end;
}

/* ---- what it shows ---- */

const char *
guest_path(const struct guest *g, const char *path, char *buf, size_t cap)
{
	snprintf(buf, cap, "/proc/%d/root%s", (int)g->pid, path);
	return buf;
}

const char *
guest_log(const struct guest *g)
{
	return g->log;
}

size_t
guest_log_len(const struct guest *g)
{
	struct stat s;

	return stat(g->log, &s) == 0 ? (size_t)s.st_size : 0;
}

/* All that the descriptor holds from there on, as a text; owned by the caller. */
static char *
slurp(int fd, size_t from)
{
	struct stat s;
	size_t len, at = 0;
	char *text;

	if (fd < 0 || fstat(fd, &s) != 0)
		return NULL;
	len = (size_t)s.st_size > from ? (size_t)s.st_size - from : 0;
	if (len > OUTPUT_MAX)
		len = OUTPUT_MAX;
	text = malloc(len + 1);
	if (!text)
		abort();
	while (at < len) {
		ssize_t got = pread(fd, text + at, len - at, (off_t)(from + at));

		if (got <= 0)
			break;
		at += (size_t)got;
	}
	text[at] = '\0';
	return text;
}

char *
guest_text(const struct guest *g, size_t from)
{
	int fd = open(g->log, O_RDONLY | O_CLOEXEC);
	char *all = slurp(fd, from);

	if (fd >= 0)
		close(fd);
	return all ? all : calloc(1, 1);
}

size_t
guest_said_cnt(const struct guest *g, const char *text, size_t from)
{
	char *all = guest_text(g, from);
	size_t cnt = 0;

	for (const char *at = all; (at = strstr(at, text)) != NULL; at += strlen(text))
		cnt++;
	free(all);
	return cnt;
}

bool
guest_said(const struct guest *g, const char *text, size_t from)
{
	return guest_said_cnt(g, text, from) > 0;
}

/* ---- its console ---- */

struct command {
	pid_t pid;
	int status;
	bool ended;
};

static bool
enter(pid_t pid, const char *space, int type)
{
	char path[64];
	int fd;
	bool ok;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, space);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ok = fd >= 0 && setns(fd, type) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

/* The PID namespace stays the lab's: so the command is a child that can be waited for. */
static _Noreturn void
become_command(const struct guest *g, const char *const *argv, int out)
{
	static const char *const env[] = {ENV_PATH, NULL};

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && enter(g->pid, "net", CLONE_NEWNET) &&
		enter(g->pid, "mnt", CLONE_NEWNS) && take_descriptors(out))
		execve(argv[0], (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
	_exit(127);
}

static bool
command_ended(void *ctx)
{
	struct command *c = ctx;

	if (!c->ended && waitpid(c->pid, &c->status, WNOHANG) == c->pid)
		c->ended = true;
	return c->ended;
}

char *
guest_command(struct guest *g, const char *const *argv, ns_t limit, int *status)
{
	int out = memfd_create("command", MFD_CLOEXEC);
	struct command c = {.status = -1};
	char *text;

	if (out < 0 || !g->pid)
		return NULL;
	fflush(NULL);
	c.pid = fork();
	if (c.pid == 0)
		become_command(g, argv, out);
	if (c.pid > 0 && !lab_until(g->lab, argv[0], limit, command_ended, &c)) {
		(void)kill(c.pid, SIGKILL);
		(void)waitpid(c.pid, &c.status, 0);
	}
	text = c.ended ? slurp(out, 0) : NULL;
	close(out);
	*status = c.status;
	return text;
}
