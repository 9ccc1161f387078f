/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ESP end to end: two gateways of one kind, back to back over plain cables, a sender before the first
 * and a counter behind the second. The rate goes up until packets are lost; the best that arrived
 * counts. Reference router and strongSwan (kernel-libipsec, in UDP as it must) in the same run.
 *
 *	sender 10.0.0.2 --- gw1 --- 172.16.31.0/24 --- gw2 --- 10.2.0.2 counter
 */
#include "harness/bin/bench.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/bin/baton.h"
#include "harness/lab/lab.h"

#define CHARON "/usr/lib/ipsec/charon"
#define PORT 7777
#define CARS 64		/* packets in a train, at most */
#define TRAIN_MAX 65000 /* octets of payload in it, at most */
#define READS 8		/* messages read at once */

struct through {
	struct bench_place place; /* first: what is enclosed gets it */
	bool swan;
	pid_t gw[2];
	int tx, rx;
};

__attribute__((format(printf, 1, 2))) static bool
sh(const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	if (system(line) == 0)
		return true;
	(void)fprintf(stderr, "bench through: %s\n", line);
	return false;
}

/* Four namespaces in a row. With twind the middle addresses are virtual, and it sets its own. */
static bool
wires(bool swan)
{
	static const char *const names[] = {"bg", "b1", "b2", "bs"};

	for (unsigned i = 0; i < 4; i++)
		if (!sh("ip netns add %s && ip -n %s link set lo up", names[i], names[i]))
			return false;
	return sh("ip link add eth0 netns bg type veth peer name eth1 netns b1") &&
	       sh("ip link add eth0 netns b1 type veth peer name eth0 netns b2") &&
	       sh("ip link add eth1 netns b2 type veth peer name eth0 netns bs") &&
	       sh("ip -n bg addr add 10.0.0.2/24 dev eth0 && ip -n bg link set eth0 up && "
		  "ip -n bg route add default via 10.0.0.1") &&
	       sh("ip -n bs addr add 10.2.0.2/24 dev eth0 && ip -n bs link set eth0 up && "
		  "ip -n bs route add default via 10.2.0.1") &&
	       (!swan || (sh("ip -n b1 addr add 10.0.0.1/24 dev eth1 && ip -n b1 addr add "
			     "172.16.31.100/24 dev eth0") &&
				 sh("ip -n b2 addr add 10.2.0.1/24 dev eth1 && ip -n b2 addr add "
				    "172.16.31.200/24 dev eth0") &&
				 sh("for n in b1 b2; do ip -n $n link set eth0 up && ip -n $n link set eth1 "
				    "up && ip netns exec $n sysctl -qw net.ipv4.ip_forward=1; done")));
}

static void
wires_down(void)
{
	(void)system("for n in bg b1 b2 bs; do ip netns del $n 2>/dev/null; done");
}

/* A UDP socket that lives in that namespace. */
static int
socket_in(const char *netns)
{
	char path[64];
	int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), there, s = -1, big = 64 << 20;

	(void)snprintf(path, sizeof path, "/run/netns/%s", netns);
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (here >= 0 && there >= 0 && setns(there, CLONE_NEWNET) == 0) {
		s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		(void)setns(here, CLONE_NEWNET);
	}
	if (here >= 0)
		(void)close(here);
	if (there >= 0)
		(void)close(there);
	if (s >= 0) {
		(void)setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof big);
		(void)setsockopt(s, SOL_SOCKET, SO_SNDBUFFORCE, &big, sizeof big);
	}
	return s;
}

static bool
sockets(struct through *t)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	int on = 1;

	t->tx = socket_in("bg");
	t->rx = socket_in("bs");
	to.sin_addr.s_addr = htonl(IP4(10, 2, 0, 2));
	(void)setsockopt(t->rx, IPPROTO_UDP, UDP_GRO, &on, sizeof on);
	return t->tx >= 0 && t->rx >= 0 && bind(t->rx, (struct sockaddr *)&to, sizeof to) == 0 &&
	       connect(t->tx, (struct sockaddr *)&to, sizeof to) == 0;
}

/* ---- the gateways ---- */

static bool
write_file(const char *dir, const char *name, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static bool
write_file(const char *dir, const char *name, const char *fmt, ...)
{
	char path[256];
	va_list ap;
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "w");
	if (!f)
		return false;
	va_start(ap, fmt);
	(void)vfprintf(f, fmt, ap);
	va_end(ap);
	return fclose(f) == 0;
}

static pid_t
spawn(const char *line)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)setpgid(0, 0);
		(void)execl("/bin/sh", "sh", "-c", line, (char *)NULL);
		_exit(127);
	}
	return pid;
}

static bool
twinds(struct through *t, bool gcm)
{
	char line[512];

	for (unsigned i = 0; i < 2; i++) {
		char name[16];

		(void)snprintf(name, sizeof name, "gw%u.conf", i);
		if (!write_file(t->place.dir, name,
			    "crypto isakmp policy 10\n encryption aes\n hash sha\n authentication pre-share\n"
			    " group 19\n lifetime 86400\ncrypto isakmp key bench address 172.16.31.%u\n"
			    "crypto ipsec transform-set T %s\n"
			    "access-list 101 permit ip 10.%u.0.0 0.0.0.255 10.%u.0.0 0.0.0.255\n"
			    "crypto map M 1 ipsec-isakmp\n set peer 172.16.31.%u\n set transform-set T\n"
			    " match address 101\n"
			    "interface eth0\n ip address 172.16.31.%u 255.255.255.0\n"
			    " standby %u ip 172.16.31.%u\n standby %u timers msec 200 msec 800\n"
			    " crypto map M\n"
			    "interface eth1\n ip address 10.%u.0.1 255.255.255.0\n"
			    "ip route 10.%u.0.0 255.255.255.0 172.16.31.%u\nend\n",
			    i ? 100 : 200, gcm ? "esp-gcm" : "esp-aes esp-sha-hmac", i ? 2 : 0, i ? 0 : 2,
			    i ? 100 : 200, i + 1, i + 1, i ? 200 : 100, i + 1, i ? 2 : 0, i ? 0 : 2,
			    i ? 100 : 200))
			return false;
		(void)snprintf(line, sizeof line,
			"exec ip netns exec b%u %s --config %s/gw%u.conf --log %s/gw%u.log 2>/dev/null",
			i + 1, baton_beside("twind"), t->place.dir, i, t->place.dir, i);
		t->gw[i] = spawn(line);
	}
	return t->gw[0] > 0 && t->gw[1] > 0;
}

static bool
charons(struct through *t, bool gcm)
{
	char line[1024];

	for (unsigned i = 0; i < 2; i++) {
		char dir[200];

		(void)snprintf(dir, sizeof dir, "%s/swan%u", t->place.dir, i);
		if (!sh("mkdir -p %s", dir) ||
			!write_file(dir, "strongswan.conf",
				"charon {\n load = random nonce aes sha1 sha2 hmac kdf openssl gmp curve25519 "
				"kernel-libipsec kernel-netlink socket-default vici updown\n"
				" filelog {\n  stderr {\n   default = -1\n  }\n }\n}\n") ||
			!write_file(dir, "swanctl.conf",
				"connections {\n b {\n  version = 1\n  local_addrs = 172.16.31.%u\n"
				"  remote_addrs = 172.16.31.%u\n  proposals = aes128-sha1-ecp256\n"
				"  local {\n   auth = psk\n  }\n  remote {\n   auth = psk\n  }\n"
				"  children {\n   net {\n    local_ts = 10.%u.0.0/24\n"
				"    remote_ts = 10.%u.0.0/24\n    esp_proposals = %s\n"
				"    start_action = trap\n   }\n  }\n }\n}\n"
				"secrets {\n ike-b {\n  secret = \"bench\"\n }\n}\n",
				i ? 200 : 100, i ? 100 : 200, i ? 2 : 0, i ? 0 : 2,
				gcm ? "aes128gcm16" : "aes128-sha1"))
			return false;
		(void)snprintf(line, sizeof line,
			"exec ip netns exec b%u unshare -m sh -c '"
			"mount -t tmpfs none /run && mount --bind %s /etc/swanctl && "
			"export STRONGSWAN_CONF=/etc/swanctl/strongswan.conf && { " CHARON " & } && "
			"n=0; until [ -S /run/charon.vici ] || [ $n -gt 100 ]; do n=$((n+1)); sleep 0.1; done; "
			"swanctl --load-all --noprompt >/dev/null; %s; wait' 2>/dev/null",
			i + 1, dir,
			i ? ":" : "n=0; until swanctl --initiate --child net --timeout 3 >/dev/null || "
				  "[ $n -gt 5 ]; do n=$((n+1)); done");
		t->gw[i] = spawn(line);
	}
	return t->gw[0] > 0 && t->gw[1] > 0;
}

static void
stop(struct through *t)
{
	for (unsigned i = 0; i < 2; i++)
		if (t->gw[i] > 0) {
			(void)kill(-t->gw[i], SIGKILL);
			(void)waitpid(t->gw[i], NULL, 0);
		}
	(void)system("for n in b1 b2; do for p in $(ip netns pids $n 2>/dev/null); do kill -9 $p; done; done");
	if (t->tx >= 0)
		(void)close(t->tx);
	if (t->rx >= 0)
		(void)close(t->rx);
	wires_down();
}

/* ---- measuring ---- */

/* Octets that have arrived; the kernel may hand over several packets of the flow as one. */
static uint64_t
arrived(int s)
{
	static uint8_t b[READS][65536];
	struct mmsghdr m[READS];
	struct iovec iov[READS];
	uint64_t octets = 0;
	int n;

	memset(m, 0, sizeof m);
	for (unsigned i = 0; i < READS; i++) {
		iov[i] = (struct iovec){b[i], sizeof b[i]};
		m[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
	}
	do {
		n = recvmmsg(s, m, READS, MSG_DONTWAIT, NULL);
		for (int i = 0; i < n; i++)
			octets += m[i].msg_len;
	} while (n == READS);
	return octets;
}

static bool
comes_through(struct through *t, ns_t limit)
{
	ns_t until = baton_now() + limit;
	const struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};

	while (baton_now() < until) {
		(void)send(t->tx, "x", 1, MSG_DONTWAIT);
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
		if (arrived(t->rx))
			return true;
	}
	return false;
}

/* How the packets come: each by itself, or many of the flow at once, as a TCP or QUIC sender's do. */
static bool
in_trains(struct through *t, size_t payload, bool trains)
{
	int size = trains ? (int)payload : 0;

	return setsockopt(t->tx, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size) == 0;
}

/* Up to n packets in one system call: how many left. */
static unsigned
depart(struct through *t, size_t payload, bool trains, unsigned n)
{
	static uint8_t b[TRAIN_MAX];
	struct iovec iov = {b, payload};
	struct mmsghdr m[CARS];
	int done;

	if (trains) {
		unsigned cars = n < CARS ? n : CARS;

		if (cars > TRAIN_MAX / payload)
			cars = (unsigned)(TRAIN_MAX / payload);
		return send(t->tx, b, cars * payload, MSG_DONTWAIT) > 0 ? cars : n;
	}
	memset(m, 0, sizeof m);
	for (unsigned i = 0; i < CARS; i++)
		m[i].msg_hdr = (struct msghdr){.msg_iov = &iov, .msg_iovlen = 1};
	done = sendmmsg(t->tx, m, n < CARS ? n : CARS, MSG_DONTWAIT);
	return done > 0 ? (unsigned)done : n;
}

/* Send at that rate for that long; how many arrived. */
static uint64_t
offer(struct through *t, size_t payload, bool trains, uint64_t rate, ns_t span)
{
	ns_t from = baton_now(), end = from + span;
	uint64_t sent = 0, octets = 0;

	while (baton_now() < end) {
		uint64_t due = (uint64_t)(baton_now() - from) * rate / NS_PER_S;
		unsigned n = due > sent ? (unsigned)(due - sent) : 0;

		if (n < (trains ? CARS / 4 : 1)) {
			const struct timespec pause = {.tv_nsec = 100000};

			octets += arrived(t->rx);
			(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
			continue;
		}
		sent += depart(t, payload, trains, n);
	}
	return (octets + arrived(t->rx)) / payload;
}

/* Let go what a gateway still holds. */
static void
settle(struct through *t)
{
	const struct timespec pause = {.tv_nsec = 200 * 1000 * 1000};

	do {
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	} while (arrived(t->rx));
}

/*
 * The most that arrived in a second: the rate goes up by halves until a twentieth is lost, and then
 * between the last two.
 */
static double
best(struct through *t, size_t octets, bool trains)
{
	uint64_t good = 0, rate = 20000, most = 0, got;
	unsigned fine = 0;

	while (rate < 8000000 && fine < 4) {
		got = offer(t, octets - 28, trains, rate, NS_PER_S);
		most = got > most ? got : most;
		settle(t);
		if (got * 20 >= rate * 19) {
			good = rate;
			rate = fine ? rate + rate / 8 : rate * 3 / 2;
		} else {
			fine++;
			rate = good ? good + good / 8 * fine : rate / 2;
		}
	}
	return (double)most;
}

static int
measure(struct through *t, const char *who, bool gcm, FILE *f)
{
	static const size_t sizes[] = {64, 512, 1400};

	for (unsigned trains = 0; trains < 2; trains++)
		for (unsigned i = 0; i < 3; i++) {
			if (!in_trains(t, sizes[i] - 28, trains))
				return 3;
			(void)fprintf(f,
				"{\"bench\": \"esp-through\", \"who\": \"%s\", \"transform\": \"%s\", "
				"\"come\": \"%s\", \"octets\": %zu, \"pps\": %.0f}\n",
				who, gcm ? "esp-gcm" : "esp-aes esp-sha-hmac",
				trains ? "in trains" : "one by one", sizes[i], best(t, sizes[i], trains));
			(void)fflush(f);
		}
	return 0;
}

static int
inside(void *ctx)
{
	struct through *t = ctx;
	FILE *f = fopen(t->place.out, "w");
	int rc = 0;

	for (unsigned gcm = 0; f && !rc && gcm < 2; gcm++) {
		t->tx = t->rx = -1;
		t->gw[0] = t->gw[1] = 0;
		if (!wires(t->swan) || !sockets(t) || !(t->swan ? charons(t, gcm) : twinds(t, gcm)) ||
			!comes_through(t, 30 * NS_PER_S)) {
			(void)fprintf(stderr, "bench through: no tunnel between two %s\n",
				t->swan ? "charons" : "twinds");
			rc = 3;
		}
		if (!rc)
			rc = measure(t, t->swan ? "strongSwan kernel-libipsec" : "twind", gcm, f);
		stop(t);
	}
	if (f)
		(void)fclose(f);
	return rc;
}

static int
series(bool swan, FILE *out)
{
	struct through t = {.swan = swan};

	return bench_enclosed(inside, &t.place, out);
}

int
bench_through(FILE *out)
{
	int rc = series(false, out);

	if (rc)
		return rc;
	if (access(CHARON, X_OK) == 0)
		return series(true, out);
	(void)fprintf(stderr, "bench through: strongSwan is not installed: no peer to compare\n");
	return 0;
}
