/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_REPLAY_REWRITE_H
#define BATON_REPLAY_REWRITE_H

/*
 * Recorded frames, rewritten so that a device takes them for live ones: MAC addresses, IPv4
 * addresses, HSRP group and virtual address; and with keys what is encrypted: cookies, SPIs, ESP
 * numbers, integrity. Pure: frames in, frames out; the state (numbers, IVs) is in here.
 *
 * What was wrong stays wrong: checksums are carried along by the difference (RFC 1624), so a frame
 * recorded with a bad one is sent with a bad one. A malformed frame gets only new MAC addresses. A
 * fragment gets new addresses.
 *
 * ESP: a packet on an SPI that is to be replaced is opened with the old keys, its inner addresses
 * are mapped, and it is sealed with the new key; numbers go on from the one that is said, with the
 * steps of the recording. If it does not open, SPI and number alone are replaced, and it is counted
 * as blind. An ESP packet with a wrong ICV is such a one.
 *
 * ISAKMP: cookies are replaced. An encrypted message that the old keys open is sealed for the new
 * cookies: IVs from the new Phase 1's last block (key file: last=) and the message ids, HASH(1) of
 * Informational exchanges (skeyid_a=), cookies in R-U-THERE and its answer. Main Mode is not made
 * anew (its keys hang on secrets of both), nor is Quick Mode's second and third hash: those
 * messages go out as they were but for the cookies, and are counted as blind.
 *
 * It does not: change lengths of what it does not open, follow TCP, put Ethernet on other links.
 */
#include <stdbool.h>

#include "harness/field/pkt.h"
#include "harness/keys/keys.h"

#define REPLAY_MAPS 64
#define REPLAY_FRAME_MAX 65600

struct replay_mac {
	struct mac from, to;
};
struct replay_ip {
	ip4_t from, to;
};
struct replay_spi {
	uint32_t from, to;
	uint32_t number; /* that the first packet gets; 0: as recorded */
};
struct replay_cookies {
	uint8_t from[16], to[16]; /* initiator's, responder's */
};

/* What to do. Zero does nothing. Keys are borrowed. */
struct replay_rules {
	struct replay_mac macs[REPLAY_MAPS];
	struct replay_ip ips[REPLAY_MAPS];
	struct replay_spi spis[REPLAY_MAPS];
	struct replay_cookies cookies[REPLAY_MAPS];
	size_t mac_cnt, ip_cnt, spi_cnt, cookie_cnt;
	bool set_group, set_vip;
	uint8_t group; /* of every HSRP message, and of virtual MAC addresses (RFC 2281 6) */
	ip4_t vip;
	struct keyring *old_keys, *new_keys; /* NULL: nothing is opened or sealed */
};

struct replay_counters {
	uint64_t frames, changed;
	uint64_t sealed; /* ESP and ISAKMP, opened and sealed anew */
	uint64_t blind;	 /* to be sealed anew, but not opened, or no new key */
};

struct replay; /* owned, until replay_free */

struct replay *replay_new(const struct replay_rules *rules); /* copied; aborts without memory */
void replay_free(struct replay *r);			     /* NULL is allowed */
/*
 * One Ethernet frame, in the order of the recording. Octets written to out (at most cap, which is
 * at least len + 64); a frame that would not fit goes out unchanged.
 */
size_t replay_rewrite(struct replay *r, const void *frame, size_t len, uint8_t *out, size_t cap);
const struct replay_counters *replay_counters(const struct replay *r);

#endif
