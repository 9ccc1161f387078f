/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading ISAKMP (RFC 2408 3). Building is in isakmp_build.c. Each payload becomes a reader over
 * exactly its body, so that a wrong inner length can never reach into its neighbour.
 */
#include <string.h>

#include "ref/wire/isakmp.h"

const uint8_t isakmp_vid_dpd[16] = {0xaf, 0xca, 0xd7, 0x13, 0x68, 0xa1, 0xf1, 0xc9, 0x6b, 0x86,
	0x96, 0xfc, 0x77, 0x57, 0x01, 0x00};
const uint8_t isakmp_vid_natt[16] = {0x4a, 0x13, 0x1c, 0x81, 0x07, 0x03, 0x58, 0x45, 0x5c, 0x57,
	0x28, 0xf2, 0x0e, 0x95, 0x45, 0x2f};

enum err
isakmp_hdr_decode(struct rd *r, struct isakmp_hdr *h, struct why *why)
{
	size_t at = rd_offset(r), have = rd_left(r);
	enum err e;

	rd_copy(r, h->icookie, sizeof(h->icookie), "isakmp.icookie");
	rd_copy(r, h->rcookie, sizeof(h->rcookie), "isakmp.rcookie");
	h->next = rd_u8(r, "isakmp.next");
	h->version = rd_u8(r, "isakmp.version");
	h->exchange = rd_u8(r, "isakmp.exchange");
	h->flags = rd_u8(r, "isakmp.flags");
	h->msgid = rd_u32(r, "isakmp.msgid");
	h->len = rd_u32(r, "isakmp.length");
	e = rd_done(r, why, "RFC 2408 3.1");
	if (!e && (h->len < ISAKMP_HDR_LEN || h->len > have))
		e = err_set(why, ERR_LENGTH, "isakmp.length", at + 24, "RFC 2408 3.1");
	return e;
}

/* One generic header (3.2) and its body; *next is the type of what follows. */
static enum err
one(struct rd *r, struct isakmp_payload *p, uint8_t *next, struct why *why)
{
	size_t at = rd_offset(r), have = rd_left(r);
	const uint8_t *whole = r->p;
	uint16_t len;
	enum err e;

	*next = rd_u8(r, "payload.next");
	p->reserved = rd_u8(r, "payload.reserved");
	len = rd_u16(r, "payload.length");
	e = rd_done(r, why, "RFC 2408 3.2");
	if (e)
		return e;
	if (len < 4 || len > have)
		return err_set(why, ERR_LENGTH, "payload.length", at + 2, "RFC 2408 3.2");
	p->whole = whole;
	p->whole_len = len;
	p->body = rd_sub(r, len - (size_t)4, "payload.body");
	return ERR_OK;
}

enum err
isakmp_payloads_decode(struct rd *r, uint8_t first, struct isakmp_payloads *p, struct why *why)
{
	uint8_t type = first, next;
	enum err e;

	p->cnt = 0;
	while (type != ISAKMP_NONE) {
		if (p->cnt == ISAKMP_PAYLOADS_MAX)
			return err_set(
				why, ERR_FULL, "payload.count", rd_offset(r), "RFC 2408 3.2");
		p->v[p->cnt].type = type;
		e = one(r, &p->v[p->cnt], &next, why);
		if (e)
			return e;
		p->cnt++;
		type = next;
	}
	p->end = r->p;
	return ERR_OK;
}

const struct isakmp_payload *
isakmp_payload_find(const struct isakmp_payloads *p, uint8_t type, unsigned n)
{
	for (unsigned i = 0; i < p->cnt; i++)
		if (p->v[i].type == type && n-- == 0)
			return &p->v[i];
	return NULL;
}

static uint32_t
number(const uint8_t *p, size_t len)
{
	uint32_t v = 0;

	for (size_t i = 0; i < len; i++) {
		if (v >> 24)
			return UINT32_MAX;
		v = v << 8 | p[i];
	}
	return v;
}

enum err
isakmp_attr_decode(struct rd *r, struct isakmp_attr *a, struct why *why)
{
	uint16_t type = rd_u16(r, "attribute.type");
	enum err e;

	a->basic = type & 0x8000;
	a->type = type & 0x7fff;
	a->len = a->basic ? 2 : rd_u16(r, "attribute.length");
	a->value = rd_bytes(r, a->len, "attribute.value");
	e = rd_done(r, why, "RFC 2408 3.3");
	a->num = e ? 0 : number(a->value, a->len);
	return e;
}

enum err
isakmp_sa_decode(const struct isakmp_payload *p, struct isakmp_sa *sa, struct why *why)
{
	struct rd r = p->body;
	enum err e;

	sa->doi = rd_u32(&r, "sa.doi");
	sa->situation = rd_u32(&r, "sa.situation");
	e = rd_done(&r, why, "RFC 2408 3.4");
	sa->proposals = r;
	return e;
}

/* Proposals and transforms are chained like payloads, but with their own type or 0 as "next". */
static enum err
chained(struct rd *r, enum isakmp_type self, struct rd *body, uint8_t *reserved, bool *more,
	struct why *why)
{
	struct isakmp_payload p;
	size_t at = rd_offset(r);
	uint8_t next;
	enum err e = one(r, &p, &next, why);

	if (e)
		return e;
	*more = next != ISAKMP_NONE;
	if (next != ISAKMP_NONE && next != self)
		return err_set(why, ERR_VALUE, "sa.next", at, "RFC 2408 3.5, 3.6");
	if (*more != (rd_left(r) > 0))
		return err_set(why, ERR_LENGTH, "sa.length", at + 2, "RFC 2408 3.5, 3.6");
	*body = p.body;
	*reserved = p.reserved;
	return ERR_OK;
}

enum err
isakmp_proposal_decode(struct rd *r, struct isakmp_proposal *pr, struct why *why)
{
	struct rd body;
	enum err e = chained(r, ISAKMP_PROPOSAL, &body, &pr->reserved, &pr->more, why);

	if (e)
		return e;
	pr->number = rd_u8(&body, "proposal.number");
	pr->protocol = rd_u8(&body, "proposal.protocol");
	pr->spi_len = rd_u8(&body, "proposal.spisize");
	pr->transform_cnt = rd_u8(&body, "proposal.transforms");
	pr->spi = rd_bytes(&body, pr->spi_len, "proposal.spi");
	e = rd_done(&body, why, "RFC 2408 3.5");
	pr->transforms = body;
	return e;
}

enum err
isakmp_transform_decode(struct rd *r, struct isakmp_transform *t, struct why *why)
{
	struct rd body;
	bool more;
	enum err e = chained(r, ISAKMP_TRANSFORM, &body, &t->reserved, &more, why);

	if (e)
		return e;
	t->number = rd_u8(&body, "transform.number");
	t->id = rd_u8(&body, "transform.id");
	if (rd_u16(&body, "transform.reserved2"))
		t->reserved |= 1;
	e = rd_done(&body, why, "RFC 2408 3.6");
	t->attrs = body;
	return e;
}

enum err
isakmp_id_decode(const struct isakmp_payload *p, struct isakmp_id *id, struct why *why)
{
	struct rd r = p->body;

	id->type = rd_u8(&r, "id.type");
	id->protocol = rd_u8(&r, "id.protocol");
	id->port = rd_u16(&r, "id.port");
	id->len = rd_left(&r);
	id->data = rd_bytes(&r, id->len, "id.data");
	return rd_done(&r, why, "RFC 2407 4.6.2");
}

enum err
isakmp_notify_decode(const struct isakmp_payload *p, struct isakmp_notify *n, struct why *why)
{
	struct rd r = p->body;

	n->doi = rd_u32(&r, "notify.doi");
	n->protocol = rd_u8(&r, "notify.protocol");
	n->spi_len = rd_u8(&r, "notify.spisize");
	n->type = rd_u16(&r, "notify.type");
	n->spi = rd_bytes(&r, n->spi_len, "notify.spi");
	n->data_len = rd_left(&r);
	n->data = rd_bytes(&r, n->data_len, "notify.data");
	return rd_done(&r, why, "RFC 2408 3.14");
}

enum err
isakmp_delete_decode(const struct isakmp_payload *p, struct isakmp_delete *d, struct why *why)
{
	struct rd r = p->body;
	size_t at;
	enum err e;

	d->doi = rd_u32(&r, "delete.doi");
	d->protocol = rd_u8(&r, "delete.protocol");
	d->spi_len = rd_u8(&r, "delete.spisize");
	at = rd_offset(&r);
	d->spi_cnt = rd_u16(&r, "delete.spis");
	d->spis = rd_bytes(&r, (size_t)d->spi_cnt * d->spi_len, "delete.spi");
	e = rd_done(&r, why, "RFC 2408 3.15");
	if (!e && rd_left(&r))
		e = err_set(why, ERR_LENGTH, "delete.spis", at, "RFC 2408 3.15");
	return e;
}
