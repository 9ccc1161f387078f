/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * docs/spec/ssp.md 1, by a member that is wrong: who has not the key is told nothing and disturbs
 * nothing; who has it and cannot speak is left. The tunnel's traffic goes on through each, and a
 * right member is taken afterwards.
 */
#include <string.h>

#include "suites/ssp/mate_kit.h"

#define SOON (2 * MATE_KIT_KEEPALIVE) /* at once, as against by patience, on a busy machine */
#define HANDSHAKE (2 * NS_PER_S + PAIR_MARGIN)

/* ---- strangers, beside a channel that lives ---- */

/* B is active, its channel lives; the mate calls again with the knobs as `wrong` says. */
static bool
beside(struct mate_kit *x, struct case_run *c, size_t *live)
{
	if (!mate_kit_alone(x, c, LAB_B))
		return false;
	*live = mate_kit_ready(x);
	return *live != MATE_NONE;
}

/* It was told nothing, not even in clear, and is put out. */
static bool
told_nothing(struct mate_kit *x, size_t conn, const char *who)
{
	const struct mate_conn_note *n = mate_conn(x->mate, conn);

	return mate_kit_ends(x, conn, HANDSHAKE, who) &&
	       case_expect(x->w.c, !n->up && !n->hello && !n->clear,
		       "expected %s to be told nothing; TLS %s, %zu octets came in clear", who,
		       n->up ? "stood" : "never stood", n->clear);
}

static void
clear_text(struct case_run *c)
{
	struct mate_kit x;
	size_t live, conn;
	const struct mate_conn_note *n;

	if (!beside(&x, c, &live))
		return;
	mate_wrong(x.mate)->tls = MATE_TLS_CLEAR;
	conn = mate_kit_meet(&x);
	if (!mate_kit_ends(&x, conn, HANDSHAKE, "the end of a connection that speaks SSP in clear"))
		return;
	n = mate_conn(x.mate, conn);
	if (case_expect(c, !n->hello && !n->clear,
		    "expected not a word in clear; %zu octets came", n->clear) &&
		mate_kit_lives(&x, live))
		(void)mate_kit_unharmed(&x);
}

static void
garbage(struct case_run *c)
{
	static const struct {
		const char *bytes;
		size_t len;
	} kinds[] = {
		{"GET / HTTP/1.0\r\n\r\n", 18},
		{"\x16\x03\x01\xff\xff\x01\x00\x00\x10", 9},	/* a record longer than any */
		{"\x16\x03\x01\x00\x04\x01\xff\xff\xff", 9},	/* a ClientHello of 16 MB */
		{"\x17\x03\x03\x00\x20" "0123456789abcdef0123456789abcdef", 37}, /* data at once */
		{"\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00", 16}, /* SSP */
	};
	struct mate_kit x;
	size_t live;

	if (!beside(&x, c, &live))
		return;
	mate_wrong(x.mate)->tls = MATE_TLS_SILENT;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		size_t conn = mate_kit_meet(&x);

		mate_wire(x.mate, lab_now(x.w.lab), conn, kinds[i].bytes, kinds[i].len);
		if (!told_nothing(&x, conn, "the end of a connection that speaks garbage"))
			return;
	}
	if (mate_kit_lives(&x, live))
		(void)mate_kit_unharmed(&x);
}

/* As many as a listening socket holds connect at once, and say nothing. */
#define CALLERS 4

static void
silent_callers(struct case_run *c)
{
	struct mate_kit x;
	size_t live, conn[CALLERS];

	if (!beside(&x, c, &live))
		return;
	mate_wrong(x.mate)->tls = MATE_TLS_SILENT;
	for (size_t i = 0; i < CALLERS; i++)
		conn[i] = mate_kit_meet(&x);
	for (size_t i = 0; i < CALLERS; i++)
		if (!told_nothing(&x, conn[i], "the end of a connection on which nothing is said"))
			return;
	if (mate_kit_lives(&x, live))
		(void)mate_kit_unharmed(&x);
}

/* Half of the key is another key. */
#define HALF_KEY "baton-lab-sync-k"

static void
half_key(struct case_run *c, enum lab_member real)
{
	struct mate_kit x;
	size_t conn;

	if (!mate_kit_alone(&x, c, real))
		return;
	mate_set_key(x.mate, HALF_KEY, sizeof(HALF_KEY) - 1);
	conn = mate_kit_meet(&x);
	if (conn == MATE_NONE || !told_nothing(&x, conn, "the end of a connection with another key"))
		return;
	mate_kit_right_key(&x);
	(void)mate_kit_unharmed(&x);
}

static void
caller_with_half(struct case_run *c)
{
	half_key(c, LAB_B);
}

static void
server_with_half(struct case_run *c)
{
	half_key(c, LAB_A);
}

static void
other_identity(struct case_run *c)
{
	static const char *const names[] = {
		"baton-ssp/1 group 101 from 10.255.0.1 to 10.255.0.2",
		"baton-ssp/1 group 100 from 10.255.0.2 to 10.255.0.1",
		"baton-ssp/1 group 100 from 10.255.0.3 to 10.255.0.2",
		"baton-ssp/2 group 100 from 10.255.0.1 to 10.255.0.2",
		"baton-ssp/1 group 100 from 10.255.0.1 to 10.255.0.22",
		"baton-ssp/1",
	};
	struct mate_kit x;
	size_t live;

	if (!beside(&x, c, &live))
		return;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		size_t conn;

		mate_wrong(x.mate)->identity = names[i];
		conn = mate_kit_meet(&x);
		if (!told_nothing(&x, conn, "the end of a connection under another identity"))
			return;
	}
	if (mate_kit_lives(&x, live))
		(void)mate_kit_unharmed(&x);
}

/* The right key, the right identity, and an address that is not the other member's. */
static void
other_address(struct case_run *c)
{
	struct mate_kit x;
	size_t conn;

	if (!mate_kit_alone(&x, c, LAB_B))
		return;
	mate_set_address(x.mate, IP4(10, 255, 0, 99));
	conn = mate_kit_meet(&x);
	if (!told_nothing(&x, conn, "the end of a connection from another address"))
		return;
	mate_set_address(x.mate, LAB_SYNC_A);
	(void)mate_kit_unharmed(&x);
}

/* ---- a server that A calls, and that is not B ---- */

static void
called_server(struct case_run *c, enum mate_tls how, ns_t limit)
{
	struct mate_kit x;
	size_t conn;

	if (!mate_kit_alone(&x, c, LAB_A))
		return;
	mate_wrong(x.mate)->tls = how;
	for (int i = 0; i < 2; i++) { /* it calls again, and is no wiser */
		conn = mate_kit_meet(&x);
		if (conn == MATE_NONE ||
			!mate_kit_ends(&x, conn, limit,
				"the end of a call to a server that did not use the key"))
			return;
		if (!case_expect(c, !mate_conn(x.mate, conn)->hello &&
					    !mate_conn(x.mate, conn)->clear,
			    "expected nothing to be told to a server that did not use the key"))
			return;
	}
	(void)mate_kit_unharmed(&x);
}

static void
server_with_certificate(struct case_run *c)
{
	called_server(c, MATE_TLS_CERTIFICATE, SOON);
}

static void
server_of_old(struct case_run *c)
{
	called_server(c, MATE_TLS_12, SOON);
}

static void
server_in_clear(struct case_run *c)
{
	called_server(c, MATE_TLS_CLEAR, SOON);
}

static void
server_of_silence(struct case_run *c)
{
	called_server(c, MATE_TLS_SILENT, HANDSHAKE);
}

static const struct case_def cases[] = {
	{
		.id = "ssp/vpnha-ssp/20",
		.requirement = "docs/spec/ssp.md 1; SSP-14",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "Who speaks SSP in clear is told nothing, and does not disturb the channel "
			"that lives.",
		.mutant = "channel-newcomer-first",
		.needs = CASE_TLS,
		.run = clear_text,
	},
	{
		.id = "ssp/vpnha-ssp/21",
		.requirement = "docs/spec/ssp.md 1",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "What is no TLS is put out, whatever it is, and does not disturb the "
			"channel that lives.",
		.mutant = "channel-newcomer-first",
		.needs = CASE_TLS,
		.run = garbage,
	},
	{
		.id = "ssp/vpnha-ssp/22",
		.requirement = "docs/spec/ssp.md 1",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "Callers that say nothing are put out in bounded time, and do not disturb "
			"the channel that lives.",
		.mutant = "channel-waits-forever",
		.needs = CASE_TLS,
		.run = silent_callers,
	},
	{
		.id = "ssp/vpnha-ssp/23",
		.requirement = "docs/spec/ssp.md 1, 7; SSP-14",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A caller that has only the first half of the key is told nothing.",
		.mutant = "ssp-half-a-key",
		.needs = CASE_TLS,
		.run = caller_with_half,
	},
	{
		.id = "ssp/vpnha-ssp/24",
		.requirement = "docs/spec/ssp.md 1; SSP-04",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A caller whose identity names another group, another member, the other "
			"direction or another version is told nothing.",
		.mutant = "channel-any-identity",
		.needs = CASE_TLS,
		.run = other_identity,
	},
	{
		.id = "ssp/vpnha-ssp/25",
		.requirement = "docs/spec/ssp.md 1",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "Only the other member's address is let in, even with the right key.",
		.mutant = "channel-any-address",
		.needs = CASE_TLS,
		.run = other_address,
	},
	{
		.id = "ssp/vpnha-ssp/26a",
		.requirement = "docs/spec/ssp.md 1, 7",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A server that shows a certificate and ignores the key is told nothing.",
		.mutant = "channel-without-psk",
		.needs = CASE_TLS,
		.run = server_with_certificate,
	},
	{
		.id = "ssp/vpnha-ssp/26b",
		.requirement = "docs/spec/ssp.md 1, 7",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A server that speaks TLS 1.2 alone is told nothing.",
		.mutant = "channel-old-tls",
		.needs = CASE_TLS,
		.run = server_of_old,
	},
	{
		.id = "ssp/vpnha-ssp/26c",
		.requirement = "docs/spec/ssp.md 1, 7",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A server that speaks SSP in clear is told nothing.",
		.mutant = "channel-keeps-broken",
		.needs = CASE_TLS,
		.run = server_in_clear,
	},
	{
		.id = "ssp/vpnha-ssp/26d",
		.requirement = "docs/spec/ssp.md 1",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A server that accepts and says nothing is left in bounded time, and "
			"called again.",
		.mutant = "channel-waits-forever",
		.needs = CASE_TLS,
		.run = server_of_silence,
	},
	{
		.id = "ssp/vpnha-ssp/26e",
		.requirement = "docs/spec/ssp.md 1, 7; SSP-14",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A server that has only the first half of the key is told nothing.",
		.mutant = "ssp-half-a-key",
		.needs = CASE_TLS,
		.run = server_with_half,
	},
};
CASE_SUITE(cases)
