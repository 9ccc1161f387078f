/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scripted member (mate.h): its connections, and what is remembered of them. TLS is in
 * mate_tls.c, the protocol in mate_ssp.c, TCP in stcp.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/sync/mate_in.h"

#define SYN 0x02
#define TCP_ACK 0x10

static void
no_memory(void)
{
	fprintf(stderr, "mate: out of memory\n");
	abort();
}

void *
mate_grow(void *v, size_t cnt, size_t *cap, size_t size)
{
	if (cnt < *cap)
		return v;
	*cap = *cap ? 2 * *cap : 64;
	v = realloc(v, *cap * size);
	if (!v)
		no_memory();
	return v;
}

/* The identity that docs/spec/ssp.md 1 wants: of the group, from TCP client to server. */
static void
name_channel(struct mate *m)
{
	char us[IP4_TEXT], them[IP4_TEXT];

	ip4_put(us, m->cfg.net.addr);
	ip4_put(them, m->cfg.remote);
	(void)snprintf(m->identity, sizeof m->identity, "baton-ssp/1 group %u from %s to %s",
		m->cfg.group, m->cfg.calls ? us : them, m->cfg.calls ? them : us);
}

struct mate *
mate_new(const struct mate_cfg *cfg, uint64_t seed, struct keyring *ring, netif_send *send,
	void *ctx)
{
	struct mate *m = calloc(1, sizeof *m);

	if (!m)
		return NULL;
	m->cfg = *cfg;
	m->cfg.port = cfg->port ? cfg->port : MATE_PORT;
	m->cfg.keepalive_ms = cfg->keepalive_ms ? cfg->keepalive_ms : 200;
	m->cfg.lease_ms = cfg->lease_ms ? cfg->lease_ms : 1600;
	m->role = cfg->role;
	m->epoch = cfg->role == MATE_ACTIVE;
	m->listens = !cfg->calls;
	m->ring = ring;
	m->seed = seed;
	m->next_port = (uint16_t)(40000 + seed % 20000);
	netif_init(&m->net, &m->cfg.net, send, ctx);
	name_channel(m);
	return m;
}

static void
conn_free(struct conn *c)
{
	mate_tls_free(c);
	stcp_free(&c->tcp);
	free(c);
}

void
mate_free(struct mate *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < MATE_CONNS; i++)
		if (m->conn[i])
			conn_free(m->conn[i]);
	for (size_t i = 0; i < m->msg_cnt; i++)
		free((void *)(uintptr_t)m->msgs[i].bytes);
	mate_forget(m);
	free(m->offered);
	free(m->msgs);
	free(m->notes);
	wipe(m->cfg.key, sizeof m->cfg.key);
	free(m);
}

/* -- connections -- */

struct mate_conn_note *
mate_note(struct conn *c)
{
	return &c->mate->notes[c->no];
}

static void
to_net(void *ctx, ns_t now, const uint8_t *ip, size_t len)
{
	netif_ip(&((struct conn *)ctx)->mate->net, now, ip, len);
}

static void
reject(void *ctx, ns_t now, const uint8_t *ip, size_t len)
{
	netif_ip(&((struct mate *)ctx)->net, now, ip, len);
}

/* A free place, filled; NULL if all are taken. */
static struct conn *
conn_new(struct mate *m, ns_t now, uint16_t lport, uint16_t rport)
{
	struct conn **place = NULL, *c;

	for (size_t i = 0; i < MATE_CONNS && !place; i++)
		if (!m->conn[i])
			place = &m->conn[i];
	if (!place)
		return NULL;
	c = *place = calloc(1, sizeof *c);
	if (!c)
		no_memory();
	c->mate = m;
	c->next = 1;
	c->client = m->cfg.calls;
	c->mode = m->wrong.tls;
	c->alive_at = NS_NEVER;
	stcp_init(&c->tcp, m->cfg.net.addr, lport, m->cfg.remote, rport, to_net, c);
	m->notes = mate_grow(m->notes, m->conn_cnt, &m->note_cap, sizeof *m->notes);
	c->no = m->conn_cnt++;
	m->notes[c->no] = (struct mate_conn_note){.began = now};
	if (!mate_tls_begin(c)) {
		fprintf(stderr, "mate: TLS could not be set up\n");
		abort();
	}
	return c;
}

static struct conn *
conn_of(const struct mate *m, size_t no)
{
	for (size_t i = 0; i < MATE_CONNS; i++)
		if (m->conn[i] && m->conn[i]->no == no)
			return m->conn[i];
	return NULL;
}

/* What came goes up; then what both sides have ended is over. */
static void
pump(struct conn *c, ns_t now)
{
	uint8_t bytes[4096];
	size_t len;

	c->tcp.piece = c->mate->wrong.drip ? 7 : STCP_MSS;
	if (c->tcp.state == STCP_OPEN && !c->started) {
		c->started = true;
		mate_tls_start(c, now);
	}
	while (!c->mate->wrong.deaf && (len = stcp_read(&c->tcp, now, bytes, sizeof bytes)) != 0)
		mate_tls_in(c, now, bytes, len);
	mate_ssp_flush(c, now);
	if (c->tcp.peer_fin && !mate_note(c)->router_fin)
		mate_note(c)->router_fin = now;
	if (c->broken || (c->tcp.peer_fin && !c->mate->wrong.deaf))
		stcp_finish(&c->tcp, now);
}

static void
reap(struct mate *m, ns_t now)
{
	for (size_t i = 0; i < MATE_CONNS; i++) {
		struct conn *c = m->conn[i];

		if (!c || c->tcp.state != STCP_OVER)
			continue;
		mate_note(c)->over = now;
		mate_note(c)->end = c->tcp.end;
		conn_free(c);
		m->conn[i] = NULL;
	}
}

static void
answer(struct mate *m, ns_t now, const struct pkt *p)
{
	struct conn *c = NULL;

	if (m->listens && p->dport == m->cfg.port && p->src == m->cfg.remote &&
		(p->tcp_flags & (SYN | TCP_ACK)) == SYN)
		c = conn_new(m, now, p->dport, p->sport);
	if (c)
		stcp_answer(&c->tcp, now, p, (uint32_t)m->seed + 7919 * (uint32_t)c->no);
	else
		stcp_reject(now, p, reject, m);
}

void
mate_frame(struct mate *m, ns_t now, const uint8_t *frame, size_t len)
{
	struct pkt p;
	size_t ip_len;
	const uint8_t *ip = netif_frame(&m->net, now, frame, len, &ip_len);

	if (!ip || !pkt_parse_ip(&p, ip, ip_len) || !p.is_tcp)
		return;
	for (size_t i = 0; i < MATE_CONNS; i++)
		if (m->conn[i] && stcp_is_for(&m->conn[i]->tcp, &p)) {
			stcp_segment(&m->conn[i]->tcp, now, &p);
			pump(m->conn[i], now);
			reap(m, now);
			return;
		}
	answer(m, now, &p);
}

void
mate_tick(struct mate *m, ns_t now)
{
	netif_tick(&m->net, now);
	for (size_t i = 0; i < MATE_CONNS; i++) {
		struct conn *c = m->conn[i];

		if (!c)
			continue;
		stcp_tick(&c->tcp, now);
		if (c->up && c->tcp.state == STCP_OPEN)
			mate_ssp_tick(c, now);
		pump(c, now);
	}
	reap(m, now);
}

ns_t
mate_deadline(const struct mate *m)
{
	ns_t at = netif_deadline(&m->net);

	for (size_t i = 0; i < MATE_CONNS; i++)
		if (m->conn[i])
			at = ns_min(at, ns_min(stcp_deadline(&m->conn[i]->tcp),
						m->conn[i]->alive_at));
	return at;
}

/* -- knobs -- */

struct mate_wrong *
mate_wrong(struct mate *m)
{
	return &m->wrong;
}

void
mate_set_key(struct mate *m, const void *key, size_t len)
{
	m->cfg.key_len = len < sizeof m->cfg.key ? len : sizeof m->cfg.key;
	memcpy(m->cfg.key, key, m->cfg.key_len);
}

void
mate_set_group(struct mate *m, uint16_t group)
{
	m->cfg.group = group;
}

void
mate_set_address(struct mate *m, ip4_t addr)
{
	m->cfg.net.addr = m->net.cfg.addr = addr;
}

void
mate_listen(struct mate *m, bool on)
{
	m->listens = on;
}

void
mate_set_epoch(struct mate *m, uint32_t epoch)
{
	m->epoch = epoch;
}

size_t
mate_call(struct mate *m, ns_t now)
{
	struct conn *c = conn_new(m, now, m->next_port, m->cfg.port);

	if (!c)
		return MATE_NONE;
	m->next_port = m->next_port < 60000 ? (uint16_t)(m->next_port + 1) : 40000;
	stcp_call(&c->tcp, now, (uint32_t)m->seed + 104729 * (uint32_t)c->no);
	return c->no;
}

void
mate_become(struct mate *m, ns_t now, enum mate_role role)
{
	m->epoch += role == MATE_ACTIVE && m->role != MATE_ACTIVE;
	m->role = role;
	for (size_t i = 0; i < MATE_CONNS; i++)
		if (m->conn[i])
			mate_ssp_role(m->conn[i], now);
}

void
mate_offer(struct mate *m, const uint8_t *bytes, size_t len)
{
	struct record *r;

	m->offered = mate_grow(m->offered, m->offered_cnt, &m->offered_cap, sizeof *m->offered);
	r = &m->offered[m->offered_cnt++];
	r->bytes = malloc(len);
	if (!r->bytes)
		no_memory();
	memcpy(r->bytes, bytes, len);
	r->len = len;
}

void
mate_forget(struct mate *m)
{
	for (size_t i = 0; i < m->offered_cnt; i++) {
		wipe(m->offered[i].bytes, m->offered[i].len);
		free(m->offered[i].bytes);
	}
	m->offered_cnt = 0;
}

/* -- by hand -- */

void
mate_bulk(struct mate *m, ns_t now, size_t conn)
{
	struct conn *c = conn_of(m, conn);

	if (c)
		mate_ssp_bulk(c, now);
}

uint32_t
mate_send(struct mate *m, ns_t now, size_t conn, unsigned type, const char *layers,
	const struct field_set *sets, size_t cnt)
{
	struct conn *c = conn_of(m, conn);

	return c ? mate_ssp_send(c, now, type, layers, sets, cnt) : 0;
}

uint32_t
mate_send_msg(struct mate *m, ns_t now, size_t conn, const uint8_t *bytes, size_t len)
{
	struct conn *c = conn_of(m, conn);

	return c ? mate_ssp_again(c, now, bytes, len) : 0;
}

void
mate_plain(struct mate *m, ns_t now, size_t conn, const void *bytes, size_t len)
{
	struct conn *c = conn_of(m, conn);

	if (c)
		mate_tls_write(c, now, bytes, len);
}

void
mate_wire(struct mate *m, ns_t now, size_t conn, const void *bytes, size_t len)
{
	struct conn *c = conn_of(m, conn);

	if (c)
		stcp_write(&c->tcp, now, bytes, len);
}

uint32_t *
mate_number(struct mate *m, size_t conn)
{
	static uint32_t nowhere;
	struct conn *c = conn_of(m, conn);

	return c ? &c->next : &nowhere;
}

void
mate_end(struct mate *m, ns_t now, size_t conn, enum mate_how how)
{
	struct conn *c = conn_of(m, conn);

	if (!c)
		return;
	if (how == MATE_RST) {
		stcp_abort(&c->tcp, now);
	} else {
		if (how == MATE_PROPERLY)
			mate_tls_close(c, now);
		c->alive_at = NS_NEVER;
		stcp_finish(&c->tcp, now);
	}
	reap(m, now);
}

/* -- what was seen -- */

size_t
mate_conns(const struct mate *m)
{
	return m->conn_cnt;
}

const struct mate_conn_note *
mate_conn(const struct mate *m, size_t conn)
{
	return conn < m->conn_cnt ? &m->notes[conn] : NULL;
}

bool
mate_alive(const struct mate *m, size_t conn)
{
	const struct conn *c = conn_of(m, conn);

	return c && c->up && !c->broken && c->tcp.state == STCP_OPEN && !c->tcp.peer_fin &&
	       !c->tcp.fin_asked;
}

size_t
mate_live(const struct mate *m)
{
	for (size_t no = m->conn_cnt; no-- > 0;)
		if (mate_alive(m, no))
			return no;
	return MATE_NONE;
}

size_t
mate_msgs(const struct mate *m)
{
	return m->msg_cnt;
}

const struct mate_msg *
mate_msg(const struct mate *m, size_t i)
{
	return i < m->msg_cnt ? &m->msgs[i] : NULL;
}

size_t
mate_find(const struct mate *m, size_t from, size_t conn, unsigned type)
{
	for (size_t i = from; i < m->msg_cnt; i++)
		if (m->msgs[i].type == type && (conn == MATE_NONE || m->msgs[i].conn == conn))
			return i;
	return MATE_NONE;
}

const struct msg *
mate_open(const struct mate *m, size_t i)
{
	static struct msg opened;

	(void)field_decode_as(&opened, "ssp", m->msgs[i].bytes, m->msgs[i].len);
	return &opened;
}

uint64_t
mate_field(const struct mate *m, size_t i, const char *field)
{
	const struct field *f = i < m->msg_cnt ? field_find(mate_open(m, i), field) : NULL;

	return f ? f->value : 0;
}

size_t
mate_waiting(const struct mate *m, size_t conn)
{
	const struct conn *c = conn_of(m, conn);

	return c ? stcp_waiting(&c->tcp) : 0;
}
