/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_FIELD_FORMATS_H
#define BATON_FIELD_FORMATS_H

/* The tables by name, for the files of this folder. Outside, use field_format(). */
#include "harness/field/field.h"

extern const struct field_format format_eth, format_arp, format_ipv4, format_udp, format_icmp,
	format_tcp, format_esp, format_nonesp, format_hsrp, format_hsrpadv, format_isakmp,
	format_encrypted, format_sa, format_prop, format_transform, format_attr, format_attrv,
	format_ke, format_id, format_cert, format_cr, format_hash, format_sig, format_nonce,
	format_notify, format_delete, format_vid, format_natd, format_natoa, format_unknown,
	format_data, format_ssp;

/* The payload with that type number; format_unknown if there is none. */
const struct field_format *format_payload(uint8_t type);
/* The TLV with that type; NULL if there is none. */
const struct field_format *format_ssp_tlv(uint16_t type);
/* "ssp" or "ssp.<tlv>"; NULL if there is none. */
const struct field_format *format_ssp_by_name(const char *name);
/* SSP's TLVs in the order of their numbers, from 0; NULL behind the last. */
const struct field_format *format_ssp_nth(size_t n);

/* Checksum of a layer over bytes with its checksum field zero; pseudo header from the IP layer. */
struct sum_in {
	const uint8_t *bytes;
	size_t len;
	uint32_t src, dst;
	uint8_t proto; /* 0: no pseudo header */
};
uint16_t format_checksum(const struct sum_in *s);

#endif
