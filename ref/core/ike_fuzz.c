/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as packets for a core that has one SA up and one exchange of each role under way. The
 * first octet of a packet says whose cookies it gets; with a null crypto and unchecked hashes the
 * contents of encrypted messages are reached, too. Whatever comes, all of it must time out at last.
 */
#include <string.h>

#include "ref/core/ike.h"

static struct ike_sa sas[4];
static struct ike_child children[4];
static struct ike_xchg xchgs[6];
static struct ike_known known[2];
static struct ike_embryo embryos[4];
static struct ike_acts acts;
static struct entropy entropy;
static struct ike k;
static struct ike_rules rules;

static const struct ike_policy policy = {10, ISAKMP_CIPHER_AES, 128, CRYPTO_SHA1, 2, 3600};
static const struct ike_psk psk = {0, 0, {{'k'}, 1}};
static const struct ike_map map = {.id = 1,
	.is_dynamic = true,
	.transform = {ESP_CBC128_SHA1, ESP_GCM128},
	.transform_cnt = 2,
	.lifetime_s = 3600};
static const struct ike_cfg cfg = {IP4(10, 0, 0, 1), &policy, 1, &psk, 1, &map, 1, true, true, true};

static void
step(ns_t now, const struct ike_in *in)
{
	memset(entropy.b, 0x5c, sizeof(entropy.b));
	entropy.used = 0;
	ike_step(&k, now, in, &entropy, &acts);
	for (unsigned i = 0; i < acts.cnt; i++)
		if (acts.v[i].kind == IKE_ACT_SEND && acts.v[i].len < ISAKMP_HDR_LEN)
			__builtin_trap();
}

static void
start(void)
{
	static const struct ike_tables t = {sas, 4, children, 4, xchgs, 6, known, 2, embryos, 4};
	static struct ike_export x = {.remote = {IP4(10, 0, 0, 2), 500},
		.confirmed = true,
		.dpd = true,
		.cipher = 7,
		.key_bits = 128,
		.hash = CRYPTO_SHA1,
		.group = 2,
		.left_s = 1000};

	memset(&x.cookies, 0x11, sizeof(x.cookies));
	x.local = (struct ike_end){cfg.local, 500};
	x.skeyid_a.len = x.skeyid_d.len = x.skeyid_e.len = 20;
	x.key.len = 16;
	rules = ike_rules_standard;
	rules.check_hash = rules.check_psk_hash = false;
	memset(sas, 0, sizeof(sas));
	memset(children, 0, sizeof(children));
	memset(xchgs, 0, sizeof(xchgs));
	memset(known, 0, sizeof(known));
	memset(embryos, 0, sizeof(embryos));
	ike_init(&k, &cfg, &rules, &crypto_null, &t);
	step(0, &(struct ike_in){.kind = IKE_IN_ACTIVATE});
	step(0, &(struct ike_in){.kind = IKE_IN_IMPORT, .export = &x});
	step(0, &(struct ike_in){
			.kind = IKE_IN_INITIATE, .map_id = 1, .remote = {IP4(10, 0, 0, 2), 0}});
	step(0, &(struct ike_in){
			.kind = IKE_IN_INITIATE, .map_id = 1, .remote = {IP4(10, 0, 0, 3), 0}});
}

/* The IV that the core will use: of the exchange, or of a new one. */
static void
iv_for(const struct ike_sa *sa, const struct ike_xchg *x, const uint8_t *msgid,
	uint8_t iv[CRYPTO_BLOCK])
{
	const struct crypto_part part[] = {{sa->last_block, CRYPTO_BLOCK}, {msgid, 4}};
	uint8_t out[CRYPTO_HASH_MAX];

	crypto_null.hash(CRYPTO_SHA1, part, 2, out);
	memcpy(iv, x ? x->iv : out, CRYPTO_BLOCK);
}

/* Give the packet the cookies, the message id and the length of something that is there. */
static void
fit(uint8_t *b, size_t len, uint8_t how)
{
	const struct ike_xchg *x = &xchgs[how >> 2 & 3];
	const struct ike_sa *sa = &sas[how >> 1 & 1];
	uint8_t iv[CRYPTO_BLOCK];

	if (len < ISAKMP_HDR_LEN)
		return;
	if (how & 1)
		memcpy(b, &sa->cookies, 16);
	if (how & 1 && how & 0x40)
		for (unsigned i = 0; i < 4; i++)
			b[20 + i] = (uint8_t)(x->msgid >> (24 - 8 * i));
	b[17] = ISAKMP_VERSION;
	b[24] = b[25] = 0;
	b[26] = (uint8_t)(len >> 8);
	b[27] = (uint8_t)len;
	iv_for(sa, how & 0x40 ? x : NULL, b + 20, iv);
	if (how & 0x20 && b[19] & ISAKMP_F_ENCRYPT && (len - ISAKMP_HDR_LEN) % 16 == 0)
		crypto_null.cbc_encrypt(CRYPTO_AES128_CBC, sa->key.b, iv, b + ISAKMP_HDR_LEN,
			b + ISAKMP_HDR_LEN, len - ISAKMP_HDR_LEN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ike_in in = {.kind = IKE_IN_PACKET, .local = {cfg.local, 500}};
	uint8_t b[2048];
	ns_t now = 1;

	start();
	while (size > 3) {
		uint8_t how = data[0];
		size_t n = (size_t)(data[1] & 7) << 8 | data[2];

		data += 3;
		size -= 3;
		n = n < size ? n : size;
		memcpy(b, data, n);
		fit(b, n, how);
		in.bytes = b;
		in.len = n;
		in.remote = (struct ike_end){IP4(10, 0, 0, 2) + (how >> 1 & 1), 500};
		step(now++, &in);
		if (how & 0x80)
			step(now++,
				&(struct ike_in){.kind = IKE_IN_RELEASE, .token = k.next_token});
		data += n;
		size -= n;
	}
	for (unsigned i = 0; i < 100 && ike_deadline(&k) != NS_NEVER; i++) {
		ns_t t = ike_deadline(&k);

		now = t > now ? t : now;
		step(now, &(struct ike_in){.kind = IKE_IN_TICK});
	}
	if (ike_deadline(&k) != NS_NEVER)
		__builtin_trap();
	return 0;
}
