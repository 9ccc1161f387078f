/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * baton craft: messages from words (harness/field/words.h) to a capture file or a port. All of the
 * words are read, sealed and built before the first frame leaves a port; a file appears only when
 * it is whole. So wrong words do nothing but say where they are wrong.
 */
#include "harness/bin/baton.h"

#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/field/words.h"
#include "harness/keys/keyseal.h"
#include "harness/link/burst.h"
#include "harness/run/verdict.h"
#include "harness/trace/dump.h"

#define TEXT_MAX ((size_t)1 << 32)
#define BATCH 512
#define STAMPS_END (((ns_t)1 << 32) * NS_PER_S) /* a pcap has 32 bits for the seconds */

/* What goes to a port, made before the first of it leaves. */
struct kept {
	uint8_t *octets;
	size_t len, cap;
	struct burst_frame *frames; /* bytes: NULL until all are there, for the octets move */
	size_t cnt, frame_cap;
};

struct craft {
	const char *file, *to_file, *port, *keys;
	uint64_t count;
	ns_t interval;
	char *text;
	size_t len;
	const char *name; /* of the text, for errors */
	struct keyring ring;
	struct dump *dump;
	ns_t at; /* of the next frame */
	struct kept kept;
	struct words *words;
	uint8_t *frame;
};

static const char usage[] = "craft -w FILE | -i PORT [--keys FILE] [--count N] [--interval MS] "
			    "-f FILE | [LAYERS] WORD...";

/* -- the command line -- */

static bool
take_number(const char *option, const char *text, uint64_t most, uint64_t *n)
{
	if (baton_number(text, 10, 0, most, n))
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
	else if (c->to_file && c->port)
		(void)baton_usage(
			"craft: -w FILE or -i PORT, not both\nusage: baton %s", usage);
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
keep(struct kept *k, const uint8_t *frame, size_t len)
{
	if (k->len + len > k->cap)
		k->octets = baton_room("craft", k->octets, k->len + len, &k->cap, 1);
	if (k->cnt == k->frame_cap)
		k->frames = baton_room("craft", k->frames, k->cnt + 1, &k->frame_cap, sizeof *k->frames);
	memcpy(k->octets + k->len, frame, len);
	k->frames[k->cnt++] = (struct burst_frame){.len = len};
	k->len += len;
}

/* False if a pcap cannot hold its time. */
static bool
put_frame(struct craft *c, size_t no, size_t len)
{
	if (c->words->have_time)
		c->at = c->words->time;
	if (c->at >= STAMPS_END) {
		fprintf(stderr,
			"baton: craft: %s: message %zu: time: found %lld s, expected less than "
			"%lld, which is the end of what a pcap can hold\n",
			c->name, no, (long long)(c->at / NS_PER_S),
			(long long)(STAMPS_END / NS_PER_S));
		return false;
	}
	dump_put(c->dump, c->at, c->frame, len, len);
	c->at += c->interval;
	return true;
}

/* Every message once, to be kept or to the file. */
static bool
walk(struct craft *c, bool to_keep)
{
	struct words_in in;
	size_t no = 0;
	long len;

	words_start(&in, c->text, c->len);
	while ((len = next_frame(c, &in)) >= 0) {
		if (to_keep)
			keep(&c->kept, c->frame, (size_t)len);
		else if (!put_frame(c, ++no, (size_t)len))
			return false;
	}
	if (len == -1 && in.at == 0)
		fprintf(stderr, "baton: craft: %s: there is no message in it\n", c->name);
	return len == -1 && in.at > 0;
}

static int
to_file(struct craft *c)
{
	char err[DUMP_ERR] = "";
	bool good = true;

	c->dump = dump_open(c->to_file, DUMP_ETHERNET, err);
	if (!c->dump) {
		fprintf(stderr, "baton: craft: %s\n", err);
		return 3;
	}
	for (uint64_t i = 0; good && i < c->count; i++)
		good = walk(c, false);
	if (!good) {
		dump_drop(c->dump);
		return EXIT_USAGE;
	}
	if (dump_close(c->dump, err))
		return 0;
	fprintf(stderr, "baton: craft: %s\n", err);
	return 3;
}

static void
send_apart(struct craft *c, struct burst *b)
{
	ns_t at = baton_now();

	for (uint64_t n = 0; n < c->count; n++)
		for (size_t i = 0; i < c->kept.cnt; i++, at += c->interval) {
			wait_until(at);
			(void)burst_send(b, &c->kept.frames[i], 1);
		}
}

/* One message many times goes out many at a time, too. */
static void
send_at_once(struct craft *c, struct burst *b)
{
	struct burst_frame batch[BATCH];
	uint64_t all = c->count * c->kept.cnt;

	for (uint64_t sent = 0; sent < all;) {
		size_t n = 0;

		for (; n < BATCH && sent < all; sent++)
			batch[n++] = c->kept.frames[sent % c->kept.cnt];
		(void)burst_send(b, batch, n);
	}
}

static void
send_all(struct craft *c, struct burst *b)
{
	struct kept *k = &c->kept;
	size_t from = 0;

	for (size_t i = 0; i < k->cnt; from += k->frames[i++].len)
		k->frames[i].bytes = k->octets + from;
	if (c->interval)
		send_apart(c, b);
	else
		send_at_once(c, b);
}

static int
to_port(struct craft *c)
{
	char err[BURST_ERR];
	const struct burst_counters *n;
	struct burst *b;
	int rc;

	if (!walk(c, true))
		return EXIT_USAGE;
	b = burst_open(c->port, err);
	if (!b) {
		fprintf(stderr, "baton: craft: %s\n", err);
		return 3;
	}
	send_all(c, b);
	n = burst_counters(b);
	printf("%llu frames sent, %llu refused by %s%s%s\n", (unsigned long long)n->sent,
		(unsigned long long)n->refused, c->port, n->refused ? ", the last: " : "",
		n->refused ? strerror(n->last_refusal) : "");
	rc = n->refused ? 3 : 0;
	burst_close(b);
	return rc;
}

static int
craft(struct craft *c)
{
	int rc = c->port ? to_port(c) : 0;

	return rc || !c->to_file ? rc : to_file(c);
}

int
baton_craft(int argc, char **argv)
{
	struct craft c = {.count = 1};
	int rc = 3;

	(void)mallopt(M_MMAP_THRESHOLD, 64 << 20); /* sealing takes and gives back large pieces */
	(void)mallopt(M_TRIM_THRESHOLD, 256 << 20);
	keyring_init(&c.ring);
	if (!take_options(&c, argc, argv))
		return EXIT_USAGE;
	c.words = malloc(sizeof *c.words);
	c.frame = malloc(WORDS_OCTETS);
	if (!c.words || !c.frame)
		fprintf(stderr, "baton: craft: out of memory\n");
	else if ((c.keys && !baton_read_keys("craft", c.keys, &c.ring)) ||
		 !(c.file ? read_file(&c) : join_words(&c, argc, argv)))
		rc = EXIT_USAGE;
	else
		rc = craft(&c);
	keyring_free(&c.ring);
	free(c.text);
	free(c.kept.octets);
	free(c.kept.frames);
	free(c.words);
	free(c.frame);
	return rc;
}
