/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_FIELD_FORMATS_H
#define BATON_FIELD_FORMATS_H

/* The tables by name, for the files of this folder. Outside, use field_format(). */
#include "harness/field/field.h"

extern const struct field_format field_format_eth, field_format_vlan, field_format_sll,
	field_format_sll2, field_format_arp, field_format_ipv4,
	field_format_udp, field_format_icmp, field_format_tcp, field_format_esp,
	field_format_nonesp, field_format_hsrp, field_format_hsrpadv, field_format_isakmp,
	field_format_encrypted, field_format_sa, field_format_prop, field_format_transform,
	field_format_attr, field_format_attrv, field_format_ke, field_format_id, field_format_cert,
	field_format_cr, field_format_hash, field_format_sig, field_format_nonce,
	field_format_notify, field_format_delete, field_format_vid, field_format_natd,
	field_format_natoa, field_format_unknown, field_format_data, field_format_trailer, field_format_seal,
	field_format_ssp;

/* The payload with that type number; field_format_unknown if there is none. */
const struct field_format *field_format_payload(uint8_t type);
/* The TLV with that type; NULL if there is none. */
const struct field_format *field_format_ssp_tlv(uint16_t type);
/* "ssp" or "ssp.<tlv>"; NULL if there is none. */
const struct field_format *field_format_ssp_by_name(const char *name);
/* SSP's TLVs in the order of their numbers, from 0; NULL behind the last. */
const struct field_format *field_format_ssp_nth(size_t n);

/* Checksum of a layer over bytes with its checksum field zero; pseudo header from the IP layer. */
struct sum_in {
	const uint8_t *bytes;
	size_t len;
	uint32_t src, dst;
	uint8_t proto; /* 0: no pseudo header */
};
uint16_t field_format_checksum(const struct sum_in *s);

#endif
