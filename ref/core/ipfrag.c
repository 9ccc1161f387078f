/* SPDX-License-Identifier: BSD-2-Clause */
/* IPv4 fragmentation and reassembly (RFC 791 3.2). See ipfrag.h for what is refused, and why. */
#include <assert.h>
#include <string.h>

#include "ref/base/secret.h"
#include "ref/core/ipfrag.h"

#define MTU_MIN 68	   /* RFC 791 3.2 */
#define OFFSET_MASK 0x1fff /* in units of 8 octets */

const struct ipfrag_rules ipfrag_rules_standard = {
	.refuse_overlap = true,
	.lose_last = false,
	.reassemble = true,
	.timeout = 15 * NS_PER_S,
};

const char *const ipfrag_count_names[IPFRAG_CNT_CNT] = {
	[IPFRAG_CNT_WHOLE] = "reassembled",
	[IPFRAG_CNT_FRAGMENTS] = "fragments",
	[IPFRAG_CNT_DUPLICATE] = "duplicate",
	[IPFRAG_CNT_OVERLAP] = "overlap",
	[IPFRAG_CNT_TIMEOUT] = "timeout",
	[IPFRAG_CNT_EVICTED] = "evicted",
	[IPFRAG_CNT_TOO_LONG] = "too-long",
	[IPFRAG_CNT_MALFORMED] = "malformed",
};

static enum err
decode(const uint8_t *packet, size_t len, struct ipv4 *ip, struct why *why)
{
	struct rd r, payload;

	rd_init(&r, packet, len);
	return ipv4_decode(&r, ip, &payload, why);
}

/* ---- splitting ---- */

enum err
ipfrag_split_init(struct ipfrag_split *s, const struct ipfrag_rules *rules, const uint8_t *packet,
	size_t len, size_t mtu, struct why *why)
{
	enum err e;

	if (mtu < MTU_MIN)
		return err_set(why, ERR_VALUE, "mtu", 0, "RFC 791 3.2");
	memset(s, 0, sizeof(*s));
	e = decode(packet, len, &s->ip, why);
	if (e)
		return e;
	if (s->ip.len > mtu && s->ip.frag & IPV4_DF)
		return err_set(why, ERR_INOPPORTUNE, "ip.df", 6, "RFC 791 3.2");
	s->packet = packet;
	s->hdr_len = s->ip.hdr_len;
	s->len = s->ip.len;
	s->mtu = mtu;
	s->lose_last = rules->lose_last;
	return ERR_OK;
}

static size_t
whole(struct ipfrag_split *s, uint8_t *out, size_t cap)
{
	if (s->len > cap)
		return 0;
	memcpy(out, s->packet, s->len);
	s->at = s->len;
	return s->len;
}

/* Mend length, fragment field and checksum of a header in place. */
static void
mend(uint8_t *hdr, size_t hdr_len, size_t total, uint16_t frag)
{
	uint16_t sum;

	hdr[0] = (uint8_t)(0x40 | hdr_len / 4);
	hdr[2] = (uint8_t)(total >> 8);
	hdr[3] = (uint8_t)total;
	hdr[6] = (uint8_t)(frag >> 8);
	hdr[7] = (uint8_t)frag;
	hdr[10] = hdr[11] = 0;
	sum = ipv4_sum(hdr, hdr_len, 0);
	hdr[10] = (uint8_t)(sum >> 8);
	hdr[11] = (uint8_t)sum;
}

size_t
ipfrag_split_next(struct ipfrag_split *s, uint8_t *out, size_t cap)
{
	size_t payload = s->len - s->hdr_len, hdr_len, n;
	uint16_t frag;
	bool last;

	if (s->at == 0 && s->len <= s->mtu)
		return whole(s, out, cap);
	if (s->at >= payload || payload == 0)
		return 0;
	hdr_len = s->at == 0 ? s->hdr_len : IPV4_HDR_LEN;
	n = payload - s->at;
	last = hdr_len + n <= s->mtu;
	if (!last)
		n = (s->mtu - hdr_len) / 8 * 8;
	if ((last && s->lose_last && s->at) || hdr_len + n > cap)
		return 0;
	/* A fragment may be split again: its own offset and MF carry on. */
	frag = (uint16_t)((s->ip.frag & OFFSET_MASK) + s->at / 8);
	if (!last || s->ip.frag & IPV4_MF)
		frag |= IPV4_MF;
	memcpy(out, s->packet, hdr_len);
	memcpy(out + hdr_len, s->packet + s->hdr_len + s->at, n);
	mend(out, hdr_len, hdr_len + n, frag);
	s->at += n;
	return hdr_len + n;
}

/* ---- putting together ---- */

void
ipfrag_init(struct ipfrag *f, const struct ipfrag_rules *rules, struct ipfrag_slot *slot,
	unsigned slot_cnt)
{
	assert(slot_cnt > 0);
	memset(f, 0, sizeof(*f));
	f->rules = rules;
	f->slot = slot;
	f->slot_cnt = slot_cnt;
	for (unsigned i = 0; i < slot_cnt; i++)
		slot[i].used = false;
}

void
ipfrag_tick(struct ipfrag *f, ns_t now)
{
	for (unsigned i = 0; i < f->slot_cnt; i++)
		if (f->slot[i].used && f->slot[i].expires <= now) {
			f->slot[i].used = false;
			f->count[IPFRAG_CNT_TIMEOUT]++;
		}
}

ns_t
ipfrag_deadline(const struct ipfrag *f)
{
	ns_t t = NS_NEVER;

	for (unsigned i = 0; i < f->slot_cnt; i++)
		if (f->slot[i].used)
			t = ns_min(t, f->slot[i].expires);
	return t;
}

void
ipfrag_wipe(struct ipfrag *f)
{
	wipe(f->slot, f->slot_cnt * sizeof(f->slot[0]));
}

/* The packet's slot: by source, destination, protocol and id (RFC 791 3.2); else a new one. */
static struct ipfrag_slot *
slot_for(struct ipfrag *f, ns_t now, const struct ipv4 *ip)
{
	struct ipfrag_slot *best = NULL;

	for (unsigned i = 0; i < f->slot_cnt; i++) {
		struct ipfrag_slot *s = &f->slot[i];

		if (s->used && s->src == ip->src && s->dst == ip->dst && s->id == ip->id &&
			s->proto == ip->proto)
			return s;
		if (!best || (best->used && (!s->used || s->expires < best->expires)))
			best = s;
	}
	if (best->used)
		f->count[IPFRAG_CNT_EVICTED]++;
	best->used = true;
	best->dead = false;
	best->src = ip->src;
	best->dst = ip->dst;
	best->id = ip->id;
	best->proto = ip->proto;
	best->expires = now + f->rules->timeout;
	best->total = 0;
	best->piece_cnt = 0;
	best->hdr_len = 0;
	return best;
}

/* Where the new piece meets one that is there: 0 nowhere, 1 the same again, 2 overlap. */
static unsigned
meets(const struct ipfrag_slot *s, size_t from, size_t to, const uint8_t *data)
{
	for (unsigned i = 0; i < s->piece_cnt; i++) {
		if (from >= s->piece[i].to || to <= s->piece[i].from)
			continue;
		if (from == s->piece[i].from && to == s->piece[i].to &&
			memcmp(s->data + from, data, to - from) == 0)
			return 1;
		return 2;
	}
	return 0;
}

static bool
complete(const struct ipfrag_slot *s)
{
	size_t at = 0;
	bool moved = true;

	while (moved && s->total && at < s->total) {
		moved = false;
		for (unsigned i = 0; i < s->piece_cnt; i++)
			if (s->piece[i].from <= at && s->piece[i].to > at) {
				at = s->piece[i].to;
				moved = true;
			}
	}
	return s->total && s->hdr_len && at >= s->total;
}

static enum err
kill_slot(struct ipfrag *f, struct ipfrag_slot *s, enum ipfrag_count n, enum err e, struct why *why,
	const char *field)
{
	s->dead = true;
	f->count[n]++;
	return err_set(why, e, field, 6, "RFC 791 3.2");
}

/* Does this fragment contradict what is known of the end? */
static bool
contradicts(const struct ipfrag_slot *s, size_t to, bool last)
{
	if (s->total && (to > s->total || (last && to != s->total)))
		return true;
	for (unsigned i = 0; last && i < s->piece_cnt; i++)
		if (s->piece[i].to > to)
			return true;
	return false;
}

static enum err
add(struct ipfrag *f, struct ipfrag_slot *s, const struct ipv4 *ip, const uint8_t *packet,
	struct why *why)
{
	size_t from = (size_t)(ip->frag & OFFSET_MASK) * 8, to = from + ip->len - ip->hdr_len;
	const uint8_t *data = packet + ip->hdr_len;
	bool last = !(ip->frag & IPV4_MF);
	unsigned met;

	if (s->dead)
		return err_set(why, ERR_INOPPORTUNE, "ip.id", 4, "RFC 791 3.2");
	if (to > IPFRAG_PACKET_MAX - 60 || s->piece_cnt == IPFRAG_PIECES)
		return kill_slot(f, s, IPFRAG_CNT_TOO_LONG, ERR_FULL, why, "ip.offset");
	met = meets(s, from, to, data);
	if (met == 1) {
		f->count[IPFRAG_CNT_DUPLICATE]++;
		return ERR_OK;
	}
	if ((met == 2 && f->rules->refuse_overlap) || contradicts(s, to, last))
		return kill_slot(f, s, IPFRAG_CNT_OVERLAP, ERR_VALUE, why, "ip.offset");
	memcpy(s->data + from, data, to - from);
	s->piece[s->piece_cnt].from = (uint16_t)from;
	s->piece[s->piece_cnt].to = (uint16_t)to;
	s->piece_cnt++;
	if (last)
		s->total = to;
	if (from == 0) {
		s->hdr_len = ip->hdr_len;
		memcpy(s->hdr, packet, ip->hdr_len);
	}
	return ERR_OK;
}

static enum err
finish(struct ipfrag *f, struct ipfrag_slot *s, uint8_t *buf, size_t cap, const uint8_t **out,
	size_t *out_len, struct why *why)
{
	size_t len = s->hdr_len + s->total;

	s->used = false;
	if (len > cap)
		return kill_slot(f, s, IPFRAG_CNT_TOO_LONG, ERR_FULL, why, "ip.len");
	memcpy(buf, s->hdr, s->hdr_len);
	memcpy(buf + s->hdr_len, s->data, s->total);
	mend(buf, s->hdr_len, len, 0);
	f->count[IPFRAG_CNT_WHOLE]++;
	*out = buf;
	*out_len = len;
	return ERR_OK;
}

enum err
ipfrag_step(struct ipfrag *f, ns_t now, const uint8_t *packet, size_t len, uint8_t *buf, size_t cap,
	const uint8_t **out, size_t *out_len, struct why *why)
{
	struct ipfrag_slot *s;
	struct ipv4 ip;
	enum err e = decode(packet, len, &ip, why);
	bool more;

	*out_len = 0;
	*out = NULL;
	ipfrag_tick(f, now);
	if (e) {
		f->count[IPFRAG_CNT_MALFORMED]++;
		return e;
	}
	more = ip.frag & IPV4_MF;
	if (!more && !(ip.frag & OFFSET_MASK)) {
		*out = packet;
		*out_len = ip.len;
		return ERR_OK;
	}
	f->count[IPFRAG_CNT_FRAGMENTS]++;
	if (!f->rules->reassemble)
		return err_set(why, ERR_UNSUPPORTED, "ip.offset", 6, "RFC 791 3.2");
	if (ip.len == ip.hdr_len || (more && (ip.len - ip.hdr_len) % 8)) {
		f->count[IPFRAG_CNT_MALFORMED]++;
		return err_set(why, ERR_LENGTH, "ip.len", 2, "RFC 791 3.2");
	}
	s = slot_for(f, now, &ip);
	e = add(f, s, &ip, packet, why);
	if (e || !complete(s))
		return e;
	return finish(f, s, buf, cap, out, out_len, why);
}
