/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_BIN_JUDGE_PRINT_H
#define BATON_BIN_JUDGE_PRINT_H

/* What `baton judge` says, as text or as one JSON object, written as it becomes known. */
#include "harness/story/story.h"

struct judge_print {
	bool json;
	char *const *files;
	unsigned file_cnt;
	bool begun;	 /* an event was told */
	ns_t zero;	 /* instants are told from here */
};

void judge_print_begin(struct judge_print *p);
void judge_print_event(void *print, const struct story_event *e); /* a story_tell */
void judge_print_streams(struct judge_print *p, const struct story *s);
/* errors: of each file, "" if none; by: who judged. */
void judge_print_end(struct judge_print *p, const struct story *s, const char *const *errors,
	const struct law_result *laws, size_t law_cnt, const char *by);

#endif
