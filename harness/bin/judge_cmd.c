/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * baton judge: what happened in a capture, and which laws it decides. No lab, no root. The story
 * reads frame by frame; a single file that Baton wrote itself is read again as a whole, and judged
 * by the full laws as its run was (docs/decisions/0015-judging-files.md).
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/bin/baton.h"
#include "harness/bin/judge_print.h"
#include "harness/run/verdict.h"
#include "harness/story/join.h"

#define WHOLE_MAX 2000000 /* frames of a trace that is read into memory */

struct judging {
	bool json, details;
	const char *keys;
	struct keyring ring;
	struct join *join;
	char *const *files;
	unsigned file_cnt;
};

static bool
has_keys(const struct keyring *r)
{
	return r->ike_cnt || r->esp_cnt || r->tls_cnt;
}

/* The text of a note that a trace of ours carries; NULL if the file is not ours, or has none. */
static const char *
note_of(const struct judging *j, const char *key)
{
	char mark[64];
	const char *at;

	if (j->file_cnt != 1)
		return NULL;
	snprintf(mark, sizeof(mark), "baton note %s ", key);
	at = strstr(capture_comment(join_capture(j->join, 0)), mark);
	return at ? at + strlen(mark) : NULL;
}

static bool
read_settings(const struct judging *j, struct laws_in *in)
{
	const char *text = note_of(j, "laws");
	char line[JUDGE_SETTINGS];
	size_t len = text ? strcspn(text, "\n") : 0;

	if (!text || len >= sizeof(line))
		return false;
	memcpy(line, text, len);
	line[len] = '\0';
	return judge_settings_get(in, line);
}

/* The full laws over a trace of ours; 0 if it cannot be read as a whole. */
static size_t
whole_laws(struct judging *j, struct laws_in *in, const struct story *s, struct law_result *out)
{
	char err[TRACE_ERR];
	struct trace *t;
	size_t cnt;

	if (strcmp(j->files[0], "-") == 0 || story_sums(s)->frames > WHOLE_MAX)
		return 0;
	t = trace_read(j->files[0], NULL, err);
	if (!t)
		return 0;
	in->trace = t;
	in->keys = &j->ring;
	cnt = trace_is_ours(t) ? judge_laws(in, out) : 0;
	trace_free(t);
	return cnt;
}

static int
exit_code(const struct judging *j, const char *const *errors, const struct law_result *laws,
	size_t cnt)
{
	bool held = false, broken = false;

	for (unsigned i = 0; i < j->file_cnt; i++)
		if (errors[i][0]) {
			fprintf(stderr, "baton: %s\n", errors[i]);
			broken = true;
		}
	if (broken)
		return 2;
	for (size_t i = 0; i < cnt; i++) {
		broken |= laws[i].verdict == LAW_BROKEN;
		held |= laws[i].verdict == LAW_HELD;
	}
	return broken ? 1 : held ? 0 : 5;
}

static int
judge(struct judging *j)
{
	struct judge_print print = {.json = j->json, .files = j->files, .file_cnt = j->file_cnt};
	struct law_result laws[LAWS_MAX];
	const char *errors[JOIN_FILES], *port, *by = "as far as this capture decides them";
	struct laws_in in = {0};
	bool ours = read_settings(j, &in);
	struct story_in how = {.keys = has_keys(&j->ring) ? &j->ring : NULL,
		.details = j->details,
		.ours = ours,
		.hello = in.hello,
		.hold = in.hold,
		.tell = judge_print_event,
		.ctx = &print};
	struct story *s = story_new(&how);
	struct capture_frame f;
	unsigned file;
	size_t cnt;

	judge_print_begin(&print);
	while (join_next(j->join, &file, &f, &port)) {
		if (!print.zero)
			print.zero = f.at;
		story_frame(s, file, &f, port);
	}
	story_end(s);
	judge_print_streams(&print, s);
	for (unsigned i = 0; i < j->file_cnt; i++)
		errors[i] = join_error(j->join, i);
	cnt = ours && !note_of(j, "cut") ? whole_laws(j, &in, s, laws) : 0;
	if (cnt)
		by = "over the whole trace, as its run judged them";
	else
		cnt = story_laws(s, laws);
	judge_print_end(&print, s, errors, laws, cnt, by);
	story_free(s);
	return exit_code(j, errors, laws, cnt);
}

static bool
read_words(struct judging *j, int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"keys", required_argument, NULL, 'k'},
		{"verbose", no_argument, NULL, 'v'},
		{NULL, 0, NULL, 0},
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "v", options, NULL)) != -1)
		switch (c) {
		case 'j':
			j->json = true;
			break;
		case 'k':
			j->keys = optarg;
			break;
		case 'v':
			j->details = true;
			break;
		default:
			return false;
		}
	j->files = argv + optind;
	j->file_cnt = (unsigned)(argc - optind);
	return true;
}

int
baton_judge(int argc, char **argv)
{
	static struct judging j;
	char err[CAPTURE_ERR];
	int rc = EXIT_USAGE;

	if (!read_words(&j, argc, argv))
		return baton_usage("judge: see the options of baton judge --help");
	if (!j.file_cnt)
		return baton_usage("judge: a FILE is missing");
	keyring_init(&j.ring);
	if (!j.keys || baton_read_keys("judge", j.keys, &j.ring)) {
		j.join = join_open(j.files, j.file_cnt, err);
		if (!j.join)
			fprintf(stderr, "baton: %s\n", err);
	}
	if (j.join) {
		for (unsigned i = 0; i < j.file_cnt; i++)
			baton_take_secrets(&j.ring, capture_secrets(join_capture(j.join, i)));
		rc = judge(&j);
	}
	join_close(j.join);
	keyring_free(&j.ring);
	return rc;
}
