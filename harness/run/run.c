/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The runner above the cases: it keeps up to `jobs` of them going, reads one result from each
 * through a pipe, and believes nobody: a process that ends without a result, sends no JSON, or does
 * not end in its time has the verdict error. It judges nothing itself (verdict.c does, in the
 * case's process).
 */
#include "harness/run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/run/worker.h"

#define JOBS_MAX 64
#define GRACE_S 20 /* beyond the limit that the worker keeps itself (in netns; in sim it has none) */
#define RESULT_MAX ((size_t)8 << 20)

struct slot {
	bool used;
	size_t index; /* of the case */
	pid_t pid;
	int fd;
	char *text;
	size_t len;
	time_t until;
	bool ended; /* it was over its time */
	int pause; /* our end of the line on which a case says that it waits; -1 */
	char dir[CASE_PATH];
};

struct runner {
	const struct run_selection *s;
	const struct run_options *o;
	json_t *results;
	struct slot slot[JOBS_MAX];
	size_t next, running;
	char *first; /* recheck: why the case was inconclusive that is run again, or NULL */
	const char *stopped_by; /* the id of the case after which no other is started, or NULL */
};

static time_t
now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* With it the run ends, if it was told to end early. */
static bool
is_bad(const json_t *result)
{
	enum verdict v = run_verdict(result);

	return v == VERDICT_FAIL || v == VERDICT_ERROR || v == VERDICT_XPASS;
}

/* A signal came: what runs is ended, and the rest is not run. */
static bool
is_interrupted(const struct runner *r)
{
	return r->o->interrupted && r->o->interrupted();
}

static bool
is_over(const struct runner *r)
{
	return r->stopped_by || is_interrupted(r);
}

static void
finish(struct runner *r, size_t index, json_t *result)
{
	size_t round = run_round(r->s, index);

	if (r->first)
		json_object_set_new(result, "first", json_string(r->first));
	if (round)
		json_object_set_new(result, "round", json_integer((json_int_t)round + 1));
	if (r->o->stop_early && is_bad(result) && !r->stopped_by)
		r->stopped_by = r->s->cases[index]->id;
	json_array_set_new(r->results, index, result);
	if (r->o->done)
		r->o->done(r->o->ctx, index, result);
}

static void
fail_to_start(struct runner *r, size_t index, const char *why)
{
	finish(r, index, case_result(r->s->cases[index], VERDICT_ERROR, why));
}

/* The process of a case in the lab sim: no namespaces, but it, too, ends with us. */
static pid_t
fork_worker(struct worker_job *job, const char **why)
{
	pid_t us = getpid(), pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != us)
			_exit(3);
		exit(worker_main(job));
	}
	*why = strerror(errno);
	return pid;
}

/* Start case `index` in slot k. */
static void
start(struct runner *r, struct slot *k, size_t index)
{
	const struct case_def *def = r->s->cases[index];
	size_t round = run_round(r->s, index);
	struct worker_job job = {.def = def};
	char err[LAB_ERR] = "its folder cannot be made";
	const char *why = err;
	int ends[2], line[2] = {-1, -1};

	*k = (struct slot){.index = index, .fd = -1, .pause = -1};
	if (case_lacks(def, r->o->sim)) {
		finish(r, index, case_result(def, VERDICT_SKIP, case_lacks(def, r->o->sim)));
		return;
	}
	if (!run_dir(r->o->out, def->id, round, k->dir, sizeof(k->dir))) {
		fail_to_start(r, index, err);
		return;
	}
	run_remove_dir(k->dir);
	if (!run_make_dir(k->dir) || pipe2(ends, O_CLOEXEC) != 0) {
		fail_to_start(r, index, err);
		return;
	}
	if (r->o->paused && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line) != 0)
		abort();
	job.env = (struct case_env){.sim = r->o->sim,
		.twind = r->o->twind,
		.mutant = r->o->mutants ? def->mutant : NULL,
		.dir = k->dir,
		.seed = run_seed(r->o->seed + round, def->id),
		.limit_s = r->o->limit_s,
		.pause = line[1],
		.follow = r->o->follow ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) : -1};
	job.pipe = ends[1];
	k->pid = r->o->sim ? fork_worker(&job, &why) : lab_enclose(worker_main, &job, err);
	close(ends[1]);
	if (line[1] >= 0)
		close(line[1]);
	if (job.env.follow >= 0)
		close(job.env.follow);
	k->pause = line[0];
	if (k->pid < 0) {
		close(ends[0]);
		if (k->pause >= 0)
			close(k->pause);
		fail_to_start(r, index, r->o->sim ? why : err);
		return;
	}
	k->fd = ends[0];
	k->used = true;
	k->until = now_s() + (time_t)worker_limit_s(def, &job.env) + (r->o->sim ? 0 : GRACE_S);
	r->running++;
	if (r->o->begun)
		r->o->begun(r->o->ctx, index);
}

/* The case failed and waits, its lab being up; whoever looks at it has all the time there is. */
static void
let_look(struct runner *r, struct slot *k)
{
	char reason[CASE_TEXT];
	ssize_t got = read(k->pause, reason, sizeof(reason) - 1);

	if (got > 0) {
		reason[got] = '\0';
		r->o->paused(r->o->ctx, k->index, k->pid, k->dir, reason);
		k->until = now_s() + (time_t)worker_limit_s(r->s->cases[k->index], NULL) + GRACE_S;
	}
	(void)send(k->pause, "", 1, MSG_NOSIGNAL); /* it goes on */
	close(k->pause);
	k->pause = -1;
}

/*
 * What the process said, if it may be believed: one that said "pass" and then ended badly (a
 * sanitizer's report at exit, say) has not passed.
 */
static json_t *
believed(const struct slot *k, const struct case_def *def, int status)
{
	json_t *said = k->text ? json_loadb(k->text, k->len, 0, NULL) : NULL;
	char how[64], text[CASE_PATH + 128];

	if (said && (status == 0 || run_verdict(said) != VERDICT_PASS))
		return said;
	if (k->ended)
		snprintf(how, sizeof(how), "did not end in its time");
	else if (WIFSIGNALED(status))
		snprintf(how, sizeof(how), "was ended by signal %d", WTERMSIG(status));
	else
		snprintf(how, sizeof(how), "ended with status %d", WEXITSTATUS(status));
	snprintf(text, sizeof(text), "the case's process %s%s: see %s/baton.log", how,
		said ? " after it had passed" : " without a result", k->dir);
	json_decref(said);
	said = case_result(def, VERDICT_ERROR, text);
	case_save(said, k->dir);
	return said;
}

/* Its result, so that the folder is known for what it is. */
static json_t *
ended_by_hand(const struct slot *k, const struct case_def *def)
{
	json_t *r = case_result(def, VERDICT_SKIP, "interrupted");

	case_save(r, k->dir);
	return r;
}

/* The pipe is closed: all is said. */
static void
collect(struct runner *r, struct slot *k)
{
	json_t *result;
	int status = 0;

	close(k->fd);
	if (k->pause >= 0)
		close(k->pause);
	while (waitpid(k->pid, &status, 0) < 0 && errno == EINTR)
		;
	result = is_interrupted(r) ? ended_by_hand(k, r->s->cases[k->index])
				   : believed(k, r->s->cases[k->index], status);
	free(k->text);
	k->used = false;
	r->running--;
	finish(r, k->index, result);
}

static void
receive(struct runner *r, struct slot *k)
{
	char part[65536];
	ssize_t got = read(k->fd, part, sizeof(part));
	char *more;

	if (got < 0 && errno == EINTR)
		return;
	if (got <= 0 || k->len + (size_t)got > RESULT_MAX) {
		if (got > 0)
			kill(k->pid, SIGKILL);
		collect(r, k);
		return;
	}
	more = realloc(k->text, k->len + (size_t)got);
	if (!more)
		abort();
	k->text = more;
	memcpy(k->text + k->len, part, (size_t)got);
	k->len += (size_t)got;
}

/* One wait for whatever comes first; workers far over their time are ended, and all that were interrupted. */
static void
attend(struct runner *r)
{
	struct pollfd p[2 * JOBS_MAX];
	struct slot *of[2 * JOBS_MAX];
	nfds_t cnt = 0;

	for (size_t i = 0; i < JOBS_MAX; i++) {
		if (!r->slot[i].used)
			continue;
		if (now_s() > r->slot[i].until || is_interrupted(r)) {
			r->slot[i].ended = true;
			kill(r->slot[i].pid, SIGKILL);
		}
		of[cnt] = &r->slot[i];
		p[cnt++] = (struct pollfd){.fd = r->slot[i].pause, .events = POLLIN};
		of[cnt] = &r->slot[i];
		p[cnt++] = (struct pollfd){.fd = r->slot[i].fd, .events = POLLIN};
	}
	if (poll(p, cnt, 1000) <= 0)
		return;
	for (nfds_t i = 0; i < cnt; i += 2) {
		if (p[i].revents)
			let_look(r, of[i]);
		if (p[i + 1].revents)
			receive(r, of[i + 1]);
	}
}

/* A case that comes after the one that stopped the run. */
static json_t *
not_run(const struct runner *r, size_t index)
{
	char text[CASE_TEXT];

	if (r->stopped_by)
		snprintf(text, sizeof(text), "not run: %s did not pass before it", r->stopped_by);
	else
		snprintf(text, sizeof(text), "not run: interrupted before it");
	return case_result(r->s->cases[index], VERDICT_SKIP, text);
}

/* Once more, and one at a time: a lab that was late because of its neighbours has none now. */
static void
recheck(struct runner *r)
{
	for (size_t i = 0; i < r->s->cnt && !is_over(r); i++) {
		const json_t *was = json_array_get(r->results, i);

		if (run_verdict(was) != VERDICT_INCONCLUSIVE)
			continue;
		r->first = strdup(json_string_value(json_object_get(was, "reason")));
		if (!r->first)
			abort();
		start(r, &r->slot[0], i);
		while (r->running > 0)
			attend(r);
		free(r->first);
		r->first = NULL;
	}
}

json_t *
run_all(const struct run_selection *s, const struct run_options *o, char *err)
{
	struct runner *r = calloc(1, sizeof(*r));
	size_t jobs = o->jobs < 1 ? 1 : o->jobs > JOBS_MAX ? JOBS_MAX : o->jobs;
	json_t *results = json_array();

	if (!r || !results)
		abort();
	if (!run_make_dir(o->out)) {
		snprintf(err, LAB_ERR, "%.200s: %s", o->out, strerror(errno));
		free(r);
		json_decref(results);
		return NULL;
	}
	if (o->sim)
		lab_sim_ready();
	*r = (struct runner){.s = s, .o = o, .results = results};
	for (size_t i = 0; i < s->cnt; i++)
		json_array_append_new(results, json_null());
	while ((r->next < s->cnt && !is_over(r)) || r->running > 0) {
		for (size_t i = 0; i < jobs && r->next < s->cnt && !is_over(r); i++)
			if (!r->slot[i].used)
				start(r, &r->slot[i], r->next++);
		if (r->running > 0)
			attend(r);
	}
	for (; r->next < s->cnt; r->next++)
		json_array_set_new(results, r->next, not_run(r, r->next));
	if (o->recheck)
		recheck(r);
	free(r);
	return results;
}
