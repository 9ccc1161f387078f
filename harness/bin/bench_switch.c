/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lab's switch: what it carries, and how long a frame takes. The load comes from a process of
 * its own on machine A and is counted on machine B, behind the ports of the outside segment; no
 * router runs. The same load between two machines that a bridge of the kernel joins is the limit:
 * the same cables without our loop, captures and trace. In turns, in the same run.
 *
 *	A eth0 ==== switch or bridge ==== eth0 B
 *
 * Rate: the load keeps at most WINDOW frames under way, so that nobody has to lose any, and it is
 *an error if one is lost. Delay: frames at a low rate, from just before the send to the kernel's
 *stamp at the far port. The switch keeps each frame in its trace, so each round has a lab of its
 *own.
 */
#include "harness/bin/bench.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/bin/baton.h"
#include "harness/lab/lab.h"
#include "harness/link/burst.h"
#include "harness/link/link.h"

#define FRAMES 50000 /* a round */
#define ROUNDS 5
#define WINDOW 512 /* frames under way */
#define BATCH 64   /* frames sent at once */
#define QUIET_MS 100
#define STALL (2 * NS_PER_S) /* nothing came for so long: it will not */
#define LIMIT (60 * NS_PER_S)
#define PACED 1000 /* frames of a round of the delay */
#define PACE NS_PER_MS
#define PACED_OCTETS 512
#define HEAD 14 /* octets of Ethernet; the frame's number is behind them */

static const unsigned sizes[] = {64, 512, 1400};

/* Two machines with an eth0 each, and what is between them. */
static const struct way {
	const char *who, *from, *to; /* names of network namespaces */
	bool lab;
} ways[] = {{"switch of the lab", "A", "B", true}, {"bridge of the kernel", "k1", "k2", false}};
#define WAYS (sizeof ways / sizeof ways[0])

/* What the load tells; shared with its process. */
struct load {
	atomic_bool done;
	uint64_t sent, came, octets, lost;
	int64_t span;
	ns_t delay[PACED];
};

struct bench {
	const struct way *way;
	unsigned octets; /* of a frame */
	struct load *load;
	struct burst *tx; /* for the rate: these two are open */
	struct tally *rx;
	struct link *ends[2]; /* for the delay: these */
	uint8_t frame[2048];
};

static ns_t
now(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return ns_from_s((uint32_t)t.tv_sec) + t.tv_nsec;
}

static int
failed(const struct bench *b, const char *why)
{
	(void)fprintf(stderr, "bench switch: %s, %u octets: %s\n", b->way->who, b->octets, why);
	return 3;
}

/* Into the namespace of that name; where we were, or -1. */
static int
enter(const char *netns)
{
	char path[64];
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), there;

	(void)snprintf(path, sizeof path, "/run/netns/%s", netns);
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (home >= 0 && (there < 0 || setns(there, CLONE_NEWNET) != 0)) {
		(void)close(home);
		home = -1;
	}
	if (there >= 0)
		(void)close(there);
	return home;
}

static void
leave(int home)
{
	if (home < 0)
		return;
	if (setns(home, CLONE_NEWNET) != 0)
		abort();
	(void)close(home);
}

/* ---- the load ---- */

/* A frame of no protocol that a kernel knows (IEEE 802, local experimental EtherType 1). */
static void
make_frame(uint8_t *frame, enum lab_port to, enum lab_port from)
{
	struct mac dst = lab_mac(to), src = lab_mac(from);

	memcpy(frame, dst.b, 6);
	memcpy(frame + 6, src.b, 6);
	frame[12] = 0x88;
	frame[13] = 0xb5;
}

/*
 * One frame back from the far machine, so that its address is learned; and the sockets of both, no
 * more than the figure needs: each copies what passes.
 */
static bool
open_ends(struct bench *b, bool one_by_one, char *err)
{
	uint8_t back[64] = {0};
	struct burst *tx;
	int home = enter(b->way->to);
	bool ok;

	make_frame(back, PORT_A_OUT, PORT_B_OUT);
	make_frame(b->frame, PORT_B_OUT, PORT_A_OUT);
	tx = home < 0 ? NULL : burst_open("eth0", err);
	ok = tx && burst_send(tx, &(struct burst_frame){back, sizeof back}, 1);
	burst_close(tx);
	if (ok && one_by_one)
		b->ends[1] = link_open("eth0", err);
	else if (ok)
		b->rx = tally_open("eth0", 2L * WINDOW, err);
	leave(home);
	home = enter(b->way->from);
	if (home >= 0 && one_by_one)
		b->ends[0] = link_open("eth0", err);
	else if (home >= 0)
		b->tx = burst_open("eth0", err);
	leave(home);
	return one_by_one ? b->ends[0] && b->ends[1] : b->rx && b->tx;
}

static void
close_ends(struct bench *b)
{
	burst_close(b->tx);
	if (b->rx)
		tally_close(b->rx);
	link_close(b->ends[0]);
	link_close(b->ends[1]);
	b->tx = NULL;
	b->rx = NULL;
	b->ends[0] = b->ends[1] = NULL;
}

/* As many as the way takes, never more than WINDOW under way. */
static void
full(struct bench *b)
{
	const struct timespec pause = {.tv_nsec = 20000};
	struct burst_frame frames[BATCH];
	struct load *load = b->load;
	ns_t moved = now(CLOCK_MONOTONIC);

	for (int i = 0; i < BATCH; i++)
		frames[i] = (struct burst_frame){b->frame, b->octets};
	while (load->sent < FRAMES && now(CLOCK_MONOTONIC) < moved + STALL) {
		unsigned n = FRAMES - load->sent < BATCH ? (unsigned)(FRAMES - load->sent) : BATCH;

		load->came = tally_read(b->rx, 0);
		if (load->sent + n > load->came + WINDOW) {
			(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
			continue;
		}
		(void)burst_send(b->tx, frames, n);
		load->sent = burst_counters(b->tx)->sent;
		moved = now(CLOCK_MONOTONIC);
	}
	load->came = tally_read(b->rx, QUIET_MS);
	load->octets = tally_octets(b->rx);
	load->span = tally_span(b->rx);
	load->lost = tally_lost(b->rx);
}

/* What has come: how long each took. */
static void
take_delays(struct bench *b, const ns_t *left)
{
	struct link_frame f;
	uint32_t no;

	while (link_next(b->ends[1], &f) == 1) {
		memcpy(&no, f.bytes + HEAD, sizeof no);
		if (f.len != b->octets || no != b->load->came || no >= b->load->sent)
			return; /* another frame, or out of order: came falls behind */
		b->load->delay[b->load->came++] = f.at - left[no];
	}
}

/* One frame a millisecond. */
static void
paced(struct bench *b)
{
	static ns_t left[PACED];
	const struct timespec pause = {.tv_nsec = PACE};
	ns_t until;

	for (uint32_t i = 0; i < PACED; i++) {
		memcpy(b->frame + HEAD, &i, sizeof i);
		left[i] = now(CLOCK_REALTIME);
		b->load->sent += link_send(b->ends[0], b->frame, b->octets);
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
		take_delays(b, left);
	}
	until = now(CLOCK_MONOTONIC) + STALL;
	while (b->load->came < PACED && now(CLOCK_MONOTONIC) < until) {
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
		take_delays(b, left);
	}
}

/* ---- one round ---- */

static bool
is_done(void *ctx)
{
	return atomic_load(&((struct load *)ctx)->done);
}

static bool
has_learned(void *ctx)
{
	return trace_len(ctx) > 0;
}

/* Let the load run in a process of its own; the lab's loop, if there is a lab, in this one. */
static bool
carry(struct bench *b, struct lab *lab, void (*run)(struct bench *b))
{
	bool done = true;
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		run(b);
		atomic_store(&b->load->done, true);
		_exit(0);
	}
	if (pid < 0)
		return false;
	if (lab)
		done = lab_until(lab, "the load to end", LIMIT, is_done, b->load);
	if (!done)
		(void)kill(pid, SIGKILL);
	return waitpid(pid, &status, 0) == pid && status == 0 && done;
}

static int
once(struct bench *b, void (*run)(struct bench *b), uint64_t frames)
{
	const struct lab_config cfg = {.twind = baton_beside("twind"), .out_dir = "/run"};
	char err[LAB_ERR] = "no namespace";
	struct lab *lab = b->way->lab ? lab_open(&cfg, err) : NULL;
	bool ok = lab || !b->way->lab;

	memset(b->load, 0, sizeof *b->load);
	ok = ok && open_ends(b, run == paced, err);
	if (ok && lab && !lab_until(lab, "a frame", STALL, has_learned, lab_trace(lab))) {
		(void)snprintf(err, sizeof err, "no frame came to the switch");
		ok = false;
	}
	if (ok) {
		ok = carry(b, lab, run) && b->load->sent == frames && b->load->came == frames &&
		     !b->load->lost && (!lab || !lab_dropped(lab));
		(void)snprintf(err, sizeof err,
			"%llu of %llu frames left, %llu came, %llu were lost by the counter, %llu "
			"by the lab",
			(unsigned long long)b->load->sent, (unsigned long long)frames,
			(unsigned long long)b->load->came, (unsigned long long)b->load->lost,
			(unsigned long long)(lab ? lab_dropped(lab) : 0));
	}
	close_ends(b);
	lab_close(lab);
	return ok ? 0 : failed(b, err);
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* ---- the two figures ---- */

static int
rate(struct bench *b, unsigned octets, FILE *out)
{
	double pps[WAYS][ROUNDS];
	int rc = 0;

	b->octets = octets;
	for (unsigned r = 0; r < ROUNDS; r++)
		for (unsigned w = 0; w < WAYS && !rc; w++) {
			b->way = &ways[w];
			rc = once(b, full, FRAMES);
			if (!rc && b->load->octets != (uint64_t)FRAMES * octets)
				rc = failed(b, "frames of another length came");
			pps[w][r] = rc ? 0 : (FRAMES - 1) * 1e9 / (double)b->load->span;
		}
	for (unsigned w = 0; w < WAYS && !rc; w++)
		qsort(pps[w], ROUNDS, sizeof pps[w][0], by_size);
	for (unsigned w = 0; w < WAYS && !rc; w++)
		(void)fprintf(out,
			"{\"bench\": \"switch\", \"who\": \"%s\", \"octets\": %u, \"pps\": %.0f, "
			"\"frames\": %d, \"rounds\": %d, \"lost\": 0, \"ratio\": %.3f}\n",
			ways[w].who, octets, pps[w][ROUNDS / 2], FRAMES, ROUNDS,
			pps[w][ROUNDS / 2] / pps[WAYS - 1][ROUNDS / 2]);
	return rc;
}

static int
delay(struct bench *b, FILE *out)
{
	static double us[WAYS][ROUNDS * PACED];
	const size_t cnt = (size_t)ROUNDS * PACED, mid = cnt / 2, high = cnt * 99 / 100;
	int rc = 0;

	b->octets = PACED_OCTETS;
	for (unsigned r = 0; r < ROUNDS; r++)
		for (unsigned w = 0; w < WAYS && !rc; w++) {
			b->way = &ways[w];
			rc = once(b, paced, PACED);
			for (unsigned i = 0; i < PACED; i++)
				us[w][r * PACED + i] = (double)b->load->delay[i] / 1e3;
		}
	for (unsigned w = 0; w < WAYS; w++)
		qsort(us[w], cnt, sizeof us[w][0], by_size);
	for (unsigned w = 0; w < WAYS && !rc; w++)
		(void)fprintf(out,
			"{\"bench\": \"switch-delay\", \"who\": \"%s\", \"octets\": %d, "
			"\"frames\": %zu, "
			"\"p50_us\": %.1f, \"p99_us\": %.1f, \"p50_added_us\": %.1f, "
			"\"p99_added_us\": %.1f}\n",
			ways[w].who, PACED_OCTETS, cnt, us[w][mid], us[w][high],
			us[w][mid] - us[WAYS - 1][mid], us[w][high] - us[WAYS - 1][high]);
	return rc;
}

/* Machines like the lab's, quiet as they are, joined by a bridge where the lab has its switch. */
static bool
bridge(void)
{
	return system("set -e; echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6 || :\n"
		      "ip link add kb type bridge mcast_snooping 0\n"
		      "for n in k1 k2; do ip netns add $n\n"
		      "ip netns exec $n sh -c 'echo 1 "
		      ">/proc/sys/net/ipv6/conf/default/disable_ipv6' || :\n"
		      "ip link add $n type veth peer name eth0 netns $n\n"
		      "ip link set $n master kb; ip link set $n up; ip -n $n link set eth0 up; "
		      "done\n"
		      "ip link set kb up") == 0;
}

static int
inside(void *ctx)
{
	const struct bench_place *place = ctx;
	FILE *out = fopen(place->out, "w");
	struct bench b = {.way = &ways[1]};
	struct tally *guard;
	char err[BURST_ERR];
	int rc;

	b.load = mmap(
		NULL, sizeof *b.load, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!out || b.load == MAP_FAILED)
		return failed(&b, "no file or no memory");
	if (!bridge())
		return failed(&b, "it could not be made");
	guard = tally_open("kb", 1, err); /* from now on the kernel stamps */
	rc = guard ? 0 : failed(&b, err);
	for (size_t s = 0; !rc && s < sizeof sizes / sizeof sizes[0]; s++)
		rc = rate(&b, sizes[s], out);
	if (!rc)
		rc = delay(&b, out);
	tally_close(guard);
	(void)fclose(out);
	return rc;
}

int
bench_switch(FILE *out)
{
	struct bench_place place;

	return bench_enclosed(inside, &place, out);
}
