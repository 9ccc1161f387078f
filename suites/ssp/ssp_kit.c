/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/keys/tlsopen.h"
#include "suites/ssp/ssp_kit.h"

#define CONNS_MAX 256
#define STREAM_MAX 65536

/* One TCP connection while it is read; way 0 is the client's. */
struct conn {
	struct tlsopen *tls;
	struct reading *r;
	enum lab_member client;
	uint16_t port; /* the client's */
	uint32_t isn;
	uint8_t *buf[2];
	size_t len[2];
};

struct reading {
	struct ssp_kit *kit;
	struct keyring ring;
	bool plain; /* the lab's channel has no TLS */
	struct conn conn[CONNS_MAX];
	unsigned cnt;
	size_t frame; /* that is being fed */
};

static struct ssp_kit kit; /* of this process: a case has a process of its own */

static void
empty(struct ssp_kit *k)
{
	for (size_t i = 0; i < k->cnt; i++)
		free(k->v[i].bytes);
	free(k->v);
	*k = (struct ssp_kit){0};
}

static void
at_end(struct case_run *c, void *ctx)
{
	(void)c;
	empty(ctx);
}

static void
add(struct ssp_kit *k, const struct ssp_kit_msg *m, const uint8_t *bytes)
{
	struct ssp_kit_msg *e;

	if (k->cnt == k->cap) {
		k->cap = k->cap ? 2 * k->cap : 256;
		k->v = realloc(k->v, k->cap * sizeof *k->v);
		if (!k->v)
			abort();
	}
	e = &k->v[k->cnt++];
	*e = *m;
	e->bytes = malloc(m->len);
	if (!e->bytes)
		abort();
	memcpy(e->bytes, bytes, m->len);
}

static uint32_t
be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void
plain(void *ctx, ns_t at, int dir, const uint8_t *bytes, size_t len)
{
	struct conn *n = ctx;
	size_t whole;

	if (!n->buf[dir])
		n->buf[dir] = malloc(STREAM_MAX);
	if (!n->buf[dir] || len > STREAM_MAX - n->len[dir])
		abort();
	memcpy(n->buf[dir] + n->len[dir], bytes, len);
	n->len[dir] += len;
	while ((whole = field_ssp_whole(n->buf[dir], n->len[dir])) != 0) {
		const uint8_t *b = n->buf[dir];
		struct ssp_kit_msg m = {
			.at = at,
			.frame = n->r->frame,
			.from = dir ? (n->client == LAB_A ? LAB_B : LAB_A) : n->client,
			.conn = (unsigned)(n - n->r->conn),
			.type = b[1],
			.number = be32(b + 8),
			.epoch = be32(b + 12),
			.len = whole,
		};

		add(n->r->kit, &m, b);
		n->len[dir] -= whole;
		memmove(n->buf[dir], n->buf[dir] + whole, n->len[dir]);
	}
}

/* The newest connection of that client and port; a SYN with another first number opens one. */
static struct conn *
conn_of(struct reading *r, enum lab_member from, const struct pkt *p)
{
	bool syn = (p->tcp_flags & TLSOPEN_SYN) && !(p->tcp_flags & 0x10);

	for (unsigned i = r->cnt; i-- > 0;) {
		struct conn *n = &r->conn[i];

		if (n->port != (n->client == from ? p->sport : p->dport))
			continue;
		if (syn && n->client == from && n->isn != p->tcp_seq)
			break;
		return n;
	}
	if (!syn || r->cnt == CONNS_MAX)
		return NULL;
	r->conn[r->cnt] =
		(struct conn){.r = r, .client = from, .port = p->sport, .isn = p->tcp_seq};
	r->conn[r->cnt].tls = tlsopen_new(&r->ring, plain, &r->conn[r->cnt]);
	if (!r->conn[r->cnt].tls)
		abort();
	if (r->plain)
		tlsopen_plain(r->conn[r->cnt].tls);
	return &r->conn[r->cnt++];
}

static void
feed(struct reading *r, const struct frame *f)
{
	enum lab_member from = f->port == PORT_A_SYNC ? LAB_A : LAB_B;
	unsigned other = from == LAB_A ? PORT_B_SYNC : PORT_A_SYNC;
	struct conn *n;
	struct pkt p;

	if ((f->port != PORT_A_SYNC && f->port != PORT_B_SYNC) || !(f->to & 1u << other) ||
		!pkt_parse(&p, f->bytes, f->len) || !p.is_tcp)
		return;
	n = conn_of(r, from, &p);
	if (n)
		tlsopen_segment(n->tls, f->at, n->client != from, p.tcp_seq, p.tcp_flags, p.data,
			p.data_len);
}

static void
keys_read(struct reading *r, struct lab *l)
{
	const char *what;
	unsigned line;

	for (int m = 0; m < LAB_MEMBERS; m++) {
		FILE *f = fopen(lab_keylog_path(l, (enum lab_member)m), "r");

		if (!f)
			continue;
		(void)keyring_read(&r->ring, f, &line, &what); /* a last line may be half written */
		fclose(f);
	}
}

const struct ssp_kit *
ssp_kit_read(struct world *w)
{
	static bool registered;
	const struct trace *t = lab_trace(w->lab);
	struct reading *r = calloc(1, sizeof *r);

	if (!r)
		abort();
	if (!registered)
		case_at_end(w->c, at_end, &kit);
	registered = true;
	empty(&kit);
	r->kit = &kit;
	r->plain = lab_plain_sync(w->lab);
	keyring_init(&r->ring);
	keys_read(r, w->lab);
	for (r->frame = 0; r->frame < trace_len(t); r->frame++)
		feed(r, trace_frame(t, r->frame));
	kit.conns = r->cnt;
	for (unsigned i = 0; i < r->cnt; i++) {
		kit.locked += tlsopen_stat(r->conn[i].tls, 0)->locked +
			      tlsopen_stat(r->conn[i].tls, 1)->locked;
		tlsopen_free(r->conn[i].tls);
		free(r->conn[i].buf[0]);
		free(r->conn[i].buf[1]);
	}
	keyring_free(&r->ring);
	free(r);
	return &kit;
}

size_t
ssp_kit_next(const struct ssp_kit *k, size_t from, enum lab_member m, unsigned type)
{
	for (size_t i = from; i < k->cnt; i++)
		if (k->v[i].from == m && k->v[i].type == type)
			return i;
	return SSP_KIT_NONE;
}

size_t
ssp_kit_after(const struct ssp_kit *k, ns_t at, enum lab_member m, unsigned type)
{
	for (size_t i = 0; i < k->cnt; i++)
		if (k->v[i].at >= at && k->v[i].from == m && k->v[i].type == type)
			return i;
	return SSP_KIT_NONE;
}

size_t
ssp_kit_cnt(const struct ssp_kit *k, enum lab_member m, unsigned type, ns_t from, ns_t to)
{
	size_t n = 0;

	for (size_t i = 0; i < k->cnt; i++)
		n += k->v[i].from == m && k->v[i].type == type && k->v[i].at >= from &&
		     k->v[i].at < to;
	return n;
}

size_t
ssp_kit_ack_of(const struct ssp_kit *k, size_t i)
{
	if (i == SSP_KIT_NONE)
		return SSP_KIT_NONE;
	for (size_t a = i + 1; a < k->cnt; a++)
		if (k->v[a].conn == k->v[i].conn && k->v[a].from != k->v[i].from &&
			k->v[a].type == SSP_KIT_ACK &&
			ssp_kit_num(k, a, "ssp.acked.number") >= k->v[i].number)
			return a;
	return SSP_KIT_NONE;
}

const struct msg *
ssp_kit_open(const struct ssp_kit *k, size_t i)
{
	static struct msg m;

	(void)field_decode_as(&m, "ssp", k->v[i].bytes, k->v[i].len);
	return &m;
}

uint64_t
ssp_kit_num(const struct ssp_kit *k, size_t i, const char *field)
{
	const struct field *f = field_find(ssp_kit_open(k, i), field);

	return f ? f->value : 0;
}

bool
ssp_kit_of(const struct ssp_kit *k, size_t i, const struct peer_phase2 *p)
{
	return ssp_kit_num(k, i, "ssp.spis.peer") == LAB_OUT_PEER &&
	       ssp_kit_num(k, i, "ssp.spis.inbound") == p->spi_out &&
	       ssp_kit_num(k, i, "ssp.spis.outbound") == p->spi_in;
}

static uint64_t
be64(const uint8_t *p)
{
	return (uint64_t)be32(p) << 32 | be32(p + 4);
}

bool
ssp_kit_of_ike(const struct ssp_kit *k, size_t i, const struct peer_phase1 *p)
{
	return ssp_kit_num(k, i, "ssp.cookies.initiator") == be64(p->icookie) &&
	       ssp_kit_num(k, i, "ssp.cookies.responder") == be64(p->rcookie);
}

size_t
ssp_kit_next_of(const struct ssp_kit *k, size_t from, unsigned type, const struct peer_phase2 *p)
{
	for (size_t i = ssp_kit_next(k, from, LAB_A, type); i != SSP_KIT_NONE;
		i = ssp_kit_next(k, i + 1, LAB_A, type))
		if (ssp_kit_of(k, i, p))
			return i;
	return SSP_KIT_NONE;
}

size_t
ssp_kit_next_ike(const struct ssp_kit *k, size_t from, unsigned type, const struct peer_phase1 *p)
{
	for (size_t i = ssp_kit_next(k, from, LAB_A, type); i != SSP_KIT_NONE;
		i = ssp_kit_next(k, i + 1, LAB_A, type))
		if (ssp_kit_of_ike(k, i, p))
			return i;
	return SSP_KIT_NONE;
}

bool
ssp_kit_expect(struct world *w, const struct ssp_kit *k, size_t i, const char *field, uint64_t want)
{
	char a[24], b[24];
	const struct field *f = field_find(ssp_kit_open(k, i), field);

	if (f && f->value == want)
		return case_expect(w->c, true, "%s", field);
	(void)snprintf(a, sizeof a, "%llu", (unsigned long long)want);
	(void)snprintf(b, sizeof b, f ? "%llu" : "absent", f ? (unsigned long long)f->value : 0ull);
	case_field(w->c, field, a, b);
	case_decided_by(w->c, k->v[i].frame, "SSP record, %s: expected %s, saw %s", field, a, b);
	return case_expect(w->c, false, "%s: expected %s, saw %s", field, a, b);
}

bool
ssp_kit_expect_key(struct world *w, const struct ssp_kit *k, size_t i, const char *field,
	const struct secret *want)
{
	const uint8_t *p;
	size_t len;

	if (!field_bytes(ssp_kit_open(k, i), field, &p, &len))
		return case_expect(w->c, false, "%s: expected %zu octets, saw nothing", field,
			(size_t)want->len);
	return case_expect(w->c, len == want->len && !memcmp(p, want->b, len),
		"%s: expected the key that the peer derived (%zu octets), saw another one (%zu)",
		field, (size_t)want->len, len);
}

size_t
ssp_kit_grants(
	const struct ssp_kit *k, const struct peer_phase2 *p, struct ssp_kit_grant *v, size_t cap)
{
	size_t cnt = 0;
	uint32_t top = 0;

	for (size_t i = 0; i < k->cnt && cnt < cap; i++) {
		size_t ack;
		uint32_t n;

		if (k->v[i].from != LAB_A ||
			(k->v[i].type != SSP_KIT_IPSEC_SA && k->v[i].type != SSP_KIT_RESERVE) ||
			!ssp_kit_of(k, i, p) || ssp_kit_num(k, i, "ssp.reserve.kind") != 1)
			continue;
		n = (uint32_t)ssp_kit_num(k, i, "ssp.reserve.number");
		ack = n > top ? ssp_kit_ack_of(k, i) : SSP_KIT_NONE;
		if (ack == SSP_KIT_NONE)
			continue;
		top = n;
		v[cnt++] = (struct ssp_kit_grant){k->v[ack].frame, k->v[ack].at, n};
	}
	return cnt;
}

static bool
ends_connection(const struct frame *f, void *ctx)
{
	struct pkt p;

	(void)ctx;
	return pkt_parse(&p, f->bytes, f->len) && p.is_tcp &&
	       (p.tcp_flags & (TLSOPEN_FIN | TLSOPEN_RST));
}

size_t
ssp_kit_ended(struct world *w, enum lab_member m, ns_t from, ns_t to)
{
	struct trace_want want = {.fits = ends_connection, .after = from, .before = to};

	if (m != LAB_B)
		want.ports |= 1u << PORT_A_SYNC;
	if (m != LAB_A)
		want.ports |= 1u << PORT_B_SYNC;
	return trace_next(lab_trace(w->lab), 0, &want);
}

void
ssp_kit_cut(struct world *w)
{
	lab_part(w->lab, SEG_SYNC, 1u << PORT_B_SYNC);
}

void
ssp_kit_mend(struct world *w)
{
	lab_heal(w->lab, SEG_SYNC);
}

struct cutting {
	struct lab *lab;
	int handle;
};

static bool
is_cut(void *ctx)
{
	const struct cutting *x = ctx;

	return lab_fired(x->lab, x->handle) != TRACE_NONE;
}

bool
ssp_kit_cut_after(struct world *w, lab_match *match, void *ctx, ns_t limit, ns_t span)
{
	const struct lab_fault f = {
		.kind = FAULT_PARTITION, .segment = SEG_SYNC, .far = 1u << PORT_B_SYNC};
	struct cutting x = {.lab = w->lab, .handle = lab_after(w->lab, match, ctx, &f)};

	if (!case_reach(w->c, "the frame after which the sync segment is cut", limit, is_cut, &x))
		return false;
	lab_run(w->lab, span);
	ssp_kit_mend(w);
	return true;
}
