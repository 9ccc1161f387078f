/* SPDX-License-Identifier: BSD-2-Clause */
/* A router that runs is configured again: at the console, and by SIGHUP. */
#include <stdlib.h>
#include <string.h>

#include "harness/run/pair.h"

#define OBEYED (2 * NS_PER_S)

/* Give the member these lines; its answer (owned by the caller), "" if it took them. */
static char *
configure(struct world *w, enum lab_member m, const char *lines)
{
	char text[1024];

	(void)snprintf(text, sizeof text, "configure\n%s", lines);
	return lab_ask_text(w->lab, m, text);
}

static bool
reach_configured(struct world *w, enum lab_member m, const char *lines)
{
	char *answer = configure(w, m, lines);
	bool ok = answer && !answer[0];

	if (!ok)
		case_inconclusive(w->c, "%s did not take \"%s\": %s", lab_member_name(m), lines,
			answer ? answer : "no answer");
	free(answer);
	return ok;
}

/* Another policy, another list, another map entry, another priority that moves nobody. */
static void
spares_the_rest(struct case_run *c)
{
	static const char lines[] =
		"crypto isakmp policy 5\n encryption aes 256\n hash sha512\n authentication pre-share\n"
		" group 19\n lifetime 3600\n"
		"access-list 150 permit ip 10.0.0.0 0.0.0.255 10.77.0.0 0.0.255.255\n"
		"crypto map M 5 ipsec-isakmp\n set peer 172.16.31.77\n set transform-set T\n"
		" match address 150\n"
		"interface eth1\n standby 2 priority 110\n";
	struct pair_cost k;
	struct world w;

	if (!pair_carry(&w, c, NULL, NULL))
		return;
	pair_streams_start(&w, 100, 200);
	lab_run(w.lab, NS_PER_S);
	if (!reach_configured(&w, LAB_A, lines))
		return;
	lab_run(w.lab, NS_PER_S);
	pair_streams_stop(&w);
	k = pair_cost(&w);
	(void)case_expect_u64(c, 0, peer_counters(w.peer)->deletes_in, "Deletes that the peer got");
	(void)case_expect_u64(c, 1, k.phase1, "Phase 1 negotiations in all");
	(void)case_expect_u64(c, 1, k.phase2, "Phase 2 negotiations in all");
	(void)case_expect_u64(c, 0, k.lost_out + k.lost_in, "packets lost by the change");
}

static bool
deleted(void *ctx)
{
	return peer_counters(ctx)->deletes_in > 0;
}

static void
ends_what_changed(struct case_run *c)
{
	struct world w;
	char life[16];

	if (!pair_carry(&w, c, NULL, NULL))
		return;
	peer_cfg(w.peer)->passive = true;
	if (!reach_configured(&w, LAB_A,
		    "crypto dynamic-map D 10\n set security-association lifetime seconds 600\n"))
		return;
	if (!case_await(c, "a Delete for the SAs of the entry that changed", OBEYED, deleted, w.peer))
		return;
	peer_cfg(w.peer)->passive = false;
	peer_initiate(w.peer, lab_now(w.lab));
	if (!case_reach(c, "another tunnel", OBEYED, (bool (*)(void *))peer_is_up, w.peer))
		return;
	if (pair_show(w.lab, LAB_A, "show crypto ipsec sa --json", "0.left_s", life, sizeof life))
		(void)case_expect(c, strtol(life, NULL, 10) <= 600,
			"the new SA should live 600 s at most; %s are left", life);
	else
		case_fail(c, "no SA after the new negotiation");
}

static void
all_or_nothing(struct case_run *c)
{
	struct world w;
	char *answer, *running;

	world_open_cold(&w, c, NULL, NULL);
	w.c = c;
	case_start(c, LAB_A);
	if (!pair_reach_active(&w, LAB_A, PAIR_UP_LIMIT))
		return;
	answer = configure(
		&w, LAB_A, "hostname CHANGED\ninterface eth1\n standby 2 priority 300\n");
	running = lab_ask_text(w.lab, LAB_A, "show running-config");
	if (!answer || !running)
		case_inconclusive(c, "the console does not answer");
	else if (case_expect(c, strstr(answer, "3:21") && strstr(answer, "N1-255"),
			 "the place (3:21) and what could stand there (N1-255), saw \"%s\"", answer))
		(void)case_expect(c, !strstr(running, "CHANGED"),
			"nothing of the text is in force: its first line is");
	free(answer);
	free(running);
}

/* The file says 90 for both groups now: the standby, with 100 and preempt, takes over. */
static void
hangup(struct case_run *c)
{
	const struct lab_text lower = {.priority = {[LAB_A] = 90, [LAB_B] = 100}};
	struct pair_cost k;
	struct world w;
	char *text;
	bool told;

	if (!pair_carry(&w, c, NULL, NULL))
		return;
	pair_streams_start(&w, 100, 200);
	lab_run(w.lab, NS_PER_S);
	text = lab_text(&lower, LAB_A);
	told = lab_reload(w.lab, LAB_A, text);
	free(text);
	if (!told) {
		case_inconclusive(c, "the file could not be given to the member");
		return;
	}
	if (!pair_expect_active(&w, LAB_B, PAIR_HOLD + PAIR_MARGIN))
		return;
	lab_run(w.lab, NS_PER_S);
	pair_streams_stop(&w);
	k = pair_cost(&w);
	(void)pair_cost_expect(c, &k, PAIR_HOLD + PAIR_MARGIN);
}

static const struct case_def cases[] = {
	{
		.id = "console/vpnha-cli/1a",
		.requirement = "CLI-01, CLI-05",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "Lines given to a running router leave alone what they do not speak of: no packet, "
			"no SA is lost.",
		.mutant = "configure-drops-sas",
		.run = spares_the_rest,
	},
	{
		.id = "console/vpnha-cli/1b",
		.requirement = "CLI-01",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "A crypto map entry that changed takes its SAs with it, by Delete; the next ones obey "
			"the new one.",
		.mutant = "configure-keeps-changed",
		.run = ends_what_changed,
	},
	{
		.id = "console/vpnha-cli/1c",
		.requirement = "CLI-01",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A text with a wrong line is refused with its place, and nothing of it is applied.",
		.mutant = "configure-half",
		.run = all_or_nothing,
	},
	{
		.id = "console/vpnha-cli/1d",
		.requirement = "CLI-01",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "SIGHUP puts the file in force again: a priority lowered there moves the pair, and "
			"nothing is negotiated anew.",
		.mutant = "reload-ignored",
		.run = hangup,
	},
};
CASE_SUITE(cases)
