/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables: each format's fields in the order of the wire. Everything else in this folder reads
 * them. Widths in bits; 0 is sized by another field or by what is left. Names are ours, after the
 * protocol; the clause says where the field is defined.
 *
 * SSP's tables are in formats_ssp.c.
 */
#include <string.h>

#include "harness/field/formats.h"

/* A number; a fixed number; a number computed when building; octets. */
#define NUM(n, b, p, c)                                                                            \
	{                                                                                          \
		.name = n, .bits = b, .preset = p, .clause = c                                     \
	}
#define FIX(n, b, p, c)                                                                            \
	{                                                                                          \
		.name = n, .bits = b, .preset = p, .must = true, .clause = c                       \
	}
#define CALC(n, b, f, c)                                                                           \
	{                                                                                          \
		.name = n, .bits = b, .fill = f, .clause = c                                       \
	}
#define ADDR(n, p, c)                                                                              \
	{                                                                                          \
		.name = n, .bits = 32, .kind = FIELD_IP4, .preset = p, .clause = c                 \
	}
#define HW(n, p, c)                                                                                \
	{                                                                                          \
		.name = n, .bits = 48, .kind = FIELD_MAC, .preset = p, .clause = c                 \
	}
#define OCTETS(n, b, c)                                                                            \
	{                                                                                          \
		.name = n, .bits = b, .kind = FIELD_BYTES, .clause = c                             \
	}
#define REST(n, c)                                                                                 \
	{                                                                                          \
		.name = n, .kind = FIELD_BYTES, .clause = c                                        \
	}
#define SIZED(n, by, mul, sub, c)                                                                  \
	{                                                                                          \
		.name = n, .kind = FIELD_BYTES, .size_by = by, .size_mul = mul, .size_sub = sub,   \
		.clause = c                                                                        \
	}
/* A field that counts a sized one: units of `mul` octets, `sub` octets counted besides. */
#define SIZE(n, b, c)                                                                              \
	{                                                                                          \
		.name = n, .bits = b, .fill = FIELD_SIZE, .clause = c                              \
	}

#define FORMAT(var, n, t, l)                                                                       \
	const struct field_format field_format_##var = {.name = n,                                 \
		.fields = var##_fields,                                                            \
		.field_cnt = sizeof var##_fields / sizeof var##_fields[0],                         \
		.type = t,                                                                         \
		.level = l}

static const struct field_def eth_fields[] = {
	HW("eth.dst", 0xffffffffffff, "IEEE 802.3 3.2.4"),
	HW("eth.src", 0x020000000001, "IEEE 802.3 3.2.5"),
	CALC("eth.type", 16, FIELD_BEHIND, "IEEE 802.3 3.2.6"),
};
FORMAT(eth, "eth", 0, 0);

static const struct field_def vlan_fields[] = {
	NUM("vlan.pcp", 3, 0, "IEEE 802.1Q 9.6"),
	NUM("vlan.dei", 1, 0, "IEEE 802.1Q 9.6"),
	NUM("vlan.id", 12, 1, "IEEE 802.1Q 9.6"),
	CALC("vlan.type", 16, FIELD_BEHIND, "IEEE 802.1Q 9.4"),
};
FORMAT(vlan, "vlan", 0x8100, 1);

static const struct field_def sll_fields[] = {
	NUM("sll.packet", 16, 0, "LINKTYPE_LINUX_SLL"),
	NUM("sll.hard", 16, 1, "LINKTYPE_LINUX_SLL"),
	NUM("sll.addrlen", 16, 6, "LINKTYPE_LINUX_SLL"),
	OCTETS("sll.addr", 64, "LINKTYPE_LINUX_SLL"),
	CALC("sll.type", 16, FIELD_BEHIND, "LINKTYPE_LINUX_SLL"),
};
FORMAT(sll, "sll", 0, 0);

static const struct field_def sll2_fields[] = {
	CALC("sll2.type", 16, FIELD_BEHIND, "LINKTYPE_LINUX_SLL2"),
	NUM("sll2.reserved", 16, 0, "LINKTYPE_LINUX_SLL2"),
	NUM("sll2.ifindex", 32, 1, "LINKTYPE_LINUX_SLL2"),
	NUM("sll2.hard", 16, 1, "LINKTYPE_LINUX_SLL2"),
	NUM("sll2.packet", 8, 0, "LINKTYPE_LINUX_SLL2"),
	NUM("sll2.addrlen", 8, 6, "LINKTYPE_LINUX_SLL2"),
	OCTETS("sll2.addr", 64, "LINKTYPE_LINUX_SLL2"),
};
FORMAT(sll2, "sll2", 0, 0);

static const struct field_def arp_fields[] = {
	FIX("arp.hard", 16, 1, "RFC 826"),
	FIX("arp.proto", 16, 0x0800, "RFC 826"),
	FIX("arp.hlen", 8, 6, "RFC 826"),
	FIX("arp.plen", 8, 4, "RFC 826"),
	NUM("arp.op", 16, 1, "RFC 826"),
	HW("arp.sha", 0x020000000001, "RFC 826"),
	ADDR("arp.spa", 0, "RFC 826"),
	HW("arp.tha", 0, "RFC 826"),
	ADDR("arp.tpa", 0, "RFC 826"),
};
FORMAT(arp, "arp", 0x0806, 1);

static const struct field_def ipv4_fields[] = {
	FIX("ip.version", 4, 4, "RFC 791 3.1"),
	SIZE("ip.ihl", 4, "RFC 791 3.1"),
	NUM("ip.tos", 8, 0, "RFC 791 3.1"),
	CALC("ip.length", 16, FIELD_LENGTH, "RFC 791 3.1"),
	NUM("ip.id", 16, 1, "RFC 791 3.1"),
	NUM("ip.reserved", 1, 0, "RFC 791 3.1"),
	NUM("ip.df", 1, 0, "RFC 791 3.1"),
	NUM("ip.mf", 1, 0, "RFC 791 3.1"),
	NUM("ip.fragoff", 13, 0, "RFC 791 3.1"),
	NUM("ip.ttl", 8, 64, "RFC 791 3.1"),
	CALC("ip.proto", 8, FIELD_NEXT, "RFC 791 3.1"),
	CALC("ip.checksum", 16, FIELD_CHECKSUM, "RFC 791 3.1"),
	ADDR("ip.src", 0, "RFC 791 3.1"),
	ADDR("ip.dst", 0, "RFC 791 3.1"),
	SIZED("ip.options", "ip.ihl", 4, 20, "RFC 791 3.1"),
};
FORMAT(ipv4, "ipv4", 0x0800, 1);

static const struct field_def udp_fields[] = {
	CALC("udp.sport", 16, FIELD_NEXT, "RFC 768"),
	CALC("udp.dport", 16, FIELD_NEXT, "RFC 768"),
	CALC("udp.length", 16, FIELD_LENGTH, "RFC 768"),
	CALC("udp.checksum", 16, FIELD_CHECKSUM, "RFC 768"),
};
FORMAT(udp, "udp", 17, 2);

static const struct field_def icmp_fields[] = {
	NUM("icmp.type", 8, 8, "RFC 792"),
	NUM("icmp.code", 8, 0, "RFC 792"),
	CALC("icmp.checksum", 16, FIELD_CHECKSUM, "RFC 792"),
	NUM("icmp.id", 16, 1, "RFC 792"),
	NUM("icmp.seq", 16, 1, "RFC 792"),
};
FORMAT(icmp, "icmp", 1, 2);

static const struct field_def tcp_fields[] = {
	NUM("tcp.sport", 16, 0, "RFC 793 3.1"),
	NUM("tcp.dport", 16, 0, "RFC 793 3.1"),
	NUM("tcp.seq", 32, 0, "RFC 793 3.1"),
	NUM("tcp.ack", 32, 0, "RFC 793 3.1"),
	SIZE("tcp.doff", 4, "RFC 793 3.1"),
	NUM("tcp.reserved", 4, 0, "RFC 793 3.1"),
	NUM("tcp.flags", 8, 2, "RFC 793 3.1"),
	NUM("tcp.window", 16, 65535, "RFC 793 3.1"),
	CALC("tcp.checksum", 16, FIELD_CHECKSUM, "RFC 793 3.1"),
	NUM("tcp.urgent", 16, 0, "RFC 793 3.1"),
	SIZED("tcp.options", "tcp.doff", 4, 20, "RFC 793 3.1"),
};
FORMAT(tcp, "tcp", 6, 2);

static const struct field_def esp_fields[] = {
	NUM("esp.spi", 32, 0x100, "RFC 4303 2.1"),
	NUM("esp.seq", 32, 1, "RFC 4303 2.2"),
	REST("esp.data", "RFC 4303 2.3"),
};
FORMAT(esp, "esp", 50, 3); /* within IP, or within UDP (RFC 3948 2.1) */

static const struct field_def nonesp_fields[] = {
	FIX("nonesp.marker", 32, 0, "RFC 3948 2.2"),
};
FORMAT(nonesp, "nonesp", 4500, 3);

/* RFC 2281 5.1: one format for Hello, Coup, Resign. */
static const struct field_def hsrp_fields[] = {
	FIX("hsrp.version", 8, 0, "RFC 2281 5.1"),
	NUM("hsrp.opcode", 8, 0, "RFC 2281 5.1"),
	NUM("hsrp.state", 8, 16, "RFC 2281 5.1"),
	NUM("hsrp.hellotime", 8, 3, "RFC 2281 5.1"),
	NUM("hsrp.holdtime", 8, 10, "RFC 2281 5.1"),
	NUM("hsrp.priority", 8, 100, "RFC 2281 5.1"),
	NUM("hsrp.group", 8, 0, "RFC 2281 5.1"),
	NUM("hsrp.reserved", 8, 0, "RFC 2281 5.1"),
	{.name = "hsrp.auth",
		.bits = 64,
		.kind = FIELD_TEXT,
		.preset = 0x636973636f000000,
		.clause = "RFC 2281 5.1"},
	ADDR("hsrp.vip", 0, "RFC 2281 5.1"),
};
FORMAT(hsrp, "hsrp", 1985, 3);

/* Opcode 3, not in the RFC: as real routers send it. */
static const struct field_def hsrpadv_fields[] = {
	FIX("hsrpadv.version", 8, 0, "HSRP-28"),
	FIX("hsrpadv.opcode", 8, 3, "HSRP-28"),
	NUM("hsrpadv.type", 16, 1, "HSRP-28"),
	CALC("hsrpadv.length", 16, FIELD_PLAIN, "HSRP-28"),
	NUM("hsrpadv.state", 8, 2, "HSRP-28"),
	NUM("hsrpadv.reserved1", 8, 0, "HSRP-28"),
	NUM("hsrpadv.active", 16, 0, "HSRP-28"),
	NUM("hsrpadv.passive", 16, 1, "HSRP-28"),
	NUM("hsrpadv.reserved2", 32, 0, "HSRP-28"),
};
FORMAT(hsrpadv, "hsrpadv", 1985, 3);

static const struct field_def isakmp_fields[] = {
	NUM("isakmp.icookie", 64, 0x1122334455667788, "RFC 2408 3.1"),
	NUM("isakmp.rcookie", 64, 0, "RFC 2408 3.1"),
	CALC("isakmp.next", 8, FIELD_NEXT, "RFC 2408 3.1"),
	FIX("isakmp.major", 4, 1, "RFC 2408 3.1"),
	NUM("isakmp.minor", 4, 0, "RFC 2408 3.1"),
	NUM("isakmp.exchange", 8, 2, "RFC 2408 3.1"),
	NUM("isakmp.flags", 8, 0, "RFC 2408 3.1"),
	NUM("isakmp.msgid", 32, 0, "RFC 2408 3.1"),
	CALC("isakmp.length", 32, FIELD_LENGTH, "RFC 2408 3.1"),
};
FORMAT(isakmp, "isakmp", 500, 3);

static const struct field_def encrypted_fields[] = {
	REST("isakmp.encrypted.data", "RFC 2408 3.1"),
};
FORMAT(encrypted, "isakmp.encrypted", 0, 4);

/* RFC 2408 3.2: the generic header, in front of each payload. */
#define GENERIC(n)                                                                                 \
	CALC("isakmp." n ".next", 8, FIELD_SIBLING, "RFC 2408 3.2"),                               \
		FIX("isakmp." n ".reserved", 8, 0, "RFC 2408 3.2"),                                \
		CALC("isakmp." n ".length", 16, FIELD_LENGTH, "RFC 2408 3.2")

static const struct field_def sa_fields[] = {
	GENERIC("sa"),
	NUM("isakmp.sa.doi", 32, 1, "RFC 2408 3.4"),
	NUM("isakmp.sa.situation", 32, 1, "RFC 2407 4.2"),
};
FORMAT(sa, "isakmp.sa", 1, 4);

static const struct field_def prop_fields[] = {
	GENERIC("prop"),
	NUM("isakmp.prop.number", 8, 1, "RFC 2408 3.5"),
	NUM("isakmp.prop.protocol", 8, 1, "RFC 2408 3.5"),
	SIZE("isakmp.prop.spisize", 8, "RFC 2408 3.5"),
	CALC("isakmp.prop.transforms", 8, FIELD_COUNT, "RFC 2408 3.5"),
	SIZED("isakmp.prop.spi", "isakmp.prop.spisize", 1, 0, "RFC 2408 3.5"),
};
FORMAT(prop, "isakmp.prop", 2, 5);

static const struct field_def transform_fields[] = {
	GENERIC("transform"),
	NUM("isakmp.transform.number", 8, 1, "RFC 2408 3.6"),
	NUM("isakmp.transform.id", 8, 1, "RFC 2408 3.6"),
	FIX("isakmp.transform.reserved2", 16, 0, "RFC 2408 3.6"),
};
FORMAT(transform, "isakmp.transform", 3, 6);

static const struct field_def attr_fields[] = {
	FIX("isakmp.attr.tv", 1, 1, "RFC 2408 3.3"),
	NUM("isakmp.attr.type", 15, 1, "RFC 2408 3.3"),
	NUM("isakmp.attr.value", 16, 0, "RFC 2408 3.3"),
};
FORMAT(attr, "isakmp.attr", 0, 7);

static const struct field_def attrv_fields[] = {
	FIX("isakmp.attrv.tv", 1, 0, "RFC 2408 3.3"),
	NUM("isakmp.attrv.type", 15, 12, "RFC 2408 3.3"),
	CALC("isakmp.attrv.length", 16, FIELD_BODY, "RFC 2408 3.3"),
	REST("isakmp.attrv.value", "RFC 2408 3.3"),
};
FORMAT(attrv, "isakmp.attrv", 0, 7);

#define PAYLOAD(var, n, t, c)                                                                      \
	static const struct field_def var##_fields[] = {GENERIC(n), REST("isakmp." n ".data", c)}; \
	FORMAT(var, "isakmp." n, t, 4)

PAYLOAD(ke, "ke", 4, "RFC 2408 3.7");
PAYLOAD(hash, "hash", 8, "RFC 2408 3.11");
PAYLOAD(sig, "sig", 9, "RFC 2408 3.12");
PAYLOAD(nonce, "nonce", 10, "RFC 2408 3.13");
PAYLOAD(vid, "vid", 13, "RFC 2408 3.16");
PAYLOAD(natd, "natd", 20, "RFC 3947 3.2");
PAYLOAD(unknown, "unknown", 255, "RFC 2408 3.2");

static const struct field_def id_fields[] = {
	GENERIC("id"),
	NUM("isakmp.id.type", 8, 1, "RFC 2407 4.6.2"),
	NUM("isakmp.id.protocol", 8, 0, "RFC 2407 4.6.2"),
	NUM("isakmp.id.port", 16, 0, "RFC 2407 4.6.2"),
	REST("isakmp.id.data", "RFC 2407 4.6.2.1"),
};
FORMAT(id, "isakmp.id", 5, 4);

static const struct field_def cert_fields[] = {
	GENERIC("cert"),
	NUM("isakmp.cert.encoding", 8, 4, "RFC 2408 3.9"),
	REST("isakmp.cert.data", "RFC 2408 3.9"),
};
FORMAT(cert, "isakmp.cert", 6, 4);

static const struct field_def cr_fields[] = {
	GENERIC("cr"),
	NUM("isakmp.cr.type", 8, 4, "RFC 2408 3.10"),
	REST("isakmp.cr.data", "RFC 2408 3.10"),
};
FORMAT(cr, "isakmp.cr", 7, 4);

static const struct field_def notify_fields[] = {
	GENERIC("notify"),
	NUM("isakmp.notify.doi", 32, 1, "RFC 2408 3.14"),
	NUM("isakmp.notify.protocol", 8, 1, "RFC 2408 3.14"),
	SIZE("isakmp.notify.spisize", 8, "RFC 2408 3.14"),
	NUM("isakmp.notify.type", 16, 36136, "RFC 2408 3.14.1"),
	SIZED("isakmp.notify.spi", "isakmp.notify.spisize", 1, 0, "RFC 2408 3.14"),
	REST("isakmp.notify.data", "RFC 2408 3.14"),
};
FORMAT(notify, "isakmp.notify", 11, 4);

static const struct field_def delete_fields[] = {
	GENERIC("delete"),
	NUM("isakmp.delete.doi", 32, 1, "RFC 2408 3.15"),
	NUM("isakmp.delete.protocol", 8, 3, "RFC 2408 3.15"),
	NUM("isakmp.delete.spisize", 8, 4, "RFC 2408 3.15"),
	NUM("isakmp.delete.count", 16, 1, "RFC 2408 3.15"),
	REST("isakmp.delete.spis", "RFC 2408 3.15"),
};
FORMAT(delete, "isakmp.delete", 12, 4);

static const struct field_def natoa_fields[] = {
	GENERIC("natoa"),
	NUM("isakmp.natoa.type", 8, 1, "RFC 3947 5.2"),
	FIX("isakmp.natoa.reserved2", 24, 0, "RFC 3947 5.2"),
	REST("isakmp.natoa.data", "RFC 3947 5.2"),
};
FORMAT(natoa, "isakmp.natoa", 21, 4);

static const struct field_def data_fields[] = {
	REST("data.bytes", "-"),
};
FORMAT(data, "data", 0, 9);

/* Behind everything: padding, and what a length does not cover. No layer counts it as its own. */
static const struct field_def trailer_fields[] = {
	REST("trailer.bytes", "-"),
};
FORMAT(trailer, "trailer", 0, 0);

/* No part of a message: what shall be done to one that is sealed (harness/keys/keyseal.h). */
static const struct field_def seal_fields[] = {
	REST("seal.iv", "RFC 4303 2.3"),
	REST("seal.last", "RFC 2409 5.5"),
	NUM("seal.next", 8, 4, "RFC 4303 2.6"),
	REST("seal.padding", "RFC 4303 2.4"),
	NUM("seal.padlen", 8, 0, "RFC 4303 2.5"),
	REST("seal.icv", "RFC 4303 2.8"),
	NUM("seal.hash", 8, 0, "RFC 2409 5.5"),
	REST("seal.ni", "RFC 2409 5.5"),
	REST("seal.nr", "RFC 2409 5.5"),
};
FORMAT(seal, "seal", 0, 0);

static const struct field_format *const own[] = {&field_format_eth, &field_format_vlan,
	&field_format_sll, &field_format_sll2, &field_format_arp,
	&field_format_ipv4, &field_format_udp, &field_format_icmp, &field_format_tcp,
	&field_format_esp, &field_format_nonesp, &field_format_hsrp, &field_format_hsrpadv,
	&field_format_isakmp, &field_format_encrypted, &field_format_sa, &field_format_prop,
	&field_format_transform, &field_format_attr, &field_format_attrv, &field_format_ke,
	&field_format_id, &field_format_cert, &field_format_cr, &field_format_hash,
	&field_format_sig, &field_format_nonce, &field_format_notify, &field_format_delete,
	&field_format_vid, &field_format_natd, &field_format_natoa, &field_format_unknown,
	&field_format_data, &field_format_trailer,
	&field_format_seal};

#define OWN (sizeof own / sizeof own[0])

const struct field_format *
field_format_nth(size_t n)
{
	if (n < OWN)
		return own[n];
	return n == OWN ? &field_format_ssp : field_format_ssp_nth(n - OWN - 1);
}

const struct field_format *
field_format(const char *name)
{
	for (size_t i = 0; i < OWN; i++)
		if (own[i]->name[0] == name[0] && !strcmp(own[i]->name, name))
			return own[i];
	return field_format_ssp_by_name(name);
}

const struct field_format *
field_format_payload(uint8_t type)
{
	for (size_t i = 0; i < OWN; i++)
		if (own[i]->level == 4 && own[i]->type == type && own[i] != &field_format_encrypted)
			return own[i];
	return &field_format_unknown;
}
