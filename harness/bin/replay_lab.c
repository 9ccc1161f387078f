/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A recording against a lab of the standard pair: both members up, a tunnel of the peer's, then the
 * frames at a segment's free station, at their pace, and three seconds more. What the members did
 * is told by their Hellos and the tunnel; the trace is for `baton decode` and `baton judge`.
 */
#include "harness/bin/replay_cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "harness/bin/baton.h"
#include "harness/run/pair.h"
#include "harness/trace/place.h"

#define AFTER (3 * NS_PER_S)

struct stage {
	const struct replay_words *w;
	const struct recording *r;
	char dir[32];
};

static bool
never(void *ctx)
{
	(void)ctx;
	return false;
}

static bool
tunnel_up(void *ctx)
{
	return peer_is_up(((struct world *)ctx)->peer);
}

static bool
a_active(void *ctx)
{
	return pair_in(ctx, LAB_A, PAIR_ACTIVE);
}

static bool
b_standby(void *ctx)
{
	return pair_in(ctx, LAB_B, PAIR_STANDBY);
}

/* A first, so that it is A that is active. */
static bool
start_both(struct lab *l)
{
	static bool (*const then[LAB_MEMBERS])(void *) = {a_active, b_standby};
	char err[LAB_ERR];

	for (int m = 0; m < LAB_MEMBERS; m++) {
		if (!lab_start(l, (enum lab_member)m, err)) {
			fprintf(stderr, "baton: replay: %s\n", err);
			return false;
		}
		(void)lab_until(l, "the pair to elect", PAIR_UP_LIMIT, then[m], l);
	}
	return true;
}

static enum lab_port
entrance(const char *segment)
{
	if (!strcmp(segment, "outside"))
		return PORT_PROBE_OUT;
	return strcmp(segment, "inside") ? PORT_PROBE_SYNC : PORT_PROBE_IN;
}

static const char *
state_name(enum pair_state s)
{
	switch (s) {
	case PAIR_INITIAL:
		return "initial";
	case PAIR_LEARN:
		return "learn";
	case PAIR_LISTEN:
		return "listen";
	case PAIR_SPEAK:
		return "speak";
	case PAIR_STANDBY:
		return "standby";
	case PAIR_ACTIVE:
		return "active";
	case PAIR_SILENT:
		break;
	}
	return "silent";
}

static void
tell(struct lab *l, struct world *w, const char *when)
{
	printf("%s: A is %s, B is %s; the tunnel is %s\n", when,
		state_name(pair_port_state(l, PORT_A_OUT)),
		state_name(pair_port_state(l, PORT_B_OUT)), peer_is_up(w->peer) ? "up" : "not up");
}

static void
put_frames(const struct stage *s, struct lab *l)
{
	enum lab_port at = entrance(s->w->segment);
	ns_t begun = lab_now(l);

	for (size_t i = 0; i < s->r->cnt; i++) {
		ns_t due = begun + replay_due(s->w, s->r->frames[i].when);

		if (due > lab_now(l))
			lab_run(l, due - lab_now(l));
		lab_inject(l, at, s->r->octets + s->r->frames[i].at, s->r->frames[i].len);
	}
	(void)lab_until(l, "what the members do now", AFTER, never, NULL);
}

static int
act(const struct stage *s, struct lab *l)
{
	char err[LAB_ERR];
	struct keyring ring;
	struct world w = {0};
	size_t before;
	int rc = 0;

	if (!start_both(l))
		return 3;
	keyring_init(&ring);
	if (!world_attach(&w, l, &ring, NULL, 1))
		return 3;
	peer_initiate(w.peer, lab_now(l));
	(void)lab_until(l, "the tunnel", PAIR_UP_LIMIT, tunnel_up, &w);
	tell(l, &w, "before");
	before = trace_len(lab_trace(l));
	put_frames(s, l);
	printf("put in: %zu frames at %s; all others meanwhile: %zu\n", s->r->cnt, s->w->segment,
		trace_len(lab_trace(l)) - before - s->r->cnt);
	tell(l, &w, "after");
	if (s->w->out && !trace_write(lab_trace(l), s->w->out, lab_epoch(l), err)) {
		fprintf(stderr, "baton: replay: %s\n", err);
		rc = 3;
	}
	world_detach(&w);
	keyring_free(&ring);
	return rc;
}

static int
inside(void *ctx)
{
	const struct stage *s = ctx;
	struct lab_config cfg = {
		.twind = baton_beside("twind"), .out_dir = s->dir, .seed = 1, .keylog = true};
	char err[LAB_ERR] = "";
	struct lab *l = lab_open(&cfg, err);
	int rc;

	if (!l) {
		fprintf(stderr, "baton: replay: %s\n", err);
		return 3;
	}
	rc = act(s, l);
	lab_close(l);
	fflush(stdout);
	return rc;
}

int
replay_in_lab(const struct replay_words *w, const struct recording *r)
{
	struct stage s = {.w = w, .r = r, .dir = "/tmp/baton-replay-XXXXXX"};
	const char *why;
	char err[LAB_ERR > PLACE_ERR ? LAB_ERR : PLACE_ERR];
	int status = -1;
	pid_t pid;

	if (w->out && !place_check(w->out, err)) {
		fprintf(stderr, "baton: replay: %s\n", err);
		return 3;
	}
	if (lab_can(&why) == LAB_CAN_NOT) {
		printf("SKIPPED: the lab netns %s\n", why);
		return 4;
	}
	if (!mkdtemp(s.dir)) {
		perror(s.dir);
		return 3;
	}
	fflush(stdout);
	pid = lab_enclose(inside, &s, err);
	if (pid < 0)
		fprintf(stderr, "baton: replay: %s\n", err);
	baton_heed_signals();
	if (pid > 0)
		status = baton_wait(pid);
	baton_remove_folder(s.dir);
	if (baton_stopped())
		return EXIT_STOPPED;
	return status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}
