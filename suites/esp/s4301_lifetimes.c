/* SPDX-License-Identifier: BSD-2-Clause */
/* RFC 4301 4.4.2.1: lifetimes in kilobytes; the smallest that the language has is 2560. */
#include "suites/esp/esp_kit.h"

#define LIMIT_KB 2560u

static const struct lab_text knobs = {
	.add_map = {" set security-association lifetime kilobytes 2560"}};

/* Outwards, 1.4 MB a second. */
static void
pour(struct world *w, ns_t span)
{
	(void)host_stream_start(w->host, lab_now(w->lab), 1, LAB_REMOTE_HOST, 1000, 1372, 0);
	lab_run(w->lab, span);
	host_stream_stop(w->host, 1);
	lab_run(w->lab, 300 * NS_PER_MS);
}

/* Nobody answers a rekey: at the limit the SA ends, whatever waits to be sent. */
static void
hard(struct case_run *c)
{
	const struct peer_phase2 *p;
	struct world w;
	size_t cnt;

	if (!ike_kit_tunnel(&w, c, &knobs, NULL))
		return;
	peer_cfg(w.peer)->dead_to_ike = true;
	pour(&w, 3 * NS_PER_S);
	p = peer_phase2s(w.peer, &cnt);
	case_figure(c, "kilobytes under the SA", (double)p->bytes_in / 1024, "KB");
	if (host_stream_tx(w.host, 1)->sent < 2500) {
		case_inconclusive(
			c, "the host sent only %u packets", host_stream_tx(w.host, 1)->sent);
		return;
	}
	(void)case_expect(c, p->bytes_in <= LIMIT_KB * 1024,
		"expected at most %u octets under one SA; saw %llu", LIMIT_KB * 1024,
		(unsigned long long)p->bytes_in);
}

/* The peer answers: another pair is there before the limit, and no packet is lost for it. */
static void
soft(struct case_run *c)
{
	struct stream_result r;
	const struct peer_phase2 *p;
	struct world w;
	size_t cnt;

	if (!ike_kit_tunnel(&w, c, &knobs, NULL))
		return;
	pour(&w, 3 * NS_PER_S);
	stream_judge(host_stream_tx(w.host, 1), peer_stream_rx(w.peer, 1), 0, NS_NEVER, &r);
	p = peer_phase2s(w.peer, &cnt);
	case_figure(c, "kilobytes under the first SA", (double)p->bytes_in / 1024, "KB");
	if (!case_expect(c, cnt >= 2, "expected a second pair before the first has carried %u KB",
		    LIMIT_KB) ||
		!case_expect(c, p->bytes_in <= LIMIT_KB * 1024,
			"expected at most %u KB under one SA", LIMIT_KB))
		return;
	(void)case_expect_u64(
		c, r.sent, r.received, "packets that came, of those sent across the rekey");
}

static const struct case_def cases[] = {
	{
		.id = "esp/4301-4.4.2/1",
		.requirement = "RFC 4301, 4.4.2.1",
		.level = CASE_MUST,
		.class_ = CASE_INOPPORTUNE,
		.says = "An SA ends at its lifetime in kilobytes, even if nothing has taken its "
			"place.",
		.mutant = "lifetime-ignored",
		.run = hard,
	},
	{
		.id = "esp/4301-4.4.2/2",
		.requirement = "RFC 4301, 4.4.2.1",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "An SA is replaced before its lifetime in kilobytes is over, and traffic "
			"does not notice.",
		.mutant = "esp-rekey-too-late",
		.run = soft,
	},
};
CASE_SUITE(cases)
