/* SPDX-License-Identifier: BSD-2-Clause */
/* RFC 4303 3.4: what comes in. Replays, the window, the ICV, padding. */
#include "suites/esp/esp_kit.h"

#define WINDOW                                                                                     \
	64 /* of the reference pair: crypto ipsec security-association replay window-size          \
	    */

static void
replay(struct case_run *c)
{
	struct world w;

	if (!ike_kit_tunnel(&w, c, NULL, NULL) ||
		!esp_kit_flush(&w, 5999)) /* ARP is warm: nothing overtakes */
		return;
	for (uint16_t i = 0; i < 10; i++)
		esp_kit_in(&w, (uint16_t)(5000 + i));
	if (!esp_kit_flush(&w, 6000))
		return;
	for (uint16_t i = 0; i < 10; i++)
		if (!case_expect_u64(
			    c, 1, ike_kit_came(&w, (uint16_t)(5000 + i)), "packets at the host"))
			return;
	for (size_t n = 0; n <= 10; n++)
		(void)peer_replay(w.peer, lab_now(w.lab), n);
	if (!esp_kit_flush(&w, 6001))
		return;
	for (uint16_t i = 0; i < 10; i++)
		if (!case_expect_u64(c, 1, ike_kit_came(&w, (uint16_t)(5000 + i)),
			    "copies at the host of a packet that was sent twice with the same "
			    "number"))
			return;
	(void)case_expect_u64(c, 1, ike_kit_came(&w, 6000), "copies of the highest number");
}

/* The window reaches to the highest number less its size: 63 behind is within, 64 is not. */
static void
window(struct case_run *c)
{
	struct world w;
	struct peer_wrong *wrong;

	if (!ike_kit_tunnel(&w, c, NULL, NULL))
		return;
	wrong = peer_wrong(w.peer);
	wrong->esp_fixed_seq = 200;
	if (!esp_kit_flush(&w, 6000))
		return;
	wrong->esp_fixed_seq = 200 - (WINDOW - 1);
	esp_kit_in(&w, 5001);
	wrong->esp_fixed_seq = 200 - WINDOW;
	esp_kit_in(&w, 5002);
	wrong->esp_fixed_seq = 1;
	esp_kit_in(&w, 5003);
	wrong->esp_fixed_seq = 199;
	esp_kit_in(&w, 5004);
	wrong->esp_fixed_seq = 201;
	if (!esp_kit_flush(&w, 6001))
		return;
	if (case_expect_u64(
		    c, 1, ike_kit_came(&w, 5001), "packets at the host, 63 behind the highest") &&
		case_expect_u64(c, 1, ike_kit_came(&w, 5004),
			"packets at the host, 1 behind the highest") &&
		case_expect_u64(
			c, 0, ike_kit_came(&w, 5002), "packets at the host, 64 behind the highest"))
		(void)case_expect_u64(
			c, 0, ike_kit_came(&w, 5003), "packets at the host, 199 behind");
}

/* A forged packet far ahead must not push the genuine ones out of the window. */
static void
forged_ahead(struct case_run *c)
{
	struct world w;
	struct peer_wrong *wrong;

	if (!ike_kit_tunnel(&w, c, NULL, NULL) || !esp_kit_flush(&w, 6000))
		return;
	wrong = peer_wrong(w.peer);
	wrong->esp_bad_icv = true;
	wrong->esp_fixed_seq = 100000;
	esp_kit_in(&w, 5001);
	lab_run(w.lab, 100 * NS_PER_MS);
	wrong->esp_bad_icv = false;
	wrong->esp_fixed_seq = 0;
	for (uint16_t i = 2; i < 6; i++)
		esp_kit_in(&w, (uint16_t)(5000 + i));
	lab_run(w.lab, 300 * NS_PER_MS);
	for (uint16_t i = 2; i < 6; i++)
		if (!case_expect_u64(c, 1, ike_kit_came(&w, (uint16_t)(5000 + i)),
			    "genuine packets at the host after a forged one with number 100000"))
			return;
	(void)case_expect_u64(c, 0, ike_kit_came(&w, 5001), "forged packets at the host");
}

/* One bit of the ciphertext flipped, far from the ICV. */
static size_t
flip_cipher(void *ctx, enum peer_kind kind, uint8_t *bytes, size_t len, size_t cap)
{
	(void)ctx;
	(void)cap;
	if (kind == PEER_ESP && len > 48)
		bytes[len - 32] ^= 1;
	return len;
}

static void
bad_icv(struct case_run *c)
{
	struct world w;
	struct peer_wrong *wrong;

	if (!ike_kit_tunnel(&w, c, NULL, NULL) || !esp_kit_flush(&w, 6000))
		return;
	wrong = peer_wrong(w.peer);
	wrong->esp_bad_icv = true;
	esp_kit_in(&w, 5001);
	wrong->esp_bad_icv = false;
	wrong->edit_wire = flip_cipher;
	esp_kit_in(&w, 5002);
	wrong->edit_wire = NULL;
	if (!esp_kit_flush(&w, 6001))
		return;
	if (case_expect_u64(c, 0, ike_kit_came(&w, 5001),
		    "packets at the host with a bit of the ICV flipped") &&
		case_expect_u64(c, 0, ike_kit_came(&w, 5002),
			"packets at the host with a bit of the ciphertext flipped") &&
		case_expect(c, ike_kit_carries_out(&w, NS_PER_S), "expected the SA to carry on"))
		(void)case_expect_u64(
			c, 0, peer_counters(w.peer)->deletes_in, "Deletes because of it");
}

static void
padding(struct case_run *c)
{
	struct world w;
	struct peer_wrong *wrong;

	if (!ike_kit_tunnel(&w, c, NULL, NULL) || !esp_kit_flush(&w, 6000))
		return;
	wrong = peer_wrong(w.peer);
	wrong->esp_bad_pad = true;
	esp_kit_in(&w, 5001);
	wrong->esp_bad_pad = false;
	if (!esp_kit_flush(&w, 6001))
		return;
	(void)case_expect_u64(c, 0, ike_kit_came(&w, 5001),
		"packets at the host whose padding octets are not 1, 2, 3");
}

static const struct case_def cases[] = {
	{
		.id = "esp/4303-3.4.3/1",
		.requirement = "RFC 4303, 3.4.3",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A packet whose number has been received is rejected.",
		.mutant = "esp-no-replay-check",
		.run = replay,
	},
	{
		.id = "esp/4303-3.4.3/2",
		.requirement = "RFC 4303, 3.4.3",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "The window is updated only if the ICV verification succeeds.",
		.mutant = "esp-window-before-icv",
		.run = forged_ahead,
	},
	{
		.id = "esp/4303-3.4.3/3",
		.requirement = "RFC 4303, 3.4.3",
		.level = CASE_MUST,
		.class_ = CASE_VALID,
		.says = "Packets within the window of 64 are accepted in any order; those to the "
			"left of it are "
			"rejected.",
		.mutant = "esp-no-replay-check",
		.run = window,
	},
	{
		.id = "esp/4303-3.4.4/1",
		.requirement = "RFC 4303, 3.4.4.1",
		.level = CASE_MUST,
		.class_ = CASE_INVALID,
		.says = "A packet whose computed and received ICV differ is discarded, and changes "
			"nothing.",
		.mutant = "esp-any-icv",
		.run = bad_icv,
	},
	{
		.id = "esp/4303-2.4/1",
		.requirement = "RFC 4303, 2.4",
		.level = CASE_SHOULD,
		.class_ = CASE_INVALID,
		.says = "The receiver inspects the padding octets: 1, 2, 3 and so on.",
		.mutant = "esp-any-padding",
		.run = padding,
	},
};
CASE_SUITE(cases)
