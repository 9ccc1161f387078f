/* SPDX-License-Identifier: BSD-2-Clause */
/* Every combination that both sides know: hash, group, PFS; in one life of the router, one after
 * the other. */
#include "suites/ike/ike_kit.h"

/* Four policies; what the peer offers picks one. A dynamic map without `set pfs` takes any of ours.
 */
static const struct lab_text four = {
	.add_global =
		{
			"crypto isakmp policy 20",
			" encryption aes 128",
			" hash sha",
			" authentication pre-share",
			" group 14",
			" lifetime 86400",
		},
	.add_map = {NULL},
};

static bool
one(struct world *w, enum keyprim_hash hash, uint16_t group, uint16_t pfs)
{
	char when[64];
	struct peer_cfg *cfg = peer_cfg(w->peer);

	(void)snprintf(when, sizeof when, "%s, group %u, PFS %u",
		hash == KEYPRIM_SHA1 ? "sha" : "sha256", group, pfs);
	peer_reset(w->peer, lab_now(w->lab));
	cfg->ike[0] = (struct peer_ike_prop){KEYPRIM_AES, 128, hash, group};
	cfg->ike_cnt = 1;
	cfg->pfs_group = pfs;
	return ike_kit_expect_tunnel(w, when) && ike_kit_expect_traffic(w, when) &&
	       case_expect_u64(w->c, pfs, peer_phase2(w->peer)->pfs_group, "PFS group used");
}

static void
grid(struct case_run *c, enum keyprim_hash hash)
{
	static const uint16_t groups[] = {2, 14}, pfs[] = {0, 2, 14};
	struct lab_text knobs = four;
	struct world w;

	if (hash == KEYPRIM_SHA256) {
		knobs.swap[0][0] = " hash sha";
		knobs.swap[0][1] = " hash sha256";
		knobs.add_global[2] = " hash sha256";
	}
	if (!ike_kit_alone(&w, c, &knobs, NULL))
		return;
	for (size_t g = 0; g < 2; g++)
		for (size_t p = 0; p < 3; p++)
			if (!one(&w, hash, groups[g], pfs[p]))
				return;
	(void)case_expect_u64(
		c, 6, peer_counters(w.peer)->phase1_up, "Phase 1 negotiations in all");
}

static void
grid_sha(struct case_run *c)
{
	grid(c, KEYPRIM_SHA1);
}

static void
grid_sha256(struct case_run *c)
{
	grid(c, KEYPRIM_SHA256);
}

/* Two pairs under one IKE SA: with PFS their keys owe nothing to each other. */
static void
rekeyed(struct case_run *c)
{
	struct world w;

	if (!ike_kit_tunnel(&w, c, NULL, NULL))
		return;
	peer_cfg(w.peer)->pfs_group = 14;
	for (int i = 0; i < 3; i++) {
		uint32_t old = peer_phase2(w.peer)->spi_in;

		peer_initiate(w.peer, lab_now(w.lab));
		lab_run(w.lab, 300 * NS_PER_MS);
		if (!case_expect(c, peer_phase2(w.peer)->spi_in != old,
			    "expected another pair to come up") ||
			!ike_kit_expect_traffic(&w, "on the newest pair"))
			return;
	}
	if (case_expect_u64(c, 1, peer_counters(w.peer)->phase1_up, "Phase 1 negotiations in all"))
		(void)case_expect_u64(
			c, 4, peer_counters(w.peer)->phase2_up, "Phase 2 negotiations in all");
}

static const struct case_def cases[] = {
	{
		.id = "ike/2409-5.5/7a",
		.requirement = "RFC 2409, 5.4, 5.5 and App. B",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "SHA-1 with groups 2 and 14, without PFS and with either group: traffic "
			"passes both ways.",
		.mutant = "ike-pfs-not-in-keys",
		.run = grid_sha,
	},
	{
		.id = "ike/2409-5.5/7b",
		.requirement = "RFC 2409, 5.4, 5.5 and App. B; RFC 4868, 2.4",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "SHA-256 with groups 2 and 14, without PFS and with either group: traffic "
			"passes both ways.",
		.mutant = "ike-pfs-not-in-keys",
		.run = grid_sha256,
	},
	{
		.id = "ike/2409-5.5/8",
		.requirement = "RFC 2409, 5.5",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "Under one IKE SA pair follows pair, each with its own PFS, and the newest "
			"carries the traffic.",
		.mutant = "ike-pfs-not-in-keys",
		.run = rekeyed,
	},
};
CASE_SUITE(cases)
