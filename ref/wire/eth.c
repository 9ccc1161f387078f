/* SPDX-License-Identifier: BSD-2-Clause */
#include "ref/wire/eth.h"

const struct mac eth_broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

void
eth_read(struct rd *r, struct eth *e)
{
	rd_copy(r, e->dst.b, sizeof e->dst.b, "eth.dst");
	rd_copy(r, e->src.b, sizeof e->src.b, "eth.src");
	e->type = rd_u16(r, "eth.type");
}

void
eth_write(struct wr *w, const struct eth *e)
{
	wr_bytes(w, e->dst.b, sizeof e->dst.b);
	wr_bytes(w, e->src.b, sizeof e->src.b);
	wr_u16(w, e->type);
}

enum err
arp_decode(struct rd *r, struct arp *a, struct why *why)
{
	size_t at = rd_offset(r);
	uint16_t hrd = rd_u16(r, "arp.hrd");
	uint16_t pro = rd_u16(r, "arp.pro");
	uint8_t hln = rd_u8(r, "arp.hln");
	uint8_t pln = rd_u8(r, "arp.pln");
	enum err e;

	a->op = rd_u16(r, "arp.op");
	rd_copy(r, a->sha.b, sizeof a->sha.b, "arp.sha");
	a->spa = rd_u32(r, "arp.spa");
	rd_copy(r, a->tha.b, sizeof a->tha.b, "arp.tha");
	a->tpa = rd_u32(r, "arp.tpa");
	e = rd_done(r, why, "RFC 826");
	if (e)
		return e;
	if (hrd != 1 || hln != 6)
		return err_set(why, ERR_UNSUPPORTED, "arp.hrd", at, "RFC 826");
	if (pro != ETH_TYPE_IP4 || pln != 4)
		return err_set(why, ERR_UNSUPPORTED, "arp.pro", at + 2, "RFC 826");
	return ERR_OK;
}

void
arp_write(struct wr *w, const struct arp *a)
{
	wr_u16(w, 1);
	wr_u16(w, ETH_TYPE_IP4);
	wr_u8(w, 6);
	wr_u8(w, 4);
	wr_u16(w, a->op);
	wr_bytes(w, a->sha.b, sizeof a->sha.b);
	wr_u32(w, a->spa);
	wr_bytes(w, a->tha.b, sizeof a->tha.b);
	wr_u32(w, a->tpa);
}
