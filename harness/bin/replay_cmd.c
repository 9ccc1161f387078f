/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * baton replay: a capture against a port or a lab. The whole capture is read and rewritten before
 * the first frame leaves, so a file that is wrong sends nothing, and rewriting costs no time on the
 * way. What the kernel took is what is claimed to be sent.
 */
#include "harness/bin/replay_cmd.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/bin/baton.h"
#include "harness/run/verdict.h"
#include "harness/trace/capture.h"

#define BATCH 1024
#define LATE_MS 10 /* behind its time by more: the frame counts as late */

/* -- reading -- */

static void
record(struct recording *r, struct replay *rw, const struct capture_frame *f, ns_t first)
{
	size_t need = r->len + f->len + 64;

	if (need > r->cap)
		r->octets = baton_room("replay", r->octets, need, &r->cap, 1);
	if (r->cnt == r->frame_cap)
		r->frames = baton_room("replay", r->frames, r->cnt + 1, &r->frame_cap, sizeof *r->frames);
	r->frames[r->cnt].at = r->len;
	r->frames[r->cnt].when = f->at > first ? f->at - first : 0;
	r->frames[r->cnt].len =
		replay_rewrite(rw, f->bytes, f->len, r->octets + r->len, (size_t)f->len + 64);
	r->len += r->frames[r->cnt++].len;
}

static int
read_all(const struct replay_words *w, struct recording *r)
{
	char err[CAPTURE_ERR];
	struct capture *c = capture_open(w->file, err);
	struct replay *rw = replay_new(&w->rules);
	struct capture_frame f;
	ns_t first = 0;
	int got = -1;

	while (c && (got = capture_next(c, &f)) == 1) {
		if (f.no == 1)
			first = f.at;
		if (f.link != 1)
			r->foreign++;
		else if (f.len < f.wire_len || f.len > REPLAY_FRAME_MAX)
			r->cut++;
		else
			record(r, rw, &f, first);
	}
	r->rewritten = *replay_counters(rw);
	if (got < 0)
		fprintf(stderr, "baton: replay: %s\n", c ? capture_error(c) : err);
	else if (!r->cnt)
		fprintf(stderr,
			"baton: replay: %s: no frame in it can be sent: %llu are cut, %llu are not "
			"Ethernet\n",
			w->file, (unsigned long long)r->cut, (unsigned long long)r->foreign);
	replay_free(rw);
	capture_close(c);
	return got < 0 || !r->cnt ? EXIT_USAGE : 0;
}

/* -- sending -- */

ns_t
replay_due(const struct replay_words *w, ns_t when)
{
	if (w->pace == REPLAY_TOP)
		return 0;
	return w->pace == REPLAY_SCALED ? (ns_t)((double)when / w->speed) : when;
}

/* False if a signal came. */
static bool
wait_until(ns_t at)
{
	struct timespec t = {.tv_sec = at / NS_PER_S, .tv_nsec = at % NS_PER_S};

	while (!baton_stopped() && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
	return !baton_stopped();
}

/* The frames that are due now, as many as go at once; how many. */
static size_t
due_now(const struct replay_words *w, const struct recording *r, size_t from, ns_t since,
	struct burst_frame *batch)
{
	size_t n = 0;

	while (n < BATCH && from + n < r->cnt && replay_due(w, r->frames[from + n].when) <= since) {
		batch[n].bytes = r->octets + r->frames[from + n].at;
		batch[n].len = r->frames[from + n].len;
		n++;
	}
	return n;
}

static void
tell(const struct replay_words *w, const struct recording *r, const struct burst_counters *n,
	double seconds, uint64_t late)
{
	const struct replay_counters *k = &r->rewritten;

	printf("sent %llu of %zu frames, %llu octets, in %.3f s: %.0f frames a second, %.1f "
	       "Mbit/s\n",
		(unsigned long long)n->sent, r->cnt, (unsigned long long)n->octets, seconds,
		(double)n->sent / seconds, (double)n->octets * 8e-6 / seconds);
	printf("refused by %s: %llu%s%s\n", w->port, (unsigned long long)n->refused,
		n->refused ? ", the last: " : "", n->refused ? strerror(n->last_refusal) : "");
	printf("not sent: %llu cut in the capture, %llu not Ethernet\n", (unsigned long long)r->cut,
		(unsigned long long)r->foreign);
	printf("rewritten: %llu; sealed anew: %llu; blind: %llu\n", (unsigned long long)k->changed,
		(unsigned long long)k->sealed, (unsigned long long)k->blind);
	if (w->pace != REPLAY_TOP)
		printf("later than %d ms: %llu\n", LATE_MS, (unsigned long long)late);
}

static int
to_port(const struct replay_words *w, const struct recording *r)
{
	static struct burst_frame batch[BATCH];
	char err[BURST_ERR];
	struct burst *b = burst_open(w->port, err);
	uint64_t late = 0;
	ns_t begun = baton_now();
	size_t at = 0;
	int rc;

	if (!b) {
		fprintf(stderr, "baton: replay: %s\n", err);
		return 3;
	}
	while (at < r->cnt && !baton_stopped()) {
		ns_t since = baton_now() - begun, due = replay_due(w, r->frames[at].when);
		size_t n = due_now(w, r, at, since, batch);

		if (!n && !wait_until(begun + due))
			break;
		if (w->pace != REPLAY_TOP && n && since - due > ns_from_ms(LATE_MS))
			late += n;
		(void)burst_send(b, batch, n);
		at += n;
	}
	tell(w, r, burst_counters(b), (double)(baton_now() - begun) * 1e-9, late);
	rc = burst_counters(b)->refused || at < r->cnt ? 3 : 0;
	burst_close(b);
	return rc;
}

int
baton_replay(int argc, char **argv)
{
	static struct replay_words w;
	struct recording r = {0};
	int rc;

	keyring_init(&w.old_keys);
	keyring_init(&w.new_keys);
	rc = replay_words_take(&w, argc, argv);
	if (!rc)
		rc = read_all(&w, &r);
	if (!rc && w.port) {
		baton_heed_signals();
		rc = to_port(&w, &r);
	} else if (!rc) {
		rc = replay_in_lab(&w, &r);
	}
	keyring_free(&w.old_keys);
	keyring_free(&w.new_keys);
	free(r.octets);
	free(r.frames);
	return rc;
}
