/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_CORE_IPFRAG_H
#define BATON_CORE_IPFRAG_H

/*
 * IPv4 fragmentation and reassembly (RFC 791 2.3, 3.2), for the outside of a tunnel: a 1500-octet
 * inner packet makes two ESP fragments, and RFC 4303 3.4.1 wants them whole before they are opened.
 *
 * The table is bounded in packets and in time. A fragment that overlaps another one ends its
 * packet at once (the tolerant readings have a history of attacks); a repetition byte for byte of
 * a fragment is passed over. Options are copied to the first fragment only.
 */
#include "ref/base/ip4.h"
#include "ref/base/time.h"
#include "ref/wire/ipv4.h"

#define IPFRAG_PACKET_MAX 9216 /* longest packet that is put together */
#define IPFRAG_PIECES 64       /* fragments a packet at most */

struct ipfrag_rules {
	bool refuse_overlap; /* else what came last wins */
	bool lose_last;	     /* false; the splitter forgets the last fragment */
	bool reassemble;     /* true; else each fragment is dropped */
	ns_t timeout;	     /* from the first fragment; 15 s (RFC 791 3.2) */
};
extern const struct ipfrag_rules ipfrag_rules_standard;

/* ---- splitting ---- */

struct ipfrag_split {
	const uint8_t *packet; /* borrowed until the last _next */
	size_t hdr_len, len, at, mtu;
	struct ipv4 ip;
	bool lose_last;
};

/*
 * Begin to split a whole, sane IPv4 packet. ERR_INOPPORTUNE: it does not fit and DF is set (the caller
 * owes an ICMP "fragmentation needed"); ERR_VALUE, ERR_LENGTH...: not an IPv4 packet, or an mtu
 * below 68.
 */
enum err ipfrag_split_init(struct ipfrag_split *s, const struct ipfrag_rules *rules,
	const uint8_t *packet, size_t len, size_t mtu, struct why *why) MUST_CHECK;
/* Write the next fragment (the packet itself if it fits) to out; its length, 0 when done. */
size_t ipfrag_split_next(struct ipfrag_split *s, uint8_t *out, size_t cap);

/* ---- putting together ---- */

enum ipfrag_count {
	IPFRAG_CNT_WHOLE, IPFRAG_CNT_FRAGMENTS, IPFRAG_CNT_DUPLICATE, IPFRAG_CNT_OVERLAP,
	IPFRAG_CNT_TIMEOUT, IPFRAG_CNT_EVICTED, IPFRAG_CNT_TOO_LONG, IPFRAG_CNT_MALFORMED,
	IPFRAG_CNT_CNT
};
extern const char *const ipfrag_count_names[IPFRAG_CNT_CNT];

struct ipfrag_slot {
	bool used;
	bool dead; /* overlap seen: swallows the rest until it times out */
	ip4_t src, dst;
	uint16_t id;
	uint8_t proto;
	ns_t expires;
	size_t total;	/* payload length, 0 until the last fragment is here */
	unsigned piece_cnt;
	struct {
		uint16_t from, to; /* payload octets [from, to) */
	} piece[IPFRAG_PIECES];
	size_t hdr_len; /* 0 until the first fragment is here */
	uint8_t hdr[60];
	uint8_t data[IPFRAG_PACKET_MAX];
};

struct ipfrag {
	const struct ipfrag_rules *rules;
	struct ipfrag_slot *slot; /* placed by the caller */
	unsigned slot_cnt;
	uint64_t count[IPFRAG_CNT_CNT];
};

void ipfrag_init(struct ipfrag *f, const struct ipfrag_rules *rules, struct ipfrag_slot *slot,
	unsigned slot_cnt);
/*
 * Take a packet. A whole one is not looked at further: *out_len is its length and *out points to
 * it.
 * The fragment that completes a packet: *out and *out_len are the whole (in buf, cap bytes, header
 * mended). Otherwise *out_len is 0. ERR_* if the fragment was refused; that is counted.
 */
enum err ipfrag_step(struct ipfrag *f, ns_t now, const uint8_t *packet, size_t len, uint8_t *buf,
	size_t cap, const uint8_t **out, size_t *out_len, struct why *why) MUST_CHECK;
/* Forget what has timed out. */
void ipfrag_tick(struct ipfrag *f, ns_t now);
ns_t ipfrag_deadline(const struct ipfrag *f);
void ipfrag_wipe(struct ipfrag *f);

#endif
