/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbered streams (stream.h). The sender keeps a fixed beat: a late tick does not move the beat,
 * so the rate asked for is the rate sent, in bursts if need be. Nothing is measured with a clock
 * here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/peer/stream.h"
#include "ref/base/cursor.h"

#define NUMBER_MAX (1u << 24) /* a number above this is not believed */

static const char magic[4] = {'B', 'T', 'N', 'S'};

static void
grow(ns_t **at, size_t *cap, size_t need)
{
	size_t more = *cap ? *cap : 1024;
	ns_t *p;

	if (need <= *cap)
		return;
	while (more < need)
		more *= 2;
	p = realloc(*at, more * sizeof *p);
	if (!p) {
		fprintf(stderr, "stream: out of memory\n");
		abort();
	}
	for (size_t i = *cap; i < more; i++)
		p[i] = NS_NEVER;
	*at = p;
	*cap = more;
}

void
stream_tx_start(
	struct stream_tx *t, ns_t now, uint16_t id, uint32_t per_s, size_t size, uint32_t limit)
{
	memset(t, 0, sizeof *t);
	t->id = id;
	t->size = size < STREAM_HEAD ? STREAM_HEAD : size;
	t->interval = per_s ? NS_PER_S / per_s : NS_PER_S;
	t->next = now;
	t->limit = limit;
}

void
stream_tx_stop(struct stream_tx *t)
{
	t->next = NS_NEVER;
}

size_t
stream_tx_due(struct stream_tx *t, ns_t now, uint8_t *out, size_t cap)
{
	struct wr w;

	if (now < t->next || t->next == NS_NEVER || cap < t->size)
		return 0;
	t->sent++;
	grow(&t->at, &t->cap, t->sent);
	t->at[t->sent - 1] = now;
	t->next += t->interval;
	if ((t->limit && t->sent >= t->limit) || t->sent >= NUMBER_MAX)
		t->next = NS_NEVER;
	wr_init(&w, out, t->size);
	wr_bytes(&w, magic, 4);
	wr_u16(&w, t->id);
	wr_u16(&w, 0);
	wr_u32(&w, t->sent);
	for (size_t i = STREAM_HEAD; i < t->size; i++)
		wr_u8(&w, (uint8_t)i);
	return w.len;
}

void
stream_tx_free(struct stream_tx *t)
{
	free(t->at);
	memset(t, 0, sizeof *t);
	t->next = NS_NEVER;
}

bool
stream_is(const uint8_t *payload, size_t len, uint16_t *id, uint32_t *number)
{
	struct rd r;
	const uint8_t *m;

	rd_init(&r, payload, len);
	m = rd_bytes(&r, 4, "stream.magic");
	*id = rd_u16(&r, "stream.id");
	rd_skip(&r, 2, "stream.zero");
	*number = rd_u32(&r, "stream.number");
	return !r.bad && !memcmp(m, magic, 4) && *number && *number <= NUMBER_MAX;
}

void
stream_rx_note(struct stream_rx *r, ns_t now, uint32_t number)
{
	grow(&r->at, &r->cap, number);
	if (r->at[number - 1] != NS_NEVER) {
		r->duplicates++;
		return;
	}
	r->at[number - 1] = now;
	r->received++;
	if (number < r->highest)
		r->reordered++;
	else
		r->highest = number;
}

void
stream_rx_free(struct stream_rx *r)
{
	free(r->at);
	memset(r, 0, sizeof *r);
}

static ns_t
came(const struct stream_rx *r, uint32_t number)
{
	return r && number <= r->cap ? r->at[number - 1] : NS_NEVER;
}

static void
note_lost(struct stream_result *out, uint32_t number)
{
	if (out->lost < STREAM_LOST_MAX)
		out->lost_list[out->lost] = number;
	out->lost++;
}

/* A run of lost packets ended at `until`: the leaving of the next that came, or the end. */
static void
note_run(struct stream_result *out, uint32_t run, ns_t from, ns_t until)
{
	if (run <= out->longest_run)
		return;
	out->longest_run = run;
	out->dark = until - from;
}

static int
by_time(const void *a, const void *b)
{
	ns_t x = *(const ns_t *)a, y = *(const ns_t *)b;

	return x < y ? -1 : x > y;
}

static void
find_gap(struct stream_result *out, ns_t *at, size_t n)
{
	qsort(at, n, sizeof *at, by_time);
	for (size_t i = 1; i < n; i++)
		if (at[i] - at[i - 1] > out->gap) {
			out->gap = at[i] - at[i - 1];
			out->gap_from = at[i - 1];
			out->gap_to = at[i];
		}
}

static void
judge_one(
	const struct stream_tx *t, uint32_t number, ns_t at, struct stream_result *out, ns_t *times)
{
	ns_t took = at - t->at[number - 1];

	times[out->received++] = at;
	if (took > out->latency_max)
		out->latency_max = took;
}

void
stream_judge(const struct stream_tx *t, const struct stream_rx *r, ns_t from, ns_t to,
	struct stream_result *out)
{
	uint32_t run = 0;
	ns_t run_from = 0, last = 0;
	ns_t *times = calloc(t->sent + 1u, sizeof *times);

	memset(out, 0, sizeof *out);
	for (uint32_t n = 1; times && n <= t->sent; n++) {
		ns_t at = came(r, n), left = t->at[n - 1];

		if (left < from || left >= to)
			continue;
		out->sent++;
		last = left;
		if (at == NS_NEVER) {
			note_lost(out, n);
			run_from = run++ ? run_from : left;
			continue;
		}
		note_run(out, run, run_from, left);
		run = 0;
		judge_one(t, n, at, out, times);
	}
	note_run(out, run, run_from, last);
	if (times)
		find_gap(out, times, out->received);
	free(times);
	out->duplicates = r ? r->duplicates : 0;
	out->reordered = r ? r->reordered : 0;
}
