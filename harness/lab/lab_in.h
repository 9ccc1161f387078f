/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_LAB_LAB_IN_H
#define BATON_LAB_LAB_IN_H

/* What the files of harness/lab share, grouped by file, and nobody else sees. */
#include <pthread.h>
#include <stdatomic.h>

#include "harness/lab/lab.h"
#include "harness/link/link.h"

#define LAB_PATH 256
#define HEARTBEAT (10 * NS_PER_MS)
#define NODE_IFS 3
#define MEMBER_PORTS (LAB_MEMBERS * NODE_IFS)
#define MACS 64 /* learned addresses a segment */
#define RUN_DIR "/run/baton"

struct port {
	struct link *link;  /* members' ports only; NULL while the node has never been up */
	char ifname[16];    /* the lab's end of the cable */
	bool readable;	    /* epoll says so */
	bool has_head;
	struct link_frame head; /* the next frame of this port, not yet handled */
	ns_t head_at;		/* its stamp on our clock */
	bool on, plugged;	/* power, cable */
	ns_t pulled_at;		/* the cable is out, and the member's kernel has not said so yet; 0: it has */
	unsigned side;		/* of a partitioned segment: 0 or 1 */
	uint32_t ppm;		/* loss */
	struct lab_station station;
	bool attached;
};

/* pulse.c: how long the kernel's one lock over links and routes is waited for. */
struct pulse {
	pthread_t thread;
	int stop; /* eventfd */
	bool on;
	_Atomic ns_t since, longest; /* of the wait that lasts (0: none), and of the longest */
};
bool pulse_start(struct pulse *p);
void pulse_stop(struct pulse *p);
ns_t pulse_late(const struct pulse *p);
void pulse_reset(struct pulse *p);

/* A frame that waits for the switch: sent by a station, or put in by a case. */
struct waiting {
	struct waiting *next;
	enum lab_port port;
	bool injected;
	int only; /* -1, or the one port that gets it */
	size_t len;
	uint8_t bytes[];
};

struct learned {
	struct mac mac;
	uint8_t port;
	ns_t at;
};

struct node {
	bool runs; /* its router */
	int netns; /* -1: none */
	unsigned generation;
	pid_t pid; /* twind's; 0 = not running */
	int pidfd;
	int schedstat; /* -1: the kernel does not tell */
	uint64_t waited_ns; /* its last reading */
	bool asked_to_end, killed, died, ended;
	int status; /* wait status of the last end */
	uint64_t suppressed;
	struct mnl_socket *hear, *inquire; /* routes.c */
	unsigned inquiries;
	ns_t ahead; /* of the machine's clock, from the next start on */
	char *text;
	char conf[LAB_PATH], log[LAB_PATH], err_log[LAB_PATH], keylog[LAB_PATH], control[LAB_PATH];
};

struct armed {
	bool used;
	lab_match *match; /* NULL: at an instant */
	void *ctx;
	ns_t at;
	struct lab_fault fault;
	size_t fired; /* frame, or TRACE_NONE */
	bool done;
};

/*
 * A kind of lab: what its members are, and whose clock it goes by. All that cases see beside that
 * (switch, faults, disturbances, stations, trace, waits) is the same code for all. A function that
 * may be NULL says so.
 */
struct lab_kind {
	const char *name;
	bool plain_sync; /* the sync channel has no TLS */
	ns_t (*clock)(const struct lab *l);
	ns_t (*epoch)(const struct lab *l); /* what is to be added for the wall clock */
	/* Machines and cables; no router runs. l->now is set. False and a text in err. */
	bool (*open)(struct lab *l, char *err);
	void (*close)(struct lab *l); /* also of what is half open */
	/* Handle one event, or wait for one, not beyond `until`: loop_limit, then what is due first. */
	void (*step)(struct lab *l, ns_t until);
	/* A frame for the device at a member's port. False: it did not take it. */
	bool (*give)(struct lab *l, enum lab_port p, const uint8_t *bytes, size_t len);
	void (*cable)(struct lab *l, enum lab_port p, bool in);
	void (*power_off)(struct lab *l, enum lab_member m); /* its ports are off already */
	bool (*power_on)(struct lab *l, enum lab_member m, char *err); /* another machine */
	/* Its router: n->runs and what belongs to it is theirs to keep. launched: once EVENT_START is told. */
	bool (*launch)(struct lab *l, enum lab_member m, char *err);
	void (*launched)(struct lab *l, enum lab_member m);
	void (*end)(struct lab *l, enum lab_member m, int sig); /* SIGTERM or SIGKILL */
	void (*reap)(struct lab *l, enum lab_member m, bool wait); /* after SIGKILL */
	void (*wind_down)(struct lab *l); /* all have been told to end: until they have */
	bool (*reload)(struct lab *l, enum lab_member m); /* its file has another text */
	char *(*ask)(struct lab *l, enum lab_member m, const char *line);
	bool (*routed)(struct lab *l, enum lab_member m, struct ip4_net net);
	ns_t (*late)(const struct lab *l); /* NULL: never */
	ns_t (*kernel_late)(const struct lab *l);
	void (*late_reset)(struct lab *l);
	uint64_t (*dropped)(struct lab *l); /* NULL: none */
	bool (*can_shift)(void);
};
extern const struct lab_kind lab_netns, lab_sim;

struct ask;	     /* ask.c */
struct disturbances; /* disturb.c */
struct guests; /* guest.c */
struct sim;    /* sim.c */

struct lab {
	const struct lab_kind *kind;
	struct lab_config cfg;
	char twind[LAB_PATH], out_dir[LAB_PATH], mutant[64];
	int home; /* the lab's own network namespace */
	int epoll, timer;
	struct trace *trace;
	void (*see)(void *ctx, size_t no); /* of who follows the frames; NULL */
	void *see_ctx;
	uint64_t random;
	ns_t now;
	struct port port[PORT_CNT];
	struct node node[LAB_MEMBERS];
	struct learned macs[SEG_CNT][MACS];
	size_t mac_cnt[SEG_CNT];
	struct waiting *wait_head, **wait_tail;
	struct armed armed[LAB_ARMED];
	struct ask *ask;
	struct disturbances *disturb; /* NULL: there never was one */
	struct guests *guests; /* NULL until there is one */
	struct sim *sim;       /* the lab sim alone */
	ns_t limit;
	void (*over)(void *ctx);
	void *over_ctx;
	ns_t beat_due, late;
	struct pulse pulse;
	uint64_t dropped; /* of captures already closed */
	char waited[256];
};

/* epoll tags: a port's number, or these and a member (a guest: twice its number, and one more for its routes). */
enum { TAG_TIMER = 100, TAG_ASK = 101, TAG_PROCESS = 200, TAG_ROUTES = 300, TAG_GUEST = 400 };

/* netns.c */
ns_t lab_clock(void);
bool lab_watch(struct lab *l, int fd, uint32_t tag, uint32_t events);

/* lab.c */
enum trace_segment lab_port_segment(enum lab_port p);
enum trace_who lab_port_who(enum lab_port p);
void lab_event(struct lab *l, const struct trace_event *e);
void lab_tell_route(struct lab *l, enum lab_member m, bool came, struct ip4_net net);

/* net.c: netlink, all in the namespace of the caller */
bool net_veth(const char *name, int index, const struct mac *mac, const char *other,
	int other_index, int other_ns, char *err);
bool net_up(const char *name, bool up, char *err);
bool net_address(const char *name, struct ip4_net net, char *err);
bool net_gateway(ip4_t gateway, char *err); /* the default route */

/* node.c */
bool node_make(struct lab *l, enum lab_member m, char *err);
void node_retire(struct lab *l, enum lab_member m); /* links closed, namespace let go */
bool node_renew(struct lab *l, enum lab_member m, char *err);
void node_settle(void); /* in a fresh network namespace */

/* member.c */
void member_kill(struct lab *l, enum lab_member m, int sig);
void member_ended(struct lab *l, enum lab_member m, int status);

/* process.c */
bool member_launch(struct lab *l, enum lab_member m, char *err);
void member_reap(struct lab *l, enum lab_member m, bool wait);
void member_signal(struct lab *l, enum lab_member m, int sig);
void member_wind_down(struct lab *l);
bool member_reload(struct lab *l, enum lab_member m);
void member_lateness(struct lab *l, enum lab_member m);

/* switch.c */
void switch_frame(struct lab *l, enum lab_port p, const void *bytes, size_t len, unsigned fate,
	int only);
void switch_queue(struct lab *l, enum lab_port p, const void *bytes, size_t len, bool injected,
	int only);
bool switch_waiting(struct lab *l); /* handle one queued frame, if there is one */
/* A frame goes on behind its own port; comes out at another. changed: its bytes were spoilt. */
void switch_go_on(struct lab *l, size_t no, enum lab_port from, const uint8_t *bytes, size_t len,
	bool changed);
void switch_come_out(struct lab *l, size_t no, enum lab_port to, const uint8_t *bytes, size_t len,
	bool changed);
void switch_forget(struct lab *l, enum lab_port p);

/* fault.c */
void fault_after_frame(struct lab *l, size_t no);
void fault_due(struct lab *l, ns_t now);
ns_t fault_deadline(const struct lab *l);

/* disturb.c */
/* True if the frame does not go on by itself now: it is lost, or will be let go later. */
bool disturb_frame(struct lab *l, size_t no, enum lab_port port, int way, const uint8_t *bytes,
	size_t len, bool *changed);
void disturb_due(struct lab *l, ns_t now);
ns_t disturb_deadline(const struct lab *l);
void disturb_free(struct lab *l);

/* loop.c */
void loop_step(struct lab *l, ns_t until);
/* The earliest deadline of stations, faults and disturbances; *station: the port of the station that
 * it is for, or -1. */
ns_t loop_deadline(const struct lab *l, int *station);
void loop_fire(struct lab *l, ns_t due, int station);
void loop_advance(struct lab *l, ns_t to);
void loop_limit(struct lab *l, ns_t clock);

/* routes.c */
bool routes_open(struct lab *l, enum lab_member m, char *err); /* in the node's namespace */
void routes_close(struct lab *l, enum lab_member m);
void routes_event(struct lab *l, enum lab_member m);
void routes_list(struct lab *l, enum lab_member m); /* an event for each that is there */
bool routes_routed(struct lab *l, enum lab_member m, struct ip4_net net);

/* ask.c */
void ask_event(struct lab *l);
char *ask_text(struct lab *l, enum lab_member m, const char *line);

/* guest.c, guest_program.c, guest_routes.c */
void guest_event(struct lab *l, uint32_t tag);
void guest_power_off(struct lab *l, enum lab_member m); /* programs on its machine are killed */
void guest_wind_down(struct lab *l);
void guest_free(struct lab *l);

#endif
