/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * docs/spec/ssp.md 1, by what an older connection said: its messages, put in on a newer one, have
 * numbers that are not next, and its TLS records were sealed under other keys.
 */
#include <string.h>

#include "suites/replay/replay_kit.h"
#include "suites/ssp/mate_kit.h"

#define OLD_NUMBERS 50 /* messages of the older connection, beyond its bulk */

/*
 * B is standby; the mate, as active, fed it pair 1 and reserved numbers for it. Its connection
 * ends; on the next one comes, behind the bulk, the last message of the older one, octet for octet.
 */
static void
older_message(struct case_run *c)
{
	struct mate_kit x;
	size_t live, next;
	uint32_t number = 0;
	long long before;

	if (!mate_kit_fed(&x, c, LAB_B, &live))
		return;
	for (uint32_t i = 0; i <= OLD_NUMBERS; i++)
		number = mate_kit_reserve(&x, live, 1, 3000 + i);
	if (!mate_kit_acked(&x, live, number))
		return;
	mate_end(x.mate, lab_now(x.w.lab), live, MATE_FIN);
	next = mate_kit_ready(&x);
	if (next == MATE_NONE)
		return;
	before = mate_kit_reserved(&x);
	*mate_number(x.mate, next) = number;
	(void)mate_kit_reserve(&x, next, 1, 3000 + OLD_NUMBERS);
	if (mate_kit_says(&x, next, MATE_RESYNC, MATE_GAP) &&
		mate_kit_not_acked(&x, next, number) &&
		case_expect(c, mate_kit_reserved(&x) == before,
			"expected a message of an older connection to have no effect; %lld numbers "
			"are "
			"reserved, were %lld",
			mate_kit_reserved(&x), before))
		(void)mate_kit_unharmed(&x);
}

static const struct case_def cases[] = {
	{
		.id = "replay/vpnha-ssp/1",
		.requirement = "SSP-01; docs/spec/ssp.md, 1",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A message of an older connection, put in on a newer one with its number "
			"of then, has no "
			"effect; the standby asks for everything again.",
		.mutant = "ssp-gaps-ignored",
		.run = older_message,
	},
};
CASE_SUITE(cases)
