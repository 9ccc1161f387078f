/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_LAB_LAB_H
#define BATON_LAB_LAB_H

/*
 * The lab: the world under test. Two members, three segments, and the stations of the harness, all
 * plugged into one switch that runs in this process. A case does not know which kind of lab it has:
 *
 * - `netns`: members are processes, each in a network namespace of its own, and the clock is real;
 * - `sim`: members are the reference router alone, inside this process, under a virtual clock. The
 *   same seed gives the same trace. The sync channel goes in clear (lab_plain_sync), and there is no
 *   process, no console socket and no kernel to look at: cases that need one say so (case.h).
 *
 *	         outside 172.16.31.0/24            inside 10.0.0.0/24
 *	  peer .200 ---+---- A .1 eth0  A  eth1 ----+--- host .50
 *	               |                |eth2       |
 *	               |                | sync 10.255.0.0/24
 *	               |                |eth2       |
 *	               +---- B .2 eth0  B  eth1 ----+
 *	                virtual .100          virtual .100
 *
 * Time passes only inside lab_until, lab_run and lab_ask, and only there do frames move. Clock:
 * CLOCK_MONOTONIC, or the virtual one; nanoseconds. One netns lab in a process; call lab_enclose
 * first (the runner does): everything that lab makes vanishes with the process that lab_enclose
 * made, whatever kills it.
 *
 * Faults act at once (lab_fault) or exactly after a frame (lab_after): that frame is still
 * delivered, and nothing after it. What a bad line does to frames is in disturb.h. The lab is no
 * judge, and but for mending checksums knows no protocol above Ethernet.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/trace/trace.h"
#include "ref/base/ip4.h"
#include "ref/base/time.h"

struct lab; /* owned by its opener, until lab_close */

enum lab_member { LAB_A, LAB_B, LAB_MEMBERS };

enum lab_port {
	PORT_A_OUT, /* A.eth0 */
	PORT_A_IN,
	PORT_A_SYNC,
	PORT_B_OUT, /* B.eth0 */
	PORT_B_IN,
	PORT_B_SYNC,
	PORT_PEER, /* outside: the remote gateway */
	PORT_HOST, /* inside: the protected host */
	PORT_PROBE_OUT, /* a free station on each segment: a third router, an attacker */
	PORT_PROBE_IN,
	PORT_PROBE_SYNC,
	PORT_CNT
};

/* The fixed addresses of the drawing (host order), for cases and stations. */
#define LAB_OUT_A IP4(172, 16, 31, 1)
#define LAB_OUT_B IP4(172, 16, 31, 2)
#define LAB_OUT_VIP IP4(172, 16, 31, 100)
#define LAB_OUT_PEER IP4(172, 16, 31, 200)
#define LAB_OUT_PROBE IP4(172, 16, 31, 99)
#define LAB_IN_A IP4(10, 0, 0, 1)
#define LAB_IN_B IP4(10, 0, 0, 2)
#define LAB_IN_VIP IP4(10, 0, 0, 100)
#define LAB_IN_HOST IP4(10, 0, 0, 50)
#define LAB_IN_PROBE IP4(10, 0, 0, 99)
#define LAB_SYNC_A IP4(10, 255, 0, 1)
#define LAB_SYNC_B IP4(10, 255, 0, 2)
#define LAB_REMOTE_NET IP4(10, 2, 0, 0) /* /24 behind the peer */
#define LAB_REMOTE_HOST IP4(10, 2, 0, 50)
#define LAB_HELLO_MS 200
#define LAB_HOLD_MS 800

/* 02:ba:70:00:00:<port + 1>: what the interface at a port has, and a station should use. */
struct mac lab_mac(enum lab_port p);
const char *lab_port_name(enum lab_port p);
const char *lab_member_name(enum lab_member m); /* "A", "B" */
enum lab_port lab_member_port(enum lab_member m, enum trace_segment s);

/* ---- namespaces ---- */

enum lab_can { LAB_CAN_ROOT, LAB_CAN_USERNS, LAB_CAN_NOT };
/* Whether a netns lab is possible here; for LAB_CAN_NOT *why says what is missing. */
enum lab_can lab_can(const char **why);

/*
 * Run fn(ctx) as process 1 of fresh network, mount and PID namespaces (and user, when not root),
 * with a tmpfs on /run; its return value is the exit status. It dies with its parent. Returns the
 * process id as the caller sees it, or -1 and a text in err (LAB_ERR bytes).
 */
#define LAB_ERR 256
pid_t lab_enclose(int (*fn)(void *ctx), void *ctx, char *err);

/* ---- opening ---- */

struct lab_config {
	bool sim;	     /* the kind of lab; false: netns */
	const char *twind;   /* path of the router program (netns) */
	const char *mutant;  /* NULL, or the mutant NAME of both members */
	const char *out_dir; /* exists; logs, configurations and key logs go there. sim: or NULL, no files */
	const char *text[LAB_MEMBERS]; /* configuration; NULL = lab_text of a plain struct lab_text */
	uint64_t seed;
	bool keylog; /* give --keylog; the file is <out_dir>/<A|B>.keylog */
	void (*keys)(void *ctx, const char *line); /* sim: the same lines as they come; NULL: nobody */
	void *keys_ctx;
};

/* Is there a mutant of that name? (sim alone asks: a program of netns has its own.) */
bool lab_knows_mutant(const char *name);
/* Before processes are forked for labs of the kind sim: what each would ask of libcrypto, once. */
void lab_sim_ready(void);
/* Open the switch, the nodes and their cables; no member runs yet. cfg is copied (deep). */
struct lab *lab_open(const struct lab_config *cfg, char *err);
/* Ask live members to end (SIGTERM, 2 s, then SIGKILL), close everything. The trace is freed. */
void lab_close(struct lab *l);
/* Only the first half of lab_close: how each member ended is then known (lab_exit). */
void lab_wind_down(struct lab *l);

const char *lab_kind_name(const struct lab *l); /* "netns", "sim" */
/* The sync channel is TCP, but its messages go in clear. */
bool lab_plain_sync(const struct lab *l);
struct trace *lab_trace(struct lab *l);
/* CLOCK_REALTIME - CLOCK_MONOTONIC, for trace_write. */
ns_t lab_epoch(const struct lab *l);
/* The moment of the last event that was handled; the world's time, which is never ahead of the
 * clock. It moves only while time passes. */
ns_t lab_now(const struct lab *l);
/* Seeded: a number in [0, n). The same seed gives the same sequence. */
uint64_t lab_random(struct lab *l, uint64_t n);
const char *lab_log_path(struct lab *l, enum lab_member m);
const char *lab_keylog_path(struct lab *l, enum lab_member m);
const char *lab_control_path(struct lab *l, enum lab_member m);

/* ---- the standard configuration ---- */

/* Knobs; zero means the standard value. The text is IOS-like, docs/architecture.md. */
struct lab_text {
	int priority[LAB_MEMBERS]; /* standard: 100 both (RESTRICT-01) */
	int hello_ms, hold_ms;	   /* 200, 800 */
	int replay_in, replay_out; /* 10, 1000 */
	bool no_preempt;
	bool no_ssp;
	bool static_map; /* a static map towards the peer; standard: dynamic */
	const char *transform; /* "esp-aes 128 esp-sha-hmac" */
	const char *dpd;       /* "10 2": arguments of crypto isakmp keepalive; NULL = none */
	const char *drop[8];   /* lines that begin so (leading blanks aside) are left out */
	const char *swap[8][2]; /* [0] = beginning of a line to replace, [1] = the new line */
	const char *add_outside[8], *add_inside[8], *add_sync[8]; /* lines for an interface */
	const char *add_map[8];	   /* lines for the crypto map entry */
	const char *add_global[8]; /* lines at the end */
};
/* The configuration of one member; owned by the caller (free). Aborts when memory is out. */
char *lab_text(const struct lab_text *knobs, enum lab_member m);

/* ---- members ---- */

/* Start, or start again: after a crash in the same namespace, after power off in a fresh one. */
bool lab_start(struct lab *l, enum lab_member m, char *err);
/* Replace the text that the next lab_start uses (copied). */
void lab_set_text(struct lab *l, enum lab_member m, const char *text);
/*
 * Clocks that differ: from the next lab_start on the member's CLOCK_MONOTONIC and CLOCK_BOOTTIME are
 * ahead of this machine's by that much (time_namespaces(7); seconds to days, 0: not at all). Its
 * wall clock is the machine's. lab_can_shift: whether the kernel has time namespaces; without them
 * lab_start fails, and a case that needs them says so beforehand.
 */
void lab_set_clock(struct lab *l, enum lab_member m, ns_t ahead);
bool lab_can_shift(const struct lab *l);
/* Replace it, and tell the member that runs to read it again (SIGHUP). false: it cannot be written. */
bool lab_reload(struct lab *l, enum lab_member m, const char *text);
bool lab_alive(const struct lab *l, enum lab_member m);
pid_t lab_pid(const struct lab *l, enum lab_member m); /* inside the enclosure; 0 = none (sim: always) */

/* Has the member's kernel, now, a route of the router's own protocol number to that prefix? What
 * came and went is in the trace: EVENT_ROUTE_ADD, EVENT_ROUTE_DEL. */
bool lab_routed(struct lab *l, enum lab_member m, ip4_t net, uint8_t len);

/* How a member's process last ended. */
enum lab_end {
	LAB_END_NONE,  /* it has not ended */
	LAB_END_ASKED, /* stop, crash or power off by the lab; exit status 0 or our own signal */
	LAB_END_BAD    /* by itself, or with a status other than 0 when asked to stop */
};
enum lab_end lab_exit(const struct lab *l, enum lab_member m, int *wait_status);
/* True once any process of this member ended LAB_END_BAD. */
bool lab_died(const struct lab *l, enum lab_member m);

/* ---- stations: peers and hosts of the harness ---- */

/* All three may be NULL. `frame` borrows bytes for the call. Times are the lab's. */
struct lab_station {
	void *self; /* borrowed until detached */
	void (*frame)(void *self, ns_t now, const uint8_t *bytes, size_t len);
	void (*tick)(void *self, ns_t now);
	ns_t (*deadline)(const void *self); /* NS_NEVER = waits for nothing */
};
/* Plug a station in at PORT_PEER or later; NULL unplugs. */
void lab_attach(struct lab *l, enum lab_port p, const struct lab_station *s);
/* Call see(ctx, no) for each frame once it has got its number and its fate (a delayed one: so far);
 * NULL takes it back. */
void lab_follow(struct lab *l, void (*see)(void *ctx, size_t no), void *ctx);
/* What a station at port p sends (copied). Use it as its send callback. */
void lab_send(struct lab *l, enum lab_port p, const void *bytes, size_t len);

/* A frame as if it had come from the device at p: the switch handles it as such. */
void lab_inject(struct lab *l, enum lab_port p, const void *bytes, size_t len);
/* A frame that only the device at p gets (a member or a station); in the trace it comes in at the
 * segment's probe. */
void lab_deliver(struct lab *l, enum lab_port p, const void *bytes, size_t len);

/* ---- faults ---- */

enum lab_fault_kind {
	FAULT_POWER_OFF, /* member */
	FAULT_CRASH,	 /* member: SIGKILL of twind alone */
	FAULT_STOP,	 /* member: SIGTERM; it resigns, and ends */
	FAULT_CABLE_OUT, /* port: the member's carrier is lost too */
	FAULT_CABLE_IN,	 /* port */
	FAULT_PARTITION, /* segment; far = ports on the far side, as bits */
	FAULT_HEAL,	 /* segment */
	FAULT_LOSS,	 /* port, both directions; ppm */
	FAULT_DISTURB,	 /* *disturb begins (disturb.h) */
	FAULT_CALL	 /* call(ctx), for what the list lacks */
};

struct lab_disturb;

struct lab_fault {
	enum lab_fault_kind kind;
	enum lab_member member;
	enum lab_port port;
	enum trace_segment segment;
	unsigned far;
	uint32_t ppm;
	const struct lab_disturb *disturb; /* borrowed until it happens */
	void (*call)(void *ctx);
	void *ctx;
};

void lab_fault(struct lab *l, const struct lab_fault *f);
/* The usual ones by name. */
void lab_power_off(struct lab *l, enum lab_member m);
void lab_crash(struct lab *l, enum lab_member m);
void lab_stop(struct lab *l, enum lab_member m);
void lab_cable(struct lab *l, enum lab_port p, bool in);
void lab_part(struct lab *l, enum trace_segment s, unsigned far);
void lab_heal(struct lab *l, enum trace_segment s);
void lab_loss(struct lab *l, enum lab_port p, uint32_t ppm);

/*
 * Exactly after the first frame from now on for which match is true, do the fault. At most
 * LAB_ARMED are armed at once. Returns a handle for lab_fired.
 */
#define LAB_ARMED 16
typedef bool lab_match(const struct frame *f, void *ctx);
int lab_after(struct lab *l, lab_match *match, void *ctx, const struct lab_fault *f);
/* The frame after which it happened, or TRACE_NONE while it is still armed. */
size_t lab_fired(const struct lab *l, int handle);
/* The same at an instant: at the first event not before `at`. */
int lab_at(struct lab *l, ns_t at, const struct lab_fault *f);

/* Frames of a member that the kernel still handed over after its power off, and were discarded. */
uint64_t lab_suppressed(const struct lab *l, enum lab_member m);

/* ---- letting time pass ---- */

/*
 * Run the world until pred(ctx) is true (asked after every event) or `limit` has passed. True if
 * pred was. `what` says what is waited for, in words: it is kept for the failure text.
 */
bool lab_until(struct lab *l, const char *what, ns_t limit, bool (*pred)(void *ctx), void *ctx);
void lab_run(struct lab *l, ns_t span);
/*
 * Call over(ctx) once the clock has passed `at`, between two events; it must not return (longjmp).
 * NS_NEVER takes it back.
 */
void lab_limit(struct lab *l, ns_t at, void (*over)(void *ctx), void *ctx);
/* What the last lab_until waited for, and how it ended: "waited 3.0 s for A to be active". */
const char *lab_waited(const struct lab *l);

/*
 * Ask a member's console ("show standby --json"); the world keeps running. *reply is owned by
 * the caller (json_decref). False, with *reply NULL, if it did not answer JSON within 2 s.
 */
bool lab_ask(struct lab *l, enum lab_member m, const char *line, json_t **reply);
/* The same, the reply as text; owned by the caller (free); NULL if none came. */
char *lab_ask_text(struct lab *l, enum lab_member m, const char *line);

/* ---- was the lab itself in time? ---- */

/*
 * The worst lateness since lab_open or lab_late_reset: of its own 10 ms timer, of frames when
 * they were read, and of the members' processes waiting for a CPU (where the kernel tells).
 */
ns_t lab_late_ns(const struct lab *l);
/* The longest wait for the kernel's lock over links and routes, which other labs hold, too. */
ns_t lab_kernel_late_ns(const struct lab *l);
void lab_late_reset(struct lab *l);
/* Frames that a capture buffer lost; a case with any is inconclusive. */
uint64_t lab_dropped(struct lab *l);

#endif
