/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The members, whatever they are made of: their texts, their starts and their ends. An end that
 * nobody asked for is an event in the trace, and is remembered (lab_died).
 */
#include "harness/lab/lab_in.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

void
lab_set_text(struct lab *l, enum lab_member m, const char *text)
{
	free(l->node[m].text);
	l->node[m].text = strdup(text);
	if (!l->node[m].text)
		abort();
}

static bool
write_config(const struct lab *l, const struct node *n, char *err)
{
	FILE *f = !l->cfg.out_dir ? NULL : fopen(n->conf, "w");
	bool ok = f && fputs(n->text, f) >= 0;

	if (!l->cfg.out_dir)
		return true;
	ok = (f ? fclose(f) == 0 : false) && ok;
	if (!ok)
		snprintf(err, LAB_ERR, "lab: %.120s: %s", n->conf, strerror(errno));
	return ok;
}

void
lab_set_clock(struct lab *l, enum lab_member m, ns_t ahead)
{
	l->node[m].ahead = ahead;
}

bool
lab_can_shift(const struct lab *l)
{
	return l->kind->can_shift();
}

/* After power off: another machine with the same cables. */
static bool
power_on(struct lab *l, enum lab_member m, char *err)
{
	return l->port[lab_member_port(m, SEG_OUTSIDE)].on || l->kind->power_on(l, m, err);
}

bool
lab_start(struct lab *l, enum lab_member m, char *err)
{
	struct node *n = &l->node[m];
	char text[64];

	if (n->killed && l->kind->reap)
		l->kind->reap(l, m, true);
	if (n->runs) {
		snprintf(err, LAB_ERR, "lab: %s runs already", lab_member_name(m));
		return false;
	}
	if (!power_on(l, m, err) || !write_config(l, n, err))
		return false;
	n->asked_to_end = n->killed = n->ended = false;
	if (!l->kind->launch(l, m, err))
		return false;
	snprintf(text, sizeof(text), "%s started", lab_member_name(m));
	if (n->ahead)
		snprintf(text, sizeof(text), "%s started, its clock %lld s ahead",
			lab_member_name(m), (long long)(n->ahead / NS_PER_S));
	lab_event(l, &(struct trace_event){.kind = EVENT_START,
			     .who = lab_port_who(lab_member_port(m, SEG_OUTSIDE)),
			     .text = text});
	l->kind->launched(l, m);
	return true;
}

bool
lab_reload(struct lab *l, enum lab_member m, const char *text)
{
	struct node *n = &l->node[m];
	char err[LAB_ERR];

	lab_set_text(l, m, text);
	if (!write_config(l, n, err)) {
		fprintf(stderr, "%s\n", err);
		return false;
	}
	return n->runs && l->kind->reload(l, m);
}

void
member_kill(struct lab *l, enum lab_member m, int sig)
{
	struct node *n = &l->node[m];

	if (!n->runs)
		return;
	n->asked_to_end = true;
	n->killed = n->killed || sig == SIGKILL;
	l->kind->end(l, m, sig);
}

/* Ours, or a clean end that we asked for. */
static bool
ended_well(const struct node *n)
{
	if (!n->asked_to_end)
		return false;
	return n->status == 0 ||
	       (WIFSIGNALED(n->status) &&
		       (WTERMSIG(n->status) == SIGKILL || WTERMSIG(n->status) == SIGTERM));
}

void
member_ended(struct lab *l, enum lab_member m, int status)
{
	struct node *n = &l->node[m];
	char text[96];

	n->status = status;
	n->runs = false;
	n->ended = true;
	if (ended_well(n))
		return;
	n->died = true;
	snprintf(text, sizeof(text), "%s ended by itself (%s %d)", lab_member_name(m),
		WIFSIGNALED(n->status) ? "signal" : "status",
		WIFSIGNALED(n->status) ? WTERMSIG(n->status) : WEXITSTATUS(n->status));
	lab_event(l, &(struct trace_event){.kind = EVENT_EXIT,
			     .who = lab_port_who(lab_member_port(m, SEG_OUTSIDE)),
			     .text = text});
}

void
lab_wind_down(struct lab *l)
{
	for (int m = 0; m < LAB_MEMBERS; m++)
		member_kill(l, (enum lab_member)m, SIGTERM);
	l->kind->wind_down(l);
}

bool
lab_alive(const struct lab *l, enum lab_member m)
{
	return l->node[m].runs;
}

pid_t
lab_pid(const struct lab *l, enum lab_member m)
{
	return l->node[m].pid;
}

enum lab_end
lab_exit(const struct lab *l, enum lab_member m, int *wait_status)
{
	const struct node *n = &l->node[m];

	if (!n->ended)
		return LAB_END_NONE;
	if (wait_status)
		*wait_status = n->status;
	return ended_well(n) ? LAB_END_ASKED : LAB_END_BAD;
}

bool
lab_died(const struct lab *l, enum lab_member m)
{
	return l->node[m].died;
}

const char *
lab_log_path(struct lab *l, enum lab_member m)
{
	return l->node[m].log;
}

const char *
lab_keylog_path(struct lab *l, enum lab_member m)
{
	return l->node[m].keylog;
}

const char *
lab_control_path(struct lab *l, enum lab_member m)
{
	return l->node[m].control;
}
