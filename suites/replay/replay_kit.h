/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_SUITES_REPLAY_KIT_H
#define BATON_SUITES_REPLAY_KIT_H

/*
 * What was recorded, put in again: frames as words or from the trace of the case itself, rewritten
 * where they come from elsewhere.
 */
#include "harness/replay/rewrite.h"
#include "suites/esp/esp_kit.h"

#define REPLAY_KIT_MAX 256 /* frames of a recording */

struct replay_kit {
	size_t cnt;
	struct {
		size_t len;
		uint8_t bytes[2048];
	} frames[REPLAY_KIT_MAX];
};

/* Record what came in at that port from `after` on: ISAKMP, or ESP. At most REPLAY_KIT_MAX frames.
 */
void replay_kit_isakmp(struct replay_kit *k, struct world *w, enum lab_port p, ns_t after);
void replay_kit_esp(struct replay_kit *k, struct world *w, enum lab_port p, ns_t after);
/* The frames of these words (harness/field/words.h), rewritten by the rules; wrong words break the
 * case. */
void replay_kit_words(struct replay_kit *k, struct case_run *c, const char *text,
	const struct replay_rules *rules);
/* Put `cnt` of them in at that port, from the first on, `apart` from each other. */
void replay_kit_put(
	const struct replay_kit *k, struct world *w, enum lab_port p, size_t cnt, ns_t apart);

#endif
