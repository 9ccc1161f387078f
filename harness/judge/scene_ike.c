/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IKE messages in the trace, opened where the ring has the key, and the ESP SAs that Quick Mode
 * made of them: the accepted proposal of message 2 holds the responder's SPI and the life of both
 * directions, message 1 the initiator's SPI (RFC 2409 5.5; RFC 2407 4.5).
 */
#include "harness/judge/scene.h"

#include <string.h>

#include "harness/keys/ikeopen.h"
#include "ref/base/cursor.h"

#define ENCRYPTED 1
#define ATTR_LIFE_TYPE 1
#define NOTIFY_RESPONDER_LIFETIME 24576

bool
scene_payload(const uint8_t *body, size_t len, size_t *at, uint8_t *next, struct scene_payload *p)
{
	size_t size;

	if (!*next || len - *at < 4)
		return false;
	size = (size_t)body[*at + 2] << 8 | body[*at + 3];
	if (size < 4 || size > len - *at)
		return false;
	*p = (struct scene_payload){*next, body + *at + 4, size - 4};
	*next = body[*at];
	*at += size;
	return true;
}

bool
scene_notifies(const struct scene_ike *m, uint16_t type)
{
	struct scene_payload p;
	uint8_t next = m->first;
	size_t at = 0;

	while (scene_payload(m->body, m->body_len, &at, &next, &p))
		if (p.type == PAY_NOTIFY && p.len >= 8 && (p.bytes[6] << 8 | p.bytes[7]) == type)
			return true;
	return false;
}

static void
add_message(struct scene *s, struct ikeopen *o, size_t frame, const uint8_t *bytes, size_t size)
{
	struct ikeopen_msg m;
	enum err e = ikeopen_feed(o, bytes, size, &m);
	struct scene_ike *to;
	uint8_t *body;

	if (e == ERR_SHORT || e == ERR_LENGTH)
		return;
	s->ike = scene_more(s->ike, s->ike_cnt, &s->ike_cap, sizeof(*s->ike));
	to = &s->ike[s->ike_cnt++];
	*to = (struct scene_ike){
		.frame = frame,
		.at = trace_frame(s->t, frame)->at,
		.side = scene_sender(s, frame),
		.to = trace_frame(s->t, frame)->to,
		.exchange = m.exchange,
		.flags = m.flags,
		.first = m.first,
		.msgid = m.msgid,
		.repeated = m.repeated,
		.opened = e == ERR_OK,
	};
	memcpy(to->icookie, m.icookie, 8);
	memcpy(to->rcookie, m.rcookie, 8);
	if (e)
		return;
	body = scene_room(s, m.body_len);
	memcpy(body, m.body, m.body_len);
	to->body = body;
	to->body_len = m.body_len;
}

struct offer {
	uint32_t spi;
	struct scene_life life;
	bool is_esp;
};

/* They come in pairs: the unit, then how many, two or four octets. */
void
scene_read_life(struct rd *r, uint16_t type, struct scene_life *life)
{
	uint16_t kind = 0;

	while (rd_left(r) >= 4) {
		uint16_t attribute = rd_u16(r, "attribute");
		uint16_t len = attribute & 0x8000 ? 2 : rd_u16(r, "attribute.length");
		struct rd v = rd_sub(r, len, "attribute.value");
		uint32_t value = len == 4 ? rd_u32(&v, "value")
			: len == 2	  ? rd_u16(&v, "value")
					  : 0;

		attribute &= 0x7fff;
		if (attribute == type)
			kind = (uint16_t)value;
		if (attribute != type + 1)
			continue;
		if (kind == 1)
			life->s = value;
		else if (kind == 2)
			life->kb = value;
	}
}

/* The first proposal for ESP, and its first transform. */
static struct offer
read_sa(const struct scene_payload *p)
{
	struct offer o = {0};
	struct rd r, t;
	uint8_t spi_len;

	rd_init(&r, p->bytes, p->len);
	rd_skip(&r, 8, "doi, situation");
	rd_skip(&r, 5, "proposal");
	o.is_esp = rd_u8(&r, "protocol") == 3;
	spi_len = rd_u8(&r, "spi size");
	rd_skip(&r, 1, "transforms");
	if (spi_len != 4)
		o.is_esp = false;
	o.spi = rd_u32(&r, "spi");
	rd_skip(&r, 2, "transform");
	t = rd_sub(&r, 0, "none");
	if (rd_left(&r) >= 6) {
		uint16_t len = rd_u16(&r, "transform.length");

		if (len >= 4)
			t = rd_sub(&r, len - 4u, "transform");
		rd_skip(&t, 4, "transform id");
		scene_read_life(&t, ATTR_LIFE_TYPE, &o.life);
	}
	if (r.bad)
		o.is_esp = false;
	return o;
}

static bool
offer_of(const struct scene_ike *m, struct offer *o)
{
	struct scene_payload p;
	uint8_t next = m->first;
	size_t at = 0;

	while (scene_payload(m->body, m->body_len, &at, &next, &p))
		if (p.type == PAY_SA) {
			*o = read_sa(&p);
			return o->is_esp;
		}
	return false;
}

/* What the responder says of the life overrules what it accepted (RFC 2407 4.6.3.1). */
static void
heed_lifetime(const struct scene_ike *m, struct offer *o)
{
	struct scene_payload p;
	uint8_t next = m->first, spi_len;
	size_t at = 0;
	struct rd r;

	while (scene_payload(m->body, m->body_len, &at, &next, &p)) {
		if (p.type != PAY_NOTIFY)
			continue;
		rd_init(&r, p.bytes, p.len);
		rd_skip(&r, 5, "doi, protocol");
		spi_len = rd_u8(&r, "spi size");
		if (rd_u16(&r, "type") != NOTIFY_RESPONDER_LIFETIME)
			continue;
		rd_skip(&r, spi_len, "spi");
		scene_read_life(&r, ATTR_LIFE_TYPE, &o->life);
	}
}

static void
add_sa(struct scene *s, ns_t asked, const struct scene_ike *m, const struct offer *o, uint32_t spi,
	bool outbound)
{
	const struct pkt *p = &s->pkt[m->frame];

	s->sa = scene_more(s->sa, s->sa_cnt, &s->sa_cap, sizeof(*s->sa));
	s->sa[s->sa_cnt++] = (struct scene_sa){.spi = spi, .outbound = outbound, .frame = m->frame,
		.peer = m->side < 0 ? p->src : p->dst,
		.asked = asked, .at = m->at, .life_s = o->life.s, .life_kb = o->life.kb, .msgid = m->msgid};
}

/* Message 2 (index j) answers message 1 (index i). A packet to an SPI goes to who chose it. */
static void
pair_up(struct scene *s, const struct scene_ike *one, const struct scene_ike *two)
{
	struct offer asked, taken;

	if (!offer_of(one, &asked) || !offer_of(two, &taken))
		return;
	heed_lifetime(two, &taken);
	add_sa(s, one->at, two, &taken, taken.spi, two->side < 0);
	add_sa(s, one->at, two, &taken, asked.spi, one->side < 0);
}

static const struct scene_ike *
message_one(const struct scene *s, size_t before, const struct scene_ike *two)
{
	for (size_t i = before; i-- > 0;) {
		const struct scene_ike *m = &s->ike[i];

		if (m->exchange == IKE_QUICK && m->opened && m->msgid == two->msgid &&
			!memcmp(m->icookie, two->icookie, 8) && (m->side < 0) != (two->side < 0))
			return m;
	}
	return NULL;
}

static void
read_sas(struct scene *s)
{
	for (size_t i = 0; i < s->ike_cnt; i++) {
		const struct scene_ike *m = &s->ike[i], *one;

		if (m->exchange != IKE_QUICK || !m->opened || m->repeated)
			continue;
		one = message_one(s, i, m);
		if (one)
			pair_up(s, one, m);
	}
}

void
scene_read_ike(struct scene *s)
{
	struct ikeopen *o = ikeopen_new(s->in->keys);
	size_t big = 0;

	for (size_t i = 0; i < s->cnt; i++) {
		const struct pkt *p = &s->pkt[i];

		if (p->is_isakmp && !p->mf)
			add_message(s, o, i, p->isakmp, p->isakmp_len);
		if (big < s->big_cnt && s->big[big].frame == i) {
			add_message(s, o, i, s->big[big].bytes, s->big[big].len);
			big++;
		}
	}
	ikeopen_free(o);
	read_sas(s);
}
