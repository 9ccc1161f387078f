/* SPDX-License-Identifier: BSD-2-Clause */
/* Exec commands: what they show, what they clear. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/run/pair.h"

static bool
deleted(void *ctx)
{
	return peer_counters(ctx)->deletes_in > 0;
}

static void
clear_tells_the_peer(struct case_run *c)
{
	struct world w;

	if (!pair_carry(&w, c, NULL, NULL))
		return;
	peer_cfg(w.peer)->passive = true;
	free(lab_ask_text(w.lab, LAB_A, "clear crypto sa"));
	(void)case_await(c, "a Delete for the SAs that were cleared", 2 * NS_PER_S, deleted, w.peer);
}

/* CLI-06: it may look ineffective, because everything comes again. */
static void
clear_and_resync(struct case_run *c)
{
	char cookie[2][40];
	struct world w;
	char *reply;

	if (!pair_carry(&w, c, NULL, NULL))
		return;
	if (!pair_show(w.lab, LAB_B, "show crypto isakmp ha standby --json", "0.initiator_cookie",
		    cookie[0], sizeof cookie[0])) {
		case_inconclusive(c, "the standby has no copy of the IKE SA");
		return;
	}
	lab_run(w.lab, 500 * NS_PER_MS); /* nothing of the negotiation is on its way to the standby any more */
	reply = lab_ask_text(w.lab, LAB_B, "clear crypto isakmp ha standby resync");
	free(reply);
	if (!reply) { /* or what was never cleared would be taken for what came again */
		case_inconclusive(c, "no answer to the clear");
		return;
	}
	if (!case_expect(c,
		    pair_show_until(w.lab, LAB_B, "show crypto isakmp ha standby --json",
			    "0.initiator_cookie", cookie[0], 3 * NS_PER_S),
		    "the copy of the IKE SA came again within 3 s of a clear with resync"))
		return;
	(void)case_expect(c,
		pair_show_until(w.lab, LAB_B, "show ssp redundancy --json", "ready", "true",
			3 * NS_PER_S),
		"the standby is ready again");
}

/* The words behind `key` in a configuration, and the keys in a key log: none may be shown. */
static const char *
secret_in(const char *shown, const char *path, const char *before_key)
{
	static char word[256];
	char line[1024];
	FILE *f = fopen(path, "r");
	const char *found = NULL;

	while (f && !found && fgets(line, sizeof line, f)) {
		char *at = before_key ? strstr(line, before_key) : line, *save = NULL, *t;

		if (!at)
			continue;
		at += before_key ? strlen(before_key) : 0;
		for (t = strtok_r(at, " \n", &save); t && !found; t = strtok_r(NULL, " \n", &save)) {
			if (strlen(t) >= (before_key ? 4 : 32) && strstr(shown, t)) {
				(void)snprintf(word, sizeof word, "%s", t);
				found = word;
			}
			if (before_key)
				break; /* the key is the first word behind it */
		}
	}
	if (f)
		(void)fclose(f);
	return found;
}

static void
shows_no_key(struct case_run *c)
{
	static const char *const shows[] = {"show running-config", "show crypto ipsec sa",
		"show crypto isakmp sa", "show crypto isakmp ha standby", "show ssp peers",
		"show ssp packet", "show crypto ipsec sa standby", "show running-config --json",
		"show crypto engine connections active"};
	struct world w;
	char path[512];

	if (!pair_carry(&w, c, NULL, NULL))
		return;
	for (size_t i = 0; i < sizeof shows / sizeof shows[0]; i++)
		for (unsigned m = 0; m < LAB_MEMBERS; m++) {
			char *text = lab_ask_text(w.lab, (enum lab_member)m, shows[i]);
			const char *key = NULL;
			char *dot;

			if (!text) {
				case_inconclusive(c, "no answer to %s", shows[i]);
				return;
			}
			(void)snprintf(path, sizeof path, "%s",
				lab_keylog_path(w.lab, (enum lab_member)m));
			key = secret_in(text, path, NULL);
			dot = strrchr(path, '.');
			if (dot)
				(void)snprintf(dot, sizeof path - (size_t)(dot - path), ".conf");
			key = key ? key : secret_in(text, path, " key ");
			if (!case_expect(c, !key, "%s of %s shows the key %s", shows[i],
				    lab_member_name((enum lab_member)m), key ? key : ""))
				m = LAB_MEMBERS;
			free(text);
		}
}

static const struct case_def cases[] = {
	{
		.id = "console/vpnha-cli/2a",
		.requirement = "CLI-01",
		.level = CASE_SHOULD,
		.class_ = CASE_VALID,
		.says = "clear crypto sa ends the SAs at the peer, too: a Delete is sent (RFC 2408 5.15).",
		.mutant = "clear-in-silence",
		.run = clear_tells_the_peer,
	},
	{
		.id = "console/vpnha-cli/2b",
		.requirement = "CLI-06",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "clear crypto isakmp ha standby resync drops the dormant SAs and asks the active for "
			"them again.",
		.mutant = "resync-ignored",
		.run = clear_and_resync,
	},
	{
		.id = "console/vpnha-cli/3",
		.requirement = "CLI-01",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "No show command shows a pre-shared key, the sync channel's key or a session key.",
		.mutant = "show-keys",
		.run = shows_no_key,
	},
};
CASE_SUITE(cases)
