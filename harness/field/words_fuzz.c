/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any octets as a frame go to words, to text and back without loss; any octets as a text are read
 * or refused with a place within the text, and what was built from them goes the same round.
 */
#include <stdlib.h>
#include <string.h>

#include "harness/field/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct words w, again;
static struct msg m;
static uint8_t back[WORDS_OCTETS], built[WORDS_OCTETS];
static char text[4 * WORDS_OCTETS + FIELD_MAX * 128];

static void
round_trip(const uint8_t *frame, size_t len)
{
	struct words_why why;

	(void)field_decode(&m, frame, len);
	words_of(&w, &m);
	if (!words_text(&w, text, sizeof text) || !words_read(&again, text, &why))
		abort();
	if (words_build(&again, back, sizeof back) != (long)len ||
		(len && memcmp(back, frame, len)))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct words_in in;
	struct words_why why;
	int got;

	round_trip(data, size);
	words_start(&in, data, size);
	while ((got = words_next(&in, &w, &why)) == 1) {
		long n = words_build(&w, built, sizeof built);

		if (n > 0 && n <= 65535)
			round_trip(built, (size_t)n);
	}
	if (got < 0 && (!why.line || !why.column || in.at > size || !why.text[0]))
		abort();
	return 0;
}
