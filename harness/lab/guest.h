/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_LAB_GUEST_H
#define BATON_LAB_GUEST_H

/*
 * Guests: other people's software in the lab.
 *
 * A guest *machine* stands where a station of the harness would: a network namespace with lo and
 * eth0, whose cable ends in the switch at that station's port, so that every frame of it is seen as
 * any other. A guest *program* is a process on a guest machine, or on a member's machine beside the
 * router. It has mount and PID namespaces of its own: /run and the folders that it names are empty
 * but for the files given to it, and all its children end with it. Its standard output and error go
 * to <out_dir>/<name>.log.
 *
 * Everything ends with the lab; a member that loses its power takes the programs on its machine
 * along. A program that ends without being asked is remembered (guest_alive, guest_status); the lab
 * judges nothing.
 *
 * Clock, order and errors as in lab.h: what cannot be set up is said in err (LAB_ERR bytes).
 */
#include "harness/lab/lab.h"

/* ---- machines ---- */

struct guest_machine {
	enum lab_port port; /* PORT_PEER or later; no station may be attached there */
	struct ip4_net net; /* .addr is eth0's own address (host order), .len that of its network */
	ip4_t gateway;	    /* of the default route; 0 = none */
	ip4_t inner[4];	    /* more addresses of its own, as /32 on lo; 0 = none */
	bool forwards;	    /* packets between others, too */
};
/* Set it up; it cannot be taken away before lab_close. */
bool guest_machine_open(struct lab *l, const struct guest_machine *m, char *err);
/*
 * A socket (socket(2)) that lives on the machine at that port: a guest's or, at a member's port,
 * the member's. Non-blocking; owned by the caller, who reads and writes it while time passes. -1
 * and errno.
 */
int guest_socket(struct lab *l, enum lab_port p, int domain, int type, int protocol);

/*
 * The kernel's IPv4 routes of a guest machine, main table, as they came and went since
 * guest_routes_watch: whoever put them there, the kernel's own apart. `log` is borrowed until time
 * passes.
 */
struct guest_route {
	ns_t at;
	struct ip4_net net;
	uint8_t protocol; /* rtnetlink(7): 188 is OSPF */
	uint32_t metric;
	bool there;    /* it came, or took the place of one with that metric; else it went */
	unsigned ways; /* next hops */
	ip4_t way;     /* the first of them; 0 = none */
};
bool guest_routes_watch(struct lab *l, enum lab_port p, char *err);
size_t guest_routes(const struct lab *l, enum lab_port p, const struct guest_route **log);
/* What is routed there to exactly that network, now: the number of ways over all routes; the first
 * in *way. */
unsigned guest_routed(const struct lab *l, enum lab_port p, struct ip4_net net, ip4_t *way);

/* ---- programs ---- */

#define GUEST_FILES 8

struct guest_file {
	const char *path; /* absolute, in /run or in a folder of `hide` */
	const char *text;
};

struct guest_program {
	const char *name;	 /* of its log */
	const char *const *argv; /* [0] is the path; ends with NULL */
	const char *hide[4]; /* folders that are empty for it: "/etc/frr"; one that is not there is
				an error */
	struct guest_file file[GUEST_FILES];
	struct guest_file over[2]; /* takes the place of a file of this machine: "/etc/group" */
	const char *env[4];	   /* "NAME=value", beside PATH */
};

struct guest; /* a program that was started; owned by the lab */

/* Is that file there, and may it be run? */
bool guest_installed(const char *path);
bool guest_there(const char *path); /* a file of any kind */
/* Start it on the machine at that port (any port of a member means the member's). NULL and a text
 * in err. */
struct guest *guest_start(struct lab *l, enum lab_port p, const struct guest_program *g, char *err);
bool guest_alive(const struct guest *g);
int guest_status(const struct guest *g); /* wait status of its end; -1 while it lives */
bool guest_died(const struct guest *g);	 /* it ended, and nobody had asked it to */
/* A path of its own file system as this process sees it: sockets and pid files in /run. Truncated
 * to cap. */
const char *guest_path(const struct guest *g, const char *path, char *buf, size_t cap);
const char *guest_log(const struct guest *g); /* the path of its log */
/* What it has said behind the first `from` bytes; owned by the caller (free). Never NULL. */
char *guest_text(const struct guest *g, size_t from);
/* Does its log hold this text, behind the first `from` bytes? */
bool guest_said(const struct guest *g, const char *text, size_t from);
/* How often. */
size_t guest_said_cnt(const struct guest *g, const char *text, size_t from);
size_t guest_log_len(const struct guest *g);
/* SIGTERM, and SIGKILL after 2 s; it has ended when this returns. Time passes. */
void guest_stop(struct guest *g);
/* A signal to the program itself (SIGSTOP, SIGCONT). */
void guest_signal(struct guest *g, int sig);

/*
 * Run a command in the namespaces of a live program (its console) while time passes, for at most
 * `limit`. The output, standard and error as one, is owned by the caller (free); NULL if it could
 * not be started or did not end in time. *status is its wait status.
 */
char *guest_command(struct guest *g, const char *const *argv, ns_t limit, int *status);

#endif
