/* SPDX-License-Identifier: BSD-2-Clause */
/* The transforms, each against the harness's own reading of its RFC: traffic of many sizes, both
 * ways. */
#include "suites/esp/esp_kit.h"

/* Sizes that meet every remainder of the cipher's block, and some large ones. */
static bool
sizes(struct world *w, const char *name)
{
	const uint64_t *in = &host_counters(w->host)->icmp_reply_in;
	uint64_t had = *in;
	uint16_t seq = 0;

	for (size_t len = 1; len <= 1400; len += len < 40 ? 1 : 170) {
		host_ping(w->host, lab_now(w->lab), LAB_REMOTE_HOST, 1, seq++, len);
		lab_run(w->lab, 3 * NS_PER_MS);
	}
	lab_run(w->lab, 300 * NS_PER_MS);
	return case_expect(w->c, *in - had == seq,
		       "expected %u echo replies through %s, of packets of all sizes; saw %llu",
		       seq, name, (unsigned long long)(*in - had)) &&
	       case_expect_u64(w->c, 0,
		       peer_counters(w->peer)->esp_bad_icv + peer_counters(w->peer)->esp_malformed,
		       "packets at the peer that did not open");
}

static void
carries(struct case_run *c, const char *transform, enum keyesp_suite suite)
{
	const struct lab_text knobs = {.transform = transform};
	struct peer_cfg cfg = world_peer_cfg();
	struct world w;

	cfg.esp[0] = (struct peer_esp_prop){suite, 128};
	cfg.esp_cnt = 1;
	if (!ike_kit_alone(&w, c, &knobs, &cfg) || !ike_kit_expect_tunnel(&w, transform) ||
		!case_expect_u64(c, suite, peer_phase2(w.peer)->prop.suite, "transform chosen") ||
		!ike_kit_expect_traffic(&w, transform))
		return;
	(void)sizes(&w, transform);
}

static void
cbc_sha1(struct case_run *c)
{
	carries(c, "esp-aes 128 esp-sha-hmac", KEYESP_AES_SHA1);
}

static void
cbc_sha256(struct case_run *c)
{
	carries(c, "esp-aes 128 esp-sha256-hmac", KEYESP_AES_SHA256);
}

static void
gcm(struct case_run *c)
{
	carries(c, "esp-gcm 128", KEYESP_AES_GCM);
}

static const struct case_def cases[] = {
	{
		.id = "esp/3602-3/1",
		.requirement = "RFC 3602, 2 to 5; RFC 2404",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "AES-CBC-128 with HMAC-SHA1-96 carries packets of all sizes both ways.",
		.mutant = "ike-keymat-swapped",
		.run = cbc_sha1,
	},
	{
		.id = "esp/4868-2/1",
		.requirement = "RFC 4868, 2; RFC 3602",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "AES-CBC-128 with HMAC-SHA2-256-128 carries packets of all sizes both "
			"ways.",
		.mutant = "ike-keymat-swapped",
		.run = cbc_sha256,
	},
	{
		.id = "esp/4106-8/1",
		.requirement = "RFC 4106, 3 to 8",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "AES-GCM-128 with a 16-octet ICV, its salt from the end of the keying "
			"material, carries packets "
			"of all sizes both ways.",
		.mutant = "ike-keymat-swapped",
		.run = gcm,
	},
};
CASE_SUITE(cases)
