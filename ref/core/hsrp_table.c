/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RFC 2281 5.7, cell by cell. Read it beside the RFC: rows are events, columns states; a cell with
 * two readings has the second one as alt: for a (note +) it is taken when the address is
 * configured, for h (note *) when we may preempt.
 */
#include <stddef.h>

#include "ref/core/hsrp.h"

#define INI HSRP_INITIAL
#define LRN HSRP_LEARN
#define LSN HSRP_LISTEN
#define SPK HSRP_SPEAK
#define STB HSRP_STANDBY
#define ACT HSRP_ACTIVE
#define STAY HSRP_NONE
#define DO(act, to)                                                                                \
	{                                                                                          \
		act, to, NULL, HSRP_NONE                                                           \
	}
#define EITHER(act, to, alt, alt_to)                                                               \
	{                                                                                          \
		act, to, alt, alt_to                                                               \
	}

/* clang-format off */
const struct hsrp_rules hsrp_rules_standard = {
	.cell = {
		[HSRP_EV_A] = { [INI] = EITHER("AB", LRN, "AB", LSN) },
		[HSRP_EV_B] = { [LRN] = DO("CD", INI), [LSN] = DO("CD", INI), [SPK] = DO("CD", INI),
				[STB] = DO("CD", INI), [ACT] = DO("CDH", INI) },
		[HSRP_EV_C] = { [LSN] = DO("AB", SPK), [STB] = DO("CDFI", ACT) },
		[HSRP_EV_D] = { [LSN] = DO("B", SPK), [SPK] = DO("D", STB) },
		[HSRP_EV_E] = { [SPK] = DO("F", STAY), [STB] = DO("F", STAY), [ACT] = DO("F", STAY) },
		[HSRP_EV_F] = { [SPK] = DO("B", LSN), [STB] = DO("B", LSN) },
		[HSRP_EV_G] = { [LRN] = DO("EAB", LSN), [LSN] = DO("EA", STAY), [SPK] = DO("EA", STAY),
				[STB] = DO("EA", STAY), [ACT] = DO("AB", SPK) },
		[HSRP_EV_H] = { [LRN] = DO("EAB", LSN),
				[LSN] = EITHER("A", STAY, "BGFI", ACT), [SPK] = EITHER("A", STAY, "BGFI", ACT),
				[STB] = EITHER("A", STAY, "BGFI", ACT), [ACT] = DO("G", STAY) },
		[HSRP_EV_I] = { [LSN] = DO("AB", SPK), [SPK] = DO("A", STAY), [STB] = DO("CFI", ACT) },
		[HSRP_EV_J] = { [ACT] = DO("ABH", SPK) },
		[HSRP_EV_K] = { [LSN] = DO("B", STAY), [SPK] = DO("B", LSN), [STB] = DO("B", LSN),
				[ACT] = DO("B", STAY) },
		[HSRP_EV_L] = { [LSN] = DO("B", SPK), [SPK] = DO("D", STB), [ACT] = DO("B", STAY) },
	},
	.vmac = {{0x00, 0x00, 0x0c, 0x07, 0xac, 0x00}},
	.ttl = 1,
	.check_auth = true,
	.owe_expiries = true,
	.active_uses_vmac = true,
	.learn_when_active = false,
	.equal_address_wins = true,
	.learn_timers = true,
	.learn_vip = true,
	.honour_start_delay = true,
	.honour_preempt_delay = true,
	.equals_preempt = true,
	.advertise = true,
	.jitter_percent = 5,
	.hold_percent = 100,
};
/* clang-format on */

const char *const hsrp_count_names[HSRP_CNT_CNT] = {
	[HSRP_CNT_HELLO_IN] = "hello-in",
	[HSRP_CNT_COUP_IN] = "coup-in",
	[HSRP_CNT_RESIGN_IN] = "resign-in",
	[HSRP_CNT_ADVERTISE_IN] = "advertise-in",
	[HSRP_CNT_HELLO_OUT] = "hello-out",
	[HSRP_CNT_COUP_OUT] = "coup-out",
	[HSRP_CNT_RESIGN_OUT] = "resign-out",
	[HSRP_CNT_ADVERTISE_OUT] = "advertise-out",
	[HSRP_CNT_BAD_AUTH] = "bad-authentication",
	[HSRP_CNT_OTHER_VIP] = "other-virtual-address",
	[HSRP_CNT_NO_CELL] = "event-without-cell",
	[HSRP_CNT_CHANGES] = "state-changes",
};

const char *
hsrp_state_name(enum hsrp_state s)
{
	static const char *const names[HSRP_STATE_CNT] = {
		[HSRP_NONE] = "-",
		[HSRP_INITIAL] = "Initial",
		[HSRP_LEARN] = "Learn",
		[HSRP_LISTEN] = "Listen",
		[HSRP_SPEAK] = "Speak",
		[HSRP_STANDBY] = "Standby",
		[HSRP_ACTIVE] = "Active",
	};

	return (unsigned)s < HSRP_STATE_CNT ? names[s] : "?";
}
