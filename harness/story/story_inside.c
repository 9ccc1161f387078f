/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What came in through ESP, and what came out inside (law 3): a packet that the keys open and that
 * goes to a virtual address is remembered by its inner octets without TTL and checksum, and laid to
 * the packet in clear that has them, one hop on. Each number is let in once. Twice breaks the law
 * where one member did it, and nobody took over in between; where somebody did it depends on the
 * inbound interval, which no capture tells, and is counted.
 *
 * A second letting in needs a second delivery: what is seen again within COPY_SPAN may be the
 * capture's own copy. The newest INSIDE packets are remembered.
 */
#include "harness/story/story_in.h"

#include <stdlib.h>

#define PROBES 8
#define HELD_MOST NS_PER_S /* a member that holds a packet longer is not looked for */
enum { TTL_AT = 8, SUM_AT = 10, IP_MIN = 20 };

static uint64_t
digest_of(const uint8_t *ip, size_t len)
{
	uint8_t head[IP_MIN];

	memcpy(head, ip, sizeof(head));
	head[TTL_AT] = head[SUM_AT] = head[SUM_AT + 1] = 0;
	return story_digest(head, sizeof(head)) ^
	       story_digest(ip + IP_MIN, len - IP_MIN) * 0x9e3779b97f4a7c15u;
}

/* The packet's own length, without what pads it; 0 if it is none. */
static size_t
length_of(const uint8_t *ip, size_t len)
{
	size_t total = len < IP_MIN ? 0 : (size_t)ip[2] << 8 | ip[3];

	return total >= IP_MIN && total <= len ? total : 0;
}

static bool
is_for_the_pair(const struct story *s)
{
	if (story_pair(s) != PAIR_NO)
		return false;
	for (unsigned i = 0; i < s->group_cnt; i++)
		if (s->group[i].vip && s->group[i].vip == s->p.dst)
			return true;
	return false;
}

void
story_came_in(struct story *s, const uint8_t *inner, size_t len)
{
	struct come_in *e, *to = NULL;
	uint64_t d;

	len = length_of(inner, len);
	if (!len || !is_for_the_pair(s))
		return;
	if (!s->come_in)
		s->come_in = calloc(INSIDE, sizeof(*s->come_in));
	if (!s->come_in)
		abort();
	d = digest_of(inner, len);
	for (unsigned i = 0; i < PROBES; i++) {
		e = &s->come_in[(d + i) % INSIDE];
		if (e->cnt && e->digest == d && e->spi == s->p.spi && e->seq == s->p.seq) {
			e->cnt += s->now - e->at > COPY_SPAN;
			e->at = s->now;
			return;
		}
		if (!to || e->at < to->at || (!e->cnt && to->cnt))
			to = e;
	}
	*to = (struct come_in){.digest = d,
		.at = s->now,
		.spi = s->p.spi,
		.seq = s->p.seq,
		.ttl = inner[TTL_AT],
		.cnt = 1};
}

/* The delivery that this packet came from: one that was not let in yet, else one that came again.
 */
static struct come_in *
delivery_of(struct story *s, uint64_t d)
{
	struct come_in *again = NULL;

	for (unsigned i = 0; i < PROBES; i++) {
		struct come_in *e = &s->come_in[(d + i) % INSIDE];

		if (!e->cnt || e->digest != d || s->now - e->at > HELD_MOST ||
			e->ttl != s->p.ip[TTL_AT] + 1)
			continue;
		if (!e->let_in)
			return e;
		if (e->let_in < e->cnt)
			again = e;
	}
	return again;
}

void
story_came_out(struct story *s)
{
	size_t len = s->p.ip_cut ? 0 : length_of(s->p.ip, s->p.ip_len);
	struct come_in *e = s->come_in && len ? delivery_of(s, digest_of(s->p.ip, len)) : NULL;
	int who = story_sender(s);

	if (!e || (s->in.ours && !s->letter))
		return;
	if (!e->let_in++) {
		s->law[LAW_REPLAY].judged++;
		e->by = who;
		e->takes = s->take_cnt;
		return;
	}
	if (who >= 0 && who == e->by && e->takes == s->take_cnt)
		story_broken(s, LAW_REPLAY,
			"expected number %u of SPI 0x%08x to be let in once, saw it come out "
			"inside again",
			e->seq, e->spi);
	else
		s->let_in_again++;
}
