/* SPDX-License-Identifier: BSD-2-Clause */
/* Tunnels with strongSwan: who initiates, and every proposal that both have. */
#include "suites/interop/strongswan/swan_kit.h"

static void
it_initiates(struct case_run *c)
{
	struct swan s;
	struct swan_sas n;

	if (!swan_up(&s, c, NULL, NULL) || !swan_expect_tunnel(&s) ||
		!swan_expect_traffic(&s, "through its tunnel") || !swan_expect_sound(&s))
		return;
	if (case_expect(c, swan_sas(&s, &n), "expected an answer of charon's console"))
		(void)(case_expect_u64(c, 1, n.ike, "IKE SAs at charon") &&
			case_expect_u64(c, 1, n.child, "CHILD_SAs at charon"));
}

static const struct case_def cases[] = {
	{
		.id = "interop/strongswan/1",
		.requirement = "RFC 2409, 5; RFC 3947; RFC 3948",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "strongSwan initiates a tunnel with the pair, in UDP, and traffic passes.",
		.mutant = "ike-keymat-swapped",
		.run = it_initiates,
	},
};
CASE_SUITE(cases)
