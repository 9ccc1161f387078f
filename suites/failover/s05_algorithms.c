/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every algorithm survives a failover, and the rekey after it: each case has one IKE cipher, hash
 * or group that differs from the standard policy, one ESP transform, and a PFS group. Traffic goes
 * on under the mirrored pair; then both phases are rekeyed with the heir, which works only if the
 * IKE SA came over whole.
 */
#include <stdio.h>
#include <string.h>

#include "harness/run/pair.h"

struct row {
	struct peer_ike_prop ike;
	struct peer_esp_prop esp;
	uint16_t pfs;
};

#define AES KEYPRIM_AES
#define SHA KEYPRIM_SHA1
/* In the order of the cases below. */
static const struct row rows[] = {
	{{AES, 128, SHA, 2}, {KEYESP_AES_SHA1, 128}, 2},
	{{AES, 192, SHA, 2}, {KEYESP_AES_SHA1, 192}, 19},
	{{AES, 256, SHA, 2}, {KEYESP_AES_SHA1, 256}, 14},
	{{KEYPRIM_3DES, 0, SHA, 2}, {KEYESP_3DES_SHA1, 0}, 5},
	{{AES, 128, KEYPRIM_MD5, 2}, {KEYESP_3DES_MD5, 0}, 20},
	{{AES, 256, KEYPRIM_SHA256, 2}, {KEYESP_AES_SHA256, 128}, 19},
	{{AES, 256, KEYPRIM_SHA384, 2}, {KEYESP_AES_SHA256, 256}, 15},
	{{AES, 256, KEYPRIM_SHA512, 2}, {KEYESP_3DES_SHA256, 0}, 20},
	{{AES, 256, KEYPRIM_MD5, 2}, {KEYESP_AES_MD5, 128}, 2},
	{{AES, 128, SHA, 5}, {KEYESP_NULL_SHA1, 0}, 5},
	{{AES, 128, SHA, 14}, {KEYESP_NULL_MD5, 0}, 14},
	{{AES, 128, SHA, 15}, {KEYESP_NULL_SHA256, 0}, 15},
	{{AES, 128, SHA, 16}, {KEYESP_AES_GCM, 128}, 16},
	{{AES, 128, SHA, 19}, {KEYESP_AES_GCM, 192}, 19},
	{{AES, 128, SHA, 20}, {KEYESP_AES_GCM, 256}, 20},
	{{KEYPRIM_3DES, 0, KEYPRIM_SHA512, 14}, {KEYESP_AES_GCM, 128}, 0},
};

/* -- the row in the router's language -- */

static const char *
hash_word(enum keyprim_hash h)
{
	switch (h) {
	case KEYPRIM_MD5:
		return "md5";
	case KEYPRIM_SHA1:
		return "sha";
	case KEYPRIM_SHA256:
		return "sha256";
	case KEYPRIM_SHA384:
		return "sha384";
	case KEYPRIM_SHA512:
		return "sha512";
	}
	return "?";
}

static void
transform(const struct peer_esp_prop *e, char *out, size_t cap)
{
	const char *name = keyesp_name(e->suite), *mac = strrchr(name, '-');
	bool gcm = e->suite == KEYESP_AES_GCM;
	char enc[24];

	if (gcm || !strncmp(name, "aes", 3))
		(void)snprintf(enc, sizeof enc, "esp-%s %u", gcm ? "gcm" : "aes", e->key_bits);
	else
		(void)snprintf(enc, sizeof enc, "esp-%.*s", (int)(mac - name), name);
	if (gcm)
		(void)snprintf(out, cap, "%s", enc);
	else
		(void)snprintf(
			out, cap, "%s esp-%s-hmac", enc, !strcmp(mac, "-sha1") ? "sha" : mac + 1);
}

static void
write_row(const struct row *r, struct lab_text *t)
{
	static char enc[40], hash[40], group[40], set[64], pfs[40];
	bool aes = r->ike.cipher == KEYPRIM_AES;

	(void)snprintf(
		enc, sizeof enc, aes ? " encryption aes %u" : " encryption 3des", r->ike.key_bits);
	(void)snprintf(hash, sizeof hash, " hash %s", hash_word(r->ike.hash));
	(void)snprintf(group, sizeof group, " group %u", r->ike.group);
	(void)snprintf(pfs, sizeof pfs, " set pfs group%u", r->pfs);
	transform(&r->esp, set, sizeof set);
	*t = (struct lab_text){.transform = set,
		.swap = {{" encryption aes 128", enc}, {" hash sha", hash}, {" group 2", group}}};
	if (r->pfs)
		t->add_map[0] = pfs;
}

static void
write_peer(const struct row *r, struct peer_cfg *p)
{
	*p = world_peer_cfg();
	p->ike[0] = r->ike;
	p->esp[0] = r->esp;
	p->ike_cnt = p->esp_cnt = 1;
	p->pfs_group = r->pfs;
}

/* -- the case -- */

struct want {
	struct peer *p;
	uint64_t phase1, phase2;
};

static bool
reached(void *ctx)
{
	const struct want *w = ctx;
	const struct peer_counters *n = peer_counters(w->p);

	return n->phase1_up >= w->phase1 && n->phase2_up >= w->phase2;
}

/* The peer rekeys the pair, then the IKE SA, with whoever is active now. */
static bool
rekeyed(struct world *w, const struct row *r)
{
	struct want want = {w->peer, 1, 2};

	peer_rekey_child(w->peer, lab_now(w->lab));
	if (!case_await(w->c, "the pair's rekey under the mirrored IKE SA", 3 * NS_PER_S, reached,
		    &want) ||
		!pair_expect_traffic(w, 10, "traffic under the new pair"))
		return false;
	want.phase1 = 2;
	peer_rekey_phase1(w->peer, lab_now(w->lab));
	return case_await(w->c, "the IKE SA's rekey", 3 * NS_PER_S, reached, &want) &&
	       case_expect_u64(w->c, r->ike.group, peer_phase1(w->peer)->prop.group,
		       "group of the new IKE SA") &&
	       case_expect_u64(w->c, r->pfs, peer_phase2(w->peer)->pfs_group, "PFS group");
}

static void
survives(struct case_run *c, const struct row *r)
{
	struct lab_text knobs;
	struct peer_cfg cfg;
	struct world w;

	write_row(r, &knobs);
	write_peer(r, &cfg);
	if (!pair_carry(&w, c, &knobs, &cfg))
		return;
	pair_streams_start(&w, 100, 200);
	if (!pair_expect_traffic(&w, 10, "traffic before the failover"))
		return;
	lab_power_off(w.lab, LAB_A);
	if (!pair_expect_active(&w, LAB_B, PAIR_HOLD + PAIR_MARGIN) ||
		!pair_expect_traffic(&w, 10, "traffic under the mirrored pair") ||
		!case_expect_u64(
			c, 1, peer_counters(w.peer)->phase2_up, "pairs negotiated until then") ||
		!rekeyed(&w, r))
		return;
	pair_streams_stop(&w);
	if (case_expect_u64(c, 0,
		    peer_counters(w.peer)->esp_replays + peer_counters(w.peer)->esp_late,
		    "packets refused by the peer's replay window"))
		(void)case_expect_u64(c, 0, peer_counters(w.peer)->esp_bad_icv,
			"packets at the peer with a bad ICV");
}

#define ROW(n)                                                                                     \
	static void row_##n(struct case_run *c)                                                    \
	{                                                                                          \
		survives(c, &rows[(n)-1]);                                                         \
	}
ROW(1)
ROW(2)
ROW(3)
ROW(4)
ROW(5)
ROW(6)
ROW(7)
ROW(8)
ROW(9)
ROW(10)
ROW(11)
ROW(12)
ROW(13)
ROW(14)
ROW(15)
ROW(16)

#define CASE(n, which, kills)                                                                      \
	{                                                                                          \
		.id = "failover/vpnha-algorithm/" #n, .requirement = "SSP-01, FAILOVER-13",        \
		.level = CASE_MUST, .class_ = CASE_VALID,                                          \
		.says = which " survive a failover and the rekey of both phases after it.",        \
		.mutant = kills, .run = row_##n,                                                   \
	}

static const struct case_def cases[] = {
	CASE(1, "IKE with AES-128, SHA-1 and group 2, ESP with AES-128 and SHA-1, PFS 2",
		"import-no-ike"),
	CASE(2, "IKE with AES-192, ESP with AES-192 and SHA-1, PFS 19", "import-no-ike"),
	CASE(3, "IKE with AES-256 and SHA-1, a key longer than the hash, ESP with AES-256, PFS 14",
		"import-no-ike"),
	CASE(4, "IKE with 3DES, ESP with 3DES and SHA-1, PFS 5", "import-no-ike"),
	CASE(5, "IKE with MD5, ESP with 3DES and MD5, PFS 20", "import-no-ike"),
	CASE(6, "IKE with SHA-256, ESP with AES-128 and SHA-256, PFS 19", "import-no-ike"),
	CASE(7, "IKE with SHA-384, ESP with AES-256 and SHA-256, PFS 15", "import-no-ike"),
	CASE(8, "IKE with SHA-512, ESP with 3DES and SHA-256, PFS 20", "import-no-ike"),
	CASE(9, "IKE with AES-256 and MD5, a key of two hashes, ESP with AES-128 and MD5, PFS 2",
		"import-no-ike"),
	CASE(10, "IKE with group 5, ESP with NULL and SHA-1, PFS 5", "import-no-children"),
	CASE(11, "IKE with group 14, ESP with NULL and MD5, PFS 14", "import-no-children"),
	CASE(12, "IKE with group 15, ESP with NULL and SHA-256, PFS 15", "import-no-children"),
	CASE(13, "IKE with group 16, ESP with AES-GCM-128, PFS 16", "import-no-children"),
	CASE(14, "IKE with group 19, ESP with AES-GCM-192, PFS 19", "import-no-children"),
	CASE(15, "IKE with group 20, ESP with AES-GCM-256, PFS 20", "import-no-children"),
	CASE(16, "IKE with 3DES, SHA-512 and group 14, ESP with AES-GCM-128, without PFS",
		"import-no-children"),
};
CASE_SUITE(cases)
