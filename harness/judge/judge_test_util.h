/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_JUDGE_JUDGE_TEST_UTIL_H
#define BATON_JUDGE_JUDGE_TEST_UTIL_H

/*
 * A stage for the judge's tests: a small pair, a peer and a host whose frames are written by hand
 * into a trace, with keys, so that each law can be seen to hold and to break. Everything is static:
 * a program has one stage. Times are in ms from 1 s on.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/judge_in.h"
#include "ref/base/cursor.h"

enum { P_A_OUT, P_A_IN, P_A_SYNC, P_B_OUT, P_B_IN, P_B_SYNC, P_PEER, P_HOST, P_CNT };
enum { S_HELLO = 0, S_COUP = 1, S_RESIGN = 2, S_STANDBY = 8, S_ACTIVE = 16 };

#define VIP IP4(172, 16, 31, 100)
#define PEER IP4(172, 16, 31, 200)
#define FAR_HOST IP4(10, 2, 0, 50)
#define NEAR_HOST IP4(10, 0, 0, 50)
#define SPI_OUT 0x11111111u /* the pair sends on it */
#define SPI_IN 0x22222222u

static struct stage {
	struct trace *t;
	struct keyring ring;
	struct laws_in in;
	struct law_result out[LAWS_MAX];
	size_t cnt;
	ns_t now;
	struct keyike ike;
	struct {
		uint32_t msgid;
		uint8_t iv[KEYPRIM_BLOCK_MAX];
	} chain[32];
	size_t chains;
	uint16_t sync_port;
	uint32_t sync_seq[SIDES], sync_no[SIDES];
	bool no_pair;	/* the bulk names none */
	bool sync_lost; /* what is sent on it arrives elsewhere */
} stage;

static void
stage_key(uint32_t spi, ip4_t dst, enum keyesp_suite suite, uint8_t fill)
{
	struct keyesp k = {.spi = spi, .dst = dst, .src = dst == PEER ? VIP : PEER, .suite = suite};
	uint8_t key[64];

	memset(key, fill, sizeof(key));
	secret_set(&k.enc, key, keyesp_enc_len(suite, 128));
	secret_set(&k.auth, key, keyesp_auth_len(suite));
	keyring_add_esp(&stage.ring, &k);
}

static void
stage_open(void)
{
	static const struct trace_port ports[P_CNT] = {
		[P_A_OUT] = {"A.eth0", WHO_A, SEG_OUTSIDE},
		[P_A_IN] = {"A.eth1", WHO_A, SEG_INSIDE},
		[P_A_SYNC] = {"A.eth2", WHO_A, SEG_SYNC},
		[P_B_OUT] = {"B.eth0", WHO_B, SEG_OUTSIDE},
		[P_B_IN] = {"B.eth1", WHO_B, SEG_INSIDE},
		[P_B_SYNC] = {"B.eth2", WHO_B, SEG_SYNC},
		[P_PEER] = {"peer", WHO_PEER, SEG_OUTSIDE},
		[P_HOST] = {"host", WHO_HOST, SEG_INSIDE},
	};

	memset(&stage, 0, sizeof(stage));
	stage.t = trace_new(ports, P_CNT);
	keyring_init(&stage.ring);
	stage_key(SPI_OUT, PEER, KEYESP_AES_SHA1, 1);
	stage_key(SPI_IN, VIP, KEYESP_AES_SHA1, 2);
	stage.now = NS_PER_S;
	stage.in = (struct laws_in){
		.trace = stage.t,
		.keys = &stage.ring,
		.hello = 200 * NS_PER_MS,
		.hold = 800 * NS_PER_MS,
		.replay_in = 10,
		.replay_out = 1000,
		.margin = 20 * NS_PER_MS,
		.dark_margin = 250 * NS_PER_MS,
		.max_jump = 2000,
		.near = {IP4(10, 0, 0, 0), 24},
		.far = {IP4(10, 2, 0, 0), 24},
	};
}

static void
stage_close(void)
{
	trace_free(stage.t);
	keyring_free(&stage.ring);
	keyike_wipe(&stage.ike);
}

static inline void
stage_wait(int64_t ms)
{
	stage.now += ns_from_ms(ms);
}

/* A frame that came in at a port, and went to `to`. */
static size_t
stage_frame(int port, unsigned to, const void *bytes, size_t len)
{
	size_t no = trace_add(stage.t, stage.now, (size_t)port, bytes, len);

	trace_fate(stage.t, no, 0, to);
	stage.now += 10 * NS_PER_US;
	return no;
}

static size_t
stage_ip(int port, unsigned to, const uint8_t *ip, size_t len)
{
	static const struct mac src = {{2, 0, 0, 0, 0, 1}}, dst = {{2, 0, 0, 0, 0, 2}};
	uint8_t f[2048];
	size_t head = pkt_put_eth(f, sizeof(f), &dst, &src, PKT_ETH_IP4);

	ck_assert_uint_le(head + len, sizeof(f));
	memcpy(f + head, ip, len);
	return stage_frame(port, to, f, head + len);
}

static inline void
stage_event(enum trace_event_kind kind, enum trace_who who)
{
	trace_event_add(stage.t, &(struct trace_event){.at = stage.now, .kind = kind, .who = who});
}

/* An HSRP message of group 1 outside, group 2 inside. */
static inline size_t
stage_hsrp(int port, int op, int state)
{
	uint8_t m[20] = {0, (uint8_t)op, (uint8_t)state, 3, 10, 100,
		port == P_A_OUT || port == P_B_OUT ? 1 : 2, 0, 'c', 'i', 's', 'c', 'o'};
	struct pkt_ip h = {.src = IP4(172, 16, 31, 1), .dst = IP4(224, 0, 0, 2), .ttl = 1,
		.proto = PKT_UDP};
	uint8_t ip[64];
	size_t len;

	m[16] = 172, m[17] = 16, m[18] = 31, m[19] = 100;
	len = pkt_put_udp(ip, sizeof(ip), &h, 1985, 1985, m, sizeof(m));
	return stage_ip(port, 0xffff, ip, len);
}

/* A packet of stream 1 (outwards) or 2 (inwards). */
static inline size_t
stage_inner(uint8_t *ip, size_t cap, bool outwards, uint32_t no, uint8_t ttl)
{
	struct pkt_ip h = {.src = outwards ? NEAR_HOST : FAR_HOST, .proto = PKT_UDP, .ttl = ttl,
		.dst = outwards ? FAR_HOST : NEAR_HOST, .id = (uint16_t)no};
	uint8_t m[40] = "BTNS";
	struct wr w;

	wr_init(&w, m + 4, sizeof(m) - 4);
	wr_u16(&w, outwards ? 1 : 2);
	wr_u16(&w, 0);
	wr_u32(&w, no);
	return pkt_put_udp(ip, cap, &h, 7007, 7007, m, sizeof(m));
}

/* The outer packet around an inner one, with the newest key of the SPI. fill: IV and all else that
 * makes the bytes differ. */
static inline size_t
stage_outer(uint8_t *ip, size_t cap, bool outwards, uint32_t seq, uint8_t fill, struct span inner)
{
	const struct keyesp *k = keyring_esp(
		&stage.ring, outwards ? SPI_OUT : SPI_IN, outwards ? PEER : VIP);
	struct pkt_ip h = {.src = outwards ? VIP : PEER, .dst = outwards ? PEER : VIP,
		.proto = PKT_ESP, .ttl = 64};
	uint8_t esp[1900], iv[16];
	size_t len;

	memset(iv, fill, sizeof(iv));
	len = keyesp_seal(k, seq, iv, 4, inner, esp, sizeof(esp));
	ck_assert_uint_gt(len, 0);
	return pkt_put_ip(ip, cap, &h, esp, len);
}

/* The pair sends stream packet `no` with that sequence number from that outside port. */
static inline size_t
stage_esp(int port, uint32_t seq, uint32_t no)
{
	uint8_t inner[256], ip[2048];
	size_t len = stage_inner(inner, sizeof(inner), true, no, 63);

	len = stage_outer(ip, sizeof(ip), true, seq, (uint8_t)no, SPAN(inner, len));
	return stage_ip(port, 1u << P_PEER, ip, len);
}

/* The peer sends stream packet `no`, and it is delivered to that outside port. */
static inline size_t
stage_in(int to, uint32_t seq, uint32_t no)
{
	uint8_t inner[256], ip[2048];
	size_t len = stage_inner(inner, sizeof(inner), false, no, 64);

	len = stage_outer(ip, sizeof(ip), false, seq, 7, SPAN(inner, len));
	return stage_ip(P_PEER, 1u << to, ip, len);
}

/* A member lets the inner packet out on its inside port, one hop on. */
static inline size_t
stage_inside(int port, uint32_t no)
{
	uint8_t ip[256];
	size_t len = stage_inner(ip, sizeof(ip), false, no, 63);

	return stage_ip(port, 1u << P_HOST, ip, len);
}

/* ---- IKE ---- */

static inline size_t
stage_isakmp(int port, int to, const uint8_t *m, size_t len)
{
	bool ours = port != P_PEER;
	struct pkt_ip h = {.src = ours ? VIP : PEER, .dst = ours ? PEER : VIP, .ttl = 64,
		.proto = PKT_UDP};
	uint8_t ip[2048];
	size_t n = pkt_put_udp(ip, sizeof(ip), &h, 500, 500, m, len);

	return stage_ip(port, 1u << to, ip, n);
}

static inline void
stage_head(struct wr *w, uint8_t first, uint8_t exchange, bool secret, uint32_t msgid, size_t body)
{
	wr_bytes(w, stage.ike.icookie, 8);
	wr_bytes(w, stage.ike.rcookie, 8);
	wr_u8(w, first);
	wr_u8(w, 0x10);
	wr_u8(w, exchange);
	wr_u8(w, secret);
	wr_u32(w, msgid);
	wr_u32(w, (uint32_t)(28 + body));
}

/* Enough of Main Mode, in clear, for later messages to be opened: both KE payloads. */
static inline void
stage_phase1(int member)
{
	uint8_t ke[2][132], m[256], a[20] = {9, 9, 9};
	struct wr w;

	memset(stage.ike.icookie, 0xc1, 8);
	memset(stage.ike.rcookie, 0xc2, 8);
	stage.ike.hash = KEYPRIM_SHA1;
	stage.ike.cipher = KEYPRIM_AES;
	stage.ike.key_bits = 128;
	secret_set(&stage.ike.key, "0123456789abcdef", 16);
	secret_set(&stage.ike.a, a, sizeof(a));
	for (uint8_t i = 0; i < 2; i++) {
		memset(ke[i], i + 1, sizeof(ke[i]));
		memcpy(ke[i], (uint8_t[4]){0, 0, 0, 132}, 4);
		wr_init(&w, m, sizeof(m));
		stage_head(&w, 4, IKE_MAIN, false, 0, 132);
		wr_bytes(&w, ke[i], 132);
		stage_isakmp(i ? member : P_PEER, i ? P_PEER : member, m, w.len);
	}
	keyike_first_iv(&stage.ike, SPAN(ke[0] + 4, 128), SPAN(ke[1] + 4, 128));
	keyring_add_ike(&stage.ring, &stage.ike);
}

static inline uint8_t *
stage_iv(uint32_t msgid)
{
	for (size_t i = 0; i < stage.chains; i++)
		if (stage.chain[i].msgid == msgid)
			return stage.chain[i].iv;
	ck_assert_uint_lt(stage.chains, 32);
	stage.chain[stage.chains].msgid = msgid;
	keyike_phase2_iv(&stage.ike, msgid, stage.chain[stage.chains].iv);
	return stage.chain[stage.chains++].iv;
}

/* HASH(1) over the payloads (true) or 20 zeros, then the payloads, encrypted. */
static inline size_t
stage_ike(int port, int to, uint8_t exchange, uint32_t msgid, uint8_t next, bool hash,
	const uint8_t *payloads, size_t len)
{
	uint8_t body[512] = {0}, out[512], m[600];
	size_t total = (24 + len + 15) / 16 * 16;
	struct wr w;

	memcpy(body, (uint8_t[4]){next, 0, 0, 24}, 4);
	memcpy(body + 24, payloads, len);
	if (hash)
		keyike_hash1(&stage.ike, msgid, SPAN(payloads, len), body + 4);
	ck_assert(keyike_crypt(&stage.ike, true, stage_iv(msgid), body, total, out));
	wr_init(&w, m, sizeof(m));
	stage_head(&w, 8, exchange, true, msgid, total);
	wr_bytes(&w, out, total);
	return stage_isakmp(port, to, m, w.len);
}

/* An SA payload with one ESP proposal: SPI, life in seconds and kilobytes (0: none). */
static inline size_t
stage_sa(uint8_t *out, uint32_t spi, uint16_t life_s, uint32_t life_kb)
{
	size_t attrs = (life_s ? 8u : 0u) + (life_kb ? 12u : 0u);
	struct wr w;

	wr_init(&w, out, 128);
	wr_u16(&w, 0);
	wr_u16(&w, (uint16_t)(12 + 12 + 8 + attrs));
	wr_u32(&w, 1); /* DOI */
	wr_u32(&w, 1); /* situation */
	wr_u16(&w, 0);
	wr_u16(&w, (uint16_t)(12 + 8 + attrs));
	wr_bytes(&w, (uint8_t[4]){1, 3, 4, 1}, 4); /* number, ESP, SPI size, one transform */
	wr_u32(&w, spi);
	wr_u16(&w, 0);
	wr_u16(&w, (uint16_t)(8 + attrs));
	wr_bytes(&w, (uint8_t[4]){1, 12, 0, 0}, 4); /* AES */
	if (life_s) {
		wr_u32(&w, 0x80010001u);
		wr_u16(&w, 0x8002);
		wr_u16(&w, life_s);
	}
	if (life_kb) {
		wr_u32(&w, 0x80010002u);
		wr_u16(&w, 0x0002);
		wr_u16(&w, 4);
		wr_u32(&w, life_kb);
	}
	ck_assert(!wr_done(&w));
	return w.len;
}

/* Quick Mode, messages 1 and 2, begun by the peer; makes SPI_OUT and SPI_IN. */
static inline void
stage_quick(int member, uint32_t msgid, uint16_t life_s, uint32_t life_kb)
{
	uint8_t sa[128];
	size_t len = stage_sa(sa, SPI_OUT, life_s, life_kb);

	stage_ike(P_PEER, member, IKE_QUICK, msgid, PAY_SA, true, sa, len);
	len = stage_sa(sa, SPI_IN, life_s, life_kb);
	stage_ike(member, P_PEER, IKE_QUICK, msgid, PAY_SA, true, sa, len);
}

static inline size_t
stage_dpd(int port, int to, uint32_t msgid, uint16_t type, uint32_t number)
{
	uint8_t n[32];
	struct wr w;

	wr_init(&w, n, sizeof(n));
	wr_u16(&w, 0);
	wr_u16(&w, 32);
	wr_u32(&w, 1);
	wr_u8(&w, 1);
	wr_u8(&w, 16);
	wr_u16(&w, type);
	wr_bytes(&w, stage.ike.icookie, 8);
	wr_bytes(&w, stage.ike.rcookie, 8);
	wr_u32(&w, number);
	return stage_ike(port, to, IKE_INFO, msgid, PAY_NOTIFY, true, n, w.len);
}

static inline size_t
stage_delete(int member, uint32_t msgid, uint32_t spi, bool hash)
{
	uint8_t d[16];
	struct wr w;

	wr_init(&w, d, sizeof(d));
	wr_u16(&w, 0);
	wr_u16(&w, 16);
	wr_u32(&w, 1);
	wr_bytes(&w, (uint8_t[4]){3, 4, 0, 1}, 4);
	wr_u32(&w, spi);
	return stage_ike(P_PEER, member, IKE_INFO, msgid, PAY_DELETE, hash, d, w.len);
}

/* ---- the verdict ---- */

static inline const struct law_result *
stage_law(enum law_no law)
{
	stage.cnt = judge_laws(&stage.in, stage.out);
	for (size_t i = 0; i < stage.cnt; i++)
		if (stage.out[i].law == (int)law)
			return &stage.out[i];
	ck_abort_msg("law %d gave no result", law);
	return NULL;
}

static inline const struct law_result *
stage_expect(enum law_no law, enum law_verdict v)
{
	const struct law_result *r = stage_law(law);

	ck_assert_msg(r->verdict == v, "law %d: expected verdict %d, got %d: %s", law, v,
		r->verdict, r->text);
	if (v == LAW_BROKEN)
		ck_assert_msg(strstr(r->text, "expected") && strstr(r->text, "saw") &&
			r->frame < trace_len(stage.t), "%s", r->text);
	return r;
}

/* The text names that frame, as Wireshark counts. */
static inline void
stage_names(const struct law_result *r, size_t frame)
{
	char want[32];

	snprintf(want, sizeof(want), "frame %zu", frame + 1);
	ck_assert_msg(strstr(r->text, want), "no %s in: %s", want, r->text);
}

static inline int
stage_main(TCase *t, const char *name)
{
	Suite *s = suite_create(name);
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, stage_open, stage_close);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}

#endif
