/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * baton craft: messages from words (harness/field/words.h) to a capture file or a port. All of the
 * words are read, sealed and built before the first frame leaves a port; a file appears only when
 * it is whole. So wrong words do nothing but say where they are wrong.
 */
#include "harness/bin/baton.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/field/words.h"
#include "harness/keys/keyseal.h"
#include "harness/link/link.h"
#include "harness/run/verdict.h"
#include "harness/trace/dump.h"

#define TEXT_MAX ((size_t)1 << 32)

struct craft {
	const char *file, *to_file, *port, *keys;
	uint64_t count;
	ns_t interval;
	char *text;
	size_t len;
	const char *name; /* of the text, for errors */
	struct keyring ring;
	struct dump *dump;
	struct link *link;
	ns_t at; /* of the next frame */
	uint64_t frames, refused;
	struct words *words;
	uint8_t *frame;
};

static const char usage[] = "craft [-w FILE] [-i PORT] [--keys FILE] [--count N] [--interval MS] "
			    "-f FILE | [LAYERS] WORD...";

/* -- the command line -- */

static bool
take_number(const char *option, const char *text, uint64_t most, uint64_t *n)
{
	char *end;

	errno = 0;
	*n = strtoull(text, &end, 10);
	if (text[0] >= '0' && text[0] <= '9' && !*end && !errno && *n <= most)
		return true;
	(void)baton_usage("craft: %s: found '%s', expected a number up to %llu", option, text,
		(unsigned long long)most);
	return false;
}

static bool
take_option(struct craft *c, int o, char **argv)
{
	uint64_t n;

	switch (o) {
	case 'w':
		c->to_file = optarg;
		return true;
	case 'i':
		c->port = optarg;
		return true;
	case 'f':
		c->file = optarg;
		return true;
	case 'K':
		c->keys = optarg;
		return true;
	case 'c':
		return take_number("--count", optarg, UINT32_MAX, &c->count);
	case 'I':
		if (!take_number("--interval", optarg, UINT32_MAX, &n))
			return false;
		c->interval = ns_from_ms((int64_t)n);
		return true;
	case ':':
		(void)baton_usage("craft: %s needs a value", argv[optind - 1]);
		return false;
	}
	(void)baton_usage("craft: unknown option '%s'\nusage: baton %s", argv[optind - 1], usage);
	return false;
}

static bool
take_options(struct craft *c, int argc, char **argv)
{
	static const struct option options[] = {{"keys", required_argument, NULL, 'K'},
		{"count", required_argument, NULL, 'c'}, {"interval", required_argument, NULL, 'I'},
		{NULL, 0, NULL, 0}};
	int o;

	while ((o = getopt_long(argc, argv, ":w:i:f:", options, NULL)) != -1)
		if (!take_option(c, o, argv))
			return false;
	if (!c->to_file && !c->port)
		(void)baton_usage("craft: where to? -w FILE or -i PORT\nusage: baton %s", usage);
	else if (!c->file == (optind == argc))
		(void)baton_usage("craft: %s\nusage: baton %s",
			c->file ? "words, or -f FILE, not both" : "words are missing", usage);
	else
		return true;
	return false;
}

/* -- the text -- */

static bool
grow(struct craft *c, size_t need)
{
	static size_t cap;

	if (need < cap)
		return true;
	cap = cap ? cap * 2 : 65536;
	while (cap <= need)
		cap *= 2;
	c->text = cap > TEXT_MAX ? NULL : realloc(c->text, cap);
	return c->text != NULL;
}

static bool
read_file(struct craft *c)
{
	bool standard = strcmp(c->file, "-") == 0;
	FILE *f = standard ? stdin : fopen(c->file, "rb");
	bool good = f != NULL;
	size_t got = 1;

	c->name = standard ? "standard input" : c->file;
	while (good && got) {
		good = grow(c, c->len + 65536);
		got = good ? fread(c->text + c->len, 1, 65536, f) : 0;
		c->len += got;
	}
	good = good && !ferror(f);
	if (!good)
		fprintf(stderr, "baton: craft: %s: %s\n", c->name, strerror(errno));
	if (f && !standard)
		fclose(f);
	return good;
}

static bool
join_words(struct craft *c, int argc, char **argv)
{
	c->name = "words";
	for (int i = optind; i < argc; i++) {
		size_t n = strlen(argv[i]);

		if (!grow(c, c->len + n + 2))
			return false;
		memcpy(c->text + c->len, argv[i], n);
		c->len += n;
		c->text[c->len++] = ' ';
	}
	return true;
}

static bool
read_keys(struct craft *c)
{
	const char *what = "";
	unsigned line = 0;
	FILE *f = c->keys ? fopen(c->keys, "r") : NULL;
	bool good = !c->keys || (f && keyring_read(&c->ring, f, &line, &what) >= 0);

	if (!good)
		fprintf(stderr, "baton: craft: %s:%u: %s\n", c->keys, line,
			f ? what : strerror(errno));
	if (f)
		fclose(f);
	return good;
}

/* -- frames -- */

/* The next message as octets: their number, -1 at the end, -2 if the words are wrong. */
static long
next_frame(struct craft *c, struct words_in *in)
{
	struct words_why why = {0};
	int got = words_next(in, c->words, &why);
	long len = -1;

	if (got == 0)
		return -1;
	if (got > 0 && keyseal_words(&c->ring, c->words, in->text, &why))
		len = words_build(c->words, c->frame, WORDS_OCTETS);
	if (len >= 0)
		return len;
	if (!why.text[0])
		snprintf(why.text, sizeof why.text, "the message before here is too long");
	fprintf(stderr, "baton: craft: %s:%zu:%zu: %s\n", c->name, why.line, why.column, why.text);
	return -2;
}

static void
wait_until(ns_t at)
{
	struct timespec t = {.tv_sec = at / NS_PER_S, .tv_nsec = at % NS_PER_S};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

static void
put_frame(struct craft *c, size_t len)
{
	if (c->words->have_time && !c->link)
		c->at = c->words->time;
	if (c->dump)
		dump_put(c->dump, c->at, c->frame, len, len);
	if (c->link) {
		if (c->interval)
			wait_until(c->at);
		c->refused += !link_send(c->link, c->frame, len);
	}
	c->at += c->interval;
	c->frames++;
}

/* Every message once; `put`: and where it shall go. */
static bool
walk(struct craft *c, bool put)
{
	struct words_in in;
	long len;

	words_start(&in, c->text, c->len);
	while ((len = next_frame(c, &in)) >= 0) {
		if (c->port && len > LINK_FRAME_MAX) {
			fprintf(stderr,
				"baton: craft: %s: a message of %ld octets; a port takes at most "
				"%d\n",
				c->name, len, LINK_FRAME_MAX);
			return false;
		}
		if (put)
			put_frame(c, (size_t)len);
	}
	if (len == -1 && in.at == 0)
		fprintf(stderr, "baton: craft: %s: there is no message in it\n", c->name);
	return len == -1 && in.at > 0;
}

static bool
open_ends(struct craft *c)
{
	char err[DUMP_ERR] = "";
	struct timespec now;

	if (c->to_file)
		c->dump = dump_open(c->to_file, DUMP_ETHERNET, err);
	if (c->port && (c->dump || !c->to_file))
		c->link = link_open(c->port, err);
	if (err[0])
		fprintf(stderr, "baton: craft: %s\n", err);
	if (c->link) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		c->at = ns_from_s(now.tv_sec) + now.tv_nsec;
	}
	return !err[0];
}

static int
craft(struct craft *c)
{
	char err[DUMP_ERR] = "";
	bool good = true;

	if (c->port && !walk(c, false))
		return EXIT_USAGE;
	if (!open_ends(c)) {
		dump_drop(c->dump);
		return 3;
	}
	for (uint64_t i = 0; good && i < c->count; i++)
		good = walk(c, true);
	link_close(c->link);
	if (!good) {
		dump_drop(c->dump);
		return EXIT_USAGE;
	}
	if (c->dump && !dump_close(c->dump, err)) {
		fprintf(stderr, "baton: craft: %s\n", err);
		return 3;
	}
	if (c->port)
		printf("%llu frames sent, %llu refused by %s\n",
			(unsigned long long)(c->frames - c->refused),
			(unsigned long long)c->refused, c->port);
	return c->refused ? 3 : 0;
}

int
baton_craft(int argc, char **argv)
{
	struct craft c = {.count = 1};
	int rc = 3;

	keyring_init(&c.ring);
	if (!take_options(&c, argc, argv))
		return EXIT_USAGE;
	c.words = malloc(sizeof *c.words);
	c.frame = malloc(WORDS_OCTETS);
	if (!c.words || !c.frame)
		fprintf(stderr, "baton: craft: out of memory\n");
	else if (!read_keys(&c) || !(c.file ? read_file(&c) : join_words(&c, argc, argv)))
		rc = EXIT_USAGE;
	else
		rc = craft(&c);
	keyring_free(&c.ring);
	free(c.text);
	free(c.words);
	free(c.frame);
	return rc;
}
