/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * baton decode: the frames of a capture file, of standard input or of a port, as decode_show.h has
 * it. A file that is wrong somewhere is shown up to there; then the place is told, and the exit
 * code is 2. A frame that is malformed is no fault of the file: it is shown, and says so itself.
 */
#include "harness/bin/baton.h"

#include <getopt.h>
#include <malloc.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "harness/bin/decode_show.h"
#include "harness/link/link.h"
#include "harness/run/verdict.h"
#include "harness/trace/filter.h"

struct decode_words {
	const char *file, *port, *keys;
	char filter[2048];
	uint64_t count; /* frames to show; 0: all */
	enum decode_how how;
	bool have_how;
};

static const char usage[] =
	"decode FILE | - | -i PORT  [FILTER] [-v | --json | --words | --octets] "
	"[--keys FILE] [-c COUNT]";

/* -- the command line -- */

/* One way of showing, be it said twice. */
static bool
take_how(struct decode_words *w, enum decode_how how)
{
	if (w->have_how && w->how != how) {
		(void)baton_usage("decode: -v, --json, --words and --octets exclude each other");
		return false;
	}
	w->have_how = true;
	w->how = how;
	return true;
}

static bool
take_option(struct decode_words *w, int o, char **argv)
{
	switch (o) {
	case 'v':
		return take_how(w, DECODE_FIELDS);
	case 'J':
		return take_how(w, DECODE_JSON);
	case 'W':
		return take_how(w, DECODE_WORDS);
	case 'O':
		return take_how(w, DECODE_OCTETS);
	case 'i':
		w->port = optarg;
		return true;
	case 'K':
		w->keys = optarg;
		return true;
	case 'c':
		if (baton_number(optarg, 10, 1, UINT64_MAX, &w->count))
			return true;
		(void)baton_usage("decode: -c: found '%s', expected a number from 1", optarg);
		return false;
	case ':':
		(void)baton_usage("decode: %s needs a value", argv[optind - 1]);
		return false;
	}
	(void)baton_usage("decode: unknown option '%s'\nusage: baton %s", argv[optind - 1], usage);
	return false;
}

static bool
take_options(struct decode_words *w, int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'J'},
		{"words", no_argument, NULL, 'W'}, {"octets", no_argument, NULL, 'O'},
		{"keys", required_argument, NULL, 'K'}, {NULL, 0, NULL, 0}};
	size_t at = 0;
	int o;

	while ((o = getopt_long(argc, argv, ":vi:c:", options, NULL)) != -1)
		if (!take_option(w, o, argv))
			return false;
	if (!w->port && optind < argc)
		w->file = argv[optind++];
	if (!w->port && !w->file) {
		(void)baton_usage("decode: a capture file is missing\nusage: baton %s", usage);
		return false;
	}
	for (; optind < argc && at < sizeof w->filter; optind++)
		at += (size_t)snprintf(
			w->filter + at, sizeof w->filter - at, "%s%s", at ? " " : "", argv[optind]);
	if (at >= sizeof w->filter)
		(void)baton_usage(
			"decode: the filter is longer than %zu octets", sizeof w->filter - 1);
	return at < sizeof w->filter;
}

/* -- frames -- */

struct run {
	const struct decode_words *w;
	struct decode *d;
	struct filter *filter;
	uint64_t shown;
	size_t secrets; /* octets of the capture's own that are in the ring */
};

/* False when as many were shown as were asked for. */
static bool
take(struct run *r, const struct capture_frame *f, const char *port)
{
	if (r->filter && !filter_passes(r->filter, f->link, f->bytes, f->len, f->wire_len)) {
		decode_pass(r->d, f);
		return true;
	}
	decode_show(r->d, f, port);
	return !r->w->count || ++r->shown < r->w->count;
}

/* A capture may have more of them anywhere between its frames. */
static void
take_new_secrets(struct run *r, const char *all)
{
	if (!r->d->ring || !all[r->secrets])
		return;
	baton_take_secrets(r->d->ring, all + r->secrets);
	r->secrets += strlen(all + r->secrets);
}

static int
from_file(struct run *r)
{
	char err[CAPTURE_ERR];
	struct capture *c = capture_open(r->w->file, err);
	struct capture_frame f;
	int got = -1;

	if (!c) {
		fprintf(stderr, "baton: decode: %s\n", err);
		return EXIT_USAGE;
	}
	while (!baton_stopped() && (got = capture_next(c, &f)) == 1) {
		take_new_secrets(r, capture_secrets(c));
		if (!take(r, &f, capture_port(c, f.port)))
			break;
	}
	fflush(stdout);
	if (got < 0 && !baton_stopped())
		fprintf(stderr, "baton: decode: %s\n", capture_error(c));
	capture_close(c);
	return got < 0 && !baton_stopped() ? EXIT_USAGE : 0;
}

static int
from_port(struct run *r)
{
	char err[LINK_ERR];
	struct link *l = link_open(r->w->port, err);
	struct link_frame f;
	uint64_t no = 0;
	bool more = true;
	int got = 0;

	if (!l) {
		fprintf(stderr, "baton: decode: %s\n", err);
		return 3;
	}
	while (!baton_stopped() && more && got >= 0) {
		struct pollfd p = {.fd = link_fd(l), .events = POLLIN};

		while (!baton_stopped() && more && (got = link_next(l, &f)) == 1) {
			struct capture_frame c = {.no = ++no,
				.at = f.at,
				.bytes = f.bytes,
				.len = (uint32_t)f.len,
				.wire_len = (uint32_t)f.len,
				.link = 1};

			more = take(r, &c, r->w->port);
		}
		fflush(stdout);
		if (!baton_stopped() && more && got == 0)
			(void)poll(&p, 1, -1);
	}
	if (got < 0)
		fprintf(stderr, "baton: decode: %s: the port is down or gone\n", r->w->port);
	if (link_dropped(l))
		fprintf(stderr, "baton: decode: %s: %llu frames were lost\n", r->w->port,
			(unsigned long long)link_dropped(l));
	link_close(l);
	return got < 0 ? 3 : 0;
}

/* The filter, if there is one; false if it is wrong. */
static bool
make_filter(struct run *r)
{
	char err[FILTER_ERR];

	if (!r->w->filter[0])
		return true;
	r->filter = filter_new(r->w->filter, err);
	if (!r->filter)
		(void)baton_usage("decode: %s\na filter is as pcap-filter(7) has it: 'udp port "
				  "1985' is HSRP, 'udp port 500 or "
				  "udp port 4500' ISAKMP, 'tcp port 3249' SSP",
			err);
	return r->filter != NULL;
}

static int
decode(const struct decode_words *w, struct keyring *ring)
{
	struct run r = {.w = w, .d = calloc(1, sizeof *r.d)};
	int rc = EXIT_USAGE;

	if (!r.d)
		abort();
	r.d->how = w->how;
	if (w->keys) {
		r.d->ring = ring;
		r.d->ike = ikeopen_new(ring);
		r.d->tls = decode_tls_new(ring);
	}
	if (make_filter(&r))
		rc = w->port ? from_port(&r) : from_file(&r);
	filter_free(r.filter);
	ikeopen_free(r.d->ike);
	decode_tls_free(r.d->tls);
	free(r.d->text);
	free(r.d);
	return rc;
}

int
baton_decode(int argc, char **argv)
{
	struct decode_words w = {0};
	struct keyring ring;
	int rc = EXIT_USAGE;

	if (!take_options(&w, argc, argv))
		return EXIT_USAGE;
	baton_heed_signals();
	(void)mallopt(M_MMAP_THRESHOLD, 64 << 20); /* sealing takes and gives back large pieces */
	(void)mallopt(M_TRIM_THRESHOLD, 256 << 20);
	keyring_init(&ring);
	if (!w.keys || baton_read_keys("decode", w.keys, &ring))
		rc = decode(&w, &ring);
	keyring_free(&ring);
	return rc;
}
