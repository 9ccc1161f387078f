/* SPDX-License-Identifier: BSD-2-Clause */
#include "suites/interop/strongswan/swan_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHARON "/usr/lib/ipsec/charon"
#define SWANCTL "/usr/sbin/swanctl"
#define OPENSSL "/usr/lib/ipsec/plugins/libstrongswan-openssl.so"
#define LIBIPSEC "/usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so"
#define UP_LIMIT (10 * NS_PER_S)
#define PACE (5 * NS_PER_MS)
#define RATE 150000u /* octets a second and transfer: far below what it queues at */

/* kernel-libipsec before kernel-netlink: else that takes the policies, and the kernel has no ESP.
 */
static const char daemon_conf[] =
	"charon {\n"
	" load = random nonce aes sha1 sha2 md5 hmac kdf openssl gmp "
	"curve25519 pem pkcs1 x509 pubkey kernel-libipsec"
	" kernel-netlink socket-default vici updown\n"
	" install_virtual_ip = no\n"
	" delete_rekeyed = yes\n" /* by default a rekeyed CHILD_SA stays until it expires */
	" retransmit_timeout = 1.0\n"
	" retransmit_base = 1.4\n"
	" retransmit_tries = 6\n"
	" filelog {\n"
	"  stderr {\n"
	"   default = 1\n"
	"   flush_line = yes\n"
	"  }\n"
	" }\n"
	"}\n";

static unsigned
or_else(unsigned v, unsigned standard)
{
	return v ? v : standard;
}

static void
write_connection(char *to, size_t cap, const struct swan_cfg *cfg)
{
	char dpd[64] = "";

	if (cfg->dpd_ms)
		(void)snprintf(dpd, sizeof dpd, "  dpd_delay = %us\n  dpd_timeout = %us\n",
			(cfg->dpd_ms + 999) / 1000, 5 * ((cfg->dpd_ms + 999) / 1000));
	(void)snprintf(to, cap,
		"connections {\n"
		" pair {\n"
		"  version = %u\n"
		"  local_addrs = 172.16.31.200\n"
		"  remote_addrs = 172.16.31.100\n"
		"  proposals = %s\n"
		"%s"
		"  rekey_time = %us\n"
		"  over_time = 3600s\n"
		"  rand_time = 0s\n"
		"  local {\n   auth = psk\n   id = 172.16.31.200\n  }\n"
		"  remote {\n   auth = psk\n   id = 172.16.31.100\n  }\n"
		"  children {\n"
		"   net {\n"
		"    local_ts = 10.2.0.0/24\n"
		"    remote_ts = 10.0.0.0/24\n"
		"    esp_proposals = %s\n"
		"    rekey_time = %us\n"
		"    life_time = %us\n"
		"    rand_time = 0s\n"
		"    dpd_action = clear\n"
		"   }\n"
		"  }\n"
		" }\n"
		"}\n"
		"secrets {\n"
		" ike-pair {\n"
		"  id = 172.16.31.100\n"
		"  secret = \"baton-lab-key\"\n"
		" }\n"
		"}\n",
		or_else(cfg->version, 1), cfg->ike ? cfg->ike : "aes128-sha1-modp1024", dpd,
		or_else(cfg->rekey_ike_s, 14400), cfg->esp ? cfg->esp : "aes128-sha1",
		or_else(cfg->rekey_child_s, 3000), or_else(cfg->rekey_child_s, 3000) + 600);
}

static bool
listens(void *ctx)
{
	const struct swan *s = ctx;
	char path[128];

	return guest_there(guest_path(s->charon, "/run/charon.vici", path, sizeof path));
}

static void
free_flow(struct case_run *c, void *ctx)
{
	(void)c;
	guest_flow_free(ctx);
}

static void
machines(struct swan *s)
{
	static const struct guest_machine remote = {
		.port = PORT_PEER, .net = {LAB_OUT_PEER, 24}, .inner = {LAB_REMOTE_HOST}};
	static const struct guest_machine host = {
		.port = PORT_HOST, .net = {LAB_IN_HOST, 24}, .gateway = LAB_IN_VIP};
	char err[LAB_ERR];

	lab_attach(s->w.lab, PORT_PEER, NULL);
	lab_attach(s->w.lab, PORT_HOST, NULL);
	if (!guest_machine_open(s->w.lab, &remote, err) ||
		!guest_machine_open(s->w.lab, &host, err))
		case_broken(s->w.c, err);
}

static bool
run_charon(struct swan *s, const struct swan_cfg *cfg)
{
	static const struct swan_cfg usual;
	static const char *const argv[] = {CHARON, NULL};
	static const char *const load[] = {"--load-all", "--noprompt", NULL};
	char connection[2048], err[LAB_ERR];
	const struct guest_program g = {.name = "charon",
		.argv = argv,
		.hide = {"/etc/swanctl"},
		.file = {{"/etc/swanctl/strongswan.conf", daemon_conf},
			{"/etc/swanctl/swanctl.conf", connection}},
		.env = {"STRONGSWAN_CONF=/etc/swanctl/strongswan.conf"}};

	write_connection(connection, sizeof connection, cfg ? cfg : &usual);
	s->charon = guest_start(s->w.lab, PORT_PEER, &g, err);
	if (!s->charon)
		case_broken(s->w.c, err);
	if (!case_reach(s->w.c, "charon to be ready", UP_LIMIT, listens, s))
		return false;
	if (swan_ctl(s, load, UP_LIMIT))
		return true;
	case_error(s->w.c, "charon did not take its connection: see its log");
	return false;
}

bool
swan_configure(struct swan *s, const struct swan_cfg *cfg)
{
	static const char *const end[] = {"--terminate", "--ike", "pair", "--timeout", "2", NULL};
	static const char *const load[] = {"--load-all", "--noprompt", NULL};
	char connection[2048], path[128];
	FILE *f = fopen(guest_path(s->charon, "/etc/swanctl/swanctl.conf", path, sizeof path), "w");
	bool ok;

	write_connection(connection, sizeof connection, cfg);
	(void)swan_ctl(s, end, UP_LIMIT); /* fails if there is none */
	ok = f && fputs(connection, f) >= 0;
	ok = f && fclose(f) == 0 && ok && swan_ctl(s, load, UP_LIMIT) != NULL;
	if (!ok)
		case_error(s->w.c, "charon did not take its connection: see its log");
	return ok;
}

static void
needs(struct case_run *c)
{
	case_needs(c, CHARON, "strongswan-charon");
	case_needs(c, SWANCTL, "strongswan-swanctl");
	if (!guest_there(LIBIPSEC))
		case_needs(c, LIBIPSEC, "libcharon-extra-plugins");
	if (!guest_there(OPENSSL))
		case_needs(c, OPENSSL, "libstrongswan-standard-plugins");
}

bool
swan_up(struct swan *s, struct case_run *c, const struct lab_text *knobs,
	const struct swan_cfg *cfg)
{
	*s = (struct swan){0};
	needs(c);
	if (!pair_up(&s->w, c, knobs, NULL) || !pair_ready(&s->w, LAB_B))
		return false;
	machines(s);
	return run_charon(s, cfg);
}

bool
swan_alone(struct swan *s, struct case_run *c, const struct lab_text *knobs,
	const struct swan_cfg *cfg)
{
	*s = (struct swan){0};
	needs(c);
	world_open_cold(&s->w, c, knobs, NULL);
	s->w.c = c;
	case_start(c, LAB_A);
	if (!pair_reach_active(&s->w, LAB_A, PAIR_UP_LIMIT))
		return false;
	machines(s);
	return run_charon(s, cfg);
}

/* The text is kept until the next one. */
const char *
swan_ctl(struct swan *s, const char *const *words, ns_t limit)
{
	static char *last; /* a case is a process of its own */
	const char *argv[12] = {SWANCTL};
	int argc = 1, status;
	char *text;

	while (*words)
		argv[argc++] = *words++;
	free(last);
	last = text = guest_command(s->charon, argv, limit, &status);
	return text && status == 0 ? text : NULL;
}

size_t
swan_mark(const struct swan *s)
{
	return guest_log_len(s->charon);
}

size_t
swan_said(const struct swan *s, const char *text, size_t from)
{
	return guest_said_cnt(s->charon, text, from);
}

struct ask {
	struct swan *s;
	const char *text;
	size_t cnt, from;
};

static bool
was_said(void *ctx)
{
	const struct ask *a = ctx;

	return swan_said(a->s, a->text, a->from) >= a->cnt;
}

bool
swan_await(struct swan *s, const char *text, size_t cnt, size_t from, ns_t limit)
{
	struct ask a = {s, text, cnt, from};
	char what[160];

	(void)snprintf(what, sizeof what, "charon to say \"%s\" %zu times", text, cnt);
	return case_await(s->w.c, what, limit, was_said, &a);
}

bool
swan_initiate(struct swan *s)
{
	static const char *const words[] = {"--initiate", "--child", "net", "--timeout", "8", NULL};

	return swan_ctl(s, words, UP_LIMIT) != NULL;
}

bool
swan_tunnel(struct swan *s)
{
	if (swan_initiate(s))
		return true;
	case_inconclusive(s->w.c, "precondition: charon did not get a CHILD_SA: see its log");
	return false;
}

bool
swan_expect_tunnel(struct swan *s)
{
	return case_expect(s->w.c, swan_initiate(s),
		"expected charon to get a CHILD_SA, it did not: see its log");
}

/* ---- traffic ---- */

void
swan_flows(struct swan *s)
{
	uint32_t rate = s->rate ? s->rate : RATE;

	s->flow = guest_flow_new(s->w.lab, PORT_PROBE_SYNC);
	case_at_end(s->w.c, free_flow, s->flow);
	if (!guest_flow_ping(s->flow, PORT_PEER, LAB_REMOTE_HOST, LAB_IN_HOST, PACE) ||
		!guest_flow_tcp(
			s->flow, PORT_PEER, LAB_REMOTE_HOST, PORT_HOST, LAB_IN_HOST, 7001, rate) ||
		!guest_flow_tcp(
			s->flow, PORT_HOST, LAB_IN_HOST, PORT_PEER, LAB_REMOTE_HOST, 7002, rate))
		case_broken(s->w.c, "no sockets for the flows");
}

static bool
settled(void *ctx)
{
	const struct swan *s = ctx;

	return guest_flow_settled(s->flow);
}

bool
swan_flows_expect(struct swan *s, ns_t *gap)
{
	struct guest_pings p;
	struct guest_transfer t;

	guest_flow_stop(s->flow);
	if (!case_await(s->w.c, "every byte of the transfers to come", 20 * NS_PER_S, settled, s))
		return false;
	guest_flow_pings(s->flow, &p);
	*gap = p.gap;
	case_figure(s->w.c, "pings", (double)p.sent, "packets");
	case_figure(s->w.c, "pings lost", (double)(p.sent - p.came), "packets");
	case_figure(s->w.c, "longest gap", (double)p.gap / 1e6, "ms");
	for (size_t i = 0; guest_flow_transfer(s->flow, i, &t); i++) {
		case_figure(s->w.c, i ? "TCP outwards" : "TCP inwards", (double)t.came, "octets");
		if (!case_expect(s->w.c, t.connected && !t.broken,
			    "expected TCP connection %zu to live", i + 1) ||
			!case_expect_u64(
				s->w.c, t.sent, t.came, "octets that came of a transfer") ||
			!case_expect_u64(
				s->w.c, 0, t.wrong, "octets that were changed on the way") ||
			!case_expect_u64(s->w.c, t.sum_sent, t.sum_came, "checksum of a transfer"))
			return false;
	}
	return case_expect_u64(s->w.c, 0, p.twice, "answers that came twice") &&
	       case_expect(s->w.c, p.came > 0, "expected pings to be answered, none was");
}

static bool
pinged(void *ctx)
{
	struct guest_pings p;

	guest_flow_pings(ctx, &p);
	return p.came >= 2;
}

static bool
answered(struct swan *s, const char *what, enum lab_port from, ip4_t src, ip4_t dst)
{
	struct guest_flow *f = guest_flow_new(s->w.lab, PORT_PROBE_OUT);
	bool ok = guest_flow_ping(f, from, src, dst, 50 * NS_PER_MS) &&
		  case_await(s->w.c, what, 5 * NS_PER_S, pinged, f);

	guest_flow_free(f);
	return ok;
}

bool
swan_expect_traffic(struct swan *s, const char *when)
{
	char what[160];

	(void)snprintf(what, sizeof what, "answered pings with %s", when);
	return answered(s, what, PORT_PEER, LAB_REMOTE_HOST, LAB_IN_HOST);
}

bool
swan_expect_traffic_out(struct swan *s)
{
	return answered(
		s, "answered pings of the inside host", PORT_HOST, LAB_IN_HOST, LAB_REMOTE_HOST);
}

/* ---- what charon tells ---- */

static unsigned long long
sum_of(const char *text, const char *key)
{
	unsigned long long sum = 0;

	for (const char *at = text; (at = strstr(at, key)) != NULL; at += strlen(key))
		sum += strtoull(at + strlen(key), NULL, 10);
	return sum;
}

static unsigned
count_of(const char *text, const char *word)
{
	unsigned cnt = 0;

	for (const char *at = text; (at = strstr(at, word)) != NULL; at += strlen(word))
		cnt++;
	return cnt;
}

bool
swan_sas(struct swan *s, struct swan_sas *n)
{
	static const char *const words[] = {"--list-sas", "--raw", NULL};
	const char *text = swan_ctl(s, words, UP_LIMIT);

	*n = (struct swan_sas){0};
	if (!text)
		return false;
	n->ike = count_of(text, "state=ESTABLISHED");
	n->child = count_of(text, "state=INSTALLED");
	n->packets_in = sum_of(text, "packets-in=");
	n->packets_out = sum_of(text, "packets-out=");
	return true;
}

bool
swan_expect_sound(struct swan *s)
{
	static const char *const bad[] = {"ESP sequence number verification failed",
		"ICV verification failed", "parsing ESP payload failed", "due to policy",
		"giving up after", "DPD check timed out", "integrity check failed"};

	if (guest_died(s->charon)) {
		case_error(s->w.c, "charon ended by itself: see its log");
		return false;
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (!case_expect(s->w.c, swan_said(s, bad[i], 0) == 0,
			    "expected charon not to say \"%s\", it did so %zu times", bad[i],
			    swan_said(s, bad[i], 0)))
			return false;
	return true;
}
