/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suites/ssp/mate_kit.h"

#define KEY "baton-lab-sync-key-of-32-octets." /* as harness/lab/text.c writes it */

/* -- the mate as a station -- */

static void
sends(void *ctx, ns_t now, const uint8_t *frame, size_t len)
{
	(void)now;
	lab_send(ctx, PORT_PROBE_SYNC, frame, len);
}

static void
frame_in(void *self, ns_t now, const uint8_t *bytes, size_t len)
{
	mate_frame(self, now, bytes, len);
}

static void
tick(void *self, ns_t now)
{
	mate_tick(self, now);
}

static ns_t
due(const void *self)
{
	return mate_deadline(self);
}

/* The lab lets its members end after this, and must find nobody at the port then. */
static void
at_end(struct case_run *c, void *ctx)
{
	lab_attach(case_lab(c, NULL), PORT_PROBE_SYNC, NULL);
	mate_free(ctx);
}

/* A right member; where the lab leaves TLS out that one does, too. */
static void
rights(struct mate_kit *x)
{
	*mate_wrong(x->mate) = (struct mate_wrong){
		.tls = lab_plain_sync(x->w.lab) ? MATE_TLS_CLEAR : MATE_TLS_PSK};
}

static void
plug(struct mate_kit *x, enum mate_role role)
{
	ip4_t us = x->real == LAB_A ? LAB_SYNC_B : LAB_SYNC_A;
	struct mate_cfg cfg = {
		.net = {.mac = lab_mac(PORT_PROBE_SYNC), .addr = us, .prefix_len = 24},
		.remote = x->real == LAB_A ? LAB_SYNC_A : LAB_SYNC_B,
		.group = 100,
		.key_len = sizeof(KEY) - 1,
		.role = role,
		.keepalive_ms = LAB_HELLO_MS,
		.lease_ms = LAB_HOLD_MS + 4 * LAB_HELLO_MS,
		.calls = x->real == LAB_B,
	};

	memcpy(cfg.key, KEY, sizeof(KEY) - 1);
	x->mate = mate_new(&cfg, lab_random(x->w.lab, 1u << 30), case_ring(x->w.c), sends, x->w.lab);
	if (!x->mate)
		abort();
	rights(x);
	mate_listen(x->mate, false);
	lab_attach(x->w.lab, PORT_PROBE_SYNC,
		&(struct lab_station){
			.self = x->mate, .frame = frame_in, .tick = tick, .deadline = due});
	case_at_end(x->w.c, at_end, x->mate);
}

static enum lab_member
other(const struct mate_kit *x)
{
	return x->real == LAB_A ? LAB_B : LAB_A;
}

static void
begin(struct mate_kit *x, struct case_run *c, enum lab_member real)
{
	memset(x, 0, sizeof *x);
	x->real = real;
	world_open_cold(&x->w, c, NULL, NULL);
	x->w.c = c;
}

static bool
carrying(struct mate_kit *x)
{
	pair_streams_start(&x->w, 100, 100);
	lab_run(x->w.lab, 300 * NS_PER_MS);
	return true;
}

bool
mate_kit_alone(struct mate_kit *x, struct case_run *c, enum lab_member real)
{
	begin(x, c, real);
	plug(x, MATE_STANDBY);
	case_start(c, real);
	return pair_reach_active(&x->w, real, PAIR_UP_LIMIT) && pair_tunnel(&x->w) && carrying(x);
}

bool
mate_kit_behind(struct mate_kit *x, struct case_run *c, enum lab_member real)
{
	begin(x, c, real);
	case_start(c, other(x));
	if (!pair_reach_active(&x->w, other(x), PAIR_UP_LIMIT))
		return false;
	lab_part(x->w.lab, SEG_SYNC, 1u << lab_member_port(other(x), SEG_SYNC));
	plug(x, MATE_ACTIVE);
	case_start(c, real);
	return pair_reach_standby(&x->w, real, PAIR_UP_LIMIT) && pair_tunnel(&x->w) && carrying(x);
}

/* -- connections -- */

struct wait {
	const struct mate_kit *x;
	size_t conn, cnt;
	unsigned type;
	uint64_t value;
	ns_t at;
};

static bool
has_come(void *ctx)
{
	const struct wait *v = ctx;

	return mate_conns(v->x->mate) > v->cnt;
}

size_t
mate_kit_meet(struct mate_kit *x)
{
	struct wait v = {.x = x, .cnt = mate_conns(x->mate)};

	if (x->real == LAB_B)
		return mate_call(x->mate, lab_now(x->w.lab));
	mate_listen(x->mate, true);
	return case_reach(x->w.c, "the router's next call", 3 * NS_PER_S, has_come, &v) ? v.cnt
										     : MATE_NONE;
}

static bool
is_ready(void *ctx)
{
	const struct wait *v = ctx;
	size_t live = mate_live(v->x->mate);

	return live != MATE_NONE && mate_conn(v->x->mate, live)->ready;
}

/* A mate that calls calls again until it is let in. */
static bool
meets(struct mate_kit *x, bool (*wait)(struct case_run *, const char *, ns_t, bool (*)(void *),
				  void *))
{
	struct wait v = {.x = x};

	rights(x);
	mate_listen(x->mate, true);
	if (x->real == LAB_B && !is_ready(&v))
		(void)mate_call(x->mate, lab_now(x->w.lab));
	return wait(x->w.c, "a right member's bulk sync, acknowledged to its end", 5 * NS_PER_S,
		is_ready, &v);
}

size_t
mate_kit_ready(struct mate_kit *x)
{
	return meets(x, case_reach) ? mate_live(x->mate) : MATE_NONE;
}

void
mate_kit_right_key(struct mate_kit *x)
{
	mate_set_key(x->mate, KEY, sizeof(KEY) - 1);
}

void
mate_kit_say_role(struct mate_kit *x, size_t conn)
{
	const struct field_set role[] = {
		SET("ssp.role.role", mate_conn(x->mate, conn)->router_role == MATE_ACTIVE
					     ? MATE_STANDBY
					     : MATE_ACTIVE)};

	(void)mate_send(
		x->mate, lab_now(x->w.lab), conn, MATE_ROLE, "ssp/ssp.role", role, 1);
}

static bool
has_ended(void *ctx)
{
	const struct wait *v = ctx;
	const struct mate_conn_note *n = mate_conn(v->x->mate, v->conn);

	return n->router_fin || n->over;
}

bool
mate_kit_ends(struct mate_kit *x, size_t conn, ns_t limit, const char *what)
{
	struct wait v = {.x = x, .conn = conn};

	return case_await(x->w.c, what, limit, has_ended, &v);
}

static bool
has_said(void *ctx)
{
	const struct wait *v = ctx;
	const struct mate *m = v->x->mate;

	for (size_t i = 0; (i = mate_find(m, i, v->conn, v->type)) != MATE_NONE; i++)
		if (mate_field(m, i, "ssp.reason.code") == v->value)
			return true;
	return false;
}

bool
mate_kit_says(struct mate_kit *x, size_t conn, unsigned type, enum mate_reason why)
{
	struct wait v = {.x = x, .conn = conn, .type = type, .value = why};
	char what[64];

	(void)snprintf(what, sizeof what, "%s, reason %u",
		type == MATE_RESYNC   ? "RESYNC"
		: type == MATE_REFUSE ? "REFUSE"
				      : "ERROR",
		(unsigned)why);
	return case_await(x->w.c, what, NS_PER_S, has_said, &v);
}

bool
mate_kit_lives(struct mate_kit *x, size_t conn)
{
	ns_t last = 0;

	for (size_t i = 0; i < mate_msgs(x->mate); i++)
		if (mate_msg(x->mate, i)->conn == conn)
			last = mate_msg(x->mate, i)->at;
	return case_expect(x->w.c, mate_alive(x->mate, conn),
		       "expected the connection to live on; the router has ended it") &&
	       case_expect_timely(x->w.c, lab_now(x->w.lab) - last < MATE_KIT_LOST,
		       "expected the router to go on talking; it has been silent for %.0f ms",
		       (double)(lab_now(x->w.lab) - last) / 1e6);
}

static bool
has_acked(void *ctx)
{
	const struct wait *v = ctx;

	return mate_conn(v->x->mate, v->conn)->acked >= v->value;
}

bool
mate_kit_acked(struct mate_kit *x, size_t conn, uint32_t number)
{
	struct wait v = {.x = x, .conn = conn, .value = number};

	return case_await(x->w.c, "the record's acknowledgement", NS_PER_S, has_acked, &v);
}

bool
mate_kit_not_acked(struct mate_kit *x, size_t conn, uint32_t number)
{
	uint32_t acked = mate_conn(x->mate, conn)->acked;

	return case_expect(x->w.c, acked < number,
		"expected message %u not to be acknowledged; the router acknowledged %u", number,
		acked);
}

/* -- what the router says of itself -- */

long long
mate_kit_count(struct mate_kit *x, const char *path)
{
	return pair_show_number(x->w.lab, x->real,
		strchr(path, '.') ? "show counters" : "show ssp packet", path, -1);
}

bool
mate_kit_counted(struct mate_kit *x, const char *path, long long before)
{
	long long now = mate_kit_count(x, path);

	return case_expect(x->w.c, now > before, "expected %s above %lld, saw %lld", path, before,
		now);
}

long long
mate_kit_copies(struct mate_kit *x)
{
	return pair_show_number(x->w.lab, x->real, "show crypto ipsec sa standby", "", -1);
}

long
mate_kit_memory(struct mate_kit *x)
{
	char path[64], line[128];
	long kb = -1;
	FILE *f;

	(void)snprintf(path, sizeof path, "/proc/%d/status", (int)lab_pid(x->w.lab, x->real));
	f = fopen(path, "r");
	while (f && fgets(line, sizeof line, f))
		if (!strncmp(line, "VmRSS:", 6))
			kb = strtol(line + 6, NULL, 10);
	if (f)
		(void)fclose(f);
	return kb;
}

static bool
nothing_lost(struct mate_kit *x)
{
	struct stream_result out, in;
	const struct world *w = &x->w;

	pair_streams_stop(&x->w);
	stream_judge(host_stream_tx(w->host, 1), peer_stream_rx(w->peer, 1), 0, NS_NEVER, &out);
	stream_judge(peer_stream_tx(w->peer, 2), host_stream_rx(w->host, 2), 0, NS_NEVER, &in);
	return case_expect_timely(w->c, !out.lost && !in.lost,
		       "expected the tunnel to lose nothing; it lost %u of %u packets outwards, %u "
		       "of %u inwards",
		       out.lost, out.sent, in.lost, in.sent) &&
	       case_expect_u64(w->c, 1, peer_counters(w->peer)->phase1_up,
		       "Phase 1 negotiations in all");
}

bool
mate_kit_unharmed(struct mate_kit *x)
{
	if (case_over(x->w.c) ||
		!case_expect(x->w.c, !lab_died(x->w.lab, x->real), "expected the router to live") ||
		!pair_expect_traffic(&x->w, 10, "traffic both ways meanwhile") ||
		!meets(x, case_await))
		return false;
	return case_expect(x->w.c,
		       pair_show_until(x->w.lab, x->real, "show ssp redundancy",
			       mate_conn(x->mate, mate_live(x->mate))->router_role == MATE_ACTIVE
				       ? "standby_ready"
				       : "ready",
			       "true", 2 * NS_PER_S),
		       "expected the router to call the standby ready") &&
	       nothing_lost(x) &&
	       case_expect(x->w.c, !lab_died(x->w.lab, x->real), "expected the router to live");
}

/* -- records -- */

static const uint8_t octets[64] = {0x42, 0x41, 0x54, 0x4f, 0x4e, 1, 2, 3, 4, 5, 6, 7, 8, 9};

size_t
mate_kit_ike_sa(uint8_t *out, size_t cap, uint32_t n)
{
	static const uint8_t id[4] = {172, 16, 31, 200};
	const struct field_set sets[] = {
		SET("ssp.cookies.initiator", 0x1111111100000000u + n),
		SET("ssp.cookies.responder", 0x2222222200000000u + n),
		SET("ssp.side.side", 2),
		SET("ssp.local.address", LAB_OUT_VIP),
		SET("ssp.remote.address", LAB_OUT_PEER),
		SET_BYTES("ssp.skeyid_d.key", octets, 20),
		SET_BYTES("ssp.skeyid_a.key", octets, 20),
		SET_BYTES("ssp.skeyid_e.key", octets, 20),
		SET_BYTES("ssp.cipher_key.key", octets, 16),
		SET_BYTES("ssp.last_block.block", octets, 16),
		SET_BYTES("ssp.peer_id.id", id, 4),
		SET("ssp.life.seconds", 3600),
	};

	return mate_build(out, cap, MATE_IKE_SA,
		"ssp/ssp.cookies/ssp.side/ssp.local/ssp.remote/ssp.phase1/ssp.skeyid_d/"
		"ssp.skeyid_a/ssp.skeyid_e/ssp.cipher_key/ssp.last_block/ssp.peer_id/ssp.natt/"
		"ssp.dpd/ssp.life/ssp.msgids/ssp.confirmed",
		sets, sizeof sets / sizeof sets[0]);
}

size_t
mate_kit_ipsec_sa(uint8_t *out, size_t cap, uint32_t n, const char *map)
{
	const char *name = map ? map : "D";
	const struct field_set sets[] = {
		SET("ssp.cookies.initiator", 0x1111111100000000u),
		SET("ssp.cookies.responder", 0x2222222200000000u),
		SET("ssp.spis.peer", LAB_OUT_PEER),
		SET("ssp.spis.inbound", 0x10000000u + n),
		SET("ssp.spis.outbound", 0x20000000u + n),
		SET("ssp.side.side", 2),
		SET("ssp.local.address", LAB_OUT_VIP),
		SET("ssp.remote.address", LAB_OUT_PEER),
		SET_BYTES("ssp.enc_in.key", octets, 16),
		SET_BYTES("ssp.auth_in.key", octets, 20),
		SET_BYTES("ssp.enc_out.key", octets, 16),
		SET_BYTES("ssp.auth_out.key", octets, 20),
		SET("ssp.proxy_local.address", IP4(10, 0, 0, 0)),
		SET("ssp.proxy_remote.address", LAB_REMOTE_NET),
		SET("ssp.map.entry", 1),
		SET_BYTES("ssp.map.name", name, strlen(name)),
		SET("ssp.life.seconds", 3600),
		SET("ssp.reserve.number", 2000),
		SET_BYTES("ssp.window.bitmap", octets + 32, 8),
	};

	return mate_build(out, cap, MATE_IPSEC_SA,
		"ssp/ssp.cookies/ssp.spis/ssp.side/ssp.local/ssp.remote/ssp.transform/ssp.enc_in/"
		"ssp.auth_in/ssp.enc_out/ssp.auth_out/ssp.proxy_local/ssp.proxy_remote/ssp.map/"
		"ssp.natt/ssp.life/ssp.limits/ssp.reserve/ssp.window/ssp.volume",
		sets, sizeof sets / sizeof sets[0]);
}

uint32_t
mate_kit_reserve(struct mate_kit *x, size_t conn, uint32_t n, uint32_t upto)
{
	const struct field_set sets[] = {
		SET("ssp.spis.peer", LAB_OUT_PEER),
		SET("ssp.spis.inbound", 0x10000000u + n),
		SET("ssp.spis.outbound", 0x20000000u + n),
		SET("ssp.reserve.number", upto),
	};

	return mate_send(x->mate, lab_now(x->w.lab), conn, MATE_RESERVE,
		"ssp/ssp.spis/ssp.reserve", sets, 4);
}

bool
mate_kit_fed(struct mate_kit *x, struct case_run *c, enum lab_member real, size_t *live)
{
	uint8_t rec[1024];

	if (!mate_kit_behind(x, c, real))
		return false;
	mate_offer(x->mate, rec, mate_kit_ike_sa(rec, sizeof rec, 0));
	mate_offer(x->mate, rec, mate_kit_ipsec_sa(rec, sizeof rec, 1, NULL));
	*live = mate_kit_ready(x);
	if (*live == MATE_NONE)
		return false;
	if (mate_kit_copies(x) == 1)
		return true;
	case_inconclusive(c, "the standby did not take the pair that it was fed");
	return false;
}

long long
mate_kit_reserved(struct mate_kit *x)
{
	return pair_show_number(
		x->w.lab, x->real, "show crypto ipsec sa standby", "0.reservation.reserved", -1);
}
