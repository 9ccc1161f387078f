/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bulk sync between two routers in one process, under a virtual clock and over a pipe of memory: what
 * it takes in processing, octets and memory. TLS and the wire come on top (about 22 octets for 16 KB).
 *
 * The tunnels come from a file of SSP records: a stand-in for an active router gives them to the first
 * one, which HSRP then promotes; the second one joins, and takes all of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ref/bench/bench.h"
#include "ref/config/config.h"
#include "ref/node/node.h"
#include "ref/node/rules.h"

static const char text[] =
	"crypto isakmp policy 10\n encryption aes\n hash sha256\n authentication pre-share\n group 19\n"
	" lifetime 86400\ncrypto isakmp key secret address 0.0.0.0 0.0.0.0\ncrypto isakmp ssp 1\n"
	"crypto ipsec transform-set T esp-aes esp-sha-hmac\n"
	"access-list 101 permit ip 10.0.0.0 0.0.0.255 any\n"
	"crypto dynamic-map D 1\n set transform-set T\n match address 101\n"
	"crypto map M 1 ipsec-isakmp dynamic D\n"
	"ssp group 1\n remote 10.8.0.%d\n redundancy P\n key 000102030405060708090a0b0c0d0e0f\n"
	"interface a\n ip address 172.16.0.%d 255.255.0.0\n standby 1 ip 172.16.255.100\n"
	" standby 1 name P\n standby 1 timers msec 200 msec 800\n crypto map M ssp 1\n";

/* ---- the file ---- */

static void
fill(struct secret *s, size_t len, size_t seed)
{
	s->len = (uint8_t)len;
	for (size_t i = 0; i < len; i++)
		s->b[i] = (uint8_t)(seed * 31 + i * 7 + 1);
}

static bool
put(FILE *f, const struct ssp_msg *m)
{
	uint8_t b[SSP_MSG_MAX];
	struct wr w;

	wr_init(&w, b, sizeof b);
	return ssp_encode(&w, m) == ERR_OK && fwrite(b, 1, w.len, f) == w.len;
}

static void
cookies(uint8_t c[16], size_t n)
{
	for (unsigned i = 0; i < 16; i++)
		c[i] = (uint8_t)(n >> (8 * (i % 4))) ^ (uint8_t)(0x5a + i);
}

static bool
put_tunnel(FILE *f, size_t n)
{
	ip4_t peer = IP4(172, 17, 0, 0) + (ip4_t)n + 1;
	struct ssp_msg ike = {.type = SSP_IKE_SA, .side = 2, .cipher = 7, .key_bits = 128, .hash = 4,
		.dh_group = 19, .life_s = 80000, .confirmed = 1, .peer_id_type = 1, .peer_id_len = 4};
	struct ssp_msg sa = {.type = SSP_IPSEC_SA, .side = 2, .transform = ESP_CBC128_SHA1,
		.life_s = 3000, .limit_kb = 4608000, .map_seq = 1, .map = "D"};

	cookies(ike.cookies, n);
	ike.local = (struct ssp_endpoint){IP4(172, 16, 255, 100), 500};
	ike.remote = (struct ssp_endpoint){peer, 500};
	fill(&ike.skeyid_d, 32, n);
	fill(&ike.skeyid_a, 32, n + 1);
	fill(&ike.skeyid_e, 32, n + 2);
	fill(&ike.cipher_key, 16, n + 3);
	fill(&ike.last_block, 16, n + 4);
	memcpy(ike.peer_id, &peer, 4);
	memcpy(sa.cookies, ike.cookies, 16);
	sa.local = ike.local;
	sa.remote = ike.remote;
	sa.spis = (struct ssp_spis){peer, 0x10000000u + (uint32_t)n, 0x20000000u + (uint32_t)n};
	fill(&sa.enc_in, 16, n);
	fill(&sa.auth_in, 20, n);
	fill(&sa.enc_out, 16, n + 9);
	fill(&sa.auth_out, 20, n + 9);
	sa.proxy_local = (struct ssp_proxy){IP4(10, 0, 0, 0), 24, 0, 0};
	sa.proxy_remote = (struct ssp_proxy){IP4(11, 0, 0, 0) + (ip4_t)n, 32, 0, 0};
	sa.reserve_kind = 1;
	sa.reserve = 200000;
	sa.window.size = 64;
	return put(f, &ike) && put(f, &sa);
}

int
bench_sync_make(const char *file, size_t cnt)
{
	FILE *f = fopen(file, "w");
	bool ok = f != NULL;

	for (size_t i = 0; ok && i < cnt; i++)
		ok = put_tunnel(f, i);
	ok = f && fclose(f) == 0 && ok;
	if (!ok)
		(void)fprintf(stderr, "twind-bench: %s cannot be written\n", file);
	return ok ? 0 : 1;
}

/* ---- two routers ---- */

struct pipe {
	uint8_t *b;
	size_t len, cap;
};

struct member {
	struct node *node;
	struct cfg cfg;
	struct pipe to_other; /* sync bytes */
	struct pipe frames;
	struct member *other; /* NULL: alone */
	uint64_t octets;
};

static struct entropy entropy;
static struct node_rules rules;
static ns_t now;

static void
append(struct pipe *p, const void *b, size_t len)
{
	if (p->len + len > p->cap) {
		p->cap = (p->len + len) * 2;
		p->b = realloc(p->b, p->cap);
		if (!p->b)
			exit(1);
	}
	memcpy(p->b + p->len, b, len);
	p->len += len;
}

static void
act(void *ctx, const struct node_act *a)
{
	struct member *m = ctx;
	uint16_t len = (uint16_t)a->len;

	if (a->kind == NODE_ACT_SSP_SEND) {
		append(&m->to_other, a->bytes, a->len);
		m->octets += a->len;
	} else if (a->kind == NODE_ACT_FRAME) {
		append(&m->frames, &len, sizeof len);
		append(&m->frames, a->bytes, a->len);
	}
}

static void
feed(struct member *m, const struct node_in *in)
{
	for (size_t i = 0; i < entropy.used; i++) /* what the last step took */
		entropy.b[i] = (uint8_t)(rand() >> 8);
	entropy.used = 0;
	node_step(m->node, now, in, &entropy);
}

static bool
member_start(struct member *m, int which)
{
	const struct node_sink sink = {.act = act, .ctx = m};
	const struct node_in up = {.kind = NODE_IN_LINK, .on = true, .reload = true};
	const struct mac mac[CFG_IFS] = {{{2, 0, 0, 0, 0, (uint8_t)which}}};
	struct config_error err;
	char line[2048];

	(void)snprintf(line, sizeof line, text, 3 - which, which);
	m->node = calloc(1, sizeof *m->node);
	if (!m->node || !config_parse(line, &m->cfg, &err))
		return false;
	entropy.used = 0;
	node_init(m->node, &m->cfg, &rules, &crypto_openssl, mac, &sink, &entropy, now);
	feed(m, &up);
	return true;
}

/* What one member said to the other is delivered. */
static void
deliver(struct member *from)
{
	struct pipe p = from->to_other, f = from->frames;
	struct member *to = from->other;

	from->to_other = from->frames = (struct pipe){0};
	for (size_t at = 0; to && at < p.len;) {
		struct node_in in = {.kind = NODE_IN_SSP_BYTES, .bytes = p.b + at};

		in.len = p.len - at > 16384 ? 16384 : p.len - at;
		at += in.len;
		feed(to, &in);
	}
	for (size_t at = 0; to && at < f.len;) {
		uint16_t len;
		struct node_in in = {.kind = NODE_IN_FRAME};

		memcpy(&len, f.b + at, sizeof len);
		in.bytes = f.b + at + sizeof len;
		in.len = len;
		at += sizeof len + len;
		feed(to, &in);
	}
	free(p.b);
	free(f.b);
}

/* Let the virtual clock go on, all that is said delivered, until both have done all that is due. */
static void
run(struct member *a, struct member *b, ns_t until)
{
	const struct node_in tick = {.kind = NODE_IN_TICK};
	struct member *m[2] = {a, b};

	while (now < until) {
		ns_t next = until;

		for (unsigned i = 0; i < 2; i++)
			if (m[i] && m[i]->node)
				next = ns_min(next, node_deadline(m[i]->node));
		now = next > now ? next : now;
		for (unsigned i = 0; i < 2; i++)
			if (m[i] && m[i]->node && now >= node_deadline(m[i]->node))
				feed(m[i], &tick);
		for (unsigned i = 0; i < 2; i++)
			if (m[i] && m[i]->node)
				deliver(m[i]);
	}
}

/* ---- the stand-in for an active router ---- */

struct source {
	struct ssp ssp;
	const uint8_t *b;
	size_t len;
	uint32_t records;
};

/* True: another whole message waits in it. */
static bool source_step(struct source *s, struct member *to, const struct ssp_in *in);

static void
source_bulk(struct source *s, struct member *to)
{
	struct ssp_in done = {.kind = SSP_IN_BULK_DONE};
	struct ssp_msg m;

	for (size_t at = 0, len; at < s->len; at += len) {
		struct ssp_in in = {.kind = SSP_IN_RECORD, .msg = &m};

		if (ssp_frame(s->b + at, s->len - at, &len, NULL) != ERR_OK ||
			ssp_decode(s->b + at, len, &m, NULL) != ERR_OK) {
			(void)fprintf(stderr, "twind-bench: no SSP record at octet %zu\n", at);
			exit(1);
		}
		(void)source_step(s, to, &in);
		s->records++;
	}
	done.count = s->records;
	(void)source_step(s, to, &done);
}

static bool
source_step(struct source *s, struct member *to, const struct ssp_in *in)
{
	static struct ssp_acts acts; /* used up before the next step */
	bool bulk = false, more;

	ssp_step(&s->ssp, now, in, &acts);
	more = acts.more;
	for (unsigned i = 0; i < acts.cnt; i++) {
		struct node_in bytes = {.kind = NODE_IN_SSP_BYTES,
			.bytes = acts.buf + acts.v[i].off,
			.len = acts.v[i].len};

		if (acts.v[i].kind == SSP_ACT_SEND)
			feed(to, &bytes);
		bulk = bulk || acts.v[i].kind == SSP_ACT_BULK;
	}
	if (bulk)
		source_bulk(s, to);
	return more;
}

static void
source_hear(struct source *s, struct member *from)
{
	struct ssp_in in = {.kind = SSP_IN_BYTES};
	struct pipe p = from->to_other;

	from->to_other = (struct pipe){0};
	for (size_t at = 0; at < p.len;) {
		in.kind = SSP_IN_BYTES;
		in.bytes = p.b + at;
		in.len = p.len - at > 4096 ? 4096 : p.len - at;
		at += in.len;
		while (source_step(s, from, &in))
			in = (struct ssp_in){.kind = SSP_IN_NEXT};
	}
	free(p.b);
}

/* The active router's Hello, as A hears it. */
static void
hello(struct member *a)
{
	const struct hsrp_msg m = {.opcode = HSRP_HELLO, .state = HSRP_WIRE_ACTIVE, .hello_s = 1,
		.hold_s = 3, .priority = 200, .group = 1, .auth = "cisco", .vip = IP4(172, 16, 255, 100)};
	const struct eth e = {.dst = {{1, 0, 0x5e, 0, 0, 2}}, .src = {{2, 0, 0, 0, 0, 9}},
		.type = ETH_TYPE_IP4};
	const struct ipv4 ip = {.ttl = 1, .src = IP4(172, 16, 0, 9), .dst = HSRP_GROUP_ADDR};
	uint8_t body[HSRP_LEN], frame[128];
	struct node_in in = {.kind = NODE_IN_FRAME, .bytes = frame};
	struct wr b, w;

	wr_init(&b, body, sizeof body);
	hsrp_write(&b, &m);
	wr_init(&w, frame, sizeof frame);
	eth_write(&w, &e);
	udp_packet_write(&w, &ip, HSRP_PORT, HSRP_PORT, body, b.len);
	in.len = w.len;
	feed(a, &in);
}

static unsigned
pairs(const struct node *n)
{
	unsigned cnt = 0;

	for (unsigned i = 0; i < n->pair_cnt; i++)
		cnt += n->pair[i].used;
	return cnt;
}

static void
load(struct member *a, const uint8_t *b, size_t len)
{
	static struct source s;
	const struct ssp_cfg cfg = {.group = 1, .instance = 99, .keepalive = 200 * NS_PER_MS,
		.lease = 60 * NS_PER_S};
	const struct node_in up = {.kind = NODE_IN_SSP_UP}, down = {.kind = NODE_IN_SSP_DOWN};
	struct ssp_in in = {.kind = SSP_IN_CONNECTED}, role = {.kind = SSP_IN_ROLE, .role = SSP_ROLE_ACTIVE};

	s.b = b;
	s.len = len;
	ssp_init(&s.ssp, &cfg, &ssp_rules_standard, now);
	(void)source_step(&s, a, &role);
	feed(a, &up);
	(void)source_step(&s, a, &in);
	for (unsigned i = 0; i < 100; i++) {
		struct ssp_in tick = {.kind = SSP_IN_TICK};

		source_hear(&s, a);
		hello(a);
		now += 20 * NS_PER_MS;
		feed(a, &(struct node_in){.kind = NODE_IN_TICK});
		(void)source_step(&s, a, &tick);
	}
	feed(a, &down);
}

static uint8_t *
whole(const char *file, size_t *len)
{
	FILE *f = fopen(file, "r");
	uint8_t *b = NULL;
	long n;

	if (f && fseek(f, 0, SEEK_END) == 0 && (n = ftell(f)) > 0) {
		rewind(f);
		b = malloc((size_t)n);
		*len = b ? fread(b, 1, (size_t)n, f) : 0;
	}
	if (f)
		(void)fclose(f);
	if (!b)
		(void)fprintf(stderr, "twind-bench: %s cannot be read\n", file);
	return b;
}

int
bench_sync(const char *file)
{
	static struct member a, b;
	const struct node_in up = {.kind = NODE_IN_SSP_UP};
	uint64_t before;
	size_t len = 0;
	uint8_t *bytes = whole(file, &len);
	unsigned cnt;
	ns_t from, took = 0;

	if (!bytes)
		return 1;
	node_rules_join(&rules);
	now = NS_PER_S;
	entropy.used = sizeof entropy.b;
	if (!member_start(&a, 1))
		return 1;
	for (unsigned i = 0; i < 30; i++) {
		hello(&a);
		run(&a, NULL, now + 100 * NS_PER_MS);
	}
	load(&a, bytes, len);
	run(&a, NULL, now + 3 * NS_PER_S);
	cnt = pairs(a.node);
	if (a.node->role != NODE_ACTIVE || !cnt) {
		(void)fprintf(stderr, "twind-bench: the first router is %s with %u tunnels\n",
			node_role_name(a.node->role), cnt);
		return 1;
	}
	if (!member_start(&b, 2))
		return 1;
	a.other = &b;
	b.other = &a;
	run(&a, &b, now + 3 * NS_PER_S);
	before = a.octets;
	from = bench_now();
	feed(&a, &up);
	feed(&b, &up);
	for (unsigned i = 0; i < 20000 && !(b.node->ready && a.node->mirrored); i++) {
		run(&a, &b, now + NS_PER_MS);
		took = bench_now() - from;
	}
	(void)printf("{\"bench\": \"bulk-sync\", \"tunnels\": %u, \"copied\": %u, \"ready\": %s, "
		     "\"ms\": %.1f, \"octets\": %llu, \"octets_a_tunnel\": %.1f, \"octets_an_sa\": %.1f, "
		     "\"goal_octets_an_sa\": 300, \"memory_a_tunnel\": %zu, \"goal_memory_a_tunnel\": 4096}\n",
		cnt, pairs(b.node), b.node->ready ? "true" : "false", (double)took / 1e6,
		(unsigned long long)(a.octets - before), (double)(a.octets - before) / cnt,
		(double)(a.octets - before) / (2.0 * cnt),
		sizeof(struct node_pair) + sizeof(struct node_ike) + sizeof(struct ike_sa) +
			sizeof(struct ike_child) + sizeof(struct ike_known) + sizeof(struct node_tombstone));
	free(bytes);
	return b.node->ready && pairs(b.node) == cnt ? 0 : 1;
}
