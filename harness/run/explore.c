/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A schedule, carried out and judged (explore.h). The world is that of the cases: the pair, the
 * peer, the host. No file is written and no namespace made; a schedule costs some milliseconds.
 */
#include "harness/run/explore.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "harness/lab/disturb.h"
#include "harness/run/world.h"

#define HELLO 100
#define HOLD 400
#define REPLAY_IN 10
#define REPLAY_OUT 50
#define SETTLE (2800 * NS_PER_MS) /* both started: the delay, roles, and a full sync */
#define TUNNEL (2 * NS_PER_S)
#define TAIL (1500 * NS_PER_MS) /* behind the last step */
#define MARGIN (5 * NS_PER_MS)
#define DARK_MARGIN (250 * NS_PER_MS) /* over hold: one hello, two groups, ARP */
#define SECONDS 30		      /* of real time; then it hangs */
#define STREAM_OUT 1
#define STREAM_IN 2
#define PACKET 100

struct run {
	const struct explore_plan *p;
	struct lab *lab;
	struct world w;
	struct keyring ring;
	int handle[EXPLORE_STEPS]; /* of a disturbance; -1: none */
	ns_t end[EXPLORE_STEPS];   /* when it is taken back; NS_NEVER: it is, or need not be */
};

/* ---- the world ---- */

static void
keys(void *ctx, const char *line)
{
	const char *what;

	(void)keyring_line(ctx, line, &what);
}

static bool
open_world(struct run *x, const struct explore_options *o)
{
	static const struct lab_text knobs = {.hello_ms = HELLO,
		.hold_ms = HOLD,
		.replay_in = REPLAY_IN,
		.replay_out = REPLAY_OUT,
		.transform = "esp-gcm 128",
		.dpd = "msec 700 500 periodic",
		.swap = {{" group 2", " group 19"}},
		.add_outside = {" standby delay minimum 0 reload 1"},
		.add_inside = {" standby delay minimum 0 reload 1"}};
	struct peer_cfg peer = world_peer_cfg();
	struct lab_config cfg = {.sim = true,
		.mutant = o->mutant,
		.seed = x->p->seed,
		.out_dir = o->logs,
		.keys = keys,
		.keys_ctx = &x->ring};
	char *text[LAB_MEMBERS], err[LAB_ERR];

	peer.ike[peer.ike_cnt++] = (struct peer_ike_prop){KEYPRIM_AES, 128, KEYPRIM_SHA1, 19};
	peer.esp[peer.esp_cnt++] = (struct peer_esp_prop){KEYESP_AES_GCM, 128};
	for (int m = 0; m < LAB_MEMBERS; m++)
		cfg.text[m] = text[m] = lab_text(&knobs, (enum lab_member)m);
	x->lab = lab_open(&cfg, err);
	for (int m = 0; m < LAB_MEMBERS; m++)
		free(text[m]);
	if (!x->lab)
		fprintf(stderr, "explore: %s\n", err);
	return x->lab && world_attach(&x->w, x->lab, &x->ring, &peer, x->p->seed);
}

static void
start(struct lab *l, enum lab_member m)
{
	char err[LAB_ERR];

	if (!lab_alive(l, m) && !lab_start(l, m, err))
		fprintf(stderr, "explore: %s\n", err);
}

static bool
is_up(void *ctx)
{
	return peer_is_up(ctx);
}

static bool
begin(struct run *x)
{
	int32_t b = x->p->b;

	start(x->lab, b < 0 ? LAB_B : LAB_A);
	lab_run(x->lab, ns_from_ms(b < 0 ? -b : b));
	start(x->lab, b < 0 ? LAB_A : LAB_B);
	lab_run(x->lab, SETTLE);
	peer_initiate(x->w.peer, lab_now(x->lab));
	if (!lab_until(x->lab, "a tunnel", TUNNEL, is_up, x->w.peer))
		return false;
	if (x->p->out)
		(void)host_stream_start(x->w.host, lab_now(x->lab), STREAM_OUT, LAB_REMOTE_HOST,
			x->p->out, PACKET, 0);
	if (x->p->in)
		(void)peer_stream_start(
			x->w.peer, lab_now(x->lab), STREAM_IN, LAB_IN_HOST, x->p->in, PACKET, 0);
	return true;
}

/* ---- steps ---- */

static int
disturb(struct run *x, const struct explore_step *s)
{
	static const enum lab_disturb_kind kinds[EXPLORE_VERBS] = {
		[EXPLORE_LOSE] = DISTURB_LOSE,
		[EXPLORE_COPY] = DISTURB_COPY,
		[EXPLORE_REORDER] = DISTURB_REORDER,
		[EXPLORE_DELAY] = DISTURB_DELAY,
		[EXPLORE_STALL] = DISTURB_STALL,
		[EXPLORE_SLOW] = DISTURB_SLOW,
	};
	struct lab_disturb d = {.kind = kinds[s->verb], .port = (enum lab_port)s->object};

	switch (d.kind) {
	case DISTURB_LOSE:
	case DISTURB_COPY:
	case DISTURB_REORDER:
		d.ppm = s->amount * 10000;
		break;
	case DISTURB_DELAY:
		d.delay = ns_from_ms(s->amount);
		break;
	case DISTURB_SLOW:
		d.per_s = s->amount * 1000;
		break;
	case DISTURB_CORRUPT:
	case DISTURB_STALL:
		break;
	}
	return lab_disturb(x->lab, &d);
}

static void
act(struct run *x, unsigned i)
{
	const struct explore_step *s = &x->p->step[i];
	enum lab_member m = (enum lab_member)s->object;
	ns_t now = lab_now(x->lab);

	switch (s->verb) {
	case EXPLORE_OFF:
		if (lab_alive(x->lab, m))
			lab_power_off(x->lab, m);
		break;
	case EXPLORE_CRASH:
		if (lab_alive(x->lab, m))
			lab_crash(x->lab, m);
		break;
	case EXPLORE_STOP:
		if (lab_alive(x->lab, m))
			lab_stop(x->lab, m);
		break;
	case EXPLORE_START:
		start(x->lab, m);
		break;
	case EXPLORE_PULL:
		lab_cable(x->lab, (enum lab_port)s->object, false);
		break;
	case EXPLORE_PART:
		lab_part(x->lab, (enum trace_segment)s->object,
			1u << lab_member_port(LAB_B, (enum trace_segment)s->object));
		break;
	case EXPLORE_LOSE:
	case EXPLORE_COPY:
	case EXPLORE_REORDER:
	case EXPLORE_DELAY:
	case EXPLORE_STALL:
	case EXPLORE_SLOW:
		x->handle[i] = disturb(x, s);
		break;
	case EXPLORE_REKEY:
		peer_rekey_child(x->w.peer, now);
		break;
	case EXPLORE_PHASE1:
		peer_rekey_phase1(x->w.peer, now);
		break;
	case EXPLORE_PROBE:
		peer_dpd_probe(x->w.peer, now);
		break;
	case EXPLORE_VERBS:
		break;
	}
	if (s->span)
		x->end[i] = now + ns_from_ms(s->span);
}

static void
take_back(struct run *x, unsigned i)
{
	const struct explore_step *s = &x->p->step[i];

	x->end[i] = NS_NEVER;
	if (s->verb == EXPLORE_PULL)
		lab_cable(x->lab, (enum lab_port)s->object, true);
	else if (s->verb == EXPLORE_PART)
		lab_heal(x->lab, (enum trace_segment)s->object);
	else if (x->handle[i] >= 0)
		lab_undisturb(x->lab, x->handle[i]);
}

/* The end that comes first, or -1. */
static int
first_end(const struct run *x, ns_t before)
{
	int first = -1;

	for (unsigned i = 0; i < x->p->cnt; i++)
		if (x->end[i] != NS_NEVER && x->end[i] <= before &&
			(first < 0 || x->end[i] < x->end[first]))
			first = (int)i;
	return first;
}

static void
run_until(struct run *x, ns_t at)
{
	int i;

	while ((i = first_end(x, at)) >= 0) {
		lab_run(x->lab, x->end[i] - lab_now(x->lab));
		take_back(x, (unsigned)i);
	}
	lab_run(x->lab, at - lab_now(x->lab));
}

static void
steps(struct run *x)
{
	ns_t from = lab_now(x->lab), last = from;

	for (unsigned i = 0; i < x->p->cnt; i++) {
		run_until(x, from + ns_from_ms(x->p->step[i].at));
		act(x, i);
	}
	for (unsigned i = 0; i < x->p->cnt; i++)
		if (x->end[i] != NS_NEVER && x->end[i] > last)
			last = x->end[i];
	if (lab_now(x->lab) > last)
		last = lab_now(x->lab);
	run_until(x, last + TAIL);
}

/* ---- judgement ---- */

static void
judge(struct run *x, struct explore_result *r)
{
	struct law_result out[LAWS_MAX];
	const struct laws_in in = {
		.trace = lab_trace(x->lab),
		.keys = &x->ring,
		.hello = HELLO * NS_PER_MS,
		.hold = HOLD * NS_PER_MS,
		.replay_in = REPLAY_IN,
		.replay_out = REPLAY_OUT,
		.margin = MARGIN,
		.route_margin = MARGIN,
		.dark_margin = DARK_MARGIN,
		.max_jump = 2 * REPLAY_OUT, /* docs/spec/ssp.md 4 */
		.dynamic_map = true,
		.plain_sync = true,
		.near = {IP4(10, 0, 0, 0), 24},
		.far = {LAB_REMOTE_NET, 24},
	};
	char said[JUDGE_SETTINGS], note[JUDGE_SETTINGS + 8];
	size_t cnt = judge_laws(&in, out);

	judge_settings_put(&in, said, sizeof(said));
	snprintf(note, sizeof(note), "laws %s", said);
	trace_note(lab_trace(x->lab), note);
	for (size_t i = 0; i < cnt; i++) {
		r->judged[out[i].law] += out[i].verdict == LAW_HELD;
		r->suspended[out[i].law] += out[i].verdict == LAW_SUSPENDED;
		if (out[i].verdict != LAW_BROKEN)
			continue;
		r->broken |= 1u << out[i].law;
		if (r->end != EXPLORE_HELD)
			continue;
		r->end = EXPLORE_BROKEN;
		r->law = out[i].law;
		r->name = out[i].name;
		snprintf(r->text, sizeof(r->text), "law %d (%s): %.440s", out[i].law, out[i].name,
			out[i].text);
		if (out[i].frame != TRACE_NONE)
			trace_comment(lab_trace(x->lab), out[i].frame, r->text);
	}
}

bool
explore_alike(const struct explore_result *a, const struct explore_result *b)
{
	return a->end == b->end && a->law == b->law &&
	       (a->name == b->name || (a->name && b->name && strcmp(a->name, b->name) == 0));
}

/* Two runs with one digest saw the same frames at the same instants. */
static uint64_t
digest(const struct trace *t)
{
	uint64_t h = 0xcbf29ce484222325u, word;

	for (size_t i = 0; i < trace_len(t); i++) {
		const struct frame *f = trace_frame(t, i);

		h = (h ^ (uint64_t)f->at ^ (uint64_t)f->port << 56) * 0x100000001b3u;
		for (size_t at = 0; at < f->len; at += sizeof(word)) {
			word = 0;
			memcpy(&word, f->bytes + at,
				f->len - at < sizeof(word) ? f->len - at : sizeof(word));
			h = (h ^ word) * 0x100000001b3u;
			h ^= h >> 29;
		}
	}
	return h;
}

/* The capture, and beside it the keys without which no law knows what was carried. */
static bool
write_trace(struct run *x, const char *path)
{
	char err[TRACE_ERR], keys_path[PATH_MAX];
	FILE *f;
	bool ok;

	if (!trace_write(lab_trace(x->lab), path, lab_epoch(x->lab), err)) {
		fprintf(stderr, "explore: %s\n", err);
		return false;
	}
	snprintf(keys_path, sizeof(keys_path), "%s.keys", path);
	f = fopen(keys_path, "w");
	if (f)
		keyring_write(&x->ring, f);
	ok = f && !ferror(f);
	if (f && fclose(f) != 0)
		ok = false;
	if (!ok)
		fprintf(stderr, "explore: %s: %s\n", keys_path, strerror(errno));
	return ok;
}

void
explore_run(const struct explore_plan *p, const struct explore_options *o, struct explore_result *r)
{
	struct run x = {.p = p};
	ns_t from;

	*r = (struct explore_result){.end = EXPLORE_HELD};
	for (unsigned i = 0; i < EXPLORE_STEPS; i++) {
		x.handle[i] = -1;
		x.end[i] = NS_NEVER;
	}
	keyring_init(&x.ring);
	if (!open_world(&x, o))
		abort();
	from = lab_now(x.lab);
	if (begin(&x)) {
		steps(&x);
		judge(&x, r);
	} else {
		r->end = EXPLORE_NO_TUNNEL;
		snprintf(r->text, sizeof(r->text), "the pair, undisturbed, brought up no tunnel");
	}
	r->span = lab_now(x.lab) - from;
	r->frames = trace_len(lab_trace(x.lab));
	r->digest = digest(lab_trace(x.lab));
	r->unwritten = o->trace && !write_trace(&x, o->trace);
	world_detach(&x.w);
	lab_close(x.lab);
	keyring_free(&x.ring);
}

/* ---- in a process of its own ---- */

void
explore_try(const struct explore_plan *p, const struct explore_options *o, struct explore_result *r)
{
	struct explore_result got;
	int ends[2], status = 0;
	size_t have = 0;
	ssize_t n;
	pid_t pid;

	fflush(NULL);
	if (pipe(ends) != 0 || (pid = fork()) < 0)
		abort();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)alarm(SECONDS);
		explore_run(p, o, &got);
		_exit(write(ends[1], &got, sizeof(got)) == sizeof(got) ? 0 : 3);
	}
	close(ends[1]);
	while (have < sizeof(got) &&
		(n = read(ends[0], (char *)&got + have, sizeof(got) - have)) > 0)
		have += (size_t)n;
	close(ends[0]);
	(void)waitpid(pid, &status, 0);
	*r = got;
	if (have == sizeof(got) && status == 0)
		return;
	*r = (struct explore_result){.end = EXPLORE_DIED};
	snprintf(r->text, sizeof(r->text), "the process that ran it ended with status 0x%x%s",
		(unsigned)status,
		WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? ": it hung" : "");
}
