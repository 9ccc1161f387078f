/* SPDX-License-Identifier: BSD-2-Clause */
/* Building ISAKMP messages: a chain of payloads, types and lengths filled in as it grows. */
#include "ref/wire/isakmp.h"

void
isakmp_hdr_write(struct wr *w, const struct isakmp_hdr *h)
{
	wr_bytes(w, h->icookie, sizeof(h->icookie));
	wr_bytes(w, h->rcookie, sizeof(h->rcookie));
	wr_u8(w, h->next);
	wr_u8(w, h->version);
	wr_u8(w, h->exchange);
	wr_u8(w, h->flags);
	wr_u32(w, h->msgid);
	wr_u32(w, h->len);
}

void
isakmp_attr_basic(struct wr *w, uint16_t type, uint16_t value)
{
	wr_u16(w, (uint16_t)(type | 0x8000));
	wr_u16(w, value);
}

void
isakmp_attr_u32(struct wr *w, uint16_t type, uint32_t value)
{
	wr_u16(w, type);
	wr_u16(w, 4);
	wr_u32(w, value);
}

void
isakmp_build_init(struct isakmp_build *b, struct wr *w, const struct isakmp_hdr *h)
{
	b->w = w;
	b->start = w->len;
	b->next_at = w->len + 16;
	b->payload = 0;
	isakmp_hdr_write(w, h);
}

void
isakmp_build_begin(struct isakmp_build *b, enum isakmp_type type)
{
	if (!b->w->bad)
		b->w->base[b->next_at] = (uint8_t)type;
	b->payload = b->w->len;
	b->next_at = b->w->len;
	wr_u32(b->w, 0);
}

void
isakmp_build_end(struct isakmp_build *b)
{
	if (!b->w->bad)
		wr_patch_u16(b->w, b->payload + 2, (uint16_t)(b->w->len - b->payload));
	b->payload = 0;
}

void
isakmp_build_bytes(struct isakmp_build *b, enum isakmp_type type, const void *body, size_t len)
{
	isakmp_build_begin(b, type);
	wr_bytes(b->w, body, len);
	isakmp_build_end(b);
}

void
isakmp_build_notify(struct isakmp_build *b, uint8_t protocol, uint16_t type, const void *spi,
	size_t spi_len, const void *data, size_t len)
{
	isakmp_build_begin(b, ISAKMP_NOTIFY);
	wr_u32(b->w, ISAKMP_DOI_IPSEC);
	wr_u8(b->w, protocol);
	wr_u8(b->w, (uint8_t)spi_len);
	wr_u16(b->w, type);
	wr_bytes(b->w, spi, spi_len);
	wr_bytes(b->w, data, len);
	isakmp_build_end(b);
}

void
isakmp_build_delete(struct isakmp_build *b, uint8_t protocol, const void *spi, size_t spi_len)
{
	isakmp_build_begin(b, ISAKMP_DELETE);
	wr_u32(b->w, ISAKMP_DOI_IPSEC);
	wr_u8(b->w, protocol);
	wr_u8(b->w, (uint8_t)spi_len);
	wr_u16(b->w, 1);
	wr_bytes(b->w, spi, spi_len);
	isakmp_build_end(b);
}

void
isakmp_build_id(struct isakmp_build *b, const struct isakmp_id *id)
{
	isakmp_build_begin(b, ISAKMP_ID);
	wr_u8(b->w, id->type);
	wr_u8(b->w, id->protocol);
	wr_u16(b->w, id->port);
	wr_bytes(b->w, id->data, id->len);
	isakmp_build_end(b);
}

void
isakmp_build_done(struct isakmp_build *b)
{
	if (!b->w->bad)
		wr_patch_u32(b->w, b->start + 24, (uint32_t)(b->w->len - b->start));
}
