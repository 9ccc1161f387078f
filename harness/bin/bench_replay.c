/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many frames a second go into a port: baton replay and baton craft, beside tcpreplay and
 * trafgen, over the same veth in the same run, in turns. The yardstick is one for all: how many
 * came out at the other end, and between which stamps of the kernel; the counter has room for all
 * of them, is read when they are through, and must have lost none. A figure is the median of the
 * rounds.
 */
#include "harness/bin/bench.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "harness/bin/baton.h"
#include "harness/field/field.h"
#include "harness/link/burst.h"
#include "harness/trace/dump.h"

#define FRAMES 100000
#define ROUNDS 7
#define QUIET_MS 100

/* Commands; %s: program, folder, octets of the frame. */
static const struct tool {
	const char *name;
	const char *program; /* NULL: our own */
	const char *how;
	bool own;
} tools[] = {
	{"baton replay", NULL, "%s replay %s/%u.pcap -i br0 --topspeed >/dev/null", true},
	{"baton craft", NULL, "%s craft -i br0 -f %s/%u.words --count 100000 >/dev/null", true},
	{"tcpreplay --topspeed -K", "tcpreplay",
		"%s --topspeed -K -i br0 %s/%u.pcap >/dev/null 2>&1", false},
	{"trafgen", "trafgen",
		"%s --dev br0 --conf %s/%u.trafgen --num 100000 --cpus 1 >/dev/null 2>&1", false},
};
#define TOOLS (sizeof tools / sizeof tools[0])
static const unsigned sizes[] = {64, 512, 1400};

struct figure {
	double pps[ROUNDS];
	bool there;
};

static bool
there(const struct tool *t)
{
	char line[128];

	(void)snprintf(
		line, sizeof line, "command -v %s >/dev/null", t->program ? t->program : "true");
	return system(line) == 0;
}

/* The same frame for all: as a capture, as words, and in trafgen's language. */
static bool
write_frames(const char *dir, unsigned octets)
{
	char path[128], err[DUMP_ERR];
	uint8_t frame[2048];
	struct why why = {0};
	struct dump *d;
	FILE *f;

	memset(frame, 0, sizeof frame);
	if (!field_build(frame, sizeof frame, "eth/ipv4/udp", NULL, 0, &why))
		return false;
	(void)snprintf(path, sizeof path, "%s/%u.pcap", dir, octets);
	d = dump_open(path, DUMP_ETHERNET, err);
	for (unsigned i = 0; d && i < FRAMES; i++)
		dump_put(d, (ns_t)i * NS_PER_US, frame, octets, octets);
	if (!d || !dump_close(d, err)) {
		(void)fprintf(stderr, "bench replay: %s\n", err);
		return false;
	}
	(void)snprintf(path, sizeof path, "%s/%u.words", dir, octets);
	f = fopen(path, "w");
	if (!f)
		return false;
	(void)fprintf(f, "data data.bytes=");
	for (unsigned i = 0; i < octets; i++)
		(void)fprintf(f, "%02x", frame[i]);
	(void)fprintf(f, "\n");
	(void)fclose(f);
	(void)snprintf(path, sizeof path, "%s/%u.trafgen", dir, octets);
	f = fopen(path, "w");
	if (!f)
		return false;
	(void)fprintf(f, "{\n");
	for (unsigned i = 0; i < octets; i++)
		(void)fprintf(f, "0x%02x%s", frame[i], i + 1 < octets ? ", " : "\n}\n");
	return fclose(f) == 0;
}

/* One tool, one round: frames a second at the other end; 0 if they were not all there. */
static double
measure(const struct tool *t, const char *dir, unsigned octets)
{
	char line[512], err[BURST_ERR];
	struct tally *counter = tally_open("br1", FRAMES, err);
	uint64_t came, lost;
	double pps = 0;
	int rc;

	if (!counter) {
		(void)fprintf(stderr, "bench replay: %s\n", err);
		return 0;
	}
	(void)snprintf(line, sizeof line, t->how, t->program ? t->program : baton_beside("baton"),
		dir, octets);
	rc = system(line);
	came = tally_read(counter, QUIET_MS);
	lost = tally_lost(counter);
	if (came == FRAMES && !lost && tally_octets(counter) == (uint64_t)FRAMES * octets)
		pps = (double)(came - 1) * 1e9 / (double)tally_span(counter);
	else
		(void)fprintf(stderr,
			"bench replay: %s, %u octets: exit %d, %llu of %d frames came, %llu were "
			"lost by "
			"the counter\n",
			t->name, octets, rc, (unsigned long long)came, FRAMES,
			(unsigned long long)lost);
	tally_close(counter);
	return pps;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double
median(const struct figure *f)
{
	double sorted[ROUNDS];

	memcpy(sorted, f->pps, sizeof sorted);
	qsort(sorted, ROUNDS, sizeof sorted[0], by_size);
	return f->there ? sorted[ROUNDS / 2] : 0;
}

/* False if one of ours did not bring all its frames over. */
static bool
tell(FILE *out, const struct figure *f, unsigned octets)
{
	double best = 0, own = 0;
	bool good = true;

	for (size_t t = 0; t < TOOLS; t++) {
		double m = median(&f[t]);
		int all = 0;

		for (int r = 0; r < ROUNDS; r++)
			all += f[t].pps[r] > 0;
		good = good && (!tools[t].own || all == ROUNDS);
		if (!tools[t].own && m > best)
			best = m;
		if (t == 0)
			own = m;
		if (f[t].there)
			(void)fprintf(out,
				"{\"bench\": \"replay\", \"who\": \"%s\", \"octets\": %u, \"pps\": "
				"%.0f, "
				"\"frames\": %d, \"rounds\": %d, \"complete\": %d, \"lost\": 0}\n",
				tools[t].name, octets, m, FRAMES, ROUNDS, all);
	}
	if (best > 0)
		(void)fprintf(out,
			"{\"bench\": \"replay-ratio\", \"octets\": %u, \"ratio\": %.3f, \"goal\": "
			"1.0}\n",
			octets, own / best);
	return good;
}

static int
inside(void *ctx)
{
	const struct bench_place *place = ctx;
	FILE *out = fopen(place->out, "w");
	char err[BURST_ERR];
	struct tally *guard;
	bool good = out && system("ip link add br0 type veth peer name br1 && "
				  "sysctl -qw net.ipv6.conf.br0.disable_ipv6=1 "
				  "net.ipv6.conf.br1.disable_ipv6=1 && "
				  "ip link set br0 up && ip link set br1 up") == 0;

	guard = good ? tally_open("br1", 1, err) : NULL; /* from now on the kernel stamps */
	for (size_t s = 0; good && s < sizeof sizes / sizeof sizes[0]; s++) {
		struct figure f[TOOLS] = {0};

		good = write_frames(place->dir, sizes[s]);
		for (size_t t = 0; t < TOOLS; t++)
			if ((f[t].there = there(&tools[t])) && good)
				(void)measure(&tools[t], place->dir, sizes[s]); /* to warm up */
		for (int r = 0; good && r < ROUNDS; r++)
			for (size_t t = 0; t < TOOLS; t++)
				if (f[t].there)
					f[t].pps[r] = measure(&tools[t], place->dir, sizes[s]);
		good = good && tell(out, f, sizes[s]);
	}
	tally_close(guard);
	if (out)
		(void)fclose(out);
	return good ? 0 : 3;
}

int
bench_replay(FILE *out)
{
	struct bench_place place;

	return bench_enclosed(inside, &place, out);
}
