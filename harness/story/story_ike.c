/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IKEv1 in the story: Main Mode by its six messages (RFC 2409 5), Quick Mode by its three (5.5),
 * Informational exchanges (RFC 2408 4.8); retransmissions are known by identical octets. What is
 * encrypted is opened where the ring has the key of its cookies, and read in story_open.c.
 *
 * Tables are small; whoever was quiet longest goes, and an exchange that goes unfinished is told as
 * such.
 */
#include "harness/story/story_in.h"

#include <stdio.h>

enum { MAIN = 2, AGGRESSIVE = 4, INFO = 5, QUICK = 32 };
enum { PAY_SA = 1, PAY_KE = 4 };
#define HEAD 28
#define ENCRYPTED 1

struct header {
	const uint8_t *h;
	size_t len;
	uint8_t first, exchange, flags;
	uint32_t msgid;
	bool reply; /* the responder's cookie is set */
	uint64_t digest;
};

static const char *
ends(const struct phase1 *p, char *text)
{
	char a[IP4_TEXT], b[IP4_TEXT];

	snprintf(text, 80, "%s > %s, cookie %02x%02x%02x%02x%02x%02x%02x%02x",
		ip4_put(a, p->initiator), ip4_put(b, p->responder), p->icookie[0], p->icookie[1],
		p->icookie[2], p->icookie[3], p->icookie[4], p->icookie[5], p->icookie[6],
		p->icookie[7]);
	return text;
}

static const char *
again(unsigned cnt, char *text)
{
	if (cnt)
		snprintf(text, 40, ", %u retransmission%s", cnt, cnt == 1 ? "" : "s");
	else
		text[0] = '\0';
	return text;
}

/* ---- an end that was none ---- */

static void
leave_exchange(struct story *s, struct exchange *x)
{
	char more[40], from[IP4_TEXT];

	if (x->used && x->type == QUICK && !x->done)
		story_say_at(s, (struct story_place){x->last, x->last_frame, x->file},
			"ike.quick.open", "Quick Mode %08x of %s stops after message %u of 3%s",
			x->msgid, ip4_put(from, x->from), x->cnt, again(x->again, more));
	x->used = false;
}

static void
leave_phase1(struct story *s, struct phase1 *p)
{
	char more[40], who[80];

	if (p->used && p->messages && p->whole && !p->done && !p->aggressive)
		story_say_at(s, (struct story_place){p->main_at, p->main_frame, p->file},
			"ike.main.open", "Main Mode %s stops after message %u of 6%s", ends(p, who),
			p->messages, again(p->again, more));
	p->used = false;
}

void
story_ike_end(struct story *s)
{
	for (size_t i = 0; i < STORY_EXCHANGES; i++)
		leave_exchange(s, &s->x[i]);
	for (size_t i = 0; i < STORY_IKE; i++)
		leave_phase1(s, &s->p1[i]);
}

/* ---- tables ---- */

static struct phase1 *
phase1_of(struct story *s, const struct header *m)
{
	struct phase1 *p, *to = &s->p1[0];

	for (size_t i = 0; i < STORY_IKE; i++) {
		p = &s->p1[i];
		if (p->used && !memcmp(p->icookie, m->h, 8))
			return p;
		if (!p->used ? to->used : to->used && p->last < to->last)
			to = p;
	}
	if (to->used) {
		s->sum.lost_ike++;
		leave_phase1(s, to);
	}
	*to = (struct phase1){.used = true,
		.initiator = s->p.src,
		.responder = s->p.dst,
		.first = s->now,
		.file = s->file,
		.whole = m->exchange == MAIN && !m->reply};
	memcpy(to->icookie, m->h, 8);
	return to;
}

static struct exchange *
exchange_of(struct story *s, const struct header *m)
{
	struct exchange *x, *to = &s->x[0];

	for (size_t i = 0; i < STORY_EXCHANGES; i++) {
		x = &s->x[i];
		if (x->used && x->msgid == m->msgid && x->type == m->exchange &&
			!memcmp(x->icookie, m->h, 8))
			return x;
		if (!x->used ? to->used : to->used && x->last < to->last)
			to = x;
	}
	if (to->used) {
		s->sum.lost_exchanges++;
		leave_exchange(s, to);
	}
	*to = (struct exchange){.used = true,
		.type = m->exchange,
		.msgid = m->msgid,
		.from = s->p.src,
		.first = s->now,
		.first_frame = s->frame,
		.file = s->file};
	memcpy(to->icookie, m->h, 8);
	return to;
}

/* ---- Main Mode ---- */

/* Which of the six: by its sender, what it begins with, and whether it is encrypted. */
static unsigned
main_number(const struct story *s, const struct phase1 *p, const struct header *m)
{
	bool from_initiator = s->p.src == p->initiator && s->p.dst == p->responder;

	if (!m->reply)
		return 1;
	if (m->flags & ENCRYPTED)
		return from_initiator ? 5 : 6;
	if (m->first == PAY_SA)
		return 2;
	return from_initiator ? 3 : 4;
}

/* The newest Phase 1 between the same two that was whole before. */
static const struct phase1 *
older_of(const struct story *s, const struct phase1 *p)
{
	const struct phase1 *found = NULL;

	for (size_t i = 0; i < STORY_IKE; i++) {
		const struct phase1 *o = &s->p1[i];
		bool same = (o->initiator == p->initiator && o->responder == p->responder) ||
			    (o->initiator == p->responder && o->responder == p->initiator);

		if (o != p && o->used && o->done && same && (!found || o->main_at > found->main_at))
			found = o;
	}
	return found;
}

/*
 * A Main Mode with the pair that begins within a minute of a take-over. It was not due if the one
 * before it is not half through its life; else nobody can say.
 */
static void
note_anew(struct story *s, const struct phase1 *p, const struct header *m)
{
	const struct phase1 *old = older_of(s, p);
	const struct take *t;

	if (!s->take_cnt || m->reply || p->digest[1] || !s->sum.esp)
		return;
	t = &s->take[(s->take_cnt - 1) % TAKES];
	if (s->now - t->at > ns_from_s(60) ||
		(s->p.src != s->group[t->group].vip && s->p.dst != s->group[t->group].vip))
		return;
	if (old && old->life_s && s->now - old->main_at < ns_from_s(old->life_s) / 2)
		story_broken(s, 0,
			"expected no new Phase 1 after the take-over in frame %llu, saw a Main "
			"Mode begin "
			"%.3f s later, when the one before was %.3f s old, of %u",
			(unsigned long long)t->frame, story_s(s->now - t->at),
			story_s(s->now - old->main_at), old->life_s);
	s->anew++;
}

static void
take_main(struct story *s, struct phase1 *p, const struct header *m)
{
	unsigned n = main_number(s, p, m);
	char who[80], more[40];

	note_anew(s, p, m);
	if (n == 2)
		p->life_s = story_ike_life(m->h, m->len);
	p->main_at = s->now;
	p->main_frame = s->frame;
	if (p->digest[n] == m->digest) {
		p->again++;
		story_detail(s, "ike.again", "Main Mode %s message %u again", ends(p, who), n);
		return;
	}
	if (p->digest[n])
		story_detail(s, "ike.other", "Main Mode %s message %u with other octets",
			ends(p, who), n);
	p->digest[n] = m->digest;
	if (n == 1)
		story_say(s, "ike.main", "Main Mode %s begins", ends(p, who));
	else if (p->messages == 0 && !p->whole)
		story_say(s, "ike.main", "Main Mode %s is under way: message %u", ends(p, who), n);
	if (n > p->messages)
		p->messages = n;
	story_detail(
		s, "ike.message", "Main Mode %s message %u, %zu octets", ends(p, who), n, m->len);
	if (n != 6 || p->done)
		return;
	p->done = true;
	story_say(s, "ike.main.done", "Main Mode %s is complete: 6 messages in %.3f s%s",
		ends(p, who), story_s(s->now - p->first), again(p->again, more));
}

/* ---- Phase 2 ---- */

static bool
is_repeated(struct exchange *x, const struct header *m)
{
	for (unsigned i = 0; i < x->cnt && i < 6; i++)
		if (x->digest[i] == m->digest) {
			x->again++;
			return true;
		}
	if (x->cnt < 6)
		x->digest[x->cnt] = m->digest;
	x->cnt++;
	return false;
}

static void
take_quick(struct story *s, struct phase1 *p, struct exchange *x, const struct header *m)
{
	char who[80], more[40], from[IP4_TEXT];

	ip4_put(from, x->from);
	if (x->cnt == 1)
		story_say(s, "ike.quick", "Quick Mode %08x begins, from %s, under %s", x->msgid,
			from, ends(p, who));
	story_detail(s, "ike.message", "Quick Mode %08x message %u, %zu octets", x->msgid, x->cnt,
		m->len);
	if (x->cnt != 3 || x->done)
		return;
	x->done = true;
	story_say(s, "ike.quick.done", "Quick Mode %08x is complete: 3 messages in %.3f s%s",
		x->msgid, story_s(s->now - x->first), again(x->again, more));
}

static void
take_info(struct story *s, struct phase1 *p, const struct header *m, bool opened)
{
	char who[IP4_TEXT];

	p->infos++;
	if (!(m->flags & ENCRYPTED))
		story_ike_clear(s, m->h, m->len);
	else if (!opened) {
		s->dpd_closed++;
		story_detail(s, "ike.info", "Informational %08x from %s, closed, %zu octets",
			m->msgid, ip4_put(who, s->p.src), m->len);
	}
}

/* ---- entry ---- */

static bool
read_header(const struct story *s, struct header *m)
{
	const uint8_t *h = s->p.isakmp;
	uint8_t reply = 0;

	if (s->p.isakmp_len < HEAD || h[17] >> 4 != 1)
		return false;
	for (int i = 8; i < 16; i++)
		reply |= h[i];
	*m = (struct header){.h = h,
		.len = s->p.isakmp_len,
		.first = h[16],
		.exchange = h[18],
		.flags = h[19],
		.msgid = IP4(h[20], h[21], h[22], h[23]),
		.reply = reply != 0,
		.digest = story_digest(h, s->p.isakmp_len) | 1};
	return true;
}

/* Fed are the exchanges whose key is in the ring, up to a bound. */
static bool
feed(struct story *s, const struct header *m, struct ikeopen_msg *out)
{
	bool known = false;

	if (!s->ike || s->p.ip_cut || s->p.mf)
		return false;
	for (size_t i = 0; i < s->in.keys->ike_cnt; i++)
		known |= !memcmp(s->in.keys->ike[i].icookie, m->h, 8);
	if (!known)
		return false;
	if (s->fed == STORY_OPENED) {
		s->sum.lost_opened++;
		return false;
	}
	s->fed++;
	return ikeopen_feed(s->ike, m->h, m->len, out) == ERR_OK && out->was_encrypted;
}

void
story_ike(struct story *s)
{
	struct ikeopen_msg out;
	struct exchange *x = NULL;
	struct phase1 *p;
	struct header m;
	bool opened, repeated = false;

	if (!read_header(s, &m)) {
		story_detail(
			s, "ike.other", "ISAKMP that is not of version 1, or cut short: not read");
		return;
	}
	p = phase1_of(s, &m);
	opened = feed(s, &m, &out);
	s->ike_opened += opened;
	if (m.exchange == QUICK || (m.exchange == INFO && m.msgid)) {
		x = exchange_of(s, &m);
		repeated = is_repeated(x, &m);
		x->last = s->now;
		x->last_frame = s->frame;
	}
	if (m.exchange == MAIN)
		take_main(s, p, &m);
	else if (m.exchange == QUICK && !repeated)
		take_quick(s, p, x, &m);
	else if (m.exchange == INFO && !repeated)
		take_info(s, p, &m, opened);
	else if (m.exchange == AGGRESSIVE && !p->aggressive)
		story_say(s, "ike.aggressive", "Aggressive Mode begins: not followed");
	p->aggressive |= m.exchange == AGGRESSIVE;
	p->last = s->now;
	if (opened && !out.repeated)
		story_ike_opened(s, p, x, &out, s->p.src == p->initiator ? 0 : 1);
}
