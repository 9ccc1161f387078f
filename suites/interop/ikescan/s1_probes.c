/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ike-scan asks who is there. It stands where the remote gateway would, since a router has a key
 * for that address alone. What it says of the answers is the verdict, beside the router's own
 * counters.
 */
#include "harness/lab/guest.h"
#include "suites/ike/ike_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCAN "/usr/bin/ike-scan"
#define SCAN_LIMIT (20 * NS_PER_S)
#define ARGS 12
#define VIRTUAL "172.16.31.100"
#define CROWD 6000 /* more than there is room for */
#define CHOSEN                                                                                     \
	"SA=(Enc=AES Hash=SHA1 Auth=PSK Group=2:modp1024 KeyLength=128 LifeType=Seconds "          \
	"LifeDuration(4)=0x00007080)" /* 28800 s, as ike-scan offers */
#define DPD_VENDOR                                                                                 \
	"VID=afcad71368a1f1c96b8696fc77570100 (Dead Peer Detection v1.0)" /* RFC 3706 5.1 */

struct scan {
	struct world w;
	struct guest *g;
	char *said; /* what it printed */
};

static bool
has_ended(void *ctx)
{
	return !guest_alive(ctx);
}

static void
let_go(struct case_run *c, void *ctx)
{
	(void)c;
	free(ctx);
}

/* It runs on a machine at that port, and has ended. False: the case is over. */
static bool
run_scan(struct scan *s, struct case_run *c, enum lab_port p, const struct guest_program *g)
{
	const struct guest_machine m = {
		.port = p, .net = {p == PORT_PEER ? LAB_OUT_PEER : LAB_OUT_PROBE, 24}};
	char err[LAB_ERR];

	lab_attach(s->w.lab, p, NULL);
	if (!guest_machine_open(s->w.lab, &m, err))
		case_broken(c, err);
	s->g = guest_start(s->w.lab, p, g, err);
	if (!s->g)
		case_broken(c, err);
	if (!case_reach(c, "ike-scan to end", SCAN_LIMIT, has_ended, s->g))
		return false;
	s->said = guest_text(s->g, 0);
	case_at_end(c, let_go, s->said);
	if (guest_status(s->g) == 0)
		return true;
	case_error(c, "ike-scan failed: %.300s", s->said);
	return false;
}

/* A alone is active, ike-scan runs with these arguments, and has ended. False: the case is over. */
static bool
scan(struct scan *s, struct case_run *c, enum lab_port p, const char *const *more)
{
	const char *argv[ARGS] = {SCAN, "--nodns", "--multiline"};
	const struct guest_program g = {.name = "ike-scan", .argv = argv};
	int argc = 3;

	case_needs(c, SCAN, "ike-scan");
	for (; *more; more++)
		argv[argc++] = *more;
	argv[argc++] = VIRTUAL;
	argv[argc] = NULL;
	return ike_kit_alone(&s->w, c, NULL, NULL) && run_scan(s, c, p, &g);
}

static bool
expect_said(struct case_run *c, const struct scan *s, const char *text)
{
	return case_expect(c, strstr(s->said, text) != NULL,
		"expected ike-scan to say \"%s\", it said: %.600s", text, s->said);
}

static bool
expect_unsaid(struct case_run *c, const struct scan *s, const char *text)
{
	return case_expect(c, strstr(s->said, text) == NULL,
		"expected ike-scan not to say \"%s\", it said: %.600s", text, s->said);
}

static bool
expect_count(struct case_run *c, struct scan *s, const char *reason, long long cnt)
{
	char path[64];
	long long seen;

	(void)snprintf(path, sizeof path, "ike.%s", reason);
	seen = pair_show_number(s->w.lab, LAB_A, "show counters", path, -1);
	return case_expect(c, seen == cnt,
		"expected %lld messages counted as \"%s\" by the router, saw %lld", cnt, reason,
		seen);
}

static long long
ike_sas(struct scan *s)
{
	return pair_show_number(s->w.lab, LAB_A, "show crypto isakmp sa", "", -1);
}

static void
right_proposal(struct case_run *c)
{
	static const char *const args[] = {"--trans=7/128,2,1,2", NULL};
	struct scan s;

	if (scan(&s, c, PORT_PEER, args) && expect_said(c, &s, "Main Mode Handshake returned") &&
		expect_said(c, &s, CHOSEN) && expect_said(c, &s, DPD_VENDOR) &&
		expect_said(c, &s, "1 returned handshake"))
		(void)case_expect_u64(
			c, 0, (uint64_t)ike_sas(&s), "IKE SAs after a probe that goes no further");
}

/* The one that it has is neither the first nor the last. */
static void
one_of_many(struct case_run *c)
{
	static const char *const args[] = {"--trans=5,2,1,5", "--trans=7/256,1,1,5",
		"--trans=7/128,2,1,2", "--trans=1,1,1,1", NULL};
	struct scan s;

	if (scan(&s, c, PORT_PEER, args))
		(void)expect_said(c, &s, CHOSEN);
}

/* What ike-scan offers by itself: 3DES and DES with groups 2 and 1. */
static void
no_proposal(struct case_run *c)
{
	static const char *const args[] = {NULL};
	struct scan s;

	if (scan(&s, c, PORT_PEER, args) &&
		expect_said(c, &s, "Notify message 14 (NO-PROPOSAL-CHOSEN)") &&
		expect_said(c, &s, "0 returned handshake; 1 returned notify"))
		(void)case_expect_u64(c, 0, (uint64_t)ike_sas(&s), "IKE SAs after a refusal");
}

/* Nobody that we have a key with: silence, whatever is offered. */
static void
no_key(struct case_run *c)
{
	static const char *const args[] = {"--trans=7/128,2,1,2", "--retry=2", NULL};
	struct scan s;

	if (scan(&s, c, PORT_PROBE_OUT, args) &&
		expect_said(c, &s, "0 returned handshake; 0 returned notify"))
		(void)expect_count(c, &s, "no-pre-shared-key", 2);
}

/* One probe, one answer: a responder waits for the next message, it does not insist. */
static void
no_backoff(struct case_run *c)
{
	static const char *const args[] = {"--trans=7/128,2,1,2", "--showbackoff=6", NULL};
	struct scan s;

	if (!scan(&s, c, PORT_PEER, args) || !expect_said(c, &s, "1 returned handshake"))
		return;
	case_figure(
		c, "probes", (double)ike_kit_count(&s.w, PORT_PEER, IKE_KIT_MAIN, 0), "messages");
	if (case_expect_u64(c, ike_kit_count(&s.w, PORT_PEER, IKE_KIT_MAIN, 0),
		    ike_kit_count(&s.w, PORT_A_OUT, IKE_KIT_MAIN, 0),
		    "answers (as many as probes)"))
		(void)expect_unsaid(c, &s, "172.16.31.100\t2\t");
}

static void
version_two(struct case_run *c)
{
	static const char *const args[] = {"--ikev2", "--retry=2", NULL};
	struct scan s;

	if (scan(&s, c, PORT_PEER, args) &&
		expect_said(c, &s, "Notify message 5 (INVALID-MAJOR-VERSION)") &&
		expect_said(c, &s, "0 returned handshake; 1 returned notify"))
		(void)expect_count(c, &s, "version", 1);
}

/* Someone who has a key asks six thousand times, and never goes on. */
static void
crowd(struct case_run *c)
{
	static char targets[CROWD * sizeof VIRTUAL + 1];
	const struct lab_text knobs = {.swap = {{"crypto isakmp key ",
		"crypto isakmp key baton-lab-key address 172.16.31.0 255.255.255.0"}}};
	const char *argv[] = {SCAN, "--nodns", "--trans=7/128,2,1,2", "--retry=1", "--interval=250u",
		"--quiet", "--file=/run/targets", NULL};
	const struct guest_program g = {
		.name = "ike-scan", .argv = argv, .file = {{"/run/targets", targets}}};
	struct scan s;
	uint64_t asked;
	ns_t from;

	case_needs(c, SCAN, "ike-scan");
	for (size_t i = 0; i < CROWD; i++)
		memcpy(targets + i * sizeof VIRTUAL, VIRTUAL "\n", sizeof VIRTUAL);
	if (!ike_kit_alone(&s.w, c, &knobs, NULL) || !run_scan(&s, c, PORT_PROBE_OUT, &g))
		return;
	asked = ike_kit_count(&s.w, PORT_PROBE_OUT, IKE_KIT_MAIN, 0);
	case_figure(c, "probes", (double)asked, "messages");
	if (asked < CROWD) {
		case_inconclusive(c, "ike-scan sent %llu messages only", (unsigned long long)asked);
		return;
	}
	if (!case_expect_u64(c, 0, (uint64_t)ike_sas(&s), "IKE SAs after probes that go no further"))
		return;
	from = lab_now(s.w.lab);
	peer_initiate(s.w.peer, from);
	if (case_expect(c, ike_kit_event(&s.w, PEER_EV_PHASE2_UP, from, 1, 5 * NS_PER_S),
		    "expected the peer to get in after %llu probes; it did not",
		    (unsigned long long)asked))
		case_figure(c, "the peer was in after", (double)(lab_now(s.w.lab) - from) / 1e6, "ms");
}

static const struct case_def cases[] = {
	{
		.id = "interop/ikescan/1",
		.requirement = "RFC 2409, 5; RFC 3706, 5.1",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.needs = CASE_GUEST,
		.says = "A probe with the configured proposal is answered with just that, and with "
			"the vendor id of DPD.",
		.mutant = "ike-no-vendor-id",
		.run = right_proposal,
	},
	{
		.id = "interop/ikescan/2",
		.requirement = "RFC 2408, 4.2; RFC 2409, 5",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.needs = CASE_GUEST,
		.says = "Of several transforms the responder chooses the one that it is configured "
			"for.",
		.mutant = "ike-any-proposal",
		.run = one_of_many,
	},
	{
		.id = "interop/ikescan/3",
		.requirement = "RFC 2408, 5.4",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.needs = CASE_GUEST,
		.says = "A probe with nothing acceptable gets NO-PROPOSAL-CHOSEN, and leaves no "
			"SA.",
		.mutant = "ike-silent-refusal",
		.run = no_proposal,
	},
	{
		.id = "interop/ikescan/4",
		.requirement = "RFC 2409, 5.4",
		.level = CASE_SHOULD,
		.class_ = CASE_INOPPORTUNE,
		.needs = CASE_GUEST,
		.says = "Who has no key with the pair gets no answer; each message is counted.",
		.mutant = "ike-answers-without-key",
		.run = no_key,
	},
	{
		.id = "interop/ikescan/5",
		.requirement = "RFC 2408, 5.1",
		.level = CASE_SHOULD,
		.class_ = CASE_INOPPORTUNE,
		.needs = CASE_GUEST,
		.says = "A responder answers each message once, and sends nothing again by itself.",
		.mutant = "ike-responder-insists",
		.run = no_backoff,
	},
	{
		.id = "interop/ikescan/6",
		.requirement = "RFC 2408, 5.2; RFC 7296, 2.5",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.needs = CASE_GUEST,
		.says = "A message of IKE version 2 is refused with INVALID-MAJOR-VERSION, and "
			"counted.",
		.mutant = "ike-any-version",
		.run = version_two,
	},
	{
		.id = "interop/ikescan/7",
		.requirement = "RFC 2408, 2.5.1",
		.level = CASE_SHOULD,
		.class_ = CASE_INOPPORTUNE,
		.needs = CASE_GUEST,
		.says = "Six thousand probes that go no further leave no SA, and a real peer gets "
			"in behind them.",
		.mutant = "ike-half-open-for-ever",
		.run = crowd,
	},
};
CASE_SUITE(cases)
