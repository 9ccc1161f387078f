/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness/lab/guest_flow.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/field/pkt.h"

#define BEAT NS_PER_MS
#define TRANSFERS 4
#define CHUNK 4096
#define WORTH 1200	   /* octets: no packets smaller than that for want of waiting */
#define PING_TIME NS_PER_S /* an answer that takes longer is none */
#define PINGS_MAX 65535
#define FNV_START 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

struct pinger {
	int fd;
	ip4_t dst;
	ns_t every, next;
	uint32_t sent, twice;
	ns_t at[PINGS_MAX];
	bool came[PINGS_MAX];
};

struct transfer {
	int listener, out, in;
	uint32_t bytes_per_s;
	ns_t begun;
	struct guest_transfer seen;
};

struct guest_flow {
	struct lab *lab;
	enum lab_port clock;
	ns_t next;
	bool stopped;
	ns_t stopped_at;
	struct pinger ping;
	struct transfer tcp[TRANSFERS];
	size_t tcp_cnt;
};

/* ---- pings ---- */

static void
ping_send(struct pinger *p, ns_t now)
{
	uint8_t echo[64] = {ICMP_ECHO, 0, 0, 0, 0x7e, 0x57};

	if (p->sent == PINGS_MAX)
		return;
	echo[6] = (uint8_t)(p->sent >> 8);
	echo[7] = (uint8_t)p->sent;
	pkt_put_sum(echo + 2, pkt_sum(echo, sizeof echo, 0));
	/* A full buffer or no route is a ping that was not answered. */
	(void)!send(p->fd, echo, sizeof echo, MSG_NOSIGNAL);
	p->at[p->sent++] = now;
}

static void
ping_receive(struct pinger *p)
{
	uint8_t in[256];
	ssize_t got;

	while ((got = recv(p->fd, in, sizeof in, 0)) > 0) {
		const uint8_t *icmp = in + (size_t)(in[0] & 15) * 4;
		unsigned no;

		if (icmp + 8 > in + got || icmp[0] != ICMP_ECHOREPLY || icmp[4] != 0x7e ||
			icmp[5] != 0x57)
			continue;
		no = (unsigned)icmp[6] << 8 | icmp[7];
		if (no >= p->sent)
			continue;
		p->twice += p->came[no];
		p->came[no] = true;
	}
}

bool
guest_flow_ping(struct guest_flow *f, enum lab_port from, ip4_t src, ip4_t dst, ns_t every)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(src)}};
	int fd = guest_socket(f->lab, from, AF_INET, SOCK_RAW, IPPROTO_ICMP);

	f->ping.fd = fd;
	f->ping.every = every;
	f->ping.dst = dst;
	f->ping.next = lab_now(f->lab);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0)
		return false;
	a.sin_addr.s_addr = htonl(dst);
	return connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
}

void
guest_flow_pings(const struct guest_flow *f, struct guest_pings *r)
{
	const struct pinger *p = &f->ping;
	uint32_t run = 0;

	*r = (struct guest_pings){.sent = p->sent, .twice = p->twice};
	for (uint32_t i = 0; i < p->sent; i++) {
		run = p->came[i] ? 0 : run + 1;
		r->came += p->came[i];
		if (run <= r->longest)
			continue;
		r->longest = run;
		r->gap_from = p->at[i + 1 - run];
	}
	r->gap = r->longest * p->every;
}

/* ---- transfers ---- */

/* The byte at a place of the stream: no period that a lost piece could hide in. */
static uint8_t
byte_at(uint64_t place)
{
	uint64_t z = place * 0x9e3779b97f4a7c15u;

	return (uint8_t)(z >> 56 ^ z >> 32);
}

static void
fill(uint8_t *b, size_t len, uint64_t place)
{
	for (size_t i = 0; i < len; i++)
		b[i] = byte_at(place + i);
}

static uint64_t
sum(uint64_t so_far, const uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		so_far = (so_far ^ b[i]) * FNV_PRIME;
	return so_far;
}

static bool
would_block(void)
{
	return errno == EAGAIN || errno == EINPROGRESS || errno == ENOTCONN;
}

static void
push(struct transfer *t, ns_t now)
{
	uint8_t b[CHUNK];
	uint64_t due = (uint64_t)(now - t->begun) / 1000 * t->bytes_per_s / 1000000;

	if (due - t->seen.sent < WORTH && due > t->seen.sent)
		return;
	while (t->seen.sent < due && !t->seen.broken) {
		size_t len = due - t->seen.sent < CHUNK ? (size_t)(due - t->seen.sent) : CHUNK;
		ssize_t put;

		fill(b, len, t->seen.sent);
		put = send(t->out, b, len, MSG_NOSIGNAL);
		if (put < 0) {
			t->seen.broken = t->seen.broken || !would_block();
			return;
		}
		t->seen.sum_sent = sum(t->seen.sum_sent, b, (size_t)put);
		t->seen.sent += (uint64_t)put;
	}
}

static void
pull(struct transfer *t)
{
	uint8_t b[CHUNK];
	ssize_t got;

	if (t->in < 0)
		t->in = accept4(t->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (t->in < 0)
		return;
	t->seen.connected = true;
	while ((got = recv(t->in, b, sizeof b, 0)) > 0) {
		for (ssize_t i = 0; i < got; i++)
			t->seen.wrong += b[i] != byte_at(t->seen.came + (uint64_t)i);
		t->seen.sum_came = sum(t->seen.sum_came, b, (size_t)got);
		t->seen.came += (uint64_t)got;
	}
	if (got == 0 || !would_block())
		t->seen.broken = true;
}

bool
guest_flow_tcp(struct guest_flow *f, enum lab_port from, ip4_t src, enum lab_port to, ip4_t dst,
	uint16_t port, uint32_t bytes_per_s)
{
	struct transfer *t = &f->tcp[f->tcp_cnt];
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_addr = {htonl(dst)}, .sin_port = htons(port)};

	assert(f->tcp_cnt < TRANSFERS);
	*t = (struct transfer){.in = -1,
		.bytes_per_s = bytes_per_s,
		.begun = lab_now(f->lab),
		.seen = {.sum_sent = FNV_START, .sum_came = FNV_START}};
	t->listener = guest_socket(f->lab, to, AF_INET, SOCK_STREAM, 0);
	t->out = guest_socket(f->lab, from, AF_INET, SOCK_STREAM, 0);
	f->tcp_cnt++;
	if (t->listener < 0 || t->out < 0 ||
		bind(t->listener, (struct sockaddr *)&a, sizeof a) != 0 ||
		listen(t->listener, 1) != 0)
		return false;
	a.sin_port = 0;
	a.sin_addr.s_addr = htonl(src);
	if (bind(t->out, (struct sockaddr *)&a, sizeof a) != 0)
		return false;
	a.sin_port = htons(port);
	a.sin_addr.s_addr = htonl(dst);
	return connect(t->out, (struct sockaddr *)&a, sizeof a) == 0 || errno == EINPROGRESS;
}

bool
guest_flow_transfer(const struct guest_flow *f, size_t n, struct guest_transfer *t)
{
	if (n >= f->tcp_cnt)
		return false;
	*t = f->tcp[n].seen;
	return true;
}

/* ---- all of it ---- */

static void
beat(void *self, ns_t now)
{
	struct guest_flow *f = self;

	f->next = now + BEAT;
	if (f->ping.fd >= 0) {
		ping_receive(&f->ping);
		for (; !f->stopped && f->ping.next <= now; f->ping.next += f->ping.every)
			ping_send(&f->ping, now);
	}
	for (size_t i = 0; i < f->tcp_cnt; i++) {
		if (!f->stopped)
			push(&f->tcp[i], now);
		pull(&f->tcp[i]);
	}
}

static ns_t
due(const void *self)
{
	const struct guest_flow *f = self;

	return f->next;
}

struct guest_flow *
guest_flow_new(struct lab *l, enum lab_port clock)
{
	struct guest_flow *f = calloc(1, sizeof *f);

	if (!f)
		abort();
	f->lab = l;
	f->clock = clock;
	f->next = lab_now(l);
	f->ping.fd = -1;
	lab_attach(l, clock, &(struct lab_station){.self = f, .tick = beat, .deadline = due});
	return f;
}

void
guest_flow_free(struct guest_flow *f)
{
	if (!f)
		return;
	lab_attach(f->lab, f->clock, NULL);
	if (f->ping.fd >= 0)
		close(f->ping.fd);
	for (size_t i = 0; i < f->tcp_cnt; i++) {
		close(f->tcp[i].out);
		close(f->tcp[i].listener);
		if (f->tcp[i].in >= 0)
			close(f->tcp[i].in);
	}
	free(f);
}

void
guest_flow_stop(struct guest_flow *f)
{
	f->stopped = true;
	f->stopped_at = lab_now(f->lab);
}

bool
guest_flow_settled(const struct guest_flow *f)
{
	if (!f->stopped || lab_now(f->lab) < f->stopped_at + PING_TIME)
		return false;
	for (size_t i = 0; i < f->tcp_cnt; i++)
		if (f->tcp[i].seen.came < f->tcp[i].seen.sent && !f->tcp[i].seen.broken)
			return false;
	return true;
}
