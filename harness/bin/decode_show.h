/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_BIN_DECODE_SHOW_H
#define BATON_BIN_DECODE_SHOW_H

/*
 * How `baton decode` shows a frame: a line, field by field, a JSON object, words, or octets. It
 * reads one frame after the other; opening what is encrypted needs the frames before (the IVs of
 * IKE), so every frame is looked at, and only those asked for are shown.
 */
#include <stdbool.h>

#include "harness/bin/decode_tls.h"
#include "harness/field/words.h"
#include "harness/keys/keys.h"
#include "harness/trace/capture.h"

enum decode_how { DECODE_LINE, DECODE_FIELDS, DECODE_JSON, DECODE_WORDS, DECODE_OCTETS };

/* All that is kept; large: on the heap. */
struct decode {
	enum decode_how how;
	struct keyring *ring; /* borrowed; NULL: nothing is opened */
	struct ikeopen *ike;  /* owned by decode_show's caller; with a ring */
	struct decode_tls *tls; /* the same */
	ns_t first;	      /* time of the first frame */
	bool begun;
	struct msg msg, inner; /* of this frame; inner: what was opened in it */
	bool opened, in_tls; /* in_tls: whole SSP messages that this frame completes */
	uint8_t iv[KEYPRIM_BLOCK_MAX], next; /* of what was opened */
	uint8_t plain[65536];
	struct words words;
	char *text;
	size_t text_cap;
};

/* Show one frame on standard output. port: its name, or NULL. */
void decode_show(struct decode *d, const struct capture_frame *f, const char *port);
/* Only follow the exchanges in it. */
void decode_pass(struct decode *d, const struct capture_frame *f);

#endif
