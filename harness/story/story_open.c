/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What opened IKE messages say: SAs with their SPIs, lifetimes and selectors (RFC 2407 4.5, 4.6),
 * Deletes and notifies (RFC 2408 3.14, 3.15), and the numbers of DPD (RFC 3706 5.3), which law 6
 * holds together: no number below the last one, and an answer with the number that was asked.
 */
#include "harness/story/story_in.h"

#include <inttypes.h>
#include <stdio.h>

#include "ref/base/cursor.h"

enum { SA = 1, ID = 5, NOTIFY = 11, DELETE = 12 };
enum { R_U_THERE = 36136, R_U_THERE_ACK = 36137, INITIAL_CONTACT = 24578 };
enum { QUICK = 32 };

static const char *
notify_name(unsigned type)
{
	switch (type) {
	case 14:
		return "NO-PROPOSAL-CHOSEN";
	case 16:
		return "PAYLOAD-MALFORMED";
	case 18:
		return "INVALID-ID-INFORMATION";
	case 11:
		return "INVALID-SPI";
	case 4:
		return "INVALID-COOKIE";
	case 24:
		return "AUTHENTICATION-FAILED";
	case 16384:
		return "CONNECTED";
	case 24576:
		return "RESPONDER-LIFETIME";
	case 24577:
		return "REPLAY-STATUS";
	case INITIAL_CONTACT:
		return "INITIAL-CONTACT";
	}
	return "notify";
}

/* ---- DPD ---- */

static bool
taken_since(const struct story *s, ns_t at)
{
	return s->take_cnt && s->take[(s->take_cnt - 1) % TAKES].at > at;
}

static void
take_asked(struct story *s, struct phase1 *p, int dir, uint32_t n)
{
	uint32_t last = p->dpd[dir];
	char who[IP4_TEXT];
	bool first = !p->dpd_any[dir], heir = !first && taken_since(s, p->dpd_at[dir]);

	ip4_put(who, s->p.src);
	if (!first && story_pair(s) == PAIR_YES) {
		s->law[LAW_DPD].judged++;
		if (n < last)
			story_broken(s, LAW_DPD, "expected no R-U-THERE below %u, saw %u from %s",
				last, n, who);
	}
	if (first || heir || n != last + 1)
		story_say(s, "dpd.asked", "DPD: %s asks R-U-THERE %u%s%s", who, n,
			first  ? ", the first seen"
			: heir ? ", the first after the take-over"
			       : "",
			first || n == last + 1 ? ""
			: n == last	       ? ", again"
					       : ", out of turn");
	else
		story_detail(s, "dpd.asked", "DPD: %s asks R-U-THERE %u", who, n);
	p->dpd[dir] = n;
	p->dpd_any[dir] = p->dpd_open[dir] = true;
	p->dpd_at[dir] = s->now;
}

static void
take_answered(struct story *s, struct phase1 *p, int dir, uint32_t n)
{
	char who[IP4_TEXT];

	ip4_put(who, s->p.src);
	if (!p->dpd_any[!dir]) {
		story_detail(s, "dpd.ack", "DPD: %s answers %u, which was not seen asked", who, n);
		return;
	}
	s->law[LAW_DPD].judged += story_pair(s) == PAIR_YES;
	if (n != p->dpd[!dir] && story_pair(s) == PAIR_YES)
		story_broken(s, LAW_DPD, "expected R-U-THERE-ACK %u, saw %u from %s", p->dpd[!dir],
			n, who);
	story_detail(s, "dpd.ack", "DPD: %s answers %u", who, n);
	p->dpd_open[!dir] = false;
}

/* ---- notifies and Deletes ---- */

static void
take_notify(struct story *s, struct phase1 *p, int dir, struct rd *r)
{
	char who[IP4_TEXT];
	uint8_t spi_len;
	uint16_t type;

	rd_skip(r, 5, "doi, protocol");
	spi_len = rd_u8(r, "spi size");
	type = rd_u16(r, "type");
	rd_skip(r, spi_len, "spi");
	if (r->bad)
		return;
	if (p && (type == R_U_THERE || type == R_U_THERE_ACK)) {
		uint32_t n = rd_u32(r, "number");

		if (r->bad)
			return;
		if (type == R_U_THERE)
			take_asked(s, p, dir, n);
		else
			take_answered(s, p, dir, n);
		return;
	}
	story_say(s, "ike.notify", "notify of %s: %s (%u)", ip4_put(who, s->p.src),
		notify_name(type), type);
}

static void
take_delete(struct story *s, struct rd *r)
{
	char who[IP4_TEXT], spis[96] = "";
	uint8_t protocol, spi_len;
	uint16_t cnt;

	rd_skip(r, 4, "doi");
	protocol = rd_u8(r, "protocol");
	spi_len = rd_u8(r, "spi size");
	cnt = rd_u16(r, "count");
	for (unsigned i = 0; i < cnt && i < 6 && spi_len == 4; i++)
		snprintf(spis + strlen(spis), sizeof(spis) - strlen(spis), " 0x%08" PRIx32,
			rd_u32(r, "spi"));
	story_say(s, "ike.delete", "Delete of %s: %s%s%s", ip4_put(who, s->p.src),
		protocol == 1 ? "its IKE SA" : "ESP SA", protocol == 1 ? "" : spis,
		r->bad ? ", cut short" : "");
}

/* ---- SAs ---- */

/* Attributes of a transform; in phase 1 those of a life are 11 and 12, in phase 2 1 and 2. */
static void
take_life(struct rd *r, uint16_t first, uint32_t *life_s)
{
	uint16_t kind = 0;

	while (rd_left(r) >= 4) {
		uint16_t type = rd_u16(r, "attribute");
		uint16_t len = type & 0x8000 ? 2 : rd_u16(r, "attribute.length");
		struct rd v = rd_sub(r, len, "attribute.value");
		uint32_t value = 0;

		if (len == 4)
			value = rd_u32(&v, "value");
		else if (len == 2)
			value = rd_u16(&v, "value");
		if ((type & 0x7fff) == first)
			kind = (uint16_t)value;
		else if ((type & 0x7fff) == first + 1 && kind == 1)
			*life_s = value;
	}
}

/* The SPI of the first proposal for ESP, and the life of its first transform. */
static void
take_sa(struct story *s, struct exchange *x, struct rd *r)
{
	uint8_t protocol, spi_len;
	uint32_t spi, life = 0;
	char who[IP4_TEXT];

	rd_skip(r, 8, "doi, situation");
	rd_skip(r, 5, "proposal");
	protocol = rd_u8(r, "protocol");
	spi_len = rd_u8(r, "spi size");
	rd_skip(r, 1, "transforms");
	if (protocol != 3 || spi_len != 4)
		return;
	spi = rd_u32(r, "spi");
	rd_skip(r, 8, "transform");
	take_life(r, 1, &life);
	story_say(s, "ike.sa", "Quick Mode %08x: %s takes SPI 0x%08x%s%.0u%s", x->msgid,
		ip4_put(who, s->p.src), spi, life ? ", life " : "", life, life ? " s" : "");
	if (!x->spi) {
		x->spi = spi;
		x->life_s = life;
		return;
	}
	/* the answer's life counts for both */
	story_esp_life(s, spi, life ? life : x->life_s);
	story_esp_life(s, x->spi, life ? life : x->life_s);
}

static void
take_id(struct exchange *x, struct rd *r)
{
	uint8_t type = rd_u8(r, "id type"), bits = 32;
	uint32_t addr, mask = UINT32_MAX;

	rd_skip(r, 3, "protocol, port");
	addr = rd_u32(r, "address");
	if (type == 4)
		mask = rd_u32(r, "mask");
	if (r->bad || (type != 1 && type != 4) || x->id_cnt == 2)
		return;
	while (bits > 0 && !(mask & 1u << (32 - bits)))
		bits--;
	x->ids[x->id_cnt++] = (struct ip4_net){addr & mask, bits};
}

static void
keep_selector(struct story *s, const struct exchange *x)
{
	struct selector *to = &s->sel[s->sel_cnt];

	for (unsigned i = 0; i < s->sel_cnt; i++)
		if (!memcmp(&s->sel[i].a, &x->ids[0], sizeof(to->a)) &&
			!memcmp(&s->sel[i].b, &x->ids[1], sizeof(to->b)))
			return;
	if (s->sel_cnt == SELECTORS)
		return;
	memset(to, 0, sizeof(*to));
	to->a = x->ids[0];
	to->b = x->ids[1];
	s->sel_cnt++;
}

static void
walk(struct story *s, struct phase1 *p, struct exchange *x, uint8_t first, const uint8_t *body,
	size_t len, int dir)
{
	struct rd r;

	rd_init(&r, body, len);
	while (first && rd_left(&r) >= 4 && !r.bad) {
		uint8_t type = first;
		uint16_t size;
		struct rd in;

		first = rd_u8(&r, "next");
		rd_skip(&r, 1, "reserved");
		size = rd_u16(&r, "length");
		if (size < 4)
			return;
		in = rd_sub(&r, size - 4u, "payload");
		if (in.bad || r.bad)
			return;
		if (type == NOTIFY)
			take_notify(s, p, dir, &in);
		else if (type == DELETE)
			take_delete(s, &in);
		else if (type == SA && x && x->type == QUICK)
			take_sa(s, x, &in);
		else if (type == ID && x && x->type == QUICK && x->cnt == 1)
			take_id(x, &in);
	}
}

void
story_ike_opened(
	struct story *s, struct phase1 *p, struct exchange *x, const struct ikeopen_msg *m, int dir)
{
	walk(s, p, x, m->first, m->body, m->body_len, dir);
	if (x && x->type == QUICK && x->cnt == 1 && x->id_cnt == 2)
		keep_selector(s, x);
}

void
story_ike_clear(struct story *s, const uint8_t *msg, size_t len)
{
	walk(s, NULL, NULL, msg[16], msg + 28, len - 28, 0);
}

uint32_t
story_ike_life(const uint8_t *msg, size_t len)
{
	uint32_t life = 0;
	uint8_t spi_len;
	struct rd r;

	if (len < 28 || msg[16] != SA)
		return 0;
	rd_init(&r, msg + 28, len - 28);
	rd_skip(&r, 4 + 8 + 6, "sa, proposal");
	spi_len = rd_u8(&r, "spi size");
	rd_skip(&r, 1u + spi_len + 8, "spi, transform");
	take_life(&r, 11, &life);
	return r.bad ? 0 : life;
}
