/* SPDX-License-Identifier: BSD-2-Clause */
#include "suites/replay/replay_kit.h"

#include <stdlib.h>
#include <string.h>

#include "harness/field/words.h"

static void
add(struct replay_kit *k, const uint8_t *bytes, size_t len)
{
	if (k->cnt == REPLAY_KIT_MAX || len > sizeof k->frames[0].bytes)
		return;
	memcpy(k->frames[k->cnt].bytes, bytes, len);
	k->frames[k->cnt++].len = len;
}

static void
record(struct replay_kit *k, struct world *w, enum lab_port p, ns_t after, bool esp)
{
	const struct trace *t = lab_trace(w->lab);

	k->cnt = 0;
	for (size_t i = 0; i < trace_len(t); i++) {
		const struct frame *f = trace_frame(t, i);
		struct pkt q;

		if (f->port == p && f->at >= after && pkt_parse(&q, f->bytes, f->len) &&
			(esp ? q.is_esp : q.is_isakmp))
			add(k, f->bytes, f->len);
	}
}

void
replay_kit_isakmp(struct replay_kit *k, struct world *w, enum lab_port p, ns_t after)
{
	record(k, w, p, after, false);
}

void
replay_kit_esp(struct replay_kit *k, struct world *w, enum lab_port p, ns_t after)
{
	record(k, w, p, after, true);
}

void
replay_kit_words(struct replay_kit *k, struct case_run *c, const char *text,
	const struct replay_rules *rules)
{
	struct words *w = malloc(sizeof *w);
	struct replay *r = replay_new(rules);
	uint8_t was[2048], is[2048 + 64];
	struct words_why why = {0};
	struct words_in in;
	int got = -1;

	k->cnt = 0;
	words_start(&in, text, strlen(text));
	while (w && (got = words_next(&in, w, &why)) == 1) {
		long len = words_build(w, was, sizeof was);

		if (len > 0)
			add(k, is, replay_rewrite(r, was, (size_t)len, is, sizeof is));
	}
	free(w);
	replay_free(r);
	if (got < 0 || !k->cnt)
		case_broken(c, why.text);
}

void
replay_kit_put(const struct replay_kit *k, struct world *w, enum lab_port p, size_t cnt, ns_t apart)
{
	for (size_t i = 0; i < k->cnt && i < cnt; i++) {
		lab_inject(w->lab, p, k->frames[i].bytes, k->frames[i].len);
		lab_run(w->lab, apart);
	}
}
