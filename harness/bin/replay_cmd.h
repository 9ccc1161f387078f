/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_BIN_REPLAY_CMD_H
#define BATON_BIN_REPLAY_CMD_H

/* What the files of `baton replay` share: its words, the recording in memory, the lab. */
#include "harness/link/burst.h"
#include "harness/replay/rewrite.h"
#include "ref/base/time.h"

enum replay_pace { REPLAY_OWN, REPLAY_SCALED, REPLAY_TOP };

struct replay_words {
	const char *file, *port, *segment, *out;
	enum replay_pace pace;
	double speed; /* 0: not said */
	bool top;     /* --topspeed was said */
	struct replay_rules rules;
	struct keyring old_keys, new_keys;
};

/* A recording, rewritten: its frames, one behind the other in one piece of memory. */
struct recording {
	uint8_t *octets;
	size_t len, cap;
	struct recorded {
		size_t at, len; /* in octets */
		ns_t when;	/* since the first frame */
	} * frames;
	size_t cnt, frame_cap;
	uint64_t cut, foreign; /* left out: cut frames, frames that are not Ethernet */
	struct replay_counters rewritten;
};

/* Take the words. 0, or EXIT_USAGE, and it was said. */
int replay_words_take(struct replay_words *w, int argc, char **argv);
/* When a frame is due, by the pace. */
ns_t replay_due(const struct replay_words *w, ns_t when);
/* Put the recording into a lab of the standard pair, and tell what became of it: exit code. */
int replay_in_lab(const struct replay_words *w, const struct recording *r);

#endif
