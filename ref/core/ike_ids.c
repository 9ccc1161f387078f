/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Client identities of Quick Mode (RFC 2407 4.6.2): an address or a subnet, a protocol, a port.
 * Ranges and names are refused.
 */
#include "ref/core/ike_int.h"

void
ike_id_write(struct isakmp_build *b, const struct ike_proxy *p)
{
	uint8_t data[8];
	uint32_t mask = ip4_mask(p->net.len);
	struct isakmp_id id = {
		.type = p->net.len == 32 ? ISAKMP_ID_IPV4 : ISAKMP_ID_IPV4_SUBNET,
		.protocol = p->proto,
		.port = p->port,
		.data = data,
		.len = p->net.len == 32 ? 4 : 8,
	};

	for (unsigned i = 0; i < 4; i++) {
		data[i] = (uint8_t)(p->net.addr >> (24 - 8 * i));
		data[4 + i] = (uint8_t)(mask >> (24 - 8 * i));
	}
	isakmp_build_id(b, &id);
}

/* False: a kind of identity, or a mask, that we cannot express. */
static bool
id_read(const struct isakmp_payload *p, struct ike_proxy *out, struct why *why)
{
	struct isakmp_id id;
	uint32_t mask = UINT32_MAX;
	struct rd r;

	if (isakmp_id_decode(p, &id, why))
		return false;
	rd_init(&r, id.data, id.len);
	out->net.addr = rd_u32(&r, "id.address");
	if (id.type == ISAKMP_ID_IPV4_SUBNET)
		mask = rd_u32(&r, "id.mask");
	else if (id.type != ISAKMP_ID_IPV4)
		return false;
	if (rd_done(&r, why, "RFC 2407 4.6.2") || rd_left(&r))
		return false;
	for (out->net.len = 0; out->net.len < 32 && mask >> (31 - out->net.len) & 1;)
		out->net.len++;
	if (mask != ip4_mask(out->net.len))
		return false;
	out->net.addr &= mask;
	out->proto = id.protocol;
	out->port = id.port;
	return true;
}

bool
ike_same_proxy(const struct ike_proxy *a, const struct ike_proxy *b)
{
	return a->net.addr == b->net.addr && a->net.len == b->net.len && a->proto == b->proto &&
	       a->port == b->port;
}

/* IDci and IDcr, in that order whoever sends; both or none. */
enum ike_reason
ike_read_ids(struct ike_msg *m, struct ike_proxy *ci, struct ike_proxy *cr, bool *given)
{
	const struct isakmp_payload *i = isakmp_payload_find(&m->p, ISAKMP_ID, 0);
	const struct isakmp_payload *r = isakmp_payload_find(&m->p, ISAKMP_ID, 1);

	*given = i != NULL;
	if (!i)
		return IKE_R_NONE;
	if (!r || isakmp_payload_find(&m->p, ISAKMP_ID, 2))
		return IKE_R_PROXY;
	return id_read(i, ci, &m->why) && id_read(r, cr, &m->why) ? IKE_R_NONE : IKE_R_PROXY;
}
