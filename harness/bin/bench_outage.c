/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Failovers one after another: the active loses its power at a moment drawn over the interval of its
 * messages; the other takes over; the first comes back as another machine, and is filled; then it is
 * the other's turn. A client inside asks the virtual address each millisecond; what is not
 * answered is the outage. With the pair a stream goes through the tunnel at the same time.
 */
#include "harness/bin/bench.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/bin/baton.h"
#include "harness/lab/guest.h"
#include "harness/run/pair.h"

#define PROBE NS_PER_MS
#define BEFORE (50 * NS_PER_MS)
#define AFTER (400 * NS_PER_MS)
#define KEEPALIVED "/usr/sbin/keepalived"

struct bench {
	struct bench_place place; /* first: what is enclosed gets it */
	unsigned n;
	bool fifo;
	bool with_vrrp; /* keepalived in place of the pair */
	struct lab *lab;
	struct world w;
	struct guest *vrrp[LAB_MEMBERS];
	uint16_t seq;
	double *outage, *tunnel;
	unsigned done;
};

static bool
never(void *ctx)
{
	(void)ctx;
	return false;
}

/* One probe each millisecond for that long; how many were not answered in the end. */
static unsigned
probe(struct bench *b, ns_t before, ns_t after, enum lab_member dies)
{
	const struct host_counters *c = host_counters(b->w.host);
	uint64_t had = c->icmp_reply_in;
	ns_t from = lab_now(b->lab), next = from;
	unsigned sent = 0;
	bool off = false;

	while (lab_now(b->lab) < from + before + after) {
		if (!off && lab_now(b->lab) >= from + before) {
			lab_power_off(b->lab, dies);
			off = true;
		}
		if (lab_now(b->lab) >= next) {
			host_ping(b->w.host, lab_now(b->lab), LAB_IN_VIP, 7, b->seq++, 16);
			sent++;
			next += PROBE;
		}
		(void)lab_until(b->lab, "the next probe", PROBE / 4, never, NULL);
	}
	lab_run(b->lab, 50 * NS_PER_MS);
	return sent - (unsigned)(c->icmp_reply_in - had);
}

static bool
answered(void *ctx)
{
	struct bench *b = ctx;
	static uint64_t seen;
	uint64_t now = host_counters(b->w.host)->icmp_reply_in;
	bool more = now > seen;

	seen = now;
	return more;
}

/* Somebody answers for the virtual address. */
static bool
served(struct bench *b, ns_t limit)
{
	ns_t until = lab_now(b->lab) + limit;

	while (lab_now(b->lab) < until) {
		host_ping(b->w.host, lab_now(b->lab), LAB_IN_VIP, 7, b->seq++, 16);
		if (lab_until(b->lab, "an answer", 20 * NS_PER_MS, answered, b))
			return true;
	}
	return false;
}

static bool
standby_is_ready(struct bench *b, enum lab_member m)
{
	return pair_show_until(b->lab, m, "show ssp redundancy --json", "ready", "true", 20 * NS_PER_S);
}

static bool
tunnel_is_up(void *ctx)
{
	return peer_is_up(ctx);
}

static int
failed(const char *why)
{
	(void)fprintf(stderr, "bench outage: %s\n", why);
	return 3;
}

static int
pair_start(struct bench *b)
{
	char err[LAB_ERR];

	for (unsigned m = 0; m < LAB_MEMBERS; m++) {
		if (!lab_start(b->lab, (enum lab_member)m, err))
			return failed(err);
		if (m == 0)
			lab_run(b->lab, NS_PER_S); /* A is the first active */
	}
	if (!standby_is_ready(b, LAB_B))
		return failed("B never said that it is ready");
	peer_initiate(b->w.peer, lab_now(b->lab));
	if (!lab_until(b->lab, "the tunnel", 10 * NS_PER_S, tunnel_is_up, b->w.peer))
		return failed("no tunnel");
	lab_run(b->lab, 500 * NS_PER_MS);
	return served(b, NS_PER_S) ? 0 : failed("nobody answers for the virtual address");
}

/* What the tunnel lost in this one, by the stream's numbers. */
static unsigned
tunnel_lost(struct bench *b, ns_t from)
{
	struct stream_result r;

	stream_judge(host_stream_tx(b->w.host, 1), peer_stream_rx(b->w.peer, 1), from, NS_NEVER, &r);
	return r.lost;
}

static int
pair_failovers(struct bench *b)
{
	enum lab_member active = LAB_A;
	char err[LAB_ERR];
	int rc = pair_start(b);

	for (; !rc && b->done < b->n; b->done++) {
		ns_t from;

		(void)host_stream_start(b->w.host, lab_now(b->lab), 1, LAB_REMOTE_HOST, 1000, 64, 0);
		from = lab_now(b->lab);
		b->outage[b->done] = probe(b,
			BEFORE + (ns_t)lab_random(b->lab, (uint64_t)(15 * NS_PER_MS)), AFTER, active);
		host_stream_stop(b->w.host, 1);
		lab_run(b->lab, 50 * NS_PER_MS);
		b->tunnel[b->done] = tunnel_lost(b, from);
		if (!lab_start(b->lab, active, err))
			return failed(err);
		if (!standby_is_ready(b, active))
			return failed("a member that came back never said that it is ready");
		lab_run(b->lab, 200 * NS_PER_MS);
		active = active == LAB_A ? LAB_B : LAB_A;
	}
	return rc;
}

static const char vrrp_text[] = "global_defs {\n vrrp_version 3\n vrrp_garp_master_delay 1\n}\n"
				"vrrp_instance V {\n state BACKUP\n interface eth1\n virtual_router_id 7\n"
				" priority 100\n advert_int 0.02\n nopreempt\n"
				" virtual_ipaddress {\n  10.0.0.100/24\n }\n}\n";

static int
vrrp_start(struct bench *b, enum lab_member m)
{
	static const char *const argv[] = {KEEPALIVED, "-n", "-l", "-P", "-f",
		"/etc/keepalived/keepalived.conf", "-p", "/run/k.pid", "-r", "/run/v.pid", NULL};
	const struct guest_program p = {.name = m == LAB_A ? "keepalived-A" : "keepalived-B",
		.argv = argv,
		.hide = {"/etc/keepalived"},
		.file = {{"/etc/keepalived/keepalived.conf", vrrp_text}}};
	char err[LAB_ERR];

	if (!lab_start(b->lab, m, err))
		return failed(err);
	lab_run(b->lab, 200 * NS_PER_MS); /* its interfaces have addresses */
	b->vrrp[m] = guest_start(b->lab, lab_member_port(m, SEG_INSIDE), &p, err);
	return b->vrrp[m] ? 0 : failed(err);
}

static int
vrrp_failovers(struct bench *b)
{
	enum lab_member master = LAB_A;
	int rc = vrrp_start(b, LAB_A);

	if (!rc && !served(b, 10 * NS_PER_S))
		return failed("no keepalived answers for the virtual address");
	if (!rc)
		rc = vrrp_start(b, LAB_B);
	lab_run(b->lab, NS_PER_S);
	for (; !rc && b->done < b->n; b->done++) {
		b->outage[b->done] = probe(b,
			BEFORE + (ns_t)lab_random(b->lab, (uint64_t)(20 * NS_PER_MS)), AFTER, master);
		rc = vrrp_start(b, master);
		lab_run(b->lab, 800 * NS_PER_MS);
		if (!rc && !served(b, 2 * NS_PER_S))
			return failed("no keepalived answers after a failover");
		master = master == LAB_A ? LAB_B : LAB_A;
	}
	return rc;
}

/* ---- the results ---- */

static int
cmp(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return (a > b) - (a < b);
}

static void
tell(FILE *f, const struct bench *b, const char *who, const char *what, double *v)
{
	if (!b->done)
		return;
	qsort(v, b->done, sizeof v[0], cmp);
	(void)fprintf(f,
		"{\"bench\": \"outage\", \"who\": \"%s\", \"seen_by\": \"%s\", \"failovers\": %u, "
		"\"sched_fifo\": %s, \"p50_ms\": %.0f, \"p99_ms\": %.0f, \"max_ms\": %.0f}\n",
		who, what, b->done, b->fifo ? "true" : "false", v[b->done / 2],
		v[b->done * 99 / 100], v[b->done - 1]);
}

static const char bare_text[] = "hostname %c\ninterface eth0\n ip address 172.16.31.%d 255.255.255.0\n"
				"interface eth1\n ip address 10.0.0.%d 255.255.255.0\nend\n";

static int
world_of(struct bench *b, int (*failovers)(struct bench *))
{
	const struct lab_text fast = {.hello_ms = 15, .hold_ms = 50};
	struct lab_config cfg = {
		.twind = baton_beside("twind"), .out_dir = b->place.dir, .seed = (uint64_t)getpid()};
	struct keyring ring;
	char *text[LAB_MEMBERS], err[LAB_ERR] = "";
	int rc = 3;

	for (unsigned m = 0; m < LAB_MEMBERS; m++) {
		if (!b->with_vrrp)
			text[m] = lab_text(&fast, (enum lab_member)m);
		else if (asprintf(&text[m], bare_text, 'A' + (char)m, m + 1, m + 1) < 0)
			text[m] = NULL;
		cfg.text[m] = text[m];
	}
	b->lab = lab_open(&cfg, err);
	b->done = 0;
	keyring_init(&ring);
	if (b->lab && world_attach(&b->w, b->lab, &ring, NULL, 1)) {
		rc = failovers(b);
		world_detach(&b->w);
	} else {
		(void)failed(err);
	}
	if (b->lab)
		lab_close(b->lab);
	keyring_free(&ring);
	for (unsigned m = 0; m < LAB_MEMBERS; m++)
		free(text[m]);
	return rc;
}

static int
inside(void *ctx)
{
	struct bench *b = ctx;
	const struct sched_param fifo = {.sched_priority = 1};
	FILE *f = fopen(b->place.out, "w");
	int rc;

	b->outage = calloc(b->n, sizeof *b->outage);
	b->tunnel = calloc(b->n, sizeof *b->tunnel);
	if (!f || !b->outage || !b->tunnel)
		return failed("out of memory");
	b->fifo = sched_setscheduler(0, SCHED_FIFO, &fifo) == 0;
	if (b->with_vrrp) {
		rc = world_of(b, vrrp_failovers);
		tell(f, b, "keepalived, advert 20 ms", "a client of the virtual address", b->outage);
	} else {
		rc = world_of(b, pair_failovers);
		tell(f, b, "pair, hello 15 hold 50 ms", "a client of the virtual address", b->outage);
		tell(f, b, "pair, hello 15 hold 50 ms", "a stream through the tunnel", b->tunnel);
	}
	(void)fclose(f);
	return rc;
}

/* One series, in a lab of its own. */
static int
series(unsigned n, bool with_vrrp, FILE *out)
{
	struct bench b = {.n = n, .with_vrrp = with_vrrp};

	return bench_enclosed(inside, &b.place, out);
}

int
bench_outage(unsigned n, FILE *out)
{
	int rc = series(n, false, out);

	if (rc)
		return rc;
	if (guest_installed(KEEPALIVED))
		return series(n, true, out);
	(void)fprintf(stderr, "bench outage: keepalived is not installed: no peer to compare\n");
	return 0;
}
